-- Events and their consumers: who makes and reads them, and that nothing of them runs with anybody else's rights.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
SET client_min_messages = warning;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO all

-- ---- only who acts as the owner makes the table ----
SET search_path = regress_shop, segment;
GRANT SELECT ON regress_shop.loyal_segments TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_other;
SELECT event_table('loyal');
SELECT segment_internal.create_event_table('loyal');
SELECT create_event_consumer('theirs', 'loyal');
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT event_table('loyal');
SELECT create_event_consumer('theirs', 'loyal');
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT event_table('loyal');
RESET SESSION AUTHORIZATION;
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'regress_shop.loyal_events'::regclass;

-- ---- who may not read the table reads no events ----
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT create_event_consumer('theirs', 'loyal');
SELECT segment_internal.number_events('loyal');
TABLE regress_shop.loyal_events;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON regress_shop.loyal_events TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT create_event_consumer('theirs', 'loyal');
SELECT count(*) FROM next_segment_events('theirs');
INSERT INTO regress_shop.loyal_events (event_at, event, reason) VALUES (now(), 'reset', 'mine');
UPDATE regress_shop.loyal_events SET event_id = 0;
SELECT relation, what FROM customer_table ORDER BY 2;
RESET SESSION AUTHORIZATION;
-- rows without a number: the reader has them numbered, with the rights of the owner and none of his own
INSERT INTO regress_shop.loyal_events (customer_id, event_at, event, to_segment_id, reason) VALUES (101, '2024-05-02', 'entered', 1, 'new');
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT event_id, customer FROM next_segment_events('theirs') OFFSET 50;
SELECT segment_internal.number_events_as_owner('loyal');
SELECT segment_internal.change_catalogue('take_event_ids', 'loyal'::text, 5::bigint);
SELECT segment_internal.change_catalogue('try_lock', 'loyal'::text);
SELECT acknowledge_segment_events('theirs', 51);

-- ---- a consumer is its owner's ----
SELECT consumer, owner, acknowledged, waiting FROM segment_event_consumer;
INSERT INTO event_consumer (consumer, segmentation, owner) VALUES ('forged', 'loyal', 'regress_segment_reader');
UPDATE event_consumer SET acknowledged = 0;
SET SESSION AUTHORIZATION regress_segment_other;
SELECT consumer FROM segment_event_consumer;
SELECT * FROM next_segment_events('theirs');
SELECT acknowledge_segment_events('theirs', 1);
SELECT segment_internal.change_catalogue('acknowledge_events', 'theirs'::text, 1::bigint);
SELECT segment_internal.change_catalogue('drop_event_consumer', 'theirs'::text);
SELECT segment_internal.change_catalogue('create_event_consumer', 'others'::text, 'loyal'::text, false);
SELECT drop_event_consumer('theirs');
-- the owner of the segmentation sees it and may drop it, but not say that it is done with what it has not seen
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT consumer, owner, acknowledged, waiting FROM segment_event_consumer;
SELECT acknowledge_segment_events('theirs', 51);
SELECT drop_event_consumer('theirs');
-- a right that was taken away
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT create_event_consumer('theirs', 'loyal');
RESET SESSION AUTHORIZATION;
REVOKE SELECT ON regress_shop.loyal_events FROM regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT * FROM next_segment_events('theirs');
SELECT consumer, waiting FROM segment_event_consumer;
RESET SESSION AUTHORIZATION;
REVOKE SELECT ON regress_shop.loyal_segments FROM regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT * FROM next_segment_events('theirs');
SELECT consumer, last_event_id, waiting FROM segment_event_consumer;
SELECT drop_event_consumer('theirs');

-- ---- elevation_via_events: code that the owner put on his table, run by who reads, refreshes, numbers or looks ----
SET SESSION AUTHORIZATION regress_segment_other;
SET search_path = regress_play, segment;
SELECT create_rfm_segmentation('trapped', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('trapped', '2024-05-01');
SELECT event_table('trapped');
GRANT SELECT ON trapped_segments, trapped_history, trapped_events TO PUBLIC;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT create_event_consumer('victim', 'trapped');
RESET SESSION AUTHORIZATION;
SELECT create_event_consumer('superuser', 'trapped');
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_play.steal(); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON trapped_events FOR EACH ROW EXECUTE FUNCTION trap();
INSERT INTO trapped_events (customer_id, event_at, event, to_segment_id, reason) VALUES (1, '2024-05-02', 'entered', 1, 'new');
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) FROM next_segment_events('victim');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM next_segment_events('superuser');
SELECT regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_other;
CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE OR DELETE ON trapped_events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap();
INSERT INTO trapped_events (customer_id, event_at, event, to_segment_id, reason) VALUES (2, '2024-05-02', 'entered', 1, 'new');
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regress_play.attempt('SELECT count(*) FROM segment.next_segment_events(''victim'')');
RESET SESSION AUTHORIZATION;
SELECT regress_play.attempt('SELECT count(*) FROM segment.next_segment_events(''superuser'')');
SELECT regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_other;
DROP TRIGGER later ON trapped_events;
ALTER TABLE trapped_events ALTER reason SET DEFAULT regress_play.steal()::text;
CREATE INDEX ON trapped_events (event_id) WHERE regress_play.steal();
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) FROM next_segment_events('victim');
SELECT consumer, waiting FROM segment_event_consumer;
CALL regress_play.touch('trapped');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM next_segment_events('superuser');
SELECT consumer, waiting FROM segment_event_consumer WHERE segmentation = 'trapped';
CALL regress_play.touch('trapped');
SELECT regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_other;
DROP INDEX trapped_events_event_id_idx;
-- policies and views in its place
ALTER TABLE trapped_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_them ON trapped_events USING (regress_play.steal());
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) FROM next_segment_events('victim');
RESET SESSION AUTHORIZATION;
SELECT regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_other;
ALTER TABLE trapped_events RENAME TO real_events;
CREATE VIEW trapped_events AS SELECT * FROM real_events WHERE regress_play.steal();
GRANT SELECT ON trapped_events TO PUBLIC;
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'events'::text, 'regress_play.trapped_events'::regclass);
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'events'::text, 'regress_shop.loyal_events'::regclass);
SELECT segment_internal.change_catalogue('keep_table', 'trapped'::text, 'nothing'::text, 'regress_play.real_events'::regclass);
SELECT segment_internal.change_catalogue('keep_table', 'loyal'::text, 'events'::text, 'regress_play.real_events'::regclass);
DROP VIEW trapped_events;
-- names are quoted: of the table and of its key
ALTER TABLE real_events DISABLE ROW LEVEL SECURITY;
DROP TRIGGER trap ON real_events;
ALTER TABLE real_events RENAME customer_id TO "x, regress_play.steal()";
ALTER TABLE real_events RENAME TO "e"" WHERE regress_play.steal() --";
INSERT INTO bait VALUES (1000, '2024-05-01', 5);
SELECT outcome FROM refresh_segmentation('trapped', '2024-05-03');
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) FROM next_segment_events('victim') WHERE customer = '1000';
RESET SESSION AUTHORIZATION;
SELECT regress_play.robbed();
\set ECHO none
SELECT FROM segment.drop_segmentation('trapped', true);
\i test/lib/rights_end.psql
