--
-- gaussian_mixture: options, what is refused, components that collapse, and the laws by number.
--
--  3 same data, same answer      4 unit-free          5 nothing is silent
-- 12 bad input, clear error     13 memory is bounded
--
SET search_path = public, segment;

-- random customers by hashes, so that every server has the same: three groups, one of them rare
CREATE TABLE customer AS
SELECT i AS id, g * 40 + (hashint4(i) & 1023) / 32.0::float8 + (hashint4(i + 4000000) & 1023) / 32.0 AS a,
       (g % 2) * 90 + sqrt((hashint4(i + 1000000) & 65535)) AS b,
       (hashint4(i + 2000000) & 32767) * (1 + g) / 100.0::float8 AS c, (ARRAY['x', 'y', 'z'])[1 + i % 3] AS letter
FROM generate_series(1, 4000) AS i, LATERAL (SELECT CASE WHEN i % 20 = 0 THEN 2 ELSE i % 2 END AS g) AS l;
VACUUM ANALYZE customer;

\set ECHO none
\i test/lib/try.psql
\set ECHO all

-- ---- law 12: what is refused ----
SELECT option, try(format('SELECT gaussian_mixture(feature_set(a, b), %s) IS NULL FROM customer', option))
FROM unnest('{
    0, -1, "NULL", "3, NULL", "3, ''round''", "3, n_init => 0", "3, max_iter => 0",
    "3, tol => -1", "3, tol => ''NaN''", "3, reg_covar => -1", "3, reg_covar => ''infinity''",
    "3, scale => ''unit''", "3, nulls => NULL", "3, seed => NULL", "3, log => ''{f3}''", "3, weights => ''{\"f1\": 0}''",
    "3, winsorize => ''0.5''"}'::text[])
     WITH ORDINALITY AS o(option, n) ORDER BY n \g (format=unaligned)
SELECT try('SELECT gaussian_mixture(feature_set(c), 2) IS NULL FROM (SELECT a, letter FROM customer) AS c');
SELECT try('SELECT gaussian_mixture(feature_set(NULL::float8, a), 2) IS NULL FROM customer');
SELECT gaussian_mixture(NULL, 3), gaussian_mixture(feature_set(a), 3) FROM customer WHERE false;
SELECT try('SELECT segment_probabilities(kmeans(feature_set(a), 2), 1) FROM customer');
-- law 13: full covariances of many features are large
SET maintenance_work_mem = '1MB';
SELECT try(
    'SELECT gaussian_mixture(feature_set(VARIADIC x), 5) IS NULL '
    'FROM (SELECT (SELECT array_agg((hashint4(i * 10007 + j) & 255)::float8) FROM generate_series(1, 100) AS j) AS x '
    'FROM generate_series(1, 50) AS i) AS t');
SELECT try(
    'SELECT gaussian_mixture(feature_set(VARIADIC x), 5, ''diag'') IS NULL '
    'FROM (SELECT (SELECT array_agg((hashint4(i * 10007 + j) & 255)::float8) FROM generate_series(1, 100) AS j) AS x '
    'FROM generate_series(1, 50) AS i) AS t');
RESET maintenance_work_mem;

-- few and equal rows: as many segments as distinct rows
SELECT k, jsonb_array_length(gaussian_mixture(feature_set(x), k)::jsonb -> 'segments')
FROM (VALUES (1.0), (2.0), (2.0), (7.0)) AS t(x), unnest('{1,2,3,4,1000000}'::int[]) AS k GROUP BY k ORDER BY k;
SELECT covariance,
       jsonb_pretty(model_metrics(gaussian_mixture(feature_set(5, 6), 3, covariance)) - '{log_likelihood,aic,bic}'::text[]) AS metrics
