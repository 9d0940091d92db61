--
-- linear_regression and logistic_regression: the conditions of least squares and of maximum likelihood in plain SQL
-- on random rows; R's glm, lm on real data, where they are there (SEGMENT_TEST_DATA).
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql

CREATE FUNCTION pg_temp.near(a double precision, b double precision, tolerance double precision DEFAULT 1e-6)
    RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= tolerance * abs(b) + 1e-12, a IS NULL AND b IS NULL) $$;

-- ---- random rows ----
SELECT setseed(0.21);
CREATE TEMP TABLE shop ON COMMIT DROP AS
SELECT i, random() * 40 AS age, 1.7e9 + floor(random() * 1e6) AS seen, 'plan ' || floor(random() * 4) AS plan,
       floor(random() * 4) AS weight, random() AS chance FROM generate_series(1, 1500) AS i;
ALTER TABLE shop ADD spent float8, ADD left_us integer;
UPDATE shop SET spent = 10 + age * 0.7 - (seen - 1.7e9) * 2e-5 + CASE plan WHEN 'plan 2' THEN 4 ELSE 0 END + chance * 6,
    left_us = (chance < 1 / (1 + exp(2 - age * 0.06 - (seen - 1.7e9) * 1e-6 + CASE plan WHEN 'plan 1' THEN 1 ELSE 0 END)))::integer;

-- one feature: SQL's own aggregates, and the errors that follow from them
SELECT is_empty($$
    SELECT c.*, o.* FROM (SELECT feature_set(spent, age) AS s FROM shop) AS t, regression_coefficients(linear_regression(s)) AS c,
        (SELECT regr_slope(spent, age) AS slope, regr_intercept(spent, age) AS intercept, count(*) AS n,
                sqrt((regr_syy(spent, age) - regr_sxy(spent, age) ^ 2 / regr_sxx(spent, age)) / (count(*) - 2)) AS sigma,
                regr_sxx(spent, age) AS sxx, regr_avgx(spent, age) AS x FROM shop) AS o
    WHERE NOT pg_temp.near(c.coefficient, CASE WHEN feature IS NULL THEN intercept ELSE slope END, 1e-11)
       OR NOT pg_temp.near(c.error, CASE WHEN feature IS NULL THEN sigma * sqrt(1.0 / n + x ^ 2 / sxx) ELSE sigma / sqrt(sxx) END, 1e-11)
$$, 'least squares of one feature, and its errors');
-- many: what is left of each column is 0, by weight, whatever the penalty
CREATE TEMP TABLE model ON COMMIT DROP AS
SELECT what, logistic, weighted, penalty,
       CASE WHEN logistic THEN logistic_regression(f, penalty => penalty, standardize => false)
            ELSE linear_regression(f, penalty => penalty, standardize => false) END AS model
