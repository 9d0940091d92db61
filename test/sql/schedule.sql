-- schedule_refresh: with pg_cron, of which a stand-in is made here, and without; time_budget of refresh_all_segmentations.
SET search_path = public, segment;
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- ---- schedules as cron has them ----
SELECT s.schedule, segment_internal.check_schedule(s.schedule) FROM unnest(ARRAY['* * * * *', '*/15 * * * *', '  10 3  * *	MON-fri ',
    '0,30 8-18/2 1,15 jan,3-6 7', '59 23 31 12 0-6']) AS s (schedule) WHERE segment_internal.check_schedule(s.schedule)
    <> array_to_string(regexp_split_to_array(btrim(s.schedule), '\s+'), ' ');
CREATE FUNCTION refused(schedule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN segment_internal.check_schedule(schedule);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END $$;
SELECT s.schedule, refused(s.schedule) FROM unnest(ARRAY[NULL, '', '* * * *', '* * * * * *', '@daily', '60 * * * *', '* 24 * * *',
    '* * 0 * *', '* * * 13 *', '* * * * 8', '5-3 * * * *', '*/0 * * * *', '5/10 * * * *', '1,,2 * * * *', ', * * * *', '-1 * * * *',
    'a * * * *', '* * mon * *', '* * * * jan', '1; rm -rf * * *', '* * * * mo', '1-2-3 * * * *', '*5 * * * *',
    '30 seconds']) AS s (schedule);

-- ---- without pg_cron ----
CREATE ROLE regress_schedule_owner;
CREATE ROLE regress_schedule_other;
GRANT CREATE, USAGE ON SCHEMA public TO regress_schedule_owner;
CREATE TABLE people AS SELECT n AS id FROM generate_series(1, 5) AS n;
GRANT SELECT ON people TO regress_schedule_owner;
SET ROLE regress_schedule_owner;
SELECT create_rule_segmentation('plain', 'public.people', '{"All": "true"}', schema => 'public');
SELECT create_rule_segmentation('50% o''f "all" $x', 'public.people', '{"All": "true"}', schema => 'public');
SELECT replace(schedule_refresh('plain', '*/15 * * * *'), ' -d ' || current_database() || ' ', ' -d DATABASE ') AS line;
SELECT substring(schedule_refresh('50% o''f "all" $x', '*/15 * * * *') FROM '-Atc.*');
SELECT substring(schedule_refresh(NULL, '0  3 * * *') FROM '^(.*)  psql.* -U (?:.*)$') AS fields;
SELECT unschedule_refresh('plain');
SELECT schedule_refresh('plain', '61 * * * *');
SELECT schedule_refresh('nothing', '* * * * *');
-- who may not refresh it may not schedule it
SET ROLE regress_schedule_other;
SELECT schedule_refresh('plain', '* * * * *');
RESET ROLE;
GRANT SELECT ON plain_segments TO regress_schedule_other;
SET ROLE regress_schedule_other;
SELECT schedule_refresh('plain', '* * * * *');
SELECT unschedule_refresh('plain');
RESET ROLE;

-- ---- what somebody made to look like pg_cron is not called ----
CREATE SCHEMA cron;
CREATE TABLE cron.job (jobid bigint GENERATED ALWAYS AS IDENTITY, jobname text, schedule text, command text,
                       username text DEFAULT current_user);
-- as the real one does: whoever calls it is the user of the job
CREATE FUNCTION cron.schedule(text, text, text) RETURNS bigint LANGUAGE sql AS $$
    DELETE FROM cron.job WHERE jobname = $1 AND username = current_user;
    INSERT INTO cron.job (jobname, schedule, command) VALUES ($1, $2, $3) RETURNING jobid $$;
CREATE FUNCTION cron.unschedule(bigint) RETURNS boolean LANGUAGE sql AS $$
    DELETE FROM cron.job WHERE jobid = $1 RETURNING true $$;
GRANT SELECT, INSERT, DELETE ON cron.job TO PUBLIC;
SELECT schedule_refresh('plain', '* * * * *') ~ 'psql' AS not_called;
SELECT count(*) FROM cron.job;

-- ---- with it ----
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT 999999, 'pg_cron', 10, 'cron'::regnamespace, false, '1.4';
ALTER EXTENSION pg_cron ADD FUNCTION cron.schedule(text, text, text);
ALTER EXTENSION pg_cron ADD FUNCTION cron.unschedule(bigint);
-- the owner may not use it
SELECT schedule_refresh('plain', '* * * * *');
GRANT USAGE ON SCHEMA cron TO regress_schedule_owner;
-- a superuser schedules as the owner
SELECT schedule_refresh('plain', '*/5 * * * *');
SELECT schedule_refresh('plain', '*/10 *   * * *');
SET ROLE regress_schedule_owner;
SELECT schedule_refresh(NULL, '0 3 * * *');
SELECT jobname, schedule, command, username FROM cron.job ORDER BY jobid;
SELECT unschedule_refresh(NULL), unschedule_refresh(NULL) AS again;
-- what it runs
SELECT command FROM cron.job \gexec
-- dropping ends the job
SELECT drop_segmentation('plain');
SELECT count(*) FROM cron.job;
SELECT drop_segmentation('50% o''f "all" $x');
RESET ROLE;
DROP EXTENSION pg_cron;
DROP SCHEMA cron CASCADE;

-- ---- a time budget ----
-- each takes longer than the budget, so each call does one
SELECT create_rule_segmentation('a_used', 'people', '{"All": "true"}', schema => 'public');
SELECT create_rule_segmentation('b_uses', 'people', '{"All": "in_segment(''a_used'', ''All'')"}', schema => 'public');
SELECT create_rule_segmentation('c_alone', 'people', '{"All": "true"}', schema => 'public');
CALL refresh_all_segmentations(time_budget => '1 microsecond');
CALL refresh_all_segmentations(time_budget => '1 microsecond');
CALL refresh_all_segmentations(time_budget => '1 microsecond');
CALL refresh_all_segmentations(time_budget => '1 microsecond');
CALL refresh_all_segmentations(time_budget => '1 microsecond');
CALL refresh_all_segmentations(time_budget => '1 microsecond');
-- what is used comes before what uses it, and nobody waits for ever
SELECT segmentation, outcome FROM run ORDER BY run_id;
-- time enough
SELECT max(run_id) AS last FROM run \gset
CALL refresh_all_segmentations(time_budget => '1 hour');
SELECT segmentation FROM run WHERE run_id > :last ORDER BY run_id;
-- what uses one that failed waits for it
UPDATE segmentation SET source = 'SELECT 1/0 AS id' WHERE name = 'a_used';
CALL refresh_all_segmentations(time_budget => '1 microsecond');
CALL refresh_all_segmentations(time_budget => '1 hour');
SELECT segmentation, outcome FROM run WHERE run_id > :last + 3 ORDER BY run_id;
CALL refresh_all_segmentations(time_budget => '0');
CALL refresh_all_segmentations(time_budget => '-1 hour');
SELECT drop_segmentation(name, cascade => true) FROM unnest('{b_uses,a_used,c_alone}'::text[]) AS name;
DROP TABLE people;
DROP FUNCTION refused;
REVOKE ALL ON SCHEMA public FROM regress_schedule_owner;
DROP ROLE regress_schedule_owner, regress_schedule_other;
