-- Approvals: what trains or edits proposes, approve_model by another login brings into use, and nothing else does.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE ROLE regress_crm;
CREATE ROLE regress_anna IN ROLE regress_crm;
CREATE ROLE regress_bert IN ROLE regress_crm;
CREATE ROLE regress_carl IN ROLE regress_crm;
CREATE SCHEMA approvals AUTHORIZATION regress_crm;
GRANT USAGE ON SCHEMA approvals TO PUBLIC;
SET search_path = approvals, segment;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; hint text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'done');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END $$;
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE TABLE customers AS
SELECT n AS customer_id, round((n * 7919 % 10007) / 5.0, 2) AS revenue, n * 31 % 12 AS orders FROM generate_series(1, 200) AS n;
CREATE TABLE orders AS
SELECT n % 60 AS customer_id, timestamptz '2025-01-01' + n * interval '9 hours' AS at, n * 7919 % 101 + 1 AS amount
FROM generate_series(1, 600) AS n;

-- ---- rules ----
SELECT FROM create_rule_segmentation('tier', 'customers', '{"Gold": "revenue > 1500", "Silver": "revenue > 800"}', rest => 'Others');
SET client_min_messages = notice;
SELECT require_approval('tier');
-- nothing is approved: nobody is placed
SELECT outcome, error FROM refresh_segmentation('tier', '2025-06-01');
SELECT count(*) FROM tier_segments;
SELECT try($$SELECT count(*) FROM preview_refresh('tier')$$);
SELECT * FROM model_impact('tier', 1, 'revenue');
SELECT try($$SELECT approve_model('tier', 1)$$), try($$SELECT approve_model('tier', 2)$$);
SET SESSION AUTHORIZATION regress_bert;
SELECT approve_model('tier', 1);
SELECT outcome, customers, details FROM refresh_segmentation('tier', '2025-06-01');
-- edits are proposals: those of one login add up, on what is in use by others
SET SESSION AUTHORIZATION regress_anna;
SELECT set_segment_rule('tier', 'Gold', 'revenue > 1700', note => 'stricter');
SELECT set_segment_rule('tier', 'New', 'orders = 0', priority => 1);
SELECT set_segment_rule('tier', 'New', 'orders = 1');
SET SESSION AUTHORIZATION regress_carl;
SELECT set_segment_rule('tier', 'Bronze', 'revenue > 400', refresh => false);
SELECT version, changed_by, based_on, note, segment, change, value_after, approved_by, in_use
FROM segment_rule_versions WHERE segmentation = 'tier' ORDER BY version, change, segment;
SELECT segment_id, name, closed_at IS NULL AS open, close_reason FROM segment WHERE segmentation = 'tier' ORDER BY 1;
SELECT priority, segment, rule, customers FROM segment_rules('tier');
SELECT outcome, moved, details FROM refresh_segmentation('tier', '2025-06-02');
-- what it would do, in plain SQL
CREATE TEMP TABLE told AS SELECT * FROM model_impact('tier', 4, 'revenue');
TABLE told ORDER BY 1, 2;
CREATE TEMP VIEW truth AS
SELECT m.segment, n.segment AS other, count(*), sum(c.revenue)
FROM tier_segments AS m JOIN customers AS c USING (customer_id) CROSS JOIN LATERAL (
    SELECT CASE WHEN orders = 1 THEN 'New' WHEN revenue > 1700 THEN 'Gold' WHEN revenue > 800 THEN 'Silver'
                ELSE 'Others' END) AS n (segment)
WHERE m.segment <> n.segment GROUP BY 1, 2;
SELECT (SELECT count(*) FROM (TABLE told EXCEPT TABLE truth) AS a) AS untrue,
       (SELECT count(*) FROM (TABLE truth EXCEPT TABLE told) AS a) AS untold;
