--
-- Who writes a tracked table fires a trigger for others: attacks by name.
--
SET search_path = public, segment;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_track_shop;
CREATE ROLE regress_track_analyst;
CREATE ROLE regress_track_clerk;
CREATE ROLE regress_track_mallory;
CREATE SCHEMA regress_track AUTHORIZATION regress_track_analyst;
CREATE SCHEMA regress_shelf AUTHORIZATION regress_track_shop;
CREATE SCHEMA regress_evil AUTHORIZATION regress_track_mallory;
GRANT USAGE ON SCHEMA regress_shelf, regress_evil, regress_track TO PUBLIC;

SET SESSION AUTHORIZATION regress_track_shop;
CREATE TABLE regress_shelf.orders (k integer, a numeric);
CREATE TABLE regress_shelf.other (k integer, a numeric);
GRANT SELECT ON regress_shelf.orders, regress_shelf.other TO regress_track_analyst;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON regress_shelf.orders TO regress_track_clerk, regress_track_mallory;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_track_analyst;
SELECT create_rule_segmentation('own', 'SELECT k, sum(a) AS a FROM regress_shelf.orders GROUP BY k', '{"any": "a > 0"}',
                                schema => 'regress_track');
-- no_consent: of the table's owner
SELECT * FROM track_source('own');
RESET SESSION AUTHORIZATION;
GRANT TRIGGER ON regress_shelf.orders TO regress_track_analyst;
SET SESSION AUTHORIZATION regress_track_analyst;
SELECT * FROM track_source('own');
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'regress_shelf.orders'::regclass ORDER BY 1;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION noted() RETURNS text LANGUAGE sql AS $$
WITH d AS (DELETE FROM regress_track.own_changes RETURNING *) SELECT string_agg(DISTINCT coalesce(k::text, 'everybody'), ' ') FROM d $$;
SELECT noted();

-- ---- writer_without_rights: has none on the log, and need not ----
SET SESSION AUTHORIZATION regress_track_clerk;
INSERT INTO regress_shelf.orders VALUES (1, 1);
UPDATE regress_shelf.orders SET k = 2;
SELECT count(*) FROM regress_track.own_changes;
INSERT INTO regress_track.own_changes VALUES (1);
SELECT segment_internal.lock_writers('regress_shelf.orders');
SELECT track_source('own');
SELECT untrack_source('own');
SELECT segment_internal.change_catalogue('track_tables', 'own'::text, 'manual'::text, NULL::text, NULL::interval, '[]'::jsonb, NULL::text);
SELECT segment_internal.change_catalogue('keep_table', 'own'::text, 'changes'::text, NULL::regclass);
SELECT segment_internal.change_catalogue('count_trackers', 'regress_shelf.orders'::regclass);
RESET SESSION AUTHORIZATION;
SELECT noted();

-- ---- writer_search_path: what the writer has in the way is not taken ----
SET SESSION AUTHORIZATION regress_track_mallory;
CREATE FUNCTION regress_evil.evil_eq(regclass, regclass) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
CREATE OPERATOR regress_evil.= (FUNCTION = regress_evil.evil_eq, LEFTARG = regclass, RIGHTARG = regclass);
CREATE TABLE regress_evil.tracked_table AS
SELECT 'own'::text AS segmentation, 'regress_shelf.orders'::regclass AS relation, '{a}'::name[] AS key_columns;
SET search_path = regress_evil, pg_catalog;
INSERT INTO regress_shelf.orders VALUES (3, 1);
RESET search_path;
RESET SESSION AUTHORIZATION;
SET search_path = public, segment;
SELECT noted();

-- ---- forged_trigger: on a table of one's own, it notes nothing for a segmentation that does not track it ----
SET SESSION AUTHORIZATION regress_track_mallory;
CREATE TABLE regress_evil.mine (k integer, a numeric);
CREATE TRIGGER segment_changes_insert AFTER INSERT ON regress_evil.mine REFERENCING NEW TABLE AS n FOR EACH STATEMENT
EXECUTE FUNCTION segment_internal.log_changes('own', 'regress_track.own_changes');
INSERT INTO regress_evil.mine VALUES (66, 1);
CREATE TRIGGER before BEFORE INSERT ON regress_evil.mine FOR EACH ROW EXECUTE FUNCTION segment_internal.log_changes();
INSERT INTO regress_evil.mine VALUES (66, 1);
DROP TRIGGER before ON regress_evil.mine;
SELECT segment_internal.log_changes();
-- forged_tracking: a segmentation of one's own that says it tracks another's table
SELECT create_rule_segmentation('mallory', 'TABLE regress_evil.mine', '{"any": "a > 0"}', schema => 'regress_evil');
SELECT segment_internal.create_change_log('mallory') IS NOT NULL;
SELECT segment_internal.change_catalogue('track_tables', 'mallory'::text, 'deferred'::text, NULL::text, NULL::interval,
    jsonb_build_array(jsonb_build_object('relation', 'regress_shelf.orders'::regclass::oid, 'key_columns', '["k"]'::jsonb)), NULL::text);
SELECT segment_internal.change_catalogue('keep_table', 'mallory'::text, 'changes'::text, 'regress_track.own_changes'::regclass);
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_track_clerk;
INSERT INTO regress_shelf.orders VALUES (4, 1);
RESET SESSION AUTHORIZATION;
SELECT noted(), (SELECT count(*) FROM regress_evil.mallory_changes) AS stolen;

