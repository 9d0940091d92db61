-- Traits, personas and scorecards run with the rights of whoever asks: who sees them, and what others' code can do.
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE ROLE regress_crm;
CREATE ROLE regress_anna IN ROLE regress_crm;
CREATE ROLE regress_reader;
CREATE ROLE regress_other;
CREATE SCHEMA persons AUTHORIZATION regress_crm;
GRANT USAGE ON SCHEMA persons TO PUBLIC;
SET search_path = persons, segment;
\i test/lib/try.psql
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE TABLE customers AS SELECT n AS id, n AS revenue, 'town ' || n % 2 AS town FROM generate_series(1, 200) AS n;
CREATE TABLE consent AS SELECT id, 'mail'::text AS channel FROM customers;
CREATE TABLE orders AS SELECT id AS customer, timestamptz '2024-12-20' AS at, revenue AS value FROM customers;
SELECT FROM create_rule_segmentation('tier', 'customers', '{"Gold": "revenue > 150"}', rest => 'Others', keep => '{revenue}');
SELECT outcome FROM refresh_segmentation('tier', '2025-01-01');
SELECT create_metric('revenue', 'orders', 'mean');
RESET ROLE;
SELECT FROM note_segment('tier', 'Gold', 'need', 'somebody who answers');
GRANT SELECT ON tier_segments, tier_history TO regress_reader;
CREATE FUNCTION deeds() RETURNS TABLE (deed text, outcome text) LANGUAGE sql AS $$
    SELECT d, try(d) FROM (VALUES
        ('SELECT string_agg(concat(segment, not_shown), '', '' ORDER BY segment) FROM segment.persona WHERE segmentation = ''tier'''),
        ('SELECT string_agg(need, '', '') FROM segment.persona(''tier'')'),
        ('SELECT count(*) FROM segment.persona(''tier'', ''TABLE persons.consent'')'),
        ('SELECT count(*) FROM segment.segment_traits(''SELECT segment, revenue FROM persons.tier_segments'')'),
        ('SELECT count(*) FROM segment.segment_traits(''SELECT town, revenue FROM persons.customers'')'),
        ('SELECT count(*) FROM segment.segment_scorecard(''tier'', ''revenue'')'),
        ('SELECT count(*) FROM segment.segment_scorecard(''tier'', ''revenue'', ''persons.consent'')')) AS v (d) $$;
SET SESSION AUTHORIZATION regress_reader;
SELECT * FROM deeds();
SET SESSION AUTHORIZATION regress_other;
SELECT * FROM deeds();
SET SESSION AUTHORIZATION regress_anna;
SELECT * FROM deeds();

-- ---- row security of a source holds ----
SET ROLE regress_crm;
GRANT SELECT ON customers TO regress_reader;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON customers FOR SELECT TO regress_reader USING (id <= 100);
SET SESSION AUTHORIZATION regress_reader;
SELECT segment, sum(customers) FROM segment_traits('SELECT town, revenue FROM persons.customers') GROUP BY 1 ORDER BY 1;

-- ---- attack: a query whose text runs as somebody else ----
SET SESSION AUTHORIZATION regress_other;
SELECT try($$SELECT string_agg(DISTINCT value, ',')
             FROM segment_traits('SELECT 1, current_user AS me, session_user AS login FROM generate_series(1, 20)')$$);
SELECT try($$SELECT count(*) FROM segment_traits('SELECT 1, set_config(''role'', ''regress_crm'', false)')$$), current_user;
RESET ROLE;
SELECT try($$SELECT count(*) FROM segment_traits('SELECT 1, 2) AS x; DROP TABLE persons.customers; SELECT (1')$$);
SELECT try($$SELECT count(*) FROM segment_traits('SELECT 1 AS "a"" integer); SELECT 1; --", 2 AS "b', '' x"')$$);
SELECT try($$SELECT string_agg(DISTINCT attribute, '|') FROM segment_traits('SELECT 1 AS "a"" integer); --", 2 AS "b'', '' $1 % %s x"')$$);

-- ---- attack: an owner's own type, whose cast to text is his own function, in a table that others read ----
RESET SESSION AUTHORIZATION;
CREATE SCHEMA trap AUTHORIZATION regress_other;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET SESSION AUTHORIZATION regress_other;
SET search_path = trap, segment;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (a integer, b integer);
CREATE FUNCTION steal(pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE FUNCTION steal(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE CAST (pair AS text) WITH FUNCTION steal(pair) AS IMPLICIT;
CREATE CAST (mood AS text) WITH FUNCTION steal(mood) AS IMPLICIT;
CREATE FUNCTION about(double precision) RETURNS double precision LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE TABLE baited AS
SELECT i AS id, (i % 2, 1)::pair AS pair, (ARRAY['good', 'bad'])[1 + i % 2]::mood AS mood, i AS n
FROM generate_series(1, 100) AS i;
SELECT FROM create_rule_segmentation('bait', 'baited', '{"All": "true"}', keep => '{n}');
SELECT outcome FROM refresh_segmentation('bait', '2025-01-01');
GRANT SELECT ON baited, bait_segments, bait_history TO regress_reader;
SET SESSION AUTHORIZATION regress_reader;
SET search_path = trap, segment, pg_catalog;
SELECT persons.try($$SELECT string_agg(DISTINCT attribute || ' ' || value, ', ' ORDER BY attribute || ' ' || value)
                     FROM segment_traits('SELECT 1, pair, mood FROM baited')$$);
SELECT persons.try($$SELECT string_agg(segment || typical::text, ', ') FROM persona('bait')$$);
SELECT persons.try($$SELECT string_agg(segment || typical::text, ', ') FROM persona('bait', 'SELECT id, mood, pair FROM baited')$$);
-- the table made into one whose reading runs code is not read
SET SESSION AUTHORIZATION regress_other;
CREATE POLICY trap ON bait_segments FOR SELECT USING (n > 0);
ALTER TABLE bait_segments ENABLE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_reader;
SELECT segmentation, segment, not_shown FROM persona WHERE segmentation = 'bait';
SELECT persons.try($$SELECT count(*) FROM persona('bait')$$);
SELECT persons.try($$SELECT count(*) FROM segment_scorecard('bait', 'revenue')$$);
RESET SESSION AUTHORIZATION;
SET search_path = persons, segment;
SELECT drop_segmentation('tier'), drop_segmentation('bait');
SELECT drop_metric('revenue');
DROP SCHEMA persons, trap CASCADE;
DROP ROLE regress_anna, regress_reader, regress_other, regress_crm;
