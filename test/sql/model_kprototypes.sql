--
-- kprototypes: published results, options, what is refused, and the laws by number.
--
--  3 same data, same answer      4 unit-free          5 nothing is silent
-- 12 bad input, clear error     13 memory is bounded
--
SET search_path = public, segment;

-- random customers by hashes, so that every server has the same
CREATE TABLE customer AS
SELECT i AS id, g * 30 + (hashint4(i) & 1023) / 16.0::float8 AS a, sqrt((hashint4(i + 1000000) & 65535)) AS b,
       (ARRAY['web', 'shop', 'phone', 'post'])[1 + CASE WHEN hashint4(i + 2000000) % 3 = 0 THEN i % 4 ELSE g END] AS channel,
       'r' || (hashint4(i + 3000000) & 15) / (1 + g) AS region, hashint4(i + 5000000) % 5 = g AS returned
FROM generate_series(1, 4000) AS i, LATERAL (SELECT i % 3 AS g) AS l;
VACUUM ANALYZE customer;

\set ECHO none
\i test/lib/try.psql
\set ECHO all

-- ---- published: the stocks of the test suite of the Python package kmodes ----
CREATE TABLE stock (price float8, sector text, country text);
INSERT INTO stock VALUES (738.5, 'tech', 'USA'), (369.5, 'nrg', 'USA'), (368.2, 'tech', 'USA'),
    (346.7, 'tech', 'USA'), (343.5, 'fin', 'USA'), (282.4, 'fin', 'USA'), (282.1, 'tel', 'CN'),
    (279.7, 'cons', 'USA'), (257.2, 'cons', 'USA'), (205.2, 'tel', 'USA'), (192.1, 'tech', 'USA'), (195.7, 'nrg', 'NL');
CREATE TABLE stock_model AS SELECT kprototypes(feature_set(stock), 4, scale => 'none') AS m FROM stock;
-- published: cost 1664.4708549505, gamma 69.9033360355
SELECT round((model_metrics(m) ->> 'cost')::numeric, 10) AS cost, round((model_metrics(m) ->> 'gamma')::numeric, 10) AS gamma
FROM stock_model;
-- published: 738.5 tech USA, 356.975 tech USA, 275.35 cons USA, 197.6667 nrg USA
SELECT segment_id, string_agg(coalesce(category, round(value::numeric, 4)::text), ' ' ORDER BY feature) AS center, max(size) AS size
FROM stock_model, centroids(m) GROUP BY 1 ORDER BY 1;
-- published: those of 197.67, 197.67, 356.98, 197.67, though CA and mat were never seen
SELECT v.*, assign_segment_id(m, price, sector, country), round(segment_distance(m, price, sector, country)::numeric, 4) AS distance
FROM stock_model,
     (VALUES (134.1, 'fin', 'USA'), (190.2, 'cons', 'USA'), (389.1, 'nrg', 'CA'), (150.4, 'mat', 'USA')) AS v(price, sector, country);
SELECT jsonb_pretty(explain_segment(m, 389.1, 'nrg', 'CA')) FROM stock_model;
-- matched by name as a row; a missing category, and one that stands in
SELECT assign_segment_id(m, r) AS by_row, assign_segment_id(m, 389.1, NULL, 'CA') AS missing,
       assign_segment_id(mean, 389.1, NULL, 'CA') AS mean, assign_segment_id(mean, 389.1, 'tech', 'CA') AS mode
FROM stock_model, (SELECT 'CA' AS country, 389.1 AS price, 'nrg' AS sector) AS r,
     (SELECT kprototypes(feature_set(stock), 4, scale => 'none', nulls => 'mean') AS mean FROM stock) AS n;

