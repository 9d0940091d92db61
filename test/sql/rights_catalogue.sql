-- The catalogue is changed through functions only, and only for the owner of what is
-- changed; what runs with the rights of the extension's owner is nobody else's code.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_deeds.psql
\i test/lib/rights_theft.psql
\set ECHO all
SET SESSION AUTHORIZATION regress_segment_owner;
SET search_path = regress_shop, segment;
CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO orders
SELECT n % 50, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours', n * 7919 % 101 FROM generate_series(1, 400) AS n;
SELECT create_rfm_scheme('regress_own', '[{"segment": "Best", "recency": [4, 5]}, {"segment": "Rest"}]');
SELECT create_rfm_segmentation('listed', 'orders', scheme => 'regress_own');
SELECT outcome FROM refresh_segmentation('listed', '2024-05-01');
GRANT SELECT ON listed_segments TO regress_segment_reader;
CREATE TABLE spare (LIKE listed_segments);
CREATE TABLE spare_history (LIKE listed_history);
CREATE VIEW spare_view AS TABLE spare;
SET SESSION AUTHORIZATION regress_segment_other;
CREATE TABLE regress_play.own (customer_id bigint);
CREATE TABLE regress_play.own_history (customer_id bigint);
RESET SESSION AUTHORIZATION;

