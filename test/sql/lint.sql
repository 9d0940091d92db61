-- What lint_segmentation finds, and what it does not.
SET search_path = public, segment;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset format unaligned

CREATE TABLE facts AS
SELECT n AS id, n * 37 % 2000 AS revenue, n % 9 AS orders, timestamptz '2020-11-20' - n % 300 * interval '1 day' AS last_order_at,
       CASE n % 3 WHEN 0 THEN true WHEN 1 THEN false END AS unsubscribed, CASE WHEN n % 4 > 0 THEN 'c' || n % 7 END AS city,
       CASE WHEN n > 10 THEN n END AS mostly, n % 2 = 0 AS even
FROM generate_series(1, 1000) AS n;
CREATE TABLE bad_city AS SELECT 'c1' AS city UNION ALL SELECT NULL;

-- ---- the text alone: each finding, and what is none ----
SELECT rule, f.* FROM unnest(ARRAY[
    'city = NULL', 'NULL <> city', 'orders < NULL::integer', 'lower(city) = NULL', 'NOT (city = NULL)', 'city IS NULL',
        'city IS DISTINCT FROM NULL',
    'city NOT IN (''a'', NULL)', 'NOT (city IN (''a'', NULL))', 'city IN (''a'', NULL)', 'NOT (city NOT IN (''a'', NULL))',
        'city NOT IN (''a'', ''b'')',
    'orders <> 1 OR orders <> 2', 'orders != 1 OR even OR 2 <> source.orders', 'NOT orders = 1 OR NOT orders = 2',
        'orders NOT IN (1) OR orders <> 2',
    'NOT (orders = 1 AND orders = 2)', 'orders <> 1 OR orders <> 1', 'orders <> 1 AND orders <> 2', 'orders <> 1 OR revenue <> 2',
        'orders <> 1 OR orders <> revenue',
    '(orders <> 1 OR orders <> 2) AND even', 'orders <> 1 OR even AND orders <> 2', 'orders NOT IN (1, 2) OR orders NOT IN (2, 3)',
    'orders = 1 AND orders = 2', 'orders = 1 OR orders = 2', 'NOT (orders <> 1 OR orders <> 2)', 'orders = 1 AND (even AND orders = 2)',
        '(orders = 1 AND orders = 2) IS NOT TRUE',
    'NOT unsubscribed', 'unsubscribed', 'unsubscribed IS NOT TRUE', 'NOT (unsubscribed IS TRUE)', 'NOT coalesce(unsubscribed, false)',
        'NOT NOT unsubscribed',
    'city <> ''a''', 'NOT city = ''a''', 'NOT city <> ''a''', 'city NOT LIKE ''a%''', 'city NOT BETWEEN ''a'' AND ''b''', 'NOT orders > 5',
        'orders > 5', 'city <> ''a'' OR city IS NULL',
    'NOT (unsubscribed OR orders > 5)', 'NOT (a AND (b OR NOT c))', 'lower(city) <> ''a''', 'NOT "Odd ""name"""',
    'city NOT IN (SELECT city FROM bad_city)', 'city IN (SELECT city FROM bad_city)',
        'NOT (city IN (SELECT b.city /* one */ FROM bad_city AS b))', 'city <> ALL (SELECT city FROM bad_city)',
    'NOT EXISTS (SELECT FROM bad_city AS b WHERE b.city <> facts.city)', '(id, city) NOT IN (SELECT 1, city FROM bad_city)',
        'CASE WHEN city = NULL THEN true END']) AS rule,
    LATERAL segment_internal.rule_slips(rule) AS f;

-- ---- with the data ----
SELECT create_rule_segmentation('life', 'facts', '{
    "VIP":       "revenue > 1000 AND orders >= 3",
    "Gone":      "last_order_at < as_of() - interval ''5 years''",
    "Great":     "revenue > 1500 AND orders >= 3",
    "Rich":      "revenue > 1000 AND orders > 2",
    "Silent":    "NOT unsubscribed AND revenue > 900",
    "Other city": "city <> ''c1''",
    "Elsewhere": "city NOT IN (SELECT city FROM bad_city)",
    "Nobody":    "city = NULL",
    "Slip":      "orders <> 1 OR orders <> 2",
    "Late":      "orders = 1",
    "Half":      "mostly > 500"}', rest => 'Others');
