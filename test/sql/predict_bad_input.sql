--
-- What trainers and measures of predictions do with what is no input: each an error with an SQLSTATE that says what was
-- expected and what came, a NULL, or a model with a NOTICE; never a crash or an invented number.
--
CREATE SCHEMA bad_input;
SET search_path = bad_input, segment;
\set VERBOSITY default
\i test/lib/try.psql
-- the parameters are not shown: where they run off, their digits mean nothing
CREATE FUNCTION summary(m segment_model) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(', ', m::jsonb ->> 'kind', m::jsonb ->> 'n_used' || ' used', m::jsonb ->> 'n_skipped' || ' skipped',
                     'converged ' || (m::jsonb ->> 'converged'), 'rank ' || (m::jsonb ->> 'rank'),
                     CASE WHEN m::text::segment_model::text <> m::text THEN 'changed' END)
$$;
CREATE TABLE customer AS
SELECT i, x, CASE WHEN x > 0 THEN greatest(1,
    round(t * (1 - (i * 104729 % 1013 / 1013.0) ^ (x + 1)) * CASE WHEN i % 3 = 0 THEN 0.3 ELSE 1 END)) ELSE 0 END
           ::float8 AS t_x, t::float8, 10 + 90 / (1 + i * 37 % 101 / 10.0) AS m
FROM (SELECT i, floor(6 / (1 + i * 7919 % 1009 / 60.0))::float8 AS x, 20 + i % 13 AS t FROM generate_series(1, 600) AS i) AS c;

-- ---- models of buying ----
-- rows that are no history are skipped, and told; without any that is one there is no model
\set good 'SELECT x, t_x, t FROM customer UNION ALL '
SELECT summary(bgnbd(feature_set(h))) FROM (:good VALUES
    (NULL, 1, 2), (1, NULL, 2), (1, 1, NULL::float8), ('NaN', 1, 2), (1, 'NaN'::float8, 2), ('Infinity', 1, 2), (1, 1, 'Infinity'),
    (-1, 1, 2), (1.5, 1, 2), (1, -1, 2), (1, 3, 2), (0, 1, 2), (1, 1, 1e15), (1e15, 1, 2)) AS h;
SELECT summary(pareto_nbd(feature_set(h))) FROM (:good VALUES (1, 30, 20)) AS h;
SELECT summary(bgbb(feature_set(h), 3)) FROM (SELECT least(x, t_x) AS x, t_x, t FROM customer UNION ALL VALUES
    (1, 1.5, 4), (1, 2, 4.5), (3, 2, 4), (1, 2, 1e6), (1, 2, 100001)) AS h;
SELECT summary(gamma_gamma(feature_set(x, m))) FROM (SELECT x, m FROM customer UNION ALL VALUES
    (1, -5), (2, 0), (1, NULL), (1, 'NaN'::float8), (1, 'Infinity'), (-1, 5), (0, NULL)) AS h;
SELECT summary(bgnbd(feature_set_weighted(w, x, t_x, t)))
FROM (SELECT CASE i WHEN 1 THEN NULL WHEN 2 THEN 0 ELSE 0.5 END AS w, * FROM customer) AS c;
SELECT trainer, try(format('SELECT summary(%s(feature_set(%s))) FROM customer', trainer,
                           CASE trainer WHEN 'gamma_gamma' THEN '-1, m' ELSE '-1, t_x, t' END)) AS all_skipped
FROM unnest('{bgnbd,mbgnbd,pareto_nbd,bgbb,gamma_gamma}'::text[]) AS trainer;
-- nobody has come back; nobody was watched; a single customer; all the same; too few different ones
SELECT trainer, what, try(format('SELECT summary(%s(feature_set(%s))) FROM customer %s', trainer,
                                 CASE trainer WHEN 'gamma_gamma' THEN value ELSE history END, rest)) AS result
FROM unnest('{bgnbd,mbgnbd,pareto_nbd,bgbb,gamma_gamma}'::text[]) AS trainer,
     (VALUES ('x = 0', '0, 0, t', '0, NULL', ''), ('T = 0', '0, 0, 0', '0, 0', ''), ('one row', '3, 4, 10', '3, 4', 'LIMIT 1'),
             ('empty', 'x, t_x, t', 'x, m', 'WHERE false'), ('the same', '3, 4, 10', '3, 4', ''),
             ('two kinds', '3 * (i % 2), 4 * (i % 2), 10', '1 + i % 2, 4', '')) AS v (what, history, value, rest)
