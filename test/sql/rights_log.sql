-- The log of runs is added to by refreshes and by nothing else: not even the owner
-- of a segmentation changes it or takes anything away.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;
SELECT current_user AS superuser \gset
CREATE ROLE regress_log_owner;
CREATE ROLE regress_log_deputy IN ROLE regress_log_owner;
CREATE ROLE regress_log_noinherit NOINHERIT IN ROLE regress_log_owner;
CREATE ROLE regress_log_other;
CREATE ROLE regress_log_reader;
CREATE SCHEMA regress_log AUTHORIZATION regress_log_owner;
GRANT USAGE ON SCHEMA regress_log TO PUBLIC;

-- how a statement ends: its first value, or its SQLSTATE
CREATE FUNCTION regress_log.attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    IF command ~ '^(SELECT|WITH)' THEN
        EXECUTE command INTO result;
    ELSE
        EXECUTE command;
    END IF;
    RETURN coalesce(result, '(null)');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END;
$$;

SET SESSION AUTHORIZATION regress_log_owner;
SET search_path = regress_log, segment;
CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO orders
SELECT n % 50, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours', n * 7919 % 101 FROM generate_series(1, 400) AS n;
SELECT create_rfm_segmentation('logged', 'orders');
SELECT outcome, run_by FROM refresh_segmentation('logged', '2024-05-01');
GRANT SELECT ON logged_segments TO regress_log_reader;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_log.before AS SELECT * FROM run WHERE segmentation = 'logged';

-- ---- edit_own_log, delete_own_runs, forge_run and their kin ----
CREATE TABLE regress_log.deed (n integer GENERATED ALWAYS AS IDENTITY, name text, command text);
INSERT INTO regress_log.deed (name, command) VALUES
    ('edit', $$UPDATE segment.run SET outcome = 'ok', error = NULL$$),
    ('edit one column', $$UPDATE segment.run SET run_by = 'regress_log_other' WHERE segmentation = 'logged'$$),
    ('delete', $$DELETE FROM segment.run WHERE segmentation = 'logged'$$),
    ('truncate', $$TRUNCATE segment.run$$),
    ('lock', $$LOCK TABLE segment.run IN ROW EXCLUSIVE MODE$$),
    ('lock rows', $$SELECT run_id > 0 FROM segment.run WHERE segmentation = 'logged' FOR UPDATE$$),
    ('insert', $$INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, run_by)
        VALUES ('logged', now(), now(), now(), 'ok', 'regress_log_other')$$),
    ('copy', $$COPY segment.run FROM PROGRAM 'true'$$),
    ('merge', $$MERGE INTO segment.run AS r USING (VALUES (1)) AS v (x) ON r.run_id < 0
        WHEN NOT MATCHED THEN INSERT (segmentation, as_of, started_at, finished_at, outcome)
        VALUES ('logged', now(), now(), now(), 'ok')$$),
    ('view', $$UPDATE segment.segment_run SET outcome = 'ok' WHERE segmentation = 'logged'$$),
    ('trigger', $$CREATE TRIGGER t BEFORE INSERT ON segment.run FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$),
    ('rule', $$CREATE RULE r AS ON INSERT TO segment.run DO INSTEAD NOTHING$$),
    ('policy', $$CREATE POLICY p ON segment.run FOR ALL USING (true)$$),
    ('no row security', $$ALTER TABLE segment.run DISABLE ROW LEVEL SECURITY$$),
    ('child', $$CREATE TABLE regress_log.child () INHERITS (segment.run)$$),
    ('reference', $$CREATE TABLE regress_log.child (r bigint REFERENCES segment.run)$$),
    ('sequence', $$SELECT nextval('segment.run_run_id_seq')$$),
    ('set sequence', $$SELECT setval('segment.run_run_id_seq', 1)$$),
    ('grant', $$GRANT INSERT ON segment.run TO CURRENT_USER$$),
    -- the primitive: a run that has not begun, one that would hide the last, times that are not now
    ('finish', $$SELECT segment_internal.change_catalogue('finish_run', 'logged'::text, '2024-06-01'::timestamptz, false,
        0::bigint, 0::bigint, 0::bigint, 0::bigint, 1::bigint, 1::bigint, 0::bigint, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, NULL::text)$$),
    ('unknown operation', $$SELECT segment_internal.change_catalogue('delete_run', 'logged'::text)$$),
    ('statement', $$SELECT segment_internal.change_catalogue('DELETE FROM segment.run', 'logged'::text)$$),
    ('no operation', $$SELECT segment_internal.change_catalogue(NULL, 'logged'::text)$$),
    ('no name', $$SELECT segment_internal.change_catalogue('lock', NULL::text)$$),
    ('untyped', $$SELECT segment_internal.change_catalogue('lock', 'logged')$$),
    ('an array', $$SELECT segment_internal.change_catalogue('lock', VARIADIC '{logged}'::text[])$$),
    ('no argument', $$SELECT segment_internal.change_catalogue('lock', VARIADIC '{}'::text[])$$),
    ('one more', $$SELECT segment_internal.change_catalogue('lock', 'logged'::text, 1)$$),
    ('name of another type', $$SELECT segment_internal.change_catalogue('lock', 'logged'::name)$$),
    ('a name that closes a quote', $$SELECT segment_internal.change_catalogue('lock', 'logged''; DELETE FROM segment.run; --'::text)$$);
