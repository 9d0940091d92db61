--
-- Templates: rules to begin with, shipped ones and one's own.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
\i test/lib/try.psql

SELECT name, (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(columns) AS k) AS columns, rest, shipped
    FROM rule_template ORDER BY name COLLATE "C";

-- a source that has what all of them ask for
CREATE TABLE orders AS
SELECT (hashint4(i) & 1023) % 300 AS customer_id,
    timestamptz '2026-06-01' - (hashint4(i + 7) & 65535) % 600 * interval '1 day' AS ordered_at,
       (hashint4(i + 9) & 4095) / 100.0 AS amount
FROM generate_series(1, 900) AS i;
CREATE VIEW facts AS
SELECT c AS customer_id, count(customer_id) AS orders, min(ordered_at) AS first_order_at, max(ordered_at) AS last_order_at,
       coalesce(sum(amount), 0) AS revenue, cume_dist() OVER (ORDER BY coalesce(sum(amount), 0) DESC) AS revenue_share,
       coalesce(sum(sum(amount)) OVER (ORDER BY coalesce(sum(amount), 0) DESC RANGE UNBOUNDED PRECEDING EXCLUDE GROUP),
       0) / sum(sum(amount)) OVER () AS share_above,
       count(DISTINCT date_trunc('week', ordered_at)) FILTER (WHERE ordered_at >= date_trunc('week', as_of()) - interval '8 weeks'
                                                                AND ordered_at < as_of()) AS active_weeks,
       CASE WHEN c % 20 <> 0 THEN date '2026-06-02' - c * 100 END AS birth_date
FROM generate_series(0, 305) AS c LEFT JOIN orders ON customer_id = c GROUP BY c;
SELECT name, create_segmentation_from_template(name, 'try ' || name, 'facts') FROM rule_template ORDER BY name COLLATE "C";
SELECT g.name, r.outcome, r.customers FROM segmentation AS g, refresh_segmentation(g.name, '2026-06-02') AS r ORDER BY g.name COLLATE "C";
SELECT segmentation, segment, customers FROM segment_size ORDER BY segmentation COLLATE "C", segment_id;
-- by hand: no differences
SELECT 'abc' AS template, count(*) AS differing FROM "try abc_segments" AS m JOIN (
    SELECT customer_id, CASE WHEN revenue <= 0 THEN 'C' WHEN above < 0.8 * total THEN 'A'
    WHEN above < 0.95 * total THEN 'B' ELSE 'C' END AS segment
    FROM (SELECT f.*, (SELECT coalesce(sum(o.revenue), 0) FROM facts AS o WHERE o.revenue > f.revenue) AS above,
                 (SELECT sum(revenue) FROM facts) AS total FROM facts AS f) AS t) AS hand USING (customer_id)
                 WHERE m.segment <> hand.segment
UNION ALL
SELECT 'vip', count(*) FROM "try vip_segments" AS m JOIN (
    SELECT customer_id, CASE WHEN revenue > 0 AND at_least <= 30.6 THEN 'VIP' WHEN revenue > 0
    AND at_least <= 76.5 THEN 'Nearly VIP' ELSE 'Others' END AS segment
    FROM (SELECT f.*, (SELECT count(*) FROM facts AS o WHERE o.revenue >= f.revenue) AS at_least
    FROM facts AS f) AS t) AS hand USING (customer_id)
WHERE m.segment <> hand.segment
UNION ALL
SELECT 'age bands', count(*) FROM "try age bands_segments" AS m JOIN facts USING (customer_id)
WHERE m.segment <> coalesce(CASE WHEN age('2026-06-02', birth_date) < '18 years' THEN 'Under 18' WHEN age('2026-06-02',
    birth_date) < '25 years' THEN '18 to 24'
    WHEN age('2026-06-02', birth_date) < '35 years' THEN '25 to 34' WHEN age('2026-06-02', birth_date) < '45 years' THEN '35 to 44'
    WHEN age('2026-06-02', birth_date) < '55 years' THEN '45 to 54' WHEN age('2026-06-02', birth_date) < '65 years' THEN '55 to 64'
    WHEN birth_date IS NOT NULL THEN '65 and over' END, 'Unknown');
-- they are ordinary rules from then on
SELECT version, note, segment, change FROM segment_rule_versions WHERE segmentation = 'try vip' ORDER BY segment;
SELECT set_segment_rule('try vip', 'VIP', 'revenue_share <= 0.05', refresh => false) IS NULL AS set;
SELECT segment, rule, customers FROM segment_rules('try vip');
SELECT description FROM segmentation WHERE name = 'try vip';

