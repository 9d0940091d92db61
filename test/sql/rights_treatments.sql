-- Who sees treatments and who gets them, and who may say so.
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE ROLE regress_crm;
CREATE ROLE regress_anna IN ROLE regress_crm;
CREATE ROLE regress_reader;
CREATE ROLE regress_other;
CREATE SCHEMA treat AUTHORIZATION regress_crm;
GRANT USAGE ON SCHEMA treat TO PUBLIC;
SET search_path = treat, segment;
\i test/lib/try.psql
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE TABLE customers AS SELECT n AS id, n AS revenue FROM generate_series(1, 20) AS n;
CREATE TABLE consent AS SELECT id, 'mail'::text AS channel FROM customers;
SELECT FROM create_rule_segmentation('tier', 'customers', '{"Gold": "revenue > 15"}', rest => 'Others');
SELECT outcome FROM refresh_segmentation('tier', '2025-01-01');
RESET ROLE;
SELECT create_treatment('mail', 'tier', 'Gold', 'mail', valid_from => '2025-01-01');
GRANT SELECT ON tier_segments, tier_history TO regress_reader;
CREATE FUNCTION deeds() RETURNS TABLE (deed text, outcome text) LANGUAGE sql AS $$
    SELECT d, try(d) FROM (VALUES
        ('SELECT count(*) FROM segment.treatment'),
        ('SELECT count(*) FROM segment.customer_treatments(''tier'')'),
        ('SELECT count(*) FROM segment.customer_treatments(null::int, ''tier'', NULL)'),
        ('SELECT count(*) FROM segment.customer_treatments(''tier'', consent => ''TABLE treat.consent'')'),
        ('SELECT segment.create_treatment(''more'', ''tier'', ''Gold'', ''mail'')'),
        ('SELECT segment.end_treatment(''mail'', ''tier'')'),
        ('SELECT segment_internal.change_catalogue(''end_treatment'', ''tier''::text, ''mail''::text, now())'),
        ('INSERT INTO segment.treatment (segmentation, treatment, segment_id, channel, priority, valid_from) '
         'VALUES (''tier'', ''x'', 1, ''mail'', 1, now()) RETURNING 1'),
        ('UPDATE segment.treatment SET holdout = 0 RETURNING 1'), ('DELETE FROM segment.treatment RETURNING 1')) AS v (d) $$;
SET SESSION AUTHORIZATION regress_reader;
SELECT * FROM deeds();
SET SESSION AUTHORIZATION regress_other;
SELECT * FROM deeds();
SET SESSION AUTHORIZATION regress_anna;
SELECT * FROM deeds();
SELECT treatment, created_by FROM treatment ORDER BY 1;
RESET SESSION AUTHORIZATION;
SELECT drop_segmentation('tier');
DROP SCHEMA treat CASCADE;
DROP ROLE regress_anna, regress_reader, regress_other, regress_crm;
