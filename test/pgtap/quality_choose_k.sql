--
-- choose_k() and stability(): figures against definitions in SQL, published figures, and the
-- functions they repeat; which k is recommended, and why.
--
\ir ../lib/pgtap_begin.psql

CREATE FUNCTION pg_temp.near(a double precision, b double precision) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(abs(a - b) <= 1e-9 * greatest(1, abs(b)), a IS NULL AND b IS NULL) $$;

-- Four groups at the corners of a rectangle, the long side in thousands.
CREATE TEMP TABLE shop ON COMMIT DROP AS
SELECT i AS id, i % 2 * 5 + sin(i * 12.9898) AS a, 1000 * (i / 2 % 2 * 4 + cos(i * 78.233)) AS b, 1 + i % 3 AS w
FROM generate_series(1, 160) AS i;
CREATE TEMP TABLE sets ON COMMIT DROP AS SELECT feature_set(s) AS f FROM (SELECT a, b FROM shop) AS s;
CREATE TEMP TABLE chosen ON COMMIT DROP AS SELECT c.* FROM sets, choose_k(f, 1, 7) AS c;

-- ---- the same as the functions of single models ----
SELECT is((SELECT array_agg(k) FROM chosen), ARRAY[1, 2, 3, 4, 5, 6, 7], 'a row for each k, in order');
SELECT ok(pg_temp.near(c.inertia, (model_metrics(kmeans(f, k)) ->> 'inertia')::float8), 'inertia of kmeans(), k = ' || k)
FROM chosen AS c, sets;
SELECT ok(pg_temp.near(c.silhouette, silhouette(f, kmeans(f, k))) AND pg_temp.near(c.davies_bouldin, davies_bouldin(f, kmeans(f, k)))
          AND pg_temp.near(c.calinski_harabasz, calinski_harabasz(f, kmeans(f, k))),
          'indices of its segments, k = ' || k) FROM chosen AS c, sets;
SELECT ok((c.silhouette, c.davies_bouldin, c.calinski_harabasz, c.stability) IS NULL, 'none of one segment') FROM chosen AS c WHERE k = 1;

-- ---- BIC by its definition, from segment sizes and inertia ----
SELECT ok(pg_temp.near(c.bic, k * 3 * ln(160) - 2 * ((SELECT sum(rows * ln(rows / 160.0)) FROM cluster_quality(f, kmeans(f, k)))
              - 160 * ln(2 * pi() * c.inertia / (2 * (160 - k))) - (160 - k))), 'BIC, k = ' || k) FROM chosen AS c, sets;

-- ---- gap: the data's part is exact, the references' close to what other draws give ----
-- the same statistic with uniform draws by a hash of md5
CREATE TEMP TABLE drawn ON COMMIT DROP AS
SELECT k, avg(log_w) AS mean, stddev_pop(log_w) * sqrt(1 + 1 / 40.0) AS error
FROM (SELECT r, feature_set(('x' || left(md5(r || 'x' || i), 8))::bit(32)::int8 / 4294967296.0
                            * (SELECT (max(a) - min(a)) / stddev_pop(a) FROM shop),
                            ('x' || left(md5(r || 'y' || i), 8))::bit(32)::int8 / 4294967296.0
                            * (SELECT (max(b) - min(b)) / stddev_pop(b) FROM shop)) AS s
      FROM generate_series(1, 40) AS r, generate_series(1, 160) AS i GROUP BY r) AS g,
     generate_series(1, 5) AS k, LATERAL (SELECT ln((model_metrics(kmeans(s, k, scale => 'none')) ->> 'inertia')::float8) AS log_w) AS w
GROUP BY k;
SELECT ok(abs(c.gap - (d.mean - ln(c.inertia))) < 3 * (d.error + c.gap_se) / sqrt(20), 'gap, k = ' || k) FROM chosen AS c
JOIN drawn AS d USING (k);
SELECT ok(c.gap_se BETWEEN d.error / 2 AND d.error * 2, 'its error, k = ' || k) FROM chosen AS c JOIN drawn AS d USING (k);
SELECT isnt(c.gap, d.gap, 'another seed, other references') FROM sets, choose_k(f, 4, 4) AS c, choose_k(f, 4, 4, seed => 2) AS d;
SELECT ok((c.gap, c.gap_se) IS NULL AND c.stability IS NOT NULL, 'no references, no gap')
FROM sets, choose_k(f, 4, 4, n_references => 0) AS c;
SELECT ok(c.gap IS NOT NULL AND c.stability IS NULL, 'no resamples, no stability') FROM sets, choose_k(f, 4, 4, n_resamples => 0) AS c;
SELECT ok((c.gap, c.bic) IS NULL AND c.silhouette IS NOT NULL, 'no box around directions')
FROM sets, choose_k(f, 4, 4, scale => 'none', metric => 'cosine') AS c;