GRANT SELECT ON regress_log.deed TO PUBLIC;
CREATE TABLE regress_log.outcome (who text, n integer, outcome text);
GRANT SELECT, INSERT ON regress_log.outcome TO PUBLIC;
CREATE PROCEDURE regress_log.try_all(who text) LANGUAGE sql BEGIN ATOMIC
    INSERT INTO regress_log.outcome SELECT who, d.n, regress_log.attempt(d.command) FROM regress_log.deed AS d ORDER BY d.n;
END;
SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_log_owner;
CALL regress_log.try_all('owner');
SET SESSION AUTHORIZATION regress_log_deputy;
CALL regress_log.try_all('deputy');
SET SESSION AUTHORIZATION regress_log_noinherit;
CALL regress_log.try_all('noinherit');
SET SESSION AUTHORIZATION regress_log_other;
CALL regress_log.try_all('other');
SET SESSION AUTHORIZATION regress_log_reader;
CALL regress_log.try_all('reader');
RESET SESSION AUTHORIZATION;
SELECT d.name, max(outcome) FILTER (WHERE who = 'owner') AS owner, max(outcome) FILTER (WHERE who = 'deputy') AS deputy,
       max(outcome) FILTER (WHERE who = 'noinherit') AS noinherit, max(outcome) FILTER (WHERE who = 'other') AS other,
       max(outcome) FILTER (WHERE who = 'reader') AS reader
FROM regress_log.outcome AS o JOIN regress_log.deed AS d USING (n) GROUP BY d.n, d.name ORDER BY d.n;
SET search_path = regress_log, segment;
(TABLE regress_log.before EXCEPT SELECT * FROM run WHERE segmentation = 'logged') UNION ALL
(SELECT * FROM run WHERE segmentation = 'logged' EXCEPT TABLE regress_log.before);

-- ---- who may refresh may log a failure, under the own login and the present time, and no other ----
CREATE FUNCTION regress_log.log_failure() RETURNS bigint LANGUAGE sql VOLATILE
RETURN segment_internal.change_catalogue('fail_run', 'logged'::text, '2024-05-01'::timestamptz, '1999-01-01'::timestamptz,
                                         'XX000'::text, 'made up'::text);
SET SESSION AUTHORIZATION regress_log_reader;
SELECT regress_log.attempt('SELECT regress_log.log_failure()');
SET SESSION AUTHORIZATION regress_log_other;
SELECT regress_log.attempt('SELECT regress_log.log_failure()');
SET SESSION AUTHORIZATION regress_log_noinherit;
SELECT regress_log.attempt('SELECT regress_log.log_failure()');
SET ROLE regress_log_owner;
SELECT regress_log.log_failure() IS NOT NULL AS logged;
RESET ROLE;
SET SESSION AUTHORIZATION regress_log_deputy;
SELECT regress_log.log_failure() IS NOT NULL AS logged;
-- nor do a finished run that has not begun, one that began long ago, and one that lies in the future
SET SESSION AUTHORIZATION regress_log_owner;
SELECT segment_internal.change_catalogue('interrupted_run', 'logged'::text, '2099-01-01'::timestamptz, 0::bigint) IS NOT NULL AS logged;
-- and whoever may refresh may log a run with figures of his own; by his login, now, and beside what there is
SELECT segment_internal.begin_run('logged') IS NULL AS begun;
SELECT segment_internal.change_catalogue('finish_run', 'logged'::text, '2024-05-01'::timestamptz, false, 0::bigint, 0::bigint,
    0::bigint, 0::bigint, 777::bigint, 777::bigint, 0::bigint, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, NULL::text) IS NOT NULL AS logged;