-- ---- every way to write; 42501: permission denied ----
INSERT INTO regress_shop.deed (name, command)
SELECT format('%s %s', w.verb, t.relname), format(w.command, t.relname)
FROM (VALUES (1, 'update', 'UPDATE segment.%1$I SET %1$s = NULL WHERE false'), (2, 'delete', 'DELETE FROM segment.%I'),
             (3, 'insert', 'INSERT INTO segment.%1$I SELECT * FROM segment.%1$I'), (4, 'truncate', 'TRUNCATE segment.%I CASCADE'),
             (5, 'trigger', 'CREATE TRIGGER t BEFORE INSERT ON segment.%I FOR EACH ROW
                             EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
             (6, 'row lock', 'SELECT count(*) FROM (SELECT FROM segment.%I FOR KEY SHARE) AS l')) AS w (n, verb, command),
     (VALUES (1, 'segmentation'), (2, 'segment'), (3, 'model'), (4, 'run'), (5, 'rfm_scheme'),
             (6, 'rule_version'), (7, 'rule_template'), (8, 'segmentation_use'), (9, 'tracked_table'), (10, 'segment_shift'),
             (11, 'event_consumer'), (12, 'treatment'), (13, 'segment_note')) AS t (n, relname)
ORDER BY w.n, t.n;
UPDATE regress_shop.deed SET command = regexp_replace(command, 'SET \w+ = NULL', CASE name
    WHEN 'update segmentation' THEN 'SET source = ''SELECT 1''' WHEN 'update segment' THEN 'SET customers = 0'
    WHEN 'update model' THEN 'SET version = 7' WHEN 'update run' THEN 'SET error = NULL'
    WHEN 'update rule_version' THEN 'SET note = NULL' WHEN 'update segmentation_use' THEN 'SET uses = ''x'''
    WHEN 'update tracked_table' THEN 'SET key_columns = ''{}''' WHEN 'update segment_shift' THEN 'SET customers = 0'
    WHEN 'update event_consumer' THEN 'SET acknowledged = 0'
    WHEN 'update treatment' THEN 'SET holdout = 0' WHEN 'update segment_note' THEN 'SET note = ''x'''
    ELSE 'SET shipped = true' END)
WHERE name LIKE 'update%';
INSERT INTO regress_shop.deed (name, command) VALUES
    ('update kind', $$UPDATE segment_internal.kind SET retrains = 'never'$$),
    ('insert kind', $$INSERT INTO segment_internal.kind SELECT 'x', retrains, overlapping, 'x', 'x', 'x', 'x', 'x'
        FROM segment_internal.kind$$),
    -- the primitive on what is the owner's
    ('lock', $$SELECT segment_internal.change_catalogue('lock', 'listed'::text)$$),
    ('bind', $$SELECT segment_internal.change_catalogue('bind_source', s.name, s.source_columns, s.source_types)
        FROM segment.segmentation AS s WHERE s.name = 'listed'$$),
    ('bind blindly', $$SELECT segment_internal.change_catalogue('bind_source', 'listed'::text,
        '{customer_id,ordered_at,amount}'::text[], '{bigint,timestamp with time zone,numeric}'::text[])$$),
    ('model', $$DO $x$ BEGIN
        PERFORM segment_internal.change_catalogue('propose_model', 'listed'::text,
            segment.rfm_model(segment.feature_set(r, f, m), scheme => 'regress_own'), now(), NULL::text)
        FROM (VALUES (1, 2, 3)) AS v (r, f, m);
        RAISE EXCEPTION 'not really'; END $x$ $$),
    ('count blindly', $$DO $x$ BEGIN
        PERFORM segment_internal.change_catalogue('count_members', 'listed'::text, '{}'::integer[], '{}'::bigint[]);
        RAISE EXCEPTION 'not really'; END $x$ $$),
    ('rename', $$SELECT segment_internal.change_catalogue('rename_segment', 'listed'::text, 'no such'::text, 'x'::text, true)$$),
    ('drop blindly', $$DO $x$ BEGIN PERFORM segment_internal.change_catalogue('drop_segmentation', 'listed'::text);
        RAISE EXCEPTION 'not really'; END $x$ $$),
    ('begin', $$DO $x$ BEGIN PERFORM segment_internal.change_catalogue('begin_run', 'listed'::text, now());
        RAISE EXCEPTION 'not really'; END $x$ $$),
    ('alter', $$DO $x$ BEGIN PERFORM segment.alter_segmentation('listed', '{"bins": 4}', '36 hours', 0.1, 'x');
        IF (SELECT (options ->> 'bins', retrain_every, max_departed, description) IS DISTINCT FROM ('4', interval '36 hours', 0.1, 'x')
            FROM segment.segmentation WHERE name = 'listed') THEN RAISE EXCEPTION 'not so'; END IF;
        RAISE SQLSTATE 'OK000'; END $x$ $$),
    ('alter nothing', $$SELECT segment.alter_segmentation('listed')$$),
    ('alter badly', $$SELECT segment.alter_segmentation('listed', '{"bins": 77}')$$),
    ('alter to no object', $$SELECT segment.alter_segmentation('listed', '[1]')$$),
    ('alter the share', $$SELECT segment.alter_segmentation('listed', max_departed => 2)$$),
    ('alter blindly', $$SELECT segment_internal.change_catalogue('alter_segmentation', 'listed'::text, NULL::jsonb, NULL::interval,
        NULL::float8, NULL::text, NULL::interval)$$),
    ('no such', $$SELECT segment_internal.change_catalogue('lock', 'nobody''s'::text)$$),
    ('drop scheme', $$SELECT segment_internal.change_catalogue('drop_scheme', 'regress_own'::text)$$),
    ('drop shipped scheme', $$SELECT segment_internal.change_catalogue('drop_scheme', 'braze'::text)$$),
    ('drop no scheme', $$SELECT segment_internal.change_catalogue('drop_scheme', 'nobody''s'::text)$$);
-- a new segmentation on tables of all sorts
CREATE FUNCTION regress_shop.register(members regclass, history regclass, kind text DEFAULT 'rfm') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    s segment.segmentation;
    result bigint;
BEGIN
    s.name := 'registered';
    s.members := members;
    s.history := history;
    s.kind := kind;
    s.source := 'SELECT 1';
    s.source_columns := '{c}';
    s.source_types := '{integer}';
    s.search_path := '';
    -- what is not for the caller to say
    s.model_version := 77;
    s.refreshed_as_of := 'infinity';
    s.created_at := '1999-01-01';
    result := segment_internal.change_catalogue('create_segmentation', s);
    IF result IS NOT NULL THEN
        result := CASE WHEN EXISTS (SELECT FROM segment.segmentation AS g WHERE g.name = 'registered' AND g.model_version IS NULL
                                    AND g.refreshed_as_of IS NULL AND g.created_at = now()) THEN 1 ELSE 0 END;
        PERFORM segment_internal.change_catalogue('drop_segmentation', s.name);
    END IF;
    RETURN result;
END;
$$;
INSERT INTO regress_shop.deed (name, command) VALUES
    ('register own tables', $$SELECT regress_shop.register('regress_shop.spare', 'regress_shop.spare_history')$$),
    ('of another kind', $$SELECT regress_shop.register('regress_shop.spare', 'regress_shop.spare_history', 'member')$$),
    ('tables of another', $$SELECT regress_shop.register('regress_play.own', 'regress_play.own_history')$$),
    ('history of another', $$SELECT regress_shop.register('regress_shop.spare', 'regress_play.own_history')$$),
    ('members of another', $$SELECT regress_shop.register('regress_play.own', 'regress_shop.spare_history')$$),
    ('taken members', $$SELECT regress_shop.register('regress_shop.listed_segments', 'regress_shop.spare_history')$$),
    ('the same twice', $$SELECT regress_shop.register('regress_shop.spare', 'regress_shop.spare')$$),
    ('a view', $$SELECT regress_shop.register('regress_shop.spare_view', 'regress_shop.spare_history')$$),
    ('a system table', $$SELECT regress_shop.register('pg_catalog.pg_authid', 'pg_catalog.pg_class')$$),
    ('our table', $$SELECT regress_shop.register('segment.run', 'segment.model')$$),
    ('no table', $$SELECT regress_shop.register(0::oid::regclass, 1::oid::regclass)$$),
    ('no tables', $$SELECT regress_shop.register(NULL, NULL)$$),
    ('a row of another type', $$SELECT segment_internal.change_catalogue('create_segmentation', ROW('x'))$$),
    ('a null row', $$SELECT segment_internal.change_catalogue('create_segmentation', NULL::segment.segmentation)$$);
CREATE TABLE regress_shop.before AS SELECT to_jsonb(s) AS x FROM segmentation AS s UNION ALL SELECT to_jsonb(s) FROM segment AS s
    UNION ALL SELECT to_jsonb(s) FROM model AS s UNION ALL SELECT to_jsonb(s) FROM run AS s
    UNION ALL SELECT to_jsonb(s) FROM rfm_scheme AS s;
SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_segment_owner;
CALL regress_shop.try_all('owner');
SET SESSION AUTHORIZATION regress_segment_deputy;
CALL regress_shop.try_all('deputy');
SET SESSION AUTHORIZATION regress_segment_noinherit;
CALL regress_shop.try_all('noinherit');
SET ROLE regress_segment_owner;
CALL regress_shop.try_all('set role');
RESET ROLE;
SET SESSION AUTHORIZATION regress_segment_other;
CALL regress_shop.try_all('other');
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_shop.try_all('reader');
RESET SESSION AUTHORIZATION;
SELECT d.name, max(outcome) FILTER (WHERE who = 'owner') AS owner, max(outcome) FILTER (WHERE who = 'deputy') AS deputy,
       max(outcome) FILTER (WHERE who = 'noinherit') AS noinherit, max(outcome) FILTER (WHERE who = 'set role') AS set_role,
       max(outcome) FILTER (WHERE who = 'other') AS other, max(outcome) FILTER (WHERE who = 'reader') AS reader
FROM regress_shop.outcome AS o JOIN regress_shop.deed AS d USING (n) GROUP BY d.n, d.name ORDER BY d.n;
-- not even a superuser makes members of a system table
SELECT regress_play.attempt($$SELECT regress_shop.register('pg_catalog.pg_class', 'pg_catalog.pg_attribute')$$),
       regress_play.attempt($$SELECT regress_shop.register('segment.segment_run', 'segment.segment_size')$$);
SET search_path = regress_shop, segment;
WITH now AS (SELECT to_jsonb(s) AS x FROM segmentation AS s UNION ALL SELECT to_jsonb(s) FROM segment AS s
    UNION ALL SELECT to_jsonb(s) FROM model AS s UNION ALL SELECT to_jsonb(s) FROM run AS s
    UNION ALL SELECT to_jsonb(s) FROM rfm_scheme AS s)
SELECT 'changed' AS which, x FROM now EXCEPT SELECT 'changed', x FROM regress_shop.before;

-- ================ attacks ================
SET SESSION AUTHORIZATION regress_segment_other;
SET search_path = regress_play, segment, pg_catalog;

-- ---- elevation_via_search_path: his functions, operators and types before the server's ----
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql RETURN CASE WHEN regress_play.steal() THEN pg_catalog.now() END;
CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql
RETURN CASE WHEN regress_play.steal() THEN pg_catalog.clock_timestamp() END;
CREATE FUNCTION isfinite(timestamptz) RETURNS boolean LANGUAGE sql RETURN regress_play.steal();
CREATE FUNCTION format(text, text) RETURNS text LANGUAGE sql RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION trap_eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal();
CREATE OPERATOR regress_play.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap_eq);
CREATE FUNCTION trap_max(bigint, integer) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN 1 END;
CREATE AGGREGATE regress_play.max(integer) (SFUNC = trap_max, STYPE = bigint);
CREATE DOMAIN regress_play.text AS pg_catalog.text CHECK (regress_play.steal());
CREATE DOMAIN regress_play.int8 AS pg_catalog.int8 CHECK (regress_play.steal());
CREATE DOMAIN regress_play.timestamptz AS pg_catalog.timestamptz CHECK (regress_play.steal());
SELECT create_rfm_segmentation('trapped', 'SELECT * FROM regress_play.bait', schema => 'regress_play');
SELECT outcome FROM refresh_segmentation('trapped', '2024-05-01');
SELECT rename_segment('trapped', g.name, 'Top') FROM segment.segment AS g
WHERE g.segmentation OPERATOR(pg_catalog.=) 'trapped' AND g.priority = 1;
-- a domain in the place of the type: it is another type
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('lock', 'trapped'::regress_play.text)$$) AS domain,
       regress_play.attempt($$SELECT segment_internal.change_catalogue('begin_run', 'trapped'::pg_catalog.text,
                                                                          '2024-05-01'::regress_play.timestamptz)$$) AS domain_of_time;