SELECT * FROM lint_segmentation('life', '2020-11-25');
SELECT (refresh_segmentation('life', '2020-11-25')).outcome;
-- years later all are gone; nobody is in the segment yet
SELECT segment, finding, message FROM lint_segmentation('life', '2026-11-25') WHERE segment = 'Gone';
SELECT segment, finding FROM lint_segmentation('life', '2020-11-25') WHERE finding = 'no_members';
-- each fix, as it is told, ends the finding
SELECT outcome FROM set_segment_rule('life', 'Great', priority => 1);
SELECT outcome FROM set_segment_rule('life', 'Nobody', 'city IS NULL', refresh => false);
SELECT outcome FROM set_segment_rule('life', 'Slip', 'orders NOT IN (1, 2)', refresh => false);
SELECT outcome FROM set_segment_rule('life', 'Silent', 'unsubscribed IS NOT TRUE AND revenue > 900', refresh => false);
SELECT outcome FROM set_segment_rule('life', 'Elsewhere',
    'NOT EXISTS (SELECT FROM bad_city AS b WHERE b.city = source.city) AND city IS NOT NULL', refresh => false);
SELECT segment, finding, severity FROM lint_segmentation('life', '2020-11-25');

-- overlapping: no priority, and so nothing is taken
SELECT create_rule_segmentation('tags', 'facts',
    '{"all": "true", "even": "even", "too": "id % 2 = 0", "nearly": "id % 2 = 0 AND id > 20", "less": "id % 2 = 0 AND id > 60", "none": '
        '"orders > 9"}', exclusive => false);
SELECT * FROM lint_segmentation('tags');
-- the last one may be true: the rest
SELECT create_rule_segmentation('last', 'facts', '{"even": "even", "rest": "true"}');
SELECT * FROM lint_segmentation('last');
SELECT create_rule_segmentation('clean', 'facts', '{"even": "even", "odd": "NOT even AND orders < 3"}', rest => 'others');
SELECT (refresh_segmentation('clean', '2020-11-25')).outcome;
SELECT * FROM lint_segmentation('clean');

-- ---- rules that fail for rows that others keep out ----
SELECT create_rule_segmentation('risky', 'facts', '{"zero": "orders = 0", "dear": "revenue / orders > 500",
    "ninth": "id % 9 = 1 AND NOT unsubscribed", "worse": "sqrt(orders - 5) > 1", "last": "orders > 5"}', rest => 'others');
SELECT * FROM lint_segmentation('risky');

-- ---- figures against plain SQL, on random rules ----
CREATE TABLE thing AS
SELECT n AS id, CASE WHEN n % 11 > 0 THEN hashint4(n) % 10 END AS a, hashint4(n + 100000) % 10 AS b, hashint4(n + 200000) % 10 AS c
    FROM generate_series(1, 40000) AS n;
CREATE TABLE random_rule AS
SELECT n::integer AS n, format('%s %s %s', ('{a,b,c,a + b,b - c,a * c}'::text[])[1 + n % 6], ('{<,>,=,<>}'::text[])[1 + n % 4],
    (n * 7) % 19 - 9) AS rule
FROM generate_series(1, 24) AS n
UNION ALL VALUES (25, 'b < 9 AND id > 100'), (26, 'b <= 8');
SELECT create_rule_segmentation('random', 'thing', (SELECT json_object_agg('r' || n, rule ORDER BY n) FROM random_rule));
CREATE TABLE answer AS SELECT * FROM unnest((
    SELECT segment_internal.count_answers(s, (SELECT array_agg(rule ORDER BY n) FROM random_rule), '{a IS NULL}') FROM segment.segmentation
        AS s WHERE name = 'random'));
CREATE FUNCTION ask(rule text) RETURNS TABLE (id integer, holds boolean) LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE format('SELECT id, (%s) FROM thing', rule); END $$;
CREATE TABLE truth AS SELECT r.n, t.id, t.holds FROM random_rule AS r, LATERAL ask(r.rule) AS t;
CREATE TABLE first AS SELECT id, min(n) AS n FROM truth WHERE holds GROUP BY id;
ANALYZE truth, first;
WITH size AS (
    SELECT n, count(*) AS n_true FROM truth WHERE holds GROUP BY n
), expected AS (
    SELECT 'rows' AS what, NULL::integer AS rule, NULL::integer AS other, count(*) AS customers FROM thing
    UNION ALL SELECT 'true', n, NULL, count(*) FILTER (WHERE holds) FROM truth GROUP BY n
    UNION ALL SELECT 'unknown', n, NULL, count(*) FILTER (WHERE holds IS NULL) FROM truth GROUP BY n
    UNION ALL SELECT 'true', 27, NULL, count(*) FROM thing WHERE a IS NULL
    UNION ALL SELECT 'unknown', 27, NULL, 0
    UNION ALL SELECT 'first', r.n, NULL, count(f.id) FROM random_rule AS r LEFT JOIN first AS f USING (n) GROUP BY r.n
    UNION ALL (SELECT 'taken', n, by, customers
               FROM (SELECT t.n, f.n AS by, count(*) AS customers, row_number() OVER (PARTITION BY t.n ORDER BY count(*) DESC, f.n) AS place
                     FROM truth AS t JOIN first AS f ON f.id = t.id AND f.n < t.n WHERE t.holds GROUP BY t.n, f.n) AS x WHERE place <= 3)
    UNION ALL (SELECT 'near', i, j, x.both
               FROM (SELECT a.n AS i, b.n AS j, count(*) AS both
                     FROM truth AS a JOIN truth AS b ON b.id = a.id AND a.n < b.n WHERE a.holds AND b.holds GROUP BY 1, 2) AS x
               JOIN size AS a ON a.n = i JOIN size AS b ON b.n = j WHERE x.both > 0.95 * (a.n_true + b.n_true - x.both))
), wrong AS (
    (TABLE expected EXCEPT TABLE answer) UNION ALL (TABLE answer EXCEPT TABLE expected)
)
SELECT (SELECT count(*) FROM answer) > 100 AS many, (SELECT count(*) FROM answer WHERE what = 'near') > 0 AS some_near, count(*) AS wrong
    FROM wrong;

