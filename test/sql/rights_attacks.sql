-- Law 11: who may see, use and change a segmentation, and that no text that
-- somebody stored ever runs with more rights than his own.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;
SELECT current_user AS superuser \gset
CREATE ROLE regress_segment_owner;
CREATE ROLE regress_segment_other;
CREATE ROLE regress_segment_reader;
CREATE ROLE regress_segment_deputy IN ROLE regress_segment_owner;
-- not a superuser's: a schema to create in
CREATE SCHEMA regress_shop AUTHORIZATION regress_segment_owner;
CREATE SCHEMA regress_play AUTHORIZATION regress_segment_other;
GRANT USAGE ON SCHEMA regress_shop, regress_play TO PUBLIC;

-- how a statement ends: its first value, or its SQLSTATE
CREATE FUNCTION regress_play.attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    IF command ~ '^(SELECT|WITH)' THEN
        EXECUTE command INTO result;
    ELSE
        EXECUTE command;
    END IF;
    RETURN coalesce(result, 'done');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END;
$$;
GRANT EXECUTE ON FUNCTION regress_play.attempt(text) TO PUBLIC;

-- ---- an owner needs no other right than CREATE on a schema ----
SET SESSION AUTHORIZATION regress_segment_owner;
SET search_path = regress_shop, segment;
CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO orders SELECT n % 50, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours', n * 7919 % 101 FROM generate_series(1, 400) AS n;
SELECT create_rfm_scheme('regress_own', '[{"segment": "Best", "recency": [4, 5]}, {"segment": "Rest"}]');
SELECT create_rfm_segmentation('loyal', 'orders', scheme => 'regress_own');
SELECT outcome, customers, entered, run_by FROM refresh_segmentation('loyal', '2024-05-01');
SELECT rename_segment('loyal', 'Best', 'Top');
SELECT outcome, customers, moved, unchanged FROM refresh_segmentation('loyal', '2024-05-01');
SELECT segment, customers FROM segment_size ORDER BY 1;
SELECT count(*) FROM segment_members('loyal');
SELECT segment_of('loyal', 49), assign_segment('loyal', 1, 100, 1000);
SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname LIKE 'loyal%' AND relkind = 'r' ORDER BY 1;

