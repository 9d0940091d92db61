-- ---- what the kinds of segmentations that read orders share ----

CREATE FUNCTION segment_internal.no_rows(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN E'SELECT * FROM (\n' || segment_internal.source_statement(s) || E'\n) AS source LIMIT 0';
COMMENT ON FUNCTION segment_internal.no_rows(segmentation) IS
'The statement that a refresh runs for the source, without its rows: to check what will use them.';

CREATE FUNCTION segment_internal.check_orders(s segmentation, query text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_type text := s.source_types[1];
    customer_type text;
BEGIN
    IF key_type IS NULL OR query IS NULL THEN
        RETURN;
    END IF;
    PERFORM segment_internal.equality_operator(key_type::regtype);
    customer_type := (SELECT format_type(c.type, -1)
                      FROM segment_internal.query_columns(s.customers, s.search_path, permanent => true) AS c
                      WHERE c.number = 1);
    IF customer_type <> key_type THEN
        RAISE EXCEPTION 'the first column of customers is of type %, the key in the source of type %',
            customer_type, key_type
            USING ERRCODE = 'datatype_mismatch', HINT = 'Cast one to the type of the other.';
    END IF;
    EXECUTE format('SELECT FROM segment.rfm_summary(NULL::%s, %L, ''2000-01-01Z'', %L, %L, %L, %L, search_path => %L)',
                   key_type, query, s.options ->> 'lookback', s.options ->> 'refunds', s.options ->> 'zero_amounts',
                   s.time_zone, s.search_path);
END;
$$;
COMMENT ON FUNCTION segment_internal.check_orders(segmentation, text) IS
$$Raises the error that a segmentation with a source of orders would run into: a key that cannot be compared, a list of
customers of another type, and whatever rfm_summary refuses.
query: of orders like those of the source, without rows.$$;

CREATE FUNCTION segment_internal.named_columns_query(source text, customer text, ordered_at text,
                                                     amount text, order_id text)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    expression text;
    alias text;
    list text := '';
BEGIN
    IF customer IS NULL OR ordered_at IS NULL OR amount IS NULL THEN
        RAISE EXCEPTION 'customer, ordered_at and amount must be given together'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance customer => ''customer_id'', ordered_at => ''invoice_date'', '
                         'amount => ''quantity * price''.';
    END IF;
    FOR expression, alias IN
        SELECT e.expression, CASE WHEN e.expression ~ '^[a-z_][a-z0-9_]*$' THEN e.expression ELSE e.role END
        FROM (VALUES (1, customer, 'customer'), (2, ordered_at, 'ordered_at'),
                     (3, amount, 'amount'), (4, order_id, 'order_id'))
             AS e (n, expression, role)
        WHERE e.expression IS NOT NULL ORDER BY e.n
    LOOP
        list := list || CASE WHEN list <> '' THEN ', ' ELSE '' END || format(E'(%s\n) AS %I', expression, alias);
    END LOOP;
    RETURN format(E'SELECT %s FROM (\n%s\n) AS source', list, source);
END;
$$;
COMMENT ON FUNCTION segment_internal.named_columns_query(text, text, text, text, text) IS
'A source of orders with its columns made of expressions over another query.';

CREATE FUNCTION segment_internal.new_orders_segmentation(
    kind text, name text, source text, time_zone text, retrain_every interval, description text, search_path text,
    max_departed double precision, customer text, ordered_at text, amount text, order_id text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    s.kind := kind;
    s.name := name;
    s.search_path := search_path;
    s.source := segment_internal.source_query(source, s.search_path);
    IF coalesce(customer, ordered_at, amount, order_id) IS NOT NULL THEN
        s.source := segment_internal.named_columns_query(s.source, customer, ordered_at, amount, order_id);
    END IF;
    s.time_zone := coalesce(time_zone, current_setting('TimeZone'));
    s.retrain_every := retrain_every;
    s.max_departed := coalesce(max_departed, 0.5);
    s.description := description;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.new_orders_segmentation(
    text, text, text, text, interval, text, text, double precision, text, text, text, text) IS
'A segmentation over orders as its creation begins: what it is called and reads, without the options of its kind.';

CREATE FUNCTION segment_internal.create_orders_segmentation(s segmentation, schema name, roles text[])
    RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key record;
BEGIN
    SELECT * INTO key FROM segment_internal.source_key(s);
    RAISE NOTICE 'columns of the source: %', (
        SELECT string_agg(format('%s = %I', r.role, c.name), ', ' ORDER BY c.n)
        FROM unnest(s.source_columns) WITH ORDINALITY AS c (name, n)
        JOIN unnest(roles) WITH ORDINALITY AS r (role, n) USING (n));
    RETURN segment_internal.create_segmentation(s, schema, key.name, key.type, key.collation);
END;
$$;
COMMENT ON FUNCTION segment_internal.create_orders_segmentation(segmentation, name, text[]) IS
$$Creates a segmentation over orders whose columns and options are checked; returns the member table.
roles: what each column of the source is, for the NOTICE that tells so.$$;
