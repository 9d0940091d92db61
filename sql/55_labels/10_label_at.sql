-- ---- labels as of a date, without looking ahead ----

CREATE FUNCTION segment_internal.labels_told(skipped bigint, ends timestamptz, known timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF skipped > 0 THEN
        RAISE NOTICE 'label_at: % rows skipped', skipped
            USING DETAIL = 'Their customer, time or what follows is NULL or not finite.';
    END IF;
    IF ends > known THEN
        RAISE NOTICE 'label_at: labels whose horizon ends after % are not known yet, and NULL', known
            USING DETAIL = format('The last horizon ends at %s.', ends);
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.labels_told(bigint, timestamptz, timestamptz) IS
'Tells by NOTICE what label_at left out, and which labels cannot be known; true.';

CREATE FUNCTION segment_internal.features_told(
    at timestamptz, n bigint, customers bigint, ahead bigint, columns jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n > customers THEN
        RAISE cardinality_violation USING
            MESSAGE = format('feature_query must return one row per customer; it returned %s for %s customers',
                             n, customers),
            HINT = 'Add GROUP BY.';
    END IF;
    IF ahead > 0 THEN
        RAISE data_exception USING
            MESSAGE = format('features look ahead: those of %s of %s customers speak of %s or later', ahead, n, at),
            DETAIL = format('By column: %s.', (SELECT string_agg(format('%I of %s', c.key, c.value), ', ')
                                               FROM jsonb_each_text(columns) AS c WHERE c.value <> '0')),
            HINT = 'Read history, or add WHERE ... < as_of(). '
                   'A date to come that was known by then goes in as days from as_of().';
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.features_told(timestamptz, bigint, bigint, bigint, jsonb) IS
$$Refuses features of label_at that have several rows per customer (cardinality_violation) or an instant that is not
before the date (data_exception); true.$$;

CREATE FUNCTION segment_internal.local_instant(expression text, type regtype) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE type::text WHEN 'timestamp with time zone' THEN expression
                       WHEN 'date' THEN format('((%s)::timestamp AT TIME ZONE $2)', expression)
                       WHEN 'timestamp without time zone' THEN format('((%s) AT TIME ZONE $2)', expression) END;
COMMENT ON FUNCTION segment_internal.local_instant(text, regtype) IS
'An expression for the instant that another one of this type means in the time zone $2; NULL for types without.';

CREATE FUNCTION segment_internal.label_features_query(query text, features text, key_type regtype) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE AS $$
DECLARE
    source record;
    found record;
    tried text;
    reads regclass[];
BEGIN
    SELECT pg_catalog.string_agg(pg_catalog.format('NULL::%s AS %I', c.type, c.name), ', ' ORDER BY c.number)
               AS nothing,
           pg_catalog.min(segment_internal.local_instant('s.' || pg_catalog.quote_ident(c.name), c.type))
               FILTER (WHERE c.number = 2) AS time,
           pg_catalog.min(pg_catalog.quote_ident(c.name)) FILTER (WHERE c.number = 1) AS key
    INTO source FROM segment_internal.query_columns(query) AS c;
    -- with a history of no table, so that what is read is read beside it
    tried := pg_catalog.format(E'WITH history AS (SELECT %s) SELECT * FROM (%s\n) AS f', source.nothing, features);
    SELECT pg_catalog.string_agg(pg_catalog.format('%I %s', c.name, c.type), ', ' ORDER BY c.number) AS shown,
           pg_catalog.min(pg_catalog.quote_ident(c.name)) FILTER (WHERE c.number = 1) AS key,
           pg_catalog.min(c.type::text) FILTER (WHERE c.number = 1) AS key_type,
           pg_catalog.bool_or(c.name = 'label') AS has_label,
           pg_catalog.bool_or(c.name = 'known_at' AND i.instant IS NOT NULL) AS has_known_at,
           pg_catalog.string_agg(', f.' || pg_catalog.quote_ident(c.name), '' ORDER BY c.number)
               FILTER (WHERE c.number > 1 AND i.instant IS NULL) AS features,
           pg_catalog.string_agg(i.ahead, ' OR ' ORDER BY c.number) FILTER (WHERE c.number > 1) AS ahead,
           pg_catalog.string_agg(pg_catalog.format('%L, count(*) FILTER (WHERE %s)', c.name, i.ahead), ', '
                                 ORDER BY c.number) FILTER (WHERE c.number > 1 AND i.ahead IS NOT NULL) AS columns
    INTO found
    FROM segment_internal.query_columns(tried) AS c
    CROSS JOIN LATERAL (SELECT segment_internal.local_instant('f.' || pg_catalog.quote_ident(c.name), c.type))
        AS t (instant)
    LEFT JOIN LATERAL (SELECT t.instant, pg_catalog.format(CASE c.name WHEN 'known_at' THEN '(%s < $6) IS NOT TRUE'
                                                                 ELSE '%s >= $6' END, t.instant)
                 WHERE t.instant IS NOT NULL) AS i (instant, ahead) ON true;
    IF found.key_type <> key_type::text OR found.features IS NULL OR found.has_label THEN
        RAISE datatype_mismatch USING
            MESSAGE = pg_catalog.format('feature_query must return (customer %s, features ...), not (%s)', key_type,
                                        found.shown),
            HINT = 'Dates and times are looked at, but are no features; and none may have the name "label".';
    END IF;
    reads := (segment_internal.qualified_query(tried, NULL)).relations;
    IF pg_catalog.cardinality(reads) > 0 AND NOT found.has_known_at THEN
        RAISE invalid_parameter_value USING
            MESSAGE = pg_catalog.format('feature_query reads %s, and does not say until when it tells of its rows',
                                        pg_catalog.array_to_string(reads, ', ')),
            HINT = 'Read history, which is the query before the date, or add a column known_at: '
                   'the last instant that the row tells of.';
    END IF;
    RETURN pg_catalog.format($q$, segment_feature AS MATERIALIZED (
            WITH history AS (SELECT * FROM (%1$s
                ) AS s WHERE %2$s < $6 AND s.%8$s IS NOT NULL)
            SELECT * FROM (%3$s
                ) AS f
        ), segment_feature_told AS (
            SELECT segment_internal.features_told(
                       $6, count(f.%4$s), count(DISTINCT f.%4$s), count(*) FILTER (WHERE %5$s),
                       jsonb_build_object(%6$s)) AS told
            FROM segment_feature AS f
        )
        SELECT l.*, (SELECT r FROM (SELECT l.label%7$s) AS r)
        FROM segment_label AS l LEFT JOIN segment_feature AS f ON f.%4$s = l.customer, segment_feature_told AS t
        WHERE t.told$q$,
        query, source.time, features, found.key, COALESCE(found.ahead, 'false'), found.columns, found.features,
        source.key);
END;
$$;
COMMENT ON FUNCTION segment_internal.label_features_query(text, text, regtype) IS
$$What label_at appends to its statement to join features as of one date, its parameter $6.
Run under the session's search path, as the queries themselves are.
Errors: datatype_mismatch for wrong columns; invalid_parameter_value for features that read a table
and have no known_at, and a query that is not a single reading SELECT.$$;

CREATE FUNCTION segment_internal.label_query(query text, features text, key_type regtype) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
DECLARE
    kinds text[];
    names text;
    at text;
    has_counts boolean;
    amount text;
    numbers constant text[] := ARRAY['smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric'];
BEGIN
    SELECT pg_catalog.array_agg(c.type::text ORDER BY c.number),
           pg_catalog.string_agg(CASE c.number WHEN 1 THEN 'customer' WHEN 2 THEN 'at' ELSE 'c' || c.number END, ', '
                                 ORDER BY c.number),
           pg_catalog.min(segment_internal.local_instant('s.at', c.type)) FILTER (WHERE c.number = 2)
    INTO kinds, names, at FROM segment_internal.query_columns(query) AS c;
    IF pg_catalog.cardinality(kinds) < 2 OR kinds[1] <> key_type::text OR at IS NULL THEN
        RAISE datatype_mismatch USING
            MESSAGE = pg_catalog.format('the query must return (customer %s, time ...), not (%s)', key_type,
                                        pg_catalog.array_to_string(kinds, ', ')),
            HINT = 'Time is a date, timestamp or timestamptz; whether the row counts (boolean) and an amount '
                   'may follow. The key has the customer''s type.';
    END IF;
    has_counts := COALESCE(kinds[3] = 'boolean', false);
    amount := CASE WHEN has_counts AND kinds[4] = ANY (numbers) THEN 's.c4::numeric'
                   WHEN kinds[3] = ANY (numbers) THEN 's.c3::numeric' END;
    -- $1 dates, $2 time zone, $3 ends of their horizons, $4 since when one is active, $5 known until, $6 one date,
    -- $7 whether the label is churn, $8 all these instants in order, $9 whether rows left out are told
    RETURN pg_catalog.format($q$WITH segment_event AS (
            SELECT s.customer, %2$s AS at, %3$s AS counts, %4$s AS adds, %5$s AS amount,
                   COALESCE(s.customer IS NOT NULL AND isfinite(s.at) AND %3$s IS NOT NULL%6$s, false) AS good
            FROM (%1$s
                 ) AS s (%7$s)
        ), segment_part AS (
            SELECT e.customer, CASE WHEN e.good THEN width_bucket(e.at, $8) END AS part, count(*) AS n,
                   count(*) FILTER (WHERE e.counts) AS events, sum(e.amount) FILTER (WHERE e.good AND e.adds) AS amount,
                   min(e.at) FILTER (WHERE e.good AND e.counts) AS first_at, max(e.at) FILTER (WHERE e.good) AS last_at
            FROM segment_event AS e GROUP BY 1, 2
        ), segment_known AS (
            SELECT k.known, segment_internal.labels_told(CASE WHEN $9 THEN k.skipped END, k.ends, k.known) AS told
            FROM (SELECT COALESCE($5, least((max(p.last_at)%8$s, now())) AS known,
                         sum(p.n) FILTER (WHERE p.part IS NULL)::bigint AS skipped,
                         (SELECT max(s) FROM unnest($3) AS s) AS ends
                  FROM segment_part AS p) AS k
        ), segment_span AS (
            SELECT s.at, s.ends <= k.known AS over,
                   array_position($8, s.at) AS here, array_position($8, s.ends) AS past,
                   COALESCE(array_position($8, s.since), 0) AS since
            FROM unnest($1, $3, $4) AS s (at, ends, since), segment_known AS k WHERE k.told
        ), segment_label AS (
            SELECT w.customer, s.at, CASE WHEN s.over THEN (w.events > 0) <> $7 END AS label,
                   CASE WHEN s.over THEN w.events END AS events,
                   CASE WHEN s.over THEN w.amount END AS amount, CASE WHEN s.over THEN w.first_at END AS first_event_at
            FROM segment_span AS s, LATERAL (
                SELECT p.customer, COALESCE(sum(p.events) FILTER (WHERE p.part >= s.here), 0)::bigint AS events,
                       %9$s AS amount, min(p.first_at) FILTER (WHERE p.part >= s.here) AS first_at
                FROM segment_part AS p WHERE p.part >= s.since AND p.part < s.past
                GROUP BY p.customer HAVING min(p.part) < s.here) AS w
        )%10$s$q$,
        query, at, CASE WHEN has_counts THEN 's.c3' WHEN amount IS NULL THEN 'true' ELSE amount || ' >= 0' END,
        CASE WHEN has_counts THEN 's.c3' ELSE 'true' END, COALESCE(amount, 'NULL::numeric'),
        ' AND ' || amount || ' NOT IN (''NaN'', ''Infinity'', ''-Infinity'')', names,
        CASE WHEN kinds[2] = 'date' THEN ' AT TIME ZONE $2 + interval ''1 day'') AT TIME ZONE $2' ELSE ')' END,
        CASE WHEN amount IS NULL THEN 'NULL::numeric'
             ELSE 'COALESCE(sum(p.amount) FILTER (WHERE p.part >= s.here), 0)' END,
        CASE WHEN features IS NULL THEN ' SELECT l.*, NULL::record FROM segment_label AS l'
             ELSE segment_internal.label_features_query(query, features, key_type) END);
END;
$$;
COMMENT ON FUNCTION segment_internal.label_query(text, text, regtype) IS
$$The statement that label_at runs, with its parameters.
Events are added up by customer and by the part of time between two of the instants that matter, and each date takes
the parts that it needs: one pass over the query, however many dates.
Run under the session's search path, as the query itself is.
Errors: datatype_mismatch for wrong columns, and as label_features_query.$$;

CREATE FUNCTION label_at(
    key anyelement, query text, as_of timestamptz[], horizon interval, known_until timestamptz DEFAULT NULL,
    churn boolean DEFAULT false, active_within interval DEFAULT NULL, feature_query text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    OUT customer anyelement, OUT at timestamptz, OUT label boolean, OUT events bigint, OUT amount numeric,
    OUT first_event_at timestamptz, OUT features record)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000 AS $$
DECLARE
    zone text := COALESCE(time_zone, pg_catalog.current_setting('TimeZone'));
    before text := pg_catalog.current_setting('segment.as_of', true);
    statement text;
    dates timestamptz[];
    ends timestamptz[];
    since timestamptz[];
    instants timestamptz[];
    n integer;
BEGIN
    IF query IS NULL OR as_of IS NULL OR horizon IS NULL OR pg_catalog.array_position(as_of, NULL) IS NOT NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'query, as_of, its dates and horizon must not be null';
    END IF;
    SELECT pg_catalog.array_agg(d.at ORDER BY d.at), pg_catalog.array_agg(d.ends ORDER BY d.at),
           pg_catalog.array_agg(d.since ORDER BY d.at)
    INTO dates, ends, since
    FROM (SELECT DISTINCT a.at, (a.at AT TIME ZONE zone + horizon) AT TIME ZONE zone AS ends,
                 (a.at AT TIME ZONE zone - active_within) AT TIME ZONE zone AS since
          FROM pg_catalog.unnest(as_of) AS a (at)) AS d;
    IF dates IS NULL OR NOT (dates[1] > '-infinity' AND dates[pg_catalog.cardinality(dates)] < 'infinity')
       OR EXISTS (SELECT FROM unnest(dates, ends, since) AS d (at, ends, since)
                  WHERE d.ends <= d.at OR d.since >= d.at) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = pg_catalog.format('as_of (%s) must have finite dates, and horizon (%s) and active_within (%s) '
                                        'be longer than nothing',
                                        as_of, horizon, COALESCE(active_within::text, 'none'));
    END IF;
    SELECT pg_catalog.array_agg(DISTINCT i ORDER BY i) INTO instants
    FROM pg_catalog.unnest(dates || ends || since) AS i WHERE i IS NOT NULL;
    statement := segment_internal.label_query(query, feature_query, pg_catalog.pg_typeof(key));
    IF feature_query IS NULL THEN
        RETURN QUERY EXECUTE statement
            USING dates, zone, ends, since, known_until, NULL::timestamptz, COALESCE(churn, false), instants, true;
        RETURN;
    END IF;
    FOR n IN 1 .. pg_catalog.cardinality(dates) LOOP
        PERFORM pg_catalog.set_config('segment.as_of', segment_internal.instant(dates[n]), true);
        RETURN QUERY EXECUTE statement
            USING dates[n:n], zone, ends[n:n], since[n:n], known_until, dates[n], COALESCE(churn, false), instants,
                n = 1;
    END LOOP;
    PERFORM pg_catalog.set_config('segment.as_of', COALESCE(before, ''), true);
END;
$$;
COMMENT ON FUNCTION label_at(anyelement, text, timestamptz[], interval, timestamptz, boolean, interval, text, text) IS
$$What customers did within a time after a date, for models that predict it, without looking ahead:
label_at(null::bigint, 'SELECT customer_id, ordered_at FROM orders', as_of => '{2026-01-01}', horizon => '90 days').
The first argument only names the type of the customer key.
The query's columns, by position: customer, time of the event (date, timestamp or timestamptz), optionally whether the
row is an event that counts (boolean; a response, an upgrade), optionally an amount (any number).
Others may follow, for the features.
Without the boolean all rows count, but those of negative amounts, which are no purchases.
Returns a row for each customer with any row before the date, and each date:
customer; at: the date; label: whether an event that counts came in [at, at + horizon);
events: how many; amount: the total of what counts, less refunds; NULL without amounts;
first_event_at: the first of them.
churn: true: the label is that none came.
Who appears after the date is not in it.
active_within: only customers with a row in [at - active_within, at), as others are long gone.
known_until: until when the query is complete.
Labels whose horizon ends after it are not known, and NULL, as are events, amount and first_event_at; a NOTICE tells.
NULL: the time of the last row, of dates the end of that day, and now where that is before.
as_of: one date or several, each a training set of its own; dates in the future are of no label and score customers.
feature_query: a query of (customer, features ...), run once for each date with as_of() being the date.
It reads history, which stands for the query's rows before the date, with the names of its columns; so it cannot look
ahead.
Where it reads tables beside it, it must return a column known_at: the last instant that the row tells of.
A row whose known_at, or any other date or time, is not before the date is refused, with the number of customers.
features: a record of the label and the features, by their names: feature_set(features) trains, predict(model, features)
applies; dates and times are left out, and features of customers that feature_query has not are NULL.
Functions that read tables by themselves are not seen through, nor columns that were overwritten later.
time_zone: in which days and months are counted, and timestamps without zone lie; NULL: the session's.
NULL for any argument but query, as_of and horizon means its default.
Rows with a NULL or infinite customer, time, boolean or amount are skipped, and counted in a NOTICE.
Memory: work_mem, beyond it temporary files.
Errors: datatype_mismatch for wrong columns, data_exception for features that look ahead, cardinality_violation for
several rows of features per customer, invalid_parameter_value for features that read a table without known_at,
dates that are not finite, a horizon or active_within that is not longer than nothing and a query that is not a single
reading SELECT, null_value_not_allowed.$$;
