--
-- The laws of the lower floor, by number, on random data.
--
--  1 ties are equal       3 same data, same answer      4 unit-free
--  5 nothing is silent   12 bad input, clear error     13 memory is bounded
-- 14 who has no orders has no score
--
SET search_path = public, segment;
SET client_min_messages = warning;

-- Random customers by hashes, so that every server has the same: heavy ties, some without orders, some values missing
CREATE TABLE customer AS
SELECT id, CASE WHEN orders > 0 THEN days END AS recency, orders AS frequency,
       CASE WHEN orders > 0 THEN cents / 100.0::float8 WHEN id % 2 = 0 THEN 0 END AS monetary
FROM (SELECT i AS id, (hashint4(i) & 1023) % 400 AS days, greatest((hashint4(i + 1000000) & 15) - (hashint4(i + 2000000) & 7), 0) AS orders,
             (hashint4(i + 3000000) & 32767) * (hashint4(i + 4000000) & 3) - 100 AS cents
      FROM generate_series(1, 20000) AS i) AS s;
UPDATE customer SET monetary = NULL WHERE id % 400 = 7;
UPDATE customer SET recency = NULL WHERE id % 400 = 8;
UPDATE customer SET monetary = 'Infinity' WHERE id % 400 = 9;
UPDATE customer SET monetary = 'NaN' WHERE id % 400 = 10;
VACUUM ANALYZE customer;
CREATE TABLE option AS
SELECT method, bins, 'default' AS scheme FROM unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method, unnest('{3,5,8}'::int[]) AS bins
UNION SELECT 'quantile', bins, name FROM rfm_scheme;
CREATE VIEW option_model AS
SELECT o.*, rfm_model(f, bins, method, NULL, scheme) AS m
FROM option AS o, (SELECT feature_set(recency, frequency, monetary) AS f FROM customer) AS t;
CREATE TABLE model AS SELECT * FROM option_model;
SELECT count(*), count(DISTINCT m::text) FROM model;

-- ---- law 1: equal values, equal scores; higher values never lower scores.  Expect no rows ----
SELECT method, bins, frequency FROM model, customer WHERE scheme = 'default' AND id <= 2000 GROUP BY 1, 2, 3
HAVING count(DISTINCT frequency_score(m, frequency)) > 1;
SELECT DISTINCT method, bins, feature FROM (
    SELECT method, bins, feature, score, lag(score) OVER (PARTITION BY method, bins, feature ORDER BY x) AS before
    FROM (SELECT method, bins, v.* FROM model, customer,
          LATERAL (VALUES ('recency', recency::float8, -recency_score(m, recency)), ('frequency', frequency, frequency_score(m, frequency)),
                          ('monetary', monetary, monetary_score(m, monetary))) AS v (feature, x, score)
          WHERE scheme = 'default' AND id <= 400 AND v.x IS NOT NULL AND v.score IS NOT NULL) AS s) AS s
WHERE score < before;

-- ---- law 4: units.  Multiplying a feature by a positive constant changes no score.  Expect no rows ----
SELECT o.method, o.bins, k, count(*) FROM model AS o
JOIN (SELECT method, bins, scheme, k, kf, km,
             rfm_model(feature_set(recency * k, frequency * kf, monetary * km), bins, method, NULL, scheme) AS m
      FROM customer, option, (VALUES (86400, 2, 100), (1 / 7.0, 0.001, 1e-6), (1e100, 1e100, 1e-100), (3, 10, 1.1)) AS v (k, kf, km)
      WHERE scheme = 'default' AND method = 'quantile' GROUP BY 1, 2, 3, 4, 5, 6) AS u USING (method, bins, scheme), customer
WHERE id <= 1000
  AND rfm_score(o.m, recency, frequency, monetary) IS DISTINCT FROM rfm_score(u.m, recency * k, frequency * kf, monetary * km)
