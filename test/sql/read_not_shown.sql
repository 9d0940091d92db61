-- A member table with ordinary expressions stays readable for others; where it is
-- not, every view has a row that says why (law 18), and nothing of the owner's runs.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_read_owner;
CREATE ROLE regress_read_reader;
CREATE SCHEMA regress_read AUTHORIZATION regress_read_owner;
GRANT USAGE ON SCHEMA regress_read TO PUBLIC;
SET search_path = regress_read, segment, public;
SET SESSION AUTHORIZATION regress_read_owner;
-- an order a day of 60 customers, key text
CREATE TABLE orders AS
SELECT 'C' || n % 60 || '@Shop.test' AS email, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours' AS at, n * 7919 % 101 AS amount
FROM generate_series(1, 300) AS n;
SELECT create_rfm_segmentation('loyal', 'orders');
SELECT outcome FROM refresh_segmentation('loyal', '2024-03-01Z');
SELECT outcome FROM refresh_segmentation('loyal', '2024-04-01Z');
GRANT SELECT ON loyal_segments, loyal_history TO regress_read_reader;
-- how the views show the segmentation, each in a line; the count of its rows, and what they say of themselves
CREATE FUNCTION seen() RETURNS TABLE (view_name text, customers bigint, not_shown text)
LANGUAGE sql AS $$
    SELECT 'segment_size', sum(v.customers), min(v.not_shown) FROM segment.segment_size AS v WHERE segmentation = 'loyal' UNION ALL
    SELECT 'segment_profile', sum(v.customers), min(v.not_shown) FROM segment.segment_profile AS v WHERE segmentation = 'loyal' UNION ALL
    SELECT 'segment_migration', sum(v.customers), min(v.not_shown) FROM segment.segment_migration AS v
    WHERE segmentation = 'loyal' UNION ALL
    SELECT 'segment_members', count(v.customer), min(v.not_shown) FROM segment.segment_members AS v WHERE segmentation = 'loyal' UNION ALL
    SELECT 'segment_events', count(DISTINCT v.customer), min(v.not_shown) FROM segment.segment_events AS v
    WHERE segmentation = 'loyal' UNION ALL
    SELECT 'segmentation_status', NULL, min(v.not_shown) FROM segment.segmentation_status AS v WHERE segmentation = 'loyal'
$$;
-- one line of the above where all views agree
CREATE FUNCTION agreed() RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN count(s.not_shown) = 0 AND min(s.customers) = 60 AND max(s.customers) = 60 THEN 'shown'
                WHEN count(s.not_shown) = count(*) AND count(DISTINCT s.not_shown) = 1 AND coalesce(max(s.customers), 0) = 0
                THEN min(s.not_shown)
                ELSE 'views differ: ' || string_agg(format('%s', s), ' ') END
    FROM regress_read.seen() AS s
$$;
SET SESSION AUTHORIZATION regress_read_reader;
SELECT * FROM seen();
RESET SESSION AUTHORIZATION;