-- ---- stability ----
SELECT is(c.stability, 1::float8, 'what is plain is found in each sample') FROM chosen AS c WHERE k = 4;
SELECT ok(c.stability < 0.95, 'what is not there is not') FROM chosen AS c WHERE k IN (3, 5);
SELECT is(stability(f, kmeans(f, 4)), 1::float8, 'of a model') FROM sets;
SELECT ok(stability(f, kmeans(f, 6)) BETWEEN 0.3 AND 0.98, 'of one with segments that are not there') FROM sets;
SELECT isnt(stability(f, kmeans(f, 6)), stability(f, kmeans(f, 6), seed => 2), 'the seed draws the samples') FROM sets;
SELECT is(stability(f, kmeans(f, 1)), 1::float8, 'of one segment') FROM sets;
SELECT is(stability(f, rename_segment(kmeans(f, 5), 'Segment 1', 'A')), stability(f, kmeans(f, 5)), 'names do not matter') FROM sets;
-- given centroids that cut the corners otherwise: models of resamples do not agree with them
SELECT ok(stability(f, kmeans(f, 2, max_iter => 1, n_init => 1, centroids => '{{2,2000},{2.1,2100}}')) < 0.9, 'of a model that lies across')
FROM sets;
-- chance level, by labels against independent ones: near 0 for points without structure in many segments
SELECT ok(stability(u, kmeans(u, 2)) < 0.9, 'of uniform rows')
FROM (SELECT feature_set(cos(r), sin(r)) AS u FROM (SELECT i * pi() / 100 AS r FROM generate_series(1, 200) AS i) AS s) AS t;
SELECT is(stability(x, kmeans(x, 3)), stability(y, kmeans(y, 3)), 'the order of rows does not matter, nor how sets were merged')
FROM (SELECT (SELECT feature_set(round(a), round(b / 500) ORDER BY id) FROM shop) AS x,
             (SELECT feature_set_merge(s)
              FROM (SELECT feature_set(round(a), round(b / 500) ORDER BY -id) AS s FROM shop GROUP BY id % 3) AS t) AS y) AS t;
SELECT is(stability(x, m), stability(y, m), 'weights lead training alike when they are equal')
FROM (SELECT feature_set(a, b) AS x, feature_set_weighted(2, a, b) AS y FROM shop) AS t, LATERAL (SELECT kmeans(x, 4) AS m) AS k;

-- ---- mixtures ----
CREATE TEMP TABLE mixed ON COMMIT DROP AS SELECT covariance, c.*, m.model FROM sets, unnest('{full,spherical}'::text[]) AS covariance,
    choose_k(f, 1, 5, 'gaussian_mixture', criterion => 'bic', covariance => covariance) AS c,
    LATERAL (SELECT gaussian_mixture(f, c.k, covariance => covariance) AS model) AS m;
SELECT ok(pg_temp.near(c.bic, (model_metrics(model) ->> 'bic')::float8), format('BIC of the mixture, %s, k = %s', covariance, k))
FROM mixed AS c;
SELECT ok(pg_temp.near(c.silhouette, silhouette(f, model)) AND pg_temp.near(c.davies_bouldin, davies_bouldin(f, model))
          AND pg_temp.near(c.inertia, (SELECT sum(inertia) FROM cluster_quality(f, model))),
          format('and its segments, %s, k = %s', covariance, k)) FROM mixed AS c, sets;
SELECT ok(gap IS NULL AND (stability IS NULL) = (k = 1), 'no gap, but stability, ' || k) FROM mixed;
SELECT is(stability, 1::float8, 'what is plain is found in each sample') FROM mixed WHERE k = 4 AND covariance = 'spherical';
SELECT is((SELECT k FROM mixed WHERE recommended AND covariance = 'spherical'), 4, 'four by BIC, spherical');
-- with covariances of their own, enough starts find five components that are likelier by more than their parameters cost
SELECT is((SELECT k FROM mixed WHERE recommended AND covariance = 'full'),
          (SELECT k FROM mixed WHERE covariance = 'full' ORDER BY bic LIMIT 1), 'the least BIC, full');
SELECT throws_ok('SELECT choose_k(f, method => ''gaussian_mixture'', metric => ''cosine'') FROM sets', '22023',
                 'metric must be "euclidean" with method "gaussian_mixture", not "cosine"');
SELECT throws_ok('SELECT choose_k(f, method => ''gaussian_mixture'', covariance => ''round'') FROM sets',
                 '22023', NULL, 'no such covariance');

