--
-- kmeans: options, missing values, what is refused, and the laws by number.
--
--  3 same data, same answer      4 unit-free          5 nothing is silent
-- 12 bad input, clear error     13 memory is bounded
--
SET search_path = public, segment;

-- random customers by hashes, so that every server has the same
CREATE TABLE customer AS
SELECT i AS id, (hashint4(i) & 1023) / 8.0::float8 AS a, sqrt((hashint4(i + 1000000) & 65535)) AS b,
       (hashint4(i + 2000000) & 32767) * (hashint4(i + 3000000) & 3) / 100.0::float8 AS c, (ARRAY['x', 'y', 'z'])[1 + i % 3] AS letter
FROM generate_series(1, 5000) AS i;
VACUUM ANALYZE customer;

\set ECHO none
\i test/lib/try.psql
\set ECHO all

-- ---- law 12: what is refused ----
SELECT option, try(format('SELECT kmeans(feature_set(a, b), %s) IS NULL FROM customer', option))
FROM unnest('{
    0, -1, "NULL", "3, n_init => 0", "3, max_iter => 0",
    "3, tol => -1", "3, tol => ''NaN''", "3, scale => ''unit''", "3, scale => NULL", "3, nulls => ''zero''",
    "3, metric => ''manhattan''", "3, seed => NULL", "3, seed => 9223372036854775807", "3, log => ''{f3}''", "3, log => ''{NULL}''",
    "3, weights => ''{\"f1\": 0}''", "3, weights => ''{\"f9\": 1}''", "3, weights => ''[1]''", "3, weights => ''{\"f1\": \"2\"}''",
    "3, winsorize => ''0.5''", "3, winsorize => ''{\"f1\": [0.9, 0.1]}''",
    "3, winsorize => ''{\"f1\": [0.9]}''", "3, winsorize => ''true''",
    "3, centroids => ''{1,2}''", "3, centroids => ''{{1,2},{3,4}}''",
    "2, centroids => ''{{1,2},{3,NULL}}''", "2, centroids => ''{{1,2},{3,NaN}}''"}'::text[])
     WITH ORDINALITY AS o(option, n) ORDER BY n \g (format=unaligned)
SELECT try('SELECT kmeans(feature_set(c), 2) IS NULL FROM (SELECT a, letter FROM customer) AS c');
SELECT try('SELECT kmeans(feature_set(NULL::float8, a), 2) IS NULL FROM customer');
SELECT try('SELECT kmeans(feature_set(''infinity'', a), 2) IS NULL FROM customer');
SELECT try('SELECT kmeans(feature_set_weighted(0, a), 2) IS NULL FROM customer');
SELECT try('SELECT kmeans(feature_set(a - a, b - b), 2, scale => ''none'', metric => ''cosine'') IS NULL FROM customer');
SELECT kmeans(NULL, 3), kmeans(feature_set(a), 3) FROM customer WHERE false;
SELECT try('SELECT centroids(rfm_model(feature_set(a, b, c), scheme => ''eleven_names'')) FROM customer'),
       try('SELECT segment_distance(rfm_model(feature_set(a, b, c), scheme => ''eleven_names''), 1, 2, 3) FROM customer');

-- few and equal rows: as many segments as distinct rows
SELECT k, jsonb_array_length(kmeans(feature_set(x), k)::jsonb -> 'segments')
FROM (VALUES (1.0), (2.0), (2.0), (7.0)) AS t(x), unnest('{1,2,3,4,1000000}'::int[]) AS k GROUP BY k ORDER BY k;
SELECT jsonb_pretty(model_metrics(kmeans(feature_set(5, 6), 3))) FROM generate_series(1, 1);
SELECT jsonb_pretty(model_metrics(kmeans(feature_set(5, 6, i), 2))) FROM generate_series(1, 10) AS i;
SELECT model_metrics(kmeans(feature_set(5, 6), 3)) ->> 'n_segments' FROM generate_series(1, 100);
-- values at the ends of the range of a double
SELECT scale, try(format(
    'SELECT array_agg(assign_segment_id(m, x) ORDER BY x) '
    'FROM (SELECT kmeans(feature_set(x), 2, scale => %L) AS m '
    'FROM (VALUES (-1e308), (1e308), (1.1e308)) AS v(x)) AS t, '
    '(VALUES (-1e308::float8), (1e308), (1.1e308)) AS v(x)',
    scale))
