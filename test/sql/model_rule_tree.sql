-- Trees of rules: rule_tree, and its leaves as SQL.  That each split is the best there is, test/unit/rule_tree.c shows.
CREATE SCHEMA trees;
SET search_path = trees, segment;
\set VERBOSITY default
\i test/lib/try.psql
\set ECHO none
\i test/lib/iris.psql
\i test/lib/wine.psql
\set ECHO all

-- ---- readable ----
SELECT rule_tree(feature_set(i), 2) AS iris_tree FROM iris AS i \gset
SELECT :'iris_tree';
SELECT leaf, segment, rule, customers, round(share_right::numeric, 4) AS share_right FROM rule_tree_rules(:'iris_tree');
SELECT model_metrics(:'iris_tree');
SELECT segment_id, segment FROM segments(:'iris_tree');
SELECT jsonb_pretty(explain_segment(:'iris_tree'::segment_model, i)), segment_probabilities(:'iris_tree', i) FROM iris AS i
ORDER BY petal_width, petal_length DESC OFFSET 120 LIMIT 1;
\pset format unaligned
SELECT model_to_pmml(:'iris_tree'::segment_model);
\pset format aligned

-- ---- scikit-learn's accuracy ----
-- DecisionTreeClassifier(max_depth, min_samples_leaf, random_state=0).fit(X, y).score(X, y) of scikit-learn 1.2.1, on load_iris(),
-- load_wine()
CREATE TABLE published (name text, max_depth integer, min_leaf integer, accuracy numeric);
INSERT INTO published VALUES
    ('iris', 2, 1, 0.9600), ('iris', 4, 1, 0.9933), ('iris', 4, 10, 0.9600), ('iris', 8, 5, 0.9733),
    ('wine', 2, 1, 0.9213), ('wine', 4, 1, 0.9888), ('wine', 4, 10, 0.9213), ('wine', 8, 5, 0.9494);
SELECT p.*, round(m.ours, 4) AS ours, abs(m.ours - p.accuracy) <= 0.01 AS same
FROM published AS p
CROSS JOIN (SELECT 'iris', feature_set(i) FROM iris AS i UNION ALL SELECT 'wine', feature_set(w) FROM wine AS w) AS s (name, f)
CROSS JOIN LATERAL (SELECT (model_metrics(rule_tree(f, max_depth, min_leaf)) ->> 'accuracy')::numeric AS ours) AS m
WHERE s.name = p.name ORDER BY 1, 2, 3;
-- accuracy is what assigning says
SELECT bool_and((model_metrics(t) ->> 'accuracy')::float8 = (SELECT avg((assign_segment(t, w) = w.label::text)::integer)
        FROM wine AS w)) AS same
FROM generate_series(1, 6) AS depth, LATERAL (SELECT rule_tree(feature_set(w), depth) AS t FROM wine AS w) AS x;

-- ---- rules are the tree: every row, with what is missing or extreme, names and categories that must be quoted ----
CREATE TYPE mood AS ENUM ('a', 'b b', 'c''c');
CREATE FUNCTION h(i bigint, salt integer) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(i, salt) & 9223372036854775807) % 1000003;
CREATE TABLE odd AS
SELECT i AS id, CASE WHEN h(i, 1) % 9 = 0 THEN NULL ELSE (h(i, 2) % 50) * 1.1 END::float8 AS "a ""b",
       (ARRAY[0, -0.0, 1e308, -1e308, 5e-324, 'Infinity', '-Infinity', NULL, 1, 1.0000000000000002, 'NaN', 3.3])[1 + h(i,
        3) % 12]::float8 AS x,
       (ARRAY['it''s', 'back\slash', 'say "hi"', 'é', '', NULL, ';DROP TABLE odd--', 'plain', '$$'])[1 + h(i, 4) % 9] AS "select",
       h(i, 5) % 3 = 0 AS flag, (ARRAY['a', 'b b', 'c''c', NULL])[1 + h(i, 6) % 4]::mood AS mood,
       ((h(i, 7) % 100) / 7.0)::numeric(10, 3) AS amount, (h(i, 8) % 10)::smallint AS n, (h(i, 9) % 100 / 3.0)::real AS r
