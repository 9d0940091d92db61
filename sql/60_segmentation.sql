-- ---- segmentations: create, refresh, drop ----

CREATE FUNCTION source_query(source text, source_path text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation regclass;
    result text := source;
BEGIN
    -- no query goes without white space and parentheses, but names do
    IF source ~ '^[^\s(]+$' OR source ~ '^("([^"]|"")+"\.?)+$' THEN
        PERFORM pg_catalog.set_config('search_path', source_path, true);
        BEGIN
            relation := pg_catalog.to_regclass(source);
        EXCEPTION WHEN syntax_error OR invalid_name THEN
            relation := NULL;
        END;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        -- TABLE and an unknown name: the server says that there is no such relation
        result := 'TABLE ' || coalesce((SELECT format('%I.%I', n.nspname, c.relname)
                                        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation), source);
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION source_query(text, text) IS
'A source as a query: the name of a relation, found in the given search_path, becomes TABLE schema.name; all else stays.';

CREATE FUNCTION source_key(query text, source_path text, OUT name name, OUT type text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- with -1, because format_type calls char(n) without n character, which is char(1)
    SELECT c.name, format_type(c.type, -1) FROM segment.query_columns(query, source_path) AS c WHERE c.number = 1
$$;
COMMENT ON FUNCTION source_key(text, text) IS
'Name and type of the first column of a source, the customer key. Errors as query_columns.';

CREATE FUNCTION check_rfm_options(
    source text, source_path text, key_type text, scheme text, method text, bins integer, thresholds jsonb,
    lookback interval, refunds text, zero_amounts text, time_zone text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- every option is checked by what will use it, without reading the source
    PERFORM segment.rfm_model(segment.feature_set(v, v, v), bins, method, thresholds, scheme)
    FROM generate_series(1, 10) AS v;
    PERFORM segment.equality_operator(key_type::regtype);
    EXECUTE format('SELECT FROM segment.rfm_summary(NULL::%s, %L, ''2000-01-01Z'', %L, %L, %L, %L, search_path => %L)',
                   key_type, E'SELECT * FROM (\n' || source || E'\n) AS source LIMIT 0', lookback, refunds, zero_amounts, time_zone, source_path);
END;
$$;
COMMENT ON FUNCTION check_rfm_options(text, text, text, text, text, integer, jsonb, interval, text, text, text) IS
'Raises the error that an RFM segmentation of these options would run into.';

CREATE FUNCTION create_rfm_segmentation(
    name text, source text, customers text DEFAULT NULL, scheme text DEFAULT 'default',
    method text DEFAULT 'quantile', bins integer DEFAULT NULL, thresholds jsonb DEFAULT NULL,
    lookback interval DEFAULT NULL, refunds text DEFAULT 'net', zero_amounts text DEFAULT 'order',
    time_zone text DEFAULT current_setting('TimeZone'), retrain_every interval DEFAULT NULL,
    schema name DEFAULT current_schema(), description text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path')) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    member_table text := name || '_segments';
    history_table text := name || '_history';
    own_columns CONSTANT text[] := ARRAY['segment_id', 'segment', 'recency_score', 'frequency_score', 'monetary_score', 'rfm_score',
        'first_order_at', 'last_order_at', 'frequency', 'monetary', 'entered_at', 'entered_reason', 'left_at', 'left_reason'];
    key_column name;
    key_type text;
    customer_type text;
BEGIN
    IF coalesce(name, '') = '' OR source IS NULL THEN
        RAISE EXCEPTION 'a segmentation needs a name and a source'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance create_rfm_segmentation(''loyalty'', ''SELECT customer_id, ordered_at, amount FROM orders'').';
    END IF;
    IF octet_length(member_table) > 63 THEN
        RAISE EXCEPTION 'name of a segmentation must have at most 54 bytes, not %', octet_length(name)
            USING ERRCODE = 'name_too_long', HINT = 'Its tables are named after it, with _segments and _history added.';
    END IF;
    IF EXISTS (SELECT FROM segment.segmentation AS s WHERE s.name = create_rfm_segmentation.name) THEN
        RAISE EXCEPTION 'segmentation "%" already exists', name
            USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or drop_segmentation() first.';
    END IF;
    IF schema IS NULL THEN
        RAISE EXCEPTION 'no schema to create the tables in'
            USING ERRCODE = 'invalid_schema_name', HINT = 'Give the argument schema, or set search_path.';
    END IF;

    source := segment.source_query(source, search_path);
    SELECT c.name, c.type INTO key_column, key_type FROM segment.source_key(source, search_path) AS c;
    IF key_column = ANY (own_columns) THEN
        RAISE EXCEPTION 'the customer key is named "%", as a column of the member table', key_column
            USING ERRCODE = 'duplicate_column', HINT = 'Give it another name in the source: SELECT ... AS customer_id.';
    END IF;
    IF customers IS NOT NULL THEN
        customers := segment.source_query(customers, search_path);
        customer_type := (SELECT c.type FROM segment.source_key(customers, search_path) AS c);
        IF customer_type <> key_type THEN
            RAISE EXCEPTION 'the first column of customers is of type %, the key in the source of type %', customer_type, key_type
                USING ERRCODE = 'datatype_mismatch', HINT = 'Cast one to the type of the other.';
        END IF;
    END IF;
    PERFORM segment.check_rfm_options(source, search_path, key_type, scheme, method, bins, thresholds, lookback, refunds, zero_amounts, time_zone);

    -- the primary key of the members is built after the first fill, in one go
    EXECUTE format(
        'CREATE TABLE %I.%I (
            %I %s NOT NULL,
            segment_id integer NOT NULL,
            segment text NOT NULL,
            recency_score smallint,
            frequency_score smallint,
            monetary_score smallint,
            rfm_score text,
            first_order_at timestamptz,
            last_order_at timestamptz,
            frequency bigint NOT NULL,
            monetary numeric NOT NULL,
            entered_at timestamptz NOT NULL,
            entered_reason text NOT NULL)',
        schema, member_table, key_column, key_type);
    EXECUTE format(
        'CREATE TABLE %I.%I (
            %I %s,
            segment_id integer NOT NULL,
            entered_at timestamptz NOT NULL,
            left_at timestamptz NOT NULL,
            entered_reason text NOT NULL,
            left_reason text NOT NULL,
            PRIMARY KEY (%3$I, entered_at))',
        schema, history_table, key_column, key_type);

    INSERT INTO segment.segmentation (name, owner, kind, source, customers, options, time_zone, search_path, retrain_every,
                                      table_schema, member_table, history_table, key_column, key_type, description)
    VALUES (name, current_user, 'rfm', source, customers,
            jsonb_strip_nulls(jsonb_build_object(
                'scheme', scheme, 'method', method, 'bins', bins, 'thresholds', thresholds,
                'lookback', lookback, 'refunds', refunds, 'zero_amounts', zero_amounts)),
            time_zone, search_path, retrain_every,
            schema, member_table, history_table, key_column, key_type, description);
    PERFORM segment.comment_tables(name);
    PERFORM segment.create_run_mark(segment.segmentation_row(name));
    RETURN format('%I.%I', schema, member_table)::regclass;
END;
$$;
COMMENT ON FUNCTION create_rfm_segmentation(text, text, text, text, text, integer, jsonb, interval, text, text, text, interval, name, text, text) IS
'Creates an RFM segmentation and its two tables NAME_segments (present members) and NAME_history (places they had before), owned by the current user; returns the member table. Nobody is a member before the first refresh_segmentation(). source: a query that yields customer, time of the order, amount and optionally order id, or the name of a table or view with just these columns; the key column keeps its name and type. customers: a query whose first column lists all customers, so that those without orders are members (segment ''Prospect''). scheme, method, bins, thresholds: see rfm_model. lookback, refunds, zero_amounts, time_zone (default: the session''s): see rfm_summary. retrain_every: how long a model is kept; NULL trains at every refresh. schema: of the tables, default the current one. search_path: under which source and customers run, default the session''s. Errors: duplicate_object for a taken name, name_too_long beyond 54 bytes, and whatever the source or an option is refused for.';

CREATE FUNCTION comment_tables(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment.segmentation_row(name);
    pair text[];
BEGIN
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', s.table_schema, s.member_table,
                   format('Present members of the segmentation "%s", one row per customer; written by refresh_segmentation.', name));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', s.table_schema, s.history_table,
                   format('Places that customers of the segmentation "%s" had before: each from entered_at until before left_at. The present place is in %I.', name, s.member_table));
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        [s.member_table, s.key_column, 'Key of the customer.'],
        [s.member_table, 'segment_id', 'Id of the segment; stable over renaming and retraining.'],
        [s.member_table, 'segment', 'Name of the segment.'],
        [s.member_table, 'recency_score', 'Score of recency, highest for the most recent; NULL without orders.'],
        [s.member_table, 'frequency_score', 'Score of the number of orders; NULL without orders.'],
        [s.member_table, 'monetary_score', 'Score of the total amount; NULL without orders.'],
        [s.member_table, 'rfm_score', 'The three scores as a code, such as 555; NULL without orders.'],
        [s.member_table, 'first_order_at', 'Time of the first order.'],
        [s.member_table, 'last_order_at', 'Time of the last order; recency is counted from here.'],
        [s.member_table, 'frequency', 'Number of orders.'],
        [s.member_table, 'monetary', 'Total amount of all orders, refunds as the segmentation treats them.'],
        [s.member_table, 'entered_at', 'as_of of the refresh that put the customer into this segment.'],
        [s.member_table, 'entered_reason', 'Why: new (first seen), orders (new or changed orders), time (no more than time passing), model (retrained cut points).'],
        [s.history_table, s.key_column, 'Key of the customer.'],
        [s.history_table, 'segment_id', 'Id of the segment; its name is in segment.segment.'],
        [s.history_table, 'entered_at', 'as_of of the refresh that put the customer into the segment.'],
        [s.history_table, 'left_at', 'as_of of the refresh that took the customer out of it; not included.'],
        [s.history_table, 'entered_reason', 'Why the customer came: new, orders, time or model.'],
        [s.history_table, 'left_reason', 'Why the customer left: orders, time, model, or gone (no longer in the source).']]
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', s.table_schema, pair[1], pair[2], pair[3]);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION comment_tables(text) IS 'Writes the comments on the tables of a segmentation, which BI tools show.';

