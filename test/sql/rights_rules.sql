-- Rules against what they might be used for: nothing of a rule runs with more rights than its author's.
\set ECHO none
\i test/lib/rights_setup.psql
SET client_min_messages = warning;
\set VERBOSITY terse
\set ECHO all
SET SESSION AUTHORIZATION regress_segment_other;
SET search_path = regress_play, segment;
CREATE TABLE facts (id integer, points integer);
INSERT INTO facts SELECT n, n FROM generate_series(1, 20) AS n;

-- ---- a_rule_that_writes ----
CREATE FUNCTION writes(id integer) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO regress_play.facts VALUES (id + 100, 0); RETURN true; END $$;
SELECT create_rule_segmentation('tricky', 'facts', '{"all": "writes(id)"}');
-- it may say that it does not, and is not believed
ALTER FUNCTION writes STABLE;
SELECT create_rule_segmentation('tricky', 'facts', '{"all": "writes(id)"}');
SELECT outcome, error_code FROM refresh_segmentation('tricky');
CREATE OR REPLACE FUNCTION writes(id integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE 'SELECT segment_internal.change_catalogue(''drop_segmentation'', ''tricky''::text)';
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION 'refused: %', SQLSTATE;
END $$;
SELECT outcome, error FROM refresh_segmentation('tricky');
SELECT drop_segmentation('tricky');
SELECT count(*) FROM facts;

-- ---- a_rule_that_escalates ----
-- who it is that asks comes back as segments; a superuser refreshes, previews, explains and checks
CREATE FUNCTION asked_by(who text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    BEGIN
        PERFORM set_config('role', 'none', false);
        RAISE WARNING 'reset';
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    BEGIN
        PERFORM set_config('session_authorization', 'default', false);
        RAISE WARNING 'session reset';
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    IF current_user <> who THEN
        RAISE WARNING 'asked by %', current_user;
    END IF;
    RETURN (SELECT NOT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user);
END $$;
SELECT create_rule_segmentation('tricky', 'facts', '{"asked": "asked_by(''regress_segment_other'') AND points > 10"}', rest => 'rest');
RESET SESSION AUTHORIZATION;
SELECT outcome, customers FROM segment.refresh_segmentation('tricky');
SELECT segment, count(*) FROM regress_play.tricky_segments GROUP BY 1 ORDER BY 1;
SELECT condition, customers FROM segment.preview_segment('asked_by(''regress_segment_other'')', 'tricky');
SELECT count(*) FROM segment.preview_refresh('tricky');
SELECT what, value, explanation FROM segment.explain_customer('tricky', 15) WHERE what = 'rule';
SELECT segment.check_rule('asked_by(''regress_segment_other'')', 'tricky');
SELECT outcome FROM segment.set_segment_rule('tricky', 'asked', 'asked_by(''regress_segment_other'') AND points > 12');
-- a failing one is looked into with the owner's rights, too
SELECT outcome FROM segment.set_segment_rule('tricky', 'asked', 'asked_by(''regress_segment_other'') AND 1 / (points - 12) < 9');

-- ---- a_rule_that_is_more_than_a_rule ----
SELECT rule, (SELECT regress_play.attempt(format('SELECT outcome FROM segment.set_segment_rule(''tricky'', ''asked'', %L)', rule))) AS ends
FROM unnest(ARRAY['true; DROP TABLE regress_play.facts', 'true); DROP TABLE regress_play.facts; SELECT (true',
                  'true) THEN 1 ELSE (SELECT 2', 'true /*', 'true --', E'true)\n--', 'true) FROM pg_authid --', ''';DROP TABLE facts;--',
                  '$1 IS NULL', 'pg_catalog.set_config(''role'', ''none'', false) = ''''']) AS rule;
SELECT count(*) FROM regress_play.facts;

-- ---- a_rule_that_reads_what_its_author_may_not ----
CREATE TABLE regress_shop.secret AS SELECT 1 AS id;
SELECT segment.set_segment_rule('tricky', 'asked', 'EXISTS (SELECT FROM regress_shop.secret)');
SELECT * FROM segment.preview_segment('EXISTS (SELECT FROM pg_authid WHERE rolpassword IS NULL)', 'tricky');

-- ---- hidden_behind_a_search_path ----
-- what the refreshing superuser's search_path finds is not asked
CREATE FUNCTION regress_shop.asked_by(who text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT false';
CREATE FUNCTION regress_shop.as_of() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT timestamptz '1999-01-01' $$;
CREATE TABLE regress_shop.facts AS SELECT 1 AS id, 100 AS points;
SET search_path = regress_shop;
SELECT outcome
FROM segment.set_segment_rule('tricky', 'asked', 'asked_by(''regress_segment_other'') AND points > 12 AND as_of() > ''2020-01-01''');
SELECT segment, count(*) FROM regress_play.tricky_segments GROUP BY 1 ORDER BY 1;
SET search_path = pg_catalog;

-- ---- whoever does not own it ----
GRANT SELECT ON regress_play.tricky_segments, regress_play.tricky_history TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT segment, rule IS NOT NULL AS has_rule FROM segment.segment_rules('tricky');
SELECT count(*) > 0 AS versions FROM segment.segment_rule_versions WHERE segmentation = 'tricky';
SELECT segment.set_segment_rule('tricky', 'asked', 'true');
SELECT segment.drop_segment_rule('tricky', 'asked');
SELECT segment.revert_segment_rules('tricky', 1);
SELECT * FROM segment.preview_refresh('tricky');
SELECT * FROM segment.preview_segment('true', 'tricky');
SELECT segment.check_rule('true', 'tricky');
SELECT count(*) FROM segment.explain_customer('tricky', 15) WHERE what = 'rule';
SELECT segment_internal.change_catalogue('propose_rules', 'tricky'::text, '{}'::jsonb, NULL::text);
UPDATE segment.rule_version SET note = 'changed';
DELETE FROM segment.rule_version;
INSERT INTO segment.rule_version VALUES ('tricky', 99, '{}', NULL, 'me', now());
RESET SESSION AUTHORIZATION;
-- nor the owner, but through the functions
SET SESSION AUTHORIZATION regress_segment_other;
UPDATE segment.rule_version SET note = 'changed';
DELETE FROM segment.rule_version;
SELECT segment.rename_segment('tricky', 'asked', 'wanted');
SELECT segment.drop_segmentation('tricky');
RESET SESSION AUTHORIZATION;
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
