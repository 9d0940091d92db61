-- ---- segmentations by rules: conditions that people write, over one row per customer ----

CREATE FUNCTION as_of() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'segment_as_of' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION as_of() IS
$$The instant that the running refresh speaks of, for sources and rules, which must not read the clock:
last_order_at < as_of() - interval '90 days'.
Outside of a refresh it is the setting segment.as_of, or where that is empty, now().
Errors: those of reading the setting as a time.$$;

CREATE TABLE rule_version (
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    note text,
    changed_by name NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (segmentation, version)
);
COMMENT ON TABLE rule_version IS
'What the rules of segmentations were, a row for each change; see segment_rule_versions, which tells what changed.';
COMMENT ON COLUMN rule_version.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN rule_version.version IS 'From 1; the highest is the one in use.';
COMMENT ON COLUMN rule_version.definition IS
$$The rules in the order of their priority, each with segment_id, segment, rule and description; rest, exclusive and
keep, as in the options of the segmentation.$$;
COMMENT ON COLUMN rule_version.note IS 'Why, as whoever changed it said.';
COMMENT ON COLUMN rule_version.changed_by IS 'Role that was logged in.';
COMMENT ON COLUMN rule_version.changed_at IS 'When.';
SELECT pg_catalog.pg_extension_config_dump('rule_version', '');
ALTER TABLE rule_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON rule_version FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
COMMENT ON POLICY reader ON rule_version IS 'Visible with the segmentation.';

-- ---- checking what a user gave ----