GROUP BY 1, 2, 3;
-- natural breaks: by powers of two, which round nothing
SELECT o.method, o.bins, k, count(*) FROM model AS o
JOIN (SELECT method, bins, scheme, k, kf, km,
             rfm_model(feature_set(recency * k, frequency * kf, monetary * km), bins, method, NULL, scheme) AS m
      FROM customer, option, (VALUES (65536, 0.25, 128), (0.0625, 4096, 1024)) AS v (k, kf, km)
      WHERE scheme = 'default' AND method = 'natural_breaks' GROUP BY 1, 2, 3, 4, 5, 6) AS u USING (method, bins, scheme), customer
WHERE id <= 1000
  AND rfm_score(o.m, recency, frequency, monetary) IS DISTINCT FROM rfm_score(u.m, recency * k, frequency * kf, monetary * km)
GROUP BY 1, 2, 3;
-- a large offset loses nothing: breaks of small numbers beside those far from zero.  Expect no rows
SELECT bins, id
FROM (SELECT bins, rfm_model(feature_set(frequency, frequency, frequency), bins, 'natural_breaks', scheme => 'eleven_names') AS near,
             rfm_model(feature_set(frequency, frequency, frequency + 1e12), bins, 'natural_breaks', scheme => 'eleven_names') AS far
      FROM customer, unnest('{3,4,5}'::int[]) AS bins WHERE frequency > 0 GROUP BY 1) AS t, customer
WHERE id <= 200 AND frequency_score(near, frequency) <> monetary_score(far, frequency + 1e12);

-- ---- law 3: same data, same answer, byte by byte ----
CREATE FUNCTION pg_temp.models(f feature_set) RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(rfm_model(f, bins, method, NULL, scheme)::text, E'\n' ORDER BY method, bins, scheme)) FROM option
$$;
SELECT md5(string_agg(m::text, E'\n' ORDER BY method, bins, scheme)) AS md5,
       (SELECT feature_set(recency, frequency, monetary)::text FROM customer) AS text FROM model \gset whole_
-- shuffled input
SELECT k, pg_temp.models(feature_set(recency, frequency, monetary)) = :'whole_md5' AS models,
       feature_set(recency, frequency, monetary)::text = :'whole_text' AS sets
FROM (SELECT k, recency, frequency, monetary FROM customer, generate_series(1, 2) AS k ORDER BY k, hashint4(id * k + k)) AS s
GROUP BY k ORDER BY k;
-- parallel plans; that they are parallel is checked first
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
ALTER TABLE customer SET (parallel_workers = 4);
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
    gather boolean := false;
    partial boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        gather := gather OR line ~ 'Gather';
        partial := partial OR line ~ 'Partial (Hash|Group)?Aggregate';
    END LOOP;
    RETURN gather AND partial;
END;
$$;
SELECT pg_temp.is_parallel('SELECT feature_set(recency, frequency, monetary) FROM customer') AS plain,
       pg_temp.is_parallel('SELECT feature_set(c) FROM customer AS c') AS record,
       pg_temp.is_parallel('SELECT feature_set_weighted(id % 3, recency) FROM customer') AS weighted;
SELECT pg_temp.models(f) = :'whole_md5' AS models, f::text = :'whole_text' AS sets
FROM (SELECT feature_set(recency, frequency, monetary) AS f FROM customer) AS t;
CREATE TABLE parallel AS
SELECT feature_set(c)::text AS record, feature_set_weighted(id % 3, recency, monetary)::text AS weighted,
       feature_set(ROW(id % 7, (id % 5)::text, id % 2 = 0))::text AS categories FROM customer AS c;
-- merged by a parallel plan
CREATE TABLE part AS SELECT id % 50 AS k, feature_set(recency, frequency, monetary) AS f FROM customer GROUP BY 1;
ALTER TABLE part SET (parallel_workers = 4);
SELECT pg_temp.is_parallel('SELECT feature_set_merge(f) FROM part') AS parallel;
SELECT feature_set_merge(f)::text = :'whole_text' AS sets FROM part;
-- assigning, too
SELECT count(*) AS differing FROM (
    SELECT id, assign_segment(m, recency, frequency, monetary) AS s,
           assign_segment_id(m, recency, frequency, monetary) AS i, rfm_score(m, recency, frequency, monetary) AS c
    FROM customer, (SELECT m FROM model WHERE scheme = 'default' AND method = 'quantile' AND bins = 5) AS m) AS t