-- ---- hierarchies: one training, cut at each k, is the model of each k ----
CREATE TEMP TABLE cut ON COMMIT DROP AS SELECT c.*, m.model
FROM sets, choose_k(f, 1, 7, 'bisecting_kmeans') AS c, LATERAL (SELECT bisecting_kmeans(f, c.k) AS model) AS m;
SELECT ok(pg_temp.near(c.inertia, (model_metrics(model) ->> 'inertia')::float8), 'inertia of bisecting_kmeans(), k = ' || k) FROM cut AS c;
SELECT ok(pg_temp.near(c.silhouette, silhouette(f, model)) AND pg_temp.near(c.davies_bouldin, davies_bouldin(f, model))
          AND pg_temp.near(c.calinski_harabasz, calinski_harabasz(f, model)), 'indices of its segments, k = ' || k)
FROM cut AS c, sets;
SELECT ok(pg_temp.near(c.bic, k * 3 * ln(160) - 2 * ((SELECT sum(rows * ln(rows / 160.0)) FROM cluster_quality(f, model))
              - 160 * ln(2 * pi() * c.inertia / (2 * (160 - k))) - (160 - k))), 'BIC, k = ' || k) FROM cut AS c, sets;
-- one segment is the same by either method, and so are two, which k-means makes here as there
SELECT ok(pg_temp.near(c.gap, d.gap) AND pg_temp.near(c.gap_se, d.gap_se), 'gap of one segment as of kmeans') FROM cut AS c
JOIN chosen AS d USING (k) WHERE k = 1;
SELECT ok(abs(c.gap - d.gap) < 0.01, 'gap of two segments as of kmeans, but for starts') FROM cut AS c JOIN chosen AS d USING (k)
WHERE k = 2;
-- more by other draws: the references are divided by hierarchies, too
CREATE TEMP TABLE drawn_cut ON COMMIT DROP AS
SELECT k, avg(log_w) AS mean, stddev_pop(log_w) * sqrt(1 + 1 / 40.0) AS error
FROM (SELECT r, feature_set(('x' || left(md5(r || 'x' || i), 8))::bit(32)::int8 / 4294967296.0
                            * (SELECT (max(a) - min(a)) / stddev_pop(a) FROM shop),
                            ('x' || left(md5(r || 'y' || i), 8))::bit(32)::int8 / 4294967296.0
                            * (SELECT (max(b) - min(b)) / stddev_pop(b) FROM shop)) AS s
      FROM generate_series(1, 40) AS r, generate_series(1, 160) AS i GROUP BY r) AS g,
     LATERAL (SELECT bisecting_kmeans(s, 7, scale => 'none') AS whole) AS h, generate_series(1, 7) AS k,
     LATERAL (SELECT ln((model_metrics(cut_model(whole, k)) ->> 'inertia')::float8) AS log_w) AS w
GROUP BY k;
SELECT ok(abs(c.gap - (d.mean - ln(c.inertia))) < 3 * (d.error + c.gap_se) / sqrt(20), 'gap of hierarchies, k = ' || k) FROM cut AS c
JOIN drawn_cut AS d USING (k);
SELECT is(c.stability, 1::float8, 'four by a hierarchy are found in each sample') FROM cut AS c WHERE k = 4;
SELECT ok((SELECT stability FROM cut WHERE k = 6) < 0.98, 'six are not');
SELECT is((SELECT array_agg(k) FROM cut WHERE recommended), ARRAY[4], 'four recommended');
SELECT is((SELECT array_agg(k) FROM choose_k(f, 3, 5, 'bisecting_kmeans')), ARRAY[3, 4, 5], 'from any k on') FROM sets;
SELECT is((SELECT array_agg(c.silhouette ORDER BY k) FROM choose_k(f, 3, 5, 'bisecting_kmeans') AS c),
          (SELECT array_agg(silhouette ORDER BY k) FROM cut WHERE k BETWEEN 3 AND 5), 'with the same figures') FROM sets;
SELECT ok((c.gap, c.bic) IS NULL AND c.silhouette IS NOT NULL AND c.stability IS NOT NULL, 'directions in a hierarchy')
FROM sets, choose_k(f, 4, 4, 'bisecting_kmeans', scale => 'none', metric => 'cosine') AS c;

-- ---- categories ----
CREATE TEMP TABLE shopper ON COMMIT DROP AS
SELECT i AS id, i % 3 * 4 + sin(i * 12.9898) AS spend, (ARRAY['shop', 'web', 'phone'])[i % 3 + 1] AS channel, i % 7 = 0
       OR i % 3 = 1 AS letters FROM generate_series(1, 120) AS i;
CREATE TEMP TABLE sorts ON COMMIT DROP AS SELECT feature_set(s) AS f FROM (SELECT spend, channel, letters FROM shopper) AS s;
CREATE TEMP TABLE mixed_k ON COMMIT DROP AS
SELECT g.gamma, w.weights, c.*, m.model
FROM sorts, unnest('{NULL,0.3}'::float8[]) AS g(gamma), (VALUES (NULL::jsonb), ('{"letters": 2.5}')) AS w(weights),
     choose_k(f, 1, 5, 'kprototypes', gamma => g.gamma, weights => w.weights) AS c,
     LATERAL (SELECT kprototypes(f, c.k, gamma => g.gamma, weights => w.weights) AS model) AS m;
