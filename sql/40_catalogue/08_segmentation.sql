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

CREATE FUNCTION segment_internal.nearest_name(name text, names text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- names that share most of their pairs of letters (Dice's coefficient), as a slip of the finger does
    SELECT n.name
    FROM unnest(names) AS n (name) CROSS JOIN LATERAL (
        SELECT 2.0 * count(*) FILTER (WHERE p.wanted AND p.there)
               / nullif(count(*) + count(*) FILTER (WHERE p.wanted AND p.there), 0) AS likeness
        FROM (SELECT bool_or(a.wanted) AS wanted, bool_or(NOT a.wanted) AS there
              FROM (SELECT substr(lower(nearest_name.name), i, 2) AS pair, true AS wanted
                    FROM generate_series(1, length(nearest_name.name) - 1) AS i
                    UNION SELECT substr(lower(n.name), i, 2), false
                    FROM generate_series(1, length(n.name) - 1) AS i) AS a
              GROUP BY a.pair) AS p) AS l
    WHERE l.likeness > 0.5 ORDER BY l.likeness DESC, n.name LIMIT 1;
END;
COMMENT ON FUNCTION segment_internal.nearest_name(text, text[]) IS
'The name of a list that is most like a given one; NULL: none is like it.';

CREATE FUNCTION segment_internal.nearest_name_hint(name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(
    'Perhaps you meant "' || segment_internal.nearest_name(name, ARRAY(SELECT s.name FROM segmentation AS s)) || '".',
    'create_rfm_segmentation(), create_cluster_segmentation() and create_rule_segmentation() create one; '
    || 'those of others are visible to whoever may read their member tables.');
COMMENT ON FUNCTION segment_internal.nearest_name_hint(text) IS
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
                      ELSE segment_internal.nearest_name_hint(name) END;
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