-- ---- law 12: what is refused ----
SELECT option, try(format('SELECT kprototypes(feature_set(c), %s) IS NULL FROM (SELECT a, channel FROM customer) AS c', option))
FROM unnest('{
    0, -1, "NULL", "3, -1", "3, ''NaN''", "3, 1e300", "3, n_init => 0", "3, max_iter => 0",
    "3, scale => ''unit''", "3, scale => NULL", "3, nulls => ''zero''", "3, seed => NULL",
    "3, log => ''{channel}''", "3, winsorize => ''{\"channel\": 0.1}''",
    "3, weights => ''{\"channel\": 0}''", "3, weights => ''{\"channel\": 2, \"a\": 3}''"}'::text[])
     WITH ORDINALITY AS o(option, n) ORDER BY n \g (format=unaligned)
SELECT kprototypes(NULL, 3), kprototypes(feature_set(a), 3) FROM customer WHERE false;
SELECT try('SELECT kprototypes(feature_set(c), 2) IS NULL FROM (SELECT a, NULL::text AS n FROM customer) AS c');
-- law 13: a name for each row is no feature
SET maintenance_work_mem = '1MB';
SELECT try('SELECT kprototypes(feature_set(c), 100) IS NULL FROM (SELECT a, id::text AS name FROM customer) AS c');
RESET maintenance_work_mem;
-- few and equal rows
SELECT k, jsonb_array_length(kprototypes(f, k)::jsonb -> 'segments')
FROM (SELECT feature_set(t) AS f FROM (VALUES ('a'), ('b'), ('b'), ('c')) AS t(x)) AS s, unnest('{1,2,3,4,1000000}'::int[]) AS k ORDER BY k;
SELECT jsonb_pretty(model_metrics(kprototypes(f, 2)))
FROM (SELECT feature_set(t) AS f FROM (VALUES ('a'), ('b'), ('b'), ('c')) AS t(x)) AS s;
-- categories that are not to count leave rows alike
SELECT jsonb_array_length(kprototypes(f, 4, gamma => 0)::jsonb -> 'segments')
FROM (SELECT feature_set(t) AS f FROM (VALUES (1, 'a'), (1, 'b'), (1, 'c'), (2, 'c')) AS t(x, y)) AS s;
-- very many features
SELECT model_metrics(kprototypes(f, 3)) ->> 'n_segments' AS n_segments
FROM (SELECT feature_set(VARIADIC x) AS f
      FROM (SELECT (SELECT array_agg((hashint4(i * 10007 + j) & 255)::float8) FROM generate_series(1, 1000) AS j) AS x
            FROM generate_series(1, 30) AS i) AS t) AS s;

-- ---- against what is said ----
-- every row belongs to the segment of the least distance, worked out in SQL.  Expect no rows
WITH m AS (SELECT kprototypes(feature_set(c), 5, weights => '{"region": 2}') AS m
           FROM (SELECT a, channel, b, region, returned FROM customer) AS c),
overall AS (SELECT avg(a) AS ma, stddev_pop(a) AS sa, avg(b) AS mb, stddev_pop(b) AS sb FROM customer),
center AS (SELECT segment_id, max(scaled) FILTER (WHERE feature = 'a') AS x, max(scaled) FILTER (WHERE feature = 'b') AS y,
                  max(category) FILTER (WHERE feature = 'channel') AS channel,
                  max(category) FILTER (WHERE feature = 'region') AS region, max(category) FILTER (WHERE feature = 'returned') AS returned
           FROM m, centroids(m.m) GROUP BY 1),
placed AS (SELECT id, assign_segment_id(m.m, a, c.channel, b, c.region, c.returned) AS given, n.segment_id,
                  n.distance, segment_distance(m.m, a, c.channel, b, c.region, c.returned) AS told
           FROM customer AS c, overall, m, LATERAL (
               SELECT segment_id, ((a - ma) / sa - x) ^ 2 + ((b - mb) / sb - y) ^ 2
                      + 0.5 * ((c.channel <> e.channel)::int + 2 * (c.region <> e.region)::int
                               + (c.returned <> e.returned::boolean)::int) AS distance
               FROM center AS e ORDER BY 2, 1 LIMIT 1) AS n)
