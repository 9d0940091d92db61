-- What is asked of a history that was purged or reset, and what hands write into it.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set VERBOSITY terse
\i test/lib/try.psql

CREATE TABLE fact (id integer PRIMARY KEY, points integer);
INSERT INTO fact SELECT n, n * 37 % 100 FROM generate_series(1, 30) AS n;
SELECT create_rule_segmentation('r', 'fact', '{"many": "points > 70", "some": "points > 30"}', keep => '{points}');
SELECT try($$SELECT reset_segmentation('r', '2025-01-01')$$);
SELECT try($$SELECT purge_history('r', '2025-01-01')$$);
SELECT outcome FROM refresh_segmentation('r', '2025-01-01');
UPDATE fact SET points = points * 7 % 100;
SELECT outcome FROM refresh_segmentation('r', '2025-02-01');
UPDATE fact SET points = points * 3 % 100;
DELETE FROM fact WHERE id % 9 = 0;
SELECT outcome FROM refresh_segmentation('r', '2025-03-01');

-- ---- one customer at an instant ----
SELECT count(*) AS customers, count(*) FILTER (WHERE segment_of('r', id, at) IS DISTINCT FROM m.segment) AS wrong
FROM generate_series(1, 31) AS id
CROSS JOIN unnest('{2024-12-31,2025-01-01,2025-01-31 23:59:59,2025-02-01,2025-02-20,2025-03-01,2030-01-01}'::timestamptz[]) AS at
LEFT JOIN LATERAL (SELECT m.segment FROM segment_members('r', at) AS m WHERE m.customer = id::text) AS m ON true;
SELECT segment_of('r', NULL::integer, '2025-02-01') IS NULL AS nobody, segment_of('r', 7, NULL) = segment_of('r', '7') AS now;

-- ---- a matrix of customers in several segments ----
SELECT create_rule_segmentation('both', 'fact', '{"many": "points > 70", "some": "points > 30"}', exclusive => false);
SELECT outcome FROM refresh_segmentation('both', '2025-01-01');
UPDATE fact SET points = points * 7 % 100;
SELECT outcome FROM refresh_segmentation('both', '2025-02-01');
SELECT * FROM segment_migration('both', '2025-01-01'::timestamptz, '2025-02-01') ORDER BY 1, 2;
SELECT segment, added, removed, customers FROM segment_trend('both', '1 month', '2025-01-01');

-- ---- what hands write: refused, or found ----
SELECT try($$INSERT INTO r_history SELECT id, segment_id, left_at, entered_at, 'x', 'x' FROM r_history LIMIT 1$$) ~ '^23514' AS backwards,
       try($$INSERT INTO r_history SELECT id, segment_id, entered_at, left_at + interval '1 day', 'x', 'x' FROM r_history LIMIT 1$$)
           ~ '^23505' AS twice;
SELECT severity, finding FROM lint_segmentation('r');
BEGIN;
INSERT INTO r_history SELECT id, segment_id, entered_at + interval '1 hour', left_at + interval '1 hour', 'x', 'x'
FROM r_history ORDER BY id LIMIT 1;
SELECT severity, finding, message FROM lint_segmentation('r');
ROLLBACK;
BEGIN;
-- a place that goes on into that of the member table
UPDATE r_history SET left_at = '2026-01-01'
WHERE left_at = '2025-03-01' AND id = (SELECT min(id) FROM r_segments WHERE entered_at = '2025-03-01');
SELECT severity, finding FROM lint_segmentation('r');
ROLLBACK;
BEGIN;
-- of who may be in several segments, two at once are none
INSERT INTO both_history SELECT m.id, 3 - m.segment_id, '2020-01-01', '2026-01-01', 'x', 'x' FROM both_segments AS m ORDER BY id LIMIT 1;
SELECT count(*) FROM lint_segmentation('both');
INSERT INTO both_history SELECT m.id, m.segment_id, '2020-01-01', '2026-01-01', 'x', 'x' FROM both_segments AS m ORDER BY id LIMIT 1;
SELECT count(*) FROM lint_segmentation('both');
ROLLBACK;

