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
