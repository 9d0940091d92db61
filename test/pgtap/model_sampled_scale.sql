--
-- Scaling of sampled feature sets: by mean, standard deviation and range of all rows,
-- which the set carries exactly, not by those of the rows it happened to keep.  The
-- oracle is avg() and stddev_pop() of numeric, which are exact but for the last digit.
--
\ir ../lib/pgtap_begin.psql
SET LOCAL client_min_messages = error;
SET LOCAL extra_float_digits = 1;

-- skewed, with a large offset, and whole; in steps of 1/1024, whose decimal form is short and so exact
CREATE TEMP TABLE p AS
SELECT n, floor(exp(3 * sin(n * 12.9898)) * 1024)::float8 / 1024 AS a,
       1.7e9 + floor(cos(n * 78.233) * 51200)::float8 / 1024 AS b, floor((n * 7919 % 100003) ^ 0.5) AS c, 0.5 + n % 8 AS w
FROM generate_series(1, 60000) AS n;

SET LOCAL maintenance_work_mem = '1MB';
CREATE TEMP TABLE sets AS
SELECT 'plain' AS how, feature_set(a, b, c) AS f FROM p
UNION ALL SELECT 'weighted', feature_set_weighted(w, a, b, c) FROM p
UNION ALL SELECT 'missing', feature_set(nullif(a, (SELECT a FROM p WHERE n = 77)), b, c) FROM p;
SELECT ok((feature_set_info(f) ->> 'n_kept')::int < 40000, how || ': it is a sample') FROM sets;

-- a cast to numeric keeps 15 digits, text as many as tell a double from its neighbours
CREATE FUNCTION pg_temp.exactly(x float8) RETURNS numeric
    LANGUAGE sql IMMUTABLE RETURN floor(x)::text::numeric + (x - floor(x))::text::numeric;
CREATE TEMP TABLE truth AS
SELECT name AS column_name, avg(pg_temp.exactly(x)) AS mean, stddev_pop(pg_temp.exactly(x)) AS deviation, min(x) AS min, max(x) AS max,
       sum(w * pg_temp.exactly(x)) / sum(w) AS weighted_mean,
       sqrt((sum(w) * sum(w * pg_temp.exactly(x) * pg_temp.exactly(x)) - sum(w * pg_temp.exactly(x)) * sum(w * pg_temp.exactly(x)))
            / (sum(w) * sum(w))) AS weighted_deviation
FROM p, LATERAL (VALUES ('f1', a), ('f2', b), ('f3', c)) AS v (name, x) GROUP BY 1;

CREATE FUNCTION pg_temp.scale_of(model segment_model)
    RETURNS TABLE (name text, center float8, spread float8, mean float8, deviation float8) LANGUAGE sql
BEGIN ATOMIC
    SELECT f ->> 'name', (f ->> 'center')::float8, (f ->> 'spread')::float8, (f ->> 'mean')::float8, (f ->> 'deviation')::float8
    FROM jsonb_array_elements(model::jsonb -> 'features') AS f;
END;
CREATE FUNCTION pg_temp.near(came float8, truth numeric) RETURNS boolean
    LANGUAGE sql RETURN abs(came::text::numeric - truth) <= 1e-15 * abs(truth);

-- ---- every feature, every scale ----
SELECT is_empty($$
    SELECT s.*, t.* FROM sets, LATERAL pg_temp.scale_of(kmeans(f, 4, 1)) AS s JOIN truth AS t ON t.column_name = s.name
    WHERE how = 'plain' AND NOT (pg_temp.near(s.center, t.mean) AND pg_temp.near(s.spread, t.deviation) AND pg_temp.near(s.mean, t.mean)
                                 AND pg_temp.near(s.deviation, t.deviation)) $$, 'zscore: mean and deviation of all rows');
SELECT is_empty($$
    SELECT s.*, t.* FROM sets, LATERAL pg_temp.scale_of(kmeans(f, 4, 1)) AS s JOIN truth AS t ON t.column_name = s.name
    WHERE how = 'weighted'
      AND NOT (pg_temp.near(s.center, t.weighted_mean) AND pg_temp.near(s.spread, t.weighted_deviation)) $$, 'with weights');
