--
-- Models and feature sets of generated data, to be compared byte by byte
-- between servers (law 3).  Integer arithmetic only on the way in: libm and the
-- server's random numbers may differ between versions.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE customer AS
SELECT i AS id, (i::bigint * 2654435761 % 4294967296) % 400 AS recency, 1 + (i::bigint * 40503 % 65536) % 17 % (1 + i % 13) AS frequency,
       (i::bigint * 2246822519 % 4294967296) % 1000003 / 100.0 - 20 AS monetary,
       (ARRAY['a', 'b', 'c'])[1 + i % 3] AS letter, i % 5 = 0 AS flag
FROM generate_series(1, 5000) AS i;
UPDATE customer SET monetary = NULL WHERE id % 101 = 0;
UPDATE customer SET recency = NULL, frequency = 0 WHERE id % 97 = 0;

-- every method, number of bins and scheme
SELECT method, bins, rfm_model(feature_set(recency, frequency, monetary), bins, method, scheme => 'eleven_names')
FROM customer, unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method, unnest('{3,4,5,7,10}'::int[]) AS bins GROUP BY method, bins
ORDER BY method COLLATE "C", bins;
SELECT name, rfm_model(feature_set(recency, frequency, monetary), scheme => name) FROM customer, rfm_scheme GROUP BY name
ORDER BY name COLLATE "C";
SELECT rfm_model(feature_set(recency, frequency, monetary), 4, 'thresholds',
                 '{"recency": [0.1, 30, 365.25], "frequency": [1, 2, 3], "monetary": [1e-7, 123456.789, 1e22]}', scheme => 'eleven_names')
FROM customer;
SELECT rfm_model(feature_set_weighted(id % 4 / 8.0, recency, frequency, monetary), scheme => 'eleven_names') FROM customer;
-- numbers that are hard to print and to sum
SELECT rfm_model(feature_set(x, abs(x) + 1e-300, x / 3), scheme => 'eleven_names')
FROM (SELECT (i - 500) * 1.1e-5::float8 AS x FROM generate_series(1, 1000) AS i
      UNION ALL SELECT (i::float8 * 1e17 + 0.1) * 1e100 FROM generate_series(1, 1000) AS i) AS t;

-- sets: all forms; of the large ones a digest
SELECT feature_set(recency, frequency, monetary) FROM customer WHERE id <= 50;
SELECT feature_set(c) FROM (SELECT letter, flag, recency, monetary FROM customer WHERE id <= 50) AS c;
SELECT feature_set_weighted(id % 4 / 8.0, recency, monetary) FROM customer WHERE id <= 50;
SELECT feature_set_info(feature_set(recency, frequency, monetary)), md5(feature_set(recency, frequency, monetary)::text) FROM customer;
SET maintenance_work_mem = '1MB';
SELECT feature_set_info(f), md5(f::text)
FROM (SELECT feature_set(i, i::bigint * 2654435761 % 4294967296, i / 7.0) AS f FROM generate_series(1, 100000) AS i) AS t;
SELECT rfm_model(feature_set(i, i::bigint * 2654435761 % 4294967296, i / 7.0), scheme => 'eleven_names')
FROM generate_series(1, 100000) AS i;

-- scores, segments and reasons
SELECT md5(string_agg(concat_ws('|', id, assign_segment(m, recency, frequency, monetary), rfm_score(m, recency, frequency, monetary),
                                explain_segment(m, recency, frequency, monetary)), E'\n' ORDER BY id))
