-- ---- segmentations by clustering: a source with one row per customer ----

CREATE FUNCTION segment_internal.query_rows(query text, search_path text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_query_rows' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION segment_internal.query_rows(text, text) IS
$$The rows of a query run under the given search_path
(NULL: the session's), with the columns that a column definition list names: SELECT * FROM query_rows('TABLE
customers', NULL) AS c (id bigint, age double precision, city text).
A double precision column takes numbers of any type, NaN as NULL; a text column strings, booleans and enums;
any other a column of its own type.
NULL query: no rows.
Errors: as query_columns, undefined_column, ambiguous_column and datatype_mismatch.$$;

CREATE FUNCTION segment_internal.query_rows(query text, search_path text, key_column text, only_keys "any")
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_query_rows' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION segment_internal.query_rows(text, text, text, "any") IS
$$As query_rows(query, search_path), but only the rows whose key_column
(NULL: the first column) is one of the array only_keys,
which the source's own index may serve; NULL: all rows, an empty array: none.
Errors: as there, and datatype_mismatch where only_keys is no array.$$;

CREATE FUNCTION segment_internal.feature_type(type regtype) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_feature_type' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.feature_type(regtype) IS
$$What a feature of a type is kept as: 'double precision' for numbers, 'text' for strings, booleans and enums,
which are categories; NULL: a column of this type cannot be a feature.$$;

-- ---- methods ----

CREATE FUNCTION cluster_methods() RETURNS text[]
    AS 'MODULE_PATHNAME', 'segment_cluster_method_names' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cluster_methods() IS 'The functions that can train the model of a segmentation by clustering.';

CREATE FUNCTION segment_internal.training_call(method text, arguments text, options jsonb) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known text[];
    types oid[];
    own text[];     -- options of segmentations, not of the function
    o record;
    value text;
    type oid;
    call text;
BEGIN
    IF method = ANY (segment.cluster_methods()) IS NOT TRUE THEN
        RAISE EXCEPTION 'method must be one of %, not %',
            array_to_string(segment.cluster_methods(), ', '), coalesce(quote_ident(method), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object, not %', jsonb_typeof(options)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance {"n_init": 20, "scale": "robust"}.';
    END IF;
    -- the arguments after the feature set, by name
    SELECT p.proargnames[2:p.pronargs], (p.proargtypes::oid[])[1:p.pronargs - 1] INTO STRICT known, types
    FROM pg_proc AS p
    WHERE p.pronamespace = 'segment'::regnamespace AND p.proname = method
    AND p.proargtypes[0] = 'segment.feature_set'::regtype;
    own := CASE WHEN 'centroids' = ANY (known) THEN '{hysteresis,warm_start}'::text[] ELSE '{hysteresis}' END;
    call := format('segment.%I(%s', method, arguments);
    FOR o IN SELECT j.key, j.value, array_position(known, j.key) AS n FROM jsonb_each(options) AS j ORDER BY 3 LOOP
        IF o.key = ANY (own) THEN
            IF o.key = 'hysteresis' THEN
                PERFORM segment_internal.checked_hysteresis((o.value #>> '{}')::float8);
            ELSIF jsonb_typeof(o.value) <> 'boolean' THEN
                RAISE EXCEPTION 'option "%" must be true or false, not %', o.key, o.value
                    USING ERRCODE = 'invalid_parameter_value';
            END IF;
            CONTINUE;
        END IF;
        IF o.n IS NULL THEN
            RAISE EXCEPTION 'method % has no option "%"', method, o.key
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('Its options: %s.', array_to_string(known || own, ', '));
        END IF;
        type := types[o.n];
        value := CASE
            WHEN o.value = 'null' THEN NULL
            WHEN type = 'jsonb'::regtype THEN o.value::text
            WHEN type = 'text[]'::regtype AND jsonb_typeof(o.value) = 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(o.value))::text
            WHEN jsonb_typeof(o.value) = 'array' THEN translate(o.value::text, '[]', '{}')
            ELSE o.value #>> '{}' END;
        call := call || format(', %I => %L::%s', o.key, value, format_type(type, -1));
    END LOOP;
    RETURN call || ')';
END;
$$;
COMMENT ON FUNCTION segment_internal.training_call(text, text, jsonb) IS
$$The call of a method's training function as text: its first arguments as they are given,
an expression for the feature set at least, and options by name.
The option warm_start, which says how segmentations retrain, is checked and left out.
Errors (invalid_parameter_value): unknown method or option.$$;

-- ---- training again ----

CREATE FUNCTION centroid_array(model segment_model) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'segment_model_centroid_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION centroid_array(segment_model) IS
$$The centroids of a k-means model as an array of segments by features in the features' own units: what
kmeans(features, k, centroids => ...) starts from, so that training goes on from where a model is.
With metric 'cosine' they are some rows of the same directions.
NULL: NULL.
Errors: wrong_object_type for models other than those of kmeans.$$;

CREATE FUNCTION segment_internal.starts_warm(s segmentation) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce((s.options ->> 'warm_start')::boolean, true) AND s.method = 'kmeans' AND NOT s.options ? 'centroids'
       AND EXISTS (SELECT FROM model AS m
                   WHERE m.segmentation = s.name AND m.version = s.model_version
                     AND m.model::jsonb ->> 'kind' = s.method
                     AND jsonb_array_length(m.model::jsonb -> 'segments') = (s.options ->> 'k')::integer
                     AND ARRAY(SELECT f ->> 'name'
                               FROM jsonb_array_elements(m.model::jsonb -> 'features') WITH ORDINALITY AS l (f, n)
                               ORDER BY n) = s.features);
END;
COMMENT ON FUNCTION segment_internal.starts_warm(segmentation) IS
$$Whether the next training of a segmentation starts from the centroids of its present model:
the option warm_start says so (true by default), the method can, no other start is given,
and number of segments and features are as they were.$$;

CREATE FUNCTION segment_internal.fresh_inertia(features feature_set, method text, options jsonb)
    RETURNS double precision
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    fresh segment.segment_model;
BEGIN
    EXECUTE 'SELECT ' || segment_internal.training_call(method, '$1', options || '{"n_init": 1}')
        INTO fresh USING features;
    RETURN segment.model_metrics(fresh) ->> 'inertia';
END;
$$;
COMMENT ON FUNCTION segment_internal.fresh_inertia(feature_set, text, jsonb) IS
$$The inertia that one start afresh comes to, by which a warm start is judged.
What training tells by a NOTICE was told by the warm start.$$;

CREATE FUNCTION segment_internal.same_model(model segment_model, old_model segment_model) RETURNS segment_model
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN model::jsonb - '{n_init,iterations}'::text[] = old_model::jsonb - '{n_init,iterations}'::text[]
            THEN old_model ELSE model END;
COMMENT ON FUNCTION segment_internal.same_model(segment_model, segment_model) IS
$$The old model where the new one differs from it in nothing but the number of starts and steps that found it,
else the new one.$$;

CREATE FUNCTION segment_internal.check_cluster_options(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    training text := segment_internal.training_call(s.method, 'segment.feature_set(f.*)', s.options);
    n_rows float8 := least(greatest(20, 2 * (s.options ->> 'k')::float8), 2000);
    made_up text := (
        SELECT string_agg(format(CASE WHEN t = 'text' THEN '''c'' || r %% 3 AS %2$I'
                                      WHEN n = 1 THEN 'r::float8 AS %2$I'
                                      ELSE '(r * %1$s %% 101)::float8 AS %2$I' END, 31 * n, f), ', ' ORDER BY n)
        FROM unnest(s.features, s.feature_types) WITH ORDINALITY AS c (f, t, n));
BEGIN
    PERFORM segment_internal.equality_operator(s.source_types[1]::regtype);
    -- every option is checked by what will use it: made-up rows are trained with, the source is not read
    EXECUTE format('SELECT %s FROM (SELECT %s FROM generate_series(1, %s) AS r) AS f', training, made_up, n_rows);
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_cluster_options(segmentation) IS
$$The segmentation, or the error that a segmentation by clustering of this key, method,
features and options would run into.$$;

-- ---- what this kind supplies ----

CREATE FUNCTION segment_internal.cluster_columns(s segmentation, OUT number integer, OUT name text, OUT type text,
                                                 OUT required boolean, OUT is_fact boolean, OUT comment text)
    RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
    SELECT c.n::integer, c.f, CASE WHEN c.t = 'double precision' THEN c.t ELSE 'text' END, false, true,
           'Feature, as the source had it at the last refresh.'
    FROM unnest(s.features, s.feature_types) WITH ORDINALITY AS c (f, t, n);
END;
COMMENT ON FUNCTION segment_internal.cluster_columns(segmentation) IS
'member_columns of clusterings: the features under their own names.';

CREATE FUNCTION segment_internal.cluster_placed_features(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- a function has at most 100 arguments; a row, whose columns are matched by name, costs more
    -- (and r.*, because r may be a feature)
    SELECT CASE WHEN cardinality(s.features) < 100 THEN string_agg('v' || n, ', ' ORDER BY n)
                ELSE format('(SELECT coalesce(r.*) FROM (SELECT %s) AS r)',
                            string_agg(format('v%s AS %I', n, f), ', ' ORDER BY n)) END
    FROM unnest(s.features) WITH ORDINALITY AS c (f, n);
END;
COMMENT ON FUNCTION segment_internal.cluster_placed_features(segmentation) IS 'placed_features of clusterings.';

CREATE FUNCTION segment_internal.refuse_repeated_keys(repeated bigint, example text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF repeated > 0 THEN
        RAISE EXCEPTION 'the source has several rows for % customers, for instance for %', repeated, example
            USING ERRCODE = 'cardinality_violation', HINT = 'It must have one row per customer: GROUP BY the key.';
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_repeated_keys(bigint, text) IS
'True, or an error (cardinality_violation) when customers have more than one row in a source.';

CREATE FUNCTION segment_internal.source_counts_step(in_none text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format($$
SELECT jsonb_build_object('rows_read', rows_read, 'null_customer', null_customer%1$s) AS counts%2$s
FROM (SELECT coalesce(sum(n), 0) AS rows_read, coalesce(sum(n) FILTER (WHERE customer IS NULL), 0) AS null_customer,
             count(*) FILTER (WHERE n > 1 AND customer IS NOT NULL) AS repeated,
             min(format('%%s', customer)) FILTER (WHERE n > 1 AND customer IS NOT NULL) AS example%3$s
      FROM (SELECT customer, count(*) AS n%4$s FROM {summary} AS one GROUP BY customer) AS k) AS read
WHERE segment_internal.refuse_repeated_keys(repeated, example)$$,
    CASE WHEN in_none IS NOT NULL
         THEN $$, 'rows_used', rows_read - null_customer, 'in_no_segment', in_no_segment$$ END,
    CASE WHEN in_none IS NOT NULL THEN ', next_of_others' END,
    CASE WHEN in_none IS NOT NULL THEN $$,
             coalesce(sum(n_none) FILTER (WHERE customer IS NOT NULL), 0) AS in_no_segment,
             min(next_of_none) FILTER (WHERE customer IS NOT NULL) AS next_of_others$$ END,
    CASE WHEN in_none IS NOT NULL THEN format($$, count(*) FILTER (WHERE %1$s) AS n_none,
                   min(one.v1) FILTER (WHERE %1$s) AS next_of_none$$, in_none) END);
COMMENT ON FUNCTION segment_internal.source_counts_step(text) IS
$$The step source_counts of kinds whose source has one row per customer, as a template.
in_none: the condition of rows that are in no segment, to be counted,
with the least next_transition_at (v1) of theirs; NULL: they are not.$$;

CREATE FUNCTION segment_internal.cluster_steps(s segmentation, train boolean) RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- plpgsql keeps the plan for the session
    RETURN QUERY SELECT 'summary', $$
SELECT source.{source_key}{collate} AS customer, {taken}
FROM {rows}$$
    UNION ALL
    SELECT 'source_counts', segment_internal.source_counts_step(NULL)
    UNION ALL
    SELECT 'trained', $$
SELECT model, CASE WHEN model IS NOT NULL THEN {fresh} END AS fresh
FROM (SELECT CASE WHEN count(*) FILTER (WHERE {usable}) > 0 THEN {training} END AS model, {features_kept} AS features
      FROM (SELECT {as_features} FROM {summary} AS one WHERE customer IS NOT NULL) AS f) AS t$$
    WHERE train
    UNION ALL
    SELECT 'model', CASE WHEN train THEN $$
SELECT made.model, jsonb_build_object('warm_start', {warm}, 'fresh_gain', CASE WHEN {warm} THEN
           greatest(1 - fresh / nullif((segment.model_metrics(made.model) ->> 'inertia')::float8, 0), 0) END) AS details
FROM (SELECT coalesce({matched}, {current_model}) AS model, fresh FROM {trained} AS trained) AS made$$ ELSE $$
SELECT {current_model} AS model, NULL::jsonb AS details$$ END
    UNION ALL
    SELECT 'placed', $$
SELECT p.customer, g.segment_id, g.segment, {p_v}
FROM ($$ || CASE WHEN (s.options ->> 'hysteresis')::float8 > 0 THEN $$
    -- who is about as near to the centre of the segment before as to that of the new one stays
    SELECT a.*,
           CASE WHEN o.segment_id <> a.nearest_id AND segment.segment_silhouette(m.model, {features}) <= {hysteresis}
                          AND segment.explain_segment(m.model, {features}) ->> 'runner_up' = o.segment
                THEN o.segment_id ELSE a.nearest_id END AS segment_id
    FROM (SELECT one.*, segment.assign_segment_id(m.model, {features}) AS nearest_id
          FROM {summary} AS one CROSS JOIN {model} AS m WHERE customer IS NOT NULL AND m.model IS NOT NULL) AS a
    CROSS JOIN {model} AS m LEFT JOIN {members} AS o ON o.{key} {equals} a.customer$$ ELSE $$
    SELECT one.*, segment.assign_segment_id(m.model, {features}) AS segment_id
    FROM {summary} AS one CROSS JOIN {model} AS m WHERE customer IS NOT NULL AND m.model IS NOT NULL$$ END || $$) AS p
{unplaced}JOIN (SELECT n.segment_id, n.segment FROM {model} AS m CROSS JOIN LATERAL segment.segments(m.model) AS n) AS g
  ON g.segment_id = p.segment_id$$;
END;
$function$;
COMMENT ON FUNCTION segment_internal.cluster_steps(segmentation, boolean) IS
$$The steps of clusterings: the rows of the source; how many there are, and that no customer has two;
a model of them (NULL where none can be used); the same, matched with the one before; customers placed by it.
Rows without a key, and those the model has no place for because a feature is missing, are not placed.$$;

CREATE FUNCTION segment_internal.cluster_training_places(s segmentation, train boolean,
                                                         features text, current_model text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    warm boolean := train AND segment_internal.starts_warm(s);
BEGIN
    RETURN jsonb_build_object(
        'training', segment_internal.training_call(
            s.method, CASE WHEN warm THEN format('%s, centroids => segment.centroid_array(%s)', features, current_model)
                           ELSE features END, s.options),
        'features_kept', CASE WHEN warm THEN features ELSE 'NULL::segment.feature_set' END,
        'warm', warm::text,
        'fresh', CASE WHEN warm THEN format('segment_internal.fresh_inertia(features, %L, %L)', s.method, s.options)
                      ELSE 'NULL::float8' END);
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_training_places(segmentation, boolean, text, text) IS
$$What stands for the places of training in cluster_steps.
features, current_model: expressions for the feature set and the present model.$$;

CREATE FUNCTION segment_internal.cluster_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    current_model text := segment_internal.current_model_query(s);
    next_id integer;
    matched text := 'trained.model';
BEGIN
    SELECT coalesce(max(g.segment_id), 0) + 1 INTO next_id FROM segment.segment AS g WHERE g.segmentation = s.name;
    IF s.model_version IS NOT NULL THEN
        matched := format('segment.model_match(%s, %s, %s)', matched, current_model, next_id);
    ELSIF next_id > 1 THEN
        -- others were proposed
        matched := format('segment_internal.new_segments(%s, %s)', matched, next_id);
    END IF;
    matched := format('segment.propose_segment_names(%s, %s)', matched, next_id);
    IF s.model_version IS NOT NULL THEN
        matched := format('segment_internal.same_model(%s, %s)', matched, current_model);
    END IF;
    RETURN segment_internal.cluster_training_places(s, train, 'segment.feature_set(f.*)', current_model) || (
        SELECT jsonb_build_object(
            'source_key', quote_ident(s.source_columns[1]),
            'rows', format('segment_internal.query_rows(%L, %L, %L, $5) AS source (%I %s, %s)',
                           segment_internal.source_statement(s), s.search_path, s.source_columns[1],
                           s.source_columns[1],
                           format_type(segment_internal.key_type(s.members), -1),
                           string_agg(format('%I %s', c.name, c.type), ', ' ORDER BY c.number)),
            'taken', string_agg(format('source.%I AS v%s', c.name, c.number), ', ' ORDER BY c.number),
            'as_features', string_agg(format('v%s AS %I', c.number, c.name), ', ' ORDER BY c.number),
            'features', segment_internal.cluster_placed_features(s), 'further', '',
            'usable', CASE WHEN s.options ->> 'nulls' = 'mean' THEN 'true' ELSE 'f.* IS NOT NULL' END,
            'matched', matched, 'hysteresis', coalesce(s.options ->> 'hysteresis', '0'))
        FROM segment_internal.cluster_columns(s) AS c);
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_places(segmentation, boolean) IS
'What stands for the places in cluster_steps.';

CREATE FUNCTION segment_internal.cluster_staged_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT segment_internal.cluster_training_places(
               s, train,
               format('segment_internal.feature_set_named(%L, %L, ARRAY[%s]::float8[], %s)', s.features,
                      array_agg(c.type = 'text' ORDER BY c.number),
                      string_agg(CASE WHEN c.type = 'text' THEN 'NULL' ELSE format('f.%I', c.name) END,
                                 ', ' ORDER BY c.number),
                      CASE WHEN bool_or(c.type = 'text') THEN
                          format('ARRAY[%s]::text[]',
                                 string_agg(CASE WHEN c.type = 'text' THEN format('f.%I', c.name) ELSE 'NULL' END,
                                            ', ' ORDER BY c.number)) ELSE 'NULL' END),
               '$3')
           || jsonb_build_object(
                  'usable', CASE WHEN s.options ->> 'nulls' = 'mean' THEN 'true'
                                 ELSE string_agg(format('f.%I IS NOT NULL', c.name), ' AND ' ORDER BY c.number) END,
                  -- as query_rows takes them
                  'rows', segment_internal.staged_source(s, segment_internal.source_statement(
                      s), format('segment_source_key AS %I, ', s.source_columns[1]) || string_agg(
                      format(CASE WHEN c.type <> 'text' THEN 'nullif(source.%1$I::float8, ''NaN'') AS %1$I'
                                  WHEN y.typcategory = 'B' THEN 'source.%1$I::text AS %1$I'
                                  -- the output function keeps the blanks of char(n), and enums have no cast
                                  ELSE 'CASE WHEN source.%1$I IS NOT NULL THEN format(''%%s'', source.%1$I) END AS %1$I'
                                  END, c.name),
                      ', ' ORDER BY c.number)) || ' AS source')
    FROM segment_internal.cluster_columns(s) AS c
    JOIN unnest(s.source_types[2:]) WITH ORDINALITY AS t (type, number) USING (number)
    JOIN pg_type AS y ON y.oid = t.type::regtype
$$;
COMMENT ON FUNCTION segment_internal.cluster_staged_places(segmentation, boolean) IS
$$What stands for the places in cluster_steps where the tables lie on several servers:
the source as a part of the statement, and an aggregate that can be worked out in parts.$$;

CREATE FUNCTION segment_internal.cluster_figures() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN $$NULL::numeric AS revenue, NULL::float8 AS recency, NULL::float8 AS frequency, NULL::float8 AS monetary,
    NULL::float8 AS mean_frequency, NULL::float8 AS mean_monetary, NULL::numeric AS no_revenue$$;
COMMENT ON FUNCTION segment_internal.cluster_figures() IS
'What segment_profile tells of segments of clusterings beside their sizes: nothing.';

CREATE FUNCTION segment_internal.cluster_drift(s segmentation, OUT features text, OUT counted text, OUT training text,
                                               OUT distance text)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('m.%1$I AS %1$I', c.name), ', ' ORDER BY c.number), 'true',
           segment_internal.training_call(s.method, 'segment.feature_set(f.*)', s.options),
           'segment.segment_distance($1, f.*)'
    FROM segment_internal.cluster_columns(s) AS c
$$;
COMMENT ON FUNCTION segment_internal.cluster_drift(segmentation) IS
'How the members of clusterings are read for drift, see rfm_drift: their features.';

CREATE FUNCTION segment_internal.cluster_explain(s segmentation, place text,
    OUT what text, OUT value text, OUT lower_bound double precision,
    OUT upper_bound double precision, OUT score integer,
    OUT strength double precision, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reasons jsonb;
    member_id integer;
    -- the nearest; another than the member's where hysteresis keeps that
    segment_name text;
BEGIN
    EXECUTE format(
        'SELECT segment.explain_segment($1, %s), segment_id FROM (SELECT segment_id, %s FROM %s AS m WHERE %s) AS p',
        segment_internal.cluster_placed_features(s),
        (SELECT string_agg(format('m.%I AS v%s', c.name, c.number), ', ' ORDER BY c.number)
         FROM segment_internal.cluster_columns(s) AS c),
        s.members, place)
    INTO STRICT reasons, member_id USING segment.get_model(s.name);
    segment_name := reasons ->> 'segment';
    RETURN QUERY
    SELECT f.reason ->> 'feature', f.reason ->> 'value', NULL::float8, NULL::float8, NULL::integer,
           (f.reason ->> 'strength')::float8,
           CASE jsonb_typeof(f.reason -> 'typical')
               WHEN 'number' THEN format('typical of "%s" is %s', segment_name,
                                         segment_internal.brief((f.reason ->> 'typical')::float8))
                   || CASE WHEN (f.reason ->> 'deviations')::float8 <> 0 THEN
                          format(', this is %s standard deviations %s',
                                 segment_internal.brief(abs((f.reason ->> 'deviations')::float8)),
                                 CASE WHEN (f.reason ->> 'deviations')::float8 < 0 THEN 'below' ELSE 'above' END)
                           ELSE '' END
               WHEN 'string' THEN format('typical of "%s" is %s', segment_name, f.reason ->> 'typical') END
    FROM jsonb_array_elements(reasons -> 'features') WITH ORDINALITY AS f (reason, n)
    ORDER BY (f.reason ->> 'strength')::float8 DESC NULLS LAST, f.n;
    IF (reasons ->> 'segment_id')::integer <> member_id THEN
        what := 'runner_up';
        value := segment_name;
        explanation := 'it is nearer, but not by as much as hysteresis asks for';
        RETURN NEXT;
    ELSIF reasons ->> 'runner_up' IS NOT NULL THEN
        what := 'runner_up';
        value := reasons ->> 'runner_up';
        explanation := CASE WHEN reasons ->> 'runner_up_distance' IS NOT NULL THEN
            format('its centre lies %s away, that of "%s" %s',
                   segment_internal.brief((reasons ->> 'runner_up_distance')::float8),
                   segment_name, segment_internal.brief((reasons ->> 'distance')::float8))
            WHEN reasons ->> 'runner_up_probability' IS NOT NULL THEN
            format('of probability %s, "%s" of %s',
                   segment_internal.brief((reasons ->> 'runner_up_probability')::float8),
                   segment_name, segment_internal.brief((reasons ->> 'probability')::float8))
            ELSE format('the nearest after "%s"', segment_name) END;
        RETURN NEXT;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_explain(segmentation, text) IS
$$What explain_customer tells of a member of a clustering: the features, those that pulled most first,
and the runner-up with both distances in scaled coordinates, or both probabilities.
place: a condition on the member table that holds for one row.$$;

CREATE FUNCTION segment_internal.cluster_tell(s segmentation, as_of timestamptz, counts jsonb, details jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- a warm start whose inertia one start afresh beats by this share is told of
    clear_gain CONSTANT float8 := 0.02;
BEGIN
    IF (counts ->> 'not_placed')::bigint > 0 THEN
        RAISE NOTICE '% of % rows of the source have no place, because a feature is missing',
            counts ->> 'not_placed', counts ->> 'rows_read'
            USING HINT = 'Give the feature a value in the source, leave it out, '
                         'or create the segmentation with options => ''{"nulls": "mean"}''.';
    END IF;
    IF (details ->> 'fresh_gain')::float8 > clear_gain THEN
        RAISE NOTICE 'one start afresh finds segments with % %% less inertia '
                     'than those that go on from the model before',
                     round(100 * (details ->> 'fresh_gain')::numeric, 1)
            USING HINT = format('retrain_segmentation(%L, options => ''{"warm_start": false}'') trains afresh; '
                                'more customers may move.', s.name);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_tell(segmentation, timestamptz, jsonb, jsonb) IS
'Tells by NOTICEs of rows without a place, and of a start afresh that was clearly better than the warm one.';

INSERT INTO segment_internal.kind VALUES ('cluster', 'first', false, 'features', 'model',
    'Why: new (first seen), features (other values), model (trained anew).',
    'Why the customer came: new, features or model.',
    'Why the customer left: features, model, or gone (no longer in the source, or a feature is missing).',
    '{"k": 5}');

-- ---- creating ----

CREATE FUNCTION segment_internal.choose_source_columns(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key text;
    there text[];
    types regtype[];
    wanted text;
    n integer;
BEGIN
    SELECT array_agg(c.name ORDER BY c.number), array_agg(c.type ORDER BY c.number) INTO there, types
    FROM segment_internal.query_columns(s.source, s.search_path, permanent => true) AS c;
    key := coalesce(s.source_columns[1], there[1]);
    s.features := coalesce(s.features, array_remove(there, key));
    IF s.features = '{}' THEN
        RAISE EXCEPTION 'the source has no feature beside the customer key "%"', key
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Its columns, other than the key, tell customers apart.';
    END IF;
    s.feature_types := '{}';
    s.source_columns := '{}';
    s.source_types := '{}';
    FOREACH wanted IN ARRAY key || s.features LOOP
        n := array_position(there, wanted);
        IF n IS NULL THEN
            RAISE EXCEPTION 'the source has no column "%"', coalesce(wanted, '(null)')
                USING ERRCODE = 'undefined_column', HINT = format('It has: %s.', array_to_string(there, ', '));
        END IF;
        IF array_position(there, wanted, n + 1) IS NOT NULL
            OR cardinality(array_positions(key || s.features, wanted)) > 1 THEN
            RAISE EXCEPTION 'column "%" is there more than once', wanted
                USING ERRCODE = 'duplicate_column',
                      HINT = 'The key and each feature must be columns of their own, with names of their own.';
        END IF;
        -- with -1, because format_type calls char(n) without n character, which is char(1)
        s.source_columns := s.source_columns || wanted;
        s.source_types := s.source_types || format_type(types[n], -1);
        IF cardinality(s.source_columns) = 1 THEN
            CONTINUE;
        END IF;
        IF segment_internal.feature_type(types[n]) IS NULL THEN
            RAISE EXCEPTION 'feature "%" has type %, expected a number, boolean, text or enum', wanted, types[n]
                USING ERRCODE = 'datatype_mismatch',
                      HINT = 'Leave it out by naming the others in features, or turn it into a number, '
                             'for instance a date into days: extract(epoch FROM ...) / 86400.';
        END IF;
        s.feature_types := s.feature_types || segment_internal.feature_type(types[n]);
    END LOOP;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.choose_source_columns(segmentation) IS
$$A new segmentation with the key and features that its source has, with their types: those asked for,
by default the first column and all others.
Errors: undefined_column, duplicate_column, datatype_mismatch.$$;

CREATE FUNCTION segment_internal.bind_cluster_columns(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    types text[] := s.feature_types;
BEGIN
    s := segment_internal.choose_source_columns(s);
    IF s.feature_types <> types THEN
        RAISE EXCEPTION 'features of another kind than when segmentation "%" was created: % in place of %',
            s.name, s.feature_types, types
            USING ERRCODE = 'datatype_mismatch',
                  HINT = 'Numbers cannot become categories, nor categories numbers: create another segmentation.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.bind_cluster_columns(segmentation) IS
'A segmentation with the types that the key and the features have in its source now. Errors: as choose_source_columns.';

CREATE FUNCTION segment_internal.create_cluster_segmentation(
    name text, source text, k integer, key text, features text[], method text, options jsonb,
    retrain_every interval, schema name,
    description text, search_path text, max_departed double precision) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    key_found record;
BEGIN
    s.search_path := search_path;
    schema := segment_internal.check_new_segmentation(name, source, schema,
        'create_cluster_segmentation(''behaviour'', ''SELECT customer_id, visits, spend FROM customers'', k => 4)');
    s.name := name;
    s.kind := 'cluster';
    s.method := coalesce(method, 'kmeans');
    s.source := segment_internal.source_query(source, s.search_path);
    s.features := features;
    s.options := coalesce(nullif(options, 'null'), '{}');
    IF jsonb_typeof(s.options) = 'object' THEN
        s.options := segment_internal.changed_options(s, CASE WHEN k IS NULL THEN '{}'
                                                              ELSE jsonb_build_object('k', k) END);
    END IF;
    s.retrain_every := retrain_every;
    s.time_zone := current_setting('TimeZone');
    s.max_departed := coalesce(max_departed, 0.5);
    s.description := description;
    s.source_columns := ARRAY[key];
    s := segment_internal.checked('choose_source_columns', s);
    SELECT * INTO key_found FROM segment_internal.source_key(s);
    s := segment_internal.checked('check_cluster_options', s);
    RAISE NOTICE 'key "%", features %', s.source_columns[1],
        (SELECT string_agg(quote_ident(f), ', ' ORDER BY n) FROM unnest(s.features) WITH ORDINALITY AS u (f, n));
    RETURN segment_internal.create_segmentation(s, schema, key_found.name, key_found.type, key_found.collation);
END;
$$;
COMMENT ON FUNCTION segment_internal.create_cluster_segmentation(text, text, integer, text, text[], text,
                                                                 jsonb, interval, name, text, text, double precision) IS
$$The work of create_cluster_segmentation,
which fills in what only the caller's session knows: schema and search_path.$$;

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_cluster_segmentation(
    name text, source text, k integer DEFAULT NULL, key text DEFAULT NULL, features text[] DEFAULT NULL,
    method text DEFAULT 'kmeans', options jsonb DEFAULT '{}', retrain_every interval DEFAULT NULL,
    schema name DEFAULT current_schema(), description text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path'), max_departed double precision DEFAULT 0.5) RETURNS regclass
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.create_cluster_segmentation(
    name, source, k, key, features, method, options, retrain_every, coalesce(schema, current_schema()), description,
    coalesce(search_path, current_setting('search_path')), max_departed);
COMMENT ON FUNCTION create_cluster_segmentation(text, text, integer, text, text[], text, jsonb,
                                                interval, name, text, text, double precision) IS
$$Creates a segmentation by clustering and its two tables NAME_segments
(present members, with their features) and NAME_history (places they had before), owned by the current user;
returns the member table.
Nobody is a member before the first refresh_segmentation().
source: a query, or the name of a table or view, with one row per customer;
a customer with two rows is an error of the refresh.
k: number of segments, 5 unless options has it.
key: the column that identifies the customer, by default the first; it keeps its name and type.
features: the columns that tell customers apart, by default all others; numbers are kept as double precision,
strings, booleans and enums as text.
Customers with a missing feature are no members, unless options has "nulls": "mean"; the run counts them.
method: kmeans, or another of cluster_methods().
options: further arguments of that function by name,
for instance {"n_init": 20, "log": ["spend"], "scale": "robust"}; and warm_start
(kmeans): whether retraining starts from the centroids of the model before, true by default,
see refresh_segmentation.
retrain_every: how long a model is kept; NULL, the default, trains at the first refresh and then only when told to,
by retrain_segmentation().
Segments get proposed names, see propose_segment_names, and are recognised after retraining, see model_match.
schema: of the tables, default the current one.
search_path: under which the source runs, default the session's.
max_departed: the share of members that may depart in one refresh, see refresh_segmentation.
NULL for any argument with a default, and null for an option, is that default.
Errors: duplicate_object for a taken name, name_too_long beyond 53 bytes,
and whatever the source or an option is refused for.$$;
