--
-- bisecting_kmeans and cut_model: compared with scikit-learn, with the rule of the
-- descent in plain SQL, and with themselves over orders, parts and units.
--
\ir ../lib/pgtap_begin.psql

-- seven groups, some closer than others
CREATE TEMP TABLE p ON COMMIT DROP AS
SELECT i, (i * 7919 % 1009) / 100.0::float8 + ('{0,9,31,45,90,104,110}'::float8[])[i % 7 + 1] AS a,
       (i * 104729 % 1013) / 100.0::float8 + ('{0,7,3,20,60,41,85}'::float8[])[i % 7 + 1] AS b, (i % 11) * 0.5::float8 AS c
FROM generate_series(1, 3000) AS i;
CREATE TEMP TABLE m ON COMMIT DROP AS
SELECT bisecting_kmeans(feature_set(a, b, c), 7, scale => 'none', n_init => 20, max_iter => 1000, tol => 0) AS model FROM p;

-- ---- scikit-learn 1.2.1: BisectingKMeans(k, n_init=20, max_iter=1000, tol=0, bisecting_strategy='biggest_inertia') ----
CREATE TEMP TABLE published (k integer, inertia double precision, sizes double precision[]) ON COMMIT DROP;
INSERT INTO published VALUES
    (2, 1205052.0854953006, '{1715,1285}'), (3, 696933.9057002731, '{1285,858,857}'), (4, 309453.060318358, '{858,857,857,428}'),
    (5, 190242.56696466263, '{858,857,429,428,428}'), (6, 86361.42283785576, '{857,429,429,429,428,428}'),
    (7, 58411.12344815643, '{430,429,429,429,428,428,427}');
SELECT is_empty($$
    SELECT k, inertia, c FROM published, m, cut_model(model, k) AS c
    WHERE NOT abs((model_metrics(c) ->> 'inertia')::float8 / inertia - 1) <= 1e-9
       OR (SELECT array_agg(size ORDER BY size DESC) FROM centroids(c) WHERE feature = 'f1') IS DISTINCT FROM sizes
$$, 'inertia and sizes of every cut as published');
-- its predict(): the last four have another centroid nearer
SELECT results_eq($$
    SELECT (SELECT array_agg(round(value::numeric, 6) ORDER BY feature) FROM centroids(model)
            WHERE segment_id = assign_segment_id(model, x, y, z))
    FROM m, (VALUES (1, 2.5, 3.5, 4.5), (2, 20, 10, 1), (3, 60, 30, 9), (4, 62, 35, 5), (5, 70, 20, 2),
                    (6, 9, 62, 4), (7, 133, 12, 8), (8, 100, 62, 3), (9, -500, 90, 2),
                    (10, -15, 145, 2.5), (11, 25, 140, 2.5), (12, 70, 35, 2.5), (13, 195, 50, 2.5)) AS v (n, x, y, z) ORDER BY n
$$, $$
    VALUES ('{5.088116, 5.048605, 2.524419}'::numeric[]), ('{14.068454, 12.106206, 2.481265}'),
           ('{50.048392, 25.041072, 2.5}'), ('{50.048392, 25.041072, 2.5}'),
           ('{50.048392, 25.041072, 2.5}'), ('{14.068454, 12.106206, 2.481265}'),
           ('{109.011963, 46.075467, 2.495327}'), ('{95.02366, 65.068531, 2.5}'),
           ('{5.088116, 5.048605, 2.524419}'), ('{14.068454, 12.106206, 2.481265}'),
           ('{115.037897, 90.046542, 2.494159}'), ('{95.02366, 65.068531, 2.5}'),
           ('{115.037897, 90.046542, 2.494159}')
$$, 'rows go down from split to split');

-- ---- segments of the training rows ----
SELECT results_eq($$ SELECT assign_segment_id(model, a, b, c), count(*)::float8 FROM p, m GROUP BY 1 ORDER BY 1 $$,
                  $$ SELECT segment_id, size FROM m, centroids(model) WHERE feature = 'f1'
                     ORDER BY 1 $$, 'sizes are what assigning counts');
SELECT is_empty($$
    WITH mean AS (SELECT assign_segment_id(model, a, b, c) AS segment_id, avg(a) AS f1, avg(b) AS f2, avg(c) AS f3, count(*) FROM p, m
                  GROUP BY 1)
    SELECT * FROM mean JOIN (SELECT x.* FROM m, centroids(model) AS x) AS x USING (segment_id)
    WHERE NOT abs(value - CASE feature WHEN 'f1' THEN f1 WHEN 'f2' THEN f2 ELSE f3 END) <= 1e-9
$$, 'centroids are the means of their rows');
SELECT is((SELECT array_agg(size) FROM m, centroids(model) WHERE feature = 'f1'),
          (SELECT array_agg(size ORDER BY size DESC) FROM m, centroids(model) WHERE feature = 'f1'), 'segments are numbered by size');

