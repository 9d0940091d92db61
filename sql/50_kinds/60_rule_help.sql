-- ---- help for whoever writes rules ----

CREATE FUNCTION segment_internal.rule_conditions(rule text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segment_rule_conditions' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.rule_conditions(text) IS
$$The conditions that a rule joins by AND at its top, as they were written;
the rule itself where it is one condition.
The rule must be one expression, see rule_columns.$$;

CREATE FUNCTION segment_internal.asked_conditions(conditions text[], in_turn boolean) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(CASE WHEN in_turn AND i > 1
                           THEN format(E'CASE WHEN (\n%s\n) THEN (\n%s\n) END',
                                       array_to_string(conditions[:i - 1], E'\n) AND (\n'), conditions[i])
                           ELSE format(E'(\n%s\n)', conditions[i]) END, E',\n' ORDER BY i)
    FROM generate_series(1, cardinality(conditions)) AS i;
END;
COMMENT ON FUNCTION segment_internal.asked_conditions(text[], boolean) IS
$$The conditions of a rule as a list of SQL expressions.
in_turn: each is asked only where those before it hold, as it may fail elsewhere.$$;

-- A rule is asked of a segmentation, or of a source that somebody thinks of making one from.
CREATE FUNCTION segment_internal.rule_source(segmentation text, source text, key text, search_path text)
    RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    IF (segmentation IS NULL) = (source IS NULL) THEN
        RAISE EXCEPTION 'a rule is asked of a segmentation or of a source: give one of both'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance segmentation => ''lifecycle'', or source => ''customers''.';
    END IF;
    IF segmentation IS NOT NULL THEN
        s := segment_internal.segmentation_row(segmentation);
        IF s.kind <> 'rules' THEN
            RAISE EXCEPTION 'segmentation "%" is not made of rules', segmentation
                USING ERRCODE = 'wrong_object_type', HINT = 'Give a source: source => ''customers''.';
        END IF;
        RETURN s;
    END IF;
    s.search_path := search_path;
    s.source := segment_internal.source_query(source, s.search_path);
    s.options := '{}';
    SELECT ARRAY[c.name], ARRAY[format_type(c.type, -1)] INTO s.source_columns, s.source_types
    FROM segment_internal.query_columns(s.source, s.search_path) AS c
    WHERE c.name = key OR key IS NULL AND c.number = 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the source has no column "%"', key
            USING ERRCODE = 'undefined_column', HINT = 'key names the column that identifies the customer.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rule_source(text, text, text, text) IS
$$The segmentation by rules of a name; or for a source, a row that has of a segmentation what rules are asked with:
source, search_path and key (NULL: the first column).
Errors: invalid_parameter_value, undefined_object, wrong_object_type, undefined_column, and those of the source.$$;

CREATE FUNCTION segment_internal.rule_role(segmentation text) RETURNS name
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((SELECT segment_internal.owner_of(s.members) FROM segmentation AS s
                 WHERE s.name = segmentation), current_user);
COMMENT ON FUNCTION segment_internal.rule_role(text) IS
'Whose rights a rule is asked with: those of the owner of a segmentation, or for a source (NULL), one''s own.';

-- ---- checking ----

CREATE FUNCTION segment_internal.check_rule_as_owner(segmentation text, source text, rule text,
                                                     key text, search_path text)
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.rule_source(segmentation, source, key, search_path);
    columns text[];
BEGIN
    PERFORM segment_internal.enter_settings(s);
    columns := segment_internal.rule_columns(s.source, s.search_path, rule, NULL);
    PERFORM segment_internal.used_segments(s, rule, NULL, NULL);
    RETURN columns;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rule_as_owner(text, text, text, text, text) IS
'The work of check_rule, with the rights of the owner.';

CREATE FUNCTION check_rule(
    rule text, segmentation text DEFAULT NULL, source text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path')) RETURNS text[]
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.run_as_owner(
    segment_internal.rule_role(segmentation), 'SELECT segment_internal.check_rule_as_owner($1, $2, $3, NULL, $4)',
    segmentation, source, rule, coalesce(search_path, current_setting('search_path')))::text[];
COMMENT ON FUNCTION check_rule(text, text, text, text) IS
$$Checks a rule as create_rule_segmentation would, for a segmentation by rules or for a source,
and returns the columns of the source that it reads.
Nothing is run.
search_path: under which source and rule are looked up, default the session's; for a segmentation it is its own.
Errors: what a rule is refused for, with the place in its text: syntax_error where it is not one expression,
undefined_column, datatype_mismatch where it is not boolean, grouping_error for aggregates of the rows of the source,
windowing_error, invalid_parameter_value for volatile functions and the clock;
those of in_segment, null_value_not_allowed for a NULL rule, undefined_object for an unknown segmentation,
insufficient_privilege for one of somebody else.$$;

-- ---- previewing ----

CREATE FUNCTION segment_internal.asked_source(s segmentation, source text, rule text, stored jsonb, in_turn boolean,
    OUT statement text, OUT rule_asked text, OUT conditions_asked text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    uses jsonb := segment_internal.used_segments(s, rule, NULL, stored);
    asked record;
BEGIN
    asked := segment_internal.used_source(s, source, (
        SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('rule', t.text, 'uses', uses)) ORDER BY t.n)
        FROM unnest(rule || segment_internal.rule_conditions(rule)) WITH ORDINALITY AS t (text, n)));
    statement := asked.statement;
    rule_asked := asked.replaced[1];
    conditions_asked := segment_internal.asked_conditions(asked.replaced[2:], in_turn);
END;
$$;
COMMENT ON FUNCTION segment_internal.asked_source(segmentation, text, text, jsonb, boolean) IS
$$A source as a rule is asked of it: with what the rule uses of other segmentations, the rule,
and the list of its conditions, see asked_conditions.
stored: what it used before, see used_segments.
Errors: see in_segment.$$;

CREATE FUNCTION segment_internal.count_rule(s segmentation, rule text, in_turn boolean,
    OUT total bigint, OUT holds bigint, OUT unknown bigint, OUT alone bigint[], OUT unknown_alone bigint[],
    OUT in_turn_counts bigint[], OUT sample text[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked record;
    counted text;
    statement text;
BEGIN
    asked := segment_internal.asked_source(s, s.source, rule, NULL, in_turn);
    statement := format(
        E'SELECT source.%I AS customer, (\n%s\n) AS holds, ARRAY[%s] AS condition FROM (\n%s\n) AS source',
        s.source_columns[1], asked.rule_asked, asked.conditions_asked, asked.statement);
    SELECT format('ARRAY[%s], ARRAY[%s], ARRAY[%s]',
                  string_agg(format('count(*) FILTER (WHERE r.condition[%s])', i), ', ' ORDER BY i),
                  string_agg(format('count(*) FILTER (WHERE r.condition[%s] IS NULL)', i), ', ' ORDER BY i),
                  string_agg(format('count(*) FILTER (WHERE r.condition[:%s] = array_fill(true, ARRAY[%1$s]))', i),
                             ', ' ORDER BY i))
    INTO counted FROM generate_series(1, cardinality(segment_internal.rule_conditions(rule))) AS i;
    EXECUTE format(
        'WITH r AS MATERIALIZED (
             SELECT a.* FROM segment_internal.query_rows(%L, %L) AS a (customer %s, holds boolean, condition boolean[])
             WHERE a.customer IS NOT NULL)
         SELECT count(*), count(*) FILTER (WHERE r.holds), count(*) FILTER (WHERE r.holds IS NULL), %s,
                ARRAY(SELECT k.key FROM (SELECT format(''%%s'', h.customer) AS key FROM r AS h WHERE h.holds) AS k
                      ORDER BY md5(k.key), k.key LIMIT 10)
         FROM r', statement, s.search_path, s.source_types[1], counted)
    INTO total, holds, unknown, alone, unknown_alone, in_turn_counts, sample;
END;
$$;
COMMENT ON FUNCTION segment_internal.count_rule(segmentation, text, boolean) IS
$$How many rows of a source a rule holds for, and each of its conditions, alone and in turn.
in_turn: a condition is asked only where those before it hold.$$;

CREATE FUNCTION segment_internal.preview_as_owner(
    segmentation text, source text, rule text, key text, search_path text, as_of text,
    OUT condition text, OUT customers bigint, OUT share numeric, OUT unknown bigint, OUT customers_in_turn bigint,
    OUT share_in_turn numeric, OUT sample text[]) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 5
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.rule_source(segmentation, source, key, search_path);
    n record;
    alone boolean := true;
BEGIN
    PERFORM segment_internal.set_clock(s, coalesce(as_of::timestamptz, clock_timestamp()));
    PERFORM segment_internal.rule_columns(s.source, s.search_path, rule, NULL);
    BEGIN
        SELECT * INTO n FROM segment_internal.count_rule(s, rule, false);
    EXCEPTION WHEN data_exception THEN
        -- a condition that fails where one before it does not hold cannot be asked alone
        SELECT * INTO n FROM segment_internal.count_rule(s, rule, true);
        alone := false;
    END;
    RETURN QUERY
    SELECT NULL::text, n.holds, round(n.holds::numeric / nullif(n.total, 0), 6), n.unknown, n.holds,
           round(n.holds::numeric / nullif(n.total, 0), 6), n.sample;
    RETURN QUERY
    SELECT c.condition, CASE WHEN alone OR c.i = 1 THEN n.alone[c.i] END,
           CASE WHEN alone OR c.i = 1 THEN round(n.alone[c.i]::numeric / nullif(n.total, 0), 6) END,
           CASE WHEN alone OR c.i = 1 THEN n.unknown_alone[c.i] END,
           n.in_turn_counts[c.i], round(n.in_turn_counts[c.i]::numeric / nullif(n.total, 0), 6), NULL::text[]
    FROM unnest(segment_internal.rule_conditions(rule)) WITH ORDINALITY AS c (condition, i) ORDER BY c.i;
END;
$$;
COMMENT ON FUNCTION segment_internal.preview_as_owner(text, text, text, text, text, text) IS
'The work of preview_segment, with the rights of the owner.';

CREATE FUNCTION preview_segment(
    rule text, segmentation text DEFAULT NULL, source text DEFAULT NULL, as_of timestamptz DEFAULT NULL,
    key text DEFAULT NULL, search_path text DEFAULT current_setting('search_path'),
    OUT condition text, OUT customers bigint, OUT share numeric, OUT unknown bigint, OUT customers_in_turn bigint,
    OUT share_in_turn numeric, OUT sample text[]) RETURNS SETOF record
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 5
BEGIN ATOMIC
    SELECT p.* FROM segment_internal.rows_as_owner(
        segment_internal.rule_role(segmentation),
        'SELECT p.* FROM segment_internal.preview_as_owner($1, $2, $3, $4, $5, $6) AS p',
        segmentation, source, rule, key, coalesce(search_path, current_setting('search_path')),
        segment_internal.instant(as_of))
        AS p (condition text, customers bigint, share numeric, unknown bigint,
              customers_in_turn bigint, share_in_turn numeric,
              sample text[]);
END;
COMMENT ON FUNCTION preview_segment(text, text, text, timestamptz, text, text) IS
$$How many customers a rule would take, of a segmentation by rules or of a source; nothing is written.
The first row, whose condition is NULL, is of the whole rule,
with up to ten keys as a sample that is the same whenever it is asked;
the others are of the conditions that the rule joins by AND.
customers, share: whom the condition lets through alone, and their share of all (0 to 1);
NULL where it fails for rows that the conditions before it keep out.
unknown: for how many it is NULL, which is not true, nor is NOT of it.
customers_in_turn, share_in_turn: whom it and all conditions before it let through.
as_of: the instant of as_of(), default now.
key: of a source, the column that identifies the customer, default the first.
search_path: of a source, default the session's.
Rows without a key do not count.
Errors: as check_rule, and those of running the rule.$$;

-- ---- explaining ----

CREATE FUNCTION segment_internal.rules_why(s segmentation, customer text,
    OUT what text, OUT value text, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    source text := segment_internal.source_statement(s);
    rule record;
    conditions text[];
    columns text[];
    asked record;
    answers boolean[];
    seen text[];
    first_false integer;
    taken_by text;
BEGIN
    FOR rule IN
        SELECT g.name AS segment, r.one ->> 'rule' AS text, r.one -> 'uses' AS uses
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (one, n)
        JOIN segment.segment AS g ON g.segmentation = s.name AND g.segment_id = (r.one ->> 'segment_id')::integer
        ORDER BY r.n
    LOOP
        conditions := segment_internal.rule_conditions(rule.text);
        columns := segment_internal.rule_columns(s.source, s.search_path, rule.text, rule.segment);
        asked := segment_internal.asked_source(s, source, rule.text, rule.uses, true);
        EXECUTE format('SELECT r.answers, r.seen FROM (SELECT a.customer AS %1$I, a.answers, a.seen
                        FROM segment_internal.query_rows(%2$L, %3$L, ''customer'', %4$s)
                             AS a (customer %5$s, answers boolean[], seen text[])) AS r
                        WHERE %6$s LIMIT 1',
                       segment_internal.key_column(s.members),
                       format(E'SELECT source.%I AS customer, ARRAY[%s] AS answers, '
                              'ARRAY[%s]::pg_catalog.text[] AS seen FROM (\n%s\n) AS source',
                              s.source_columns[1], asked.conditions_asked,
                              (SELECT string_agg(format('CASE WHEN source.%1$I IS NULL THEN ''NULL'' '
                                                        'ELSE pg_catalog.format(''%%s'', source.%1$I) END',
                                                        c), ', ' ORDER BY n)
                               FROM unnest(columns) WITH ORDINALITY AS u (c, n)), asked.statement),
                       s.search_path,
                       CASE WHEN segment_internal.keys_can_be_listed(s)
                                THEN format('ARRAY[CAST(%L AS %s)]', customer, key_type)
                            ELSE format('NULL::%s[]', key_type) END,
                       key_type, segment_internal.key_condition(s.members, customer))
        INTO answers, seen;
        IF answers IS NULL THEN
            what := 'rule';
            explanation := 'the source has no row of this customer now';
            RETURN NEXT;
            RETURN;
        END IF;
        what := 'rule';
        value := rule.segment;
        first_false := (SELECT min(i) FROM unnest(answers) WITH ORDINALITY AS a (answer, i) WHERE answer IS NOT TRUE);
        IF first_false IS NULL THEN
            explanation := CASE WHEN taken_by IS NOT NULL AND (s.options ->> 'exclusive')::boolean
                                THEN format('holds, too, but the rule of "%s" comes first', taken_by) ELSE 'holds' END;
            taken_by := coalesce(taken_by, rule.segment);
        ELSE
            explanation := format('%s is %s', regexp_replace(conditions[first_false], '\s+', ' ', 'g'),
                                  CASE WHEN answers[first_false] IS NULL THEN 'unknown' ELSE 'false' END);
        END IF;
        explanation := explanation || coalesce(
            (SELECT ': ' || string_agg(format('%s = %s', c, seen[n]), ', ' ORDER BY n)
             FROM unnest(columns) WITH ORDINALITY AS u (c, n)
             WHERE first_false IS NULL
                OR c = ANY (segment_internal.rule_columns(s.source, s.search_path,
                                                          conditions[first_false], rule.segment))), '');
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_why(segmentation, text) IS
$$What explain_customer tells of the rules of a segmentation: which hold for a customer,
and of the others the first condition that does not, with the values it saw.$$;
