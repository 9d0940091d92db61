--
-- How well labels divide rows, and how far two labelings agree: compared with
-- plain SQL over made-up rows.  Figures on real data: quality_clusters_oracle.sql.
--
\ir ../lib/pgtap_begin.psql

CREATE FUNCTION pg_temp.near(a double precision, b double precision, tolerance double precision DEFAULT 1e-10)
    RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= tolerance * greatest(1, abs(b)), a IS NULL AND b IS NULL) $$;
CREATE FUNCTION pg_temp.distance(x double precision[], y double precision[]) RETURNS double precision LANGUAGE sql AS
$$ SELECT sqrt(sum((p - q) ^ 2)) FROM unnest(x, y) AS u (p, q) $$;

-- ---- indices of labelled rows, by definition ----

-- overlapping groups; a row alone in its label; a label for each two rows; many copies
CREATE TEMP TABLE made (kind text, id integer, label integer, x double precision[]) ON COMMIT DROP;
INSERT INTO made
SELECT kind, i, CASE kind WHEN 'lone' THEN (i <> 7)::integer WHEN 'pairs' THEN i / 2 ELSE (i * 7919) % 4 END AS label,
       CASE kind WHEN 'copies' THEN ARRAY[i % 5, i % 2, 0]
            ELSE ARRAY[(i * 7919) % 4 + sin(i * 12.9898) * 2, cos(i * 78.233), sin(i * i)] END
FROM unnest('{overlapping,lone,pairs,copies}'::text[]) AS kind, generate_series(1, 120) AS i;
CREATE TEMP TABLE labelled ON COMMIT DROP AS SELECT kind, feature_set(label, x[1], x[2], x[3]) AS s FROM made GROUP BY 1;

CREATE TEMP TABLE mean ON COMMIT DROP AS
SELECT kind, label, count(*) AS n, ARRAY[avg(x[1]), avg(x[2]), avg(x[3])] AS x FROM made GROUP BY GROUPING SETS ((kind, label), (kind));
CREATE TEMP TABLE by_label ON COMMIT DROP AS
SELECT m.*, inertia, scatter,
       (SELECT min(pg_temp.distance(m.x, o.x)) FROM mean AS o WHERE o.kind = m.kind AND o.label <> m.label) AS separation
FROM mean AS m, LATERAL (SELECT sum(d ^ 2) AS inertia, avg(d) AS scatter FROM made AS r, LATERAL pg_temp.distance(r.x, m.x) AS d
                         WHERE (r.kind, r.label) = (m.kind, m.label)) AS i
WHERE m.label IS NOT NULL;
CREATE TEMP TABLE by_row ON COMMIT DROP AS
WITH one_to_label AS (
    SELECT r.kind, r.id, r.label, o.label AS other, sum(pg_temp.distance(r.x, o.x)) AS total, count(*) AS n,
           pg_temp.distance(r.x, m.x) AS to_mean
    FROM made AS r JOIN made AS o USING (kind) JOIN mean AS m ON (m.kind, m.label) = (r.kind, o.label) GROUP BY 1, 2, 3, 4, r.x, m.x
)
SELECT kind, id, label, min(total / nullif(n - 1, 0)) FILTER (WHERE other = label) AS a, min(total / n) FILTER (WHERE other <> label) AS b,
       min(to_mean) FILTER (WHERE other = label AND n > 1) AS a_mean, min(to_mean) FILTER (WHERE other <> label) AS b_mean
FROM one_to_label GROUP BY 1, 2, 3;
CREATE FUNCTION pg_temp.silhouette(a double precision, b double precision) RETURNS double precision LANGUAGE sql AS
$$ SELECT coalesce((b - a) / nullif(greatest(a, b), 0), 0) $$;

CREATE TEMP TABLE expected ON COMMIT DROP AS
SELECT w.kind, i.inertia,
       (SELECT avg(worst) FROM (SELECT max((u.scatter + v.scatter) / nullif(pg_temp.distance(u.x, v.x), 0)) AS worst FROM by_label AS u
                                JOIN by_label AS v USING (kind)
                                WHERE u.label <> v.label AND kind = w.kind GROUP BY u.label) AS q) AS davies_bouldin,
       between_ / (k - 1) / (i.inertia / (w.n - k)) AS calinski_harabasz,
       (SELECT avg(pg_temp.silhouette(a, b)) FROM by_row AS r WHERE r.kind = w.kind) AS silhouette,
       (SELECT avg(CASE WHEN a_mean IS NULL THEN 0 ELSE pg_temp.silhouette(a_mean, b_mean) END) FROM by_row AS r
        WHERE r.kind = w.kind) AS simplified_silhouette