-- ---- what the owner may attach to the table, and whether readers and superusers still see it ----
-- what he planted advances a sequence when anybody else runs it
CREATE SEQUENCE regress_read.stolen;
GRANT USAGE, SELECT ON SEQUENCE stolen TO PUBLIC;
SET SESSION AUTHORIZATION regress_read_owner;
CREATE FUNCTION steal(whatever anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_read_owner' THEN
        PERFORM nextval('regress_read.stolen');
    END IF;
    RETURN true;
END;
$$;
CREATE FUNCTION steal_text(a text, b text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN regress_read.steal(a);
END;
$$;
CREATE FUNCTION steal_int(whatever text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_read.steal(whatever) THEN 1 END;
CREATE FUNCTION steal_default(integer, flag boolean DEFAULT regress_read.steal(1)) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = steal_text);
CREATE DOMAIN trap AS integer CHECK (regress_read.steal(VALUE));
CREATE TYPE pair AS (a integer, b integer);
CREATE FUNCTION as_pair(integer) RETURNS pair LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_read.steal($1) THEN ROW($1, 1)::pair END;
CREATE CAST (integer AS pair) WITH FUNCTION as_pair(integer) AS IMPLICIT;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION swedish (provider = icu, locale = 'sv');
RESET SESSION AUTHORIZATION;
CREATE TABLE attached (n integer GENERATED ALWAYS AS IDENTITY, expected text, command text, undo text);
GRANT SELECT ON attached TO PUBLIC;
INSERT INTO attached (expected, command, undo) VALUES
    -- ordinary care
    ('shown', 'CREATE INDEX i ON loyal_segments (lower(email))', 'DROP INDEX i'),
    ('shown', 'CREATE INDEX i ON loyal_history (lower(email), segment_id)', 'DROP INDEX i'),
    ('shown', 'CREATE INDEX i ON loyal_segments (segment_id) WHERE frequency > 3 AND segment <> ''Lost''', 'DROP INDEX i'),
    ('shown', 'CREATE UNIQUE INDEX i ON loyal_segments ((split_part(email, ''@'', 1)), (monetary::float8 * 2))', 'DROP INDEX i'),
    ('shown', 'CREATE INDEX i ON loyal_segments (email) WHERE segment IN (''Champions'', ''Loyal'') OR last_order_at IS NULL',
     'DROP INDEX i'),
    ('shown', 'CREATE INDEX i ON loyal_segments (coalesce(segment, email), (CASE WHEN frequency > 2 THEN 1 ELSE 0 END))', 'DROP INDEX i'),
    ('shown', 'CREATE INDEX i ON loyal_segments (email COLLATE "C", (email COLLATE swedish), upper(email COLLATE folded))', 'DROP INDEX i'),
    ('shown', 'ALTER TABLE loyal_segments ADD CONSTRAINT c CHECK (frequency >= 0 AND monetary > -1e9 AND segment ~ ''.'')',
     'ALTER TABLE loyal_segments DROP CONSTRAINT c'),
    ('shown', 'ALTER TABLE loyal_segments ADD CONSTRAINT c CHECK (length(rfm_score) BETWEEN 3 AND 4)',
     'ALTER TABLE loyal_segments DROP CONSTRAINT c'),
    ('shown', 'CREATE STATISTICS st ON lower(email), segment FROM loyal_segments', 'DROP STATISTICS st'),
    ('shown', 'CREATE STATISTICS st ON frequency, segment FROM loyal_history_copy', 'DROP STATISTICS st'),
    ('shown', 'ALTER TABLE loyal_segments ADD note text DEFAULT ''x''', 'ALTER TABLE loyal_segments DROP note'),
    ('shown', 'ALTER TABLE loyal_segments ADD note text GENERATED ALWAYS AS (lower(email)) STORED', 'ALTER TABLE loyal_segments DROP note'),
    -- his own code
    (NULL, 'CREATE INDEX i ON loyal_segments (steal(email))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (segment_id) WHERE steal(1)', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_history (segment_id) WHERE steal(1)', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (segment_id) WHERE segment <> ''x'' OR (frequency > 0 AND NOT steal(2))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (abs(steal_int(''x'')))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (coalesce(nullif(frequency, steal_int(''y'')), 0))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments ((frequency = ANY (ARRAY[1, steal_int(''z'')])))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments ((CASE WHEN ''a'' === ''b'' THEN 1 ELSE 2 END))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments ((''a''::text === ANY (ARRAY[''b'', ''c''])))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (steal_default(segment_id))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments ((1::trap))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments ((segment_id::trap))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (((1::pair).a))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments ((ROW(1, 2)::pair))', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (segment_id) WHERE ''sad''::mood = ''glad''::mood', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (segment_id) WHERE ROW(1, 2) < ROW(2, frequency)', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (segment_id) WHERE (loyal_segments) IS NOT NULL', 'DROP INDEX i'),
    (NULL, 'CREATE INDEX i ON loyal_segments (to_tsvector(''english'', email))', 'DROP INDEX i'),
    (NULL, 'ALTER TABLE loyal_segments ADD CONSTRAINT c CHECK (steal(1))', 'ALTER TABLE loyal_segments DROP CONSTRAINT c'),
    (NULL, 'ALTER TABLE loyal_segments ADD CONSTRAINT c CHECK (''a''::text === ''b''::text) NOT VALID',
     'ALTER TABLE loyal_segments DROP CONSTRAINT c'),
    (NULL, 'ALTER TABLE loyal_history ADD CONSTRAINT c CHECK (segment_id::trap > 0)', 'ALTER TABLE loyal_history DROP CONSTRAINT c'),
    (NULL, 'ALTER TABLE loyal_segments ADD CONSTRAINT c CHECK (last_order_at < now() + interval ''9 years'')',
     'ALTER TABLE loyal_segments DROP CONSTRAINT c'),
    (NULL, 'CREATE STATISTICS st ON (steal(segment_id)), segment FROM loyal_segments', 'DROP STATISTICS st'),
    (NULL, 'CREATE STATISTICS st ON (1 / 0 + segment_id), segment FROM loyal_segments', 'DROP STATISTICS st'),
    (NULL, 'CREATE STATISTICS st ON (1::trap + segment_id), left_reason FROM loyal_history', 'DROP STATISTICS st'),
    -- his own table's shape
    (NULL, 'CREATE TABLE child () INHERITS (loyal_segments)', 'DROP TABLE child'),
    (NULL, 'ALTER TABLE loyal_segments ALTER recency_score TYPE integer',
     'ALTER TABLE loyal_segments ALTER recency_score TYPE smallint'),
    (NULL, 'ALTER TABLE loyal_history RENAME segment_id TO s', 'ALTER TABLE loyal_history RENAME s TO segment_id');
SET SESSION AUTHORIZATION regress_read_owner;
CREATE TABLE loyal_history_copy (frequency integer, segment text);
RESET SESSION AUTHORIZATION;
CREATE TABLE told (n integer, who text, told text);
GRANT SELECT, INSERT ON told TO PUBLIC;
SELECT format($$
SET SESSION AUTHORIZATION regress_read_owner;
%2$s;
INSERT INTO told SELECT %1$s, 'owner', agreed();
SET SESSION AUTHORIZATION regress_read_reader;
INSERT INTO told SELECT %1$s, 'reader', agreed();
RESET SESSION AUTHORIZATION;
INSERT INTO told SELECT %1$s, 'superuser', agreed();
SET SESSION AUTHORIZATION regress_read_owner;
%3$s;
RESET SESSION AUTHORIZATION;$$, n, command, undo) FROM attached ORDER BY n
\gexec
\pset format unaligned
\pset tuples_only on
SELECT DISTINCT expected, told, command FROM attached JOIN told USING (n) WHERE who = 'reader' ORDER BY expected NULLS LAST, told, command;
-- the owner sees his own, unless a column is not what it was; a superuser what a reader sees
SELECT who, told, command FROM attached JOIN told USING (n) WHERE who = 'owner' AND told <> 'shown' ORDER BY n;
SELECT 'superuser', t.told, command FROM attached JOIN told AS t USING (n) JOIN told AS r USING (n)
WHERE t.who = 'superuser' AND r.who = 'reader' AND t.told <> r.told ORDER BY n;
\pset tuples_only off
\pset format aligned
SELECT is_called AS robbed FROM stolen;

-- ---- row security: for whom policies do not apply, it is as without ----
SET SESSION AUTHORIZATION regress_read_owner;
ALTER TABLE loyal_segments ENABLE ROW LEVEL SECURITY;
CREATE POLICY rather ON loyal_segments USING (steal(1) AND segment_id > 3);
SELECT agreed();
SET SESSION AUTHORIZATION regress_read_reader;
SELECT * FROM seen();
SELECT segment_of('loyal', 'C1@Shop.test');
RESET SESSION AUTHORIZATION;
SELECT agreed();
ALTER ROLE regress_read_reader BYPASSRLS;
SET SESSION AUTHORIZATION regress_read_reader;
SELECT agreed();
RESET SESSION AUTHORIZATION;
SELECT is_called AS robbed FROM stolen;
ALTER TABLE loyal_segments DISABLE ROW LEVEL SECURITY;

-- ---- without the history only what needs it is missing, and the view says so ----
REVOKE SELECT ON loyal_history FROM regress_read_reader;
SET SESSION AUTHORIZATION regress_read_reader;
SELECT * FROM seen();
SELECT what, value, explanation FROM explain_customer('loyal', 'C1@Shop.test') WHERE what IN ('segment', 'before');
RESET SESSION AUTHORIZATION;

-- ---- clusterings: the profile of features, too ----
SELECT create_cluster_segmentation('habit', 'SELECT email, count(*) AS n, sum(amount) AS spend FROM orders GROUP BY 1', k => 2);
SELECT outcome FROM refresh_segmentation('habit', '2024-04-01Z');
GRANT SELECT ON habit_segments TO regress_read_reader;
CREATE INDEX ON habit_segments (lower(email));
SET SESSION AUTHORIZATION regress_read_reader;
SELECT count(*), count(not_shown) FROM segment_feature_profile WHERE segmentation = 'habit' \g (format=unaligned)
RESET SESSION AUTHORIZATION;
CREATE FUNCTION half(float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN $1 / 2;
CREATE INDEX half_spend ON habit_segments (half(spend));
SET SESSION AUTHORIZATION regress_read_reader;
SELECT segmentation, segment, feature, not_shown FROM segment_feature_profile WHERE segmentation = 'habit' \g (format=unaligned)
SELECT segmentation, not_shown, history_not_shown FROM segmentation_status ORDER BY 1 \g (format=unaligned)
RESET SESSION AUTHORIZATION;

-- ---- a table that is gone: one row that says so, of those who still see the segmentation ----
DROP TABLE loyal_segments CASCADE;
SELECT segment, customers, regexp_replace(not_shown, '\d+', 'N') AS not_shown FROM segment_size WHERE segmentation = 'loyal';
SELECT segment, customers, regexp_replace(not_shown, '\d+', 'N') AS not_shown FROM segment_profile WHERE segmentation = 'loyal';
SELECT customer, regexp_replace(not_shown, '\d+', 'N') AS not_shown FROM segment_members WHERE segmentation = 'loyal';
SELECT customer, regexp_replace(not_shown, '\d+', 'N') AS not_shown FROM segment_events WHERE segmentation = 'loyal';
SELECT count(*) FROM segment_size WHERE segmentation = 'habit' \g (format=unaligned)

SELECT drop_segmentation('habit', true);
DELETE FROM segment.segmentation WHERE name = 'loyal';
RESET search_path;
SET client_min_messages = error;
DROP OWNED BY regress_read_owner, regress_read_reader CASCADE;
DROP SCHEMA IF EXISTS regress_read CASCADE;
DROP ROLE regress_read_owner, regress_read_reader;