ORDER BY trainer COLLATE "C", what COLLATE "C";
SELECT bgnbd(f), pareto_nbd(f), gamma_gamma(f) FROM (SELECT feature_set(x, t_x, t) AS f FROM customer WHERE false) AS s;
-- every customer buys to the end; all T the same; thousands of purchases; decades in days; the same in other units
SELECT what, summary(bgnbd(feature_set(x, t_x, t))) AS bgnbd, summary(pareto_nbd(feature_set(x, t_x, t))) AS pareto_nbd
FROM (SELECT 'to the end' AS what, x, CASE WHEN x > 0 THEN t ELSE 0 END AS t_x, t::float8 FROM customer
      UNION ALL SELECT 'one T', x, t_x, 40 FROM customer UNION ALL SELECT 'thousands', x * 1000, t_x, t FROM customer
      UNION ALL SELECT 'decades', x, t_x * 365.25, t * 365.25 FROM customer
      UNION ALL SELECT 'tiny unit', x, t_x * 1e9, t * 1e9 FROM customer) AS h GROUP BY what ORDER BY what COLLATE "C";
-- a model does not change with the unit but in it
SELECT max(abs(probability_alive(a, x, t_x, t) - probability_alive(b, x, t_x * 1e9, t * 1e9))) < 1e-6 AS unit_free
FROM (SELECT bgnbd(feature_set(x, t_x, t)) AS a, bgnbd(feature_set(x, t_x * 1e9, t * 1e9)) AS b FROM customer) AS m, customer;
SELECT try($$ SELECT summary(gamma_gamma(feature_set(x, m * 1e300))) FROM customer $$);
SELECT try($$ SELECT summary(gamma_gamma(feature_set(x, m * 1e-300))) FROM customer $$);
SELECT try($$ SELECT summary(bgnbd(feature_set(x, t_x * 1e-300, t * 1e-300))) FROM customer $$);
-- arguments
SELECT statement, try(format('SELECT summary(%s) FROM customer', statement)) AS result
FROM unnest(ARRAY['bgnbd(feature_set(x, t_x, t), -1)', $$bgnbd(feature_set(x, t_x, t), 'NaN')$$, 'bgnbd(feature_set(x, t_x, t), 1e10)',
                  $$bgnbd(feature_set(x, t_x, t), 'Infinity')$$, 'bgnbd(feature_set(x, t_x, t), NULL)', 'bgbb(feature_set(x, t_x, t), 0.5)',
                  'bgbb(feature_set(x, t_x, t), 100001)', 'bgnbd(feature_set(x, t_x))', 'bgnbd(feature_set(x, t_x, t, m))',
                  'gamma_gamma(feature_set(x))']) AS statement;
CREATE TYPE text_history AS (x text, t_x float8, t float8);
SELECT try('SELECT bgnbd(feature_set((x::text, t_x, t)::text_history)) FROM customer');

-- ---- what a model of buying says of what is no history, of the extremes ----
SELECT bgnbd(f, 10) AS bg, pareto_nbd(f) AS pareto FROM (SELECT feature_set(x, t_x, t) AS f FROM customer) AS s \gset
SELECT bgbb(feature_set(least(x, t_x), t_x, t)) AS bb FROM customer \gset
SELECT gamma_gamma(feature_set(x, m)) AS gg FROM customer \gset
SELECT count(*) AS rows, count(probability_alive(m, x, t_x, t)) AS alive, count(expected_purchases(m, x, t_x, t, 5)) AS expected,
       count(purchase_probability(m, x, t_x, t, 5)) AS probable, count(next_purchase_at(m, x, t_x, t, '2026-01-01')) AS next,
       count(predict(m, x, t_x, t)) AS predicted
FROM unnest(ARRAY[:'bg', :'pareto', :'bb']::segment_model[]) AS m, (VALUES
    (NULL::float8, 1::float8, 2::float8), (1, NULL, 2), (1, 1, NULL), ('NaN', 1, 2), (1, 'NaN', 2), ('Infinity', 1, 2), (1, 1, 'Infinity'),
    (-1, 1, 2), (1.5, 1, 2), (1, -1, 2), (1, 3, 2), (0, 1, 2), (1, 1, 1e15)) AS h (x, t_x, t);
SELECT probability_alive(:'bb', 1, 2, 100001) AS opportunities, probability_alive(:'bb', 0, 0, 1e12) AS more,
       probability_alive(:'bb', 0, 0, 1e5) BETWEEN 0 AND 1 AS most;
SELECT bool_and(probability_alive(m, x, t_x, t) BETWEEN 0 AND 1) AS alive, bool_and(expected_purchases(m, x, t_x, t, 1e5) >= 0) AS expected,
       bool_and(purchase_probability(m, x, t_x, t, 1e5, 1000) BETWEEN 0 AND 1) AS probable
