--
-- Large values that are stored in a table: read in pieces of 8 MB, they are what they were in memory, however they are stored.
--
\ir ../lib/pgtap_begin.psql

CREATE TEMP TABLE row_of ON COMMIT DROP AS
SELECT i % 977 AS a, sqrt(i) AS b, i % 31 AS c, 1 AS d, 2 AS e, 3 AS f, 4 AS g, 5 AS h, 6 AS j, ln(i) AS y
FROM generate_series(1, 250000) AS i;
CREATE TEMP TABLE plain (n integer, features feature_set) ON COMMIT DROP;
CREATE TEMP TABLE packed (LIKE plain) ON COMMIT DROP;
ALTER TABLE packed ALTER features SET STORAGE extended;
INSERT INTO plain SELECT n, feature_set(r)
FROM (VALUES (10), (20000), (250000)) AS size (n), LATERAL (SELECT * FROM row_of LIMIT n) AS r GROUP BY n;
INSERT INTO packed TABLE plain;
SELECT is_empty($$ SELECT n, pg_column_size(p.features), pg_column_size(q.features) FROM plain AS p JOIN packed AS q USING (n)
                   WHERE n > 10 AND (pg_column_size(p.features) < 80 * n OR pg_column_size(q.features) > pg_column_size(p.features) / 2) $$,
    'one table has them as they are, the other compressed');
SELECT is_empty($$
    SELECT n FROM plain JOIN packed USING (n),
        LATERAL (SELECT feature_set(r) FROM (SELECT * FROM row_of LIMIT n) AS r) AS memory (features),
        LATERAL (SELECT linear_regression(memory.features, 'y')::text, linear_regression(plain.features, 'y')::text,
                        linear_regression(packed.features, 'y')::text) AS model (of_memory, of_plain, of_packed)
    WHERE NOT (of_memory = of_plain AND of_plain = of_packed) $$,
    'models of a set in memory, of a stored and of a compressed one are the same');

SELECT * FROM finish();
ROLLBACK;
