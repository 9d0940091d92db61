-- The refresh mode immediate runs source and rules in transactions of writers: these gain nothing by it, and lose nothing.
SET client_min_messages = warning;
CREATE ROLE segment_keeper;
CREATE ROLE segment_shop;
CREATE ROLE segment_clerk;
CREATE SCHEMA immediate_rights;
GRANT USAGE ON SCHEMA immediate_rights TO segment_shop, segment_clerk;
GRANT CREATE, USAGE ON SCHEMA immediate_rights TO segment_keeper, segment_shop;
SET search_path = immediate_rights, segment;
SET ROLE segment_shop;
CREATE TABLE sales (client text, secret text);
INSERT INTO sales SELECT i, 'no' FROM generate_series(1, 5) AS i;
GRANT INSERT, UPDATE ON sales TO segment_clerk;
GRANT SELECT ON sales TO segment_keeper;
RESET ROLE;
-- without the consent of the table's owner nothing is tracked
SET ROLE segment_keeper;
CREATE FUNCTION tried(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE what;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END;
$$;
CREATE TABLE trials (what text, as_who name, came text);
-- what the source of the keeper tries when a clerk writes
CREATE FUNCTION tries(client text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF client LIKE 'trial%' THEN
        RAISE WARNING '% as %: %', client, current_user, (SELECT string_agg(format('%s %s', n, immediate_rights.tried(w)), ', ')
            FROM (VALUES
            ('role', 'SET ROLE segment_clerk'), ('none', 'RESET ROLE'), ('authorization', 'RESET SESSION AUTHORIZATION'),
            ('temporary', 'CREATE TEMPORARY TABLE mine (a integer)'), ('read', 'SELECT FROM pg_temp.private'),
            ('cursor', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'), ('listen', 'LISTEN them'), ('prepare', 'PREPARE them AS SELECT 1'),
            ('setting', 'SELECT set_config(''segment_test.mine'', ''kept'', false)'), ('path', 'SET search_path = immediate_rights'),
            ('constraints', 'SET CONSTRAINTS ALL IMMEDIATE')) AS v (n, w));
    END IF;
    RETURN true;
END;
$$;
SELECT create_rule_segmentation('kept', 'SELECT client, secret FROM immediate_rights.sales',
    '{"All": "immediate_rights.tries(client) AND (secret <> ''yes'' OR secret::integer > 0)"}', max_departed => 1);
SELECT * FROM track_source('kept', refresh_mode => 'immediate');
RESET ROLE;
SET ROLE segment_shop;
GRANT TRIGGER ON sales TO segment_keeper;
RESET ROLE;
SET ROLE segment_keeper;
SELECT * FROM track_source('kept', refresh_mode => 'immediate');
SELECT outcome FROM refresh_segmentation('kept');
RESET ROLE;
-- a clerk has no right on anything but the table, and his session is as he likes
SET SESSION AUTHORIZATION segment_clerk;
CREATE TEMPORARY TABLE private (a text);
CREATE TEMPORARY TABLE summary (customer text);
CREATE TEMPORARY TABLE changed (customer text);
CREATE TEMPORARY TABLE sales (client text, secret text);
CREATE FUNCTION pg_temp.tries(text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
SET search_path = pg_temp, immediate_rights;
SET datestyle = 'SQL, DMY';
INSERT INTO immediate_rights.sales VALUES ('6', 'no'), ('trial', 'no');
SELECT current_setting('segment_test.mine', true) AS mine, current_setting('search_path') AS path, current_setting('datestyle') AS style,
    current_user, current_setting('segment.as_of', true) AS as_of;
SELECT FROM immediate_rights.kept_segments;
SELECT FROM immediate_rights.kept_changes;
-- what an error says is the owner's to know
INSERT INTO immediate_rights.sales VALUES ('7', 'yes');
PREPARE again AS INSERT INTO immediate_rights.sales VALUES ($1, 'no');
EXECUTE again('8');
RESET SESSION AUTHORIZATION;
SET search_path = immediate_rights, segment;
SELECT count(*) FROM pg_cursors WHERE is_holdable;
SELECT client, segment FROM kept_segments ORDER BY 1;
SELECT client FROM kept_changes;
-- consent that is taken back: nothing is placed any more, nor logged; the next refresh says so
SET ROLE segment_shop;
REVOKE TRIGGER ON immediate_rights.sales FROM segment_keeper;
RESET ROLE;
SET SESSION AUTHORIZATION segment_clerk;
INSERT INTO immediate_rights.sales VALUES ('9', 'no');
RESET SESSION AUTHORIZATION;
SET search_path = immediate_rights, segment;
SELECT client, segment FROM kept_segments WHERE client = '9';
UPDATE immediate_rights.sales SET secret = 'no' WHERE client = '7';
SET ROLE segment_keeper;
SELECT way, way_reason, entered FROM refresh_segmentation('kept');
SELECT client, segment FROM kept_segments WHERE client = '9';
-- nobody but the extension reaches what writers add to the sizes
INSERT INTO segment.segment_shift VALUES ('kept', 1, 1, now());
SELECT segment_internal.change_catalogue('fold_shifts', 'none'::text);
SELECT drop_segmentation('kept');
RESET ROLE;
SET ROLE segment_clerk;
SELECT segment_internal.change_catalogue('fold_shifts', 'none'::text);
RESET ROLE;
DROP TABLE pg_temp.private, pg_temp.summary, pg_temp.changed, pg_temp.sales;
DROP FUNCTION pg_temp.tries(text);
DROP SCHEMA immediate_rights CASCADE;
DROP OWNED BY segment_keeper, segment_shop, segment_clerk;
DROP ROLE segment_keeper, segment_shop, segment_clerk;
