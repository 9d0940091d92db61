-- Errors of clusters in linear_regression and logistic_regression: R's figures, plain SQL on random rows, order, copies, merging,
-- missing clusters, what is refused and told.
CREATE SCHEMA regression_clusters;
SET search_path = regression_clusters, segment;
\set VERBOSITY default
\i test/lib/try.psql
CREATE FUNCTION near(a double precision, b double precision) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= 1e-9 * abs(b) + 1e-12, a IS NULL AND b IS NULL) $$;

-- ---- R 4.2, sandwich 3.0: vcovCL(lm(dist ~ speed, cars), cluster = ~speed, type = "HC1"), Student's t of 18 degrees of freedom ----
CREATE TABLE cars (speed integer, dist integer);
INSERT INTO cars VALUES (4,2),(4,10),(7,4),(7,22),(8,16),(9,10),(10,18),(10,26),(10,34),(11,17),(11,28),
    (12,14),(12,20),(12,24),(12,28),(13,26),(13,34),
    (13,34),(13,46),(14,26),(14,36),(14,60),(14,80),(15,20),(15,26),(15,54),(16,32),(16,40),(17,32),(17,40),
    (17,50),(18,42),(18,56),(18,76),(18,84),(19,36),
    (19,46),(19,68),(20,32),(20,48),(20,52),(20,56),(20,64),(22,66),(23,54),(24,70),(24,92),(24,93),(24,120),(25,85);
SELECT c.feature, near(c.error, r.error) AS error, near(c.p, r.p) AS p, near(c.lower, r.lower) AS lower, near(c.upper, r.upper) AS upper
FROM (SELECT feature_set(dist, speed, speed) AS s FROM cars) AS t, regression_coefficients(linear_regression(s, cluster => 'f3')) AS c,
    (VALUES (NULL, 7.13050415642870217, 2.3971047396290988e-02, -32.5597282307822837, -2.5984615502395023),
            ('f2', 0.53852658624708705, 8.7664948941421505e-07, 2.8010063848218136, 5.0638111334263574)) AS r (feature, error, p, lower,
            upper)
WHERE c.feature IS NOT DISTINCT FROM r.feature;
-- the same of glm(answered ~ age + channel, binomial) by i %% 17, and of lm(age ~ answered + channel, weights = 1 + i %% 4)
CREATE TABLE people AS
SELECT i, i % 3 <> 1 AND i * 7 % 11 > 3 OR i % 13 = 5 AS answered, i * 7919 % 101 / 4.0 AS age, (ARRAY['shop', 'web', 'app'])[1 + i * 31 %
    7 % 3] AS channel, i % 17 AS team, (ARRAY['red', 'blue', 'pink', 'grey', 'NULL', ''])[1 + i % 17] AS colour
FROM generate_series(1, 300) AS i;
SELECT c.feature, c.category, near(c.coefficient, r.coefficient) AS coefficient, near(c.error, r.error) AS error, near(c.p, r.p) AS p
FROM (SELECT feature_set(p) AS s FROM (SELECT answered, age, channel, 'team ' || team AS team FROM people) AS p) AS t,
    regression_coefficients(logistic_regression(s, cluster => 'team')) AS c,
    (VALUES (NULL, NULL, -0.0793224124111558543, 0.1522800454967324635, 0.60243763992229871),
            ('age', NULL, -0.0047807791462298535, 0.0086269575393812317, 0.57946424569468769),
            ('channel', 'shop', 0.0146850571678719313, 0.1935953983607109075, 0.93953495889696015),
            ('channel', 'web', 0.0450321185784502698, 0.2432240545925419273, 0.85311401371791395)) AS r (feature, category, coefficient,
            error, p)
WHERE (c.feature, c.category) IS NOT DISTINCT FROM (r.feature, r.category);
SELECT c.feature, near(c.coefficient, r.coefficient) AS coefficient, near(c.error, r.error) AS error
FROM (SELECT feature_set_weighted(1 + i % 4, age, answered::integer, (channel = 'shop')::integer, (channel = 'web')::integer, team) AS s
      FROM people) AS t, regression_coefficients(linear_regression(s, cluster => 'f5')) AS c,
    (VALUES (NULL, 12.600812633480513725, 0.74800775420104582), ('f2', -0.020644091895846543, 0.65473017652720111),
            ('f3', -0.114179042127385583, 1.04637344576966340), ('f4', -0.408904927070787183, 0.99737110784452954))
    AS r (feature, coefficient, error)