-- what a source lacks, and other errors
SELECT try($$SELECT segment.create_segmentation_from_template('vip', 'x', 'SELECT 1 AS customer_id, 5 AS orders')$$),
       try($$SELECT segment.create_segmentation_from_template('lifecycle', 'x', 'SELECT 1 AS customer_id, now() AS first_order_at')$$),
       try($$SELECT segment.create_segmentation_from_template('no such', 'x', 'facts')$$),
       try($$SELECT segment.create_segmentation_from_template(NULL, 'x', 'facts')$$),
       try($$SELECT segment.create_segmentation_from_template('vip', 'try vip', 'facts')$$),
       try($$SELECT segment.create_segmentation_from_template('vip', NULL, 'facts')$$),
       try($$SELECT segment.create_segmentation_from_template('vip', 'x', 'SELECT nothing')$$),
       try($$SELECT segment.create_segmentation_from_template('engagement', 'x', 'SELECT 1 AS c, ''a'' AS active_weeks')$$) \gx
SELECT count(*) AS none FROM segmentation WHERE name = 'x';

-- one's own
SELECT create_rule_template('mine', '{"n": "a number"}',
    '{"Even": "n % 2 = 0", "Three": {"rule": "n % 3 = 0", "description": "thrice"}}', false, 'None', '{n}', 'by n');
SELECT create_segmentation_from_template('mine', 'mine', 'SELECT i AS id, i AS n FROM generate_series(1, 12) AS i');
SELECT customers FROM refresh_segmentation('mine', '2026-06-02');
SELECT segment, customers, description FROM segment_rules('mine');
SELECT try($$SELECT segment.create_rule_template('mine', '{}', '{"A": "true"}')$$),
    try($$SELECT segment.create_rule_template(NULL, '{}', '{"A": "true"}')$$),
       try($$SELECT segment.create_rule_template('', '{}', '{"A": "true"}')$$),
       try($$SELECT segment.create_rule_template('x', '{}', '{"A": "true"}', rest => 'A')$$),
       try($$SELECT segment.create_rule_template('x', '{}', '{"A": "true"}', rest => '')$$),
       try($$SELECT segment.create_rule_template('x', '[]', '{"A": "true"}')$$),
       try($$SELECT segment.create_rule_template('x', '{"n": 1}', '{"A": "true"}')$$),
       try($$SELECT segment.create_rule_template('x', NULL, '{"A": "true"}')$$),
       try($$SELECT segment.create_rule_template('x', '{}', '{}')$$), try($$SELECT segment.create_rule_template('x', '{}', NULL)$$),
       try($$SELECT segment.create_rule_template('x', '{}', '{"A": 1}')$$),
       try($$SELECT segment.create_rule_template('x', '{}', '{"A": "true", "A": "false"}')$$) \gx
-- whose they are: read by all, written by nobody, dropped by who made them
CREATE ROLE regress_template;
GRANT USAGE ON SCHEMA public, segment TO regress_template;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_template', current_database()); END $$;
SET ROLE regress_template;
SELECT create_rule_template('theirs', '{}', '{"A": "true"}');
SELECT name, owner FROM rule_template WHERE NOT shipped AND name = 'theirs';
SELECT try($$SELECT segment.drop_rule_template('mine')$$), try($$SELECT segment.drop_rule_template('vip')$$),
    try($$SELECT segment.drop_rule_template('no such')$$),
       try($$UPDATE segment.rule_template SET rest = 'x'$$), try($$DELETE FROM segment.rule_template$$),
       try($$INSERT INTO segment.rule_template (name, columns, rules) VALUES ('x', '{}', '{"A": "true"}')$$) \gx
-- elevation_via_template: no text runs with more rights than its author had
CREATE SCHEMA AUTHORIZATION regress_template;
SELECT create_segmentation_from_template('mine', 'theirs', 'SELECT 1 AS id, 2 AS n', schema => 'regress_template');
RESET ROLE;
SELECT try($$SELECT segment.create_segmentation_from_template('theirs', 'x', 'SELECT 1 AS id')$$);
SET ROLE regress_template;
SELECT create_segmentation_from_template('theirs', 'own', 'SELECT 1 AS id', schema => 'regress_template');
SELECT drop_rule_template('theirs');
RESET ROLE;
SELECT try($$SELECT segment.drop_rule_template('vip')$$);
SELECT drop_rule_template('mine');
SELECT segment, customers FROM segment_rules('mine');
SELECT count(*) FROM rule_template WHERE NOT shipped;
SELECT count(drop_segmentation(name)) FROM segmentation;
REVOKE USAGE ON SCHEMA public, segment FROM regress_template;
DROP SCHEMA regress_template;
DROP OWNED BY regress_template;
DROP ROLE regress_template;
DROP VIEW facts;
DROP TABLE orders;
DROP FUNCTION try(text);
