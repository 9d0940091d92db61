--
-- What the quality of segments tells in notices, and that it can be stopped.
--
SET search_path = public, segment;

-- ---- rows left out, and indices that are not defined (law 5) ----
SELECT silhouette(feature_set(label, a))
FROM (VALUES (0::float8, 0::float8), (0, 2), (1, 10), (1, NULL), (NULL, 5), (0, 'NaN'), (1, 'Infinity')) AS v (label, a);
SELECT davies_bouldin(feature_set_weighted(w, label, a)) FROM (VALUES (1, 0, 1), (2, 0, 2), (1, 1, 7), (0, 1, 9)) AS v (w, label, a);
SELECT silhouette(feature_set(1, a)) FROM generate_series(1, 3) AS a;
SELECT simplified_silhouette(feature_set(a, a)) FROM generate_series(1, 3) AS a;
SELECT calinski_harabasz(feature_set(NULL, a)) FROM generate_series(1, 3) AS a;
SELECT label, rows, silhouette FROM cluster_quality((SELECT feature_set(label, 1) FROM (VALUES (1), (1), (NULL)) AS v (label)));
SELECT adjusted_rand_index(a, b), eta_squared(a, b) FROM (VALUES (1, 1), (1, 1), (2, 2), (NULL, 2), (2, NULL)) AS v (a, b);
SELECT adjusted_rand_index(NULL, b) FROM (VALUES ('x'), ('y')) AS v (b);

-- ---- how labels are numbered shows in no figure (law 3) ----
WITH r AS (SELECT i % 7 AS label, (i % 7 * 3 + 2) % 7 AS other, sin(i * 12.9898) + i % 3 AS a, cos(i * 78.233) * 2 AS b, i % 5 AS split
           FROM generate_series(1, 1500) AS i),
     s AS (SELECT feature_set(label, a, b) AS one, feature_set(other, a, b) AS two, adjusted_rand_index(label, split) AS ari,
               adjusted_rand_index(other, split) AS other_ari, normalized_mutual_information(label, split) AS nmi,
               normalized_mutual_information(other, split) AS other_nmi, eta_squared(label, a) AS eta, eta_squared(other, a) AS other_eta
           FROM r)
SELECT silhouette(one) = silhouette(two) AS silhouette, simplified_silhouette(one) = simplified_silhouette(two) AS simplified,
    davies_bouldin(one) = davies_bouldin(two) AS davies_bouldin, calinski_harabasz(one) = calinski_harabasz(two) AS calinski_harabasz,
    inertia(one) = inertia(two) AS inertia, ari = other_ari AS ari, nmi = other_nmi AS nmi, eta = other_eta AS eta
FROM s;

-- ---- samples (laws 5 and 13) ----
SELECT round(silhouette(feature_set(i % 2, i % 2 * 1000, sin(i)))::numeric, 2) AS silhouette FROM generate_series(1, 20001) AS i;
SELECT label, rows, round(silhouette::numeric, 2) AS silhouette
FROM cluster_quality((SELECT feature_set(i % 2, i % 2 * 1000, sin(i)) FROM generate_series(1, 20001) AS i));
SET maintenance_work_mem = '1MB';
SELECT abs(eta_squared(i % 2, i % 2 * 3 + sin(i)) - 0.8181) < 0.01 AS near FROM generate_series(1, 50000) AS i;
-- pairs that repeat take no memory
SELECT adjusted_rand_index(i % 7, i % 7 + 1), normalized_mutual_information('a' || i % 7, 'b' || i % 7)
FROM generate_series(1, 100000) AS i;
RESET maintenance_work_mem;

-- ---- cancelled within moments (law 12) ----
CREATE TEMP TABLE wide AS SELECT feature_set(VARIADIC (i % 2)::float8 || array_fill(sin(i), ARRAY[400])) AS s
FROM generate_series(1, 15000) AS i;
SELECT clock_timestamp() AS began \gset
SET statement_timeout = '300ms';
SELECT silhouette(s) FROM wide;
RESET statement_timeout;
SELECT clock_timestamp() - :'began' < interval '2 s' AS soon;
