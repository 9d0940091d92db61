-- ---- retention ----

CREATE FUNCTION segment_internal.purge_events(s segmentation, before timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed bigint;
    same_place text;
BEGIN
    IF NOT segment_internal.has_events(s) THEN
        RETURN NULL;
    END IF;
    s.events := segment_internal.checked_events(s);
    PERFORM segment_internal.number_events(s);
    same_place := format('o.%1$I %2$s e.%1$I%3$s', segment_internal.key_column(s.events),
                         segment_internal.equality_operator(segment_internal.key_type(s.events)),
                         CASE WHEN segment_internal.overlapping(s)
                              THEN ' AND coalesce(o.to_segment_id, o.from_segment_id)'
                                   ' = coalesce(e.to_segment_id, e.from_segment_id)' ELSE '' END);
    EXECUTE format(
        'WITH back AS (SELECT event_id, event_at FROM %1$s WHERE event = ''reset'' AND %2$I IS NULL),
         old AS (SELECT e.*, EXISTS (SELECT FROM back AS b
                                     WHERE b.event_id > e.event_id AND b.event_at < e.event_at) AS undone
                 FROM %1$s AS e
                 WHERE e.%2$I IS NOT NULL
                   -- of a reset before the instant what it took back goes with what took it back
                   AND (e.event_at < $1 OR EXISTS (SELECT FROM back AS b WHERE b.event_id > e.event_id
                                                                             AND b.event_at < least(e.event_at, $1))))
         DELETE FROM %1$s AS d USING old AS e
         WHERE d.insertion = e.insertion AND (e.event_id <= $2 OR $2 IS NULL)
           AND (e.undone OR e.to_segment_id IS NULL
                OR EXISTS (SELECT FROM old AS o WHERE %3$s AND o.event_id > e.event_id AND NOT o.undone))',
        s.events, segment_internal.key_column(s.events), same_place)
    USING before, (SELECT min(c.acknowledged) FROM segment.event_consumer AS c WHERE c.segmentation = s.name);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END;
$$;
COMMENT ON FUNCTION segment_internal.purge_events(segmentation, timestamptz) IS
$$Removes events before an instant, and later ones that a reset to before it took back, and returns how many;
NULL: there is no table of them.
What replaying from that instant on begins with stays: the last event before it of each customer who was in a segment
then, or of customer and segment where there may be several; so do resets, which are of no customer, and what a
consumer has not acknowledged yet.$$;

CREATE FUNCTION segment_internal.purge_as_owner(name text, before timestamptz,
    OUT history_rows bigint, OUT event_rows bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.history) THEN
        RAISE EXCEPTION 'the history table of segmentation "%" was dropped', s.name USING ERRCODE = 'undefined_table',
            HINT = 'There is nothing to purge.';
    END IF;
    PERFORM segment_internal.check_past(s, before, 'before');
    EXECUTE format('DELETE FROM %s WHERE left_at < $1', s.history) USING before;
    GET DIAGNOSTICS history_rows = ROW_COUNT;
    event_rows := segment_internal.purge_events(s, before);
    PERFORM segment_internal.change_catalogue('keep_history_from', s.name, before);
END;
$$;
COMMENT ON FUNCTION segment_internal.purge_as_owner(text, timestamptz) IS
'The work of purge_history, with the rights of the owner.';

CREATE FUNCTION purge_history(name text, before timestamptz, OUT history_rows bigint, OUT event_rows bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    IF before IS NULL OR NOT isfinite(before) THEN
        RAISE EXCEPTION 'before must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT p.* INTO history_rows, event_rows
    FROM segment_internal.rows_as_owner(
             coalesce(segment_internal.owner_of(s.members), current_user),
             'SELECT p.* FROM segment_internal.purge_as_owner($1, $2::timestamptz) AS p',
             s.name, segment_internal.instant(before)) AS p (history_rows bigint, event_rows bigint);
END;
$$;
COMMENT ON FUNCTION purge_history(text, timestamptz) IS
$$Removes from the history of a segmentation the places that were left before an instant, and its events before it, and
returns how many: history_rows; event_rows, NULL where it keeps no events.
From then on the history begins at that instant, which segmentation.history_from tells. Questions as of an earlier one
are errors (object_not_in_prerequisite_state); all others get the answers that they got before.
Of events, the last one before the instant stays for each customer who was in a segment then, so that replaying them
goes on to lead to the members of every later instant; and so do those that a consumer has not acknowledged yet.
The log of runs stays.
Queues behind a running refresh; runs with the rights of the owner.
Errors: undefined_object, insufficient_privilege, invalid_parameter_value for an instant after the last refresh,
object_not_in_prerequisite_state before the first.$$;
