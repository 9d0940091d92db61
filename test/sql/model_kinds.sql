--
-- A model of every kind, of few rows, through every function that takes one.  Small, so that
-- scripts/valgrind, which runs these files, looks at all of them.
--
SET search_path = public, segment;
SET client_min_messages = warning;

CREATE TABLE few AS
SELECT i AS id, i % 3 * 100 + i * 7 % 11 AS a, (i % 3 + 1) * (i * 5 % 7) + 1 AS b,
       CASE WHEN i % 19 > 0 THEN i % 3 * 50.5 + i * 3 % 13 END AS c, (ARRAY['x', 'y', 'z'])[i % 3 + 1] AS letter, i % 4 / 2.0 AS w
FROM generate_series(1, 90) AS i;
CREATE TYPE three AS (a double precision, b double precision, c double precision);
CREATE TABLE kinds AS
SELECT name, m FROM (SELECT feature_set((a, b, c)::three) AS f, feature_set_weighted(w, a, b, c) AS fw FROM few) AS s,
    LATERAL (VALUES ('kmeans', kmeans(f, 3, log => '{b}', winsorize => '0.05', weights => '{"a": 2}', nulls => 'mean')),
                    ('cosine', kmeans(f, 2, metric => 'cosine', scale => 'robust')),
        ('weighted', kmeans(fw, 9)), ('bisecting', bisecting_kmeans(f, 5)), ('cut', cut_model(bisecting_kmeans(f, 5), 3)),
        ('full', gaussian_mixture(f, 3)), ('tied', gaussian_mixture(f, 3, 'tied', nulls => 'mean')),
        ('diag', gaussian_mixture(fw, 3, 'diag')), ('spherical', gaussian_mixture(f, 3, 'spherical')),
        ('rfm', rfm_model(f, scheme => 'eleven_names')), ('numeric prototypes', kprototypes(f, 3))) AS v (name, m)
UNION ALL SELECT 'prototypes', kprototypes(feature_set(p), 3, nulls => 'mean') FROM (SELECT letter AS a, b, c FROM few) AS p;
SELECT m ->> 'kind' AS kind, string_agg(name, ', ' ORDER BY name COLLATE "C") AS models,
       sum(jsonb_array_length(m -> 'segments')) AS segments
FROM (SELECT name, m::jsonb FROM kinds) AS t GROUP BY 1 ORDER BY min(name) COLLATE "C";

-- ---- text, jsonb and binary give the same value back ----
\copy kinds TO 'test/output/model_kinds.bin' (FORMAT binary)
CREATE TABLE kinds_back (LIKE kinds);
\copy kinds_back FROM 'test/output/model_kinds.bin' (FORMAT binary)
\! rm -f test/output/model_kinds.bin
SELECT count(*), bool_and(k.m::text::segment_model::text = k.m::text) AS text, bool_and(k.m::jsonb::segment_model = k.m) AS jsonb,
       bool_and(b.m::text = k.m::text) AS binary FROM kinds AS k JOIN kinds_back AS b USING (name);

-- ---- rows placed: every one in a segment of the model, with a reason that names it; without a missing value or with ----
SELECT name, count(*) AS rows, count(segment) AS placed, count(DISTINCT segment) AS segments,
       count(*) FILTER (WHERE segment IS NOT NULL AND g IS NULL) AS wrong,
       count(*) FILTER (WHERE why ->> 'segment' IS DISTINCT FROM segment) AS unexplained
FROM kinds, few,
     LATERAL (SELECT CASE WHEN name = 'prototypes' THEN assign_segment(m, letter, b, c) ELSE assign_segment(m, a, b, c) END AS segment,
                                 CASE WHEN name = 'prototypes' THEN assign_segment_id(m, letter, b, c)
                                      ELSE assign_segment_id(m, a, b, c) END AS id,
                                 CASE WHEN name = 'prototypes' THEN explain_segment(m, letter, b, c)
                                      ELSE explain_segment(m, a, b, c) END AS why) AS x
