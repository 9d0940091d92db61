-- ---- refreshing ----

CREATE FUNCTION segment_internal.locked_segmentation(name text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- who cannot see it is told that it is not there
    PERFORM segment_internal.segmentation_row(name);
    PERFORM segment_internal.change_catalogue('lock', name);
    -- as it is now that it is locked; or it was dropped meanwhile
    RETURN segment_internal.segmentation_row(name);
END;
$$;
COMMENT ON FUNCTION segment_internal.locked_segmentation(text) IS
$$A segmentation, locked to the end of the transaction against refresh,
rename and drop by others: two of these queue.
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION segment_internal.record_model(s segmentation, model segment_model, as_of timestamptz) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    version integer := segment_internal.change_catalogue('propose_model', s.name, model, as_of, NULL::text);
BEGIN
    RETURN segment_internal.change_catalogue('use_model', s.name, version, as_of);
END;
$$;
COMMENT ON FUNCTION segment_internal.record_model(segmentation, segment_model, timestamptz) IS
'Stores a newly trained model as the one in use and opens and closes segments as it has them; returns its version.';

CREATE FUNCTION segment_internal.count_members(s segmentation) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids integer[];
    sizes bigint[];
BEGIN
    IF s.members IS NULL OR segment_internal.table_refusal(s.members, '{}', '{}') IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- the table is its owner's, and read with his rights
    EXECUTE format(
        'SELECT array_agg(n.segment_id), array_agg(n.customers)
         FROM (SELECT segment_id, count(*) AS customers FROM %s GROUP BY 1) AS n', s.members) INTO ids, sizes;
    RETURN segment_internal.change_catalogue('count_members', s.name, ids, sizes);
END;
$$;
COMMENT ON FUNCTION segment_internal.count_members(segmentation) IS
'Brings the sizes of segments up to the member table (law 6) and returns their sum.';

CREATE FUNCTION segment_internal.count_customers(s segmentation, only_keys text) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE format('SELECT count(DISTINCT %1$I) FROM %2$s WHERE $1 IS NULL OR %1$I %3$s ANY ($1::%4$s[])',
                   segment_internal.key_column(s.members), s.members,
                   segment_internal.equality_operator(segment_internal.key_type(s.members)),
                   format_type(segment_internal.key_type(s.members), -1))
    INTO result USING only_keys;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.count_customers(segmentation, text) IS
$$How many customers are members, in one segment or several; only_keys: of these, an array of keys as text;
NULL: of all.$$;

CREATE FUNCTION segment_internal.known_until(s segmentation) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN greatest(s.refreshed_as_of, (SELECT max(d.changed_at) FROM segment.segment_shift AS d
                                    WHERE d.segmentation = s.name));
COMMENT ON FUNCTION segment_internal.known_until(segmentation) IS
$$The instant of the last change that members and history tell of: that of the last refresh, or a later one of writers
who placed customers themselves (refresh mode immediate).$$;

CREATE FUNCTION segment_internal.shown_as_of(s segmentation) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN s.refresh_mode = 'immediate' THEN greatest(s.refreshed_as_of, clock_timestamp())
            ELSE s.refreshed_as_of END;
COMMENT ON FUNCTION segment_internal.shown_as_of(segmentation) IS
$$From when days are counted in what is told of members: the last refresh, or the clock where writers place customers
themselves (refresh mode immediate).$$;

CREATE FUNCTION segment_internal.turn(s segmentation, as_of timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known timestamptz := segment_internal.known_until(s);
    at timestamptz := coalesce(as_of, greatest(clock_timestamp(), s.refreshed_as_of));
BEGIN
    IF known > s.refreshed_as_of AND at <= known THEN
        IF as_of IS NULL THEN
            -- the clock was put back
            RETURN known + interval '1 microsecond';
        END IF;
        RAISE EXCEPTION 'as_of % is not after %, when a writer changed members', at, known
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'History is written forwards. For the past see segment_members(name, as_of), '
                         'or use another segmentation.';
    END IF;
    IF s.refreshed_as_of > at THEN
        RAISE EXCEPTION 'as_of % lies before the last refresh, which was as of %', at, s.refreshed_as_of
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'History is written forwards. For the past see segment_members(name, as_of), '
                         'or use another segmentation.';
    END IF;
    RETURN at;
END;
$$;
COMMENT ON FUNCTION segment_internal.turn(segmentation, timestamptz) IS
$$The instant that a refresh speaks of which has its turn now: as_of, or left out, the clock,
and not before the last refresh, and after what writers have changed since.
Error (invalid_parameter_value) for one before it.$$;

CREATE FUNCTION segment_internal.propose_trained(s segmentation, at timestamptz, retrain boolean, options jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_model segment.segment_model := (SELECT m.model FROM segment.model AS m
                                        WHERE m.segmentation = s.name AND m.version = s.model_version);
    trained segment.segment_model;
    steps segment.refresh_step[];
BEGIN
    -- one that waits is not made stale by each refresh
    IF NOT segment_internal.wants_training(s, at, retrain)
       OR retrain IS NOT TRUE AND EXISTS (
           SELECT FROM segment.model AS m
           WHERE m.segmentation = s.name AND m.version > coalesce(s.model_version, 0) AND m.approved_at IS NULL) THEN
        RETURN NULL;
    END IF;
    s.options := segment_internal.changed_options(s, options);
    SELECT array_agg(t) INTO steps
    FROM segment_internal.steps_of(s, true, false, false, ARRAY[ROW('trained_model', 'SELECT m.model FROM {model} AS m')
                                                                ::segment.refresh_step]) AS t;
    EXECUTE format('SELECT r.model FROM segment_internal.step_rows($1, $2, $3, $4, $5, $6, NULL::%s[])
                    AS r (model segment.segment_model)', format_type(segment_internal.key_type(s.members), -1))
    INTO trained
    USING ARRAY(SELECT t.name FROM unnest(steps) WITH ORDINALITY AS t (name, statement, n) ORDER BY n),
          ARRAY(SELECT t.statement FROM unnest(steps) WITH ORDINALITY AS t (name, statement, n) ORDER BY n),
          at, s.model_version IS NOT NULL, old_model, false;
    IF trained IS NULL OR old_model OPERATOR(segment.=) trained THEN
        RETURN NULL;
    END IF;
    RETURN segment_internal.record_proposal(s, trained, at, NULL);
END;
$$;
COMMENT ON FUNCTION segment_internal.propose_trained(segmentation, timestamptz, boolean, jsonb) IS
$$Trains a model where it is time to and none waits, or retrain asks for it, stores it as a proposal, and returns its
version; NULL: there was none to make, or it is the one in use.
options: options of the segmentation for this training alone.$$;

CREATE FUNCTION segment_internal.finish_unplaced(s segmentation, at timestamptz, proposed integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waits integer := (SELECT max(m.version) FROM segment.model AS m WHERE m.segmentation = s.name);
BEGIN
    RETURN segment_internal.change_catalogue(
        'finish_run', s.name, at, false, 0::bigint, 0::bigint, 0::bigint, 0::bigint, NULL::bigint, NULL::bigint,
        NULL::bigint, '{}'::jsonb, jsonb_strip_nulls(jsonb_build_object('proposed_version', proposed)), NULL::jsonb,
        CASE WHEN waits IS NULL THEN 'there was nothing to train a model with that could be approved'
             ELSE format('no version of the model is approved yet, and version %s waits for it', waits) END,
        NULL::text, NULL::text, NULL::text);
END;
$$;
COMMENT ON FUNCTION segment_internal.finish_unplaced(segmentation, timestamptz, integer) IS
'Logs a refresh that placed nobody, because no version of the model is approved yet; returns the run_id.';

CREATE FUNCTION segment_internal.refresh_as_owner(
    name text, as_of timestamptz, retrain boolean, options jsonb, max_departed double precision,
    only_keys text DEFAULT NULL, staged boolean DEFAULT false, way_reason text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET jit = off SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation;
    -- once the lock is had
    at timestamptz;
    train boolean;
    steps segment.refresh_step[];
    old_model segment.segment_model;
    result record;
    overlapping boolean;
    total bigint;
    placed bigint;
    new_run_id bigint;
    definition text;
    watermark text;
    way record;
    proposed integer;
    other_version integer;
BEGIN
    s := segment_internal.locked_segmentation(name);
    definition := segment_internal.definition_hash(s);
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.members)
        OR NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.history) THEN
        RAISE EXCEPTION 'a table of segmentation "%" was dropped', s.name
            USING ERRCODE = 'undefined_table',
                  HINT = format('SELECT drop_segmentation(%L) removes what is left of it.', s.name);
    END IF;
    IF only_keys IS NOT NULL AND NOT segment_internal.keys_can_be_listed(s) THEN
        RAISE EXCEPTION 'customers of segmentation "%" cannot be refreshed by a list, because their keys are of type %',
            s.name,
                        format_type(segment_internal.key_type(s.members), -1)
            USING ERRCODE = 'feature_not_supported', HINT = 'A key that is no array can be listed.';
    END IF;
    -- readers go on; whoever else would write to it waits, or went first: what he did has an instant before this one
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', s.members);
    at := segment_internal.turn(s, as_of);
    -- what source and rules see of the time: the instant, and days of the segmentation's own time zone
    PERFORM segment_internal.set_clock(s, at);
    s.max_departed := coalesce(max_departed, s.max_departed);
    IF NOT s.needs_approval THEN
        s.options := segment_internal.changed_options(s, options);
    END IF;
    PERFORM segment_internal.check_source(s);
    PERFORM segment_internal.check_decisions(s, at);
    s.events := segment_internal.checked_events(s);
    PERFORM segment_internal.record_source_uses(s);
    overlapping := segment_internal.overlapping(s);
    staged := staged OR segment_internal.distribution_column(s.members) IS NOT NULL;
    train := only_keys IS NULL AND segment_internal.trains(s, at, retrain);
    IF s.needs_approval THEN
        IF s.kind = 'rules' THEN
            PERFORM segment_internal.refuse_nothing_in_use(s, 'SR001');
        ELSIF only_keys IS NULL THEN
            proposed := segment_internal.propose_trained(s, at, retrain, options);
        END IF;
        IF segment_internal.nothing_in_use(s) THEN
            RETURN segment_internal.finish_unplaced(s, at, proposed);
        END IF;
    END IF;
    -- approved since the last refresh
    other_version := (SELECT nullif(r.model_version, s.model_version) FROM segment.run AS r
                      WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty', 'reset') AND NOT train
                      ORDER BY r.run_id DESC LIMIT 1);
    IF s.model_version IS NOT NULL THEN
        old_model := segment.get_model(s.name, other_version);
    END IF;
    IF only_keys IS NULL THEN
        way := segment_internal.choose_way(s, definition, at, train);
        only_keys := way.keys;
        way_reason := way.reason;
        watermark := way.watermark;
    END IF;
    -- events of those who could not number them come before those of this refresh
    s.last_event_id := segment_internal.number_events(s);
    -- an instant refreshed before has places in the history to compare with, though no members
    SELECT array_agg(t) INTO steps
    FROM segment_internal.steps_of(s, train, only_keys IS NULL AND segment_internal.has_no_members(s)
                                   AND s.refreshed_as_of IS DISTINCT FROM at, staged) AS t;
    -- and one for what comes after them
    PERFORM segment_internal.begin_progress(s.members, at, s.last_run_at, cardinality(steps) + 1);
    EXECUTE format('SELECT r.* FROM segment_internal.run_steps($1, $2, $3, $4, $5, $6, $7::%s[]) AS r',
                   format_type(segment_internal.key_type(s.members), -1))
    INTO result
    USING ARRAY(SELECT t.name FROM unnest(steps) WITH ORDINALITY AS t (name, statement, n) ORDER BY n),
          ARRAY(SELECT t.statement FROM unnest(steps) WITH ORDINALITY AS t (name, statement, n) ORDER BY n),
          at, (train OR other_version IS NOT NULL) AND s.model_version IS NOT NULL, old_model,
          s.refreshed_as_of IS NOT DISTINCT FROM at AND s.refreshed_as_of IS NOT NULL, only_keys;
    PERFORM segment_internal.show_step('finish');
    IF staged THEN
        EXECUTE (SELECT 'DROP TABLE '
                        || string_agg(substring(t.statement FROM '^CREATE UNLOGGED TABLE ([^\n]*) AS\n'), ', ')
                 FROM unnest(steps) AS t WHERE t.statement LIKE 'CREATE UNLOGGED TABLE %');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conrelid = s.members AND c.contype = 'p') THEN
        EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (%I%s)', s.members, segment_internal.key_column(s.members),
                       CASE WHEN overlapping THEN ', segment_id' END);
        IF EXISTS (SELECT FROM segment_internal.member_columns(s) AS c WHERE c.name = 'next_transition_at') THEN
            EXECUTE format('CREATE INDEX ON %s (next_transition_at) WHERE next_transition_at IS NOT NULL', s.members);
        END IF;
    END IF;

    IF train AND result.model IS NOT NULL AND (old_model IS NULL OR NOT old_model OPERATOR(segment.=) result.model) THEN
        PERFORM segment_internal.record_model(s, result.model, at);
    END IF;
    PERFORM segment_internal.tell_events(s);
    -- whatever the mode is by now
    IF EXISTS (SELECT FROM segment.segment_shift AS d WHERE d.segmentation = s.name) THEN
        PERFORM segment_internal.change_catalogue('fold_shifts', s.name);
    END IF;
    total := CASE WHEN only_keys IS NOT NULL AND s.changes IS NOT NULL AND NOT staged
                  -- by the step sizes
                  THEN (SELECT coalesce(sum(g.customers), 0) FROM segment.segment AS g WHERE g.segmentation = s.name)
                  ELSE segment_internal.count_members(s) END;
    IF train AND result.model IS NOT NULL AND (old_model IS NULL OR NOT old_model OPERATOR(segment.=) result.model) THEN
        PERFORM segment_internal.record_training(s, result.model, at);
    ELSIF only_keys IS NULL AND EXISTS (
        SELECT FROM segment.model AS m
        WHERE m.segmentation = s.name AND m.version = s.model_version AND m.approved_at IS NOT NULL
          AND m.training IS NULL)
    THEN
        -- the first ones whom it places
        PERFORM segment_internal.record_training(s, result.model, at);
    END IF;
    -- NULL: all members did
    result.entered := coalesce(result.entered, total);
    IF NOT result.counts ? 'rows_used' THEN
        -- one row per customer: what has a key and no place lacks a feature
        placed := CASE WHEN only_keys IS NULL AND NOT overlapping THEN total
                       ELSE segment_internal.count_customers(s, only_keys) END
            -- as the kind has it, whatever people decided
            - coalesce((result.counts ->> 'added')::bigint, 0) + coalesce((result.counts ->> 'taken_out')::bigint, 0);
        result.counts := result.counts || jsonb_build_object(
            'rows_used', placed,
            'not_placed',
            (result.counts ->> 'rows_read')::bigint - (result.counts ->> 'null_customer')::bigint - placed);
    END IF;
    result.counts := result.counts - '{added,taken_out}'::text[];
    IF only_keys IS NOT NULL THEN
        result.counts := result.counts || jsonb_build_object('only_customers', cardinality(only_keys::text[]));
    END IF;
    EXECUTE format('SELECT segment_internal.%I($1, $2, $3, $4)', s.kind || '_tell')
        USING s, at, result.counts, result.details;
    IF watermark IS NOT NULL THEN
        PERFORM segment_internal.change_catalogue('watermark_seen', s.name, watermark);
    END IF;
    new_run_id := segment_internal.change_catalogue('finish_run',
            s.name, at, train AND result.model IS NOT NULL,
            result.entered, result.departed, result.moved, result.updated,
            (result.counts ->> 'rows_read')::bigint, (result.counts ->> 'rows_used')::bigint,
            segment_internal.rows_skipped(result.counts),
            result.counts - 'seconds',
            jsonb_strip_nulls(result.details || jsonb_build_object('proposed_version', proposed)), result.steps,
            CASE WHEN result.model IS NOT NULL OR only_keys IS NOT NULL THEN NULL
                 WHEN (result.counts ->> 'rows_read')::bigint = 0 THEN 'the source yielded no rows'
                 -- of a kind without models everybody may have a place
                 WHEN (SELECT k.retrains <> 'never' FROM segment_internal.kind AS k WHERE k.kind = s.kind) THEN
                     format('none of the %s rows of the source could be used: %s', result.counts ->> 'rows_read',
                            (SELECT string_agg(format('%s %s', c.value, c.key), ', ' ORDER BY c.key)
                             FROM jsonb_each_text(result.counts) AS c
                             WHERE c.key NOT IN ('rows_read', 'rows_used', 'seconds', 'customers',
                                                 'included', 'excluded', 'only_customers')
                               AND c.value ~ '^[1-9]')) END,
            CASE WHEN only_keys IS NULL THEN 'full' ELSE 'incremental' END,
            coalesce(way_reason, 'these customers were asked for'),
            CASE WHEN only_keys IS NULL
                 THEN segment_internal.definition_hash(segment_internal.segmentation_row(s.name)) END);
    IF new_run_id IS NULL THEN
        -- somebody's source or trigger logged a run of its own in place of this one
        RAISE EXCEPTION 'the refresh of segmentation "%" has been logged already', s.name
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM segment_internal.show_step(NULL);
    RETURN new_run_id;
END;
$$;
COMMENT ON FUNCTION segment_internal.refresh_as_owner(text, timestamptz, boolean, jsonb,
                                                      double precision, text, boolean, text) IS
$$The work of refresh_segmentation after begin_run, with the rights of the owner; returns the run_id.
only_keys: an array of keys as text, the only customers to look at; NULL: all, or who may have changed, see choose_way.
way_reason: why these.
staged: rows of steps are kept in tables, see steps_of; they are in any case where Citus holds the members.$$;

CREATE FUNCTION segment_internal.set_clock(s segmentation, at timestamptz) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT set_config('segment.as_of', segment_internal.instant(at), true), segment_internal.enter_settings(s);
END;
COMMENT ON FUNCTION segment_internal.set_clock(segmentation, timestamptz) IS
$$Lets as_of() be an instant, and enters the settings of the segmentation, to the end of run_as_owner.$$;

CREATE FUNCTION segment_internal.set_clock(what text, time_zone text, settings jsonb, at timestamptz) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT set_config('segment.as_of', segment_internal.instant(at), true),
           segment_internal.enter_settings(what, time_zone, settings);
END;
COMMENT ON FUNCTION segment_internal.set_clock(text, text, jsonb, timestamptz) IS
'Lets as_of() be an instant, and enters settings, see enter_settings, to the end of run_as_owner.';

CREATE FUNCTION segment_internal.blame(name text, as_of text) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    result text;
BEGIN
    PERFORM segment_internal.set_clock(s, coalesce(as_of::timestamptz, greatest(clock_timestamp(), s.refreshed_as_of)));
    EXECUTE format('SELECT segment_internal.%I($1)', s.kind || '_blame') INTO result USING s;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    -- the error of the refresh is the one to tell
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.blame(text, text) IS
'After a refresh failed for its data: by what, and for which customer, as its kind finds out; NULL: not known.';

CREATE FUNCTION segment_internal.refresh(
    name text, as_of timestamptz, retrain boolean, options jsonb, max_departed double precision, future boolean,
    only_due boolean DEFAULT false)
    RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    owner name := segment_internal.owner_of(s.members);
    began timestamptz := clock_timestamp();
    new_run_id bigint;
    result segment.run;
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    IF NOT isfinite(as_of) THEN
        RAISE EXCEPTION 'as_of must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(options) NOT IN ('object', 'null') THEN
        RAISE EXCEPTION 'options must be an object, not %', options
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance {"warm_start": false}.';
    END IF;
    IF as_of > clock_timestamp() AND future IS NOT TRUE THEN
        RAISE EXCEPTION 'as_of % lies in the future', as_of
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'History is written forwards: no earlier instant could be refreshed after it. '
                         'Say future => true if it is meant.';
    END IF;
    IF max_departed NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'max_departed must be from 0 to 1, not %', max_departed
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT segment_internal.owns(s.members) THEN
        RAISE EXCEPTION 'permission denied to refresh segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege', HINT = format('Its owner is "%s".', owner);
    END IF;
    IF owner IS NULL THEN
        RAISE EXCEPTION 'the member table of segmentation "%" was dropped', s.name
            USING ERRCODE = 'undefined_table',
                  HINT = format('SELECT drop_segmentation(%L) removes what is left of it.', s.name);
    END IF;
    -- each in a subtransaction of its own: the lock of the first outlives an error in the second
    BEGIN
        PERFORM segment_internal.run_as_owner(owner, 'SELECT segment_internal.begin_run($1)', name);
        BEGIN
            new_run_id := segment_internal.run_as_owner(
                owner, CASE WHEN only_due THEN 'SELECT segment_internal.refresh_due_as_owner($1, $2::timestamptz)' ELSE
                'SELECT segment_internal.refresh_as_owner($1, $2::timestamptz, $3::boolean, $4::jsonb, $5::float8)' END,
                name, segment_internal.instant(as_of), retrain::text, options::text, max_departed::text);
            SELECT r.* INTO result FROM segment.run AS r WHERE r.run_id = new_run_id;
            RETURN result;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                                    detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            -- what the caller has to retry is the caller's
            IF code IN ('40001', '40P01') THEN
                RAISE;
            END IF;
        END;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                                detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        -- and what cannot be logged because the segmentation is gone
        IF code IN ('40001', '40P01') OR NOT EXISTS (SELECT FROM segment.segmentation AS g WHERE g.name = s.name) THEN
            RAISE;
        END IF;
    END;
    IF to_regproc(format('segment_internal.%I', s.kind || '_blame')) IS NOT NULL AND code ~ '^(2[12]|38|P0)' THEN
        message := coalesce(segment_internal.run_as_owner(owner, 'SELECT segment_internal.blame($1, $2)',
                                                          name, segment_internal.instant(as_of))
                            || ': ', '') || message;
    END IF;
    -- some quote a whole value
    message := CASE WHEN length(message) > 1000 THEN left(message, 1000) || ' ...' ELSE message END;
    new_run_id := segment_internal.change_catalogue('fail_run', s.name, as_of, began, code, message);
    SELECT r.* INTO result FROM segment.run AS r WHERE r.run_id = new_run_id;
    RAISE WARNING 'refresh of segmentation "%" %', name,
        CASE WHEN code = 'SR001' THEN message ELSE 'failed: ' || message END
        USING ERRCODE = code, DETAIL = coalesce(nullif(detail, ''), 'SQLSTATE ' || code || '.'),
              HINT = coalesce(nullif(hint, ''), 'Members and history are as before; the run is logged in segment_run.');
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.refresh(text, timestamptz, boolean, jsonb, double precision, boolean, boolean) IS
$$What refresh_segmentation and retrain_segmentation do; options: options of the segmentation for this time alone;
only_due: only the customers of due_keys are looked at.$$;

CREATE FUNCTION refresh_segmentation(
    name text, as_of timestamptz DEFAULT NULL, retrain boolean DEFAULT NULL, max_departed double precision DEFAULT NULL,
    future boolean DEFAULT false) RETURNS run
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.refresh(name, as_of, retrain, NULL, max_departed, future);
COMMENT ON FUNCTION refresh_segmentation(text, timestamptz, boolean, double precision, boolean) IS
$$Brings a segmentation to the state as of an instant: reads the source, trains if due, places every customer,
writes only differences to the member table, closes what changed in the history, and logs the run, which it returns.
The statements that it runs are shown by refresh_steps.
as_of: NULL, the default, is the time at which this refresh has its turn, and not before the last refresh.
RFM: only orders before as_of count; clusterings: the features are those of now,
and as_of is the instant they are entered for.
retrain: true trains, false keeps the model, NULL does what retrain_every says.
max_departed: the share of members that may depart, 0 to 1; NULL: what the segmentation says
(0.5 unless told otherwise at its creation).
A refresh that would lose more changes nothing, is told as a WARNING and logged with outcome 'refused';
so is one that skips more than nine of ten rows of the source for missing or infinite values,
where the refresh before did not.
max_departed => 1 lets both pass.
future: whether as_of may lie in the future, which bars all instants before it from then on.
All or nothing: an error in the source leaves everything as it was,
is told as a WARNING and logged with outcome 'failed';
a refresh that is cancelled or lost in a crash leaves everything as it was, too,
and is logged by the next one with outcome 'interrupted'.
Two refreshes of one segmentation queue.
Runs with the rights of the owner.
Errors: undefined_object for an unknown segmentation, insufficient_privilege for whoever may not act as the owner,
invalid_parameter_value for an as_of in the future, and serialization failures.$$;

CREATE FUNCTION retrain_segmentation(name text, as_of timestamptz DEFAULT NULL, options jsonb DEFAULT NULL) RETURNS run
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.refresh(name, as_of, true, options, NULL, false);
COMMENT ON FUNCTION retrain_segmentation(text, timestamptz, jsonb) IS
$$Refreshes a segmentation with a model trained anew, see refresh_segmentation.
options: options of the segmentation for this training alone, for instance {"warm_start": false},
which trains by k-means afresh and not from the centroids of the model before,
as it does where number of segments and features are as they were; null for an option is its default.
Beside a warm start one start afresh is made: by how much less inertia it ends with is in details of the run
(fresh_gain), and above 2 % a NOTICE.
Segments keep their ids, names and history: those of RFM are recognised by their origin,
those of a clustering by minimum-cost assignment, see model_match.
A segment that is not recognised is closed, and a new one gets an id never used before.$$;

CREATE FUNCTION accept_source(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    done text;
BEGIN
    done := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.accept_as_owner($1)', name);
END;
$$;
COMMENT ON FUNCTION accept_source(text) IS
$$Takes over the columns that the source of a segmentation has now,
after a refresh failed because they changed: names and types, bound by position for RFM, by name for clusterings.
The customer key must have the type that it has in the member and history tables; where it outgrew it,
ALTER TABLE both first.
Features of a clustering stay what they are: where one is gone, give the source a column of that name,
or drop the segmentation and create it with other features.
Errors: undefined_object, insufficient_privilege, datatype_mismatch, undefined_column.$$;

CREATE FUNCTION segment_internal.accepted_source(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_type text := format_type(segment_internal.key_type(s.members), -1);
BEGIN
    EXECUTE format('SELECT b.* FROM segment_internal.%I($1) AS b', 'bind_' || s.kind || '_columns')
    INTO s USING s;
    IF s.source_types[1] <> key_type THEN
        RAISE EXCEPTION 'the key in the source is of type %, and of type % in the tables of segmentation "%"',
            s.source_types[1], key_type, s.name
            USING ERRCODE = 'datatype_mismatch',
                  HINT = format('ALTER TABLE %s ALTER %I TYPE %s; and the same for %s; then call accept_source.',
                                s.members, segment_internal.key_column(s.members), s.source_types[1], s.history);
    END IF;
    -- what creation checks; a kind of somebody's own need not have any
    IF to_regproc(format('segment_internal.%I', 'check_' || s.kind || '_options')) IS NOT NULL THEN
        s := segment_internal.checked(('check_' || s.kind || '_options')::name, s);
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.accepted_source(segmentation) IS
'A segmentation with the columns that its source has now, or the error why it cannot be that of this segmentation.';

CREATE FUNCTION segment_internal.accept_as_owner(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    PERFORM segment_internal.enter_settings(s);
    s := segment_internal.accepted_source(s);
    PERFORM segment_internal.change_catalogue('bind_source', s.name, s.source_columns, s.source_types);
    PERFORM segment_internal.retrack(s.name);
END;
$$;
COMMENT ON FUNCTION segment_internal.accept_as_owner(text) IS
'The work of accept_source, with the rights of the owner.';
