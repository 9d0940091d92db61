-- Law 10: a refresh that is cancelled or rolled back is in the run log all the
-- same: at once as unfinished, for the owner, and by the next refresh for good.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = error;
\set SHOW_CONTEXT never
CREATE ROLE regress_lost_reader;

CREATE TABLE lost_orders AS
SELECT n % 20 AS customer_id, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours' AS ordered_at, n * 7919 % 101 AS amount
FROM generate_series(1, 100) AS n;
CREATE TABLE lost_now AS SELECT false AS cancel;
SELECT create_rfm_segmentation(
    'lost',
    'SELECT o.* FROM lost_orders AS o, '
    '(SELECT CASE WHEN cancel AND pg_cancel_backend(pg_backend_pid()) THEN pg_sleep(60) END FROM lost_now) AS wait',
    scheme => 'eleven_names');
GRANT SELECT ON lost_segments TO regress_lost_reader;
CREATE VIEW lost_log AS SELECT outcome, as_of, started_at < now() AS started, finished_at > started_at AS finished,
    duration > '0' AS lasted, customers, error, run_by = current_user AS by_us, run_id > 0 AS numbered
FROM segment_run WHERE segmentation = 'lost' ORDER BY run_id NULLS LAST;

SELECT obj_description('lost_refresh'::regclass, 'pg_class');
TABLE lost_log \g (format=unaligned)
SELECT last_run_at FROM segmentation WHERE name = 'lost';

-- ---- cancelled in the source, before there was any other run ----
UPDATE lost_now SET cancel = true;
SELECT refresh_segmentation('lost', '2024-03-01');
TABLE lost_log \g (format=unaligned)
-- the sequence is the owner's, so nobody else is told yet
SET ROLE regress_lost_reader;
SELECT count(*) FROM segment_run;
RESET ROLE;
SELECT count(*) FROM segment.run;

-- ---- more of them in a row; the next that ends tells of all ----
SELECT refresh_segmentation('lost', '2024-03-01');
SELECT refresh_segmentation('lost', '2024-03-01');
UPDATE lost_now SET cancel = false;
SELECT outcome, customers FROM refresh_segmentation('lost', '2024-03-01');
TABLE lost_log \g (format=unaligned)
SELECT started_at = last_run_at AS the_start_of_this FROM segment.run JOIN segmentation ON name = segmentation WHERE outcome = 'ok';
SET ROLE regress_lost_reader;
SELECT outcome FROM segment_run ORDER BY run_id;
RESET ROLE;

-- ---- rolled back after all was done, in whole or to a savepoint ----
BEGIN;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-02');
SELECT count(*) FROM lost_log WHERE outcome = 'unfinished';
ROLLBACK;
SELECT outcome FROM lost_log;
BEGIN;
SAVEPOINT s;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-02');
ROLLBACK TO s;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-02');
COMMIT;
SELECT outcome, error FROM lost_log OFFSET 2;

-- ---- a failed refresh ended, whatever it failed of; what it logs about those before it stays ----
BEGIN;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-03');
ROLLBACK;
ALTER TABLE lost_orders RENAME TO lost_purchases;
SELECT outcome, error_code FROM refresh_segmentation('lost', '2024-03-03');
ALTER TABLE lost_purchases RENAME TO lost_orders;
SELECT outcome, error_code FROM refresh_segmentation('lost', '2024-01-03');
SELECT outcome, error_code FROM refresh_segmentation('lost', '2024-03-03');
SELECT outcome FROM lost_log OFFSET 4;

-- ---- interrupted runs are no instants ----
\set VERBOSITY sqlstate
SELECT * FROM segment_migration((SELECT max(run_id) FROM segment.run WHERE outcome = 'interrupted'),
                                (SELECT max(run_id) FROM segment.run WHERE outcome = 'ok'));
\set VERBOSITY default
SELECT DISTINCT from_as_of, to_as_of FROM segment_migration;

-- ---- who prunes the log hears nothing of what ended ----
DELETE FROM segment.run WHERE segmentation = 'lost';
SELECT outcome FROM refresh_segmentation('lost', '2024-03-04');
SELECT outcome FROM lost_log;

-- ---- several in one transaction at REPEATABLE READ ----
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-05');
SELECT outcome FROM refresh_segmentation('lost', '2024-03-06');
COMMIT;
SELECT outcome FROM lost_log;

-- ---- the mark goes where the member table goes ----
CREATE SCHEMA lost_schema;
CREATE ROLE regress_lost_owner;
GRANT CREATE, USAGE ON SCHEMA lost_schema TO regress_lost_owner;
GRANT USAGE ON SCHEMA lost_schema TO regress_lost_reader;
BEGIN;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-07');
ROLLBACK;
ALTER TABLE lost_segments SET SCHEMA lost_schema;
ALTER TABLE lost_history SET SCHEMA lost_schema;
ALTER TABLE lost_schema.lost_segments OWNER TO regress_lost_owner;
ALTER TABLE lost_schema.lost_history OWNER TO regress_lost_owner;
GRANT SELECT ON lost_orders, lost_now TO regress_lost_owner;
SET ROLE regress_lost_owner;
SELECT outcome, started_at = last_run_at AS is_last FROM segment_run JOIN segmentation ON name = segmentation ORDER BY run_id DESC LIMIT 2;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-07');
SELECT outcome FROM segment_run ORDER BY run_id DESC LIMIT 2;
RESET ROLE;
SELECT s.name, segment_internal.run_mark(s) FROM segmentation AS s;

-- ---- where somebody dropped it, the next refresh makes it anew ----
DROP SEQUENCE lost_schema.lost_refresh;
SELECT segment_internal.run_mark(s) FROM segmentation AS s;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-08');
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'lost_schema.lost_refresh'::regclass;
SELECT count(*) FROM lost_log WHERE outcome = 'unfinished';

-- ---- what set_run_mark takes, and that the number of lost runs stops at 1023 ----
SELECT segment_internal.set_run_mark('lost_orders', now(), 0);
SELECT segment_internal.set_run_mark(0, now(), 0);
SELECT segment_internal.set_run_mark('lost_schema.lost_refresh', '1999-12-31', 0);
SELECT segment_internal.set_run_mark('lost_schema.lost_refresh', 'infinity', 0);
SET ROLE regress_lost_reader;
SELECT segment_internal.set_run_mark('lost_schema.lost_refresh', now(), 0);
RESET ROLE;
SELECT segment_internal.set_run_mark('lost_schema.lost_refresh', '2024-02-29 12:34:56.789012Z', 2000);
SELECT u.* FROM segmentation AS s, segment_internal.unfinished_run(s) AS u;
SELECT outcome FROM refresh_segmentation('lost', '2024-03-09');
SELECT started_at, error FROM segment.run WHERE outcome = 'interrupted' ORDER BY run_id DESC LIMIT 1 \g (format=unaligned)

-- ---- gone with the segmentation; a name that is taken is an error ----
SELECT drop_segmentation('lost');
SELECT count(*) FROM pg_class WHERE relname LIKE 'lost\_refresh%';
CREATE TABLE lost_refresh ();
SELECT create_rfm_segmentation('lost', 'TABLE lost_orders', scheme => 'eleven_names');
SELECT count(*) FROM segmentation;

DROP VIEW lost_log;
DROP TABLE lost_refresh, lost_orders, lost_now;
DROP SCHEMA lost_schema;
DROP ROLE regress_lost_owner, regress_lost_reader;
