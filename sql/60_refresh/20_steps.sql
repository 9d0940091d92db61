-- ---- the steps of a refresh ----
--
-- A refresh is a list of statements, see src/segmentation/steps.c.  A kind supplies
-- the first ones, which read the source, find a model and place customers; the
-- others are here and are the same for all kinds.  They are templates: {members}
-- is a place, and what stands for it is filled in once, so it may hold braces.
--
-- In all of them $1 is as_of, $2 whether a model was trained anew, $3 the model before,
-- $4 whether the same instant was refreshed before, $5 the only customers to look
-- at (NULL: all).
--
-- Where the tables lie on several servers (staged), the steps with a row per customer
-- (source_rows, summary, decision, changed) fill tables that lie beside the members, by customer, in
-- place of rows kept on this server, and a statement over such tables has the model as $6.
-- The other steps have a row or a few; they read customers or such rows, never both.

CREATE FUNCTION segment_internal.fill_places(template text, places jsonb) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_fill_places' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.fill_places(text, jsonb) IS
$$A template with its places in braces filled, in one pass: braces in what is filled in are left alone.
Error (internal_error) for a place that nothing stands for, and for a brace without its counterpart.$$;

-- base is the place just before as_of: the member's row, or, when the instant was
-- refreshed before, what that refresh put into the history.  So a second refresh as of the same
-- instant corrects the first, and one transition stays one event.  The member table's
-- own columns are called v1, v2, ..., because they may have any name.  Whoever fills an empty table
-- counts it for the sizes of segments: that is who entered, and need not be counted twice.
-- Where customers may be in several segments, who leaves one of them departs only if it was his last.
CREATE FUNCTION segment_internal.shared_steps(first_fill boolean, overlapping boolean, tracked boolean, waits boolean)
    RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 8 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- plpgsql keeps the plan for the session
    RETURN QUERY SELECT t.name, t.statement FROM (VALUES
(true, NULL, $$
INSERT INTO {members} SELECT customer, segment_id, segment, {v}, $1, {came} FROM ({placed}) AS placed{in_one}$$),
-- entered NULL: all that there are, who are counted later in any case
(true, 'tally', $$
SELECT NULL::bigint AS entered, 0::bigint AS departed, 0::bigint AS moved, 0::bigint AS updated$$),
(false, 'changed', $$
WITH placed AS ({placed}
), was AS (
    SELECT {key} AS customer, segment_id, segment, {own_as_v}, entered_at, entered_reason
    FROM {members} WHERE {asked}
), undone AS (
    SELECT {history_key} AS customer, segment_id, entered_at, entered_reason, left_reason FROM {history}
    WHERE {if_again} AND left_at = $1
), base AS (
    SELECT coalesce(p.customer, o.customer) AS customer, p.segment_id, p.segment, {p_v}{further}{by_decision_too},
           o.segment_id AS was_id{was_too},
           CASE WHEN o.customer IS NULL THEN 'entered' WHEN p.segment_id IS NULL THEN 'departed'
                WHEN p.segment_id <> o.segment_id THEN 'moved' ELSE 'updated' END AS change,
           o.customer IS NULL OR ({p_facts}) IS DISTINCT FROM ({o_facts}) AS other_facts,
           CASE WHEN NOT {if_again} OR o.entered_at < $1 THEN o.segment_id ELSE h.segment_id END AS base_id,
           CASE WHEN NOT {if_again} OR o.entered_at < $1 THEN o.entered_at ELSE h.entered_at END AS base_entered_at,
           CASE WHEN NOT {if_again} OR o.entered_at < $1 THEN o.entered_reason ELSE h.entered_reason END AS base_reason,
           h.left_reason
    FROM placed AS p FULL JOIN was AS o ON p.customer {equals} o.customer{same_place}
    LEFT JOIN undone AS h ON h.customer {equals} coalesce(p.customer, o.customer){same_undone}
    WHERE (o.customer IS NULL OR p.customer IS NULL
           OR (p.segment_id, p.segment, {p_v}) IS DISTINCT FROM (o.segment_id, o.segment, {o_v})){in_one_or_before}
)
SELECT *, base_id <> coalesce(segment_id, 0) AS leaves_base,
       CASE WHEN base_id = segment_id THEN base_entered_at ELSE $1 END AS entered_at,
       CASE WHEN segment_id IS NULL THEN {gone}{decided_reason} WHEN base_id IS NULL THEN 'new'
            WHEN base_id = segment_id THEN base_reason
            WHEN {if_trained} AND segment.assign_segment_id($3, {features}) = base_id THEN 'model'
            WHEN other_facts THEN {fact_reason}
            WHEN left_reason NOT IN ('gone', 'decision', 'undecided') THEN left_reason
            ELSE {other_reason} END AS reason{event_reason}
FROM base$$),
(false, 'tally', CASE WHEN overlapping THEN $$
SELECT coalesce(sum(c.entered), 0)::bigint AS entered, coalesce(sum(c.departed), 0)::bigint AS departed,
       0::bigint AS moved, coalesce(sum(c.updated), 0)::bigint AS updated,
       count(*) FILTER (WHERE c.departed = c.places AND c.entered = 0) AS customers_departed,
       count(*) FILTER (WHERE c.places = 0) AS customers_entered
FROM (SELECT n.customer, n.entered, n.departed, n.updated, count(o.segment_id) AS places
      FROM (SELECT customer, count(*) FILTER (WHERE change = 'entered') AS entered,
                   count(*) FILTER (WHERE change = 'departed') AS departed,
                   count(*) FILTER (WHERE change = 'updated') AS updated
            FROM {changed} AS u GROUP BY customer) AS n
      LEFT JOIN {members} AS o ON o.{key} {equals} n.customer
      GROUP BY n.customer, n.entered, n.departed, n.updated) AS c$$ ELSE $$
SELECT count(*) FILTER (WHERE change = 'entered') AS entered, count(*) FILTER (WHERE change = 'departed') AS departed,
       count(*) FILTER (WHERE change = 'moved') AS moved, count(*) FILTER (WHERE change = 'updated') AS updated
FROM {changed} AS c$$ END),
(false, 'guard', $$
SELECT segment_internal.refuse_departures({name}, CASE WHEN t.many THEN t.departed ELSE 0 END, t.entered,
                                          -- counted only if it matters how many they are
                                          segment_internal.count_rows({members_literal}, t.many, t.counted),
                                          {max_departed}, s.counts)
FROM {source_counts} AS s, (SELECT $$ || CASE WHEN overlapping
    THEN 't.customers_departed AS departed, t.customers_entered AS entered, {key_literal}::name AS counted,
             t.customers_departed > {surely_allowed} AS many'
    ELSE 't.departed, t.entered, NULL::name AS counted, t.departed > {surely_allowed} AS many' END || $$
             FROM {tally} AS t) AS t$$),
(false, NULL, $$
UPDATE {members} AS o
SET segment_id = c.segment_id, segment = c.segment, {set_v}, entered_at = c.entered_at, entered_reason = c.reason
FROM {changed} AS c
WHERE o.{key} {equals} c.customer AND o.segment_id = c.was_id AND c.change IN ('moved', 'updated')$$),
(false, NULL, $$
INSERT INTO {members} SELECT customer, segment_id, segment, {v}, entered_at, reason FROM {changed} AS c
WHERE change = 'entered'$$),
(false, NULL, $$
DELETE FROM {members} AS o USING {changed} AS c
WHERE o.{key} {equals} c.customer AND o.segment_id = c.was_id AND c.change = 'departed'$$),
(false, NULL, $$
DELETE FROM {history} AS h USING {changed} AS c
WHERE $4 AND h.{history_key} {equals} c.customer AND h.left_at = $1{same_left} AND c.leaves_base IS NOT TRUE$$),
(false, NULL, $$
UPDATE {history} AS h SET left_reason = c.reason FROM {changed} AS c
WHERE $4 AND h.{history_key} {equals} c.customer AND h.left_at = $1{same_left} AND c.leaves_base
  AND h.left_reason <> c.reason$$),
(false, NULL, $$
INSERT INTO {history} SELECT customer, base_id, base_entered_at, $1, base_reason, reason
FROM {changed} AS c WHERE leaves_base AND left_reason IS NULL$$),
-- sizes of segments by what changed, where only some customers are looked at
(false, 'sizes', CASE WHEN tracked THEN $$
SELECT segment_internal.change_catalogue('shift_members', {name}::text, array_agg(n.id),
                                         array_agg(n.shift)) AS customers
FROM (SELECT p.id, sum(p.shift)::bigint AS shift
      FROM {changed} AS c CROSS JOIN LATERAL (VALUES (c.was_id, -1), (c.segment_id, 1)) AS p (id, shift)
      WHERE $5 IS NOT NULL AND p.id IS NOT NULL AND c.change <> 'updated' GROUP BY p.id) AS n
HAVING count(*) > 0$$ END),
-- who is in no segment has no row of his own that tells when to look at him again
(NULL, NULL, CASE WHEN waits THEN $$
DELETE FROM {changes} AS w
WHERE $5 IS NOT NULL AND w.due_at > '-infinity' AND w.due_at > $1 AND w.{changes_key} {equals} ANY ($5)$$ END),
(NULL, NULL, CASE WHEN waits THEN $$
INSERT INTO {changes} ({changes_key}, due_at)
SELECT w.customer, w.due_at FROM ({waiting}
) AS w
WHERE w.due_at IS NOT NULL AND NOT EXISTS (SELECT FROM {members} AS o WHERE o.{key} {equals} w.customer)$$ END),
(NULL, 'result', $$
SELECT m.model, s.counts{decision_counts}, m.details, t.entered, t.departed, t.moved, t.updated
FROM {model} AS m, {source_counts} AS s, {tally} AS t{and_decisions}$$)) AS t (fills, name, statement)
    WHERE coalesce(t.fills = first_fill, true) AND t.statement IS NOT NULL;
