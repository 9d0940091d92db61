--
-- Columns of pgvector's type vector as features, through its casts: the same as arrays.
-- Skipped where pgvector is not installed.
--
\ir ../lib/pgtap_begin.psql

SELECT count(*) > 0 AS have_vector FROM pg_available_extensions WHERE name = 'vector' \gset
\if :have_vector
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
-- multiples of 1/8, which real holds exactly
CREATE TEMP TABLE visitor ON COMMIT DROP AS
SELECT i AS visitor_id,
       ARRAY[round(8 * cos(i % 3 * 2 + i / 40.0)) / 8, round(8 * sin(i % 3 * 2 + i / 40.0)) / 8, i % 5 / 8.0]::float8[] AS numbers,
       ARRAY[round(8 * cos(i % 3 * 2 + i / 40.0)) / 8, round(8 * sin(i % 3 * 2 + i / 40.0)) / 8,
             i % 5 / 8.0]::real[]::vector(3) AS embedding
FROM generate_series(1, 120) AS i;
INSERT INTO visitor VALUES (121, NULL, NULL);
CREATE TEMP TABLE trained ON COMMIT DROP AS
SELECT kmeans(feature_set(VARIADIC embedding::real[]::float8[]), 3, metric => 'cosine', scale => 'none') AS model,
       kmeans(feature_set(VARIADIC numbers), 3, metric => 'cosine', scale => 'none') AS other
FROM visitor WHERE embedding IS NOT NULL;
SELECT is(model::text, other::text, 'a model of vectors is that of their numbers') FROM trained;
SELECT is((SELECT count(*) FROM visitor
           WHERE CASE WHEN embedding IS NOT NULL
                      THEN assign_segment(model, VARIADIC embedding::real[]) = assign_segment(other, VARIADIC numbers) END), 120::bigint,
          'vectors are placed as their numbers are') FROM trained;
SELECT cmp_ok(silhouette(feature_set(VARIADIC embedding::real[]::float8[]), max(model::text)::segment_model),
              '>', 0.5::float8, 'and judged') FROM visitor, trained WHERE embedding IS NOT NULL;
SELECT throws_ok('SELECT assign_segment(model, VARIADIC embedding::real[]) FROM visitor, trained WHERE embedding IS NULL',
                 '22004', 'the array of features must not be null');
\else
SELECT skip('pgvector is not installed', 1);
\endif

SELECT * FROM finish();
ROLLBACK;
