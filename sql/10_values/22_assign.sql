-- ---- row functions: which segment, and why ----

CREATE FUNCTION assign_segment(model segment_model, VARIADIC features "any") RETURNS text
    AS 'MODULE_PATHNAME', 'segment_assign' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION assign_segment(segment_model, VARIADIC "any") IS
$$The name of the segment a row belongs to.
Features: numbers of any type in the model's order, or one row (matched by name), or VARIADIC array.
NULL model: NULL.
RFM models: a customer without orders (frequency NULL or 0, or recency NULL) is in the segment for those,
'Prospect' by default; a missing monetary value with orders gives NULL.
NaN counts as missing, infinity as beyond every cut.
Wrong number of features: error (invalid_parameter_value).$$;

CREATE FUNCTION assign_segment_id(model segment_model, VARIADIC features "any") RETURNS integer
    AS 'MODULE_PATHNAME', 'segment_assign_id' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION assign_segment_id(segment_model, VARIADIC "any") IS
'The id of the segment a row belongs to; arguments and NULLs as in assign_segment.';

CREATE FUNCTION explain_segment(model segment_model, VARIADIC features "any") RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_explain' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION explain_segment(segment_model, VARIADIC "any") IS
$$Why a row belongs to its segment.
RFM models: {segment_id, segment, rfm_score, features: [{feature, value, score, from, to, margin, strength}],
runner_up}.
from and to bound the feature's bin, margin is the distance to the nearest cut in the feature's unit,
strength the share of the other scores of that feature that would lead to another segment,
runner_up the segment behind the nearest cut (as a fraction of the bin's width) that leads elsewhere.
Arguments as in assign_segment.$$;

CREATE FUNCTION assign_segment(segmentation text, VARIADIC features "any") RETURNS text
    AS 'MODULE_PATHNAME', 'segment_assign_by_name' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION assign_segment(text, VARIADIC "any") IS
$$The name of the segment a row belongs to by the current model of a segmentation.
Error (undefined_object, object_not_in_prerequisite_state) when there is no such segmentation or it has no model yet;
never NULL for that reason.
Features as in assign_segment(segment_model, ...).$$;

CREATE FUNCTION assign_segment_id(segmentation text, VARIADIC features "any") RETURNS integer
    AS 'MODULE_PATHNAME', 'segment_assign_id_by_name' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION assign_segment_id(text, VARIADIC "any") IS
'The id of the segment a row belongs to by the current model of a segmentation; errors as assign_segment(text, ...).';

CREATE FUNCTION explain_segment(segmentation text, VARIADIC features "any") RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_explain_by_name' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION explain_segment(text, VARIADIC "any") IS
'Why a row belongs to its segment by the current model of a segmentation; see explain_segment(segment_model, ...).';
