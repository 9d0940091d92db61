-- Experiments by hand: who counts, with what, and in which segment; every instant at a boundary.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set VERBOSITY terse

CREATE TABLE who (id bigint, points integer);
INSERT INTO who SELECT n, 1 FROM generate_series(1, 8) AS n;
SELECT create_rule_segmentation('level', 'who', '{"low": "points < 10", "high": "points >= 10"}', max_departed => 1);
SELECT outcome FROM refresh_segmentation('level', '2024-01-01');
UPDATE who SET points = 20 WHERE id IN (3, 4, 5);
DELETE FROM who WHERE id = 8;
INSERT INTO who VALUES (9, 1), (11, 1), (12, 20);
SELECT outcome, entered, moved, departed FROM refresh_segmentation('level', '2024-02-01');

CREATE TABLE sent (who bigint, kind varchar(9), sent_at timestamptz);
INSERT INTO sent VALUES
    (1, 'mail', '2024-01-15'), (2, 'none', '2024-01-15'),
    -- who moves on 2024-02-01, exposed just before, and at that very instant
    (3, 'mail', '2024-01-31 23:59:59.999999'), (4, 'none', '2024-02-01'),
    -- twice: the first counts
    (5, 'mail', '2024-02-20'), (5, 'mail', '2024-01-20'),
    -- in two arms, and in one that nobody planned
    (6, 'none', '2024-01-16'), (6, 'mail', '2024-01-15'), (7, 'test', '2024-01-15'),
    -- who departs at that instant, who enters a moment later, who was never there
    (8, 'mail', '2024-02-01'), (9, 'none', '2024-01-31 23:59:59.999999'), (10, 'mail', '2024-01-15'),
    -- the window is over a moment too late, and just in time; not yet exposed
    (11, 'none', '2024-02-23 00:00:00.000001'), (12, 'mail', '2024-02-23'), (13, 'mail', '2024-03-01'),
    -- of whom, in which arm, when?
    (NULL, 'mail', '2024-01-15'), (1, NULL, '2024-01-15'), (1, 'mail', NULL), (1, 'mail', '-infinity');
CREATE TABLE bought (id bigint, at timestamptz, amount numeric);
INSERT INTO bought VALUES
    -- windows of 7 days after and 14 before: the beginning is in, the end is not
    (1, '2023-12-31 23:59:59.999999', 1000), (1, '2024-01-01', 5), (1, '2024-01-14 23:59:59.999999', 7),
    (1, '2024-01-15', 10), (1, '2024-01-21 23:59:59.999999', 20), (1, '2024-01-22', 1000),
    (3, '2024-02-05', 20), (4, '2024-02-02', 'NaN'), (4, '2024-02-03', 1), (5, '2024-01-21', 3), (5, '2024-02-21', 1000),
    (6, '2024-01-17', 4), (11, '2024-02-24', 6), (12, '2024-02-29 23:59:59.999999', 30), (12, '2024-03-01', 1000), (99, '2024-01-15', 1),
    (NULL, '2024-01-15', 1), (2, NULL, 1);
SELECT create_metric('spend', 'SELECT amount AS value, id AS customer, at FROM bought', 'mean');
SELECT create_metric('buys', 'SELECT id AS customer, at, true AS value FROM bought', 'rate');
SELECT create_metric('order value', 'SELECT id AS customer, at, amount AS value, 1 AS denominator FROM bought', 'ratio');
SELECT create_experiment(e, 'level', m, 'SELECT who AS customer, kind AS arm, sent_at AS at FROM sent',
                         '{"mail": 1, "none": 1}', 'none', '7 days', w)
FROM (VALUES ('plain', 'spend', NULL), ('sharper', 'spend', interval '14 days'), ('rate', 'buys', NULL),
             ('rate sharper', 'buys', '14 days'), ('ratio', 'order value', NULL)) AS e (e, m, w);

SET client_min_messages = notice;
SELECT * FROM experiment_outcomes(null::bigint, 'sharper', '2024-03-01') ORDER BY 1;
SET client_min_messages = warning;
SELECT customer, value, denominator, before, left_out FROM experiment_outcomes('ratio', '2024-03-01') WHERE value > 0 OR denominator > 0
    OR value IS NULL ORDER BY customer::bigint;
SELECT customer, value, before, left_out FROM experiment_outcomes('rate sharper', '2024-03-01') WHERE value > 0 OR before > 0
    OR value IS NULL ORDER BY customer::bigint;
-- before anybody's window is over, and before anybody was exposed
SELECT left_out, complete, count(*) FROM experiment_outcomes('plain', '2024-01-16') GROUP BY 1, 2 ORDER BY 1;
SELECT count(*) FROM experiment_outcomes('plain', '2024-01-15');

-- ---- the result, from the same customers ----
CREATE FUNCTION shown(name text, min_customers integer) RETURNS TABLE (what text, segment text, treated bigint, control bigint,
    treated_value
    float8, control_value float8, left_out jsonb) LANGUAGE sql AS $$
SELECT what, segment, treated_customers, control_customers, treated_value, control_value, left_out
FROM experiment_result(name, '2024-03-01', min_customers) $$;
SELECT * FROM shown('plain', 1);
SELECT * FROM shown('rate', 1);
SELECT * FROM shown('ratio', 1);
SELECT what, segment, treated_customers, verdict FROM experiment_result('plain', '2024-03-01', 1);
SELECT what, segment, treated_value, verdict FROM experiment_result('plain', '2024-03-01', 3);
SELECT what, segment, verdict FROM experiment_result('plain', '2024-01-01');

-- ---- exposures outside of started and ended are no part of it ----
SELECT create_experiment('short', 'level', 'spend', 'SELECT who AS customer, kind AS arm, sent_at AS at FROM sent',
    '{"mail": 1, "none": 1}', 'none', '7 days', started => '2024-01-20', ended => '2024-02-20');
