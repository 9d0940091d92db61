--
-- lift(): what its intervals are defined by, on random data; covariates against regressions; many looks; edges.
-- Published figures: test/pgtap/measure_oracle.sql; coverage: test/pgtap/measure_coverage.sql.
--
CREATE SCHEMA measure_lift;
SET search_path = measure_lift, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;
\i test/lib/try.psql
CREATE FUNCTION near(a float8, b float8, tolerance float8 DEFAULT 1e-10) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(a = b OR abs(a - b) <= tolerance * greatest(abs(a), abs(b)), a IS NULL AND b IS NULL) $$;

CREATE TABLE customer AS
SELECT i % 31 AS g, i % 3 = 0 AS treated, x, z, 3 * x - z + 20 * w + CASE WHEN i % 3 = 0 THEN 8 ELSE 0 END AS y,
    w < 0.2 AS did, floor(6 * w) AS d
FROM generate_series(1, 6000) AS i,
    LATERAL (SELECT (i::bigint * 2654435761 % 4294967296 % 1000) / 100.0::float8, (i::bigint * 40503 % 65536) / 5000.0::float8,
                    (i::bigint * 2246822519 % 4294967296 % 1000003) / 1000003.0::float8) AS v (x, z, w);
CREATE TABLE arms AS
SELECT g, outcome(did) FILTER (WHERE treated) AS rate1, outcome(did) FILTER (WHERE NOT treated) AS rate2,
    outcome(y) FILTER (WHERE treated) AS mean1,
       outcome(y) FILTER (WHERE NOT treated) AS mean2, outcome(y, x, z) FILTER (WHERE treated) AS adjusted1,
       outcome(y, x, z) FILTER (WHERE NOT treated) AS adjusted2, outcome_ratio(y, d) FILTER (WHERE treated) AS ratio1,
       outcome_ratio(y, d) FILTER (WHERE NOT treated) AS ratio2
FROM customer GROUP BY g;

-- ---- rates: Newcombe's interval from Wilson's; p of the pooled z ----
SELECT count(*) AS rates, count(*) FILTER (WHERE NOT (near(l.treated_value, e.value) AND near(l.control_value, f.value)
    AND near(difference, e.value - f.value)
    AND near(difference_lower, difference - sqrt((e.value - e.lower) ^ 2 + (f.upper - f.value) ^ 2), 1e-9)
    AND near(difference_upper, difference + sqrt((e.upper - e.value) ^ 2 + (f.value - f.lower) ^ 2), 1e-9)
    AND near(lift, e.value / f.value - 1)
        AND near(p_value, chi_squared_p(difference ^ 2 / (p * (1 - p) * (1.0 / e.customers + 1.0 / f.customers)), 1))
    AND variance_reduction IS NULL)) AS differing
FROM arms, lift(rate1, rate2) AS l, estimate(rate1) AS e, estimate(rate2) AS f,
    LATERAL (SELECT (e.customers * e.value + f.customers * f.value) / (e.customers + f.customers)) AS b (p);
-- exchanged arms: the other sign, and ratios upside down
SELECT count(*) FILTER (WHERE NOT (near(l.difference_lower, -m.difference_upper) AND near(l.p_value, m.p_value)
    AND near((1 + l.lift) * (1 + m.lift), 1))) AS differing
FROM arms, LATERAL (VALUES (rate1, rate2), (mean1, mean2), (ratio1, ratio2)) AS v (a, b), lift(a, b) AS l, lift(b, a) AS m;

-- ---- means and ratios: the same as the linearised values; covariates: the same as means of y - theta x ----
SELECT count(*) AS ratios, count(*) FILTER (WHERE NOT (near(l.difference, e.value - f.value) AND near(l.difference_upper - l.difference,
    m.difference_upper - m.difference) AND near((m.difference_upper - m.difference) / (l.difference_upper - l.difference),
        1))) AS differing
