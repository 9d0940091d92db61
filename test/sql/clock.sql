-- Members at an instant after the last refresh, and refresh_due: as a refresh as of that instant would have it.
\set VERBOSITY terse
SET TimeZone = 'UTC';
CREATE SCHEMA clock;
SET search_path = clock, segment;
SET client_min_messages = warning;
CREATE TABLE orders AS
    SELECT (h % 60)::int AS customer, timestamptz '2024-01-01 00:00Z' + (h / 60 % 20000) * interval '37 min' AS at,
           (h / 7 % 23)::int AS amount
    FROM (SELECT abs(hashint8(i)::bigint) AS h FROM generate_series(1, 400) AS i) AS r;
-- one row a customer, with somebody for whom nothing is known
CREATE VIEW facts AS SELECT customer, min(at) AS first_at, max(at) FILTER (WHERE at < timestamptz '2024-07-01') AS last_at,
    sum(amount) AS total FROM orders GROUP BY 1;

SELECT create_rfm_segmentation('held', 'SELECT customer, at, amount FROM clock.orders', scheme => 'rf_grid', time_zone => 'Europe/Berlin',
    lookback => '4 months', retrain_every => '100 years');
SELECT create_rule_segmentation('one', 'clock.facts', '{"new": "first_at > as_of() - interval ''20 days''",
    "gone": "last_at < as_of() - interval ''3 months''",
    "idle": "last_at::date < as_of()::date - 40"}', keep => '{total}');
SELECT create_rule_segmentation('tags', 'clock.facts', '{"fresh": "last_at > as_of() - interval ''30 days''",
    "old": "first_at < as_of() - interval ''150 days''",
    "rich": "total > 60"}', exclusive => false);
SELECT create_rule_segmentation('odd', 'clock.facts', '{"even": "extract(day FROM as_of())::int % 2 = 0 AND customer % 2 = 0",
    "odd": "customer % 2 = 1"}');
SELECT name, (refresh_segmentation(name, '2024-05-01')).outcome FROM unnest('{held,odd,one,tags}'::text[]) AS name;
-- decisions that end: somebody is put in, kept out of a segment, kept out of all
SELECT customer AS somebody FROM held_segments WHERE segment = 'Promising' ORDER BY customer LIMIT 1 \gset
SELECT include_customer('held', 'Champions', :'somebody', until => '2024-05-20');
SELECT customer AS other, segment FROM held_segments WHERE customer <> :somebody ORDER BY customer LIMIT 1 \gset
SELECT exclude_customer('held', :'segment', :'other', until => '2024-06-11 12:00');
SELECT customer AS tagged FROM tags_segments WHERE segment = 'fresh' ORDER BY 1 LIMIT 1 \gset
SELECT exclude_customer('tags', 'fresh', :'tagged', until => '2024-06-02'), exclude_customer('tags', NULL, '7', until => '2024-07-09');

-- What is at an instant before anything is refreshed, and after the refresh as of it, beside what is in both.
CREATE FUNCTION differ(name text, at timestamptz)
    RETURNS TABLE (segmentation text, as_of timestamptz, what text, place text) LANGUAGE plpgsql AS $$
DECLARE
    before text[] := ARRAY(SELECT m::text FROM segment_members(differ.name, differ.at) AS m);
    migration text[] := ARRAY(SELECT m::text FROM segment_migration(differ.name, '2024-05-01', differ.at) AS m);
    done run := refresh_segmentation(differ.name, differ.at, max_departed => 1);
BEGIN
    RETURN QUERY
    SELECT differ.name, differ.at, 'before', b
    FROM (SELECT unnest(before) AS b EXCEPT ALL SELECT m::text FROM segment_members(differ.name) AS m) AS x
    UNION ALL
    SELECT differ.name, differ.at, 'after', a
    FROM (SELECT m::text AS a FROM segment_members(differ.name) AS m EXCEPT ALL SELECT unnest(before)) AS x
    UNION ALL
    SELECT differ.name, differ.at, 'migration', NULL
    WHERE migration <> ARRAY(SELECT m::text FROM segment_migration(differ.name, '2024-05-01', NULL) AS m)
    UNION ALL
    SELECT differ.name, differ.at, done.error, NULL WHERE done.outcome <> 'ok';