END;
$function$;
COMMENT ON FUNCTION segment_internal.shared_steps(boolean, boolean, boolean, boolean) IS
$$The steps of a refresh that are the same for all kinds, as templates: compare with the members,
refuse what loses too many of them, write differences, close and correct history; or, first_fill,
fill an empty member table.
tracked: there is a change log; waits: and the kind has a step waiting.$$;

CREATE FUNCTION segment_internal.rows_skipped(counts jsonb) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT sum((counts ->> k)::bigint)
            FROM unnest('{null_customer,null_time,null_amount,null_order,not_finite,not_placed}'::text[]) AS k);
END;
$$;
COMMENT ON FUNCTION segment_internal.rows_skipped(jsonb) IS
'How many rows of a source were skipped for a missing or infinite value, of the counts of a run.';

CREATE FUNCTION segment_internal.refuse_departures(
    name text, departed bigint, entered bigint, members bigint, max_departed double precision, counts jsonb)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    nearly_all CONSTANT float8 := 0.9;
    rows_read bigint := counts ->> 'rows_read';
    skipped bigint := segment_internal.rows_skipped(counts);
BEGIN
    IF departed > max_departed * members THEN
        RAISE EXCEPTION 'refused: % of % members would depart, more than the share of % that the segmentation allows',
                        departed, members, max_departed
            USING ERRCODE = 'SR001',
                  DETAIL = format('The source yielded %s rows%s; %s customers would enter.', counts ->> 'rows_read',
                                  ', of which ' || (counts ->> 'rows_used') || ' counted', entered),
                  HINT = format('If that is right, refresh_segmentation(%L, max_departed => 1) lets it pass.', name);
    END IF;
    -- a source that was like that the last time, too, is none that alarms
    IF members > 0 AND max_departed < 1 AND skipped > nearly_all * rows_read
       AND (SELECT r.rows_skipped > nearly_all * r.rows_read FROM segment.run AS r
            WHERE r.segmentation = refuse_departures.name AND r.outcome IN ('ok', 'empty', 'reset')
              AND NOT r.counts ? 'only_customers'
            ORDER BY r.run_id DESC LIMIT 1) IS NOT TRUE THEN
        RAISE EXCEPTION 'refused: % of % rows of the source would be skipped for a missing or infinite value',
            skipped, rows_read
            USING ERRCODE = 'SR001',
                  DETAIL = format('%s.', (SELECT string_agg(format('%s %s', c.value, c.key), ', ' ORDER BY c.key)
                                          FROM jsonb_each_text(counts) AS c
                                          WHERE c.value ~ '^[1-9]' AND (c.key ~ '^null_' OR c.key = 'not_finite'))),
                  HINT = format('If that is right, refresh_segmentation(%L, max_departed => 1) lets it pass.', name);
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_departures(text, bigint, bigint, bigint, double precision, jsonb) IS
$$True, or an error (SR001) when more members would depart than max_departed, a share, allows,
or when more than nine of ten rows of the source are skipped and were not at the last refresh (law 18).
max_departed of 1 lets both pass.$$;