-- ---- code_in_log: what the owner of the log puts there is not run by those who write, and the log is not written ----
SET SESSION AUTHORIZATION regress_track_analyst;
CREATE FUNCTION regress_track.evil(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
CREATE FUNCTION regress_track.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.reason() RETURNS text LANGUAGE sql AS $$
SELECT segment_internal.run_as_owner('regress_track_analyst',
    'SELECT segment_internal.untracked_reason(s) FROM segment.segmentation AS s WHERE s.name = ''own''') $$;
SELECT pg_temp.reason() AS once, pg_temp.reason() AS then_not;
CREATE INDEX evil ON regress_track.own_changes (regress_track.evil(k));
INSERT INTO regress_shelf.orders VALUES (5, 1);
SELECT count(*), pg_temp.reason() FROM regress_track.own_changes;
DROP INDEX regress_track.evil;
CREATE TRIGGER evil BEFORE INSERT ON regress_track.own_changes FOR EACH ROW EXECUTE FUNCTION regress_track.evil_trigger();
INSERT INTO regress_shelf.orders VALUES (5, 1);
SELECT count(*), pg_temp.reason() FROM regress_track.own_changes;
DROP TRIGGER evil ON regress_track.own_changes;
ALTER TABLE regress_track.own_changes ADD CHECK (regress_track.evil(k) > 0);
INSERT INTO regress_shelf.orders VALUES (5, 1);
SELECT count(*), pg_temp.reason() FROM regress_track.own_changes;
ALTER TABLE regress_track.own_changes DROP CONSTRAINT own_changes_k_check;
ALTER TABLE regress_track.own_changes ADD extra integer GENERATED ALWAYS AS (regress_track.evil(k)) STORED;
INSERT INTO regress_shelf.orders VALUES (5, 1);
SELECT count(*), pg_temp.reason() FROM regress_track.own_changes;
DROP TABLE regress_track.own_changes;
INSERT INTO regress_shelf.orders VALUES (5, 1);
SELECT pg_temp.reason();
SET SESSION AUTHORIZATION regress_track_analyst;
SELECT * FROM track_source('own');
RESET SESSION AUTHORIZATION;
SELECT noted();

-- ---- consent_withdrawn ----
REVOKE TRIGGER ON regress_shelf.orders FROM regress_track_analyst;
INSERT INTO regress_shelf.orders VALUES (6, 1);
SELECT noted() AS nothing, pg_temp.reason();
GRANT TRIGGER ON regress_shelf.orders TO regress_track_analyst;
INSERT INTO regress_shelf.orders VALUES (7, 1);
-- what was lost in between is found out
SELECT noted(), pg_temp.reason();

-- ---- key_of_evil_type: a column whose type has casts of somebody's, in place of the key ----
SET SESSION AUTHORIZATION regress_track_shop;
CREATE TYPE regress_shelf.evil AS (x integer);
CREATE FUNCTION regress_shelf.evil_cast(regress_shelf.evil) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
CREATE CAST (regress_shelf.evil AS integer) WITH FUNCTION regress_shelf.evil_cast(regress_shelf.evil) AS IMPLICIT;
CREATE DOMAIN regress_shelf.evil_domain AS integer CHECK (VALUE > 0);
ALTER TABLE regress_shelf.orders RENAME k TO old_k;
ALTER TABLE regress_shelf.orders ADD k regress_shelf.evil;
INSERT INTO regress_shelf.orders (k) VALUES (ROW(8));
ALTER TABLE regress_shelf.orders DROP k;
ALTER TABLE regress_shelf.orders ADD k regress_shelf.evil_domain;
INSERT INTO regress_shelf.orders (k) VALUES (9);
RESET SESSION AUTHORIZATION;
SELECT noted();
ALTER TABLE regress_shelf.orders DROP k;
ALTER TABLE regress_shelf.orders RENAME old_k TO k;

-- ---- another's triggers stay, and do nothing ----
SET SESSION AUTHORIZATION regress_track_analyst;
SET client_min_messages = notice;
SELECT untrack_source('own');
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
INSERT INTO regress_shelf.orders VALUES (1, 1);
SET SESSION AUTHORIZATION regress_track_analyst;
SELECT * FROM track_source('own');
SELECT drop_segmentation('own');
RESET SESSION AUTHORIZATION;
INSERT INTO regress_shelf.orders VALUES (1, 1);

-- ---- a table dropped, owners reassigned ----
SET SESSION AUTHORIZATION regress_track_analyst;
SELECT create_rule_segmentation('own', 'SELECT k, sum(a) AS a FROM regress_shelf.orders GROUP BY k', '{"any": "a > 0"}',
                                schema => 'regress_track');
SELECT * FROM track_source('own');
RESET SESSION AUTHORIZATION;
SELECT noted();
REASSIGN OWNED BY regress_track_shop, regress_track_analyst TO regress_track_mallory;
INSERT INTO regress_shelf.orders VALUES (2, 1);
SELECT noted();
DROP TABLE regress_shelf.orders;
SET SESSION AUTHORIZATION regress_track_mallory;
SELECT untrack_source('own');
SELECT drop_segmentation('own'), drop_segmentation('mallory');
RESET SESSION AUTHORIZATION;
DROP FUNCTION noted;
DROP OWNED BY regress_track_shop, regress_track_analyst, regress_track_clerk, regress_track_mallory CASCADE;
DROP ROLE regress_track_shop, regress_track_analyst, regress_track_clerk, regress_track_mallory;
