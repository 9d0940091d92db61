-- segmentation_health: states, what they follow from, and who sees them.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = postgres;
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- ---- the measure of a jump, against figures worked out by another program ----
CREATE TABLE oracle (name text, history float8[], value float8, count_z float8);
INSERT INTO oracle VALUES
('constant then equal', '{100,100,100,100,100,100,100,100,100,100,100,100,100,100}', 100, 0),
('constant then one more', '{100,100,100,100,100,100,100,100,100,100,100,100,100,100}', 101, 0.1),
('constant then double', '{100,100,100,100,100,100,100,100,100,100,100,100,100,100}', 200, 10),
('constant zero then one', '{0,0,0,0,0,0,0,0,0,0,0,0,0,0}', 1, 1),
('noise, normal day', '{98,103,101,97,105,99,100,102,96,104}', 101, 0.04987546681),
('noise, drop', '{98,103,101,97,105,99,100,102,96,104}', 60, -4.039912811),
('noise, spike', '{98,103,101,97,105,99,100,102,96,104}', 160, 5.93518055),
('an old spike does not hide a drop', '{98,103,101,97,1000,99,100,102,96,104}', 60, -4.039912811),
('too few points', '{98,103,101}', 60, -4.07965248),
('weekend against all days (wrong)', '{140,138,142,139,141,50,52,140,139,141,138,142,49,51}', 50, -7.548881474),
('weekend against weekends (right)', '{52,50,49,51,53,48,50,51}', 50, -0.07035975447),
('trend up', '{100,110,121,133,146,161,177,195}', 214, 1.970568094);
SELECT name, count_z, segment_internal.jump(value, history) FROM oracle
WHERE NOT abs(segment_internal.jump(value, history) - count_z) < 1e-8;
SELECT segment_internal.jump(1, '{}'), segment_internal.jump(NULL, '{1,2}');

-- ---- a segmentation from its first day ----
SET client_min_messages = warning;
CREATE TABLE orders (customer_id integer, ordered_at timestamptz, amount numeric);
SELECT create_rfm_segmentation('loyalty', 'orders', schema => 'public', time_zone => 'UTC');
SELECT state, reason, refreshed_as_of, overdue, stale, failures, next_due_at FROM segmentation_health;
-- promised, and not kept from its creation on
BEGIN;
SELECT alter_segmentation('loyalty', max_age => '1 day');
SELECT state, reason, overdue FROM segmentation AS s, segment_internal.health(s, now() + interval '23 hours');
SELECT state, reason, overdue FROM segmentation AS s, segment_internal.health(s, s.created_at + interval '25 hours');
ROLLBACK;
-- nothing in the source: it is not known how old its rows are
SELECT outcome FROM refresh_segmentation('loyalty', '2025-03-01');
SELECT alter_segmentation('loyalty', max_age => '1 day');
CREATE FUNCTION health(at timestamptz) RETURNS TABLE (state text, reason text, overdue boolean, newest timestamptz, stale boolean)
LANGUAGE sql AS $$
    SELECT h.state, h.reason, h.overdue, h.newest_row_at, h.stale
    FROM segment.segmentation AS s, segment_internal.health(s, at) AS h WHERE s.name = 'loyalty' $$;
-- runs are dated by the clock of the server, which a test moves
CREATE FUNCTION date_runs() RETURNS void LANGUAGE sql AS $$
    UPDATE segment.run SET started_at = as_of, finished_at = as_of WHERE as_of < '2026-01-01' $$;
SELECT date_runs();
SELECT * FROM health('2025-03-01 12:00');
INSERT INTO orders SELECT n % 40, timestamptz '2025-02-27' - n * interval '7 hours', n * 7919 % 101 FROM generate_series(0, 300) AS n;
SELECT outcome FROM refresh_segmentation('loyalty', '2025-03-02');
SELECT date_runs();
SELECT * FROM health('2025-03-02 12:00');
-- orders come, and refreshes do not
INSERT INTO orders VALUES (7, '2025-03-02 20:00', 5);
SELECT outcome FROM refresh_segmentation('loyalty', '2025-03-03');
SELECT date_runs();
SELECT * FROM health('2025-03-03 20:00');
SELECT * FROM health('2025-03-04 00:00:01');
SELECT alter_segmentation('loyalty', max_age => '-1 day');
SELECT alter_segmentation('loyalty', max_age => '0');
SELECT * FROM health('2025-03-04 00:00:01');
SELECT alter_segmentation('loyalty', max_age => '1 month 2 days 03:00');
SELECT alter_segmentation('loyalty', description => 'kept');
SELECT max_age FROM segmentation_health;
SELECT alter_segmentation('loyalty', max_age => '0');

