-- Attacks on approvals: who proposed, or may write the catalogue by accident, brings nothing into use that nobody else approved.
SET client_min_messages = error;
SET timezone = 'UTC';
SELECT current_user AS superuser \gset
CREATE ROLE regress_crm;
CREATE ROLE regress_anna IN ROLE regress_crm;
CREATE ROLE regress_bert IN ROLE regress_crm;
CREATE ROLE regress_reader;
CREATE SCHEMA attacks AUTHORIZATION regress_crm;
GRANT USAGE ON SCHEMA attacks TO PUBLIC;
SET search_path = attacks, segment;
\i test/lib/try.psql
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE TABLE customers AS SELECT n AS id, n * 7919 % 10007 / 5.0 AS revenue, n * 31 % 12 AS orders FROM generate_series(1, 120) AS n;
CREATE VIEW source AS SELECT * FROM customers;
SELECT FROM create_rule_segmentation('tier', 'source', '{"Gold": "revenue > 1500"}', rest => 'Others', max_departed => 1);
SELECT FROM create_cluster_segmentation('groups', 'source', k => 3, features => '{revenue,orders}', max_departed => 1);
SELECT require_approval('tier'), require_approval('groups');
SELECT refresh_segmentation('groups', '2025-01-01') IS NOT NULL;
RESET ROLE;
SET SESSION AUTHORIZATION regress_bert;
SELECT approve_model('tier', 1), approve_model('groups', 1);
SELECT (refresh_segmentation(name, '2025-01-02')).outcome FROM segmentation ORDER BY name;
GRANT SELECT ON tier_segments, tier_history, groups_segments, groups_history TO regress_reader;
SET SESSION AUTHORIZATION regress_anna;
SELECT set_segment_rule('tier', 'Gold', 'revenue > 1');
SELECT details ->> 'proposed_version' AS proposed FROM retrain_segmentation('groups', '2025-01-03', '{"k": 2}');

-- what is in use and what holds it there
RESET SESSION AUTHORIZATION;
CREATE FUNCTION state() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s %s', name, coalesce(rule_version, model_version), needs_approval,
                             (SELECT count(*) FROM tier_segments WHERE segment = 'Gold')), ', ' ORDER BY name)
    FROM segment.segmentation $$;
CREATE TABLE attack (n integer GENERATED ALWAYS AS IDENTITY, name text, command text);
INSERT INTO attack (name, command) VALUES
    ('approve', $$SELECT segment.approve_model('tier', 2)$$),
    ('approve the model', $$SELECT segment.approve_model('groups', 2)$$),
    ('approve by the catalogue', $$SELECT segment_internal.change_catalogue('approve', 'tier'::text, 2)$$),
    ('use by the catalogue', $$SELECT segment_internal.change_catalogue('use_rules', 'tier'::text, 2)$$),
    ('use the model', $$SELECT segment_internal.change_catalogue('use_model', 'groups'::text, 2, NULL::timestamptz)$$),
    ('use as owner', $$SELECT segment_internal.run_as_owner('regress_crm', 'SELECT segment_internal.use_version_as_owner(''tier'', 2)')$$),
    ('approve as owner', $$SELECT segment_internal.run_as_owner('regress_crm', 'SELECT segment.approve_model(''tier'', 2)')$$),
    ('waive', $$SELECT segment.require_approval('tier', false) OR segment.require_approval('tier', false)$$),
    ('waive as owner', $$SELECT segment_internal.run_as_owner('regress_crm', 'SELECT segment.require_approval(''tier'', false)')$$),
    ('options', $$SELECT segment.alter_segmentation('tier', '{"exclusive": null}')$$),
    ('options of a training', $$SELECT segment.alter_segmentation('groups', '{"k": 2}')$$),
    ('options by the catalogue', $$SELECT segment_internal.change_catalogue('alter_segmentation', 'tier'::text,
        (SELECT definition FROM segment.rule_version WHERE segmentation = 'tier' AND version = 2), NULL::interval,
        NULL::float8, NULL::text, NULL::interval)$$),
    ('rules as options of a refresh', $$SELECT segment.retrain_segmentation('tier', '2025-01-04', (SELECT definition
        FROM segment.rule_version WHERE segmentation = 'tier' AND version = 2)) IS NULL$$),
    ('retrain', $$SELECT (segment.refresh_segmentation('groups', '2025-01-04', retrain => true)).trained$$),
    ('options of a refresh', $$SELECT (segment.retrain_segmentation('groups', '2025-01-04', '{"k": 2}')).trained$$),
    ('revert', $$SELECT segment.revert_segment_rules('tier', 2)$$),
    ('reset', $$SELECT (segment.reset_segmentation('groups', '2025-01-01')).outcome$$),
    ('drop a rule that uses others', $$SELECT segment.drop_segment_rule('tier', 'Others', cascade => true)$$),
    ('update segmentation', $$UPDATE segment.segmentation SET model_version = 2 WHERE name = 'groups'$$),
    ('update rule_version', $$UPDATE segment.segmentation SET rule_version = 2 WHERE name = 'tier'$$),
    ('update both', $$UPDATE segment.segmentation AS g SET rule_version = 2, options = v.definition
        FROM segment.rule_version AS v WHERE g.name = 'tier' AND v.segmentation = 'tier' AND v.version = 2$$),
    ('update options', $$UPDATE segment.segmentation SET options = options || '{"exclusive": false}'$$),
    ('update needs_approval', $$UPDATE segment.segmentation SET needs_approval = false$$),
    ('update it as if two had', $$UPDATE segment.segmentation SET needs_approval = false, approval_waived_by = '{x,x}'$$),
    ('update model', $$UPDATE segment.model SET approved_by = 'regress_anna', approved_at = now() WHERE version = 2$$),
    ('update without a name', $$UPDATE segment.rule_version SET approved_at = now() WHERE version = 2$$);
