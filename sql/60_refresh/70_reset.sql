-- ---- taking back a slip; forgetting what is long past ----
--
-- The past is what the history says, and nothing else: as of an instant T a customer has
-- the place with entered_at <= T < left_at.  So a reset to T
--
--   removes from the members    what was entered after T,
--   takes back from the history what was left after T, if it was entered before,
--   removes from the history    what was left after T,
--
-- and lets the catalogue say what it said after the last refresh up to T: instant, model
-- and segments.  What the history does not keep are the kind's own columns of members
-- (scores, figures).  They are worked out anew, by the steps of a refresh as of that
-- instant with the model of then; where that puts a customer into another place than
-- the history does, the source no longer says what it said, and they are NULL: not
-- known.  The next refresh fills them in, and takes them for other facts than before.

CREATE FUNCTION segment_internal.placing_steps(s segmentation, OUT names text[], OUT statements text[])
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    filling integer;
    fill text := format('INSERT INTO %s ', s.members);
BEGIN
    SELECT array_agg(t.name ORDER BY t.n), array_agg(t.statement ORDER BY t.n) INTO names, statements
    FROM segment_internal.steps_of(s, false, true, false) WITH ORDINALITY AS t (name, statement, n);
    filling := array_position(names, NULL);
    IF left(statements[filling], length(fill)) IS DISTINCT FROM fill THEN
        RAISE EXCEPTION 'no step fills the member table' USING ERRCODE = 'internal_error';
    END IF;
    names := names[:filling - 1] || 'rows'::text;
    statements := statements[:filling - 1] || substr(statements[filling], length(fill) + 1);
END;
$$;
COMMENT ON FUNCTION segment_internal.placing_steps(segmentation) IS
$$The steps of a refresh that place all customers with the present model; the last one yields the rows that would fill
an empty member table.$$;