CREATE FUNCTION segment_internal.count_rows(relation regclass, all_of_them boolean, customer name) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = relation) THEN
        EXECUTE format('SELECT count(%s) FROM (SELECT * FROM %s %s) AS r',
                       coalesce('DISTINCT r.' || quote_ident(customer), '*'), relation,
                       CASE WHEN NOT all_of_them THEN 'LIMIT 1' END) INTO result;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.count_rows(regclass, boolean, name) IS
$$How many rows a table has, or where customer names its key, how many customers;
not all_of_them: 1 where it has any; NULL: there is no such table.$$;

CREATE FUNCTION segment_internal.current_model_query(s segmentation) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('(SELECT m.model FROM segment.model AS m WHERE m.segmentation = %L AND m.version = %s)',
                  s.name, coalesce(s.model_version, 0));
END;
$$;
COMMENT ON FUNCTION segment_internal.current_model_query(segmentation) IS
'The present model of a segmentation as the text of an expression; NULL where there is none yet.';

CREATE FUNCTION segment_internal.keys_can_be_listed(s segmentation) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT t.typsubscript <> 'pg_catalog.array_subscript_handler'::regproc
            FROM pg_catalog.pg_type AS t WHERE t.oid = segment_internal.key_type(s.members));
END;
$$;
COMMENT ON FUNCTION segment_internal.keys_can_be_listed(segmentation) IS
'Whether an array can hold customer keys of a segmentation; not when they are arrays themselves.';

