-- ---- refreshing those whom the clock changes ----

CREATE FUNCTION segment_internal.refresh_due_as_owner(name text, as_of timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    at timestamptz;
BEGIN
    IF s.refresh_mode = 'immediate' THEN
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', s.members);
    END IF;
    at := segment_internal.turn(s, as_of);
    -- who is due now that the lock is had
    RETURN segment_internal.refresh_as_owner(name, at, NULL, NULL, NULL, (segment_internal.due_keys(s, at)).keys);
END;
$$;
COMMENT ON FUNCTION segment_internal.refresh_due_as_owner(text, timestamptz) IS
'The work of refresh_due for one segmentation, with the rights of the owner; returns the run_id.';

CREATE FUNCTION refresh_due(as_of timestamptz DEFAULT NULL, everybody boolean DEFAULT false,
    OUT segmentation text, OUT outcome text, OUT customers bigint, OUT reason text, OUT run_id bigint)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    due jsonb;
    done segment.run;
    began timestamptz;
BEGIN
    PERFORM segment_internal.check_refresh_all(as_of);
    FOREACH segmentation IN ARRAY segment_internal.refresh_order() LOOP
        began := clock_timestamp();
        outcome := 'nothing due';
        customers := 0;
        reason := NULL;
        run_id := NULL;
        BEGIN
            due := segment_internal.run_as_owner(
                segment_internal.owner_of((segment_internal.segmentation_row(segmentation)).members),
                'SELECT segment_internal.due_as_owner($1, $2, $3)', segmentation, segment_internal.instant(as_of),
                'true');
            IF due ->> 'keys' IS NULL AND everybody IS NOT TRUE THEN
                outcome := 'everybody due';
                customers := NULL;
                reason := due ->> 'reason';
            ELSIF due ->> 'keys' IS DISTINCT FROM '{}' THEN
                done := segment_internal.refresh(segmentation, as_of, NULL, NULL, NULL, false,
                                                 due ->> 'keys' IS NOT NULL);
                outcome := done.outcome;
                customers := coalesce((done.counts ->> 'only_customers')::bigint, done.customers);
                reason := coalesce(done.error, due ->> 'reason');
                run_id := done.run_id;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE IN ('40001', '40P01') THEN
                RAISE;
            END IF;
            outcome := 'failed';
            reason := SQLERRM;
            run_id := segment_internal.change_catalogue('fail_run', segmentation, as_of, began, SQLSTATE, SQLERRM);
            RAISE WARNING 'refresh of segmentation "%" failed: %', segmentation, SQLERRM USING ERRCODE = SQLSTATE;
        END;
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION refresh_due(timestamptz, boolean) IS
$$Brings all segmentations that the current user may refresh to an instant where time is what changes them:
looks only at customers whom the clock moves until then, by their next_transition_at and the ends of decisions about
them, and at those in the change log where there is one; no source is read but for them.
Each is as a refresh_segmentation() that is told whom to look at, and is logged as a run;
those that others use come before these.
What else changed in a source, of customers whom nothing tells of, is left to the next full refresh.
as_of: as in refresh_segmentation; NULL, the default: each the time at which it has its turn;
for an instant before its last refresh nobody is due.
everybody: whether a segmentation of which a list of customers cannot be had is refreshed in full;
by default it is left as it is.
Returns a row per segmentation: outcome, that of the run, or 'nothing due' or 'everybody due', where there was none;
customers, how many were looked at, of everybody those who are members then (NULL: nobody was);
reason, why everybody is due, or the error; run_id.
All is one transaction; a refresh that fails changes nothing, and does not stop the others.
Errors: invalid_parameter_value for an as_of in the future, and serialization failures.$$;
