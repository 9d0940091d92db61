--
-- feature_set: collecting, merging, travelling, and what must not be read.
--
SET search_path = public, segment;

\set ECHO none
\i test/lib/error_of.psql
\set ECHO all

-- ---- what comes in is what lies in it ----
SELECT f -> 'n_values' AS n, f -> 'n_missing' AS missing, f -> 'n_infinite' AS infinite, (f ->> 'min')::float8 AS min,
       (f ->> 'max')::float8 AS max, (f ->> 'sum')::float8 AS sum, f ->> 'sum_squares' AS squares
FROM (SELECT feature_set_info(feature_set(a, b, c)) AS info
      FROM (VALUES (1, 2.5, NULL), (1, 2.5, NULL), (-3, NULL, 'NaN'::float8), (7, 'Infinity', 1e300),
                   (0, '-Infinity', -1e300)) AS v (a, b, c)) AS t, jsonb_array_elements(info -> 'features') AS f;
SELECT r.row_features, weight, copies
FROM (SELECT feature_set(a, b)::text::feature_set AS f
      FROM (VALUES (1, 2.5), (1, 2.5), (NULL, 0.1), ('-0', 0), (0, '-0'), ('NaN', 'Infinity'),
                   (NULL, 'Infinity'), (5e-324, 1.7976931348623157e308)) AS v (a, b)) AS t,
     feature_rows(f) AS r ORDER BY row_features COLLATE "C";
-- names and categories
CREATE TYPE pg_temp.colour AS ENUM ('red', 'green', 'blue');
CREATE TEMP TABLE mixed (id int, gone int, happy boolean, name text, colour pg_temp.colour, code char(3), x numeric);
ALTER TABLE mixed DROP COLUMN gone;
INSERT INTO mixed VALUES (1, true, 'Ann', 'red', 'a', 1.5), (2, false, 'Bob', 'green', 'b', NULL),
    (3, NULL, NULL, NULL, NULL, 'NaN'), (4, true, '', 'blue', 'a', 2), (4, true, '', 'blue', 'a', 2);
SELECT f -> 'name' AS name, f -> 'kind' AS kind, f -> 'n_values' AS n, f -> 'n_missing' AS missing,
       f -> 'n_categories' AS categories, f -> 'sum' AS sum
FROM (SELECT feature_set(m) AS s FROM mixed AS m) AS t, jsonb_array_elements(feature_set_info(s) -> 'features') AS f;
SELECT r.* FROM (SELECT feature_set(m) AS s FROM mixed AS m) AS t, feature_rows(s::text::feature_set) AS r
ORDER BY row_features COLLATE "C";
-- NULL weights are kept and counted; weight 0 is a weight
SELECT r.* FROM (SELECT feature_set_weighted(w, x) AS s FROM (VALUES (1, 5), (0.25, 5), (NULL, 5), (0, 5), (1, 5)) AS v (w, x)) AS t,
    feature_rows(s) AS r ORDER BY weight, copies;
SELECT jsonb_pretty(feature_set_info(feature_set_weighted(w, x))) FROM (VALUES (1, 5), (0.25, 5), (NULL, 5), (0, 5), (1, 5)) AS v (w, x);
-- no rows: NULL; all NULL: a row
SELECT feature_set(1) IS NULL, feature_set_merge(NULL) IS NULL FROM generate_series(1, 0);
SELECT jsonb_pretty(feature_set_info(feature_set(NULL, NULL)));
SELECT feature_set_info(feature_set(VARIADIC ARRAY[i, 2, 3])) ->> 'n_input' FROM generate_series(1, 3) AS i;
-- sizes
SELECT jsonb_array_length(feature_set_info(feature_set(VARIADIC array_fill(1.5::float8, ARRAY[1600]))) -> 'features');
SELECT call, pg_temp.error_of('SELECT ' || call || ' FROM generate_series(1, 3) AS i')
FROM (VALUES ('feature_set(VARIADIC array_fill(1::float8, ARRAY[1601]))'), ('feature_set(VARIADIC ''{}''::float8[])'),
             ('feature_set(VARIADIC array_fill(1::float8, ARRAY[i]))'), ('feature_set(VARIADIC NULL::float8[])'),
             ('feature_set(VARIADIC ARRAY[[1::float8,2],[3,4]])'), ('feature_set(NULL::record)'),
             ('feature_set(CASE i WHEN 1 THEN ROW(1) ELSE ROW(1, 2) END)'),
             ('feature_set(CASE i WHEN 1 THEN ROW(1) ELSE ROW(''a''::text) END)'),
             ('feature_set(ROW(1, now()))'), ('feature_set(ROW(ARRAY[1]))'), ('feature_set(ROW())'),
             ('feature_set_weighted(-1, 1)'), ('feature_set_weighted(''NaN'', 1)'), ('feature_set_weighted(''Infinity'', 1)'),
             ('feature_set_weighted(1, VARIADIC ''{}''::float8[])'), ('segment_internal.feature_set_accum(NULL, 1, 2)'),
             ('segment_internal.feature_set_combine(NULL, NULL)')) AS v (call) \g (format=unaligned)
