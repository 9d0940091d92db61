-- ---- refreshing all segmentations, what is used first ----

CREATE FUNCTION segment_internal.refresh_order(in_turns boolean DEFAULT false) RETURNS text[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting text[];
    next text;
    result text[] := '{}';
    one record;
BEGIN
    -- sources may read other tables than at the last refresh; what they cannot, the refresh tells
    FOR one IN SELECT s.name, segment_internal.owner_of(s.members) AS owner FROM segment.segmentation AS s
               WHERE segment_internal.owns(s.members) AND segment_internal.owner_of(s.members) IS NOT NULL
               ORDER BY s.name
    LOOP
        BEGIN
            PERFORM segment_internal.run_as_owner(one.owner, 'SELECT segment_internal.record_source_uses($1)',
                                                  one.name);
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
    waiting := ARRAY(SELECT s.name FROM segment.segmentation AS s);
    WHILE cardinality(waiting) > 0 LOOP
        -- the first by name that waits for none; where sources read each other in a ring, the first of all
        SELECT w.name INTO next
        FROM unnest(waiting) AS w (name) JOIN segment.segmentation AS s ON s.name = w.name
        ORDER BY EXISTS (SELECT FROM segment.segmentation_use AS u
                         WHERE u.segmentation = w.name AND u.uses = ANY (waiting)
                           AND NOT (in_turns AND segment_internal.had_its_turn(u.uses, s.last_run_at))),
                 CASE WHEN in_turns THEN coalesce(s.last_run_at, '-infinity') END, w.name COLLATE "C" LIMIT 1;
        waiting := array_remove(waiting, next);
        result := result || next;
    END LOOP;
    RETURN ARRAY(SELECT r.name FROM unnest(result) WITH ORDINALITY AS r (name, n)
                 JOIN segment.segmentation AS s ON s.name = r.name AND segment_internal.owns(s.members) ORDER BY r.n);
END;
$$;
COMMENT ON FUNCTION segment_internal.refresh_order(boolean) IS
$$The segmentations that the current user may refresh, those that are used before those that use them,
and else by name.
in_turns: else those whose last refresh is longest ago first; and one need not wait for what it uses where that was
refreshed well after itself, because a call before this one had no time left for it.$$;

CREATE FUNCTION segment_internal.had_its_turn(name text, since timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT coalesce(r.started_at > coalesce(since, '-infinity') AND r.outcome IN ('ok', 'empty'), false)
        FROM segment.run AS r WHERE r.segmentation = had_its_turn.name ORDER BY r.run_id DESC LIMIT 1);
COMMENT ON FUNCTION segment_internal.had_its_turn(text, timestamptz) IS
$$Whether the last refresh of a segmentation went well and began after an instant (NULL: at any time).
NULL when it had none.$$;

CREATE FUNCTION segment_internal.budget_spent(began timestamptz, time_budget interval, outcomes jsonb) RETURNS boolean
    LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN outcomes <> '{}' AND coalesce(clock_timestamp() - began >= time_budget, false);
COMMENT ON FUNCTION segment_internal.budget_spent(timestamptz, interval, jsonb) IS
$$Whether refresh_all_segmentations shall begin no other refresh: one at least it does, or nobody would have a turn.
time_budget NULL: there is time enough.$$;

CREATE FUNCTION segment_internal.refresh_next(name text, as_of timestamptz, outcomes jsonb) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reason text;
    outcome text;
    began timestamptz := clock_timestamp();
BEGIN
    -- dropped meanwhile
    IF NOT EXISTS (SELECT FROM segment.segmentation AS s WHERE s.name = refresh_next.name) THEN
        RETURN outcomes;
    END IF;
    SELECT string_agg(format('it uses "%s", whose refresh %s', u.uses,
                             CASE u.outcome WHEN 'failed' THEN 'failed' ELSE 'was ' || u.outcome END),
                      '; ' ORDER BY u.uses) INTO reason
    FROM (SELECT DISTINCT t.uses, outcomes ->> t.uses AS outcome FROM segment.segmentation_use AS t
          WHERE t.segmentation = refresh_next.name) AS u
    WHERE u.outcome NOT IN ('ok', 'empty');
    BEGIN
        IF reason IS NOT NULL THEN
            PERFORM segment_internal.change_catalogue('fail_run', name, as_of, began, 'SR002'::text, reason);
            RAISE WARNING 'refresh of segmentation "%" skipped: %', name, reason
                USING ERRCODE = 'SR002', HINT = 'Members and history are as before; the run is logged in segment_run.';
            outcome := 'skipped';
        ELSE
            outcome := (segment.refresh_segmentation(name, as_of)).outcome;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        -- what refresh_segmentation raises it has not logged
        PERFORM segment_internal.change_catalogue('fail_run', name, as_of, began, SQLSTATE, SQLERRM);
        RAISE WARNING 'refresh of segmentation "%" failed: %', name, SQLERRM USING ERRCODE = SQLSTATE;
        outcome := 'failed';
    END;
    RETURN outcomes || jsonb_build_object(name, outcome);
END;
$$;
COMMENT ON FUNCTION segment_internal.refresh_next(text, timestamptz, jsonb) IS
$$Refreshes a segmentation, unless it uses one whose refresh was not well, and returns the outcomes with its own.
outcomes: of those that came before, by name.$$;

CREATE FUNCTION segment_internal.check_refresh_all(as_of timestamptz, time_budget interval) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF time_budget <= interval '0' THEN
        RAISE EXCEPTION 'time_budget must be positive, not %', time_budget
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance ''10 minutes''; NULL for no limit.';
    END IF;
    IF NOT isfinite(as_of) OR as_of > clock_timestamp() THEN
        RAISE EXCEPTION 'as_of % %', as_of,
            CASE WHEN isfinite(as_of) THEN 'lies in the future' ELSE 'is no finite time' END
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'refresh_segmentation() with future => true refreshes one for an instant to come.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_refresh_all(timestamptz, interval) IS
$$Raises an error (invalid_parameter_value) for an instant that no segmentation can be refreshed for, and for a
time budget that is none.$$;

CREATE FUNCTION segment_internal.tell_refreshed(outcomes jsonb, names text[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n record;
    remaining text;
BEGIN
    SELECT count(*) FILTER (WHERE o.value IN ('ok', 'empty')) AS well,
           count(*) FILTER (WHERE o.value IN ('failed', 'interrupted')) AS failed,
           count(*) FILTER (WHERE o.value = 'refused') AS refused,
           count(*) FILTER (WHERE o.value = 'skipped') AS skipped
    INTO n FROM jsonb_each_text(outcomes) AS o;
    RAISE NOTICE '% refreshed, % failed, % refused, % skipped', n.well, n.failed, n.refused, n.skipped;
    SELECT string_agg(quote_ident(l.name), ', ' ORDER BY l.n) INTO remaining
    FROM unnest(names) WITH ORDINALITY AS l (name, n)
    WHERE NOT outcomes ? l.name AND EXISTS (SELECT FROM segment.segmentation AS s WHERE s.name = l.name);
    IF remaining IS NOT NULL THEN
        RAISE NOTICE 'no time was left for: %', remaining
            USING HINT = 'The next call with a time_budget begins with them.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_refreshed(jsonb, text[]) IS
$$A NOTICE of how many refreshes went how, and one of those for which no time was left.
names: of those that there were to do; NULL: time was enough.$$;

-- A procedure that commits cannot have a search_path of its own, so nothing but names
-- with a schema stands in it, and no operator.
CREATE PROCEDURE refresh_all_segmentations(as_of timestamptz DEFAULT NULL, time_budget interval DEFAULT NULL)
    LANGUAGE plpgsql
AS $$
DECLARE
    names pg_catalog.text[];
    one pg_catalog.text;
    outcomes pg_catalog.jsonb := '{}';
    began pg_catalog.timestamptz := pg_catalog.clock_timestamp();
BEGIN
    PERFORM segment_internal.check_refresh_all(as_of, time_budget);
    names := segment_internal.refresh_order(time_budget IS NOT NULL);
    COMMIT;
    FOREACH one IN ARRAY names LOOP
        EXIT WHEN segment_internal.budget_spent(began, time_budget, outcomes);
        outcomes := segment_internal.refresh_next(one, as_of, outcomes);
        COMMIT;
    END LOOP;
    PERFORM segment_internal.tell_refreshed(outcomes, names);
END;
$$;
COMMENT ON PROCEDURE refresh_all_segmentations(timestamptz, interval) IS
$$Refreshes all segmentations that the current user may refresh, each in a transaction of its own:
those that others use, by in_segment in a rule or as a table in a source, before these, and else by name.
A refresh that fails or is refused does not stop the others; those that use it are skipped, with a WARNING,
and logged with outcome 'skipped' and the reason.
At the end a NOTICE says how many were refreshed, failed, refused and skipped; segment_run has them all.
as_of: as in refresh_segmentation; NULL, the default: each the time at which it has its turn.
time_budget: how long other refreshes are begun for; the one that runs then is not stopped.
At least one is done, those whose last refresh is longest ago come first, and a NOTICE names those for which
no time was left: the next call with a time_budget begins with them.
NULL, the default: until all are done.
Called by CALL, not in a transaction block.
Errors: invalid_transaction_termination in a transaction block, invalid_parameter_value for an as_of
in the future and a time_budget that is not positive.$$;