CREATE FUNCTION segment_internal.rule_columns(source text, search_path text, rule text, segment text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segment_rule_columns' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.rule_columns(text, text, text, text) IS
$$The columns of a source that a rule reads, or the error that the rule is refused for, with the name of its segment
and the place in its text.
Errors: syntax_error where it is not one expression, datatype_mismatch where it is not boolean, grouping_error for
aggregates of the rows, windowing_error, feature_not_supported for sets and locks, invalid_parameter_value for
volatile functions and the clock, and those of the server's parser.$$;

CREATE FUNCTION segment_internal.rules_from_json(rules json) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    example CONSTANT text := 'For instance {"VIP": "revenue > 1000", "New": {"rule": "orders = 1", "description": "first order"}}.';
    result jsonb := '[]';
    one record;
    wrong text;
BEGIN
    IF json_typeof(rules) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'rules must be a JSON object of segments and their rules, not %', coalesce(json_typeof(rules), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    FOR one IN SELECT j.key, j.value::jsonb AS value FROM json_each(rules) AS j LOOP
        IF one.key = '' THEN
            RAISE EXCEPTION 'the name of a segment must not be empty' USING ERRCODE = 'invalid_name';
        END IF;
        IF result @> jsonb_build_array(jsonb_build_object('segment', one.key)) THEN
            RAISE EXCEPTION 'segment "%" has two rules', one.key
                USING ERRCODE = 'duplicate_object', HINT = 'Join them by OR.';
        END IF;
        IF jsonb_typeof(one.value) = 'string' THEN
            one.value := jsonb_build_object('rule', one.value);
        END IF;
        IF jsonb_typeof(one.value) <> 'object' OR jsonb_typeof(one.value -> 'rule') IS DISTINCT FROM 'string' THEN
            RAISE EXCEPTION 'segment "%" has no rule: expected a string, or an object with "rule" and "description"', one.key
                USING ERRCODE = 'invalid_parameter_value', HINT = example;
        END IF;
        SELECT k INTO wrong FROM jsonb_object_keys(one.value) AS k WHERE k NOT IN ('rule', 'description') LIMIT 1;
        IF FOUND OR jsonb_typeof(one.value -> 'description') NOT IN ('string', 'null') THEN
            RAISE EXCEPTION 'segment "%" has %', one.key,
                            coalesce(format('"%s", which a rule has not', wrong), 'a description that is no string')
                USING ERRCODE = 'invalid_parameter_value', HINT = example;
        END IF;
        result := result || jsonb_build_object('segment', one.key, 'rule', one.value -> 'rule',
                                               'description', one.value -> 'description');
    END LOOP;
    IF result = '[]' THEN
        RAISE EXCEPTION 'there are no rules' USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_from_json(json) IS
$$The rules that create_rule_segmentation was given, as an array in their order.
Errors: invalid_parameter_value, invalid_name, duplicate_object.$$;

CREATE FUNCTION segment_internal.bind_rules_columns(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    there text[];
    types regtype[];
    keep text[] := ARRAY(SELECT jsonb_array_elements_text(s.options -> 'keep'));
    wanted text[];
    one text;
    rule jsonb;
    n integer;
BEGIN
    SELECT array_agg(c.name ORDER BY c.number), array_agg(c.type ORDER BY c.number) INTO there, types
    FROM segment_internal.query_columns(s.source, s.search_path, permanent => true) AS c;
    wanted := ARRAY[coalesce(s.source_columns[1], there[1])] || keep;
    IF 'next_transition_at' = ANY (there) THEN
        wanted := wanted || ARRAY['next_transition_at'];
    END IF;
    FOR rule IN SELECT r FROM jsonb_array_elements(s.options -> 'rules') AS r LOOP
        wanted := wanted || segment_internal.rule_columns(s.source, s.search_path, rule ->> 'rule', rule ->> 'segment');
    END LOOP;
    s.source_columns := '{}';
    s.source_types := '{}';
    FOREACH one IN ARRAY wanted LOOP
        CONTINUE WHEN one = ANY (s.source_columns);
        n := array_position(there, one);
        IF n IS NULL THEN
            RAISE EXCEPTION 'the source has no column "%"', coalesce(one, '(null)')
                USING ERRCODE = 'undefined_column', HINT = format('It has: %s.', array_to_string(there, ', '));
        END IF;
        IF array_position(there, one, n + 1) IS NOT NULL THEN
            RAISE EXCEPTION 'column "%" is there more than once', one
                USING ERRCODE = 'duplicate_column', HINT = 'Give each column of the source a name of its own.';
        END IF;
        s.source_columns := s.source_columns || one;
        s.source_types := s.source_types || format_type(types[n], -1);
        IF one = 'next_transition_at' AND types[n] <> 'timestamptz'::regtype THEN
            RAISE EXCEPTION 'column "next_transition_at" of the source is of type %, expected timestamp with time zone', types[n]
                USING ERRCODE = 'datatype_mismatch',
                      HINT = 'It says when a customer''s answers change next by time alone; another column needs another name.';
        END IF;
        IF one = ANY (keep) THEN
            BEGIN
                -- as the steps of a refresh will compare it
                EXECUTE format('SELECT NULL::%1$s IS DISTINCT FROM NULL::%1$s', format_type(types[n], -1));
            EXCEPTION WHEN undefined_function THEN
                RAISE EXCEPTION 'column "%" of type % cannot be kept, because it cannot be compared', one, types[n]
                    USING ERRCODE = 'datatype_mismatch', HINT = 'Cast it in the source, for instance to text.';
            END;
        END IF;
    END LOOP;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.bind_rules_columns(segmentation) IS
$$A segmentation with the columns that are read of its source, and their types as they are now: the key (by default
the first), those that are kept, and those that a rule reads.
Errors: those of rule_columns, undefined_column, duplicate_column, datatype_mismatch.$$;

CREATE FUNCTION segment_internal.check_rules_options(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s.options <> (SELECT g.options FROM segment.segmentation AS g WHERE g.name = s.name) THEN
        RAISE EXCEPTION 'segmentation "%" has no options: it is made of rules', s.name
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'set_segment_rule() and drop_segment_rule() change them.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rules_options(segmentation) IS
'The segmentation, or an error: options of rules are their definition, and have functions of their own.';

-- ---- what this kind supplies ----

CREATE FUNCTION segment_internal.rules_columns(s segmentation,
    OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text)
    RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
    SELECT 1, 'next_transition_at', 'timestamp with time zone', false, false,
           'When the answer of a rule changes next by time alone, as the source has it; NULL: not known.'
    UNION ALL
    SELECT 1 + k.n::integer, k.name, s.source_types[array_position(s.source_columns, k.name)], false, true,
           'Fact, as the source had it at the last refresh.'
    FROM jsonb_array_elements_text(s.options -> 'keep') WITH ORDINALITY AS k (name, n);
END;
COMMENT ON FUNCTION segment_internal.rules_columns(segmentation) IS
'member_columns of segmentations by rules: facts that are kept.';

CREATE FUNCTION segment_internal.rules_statement(s segmentation) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    whens text;
    answer text;
BEGIN
    -- a rule ends with its line, because it may close with a comment
    SELECT string_agg(format(E'WHEN (\n%s\n) THEN %s', r.rule ->> 'rule', r.rule ->> 'segment_id'),
                      CASE WHEN (s.options ->> 'exclusive')::boolean THEN E'\n' ELSE E' END,\nCASE ' END ORDER BY r.n)
    INTO whens
    FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n);
    IF (s.options ->> 'exclusive')::boolean THEN
        answer := format(E'CASE %s\nELSE %s END', whens, coalesce(s.options -> 'rest' ->> 'segment_id', 'NULL'));
    ELSE
        answer := format(E'pg_catalog.array_remove(ARRAY[CASE %s END], NULL)', whens);
    END IF;
    RETURN format(E'SELECT source.%I, %s AS segment_id%s FROM (\n%s\n) AS source', s.source_columns[1], answer,
                  (SELECT string_agg(format(', source.%I', c.name), '' ORDER BY c.number)
                   FROM segment_internal.rules_columns(s) AS c WHERE c.name = ANY (s.source_columns)),
                  segment_internal.source_statement(s));
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_statement(segmentation) IS
$$The query that asks all rules in one pass over the source: the key, the ids of segments (the first whose rule is true, or
where customers may be in several, an array of all), and the columns that are kept.
It is run as it stands under the search_path of the segmentation.$$;

CREATE FUNCTION segment_internal.rules_steps(s segmentation, train boolean) RETURNS SETOF refresh_step
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 4 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT 'summary', $$
SELECT source.{source_key}{collate} AS customer, {answer} AS segment_id, {taken}
FROM segment_internal.query_rows({statement}, {search_path}, {source_key_name}, $5)
     AS source ({source_key} {key_type}, segment_id {answer_type}{wanted})$$
    UNION ALL
    SELECT 'source_counts', $$
SELECT jsonb_build_object('rows_read', rows_read, 'null_customer', null_customer, 'rows_used', rows_read - null_customer,
                          'in_no_segment', in_no_segment) AS counts
FROM (SELECT coalesce(sum(n), 0) AS rows_read, coalesce(sum(n) FILTER (WHERE customer IS NULL), 0) AS null_customer,
             coalesce(sum(n_none) FILTER (WHERE customer IS NOT NULL), 0) AS in_no_segment,
             count(*) FILTER (WHERE n > 1 AND customer IS NOT NULL) AS repeated,
             min(format('%s', customer)) FILTER (WHERE n > 1 AND customer IS NOT NULL) AS example
      FROM (SELECT customer, count(*) AS n, count(*) FILTER (WHERE {in_none}) AS n_none
            FROM {summary} AS one GROUP BY customer) AS k) AS read
WHERE segment_internal.refuse_repeated_keys(repeated, example)$$
    UNION ALL
    SELECT 'model', $$
SELECT NULL::segment.segment_model AS model, jsonb_build_object('rule_version', {rule_version}) AS details$$
    UNION ALL
    SELECT 'placed', $$
SELECT one.customer, g.segment_id, g.name AS segment, {one_v}
FROM {summary} AS one{each}
JOIN segment.segment AS g ON g.segmentation = {name} AND g.segment_id = {placed_id}
WHERE one.customer IS NOT NULL$$
$function$;
COMMENT ON FUNCTION segment_internal.rules_steps(segmentation, boolean) IS
$$The steps of a refresh that are those of segmentations by rules: the source and all rules in one pass, and each customer's
segment or segments.$$;

CREATE FUNCTION segment_internal.rules_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    exclusive boolean := s.options ->> 'exclusive';
    rest text := s.options -> 'rest' ->> 'segment_id';
    version integer := (SELECT max(v.version) FROM segment.rule_version AS v WHERE v.segmentation = s.name);
    version_before integer := (SELECT (r.details ->> 'rule_version')::integer FROM segment.run AS r
                               WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')
                               ORDER BY r.run_id DESC LIMIT 1);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'source_key', quote_ident(s.source_columns[1]), 'source_key_name', quote_literal(s.source_columns[1]),
            'statement', quote_literal(segment_internal.rules_statement(s)),
            'answer_type', CASE WHEN exclusive THEN 'integer' ELSE 'integer[]' END,
            'answer', CASE WHEN exclusive OR rest IS NULL THEN 'source.segment_id'
                           ELSE format('CASE WHEN source.segment_id = ''{}'' THEN ''{%s}'' ELSE source.segment_id END', rest) END,
            'in_none', CASE WHEN exclusive THEN 'segment_id IS NULL' ELSE 'segment_id = ''{}''' END,
            'each', CASE WHEN exclusive THEN '' ELSE ' CROSS JOIN LATERAL unnest(one.segment_id) AS u (segment_id)' END,
            'placed_id', CASE WHEN exclusive THEN 'one.segment_id' ELSE 'u.segment_id' END,
            'wanted', coalesce(string_agg(format(', %I %s', c.name, c.type), '' ORDER BY c.number) FILTER (WHERE c.there), ''),
            'taken', string_agg(format('%s AS v%s', CASE WHEN c.there THEN format('source.%I', c.name)
                                                         ELSE 'NULL::' || c.type END, c.number), ', ' ORDER BY c.number),
            'one_v', string_agg('one.v' || c.number, ', ' ORDER BY c.number),
            'rule_version', version, 'features', 'NULL::float8', 'further', '')
            || CASE WHEN version IS DISTINCT FROM version_before AND version_before IS NOT NULL
                    THEN '{"fact_reason": "''rules''", "other_reason": "''rules''"}' ELSE '{}' END::jsonb
        FROM (SELECT m.*, m.name = ANY (s.source_columns) AS there FROM segment_internal.rules_columns(s) AS m) AS c);
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_places(segmentation, boolean) IS 'What stands for the places in rules_steps.';

CREATE FUNCTION segment_internal.rules_figures() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN segment_internal.cluster_figures();
COMMENT ON FUNCTION segment_internal.rules_figures() IS
'What segment_profile tells of segments by rules beside their sizes: nothing.';

CREATE FUNCTION segment_internal.rules_tell(s segmentation, as_of timestamptz, counts jsonb, details jsonb) RETURNS void
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
END;
COMMENT ON FUNCTION segment_internal.rules_tell(segmentation, timestamptz, jsonb, jsonb) IS
'Nothing: that customers are in no segment is what rules may say.';

CREATE FUNCTION segment_internal.runs(statement text, argument text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE statement USING argument;
    RETURN true;
EXCEPTION WHEN data_exception OR cardinality_violation OR external_routine_exception OR plpgsql_error THEN
    RETURN false;
END;
$$;
COMMENT ON FUNCTION segment_internal.runs(text, text) IS
'Whether a statement, given $1, ends without an error that its data make; it raises other errors.';

CREATE FUNCTION segment_internal.rules_blame(s segmentation) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    source text := segment_internal.source_statement(s);
    statement text;
    rule jsonb;
    customers text[];
    half integer;
BEGIN
    FOR rule IN SELECT r FROM jsonb_array_elements(s.options -> 'rules') AS r LOOP
        statement := format(
            'SELECT count(r.holds) FROM segment_internal.query_rows(%L, %L, %L, $1::%s[]) AS r (%5$I %4$s, holds boolean)',
            format(E'SELECT source.%I, (\n%s\n) AS holds FROM (\n%s\n) AS source', s.source_columns[1], rule ->> 'rule', source),
            s.search_path, s.source_columns[1], key_type, s.source_columns[1]);
        CONTINUE WHEN segment_internal.runs(statement, NULL);
        IF segment_internal.keys_can_be_listed(s) THEN
            EXECUTE format('SELECT array_agg(DISTINCT format(''%%s'', r.%1$I)) FROM segment_internal.query_rows(%2$L, %3$L) AS r (%1$I %4$s)
                            WHERE r.%1$I IS NOT NULL', s.source_columns[1],
                           format(E'SELECT source.%I FROM (\n%s\n) AS source', s.source_columns[1], source), s.search_path, key_type)
            INTO customers;
            -- of two halves one fails
            WHILE cardinality(customers) > 1 LOOP
                half := cardinality(customers) / 2;
                customers := CASE WHEN segment_internal.runs(statement, customers[:half]::text)
                                  THEN customers[half + 1:] ELSE customers[:half] END;
            END LOOP;
            IF segment_internal.runs(statement, customers::text) THEN
                customers := NULL;
            END IF;
        END IF;
        RETURN format('the rule of segment "%s"%s', rule ->> 'segment', ' for customer ' || customers[1]);
    END LOOP;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_blame(segmentation) IS
$$After a refresh failed: which rule it is that fails, and for which customer, where one alone makes it fail; NULL: none
does.$$;

INSERT INTO segment_internal.kind VALUES ('rules', 'never', true, 'facts', 'source',
    'Why: new (first seen), facts (a kept fact changed), source (something else did, or time passed), rules (were changed).',
    'Why the customer came: new, facts, source or rules.',
    'Why the customer left: facts, source, rules, or gone (no longer in the source, or in no segment).');

-- ---- creating and changing ----

CREATE FUNCTION create_rule_segmentation(
    name text, source text, rules json, exclusive boolean DEFAULT true, rest text DEFAULT NULL, keep text[] DEFAULT '{}',
    key text DEFAULT NULL, schema name DEFAULT current_schema(), description text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path'), max_departed double precision DEFAULT 0.5,
    note text DEFAULT NULL) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    definition jsonb := segment_internal.rules_from_json(rules);
    key_found record;
    members regclass;
BEGIN
    s.search_path := coalesce(search_path, '"$user", public');
    schema := coalesce(schema, segment_internal.first_schema(s.search_path));
    PERFORM segment_internal.check_new_segmentation(name, source, schema,
        'create_rule_segmentation(''lifecycle'', ''customers'', ''{"VIP": "revenue > 1000"}'', rest => ''Others'')');
    IF definition @> jsonb_build_array(jsonb_build_object('segment', rest)) OR rest = '' THEN
        RAISE EXCEPTION 'the segment of the rest is named "%", which %', rest,
                        CASE rest WHEN '' THEN 'is no name' ELSE 'has a rule' END
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give those that no rule takes a name of their own, or NULL for no segment.';
    END IF;
    IF array_ndims(keep) > 1 OR array_position(keep, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'keep must be a list of columns, not %', keep USING ERRCODE = 'invalid_parameter_value';
    END IF;
    s.name := name;
    s.kind := 'rules';
    s.source := segment_internal.source_query(source, s.search_path);
    s.options := jsonb_build_object(
        'exclusive', coalesce(exclusive, true), 'keep', to_jsonb(coalesce(keep, '{}')),
        'rules', (SELECT jsonb_agg(r.rule || jsonb_build_object('segment_id', r.n) ORDER BY r.n)
                  FROM jsonb_array_elements(definition) WITH ORDINALITY AS r (rule, n)));
    IF rest IS NOT NULL THEN
        s.options := s.options || jsonb_build_object(
            'rest', jsonb_build_object('segment', rest, 'segment_id', jsonb_array_length(definition) + 1));
    END IF;
    s.time_zone := current_setting('TimeZone');
    s.max_departed := coalesce(max_departed, 0.5);
    s.description := description;
    s.source_columns := ARRAY[key];
    s := segment_internal.checked('bind_rules_columns', s);
    SELECT * INTO key_found FROM segment_internal.source_key(s);
    PERFORM segment_internal.equality_operator(s.source_types[1]::regtype);
    members := segment_internal.create_segmentation(s, schema, key_found.name, key_found.type, key_found.collation);
    PERFORM segment_internal.change_catalogue('define_rules', s.name, s.options, note);
    RETURN members;
END;
$$;
COMMENT ON FUNCTION create_rule_segmentation(text, text, json, boolean, text, text[], text, name, text, text, double precision, text) IS
$$Creates a segmentation by rules and its two tables NAME_segments (present members) and NAME_history (places they had
before), owned by the current user; returns the member table.
Nobody is a member before the first refresh_segmentation().
source: a query, or the name of a table or view, with one row per customer; a customer with two rows is an error of
the refresh.
rules: a JSON object of segments and their rules, in the order of their priority; a rule is a string, or an object with
"rule" and "description".
A rule is a SQL boolean expression over the columns of the source, with all operators, functions and sub-selects that
SQL has; where it is NULL, it does not hold, nor does NOT of it.
It may call as_of(), the instant of the refresh, and must not read the clock, call volatile functions or aggregate the
rows of the source.
exclusive: true puts a customer into the first segment whose rule holds; false into all of them, and members and
history have a row per customer and segment.
rest: the segment of those that no rule takes; NULL, the default: they are no members.
keep: columns of the source that the member table keeps.
A column next_transition_at (timestamptz) of the source is kept, too.
key: the column that identifies the customer, by default the first; it keeps its name and type.
schema: of the tables, default the current one.
search_path: under which source and rules run, default the session's; the time zone is the session's.
max_departed: the share of members that may depart in one refresh, see refresh_segmentation.
note: why, for segment_rule_versions.
Errors: duplicate_object for a taken name or a segment with two rules, name_too_long beyond 54 bytes,
invalid_parameter_value, and whatever a rule is refused for, with the place in its text.$$;

CREATE FUNCTION segment_internal.rules_of(name text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    IF s.kind <> 'rules' THEN
        RAISE EXCEPTION 'segmentation "%" is not made of rules', name
            USING ERRCODE = 'wrong_object_type', HINT = format('It is of kind %s.', s.kind);
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_of(text) IS
$$A segmentation by rules, locked, as its owner.
Errors: undefined_object, wrong_object_type.$$;

CREATE FUNCTION segment_internal.open_segment_id(s segmentation, segment text) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT g.segment_id FROM segment AS g
        WHERE g.segmentation = s.name AND g.name = open_segment_id.segment AND g.closed_at IS NULL);
COMMENT ON FUNCTION segment_internal.open_segment_id(segmentation, text) IS
'The id of a segment by its present name; NULL: there is none.';

CREATE FUNCTION segment_internal.rule_position(s segmentation, segment text) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.n::integer
    FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)
    WHERE (r.rule ->> 'segment_id')::integer = segment_internal.open_segment_id(s, segment);
END;
COMMENT ON FUNCTION segment_internal.rule_position(segmentation, text) IS
'The place of the rule of a segment, by its present name; NULL: it has none.';

CREATE FUNCTION segment_internal.define_rules(s segmentation, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- a source that changed is not taken over on the way
    PERFORM segment_internal.check_source(segment_internal.segmentation_row(s.name));
    -- rules are told by the present names of their segments
    s.options := jsonb_set(s.options, '{rules}', (
        SELECT jsonb_agg(r.rule || jsonb_build_object('segment', coalesce(g.name, r.rule ->> 'segment')) ORDER BY r.n)
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)
        LEFT JOIN segment.segment AS g ON g.segmentation = s.name AND g.segment_id = (r.rule ->> 'segment_id')::integer));
    s := segment_internal.checked('bind_rules_columns', s);
    PERFORM segment_internal.change_catalogue('define_rules', s.name, s.options, note);
    PERFORM segment_internal.change_catalogue('bind_source', s.name, s.source_columns, s.source_types);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'two segments of segmentation "%" would have one name', s.name
        USING ERRCODE = 'duplicate_object', HINT = 'rename_segment() gives one of them another.';
END;
$$;
COMMENT ON FUNCTION segment_internal.define_rules(segmentation, text) IS
$$Checks the rules that a segmentation has in options, and makes them its next version.
Errors: those of check_source and bind_rules_columns, duplicate_object.$$;

CREATE FUNCTION segment_internal.set_rule_as_owner(
    name text, segment text, rule text, priority integer, description text, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
    rules jsonb := s.options -> 'rules';
    at integer := segment_internal.rule_position(s, segment);
    one jsonb := coalesce(rules -> (at - 1), jsonb_build_object('segment', segment));
    most integer := jsonb_array_length(rules) + CASE WHEN at IS NULL THEN 1 ELSE 0 END;
BEGIN
    IF coalesce(segment, '') = '' THEN
        RAISE EXCEPTION 'the name of a segment must not be %', CASE WHEN segment IS NULL THEN 'null' ELSE 'empty' END
            USING ERRCODE = 'invalid_name';
    END IF;
    IF at IS NULL AND segment_internal.open_segment_id(s, segment) IS NOT NULL THEN
        RAISE EXCEPTION 'segment "%" is that of the rest, and has no rule', segment
            USING ERRCODE = 'wrong_object_type', HINT = 'Give the new rule a segment of another name.';
    END IF;
    IF at IS NULL AND rule IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, segment
            USING ERRCODE = 'undefined_object', HINT = 'segment_rules() lists them; given a rule, a new one is made.';
    END IF;
    IF priority NOT BETWEEN 1 AND most THEN
        RAISE EXCEPTION 'priority must be from 1 to %, not %', most, priority USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF at IS NULL THEN
        one := one || jsonb_build_object('segment_id', (SELECT max(g.segment_id) + 1 FROM segment.segment AS g
                                                        WHERE g.segmentation = s.name));
    ELSE
        rules := rules - (at - 1);
    END IF;
    one := one || jsonb_build_object('rule', coalesce(rule, one ->> 'rule'),
                                     'description', coalesce(description, one ->> 'description'));
    priority := coalesce(priority, at, most);
    s.options := jsonb_set(s.options, '{rules}', CASE WHEN priority = most THEN rules || jsonb_build_array(one)
                                                      ELSE jsonb_insert(rules, ARRAY[(priority - 1)::text], one) END);
    PERFORM segment_internal.define_rules(s, note);
END;
$$;
COMMENT ON FUNCTION segment_internal.set_rule_as_owner(text, text, text, integer, text, text) IS
'The work of set_segment_rule, with the rights of the owner.';

CREATE FUNCTION segment_internal.drop_rule_as_owner(name text, segment text, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
    at integer := segment_internal.rule_position(s, segment);
BEGIN
    IF segment_internal.open_segment_id(s, segment) IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, coalesce(segment, '(null)')
            USING ERRCODE = 'undefined_object', HINT = 'segment_rules() lists them.';
    END IF;
    s.options := CASE WHEN at IS NULL THEN s.options - 'rest'
                      ELSE jsonb_set(s.options, '{rules}', (s.options -> 'rules') - (at - 1)) END;
    IF s.options -> 'rules' = '[]' THEN
        RAISE EXCEPTION 'segment "%" has the last rule of segmentation "%"', segment, name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'drop_segmentation() drops it as a whole.';
    END IF;
    PERFORM segment_internal.define_rules(s, note);
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_rule_as_owner(text, text, text) IS
'The work of drop_segment_rule, with the rights of the owner.';

CREATE FUNCTION segment_internal.revert_rules_as_owner(name text, version integer, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
BEGIN
    SELECT v.definition INTO s.options FROM segment.rule_version AS v
    WHERE v.segmentation = s.name AND v.version = revert_rules_as_owner.version;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the rules of segmentation "%" have no version %', name, coalesce(version::text, '(null)')
            USING ERRCODE = 'undefined_object', HINT = 'segment_rule_versions lists them.';
    END IF;
    PERFORM segment_internal.define_rules(s, coalesce(note, format('as version %s', version)));
END;
$$;
COMMENT ON FUNCTION segment_internal.revert_rules_as_owner(text, integer, text) IS
'The work of revert_segment_rules, with the rights of the owner.';

CREATE FUNCTION segment_internal.place_anew(name text, refresh boolean) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result segment.run;
BEGIN
    IF coalesce(refresh, true) THEN
        result := segment.refresh_segmentation(name);
        IF result.outcome NOT IN ('ok', 'empty') THEN
            RAISE EXCEPTION 'the rules of segmentation "%" stay as they were, because its refresh was not ok: %', name, result.error
                USING ERRCODE = coalesce(result.error_code, 'SR001'),
                      HINT = 'refresh => false changes them without a refresh.';
        END IF;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.place_anew(text, boolean) IS
$$Refreshes a segmentation whose rules were changed in this transaction and returns the run; or an error that takes the
change back.
refresh: false does nothing, and returns NULL.$$;

CREATE FUNCTION set_segment_rule(
    segmentation text, segment text, rule text DEFAULT NULL, priority integer DEFAULT NULL, description text DEFAULT NULL,
    note text DEFAULT NULL, refresh boolean DEFAULT true) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    PERFORM segment_internal.run_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT segment_internal.set_rule_as_owner($1, $2, $3, $4::integer, $5, $6)',
        s.name, segment, rule, priority::text, description, note);
    RETURN segment_internal.place_anew(s.name, refresh);
END;
$$;
COMMENT ON FUNCTION set_segment_rule(text, text, text, integer, text, text, boolean) IS
$$Changes the rule of a segment, or adds a segment with a rule, as a new version of the definition; then refreshes the
segmentation, and returns the run.
rule: see create_rule_segmentation; NULL: as it was.
priority: the place of the rule, from 1; NULL: where it was, and of a new one the last.
description: NULL: as it was.
note: why, for segment_rule_versions.
refresh: false leaves the members as they are until the next refresh, and returns NULL.
A refresh that fails, or is refused, is an error, and takes the change back.
Errors: undefined_object, wrong_object_type for another kind of segmentation, invalid_parameter_value,
insufficient_privilege, whatever a rule is refused for, and what a refresh failed with.$$;

CREATE FUNCTION drop_segment_rule(segmentation text, segment text, note text DEFAULT NULL, refresh boolean DEFAULT true)
    RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    PERFORM segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.drop_rule_as_owner($1, $2, $3)', s.name, segment, note);
    RETURN segment_internal.place_anew(s.name, refresh);
END;
$$;
COMMENT ON FUNCTION drop_segment_rule(text, text, text, boolean) IS
$$Drops the rule of a segment and closes the segment, or that of the rest, as a new version of the definition; then
refreshes the segmentation, and returns the run.
note, refresh: as in set_segment_rule.
The id of the segment is not used again, but by revert_segment_rules, which brings the segment back.
Errors: undefined_object, wrong_object_type, invalid_parameter_value for the last rule, insufficient_privilege, and what
a refresh failed with.$$;

CREATE FUNCTION revert_segment_rules(
    segmentation text, version integer, note text DEFAULT NULL, refresh boolean DEFAULT true) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    PERFORM segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.revert_rules_as_owner($1, $2::integer, $3)',
                                          s.name, version::text, note);
    RETURN segment_internal.place_anew(s.name, refresh);
END;
$$;
COMMENT ON FUNCTION revert_segment_rules(text, integer, text, boolean) IS
$$Makes the rules of a segmentation what they were in a version, as a new version; then refreshes it, and returns the run.
Segments have the ids that they had, and the names that they have now.
note, refresh: as in set_segment_rule.
Errors: undefined_object for an unknown version, wrong_object_type, insufficient_privilege, and what a refresh failed
with.$$;

-- ---- reading rules ----

CREATE FUNCTION segment_rules(segmentation text,
    OUT priority integer, OUT segment_id integer, OUT segment text, OUT rule text, OUT description text, OUT customers bigint)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    RETURN QUERY
    SELECT g.priority, g.segment_id, g.name, r.rule ->> 'rule', g.description, g.customers
    FROM segment.segment AS g
    LEFT JOIN jsonb_array_elements(s.options -> 'rules') AS r (rule) ON (r.rule ->> 'segment_id')::integer = g.segment_id
    WHERE g.segmentation = s.name AND g.closed_at IS NULL AND s.kind = 'rules' ORDER BY g.priority;
END;
$$;
COMMENT ON FUNCTION segment_rules(text) IS
$$The rules of a segmentation in the order of their priority, with the sizes of their segments; rule NULL: the segment of
the rest.
No rows for segmentations of other kinds.
Error (undefined_object) when there is no such segmentation.$$;

CREATE FUNCTION segment_internal.rule_changes(before jsonb, after jsonb,
    OUT segment text, OUT change text, OUT value_before text, OUT value_after text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    WITH rules AS (
        SELECT coalesce(a.rule, b.rule) ->> 'segment' AS segment, b.rule AS before, a.rule AS after, b.n AS n_before, a.n AS n_after
        FROM jsonb_array_elements(before -> 'rules') WITH ORDINALITY AS b (rule, n)
        FULL JOIN jsonb_array_elements(after -> 'rules') WITH ORDINALITY AS a (rule, n)
          ON a.rule -> 'segment_id' = b.rule -> 'segment_id'
    ), stayed AS (
        -- their order among those that both versions have
        SELECT r.segment, rank() OVER (ORDER BY n_before) AS n_before, rank() OVER (ORDER BY n_after) AS n_after
        FROM rules AS r WHERE r.before IS NOT NULL AND r.after IS NOT NULL
    )
    SELECT r.segment, CASE WHEN r.before IS NULL THEN 'added' WHEN r.after IS NULL THEN 'dropped' ELSE 'rule' END,
           r.before ->> 'rule', r.after ->> 'rule'
    FROM rules AS r WHERE r.before ->> 'rule' IS DISTINCT FROM r.after ->> 'rule'
    UNION ALL
    SELECT r.segment, 'description', r.before ->> 'description', r.after ->> 'description'
    FROM rules AS r
    WHERE r.before IS NOT NULL AND r.after IS NOT NULL
      AND r.before ->> 'description' IS DISTINCT FROM r.after ->> 'description'
    UNION ALL
    SELECT t.segment, 'priority', t.n_before::text, t.n_after::text FROM stayed AS t WHERE t.n_before <> t.n_after
    UNION ALL
    SELECT coalesce(after -> 'rest', before -> 'rest') ->> 'segment', 'rest',
           before -> 'rest' ->> 'segment', after -> 'rest' ->> 'segment'
    WHERE before -> 'rest' -> 'segment_id' IS DISTINCT FROM after -> 'rest' -> 'segment_id'
    ORDER BY 2, 1;
END;
COMMENT ON FUNCTION segment_internal.rule_changes(jsonb, jsonb) IS 'What changed from one definition of rules to the next.';

CREATE VIEW segment_rule_versions WITH (security_invoker = true) AS
    SELECT v.segmentation, v.version, v.changed_at, v.changed_by, v.note, c.segment, c.change, c.value_before, c.value_after
    FROM rule_version AS v
    LEFT JOIN rule_version AS b ON b.segmentation = v.segmentation AND b.version = v.version - 1
    LEFT JOIN LATERAL segment_internal.rule_changes(coalesce(b.definition, '{}'), v.definition) AS c ON true;
COMMENT ON VIEW segment_rule_versions IS
'What was changed of the rules of segmentations, by whom, when and why: a row for each change of each version.';
COMMENT ON COLUMN segment_rule_versions.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_rule_versions.version IS 'Version that the change made, from 1; see revert_segment_rules.';
COMMENT ON COLUMN segment_rule_versions.changed_at IS 'When.';
COMMENT ON COLUMN segment_rule_versions.changed_by IS 'Role that was logged in.';
COMMENT ON COLUMN segment_rule_versions.note IS 'Why, as whoever changed it said.';
COMMENT ON COLUMN segment_rule_versions.segment IS 'Segment, by the name that it had; NULL: nothing changed.';
COMMENT ON COLUMN segment_rule_versions.change IS
'''added'', ''dropped'', ''rule'', ''description'', ''priority'' (the place among those that stayed), or ''rest''.';
COMMENT ON COLUMN segment_rule_versions.value_before IS 'Rule, description, place or name of the rest before; NULL: none.';
COMMENT ON COLUMN segment_rule_versions.value_after IS 'The same after.';
