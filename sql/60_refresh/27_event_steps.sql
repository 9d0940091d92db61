-- ---- events, in a refresh ----
--
-- A segmentation that somebody asked events of (event_table) has one step more, which
-- appends a row for each transition to NAME_events; others have none, and pay nothing.
--
-- The history is exact and may be corrected: a second refresh as of the same instant writes
-- what is so now.  Events may have been read, so they are only ever added to: then the table gets
-- what leads from the place that was to the place that is, with a reason of its own.
--
-- event_id is the order of commit.  A refresh holds the lock of its segmentation to the end of
-- its transaction, so it numbers its events at once, from segmentation.last_event_id on.
-- Writers who do not hold it leave event_id NULL; whoever has the lock next, the
-- next refresh or a consumer, numbers these in the order of their insertion.  Hence who sees an
-- event sees all with a smaller id, now and later.

CREATE FUNCTION segment_internal.has_events(s segmentation) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.events);
COMMENT ON FUNCTION segment_internal.has_events(segmentation) IS
'Whether a segmentation has a table of events; whoever drops the table wants no more events.';

CREATE FUNCTION segment_internal.event_steps(s segmentation, first_fill boolean) RETURNS SETOF refresh_step
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT NULL::text, $$
INSERT INTO {events} ({event_key}, event_id, event_at, from_segment_id, to_segment_id, event,
                      from_segment, to_segment, reason)
$$ || CASE WHEN first_fill THEN
$$SELECT {key}, {event_number}, $1, NULL, segment_id, 'entered', NULL, segment, entered_reason
FROM {members} AS o$$ ELSE
$$SELECT customer, {event_number}, $1, was_id, segment_id, change, was_segment, segment,
       coalesce(event_reason, reason)
FROM {changed} AS c WHERE change <> 'updated'$$ END
    WHERE segment_internal.has_events(s)
$function$;
COMMENT ON FUNCTION segment_internal.event_steps(segmentation, boolean) IS
'The step that writes events, where there is a table of them; else none.';

