-- What people reported of other tools, and of this one: each case with its script
-- and the right answer.  Roles, names and types that change, sources that drift,
-- calendar days, slips of the finger.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE report_orders AS
SELECT c AS customer_id, timestamptz '2025-01-01Z' + n * interval '1 day' AS at, 10.0 * n AS amount
FROM generate_series(1, 50) AS c, generate_series(1, c % 7 + 1) AS n;

-- ---- an order of the same transaction counts, and as_of left out is when the refresh has its turn ----
SELECT create_rfm_segmentation('loyalty', 'report_orders', time_zone => 'UTC');
BEGIN;
INSERT INTO report_orders VALUES (51, now(), 5);
SELECT outcome, customers FROM refresh_segmentation('loyalty');
SELECT outcome, customers, as_of > now() AS after_begin FROM refresh_segmentation('loyalty');
SELECT outcome, as_of > now() AS after_begin FROM refresh_segmentation('loyalty', NULL);
ROLLBACK;
SELECT drop_segmentation('loyalty');

-- ---- roles that leave or are renamed: the owner of the member table is the owner ----
CREATE ROLE report_leaver; CREATE ROLE report_heir;
CREATE SCHEMA report_shop AUTHORIZATION report_leaver;
SET ROLE report_leaver;
CREATE TABLE report_shop.orders AS
SELECT c AS customer_id, timestamptz '2025-01-01Z' + c * interval '1 hour' AS at, c AS amount FROM generate_series(1, 50) AS c;
SELECT create_rfm_segmentation('role_case', 'SELECT * FROM report_shop.orders', schema => 'report_shop', time_zone => 'UTC');
SELECT outcome FROM refresh_segmentation('role_case', '2025-02-01Z');
RESET ROLE;
REASSIGN OWNED BY report_leaver TO report_heir;
SELECT outcome, error FROM refresh_segmentation('role_case', '2025-02-02Z');   -- the superuser's nightly job
SET ROLE report_leaver;
SELECT outcome FROM refresh_segmentation('role_case', '2025-02-03Z');
SELECT count(*) AS visible FROM segmentation;
SET ROLE report_heir;
SELECT outcome, error FROM refresh_segmentation('role_case', '2025-02-03Z');
SELECT rename_segment('role_case', 'Champions', 'Best');
RESET ROLE;
DROP OWNED BY report_leaver; DROP ROLE report_leaver;
ALTER ROLE report_heir RENAME TO report_heir2;
SET ROLE report_heir2;
SELECT outcome, error FROM refresh_segmentation('role_case', '2025-02-04Z');
RESET ROLE;
CREATE ROLE report_leaver; CREATE ROLE report_heir;         -- others of these names are others
SET ROLE report_heir;
SELECT count(*) AS visible FROM segmentation;
SELECT drop_segmentation('role_case');
RESET ROLE;
DROP OWNED BY report_heir2 CASCADE;                         -- takes tables, schema and orders along
SELECT outcome FROM refresh_segmentation('role_case', '2025-02-05Z');
SELECT segmentation, sum(customers) FROM segment_size GROUP BY 1;
SELECT drop_segmentation('role_case');
SELECT (SELECT count(*) FROM segmentation) AS segmentations, (SELECT count(*) FROM run) AS runs, (SELECT count(*) FROM model) AS models;
DROP ROLE report_leaver; DROP ROLE report_heir; DROP ROLE report_heir2;