FROM mean AS w, LATERAL (SELECT sum(l.inertia) AS inertia, count(*) AS k, sum(l.n * pg_temp.distance(l.x, w.x) ^ 2) AS between_
                         FROM by_label AS l WHERE l.kind = w.kind) AS i
WHERE w.label IS NULL;

SELECT is((SELECT count(*) FROM expected), 4::bigint, 'four kinds of data');
SELECT is_empty($$
    SELECT kind, name, ours, theirs FROM labelled JOIN expected AS e USING (kind), LATERAL (VALUES
        ('silhouette', silhouette(s), e.silhouette), ('simplified_silhouette', simplified_silhouette(s), e.simplified_silhouette),
        ('davies_bouldin', davies_bouldin(s), e.davies_bouldin), ('calinski_harabasz', calinski_harabasz(s), e.calinski_harabasz),
        ('inertia', inertia(s), e.inertia)) AS v (name, ours, theirs)
    WHERE NOT pg_temp.near(ours, theirs)
$$, 'every index is what its definition says');
SELECT is((SELECT array_agg(label::integer ORDER BY n)
           FROM labelled, cluster_quality(s) WITH ORDINALITY
                          AS q (label, rows, weight, inertia, spread, nearest, separation, silhouette, n) WHERE kind = 'pairs'),
          ARRAY(SELECT generate_series(0, 60)), 'labels in ascending order');
SELECT is_empty($$
    WITH ours AS (SELECT kind, q.* FROM labelled, cluster_quality(s) AS q)
    SELECT o.*, e.* FROM ours AS o FULL JOIN by_label AS e ON (o.kind, o.label) = (e.kind, e.label::text)
    WHERE (pg_temp.near(o.rows, e.n) AND pg_temp.near(o.weight, e.n) AND pg_temp.near(o.inertia, e.inertia)
           AND pg_temp.near(o.spread, sqrt(e.inertia / e.n)) AND pg_temp.near(o.separation, e.separation)
        AND pg_temp.near(pg_temp.distance(e.x, (SELECT m.x FROM mean AS m WHERE (m.kind, m.label::text) = (o.kind, o.nearest))),
                         e.separation)
        AND pg_temp.near(o.silhouette, (SELECT avg(pg_temp.silhouette(a, b)) FROM by_row AS r
                                        WHERE (r.kind, r.label) = (e.kind, e.label)))) IS NOT TRUE
$$, 'and so is each label''s row of cluster_quality');

-- ---- what must not matter ----
-- as text, for all digits
CREATE FUNCTION pg_temp.all_of(s feature_set) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', silhouette(s), simplified_silhouette(s), davies_bouldin(s), calinski_harabasz(s),
                     inertia(s), (SELECT string_agg(q::text, ';') FROM cluster_quality(s) AS q)) $$;
