--
-- rfm_summary: one row per customer, compared with GROUP BY.
--
SET search_path = public, segment;
SET TimeZone = 'UTC';
SET client_min_messages = warning;

\set ECHO none
\i test/lib/error_of.psql
\set ECHO all

-- ---- random orders: refunds, zeros, ties in time, NULLs, infinities, later than as_of ----
CREATE TYPE pg_temp.size AS ENUM ('s', 'm', 'l', 'xl');
CREATE DOMAIN pg_temp.customer_no AS bigint;
SELECT setseed(0.5);
CREATE TEMP TABLE raw AS
SELECT i, floor(random() * 300)::integer AS k,
       timestamptz '2024-01-01 00:00 UTC' + floor(random() * 400 * 86400) * interval '1 second' AS t,
       floor(random() * 20000)::integer - 3000 AS cents, floor(random() * 5000)::integer AS o
FROM generate_series(1, 12000) AS i;
UPDATE raw SET cents = 0 WHERE i % 50 = 0;
CREATE TEMP TABLE orders AS
SELECT i,
       CASE WHEN i % 97 <> 0 THEN k END AS k_int,
       CASE WHEN i % 97 <> 0 THEN k::bigint * 10000000000 - 5 END AS k_bigint,
       CASE WHEN i % 97 <> 0 THEN (k - 150)::smallint END AS k_smallint,
       CASE WHEN i % 97 <> 0 THEN md5(k::text)::uuid END AS k_uuid,
       CASE WHEN i % 97 <> 0 THEN repeat(chr(97 + k % 26), k % 200) || k END AS k_text,
       CASE WHEN i % 97 <> 0 THEN (k / 10.0)::numeric || CASE WHEN i % 2 = 0 THEN '' ELSE '000' END END::numeric AS k_numeric,
       CASE WHEN i % 97 <> 0 THEN date '2000-01-01' + k END AS k_date,
       CASE WHEN i % 97 <> 0 THEN (enum_range(NULL::pg_temp.size))[1 + k % 4] END AS k_enum,
       CASE WHEN i % 97 <> 0 THEN CASE WHEN k = 4 AND i % 2 = 0 THEN '-0' ELSE (k - 4) / 8.0::float8 END END AS k_float8,
       CASE WHEN i % 97 <> 0 THEN decode(md5(k::text), 'hex') END AS k_bytea,
       CASE WHEN i % 97 <> 0 THEN ARRAY[k, k % 3] END AS k_array,
       CASE WHEN i % 97 <> 0 THEN k % 2 = 0 END AS k_boolean,
       CASE WHEN i % 97 <> 0 THEN k::text::char(10) END AS k_bpchar,
       CASE WHEN i % 97 <> 0 THEN k::pg_temp.customer_no END AS k_domain,
       CASE WHEN i % 97 <> 0 THEN k * interval '1 hour' END AS k_interval,
       CASE WHEN i % 101 <> 0 THEN t END AS t, CASE WHEN i % 101 <> 0 THEN t AT TIME ZONE 'UTC' END AS t_local,
       CASE WHEN i % 101 <> 0 THEN (t AT TIME ZONE 'UTC')::date END AS t_date,
       CASE WHEN i % 103 <> 0 THEN cents / 100.0 END AS a_numeric,
       CASE WHEN i % 103 <> 0 THEN cents END AS a_int,
       CASE WHEN i % 103 <> 0 THEN cents::bigint * 300000000000000 END AS a_bigint,
       CASE WHEN i % 103 <> 0 THEN (cents / 2)::smallint END AS a_smallint,
       CASE WHEN i % 103 <> 0 THEN cents / 100.0::float8 END AS a_float8,
       CASE WHEN i % 103 <> 0 THEN (cents / 100.0)::float4 END AS a_float4,
       -- of many sizes: 0 to 40 digits before the point, 0 to 30 behind
       CASE WHEN i % 103 <> 0
                THEN (cents::numeric / 7 * 10::numeric ^ (i % 41))::numeric(80, 0) + round(cents::numeric / 11, i % 31) END AS a_large,
       -- each fits into int64, sums do not
       CASE WHEN i % 103 <> 0 THEN cents::numeric * 500000000000000 END AS a_sum,
       CASE WHEN i % 107 <> 0 THEN o END AS o_int, CASE WHEN i % 107 <> 0 THEN 'order ' || o END AS o_text,
       CASE WHEN i % 107 <> 0 THEN md5(o::text)::uuid END AS o_uuid