SELECT ok(pg_temp.near(inertia, (model_metrics(model) ->> 'cost')::float8),
          format('inertia is the cost, gamma %s, %s, k = %s', gamma, weights, k)) FROM mixed_k;
SELECT ok((davies_bouldin, calinski_harabasz, gap, gap_se, bic) IS NULL, 'what takes means or a box is not there') FROM mixed_k;
SELECT ok(pg_temp.near(c.silhouette, silhouette(f, model)) AND (c.silhouette IS NULL) = (k = 1),
          format('silhouette of the model''s segments, gamma %s, %s, k = %s', gamma, weights, k)) FROM mixed_k AS c, sorts;
-- the silhouette by its definition, all rows with all
CREATE TEMP TABLE pairs ON COMMIT DROP AS
SELECT m.gamma, m.weights, m.k, a.id, sa = sb AS own, sb,
       avg(sqrt(((a.spend - b.spend) / d) ^ 2 + g * (CASE WHEN a.channel <> b.channel THEN 1 ELSE 0 END)
                + g * coalesce((m.weights ->> 'letters')::float8, 1) * (CASE WHEN a.letters <> b.letters THEN 1 ELSE 0 END))) AS apart
FROM mixed_k AS m, shopper AS a, shopper AS b, (SELECT stddev_pop(spend) AS d FROM shopper) AS s,
     LATERAL (SELECT coalesce(m.gamma, 0.5) AS g) AS g,
     LATERAL (SELECT assign_segment(m.model, a.spend, a.channel, a.letters) AS sa,
                     assign_segment(m.model, b.spend, b.channel, b.letters) AS sb) AS x
WHERE a.id <> b.id AND m.k > 1 GROUP BY 1, 2, 3, 4, 5, 6;
SELECT ok(abs(m.silhouette - s.silhouette) < 1e-9, format('silhouette by its definition, gamma %s, %s, k = %s', m.gamma, m.weights, m.k))
FROM mixed_k AS m JOIN (SELECT gamma, weights, k, avg(CASE WHEN a IS NULL THEN 0 ELSE (b - a) / greatest(a, b) END) AS silhouette
                        FROM (SELECT gamma, weights, k, id, min(apart) FILTER (WHERE own) AS a, min(apart) FILTER (WHERE NOT own) AS b
                              FROM pairs GROUP BY gamma, weights, k, id) AS r GROUP BY gamma, weights, k) AS s
     ON (m.gamma, m.weights) IS NOT DISTINCT FROM (s.gamma, s.weights) AND m.k = s.k;
SELECT is((SELECT count(DISTINCT (gamma, weights, k)) FROM pairs), 16::bigint, 'of sixteen divisions');
SELECT is((SELECT array_agg(k) FROM mixed_k WHERE recommended AND gamma IS NULL AND weights IS NULL), ARRAY[3], 'three kinds of shoppers');
SELECT is(stability, 1::float8, 'found in each sample') FROM mixed_k WHERE k = 3 AND gamma IS NULL AND weights IS NULL;
-- without categories the cost is the inertia of k-means
SELECT ok(abs(c.inertia - d.inertia) < 1e-9 * d.inertia AND abs(c.silhouette - d.silhouette) < 1e-9, 'numbers alone: as kmeans')
FROM sets, choose_k(f, 4, 4, 'kprototypes') AS c, chosen AS d WHERE d.k = 4;
SELECT ok(c.silhouette > 0.5 AND c.stability IS NOT NULL, 'categories alone')
FROM (SELECT feature_set(s) AS f FROM (SELECT channel FROM shopper) AS s) AS t, choose_k(f, 3, 3, 'kprototypes') AS c;
SELECT is((SELECT array_agg(c::text ORDER BY k) FROM choose_k(x, 2, 5, 'kprototypes') AS c),
          (SELECT array_agg(c::text ORDER BY k) FROM choose_k(y, 2, 5, 'kprototypes') AS c), 'the order of rows does not matter')
FROM (SELECT (SELECT feature_set(s ORDER BY id) FROM shopper AS s) AS x,
             (SELECT feature_set(s ORDER BY md5(id::text)) FROM shopper AS s) AS y) AS t;
SELECT is((SELECT array_agg(c::text ORDER BY k) FROM choose_k(x, 2, 5, method) AS c),
          (SELECT array_agg(c::text ORDER BY k) FROM choose_k(y, 2, 5, method) AS c), 'nor with ' || method)
FROM (SELECT feature_set(a, b ORDER BY id) AS x, feature_set(a, b ORDER BY md5(id::text)) AS y FROM shop) AS t,
     unnest('{bisecting_kmeans,gaussian_mixture}'::text[]) AS method;
