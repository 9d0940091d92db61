--
-- estimate(), detectable_lift(), chi_squared_p(): formulas in plain SQL on random data, and what there is at the edges.
-- Published figures: test/pgtap/measure_oracle.sql.
--
CREATE SCHEMA measure_estimate;
SET search_path = measure_estimate, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;
\i test/lib/try.psql
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(a = b OR abs(a - b) <= 1e-12 * greatest(abs(a), abs(b)), a IS NULL AND b IS NULL) $$;

CREATE TABLE customer AS
SELECT i % 40 AS g, (i::bigint * 2654435761 % 4294967296 % 1000) / 7.0::float8 AS y, (i::bigint * 40503 % 65536 % 6)::float8 AS d,
    i % 13 < 4 AS did
FROM generate_series(1, 4000) AS i WHERE i % 40 < i % 97;

-- ---- rates ----
SELECT count(*) AS rates, count(*) FILTER (WHERE NOT (near(value, p) AND near(std_error, sqrt(p * (1 - p) / n)) AND customers = n
    AND skipped = 0
    AND near(lower, (p + z ^ 2 / (2 * n) - z * sqrt(p * (1 - p) / n + z ^ 2 / (4 * n ^ 2))) / (1 + z ^ 2 / n))
    AND near(upper, (p + z ^ 2 / (2 * n) + z * sqrt(p * (1 - p) / n + z ^ 2 / (4 * n ^ 2))) / (1 + z ^ 2 / n)))) AS differing
FROM (SELECT g, count(*)::float8 AS n, avg(did::integer)::float8 AS p, outcome(did) AS o FROM customer GROUP BY g) AS s,
    (VALUES (0.95, 1.959963984540054235::float8), (0.8, 1.281551565544600467)) AS v (level, z), estimate(s.o, level) AS e;
SELECT x, e.* FROM (VALUES (0), (1), (20)) AS v (x), estimate(make_outcome(20, x)) AS e;
SELECT e.* FROM estimate(make_outcome(1, 1)) AS e;
SELECT e.* FROM estimate(make_outcome(1000000000000, 1)) AS e;

-- ---- means and ratios ----
SELECT count(*) AS means, count(*) FILTER (WHERE NOT (near(value, m) AND near(std_error, s)
    AND near(value - lower, upper - value))) AS differing
FROM (SELECT g, avg(y::numeric)::float8 AS m, sqrt(var_samp(y::numeric) / count(*))::float8 AS s, outcome(y, d) AS o
    FROM customer GROUP BY g) AS t, estimate(t.o) AS e
WHERE abs(lower) > 1;
SELECT count(*) AS ratios, count(*) FILTER (WHERE NOT (near(value, r) AND near(std_error, s))) AS differing
FROM (SELECT g, r, sqrt(sum((y - r * d) ^ 2) / (count(*) - 1) / count(*)) / avg(d) AS s, outcome_ratio(y, d) AS o
      FROM (SELECT *, sum(y) OVER (PARTITION BY g) / sum(d) OVER (PARTITION BY g) AS r FROM customer) AS c GROUP BY g, r) AS t,
          estimate(t.o) AS e;
-- t of 1, 2, 10 and a million degrees of freedom, as tables have it
SELECT n - 1 AS df, e.upper FROM (VALUES (2), (3), (11), (1000001)) AS v (n), estimate(make_outcome(n, 0, n)) AS e;

-- ---- edges ----
SELECT w.*, e.* FROM (
    SELECT 'no customers' AS what, outcome(NULL::boolean) AS o UNION ALL SELECT 'no amounts', outcome(NULL::float8)
    UNION ALL SELECT 'no ratio', outcome_ratio(NULL, 1) UNION ALL SELECT 'one amount',
        outcome(3.5::float8) UNION ALL SELECT 'one ratio', outcome_ratio(3, 2)
    UNION ALL SELECT 'a ratio to 0', outcome_ratio(x, 0) FROM (VALUES (1), (2)) AS v (x)
    UNION ALL SELECT 'a ratio to what adds up to 0', outcome_ratio(x, x) FROM (VALUES (-1), (1)) AS v (x)
    UNION ALL SELECT 'all the same', outcome(0.1::float8) FROM generate_series(1, 7)
    UNION ALL SELECT 'all in the same ratio', outcome_ratio(0.1 * i, i) FROM generate_series(1, 7) AS i
    UNION ALL SELECT 'two', outcome(x) FROM (VALUES (-1::float8), (2)) AS v (x)) AS w,
        estimate(w.o) AS e \g (format=unaligned tuples_only)
