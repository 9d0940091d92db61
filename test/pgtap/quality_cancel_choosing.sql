--
-- Law 12: choosing k, stability and quality by a model stop within 100 ms of a cancel, wherever it
-- meets them.
--
\set ON_ERROR_STOP 1
BEGIN;
SET LOCAL search_path = public, segment;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

CREATE TEMP TABLE sets ON COMMIT DROP AS
SELECT f, kmeans(f, 8, n_init => 1, max_iter => 5) AS model
FROM (SELECT feature_set(sin(i * 12.9898), sin(i * 78.233), sin(i * 39.425), sin(i * 93.989), sin(i * 67.345), sin(i * 45.164)) AS f FROM generate_series(1, 150000) AS i) AS s;

-- how long after its timeout a statement stopped, in ms; NULL: it had ended before
CREATE FUNCTION pg_temp.late(statement text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz := clock_timestamp();
BEGIN
    BEGIN
        EXECUTE statement;
        RETURN NULL;
    EXCEPTION WHEN query_canceled THEN
        RETURN extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - current_setting('segment_test.timeout')::float8;
    END;
END $$;
CREATE TEMP TABLE lateness (what text, timeout integer, ms double precision) ON COMMIT DROP;

\set try 'INSERT INTO lateness SELECT what, current_setting(''segment_test.timeout'')::integer, pg_temp.late(statement) FROM (VALUES '
\set training '(''training of each k'', ''SELECT choose_k(f, n_references => 0, n_resamples => 0) FROM sets'')) AS v(what, statement)'
\set references '(''references'', ''SELECT choose_k(f, 60, 60, n_init => 1, max_iter => 1, n_references => 1000, n_resamples => 0) FROM sets'')) AS v(what, statement)'
\set resamples '(''resamples'', ''SELECT choose_k(f, 60, 60, n_init => 1, max_iter => 1, n_references => 0, n_resamples => 1000) FROM sets'')) AS v(what, statement)'
\set stability '(''stability'', ''SELECT stability(f, model, 1000) FROM sets'')) AS v(what, statement)'
\set hierarchies '(''hierarchies'', ''SELECT choose_k(f, 2, 60, $m$bisecting_kmeans$m$, n_init => 20), choose_k(f, 2, 60, $m$bisecting_kmeans$m$, n_references => 1000) FROM sets'')) AS v(what, statement)'
\set mixtures '(''mixtures'', ''SELECT choose_k(f, 4, 5, $m$gaussian_mixture$m$, n_resamples => 1000) FROM sets'')) AS v(what, statement)'
\set prototypes '(''prototypes'', ''SELECT choose_k(f, 4, 60, $m$kprototypes$m$, n_resamples => 1000) FROM sets'')) AS v(what, statement)'
\set silhouette '(''silhouette'', ''SELECT silhouette(f, model), silhouette(f, model), silhouette(f, model), silhouette(f, model) FROM sets'')) AS v(what, statement)'
\set set_timeout 'SELECT set_config(''segment_test.timeout'', :''ms'', true), set_config(''statement_timeout'', :''ms'', true) \\g /dev/null'

\set try_few ':try :training; :try :references; :try :resamples; :try :stability;'
\set try_all ':try_few :try :hierarchies; :try :mixtures; :try :prototypes; :try :silhouette;'

\set ms 60
:set_timeout
:try_all
\set ms 230
:set_timeout
:try_all
\set ms 470
:set_timeout
:try_all
\set ms 1010
:set_timeout
:try_few
\set ms 0
:set_timeout

-- the middle one of each: other processes may delay any single one
SELECT ok(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) < 100 AND count(ms) >= 2, format('%s: stopped %s times, after %s ms', what, count(ms), percentile_disc(0.5) WITHIN GROUP (ORDER BY ms))) FROM lateness GROUP BY what ORDER BY what COLLATE "C";
SELECT is((SELECT count(DISTINCT what) FROM lateness), 8::bigint, 'eight of them');

SELECT * FROM finish();
ROLLBACK;
