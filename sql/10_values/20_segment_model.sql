-- ---- segment_model: everything needed to place a row ----

CREATE TYPE segment_model;

CREATE FUNCTION segment_internal.segment_model_in(cstring) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_model_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_out(segment_model) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_model_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_recv(internal) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_model_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_send(segment_model) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_model_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE segment_model (
    INPUT = segment_internal.segment_model_in, OUTPUT = segment_internal.segment_model_out,
    RECEIVE = segment_internal.segment_model_recv, SEND = segment_internal.segment_model_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE segment_model IS
$$A trained model: cut points or centroids, scaling, feature names, segment ids and names,
and what it was trained on.
Immutable.
Text form: canonical JSON, equal models have equal text; binary form: int16 format (1), then the JSON.
Input is checked as a whole and rejected with invalid_text_representation,
or feature_not_supported for a newer format.$$;
COMMENT ON FUNCTION segment_internal.segment_model_in(cstring) IS
'Text input of segment_model: JSON, checked and made canonical.';
COMMENT ON FUNCTION segment_internal.segment_model_out(segment_model) IS
'Text output of segment_model: canonical JSON.';
COMMENT ON FUNCTION segment_internal.segment_model_recv(internal) IS
'Binary input of segment_model; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.segment_model_send(segment_model) IS 'Binary output of segment_model.';

CREATE FUNCTION segment_internal.segment_model_to_jsonb(segment_model) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_model_to_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_from_jsonb(jsonb) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_model_from_jsonb' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE CAST (segment_model AS jsonb) WITH FUNCTION segment_internal.segment_model_to_jsonb(segment_model);
CREATE CAST (jsonb AS segment_model) WITH FUNCTION segment_internal.segment_model_from_jsonb(jsonb);
COMMENT ON FUNCTION segment_internal.segment_model_to_jsonb(segment_model) IS
'A model as jsonb, for looking into it with PostgreSQL''s JSON operators.';
COMMENT ON FUNCTION segment_internal.segment_model_from_jsonb(jsonb) IS 'A model from jsonb; checked as text input is.';
COMMENT ON CAST (segment_model AS jsonb) IS 'A model as jsonb.';
COMMENT ON CAST (jsonb AS segment_model) IS 'A model from jsonb, checked.';

CREATE FUNCTION segment_internal.segment_model_eq(segment_model, segment_model) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_model_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.segment_model_eq(segment_model, segment_model) IS
'Whether two models are the same, byte for byte of their text; implements the operator =.';
CREATE FUNCTION segment_internal.segment_model_ne(segment_model, segment_model) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_model_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_lt(segment_model, segment_model) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_model_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_le(segment_model, segment_model) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_model_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_ge(segment_model, segment_model) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_model_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_gt(segment_model, segment_model) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_model_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_cmp(segment_model, segment_model) RETURNS integer
    AS 'MODULE_PATHNAME', 'segment_model_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_hash(segment_model) RETURNS integer
    AS 'MODULE_PATHNAME', 'segment_model_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.segment_model_hash_extended(segment_model, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'segment_model_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.segment_model_ne(segment_model, segment_model) IS
'Whether two models differ; implements the operator <>.';
COMMENT ON FUNCTION segment_internal.segment_model_lt(segment_model, segment_model) IS
'Whether a model comes before another by the bytes of their text; implements the operator <.';
COMMENT ON FUNCTION segment_internal.segment_model_le(segment_model, segment_model) IS
'Whether a model comes before another by the bytes of their text, or is the same; implements the operator <=.';
COMMENT ON FUNCTION segment_internal.segment_model_ge(segment_model, segment_model) IS
'Whether a model comes after another by the bytes of their text, or is the same; implements the operator >=.';
COMMENT ON FUNCTION segment_internal.segment_model_gt(segment_model, segment_model) IS
'Whether a model comes after another by the bytes of their text; implements the operator >.';
COMMENT ON FUNCTION segment_internal.segment_model_cmp(segment_model, segment_model) IS
'-1, 0 or 1 by the bytes of the text of two models; support function of the btree operator class.';
COMMENT ON FUNCTION segment_internal.segment_model_hash(segment_model) IS
'The hash that a model holds of its text; support function of the hash operator class.';
COMMENT ON FUNCTION segment_internal.segment_model_hash_extended(segment_model, bigint) IS
'The hash that a model holds of its text, with a seed; support function of the hash operator class.';

CREATE OPERATOR = (
    LEFTARG = segment_model, RIGHTARG = segment_model, FUNCTION = segment_internal.segment_model_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = segment_model, RIGHTARG = segment_model, FUNCTION = segment_internal.segment_model_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = segment_model, RIGHTARG = segment_model, FUNCTION = segment_internal.segment_model_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = segment_model, RIGHTARG = segment_model, FUNCTION = segment_internal.segment_model_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR >= (
    LEFTARG = segment_model, RIGHTARG = segment_model, FUNCTION = segment_internal.segment_model_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR > (
    LEFTARG = segment_model, RIGHTARG = segment_model, FUNCTION = segment_internal.segment_model_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR = (segment_model, segment_model) IS 'same model, byte for byte';
COMMENT ON OPERATOR <> (segment_model, segment_model) IS 'not the same model';
COMMENT ON OPERATOR < (segment_model, segment_model) IS 'before, by the bytes of the text';
COMMENT ON OPERATOR <= (segment_model, segment_model) IS 'before, by the bytes of the text, or the same';
COMMENT ON OPERATOR >= (segment_model, segment_model) IS 'after, by the bytes of the text, or the same';
COMMENT ON OPERATOR > (segment_model, segment_model) IS 'after, by the bytes of the text';

CREATE OPERATOR CLASS segment_model_ops DEFAULT FOR TYPE segment_model USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 segment_internal.segment_model_cmp(segment_model, segment_model);
CREATE OPERATOR CLASS segment_model_ops DEFAULT FOR TYPE segment_model USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 segment_internal.segment_model_hash(segment_model),
    FUNCTION 2 segment_internal.segment_model_hash_extended(segment_model, bigint);
COMMENT ON OPERATOR CLASS segment_model_ops USING btree IS
'Models by the bytes of their text: for DISTINCT, GROUP BY, UNION and merge joins; the order has no further meaning.';
COMMENT ON OPERATOR CLASS segment_model_ops USING hash IS 'Models by the hash they hold: for grouping and hash joins.';
COMMENT ON OPERATOR FAMILY segment_model_ops USING btree IS 'Models by the bytes of their text.';
COMMENT ON OPERATOR FAMILY segment_model_ops USING hash IS 'Models by the hash they hold.';

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