-- ---- schemas and tables that are renamed or moved; dropping drops all three, or errors ----
CREATE SCHEMA report_shop;
CREATE TABLE report_shop.orders AS SELECT * FROM report_orders;
SELECT create_rfm_segmentation('moved', 'report_shop.orders', schema => 'report_shop', time_zone => 'UTC');
SELECT outcome FROM refresh_segmentation('moved', '2025-02-01Z');
ALTER SCHEMA report_shop RENAME TO report_store;
SELECT outcome, error FROM refresh_segmentation('moved', '2025-02-02Z');
CREATE SCHEMA report_shop;                                  -- the source's text has the old name
CREATE VIEW report_shop.orders AS TABLE report_store.orders;
SELECT outcome FROM refresh_segmentation('moved', '2025-02-02Z');
ALTER TABLE report_store.moved_segments SET SCHEMA public;
ALTER TABLE moved_segments RENAME TO members;
ALTER TABLE members RENAME customer_id TO account;
ALTER TABLE report_store.moved_history RENAME TO places;
SELECT outcome, entered, departed FROM refresh_segmentation('moved', '2025-02-03Z');
INSERT INTO report_orders VALUES (1, '2025-02-03 12:00Z', 500);
INSERT INTO report_store.orders VALUES (1, '2025-02-03 12:00Z', 500);
SELECT outcome FROM refresh_segmentation('moved', '2025-02-04Z', false);
SELECT customer, event, reason FROM segment_events('moved', '2025-02-04Z') WHERE customer = '1';
SELECT sum(customers) AS size_says FROM segment_size;
SELECT sum(customers) AS profile_says FROM segment_profile('moved');
SELECT segment_of('moved', 1) IS NOT NULL AS found;
CREATE VIEW report_view AS SELECT segment FROM members;
SELECT drop_segmentation('moved');
SELECT name FROM segmentation;
SELECT drop_segmentation('moved', cascade => true);
SELECT c.relname AS left_behind FROM pg_class AS c WHERE relname ~ '^(moved_|members|places)' ORDER BY 1;
SELECT create_rfm_segmentation('moved', 'report_store.orders', schema => 'report_store', time_zone => 'UTC');
-- one of the tables is gone: told, and dropping goes on
SELECT outcome FROM refresh_segmentation('moved', '2025-02-01Z');
DROP TABLE report_store.moved_history;
SELECT outcome, error FROM refresh_segmentation('moved', '2025-02-02Z');
SELECT sum(customers) AS size_says FROM segment_size;
SELECT drop_segmentation('moved');
SELECT c.relname AS left_behind FROM pg_class AS c WHERE relname ~ '^moved_' ORDER BY 1;
SELECT create_rfm_segmentation('moved', 'report_store.orders', schema => 'report_store', time_zone => 'UTC');
SELECT outcome FROM refresh_segmentation('moved', '2025-02-01Z');
DROP TABLE report_store.moved_segments CASCADE;
SELECT outcome FROM refresh_segmentation('moved', '2025-02-02Z');
SELECT sum(customers) AS size_says FROM segment_size;
SELECT count(*) AS profile_says FROM segment_profile WHERE segmentation = 'moved';
\set VERBOSITY sqlstate
SELECT segment_of('moved', 1);
\set VERBOSITY default
SELECT drop_segmentation('moved');
SELECT c.relname AS left_behind FROM pg_class AS c WHERE relname ~ '^moved_' ORDER BY 1;
DROP SCHEMA report_shop, report_store CASCADE;

