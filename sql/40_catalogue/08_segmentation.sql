-- ---- Citus, which is used where it is and never required ----

CREATE FUNCTION segment_internal.has_citus() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'citus');
COMMENT ON FUNCTION segment_internal.has_citus() IS 'Whether the extension citus is in the database.';

CREATE FUNCTION segment_internal.distribution_column(relation regclass) RETURNS name
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result name;
BEGIN
    IF segment_internal.has_citus() THEN
        EXECUTE 'SELECT column_to_column_name(d.logicalrelid, d.partkey) FROM pg_dist_partition AS d'
                ' WHERE d.logicalrelid = $1 AND d.partmethod = ''h''' INTO result USING relation;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.distribution_column(regclass) IS
'The column that Citus distributes a table by; NULL: it does not, or there is no Citus.';

CREATE FUNCTION segment_internal.on_worker() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result boolean := false;
BEGIN
    IF segment_internal.has_citus() THEN
        EXECUTE 'SELECT bool_or(g.groupid <> 0) FROM pg_dist_local_group AS g' INTO result;
    END IF;
    RETURN coalesce(result, false);
END;
$$;
COMMENT ON FUNCTION segment_internal.on_worker() IS
'Whether this is a worker of Citus, where the catalogue of segmentations is empty: it is on the coordinator.';

CREATE FUNCTION segment_internal.segmentation_hint(name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.nearest_name_hint(
    name, ARRAY(SELECT s.name FROM segmentation AS s),
    'create_rfm_segmentation(), create_cluster_segmentation() and create_rule_segmentation() create one; '
    || 'those of others are visible to whoever may read their member tables.');
COMMENT ON FUNCTION segment_internal.segmentation_hint(text) IS
'The hint for an unknown name of a segmentation: the visible one whose name is most alike, or how to create one.';

CREATE FUNCTION segment_internal.segmentation_row(name text) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row segment.segmentation;
BEGIN
    SELECT * INTO found_row FROM segment.segmentation AS s WHERE s.name = segmentation_row.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segmentation "%" does not exist', coalesce(name, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN segment_internal.on_worker() THEN
                      format(
                          'This is a worker, and segmentations are known to the coordinator. There, give a query over '
                          'distributed tables the model as a value: assign_segment((SELECT get_model(%L)), ...).', name)
                      ELSE segment_internal.segmentation_hint(name) END;
    END IF;
    RETURN found_row;
END;
$$;
COMMENT ON FUNCTION segment_internal.segmentation_row(text) IS
$$A segmentation by name.
Error (undefined_object) when there is none that the current user may see.$$;

CREATE FUNCTION segment_internal.kept_instant(at timestamptz, name text, history_from timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF at < history_from THEN
        RAISE EXCEPTION 'the history of segmentation "%" begins at %, and % lies before', name, history_from, at
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'What was before has been removed by purge_history().';
    END IF;
    RETURN at;
END;
$$;
COMMENT ON FUNCTION segment_internal.kept_instant(timestamptz, text, timestamptz) IS
$$An instant that a history is asked about, or the error (object_not_in_prerequisite_state) that it lies before
history_from, where that history begins; NULL: NULL.$$;
