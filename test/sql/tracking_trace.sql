--
-- Which tables a source reads and by which columns their rows belong to a customer, and whether
-- that is true: whatever one changed row changes in the source has its key, old or new.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SELECT setseed(0.4711);

CREATE TABLE customer (id integer NOT NULL, region integer, friend integer);
CREATE TABLE orders (id integer, k integer, who integer, a integer);
CREATE TABLE visit (k bigint, a integer);
CREATE TABLE mail (k integer NOT NULL, a integer);
CREATE TABLE price (region integer, a integer);
CREATE VIEW totals AS SELECT o.k, sum(o.a) AS total, count(*) AS n FROM orders AS o GROUP BY o.k;
CREATE VIEW best AS SELECT DISTINCT ON (k) k, a FROM orders ORDER BY k, a DESC, id;

CREATE TABLE shape (n serial, query text, expected text);
INSERT INTO shape (query, expected) VALUES
($$SELECT k, a FROM orders$$, 'orders k'),
($$SELECT id, total FROM customer LEFT JOIN totals ON totals.k = id$$, 'customer id, orders k'),
($$SELECT id, best.a FROM customer JOIN best ON best.k = id$$, 'customer id, orders k'),
($$SELECT id, (SELECT count(*) FROM visit AS v WHERE v.k = c.id) FROM customer AS c$$, 'customer id, visit k'),
($$SELECT id FROM customer AS c WHERE EXISTS (SELECT FROM orders AS o WHERE o.k = c.id AND o.a > 2)$$, 'customer id, orders k'),
($$SELECT id FROM customer AS c WHERE NOT EXISTS (SELECT FROM orders AS o WHERE o.k = c.id AND o.a > 2)$$, 'customer id, orders k'),
($$SELECT id FROM customer WHERE id IN (SELECT k FROM orders)$$, 'customer id, orders k'),
($$SELECT id, id IN (SELECT k FROM orders) FROM customer$$, 'customer id, orders -'),
($$SELECT id FROM customer WHERE id NOT IN (SELECT k FROM orders)$$, 'customer id, orders -'),
($$SELECT id FROM customer WHERE id NOT IN (SELECT k FROM mail WHERE a > 1)$$, 'customer id, mail k'),
($$SELECT c.id, l.a FROM customer AS c
   LEFT JOIN LATERAL (SELECT o.a FROM orders AS o WHERE o.k = c.id ORDER BY o.a, o.id LIMIT 2) AS l ON true$$,
 'customer id, orders k'),
($$SELECT k, count(*) FROM (SELECT k FROM orders UNION ALL SELECT k::integer FROM visit) AS u GROUP BY k$$, 'orders k, visit k'),
($$SELECT k FROM orders EXCEPT SELECT k FROM mail$$, 'mail k, orders k'),
($$SELECT k, a FROM orders INTERSECT ALL SELECT k, a FROM mail$$, 'mail k, orders k'),
($$SELECT k, o.a, v.a FROM orders AS o FULL JOIN (SELECT k::integer AS k, sum(a) AS a FROM visit GROUP BY 1) AS v USING (k)$$,
 'orders k, visit k'),
($$SELECT k, o.a, m.a, c.region FROM orders AS o FULL JOIN mail AS m USING (k)
   FULL JOIN (SELECT id AS k, region FROM customer) AS c USING (k)$$,
 'customer id, mail k, orders k'),
($$SELECT coalesce(m.k, o.k), m.a, o.a FROM orders AS o FULL JOIN mail AS m ON o.k = m.k AND o.a = m.a$$, 'mail k, orders k'),
($$SELECT coalesce(m.k, o.k), m.a, o.a FROM orders AS o FULL JOIN mail AS m ON o.a = m.a$$, 'mail -, orders -'),
($$SELECT coalesce(o.k, c.id), o.a FROM customer AS c LEFT JOIN orders AS o ON o.k = c.id AND o.a > 1$$, 'customer id, orders k'),
($$SELECT o.k, c.region FROM customer AS c RIGHT JOIN orders AS o ON o.k = c.id$$, 'customer id, orders k'),
($$SELECT c.id, o.a FROM customer AS c LEFT JOIN orders AS o ON o.a > c.region WHERE o.k = c.id$$, 'customer id, orders k'),
($$SELECT c.id, o.a FROM customer AS c LEFT JOIN orders AS o ON o.a > c.region$$, 'customer id, orders -'),
($$SELECT c.id, m.a FROM customer AS c LEFT JOIN orders AS o ON o.k = c.id LEFT JOIN mail AS m ON m.k = o.k$$,
 'customer id, mail k, orders k'),
