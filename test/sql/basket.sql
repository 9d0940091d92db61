--
-- association_rules, item_similarity, recommend: against plain SQL, on types, NULLs, names and errors.
--
CREATE SCHEMA baskets;
SET search_path = baskets, segment;
\i test/lib/try.psql

-- ---- a table one can count by hand ----
CREATE TABLE line (basket integer, item text);
INSERT INTO line VALUES (1, 'bread'), (1, 'milk'), (2, 'bread'), (2, 'butter'), (2, 'milk'), (3, 'milk'), (4, 'bread'), (4, 'butter');
SELECT antecedent, consequent, baskets AS n, round(support::numeric, 4) AS support, round(confidence::numeric, 4) AS confidence,
       round(lift::numeric, 4) AS lift, round(leverage::numeric, 4) AS leverage, round(conviction::numeric, 4) AS conviction,
       round(chi2::numeric, 4) AS chi2, round(chi2_p::numeric, 4) AS p
FROM association_rules(null::text, 'line', 0.25, 0.5, min_length => 1);
SELECT item, rank, similar_item, baskets AS n, item_baskets AS a, similar_baskets AS b, round(cosine::numeric, 4) AS cosine,
       round(jaccard::numeric, 4) AS jaccard, round(lift::numeric, 4) AS lift
FROM item_similarity(null::text, 'SELECT basket, item FROM line;', top => 1);
SELECT customer, rank, item, round(score::numeric, 4) AS score, because FROM recommend(null::integer, null::text, 'line') ORDER BY 1, 2;
-- who has nothing gets what is popular; whom is asked for changes no answer
SELECT customer, rank, item, round(score::numeric, 4) AS score, because
FROM recommend(null::integer, null::text, 'line', only_keys => '{3,99,NULL}'::integer[]) ORDER BY 1, 2;

-- ---- NULLs, duplicates, empty input ----
INSERT INTO line VALUES (1, 'milk'), (NULL, 'milk'), (5, NULL), (NULL, NULL);
SELECT count(*) FROM association_rules(null::text, 'line', 0.25, 0.5, min_length => 1);
SELECT count(*) FROM association_rules(null::text, 'SELECT * FROM line WHERE false', 0, 0, 1);
SELECT count(*) FROM item_similarity(null::text, 'SELECT * FROM line WHERE false');
SELECT count(*) FROM recommend(null::integer, null::text, 'SELECT * FROM line WHERE false', 'SELECT 1, 2');
SELECT count(*) FROM recommend(null::integer, null::text, 'SELECT * FROM line WHERE false', only_keys => '{1}'::integer[]);
DELETE FROM line WHERE basket IS NULL OR item IS NULL;

-- ---- other types, equal keys, hostile names ----
SELECT antecedent, consequent, conviction, chi2 FROM association_rules(null::integer, 'SELECT item, basket FROM line', 0.6);
SELECT antecedent, consequent FROM association_rules(null::numeric, 'VALUES (now(), 1.0), (now(), 2.00), (now(), 1.00), (now(), 2.0)', 1);
SELECT antecedent, pg_typeof(consequent)
FROM association_rules(null::uuid,
    $$VALUES ('x'::varchar, '00000000-0000-0000-0000-00000000000a'::uuid), ('x', '00000000-0000-0000-0000-00000000000b')$$);
SELECT antecedent, consequent
FROM association_rules(null::text,
    $$VALUES (1, '{"a",NULL}'), (1, 'NULL'), (1, ''), (1, E'\\ '' "; DROP TABLE line; --'), (1, NULL)$$, min_length => 4);
SELECT antecedent, consequent FROM association_rules(null::text, $$SELECT 1, i::varchar FROM unnest('{b,a}'::text[]) AS i$$);
CREATE TABLE "Robert'); DROP TABLE line; --" ("a ""b" text, "SELECT" text);
INSERT INTO "Robert'); DROP TABLE line; --" VALUES ('x', 'y'), ('x', 'z');
SELECT antecedent, consequent FROM association_rules(null::text, '"Robert''); DROP TABLE line; --"');