RESET SESSION AUTHORIZATION;
SET search_path = regress_play, segment, pg_catalog;
SELECT outcome FROM refresh_segmentation('trapped', '2024-05-02');
RESET search_path;
SELECT regress_play.robbed();

-- ---- elevation_via_domain, elevation_via_row_type ----
SET search_path = regress_play, segment, public;
SET SESSION AUTHORIZATION regress_segment_other;
DROP DOMAIN regress_play.text, regress_play.int8, regress_play.timestamptz;
DROP OPERATOR regress_play.= (text, text);
CREATE DOMAIN like_segmentation AS segment.segmentation CHECK (regress_play.steal());
CREATE TYPE regress_play.box AS (v integer);
CREATE FUNCTION open_text(regress_play.box) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN 'trapped' END;
CREATE CAST (regress_play.box AS text) WITH FUNCTION open_text(regress_play.box) AS IMPLICIT;
CREATE FUNCTION open_segmentation(regress_play.box) RETURNS segment.segmentation LANGUAGE sql STABLE
RETURN (SELECT s FROM segment.segmentation AS s WHERE s.name = 'trapped' AND regress_play.steal());
CREATE CAST (regress_play.box AS segment.segmentation) WITH FUNCTION open_segmentation(regress_play.box) AS IMPLICIT;
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('lock', ROW(1)::regress_play.box)$$) AS box,
       regress_play.attempt($$SELECT segment_internal.change_catalogue('create_segmentation', ROW(1)::regress_play.box)$$) AS box_row,
       regress_play.attempt($$SELECT segment_internal.change_catalogue('create_segmentation', s::regress_play.like_segmentation)
                             FROM segment.segmentation AS s$$) AS domain_row,
       regress_play.attempt($$SELECT segment_internal.change_catalogue('count_members', 'trapped'::text,
                             ARRAY[ROW(1)::regress_play.box], '{1}'::bigint[])$$) AS boxes;
