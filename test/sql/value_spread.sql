-- Spreads are judged by the precision of the values and fall back to something of the same unit (laws 4 and 17).
SET search_path = "$user", public, segment;
SET client_min_messages = warning;

-- ---- rounding is no spread: mean of items that all cost 0.1 ----
CREATE TABLE spread_basket AS
SELECT c AS id, avg(0.1::float8) AS basket, min(c % 100) AS age
FROM generate_series(1, 300) AS c, generate_series(0, c % 12) AS n GROUP BY c;
SELECT count(DISTINCT basket) > 1 AS differ FROM spread_basket;

-- each scale and method: by age alone, as with a basket of exactly 0.1, in any unit
CREATE FUNCTION spread_models(set feature_set, scale text) RETURNS TABLE (method text, model segment_model) LANGUAGE sql AS $$
    SELECT 'kmeans', kmeans(set, 2, scale => scale)
    UNION ALL SELECT 'bisecting_kmeans', bisecting_kmeans(set, 2, scale => scale)
    UNION ALL SELECT 'kprototypes', kprototypes(set, 2, scale => scale)
    UNION ALL SELECT 'gaussian_mixture', gaussian_mixture(set, 2, scale => scale)
    UNION ALL SELECT 'gaussian_mixture diag', gaussian_mixture(set, 2, covariance => 'diag', scale => scale) $$;
SELECT scale, a.method, bool_and(adjusted = 1) AS as_with_constant
FROM unnest('{zscore,minmax,robust,none}'::text[]) AS scale, unnest('{1,1e-200,1e150,0.37}'::float8[]) AS unit,
    LATERAL (SELECT feature_set(age, basket * unit) AS noisy, feature_set(age, 0.1 * unit) AS exact FROM spread_basket) AS s,
    LATERAL spread_models(s.noisy, scale) AS a, LATERAL spread_models(s.exact, scale) AS b,
    LATERAL (SELECT adjusted_rand_index(assign_segment_id(a.model, age, basket * unit),
                                        assign_segment_id(b.model, age, 0.1 * unit)) AS adjusted FROM spread_basket) AS r
WHERE a.method = b.method AND (scale <> 'none' OR unit < 1e100) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT feature, round(value::numeric, 6) AS value, round(scaled::numeric, 3) AS scaled, size
FROM centroids((SELECT kmeans(feature_set(t), 2) FROM (SELECT basket, age FROM spread_basket) AS t)) ORDER BY segment_id, feature;
-- what was constant adds nothing to distances, whatever unit a new row comes in
SELECT segment_distance(model, 10, 0.1) = segment_distance(model, 10, 7e9) AS same
FROM (SELECT kmeans(feature_set(age, basket), 2) AS model FROM spread_basket) AS m;
-- with a logarithm, and clipped to one value
SELECT name, round((f ->> 'deviation')::numeric, 3) AS deviation, round((f ->> 'spread')::numeric, 3) AS spread
FROM (SELECT 'log' AS name, kmeans(feature_set(age, basket), 2, log => '{f2}')::jsonb -> 'features' -> 1 AS f FROM spread_basket
      UNION ALL SELECT 'winsorize', kmeans(feature_set(age, CASE WHEN age = 0 THEN 9 ELSE basket END), 2,
                                           winsorize => '0.1')::jsonb -> 'features' -> 1 FROM spread_basket) AS t ORDER BY 1;
-- a real spread next to a large offset stays one
SELECT count(DISTINCT assign_segment_id(model, x)) AS segments
FROM (SELECT kmeans(feature_set(1e15 + i % 2 * 4), 2) AS model FROM generate_series(1, 20) AS i) AS m,
    unnest('{1e15,1000000000000004}'::float8[]) AS x;
-- metric cosine: a row whose differences from the centre are rounding has no direction
SELECT (kmeans(feature_set(x, y), 2, metric => 'cosine', scale => 'minmax')::jsonb ->> 'n_skipped')::int AS skipped
FROM (VALUES (0.1 + 0.2, 1.0), (0.3, 1.0), (1.3, 1.5), (0.8, 2.0)) AS t (x, y);
-- figures of labelled rows: nothing to tell apart
SELECT calinski_harabasz(f), silhouette(f), davies_bouldin(f), e
FROM (SELECT feature_set(id % 2, basket) AS f, eta_squared(id % 2, basket) AS e FROM spread_basket) AS t;
-- equal rows in each cluster, whose mean is rounded
SELECT calinski_harabasz(feature_set(l, 0.1 * l + 0.6)), davies_bouldin(feature_set(l, 0.1 * l + 0.6))
FROM generate_series(1, 3) AS l, generate_series(1, 3);
-- choose_k: after two places there is nothing left but rounding, and no BIC of it
SELECT k, inertia, bic FROM choose_k(
    (SELECT feature_set(CASE WHEN id % 2 = 0 THEN basket ELSE 1 - basket END) FROM spread_basket), 1, 3, n_references => 0) ORDER BY k;

-- ---- the robust scale where most values are equal ----
CREATE TABLE spread_customer AS
SELECT i AS id, CASE WHEN i % 10 = 0 THEN i % 50 * 2.0 ELSE 0 END::float8 AS returned,
    CASE WHEN i <= 200 THEN 2 + i % 3 ELSE 30 + i % 7 END::float8 AS visits FROM generate_series(1, 400) AS i;