FROM unnest('{zscore,minmax,robust,none}'::text[]) AS scale;
SELECT scale, try(format(
    'SELECT array_agg(assign_segment_id(m, x) ORDER BY x) '
    'FROM (SELECT kmeans(feature_set(x), 2, scale => %L) AS m '
    'FROM (VALUES (0), (1e-200), (9e-200), (9.1e-200)) AS v(x)) AS t, '
    '(VALUES (0::float8), (1e-200), (9e-200), (9.1e-200)) AS v(x)',
    scale))
FROM unnest('{zscore,minmax,robust,none}'::text[]) AS scale;
-- very many features
SELECT n, model_metrics(kmeans(feature_set(VARIADIC x), 3)) ->> 'n_segments'
FROM (SELECT n, (SELECT array_agg((hashint4(i * 10007 + j) & 255)::float8) FROM generate_series(1, n) AS j) AS x
      FROM generate_series(1, 30) AS i, unnest('{1,1000,1600}'::int[]) AS n) AS t GROUP BY n ORDER BY n;

-- ---- options, against what they say ----
-- every row belongs to the segment whose centre is nearest in the scaled space, worked out in SQL.  Expect no rows
CREATE FUNCTION log1(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN sign(x) * ln(1 + abs(x));
WITH m AS (SELECT kmeans(feature_set(a, b, c), 5, scale => 'minmax') AS m FROM customer),
range AS (SELECT min(a) AS la, max(a) - min(a) AS ra, min(b) AS lb, max(b) - min(b) AS rb, min(c) AS lc, max(c) - min(c) AS rc
          FROM customer),
center AS (SELECT segment_id, max(scaled) FILTER (WHERE feature = 'f1') AS x, max(scaled) FILTER (WHERE feature = 'f2') AS y,
                  max(scaled) FILTER (WHERE feature = 'f3') AS z FROM m, centroids(m.m) GROUP BY 1)
SELECT id FROM customer, range, m
WHERE assign_segment_id(m.m, a, b, c) <> (SELECT segment_id FROM center
                                          ORDER BY ((a - la) / ra - x) ^ 2 + ((b - lb) / rb - y) ^ 2 + ((c - lc) / rc - z) ^ 2 LIMIT 1);
WITH m AS (SELECT kmeans(feature_set(a, b, c), 4, scale => 'robust') AS m FROM customer),
range AS (SELECT q1[2] AS la, q1[3] - q1[1] AS ra, q2[2] AS lb, q2[3] - q2[1] AS rb, q3[2] AS lc, q3[3] - q3[1] AS rc FROM (
    SELECT percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY a) AS q1,
        percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY b) AS q2,
        percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY c) AS q3 FROM customer) AS q),
center AS (SELECT segment_id, max(scaled) FILTER (WHERE feature = 'f1') AS x, max(scaled) FILTER (WHERE feature = 'f2') AS y,
                  max(scaled) FILTER (WHERE feature = 'f3') AS z FROM m, centroids(m.m) GROUP BY 1)
SELECT id FROM customer, range, m
WHERE assign_segment_id(m.m, a, b, c) <> (SELECT segment_id FROM center
                                          ORDER BY ((a - la) / ra - x) ^ 2 + ((b - lb) / rb - y) ^ 2 + ((c - lc) / rc - z) ^ 2 LIMIT 1);
-- logarithm, winsorizing and weights are what they are when done by hand: the same segments.  Expect no rows
SELECT id FROM customer,
    (SELECT kmeans(feature_set(a, b, c), 4, log => '{f3}') AS m, kmeans(feature_set(a, b, log1(c)), 4) AS by_hand FROM customer) AS t
