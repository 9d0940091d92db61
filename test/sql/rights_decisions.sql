-- Decisions about customers: who may make them, who sees them, and that nothing of them runs with anybody else's rights.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
SET client_min_messages = warning;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO all

-- ---- only who acts as the owner decides ----
SET search_path = regress_shop, segment;
GRANT SELECT ON regress_shop.loyal_segments TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT include_customer('loyal', 'Champions', 7);
SELECT exclude_customer('loyal', NULL, 7);
SELECT undecide_customer('loyal', NULL, 7);
SELECT decision_table('loyal');
SET SESSION AUTHORIZATION regress_segment_other;
SELECT include_customer('loyal', 'Champions', 7);
SELECT segment_internal.decide_as_owner('loyal', 'Champions', '7', true, NULL, NULL, true);
SELECT segment_internal.create_decision_table('loyal');
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT include_customer('loyal', 'Champions', 7, 'by the deputy');
SET SESSION AUTHORIZATION regress_segment_noinherit;
SELECT include_customer('loyal', 'Champions', 8);
RESET SESSION AUTHORIZATION;
SELECT include_customer('loyal', 'Champions', 9, 'by the superuser');
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'regress_shop.loyal_decisions'::regclass;
SELECT customer_id, replace(decided_by, :'superuser', 'superuser') AS decided_by, note FROM regress_shop.loyal_decisions ORDER BY 1;

-- ---- who may not read the table is not told what stands in it ----
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT what, value, explanation FROM explain_customer('loyal', 7) WHERE what <> 'before';
TABLE regress_shop.loyal_decisions;
SELECT relation, what FROM customer_table ORDER BY 2;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON regress_shop.loyal_decisions TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT what, value, regexp_replace(explanation, ' on \S+ \S+:\d\d', ' on DATE') AS explanation FROM explain_customer('loyal', 7)
WHERE what = 'decision';
INSERT INTO regress_shop.loyal_decisions (customer_id, segment_id) VALUES (1, 1);
RESET SESSION AUTHORIZATION;

-- ---- elevation_via_decisions: code that the owner put on his table, run by who decides, refreshes or looks ----
SET SESSION AUTHORIZATION regress_segment_other;
SET search_path = regress_play, segment;
SELECT create_rfm_segmentation('trapped', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('trapped', '2024-05-01');
SELECT include_customer('trapped', 'Champions', 42);
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_play.steal(); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON trapped_decisions FOR EACH ROW EXECUTE FUNCTION trap();
CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE OR DELETE ON trapped_decisions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap();
ALTER TABLE trapped_decisions ALTER note SET DEFAULT regress_play.steal()::text;
CREATE INDEX ON trapped_decisions (segment_id) WHERE regress_play.steal();
GRANT SELECT ON trapped_segments, trapped_history, trapped_decisions TO PUBLIC;
RESET SESSION AUTHORIZATION;
SELECT regress_play.attempt('SELECT segment.include_customer(''trapped'', ''Champions'', 43)');
SELECT regress_play.attempt('SELECT segment.exclude_customer(''trapped'', NULL, 44)');
SELECT regress_play.attempt('SELECT segment.undecide_customer(''trapped'', NULL, 42)');
SET SESSION AUTHORIZATION regress_segment_other;
DROP TRIGGER later ON trapped_decisions;
RESET SESSION AUTHORIZATION;
SELECT regress_play.attempt('SELECT segment.include_customer(''trapped'', ''Champions'', 43)');
SELECT regress_play.attempt('SELECT segment.exclude_customer(''trapped'', NULL, 44)');
SELECT regress_play.attempt('SELECT segment.undecide_customer(''trapped'', NULL, 42)');
SELECT count(*) >= 0 AS ran FROM segment.preview_refresh('trapped', '2024-05-02');
CALL regress_play.touch('trapped');
SELECT what, explanation FROM segment.explain_customer('trapped', 43) WHERE what = 'decision';
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.touch('trapped');
SELECT what, explanation FROM segment.explain_customer('trapped', 43) WHERE what = 'decision';
RESET SESSION AUTHORIZATION;
SELECT regress_play.robbed();

-- ---- elevation_via_view_of_decisions, and the table of somebody else in its place ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'decisions'::text, 'regress_shop.loyal_decisions'::regclass);
SELECT segment_internal.change_catalogue('keep_table', 'loyal'::text, 'decisions'::text, 'regress_play.trapped_decisions'::regclass);
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'decisions'::text, 'pg_class'::regclass);
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'decisions'::text, 'regress_play.trapped_segments'::regclass);
CREATE VIEW fake AS SELECT * FROM trapped_decisions WHERE regress_play.steal();
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'decisions'::text, 'regress_play.fake'::regclass);
DROP VIEW fake;
-- given to another owner, it is not read with the rights of the one who has the members
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_shop.loyal_decisions OWNER TO regress_segment_other;
SELECT outcome, error FROM segment.refresh_segmentation('loyal', '2024-05-02');
ALTER TABLE regress_shop.loyal_decisions OWNER TO regress_segment_owner;
SELECT outcome FROM segment.refresh_segmentation('loyal', '2024-05-02');
-- names are quoted: of the table, of its key, of the customer
SET SESSION AUTHORIZATION regress_segment_other;
ALTER TABLE trapped_decisions DISABLE TRIGGER ALL;
ALTER TABLE trapped_decisions RENAME customer_id TO "x, regress_play.steal()";
ALTER TABLE trapped_decisions RENAME TO "d"" WHERE regress_play.steal() --";
RESET SESSION AUTHORIZATION;
SELECT regress_play.attempt('SELECT segment.include_customer(''trapped'', ''Champions'', ''1) OR regress_play.steal() --'')');
SELECT regress_play.attempt('SELECT segment.include_customer(''trapped'', ''Champions'', 45)');
CALL regress_play.touch('trapped');
SELECT regress_play.robbed();
SELECT segment.drop_segmentation('trapped');
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