CREATE FUNCTION segment_internal.shared_places(s segmentation) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind segment_internal.kind;
    key text := quote_ident(segment_internal.key_column(s.members));
    key_type regtype := segment_internal.key_type(s.members);
    equals text := segment_internal.equality_operator(key_type);
    overlapping boolean := segment_internal.overlapping(s);
BEGIN
    SELECT * INTO STRICT kind FROM segment_internal.kind AS k WHERE k.kind = s.kind;
    RETURN (
        SELECT jsonb_build_object(
            'name', quote_literal(s.name), 'members', s.members::text, 'history', s.history::text,
            'members_literal', quote_literal(s.members::text),
            'max_departed', s.max_departed,
            -- of so many that depart it need not be known how many there are: half of what the catalogue's sizes allow
            'surely_allowed', (SELECT floor(s.max_departed / 2 * coalesce(sum(g.customers), 0)
                                            / CASE WHEN overlapping THEN greatest(count(*), 1) ELSE 1 END)::bigint
                               FROM segment.segment AS g WHERE g.segmentation = s.name),
            'key', key,
            'key_literal', quote_literal(segment_internal.key_column(s.members)), 'history_key',
            quote_ident(segment_internal.key_column(s.history)),
            'key_type', format_type(key_type, -1),
            'equals', equals,
            'collate', segment_internal.collate_clause(s.members),
            -- an array of arrays is not a list of them, so keys that are arrays cannot be asked for
            'asked', CASE WHEN segment_internal.keys_can_be_listed(s)
                              THEN format('$5 IS NULL OR %s %s ANY ($5)', key, equals) ELSE '$5 IS NULL' END,
            'changes', s.changes::text, 'if_again', '$4', 'if_trained', '$2',
            'changes_key', quote_ident(segment_internal.key_column(s.changes)),
            'search_path', quote_literal(s.search_path),
            'current_model', segment_internal.current_model_query(s),
            'fact_reason', quote_literal(kind.fact_reason), 'other_reason', quote_literal(kind.other_reason),
            -- a place is the customer, or where there are several at once, customer and segment
            'same_place', CASE WHEN overlapping THEN ' AND p.segment_id = o.segment_id' ELSE '' END,
            'same_undone', CASE WHEN overlapping
                                THEN ' AND h.segment_id = coalesce(p.segment_id, o.segment_id)' ELSE '' END,
            'same_left', CASE WHEN overlapping THEN ' AND h.segment_id = coalesce(c.segment_id, c.was_id)' ELSE '' END,
            'v', string_agg('v' || c.number, ', ' ORDER BY c.number),
            'p_v', string_agg('p.v' || c.number, ', ' ORDER BY c.number),
            'o_v', string_agg('o.v' || c.number, ', ' ORDER BY c.number),
            'own_as_v', string_agg(format('%I AS v%s', c.name, c.number), ', ' ORDER BY c.number),
            'set_v', string_agg(format('%I = c.v%s', c.name, c.number), ', ' ORDER BY c.number),
            'p_facts', coalesce(string_agg('p.v' || c.number, ', ' ORDER BY c.number) FILTER (WHERE c.is_fact), 'NULL'),
            'unplaced', '', 'came', '''new''', 'in_one', '', 'by_decision_too', '', 'in_one_or_before', '',
            'gone', '''gone''', 'decided_reason', '', 'decision_counts', '', 'and_decisions', '',
            'o_facts', coalesce(string_agg('o.v' || c.number, ', ' ORDER BY c.number) FILTER (WHERE c.is_fact), 'NULL'))
        FROM segment_internal.member_columns(s) AS c);
