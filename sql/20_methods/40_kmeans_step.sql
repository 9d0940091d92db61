-- ---- steps of k-means over all rows, without holding them ----

CREATE TYPE kmeans_state;

CREATE FUNCTION segment_internal.kmeans_state_in(cstring) RETURNS kmeans_state
    AS 'MODULE_PATHNAME', 'segment_kmeans_state_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.kmeans_state_out(kmeans_state) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_kmeans_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.kmeans_state_recv(internal) RETURNS kmeans_state
    AS 'MODULE_PATHNAME', 'segment_kmeans_state_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.kmeans_state_send(kmeans_state) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_kmeans_state_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE kmeans_state (
    INPUT = segment_internal.kmeans_state_in, OUTPUT = segment_internal.kmeans_state_out,
    RECEIVE = segment_internal.kmeans_state_recv, SEND = segment_internal.kmeans_state_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE kmeans_state IS
$$A step of k-means on its way: a model, and what the rows placed by it add up to, by segment,
without rounding errors that would depend on their order.
Parts can be merged in any way and across servers (kmeans_step_merge);
kmeans_step(kmeans_state) gives the next model.
Text form: hexadecimal of the binary form; equal states have equal text.$$;
COMMENT ON FUNCTION segment_internal.kmeans_state_in(cstring) IS
$$Text input of kmeans_state.
Errors: invalid_binary_representation for anything that segment did not write,
protocol_violation where it ends too early.$$;
COMMENT ON FUNCTION segment_internal.kmeans_state_out(kmeans_state) IS
'Text output of kmeans_state: hexadecimal, canonical.';
COMMENT ON FUNCTION segment_internal.kmeans_state_recv(internal) IS
'Binary input of kmeans_state; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.kmeans_state_send(kmeans_state) IS
'Binary output of kmeans_state: canonical, big-endian.';

CREATE FUNCTION segment_internal.kmeans_step_accum(kmeans_state, segment_model, VARIADIC double precision[])
    RETURNS kmeans_state
    AS 'MODULE_PATHNAME', 'segment_kmeans_step_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.kmeans_step_combine(kmeans_state, kmeans_state) RETURNS kmeans_state
    AS 'MODULE_PATHNAME', 'segment_kmeans_step_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.kmeans_step_accum_weighted(kmeans_state, segment_model, double precision,
                                                            VARIADIC double precision[]) RETURNS kmeans_state
    AS 'MODULE_PATHNAME', 'segment_kmeans_step_accum_weighted' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.kmeans_step_accum_weighted(kmeans_state, segment_model, double precision,
                                                                VARIADIC double precision[]) IS
'Transition function of the aggregates kmeans_step_weighted and kmeans_step_state_weighted.';
COMMENT ON FUNCTION segment_internal.kmeans_step_accum(kmeans_state, segment_model, VARIADIC double precision[]) IS
'Transition function of the aggregates kmeans_step and kmeans_step_state.';
COMMENT ON FUNCTION segment_internal.kmeans_step_combine(kmeans_state, kmeans_state) IS
'Unites two parts of a step; transition function of kmeans_step_merge and combine function of all aggregates of steps.';

CREATE FUNCTION kmeans_step(state kmeans_state) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_kmeans_step' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_step(kmeans_state) IS
$$The next model of a step whose rows have been added up by kmeans_step_state and kmeans_step_merge;
see the aggregate kmeans_step.
NULL: NULL.$$;

CREATE AGGREGATE kmeans_step(model segment_model, VARIADIC features double precision[]) (
    SFUNC = segment_internal.kmeans_step_accum, STYPE = kmeans_state, SSPACE = 32768, FINALFUNC = kmeans_step,
    COMBINEFUNC = segment_internal.kmeans_step_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_step(segment_model, VARIADIC double precision[]) IS
$$One exact step of Lloyd's algorithm over any number of rows, in the memory of one state: each row is placed by the
model, and the next model has the means of its segments as centroids: SELECT kmeans_step(model, recency,
monetary) FROM customers, m.
Features, scaling, segment ids and names stay; sizes, inertia, total, n_input,
n_used and n_skipped are those of the rows, divided as the given model divides them, about the new centroids;
iterations grows by one; converged says that no centroid moved.
A segment without rows keeps its centroid.
Each row counts once; kmeans_step_weighted gives rows weights.
The next model is the same, byte for byte, whatever the order of rows,
the number of workers and how parts were merged.
Features in the model's order; a NULL or NaN feature is missing, and treated as the model was told to (nulls).
A coordinate beyond 2^33 standard deviations counts as 2^33, with a NOTICE.
No rows: NULL.
Errors: wrong_object_type for models other than those of kmeans, null_value_not_allowed for a NULL model,
invalid_parameter_value for rows with different models or another number of features.$$;

CREATE AGGREGATE kmeans_step_state(model segment_model, VARIADIC features double precision[]) (
    SFUNC = segment_internal.kmeans_step_accum, STYPE = kmeans_state, SSPACE = 32768,
    COMBINEFUNC = segment_internal.kmeans_step_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_step_state(segment_model, VARIADIC double precision[]) IS
$$What a step of k-means adds up, as a value to be stored, sent and merged, for instance one a shard;
kmeans_step(kmeans_step_merge(state)) is the next model.
Arguments, NULLs and errors as the aggregate kmeans_step.$$;

CREATE AGGREGATE kmeans_step_weighted(model segment_model, weight double precision,
                                      VARIADIC features double precision[]) (
    SFUNC = segment_internal.kmeans_step_accum_weighted, STYPE = kmeans_state, SSPACE = 262144, FINALFUNC = kmeans_step,
    COMBINEFUNC = segment_internal.kmeans_step_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_step_weighted(segment_model, double precision, VARIADIC double precision[]) IS
$$As kmeans_step, each row with a weight, finite and not negative: centroids are weighted means,
sizes sums of weights, inertia and total weighted sums of squares; a row of weight 2 counts as two rows.
A row whose weight is NULL or 0 takes no part and is counted as skipped.
Sums are exact, so no coordinate is too far, and the next model is the same whatever the order of rows,
the number of workers and how parts were merged; the state takes 1.7 kB for each segment and feature.
Errors: as kmeans_step, and numeric_value_out_of_range for a weight that is negative, NaN or infinite,
or for weights whose sum exceeds double precision.$$;

CREATE AGGREGATE kmeans_step_state_weighted(model segment_model, weight double precision,
                                            VARIADIC features double precision[]) (
    SFUNC = segment_internal.kmeans_step_accum_weighted, STYPE = kmeans_state, SSPACE = 262144,
    COMBINEFUNC = segment_internal.kmeans_step_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_step_state_weighted(segment_model, double precision, VARIADIC double precision[]) IS
$$What a step of k-means over rows with weights adds up, as kmeans_step_state;
kmeans_step(kmeans_step_merge(state)) is the next model.
Arguments, NULLs and errors as the aggregate kmeans_step_weighted.$$;

CREATE AGGREGATE kmeans_step_merge(kmeans_state) (
    SFUNC = segment_internal.kmeans_step_combine, STYPE = kmeans_state, SSPACE = 32768,
    COMBINEFUNC = segment_internal.kmeans_step_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_step_merge(kmeans_state) IS
$$Unites parts of one step: the same as adding up all their rows at once.
NULLs are skipped; no input: NULL.
Parts of different models, or with weights and without: error (datatype_mismatch).$$;