DROP VIEW truth;
SELECT from_segment, to_segment, customers, revenue FROM model_impact('tier', 5);
SELECT try($$SELECT count(*) FROM model_impact('tier', 9)$$), try($$SELECT count(*) FROM model_impact('tier', 5, 'nonsense')$$);
-- who proposed does not approve, whatever role
SET SESSION AUTHORIZATION regress_anna;
SELECT try($$SELECT approve_model('tier', 4)$$);
SET ROLE regress_crm;
SELECT try($$SELECT approve_model('tier', 4)$$);
RESET ROLE;
SET SESSION AUTHORIZATION regress_bert;
SELECT approve_model('tier', 4);
SELECT outcome, moved, details FROM refresh_segmentation('tier', '2025-06-03');
SELECT from_segment, to_segment, customers FROM segment_migration('tier', '2025-06-02'::timestamptz, NULL)
WHERE from_segment <> to_segment ORDER BY 1, 2;
-- a stale one is approved as it is; back to an old one
SELECT approve_model('tier', 5);
SELECT segment_id, name, closed_at IS NULL AS open, close_reason FROM segment WHERE segmentation = 'tier' ORDER BY 1;
SELECT outcome, customers FROM refresh_segmentation('tier', '2025-06-04');
SET SESSION AUTHORIZATION regress_carl;
SELECT approve_model('tier', 1);
SELECT revert_segment_rules('tier', 4);
SELECT try($$SELECT drop_segment_rule('tier', 'Silver', cascade => true)$$);
SELECT drop_segment_rule('tier', 'New');
SELECT try($$SELECT drop_segment_rule('tier', 'New')$$);
SELECT outcome FROM refresh_segmentation('tier', '2025-06-05');
SELECT segment, count(*) FROM tier_segments GROUP BY 1 ORDER BY 1;
SELECT version, changed_by, approved_by, version = (SELECT rule_version FROM segmentation WHERE name = 'tier') AS in_use
FROM segment.rule_version WHERE segmentation = 'tier' ORDER BY 1;
SELECT try($$SELECT alter_segmentation('tier', '{"exclusive": false}')$$);
SELECT alter_segmentation('tier', description => 'approved');

-- ---- clusterings ----
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
SET client_min_messages = warning;
SELECT FROM create_cluster_segmentation('groups', 'customers', k => 3, features => '{revenue,orders}',
                                        retrain_every => '1 day', max_departed => 1);
RESET ROLE;
SET client_min_messages = notice;
SELECT require_approval('groups');
SELECT outcome, error, model_version, trained, details FROM refresh_segmentation('groups', '2025-06-01');
SELECT outcome, error FROM refresh_segmentation('groups', '2025-06-02');
SELECT try($$SELECT count(*) FROM preview_refresh('groups')$$), try($$SELECT count(*) FROM diff_segmentation('groups')$$);
SELECT from_segment, to_segment IS NOT NULL AS somewhere, sum(customers) FROM model_impact('groups', 1) GROUP BY 1, 2;
-- another of the first: ids of its own
SET SESSION AUTHORIZATION regress_bert;
SELECT (retrain_segmentation('groups', '2025-06-02', '{"k": 4}')).details ->> 'proposed_version' AS proposed;
SELECT (retrain_segmentation('groups', '2025-06-02', '{"k": 4}')).details ->> 'proposed_version' AS again;
SELECT approve_model('groups', 1);
SELECT outcome, customers, model_version FROM refresh_segmentation('groups', '2025-06-02');
SELECT try($$SELECT approve_model('groups', 2)$$);
SELECT version, proposed_by, approved_by, training IS NOT NULL AS has_training,
       (SELECT array_agg(n.segment_id) FROM segments(m.model) AS n) AS ids
FROM model AS m WHERE segmentation = 'groups' ORDER BY 1;
-- a refresh that would train does not while one waits
SELECT outcome, moved, model_version, trained, details ->> 'proposed_version' AS proposed FROM refresh_segmentation('groups', '2025-06-04');
SET SESSION AUTHORIZATION regress_anna;
SELECT sum(customers) FROM model_impact('groups', 2);
CREATE TEMP TABLE told_groups AS SELECT * FROM model_impact('groups', 2);
SELECT approve_model('groups', 2);
SELECT outcome, moved, model_version, trained FROM refresh_segmentation('groups', '2025-06-04 01:00');
SELECT count(*) FROM (TABLE told_groups EXCEPT SELECT f.name, t.name, count(*), NULL::numeric
    FROM groups_history AS h JOIN groups_segments AS m USING (customer_id)
    JOIN segment AS f ON f.segmentation = 'groups' AND f.segment_id = h.segment_id
    JOIN segment AS t ON t.segmentation = 'groups' AND t.segment_id = m.segment_id GROUP BY 1, 2) AS wrong;