-- ---- as usual: every day but Sunday ----
SELECT count(outcome) FROM generate_series(timestamptz '2025-03-04', '2025-05-09', '1 day') AS d, refresh_segmentation('loyalty', d)
WHERE extract(dow FROM d) > 0;
SELECT date_runs();
SELECT usual_distance FROM segmentation_health;
SELECT state, reason FROM health('2025-05-10 12:00');
SELECT state, reason FROM health('2025-05-11 12:00');
-- history that is built up in a minute is no habit
BEGIN;
UPDATE run SET started_at = timestamptz '2025-05-09' + run_id * interval '1 second';
SELECT usual_distance FROM segmentation_health;
SELECT state, reason FROM health('2025-05-11 12:00');
ROLLBACK;

-- ---- sizes that jump, against the same weekday; 2025-05-09 was a Friday ----
SELECT state, size_jump, size_jump_segment IS NOT NULL AS compared FROM segmentation AS s, segment_internal.health(s, '2025-05-09 12:00');
BEGIN;
UPDATE run SET sizes = jsonb_build_object('1', CASE WHEN extract(dow FROM as_of) = 5 THEN 200 ELSE 100 END, '2', 100);
SELECT state, reason, size_jump FROM segmentation AS s, segment_internal.health(s, '2025-05-09 12:00');
-- as many as on other days are too few on a Friday
UPDATE run SET sizes = '{"1": 100, "2": 101}' WHERE as_of = '2025-05-09';
SELECT state, reason, round(size_jump::numeric, 6) AS jump, round((-100 / sqrt(200))::numeric, 6) AS expected
FROM segmentation AS s, segment_internal.health(s, '2025-05-09 12:00');
-- of three Fridays nothing can be told
UPDATE run SET sizes = NULL WHERE as_of < '2025-04-15';
SELECT state, reason, size_jump FROM segmentation AS s, segment_internal.health(s, '2025-05-09 12:00');
ROLLBACK;
-- the sizes that a run keeps are those of the members
SELECT r.sizes = (SELECT jsonb_object_agg(g.segment_id,
                      (SELECT count(*) FROM loyalty_segments AS m WHERE m.segment_id = g.segment_id))
                  FROM segment AS g WHERE g.closed_at IS NULL) AS equal,
       r.customers = (SELECT sum(v::bigint) FROM jsonb_each_text(sizes) AS j (k, v)) AS all_of_them
FROM run AS r ORDER BY run_id DESC LIMIT 1;

-- ---- failures ----
SET client_min_messages = error;
DELETE FROM orders WHERE customer_id > 2;
SELECT outcome FROM refresh_segmentation('loyalty', '2025-05-10');
SELECT state, reason, failures, error_code FROM segmentation AS s, segment_internal.health(s, '2025-05-09 12:00');
SELECT outcome, sizes FROM refresh_segmentation('loyalty', '2025-05-09 00:00', max_departed => 1);
SELECT state, reason, failures, error_code FROM segmentation AS s, segment_internal.health(s, '2025-05-09 12:00');
ALTER TABLE orders RENAME amount TO sum;
SELECT outcome FROM refresh_segmentation('loyalty', '2025-05-10');
SELECT outcome FROM refresh_segmentation('loyalty', '2025-05-10');
SELECT state, regexp_replace(reason, 'failed: .*?; ', 'failed: MESSAGE; ') AS reason, failures, error_code, error IS NOT NULL AS told
FROM segmentation_health;
ALTER TABLE orders RENAME sum TO amount;
-- one that was interrupted is to be watched, three are broken
BEGIN;
SELECT outcome FROM refresh_segmentation('loyalty', '2025-05-10');
ROLLBACK;
SELECT reason ~ 'a refresh began and was lost' AS lost, unfinished_since IS NOT NULL AS since FROM segmentation_health;
SELECT outcome FROM refresh_segmentation('loyalty', '2025-05-10');
SELECT date_runs();
SELECT state, reason, failures FROM segmentation AS s, segment_internal.health(s, '2025-05-10 12:00');
BEGIN;
INSERT INTO run (segmentation, started_at, outcome, run_by) VALUES ('loyalty', '2025-05-10 01:00', 'interrupted', NULL);
SELECT state, reason, failures, failed_at FROM segmentation AS s, segment_internal.health(s, '2025-05-10 12:00');
INSERT INTO run (segmentation, started_at, outcome, error, run_by)
SELECT 'loyalty', '2025-05-10 01:00', 'interrupted', 'lost', NULL FROM generate_series(1, 2);
SELECT state, reason, failures FROM segmentation AS s, segment_internal.health(s, '2025-05-10 12:00');
ROLLBACK;

-- ---- what is due by time ----
CREATE TABLE people AS SELECT n AS id, timestamptz '2025-01-01' + n * interval '1 day' AS seen FROM generate_series(1, 20) AS n;
SELECT create_rule_segmentation('active', 'people', '{"Active": "seen > as_of() - interval ''30 days''"}', rest => 'Other',
                                schema => 'public');
