--
-- Outcomes against figures that others published, or that R, scipy and statsmodels made, where the data are there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql

-- to the digits that the reference files have
CREATE FUNCTION pg_temp.near(a double precision, b double precision, tolerance double precision DEFAULT 1e-9)
    RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(a = b OR abs(a - b) <= tolerance * abs(b), a IS NULL AND b IS NULL) $$;
-- an outcome from a count, a sum and a sum of squares
CREATE FUNCTION pg_temp.of_sums(n bigint, total numeric, squares numeric) RETURNS outcome LANGUAGE sql AS
$$ SELECT make_outcome(n, (total / n)::float8, ((squares - total::numeric(60, 30) * total / n) / (n - 1))::float8) $$;

SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/reference/measure_means.csv', true)).size IS NOT NULL AS have_data \gset
\if :have_data
CREATE TEMP TABLE proportion (x bigint, n bigint, level float8, method text, lower float8,
    upper float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE two_proportion (x1 bigint, n1 bigint, x2 bigint, n2 bigint, level float8, quantity text, method text, estimate float8,
    lower float8, upper float8, p_value float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE two_means (name text, n_treated bigint, sum_treated numeric, squares_treated numeric,
    n_control bigint, sum_control numeric,
    squares_control numeric, level float8, quantity text, method text, estimate float8, std_error float8, df float8,
        lower float8, upper float8,
    p_value float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE ratio (name text, n bigint, s1 float8, s2 float8, s3 float8, s4 float8, s5 float8, quantity text, estimate float8,
    std_error float8,
    lower float8, upper float8, p_value float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE cuped (name text, quantity text, n float8, s1 float8, s2 float8, s3 float8, s4 float8, s5 float8, rule text,
    value float8, std_error float8,
    lower float8, upper float8, p_value float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE sequential (name text, n bigint, estimate float8, std_error float8, level float8, method text, tuned_for bigint,
    lower float8, upper float8,
    p_value float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE srm (name text, counts text, weights text, chi_squared float8,
    df float8, p_value float8, kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE power (quantity text, rate_control float8, rate_treated float8, sd float8, n_per_arm bigint, level float8,
    power float8, value float8,
    source text) ON COMMIT DROP;
CREATE TEMP TABLE nps (promoters int, passives int, detractors int, quantity text, method text, estimate float8, std_error float8,
    lower float8, upper float8,
    kind text, source text) ON COMMIT DROP;
CREATE TEMP TABLE effect (arm text, outcome text, segmentation text, segment text,
    n_treated bigint, sum_treated float8, n_control bigint, sum_control float8,
    mean_treated float8, mean_control float8, difference float8, lower float8, upper float8, p_value float8, lift float8,
        lift_lower float8,
    lift_upper float8, p_holm float8, p_bh float8, method text) ON COMMIT DROP;
CREATE TEMP TABLE heterogeneity (arm text, outcome text, segmentation text, segments int, common_difference float8, std_error float8,
    q float8, df float8,
    p_value float8, method text) ON COMMIT DROP;
CREATE TEMP TABLE cookie_cats (outcome text, kind text, gate_30 float8, gate_40 float8, difference float8, lower float8, upper float8,
    p_value float8,
    source text) ON COMMIT DROP;
CREATE TEMP TABLE did (data text, quantity text, estimate float8, std_error float8,
    df float8, lower float8, upper float8, p_value float8, kind text,
    source text) ON COMMIT DROP;
CREATE TEMP TABLE distribution (function text, argument float8, df_or_a float8, b float8, value text) ON COMMIT DROP;
CREATE TEMP TABLE fraction (salt text, key text, bits bigint, fraction float8) ON COMMIT DROP;
SELECT format('COPY %s FROM %L WITH (FORMAT csv, HEADER%s)', t, :'data' || '/reference/measure_' || f || '.csv',
              CASE f WHEN 'hash_fraction' THEN ', FORCE_NOT_NULL (salt, key)' ELSE '' END)
FROM (VALUES ('proportion', 'proportions'), ('two_proportion', 'two_proportions'), ('two_means', 'means'), ('ratio', 'ratios'),
    ('cuped', 'cuped'),
             ('sequential', 'sequential'), ('srm', 'srm'), ('power', 'power'), ('nps', 'nps'), ('effect', 'lift_hillstrom'),
             ('heterogeneity', 'heterogeneity'), ('cookie_cats', 'cookie_cats'), ('did', 'did'), ('distribution', 'distributions'),
             ('fraction', 'hash_fraction')) AS v (t, f) \gexec

CREATE TEMP TABLE hillstrom (recency int, history_segment text, history float8, mens int,
    womens int, zip_code text, newbie int, channel text, arm text,
    visit int, conversion int, spend float8) ON COMMIT DROP;
CREATE TEMP TABLE cats (userid bigint, version text, rounds float8, retention_1 boolean, retention_7 boolean) ON COMMIT DROP;
CREATE TEMP TABLE fast_food (shop int, state text, chain text, company_owned int, fte_before float8, fte_after float8) ON COMMIT DROP;
CREATE TEMP TABLE cdnow (master_id int, sample_id int, date date, cds int, dollars float8) ON COMMIT DROP;
CREATE TEMP TABLE orders (customer_id text, order_date date, revenue float8, first_name text, last_name text, email text) ON COMMIT DROP;
SELECT format('COPY %s FROM PROGRAM %L WITH (FORMAT csv, HEADER)', t, c || quote_literal(:'data' || '/data/' || f))
FROM (VALUES ('hillstrom', 'xz -dc ', 'hillstrom.csv.xz'), ('cats', 'xz -dc ', 'cookie_cats.csv.xz'), ('fast_food',
    'sed s/NA//g ', 'fast_food.csv'),
             ('cdnow', 'gzip -dc ', 'cdnow_sample.csv.gz'), ('orders', 'gzip -dc ', 'rfm_data_orders.csv.gz')) AS v (t, c, f) \gexec

-- ---- one value ----
SELECT is_empty($$ SELECT p.x, p.n, p.level, e.lower, p.lower, e.upper, p.upper FROM proportion AS p, estimate(make_outcome(n,
    x), level) AS e
                   WHERE method = 'wilson' AND NOT CASE WHEN kind = 'published' THEN abs(e.lower - p.lower) < 0.5001e-4
                       AND abs(e.upper - p.upper) < 0.5001e-4
                             ELSE abs(e.lower - p.lower) <= 1e-12 AND abs(e.upper - p.upper) <= 1e-12 END $$, 'Wilson''s intervals');
SELECT is_empty($$ SELECT r.name, e.*, r.* FROM ratio AS r,
                       (SELECT 'rfm_data_orders average order value', outcome_ratio(revenue, n)
                        FROM (SELECT customer_id, sum(revenue) AS revenue, count(*) AS n FROM orders GROUP BY customer_id) AS c
                        UNION ALL SELECT 'cdnow_sample dollars per purchase', outcome_ratio(revenue, n)
                        FROM (SELECT sample_id, sum(dollars) AS revenue, count(*) AS n FROM cdnow GROUP BY sample_id) AS c) AS o (name,
                            o), estimate(o.o) AS e
                   WHERE o.name = r.name AND r.quantity = 'ratio'
                       AND NOT (pg_temp.near(e.value, r.estimate) AND pg_temp.near(e.std_error, r.std_error)
                           AND pg_temp.near(e.lower, r.lower)
                                AND pg_temp.near(e.upper, r.upper)) $$, 'ratios, as R''s svyratio has them');
SELECT is_empty($$ SELECT n.*, e.* FROM nps AS n,
                       LATERAL (SELECT outcome(100 * score) AS o
                                FROM (SELECT 1 FROM generate_series(1, promoters) UNION ALL SELECT 0 FROM generate_series(1, passives)
                                      UNION ALL SELECT -1 FROM generate_series(1, detractors)) AS s (score)) AS s, estimate(s.o) AS e
                   WHERE method LIKE 't,%' AND NOT (pg_temp.near(e.value, n.estimate) AND pg_temp.near(e.std_error, n.std_error)
                                                    AND pg_temp.near(e.lower, n.lower)
                                                        AND pg_temp.near(e.upper, n.upper)) $$, 'net promoter scores');
-- the upper end for a mean of 0 with a standard error of 1
SELECT is_empty($$ SELECT d.*, e.upper FROM distribution AS d, estimate(make_outcome(df_or_a::bigint + 1,
    0, df_or_a + 1), 2 * argument - 1) AS e
                   WHERE function = 't_quantile' AND argument > 0.5 AND df_or_a = trunc(df_or_a)
                       AND NOT pg_temp.near(e.upper, d.value::float8, 1e-11) $$,
                'quantiles of Student''s t');
SELECT is_empty($$ SELECT d.*, chi_squared_p(argument, df_or_a) FROM distribution AS d
                   WHERE function = 'chi_squared_upper_p' AND NOT pg_temp.near(chi_squared_p(argument,
                       df_or_a), value::float8, 1e-11) $$, 'tails of chi squared');

-- ---- two values ----
SELECT is_empty($$ SELECT t.*, l.* FROM two_proportion AS t, lift(make_outcome(n1, x1), make_outcome(n2, x2), level) AS l
                   WHERE method = 'newcombe' AND NOT CASE WHEN source LIKE 'Fagerland%' THEN difference_lower::numeric(4, 3) = lower
                       AND difference_upper::numeric(3, 2) = upper
                             WHEN kind = 'published' THEN abs(difference_lower - lower) < 0.5001e-4
                                 AND abs(difference_upper - upper) < 0.5001e-4
                             ELSE pg_temp.near(difference_lower, lower) AND pg_temp.near(difference_upper, upper)
                                 AND (t.p_value IS NULL OR pg_temp.near(l.p_value, t.p_value)) END $$, 'differences of rates');
SELECT is_empty($$ SELECT t.*, l.* FROM two_proportion AS t, lift(make_outcome(n1, x1), make_outcome(n2, x2), level) AS l
                   WHERE method = 'mover_wilson' AND NOT (pg_temp.near(lift, estimate, 1e-11) AND pg_temp.near(lift_lower, lower)
                                                          AND pg_temp.near(lift_upper, upper)) $$, 'lifts of rates');
SELECT is_empty($$ SELECT t.*, l.* FROM two_means AS t, LATERAL lift(pg_temp.of_sums(n_treated, sum_treated, squares_treated),
                                                             pg_temp.of_sums(n_control, sum_control, squares_control), t.level) AS l
                   WHERE method IN ('welch', 'fieller_t')
                       AND NOT CASE WHEN kind = 'published' THEN abs(difference_lower - lower) < 0.6e-5
                           AND abs(difference_upper - upper) < 0.6e-5
                                    WHEN quantity = 'difference' THEN pg_temp.near(difference, estimate)
                                        AND pg_temp.near(difference_lower, lower)
                                        AND pg_temp.near(difference_upper, upper) AND pg_temp.near(l.p_value, t.p_value)
                                    ELSE pg_temp.near(lift, estimate) AND pg_temp.near(lift_lower, lower)
                                        AND pg_temp.near(lift_upper, upper) END $$,
                'two means, by Welch and Fieller');
SELECT is_empty($$ SELECT s.*, l.* FROM sequential AS s, lift(pg_temp.of_sums(3461, 2422.7, 134698.29), pg_temp.of_sums(3000,
    1396.87, 52377.9767),
                                                              0.95, tuned_for) AS l
                   WHERE name = 'gb2 difference' AND method = 'asymptotic_confidence_sequence'
                       AND NOT (pg_temp.near(difference, estimate) AND pg_temp.near(difference_lower, lower)
                           AND pg_temp.near(difference_upper, upper)
                                AND pg_temp.near(l.p_value, s.p_value)) $$, 'intervals that are always valid');
SELECT is_empty($$ SELECT s.*, l.* FROM sequential AS s,
                       (SELECT arm, what, outcome(value) FROM hillstrom, (VALUES ('visit'), ('spend')) AS w (what),
                                                              LATERAL (SELECT CASE what WHEN 'visit' THEN visit ELSE spend END) AS v (value)
                        GROUP BY arm, what) AS t (arm, what, o)
                       JOIN (SELECT what, outcome(value) FROM hillstrom, (VALUES ('visit'), ('spend')) AS w (what),
                                                              LATERAL (SELECT CASE what WHEN 'visit' THEN visit ELSE spend END) AS v (value)
                             WHERE arm = 'No E-Mail' GROUP BY what) AS c (what, o) USING (what),
                       LATERAL lift(t.o, c.o, 0.95, s.tuned_for) AS l
                   WHERE s.name = 'hillstrom ' || what || ' ' || split_part(arm, ' ', 1) || ' difference'
                       AND NOT (pg_temp.near(difference, estimate) AND pg_temp.near(difference_lower, lower)
                           AND pg_temp.near(difference_upper, upper)
                                AND pg_temp.near(l.p_value, s.p_value)) $$, 'and on real data');

-- ---- two mailings, three outcomes, all customers and five segmentations ----
CREATE TEMP TABLE arm ON COMMIT DROP AS
SELECT arm, segmentation, segment, outcome(visit = 1) AS visit, outcome(conversion = 1) AS conversion, outcome(spend) AS spend
FROM hillstrom, LATERAL (VALUES ('all customers', 'all'), ('channel', channel), ('history_segment',
    history_segment), ('newbie', newbie::text),
                                ('zip_code', zip_code),
                                ('recency_band',
                                 CASE WHEN recency <= 3 THEN '1-3' WHEN recency <= 6 THEN '4-6'
                                     WHEN recency <= 9 THEN '7-9' ELSE '10-12' END))
    AS s (segmentation, segment)
GROUP BY arm, segmentation, segment;
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT t.arm, w.outcome, t.segmentation, t.segment, l.*, e.std_error ^ 2 + f.std_error ^ 2 AS variance, w.treated, w.control
FROM arm AS t JOIN arm AS c USING (segmentation, segment),
    LATERAL (VALUES ('visit', t.visit, c.visit), ('conversion', t.conversion, c.conversion), ('spend', t.spend, c.spend)) AS w (outcome,
        treated, control),
    lift(w.treated, w.control) AS l, estimate(w.treated) AS e, estimate(w.control) AS f
WHERE t.arm <> 'No E-Mail' AND c.arm = 'No E-Mail';
SELECT is((SELECT count(*) FROM found JOIN effect USING (arm, outcome, segmentation, segment)), 120::bigint, '120 comparisons');
SELECT is_empty($$ SELECT e.*, f.* FROM effect AS e JOIN found AS f USING (arm, outcome, segmentation, segment)
                   WHERE NOT (treated_customers = n_treated AND control_customers = n_control
                       AND pg_temp.near(treated_value, mean_treated)
                              AND pg_temp.near(control_value, mean_control) AND pg_temp.near(f.difference, e.difference)
                              AND pg_temp.near(difference_lower, lower) AND pg_temp.near(difference_upper, upper)
                                  AND pg_temp.near(f.p_value, e.p_value)
                              AND pg_temp.near(f.lift, e.lift) AND pg_temp.near(f.lift_lower, e.lift_lower)
                              AND pg_temp.near(f.lift_upper, e.lift_upper)) $$, 'all columns of them');
CREATE TEMP TABLE tested ON COMMIT DROP AS
SELECT arm, outcome, segmentation, count(*) AS k, sum(difference ^ 2 / v) - sum(difference / v) ^ 2 / sum(1 / v) AS q,
       sum(difference / v) / sum(1 / v) AS common, 1 / sqrt(sum(1 / v)) AS std_error
FROM (SELECT arm, outcome, segmentation, difference, variance AS v FROM found) AS f
GROUP BY arm, outcome, segmentation;
SELECT is_empty($$ SELECT * FROM heterogeneity AS h JOIN tested AS t USING (arm, outcome, segmentation)
                   WHERE NOT (h.segments = k AND h.df = k - 1 AND pg_temp.near(t.q, h.q, 1e-8) AND pg_temp.near(common, common_difference)
                              AND pg_temp.near(t.std_error, h.std_error) AND pg_temp.near(chi_squared_p(t.q, k - 1), h.p_value, 1e-8)) $$,
                'do segments differ: Cochran''s Q');
SELECT is((SELECT (count(*), min(chi_squared_p(q, k - 1))::numeric(9, 5)) FROM tested WHERE k > 1), row(30::bigint, 0.00836::numeric(9,
    5)), 'the smallest of 30');

SELECT is_empty($$ SELECT s.*, p FROM srm AS s,
                       LATERAL (SELECT sum((n - e) ^ 2 / e), count(*) - 1
                                FROM (SELECT n::float8, w::float8 / sum(w::float8) OVER () * sum(n::float8) OVER ()
                                      FROM unnest(string_to_array(counts, ' '), string_to_array(weights, ' ')) AS u (n, w)
                                          WHERE w::float8 > 0) AS v (n, e)) AS c (x, k),
                       chi_squared_p(x, k) AS p
                   WHERE NOT (pg_temp.near(x, chi_squared) AND k = df AND pg_temp.near(p, p_value)) $$, 'ratios of samples');
SELECT is_empty($$ SELECT c.*, f.* FROM cookie_cats AS c JOIN
                       (SELECT w.outcome, lift(w.t, w.c) FROM
                           (SELECT outcome(retention_1) FILTER (WHERE version = 'gate_40'),
                               outcome(retention_1) FILTER (WHERE version = 'gate_30'),
                                   outcome(retention_7) FILTER (WHERE version = 'gate_40'),
                                       outcome(retention_7) FILTER (WHERE version = 'gate_30'),
                                   outcome(rounds) FILTER (WHERE version = 'gate_40'), outcome(rounds) FILTER (WHERE version = 'gate_30'),
                                   outcome(least(rounds, 1000)) FILTER (WHERE version = 'gate_40'),
                                       outcome(least(rounds, 1000)) FILTER (WHERE version = 'gate_30')
                            FROM cats) AS o (a, b, c, d, e, f, g, h),
                           LATERAL (VALUES ('retention_1', a, b), ('retention_7', c, d), ('sum_gamerounds',
                               e, f), ('sum_gamerounds, capped at 1000', g, h))
                               AS w (outcome, t, c)) AS f (outcome, l) USING (outcome)
                   WHERE kind = 'computed' AND NOT (pg_temp.near((l).treated_value, gate_40) AND pg_temp.near((l).control_value, gate_30)
                       AND pg_temp.near((l).difference, difference) AND pg_temp.near((l).difference_lower, lower)
                       AND pg_temp.near((l).difference_upper, upper) AND pg_temp.near((l).p_value, p_value)) $$, 'Cookie Cats');

-- ---- covariates ----
CREATE TEMP TABLE adjusted ON COMMIT DROP AS
SELECT name, (lift(t, c)).*
FROM (SELECT 'hillstrom ' || w.what || ', history as covariate, ' || m.mail AS name,
             outcome(w.value, history) FILTER (WHERE arm = m.mail || ' E-Mail') AS t,
                 outcome(w.value, history) FILTER (WHERE arm = 'No E-Mail') AS c
      FROM hillstrom, LATERAL (VALUES ('visit', visit), ('spend', spend), ('conversion',
          conversion)) AS w (what, value), (VALUES ('Mens'), ('Womens')) AS m (mail)
      GROUP BY w.what, m.mail
      UNION ALL
      SELECT 'cdnow A/A: odd against even sample_id, dollars from 1997-10-01 by dollars before',
             outcome(after, before) FILTER (WHERE sample_id % 2 = 1), outcome(after, before) FILTER (WHERE sample_id % 2 = 0)
      FROM (SELECT sample_id, coalesce(sum(dollars) FILTER (WHERE date >= '1997-10-01'), 0) AS after,
                   coalesce(sum(dollars) FILTER (WHERE date < '1997-10-01'), 0) AS before FROM cdnow GROUP BY sample_id) AS c) AS o;
SELECT cmp_ok((SELECT count(*) FROM adjusted JOIN cuped USING (name) WHERE quantity = 'difference'
    AND rule LIKE 'least%'), '>=', 3::bigint, 'cases with a covariate');
SELECT is_empty($$ SELECT a.*, c.* FROM adjusted AS a JOIN cuped AS c USING (name)
                   WHERE rule LIKE 'least variance%' AND kind = 'computed'
                       AND NOT CASE quantity
                           WHEN 'difference' THEN pg_temp.near(difference, value) AND pg_temp.near(difference_lower, lower)
                               AND pg_temp.near(difference_upper, upper) AND pg_temp.near(a.p_value, c.p_value, 1e-8)
                           WHEN 'variance reduction' THEN pg_temp.near(variance_reduction, value)
                           WHEN 'lift over the unadjusted control mean, fieller' THEN pg_temp.near(lift, value)
                               AND pg_temp.near(lift_lower, lower)
                               AND pg_temp.near(lift_upper, upper)
                           ELSE true END $$, 'differences and lifts adjusted by a covariate');
SELECT is((SELECT variance_reduction::numeric(6, 4) FROM adjusted
    WHERE name LIKE 'cdnow%'), 0.1040, 'CDNOW: a tenth of the variance goes');

-- ---- and the rest ----
SELECT is((SELECT row(l.difference, ((l.difference_upper - l.difference_lower) / (d.upper - d.lower))::numeric(12,
    9), l.p_value::numeric(12, 10),
                      l.difference_lower::numeric(12, 9))
           FROM (SELECT outcome(fte_after - fte_before) FILTER (WHERE state = 'NJ') AS t,
               outcome(fte_after - fte_before) FILTER (WHERE state = 'PA') AS c
                 FROM fast_food WHERE fte_after IS NOT NULL AND fte_before IS NOT NULL) AS o, lift(o.t, o.c) AS l, did AS d
           WHERE d.df < 100 AND d.data = 'fast_food'),
          row(2.75::float8, 1::numeric(12, 9), 0.0431997415663::numeric(12, 10), 0.0857843768404::numeric(12, 9)),
          'difference in differences of Card and Krueger');
SELECT is_empty($$ SELECT * FROM power, LATERAL (SELECT CASE WHEN quantity LIKE '%rate%' THEN rate_control ELSE 1 END) AS c (value),
                       detectable_lift(CASE WHEN quantity LIKE '%rate%' THEN make_outcome(10000000,
                           round(rate_control * 10000000)::bigint)
                                           ELSE make_outcome(1000, 1, sd ^ 2) END, n_per_arm, n_per_arm, power.power, level) AS l
                   WHERE (quantity LIKE 'smallest detectable rate%' AND NOT pg_temp.near(c.value * (1 + l), power.value, 1e-9))
                       OR (quantity LIKE '%normal approximation' AND NOT pg_temp.near(l, power.value, 1e-10))
                       OR (quantity = 'smallest detectable difference of means' AND NOT pg_temp.near(l, power.value, 0.011)) $$,
                'what can be found: power.prop.test, power.t.test');
SELECT is_empty($$ SELECT *, hash_fraction(salt, key) FROM fraction WHERE hash_fraction(salt, key) IS DISTINCT
    FROM fraction $$, 'fractions of hashes');
-- ---- recipes of the documentation ----
CREATE TEMP TABLE adjusted_p ("set" text, position int, p float8, method text, adjusted float8) ON COMMIT DROP;
CREATE TEMP TABLE credit (path_set text, paths text, model text, channel text, conversions float8,
    removal float8, probability float8, kind text,
    source text) ON COMMIT DROP;
CREATE TEMP TABLE budget (what text, segment text, cost float8, return float8, per_unit float8, net float8, source text) ON COMMIT DROP;
CREATE TEMP TABLE path (path text, conversions float8, value float8, none float8) ON COMMIT DROP;
SELECT format('COPY %s FROM %L WITH (FORMAT csv, HEADER)', t, :'data' || '/reference/measure_' || f || '.csv')
FROM (VALUES ('adjusted_p', 'p_adjust'), ('credit', 'attribution'), ('budget', 'budget')) AS v (t, f) \gexec
SELECT format('COPY path FROM PROGRAM %L WITH (FORMAT csv, HEADER)',
    'xz -dc ' || quote_literal(:'data' || '/data/channel_paths.csv.xz')) AS copy \gset
:copy;
SELECT is_empty($$ SELECT * FROM (
                       SELECT "set", position, least(1, max(p * (m - i + 1)) OVER (PARTITION BY "set" ORDER BY p)) AS holm,
                              least(1, min(p * m / i) OVER (PARTITION BY "set" ORDER BY p DESC)) AS bh
                       FROM (SELECT *, count(*) OVER (PARTITION BY "set") AS m, row_number() OVER (PARTITION BY "set" ORDER BY p) AS i
                             FROM (SELECT DISTINCT "set", position, p FROM adjusted_p WHERE p IS NOT NULL) AS d) AS r) AS f
                   JOIN adjusted_p AS a USING ("set", position)
                   WHERE (method = 'holm' AND NOT pg_temp.near(holm, adjusted)) OR (method = 'bh' AND NOT pg_temp.near(bh, adjusted)) $$,
                'Holm''s and Benjamini and Hochberg''s correction');
SELECT is_empty($$ WITH touch AS (SELECT p.id AS conversion, i, channel, conversions
                                  FROM (SELECT row_number() OVER () AS id, * FROM path) AS p,
                                      regexp_split_to_table(path, ' > ') WITH ORDINALITY AS t (channel, i) WHERE conversions > 0),
                       t AS (SELECT *, count(*) OVER (PARTITION BY conversion) AS n,
                                    row_number() OVER (PARTITION BY conversion, channel ORDER BY i) AS again FROM touch),
                       d AS (SELECT *, count(*) FILTER (WHERE again = 1) OVER (PARTITION BY conversion) AS distinct_n FROM t),
                       f AS (SELECT channel, coalesce(sum(conversions) FILTER (WHERE i = 1), 0) AS first,
                                    coalesce(sum(conversions) FILTER (WHERE i = n), 0) AS last, sum(conversions / n) AS linear,
                                    sum(conversions * CASE n WHEN 1 THEN 1 WHEN 2 THEN 0.5
                                        ELSE CASE WHEN i IN (1, n) THEN 0.4 ELSE 0.2 / (n - 2) END END) AS position,
                                    sum(conversions / distinct_n) FILTER (WHERE again = 1) AS shapley FROM d GROUP BY channel)
                   SELECT * FROM credit AS c JOIN f USING (channel)
                   WHERE c.paths = '10,000 paths'
                       AND NOT pg_temp.near(c.conversions, CASE model WHEN 'first' THEN first WHEN 'last' THEN last
                       WHEN 'linear' THEN linear WHEN 'position_40_20_40' THEN position
                           WHEN 'shapley' THEN shapley ELSE c.conversions END, 1e-8) $$,
                'attribution by five rules');
SELECT is_empty($$ SELECT * FROM budget AS b,
                       LATERAL (SELECT substring(b.what FROM '[0-9]+$')::float8 AS total) AS w,
                       LATERAL (SELECT coalesce(sum(greatest(0, least(cost, w.total - before))), 0) AS spend
                                FROM (SELECT *, sum(cost) OVER (ORDER BY return / cost DESC,
                                    segment ROWS UNBOUNDED PRECEDING) - cost AS before
                                      FROM budget WHERE what = 'step' AND return > cost) AS s
                                          WHERE s.segment = b.segment OR b.segment = 'all') AS f
                   WHERE b.what LIKE 'optimum at budget%' AND NOT pg_temp.near(f.spend, b.cost) $$, 'budgets');
CREATE TEMP TABLE trait (attribute text, value text, in_segment bigint, segment_size bigint, in_rest bigint, rest_size bigint,
    share float8, share_rest float8, index_against_all float8, index_against_rest float8, difference float8, lower float8, upper float8,
    index_rest_lower float8, index_rest_upper float8, p_value float8, p_bh float8) ON COMMIT DROP;
CREATE TEMP TABLE bank (age text, job text, marital text, education text, "default" text, balance text, housing text, loan text,
    contact text, day text, month text, duration text, campaign text, pdays text, previous text, poutcome text, y text) ON COMMIT DROP;
SELECT format('\copy pg_temp.trait FROM %L (FORMAT csv, HEADER)', :'data' || '/reference/measure_traits.csv') AS copy \gset
:copy;
SELECT format('\copy pg_temp.bank FROM PROGRAM %L (FORMAT csv, HEADER)', 'zcat ' || quote_literal(:'data' || '/data/bank.csv.gz'))
    AS copy \gset
:copy;
SELECT results_eq($$ SELECT count(*), count(*) FILTER (WHERE t.customers = r.in_segment AND pg_temp.near(t.share, r.share)
                         AND pg_temp.near(t.rest_share, r.share_rest) AND pg_temp.near(t.difference, r.difference, 1e-8)
                         AND pg_temp.near(t.difference_lower, r.lower, 1e-8) AND pg_temp.near(t.difference_upper, r.upper, 1e-8)
                         AND pg_temp.near(t.index, r.index_against_rest) AND pg_temp.near(t.index_lower, r.index_rest_lower)
                         AND pg_temp.near(t.index_upper, r.index_rest_upper) AND pg_temp.near(t.p_value, r.p_value, 1e-8)
                         AND pg_temp.near(t.p_adjusted, r.p_bh, 1e-8))
                     FROM trait AS r
                     LEFT JOIN segment_traits('SELECT y, job, marital, education, housing, loan, contact, poutcome FROM bank',
                                              min_customers => 1) AS t
                     ON t.segment = 'yes' AND t.attribute = r.attribute AND t.value = r.value $$,
                  $$ VALUES (30::bigint, 30::bigint) $$, 'traits of the bank''s customers who said yes');
\else
SELECT skip('reference figures of measurement are not there (SEGMENT_TEST_DATA)', 26);
\endif
SELECT * FROM finish();
ROLLBACK;