SELECT outcome, rows_read, run_by FROM run
WHERE segmentation = 'logged' ORDER BY run_id DESC LIMIT 1;
RESET SESSION AUTHORIZATION;
SELECT outcome, run_by, started_at >= now() - interval '1 minute' AND started_at <= clock_timestamp() AS just_now,
       finished_at BETWEEN started_at AND clock_timestamp() AS finished_now
FROM run WHERE segmentation = 'logged' ORDER BY run_id;

-- ---- forge_run_from_the_source: an owner's SQL, run by a superuser's refresh ----
SET SESSION AUTHORIZATION regress_log_owner;
CREATE FUNCTION forger() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM segment_internal.change_catalogue('finish_run', 'forging'::text, '2024-05-01'::timestamptz, false, 0::bigint, 0::bigint,
        0::bigint, 0::bigint, 7::bigint, 7::bigint, 7::bigint, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, NULL::text);
    RETURN 1;
END;
$$;
SELECT create_rfm_segmentation('forging', 'SELECT customer_id, ordered_at, amount * forger() AS amount FROM orders');
RESET SESSION AUTHORIZATION;
-- the forged run goes with the refresh that it would have taken the place of, and that is what is logged
SELECT outcome, error_code, rows_read, run_by = :'superuser' AS by_superuser FROM refresh_segmentation('forging', '2024-05-01');
SELECT outcome, rows_read FROM run WHERE segmentation = 'forging';
SELECT count(*) FROM forging_segments;
-- a source cannot write at all; a trigger on members can
SET SESSION AUTHORIZATION regress_log_owner;
SELECT drop_segmentation('forging');
SELECT create_rfm_segmentation('forging', 'orders');
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_log.forger(); RETURN NULL; END $$;
CREATE TRIGGER forge AFTER INSERT ON forging_segments FOR EACH STATEMENT EXECUTE FUNCTION forge();
RESET SESSION AUTHORIZATION;
SELECT outcome, error_code, rows_read, run_by = :'superuser' AS by_superuser FROM refresh_segmentation('forging', '2024-05-01');
SELECT outcome, rows_read FROM run WHERE segmentation = 'forging';
SELECT count(*) FROM forging_segments;

-- ---- elevation_via_log_trigger: somebody's trigger on members, while the log is written ----
SET SESSION AUTHORIZATION regress_log_owner;
CREATE FUNCTION tell_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON logged_segments FOR EACH STATEMENT EXECUTE FUNCTION tell_user();
INSERT INTO orders VALUES (1, '2024-05-01', 1000);
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT outcome, run_by = :'superuser' AS by_superuser FROM refresh_segmentation('logged', '2024-05-02');
SELECT rename_segment('logged', (SELECT name FROM segment.segment WHERE segmentation = 'logged' AND priority = 1), 'Top');
SET client_min_messages = error;
-- whoever calls it, the user is who it was afterwards; also after an error
SELECT current_user = :'superuser' AS same, current_setting('search_path');
SELECT regress_log.attempt($$SELECT segment_internal.change_catalogue('bind_source', 'logged'::text, '{a,b}'::text[], '{a}'::text[])$$);
SELECT current_user = :'superuser' AS same, current_setting('search_path');
SET SESSION AUTHORIZATION regress_log_owner;
SELECT regress_log.attempt($$SELECT segment_internal.change_catalogue('bind_source', 'logged'::text, '{a,b}'::text[], '{a}'::text[])$$);
SELECT current_user, current_setting('search_path');
RESET SESSION AUTHORIZATION;

-- ---- the log goes with its segmentation, and only with it ----
SET SESSION AUTHORIZATION regress_log_owner;
SELECT drop_segmentation('forging');
SELECT count(*) AS runs FROM run WHERE segmentation = 'forging';
RESET SESSION AUTHORIZATION;

-- ---- reassign_owned: the log follows the table, and is not the new owner's to edit either ----
REASSIGN OWNED BY regress_log_owner TO regress_log_other;
SET SESSION AUTHORIZATION regress_log_owner;
SELECT regress_log.attempt('SELECT regress_log.log_failure()');
SELECT count(*) FROM run WHERE segmentation = 'logged';
SET SESSION AUTHORIZATION regress_log_other;
SELECT regress_log.attempt('DELETE FROM segment.run'), regress_log.attempt('SELECT regress_log.log_failure() > 0');
SELECT outcome FROM refresh_segmentation('logged', '2024-05-03');
SELECT drop_segmentation('logged');
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_log CASCADE;
DROP ROLE regress_log_owner, regress_log_deputy, regress_log_noinherit, regress_log_other, regress_log_reader;