WHERE assign_segment(m, a, b, c) <> assign_segment(by_hand, a, b, log1(c));
SELECT id FROM (SELECT percentile_cont(0.1) WITHIN GROUP (ORDER BY c) AS low,
                    percentile_cont(0.9) WITHIN GROUP (ORDER BY c) AS high FROM customer) AS q,
    LATERAL (SELECT kmeans(feature_set(a, c), 4, winsorize => '{"f2": 0.1}') AS m,
                    kmeans(feature_set(a, least(greatest(c, low), high)), 4) AS by_hand FROM customer) AS t, customer
WHERE assign_segment(m, a, c) <> assign_segment(by_hand, a, least(greatest(c, low), high));
SELECT id FROM customer, (SELECT kmeans(feature_set(a, b), 4, scale => 'none', weights => '{"f2": 9}') AS m,
                                 kmeans(feature_set(a, 3 * b), 4, scale => 'none') AS by_hand FROM customer) AS t
WHERE assign_segment(m, a, b) <> assign_segment(by_hand, a, 3 * b);
-- cosine: only the direction counts.  Expect no rows
SELECT id FROM customer, (SELECT kmeans(feature_set(a, b), 3, scale => 'none', metric => 'cosine') AS m FROM customer) AS t
WHERE assign_segment(m, a, b) IS DISTINCT FROM assign_segment(m, 1000 * a, 1000 * b) AND a + b > 0;
-- weights of rows are copies.  Expect t
SELECT kmeans(feature_set_weighted(1 + id % 3, a, b), 4)::jsonb -> 'clusters' = (SELECT kmeans(feature_set(a, b), 4)::jsonb -> 'clusters'
                                                                                 FROM customer, generate_series(0, id % 3)) FROM customer;

-- missing values: skipped rows have no segment; or the mean stands in
SELECT jsonb_pretty(model_metrics(kmeans(feature_set(nullif(a, 1), CASE WHEN id % 100 <> 7 THEN b END), 3))) FROM customer;
SELECT assign_segment(m, NULL, 3), segment_distance(m, 3, NULL), explain_segment(m, NULL, 3), assign_segment(mean, NULL, NULL),
       assign_segment(mean, NULL, 3) = assign_segment(mean, (SELECT avg(a) FROM customer), 3) AS mean
FROM (SELECT kmeans(feature_set(a, b), 3) AS m, kmeans(feature_set(a, b), 3, nulls => 'mean') AS mean FROM customer) AS t;

-- given centroids are where it begins; the segments of others keep them
SELECT feature, value FROM centroids((SELECT kmeans(feature_set(x), 2, scale => 'none', centroids => '{{0},{10}}')
                                      FROM (VALUES (1), (2), (9), (11), (12)) AS t(x))) ORDER BY value;

-- ---- law 5: what was not used is counted and told ----
SET maintenance_work_mem = '1MB';
SELECT n_used < n_input AS sampled, n_used + n_skipped + n_unsampled = n_input AS adds_up
FROM (SELECT feature_set(a + i / 1000.0, b, c) AS f FROM customer, generate_series(1, 10) AS i) AS t,
     jsonb_to_record(model_metrics(kmeans(f, 3))) AS m(n_input int, n_used int, n_skipped int, n_unsampled int);
RESET maintenance_work_mem;

-- ---- law 3: byte by byte the same, whatever the order of rows and however they were collected.  Expect one each ----
SET client_min_messages = warning;
SELECT count(DISTINCT md5(m::text)) FROM (
    SELECT kmeans(feature_set(a, b, c), 5) AS m FROM customer
    UNION ALL SELECT kmeans(feature_set(a, b, c ORDER BY id DESC), 5) FROM customer
    UNION ALL SELECT kmeans(feature_set(a, b, c ORDER BY hashint4(id)), 5) FROM customer
    UNION ALL SELECT kmeans(feature_set_merge(f), 5) FROM (SELECT feature_set(a, b, c) AS f FROM customer GROUP BY id % 8) AS t
    UNION ALL SELECT kmeans(f::text::feature_set, 5) FROM (SELECT feature_set(a, b, c) AS f FROM customer) AS t) AS t;
