--
-- Models of buying: the same bits on all servers and of all compilers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE customer AS SELECT i, i * 7 % 5 * (i % 3) AS x, CASE WHEN i * 7 % 5 * (i % 3) = 0 THEN 0 ELSE 3 + i % 17 END AS t_x,
    20 + i % 13 AS t, 10 + i * 37 % 101 AS mean_value FROM generate_series(1, 600) AS i;
SELECT bgnbd(feature_set(x, t_x, t)) AS bg, pareto_nbd(feature_set(x, t_x, t)) AS pareto, gamma_gamma(feature_set(x, mean_value)) AS gg
FROM customer \gset
SELECT :'bg', :'pareto', :'gg';
SELECT md5(string_agg(concat_ws('|', probability_alive(m, x, t_x, t),
       expected_purchases(m, x, t_x, t, 30),
       purchase_probability(m, x, t_x, t, 30, 2), expected_value(:'gg', x, mean_value)),
       ',' ORDER BY i)) FROM customer, unnest(ARRAY[:'bg', :'pareto']::segment_model[]) AS m;
SELECT customer_value(feature_set(x, t_x, t, mean_value), 30, discount => 0.01) AS value FROM customer \gset
SELECT :'value', md5(string_agg(concat_ws('|', assign_segment_id(m, x, t_x, t, mean_value), predict(m, x, t_x, t, mean_value),
       segment_internal.value_days_left(m, x, t_x, t, mean_value)), ',' ORDER BY i))
FROM customer, (SELECT :'value'::segment_model AS m) AS v;
