--
-- track_source: every kind of write, what is tracked, what is not, and what a refresh is told.
--
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE customer (id bigint PRIMARY KEY, region integer);
CREATE TABLE orders (id serial PRIMARY KEY, k bigint REFERENCES customer ON DELETE CASCADE,
                     at timestamptz, a numeric, note text);
CREATE TABLE price (region integer, a numeric);
INSERT INTO customer SELECT i, i % 3 FROM generate_series(1, 20) AS i;
INSERT INTO orders (k, at, a) SELECT i % 20 + 1, '2024-01-01'::timestamptz + i * interval '1 hour', i
FROM generate_series(1, 100) AS i;
CREATE VIEW totals AS
SELECT c.id, c.region, (SELECT sum(a) FROM orders AS o WHERE o.k = c.id) AS total, (SELECT max(a) FROM price) AS most
FROM customer AS c;
SELECT create_rule_segmentation('tiers', 'totals', '{"gold": "total > most", "old": "region = 1"}', rest => 'others');
CREATE FUNCTION reason(name text DEFAULT 'tiers') RETURNS text LANGUAGE sql AS $$
SELECT segment_internal.untracked_reason(s) FROM segmentation AS s WHERE s.name = reason.name $$;
-- what was noted since, and forgets it; NULL is everybody
CREATE FUNCTION noted(relation text DEFAULT 'tiers_changes') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('WITH d AS (DELETE FROM %s RETURNING *) SELECT string_agg(DISTINCT d.*::text, '' '') FROM d', relation)
    INTO result;
    RETURN replace(result, ',-infinity', '');
END $$;

-- ---- what is tracked ----
SELECT reason();
SELECT * FROM track_source('tiers');
SELECT * FROM track_source('tiers', everybody => '{price,pg_class}');
SELECT * FROM track_source('tiers', everybody => '{price}');
SELECT noted(), reason();
SELECT * FROM tracked_table ORDER BY relation::text;
SELECT relation, key_column, what FROM customer_table WHERE what = 'changes';
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal ORDER BY 1;

-- ---- every way to write ----
INSERT INTO orders (k, a) VALUES (3, 1), (3, 2), (NULL, 1);
SELECT noted();
UPDATE orders SET k = 5 WHERE k = 4;
SELECT noted();
UPDATE orders SET a = a, note = note WHERE k = 6;
SELECT noted() AS nothing;
UPDATE orders SET a = a + 1 WHERE id = -1;
SELECT noted() AS nothing;
DELETE FROM orders WHERE k = 7 AND a > 50;
SELECT noted();
-- cascades; and sets another key
DELETE FROM customer WHERE id = 8;
SELECT noted();
COPY orders (k, a) FROM stdin;
9	1
10	2
\.
SELECT noted();
INSERT INTO customer VALUES (11, 2), (21, 2) ON CONFLICT (id) DO UPDATE SET region = excluded.region;
SELECT noted();
MERGE INTO customer AS c USING (VALUES (12, NULL), (22, 1), (13, 2)) AS v (id, region) ON c.id = v.id
WHEN MATCHED AND v.region IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET region = v.region
WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.region);
SELECT noted();
WITH gone AS (DELETE FROM orders WHERE k = 14 RETURNING *) INSERT INTO orders (k, a) SELECT 15, a FROM gone;
SELECT noted();
INSERT INTO price VALUES (1, 2);
SELECT noted() AS everybody;
UPDATE price SET a = a WHERE false;
SELECT noted() AS nothing;
TRUNCATE orders;
SELECT noted() AS everybody;
BEGIN;
INSERT INTO orders (k) VALUES (1);
SAVEPOINT one;
INSERT INTO orders (k) VALUES (2);
ROLLBACK TO one;
INSERT INTO orders (k) VALUES (3);
COMMIT;
SELECT noted();
-- what replication applies
SET session_replication_role = replica;
INSERT INTO orders (k) VALUES (4);
UPDATE orders SET k = 5 WHERE k = 4;
DELETE FROM orders WHERE k = 3;
SELECT noted();
TRUNCATE price;
SELECT noted() AS everybody;
RESET session_replication_role;
-- one who began before sees what was tracked since
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM price;
INSERT INTO orders (k) VALUES (6);
SELECT noted();
COMMIT;
-- more keys than are worth it
INSERT INTO customer SELECT i, 1 FROM generate_series(1000, 2100) AS i;
SELECT length(noted()) AS many;
ANALYZE tiers_segments;
DELETE FROM customer WHERE id > 999;
SELECT noted() AS everybody;
-- decisions
SELECT exclude_customer('tiers', NULL, 3, refresh => false);
SELECT noted();
INSERT INTO tiers_decisions (id, include) VALUES (4, false);
SELECT noted();