WHERE c.feature IS NOT DISTINCT FROM r.feature;

-- ---- plain SQL on random rows: each cluster's s, the sandwich, and the corrections ----
CREATE FUNCTION inverse(a numeric[]) RETURNS numeric[] LANGUAGE plpgsql AS $$
DECLARE n integer := array_length(a, 1); b numeric[] := array_fill(0, ARRAY[n, n]); pivot numeric; factor numeric;
BEGIN
    FOR i IN 1..n LOOP b[i][i] := 1; END LOOP;
    FOR i IN 1..n LOOP
        pivot := a[i][i];
        FOR k IN 1..n LOOP a[i][k] := a[i][k] / pivot; b[i][k] := b[i][k] / pivot; END LOOP;
        FOR j IN 1..n LOOP
            CONTINUE WHEN j = i;
            factor := a[j][i];
            FOR k IN 1..n LOOP a[j][k] := a[j][k] - factor * a[i][k]; b[j][k] := b[j][k] - factor * b[i][k]; END LOOP;
        END LOOP;
    END LOOP;
    RETURN b;
END $$;
SELECT setseed(0.63);
SET client_min_messages = warning;
-- the same row may come up to three times; clusters of one row and of hundreds; weights; the cluster of a third is not known
CREATE TABLE shop AS
SELECT i, random() * 40 AS age, 900 + random() AS fee, 'plan ' || floor(random() * 3) AS plan, floor(random() * 4) AS weight, random() AS
    chance, floor(40 * random() ^ 3) / 4 - 3 AS team, 1 + floor(random() * 3) AS times, random() < 0.3 AS no_team
FROM generate_series(1, 800) AS i;
ALTER TABLE shop ADD spent double precision, ADD left_us integer;
UPDATE shop SET spent = 10 + age * 0.7 + CASE plan WHEN 'plan 2' THEN 4 ELSE 0 END + chance * 6 + sin(team) * age / 5,
    left_us = (chance < 1 / (1 + exp(2 - age * 0.06 + sin(team))))::integer;
CREATE TABLE setting AS
SELECT what, logistic, weighted, f, CASE WHEN logistic THEN logistic_regression(f, cluster => 'f7') ELSE linear_regression(f, cluster =>
    'f7') END AS model
