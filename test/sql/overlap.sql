-- What segments have in common: segment_overlap against plain SQL.
SET search_path = public, segment;
SET timezone = 'UTC';
\set SHOW_CONTEXT never

CREATE TABLE customer AS
SELECT n::bigint AS id, 'c' || n % 4000 AS code, n::integer AS small, n::numeric / 1 AS amount,
       (n * 7919 % 10007) AS a, (n * 104729 % 1009) AS b, CASE WHEN n % 5 > 0 THEN n % 100 END AS c
FROM generate_series(1, 5000) AS n;
-- exclusive, overlapping, on a part of the customers, without a rest, and with a segment that nobody is in
SELECT create_rule_segmentation('value', 'SELECT id, a, b FROM customer', '{"high": "a > 8000", "middle": "a > 3000"}', rest => 'low');
SELECT create_rule_segmentation('tags', 'SELECT id, a, b, c FROM customer WHERE id > 500',
    '{"big": "a > 7000", "rare": "b < 20", "known": "c IS NOT NULL", "never": "a < 0", "twin": "a >= 7001", "all": "true"}',
        exclusive => false);
SELECT create_rule_segmentation('parts', 'SELECT small, c FROM customer WHERE small % 3 > 0', '{"odd": "c % 2 = 1", "even": "c % 2 = 0"}');
SELECT create_rule_segmentation('sums', 'SELECT CASE WHEN amount > 0 THEN amount + 0.00 END AS amount, b FROM customer',
    '{"one": "b > 500"}', rest => 'two');
SELECT name, (refresh_segmentation(name, '2025-01-01')).outcome FROM unnest('{value,tags,parts,sums}'::text[]) AS name;

-- the same in plain SQL
CREATE VIEW member AS
SELECT 'value' AS segmentation, segment, id::numeric AS id, 1 AS n FROM value_segments
UNION ALL SELECT 'tags', segment, id, 2 FROM tags_segments
UNION ALL SELECT 'parts', segment, small, 3 FROM parts_segments
UNION ALL SELECT 'sums', segment, amount, 4 FROM sums_segments;
CREATE FUNCTION expected(names text[]) RETURNS TABLE (
    segmentation_a text, segment_a text, segmentation_b text, segment_b text, customers_a bigint, customers_b bigint,
    customers_both bigint, jaccard numeric, lift numeric) LANGUAGE sql AS $$
    WITH s AS (
        SELECT g.segmentation, g.name, (SELECT i FROM unnest(names) WITH ORDINALITY AS n (name, i) WHERE n.name = g.segmentation) AS i,
            g.priority,
               (SELECT count(*) FROM member AS m WHERE m.segmentation = g.segmentation AND m.segment = g.name) AS customers
        FROM segment.segment AS g WHERE g.segmentation = ANY (names)
    ), common AS (
        SELECT x.segmentation AS sa, x.segment AS na, y.segmentation AS sb, y.segment AS nb, count(*) AS n
        FROM member AS x JOIN member AS y USING (id) GROUP BY 1, 2, 3, 4
    ), pair AS (
        SELECT a.segmentation AS sa, a.name AS na, b.segmentation AS sb, b.name AS nb, a.customers AS ca, b.customers AS cb,
               coalesce(n, 0) AS c
        FROM s AS a JOIN s AS b ON a.i < b.i OR a.i = b.i AND a.priority < b.priority AND a.segmentation = 'tags'
        LEFT JOIN common ON (sa, na, sb, nb) = (a.segmentation, a.name, b.segmentation, b.name)
    )
    SELECT sa, na, sb, nb, ca, cb, c, round(c::numeric / nullif(ca + cb - c, 0), 6),
           round(c::numeric * (SELECT count(DISTINCT id) FROM member WHERE segmentation = ANY (names)) / nullif(ca::numeric * cb, 0), 6)
    FROM pair
$$;
CREATE FUNCTION differences(names text[]) RETURNS bigint LANGUAGE sql AS $$
    WITH o AS (SELECT * FROM segment_overlap(VARIADIC names)), e AS (SELECT * FROM expected(names))
    SELECT count(*) FROM ((TABLE o EXCEPT ALL TABLE e) UNION ALL (TABLE e EXCEPT ALL TABLE o)) AS d
$$;
SELECT * FROM segment_overlap('tags');
SELECT * FROM segment_overlap('value', 'parts');
SELECT count(*) FROM segment_overlap('tags', 'value', 'parts', 'sums');
SELECT differences('{tags}'), differences('{value,tags}'), differences('{tags,value}'), differences('{value,tags,parts}'),
       differences('{parts,value,tags,sums}'), differences('{value}');
-- none: all that are shown, by name; each once
SELECT count(*) FROM (SELECT * FROM segment_overlap() EXCEPT ALL SELECT * FROM segment_overlap('parts', 'sums', 'tags', 'value')) AS d;
SELECT count(*) FROM segment_overlap('value', 'value');
-- in parts, when memory is short: thousands of customers more, and text that a collation finds equal
CREATE COLLATION regress_any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE person AS SELECT ('Person ' || n) COLLATE regress_any_case AS name, n FROM generate_series(1, 70000) AS n;
SELECT create_rule_segmentation('people', 'person', '{"third": "n % 3 = 0", "fifth": "n % 5 = 0", "seventh": "n % 7 = 0"}',
    exclusive => false);
