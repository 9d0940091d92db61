--
-- Quality of rows in the segments a model gives them: the same as that of rows labelled by
-- assign_segment_id, with coordinates scaled in SQL.
--
\ir ../lib/pgtap_begin.psql

CREATE FUNCTION pg_temp.near(a double precision, b double precision) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= 1e-9 * greatest(1, abs(b)), false) $$;

-- three overlapping groups, the second feature in thousands
CREATE TEMP TABLE shop ON COMMIT DROP AS
SELECT i AS id, i % 3 * 2 + sin(i * 12.9898) + sin(i * 7.1) AS a, 1000 * (cos(i % 3 * 2.5) + 0.4 * sin(i * 78.233)) AS b, 1 + i % 4 AS w
FROM generate_series(1, 300) AS i;
CREATE TEMP TABLE trained ON COMMIT DROP AS
SELECT t.features, m.scale, m.model
FROM (SELECT feature_set(s) AS features FROM (SELECT a, b FROM shop) AS s) AS t,
     LATERAL (SELECT scale, kmeans(t.features, 4, scale => scale) AS model
              FROM unnest('{none,zscore,minmax,robust}'::text[]) AS scale) AS m;

-- the scale in SQL, with labels by the row function
CREATE TEMP TABLE labelled ON COMMIT DROP AS
SELECT t.scale, feature_set(assign_segment_id(t.model, s.a, s.b), (s.a - ca) / sa, (s.b - cb) / sb) AS rows
FROM trained AS t, shop AS s,
     LATERAL (SELECT avg(a) AS ma, stddev_pop(a) AS da, min(a) AS la, max(a) - min(a) AS ra,
                     percentile_cont(0.5) WITHIN GROUP (ORDER BY a) AS qa,
                  percentile_cont(0.75) WITHIN GROUP (ORDER BY a) - percentile_cont(0.25) WITHIN GROUP (ORDER BY a) AS ia,
                     avg(b) AS mb, stddev_pop(b) AS db, min(b) AS lb, max(b) - min(b) AS rb,
                     percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS qb,
                  percentile_cont(0.75) WITHIN GROUP (ORDER BY b) - percentile_cont(0.25) WITHIN GROUP (ORDER BY b) AS ib
              FROM shop) AS m,
     LATERAL (SELECT CASE t.scale WHEN 'none' THEN 0 WHEN 'zscore' THEN ma WHEN 'minmax' THEN la ELSE qa END AS ca,
                     CASE t.scale WHEN 'none' THEN 1 WHEN 'zscore' THEN da WHEN 'minmax' THEN ra ELSE ia END AS sa,
                     CASE t.scale WHEN 'none' THEN 0 WHEN 'zscore' THEN mb WHEN 'minmax' THEN lb ELSE qb END AS cb,
                     CASE t.scale WHEN 'none' THEN 1 WHEN 'zscore' THEN db WHEN 'minmax' THEN rb ELSE ib END AS sb) AS c
GROUP BY t.scale;
SELECT ok(pg_temp.near(silhouette(t.features, t.model), silhouette(l.rows)), 'silhouette, ' || scale) FROM trained AS t
JOIN labelled AS l USING (scale);
SELECT ok(pg_temp.near(simplified_silhouette(t.features, t.model), simplified_silhouette(l.rows)), 'simplified silhouette, ' || scale)
FROM trained AS t JOIN labelled AS l USING (scale);
SELECT ok(pg_temp.near(davies_bouldin(t.features, t.model), davies_bouldin(l.rows)), 'Davies-Bouldin, ' || scale) FROM trained AS t
JOIN labelled AS l USING (scale);
SELECT ok(pg_temp.near(calinski_harabasz(t.features, t.model), calinski_harabasz(l.rows)), 'Calinski-Harabasz, ' || scale) FROM trained AS t
JOIN labelled AS l USING (scale);
SELECT is((SELECT count(*) FROM cluster_quality(t.features, t.model) AS q
           JOIN cluster_quality(l.rows) AS r ON q.label = 'Segment ' || r.label
           WHERE q.rows = r.rows AND q.nearest = 'Segment ' || r.nearest AND pg_temp.near(q.inertia, r.inertia)
             AND pg_temp.near(q.spread, r.spread) AND pg_temp.near(q.separation, r.separation)
             AND pg_temp.near(q.silhouette, r.silhouette)),
          4::bigint, 'segment by segment, ' || scale) FROM trained AS t JOIN labelled AS l USING (scale);
SELECT ok(pg_temp.near((SELECT sum(inertia) FROM cluster_quality(features, model)), (model_metrics(model) ->> 'inertia')::float8),
          'inertia is that of the model, ' || scale)
FROM trained;

-- weights count as rows, and rows are counted besides
SELECT is((SELECT array_agg(q.rows || ' ' || q.weight ORDER BY q.label) FROM cluster_quality(f.weighted, f.model) AS q),
          (SELECT array_agg(n || ' ' || w ORDER BY name)
           FROM (SELECT assign_segment(f.model, a, b) AS name, count(*) AS n, sum(w) AS w FROM shop GROUP BY 1) AS g), 'rows and weights')
FROM (SELECT feature_set_weighted(w, a, b) AS weighted, (SELECT model FROM trained WHERE scale = 'zscore') AS model FROM shop) AS f;
SELECT ok(pg_temp.near(silhouette(f.weighted, f.model), silhouette(f.repeated, f.model)), 'a row of weight w is w rows')
FROM (SELECT feature_set_weighted(w, a, b) AS weighted, (SELECT model FROM trained WHERE scale = 'zscore') AS model,
             (SELECT feature_set(a, b) FROM shop, generate_series(1, w)) AS repeated FROM shop) AS f;

