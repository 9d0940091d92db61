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