SELECT is_empty($$
    SELECT kind FROM labelled
    JOIN (SELECT kind, feature_set(label, x[1], x[2], x[3] ORDER BY md5(id::text)) AS shuffled FROM made GROUP BY 1) AS o USING (kind)
        JOIN (SELECT kind, feature_set_merge(part) AS merged FROM (SELECT kind, feature_set(label, x[1], x[2], x[3]) AS part FROM made
                                                                   GROUP BY kind, id % 8) AS p GROUP BY 1) AS m USING (kind)
    WHERE (pg_temp.all_of(s) = ALL (ARRAY[pg_temp.all_of(shuffled), pg_temp.all_of(merged),
                                          pg_temp.all_of(s::text::feature_set)])) IS NOT TRUE
$$, 'the order of rows, parts that were merged, and text forms: the same to the last digit');
SELECT is_empty($$
    SELECT kind, name, plain, weighted FROM labelled
    JOIN (SELECT kind, feature_set_weighted(n, label, x[1], x[2], x[3]) AS w
          FROM (SELECT kind, label, x, count(*) AS n FROM made GROUP BY 1, 2, 3) AS q GROUP BY 1) AS o USING (kind),
        LATERAL (VALUES ('silhouette', silhouette(s), silhouette(w)), ('simplified', simplified_silhouette(s), simplified_silhouette(w)),
                        ('davies_bouldin', davies_bouldin(s), davies_bouldin(w)),
                        ('calinski_harabasz', calinski_harabasz(s), calinski_harabasz(w)),
                        ('inertia', inertia(s), inertia(w))) AS v (name, plain, weighted)
    WHERE NOT pg_temp.near(plain, weighted, 1e-13)
$$, 'a row of weight w is w equal rows');
SELECT is_empty($$
    SELECT shift, power, name, here, there FROM labelled, (VALUES (1e9, 0), (0, 400), (0, -400), (-1e9, 3)) AS v (shift, power),
        LATERAL (SELECT feature_set(label, (x[1] + shift) * 2::float8 ^ power, (x[2] - shift) * 2::float8 ^ power,
                                    (x[3] + shift) * 2::float8 ^ power) AS t FROM made AS m WHERE m.kind = labelled.kind) AS o,
        LATERAL (VALUES ('silhouette', silhouette(s), silhouette(t)), ('simplified', simplified_silhouette(s), simplified_silhouette(t)),
                        ('davies_bouldin', davies_bouldin(s), davies_bouldin(t)),
                        ('calinski_harabasz', calinski_harabasz(s), calinski_harabasz(t)),
                        ('inertia', inertia(s), inertia(t) / 2::float8 ^ power / 2::float8 ^ power)) AS n (name, here, there)
    WHERE kind <> 'pairs' AND NOT pg_temp.near(here, there, CASE shift WHEN 0 THEN 1e-13 ELSE 1e-6 END)
$$, 'the unit does not matter, nor a large offset beyond the rounding of the rows themselves');
SELECT ok(pg_temp.near(silhouette(feature_set(r)), silhouette(feature_set(label, a)), 1e-14), 'labels may be names')
FROM (SELECT i % 2 AS label, (i % 2 + sin(i))::float8 AS a, CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END AS name
      FROM generate_series(1, 10) AS i) AS t, LATERAL (SELECT name, a AS value) AS r;
SELECT is((SELECT array_agg(label)
           FROM (SELECT feature_set(r) AS s FROM (VALUES ('b', 1), ('é', 2), ('a', 3), ('b', 9), ('', 4)) AS r (name, a)) AS q,
                cluster_quality(s)), '{"",a,b,é}', 'and stand in the order of their bytes');
SELECT is((SELECT array_agg(label)
           FROM (SELECT feature_set(label, 1, i) AS s FROM unnest('{-5,1e300,0,-1e15,3,3}'::float8[]) WITH ORDINALITY AS l (label, i)) AS q,
                cluster_quality(s)), '{-1000000000000000,-5,0,3,1e+300}', 'any whole number may be a label');

-- ---- more rows than are compared all with all ----
CREATE TEMP TABLE many ON COMMIT DROP AS SELECT i, i % 3 AS label, i % 3 * 3 + sin(i) * 2 AS a, cos(i * 1.7) AS b
FROM generate_series(1, 24000) AS i;
CREATE TEMP TABLE many_set ON COMMIT DROP AS SELECT feature_set(label, a, b) AS s, feature_set(label, a, b ORDER BY i % 101, i) AS shuffled
FROM many;
SELECT is(silhouette(s)::text, silhouette(shuffled)::text, 'the sample is the same for the same rows') FROM many_set;
SELECT ok(abs(silhouette(s) - whole) < 0.005 AND silhouette(s) <> whole, 'and its silhouette near that of all')
FROM many_set,
     (SELECT avg(silhouette(part)) AS whole FROM (SELECT feature_set(label, a, b) AS part FROM many GROUP BY i % 2) AS h) AS halves;
SELECT is((SELECT sum(rows) FROM many_set, cluster_quality(s)), 24000::numeric, 'all rows are counted');
SELECT is(silhouette(s), 1::float8, 'copies do not count towards the limit')
FROM (SELECT feature_set(i % 2, i % 2, 0) AS s FROM generate_series(1, 30000) AS i) AS q;

-- ---- nothing to say, and bad input ----
SELECT is(silhouette(NULL), NULL, 'no set: silhouette');
SELECT is_empty($$ SELECT * FROM cluster_quality(NULL) $$, 'no set: cluster_quality');
SELECT is((SELECT concat_ws(',', silhouette(s), simplified_silhouette(s), davies_bouldin(s), calinski_harabasz(s), inertia(s))
           FROM (SELECT feature_set(1, a) AS s FROM (VALUES (1), (3)) AS v (a)) AS q), '2', 'a single label has inertia alone');
