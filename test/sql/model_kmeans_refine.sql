--
-- What hierarchies, steps and refined models tell by NOTICE.
--
SET search_path = public, segment;

CREATE TABLE spot AS SELECT x FROM unnest('{1,2,1000}'::float8[]) AS x;
CREATE TABLE two AS SELECT kmeans(feature_set(x), 2, centroids => '{{0},{1000}}', scale => 'none') AS model FROM spot;

-- a segment without rows
SELECT segment_id, size, round(value::numeric, 9) AS value
FROM two, refine_model(model, 'SELECT x AS f1 FROM spot WHERE x < 500') AS refined, centroids(refined) ORDER BY 1;
-- nothing to tell
SELECT segment_id, size, round(value::numeric, 9) AS value
FROM two, refine_model(model, 'SELECT x AS f1 FROM spot') AS refined, centroids(refined) ORDER BY 1;
-- a row too far
SELECT segment_id, size, value > 1e12 AS far
FROM two, LATERAL (SELECT kmeans_step(model, x) AS next FROM unnest('{1,2,1000,1e200}'::float8[]) AS x) AS s, centroids(next) ORDER BY 1;

-- fewer distinct rows than segments; rows that cannot be told apart
SELECT model_metrics(bisecting_kmeans(feature_set(x), 5)) ->> 'n_segments' FROM spot;
SELECT model_metrics(bisecting_kmeans(feature_set(1 + x * 1e-170), 3, scale => 'none')) ->> 'n_segments' FROM spot;
SELECT model_metrics(bisecting_kmeans(feature_set(CASE WHEN x < 500 THEN x * 1e-170 ELSE 1 END), 3, scale => 'none')) ->> 'n_segments'
FROM spot;

DROP TABLE spot, two;
