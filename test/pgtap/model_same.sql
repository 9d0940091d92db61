--
-- Law 3 for whole models: of every trainer with every option, the same bytes from the same rows
-- in another order, in parts that are merged, through text, and by 0 to 4 parallel workers.  That
-- compilers and servers agree, too, is for test/matrix to show.
--
\ir ../lib/pgtap_begin.psql

-- Four crowds in three numbers far from zero, ties, heavy tails, missing values.  A table that
-- workers can read.
CREATE TABLE law3_row AS
SELECT i AS id, (1700000000 + i % 4 * 500000 + i::bigint * 7919 % 100003)::float8 AS a,
       i::bigint * 31 % 97 % (2 + i % 7 * 3) + i / 1000 % 2 * 40 AS b,
       CASE WHEN i % 89 > 0 THEN (i::bigint * 104729 % 10007) ^ 2 / 7 - 50 END AS c,
       (ARRAY['x', 'y', 'z'])[1 + i * 13 % 17 % 3] AS letter, i % 5 = 0 AS flag, i % 4 / 8.0 AS w
FROM generate_series(1, 4000) AS i;
ALTER TABLE law3_row SET (parallel_workers = 4);
ANALYZE law3_row;

-- What is made of a set.  "shape" says of which: numbers, numbers with weights, mixed columns, categories.
CREATE TEMP TABLE trainer (name text PRIMARY KEY, shape text, expression text) ON COMMIT DROP;
INSERT INTO trainer VALUES
('kmeans', 'numbers', 'kmeans(f, 5, n_init => 3)'),
('kmeans weights of features', 'numbers', $$kmeans(f, 4, weights => '{"f1": 0.3, "f3": 2}', n_init => 3)$$),
('kmeans cosine', 'numbers', $$kmeans(f, 4, metric => 'cosine', n_init => 3)$$),
('kmeans robust log winsorize', 'numbers',
 $$kmeans(f, 4, scale => 'robust', log => '{f3}', winsorize => '0.02', nulls => 'mean', n_init => 3)$$),
('kmeans minmax', 'numbers', $$kmeans(f, 17, scale => 'minmax', seed => 7, n_init => 1)$$),
('kmeans none', 'numbers', $$kmeans(f, 3, scale => 'none', n_init => 3)$$),
('kmeans weighted', 'weighted', 'kmeans(f, 5, n_init => 3)'),
('bisecting_kmeans', 'numbers', $$bisecting_kmeans(f, 6, nulls => 'mean', n_init => 3)$$),
('bisecting_kmeans weighted', 'weighted', $$bisecting_kmeans(f, 5, metric => 'cosine', scale => 'robust', n_init => 3)$$),
('kprototypes', 'mixed',
 $$kprototypes(f, 5, weights => '{"letter": 2}', nulls => 'mean', log => '{c}', winsorize => '0.01', n_init => 3)$$),
('kprototypes gamma', 'mixed', $$kprototypes(f, 4, gamma => 3, scale => 'minmax', n_init => 3)$$),
('kprototypes of categories', 'categories', $$kprototypes(f, 6, n_init => 3)$$),
('gaussian_mixture full', 'numbers', $$gaussian_mixture(f, 3, 'full', n_init => 2, max_iter => 30)$$),
('gaussian_mixture tied', 'numbers', $$gaussian_mixture(f, 3, 'tied', n_init => 2, max_iter => 30, nulls => 'mean')$$),
('gaussian_mixture diag', 'numbers', $$gaussian_mixture(f, 3, 'diag', n_init => 2, max_iter => 30, log => '{f3}')$$),
('gaussian_mixture spherical', 'numbers', $$gaussian_mixture(f, 3, 'spherical', n_init => 2, max_iter => 30, scale => 'robust')$$),
('gaussian_mixture weighted', 'weighted', $$gaussian_mixture(f, 2, n_init => 2, max_iter => 30)$$),
('choose_k', 'numbers', $$(SELECT string_agg(x::text, ';')
                           FROM choose_k(f, 1, 4, n_init => 2, n_references => 3, n_resamples => 3) AS x)$$),
('choose_k weighted mixtures', 'weighted',
 $$(SELECT string_agg(x::text, ';') FROM choose_k(f, 1, 3, 'gaussian_mixture', 'bic', n_init => 1, max_iter => 20) AS x)$$),
('linear_regression', 'numbers', 'linear_regression(f)'),
('linear_regression robust', 'mixed', $$linear_regression(f, errors => 'HC3')$$),
('linear_regression lasso weighted', 'weighted', 'linear_regression(f, penalty => 0.1, l1_share => 1)'),
('logistic_regression', 'mixed', $$logistic_regression(f, 'flag', errors => 'HC1')$$),
('logistic_regression elastic net', 'categories', $$logistic_regression(f, 'letter', positive => 'x', penalty => 0.01, l1_share => 0.5)$$),
('regression_coefficients', 'mixed',
 $$(SELECT string_agg(c::text, ';') FROM regression_coefficients(logistic_regression(f, 'flag')) AS c)$$),