($$SELECT c.id, m.a FROM (customer AS c LEFT JOIN orders AS o ON o.a = c.region) LEFT JOIN mail AS m ON m.k = o.k AND m.k = c.id$$,
 'customer id, mail k, orders -'),
($$SELECT o.k, m.a FROM mail AS m LEFT JOIN orders AS o ON o.k = m.k$$, 'mail k, orders k'),
($$SELECT k, a, rank() OVER (PARTITION BY k ORDER BY a) FROM orders$$, 'orders k'),
($$SELECT k, a, rank() OVER (ORDER BY a) FROM orders$$, 'orders -'),
($$SELECT k, a, sum(a) OVER (PARTITION BY k), max(a) OVER (PARTITION BY who) FROM orders$$, 'orders -'),
($$SELECT k, a FROM orders ORDER BY a, id LIMIT 3$$, 'orders -'),
($$SELECT DISTINCT k, a FROM orders$$, 'orders k'),
($$SELECT DISTINCT ON (a) k, a FROM orders ORDER BY a, id, k$$, 'orders -'),
($$SELECT k, a, count(*) FROM orders GROUP BY ROLLUP (k, a)$$, 'orders k'),
($$SELECT max(k), a FROM orders GROUP BY a$$, 'orders -'),
($$SELECT k, (SELECT max(a) FROM price) FROM orders$$, 'orders k, price -'),
($$SELECT k, p.a FROM orders AS o JOIN price AS p ON p.region = o.a$$, 'orders k, price -'),
($$SELECT o.k FROM orders AS o JOIN orders AS p ON p.k = o.k AND p.who = o.a$$, 'orders k'),
($$SELECT k FROM orders UNION ALL SELECT who FROM orders$$, 'orders k who'),
($$SELECT c.id, (SELECT count(*) FROM orders AS o WHERE o.k = c.friend) FROM customer AS c$$, 'customer id, orders -'),
($$WITH o AS (SELECT k, max(a) AS a FROM orders GROUP BY k) SELECT id, o.a FROM customer LEFT JOIN o ON o.k = id
   WHERE EXISTS (SELECT FROM o AS p WHERE p.k = id) OR region = 1$$, 'customer id, orders k'),
($$WITH o AS (SELECT k, a FROM orders ORDER BY a, id, k LIMIT 4) SELECT id, o.a FROM customer LEFT JOIN o ON o.k = id$$,
 'customer id, orders -'),
($$WITH RECURSIVE r (k, n) AS (SELECT k, 1 FROM orders UNION
   SELECT r.k, n + 1 FROM r JOIN customer ON id = r.k WHERE n < 3) SELECT k, n FROM r$$,
 'customer -, orders -'),
($$SELECT c.id, (SELECT (SELECT count(*) FROM mail AS m WHERE m.k = o.k) FROM orders AS o WHERE o.k = c.id
   ORDER BY o.id, o.a LIMIT 1) FROM customer AS c$$,
 'customer id, mail k, orders k'),
($$SELECT c.id FROM customer AS c WHERE (c.id, true) IN (SELECT k, a > 1 FROM orders)$$, 'customer id, orders k'),
($$SELECT c.id, array(SELECT a FROM orders AS o WHERE o.k = c.id ORDER BY a) FROM customer AS c
   WHERE c.region = ANY (SELECT a FROM mail AS m WHERE m.k = c.id)$$,
 'customer id, mail k, orders k'),
($$SELECT k FROM orders GROUP BY k HAVING sum(a) > (SELECT count(*) FROM mail AS m WHERE m.k = orders.k)$$, 'mail k, orders k'),
($$SELECT x.k, x.a FROM (SELECT c.id AS k, o.a FROM customer AS c, orders AS o WHERE c.id = o.k) AS x, mail AS m
   WHERE m.k = x.k AND x.a >= m.a$$,
 'customer id, mail k, orders k'),
($$SELECT m.k, o.a FROM mail AS m LEFT JOIN (orders AS o JOIN visit AS v ON v.k = o.k) ON m.k = v.k$$, 'mail k, orders k, visit k'),
($$SELECT m.k, o.a FROM mail AS m LEFT JOIN (orders AS o LEFT JOIN visit AS v ON v.a = o.a) ON m.k = v.k$$, 'mail k, orders -, visit k'),
($$SELECT o.k + 0, o.a FROM orders AS o$$, 'orders -');

CREATE FUNCTION pg_temp.traced(query text) RETURNS TABLE (relation regclass, key_columns name[]) LANGUAGE sql AS $$
SELECT t.relation, t.key_columns FROM segment_internal.trace_source(query, 'public, segment', 'integer', 0::regcollation) AS t
WHERE t.what = 'table' $$;
-- only what is not as expected
SELECT s.n, s.query, s.expected, t.found
FROM shape AS s
CROSS JOIN LATERAL (SELECT string_agg(concat_ws(' ', relation, coalesce(array_to_string(key_columns, ' '), '-')), ', '
                                      ORDER BY relation::text)
                    FROM pg_temp.traced(s.query)) AS t (found)