CREATE FUNCTION segment_internal.event_places(s segmentation, places jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT segment_internal.has_events(s) THEN
        RETURN '{"was_too": "", "event_reason": ""}';
    END IF;
    RETURN jsonb_build_object(
        'events', s.events::text, 'event_key', quote_ident(segment_internal.key_column(s.events)),
        -- NULL for writers who do not hold the lock of the segmentation
        'event_number', coalesce(places ->> 'event_number', format('%s + row_number() OVER ()', s.last_event_id)),
        'was_too', ', o.segment AS was_segment, o.entered_reason AS was_reason',
        -- as reason in the template, but of the way from the place that was, not from that before this instant
        'event_reason', segment_internal.fill_places($template$,
       CASE WHEN {if_again} THEN CASE WHEN segment_id IS NULL THEN {gone}{decided_reason}
            WHEN base_id IS NULL AND was_id IS NULL THEN 'new'
            WHEN was_id IS NULL AND left_reason = 'decision' THEN 'undecided'
            WHEN {if_trained} AND segment.assign_segment_id($3, {features}) = was_id THEN 'model'
            WHEN other_facts THEN {fact_reason}
            WHEN left_reason NOT IN ('gone', 'decision', 'undecided') THEN left_reason
            ELSE {other_reason} END END AS event_reason$template$,
            places || jsonb_build_object('gone', replace(places ->> 'gone', 'base_', 'was_'),
                                         'decided_reason', replace(places ->> 'decided_reason', 'base_', 'was_'))));
END;
$$;
COMMENT ON FUNCTION segment_internal.event_places(segmentation, jsonb) IS
$$What stands for the places in event_steps, and for what the step changed has more where there are events.
places: all the others.$$;

CREATE FUNCTION segment_internal.checked_events(s segmentation) RETURNS regclass
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT segment_internal.has_events(s) THEN
        RETURN NULL;
    END IF;
    IF segment_internal.owner_of(s.events) <> segment_internal.owner_of(s.members) THEN
        RAISE EXCEPTION 'table % belongs to "%", and segmentation "%" to "%"', s.events,
            segment_internal.owner_of(s.events), s.name, segment_internal.owner_of(s.members)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('ALTER TABLE %s OWNER TO %I.', s.events, segment_internal.owner_of(s.members));
    END IF;
    RETURN s.events;
END;
$$;
COMMENT ON FUNCTION segment_internal.checked_events(segmentation) IS
$$The table of events of a segmentation; NULL: there is none, or it was dropped.
Error (object_not_in_prerequisite_state) where it is another owner's.$$;

CREATE FUNCTION segment_internal.number_events(s segmentation) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    numbered bigint;
BEGIN
    IF NOT segment_internal.has_events(s) THEN
        RETURN s.last_event_id;
    END IF;
    EXECUTE format('UPDATE %1$s AS e SET event_id = $1 + n.n
                    FROM (SELECT u.insertion, row_number() OVER (ORDER BY u.insertion) AS n
                          FROM %1$s AS u WHERE u.event_id IS NULL) AS n
                    WHERE e.insertion = n.insertion AND e.event_id IS NULL', s.events) USING s.last_event_id;
    GET DIAGNOSTICS numbered = ROW_COUNT;
    IF numbered > 0 THEN
        RETURN segment_internal.change_catalogue('take_event_ids', s.name, numbered);
    END IF;
    RETURN s.last_event_id;
END;
$$;
COMMENT ON FUNCTION segment_internal.number_events(segmentation) IS
$$Gives the events that have none an event_id, in the order of their insertion, and returns the greatest there is.
For the owner, who has locked the segmentation.$$;

CREATE FUNCTION segment_internal.tell_events(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last bigint;
BEGIN
    IF NOT segment_internal.has_events(s) THEN
        RETURN;
    END IF;
    -- after the first rows, in one go
    IF NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = s.events AND c.contype = 'p') THEN
        EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (insertion), ADD UNIQUE (event_id)', s.events);
    END IF;
    EXECUTE format('SELECT max(e.event_id) FROM %s AS e', s.events) INTO last;
    IF last > s.last_event_id THEN
        PERFORM segment_internal.change_catalogue('take_event_ids', s.name, last - s.last_event_id);
        PERFORM pg_notify('segment_events', jsonb_build_object('segmentation', s.name,
                                                               'events', last - s.last_event_id,
                                                               'last_event_id', last)::text);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_events(segmentation) IS
$$After events were written: makes the keys of their table where they are not there yet,
takes over the greatest event_id, and tells whoever listens to segment_events, at commit.
s: as it was before they were written, with last_event_id.$$;

-- Of an instant there is one event of a customer, or where he may be in several segments, of customer and segment.
CREATE FUNCTION segment_internal.events_query(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($$WITH place AS (
    SELECT %1$I AS customer, segment_id, entered_at, left_at, entered_reason, left_reason FROM %2$s
    UNION ALL SELECT %3$I, segment_id, entered_at, NULL, entered_reason, NULL FROM %4$s
), event AS (
    -- an entry follows the place left at the same instant, if there is one
    SELECT p.entered_at AS event_at, p.customer, b.segment_id AS from_id, p.segment_id AS to_id,
           p.entered_reason AS reason
    FROM place AS p LEFT JOIN place AS b ON b.customer %5$s p.customer AND b.left_at = p.entered_at%6$s
    WHERE p.entered_at >= $2
    UNION ALL
    SELECT p.left_at, p.customer, p.segment_id, NULL, p.left_reason
    FROM place AS p
    WHERE p.left_at >= $2
      AND NOT EXISTS (SELECT FROM place AS n WHERE n.customer %5$s p.customer AND n.entered_at = p.left_at%7$s)
)
SELECT e.event_at, e.customer,
       CASE WHEN e.from_id IS NULL THEN 'entered' WHEN e.to_id IS NULL THEN 'departed' ELSE 'moved' END AS event,
       e.from_id, e.to_id, f.name AS from_segment, t.name AS to_segment, e.reason
FROM event AS e
LEFT JOIN unnest($1) AS f ON f.segment_id = e.from_id
LEFT JOIN unnest($1) AS t ON t.segment_id = e.to_id$$,
        segment_internal.key_column(s.history), s.history, segment_internal.key_column(s.members), s.members,
        segment_internal.equality_operator(segment_internal.key_type(s.members)),
        -- who may be in several segments enters and departs, and does not move
        CASE WHEN segment_internal.overlapping(s) THEN ' AND b.segment_id = p.segment_id' ELSE '' END,
        CASE WHEN segment_internal.overlapping(s) THEN ' AND n.segment_id = p.segment_id' ELSE '' END)
$function$;
COMMENT ON FUNCTION segment_internal.events_query(segmentation) IS
$body$The text of a query for all transitions that history and members tell of.
$1: the segments, see segment_rows; $2: since when.$body$;
