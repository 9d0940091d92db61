--
-- What a user gives as a source: names, ends of statements, temporary tables, dates and amounts
-- beyond what can be held, NULL for an argument, keys of several columns.
--
SET search_path = public, segment, segment_internal;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CREATE TABLE statement_order AS
SELECT c AS customer_id, timestamptz '2025-01-01Z' + c * interval '1 hour' AS at, c AS amount FROM generate_series(1, 3) AS c;
CREATE TABLE "Camel . Case" AS TABLE statement_order;
CREATE VIEW pg_temp.temporary_view AS TABLE statement_order;
CREATE TEMP TABLE temporary_order AS TABLE statement_order;

SELECT q, r.n, source_query(q, 'public')
FROM unnest(ARRAY['statement_order', ' statement_order ', E'public\n. statement_order',
                  'Statement_Order ; -- all', '"Camel . Case"', 'public."Camel . Case";;',
                  'TABLE statement_order;', 'SELECT customer_id, at, amount FROM statement_order; -- all of them',
                  'SELECT customer_id, at, amount FROM statement_order /* ; */ ', '(TABLE statement_order);',
                  'WITH a AS (TABLE statement_order) TABLE a ;',
                  E'-- first\nVALUES (1, timestamptz ''2025-01-01Z'', 1), (2, ''2025-01-01Z'', 1), (3, ''2025-01-01Z'', 2) -- ;']) AS q,
     LATERAL (SELECT count(*) AS n FROM rfm_summary(NULL::int, q, '2025-02-01Z')) AS r \g (format=unaligned)
SELECT source_query('nowhere.x', 'public'), source_query(' unknown', 'public'), source_query('', NULL), source_query(NULL, NULL);
-- a name stays the relation that it was
SELECT source_query('temporary_order', 'public, pg_temp') = source_query('temporary_order', NULL) AS same;

\set VERBOSITY terse
SELECT count(*) FROM rfm_summary(NULL::int, 'SELECT 1; SELECT 2;', '2025-02-01Z');
SELECT count(*) FROM rfm_summary(NULL::int, ' ; -- nothing', '2025-02-01Z');
SELECT count(*) FROM rfm_summary(NULL::int, 'SELECT ''open', '2025-02-01Z');
SELECT count(*) FROM rfm_summary(NULL::int, 'a.b.c.d', '2025-02-01Z');
SELECT count(*) FROM rfm_summary(NULL::int, 'statement_order) AS x (', '2025-02-01Z');
\set VERBOSITY default

-- temporary relations: read where asked for, refused where the source is to last
SELECT count(*) FROM query_columns('SELECT * FROM temporary_order');
SELECT count(*) FROM query_columns('SELECT * FROM statement_order WHERE amount IN (SELECT amount FROM temporary_order)', NULL, true);
SELECT count(*) FROM query_columns('WITH a AS (SELECT * FROM temporary_view) TABLE a', NULL, true);
SELECT count(*) FROM query_columns('TABLE statement_order', NULL, true);

