--
-- Law 12: choosing k, stability and quality by a model stop within 100 ms of a cancel, wherever it
-- meets them.
--
\ir ../lib/pgtap_begin.psql

CREATE TEMP TABLE sets ON COMMIT DROP AS
SELECT f, kmeans(f, 8, n_init => 1, max_iter => 5) AS model
FROM (SELECT feature_set(sin(i * 12.9898), sin(i * 78.233), sin(i * 39.425), sin(i * 93.989), sin(i * 67.345), sin(i * 45.164)) AS f
      FROM generate_series(1, 150000) AS i) AS s;

-- how long after its timeout a statement stopped, in ms; NULL: it had ended before
CREATE FUNCTION pg_temp.late(statement text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz := clock_timestamp();
BEGIN
    BEGIN
        EXECUTE statement;
        RETURN NULL;
    EXCEPTION WHEN query_canceled THEN
        RETURN extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - current_setting('test.timeout')::float8;
    END;
END $$;
CREATE TEMP TABLE lateness (what text, timeout integer, ms double precision) ON COMMIT DROP;

CREATE TEMP TABLE attempt (what text, statement text) ON COMMIT DROP;
INSERT INTO attempt VALUES
    ('training of each k', 'SELECT choose_k(f, n_references => 0, n_resamples => 0) FROM sets'),
    ('references', 'SELECT choose_k(f, 60, 60, n_init => 1, max_iter => 1, n_references => 1000, n_resamples => 0) FROM sets'),
    ('resamples', 'SELECT choose_k(f, 60, 60, n_init => 1, max_iter => 1, n_references => 0, n_resamples => 1000) FROM sets'),
    ('stability', 'SELECT stability(f, model, 1000) FROM sets'),
    ('hierarchies', 'SELECT choose_k(f, 2, 60, $m$bisecting_kmeans$m$, n_init => 20),
                            choose_k(f, 2, 60, $m$bisecting_kmeans$m$, n_references => 1000) FROM sets'),
    ('mixtures', 'SELECT choose_k(f, 4, 5, $m$gaussian_mixture$m$, n_resamples => 1000) FROM sets'),
    ('prototypes', 'SELECT choose_k(f, 4, 60, $m$kprototypes$m$, n_resamples => 1000) FROM sets'),
    ('silhouette', 'SELECT silhouette(f, model), silhouette(f, model), silhouette(f, model), silhouette(f, model) FROM sets');

-- one statement each: the timeout is that of a statement
\set try 'INSERT INTO lateness SELECT what, current_setting(''test.timeout'')::integer, pg_temp.late(statement) FROM attempt WHERE what = '
\set try_few ':try ''training of each k''; :try ''references''; :try ''resamples''; :try ''stability'';'
\set try_all ':try_few :try ''hierarchies''; :try ''mixtures''; :try ''prototypes''; :try ''silhouette'';'
\set set_timeout 'SELECT set_config(''test.timeout'', :''ms'', true), set_config(''statement_timeout'', :''ms'', true) \\g /dev/null'

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
SELECT ok(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) < 100
          AND count(ms) >= 2,
          format('%s: stopped %s times, after %s ms', what, count(ms), percentile_disc(0.5) WITHIN GROUP (ORDER BY ms)))
FROM lateness GROUP BY what ORDER BY what COLLATE "C";
SELECT is((SELECT count(DISTINCT what) FROM lateness), 8::bigint, 'eight of them');

SELECT * FROM finish();
ROLLBACK;