-- The customers of a source, placed by a model: the text of WITH clauses that
-- end in placed(customer, segment_id, segment, scores, figures).
CREATE FUNCTION placing_query(s segmentation, as_of timestamptz, train boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    everyone text := 'SELECT customer, first_order_at, last_order_at, recency, frequency, monetary FROM summary';
    next_id integer;
    ids integer[];
    origins text[];
    names text[];
    current_model text := 'SELECT m.model FROM segment.model AS m WHERE m.segmentation = ' || quote_literal(s.name)
        || ' AND m.version = ' || coalesce(s.model_version, 0);
    -- reading waits for the summary, whose counts and time are taken next
    model text := format('SELECT (%s) AS model FROM (SELECT count(*) FROM summary) AS read', current_model);
BEGIN
    IF s.customers IS NOT NULL THEN
        everyone := everyone || format(
            E'\nUNION ALL SELECT DISTINCT c.customer, NULL::timestamptz, NULL::timestamptz, NULL::float8, 0::bigint, 0::numeric\n'
            'FROM segment.query_keys(NULL::%s, %L, %L) AS c(customer) LEFT JOIN summary ON summary.customer %s c.customer WHERE summary.customer IS NULL',
            s.key_type, s.customers, s.search_path, segment.equality_operator(s.key_type::regtype));
    END IF;
    IF train THEN
        -- open segments first: they keep their names
        SELECT coalesce(max(g.segment_id), 0) + 1, coalesce(array_agg(g.segment_id ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
               coalesce(array_agg(g.origin ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
               coalesce(array_agg(g.name ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}')
        INTO next_id, ids, origins, names
        FROM segment.segment AS g WHERE g.segmentation = s.name;
        model := format(
            E'SELECT coalesce(segment.model_identify(trained.model, %L, %L, %L, %s), (%s)) AS model\n'
            'FROM (SELECT CASE WHEN count(*) FILTER (WHERE frequency > 0) > 0\n'
            'THEN segment.rfm_model(segment.feature_set(recency, frequency, monetary), %L, %L, %L, %L) END AS model FROM summary) AS trained',
            ids, origins, names, next_id, current_model,
            s.options ->> 'bins', s.options ->> 'method', s.options -> 'thresholds', s.options ->> 'scheme');
    END IF;
    RETURN format(
        E'WITH summary AS MATERIALIZED (\n'
        'SELECT customer, first_order_at, last_order_at, recency, frequency, monetary\n'
        'FROM segment.rfm_summary(NULL::%s, %L, %L, %L, %L, %L, %L, search_path => %L)\n'
        '), model AS MATERIALIZED (\n'
        'SELECT model, clock_timestamp() AS trained_at, segment.rfm_summary_counts() AS counts FROM (%s) AS trained\n'
        '), placed AS (\n'
        'SELECT customer,\n'
        '    segment.assign_segment_id(m.model, recency, frequency, monetary) AS segment_id,\n'
        '    segment.assign_segment(m.model, recency, frequency, monetary) AS segment,\n'
        '    segment.recency_score(m.model, recency) AS recency_score,\n'
        '    segment.frequency_score(m.model, frequency) AS frequency_score,\n'
        '    CASE WHEN frequency > 0 THEN segment.monetary_score(m.model, monetary) END AS monetary_score,\n'
        '    segment.rfm_score(m.model, recency, frequency, monetary) AS rfm_score,\n'
        '    first_order_at, last_order_at, frequency, monetary, recency\n'
        'FROM (%s) AS everyone CROSS JOIN model AS m WHERE m.model IS NOT NULL\n'
        ')',
        s.key_type, s.source, segment.instant(as_of), s.options ->> 'lookback', s.options ->> 'refunds', s.options ->> 'zero_amounts', s.time_zone, s.search_path,
        model, everyone);
END;
$$;
COMMENT ON FUNCTION placing_query(segmentation, timestamptz, boolean) IS
'The WITH clauses of a refresh: summary of the source, model (trained or current) and placed customers.';

-- What a refresh writes, the text of WITH clauses that follow placed: only
-- differences.  base is the place just before as_of ($1): the member's row, or,
-- when the instant was refreshed before (again), what that refresh put into the
-- history.  So a second refresh as of the same instant corrects the first, and
-- one transition stays one event.
CREATE FUNCTION writing_query(s segmentation, again boolean) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN format(
    E', base AS (\n'
    'SELECT coalesce(p.customer, o.%3$I) AS customer, p.segment_id, p.segment, p.recency_score, p.frequency_score, p.monetary_score, p.rfm_score,\n'
    '    p.first_order_at, p.last_order_at, p.frequency, p.monetary, p.recency,\n'
    '    CASE WHEN o.%3$I IS NULL THEN ''entered'' WHEN p.customer IS NULL THEN ''departed''\n'
    '         WHEN p.segment_id <> o.segment_id THEN ''moved'' ELSE ''updated'' END AS change,\n'
    '    o.%3$I IS NULL OR (p.frequency, p.monetary, p.last_order_at) IS DISTINCT FROM (o.frequency, o.monetary, o.last_order_at) AS other_orders,\n'
    '    %5$s\n'
    'FROM placed AS p FULL JOIN %1$I.%2$I AS o ON p.customer %8$s o.%3$I\n'
    '%6$s'
    'WHERE o.%3$I IS NULL OR p.customer IS NULL\n'
    '   OR (p.segment_id, p.segment, p.recency_score, p.frequency_score, p.monetary_score, p.rfm_score, p.first_order_at, p.last_order_at, p.frequency, p.monetary)\n'
    '      IS DISTINCT FROM\n'
    '      (o.segment_id, o.segment, o.recency_score, o.frequency_score, o.monetary_score, o.rfm_score, o.first_order_at, o.last_order_at, o.frequency, o.monetary)\n'
    '), changed AS MATERIALIZED (\n'
    'SELECT *, base_id <> coalesce(segment_id, 0) AS leaves_base,\n'
    '    CASE WHEN base_id = segment_id THEN base_entered_at ELSE $1 END AS entered_at,\n'
    '    CASE WHEN segment_id IS NULL THEN ''gone'' WHEN base_id IS NULL THEN ''new'' WHEN base_id = segment_id THEN base_reason\n'
    '         WHEN $2 AND segment.assign_segment_id($3, recency, frequency, monetary) = base_id THEN ''model''\n'
    '         WHEN other_orders THEN ''orders'' WHEN left_reason <> ''gone'' THEN left_reason ELSE ''time'' END AS reason\n'
    'FROM base\n'
    '), kept AS (\n'
    'UPDATE %1$I.%2$I AS o SET segment_id = c.segment_id, segment = c.segment,\n'
    '    recency_score = c.recency_score, frequency_score = c.frequency_score, monetary_score = c.monetary_score, rfm_score = c.rfm_score,\n'
    '    first_order_at = c.first_order_at, last_order_at = c.last_order_at, frequency = c.frequency, monetary = c.monetary,\n'
    '    entered_at = c.entered_at, entered_reason = c.reason\n'
    'FROM changed AS c WHERE o.%3$I %8$s c.customer AND c.change IN (''moved'', ''updated'')\n'
    '), entered AS (\n'
    'INSERT INTO %1$I.%2$I SELECT customer, segment_id, segment, recency_score, frequency_score, monetary_score, rfm_score,\n'
    '    first_order_at, last_order_at, frequency, monetary, entered_at, reason FROM changed WHERE change = ''entered''\n'
    '), departed AS (\n'
    'DELETE FROM %1$I.%2$I AS o USING changed AS c WHERE o.%3$I %8$s c.customer AND c.change = ''departed''\n'
    '), history AS (\n'
    'INSERT INTO %1$I.%4$I SELECT customer, base_id, base_entered_at, $1, base_reason, reason\n'
    'FROM changed WHERE leaves_base AND left_reason IS NULL\n'
    '%7$s'
    ') SELECT m.model, m.trained_at, m.counts, c.* FROM model AS m, (\n'
    'SELECT count(*) FILTER (WHERE change = ''entered'') AS entered, count(*) FILTER (WHERE change = ''departed'') AS departed,\n'
    '    count(*) FILTER (WHERE change = ''moved'') AS moved, count(*) FILTER (WHERE change = ''updated'') AS updated FROM changed) AS c',
    s.table_schema, s.member_table, s.key_column, s.history_table,
    CASE WHEN again THEN
        'CASE WHEN o.entered_at < $1 THEN o.segment_id ELSE h.segment_id END AS base_id, CASE WHEN o.entered_at < $1 THEN o.entered_at ELSE h.entered_at END AS base_entered_at, '
        'CASE WHEN o.entered_at < $1 THEN o.entered_reason ELSE h.entered_reason END AS base_reason, h.left_reason'
    ELSE
        'o.segment_id AS base_id, o.entered_at AS base_entered_at, o.entered_reason AS base_reason, NULL::text AS left_reason'
    END,
    CASE WHEN again THEN
        format(E'LEFT JOIN %1$I.%2$I AS h ON h.%3$I %4$s coalesce(p.customer, o.%3$I) AND h.left_at = $1\n',
               s.table_schema, s.history_table, s.key_column, equality_operator(s.key_type::regtype))
    END,
    CASE WHEN again THEN
        format(E'), history_undone AS (\n'
               'DELETE FROM %1$I.%2$I AS h USING changed AS c WHERE h.%3$I %4$s c.customer AND h.left_at = $1 AND c.leaves_base IS NOT TRUE\n'
               '), history_corrected AS (\n'
               'UPDATE %1$I.%2$I AS h SET left_reason = c.reason FROM changed AS c\n'
               'WHERE h.%3$I %4$s c.customer AND h.left_at = $1 AND c.leaves_base AND h.left_reason <> c.reason\n',
               s.table_schema, s.history_table, s.key_column, equality_operator(s.key_type::regtype))
    END,
    equality_operator(s.key_type::regtype));
COMMENT ON FUNCTION writing_query(segmentation, boolean) IS
'The WITH clauses of a refresh that follow placed: compare with the members, write differences, close history. again: the instant was refreshed before.';

CREATE FUNCTION locked_segmentation(name text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    SELECT * INTO s FROM segment.segmentation AS g WHERE g.name = locked_segmentation.name FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        -- not there (any more), or visible but another's
        PERFORM segment.segmentation_row(name);
        RAISE EXCEPTION 'permission denied to change segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege', HINT = 'Only its owner may.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION locked_segmentation(text) IS
'A segmentation, locked to the end of the transaction against refresh, rename and drop by others: two of these queue. Errors: undefined_object, insufficient_privilege.';

CREATE FUNCTION refresh_as_owner(name text, as_of timestamptz, retrain boolean) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
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
    new_run_id bigint;
BEGIN
    s := segment.locked_segmentation(name);
    IF s.refreshed_as_of > as_of THEN
        RAISE EXCEPTION 'as_of % lies before the last refresh, which was as of %', as_of, s.refreshed_as_of
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'History is written forwards. For the past see segment_members(name, as_of), or use another segmentation.';
    END IF;
    train := s.model_version IS NULL OR retrain
        OR (retrain IS NULL AND (s.retrain_every IS NULL OR as_of >= s.trained_as_of + s.retrain_every));
    train := coalesce(train, false);
    IF s.model_version IS NOT NULL THEN
        old_model := segment.get_model(s.name);
    END IF;
    placed_query := segment.placing_query(s, as_of, train);
    -- an instant refreshed before has places in the history to compare with, though no members
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I.%I)', s.table_schema, s.member_table) INTO first_fill;
    first_fill := first_fill AND s.refreshed_as_of IS DISTINCT FROM as_of;

    -- one statement reads the source, trains, assigns, compares and writes, so all of it sees one state of the data
    IF first_fill THEN
        EXECUTE placed_query || format(
            E', entered AS (\n'
            'INSERT INTO %1$I.%2$I SELECT customer, segment_id, segment, recency_score, frequency_score, monetary_score, rfm_score,\n'
            '    first_order_at, last_order_at, frequency, monetary, $1, ''new'' FROM placed RETURNING 1\n'
            ') SELECT m.model, m.trained_at, m.counts, e.n AS entered, 0::bigint AS departed, 0::bigint AS moved, 0::bigint AS updated\n'
            'FROM model AS m, (SELECT count(*) AS n FROM entered) AS e',
            s.table_schema, s.member_table)
        INTO result USING as_of;
    ELSE
        EXECUTE placed_query || segment.writing_query(s, again => s.refreshed_as_of = as_of)
        INTO result USING as_of, train AND s.model_version IS NOT NULL, old_model;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint AS c
                   WHERE c.conrelid = to_regclass(format('%I.%I', s.table_schema, s.member_table)) AND c.contype = 'p') THEN
        EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (%I)', s.table_schema, s.member_table, s.key_column);
    END IF;
    summarise_seconds := (result.counts ->> 'seconds')::float8;

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
    UPDATE segment.segmentation AS g
    SET model_version = new_version, refreshed_as_of = as_of,
        trained_as_of = CASE WHEN train AND result.model IS NOT NULL THEN as_of ELSE g.trained_as_of END
    WHERE g.name = s.name;

    INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, model_version, trained, customers,
                             entered, departed, moved, updated, unchanged, rows_read, rows_used, rows_skipped, counts,
                             summarise_seconds, train_seconds, write_seconds)
    VALUES (s.name, as_of, s.last_run_at, clock_timestamp(), CASE WHEN result.model IS NULL THEN 'empty' ELSE 'ok' END, new_version, train AND result.model IS NOT NULL, total,
            result.entered, result.departed, result.moved, result.updated, total - result.entered - result.moved - result.updated,
            (result.counts ->> 'rows_read')::bigint, (result.counts ->> 'rows_used')::bigint,
            (SELECT sum((result.counts ->> k)::bigint) FROM unnest(ARRAY['null_customer', 'null_time', 'null_amount', 'null_order', 'not_finite']) AS k),
            result.counts - 'seconds',
            summarise_seconds,
            greatest(extract(epoch FROM result.trained_at - work_began)::float8 - summarise_seconds, 0),
            extract(epoch FROM clock_timestamp() - result.trained_at)::float8)
    RETURNING run_id INTO new_run_id;
    RETURN new_run_id;
END;
$$;
COMMENT ON FUNCTION refresh_as_owner(text, timestamptz, boolean) IS
'The work of refresh_segmentation after begin_run, with the rights of the owner; returns the run_id.';

CREATE FUNCTION refresh_segmentation(name text, as_of timestamptz DEFAULT now(), retrain boolean DEFAULT NULL) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment.segmentation_row(name);
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
    IF NOT segment.acts_as(s.owner) THEN
        RAISE EXCEPTION 'permission denied to refresh segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege', HINT = format('Its owner is "%s".', s.owner);
    END IF;
    FOREACH step IN ARRAY ARRAY[format('SELECT segment.begin_run(%L)', name), format('SELECT segment.refresh_as_owner(%L, %L, %L)', name, segment.instant(as_of), retrain)] LOOP
        -- each step in a subtransaction of its own: the lock of the first outlives an error in the second
        BEGIN
            new_run_id := segment.run_as_owner(s.owner, step);
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
COMMENT ON FUNCTION refresh_segmentation(text, timestamptz, boolean) IS
'Brings a segmentation to the state as of an instant: reads the source, trains if due, places every customer, writes only differences to the member table, closes what changed in the history, and logs the run, which it returns. Only orders before as_of count. retrain: true trains, false keeps the model, NULL does what retrain_every says. All or nothing: an error in the source leaves everything as it was, is told as a WARNING and logged with outcome ''failed''; a refresh that is cancelled or lost in a crash leaves everything as it was, too, and is logged by the next one with outcome ''interrupted''. Two refreshes of one segmentation queue. Runs with the rights of the owner. Errors: undefined_object for an unknown segmentation, insufficient_privilege for whoever may not act as the owner, and serialization failures.';

CREATE FUNCTION drop_as_owner(name text, cascade boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    s := segment.locked_segmentation(name);
    EXECUTE format('DROP TABLE IF EXISTS %I.%I, %I.%I %s', s.table_schema, s.member_table, s.table_schema, s.history_table,
                   CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END);
    DELETE FROM segment.segmentation AS g WHERE g.name = s.name;
END;
$$;
COMMENT ON FUNCTION drop_as_owner(text, boolean) IS 'The work of drop_segmentation, with the rights of the owner.';

CREATE FUNCTION drop_segmentation(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment.segmentation_row(name);
BEGIN
    PERFORM segment.run_as_owner(s.owner, format('SELECT segment.drop_as_owner(%L, %L)', name, cascade));
END;
$$;
COMMENT ON FUNCTION drop_segmentation(text, boolean) IS
'Drops a segmentation with its tables, history, models and run log. cascade: also views and other objects that depend on the tables; else they are an error (dependent_objects_still_exist). Errors: undefined_object, insufficient_privilege.';

CREATE FUNCTION rename_as_owner(name text, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    renamed integer;
BEGIN
    s := segment.locked_segmentation(name);
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
COMMENT ON FUNCTION rename_as_owner(text, text, text) IS 'The work of rename_segment, with the rights of the owner.';

CREATE FUNCTION rename_segment(segmentation text, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment.segmentation_row(segmentation);
BEGIN
    IF new_name = '' THEN
        RAISE EXCEPTION 'the name of a segment must not be empty' USING ERRCODE = 'invalid_name';
    END IF;
    PERFORM segment.run_as_owner(s.owner, format('SELECT segment.rename_as_owner(%L, %L, %L)', segmentation, old_name, new_name));
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'segmentation "%" already has a segment "%"', segmentation, new_name USING ERRCODE = 'duplicate_object';
END;
$$;
COMMENT ON FUNCTION rename_segment(text, text, text) IS
'Names a segment anew, in the catalogue, the current model and the member table; its id and history stay, and retraining keeps the name. Errors: undefined_object, duplicate_object when the name is taken, insufficient_privilege.';