-- ---- what changes without a write ----
SELECT reason() IS NULL AS told, reason() AS then_not;
CREATE OR REPLACE VIEW totals AS
SELECT c.id, c.region, (SELECT count(*)::numeric FROM orders AS o WHERE o.k = c.id) AS total, (SELECT max(a) FROM price) AS most
FROM customer AS c;
SELECT reason() AS once, reason() AS then_not;
ALTER TABLE orders ALTER note TYPE varchar(10) USING upper(note);
SELECT reason() AS once, reason() AS then_not;
ALTER TABLE orders DISABLE TRIGGER segment_changes_insert;
SELECT reason();
ALTER TABLE orders ENABLE TRIGGER segment_changes_insert;
SELECT reason() AS once, reason() AS then_not;
ALTER TABLE orders RENAME k TO customer;
INSERT INTO orders (customer) VALUES (1);
SELECT noted() AS everybody, reason() AS once, reason() AS then_not;
ALTER TABLE orders RENAME TO purchase;
INSERT INTO purchase (customer) VALUES (1);
SELECT noted(), reason() AS once, reason() AS then_not;
-- the columns swap their names, and what the view reads has another one
ALTER TABLE purchase ADD k bigint;
ALTER TABLE purchase RENAME customer TO x;
ALTER TABLE purchase RENAME k TO customer;
SELECT reason();
SELECT * FROM track_source('tiers', everybody => '{price}');
ALTER TABLE tiers_changes ADD UNIQUE (id);
INSERT INTO purchase (x) VALUES (1);
SELECT noted(), reason();
SELECT * FROM track_source('tiers', everybody => '{price}');
SELECT noted(), reason();
CREATE OR REPLACE VIEW totals AS SELECT c.id, c.region, c.id + 0.5 AS total, random()::numeric AS most FROM customer AS c;
SELECT reason();
SET client_min_messages = notice;
SELECT * FROM track_source('tiers');
SET client_min_messages = warning;
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'segment\_changes%' AND tgrelid IN ('purchase'::regclass, 'price'::regclass);

-- ---- rules read what the source does not ----
SELECT outcome FROM set_segment_rule('tiers', 'old', 'EXISTS (SELECT FROM purchase AS p WHERE p.x = source.id)');
SELECT * FROM tracked_table ORDER BY relation::text;
SELECT outcome FROM set_segment_rule('tiers', 'old', 'EXISTS (SELECT FROM purchase AS p WHERE p.a > source.id)');
SELECT drop_segmentation('tiers');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'segment\_changes%';