-- ---- columns that are added, in between, missing or of another type ----
CREATE TABLE drift AS SELECT customer_id, at, amount FROM report_orders WHERE at < '2025-02-01Z';
SELECT create_rfm_segmentation('by_table', 'drift', time_zone => 'UTC');
SELECT outcome, customers FROM refresh_segmentation('by_table', '2025-02-01Z');
ALTER TABLE drift ADD COLUMN coupon text;
SELECT outcome, customers, departed, updated FROM refresh_segmentation('by_table', '2025-02-02Z');
UPDATE drift SET coupon = 'none';
SELECT outcome, customers, updated FROM refresh_segmentation('by_table', '2025-02-03Z');
SELECT max(frequency), sum(frequency) AS orders, (SELECT count(*) FROM drift) AS in_truth FROM by_table_segments;
CREATE VIEW sales AS SELECT customer_id, at, amount FROM drift;
SELECT create_rfm_segmentation('by_view', 'sales', time_zone => 'UTC');
SELECT outcome FROM refresh_segmentation('by_view', '2025-02-01Z');
DROP VIEW sales; CREATE VIEW sales AS SELECT customer_id, at, 1.0 AS discount, amount FROM drift;
SELECT outcome, customers, updated FROM refresh_segmentation('by_view', '2025-02-02Z');
SELECT sum(monetary) AS revenue, (SELECT sum(amount) FROM drift) AS in_truth FROM by_view_segments;
DROP VIEW sales; CREATE VIEW sales AS SELECT amount, at, customer_id FROM drift;
SELECT outcome, customers, updated FROM refresh_segmentation('by_view', '2025-02-02Z');
DROP VIEW sales; CREATE VIEW sales AS SELECT customer_id, at, amount AS total FROM drift;
SELECT outcome, customers, error_code FROM refresh_segmentation('by_view', '2025-02-03Z');
SELECT accept_source('by_view');
SELECT outcome, customers, updated FROM refresh_segmentation('by_view', '2025-02-03Z');
DROP VIEW sales; CREATE VIEW sales AS SELECT customer_id, at::text AS at, amount AS total FROM drift;
SELECT outcome, customers, error_code FROM refresh_segmentation('by_view', '2025-02-03Z');
SELECT accept_source('by_view');
DROP VIEW sales; CREATE VIEW sales AS SELECT customer_id, at, amount::real AS total FROM drift;
SELECT outcome, updated FROM refresh_segmentation('by_view', '2025-02-03Z');
-- what took a column as the order id finds it missing, and an order id of another type is told
DROP VIEW sales; CREATE VIEW sales AS SELECT customer_id, at, amount, row_number() OVER () AS invoice FROM drift;
SELECT create_rfm_segmentation('by_invoice', 'sales', time_zone => 'UTC');
DROP VIEW sales; CREATE VIEW sales AS SELECT customer_id, at, amount FROM drift;
SELECT outcome, error FROM refresh_segmentation('by_invoice', '2025-02-01Z');
-- clusterings
CREATE VIEW habits AS SELECT customer_id, count(*) AS n, sum(amount) AS spend FROM drift GROUP BY 1;
SELECT create_cluster_segmentation('habit', 'habits', k => 2);
SELECT outcome FROM refresh_segmentation('habit', '2025-02-01Z');
DROP VIEW habits; CREATE VIEW habits AS SELECT 1 AS new, sum(amount) AS spend, customer_id, count(*) AS n FROM drift GROUP BY customer_id;
SELECT outcome, updated + moved + departed + entered AS changes FROM refresh_segmentation('habit', '2025-02-02Z');
DROP VIEW habits; CREATE VIEW habits AS SELECT customer_id, count(*)::text AS n, sum(amount) AS spend FROM drift GROUP BY 1;
SELECT outcome, error FROM refresh_segmentation('habit', '2025-02-03Z');
SELECT accept_source('habit');
DROP VIEW habits; CREATE VIEW habits AS SELECT customer_id, count(*) AS n FROM drift GROUP BY 1;
SELECT outcome, error FROM refresh_segmentation('habit', '2025-02-03Z');
SELECT accept_source('habit');
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;

