-- Training a clustering again: it starts from the centroids it had, so that groups
-- that overlap stay who they are; when it starts afresh; what it says when a fresh start
-- would be better.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE FUNCTION clr_random(seed text) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(seed), 1, 8))::bit(32)::bigint / 4294967296.0;

-- no groups at all: a cloud, of which there are many divisions that are nearly equally good
CREATE TABLE clr AS
SELECT n AS id, 50 + 10 * (clr_random('a' || n) + clr_random('b' || n) + clr_random('c' || n)) AS age,
       exp(2 + 3 * clr_random('d' || n) * clr_random('e' || n)) AS spend, 5 * clr_random('f' || n) + 3 * clr_random('g' || n) AS visits
FROM generate_series(1, 3000) AS n;
SELECT create_cluster_segmentation('clr', 'clr', k => 7, options => '{"log": ["spend"], "n_init": 3}');
SELECT outcome, trained, details ->> 'warm_start' AS warm_start, details ->> 'fresh_gain' AS fresh_gain
FROM refresh_segmentation('clr', '2024-01-01');

-- ---- nothing has changed: nobody moves, no new version, whatever the order of rows ----
SELECT outcome, trained, details ->> 'warm_start' AS warm_start, (details ->> 'fresh_gain')::float8 BETWEEN 0 AND 0.02 AS judged,
       model_version, moved, unchanged, counts FROM retrain_segmentation('clr', '2024-01-02') \gx
CREATE TABLE clr_shuffled AS SELECT * FROM clr ORDER BY md5(id::text);
BEGIN;
DROP TABLE clr;
ALTER TABLE clr_shuffled RENAME TO clr;
COMMIT;
SELECT outcome, details ->> 'warm_start' AS warm_start, model_version, moved, unchanged FROM retrain_segmentation('clr', '2024-01-02') \gx
SELECT outcome, details ->> 'warm_start' AS warm_start, model_version, moved, unchanged FROM retrain_segmentation('clr', '2024-01-03');
-- afresh, too: the same rows, options and seed
SELECT outcome, details ->> 'warm_start' AS warm_start, details ->> 'fresh_gain' AS fresh_gain, model_version, moved
FROM retrain_segmentation('clr', '2024-01-03', options => '{"warm_start": false}');
-- a model that other starts found in another number of steps is the same model
SELECT count(*) FROM get_model('clr') AS m,
    LATERAL (SELECT jsonb_set(jsonb_set(m::jsonb, '{n_init}', '77'), '{iterations}', '88')::segment_model AS other) AS o
WHERE segment_internal.same_model(other, m)::text <> m::text
   OR segment_internal.same_model(jsonb_set(m::jsonb, '{seed}', '99')::segment_model, m)::text = m::text;

-- ---- some come, some go, some change: it is k-means from where the centroids were ----
CREATE TABLE clr_old AS SELECT get_model('clr') AS model;
CREATE TABLE clr_members AS SELECT * FROM clr_segments;
DELETE FROM clr WHERE id % 20 = 3;
INSERT INTO clr SELECT n, 52 + 10 * (clr_random('a' || n) + clr_random('b' || n) + clr_random('c' || n)),
    exp(2 + 3 * clr_random('d' || n) * clr_random('e' || n)), 4 + clr_random('f' || n) FROM generate_series(3001, 3100) AS n;
UPDATE clr SET spend = spend * 1.2 WHERE id % 7 = 0;
SELECT outcome, trained, details ->> 'warm_start' AS warm_start, moved BETWEEN 1 AND 300 AS few_moved, model_version
FROM retrain_segmentation('clr', '2024-02-01');
WITH anew AS (SELECT kmeans(feature_set(c), 7, log => '{spend}', centroids => (SELECT centroid_array(model) FROM clr_old)) AS model
              FROM (SELECT age, spend, visits FROM clr) AS c)
SELECT model::jsonb - 'segments' = get_model('clr')::jsonb - 'segments' AS is_kmeans_from_old_centroids FROM anew;
-- ids stay with their groups: most of those in a segment were there before
SELECT count(*) FROM (SELECT m.segment_id, avg((o.segment_id = m.segment_id)::int) AS stayed FROM clr_segments AS m
                      JOIN clr_members AS o USING (id) GROUP BY 1) AS s WHERE stayed < 0.8;