RESET SESSION AUTHORIZATION;
SELECT regress_play.robbed();

-- ---- elevation_via_member_table: code on his tables, and the primitive called by a superuser ----
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_play.steal(); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON trapped_segments FOR EACH ROW EXECUTE FUNCTION trap();
ALTER TABLE trapped_segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE trapped_segments FORCE ROW LEVEL SECURITY;
CREATE POLICY trap ON trapped_segments USING (regress_play.steal());
INSERT INTO bait SELECT n % 25, timestamptz '2024-05-02 00:00Z' + n * interval '1 hour', 1000 FROM generate_series(1, 100) AS n;
RESET SESSION AUTHORIZATION;
SELECT outcome, error FROM refresh_segmentation('trapped', '2024-06-01');
SET SESSION AUTHORIZATION regress_segment_other;
CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE OR DELETE ON trapped_segments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION trap();
INSERT INTO bait VALUES (99, '2024-06-01', 1000);
RESET SESSION AUTHORIZATION;
SELECT outcome, error FROM refresh_segmentation('trapped', '2024-06-02');
SELECT regress_play.attempt($$SELECT segment.rename_segment('trapped', 'Top', 'Best')$$);
SELECT segment_internal.change_catalogue('lock', 'trapped'::text),
       segment_internal.count_members(segment_internal.segmentation_row('trapped'));
