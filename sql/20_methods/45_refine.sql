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