-- ---- cutting ----
CREATE TEMP TABLE cut ON COMMIT DROP AS SELECT k, cut_model(model, k) AS model FROM m, generate_series(1, 7) AS k;
SELECT is_empty($$
    SELECT k FROM cut WHERE model::text
        <> (SELECT bisecting_kmeans(feature_set(a, b, c), k, scale => 'none', n_init => 20, max_iter => 1000, tol => 0) FROM p)::text
$$, 'a cut is what training with that k gives, byte for byte');
SELECT is_empty($$
    SELECT k, fine FROM (SELECT k, assign_segment_id((SELECT model FROM m), i * 0.7 - 30, i * 7919 % 1013 / 5.0 - 40, 2) AS fine,
                                assign_segment_id(model, i * 0.7 - 30, i * 7919 % 1013 / 5.0 - 40, 2) AS coarse
                         FROM cut, generate_series(1, 300) AS i) AS s
    GROUP BY 1, 2 HAVING count(DISTINCT coarse) > 1
$$, 'segments of a cut are unions of segments, for any row');
SELECT is_empty($$ SELECT k FROM cut WHERE (SELECT array_agg(segment ORDER BY segment_id) FROM segments(model))
                       <> (SELECT array_agg('Segment ' || i ORDER BY i) FROM generate_series(1, k) AS i) $$,
                'cuts have k segments, numbered anew');
SELECT is_empty($$ SELECT a.k, b.k FROM cut AS a JOIN cut AS b ON b.k <= a.k
                   WHERE cut_model(a.model, b.k)::text <> b.model::text $$, 'a cut of a cut is a cut');
SELECT is((SELECT cut_model(rename_segment(model, 'Segment 2', 'Two'), 7) FROM m)::text,
          (SELECT rename_segment(model, 'Segment 2', 'Two') FROM m)::text, 'nothing cut off: the model as it is');
SELECT is((SELECT model_metrics(model) ->> 'explained' FROM cut WHERE k = 1)::float8 < 1e-12, true, 'one segment explains nothing');
SELECT is((SELECT assign_segment(model, 3, 4, NULL) FROM m), NULL, 'a missing value: no segment');
SELECT throws_ok('SELECT cut_model(model, 0) FROM m', '22023', 'k must be at least 1, not 0');
SELECT throws_ok('SELECT cut_model(model, 8) FROM m', '22023', 'k must be at most 7, the number of segments of the model, not 8');
SELECT throws_ok('SELECT cut_model((SELECT kmeans(feature_set(a, b), 2) FROM p), 1)', '42809',
                 'a model of kind "kmeans" cannot be cut, expected one of kind "bisecting_kmeans"');
SELECT is((SELECT cut_model(model, NULL) FROM m), NULL, 'cut at NULL: NULL');

-- ---- explaining: the closest decision on the way ----
SELECT unnest(ARRAY[is(e ->> 'segment', assign_segment(model, 62, 35, 5), 'explains the segment it is in'),
                    is(e ->> 'runner_up', s.segment, 'the runner-up lies behind the closest split'),
       ok(abs((SELECT sum((f ->> 'strength')::float8) FROM jsonb_array_elements(e -> 'features') AS f) - 1) < 1e-9,
          'strengths add up to 1'),
       ok(abs((e ->> 'distance')::float8 - segment_distance(model, 62, 35, 5)) < 1e-12, 'its distance')])
FROM m, explain_segment(model, 62, 35, 5) AS e,
     -- the first split, halfway between (27.1, 12.3) and (104.8, 66.4), is the closest
     LATERAL (SELECT segment FROM segments(model) WHERE segment_id = assign_segment_id(model, 95, 65, 2.5)) AS s;
SELECT is(explain_segment(model, 1, NULL, 1), '{"segment_id": null, "segment": null, "reason": "a feature is missing"}'::jsonb,
          'explains why there is none') FROM m;

-- ---- law 3: order, parts, text ----
SELECT is((SELECT bisecting_kmeans(feature_set(a, b, c ORDER BY md5(i::text)), 7) FROM p)::text,
          (SELECT bisecting_kmeans(feature_set(a, b, c), 7) FROM p)::text, 'rows in another order: the same model');
SELECT is((SELECT bisecting_kmeans(feature_set_merge(s), 7) FROM (SELECT feature_set(a, b, c) AS s FROM p GROUP BY i % 8) AS parts)::text,
          (SELECT bisecting_kmeans(feature_set(a, b, c), 7) FROM p)::text, 'eight parts merged: the same model');