-- again: a warm start moved everybody where they belong
SELECT moved, model_version FROM retrain_segmentation('clr', '2024-02-02');

-- ---- grids, where many rows lie exactly on borders, and large offsets: only what moved is printed ----
CREATE TABLE clr_moving (source text, k integer, moved bigint, version integer);
DO $$
DECLARE
    source text;
    run segment.run;
BEGIN
    FOREACH source IN ARRAY ARRAY['n % 10 AS a, n * 7 % 13 AS b', 'n % 2 AS a, n % 3 AS b',
                                  'n * 7919 % 101 AS a, n * 31 % 97 AS b', 'n AS a, 1700000000 + n % 3600 AS b'] LOOP
        FOR k IN 3 .. 8 LOOP
            PERFORM create_cluster_segmentation('clr_grid', format('SELECT n AS id, %s FROM generate_series(1, 4000) AS n', source),
                                                k => k, options => '{"n_init": 2}');
            run := refresh_segmentation('clr_grid', '2024-01-01');
            run := retrain_segmentation('clr_grid', '2024-01-02');
            INSERT INTO clr_moving VALUES (source, k, run.moved, run.model_version);
            PERFORM drop_segmentation('clr_grid');
        END LOOP;
    END LOOP;
END;
$$;
SELECT count(*) AS tried FROM clr_moving;
SELECT * FROM clr_moving WHERE (moved, version) IS DISTINCT FROM (0, 1);

-- ---- month after month 5 % are replaced: warm starts move fewer, and are as good ----
CREATE TABLE clr_month (month integer, warm_moved bigint, fresh_moved bigint, inertia_ratio float8);
CREATE TABLE clr_flow (LIKE clr);
SELECT create_cluster_segmentation('clr_stay', 'clr_flow', k => 6),
       create_cluster_segmentation('clr_afresh', 'clr_flow', k => 6, options => '{"warm_start": false}');
DO $$
DECLARE
    warm segment.run;
    fresh segment.run;
BEGIN
    FOR m IN 0 .. 6 LOOP
        DELETE FROM clr_flow WHERE clr_random(format('x %s %s', m, id)) < 0.05;
        INSERT INTO clr_flow SELECT n, clr_random('a' || n) + clr_random('b' || n) + clr_random('c' || n),
                                    exp(2 * clr_random('d' || n) * clr_random('e' || n)), clr_random('f' || n) + clr_random('g' || n) * 2
        FROM generate_series(5000 * m + 1, 5000 * m + CASE m WHEN 0 THEN 5000 ELSE 250 END) AS n;
        warm := retrain_segmentation('clr_stay', timestamptz '2024-01-01 00:00Z' + m * interval '1 month');
        fresh := retrain_segmentation('clr_afresh', timestamptz '2024-01-01 00:00Z' + m * interval '1 month');
        INSERT INTO clr_month SELECT m, warm.moved, fresh.moved, (model_metrics(get_model('clr_stay')) ->> 'inertia')::float8
                                     / (model_metrics(get_model('clr_afresh')) ->> 'inertia')::float8;
    END LOOP;
END;
$$;
SELECT sum(warm_moved) > 0 AS some_moved, sum(warm_moved) < sum(fresh_moved) AS fewer, max(inertia_ratio) < 1.02 AS as_good FROM clr_month;

-- ---- when it starts afresh ----
CREATE FUNCTION clr_fresh() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    o jsonb := (SELECT options FROM segment.segmentation WHERE name = 'clr');
    f text := (SELECT array_to_string(features, ', ') FROM segment.segmentation WHERE name = 'clr');
    fresh jsonb;
BEGIN
    EXECUTE format('SELECT kmeans(feature_set(c), %s, %s, log => ''{spend}'')::jsonb FROM (SELECT %s FROM clr) AS c',
                   o ->> 'k', o ->> 'n_init', f) INTO fresh;
    RETURN fresh - '{segments,n_init,iterations}'::text[] = get_model('clr')::jsonb - '{segments,n_init,iterations}'::text[];
