-- A segmentation on distributed tables from its creation to its end: rights, errors, and what a
-- refresh that fails leaves behind.  Prints TAP; scripts/test-citus runs it.
\set QUIET on
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS segment;
DROP SCHEMA IF EXISTS life CASCADE;
CREATE SCHEMA life;
SET timezone = 'UTC';
SET citus.shard_count = 4;
CREATE TABLE public.life_test (n serial, passed boolean, what text);
GRANT ALL ON public.life_test, public.life_test_n_seq TO PUBLIC;
CREATE FUNCTION public.life_ok(passed boolean, what text) RETURNS void LANGUAGE sql AS
'INSERT INTO public.life_test (passed, what) VALUES (coalesce(passed, false), what)';
-- the error of a statement: its state, message and hint
CREATE FUNCTION public.life_error(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
    message text;
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', state, message, hint);
END $$;
CREATE ROLE life_owner LOGIN;
CREATE ROLE life_reader LOGIN;
CREATE ROLE life_other LOGIN;
GRANT CREATE, USAGE ON SCHEMA life TO life_owner;
GRANT USAGE ON SCHEMA life TO life_reader, life_other;
\set by_customer 'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(amount) AS total, min(at) AS first_order_at FROM orders GROUP BY 1'

SET ROLE life_owner;
SET search_path = life, segment, public;
CREATE TABLE orders (customer_id bigint NOT NULL, at timestamptz NOT NULL, amount numeric);
INSERT INTO orders SELECT n * 7919 % 200, timestamptz '2025-01-01Z' + n * interval '9 minutes', n * 31 % 97
FROM generate_series(1, 2000) AS n;
CREATE TABLE local_orders AS TABLE orders;
CREATE TABLE by_text (customer_id text, last_order_at timestamptz, orders bigint, total numeric);

-- ---- what cannot be distributed ----
SELECT create_rfm_segmentation('early', :'by_customer', summarised => true) \g /dev/null
SELECT life_ok(
    life_error($$SELECT distribute_segmentation('early')$$) ~ '^55000 \| no table in the source of segmentation "early" is distributed',
    'a source that is not distributed');
SELECT refresh_segmentation('early', '2025-02-01') \g /dev/null
SELECT create_distributed_table('orders', 'customer_id') \g /dev/null
SELECT truncate_local_data_after_distributing_table('orders') \g /dev/null
SELECT create_distributed_table('by_text', 'customer_id', colocate_with => 'none') \g /dev/null
SELECT create_rfm_segmentation('cast_key', 'SELECT customer_id::bigint AS customer_id, last_order_at, orders, total FROM by_text',
                               summarised => true) \g /dev/null
SELECT life_ok(life_error(
    $$SELECT distribute_segmentation('cast_key')$$) ~ '^42804 \| table life.by_text is not distributed by a column of type bigint',
               'a source that is distributed by another type');
SELECT life_ok(life_error($$SELECT distribute_segmentation('cast_key', 'local_orders')$$)
               ~ '^55000 \| table life.local_orders is not distributed', 'colocate_with a table that is not distributed');
SELECT event_table('early') \g /dev/null
SELECT life_ok(life_error($$SELECT distribute_segmentation('early')$$)
               ~ '^0A000 \| segmentation "early" cannot be distributed, because it has a table of events', 'a table of events');
DROP TABLE early_events;

-- ---- members that are there are taken along ----
CREATE TABLE members_before AS TABLE early_segments;
SELECT distribute_segmentation('early') \g /dev/null
SELECT life_ok(count(*) = 0 AND (SELECT count(*) FROM members_before) = 200, 'members are taken along')
FROM ((TABLE members_before EXCEPT SELECT * FROM early_segments) UNION ALL (SELECT * FROM early_segments EXCEPT TABLE members_before)) AS d;
SELECT life_ok(life_error($$SELECT distribute_segmentation('early')$$) ~ '^55000 \| segmentation "early" is distributed already', 'twice');
SELECT life_ok(life_error($$SELECT event_table('early')$$) ~ '^0A000 \| segmentation "early" cannot have a table of events',
               'nor events of one that is');
SELECT life_ok(outcome = 'ok' AND unchanged = 200, 'and nothing is written where nothing changed')
FROM refresh_segmentation('early', '2025-02-01');

-- ---- a source on this server alone, with members on the others ----
SELECT create_rfm_segmentation('nearby', replace(:'by_customer', 'orders GROUP', 'local_orders GROUP'), summarised => true) \g /dev/null
SELECT distribute_segmentation('nearby', 'orders') \g /dev/null
SELECT life_ok(r.outcome = 'ok' AND r.entered = 200, 'a source on the coordinator: ' || coalesce(r.error, 'ok'))
FROM refresh_segmentation('nearby', '2025-02-01') AS r;
SELECT life_ok(count(*) = 0, 'the same members')
FROM ((SELECT customer_id, segment, monetary FROM nearby_segments EXCEPT SELECT customer_id, segment, monetary FROM early_segments)
      UNION ALL
      (SELECT customer_id, segment, monetary FROM early_segments EXCEPT SELECT customer_id, segment, monetary FROM nearby_segments)) AS d;
ALTER TABLE local_orders ALTER customer_id DROP NOT NULL;
INSERT INTO local_orders VALUES (NULL, '2025-01-05', 1);
SELECT life_ok(r.outcome = 'failed' AND r.error ~ 'cannot be NULL', 'a row without a key is refused: ' || coalesce(r.error, r.outcome))
FROM refresh_segmentation('nearby', '2025-02-02') AS r;
DELETE FROM local_orders WHERE customer_id IS NULL;

-- ---- a refresh that fails, or is refused, changes nothing and leaves nothing ----
CREATE TABLE kept AS SELECT * FROM early_segments;
ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount >= 0);
INSERT INTO orders VALUES (1, '2025-01-20', 'Infinity');
DELETE FROM orders WHERE customer_id < 150;
SELECT life_ok(outcome = 'refused', 'most members would depart') FROM refresh_segmentation('early', '2025-02-02');
SELECT create_rfm_segmentation(
    'failing',
    'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(1 / (customer_id - 170)) AS total FROM orders GROUP BY 1',
    summarised => true) \g /dev/null
