-- linear_regression, logistic_regression, predict and what measures predictions: options, what is refused and told, equal bytes.
-- That coefficients and errors are right, test/pgtap/predict_regression_oracle.sql shows.
CREATE SCHEMA regressions;
SET search_path = regressions, segment;
\set VERBOSITY default
\i test/lib/try.psql

-- ---- R's cars: lm(dist ~ speed), summary and confint ----
CREATE TABLE cars (speed integer, dist integer);
INSERT INTO cars VALUES (4,2),(4,10),(7,4),(7,22),(8,16),(9,10),(10,18),(10,26),(10,34),(11,17),(11,28),
    (12,14),(12,20),(12,24),(12,28),(13,26),(13,34),
    (13,34),(13,46),(14,26),(14,36),(14,60),(14,80),(15,20),(15,26),(15,54),(16,32),(16,40),(17,32),(17,40),
    (17,50),(18,42),(18,56),(18,76),(18,84),(19,36),
    (19,46),(19,68),(20,32),(20,48),(20,52),(20,56),(20,64),(22,66),(23,54),(24,70),(24,92),(24,93),(24,120),(25,85);
SELECT feature, round(coefficient::numeric, 4) AS coefficient, round(error::numeric, 4) AS error, round(statistic::numeric, 3) AS t,
       p::numeric(20, 14), round(lower::numeric, 4) AS lower, round(upper::numeric, 4) AS upper
FROM (SELECT feature_set(c) AS s FROM cars AS c) AS t, regression_coefficients(linear_regression(s, target => 'dist'));
SELECT round((m ->> 'r_squared')::numeric, 4) AS r_squared, round((m ->> 'residual_error')::numeric, 2) AS residual_error, m ->> 'rank' AS
    rank
FROM (SELECT model_metrics(linear_regression(feature_set(dist, speed))) AS m FROM cars) AS t;

-- ---- the model ----
CREATE TABLE people AS
SELECT i, i % 3 <> 1 AND i * 7 % 11 > 3 OR i % 13 = 5 AS answered, i * 7919 % 101 / 4.0 AS age, (ARRAY['shop', 'web', 'app'])[1 + i * 31 %
    7 % 3] AS channel
FROM generate_series(1, 300) AS i;
SELECT logistic_regression(feature_set(p)) AS model FROM (SELECT answered, age, channel FROM people) AS p \gset
SELECT :'model'::segment_model::text = :'model' AS round_trip, :'model'::segment_model::jsonb - 'features' - 'intercept' - 'deviance' -
    'null_deviance' AS shown;
SELECT feature, category, baseline, coefficient IS NULL AS none, error > 0 AS has_error, lower < coefficient AND coefficient < upper AS
    inside
FROM regression_coefficients(:'model');
-- by position, by name, as an array; missing and unknown
SELECT round(predict(:'model'::segment_model, 20, 'web')::numeric, 6) = round(predict(:'model'::segment_model, r)::numeric, 6) AS by_name,
       predict(:'model'::segment_model, NULL, 'web') AS missing, predict(:'model'::segment_model, 20, 'phone') AS unknown,
       predict(NULL::segment_model, 1) AS no_model
FROM (SELECT 'web' AS channel, 20 AS age) AS r;
SELECT predict(linear_regression(feature_set(dist, speed)), VARIADIC ARRAY[10.0]::float8[]) = predict(linear_regression(feature_set(dist,
    speed)), 10) AS same FROM cars;
-- the mean of what is predicted is the share
SELECT round(avg(predict(:'model'::segment_model, age, channel))::numeric, 9) = round(avg(answered::integer), 9) AS calibrated FROM
    people;
-- another baseline moves the coefficients, not the predictions; other labels turn them
SELECT max(abs(predict(a, age, channel) - predict(b, age, channel))) < 1e-12 AS baseline, max(abs(1 - predict(a, age, channel) -
    predict(c, age, channel))) < 1e-12 AS positive
FROM people, (SELECT logistic_regression(f) AS a, logistic_regression(f, baseline => '{"channel": "web"}') AS b, logistic_regression(f,
    positive => 'false') AS c
              FROM (SELECT feature_set(p) AS f FROM (SELECT answered, age, channel FROM people) AS p) AS s) AS m;