-- ---- purging ----
SELECT try($$SELECT purge_history('nosuch', '2025-01-01')$$) AS a, try($$SELECT purge_history('r', NULL)$$) AS b,
       try($$SELECT purge_history('r', 'infinity')$$) AS c, try($$SELECT purge_history('r', '2025-03-02')$$) AS d;
SELECT create_rule_segmentation('asks', 'fact', '{"was_many": "in_segment(''r'', ''many'', as_of() - interval ''30 days'')"}');
SELECT create_rule_segmentation('asks_rows', 'SELECT *, timestamptz ''2025-01-01'' + points * interval ''1 hour'' AS at FROM fact',
                                '{"was_many": "in_segment(''r'', ''many'', at)"}');
SELECT outcome, customers FROM refresh_segmentation('asks', '2025-02-10');
SELECT outcome, customers > 0 AS some FROM refresh_segmentation('asks_rows', '2025-02-10');
CREATE TABLE before_purge AS
SELECT at, m.* FROM unnest('{2025-02-01,2025-02-15,2025-03-01}'::timestamptz[]) AS at, segment_members('r', at) AS m;
CREATE TABLE events_before AS SELECT * FROM segment_events('r', '2025-02-01');
CREATE TABLE runs_before AS SELECT count(*) FROM run;
SELECT (SELECT count(*) FROM r_history WHERE left_at < '2025-02-01') AS before,
       (SELECT count(*) FROM r_history WHERE left_at < '2025-02-02') > 0 AS later;
SELECT * FROM purge_history('r', '2025-02-01');
SELECT * FROM purge_history('r', '2025-02-01 00:00:01') \gset later_
SELECT :later_history_rows > 0 AS removed, (SELECT count(*) FROM r_history WHERE left_at < '2025-02-01 00:00:01') AS left_over,
       history_from FROM segmentation WHERE name = 'r';
-- it never goes back
SELECT history_rows FROM purge_history('r', '2024-01-01');
SELECT history_from FROM segmentation WHERE name = 'r';
SELECT count(*) FROM (SELECT at, m.* FROM unnest('{2025-02-15,2025-03-01}'::timestamptz[]) AS at, segment_members('r', at) AS m
                      EXCEPT TABLE before_purge) AS d;
SELECT count(*) FROM (SELECT * FROM segment_events('r') EXCEPT SELECT * FROM events_before WHERE event_at > '2025-02-01') AS d;
SELECT (SELECT count(*) FROM segment_events('r')) = (SELECT count(*) FROM events_before WHERE event_at > '2025-02-01') AS all_of_them;
SELECT * FROM runs_before EXCEPT SELECT count(*) FROM run;
-- every question about an instant before, and none is answered
SELECT q, try(q) FROM unnest(ARRAY[
    $$SELECT count(*) FROM segment_members('r', '2025-02-01')$$,
    $$SELECT count(*) FROM segment_members(NULL::integer, 'r', '2025-02-01')$$,
    $$SELECT segment_of('r', 7, '2025-02-01')$$,
    $$SELECT segment_of('r', '7', '-infinity')$$,
    $$SELECT count(*) FROM segment_migration('r', '2025-02-01', NULL::timestamptz)$$,
    $$SELECT count(*) FROM segment_migration('r', NULL, '2025-01-01'::timestamptz)$$,
    $$SELECT m.* FROM (SELECT min(run_id) AS a, max(run_id) AS b FROM run WHERE segmentation = 'r') AS r, segment_migration(a, b) AS m$$,
    $$SELECT count(*) FROM segment_events('r', '2025-02-01')$$,
    $$SELECT count(*) FROM segment_events('r', '-infinity')$$,
    $$SELECT count(*) FROM segment_flapping('r', '2025-02-01')$$,
    $$SELECT count(*) FROM segment_trend('r', '1 month', '2025-02-01')$$,
    $$SELECT reset_segmentation('r', '2025-02-01')$$]) AS q;