SELECT create_rule_segmentation('shouting', 'SELECT upper(name) COLLATE regress_any_case AS name, n FROM person WHERE n % 2 = 0',
    '{"tenth": "n % 10 = 0"}', rest => 'others');
SELECT create_rule_segmentation('whispering', 'SELECT lower(name) COLLATE "C" AS name, n FROM person', '{"tenth": "n % 10 = 0"}');
SELECT name, (refresh_segmentation(name, '2025-01-01')).customers FROM unnest('{people,shouting,whispering}'::text[]) AS name;
CREATE TABLE enough AS SELECT * FROM segment_overlap('people', 'shouting');
TABLE enough;
SELECT segment_a, segment_b, (SELECT count(*) FROM people_segments AS a JOIN shouting_segments AS b USING (name)
                              WHERE a.segment = segment_a AND b.segment = segment_b) - customers_both AS wrong
FROM enough WHERE segmentation_b = 'shouting';
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT count(*) FROM (SELECT * FROM segment_overlap('people', 'shouting') EXCEPT TABLE enough) AS d;
RESET work_mem;
RESET hash_mem_multiplier;
-- keys of other types are not those of the same customers
SELECT count(*) FROM segment_overlap('people', 'whispering', 'tags');
-- domains, varying and fixed text, long text
CREATE DOMAIN label AS varchar(300);
CREATE TABLE labelled AS
SELECT (repeat('x', 250) || n)::label AS plain, (repeat('x', 250) || n)::char(300) AS fixed, n FROM generate_series(1, 300) AS n;
SELECT create_rule_segmentation('labels', 'SELECT plain, n FROM labelled', '{"l": "n > 100"}');
SELECT create_rule_segmentation('fixed', 'SELECT fixed, n FROM labelled', '{"f": "n < 200"}');
SELECT name, (refresh_segmentation(name, '2025-01-01')).customers FROM unnest('{labels,fixed}'::text[]) AS name;
SELECT * FROM segment_overlap('labels', 'fixed');

-- ---- before the first refresh, dropped, altered ----
SELECT create_rule_segmentation('fresh', 'customer', '{"x": "a > 1", "y": "a > 2"}', exclusive => false);
SELECT * FROM segment_overlap('fresh');
SELECT * FROM segment_overlap('no_such');
SELECT * FROM segment_overlap(NULL);
INSERT INTO fresh_segments (id, segment_id, segment, entered_at, entered_reason) SELECT id, 77, 'forged', '2025-01-01', 'new' FROM customer;
SELECT * FROM segment_overlap('fresh');
ALTER TABLE fresh_segments ADD CHECK (id::text <> 'x');
ALTER TABLE fresh_segments RENAME COLUMN segment_id TO other;
SELECT * FROM segment_overlap('fresh');
SELECT drop_segmentation('fresh');
-- what the function underneath refuses
SELECT * FROM segment_internal.overlap_counts('{SELECT 1}', '{t}', '{1}', '{1}');
SELECT * FROM segment_internal.overlap_counts('{SELECT 1 AS a\, 1 AS b,SELECT ''1''\, 1}', '{t,t}', '{1,2}', '{1,1}');
SELECT * FROM segment_internal.overlap_counts('{SELECT 1 AS a\, 1 AS b}', '{t}', '{2}', '{1}');
SELECT * FROM segment_internal.overlap_counts('{SELECT 1 AS a\, 1 AS b}', '{t,f}', '{1}', '{1}');
SELECT * FROM segment_internal.overlap_counts('{SELECT 1 AS a\, 1 AS b}', '{t}', '{1,1}', '{-2147483648,2147483647}');
SELECT * FROM segment_internal.overlap_counts('{}', '{}', '{}', '{}');

-- ---- recipes: near-duplicates, unused segments ----
SELECT segmentation_a, segment_a, segmentation_b, segment_b, jaccard FROM segment_overlap('value', 'tags') WHERE jaccard > 0.95;

-- ---- rights: as the caller ----
CREATE ROLE regress_segment_looker;
SET ROLE regress_segment_looker;
SELECT count(*) FROM segment_overlap();
SELECT * FROM segment_overlap('tags');
RESET ROLE;
GRANT SELECT ON tags_segments, tags_history, parts_segments TO regress_segment_looker;
SET ROLE regress_segment_looker;
SELECT count(*) FROM segment_overlap('tags', 'parts');
SELECT count(*) FROM segment_overlap();
SELECT * FROM segment_overlap('tags', 'value');
RESET ROLE;
-- policies hide members
ALTER TABLE tags_segments ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON tags_segments USING (id < 1000);
SET ROLE regress_segment_looker;
SELECT count(*) FROM segment_overlap();
SELECT * FROM segment_overlap('tags', 'parts');
RESET ROLE;
SET client_min_messages = warning;
DROP VIEW member CASCADE;
SELECT drop_segmentation(name) FROM segment.segmentation;
DROP OWNED BY regress_segment_looker;
DROP ROLE regress_segment_looker;
DROP TABLE customer, person, labelled, enough CASCADE;
DROP COLLATION regress_any_case CASCADE;
DROP DOMAIN label CASCADE;
