-- ---- one row per customer for models of buying ----

CREATE FUNCTION segment_internal.buying_history_told(skipped bigint, refunds bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF skipped > 0 THEN
        RAISE NOTICE 'buying_history: % rows skipped', skipped
            USING DETAIL = 'Their customer, time or amount is NULL or not finite.';
    END IF;
    IF refunds > 0 THEN
        RAISE NOTICE 'buying_history: % rows with negative amounts left out', refunds
            USING DETAIL = 'A refund is no purchase.';
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.buying_history_told(bigint, bigint) IS
'Tells by NOTICE which rows buying_history left out; true.';

CREATE FUNCTION segment_internal.buying_history_query(
    query text, key_type regtype, unit text, whole_units boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
DECLARE
    kinds text[];
    known constant text[] := ARRAY['day', 'week', 'month', 'quarter', 'year'];
    days constant numeric[] := ARRAY[1, 7, 30.4375, 91.3125, 365.25];
    place integer := pg_catalog.array_position(known, unit);
    at text;
    period text;
BEGIN
    IF place IS NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = pg_catalog.format('unit is %L, expected ''day'', ''week'', ''month'', ''quarter'' or ''year''',
                                        unit);
    END IF;
    SELECT pg_catalog.array_agg(c.type::text ORDER BY c.number) INTO kinds
    FROM segment_internal.query_columns(query) AS c;
    IF pg_catalog.cardinality(kinds) < 3 OR kinds[1] <> key_type::text
       OR kinds[2] <> ALL (ARRAY['date', 'timestamp without time zone', 'timestamp with time zone'])
       OR kinds[3] <> ALL (ARRAY['smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric']) THEN
        RAISE datatype_mismatch USING
            MESSAGE = pg_catalog.format('the query must return (customer %s, time, amount), not (%s)', key_type,
                                        pg_catalog.array_to_string(kinds, ', ')),
            HINT = 'Time is a date, timestamp or timestamptz, the amount a number; the key has the customer''s type.';
    END IF;
    at := CASE kinds[2] WHEN 'timestamp with time zone' THEN 's.ordered_at AT TIME ZONE $4'
                        ELSE 's.ordered_at::timestamp' END;
    period := CASE WHEN NOT whole_units OR unit = 'day' THEN '(%1$s)::date - date ''2000-01-03'''
                   WHEN unit = 'week' THEN 'floor(((%1$s)::date - date ''2000-01-03'') / 7.0)::integer'
                   WHEN unit = 'year' THEN 'extract(year FROM %1$s)::integer'
                   ELSE '(extract(year FROM %1$s)::integer * 12 + extract(month FROM %1$s)::integer - 1)'
                        || CASE unit WHEN 'quarter' THEN ' / 3' ELSE '' END END;
    -- %1$s the query, %2$s time, %3$s its period, %4$s that of the first part's end, %5$s of the end, %6$s divisor
    RETURN pg_catalog.format($q$
        WITH event AS MATERIALIZED (
            SELECT s.customer, %2$s AS at, s.amount::numeric AS amount,
                   COALESCE(isfinite(s.ordered_at) AND s.customer IS NOT NULL
                            AND s.amount::numeric NOT IN ('NaN', 'Infinity', '-Infinity'), false) AS good
            FROM (%1$s
                 ) AS s (customer, ordered_at, amount)
        ), period AS (
            SELECT e.customer, %3$s AS n, e.at >= $2 AS holdout, sum(e.amount) AS amount, min(e.at) AS at
            FROM event AS e WHERE e.good AND e.amount >= 0 AND e.at < $1 GROUP BY 1, 2, 3
        ), numbered AS (
            SELECT p.*, min(p.n) OVER w AS first, min(p.at) OVER w AS first_at FROM period AS p
            WINDOW w AS (PARTITION BY p.customer)
        ), summed AS (
            SELECT p.customer, p.first,
                   count(*) FILTER (WHERE NOT p.holdout) - 1 AS x, max(p.n) FILTER (WHERE NOT p.holdout) AS last,
                   avg(p.amount) FILTER (WHERE NOT p.holdout AND p.n > p.first) AS mean,
                   count(*) FILTER (WHERE p.holdout) AS holdout_x,
                   avg(p.amount) FILTER (WHERE p.holdout) AS holdout_mean
            FROM numbered AS p WHERE p.first_at < $2 AND ($3 IS NULL OR p.first_at >= $3) GROUP BY p.customer, p.first
        )
        SELECT s.customer, s.x::double precision, ((s.last - s.first) / %6$s)::double precision,
               ((%4$s - s.first) / %6$s)::double precision, s.mean::double precision,
               CASE WHEN $5 THEN s.holdout_x::double precision END,
               CASE WHEN $5 THEN ((%5$s - (%4$s)) / %6$s)::double precision END, s.holdout_mean::double precision
        FROM (SELECT segment_internal.buying_history_told(count(*) FILTER (WHERE NOT e.good),
                                                          count(*) FILTER (WHERE e.good AND e.amount < 0)) AS told
              FROM event AS e) AS n, summed AS s
        WHERE n.told$q$,
        query, at, pg_catalog.format(period, 'e.at'),
        pg_catalog.format(period, '($2 - interval ''1 microsecond'')'),
        pg_catalog.format(period, '($1 - interval ''1 microsecond'')'),
        CASE WHEN whole_units THEN '1' ELSE days[place]::text || '::numeric' END);
END;
$$;
COMMENT ON FUNCTION segment_internal.buying_history_query(text, regtype, text, boolean) IS
$$The statement that buying_history runs, with its parameters: end, end of the first part, since (local times),
time zone, whether there is a second part.
Run under the session's search path, as the query itself is.
Errors: invalid_parameter_value for an unknown unit and a query that is not a single reading SELECT,
datatype_mismatch for wrong columns.$$;

CREATE FUNCTION buying_history(
    key anyelement, query text, as_of timestamptz DEFAULT now(), unit text DEFAULT 'week',
    since timestamptz DEFAULT NULL, holdout_from timestamptz DEFAULT NULL,
    whole_units boolean DEFAULT false, time_zone text DEFAULT NULL,
    OUT customer anyelement, OUT x double precision, OUT t_x double precision, OUT t double precision,
    OUT mean_value double precision,
    OUT holdout_x double precision, OUT holdout_t double precision, OUT holdout_mean_value double precision)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000 AS $$
DECLARE
    zone text := COALESCE(time_zone, pg_catalog.current_setting('TimeZone'));
    ends timestamptz := COALESCE(as_of, pg_catalog.now());
BEGIN
    IF query IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'query must not be null';
    END IF;
    IF NOT pg_catalog.isfinite(ends) OR holdout_from >= ends OR since >= COALESCE(holdout_from, ends) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = pg_catalog.format('since (%s), holdout_from (%s) and as_of (%s) must be finite and in this order',
                                        COALESCE(since::text, 'none'), COALESCE(holdout_from::text, 'none'), ends);
    END IF;
    RETURN QUERY EXECUTE segment_internal.buying_history_query(query, pg_catalog.pg_typeof(key),
            COALESCE(unit, 'week'), COALESCE(whole_units, false))
        USING ends AT TIME ZONE zone, COALESCE(holdout_from, ends) AT TIME ZONE zone, since AT TIME ZONE zone, zone,
            holdout_from IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION buying_history(anyelement, text, timestamptz, text, timestamptz, timestamptz, boolean, text) IS
$$One row per customer for bgnbd(), pareto_nbd() and their kin, from a query over orders:
buying_history(null::bigint, 'SELECT customer_id, ordered_at, amount FROM orders', as_of => '2026-01-01').
The first argument only names the type of the customer key.
The query's columns, by position: customer, time of the order (date, timestamp or timestamptz), amount (any number).
As the literature has it, orders of one calendar day are one purchase, and the first purchase begins the history:
x: purchases after the first.
t_x: time from the first to the last; 0 for x = 0.
t: time from the first to the last day that counts, the one before as_of where as_of is midnight.
mean_value: mean amount of the purchases after the first, one by day; NULL for x = 0.
unit of times: 'day', 'week', 'month' (30.4375 days), 'quarter' or 'year' (365.25 days).
whole_units: orders of one calendar unit (weeks begin on Monday) are one purchase and times are whole numbers of
units, as bgbb() needs them.
Only orders before as_of count; since: only customers whose first order is not before it.
holdout_from: the history ends there; holdout_x, holdout_t and holdout_mean_value are purchases, time and mean amount
from there to as_of, of the customers who had bought before.
They are NULL without holdout_from; holdout_mean_value also without purchases.
time_zone: in which days begin; NULL: the session's.
For recency, frequency and monetary value, which count the first order, use rfm_summary().
Negative amounts are no purchases and left out; rows with a NULL or infinite customer, time or amount are
skipped; both are counted in a NOTICE.
Memory: work_mem, beyond it temporary files.
Errors: invalid_parameter_value for an unknown unit, times in the wrong order or a query that is not a single reading
SELECT, datatype_mismatch for wrong columns, null_value_not_allowed without a query.$$;