SELECT regress_play.robbed();

-- ---- elevation_via_security_definer: the rights are those of the current user ----
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION bind_for(name text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
RETURN segment_internal.change_catalogue('bind_source', name, '{a}'::text[], '{b}'::text[]);
RESET SESSION AUTHORIZATION;
-- a superuser's call gives him nothing of another's
SELECT regress_play.attempt($$SELECT regress_play.bind_for('listed')$$) AS of_another;
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT regress_play.attempt($$SELECT regress_play.bind_for('listed')$$) AS of_another;
-- whoever has the owner's function has the owner's right to what it does
CREATE FUNCTION regress_shop.refresh_for_all() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (segment.refresh_segmentation('listed', '2024-05-02')).outcome;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regress_shop.refresh_for_all(), regress_play.attempt($$SELECT (segment.refresh_segmentation('listed', '2024-05-03')).outcome$$);
RESET SESSION AUTHORIZATION;
SELECT run_by FROM run WHERE segmentation = 'listed' ORDER BY run_id;

-- ---- elevation_via_source: what the owner's SQL can do to others while a superuser refreshes ----
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION meddle() RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    PERFORM segment_internal.change_catalogue('bind_source', 'listed'::text, '{a}'::text[], '{b}'::text[]);
    RETURN 1;
END;
$$;
SELECT create_rfm_segmentation('meddling', schema => 'regress_play',
    source => 'SELECT customer_id, ordered_at, amount * regress_play.meddle() AS amount FROM regress_play.bait');
RESET SESSION AUTHORIZATION;
SELECT outcome, error_code, error FROM refresh_segmentation('meddling', '2024-05-01');
SELECT source_columns FROM segmentation WHERE name = 'listed';
SELECT current_user = :'superuser' AS still_superuser;

-- ---- schemes: whose they are, and who uses them ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_scheme('regress_play', '[{"segment": "All", "recency": [1, 5]}]');
SELECT regress_play.attempt($$SELECT segment.create_rfm_scheme('regress_own', '[{"segment": "All", "recency": [1, 5]}]')$$) AS taken,
       regress_play.attempt($$SELECT segment.create_rfm_scheme('regress_bad', '[{"segment": "All", "recency": [2, 5]}]')$$) AS holes,
       regress_play.attempt($$SELECT segment.create_rfm_scheme(NULL, '[]')$$) AS no_name,
       regress_play.attempt($$SELECT segment.drop_rfm_scheme('regress_own')$$) AS another_owners;
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT create_rfm_segmentation('borrowing', 'orders', scheme => 'regress_play', schema => 'regress_shop', search_path => 'regress_shop');
SET SESSION AUTHORIZATION regress_segment_other;
-- not seen by its owner, used all the same
SELECT regress_play.attempt($$SELECT segment.drop_rfm_scheme('regress_play')$$) AS used;
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT drop_segmentation('borrowing');
SET SESSION AUTHORIZATION regress_segment_other;
SELECT drop_rfm_scheme('regress_play');
SELECT name, owner FROM rfm_scheme WHERE name LIKE 'regress%' ORDER BY 1;
RESET SESSION AUTHORIZATION;
-- a role that is renamed keeps its scheme, and nobody comes to it who takes the name; names are quoted
CREATE ROLE "regress_cat, ""Odd""";
SET SESSION AUTHORIZATION "regress_cat, ""Odd""";
SELECT create_rfm_scheme('regress_odd', '[{"segment": "All", "recency": [1, 5]}]');
RESET SESSION AUTHORIZATION;
ALTER ROLE "regress_cat, ""Odd""" RENAME TO regress_cat_renamed;
CREATE ROLE "regress_cat, ""Odd""";
SELECT owner FROM rfm_scheme WHERE name = 'regress_odd';
SET SESSION AUTHORIZATION "regress_cat, ""Odd""";
SELECT regress_play.attempt($$SELECT segment.drop_rfm_scheme('regress_odd')$$) AS took_the_name;
SET SESSION AUTHORIZATION regress_cat_renamed;
SELECT drop_rfm_scheme('regress_odd');
SELECT create_rfm_scheme('regress_odd', '[{"segment": "All", "recency": [1, 5]}]');
RESET SESSION AUTHORIZATION;
-- what these commands do not know of stays as it is; the extension's owner may give it to somebody else, or drop it
REASSIGN OWNED BY regress_cat_renamed TO regress_segment_other;
SELECT owner FROM rfm_scheme WHERE name = 'regress_odd';
UPDATE rfm_scheme SET owner = 'regress_segment_other' WHERE name = 'regress_odd';
DROP ROLE regress_cat_renamed;
SET SESSION AUTHORIZATION regress_segment_other;
SELECT drop_rfm_scheme('regress_odd');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION "regress_cat, ""Odd""";
SELECT create_rfm_scheme('regress_odd', '[{"segment": "All", "recency": [1, 5]}]');
RESET SESSION AUTHORIZATION;
DROP ROLE "regress_cat, ""Odd""";
SET SESSION AUTHORIZATION regress_segment_other;
SELECT regress_play.attempt($$SELECT segment.drop_rfm_scheme('regress_odd')$$) AS nobodys;
RESET SESSION AUTHORIZATION;
SELECT drop_rfm_scheme('regress_odd');

-- ---- what is left of a segmentation whose table is gone is a superuser's to drop ----
SET SESSION AUTHORIZATION regress_segment_other;
DROP TABLE trapped_segments;
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('drop_segmentation', 'trapped'::text)$$);
RESET SESSION AUTHORIZATION;
SELECT drop_segmentation('trapped');