('bgnbd', 'histories', 'bgnbd(f, 10)'), ('mbgnbd', 'histories', 'mbgnbd(f)'), ('pareto_nbd', 'histories', 'pareto_nbd(f)'),
('bgbb', 'histories', 'bgbb(f)'), ('gamma_gamma', 'spending', 'gamma_gamma(f)'),
('model_fit', 'histories', $$(SELECT string_agg(m::text, ';') FROM model_fit(bgnbd(f), f) AS m)$$),
('rank_criteria', 'mixed', $$(SELECT string_agg(c::text, ';') FROM rank_criteria(f, 'flag', resamples => 20) AS c)$$),
('rfm_model', 'numbers', 'rfm_model(f)'),
('rfm_model natural breaks', 'weighted', $$rfm_model(f, 4, 'natural_breaks')$$),
('rfm_model r_rfm', 'numbers', $$rfm_model(f, cuts => 'r_rfm')$$);

-- Sets of the same rows.  With a call of the aggregate that fits the shape in place of %1$s, and
-- 0 to 4 workers for the plans outside and inside of functions.
CREATE TEMP TABLE way (name text PRIMARY KEY, query text, workers integer) ON COMMIT DROP;
INSERT INTO way VALUES
('as they lie', 'SELECT %1$s AS f FROM %2$s', 0),
('backwards', 'SELECT %1$s AS f FROM (SELECT * FROM %2$s ORDER BY id DESC) AS r', 0),
('shuffled', 'SELECT %1$s AS f FROM (SELECT * FROM %2$s ORDER BY hashint4(id)) AS r', 0),
('eight merged', 'SELECT feature_set_merge(f) AS f FROM (SELECT %1$s AS f FROM %2$s GROUP BY id %% 8) AS p', 0),
('eight unequal, backwards, through text',
 'SELECT feature_set_merge(f::text::feature_set ORDER BY n DESC) AS f '
 'FROM (SELECT width_bucket(id, ARRAY[2, 10, 100, 1000, 1500, 1501, 3000]) AS n, %1$s AS f FROM %2$s GROUP BY 1) AS p',
 0),
('merged twice',
 'SELECT feature_set_merge(f) AS f FROM (SELECT feature_set_merge(f) AS f '
 'FROM (SELECT id %% 8 AS n, %1$s AS f FROM %2$s GROUP BY 1) AS p GROUP BY n / 3) AS q',
 0);
INSERT INTO way SELECT format('%s workers', n), 'SELECT %1$s AS f FROM %2$s', n FROM generate_series(1, 4) AS n;

CREATE FUNCTION pg_temp.query_of(query text, shape text) RETURNS text LANGUAGE sql AS $$
    SELECT format(query, CASE shape WHEN 'numbers' THEN 'feature_set(a, b, c)' WHEN 'weighted' THEN 'feature_set_weighted(w, a, b, c)'
                         WHEN 'mixed' THEN 'feature_set((a, b, c, letter, flag)::law3_mixed)'
                         WHEN 'histories'
                             THEN 'feature_set((b + id) % 5, CASE (b + id) % 5 WHEN 0 THEN 0 ELSE 3 + id % 17 END, 20 + id % 13 + w * 0)'
                         WHEN 'spending' THEN 'feature_set((b + id) % 5, 10 + id % 101 / 7.0)'
                         ELSE 'feature_set((letter, flag, b::text)::law3_categories)' END, 'law3_row')
$$;
CREATE TYPE law3_mixed AS (a double precision, b integer, c double precision, letter text, flag boolean);
CREATE TYPE law3_categories AS (letter text, flag boolean, b text);
-- with so many workers, where a plan can have any and where a function may start some
CREATE FUNCTION pg_temp.with_workers(n integer) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('max_parallel_workers_per_gather', n::text, true), set_config('max_parallel_maintenance_workers', n::text, true),
           set_config('parallel_leader_participation', (n % 2 = 0)::text, true),
           set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true),
           set_config('min_parallel_table_scan_size', '0', true)