-- ---- 2,000 rules ----
SELECT create_rule_segmentation('many', 'facts', (SELECT json_object_agg('s' || n, format('id = %s AND orders <> %s', n, n % 5))
    FROM generate_series(1, 2000) AS n));
SELECT finding, count(*) FROM lint_segmentation('many') GROUP BY 1 ORDER BY 1;

-- ---- other kinds, and nothing to look at ----
SELECT create_rfm_segmentation('rfm', 'SELECT id, last_order_at, revenue FROM facts');
SELECT count(*) FROM lint_segmentation('rfm');
SELECT (refresh_segmentation('rfm', '2020-11-25')).outcome;
SELECT count(*) FILTER (WHERE finding = 'no_members') - (SELECT count(*) FROM segment.segment WHERE segmentation = 'rfm' AND customers = 0
    AND closed_at IS NULL) AS wrong,
       count(*) > 0 AS some FROM lint_segmentation('rfm');
SELECT create_rule_segmentation('empty', 'SELECT * FROM facts WHERE false', '{"a": "even", "b": "NOT even"}');
SELECT * FROM lint_segmentation('empty');
\set VERBOSITY terse
SELECT * FROM lint_segmentation('no_such');
SELECT * FROM lint_segmentation(NULL);
ALTER TABLE facts DROP COLUMN even;
SELECT * FROM lint_segmentation('clean');

-- ---- the settings of no session ----
SET standard_conforming_strings = off;
SELECT segment, finding FROM lint_segmentation('life', '2020-11-25') WHERE finding = 'near_duplicate';
RESET standard_conforming_strings;
SHOW segment.as_of;

-- ---- rights: with those of the owner, whoever asks ----
CREATE ROLE regress_segment_linted;
CREATE ROLE regress_segment_asks;
CREATE SCHEMA regress_linted AUTHORIZATION regress_segment_linted;
GRANT USAGE ON SCHEMA regress_linted TO PUBLIC;
SET ROLE regress_segment_linted;
SET search_path = regress_linted, segment;
CREATE TABLE own AS SELECT n AS id, n AS points FROM generate_series(1, 20) AS n;
CREATE FUNCTION spies(id integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    BEGIN
        PERFORM set_config('role', 'none', false);
        RAISE WARNING 'reset';
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    IF current_user <> 'regress_segment_linted' THEN
        RAISE WARNING 'asked by %', current_user;
    END IF;
    RETURN current_user = 'regress_segment_linted';
END $$;
SELECT create_rule_segmentation('spy', 'own', '{"asked": "spies(id) AND NOT points IN (SELECT points FROM own WHERE spies(id) AND id < '
    '3)", "rest": "NOT spies(id)"}');
RESET ROLE;
-- a superuser
SELECT segment, finding, message FROM lint_segmentation('spy');
GRANT SELECT ON regress_linted.spy_segments TO regress_segment_asks;
SET ROLE regress_segment_asks;
SELECT * FROM segment.lint_segmentation('spy');
RESET ROLE;
-- what its rules read may be forbidden to the owner by now
SET ROLE regress_segment_linted;
SELECT set_segment_rule('spy', 'rest', 'EXISTS (SELECT FROM public.facts)');
RESET ROLE;
SET search_path = public, segment;
SET client_min_messages = warning;
SELECT count(drop_segmentation(name)) FROM segment.segmentation;
DROP OWNED BY regress_segment_linted, regress_segment_asks;
DROP ROLE regress_segment_linted, regress_segment_asks;
DROP TABLE facts, bad_city, thing, random_rule, answer, truth, first;
DROP FUNCTION ask;
