-- Events as a table in the order of commit, and their consumers.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE people (event_id text COLLATE "C", points integer, other integer);
INSERT INTO people VALUES ('a', 10, 1), ('b', 20, 2), ('c', 30, 3);
SELECT create_rule_segmentation('club', 'people', '{"high": "points >= 20", "low": "other > 0"}', keep => '{points}');
CREATE VIEW told AS SELECT event_id, event_at, customer, event, from_segment, to_segment, reason FROM next_segment_events('reader');

-- ---- the table ----
SELECT events, last_event_id FROM segmentation WHERE name = 'club';
SELECT outcome FROM refresh_segmentation('club', '2025-01-01');
UPDATE people SET points = 25 WHERE event_id = 'a';
SELECT outcome FROM refresh_segmentation('club', '2025-01-02');
DELETE FROM people WHERE event_id = 'b';
SELECT outcome FROM refresh_segmentation('club', '2025-01-03', max_departed => 1);
SELECT event_table('club');
SELECT event_table('club') = 'club_events'::regclass AS the_same;
-- the key has another name where a column has its own, and its type and collation
SELECT attname, format_type(atttypid, atttypmod) AS type, nullif(attcollation, 100)::regcollation AS collation, attnotnull, attidentity
FROM pg_attribute WHERE attrelid = 'club_events'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname FROM pg_attribute WHERE attrelid = 'club_events'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
SELECT obj_description('club_events'::regclass, 'pg_class');
-- everything from the beginning is there, in the order of instants
SELECT event_id - row_number() OVER (ORDER BY event_id) AS gap, event_at, event, from_segment, to_segment, reason, count(*)
FROM club_events GROUP BY event_at, event, from_segment, to_segment, reason, event_id ORDER BY event_id;
SELECT count(*) FROM club_events AS e FULL JOIN segment_events('club') AS h USING (event_at, customer, event, reason)
WHERE (e.from_segment, e.to_segment) IS DISTINCT FROM (h.from_segment, h.to_segment);
SELECT events, last_event_id FROM segmentation WHERE name = 'club';
SELECT relation, key_column, what FROM customer_table WHERE what = 'events';
-- a step more, in its place; and none where nobody asked for events
SELECT name, split_part(statement, E'\n', 1) AS statement FROM refresh_steps('club', '2025-01-04') WITH ORDINALITY AS t (name, statement, n)
ORDER BY n DESC LIMIT 2;
CREATE TABLE without (id integer, points integer);
SELECT create_rule_segmentation('without', 'without', '{"high": "points >= 20"}');
SELECT count(*) FROM refresh_steps('without') WHERE statement ~ 'event';
-- a refresh that changes nothing writes nothing
SELECT outcome FROM refresh_segmentation('club', '2025-01-04');
SELECT max(event_id) FROM club_events;

-- ---- a consumer ----
SELECT create_event_consumer('reader', 'club');
SELECT create_event_consumer('late', 'club', from_now => true);
SELECT * FROM told WHERE event_id > 3;
SELECT event_id, segmentation, from_segment_id FROM next_segment_events('reader', 2);
SELECT to_segment_id, to_segment FROM next_segment_events('reader', 3) ORDER BY 1;
SELECT count(*) FROM next_segment_events('reader', 2) AS again;
SELECT acknowledge_segment_events('reader', 2);
SELECT event_id FROM next_segment_events('reader', 1);
SELECT acknowledge_segment_events('reader', 1), acknowledge_segment_events('reader', NULL);
SELECT event_id FROM next_segment_events('reader', 1);
SELECT consumer, owner = current_user AS own, segmentation, acknowledged, last_event_id, waiting, waiting_since,
       acknowledged_at IS NOT NULL AS did, created_at IS NOT NULL AS made FROM segment_event_consumer ORDER BY 1;
SELECT acknowledge_segment_events('reader', max(event_id)) FROM next_segment_events('reader');
SELECT count(*) FROM told;
SELECT acknowledge_segment_events('reader', max(event_id)) FROM next_segment_events('reader');
SELECT consumer, waiting, waiting_since FROM segment_event_consumer ORDER BY 1;

-- ---- corrections of one instant: what leads from the place that was to the place that is ----
UPDATE people SET points = 5 WHERE event_id = 'a';
SELECT outcome FROM refresh_segmentation('club', '2025-01-05');
UPDATE people SET points = 50 WHERE event_id = 'a';
SELECT outcome FROM refresh_segmentation('club', '2025-01-05');
SELECT include_customer('club', 'low', 'c');
SELECT undecide_customer('club', NULL, 'c');
SELECT exclude_customer('club', NULL, 'c');
SELECT undecide_customer('club', NULL, 'c');
SELECT include_customer('club', 'low', 'nobody');
SELECT undecide_customer('club', NULL, 'nobody');
SELECT * FROM told;
SELECT count(*) FROM segment_events('club', '2025-01-05');
SELECT acknowledge_segment_events('reader', max(event_id)) FROM next_segment_events('reader');
-- as of the next instant the same have the reasons of the history
SELECT include_customer('club', 'low', 'c', refresh => false);
UPDATE people SET other = -1, points = 0 WHERE event_id = 'a';
SELECT outcome FROM refresh_segmentation('club', '2025-01-06', max_departed => 1);
SELECT undecide_customer('club', NULL, 'c', refresh => false);
SELECT FROM set_segment_rule('club', 'low', 'other > -5', refresh => false);
SELECT outcome FROM refresh_segmentation('club', '2025-01-07');
SELECT FROM set_segment_rule('club', 'high', 'other < 0 OR points >= 20', refresh => false);
SELECT outcome FROM refresh_segmentation('club', '2025-01-08');
SELECT event_at, customer, event, from_segment, to_segment, reason FROM told ORDER BY event_at, customer;
SELECT event_at, customer, event, from_segment, to_segment, reason FROM told
EXCEPT SELECT * FROM segment_events('club');
SELECT acknowledge_segment_events('reader', max(event_id)) FROM next_segment_events('reader');
-- refused and failed: no events
SELECT outcome FROM refresh_segmentation('club', '2025-01-09');
TRUNCATE people;
SET client_min_messages = error;
SELECT outcome FROM refresh_segmentation('club', '2025-01-10');
SET client_min_messages = warning;
SELECT count(*) FROM told;
-- names are those that the segments had
SELECT rename_segment('club', 'high', 'top');
INSERT INTO people VALUES ('d', 100, 1);
SELECT outcome FROM refresh_segmentation('club', '2025-01-11', max_departed => 1);
SELECT customer, event, from_segment, to_segment, reason FROM told ORDER BY customer;
SELECT DISTINCT to_segment FROM club_events WHERE to_segment_id = 1 ORDER BY 1;
SELECT acknowledge_segment_events('reader', max(event_id)) FROM next_segment_events('reader');

