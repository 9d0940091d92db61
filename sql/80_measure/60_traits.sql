-- ---- traits: what sets segments apart ----

-- A number or time is cut at quantiles; a value on a cut lies below it, as most of what is worth
-- cutting begins with many equal ones.  Of few different values each is one.
CREATE FUNCTION segment_internal.trait_counts_query(number integer, kind text, bins integer, rounded boolean)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.format(CASE WHEN kind = 'category' THEN
    'SELECT r.segment, %1$s AS a, 0 AS place, CASE WHEN r.v%1$s IS NULL THEN ''missing'' ELSE ''value'' END AS kind,
            r.v%1$s AS value, count(*) AS n
     FROM source AS r GROUP BY r.segment, r.v%1$s'
ELSE
    'SELECT r.segment, %1$s AS a, r.place,
            CASE WHEN r.place IS NULL THEN ''missing'' WHEN c.few THEN ''value'' ELSE ''range'' END AS kind,
            CASE WHEN c.few THEN c.cuts[r.place + 1]::text
                 WHEN r.place = 0 THEN ''to '' || c.cuts[1]
                 WHEN r.place = cardinality(c.cuts) THEN ''above '' || c.cuts[r.place]
                 ELSE ''above '' || c.cuts[r.place] || '' to '' || c.cuts[r.place + 1] END AS value, r.n
     FROM (SELECT count(*) <= %2$s AS few,
                  CASE WHEN count(*) <= %2$s THEN array_agg(d.v ORDER BY d.v)
                       ELSE (SELECT array_agg(DISTINCT %3$s ORDER BY %3$s)
                             FROM unnest((SELECT percentile_disc(ARRAY(SELECT i / %2$s::float8
                                                                       FROM generate_series(1, %2$s - 1) AS i))
                                                 WITHIN GROUP (ORDER BY f.v%1$s) FROM source AS f)) AS q (cut))
                  END AS cuts
           FROM (SELECT DISTINCT e.v%1$s FROM source AS e WHERE e.v%1$s IS NOT NULL LIMIT %2$s + 1) AS d (v)) AS c
     CROSS JOIN LATERAL (SELECT s.segment, width_bucket(s.v%1$s, c.cuts) - (s.v%1$s = ANY (c.cuts))::integer AS place,
                                count(*) AS n FROM source AS s GROUP BY 1, 2) AS r'
END, number, bins,
    CASE WHEN NOT rounded THEN 'q.cut' WHEN kind = 'time' THEN 'date_trunc(''month'', q.cut)::date'
         ELSE 'segment_internal.about(q.cut)' END);
COMMENT ON FUNCTION segment_internal.trait_counts_query(integer, text, integer, boolean) IS
$$The text of a query that counts the values of attribute v1, v2, ... of source(segment, v1, v2, ...) by segment:
(segment, a, place, kind, value, n), place being the order of values.
kind: 'category', or 'number' or 'time' for what is cut into so many ranges (bins) at its quantiles.
rounded: cuts are rounded as typical values are, so that they are no customer's; times are dates.$$;