SELECT throws_ok('SELECT choose_k(f, method => ''kprototypes'', metric => ''cosine'') FROM sets', '22023',
                 'metric must be "euclidean" with method "kprototypes", not "cosine"');
SELECT throws_ok('SELECT choose_k(f, method => ''kprototypes'', tol => 0.1) FROM sets', '22023', 'method "kprototypes" takes no tol');
SELECT throws_ok('SELECT choose_k(f, gamma => 0.1) FROM sets', '22023', 'method "kmeans" takes no gamma');
SELECT throws_ok('SELECT choose_k(f, method => ''kprototypes'', gamma => -1) FROM sorts', '22023', NULL, 'no negative gamma');
SELECT throws_ok('SELECT choose_k(f, method => ''bisecting_kmeans'') FROM sorts', '42804',
                 'method "bisecting_kmeans" needs numeric features, but 2 of 3 are categories');

-- ---- stability of models of every kind ----
CREATE TEMP TABLE kinds ON COMMIT DROP AS
SELECT 'kmeans' AS kind, f, kmeans(f, 4) AS four, kmeans(f, 7) AS seven FROM sets
UNION ALL SELECT 'kmeans, cosine', f, kmeans(f, 4, scale => 'minmax', metric => 'cosine'),
    kmeans(f, 7, scale => 'minmax', metric => 'cosine')
FROM (SELECT feature_set(sin(i % 4 + cos(i) / 9), cos(i % 4 + cos(i) / 9)) AS f FROM generate_series(1, 200) AS i) AS t
UNION ALL SELECT 'bisecting_kmeans', f, bisecting_kmeans(f, 4), bisecting_kmeans(f, 7) FROM sets
UNION ALL SELECT 'gaussian_mixture', f, gaussian_mixture(f, 4, 'spherical'), gaussian_mixture(f, 7, 'spherical') FROM sets
UNION ALL SELECT 'kprototypes', feature_set(s), kprototypes(feature_set(s), 4, n_init => 3), kprototypes(feature_set(s), 7, n_init => 3)
FROM (SELECT a, b, CASE WHEN id % 2 = 0 THEN 'even' ELSE 'odd' END AS parity FROM shop) AS s;
SELECT ok(stability(f, four) > CASE kind WHEN 'kmeans, cosine' THEN 0.5 ELSE 0.999 END, 'what is plain is found again, ' || kind)
FROM kinds;
SELECT ok(stability(f, seven) BETWEEN 0.2 AND 0.97, 'what is not there is not, ' || kind) FROM kinds;
SELECT ok(stability(f, seven) <> stability(f, seven, seed => 2)
          AND stability(f, seven) = stability(f, seven, 20, 1), 'the seed draws the samples, ' || kind) FROM kinds;
SELECT is(stability(f, rename_segment(seven, 'Segment 1', 'A')), stability(f, seven), 'names do not matter, ' || kind) FROM kinds;
SELECT is(stability(y, model), stability(x, model), 'the order of rows does not matter, nor that of features, ' || kind)
FROM (SELECT (SELECT feature_set(s ORDER BY id) FROM shopper AS s) AS x,
             (SELECT feature_set(s ORDER BY md5(id::text)) FROM (SELECT letters, id, channel, spend FROM shopper) AS s) AS y) AS t,
     LATERAL (VALUES ('kprototypes', (SELECT kprototypes(f, 5) FROM sorts)),
                     ('bisecting_kmeans', (SELECT bisecting_kmeans(feature_set(s), 5) FROM (SELECT spend FROM shopper) AS s)),
                     ('gaussian_mixture', (SELECT gaussian_mixture(feature_set(s), 5, 'diag')
                                           FROM (SELECT spend FROM shopper) AS s))) AS m(kind, model);
-- categories that the model has not met are rows like others; labels by the model as by the row function
SELECT ok(stability(f, model) BETWEEN 0.5 AND 0.999 AND silhouette(f, model) BETWEEN 0.2 AND 0.8, 'categories that training did not meet')
FROM (SELECT feature_set(s) AS f FROM (SELECT spend, CASE WHEN id % 5 = 0 THEN 'a ' || id % 3 ELSE channel END AS channel, letters
                                       FROM shopper) AS s) AS t, (SELECT model FROM mixed_k WHERE k = 4 LIMIT 1) AS m;
-- more segments than rows
SELECT is(stability(few, model), 1::float8, 'three rows for seven segments, ' || kind)
FROM (SELECT kind, seven AS model FROM kinds WHERE kind IN ('kmeans', 'bisecting_kmeans', 'gaussian_mixture')) AS k,
     (SELECT feature_set(least(i, 1) * 5, i / 2 * 4000) AS few FROM generate_series(0, 2) AS i) AS t;
