-- Law 11: code that the owner of a member table attached to it is not run with
-- the rights of who reads or refreshes it.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
\set ECHO all

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
CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON trapped_segments
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap();
RESET SESSION AUTHORIZATION;
DO $$ BEGIN PERFORM refresh_segmentation('trapped', '2024-05-04'); END $$;
CALL touch('trapped');
SELECT robbed();
SET SESSION AUTHORIZATION regress_segment_other;
DROP TRIGGER trap ON trapped_segments;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON trapped_history
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap();
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
CREATE FUNCTION open_time(box1) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN timestamptz '2024-05-01' END;
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
            EXECUTE format('ALTER TABLE regress_play.%I ALTER COLUMN %I TYPE regress_play.box1 USING ROW(%s)::regress_play.box1',
                           t, column_name, value);
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
    FOR c IN SELECT * FROM pg_constraint WHERE conrelid IN ('cast_history'::regclass, 'cast_segments'::regclass)
             AND contype IN ('c', 'p') LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname);
    END LOOP;
END;
$$;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.disguised (column_name text, who text, robbed boolean);
-- for each column, not echoed
\set ECHO none
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
FROM (VALUES ('customer_id', 'customer_id'), ('segment_id', 'segment_id'), ('segment', '1'), ('first_order_at', '1'),
             ('last_order_at', '1'), ('frequency', 'frequency'),
             ('monetary', '1'), ('entered_at', '1'), ('left_at', '1'), ('entered_reason', '1'), ('left_reason', '1'),
             ('recency_score', '1'), ('rfm_score', '1')) AS c(name, value)
\gexec
\set ECHO all
SELECT count(*) FROM disguised;
SELECT * FROM disguised WHERE robbed ORDER BY column_name COLLATE "C", who;
SELECT drop_segmentation('cast');

-- ---- elevation_via_name: tables and columns renamed to what would run in a statement that does not quote them ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('named', 'bait', customers => 'SELECT customer_id FROM bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('named', '2024-05-01');
GRANT SELECT ON named_segments, named_history TO PUBLIC;
ALTER TABLE named_segments RENAME COLUMN customer_id TO "x, regress_play.steal()";
ALTER TABLE named_history RENAME COLUMN customer_id TO "x"", regress_play.steal(), ""y";
ALTER TABLE named_segments RENAME TO "s, regress_play.steal() AS ""x""";
ALTER TABLE named_history RENAME TO "h"" UNION SELECT regress_play.steal() --";
RESET SESSION AUTHORIZATION;
CALL touch('named');
SET SESSION AUTHORIZATION regress_segment_reader;
CALL touch('named');
RESET SESSION AUTHORIZATION;
SELECT robbed();
-- and it still works
UPDATE bait SET amount = amount + customer_id % 7;
SELECT outcome, customers FROM refresh_segmentation('named', '2024-05-07');
SELECT count(*) FROM segment_members('named');
SELECT drop_segmentation('named');
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