LEFT JOIN LATERAL (SELECT s.segment_id FROM segments(m) AS s WHERE (s.segment_id, s.segment) = (x.id, x.segment)) AS g ON true
GROUP BY name ORDER BY name COLLATE "C";
SELECT name, bool_and(segment_distance(m, a, b, c) >= 0) AS distances, min((SELECT count(*) FROM centroids(m))) AS centroids FROM kinds, few
WHERE name NOT IN ('prototypes', 'rfm') GROUP BY name ORDER BY name COLLATE "C";
SELECT name, bool_and(abs((SELECT sum(p.value::float8) FROM jsonb_each_text(segment_probabilities(m, a, b, c)) AS p) - 1) < 1e-9) AS certain
FROM kinds, few WHERE name IN ('full', 'tied', 'diag', 'spherical') GROUP BY name ORDER BY name COLLATE "C";

-- ---- names, metrics, likeness, PMML ----
SELECT count(*), bool_and((model_metrics(m) ->> 'n_input')::integer = 90) AS metrics,
       bool_and(rename_segment(m, s.segment, 'other')::text ~ '"name": "other"') AS renamed
FROM kinds, LATERAL (SELECT segment FROM segments(m) ORDER BY segment_id LIMIT 1) AS s;
SELECT name, segment_internal.model_shift(m, m) AS shift, model_to_pmml(m)::text ~ '<ClusteringModel .*</PMML>' AS pmml FROM kinds
WHERE name IN ('kmeans', 'weighted') ORDER BY name COLLATE "C";

-- ---- steps, in parts and whole ----
CREATE TABLE steps AS SELECT name, id % 4 AS part, kmeans_step_state(m, a, b, c) AS s FROM kinds, few
WHERE name IN ('kmeans', 'cosine', 'weighted') GROUP BY 1, 2;
SELECT name, kmeans_step(t.merged)::text = (SELECT kmeans_step(m, a, b, c) FROM few)::text AS merged, t.text
FROM kinds JOIN (SELECT name, kmeans_step_merge(s) AS merged, bool_and(s::text::kmeans_state::text = s::text) AS text FROM steps
                 GROUP BY name) AS t USING (name) ORDER BY name COLLATE "C";
SELECT name, (model_metrics(refine_model(m, 'few')) ->> 'converged')::boolean AS converged FROM kinds WHERE name = 'kmeans';

-- ---- two features of one name could not be told apart ----
SELECT kmeans(feature_set(t), 1) FROM (SELECT id AS x, a AS x FROM few) AS t;
SELECT rule_tree(feature_set(t)) FROM (SELECT letter, a AS letter FROM few) AS t;

-- ---- quality, agreement, number of segments ----
SELECT name, silhouette(f, m) BETWEEN -1 AND 1 AS silhouette, simplified_silhouette(f, m) BETWEEN -1 AND 1 AS simplified,
       davies_bouldin(f, m) > 0 AS davies_bouldin, calinski_harabasz(f, m) > 0 AS calinski_harabasz,
       (SELECT count(*) FROM cluster_quality(f, m)) AS clusters
FROM kinds, (SELECT feature_set(p) AS f FROM (SELECT a, b, c FROM few WHERE c IS NOT NULL) AS p) AS s
WHERE name IN ('bisecting', 'cut', 'full', 'spherical') ORDER BY name COLLATE "C";
SELECT stability(f, m, 3) BETWEEN -1 AND 1 AS stability FROM kinds, (SELECT feature_set(p) AS f FROM (SELECT a, b, c FROM few) AS p) AS s
WHERE name = 'kmeans';
SELECT k, inertia >= 0 AS inertia, gap IS NOT NULL AS gap, bic IS NOT NULL AS bic, stability IS NOT NULL AS stability, recommended
FROM (SELECT feature_set(a, b) AS f FROM few) AS s, choose_k(f, 1, 4, n_references => 3, n_resamples => 2) ORDER BY k;
SELECT k, bic IS NOT NULL AS bic
FROM (SELECT feature_set(a, b) AS f FROM few) AS s, choose_k(f, 1, 3, 'gaussian_mixture', 'bic', n_init => 1) ORDER BY k;
SELECT adjusted_rand_index(letter, a::text) < 1 AS rand,
       round(normalized_mutual_information(id % 3, a / 100)::numeric, 6) AS information, eta_squared(letter, a) > 0.9 AS eta FROM few;
DROP TABLE few, kinds, kinds_back, steps;
DROP TYPE three;
