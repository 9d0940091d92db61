-- Whatever is done to it, by whom and in which order: what a segmentation that needs approval uses was approved by somebody
-- other than who proposed it, and customers are where that puts them.
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE ROLE regress_crm;
CREATE ROLE regress_login0 IN ROLE regress_crm;
CREATE ROLE regress_login1 IN ROLE regress_crm;
CREATE ROLE regress_login2 IN ROLE regress_crm;
CREATE SCHEMA chance AUTHORIZATION regress_crm;
GRANT USAGE ON SCHEMA chance TO PUBLIC;
SET search_path = chance, segment;
SELECT setseed(0.625);
SET ROLE regress_crm;
CREATE TABLE facts AS SELECT n AS id, (random() * 100)::int AS points, (random() * 9)::int AS orders FROM generate_series(1, 80) AS n;
SELECT FROM create_rule_segmentation('rules', 'facts', '{"a": "points > 70", "b": "points > 40"}', rest => 'rest', max_departed => 1);
SELECT FROM create_cluster_segmentation('clusters', 'facts', k => 2, features => '{points,orders}',
                                        retrain_every => '3 days', max_departed => 1);
RESET ROLE;
SELECT require_approval('rules'), require_approval('clusters');
CREATE TABLE done (step int, login text, command text, outcome text);
CREATE VIEW wrong AS
SELECT s.name || ' uses what nobody else approved' AS what FROM segmentation AS s
WHERE s.needs_approval IS NOT TRUE
   OR s.rule_version IS NOT NULL AND NOT EXISTS (SELECT FROM rule_version AS v WHERE v.segmentation = s.name AND v.version = s.rule_version
        AND v.approved_by <> v.changed_by AND v.definition = s.options)
   OR s.model_version IS NOT NULL AND NOT EXISTS (SELECT FROM model AS m WHERE m.segmentation = s.name AND m.version = s.model_version
        AND m.approved_by <> m.proposed_by)
UNION ALL
SELECT format('run %s was by version %s', r.run_id, r.model_version) FROM run AS r
WHERE r.outcome = 'ok' AND r.segmentation = 'clusters'
  AND NOT EXISTS (SELECT FROM model AS m WHERE m.segmentation = 'clusters' AND m.version = r.model_version AND m.approved_at IS NOT NULL)
UNION ALL
SELECT format('run %s was by rules %s', r.run_id, r.details) FROM run AS r
WHERE r.outcome = 'ok' AND r.segmentation = 'rules'
  AND NOT EXISTS (SELECT FROM rule_version AS v WHERE v.segmentation = 'rules' AND v.version = (r.details ->> 'rule_version')::int
                  AND v.approved_at IS NOT NULL)
UNION ALL
-- segments that are open are those of the version, and no id has two origins
SELECT 'open segments' FROM segmentation AS s JOIN model AS m ON m.segmentation = s.name AND m.version = s.model_version
WHERE (SELECT array_agg(g.segment_id ORDER BY g.segment_id) FROM segment AS g WHERE g.segmentation = s.name AND g.closed_at IS NULL)
      IS DISTINCT FROM (SELECT array_agg(n.segment_id ORDER BY n.segment_id) FROM segments(m.model) AS n)
UNION ALL
SELECT 'open rules' FROM segmentation AS s JOIN rule_version AS v ON v.segmentation = s.name AND v.version = s.rule_version
WHERE (SELECT array_agg(g.segment_id ORDER BY g.segment_id) FROM segment AS g WHERE g.segmentation = s.name AND g.closed_at IS NULL)
      IS DISTINCT FROM (SELECT array_agg((r.one ->> 'segment_id')::int ORDER BY (r.one ->> 'segment_id')::int)
                        FROM jsonb_array_elements(v.definition -> 'rules' || coalesce(v.definition -> 'rest', '[]')) AS r (one))
UNION ALL
SELECT format('id %s is of %s', r.one ->> 'segment_id', array_agg(DISTINCT r.one ->> 'segment'))
FROM rule_version AS v, jsonb_array_elements(v.definition -> 'rules') AS r (one) GROUP BY r.one ->> 'segment_id'
HAVING count(DISTINCT r.one ->> 'segment') > 1;
DO $$
DECLARE
    i int;
    login text;
    command text;
    outcome text;
    at timestamptz := '2025-01-01';