FROM (VALUES ('plain', false, false, 0.0), ('weighted', false, true, 0), ('ridge', false, false, 0.3), ('logistic', true, false, 0),
             ('weighted logistic', true, true, 0), ('logistic ridge', true, true, 0.01)) AS v (what, logistic, weighted, penalty),
    LATERAL (SELECT feature_set_weighted(CASE WHEN weighted THEN weight ELSE 1 END, CASE WHEN logistic THEN left_us ELSE spent END, age,
    seen,
                                         (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, (plan = 'plan 3')::integer)
             FROM shop WHERE weight > 0 OR NOT weighted) AS x (f);
SELECT is_empty($$
    SELECT what, column_name, slope FROM model, LATERAL (
        SELECT sum(w * r * 1) / sum(w) AS "0", sum(w * r * age) / sum(w) AS "1", sum(w * r * (seen - 1.7e9)) / sum(w) AS "2",
               sum(w * r * (plan = 'plan 1')::integer) / sum(w) AS "3", sum(w * r * (plan = 'plan 2')::integer) / sum(w) AS "4",
               sum(w * r * (plan = 'plan 3')::integer) / sum(w) AS "5"
        FROM (SELECT CASE WHEN weighted THEN weight ELSE 1 END AS w, age, seen, plan, CASE WHEN logistic THEN left_us ELSE spent END
                     - predict(model, age, seen, (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, (plan = 'plan 3')::integer) AS r
              FROM shop WHERE weight > 0 OR NOT weighted) AS s) AS sums, jsonb_each_text(to_jsonb(sums)) AS e (column_name, slope),
        LATERAL (SELECT coefficient FROM regression_coefficients(model) WITH ORDINALITY AS c WHERE ordinality = column_name::integer + 1)
        AS c
    WHERE abs(slope::float8 - CASE WHEN column_name = '0' THEN 0 ELSE penalty * coefficient END)
          > 1e-9 * CASE column_name WHEN '2' THEN 1e6 WHEN '1' THEN 40 ELSE 1 END $$,
    'the slope of the objective is 0 in each column, with weights and penalties');
-- categories are what their columns are
SELECT is((SELECT array_agg(round(coefficient::numeric, 9)) FROM (SELECT feature_set(r) AS s FROM (SELECT spent, age, plan FROM shop) AS
    r) AS t,
               regression_coefficients(linear_regression(s)) WHERE NOT baseline),
          (SELECT array_agg(round(coefficient::numeric, 9))
           FROM (SELECT feature_set(spent, age, (plan = 'plan 1')::integer, (plan = 'plan 2')::integer, (plan = 'plan 3')::integer) AS s
           FROM shop) AS t,
               regression_coefficients(linear_regression(s))), 'categories');

-- ---- R on small data: am ~ wt of mtcars (Henderson and Velleman 1981), virginica against versicolor ----
CREATE TEMP TABLE fit (name text, model segment_model, predictions feature_set) ON COMMIT DROP;
CREATE TEMP TABLE car (am integer, wt float8) ON COMMIT DROP;
INSERT INTO car VALUES (1,2.62),(1,2.875),(1,2.32),(0,3.215),(0,3.44),(0,3.46),(0,3.57),(0,3.19),(0,3.15),(0,3.44),(0,3.44),(0,4.07),
    (0,3.73),(0,3.78),(0,5.25),(0,5.424),(0,5.345),(1,2.2),(1,1.615),(1,1.835),(0,2.465),(0,3.52),(0,3.435),(0,3.84),(0,3.845),(1,1.935),
    (1,2.14),(1,1.513),(1,3.17),(1,2.77),(1,3.57),(1,2.78);
\ir ../lib/iris.psql
CREATE TEMP VIEW iris100 AS
SELECT (label = 2)::integer AS virginica, sepal_length AS "Sepal.Length", sepal_width AS "Sepal.Width", petal_length AS "Petal.Length",
       petal_width AS "Petal.Width" FROM iris WHERE label > 0;
INSERT INTO fit
SELECT name, model, (SELECT feature_set(p) FROM (SELECT am, predict(model, r) FROM car AS r) AS p)
FROM (SELECT 'mtcars' AS name, logistic_regression(feature_set(r)) AS model FROM car AS r) AS m
UNION ALL
SELECT name, model, (SELECT feature_set(p) FROM (SELECT virginica, predict(model, r) FROM iris100 AS r) AS p)
FROM (SELECT 'iris100' AS name, logistic_regression(feature_set(r)) AS model FROM iris100 AS r) AS m;
SELECT ok(pg_temp.near((SELECT coefficient FROM regression_coefficients(model) WHERE feature = 'wt'), -4.02396996217, 1e-9)
          AND pg_temp.near((SELECT error FROM regression_coefficients(model) WHERE feature = 'wt'), 1.43652774369), 'mtcars')
FROM fit WHERE name = 'mtcars';

-- ---- R on real data ----
SELECT :'data' || '/data' AS folder \gset
SELECT :'data' <> '' AND (pg_stat_file(:'folder' || '/bank.csv.gz', true)).size IS NOT NULL
       AND (pg_stat_file(:'data' || '/reference/logistic_coefficients.csv', true)).size IS NOT NULL AS have_data \gset
\if :have_data
CREATE TEMP TABLE reference (model text, term text, estimate float8, std_error float8, z float8, p float8) ON COMMIT DROP;
SELECT format('COPY reference FROM %L (FORMAT csv, HEADER)', :'data' || '/reference/logistic_coefficients.csv') AS load \gset
:load;
CREATE TEMP TABLE bank (age float8, job text, marital text, education text, "default" text, balance float8, housing text, loan text,
    contact text, day float8, month text, duration float8, campaign float8, pdays float8, previous float8, poutcome text, y text) ON
    COMMIT DROP;
SELECT format('COPY bank FROM PROGRAM %L (FORMAT csv, HEADER)', 'gzip -dc ' || quote_literal(:'folder' || '/bank.csv.gz')) AS load \gset
:load;
CREATE TEMP TABLE telco (customer text, gender text, "SeniorCitizen" float8, partner text, dependents text, tenure float8, phone text,
    lines text,
    "InternetService" text, security text, backup text, protection text, support text, tv text, movies text, "Contract" text,
    "PaperlessBilling" text, "PaymentMethod" text, "MonthlyCharges" float8, total text, churn text) ON COMMIT DROP;
SELECT format('COPY telco FROM PROGRAM %L (FORMAT csv, HEADER)', 'gzip -dc ' || quote_literal(:'folder' || '/telco_churn.csv.gz')) AS load
    \gset
:load;
CREATE TEMP TABLE mailing (id text, born text, education text, marital text, "Income" float8, "Kidhome" float8, "Teenhome" float8,
    since text, "Recency" float8, "MntWines" float8, fruits text, "MntMeatProducts" float8, fish text, sweets text, gold text, deals text,
    "NumWebPurchases" float8, "NumCatalogPurchases" float8, "NumStorePurchases" float8, visits text, c3 text, c4 text, c5 text, c1 text,
    c2 text, complain text, cost text, revenue text, "Response" integer) ON COMMIT DROP;
SELECT format('COPY mailing FROM PROGRAM %L (FORMAT csv, HEADER)', 'gzip -dc ' || quote_literal(:'folder' ||
    '/marketing_campaign.csv.gz')) AS load \gset
:load;
CREATE TEMP VIEW mailed AS
SELECT "Response", "Income" / 1000 AS "I(Income/1000)", "Kidhome", "Teenhome", "Recency", "MntWines", "MntMeatProducts",
       "NumWebPurchases", "NumCatalogPurchases", "NumStorePurchases" FROM mailing WHERE "Income" IS NOT NULL;
INSERT INTO fit
SELECT name, model, (SELECT feature_set(p) FROM (SELECT y, predict(model, r) FROM bank AS r) AS p)
FROM (SELECT 'bank4521_numeric' AS name, logistic_regression(feature_set(r)) AS model
      FROM (SELECT y, age, balance, duration, campaign, pdays, previous FROM bank) AS r
      UNION ALL SELECT 'bank4521_mixed', logistic_regression(feature_set(r), target => 'y', positive => 'yes')
      FROM (SELECT age, balance, campaign, previous, job, marital, education, housing, loan, contact, poutcome, y FROM bank) AS r) AS m
UNION ALL SELECT name, model, (SELECT feature_set(p) FROM (SELECT churn, predict(model, r) FROM telco AS r) AS p)
FROM (SELECT 'telco7043' AS name, logistic_regression(feature_set(r)) AS model
      FROM (SELECT churn, tenure, "MonthlyCharges", "SeniorCitizen", "Contract", "InternetService", "PaperlessBilling", "PaymentMethod"
            FROM telco) AS r) AS m
UNION ALL SELECT name, model, (SELECT feature_set(p) FROM (SELECT "Response", predict(model, r) FROM mailed AS r) AS p)
FROM (SELECT 'marketing2216' AS name, logistic_regression(feature_set(r)) AS model FROM mailed AS r) AS m;
CREATE TEMP TABLE compared ON COMMIT DROP AS
SELECT r.*, c.* FROM reference AS r JOIN fit AS f ON f.name = split_part(r.model, ':', 1)
LEFT JOIN LATERAL (SELECT * FROM regression_coefficients(f.model)
                   WHERE coalesce(feature, '(Intercept)') || coalesce(category, '') = r.term) AS c (feature, category, baseline,
                   coefficient, error, statistic, our_p) ON true;
SELECT ok((SELECT count(DISTINCT model) = 6 AND count(coefficient) = (SELECT count(*) FROM reference) FROM compared), 'six models of R');
SELECT is_empty($$ SELECT model, term, estimate, coefficient, std_error, error, p, our_p FROM compared
    WHERE NOT coalesce(pg_temp.near(coefficient, estimate) AND pg_temp.near(error, std_error) AND pg_temp.near(statistic, z)
                       AND abs(our_p - p) <= 1e-5 * p, false) $$, 'coefficients, errors, z and p');
CREATE TEMP TABLE measured (model text, n bigint, positives bigint, loglik float8, null_deviance float8, deviance float8, aic float8,
    mcfadden float8, auc float8, brier float8, logloss float8, ks float8, iter integer) ON COMMIT DROP;
SELECT format('COPY measured FROM %L (FORMAT csv, HEADER)', :'data' || '/reference/logistic_metrics.csv') AS load \gset
:load;
SELECT is((SELECT count(*) FROM measured AS r JOIN fit AS f ON f.name = split_part(r.model, ':', 1)), 6::bigint, 'six measured by R');
SELECT is_empty($$ SELECT f.name, q.*, r.* FROM measured AS r JOIN fit AS f ON f.name = split_part(r.model, ':', 1),
        prediction_quality(f.predictions) AS q, model_metrics(f.model) AS m
    WHERE (q.rows, q.positives) IS DISTINCT FROM (r.n, r.positives)
       OR NOT (pg_temp.near(q.auc, r.auc, 1e-9) AND pg_temp.near(q.ks, r.ks, 1e-9) AND pg_temp.near(q.brier, r.brier, 1e-9)
               AND pg_temp.near(q.log_loss, r.logloss, 1e-9) AND pg_temp.near((m ->> 'deviance')::float8, r.deviance, 1e-9)
               AND pg_temp.near((m ->> 'null_deviance')::float8, r.null_deviance, 1e-9)
               AND pg_temp.near((m ->> 'log_likelihood')::float8, r.loglik, 1e-9) AND pg_temp.near((m ->> 'aic')::float8, r.aic, 1e-9)
               AND pg_temp.near((m ->> 'mcfadden')::float8, r.mcfadden, 1e-9)) $$, 'AUC, KS, Brier, log loss and deviances as of R');

-- ---- criteria: the definitions in plain SQL, on the bank; intervals against rows drawn again here ----
CREATE TEMP TABLE cell ON COMMIT DROP AS
SELECT f.feature, f.cell, count(*) FILTER (WHERE b.y = 'yes')::float8 AS yes, count(*) FILTER (WHERE b.y = 'no')::float8 AS no
FROM bank AS b, LATERAL (VALUES ('job', job), ('education', education), ('poutcome', poutcome), ('month', month), ('loan', loan))
    AS f (feature, cell) GROUP BY 1, 2
UNION ALL  -- of numbers, the tenth from above in which the middle of equal ones lies
SELECT feature, floor(10 * (above + here / 2.0) / 4521)::text, sum(yes), sum(here - yes) FROM (
    SELECT f.feature, f.value, count(*) AS here, count(*) FILTER (WHERE b.y = 'yes') AS yes,
           sum(count(*)) OVER (PARTITION BY f.feature ORDER BY f.value DESC) - count(*) AS above
    FROM bank AS b, LATERAL (VALUES ('age', age), ('balance', balance), ('duration', duration), ('campaign', campaign))
        AS f (feature, value) GROUP BY 1, 2) AS v GROUP BY 1, 2;
CREATE TEMP TABLE criterion ON COMMIT DROP AS
SELECT c.* FROM (SELECT feature_set(r) AS s FROM (SELECT y, job, education, poutcome, month, loan, age, balance, duration, campaign
                                                  FROM bank) AS r) AS t, rank_criteria(s, resamples => 1000) AS c;
SELECT is_empty($$ SELECT * FROM criterion AS c FULL JOIN (
        SELECT feature, count(*) AS cells, sum((g - b) * ln(g / b)) AS iv,
               sum(CASE WHEN yes > 0 THEN yes / 4521 * ln(yes * 4521 / ((yes + no) * 521)) ELSE 0 END
                   + CASE WHEN no > 0 THEN no / 4521 * ln(no * 4521 / ((yes + no) * 4000)) ELSE 0 END) AS mi
        FROM (SELECT *, CASE yes WHEN 0 THEN 0.99 ELSE yes END / 521 AS g, CASE no WHEN 0 THEN 0.99 ELSE no END / 4000 AS b FROM cell)
            AS x GROUP BY feature) AS o USING (feature)
    LEFT JOIN (SELECT a.feature, sum(sign(a.yes / (a.yes + a.no) - b.yes / (b.yes + b.no)) * a.yes * b.no) / 521 / 4000 AS gini
               FROM cell AS a JOIN cell AS b USING (feature) GROUP BY 1) AS g USING (feature)
    WHERE NOT coalesce(c.cells = o.cells AND pg_temp.near(c.information_value, o.iv, 1e-9)
                       AND pg_temp.near(c.mutual_information, o.mi, 1e-9) AND pg_temp.near(c.gini, g.gini, 1e-9), false) $$,
    'information value, mutual information and Gini');
SELECT ok((SELECT array_agg(feature) FROM criterion) = (SELECT array_agg(feature ORDER BY information_value DESC) FROM criterion),
          'the most telling first');
SELECT setseed(0.4);
CREATE TEMP TABLE again ON COMMIT DROP AS
SELECT n, sum((g - b) * ln(g / b)) AS iv FROM (
    SELECT n, yes / sum(yes) OVER (PARTITION BY n) AS g, no / sum(no) OVER (PARTITION BY n) AS b FROM (
        SELECT d.n, b.poutcome, count(*) FILTER (WHERE b.y = 'yes')::float8 AS yes, count(*) FILTER (WHERE b.y = 'no')::float8 AS no
        FROM (SELECT n, 1 + floor(random() * 4521)::integer AS i FROM generate_series(1, 400) AS n, generate_series(1, 4521)) AS d
        JOIN (SELECT row_number() OVER () AS i, poutcome, y FROM bank) AS b USING (i) GROUP BY 1, 2) AS r) AS s GROUP BY n;
SELECT ok(abs(c.iv_lower - (2 * c.information_value - a.q[2])) < 0.15 * (a.q[2] - a.q[1])
          AND abs(c.iv_upper - (2 * c.information_value - a.q[1])) < 0.15 * (a.q[2] - a.q[1]), 'intervals of the information value')
FROM criterion AS c, (SELECT percentile_cont(ARRAY[0.025, 0.975]) WITHIN GROUP (ORDER BY iv) AS q FROM again) AS a
WHERE c.feature = 'poutcome';
-- held-out rows of online_shoppers: three of four train; figures of R 4.2: glm(family = binomial), and its predictions
CREATE TEMP TABLE visit (administrative float8, administrative_duration float8, informational float8, informational_duration float8,
    product_related float8, product_related_duration float8, bounce_rates float8, exit_rates float8, page_values float8, special_day
    float8,
    month text, operating_systems text, browser text, region text, traffic_type text, visitor_type text, weekend text, revenue text,
    number integer GENERATED ALWAYS AS IDENTITY) ON COMMIT DROP;
SELECT format('COPY visit (administrative, administrative_duration, informational, informational_duration, product_related,
    product_related_duration,
    bounce_rates, exit_rates, page_values, special_day, month, operating_systems, browser, region, traffic_type, visitor_type, weekend,
    revenue)
    FROM PROGRAM %L (FORMAT csv, HEADER)', 'gzip -dc ' || quote_literal(:'folder' || '/online_shoppers_intention.csv.gz')) AS load \gset
:load;
SELECT logistic_regression(feature_set(r)) AS visit_model
FROM (SELECT revenue, administrative, product_related, product_related_duration, bounce_rates, exit_rates, page_values, special_day,
    month,
             visitor_type, weekend FROM visit WHERE number % 4 <> 0) AS r \gset
SELECT ok(pg_temp.near((model_metrics(:'visit_model') ->> 'deviance')::float8, 5481.291765623616, 1e-10), 'deviance of online shoppers');
SELECT ok(pg_temp.near(coefficient, 0.0810341591257744) AND pg_temp.near(error, 0.002772955587526515), 'page values')
FROM regression_coefficients(:'visit_model') WHERE feature = 'page_values';
SELECT ok(rows = 3082 AND positives = 460 AND pg_temp.near(auc, 0.9097403243458362) AND pg_temp.near(log_loss, 0.2742214509965262)
          AND pg_temp.near(brier, 0.0800476609516905), 'AUC, log loss and Brier score of held-out rows')
FROM (SELECT feature_set(r) AS s FROM (SELECT revenue, predict(:'visit_model'::segment_model, v) AS p FROM visit AS v WHERE number % 4 =
    0) AS r) AS t,
    prediction_quality(s);
\else
SELECT skip('data of banks and shops are not there (SEGMENT_TEST_DATA)', 11);
\endif

SELECT * FROM finish();
ROLLBACK;
