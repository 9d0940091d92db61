-- Metrics by segment and period: by hand, and against the outcomes of all customers at once.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set VERBOSITY terse

CREATE TABLE who (id integer, points integer);
INSERT INTO who SELECT n, CASE WHEN n <= 12 THEN 1 WHEN n <= 15 THEN 20 ELSE 40 END FROM generate_series(1, 30) AS n;
SELECT create_rule_segmentation('level', 'who', '{"low": "points < 10", "mid": "points < 30", "high": "points >= 30"}', max_departed => 1);
SELECT outcome FROM refresh_segmentation('level', '2024-01-01');
-- what they did in February made them move at the end of it
UPDATE who SET points = 40 WHERE id = 1;
INSERT INTO who VALUES (31, 1);
SELECT outcome FROM refresh_segmentation('level', '2024-02-29');
CREATE TABLE bought (id integer, at timestamptz, amount numeric);
INSERT INTO bought VALUES
    (1, '2024-01-31 23:59:59.999999', 1000), (1, '2024-02-01', 50), (1, '2024-02-10', 25), (2, '2024-02-29 23:59:59.999999', 10),
    (2, '2024-03-01', 1000), (3, '2024-02-02', -5), (13, '2024-02-02', 9), (20, '2024-02-02', 30), (21, '2024-02-03', 'NaN'),
    (22, '2024-02-03', NULL), (22, '2024-02-03', 1), (31, '2024-02-05', 7), (99, '2024-02-05', 3), (NULL, '2024-02-05', 100), (5, NULL,
        100);
\set bought '''SELECT id AS customer, at, amount AS value FROM bought'''
SELECT create_metric('spend', :bought, 'mean', unit => 'EUR', target => 4, due => '2024-03-01', min_customers => 1, purpose => 'the goal');
SELECT create_metric('revenue', :bought, 'total', target => 100, due => '2999-01-01', min_customers => 1);
SELECT create_metric('buyers', 'SELECT id AS customer, at, amount AS value FROM bought', 'rate', target => 0.5, better => 'down',
    min_customers => 1);
SELECT create_metric('order value', 'SELECT id AS customer, at, amount AS value, 1 AS denominator FROM bought', 'ratio',
    min_customers => 1);
SELECT create_metric('careful', :bought, 'total', min_customers => 3);
-- a year and a half of it is not there, and the members of then are not known
SELECT create_metric('long', :bought, 'mean', period => '1 year 6 months');
SELECT create_metric('other keys', 'SELECT id::text AS customer, at, amount AS value FROM bought', 'mean');
SELECT metric_name, period, customers, not_kept FROM snapshot_metrics('2024-03-01');

CREATE FUNCTION figures(name text) RETURNS TABLE (what text, segment text, customers bigint, skipped bigint, value numeric, lower numeric,
    upper numeric, share numeric, reached boolean, overdue boolean) LANGUAGE sql AS $$
SELECT what, segment, customers, skipped, round(value::numeric, 6), round(lower::numeric, 4), round(upper::numeric, 4),
       round(share_reached::numeric, 4), reached, overdue
FROM metric_by_segment WHERE metric = name ORDER BY what, segment_id $$;
SELECT * FROM figures('spend');
SELECT * FROM figures('revenue');
SELECT * FROM figures('buyers');
SELECT * FROM figures('order value');
-- 2 were in no segment, which is too few; mid has enough, but the total less the others would tell of the 2
SELECT * FROM figures('careful');
SELECT segment_id FROM metric_snapshot WHERE metric = 'careful' ORDER BY 1;

-- the total is that of all customers at once, byte for byte
SELECT m.metric, m.o = CASE m.metric WHEN 'spend' THEN a.spend WHEN 'revenue' THEN a.spend WHEN 'careful' THEN a.spend
                                     WHEN 'buyers' THEN a.buyers ELSE a.order_value END::text AS same
FROM (SELECT metric, outcome_merge(outcome)::text AS o FROM metric_snapshot GROUP BY metric) AS m
CROSS JOIN (SELECT outcome(CASE WHEN missing THEN NULL ELSE value END) AS spend, outcome(buys) AS buyers,
                   outcome_ratio(CASE WHEN missing THEN NULL ELSE value END, orders) AS order_value
            FROM (SELECT c.id, coalesce(sum(nullif(amount, 'NaN')), 0)::float8 AS value, count(b.id)::float8 AS orders,
                         coalesce(bool_or(b.id IS NOT NULL AND (amount IS NULL OR amount = 'NaN')), false) AS missing,
                         -- whether he bought is not known where all he has is a value that is missing
                         CASE WHEN bool_or(amount > 0 AND amount <> 'NaN') THEN true
                              WHEN bool_or(b.id IS NOT NULL AND (amount IS NULL OR amount = 'NaN')) THEN NULL ELSE false END AS buys
                  FROM (SELECT generate_series(1, 31) UNION SELECT 99) AS c (id)
                  LEFT JOIN bought AS b ON b.id = c.id AND b.at >= '2024-02-01' AND b.at < '2024-03-01' GROUP BY c.id) AS c) AS a
ORDER BY 1;

