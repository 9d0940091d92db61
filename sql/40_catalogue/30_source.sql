-- ---- the source of a segmentation ----

CREATE FUNCTION segment_internal.source_query(source text, source_path text) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_source_query' LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.source_query(text, text) IS
$$The statement that a source stands for, which creation checks and a refresh runs.
The name of a relation, found in the given search_path, becomes TABLE schema.name.
White space, comments and semicolons at the end are cut off.$$;

CREATE FUNCTION segment_internal.source_statement(s segmentation) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list text;
BEGIN
    -- names that are there twice, or not there, cannot be asked for; then position is all there is
    IF (SELECT count(DISTINCT c) < count(*) FROM unnest(s.source_columns) AS c) THEN
        RETURN s.source;
    END IF;
    SELECT string_agg(CASE WHEN (s.options ->> 'summarised')::boolean THEN
               format(CASE WHEN c.n = 1 THEN '%2$I AS customer'
                           WHEN c.name IN ('last_order_at', 'first_order_at')
                                AND c.type IN ('date', 'timestamp without time zone')
                               THEN '%2$I::timestamp AT TIME ZONE %1$L AS %2$I'
                           WHEN c.name = 'orders' THEN '%2$I::bigint AS %2$I'
                           WHEN c.name = 'total' THEN '%2$I::numeric AS %2$I' ELSE '%2$I' END, s.time_zone, c.name)
           ELSE quote_ident(c.name) END, ', ' ORDER BY c.n)
    INTO list
    FROM unnest(s.source_columns, s.source_types) WITH ORDINALITY AS c (name, type, n);
    IF (s.options ->> 'summarised')::boolean AND 'first_order_at' <> ALL (s.source_columns) THEN
        list := list || ', NULL::timestamptz AS first_order_at';
    END IF;
    RETURN format(E'SELECT %s FROM (\n%s\n) AS source', list, s.source);
END;
$$;
COMMENT ON FUNCTION segment_internal.source_statement(segmentation) IS
$$The statement that a refresh runs for the source, and that creation checks: its columns by name,
so that those that were added since, or stand in another order, change nothing.$$;

CREATE FUNCTION segment_internal.source_key(s segmentation, OUT name name, OUT type text, OUT collation text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- with -1, because format_type calls char(n) without n character, which is char(1)
    SELECT c.name, format_type(c.type, -1), CASE WHEN c.collation <> t.typcollation THEN c.collation::text END
    FROM segment_internal.query_columns(s.source, s.search_path, permanent => true) AS c
    JOIN pg_type AS t ON t.oid = c.type
    WHERE c.name = s.source_columns[1] LIMIT 1
$$;
COMMENT ON FUNCTION segment_internal.source_key(segmentation) IS
'Name, type and (where it is not that of the type) collation of the customer key in a source. Errors as query_columns.';

CREATE FUNCTION segment_internal.check_source(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    drift text;
    remedy text;
BEGIN
    SELECT string_agg(CASE WHEN c.name IS NULL THEN format('column "%s" is not there any more', b.name)
                           ELSE format('column "%s" is of type %s, and was of type %s', b.name,
                                       format_type(c.type, -1), b.type) END, '; ' ORDER BY b.n)
    INTO drift
    FROM unnest(s.source_columns, s.source_types) WITH ORDINALITY AS b (name, type, n)
    LEFT JOIN segment_internal.query_columns(s.source, s.search_path) AS c
    ON c.name = b.name
         AND ((SELECT count(DISTINCT u) = count(*) FROM unnest(s.source_columns) AS u) OR c.number = b.n)
    WHERE format_type(c.type, -1) IS DISTINCT FROM b.type
      -- a number of another type is the same number, and a name is a name; keys and times are what they were
    AND (b.n = 1 OR c.type IS NULL
         OR segment_internal.feature_type(c.type)
              IS DISTINCT FROM segment_internal.feature_type(to_regtype(b.type)::regtype)
         OR segment_internal.feature_type(c.type) IS NULL);
    IF drift IS NOT NULL THEN
        BEGIN
            PERFORM segment_internal.accepted_source(s);
            remedy := format('If that is meant, SELECT accept_source(%L) takes it over.', s.name);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS remedy = PG_EXCEPTION_HINT;
            remedy := CASE WHEN remedy LIKE 'ALTER TABLE %' THEN remedy ELSE
                format('accept_source cannot take it over: %s. Give the source what it had, '
                       'or drop_segmentation(%L) and create it anew.',
                       SQLERRM, s.name) END;
        END;
        RAISE EXCEPTION 'the source is not what it was when segmentation "%" was created: %', s.name, drift
            USING ERRCODE = 'datatype_mismatch',
                  DETAIL = format('It now has: %s.',
                                  (SELECT string_agg(format('%I %s', c.name, format_type(c.type, -1)),
                                                     ', ' ORDER BY c.number)
                                   FROM segment_internal.query_columns(s.source, s.search_path) AS c)),
                  HINT = remedy;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_source(segmentation) IS
$$Raises an error (datatype_mismatch) that says what changed when a source does not have the columns it had (law 16),
and what helps.$$;

CREATE FUNCTION segment_internal.checked(function name, s segmentation) RETURNS segmentation
    AS 'MODULE_PATHNAME', 'segment_checked' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.checked(name, segmentation) IS
$$What the function of that name returns for a segmentation; where it raises an error,
the error has none of the context that it gathered inside, for what a user gave.$$;

CREATE FUNCTION segment_internal.qualified_query(query text, search_path text,
    OUT definition text, OUT relations regclass[])
    AS 'MODULE_PATHNAME', 'segment_qualified_query' LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.qualified_query(text, text) IS
$$A query, found under the given search_path
(NULL: the session's), with all names spelled out, so that it can be a part of a statement that runs under another
one.
relations: what it reads, views and what is behind them.
NULL query: NULL.
Errors: as query_columns.$$;

CREATE FUNCTION segment_internal.staged_source(s segmentation, query text, columns text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    definition text := (segment_internal.qualified_query(query, s.search_path)).definition;
BEGIN
    -- the first column may have any name
    RETURN CASE WHEN definition IS NOT NULL THEN
        format(E'(SELECT %s FROM (%s\n) AS source (segment_source_key)%s)', columns, definition,
               CASE WHEN segment_internal.keys_can_be_listed(s) THEN
                   format(' WHERE $5 IS NULL OR segment_source_key %s ANY ($5)',
                          segment_internal.equality_operator(segment_internal.key_type(s.members))) ELSE '' END) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.staged_source(segmentation, text, text) IS
$$A query of a segmentation as a part of a statement,
so that an engine that holds its tables on other servers can work it out there.
query: its first column is the customer key; columns: expressions over source,
where the key is called segment_source_key.
NULL query: NULL.$$;
