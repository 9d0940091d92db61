-- ---- the health of segmentations: one row each, cheap enough to be asked every minute ----
--
-- Each look reads rows by index: the last runs, the last run of eight days, the first member
-- that is due.  What a figure cannot be known for is NULL, and never good or bad by itself.

CREATE FUNCTION segment_internal.jump(value double precision, before double precision[]) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT (value - m.median) / greatest(
            1.482602218505602
            * (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(b - m.median)) FROM unnest(before) AS b),
            sqrt(m.median), 1)
        FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS median FROM unnest(before) AS b) AS m);
COMMENT ON FUNCTION segment_internal.jump(double precision, double precision[]) IS
$$How far a count lies from those before it, in robust standard deviations:
(value - median) / max(1.4826 MAD, sqrt(median), 1), MAD being the median distance from the median,
which 1.4826 makes the standard deviation of a normal distribution.
The square root is the spread of a count by chance alone (Poisson), so that after equal counts one more is no alarm.
NULL where there is none before.$$;

CREATE FUNCTION segment_internal.size_jump(s segmentation, last run, OUT jump double precision, OUT segment_id integer,
    OUT customers bigint, OUT median double precision)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH day AS (
        -- the last run of the same weekday, of each of the eight weeks before
        SELECT w AS week, (SELECT r.sizes FROM segment.run AS r, (SELECT coalesce(s.time_zone, 'UTC') AS zone) AS t
                   WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')
                     AND r.as_of >= ((last.as_of AT TIME ZONE t.zone)::date - 7 * w)::timestamp AT TIME ZONE t.zone
                     AND r.as_of < ((last.as_of AT TIME ZONE t.zone)::date - 7 * w + 1)::timestamp AT TIME ZONE t.zone
                   ORDER BY r.as_of DESC, r.run_id DESC LIMIT 1) AS sizes
        FROM generate_series(1, 8) AS w
    ), before AS (
        SELECT b.key, array_agg(b.value::double precision) AS sizes
        FROM day CROSS JOIN LATERAL jsonb_each_text(day.sizes) AS b GROUP BY b.key
    )
    SELECT segment_internal.jump(n.value::double precision, b.sizes) AS jump, n.key::integer, n.value::bigint,
           (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY z) FROM unnest(b.sizes) AS z)
    FROM jsonb_each_text(last.sizes) AS n JOIN before AS b ON b.key = n.key
    -- of fewer no spread can be told
    WHERE cardinality(b.sizes) >= 4
    ORDER BY abs(segment_internal.jump(n.value::double precision, b.sizes)) DESC, n.key::integer LIMIT 1;
END;
COMMENT ON FUNCTION segment_internal.size_jump(segmentation, run) IS
$$The segment whose size after a run is furthest from its sizes on the same weekday of the eight weeks before
(the last run of each day, in the time zone of the segmentation); see jump.
NULL where no segment has sizes of four such days.$$;