-- ---- the same period again puts new figures in place of the old, another one stands beside ----
DELETE FROM bought WHERE amount IS NULL OR amount = 'NaN';
SELECT customers, not_kept FROM snapshot_metrics('2024-03-01', 'spend');
SELECT * FROM figures('spend') WHERE what = 'all';
SELECT customers, period, not_kept FROM snapshot_metrics('2024-03-31', 'spend', 'level');
SELECT period, customers, value, overdue FROM metric_by_segment WHERE metric = 'spend' AND what = 'all' ORDER BY 1;
-- due dates that passed since are told of the latest period alone
UPDATE metric SET due = '2024-03-15', target = 1000 WHERE name = 'spend';
SELECT period, overdue FROM metric_by_segment WHERE metric = 'spend' AND what = 'all' ORDER BY 1;
UPDATE metric SET due = now() - interval '1 day' WHERE name = 'spend';
SELECT period, overdue FROM metric_by_segment WHERE metric = 'spend' AND what = 'all' ORDER BY 1;
UPDATE metric SET due = now() + interval '1 day' WHERE name = 'spend';
SELECT period, overdue FROM metric_by_segment WHERE metric = 'spend' AND what = 'all' ORDER BY 1;

-- ---- months are calendar months of the zone of the metric ----
SET timezone = 'Europe/Berlin';
SELECT create_metric('there', :bought, 'total', min_customers => 1);
SET timezone = 'UTC';
SELECT period FROM snapshot_metrics('2024-03-31 22:00', 'there');
SHOW timezone;

-- ---- what there are no figures of, and why ----
SELECT create_metric('broken', 'SELECT id AS customer, at, 1 / (amount - 50) AS value FROM bought', 'mean');
SELECT create_rule_segmentation('never', 'who', '{"a": "points > 0"}');
SELECT create_rule_segmentation('many', 'who', '{"a": "points > 0", "b": "points > 1"}', exclusive => false);
SELECT outcome FROM refresh_segmentation('many', '2024-01-01');
SELECT create_rule_segmentation('tiny', 'SELECT 1 AS id', '{"a": "true"}');
SELECT outcome FROM refresh_segmentation('tiny', '2024-01-01');
SELECT metric_name, segmentation_name, customers, not_kept FROM snapshot_metrics('2024-03-01', metric => 'broken');
SELECT segmentation_name, customers, not_kept FROM snapshot_metrics('2024-03-01', metric => 'careful');
SELECT create_metric('nothing', 'SELECT 1 AS customer, now() AS at, 1 AS value WHERE false', 'mean');
SELECT segmentation_name, customers, not_kept FROM snapshot_metrics('2024-03-01', 'nothing', 'tiny');
SELECT * FROM snapshot_metrics('2024-03-01', 'spent');
SELECT * FROM snapshot_metrics('2024-03-01', NULL, 'levle');
SELECT * FROM snapshot_metrics('infinity');

-- ---- what is refused ----
SELECT create_metric('', :bought, 'mean');
SELECT create_metric('x', NULL, 'mean');
SELECT create_metric('x', :bought, NULL);
SELECT create_metric('x', :bought, 'average');
SELECT create_metric('spend', :bought, 'mean');
SELECT create_metric('x', :bought, 'mean', better => 'left');
SELECT create_metric('x', :bought, 'mean', period => '0');
SELECT create_metric('x', :bought, 'mean', min_customers => 0);
SELECT create_metric('x', :bought, 'mean', target => 'NaN');
SELECT create_metric('x', :bought, 'mean', due => 'infinity');
SELECT create_metric('x', 'bought', 'mean');
SELECT create_metric('x', :bought, 'ratio');
SELECT create_metric('x', 'SELECT id AS customer, id AS customer, at, amount AS value FROM bought', 'mean');
SELECT create_metric('x', 'SELECT id AS customer, at, ''much'' AS value FROM bought', 'mean');
SELECT create_metric('x', 'SELECT id AS customer, amount AS at, amount AS value FROM bought', 'mean');
SELECT create_metric('x', 'SELECT id AS customer, at, amount AS value, at AS denominator FROM bought', 'ratio');
SELECT create_metric('x', 'DELETE FROM bought RETURNING id AS customer, at, amount AS value', 'mean');
CREATE TEMP TABLE mine (customer integer, at timestamptz, value integer);
SELECT create_metric('x', 'mine', 'mean');
SELECT drop_metric('spent');
SELECT drop_metric(NULL);

-- another goal leaves the figures as they are
SELECT count(*) AS kept, count(*) FILTER (WHERE reached) AS reached FROM metric_by_segment WHERE metric = 'revenue';
SELECT set_metric_goal('revenue', -1e9, '2030-01-01');
SELECT count(*) AS kept, count(*) FILTER (WHERE reached) AS reached, min(target), min(due) AT TIME ZONE 'UTC' AS due
FROM metric_by_segment WHERE metric = 'revenue';
SELECT set_metric_goal('revenue', NULL);
SELECT target, due FROM metric WHERE name = 'revenue';
SELECT set_metric_goal('revenue', 'NaN');
SELECT set_metric_goal('revenues', 1);

-- a metric goes with its figures, and they with the segmentation; no key of a customer is kept
SELECT drop_metric('revenue');
SELECT count(*) FROM metric_snapshot WHERE metric = 'revenue';
SELECT drop_segmentation(name) FROM segmentation;
SELECT count(*) FROM metric_snapshot;
SELECT drop_metric(name) FROM metric;
DROP FUNCTION figures;
DROP TABLE who, bought, mine;