SELECT id, given, segment_id FROM placed WHERE given <> segment_id OR NOT abs(sqrt(distance) - told) < 1e-9
UNION ALL SELECT -1, n, sum FROM (SELECT sum(distance), (SELECT (model_metrics(m.m) ->> 'cost')::float8 AS n FROM m) FROM placed) AS t
WHERE NOT abs(sum / n - 1) < 1e-9;
-- means and modes are those of the members.  Expect no rows
WITH m AS (SELECT kprototypes(feature_set(c), 4) AS m FROM (SELECT a, channel, region FROM customer) AS c),
member AS (SELECT assign_segment_id(m.m, a, channel, region) AS segment_id, a, channel, region FROM customer, m),
own AS (SELECT segment_id, avg(a) AS a, mode() WITHIN GROUP (ORDER BY channel COLLATE "C") AS channel,
            mode() WITHIN GROUP (ORDER BY region COLLATE "C") AS region, count(*) FROM member GROUP BY 1)
SELECT * FROM own, m, centroids(m.m) AS c WHERE c.segment_id = own.segment_id
AND NOT CASE feature WHEN 'a' THEN abs(value - a) < 1e-9 WHEN 'channel' THEN category = channel ELSE category = region END AND size = count;
-- strengths add up to 1.  Expect no rows
SELECT id, e FROM customer, (SELECT kprototypes(feature_set(c), 4) AS m FROM (SELECT a, channel, region FROM customer) AS c) AS t,
    LATERAL (SELECT explain_segment(m, a, channel, region) AS e) AS x
WHERE id % 50 = 0
  AND NOT (e ->> 'segment' = assign_segment(m, a, channel, region)
           AND coalesce(abs((SELECT sum((f ->> 'strength')::float8) FROM jsonb_array_elements(e -> 'features') AS f) - 1) < 1e-9, true));
-- without categories it is k-means, and as good within 1 %
SELECT (model_metrics(kprototypes(feature_set(a, b), 4)) ->> 'cost')::float8
       / (model_metrics(kmeans(feature_set(a, b), 4)) ->> 'inertia')::float8 BETWEEN 1 - 1e-9 AND 1.01 AS as_good FROM customer;
-- weights of rows are copies.  Expect t
SELECT kprototypes(feature_set_merge(f), 4)::jsonb -> 'clusters' = (SELECT kprototypes(feature_set(c), 4)::jsonb -> 'clusters'
                                                                    FROM (SELECT a, channel FROM customer, generate_series(0, 2)) AS c)
FROM (SELECT feature_set(c) AS f FROM (SELECT a, channel FROM customer) AS c, generate_series(1, 3) AS part GROUP BY part) AS t;
-- skipped rows are counted
SELECT model_metrics(kprototypes(feature_set(c), 3)) -> 'n_skipped' AS n_skipped
FROM (SELECT a, CASE WHEN id % 100 <> 7 THEN channel END AS channel FROM customer) AS c;

-- ---- law 5: what was not used is counted and told ----
SET maintenance_work_mem = '1MB';
SELECT n_used < n_input AS sampled, n_used + n_skipped + n_unsampled = n_input AS adds_up
FROM (SELECT feature_set(c) AS f FROM (SELECT a + i / 1000.0 AS a, b, channel FROM customer, generate_series(1, 10) AS i) AS c) AS t,
     jsonb_to_record(model_metrics(kprototypes(f, 3))) AS m(n_input int, n_used int, n_skipped int, n_unsampled int);
RESET maintenance_work_mem;