CREATE FUNCTION segment_internal.unknown_figures(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fact name;
BEGIN
    FOR fact IN
        SELECT a.attname FROM segment_internal.member_columns(s) AS c
        JOIN pg_attribute AS a ON a.attrelid = s.members AND a.attname = c.name
        WHERE c.required AND a.attnotnull
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', s.members, fact);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.unknown_figures(segmentation) IS
'Lets all own columns of a member table be NULL, for customers whose figures are not known.';

CREATE FUNCTION segment_internal.undone_query(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN format('SELECT coalesce(m.customer, h.customer) AS customer, m.segment_id AS was_id, h.segment_id
               FROM (SELECT %1$I AS customer, segment_id FROM %2$s WHERE entered_at > $1) AS m
               FULL JOIN (SELECT %3$I AS customer, segment_id FROM %4$s
                          WHERE entered_at <= $1 AND left_at > $1) AS h ON h.customer %5$s m.customer%6$s',
              segment_internal.key_column(s.members), s.members::text, segment_internal.key_column(s.history),
              s.history::text, segment_internal.equality_operator(segment_internal.key_type(s.members)),
              CASE WHEN segment_internal.overlapping(s) THEN ' AND h.segment_id = m.segment_id' ELSE '' END);
COMMENT ON FUNCTION segment_internal.undone_query(segmentation) IS
$$The text of a query for whose places a reset to $1 changes: customer, was_id (the segment now; NULL: in none) and
segment_id (the one then; NULL: in none); where customers may be in several segments, a row for each of them.$$;

CREATE FUNCTION segment_internal.write_reset_events(s segmentation, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT segment_internal.has_events(s) THEN
        RETURN;
    END IF;
    s.events := segment_internal.checked_events(s);
    s.last_event_id := segment_internal.number_events(s);
    EXECUTE format(
        'INSERT INTO %1$s (%2$I, event_id, event_at, from_segment_id, to_segment_id, event, from_segment, to_segment,
                           reason)
         SELECT NULL, $3 + 1, $1, NULL, NULL, ''reset'', NULL, NULL, ''reset''
         UNION ALL
         SELECT u.customer, $3 + 1 + row_number() OVER (), $1, u.was_id, u.segment_id,
                CASE WHEN u.was_id IS NULL THEN ''entered'' WHEN u.segment_id IS NULL THEN ''departed''
                     ELSE ''moved'' END,
                f.name, t.name, ''reset''
         FROM (%3$s) AS u
         LEFT JOIN unnest($2) AS f ON f.segment_id = u.was_id
         LEFT JOIN unnest($2) AS t ON t.segment_id = u.segment_id
         WHERE u.was_id IS DISTINCT FROM u.segment_id',
        s.events, segment_internal.key_column(s.events), segment_internal.undone_query(s))
    USING at, segment_internal.segment_rows(s.name), s.last_event_id;
    PERFORM segment_internal.tell_events(s);
END;
$$;
COMMENT ON FUNCTION segment_internal.write_reset_events(segmentation, timestamptz) IS
$$Before restore_places, where there is a table of events: appends one event 'reset' of the segmentation as a whole,
which takes back all events before it with a later event_at, and for who follows the present one as of the instant
for each customer whom it brings to another segment.$$;

CREATE FUNCTION segment_internal.restore_places(s segmentation, at timestamptz,
    OUT entered bigint, OUT departed bigint, OUT moved bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key name := segment_internal.key_column(s.members);
    history_key name := segment_internal.key_column(s.history);
BEGIN
    EXECUTE format('SELECT count(*) FILTER (WHERE u.was_id IS NULL), count(*) FILTER (WHERE u.segment_id IS NULL),
                           count(*) FILTER (WHERE u.was_id <> u.segment_id)
                    FROM (%s) AS u', segment_internal.undone_query(s)) INTO entered, departed, moved USING at;
    EXECUTE format('DELETE FROM %s WHERE entered_at > $1', s.members) USING at;
    EXECUTE format('INSERT INTO %1$s (%2$I, segment_id, segment, entered_at, entered_reason%3$s)
                    SELECT h.%4$I, h.segment_id, g.name, h.entered_at, h.entered_reason%5$s
                    FROM %6$s AS h JOIN unnest($2) AS g ON g.segment_id = h.segment_id
                    WHERE h.entered_at <= $1 AND h.left_at > $1',
                   s.members, key,
                   (SELECT ', next_transition_at' FROM segment_internal.member_columns(s) AS c
                    WHERE c.name = 'next_transition_at'), history_key,
                   (SELECT ', ''-infinity''' FROM segment_internal.member_columns(s) AS c
                    WHERE c.name = 'next_transition_at'), s.history)
    USING at, segment_internal.segment_rows(s.name);
    EXECUTE format('DELETE FROM %s WHERE left_at > $1', s.history) USING at;
END;
$$;
COMMENT ON FUNCTION segment_internal.restore_places(segmentation, timestamptz) IS
$$Brings the places in member and history table back to those of an instant, with NULL for the kind's own columns of who
comes back, and tells how many came back, went, and changed segment; where customers may be in several segments,
of places.$$;

CREATE FUNCTION segment_internal.restore_figures(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET jit = off SET standard_conforming_strings = on
AS $$
DECLARE
    key name := segment_internal.key_column(s.members);
    equals text := segment_internal.equality_operator(segment_internal.key_type(s.members));
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    own record;
    steps record;
    model segment.segment_model;
BEGIN
    -- of a time that nobody knows, any is due
    SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.number) AS names,
           string_agg(format('%I %s', c.name, c.type), ', ' ORDER BY c.number) AS typed,
           string_agg(CASE c.name WHEN 'next_transition_at' THEN '''-infinity''::timestamptz'
                      ELSE 'NULL::' || c.type END,
                      ', ' ORDER BY c.number) AS unknown,
           string_agg(CASE c.name WHEN 'next_transition_at' THEN
                          format('CASE WHEN r.customer IS NULL THEN ''-infinity'' ELSE r.%I END', c.name)
                      ELSE format('r.%I', c.name) END || format(' AS %I', c.name), ', ' ORDER BY c.number) AS chosen,
           string_agg(format('o.%I', c.name), ', ' ORDER BY c.number) AS present,
           string_agg(format('k.%I', c.name), ', ' ORDER BY c.number) AS known
    INTO own FROM segment_internal.member_columns(s) AS c;
    IF own.names IS NULL THEN
        RETURN;
    END IF;
    IF segment_internal.distribution_column(s.members) IS NOT NULL OR (s.options ->> 'hysteresis')::float8 > 0 THEN
        -- what holds a customer back must not be what the slip left behind
        EXECUTE format('UPDATE %s AS o SET (%s) = ROW(%s)', s.members, own.names, own.unknown);
    END IF;
    -- their steps keep rows in tables beside the members; the next refresh fills in
    IF segment_internal.distribution_column(s.members) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM segment_internal.check_source(s);
    PERFORM segment_internal.check_decisions(s, s.refreshed_as_of);
    IF s.model_version IS NOT NULL THEN
        model := segment.get_model(s.name);
    END IF;
    steps := segment_internal.placing_steps(s);
    EXECUTE format(
        'UPDATE %1$s AS o SET (%2$s) = ROW(%3$s)
         FROM (SELECT m.%4$I AS member, m.segment_id, %5$s
               FROM %1$s AS m
               LEFT JOIN segment_internal.step_rows($1, $2, $3, false, $4, false, NULL::%6$s[])
                   AS r (customer %6$s, segment_id integer, segment text, %7$s, entered_at timestamptz, reason text)
                   ON r.customer %8$s m.%4$I AND r.segment_id = m.segment_id) AS k
         WHERE o.%4$I %8$s k.member AND o.segment_id = k.segment_id AND (%9$s) IS DISTINCT FROM (%3$s)',
        s.members, own.names, own.known, key, own.chosen, key_type, own.typed, equals, own.present)
    USING steps.names, steps.statements, s.refreshed_as_of, model;
END;
$$;
COMMENT ON FUNCTION segment_internal.restore_figures(segmentation) IS
$$After restore_places: works out the kind's own columns of all members as of refreshed_as_of with the present model;
NULL, and next_transition_at -infinity, for a member whom source and decisions now put elsewhere,
and for all where Citus holds the tables.$$;

CREATE FUNCTION segment_internal.look_at_everybody(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- which a segmentation has while its source is tracked
    changes regclass := s.changes;
BEGIN
    IF changes IS NOT NULL THEN
        EXECUTE format('INSERT INTO %s (%I) VALUES (NULL)', changes, segment_internal.key_column(changes));
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.look_at_everybody(segmentation) IS
'Lets the next refresh look at all customers, where there is a log of changes that would spare it some.';

CREATE FUNCTION segment_internal.check_past(s segmentation, at timestamptz, argument text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s.refreshed_as_of IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" was never refreshed', s.name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'It has no past yet.';
    END IF;
    IF at > s.refreshed_as_of THEN
        RAISE EXCEPTION '% % lies after the last refresh, which was as of %', argument, at, s.refreshed_as_of
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Nothing is known of later instants yet.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_past(segmentation, timestamptz, text) IS
$$Raises an error for an instant, that of an argument, after the last refresh (invalid_parameter_value), and where there
was none (object_not_in_prerequisite_state).$$;

CREATE FUNCTION segment_internal.reset_as_owner(name text, as_of timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    began timestamptz := clock_timestamp();
    s segment.segmentation := segment_internal.locked_segmentation(name);
    changed record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.history) THEN
        RAISE EXCEPTION 'the history table of segmentation "%" was dropped', s.name USING ERRCODE = 'undefined_table',
            HINT = 'Without it there is no past.';
    END IF;
    PERFORM segment_internal.check_past(s, as_of, 'as_of');
    PERFORM segment_internal.kept_instant(as_of, s.name, s.history_from);
    IF NOT EXISTS (SELECT FROM segment.run AS r WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')
                   AND r.as_of <= reset_as_owner.as_of AND NOT segment_internal.undone(r)) THEN
        RAISE EXCEPTION 'as_of % lies before the first refresh of segmentation "%"', as_of, s.name
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'It had no members and no history then: drop_segmentation(), and create it anew.';
    END IF;
    -- readers go on, until the table itself has to be altered; whoever else would write to it waits
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', s.members);
    PERFORM segment_internal.change_catalogue('reset', s.name, as_of);
    s := segment_internal.segmentation_row(s.name);
    PERFORM segment_internal.set_clock(s, s.refreshed_as_of);
    PERFORM segment_internal.unknown_figures(s);
    PERFORM segment_internal.write_reset_events(s, as_of);
    changed := segment_internal.restore_places(s, as_of);
    PERFORM segment_internal.restore_figures(s);
    PERFORM segment_internal.count_members(s);
    PERFORM segment_internal.look_at_everybody(s);
    RETURN segment_internal.change_catalogue('finish_reset', s.name, as_of, began,
                                             changed.entered, changed.departed, changed.moved);
END;
$$;
COMMENT ON FUNCTION segment_internal.reset_as_owner(text, timestamptz) IS
'The work of reset_segmentation, with the rights of the owner; returns the run_id.';

CREATE FUNCTION reset_segmentation(name text, as_of timestamptz) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    new_run_id bigint;
    result segment.run;
BEGIN
    IF as_of IS NULL OR NOT isfinite(as_of) THEN
        RAISE EXCEPTION 'as_of must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    new_run_id := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                                'SELECT segment_internal.reset_as_owner($1, $2::timestamptz)',
                                                s.name, segment_internal.instant(as_of));
    SELECT r.* INTO result FROM segment.run AS r WHERE r.run_id = new_run_id;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION reset_segmentation(text, timestamptz) IS
$$Takes back every refresh of a segmentation after an instant, as if there had been none: one as of a wrong instant,
or of a wrong source. Members, history, sizes, model and the instant of the last refresh are those of after the last
refresh up to as_of, so the next one may be as of any instant from there on.
Returns the run that tells of it, with outcome 'reset'; runs that it took back stay in the log.
Events may have been read, so they stay, too: an event 'reset' of no customer comes after them, which says that those
with a later event_at are undone, and one for each customer who is in another segment than before, with that reason.
Names of segments are the present ones, and ids are never used again: segments that came later are closed,
those that were closed later are open again. Rules, source, options and decisions stay as they are now.
Scores and figures of members are worked out from the source, as of that refresh and with the model of then;
where the source now puts a customer elsewhere than the history does, they are NULL until the next refresh.
Under hysteresis they are those without it.
Queues behind a running refresh. Readers wait while the member table is altered, if its figures may not be NULL.
Runs with the rights of the owner.
Errors: undefined_object, insufficient_privilege, invalid_parameter_value for an instant after the last refresh or
before the first, object_not_in_prerequisite_state for one that purge_history removed, and those of the source.$$;