SELECT distribute_segmentation('failing') \g /dev/null
SELECT life_ok(outcome = 'failed' AND error_code = '22012', 'an error on a shard: ' || error)
FROM refresh_segmentation('failing', '2025-02-02');
SELECT life_ok(count(*) = 0, 'members are as they were')
FROM ((TABLE kept EXCEPT SELECT * FROM early_segments) UNION ALL (SELECT * FROM early_segments EXCEPT TABLE kept)) AS d;
SELECT life_ok(count(*) = 0, 'no staging table is left') FROM pg_class WHERE relname ~ '_(source_rows|summary|changed)$' AND relkind = 'r';
SELECT life_ok(outcome = 'ok' AND departed > 100, 'and let pass') FROM refresh_segmentation('early', '2025-02-02', max_departed => 1);

-- ---- others ----
GRANT SELECT ON early_segments, early_history TO life_reader;
RESET ROLE;
SELECT life_ok(outcome = 'ok', 'a superuser refreshes with the rights of the owner') FROM refresh_segmentation('early', '2025-02-03');
SET ROLE life_reader;
SELECT life_ok(count(*) > 0, 'whoever may read the members does') FROM segment_members('early');
SELECT life_ok(not_shown IS NULL AND history_not_shown IS NULL, 'segmentation_status shows it to a reader') FROM segmentation_status
WHERE segmentation = 'early';
SELECT life_ok(count(*) > 0, 'explain_customer, for a reader') FROM explain_customer('early', '160');
SELECT life_ok(life_error($$SELECT refresh_segmentation('early')$$) ~ '^42501', 'a reader cannot refresh');
SELECT life_ok(life_error($$SELECT distribute_segmentation('early')$$) ~ '^42501', 'nor distribute');
SET ROLE life_other;
SELECT life_ok(life_error($$SELECT count(*) FROM segment_members('early')$$) ~ '^42704', 'others do not see it');
SELECT life_ok(life_error($$SELECT distribute_segmentation('early')$$) ~ '^42704', 'nor distribute it');
SET ROLE life_owner;