JOIN (SELECT segment_id, segment FROM model, segments(m)
      WHERE scheme = 'default' AND method = 'quantile' AND bins = 5) AS g ON g.segment_id = t.i WHERE g.segment <> t.s;
SET max_parallel_workers_per_gather = 0;
SELECT record = (SELECT feature_set(c)::text FROM customer AS c) AS record,
       weighted = (SELECT feature_set_weighted(id % 3, recency, monetary)::text FROM customer) AS weighted,
       categories = (SELECT feature_set(ROW(id % 7, (id % 5)::text, id % 2 = 0))::text FROM customer) AS categories
FROM parallel;
-- merged parts: 8 of them, of them 2 empty, through text, through binary
CREATE TABLE eighth AS SELECT k, (SELECT feature_set(recency, frequency, monetary) FROM customer WHERE id % 6 = k) AS f
FROM generate_series(0, 7) AS k;
SELECT feature_set_merge(f)::text = :'whole_text' AS direct,
       feature_set_merge(f::text::feature_set)::text = :'whole_text' AS "through text",
       pg_temp.models(feature_set_merge(f)) = :'whole_md5' AS models,
       feature_set_merge(f ORDER BY k DESC)::text = :'whole_text' AS backwards FROM eighth;
\copy eighth TO 'test/output/laws_lower.bin' (FORMAT binary)
CREATE TABLE eighth_back (LIKE eighth);
\copy eighth_back FROM 'test/output/laws_lower.bin' (FORMAT binary)
\! rm -f test/output/laws_lower.bin
SELECT feature_set_merge(f)::text = :'whole_text' AS "through binary" FROM eighth_back;
-- merges of merges; the parts are as they were
SELECT feature_set_merge(f)::text = :'whole_text' AS "tree" FROM (SELECT feature_set_merge(f) AS f FROM eighth GROUP BY k / 3) AS t;
SELECT bool_and(a.f::text IS NOT DISTINCT FROM b.f::text) AS untouched FROM eighth AS a JOIN eighth_back AS b USING (k);
-- as a window: every running state is right, none changed by the next
SELECT count(*) FILTER (WHERE (feature_set_info(f) ->> 'n_input')::int <> n) AS wrong
FROM (SELECT row_number() OVER (ORDER BY id) AS n, feature_set(recency, frequency) OVER (ORDER BY id) AS f FROM customer
      WHERE id <= 200) AS t;

-- ---- law 13 with 3 and 5: short of memory, rows are folded, then sampled, and it is told ----
SET maintenance_work_mem = '1MB';
CREATE TABLE wide AS SELECT i AS id, (i * 7919 % 100003) AS a, (hashint4(i) & 1048575) AS b,
    CASE WHEN i % 11 > 0 THEN (hashint4(i + 5) & 65535) / 8.0::float8 END AS c FROM generate_series(1, 100000) AS i;
ANALYZE wide;
-- few distinct rows among many: folded, nothing lost
SELECT info ->> 'sample_level' AS level, info ->> 'n_input' AS input, info ->> 'n_kept' AS kept, info ->> 'n_rows_held' AS held
FROM (SELECT feature_set_info(feature_set(a % 10, b % 3)) AS info FROM wide) AS t;
SELECT f ->> 'sample_level' AS level, (f ->> 'n_input')::int = 100000 AS all_counted,
       (f ->> 'n_kept')::int BETWEEN 5000 AND 50000 AS sampled FROM (SELECT feature_set_info(feature_set(a, b, c)) AS f FROM wide) AS t;