WHERE s.expected IS DISTINCT FROM t.found ORDER BY s.n;

-- ---- the truth: single rows are changed by chance ----
CREATE FUNCTION pg_temp.fill() RETURNS void LANGUAGE sql AS $$
TRUNCATE customer, orders, visit, mail, price;
INSERT INTO customer SELECT i, random() * 3, random() * 6 FROM generate_series(1, 5) AS i;
INSERT INTO orders SELECT i, nullif((random() * 6)::integer, 0), random() * 6, random() * 4 FROM generate_series(1, 9) AS i;
INSERT INTO visit SELECT random() * 6, random() * 4 FROM generate_series(1, 6) AS i;
INSERT INTO mail SELECT random() * 6, random() * 4 FROM generate_series(1, 6) AS i;
INSERT INTO price SELECT i, random() * 4 FROM generate_series(0, 4) AS i;
$$;
-- One change of a table; the keys of the row before and after.
CREATE FUNCTION pg_temp.change(relation regclass, key_columns name[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    column_names text[] := ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum > 0 ORDER BY attnum);
    keys text := (SELECT format('ARRAY[%s]::bigint[]', string_agg('t.' || k, ', ')) FROM unnest(key_columns) AS k);
    value text := CASE WHEN random() < 0.15 AND relation = 'orders'::regclass THEN 'NULL' ELSE (random() * 6)::integer::text END;
    place tid;
    old_keys bigint[];
    new_keys bigint[];
BEGIN
    EXECUTE format('SELECT ctid, %s FROM %s AS t ORDER BY random() LIMIT 1', keys, relation) INTO place, old_keys;
    CASE (random() * 3)::integer
        WHEN 0 THEN
            EXECUTE format('DELETE FROM %s WHERE ctid = $1', relation) USING place;
        WHEN 1 THEN
            EXECUTE format('INSERT INTO %s AS t SELECT (t).* FROM %1$s AS t WHERE t.ctid = $1 RETURNING %s', relation, keys)
            INTO new_keys USING place;
        ELSE
            EXECUTE format('UPDATE %s AS t SET %I = %s WHERE ctid = $1 RETURNING %s', relation,
                           column_names[1 + floor(random() * cardinality(column_names))::integer], value, keys)
            INTO new_keys USING place;
    END CASE;
    RETURN old_keys || new_keys;
END $$;
CREATE TEMP TABLE result (n integer, changed bigint, wrong bigint);
DO $$
DECLARE
    one record;
    t record;
    keys bigint[];
    before text[];
    after text[];
    statement text;
    changed bigint;
    wrong bigint;
BEGIN
    FOR one IN SELECT * FROM shape ORDER BY n LOOP
        PERFORM pg_temp.fill();
        statement := format('SELECT array_agg(coalesce(source.k::text, ''-'') || '' '' || source::text) FROM (%s) AS source (k)',
                            one.query);
        changed := 0;
        wrong := 0;
        FOR i IN 1 .. 9 LOOP
            FOR t IN SELECT * FROM pg_temp.traced(one.query) WHERE key_columns IS NOT NULL ORDER BY relation::text LOOP
                EXECUTE statement INTO before;
                keys := pg_temp.change(t.relation, t.key_columns);
                EXECUTE statement INTO after;
                SELECT changed + count(*),
                       wrong + count(*) FILTER (WHERE (split_part(d, ' ', 1))::bigint <> ALL (array_remove(keys, NULL)))
                INTO changed, wrong
                FROM ((SELECT unnest(before) EXCEPT ALL SELECT unnest(after)) UNION ALL
                      (SELECT unnest(after) EXCEPT ALL SELECT unnest(before))) AS u (d)
                WHERE d NOT LIKE '- %';
            END LOOP;
        END LOOP;
        INSERT INTO result VALUES (one.n, changed, wrong);
    END LOOP;
END $$;
SELECT s.n, s.query, r.wrong FROM result AS r JOIN shape AS s USING (n) WHERE r.wrong > 0 ORDER BY n;
SELECT sum(changed) > 300 AS enough, count(*) FILTER (WHERE changed > 0 OR s.expected !~ ' [a-z]') = count(*) AS each
FROM result AS r JOIN shape AS s USING (n);

-- ---- what changes without a change, or unseen ----
CREATE FUNCTION seen(integer) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN $1;
CREATE FUNCTION unseen(integer) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM mail WHERE k = $1; END;
CREATE AGGREGATE unseen_sum(integer) (sfunc = int4_sum, stype = bigint);
CREATE MATERIALIZED VIEW cached AS SELECT k, count(*) AS n FROM orders GROUP BY k;
SELECT q.query, t.what, t.detail
FROM (VALUES (1, 'SELECT k, seen(a), unseen_sum(a) FROM orders GROUP BY k, a'), (2, 'SELECT k, unseen(k) FROM orders'),
             (3, 'SELECT k, now() FROM orders'), (4, 'SELECT k FROM orders WHERE current_date > ''2024-01-01'''),
             (5, 'SELECT k, random() FROM orders'), (6, 'SELECT k FROM orders WHERE as_of() > ''2024-01-01'''),
             (7, 'SELECT k FROM orders WHERE ''2024-01-01''::date < ''today'''), (8, 'SELECT k, ctid FROM orders'),
             (9, 'SELECT k FROM orders TABLESAMPLE system (50)'),
             (10, 'SELECT k, table_to_xml(''mail'', true, true, '''') FROM orders'),
             (11, 'SELECT k, current_setting(''TimeZone'') FROM orders'),
             (12, 'SELECT k, extract(year FROM age(''2020-01-01''::timestamp)) FROM orders'))
     AS q (n, query)
LEFT JOIN LATERAL segment_internal.trace_source(q.query, 'public, segment', 'integer', 0::regcollation) AS t
ON t.what NOT IN ('table', 'definition')
ORDER BY q.n;

-- ---- keys of other types, and other equalities ----
CREATE DOMAIN id AS integer;
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE person (name text, alias varchar, home text COLLATE blind, n numeric, d id);
SELECT q.key_type, q.query, t.relation, t.key_columns, t.detail
FROM (VALUES (1, 'text', 'SELECT name, alias FROM person'), (2, 'text', 'SELECT alias::text FROM person'),
             (3, 'text', 'SELECT n::text FROM person'),
             (4, 'varchar', 'SELECT name::varchar FROM person'), (5, 'bigint', 'SELECT d::bigint FROM person'),
             (6, 'id', 'SELECT d FROM person'),
             (7, 'numeric', 'SELECT n FROM person'), (8, 'bigint', 'SELECT id::bigint FROM customer'),
             -- equal for the join, and not the same key
             (9, 'text', 'SELECT a.name FROM person AS a JOIN person AS b ON a.name = b.home'),
             (10, 'text', 'SELECT home FROM person GROUP BY home')) AS q (n, key_type, query)
CROSS JOIN LATERAL segment_internal.trace_source(q.query, 'public, segment', q.key_type::regtype, '"default"'::regcollation) AS t
WHERE t.what = 'table' ORDER BY q.n;
-- where the key has that collation, too, it is
SELECT t.key_columns FROM segment_internal.trace_source('SELECT home FROM person GROUP BY home', 'public', 'text', 'blind') AS t
WHERE what = 'table';

-- ---- row security is looked through, and another definition is another one ----
CREATE VIEW seen_orders AS SELECT k, a FROM orders;
SELECT detail AS before FROM segment_internal.trace_source('SELECT k, a FROM seen_orders', 'public', 'integer', 0::regcollation)
WHERE what = 'definition' \gset
CREATE OR REPLACE VIEW seen_orders AS SELECT k, a + 1 AS a FROM orders;
SELECT detail <> :'before' AS another
FROM segment_internal.trace_source('SELECT k, a FROM seen_orders', 'public', 'integer', 0::regcollation)
WHERE what = 'definition';
SELECT detail AS before FROM segment_internal.trace_source('SELECT k, seen(a) FROM orders', 'public', 'integer', 0::regcollation)
WHERE what = 'definition' \gset
CREATE OR REPLACE FUNCTION seen(integer) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN $1 + 1;
SELECT detail <> :'before' AS another
FROM segment_internal.trace_source('SELECT k, seen(a) FROM orders', 'public', 'integer', 0::regcollation)
WHERE what = 'definition';
CREATE ROLE regress_tracked_reader;
GRANT SELECT ON orders, mail TO regress_tracked_reader;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY some ON orders USING (EXISTS (SELECT FROM mail AS m WHERE m.k = orders.k));
SET ROLE regress_tracked_reader;
SELECT relation, key_columns FROM segment_internal.trace_source('SELECT k, a FROM orders', 'public', 'integer', 0::regcollation)
WHERE what = 'table' ORDER BY 1;
RESET ROLE;

DROP TABLE customer, orders, visit, mail, price, person, shape CASCADE;
DROP FUNCTION seen(integer);
DROP AGGREGATE unseen_sum(integer);
DROP COLLATION blind;
DROP DOMAIN id;
DROP ROLE regress_tracked_reader;
