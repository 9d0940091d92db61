--
-- The type outcome and its aggregates: exact, mergeable, the same bytes whatever the way.
--
CREATE SCHEMA measure_outcome;
SET search_path = measure_outcome, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;
\i test/lib/try.psql

-- customers with amounts of all sizes, some of them missing
CREATE TABLE customer AS
SELECT i AS id, i % 7 AS shop, i % 11 = 0 AS bought, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity'
    ELSE (i::bigint * 2654435761 % 4294967296 - 2e9) * 1e-5 * 10.0 ^ (i % 9) END::float8 AS amount,
    (i::bigint * 40503 % 65536)::float8 AS before, (i % 4)::float8 AS orders
FROM generate_series(1, 20000) AS i;
CREATE VIEW whole AS
SELECT outcome(bought) AS rate, outcome(amount) AS mean, outcome(amount, before, before * amount) AS adjusted, outcome_ratio(amount,
    orders) AS ratio
FROM customer;

-- ---- what they hold ----
SELECT w.kind, e.customers, e.skipped FROM whole, LATERAL (VALUES ('rate', rate), ('mean', mean), ('adjusted', adjusted),
    ('ratio', ratio)) AS w (kind, o), estimate(w.o) AS e;
SELECT outcome(x) FROM (VALUES (1::float8), (2), (NULL)) AS v (x);
SELECT outcome(x > 1) FROM (VALUES (1::float8), (2), (NULL)) AS v (x);
-- a value is a value, however it is given
SELECT outcome(amount)::text = outcome(VARIADIC ARRAY[amount])::text AS same FROM customer;
-- numbers 0 and 1 make a mean
SELECT try('SELECT lift(outcome(i % 2), outcome(i % 2 = 1)) FROM generate_series(1, 9) AS i');
SELECT outcome(bought) IS NULL AND outcome(amount) IS NULL AND outcome_ratio(amount, orders) IS NULL AS no_rows FROM customer
    WHERE id < 0;
-- its bytes: a rate, a mean of amounts, and of these below 0
SELECT pg_column_size(outcome(bought)) AS rate, pg_column_size(outcome(before / 100)) AS mean,
    pg_column_size(outcome(-before / 100)) AS negative,
       length(outcome(-before / 100)::text) AS characters FROM customer;

-- ---- law 3: any order, any split, any way ----
CREATE TABLE part AS
SELECT id * 7919 % 13 AS part, outcome(bought) AS rate, outcome(amount) AS mean, outcome(amount, before, before * amount) AS adjusted,
       outcome_ratio(amount, orders) AS ratio
FROM customer GROUP BY part;
CREATE VIEW merged AS
SELECT outcome_merge(rate) AS rate, outcome_merge(mean) AS mean, outcome_merge(adjusted) AS adjusted, outcome_merge(ratio) AS ratio
    FROM part;
SELECT m::text = w::text AS parts FROM merged AS m, whole AS w;
SELECT outcome_merge(o)::text = (SELECT mean::text FROM whole) AS of_parts
FROM (SELECT outcome_merge(mean) FROM part GROUP BY part % 3) AS p (o);
SELECT outcome(amount)::text = (SELECT mean::text FROM whole) AS another_order FROM (SELECT *
    FROM customer ORDER BY amount, id DESC) AS c;
-- one by one, as text, as binary
SELECT outcome_merge(o::text::outcome)::text = (SELECT mean::text FROM whole) AS one_by_one FROM (SELECT outcome(amount) AS o
    FROM customer GROUP BY id) AS c;
SELECT outcome_merge(rate::text::outcome)::text = (SELECT rate::text FROM whole) AS text FROM part;
\copy part TO 'test/output/measure_outcome.bin' (FORMAT binary)
CREATE TABLE copied (LIKE part);
\copy copied FROM 'test/output/measure_outcome.bin' (FORMAT binary)
SELECT count(*) AS differing FROM part JOIN copied USING (part) WHERE (part.*)::text <> (copied.*)::text;
-- workers
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE customer SET (parallel_workers = 3);
EXPLAIN (COSTS off) SELECT outcome(amount) FROM customer;
CREATE TABLE by_workers AS SELECT * FROM whole;
RESET max_parallel_workers_per_gather;
SET max_parallel_workers_per_gather = 0;
SELECT b::text = w::text AS workers FROM by_workers AS b, whole AS w;
-- a window looks at a state without changing it
SELECT bool_and(o::text = (SELECT outcome(amount)::text FROM customer AS c WHERE c.id <= w.id)) AS window
FROM (SELECT id, outcome(amount) OVER (ORDER BY id) AS o FROM customer WHERE id <= 60) AS w;

-- ---- law 4: an offset changes no digit of the variance; text goes and comes ----
SELECT f, e.value, e.std_error FROM (SELECT f, outcome(f + i) AS o FROM (VALUES (0), (1e9::float8), (-1e15)) AS v (f),
    generate_series(1, 10) AS i GROUP BY f) AS s,
    estimate(s.o) AS e ORDER BY f;