-- ---- what comes without a number is numbered by who looks, in the order of insertion ----
INSERT INTO club_events (customer, event_at, event, to_segment_id, to_segment, reason)
VALUES ('z', '2025-01-12', 'entered', 1, 'top', 'new'), ('y', '2025-01-12', 'entered', 1, 'top', 'new');
SELECT waiting, waiting_since FROM segment_event_consumer WHERE consumer = 'reader';
BEGIN READ ONLY;
SELECT count(*) FROM told;
COMMIT;
SELECT event_id - lag(event_id) OVER () AS step, customer FROM told;
INSERT INTO club_events (customer, event_at, event, to_segment_id, to_segment, reason)
VALUES ('x', '2025-01-12', 'entered', 1, 'top', 'new');
INSERT INTO people VALUES ('e', 100, 1);
SELECT outcome FROM refresh_segmentation('club', '2025-01-13');
SELECT customer FROM told;
SELECT count(*) - max(event_id) AS missing, max(event_id) = (SELECT last_event_id FROM segmentation WHERE name = 'club') AS last,
       bool_and(event_id = insertion) AS in_order FROM club_events;
-- an event of the segmentation as a whole has no customer
INSERT INTO club_events (event_at, event, reason) VALUES ('2025-01-10', 'reset', 'reset');
SELECT customer IS NULL AS nobody, event FROM told ORDER BY event_id DESC LIMIT 1;
-- it can be published, which needs a key where rows are numbered
SET client_min_messages = error;
CREATE PUBLICATION club_movements FOR TABLE club_events;
RESET client_min_messages;
INSERT INTO club_events (customer, event_at, event, to_segment_id, to_segment, reason)
VALUES ('w', '2025-01-14', 'entered', 1, 'top', 'new');
SELECT count(*) FROM told;
DROP PUBLICATION club_movements;

-- ---- errors ----
SELECT event_table('nowhere');
SELECT create_event_consumer('reader', 'club');
SELECT create_event_consumer('', 'club');
SELECT create_event_consumer('other', 'nowhere');
SELECT * FROM next_segment_events('nobody');
SELECT * FROM next_segment_events('reader', 0);
SELECT acknowledge_segment_events('reader', 1000);
SELECT acknowledge_segment_events('nobody', 1), drop_event_consumer('nobody');
SELECT drop_event_consumer('nobody');
SELECT drop_event_consumer('late');
SELECT segment_internal.refuse_events(segment_internal.segmentation_row('club'));
-- whoever drops the table wants no more events; who reads them is told
DROP TABLE club_events;
SELECT outcome, error FROM refresh_segmentation('club', '2025-01-15');
SELECT * FROM told;
SELECT waiting FROM segment_event_consumer;
SELECT event_table('club');
SELECT count(*) = (SELECT count(*) FROM segment_events('club')) AS all_of_them,
       min(event_id) > (SELECT acknowledged FROM segment_event_consumer) AS new_ids FROM told;
-- a refresh writes no table of another owner's
CREATE ROLE regress_events_other;
ALTER TABLE club_events OWNER TO regress_events_other;
SET client_min_messages = error;
SELECT outcome, error FROM refresh_segmentation('club', '2025-01-16');
SET client_min_messages = warning;
ALTER TABLE club_events OWNER TO CURRENT_USER;
DROP ROLE regress_events_other;
-- with the first consumer comes the table, before there are members; its keys come with the first rows
SELECT create_event_consumer('first', 'without');
INSERT INTO without SELECT n, n FROM generate_series(1, 50) AS n;
SELECT outcome, steps @? '$[*] ? (@.step == "INSERT" && @.rows == 31)' AS wrote FROM refresh_segmentation('without', '2025-01-01');
SELECT conname FROM pg_constraint WHERE conrelid = 'without_events'::regclass AND contype IN ('p', 'u') ORDER BY 1;
SELECT count(*), max(event_id) FROM next_segment_events('first');
-- who is used, and by what
CREATE TABLE watch AS SELECT 1 AS id;
SELECT create_rule_segmentation('watch', 'SELECT id, count(*) AS moves FROM without_events GROUP BY id', '{"restless": "moves > 1"}');
SELECT segmentation, how, uses FROM segmentation_uses;
DROP VIEW told;
SELECT count(drop_segmentation(s)) FROM unnest('{watch,club,without}'::text[]) AS s;
SELECT count(*) FROM event_consumer;
DROP TABLE people, without, watch;