-- functions, operators and types of the session, and what reads them; a list of customers, too
CREATE FUNCTION pg_temp.doubled(v int) RETURNS int LANGUAGE sql IMMUTABLE RETURN 2 * v;
CREATE OPERATOR pg_temp.||| (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int);
CREATE DOMAIN pg_temp.amount_of AS numeric;
CREATE TYPE pg_temp.mood AS ENUM ('good', 'bad');
CREATE AGGREGATE pg_temp.total(int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION permanent_doubled(v int) RETURNS int LANGUAGE sql IMMUTABLE RETURN 2 * v;
CREATE VIEW temporary_within AS SELECT customer_id, at, pg_temp.doubled(amount) AS amount FROM statement_order;
CREATE FUNCTION told(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN format('%s columns', (SELECT count(*) FROM segment_internal.query_columns(query, NULL, true)));
EXCEPTION WHEN feature_not_supported THEN
    RETURN SQLERRM;
END $$;
SELECT q, told(q) FROM unnest(ARRAY[
    'SELECT customer_id, at, pg_temp.doubled(amount) FROM statement_order', 'TABLE temporary_within',
    'SELECT 1 FROM statement_order WHERE EXISTS (SELECT FROM pg_temp.doubled(amount))', 'SELECT 1 OPERATOR(pg_temp.|||) 1',
    'SELECT 1 WHERE 1 OPERATOR(pg_temp.|||) 1 = ANY (SELECT amount FROM statement_order)',
    'SELECT amount::pg_temp.amount_of FROM statement_order', 'SELECT ''good''::pg_temp.mood', 'SELECT ARRAY[''good'']::pg_temp.mood[]',
    'SELECT (amount || '''')::pg_temp.mood FROM statement_order', 'SELECT pg_temp.total(amount) FROM statement_order',
    'SELECT pg_temp.total(amount) OVER () FROM statement_order', 'WITH a AS (SELECT pg_temp.doubled(1)) TABLE a',
    'SELECT permanent_doubled(amount) FROM statement_order']) AS q;
SELECT create_rfm_segmentation('session_order', 'SELECT customer_id, at, pg_temp.doubled(amount) FROM statement_order');
SELECT create_rfm_segmentation('session_order', 'statement_order', customers => 'SELECT pg_temp.doubled(customer_id) FROM statement_order');
SELECT create_rfm_segmentation('session_order', 'statement_order', customers => 'SELECT customer_id FROM temporary_order');
SELECT create_cluster_segmentation('session_order', 'SELECT customer_id, pg_temp.doubled(amount) AS amount FROM statement_order');
SELECT create_rfm_segmentation('session_order', summarised => true, source =>
    'SELECT customer_id, at AS last_order_at, 1 AS orders, pg_temp.doubled(amount) AS total FROM statement_order');
DROP VIEW temporary_within;
DROP FUNCTION told, permanent_doubled;

-- ---- dates beyond the range of timestamps are after as_of ----
CREATE TABLE far_order (customer_id int, day date, amount numeric);
INSERT INTO far_order VALUES (1, date '2000-01-01' + 213513113, 10), (1, '302024-05-01', 1),
    (1, '400000-01-01', 1), (1, '5874897-12-31', 1), (2, '2025-01-01', 10);
INSERT INTO far_order VALUES (2, '4714-11-24 BC', 5), (3, 'infinity', 1), (3, '-infinity', 1);
SELECT customer, last_order_at, recency, frequency FROM rfm_summary(NULL::int, 'far_order', '2025-02-01Z', time_zone => 'UTC') ORDER BY 1;
SELECT rfm_summary_counts() -> 'after_as_of' AS after_as_of, rfm_summary_counts() -> 'not_finite' AS not_finite;

-- ---- a lookback that begins before the first timestamp leaves no order out ----
TRUNCATE far_order;
INSERT INTO far_order VALUES (1, '4714-11-24 BC', 1), (1, '4714-11-25 BC', 1), (1, '2025-01-01', 1);
SELECT b.lookback, string_agg(format('%s %s', t.type, r.frequency), ', ' ORDER BY t.type) AS frequency
FROM unnest('{date,timestamp,timestamptz}'::text[]) AS t (type),
     unnest('{1 year,10000 years,178000000 years,2000000000 hours,2000000000 days}'::interval[]
            || make_interval(days => date '2025-02-01' - date '4714-11-25 BC')
            || make_interval(days => date '2025-02-01' - date '4714-11-24 BC')
            || make_interval(days => date '2025-02-01' - date '4714-11-24 BC' + 1)) AS b (lookback),
     rfm_summary(NULL::int, format('SELECT customer_id, day::%s, amount FROM far_order', t.type), '2025-02-01Z', b.lookback,
                 time_zone => 'UTC') AS r
GROUP BY 1 ORDER BY 1;
SELECT * FROM rfm_summary(NULL::int, 'far_order', '2025-02-01Z', '-300000 years');
SELECT * FROM rfm_summary(NULL::int, 'far_order', '2025-02-01Z', '-1 day');

-- ---- one amount beyond double precision costs its row ----
TRUNCATE far_order;
INSERT INTO far_order
    VALUES (1, '2025-01-01', 10), (1, '2025-01-02', 1e309), (2, '2025-01-02', -1e309), (3, '2025-01-02', 1e-400), (3, '2025-01-03', 2);
SELECT customer, frequency, round(monetary, 2), mean_amount FROM rfm_summary(NULL::int, 'far_order', '2025-02-01Z') ORDER BY 1;
-- nor does a total beyond it; the mean is in its range
TRUNCATE far_order;
INSERT INTO far_order SELECT 1, '2025-01-01', 1e308 FROM generate_series(1, 4);
SELECT customer, frequency, monetary = 4e308 AS exact, mean_amount FROM rfm_summary(NULL::int, 'far_order', '2025-02-01Z') ORDER BY 1;
-- features
SELECT * FROM query_rows('SELECT 1 AS k, 1e309 AS a, 1e-400 AS b, -1e309 AS c, ''NaN''::numeric AS d, ''Infinity''::numeric AS e', NULL)
    AS t (k int, a float8, b float8, c float8, d float8, e float8);
SELECT kmeans(feature_set(t), 2) IS NOT NULL AS trained FROM (SELECT unnest('{1,2,3,100,101,102,1e309,-1e309,NaN}'::numeric[]) AS x) AS t;

-- ---- NULL given is the default ----
SELECT count(*) AS different FROM
    (SELECT * FROM rfm_summary(NULL::int, 'statement_order', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
     EXCEPT SELECT * FROM rfm_summary(NULL::int, 'statement_order')) AS d;
SELECT count(*) FROM rfm_summary(NULL::int, NULL);

-- ---- keys of several columns ----
CREATE TYPE tenant_customer AS (tenant_id int, customer_id int);
SELECT count(*) FROM rfm_summary(NULL::int, 'SELECT amount % 2, customer_id, at, amount FROM statement_order', '2025-02-01Z');
SELECT count(*) FROM rfm_summary(NULL::int, 'SELECT customer_id, amount, 1 FROM statement_order', '2025-02-01Z');
SELECT customer, (customer).customer_id, frequency
FROM rfm_summary(NULL::tenant_customer, 'SELECT (amount % 2, customer_id)::tenant_customer, at, amount FROM statement_order', '2025-02-01Z')
ORDER BY 1;
SELECT customer
FROM rfm_summary(NULL::tenant_customer, 'SELECT (amount % 2, customer_id)::tenant_customer, at, amount FROM statement_order', '2025-02-01Z',
                 only_keys => ARRAY[(1, 3)]::tenant_customer[]);
DROP TYPE tenant_customer;

-- ---- calendar days are those of time_zone, whatever the session's ----
SET TimeZone = 'Pacific/Auckland';
SELECT recency, last_order_at AT TIME ZONE 'UTC' AS last_order_at
FROM unnest('{2025-03-30 23:30Z,2025-03-30 21:30Z}'::timestamptz[]) AS t,
     rfm_summary(NULL::int, format('SELECT 1, %L::timestamptz, 1', t), '2025-03-31 22:30Z', interval '1 day',
                 time_zone => 'Europe/Berlin') AS r;
SET TimeZone = 'UTC';
SELECT recency, last_order_at AT TIME ZONE 'UTC' AS last_order_at
FROM unnest('{2025-03-30 23:30Z,2025-03-30 21:30Z}'::timestamptz[]) AS t,
     rfm_summary(NULL::int, format('SELECT 1, %L::timestamptz, 1', t), '2025-03-31 22:30Z', interval '1 day',
                 time_zone => 'Europe/Berlin') AS r;

-- ---- a source is planned as the server plans any query: with parallel workers where they pay ----
CREATE FUNCTION ran_in() RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN pg_backend_pid(); END';
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET parallel_leader_participation = off;
SELECT bool_and(monetary <> pg_backend_pid()) AS in_workers, count(*) = (SELECT count(DISTINCT customer_id) FROM statement_order) AS whole
FROM rfm_summary(NULL::int, 'SELECT customer_id, at, ran_in()::numeric FROM statement_order', '2025-02-01Z');
SET max_parallel_workers_per_gather = 0;
SELECT bool_or(monetary <> pg_backend_pid()) AS in_workers
FROM rfm_summary(NULL::int, 'SELECT customer_id, at, ran_in()::numeric FROM statement_order', '2025-02-01Z');
RESET max_parallel_workers_per_gather;
RESET parallel_leader_participation;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;
RESET min_parallel_table_scan_size;
DROP FUNCTION ran_in();
DROP VIEW pg_temp.temporary_view;
DROP TABLE statement_order, "Camel . Case", far_order, temporary_order;
