--
-- Steps of k-means over all rows, and models refined by them: compared with Lloyd's
-- algorithm in plain SQL.  Numbers in brackets are those of the contract in
-- src/cluster/kmeans_step.c.
--
\ir ../lib/pgtap_begin.psql
SET LOCAL client_min_messages = error;

CREATE FUNCTION pg_temp.near(a double precision, b double precision, tolerance double precision DEFAULT 1e-9)
    RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= tolerance * greatest(1, abs(b)), a IS NULL AND b IS NULL) $$;
-- the centroids of a model, a row each
CREATE FUNCTION pg_temp.wide(model segment_model, OUT segment_id integer, OUT size double precision, OUT f1 double precision,
                             OUT f2 double precision, OUT f3 double precision) RETURNS SETOF record LANGUAGE sql AS
$$ SELECT segment_id, max(size), max(value) FILTER (WHERE feature = 'f1'), max(value) FILTER (WHERE feature = 'f2'),
          max(value) FILTER (WHERE feature = 'f3') FROM segment.centroids(model) GROUP BY 1 $$;

-- overlapping groups, so that many steps are needed; some values are missing
CREATE TEMP TABLE p ON COMMIT DROP AS
SELECT i, 40 + sin(i * 12.9898) * 5 + i % 7 * 3 AS a, cos(i * 78.233) * 400 + i % 5 * 120 - 9000 AS b,
       CASE WHEN i % 97 = 0 THEN NULL ELSE sin(i * 4.1414) + i % 3 END AS c
FROM generate_series(1, 4000) AS i;
CREATE TEMP TABLE m ON COMMIT DROP AS
SELECT scale, (SELECT kmeans(feature_set(a, b, c), 5, scale => scale) FROM p WHERE i % 40 = 3) AS model
FROM unnest('{zscore,none}'::text[]) AS scale;

-- ---- one step, by definition ----
CREATE TEMP TABLE step ON COMMIT DROP AS SELECT scale, model, (SELECT kmeans_step(model, a, b, c) FROM p) AS next FROM m;
CREATE TEMP TABLE placed ON COMMIT DROP AS SELECT scale, i, a, b, c, assign_segment_id(model, a, b, c) AS segment_id FROM m, p;
SELECT is_empty($$
    SELECT * FROM (SELECT scale, w.* FROM step, pg_temp.wide(next) AS w) AS w
    JOIN (SELECT scale, segment_id, avg(a) AS x, avg(b) AS y, avg(c) AS z, count(*) AS n FROM placed
          GROUP BY 1, 2) AS o USING (scale, segment_id)
    WHERE NOT (pg_temp.near(f1, x, 1e-11) AND pg_temp.near(f2, y, 1e-11) AND pg_temp.near(f3, z, 1e-11) AND size = n)
$$, 'centroids are the means of the rows that the given model placed, sizes their number');
SELECT is_empty($$
    WITH placed AS (SELECT *, avg(a) OVER s AS x, avg(b) OVER s AS y, avg(c) OVER s AS z,
                           avg(a) OVER () AS all_x, avg(b) OVER () AS all_y, avg(c) OVER () AS all_z
                    FROM placed WHERE segment_id IS NOT NULL AND scale = 'none' WINDOW s AS (PARTITION BY segment_id)),
         wanted AS (SELECT sum((a - x) ^ 2 + (b - y) ^ 2 + (c - z) ^ 2) AS inertia,
                           sum((a - all_x) ^ 2 + (b - all_y) ^ 2 + (c - all_z) ^ 2) AS total FROM placed)
    SELECT inertia, total, metrics FROM wanted, step, model_metrics(next) AS metrics
    WHERE scale = 'none'
      AND NOT (pg_temp.near((metrics ->> 'inertia')::float8, inertia, 1e-11) AND pg_temp.near((metrics ->> 'total')::float8, total, 1e-11))
$$, 'inertia and total are those of the rows');
SELECT is((SELECT array_agg(DISTINCT model_metrics(next) - '{inertia,total,explained,iterations,scale}'::text[]) FROM step),
          ARRAY['{"kind": "kmeans", "seed": 1, "n_init": 10, "n_used": 3959, "n_input": 4000, '
                '"converged": false, "n_skipped": 41, "n_segments": 5, "n_unsampled": 0}'::jsonb],
          '(1) every row is used or skipped');
SELECT is((model_metrics(next) ->> 'iterations')::integer, (model_metrics(model) ->> 'iterations')::integer + 1, 'one more iteration')
FROM step;
SELECT is(next::jsonb -> 'features', model::jsonb -> 'features', 'features stay as they were scaled') FROM step;
SELECT is((SELECT kmeans_step(named, a, b, c)::jsonb -> 'segments' FROM p), named::jsonb -> 'segments', 'ids, names and origins stay')
FROM m, segment_internal.model_identify(rename_segment(model, 'Segment 2', 'Two'), '{11,12}',
                                        '{Segment 1,Segment 3}', '{One,Three}', 20) AS named;
