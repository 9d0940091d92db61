-- The log of runs is added to by refreshes and by nothing else: not even the owner
-- of a segmentation changes it or takes anything away.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_deeds.psql
\i test/lib/rights_loyal.psql
\set ECHO all
SET search_path = regress_shop, segment;
GRANT SELECT ON loyal_segments TO regress_segment_reader;
CREATE TABLE regress_shop.before AS SELECT * FROM run WHERE segmentation = 'loyal';

-- ---- edit_own_log, delete_own_runs, forge_run and their kin ----
INSERT INTO regress_shop.deed (name, command) VALUES
    ('edit', $$UPDATE segment.run SET outcome = 'ok', error = NULL$$),
    ('edit one column', $$UPDATE segment.run SET run_by = 'regress_segment_other' WHERE segmentation = 'loyal'$$),
    ('delete', $$DELETE FROM segment.run WHERE segmentation = 'loyal'$$),
    ('truncate', $$TRUNCATE segment.run$$),
    ('lock', $$LOCK TABLE segment.run IN ROW EXCLUSIVE MODE$$),
    ('lock rows', $$SELECT run_id > 0 FROM segment.run WHERE segmentation = 'loyal' FOR UPDATE$$),
    ('insert', $$INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, run_by)
        VALUES ('loyal', now(), now(), now(), 'ok', 'regress_segment_other')$$),
    ('copy', $$COPY segment.run FROM PROGRAM 'true'$$),
    ('merge', $$MERGE INTO segment.run AS r USING (VALUES (1)) AS v (x) ON r.run_id < 0
        WHEN NOT MATCHED THEN INSERT (segmentation, as_of, started_at, finished_at, outcome)
        VALUES ('loyal', now(), now(), now(), 'ok')$$),
    ('view', $$UPDATE segment.segment_run SET outcome = 'ok' WHERE segmentation = 'loyal'$$),
    ('trigger', $$CREATE TRIGGER t BEFORE INSERT ON segment.run FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$),
    ('rule', $$CREATE RULE r AS ON INSERT TO segment.run DO INSTEAD NOTHING$$),
    ('policy', $$CREATE POLICY p ON segment.run FOR ALL USING (true)$$),
    ('no row security', $$ALTER TABLE segment.run DISABLE ROW LEVEL SECURITY$$),
    ('child', $$CREATE TABLE regress_shop.child () INHERITS (segment.run)$$),
    ('reference', $$CREATE TABLE regress_shop.child (r bigint REFERENCES segment.run)$$),
    ('sequence', $$SELECT nextval('segment.run_run_id_seq')$$),
    ('set sequence', $$SELECT setval('segment.run_run_id_seq', 1)$$),
    ('grant', $$GRANT INSERT ON segment.run TO CURRENT_USER$$),
    -- the primitive: a run that has not begun, one that would hide the last, times that are not now
    ('finish', $$SELECT segment_internal.change_catalogue('finish_run', 'loyal'::text, '2024-06-01'::timestamptz, false,
        0::bigint, 0::bigint, 0::bigint, 0::bigint, 1::bigint, 1::bigint, 0::bigint, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, NULL::text,
        'full'::text, 'forged'::text, NULL::text)$$),
    ('unknown operation', $$SELECT segment_internal.change_catalogue('delete_run', 'loyal'::text)$$),
    ('statement', $$SELECT segment_internal.change_catalogue('DELETE FROM segment.run', 'loyal'::text)$$),
    ('no operation', $$SELECT segment_internal.change_catalogue(NULL, 'loyal'::text)$$),
    ('no name', $$SELECT segment_internal.change_catalogue('lock', NULL::text)$$),
    ('untyped', $$SELECT segment_internal.change_catalogue('lock', 'loyal')$$),
    ('an array', $$SELECT segment_internal.change_catalogue('lock', VARIADIC '{loyal}'::text[])$$),
    ('no argument', $$SELECT segment_internal.change_catalogue('lock', VARIADIC '{}'::text[])$$),
    ('one more', $$SELECT segment_internal.change_catalogue('lock', 'loyal'::text, 1)$$),
    ('name of another type', $$SELECT segment_internal.change_catalogue('lock', 'loyal'::name)$$),
    ('a name that closes a quote', $$SELECT segment_internal.change_catalogue('lock', 'loyal''; DELETE FROM segment.run; --'::text)$$);
SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_segment_owner;
CALL regress_shop.try_all('owner');
SET SESSION AUTHORIZATION regress_segment_deputy;
CALL regress_shop.try_all('deputy');
SET SESSION AUTHORIZATION regress_segment_noinherit;
CALL regress_shop.try_all('noinherit');
SET SESSION AUTHORIZATION regress_segment_other;
CALL regress_shop.try_all('other');
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_shop.try_all('reader');
RESET SESSION AUTHORIZATION;
SELECT d.name, max(outcome) FILTER (WHERE who = 'owner') AS owner, max(outcome) FILTER (WHERE who = 'deputy') AS deputy,
       max(outcome) FILTER (WHERE who = 'noinherit') AS noinherit, max(outcome) FILTER (WHERE who = 'other') AS other,
       max(outcome) FILTER (WHERE who = 'reader') AS reader
FROM regress_shop.outcome AS o JOIN regress_shop.deed AS d USING (n) GROUP BY d.n, d.name ORDER BY d.n;
SET search_path = regress_shop, segment;
(TABLE regress_shop.before EXCEPT SELECT * FROM run WHERE segmentation = 'loyal') UNION ALL
(SELECT * FROM run WHERE segmentation = 'loyal' EXCEPT TABLE regress_shop.before) \gx

