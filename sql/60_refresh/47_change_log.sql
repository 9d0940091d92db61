-- ---- the change log: customers to look at ----
--
-- A segmentation has one while its source is tracked, beside the member table and its owner's.
-- A row says: the first refresh with an as_of from due_at on looks at this customer.

CREATE FUNCTION segment_internal.create_change_log(name text) RETURNS oid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    relation regclass;
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.changes) THEN
        RETURN s.changes;
    END IF;
    relation := segment_internal.create_customer_table(
        s, 'changes', '%1$s, due_at timestamptz NOT NULL DEFAULT ''-infinity''',
        format('Customers whom the next refresh of the segmentation "%s" looks at, see track_source.', s.name),
        ARRAY[['', 'Key of the customer; NULL: all customers.'],
              ['due_at', 'The first as_of of a refresh that looks; -infinity: the next one does.']]);
    EXECUTE format('CREATE INDEX ON %s (due_at)', relation);
    -- rows are deleted, also where a publication has all tables
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
    -- whom a refresh put there, so that it can take his row out again
    EXECUTE format('CREATE INDEX ON %s (%I) WHERE due_at > ''-infinity''', relation,
                   segment_internal.key_column(relation));
    RETURN relation;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_change_log(text) IS
$$The change log of a segmentation, NAME_changes beside its member table, made where there is none;
to be called with the rights of the owner.
Errors: those of create_customer_table.$$;

-- ---- which tables a source reads, and what of them belongs to whom ----

CREATE FUNCTION segment_internal.trace_source(
    query text, search_path text, key_type regtype, key_collation regcollation,
    OUT what text, OUT relation regclass, OUT key_columns name[], OUT detail text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_trace_source' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 5;
COMMENT ON FUNCTION segment_internal.trace_source(text, text, regtype, regcollation) IS
$$What a query reads, whose first column is a customer key of a type and collation, under a search_path.
what: 'table': it reads relation, views and policies looked through, and a change of a row of it with key k in one of
key_columns changes only rows of customer k; NULL: of anybody, for the reason in detail;
'clock': it gives other rows at another time, by what detail says; 'chance': for another reason without any change;
'unseen': it may read tables where nobody sees it; 'definition': detail is another text for another definition of the
query, of its views, policies and functions of users.
NULL query or type: no row.
Errors: those of the server's parser.$$;
