--
-- k-modes against the Python package kmodes 0.12.2 on published data sets.
--
-- Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' || '/data' AS folder \gset
SELECT :'data' <> '' AND (pg_stat_file(:'folder' || '/mushroom.csv.gz', true)).size IS NOT NULL AS have_data \gset
\if :have_data

-- each file as lines; columns first to last are the features, one is the class
CREATE TEMP TABLE line (id integer GENERATED ALWAYS AS IDENTITY, text text) ON COMMIT DROP;
CREATE FUNCTION pg_temp.load(name text, command text, first integer, last integer, class integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE line;
    EXECUTE format('COPY line (text) FROM PROGRAM %L WITH (FORMAT csv, DELIMITER E''\x01'', QUOTE E''\x02'', HEADER)', command);
    EXECUTE format('CREATE TEMP TABLE %I ON COMMIT DROP AS SELECT %s, f[%s] AS class FROM line, string_to_array(text, '','') AS f', name,
                   (SELECT string_agg(format('f[%s] AS c%s', i, i), ', ' ORDER BY i) FROM generate_series(first, last) AS i), class);
END $$;
SELECT pg_temp.load('soybean', 'cat ' || quote_literal(:'folder' || '/soybean_small.csv'), 1, 35, 36),
       pg_temp.load('votes', 'cat ' || quote_literal(:'folder' || '/house_votes_84.csv'), 2, 17, 1),
       pg_temp.load('mushroom', 'gzip -dc ' || quote_literal(:'folder' || '/mushroom.csv.gz'), 2, 23, 1) \gset

CREATE FUNCTION pg_temp.clusters(name text, k integer, n_init integer, OUT cost float8, OUT purity numeric, OUT matrix text)
    LANGUAGE plpgsql AS $$
DECLARE
    columns text := (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
                     WHERE attrelid = ('pg_temp.' || name)::regclass AND attnum > 0 AND attname <> 'class');
BEGIN
    EXECUTE format($q$
        WITH m AS MATERIALIZED (SELECT kprototypes(feature_set(r), %1$s, n_init => %2$s) AS m FROM (SELECT %3$s FROM %4$I) AS r),
        cell AS (SELECT class, assign_segment_id(m.m, (SELECT r FROM (SELECT %3$s) AS r)) AS id, count(*) AS n FROM %4$I, m GROUP BY 1, 2)
        SELECT (SELECT (model_metrics(m.m) ->> 'cost')::float8 FROM m),
               (SELECT round(sum(most) / sum(total), 6) FROM (SELECT max(n) AS most, sum(n) AS total FROM cell GROUP BY id) AS s),
               (SELECT string_agg(class || ' ' || counts, ', ' ORDER BY class)
                FROM (SELECT class, string_agg(n::text, '/' ORDER BY n DESC) AS counts FROM cell GROUP BY class) AS c)
    $q$, k, n_init, columns, name) INTO cost, purity, matrix;
END $$;

-- with the start of Cao alone, as kmodes was run
SELECT is(pg_temp.clusters('soybean', 4, 1)::text, '(199,1.000000,"D1 10, D2 10, D3 10, D4 17")',
          'soybean: classes recovered exactly, cost 199');
SELECT is(pg_temp.clusters('votes', 2, 1)::text, '(1701,0.864368,"democrat 223/44, republican 153/15")', 'house votes: cost 1701');
SELECT is(pg_temp.clusters('mushroom', 2, 1)::text, '(62644,0.875431,"e 4198/10, p 2914/1002")', 'mushroom: cost 62644');
-- more starts are never worse
SELECT cmp_ok((pg_temp.clusters('soybean', 4, 10)).cost, '<=', 199::float8, 'soybean with ten starts');
SELECT cmp_ok((pg_temp.clusters('votes', 2, 10)).cost, '<=', 1701::float8, 'house votes with ten starts');
SELECT cmp_ok((pg_temp.clusters('mushroom', 2, 10)).cost, '<=', 62500::float8, 'mushroom with ten starts');

\else
SELECT skip('no test data (SEGMENT_TEST_DATA)', 1);
\endif
SELECT * FROM finish();
ROLLBACK;