SELECT is_empty($$
    SELECT s.*, t.* FROM sets, LATERAL pg_temp.scale_of(kmeans(f, 4, 1, scale => 'minmax')) AS s JOIN truth AS t ON t.column_name = s.name
    WHERE how = 'plain' AND NOT (s.center = t.min AND s.spread = t.max - t.min) $$, 'minmax: range of all rows');
SELECT is_empty($$
    SELECT s.*, t.* FROM sets, LATERAL pg_temp.scale_of(gaussian_mixture(f, 2, n_init => 1, max_iter => 3)) AS s
    JOIN truth AS t ON t.column_name = s.name
    WHERE how = 'plain' AND NOT (pg_temp.near(s.center, t.mean) AND pg_temp.near(s.spread, t.deviation)) $$, 'of other methods, too');
-- a logarithm and winsorizing are of rows, not of sums: those features are scaled by the sample, the others by all
SELECT results_eq($$
    SELECT s.name, pg_temp.near(s.center, t.mean) AND pg_temp.near(s.spread, t.deviation) FROM sets,
        LATERAL pg_temp.scale_of(kmeans(f, 4, 1, log => '{f1}', winsorize => '{"f3": 0.01}')) AS s JOIN truth AS t ON t.column_name = s.name
    WHERE how = 'plain'
    ORDER BY 1 $$, $$ VALUES ('f1', false), ('f2', true), ('f3', false) $$, 'features without logarithm and winsorizing');
-- rows with a missing value are skipped, so sums by feature are of other rows; with the mean in their place they are not
SELECT results_eq($$
    SELECT s.name, pg_temp.near(s.center, t.mean) FROM sets, LATERAL pg_temp.scale_of(kmeans(f, 4, 1)) AS s
    JOIN truth AS t ON t.column_name = s.name WHERE how = 'missing' AND s.name <> 'f1' ORDER BY 1 $$,
    $$ VALUES ('f2', false), ('f3', false) $$, 'skipped rows: the sample has to do');
SELECT results_eq($$
    SELECT s.name, pg_temp.near(s.center, t.mean) FROM sets, LATERAL pg_temp.scale_of(kmeans(f, 4, 1, nulls => 'mean')) AS s
    JOIN truth AS t ON t.column_name = s.name WHERE how = 'missing' AND s.name <> 'f1' ORDER BY 1 $$,
    $$ VALUES ('f2', true), ('f3', true) $$, 'the mean stands in: all rows');
SELECT is((SELECT abs((j ->> 'fill')::text::numeric - (SELECT avg(pg_temp.exactly(a)) FROM p
                                                       WHERE a <> (SELECT a FROM p WHERE n = 77))) < 1e-14
           FROM sets, jsonb_array_elements(kmeans(f, 4, 1, nulls => 'mean')::jsonb -> 'features') AS j
           WHERE how = 'missing' AND j ->> 'name' = 'f1'), true, 'and it is that of all rows');

-- ---- law 3: neither the order of rows nor how parts were merged ----
SELECT is((SELECT kmeans(feature_set(a, b, c ORDER BY md5(n::text)), 4, 1) FROM p)::text,
          (SELECT kmeans(f, 4, 1) FROM sets WHERE how = 'plain')::text, 'rows in another order: the same model');
SELECT is((SELECT kmeans(feature_set_merge(s), 4, 1) FROM (SELECT feature_set(a, b, c) AS s FROM p GROUP BY n % 7) AS parts)::text,
          (SELECT kmeans(f, 4, 1) FROM sets WHERE how = 'plain')::text, 'seven parts merged: the same model');
SELECT is((SELECT kmeans(feature_set_merge(s), 4, 1)
           FROM (SELECT feature_set_merge(s) AS s FROM (SELECT n % 9 AS part, feature_set_weighted(w, a, b, c) AS s FROM p
                                                        GROUP BY 1) AS parts GROUP BY part % 2) AS halves)::text,
          (SELECT kmeans(f, 4, 1) FROM sets WHERE how = 'weighted')::text, 'a tree of merges, with weights');
SELECT is((SELECT kmeans(f::text::feature_set, 4, 1) FROM sets WHERE how = 'plain')::text,
          (SELECT kmeans(f, 4, 1) FROM sets WHERE how = 'plain')::text, 'through text');
SELECT * FROM finish();
ROLLBACK;
