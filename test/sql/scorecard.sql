-- segment_scorecard: bad segmentations are flagged, each failure by its name, and good ones are not; figures as plain SQL has them.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA score;
SET search_path = score, segment;
\i test/lib/try.psql
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(a = b OR abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)), a IS NULL AND b IS NULL) $$;
-- customers who buy a lot, now and then, and rarely, each month
CREATE TABLE customer AS
SELECT i AS id, i % 3 AS habit, hash_fraction('luck', i::bigint) AS luck, hash_fraction('x', i::bigint) AS x,
       hash_fraction('y', i::bigint) AS y
FROM generate_series(1, 1200) AS i;
CREATE TABLE orders AS
SELECT id AS customer, at + id % 27 * interval '1 day' AS at,
       (ARRAY[200, 60, 20])[1 + habit] * (0.5 + hash_fraction('amount' || at, id::bigint)) AS value
FROM customer, generate_series(timestamptz '2025-01-01', '2025-06-01', '1 month') AS at
WHERE hash_fraction('buys' || at, id::bigint) < (ARRAY[0.9, 0.6, 0.4])[1 + habit];
CREATE TABLE consent AS SELECT id, channel FROM customer, unnest('{mail,phone}'::text[]) AS channel
WHERE CASE channel WHEN 'mail' THEN habit < 2 AND id % 10 < 8 ELSE id % 10 = 9 AND habit = 0 END;
SELECT create_metric('revenue', 'orders', 'mean'), create_metric('buys', 'SELECT customer, at, true AS value FROM orders', 'rate'),
    create_metric('order value', 'SELECT customer, at, value, 1 AS denominator FROM orders', 'ratio'),
    create_metric('rating', 'SELECT customer, at, CASE WHEN customer % 5 = 0 THEN value END AS value FROM orders', 'mean');
SELECT FROM create_rule_segmentation('good', 'customer', '{"Much": "habit = 0", "Some": "habit = 1"}', rest => 'Rare');
SELECT FROM create_rule_segmentation('random', 'customer', '{"A": "luck < 0.3", "B": "luck < 0.7"}', rest => 'C');
SELECT FROM create_rule_segmentation('three', 'customer', '{"Three": "id <= 3", "Much": "habit = 0"}', rest => 'Others');
SELECT FROM create_rule_segmentation('drawn', 'SELECT id, hash_fraction(as_of()::date::text, id::bigint) AS now FROM customer',
                                     '{"A": "now < 0.5"}', rest => 'B');
SELECT try($$SELECT count(*) FROM segment_scorecard('good', 'revenue')$$);
SELECT n, sum(customers) FROM unnest('{good,random,three,drawn}'::text[]) AS n,
    generate_series(timestamptz '2025-04-01', '2025-06-29', '11 days') AS at, refresh_segmentation(n, at) GROUP BY 1 ORDER BY 1;

SELECT segment, customers, round(value::numeric, 2) AS value, round(detectable_lift::numeric, 3) AS lift, measurable, reachable, channels,
       kept, stability, silhouette, round(explained::numeric, 4) AS explained, round(growth::numeric, 6) AS growth, failed, verdict
FROM segment_scorecard('good', 'revenue', 'consent');
SELECT s, segment, customers, failed, verdict
FROM unnest('{good,random,three,drawn}'::text[]) AS s, segment_scorecard(s, 'revenue') ORDER BY s, segment;
-- nothing else of the three
SELECT value, detectable_lift, measurable, reachable, channels, kept, explained, growth
FROM segment_scorecard('three', 'revenue', 'consent') WHERE segment = 'Three';

SELECT segment, failed FROM segment_scorecard('three', 'revenue', min_customers => 1);