FROM raw;
UPDATE orders SET t = 'infinity', t_local = 'infinity', t_date = 'infinity' WHERE i % 211 = 0;
UPDATE orders SET t = '-infinity', t_local = '-infinity', t_date = '-infinity' WHERE i % 223 = 0;
UPDATE orders SET a_numeric = 'NaN', a_float8 = 'NaN', a_float4 = 'Infinity', a_large = 'Infinity', a_sum = '-Infinity' WHERE i % 227 = 0;

-- What rfm_summary should give, in plain SQL.  key, time, amount and order name columns of orders.  The first
-- order is the first of all, of who has any in the window.
CREATE FUNCTION pg_temp.plain(key text, "time" text, amount text, "order" text, as_of text, since text, refunds text, zeros text)
    RETURNS text LANGUAGE sql AS $$
    SELECT format($f$
        SELECT k AS customer, CASE WHEN %4$s > 0 THEN min(t) FILTER (WHERE counts) END AS first_order_at,
               max(t) FILTER (WHERE counts AND within) AS last_order_at,
               (date %5$L - max(t::date) FILTER (WHERE counts AND within))::float8 AS recency,
               %4$s AS frequency, sum(a) FILTER (WHERE within) AS monetary,
               CASE WHEN %4$s > 0 THEN (sum(a) FILTER (WHERE within))::float8 / %4$s END AS mean_amount
        FROM (SELECT k, t, a, o, CASE %7$L WHEN 'net' THEN a >= 0 ELSE true END AS counts,
                     t >= coalesce(%6$L::timestamp, '-infinity') AS within
              FROM (SELECT %1$s AS k, %2$s AS t, (%3$s)::text::numeric AS a, %9$s AS o FROM orders) AS s
              WHERE k IS NOT NULL AND t IS NOT NULL AND a IS NOT NULL AND o IS NOT NULL
                AND isfinite(t) AND a NOT IN ('NaN', 'Infinity', '-Infinity') AND t < %5$L
                AND (a >= 0 OR %7$L <> 'ignore') AND (a <> 0 OR %8$L <> 'ignore')) AS s
        GROUP BY 1 HAVING bool_or(within)$f$,
        key, "time", amount,
        CASE WHEN "order" IS NULL THEN 'count(*) FILTER (WHERE counts AND within)'
             ELSE 'count(DISTINCT o) FILTER (WHERE counts AND within)' END,
        as_of, since, refunds, zeros, coalesce("order", '1'))
$$;

