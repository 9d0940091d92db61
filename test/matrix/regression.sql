--
-- Regressions and measures of predictions: the same digits on all servers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE made AS
SELECT i, i * 7919 % 1009 / 7.0 AS a, 1e9 + i * 104729 % 9973 / 90.0 AS b, 'group ' || i % 7 AS name, 1 + i % 4 / 3.0 AS weight,
       (i * 31 % 101 + i * 7919 % 1009 / 20.0 > 75)::integer AS label FROM generate_series(1, 3000) AS i;
SELECT linear_regression(s), linear_regression(s, penalty => 0.1, l1_share => 0.5), linear_regression(s, errors => 'HC3'),
       linear_regression(s, cluster => 'name')
FROM (SELECT feature_set(r) AS s FROM (SELECT a, b, name, label FROM made) AS r) AS t;
SELECT logistic_regression(s), logistic_regression(s, penalty => 0.1), logistic_regression(s, penalty => 0.01, l1_share => 0.7,
    standardize => false),
       logistic_regression(s, errors => 'HC2'), logistic_regression(s, cluster => 'b')
FROM (SELECT feature_set(r) AS s FROM (SELECT label, a, b, name FROM made) AS r) AS t;
SELECT c.* FROM (SELECT feature_set_weighted(weight, label, a, b) AS s FROM made) AS t, regression_coefficients(logistic_regression(s)) AS
    c;
SELECT c.* FROM (SELECT feature_set_weighted(weight, a, b, label) AS s FROM made) AS t, regression_coefficients(linear_regression(s), 0.9)
    AS c;
SELECT q.* FROM (SELECT logistic_regression(feature_set(label, a, b)) AS m FROM made) AS t,
    LATERAL (SELECT feature_set_weighted(weight, label, predict(m, a, b)) AS s FROM made) AS p, prediction_quality(s) AS q;
SELECT q.* FROM (SELECT feature_set(label, a / 200) AS s FROM made) AS p, prediction_table(s) AS q;
SELECT q.* FROM (SELECT feature_set(r) AS s FROM (SELECT label, a, b, name FROM made) AS r) AS t, rank_criteria(s) AS q;
-- in parts that are merged, a sample
SELECT linear_regression(f) = linear_regression(g), logistic_regression(f, 'label') = logistic_regression(g, 'label')
FROM (SELECT feature_set(r) AS f FROM (SELECT a, b, name, label FROM made) AS r) AS s,
     (SELECT feature_set_merge(g) AS g FROM (SELECT feature_set(r) AS g FROM (SELECT a, b, name, label, i FROM made) AS r0,
                                                 LATERAL (SELECT a, b, name, label) AS r GROUP BY i % 5) AS p) AS t;
SELECT model_to_pmml(logistic_regression(s, 'label')) FROM (SELECT feature_set(r) AS s FROM (SELECT a, name, label FROM made) AS r) AS t;
SET maintenance_work_mem = '1MB';
SELECT linear_regression(feature_set(i * 7919 % 100003 / 7.0, i, i::bigint * 104729 % 99991 / 3.0), errors => 'HC1')
    FROM generate_series(1, 60000) AS i;