SELECT outcome FROM refresh_segmentation('active', '2025-01-25');
SELECT next_due_at = (SELECT min(next_transition_at) FROM active_segments) AS first_of_members, next_due_at
FROM segmentation_health WHERE segmentation = 'active';
SELECT alter_segmentation('active', max_age => '6 hours');
UPDATE run SET started_at = '2025-01-31 20:00' WHERE segmentation = 'active';
SELECT overdue FROM segmentation AS s, segment_internal.health(s, '2025-02-01 01:00') WHERE s.name = 'active';
-- a queue of changes, of which nothing is known before there is one
SELECT changes_waiting FROM segmentation_health WHERE segmentation = 'active';
BEGIN;
ALTER TABLE segmentation ADD COLUMN IF NOT EXISTS changes regclass;
CREATE TABLE active_queue (id integer, due_at timestamptz NOT NULL DEFAULT '-infinity');
UPDATE segmentation SET changes = 'active_queue' WHERE name = 'active';
SELECT changes_waiting, overdue FROM segmentation AS s, segment_internal.health(s, '2025-02-01 03:00') WHERE s.name = 'active';
SELECT overdue, reason FROM segmentation AS s, segment_internal.health(s, '2025-02-01 06:01') WHERE s.name = 'active';
INSERT INTO active_queue VALUES (1), (2), (NULL);
INSERT INTO active_queue VALUES (3, '2025-06-01');
SELECT changes_waiting, overdue FROM segmentation AS s, segment_internal.health(s, '2025-02-01 03:00') WHERE s.name = 'active';
INSERT INTO active_queue SELECT n FROM generate_series(1, 1000) AS n;
SELECT state, reason FROM segmentation AS s, segment_internal.health(s, '2025-02-01 01:00') WHERE s.name = 'active';
ROLLBACK;

-- ---- consumers of events ----
SELECT create_event_consumer('slow', 'active');
SELECT consumers_behind, state, reason FROM segmentation AS s, segment_internal.health(s, '2025-01-26') WHERE s.name = 'active';
SELECT consumers_behind, state, reason FROM segmentation AS s, segment_internal.health(s, '2025-01-25 01:00') WHERE s.name = 'active';
SELECT create_event_consumer('slower', 'active');
SELECT consumers_behind, reason FROM segmentation AS s, segment_internal.health(s, '2025-01-26') WHERE s.name = 'active';
SELECT acknowledge_segment_events(c, (SELECT max(event_id) FROM next_segment_events(c))) FROM unnest('{slow,slower}'::text[]) AS c;
SELECT consumers_behind FROM segmentation AS s, segment_internal.health(s, '2025-01-26') WHERE s.name = 'active';

-- ---- who sees what ----
CREATE ROLE regress_health_reader;
CREATE ROLE regress_health_stranger;
GRANT USAGE ON SCHEMA public TO regress_health_reader;
GRANT SELECT ON loyalty_segments TO regress_health_reader;
SET ROLE regress_health_reader;
SELECT segmentation, state, refreshed_as_of, unfinished_since, not_shown FROM segmentation_health;
SELECT count(*) FROM segment_progress;
-- who may not look into the queue does not know whether something waits
RESET ROLE;
BEGIN;
ALTER TABLE segmentation ADD COLUMN IF NOT EXISTS changes regclass;
CREATE TABLE loyalty_queue (id integer, due_at timestamptz NOT NULL DEFAULT '-infinity');
UPDATE segmentation SET changes = 'loyalty_queue', max_age = '1 day' WHERE name = 'loyalty';
SELECT overdue, changes_waiting FROM segmentation AS s, segment_internal.health(s, '2025-06-01') WHERE s.name = 'loyalty';
SET LOCAL ROLE regress_health_reader;
SELECT overdue, changes_waiting FROM segmentation AS s, segment_internal.health(s, '2025-06-01') WHERE s.name = 'loyalty';
ROLLBACK;
-- nor whoever may not look at the members, because their owner could run code
ALTER TABLE loyalty_segments ENABLE ROW LEVEL SECURITY;
SET ROLE regress_health_reader;
SELECT overdue, next_due_at, not_shown FROM segmentation AS s, segment_internal.health(s, '2025-06-01') WHERE s.name = 'loyalty';
RESET ROLE;
ALTER TABLE loyalty_segments DISABLE ROW LEVEL SECURITY;
SET ROLE regress_health_stranger;
SELECT count(*) FROM segmentation_health;
RESET ROLE;
-- a table that is gone hides nobody else
DROP TABLE active_segments;
SELECT segmentation, state, reason ~ 'a table is gone' AS gone FROM segmentation_health ORDER BY 1;

SELECT count(drop_segmentation(name)) FROM segmentation;
DROP TABLE orders, people, oracle;
DROP FUNCTION health, date_runs;
REVOKE USAGE ON SCHEMA public FROM regress_health_reader;
DROP ROLE regress_health_reader, regress_health_stranger;
