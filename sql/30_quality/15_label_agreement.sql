-- ---- agreement of two labelings, and what segments explain ----

CREATE FUNCTION segment_internal.label_pair_accum(feature_set, integer, integer) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_label_pair_accum_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.label_pair_accum(feature_set, text, text) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_label_pair_accum_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.labelled_measure_accum(feature_set, integer, double precision) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_labelled_measure_accum_integer' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.labelled_measure_accum(feature_set, text, double precision) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_labelled_measure_accum_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.label_pair_accum(feature_set, integer, integer) IS
'Transition function of the aggregates that compare two labels: counts equal pairs.';
COMMENT ON FUNCTION segment_internal.label_pair_accum(feature_set, text, text) IS
'Transition function of the aggregates that compare two labels: counts equal pairs.';
COMMENT ON FUNCTION segment_internal.labelled_measure_accum(feature_set, integer, double precision) IS
'Transition function of the aggregate eta_squared.';
COMMENT ON FUNCTION segment_internal.labelled_measure_accum(feature_set, text, double precision) IS
'Transition function of the aggregate eta_squared.';
CREATE FUNCTION segment_internal.label_pair_accum(feature_set, a smallint, b smallint) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_label_pair_accum_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.labelled_measure_accum(feature_set, segment smallint, measure double precision)
    RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_labelled_measure_accum_smallint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.label_pair_accum(feature_set, a bigint, b bigint) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_label_pair_accum_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.labelled_measure_accum(feature_set, segment bigint, measure double precision)
    RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_labelled_measure_accum_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.label_pair_accum(feature_set, a boolean, b boolean) RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_label_pair_accum_boolean' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.labelled_measure_accum(feature_set, segment boolean, measure double precision)
    RETURNS feature_set
    AS 'MODULE_PATHNAME', 'segment_labelled_measure_accum_boolean' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.label_pair_accum(feature_set, smallint, smallint) IS
'Transition function of the aggregates that compare two labelings.';
COMMENT ON FUNCTION segment_internal.labelled_measure_accum(feature_set, smallint, double precision) IS
'Transition function of the aggregate eta_squared.';
COMMENT ON FUNCTION segment_internal.label_pair_accum(feature_set, bigint, bigint) IS
'Transition function of the aggregates that compare two labelings.';
COMMENT ON FUNCTION segment_internal.labelled_measure_accum(feature_set, bigint, double precision) IS
'Transition function of the aggregate eta_squared.';
COMMENT ON FUNCTION segment_internal.label_pair_accum(feature_set, boolean, boolean) IS
'Transition function of the aggregates that compare two labelings.';
COMMENT ON FUNCTION segment_internal.labelled_measure_accum(feature_set, boolean, double precision) IS
'Transition function of the aggregate eta_squared.';