BEGIN
    FOR i IN 1..200 LOOP
        at := at + (random() * 30)::int * interval '1 hour';
        login := 'regress_login' || (random() * 2)::int;
        command := (ARRAY[
            format('SELECT outcome FROM refresh_segmentation(%L, %L)', (ARRAY['rules', 'clusters'])[1 + (i % 2)], at),
            format('SELECT outcome FROM refresh_segmentation(''clusters'', %L, %L)', at, random() < 0.5),
            format('SELECT outcome FROM retrain_segmentation(''clusters'', %L, ''{"k": %s}'')', at, 2 + (random() * 2)::int),
            format('SELECT set_segment_rule(''rules'', %L, ''points > %s'', priority => 1)',
                   chr(97 + (random() * 4)::int), (random() * 90)::int),
            format('SELECT drop_segment_rule(''rules'', %L)', chr(97 + (random() * 4)::int)),
            format('SELECT revert_segment_rules(''rules'', %s)', 1 + (random() * 5)::int),
            format('SELECT outcome FROM reset_segmentation(%1$L, '
                   '(SELECT refreshed_as_of - interval ''12 hours'' FROM segmentation WHERE name = %1$L))',
                   (ARRAY['rules', 'clusters'])[1 + (i % 2)]),
            format('SELECT propose_model(''clusters'', get_model(''clusters'', %s))', 1 + (random() * 4)::int),
            'SELECT approve_model(''clusters'', '
            '(SELECT max(version) FROM model WHERE segmentation = ''clusters'' AND approved_at IS NULL))',
            format('SELECT approve_model(''clusters'', (SELECT max(version) - %s FROM model WHERE segmentation = ''clusters''))',
                   (random() * 3)::int),
            'SELECT approve_model(''rules'', (SELECT max(version) FROM rule_version WHERE approved_at IS NULL))',
            format('SELECT approve_model(''rules'', (SELECT max(version) - %s FROM rule_version))', (random() * 3)::int),
            format('SELECT require_approval(''rules'', %L)', random() < 0.5),
            format('UPDATE facts SET points = (random() * 100)::int WHERE id %% 5 = %s RETURNING 1', i % 5)
        ])[1 + (random() * 13)::int];
        EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
        BEGIN
            EXECUTE command INTO outcome;
        EXCEPTION WHEN OTHERS THEN
            outcome := SQLSTATE;
            IF SQLSTATE LIKE 'XX%' THEN
                RAISE;
            END IF;
        END;
        SET LOCAL SESSION AUTHORIZATION DEFAULT;
        INSERT INTO done VALUES (i, login, command, outcome);
        -- two who waive it at once would end it, which is right
        IF NOT (SELECT needs_approval FROM segmentation WHERE name = 'rules') THEN
            IF (SELECT approval_waived_by[1] = approval_waived_by[2] FROM segmentation WHERE name = 'rules') THEN
                RAISE EXCEPTION 'waived by one';
            END IF;
            PERFORM require_approval('rules');
        END IF;
        IF EXISTS (SELECT FROM wrong) THEN
            RAISE EXCEPTION 'after % by %: %', command, login, (SELECT string_agg(what, ', ') FROM wrong);
        END IF;
    END LOOP;
END $$;
SELECT * FROM wrong;
-- there was something to go wrong
SELECT (SELECT count(*) > 3 FROM model WHERE approved_at IS NOT NULL) AS models,
       (SELECT count(*) > 3 FROM model WHERE approved_at IS NULL) AS waiting,
       (SELECT count(*) > 3 FROM rule_version WHERE approved_at IS NOT NULL) AS rules,
       (SELECT count(*) > 3 FROM rule_version WHERE approved_at IS NULL) AS rules_waiting,
       (SELECT count(*) > 3 FROM done WHERE command ~ 'approve_model' AND outcome = '42501') AS refused,
       (SELECT count(*) > 1 FROM done WHERE command ~ 'reset' AND outcome = 'reset') AS resets,
       (SELECT count(*) > 10 FROM run WHERE outcome = 'ok') AS runs;
SELECT drop_segmentation(name) FROM segmentation ORDER BY name;
DROP SCHEMA chance CASCADE;
DROP ROLE regress_login0, regress_login1, regress_login2, regress_crm;