-- ---- models by name, on a worker and not ----
SELECT create_cluster_segmentation(
    'spend', 'SELECT customer_id, count(*) AS n, sum(amount) AS spend FROM orders WHERE amount < 1000 GROUP BY 1', k => 3) \g /dev/null
SELECT distribute_segmentation('spend') \g /dev/null
SELECT life_ok(outcome = 'ok', 'a clustering of an aggregate: ' || coalesce(error, 'ok')) FROM refresh_segmentation('spend', '2025-02-03');
SELECT life_ok(life_error($$SELECT count(assign_segment('spend', n, spend))
                            FROM spend_segments$$) ~ 'This is a worker.*assign_segment\(\(SELECT get_model\(''spend''\)\)',
               'by name on a worker: ' || life_error($$SELECT count(assign_segment('spend', n, spend)) FROM spend_segments$$));
SELECT life_ok(count(*) > 0 AND count(*) FILTER (WHERE assign_segment((SELECT get_model('spend')), n, spend) <> segment) = 0,
               'by a sub-select, as the members say')
FROM spend_segments;
SELECT life_ok(life_error($$SELECT assign_segment('spent', 1, 2)$$) ~ 'Perhaps you meant "spend"',
               'on the coordinator the hint is the nearest name');

-- ---- no aggregate of a refresh has its rows brought to the coordinator ----
SET citus.coordinator_aggregation_strategy = 'disabled';
SELECT life_ok(outcome = 'ok', 'RFM trained in parts: ' || coalesce(error, 'ok')) FROM refresh_segmentation('early', '2025-02-04');
SELECT life_ok(outcome = 'ok' AND trained, 'a clustering trained in parts: ' || coalesce(error, 'ok'))
FROM retrain_segmentation('spend', '2025-02-04');
RESET citus.coordinator_aggregation_strategy;

-- ---- renamed and dropped ----
SELECT rename_segment('spend', (SELECT segment FROM spend_segments ORDER BY 1 LIMIT 1), 'The first') \g /dev/null
SELECT life_ok(count(*) > 0, 'rename_segment reaches the members') FROM spend_segments WHERE segment = 'The first';
ALTER TABLE spend_segments RENAME TO spend_members;
SELECT life_ok(outcome = 'ok', 'after renaming the table: ' || coalesce(error, 'ok')) FROM refresh_segmentation('spend', '2025-02-05');
SELECT life_ok(bool_and(statement ~ '^CREATE|^SELECT|^INSERT|^UPDATE|^DELETE|^WITH')
               AND count(*) FILTER (WHERE statement ~ 'create_distributed_table') = 2,
               'refresh_steps shows the statements') FROM refresh_steps('spend', '2025-02-06');
SELECT drop_segmentation(n) FROM unnest('{early,spend,nearby,failing,cast_key}'::text[]) AS n \g /dev/null
SELECT life_ok(count(*) = 0, 'dropped with their shards') FROM pg_dist_partition AS p LEFT JOIN pg_class AS c ON c.oid = p.logicalrelid
WHERE c.oid IS NULL OR c.relname ~ '_(segments|members|history)$' AND c.relnamespace = 'life'::regnamespace;
RESET ROLE;

SELECT CASE WHEN passed THEN 'ok ' ELSE 'not ok ' END || n || ' - ' || what FROM public.life_test ORDER BY n;
DROP TABLE public.life_test;
DROP FUNCTION public.life_ok, public.life_error;
DROP SCHEMA life CASCADE;
DROP ROLE life_owner, life_reader, life_other;