-- missing values that the model fills
CREATE TEMP TABLE filled ON COMMIT DROP AS SELECT kmeans(feature_set(a, b, c), 1, nulls => 'mean') AS model FROM p WHERE i % 40 = 3;
SELECT ok(pg_temp.near(f3, (SELECT avg(coalesce(c, (model::jsonb #>> '{features,2,fill}')::float8)) FROM p)), 'a filled value counts')
FROM filled, LATERAL (SELECT kmeans_step(model, a, b, c) AS next FROM p) AS s, pg_temp.wide(next);
-- directions
CREATE TEMP TABLE direction ON COMMIT DROP AS SELECT kmeans(feature_set(a, b, c), 4, metric => 'cosine') AS model FROM p WHERE i % 40 = 3;
SELECT is_empty($$
    WITH x AS (SELECT i, assign_segment_id(model, a, b, c) AS segment_id,
                      (a - (f #>> '{0,center}')::float8) / (f #>> '{0,spread}')::float8 AS x,
                      (b - (f #>> '{1,center}')::float8) / (f #>> '{1,spread}')::float8 AS y,
                      (c - (f #>> '{2,center}')::float8) / (f #>> '{2,spread}')::float8 AS z
               FROM p, direction, LATERAL (SELECT model::jsonb -> 'features' AS f) AS fs),
         mean AS (SELECT segment_id, avg(x / r) AS x, avg(y / r) AS y, avg(z / r) AS z
                  FROM x, LATERAL (SELECT sqrt(x ^ 2 + y ^ 2 + z ^ 2) AS r) AS l GROUP BY 1),
         wanted AS (SELECT segment_id, feature, value / sqrt(x ^ 2 + y ^ 2 + z ^ 2) AS wanted
                    FROM mean, LATERAL (VALUES ('f1', x), ('f2', y), ('f3', z)) AS v (feature, value))
    SELECT * FROM wanted JOIN (SELECT x.* FROM direction, LATERAL (SELECT kmeans_step(model, a, b, c) AS next FROM p) AS s,
                                   centroids(next) AS x) AS x USING (segment_id, feature)
    WHERE NOT pg_temp.near(scaled, wanted)
$$, 'by direction: means of unit length');

-- ---- (3) order, parts, text and binary ----
CREATE TEMP TABLE part (scale text, s kmeans_state) ON COMMIT DROP;
INSERT INTO part SELECT scale, part.s FROM m, LATERAL (SELECT kmeans_step_state(model, a, b, c) AS s FROM p GROUP BY i % 8) AS part;
INSERT INTO part SELECT scale, NULL FROM m;
SELECT is((SELECT kmeans_step(model, a, b, c ORDER BY md5(i::text)) FROM p)::text, next::text, '(3) another order: the same bytes')
FROM step;
SELECT is((SELECT kmeans_step(kmeans_step_merge(s)) FROM part WHERE part.scale = step.scale)::text, next::text,
          '(3) eight parts, stored and merged: the same') FROM step;
SELECT is((SELECT kmeans_step_merge(s::text::kmeans_state ORDER BY md5(s::text)) FROM part WHERE part.scale = step.scale)::text,
          (SELECT kmeans_step_state(model, a, b, c) FROM p)::text, 'through text, too') FROM step;
SELECT is((SELECT kmeans_step_merge(t) FROM (SELECT kmeans_step_merge(s) AS t FROM part WHERE part.scale = step.scale
                                             GROUP BY ascii(md5(s::text)) % 3) AS merged)::text,
          (SELECT kmeans_step_state(model, a, b, c) FROM p)::text, 'merged in two rounds') FROM step;
SELECT is(segment_internal.kmeans_state_send(s::text::kmeans_state), segment_internal.kmeans_state_send(s), 'equal states have equal bytes')
FROM part WHERE s IS NOT NULL LIMIT 2;
-- (6) merging changes no part
SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) AS before FROM part \gset
SELECT is((SELECT md5(string_agg(s::text, ',' ORDER BY s::text))
           FROM part, (SELECT count(kmeans_step_merge) FROM (SELECT kmeans_step_merge(s) FROM part GROUP BY scale) AS g) AS merged),
          :'before', '(6) parts stay as they are');
-- the state goes on after a model was taken from it
SELECT is((SELECT md5(string_agg(so_far::text, ',' ORDER BY i))
           FROM (SELECT i, kmeans_step(model, a, b, c) OVER (ORDER BY i) AS so_far FROM p WHERE i <= 20) AS w),
          (SELECT md5(string_agg((SELECT kmeans_step(model, a, b, c) FROM p WHERE p.i <= g.i)::text, ',' ORDER BY i))
           FROM generate_series(1, 20) AS g (i)), 'running steps') FROM m;
SELECT is((SELECT array_agg(next::text ORDER BY scale)
           FROM (SELECT scale, kmeans_step(model, a, b, c) AS next FROM m, p GROUP BY scale) AS g),
          (SELECT array_agg(next::text ORDER BY scale) FROM step), 'several models at once, by group');

-- ---- refining: where Lloyd's algorithm over all rows ends ----
CREATE FUNCTION pg_temp.lloyd(start segment_model, OUT steps integer, OUT segment_id integer, OUT x double precision,
                              OUT y double precision, OUT z double precision, OUT n bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    before text;
    after text;
BEGIN
    CREATE TEMP TABLE center AS SELECT w.segment_id AS id, f1 AS cx, f2 AS cy, f3 AS cz, 0::bigint AS cn FROM pg_temp.wide(start) AS w;
    steps := 0;
    LOOP
        CREATE TEMP TABLE label AS
        SELECT i, (SELECT id FROM center ORDER BY (a - cx) ^ 2 + (b - cy) ^ 2 + (c - cz) ^ 2, id LIMIT 1) AS id
        FROM p WHERE c IS NOT NULL;
        after := (SELECT md5(string_agg(id::text, ',' ORDER BY i)) FROM label);
        steps := steps + 1;
        UPDATE center SET cx = o.x, cy = o.y, cz = o.z, cn = o.n
        FROM (SELECT id, avg(a) AS x, avg(b) AS y, avg(c) AS z, count(*) AS n FROM label JOIN p USING (i) GROUP BY 1) AS o
        WHERE o.id = center.id;
        DROP TABLE label;
        EXIT WHEN before = after;
        before := after;
    END LOOP;
    RETURN QUERY SELECT steps, id, cx, cy, cz, cn FROM center;
    DROP TABLE center;
END $$;
CREATE TEMP TABLE refined ON COMMIT DROP AS
SELECT model, refine_model(model, 'SELECT i AS not_a_feature, c AS f3, b AS f2, a AS f1 FROM p') AS refined FROM m WHERE scale = 'none';
CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT w.* FROM m, pg_temp.lloyd(model) AS w WHERE scale = 'none';
SELECT is_empty($$
    SELECT * FROM (SELECT w.* FROM refined, pg_temp.wide(refined) AS w) AS w JOIN wanted USING (segment_id)
    WHERE NOT (pg_temp.near(f1, x, 1e-11) AND pg_temp.near(f2, y, 1e-11) AND pg_temp.near(f3, z, 1e-11) AND size = n)
$$, 'refined to the centroids that Lloyd''s algorithm in plain SQL comes to');
SELECT cmp_ok((SELECT min(steps) FROM wanted), '>', 5, 'in no few steps');
SELECT is((model_metrics(refined) ->> 'iterations')::integer - (model_metrics(model) ->> 'iterations')::integer,
          (SELECT min(steps) FROM wanted), 'in as many') FROM refined;
SELECT is(model_metrics(refined) -> 'converged', 'true', 'and says that it has come to its end') FROM refined;
SELECT is((SELECT kmeans_step(refined, a, b, c) FROM p)::jsonb - 'iterations', refined::jsonb - 'iterations',
          'where one more step changes nothing') FROM refined;
SELECT is_empty($$
    SELECT i
    FROM refined, p, LATERAL (SELECT segment_id FROM wanted ORDER BY (a - x) ^ 2 + (b - y) ^ 2 + (c - z) ^ 2, segment_id LIMIT 1) AS o
    WHERE c IS NOT NULL AND segment_id <> assign_segment_id(refined, a, b, c)
$$, 'every row is where plain SQL has it');

-- ---- law 13: a model of a sample, refined by all rows ----
SET LOCAL maintenance_work_mem = '1MB';
CREATE TEMP TABLE large ON COMMIT DROP AS SELECT i, i % 7 * 3 + sin(i * 12.9898) * 4 AS a, i % 5 * 2 + cos(i * 78.233) * 3 AS b
FROM generate_series(1, 120000) AS i;
CREATE TEMP TABLE sampled ON COMMIT DROP AS SELECT kmeans(feature_set(a, b), 4, scale => 'none') AS model FROM large;
SELECT cmp_ok((model_metrics(model) ->> 'n_used')::integer, '<', 60000, 'a sample was trained on') FROM sampled;
CREATE TEMP TABLE all_rows ON COMMIT DROP AS SELECT refine_model(model, 'SELECT a AS f1, b AS f2 FROM large') AS model FROM sampled;
SELECT is((SELECT (model_metrics(model) ->> 'n_used')::integer FROM all_rows), 120000, 'and refined by all rows');
SELECT is_empty($$
    WITH mean AS (SELECT assign_segment_id(model, a, b) AS segment_id, avg(a) AS x, avg(b) AS y, count(*) AS n FROM large, all_rows
                  GROUP BY 1)
    SELECT * FROM mean JOIN (SELECT w.* FROM all_rows, pg_temp.wide(model) AS w) AS w USING (segment_id)
    WHERE NOT (pg_temp.near(f1, x, 1e-11) AND pg_temp.near(f2, y, 1e-11) AND size = n)
$$, 'each centroid is the mean of the rows nearest to it');
SET LOCAL maintenance_work_mem = '64MB';
CREATE TEMP TABLE trained ON COMMIT DROP AS
SELECT kmeans(feature_set(a, b), 4, scale => 'none', tol => 0, max_iter => 1000,
              centroids => (SELECT array_agg(ARRAY[f1, f2]) FROM sampled, pg_temp.wide(model))) AS model FROM large;
SELECT is((SELECT (model_metrics(model) ->> 'n_used')::integer FROM trained), 120000, 'with more memory all rows fit');
SELECT results_eq($$ SELECT size, round(f1::numeric, 8), round(f2::numeric, 8) FROM all_rows, pg_temp.wide(model) ORDER BY 1 $$,
                  $$ SELECT size, round(f1::numeric, 8), round(f2::numeric, 8) FROM trained, pg_temp.wide(model)
                     ORDER BY 1 $$, 'and Lloyd''s algorithm from the same start comes to the same centroids');

-- ---- how it ends ----
SELECT unnest(ARRAY[is(model_metrics(r) -> 'converged', 'false', 'max_iter ends it'),
                    is((model_metrics(r) ->> 'iterations')::integer, (model_metrics(model) ->> 'iterations')::integer + 2,
                       'after two steps')])
FROM m, refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3 FROM p', max_iter => 2) AS r WHERE scale = 'zscore';
SELECT is((model_metrics(r) ->> 'iterations')::integer, (model_metrics(model) ->> 'iterations')::integer + 1, 'a large tol ends it at once')
FROM m, refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3 FROM p', tol => 1e6) AS r;
SELECT ok((model_metrics(loose) ->> 'iterations')::integer < (model_metrics(refined) ->> 'iterations')::integer
          AND segment_internal.model_shift(before, loose) <= 1e-3
          AND segment_internal.model_shift(earlier, before) > 1e-3, 'a small one when the centroids move by less')
FROM refined, LATERAL (SELECT refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3 FROM p', tol => 1e-3) AS loose) AS l,
     LATERAL (SELECT (model_metrics(loose) ->> 'iterations')::integer - (model_metrics(model) ->> 'iterations')::integer AS n) AS n,
     LATERAL (SELECT refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3 FROM p', max_iter => n - 1) AS before) AS b,
     LATERAL (SELECT refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3 FROM p', max_iter => n - 2) AS earlier) AS e;
SELECT ok(pg_temp.near(segment_internal.model_shift(model, next),
                       (SELECT sum((x.value - y.value) ^ 2) / max(variance) FROM centroids(model) AS x
                        JOIN centroids(next) AS y USING (segment_id, feature),
    (SELECT (var_pop(a) + var_pop(b) + var_pop(c)) / 3 AS variance FROM p WHERE c IS NOT NULL) AS v)),
          'how far centroids moved, by definition') FROM step WHERE scale = 'none';
-- (7) empty segments
CREATE TEMP TABLE lonely ON COMMIT DROP AS SELECT kmeans(feature_set(x, x), 2, centroids => '{{0,0},{1000,1000}}', scale => 'none') AS model
FROM (VALUES (1.0), (2.0), (1000.0)) AS v (x);
SELECT unnest(ARRAY[is(y.f1, x.f1, '(7) a segment without rows keeps its centroid'), is(y.size, 0::float8, 'and has no rows')])
FROM lonely, LATERAL (SELECT kmeans_step(model, x, x) AS next FROM generate_series(1, 5) AS x) AS s,
     pg_temp.wide(model) AS x, pg_temp.wide(next) AS y WHERE x.size = 1 AND x.segment_id = y.segment_id;
-- outliers
SELECT ok(pg_temp.near(f1, (-1e9 + 4.5) / 3, 1e-12), 'a distant row counts in full')
FROM lonely, LATERAL (SELECT kmeans_step(model, x, 1) AS next FROM unnest('{1,3.5,-1e9}'::float8[]) AS x) AS s, pg_temp.wide(next)
WHERE size = 3;
SELECT ok(f1 BETWEEN -1e14 AND -1e12, 'a row beyond 2^33 deviations only as that')
FROM lonely, LATERAL (SELECT kmeans_step(model, x, 1) AS next FROM unnest('{1,3.5,-1e300}'::float8[]) AS x) AS s, pg_temp.wide(next)
WHERE size = 3;

-- ---- weights: by definition, as copies, and exactly ----
CREATE TEMP TABLE w ON COMMIT DROP AS
SELECT i, a, b, c, CASE WHEN i % 101 = 0 THEN NULL WHEN i % 103 = 0 THEN 0 ELSE exp(sin(i) * 3) END AS w FROM p;
CREATE TEMP TABLE weighted ON COMMIT DROP AS SELECT scale, model, (SELECT kmeans_step_weighted(model, w, a, b, c) FROM w) AS next FROM m;
SELECT is_empty($$
    SELECT * FROM (SELECT scale, x.* FROM weighted, pg_temp.wide(next) AS x) AS x
    JOIN (SELECT scale, segment_id, sum(w * w.a) / sum(w) AS x, sum(w * w.b) / sum(w) AS y, sum(w * w.c) / sum(w) AS z, sum(w) AS n
          FROM placed JOIN w USING (i) WHERE w > 0 GROUP BY 1, 2) AS o USING (scale, segment_id)
    WHERE NOT (pg_temp.near(f1, x, 1e-11) AND pg_temp.near(f2, y, 1e-11) AND pg_temp.near(f3, z, 1e-11) AND pg_temp.near(size, n, 1e-12))
$$, 'centroids are weighted means, sizes sums of weights');
SELECT is_empty($$
    WITH x AS (SELECT w.*, segment_id FROM placed JOIN w USING (i) WHERE scale = 'none' AND w > 0 AND segment_id IS NOT NULL),
         mean AS (SELECT segment_id, sum(w * a) / sum(w) AS x, sum(w * b) / sum(w) AS y, sum(w * c) / sum(w) AS z FROM x GROUP BY 1),
         whole AS (SELECT sum(w * a) / sum(w) AS all_x, sum(w * b) / sum(w) AS all_y, sum(w * c) / sum(w) AS all_z FROM x),
         wanted AS (SELECT sum(w * ((a - x) ^ 2 + (b - y) ^ 2 + (c - z) ^ 2)) AS inertia,
                           sum(w * ((a - all_x) ^ 2 + (b - all_y) ^ 2 + (c - all_z) ^ 2)) AS total
                    FROM x JOIN mean USING (segment_id), whole)
    SELECT inertia, total, metrics FROM wanted, weighted, model_metrics(next) AS metrics
    WHERE scale = 'none'
      AND NOT (pg_temp.near((metrics ->> 'inertia')::float8, inertia, 1e-11) AND pg_temp.near((metrics ->> 'total')::float8, total, 1e-11))
$$, 'inertia and total are weighted');
SELECT results_eq($$ SELECT DISTINCT (x ->> 'n_input')::bigint, (x ->> 'n_used')::bigint, (x ->> 'n_skipped')::bigint
                     FROM weighted, model_metrics(next) AS x $$,
                  $$ SELECT count(*), count(*) FILTER (WHERE w > 0 AND c IS NOT NULL),
                            count(*) FILTER (WHERE (w > 0 AND c IS NOT NULL) IS NOT TRUE) FROM w $$, '(8) rows without weight are skipped');
SELECT is_empty($$
    SELECT * FROM (SELECT x.* FROM m, LATERAL (SELECT kmeans_step_weighted(model, i % 4, a, b, c) AS next
                                               FROM p) AS s, pg_temp.wide(next) AS x WHERE scale = 'zscore') AS x
    JOIN (SELECT x.* FROM m, LATERAL (SELECT kmeans_step(model, a, b, c) AS next FROM p, generate_series(1, i % 4)) AS s,
              pg_temp.wide(next) AS x WHERE scale = 'zscore') AS y USING (segment_id)
    WHERE NOT (x.size = y.size AND pg_temp.near(x.f1, y.f1, 1e-12) AND pg_temp.near(x.f2, y.f2, 1e-12) AND pg_temp.near(x.f3, y.f3, 1e-12))
$$, '(8) a row of weight 3 counts as three rows');
SELECT is((SELECT jsonb_agg(k -> 'center' ORDER BY n) FROM jsonb_array_elements(large::jsonb -> 'clusters') WITH ORDINALITY AS l (k, n)),
          (SELECT jsonb_agg(k -> 'center' ORDER BY n) FROM jsonb_array_elements(next::jsonb -> 'clusters') WITH ORDINALITY AS l (k, n)),
          'proportions of weights matter, not their size: the same centroids')
FROM weighted, LATERAL (SELECT kmeans_step_weighted(model, w * 2.0 ^ 40, a, b, c) AS large FROM w) AS l;
-- (3)
CREATE TEMP TABLE weighted_part (scale text, s kmeans_state) ON COMMIT DROP;
INSERT INTO weighted_part SELECT scale, part.s
FROM m, LATERAL (SELECT kmeans_step_state_weighted(model, w, a, b, c) AS s FROM w GROUP BY i % 8) AS part;
SELECT is((SELECT kmeans_step_weighted(model, w, a, b, c ORDER BY md5(i::text)) FROM w)::text, next::text,
          '(3) weights, another order: the same bytes') FROM weighted;
SELECT is((SELECT kmeans_step(kmeans_step_merge(s)) FROM weighted_part AS q WHERE q.scale = weighted.scale)::text,
          next::text, '(3) weights, eight parts, stored and merged: the same') FROM weighted;
SELECT is((SELECT kmeans_step_merge(s::text::kmeans_state ORDER BY md5(s::text)) FROM weighted_part AS q
           WHERE q.scale = weighted.scale)::text, (SELECT kmeans_step_state_weighted(model, w, a, b, c) FROM w)::text, 'through text, too')
FROM weighted;
SELECT is(segment_internal.kmeans_state_send(s::text::kmeans_state), segment_internal.kmeans_state_send(s),
          'equal states with weights have equal bytes') FROM weighted_part LIMIT 2;
SELECT is((SELECT md5(string_agg(so_far::text, ',' ORDER BY i))
           FROM (SELECT i, kmeans_step_weighted(model, w, a, b, c) OVER (ORDER BY i) AS so_far FROM w WHERE i <= 20) AS r),
          (SELECT md5(string_agg((SELECT kmeans_step_weighted(model, w, a, b, c) FROM w WHERE w.i <= g.i)::text, ',' ORDER BY i))
           FROM generate_series(1, 20) AS g (i)), 'running steps with weights') FROM m;
-- a weight beside a far coordinate: nothing is cut
SELECT ok(pg_temp.near(f1, (1 + 2 * 3.5 - 1e60) / 4, 1e-15), 'a distant row with a weight counts in full')
FROM lonely, LATERAL (SELECT kmeans_step_weighted(model, w, x, 1) AS next
                      FROM (VALUES (1, 1::float8), (2, 3.5), (1, -1e60)) AS v (w, x)) AS s, pg_temp.wide(next) WHERE size = 4;
-- refining with weights: as refining copies
CREATE TEMP TABLE refined_weighted ON COMMIT DROP AS
SELECT refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3, (i % 4)::integer AS copies FROM p', weight => 'copies') AS by_weight,
       refine_model(model, 'SELECT a AS f1, b AS f2, c AS f3 FROM p, generate_series(1, i % 4)') AS by_copies FROM m WHERE scale = 'none';
SELECT is_empty($$ SELECT * FROM refined_weighted, LATERAL (SELECT x.* FROM pg_temp.wide(by_weight) AS x) AS x
                   JOIN LATERAL (SELECT y.* FROM pg_temp.wide(by_copies) AS y) AS y USING (segment_id)
    WHERE NOT (x.size = y.size AND pg_temp.near(x.f1, y.f1, 1e-12) AND pg_temp.near(x.f2, y.f2, 1e-12)
               AND pg_temp.near(x.f3, y.f3, 1e-12)) $$, 'a model refined with weights is that of copies');
SELECT is(model_metrics(by_weight) -> 'converged', 'true', 'it comes to its end') FROM refined_weighted;
SELECT ok(pg_temp.near(segment_internal.model_shift(model, next),
                       (SELECT sum((x.value - y.value) ^ 2) / max(variance) FROM centroids(model) AS x
                        JOIN centroids(next) AS y USING (segment_id, feature),
    (SELECT (sum(w * (a - ma) ^ 2) + sum(w * (b - mb) ^ 2) + sum(w * (c - mc) ^ 2)) / sum(w) / 3 AS variance
     FROM w, (SELECT sum(w * a) / sum(w) AS ma, sum(w * b) / sum(w) AS mb, sum(w * c) / sum(w) AS mc FROM w WHERE c IS NOT NULL) AS mean
     WHERE c IS NOT NULL) AS v)), 'how far centroids moved, by weighted variance') FROM weighted WHERE scale = 'none';
SELECT is((SELECT model_metrics(kmeans_step_weighted(model, NULL, a, b, c)) ->> 'n_used' FROM p), '0', 'no row has a weight') FROM m;
SELECT throws_ok(statement, state, message, coalesce(message, statement)) FROM (VALUES
    ('SELECT kmeans_step_weighted(model, -1, a, b, c) FROM p, m WHERE scale = ''none''', '22003',
     'a weight must be finite and not negative, not -1'),
    ('SELECT kmeans_step_weighted(model, ''NaN'', a, b, c) FROM p, m WHERE scale = ''none''', '22003',
     'a weight must be finite and not negative, not NaN'),
    ('SELECT kmeans_step_weighted(model, ''Infinity'', a, b, c) FROM p, m WHERE scale = ''none''', '22003',
     'a weight must be finite and not negative, not Infinity'),
    ('SELECT kmeans_step_weighted(model, 1e308, a, b, c) FROM p, m WHERE scale = ''none''', '22003',
     'the weights of a step add up to more than double precision can hold'),
    ('SELECT kmeans_step_weighted(NULL, 1, a, b, c) FROM p', '22004', 'the model of a step must not be null'),
    ('SELECT kmeans_step_weighted(model, 1, a, b) FROM p, m WHERE scale = ''none''', '22023', 'the model has 3 features, got 2'),
    ('SELECT kmeans_step_merge(s) FROM (SELECT s FROM part WHERE scale = ''none'' '
     'UNION ALL SELECT s FROM weighted_part WHERE scale = ''none'') AS parts',
     '42804', 'cannot merge a step with weights and one without'),
    ('SELECT refine_model(model, ''SELECT a AS f1, b AS f2, c AS f3 FROM p'', weight => ''w'') FROM m', '42703',
     'the query has no column "w", which is to be the weight'),
    ('SELECT refine_model(model, ''SELECT a AS f1, b AS f2, c AS f3, c::text AS w FROM p'', weight => ''w'') FROM m',
     '42804', 'column "w" of the query has type text, expected a number'),
    ('SELECT refine_model(model, ''SELECT a AS f1, b AS f2, c AS f3, 0 AS w FROM p'', weight => ''w'') FROM m',
     '02000', 'no row of the query can be used'),
    ('SELECT segment_internal.kmeans_step_accum_weighted(NULL, model, 1, 1, 2, 3) FROM m', '0A000',
     'function was called outside an aggregate')) AS v (statement, state, message);

-- ---- bad input ----
SELECT is((SELECT kmeans_step(model, a, b, c) FROM p, m WHERE false), NULL, '(2) no rows: NULL');
SELECT is((SELECT kmeans_step_merge(s) FROM part WHERE s IS NULL)::text, NULL, 'nothing merged: NULL');
SELECT is(kmeans_step(NULL::kmeans_state), NULL, 'the step of NULL');
SELECT is(refine_model(NULL, 'SELECT 1'), NULL, 'no model refined');
SELECT is((SELECT model_metrics(kmeans_step(model, NULL, b, c)) FROM p) - '{seed,scale,total,explained,inertia,iterations}'::text[],
          '{"kind": "kmeans", "n_init": 10, "n_used": 0, "n_input": 4000, "converged": true, "n_skipped": 4000, '
          '"n_segments": 5, "n_unsampled": 0}'::jsonb,
          'nothing but rows that are skipped') FROM m;
SELECT throws_ok(statement, state, message, coalesce(message, statement)) FROM (VALUES
    ('SELECT kmeans_step(NULL, a, b, c) FROM p', '22004', 'the model of a step must not be null'),
    ('SELECT kmeans_step(model, VARIADIC NULL::float8[]) FROM p, m', '22004', 'the array of features must not be null'),
    ('SELECT kmeans_step(model, a, b) FROM p, m', '22023', 'the model has 3 features, got 2'),
    ('SELECT kmeans_step(model, VARIADIC ARRAY[[a, b, c]]) FROM p, m', '2202E',
     'features must be a one-dimensional array, not one of 2 dimensions'),
    ('SELECT kmeans_step(model, a, b, c) FROM p, m', '22023', 'all rows of a step must have the same model'),
    ('SELECT kmeans_step_merge(s) FROM part', '42804', 'cannot merge steps of different models'),
    ('SELECT kmeans_step((SELECT rfm_model(feature_set(a, i, c + 5), scheme => ''eleven_names'') FROM p), a, b, c) FROM p',
     '42809', 'expected a model of kind "kmeans", got one of kind "rfm"'),
    ('SELECT kmeans_step((SELECT bisecting_kmeans(feature_set(a, b, c), 3) FROM p), a, b, c) FROM p', '42809',
     'expected a model of kind "kmeans", got one of kind "bisecting_kmeans"'),
    ('SELECT refine_model((SELECT rfm_model(feature_set(a, i, c + 5), scheme => ''eleven_names'') FROM p), ''p'')',
     '42809', 'expected a model of kind "kmeans", got one of kind "rfm"'),
    ('SELECT segment_internal.kmeans_step_accum(NULL, model, 1, 2, 3) FROM m', '0A000',
     'function was called outside an aggregate')) AS v (statement, state, message);
SELECT throws_ok(format('SELECT refine_model(model, %L, %s) FROM m', query, options), state, message, coalesce(message, query)) FROM (VALUES
    ('SELECT a AS f1, b AS f2 FROM p', '1', '42703', 'the query has no column "f3", which the model needs'),
    ('SELECT a AS f1, b AS f2, c::text AS f3 FROM p', '1', '42804', 'column "f3" of the query has type text, expected a number'),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p WHERE false', '1', '02000', 'no row of the query can be used'),
    ('SELECT NULL::integer AS f1, b AS f2, c AS f3 FROM p', '1', '02000', 'no row of the query can be used'),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p FOR UPDATE', '1', '22023',
     'source must be a single query that only reads, but it locks rows'),
    ('SELECT 1) AS source; DELETE FROM p; SELECT (SELECT 1', '1', '42601', NULL),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p) AS x, (SELECT 1', '1', '42601', NULL),
    ('DELETE FROM p RETURNING a AS f1, b AS f2, c AS f3', '1', '22023',
     'source must be a single query that only reads, but it is not a SELECT'),
    ('SELECT $1 AS f1', '1', '42P02', NULL),
    ('nowhere', '1', '42P01', NULL),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p', '0', '22023', 'max_iter must be at least 1, not 0'),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p', 'NULL', '22004', 'query, max_iter, tol and search_path must not be null'),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p', '1, -1', '22023', 'tol must be a finite number of at least 0, not -1'),
    ('SELECT a AS f1, b AS f2, c AS f3 FROM p', '1, ''NaN''', '22023',
     'tol must be a finite number of at least 0, not NaN')) AS v (query, options, state, message);
-- a relation by name, found in the caller's search_path
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.rows_of_mine AS SELECT a AS f1, b AS f2, c AS f3 FROM p;
SET LOCAL search_path = elsewhere, public, segment;
SELECT is((SELECT refine_model(model, 'rows_of_mine') FROM refined)::text, refined::text, 'a relation by its name') FROM refined;
SET LOCAL search_path = public, segment;
SELECT is((SELECT refine_model(model, 'SELECT * FROM rows_of_mine', search_path => 'elsewhere')
           FROM refined)::text, refined::text, 'under another search_path') FROM refined;
SELECT is((SELECT refine_model(model, 'SELECT a AS "a; --", b AS "B""" FROM p')
           FROM (SELECT kmeans(feature_set(x), 3) AS model
                 FROM (SELECT a AS "a; --", b AS "B""" FROM p WHERE i % 9 = 0) AS x) AS t)::jsonb #>> '{features,1,name}',
          'B"', 'hostile names are names');

-- ---- forged states ----
CREATE TEMP TABLE state ON COMMIT DROP AS
SELECT (SELECT kmeans_step_state(model, x) FROM generate_series(1, 4) AS x)::text AS good, length(model::text) AS l
FROM (SELECT kmeans(feature_set(x), 2) AS model FROM generate_series(1, 4) AS x) AS m;
SELECT lives_ok(format('SELECT %L::kmeans_state', good), 'the state as it is') FROM state;
-- bytes: format 0-1, length 2-5, model, rows seen, rows skipped, rows too far, then of the first segment: rows, sum, sum of squares
SELECT throws_ok(format('SELECT %L::kmeans_state', overlay(good PLACING bytes FROM 2 * at + 1 FOR length(bytes))), state, NULL, what)
FROM state, LATERAL (VALUES
    (0, '0000', '22P03', 'format zero'), (0, '0003', '0A000', 'a newer format'), (0, '0002', '22P03', 'another format'),
    (2, '7fffffff', '22P03', 'a model longer than the value'), (2, 'ffffffff', '22P03', 'a model of negative length'),
    (6, '00', '22P03', 'a zero byte in the model'), (6, '58', '22P02', 'a model that is none'),
    (6 + l, 'ff', '22P03', 'a negative number of rows'), (6 + l, '0020000000000001', '22P03', 'more rows than can be'),
    (6 + l + 7, '05', '22P03', 'more rows than those of the segments'),
    (6 + l + 15, '01', '22P03', 'a skipped row too many'), (6 + l + 23, '05', '22P03', 'more far rows than rows'),
    (6 + l + 24, 'ff', '22P03', 'a segment with a negative number of rows'),
    (6 + l + 31, '05', '22P03', 'a segment with more rows than all'), (6 + l + 32, '70', '22P03', 'a sum beyond what rows can have'),
    (6 + l + 48, '00ff', '22P03', 'a sum of squares out of range')) AS v (at, bytes, state, what);
SELECT throws_ok(format('SELECT %L::kmeans_state', left(good, n)), '08P01', NULL, 'cut off')
FROM state, unnest(ARRAY[2, length(good) - 2]) AS n;
SELECT throws_ok(format('SELECT %L::kmeans_state', good || '00'), '08P01', NULL, 'too long') FROM state;
SELECT throws_ok($$ SELECT 'xyz'::kmeans_state $$, '22P03', 'invalid kmeans_state: its text form is not hexadecimal');

SELECT * FROM finish();
ROLLBACK;