-- ---- law 3: order, copies, merging; law 4: units ----
SELECT count(DISTINCT m) AS models FROM (
    SELECT logistic_regression(feature_set(p ORDER BY i), errors => 'HC1') AS m FROM (SELECT answered, age, channel, i % 5 AS i FROM
    people, generate_series(1, 2)) AS p
    UNION ALL SELECT logistic_regression(feature_set(p ORDER BY age DESC), errors => 'HC1') FROM (SELECT answered, age, channel, i % 5 AS
    i FROM people, generate_series(1, 2)) AS p
    UNION ALL SELECT logistic_regression(feature_set_merge(f), errors => 'HC1') FROM (
        SELECT feature_set(p) AS f FROM (SELECT answered, age, channel, i % 5 AS i FROM people) AS p, generate_series(1, 2) AS half GROUP
        BY half) AS h) AS t;
SELECT max(abs(predict(a, age) - predict(b, age * 1000 + 1e9))) < 1e-7 AS unit_free
FROM people, (SELECT logistic_regression(feature_set(answered::integer, age)) AS a, logistic_regression(feature_set(answered::integer, age
    * 1000 + 1e9)) AS b FROM people) AS m;

-- ---- told ----
SELECT feature, category, coefficient FROM (SELECT feature_set(p) AS s FROM (SELECT age AS y, i AS a, 2 * i + 1 AS twice, 5 AS five,
    channel, upper(channel) AS same FROM people) AS p) AS t,
    regression_coefficients(linear_regression(s)) WHERE coefficient IS NULL OR baseline;
SELECT count(*) FROM (SELECT feature_set(x, a, b) AS s FROM (VALUES (1, 2, 3), (2, 3, 5)) AS v (x, a, b)) AS t,
    regression_coefficients(linear_regression(s)) WHERE error IS NOT NULL;
SELECT model_metrics(linear_regression(feature_set(y, x))) ->> 'n_skipped' AS skipped FROM (VALUES (1, 2.0), (2, NULL), (3, 5), (5,
    'NaN'), (4, 7)) AS v (y, x);
-- a penalty: no errors; the lasso leaves out
SELECT feature, category, round(coefficient::numeric, 4) AS coefficient, error FROM (SELECT feature_set(p) AS s FROM (SELECT answered,
    age, channel FROM people) AS p) AS t,
    regression_coefficients(logistic_regression(s, penalty => 0.05, l1_share => 1));

-- ---- refused ----
SELECT try($$ SELECT logistic_regression(feature_set(p)) FROM (SELECT answered, age, answered::integer + i % 2 / 4.0 AS told FROM people)
    AS p $$);
SELECT try($$ SELECT logistic_regression(feature_set(p)) FROM (SELECT answered, age, CASE WHEN answered AND i % 5 = 0 THEN 'z' ELSE
    channel END AS c FROM people) AS p $$);
SELECT try($$ SELECT logistic_regression(feature_set(p), penalty => 0.01) IS NOT NULL FROM (SELECT answered, age, answered::integer AS
    told FROM people) AS p $$);
SELECT try($$ SELECT logistic_regression(feature_set(p), max_iterations => 2) FROM (SELECT answered, age FROM people) AS p $$);
SELECT try($$ SELECT logistic_regression(feature_set(1, age)) FROM people $$);
SELECT try($$ SELECT logistic_regression(feature_set(i, age)) FROM people $$);
SELECT try($$ SELECT logistic_regression(feature_set(p)) FROM (SELECT channel, age FROM people) AS p $$);
SELECT try($$ SELECT logistic_regression(feature_set(p), positive => 'fax') FROM (SELECT channel, age FROM people) AS p $$);
SELECT try($$ SELECT linear_regression(feature_set(p)) FROM (SELECT channel, age FROM people) AS p $$);
SELECT try($$ SELECT linear_regression(feature_set(age)) FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i), target => 'weight') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i), penalty => -1) FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i), penalty => 1, l1_share => 2) FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i), errors => 'HC9') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i), errors => 'HC1', penalty => 1) FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(p), baseline => '{"channel": "fax"}') FROM (SELECT age, channel FROM people) AS p $$);
SELECT try($$ SELECT linear_regression(feature_set(p), baseline => '{"age": "fax"}') FROM (SELECT age, channel FROM people) AS p $$);
SELECT try($$ SELECT linear_regression(feature_set(NULL::float8, age)) FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i * 1e300 * 1e5)) FROM people $$);
SELECT linear_regression(NULL) IS NULL AS no_set;
SELECT try(format($$ SELECT assign_segment(%L::segment_model, 1, 'web') $$, :'model'));
SELECT try(format($$ SELECT predict(%L::segment_model, 1) $$, :'model'));
SELECT try($$ SELECT predict(kmeans(feature_set(age, i), 2), 1, 2) FROM people $$);
SELECT try($$ SELECT c FROM (SELECT kmeans(feature_set(age, i), 2) AS m FROM people) AS t, regression_coefficients(m) AS c $$);
SELECT try(format($$ SELECT c FROM regression_coefficients(%L, 1) AS c $$, :'model'));
-- forged
SELECT part, value, try(format('SELECT (jsonb_set(%L, %L, %L)::segment_model)', :'model', part, value))
FROM (VALUES ('{intercept,coefficient}', '"Infinity"'), ('{features,0,error}', '-1'), ('{features,1,baseline}', '"fax"'),
    ('{features,1,coefficients}', '[0]'),
             ('{features,1,coefficients}', '[1, 2, 3]'), ('{features}', '[]'), ('{rank}', '9'), ('{errors}', '"best"'), ('{target}',
             'null'), ('{iterations}', '0')) AS f (part, value);

