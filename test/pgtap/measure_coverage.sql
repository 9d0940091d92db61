--
-- Intervals hold what they promise: each covers the true value in its share of simulated samples, and no more
-- false alarms come than are allowed, however often one looks.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT setseed(0.4);

-- ---- one value and two, from known distributions: rates of 0.3 and 0.2, means of 4 and 3, ratios of 2 and 1.5 ----
CREATE TEMP TABLE sample ON COMMIT DROP AS
SELECT s, a, outcome(random() < CASE a WHEN 1 THEN 0.3 ELSE 0.2 END) AS rate,
       outcome(CASE a WHEN 1 THEN 4 ELSE 3 END + a * (random() + random() + random() - 1.5)) AS mean,
           outcome_ratio(x.d * CASE a WHEN 1 THEN 2 ELSE 1.5 END
           + random() - 0.5, x.d) AS ratio
FROM generate_series(1, 3000) AS s, generate_series(1, 2) AS a, generate_series(1,
    60 - 15 * a) AS i, LATERAL (SELECT floor(1 + 4 * random()) + 0 * i) AS x (d)
GROUP BY s, a;
CREATE TEMP TABLE covered ON COMMIT DROP AS
SELECT level, 'Wilson' AS interval, 0.3 BETWEEN lower AND upper AS covers FROM sample, (VALUES (0.95), (0.8)) AS v (level),
    estimate(rate, level) WHERE a = 1
UNION ALL SELECT level, 't', 4 BETWEEN lower AND upper FROM sample, (VALUES (0.95), (0.8)) AS v (level), estimate(mean, level) WHERE a = 1
UNION ALL SELECT level, 'delta', 2 BETWEEN lower AND upper FROM sample, (VALUES (0.95), (0.8)) AS v (level), estimate(ratio, level)
    WHERE a = 1
UNION ALL
SELECT level, w.interval, w.covers
FROM sample AS t JOIN sample AS c USING (s), (VALUES (0.95), (0.8)) AS v (level), lift(t.rate,
    c.rate, level) AS r, lift(t.mean, c.mean, level) AS m,
     lift(t.ratio, c.ratio, level) AS q,
     LATERAL (VALUES ('Newcombe', 0.1 BETWEEN r.difference_lower AND r.difference_upper), ('MOVER-R', 0.5 BETWEEN r.lift_lower
         AND r.lift_upper),
                     ('Welch', 1 BETWEEN m.difference_lower AND m.difference_upper), ('Fieller', 1 / 3.0 BETWEEN m.lift_lower
                         AND m.lift_upper),
                     ('Welch, ratios', 0.5 BETWEEN q.difference_lower AND q.difference_upper),
                     ('Fieller, ratios', 1 / 3.0 BETWEEN q.lift_lower AND q.lift_upper)) AS w (interval, covers)
WHERE t.a = 1 AND c.a = 2;
-- a share of 3000 has a standard error of 0.4 percent at 0.95, 0.7 at 0.8; rates are whole numbers, so theirs is not exact
SELECT is_empty($$ SELECT interval, level, avg(covers::integer) FROM covered GROUP BY interval, level
                   HAVING abs(avg(covers::integer) - level) > CASE level WHEN 0.95 THEN 0.015 ELSE 0.03 END $$,
                       'intervals cover as often as they say');
SELECT is((SELECT count(DISTINCT interval) FROM covered), 9::bigint, 'all nine');

-- ---- few customers and a covariate that tells nothing: the interval is no narrower than it may be ----
CREATE TEMP TABLE few ON COMMIT DROP AS
SELECT s, outcome(random() + random(), random()) FILTER (WHERE i <= 10) AS t, outcome(random() + random(),
    random()) FILTER (WHERE i > 10) AS c
FROM generate_series(1, 3000) AS s, generate_series(1, 20) AS i GROUP BY s;
SELECT cmp_ok((SELECT avg((p_value < 0.05)::integer) FROM few, lift(t, c)), '<=', 0.07, 'ten customers in each arm, and a covariate');

-- ---- twenty looks at streams without an effect ----
CREATE TEMP TABLE look ON COMMIT DROP AS
SELECT s, n, outcome_merge(rate1) OVER w AS rate1, outcome_merge(rate2) OVER w AS rate2, outcome_merge(mean1) OVER w AS mean1,
    outcome_merge(mean2) OVER w AS mean2
