--
-- Measures of drift: figures that R and scipy made of counts, where the data are there; and
-- the same in plain SQL over random numbers with ties, missing values, constants and heavy tails.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql

CREATE FUNCTION pg_temp.near(a double precision, b double precision, tolerance double precision DEFAULT 1e-11)
    RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= tolerance * greatest(1, abs(b)), a IS NULL AND b IS NULL) $$;

SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/reference/drift_measures.csv', true)).size IS NOT NULL AS have_data \gset
\if :have_data
CREATE TEMP TABLE reference ("case" text, expected text, actual text, psi float8, kl_ae float8, kl_ea float8,
    js_nats float8, js_bits float8, js_dist float8, hellinger float8, bhattacharyya float8,
    total_variation float8, ks_on_bins float8, chi2 float8,
    chi2_df float8, chi2_p float8, cramers_v float8) ON COMMIT DROP;
SELECT format('COPY reference FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/drift_measures.csv') AS copy \gset
:copy;
-- as numbers 1, 2, ... and as categories, with as many rows as the counts say; shares are counts of hundredths
CREATE TEMP TABLE cell ON COMMIT DROP AS
SELECT r."case", r.psi, r.ks_on_bins, r.chi2, r.chi2_df, r.chi2_p, s.before, s.cell,
       round(CASE WHEN r.chi2 IS NULL THEN 100 * s.n ELSE s.n END)::integer AS n
FROM reference AS r, LATERAL (SELECT true, i, n::float8 FROM unnest(string_to_array(r.expected, ' ')) WITH ORDINALITY AS e (n, i)
                              UNION ALL SELECT false, i, n::float8
                              FROM unnest(string_to_array(r.actual, ' ')) WITH ORDINALITY AS e (n, i)) AS s (before, cell, n);
CREATE TEMP TABLE compared ON COMMIT DROP AS
SELECT c.*, d.feature, d.psi AS our_psi, d.ks AS our_ks, d.chi2 AS our_chi2, d.chi2_df AS our_df, d.chi2_p AS our_p
FROM (SELECT DISTINCT "case", psi, ks_on_bins, chi2, chi2_df, chi2_p FROM cell) AS c,
    LATERAL (SELECT feature_set(r) AS s FROM (SELECT cell::float8 AS number, 'cell ' || cell AS word FROM cell AS l, generate_series(1, l.n)
                                              WHERE l."case" = c."case" AND l.before) AS r) AS b,
    LATERAL (SELECT feature_set(r) AS s FROM (SELECT cell::float8 AS number, 'cell ' || cell AS word FROM cell AS l, generate_series(1, l.n)
                                              WHERE l."case" = c."case" AND NOT l.before) AS r) AS a,
    feature_drift(b.s, a.s, 100) AS d;
SELECT is((SELECT count(*) FROM compared), 12::bigint, 'six cases, as numbers and as words');
SELECT is_empty($$ SELECT "case", feature, our_psi, psi FROM compared WHERE NOT pg_temp.near(our_psi, psi, 1e-12) $$, 'psi');
SELECT is_empty($$ SELECT "case", feature, our_ks, ks_on_bins FROM compared
                   WHERE NOT pg_temp.near(our_ks, CASE WHEN feature = 'number' THEN ks_on_bins END) $$, 'Kolmogorov and Smirnov');
SELECT is_empty($$ SELECT "case", feature, our_chi2, chi2, our_df, chi2_df, our_p, chi2_p FROM compared
                   WHERE chi2 IS NOT NULL AND NOT (pg_temp.near(our_chi2, chi2) AND our_df = chi2_df
                                                   AND abs(our_p - chi2_p) <= 1e-11 * chi2_p) $$,
                'chi squared');
\else
SELECT skip('reference figures of drift are not there (SEGMENT_TEST_DATA)', 4);
\endif

