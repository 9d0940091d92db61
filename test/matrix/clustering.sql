--
-- Clustering of more rows than models.sql has, far from zero, where bounds and single precision
-- decide which distances are taken at all; what row functions say by such models; which k.
-- Integer arithmetic and division only on the way in.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE point AS
SELECT i AS id, 1700000000 + i % 7 * 300000 + i::bigint * 2654435761 % 4294967296 / 9973.0 AS a,
       i % 7 * i % 5 + i::bigint * 40503 % 65536 / 4096.0 AS b,
       i % 3 * 1e-9 + i::bigint * 2246822519 % 4294967296 % 1009 / 1e12 AS c, i::bigint * 7919 % 100003 / 7.0 AS d,
       (ARRAY['a', 'b', 'c', 'd'])[1 + i::bigint * 104729 % 1009 % 4] AS letter
FROM generate_series(1, 20000) AS i;
CREATE TEMP TABLE features AS SELECT feature_set(p) AS f, (SELECT feature_set(a, b, c, d) FROM point WHERE id <= 2000) AS few,
    (SELECT feature_set(m) FROM (SELECT a, b, letter FROM point WHERE id <= 2000) AS m) AS mixed
FROM (SELECT a, b, c, d FROM point) AS p;

CREATE TEMP TABLE model AS
SELECT 'kmeans ' || k || ' ' || scale || ' ' || metric AS name, kmeans(f, k, n_init => 2, scale => scale, metric => metric) AS m
FROM features, unnest('{3,12,40}'::int[]) AS k, (VALUES ('zscore', 'euclidean'), ('robust', 'cosine')) AS v (scale, metric)
UNION ALL SELECT 'bisecting', bisecting_kmeans(f, 9, n_init => 2) FROM features
UNION ALL SELECT 'mixture ' || covariance, gaussian_mixture(few, 3, covariance, n_init => 2, max_iter => 20)
FROM features, unnest('{full,tied,diag,spherical}'::text[]) AS covariance
UNION ALL SELECT 'prototypes', kprototypes(mixed, 4, n_init => 2) FROM features;
SELECT name, m FROM model ORDER BY name COLLATE "C";
SELECT name, md5(string_agg(x::text, E'\n' ORDER BY segment_id, feature COLLATE "C")) FROM model, centroids(m) AS x GROUP BY name
ORDER BY name COLLATE "C";
SELECT name, md5(string_agg(concat_ws('|', assign_segment_id(m, a, b, c, d), segment_distance(m, a, b, c, d),
                                      explain_segment(m, a, b, c, d)), E'\n' ORDER BY id))
FROM model, point WHERE id % 20 = 0 AND name <> 'prototypes' GROUP BY name ORDER BY name COLLATE "C";
SELECT md5(string_agg(concat_ws('|', assign_segment_id(m, a, b, letter), segment_distance(m, a, b, letter),
                                explain_segment(m, a, b, letter)), E'\n' ORDER BY id)) FROM model, point WHERE name = 'prototypes';
SELECT kmeans_step(m, a, b, c, d) FROM model, point WHERE name = 'kmeans 12 zscore euclidean';
SELECT k, k.inertia, bic, recommended, reason FROM features, unnest('{full,diag}'::text[]) AS covariance,
    choose_k(few, 1, 3, 'gaussian_mixture', 'bic', n_init => 1, max_iter => 20, covariance => covariance) AS k
ORDER BY covariance COLLATE "C", k.k;
