-- Segmentations on distributed tables: after every refresh the same members, history, models and
-- counts as those of the same sources in plain tables.  Prints TAP; scripts/test-citus runs it.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS segment;
CREATE SCHEMA shop;
SET search_path = shop, segment;
SET timezone = 'UTC';
SET citus.shard_count = 8;

CREATE TABLE test (n serial, passed boolean, what text);
CREATE FUNCTION ok(passed boolean, what text) RETURNS void LANGUAGE sql AS
'INSERT INTO test (passed, what) VALUES (coalesce(passed, false), what)';

-- ---- the same rows in plain and in distributed tables ----
CREATE TABLE orders_plain (customer_id bigint NOT NULL, at timestamptz NOT NULL, amount numeric, order_id bigint);
CREATE TABLE features_plain (customer_id text PRIMARY KEY, spend numeric, visits integer, plan char(8), active boolean);
CREATE TABLE customers_plain (customer_id bigint PRIMARY KEY);
INSERT INTO orders_plain SELECT n * 7919 % 1500, timestamptz '2025-01-01Z' + n * interval '9 minutes', n * 31 % 997 - 3, n
FROM generate_series(1, 12000) AS n;
INSERT INTO features_plain
SELECT 'c' || n, CASE WHEN n % 50 = 0 THEN NULL WHEN n % 51 = 0 THEN 'NaN' ELSE (n * 7919 % 1000)::numeric / 7 + 1000 * (n % 4) END,
       n * 31 % 60 + 20 * (n % 4), (ARRAY['free', 'paid', 'team'])[n % 7 / 3 + 1], n % 3 = 0
