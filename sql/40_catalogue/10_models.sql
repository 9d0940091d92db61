-- ---- models of segmentations ----

CREATE FUNCTION get_model(segmentation text, version integer DEFAULT NULL) RETURNS segment_model
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    found_model segment.segment_model;
BEGIN
    IF version IS NULL AND s.model_version IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no model yet', segmentation
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'The first refresh_segmentation() trains one.';
    END IF;
    SELECT m.model INTO found_model FROM segment.model AS m
    WHERE m.segmentation = s.name AND m.version = coalesce(get_model.version, s.model_version);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segmentation "%" has no model of version %', segmentation, version
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.model lists the versions.';
    END IF;
    RETURN found_model;
END;
$$;
COMMENT ON FUNCTION get_model(text, integer) IS
$$The current model of a segmentation, or the model of a version.
Errors: undefined_object for an unknown segmentation or version,
object_not_in_prerequisite_state before the first refresh.$$;

CREATE FUNCTION segment_internal.equality_operator(type regtype) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_equality_operator' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.equality_operator(regtype) IS
$$The equality operator of a type's default operator class, as OPERATOR(schema.name): what our statements compare
customer keys with, whatever the search_path has.
Error (undefined_function) when there is none.$$;