SELECT count(*) AS whole_months FROM segment_trend('r', '1 month');
SELECT min(period_start), max(period_end) FROM segment_trend('r', '1 day');
SELECT count(*) AS flapping FROM segment_flapping('r');
-- the views over all segmentations go on
SELECT count(*) > 0 AS events FROM segment_events WHERE segmentation = 'r';
SELECT count(*) AS migration FROM segment_migration WHERE segmentation = 'r';
-- rules that ask: of everybody at once, and of each row
SELECT outcome, error_code, error FROM refresh_segmentation('asks', '2025-02-20');
SELECT outcome FROM refresh_segmentation('asks', '2025-03-20', max_departed => 1);
SELECT outcome, error_code, error ~ 'begins at' AS told FROM refresh_segmentation('asks_rows', '2025-03-20');
DELETE FROM r_history;
SELECT outcome FROM refresh_segmentation('asks_rows', '2025-03-21');
DROP TABLE before_purge, events_before, runs_before;

-- ---- resetting: names and ids; figures that are not known; the log ----
CREATE TABLE bought (customer_id integer, at timestamptz, amount numeric);
INSERT INTO bought SELECT n % 40, timestamptz '2024-12-01' + n * interval '3 hours', n * n % 97 FROM generate_series(1, 400) AS n;
SELECT create_rfm_segmentation('l', 'bought', cuts => 'quantile');
SELECT outcome FROM refresh_segmentation('l', '2025-01-10');
SELECT try($$SELECT reset_segmentation('l', '2025-01-09')$$) AS a, try($$SELECT reset_segmentation('l', '2025-01-11')$$) AS b,
       try($$SELECT reset_segmentation('l', NULL)$$) AS c, try($$SELECT reset_segmentation('l', 'infinity')$$) AS d,
       try($$SELECT reset_segmentation(NULL, now())$$) AS e;
-- to where it is: nothing
SELECT outcome, entered, departed, moved FROM reset_segmentation('l', '2025-01-10');
CREATE TABLE was AS TABLE l_segments;
SELECT name AS one FROM segment WHERE segmentation = 'l' AND customers > 0 ORDER BY customers DESC, name LIMIT 1 \gset
SELECT name AS other FROM segment WHERE segmentation = 'l' AND customers > 0 AND name <> :'one' ORDER BY customers DESC, name LIMIT 1 \gset
UPDATE bought SET amount = 1 WHERE customer_id < 20;
DELETE FROM bought WHERE customer_id = 39;
SELECT outcome, departed FROM refresh_segmentation('l', '2205-01-01', future => true);
-- two names change places meanwhile
SELECT rename_segment('l', :'one', 'x'), rename_segment('l', :'other', :'one'), rename_segment('l', 'x', :'other');
SELECT outcome, as_of, customers, entered, departed, error, run_by = session_user AS mine FROM reset_segmentation('l', '2025-01-10');
SELECT count(*) AS wrong FROM (SELECT customer_id, segment_id, entered_at, entered_reason FROM was
                               EXCEPT SELECT customer_id, segment_id, entered_at, entered_reason FROM l_segments) AS d;
SELECT count(*) AS wrong FROM l_segments AS m JOIN segment AS g ON g.segmentation = 'l' AND g.segment_id = m.segment_id
WHERE g.name <> m.segment;
SELECT count(*) AS wrong FROM segments(get_model('l')) AS n JOIN segment AS g ON g.segmentation = 'l' AND g.segment_id = n.segment_id
WHERE g.name <> n.segment;
-- 39 is not in the source any more; who still is where he was has figures
SELECT count(*) FILTER (WHERE frequency IS NULL) > 0 AS unknown, count(*) FILTER (WHERE frequency IS NOT NULL) > 0 AS known,
       bool_and((frequency IS NULL) = (monetary IS NULL AND last_order_at IS NULL AND rfm_score IS NULL)) AS all_or_none,
       bool_or(frequency IS NULL) FILTER (WHERE customer_id = 39) AS gone FROM l_segments;
SELECT count(*) > 0 AS profile FROM segment_profile('l');
SELECT refreshed_as_of, trained_as_of FROM segmentation WHERE name = 'l';
-- what was undone is no run to compare with
SELECT try($$SELECT count(*) FROM segment_migration((SELECT min(run_id) FROM run WHERE segmentation = 'l'),
    (SELECT run_id FROM run WHERE segmentation = 'l' AND as_of = '2205-01-01'))$$) ~ '^42704' AS undone;