FROM generate_series(1, 100), unnest('{full,tied,diag,spherical}'::text[]) AS covariance GROUP BY 1 ORDER BY 1;
-- a constant feature makes nothing flat; a value that a whole group shares does, and is told
SELECT model_metrics(gaussian_mixture(feature_set(a, 42), 2)) -> 'n_collapsed' AS n_collapsed FROM customer;
SELECT model_metrics(gaussian_mixture(feature_set(a, CASE WHEN id % 2 = 0 THEN 3 ELSE 50 + b END), 2)) -> 'n_collapsed' AS n_collapsed
FROM customer;
-- values at the ends of the range of a double
SELECT scale, covariance, try(format(
    'SELECT array_agg(assign_segment_id(m, x) ORDER BY x) '
    'FROM (SELECT gaussian_mixture(feature_set(x), 2, %L, scale => %L) AS m '
    'FROM (VALUES (-1e308), (1e308), (1.1e308)) AS v(x)) AS t, '
    '(VALUES (-1e308::float8), (1e308), (1.1e308)) AS v(x)',
    covariance, scale))
FROM unnest('{zscore,none}'::text[]) AS scale, unnest('{full,diag}'::text[]) AS covariance;
-- very many features
SELECT n, model_metrics(gaussian_mixture(feature_set(VARIADIC x), 2, 'diag')) ->> 'n_segments'
FROM (SELECT n, (SELECT array_agg((hashint4(i * 10007 + j) & 255)::float8) FROM generate_series(1, n) AS j) AS x
      FROM generate_series(1, 30) AS i, unnest('{1,1000,1600}'::int[]) AS n) AS t GROUP BY n ORDER BY n;
-- it did not end by itself, and says so
SELECT model_metrics(gaussian_mixture(feature_set(a, b, c), 4, max_iter => 2, tol => 0, n_init => 1)) -> 'converged' AS converged
FROM customer;

-- ---- the density, worked out in SQL from what stands in the model.  Expect no rows ----
WITH m AS (SELECT gaussian_mixture(feature_set(a, b), 3, 'diag', scale => 'none') AS m FROM customer),
component AS (SELECT n, (c ->> 'weight')::float8 AS w, (c -> 'center' ->> 0)::float8 AS ma, (c -> 'center' ->> 1)::float8 AS mb,
                     (c -> 'covariance' ->> 0)::float8 AS va, (c -> 'covariance' ->> 1)::float8 AS vb
              FROM m, jsonb_array_elements(m.m::jsonb -> 'components') WITH ORDINALITY AS e(c, n)),
