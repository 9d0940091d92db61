--
-- Quality of segments: the same digits on all servers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE made AS
SELECT i % 5 AS label, 'group ' || i % 7 AS name, i * 7919 % 1009 / 7.0 + i % 5 * 40 AS a,
       i * 104729 % 9973 / 90.0 AS b, 1e9 + i * 31 % 101 / 3.0 AS c FROM generate_series(1, 3000) AS i;
SELECT silhouette(s), simplified_silhouette(s), davies_bouldin(s), calinski_harabasz(s), inertia(s)
FROM (SELECT feature_set(label, a, b, c) AS s FROM made) AS t;
SELECT silhouette(s), simplified_silhouette(s), davies_bouldin(s), calinski_harabasz(s), inertia(s)
FROM (SELECT feature_set(r) AS s FROM (SELECT name, a, b FROM made) AS r) AS t;
SELECT silhouette(s), simplified_silhouette(s), davies_bouldin(s), calinski_harabasz(s), inertia(s)
FROM (SELECT feature_set_weighted(1 + label / 3.0, label, a, b) AS s FROM made) AS t;
SELECT q.* FROM (SELECT feature_set(label, a, b, c) AS s FROM made) AS t, cluster_quality(s) AS q;
SELECT adjusted_rand_index(label, (a / 50)::integer), normalized_mutual_information(label, (a / 50)::integer),
       adjusted_rand_index(name, label::text), normalized_mutual_information(name, label::text), eta_squared(label, a), eta_squared(name, c)
FROM made;
SELECT silhouette(feature_set(i % 3, i * 7919 % 100003, i % 3 * 100 + i * 31 % 1009)) FROM generate_series(1, 30000) AS i;
-- which k, with copies of rows, weights, and a sample
SELECT c.* FROM (SELECT feature_set(a, b) AS s FROM made) AS t, choose_k(s, 1, 7) AS c;
SELECT c.* FROM (SELECT feature_set_weighted(1 + label / 3.0, a, b, c) AS s FROM made) AS t,
    unnest('{gap,bic,stability}'::text[]) AS criterion, choose_k(s, 2, 4, criterion => criterion, scale => 'robust', n_resamples => 3) AS c;
SELECT k, silhouette(s, kmeans(s, k)), davies_bouldin(s, kmeans(s, k)), stability(s, kmeans(s, k), 5)
FROM (SELECT feature_set(a, b) AS s FROM made) AS t, generate_series(2, 4) AS k;
SELECT m, c.* FROM (SELECT feature_set(a, b, c) AS s FROM made) AS t,
    unnest('{bisecting_kmeans,gaussian_mixture,kprototypes}'::text[]) AS m, choose_k(s, 2, 4, m, n_resamples => 3) AS c;
SELECT c.*, stability(s, kprototypes(s, c.k), 5)
FROM (SELECT feature_set(x) AS s FROM (SELECT a, b, label % 3 = 0 AS third FROM made) AS x) AS t,
     choose_k(s, 2, 4, 'kprototypes', n_resamples => 3) AS c;
SELECT k, stability(s, bisecting_kmeans(s, k), 5), stability(s, gaussian_mixture(s, k), 5)
FROM (SELECT feature_set(a, b) AS s FROM made) AS t, generate_series(2, 4) AS k;