CREATE FUNCTION segments_by(scale text, unit float8) RETURNS TABLE (id int, s int) LANGUAGE sql AS $$
    WITH m AS (SELECT kmeans(feature_set(returned * unit, visits), 2, scale => scale) AS model FROM spread_customer)
    SELECT id, assign_segment_id(model, returned * unit, visits) FROM spread_customer, m $$;
SELECT scale, unit, adjusted_rand_index(a.s, b.s) AS same_in_other_unit
FROM unnest('{zscore,minmax,robust}'::text[]) AS scale, unnest('{0.001,1000,1e-150}'::float8[]) AS unit,
    LATERAL segments_by(scale, 1) AS a, LATERAL segments_by(scale, unit) AS b WHERE a.id = b.id GROUP BY 1, 2 ORDER BY 1, 2;
SELECT s, count(*), min(visits), max(visits) FROM segments_by('robust', 1) JOIN spread_customer USING (id) GROUP BY 1 ORDER BY 1;
-- which spread is taken, told
SET client_min_messages = notice;
SELECT share, (SELECT (kmeans(feature_set(CASE WHEN i <= share * 1000 THEN i % 4 + 1 ELSE 0 END), 2, scale => 'robust')::jsonb
    -> 'features' -> 0 ->> 'spread')::numeric(9, 6) FROM generate_series(1, 1000) AS i) AS spread
FROM unnest('{0.5,0.2,0.08,0.03,0.004}'::numeric[]) AS share;
SET client_min_messages = warning;

-- ---- random units: segments do not depend on them, for all scales and methods ----
CREATE TABLE spread_random AS
SELECT i AS id, i % 3 * 4 + sin(i * 12.9898) AS a, i % 3 % 2 * 5 + cos(i * 78.233) AS b,
    CASE WHEN i % 7 = 0 THEN 3 + sin(i) ELSE 0 END AS c FROM generate_series(1, 210) AS i;
SELECT scale, x.method, min(ari) AS least
FROM unnest('{zscore,minmax,robust}'::text[]) AS scale, generate_series(1, 6) AS n,
    LATERAL (SELECT 10 ^ (sin(n * 7.1) * 90) AS ua, 10 ^ (cos(n * 3.7) * 90) AS ub, 10 ^ (sin(n * 5.3) * 90) AS uc) AS u,
    LATERAL (SELECT feature_set(a, b, c) AS one, feature_set(a * ua, b * ub, c * uc) AS other FROM spread_random) AS s,
    LATERAL spread_models(s.one, scale) AS x, LATERAL spread_models(s.other, scale) AS y,
    LATERAL (SELECT adjusted_rand_index(assign_segment_id(x.model, a, b, c), assign_segment_id(y.model, a * ua, b * ub, c * uc)) AS ari
             FROM spread_random) AS r
WHERE x.method = y.method GROUP BY 1, 2 ORDER BY 1, 2;
-- figures of labelled rows, all coordinates in one unit
SELECT max(abs(silhouette(f) / silhouette(g) - 1)) < 1e-9 AS silhouette,
    max(abs(davies_bouldin(f) / davies_bouldin(g) - 1)) < 1e-9 AS davies_bouldin,
    max(abs(calinski_harabasz(f) / calinski_harabasz(g) - 1)) < 1e-9 AS calinski_harabasz,
    max(abs(e / e1 - 1)) < 1e-9 AS eta_squared
FROM (SELECT feature_set(id % 3, a, b) AS f, feature_set(id % 3, a * u, b * u) AS g,
          eta_squared(id % 3, a) AS e, eta_squared(id % 3, a * u) AS e1
      FROM generate_series(1, 6) AS n, LATERAL (SELECT 10 ^ (sin(n * 7.1) * 140) AS u) AS u, spread_random GROUP BY n) AS t;

-- ---- which segment is which: two at one place but for rounding are the two they were, in any unit ----
WITH trained AS (
    SELECT unit, kmeans(feature_set(x * unit), 3, scale => scale)::jsonb AS j
    FROM unnest('{1,1e-200,1e150}'::float8[]) AS unit, unnest('{zscore,none}'::text[]) AS scale,
         unnest('{0.1,0.2,5,5.1,9,10}'::float8[]) AS x
    GROUP BY unit, scale
), both_at AS (
    SELECT unit, j, place,
           jsonb_set(jsonb_set(j, '{clusters,0,center}', jsonb_build_array(place)), '{clusters,1,center}', jsonb_build_array(place)) AS at
    FROM trained, LATERAL (SELECT (j #>> '{clusters,2,center,0}')::float8 * f
                           FROM unnest('{0.3,0.30000000000000004,0.4}'::float8[]) AS f) AS p (place)
)
SELECT old.unit, old.j ->> 'scale' AS scale, round((new.place / (old.j #>> '{clusters,2,center,0}')::float8)::numeric, 3) AS place,
       (SELECT array_agg(segment_id ORDER BY segment_id)
        FROM segments(model_match(new.at::segment_model, old.at::segment_model, 10))) AS ids
FROM both_at AS old JOIN both_at AS new ON new.unit = old.unit AND new.j = old.j AND new.place <> old.place
WHERE old.place = 0.3 * (old.j #>> '{clusters,2,center,0}')::float8 ORDER BY 1, 2, new.place / (old.j #>> '{clusters,2,center,0}')::float8;
DROP TABLE spread_basket, spread_customer, spread_random;
DROP FUNCTION spread_models, segments_by;