-- Rows that differ, of all that there are
CREATE FUNCTION pg_temp.differing(key text, "time" text, amount text, "order" text DEFAULT NULL, lookback interval DEFAULT NULL,
                                  refunds text DEFAULT 'net', zeros text DEFAULT 'order', OUT customers bigint, OUT differing bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    type text := (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = key);
BEGIN
    EXECUTE format($f$
        SELECT count(*), count(*) FILTER (WHERE s IS NULL OR p IS NULL
            OR (s.first_order_at, s.last_order_at, s.recency, s.frequency, s.monetary, s.mean_amount) IS DISTINCT FROM
               (p.first_order_at, p.last_order_at, p.recency, p.frequency, p.monetary, p.mean_amount)
            OR s.customer::text <> p.customer::text AND s.customer <> p.customer)
        FROM rfm_summary(NULL::%1$s, %2$L, '2025-01-20 00:00 UTC', %3$L, %4$L, %5$L) AS s
        FULL JOIN (%6$s) AS p ON s.customer = p.customer$f$,
        type, format('SELECT %s FROM orders', concat_ws(', ', key, "time", amount, "order")), lookback, refunds, zeros,
        pg_temp.plain(key, "time", amount, "order", '2025-01-20', (timestamp '2025-01-20' - lookback)::text, refunds, zeros))
    INTO customers, differing;
END;
$$;

-- key types
SELECT key, d.*
FROM unnest('{k_bigint,k_int,k_smallint,k_uuid,k_text,k_numeric,k_date,k_enum,k_float8,k_bytea,k_array,k_boolean,'
            'k_bpchar,k_domain,k_interval}'::text[]) AS key,
     pg_temp.differing(key, 't_local', 'a_numeric') AS d ORDER BY key COLLATE "C";
SELECT key, "order", d.*
FROM unnest('{k_bigint,k_text,k_numeric,k_enum}'::text[]) AS key, unnest('{o_int,o_text,o_uuid}'::text[]) AS "order",
pg_temp.differing(key, 't_local', 'a_numeric', "order") AS d ORDER BY key COLLATE "C", "order" COLLATE "C";
-- amount types
SELECT amount, d.* FROM unnest('{a_numeric,a_int,a_bigint,a_smallint,a_float8,a_float4,a_large,a_sum}'::text[]) AS amount,
pg_temp.differing('k_int', 't_local', amount) AS d ORDER BY amount COLLATE "C";
-- the sums do go beyond int64, and amounts beyond 20 digits
SELECT max(monetary) > 9223372036854775807 AS beyond FROM rfm_summary(null::int, 'SELECT k_int, t, a_sum FROM orders');
SELECT max(length(a_large::text)) FROM orders;
-- time types
SELECT "time", d.* FROM unnest('{t,t_local,t_date}'::text[]) AS "time", pg_temp.differing('k_int', "time", 'a_numeric') AS d
ORDER BY "time" COLLATE "C";
-- rules, all combinations.  Expect no rows
SELECT refunds, zeros, "order", lookback, d.*
FROM unnest('{net,ignore,order}'::text[]) AS refunds, unnest('{order,ignore}'::text[]) AS zeros, unnest('{NULL,o_int}'::text[]) AS "order",
     unnest('{NULL,30 days,1 year}'::interval[]) AS lookback,
     pg_temp.differing('k_int', 't_local', 'a_numeric', "order", lookback, refunds, zeros) AS d
WHERE customers < 250 OR differing > 0;

-- amounts of several scales
SELECT customer, frequency, trim_scale(monetary), mean_amount FROM
rfm_summary(null::text, $$VALUES ('a', date '2024-01-01', 1.10), ('a', '2024-01-01', 2.2000), ('b', '2024-01-01', 5),
                                 ('c', '2024-01-01', -0.10), ('c', '2024-01-01', 0.1)$$) ORDER BY customer;

-- ---- counts: nothing silent ----
SET client_min_messages = notice;
SELECT count(*)
FROM rfm_summary(null::int, 'SELECT k_int, t, a_numeric, o_int FROM orders', '2025-01-20 00:00 UTC', '200 days', 'ignore', 'ignore');
SELECT rfm_summary_counts() - 'seconds' = to_jsonb(c) AS exact,
       rows_read = rows_used + null_customer + null_time + null_amount + null_order + not_finite
       + after_as_of + before_lookback + refunds_ignored + zero_ignored AS adds_up,
       (rfm_summary_counts() ->> 'seconds')::float8 >= 0 AS timed
FROM (SELECT count(*) AS rows_read, count(*) FILTER (WHERE why IS NULL) AS rows_used,
             count(*) FILTER (WHERE why = 1) AS null_customer, count(*) FILTER (WHERE why = 2) AS null_time,
             count(*) FILTER (WHERE why = 3) AS null_amount, count(*) FILTER (WHERE why = 4) AS null_order,
             count(*) FILTER (WHERE why = 5) AS not_finite,
             count(*) FILTER (WHERE why = 6) AS after_as_of, count(*) FILTER (WHERE why = 7) AS before_lookback,
             0 AS refunds_netted, 0 AS orders_cancelled,
             count(*) FILTER (WHERE why = 8) AS refunds_ignored, count(*) FILTER (WHERE why = 9) AS zero_ignored,
             count(DISTINCT k_int) FILTER (WHERE why IS NULL) AS customers, 0 AS rows_spilled
      FROM (SELECT k_int, CASE WHEN k_int IS NULL THEN 1 WHEN t IS NULL THEN 2 WHEN a_numeric IS NULL THEN 3 WHEN o_int IS NULL THEN 4
                   WHEN NOT isfinite(t) OR a_numeric = 'NaN' THEN 5 WHEN t >= '2025-01-20 00:00 UTC' THEN 6
                   WHEN t < timestamptz '2025-01-20 00:00 UTC' - interval '200 days' THEN 7
                   WHEN a_numeric < 0 THEN 8 WHEN a_numeric = 0 THEN 9 END AS why FROM orders) AS s) AS c;
SELECT count(*) FROM rfm_summary(null::int, 'SELECT k_int, t, a_numeric FROM orders WHERE a_numeric < 0', '2025-01-20 00:00 UTC');
SELECT (rfm_summary_counts() ->> 'refunds_netted') = (rfm_summary_counts() ->> 'rows_used') AS all_netted;
SET client_min_messages = warning;

-- refunds only: no orders, no times, a total
SELECT *
FROM rfm_summary(null::int, $$VALUES (1, date '2024-01-01', -5), (1, date '2024-02-01', -7), (2, date '2024-02-01', 0)$$, '2024-03-01');
-- no rows
SELECT * FROM rfm_summary(null::int, $$SELECT 1, now(), 2.0 WHERE false$$);
SELECT jsonb_pretty(rfm_summary_counts() - 'seconds');

-- ---- time ----
-- as_of is exclusive, the start of the lookback inclusive, to the microsecond
SELECT * FROM rfm_summary(null::int, $$VALUES (1, timestamptz '2024-03-01 00:00 UTC', 1), (2, '2024-02-29 23:59:59.999999 UTC', 2),
                                              (3, '2024-02-01 00:00 UTC', 3), (4, '2024-01-31 23:59:59.999999 UTC', 4)$$,
                          '2024-03-01 00:00 UTC', '1 month') ORDER BY 1;
-- days are those of the zone: 03:30 UTC is still the day before in New York
SELECT zone, recency, first_order_at FROM unnest('{UTC,America/New_York,Asia/Kolkata,Pacific/Kiritimati}'::text[]) AS zone,
rfm_summary(null::int, $$VALUES (1, timestamptz '2024-02-10 03:30 UTC', 1)$$, '2024-02-20 12:00 UTC', time_zone => zone)
ORDER BY zone COLLATE "C";
-- random instants over ten years in zones with changes of the clock, against the server's own arithmetic.  Expect no rows
CREATE TEMP TABLE instant AS
SELECT i::bigint AS i, timestamptz '2015-01-01 00:00 UTC' + (hashint8(i) & 2147483647) % (86400 * 3650) * interval '1 second' AS at
FROM generate_series(1, 3000) AS i;
-- and each quarter of an hour of the days on which Berlin, New York and Lord Howe change theirs
INSERT INTO instant SELECT 10000 + row_number() OVER (), at
FROM unnest('{2024-03-30,2024-10-26,2024-03-09,2024-11-02,2024-04-06,2024-10-05}'::timestamptz[]) AS day,
     generate_series(day, day + interval '2 days', '15 min') AS at;
SELECT zone, as_of, count(*) FILTER (WHERE s.recency IS DISTINCT FROM ((as_of AT TIME ZONE zone)::date - (at AT TIME ZONE zone)::date)),
       count(*) FILTER (WHERE s.first_order_at <> at OR s.last_order_at <> at)
FROM unnest('{UTC,Europe/Berlin,America/New_York,Australia/Lord_Howe,Asia/Kathmandu,Africa/Casablanca,<+03>-3}'::text[]) AS zone,
     unnest('{2025-01-01 00:00 UTC,2024-10-27 00:30 UTC,2024-10-27 01:30 UTC,2024-03-31 01:00 UTC}'::timestamptz[]) AS as_of,
     rfm_summary(null::bigint, 'SELECT i, at, 1 FROM instant', as_of, time_zone => zone) AS s JOIN instant ON i = customer
GROUP BY 1, 2 HAVING count(*) FILTER (WHERE s.recency IS DISTINCT FROM ((as_of AT TIME ZONE zone)::date - (at AT TIME ZONE zone)::date))
    + count(*) FILTER (WHERE s.first_order_at <> at OR s.last_order_at <> at) > 0;
-- days of 24 hours with a fraction
SELECT i FROM rfm_summary(null::bigint, 'SELECT i, at, 1 FROM instant', '2025-01-01 00:00 UTC',
                          time_zone => 'Europe/Berlin', whole_days => false) AS s JOIN instant ON i = customer
WHERE recency IS DISTINCT FROM (extract(epoch FROM timestamptz '2025-01-01 00:00 UTC' - at) * 1000000)::float8 / 86400000000;
-- lookback in calendar units of the zone: a month before the 29th of April, across the change of the clock
SELECT zone, array_agg(customer ORDER BY customer) FROM unnest('{UTC,Europe/Berlin}'::text[]) AS zone,
rfm_summary(null::int, $$VALUES (1, timestamptz '2024-03-28 22:59 UTC', 1), (2, '2024-03-28 23:00 UTC', 1), (3, '2024-03-29 00:00 UTC', 1),
                                (4, '2024-03-29 01:00 UTC', 1)$$, '2024-04-28 23:00 UTC', '1 month', time_zone => zone)
GROUP BY zone ORDER BY zone COLLATE "C";
-- times without a zone are local ones: what is before as_of there
SELECT zone, array_agg(customer ORDER BY customer), array_agg(recency ORDER BY customer)
FROM unnest('{UTC,America/New_York}'::text[]) AS zone,
rfm_summary(null::int, $$VALUES (1, timestamp '2024-03-09 12:00', 1), (2, '2024-03-10 01:30', 1), (3, '2024-03-10 03:30', 1),
                                (4, '2024-03-10 07:00', 1), (5, '2024-03-10 11:00', 1)$$, '2024-03-10 12:00 UTC', time_zone => zone)
GROUP BY zone ORDER BY zone COLLATE "C";
-- and are given back as instants
SELECT customer, first_order_at, recency
FROM rfm_summary(null::int, $$VALUES (1, timestamp '2024-01-15 12:00', 1), (2, timestamp '2024-07-15 12:00', 1)$$,
                 '2024-12-01', time_zone => 'Europe/Berlin') ORDER BY 1;
-- dates begin at midnight of the zone; that of as_of counts when as_of is later in the day
SELECT zone, array_agg(customer ORDER BY customer), array_agg(recency ORDER BY customer) FROM unnest('{UTC,Asia/Tokyo}'::text[]) AS zone,
rfm_summary(null::int, $$VALUES (1, date '2024-05-01', 1), (2, '2024-05-02', 1), (3, '2024-05-03', 1)$$,
            '2024-05-02 20:00 UTC', time_zone => zone) GROUP BY zone ORDER BY zone COLLATE "C";
-- the session's zone is the default and is left alone
SET TimeZone = 'Asia/Tokyo';
SELECT recency
FROM rfm_summary(null::int, $$VALUES (1, timestamptz '2024-05-01 14:00 UTC', 1)$$, '2024-05-02 16:00 UTC', lookback => '10 days');
SELECT recency FROM rfm_summary(null::int, $$VALUES (1, timestamptz '2024-05-01 14:00 UTC', 1)$$,
                                '2024-05-02 16:00 UTC', lookback => '10 days', time_zone => 'America/New_York');
SHOW TimeZone;
SET TimeZone = 'UTC';
-- far away
SELECT * FROM rfm_summary(null::int, $$VALUES (1, timestamptz '4713-01-01 00:00 UTC BC', 1),
                                              (2, timestamptz '294276-12-31 UTC', 1)$$, '294276-12-31 23:59 UTC') ORDER BY 1;

-- ---- short of memory: the same rows by way of files ----
CREATE TEMP TABLE many AS
SELECT (i * 7919) % 9973 AS k, 'customer ' || (i * 7919) % 9973 AS kt, date '2024-01-01' + (hashint4(i) & 255) AS t,
       (hashint4(i + 7) & 65535) / 100.0 - 30 AS a, hashint4(i) & 127 AS o, 'o' || (hashint4(i) & 127) AS ot,
       CASE WHEN i % 1000 = 1 THEN 10::numeric ^ 25 ELSE i END AS big
FROM generate_series(1, 60000) AS i;
CREATE FUNCTION pg_temp.summary_digest(key text, query text, lookback interval, refunds text, OUT n bigint,
                                       OUT digest text, OUT spilled bigint, OUT counted boolean) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'SELECT count(*), md5(string_agg(s::text, E''\n'' ORDER BY customer)) '
        'FROM rfm_summary(NULL::%s, %L, ''2025-01-01 00:00 UTC'', %L, %L) AS s',
        key, query, lookback, refunds) INTO n, digest;
    spilled := rfm_summary_counts() ->> 'rows_spilled';
    counted := (rfm_summary_counts() ->> 'customers')::bigint = n AND (rfm_summary_counts() ->> 'rows_used')::bigint
        + (rfm_summary_counts() ->> 'before_lookback')::bigint = (rfm_summary_counts() ->> 'rows_read')::bigint;
