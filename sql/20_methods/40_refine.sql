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

-- ---- refining: steps over a query until nothing changes ----

CREATE FUNCTION segment_internal.refine_query(model segment_model, query text, search_path text, weight text)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    features text[] := ARRAY(SELECT f ->> 'name'
                             FROM jsonb_array_elements(model::jsonb -> 'features') WITH ORDINALITY AS l (f, n)
                             ORDER BY n);
    feature text;
    type regtype;
BEGIN
    FOREACH feature IN ARRAY features || weight LOOP
        CONTINUE WHEN feature IS NULL;
        SELECT c.type INTO type FROM segment_internal.query_columns(query, search_path) AS c WHERE c.name = feature;
        IF NOT FOUND AND feature = weight AND feature <> ALL (features) THEN
            RAISE EXCEPTION 'the query has no column "%", which is to be the weight', weight
                USING ERRCODE = 'undefined_column';
        ELSIF NOT FOUND THEN
            RAISE EXCEPTION 'the query has no column "%", which the model needs', feature
                USING ERRCODE = 'undefined_column',
                      HINT = format('Its columns are matched by name to the features of the model: %s.',
                                    array_to_string(features, ', '));
        END IF;
        IF (SELECT t.typcategory FROM pg_type AS t WHERE t.oid = type) <> 'N' THEN
            RAISE EXCEPTION 'column "%" of the query has type %, expected a number', feature, format_type(type, -1)
                USING ERRCODE = 'datatype_mismatch';
        END IF;
    END LOOP;
    RETURN format(E'SELECT segment.%s, VARIADIC ARRAY[%s]) FROM (\n%s\n) AS source',
        CASE WHEN weight IS NULL THEN 'kmeans_step($1'
             ELSE format('kmeans_step_weighted($1, source.%I::pg_catalog.float8', weight) END,
        (SELECT string_agg(format('source.%I::pg_catalog.float8', f), ', ' ORDER BY n)
         FROM unnest(features) WITH ORDINALITY AS l (f, n)), query);
END;
$$;
COMMENT ON FUNCTION segment_internal.refine_query(segment_model, text, text, text) IS
$$The statement that makes a step of k-means with the model $1 over the rows of a query,
whose columns are matched to the model's features by name; weight: its column of weights, NULL: none.
Errors: undefined_column, datatype_mismatch, and as query_columns.$$;

CREATE FUNCTION segment_internal.model_shift(old segment_model, new segment_model) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT sum((n.scaled - o.scaled) ^ 2 ORDER BY o.segment_id, o.feature)
           / nullif((new::jsonb ->> 'total')::double precision / sum(n.size ORDER BY n.segment_id), 0)
    FROM segment.centroids(old) AS o JOIN segment.centroids(new) AS n USING (segment_id, feature);
END;
COMMENT ON FUNCTION segment_internal.model_shift(segment_model, segment_model) IS
$$How far the centroids of a model lie from those of another one with the same segments and features:
the sum of squares, as a share of the mean variance of a coordinate.
NULL where all rows are equal.$$;

CREATE FUNCTION refine_model(
    model segment_model, query text, max_iter integer DEFAULT 100, tol double precision DEFAULT 0,
    search_path text DEFAULT current_setting('search_path'), weight text DEFAULT NULL) RETURNS segment_model
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step text;
    old segment.segment_model;
    empty text;
BEGIN
    IF model IS NULL THEN
        RETURN NULL;
    END IF;
    IF query IS NULL OR max_iter IS NULL OR tol IS NULL OR search_path IS NULL THEN
        RAISE EXCEPTION 'query, max_iter, tol and search_path must not be null'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF model::jsonb ->> 'kind' <> 'kmeans' THEN
        RAISE EXCEPTION 'expected a model of kind "kmeans", got one of kind "%"', model::jsonb ->> 'kind'
            USING ERRCODE = 'wrong_object_type';
    END IF;
    IF max_iter < 1 THEN
        RAISE EXCEPTION 'max_iter must be at least 1, not %', max_iter USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT (tol >= 0 AND tol < 'Infinity') THEN
        RAISE EXCEPTION 'tol must be a finite number of at least 0, not %', tol
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    step := segment_internal.refine_query(model, segment_internal.source_query(query, search_path),
                                          search_path, weight);
    FOR i IN 1 .. max_iter LOOP
        old := model;
        PERFORM set_config('search_path', search_path, true);
        EXECUTE step INTO model USING old;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        IF model IS NULL OR model::jsonb ->> 'n_used' = '0' THEN
            RAISE EXCEPTION 'no row of the query can be used'
                USING ERRCODE = '02000',
                      DETAIL = CASE WHEN model IS NULL THEN 'It returns no rows.'
                                    ELSE 'Each of its rows lacks a value or weight, '
                                         'or lies at the origin and has no direction.' END;
        END IF;
        EXIT WHEN (model::jsonb -> 'converged')::boolean
            OR (tol > 0 AND segment_internal.model_shift(old, model) <= tol);
    END LOOP;
    SELECT string_agg(DISTINCT format('"%s"', c.segment), ', ') INTO empty FROM segment.centroids(model) AS c
    WHERE c.size = 0;
    IF empty IS NOT NULL THEN
        RAISE NOTICE 'segments without rows keep their centroids: %', empty;
    END IF;
    RETURN model;
END;
$$;
COMMENT ON FUNCTION refine_model(segment_model, text, integer, double precision, text, text) IS
$$A k-means model brought to where all rows of a query have it: exact steps of Lloyd's algorithm
(see kmeans_step) until no centroid moves, or the centroids move by no more than tol
(sum of squares, as a share of the mean variance; 0: go on), or max_iter steps are made;
converged in model_metrics says which.
A model trained on a sample ends where training on all rows, from the same start, would.
query: a SELECT that only reads, or the name of a relation;
its columns are matched to the model's features by name, others are left out; it is run once a step,
in parallel where the server finds that worth while, with the rights of the caller, under the given search_path
(default: the session's), and sees what the calling query sees.
weight: the column of the query that has the weights of rows, see kmeans_step_weighted;
NULL, the default: each row counts once.
Scaling, features, segment ids and names stay, also where sizes change their order.
A segment without rows keeps its centroid, with a NOTICE.
NULL model: NULL.
Errors: wrong_object_type for models other than those of kmeans,
undefined_column and datatype_mismatch for a query that does not fit the model,
no_data when none of its rows can be used, invalid_parameter_value, and what the query itself raises.$$;