SELECT customer, arm, exposed_at, value, left_out FROM experiment_outcomes('short', '2024-03-01') ORDER BY customer::bigint;
-- days are calendar days of the zone of the experiment, 23 hours on the day that the clocks go forward
SET timezone = 'Europe/Berlin';
SELECT create_metric('local', 'SELECT * FROM (VALUES (1::bigint, ''2024-03-31 23:30''::timestamp, 1), (1, ''2024-04-01 00:00'', 10))
    AS v (customer, at, value)', 'mean');
SELECT create_experiment('day', 'level', 'local', 'SELECT * FROM (VALUES (1::bigint, ''a'', date ''2024-03-31''), (2, ''b'',
    ''2024-03-31''))
    AS v (customer, arm, at)', '{"a": 1, "b": 1}', 'b', '1 day');
SET timezone = 'UTC';
SELECT customer, exposed_at, complete, value FROM experiment_outcomes('day', '2024-03-31 22:00') ORDER BY 1;
SELECT customer, complete, value FROM experiment_outcomes('day', '2024-03-31 21:59:59') ORDER BY 1;

-- ---- a history that begins later knows no segments of before ----
BEGIN;
SELECT count(purge_history('level', '2024-01-31')) > 0 AS purged;
SET client_min_messages = notice;
SELECT segment, count(*) FROM experiment_outcomes('plain', '2024-03-01') GROUP BY 1 ORDER BY 1;
ROLLBACK;

-- ---- three arms, each against the control; one that has no planned share is no alarm ----
SELECT create_experiment('three', 'level', 'spend', 'SELECT n::bigint AS customer, (''{a,b,c}''::text[])[1 + n % 3] AS arm,
    timestamptz ''2024-01-15'' AS at FROM generate_series(1, 300) AS n', '{"a": 1, "b": 0, "c": 1}', 'c', '7 days');
SELECT arm, what, segment, treated_customers, control_customers, ratio_p FROM experiment_result('three', '2024-03-01', 1);
-- arms that are not of the planned sizes, and too few to say so; drawn by one salt
SET client_min_messages = notice;
SELECT create_experiment('uneven', 'level', 'spend', 'SELECT n::bigint AS customer, CASE WHEN n % 3 > 0 THEN ''a'' ELSE ''b'' END AS arm,
    timestamptz ''2024-01-15'' AS at FROM generate_series(101, 300) AS n', '{"a": 0.5, "b": 0.5}', 'b', '7 days', salt => 'one');
SELECT what, ratio_p, verdict FROM experiment_result('uneven', '2024-03-01');
SELECT create_experiment('few', 'level', 'spend', 'SELECT n::bigint AS customer, CASE WHEN n % 10 > 0 THEN ''a'' ELSE ''b'' END AS arm,
    timestamptz ''2024-01-15'' AS at FROM generate_series(101, 199) AS n', '{"a": 0.5, "b": 0.5}', 'b', '7 days', salt => 'one');
SELECT what, ratio_p < 0.001 AS low, verdict FROM experiment_result('few', '2024-03-01', 1);

SET client_min_messages = warning;

-- ---- what is refused ----
\set sent '''SELECT who AS customer, kind AS arm, sent_at AS at FROM sent'''
SELECT create_experiment('plain', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'levle', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spent', :sent, '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '["mail", "none"]', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, NULL, 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": "1", "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": -1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": 0, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'non', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', NULL);
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days', '0 days');
SELECT create_experiment('x', 'level', 'order value', :sent, '{"mail": 1, "none": 1}', 'none', '7 days', '7 days');
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days', tuned_for => 0);
SELECT create_experiment('x', 'level', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days', started => '2024-02-01',
    ended => '2024-02-01');
SELECT create_experiment('x', 'level', 'spend', 'SELECT who AS customer, sent_at AS at FROM sent', '{"mail": 1, "none": 1}', 'none',
    '7 days');
SELECT create_experiment('x', 'level', 'spend', 'SELECT who::text AS customer, kind AS arm, sent_at AS at FROM sent',
    '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', 'SELECT who AS customer, who AS arm, sent_at AS at FROM sent',
    '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', 'SELECT who AS customer, kind AS arm, who AS at FROM sent',
    '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', 'SELECT who AS customer, kind AS arm, sent_at AS at FROM sent; DROP TABLE sent',
    '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_experiment('x', 'level', 'spend', 'DELETE FROM sent RETURNING who AS customer, kind AS arm, sent_at AS at',
    '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_rule_segmentation('many', 'who', '{"a": "points > 0"}', exclusive => false);
SELECT create_experiment('x', 'many', 'spend', :sent, '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT count(*) FROM experiment_outcomes(null::text, 'plain', NULL);
SELECT count(*) FROM experiment_outcomes('plane');
SELECT count(*) FROM experiment_outcomes('plain', 'infinity');
SELECT count(*) FROM experiment_result('plain', min_customers => 0);
SELECT drop_metric('spend');
SELECT drop_experiment('none of that name');
-- a query that is another by now
ALTER TABLE sent ALTER sent_at TYPE date;
SELECT count(*) FROM experiment_outcomes('plain', '2024-03-01');
ALTER TABLE sent RENAME sent_at TO at;
SELECT count(*) FROM experiment_outcomes('plain', '2024-03-01');

-- ---- what goes with what ----
SELECT relation FROM customer_table WHERE what NOT IN ('members', 'history');
SELECT drop_experiment('short');
SELECT drop_segmentation('level');
SELECT drop_segmentation('many');
TABLE experiment;
SELECT drop_metric(name) FROM metric;
DROP FUNCTION shown;
DROP TABLE who, sent, bought;