END;
$$;
CREATE TEMP TABLE query AS
SELECT key, query || w.note AS query, lookback, refunds
FROM (VALUES ('', NULL::interval, 'net'), (' -- 200 days', '200 days', 'net'),
             (' -- cancel', '200 days', 'cancel')) AS w (note, lookback, refunds),
     (VALUES ('int', 'SELECT k, t, a FROM many'), ('text', 'SELECT kt, t, a FROM many'),
             ('int', 'SELECT k, t, a, o FROM many'), ('text', 'SELECT kt, t, a, ot FROM many'),
                      ('int', 'SELECT k, t, big FROM many'), ('text', 'SELECT kt, t, big, ot FROM many'),
                      ('int', 'SELECT k % 3, t, a, ot || k FROM many'),
                      ('int', 'SELECT k, t, a::float8, o FROM many ORDER BY k'),
                      ('int', 'SELECT k, t, CASE k WHEN 5 THEN 0.123456 ELSE round(a, 2) END FROM many')) AS v (key, query)
WHERE refunds <> 'cancel' OR query ~ ' o| ot';
CREATE TEMP TABLE enough AS SELECT query, d.* FROM query, pg_temp.summary_digest(key, query, lookback, refunds) AS d;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
CREATE TEMP TABLE short AS SELECT query, d.* FROM query, pg_temp.summary_digest(key, query, lookback, refunds) AS d;
RESET work_mem;
RESET hash_mem_multiplier;
SELECT query, short.n, short.digest = enough.digest AS same, enough.spilled AS spilled_with_enough,
       short.spilled > 0 AS spilled_when_short, enough.counted AND short.counted AS counted
