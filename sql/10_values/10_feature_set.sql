-- ---- feature_set: feature rows on their way to a trainer ----

CREATE TYPE feature_set;

CREATE FUNCTION segment_internal.feature_set_in(cstring) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_out(feature_set) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_feature_set_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_recv(internal) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_send(feature_set) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_feature_set_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE feature_set (
    INPUT = segment_internal.feature_set_in, OUTPUT = segment_internal.feature_set_out,
    RECEIVE = segment_internal.feature_set_recv, SEND = segment_internal.feature_set_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE feature_set IS
$$Feature rows collected for training: all rows while they fit into maintenance_work_mem;
then equal rows with their number of copies; then a uniform sample of the distinct rows, with exact counts,
extremes and sums of all rows.
Its content depends on the rows alone, not on their order, on parallel workers or on how parts were merged.
Text form: hexadecimal of the binary form; equal sets have equal text.
See feature_rows() and feature_set_info().$$;
COMMENT ON FUNCTION segment_internal.feature_set_in(cstring) IS
$$Text input of feature_set.
Errors: invalid_binary_representation for anything that segment did not write,
protocol_violation where it ends too early.$$;
COMMENT ON FUNCTION segment_internal.feature_set_out(feature_set) IS
'Text output of feature_set: hexadecimal, canonical.';
COMMENT ON FUNCTION segment_internal.feature_set_recv(internal) IS
'Binary input of feature_set; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.feature_set_send(feature_set) IS
'Binary output of feature_set: canonical, big-endian.';

CREATE FUNCTION segment_internal.feature_set_accum(feature_set, VARIADIC double precision[]) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_accum_weighted(feature_set, double precision, VARIADIC double precision[])
    RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_accum_weighted' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_accum_record(feature_set, record) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_accum_record' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_accum_named(feature_set, text[], boolean[], double precision[], text[])
    RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_accum_named' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.feature_set_combine(feature_set, feature_set) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_feature_set_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.feature_set_accum(feature_set, VARIADIC double precision[]) IS
'Transition function of the aggregate feature_set.';
COMMENT ON FUNCTION segment_internal.feature_set_accum_weighted(feature_set, double precision,
                                                                VARIADIC double precision[]) IS
'Transition function of the aggregate feature_set_weighted.';
COMMENT ON FUNCTION segment_internal.feature_set_accum_record(feature_set, record) IS
'Transition function of the aggregate feature_set over rows.';
COMMENT ON FUNCTION segment_internal.feature_set_accum_named(feature_set, text[], boolean[],
                                                             double precision[], text[]) IS
'Transition function of the aggregate feature_set_named.';
COMMENT ON FUNCTION segment_internal.feature_set_combine(feature_set, feature_set) IS
'Unites two sets; transition function of feature_set_merge and combine function of all feature set aggregates.';

CREATE AGGREGATE feature_set(VARIADIC double precision[]) (
    SFUNC = segment_internal.feature_set_accum, STYPE = feature_set, SSPACE = 65536,
    COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE feature_set(VARIADIC double precision[]) IS
$$Collects one row of numeric features per input row, known by position: feature_set(recency, frequency, monetary).
A NULL or NaN feature is missing and kept; the trainer decides what to do with it.
No input rows: NULL.
All rows must have the same number of features, 1 to 1600.
Memory: maintenance_work_mem, beyond it equal rows are folded and then sampled.$$;

CREATE AGGREGATE feature_set(record) (
    SFUNC = segment_internal.feature_set_accum_record, STYPE = feature_set, SSPACE = 65536,
    COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE feature_set(record) IS
$$Collects rows with names and types: SELECT feature_set(c) FROM customers AS c.
Numbers are numeric features; boolean, text and enum are categories.
Models trained from it match features by name.
Other types are an error (datatype_mismatch).$$;

CREATE AGGREGATE segment_internal.feature_set_named(
    names text[], is_category boolean[], numbers double precision[], categories text[]) (
    SFUNC = segment_internal.feature_set_accum_named, STYPE = feature_set, SSPACE = 65536,
    COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE segment_internal.feature_set_named(text[], boolean[], double precision[], text[]) IS
$$Collects rows as feature_set(record) does, and to the same bytes, without a record,
which Citus cannot add up where the rows are.
names, is_category: of all features, the same in every row; numbers, categories: their values,
each array as long as names, NULL where the feature is of the other sort;
categories may be NULL where there are none.$$;

CREATE AGGREGATE feature_set_weighted(weight double precision, VARIADIC double precision[]) (
    SFUNC = segment_internal.feature_set_accum_weighted, STYPE = feature_set, SSPACE = 65536,
    COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE feature_set_weighted(double precision, VARIADIC double precision[]) IS
$$As feature_set, each row with a weight: finite and not negative.
A row with a NULL weight is kept and counted, but trainers skip it.$$;

CREATE AGGREGATE feature_set_merge(feature_set) (
    SFUNC = segment_internal.feature_set_combine, STYPE = feature_set, SSPACE = 65536,
    COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE feature_set_merge(feature_set) IS
$$Unites feature sets of the same shape, for instance one a day or one a shard:
the same as collecting all their rows at once.
NULLs are skipped; no input: NULL.
Different numbers, names or types of features: error (datatype_mismatch).$$;

CREATE FUNCTION feature_set_info(features feature_set) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_feature_set_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION feature_set_info(feature_set) IS
$$What a feature set holds: n_input (rows seen), n_kept (rows in the sample, copies counted), n_rows_held
(distinct rows once folded), sample_level (rows are kept with probability 2^-level), weighted,
and for each feature its name, kind, n_values, n_missing, n_infinite and, over all finite values seen, min, max,
sum and sum_squares (exact, rounded once; weighted where the set is).$$;

CREATE FUNCTION segment_internal.feature_names(features feature_set) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segment_feature_names' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.feature_names(feature_set) IS
'The names of the features of a set, without a look at its rows.';

CREATE FUNCTION segment_internal.as_double(value numeric) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_as_double' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.as_double(numeric) IS
$$The nearest double precision number: what a cast gives, in a tenth of its time.
Infinite or 0 where the cast fails because the number is out of range.$$;

CREATE FUNCTION feature_rows(features feature_set, OUT row_features text[],
                             OUT weight double precision, OUT copies bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_feature_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION feature_rows(feature_set) IS
$$The rows a feature set holds, in no particular order: features as text (NULL where missing), weight
(1 where the set has none), and how many equal rows it stands for.$$;