-- merging only what has the same shape
SELECT what, pg_temp.error_of(format('SELECT feature_set_merge(f) FROM (SELECT feature_set(1, 2) UNION ALL SELECT %s) AS t (f)', what))
FROM (VALUES ('feature_set(1, 2)'), ('NULL'), ('feature_set(1)'), ('feature_set_weighted(1, 1, 2)'), ('feature_set(ROW(1, 2))'),
             ('feature_set(t) FROM (VALUES (1, 2)) AS t (a, b)'), ('feature_set(ROW(1, ''a''::text))')) AS v (what);

-- ---- exact sums: those of numeric, whatever the order ----
CREATE TEMP TABLE number AS
SELECT i, (CASE WHEN i % 3 = 0 THEN -1
                ELSE 1 END * (hashint4(i) & 2147483647)::float8 * (2.0::float8 ^ ((hashint4(i * 3) & 127) - 64)))::float8 AS x,
       (hashint4(i * 5) & 1023) / 1024.0::float8 AS w
FROM generate_series(1, 500) AS i;
SET extra_float_digits = 1;
-- sums whose terms numeric holds exactly
SELECT (f -> 'sum')::text::float8 = total::float8 AS sum, (f -> 'sum_squares')::text::float8 = squares::float8 AS squares
FROM (SELECT feature_set_info(feature_set(i::float8 * 1048576.0 + 0.5)) -> 'features' -> 0 AS f, sum(i::numeric * 1048576 + 0.5) AS total,
             sum((i::numeric * 1048576 + 0.5) ^ 2) AS squares FROM generate_series(1, 100000, 7) AS i) AS t;
SELECT (feature_set_info(feature_set(x)) -> 'features' -> 0 ->> 'sum') AS cancelled FROM (VALUES (1e100), (1), (-1e100), (1e-300)) AS v (x);
SELECT count(DISTINCT feature_set_info(f)) AS one FROM (
    SELECT feature_set_weighted(w, x) AS f
    FROM (SELECT k, x, w FROM number, generate_series(1, 5) AS k ORDER BY k, hashint4(number.i + k)) AS t GROUP BY k) AS s;
-- beyond the range of doubles: infinity, and back
SELECT f -> 'sum' AS sum, f -> 'sum_squares' AS squares
FROM (SELECT feature_set_info(feature_set(x)) -> 'features' -> 0 AS f FROM (VALUES (1e308), (1e308)) AS v (x)) AS t;
SELECT (f ->> 'sum')::float8 AS sum, f -> 'sum_squares' AS squares
FROM (SELECT feature_set_info(feature_set(x)) -> 'features' -> 0 AS f FROM (VALUES (1e308), (1e308), (-1e308), (-5e-324)) AS v (x)) AS t;

-- weights and values of any size: beyond the range infinity, never a wrong number
SELECT w::float8 AS w, x::float8 AS x, f ->> 'sum' IN ('Infinity', '0') AS sum, f ->> 'sum_squares' IN ('Infinity', '0') AS squares
FROM (SELECT w, x, feature_set_info(feature_set_weighted(w, x)) -> 'features' -> 0 AS f
      FROM (VALUES (1.7976931348623157e308, 1.7976931348623157e308), (5e-324, 5e-324), (1e300, 1e300)) AS v (w, x) GROUP BY 1, 2) AS s
