-- Drift: what feature_drift makes of bad and odd input, laws, and the life of a segmentation that drifts.
SET search_path = public, segment;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\i test/lib/error_of.psql

CREATE TABLE made AS
SELECT i, (i * 7919 % 1009) / 8.0 AS a, i % 6 AS b, CASE WHEN i % 10 > 0 THEN 'k' || i % 4 END AS c FROM generate_series(1, 4000) AS i;
CREATE FUNCTION pg_temp.set_of(query text) RETURNS feature_set LANGUAGE plpgsql AS $$
DECLARE result feature_set;
BEGIN
    EXECUTE format('SELECT feature_set(r) FROM (%s) AS r', query) INTO result;
    RETURN result;
END $$;

-- ---- bad input ----
SELECT pg_temp.error_of(format('SELECT * FROM feature_drift(pg_temp.set_of(%L), pg_temp.set_of(%L)%s)', q.before, q.after, q.bins))
FROM (VALUES ('SELECT a, b FROM made', 'SELECT a FROM made', ''), ('SELECT a, b FROM made', 'SELECT a, b AS x FROM made', ''),
             ('SELECT a, b FROM made', 'SELECT b, a FROM made', ''), ('SELECT a, c FROM made', 'SELECT a, i AS c FROM made', ''),
             ('SELECT a FROM made', 'SELECT a FROM made', ', 1'), ('SELECT a FROM made', 'SELECT a FROM made', ', 101'),
             ('SELECT a FROM made', 'SELECT a FROM made', ', -5')) AS q (before, after, bins);
SELECT count(*) AS none FROM feature_drift(NULL, pg_temp.set_of('SELECT a FROM made'));
SELECT count(*) AS none FROM feature_drift(pg_temp.set_of('SELECT a FROM made'), (SELECT feature_set(a) FROM made WHERE false));
SELECT pg_temp.error_of('SELECT segment_internal.feature_marginals(feature_set_weighted(1, a), 10) FROM made');

-- ---- odd input ----
-- nothing but NULL on one side and on both, constants, one row, infinite values
SELECT q.n, feature, rows_before AS before, rows_after AS after, missing_before AS m_before, missing_after AS m_after,
       round(psi::numeric, 4) AS psi, ks, round(ks_p::numeric, 4) AS ks_p, chi2_df AS df, round(chi2_p::numeric, 4) AS chi2_p,
       wasserstein, relative
FROM (VALUES (1, 'NULL::float8 AS x, NULL::text AS y FROM made', 'a AS x, c AS y FROM made'),
             (2, 'NULL::float8 AS x, NULL::text AS y FROM made', 'NULL::float8 AS x, NULL::text AS y FROM made'),
             (3, '5.5 AS x, ''one'' AS y FROM made', '5.5 AS x, ''one'' AS y FROM made WHERE i < 100'),
             (4, '5.5 AS x, ''one'' AS y FROM made', '5.25 AS x, ''two'' AS y FROM made WHERE i < 100'),
             (5, '1 AS x, ''one'' AS y', '2 AS x, ''one'' AS y'),
             (6, '''-Infinity''::float8 AS x, '''' AS y', '''NaN''::float8 AS x, '''' AS y')) AS q (n, before, after),
    feature_drift(pg_temp.set_of('SELECT ' || before), pg_temp.set_of('SELECT ' || after)) AS d ORDER BY 1, 2;
-- rows that weigh nothing are none
SELECT rows_before, rows_after, psi, ks, chi2, wasserstein
FROM (SELECT feature_set_weighted(0, a) AS s FROM made) AS x, (SELECT feature_set_weighted(NULL, a) AS s FROM made) AS y,
    feature_drift(x.s, y.s);
SELECT rows_before, rows_after, psi, ks, chi2, wasserstein
FROM (SELECT feature_set_weighted(CASE WHEN i > 2000 THEN 2 ELSE 0 END, a) AS s FROM made) AS x,
    (SELECT feature_set(a) AS s FROM made WHERE i > 2000) AS y, feature_drift(x.s, y.s);

-- ---- laws ----
CREATE FUNCTION pg_temp.digest(before text, after text) RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(d::text, ' ')) FROM feature_drift(pg_temp.set_of(before), pg_temp.set_of(after)) AS d $$;
-- 3: no order of rows shows
SELECT count(DISTINCT pg_temp.digest('SELECT a, b, c FROM made ORDER BY ' || o,
                                     'SELECT a + 1 AS a, b, c FROM made WHERE i % 3 > 0 ORDER BY ' || o))