FROM unnest(ARRAY[:'bg', :'pareto', :'bb']::segment_model[]) AS m,
     (VALUES (0, 0, 0), (0, 0, 1e5), (5000, 1e4, 2e4), (5000, 2e4, 2e4), (1, 1, 1e5)) AS h (x, t_x, t);
SELECT model, statement, try(format('SELECT %s FROM (SELECT %L::segment_model AS m) AS s', statement, value)) AS result
FROM (VALUES ('bgnbd', :'bg'), ('bgbb', :'bb')) AS m (model, value),
     unnest(ARRAY['expected_purchases(m, 1, 1, 2, -1)', $$expected_purchases(m, 1, 1, 2, 'NaN')$$, 'expected_purchases(m, 1, 1, 2, 2e9)',
                  'expected_purchases(m, 1, 1, 2, 2e5) > 0', 'purchase_probability(m, 1, 1, 2, 5, -1)',
                  $$next_purchase_at(m, 1, 1, 2, '2026-01-01', quantile => 0)$$, $$next_purchase_at(m, 1, 1, 2, '2026-01-01',
                  quantile => 'NaN')$$,
                  'customer_lifetime_value(m, m, 1, 1, 2, 30, 5, 0.01)']) AS statement ORDER BY model COLLATE "C" DESC,
                  statement COLLATE "C";
SELECT statement, try(format('SELECT %s FROM (SELECT %L::segment_model AS m, %L::segment_model AS g) AS s', statement, :'bg',
    :'gg')) AS result
FROM unnest(ARRAY['customer_lifetime_value(m, g, 1, 1, 2, 30, 5, -0.1)', 'customer_lifetime_value(m, g, 1, 1, 2, 30, 5, 0.01, 0)',
                  'expected_value(g, 1, -1)', $$expected_value(g, 1, 'NaN')$$, 'expected_value(g, 0, NULL) > 0', 'expected_value(g, 1,
                  1e300) > 0',
                  'predict(g, 1, 0)']) AS statement;
SELECT try(format('SELECT model_fit(%L, feature_set(x, t_x, t), 0) FROM customer', :'bg')) AS none,
       try(format('SELECT model_fit(%L, feature_set(x, t_x, t), 1001) FROM customer', :'bg')) AS many,
       try(format('SELECT model_fit(%L, feature_set(x, m), 3) FROM customer', :'gg')) AS spending,
       try(format('SELECT count(*) FROM customer, model_fit(%L, (SELECT feature_set(-1, t_x, t) FROM customer), 3) WHERE i = 1',
       :'bg')) AS skipped;
-- forged
SELECT part, value, try(format('SELECT summary(jsonb_set(%L, %L, %L)::segment_model)', :'bg', part, value)) AS result
FROM (VALUES ('{parameters,r}', '0'), ('{parameters,r}', '-1'), ('{parameters,r}', '1e7'), ('{parameters,alpha}', '1e-31'),
             ('{parameters,a}', '"NaN"'), ('{parameters,b}', '"Infinity"'), ('{parameters,b}', 'null'),
             ('{parameters,s}', '1'), ('{parameters}', '{}'), ('{parameters}', '[1, 2, 3, 4]'), ('{standard_errors,r}', '-1'),
             ('{standard_errors,r}', '"Infinity"'), ('{standard_errors}', 'null'), ('{log_likelihood}', '"-Infinity"'), ('{steps}', '-1'),
             ('{steps}', '1e10'), ('{converged}', '1'), ('{horizon}', '-1'), ('{horizon}', '1e10'), ('{horizon}', '"NaN"'),
             ('{kind}', '"pareto_nbd"'), ('{kind}', '"gamma_gamma"'), ('{surplus}', '1'), ('{n_used}', '1e300')) AS f (part, value);
SELECT try(format('SELECT summary((%L::jsonb - %L)::segment_model)', :'bg', key)) AS missing FROM jsonb_object_keys(:'bg'::jsonb) AS key
ORDER BY key COLLATE "C";
SELECT try(format('SELECT summary(jsonb_set(%L, %L, %L)::segment_model)', :'bb', '{horizon}', horizon)) AS opportunities
FROM unnest('{1.5,100001,100000}'::text[]) AS horizon;
-- all parameters at an end of their range: numbers, never an endless loop
SELECT count(*) AS models, bool_and(probability_alive(m, 3, 10, 20) BETWEEN 0 AND 1) AS alive,
       bool_and(coalesce(expected_purchases(m, 3, 10, 20, 5), 0) >= 0) AS expected,
       bool_and(coalesce(purchase_probability(m, 3, 10, 20, 5, 2), 0) BETWEEN 0 AND 1) AS probable
