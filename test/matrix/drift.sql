--
-- Drift: the same digits on all servers.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET extra_float_digits = 1;

CREATE TEMP TABLE made AS
SELECT i, i % 5 AS few, i * 7919 % 1009 / 7.0 + i % 5 * 40 AS a, 1e9 + i * 31 % 101 / 3.0 AS b,
       ((i * 104729 % 9973)::bigint * (i % 97) * (i % 89))::float8 AS c,
       CASE WHEN i % 11 > 0 THEN 'k' || i % 7 END AS d FROM generate_series(1, 3000) AS i;
SELECT d.* FROM (SELECT feature_set(r) AS s FROM (SELECT few, a, b, c, d FROM made) AS r) AS x,
    (SELECT feature_set(r) AS s FROM (SELECT few + i % 2 AS few, a * 1.1 AS a, b + 1 AS b, c + i AS c, nullif(d, 'k2') AS d
                                      FROM made WHERE i % 3 > 0) AS r) AS y, feature_drift(x.s, y.s) AS d;
SELECT d.* FROM (SELECT feature_set_weighted(1 + few / 3.0, a, c) AS s FROM made) AS x,
    (SELECT feature_set_weighted(1 + i % 7 / 9.0, a + 3, c) AS s FROM made) AS y, feature_drift(x.s, y.s, 20) AS d;
-- tails of the distributions, small and large
SELECT n, shift, d.ks_p, d.chi2, d.chi2_p
FROM unnest('{10,100,3000}'::integer[]) AS n, unnest('{0,1,5,40,200}'::float8[]) AS shift,
    LATERAL (SELECT feature_set(a) AS s FROM made WHERE i <= n) AS x,
    LATERAL (SELECT feature_set(a + shift) AS s FROM made WHERE i <= n) AS y,
    feature_drift(x.s, y.s) AS d;
-- what is kept
SELECT md5(string_agg(u.one::text, ' ' ORDER BY u.n)) FROM (SELECT feature_set(r) AS s FROM (SELECT few, a, b, c, d FROM made) AS r) AS x,
    unnest(segment_internal.feature_marginals(s, 64)) WITH ORDINALITY AS u (one, n);

CREATE TABLE customer AS SELECT i AS id, a, c, d FROM made;
SELECT create_cluster_segmentation('drifting', 'SELECT id, a, c FROM customer', 3, options => '{"log": ["c"]}');
SELECT outcome FROM refresh_segmentation('drifting', '2025-01-01');
UPDATE customer SET a = a * 1.3, c = c + 10 WHERE id % 4 > 0;
SELECT outcome FROM refresh_segmentation('drifting', '2025-02-01');
SELECT d.* FROM segment_drift('drifting') AS d;