SELECT throws_ok('SELECT stability(f, model) FROM sets, (SELECT model FROM mixed_k LIMIT 1) AS m', '42703',
                 'the feature set has no feature "spend", which the model needs');
SELECT throws_ok('SELECT stability((SELECT feature_set(1, 2, 3)), model) FROM (SELECT model FROM mixed_k LIMIT 1) AS m',
                 '42804', 'feature "f2" is a number, expected a category');
SELECT throws_ok('SELECT davies_bouldin(f, model) FROM sorts, (SELECT model FROM mixed_k LIMIT 1) AS m',
                 '42809', 'this figure takes means, and 2 of 3 features of the model are categories');

-- ---- laws ----
SELECT is((SELECT array_agg(c::text ORDER BY k) FROM choose_k(x, 2, 5) AS c),
          (SELECT array_agg(c::text ORDER BY k) FROM choose_k(y, 2, 5) AS c), 'the order of rows does not matter (law 3)')
FROM (SELECT feature_set(a, b ORDER BY id) AS x, feature_set(a, b ORDER BY md5(id::text)) AS y FROM shop) AS t;
SELECT is((SELECT string_agg(k::text || round(silhouette::numeric, 9) || round(gap::numeric, 9)
                             || round(stability::numeric, 9) || recommended, ' ' ORDER BY k) FROM choose_k(x, 2, 5)),
          (SELECT string_agg(k::text || round(silhouette::numeric, 9) || round(gap::numeric, 9) || round(stability::numeric, 9)
                             || recommended, ' ' ORDER BY k) FROM choose_k(y, 2, 5)), 'nor units (law 4)')
FROM (SELECT feature_set(a, b) AS x, feature_set(a * 1024, b / 4096) AS y FROM shop) AS t;
SELECT is((SELECT array_agg(round(inertia::numeric, 6) ORDER BY k) FROM choose_k(x, 2, 4, n_references => 0, n_resamples => 0)),
          (SELECT array_agg(round(inertia::numeric, 6) ORDER BY k)
           FROM choose_k(y, 2, 4, n_references => 0, n_resamples => 0)), 'a row of weight w is w rows')
FROM (SELECT feature_set_weighted(w, a, b) AS x, (SELECT feature_set(a, b) FROM shop, generate_series(1, w)) AS y FROM shop) AS t;

-- ---- the recommendation ----
SELECT is((SELECT array_agg(k) FROM chosen WHERE recommended), ARRAY[4], 'one row is recommended');
SELECT is((SELECT array_agg(c.k) FROM sets, unnest('{silhouette,davies_bouldin,calinski_harabasz,gap,bic,stability}'::text[]) AS criterion,
               choose_k(f, 2, 6, criterion => criterion) AS c WHERE c.recommended AND criterion NOT IN ('bic', 'gap')),
          ARRAY[4, 4, 4, 4], 'by each criterion that looks at all k at once');
-- by the criteria's own words, from the figures
CREATE TEMP TABLE all_chosen ON COMMIT DROP AS
SELECT p.name, criterion, c.*
FROM (VALUES ('corners', (SELECT f FROM sets)), ('ring', (SELECT feature_set(cos(i * pi() / 50), sin(i * pi() / 50) + i % 3)
                                                          FROM generate_series(1, 120) AS i))) AS p(name, f),
     unnest('{silhouette,davies_bouldin,calinski_harabasz,gap,bic,stability}'::text[]) AS criterion,
     choose_k(p.f, 1, 8, criterion => criterion) AS c;
SELECT is(max(k) FILTER (WHERE recommended),
          (array_agg(k ORDER BY CASE criterion WHEN 'silhouette' THEN -silhouette WHEN 'davies_bouldin' THEN davies_bouldin
                                     WHEN 'calinski_harabasz' THEN -calinski_harabasz WHEN 'bic' THEN bic ELSE -stability END NULLS LAST,
                                                CASE WHEN criterion = 'stability' THEN -k ELSE k END))[1], name || ' by ' || criterion)
FROM all_chosen WHERE criterion <> 'gap' GROUP BY name, criterion;
SELECT is(max(k) FILTER (WHERE recommended), coalesce(min(k) FILTER (WHERE fits), 8), name || ' by gap')
FROM (SELECT *, gap >= lead(gap - gap_se) OVER (PARTITION BY name ORDER BY k) AS fits FROM all_chosen WHERE criterion = 'gap') AS g
GROUP BY name;
SELECT is(count(*) FILTER (WHERE recommended), 1::bigint, 'one of them') FROM all_chosen GROUP BY name, criterion;
SELECT matches(
    (SELECT reason FROM chosen WHERE recommended),
    '^largest mean silhouette \(0\.\d\d\); also the choice of Davies-Bouldin, Calinski-Harabasz, BIC, stability; others: gap statistic 2$',
    'the reason');
