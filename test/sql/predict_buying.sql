--
-- Models of buying: histories from orders, fits, row functions, bad input.  Figures are compared with references in
-- test/pgtap/predict_buying_oracle.sql.
--
CREATE SCHEMA buying;
SET search_path = buying, segment;
\set VERBOSITY terse
CREATE TABLE orders (id int, day date, amount numeric);
INSERT INTO orders VALUES (1, '2015-01-01', 1), (1, '2015-02-06', 2), (2, '2015-01-01', 2), (3, '2015-01-01', 3), (3, '2015-01-02', 1),
    (3, '2015-01-05', 5), (4, '2015-01-16', 6), (4, '2015-02-02', 3), (4, '2015-02-05', 3), (5, '2015-01-16', 3), (5, '2015-01-17', 1),
    (5, '2015-01-18', 8), (6, '2015-02-02', 5);
-- the fixture of the package lifetimes
SELECT * FROM buying_history(null::int, 'TABLE orders', '2015-02-08', 'day') ORDER BY customer;
SELECT customer, x, t_x, t, mean_value FROM buying_history(null::int, 'TABLE orders', '2015-02-08', whole_units => true) ORDER BY customer;
SELECT * FROM buying_history(null::int, 'TABLE orders', '2015-02-08', 'day', holdout_from => '2015-02-02') ORDER BY customer;
SELECT customer FROM buying_history(null::int, 'TABLE orders', '2015-02-08', 'day', since => '2015-01-10') ORDER BY customer;
INSERT INTO orders VALUES (4, '2015-02-05', 6), (1, NULL, 1), (2, '2015-01-05', -1), (NULL, '2015-01-05', 1), (2, '2015-01-07', 'NaN');
SELECT customer, x, mean_value FROM buying_history(null::int, 'TABLE orders', '2015-02-08', 'day') WHERE customer IN (2, 4) ORDER BY 1;
SELECT buying_history(null::int, 'TABLE orders', '2015-02-08', 'hour');
SELECT buying_history(null::text, 'TABLE orders', '2015-02-08');
SELECT buying_history(null::int, 'TABLE orders', '2015-02-08', holdout_from => '2016-01-01');
SELECT buying_history(null::int, 'DELETE FROM orders RETURNING *', '2015-02-08');

-- rows in any order and with copies or weights: the same bytes
CREATE TABLE customer AS SELECT i, i * 7 % 5 * (i % 3) AS x, CASE WHEN i * 7 % 5 * (i % 3) = 0 THEN 0 ELSE 3 + i % 17 END AS t_x,
    20 + i % 13 AS t, 10 + i * 37 % 101 AS mean_value FROM generate_series(1, 600) AS i;
-- which is trained first depends on the server, and so does the order of notices
SET client_min_messages = warning;
SELECT count(DISTINCT bgnbd(f)::text), count(DISTINCT pareto_nbd(f)::text), count(DISTINCT gamma_gamma(g)::text)
FROM (SELECT feature_set(x, t_x, t ORDER BY i) AS f, feature_set(x, mean_value ORDER BY i) AS g FROM customer
      UNION ALL SELECT feature_set(x, t_x, t ORDER BY t, i DESC), feature_set(x, mean_value ORDER BY t, i DESC) FROM customer) AS s;
RESET client_min_messages;
SELECT bgnbd(feature_set(c), 10) AS bg FROM (SELECT t, x, t_x FROM customer) AS c \gset
SELECT :'bg'::segment_model::text = :'bg', predict(:'bg', 3, 10, 20) = expected_purchases(:'bg', 3, 10, 20, 10),
       predict(:'bg', c) IS NULL FROM (SELECT 20 AS t, 3 AS x, 30 AS t_x) AS c;
SELECT model_metrics(:'bg') - 'parameters' - 'standard_errors' - 'log_likelihood' - 'steps';
SELECT model_metrics(bgnbd(feature_set(x, t_x, t))) ->> 'n_skipped' FROM (SELECT x, t_x, t FROM customer
    UNION ALL VALUES (1, 30, 20), (0, 1, 20), (-1, 0, 20), (NULL, 0, 20)) AS c;
-- what is no history has no figure
SELECT probability_alive(:'bg', 1, 30, 20), expected_purchases(:'bg', NULL, 30, 20, 1), purchase_probability(:'bg', 0.5, 1, 2, 1),
       expected_purchases(:'bg', 'NaN', 1, 2, 1), probability_alive(:'bg', 0, 0, 0), expected_purchases(:'bg', 3, 10, 20, 0),
       next_purchase_at(:'bg', 3, 10, 20, '2026-01-01', quantile => 0.9999999);
-- the instant of the next purchase is where its probability is
SELECT abs(purchase_probability(:'bg', 3, 10, 12, extract(epoch FROM next_purchase_at(:'bg', 3, 10, 12, '2026-01-01 00:00Z', '1 week', 0.1)
       - timestamptz '2026-01-01 00:00Z')::float8 / 604800) - 0.1) < 1e-6;
SELECT sum(customers), round(sum(expected)::numeric, 6) FROM (SELECT feature_set(x, t_x, t) AS f FROM customer) AS s,
    model_fit(:'bg', f, 3);

-- the floor: an error with a reason, never an invented number
SELECT bgnbd(feature_set(0, 0, t)) FROM customer;
SELECT pareto_nbd(feature_set(3, 4, 10));
SELECT gamma_gamma(feature_set(x, 0 * mean_value)) FROM customer WHERE x > 0;
SELECT bgnbd(NULL), gamma_gamma(NULL), predict(NULL::segment_model, 1), expected_value(NULL, 1, 1);
SELECT bgnbd(feature_set(x, t_x)) FROM customer;
SELECT bgbb(feature_set(x, t_x, t), 1.5) FROM customer;
SELECT expected_purchases(:'bg', 1, 1, 2, -1);
SELECT purchase_probability(:'bg', 1, 1, 2, 1, -1);
SELECT next_purchase_at(:'bg', 1, 1, 2, now(), quantile => 1);
SELECT expected_value(:'bg', 1, 1);
SELECT assign_segment(:'bg'::segment_model, 1, 1, 2);
SELECT * FROM segments(:'bg');
SELECT explain_segment(:'bg'::segment_model, 1, 1, 2);
SELECT replace(:'bg', '"horizon": 10', '"horizon": -1')::segment_model;
SELECT regexp_replace(:'bg', '"r": [0-9.]+', '"r": 0')::segment_model;
SET client_min_messages = warning;
DROP SCHEMA buying CASCADE;