-- counts, extremes and sums are those of all rows: expect no rows
SELECT o.f, e.* FROM (SELECT n, f FROM (SELECT feature_set(a, b, c) AS s FROM wide) AS t,
                          jsonb_array_elements(feature_set_info(s) -> 'features') WITH ORDINALITY AS e (f, n)) AS o
JOIN (SELECT n, count(x) AS n_values, count(*) - count(x) AS n_missing, min(x), max(x), sum(x), sum(x * x) AS sum_squares
      FROM wide, LATERAL (VALUES (1, a::numeric), (2, b), (3, c::text::numeric)) AS v (n, x) GROUP BY 1) AS e USING (n)
WHERE ((f ->> 'n_values')::bigint, (f ->> 'n_missing')::bigint, (f ->> 'min')::numeric, (f ->> 'max')::numeric,
       (f ->> 'sum')::float8, (f ->> 'sum_squares')::float8)
      IS DISTINCT FROM (e.n_values, e.n_missing, e.min, e.max, e.sum::float8, e.sum_squares::float8);
-- the same bytes in any order, by any workers, merged from any parts
SELECT feature_set(a, b, c)::text AS text FROM wide \gset sample_
SELECT k, feature_set(a, b, c)::text = :'sample_text' AS shuffled
FROM (SELECT k, a, b, c FROM wide, generate_series(1, 2) AS k ORDER BY k, hashint4(id + k)) AS s GROUP BY k ORDER BY k;
SET max_parallel_workers_per_gather = 4;
ALTER TABLE wide SET (parallel_workers = 4);
SELECT pg_temp.is_parallel('SELECT feature_set(a, b, c) FROM wide') AS parallel;
SELECT feature_set(a, b, c)::text = :'sample_text' AS workers FROM wide;
SET max_parallel_workers_per_gather = 0;
SELECT n, feature_set_merge(f)::text = :'sample_text' AS merged, feature_set_merge(f::text::feature_set)::text
       = :'sample_text' AS "through text", feature_set_merge(f ORDER BY k DESC)::text = :'sample_text' AS backwards
FROM (SELECT n, hashint4(id) & 63 & n AS k, feature_set(a, b, c) AS f FROM wide, unnest('{1,7,63}'::int[]) AS n GROUP BY 1, 2) AS t
GROUP BY n ORDER BY n;
-- parts made with more memory, or less, than the merge has
SET maintenance_work_mem = '64MB';
CREATE TABLE rich AS SELECT id % 4 AS k, feature_set(a, b, c) AS f FROM wide GROUP BY 1;
SELECT feature_set_info(feature_set(a, b, c)) ->> 'sample_level' AS level, feature_set(a, b, c)::text <> :'sample_text' AS larger FROM wide;
SET maintenance_work_mem = '1MB';
SELECT feature_set_merge(f)::text = :'sample_text' AS merged,
       feature_set_merge(f::text::feature_set)::text = :'sample_text' AS "through text" FROM rich;
-- parts with equal rows, not folded yet, meet one that is sampled: nothing counted twice
CREATE TABLE duplicate AS SELECT 1 AS k, feature_set(a % 100, b % 10, 0.5) AS f FROM wide WHERE id <= 5000
UNION ALL SELECT 2, feature_set((a + 100 * id), b, c) FROM wide;
INSERT INTO duplicate SELECT 3, feature_set(7, 8, 9) FROM generate_series(1, 3000);
SELECT order_by, (feature_set_info(m) ->> 'n_input')::int AS n_input,
       bool_and((e ->> 'n_values')::int + (e ->> 'n_missing')::int = 108000) AS every_row_once
FROM (SELECT 'up' AS order_by, feature_set_merge(f ORDER BY k) AS m FROM duplicate
      UNION ALL SELECT 'down', feature_set_merge(f ORDER BY k DESC) FROM duplicate
      UNION ALL SELECT 'folded', feature_set_merge(f::text::feature_set ORDER BY k)
      FROM duplicate) AS t, jsonb_array_elements(feature_set_info(m) -> 'features') AS e GROUP BY 1, 2 ORDER BY order_by COLLATE "C";
