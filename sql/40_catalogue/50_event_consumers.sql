-- ---- who reads events, and how far he has come ----

CREATE TABLE event_consumer (
    consumer text PRIMARY KEY CHECK (consumer <> ''),
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    owner regrole NOT NULL,
    acknowledged bigint NOT NULL DEFAULT 0,
    acknowledged_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_consumer_segmentation ON event_consumer (segmentation);
COMMENT ON TABLE event_consumer IS
'Consumers of events, each of one segmentation; see segment_event_consumer, which also tells what waits for them.';
COMMENT ON COLUMN event_consumer.consumer IS 'Name of the consumer, unique in the database.';
COMMENT ON COLUMN event_consumer.segmentation IS 'The segmentation whose events it reads.';
COMMENT ON COLUMN event_consumer.owner IS 'Whose it is: who created it.';
COMMENT ON COLUMN event_consumer.acknowledged IS
'All events up to this event_id were acknowledged; 0: none, or there were none when it was created.';
COMMENT ON COLUMN event_consumer.acknowledged_at IS 'When it acknowledged last; NULL: never.';
COMMENT ON COLUMN event_consumer.created_at IS 'When it was created.';
SELECT pg_catalog.pg_extension_config_dump('event_consumer', '');

ALTER TABLE event_consumer ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON event_consumer FOR SELECT
    USING (segment_internal.acts_as(pg_catalog.pg_get_userbyid(owner))
           OR EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation AND segment_internal.owns(s.members)));
COMMENT ON POLICY reader ON event_consumer IS
'Visible to its owner, and to the owner of the segmentation whose events it reads.';