SELECT results_eq($$ SELECT q.* FROM (SELECT feature_set(1, a) AS s FROM (VALUES (1), (3)) AS v (a)) AS t, cluster_quality(s) AS q $$,
                  $$ VALUES ('1', 2::bigint, 2::float8, 2::float8, 1::float8, NULL, NULL::float8, NULL::float8) $$, 'and no neighbour');
SELECT is((SELECT concat_ws(',', silhouette(s), davies_bouldin(s), inertia(s))
           FROM (SELECT feature_set(a, a) AS s FROM generate_series(1, 4) AS a) AS q), '0', 'as many labels as rows');
SELECT is((SELECT concat_ws(',', inertia(s), silhouette(s))
           FROM (SELECT feature_set(NULL, a) AS s FROM generate_series(1, 4) AS a) AS q), '', 'no row with a label');
SELECT is((SELECT concat_ws(',', silhouette(s), davies_bouldin(s), calinski_harabasz(s), inertia(s))
           FROM (SELECT feature_set(a % 2, 5) AS s FROM generate_series(1, 4) AS a) AS q), '0,0,1,0',
          'all rows equal: as scikit-learn has it');
SELECT is((SELECT concat_ws(',', silhouette(s), (SELECT sum(rows) FROM cluster_quality(s)))
           FROM (SELECT feature_set(l, a) AS s FROM (VALUES (0::float8, 0::float8), (0, 2), (1, 10), (1, NULL),
                                                            (NULL, 5), (0, 'NaN'), (1, '-Infinity'), ('Infinity', 1)) AS v (l, a)) AS q),
          (SELECT concat(silhouette(feature_set(l, a)), ',3') FROM (VALUES (0, 0), (0, 2), (1, 10)) AS v (l, a)),
          'rows with a value that is missing or infinite are left out');
SELECT is((SELECT inertia(s)
           FROM (SELECT feature_set_weighted(w, 1, a) AS s FROM (VALUES (1, 0), (1, 2), (0, 100), (NULL, 500)) AS v (w, a)) AS q),
          2::float8, 'rows that weigh nothing, too');
SELECT throws_ok(format('SELECT %s(feature_set(l, 1)) FROM (VALUES (1), (1.5)) AS v (l)', f), '22023',
                 'a label must be a whole number, not 1.5', f || ': whole numbers')
FROM unnest('{silhouette,simplified_silhouette,davies_bouldin,calinski_harabasz,inertia,cluster_quality,eta_squared}'::text[]) AS f;
SELECT throws_ok($$ SELECT silhouette(feature_set(i)) FROM generate_series(1, 3) AS i $$, '22023', NULL, 'a label without coordinates');
SELECT throws_ok($$ SELECT silhouette(feature_set(r)) FROM (VALUES (1, 'a'), (2, 'b')) AS r (label, town) $$,
                 '42804', 'feature "town" is categorical, expected a number', 'a coordinate that is a category');
SELECT throws_ok($$ SELECT inertia(feature_set(1, a))
                    FROM (VALUES (1e200), (-1e200)) AS v (a) $$, '22003', NULL, 'an inertia beyond what a double holds');
SELECT ok(pg_temp.near((SELECT davies_bouldin(feature_set(i / 2, a))
                        FROM (VALUES (0, 1e308), (1, 1.1e308), (2, -1e308), (3, -1.1e308)) AS v (i, a)),
          (SELECT davies_bouldin(feature_set(i / 2, a)) FROM (VALUES (0, 1), (1, 1.1), (2, -1), (3, -1.1)) AS v (i, a))),
          'though ratios are known of the largest rows there are');
SELECT is((SELECT count(*) FROM (SELECT feature_set(VARIADIC (i % 2)::float8 || array_fill(sin(i), ARRAY[1599])) AS s
                                 FROM generate_series(1, 20) AS i) AS q, cluster_quality(s)), 2::bigint, '1,599 coordinates');

-- ---- two labelings ----
CREATE TEMP TABLE label_pair ON COMMIT DROP AS
SELECT kind, i, i % (2 + kind) AS a,
       CASE kind WHEN 0 THEN i % 2 WHEN 1 THEN (sin(i) * 3)::integer WHEN 2 THEN 7 WHEN 3 THEN -(i % 5) ELSE (i * 7919 % 101) / 20 END AS b
