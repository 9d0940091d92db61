-- ---- segmentations by RFM ----

CREATE FUNCTION segment_internal.rfm_member_columns(OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 8
BEGIN ATOMIC
    VALUES
        (1, 'recency_score', 'smallint', false, false, 'Score of recency, highest for the most recent; NULL without orders.'),
        (2, 'frequency_score', 'smallint', false, false, 'Score of the number of orders; NULL without orders.'),
        (3, 'monetary_score', 'smallint', false, false, 'Score of the total amount; NULL without orders.'),
        (4, 'rfm_score', 'text', false, false, 'The three scores as a code, such as 555; NULL without orders.'),
        (5, 'first_order_at', 'timestamptz', false, false, 'Time of the first order.'),
        (6, 'last_order_at', 'timestamptz', false, true, 'Time of the last order; recency is counted from here.'),
        (7, 'frequency', 'bigint', true, true, 'Number of orders.'),
        (8, 'monetary', 'numeric', true, true, 'Total amount of all orders, refunds as the segmentation treats them.');
END;
COMMENT ON FUNCTION segment_internal.rfm_member_columns() IS 'member_columns of RFM: scores and figures.';

CREATE FUNCTION segment_internal.rfm_placed_features(OUT features text, OUT further text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- recency and tenure are counted from the instant of the refresh, so they are not kept with the member; by name, as
    -- the model may have tenure or not
    SELECT '(SELECT f FROM (SELECT recency, v7 AS frequency, v8 AS monetary, tenure) AS f)', 'recency, p.tenure';
END;
COMMENT ON FUNCTION segment_internal.rfm_placed_features() IS
'placed_features of RFM: recency, frequency, monetary value and tenure.';

CREATE FUNCTION segment_internal.check_rfm_options(
    source text, source_path text, key_type text, scheme text, method text, bins integer, thresholds jsonb,
    lookback interval, refunds text, zero_amounts text, time_zone text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- every option is checked by what will use it, without reading the source
    PERFORM CASE WHEN segment_internal.scheme_uses_tenure((segment_internal.scheme_row(coalesce(scheme, 'default'))).rules)
                 THEN segment.rfm_model(segment.feature_set(v, v, v, v), bins, method, thresholds, scheme)
                 ELSE segment.rfm_model(segment.feature_set(v, v, v), bins, method, thresholds, scheme) END
    FROM generate_series(1, 10) AS v;
    PERFORM segment_internal.equality_operator(key_type::regtype);
    EXECUTE format('SELECT FROM segment.rfm_summary(NULL::%s, %L, ''2000-01-01Z'', %L, %L, %L, %L, search_path => %L)',
                   key_type, E'SELECT * FROM (\n' || source || E'\n) AS source LIMIT 0', lookback, refunds, zero_amounts, time_zone, source_path);
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rfm_options(text, text, text, text, text, integer, jsonb, interval, text, text, text) IS
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
    s segment.segmentation;
    customer_type text;
BEGIN
    PERFORM segment_internal.check_new_segmentation(name, source, schema,
        'create_rfm_segmentation(''loyalty'', ''SELECT customer_id, ordered_at, amount FROM orders'')');
    s.source := segment_internal.source_query(source, search_path);
    SELECT c.name, c.type INTO s.key_column, s.key_type FROM segment_internal.source_key(s.source, search_path) AS c;
    IF customers IS NOT NULL THEN
        s.customers := segment_internal.source_query(customers, search_path);
        customer_type := (SELECT c.type FROM segment_internal.source_key(s.customers, search_path) AS c);
        IF customer_type <> s.key_type THEN
            RAISE EXCEPTION 'the first column of customers is of type %, the key in the source of type %', customer_type, s.key_type
                USING ERRCODE = 'datatype_mismatch', HINT = 'Cast one to the type of the other.';
        END IF;
    END IF;
    PERFORM segment_internal.check_rfm_options(s.source, search_path, s.key_type, scheme, method, bins, thresholds, lookback, refunds, zero_amounts, time_zone);

    s.name := name;
    s.kind := 'rfm';
    s.options := jsonb_strip_nulls(jsonb_build_object(
        'scheme', scheme, 'method', method, 'bins', bins, 'thresholds', thresholds,
        'lookback', lookback, 'refunds', refunds, 'zero_amounts', zero_amounts));
    s.time_zone := time_zone;
    s.search_path := search_path;
    s.retrain_every := retrain_every;
    s.table_schema := schema;
    s.description := description;
    RETURN segment_internal.create_segmentation(s);
END;
$$;
COMMENT ON FUNCTION create_rfm_segmentation(text, text, text, text, text, integer, jsonb, interval, text, text, text, interval, name, text, text) IS
$$Creates an RFM segmentation and its two tables NAME_segments (present members) and NAME_history (places they had
before), owned by the current user; returns the member table.
Nobody is a member before the first refresh_segmentation().
source: a query that yields customer, time of the order, amount and optionally order id, or the name of a table or
view with just these columns; the key column keeps its name and type.
customers: a query whose first column lists all customers, so that those without orders are members (segment
'Prospect').
scheme, method, bins, thresholds: see rfm_model.
lookback, refunds, zero_amounts, time_zone (default: the session's): see rfm_summary.
retrain_every: how long a model is kept; NULL trains at every refresh.
schema: of the tables, default the current one.
search_path: under which source and customers run, default the session's.
Errors: duplicate_object for a taken name, name_too_long beyond 54 bytes, and whatever the source or an option is
refused for.$$;

CREATE FUNCTION segment_internal.rfm_placing_query(s segmentation, as_of timestamptz, train boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    everyone text := 'SELECT customer, first_order_at, last_order_at, recency, frequency, monetary, tenure FROM summary';
    -- a model that is kept may have been trained by another scheme than the one there is now
    with_tenure boolean := CASE WHEN train THEN segment_internal.scheme_uses_tenure((segment_internal.scheme_row(s.options ->> 'scheme')).rules)
        ELSE (SELECT EXISTS (SELECT FROM segment.rfm_cut_points(m.model) AS c WHERE c.feature = 'tenure')
              FROM segment.model AS m WHERE m.segmentation = s.name AND m.version = s.model_version) END;
    features text := 'recency, frequency, monetary' || CASE WHEN with_tenure THEN ', tenure' ELSE '' END;
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
            E'\nUNION ALL SELECT DISTINCT c.customer, NULL::timestamptz, NULL::timestamptz, NULL::float8, 0::bigint, 0::numeric, NULL::integer\n'
            'FROM segment_internal.query_keys(NULL::%s, %L, %L) AS c(customer) LEFT JOIN summary ON summary.customer %s c.customer WHERE summary.customer IS NULL',
            s.key_type, s.customers, s.search_path, segment_internal.equality_operator(s.key_type::regtype));
    END IF;
    IF train THEN
        -- open segments first: they keep their names
        SELECT coalesce(max(g.segment_id), 0) + 1, coalesce(array_agg(g.segment_id ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
               coalesce(array_agg(g.origin ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
               coalesce(array_agg(g.name ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}')
        INTO next_id, ids, origins, names
        FROM segment.segment AS g WHERE g.segmentation = s.name;
        model := format(
            E'SELECT coalesce(segment_internal.model_identify(trained.model, %L, %L, %L, %s), (%s)) AS model\n'
            'FROM (SELECT CASE WHEN count(*) FILTER (WHERE frequency > 0) > 0\n'
            'THEN segment.rfm_model(segment.feature_set(%s), %L, %L, %L, %L) END AS model FROM summary) AS trained',
            ids, origins, names, next_id, current_model, features,
            s.options ->> 'bins', s.options ->> 'method', s.options -> 'thresholds', s.options ->> 'scheme');
    END IF;
    RETURN format(
        E'WITH summary AS MATERIALIZED (\n'
        'SELECT customer, first_order_at, last_order_at, recency, frequency, monetary,\n'
        '    (%L::timestamptz AT TIME ZONE %L)::date - (first_order_at AT TIME ZONE %L)::date AS tenure\n'
        'FROM segment.rfm_summary(NULL::%s, %L, %L, %L, %L, %L, %L, search_path => %L)\n'
        '), model AS MATERIALIZED (\n'
        'SELECT model, clock_timestamp() AS trained_at, segment.rfm_summary_counts() AS counts FROM (%s) AS trained\n'
        '), placed AS (\n'
        'SELECT customer,\n'
        '    segment.assign_segment_id(m.model, %s) AS segment_id,\n'
        '    segment.assign_segment(m.model, %s) AS segment,\n'
        '    segment.recency_score(m.model, recency) AS v1,\n'
        '    segment.frequency_score(m.model, frequency) AS v2,\n'
        '    CASE WHEN frequency > 0 THEN segment.monetary_score(m.model, monetary) END AS v3,\n'
        '    segment.rfm_score(m.model, recency, frequency, monetary) AS v4,\n'
        '    first_order_at AS v5, last_order_at AS v6, frequency AS v7, monetary AS v8, recency, tenure\n'
        'FROM (%s) AS everyone CROSS JOIN model AS m WHERE m.model IS NOT NULL\n'
        ')',
        segment_internal.instant(as_of), s.time_zone, s.time_zone,
        s.key_type, s.source, segment_internal.instant(as_of), s.options ->> 'lookback', s.options ->> 'refunds', s.options ->> 'zero_amounts', s.time_zone, s.search_path,
        model, features, features, everyone);
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_placing_query(segmentation, timestamptz, boolean) IS
'placing_query of RFM: summary of the orders, one row per customer, model and placed customers.';