-- ---- law 3: byte by byte the same, whatever the order of rows and however they were collected.  Expect 1 each ----
SET client_min_messages = warning;
CREATE VIEW mixed AS SELECT a, channel, b, region FROM customer;
SELECT count(DISTINCT md5(m::text)) FROM (
    SELECT kprototypes(feature_set(c), 5) AS m FROM mixed AS c
    UNION ALL SELECT kprototypes(feature_set(c ORDER BY b DESC, a), 5) FROM mixed AS c
    UNION ALL SELECT kprototypes(feature_set(c ORDER BY md5(c::text)), 5) FROM mixed AS c
    UNION ALL SELECT kprototypes(feature_set_merge(f), 5)
    FROM (SELECT feature_set(c) AS f FROM mixed AS c GROUP BY left(md5(c::text), 1)) AS t
    UNION ALL SELECT kprototypes(f::text::feature_set, 5) FROM (SELECT feature_set(c) AS f FROM mixed AS c) AS t) AS t;
-- categories alone, folded and not
SELECT count(DISTINCT md5(m::text)) FROM (
    SELECT kprototypes(feature_set(c), 4) AS m FROM (SELECT channel, region FROM customer) AS c
    UNION ALL SELECT kprototypes(feature_set(c), 4) FROM (SELECT channel, region FROM customer ORDER BY id DESC) AS c
    UNION ALL SELECT kprototypes(feature_set_merge(f), 4)
    FROM (SELECT feature_set(c) AS f FROM (SELECT channel, region FROM customer) AS c GROUP BY channel, region) AS t) AS t;
-- by text, by binary, by jsonb
SELECT m = m::text::segment_model AND m = m::jsonb::segment_model
FROM (SELECT kprototypes(feature_set(c), 5, log => '{b}', winsorize => '{"a": 0.01}', weights => '{"channel": 2}', nulls => 'mean') AS m
      FROM mixed AS c) AS t;

-- ---- law 4: offsets of 1e9 and scales from 1e-9 to 1e9 change no segment.  Expect no rows ----
SELECT k, off, count(*) FROM (
    SELECT k, off, assign_segment(m, a, b, channel) AS before, assign_segment(t, a * k + off * k, b * k, channel) AS after FROM customer,
    LATERAL (VALUES (1e-9, 0), (1e9, 0), (3, 0), (1, 1e9), (0.125, 1048576)) AS v(k, off),
    LATERAL (SELECT kprototypes(feature_set(c), 3) AS m FROM (SELECT a, b, channel FROM customer) AS c) AS o,
    LATERAL (SELECT kprototypes(feature_set(c), 3) AS t
             FROM (SELECT c.a * k + off * k AS a, c.b * k AS b, channel FROM customer AS c) AS c) AS u WHERE id % 10 = 0) AS s
WHERE before <> after GROUP BY 1, 2;

-- ---- a model that somebody forged ----
SELECT what,
       try(format('SELECT %L::jsonb::segment_model IS NULL', CASE WHEN value IS NULL THEN m #- path ELSE jsonb_set(m, path, value) END))
FROM (SELECT m::jsonb FROM stock_model) AS t, (VALUES
    ('untouched', '{format}'::text[], '1'::jsonb), ('gamma', '{gamma}', '-1'), ('no gamma', '{gamma}', NULL),
    ('clusters', '{clusters,1}', NULL), ('coordinates', '{clusters,0,center}', '[1, 2]'), ('far', '{clusters,0,center,0}', '1e300'),
    ('modes', '{clusters,0,modes}', '["cons"]'), ('mode', '{clusters,0,modes,0}', '"gold"'),
    ('mode of another', '{clusters,0,modes,0}', '"USA"'), ('number', '{clusters,0,modes,0}', '1'), ('size', '{clusters,0,size}', '-1'),
    ('cost', '{clusters,0,cost}', '"Infinity"'), ('metric', '{metric}', '"cosine"'), ('unknown key', '{clusters,0,foo}', '1'),
    ('categories', '{features,1,categories}', '["tech", "cons"]'), ('fill', '{features,1,fill}', '"gold"'),
    ('converged', '{converged}', '0')) AS v(what, path, value);
DROP VIEW mixed;
DROP TABLE customer, stock, stock_model;
DROP FUNCTION try;