FROM (SELECT s, n, outcome(random() < 0.3) FILTER (WHERE i % 2 = 0) AS rate1, outcome(random() < 0.3) FILTER (WHERE i % 2 = 1) AS rate2,
             outcome(random() * random()) FILTER (WHERE i % 2 = 0) AS mean1,
                 outcome(random() * random()) FILTER (WHERE i % 2 = 1) AS mean2
      FROM generate_series(1, 2000) AS s, generate_series(1, 20) AS n, generate_series(1, 40) AS i GROUP BY s, n) AS b
WINDOW w AS (PARTITION BY s ORDER BY n);
CREATE TEMP TABLE alarm ON COMMIT DROP AS
SELECT s, bool_or(r.p_value < 0.05) AS rates, bool_or(rs.p_value < 0.05) AS rates_tuned,
    bool_or(rs.difference_lower > 0 OR rs.difference_upper < 0) AS rates_outside,
       bool_or(m.p_value < 0.05) AS means, bool_or(ms.p_value < 0.05) AS means_tuned,
           bool_or(ms.difference_lower > 0 OR ms.difference_upper < 0) AS means_outside
FROM look, lift(rate1, rate2) AS r, lift(rate1, rate2, 0.95, 400) AS rs, lift(mean1, mean2) AS m, lift(mean1, mean2,
    0.95, 400) AS ms GROUP BY s;
SELECT cmp_ok((SELECT least(avg(rates::integer), avg(means::integer))
    FROM alarm), '>', 0.2, 'twenty looks at 5 percent are false alarms in more than 20');
SELECT cmp_ok((SELECT greatest(avg(rates_tuned::integer), avg(means_tuned::integer), avg(rates_outside::integer),
    avg(means_outside::integer)) FROM alarm), '<=', 0.05,
              'and in at most 5 with tuned_for');

-- ---- random halves of real customers, who spend very unevenly ----
SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/data/cdnow_sample.csv.gz', true)).size IS NOT NULL AS have_data \gset
\if :have_data
CREATE TEMP TABLE cdnow (master_id int, sample_id int, date date, cds int, dollars float8) ON COMMIT DROP;
SELECT format('COPY cdnow FROM PROGRAM %L WITH (FORMAT csv, HEADER)',
    'gzip -dc ' || quote_literal(:'data' || '/data/cdnow_sample.csv.gz')) AS copy \gset
:copy;
CREATE TEMP TABLE spent ON COMMIT DROP AS
SELECT coalesce(sum(dollars) FILTER (WHERE date >= '1997-10-01'),
    0) AS after, coalesce(sum(dollars) FILTER (WHERE date < '1997-10-01'), 0) AS before
FROM cdnow GROUP BY sample_id;
CREATE TEMP TABLE half ON COMMIT DROP AS
SELECT s, h, outcome(after, before) AS adjusted, outcome(after) AS plain, outcome(after > 0) AS bought
FROM (SELECT s, random() < 0.5 AS h, after, before FROM generate_series(1, 2000) AS s, spent OFFSET 0) AS r GROUP BY s, h;
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT a.p_value < 0.05 AS adjusted, p.p_value < 0.05 AS plain, b.p_value < 0.05 AS bought, a.variance_reduction
FROM half AS t JOIN half AS c USING (s), lift(t.adjusted, c.adjusted) AS a, lift(t.plain, c.plain) AS p, lift(t.bought, c.bought) AS b
    WHERE t.h AND NOT c.h;
SELECT is_empty($$ SELECT * FROM (SELECT avg(plain::integer), avg(adjusted::integer), avg(bought::integer) FROM found) AS f (a, b, c)
                   WHERE least(a, b, c) < 0.035 OR greatest(a,
                       b, c) > 0.065 $$, '2000 halves: as many false alarms as there should be, with a covariate, too');
SELECT cmp_ok((SELECT abs(avg(variance_reduction) - 0.104) FROM found), '<', 0.005::float8, 'which takes a tenth of the variance');
\else
SELECT skip('CDNOW is not there (SEGMENT_TEST_DATA)', 2);
\endif
SELECT * FROM finish();
ROLLBACK;
