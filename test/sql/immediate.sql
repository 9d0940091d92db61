-- The refresh mode immediate beside all that can be done to a segmentation meanwhile.
CREATE SCHEMA immediate;
SET search_path = immediate, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set VERBOSITY terse
CREATE TABLE clients (id integer PRIMARY KEY, spend numeric, visits integer);
CREATE TABLE orders (client integer, at timestamptz, amount numeric);
CREATE INDEX ON orders (client);
INSERT INTO clients SELECT i, i * 10, 1 FROM generate_series(1, 20) AS i;
INSERT INTO orders SELECT i, '2024-01-01Z'::timestamptz + i * interval '1 day', i FROM generate_series(1, 20) AS i;
-- who is where, and whether all is as it should be
CREATE VIEW wrong AS
SELECT g.segment, g.customers, n.n FROM segment_size AS g LEFT JOIN LATERAL (
    SELECT count(*) AS n FROM segment_members(g.segmentation) AS m WHERE m.segment_id = g.segment_id) AS n ON true
WHERE n.n <> g.customers;
SELECT create_rule_segmentation('spenders', 'clients', '{"Big": "100 / visits * spend > 10000", "Middle": "spend >= 100"}',
    rest => 'Small', max_departed => 1);
SELECT track_source('spenders', refresh_mode => 'immediate');
-- never refreshed: nothing is placed, nothing is lost
UPDATE clients SET spend = 5 WHERE id = 20;
SELECT count(*) FROM spenders_segments;
SELECT outcome, way FROM refresh_segmentation('spenders', now());
SELECT segment, customers FROM segment_size ORDER BY segment_id;
SELECT clock_timestamp() AS before \gset
UPDATE clients SET spend = 500 WHERE id IN (1, 2);
SELECT clock_timestamp() AS between \gset
UPDATE clients SET spend = 1 WHERE id IN (1, 3, 19);
DELETE FROM clients WHERE id = 18;
SELECT segment, customers FROM segment_size ORDER BY segment_id;
-- reading
SELECT segment, count(*) FROM segment_members('spenders', :'before') GROUP BY 1 ORDER BY 1;
SELECT segment, count(*) FROM segment_members('spenders', :'between') GROUP BY 1 ORDER BY 1;
SELECT segment, count(*) FROM segment_members('spenders', now()) GROUP BY 1 ORDER BY 1;
SELECT segment, count(*) FROM segment_members('spenders') GROUP BY 1 ORDER BY 1;
SELECT segment_of('spenders', 1, :'before'), segment_of('spenders', 1, :'between'), segment_of('spenders', 1, now()),
    segment_of('spenders', 18, :'between'), segment_of('spenders', 18, now());