END;
$$;
COMMENT ON FUNCTION segment_internal.shared_places(segmentation) IS
'What stands for the places in shared_steps, whatever the kind.';

CREATE FUNCTION segment_internal.steps_of(s segmentation, train boolean, first_fill boolean, staged boolean,
                                          tail refresh_step[] DEFAULT NULL, instead jsonb DEFAULT '{}')
    RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 12 SET search_path = pg_catalog, pg_temp
    -- UNION ALL keeps its order without workers alone
    SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
    by_customer CONSTANT text[] := '{source_rows,summary,decision,changed}';
    -- no statements of their own, but parts of the next ones: keeping a row per customer would cost more than it helps
    parts CONSTANT text[] := '{placed,decided,waiting}';
    places jsonb := segment_internal.shared_places(s) || segment_internal.decision_places(s);
    templates segment.refresh_step[];
    step segment.refresh_step;
    own jsonb;
    read_here boolean;
BEGIN
    EXECUTE format('SELECT segment_internal.%I($1, $2)', s.kind || '_places') INTO own USING s, train;
    places := places || own;
    IF staged THEN
        own := segment_internal.staged_places(s, train);
        -- the catalogue is on this server, too
        places := places || '{"current_model": "$3"}' || own;
        read_here := own = '{}';
    END IF;
    places := places || segment_internal.event_places(s, places);
    places := places || instead;
    EXECUTE format('SELECT array_agg(t) FROM segment_internal.%I($1, $2) AS t', s.kind || '_steps') INTO templates
        USING s, train;
    templates := templates || ARRAY(SELECT t::segment.refresh_step FROM segment_internal.decision_steps(s) AS t)
        || tail;
    IF tail IS NULL THEN
        templates := templates || ARRAY(
            SELECT t::segment.refresh_step
            FROM segment_internal.shared_steps(
                first_fill, segment_internal.overlapping(s), s.changes IS NOT NULL AND NOT staged,
                s.changes IS NOT NULL AND NOT staged
                AND EXISTS (SELECT FROM unnest(templates) AS w WHERE w.name = 'waiting')) AS t);
        -- the last one is the result
        templates := templates[:cardinality(templates) - 1]
            || ARRAY(SELECT t::segment.refresh_step FROM segment_internal.event_steps(s, first_fill) AS t)
            || templates[cardinality(templates)];
    END IF;
    -- rows of a step are read under its name, or, staged, from a table that is named after it
    FOREACH step IN ARRAY templates LOOP
        IF step.name IS NOT NULL THEN
            places := places || jsonb_build_object(step.name, CASE WHEN staged AND step.name = ANY (by_customer)
                                                                   THEN segment_internal.staging_table(s, step.name)
                                                                   ELSE step.name END);
        END IF;
    END LOOP;
    places := places || instead;
    FOREACH step IN ARRAY templates LOOP
        step.statement := ltrim(segment_internal.fill_places(step.statement, CASE
            -- what is kept on this server cannot be read where the customers are
            WHEN staged AND step.name = ANY (parts || by_customer) THEN places || '{"model": "(SELECT $6 AS model)"}'
            ELSE places END), E'\n');
        IF step.name = ANY (parts) THEN
            places := places || jsonb_build_object(CASE step.name WHEN 'decided' THEN 'placed' ELSE step.name END,
                                                   E'\n' || step.statement);
            CONTINUE;
        END IF;
        IF staged AND step.name = ANY (by_customer) THEN
            RETURN QUERY SELECT NULL::text, t
                         FROM segment_internal.staging_statements(s.members, places ->> step.name, step.statement,
                                                                  read_here AND step.name <> 'changed') AS t;
            CONTINUE;
        END IF;
        RETURN NEXT step;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.steps_of(segmentation, boolean, boolean, boolean, refresh_step[], jsonb) IS