-- ---- reassign_owned: rights go where the tables go ----
REASSIGN OWNED BY regress_segment_owner TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('lock', 'listed'::text)$$);
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regress_play.attempt($$SELECT segment_internal.change_catalogue('lock', 'listed'::text)$$);
RESET SESSION AUTHORIZATION;

-- ---- the extension's owner need not be a superuser, and row security may be forced ----
BEGIN;
CREATE ROLE regress_segment_keeper;
UPDATE pg_extension SET extowner = 'regress_segment_keeper'::regrole WHERE extname = 'segment';
SELECT format('ALTER TABLE %s OWNER TO regress_segment_keeper', c.oid::regclass) FROM pg_class AS c
WHERE c.relnamespace = 'segment'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
\gexec
ALTER TABLE segmentation FORCE ROW LEVEL SECURITY;
ALTER TABLE run FORCE ROW LEVEL SECURITY;
ALTER TABLE segment FORCE ROW LEVEL SECURITY;
SET LOCAL ROLE regress_segment_reader;
SELECT outcome FROM refresh_segmentation('listed', '2024-05-05');
SELECT rename_segment('listed', 'Best', 'Top');
SELECT outcome FROM refresh_segmentation('listed', '2024-05-06');
SELECT drop_segmentation('listed');
RESET ROLE;
ROLLBACK;

SELECT drop_segmentation(name) FROM segmentation WHERE name IN ('listed', 'meddling');
SELECT drop_rfm_scheme('regress_own');
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
