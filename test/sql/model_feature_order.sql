-- Models do not depend on the order of features, nor on features that are the same everywhere (law 3).
CREATE SCHEMA feature_order;
SET search_path = feature_order, segment;
SET client_min_messages = warning;
CREATE TABLE customer AS
SELECT sin(i * 12.9898) * 3 + i % 7 AS a, cos(i * 78.233) * 3 + i % 5 * 2 AS b, exp(sin(i * 37.719) * 2) AS c, i % 3 AS d,
    chr(97 + i % 4) AS e, chr(97 + i % 11 % 5) AS f, 7.5::float8 AS same, 'x' AS same_word, 0.25 + i % 4 / 3.0 AS w
FROM generate_series(1, 2000) AS i;
-- the same rows in two orders of features, and with features that say nothing
CREATE TABLE rows AS
SELECT (SELECT feature_set(t) FROM (SELECT a, b, c, d FROM customer) AS t) AS one,
    (SELECT feature_set(t) FROM (SELECT d, b, a, c FROM customer) AS t) AS two,
    (SELECT feature_set(t) FROM (SELECT same, d, b, a, c, same + 1 AS same_2 FROM customer) AS t) AS more,
    (SELECT feature_set(t) FROM (SELECT a, b, e, f FROM customer) AS t) AS mixed_one,
    (SELECT feature_set(t) FROM (SELECT f, b, e, a FROM customer) AS t) AS mixed_two,
    (SELECT feature_set(t) FROM (SELECT same_word, f, same, b, e, a FROM customer) AS t) AS mixed_more,
    (SELECT feature_set_weighted(w, a, b, c, d) FROM customer) AS weighted_one,
    (SELECT feature_set_weighted(w, c, d, b, a) FROM customer) AS weighted_two;
CREATE TABLE trained (method text, variant text, model segment_model);
INSERT INTO trained
SELECT m.method, m.variant, m.model
FROM rows, LATERAL (VALUES
    ('kmeans', 'one', kmeans(one, 6)), ('kmeans', 'two', kmeans(two, 6)), ('kmeans', 'more', kmeans(more, 6)),
    ('cosine', 'one', kmeans(one, 5, metric => 'cosine')), ('cosine', 'two', kmeans(two, 5, metric => 'cosine')),
    ('unscaled', 'one', kmeans(one, 5, scale => 'none')), ('unscaled', 'two', kmeans(two, 5, scale => 'none')),
    ('unscaled', 'more', kmeans(more, 5, scale => 'none')),
    ('given', 'one', kmeans(one, 2, centroids => '{{0,0,1,0},{5,5,2,1}}')),
    ('given', 'two', kmeans(two, 2, centroids => '{{0,0,0,1},{1,5,5,2}}')),
    ('bisecting', 'one', bisecting_kmeans(one, 6)), ('bisecting', 'two', bisecting_kmeans(two, 6)),
    ('bisecting', 'more', bisecting_kmeans(more, 6)),
    ('mixture', 'one', gaussian_mixture(one, 3)), ('mixture', 'two', gaussian_mixture(two, 3)),
    ('mixture diag', 'one', gaussian_mixture(one, 3, 'diag')), ('mixture diag', 'two', gaussian_mixture(two, 3, 'diag')),
    ('mixture tied', 'one', gaussian_mixture(one, 3, 'tied')), ('mixture tied', 'two', gaussian_mixture(two, 3, 'tied')),
    ('kprototypes', 'one', kprototypes(mixed_one, 5)), ('kprototypes', 'two', kprototypes(mixed_two, 5)),
    ('kprototypes', 'more', kprototypes(mixed_more, 5)),
    ('weighted prototypes', 'one', kprototypes(mixed_one, 5, weights => '{"a": 2, "e": 3}')),
    ('weighted prototypes', 'two', kprototypes(mixed_two, 5, weights => '{"a": 2, "e": 3}'))) AS m (method, variant, model);
-- what each segment is like, feature by feature, to the last bit
WITH c AS (SELECT t.method, t.variant,
               jsonb_object_agg(concat_ws(' ', c.segment_id, c.feature), to_jsonb(c) - '{segment}'::text[]) AS segments
           FROM trained AS t, centroids(t.model) AS c WHERE c.feature NOT LIKE 'same%' GROUP BY 1, 2)
SELECT a.method, b.variant, a.segments = b.segments AS same
FROM c AS a JOIN c AS b ON b.method = a.method WHERE a.variant = 'one' AND b.variant <> 'one' ORDER BY 1, 2;
-- customers are where they were
SELECT count(DISTINCT assign_segment(one.model, a, b, c, d)) AS segments,
    count(*) FILTER (WHERE assign_segment(one.model, a, b, c, d) <> assign_segment(two.model, d, b, a, c)) AS elsewhere
FROM customer, trained AS one, trained AS two
WHERE one.method = 'mixture' AND one.variant = 'one' AND two.method = 'mixture' AND two.variant = 'two';
SELECT model_metrics(kmeans(weighted_one, 6)) = model_metrics(kmeans(weighted_two, 6)) AS weighted_is_same FROM rows;
-- so does what choose_k says
SELECT (SELECT array_agg(k ORDER BY k.k) FROM choose_k(one, k_max => 5, n_references => 2, n_resamples => 2) AS k)
     = (SELECT array_agg(k ORDER BY k.k) FROM choose_k(two, k_max => 5, n_references => 2, n_resamples => 2) AS k) AS choose_k_is_same
FROM rows;
DROP SCHEMA feature_order CASCADE;