END;
$$;
-- another number of segments
UPDATE segment.segmentation SET options = options || '{"k": 6}' WHERE name = 'clr';
SELECT outcome, details ->> 'warm_start' AS warm_start, details ->> 'fresh_gain' AS fresh_gain, clr_fresh()
FROM retrain_segmentation('clr', '2024-03-01', options => '{"warm_start": true}');
-- an option says so, and the call another thing
UPDATE segment.segmentation SET options = options || '{"warm_start": false}' WHERE name = 'clr';
UPDATE clr SET age = age + 1 WHERE id % 3 = 0;
SELECT outcome, details ->> 'warm_start' AS warm_start, clr_fresh() FROM retrain_segmentation('clr', '2024-03-02');
UPDATE clr SET age = age + 1 WHERE id % 5 = 0;
SELECT outcome, details ->> 'warm_start' AS warm_start FROM retrain_segmentation('clr', '2024-03-03', options => '{"warm_start": true}');
UPDATE segment.segmentation SET options = options - 'warm_start' WHERE name = 'clr';
-- retraining that is due is a warm one, and the log says so
UPDATE segment.segmentation SET retrain_every = '10 days' WHERE name = 'clr';
SELECT trained, details ->> 'warm_start' AS warm_start FROM refresh_segmentation('clr', '2024-03-10');
SELECT trained, details ->> 'warm_start' AS warm_start FROM refresh_segmentation('clr', '2024-03-14');
SELECT trained, details ->> 'warm_start' AS warm_start FROM retrain_segmentation('clr', '2024-03-25', options => '{"warm_start": false}');
SELECT (as_of AT TIME ZONE 'UTC')::date AS as_of, trained, details ->> 'warm_start' AS warm_start,
       (details ->> 'fresh_gain')::float8 IS NOT NULL AS judged FROM segment_run
WHERE segmentation = 'clr' AND as_of > '2024-03-05' ORDER BY run_id;
-- other features: model_match() has its say, but the start would not fit
SELECT change, segment_internal.starts_warm(jsonb_populate_record(s, jsonb_build_object('options', s.options || change)))
FROM segment.segmentation AS s, unnest(ARRAY['{}', '{"warm_start": false}', '{"warm_start": true}']::jsonb[]) AS change
WHERE name = 'clr';
SELECT change, segment_internal.starts_warm(jsonb_populate_record(s, change))
FROM segment.segmentation AS s,
     unnest(ARRAY['{"features": ["age", "spend"]}', '{"features": ["spend", "age", "visits"]}', '{"method": "bisecting_kmeans"}',
                  '{"model_version": null}']::jsonb[]) AS change
WHERE name = 'clr';
-- centroids of one's own are where each training starts
UPDATE segment.segmentation SET options = options || '{"k": 2, "centroids": [[60, 10, 1], [70, 40, 5]]}' WHERE name = 'clr';
SELECT outcome, details ->> 'warm_start' AS warm_start FROM retrain_segmentation('clr', '2024-04-01');
SELECT outcome, details ->> 'warm_start' AS warm_start FROM retrain_segmentation('clr', '2024-04-02', options => '{"warm_start": true}');

-- ---- a start that has become a bad one is told of ----
CREATE TABLE clr_moved AS SELECT n AS id, (ARRAY[0, 10, 100])[1 + n % 3] + n % 7 AS a, n % 5 AS b FROM generate_series(1, 600) AS n;
SELECT create_cluster_segmentation('clr_moved', 'clr_moved', k => 3, options => '{"scale": "none"}');
SELECT outcome FROM refresh_segmentation('clr_moved', '2024-01-01');
-- two groups become one, which two centroids go on to share, and the third becomes two, which share one
UPDATE clr_moved SET a = 5 + id % 7 WHERE id % 3 < 2;
UPDATE clr_moved SET a = a + 100 WHERE id % 6 = 2;
SET client_min_messages = notice;
SELECT outcome, details ->> 'warm_start' AS warm_start, (details ->> 'fresh_gain')::float8 > 0.02 AS could_gain
FROM retrain_segmentation('clr_moved', '2024-01-03');
SET client_min_messages = warning;
CREATE TABLE clr_warm AS SELECT (model_metrics(get_model('clr_moved')) ->> 'inertia')::float8 AS inertia,
    (SELECT (r.details ->> 'fresh_gain')::float8 FROM segment.run AS r WHERE segmentation = 'clr_moved'
     ORDER BY run_id DESC LIMIT 1) AS gain;