mean AS (SELECT (m.m::jsonb #>> '{features,0,center}')::float8 AS ca, (m.m::jsonb #>> '{features,1,center}')::float8 AS cb FROM m),
density AS (SELECT id, a, b, n, w * exp(-((a - ca - ma) ^ 2 / va + (b - cb - mb) ^ 2 / vb) / 2) / (2 * pi() * sqrt(va * vb)) AS p
            FROM customer, component, mean),
row_density AS (SELECT id, a, b, jsonb_object_agg('Segment ' || n, p / total) AS expected, ln(total) AS l
                FROM (SELECT *, sum(p) OVER (PARTITION BY id) AS total FROM density) AS d GROUP BY id, a, b, total)
SELECT 'row', id::text, expected::text, segment_probabilities(m.m, a, b)::text FROM row_density, m
WHERE EXISTS (SELECT FROM jsonb_each_text(expected) AS e
              WHERE NOT abs(e.value::float8 - (segment_probabilities(m.m, a, b) ->> e.key)::float8) < 1e-9)
UNION ALL SELECT 'likelihood', l::text, model_metrics(m.m) ->> 'log_likelihood', ''
FROM (SELECT sum(l) AS l FROM row_density) AS r, m WHERE NOT abs(l / (model_metrics(m.m) ->> 'log_likelihood')::float8 - 1) < 1e-9
UNION ALL SELECT 'bic', '', '', ''
FROM m, jsonb_to_record(model_metrics(m.m)) AS r(log_likelihood float8, aic float8, bic float8, n_parameters float8)
WHERE NOT (n_parameters = 14 AND abs(bic - (14 * ln(4000) - 2 * log_likelihood)) < 1e-6 AND abs(aic - (28 - 2 * log_likelihood)) < 1e-6);
-- probabilities add up to 1, and the likeliest segment is the one assigned.  Expect no rows
SELECT covariance, id FROM customer, (SELECT covariance, gaussian_mixture(feature_set(a, b, c), 4, covariance) AS m
                                      FROM customer, unnest('{full,tied,diag,spherical}'::text[]) AS covariance GROUP BY 1) AS t,
    LATERAL (SELECT sum(value::float8) AS total, max(value::float8) AS most FROM jsonb_each_text(segment_probabilities(m, a, b, c))) AS p
WHERE id % 10 = 0 AND NOT (abs(total - 1) < 1e-12 AND (segment_probabilities(m, a, b, c) ->> assign_segment(m, a, b, c))::float8 = most);
-- the strengths of an explanation add up to 1.  Expect no rows
SELECT id, e FROM customer, (SELECT gaussian_mixture(feature_set(a, b, c), 3) AS m FROM customer) AS t,
    LATERAL (SELECT explain_segment(m, a, b, c) AS e) AS x
WHERE id % 100 = 0 AND NOT (e ->> 'segment' = assign_segment(m, a, b, c)
                            AND abs((SELECT sum((f ->> 'strength')::float8)
                                     FROM jsonb_array_elements(e -> 'features') AS f) + (e ->> 'size_and_spread')::float8 - 1) < 1e-6);
-- what a feature set over names gives
SELECT segment, feature, round(value::numeric, 6) AS value, category, round(scaled::numeric, 6) AS scaled, round(z::numeric, 6) AS z, size
FROM centroids((SELECT gaussian_mixture(feature_set(r), 3) FROM (SELECT a, b FROM customer) AS r));
-- weights of rows are copies, but for rounding.  Expect t
SELECT abs((model_metrics(gaussian_mixture(feature_set_weighted(1 + id % 3, a, b), 3)) ->> 'bic')::float8
           / (SELECT (model_metrics(gaussian_mixture(feature_set(a, b), 3)) ->> 'bic')::float8
              FROM customer, generate_series(0, id % 3)) - 1) < 1e-9 FROM customer;
-- missing values: skipped rows have no segment; or the mean stands in
SELECT model_metrics(gaussian_mixture(feature_set(nullif(a, 1), CASE WHEN id % 100 <> 7 THEN b END), 3)) -> 'n_skipped' AS n_skipped
FROM customer;
SELECT assign_segment(m, NULL, 3), segment_distance(m, 3, NULL), segment_probabilities(m, 3, NULL),
       segment_probabilities(NULL, 3), explain_segment(m, NULL, 3), assign_segment(mean, NULL, NULL),
       assign_segment(mean, NULL, 3) = assign_segment(mean, (SELECT avg(a) FROM customer), 3) AS mean
FROM (SELECT gaussian_mixture(feature_set(a, b), 3) AS m, gaussian_mixture(feature_set(a, b), 3, nulls => 'mean') AS mean
      FROM customer) AS t;

-- ---- law 5: what was not used is counted and told ----
SET maintenance_work_mem = '1MB';
SELECT n_used < n_input AS sampled, n_used + n_skipped + n_unsampled = n_input AS adds_up
FROM (SELECT feature_set(a + i / 1000.0, b, c) AS f FROM customer, generate_series(1, 10) AS i) AS t,
     jsonb_to_record(model_metrics(gaussian_mixture(f, 3))) AS m(n_input int, n_used int, n_skipped int, n_unsampled int);
RESET maintenance_work_mem;

-- ---- law 3: byte by byte the same, whatever the order of rows and however they were collected.  Expect 1 each ----
SET client_min_messages = warning;
SELECT covariance, count(DISTINCT md5(m::text)) FROM unnest('{full,tied,diag,spherical}'::text[]) AS covariance, LATERAL (
    SELECT gaussian_mixture(feature_set(a, b, c), 4, covariance) AS m FROM customer
    UNION ALL SELECT gaussian_mixture(feature_set(a, b, c ORDER BY id DESC), 4, covariance) FROM customer
    UNION ALL SELECT gaussian_mixture(feature_set(a, b, c ORDER BY hashint4(id)), 4, covariance) FROM customer
    UNION ALL SELECT gaussian_mixture(feature_set_merge(f), 4, covariance)
    FROM (SELECT feature_set(a, b, c) AS f FROM customer GROUP BY id % 8) AS t
    UNION ALL SELECT gaussian_mixture(f::text::feature_set, 4, covariance) FROM (SELECT feature_set(a, b, c) AS f FROM customer) AS t) AS t
GROUP BY 1 ORDER BY 1;
-- by text, by binary, by jsonb
SELECT covariance, m = m::text::segment_model AND m = m::jsonb::segment_model
FROM (SELECT covariance, gaussian_mixture(feature_set(a, b, c), 4, covariance, log => '{f3}',
                                          winsorize => '0.01', weights => '{"f1": 2}', nulls => 'mean') AS m
      FROM customer, unnest('{full,tied,diag,spherical}'::text[]) AS covariance GROUP BY 1) AS t;

-- ---- law 4: offsets of 1e9 and scales from 1e-9 to 1e9 change no segment.  Expect no rows ----
SELECT k, off, count(*) FROM (
    SELECT k, off, assign_segment(m, a, b) AS before, assign_segment(t, a * k + off * k, b * k) AS after FROM customer,
    LATERAL (VALUES (1e-9, 0), (1e9, 0), (3, 0), (1, 1e9), (0.125, 1048576)) AS v(k, off),
    LATERAL (SELECT gaussian_mixture(feature_set(a, b), 3) AS m FROM customer) AS o,
    LATERAL (SELECT gaussian_mixture(feature_set(c.a * k + off * k, c.b * k), 3) AS t FROM customer AS c) AS u WHERE id % 10 = 0) AS s
WHERE before <> after GROUP BY 1, 2;

-- ---- a model that somebody forged ----
SELECT what,
       try(format('SELECT %L::jsonb::segment_model IS NULL', CASE WHEN value IS NULL THEN m #- path ELSE jsonb_set(m, path, value) END))
FROM (SELECT gaussian_mixture(feature_set(a, b), 2)::jsonb AS m FROM customer) AS t, (VALUES
    ('untouched', '{format}'::text[], '1'::jsonb), ('no covariance', '{covariance}', NULL),
    ('covariance', '{covariance}', '"round"'), ('other covariance', '{covariance}', '"diag"'), ('components', '{components,1}', NULL),
    ('tied without', '{covariance}', '"tied"'), ('shared', '{shared}', '[1, 0, 1]'), ('weight', '{components,0,weight}', '-0.1'),
    ('weights', '{components,0,weight}', '1'), ('size', '{components,0,size}', '"x"'),
    ('coordinates', '{components,0,center}', '[1]'), ('far', '{components,0,center,0}', '1e300'),
    ('numbers', '{components,0,covariance}', '[1, 1]'), ('not positive', '{components,0,covariance}', '[1, 2, 1]'),
    ('nearly not', '{components,1,covariance}', '[1, 1, 1]'), ('zero', '{components,1,covariance,0}', '0'),
    ('negative', '{components,1,covariance,2}', '-1'), ('infinite', '{components,1,covariance,2}', '"Infinity"'),
    ('huge', '{components,1,covariance,2}', '1e308'), ('tiny', '{components,1,covariance}', '[1e-320, 0, 1e-320]'),
    ('converged', '{converged}', '1'), ('collapsed', '{collapsed}', '-1'), ('unknown key', '{components,0,foo}', '1'),
    ('likelihood', '{log_likelihood}', '"-Infinity"'), ('metric', '{metric}', '"cosine"'),
    ('categories', '{features,0}', '{"name": "f1", "fill": "a", "categories": ["a", "b"]}')) AS v(what, path, value);
-- many segments and features, of which the covariances do not come with it
SELECT try(format('SELECT %L::jsonb::segment_model IS NULL',
                  jsonb_set(jsonb_set(jsonb_set(m, '{segments}', segments), '{features}', features), '{components}', components)))
FROM (SELECT gaussian_mixture(feature_set(a, b), 2)::jsonb AS m FROM customer) AS t,
    (SELECT jsonb_agg(jsonb_build_object('id', i, 'name', 's' || i)) AS segments, jsonb_agg('{}'::jsonb) AS components
     FROM generate_series(1, 1000) AS i) AS s,
    (SELECT jsonb_agg(jsonb_build_object('name', 'f' || i, 'fill', 0, 'center', 0, 'spread', 1, 'mean', 0, 'deviation', 1)) AS features
     FROM generate_series(1, 1000) AS i) AS f;
DROP TABLE customer;
DROP FUNCTION try;