FROM unnest('{i,a DESC,"i * 31 % 4001","c, a"}'::text[]) AS o;
SELECT count(DISTINCT (d.psi, d.ks, d.chi2, d.wasserstein)) AS weighted
FROM unnest('{1,-1,7}'::integer[]) AS o,
    LATERAL (SELECT feature_set_weighted(0.1 + b / 7.0, a ORDER BY i * o % 4001) AS s FROM made) AS x,
    LATERAL (SELECT feature_set_weighted(0.1 + b / 3.0, a ORDER BY i * o % 4001) AS s FROM made WHERE i % 3 > 0) AS y,
    feature_drift(x.s, y.s) AS d;
-- 4: the unit of a feature shows in wasserstein alone
SELECT f, d.psi = e.psi AND d.ks = e.ks AND d.chi2 = e.chi2 AND abs(e.relative / d.relative - 1) < 1e-12
       AND abs(e.wasserstein / d.wasserstein / f - 1) < 1e-12 AS unit_free
FROM feature_drift(pg_temp.set_of('SELECT a FROM made'), pg_temp.set_of('SELECT a * 1.1 + b AS a FROM made')) AS d,
    unnest('{0.001,100,1e12}'::float8[]) AS f,
    feature_drift(pg_temp.set_of(format('SELECT a * %s::float8 AS a FROM made', f)),
                  pg_temp.set_of(format('SELECT (a * 1.1 + b) * %s::float8 AS a FROM made', f))) AS e ORDER BY 1;
-- 17: what rounding makes of equal amounts is equal
SELECT psi, ks, chi2 FROM feature_drift(pg_temp.set_of('SELECT 0.3::float8 * b AS x FROM made'),
                                        pg_temp.set_of('SELECT 0.1::float8 * b + 0.2::float8 * b AS x FROM made'));
-- 5 and 13: sets that were sampled are told, and the same rows are in both samples
SET maintenance_work_mem = '1MB';
CREATE TABLE sampled AS SELECT feature_set(i, i % 7) AS s FROM generate_series(1, 100000) AS i;
CREATE TABLE sampled_more AS SELECT feature_set(i, i % 7) AS s FROM generate_series(1, 300000) AS i;
SELECT feature, d.rows_before BETWEEN 5000 AND 50000 AS some, d.rows_before = d.rows_after AS as_many, psi, ks
FROM sampled AS x, sampled_more AS y, feature_drift(x.s, x.s) AS d;
SELECT abs(d.rows_after / 3.0 / d.rows_before - 1) < 0.05 AS three_times, psi > 1 AS moved FROM sampled AS x, sampled_more AS y,
    feature_drift(x.s, y.s) AS d WHERE feature = 'f1';
RESET maintenance_work_mem;
DROP TABLE sampled, sampled_more;

-- ---- what is kept: close to what there was, and exact where there are few values ----
SELECT u.n, d.feature, d.kind, d.rows_before = d.rows_after AS all_rows, d.psi < 1e-3 AND coalesce(d.ks, 0) < 0.004 AS close,
       d.psi = 0 AND coalesce(d.ks, 0) = 0 AS exact
FROM (SELECT pg_temp.set_of('SELECT a, b, c FROM made') AS s) AS x,
    unnest(segment_internal.feature_marginals(s, 256)) WITH ORDINALITY AS u (one, n),
    feature_drift(pg_temp.set_of(format('SELECT %I FROM made', ('{a,b,c}'::text[])[u.n])), u.one) AS d ORDER BY u.n;
SELECT (feature_set_info(u.one) ->> 'n_rows_held')::integer BETWEEN 20 AND 100 AS some_of_many_words
FROM unnest(segment_internal.feature_marginals(pg_temp.set_of('SELECT ''word '' || i AS w FROM made'), 100)) AS u (one);

