--
-- Models that predict from a sample: figures are those of a simple random sample of the rows, and standard errors those of
-- its size: wider than of all rows by the root of how many fewer they are, and as often right.
--
\ir ../lib/pgtap_begin.psql
SET LOCAL client_min_messages = warning;

CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT i, hash_fraction('a', i) * 10 AS a, hash_fraction('b', i) * 4 AS b,
       hash_fraction('e', i) + hash_fraction('f', i) + hash_fraction('g', i) AS e
FROM generate_series(1, 120000) AS i;
CREATE TEMP TABLE whole ON COMMIT DROP AS
SELECT feature_set(2 + 0.5 * a - 3 * b + e, a, b) AS linear, feature_set((e + a / 10 > 2)::integer, a, b) AS logistic,
       feature_set(x, CASE WHEN x > 0 THEN t * (1 - (a / 10) ^ x) ELSE 0 END, t) AS histories
FROM (SELECT *, floor(3 * b / (1 + a)) AS x, 20 + 10 * e AS t FROM made) AS m;
SET LOCAL maintenance_work_mem = '1MB';
CREATE TEMP TABLE sample ON COMMIT DROP AS
SELECT feature_set(2 + 0.5 * a - 3 * b + e, a, b) AS linear, feature_set((e + a / 10 > 2)::integer, a, b) AS logistic,
       feature_set(x, CASE WHEN x > 0 THEN t * (1 - (a / 10) ^ x) ELSE 0 END, t) AS histories
FROM (SELECT *, floor(3 * b / (1 + a)) AS x, 20 + 10 * e AS t FROM made) AS m;
CREATE TEMP TABLE model ON COMMIT DROP AS
SELECT v.what, w.model AS whole, v.model AS sample
FROM sample AS s, LATERAL (VALUES ('linear', linear_regression(linear)), ('robust', linear_regression(linear, errors => 'HC3')),
                                  ('logistic', logistic_regression(logistic)), ('bgnbd', bgnbd(histories))) AS v (what, model)
JOIN (SELECT m.* FROM whole AS s,
          LATERAL (VALUES ('linear', linear_regression(linear)), ('robust', linear_regression(linear, errors => 'HC3')),
                          ('logistic', logistic_regression(logistic)), ('bgnbd', bgnbd(histories))) AS m (what, model)) AS w USING (what);
SELECT ok((sample::jsonb ->> 'n_unsampled')::integer > 0 AND (whole::jsonb ->> 'n_unsampled')::integer = 0, 'sampled and whole: ' || what)
FROM model;
SELECT is((sample::jsonb ->> 'n_used')::integer + (sample::jsonb ->> 'n_skipped')::integer
          + (sample::jsonb ->> 'n_unsampled')::integer, 120000, 'every row is counted: ' || what) FROM model;
CREATE TEMP TABLE figure ON COMMIT DROP AS
SELECT what, c.feature, c.coefficient AS whole, c.error AS whole_error, d.coefficient AS sample, d.error AS sample_error,
       sqrt(120000 / (sample::jsonb ->> 'n_used')::float8) AS wider
FROM model, regression_coefficients(whole) AS c, regression_coefficients(sample) AS d
WHERE what <> 'bgnbd' AND c.feature IS NOT DISTINCT FROM d.feature
UNION ALL
SELECT what, key, value::float8, (whole::jsonb -> 'standard_errors' ->> key)::float8, (sample::jsonb -> 'parameters' ->> key)::float8,
       (sample::jsonb -> 'standard_errors' ->> key)::float8, sqrt(120000 / (sample::jsonb ->> 'n_used')::float8)
FROM model, jsonb_each_text(whole::jsonb -> 'parameters') WHERE what = 'bgnbd' AND key IN ('r', 'alpha');
SELECT ok(abs(sample_error / whole_error / wider - 1) < 0.1, format('%s, %s: an error as of so many rows: %s times', what, feature,
          round((sample_error / whole_error)::numeric, 2))) FROM figure;
SELECT ok(abs(sample - whole) < 4 * sample_error, format('%s, %s: within its error', what, feature)) FROM figure;
SELECT is((SELECT count(*) FROM figure), 11::bigint, 'eleven figures');
SELECT ok((SELECT max(abs(sample - whole) / sample_error) > 0.1 FROM figure), 'which are not those of the whole');

SELECT * FROM finish();
ROLLBACK;