SELECT outcome, departed FROM refresh_segmentation('l', '2025-01-10 06:00');
SELECT count(*) AS unknown FROM l_segments WHERE frequency IS NULL;
SELECT outcome, as_of FROM segment_run WHERE segmentation = 'l' ORDER BY run_id;
-- a segment that a training closed is open again, under a name of its own where that is taken
CREATE TABLE dot (id integer PRIMARY KEY, x float8, y float8);
INSERT INTO dot SELECT n, n % 3 * 10 + n * 0.01, n % 3 * 5 FROM generate_series(1, 60) AS n;
SELECT create_cluster_segmentation('c', 'dot', 3);
SELECT outcome FROM refresh_segmentation('c', '2025-01-01');
CREATE TABLE was_open AS SELECT segment_id, name FROM segment WHERE segmentation = 'c' AND closed_at IS NULL;
UPDATE dot SET x = CASE WHEN id % 3 = 0 THEN 1000 + id ELSE x END, y = CASE WHEN id % 3 = 0 THEN 400 ELSE y END;
SELECT outcome FROM retrain_segmentation('c', '2025-01-02', '{"warm_start": false}');
SELECT count(*) AS closed, min(name) AS closed_name FROM segment WHERE segmentation = 'c' AND closed_at IS NOT NULL \gset
SELECT name AS open_name FROM segment JOIN was_open USING (segment_id, name) WHERE segmentation = 'c' AND closed_at IS NULL LIMIT 1 \gset
SELECT :closed > 0 AS closed;
SELECT rename_segment('c', :'open_name', :'closed_name') WHERE :'open_name' <> :'closed_name';
SELECT outcome, model_version FROM reset_segmentation('c', '2025-01-01 12:00');
SELECT count(*) AS open, count(w.segment_id) AS then, count(DISTINCT g.name) AS names,
       bool_or(g.name = format('%s (%s)', :'closed_name', g.segment_id)) AS one_told_apart
FROM segment AS g FULL JOIN was_open AS w USING (segment_id) WHERE g.segmentation = 'c' AND g.closed_at IS NULL;
SELECT count(*) AS wrong FROM segments(get_model('c')) AS n JOIN segment AS g ON g.segmentation = 'c' AND g.segment_id = n.segment_id
WHERE g.name <> n.segment;
SELECT count(*) AS wrong FROM c_segments AS m JOIN segment AS g ON g.segmentation = 'c' AND g.segment_id = m.segment_id
WHERE g.name <> m.segment;
SELECT max(close_reason) FROM segment WHERE segmentation = 'c' AND closed_at IS NOT NULL;
SELECT outcome, model_version FROM retrain_segmentation('c', '2025-01-03', '{"warm_start": false}');
SELECT max(version) AS versions, count(*) FROM model WHERE segmentation = 'c';
-- one with a table of events
SELECT event_table('c');
UPDATE dot SET x = x + 500, y = -y WHERE id < 20;
SELECT outcome FROM refresh_segmentation('c', '2205-01-01', true, future => true);
SELECT max(event_id) AS slip FROM c_events \gset
SELECT outcome FROM reset_segmentation('c', '2025-01-03');
SELECT event, event_at, count(*) > 0 AS there, count(id) > 0 AS customers FROM c_events WHERE event_id > :slip GROUP BY 1, 2 ORDER BY 1;
SELECT count(*) FROM c_events WHERE event_id IS NULL;
SELECT count(*) FROM c_events AS e JOIN segmentation AS s ON s.name = 'c' WHERE e.event_id > s.last_event_id;
-- a consumer that has not read them keeps events from being purged
SELECT create_event_consumer('reader', 'c');
SELECT outcome FROM retrain_segmentation('c', '2025-01-04', '{"warm_start": false}');
SELECT event_rows FROM purge_history('c', '2025-01-03 12:00');
SELECT acknowledge_segment_events('reader', max(event_id)) FROM next_segment_events('reader', NULL);
SELECT event_rows > 0 AS removed FROM purge_history('c', '2025-01-03 12:00');
SELECT drop_event_consumer('reader');
-- who uses others first: a cascade drops those that have no other rule
SELECT count(drop_segmentation(name, cascade => true)) FROM (SELECT name FROM segmentation ORDER BY name) AS s;
DROP TABLE fact, bought, was, dot, was_open;
DROP FUNCTION try;