SELECT is((SELECT model::text::segment_model::text FROM m), (SELECT model::text FROM m), 'through text');
SELECT is((SELECT model::jsonb::segment_model::text FROM m), (SELECT model::text FROM m), 'through jsonb');
SELECT isnt((SELECT bisecting_kmeans(feature_set(a, b, c), 3, seed => 2)::jsonb ->> 'seed' FROM p), '1', 'the seed is kept');
-- law 4: other units and offsets
SELECT is((SELECT array_agg(assign_segment_id(u, a * 1e9 + 1e9, b * 1e-9, c * 3 - 1e5) ORDER BY i)
           FROM p, (SELECT bisecting_kmeans(feature_set(a * 1e9 + 1e9, b * 1e-9, c * 3 - 1e5), 7) AS u FROM p) AS t),
          (SELECT array_agg(assign_segment_id(u, a, b, c) ORDER BY i)
           FROM p, (SELECT bisecting_kmeans(feature_set(a, b, c), 7) AS u FROM p) AS t), 'units and offsets change no segment');
-- weights count as copies
SELECT is((SELECT bisecting_kmeans(feature_set_weighted(1 + i % 3, a, b), 4)::jsonb -> 'clusters' FROM p WHERE i < 500),
          (SELECT bisecting_kmeans(feature_set(a, b), 4)::jsonb -> 'clusters' FROM p, generate_series(0, i % 3)
           WHERE i < 500), 'weights count as copies');
SELECT is((SELECT model_metrics(bisecting_kmeans(feature_set(a, b, c), 5, metric => 'cosine')) ->> 'n_segments'
           FROM p), '5', 'by direction, too');

-- ---- law 12: odd input ----
SELECT is((SELECT bisecting_kmeans(NULL::feature_set, 3)), NULL, 'no set: no model');
SELECT is((SELECT model_metrics(bisecting_kmeans(feature_set(1, 2), 5)) ->> 'n_segments'
           FROM generate_series(1, 9)), '1', 'all rows equal: one segment');
SELECT is((SELECT model_metrics(bisecting_kmeans(feature_set(i % 4, 7), 1000000)) ->> 'n_segments'
           FROM generate_series(1, 50) AS i), '4', 'as many segments as distinct rows');
SELECT is((SELECT model_metrics(bisecting_kmeans(feature_set(i % 4, 7), 4)) ->> 'inertia'
           FROM generate_series(1, 50) AS i)::float8 < 1e-20, true, 'each its own');
SELECT is((SELECT model_metrics(bisecting_kmeans(feature_set(CASE i WHEN 3 THEN 'NaN' WHEN 4 THEN 'Infinity' ELSE i::float8 END, i), 2))
                  - '{seed,scale,total,n_init,inertia,explained,iterations,converged}'::text[] FROM generate_series(1, 20) AS i),
          '{"kind": "bisecting_kmeans", "n_used": 18, "n_input": 20, "n_skipped": 2, "n_segments": 2, "n_unsampled": 0}'::jsonb,
          'NaN and infinity are skipped and counted');
SELECT throws_ok('SELECT bisecting_kmeans(feature_set(a, b), 0) FROM p', '22023', 'k must be at least 1, not 0');
SELECT throws_ok('SELECT bisecting_kmeans(feature_set(NULL, b), 2) FROM p', '02000', 'no row can be used for training');
SELECT throws_ok('SELECT bisecting_kmeans(feature_set(x), 2) FROM (SELECT a, i::text FROM p) AS x', '42804',
                 'bisecting_kmeans needs numeric features, but 1 of 2 are categories');
-- forged models
CREATE FUNCTION pg_temp.forged(path text, value jsonb) RETURNS text LANGUAGE sql AS
$$ SELECT format('SELECT %L::segment_model', jsonb_set(model::jsonb, path::text[], value)) FROM cut WHERE k = 4 $$;
SELECT throws_ok(pg_temp.forged('{splits,1,children,0}', '{"split": 1}'), '22P02', NULL, 'a split before its parent is refused');
SELECT throws_ok(pg_temp.forged('{splits,1,children,0}', '{"segment": 5}'), '22P02', NULL, 'a segment that is not there');
SELECT throws_ok(pg_temp.forged('{splits,1,children,0}', '{"segment": 1, "split": 3}'), '22P02', NULL, 'a segment and a split at once');
SELECT throws_ok(pg_temp.forged('{splits,2,children}', (SELECT model::jsonb #> '{splits,1,children}' FROM cut WHERE k = 4)),
                 '22P02', NULL, 'a child of two splits');
SELECT throws_ok(pg_temp.forged('{splits,2,children}', '[{"segment": 1}]'), '22P02', NULL, 'one child');
SELECT throws_ok(pg_temp.forged('{splits}', '[]'), '22P02', NULL, 'fewer splits than segments need');
SELECT throws_ok(pg_temp.forged('{splits,0,center}', '[1, 2, "NaN"]'), '22P02', NULL, 'a center that is not finite');
SELECT throws_ok(pg_temp.forged('{splits,0,size}', '-1'), '22P02', NULL, 'a negative size');
SELECT throws_ok(pg_temp.forged('{splits,0,more}', '1'), '22P02', NULL, 'a member that is not known');

SELECT * FROM finish();
ROLLBACK;