-- ---- random numbers ----
SELECT setseed(0.4);
CREATE TEMP TABLE number ON COMMIT DROP AS
SELECT t.trial, s.side, CASE t.trial % 7
           WHEN 0 THEN floor(random() * 6)
           WHEN 1 THEN random() + s.side * 0.1
           WHEN 2 THEN exp(random() * (30 + s.side))
           WHEN 3 THEN 7
           WHEN 4 THEN CASE WHEN random() < 0.6 THEN 0 ELSE floor(random() * 50) END
           WHEN 5 THEN 1e9 + floor(random() * 400) / 8
           ELSE CASE WHEN random() < 0.2 + s.side * 0.2 THEN NULL WHEN random() < 0.05 THEN 'Infinity' ELSE random() * 10 - 5 END END AS x,
       'w' || floor(random() * (3 + s.side)) AS word
FROM generate_series(1, 140) AS t (trial), unnest('{0,1}'::integer[]) AS s (side),
    LATERAL generate_series(1, 1 + (t.trial * (s.side + 3) * 37 % 400)) AS r;
CREATE TEMP TABLE ours ON COMMIT DROP AS
SELECT t.trial, d.* FROM generate_series(1, 140) AS t (trial),
    LATERAL (SELECT feature_set(r) AS s FROM (SELECT x, word FROM number AS n WHERE n.trial = t.trial AND side = 0) AS r) AS b,
    LATERAL (SELECT feature_set(r) AS s FROM (SELECT x, word FROM number AS n WHERE n.trial = t.trial AND side = 1) AS r) AS a,
    feature_drift(b.s, a.s) AS d;

-- cells, by the words of feature_drift's comment
CREATE TEMP TABLE cells ON COMMIT DROP AS
WITH f AS (
    SELECT trial, side, CASE WHEN x <> 'Infinity' THEN x END AS x FROM number
), edge AS (
    SELECT f.trial, min(x) AS lowest, max(x) AS highest,
           (SELECT array_agg(DISTINCT c) FROM unnest(percentile_disc('{0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9}'::float8[])
                                                     WITHIN GROUP (ORDER BY x)) AS c) AS cuts
    FROM f WHERE side = 0 GROUP BY f.trial
), in_cell AS (
    SELECT f.trial, f.side, CASE WHEN f.x IS NULL THEN 'missing'
        WHEN f.x < e.lowest AND e.cuts[1] = e.lowest THEN 'below'
        -- the highest cell holds one value: those above are apart
        WHEN f.x > e.highest AND (SELECT count(DISTINCT g.x) FROM f AS g WHERE g.trial = f.trial AND g.side = 0
                                  AND g.x > e.cuts[cardinality(e.cuts)]) <= 1 THEN 'above'
        ELSE (SELECT count(*)::text FROM unnest(e.cuts) AS c WHERE f.x > c) END AS cell
    FROM f JOIN edge AS e USING (trial)
)
SELECT trial, 'x' AS feature, cell, count(*) FILTER (WHERE side = 0)::float8 AS b, count(*) FILTER (WHERE side = 1)::float8 AS a
FROM in_cell GROUP BY trial, cell
UNION ALL
SELECT trial, 'word', word, count(*) FILTER (WHERE side = 0), count(*) FILTER (WHERE side = 1) FROM number GROUP BY trial, word;
CREATE TEMP TABLE of_cells ON COMMIT DROP AS
SELECT trial, feature, sum((a1 / sa1 - b1 / sb1) * ln((a1 / sa1) / (b1 / sb1))) AS psi, count(*) - 1 AS df,
       sum((b - sb * of_both) ^ 2 / (sb * of_both) + (a - sa * of_both) ^ 2 / (sa * of_both)) AS chi2
FROM (SELECT *, (a + b) / sum(a + b) OVER w AS of_both, sum(a1) OVER w AS sa1, sum(b1) OVER w AS sb1, sum(a) OVER w AS sa,
             sum(b) OVER w AS sb
      FROM (SELECT *, CASE a WHEN 0 THEN 0.99 ELSE a END AS a1, CASE b WHEN 0 THEN 0.99 ELSE b END AS b1 FROM cells) AS c
      WINDOW w AS (PARTITION BY trial, feature)) AS c
