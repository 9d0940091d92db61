--
-- Indices of clusters on real data: scikit-learn 1.2.1 on true labels and on those of k-means, the R
-- package clusterCrit 1.3.0 on its own data, and pairs of labels in small.
--
-- Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/reference/indices_true_labels.csv', true)).size IS NOT NULL
       AND (pg_stat_file(:'data' || '/data/bench/other_iris.csv.gz', true)).size IS NOT NULL AS have_data \gset
\if :have_data

CREATE FUNCTION pg_temp.near(a double precision, b double precision) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= 1e-9 * greatest(1, abs(b)), false) $$;

-- ---- true labels ----
CREATE TEMP TABLE true_labels (data text, n bigint, k integer, silhouette float8, davies_bouldin float8, calinski_harabasz float8)
    ON COMMIT DROP;
SELECT format('COPY true_labels FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/indices_true_labels.csv') AS copy \gset
:copy;

-- A file of coordinates x1, x2, ... and a label as a labelled set, scaled to deviations of 1 or not.
CREATE FUNCTION pg_temp.load(file text, d integer, zscore boolean) RETURNS feature_set LANGUAGE plpgsql AS $$
DECLARE
    result feature_set;
BEGIN
    EXECUTE format('CREATE TEMP TABLE loaded (%s, label integer) ON COMMIT DROP',
                   (SELECT string_agg(format('x%s float8', i), ', ' ORDER BY i) FROM generate_series(1, d) AS i));
    EXECUTE format('COPY loaded FROM PROGRAM %L WITH (FORMAT csv, HEADER)', format('gzip -dc %s', quote_literal(file)));
    EXECUTE format('SELECT feature_set(label, %s) FROM loaded, (SELECT %s FROM loaded) AS s',
                   (SELECT string_agg(CASE WHEN zscore THEN format('(x%1$s - m%1$s) / s%1$s', i) ELSE format('x%s', i) END, ', ' ORDER BY i)
                    FROM generate_series(1, d) AS i),
                   (SELECT string_agg(format('avg(x%1$s) AS m%1$s, stddev_pop(x%1$s) AS s%1$s', i), ', ' ORDER BY i)
                    FROM generate_series(1, d) AS i)) INTO result;
    DROP TABLE loaded;
    RETURN result;
END $$;
CREATE TEMP TABLE place (data text, file text, d integer) ON COMMIT DROP;
INSERT INTO place VALUES ('iris', 'other_iris', 4), ('wine', 'uci_wine', 13), ('breast_cancer', 'uci_wdbc', 30),
    ('bench fcps_hepta', 'fcps_hepta', 3), ('bench fcps_lsun', 'fcps_lsun', 2),
    ('bench fcps_tetra', 'fcps_tetra', 3), ('bench fcps_wingnut', 'fcps_wingnut', 2),
    ('bench fcps_twodiamonds', 'fcps_twodiamonds', 2), ('bench sipu_r15', 'sipu_r15', 2),
    ('bench sipu_a1', 'sipu_a1', 2), ('bench sipu_s1', 'sipu_s1', 2), ('bench sipu_s2', 'sipu_s2', 2);
CREATE TEMP TABLE loaded_set ON COMMIT DROP AS
SELECT t.*, pg_temp.load(format('%s/data/bench/%s.csv.gz', :'data', file), d, t.data LIKE '%z-score%') AS s
FROM true_labels AS t JOIN place AS p ON p.data = regexp_replace(t.data, ' \(z-score.*', '');
SELECT is((SELECT count(*) FROM loaded_set), 15::bigint, '15 sets with true labels');
SELECT is((SELECT count(*) FROM loaded_set AS l, LATERAL (SELECT count(*) AS k, sum(rows) AS n FROM cluster_quality(s)) AS q
           WHERE (q.k, q.n) = (l.k, l.n)), 15::bigint, 'with the rows and labels they should have');
SELECT ok(pg_temp.near(silhouette(s), l.silhouette) AND pg_temp.near(davies_bouldin(s), l.davies_bouldin)
          AND pg_temp.near(calinski_harabasz(s), l.calinski_harabasz),
          'silhouette, Davies-Bouldin and Calinski-Harabasz of ' || data) FROM loaded_set AS l;

-- ---- the best known k-means partitions ----
CREATE TEMP TABLE best_known (data text, n integer, d integer, k integer, inertia float8, sizes text,
                              silhouette float8, davies_bouldin float8, calinski_harabasz float8, total_ss float8,
                              ari float8, nmi_arith float8, ami float8, homogeneity float8, completeness float8, fmi float8) ON COMMIT DROP;
SELECT format('COPY best_known FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/kmeans_reference.csv') AS copy \gset
:copy;
-- Rows labelled by k-means, and pairs of that label and the true one.
CREATE FUNCTION pg_temp.cluster(truth feature_set, d integer, k integer, OUT s feature_set, OUT pairs feature_set) LANGUAGE plpgsql AS $$
DECLARE
    features text := (SELECT string_agg(format('x[%s]::float8', i), ', ' ORDER BY i) FROM generate_series(2, d + 1) AS i);