CREATE FUNCTION segment_internal.newest_row(s segmentation) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT greatest(
        -- a run that looks at some customers knows of theirs alone, so the last one of all counts, and those after it
        (SELECT max((r.details ->> 'newest_order_at')::timestamptz)
         FROM (SELECT l.details, bool_or(NOT l.counts ? 'only_customers') OVER (ORDER BY l.run_id DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS older
               FROM (SELECT o.run_id, o.details, o.counts FROM segment.run AS o
                     WHERE o.segmentation = s.name AND o.outcome IN ('ok', 'empty')
                     ORDER BY o.run_id DESC LIMIT 100) AS l) AS r
         WHERE r.older IS NOT TRUE),
        -- how far a column of the source has been read, where that is followed and is a time
        CASE WHEN s.watermark_seen ~ '^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d'
             THEN s.watermark_seen::timestamptz END);
END;
COMMENT ON FUNCTION segment_internal.newest_row(segmentation) IS
'The time of the newest row of the source, as the last runs saw it; NULL: not known, or there are no rows.';

CREATE FUNCTION segment_internal.next_due(s segmentation, last run, not_shown text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result timestamptz;
BEGIN
    IF not_shown IS NULL AND s.members IS NOT NULL
       AND EXISTS (SELECT FROM segment_internal.member_columns(s) AS c WHERE c.name = 'next_transition_at') THEN
        EXECUTE format('SELECT min(m.next_transition_at) FROM %s AS m', s.members) INTO result;
    END IF;
    RETURN least(
        result, (last.details ->> 'next_transition_of_others')::timestamptz,
        (SELECT CASE WHEN s.retrain_every >= interval '1 day'
                     THEN ((s.trained_as_of AT TIME ZONE s.time_zone)::date + s.retrain_every)::date::timestamp
                          AT TIME ZONE s.time_zone
                     ELSE s.trained_as_of + s.retrain_every END
         FROM segment_internal.kind AS k WHERE k.kind = s.kind AND k.retrains <> 'never'
           AND s.retrain_every > interval '0'));
END;
$$;
COMMENT ON FUNCTION segment_internal.next_due(segmentation, run, text) IS
$$The first instant at which a refresh has something to do though no row changes:
a customer's segment changes by time, or a model is due.
-infinity: at any time, as rules have it that cannot say when; NULL: nothing by time alone, or not known.
not_shown: why the members cannot be read; NULL: they can.$$;

CREATE FUNCTION segment_internal.changes_waiting(s segmentation, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes regclass := s.changes;
    result bigint;
BEGIN
    IF segment_internal.may_read(changes)
       AND segment_internal.table_refusal(changes, '{due_at}', '{timestamptz}') IS NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s AS c WHERE c.due_at <= $1 LIMIT 100000) AS c', changes)
        INTO result USING at;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.changes_waiting(segmentation, timestamptz) IS
$$How many changes wait for a refresh as of an instant, counted up to 100,000.
NULL: changes are not tracked, or the current user may not read the table that holds them.$$;

CREATE FUNCTION segment_internal.consumers_behind(s segmentation, since timestamptz) RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT count(*) FROM segment.segment_event_consumer AS c
            WHERE c.segmentation = s.name AND c.waiting_since < since);
END;
$$;
COMMENT ON FUNCTION segment_internal.consumers_behind(segmentation, timestamptz) IS
'How many consumers of events have not acknowledged an event that is older than an instant.';

-- A refresh now and then at somebody's hand makes no habit; one of 5 distances or more, of a minute or more, may be.
CREATE FUNCTION segment_internal.usual_distance(s segmentation, OUT usual interval, OUT longest interval)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT d.median, greatest(2 * d.median, 1.5 * d.most)
    FROM (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY l.distance) AS median,
                 percentile_disc(0.9) WITHIN GROUP (ORDER BY l.distance) AS most, count(l.distance) AS n
          FROM (SELECT lag(r.started_at) OVER (ORDER BY r.run_id DESC) - r.started_at AS distance
                FROM (SELECT o.run_id, o.started_at FROM segment.run AS o
                      WHERE o.segmentation = s.name AND o.outcome IN ('ok', 'empty')
                      ORDER BY o.run_id DESC LIMIT 21) AS r) AS l) AS d
    WHERE d.n >= 5 AND d.median >= interval '1 minute';
END;
COMMENT ON FUNCTION segment_internal.usual_distance(segmentation) IS
$$How long after each other the last 21 refreshes that went well began: the median, and how long is too long:
twice the median, or half as much again as nine of ten were, so that a weekend is none, nor one outage.
NULL for fewer than six refreshes, and where they come within a minute, as when history is built up.$$;

CREATE FUNCTION segment_internal.failures(s segmentation, last run,
    OUT failures bigint, OUT failed_at timestamptz, OUT outcome text, OUT error_code text, OUT error text)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT (SELECT count(*) FROM segment.run AS n
            WHERE n.segmentation = s.name AND n.run_id > coalesce(last.run_id, 0)),
           coalesce(r.finished_at, r.started_at), r.outcome, r.error_code, r.error
    FROM (SELECT) AS one LEFT JOIN LATERAL (
        SELECT f.* FROM segment.run AS f WHERE f.segmentation = s.name AND f.run_id > coalesce(last.run_id, 0)
        ORDER BY f.run_id DESC LIMIT 1) AS r ON true;
END;
COMMENT ON FUNCTION segment_internal.failures(segmentation, run) IS
'How many runs there were since the last that went well (NULL row: since ever), and how the last of them failed.';

CREATE FUNCTION segment_internal.rough(span interval) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN span >= interval '2 days' THEN date_trunc('hour', span) ELSE date_trunc('second', span) END;
COMMENT ON FUNCTION segment_internal.rough(interval) IS
'A span for people: without hours of fractions, without minutes from 2 days on.';

CREATE FUNCTION segment_internal.is_running(s segmentation) RETURNS boolean
    LANGUAGE sql VOLATILE PARALLEL SAFE
-- a refresh sets its mark first, and so has a lock on the sequence to the end of its transaction
RETURN pg_is_in_recovery() OR EXISTS (
    SELECT FROM pg_locks AS l
    WHERE l.locktype = 'relation' AND l.relation = segment_internal.run_mark(s)::oid AND l.mode = 'RowExclusiveLock'
      -- who asks has read the sequence just now, which takes that lock, too
      AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()));
COMMENT ON FUNCTION segment_internal.is_running(segmentation) IS
'Whether a refresh of a segmentation runs; on a standby, which cannot know, true.';