END $$;
-- at instants one after the other, some of them when a window ends or a decision
SELECT d.* FROM unnest('{2024-05-01 00:00:00.000001,2024-05-09 13:00,2024-05-19 23:59:59.999999,2024-05-20,2024-06-01 22:00,2024-06-02,
    2024-06-11 12:00,2024-07-20,2024-12-01}'::timestamptz[]) AS at, unnest('{held,one,tags,odd}'::text[]) AS name, differ(name, at) AS d;
-- nothing is written by looking, and what is due changes at its very instant
SELECT min(next_transition_at) AS next FROM one_segments \gset
SELECT at, (SELECT array_agg(m ORDER BY m) FROM segment_members('one') AS m)
           = (SELECT array_agg(m ORDER BY m) FROM segment_members('one', at) AS m) AS same
FROM unnest(ARRAY[timestamptz :'next' - interval '1 us', :'next']) AS at;

-- no refresh is as of infinity: after the last one
SELECT count(*) FROM (SELECT * FROM segment_members('held', 'infinity') EXCEPT ALL SELECT * FROM segment_members('held')) AS d;

-- refresh_due: the same as refreshing all, customer by customer
SELECT create_rfm_segmentation('all_held', 'SELECT customer, at, amount FROM clock.orders', scheme => 'rf_grid',
    time_zone => 'Europe/Berlin', retrain_every => '100 years');
SELECT create_rfm_segmentation('due_held', 'SELECT customer, at, amount FROM clock.orders', scheme => 'rf_grid',
    time_zone => 'Europe/Berlin', retrain_every => '100 years');
SELECT count(drop_segmentation(name)) FROM unnest('{held,one,tags,odd}'::text[]) AS name;
SELECT (refresh_segmentation(name, '2024-12-15')).outcome FROM unnest('{all_held,due_held}'::text[]) AS name;
CREATE FUNCTION due_and_all(at timestamptz) RETURNS TABLE (as_of timestamptz, what text) LANGUAGE plpgsql AS $$
DECLARE
    done record;
    before text[] := ARRAY(SELECT m::text FROM segment_members('all_held', due_and_all.at) AS m ORDER BY 1);
BEGIN
    PERFORM refresh_segmentation('all_held', due_and_all.at);
    SELECT * INTO done FROM refresh_due(due_and_all.at) AS r WHERE r.segmentation = 'due_held';
    RETURN QUERY
    SELECT due_and_all.at, concat(done.outcome, done.reason) WHERE done.outcome NOT IN ('ok', 'nothing due')
    UNION ALL
    SELECT due_and_all.at, 'members' WHERE before <> ARRAY(SELECT m::text FROM segment_members('all_held') AS m ORDER BY 1)
    UNION ALL
    SELECT due_and_all.at, r.counts::text FROM run AS r
    WHERE r.run_id = done.run_id AND (r.counts ->> 'only_customers')::int NOT BETWEEN 1 AND 59
    UNION ALL
    SELECT due_and_all.at, a::text FROM ((TABLE all_held_segments EXCEPT ALL TABLE due_held_segments)
                                           UNION ALL (TABLE due_held_segments EXCEPT ALL TABLE all_held_segments)) AS a
    UNION ALL
    SELECT due_and_all.at, a::text FROM ((TABLE all_held_history EXCEPT ALL TABLE due_held_history)
                                           UNION ALL (TABLE due_held_history EXCEPT ALL TABLE all_held_history)) AS a;
