-- ---- segmentations by rules: conditions that people write, over one row per customer ----

CREATE FUNCTION as_of() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'segment_as_of' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION as_of() IS
$$The instant that the running refresh speaks of, for sources and rules,
which must not read the clock: last_order_at < as_of() - interval '90 days'.
Outside of a refresh it is the setting segment.as_of, or where that is empty, now().
Errors: those of reading the setting as a time.$$;

-- ---- checking what a user gave ----

CREATE FUNCTION segment_internal.rule_columns(source text, search_path text, rule text, segment text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segment_rule_columns' LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.rule_columns(text, text, text, text) IS
$$The columns of a source that a rule reads, or the error that the rule is refused for, with the name of its segment
(NULL: none yet) and the place in its text.
Errors: syntax_error where it is not one expression, datatype_mismatch where it is not boolean,
grouping_error for aggregates of the rows, windowing_error, feature_not_supported for sets and locks,
invalid_parameter_value for volatile functions and the clock, and those of the server's parser.$$;

CREATE FUNCTION segment_internal.rules_from_json(rules json) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    example CONSTANT text
    := 'For instance {"VIP": "revenue > 1000", "New": {"rule": "orders = 1", "description": "first order"}}.';
    result jsonb[] := '{}';
    one record;
    wrong text;
BEGIN
    IF json_typeof(rules) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'rules must be a JSON object of segments and their rules, not %',
            coalesce(json_typeof(rules), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    FOR one IN SELECT j.key, j.value::jsonb AS value FROM json_each(rules) AS j LOOP
        IF one.key = '' THEN
            RAISE EXCEPTION 'the name of a segment must not be empty' USING ERRCODE = 'invalid_name';
        END IF;
        IF jsonb_typeof(one.value) = 'string' THEN
            one.value := jsonb_build_object('rule', one.value);
        END IF;
        IF jsonb_typeof(one.value) <> 'object' OR jsonb_typeof(one.value -> 'rule') IS DISTINCT FROM 'string' THEN
            RAISE EXCEPTION 'segment "%" has no rule: expected a string, or an object with "rule" and "description"',
                one.key
                USING ERRCODE = 'invalid_parameter_value', HINT = example;
        END IF;
        SELECT k INTO wrong FROM jsonb_object_keys(one.value) AS k WHERE k NOT IN ('rule', 'description') LIMIT 1;
        IF FOUND OR jsonb_typeof(one.value -> 'description') NOT IN ('string', 'null') THEN
            RAISE EXCEPTION 'segment "%" has %', one.key,
                            CASE WHEN wrong IS NULL THEN 'a description that is no string'
                                 ELSE format('"%s", which a rule has not', wrong) END
                USING ERRCODE = 'invalid_parameter_value', HINT = example;
        END IF;
        result := result || jsonb_build_object('segment', one.key, 'rule', one.value -> 'rule',
                                               'description', one.value -> 'description');
    END LOOP;
    IF result = '{}' THEN
        RAISE EXCEPTION 'there are no rules' USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    SELECT j.key INTO wrong FROM json_object_keys(rules) AS j (key) GROUP BY 1 HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'segment "%" has two rules', wrong
            USING ERRCODE = 'duplicate_object', HINT = 'Join them by OR.';
    END IF;
    RETURN to_jsonb(result);
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
            RAISE EXCEPTION 'column "next_transition_at" of the source is of type %, expected timestamp with time zone',
                types[n]
                USING ERRCODE = 'datatype_mismatch',
                      HINT = 'It says when a customer''s answers change next by time alone; '
                             'another column needs another name.';
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
    s.options := jsonb_set(s.options, '{rules}', segment_internal.rules_with_uses(s));
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.bind_rules_columns(segmentation) IS
$$A segmentation with the columns that are read of its source, and their types as they are now: the key
(by default the first), those that are kept, and those that a rule reads;
and with the segments of others that its rules use.
Errors: those of rule_columns and in_segment, undefined_column, duplicate_column, datatype_mismatch.$$;

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
           'No answer of a rule changes before this by time alone; NULL: never; -infinity: at any time.'
    UNION ALL
    SELECT 1 + k.n::integer, k.name, s.source_types[array_position(s.source_columns, k.name)], false, true,
           'Fact, as the source had it at the last refresh.'
    FROM jsonb_array_elements_text(s.options -> 'keep') WITH ORDINALITY AS k (name, n);
END;
COMMENT ON FUNCTION segment_internal.rules_columns(segmentation) IS
'member_columns of segmentations by rules: facts that are kept.';

CREATE FUNCTION segment_internal.rules_statement(s segmentation, next_transition text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked record;
    whens text;
    answer text;
BEGIN
    asked := segment_internal.used_source(s, segment_internal.source_statement(s), segment_internal.rules_with_uses(s));
    -- a rule ends with its line, because it may close with a comment
    SELECT string_agg(format(E'WHEN (\n%s\n) THEN %s', asked.replaced[r.n], r.rule ->> 'segment_id'),
                      CASE WHEN (s.options ->> 'exclusive')::boolean THEN E'\n' ELSE E' END,\nCASE ' END ORDER BY r.n)
    INTO whens
    FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n);
    IF (s.options ->> 'exclusive')::boolean THEN
        answer := format(E'CASE %s\nELSE %s END', whens, coalesce(s.options -> 'rest' ->> 'segment_id', 'NULL'));
    ELSE
        answer := format(E'pg_catalog.array_remove(ARRAY[CASE %s END], NULL)', whens);
    END IF;
    RETURN format(E'SELECT source.%I, %s AS segment_id%s%s FROM (\n%s\n) AS source', s.source_columns[1], answer,
                  E',\n' || next_transition || ' AS next_transition_at',
                  (SELECT string_agg(format(', source.%I', c.name), '' ORDER BY c.number)
                   FROM segment_internal.rules_columns(s) AS c WHERE c.is_fact),
                  asked.statement);
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_statement(segmentation, text) IS
$$The query that asks all rules in one pass over the source: the key, the ids of segments
(the first whose rule is true, or where customers may be in several, an array of all),
next_transition (see rules_next) where it is not NULL, and the columns that are kept.
It is run as it stands under the search_path of the segmentation.
Errors: see in_segment, where a rule uses what is not there any more.$$;

CREATE FUNCTION segment_internal.rules_steps(s segmentation, train boolean) RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- plpgsql keeps the plan for the session
    RETURN QUERY SELECT 'summary', $$
SELECT source.{source_key}{collate} AS customer, {answer} AS segment_id, {taken}
FROM segment_internal.query_rows({statement}, {search_path}, {source_key_name}, $5)
     AS source ({source_key} {key_type}, segment_id {answer_type}{wanted})$$
    UNION ALL
    SELECT 'source_counts', segment_internal.source_counts_step('{in_none}')
    UNION ALL
    -- who is in no segment has no row to keep it in; where only some are looked at, the others are as they were
    SELECT 'model', $$
SELECT NULL::segment.segment_model AS model,
       jsonb_build_object('rule_version', {rule_version}, 'always_due', {always_due},
                          'next_transition_of_others',
                          least(s.next_of_others, CASE WHEN $5 IS NOT NULL THEN {others_before} END)) AS details
FROM {source_counts} AS s$$
    UNION ALL
    SELECT 'placed', $$
SELECT one.customer, g.segment_id, g.name AS segment, {one_v}
FROM {summary} AS one{each}
{unplaced}JOIN (VALUES {segments}) AS g (segment_id, name) ON g.segment_id = {placed_id}
WHERE one.customer IS NOT NULL$$
    UNION ALL
    -- of customers in no segment, when a rule may take them by time alone
    SELECT 'waiting', $$
SELECT one.customer, one.v1 AS due_at FROM {summary} AS one
WHERE one.customer IS NOT NULL AND one.v1 IS NOT NULL AND {always_due} IS NULL$$
    WHERE s.changes IS NOT NULL;
END;
$function$;
COMMENT ON FUNCTION segment_internal.rules_steps(segmentation, boolean) IS
$$The steps of a refresh that are those of segmentations by rules: the source and all rules in one pass,
and each customer's segment or segments.$$;

CREATE FUNCTION segment_internal.rules_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    exclusive boolean := s.options ->> 'exclusive';
    rest text := s.options -> 'rest' ->> 'segment_id';
    version integer := s.rule_version;
    version_before integer := (SELECT (r.details ->> 'rule_version')::integer FROM segment.run AS r
                               WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty', 'reset')
                                 AND NOT r.counts ? 'only_customers'
                               ORDER BY r.run_id DESC LIMIT 1);
    others_before text := (SELECT r.details ->> 'next_transition_of_others' FROM segment.run AS r
                           WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty', 'reset')
                           ORDER BY r.run_id DESC LIMIT 1);
    clock record;
BEGIN
    SELECT * INTO clock FROM segment_internal.rules_next(s);
    RETURN (
        SELECT jsonb_build_object(
            'source_key', quote_ident(s.source_columns[1]), 'source_key_name', quote_literal(s.source_columns[1]),
            'statement', quote_literal(segment_internal.rules_statement(s, clock.expression)),
            'always_due', coalesce(quote_literal(to_jsonb(clock.always_due)), 'NULL') || '::jsonb',
            'others_before', coalesce(quote_literal(others_before), 'NULL') || '::timestamptz',
            'answer_type', CASE WHEN exclusive THEN 'integer' ELSE 'integer[]' END,
            'answer', CASE WHEN exclusive OR rest IS NULL THEN 'source.segment_id'
                           ELSE format('CASE WHEN source.segment_id = ''{}'' THEN ''{%s}'' ELSE source.segment_id END',
                                       rest) END,
            'in_none', CASE WHEN exclusive THEN 'segment_id IS NULL' ELSE 'segment_id = ''{}''' END,
            'each', CASE WHEN exclusive THEN '' ELSE
                ' LEFT JOIN LATERAL unnest(one.segment_id) AS u (segment_id) ON true' END,
            'segments', (SELECT string_agg(format('(%s, %L)', g.segment_id, g.name), ', ' ORDER BY g.segment_id)
                         FROM segment.segment AS g WHERE g.segmentation = s.name AND g.closed_at IS NULL),
            'placed_id', CASE WHEN exclusive THEN 'one.segment_id' ELSE 'u.segment_id' END,
            'wanted',
            coalesce(string_agg(format(', %I %s', c.name, c.type), '' ORDER BY c.number) FILTER (WHERE c.there), ''),
            'taken', string_agg(format('%s AS v%s', CASE WHEN c.there THEN format('source.%I', c.name)
                                                         ELSE 'NULL::' || c.type END, c.number),
                                ', ' ORDER BY c.number),
            'one_v', string_agg('one.v' || c.number, ', ' ORDER BY c.number),
            'rule_version', coalesce(version::text, 'NULL'), 'features', 'NULL::float8', 'further', '')
        || CASE WHEN version IS DISTINCT FROM version_before AND version_before IS NOT NULL
                THEN '{"fact_reason": "''rules''", "other_reason": "''rules''"}' ELSE '{}' END::jsonb
        FROM (SELECT m.*, m.is_fact OR clock.expression IS NOT NULL AS there
              FROM segment_internal.rules_columns(s) AS m) AS c);
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_places(segmentation, boolean) IS
'What stands for the places in rules_steps.';

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
    asked record;
    customers text[];
    half integer;
BEGIN
    FOR rule IN SELECT r FROM jsonb_array_elements(segment_internal.rules_with_uses(s)) AS r LOOP
        asked := segment_internal.used_source(s, source, jsonb_build_array(rule));
        statement := format(
            'SELECT count(r.holds) '
            'FROM segment_internal.query_rows(%L, %L, %L, $1::%s[]) AS r (%5$I %4$s, holds boolean)',
            format(E'SELECT source.%I, (\n%s\n) AS holds FROM (\n%s\n) AS source',
                   s.source_columns[1], asked.replaced[1], asked.statement),
            s.search_path, s.source_columns[1], key_type, s.source_columns[1]);
        CONTINUE WHEN segment_internal.runs(statement, NULL);
        IF segment_internal.keys_can_be_listed(s) THEN
            EXECUTE format('SELECT array_agg(DISTINCT format(''%%s'', r.%1$I))
                            FROM segment_internal.query_rows(%2$L, %3$L) AS r (%1$I %4$s)
                            WHERE r.%1$I IS NOT NULL', s.source_columns[1],
                           format(E'SELECT source.%I FROM (\n%s\n) AS source', s.source_columns[1], source),
                           s.search_path, key_type)
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
$$After a refresh failed: which rule it is that fails, and for which customer, where one alone makes it fail;
NULL: none does.$$;

INSERT INTO segment_internal.kind VALUES ('rules', 'never', true, 'facts', 'source',
    'Why: new (first seen), facts (a kept fact changed), source (something else did, or time passed), '
    'rules (were changed).',
    'Why the customer came: new, facts, source or rules.',
    'Why the customer left: facts, source, rules, or gone (no longer in the source, or in no segment).');

-- ---- creating ----

CREATE FUNCTION segment_internal.create_rule_segmentation(
    name text, source text, rules json, exclusive boolean, rest text, keep text[], key text,
    schema name, description text,
    search_path text, max_departed double precision, note text) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    definition jsonb := segment_internal.rules_from_json(rules);
    key_found record;
    members regclass;
BEGIN
    s.search_path := search_path;
    schema := segment_internal.check_new_segmentation(name, source, schema,
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
    PERFORM segment_internal.first_rules(s, note);
    RETURN members;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_rule_segmentation(text, text, json, boolean, text, text[],
                                                              text, name, text, text, double precision, text) IS
$$The work of create_rule_segmentation, which fills in what only the caller's session knows: schema and search_path.$$;

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_rule_segmentation(
    name text, source text, rules json, exclusive boolean DEFAULT true, rest text DEFAULT NULL,
    keep text[] DEFAULT '{}',
    key text DEFAULT NULL, schema name DEFAULT current_schema(), description text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path'), max_departed double precision DEFAULT 0.5,
    note text DEFAULT NULL) RETURNS regclass
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.create_rule_segmentation(
    name, source, rules, exclusive, rest, keep, key, coalesce(schema, current_schema()), description,
    coalesce(search_path, current_setting('search_path')), max_departed, note);
COMMENT ON FUNCTION create_rule_segmentation(text, text, json, boolean, text, text[], text, name,
                                             text, text, double precision, text) IS
$$Creates a segmentation by rules and its two tables NAME_segments (present members) and NAME_history
(places they had before), owned by the current user; returns the member table.
Nobody is a member before the first refresh_segmentation().
source: a query, or the name of a table or view, with one row per customer;
a customer with two rows is an error of the refresh.
rules: a JSON object of segments and their rules, in the order of their priority; a rule is a string,
or an object with "rule" and "description".
A rule is a SQL boolean expression over the columns of the source, with all operators,
functions and sub-selects that SQL has; where it is NULL, it does not hold, nor does NOT of it.
It may call as_of(), the instant of the refresh, and in_segment(), which asks for a segment of another
segmentation, and must not read the clock,
call volatile functions or aggregate the rows of the source.
exclusive: true puts a customer into the first segment whose rule holds; false into all of them,
and members and history have a row per customer and segment.
rest: the segment of those that no rule takes; NULL, the default: they are no members.
keep: columns of the source that the member table keeps.
The member table has next_transition_at: no answer of a rule changes before it by time alone, see docs/rules.md;
a column of that name (timestamptz) of the source takes part.
key: the column that identifies the customer, by default the first; it keeps its name and type.
schema: of the tables, default the current one.
search_path: under which source and rules run, default the session's; the time zone is the session's.
max_departed: the share of members that may depart in one refresh, see refresh_segmentation.
note: why, for segment_rule_versions.
NULL for any argument with a default is that default.
Errors: duplicate_object for a taken name or a segment with two rules, name_too_long beyond 53 bytes,
invalid_parameter_value, and whatever a rule is refused for, with the place in its text.$$;