CREATE FUNCTION segment_internal.health(s segmentation, at timestamptz,
    OUT state text, OUT reason text, OUT refreshed_as_of timestamptz, OUT refreshed_at timestamptz,
    OUT usual_distance interval, OUT max_age interval, OUT overdue boolean, OUT newest_row_at timestamptz,
    OUT stale boolean, OUT failures bigint, OUT failed_at timestamptz, OUT error_code text, OUT error text,
    OUT unfinished_since timestamptz, OUT changes_waiting bigint, OUT consumers_behind integer,
    OUT size_jump double precision, OUT size_jump_segment text, OUT next_due_at timestamptz, OUT not_shown text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    last segment.run;
    usual record;
    failure record;
    jump record;
    broken text[] := '{}';
    watch text[] := '{}';
    since timestamptz;
    there boolean := (SELECT count(*) = 2 FROM pg_class AS c WHERE c.oid IN (s.members, s.history));
BEGIN
    SELECT r.* INTO last FROM segment.run AS r
    WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty') ORDER BY r.run_id DESC LIMIT 1;
    SELECT u.* INTO usual FROM segment_internal.usual_distance(s) AS u;
    SELECT f.* INTO failure FROM segment_internal.failures(s, last) AS f;
    SELECT j.* INTO jump FROM segment_internal.size_jump(s, last) AS j;
    refreshed_as_of := s.refreshed_as_of;
    refreshed_at := last.started_at;
    since := coalesce(last.started_at, s.created_at);
    usual_distance := usual.usual;
    max_age := s.max_age;
    newest_row_at := segment_internal.newest_row(s);
    stale := last.as_of - newest_row_at > max_age;
    failures := failure.failures;
    failed_at := failure.failed_at;
    error_code := failure.error_code;
    error := failure.error;
    SELECT u.started_at INTO unfinished_since FROM segment_internal.unfinished_run(s) AS u;
    changes_waiting := segment_internal.changes_waiting(s, at);
    consumers_behind := segment_internal.consumers_behind(s, at - coalesce(max_age, interval '1 day'));
    size_jump := jump.jump;
    SELECT g.name INTO size_jump_segment FROM segment.segment AS g
    WHERE g.segmentation = s.name AND g.segment_id = jump.segment_id;
    not_shown := CASE WHEN there THEN segment_internal.not_shown(s, with_history => false) END;
    IF there THEN
        next_due_at := segment_internal.next_due(s, last, not_shown);
    END IF;

    -- promised by max_age: whatever waits for a refresh does not wait longer; where nobody tracks it, something does,
    -- and where the reader may not look, it is not known
    overdue := CASE WHEN max_age IS NOT NULL
        THEN CASE WHEN not_shown IS NULL
                  THEN coalesce(next_due_at > '-infinity' AND next_due_at + max_age < at, false) END
             OR (CASE WHEN s.changes IS NULL THEN true ELSE changes_waiting > 0 END
                 OR CASE WHEN not_shown IS NULL THEN coalesce(next_due_at = '-infinity', false) END)
                AND since + max_age < at
        ELSE at - refreshed_at > usual.longest END;

    IF NOT there THEN
        broken := broken || 'a table is gone'::text;
    END IF;
    IF failures > 0 THEN
        IF failure.outcome <> 'interrupted' OR failures >= 3 THEN
            broken := broken || format('the last refresh %s', CASE failure.outcome
                WHEN 'failed' THEN 'failed: ' WHEN 'skipped' THEN 'was skipped: '
                WHEN 'refused' THEN 'was ' ELSE 'was interrupted: ' END || error);
        ELSE
            watch := watch || 'the last refresh was interrupted'::text;
        END IF;
        IF failures > 1 THEN
            broken := broken || format('%s refreshes in a row did not succeed', failures);
        END IF;
    END IF;
    IF stale THEN
        broken := broken || format('the source is stale: its newest row was %s old at the last refresh',
                                   segment_internal.rough(last.as_of - newest_row_at));
    END IF;
    IF overdue AND max_age IS NOT NULL THEN
        broken := broken || format('a refresh is overdue: %s %s ago',
                                   CASE WHEN last.run_id IS NULL THEN 'it was created' ELSE 'the last one began' END,
                                   segment_internal.rough(at - since));
    ELSIF overdue THEN
        watch := watch || format('the last refresh began %s ago, though there usually is one every %s',
                                 segment_internal.rough(at - refreshed_at), segment_internal.rough(usual.usual));
    END IF;
    IF last.run_id IS NULL THEN
        watch := watch || 'it was never refreshed'::text;
    ELSIF last.outcome = 'empty' THEN
        watch := watch || format('the last refresh could place nobody: %s', last.error);
    END IF;
    IF unfinished_since IS NOT NULL AND NOT segment_internal.is_running(s) THEN
        watch := watch || 'a refresh began and was lost'::text;
    END IF;
    IF changes_waiting >= least(greatest(last.customers, 1000), 100000) THEN
        watch := watch || format('%s changes wait for a refresh', changes_waiting);
    END IF;
    IF consumers_behind > 0 THEN
        watch := watch || CASE consumers_behind WHEN 1 THEN '1 consumer of events is behind'
                               ELSE consumers_behind || ' consumers of events are behind' END;
    END IF;
    IF abs(size_jump) > 3 THEN
        watch := watch || format('segment "%s" has %s customers, on this weekday it usually has %s', size_jump_segment,
                                 jump.customers, jump.median);
    END IF;
    state := CASE WHEN broken <> '{}' THEN 'broken' WHEN watch <> '{}' THEN 'watch' ELSE 'ok' END;
    reason := nullif(array_to_string(broken || watch, '; '), '');
END;
$$;
COMMENT ON FUNCTION segment_internal.health(segmentation, timestamptz) IS
'The health of a segmentation as of an instant, as segmentation_health shows it as of now; columns as there.';

CREATE VIEW segmentation_health WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, h.*
    FROM segmentation AS s CROSS JOIN LATERAL segment_internal.health(s, now()) AS h;
COMMENT ON VIEW segmentation_health IS
$$How every segmentation is that the current user sees, for a monitor to ask: a state in a word, why, and figures.
What cannot be known, or is nobody's promise, is NULL, which is neither good nor bad.
Read by index, so that it may be asked every minute.$$;
COMMENT ON COLUMN segmentation_health.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segmentation_health.state IS
$$'broken': it is not kept true: a table is gone, the last refresh failed, was refused or skipped,
or three in a row were interrupted, or max_age is not kept (stale, overdue).
'watch': somebody should look: never refreshed, nobody could be placed, interrupted, later than usual,
more changes waiting than there are customers, consumers behind, a size that jumps.
'ok': none of these.$$;
COMMENT ON COLUMN segmentation_health.reason IS 'Why it is not ok, the worst first; NULL: it is.';
COMMENT ON COLUMN segmentation_health.refreshed_as_of IS 'as_of of the last refresh that went well.';
COMMENT ON COLUMN segmentation_health.refreshed_at IS 'When that refresh began; NULL: there was none.';
COMMENT ON COLUMN segmentation_health.usual_distance IS
$$The median time between the last refreshes that went well (up to 21);
NULL: fewer than six, or they came within a minute.$$;
COMMENT ON COLUMN segmentation_health.max_age IS 'What alter_segmentation was told; NULL: nothing is promised.';
COMMENT ON COLUMN segmentation_health.overdue IS
$$With max_age: whether a customer or a model that is due, or a change, waits longer than that; where changes are not
tracked, something always waits.
Without: whether the last refresh is longer ago than twice usual_distance, and than half as much again as nine of ten
were.
NULL: not known.$$;
COMMENT ON COLUMN segmentation_health.newest_row_at IS
'Time of the newest row of the source that refreshes saw: of RFM the newest order; NULL: not known, or no rows.';
COMMENT ON COLUMN segmentation_health.stale IS
'Whether at the last refresh that row was older than max_age; NULL: not known, or not promised.';
COMMENT ON COLUMN segmentation_health.failures IS
'How many runs there were since the last that went well: failed, refused, skipped or interrupted.';
COMMENT ON COLUMN segmentation_health.failed_at IS
'When the last of them ended, or of an interrupted one began; NULL: none.';
COMMENT ON COLUMN segmentation_health.error_code IS 'Its SQLSTATE.';
COMMENT ON COLUMN segmentation_health.error IS 'Its message.';
COMMENT ON COLUMN segmentation_health.unfinished_since IS
'As in segmentation_status: for the owner, when a refresh began that runs or was lost; see segment_progress.';
COMMENT ON COLUMN segmentation_health.changes_waiting IS
$$Changes of the source that wait for a refresh, counted up to 100,000;
NULL: they are not tracked, or their table may not be read.$$;
COMMENT ON COLUMN segmentation_health.consumers_behind IS
'Consumers of events with one that is not acknowledged for longer than max_age, or a day.';
COMMENT ON COLUMN segmentation_health.size_jump IS
$$Of the segment whose size is the strangest: how far it lies from those on the same weekday of the eight weeks before,
in robust standard deviations, (size - median) / max(1.4826 MAD, sqrt(median), 1); beyond 3 either way it is told.
NULL: fewer than four such days.$$;
COMMENT ON COLUMN segmentation_health.size_jump_segment IS 'Name of that segment.';
COMMENT ON COLUMN segmentation_health.next_due_at IS
$$When a refresh next has something to do though no row changes:
a customer's segment changes by time, or a model is due.
-infinity: at any time; NULL: never, or not known.$$;
COMMENT ON COLUMN segmentation_health.not_shown IS
$$Why the members may not be read by the current user, so that overdue and next_due_at may not be known;
NULL: they may.$$;