-- ---- the life of a segmentation ----
CREATE ROLE regress_drift_owner;
CREATE ROLE regress_drift_reader;
CREATE ROLE regress_drift_other;
CREATE SCHEMA drifting AUTHORIZATION regress_drift_owner;
GRANT USAGE ON SCHEMA drifting TO regress_drift_reader;
CREATE TABLE drifting.customer AS SELECT i AS id, a, b, c FROM made;
ALTER TABLE drifting.customer OWNER TO regress_drift_owner;
SET ROLE regress_drift_owner;
SET search_path = drifting, segment, public;
SET client_min_messages = warning;
SELECT create_cluster_segmentation('moving', 'SELECT id, a, b FROM customer', 3);
SELECT create_rfm_segmentation('always', 'SELECT id, ''2024-01-01''::timestamptz + i * interval ''1 hour'' AS at, a AS amount
    FROM customer, generate_series(1, 2) AS i');
SELECT create_rfm_segmentation('held', 'SELECT id % 500 AS id, ''2024-01-01''::timestamptz + id * interval ''1 hour'' AS at, a AS amount
    FROM customer', retrain_every => '1 year');
SELECT create_rule_segmentation('ruled', 'SELECT id, a FROM customer', '{"high": "a > 60"}', rest => 'low');
SELECT pg_temp.error_of(format('SELECT * FROM segment_drift(%L)', name)) FROM unnest('{moving,ruled,nobody}'::text[]) AS name;
SELECT name, (refresh_segmentation(name, '2024-07-01')).outcome FROM unnest('{moving,ruled,always,held}'::text[]) AS name;
SELECT pg_temp.error_of(format('SELECT * FROM segment_drift(%L)', name)) FROM unnest('{ruled,always}'::text[]) AS name;
SELECT pg_temp.error_of('SELECT * FROM segment_drift(''moving''' || a || ')')
FROM unnest('{", watch => 0"," , watch => 0.5",", retrain => NULL",", watch => ''NaN''",", bins => 1"}'::text[]) AS a;
-- just trained
SELECT what, count(*), string_agg(DISTINCT verdict, ' ') AS verdict, max(psi) AS psi, max(ks) AS ks, max(relative) AS relative
FROM segment_drift('moving') GROUP BY what ORDER BY what;
SELECT item, verdict, reason FROM segment_drift('held') WHERE what = 'all';
-- no key, no two features of a customer, and bounded
SELECT version, cardinality(training) AS sets, (SELECT array_agg(array_to_string(segment_internal.feature_names(t.one), ' ') ORDER BY t.n)
                                                FROM unnest(training) WITH ORDINALITY AS t (one, n)) AS features,
       pg_column_size(training) < 40000 AS bounded
FROM segment.model WHERE segmentation = 'moving';
-- one feature moves, and customers with it
UPDATE customer SET a = a + 40 WHERE id % 2 = 0;
SELECT (refresh_segmentation('moving', '2024-08-01')).outcome;
SELECT what, item, verdict, reason FROM segment_drift('moving');
SELECT count(*) AS lines, count(*) FILTER (WHERE what = 'labels') AS labels FROM segment_drift('moving', fresh => false);
SELECT verdict FROM segment_drift('moving', watch => 50, retrain => 60, fresh => false) WHERE what IN ('feature', 'sizes');
-- as feature_drift has it
SELECT d.feature, s.psi = d.psi AND s.ks = d.ks AND s.chi2 = d.chi2 AND s.wasserstein = d.wasserstein AS same
FROM feature_drift(pg_temp.set_of('SELECT a + CASE WHEN id % 2 = 0 THEN -40 ELSE 0 END AS a, b FROM customer'),
                   pg_temp.set_of('SELECT a, b FROM moving_segments')) AS d
JOIN segment_drift('moving', fresh => false) AS s ON s.what = 'feature' AND s.item = d.feature ORDER BY 1;
-- a reader sees the same, who may not read is told that there is none, and nobody else records a training
SELECT md5(string_agg(d::text, '')) AS owner_sees FROM segment_drift('moving') AS d \gset
GRANT SELECT ON moving_segments, moving_history TO regress_drift_reader;
SET ROLE regress_drift_reader;
SELECT md5(string_agg(d::text, '')) = :'owner_sees' AS the_same FROM segment_drift('moving') AS d;
SELECT pg_temp.error_of('SELECT segment_internal.change_catalogue(''record_training'', ''moving''::text, ''{}''::feature_set[])');
SET ROLE regress_drift_other;
SELECT pg_temp.error_of('SELECT * FROM segment_drift(''moving'')');
SELECT count(*) AS none FROM segment.model;
SET ROLE regress_drift_owner;
-- what an owner puts there ends in errors or in nothing
SELECT segment_internal.change_catalogue('record_training', 'moving'::text, ARRAY[NULL, feature_set(1)]) FROM (SELECT 1) AS one;
SELECT pg_temp.error_of('SELECT * FROM segment_drift(''moving'', fresh => false)');
-- trained anew, drift is gone, and so is what was kept before
SELECT (retrain_segmentation('moving', '2024-09-01')).outcome;
SELECT verdict FROM segment_drift('moving') WHERE what = 'all';
SELECT version, training IS NOT NULL AS kept FROM segment.model WHERE segmentation = 'moving' ORDER BY 1;
-- nobody left
DELETE FROM customer;
SELECT (refresh_segmentation('moving', '2024-10-01', max_departed => 1)).outcome;
SELECT what, verdict, reason FROM segment_drift('moving');
SELECT drop_segmentation(name) FROM unnest('{moving,ruled,always,held}'::text[]) AS name;
RESET ROLE;
DROP SCHEMA drifting CASCADE;
DROP ROLE regress_drift_owner, regress_drift_reader, regress_drift_other;
DROP TABLE made;
