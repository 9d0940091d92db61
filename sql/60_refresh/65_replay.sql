-- ---- a definition run over the past, into a segmentation of its own ----

CREATE FUNCTION segment_internal.asks_for_as_of(s segmentation) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT concat_ws(' ', s.source, s.customers, s.options ->> 'rules') ~* '\mas_of\s*\(' OR EXISTS (
        SELECT FROM unnest(segment_internal.query_relations(s.source, s.search_path)
                           || segment_internal.query_relations(s.customers, s.search_path)) AS r (relation)
        JOIN pg_class AS c ON c.oid = r.relation
        WHERE c.relkind = 'v' AND pg_get_viewdef(c.oid) ~* '\mas_of\(')
$$;
COMMENT ON FUNCTION segment_internal.asks_for_as_of(segmentation) IS
$$Whether a source, the views behind it, or a rule mention as_of(); functions are not looked into.
Errors: as query_columns.$$;

CREATE FUNCTION segment_internal.tell_undated(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- orders have their times
    IF ((SELECT NOT k.dated FROM segment_internal.kind AS k WHERE k.kind = s.kind)
        OR (s.options ->> 'summarised')::boolean) AND NOT segment_internal.asks_for_as_of(s) THEN
        RAISE NOTICE 'the source of segmentation "%" does not ask for as_of(): each instant sees the rows of now',
            s.name
            USING HINT = 'A source or rule that compares times of what happened with as_of() sees the past as it was.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_undated(segmentation) IS
'Tells by a NOTICE where a replay sees at all instants what its source has now.';

CREATE FUNCTION segment_internal.copy_as_owner(name text, copy text, definition text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    there segment.segmentation;
    schema name := (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE c.oid = s.members);
    key record;
BEGIN
    PERFORM segment_internal.enter_settings(s);
    s := segment_internal.candidate(s, definition::json);
    IF segment_internal.kind_function(s, 'to_copy') IS NOT NULL THEN
        EXECUTE format('SELECT c.* FROM segment_internal.%I($1) AS c', s.kind || '_to_copy') INTO s USING s;
    END IF;
    s.description := format('Replay of segmentation "%s".', name);
    SELECT * INTO there FROM segment.segmentation AS g WHERE g.name = copy;
    IF there.name IS NULL THEN
        SELECT * INTO key FROM segment_internal.source_key(s);
        PERFORM segment_internal.check_new_segmentation(copy, s.source, schema,
            'CALL replay_segmentation(''loyalty'', ''loyalty_2024'', ''2024-01-01'')');
        s.name := copy;
        PERFORM segment_internal.create_segmentation(s, schema, key.name, key.type, key.collation);
        IF segment_internal.kind_function(s, 'copied') IS NOT NULL THEN
            EXECUTE format('SELECT segment_internal.%I($1)', s.kind || '_copied') USING s;
        END IF;
    ELSIF there.name = s.name OR there.description IS DISTINCT FROM s.description
          OR (there.kind, there.method, there.source, there.customers, there.features, there.options)
             IS DISTINCT FROM (s.kind, s.method, s.source, s.customers, s.features, s.options) THEN
        RAISE EXCEPTION 'segmentation "%" is no replay of "%" with this definition', copy, name
            USING ERRCODE = 'duplicate_object',
                  HINT = 'Give the replay a name of its own, or drop_segmentation() first.';
    END IF;
    PERFORM segment_internal.tell_undated(s);
END;
$$;
COMMENT ON FUNCTION segment_internal.copy_as_owner(text, text, text) IS
$$Creates a segmentation of the same definition as another, or a changed one, beside it, with the rights of the owner;
where it is there already, looks whether it is that.
Error (duplicate_object): a segmentation of that name is something else.$$;

CREATE FUNCTION segment_internal.replay_instants(from_at timestamptz, to_at timestamptz, every interval, time_zone text)
    RETURNS timestamptz[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 10000;
    start timestamp := from_at AT TIME ZONE time_zone;
    -- days and longer are those of the calendar, hours are hours
    calendar interval := make_interval(months => (extract(year FROM every) * 12 + extract(month FROM every))::integer,
                                       days => extract(day FROM every)::integer);
    result timestamptz[] := ARRAY[from_at];
    next timestamptz;
BEGIN
    IF from_at IS NULL OR NOT isfinite(from_at) OR NOT isfinite(to_at) OR from_at > to_at
        OR to_at > clock_timestamp() THEN
        RAISE EXCEPTION 'a replay goes from an instant to a later one that is past, not from % to %', from_at, to_at
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF every IS NULL OR start + every <= start THEN
        RAISE EXCEPTION 'a replay goes forwards, not by steps of %', coalesce(every::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance every => ''1 month''.';
    END IF;
    LOOP
        -- from the start each time: a month after the 31st of January is the end of February, and then of March
        next := (start + cardinality(result) * calendar) AT TIME ZONE time_zone
            + cardinality(result) * (every - calendar);
        EXIT WHEN next > to_at;
        IF cardinality(result) >= most THEN
            RAISE EXCEPTION 'a replay from % to % by steps of % has more than % instants', from_at, to_at, every, most
                USING ERRCODE = 'program_limit_exceeded', HINT = 'Take longer steps, or replay one part after another.';
        END IF;
        result := result || next;
    END LOOP;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.replay_instants(timestamptz, timestamptz, interval, text) IS
$$The instants of a replay: from_at, and after that every so often until to_at, days and longer by the calendar of a
time zone.
Errors: invalid_parameter_value, program_limit_exceeded for more than 10000.$$;

CREATE FUNCTION segment_internal.begin_replay(name text, replay text, from_at timestamptz, to_at timestamptz,
                                              every interval, definition json) RETURNS timestamptz[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    instants timestamptz[] := segment_internal.replay_instants(from_at, coalesce(to_at, clock_timestamp()), every,
                                                               coalesce(s.time_zone, current_setting('TimeZone')));
    done text;
BEGIN
    IF NOT segment_internal.owns(s.members) THEN
        RAISE EXCEPTION 'permission denied to replay segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('Its owner is "%s".', segment_internal.owner_of(s.members));
    END IF;
    done := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.copy_as_owner($1, $2, $3)',
                                          s.name, replay, definition::text);
    -- one that was stopped goes on
    RETURN ARRAY(SELECT i FROM unnest(instants) AS i, segment_internal.segmentation_row(replay) AS r
                 WHERE r.refreshed_as_of IS NULL OR i > r.refreshed_as_of ORDER BY i);
END;
$$;
COMMENT ON FUNCTION segment_internal.begin_replay(text, text, timestamptz, timestamptz, interval, json) IS
'Creates the segmentation of a replay, if it is not there, and returns the instants that it is to be refreshed as of.';

CREATE FUNCTION segment_internal.replay_next(replay text, as_of timestamptz, outcomes jsonb) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    done segment.run := segment.refresh_segmentation(replay, as_of);
BEGIN
    RETURN outcomes || jsonb_build_object(segment_internal.instant(as_of), done.outcome);
END;
$$;
COMMENT ON FUNCTION segment_internal.replay_next(text, timestamptz, jsonb) IS
'Refreshes the segmentation of a replay as of its next instant, and returns the outcomes with this one.';

CREATE FUNCTION segment_internal.go_on(replay text, as_of timestamptz, outcomes jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF outcomes ->> segment_internal.instant(as_of) = 'failed' THEN
        RAISE EXCEPTION 'the replay "%" ends at %, because that refresh failed', replay, as_of
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'The view segment_run says why. The same call goes on from there.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.go_on(text, timestamptz, jsonb) IS
'Raises an error (object_not_in_prerequisite_state) where the refresh of a replay as of an instant failed.';

-- A procedure that commits cannot have a search_path of its own, so nothing but names
-- with a schema stands in it, and no operator.
CREATE PROCEDURE replay_segmentation(name text, replay text, from_at timestamptz, to_at timestamptz DEFAULT NULL,
                                     every interval DEFAULT '1 month', definition json DEFAULT '{}')
    LANGUAGE plpgsql
AS $$
DECLARE
    instants pg_catalog.timestamptz[];
    one pg_catalog.timestamptz;
    outcomes pg_catalog.jsonb := '{}';
BEGIN
    instants := segment_internal.begin_replay(name, replay, from_at, to_at, every, definition);
    COMMIT;
    FOREACH one IN ARRAY instants LOOP
        outcomes := segment_internal.replay_next(replay, one, outcomes);
        COMMIT;
        PERFORM segment_internal.go_on(replay, one, outcomes);
    END LOOP;
    PERFORM segment_internal.tell_refreshed(outcomes, NULL);
END;
$$;
COMMENT ON PROCEDURE replay_segmentation(text, text, timestamptz, timestamptz, interval, json) IS
$$Runs the definition of a segmentation over the past, into a segmentation of its own: creates replay, with the same
definition and owner and beside it, and refreshes it as of from_at and every so often until to_at, each
in a transaction of its own, as refresh_segmentation(replay, as_of) would have.
So history, migration, flapping and profiles of the past can be looked at; the segmentation itself is not touched.
The view segment_run has a row for each instant: as_of, customers, entered, departed, moved, outcome.
replay: name of the new segmentation; drop_segmentation(replay) removes all of it.
Where it is there already, as the replay of the same definition, it goes on after its last refresh.
from_at, to_at, every: the instants, by the calendar of the segmentation's time zone; to_at NULL, the default: now.
definition: what is to be other, see diff_segmentation; {}: nothing.
What an instant sees is what the source has now: for RFM the orders before as_of, so it is exact but for orders
that were changed or deleted since; for clusterings and rules what it says of the past, by as_of():
a NOTICE tells where it does not ask for it. Decisions about customers are not replayed.
A refresh that is refused changes nothing, and the next one follows; one that fails ends the replay with an error,
and what was done before stays.
At the end a NOTICE says how many went how.
Called by CALL, not in a transaction block.
Errors: invalid_transaction_termination in a transaction block, undefined_object, insufficient_privilege,
duplicate_object for a replay that is something else, invalid_parameter_value and program_limit_exceeded
for instants, and whatever the definition is refused for.$$;
