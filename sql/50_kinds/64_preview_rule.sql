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