-- ---- partitions and children ----
CREATE TABLE part (k integer, month integer, a numeric) PARTITION BY RANGE (month);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 (a numeric, month integer, k integer);
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20);
CREATE TABLE child () INHERITS (price);
SELECT create_rule_segmentation('parts', 'SELECT k, sum(a) AS a FROM (SELECT k, a FROM part UNION ALL SELECT region, a FROM price) AS u
    GROUP BY k', '{"any": "a > 0"}');
SELECT create_rule_segmentation('others', 'SELECT k, sum(a) AS a FROM part GROUP BY k', '{"any": "a > 0"}');
SELECT * FROM track_source('parts');
SELECT * FROM track_source('others');
SELECT relation, key_columns FROM tracked_table WHERE segmentation = 'parts' ORDER BY relation::text;
SELECT noted('parts_changes'), noted('others_changes');
INSERT INTO part VALUES (1, 1, 1), (2, 11, 1);
SELECT noted('parts_changes'), noted('others_changes');
INSERT INTO part_2 VALUES (1, 12, 3);
UPDATE part SET month = 2 WHERE k = 2;
SELECT noted('parts_changes');
INSERT INTO child VALUES (4, 1);
UPDATE price SET a = 2;
SELECT noted('parts_changes');
CREATE TABLE part_3 PARTITION OF part FOR VALUES FROM (20) TO (30);
INSERT INTO part VALUES (5, 25, 1);
SELECT noted('parts_changes'), reason('parts');
SELECT * FROM track_source('parts');
SELECT noted('parts_changes'), reason('parts');
INSERT INTO part_3 VALUES (6, 25, 1);
SELECT noted('parts_changes');
ALTER TABLE part DETACH PARTITION part_2;
SELECT reason('parts') AS once, reason('parts') AS then_not;
SELECT drop_segmentation('others');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'segment\_changes%' AND tgrelid = 'part'::regclass;
SELECT untrack_source('parts'), untrack_source('parts');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'segment\_changes%' AND tgrelid = 'part'::regclass;
SELECT refresh_mode, changes FROM segmentation;

-- ---- a watermark ----
SELECT * FROM track_source('parts', watermark => 'b');
SELECT * FROM track_source('parts', watermark => 'a', lateness => '1 hour');
SELECT * FROM track_source('parts', watermark => 'a', refresh_mode => 'immediate');
SELECT * FROM track_source('parts', refresh_mode => 'manual');
SELECT * FROM track_source('parts', lateness => '1 hour');
CREATE TABLE event (k integer, at timestamptz, n bigint, note text);
SELECT create_rule_segmentation('seen', 'SELECT DISTINCT ON (k) k, at, n, note, at::date AS day FROM event ORDER BY k, at DESC',
                                '{"any": "n > 0"}');
SELECT * FROM track_source('seen', watermark => 'note');
SELECT * FROM track_source('seen', watermark => 'at', lateness => '1 hour');
SELECT noted('seen_changes'), reason('seen');
INSERT INTO event VALUES (1, '2024-01-01 10:00', 1), (2, '2024-01-01 11:30', 2), (3, '2024-01-01 12:00', 3),
    (4, NULL, 4), (5, 'infinity', 5);
CREATE FUNCTION keys(name text DEFAULT 'seen') RETURNS text LANGUAGE sql AS $$
SELECT w.keys || ' ' || CASE WHEN w.seen > '2025' THEN 'now' ELSE w.seen END
FROM segmentation AS s CROSS JOIN LATERAL segment_internal.watermark_keys(s) AS w WHERE s.name = keys.name $$;
SELECT w.keys, w.seen FROM segmentation AS s, segment_internal.watermark_keys(s) AS w WHERE s.name = 'seen';
SELECT segment_internal.change_catalogue('watermark_seen', 'seen'::text, '2024-01-01 12:00+00'::text);
SELECT keys();
INSERT INTO event VALUES (6, now() + interval '1 year', 1), (7, '2024-01-01 10:59', 1), (8, '2024-01-01 11:00', 1);
SELECT keys();
SELECT * FROM track_source('seen', watermark => 'day');
SELECT watermark_seen FROM segmentation WHERE name = 'seen';
SELECT segment_internal.change_catalogue('watermark_seen', 'seen'::text, '2024-01-01'::text);
SELECT keys();
SELECT * FROM track_source('seen', watermark => 'n');
SELECT segment_internal.change_catalogue('watermark_seen', 'seen'::text, '3'::text);
SELECT keys();

-- ---- what triggers cannot tell ----
CREATE MATERIALIZED VIEW cached AS SELECT k, count(*) AS n FROM event GROUP BY k;
CREATE UNLOGGED TABLE fast (k integer, n integer);
CREATE FUNCTION unseen(integer) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM event WHERE k = $1; END;
SELECT create_rule_segmentation('a', 'cached', '{"any": "n > 0"}');
SELECT create_rule_segmentation('b', 'fast', '{"any": "n > 0"}');
SELECT create_rule_segmentation('c', 'SELECT k, unseen(k) AS n FROM part', '{"any": "n > 0"}');
SELECT create_rule_segmentation('d', 'SELECT oid, relpages AS n FROM pg_class', '{"any": "n > 0"}');
SELECT * FROM track_source('a');
SELECT * FROM track_source('b');
SELECT * FROM track_source('c');
SELECT * FROM track_source('d');

-- ---- one segmentation reads another ----
SELECT create_rule_segmentation('e', 'SELECT id, region FROM customer', '{"any": "in_segment(''c'', ''any'')"}');
SELECT * FROM track_source('e');
SELECT outcome FROM refresh_segmentation('c', '2024-01-01');
SELECT noted('e_changes') LIKE '%(1)%' AS told;

-- ---- our tables without a key, in a publication of all tables ----
CREATE TABLE published (k integer PRIMARY KEY, n integer);
INSERT INTO published VALUES (1, 1), (2, 1);
SELECT create_rule_segmentation('p', 'published', '{"any": "n > 0"}', max_departed => 1);
SELECT count(*) FROM track_source('p');
SELECT outcome FROM refresh_segmentation('p', '2024-01-01');
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
SET client_min_messages = warning;
UPDATE published SET n = 0 WHERE k = 1;
SELECT outcome, departed, way FROM refresh_segmentation('p', '2024-01-02');
SELECT include_customer('p', 'any', 1);
SELECT undecide_customer('p', 'any', 1);
SELECT count(*) FROM track_source('p', refresh_mode => 'immediate');
SELECT outcome FROM refresh_segmentation('p', '2024-01-03');
UPDATE published SET n = 1 WHERE k = 1;
SELECT segment_of('p', 1);
SELECT outcome FROM refresh_segmentation('p');
SELECT drop_segmentation('p');
DROP PUBLICATION everything;
DROP TABLE published;

SELECT drop_segmentation(name, cascade => true) FROM (SELECT name FROM segmentation ORDER BY name DESC) AS s;
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'segment\_changes%';
DROP FUNCTION reason, noted, keys, unseen;
DROP TABLE part, part_2, price, purchase, customer, event, fast CASCADE;