-- ---- errors ----
SELECT try($$SELECT association_rules(null::text, 'line', min_support => 1.5)$$);
SELECT try($$SELECT association_rules(null::text, 'line', min_confidence => 'NaN')$$);
SELECT try($$SELECT association_rules(null::text, 'line', min_length => 3, max_length => 2)$$);
SELECT try($$SELECT association_rules(null::text, 'line', min_support => NULL)$$);
SELECT try($$SELECT association_rules(null::text, NULL)$$);
SELECT try($$SELECT association_rules(null::text, 'SELECT basket FROM line')$$);
SELECT try($$SELECT association_rules(null::integer, 'line')$$);
SELECT try($$SELECT association_rules(null::text, 'DELETE FROM line RETURNING basket, item')$$);
SELECT try($$SELECT association_rules(null::json, 'SELECT 1, to_json(1)')$$);
SELECT try($$SELECT item_similarity(null::text, 'line', 'pearson')$$);
SELECT try($$SELECT item_similarity(null::text, 'line', top => 0)$$);
SELECT try($$SELECT recommend(null::integer, null::text, 'line', 'SELECT 1, 2 UNION SELECT 1, 3')$$);
SELECT try($$SELECT recommend(null::integer, null::text, 'line', 'SELECT 1::bigint, 2')$$);
SELECT try($$SELECT recommend(null::integer, null::text, 'line', whole_weight => -1)$$);
SELECT try($$SELECT recommend(null::integer, null::text, 'line', only_keys => 'x'::text)$$);
-- memory is bounded, and a long search can be stopped: 2^30 sets of items that all have each other
SET work_mem = '1MB';
SELECT left(try($$SELECT count(*)
    FROM association_rules(null::integer, 'SELECT b, i FROM generate_series(1, 2) AS b, generate_series(1, 30) AS i')$$), 105);
SELECT left(try($$SELECT count(*) FROM item_similarity(null::integer, 'SELECT i, i FROM generate_series(1, 300000) AS i')$$), 103);
SET work_mem = '2GB';
SET statement_timeout = '300ms';
SELECT count(*)
FROM association_rules(null::integer, 'SELECT b, i FROM generate_series(1, 5000) AS b, generate_series(1, 30) AS i', max_length => 30);
RESET statement_timeout;
RESET work_mem;

-- ---- baskets that do not fit into memory: the same rules in the same order ----
SELECT setseed(0.4);
CREATE TABLE much AS
SELECT b AS basket, 1 + floor(40 * random() * random())::integer AS item FROM generate_series(1, 16000) AS b, generate_series(1, 1 + b % 9);
CREATE FUNCTION rules_of(key anyelement, query text, support float8, longest integer) RETURNS text LANGUAGE sql AS $$
SELECT count(*) || ' ' || md5(COALESCE(string_agg(r::text, E'\n' ORDER BY ordinality), ''))
FROM association_rules(key, query, support, 0.2, 1, longest) WITH ORDINALITY AS r
$$;
CREATE TABLE asked AS
SELECT * FROM (VALUES ('SELECT basket, item FROM much'), ('SELECT basket, item FROM much ORDER BY md5(basket::text || item)'),
        ('SELECT ''a basket with a longer name '' || basket, item FROM much ORDER BY item'),
        ('SELECT basket::numeric, item FROM much')) AS q (query),
    (VALUES (0.002, 10), (0.02, 2), (0.02, 1), (0.9, 3)) AS s (support, longest);
CREATE TABLE roomy AS SELECT query, support, longest, rules_of(null::integer, query, support, longest) AS rules FROM asked;
SET work_mem = '256kB';
SELECT count(*) AS asked, count(*) FILTER (WHERE rules <> rules_of(null::integer, query, support, longest)) AS others FROM roomy;
RESET work_mem;
SELECT support, longest, count(DISTINCT rules), min(split_part(rules, ' ', 1)::integer) AS n
FROM roomy GROUP BY support, longest ORDER BY support, longest;
SELECT count(*) FROM pg_ls_tmpdir();

-- ---- random baskets, in plain SQL ----
SELECT setseed(0.7);
CREATE TABLE random_line AS
SELECT b AS basket, 'i' || floor(14 * random() * random()) AS item FROM generate_series(1, 400) AS b, generate_series(1, 1 + b % 7);
CREATE VIEW once AS SELECT DISTINCT basket, item FROM random_line;
CREATE VIEW had AS SELECT item, count(*) AS n FROM once GROUP BY item;
CREATE VIEW pair AS
SELECT a.item AS a, b.item AS b, count(*) AS n FROM once AS a JOIN once AS b USING (basket) WHERE a.item <> b.item GROUP BY 1, 2;
CREATE VIEW ours AS SELECT * FROM association_rules(null::text, 'random_line', 0.02, 0.1, 1, 3);
SELECT cardinality(antecedent) AS items, count(*) > 10 AS some FROM ours GROUP BY 1 ORDER BY 1;
-- none but those, and all of those
(SELECT antecedent[1], consequent, baskets FROM ours WHERE cardinality(antecedent) = 1)
EXCEPT SELECT p.a, p.b, p.n FROM pair AS p JOIN had AS h ON h.item = p.a WHERE p.n >= 8 AND p.n >= 0.1 * h.n;
SELECT p.a, p.b, p.n FROM pair AS p JOIN had AS h ON h.item = p.a WHERE p.n >= 8 AND p.n >= 0.1 * h.n
EXCEPT SELECT antecedent[1], consequent, baskets FROM ours WHERE cardinality(antecedent) = 1;
CREATE VIEW triple AS
SELECT a.item AS a, b.item AS b, c.item AS c, count(*) AS n
FROM once AS a JOIN once AS b USING (basket) JOIN once AS c USING (basket)
WHERE a.item < b.item AND c.item NOT IN (a.item, b.item) GROUP BY 1, 2, 3;
(SELECT least(antecedent[1], antecedent[2]), greatest(antecedent[1], antecedent[2]), consequent, baskets
 FROM ours WHERE cardinality(antecedent) = 2)