$$The statements of a refresh, in order; see refresh_steps.
tail: templates that take the place of shared_steps and those of events;
instead: what stands for places in place of what would.
staged: rows per customer are kept in tables in place of ephemeral relations,
for engines that hold the tables on other servers.$$;

CREATE FUNCTION segment_internal.staged_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb := '{}';
BEGIN
    IF to_regproc(format('segment_internal.%I', s.kind || '_staged_places')) IS NOT NULL THEN
        EXECUTE format('SELECT segment_internal.%I($1, $2)', s.kind || '_staged_places') INTO result USING s, train;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.staged_places(segmentation, boolean) IS
$$What stands for the places in the steps of a kind where the tables lie on several servers;
empty where the source is read on this server in any case.$$;

CREATE FUNCTION segment_internal.staging_statements(members regclass, staging text, statement text, read_here boolean)
    RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 3 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t FROM (VALUES
        (1, format(E'CREATE UNLOGGED TABLE %s AS\n%s%s', staging, statement,
                   CASE WHEN read_here THEN '' ELSE E'\nWITH NO DATA' END)),
        -- which sends the rows that are there
        (2, CASE WHEN segment_internal.distribution_column(members) IS NOT NULL THEN
                format('SELECT create_distributed_table(%L, ''customer'', colocate_with => %L)', staging, members) END),
        (3, CASE WHEN NOT read_here THEN format(E'INSERT INTO %s\n%s', staging, statement) END)) AS s (n, t)
    WHERE t IS NOT NULL ORDER BY n
$$;
COMMENT ON FUNCTION segment_internal.staging_statements(regclass, text, text, boolean) IS
$$The statements that keep the rows of a step in a table, where Citus holds the members beside them.
read_here: whether functions of this server yield the rows,
which then are kept here before they are sent: a statement that sends rows cannot read others at the same time.$$;

CREATE FUNCTION segment_internal.staging_table(s segmentation, step text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT format('%I.%I', n.nspname, s.name || '_' || step)
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = s.members);
COMMENT ON FUNCTION segment_internal.staging_table(segmentation, text) IS
'The name of the table that keeps the rows of a step, beside the member table.';

CREATE FUNCTION segment_internal.run_steps(
    names text[], statements text[], as_of timestamptz, trained boolean, old_model segment_model,
    again boolean, only_keys anyarray,
    OUT model segment_model, OUT counts jsonb, OUT details jsonb,
    OUT entered bigint, OUT departed bigint, OUT moved bigint, OUT updated bigint, OUT steps jsonb)
    AS 'MODULE_PATHNAME', 'segment_run_steps' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.run_steps(text[], text[], timestamptz, boolean, segment_model,
                                               boolean, anyarray) IS
$$Runs statements in order, with $1 to $5 as in refresh_steps, and returns the row of the last one;
steps: what each did (step, rows, ms).
The rows of a statement with a name are read under it by the later ones; a NULL name: its rows are not kept.
Errors: those of the statements; datatype_mismatch where the last one does not return just such a row.$$;

CREATE FUNCTION segment_internal.step_rows(
    names text[], statements text[], as_of timestamptz, trained boolean, old_model segment_model,
    again boolean, only_keys anyarray)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_step_rows' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10000;
COMMENT ON FUNCTION segment_internal.step_rows(text[], text[], timestamptz, boolean, segment_model,
                                               boolean, anyarray) IS
$$As run_steps, but returns all rows of the last statement, whose columns a column definition list names.
Errors: as there, and datatype_mismatch where it returns other columns.$$;

