-- ---- segmentations: create, refresh, drop ----

CREATE FUNCTION segment_internal.source_query(source text, source_path text) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_source_query' LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.source_query(text, text) IS
$$The statement that a source stands for, which creation checks and a refresh runs.
The name of a relation, found in the given search_path, becomes TABLE schema.name.
White space, comments and semicolons at the end are cut off.$$;

CREATE FUNCTION segment_internal.source_key(query text, source_path text, OUT name name, OUT type text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- with -1, because format_type calls char(n) without n character, which is char(1)
    SELECT c.name, format_type(c.type, -1) FROM segment_internal.query_columns(query, source_path) AS c WHERE c.number = 1
$$;
COMMENT ON FUNCTION segment_internal.source_key(text, text) IS
$$Name and type of the first column of a source, the customer key.
Errors as query_columns.$$;

-- ---- what a kind of segmentation supplies ----
-- Its own file has a function for each of these four; all else is shared.

CREATE FUNCTION segment_internal.member_columns(s segmentation, OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s.kind = 'rfm' THEN
        RETURN QUERY SELECT c.* FROM segment_internal.rfm_member_columns() AS c ORDER BY c.number;
    ELSE
        RETURN QUERY SELECT c.* FROM segment_internal.cluster_member_columns(s) AS c ORDER BY c.number;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.member_columns(segmentation) IS
$$The columns that a member table has of its own, by the kind of segmentation, between segment and entered_at.
number: from 1; placed has them as v1, v2, ...
required: never NULL.
is_fact: what is told of the customer, not worked out by the model; a change of it is a reason to move.$$;

CREATE FUNCTION segment_internal.kind_reasons(kind text, OUT fact_reason text, OUT other_reason text, OUT entered_comment text, OUT came_comment text, OUT left_comment text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.*
    FROM (VALUES ('orders', 'time',
                  'Why: new (first seen), orders (new or changed orders), time (no more than time passing), model (retrained cut points).',
                  'Why the customer came: new, orders, time or model.',
                  'Why the customer left: orders, time, model, or gone (no longer in the source).')) AS r
    WHERE kind = 'rfm'
    UNION ALL
    SELECT r.*
    FROM (VALUES ('features', 'model',
                  'Why: new (first seen), features (other values), model (trained anew).',
                  'Why the customer came: new, features or model.',
                  'Why the customer left: features, model, or gone (no longer in the source, or a feature is missing).')) AS r
    WHERE kind IS DISTINCT FROM 'rfm';
END;
COMMENT ON FUNCTION segment_internal.kind_reasons(text) IS
$$The reason of a move, other than a new model, by kind of segmentation: when facts of the customer changed, and when
not; and what the comments on the tables say of reasons.$$;

CREATE FUNCTION segment_internal.placed_features(s segmentation, OUT features text, OUT further text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s.kind = 'rfm' THEN
        SELECT f.features, f.further INTO features, further FROM segment_internal.rfm_placed_features() AS f;
    ELSE
        features := segment_internal.cluster_placed_features(s);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.placed_features(segmentation) IS
$$The features of a customer as the text of arguments to assign_segment(model, ...), made of columns of placed.
further: columns of placed, beside v1, v2, ..., that they are made of; NULL: none.$$;

CREATE FUNCTION segment_internal.placing_query(s segmentation, as_of timestamptz, train boolean, warm_start boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s.kind = 'rfm' THEN
        RETURN segment_internal.rfm_placing_query(s, as_of, train);
    END IF;
    RETURN segment_internal.cluster_placing_query(s, train, warm_start);
END;
$$;
COMMENT ON FUNCTION segment_internal.placing_query(segmentation, timestamptz, boolean, boolean) IS
$$The WITH clauses of a refresh that read the source: model(model, trained_at, counts), trained or current, and
placed(customer, segment_id, segment, v1, v2, ...), the customers placed by it, with the member table's own columns.$$;

-- ---- creating: what all kinds share ----

CREATE FUNCTION segment_internal.check_new_segmentation(name text, source text, schema name, example text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(name, '') = '' OR source IS NULL THEN
        RAISE EXCEPTION 'a segmentation needs a name and a source'
            USING ERRCODE = 'invalid_parameter_value', HINT = format('For instance %s.', example);
    END IF;
    IF octet_length(name || '_segments') > 63 THEN
        RAISE EXCEPTION 'name of a segmentation must have at most 54 bytes, not %', octet_length(name)
            USING ERRCODE = 'name_too_long', HINT = 'Its tables are named after it, with _segments and _history added.';
    END IF;
    IF EXISTS (SELECT FROM segment.segmentation AS s WHERE s.name = check_new_segmentation.name) THEN
        RAISE EXCEPTION 'segmentation "%" already exists', name
            USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or drop_segmentation() first.';
    END IF;
    IF schema IS NULL THEN
        RAISE EXCEPTION 'no schema to create the tables in'
            USING ERRCODE = 'invalid_schema_name', HINT = 'Give the argument schema, or set search_path.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_new_segmentation(text, text, name, text) IS
$$Raises the error that creating a segmentation of this name would run into, whatever its kind.
example: a call to show in a hint.$$;

CREATE FUNCTION segment_internal.check_column_names(s segmentation) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own text[] := ARRAY(SELECT c.name FROM segment_internal.member_columns(s) AS c);
    taken text;
BEGIN
    IF s.key_column = ANY (ARRAY['segment_id', 'segment', 'entered_at', 'entered_reason', 'left_at', 'left_reason'] || own) THEN
        RAISE EXCEPTION 'the customer key is named "%", as a column of the member table', s.key_column
            USING ERRCODE = 'duplicate_column', HINT = 'Give it another name in the source: SELECT ... AS customer_id.';
    END IF;
    SELECT c INTO taken FROM unnest(own) AS c WHERE c = ANY ('{segment_id,segment,entered_at,entered_reason}') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a feature is named "%", as a column of the member table', taken
            USING ERRCODE = 'duplicate_column', HINT = 'Give it another name in the source: SELECT ... AS other_name.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_column_names(segmentation) IS
$$Raises an error (duplicate_column) when the customer key or a feature has the name of a column that every member table
has.$$;

CREATE FUNCTION segment_internal.create_segmentation(s segmentation) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    s.owner := current_user;
    s.member_table := s.name || '_segments';
    s.history_table := s.name || '_history';
    PERFORM segment_internal.check_column_names(s);

    -- the primary key of the members is built after the first fill, in one go
    EXECUTE format(
        'CREATE TABLE %I.%I (
            %I %s NOT NULL,
            segment_id integer NOT NULL,
            segment text NOT NULL,
            %s,
            entered_at timestamptz NOT NULL,
            entered_reason text NOT NULL)',
        s.table_schema, s.member_table, s.key_column, s.key_type,
        (SELECT string_agg(format('%I %s%s', c.name, c.type, CASE WHEN c.required THEN ' NOT NULL' END), ', ' ORDER BY c.number)
         FROM segment_internal.member_columns(s) AS c));
    EXECUTE format(
        'CREATE TABLE %I.%I (
            %I %s,
            segment_id integer NOT NULL,
            entered_at timestamptz NOT NULL,
            left_at timestamptz NOT NULL,
            entered_reason text NOT NULL,
            left_reason text NOT NULL,
            PRIMARY KEY (%3$I, entered_at))',
        s.table_schema, s.history_table, s.key_column, s.key_type);

    INSERT INTO segment.segmentation (name, owner, kind, source, customers, features, feature_types, options, time_zone, search_path, retrain_every,
                                      table_schema, member_table, history_table, key_column, key_type, description)
    VALUES (s.name, s.owner, s.kind, s.source, s.customers, s.features, s.feature_types, s.options, s.time_zone, s.search_path, s.retrain_every,
            s.table_schema, s.member_table, s.history_table, s.key_column, s.key_type, s.description);
    PERFORM segment_internal.comment_tables(s.name);
    PERFORM segment_internal.create_run_mark(segment_internal.segmentation_row(s.name));
    RETURN format('%I.%I', s.table_schema, s.member_table)::regclass;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_segmentation(segmentation) IS
$$Creates the two tables of a segmentation and the sequence that marks its runs, for the current user, and enters it
into the catalogue; returns the member table.
What is checked before: check_new_segmentation and the options of its kind.$$;

CREATE FUNCTION segment_internal.comment_tables(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    -- as text: arrays of names would cut the comments off
    members text := s.member_table;
    history text := s.history_table;
    reasons record;
    pair text[];
BEGIN
    SELECT * INTO reasons FROM segment_internal.kind_reasons(s.kind);
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', s.table_schema, s.member_table,
                   format('Present members of the segmentation "%s", one row per customer; written by refresh_segmentation.', name));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', s.table_schema, s.history_table,
                   format('Places that customers of the segmentation "%s" had before: each from entered_at until before left_at. The present place is in %I.', name, s.member_table));
    EXECUTE (SELECT string_agg(format('COMMENT ON COLUMN %I.%I.%I IS %L', s.table_schema, s.member_table, c.name, c.comment), '; ')
             FROM segment_internal.member_columns(s) AS c);
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        [members, s.key_column::text, 'Key of the customer.'],
        [members, 'segment_id', 'Id of the segment; stable over renaming and retraining.'],
        [members, 'segment', 'Name of the segment.'],
        [members, 'entered_at', 'as_of of the refresh that put the customer into this segment.'],
        [members, 'entered_reason', reasons.entered_comment],
        [history, s.key_column::text, 'Key of the customer.'],
        [history, 'segment_id', 'Id of the segment; its name is in segment.segment.'],
        [history, 'entered_at', 'as_of of the refresh that put the customer into the segment.'],
        [history, 'left_at', 'as_of of the refresh that took the customer out of it; not included.'],
        [history, 'entered_reason', reasons.came_comment],
        [history, 'left_reason', reasons.left_comment]]
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', s.table_schema, pair[1], pair[2], pair[3]);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.comment_tables(text) IS
'Writes the comments on the tables of a segmentation, which BI tools show.';

-- ---- refreshing ----

CREATE FUNCTION segment_internal.filling_query(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN format(
    E', entered AS (\n'
    'INSERT INTO %1$I.%2$I SELECT customer, segment_id, segment, %3$s, $1, ''new'' FROM placed RETURNING 1\n'
    ') SELECT m.model, m.trained_at, m.counts, e.n AS entered, 0::bigint AS departed, 0::bigint AS moved, 0::bigint AS updated\n'
    'FROM model AS m, (SELECT count(*) AS n FROM entered) AS e',
    s.table_schema, s.member_table, (SELECT string_agg('v' || c.number, ', ' ORDER BY c.number) FROM segment_internal.member_columns(s) AS c));
COMMENT ON FUNCTION segment_internal.filling_query(segmentation) IS
'The WITH clauses of a refresh that follow placed, when the member table is empty: fill it.';

-- What a refresh writes, the text of WITH clauses that follow placed: only
-- differences.  base is the place just before as_of ($1): the member's row, or,
-- when the instant was refreshed before (again), what that refresh put into the
-- history.  So a second refresh as of the same instant corrects the first, and
-- one transition stays one event.  $2: a model was trained, $3: the one before.
-- The member table's own columns are called v1, v2, ..., because they may have
-- any name.
CREATE FUNCTION segment_internal.writing_query(s segmentation, again boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    members text := format('%I.%I', s.table_schema, s.member_table);
    history text := format('%I.%I', s.table_schema, s.history_table);
    key text := quote_ident(s.key_column);
    equals text := segment_internal.equality_operator(s.key_type::regtype);
    reasons record;
    features text;
    further text;
    v text;         -- the own columns: as they are called here,
    p_v text;       -- of the customers placed,
    o_names text;   -- of the old member table,
    set_v text;     -- as written to it
    p_facts text;
    o_facts text;
BEGIN
    SELECT * INTO reasons FROM segment_internal.kind_reasons(s.kind);
    SELECT f.features, f.further INTO features, further FROM segment_internal.placed_features(s) AS f;
    SELECT string_agg('v' || c.number, ', ' ORDER BY c.number), string_agg('p.v' || c.number, ', ' ORDER BY c.number),
           string_agg(format('o.%I', c.name), ', ' ORDER BY c.number), string_agg(format('%I = c.v%s', c.name, c.number), ', ' ORDER BY c.number),
           string_agg('p.v' || c.number, ', ' ORDER BY c.number) FILTER (WHERE c.is_fact),
           string_agg(format('o.%I', c.name), ', ' ORDER BY c.number) FILTER (WHERE c.is_fact)
    INTO v, p_v, o_names, set_v, p_facts, o_facts
    FROM segment_internal.member_columns(s) AS c;
    RETURN format(
        E', base AS (\n'
        'SELECT coalesce(p.customer, o.%2$s) AS customer, p.segment_id, p.segment, %4$s,\n'
        '    CASE WHEN o.%2$s IS NULL THEN ''entered'' WHEN p.customer IS NULL THEN ''departed''\n'
        '         WHEN p.segment_id <> o.segment_id THEN ''moved'' ELSE ''updated'' END AS change,\n'
        '    o.%2$s IS NULL OR (%5$s) IS DISTINCT FROM (%6$s) AS other_facts,\n',
        members, key, equals, concat_ws(', ', p_v, 'p.' || further), p_facts, o_facts)
        || CASE WHEN again THEN
            E'    CASE WHEN o.entered_at < $1 THEN o.segment_id ELSE h.segment_id END AS base_id, CASE WHEN o.entered_at < $1 THEN o.entered_at ELSE h.entered_at END AS base_entered_at,\n'
            '    CASE WHEN o.entered_at < $1 THEN o.entered_reason ELSE h.entered_reason END AS base_reason, h.left_reason\n'
        ELSE
            E'    o.segment_id AS base_id, o.entered_at AS base_entered_at, o.entered_reason AS base_reason, NULL::text AS left_reason\n'
        END
        || format(E'FROM placed AS p FULL JOIN %1$s AS o ON p.customer %3$s o.%2$s\n', members, key, equals)
        || CASE WHEN again THEN
            format(E'LEFT JOIN %1$s AS h ON h.%2$s %3$s coalesce(p.customer, o.%2$s) AND h.left_at = $1\n', history, key, equals)
        ELSE '' END
        || format(
        E'WHERE o.%1$s IS NULL OR p.customer IS NULL\n'
        '   OR (p.segment_id, p.segment, %2$s) IS DISTINCT FROM (o.segment_id, o.segment, %3$s)\n'
        '), changed AS MATERIALIZED (\n'
        'SELECT *, base_id <> coalesce(segment_id, 0) AS leaves_base,\n'
        '    CASE WHEN base_id = segment_id THEN base_entered_at ELSE $1 END AS entered_at,\n'
        '    CASE WHEN segment_id IS NULL THEN ''gone'' WHEN base_id IS NULL THEN ''new'' WHEN base_id = segment_id THEN base_reason\n'
        '         WHEN $2 AND segment.assign_segment_id($3, %4$s) = base_id THEN ''model''\n'
        '         WHEN other_facts THEN %5$L WHEN left_reason <> ''gone'' THEN left_reason ELSE %6$L END AS reason\n'
        'FROM base\n'
        ')',
        key, p_v, o_names, features, reasons.fact_reason, reasons.other_reason)
        || format(
        E', kept AS (\n'
        'UPDATE %1$s AS o SET segment_id = c.segment_id, segment = c.segment, %4$s, entered_at = c.entered_at, entered_reason = c.reason\n'
        'FROM changed AS c WHERE o.%2$s %3$s c.customer AND c.change IN (''moved'', ''updated'')\n'
        '), entered AS (\n'
        'INSERT INTO %1$s SELECT customer, segment_id, segment, %5$s, entered_at, reason FROM changed WHERE change = ''entered''\n'
        '), departed AS (\n'
        'DELETE FROM %1$s AS o USING changed AS c WHERE o.%2$s %3$s c.customer AND c.change = ''departed''\n'
        ')', members, key, equals, set_v, v)
        || format(
        E', history AS (\n'
        'INSERT INTO %1$s SELECT customer, base_id, base_entered_at, $1, base_reason, reason\n'
        'FROM changed WHERE leaves_base AND left_reason IS NULL\n'
        ')', history)
        || CASE WHEN again THEN
            format(
            E', history_undone AS (\n'
            'DELETE FROM %1$s AS h USING changed AS c WHERE h.%2$s %3$s c.customer AND h.left_at = $1 AND c.leaves_base IS NOT TRUE\n'
            '), history_corrected AS (\n'
            'UPDATE %1$s AS h SET left_reason = c.reason FROM changed AS c\n'
            'WHERE h.%2$s %3$s c.customer AND h.left_at = $1 AND c.leaves_base AND h.left_reason <> c.reason\n'
            ')', history, key, equals)
        ELSE '' END
        || E'\nSELECT m.model, m.trained_at, m.counts, c.* FROM model AS m, (\n'
        'SELECT count(*) FILTER (WHERE change = ''entered'') AS entered, count(*) FILTER (WHERE change = ''departed'') AS departed,\n'
        '    count(*) FILTER (WHERE change = ''moved'') AS moved, count(*) FILTER (WHERE change = ''updated'') AS updated FROM changed) AS c';
END;
$$;
COMMENT ON FUNCTION segment_internal.writing_query(segmentation, boolean) IS
$$The WITH clauses of a refresh that follow placed: compare with the members, write differences, close history.
again: the instant was refreshed before.$$;

CREATE FUNCTION segment_internal.locked_segmentation(name text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    SELECT * INTO s FROM segment.segmentation AS g WHERE g.name = locked_segmentation.name FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        -- not there (any more), or visible but another's
        PERFORM segment_internal.segmentation_row(name);
        RAISE EXCEPTION 'permission denied to change segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege', HINT = 'Only its owner may.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.locked_segmentation(text) IS
$$A segmentation, locked to the end of the transaction against refresh, rename and drop by others: two of these queue.
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION segment_internal.refresh_as_owner(name text, as_of timestamptz, retrain boolean, warm_start boolean) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    -- a warm start whose inertia one start afresh beats by this share is told of
    clear_gain CONSTANT float8 := 0.02;
    s segment.segmentation;
    work_began timestamptz := clock_timestamp();
    train boolean;
    first_fill boolean;
    old_model segment.segment_model;
    new_version integer;
    placed_query text;
    result record;
    summarise_seconds float8;
    total bigint;
    fresh_gain float8;
    new_run_id bigint;
BEGIN
    s := segment_internal.locked_segmentation(name);
    IF s.refreshed_as_of > as_of THEN
        RAISE EXCEPTION 'as_of % lies before the last refresh, which was as of %', as_of, s.refreshed_as_of
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'History is written forwards. For the past see segment_members(name, as_of), or use another segmentation.';
    END IF;
    -- without an interval RFM, whose scores compare customers of one instant, trains at every refresh, and all else when told to
    train := s.model_version IS NULL OR coalesce(retrain, as_of >= s.trained_as_of + s.retrain_every, s.kind = 'rfm');
    IF s.model_version IS NOT NULL THEN
        old_model := segment.get_model(s.name);
    END IF;
    placed_query := segment_internal.placing_query(s, as_of, train, warm_start);
    -- an instant refreshed before has places in the history to compare with, though no members
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I.%I)', s.table_schema, s.member_table) INTO first_fill;
    first_fill := first_fill AND s.refreshed_as_of IS DISTINCT FROM as_of;

    -- one statement reads the source, trains, assigns, compares and writes, so all of it sees one state of the data
    IF first_fill THEN
        EXECUTE placed_query || segment_internal.filling_query(s) INTO result USING as_of;
    ELSE
        EXECUTE placed_query || segment_internal.writing_query(s, again => s.refreshed_as_of = as_of)
        INTO result USING as_of, train AND s.model_version IS NOT NULL, old_model;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint AS c
                   WHERE c.conrelid = to_regclass(format('%I.%I', s.table_schema, s.member_table)) AND c.contype = 'p') THEN
        EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (%I)', s.table_schema, s.member_table, s.key_column);
    END IF;
    summarise_seconds := coalesce((result.counts ->> 'seconds')::float8,
                                  extract(epoch FROM (result.counts ->> 'read_at')::timestamptz - work_began)::float8);

    fresh_gain := result.counts ->> 'fresh_gain';
    IF fresh_gain > clear_gain THEN
        RAISE NOTICE 'one start afresh finds segments with % %% less inertia than those that go on from the model before', round(100 * fresh_gain::numeric, 1)
            USING HINT = format('retrain_segmentation(%L, warm_start => false) trains afresh; more customers may move.', s.name);
    END IF;
    new_version := s.model_version;
    IF train AND result.model IS NOT NULL AND (old_model IS NULL OR NOT old_model OPERATOR(segment.=) result.model) THEN
        new_version := coalesce((SELECT max(m.version) FROM segment.model AS m WHERE m.segmentation = s.name), 0) + 1;
        INSERT INTO segment.model (segmentation, version, model, trained_as_of)
        VALUES (s.name, new_version, result.model, as_of);
        UPDATE segment.segment AS g SET closed_at = as_of, close_reason = 'the model has it no longer'
        WHERE g.segmentation = s.name AND g.closed_at IS NULL
          AND NOT EXISTS (SELECT FROM segment.segments(result.model) AS n WHERE n.segment_id = g.segment_id);
        INSERT INTO segment.segment (segmentation, segment_id, name, origin, priority, opened_at)
        SELECT s.name, g.segment_id, g.segment, g.origin, g.ordinality, as_of
        FROM segment.segments(result.model) WITH ORDINALITY AS g
        ON CONFLICT (segmentation, segment_id) DO UPDATE
            SET closed_at = NULL, close_reason = NULL, priority = excluded.priority, name = excluded.name
            WHERE segment.closed_at IS NOT NULL OR segment.priority <> excluded.priority;
    END IF;
    EXECUTE format(
        'UPDATE segment.segment AS g SET customers = coalesce(n.customers, 0)
         FROM segment.segment AS h LEFT JOIN (SELECT segment_id, count(*) AS customers FROM %I.%I GROUP BY 1) AS n ON n.segment_id = h.segment_id
         WHERE g.segmentation = $1 AND h.segmentation = $1 AND h.segment_id = g.segment_id AND g.customers <> coalesce(n.customers, 0)',
        s.table_schema, s.member_table) USING s.name;
    SELECT coalesce(sum(g.customers), 0) INTO total FROM segment.segment AS g WHERE g.segmentation = s.name;
    IF NOT result.counts ? 'rows_used' THEN
        -- one row per customer: what has a key and no place lacks a feature
        result.counts := result.counts || jsonb_build_object(
            'rows_used', total, 'not_placed', (result.counts ->> 'rows_read')::bigint - (result.counts ->> 'null_customer')::bigint - total);
    END IF;
    UPDATE segment.segmentation AS g
    SET model_version = new_version, refreshed_as_of = as_of,
        trained_as_of = CASE WHEN train AND result.model IS NOT NULL THEN as_of ELSE g.trained_as_of END
    WHERE g.name = s.name;

    INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, model_version, trained, warm_start, fresh_gain, customers,
                             entered, departed, moved, updated, unchanged, rows_read, rows_used, rows_skipped, counts,
                             summarise_seconds, train_seconds, write_seconds)
    VALUES (s.name, as_of, s.last_run_at, clock_timestamp(), CASE WHEN result.model IS NULL THEN 'empty' ELSE 'ok' END, new_version, train AND result.model IS NOT NULL,
            (result.counts ->> 'warm_start')::boolean, fresh_gain, total,
            result.entered, result.departed, result.moved, result.updated, total - result.entered - result.moved - result.updated,
            (result.counts ->> 'rows_read')::bigint, (result.counts ->> 'rows_used')::bigint,
            (SELECT sum((result.counts ->> k)::bigint) FROM unnest(ARRAY['null_customer', 'null_time', 'null_amount', 'null_order', 'not_finite', 'not_placed']) AS k),
            result.counts - '{seconds,read_at,warm_start,fresh_gain}'::text[],
            summarise_seconds,
            greatest(extract(epoch FROM result.trained_at - work_began)::float8 - summarise_seconds, 0),
            extract(epoch FROM clock_timestamp() - result.trained_at)::float8)
    RETURNING run_id INTO new_run_id;
    RETURN new_run_id;
END;
$$;
COMMENT ON FUNCTION segment_internal.refresh_as_owner(text, timestamptz, boolean, boolean) IS
'The work of refresh_segmentation after begin_run, with the rights of the owner; returns the run_id.';

CREATE FUNCTION refresh_segmentation(name text, as_of timestamptz DEFAULT now(), retrain boolean DEFAULT NULL, warm_start boolean DEFAULT NULL) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    started_at timestamptz := clock_timestamp();
    step text;
    new_run_id bigint;
    result segment.run;
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    IF as_of IS NULL OR NOT isfinite(as_of) THEN
        RAISE EXCEPTION 'as_of must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT segment_internal.acts_as(s.owner) THEN
        RAISE EXCEPTION 'permission denied to refresh segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege', HINT = format('Its owner is "%s".', s.owner);
    END IF;
    FOREACH step IN ARRAY ARRAY[format('SELECT segment_internal.begin_run(%L)', name), format('SELECT segment_internal.refresh_as_owner(%L, %L, %L, %L)', name, segment_internal.instant(as_of), retrain, warm_start)] LOOP
        -- each step in a subtransaction of its own: the lock of the first outlives an error in the second
        BEGIN
            new_run_id := segment_internal.run_as_owner(s.owner, step);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            -- some quote a whole value
            message := CASE WHEN length(message) > 1000 THEN left(message, 1000) || ' ...' ELSE message END;
            -- what the caller has to retry, and what cannot be logged because the segmentation is gone, is the caller's
            IF code IN ('40001', '40P01') OR NOT EXISTS (SELECT FROM segment.segmentation AS g WHERE g.name = s.name) THEN
                RAISE;
            END IF;
            INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, error_code, error)
            VALUES (s.name, as_of, started_at, clock_timestamp(), 'failed', code, message)
            RETURNING * INTO result;
            RAISE WARNING 'refresh of segmentation "%" failed: %', name, message
                USING ERRCODE = code, DETAIL = coalesce(nullif(detail, ''), 'SQLSTATE ' || code || '.'),
                      HINT = coalesce(nullif(hint, ''), 'Members and history are as before; the run is logged in segment_run.');
            RETURN result;
        END;
    END LOOP;
    SELECT r.* INTO result FROM segment.run AS r WHERE r.run_id = new_run_id;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION refresh_segmentation(text, timestamptz, boolean, boolean) IS
$$Brings a segmentation to the state as of an instant: reads the source, trains if due, places every customer, writes
only differences to the member table, closes what changed in the history, and logs the run, which it returns.
RFM: only orders before as_of count; clusterings: the features are those of now, and as_of is the instant they are
entered for.
retrain: true trains, false keeps the model, NULL does what retrain_every says.
warm_start: whether training starts from the centroids of the model before, so that nobody moves but for what changed
in the data; false trains afresh; NULL does what the option warm_start of the segmentation says, true by default.
It is for kmeans, and where number of segments and features are as they were; else training is always afresh.
Beside a warm start one start afresh is made: by how much less inertia it ends with is in fresh_gain of the run, and
above 2 % a NOTICE.
All or nothing: an error in the source leaves everything as it was, is told as a WARNING and logged with outcome
'failed'; a refresh that is cancelled or lost in a crash leaves everything as it was, too, and is logged by the next
one with outcome 'interrupted'.
Two refreshes of one segmentation queue.
Runs with the rights of the owner.
Errors: undefined_object for an unknown segmentation, insufficient_privilege for whoever may not act as the owner, and
serialization failures.$$;

CREATE FUNCTION retrain_segmentation(name text, as_of timestamptz DEFAULT now(), warm_start boolean DEFAULT NULL) RETURNS run
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN refresh_segmentation(name, as_of, true, warm_start);
COMMENT ON FUNCTION retrain_segmentation(text, timestamptz, boolean) IS
$$Refreshes a segmentation with a model trained anew: refresh_segmentation(name, as_of, retrain => true, warm_start =>
warm_start).
Segments keep their ids, names and history: those of RFM are recognised by their origin, those of a clustering by
minimum-cost assignment, see model_match.
A segment that is not recognised is closed, and a new one gets an id never used before.$$;

CREATE FUNCTION segment_internal.drop_as_owner(name text, cascade boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    s := segment_internal.locked_segmentation(name);
    EXECUTE format('DROP TABLE IF EXISTS %I.%I, %I.%I %s', s.table_schema, s.member_table, s.table_schema, s.history_table,
                   CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END);
    DELETE FROM segment.segmentation AS g WHERE g.name = s.name;
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_as_owner(text, boolean) IS
'The work of drop_segmentation, with the rights of the owner.';

CREATE FUNCTION drop_segmentation(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    PERFORM segment_internal.run_as_owner(s.owner, format('SELECT segment_internal.drop_as_owner(%L, %L)', name, cascade));
END;
$$;
COMMENT ON FUNCTION drop_segmentation(text, boolean) IS
$$Drops a segmentation with its tables, history, models and run log.
cascade: also views and other objects that depend on the tables; else they are an error
(dependent_objects_still_exist).
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION segment_internal.rename_as_owner(name text, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    renamed integer;
BEGIN
    s := segment_internal.locked_segmentation(name);
    UPDATE segment.segment AS g SET name = new_name
    WHERE g.segmentation = s.name AND g.name = old_name AND g.closed_at IS NULL
    RETURNING g.segment_id INTO renamed;
    IF renamed IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, old_name
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.segment lists them.';
    END IF;
    UPDATE segment.model AS m SET model = segment.rename_segment(m.model, old_name, new_name)
    WHERE m.segmentation = s.name AND m.version = s.model_version;
    EXECUTE format('UPDATE %I.%I AS o SET segment = $1 WHERE o.segment_id = $2', s.table_schema, s.member_table)
    USING new_name, renamed;
END;
$$;
COMMENT ON FUNCTION segment_internal.rename_as_owner(text, text, text) IS
'The work of rename_segment, with the rights of the owner.';

CREATE FUNCTION rename_segment(segmentation text, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    IF new_name = '' THEN
        RAISE EXCEPTION 'the name of a segment must not be empty' USING ERRCODE = 'invalid_name';
    END IF;
    PERFORM segment_internal.run_as_owner(s.owner, format('SELECT segment_internal.rename_as_owner(%L, %L, %L)', segmentation, old_name, new_name));
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'segmentation "%" already has a segment "%"', segmentation, new_name USING ERRCODE = 'duplicate_object';
END;
$$;
COMMENT ON FUNCTION rename_segment(text, text, text) IS
$$Names a segment anew, in the catalogue, the current model and the member table; its id and history stay, and
retraining keeps the name.
Errors: undefined_object, duplicate_object when the name is taken, insufficient_privilege.$$;