FROM enough JOIN short USING (query) ORDER BY query COLLATE "C";

-- ---- queries and columns that are refused ----
CREATE TEMP TABLE t (c int, at timestamptz, a numeric);
SELECT query, pg_temp.error_of(format('SELECT * FROM rfm_summary(null::int, %L)', query))
FROM (VALUES (''), (' ; '), ('SELECT * FROM t; SELECT * FROM t'), ('INSERT INTO t VALUES (1, now(), 1) RETURNING *'),
             ('UPDATE t SET c = 1 RETURNING *'), ('DELETE FROM t RETURNING *'),
             ('WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d'), ('SELECT * FROM t FOR UPDATE'), ('SELECT * FROM t FOR KEY SHARE'),
             ('SELECT * FROM (SELECT * FROM t FOR UPDATE) AS s'), ('WITH s AS (SELECT * FROM t FOR SHARE) SELECT * FROM s'),
             ('SELECT * INTO x FROM t'), ('CREATE TABLE x (i int)'), ('EXPLAIN SELECT * FROM t'),
             ('SET work_mem = 1'), ('COMMIT'), ('COPY t TO STDOUT'), ('DO $x$BEGIN END$x$'),
             ('SELECT $1, at, a FROM t'), ('SELEC'), ('SELECT * FROM nope'),
             ('SELECT c, at FROM t'), ('SELECT c, at, a, c, c FROM t'), ('SELECT'),
             ('SELECT c::bigint, at, a FROM t'), ('SELECT ''1'', at, a FROM t'),
             ('SELECT c, c, a FROM t'), ('SELECT c, at::text, a FROM t'), ('SELECT c, at::time, a FROM t'),
             ('SELECT c, at, a::text FROM t'), ('SELECT c, at, ''1''::money FROM t'), ('SELECT c, at, true FROM t'),
             ('SELECT 1 / (c - c), at, a FROM (VALUES (1, now(), 1)) AS v (c, at, a)')) AS v (query) \g (format=unaligned)
