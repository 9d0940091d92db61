-- ---- the table of events ----

CREATE FUNCTION segment_internal.create_event_table(name text) RETURNS oid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    IF segment_internal.has_events(s) THEN
        RETURN s.events;
    END IF;
    IF segment_internal.distribution_column(s.members) IS NOT NULL THEN
        RAISE EXCEPTION 'segmentation "%" cannot have a table of events, because it is distributed', s.name
            USING ERRCODE = 'feature_not_supported',
                  HINT = format('segment_events(%L) tells its transitions from the history.', s.name);
    END IF;
    -- who changes members without an event of it
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', s.members);
    s.events := segment_internal.create_customer_table(
        s, 'events',
        '%1$s,
         insertion bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
         event_id bigint,
         event_at timestamptz NOT NULL,
         from_segment_id integer,
         to_segment_id integer,
         event text NOT NULL,
         from_segment text,
         to_segment text,
         reason text NOT NULL',
        format('Events of the segmentation "%s", one row a transition, in the order of event_id; '
               'only ever added to. See event_table.', s.name),
        ARRAY[['', 'Key of the customer; NULL: the event is of the segmentation as a whole.'],
              ['insertion', 'Order of insertion, by which events without an event_id are numbered.'],
              ['event_id', 'Order of commit, from 1; NULL: not numbered yet.'],
              ['event_at', 'as_of of the refresh that saw it.'],
              ['from_segment_id', 'Id of the segment before; NULL: none.'],
              ['to_segment_id', 'Id of the segment after; NULL: none.'],
              ['event', 'entered, moved or departed; reset: the segmentation was taken back to event_at.'],
              ['from_segment', 'Name that the segment before had then.'],
              ['to_segment', 'Name that the segment after had then.'],
              ['reason', 'Why, see segment_events.']]);
    -- the keys come after the first rows, in one go
    IF s.refreshed_as_of IS NOT NULL THEN
        EXECUTE format('INSERT INTO %s (%I, event_id, event_at, from_segment_id, to_segment_id, event,
                                        from_segment, to_segment, reason)
                        SELECT e.customer, $3 + row_number() OVER (ORDER BY e.event_at), e.event_at, e.from_id,
                               e.to_id, e.event, e.from_segment, e.to_segment, e.reason
                        FROM (%s) AS e ORDER BY 2',
                       s.events, segment_internal.key_column(s.events), segment_internal.events_query(s))
        USING segment_internal.segment_rows(s.name), '-infinity'::timestamptz, s.last_event_id;
        PERFORM segment_internal.tell_events(s);
    END IF;
    RETURN s.events;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_event_table(text) IS
'The work of event_table, with the rights of the owner.';

CREATE FUNCTION event_table(segmentation text) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    RETURN segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                         'SELECT segment_internal.create_event_table($1)', s.name)::oid;
END;
$$;
COMMENT ON FUNCTION event_table(text) IS
$$The table with the events of a segmentation, NAME_events beside its member table: one row a transition,
in the order of commit (event_id), which every refresh from now on adds to.
Made where there is none yet, with all that history and members tell of, under the present names of segments.
A row is never changed afterwards, but that writers who do not hold the lock of the segmentation leave event_id
NULL, and it is numbered by whoever holds it next.
A second refresh as of the same instant corrects the history, and adds to the events: what leads from the place that was
to the place that is.
So the last to_segment_id of each customer by event_id, among the events with event_at <= t, is what
segment_members(name, t) says; where customers may be in several segments, of customer and segment.
An event 'reset', which is of no customer, says that events with a smaller event_id and a later event_at than its own
are undone and do not count any more, see reset_segmentation.
The owner may grant SELECT on it; who drops the table wants no more events.
Who listens to the channel segment_events is told at commit, in JSON: segmentation, events (how many), last_event_id.
Errors: undefined_object, insufficient_privilege, duplicate_table where the name is taken,
feature_not_supported for distributed segmentations.$$;

CREATE FUNCTION segment_internal.refuse_events(s segmentation) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF segment_internal.has_events(s) THEN
        RAISE EXCEPTION 'segmentation "%" cannot be distributed, because it has a table of events', s.name
            USING ERRCODE = 'feature_not_supported', HINT = format('DROP TABLE %s.', s.events);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_events(segmentation) IS
'Raises an error (feature_not_supported) where a segmentation that is to be distributed has a table of events.';

CREATE FUNCTION segment_internal.number_events_as_owner(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- whoever has the lock numbers them, too
    IF segment_internal.change_catalogue('try_lock', name) IS NOT NULL THEN
        PERFORM segment_internal.number_events(segment_internal.segmentation_row(name));
    END IF;
EXCEPTION WHEN serialization_failure THEN
    -- somebody numbered after this transaction, which has one snapshot, began: it reads on in what it sees
    NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.number_events_as_owner(text) IS
'The work of number_events(segmentation), with the rights of the owner.';

CREATE FUNCTION segment_internal.number_events(segmentation text) RETURNS void
    AS 'MODULE_PATHNAME', 'segment_number_events' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.number_events(text) IS
$$Gives the events of a segmentation that have none an event_id, unless somebody else is about to.
For whoever may read them; done with the rights of the owner.
Error (insufficient_privilege) for others.$$;