-- ---- all that can be done to or with it ----
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.deed (n integer GENERATED ALWAYS AS IDENTITY, name text, command text);
INSERT INTO regress_play.deed (name, command) VALUES
    ('refresh', $$SELECT (segment.refresh_segmentation('loyal', '2024-05-01')).outcome$$),
    ('rename', $$SELECT segment.rename_segment('loyal', 'Rest', 'Others')$$),
    ('rename back', $$SELECT segment.rename_segment('loyal', 'Others', 'Rest')$$),
    ('as owner', $$SELECT segment_internal.run_as_owner('regress_segment_owner', 'SELECT current_user')$$),
    ('as superuser', format($$SELECT segment_internal.run_as_owner(%L, 'SELECT 1')$$, :'superuser')),
    ('model', $$SELECT (segment.model_metrics(segment.get_model('loyal')) ->> 'n_used')$$),
    ('assign', $$SELECT segment.assign_segment('loyal', 1, 100, 1000)$$),
    ('explain', $$SELECT segment.explain_segment('loyal', 1, 100, 1000) ->> 'segment'$$),
    ('segment_of', $$SELECT segment.segment_of('loyal', 49)$$),
    ('members', $$SELECT count(*) FROM segment.segment_members('loyal')$$),
    ('members typed', $$SELECT count(*) FROM segment.segment_members(null::bigint, 'loyal', NULL)$$),
    ('members then', $$SELECT count(*) FROM segment.segment_members('loyal', '2024-05-01')$$),
    ('events', $$SELECT count(*) FROM segment.segment_events('loyal')$$),
    ('profile', $$SELECT sum(customers) FROM segment.segment_profile('loyal')$$),
    ('migration', $$SELECT sum(customers) FROM segment.segment_migration('loyal', '2024-05-01'::timestamptz, NULL)$$),
    ('view segment_members', $$SELECT count(*) FROM segment.segment_members WHERE segmentation = 'loyal'$$),
    ('view segment_size', $$SELECT sum(customers) FROM segment.segment_size WHERE segmentation = 'loyal'$$),
    ('view segment_profile', $$SELECT sum(customers) FROM segment.segment_profile WHERE segmentation = 'loyal'$$),
    ('view segment_run', $$SELECT count(*) > 0 FROM segment.segment_run WHERE segmentation = 'loyal'$$),
    ('view segment_events', $$SELECT count(*) FROM segment.segment_events WHERE segmentation = 'loyal'$$),
    ('view segment_migration', $$SELECT count(*) FROM segment.segment_migration WHERE segmentation = 'loyal'$$),
    ('table segmentation', $$SELECT count(*) FROM segment.segmentation WHERE name = 'loyal'$$),
    ('table segment', $$SELECT count(*) FROM segment.segment WHERE segmentation = 'loyal'$$),
    ('table model', $$SELECT count(*) > 0 FROM segment.model WHERE segmentation = 'loyal'$$),
    ('member table', $$SELECT count(*) FROM regress_shop.loyal_segments$$),
    ('history table', $$SELECT count(*) FROM regress_shop.loyal_history$$),
    ('write members', $$UPDATE regress_shop.loyal_segments SET segment = 'Top' WHERE false$$),
    ('write segmentation', $$WITH w AS (UPDATE segment.segmentation SET description = 'x' WHERE name = 'loyal' RETURNING 1) SELECT count(*) FROM w$$),
    ('write segment', $$WITH w AS (UPDATE segment.segment SET description = 'x' WHERE segmentation = 'loyal' RETURNING 1) SELECT count(*) FROM w$$),
    ('write model', $$WITH w AS (UPDATE segment.model SET trained_as_of = trained_as_of WHERE segmentation = 'loyal' RETURNING 1) SELECT count(*) > 0 FROM w$$),
    ('write run', $$WITH w AS (UPDATE segment.run SET error = NULL WHERE segmentation = 'loyal' RETURNING 1) SELECT count(*) > 0 FROM w$$),
    ('delete segmentation', $$WITH w AS (DELETE FROM segment.segmentation WHERE name = 'loyal' AND source = '' RETURNING 1) SELECT count(*) FROM w$$),
    ('add a segment', $$INSERT INTO segment.segment (segmentation, segment_id, name, origin, priority, opened_at) VALUES ('loyal', 99, 'forged', 'forged', 99, '2024-01-01')$$),
    ('take it back', $$DELETE FROM segment.segment WHERE segment_id = 99$$),
    ('add a run', $$WITH w AS (INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome) VALUES ('loyal', now(), now(), now(), 'ok') RETURNING run_id) SELECT 1 FROM w$$),
    ('add a model', $$INSERT INTO segment.model SELECT segmentation, version + 1000, model, trained_as_of FROM segment.model WHERE segmentation = 'loyal' AND false$$),
    ('change scheme', $$WITH w AS (UPDATE segment.rfm_scheme SET description = 'x' WHERE name = 'regress_own' RETURNING 1) SELECT count(*) FROM w$$),
    ('change shipped scheme', $$WITH w AS (UPDATE segment.rfm_scheme SET rest = 'x' WHERE name = 'braze' RETURNING 1) SELECT count(*) FROM w$$),
    ('drop scheme', $$SELECT segment.drop_rfm_scheme('regress_own')$$),
    ('drop shipped scheme', $$SELECT segment.drop_rfm_scheme('shopify')$$),
    ('same name', $$SELECT segment.create_rfm_segmentation('loyal', 'SELECT 1::bigint AS c, now() AS t, 1 AS a', schema => 'regress_play', scheme => 'eleven_names')$$),
    ('as another owner', $$INSERT INTO segment.segmentation (name, owner, kind, source, time_zone, search_path, table_schema, member_table, history_table, key_column, key_type)
        VALUES ('regress_forged', 'regress_segment_owner', 'rfm', 'SELECT 1', 'UTC', '', 'x', 'y', 'z', 'k', 'text')$$),
    ('take that back', $$DELETE FROM segment.segmentation WHERE name = 'regress_forged'$$),
    ('as a superuser', format($$INSERT INTO segment.segmentation (name, owner, kind, source, time_zone, search_path, table_schema, member_table, history_table, key_column, key_type)
        VALUES ('regress_forged', %L, 'rfm', 'SELECT 1', 'UTC', '', 'x', 'y', 'z', 'k', 'text')$$, :'superuser')),
    ('take that back', $$DELETE FROM segment.segmentation WHERE name = 'regress_forged'$$);
GRANT SELECT ON regress_play.deed TO PUBLIC;
CREATE TABLE regress_play.outcome (who text, n integer, outcome text);
GRANT SELECT, INSERT ON regress_play.outcome TO PUBLIC;

SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_segment_owner;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM regress_play.deed ORDER BY n LOOP INSERT INTO regress_play.outcome VALUES ('owner', d.n, regress_play.attempt(d.command)); END LOOP; END $$;
SET SESSION AUTHORIZATION regress_segment_deputy;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM regress_play.deed ORDER BY n LOOP INSERT INTO regress_play.outcome VALUES ('deputy', d.n, regress_play.attempt(d.command)); END LOOP; END $$;
SET SESSION AUTHORIZATION regress_segment_other;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM regress_play.deed ORDER BY n LOOP INSERT INTO regress_play.outcome VALUES ('other', d.n, regress_play.attempt(d.command)); END LOOP; END $$;
SET SESSION AUTHORIZATION regress_segment_owner;
GRANT SELECT ON regress_shop.loyal_segments TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM regress_play.deed ORDER BY n LOOP INSERT INTO regress_play.outcome VALUES ('reader', d.n, regress_play.attempt(d.command)); END LOOP; END $$;
SET SESSION AUTHORIZATION regress_segment_owner;
GRANT SELECT ON regress_shop.loyal_history TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM regress_play.deed ORDER BY n LOOP INSERT INTO regress_play.outcome VALUES ('reader of both', d.n, regress_play.attempt(d.command)); END LOOP; END $$;
RESET SESSION AUTHORIZATION;
SELECT d.name, max(outcome) FILTER (WHERE who = 'owner') AS owner, max(outcome) FILTER (WHERE who = 'deputy') AS deputy,
       max(outcome) FILTER (WHERE who = 'other') AS other, max(outcome) FILTER (WHERE who = 'reader') AS reader,
       max(outcome) FILTER (WHERE who = 'reader of both') AS reader_of_both