SELECT ok(reason LIKE 'smallest Davies-Bouldin index%', 'reason of davies_bouldin')
FROM sets, choose_k(f, 2, 6, criterion => 'davies_bouldin') AS c WHERE c.recommended;
SELECT ok(reason LIKE 'most stable from sample to sample (1.00)%', 'reason of stability')
FROM sets, choose_k(f, 2, 6, criterion => 'stability') AS c WHERE c.recommended;
SELECT ok(reason LIKE '%the largest k tried, more may be better%', 'the last k is told to be the last') FROM sets, choose_k(f, 2, 4) AS c
WHERE c.recommended;
SELECT ok(reason LIKE '%which is small: segments hardly stand apart%gap statistic 1 (no division)%', 'no structure is told')
FROM choose_k((SELECT feature_set(sin(i * 12.9898), sin(i * 78.233), sin(i * 39.425), sin(i * 93.989), sin(i * 67.345), sin(i * 45.164))
               FROM generate_series(1, 300) AS i), 2, 3) AS c WHERE c.recommended;
SELECT is((SELECT array_agg(reason) FROM all_chosen WHERE reason LIKE 'choice of%' AND recommended), NULL, 'the recommended row says why');

-- ---- scaling options, nulls, bad input ----
SELECT ok(pg_temp.near(c.inertia, (model_metrics(kmeans(f, 3, scale => 'minmax', log => '{b}', weights => '{"a": 3}',
                                                        winsorize => '0.05')) ->> 'inertia')::float8), 'options are those of kmeans()')
FROM (SELECT feature_set(s) AS f FROM (SELECT a, b FROM shop) AS s) AS t,
     choose_k(f, 3, 3, scale => 'minmax', log => '{b}', weights => '{"a": 3}', winsorize => '0.05') AS c;
SELECT is((SELECT count(*) FROM choose_k(NULL)), 0::bigint, 'no set: no rows');
SELECT is(stability(NULL, NULL), NULL, 'no set: no stability');
SELECT is((SELECT array_agg(k || ' ' || recommended || ' ' || reason) FROM choose_k((SELECT feature_set(1, 2) FROM generate_series(1, 5)))),
          ARRAY['1 true silhouette is not defined for these rows'], 'equal rows: one segment');
SELECT is((SELECT array_agg(k) FROM choose_k((SELECT feature_set(i) FROM generate_series(1, 3) AS i), 2, 12)),
          ARRAY[2, 3], 'as many segments as distinct rows at most');
SELECT is((SELECT array_agg(k) FROM choose_k((SELECT feature_set(i) FROM generate_series(1, 3) AS i), 5, 12)),
          ARRAY[3], 'even where k_min is more');
SELECT is((SELECT array_agg(k) FROM choose_k((SELECT feature_set(i) FROM generate_series(1, 9) AS i), 1, 9)),
          ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9], 'up to a segment for each row');
SELECT ok((gap, gap_se, bic, silhouette) IS NULL AND inertia = 0, 'of which there is nothing to say')
FROM choose_k((SELECT feature_set(i) FROM generate_series(1, 9) AS i), 9, 9);
SELECT ok((gap, gap_se, bic) IS NULL AND inertia = 0, 'also where rows repeat')
FROM choose_k((SELECT feature_set(i % 9) FROM generate_series(1, 90) AS i), 9, 9);
SELECT throws_ok('SELECT choose_k(f, 0) FROM sets', '22023', 'k_min must be at least 1, not 0');
SELECT throws_ok('SELECT choose_k(f, 5, 4) FROM sets', '22023', 'k_max must be at least 5, not 4');
SELECT throws_ok('SELECT choose_k(f, method => ''dbscan'') FROM sets', '22023',
                 'method is "dbscan", expected "kmeans", "bisecting_kmeans", "kprototypes" or "gaussian_mixture"');
SELECT throws_ok('SELECT choose_k(f, criterion => ''elbow'') FROM sets', '22023',
                 'criterion is "elbow", expected "silhouette", "davies_bouldin", "calinski_harabasz", "gap", "bic" or "stability"');
SELECT throws_ok('SELECT choose_k(f, criterion => NULL) FROM sets', '22004', NULL, 'no criterion');
SELECT throws_ok('SELECT choose_k(f, n_references => 1001) FROM sets', '22023', 'n_references must be at most 1000, not 1001');
SELECT throws_ok('SELECT choose_k(f, n_resamples => -1) FROM sets', '22023', 'n_resamples must be at least 0, not -1');
SELECT throws_ok('SELECT stability(f, kmeans(f, 2), 0) FROM sets', '22023', 'n_resamples must be at least 1, not 0');
SELECT throws_ok('SELECT choose_k(feature_set(s)) FROM (SELECT ''x''::text AS t, 1 AS n) AS s', '42804',
                 'method "kmeans" needs numeric features, but 1 of 2 are categories');