ORDER BY w;

-- ---- text, binary and jsonb: the same set again ----
CREATE TEMP TABLE sets AS
SELECT 'numbers' AS what, feature_set(i, i / 3.0, NULLIF(i % 5, 0)) AS f FROM generate_series(1, 200) AS i
UNION ALL SELECT 'mixed', feature_set(m) FROM mixed AS m
UNION ALL SELECT 'weighted', feature_set_weighted(NULLIF(i % 4, 3), i % 10) FROM generate_series(1, 200) AS i
UNION ALL SELECT 'special', feature_set(a, b)
FROM (VALUES ('NaN'::float8, 'Infinity'::float8), (NULL, '-Infinity'), ('-0', 5e-324)) AS v (a, b)
UNION ALL SELECT 'utf8', feature_set(t) FROM (VALUES (U&'\00FC\4E2D'::text, 1), ('', 2), (E'line\nbreak', 3)) AS t (n, x)
UNION ALL SELECT 'null', NULL;
SET client_min_messages = warning;
SET maintenance_work_mem = '1MB';
INSERT INTO sets SELECT 'sampled', feature_set(i, sqrt(i)) FROM generate_series(1, 60000) AS i;
RESET client_min_messages;
-- categories, in whatever order they are met, those of rows left out of the sample included
CREATE TEMP TABLE named AS SELECT i, i % 9973 AS n, 'c' || i % 3000 AS c FROM generate_series(1, 60000) AS i;
SELECT count(DISTINCT f) AS sets, min(feature_set_info(f::feature_set) ->> 'sample_level') AS level,
       min(feature_set_info(f::feature_set) #>> '{features,1,n_categories}') AS categories
FROM (
    SELECT feature_set(r)::text AS f FROM (SELECT n, c FROM named ORDER BY i) AS r
    UNION ALL SELECT feature_set(r)::text FROM (SELECT n, c FROM named ORDER BY i DESC) AS r
    UNION ALL SELECT feature_set_merge(f)::text
    FROM (SELECT feature_set(r) AS f FROM (SELECT n, c FROM named ORDER BY hashint4(i)) AS r GROUP BY r.n % 7) AS s) AS t;
SELECT what, feature_set_info(f) ->> 'sample_level' AS level, f::text = f::text::feature_set::text AS text,
       feature_set_info(f) - 'n_rows_held' = feature_set_info(f::text::feature_set) - 'n_rows_held' AS info,
       segment_internal.feature_set_send(f) = segment_internal.feature_set_send(f::text::feature_set) AS send,
       encode(segment_internal.feature_set_send(f), 'hex') = f::text AS same
FROM sets ORDER BY what COLLATE "C";
RESET maintenance_work_mem;
\copy sets TO 'test/output/feature_set.bin' (FORMAT binary)
CREATE TEMP TABLE came (LIKE sets);
\copy came FROM 'test/output/feature_set.bin' (FORMAT binary)
SELECT count(*), count(*) FILTER (WHERE s.f::text IS DISTINCT FROM c.f::text) AS differing FROM sets AS s JOIN came AS c USING (what);
-- from a table, out of line
SELECT count(*) FROM sets AS s, LATERAL (SELECT feature_set_merge(f) AS m FROM (VALUES (s.f), (NULL)) AS v (f)) AS t
WHERE s.f::text IS DISTINCT FROM t.m::text;

-- ---- forged and broken input: an error, always ----
CREATE FUNCTION pg_temp.try_text(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    f segment.feature_set;
BEGIN
    f := input::segment.feature_set;
    -- whoever got in must be usable
    PERFORM segment.feature_set_info(f), f::text, (SELECT segment.feature_set_merge(x) FROM unnest(ARRAY[f, f]) AS x),
        (SELECT count(*) FROM segment.feature_rows(f));
    RETURN 'read';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END;
$$;
CREATE TEMP TABLE small AS
SELECT what, f::text AS t FROM (
    SELECT 'numbers' AS what, feature_set(i, i % 2) AS f FROM generate_series(1, 3) AS i
    UNION ALL SELECT 'mixed', feature_set(m) FROM mixed AS m
    UNION ALL SELECT 'weighted', feature_set_weighted(NULLIF(i, 2), i) FROM generate_series(1, 3) AS i) AS s;
-- of 7 rows one is in the sample; of the others 5 have a value, from 1 to 2
INSERT INTO small VALUES ('sampled', '0001' || '02' || '00' || '00000001' || '5365676d656e7431'
                          || '0000000000000007' || '0000000000000001' || '00000000' || '6e'
    || '3ff0000000000000' || '0000000000000001' || '0000000000000005' || '0000000000000001'
                          || '0000000000000000' || '3ff0000000000000' || '4000000000000000'
    || repeat('004e' || '0001' || '0000000000000008', 3));
SELECT info - 'features' AS info, info #>> '{features,0,n_values}' AS n_values,
       info #>> '{features,0,min}' AS min, info #>> '{features,0,max}' AS max
FROM (SELECT feature_set_info(t::feature_set) AS info FROM small WHERE what = 'sampled') AS s;
-- every truncation fails
SELECT what, count(*) FILTER (WHERE pg_temp.try_text(left(t, n)) = 'read') AS read FROM small, generate_series(0, length(t) - 1) AS n
GROUP BY 1 ORDER BY what COLLATE "C";
-- and so does anything behind the end
SELECT what, pg_temp.try_text(t || '00') IN ('22P03', '08P01') AS refused FROM small ORDER BY what COLLATE "C";
-- every byte set to 00, 01, 7f, 80 and ff: refused, or read and as good as any other set.  Expect no rows
SELECT what, state, min(n) FROM (
    SELECT what, n, pg_temp.try_text(overlay(t PLACING b FROM n)) AS state
    FROM small, generate_series(1, length(t), 2) AS n, unnest('{00,01,7f,80,ff}'::text[]) AS b) AS s
WHERE state NOT IN ('read', '22P03', '08P01', '0A000', '22021', '22003') GROUP BY 1, 2;
SELECT pg_temp.try_text('') IN ('22P03', '08P01') AS empty, pg_temp.try_text('zz') AS "not hex",
       pg_temp.try_text('0') AS odd, pg_temp.try_text('hello') AS word, pg_temp.try_text('0002' || substr(t, 5)) AS newer,
       pg_temp.try_text('0001' || '04' || substr(t, 7)) AS flags, pg_temp.try_text('000100' || '40' || substr(t, 9)) AS level
FROM small WHERE what = 'numbers';
-- more copies than can be counted
SELECT pg_temp.try_text('00010000' || '00000001' || '5365676d656e7431' || '7fffffffffffffff' || '0000000000000001'
                        || '00000000' || '6e' || '3ff0000000000000' || '7fffffffffffffff') <> 'read' AS refused;
-- random bytes through COPY BINARY, as a client may send them
CREATE TEMP TABLE target (f feature_set);
CREATE TEMP TABLE wire (b bytea);
\set ECHO none
\i test/lib/try_binary.psql
\set ECHO all
SELECT pg_temp.try_binary(decode(t, 'hex')) AS whole FROM small WHERE what = 'mixed';
SELECT count(*) FILTER (WHERE state = 'read') AS read, bool_and(state IN ('22P03', '08P01')) AS known FROM (
    SELECT pg_temp.try_binary(substr(decode(t, 'hex'), 1, n)) AS state FROM small, generate_series(0, length(t) / 2 - 1, 3) AS n
    WHERE what = 'mixed') AS s;
SELECT count(*) AS strange FROM (
    SELECT pg_temp.try_binary(
        decode(overlay(t PLACING to_hex((hashint4(n) & 127) + 128) FROM 2 * (abs(hashint4(n + 1)) % (length(t) / 2)) + 1), 'hex')) AS state
    FROM small, generate_series(1, 100) AS n) AS s
WHERE state NOT IN ('read', '22P03', '08P01', '0A000', '22021');
DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                           'cat > /dev/null; rm -f ' || current_setting('data_directory') || '/segment_test_input');
      END $$;
\! rm -f test/output/feature_set.bin