$$;
CREATE FUNCTION pg_temp.answer(query text, expression text, workers integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM pg_temp.with_workers(workers);
    EXECUTE format('SELECT (%s)::text FROM (%s) AS s', expression, query) INTO STRICT result;
    RETURN result;
END;
$$;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;

-- ---- sets first: a model cannot be the same when its set is not ----
CREATE TEMP TABLE made ON COMMIT DROP AS SELECT shape, name, pg_temp.answer(pg_temp.query_of(query, shape), 'f', workers) AS f
FROM unnest('{numbers,weighted,mixed,categories,histories,spending}'::text[]) AS shape, way;
SELECT is(count(DISTINCT f)::integer, 1, shape || ': one set, whatever the way') FROM made GROUP BY shape ORDER BY shape;
SELECT pg_temp.with_workers(4);
SELECT ok((SELECT string_agg(p, ' ') ~ 'Finalize Aggregate.*Gather.*Partial Aggregate'
           FROM pg_temp.plan_of(pg_temp.query_of('SELECT %1$s AS f FROM %2$s', shape)) AS p), shape || ': workers are there')
FROM unnest('{numbers,weighted,mixed,categories,histories,spending}'::text[]) AS shape;

-- ---- models of each of these sets ----
CREATE TEMP TABLE answer ON COMMIT DROP AS
SELECT t.name AS trainer, w.name AS way, pg_temp.answer(pg_temp.query_of(query, shape), expression, workers) AS answer
FROM trainer AS t, way AS w;
SELECT ok(a.answer <> '' AND length(a.answer) > 100, a.trainer || ': has an answer') FROM answer AS a WHERE way = 'as they lie'
ORDER BY a.trainer;
SELECT is(a.answer, b.answer, format('%s: %s', a.trainer, a.way)) FROM answer AS a
JOIN answer AS b ON b.trainer = a.trainer AND b.way = 'as they lie' WHERE a.way <> 'as they lie' ORDER BY a.trainer, a.way;

-- ---- short of memory: a sample, the same for all ways ----
SET LOCAL maintenance_work_mem = '1MB';
CREATE TABLE law3_many AS SELECT i AS id, (i % 5 * 1000 + i::bigint * 7919 % 100003 % 997)::float8 AS a,
    i * 31 % 10007 / 3.0 AS b, (i::bigint * 104729 % 1000003)::float8 AS c FROM generate_series(1, 60000) AS i;
ALTER TABLE law3_many SET (parallel_workers = 4);
ANALYZE law3_many;
CREATE TEMP TABLE sampled ON COMMIT DROP AS
SELECT name, pg_temp.answer(format(query, 'feature_set(a, b, c)', 'law3_many'),
                            'ARRAY[kmeans(f, 5, n_init => 2)::text, rfm_model(f)::text, linear_regression(f, errors => ''HC1'')::text]',
                            workers) AS answer FROM way;
SELECT ok((SELECT (feature_set_info(feature_set(a, b, c)) ->> 'sample_level')::integer > 0 FROM law3_many), 'a sample it is');
SELECT is(a.answer, b.answer, 'sampled: ' || a.name) FROM sampled AS a, sampled AS b
WHERE b.name = 'as they lie' AND a.name <> 'as they lie' ORDER BY 1;

-- ---- exact steps over all rows ----
CREATE TEMP TABLE start ON COMMIT DROP AS SELECT pg_temp.answer('SELECT feature_set(a, b, c) AS f FROM law3_many WHERE id % 50 = 1',
                                                                'kmeans(f, 6, n_init => 1)', 0)::segment_model AS model;
SELECT model::text AS start FROM start \gset
CREATE TEMP TABLE stepped ON COMMIT DROP AS
SELECT name, pg_temp.answer(format('SELECT kmeans_step(%L::segment_model, a, b, c) AS f FROM %s', :'start', source), 'f', workers) AS answer
FROM (VALUES ('as they lie', 'law3_many', 0),
             ('shuffled', '(SELECT * FROM law3_many ORDER BY hashint4(id)) AS r', 0)) AS v (name, source, workers)
UNION ALL SELECT 'eight merged', pg_temp.answer(format(
    'SELECT kmeans_step(kmeans_step_merge(s)) AS f '
    'FROM (SELECT kmeans_step_state(%L::segment_model, a, b, c) AS s FROM law3_many GROUP BY id %% 8) AS p',
    :'start'), 'f', 0)
UNION ALL SELECT format('%s workers', n),
    pg_temp.answer(format('SELECT kmeans_step(%L::segment_model, a, b, c) AS f FROM law3_many', :'start'), 'f', n)
FROM generate_series(1, 4) AS n;
SELECT is(a.answer, b.answer, 'a step: ' || a.name) FROM stepped AS a, stepped AS b WHERE b.name = 'as they lie' AND a.name <> 'as they lie'
ORDER BY 1;
CREATE TEMP TABLE refined ON COMMIT DROP AS
SELECT n, source, pg_temp.answer(format('SELECT refine_model(%L, %L, max_iter => 5) AS f', :'start',
                                        'SELECT a AS f1, b AS f2, c AS f3 FROM ' || source), 'f', n) AS answer
FROM generate_series(0, 4, 2) AS n, unnest('{law3_many,(SELECT * FROM law3_many ORDER BY hashint4(id)) AS r}'::text[]) AS source;
SELECT is(a.answer, b.answer, format('refined by %s workers from %s', a.n, a.source)) FROM refined AS a, refined AS b
WHERE b.n = 0 AND b.source = 'law3_many' AND (a.n, a.source) <> (0, 'law3_many') ORDER BY 1;
SELECT isnt(answer, :'start', 'which is not where it began') FROM refined LIMIT 1;

SELECT * FROM finish();
ROLLBACK;