-- ---- who may refresh may log a failure, under the own login and the present time, and no other ----
CREATE FUNCTION regress_shop.log_failure() RETURNS bigint LANGUAGE sql VOLATILE
RETURN segment_internal.change_catalogue('fail_run', 'loyal'::text, '2024-05-01'::timestamptz, '1999-01-01'::timestamptz,
                                         'XX000'::text, 'made up'::text);
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regress_play.attempt('SELECT regress_shop.log_failure()');
SET SESSION AUTHORIZATION regress_segment_other;
SELECT regress_play.attempt('SELECT regress_shop.log_failure()');
SET SESSION AUTHORIZATION regress_segment_noinherit;
SELECT regress_play.attempt('SELECT regress_shop.log_failure()');
SET ROLE regress_segment_owner;
SELECT regress_shop.log_failure() IS NOT NULL AS logged;
RESET ROLE;
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT regress_shop.log_failure() IS NOT NULL AS logged;
-- nor do a finished run that has not begun, one that began long ago, and one that lies in the future
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT segment_internal.change_catalogue('interrupted_run', 'loyal'::text, '2099-01-01'::timestamptz, 0::bigint) IS NOT NULL AS logged;
-- and whoever may refresh may log a run with figures of his own; by his login, now, and beside what there is
SELECT segment_internal.begin_run('loyal') IS NULL AS begun;
SELECT segment_internal.change_catalogue('finish_run', 'loyal'::text, '2024-05-01'::timestamptz, false, 0::bigint, 0::bigint,
    0::bigint, 0::bigint, 777::bigint, 777::bigint, 0::bigint, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, NULL::text,
    'full'::text, 'forged'::text, NULL::text) IS NOT NULL AS logged;
SELECT outcome, rows_read, run_by FROM run
WHERE segmentation = 'loyal' ORDER BY run_id DESC LIMIT 1;
RESET SESSION AUTHORIZATION;
SELECT outcome, run_by, started_at >= now() - interval '1 minute' AND started_at <= clock_timestamp() AS just_now,
       finished_at BETWEEN started_at AND clock_timestamp() AS finished_now
FROM run WHERE segmentation = 'loyal' ORDER BY run_id;

-- ---- forge_run_from_the_source: an owner's SQL, run by a superuser's refresh ----
SET SESSION AUTHORIZATION regress_segment_owner;
CREATE FUNCTION forger() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM segment_internal.change_catalogue('finish_run', 'forging'::text, '2024-05-01'::timestamptz, false, 0::bigint, 0::bigint,
        0::bigint, 0::bigint, 7::bigint, 7::bigint, 7::bigint, '{}'::jsonb, '{}'::jsonb, '[]'::jsonb, NULL::text,
        'full'::text, 'forged'::text, NULL::text);
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
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT drop_segmentation('forging');
SELECT create_rfm_segmentation('forging', 'orders');
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_shop.forger(); RETURN NULL; END $$;
CREATE TRIGGER forge AFTER INSERT ON forging_segments FOR EACH STATEMENT EXECUTE FUNCTION forge();
RESET SESSION AUTHORIZATION;
SELECT outcome, error_code, rows_read, run_by = :'superuser' AS by_superuser FROM refresh_segmentation('forging', '2024-05-01');
SELECT outcome, rows_read FROM run WHERE segmentation = 'forging';
SELECT count(*) FROM forging_segments;

-- ---- elevation_via_log_trigger: somebody's trigger on members, while the log is written ----
SET SESSION AUTHORIZATION regress_segment_owner;
CREATE FUNCTION tell_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON loyal_segments FOR EACH STATEMENT EXECUTE FUNCTION tell_user();
INSERT INTO orders VALUES (1, '2024-05-01', 1000);
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT outcome, run_by = :'superuser' AS by_superuser FROM refresh_segmentation('loyal', '2024-05-02');
SELECT rename_segment('loyal', (SELECT name FROM segment.segment WHERE segmentation = 'loyal' AND priority = 1), 'Top');
SET client_min_messages = error;
-- whoever calls it, the user is who it was afterwards; also after an error
SELECT current_user = :'superuser' AS same, current_setting('search_path');
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('bind_source', 'loyal'::text, '{a,b}'::text[], '{a}'::text[])$$);
SELECT current_user = :'superuser' AS same, current_setting('search_path');
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('bind_source', 'loyal'::text, '{a,b}'::text[], '{a}'::text[])$$);
SELECT current_user, current_setting('search_path');
RESET SESSION AUTHORIZATION;

-- ---- the log goes with its segmentation, and only with it ----
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT drop_segmentation('forging');
SELECT count(*) AS runs FROM run WHERE segmentation = 'forging';
RESET SESSION AUTHORIZATION;

-- ---- reassign_owned: the log follows the table, and is not the new owner's to edit either ----
REASSIGN OWNED BY regress_segment_owner TO regress_segment_other;
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT regress_play.attempt('SELECT regress_shop.log_failure()');
SELECT count(*) FROM run WHERE segmentation = 'loyal';
SET SESSION AUTHORIZATION regress_segment_other;
SELECT regress_play.attempt('DELETE FROM segment.run'), regress_play.attempt('SELECT regress_shop.log_failure() > 0');
SELECT outcome FROM refresh_segmentation('loyal', '2024-05-03');
SELECT drop_segmentation('loyal');
RESET SESSION AUTHORIZATION;
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