GROUP BY trial, feature;
SELECT is((SELECT count(*) FROM of_cells), 280::bigint, '140 trials of numbers and words');
SELECT is_empty($$ SELECT trial, feature, o.psi, c.psi FROM ours AS o JOIN of_cells AS c USING (trial, feature)
                   WHERE NOT pg_temp.near(o.psi, c.psi, 1e-12) $$, 'psi in plain SQL');
SELECT is_empty($$ SELECT trial, feature, o.chi2, c.chi2, o.chi2_df, c.df FROM ours AS o JOIN of_cells AS c USING (trial, feature)
                   WHERE NOT (pg_temp.near(o.chi2, c.chi2, 1e-10) AND o.chi2_df = c.df) $$, 'chi squared in plain SQL');

-- distribution functions at each value
CREATE TEMP TABLE functions ON COMMIT DROP AS
SELECT trial, x, fb, fa, lead(x) OVER (PARTITION BY trial ORDER BY x) - x AS width, nb, na
FROM (SELECT trial, x, sum(sum(CASE side WHEN 0 THEN 1 ELSE 0 END)) OVER w / nullif(nb, 0) AS fb,
             sum(sum(CASE side WHEN 1 THEN 1 ELSE 0 END)) OVER w / nullif(na, 0) AS fa, nb, na
      FROM (SELECT trial, side, x, count(*) FILTER (WHERE side = 0) OVER t AS nb, count(*) FILTER (WHERE side = 1) OVER t AS na
            FROM number WHERE x <> 'Infinity' WINDOW t AS (PARTITION BY trial)) AS f
      GROUP BY trial, x, nb, na WINDOW w AS (PARTITION BY trial ORDER BY x)) AS f;
CREATE TEMP TABLE of_functions ON COMMIT DROP AS
SELECT trial, max(abs(fb - fa))::float8 AS ks, sum(abs(fb - fa)::float8 * width) AS wasserstein, min(nb) AS nb, min(na) AS na,
       (SELECT stddev_pop(x) FROM number AS n WHERE n.trial = f.trial AND side = 0 AND x <> 'Infinity') AS deviation
FROM functions AS f GROUP BY trial;
SELECT is_empty($$ SELECT trial, o.ks, f.ks, o.wasserstein, f.wasserstein FROM ours AS o LEFT JOIN of_functions AS f USING (trial)
                   WHERE feature = 'x' AND NOT (pg_temp.near(o.ks, f.ks)
                                                AND pg_temp.near(o.wasserstein, coalesce(f.wasserstein, 0), 1e-10)) $$,
                'Kolmogorov and Smirnov, and Wasserstein, in plain SQL');
SELECT is_empty($$ SELECT trial, o.relative, o.wasserstein / deviation FROM ours AS o JOIN of_functions AS f USING (trial)
                   WHERE feature = 'x' AND deviation > 1e-6 AND NOT pg_temp.near(o.relative, o.wasserstein / deviation, 1e-9) $$,
                'relative: in standard deviations of before');
SELECT is_empty($$ SELECT trial, o.ks_p, p.p FROM ours AS o JOIN of_functions AS f USING (trial),
                       LATERAL (SELECT sqrt(nb::float8 * na / (nb + na)) * f.ks AS l) AS s,
                       LATERAL (SELECT 2 * sum((-1) ^ (k - 1) * exp(-2 * k * k * l * l)) AS p FROM generate_series(1, 200) AS k
                                WHERE k * k * l * l < 300) AS p
                   WHERE feature = 'x' AND l > 0.2 AND NOT pg_temp.near(o.ks_p, p.p, 1e-10) $$, 'its p-value by the series');
SELECT is_empty($$ SELECT trial, missing_before, missing_after FROM ours AS o,
                       LATERAL (SELECT avg(((x <> 'Infinity') IS NOT TRUE)::integer) FILTER (WHERE side = 0) AS b,
                                       avg(((x <> 'Infinity') IS NOT TRUE)::integer) FILTER (WHERE side = 1) AS a
                                FROM number AS n WHERE n.trial = o.trial) AS m
                   WHERE feature = 'x' AND NOT (pg_temp.near(missing_before, b) AND pg_temp.near(missing_after, a)) $$,
                'shares of missing values');
SELECT * FROM finish();
ROLLBACK;
