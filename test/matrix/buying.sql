--
-- Models of buying: the same bits on all servers and of all compilers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE customer AS SELECT i, i * 7 % 5 * (i % 3) AS x, CASE WHEN i * 7 % 5 * (i % 3) = 0 THEN 0 ELSE 3 + i % 17 END AS t_x,
    20 + i % 13 AS t, 10 + i * 37 % 101 AS mean_value FROM generate_series(1, 600) AS i;
SELECT bgnbd(feature_set(x, t_x, t)) AS bg, pareto_nbd(feature_set(x, t_x, t)) AS pareto, gamma_gamma(feature_set(x, mean_value)) AS gg,
       mbgnbd(feature_set(x, t_x, t), 5) AS mbg, bgbb(feature_set(least(x, t_x), t_x, t), 12) AS bb
FROM customer \gset
SELECT :'bg', :'mbg', :'pareto', :'bb', :'gg';
-- with weights, in parts that are merged, a sample
SELECT m FROM (SELECT feature_set_weighted(0.5 + i % 3, x, t_x, t) AS f FROM customer) AS s, unnest(ARRAY[bgnbd(f), pareto_nbd(f)]) AS m;
SELECT bgnbd(f) = :'bg'::segment_model, pareto_nbd(f) = :'pareto'::segment_model
FROM (SELECT feature_set_merge(f) AS f FROM (SELECT feature_set(x, t_x, t) AS f FROM customer GROUP BY i % 7) AS p) AS s;
SET maintenance_work_mem = '1MB';
SELECT bgnbd(feature_set(x, t_x, t + n / 1e6)) FROM customer AS c, generate_series(1, 100) AS n;
RESET maintenance_work_mem;
SELECT md5(string_agg(concat_ws('|', probability_alive(m, x, t_x, t),
       expected_purchases(m, x, t_x, t, 30),
       purchase_probability(m, x, t_x, t, 30, 2), segment_internal.next_purchase(m, x, t_x, t, 0.2),
       predict(m, x, t_x, t), customer_lifetime_value(m, :'gg', x, t_x, t, mean_value, 12, 0.01), expected_value(:'gg', x, mean_value)),
       ',' ORDER BY i)) FROM customer, unnest(ARRAY[:'bg', :'mbg', :'pareto', :'bb']::segment_model[]) AS m;
SELECT f.* FROM customer AS c, unnest(ARRAY[:'bg', :'mbg', :'pareto', :'bb']::segment_model[]) AS m,
    LATERAL (SELECT feature_set(x, t_x, t) AS f FROM customer) AS s, model_fit(m, s.f, 6) AS f WHERE i = 1;
SELECT customer_value(feature_set(x, t_x, t, mean_value), 30, discount => 0.01) AS value FROM customer \gset
SELECT :'value', md5(string_agg(concat_ws('|', assign_segment_id(m, x, t_x, t, mean_value), predict(m, x, t_x, t, mean_value),
       segment_internal.value_days_left(m, x, t_x, t, mean_value)), ',' ORDER BY i))
FROM customer, (SELECT :'value'::segment_model AS m) AS v;