CREATE FUNCTION segment_internal.wants_training(s segmentation, as_of timestamptz, retrain boolean) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT k.retrains <> 'never' AND (s.model_version IS NULL OR coalesce(
        retrain,
        -- days are those of the calendar, whatever the minute a job runs at and whether clocks were changed between
        CASE WHEN s.retrain_every >= interval '1 day'
             THEN (as_of AT TIME ZONE s.time_zone)::date
                  >= ((s.trained_as_of AT TIME ZONE s.time_zone)::date + s.retrain_every)::date
             ELSE as_of >= s.trained_as_of + s.retrain_every END,
        k.retrains = 'always'))
    FROM segment_internal.kind AS k WHERE k.kind = s.kind;
END;
COMMENT ON FUNCTION segment_internal.wants_training(segmentation, timestamptz, boolean) IS
'Whether it is time to train a model; retrain: what the caller asked for.';

CREATE FUNCTION segment_internal.trains(s segmentation, as_of timestamptz, retrain boolean) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN NOT s.needs_approval AND segment_internal.wants_training(s, as_of, retrain);
COMMENT ON FUNCTION segment_internal.trains(segmentation, timestamptz, boolean) IS
$$Whether a refresh as of an instant trains a model that it places customers by; retrain: what the caller asked for.
One that needs approval is proposed before, see propose_trained.$$;

CREATE FUNCTION segment_internal.nothing_in_use(s segmentation) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN s.needs_approval AND (SELECT CASE WHEN k.retrains <> 'never' THEN s.model_version IS NULL
                                         ELSE s.kind = 'rules' AND s.rule_version IS NULL END
                             FROM segment_internal.kind AS k WHERE k.kind = s.kind);
COMMENT ON FUNCTION segment_internal.nothing_in_use(segmentation) IS
'Whether a segmentation needs approval and no version is approved yet.';

CREATE FUNCTION segment_internal.refuse_nothing_in_use(s segmentation, code text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF segment_internal.nothing_in_use(s) THEN
        RAISE EXCEPTION '%no version of the % of segmentation "%" is approved yet',
            CASE code WHEN 'SR001' THEN 'refused: ' ELSE '' END, CASE s.kind WHEN 'rules' THEN 'rules' ELSE 'model' END,
            s.name
            USING ERRCODE = code, HINT = 'approve_model() gives it, by somebody other than who proposed the version.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_nothing_in_use(segmentation, text) IS
'Raises an error of a SQLSTATE where no version is approved yet of a segmentation that needs it.';

CREATE FUNCTION segment_internal.has_no_members(s segmentation) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result boolean;
BEGIN
    -- whoever owns the table may have attached code to it, which must not run for others
    IF segment_internal.table_refusal(s.members, '{}', '{}') IS NULL AND s.members IS NOT NULL THEN
        EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %s)', s.members) INTO result;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.has_no_members(segmentation) IS
'Whether the member table of a segmentation is empty; NULL where it cannot be read safely, see table_refusal.';

CREATE FUNCTION refresh_steps(name text, as_of timestamptz DEFAULT NULL, retrain boolean DEFAULT NULL)
    RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 12 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    as_of := coalesce(as_of, clock_timestamp());
    -- an instant refreshed before has places in the history to compare with, though no members
    RETURN QUERY SELECT t.* FROM segment_internal.steps_of(
        s, segment_internal.trains(s, as_of, retrain),
        segment_internal.has_no_members(s) AND s.refreshed_as_of IS DISTINCT FROM as_of,
        segment_internal.distribution_column(s.members) IS NOT NULL) AS t;
END;
$$;
COMMENT ON FUNCTION refresh_steps(text, timestamptz, boolean) IS
$$The statements that refresh_segmentation(name, as_of, retrain) would run now, in order: for looking at, explaining,
and running alone on tables of these names.
name: under which the later statements read the rows of this one; NULL: it writes.
In all of them $1 is as_of, $2 whether a model was trained anew, $3 the model before,
$4 whether the same instant was refreshed before, $5 an array of the only customers to look at (NULL: all);
and, of segmentations that distribute_segmentation() was called for, $6 the model in use.
Errors: undefined_object for an unknown segmentation,
object_not_in_prerequisite_state where its tables are not as they were created and the current user is not their
owner.$$;