CREATE FUNCTION segment_internal.about(value double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN value = 0 OR value IN ('infinity', '-infinity', 'NaN') THEN value
            ELSE pg_catalog.round(value::numeric, 2 - pg_catalog.floor(pg_catalog.log(pg_catalog.abs(value::numeric)))
                                                  ::integer)::float8 END;
COMMENT ON FUNCTION segment_internal.about(double precision) IS
'A number rounded to three digits, so that it is not the very value of somebody.';

CREATE FUNCTION segment_internal.withheld_cells(segments integer[], attributes integer[], value_numbers integer[],
                                                customers bigint[], withheld integer[], min_customers integer)
    RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now_withheld integer[] := withheld;
    added integer[];
    i integer;
BEGIN
    LOOP
        -- a few at a time, because what serves one line often serves another
        SELECT array_agg(o.i) INTO added
        FROM (SELECT l.i, row_number() OVER (PARTITION BY l.a ORDER BY l.by_value DESC, l.n, l.i) AS place,
                     count(*) OVER (PARTITION BY l.a) AS candidates
              FROM (SELECT c.i, c.a, c.n, c.w,
                           -- a line of the table: the values of a segment, the segments with a value
                           bool_or(c.w = 1) OVER s AND sum(c.n) FILTER (WHERE c.w > 0) OVER s > 0
                               AND (count(*) FILTER (WHERE c.w > 0) OVER s < 2
                                    OR sum(c.n) FILTER (WHERE c.w > 0) OVER s < min_customers)
                               AND row_number() OVER (PARTITION BY c.a, c.s, c.w > 0
                                                      ORDER BY c.n = 0, c.n, c.v) = 1 AS by_segment,
                           bool_or(c.w = 1) OVER v
                               AND (count(*) FILTER (WHERE c.w > 0) OVER v < 2
                                    OR sum(c.n) FILTER (WHERE c.w > 0) OVER v < min_customers)
                               AND row_number() OVER (PARTITION BY c.a, c.v, c.w > 0
                                                      ORDER BY c.n = 0, c.n, c.s) = 1 AS by_value
                    FROM unnest(segments, attributes, value_numbers, customers, now_withheld) WITH ORDINALITY
                         AS c (s, a, v, n, w, i)
                    WINDOW s AS (PARTITION BY c.a, c.s), v AS (PARTITION BY c.a, c.v)) AS l
              WHERE l.w = 0 AND (l.by_segment OR l.by_value)) AS o
        WHERE o.place <= 1 + o.candidates / 10;
        EXIT WHEN added IS NULL;
        FOREACH i IN ARRAY added LOOP
            now_withheld[i] := 1;
        END LOOP;
    END LOOP;
    RETURN now_withheld;
END;
$$;
COMMENT ON FUNCTION segment_internal.withheld_cells(integer[], integer[], integer[], bigint[], integer[], integer) IS
$$Which cells of tables of segments by values, one for each attribute, are withheld so that none that is small
follows from the others and the totals: of the cells of a segment, and of those of a value, none are withheld or at
least two, of min_customers together (or all).
withheld: 1: small; 2: not shown anyhow, but no secret; 0: the others, which become 1 where they are needed, the
smallest first.$$;

CREATE FUNCTION segment_internal.traits(rows_query text, attributes text[], kinds text[], bins integer,
                                        min_customers integer, rounded boolean,
    OUT segment text, OUT attribute text, OUT kind text, OUT value text, OUT customers bigint,
    OUT share double precision, OUT rest_share double precision, OUT difference double precision,
    OUT difference_lower double precision, OUT difference_upper double precision,
    OUT index double precision, OUT index_lower double precision, OUT index_upper double precision,
    OUT p_value double precision, OUT p_adjusted double precision) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100 SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    counts text := (SELECT string_agg(segment_internal.trait_counts_query(k.n::integer, k.kind, bins, rounded),
                                      ' UNION ALL ')
                    FROM unnest(kinds) WITH ORDINALITY AS k (kind, n));
    names text[];
    cell record;
BEGIN
    IF counts IS NULL THEN
        RETURN;
    END IF;
    -- segment 0: customers in none; value 0: all values that few have
    EXECUTE format(
        'WITH source AS MATERIALIZED (
             %s
         ), counted AS MATERIALIZED (
             SELECT v.*, CASE WHEN v.total < $1 THEN 0
                              ELSE dense_rank() OVER (PARTITION BY v.a, v.total < $1
                                                      ORDER BY v.place, v.kind DESC, v.value COLLATE "C") END AS number
             FROM (SELECT c.*, sum(c.n) OVER (PARTITION BY c.a, c.place, c.kind, c.value) AS total
                   FROM (%s) AS c) AS v
         ), size AS (
             SELECT z.segment, z.n, CASE WHEN z.segment IS NULL THEN 0
                        ELSE row_number() OVER (ORDER BY z.segment COLLATE "C" NULLS LAST) END AS number
             FROM (SELECT r.segment, count(*) AS n FROM source AS r GROUP BY r.segment) AS z
         ), grid AS (
             SELECT z.number::integer AS s, d.a, d.number::integer AS v, coalesce(k.n, 0) AS n, z.n AS size,
                    coalesce(k.different, 0) AS different, d.kind, d.value,
                    sum(z.n) OVER (PARTITION BY d.a, d.number) AS everybody
             FROM size AS z
             CROSS JOIN (SELECT t.a, t.number, min(t.kind) AS kind, min(t.value COLLATE "C") AS value
                         FROM counted AS t GROUP BY t.a, t.number) AS d
             LEFT JOIN (SELECT t.segment, t.a, t.number, sum(t.n)::bigint AS n, count(*) AS different
                        FROM counted AS t GROUP BY t.segment, t.a, t.number) AS k
                  ON k.segment IS NOT DISTINCT FROM z.segment AND k.a = d.a AND k.number = d.number
         )
         SELECT (SELECT array_agg(z.segment ORDER BY z.number) FROM size AS z WHERE z.number > 0),
                array_agg(g.s ORDER BY g.a, g.s, g.v) AS s, array_agg(g.a ORDER BY g.a, g.s, g.v) AS a,
                array_agg(g.v ORDER BY g.a, g.s, g.v) AS v, array_agg(g.n ORDER BY g.a, g.s, g.v) AS n,
                array_agg(g.size ORDER BY g.a, g.s, g.v) AS size,
                array_agg(g.everybody::bigint ORDER BY g.a, g.s, g.v) AS everybody,
                array_agg(g.different ORDER BY g.a, g.s, g.v) AS different,
                array_agg(g.kind ORDER BY g.a, g.s, g.v) AS kind, array_agg(g.value ORDER BY g.a, g.s, g.v) AS value,
                array_agg(CASE WHEN g.n > 0 AND g.n < $1 THEN 1 WHEN g.s = 0 OR g.v = 0 OR g.size < $1 THEN 2
                               ELSE 0 END ORDER BY g.a, g.s, g.v) AS withheld
         FROM grid AS g', rows_query, counts)
    INTO cell USING min_customers;
    names := cell.array_agg;
    RETURN QUERY
    WITH shown AS (
        SELECT c.*, sum(c.n) OVER (PARTITION BY c.a, c.v)::bigint AS total
        FROM unnest(cell.s, cell.a, cell.v, cell.n, cell.size, cell.everybody, cell.different, cell.kind, cell.value,
                    segment_internal.withheld_cells(cell.s, cell.a, cell.v, cell.n, cell.withheld, min_customers))
             AS c (s, a, v, n, size, everybody, different, kind, value, w)
    ), tested AS (
        SELECT h.s, h.a, h.v, h.kind, h.value, h.n, l.treated_value AS share, l.control_value AS rest_share,
               l.difference, l.difference_lower, l.difference_upper, 100 * (1 + l.lift) AS index,
               100 * (1 + l.lift_lower) AS index_lower, 100 * (1 + l.lift_upper) AS index_upper, l.p_value
        FROM shown AS h
        CROSS JOIN LATERAL segment.lift(segment.make_outcome(h.size, h.n),
                                        segment.make_outcome(h.everybody - h.size, h.total - h.n)) AS l
        WHERE h.w = 0
    ), corrected AS (
        -- Benjamini and Hochberg; those that are equal get the same by the frame
        SELECT t.*, CASE WHEN t.p_value IS NOT NULL THEN
                   least(1, min(t.p_value * t.m / t.i) OVER (ORDER BY t.p_value DESC)) END AS p_adjusted
        FROM (SELECT u.*, count(u.p_value) OVER () AS m, row_number() OVER (ORDER BY u.p_value) AS i
              FROM tested AS u) AS t
    )
    SELECT names[o.s], attributes[o.a], o.kind, o.value, o.n, o.share, o.rest_share, o.difference, o.difference_lower,
           o.difference_upper, o.index, o.index_lower, o.index_upper, o.p_value, o.p_adjusted
    FROM (SELECT d.s, d.a, d.v, d.kind, d.value, d.n, d.share, d.rest_share, d.difference, d.difference_lower,
                 d.difference_upper, d.index, d.index_lower, d.index_upper, d.p_value, d.p_adjusted FROM corrected AS d
          UNION ALL
          SELECT h.s, h.a, NULL, 'withheld', sum(h.different)::text || ' values', NULL, NULL, NULL, NULL, NULL, NULL,
                 NULL, NULL, NULL, NULL, NULL
          FROM shown AS h WHERE h.w > 0 AND h.s > 0 GROUP BY h.s, h.a HAVING sum(h.different) > 0) AS o
    ORDER BY o.s, o.a, o.v NULLS LAST;
END;
$$;
COMMENT ON FUNCTION segment_internal.traits(text, text[], text[], integer, integer, boolean) IS
$$What segment_traits returns, of rows_query, the text of a query with the columns segment (text; NULL: in none) and
v1, v2, ..., which are the attributes of these names; kinds: 'category' (text), 'number' (float8) or 'time';
rounded: see trait_counts_query.$$;

CREATE FUNCTION segment_internal.attribute_kind(type regtype) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN segment_internal.feature_type(type) = 'double precision' THEN 'number'
            WHEN type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN 'time'
            ELSE 'category' END;
COMMENT ON FUNCTION segment_internal.attribute_kind(regtype) IS
'How traits take a column of a type: number and time, which are cut into ranges, or category, by its text.';

CREATE FUNCTION segment_internal.check_trait_options(bins integer, min_customers integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF bins IS NULL OR bins NOT BETWEEN 2 AND 100 THEN
        RAISE EXCEPTION 'bins must be from 2 to 100, not %', coalesce(bins::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF min_customers IS NULL OR min_customers < 1 THEN
        RAISE EXCEPTION 'min_customers must be at least 1, not %', coalesce(min_customers::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_trait_options(integer, integer) IS
'Raises an error (invalid_parameter_value) for bins or min_customers out of range.';

CREATE FUNCTION segment_internal.attribute_rows(query text, search_path text,
    OUT first_type text, OUT rows_query text, OUT attributes text[], OUT kinds text[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    definitions text := '';
    list text := '';
BEGIN
    attributes := '{}';
    kinds := '{}';
    FOR c IN SELECT q.number, q.name, q.type, f.type AS feature
             FROM segment_internal.query_columns(query, search_path) AS q
             CROSS JOIN LATERAL (SELECT segment_internal.feature_type(q.type) AS type) AS f ORDER BY q.number LOOP
        IF c.number = 1 THEN
            first_type := format_type(c.type, -1);
            definitions := format('%I %s', c.name, first_type);
            list := format('r.%I AS first', c.name);
        ELSE
            attributes := attributes || c.name;
            kinds := kinds || segment_internal.attribute_kind(c.type);
            definitions := format('%s, %I %s', definitions, c.name, coalesce(c.feature, format_type(c.type, -1)));
            -- not ::text, which may be somebody's own function
            list := format(CASE WHEN c.feature IS NULL AND segment_internal.attribute_kind(c.type) = 'category'
                                THEN '%1$s, CASE WHEN r.%2$I IS NOT NULL THEN format(''%%s'', r.%2$I) END AS v%3$s'
                                ELSE '%1$s, r.%2$I AS v%3$s' END, list, c.name, c.number - 1);
        END IF;
    END LOOP;
    IF cardinality(attributes) = 0 THEN
        RAISE EXCEPTION 'the query has no attributes'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Its first column is the segment (or the customer), and each other one an attribute.';
    END IF;
    rows_query := format('SELECT %s FROM segment_internal.query_rows(%L, %L) AS r (%s)', list, query, search_path,
                         definitions);
END;
$$;
COMMENT ON FUNCTION segment_internal.attribute_rows(text, text) IS
$$How a query of a first column and attributes is read: its type, the text of a query (first, v1, v2, ...), and names
and kinds of the attributes. Errors: invalid_parameter_value where there are none, and as query_columns.$$;

CREATE FUNCTION segment_traits(source text, bins integer DEFAULT 5, min_customers integer DEFAULT 10,
                               search_path text DEFAULT pg_catalog.current_setting('search_path'),
    OUT segment text, OUT attribute text, OUT kind text, OUT value text, OUT customers bigint,
    OUT share double precision, OUT rest_share double precision, OUT difference double precision,
    OUT difference_lower double precision, OUT difference_upper double precision,
    OUT index double precision, OUT index_lower double precision, OUT index_upper double precision,
    OUT p_value double precision, OUT p_adjusted double precision) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    read record;
BEGIN
    PERFORM segment_internal.check_trait_options(bins, min_customers);
    IF source IS NULL THEN
        RETURN;
    END IF;
    read := segment_internal.attribute_rows(segment_internal.source_query(source, search_path), search_path);
    RETURN QUERY SELECT t.* FROM segment_internal.traits(
        format('SELECT CASE WHEN a.first IS NOT NULL THEN format(''%%s'', a.first) END AS segment, a.* FROM (%s) AS a',
               read.rows_query), read.attributes, read.kinds, bins, min_customers, rounded => false) AS t;
END;
$$;
COMMENT ON FUNCTION segment_traits(text, integer, integer, text) IS
$$What sets segments apart: how often each value of each attribute is in a segment, and how often among the rest.
source: a query, or the name of a table or view, of one row a customer: the first column is the segment (of any type),
each other one an attribute. Who has NULL as segment is in none, and among the rest of all.
bins: numbers and times are cut into so many ranges (2 to 100) at the quantiles of all customers, equal ones together,
so there may be fewer; a value on a cut is in the lower range; with no more different values than bins each is one.
Anything else is taken by its text. NULL and NaN are a value of their own.
Returns a row for each segment, attribute and value; kind: 'value', 'range', 'missing' (value is NULL), or 'withheld',
one row that counts the values that are not shown.
customers: in the segment, with the value; share: of the segment (0 to 1); rest_share: of all others;
difference: share less rest_share, with an interval of 95 percent (Newcombe, Statistics in Medicine 17, 1998);
index: share as a percentage of rest_share, 100 being no difference, with an interval (MOVER-R, Donner and Zou, 2012)
that leaves out 100 when that of the difference leaves out 0; NULL where nobody else has the value;
p_value: how likely chance alone gives so great a difference, two-sided (pooled z);
p_adjusted: the same, allowing for as many comparisons as are shown (Benjamini and Hochberg, JRSS B 57, 1995).
min_customers: cells of fewer customers, but for empty ones, are withheld, and so many others that none of them
follows from the rest: of the values of a segment, and of the segments with a value, none or at least two, of
min_customers together. Compare no two calls with different source or options where that matters.
The query runs with the rights of the current user, under search_path, by default the session's.
NULL source: no rows.
Errors: invalid_parameter_value for bins, min_customers, a source without attributes or that is not a single reading
SELECT, ambiguous_column.$$;