SELECT DISTINCT reason FROM segment_events('groups', '2025-06-03');
SELECT count(*) > 0 AS has_drift FROM segment_drift('groups');
-- now it is time, and proposed by who refreshes
UPDATE customers SET revenue = revenue / 2 WHERE customer_id % 3 = 0;
SELECT model_version, trained, details ->> 'proposed_version' AS proposed FROM refresh_segmentation('groups', '2025-06-06');
SELECT try($$SELECT alter_segmentation('groups', '{"k": 5}')$$);
-- back in time, and to a model of before
SET client_min_messages = warning;
SELECT outcome, model_version FROM reset_segmentation('groups', '2025-06-03');
SELECT outcome, model_version FROM refresh_segmentation('groups', '2025-06-07');
SELECT propose_model('groups', get_model('groups', 2), 'as before') AS version, try($$SELECT propose_model('groups', NULL)$$),
       try($$SELECT propose_model('tier', get_model('groups', 2))$$);

-- ---- RFM, which trains at every refresh ----
SET ROLE regress_crm;
SELECT FROM create_rfm_segmentation('loyal', 'orders');
RESET ROLE;
SELECT outcome, model_version FROM refresh_segmentation('loyal', '2025-03-01');
SET client_min_messages = notice;
SELECT try($$SELECT require_approval('loyal')$$);
SET SESSION AUTHORIZATION regress_bert;
SELECT approve_model('loyal', 1);
SELECT require_approval('loyal');
SELECT outcome, model_version, trained, details ->> 'proposed_version' AS proposed FROM refresh_segmentation('loyal', '2025-06-01');
SELECT outcome, model_version, trained, details ->> 'proposed_version' AS proposed FROM refresh_segmentation('loyal', '2025-06-02');
SELECT count(*) > 0 AS moves, sum(revenue) = (
    SELECT sum(o.amount) FROM diff_customers('loyal', model => get_model('loyal', 2)) AS d
    JOIN orders AS o ON o.customer_id::text = d.customer) AS revenue FROM model_impact('loyal', 2);
SET SESSION AUTHORIZATION regress_anna;
SELECT approve_model('loyal', 2);
SELECT outcome, model_version FROM refresh_segmentation('loyal', '2025-06-03');
SELECT reason, count(*) > 0 AS some FROM segment_events('loyal', '2025-06-02 12:00') WHERE event = 'moved' GROUP BY 1;
-- options of a refresh are those of the training
SELECT details ->> 'proposed_version' AS proposed FROM retrain_segmentation('loyal', '2025-06-03', '{"lookback": "30 days", "bins": 3}');
SELECT count(DISTINCT recency_score) FROM loyal_segments;

-- ---- ending it ----
SELECT require_approval('loyal', false);
SELECT require_approval('loyal', false);
SELECT needs_approval, approval_waived_by FROM segmentation WHERE name = 'loyal';
SELECT require_approval('loyal'), require_approval('loyal', false);
SET SESSION AUTHORIZATION regress_bert;
SELECT require_approval('loyal', false);
SELECT needs_approval, approval_waived_by, approval_waived_at IS NOT NULL AS at FROM segmentation WHERE name = 'loyal';
SELECT model_version > 2 AS trained FROM refresh_segmentation('loyal', '2025-06-04');

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT drop_segmentation(name) FROM segmentation ORDER BY name;
DROP TABLE told, told_groups;
DROP SCHEMA approvals CASCADE;
DROP ROLE regress_anna, regress_bert, regress_carl, regress_crm;