-- ---- quality of predictions: ties, weights, one label ----
SELECT q.* FROM (SELECT feature_set(y, p) AS s FROM (VALUES (0, 0.1), (0, 0.4), (1, 0.35), (1, 0.8)) AS v (y, p)) AS t,
    prediction_quality(s) AS q;
SELECT q.auc, q.ks, q.log_loss, q.brier FROM (SELECT feature_set(y, p) AS s FROM (VALUES (0, 0.5), (1, 0.5), (1, 0.5)) AS v (y, p)) AS t,
    prediction_quality(s) AS q;
SELECT q.* FROM (SELECT feature_set(1, p) AS s FROM (VALUES (0), (1)) AS v (p)) AS t, prediction_quality(s) AS q;
SELECT q.auc, q.log_loss FROM (SELECT feature_set(y, p) AS s FROM (VALUES (0, -3), (1, 9)) AS v (y, p)) AS t, prediction_quality(s) AS q;
-- each of the same prediction in the same bin, whatever the order
SELECT bin, rows, positives, lowest, highest, round(observed::numeric, 3) AS observed, round(lift::numeric, 3) AS lift,
    round(reached::numeric, 3) AS reached
FROM (SELECT feature_set((i % 4 < i % 7 / 2)::integer, i % 7 / 10.0) AS s FROM generate_series(1, 140) AS i) AS t, prediction_table(s, 5);
SELECT try($$ SELECT q FROM (SELECT feature_set(age) AS s FROM people) AS t, prediction_quality(s) AS q $$);
SELECT try($$ SELECT q FROM (SELECT feature_set(i, age) AS s FROM people) AS t, prediction_quality(s) AS q $$);
SELECT try($$ SELECT q FROM (SELECT feature_set(1, NULL::float8) AS s FROM people) AS t, prediction_quality(s) AS q $$);
SELECT try($$ SELECT q FROM (SELECT feature_set(0, age) AS s FROM people) AS t, prediction_table(s, 101) AS q $$);
SELECT q FROM prediction_quality(NULL) AS q;
-- criteria: a copy of the label says all, noise nothing
SELECT feature, kind, cells, iv_lower > 0 AS tells, iv_lower <= information_value AND gini_lower <= gini AND mi_lower <=
    mutual_information AS below,
       round(gini::numeric, 4) AS gini
FROM (SELECT feature_set(p) AS s FROM (SELECT answered, channel, answered::integer AS copy, i * 7919 % 1009 AS noise, NULLIF(i % 3, 0) AS
    third FROM people) AS p) AS t,
    rank_criteria(s);
SELECT count(DISTINCT r) = 2 AS same FROM (
    SELECT r FROM (SELECT feature_set(p ORDER BY i) AS s FROM people AS p) AS t, rank_criteria(s, 'answered', bins => 4) AS r WHERE
    feature <> 'i' UNION ALL
    SELECT r FROM (SELECT feature_set(p ORDER BY channel, i DESC) AS s FROM people AS p) AS t, rank_criteria(s, 'answered', bins => 4) AS
    r WHERE feature <> 'i') AS t;
SELECT try($$ SELECT q FROM (SELECT feature_set(0, age) AS s FROM people) AS t, rank_criteria(s) AS q $$);
SELECT try($$ SELECT q FROM (SELECT feature_set_weighted(2, i % 2, age) AS s FROM people) AS t, rank_criteria(s) AS q $$);
SELECT try($$ SELECT q FROM (SELECT feature_set(i % 2, age) AS s FROM people) AS t, rank_criteria(s, 'x') AS q $$);
SELECT try($$ SELECT q FROM (SELECT feature_set(i % 2, age) AS s FROM people) AS t, rank_criteria(s, resamples => -1) AS q $$);
SELECT count(*) FROM (SELECT feature_set(i % 2, age) AS s FROM people) AS t, rank_criteria(s, resamples => 0) AS q WHERE iv_lower IS NULL;
DROP SCHEMA regressions CASCADE;