-- ---- law 18: what alarms is refused, with figures and the way to let it pass ----
SELECT create_rfm_segmentation('guarded', 'drift', time_zone => 'UTC');
SELECT outcome, customers FROM refresh_segmentation('guarded', '2025-02-01Z');
CREATE TABLE kept AS TABLE drift;
DELETE FROM drift WHERE customer_id > 24;
SELECT outcome, customers, departed, error_code FROM refresh_segmentation('guarded', '2025-02-02Z');
SELECT count(*) FROM guarded_segments;
SELECT outcome, error FROM run WHERE segmentation = 'guarded' ORDER BY run_id;
SELECT outcome, customers, departed FROM refresh_segmentation('guarded', '2025-02-02Z', max_departed => 1);
DELETE FROM drift WHERE customer_id > 12;                    -- half of them may go
SELECT outcome, customers, departed FROM refresh_segmentation('guarded', '2025-02-03Z');
TRUNCATE drift;
SELECT outcome FROM refresh_segmentation('guarded', '2025-02-04Z');
SELECT outcome, customers, departed, error FROM refresh_segmentation('guarded', '2025-02-04Z', max_departed => 1);
INSERT INTO drift TABLE kept;
SELECT outcome, customers, entered FROM refresh_segmentation('guarded', '2025-02-05Z');
-- nearly all rows are skipped, though nobody departs: the customers are listed
SELECT create_rfm_segmentation('listed', 'drift', customers => 'SELECT generate_series(1, 60)', time_zone => 'UTC');
SELECT outcome, customers FROM refresh_segmentation('listed', '2025-02-01Z');
UPDATE drift SET amount = NULL WHERE customer_id > 3;
SELECT outcome, rows_read, rows_skipped FROM refresh_segmentation('listed', '2025-02-02Z');
SELECT count(*) FILTER (WHERE frequency > 0) AS with_orders FROM listed_segments;
SELECT outcome, rows_read, rows_skipped FROM refresh_segmentation('listed', '2025-02-02Z', max_departed => 1);
SELECT outcome, rows_read, rows_skipped FROM refresh_segmentation('listed', '2025-02-03Z', max_departed => 1);
SELECT max_departed FROM segmentation WHERE name = 'listed';
SELECT refresh_segmentation('listed', max_departed => 1.5);
SELECT refresh_segmentation('listed', max_departed => 'NaN');
SELECT create_rfm_segmentation('worse', 'drift', max_departed => -0.1);
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;

-- ---- keys that grow ----
CREATE TABLE growing AS SELECT customer_id, at, amount FROM kept;
SELECT create_rfm_segmentation('grown', 'growing', time_zone => 'UTC');
SELECT outcome FROM refresh_segmentation('grown', '2025-02-01Z');
ALTER TABLE growing ALTER customer_id TYPE bigint;
SELECT outcome, error FROM refresh_segmentation('grown', '2025-02-02Z');
SELECT accept_source('grown');
ALTER TABLE grown_segments ALTER customer_id TYPE bigint; ALTER TABLE grown_history ALTER customer_id TYPE bigint;
SELECT accept_source('grown');
INSERT INTO growing VALUES (3000000000, '2025-01-15Z', 7);
SELECT outcome, customers, entered, departed FROM refresh_segmentation('grown', '2025-02-02Z');
SELECT segment_of('grown', 3000000000) IS NOT NULL AS found;
SELECT drop_segmentation('grown');

-- ---- an as_of in the future ----
SELECT create_rfm_segmentation('slip', 'kept', time_zone => 'UTC');
SELECT refresh_segmentation('slip', '2205-03-01Z');
SELECT retrain_segmentation('slip', '2205-03-01Z');
SELECT count(*) FROM run;
SELECT outcome, as_of FROM refresh_segmentation('slip', '2205-03-01Z', future => true);
SELECT outcome, as_of FROM refresh_segmentation('slip');
SELECT drop_segmentation('slip');

-- ---- "every day" is a day of the calendar, whatever the jitter, the zone of the session and the change of the clock ----
SELECT create_rfm_segmentation('daily', 'kept', time_zone => 'Europe/Berlin', retrain_every => '1 day');
SELECT d, r.trained
FROM unnest('{2025-03-01 03:10:02.31Z,2025-03-02 03:10:02.27Z,2025-03-03 03:10:02.40Z,2025-03-04 03:10:02.38Z}'::timestamptz[]) AS d,
     LATERAL refresh_segmentation('daily', d) AS r ORDER BY 1;