FROM arms, lift(ratio1, ratio2) AS l, estimate(ratio1) AS e, estimate(ratio2) AS f,
    lift(make_outcome(e.customers, e.value, e.std_error ^ 2 * e.customers),
        make_outcome(f.customers, f.value, f.std_error ^ 2 * f.customers)) AS m;
-- theta by the inverse of the matrix of two covariates, each arm's variance over its customers
SELECT count(*) AS adjusted, count(*) FILTER (WHERE NOT (near(l.difference, m.difference) AND near(l.difference_lower, m.difference_lower)
    AND near(l.p_value, m.p_value, 1e-7) AND near(l.variance_reduction, 1 - (m.v / w.v), 1e-9) AND l.variance_reduction BETWEEN 0 AND 1
    AND l.treated_value = r.treated_value AND l.lift = (l.difference / l.control_value)::numeric(40,
        30)::float8 IS NOT NULL)) AS differing
FROM arms, lift(adjusted1, adjusted2) AS l, lift(mean1, mean2) AS r,
    LATERAL (SELECT sum(xx / n) AS xx, sum(xz / n) AS xz, sum(zz / n) AS zz, sum(xy / n) AS xy, sum(zy / n) AS zy, sum(yy / n) AS v
             FROM (SELECT count(*) AS n, covar_samp(x, x) AS xx, covar_samp(x, z) AS xz, covar_samp(z, z) AS zz, covar_samp(x, y) AS xy,
                          covar_samp(z, y) AS zy, covar_samp(y, y) AS yy FROM customer AS c
                              WHERE c.g = arms.g GROUP BY treated) AS c) AS w,
    LATERAL (SELECT (zz * xy - xz * zy) / (xx * zz - xz ^ 2) AS a, (xx * zy - xz * xy) / (xx * zz - xz ^ 2) AS b) AS t,
    LATERAL (SELECT lift.*, s.v FROM (SELECT outcome(y - a * x - b * z) FILTER (WHERE treated) AS o1,
        outcome(y - a * x - b * z) FILTER (WHERE NOT treated) AS o2,
                           var_samp(y - a * x - b * z) FILTER (WHERE treated) / count(*) FILTER (WHERE treated)
                           + var_samp(y - a * x - b * z) FILTER (WHERE NOT treated) / count(*) FILTER (WHERE NOT treated) AS v
                           FROM customer AS c WHERE c.g = arms.g) AS s, lift(s.o1, s.o2)) AS m;
-- a covariate that follows from others, one that is constant, and one too many for few customers are left out
SELECT l.variance_reduction = m.variance_reduction AS same, l.difference = m.difference AS difference
FROM (SELECT outcome(y, x, z) FILTER (WHERE treated) AS a, outcome(y, x, z) FILTER (WHERE NOT treated) AS b,
             outcome(y, x, 3 - 2 * x, 7, z, x - z) FILTER (WHERE treated) AS c,
                 outcome(y, x, 3 - 2 * x, 7, z, x - z) FILTER (WHERE NOT treated) AS d
      FROM customer) AS s, lift(a, b) AS l, lift(c, d) AS m;
SELECT n, l.variance_reduction IS DISTINCT FROM 0 AS adjusted
FROM (VALUES (9), (10)) AS v (n), LATERAL (SELECT outcome(y, x) FILTER (WHERE treated) AS a, outcome(y, x) FILTER (WHERE NOT treated) AS b
    FROM (SELECT *, row_number() OVER (PARTITION BY treated ORDER BY x, z) AS i FROM customer) AS c WHERE i <= n) AS s, lift(a, b) AS l;
-- y = 2 x: nothing is left but the difference
SELECT l.difference, l.difference_lower = l.difference_upper AS no_width, l.p_value, l.variance_reduction
FROM (SELECT outcome(2 * x + treated::integer, x) FILTER (WHERE treated) AS a, outcome(2 * x + treated::integer,
    x) FILTER (WHERE NOT treated) AS b FROM customer) AS s,
    lift(a, b) AS l;