CREATE FUNCTION adjusted_rand_index(labels feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_adjusted_rand_index_set' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION adjusted_rand_index(feature_set) IS
$$The adjusted Rand index of the two labels in a feature set, feature_set(a, b): as the aggregates of that name,
for labels that were collected in parts and merged, or as rows with names.
Numbers must be whole.
Errors: invalid_parameter_value for other numbers, other than two features, or weights.$$;
CREATE AGGREGATE adjusted_rand_index(a integer, b integer) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = adjusted_rand_index, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE adjusted_rand_index(a text, b text) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = adjusted_rand_index, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE adjusted_rand_index(integer, integer) IS
$$How far two labelings of the same rows agree, by pairs of rows that are together in both, in one or in none,
corrected for chance: 1 when they are the same but for the names of labels,
about 0 when they have nothing to do with each other, down to -0.5.
Equal to scikit-learn's adjusted_rand_score.
Rows where a label is NULL are skipped and counted in a NOTICE.
No rows: NULL.
Memory: by distinct pairs of labels, up to maintenance_work_mem; beyond it a sample, with a NOTICE.$$;
COMMENT ON AGGREGATE adjusted_rand_index(text, text) IS
'As adjusted_rand_index(integer, integer), for labels that are names; they are compared byte by byte.';
CREATE AGGREGATE adjusted_rand_index(a smallint, b smallint) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = adjusted_rand_index, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE adjusted_rand_index(a bigint, b bigint) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = adjusted_rand_index, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE adjusted_rand_index(a boolean, b boolean) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = adjusted_rand_index, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE adjusted_rand_index(smallint, smallint) IS
'As adjusted_rand_index(integer, integer), for labels of type smallint.';
COMMENT ON AGGREGATE adjusted_rand_index(bigint, bigint) IS
'As adjusted_rand_index(integer, integer), for labels of type bigint; all of its values are told apart.';
COMMENT ON AGGREGATE adjusted_rand_index(boolean, boolean) IS
'As adjusted_rand_index(integer, integer), for labels of type boolean.';

CREATE FUNCTION normalized_mutual_information(labels feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_normalized_mutual_information_set'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION normalized_mutual_information(feature_set) IS
$$The normalized mutual information of the two labels in a feature set,
feature_set(a, b): as the aggregates of that name, for labels that were collected in parts and merged,
or as rows with names.
Errors: as adjusted_rand_index().$$;
CREATE AGGREGATE normalized_mutual_information(a integer, b integer) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = normalized_mutual_information, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE normalized_mutual_information(a text, b text) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = normalized_mutual_information, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE normalized_mutual_information(integer, integer) IS
$$How much one labeling of rows tells about another: their mutual information over the mean of their entropies.
1 when they are the same but for the names of labels, 0 when one says nothing about the other.
Equal to scikit-learn's normalized_mutual_info_score.
NULL labels, no rows and memory: as adjusted_rand_index.$$;
COMMENT ON AGGREGATE normalized_mutual_information(text, text) IS
'As normalized_mutual_information(integer, integer), for labels that are names; they are compared byte by byte.';
CREATE AGGREGATE normalized_mutual_information(a smallint, b smallint) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = normalized_mutual_information, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE normalized_mutual_information(a bigint, b bigint) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = normalized_mutual_information, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE normalized_mutual_information(a boolean, b boolean) (
    SFUNC = segment_internal.label_pair_accum, STYPE = feature_set, SSPACE = 4096,
    FINALFUNC = normalized_mutual_information, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE normalized_mutual_information(smallint, smallint) IS
'As normalized_mutual_information(integer, integer), for labels of type smallint.';
COMMENT ON AGGREGATE normalized_mutual_information(bigint, bigint) IS
'As normalized_mutual_information(integer, integer), for labels of type bigint; all of its values are told apart.';
COMMENT ON AGGREGATE normalized_mutual_information(boolean, boolean) IS
'As normalized_mutual_information(integer, integer), for labels of type boolean.';

CREATE FUNCTION eta_squared(measures feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_eta_squared_labelled' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION eta_squared(feature_set) IS
$$Eta squared of a segment and a measure in a feature set,
feature_set(segment, measure): as the aggregates of that name, for rows that were collected in parts and merged,
or with weights.
Errors: invalid_parameter_value for other than two features or a segment that is not a whole number,
datatype_mismatch for a measure that is a category.$$;
CREATE AGGREGATE eta_squared(segment integer, measure double precision) (
    SFUNC = segment_internal.labelled_measure_accum, STYPE = feature_set, SSPACE = 65536,
    FINALFUNC = eta_squared, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE eta_squared(segment text, measure double precision) (
    SFUNC = segment_internal.labelled_measure_accum, STYPE = feature_set, SSPACE = 65536,
    FINALFUNC = eta_squared, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE eta_squared(integer, double precision) IS
$$The share of a measure's variance that segments explain: sum of squares between segments over that of all rows, 0
(segments have equal means) to 1 (within segments all are equal).
Rows where one of the two is NULL, NaN or infinite are skipped and counted in a NOTICE.
NULL without rows, or when all measures are equal.
Memory: by distinct pairs of segment and measure, up to maintenance_work_mem; beyond it a sample, with a NOTICE.$$;
COMMENT ON AGGREGATE eta_squared(text, double precision) IS
'As eta_squared(integer, double precision), for segments known by name.';
CREATE AGGREGATE eta_squared(segment smallint, measure double precision) (
    SFUNC = segment_internal.labelled_measure_accum, STYPE = feature_set, SSPACE = 65536,
    FINALFUNC = eta_squared, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE eta_squared(segment bigint, measure double precision) (
    SFUNC = segment_internal.labelled_measure_accum, STYPE = feature_set, SSPACE = 65536,
    FINALFUNC = eta_squared, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
CREATE AGGREGATE eta_squared(segment boolean, measure double precision) (
    SFUNC = segment_internal.labelled_measure_accum, STYPE = feature_set, SSPACE = 65536,
    FINALFUNC = eta_squared, COMBINEFUNC = segment_internal.feature_set_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE eta_squared(smallint, double precision) IS
'As eta_squared(integer, double precision), for segments of type smallint.';
COMMENT ON AGGREGATE eta_squared(bigint, double precision) IS
'As eta_squared(integer, double precision), for segments of type bigint; all of its values are told apart.';
COMMENT ON AGGREGATE eta_squared(boolean, double precision) IS
'As eta_squared(integer, double precision), for segments of type boolean.';