SELECT create_rfm_segmentation('dst', 'kept', time_zone => 'Europe/Berlin', retrain_every => '1 day');
SELECT l AS local_time, r.trained
FROM unnest('{2025-03-28 03:10,2025-03-29 03:10,2025-03-30 03:10,2025-03-30 23:59,2025-03-31 00:00,2025-03-31 03:10}'::timestamp[]) AS l,
     LATERAL refresh_segmentation('dst', l AT TIME ZONE 'Europe/Berlin') AS r ORDER BY 1;
SET timezone = 'America/New_York';                           -- a day of the segmentation, not of the session
SELECT l AS local_time, r.trained
FROM unnest('{2025-04-01 00:30,2025-04-01 23:30,2025-04-02 00:10,2025-04-02 06:10,2025-10-26 02:59,2025-10-27 00:00}'::timestamp[]) AS l,
     LATERAL refresh_segmentation('dst', l AT TIME ZONE 'Europe/Berlin') AS r ORDER BY 1;
SET timezone = 'UTC';
SELECT create_rfm_segmentation('monthly', 'kept', time_zone => 'UTC', retrain_every => '1 month');
SELECT d, r.trained FROM unnest('{2025-03-31,2025-04-29,2025-04-30,2025-05-29,2025-05-30}'::timestamptz[]) AS d,
     LATERAL refresh_segmentation('monthly', d) AS r ORDER BY 1;
SELECT create_rfm_segmentation('hourly', 'kept', time_zone => 'UTC', retrain_every => '1 hour');
SELECT d, r.trained
FROM unnest('{2025-03-31 00:10Z,2025-03-31 01:09Z,2025-03-31 01:10Z,2025-03-31 02:09:59Z,2025-03-31 03:10Z}'::timestamptz[]) AS d,
     LATERAL refresh_segmentation('hourly', d) AS r ORDER BY 1;
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;

-- ---- empty says why; rows without a place are told; a first refresh long after the orders is told ----
SET client_min_messages = notice;
SELECT create_rfm_segmentation('told', 'SELECT customer_id, at, NULLIF(amount, amount) AS amount FROM kept');
SELECT outcome, error FROM refresh_segmentation('told', '2025-02-01Z');
SELECT create_rfm_segmentation('none', 'SELECT customer_id, at, amount FROM kept WHERE false');
SELECT outcome, error FROM refresh_segmentation('none', '2025-02-01Z');
SELECT create_rfm_segmentation('later', 'kept');
SELECT outcome, error FROM refresh_segmentation('later', '2024-12-31Z');
SELECT create_rfm_segmentation('behind', 'kept', time_zone => 'Pacific/Auckland');
SELECT outcome FROM refresh_segmentation('behind', '2026-01-10Z');
SELECT outcome FROM refresh_segmentation('behind', '2026-01-11Z');
SELECT create_cluster_segmentation('unplaced', 'SELECT c AS id, nullif(c % 5, 0) AS n FROM generate_series(1, 50) AS c', k => 2);
SELECT outcome, customers, rows_used, rows_skipped, counts FROM refresh_segmentation('unplaced', '2025-02-01Z');
SELECT create_cluster_segmentation('nothing', 'SELECT c AS id, NULL::float8 AS n FROM generate_series(1, 50) AS c', k => 2);
SELECT outcome, customers, error FROM refresh_segmentation('nothing', '2025-02-01Z');
SET client_min_messages = warning;
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;

-- ---- the nearest name ----
SELECT create_rfm_segmentation('loyalty', 'kept');
SELECT create_rfm_segmentation('Lapsed customers', 'kept');
SELECT refresh_segmentation('loyality');
SELECT refresh_segmentation('LOYALTY');
SELECT segment_of('lapsed_customer', 1);
SELECT drop_segmentation('other');
SELECT drop_segmentation('');
SELECT drop_segmentation('l');
CREATE ROLE report_stranger;                                  -- names that one may not see are not told
SET ROLE report_stranger;
SELECT segment_of('loyality', 1);
RESET ROLE;
DROP ROLE report_stranger;
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;
DROP TABLE report_orders, drift, kept, growing CASCADE;
