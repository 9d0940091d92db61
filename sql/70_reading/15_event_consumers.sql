-- ---- who reads events ----
--
-- A consumer reads the events of one segmentation.  Refreshes of two segmentations run side by
-- side, so there is no order of all their events to be at a place of.

CREATE FUNCTION segment_internal.events_refusal(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN segment_internal.table_refusal(
    s.events,
    '{insertion,event_id,event_at,from_segment_id,to_segment_id,event,from_segment,to_segment,reason}',
    '{bigint,bigint,timestamptz,integer,integer,text,text,text,text}'::regtype[]);
COMMENT ON FUNCTION segment_internal.events_refusal(segmentation) IS
'Why the table of events of a segmentation is not read for the current user, NULL if it is; see table_refusal.';

CREATE FUNCTION create_event_consumer(consumer text, segmentation text, from_now boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    IF coalesce(consumer, '') = '' THEN
        RAISE EXCEPTION 'a consumer needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT segment_internal.has_events(s) THEN
        IF NOT segment_internal.owns(s.members) THEN
            RAISE EXCEPTION 'segmentation "%" has no table of events', s.name
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = format('Its owner makes one by SELECT event_table(%L), and grants SELECT on it.', s.name);
        END IF;
        PERFORM segment.event_table(s.name);
    END IF;
    IF segment_internal.change_catalogue('create_event_consumer', consumer, s.name, coalesce(from_now, false)) IS NULL
    THEN
        RAISE EXCEPTION 'permission denied for the events of segmentation "%"', s.name
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('GRANT SELECT ON %s lets a role read them.', s.events);
    END IF;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'there is a consumer "%" already', consumer
        USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or drop_event_consumer() first.';
END;
$$;
COMMENT ON FUNCTION create_event_consumer(text, text, boolean) IS
$$Creates a consumer of the events of a segmentation, which belongs to the current user: it keeps how far he has read.
consumer: its name, unique in the database; segmentation: one; who follows several has a consumer for each.
from_now: true passes over all events there are by now; false, the default, begins with the first.
Where the segmentation has no table of events yet, its owner makes it by this, see event_table.
Read by next_segment_events, acknowledged by acknowledge_segment_events, dropped by drop_event_consumer or with the
segmentation; segment_event_consumer shows all.
Errors: undefined_object for an unknown segmentation, duplicate_object for a taken name, insufficient_privilege
for whoever may not read the events, object_not_in_prerequisite_state where there is no table of them,
invalid_parameter_value for an empty name.$$;

CREATE FUNCTION segment_internal.consumer_row(consumer text) RETURNS event_consumer
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row segment.event_consumer;
BEGIN
    SELECT * INTO found_row FROM segment.event_consumer AS c WHERE c.consumer = consumer_row.consumer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'consumer "%" of events does not exist', coalesce(consumer, '(null)')
            USING ERRCODE = 'undefined_object', HINT = 'create_event_consumer() creates one.';
    END IF;
    RETURN found_row;
END;
$$;
COMMENT ON FUNCTION segment_internal.consumer_row(text) IS
$$A consumer of events by name.
Error (undefined_object) when there is none that the current user may see.$$;

CREATE FUNCTION next_segment_events(consumer text, max_events integer DEFAULT 1000,
    OUT event_id bigint, OUT segmentation text, OUT event_at timestamptz, OUT customer text, OUT event text,
    OUT from_segment text, OUT to_segment text, OUT reason text,
    OUT from_segment_id integer, OUT to_segment_id integer)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c segment.event_consumer := segment_internal.consumer_row(consumer);
    s segment.segmentation := segment_internal.segmentation_row(c.segmentation);
    refusal text;
    unnumbered boolean;
BEGIN
    IF max_events < 1 THEN
        RAISE EXCEPTION 'max_events must be at least 1, not %', max_events USING ERRCODE = 'invalid_parameter_value';
    END IF;
    refusal := CASE WHEN segment_internal.has_events(s) THEN segment_internal.events_refusal(s)
                    ELSE 'it was dropped' END;
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION 'the table of events of segmentation "%" cannot be read: %', s.name, refusal
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'The owner may put it right, or drop it and make it anew by event_table().';
    END IF;
    -- on a standby, and where nothing may be written, those that have a number are told
    IF NOT current_setting('transaction_read_only')::boolean THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS e WHERE e.event_id IS NULL)', s.events) INTO unnumbered;
        IF unnumbered THEN
            PERFORM segment_internal.number_events(s.name);
        END IF;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT e.event_id, $1, e.event_at, CASE WHEN e.%1$I IS NOT NULL THEN format(''%%s'', e.%1$I) END, e.event,
                e.from_segment, e.to_segment, e.reason, e.from_segment_id, e.to_segment_id
         FROM %2$s AS e WHERE e.event_id > $2 ORDER BY e.event_id LIMIT $3',
        segment_internal.key_column(s.events), s.events)
    USING s.name, c.acknowledged, max_events;