END $$;
SELECT d.* FROM generate_series(timestamptz '2024-12-16', '2025-01-10', '61 hours') AS at, due_and_all(at) AS d;
-- infinity is no instant that anything could be worked out for
SELECT count(*) FILTER (WHERE m IS DISTINCT FROM n) AS differ
FROM segment_members('all_held', 'infinity') AS m FULL JOIN segment_members('all_held') AS n USING (customer);
SELECT count(*) FILTER (WHERE counts ? 'only_customers') > 3 AS by_list, sum(moved) > 0 AS moved FROM run WHERE segmentation = 'due_held';
SELECT segmentation, outcome, customers, reason FROM refresh_due('2024-12-20') ORDER BY 1;
SELECT refresh_due('2999-01-01');
-- whom the change log names is looked at, too, and once
SELECT count(*) FROM track_source('due_held');
SELECT name, (refresh_segmentation(name, '2025-01-10 12:00')).outcome FROM unnest('{all_held,due_held}'::text[]) AS name;
INSERT INTO orders VALUES (3, '2025-01-10 13:00', 5), (77, '2025-01-10 14:00', 5);
SELECT outcome FROM refresh_segmentation('all_held', '2025-01-11');
SELECT segmentation, outcome, customers > 1 AS some FROM refresh_due('2025-01-11') ORDER BY 1;
SELECT count(*) FROM ((TABLE all_held_segments EXCEPT ALL TABLE due_held_segments)
                      UNION ALL (TABLE due_held_segments EXCEPT ALL TABLE all_held_segments)) AS d;
SELECT count(*) FROM ((TABLE all_held_history EXCEPT ALL TABLE due_held_history)
                      UNION ALL (TABLE due_held_history EXCEPT ALL TABLE all_held_history)) AS d;
SELECT segmentation, outcome FROM refresh_due('2025-01-11') ORDER BY 1;
-- where a model is to be trained everybody is due
SELECT create_rfm_segmentation('trained', 'SELECT customer, at, amount FROM clock.orders', scheme => 'rf_grid', time_zone => 'UTC');
SELECT segmentation, outcome, customers, reason FROM refresh_due('2025-01-12') WHERE segmentation = 'trained';
SELECT segmentation, outcome, customers, reason FROM refresh_due('2025-01-12', everybody => true) WHERE segmentation = 'trained';
SELECT segmentation, outcome, customers, reason FROM refresh_due('2025-01-13') WHERE segmentation = 'trained';
-- a failure is told, and does not stop the others
ALTER TABLE orders RENAME TO away;
SELECT segmentation, outcome, customers > 0 AS some, left(reason, 40) AS reason FROM refresh_due('2025-03-13') ORDER BY 1;
ALTER TABLE away RENAME TO orders;

-- whoever may read and no more sees the state of the last refresh, and is told
CREATE ROLE clock_reader;
GRANT USAGE ON SCHEMA clock TO clock_reader;
GRANT SELECT ON all_held_segments, all_held_history TO clock_reader;
SET client_min_messages = notice;
SET ROLE clock_reader;
SELECT count(*) FILTER (WHERE m IS DISTINCT FROM n) AS differ
FROM segment_members('all_held', '2025-04-01') AS m FULL JOIN segment_members('all_held') AS n USING (customer);
RESET ROLE;
SELECT count(*) FILTER (WHERE m.segment IS DISTINCT FROM n.segment) > 0 AS differ
FROM segment_members('all_held', '2025-04-01') AS m FULL JOIN segment_members('all_held') AS n USING (customer);
SET client_min_messages = warning;
REVOKE ALL ON all_held_segments, all_held_history FROM clock_reader;
REVOKE ALL ON SCHEMA clock FROM clock_reader;
DROP ROLE clock_reader;
SELECT count(drop_segmentation(name)) FROM unnest('{all_held,due_held,trained}'::text[]) AS name;
DROP SCHEMA clock CASCADE;