BEGIN
    EXECUTE format('WITH r AS (SELECT row_features AS x FROM feature_rows($1), generate_series(1, copies)), '
                   'm AS MATERIALIZED (SELECT kmeans(feature_set(%1$s), k => $2, scale => ''none'') AS model FROM r), '
                   'l AS (SELECT assign_segment_id(model, %1$s) AS label, x FROM r, m) '
                   'SELECT feature_set(label, %1$s), feature_set(x[1]::float8, label) FROM l',
                   features) INTO s, pairs USING truth, k;
END $$;
CREATE TEMP TABLE clustered ON COMMIT DROP AS
SELECT b.*, c.s, c.pairs FROM loaded_set AS l JOIN best_known AS b USING (data), LATERAL pg_temp.cluster(l.s, b.d, b.k) AS c;
SELECT is((SELECT count(*) FROM clustered), 25::bigint, 'best known partitions with true labels');
-- three are better than the best that was known: other partitions, with other indices
SELECT is((SELECT count(*) FROM clustered WHERE inertia(s) < inertia * (1 - 1e-6)), 3::bigint, 'three are bettered');
SELECT ok(pg_temp.near(inertia(s), inertia) AND pg_temp.near(silhouette(s), silhouette)
          AND pg_temp.near(davies_bouldin(s), davies_bouldin) AND pg_temp.near(calinski_harabasz(s), calinski_harabasz)
          AND pg_temp.near(adjusted_rand_index(pairs), ari) AND pg_temp.near(normalized_mutual_information(pairs), nmi_arith),
          format('inertia and all indices of k-means on %s, k = %s', data, k))
FROM clustered WHERE NOT inertia(s) < inertia * (1 - 1e-6);

-- ---- clusterCrit ----
CREATE TEMP TABLE trajectory (x float8, y float8, p2 integer, p3 integer, p4 integer, p5 integer, p6 integer, p7 integer) ON COMMIT DROP;
SELECT format('COPY trajectory FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/clustercrit_traj_400_4.csv') AS copy \gset
:copy;
CREATE TEMP TABLE internal (data text, index text, value float8, clustercrit text, agree text) ON COMMIT DROP;
SELECT format('COPY internal FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/internal_indices.csv') AS copy \gset
:copy;
CREATE TEMP TABLE partition ON COMMIT DROP AS
SELECT p, feature_set((to_jsonb(t) ->> p)::float8, x, y) AS s FROM unnest('{p2,p3,p4,p5,p6,p7}'::text[]) AS p, trajectory AS t GROUP BY 1;
CREATE TEMP TABLE internal_value ON COMMIT DROP AS
SELECT 'clustercrit_traj_400_4 ' || p AS data, v.*
FROM partition, LATERAL (SELECT avg(spread ^ 2) AS ball_hall, avg(silhouette) AS mean_of_means, sum(inertia) AS trace_w
                         FROM cluster_quality(s)) AS q,
    LATERAL (VALUES ('calinski_harabasz', calinski_harabasz(s)), ('davies_bouldin', davies_bouldin(s)),
                    ('silhouette (mean over points)', silhouette(s)), ('trace_w', inertia(s)),
                    ('trace_w', trace_w), ('ball_hall', ball_hall),
                    ('silhouette (mean of cluster means)', mean_of_means)) AS v (index, ours);
SELECT is((SELECT count(*) FROM internal_value JOIN internal USING (data, index)), 42::bigint, 'figures of clusterCrit');
SELECT is_empty($$ SELECT data, index, ours, value FROM internal_value JOIN internal USING (data, index)
                   WHERE NOT pg_temp.near(ours, value) $$, 'all the same');

-- ---- pairs of labels ----
CREATE TEMP TABLE toy (truth text, pred text, rand float8, ari float8, mi_nats float8, nmi_arith float8, nmi_max float8, nmi_min float8,
                       nmi_geo float8, ami float8, homogeneity float8, completeness float8, v float8, fmi float8) ON COMMIT DROP;
SELECT format('COPY toy FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/external_indices_toy.csv') AS copy \gset
:copy;
SELECT is((SELECT count(*) FROM toy), 7::bigint, 'seven pairs of labelings');
SELECT is_empty($$
    SELECT t.*, o.* FROM toy AS t, LATERAL (SELECT adjusted_rand_index(a, b) AS ours_ari, normalized_mutual_information(a, b) AS ours_nmi,
                                                   adjusted_rand_index(a::integer, b::integer) AS ari_integer
                                            FROM unnest(string_to_array(truth, NULL), string_to_array(pred, NULL)) AS u (a, b)) AS o
    WHERE NOT (pg_temp.near(ours_ari, ari) AND pg_temp.near(ours_nmi, nmi_arith) AND ari_integer = ours_ari)
$$, 'adjusted Rand index and normalized mutual information of each');

\else
SELECT skip('reference figures of clusters are not there (SEGMENT_TEST_DATA)', 20);
\endif
SELECT * FROM finish();
ROLLBACK;