SELECT throws_ok('SELECT choose_k(feature_set(NULL::float8)) FROM shop', '02000', 'no row can be used for training');
SELECT throws_ok('SELECT stability(f, rfm_model(f)) FROM (SELECT feature_set(1, 2, 3) AS f) AS s', '42809',
                 'a model of kind "rfm" has no distances between rows');

-- ---- published figures ----
\ir ../lib/test_data.psql
SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/data/ruspini.csv', true)).size IS NOT NULL
       AND (pg_stat_file(:'data' || '/reference/kmeans_reference.csv', true)).size IS NOT NULL AS have_data \gset
\if :have_data
CREATE TEMP TABLE ruspini (x float8, y float8) ON COMMIT DROP;
SELECT format('COPY ruspini FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/data/ruspini.csv') AS copy \gset
:copy;
CREATE TEMP TABLE ruspini_chosen ON COMMIT DROP AS SELECT c.*
FROM choose_k((SELECT feature_set(x, y) FROM ruspini), 1, 8, scale => 'none') AS c;
-- logW of clusGap in R's package cluster 2.1.4, which halves the inertia.  Its k-means, of 25 starts, missed
-- the best division in seven: the inertia here is less.
SELECT ok(CASE WHEN k = 7 THEN ln(c.inertia / 2) < 8.182989 ELSE abs(ln(c.inertia / 2) - log_w) < 5e-7 END, 'Ruspini: log W, k = ' || k)
FROM ruspini_chosen AS c
JOIN unnest('{11.713307,10.707033,10.147678,8.770365,8.529786,8.363507,8.182989,8.031001}'::float8[]) WITH ORDINALITY AS u(log_w, k)
    USING (k);
SELECT is((SELECT array_agg(k) FROM ruspini_chosen WHERE recommended), ARRAY[4], 'Ruspini: 4 segments');
SELECT is((SELECT k FROM choose_k((SELECT feature_set(x, y) FROM ruspini), 1, 8, criterion => 'gap', scale => 'none')
           WHERE recommended), 4, 'Ruspini: 4 by the gap statistic, too');

CREATE TEMP TABLE iris (a float8, b float8, c float8, d float8, species text) ON COMMIT DROP;
SELECT format('COPY iris FROM PROGRAM %L WITH (FORMAT csv, HEADER)',
              'gzip -dc ' || quote_literal(:'data' || '/data/bench/other_iris.csv.gz')) AS copy \gset
:copy;
CREATE TEMP TABLE mall (customer_id integer, gender text, age float8, annual_income_k float8, spending_score float8) ON COMMIT DROP;
SELECT format('COPY mall FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/data/mall_customers.csv') AS copy \gset
:copy;
CREATE TEMP TABLE reference (data text, n integer, d integer, k integer, inertia float8, sizes text,
                             silhouette float8, davies_bouldin float8, calinski_harabasz float8,
                             total_ss float8, ari float8, nmi float8, ami float8, homogeneity float8, completeness float8, fmi float8)
    ON COMMIT DROP;
SELECT format('COPY reference FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/kmeans_reference.csv') AS copy \gset
:copy;
CREATE TEMP TABLE published ON COMMIT DROP AS
SELECT s.data, c.* FROM (VALUES ('iris', 'none', (SELECT feature_set(a, b, c, d) FROM iris)),
                                ('iris (z-score, population sd)', 'zscore', (SELECT feature_set(a, b, c, d) FROM iris)),
                           ('mall income,score', 'none', (SELECT feature_set(annual_income_k, spending_score) FROM mall)),
                           ('mall age,income,score', 'none', (SELECT feature_set(age, annual_income_k, spending_score)
                                                              FROM mall))) AS s(data, scale, f), choose_k(f, 2, 6, scale => scale) AS c;
SELECT ok(pg_temp.near(c.inertia, r.inertia) AND pg_temp.near(c.silhouette, r.silhouette)
          AND pg_temp.near(c.davies_bouldin, r.davies_bouldin) AND pg_temp.near(c.calinski_harabasz, r.calinski_harabasz),
          format('%s: figures of scikit-learn, k = %s', data, k)) FROM published AS c JOIN reference AS r USING (data, k);
SELECT is((SELECT count(*) FROM published JOIN reference USING (data, k)), 17::bigint, 'of 17 divisions');
SELECT is((SELECT string_agg(data || ' ' || k, ', ' ORDER BY data COLLATE "C") FROM published WHERE recommended),
          'iris 2, iris (z-score, population sd) 2, mall age,income,score 6, mall income,score 5', 'the recommended ones');
\else
SELECT skip('published figures: SEGMENT_TEST_DATA is not set or lacks them', 1);
\endif

SELECT * FROM finish();
ROLLBACK;