SELECT count(DISTINCT md5(m::text)) AS one
FROM (SELECT feature_set_merge(f ORDER BY k) AS m FROM duplicate UNION ALL SELECT feature_set_merge(f ORDER BY k DESC) FROM duplicate
      UNION ALL SELECT feature_set_merge(f::text::feature_set ORDER BY k) FROM duplicate) AS t;
-- rows of the sample are rows of the table, and which do not depend on the number of copies
SELECT count(*) AS strange FROM (SELECT row_features[1]::int AS a, row_features[2]::int AS b
                                 FROM (SELECT feature_set(a, b, c) AS s FROM wide) AS t, feature_rows(s)) AS r
WHERE NOT EXISTS (SELECT FROM wide AS w WHERE (w.a, w.b) = (r.a, r.b));
SELECT count(*) AS differing FROM
    (SELECT row_features, copies FROM (SELECT feature_set(a, b, c) AS s FROM wide) AS t, feature_rows(s)) AS one
    FULL JOIN (SELECT row_features, copies
               FROM (SELECT feature_set(a, b, c) AS s FROM wide, generate_series(1, 3)) AS t, feature_rows(s)) AS three USING (row_features)
WHERE one.copies * 3 IS DISTINCT FROM three.copies;
-- the model says so, and a NOTICE; and all rows are accounted for
SET client_min_messages = notice;
SELECT (m ->> 'n_input')::int = 100000 AS input, (m ->> 'n_unsampled')::int > 0 AS unsampled, (m ->> 'n_skipped')::int > 0 AS skipped,
       (m ->> 'n_input')::int = (m ->> 'n_used')::int + (m ->> 'n_skipped')::int + (m ->> 'n_unsampled')::int AS adds_up
FROM (SELECT model_metrics(rfm_model(feature_set(a, b, c), scheme => 'eleven_names')) AS m FROM wide) AS t;
SET client_min_messages = warning;
-- its cuts are near those of all rows: within 2 % of the rows
SELECT count(*) AS far FROM (SELECT rfm_model(feature_set(a, b, c), scheme => 'eleven_names') AS m FROM wide) AS t, rfm_cut_points(m) AS p
WHERE upper_cut IS NOT NULL AND abs((SELECT avg((CASE p.feature WHEN 'recency' THEN a WHEN 'frequency' THEN b ELSE c END <= upper_cut)::int)
                                     FROM wide WHERE c IS NOT NULL AND b > 0)
                                    - CASE feature WHEN 'recency' THEN 6 - score ELSE score END / 5.0) > 0.02;
RESET maintenance_work_mem;

-- ---- law 5: nothing is silent, in every model.  Expect no rows ----
SELECT method, bins, scheme FROM model, LATERAL (SELECT model_metrics(m) AS j) AS j
WHERE (j ->> 'n_input')::int <> 20000 OR (j ->> 'n_used')::int + (j ->> 'n_skipped')::int + (j ->> 'n_unsampled')::int <> 20000
   OR (j ->> 'n_used')::int <> (SELECT count(*) FROM customer
                                WHERE frequency > 0 AND recency IS NOT NULL AND monetary NOT IN ('NaN', 'Infinity'));

-- ---- law 14: no orders, no scores ----
SELECT scheme, array_agg(DISTINCT assign_segment(m, recency, frequency, monetary)) AS segment,
       count(rfm_score(m, recency, frequency, monetary)) AS scores
FROM model, (SELECT * FROM customer WHERE frequency = 0 AND id <= 200 UNION ALL SELECT 0, NULL, NULL, NULL UNION ALL SELECT 0, NULL, 5, 5
             UNION ALL SELECT 0, 5, 0, 5 UNION ALL SELECT 0, 5, -1, 5 UNION ALL SELECT 0, 5, NULL, 5) AS c
GROUP BY 1 ORDER BY 1;
DROP VIEW option_model;
DROP TABLE customer, option, model, parallel, part, eighth, eighth_back, wide, rich, duplicate;