SELECT e.* FROM estimate(NULL) AS e;
SELECT try(s) FROM (VALUES ('SELECT estimate(make_outcome(3, 1), 0)'), ('SELECT estimate(make_outcome(3, 1), 1)'),
    ('SELECT estimate(make_outcome(3, 1), 95)'),
    ('SELECT estimate(make_outcome(3, 1), ''NaN'')'), ('SELECT estimate(make_outcome(3, 1), NULL) IS NULL')) AS v (s);

-- ---- detectable_lift: a difference as large has the power that was asked for ----
SELECT count(*) AS plans, count(*) FILTER (WHERE abs(p - power) > 1e-9) AS differing
FROM (VALUES (0.8, 0.8416212335729142052::float8), (0.5, 0), (0.9, 1.281551565544600467)) AS w (power, z_power),
     (VALUES (100, 100), (20000, 1000), (1000, 20000)) AS v (n1, n2), (VALUES (0.02), (0.3)) AS c (p2),
     LATERAL (SELECT p2 * (1 + detectable_lift(make_outcome(1000, (1000 * p2)::bigint), n1, n2, power))) AS l (p1),
     LATERAL (SELECT (n1 * p1 + n2 * p2) / (n1 + n2)) AS b (pooled),
     -- what z_power has to be for this difference
     LATERAL (SELECT power + ((p1 - p2) - 1.959963984540054235 * sqrt(pooled * (1 - pooled) * (1.0 / n1 + 1.0 / n2)))
                  / sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) - z_power) AS f (p);
-- a covariate that explains nine tenths of the variance
SELECT detectable_lift(outcome(y, x), 400, 100) / detectable_lift(outcome(y), 400, 100) AS ratio
FROM (SELECT 100 + 3 * x + y, x FROM (VALUES (-1), (1)) AS a (x), (VALUES (-1), (1)) AS b (y), (VALUES (-1), (1)) AS c (z),
    generate_series(1, 10)) AS v (y, x);
SELECT detectable_lift(make_outcome(100, 0), 10, 10) AS no_rate, detectable_lift(make_outcome(100, 99), 10, 10) AS not_found,
       detectable_lift(make_outcome(100, 0, 4), 10, 10) AS no_mean, detectable_lift(make_outcome(1, 5, 0), 10, 10) AS one,
       detectable_lift(make_outcome(100, -5, 4), 10, 10) = detectable_lift(make_outcome(100,
           5, 4), 10, 10) AS sign, detectable_lift(NULL, 1, 1) AS null;
SELECT try(s) FROM (VALUES ('SELECT detectable_lift(make_outcome(9, 3), 0, 5)'), ('SELECT detectable_lift(make_outcome(9, 3), 5, 0)'),
    ('SELECT detectable_lift(make_outcome(9, 3), 5, 5, 1)'), ('SELECT detectable_lift(make_outcome(9, 3), 5, 5, 0.8, 95)')) AS v (s);

-- ---- chi_squared_p: two degrees of freedom are an exponential ----
SELECT count(*) FILTER (WHERE NOT near(chi_squared_p(x, 2), exp(-x::float8 / 2))) AS differing FROM generate_series(0, 1300, 13) AS x;
SELECT chi_squared_p(3.841458820694124, 1), chi_squared_p(0, 3), chi_squared_p('Infinity', 3), chi_squared_p(NULL, 1);
SELECT try(s) FROM (VALUES ('SELECT chi_squared_p(-1, 1)'), ('SELECT chi_squared_p(''NaN'', 1)'), ('SELECT chi_squared_p(1, 0)'),
    ('SELECT chi_squared_p(1, ''Infinity'')'))
    AS v (s);

RESET search_path;
DROP SCHEMA measure_estimate CASCADE;