FROM (VALUES ('linear', false, false), ('weighted', false, true), ('logistic', true, false), ('weighted logistic', true, true))
    AS v (what, logistic, weighted),
    LATERAL (SELECT feature_set_weighted(CASE WHEN weighted THEN weight ELSE 1 END, CASE WHEN logistic THEN left_us ELSE spent END, age,
        fee, (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, weight, CASE WHEN NOT no_team THEN team END)
        FROM shop, generate_series(1, times::integer)) AS x (f);
CREATE TABLE design AS
SELECT what, logistic, ARRAY[1, age, fee, (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, weight]::numeric[] AS x,
       (CASE WHEN logistic THEN left_us ELSE spent END - mean)::numeric AS residual, (CASE WHEN weighted THEN weight ELSE 1 END * times)::
       numeric AS w,
       (CASE WHEN logistic THEN mean * (1 - mean) ELSE 1 END)::numeric AS second, team, times
FROM setting, shop, LATERAL (SELECT predict(model, age, fee, (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, weight)) AS p (mean)
WHERE NOT no_team AND (weight > 0 OR NOT weighted);
CREATE FUNCTION product(a numeric[], b numeric[]) RETURNS numeric[] LANGUAGE sql AS $$
    SELECT array_agg(r ORDER BY i) FROM (
        SELECT i, array_agg(s ORDER BY k) AS r FROM (
            SELECT i, k, sum(a[i][j] * b[j][k]) AS s FROM generate_subscripts(a, 1) AS i, generate_subscripts(b, 1) AS j,
                generate_subscripts(b, 2) AS k GROUP BY i, k) AS e GROUP BY i) AS r $$;
CREATE TABLE matrix AS
WITH bread AS (
    SELECT what, i, j, sum(w * second * x[i] * x[j]) AS v FROM design, generate_series(1, 6) AS i, generate_series(1, 6) AS j GROUP BY 1, 2,
    3
), score AS (
    SELECT what, team, i, sum(w * residual * x[i]) AS s FROM design, generate_series(1, 6) AS i GROUP BY 1, 2, 3
), filling AS (
    SELECT what, a.i, b.i AS j, sum(a.s * b.s) AS v FROM score AS a JOIN score AS b USING (what, team) GROUP BY 1, 2, 3
), rows AS (
    SELECT what, 'bread' AS matrix, i, array_agg(v ORDER BY j) AS r FROM bread GROUP BY 1, 2, 3 UNION ALL
    SELECT what, 'filling', i, array_agg(v ORDER BY j) FROM filling GROUP BY 1, 2, 3
)
SELECT what, inverse(array_agg(r ORDER BY i) FILTER (WHERE matrix = 'bread')) AS bread, array_agg(r ORDER BY i) FILTER (WHERE matrix =
    'filling') AS filling
FROM rows GROUP BY what;
SELECT s.what, model_metrics(model) ->> 'n_used' = n::text AS n, model_metrics(model) ->> 'clusters' = g::text AS clusters,
       count(c.error) AS errors, bool_and(near(c.error, sqrt((product(product(bread, filling), bread))[c.i][c.i] * g / (g - 1) * (n - 1) /
       (n - 6))::float8)) AS as_sql
FROM setting AS s JOIN matrix USING (what) JOIN (SELECT what, count(DISTINCT team)::numeric AS g, sum(times)::numeric AS n FROM design
    GROUP BY 1) AS d USING (what),
    regression_coefficients(model) WITH ORDINALITY AS c (feature, category, baseline, coefficient, error, statistic, p, lower, upper, i)
GROUP BY s.what, model, n, g ORDER BY s.what;
RESET client_min_messages;

-- ---- a cluster for each row is HC1; categories are what their columns are ----
SELECT bool_and(near(a.error, b.error)) AS hc1
FROM (SELECT feature_set(spent, age, i) AS f, feature_set(spent, age) AS g, feature_set(left_us, age, i) AS l, feature_set(left_us, age) AS
    m FROM shop) AS t,
    LATERAL (VALUES (linear_regression(f, cluster => 'f3'), linear_regression(g, errors => 'HC1')),
                    (logistic_regression(l, cluster => 'f3'), logistic_regression(m, errors => 'HC1'))) AS v (clustered, hc1),
    regression_coefficients(clustered) AS a, regression_coefficients(hc1) AS b WHERE a.feature IS NOT DISTINCT FROM b.feature;
CREATE FUNCTION terms(model segment_model) RETURNS TABLE (i bigint, coefficient float8, error float8) LANGUAGE sql AS
$$ SELECT row_number() OVER (), coefficient, error FROM regression_coefficients(model) WHERE NOT baseline $$;
SELECT count(*) AS terms, bool_and(near(a.coefficient, b.coefficient)) AS coefficients, bool_and(near(a.error, b.error)) AS errors
FROM (SELECT feature_set(r) AS f FROM (SELECT spent, age, plan, 'size ' || weight AS size, 'team ' || team AS team FROM shop) AS r) AS t,
    (SELECT feature_set(spent, age, (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, (weight = 1)::integer, (weight = 2)::integer,
                        (weight = 3)::integer, team) AS g FROM shop) AS u,
    terms(linear_regression(f, cluster => 'team')) AS a, terms(linear_regression(g, cluster => 'f8')) AS b WHERE a.i = b.i;

-- ---- law 3: order, copies, merging; whichever way the cluster is named ----
SELECT count(DISTINCT m) AS models FROM (
    SELECT linear_regression(feature_set(p ORDER BY i), cluster => 'colour') AS m
    FROM (SELECT age, channel, colour, i % 5 AS i FROM people, generate_series(1, 2)) AS p
    UNION ALL SELECT linear_regression(feature_set(p ORDER BY colour, age DESC), cluster => 'colour')
    FROM (SELECT age, channel, colour, i % 5 AS i FROM people, generate_series(1, 2)) AS p
    UNION ALL SELECT linear_regression(feature_set_merge(f), cluster => 'colour')
    FROM (SELECT feature_set(p ORDER BY i DESC) AS f FROM (SELECT age, channel, colour, i % 5 AS i FROM people) AS p, generate_series(1, 2)
        AS half GROUP BY half) AS h) AS t;
SELECT count(DISTINCT (coefficient::numeric(12, 9), error::numeric(12, 9))) AS ways FROM (
    SELECT feature_set(r) AS f FROM (SELECT age, answered::integer AS a, team AS g FROM people) AS r UNION ALL
    SELECT feature_set(r) FROM (SELECT age, answered::integer AS a, 'team ' || team AS g FROM people) AS r UNION ALL
    SELECT feature_set(r) FROM (SELECT team / -7.0 AS g, age, answered::integer AS a FROM people) AS r UNION ALL
    SELECT feature_set(r) FROM (SELECT age, CASE team WHEN 0 THEN '-0'::float8 ELSE team END AS g, answered::integer AS a FROM people) AS
    r) AS t,
    regression_coefficients(linear_regression(f, target => 'age', cluster => 'g')) WHERE feature = 'a';

-- ---- the model: the cluster is no feature of it ----
SELECT linear_regression(feature_set(p), cluster => 'colour') AS model FROM (SELECT age, colour, channel FROM people) AS p \gset
SELECT :'model'::segment_model::text = :'model' AS round_trip, :'model'::jsonb - 'features' - 'intercept' - 'deviance' - 'null_deviance'
    AS shown, model_metrics(:'model') -> 'clusters' AS clusters;
SELECT predict(:'model'::segment_model, 'web') IS NOT NULL AS by_position, predict(:'model'::segment_model, r) IS NOT NULL AS by_name
FROM (SELECT 'web' AS channel) AS r;
SELECT part, value, try(format('SELECT (jsonb_set(%L, %L, %L)::segment_model)', :'model', part, value))
FROM (VALUES ('{clusters}', '1'), ('{clusters}', '2.5'), ('{cluster}', 'null'), ('{errors}', '"HC1"')) AS f (part, value);

-- ---- told and refused ----
SELECT model_metrics(linear_regression(feature_set(y, x, g), cluster => 'f3')) - 'deviance' - 'null_deviance' - 'r_squared' -
    'residual_error' AS metrics
FROM (VALUES (1, 2, 1), (2, 3, 1), (4, 4, 2), (5, 7, 'NaN'::float8), (4, 7, NULL), (6, 7, 'Infinity'), (8, 8, 2), (3, 9, 1)) AS v (y, x, g);
SELECT count(*) AS rows, count(error) AS errors FROM (SELECT feature_set(y, x, y) AS s FROM (VALUES (1, 2), (2, 3)) AS v (y, x)) AS t,
    regression_coefficients(linear_regression(s, cluster => 'f3'));
SELECT try($$ SELECT linear_regression(feature_set(age, i, 7), cluster => 'f3') FROM people $$);
SELECT try($$ SELECT logistic_regression(feature_set(p), cluster => 'g') FROM (SELECT answered, age, 'all'::text AS g FROM people) AS p $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, NULL), cluster => 'f3') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, team), cluster => 'team') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, team), cluster => 'f2') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, team), cluster => 'f1') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, team), errors => 'HC1', cluster => 'f3') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, team), errors => 'model', cluster => 'f3') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, team), errors => 'CR1') FROM people $$);
SELECT try($$ SELECT linear_regression(feature_set(age, i, team), cluster => 'f3', penalty => 1) FROM people $$);
SELECT model_metrics(linear_regression(feature_set(age, i, team), errors => 'CR1', cluster => 'f3')) ->> 'clusters' AS clusters FROM people;
DROP SCHEMA regression_clusters CASCADE;
