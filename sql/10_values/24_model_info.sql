-- ---- what stands in a model ----

CREATE FUNCTION segments(model segment_model, OUT segment_id integer, OUT segment text,
                         OUT origin text, OUT codes text[]) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_model_segments' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 12;
COMMENT ON FUNCTION segments(segment_model) IS
$$The segments of a model: id, name, origin (the name the training gave, before any renaming) and, for RFM models,
the score codes that lead to it (none for customers without orders).$$;

CREATE FUNCTION model_metrics(model segment_model) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_model_metrics' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_metrics(segment_model) IS
$$Figures of the training: kind, n_input (rows the feature set saw) = n_used + n_skipped
(rows that could not be used: no orders, missing or infinite values) + n_unsampled (rows left out of the sample),
n_segments, and those of the kind of model.$$;

CREATE FUNCTION rename_segment(model segment_model, old_name text, new_name text) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_model_rename' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION rename_segment(segment_model, text, text) IS
$$The same model with one segment named anew; its id and origin stay.
Errors: undefined_object when there is no segment of the old name, duplicate_object when the new name is taken.$$;

CREATE FUNCTION segment_internal.model_identify(model segment_model, ids integer[], origins text[],
                                                names text[], next_id integer) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_model_identify' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.model_identify(segment_model, integer[], text[], text[], integer) IS
$$A newly trained model whose segments have the ids and names they had before, matched by origin;
new ones get ids from next_id on.
Where two names meet, the later one gets a number behind it.
Used by refresh_segmentation.$$;
