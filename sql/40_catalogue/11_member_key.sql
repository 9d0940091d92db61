-- ---- what the member table says of the customer key ----

CREATE FUNCTION segment_internal.key_column(relation regclass) RETURNS name
    AS 'MODULE_PATHNAME', 'segment_key_column' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.key_column(regclass) IS
'The name of the customer key in a member or history table: the first column, whatever it is called now.';

CREATE FUNCTION segment_internal.key_type(members regclass) RETURNS regtype
    AS 'MODULE_PATHNAME', 'segment_key_type' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.key_type(regclass) IS 'The type of the customer key, as the member table has it.';

CREATE FUNCTION segment_internal.collate_clause(relation regclass) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT format(' COLLATE %I.%I', n.nspname, k.collname)
                     FROM pg_catalog.pg_attribute AS a
                     JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                     JOIN pg_catalog.pg_collation AS k ON k.oid = a.attcollation
                     JOIN pg_catalog.pg_namespace AS n ON n.oid = k.collnamespace
                     WHERE a.attrelid = relation AND a.attnum = 1 AND a.attcollation <> t.typcollation), '');
END;
$$;
COMMENT ON FUNCTION segment_internal.collate_clause(regclass) IS
'COLLATE with the collation of the customer key of a member table; empty where it is that of the type.';