FROM generate_series(1, 3000) AS i;
ALTER TABLE odd ADD label text, ADD two text;
UPDATE odd SET label = CASE WHEN x > 1 OR x IS NULL THEN 'p' WHEN "select" IN ('it''s', '', 'é') THEN 'q'
                            WHEN "a ""b" IS NULL AND flag THEN 'r' WHEN amount > 7 OR mood = 'c''c' THEN 's' WHEN r < 10
        THEN 't' ELSE 'u' END,
    two = CASE WHEN ("select" IN ('it''s', '$$', 'plain') OR x < 1) <> (mood IS NULL OR r > 20) THEN 'yes' ELSE 'no' END;
UPDATE odd SET label = 'noise' WHERE h(id, 10) % 15 = 0;
CREATE FUNCTION same_as_rules(query text, nan boolean, OUT leaves integer, OUT rows bigint, OUT nowhere bigint, OUT wrong bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    t segment_model;
    cases text;
BEGIN
    EXECUTE query INTO t;
    SELECT count(*), string_agg(format('CASE WHEN %s THEN %L END', rule, segment), ', ') INTO leaves, cases FROM rule_tree_rules(t, nan);
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE is_now IS NULL),
                           count(*) FILTER (WHERE array_remove(found, NULL) IS DISTINCT FROM array_remove(ARRAY[is_now], NULL))
                    FROM (SELECT assign_segment($1, o) AS is_now, ARRAY[%s] AS found FROM unseen AS o) AS a', cases)
    INTO rows, nowhere, wrong USING t;
END $$;
-- what training met, and what it did not: other values, all missing, an unknown category
CREATE TABLE unseen AS
SELECT id, "a ""b", x, "select", flag, mood, amount, n, r FROM odd
UNION ALL SELECT -id, r * 3, amount::float8, 'never met', NULL, NULL, (x - 1)::numeric, NULL, "a ""b"::real FROM odd
        WHERE x BETWEEN -10 AND 10
UNION ALL SELECT 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
SELECT label, depth, leaf, r.* FROM unnest('{label,two}'::text[]) AS label, (VALUES (2, 1), (4, 20), (6, 1), (12, 1)) AS v (depth, leaf),
    same_as_rules(format('SELECT rule_tree(feature_set(o), %s, %s)
                          FROM (SELECT %s AS label, "a ""b", x, "select", flag, mood, amount, n, r FROM odd) AS o', depth, leaf,
        label), true) AS r