FROM unnest('{1e-6,1,1e6}'::numeric[]) AS a, unnest('{1e-6,1,1e6}'::numeric[]) AS b, unnest('{1e-6,1,20}'::numeric[]) AS c,
     unnest('{1e-6,1,1e6}'::numeric[]) AS d, (VALUES (:'bg', '{r,alpha,a,b}'::text[]), (:'pareto', '{r,alpha,s,beta}'),
                                                       (:'bb', '{alpha,beta,gamma,delta}')) AS v (json, names),
     LATERAL (SELECT jsonb_set(json::jsonb, '{parameters}', (SELECT jsonb_object_agg(name, value) FROM unnest(names, ARRAY[a, b, c, d])
                                                             AS p (name, value)))::segment_model AS m) AS m;

-- ---- regressions ----
CREATE TABLE people AS
SELECT i, (i * 7919 % 101 + i * 31 % 17 > 55)::integer AS y, i * 104729 % 97 / 4.0 AS a, i * 7 % 13 AS b, (ARRAY['x', 'y',
    'z'])[1 + i * 31 % 7 % 3] AS c
FROM generate_series(1, 120) AS i;
-- one class, of numbers and of labels; a label that is no label; constants; separated
SELECT trainer || ': ' || columns AS what, try(format('SELECT summary(%s(feature_set(r))) FROM (SELECT %s FROM people) AS r', trainer,
    columns)) AS result
FROM unnest('{linear_regression,logistic_regression}'::text[]) AS trainer, unnest(ARRAY[
    '0 AS y, a', '1 AS y, a', 'true AS y, a', '5 AS y, a', 'i % 3 AS y, a', 'y, 1 AS one', 'y, a, a AS again', 'y, a, a AS a',
    'y, y AS same', 'y, a, 1 - y AS turned', 'y, a, b, a + b AS sum', 'y, a, NULL::float8 AS hole', 'NULL::integer AS y, a',
    $$y, CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' ELSE a END AS a$$, $$y, 'NaN'::float8 AS a$$, 'y, a * 1e200 AS a',
    'y, a * 1e-200 AS a', 'y, a * 1e305 AS a', 'a, c', 'c, a', 'y', $$y, 'same' AS c$$, 'y, c, upper(c) AS same', 'y, i::text AS c',
    '1e9 + y AS y, a']) AS columns
ORDER BY columns COLLATE "C", trainer COLLATE "C";
-- no row, one, two; more features than rows; more categories than a regression has coefficients
SELECT trainer || ': ' || rest AS what,
       try(format('SELECT summary(%s(feature_set(r))) FROM (SELECT y, a, b, i, i * i AS square FROM people %s) AS r', trainer,
       rest)) AS result
FROM unnest('{linear_regression,logistic_regression}'::text[]) AS trainer, unnest(ARRAY['WHERE false', 'LIMIT 1', 'LIMIT 2',
    'LIMIT 4']) AS rest
ORDER BY rest COLLATE "C", trainer COLLATE "C";
SELECT linear_regression(f), logistic_regression(f) FROM (SELECT feature_set(y, a) AS f FROM people WHERE false) AS s;
SELECT try($$ SELECT summary(linear_regression(feature_set(VARIADIC x))) FROM (
    SELECT (SELECT array_agg((i * j * 7919 % 1009)::float8) FROM generate_series(1, 40) AS j) AS x FROM generate_series(1,
    20) AS i) AS r $$) AS wide;
SELECT try($$ SELECT summary(logistic_regression(feature_set(r), penalty => 0.1)) FROM (SELECT i % 2 AS y, i::text AS c
    FROM generate_series(1, 2100) AS i) AS r $$)
    AS many;
-- weights
SELECT try($$ SELECT summary(linear_regression(feature_set_weighted(0, y, a))) FROM people $$) AS none,
       try($$ SELECT summary(linear_regression(feature_set_weighted(-1, y, a))) FROM people $$) AS negative,
       try($$ SELECT summary(logistic_regression(feature_set_weighted(nullif(i % 4, 0), y, a))) FROM people $$) AS some;
-- arguments that are NULL or no numbers
SELECT argument, try(format('SELECT summary(logistic_regression(feature_set(y, a), %s)) FROM people', argument)) AS result
FROM unnest(ARRAY['penalty => NULL', $$penalty => 'NaN'$$, $$penalty => 'Infinity'$$, 'penalty => 1e308', 'l1_share => NULL',
    'l1_share => -1',
                  'standardize => NULL', 'intercept => NULL', 'errors => NULL', 'max_iterations => 0', 'max_iterations => NULL',
                  $$baseline => '[]'$$, $$baseline => '{"a": 1}'$$, $$target => ''$$, $$positive => '1'$$]) AS argument;