SELECT * FROM segment_migration('spenders', :'between', now());
SELECT customer, event, from_segment, to_segment, reason, event_at > :'between' AS later
FROM segment_events('spenders', :'before') ORDER BY event_at, customer::integer;
SELECT segment, customers, added, removed FROM segment_trend('spenders', '1 year');
-- also of whom the next refresh is to look at again
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE clients SET spend = 300 WHERE id IN (1, 2, 3);
DELETE FROM clients WHERE id = 17;
COMMIT;
INSERT INTO clients VALUES (17, 170, 1);
SELECT id FROM spenders_changes ORDER BY 1;
SELECT segment, count(*) FROM segment_members('spenders', :'between') GROUP BY 1 ORDER BY 1;
SELECT segment_of('spenders', 17, :'between');
UPDATE clients SET spend = CASE id WHEN 2 THEN 500 ELSE 1 END WHERE id IN (1, 2, 3);
SELECT outcome, entered, departed, moved, updated FROM refresh_segmentation('spenders');
SELECT clock_timestamp() AS between \gset
UPDATE clients SET spend = 500 WHERE id = 20;
-- an instant in between is refused
SET client_min_messages = error;
SELECT outcome, regexp_replace(error, '[0-9-]{10} [0-9:.]+\+00', 'T', 'g') AS error FROM refresh_segmentation('spenders', :'between');
RESET client_min_messages;
SELECT count(*) FROM preview_refresh('spenders');
SELECT * FROM segment_migration('spenders', :'before', :'between');
-- decisions
SELECT include_customer('spenders', 'Big', 3);
SELECT exclude_customer('spenders', 'Middle', 12);
SELECT include_customer('spenders', 'Big', 99, until => '9999-01-01');
SELECT id, segment, entered_reason FROM spenders_segments WHERE id IN (3, 12, 99) ORDER BY 1;
SELECT undecide_customer('spenders', NULL, 3);
SELECT id, segment, entered_reason FROM spenders_segments WHERE id IN (3, 12, 99) ORDER BY 1;
TABLE wrong;
SELECT count(*) FROM spenders_changes;
SELECT way, way_reason, entered, departed, moved, updated FROM refresh_segmentation('spenders') AS r;
-- rename
UPDATE clients SET spend = 2000 WHERE id = 4;
SELECT rename_segment('spenders', 'Big', 'Huge');
UPDATE clients SET spend = 2000 WHERE id = 5;
UPDATE clients SET spend = 2001 WHERE id = 4;
SELECT id, segment FROM spenders_segments WHERE id IN (4, 5) ORDER BY 1;
-- rules
SELECT set_segment_rule('spenders', 'Middle', 'spend >= 50', refresh => false);
UPDATE clients SET spend = 61 WHERE id = 6;
SELECT id, segment, entered_reason FROM spenders_segments WHERE id IN (6, 7) ORDER BY 1;
SELECT outcome, moved FROM set_segment_rule('spenders', 'Middle', 'spend >= 40');
SELECT id, segment, entered_reason FROM spenders_segments WHERE id IN (6, 7) ORDER BY 1;
UPDATE clients SET spend = 45 WHERE id = 8;
SELECT id, segment, entered_reason FROM spenders_segments WHERE id IN (6, 7, 8) ORDER BY 1;
-- division by zero of one customer
UPDATE clients SET visits = 0 WHERE id = 9;
SELECT * FROM spenders_changes;
UPDATE clients SET spend = 46 WHERE id = 10;
SELECT id, segment FROM spenders_segments WHERE id IN (9, 10) ORDER BY 1;
UPDATE clients SET visits = 2 WHERE id = 9;
SELECT way, way_reason, entered, departed, moved, updated FROM refresh_segmentation('spenders') AS r;
TABLE wrong;
-- the tables go elsewhere
CREATE SCHEMA elsewhere;
ALTER TABLE spenders_segments RENAME TO places;
ALTER TABLE places SET SCHEMA elsewhere;
ALTER TABLE spenders_history RENAME COLUMN id TO client;
UPDATE clients SET spend = 3000 WHERE id = 10;
SELECT id, segment FROM elsewhere.places WHERE id = 10;
SELECT count(*) FROM spenders_changes;
ALTER TABLE elsewhere.places SET SCHEMA immediate;
ALTER TABLE places RENAME TO spenders_segments;
-- alter_segmentation
SELECT alter_segmentation('spenders', max_departed => 0.9);
UPDATE clients SET spend = 3 WHERE id = 10;
SELECT id, segment FROM spenders_segments WHERE id = 10;
-- a column of the source is gone: writers go on
ALTER TABLE clients RENAME spend TO spent;
UPDATE clients SET spent = 3000 WHERE id = 10;
SELECT * FROM spenders_changes;
ALTER TABLE clients RENAME spent TO spend;
DROP INDEX orders_client_idx;
UPDATE clients SET spend = 3001 WHERE id = 10;
SELECT id, segment FROM spenders_segments WHERE id = 10;
SELECT way, way_reason, entered, departed, moved, updated, error FROM refresh_segmentation('spenders') AS r;
-- reset
SELECT refreshed_as_of AS back FROM segmentation WHERE name = 'spenders' \gset
SELECT count(*) AS members FROM segment_members('spenders') \gset
DELETE FROM clients WHERE id IN (10, 11);
INSERT INTO clients VALUES (100, 1000, 1);
SELECT outcome, entered, departed, moved FROM reset_segmentation('spenders', :'back');
SELECT count(*) = :members FROM segment_members('spenders');
TABLE wrong;
SELECT count(*) FROM segment_shift;
UPDATE clients SET spend = 1001 WHERE id = 100;
SELECT way, entered, departed, moved, updated, error FROM refresh_segmentation('spenders') AS r;
TABLE wrong;
UPDATE clients SET spend = 1 WHERE id = 100;
SELECT history_rows > 0 FROM purge_history('spenders', :'back');
-- the mode is changed before a refresh
SELECT track_source('spenders');
TABLE wrong;
UPDATE clients SET spend = 1000 WHERE id = 100;
SELECT way, entered, departed, moved, updated, error FROM refresh_segmentation('spenders') AS r;
SELECT count(*) FROM segment_shift;
SELECT track_source('spenders', refresh_mode => 'immediate');
UPDATE clients SET spend = 1 WHERE id = 100;
SELECT untrack_source('spenders');
TABLE wrong;
UPDATE clients SET spend = 1000 WHERE id = 100;
SELECT way, entered, departed, moved, updated, error FROM refresh_segmentation('spenders') AS r;
TABLE wrong;
SELECT count(*) FROM segment_shift;
-- refreshed as of the future
SELECT track_source('spenders', refresh_mode => 'immediate');
SELECT outcome FROM refresh_segmentation('spenders', now() + interval '1 day', future => true);
UPDATE clients SET spend = 1 WHERE id = 100;
SELECT * FROM spenders_changes;
SELECT include_customer('spenders', 'Middle', 1);
SELECT id, segment FROM spenders_segments WHERE id = 1;
SELECT outcome, moved FROM refresh_segmentation('spenders');
TABLE wrong;
-- timeout
CREATE FUNCTION slow(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS '
BEGIN PERFORM pg_sleep(CASE $1 WHEN 7 THEN 2 ELSE 0 END); RETURN true; END';
SELECT create_rule_segmentation('slowly', 'clients', '{"All": "immediate.slow(id)"}', max_departed => 1);
SELECT track_source('slowly', refresh_mode => 'immediate');
SELECT outcome FROM refresh_segmentation('slowly');
SET statement_timeout = '300ms';
UPDATE clients SET spend = 2 WHERE id = 7;
RESET statement_timeout;
SELECT spend FROM clients WHERE id = 7;
-- retrain
SET client_min_messages = warning;
SELECT create_rfm_segmentation('loyal', 'SELECT client, at, amount FROM orders',
    retrain_every => '1 year', max_departed => 1);
SELECT track_source('loyal', refresh_mode => 'immediate');
SELECT outcome FROM refresh_segmentation('loyal');
INSERT INTO orders VALUES (1, now(), 1000);
SELECT outcome FROM retrain_segmentation('loyal');
INSERT INTO orders VALUES (2, now(), 1000), (3, now(), 1);
SELECT regexp_replace(explanation, '[0-9]{4}-[0-9-]+', 'T', 'g') LIKE 'last order on T, 0 calendar days before T%'
FROM explain_customer('loyal', 2) WHERE what = 'recency';
SELECT entered, departed, moved, updated FROM refresh_segmentation('loyal');
SELECT untrack_source('loyal');
SELECT entered, departed, moved, updated FROM refresh_segmentation('loyal');
-- a trigger on the members that changes the segmentation, and writes the source
SELECT create_rule_segmentation('again', 'clients', '{"Rich": "spend > 1000"}', rest => 'Poor', max_departed => 1);
SELECT track_source('again', refresh_mode => 'immediate');
SELECT outcome FROM refresh_segmentation('again');
CREATE FUNCTION write_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 4 THEN
        PERFORM segment.alter_segmentation('again', description => 'depth ' || pg_trigger_depth());
        UPDATE immediate.clients SET visits = visits + 1, spend = 2000 WHERE id IN (new.id, new.id + 1);
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER again AFTER UPDATE ON again_segments FOR EACH ROW EXECUTE FUNCTION write_again();
UPDATE clients SET spend = 5000 WHERE id = 16;
SELECT id, segment FROM again_segments WHERE id IN (16, 17) ORDER BY 1;
SELECT id FROM again_changes GROUP BY id ORDER BY 1;
DROP TRIGGER again ON again_segments;
SELECT outcome FROM refresh_segmentation('again');
SELECT id, segment FROM again_segments WHERE id IN (16, 17) ORDER BY 1;
TABLE wrong;
SELECT drop_segmentation(s.name) FROM segmentation AS s WHERE s.name IN ('again', 'loyal', 'slowly', 'spenders');
DROP SCHEMA immediate, elsewhere CASCADE;