SELECT outcome, details ->> 'warm_start' AS warm_start
FROM retrain_segmentation('clr_moved', '2024-01-03', options => '{"warm_start": false}');
SELECT (model_metrics(get_model('clr_moved')) ->> 'inertia')::float8 < inertia AS less_inertia FROM clr_warm;
-- the figure is what one start afresh comes to
SELECT abs(gain - (1 - (model_metrics(kmeans(feature_set(c), 3, 1, scale => 'none')) ->> 'inertia')::float8
                   / (SELECT inertia FROM clr_warm))) < 1e-12 AS gain_holds
FROM (SELECT a, b FROM clr_moved) AS c, clr_warm GROUP BY gain;

-- ---- methods that cannot start from a model train as ever ----
SELECT create_cluster_segmentation('clr_hierarchy', 'clr_moved', k => 3, method => 'bisecting_kmeans');
SELECT outcome, details ->> 'warm_start' AS warm_start FROM refresh_segmentation('clr_hierarchy', '2024-01-01');
SELECT outcome, details ->> 'warm_start' AS warm_start, details ->> 'fresh_gain' AS fresh_gain
FROM retrain_segmentation('clr_hierarchy', '2024-01-02', options => '{"warm_start": true}');
SELECT create_cluster_segmentation('clr_wrong', 'clr_moved', k => 3, method => 'bisecting_kmeans', options => '{"warm_start": true}');
SELECT create_cluster_segmentation('clr_wrong', 'clr_moved', k => 3, options => '{"warm_start": 1}');
SELECT create_cluster_segmentation('clr_wrong', 'clr_moved', k => 3, options => '{"warm_starts": true}');
SELECT drop_segmentation(name) FROM segment.segmentation WHERE name ~ '^clr';

-- ---- centroid_array(): as centroids() has them ----
CREATE TABLE clr_models AS
SELECT 'plain' AS how, kmeans(feature_set(c), 4) AS model FROM (SELECT age, spend, visits FROM clr) AS c
UNION ALL SELECT 'log', kmeans(feature_set(c), 4, scale => 'robust', log => '{spend,age}', weights => '{"visits": 3}', winsorize => '0.02')
FROM (SELECT age, spend, visits FROM clr) AS c
UNION ALL SELECT 'none', kmeans(feature_set(1e9 + age, spend * 1e-9), 5, scale => 'none') FROM clr
UNION ALL SELECT 'one', kmeans(feature_set(age), 1) FROM clr
UNION ALL SELECT 'cosine', kmeans(feature_set(c), 4, metric => 'cosine') FROM (SELECT age, spend, visits FROM clr) AS c;
SELECT how FROM clr_models
WHERE how <> 'cosine' AND centroid_array(model) IS DISTINCT FROM
      (SELECT array_agg(v ORDER BY n)
       FROM (SELECT min(n) AS n, array_agg(value ORDER BY n) AS v
             FROM centroids(model) WITH ORDINALITY AS c (segment_id, segment, feature, value, category, scaled, z, size, n)
             GROUP BY segment_id) AS s);
-- placed as rows they are the centres of their own segments
SELECT how, s FROM clr_models, generate_series(1, array_length(centroid_array(model), 1)) AS s,
     LATERAL (SELECT array_agg(v ORDER BY n) AS row FROM unnest((centroid_array(model))[s:s]) WITH ORDINALITY AS u (v, n)) AS r
WHERE assign_segment_id(model, VARIADIC row) <> s OR segment_distance(model, VARIADIC row) > 1e-6;
SELECT centroid_array(NULL);
SELECT centroid_array(bisecting_kmeans(feature_set(age), 2)) FROM clr;

DROP TABLE clr, clr_old, clr_members, clr_moved, clr_warm, clr_models, clr_moving, clr_month, clr_flow;
DROP FUNCTION clr_fresh(), clr_random(text);