SELECT bool_and(o::text::outcome::text = o::text) AS same
FROM whole, LATERAL (VALUES (rate), (mean), (adjusted), (ratio)) AS v (o);
-- values far apart
SELECT e.* FROM (SELECT outcome(x) AS o FROM (VALUES (1e100::float8), (1), (-1e100)) AS v (x)) AS s, estimate(s.o) AS e;
SELECT outcome_merge(o)::text = outcome_merge(o ORDER BY o::text)::text AS same, count(*)
FROM (SELECT outcome(x) FROM (VALUES (1e300::float8), (1e-300), (-1e300), (5e-324), (-3)) AS v (x) GROUP BY x) AS s (o);
SELECT try('SELECT e FROM estimate((SELECT outcome(x) FROM (VALUES (1e300::float8), (1)) AS v (x))) AS e');
SELECT try('SELECT e FROM estimate((SELECT outcome(x) FROM (VALUES (1e-200::float8), (0)) AS v (x))) AS e');

-- ---- printed reports ----
SELECT make_outcome(20, 3)::text = outcome(i <= 3)::text AS rate FROM generate_series(1, 20) AS i;
SELECT count(*) FILTER (WHERE e.value <> m) AS other_means,
    count(*) FILTER (WHERE abs(e.std_error / sqrt(v / n) - 1) > 1e-14) AS other_errors
FROM (SELECT i * 37 % 1000 + 2, (i * 61 % 997) / 8.0 + CASE WHEN i % 3 = 0 THEN 1e9 ELSE 0 END, (i * 89 % 991 + 1) / 3.0
      FROM generate_series(1, 500) AS i) AS r (n, m, v), estimate(make_outcome(n, m, v)) AS e;
SELECT try(s) FROM (VALUES ('SELECT make_outcome(-1, 0)'), ('SELECT make_outcome(5, 6)'), ('SELECT make_outcome(5, -1)'),
    ('SELECT make_outcome(9223372036854775807, 0)'), ('SELECT make_outcome(0, 1, 1)'), ('SELECT make_outcome(9007199254740993, 1, 1)'),
    ('SELECT make_outcome(5, ''NaN'', 1)'), ('SELECT make_outcome(5, 1, -1)'), ('SELECT make_outcome(5, 1, ''Infinity'')'),
        ('SELECT make_outcome(1, 1, 1)'),
    ('SELECT make_outcome(1, 1, 0) IS NOT NULL'), ('SELECT make_outcome(NULL, 1) IS NULL')) AS v (s);

-- ---- what does not go ----
SELECT try(s) FROM (VALUES ('SELECT outcome_merge(o) FROM whole, LATERAL (VALUES (rate), (mean)) AS v (o)'),
    ('SELECT outcome_merge(o) FROM whole, LATERAL (VALUES (adjusted), (mean)) AS v (o)'),
    ('SELECT outcome_merge(o) FROM whole, LATERAL (VALUES (ratio), (adjusted)) AS v (o)'),
    ('SELECT outcome(VARIADIC CASE id % 2 WHEN 0 THEN ARRAY[1, 2.0] ELSE ARRAY[1.0] END) FROM customer'),
    ('SELECT outcome(VARIADIC array_fill(1::float8, ARRAY[17]))'),
        ('SELECT outcome(VARIADIC array_fill(1::float8, ARRAY[16])) IS NOT NULL'),
    ('SELECT outcome(VARIADIC ''{}''::float8[])'), ('SELECT outcome(VARIADIC NULL::float8[])'),
        ('SELECT outcome(VARIADIC ARRAY[[1, 2.0]])'),
    ('SELECT segment_internal.outcome_combine(rate, rate) FROM whole'), ('SELECT outcome_merge(NULL::outcome) IS NULL')) AS v (s);
-- bad text: wrong digits, format, kinds; counts and sums that nobody has
SELECT try(format('SELECT %L::outcome', s)) FROM (VALUES (''), ('0'), ('xx'), ('0002'), ('0001'), ('00010000000000000000000000000000'),
    ('000100000000' || repeat('0', 15) || '2' || repeat('0', 16) || repeat('0', 15) || '2' || '00'),
    ('000100000000' || repeat('0', 15) || '2' || repeat('0', 16) || repeat('0', 15) || '3'),
    ('000100000000' || 'ffffffffffffffff' || repeat('0', 32)), ('000100000001' || repeat('0', 48)), ('000100010000' || repeat('0', 48)),
    ('000100020001' || repeat('0', 48)), ('000100030001' || repeat('0', 48)), ('000100010011' || repeat('0', 48)),
    ('000100010001' || repeat('0', 15) || '2' || repeat('0', 32) || '00d80000000000000000' || '0000'),
    ('000100010001' || repeat('0', 15) || '2' || repeat('0', 32) || '000100010000' || '00000001' || '006c00010000' || '00000001'),
    ('000100010001' || repeat('0', 15) || '2' || repeat('0', 32) || '006e00010000' || '00000001' || '000000000000'),
    ('000100010001' || repeat('0', 15) || '2' || repeat('0', 32) || '000000000000' || '006c00010001' || '00000001'),
    ('000100010001' || repeat('0', 48) || '006e00010000' || '00000001' || '006c00010000' || '00000001')) AS v (s);
-- customers can be as many as can be counted
SELECT try('SELECT outcome_merge(o) FROM (VALUES (make_outcome(1152921504606846976, 0)), (make_outcome(1, 1))) AS v (o)');

RESET search_path;
DROP SCHEMA measure_outcome CASCADE;