FROM generate_series(0, 5) AS kind, generate_series(1, 150) AS i;
CREATE TEMP TABLE pair_count ON COMMIT DROP AS
SELECT x.kind, count(*) FILTER (WHERE x.a = y.a AND x.b = y.b)::float8 AS both_,
       count(*) FILTER (WHERE x.a = y.a)::float8 AS in_a, count(*) FILTER (WHERE x.b = y.b)::float8 AS in_b, count(*)::float8 AS n
FROM label_pair AS x JOIN label_pair AS y ON x.kind = y.kind AND x.i < y.i GROUP BY 1;
CREATE TEMP TABLE entropy ON COMMIT DROP AS
SELECT kind, (SELECT -sum(n / 150.0 * ln(n / 150.0::float8))
              FROM (SELECT count(*) AS n FROM label_pair AS p WHERE p.kind = k.kind GROUP BY a) AS q) AS h_a,
       (SELECT -sum(n / 150.0 * ln(n / 150.0::float8))
        FROM (SELECT count(*) AS n FROM label_pair AS p WHERE p.kind = k.kind GROUP BY b) AS q) AS h_b,
       (SELECT -sum(n / 150.0 * ln(n / 150.0::float8))
        FROM (SELECT count(*) AS n FROM label_pair AS p WHERE p.kind = k.kind GROUP BY a, b) AS q) AS h_ab
FROM generate_series(0, 5) AS k (kind);
SELECT is_empty($$
    SELECT * FROM (SELECT kind, adjusted_rand_index(a, b) AS ari, normalized_mutual_information(a, b) AS nmi FROM label_pair
                   GROUP BY 1) AS o JOIN pair_count AS p USING (kind) JOIN entropy AS e USING (kind)
    WHERE NOT pg_temp.near(ari, coalesce((both_ - in_a * in_b / n) / nullif((in_a + in_b) / 2 - in_a * in_b / n, 0), 1), 1e-13)
       OR NOT pg_temp.near(nmi, 2 * (h_a + h_b - h_ab) / (h_a + h_b), 1e-13)
$$, 'adjusted Rand index and mutual information are what their definitions say');
SELECT is((SELECT count(*) FROM pair_count WHERE both_ < in_a), 3::bigint, 'of labelings that are the same, or not');
SELECT is_empty($$
    SELECT kind FROM label_pair GROUP BY 1
    HAVING (adjusted_rand_index(a, b), normalized_mutual_information(a, b)) IS DISTINCT FROM
           (adjusted_rand_index(a, b ORDER BY md5(i::text)), normalized_mutual_information(a, b ORDER BY md5(i::text)))
        OR (adjusted_rand_index(a, b), normalized_mutual_information(a, b)) IS DISTINCT FROM
           (adjusted_rand_index(feature_set(a, b)), normalized_mutual_information(feature_set(a, b)))
        OR adjusted_rand_index(a, b) IS DISTINCT FROM adjusted_rand_index('name ' || a, b::text)
        OR NOT pg_temp.near(normalized_mutual_information(a, b), normalized_mutual_information(chr(97 + a), 'x' || b), 1e-14)
$$, 'the order of rows and the names of labels do not matter');
SELECT results_eq($$ SELECT adjusted_rand_index(a, b), normalized_mutual_information(a, b)
                     FROM (VALUES (1, 1), (1, NULL), (NULL, 2), (2, 2), (NULL, NULL), (2, 2)) AS v (a, b) $$,
                  $$ VALUES (1::float8, 1::float8) $$, 'rows with one label only are left out');
SELECT results_eq($$ SELECT adjusted_rand_index(a, b), normalized_mutual_information(a, b)
                     FROM (VALUES (1, 1)) AS v (a, b) $$, $$ VALUES (1::float8, 1::float8) $$, 'a single row agrees');
SELECT results_eq($$ SELECT adjusted_rand_index(a, b), normalized_mutual_information(a, b), eta_squared(a, b)
                     FROM (VALUES (1, 1)) AS v (a, b)
                     WHERE false $$, $$ VALUES (NULL::float8, NULL::float8, NULL::float8) $$, 'no rows: NULL');
