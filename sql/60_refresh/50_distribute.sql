-- ---- segmentations whose customers lie on several servers ----
--
-- Citus spreads a table over the shards of its workers by the hash of a column.  Where
-- members, history and the tables that a refresh fills lie beside the source's rows of the
-- same customer, the steps of a refresh run on each shard by itself.

CREATE FUNCTION segment_internal.table_to_lie_beside(s segmentation, colocate_with regclass) RETURNS regclass
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_type regtype := segment_internal.key_type(s.members);
    found_tables regclass[];
    fitting regclass[];
BEGIN
    SELECT array_agg(t.relation ORDER BY t.relation::text),
           array_agg(t.relation ORDER BY t.relation::text) FILTER (WHERE a.atttypid = key_type)
    INTO found_tables, fitting
    FROM (SELECT DISTINCT r AS relation
          FROM unnest(CASE WHEN colocate_with IS NULL
                               THEN (segment_internal.qualified_query(s.source, s.search_path)).relations
                           ELSE ARRAY[colocate_with] END) AS r) AS t
    JOIN pg_attribute AS a ON a.attrelid = t.relation AND a.attname = segment_internal.distribution_column(t.relation);
    IF found_tables IS NULL THEN
        RAISE EXCEPTION '%', CASE WHEN colocate_with IS NULL
                                      THEN format('no table in the source of segmentation "%s" is distributed', s.name)
                                  ELSE format('table %s is not distributed', colocate_with) END
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('First SELECT create_distributed_table(..., %L) for the table of the source, '
                                'or name a distributed table '
                                'as colocate_with.', segment_internal.key_column(s.members));
    END IF;
    IF fitting IS NULL THEN
        RAISE EXCEPTION 'table % is not distributed by a column of type %, as the customer key is',
            found_tables[1], key_type
            USING ERRCODE = 'datatype_mismatch',
                  HINT = 'Customers lie beside their orders only where both are distributed by the key, '
                         'as the same type: distribute the '
                         'source by it, or name another table as colocate_with.';
    END IF;
    RETURN fitting[1];
END;
$$;
COMMENT ON FUNCTION segment_internal.table_to_lie_beside(segmentation, regclass) IS
$$colocate_with, or where it is NULL the first table in the source of a segmentation,
that Citus distributes by a column of the key's type.
Errors: object_not_in_prerequisite_state where none is distributed, datatype_mismatch where by other types only.$$;

CREATE FUNCTION segment_internal.distribute_as_owner(name text, colocate_with regclass) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    relation regclass;
BEGIN
    s := segment_internal.locked_segmentation(name);
    IF NOT segment_internal.has_citus() THEN
        RAISE EXCEPTION 'segmentation "%" cannot be distributed, because the extension citus is not in this database',
            s.name
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Without it a segmentation is one table on one server; '
                         'its source may lie on others, by partitions or '
                         'postgres_fdw.';
    END IF;
    IF segment_internal.distribution_column(s.members) IS NOT NULL THEN
        RAISE EXCEPTION 'segmentation "%" is distributed already', s.name
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF s.needs_approval THEN
        RAISE EXCEPTION 'segmentation "%" cannot be distributed, because it needs approval', s.name
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM segment_internal.refuse_events(s);
    PERFORM segment_internal.give_up_decisions(s);
    colocate_with := segment_internal.table_to_lie_beside(s, colocate_with);
    FOREACH relation IN ARRAY ARRAY[s.members, s.history] LOOP
        EXECUTE 'SELECT create_distributed_table($1, $2, colocate_with => $3)'
        USING relation, segment_internal.key_column(relation)::text, colocate_with::text;
        -- the rows are on the shards now; what is left here is not seen any more
        EXECUTE 'SELECT truncate_local_data_after_distributing_table($1)' USING relation;
    END LOOP;
    IF segment_internal.staged_places(s, false) = '{}' THEN
        RAISE NOTICE 'every row of the source will come to this server at each refresh'
            USING HINT = 'A source with one row per customer is worked out where its rows are: '
                         'GROUP BY the key, and summarised => true.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.distribute_as_owner(text, regclass) IS
'The work of distribute_segmentation, with the rights of the owner.';

CREATE FUNCTION distribute_segmentation(name text, colocate_with regclass DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    PERFORM segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.distribute_as_owner($1, $2::regclass)',
                                          name, colocate_with::text);
END;
$$;
COMMENT ON FUNCTION distribute_segmentation(text, regclass) IS
$$On a server with Citus, spreads members and history of a segmentation over the workers by the customer key,
beside the rows of its source; from then on a refresh runs there, shard by shard, as far as it can,
see docs/past_one_machine.md.
Rows that the tables have are taken along; members, history,
models and the log are the same as of a segmentation that is not distributed.
colocate_with: the distributed table to lie beside; NULL, the default: the one that the source reads.
It must be distributed by a column of the key's type.
A NOTICE tells when the rows of the source have to come to the coordinator at each refresh,
because they are orders and not customers.
Decisions about single customers and a table of events are not to be had of a distributed segmentation.
Called on the coordinator; the owner must be able to log in on the workers.
Errors: undefined_object, insufficient_privilege,
feature_not_supported without Citus and where there are decisions or events or approval is needed,
object_not_in_prerequisite_state where it is distributed already or no table of the source is,
datatype_mismatch for a key of another type than the table is distributed by, and those of Citus.$$;