ORDER BY 1, 2;
-- without NaN, rules without it
UPDATE unseen SET x = NULL WHERE x = 'NaN';
SELECT label, depth, r.* FROM unnest('{label,two}'::text[]) AS label, (VALUES (4), (12)) AS v (depth),
    same_as_rules(format('SELECT rule_tree(feature_set(o), %s, 1)
                          FROM (SELECT %s AS label, "a ""b", x, "select", flag, mood, amount, n, r FROM odd) AS o', depth, label),
        false) AS r
ORDER BY 1, 2;
-- neighbouring doubles, which need all digits, and the ends of the range
CREATE TABLE ends AS
SELECT x, (row_number() OVER (ORDER BY x) % 2)::integer AS label
FROM unnest(ARRAY['-Infinity', -1.7976931348623157e308, -1, -0.9999999999999999, -5e-324, 0, 5e-324, 1, 1.0000000000000002,
                  1.0000000000000004, 1.7976931348623157e308, 'Infinity']::float8[]) AS x;
SELECT rule_tree(feature_set(e), 20, 1) AS ends_tree FROM (SELECT label, x FROM ends) AS e \gset
SELECT rule, segment FROM rule_tree_rules(:'ends_tree');
SELECT count(*), count(*) FILTER (WHERE assign_segment(:'ends_tree'::segment_model, x) = label::text) AS told_apart FROM ends;
-- create_rule_segmentation takes them
SELECT rule_tree(feature_set(o), 6, 1) AS odd_tree FROM (SELECT two, "select", mood, r FROM odd) AS o \gset
SELECT create_rule_segmentation('odd', 'TABLE odd',
                                (SELECT json_object_agg(segment || leaf, rule) FROM rule_tree_rules(:'odd_tree')));
SELECT outcome FROM refresh_segmentation('odd');
SELECT count(*), count(*) FILTER (WHERE regexp_replace(m.segment, '\d+$', '') = assign_segment(:'odd_tree'::segment_model, o)) AS same
FROM odd AS o JOIN odd_segments AS m USING (id);

-- ---- PMML says the same: its predicates as SQL ----
CREATE FUNCTION pmml_sql(node xml, is_text text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    field text := (xpath('/*/@field', node))[1]::text;
    value text := (xpath('/*/@value', node))[1]::text;
    parts xml[] := xpath('/*/*', node);
    operator text := (xpath('/*/@operator | /*/@booleanOperator', node))[1]::text;
BEGIN
    -- xpath leaves entities in attributes as they are
    value := replace(replace(replace(replace(value, '&quot;', '"'), '&lt;', '<'), '&gt;', '>'), '&amp;', '&');
    field := replace(field, '&quot;', '"');
    IF (xpath('name(/*)', node))[1]::text = 'CompoundPredicate' THEN
        RETURN '(' || (SELECT string_agg(pmml_sql(p, is_text), ' ' || operator || ' ') FROM unnest(parts) AS p) || ')';
    END IF;
    RETURN CASE operator WHEN 'isMissing' THEN format('%I IS NULL', field) WHEN 'isNotMissing' THEN format('%I IS NOT NULL', field)
        ELSE format(CASE WHEN field = ANY (is_text) THEN '%I::text %s %L' ELSE '%I %s %L::float8' END, field,
                    CASE operator WHEN 'equal' THEN '=' WHEN 'notEqual' THEN '<>' WHEN 'lessOrEqual' THEN '<=' ELSE '>' END, value) END;
END $$;
CREATE FUNCTION pmml_case(node xml, is_text text[]) RETURNS text LANGUAGE sql AS $$
SELECT CASE WHEN xpath_exists('/*/Node', node)
    THEN 'CASE ' || (SELECT string_agg(format('WHEN %s THEN %s', pmml_sql((xpath('/Node/*[1]', n))[1], is_text), pmml_case(n,
        is_text)), ' ')
                     FROM unnest(xpath('/*/Node', node)) AS n) || ' END'
    ELSE quote_literal((xpath('/*/@score', node))[1]) END $$;
CREATE FUNCTION same_as_pmml(t segment_model, OUT rows bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE assign_segment_id($1, o)::text IS DISTINCT FROM %s) FROM unseen AS o',
                   pmml_case((xpath('//TreeModel/Node', replace(model_to_pmml(t)::text, 'xmlns="http://www.dmg.org/PMML-4_4"',
        '')::xml))[1],
                             '{select,flag,mood}')) INTO rows, wrong USING t;
END $$;
SELECT label, r.* FROM unnest('{label,two}'::text[]) AS label, LATERAL (
    SELECT CASE label WHEN 'label' THEN (SELECT rule_tree(feature_set(o), 6, 1)
                                         FROM (SELECT label, "a ""b", x, "select", flag, mood, amount, n, r FROM odd) AS o)
                ELSE (SELECT rule_tree(feature_set(o), 6, 1) FROM (SELECT two, "a ""b", "select", flag, mood, amount, n, r
        FROM odd) AS o) END AS t) AS m,
    same_as_pmml(t) AS r;

-- ---- the order of rows, how they were collected and merged, and parallel workers change nothing ----
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET maintenance_work_mem = '64MB';
ALTER TABLE odd SET (parallel_workers = 2);
CREATE TABLE trees AS
SELECT 'as it is' AS how, rule_tree(feature_set(o), 8, 1)::text AS t FROM (SELECT label, x, "select", r, amount, mood FROM odd) AS o
UNION ALL
SELECT 'backwards', rule_tree(feature_set(o), 8, 1)::text FROM (SELECT label, x, "select", r, amount, mood FROM odd ORDER BY id DESC) AS o
UNION ALL
SELECT 'by hash', rule_tree(feature_set(o), 8, 1)::text FROM (SELECT label, x, "select", r, amount, mood FROM odd ORDER BY h(id, 77)) AS o
UNION ALL
SELECT 'merged', rule_tree(feature_set_merge(f), 8, 1)::text
FROM (SELECT feature_set(o) AS f FROM (SELECT id, label, x, "select", r, amount, mood FROM odd) AS i,
      LATERAL (SELECT i.label, i.x, i."select", i.r, i.amount, i.mood) AS o GROUP BY i.id % 7) AS p;
SELECT count(*), count(DISTINCT t) AS trees FROM trees;
RESET maintenance_work_mem;
-- rows without a label, or with an infinite one, are skipped and counted
SELECT model_metrics(rule_tree(feature_set(CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN 'Infinity'::float8 ELSE i % 2 END,
        i % 2, i), 1)) - 'label' AS m
FROM generate_series(1, 100) AS i;

-- ---- a single label; nothing to go by; what is missing in all rows ----
SELECT rule_tree(feature_set(7, i)) AS single FROM generate_series(1, 5) AS i \gset
SELECT rule, segment FROM rule_tree_rules(:'single');
SELECT rule, segment, customers FROM rule_tree_rules((SELECT rule_tree(feature_set(i % 2, 3)) FROM generate_series(1, 10) AS i));
SELECT rule_tree(feature_set(o), min_leaf => 1) AS never FROM (SELECT i % 2 AS label, NULL::text AS a, i % 2 AS b
        FROM generate_series(1, 9) AS i) AS o \gset
SELECT rule, segment FROM rule_tree_rules(:'never');
SELECT assign_segment(:'never'::segment_model, 'x', 1), assign_segment(:'never'::segment_model, NULL::text, 0),
        assign_segment(:'never'::segment_model, 'x', NULL) IS NULL AS nowhere,
       explain_segment(:'never'::segment_model, 'x', NULL);
SELECT rule_tree(NULL);

-- ---- errors ----
CREATE TABLE five AS SELECT i % 2 AS label, i AS a FROM generate_series(1, 5) AS i;
SELECT try(q) FROM unnest(ARRAY[
    'SELECT rule_tree(feature_set(label)) FROM five', 'SELECT rule_tree(feature_set(NULL, a)) FROM five',
    'SELECT rule_tree(feature_set(a / 2.0, a)) FROM five', 'SELECT rule_tree(feature_set(label, a), 0) FROM five',
    'SELECT rule_tree(feature_set(label, a), 21) FROM five', 'SELECT rule_tree(feature_set(label, a), NULL) FROM five',
    'SELECT rule_tree(feature_set(label, a), min_leaf => 0) FROM five', 'SELECT rule_tree(feature_set_weighted(1, label, a)) FROM five',
    'SELECT rule_tree(feature_set(i, i)) FROM generate_series(1, 1001) AS i',
    'SELECT rule_tree(feature_set(r)) FROM (SELECT '''' AS label, a FROM five) AS r',
    'SELECT rule_tree_rules(kmeans(feature_set(a), 2)) FROM five', 'SELECT centroids(rule_tree(feature_set(label, a))) FROM five',
    'SELECT assign_segment(rule_tree(feature_set(label, a)), 1, 2) FROM five']) AS q;
SET maintenance_work_mem = '1MB';
SELECT try('SELECT rule_tree(feature_set(i % 900, i), 20, 1) FROM generate_series(1, 4000) AS i');
RESET maintenance_work_mem;

-- ---- forged models ----
SELECT place, value, left(try(format('SELECT jsonb_set(%L::jsonb, %L, %L)::segment_model', :'odd_tree', place, value)), 120) FROM (VALUES
    ('{max_depth}', '0'), ('{min_leaf}', '0'), ('{label}', '1'), ('{features}', '[]'), ('{features,0,categories}', '["b", "a"]'),
    ('{features,0,categories}', '[]'), ('{features,2,categories}', '["a"]'), ('{nodes}', '[]'), ('{nodes,0,feature}', '4'),
    ('{nodes,0,feature}', '1'), ('{nodes,0,missing}', '1'), ('{nodes,1,in,0}', '"nobody"'), ('{nodes,0}', '{"counts": [1, 1]}'),
    ('{segments}', '[{"id": 1, "name": "a"}]'), ('{n_used}', '2999')) AS v (place, value);
SELECT try(format('SELECT (%L::jsonb #- ''{nodes,-1}'')::segment_model', :'odd_tree')), try(format('SELECT jsonb_set(%L::jsonb, ''{nodes}'',
    (SELECT jsonb_agg(''{"feature": 3, "at_most": 1, "missing": null}''::jsonb) FROM generate_series(1, 100000)))::segment_model',
        :'odd_tree'));
SELECT :'odd_tree'::segment_model::text = :'odd_tree' AS text, :'odd_tree'::jsonb::segment_model::text = :'odd_tree' AS jsonb;
SET client_min_messages = warning;
SELECT drop_segmentation('odd');
DROP SCHEMA trees CASCADE;