-- ---- figures as plain SQL has them ----
CREATE TABLE done AS
SELECT c.id, c.habit, count(o.value) > 0 AS bought, coalesce(sum(o.value), 0) AS value, count(o.value) AS orders
FROM customer AS c LEFT JOIN orders AS o ON o.customer = c.id AND o.at >= '2025-05-28' AND o.at < '2025-06-28' GROUP BY 1, 2;
CREATE FUNCTION epsilon(rows text, OUT explained float8) LANGUAGE plpgsql AS $$
BEGIN
    -- one less the variance within by the variance of all
    EXECUTE format('SELECT 1 - (sum((v - m) ^ 2) / (count(*) - count(DISTINCT g))) / (sum((v - a) ^ 2) / (count(*) - 1))
                    FROM (SELECT g, v, avg(v) OVER (PARTITION BY g) AS m, avg(v) OVER () AS a
                          FROM (%s) AS r (g, v) WHERE v IS NOT NULL) AS r', rows)
    INTO explained;
END $$;
SELECT metric, count(*) AS segments, bool_and(near(s.value, w.value)) AS value, bool_and(near(s.explained, e.explained)) AS explained,
       bool_and(near(s.detectable_lift, detectable_lift(w.o, 200, 200))) AS lift
FROM (SELECT 'revenue' AS metric, habit, avg(value) AS value, outcome(value) AS o, 'SELECT habit, value FROM done' AS rows
      FROM done GROUP BY habit
      UNION ALL SELECT 'buys', habit, avg(bought::int), outcome(bought), 'SELECT habit, bought::int FROM done' FROM done GROUP BY habit
      UNION ALL SELECT 'order value', habit, sum(value) / sum(orders), outcome_ratio(value, orders),
                       'SELECT habit, value / nullif(orders, 0) FROM done' FROM done GROUP BY habit) AS w
CROSS JOIN epsilon(w.rows) AS e
JOIN (VALUES (0, 'Much'), (1, 'Some'), (2, 'Rare')) AS n (habit, segment) USING (habit)
CROSS JOIN LATERAL (SELECT * FROM segment_scorecard('good', w.metric) AS s WHERE s.segment = n.segment) AS s GROUP BY 1 ORDER BY 1;
SELECT segment, measurable, failed, verdict FROM segment_scorecard('good', 'rating');
-- who was kept, of the run before
SELECT s.segment, s.kept = round(k.kept, 6) AS kept FROM segment_scorecard('drawn', 'revenue') AS s
JOIN (SELECT b.segment, avg((n.segment_id IS NOT NULL)::int) AS kept FROM segment_members('drawn', '2025-06-17') AS b
      LEFT JOIN segment_members('drawn', '2025-06-28') AS n USING (customer, segment_id) GROUP BY 1) AS k USING (segment) ORDER BY 1;
-- shares of a few, and of all but a few, are not told
SELECT channel, segment_internal.guarded_share(n, 100, 10)
FROM (VALUES ('none', 0), ('few', 9), ('some', 10), ('most', 90), ('nearly', 91), ('all', 100)) AS v (channel, n);
-- a period of who was there before it began: they stay where they were
SELECT FROM create_rule_segmentation('moved', '
    SELECT id, CASE WHEN as_of() < ''2025-06-10'' THEN habit ELSE (habit + 1) % 3 END AS habit FROM customer',
    '{"Much": "habit = 0", "Some": "habit = 1"}', rest => 'Rare');
SELECT count(*) FROM generate_series(timestamptz '2025-05-01', '2025-06-20', '50 days') AS at, refresh_segmentation('moved', at);
SELECT s.segment, near(s.value, w.value) AS as_at_the_beginning, kept FROM segment_scorecard('moved', 'revenue') AS s
JOIN (SELECT (ARRAY['Much', 'Some', 'Rare'])[1 + habit] AS segment, avg(value) AS value
      FROM (SELECT c.id, c.habit, coalesce(sum(o.value), 0) AS value FROM customer AS c
            LEFT JOIN orders AS o ON o.customer = c.id AND o.at >= '2025-05-20' AND o.at < '2025-06-20' GROUP BY 1, 2) AS d GROUP BY 1) AS w
      USING (segment) ORDER BY 1;

-- ---- clusterings ----
CREATE TABLE habit AS
SELECT c.id, 100.0 * (2 - c.habit) + 20 * c.x AS spend, 50.0 * c.habit + 10 * c.y AS pause, c.x, c.y FROM customer AS c;
SELECT FROM create_cluster_segmentation('apart', 'habit', k => 3, features => '{spend,pause}');
SELECT FROM create_cluster_segmentation('smeared', '
    SELECT id, sqrt(-2 * ln(1 - x)) * cos(6.283185 * y) AS a, sqrt(-2 * ln(1 - x)) * sin(6.283185 * y) AS b
    FROM habit WHERE id <= 150', k => 9, options => '{"n_init": 1}');
SELECT outcome FROM refresh_segmentation('apart', '2025-06-28');
SELECT outcome FROM refresh_segmentation('smeared', '2025-06-28');
SELECT count(*), min(round(stability::numeric, 2)) AS stability, min(silhouette) > 0.8 AS apart, min(failed) AS failed,
       min(verdict) AS verdict
FROM segment_scorecard('apart', 'buys');
SELECT count(*) AS segments, count(*) FILTER (WHERE 'stable' = ANY (failed)) AS unstable, min(stability) < 0.65 AS low,
       count(*) FILTER (WHERE verdict LIKE '%not stable: parts of the customers give other segments (adjusted Rand index 0.%') AS told,
       count(*) FILTER (WHERE failed = '{size}') AS small
FROM segment_scorecard('smeared', 'buys');
SELECT count(stability) FROM segment_scorecard('smeared', 'buys', resamples => 0);
SELECT s.stability = stability(f, get_model('smeared')) AS same FROM (SELECT feature_set(a, b) AS f FROM smeared_segments) AS f,
    segment_scorecard('smeared', 'buys') AS s LIMIT 1;
-- shrinking
SELECT FROM create_rule_segmentation('lost', 'SELECT id, extract(month FROM as_of()) AS month FROM customer',
                                     '{"Leaving": "id < 800 - 100 * month"}', rest => 'Others');
SELECT count(*) FROM generate_series(timestamptz '2025-02-28', '2025-06-28', '30 days') AS at, refresh_segmentation('lost', at);
SELECT segment, round(growth::numeric, 3) AS growth, 'growing' = ANY (failed) AS fails FROM segment_scorecard('lost', 'revenue');

-- ---- errors ----
SELECT try($$SELECT count(*) FROM segment_scorecard('none', 'revenue')$$);
SELECT try($$SELECT count(*) FROM segment_scorecard('good', 'profit')$$);
SELECT try($$SELECT count(*) FROM segment_scorecard('good', 'revenue', min_customers => 0)$$);
SELECT try($$SELECT count(*) FROM segment_scorecard('good', 'revenue', resamples => -1)$$);
SELECT try($$SELECT count(*) FROM segment_scorecard('good', 'revenue', 'SELECT id::text, channel FROM consent')$$);
SELECT FROM create_metric('by name', 'SELECT customer::text, at, value FROM orders', 'mean');
SELECT try($$SELECT count(*) FROM segment_scorecard('good', 'by name')$$);
SELECT drop_segmentation(n) FROM unnest('{good,random,three,drawn,moved,apart,smeared,lost}'::text[]) AS n;
SELECT drop_metric(n) FROM unnest('{revenue,buys,order value,rating,by name}'::text[]) AS n;
SET client_min_messages = error;
DROP SCHEMA score CASCADE;
