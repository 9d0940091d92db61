-- ---- queries with named columns, of metrics and experiments ----

CREATE FUNCTION segment_internal.named_types(query text, search_path text, columns text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    there text[];
    types regtype[];
    wanted text;
    n integer;
    result text[] := '{}';
BEGIN
    SELECT array_agg(c.name ORDER BY c.number), array_agg(c.type ORDER BY c.number) INTO there, types
    FROM segment_internal.query_columns(query, search_path, permanent => true) AS c;
    FOREACH wanted IN ARRAY columns LOOP
        n := array_position(there, wanted);
        IF n IS NULL THEN
            RAISE EXCEPTION 'the query has no column "%"', wanted
                USING ERRCODE = 'undefined_column',
                      DETAIL = format('It has: %s.', array_to_string(there, ', ')),
                      HINT = format('Name its columns: %s.', array_to_string(columns, ', '));
        END IF;
        IF array_position(there, wanted, n + 1) IS NOT NULL THEN
            RAISE EXCEPTION 'the query has several columns "%"', wanted USING ERRCODE = 'duplicate_column';
        END IF;
        result := result || format_type(types[n], -1);
    END LOOP;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.named_types(text, text, text[]) IS
$$Types of some columns of a query, by name.
Errors: undefined_column, duplicate_column, and as query_columns.$$;

CREATE FUNCTION segment_internal.check_named_types(what text, query text, search_path text, columns text[],
                                                   types text[]) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now_types text[] := segment_internal.named_types(query, search_path, columns);
    drift text;
BEGIN
    SELECT string_agg(format('column "%s" is of type %s, and was of type %s', c.name, c.is, c.was), '; ' ORDER BY c.n)
    INTO drift
    FROM unnest(columns, now_types, types) WITH ORDINALITY AS c (name, "is", was, n) WHERE c.is <> c.was;
    IF drift IS NOT NULL THEN
        RAISE EXCEPTION 'the query of % is not what it was: %', what, drift
            USING ERRCODE = 'datatype_mismatch',
                  HINT = 'Give the query what it had, or drop and create anew what it belongs to.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_named_types(text, text, text, text[], text[]) IS
$$Raises an error (datatype_mismatch) that says what changed where columns of a query have other types than they had
(law 16). Errors: as named_types, too.$$;

CREATE FUNCTION segment_internal.time_expression(type text, time_zone text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF type = 'timestamp with time zone' THEN
        RETURN 'source.at';
    ELSIF type IN ('timestamp without time zone', 'date') THEN
        RETURN format('(source.at::pg_catalog.timestamp AT TIME ZONE %L)', time_zone);
    END IF;
    RAISE EXCEPTION 'column "at" is of type %, expected timestamptz, timestamp or date', type
        USING ERRCODE = 'datatype_mismatch', HINT = 'It is the time at which it happened. Cast it in the query.';
END;
$$;
COMMENT ON FUNCTION segment_internal.time_expression(text, text) IS
$$The column at of a query source, of a type, as timestamptz; what has no time zone is in the one given.
Error (datatype_mismatch) for another type.$$;

CREATE FUNCTION segment_internal.number_expression(name text, type text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF type = 'boolean' THEN
        RETURN format('CASE WHEN source.%1$I THEN 1 WHEN NOT source.%1$I THEN 0 END', name);
    ELSIF segment_internal.feature_type(to_regtype(type)::regtype) = 'double precision' THEN
        RETURN format('source.%I', name);
    END IF;
    RAISE EXCEPTION 'column "%" is of type %, expected a number or boolean', name, type
        USING ERRCODE = 'datatype_mismatch', HINT = 'Cast it in the query.';
END;
$$;
COMMENT ON FUNCTION segment_internal.number_expression(text, text) IS
$$A column of a query source, of a type, as a number, of booleans 1 and 0.
Error (datatype_mismatch) for another type.$$;