SELECT is(adjusted_rand_index(NULL::integer, NULL), NULL, 'no labels: NULL');
SELECT is(adjusted_rand_index(a, b), 1::float8, 'the extremes of integers')
FROM (VALUES (-2147483648, 1), (2147483647, 2), (0, 3), (0, 3)) AS v (a, b);
SELECT throws_ok($$ SELECT adjusted_rand_index(feature_set(1, 2, 3)) $$, '22023', NULL, 'three labels');
SELECT throws_ok($$ SELECT normalized_mutual_information(feature_set_weighted(1, 2, 3)) $$, '22023', NULL, 'weights');
SELECT throws_ok($$ SELECT adjusted_rand_index(feature_set(1, 2.5)) $$, '22023', NULL, 'labels that are not whole');
SELECT throws_ok($$ SELECT segment_internal.label_pair_accum(NULL, 1, 1) $$, '0A000', NULL, 'a transition function alone');

-- ---- what segments explain ----
CREATE TEMP TABLE measured ON COMMIT DROP AS
SELECT i % 4 AS segment, 'name ' || i % 4 AS name, (i % 4 + sin(i) * 3 + shift)::float8 AS m, shift
FROM generate_series(1, 200) AS i, unnest('{0,1e9}'::float8[]) AS shift;
SELECT is_empty($$
    WITH expected AS (
        SELECT shift, sum((g - w) ^ 2) / sum((m - w) ^ 2) AS e
        FROM (SELECT shift, m - shift AS m, avg(m - shift) OVER (PARTITION BY shift, segment) AS g,
                     avg(m - shift) OVER (PARTITION BY shift) AS w FROM measured) AS q GROUP BY 1
    )
    SELECT *
    FROM (SELECT shift, eta_squared(segment, m) AS by_id, eta_squared(name, m) AS by_name, eta_squared(feature_set(segment, m)) AS by_set
          FROM measured GROUP BY 1) AS o JOIN expected USING (shift)
    WHERE NOT (pg_temp.near(by_id, e, 1e-12) AND pg_temp.near(by_name, e, 1e-12) AND by_set = by_id)
$$, 'eta squared is what its definition says, far from 0, too');
SELECT is((SELECT eta_squared(segment, m ORDER BY md5(m::text))::text FROM measured WHERE shift = 0),
          (SELECT eta_squared(segment, m)::text FROM measured WHERE shift = 0), 'whatever the order of rows');
SELECT results_eq($$ SELECT eta_squared(s, 5), eta_squared(1, s), eta_squared(s, s) FROM generate_series(1, 3) AS s $$,
                  $$ VALUES (NULL::float8, 0::float8, 1::float8) $$, 'no variance, one segment, a segment for each value');
SELECT is(
    (SELECT eta_squared(s, m) FROM (VALUES (1, 1::float8), (1, 2), (2, 5), (2, NULL), (NULL, 7), (2, 'NaN'), (1, 'Infinity')) AS v (s, m)),
    (SELECT eta_squared(s, m) FROM (VALUES (1, 1), (1, 2), (2, 5)) AS v (s, m)), 'rows without a segment or a finite measure are left out');
SELECT throws_ok($$ SELECT eta_squared(feature_set(1, 2, 3)) $$, '22023', NULL, 'two measures');

-- ---- in parallel ----
CREATE TABLE public.parallel_rows AS SELECT i % 5 AS a, i % 7 % 3 AS b, sin(i) + i % 5 AS m FROM generate_series(1, 20000) AS i;
ANALYZE public.parallel_rows;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE serial_result AS SELECT adjusted_rand_index(a, b) AS ari, normalized_mutual_information(a::text, b::text) AS nmi,
    eta_squared(a, m) AS eta, eta_squared(b::text, m) AS eta_text, inertia(feature_set(a, m)) AS inertia FROM public.parallel_rows;
SET LOCAL max_parallel_workers_per_gather = 4;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT results_eq($$ SELECT adjusted_rand_index(a, b), normalized_mutual_information(a::text, b::text),
                            eta_squared(a, m), eta_squared(b::text, m), inertia(feature_set(a, m))
                     FROM public.parallel_rows $$, $$ SELECT * FROM serial_result $$, 'workers do not matter');
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS SETOF text
    LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query;
                           END $$;
SELECT ok((SELECT string_agg(p, ' ') ~ 'Finalize Aggregate.*Gather.*Partial Aggregate'
           FROM pg_temp.plan_of('SELECT adjusted_rand_index(a, b), eta_squared(a, m) FROM public.parallel_rows') AS p), 'and were there');
SELECT * FROM finish();
ROLLBACK;
