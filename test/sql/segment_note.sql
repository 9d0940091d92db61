-- Notes on segments: added, by whoever owns the segmentation, and never changed.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT current_user AS superuser \gset
CREATE ROLE regress_crm;
CREATE ROLE regress_anna IN ROLE regress_crm;
CREATE ROLE regress_reader;
CREATE SCHEMA notes AUTHORIZATION regress_crm;
GRANT USAGE ON SCHEMA notes TO PUBLIC;
SET search_path = notes, segment;
\i test/lib/try.psql
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
CREATE TABLE customers AS SELECT n AS id, n AS revenue FROM generate_series(1, 20) AS n;
SELECT FROM create_rule_segmentation('tier', 'customers', '{"Gold": "revenue > 15", "Silver": "revenue > 8"}', rest => 'Others');
RESET ROLE;
SELECT outcome FROM refresh_segmentation('tier', '2025-01-01');
GRANT SELECT ON tier_segments TO regress_reader;
SELECT note_segment('tier', 'Gold', 'purpose', 'keep them') < note_segment('tier', 'Gold', 'quote', 'I would miss you.') AS later;
SELECT note_segment('tier', 'Silver', k, k || ' of Silver') IS NOT NULL AS noted FROM unnest('{pain,need,look,decision}'::text[]) AS k;
SELECT rename_segment('tier', 'Gold', 'Best');
SELECT note_segment('tier', 'Best', 'purpose', 'keep them longer') IS NOT NULL AS noted;
SELECT try($$SELECT note_segment('tier', 'Gold', 'purpose', 'x')$$), try($$SELECT note_segment('tier', 'Best', 'rumour', 'x')$$),
       try($$SELECT note_segment('tier', 'Best', NULL, 'x')$$), try($$SELECT note_segment('tier', 'Best', 'quote', '')$$);
-- a reader reads, and writes none
SET SESSION AUTHORIZATION regress_reader;
SELECT g.name, n.kind, n.note, n.author FROM segment_note AS n JOIN segment AS g USING (segmentation, segment_id) ORDER BY note_id;
SELECT try($$SELECT note_segment('tier', 'Best', 'quote', 'x')$$), try($$SELECT purge_segment_notes('tier', now())$$);
SELECT try($$INSERT INTO segment.segment_note (segmentation, segment_id, kind, note) VALUES ('tier', 1, 'quote', 'x')$$);
-- nobody changes any: the owner, nor a superuser who does not look
SET SESSION AUTHORIZATION regress_anna;
SET ROLE regress_crm;
SELECT try($$UPDATE segment.segment_note SET note = 'x'$$), try($$DELETE FROM segment.segment_note$$),
       try($$TRUNCATE segment.segment_note$$);
SELECT try($$INSERT INTO segment.segment_note (segmentation, segment_id, kind, note, author) VALUES ('tier', 1, 'quote', 'x', 'bert')$$);
RESET ROLE;
SET SESSION AUTHORIZATION :"superuser";
SELECT try($$UPDATE segment.segment_note SET note = 'x'$$), try($$DELETE FROM segment.segment_note$$);
-- but they go when they are old, and with the segmentation
SET SESSION AUTHORIZATION regress_anna;
SELECT purge_segment_notes('tier', '2025-01-01') AS none, purge_segment_notes('tier', NULL) AS nothing;
SELECT purge_segment_notes('tier', (SELECT max(written_at) FROM segment_note)) AS purged;
SELECT try($$DELETE FROM segment.segment_note$$);
SET SESSION AUTHORIZATION :"superuser";
SELECT try($$DELETE FROM segment.segment_note$$);
SELECT kind, note FROM segment_note;
SELECT drop_segmentation('tier');
SELECT count(*) FROM segment_note;
RESET SESSION AUTHORIZATION;
DROP SCHEMA notes CASCADE;
DROP ROLE regress_anna, regress_reader, regress_crm;
