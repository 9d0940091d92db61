-- Neighbouring seeds are independent: none has the starts of another in another order, since users take 1, 2, 3.
SET search_path = public, segment;
SET client_min_messages = warning;
CREATE TABLE seed_row AS
SELECT i AS id, sin(i * 12.9898) * 3 + i % 7 AS a, cos(i * 78.233) * 3 + i % 5 * 2 AS b, sin(i * 37.719) * 4 AS c, cos(i * 93.9) * 4 AS d,
    chr(97 + i % 4) AS letter FROM generate_series(1, 600) AS i;
-- different results of 32 seeds; with seed XOR number there were at most 4 in each, one for each eight seeds
WITH s AS (SELECT feature_set(a, b, c, d) AS f, (SELECT feature_set(t) FROM (SELECT a, b, letter FROM seed_row) AS t) AS mixed
           FROM seed_row)
SELECT count(DISTINCT model_metrics(gaussian_mixture(f, 6, n_init => 8, seed => seed)) ->> 'log_likelihood') > 16 AS gaussian_mixture,
    count(DISTINCT model_metrics(kprototypes(mixed, 15, n_init => 8, seed => seed)) ->> 'cost') > 8 AS kprototypes,
    count(DISTINCT model_metrics(kmeans(f, 20, n_init => 8, seed => seed)) ->> 'inertia') > 16 AS kmeans
FROM s, generate_series(0, 31) AS seed;
DROP TABLE seed_row;