-- forged
SELECT logistic_regression(feature_set(r)) AS logit FROM (SELECT y, a, c FROM people) AS r \gset
SELECT part, value, try(format('SELECT summary(jsonb_set(%L, %L, %L)::segment_model)', :'logit', part, value)) AS result
FROM (VALUES ('{intercept,coefficient}', '"NaN"'), ('{intercept,coefficient}', '"Infinity"'), ('{intercept,error}', '-1'),
             ('{intercept}', '[]'), ('{intercept,surplus}', '1'), ('{features,0,coefficient}', '"-Infinity"'), ('{features,0,name}', '"y"'),
             ('{features,0,name}', '"c"'), ('{features,0,error}', '"NaN"'), ('{features,1,coefficients}', '[0, 1e308, -1e308]'),
             ('{features,1,coefficients}', '[0, 1, 2, 3]'), ('{features,1,errors}', '[null]'),
             ('{features,1,categories}', '["z", "y", "x"]'),
             ('{features,1,categories}', '["x", "x", "z"]'), ('{features}', '{}'), ('{features}', '[1]'), ('{penalty}', '-1'),
             ('{penalty}', '"Infinity"'), ('{l1_share}', '2'), ('{deviance}', '-1'), ('{deviance}', '"NaN"'), ('{null_deviance}',
             '"Infinity"'),
             ('{rank}', '-1'), ('{rank}', '5'), ('{iterations}', '51'), ('{max_iterations}', '0'), ('{weighted}', 'null'),
             ('{positive}', '1'), ('{target}', '["y"]'), ('{surplus}', '1')) AS f (part, value);
-- as many features and categories as there may be, and more
SELECT n, try(format('SELECT length((jsonb_set(%L, %L, %L)::segment_model)::text) > 100000', :'logit', '{features}',
                     (SELECT jsonb_agg(jsonb_build_object('name', 'f' || i, 'coefficient', i, 'error', null)) FROM generate_series(1,
                     n) AS i))) AS features
FROM unnest('{2000,2001,100000}'::integer[]) AS n;
SELECT try(format('SELECT predict(%L::segment_model, 1, %L) BETWEEN 0 AND 1',
                  jsonb_set(:'logit', '{features,1}', jsonb_build_object('name', 'c', 'baseline', 'c000001', 'categories',
                  jsonb_agg(name), 'coefficients',
                            jsonb_agg(i - 1), 'errors', jsonb_agg(NULL::integer))), 'c099999')) AS categories
FROM generate_series(1, 100000) AS i, format('c%s', lpad(i::text, 6, '0')) AS name;
-- predictions of what was never seen
SELECT linear_regression(feature_set(r)) AS line FROM (SELECT y, a, c FROM people) AS r \gset
SELECT predict(:'line'::segment_model, NULL, 'x') AS missing, predict(:'line'::segment_model, 1, 'w') AS unknown,
       predict(:'line'::segment_model, 'NaN'::float8, 'x') AS nan, abs(predict(:'line'::segment_model, 'Infinity'::float8,
       'x')) AS infinite,
       predict(:'line'::segment_model, 1, NULL::text) AS no_category;
SELECT try(format('SELECT predict(%L::segment_model, 1)', :'line')) AS few, try(format('SELECT predict(%L::segment_model, ''x'', 1)',
    :'line')) AS turned;

-- ---- measures ----
SELECT statement, try(format('SELECT (%s)::text FROM people', statement)) AS result
FROM unnest(ARRAY['prediction_quality(feature_set(1, a / 30))', 'prediction_quality(feature_set(y, NULL::float8))',
    'prediction_quality(feature_set(b, a))',
                  $$prediction_quality(feature_set(y, 'NaN'::float8))$$, 'prediction_quality(feature_set(y, a, b))',
                  $$(prediction_quality(feature_set(y, 'Infinity'::float8))).auc$$, 'prediction_table(feature_set(y, a), 1)',
                  'prediction_table(feature_set(y, 1), 5)', 'rank_criteria(feature_set(0, a))', 'rank_criteria(feature_set(y))',
                  'rank_criteria(feature_set(y, a), resamples => -1)', 'rank_criteria(feature_set(y, a), confidence => 1)',
                  'rank_criteria(feature_set(y, 1), resamples => 0)', 'rank_criteria(feature_set(y, NULL::float8),
                  resamples => 0)']) AS statement;
SET client_min_messages = warning;
DROP SCHEMA bad_input CASCADE;
