-- persona: typical values and traits as plain SQL has them, the latest notes, no value of a single customer.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA card;
SET search_path = card, segment;
\i test/lib/try.psql
CREATE TABLE customer AS
SELECT i AS id, CASE WHEN i <= 4 THEN 'few' WHEN i <= 400 THEN 'best' ELSE 'other' END AS grp,
       1000.123 + i * 7919 % 100003 / 7.0 AS revenue,
       CASE WHEN i <= 400 AND i % 3 > 0 OR i % 10 = 0 THEN 'phone' WHEN i % 7 = 0 THEN 'fax' ELSE 'mail' END AS channel,
       timestamptz '2025-01-01' + i * 7919 % 10007 * interval '53 minutes 7 seconds' AS last_at,
       CASE WHEN i % 400 = 7 THEN 'rare ' || i END AS remark, i % 1000 < 7 AS odd
FROM generate_series(1, 2000) AS i;
SELECT FROM create_rule_segmentation('kind', 'customer', '{"Few": "grp = ''few''", "Best": "grp = ''best''", "Nobody": "id < 0"}',
                                     rest => 'Other', keep => '{revenue,channel,last_at,remark}');
SELECT outcome FROM refresh_segmentation('kind', '2025-12-01');
SELECT FROM note_segment('kind', 'Best', 'purpose', 'keep them');
SELECT FROM note_segment('kind', 'Best', 'need', 'quick answers');
SELECT FROM note_segment('kind', 'Best', 'purpose', 'let them tell others');
SELECT FROM note_segment('kind', 'Few', 'quote', 'we are few');
SELECT segment, customers, customer_share, typical, traits, purpose, need, quote, pain FROM persona('kind');
SELECT jsonb_pretty(card) FROM persona('kind') WHERE segment = 'Best';
-- medians, rounded
SELECT p.segment, (p.typical ->> 'revenue')::numeric = round(m.median::numeric, 2 - floor(log(m.median::numeric))::int) AS median,
       p.typical ->> 'last_at' = m.month AS month
FROM persona('kind') AS p JOIN (SELECT grp, percentile_disc(0.5) WITHIN GROUP (ORDER BY revenue) AS median,
    to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY last_at::date), 'YYYY-MM') AS month
    FROM customer GROUP BY 1) AS m ON m.grp = lower(p.segment)
WHERE segment IN ('Best', 'Other') ORDER BY 1;
-- traits are those of segment_traits
SELECT attribute, value, round(100 * share::numeric, 1) AS here, round(100 * rest_share::numeric, 1) AS elsewhere
FROM segment_traits('SELECT grp, channel FROM customer') WHERE segment = 'best' AND difference > 0 AND p_adjusted < 0.05;
-- no number, time or rare word of anybody in what is told
SELECT count(*) AS told, count(*) FILTER (WHERE p.card::text LIKE '%' || c.revenue::float8::text || '%') AS revenue,
       count(*) FILTER (WHERE p.card::text LIKE '%' || c.last_at::date || '%'
                        AND c.last_at::date <> date_trunc('month', c.last_at)) AS times,
       count(*) FILTER (WHERE p.card::text LIKE '%' || c.remark || '%') AS remarks
FROM persona('kind') AS p, customer AS c;
-- the view is the function
SELECT count(*) AS rows, count(*) FILTER (WHERE f IS NULL) AS differing
FROM (SELECT segment_id, card FROM persona WHERE segmentation = 'kind') AS v
LEFT JOIN persona('kind') AS f USING (segment_id, card);

-- ---- attributes from elsewhere ----
SELECT segment, typical, traits
FROM persona('kind', 'SELECT id, odd, CASE WHEN id % 2 = 0 THEN grp END AS tribe FROM customer WHERE id > 100', top => 1);
SELECT try($$SELECT count(*) FROM persona('kind', 'SELECT id::text, odd FROM customer')$$);
SELECT try($$SELECT count(*) FROM persona('kind', 'SELECT id, odd FROM customer UNION ALL SELECT 5, true')$$);
SELECT try($$SELECT count(*) FROM persona('kind', 'SELECT id FROM customer')$$);
SELECT try($$SELECT count(*) FROM persona('none')$$);
SELECT try($$SELECT count(*) FROM persona('kind', top => -1)$$);
SELECT try($$SELECT count(*) FROM persona('kind', min_customers => 0)$$);

-- ---- other kinds; no facts; before the first refresh ----
CREATE TABLE orders AS
SELECT 1 + i % 100 AS customer_id, timestamptz '2025-01-01' + i * i % 300 * interval '1 day' AS ordered_at, i % 91 AS amount
FROM generate_series(1, 700) AS i;
SELECT FROM create_rfm_segmentation('worth', 'orders'), create_rule_segmentation('bare', 'customer', '{"All": "true"}'),
    create_cluster_segmentation('found', 'SELECT id, revenue, odd FROM customer', k => 2, features => '{revenue}');
SELECT count(*), count(*) FILTER (WHERE typical <> '{}') FROM persona('worth');
SELECT outcome FROM refresh_segmentation('worth', '2025-12-01');
SELECT outcome FROM refresh_segmentation('bare', '2025-12-01');
SELECT outcome FROM refresh_segmentation('found', '2025-12-01');
SELECT (SELECT array_agg(DISTINCT k ORDER BY k) FROM persona('worth'), jsonb_object_keys(typical) AS k) AS rfm,
       (SELECT typical FROM persona('bare')) AS bare,
       (SELECT count(*) FROM persona('found') WHERE cardinality(traits) > 0) AS found;
SELECT segmentation, count(*) FROM persona GROUP BY 1 ORDER BY 1;
SELECT drop_segmentation(n) FROM unnest('{kind,worth,bare,found}'::text[]) AS n;
SET client_min_messages = error;
DROP SCHEMA card CASCADE;