END;
$$;
COMMENT ON FUNCTION next_segment_events(text, integer) IS
$$The next events of a consumer, in the order of event_id: the same again until acknowledge_segment_events says that
they are done, so each comes at least once.
None is missed and none comes after one with a greater event_id, in whichever order transactions commit.
max_events: at most so many; NULL: all that there are.
customer: the key as text; from_segment, to_segment: the names that the segments had then; reason: see segment_events.
Acknowledged in the transaction that does with them what is to be done, events have their effect exactly once;
an event_id that a transaction has read counts only if it commits.
Where writers left events without a number, this one numbers them, and holds the lock of the segmentation to the end
of its transaction.
Errors: undefined_object for an unknown consumer, and for a segmentation that its owner may not see any more,
insufficient_privilege where he may not read the events, object_not_in_prerequisite_state where the table of
events was dropped or is not as it was created.$$;

CREATE FUNCTION acknowledge_segment_events(consumer text, event_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c segment.event_consumer := segment_internal.consumer_row(consumer);
BEGIN
    IF event_id IS NOT NULL
       AND segment_internal.change_catalogue('acknowledge_events', consumer, event_id) IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no event % yet', c.segmentation, event_id
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Acknowledge the last event_id that next_segment_events() returned.';
    END IF;
END;
$$;
COMMENT ON FUNCTION acknowledge_segment_events(text, bigint) IS
$$Says that a consumer is done with all events up to an event_id: next_segment_events goes on behind it.
One before what was acknowledged already changes nothing, nor does NULL, which the max() of no events is.
Errors: undefined_object for an unknown consumer, insufficient_privilege for whoever may not act as its owner,
invalid_parameter_value for an event_id that there was not yet.$$;

CREATE FUNCTION drop_event_consumer(consumer text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM segment_internal.consumer_row(consumer);
    PERFORM segment_internal.change_catalogue('drop_event_consumer', consumer);
END;
$$;
COMMENT ON FUNCTION drop_event_consumer(text) IS
$$Drops a consumer of events; the events stay.
For its owner, and for the owner of the segmentation.
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION segment_internal.consumer_lag(s segmentation, acknowledged bigint,
    OUT waiting bigint, OUT waiting_since timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF segment_internal.has_events(s) AND segment_internal.may_read(s.events)
       AND segment_internal.events_refusal(s) IS NULL THEN
        EXECUTE format(
            'SELECT (SELECT count(*) FROM %1$s AS e WHERE e.event_id > $1)
                    + (SELECT count(*) FROM %1$s AS e WHERE e.event_id IS NULL),
                    coalesce((SELECT e.event_at FROM %1$s AS e WHERE e.event_id > $1 ORDER BY e.event_id LIMIT 1),
                             (SELECT e.event_at FROM %1$s AS e WHERE e.event_id IS NULL ORDER BY e.insertion LIMIT 1))',
            s.events) INTO waiting, waiting_since USING acknowledged;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.consumer_lag(segmentation, bigint) IS
$$How many events of a segmentation come behind an event_id, and the event_at of the first of them
(NULL: there is none);
both NULL where the current user may not read them.$$;

CREATE VIEW segment_event_consumer WITH (security_invoker = true) AS
    SELECT c.consumer, pg_catalog.pg_get_userbyid(c.owner) AS owner, c.segmentation, c.acknowledged,
           s.last_event_id, l.waiting, l.waiting_since, c.acknowledged_at, c.created_at
    FROM event_consumer AS c
    LEFT JOIN segmentation AS s ON s.name = c.segmentation
    LEFT JOIN LATERAL segment_internal.consumer_lag(s, c.acknowledged) AS l ON true;
COMMENT ON VIEW segment_event_consumer IS
$$Consumers of events, how far they have come and what waits for them: one's own,
and those of the segmentations that one owns.$$;
COMMENT ON COLUMN segment_event_consumer.consumer IS 'Name of the consumer.';
COMMENT ON COLUMN segment_event_consumer.owner IS 'Whose it is.';
COMMENT ON COLUMN segment_event_consumer.segmentation IS 'The segmentation whose events it reads.';
COMMENT ON COLUMN segment_event_consumer.acknowledged IS 'All events up to this event_id were acknowledged.';
COMMENT ON COLUMN segment_event_consumer.last_event_id IS
'The greatest event_id there is; NULL: the segmentation is not to be seen any more.';
COMMENT ON COLUMN segment_event_consumer.waiting IS
'How many events come behind; NULL: the current user may not read them.';
COMMENT ON COLUMN segment_event_consumer.waiting_since IS 'event_at of the first of them; NULL: none waits.';
COMMENT ON COLUMN segment_event_consumer.acknowledged_at IS 'When it acknowledged last; NULL: never.';
COMMENT ON COLUMN segment_event_consumer.created_at IS 'When it was created.';