FROM regress_play.outcome AS o JOIN regress_play.deed AS d USING (n) GROUP BY d.n, d.name ORDER BY d.n;
-- Who did it is told, and whose it is stays.
SELECT DISTINCT run_by FROM segment.run WHERE segmentation = 'loyal' AND outcome = 'ok' ORDER BY 1;
SELECT count(*) FROM regress_shop.loyal_segments AS m JOIN pg_class AS c ON c.oid = m.tableoid WHERE pg_get_userbyid(c.relowner) <> 'regress_segment_owner';

-- ================ attacks ================
-- regress_segment_other is the attacker.  What he planted advances a sequence
-- when it runs with the rights of anybody else, and before takes a lock, where
-- nothing may be written; no error takes these back.
SET search_path = regress_play, segment, public;
CREATE SEQUENCE regress_play.stolen;
GRANT USAGE, SELECT ON SEQUENCE regress_play.stolen TO PUBLIC;
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION regress_play.steal() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_segment_other' THEN
        PERFORM pg_advisory_lock_shared(77);
        PERFORM nextval('regress_play.stolen');
    END IF;
    RETURN true;
END;
$$;
CREATE TABLE bait (customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO bait SELECT n % 50, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours', n * 7919 % 101 FROM generate_series(1, 400) AS n;
RESET SESSION AUTHORIZATION;
-- what anybody may innocently do with a segmentation; errors are fine
CREATE PROCEDURE regress_play.touch(name text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY ARRAY[
        'SELECT count(x) FROM segment.segment_members(%L) AS x', 'SELECT count(x) FROM segment.segment_members(%L, ''2024-05-01'') AS x',
        'SELECT count(x) FROM segment.segment_members(null::bigint, %L, ''2024-05-01'') AS x', 'SELECT count(x) FROM segment.segment_members(null::bigint, %L, NULL) AS x',
        'SELECT count(x) FROM segment.segment_members(null::text, %L, NULL) AS x', 'SELECT count(x) FROM segment.segment_members(null::integer, %L, NULL) AS x',
        'SELECT segment.segment_of(%L, 42)', 'SELECT segment.segment_of(%L, ''42'')', 'SELECT segment.segment_of(%L, 42::bigint)', 'SELECT segment.segment_of(%L, ''42''::text)',
        'SELECT count(x) FROM segment.segment_events(%L) AS x', 'SELECT count(x) FROM segment.segment_profile(%L) AS x',
        'SELECT count(x) FROM segment.segment_migration(%L, ''2024-05-01''::timestamptz, NULL) AS x',
        'SELECT segment.get_model(%L)', 'SELECT segment.assign_segment(%L, 1, 2, 3)', 'SELECT segment.explain_segment(%L, 1, 2, 3)',
        'SELECT segment_internal.segmentation_row(%L)', 'SELECT segment_internal.readable_segmentation(%L)', 'SELECT segment_internal.comment_tables(%L)',
        'SELECT segment_internal.placing_query(segment_internal.segmentation_row(%L), ''2024-05-01'', true, NULL)',
        'SELECT * FROM segment.segment_size', 'SELECT * FROM segment.segment_profile', 'SELECT * FROM segment.segment_run',
        'SELECT count(x) FROM segment.segment_feature_profile(%L) AS x', 'SELECT count(x) FROM segment.homogeneity_report(%L) AS x', 'SELECT * FROM segment.segment_feature_profile',
        'SELECT segment_internal.feature_figures_query(segment_internal.segmentation_row(%L), 1)', 'SELECT segment_internal.cluster_placing_query(segment_internal.segmentation_row(%L), true, NULL)',
        'SELECT * FROM segment.segment_members', 'SELECT * FROM segment.segment_events', 'SELECT * FROM segment.segment_migration',
        'SELECT segment.refresh_segmentation(%L, ''2024-05-02'')', 'SELECT segment.rename_segment(%L, ''Lost'', ''Found'')', 'SELECT segment.rename_segment(%L, ''Found'', ''Lost'')',
        'SELECT segment.refresh_segmentation(%L, ''2024-05-03'')', 'SELECT segment.retrain_segmentation(%L, ''2024-05-03'')',
        'DO $x$ BEGIN PERFORM segment.drop_segmentation(%L, true); RAISE EXCEPTION ''not really''; END $x$'] LOOP
        BEGIN
            EXECUTE format(command, name);
            -- deferred triggers fire here, not at a commit that cannot be watched
            SET CONSTRAINTS ALL IMMEDIATE;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END;
$$;
GRANT EXECUTE ON PROCEDURE regress_play.touch(text) TO PUBLIC;
-- the touch of the superuser and of a reader; true: something ran with their rights
CREATE FUNCTION regress_play.robbed() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    result boolean := (SELECT is_called FROM regress_play.stolen) OR EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND pid = pg_backend_pid());
BEGIN
    PERFORM pg_advisory_unlock_all();
    PERFORM setval('regress_play.stolen', 1, false);
    RETURN result;
END;
$$;

-- ---- elevation_via_source_function ----
SET SESSION AUTHORIZATION regress_segment_other;
-- what it tries comes back as customers, because it may not write
CREATE FUNCTION spy(superuser text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    RETURN NEXT 'current_user ' || current_user;
    FOREACH command IN ARRAY ARRAY[format('SET ROLE %I', superuser), 'RESET ROLE', format('SET SESSION AUTHORIZATION %I', superuser), 'RESET SESSION AUTHORIZATION',
        'CREATE TEMP TABLE trap (a int)', 'LISTEN trap', 'PREPARE trap AS SELECT 1', 'DECLARE trap CURSOR WITH HOLD FOR SELECT 1',
        'CREATE TEMP VIEW trap AS SELECT 1', 'SET ROLE regress_segment_owner', 'SET transaction_read_only = off', 'INSERT INTO regress_play.bait VALUES (1, now(), 1)'] LOOP
        BEGIN
            EXECUTE command;
            RETURN NEXT replace(command, quote_ident(superuser), '...') || ': allowed, then ' || current_user;
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT replace(command, quote_ident(superuser), '...') || ': ' || SQLSTATE;
        END;
    END LOOP;
    PERFORM set_config('search_path', 'regress_play', false), set_config('work_mem', '77MB', false), set_config('segment.planted', 'yes', false);
END;
$$;
SELECT format('SELECT seen, timestamptz ''2024-01-01'', 1 FROM spy(%L) AS seen', :'superuser') AS source \gset
SELECT create_rfm_segmentation('spied', :'source', scheme => 'eleven_names');
RESET SESSION AUTHORIZATION;
SHOW search_path;
SELECT outcome FROM refresh_segmentation('spied', '2024-05-01');
SHOW search_path;
SELECT current_user = :'superuser' AS still_superuser, session_user = :'superuser' AS session, current_setting('work_mem') = '77MB' AS work_mem_changed,
       coalesce(current_setting('segment.planted', true), '') AS planted;
SELECT seen FROM spied_segments ORDER BY seen COLLATE "C";
-- the owner's own refresh is restricted the same way
SET SESSION AUTHORIZATION regress_segment_other;
SELECT outcome, unchanged, customers FROM refresh_segmentation('spied', '2024-05-02');
RESET SESSION AUTHORIZATION;
SELECT drop_segmentation('spied');

-- ---- elevation_via_trigger, elevation_via_deferred_trigger ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('trapped', 'bait', scheme => 'eleven_names');
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_play.steal(); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON trapped_segments FOR EACH ROW EXECUTE FUNCTION trap();
RESET SESSION AUTHORIZATION;
CALL touch('trapped');
SELECT count(*) AS members, robbed() FROM trapped_segments;
-- deferred, it would fire at commit, after the owner's rights are given back
SET SESSION AUTHORIZATION regress_segment_other;
DROP TRIGGER trap ON trapped_segments;
DELETE FROM trapped_segments WHERE customer_id < 25;
UPDATE bait SET amount = amount + customer_id;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON trapped_segments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap();
RESET SESSION AUTHORIZATION;
DO $$ BEGIN PERFORM refresh_segmentation('trapped', '2024-05-04'); END $$;
CALL touch('trapped');
SELECT robbed();
SET SESSION AUTHORIZATION regress_segment_other;
DROP TRIGGER trap ON trapped_segments;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON trapped_history DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap();
UPDATE bait SET amount = amount * customer_id;
RESET SESSION AUTHORIZATION;
DO $$ BEGIN PERFORM refresh_segmentation('trapped', '2024-05-05'); END $$;
CALL touch('trapped');
SELECT robbed();
SELECT drop_segmentation('trapped', true);

-- ---- elevation_via_view ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('viewed', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('viewed', '2024-05-01');
ALTER TABLE viewed_segments RENAME TO hidden;
CREATE VIEW viewed_segments AS SELECT * FROM hidden WHERE regress_play.steal();
GRANT SELECT ON viewed_segments, viewed_history TO PUBLIC;
RESET SESSION AUTHORIZATION;
CALL touch('viewed');
SET SESSION AUTHORIZATION regress_segment_reader;
CALL touch('viewed');
RESET SESSION AUTHORIZATION;
SELECT robbed();
-- nor does one such segmentation hide all others
SELECT count(*) FROM segment_members WHERE segmentation = 'loyal';
SELECT count(*) > 0 AS shown FROM segment_profile WHERE segmentation = 'loyal';
SELECT count(*) FROM segment_events WHERE segmentation = 'loyal';
SET SESSION AUTHORIZATION regress_segment_other;
DROP VIEW viewed_segments;
RESET SESSION AUTHORIZATION;
SELECT drop_segmentation('viewed');

-- ---- elevation_via_row_policy: a reader, who is no superuser ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('policed', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('policed', '2024-05-01');
ALTER TABLE policed_segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE policed_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY trap ON policed_segments USING (regress_play.steal());
CREATE POLICY trap ON policed_history USING (regress_play.steal());
GRANT SELECT ON policed_segments, policed_history TO PUBLIC;
SET SESSION AUTHORIZATION regress_segment_reader;
CALL touch('policed');
RESET SESSION AUTHORIZATION;
SELECT robbed();
SELECT drop_segmentation('policed');

-- ---- elevation_via_index_expression: planned when the table is read ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('indexed', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('indexed', '2024-05-01');
CREATE INDEX ON indexed_segments (segment_id) WHERE regress_play.steal();
CREATE INDEX ON indexed_history (segment_id) WHERE regress_play.steal();
GRANT SELECT ON indexed_segments, indexed_history TO PUBLIC;
RESET SESSION AUTHORIZATION;
CALL touch('indexed');
SET SESSION AUTHORIZATION regress_segment_reader;
CALL touch('indexed');
RESET SESSION AUTHORIZATION;
SELECT robbed();
SELECT drop_segmentation('indexed');

-- ---- elevation_via_column_type: casts of the attacker's own types ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('cast', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('cast', '2024-05-01');
SELECT outcome FROM refresh_segmentation('cast', '2024-05-02');
CREATE TYPE box1 AS (v integer);
CREATE FUNCTION open_int(box1) RETURNS integer LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE FUNCTION open_big(box1) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE FUNCTION open_num(box1) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE FUNCTION open_float(box1) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE FUNCTION open_text(box1) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v::text END;
CREATE FUNCTION open_time(box1) RETURNS timestamptz LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN timestamptz '2024-05-01' END;
CREATE CAST (box1 AS integer) WITH FUNCTION open_int(box1) AS IMPLICIT;
CREATE CAST (box1 AS bigint) WITH FUNCTION open_big(box1) AS IMPLICIT;
CREATE CAST (box1 AS numeric) WITH FUNCTION open_num(box1) AS IMPLICIT;
CREATE CAST (box1 AS float8) WITH FUNCTION open_float(box1) AS IMPLICIT;
CREATE CAST (box1 AS text) WITH FUNCTION open_text(box1) AS IMPLICIT;
CREATE CAST (box1 AS timestamptz) WITH FUNCTION open_time(box1) AS IMPLICIT;
CREATE FUNCTION close_text(text) RETURNS box1 LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ROW(42)::box1 END;
CREATE FUNCTION close_big(bigint) RETURNS box1 LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ROW($1)::box1 END;
CREATE CAST (text AS box1) WITH FUNCTION close_text(text) AS IMPLICIT;
CREATE CAST (bigint AS box1) WITH FUNCTION close_big(bigint) AS IMPLICIT;
GRANT SELECT ON cast_segments, cast_history TO PUBLIC;
-- each column in turn is of that type
CREATE PROCEDURE disguise(column_name text, value text) LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{cast_segments,cast_history}'::text[] LOOP
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = t::regclass AND attname = column_name) THEN
            EXECUTE format('CREATE TABLE regress_play.%I AS SELECT * FROM regress_play.%I', t || '_true', t);
            EXECUTE format('ALTER TABLE regress_play.%I ALTER COLUMN %I TYPE regress_play.box1 USING ROW(%s)::regress_play.box1', t, column_name, value);
        END IF;
    END LOOP;
END;
$$;
CREATE PROCEDURE undisguise() LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{cast_segments,cast_history}'::text[] LOOP
        IF to_regclass(t || '_true') IS NOT NULL THEN
            EXECUTE format('DROP TABLE regress_play.%I', t);
            EXECUTE format('ALTER TABLE regress_play.%I RENAME TO %I', t || '_true', t);
            EXECUTE format('GRANT SELECT ON regress_play.%I TO PUBLIC', t);
        END IF;
    END LOOP;
END;
$$;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM pg_constraint WHERE conrelid IN ('cast_history'::regclass, 'cast_segments'::regclass) AND contype IN ('c', 'p') LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname);
    END LOOP;
END;
$$;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.disguised (column_name text, who text, robbed boolean);
SELECT format($$
SET SESSION AUTHORIZATION regress_segment_other;
CALL regress_play.disguise(%1$L, %2$L);
RESET SESSION AUTHORIZATION;
CALL regress_play.touch('cast');
INSERT INTO regress_play.disguised SELECT %1$L, 'superuser', regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.touch('cast');
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.disguised SELECT %1$L, 'reader', regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_other;
CALL regress_play.undisguise();
RESET SESSION AUTHORIZATION;$$, c.name, c.value)
FROM (VALUES ('customer_id', 'customer_id'), ('segment_id', 'segment_id'), ('segment', '1'), ('first_order_at', '1'), ('last_order_at', '1'), ('frequency', 'frequency'),
             ('monetary', '1'), ('entered_at', '1'), ('left_at', '1'), ('entered_reason', '1'), ('left_reason', '1'), ('recency_score', '1'), ('rfm_score', '1')) AS c(name, value)
\gexec
SELECT * FROM disguised WHERE robbed ORDER BY column_name COLLATE "C", who;
SELECT drop_segmentation('cast');

-- ---- elevation_via_catalogue_row ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('forged', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('forged', '2024-05-01');
GRANT SELECT ON forged_segments, forged_history TO PUBLIC;
-- a column beside ours, whose only cast is that to a feature
CREATE TYPE box3 AS (v integer);
CREATE FUNCTION open_float(box3) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE CAST (box3 AS float8) WITH FUNCTION open_float(box3) AS IMPLICIT;
ALTER TABLE forged_segments ADD evil regress_play.box3 DEFAULT ROW(1)::regress_play.box3;
-- the row as it can be forged: rights are refused, the rest is his own to change
SELECT attempt(format($$UPDATE segment.segmentation SET owner = %L WHERE name = 'forged'$$, :'superuser')) AS owner_superuser,
       attempt($$UPDATE segment.segmentation SET owner = 'regress_segment_owner' WHERE name = 'forged'$$) AS owner_other,
       attempt($$UPDATE segment.segmentation SET name = 'loyal' WHERE name = 'forged'$$) AS name_taken,
       attempt($$UPDATE segment.segment SET segmentation = 'loyal' WHERE segmentation = 'forged'$$) AS into_other,
       attempt($$UPDATE segment.model SET segmentation = 'loyal' WHERE segmentation = 'forged'$$) AS model_into_other,
       attempt($$UPDATE segment.run SET segmentation = 'loyal' WHERE segmentation = 'forged'$$) AS run_into_other;
CREATE TABLE original AS SELECT * FROM segment.segmentation WHERE name = 'forged';
CREATE TABLE forgery (n integer GENERATED ALWAYS AS IDENTITY, change text);
INSERT INTO forgery (change) VALUES
    ($$key_type = 'bigint AND regress_play.steal()'$$), ($$key_type = 'bigint OR regress_play.steal()'$$),
    ($$key_type = 'bigint, regress_play.steal()'$$), ($$key_type = 'bigint; SELECT regress_play.steal()'$$), ($$key_type = 'text) AS x, LATERAL regress_play.steal() --'$$),
    ($$key_column = 'customer_id", regress_play.steal(), "'$$), ($$key_column = 'x'', regress_play.steal())'$$),
    ($$member_table = 'forged_segments, regress_play.steal()'$$), ($$member_table = 'x" , regress_play.steal() AS "y'$$),
    ($$history_table = 'forged_history" UNION SELECT regress_play.steal() --'$$), ($$table_schema = 'regress_play, regress_play.steal() AS x, regress_play'$$),
    ($$source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait WHERE regress_play.steal()'$$),
    ($$source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait) WHERE regress_play.steal() --'$$),
    ($$source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait; SELECT regress_play.steal()'$$),
    ($$customers = 'SELECT customer_id FROM regress_play.bait WHERE regress_play.steal()'$$),
    ($$customers = 'SELECT customer_id FROM regress_play.bait) AS c(customer), regress_play.steal() --'$$),
    ($$search_path = 'regress_play, pg_catalog'$$), ($$time_zone = 'UTC''; SELECT regress_play.steal(); --'$$),
    ($$options = options || '{"scheme": "default''); SELECT regress_play.steal(); --", "bins": "5), regress_play.steal()"}'$$),
    ($$member_table = 'bait'$$), ($$table_schema = 'pg_catalog', member_table = 'pg_class', history_table = 'pg_attribute'$$),
    ($$table_schema = 'regress_shop', member_table = 'orders', history_table = 'loyal_history'$$),
    ($$refreshed_as_of = 'infinity'$$), ($$model_version = 77$$), ($$description = 'x'' IS NULL; SELECT regress_play.steal()'$$), ($$kind = 'x'$$),
    ($$features = '{evil}', feature_types = '{double precision}'$$), ($$features = '{evil}', feature_types = '{double precision}', kind = 'kmeans'$$);
-- operators as the forged search_path finds them
CREATE FUNCTION fake_eq(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.=) $2;
CREATE FUNCTION fake_eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.=) $2;
CREATE FUNCTION fake_eq(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.=) $2;
CREATE FUNCTION fake_gt(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.>) $2;
CREATE FUNCTION fake_gt(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.>) $2;
CREATE FUNCTION fake_join(text, text) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN $1 OPERATOR(pg_catalog.||) $2 END;
CREATE FUNCTION fake_match(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.!~) $2;
CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = fake_eq);
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = fake_eq);
CREATE OPERATOR = (LEFTARG = integer, RIGHTARG = integer, FUNCTION = fake_eq);
CREATE OPERATOR > (LEFTARG = integer, RIGHTARG = integer, FUNCTION = fake_gt);
CREATE OPERATOR > (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = fake_gt);
CREATE OPERATOR || (LEFTARG = text, RIGHTARG = text, FUNCTION = fake_join);
CREATE OPERATOR !~ (LEFTARG = text, RIGHTARG = text, FUNCTION = fake_match);
CREATE FUNCTION regress_play.coalesce(text, text) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION regress_play.count(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION regress_play.format(text, text) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION regress_play.assign_segment(model segment.segment_model, a float8, b bigint, c numeric) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN 'x' END;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.forged_row (n integer, who text, robbed boolean, hidden boolean);
SELECT format($$
SET SESSION AUTHORIZATION regress_segment_other;
UPDATE segment.segmentation SET %1$s WHERE name = 'forged';
RESET SESSION AUTHORIZATION;
CALL regress_play.touch('forged');
INSERT INTO regress_play.forged_row SELECT %2$s, 'superuser', regress_play.robbed(), regress_play.attempt('SELECT count(*) FROM segment.segment_members WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''') OPERATOR(pg_catalog.<>) '50';
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.touch('forged');
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.forged_row SELECT %2$s, 'reader', regress_play.robbed(), NULL;
SET SESSION AUTHORIZATION regress_segment_other;
DELETE FROM segment.segmentation WHERE name = 'forged';
INSERT INTO segment.segmentation SELECT * FROM regress_play.original;
RESET SESSION AUTHORIZATION;$$, change, n)
FROM forgery ORDER BY n
\gexec
SELECT f.change, who, robbed, hidden FROM forged_row JOIN forgery AS f USING (n) WHERE robbed OR hidden ORDER BY n, who;
-- nothing of the others was harmed
SELECT count(*) FROM regress_shop.orders;
SELECT count(*) FROM regress_shop.loyal_segments;
SELECT drop_segmentation('forged');

-- ---- elevation_via_features: a clustering, its names, types and columns ----
SET SESSION AUTHORIZATION regress_segment_other;
CREATE TABLE traits AS SELECT n::bigint AS customer_id, (n % 7)::float8 AS a, (n * n % 11)::float8 AS b FROM generate_series(1, 60) AS n;
SELECT create_cluster_segmentation('grouped', 'traits', k => 3);
SELECT outcome, customers FROM refresh_segmentation('grouped', '2024-05-01');
GRANT SELECT ON grouped_segments, grouped_history TO PUBLIC;
-- a column of his own type beside ours, with casts to all that our statements could want
CREATE TYPE box2 AS (v integer);
CREATE FUNCTION open_float(box2) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE FUNCTION open_text(box2) RETURNS text LANGUAGE sql IMMUTABLE RETURN CASE WHEN regress_play.steal() THEN ($1).v::text END;
CREATE CAST (box2 AS float8) WITH FUNCTION open_float(box2) AS IMPLICIT;
CREATE CAST (box2 AS text) WITH FUNCTION open_text(box2) AS IMPLICIT;
ALTER TABLE grouped_segments ADD evil regress_play.box2 DEFAULT ROW(1)::regress_play.box2, ADD word text DEFAULT 'x', ADD "a, regress_play.steal()" float8 DEFAULT 1;
CREATE TABLE original_group AS SELECT * FROM segment.segmentation WHERE name = 'grouped';
CREATE TABLE group_forgery (n integer GENERATED ALWAYS AS IDENTITY, change text);
INSERT INTO group_forgery (change) VALUES
    ($$features = '{a,evil}'$$), ($$features = '{a,evil}', feature_types = '{double precision,text}'$$), ($$features = '{evil,b}', kind = 'rfm'$$), ($$features = '{evil,b}', kind = 'x'$$),
    ($$features = '{a,b}', feature_types = '{double precision,regress_play.box2}'$$), ($$features = '{a,b}', feature_types = '{double precision,"float8, regress_play.steal()"}'$$),
    ($$features = '{a,"b, regress_play.steal()"}'$$), ($$features = '{a,"a, regress_play.steal()"}'$$), ($$features = '{a,"b\", regress_play.steal(), \"a"}'$$), ($$features = '{a,word}', feature_types = '{double precision,text}'$$),
    ($$features = NULL$$), ($$features = '{}', feature_types = '{}'$$), ($$features = '{{a,b}}'$$), ($$features = '[2:3]={a,b}'$$), ($$features = '{a,NULL}'$$), ($$features = '{a}'$$), ($$feature_types = NULL$$), ($$features = NULL, feature_types = NULL$$),
    ($$kind = 'kmeans(NULL), regress_play.steal(), segment.kmeans'$$), ($$kind = 'steal'$$), ($$kind = 'rfm'$$),
    ($$options = '{"k": "3), regress_play.steal()"}'$$), ($$options = '{"k": 3, "seed => 1), regress_play.steal(": 1}'$$), ($$options = '[]'$$), ($$options = '{"k": 3, "log": ["a'', regress_play.steal()"]}'$$),
    ($$key_column = 'a'$$), ($$key_type = 'regress_play.box2'$$), ($$source = 'SELECT customer_id, a, b FROM regress_play.traits WHERE regress_play.steal()'$$), ($$search_path = 'regress_play, pg_catalog'$$);
CREATE FUNCTION regress_play.kmeans(features segment.feature_set, k integer) RETURNS segment.segment_model LANGUAGE sql RETURN CASE WHEN regress_play.steal() THEN segment.kmeans(features, k) END;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.grouped_row (n integer, who text, robbed boolean, hidden boolean);
SELECT format($$
SET SESSION AUTHORIZATION regress_segment_other;
SELECT regress_play.attempt(%3$L) AS changed;
RESET SESSION AUTHORIZATION;
CALL regress_play.touch('grouped');
INSERT INTO regress_play.grouped_row SELECT %2$s, 'superuser', regress_play.robbed(), regress_play.attempt('SELECT count(*) FROM segment.segment_members WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''') OPERATOR(pg_catalog.<>) '50'
    OR regress_play.attempt('SELECT count(*) FROM segment.segment_feature_profile WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''') OPERATOR(pg_catalog.<>) '0'
    OR regress_play.attempt('SELECT count(*) OPERATOR(pg_catalog.>) 0 FROM segment.segment_profile WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''') OPERATOR(pg_catalog.<>) 'true';
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.touch('grouped');
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.grouped_row SELECT %2$s, 'reader', regress_play.robbed(), NULL;
SET SESSION AUTHORIZATION regress_segment_other;
DELETE FROM segment.segmentation WHERE name = 'grouped';
INSERT INTO segment.segmentation SELECT * FROM regress_play.original_group;
RESET SESSION AUTHORIZATION;$$, change, n, pg_catalog.format($$UPDATE segment.segmentation SET %s WHERE name = 'grouped'$$, change))
FROM group_forgery ORDER BY n
\gexec
SELECT f.change, who, robbed, hidden FROM grouped_row JOIN group_forgery AS f USING (n) WHERE robbed OR hidden ORDER BY n, who;
SELECT count(*) FROM grouped_row;
SELECT drop_segmentation('grouped');

-- ---- elevation_via_search_path ----
-- A superuser who has the attacker's schema on his path.  Where the key's type has
-- no operators of its own in pg_catalog (varchar), planted ones fit better.
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION fake_eq(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1::text OPERATOR(pg_catalog.=) $2::text;
CREATE FUNCTION fake_ne(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN regress_play.steal() AND $1::text OPERATOR(pg_catalog.<>) $2::text;
CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = fake_eq, HASHES, MERGES);
CREATE OPERATOR <> (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = fake_ne);
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_shop.named_orders AS SELECT customer_id::varchar AS customer_id, ordered_at, amount FROM regress_shop.orders;
CREATE TABLE regress_play.planted (path text, robbed boolean);
SELECT pg_catalog.format($$
SET search_path = %1$s;
SELECT segment.create_rfm_segmentation('wrong_path', 'regress_shop.named_orders', customers => 'TABLE regress_shop.named_orders', schema => 'public', scheme => 'eleven_names');
SELECT segment.create_rfm_scheme('regress_path', '[{"segment": "All", "codes": ["555"]}]', rest => 'Rest');
SELECT count(x) FROM segment.scheme_check('regress_path') AS x;
SELECT (segment.refresh_segmentation('wrong_path', '2024-05-01')).outcome;
CALL regress_play.touch('wrong_path');
SELECT (segment.refresh_segmentation('wrong_path', '2024-05-05')).outcome;
SELECT segment.segment_of('wrong_path', '42'), segment.segment_of('wrong_path', '42'::varchar), segment.assign_segment('wrong_path'::text, 1, 2, 3);
SELECT count(x) FROM segment.segment_migration('wrong_path', '2024-05-01'::timestamptz, NULL) AS x;
SELECT segment.rename_segment('wrong_path', 'Champions', 'VIP');
SELECT segment.drop_segmentation('wrong_path');
SELECT segment.drop_rfm_scheme('regress_path');
SET search_path = pg_catalog;
INSERT INTO regress_play.planted SELECT %1$L, regress_play.robbed();$$, path)
FROM (VALUES ('regress_play, segment'), ('segment, regress_play, pg_catalog')) AS p(path)
\gexec
SELECT * FROM regress_play.planted WHERE robbed;

-- ---- the end; a segmentation goes with its owner's consent only ----
SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regress_play.attempt($$SELECT segment.drop_segmentation('loyal')$$);
SET SESSION AUTHORIZATION regress_segment_other;
SELECT regress_play.attempt($$SELECT segment.drop_segmentation('loyal')$$);
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT regress_play.attempt($$SELECT segment.drop_segmentation('loyal')$$), regress_play.attempt($$SELECT segment.drop_rfm_scheme('regress_own')$$);
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM segment.segmentation;
DROP SCHEMA regress_shop, regress_play CASCADE;
DROP OWNED BY regress_segment_owner, regress_segment_other, regress_segment_reader, regress_segment_deputy;
DROP ROLE regress_segment_deputy, regress_segment_reader, regress_segment_other, regress_segment_owner;
