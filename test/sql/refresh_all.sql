-- All segmentations in the order of what they use: refresh_all_segmentations().
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
\set VERBOSITY terse

CREATE TABLE orders AS
SELECT n * n % 61 % 40 AS customer_id, timestamptz '2025-01-01' + n * interval '5 hours' AS ordered_at, n * 7919 % 101 AS amount
FROM generate_series(1, 300) AS n;
CREATE TABLE people AS SELECT n AS customer_id, n * 10 AS points, 1 AS divisor FROM generate_series(0, 39) AS n;

-- ---- order: what is used first, and else by name ----
SELECT create_rfm_segmentation('z_loyalty', 'orders', schema => 'public', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('z_loyalty', '2025-03-01');
SELECT create_rule_segmentation('m_points', 'people', '{"Many": "points / divisor > 200"}', rest => 'Few');
SELECT create_rule_segmentation('b_both', 'people',
    '{"Best": "in_segment(''z_loyalty'', ''Champions'') AND in_segment(''m_points'', ''Many'')",
      "Any": "in_segment(''z_loyalty'', ''Champions'') OR in_segment(''m_points'', ''Many'')"}');
CREATE VIEW best AS SELECT customer_id, segment FROM b_both_segments;
SELECT create_rule_segmentation('a_last', 'SELECT p.*, b.segment FROM people AS p LEFT JOIN best AS b USING (customer_id)',
                                '{"Best": "segment = ''Best''"}');
SELECT create_rule_segmentation('n_alone', 'people', '{"All": "true"}');
SELECT create_rule_segmentation('c_within', 'people',
                                '{"In": "EXISTS (SELECT FROM n_alone_history AS h WHERE h.customer_id = source.customer_id)"}');
SELECT * FROM segmentation_uses ORDER BY 1, 3, 4;
CALL refresh_all_segmentations();
SELECT segmentation, outcome FROM run WHERE run_id > 1 ORDER BY run_id;
SELECT segment, count(*) FROM b_both_segments GROUP BY 1 ORDER BY 1;
-- each is a transaction of its own
SELECT count(DISTINCT s.xmin::text) FROM segmentation AS s;
-- a view that reads another one now
SELECT create_rule_segmentation('zz_view', 'people', '{"All": "true"}');
CREATE OR REPLACE VIEW best AS SELECT customer_id, segment FROM zz_view_segments;
SELECT max(run_id) AS last FROM run \gset
CALL refresh_all_segmentations();
SELECT segmentation, outcome FROM run WHERE run_id > :last ORDER BY run_id;
SELECT uses FROM segmentation_uses WHERE segmentation = 'a_last';

-- ---- what fails stops nobody but its dependants ----
CREATE OR REPLACE VIEW best AS SELECT customer_id, segment FROM b_both_segments;
UPDATE people SET divisor = 0 WHERE customer_id = 7;
SELECT max(run_id) AS last FROM run \gset
CALL refresh_all_segmentations();
SELECT segmentation, outcome, error_code, error FROM segment_run WHERE run_id > :last ORDER BY run_id;
SELECT segmentation, last_outcome, last_error FROM segmentation_status ORDER BY 1;
SELECT segment, count(*) FROM b_both_segments GROUP BY 1 ORDER BY 1;
UPDATE people SET divisor = 1;
-- so does what is refused
DELETE FROM people WHERE customer_id > 5;
SELECT max(run_id) AS last FROM run \gset
CALL refresh_all_segmentations();
SELECT segmentation, outcome, error FROM segment_run WHERE run_id > :last ORDER BY run_id;
INSERT INTO people SELECT n, n * 10, 1 FROM generate_series(6, 39) AS n;
-- and a table that is gone, which no refresh can log
ALTER TABLE n_alone_segments RENAME TO gone;
DROP TABLE gone;
CALL refresh_all_segmentations();
SELECT segmentation, outcome, error FROM segment_run WHERE segmentation IN ('n_alone', 'c_within') ORDER BY run_id DESC LIMIT 2;
SELECT drop_segmentation('n_alone');
SELECT outcome FROM set_segment_rule('c_within', 'In', 'true');
CALL refresh_all_segmentations();

-- ---- sources that read each other in a ring are refreshed by name ----
CREATE VIEW ring AS SELECT * FROM people;
SELECT create_rule_segmentation('ring_b', 'ring', '{"All": "true"}');
SELECT create_rule_segmentation('ring_a', 'SELECT p.* FROM people AS p LEFT JOIN ring_b_history USING (customer_id)', '{"All": "true"}');
CREATE OR REPLACE VIEW ring AS SELECT p.* FROM people AS p WHERE NOT EXISTS (SELECT FROM ring_a_history AS h WHERE h.customer_id = -1);
SELECT max(run_id) AS last FROM run \gset
CALL refresh_all_segmentations();
SELECT segmentation, outcome FROM run WHERE run_id > :last AND segmentation LIKE 'ring%' ORDER BY run_id;
SELECT segmentation, how, uses FROM segmentation_uses WHERE segmentation LIKE 'ring%' ORDER BY 1;
SELECT drop_segmentation('ring_a', cascade => true);
SELECT drop_segmentation(name) FROM unnest('{ring_b,a_last,zz_view,c_within}'::text[]) AS name;

-- ---- instants ----
CALL refresh_all_segmentations('infinity');
DO $$ BEGIN
    CALL segment.refresh_all_segmentations(as_of => now() + interval '1 day');
EXCEPTION WHEN invalid_parameter_value THEN
    RAISE NOTICE '%', regexp_replace(SQLERRM, '\d.*\d', 'INSTANT');
END $$;
SELECT max(run_id) AS last FROM run \gset
SELECT now() AS at \gset
CALL refresh_all_segmentations(as_of => :'at');
SELECT segmentation, outcome, as_of = :'at' AS as_asked FROM run WHERE run_id > :last ORDER BY run_id;
SET client_min_messages = error;
CALL refresh_all_segmentations('2025-03-02');
RESET client_min_messages;
SELECT segmentation, outcome, regexp_replace(error, 'was as of .*', 'was as of INSTANT') AS error FROM run ORDER BY run_id DESC LIMIT 3;
-- it commits, and so cannot be a part of something
BEGIN;
CALL refresh_all_segmentations();
ROLLBACK;
DO $$ BEGIN EXECUTE 'CALL segment.refresh_all_segmentations()'; END $$;

-- ---- by whoever owns some of them, whatever the search_path ----
CREATE ROLE regress_segment_some;
CREATE SCHEMA regress_some AUTHORIZATION regress_segment_some;
GRANT SELECT ON m_points_segments TO regress_segment_some;
SET SESSION AUTHORIZATION regress_segment_some;
SET search_path = regress_some, segment;
CREATE TABLE people AS SELECT n AS customer_id FROM generate_series(1, 9) AS n;
SELECT create_rule_segmentation('own_c', 'people', '{"Few": "in_segment(''m_points'', ''Few'')"}');
SELECT create_rule_segmentation('own_b', 'people', '{"Few": "in_segment(''own_c'', ''Few'')"}');
-- operators and functions of others do not come in between
CREATE FUNCTION no(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'called'; RETURN false; END $$;
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = no);
SET search_path = regress_some, pg_catalog;
CALL segment.refresh_all_segmentations();
SET search_path = segment;
SELECT segmentation, outcome, customers, run_by FROM run WHERE run_by = 'regress_segment_some' ORDER BY run_id;
RESET SESSION AUTHORIZATION;
SET search_path = public, segment;
CALL refresh_all_segmentations();
SET client_min_messages = warning;
DROP VIEW best;
SELECT drop_segmentation(name) FROM unnest('{own_b,own_c,b_both,m_points,z_loyalty}'::text[]) AS name;
DROP OWNED BY regress_segment_some CASCADE;
DROP ROLE regress_segment_some;
DROP TABLE orders, people;
SELECT count(*) FROM segmentation_use;