SELECT count(DISTINCT md5(m::text)) FROM (
    SELECT kmeans(feature_set(a, id % 7), 5, nulls => 'mean') AS m FROM customer
    UNION ALL SELECT kmeans(feature_set(a, id % 7 ORDER BY id DESC), 5, nulls => 'mean') FROM customer
    UNION ALL SELECT kmeans(feature_set_merge(f), 5, nulls => 'mean')
    FROM (SELECT feature_set(a, id % 7) AS f FROM customer GROUP BY id % 8) AS t) AS t;
-- a sample, too
SET maintenance_work_mem = '1MB';
SELECT count(DISTINCT md5(m::text)) FROM (
    SELECT kmeans(feature_set(a + i / 1000.0, b, c), 5) AS m FROM customer, generate_series(1, 10) AS i
    UNION ALL SELECT kmeans(feature_set(a + i / 1000.0, b, c ORDER BY id DESC), 5) FROM customer, generate_series(1, 10) AS i
    UNION ALL SELECT kmeans(feature_set_merge(f), 5)
    FROM (SELECT feature_set(a + i / 1000.0, b, c) AS f FROM customer, generate_series(1, 10) AS i GROUP BY id % 8) AS t) AS t;
RESET maintenance_work_mem;
-- by text, by binary, by jsonb
SELECT m = m::text::segment_model AND m = m::jsonb::segment_model
FROM (SELECT kmeans(feature_set(a, b, c), 5, log => '{f3}', winsorize => '0.01', weights => '{"f1": 2}', nulls => 'mean') AS m
      FROM customer) AS t;

-- ---- law 4: offsets of 1e9 and scales from 1e-9 to 1e9 change no segment.  Expect no rows ----
SELECT k, off, count(*) FROM (
    SELECT k, off, assign_segment(m, a, b) AS before, assign_segment(t, a * k + off * k, b * k) AS after FROM customer,
    LATERAL (VALUES (1e-9, 0), (1e9, 0), (3, 0), (1, 1e9), (0.125, 1048576)) AS v(k, off),
    LATERAL (SELECT kmeans(feature_set(a, b), 4) AS m FROM customer) AS o,
    LATERAL (SELECT kmeans(feature_set(c.a * k + off * k, c.b * k), 4) AS t FROM customer AS c) AS u WHERE id % 10 = 0) AS s
WHERE before <> after GROUP BY 1, 2;

-- ---- a model that somebody forged ----
SELECT what,
       try(format('SELECT %L::jsonb::segment_model IS NULL', CASE WHEN value IS NULL THEN m #- path ELSE jsonb_set(m, path, value) END))
FROM (SELECT kmeans(feature_set(a, b), 2)::jsonb AS m FROM customer) AS t, (VALUES
    ('no scale', '{scale}'::text[], NULL::jsonb), ('scale', '{scale}', '"x"'), ('unit', '{unit}', '0'),
    ('no features', '{features}', '[]'), ('spread', '{features,0,spread}', '0'),
    ('center', '{features,1,center}', '"Infinity"'), ('twice the name', '{features,1,name}', '"f1"'),
    ('unknown key', '{features,1,foo}', '1'), ('lower', '{features,0,lower}', '"x"'),
    ('clusters', '{clusters,1}', NULL), ('size', '{clusters,0,size}', '-1'),
    ('coordinates', '{clusters,0,center}', '[1]'), ('far', '{clusters,0,center,0}', '1e300'),
    ('converged', '{converged}', '1'), ('log', '{features,0,log}', 'false'), ('weight', '{features,0,weight}', '-1'),
    ('categories', '{features,0}', '{"name": "f1", "fill": "a", "categories": ["a", "b"]}'),
    ('n_used', '{n_used}', '4999')) AS v(what, path, value);
DROP TABLE customer;
DROP FUNCTION try, log1;