FROM customer, (SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') AS m FROM customer) AS t;
-- summaries: amounts as numeric and as float8, zones, refunds
CREATE TEMP TABLE orders AS
SELECT (i::bigint * 40503 % 65536) % 500 AS customer,
       timestamptz '2020-01-01 00:00 UTC' + (i::bigint * 2654435761 % 4294967296) % (86400 * 1500) * interval '1 second' AS at,
       (i::bigint * 2246822519 % 4294967296) % 100003 / 100.0 - 50 AS amount
FROM generate_series(1, 20000) AS i;
SELECT zone, md5(string_agg(concat_ws('|', s.customer, extract(epoch FROM first_order_at), extract(epoch FROM last_order_at),
                                      recency, frequency, round(monetary, 2), mean_amount), E'\n' ORDER BY s.customer))
FROM unnest('{UTC,America/New_York,Europe/Berlin,Asia/Kolkata}'::text[]) WITH ORDINALITY AS z (zone, ordinality),
    rfm_summary(null::bigint, 'SELECT customer, at, amount FROM orders', '2024-01-01 00:00 UTC', time_zone => zone) AS s
GROUP BY 1 ORDER BY min(ordinality);
SELECT refunds, md5(string_agg(concat_ws('|', s.customer, frequency, round(monetary, 2), mean_amount), E'\n' ORDER BY s.customer))
FROM unnest('{net,ignore,order}'::text[]) WITH ORDINALITY AS r (refunds, ordinality),
    rfm_summary(null::bigint, 'SELECT customer, at, amount::float8 FROM orders', '2024-01-01 00:00 UTC', refunds => refunds) AS s
GROUP BY 1 ORDER BY min(ordinality);

-- clustering: every option
SELECT kmeans(feature_set(recency, frequency, monetary), k) FROM customer, unnest('{1,2,5,17}'::int[]) AS k GROUP BY k ORDER BY k;
SELECT scale, kmeans(feature_set(recency, frequency, monetary), 4, scale => scale, log => '{f3}',
                     winsorize => '0.01', weights => '{"f2": 3}', nulls => 'mean')
FROM customer, unnest('{zscore,minmax,robust,none}'::text[]) AS scale GROUP BY scale ORDER BY scale COLLATE "C";
SELECT kmeans(feature_set(recency, monetary), 3, metric => 'cosine') FROM customer;
SELECT kmeans(feature_set_weighted(id % 4 / 8.0, recency, frequency, monetary), 5) FROM customer;
SELECT kmeans(feature_set(x, x / 3), 4) FROM (SELECT (i - 500) * 1.1e-5::float8 AS x FROM generate_series(1, 1000) AS i
                                              UNION ALL SELECT (i::float8 * 1e17 + 0.1) * 1e100 FROM generate_series(1, 1000) AS i) AS t;
SELECT covariance,
       gaussian_mixture(feature_set(recency, frequency, monetary), 4, covariance, scale => scale, log => '{f3}', nulls => 'mean')
FROM customer, unnest('{full,tied,diag,spherical}'::text[]) AS covariance, unnest('{zscore,none}'::text[]) AS scale
GROUP BY covariance, scale ORDER BY covariance COLLATE "C", scale COLLATE "C";
SELECT gaussian_mixture(feature_set_weighted(id % 4 / 8.0, recency, monetary), 3, reg_covar => 0) FROM customer;
SELECT md5(string_agg(segment_probabilities(m, recency, frequency, monetary)::text, E'\n' ORDER BY id))
FROM customer, (SELECT gaussian_mixture(feature_set(recency, frequency, monetary), 4) AS m FROM customer) AS t;
SELECT kprototypes(feature_set(c), 5, nulls => 'mean', weights => '{"letter": 2}')
FROM (SELECT letter, recency, flag, monetary FROM customer) AS c;
SELECT kprototypes(feature_set(c), 3) FROM (SELECT letter, flag, frequency::text AS often FROM customer) AS c;
-- hierarchies, their cuts, steps and refined models
CREATE TEMP TABLE model AS
SELECT (SELECT bisecting_kmeans(feature_set(recency, frequency, monetary), 6, nulls => 'mean') FROM customer) AS hierarchy,
       (SELECT kmeans(feature_set(recency, frequency, monetary), 4) FROM customer WHERE id % 20 = 1) AS start;
SELECT hierarchy, cut_model(hierarchy, 3) FROM model;
SELECT kmeans_step(start, recency, frequency, monetary), md5(kmeans_step_state(start, recency, frequency, monetary)::text)
FROM customer, model;
SELECT refine_model(start, 'SELECT recency AS f1, frequency AS f2, monetary AS f3 FROM customer') FROM model;

-- trees of rules
SELECT depth, leaf, rule_tree(feature_set(c), depth, leaf) FROM (VALUES (3, 20), (8, 1)) AS v (depth, leaf),
    (SELECT letter, flag, recency, frequency, monetary FROM customer) AS c GROUP BY depth, leaf ORDER BY depth;
SELECT r.* FROM (SELECT rule_tree(feature_set(c), 8, 1) AS m FROM (SELECT recency::integer % 5 AS label, letter, flag, frequency, monetary
    FROM customer) AS c) AS t,
    rule_tree_rules(m) AS r;
SELECT md5(rule_tree(feature_set(i % 7, i, i::bigint * 2654435761 % 4294967296, i / 7.0), 10, 3)::text) FROM generate_series(1, 50000) AS i;