-- features by name in any order, others left aside; by position without names
SELECT is(silhouette(f.other, t.model), silhouette(t.features, t.model), 'features are matched by name')
FROM trained AS t, (SELECT feature_set(s) AS other FROM (SELECT id AS more, b, a FROM shop) AS s) AS f WHERE scale = 'zscore';
SELECT is(silhouette(f.other, t.model), silhouette(t.features, t.model), 'or by position')
FROM trained AS t, (SELECT feature_set(a, b) AS other FROM shop) AS f WHERE scale = 'zscore';
SELECT is(silhouette(f.shuffled, t.model), silhouette(t.features, t.model), 'the order of rows does not matter')
FROM trained AS t, (SELECT feature_set(a, b ORDER BY md5(id::text)) AS shuffled FROM shop) AS f WHERE scale = 'zscore';
SELECT is(silhouette(t.features, rename_segment(t.model, 'Segment 1', 'Regulars')), silhouette(t.features, t.model), 'names do not matter')
FROM trained AS t WHERE scale = 'zscore';
SELECT is((SELECT label FROM cluster_quality(t.features, rename_segment(t.model, 'Segment 1', 'Regulars')) LIMIT 1),
          'Regulars', 'but label rows') FROM trained AS t WHERE scale = 'zscore';

-- rows without a segment are left aside; with nulls => 'mean' they have one
SELECT is(silhouette(f.holes, t.model), silhouette(t.features, t.model), 'rows without a segment are skipped')
FROM trained AS t, (SELECT feature_set(a, b) AS holes
                    FROM (SELECT a, b FROM shop UNION ALL VALUES (NULL::float8, 1::float8), (1, 'NaN'), ('infinity', 2)) AS s) AS f
WHERE scale = 'zscore';
SELECT is((SELECT sum(rows) FROM cluster_quality(f.holes, kmeans(f.holes, 3, nulls => 'mean'))), 302::numeric,
          'the mean stands in for a missing value')
FROM (SELECT feature_set(a, b) AS holes FROM (SELECT a, b FROM shop UNION ALL VALUES (NULL::float8, 1::float8), (1, 'NaN')) AS s) AS f;
SELECT is(silhouette((SELECT feature_set(a, b) FROM shop WHERE false), model), NULL, 'no rows, no set') FROM trained WHERE scale = 'none';
SELECT is(silhouette((SELECT feature_set(NULL::float8, NULL::float8) FROM shop), model), NULL, 'no row with a segment: NULL') FROM trained
WHERE scale = 'none';
SELECT is(silhouette(features, kmeans(features, 1)), NULL, 'one segment: NULL') FROM trained WHERE scale = 'none';
SELECT is((SELECT string_agg(concat_ws(' ', label, nearest, silhouette), ',') FROM cluster_quality(features, kmeans(features, 1))),
          'Segment 1', 'and nothing near it') FROM trained WHERE scale = 'none';

-- units: an offset and a factor change nothing (law 4); huge numbers unscaled neither
SELECT ok(pg_temp.near(silhouette(f.other, kmeans(f.other, 4)), silhouette(t.features, t.model)), 'unit-free')
FROM trained AS t, (SELECT feature_set(a * 1e-7, b * 1024 + 2::float8 ^ 30) AS other FROM shop) AS f WHERE scale = 'zscore';
SELECT ok(pg_temp.near((SELECT sum(inertia) FROM cluster_quality(f, model)), (model_metrics(model) ->> 'inertia')::float8),
          'large numbers keep their unit')
FROM (SELECT f, kmeans(f, 4, scale => 'none') AS model FROM (SELECT feature_set(a * 1e70, b * 1e70) AS f FROM shop) AS s) AS f;
SELECT ok(pg_temp.near(silhouette(f.f, kmeans(f.f, 3, scale => 'none', metric => 'cosine')), (
           SELECT silhouette(feature_set(assign_segment_id(kmeans(f.f, 3, scale => 'none', metric => 'cosine'), a, b),
                                         a / sqrt(a * a + b * b), b / sqrt(a * a + b * b))) FROM shop)),
          'cosine: Euclidean between directions')
FROM (SELECT feature_set(a, b) AS f FROM shop) AS f;

-- errors
SELECT throws_ok($$ SELECT silhouette((SELECT feature_set(s) FROM (SELECT a FROM shop) AS s), model)
                    FROM trained LIMIT 1 $$, '42703', 'the feature set has no feature "b", which the model needs');
SELECT throws_ok($$ SELECT silhouette((SELECT feature_set(a) FROM shop), model)
                    FROM trained LIMIT 1 $$, '22023', 'the model has 2 features, the feature set has 1');
SELECT throws_ok($$ SELECT silhouette((SELECT feature_set(s) FROM (SELECT a, b::text FROM shop) AS s), model)
                    FROM trained LIMIT 1 $$, '42804', 'feature "b" is categorical, expected a number');
SELECT throws_ok($$ SELECT silhouette(f, rfm_model(f))
                    FROM (SELECT feature_set(1, 2, 3) AS f) AS f $$, '42809', 'a model of kind "rfm" has no distances between rows');

SELECT * FROM finish();
ROLLBACK;