-- ---- difference and lift exclude 0 together ----
SELECT count(*) AS pairs,
    count(*) FILTER (WHERE (l.difference_lower > 0 OR l.difference_upper < 0) <> (l.lift_lower > 0 OR l.lift_upper < 0)) AS contradictions
FROM (SELECT rate1, rate2 FROM arms UNION ALL SELECT mean1, mean2 FROM arms UNION ALL SELECT adjusted1, adjusted2
    FROM arms UNION ALL SELECT ratio1, ratio2 FROM arms)
    AS v (a, b), (VALUES (0.5), (0.8), (0.95), (0.99)) AS w (level), (VALUES (NULL::bigint), (200)) AS t (tuned_for), lift(a, b, level,
        tuned_for) AS l;
-- many looks: wider than one, narrowest for the number that it is tuned for; no other place has q
SELECT bool_and(m.difference_upper > l.difference_upper AND m.lift_upper > l.lift_upper AND (m.p_value >= l.p_value OR l.p_value < 1e-6)
    AND m.difference = l.difference) AS wider
FROM arms, LATERAL (VALUES (rate1, rate2), (mean1, mean2), (adjusted1, adjusted2), (ratio1, ratio2)) AS v (a, b), lift(a, b) AS l,
    lift(a, b, 0.95, 200) AS m;
SELECT tuned_for FROM (VALUES (20), (100), (150), (200), (250), (300), (1000)) AS t (tuned_for), (SELECT * FROM arms WHERE g = 1) AS a,
    lift(mean1, mean2, 0.95, tuned_for) AS l ORDER BY difference_upper LIMIT 1;

-- ---- edges ----
CREATE TABLE edge AS
SELECT * FROM (VALUES
    ('rates of 0', make_outcome(10, 0), make_outcome(20, 0)), ('rates of 1', make_outcome(10, 10), make_outcome(20, 20)),
        ('a rate of 0', make_outcome(10, 0), make_outcome(20, 5)),
    ('over a rate of 0', make_outcome(10, 3), make_outcome(20, 0)), ('one customer each', make_outcome(1, 1), make_outcome(1, 0)),
    ('no customers', make_outcome(0, 0), make_outcome(20, 5)), ('over a mean of 0', make_outcome(10, 3, 2), make_outcome(10, 0, 2)),
    ('over a negative mean', make_outcome(100, 3, 2), make_outcome(100, -5, 2)), ('one mean', make_outcome(1, 3,
        0), make_outcome(10, 2, 1)),
    ('no variance', make_outcome(10, 3, 0), make_outcome(10, 2, 0)), ('the same, no variance', make_outcome(10, 2, 0), make_outcome(10,
        2, 0)),
    ('variance in one', make_outcome(10, 3, 0), make_outcome(10, 2, 1)), ('not clear of 0', make_outcome(10, 3, 1), make_outcome(10,
        0.1, 1))) AS v (what, treated, control);
SELECT what, l.* FROM edge, lift(treated, control) AS l \g (format=unaligned tuples_only)
SELECT l.* FROM lift(NULL, make_outcome(3, 1)) AS l \g (format=unaligned tuples_only)
SELECT try(s) FROM (VALUES ('SELECT lift(make_outcome(3, 1), make_outcome(3, 1, 1))'), ('SELECT lift(mean1, ratio2) FROM arms'),
    ('SELECT lift(mean1, adjusted2) FROM arms'),
    ('SELECT lift(rate1, adjusted2) FROM arms'), ('SELECT lift(rate1, rate2, 95) FROM arms'),
        ('SELECT lift(rate1, rate2, 0.95, 0) FROM arms'),
    ('SELECT lift(rate1, rate2, NULL) IS NULL FROM arms LIMIT 1')) AS v (s);
-- as large as doubles hold
SELECT l.lift, l.lift_lower, l.lift_upper FROM (VALUES (1), (1e150::float8)) AS v (f), lift(make_outcome(10, 3 * f, f * f),
    make_outcome(10, 2 * f,
    f * f)) AS l;

RESET search_path;
DROP SCHEMA measure_lift CASCADE;