FROM generate_series(1, 900) AS n;
INSERT INTO customers_plain SELECT n FROM generate_series(0, 1600) AS n;
CREATE TABLE orders_spread (LIKE orders_plain);
CREATE TABLE features_spread (LIKE features_plain);
CREATE TABLE customers_spread (LIKE customers_plain);
SELECT create_distributed_table('orders_spread', 'customer_id') \g /dev/null
SELECT create_distributed_table('features_spread', 'customer_id') \g /dev/null
SELECT create_distributed_table('customers_spread', 'customer_id', colocate_with => 'orders_spread') \g /dev/null
CREATE PROCEDURE everywhere(command text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE replace(command, '@', 'plain');
    EXECUTE replace(command, '@', 'spread');
END $$;
INSERT INTO orders_spread TABLE orders_plain;
INSERT INTO features_spread TABLE features_plain;
INSERT INTO customers_spread TABLE customers_plain;

-- ---- of each kind of source a segmentation here and there ----
CREATE FUNCTION create_both(what text, command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE replace(replace(command, '@', 'plain'), 'NAME', what || '_plain');
    EXECUTE replace(replace(command, '@', 'spread'), 'NAME', what || '_spread');
    PERFORM distribute_segmentation(what || '_spread');
END $$;
CREATE TABLE pair (what text PRIMARY KEY);
INSERT INTO pair VALUES ('summed'), ('held'), ('listed'), ('orders'), ('listed_orders'), ('kmeans'), ('mixed'), ('mixture'), ('mean');
\set by_customer 'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(amount) AS total, min(at) AS first_order_at FROM orders_@ GROUP BY 1'
SELECT create_both('summed', format($$SELECT create_rfm_segmentation('NAME', %L, summarised => true)$$, :'by_customer'));
SELECT create_both('held', format($$SELECT create_rfm_segmentation('NAME', %L, summarised => true, hysteresis => 0.2)$$, :'by_customer'));
SELECT create_both('listed',
                   format($$SELECT create_rfm_segmentation('NAME', %L, summarised => true, customers => 'customers_@')$$, :'by_customer'));
SELECT create_both('orders', $$SELECT create_rfm_segmentation('NAME', 'orders_@', lookback => '60 days')$$);
SELECT create_both('listed_orders', $$SELECT create_rfm_segmentation('NAME', 'orders_@', customers => 'customers_@')$$);
SELECT create_both('kmeans', $$SELECT create_cluster_segmentation('NAME', 'SELECT customer_id, spend, visits FROM features_@', k => 4)$$);
SELECT create_both('mixed', $$SELECT create_cluster_segmentation('NAME', 'features_@', k => 3, method => 'kprototypes')$$);
SELECT create_both('mixture', $$SELECT create_cluster_segmentation('NAME', 'SELECT customer_id, spend, visits FROM features_@',
                                                                   k => 3, method => 'gaussian_mixture')$$);
SELECT create_both('mean', $$SELECT create_cluster_segmentation('NAME', 'SELECT customer_id, spend, visits FROM features_@', k => 4,
                                                                options => '{"nulls": "mean", "hysteresis": 0.1}')$$);
SELECT ok(count(*) = 2 * (SELECT count(*) FROM pair), 'members and history of each are distributed')
FROM pg_dist_partition AS t WHERE t.logicalrelid::text ~ '_spread_(segments|history)$';
SELECT ok(count(DISTINCT t.colocationid) = 1, 'those by the number beside the orders')
FROM pg_dist_partition AS t WHERE t.logicalrelid::text ~ '^(summed|held|listed|orders|listed_orders)_spread';

-- ---- compared ----
CREATE FUNCTION rows_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT q::text FROM (%s) AS q', query);
END $$;
CREATE FUNCTION same_rows(query text, what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differ bigint;
    rows bigint;
    message text;
BEGIN
    CREATE TEMP TABLE here AS SELECT r FROM rows_of(replace(query, '@', 'plain')) AS r;
    CREATE TEMP TABLE there AS SELECT r FROM rows_of(replace(query, '@', 'spread')) AS r;
    SELECT count(*) INTO differ FROM ((TABLE here EXCEPT ALL TABLE there) UNION ALL (TABLE there EXCEPT ALL TABLE here)) AS d;
    SELECT count(*) INTO rows FROM here;
    PERFORM ok(differ = 0, format('%s (%s rows%s)', what, rows, CASE WHEN differ > 0 THEN format(', %s differ', differ) ELSE '' END));
    DROP TABLE here, there;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    PERFORM ok(false, format('%s: %s', what, message));
END $$;
CREATE FUNCTION refresh_both(at timestamptz, retrain boolean, when_ text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    here run;
    there run;
BEGIN
    FOR name IN SELECT p.what FROM pair AS p ORDER BY 1 LOOP
        here := refresh_segmentation(name || '_plain', at, retrain);
        there := refresh_segmentation(name || '_spread', at, retrain);
        PERFORM ok(here.outcome = 'ok' AND there.outcome = 'ok', format('%s: %s refreshed: %s', when_, name, coalesce(there.error, 'ok')));
        PERFORM ok((to_jsonb(here) - '{run_id,segmentation,started_at,finished_at,steps}'::text[])
                   = (to_jsonb(there) - '{run_id,segmentation,started_at,finished_at,steps}'::text[]),
                   format('%s: %s, the same run', when_, name));
        PERFORM same_rows(format('SELECT * FROM %s_@_segments', name), format('%s: %s, the same members', when_, name));
        PERFORM same_rows(format('SELECT * FROM %s_@_history', name), format('%s: %s, the same history', when_, name));
        PERFORM same_rows(format('SELECT m.version, m.model::text FROM segment.model AS m WHERE m.segmentation = ''%s_@''', name),
                          format('%s: %s, the same models', when_, name));
        PERFORM same_rows(format(
            'SELECT segment_id, name, customers, opened_at, closed_at FROM segment.segment AS g WHERE g.segmentation = ''%s_@''', name),
                          format('%s: %s, the same segments', when_, name));
    END LOOP;
END $$;

SELECT refresh_both('2025-03-10', NULL, 'first');
SELECT refresh_both('2025-03-10', NULL, 'unchanged');
CALL everywhere($$DELETE FROM orders_@ WHERE customer_id IN (5, 6, 7)$$);
CALL everywhere($$INSERT INTO orders_@ SELECT n * 37, '2025-03-10 10:00', 900, 90000 + n FROM generate_series(1, 60) AS n$$);
CALL everywhere($$DELETE FROM customers_@ WHERE customer_id IN (5, 6, 1510)$$);
CALL everywhere($$INSERT INTO customers_@ VALUES (3000), (3001)$$);
CALL everywhere($$UPDATE features_@ SET spend = 5000 - spend, visits = 90 - visits WHERE visits % 10 = 3$$);
CALL everywhere($$UPDATE features_@ SET spend = NULL WHERE customer_id IN ('c20', 'c21')$$);
CALL everywhere($$DELETE FROM features_@ WHERE customer_id IN ('c5', 'c6', 'c7')$$);
CALL everywhere($$INSERT INTO features_@ VALUES ('new', 5, 5, 'free', true)$$);
SELECT refresh_both('2025-03-11', false, 'changed');
CALL everywhere($$UPDATE orders_@ SET amount = 2000 WHERE customer_id % 41 = 2$$);
CALL everywhere($$INSERT INTO orders_@ SELECT n * 91, '2025-03-10 12:00', 700, 91000 + n FROM generate_series(1, 16) AS n$$);
SELECT refresh_both('2025-03-11', NULL, 'the same instant again');
CALL everywhere($$UPDATE features_@ SET spend = spend * 3 WHERE visits > 50$$);
SELECT refresh_both('2025-03-20', true, 'trained anew');
SELECT refresh_both('2025-03-20', NULL, 'unchanged after that');
SELECT ok(count(*) > 100, 'there is history') FROM summed_spread_history;
SELECT ok(NOT EXISTS (SELECT FROM pg_class WHERE relname ~ '_spread_(source_rows|summary|changed)' AND relkind = 'r'),
          'no staging table is left');

-- ---- read ----
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT p.what FROM pair AS p ORDER BY 1 LOOP
        PERFORM same_rows(format('SELECT * FROM segment_members(''%s_@'')', name), name || ': segment_members');
        PERFORM same_rows(format('SELECT * FROM segment_members(''%s_@'', ''2025-03-11'')', name),
                          name || ': segment_members of an instant');
        PERFORM same_rows(format('SELECT * FROM segment_events(''%s_@'')', name), name || ': segment_events');
        PERFORM same_rows(format('SELECT * FROM segment_profile(''%s_@'')', name), name || ': segment_profile');
        PERFORM same_rows(format('SELECT * FROM segment_migration(''%s_@'', ''2025-03-10''::timestamptz, ''2025-03-20''::timestamptz)',
                                 name), name || ': segment_migration');
        PERFORM same_rows(format('SELECT * FROM segment_flapping(''%s_@'')', name), name || ': segment_flapping');
        PERFORM same_rows(format(
            'SELECT c, e.* FROM unnest(''{1,10,37,c1,c9,c21,nobody}''::text[]) AS c, '
            'explain_customer(''%1$s_@'', c) AS e WHERE c ~ ''%2$s''',
            name,
            CASE WHEN name IN ('kmeans', 'mixed', 'mixture', 'mean') THEN '^[a-z]' ELSE '^[0-9]' END), name || ': explain_customer');
        IF name IN ('kmeans', 'mixed', 'mixture', 'mean') THEN
            PERFORM same_rows(format('SELECT * FROM segment_feature_profile(''%s_@'')', name), name || ': segment_feature_profile');
        END IF;
        IF name IN ('kmeans', 'mean') THEN
            PERFORM same_rows(format('SELECT * FROM homogeneity_report(''%s_@'')', name), name || ': homogeneity_report');
        END IF;
    END LOOP;
END $$;
SELECT same_rows($$SELECT replace(segmentation, '@', ''), segment, customers, customer_share, refreshed_as_of, not_shown
                  FROM (SELECT regexp_replace(s.segmentation, '_@$', '@') AS segmentation, segment, customers,
                               customer_share, refreshed_as_of, not_shown
                        FROM segment_size AS s WHERE s.segmentation ~ '_@$') AS s$$, 'segment_size');
SELECT ok(count(*) = (SELECT count(*) FROM pair) AND count(not_shown) + count(history_not_shown) = 0, 'segmentation_status: all are shown')
FROM segmentation_status WHERE segmentation ~ '_spread$';
SELECT same_rows($$SELECT regexp_replace(segmentation, '_@$', ''), customer, segment, not_shown FROM segment_members
                   WHERE segmentation ~ '_@$'$$, 'view segment_members');
SELECT same_rows($$SELECT regexp_replace(segmentation, '_@$', ''), event_at, customer, event, from_segment, to_segment, reason, not_shown
                  FROM segment_events WHERE segmentation ~ '_@$'$$, 'view segment_events');
SELECT same_rows($$SELECT customer_id, assign_segment((SELECT get_model('kmeans_spread')), spend, visits)
                   FROM features_@$$, 'assign_segment by a sub-select');

-- ---- for the end: what was found ----
\set SHOW_CONTEXT errors
SELECT CASE WHEN passed THEN 'ok ' ELSE 'not ok ' END || n || ' - ' || what FROM test ORDER BY n;