SELECT state();
CREATE FUNCTION attacked(who name, with_role name) RETURNS TABLE (name text, outcome text, state text) LANGUAGE plpgsql AS $$
DECLARE
    a attacks.attack;
    result text;
BEGIN
    FOR a IN SELECT * FROM attacks.attack ORDER BY n LOOP
        BEGIN
            EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', who);
            IF with_role IS NOT NULL THEN
                EXECUTE format('SET LOCAL ROLE %I', with_role);
            END IF;
            BEGIN
                IF a.command ~ '^UPDATE' THEN
                    EXECUTE a.command;
                    result := 'done';
                ELSE
                    EXECUTE a.command INTO result;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                result := SQLSTATE;
            END;
            SET LOCAL SESSION AUTHORIZATION DEFAULT;
            state := attacks.state();
            outcome := coalesce(result, 'null');
            -- and nothing of it stays
            RAISE EXCEPTION USING ERRCODE = 'ZZ001';
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
            name := a.name;
            RETURN NEXT;
        END;
    END LOOP;
END $$;
-- anna, who proposed; as the owner; somebody who may read; and the superuser who does not look
SELECT a.name, a.outcome AS anna, o.outcome AS owner, r.outcome AS reader, s.outcome AS superuser,
       array_agg(DISTINCT t.state) FILTER (WHERE t.state <> (SELECT state())) AS otherwise
FROM attacked('regress_anna', NULL) AS a JOIN attacked('regress_anna', 'regress_crm') AS o USING (name)
JOIN attacked('regress_reader', NULL) AS r USING (name) JOIN attacked(:'superuser', NULL) AS s USING (name)
JOIN attack AS k USING (name)
CROSS JOIN LATERAL (VALUES (a.state), (o.state), (r.state)) AS t (state)
GROUP BY 1, 2, 3, 4, 5, k.n ORDER BY k.n;
-- a superuser may approve what somebody else proposed, and not what he did
SET ROLE regress_crm;
SELECT set_segment_rule('tier', 'Gold', 'revenue > 2');
SELECT replace(try($$SELECT approve_model('tier', 3)$$), :'superuser', 'a superuser') AS try;
RESET ROLE;
SELECT replace(try($$SELECT approve_model('tier', 3)$$), :'superuser', 'a superuser') AS try;

-- what runs in the session of somebody who refreshes: a source that approves
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE FUNCTION approve_on_the_way() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM segment.approve_model('tier', 2);
    RETURN true;
END $$;
CREATE FUNCTION waive_on_the_way() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM segment.require_approval('tier', false);
    RETURN true;
END $$;
CREATE OR REPLACE VIEW source AS SELECT * FROM customers WHERE approve_on_the_way();
SET SESSION AUTHORIZATION regress_bert;
SELECT outcome, error FROM refresh_segmentation('tier', '2025-01-05');
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE OR REPLACE VIEW source AS SELECT * FROM customers WHERE waive_on_the_way();
SET SESSION AUTHORIZATION regress_bert;
SELECT outcome, error FROM refresh_segmentation('tier', '2025-01-05');
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE OR REPLACE VIEW source AS SELECT * FROM customers;
-- and a trigger on the members, which the refresh writes
CREATE FUNCTION approve_by_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM attacks.approve_on_the_way();
    RETURN NULL;
END $$;
CREATE TRIGGER t AFTER INSERT OR UPDATE ON tier_segments FOR EACH ROW EXECUTE FUNCTION approve_by_trigger();
UPDATE customers SET revenue = 2000 WHERE revenue < 300;
RESET ROLE;
SET SESSION AUTHORIZATION regress_bert;
SELECT outcome, error FROM refresh_segmentation('tier', '2025-01-05');
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
DROP TRIGGER t ON tier_segments;
-- a replay is a segmentation of its own
RESET SESSION AUTHORIZATION;
CALL replay_segmentation('tier', 'tier_then', '2025-01-01', '2025-01-02', '1 day', '{"version": 2}');
SELECT state();
-- to a version that nobody approved there is no way back
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
SELECT FROM create_cluster_segmentation('late', 'source', k => 2, features => '{revenue,orders}', max_departed => 1);
SELECT model_version FROM refresh_segmentation('late', '2025-01-01');
SELECT model_version FROM retrain_segmentation('late', '2025-01-02', '{"k": 3}');
RESET ROLE;
SET SESSION AUTHORIZATION regress_bert;
SELECT approve_model('late', 2), require_approval('late');
SELECT try($$SELECT reset_segmentation('late', '2025-01-01')$$);
RESET SESSION AUTHORIZATION;
SELECT drop_segmentation(name) FROM segmentation ORDER BY name;
DROP SCHEMA attacks CASCADE;
DROP ROLE regress_anna, regress_bert, regress_reader, regress_crm;