SELECT count(*) AS untouched FROM t;
-- and what is not
SELECT query, (SELECT count(*) FROM rfm_summary(null::int, query))
FROM (VALUES ('TABLE t'), ('VALUES (1, date ''2024-01-01'', 1)'), 
             ('WITH x AS (SELECT 1) SELECT 1, date ''2024-01-01'', 2.5 FROM x'), ('SELECT * FROM t;'),
             (' -- a comment
SELECT 1, now() - interval ''1 day'', 1 /* another */ ;'),
             ('(SELECT 1, date ''2024-01-01'', 1) UNION ALL (SELECT 2, date ''2024-01-01'', 1)')) AS v (query);
-- types without a hash function; unknown types; wrong options
SELECT call, pg_temp.error_of('SELECT * FROM rfm_summary(' || call || ')')
FROM (VALUES ('null::point, ''SELECT point(1, 2), now(), 1'''), ('null::json, ''SELECT ''''1''''::json, now(), 1'''),
             ('null, ''SELECT 1, now(), 1'''), ('null::int, NULL'), ('null::int, ''TABLE t'', NULL'),
             ('null::int, ''TABLE t'', ''infinity'''), ('null::int, ''TABLE t'', lookback => ''0 days'''),
             ('null::int, ''TABLE t'', lookback => ''-1 month'''),
             ('null::int, ''TABLE t'', refunds => ''nett'''), ('null::int, ''TABLE t'', refunds => NULL'),
             ('null::int, ''TABLE t'', zero_amounts => ''net'''), ('null::int, ''TABLE t'', zero_amounts => NULL'),
             ('null::int, ''TABLE t'', time_zone => ''Europe/Atlantis'''), ('null::int, ''TABLE t'', whole_days => NULL')) AS v (call);

-- ---- a summary inside a summary, and twice in one query ----
SELECT * FROM rfm_summary(null::int, $$SELECT customer, last_order_at, monetary FROM segment.rfm_summary(
    null::int, 'VALUES (1, date ''2024-01-01'', 1), (1, date ''2024-01-03'', 2)', '2024-02-01')$$, '2024-02-01');
SELECT a.monetary, b.monetary
FROM rfm_summary(null::int, 'VALUES (1, date ''2024-01-01'', 1)') AS a, rfm_summary(null::int, 'VALUES (1, date ''2024-01-01'', 2)') AS b;
-- it sees what the query sees: rows of the same transaction, not those of its own statement
BEGIN;
INSERT INTO t VALUES (1, '2024-01-01', 5);
SELECT monetary FROM rfm_summary(null::int, 'TABLE t');
WITH i AS (INSERT INTO t VALUES (1, '2024-01-01', 50) RETURNING 1) SELECT monetary FROM rfm_summary(null::int, 'TABLE t'), i;
ROLLBACK;