EXCEPT ALL SELECT t.a, t.b, t.c, t.n FROM triple AS t JOIN pair AS p USING (a, b) WHERE t.n >= 8 AND t.n >= 0.1 * p.n;
SELECT t.a, t.b, t.c, t.n FROM triple AS t JOIN pair AS p USING (a, b) WHERE t.n >= 8 AND t.n >= 0.1 * p.n
EXCEPT ALL SELECT least(antecedent[1], antecedent[2]), greatest(antecedent[1], antecedent[2]), consequent, baskets
FROM ours WHERE cardinality(antecedent) = 2;
-- the same rows in the same order, whatever the order of lines
SELECT (SELECT string_agg(o::text, ' ') FROM ours AS o) =
       (SELECT string_agg(o::text, ' ')
        FROM association_rules(null::text, 'SELECT * FROM random_line ORDER BY md5(basket || item)', 0.02, 0.1, 1, 3) AS o) AS same;
SELECT a, b FROM pair EXCEPT SELECT item, similar_item FROM item_similarity(null::text, 'random_line', top => 100);
SELECT s.item, s.similar_item FROM item_similarity(null::text, 'random_line', top => 100) AS s
JOIN pair AS p ON p.a = s.item AND p.b = s.similar_item JOIN had AS a ON a.item = p.a JOIN had AS b ON b.item = p.b
WHERE s.baskets <> p.n OR abs(s.cosine - p.n / sqrt(a.n * b.n)) > 1e-12 OR abs(s.jaccard - p.n::float8 / (a.n + b.n - p.n)) > 1e-12
   OR abs(s.lift - p.n * 400.0 / (a.n * b.n)) > 1e-12;

-- scores, of customers in three segments, some in none
CREATE TABLE placed AS SELECT b AS customer, 's' || b % 4 AS segment FROM generate_series(1, 400) AS b WHERE b % 4 > 0;
CREATE VIEW given AS
SELECT * FROM recommend(null::integer, null::text, 'random_line', 'placed', only_new => false, whole_weight => 40, top => 100);
CREATE TEMP TABLE expected AS
WITH weight AS (SELECT s.segment, o.basket,
                       CASE WHEN s.segment IS NULL THEN 1 ELSE 0.1 + (p.segment IS NOT DISTINCT FROM s.segment)::integer END AS w
                FROM (SELECT DISTINCT segment FROM placed UNION ALL SELECT NULL) AS s, (SELECT DISTINCT basket FROM once) AS o
                LEFT JOIN placed AS p ON p.customer = o.basket),
     alone AS (SELECT segment, item, sum(w) AS n FROM weight JOIN once USING (basket) GROUP BY 1, 2),
     joint AS (SELECT segment, a.item AS a, b.item AS b, sum(w) AS n
               FROM weight JOIN once AS a USING (basket) JOIN once AS b USING (basket) GROUP BY 1, 2, 3)
SELECT o.basket AS customer, t.b AS item, sum(t.n / sqrt(x.n * y.n)) AS score
FROM once AS o LEFT JOIN placed AS p ON p.customer = o.basket
JOIN joint AS t ON t.segment IS NOT DISTINCT FROM p.segment AND t.a = o.item
JOIN alone AS x ON x.segment IS NOT DISTINCT FROM p.segment AND x.item = t.a
JOIN alone AS y ON y.segment IS NOT DISTINCT FROM p.segment AND y.item = t.b GROUP BY 1, 2;
SELECT count(*) > 2000 AS some FROM expected;
SELECT customer, item, g.score, e.score FROM given AS g FULL JOIN expected AS e USING (customer, item)
WHERE abs(coalesce(g.score, 0) - coalesce(e.score, 0)) > 1e-9;
SELECT customer FROM given WHERE because NOT IN (SELECT o.item FROM once AS o WHERE o.basket = given.customer);
-- without what was bought
SELECT n.customer, n.item FROM recommend(null::integer, null::text, 'random_line', 'placed', whole_weight => 40, top => 100) AS n
JOIN once AS o ON o.basket = n.customer AND o.item = n.item;
SELECT count(*), count(DISTINCT customer), max(rank)
FROM recommend(null::integer, null::text, 'random_line', 'placed', '{5,6,8}'::integer[], top => 2);
SET client_min_messages = warning;
DROP SCHEMA baskets CASCADE;
