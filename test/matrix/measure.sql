--
-- Outcomes and what follows from them: the same bytes on all servers and of all compilers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE customer AS
SELECT i % 5 AS g, i % 2 = 0 AS treated, i::bigint * 40503 % 65536 % 7 < 2 AS did,
    i::bigint * 2246822519 % 4294967296 % 1000003 / 700.0 - 20 AS y,
       (i * 7919 % 1009) / 3.0::float8 AS x, i::bigint * 2654435761 % 4294967296 % 6 AS d
FROM generate_series(1, 5000) AS i;
SELECT g, md5(concat_ws('|', outcome(did), outcome(y), outcome(-y * 1e200), outcome(y / 7, x, x * y), outcome_ratio(y, d)))
    FROM customer GROUP BY g ORDER BY g;
SELECT outcome(y * 1e-200), outcome(-x), make_outcome(1234, -5.6, 7.8), make_outcome(1234, 56) FROM customer;
SELECT s.g, e.*, f.*, h.* FROM (SELECT g, outcome(did) AS a, outcome(y) AS b, outcome_ratio(y, d) AS c FROM customer GROUP BY g) AS s,
    estimate(s.a) AS e, estimate(s.b, 0.99) AS f, estimate(s.c, 0.5) AS h ORDER BY g;
SELECT s.g, t.tuned_for, l.*, m.*, n.* FROM
    (SELECT g, outcome(did) FILTER (WHERE treated) AS a1, outcome(did) FILTER (WHERE NOT treated) AS a2, outcome(y, x,
    x * x) FILTER (WHERE treated) AS b1,
            outcome(y, x, x * x) FILTER (WHERE NOT treated) AS b2, outcome_ratio(y, d) FILTER (WHERE treated) AS c1,
            outcome_ratio(y, d) FILTER (WHERE NOT treated) AS c2 FROM customer GROUP BY g) AS s, (VALUES (NULL), (700)) AS t (tuned_for),
    lift(s.a1, s.a2, 0.95, t.tuned_for) AS l, lift(s.b1, s.b2, 0.95, t.tuned_for) AS m, lift(s.c1, s.c2, 0.95,
    t.tuned_for) AS n ORDER BY 1, 2;
SELECT n, detectable_lift(make_outcome(997, 131), n, 5 * n), detectable_lift(make_outcome(997, 13.1, 88.3), n, 5 * n, 0.9, 0.99),
    chi_squared_p(n / 7.0, n / 11.0)
FROM (VALUES (10), (1000), (100000)) AS v (n);
