-- ---- candidates: a segmentation as it would be under another definition ----
--
-- Nothing of a candidate is stored: it is a row of the table segmentation with changes,
-- given to the same functions that make the steps of a refresh.  A kind that has candidates has
--
--   KIND_candidate(s, definition)    the segmentation with the definition changed, checked as at creation
--   KIND_candidate_places(s, now)    what stands for places of its steps in place of what would
--   KIND_own_model(s, model)         a model somebody gives, with the ids that the segments have here
--   KIND_model_places(s, model)      what stands for places where that model is in use
--   KIND_to_copy(s)                  the segmentation as a copy is to be made of it
--   KIND_copied(s)                   what is left to do where a copy was created of it
--
-- each of them but the first only if there is need.

CREATE FUNCTION segment_internal.check_candidate_keys(definition jsonb, known text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong text := (SELECT min(k) FROM jsonb_object_keys(definition) AS k WHERE k <> ALL (known));
BEGIN
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'a definition has no "%" here', wrong
            USING ERRCODE = 'invalid_parameter_value', HINT = format('It may have: %s.', array_to_string(known, ', '));
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_candidate_keys(jsonb, text[]) IS
'Raises an error (invalid_parameter_value) where a changed definition has anything but what is known.';

CREATE FUNCTION segment_internal.candidate_source(s segmentation, definition jsonb) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    s.source := segment_internal.source_query(definition ->> 'source', s.search_path);
    IF s.source IS NULL THEN
        RAISE EXCEPTION 'source must not be null'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave it out for the source that there is.';
    END IF;
    -- the key under its name, or else the first column
    s.source_columns := ARRAY[(SELECT c.name FROM segment_internal.query_columns(s.source, s.search_path) AS c
                               WHERE c.name = s.source_columns[1] LIMIT 1)];
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.candidate_source(segmentation, jsonb) IS
$$A segmentation with the source of a changed definition, and of its columns the key, if it has one of that name.
Errors: null_value_not_allowed, and as query_columns.$$;

CREATE FUNCTION segment_internal.check_candidate_key(s segmentation) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_type text := format_type(segment_internal.key_type(s.members), -1);
BEGIN
    IF s.source_types[1] <> key_type THEN
        RAISE EXCEPTION 'the key in the source is of type %, and of type % in segmentation "%"',
            s.source_types[1], key_type, s.name
            USING ERRCODE = 'datatype_mismatch', HINT = format('Cast it in the source: %I::%s.', s.source_columns[1],
                                                               key_type);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_candidate_key(segmentation) IS
$$Raises an error (datatype_mismatch) where customers of a candidate's source cannot be compared with those of the
segmentation, because their keys are of another type.$$;

-- ---- RFM ----

CREATE FUNCTION segment_internal.rfm_candidate(s segmentation, definition json) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes jsonb := definition;
BEGIN
    PERFORM segment_internal.check_candidate_keys(changes, '{source,customers,scheme,cuts,bins,thresholds,lookback,'
                                                           'refunds,zero_amounts,summarised,hysteresis}');
    IF changes ? 'source' THEN
        s := segment_internal.candidate_source(s, changes);
    END IF;
    IF changes ? 'customers' THEN
        s.customers := segment_internal.source_query(changes ->> 'customers', s.search_path);
    END IF;
    s.options := segment_internal.changed_options(s, changes - '{source,customers}'::text[]);
    IF changes ?| '{source,summarised}' THEN
        s := segment_internal.checked('bind_rfm_columns', s);
        PERFORM segment_internal.check_candidate_key(s);
    END IF;
    RETURN segment_internal.checked('check_rfm_options', s);
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_candidate(segmentation, json) IS
$$A segmentation by RFM with another source, other customers or other options, checked as at creation.
Errors: whatever creation refuses, datatype_mismatch for a key of another type.$$;

CREATE FUNCTION segment_internal.rfm_own_model(s segmentation, model segment_model) RETURNS segment_model
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.identified_model(s, model, 'RFM', 'rfm', 'rfm_model() trains one.');
COMMENT ON FUNCTION segment_internal.rfm_own_model(segmentation, segment_model) IS
$$A model by RFM with the ids and names that its segments would have in a segmentation, recognised as after a
retraining. Error (wrong_object_type) for a model of another kind.$$;

CREATE FUNCTION segment_internal.rfm_model_places(s segmentation, model segment_model) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.rfm_tenure_places(s, EXISTS (SELECT FROM rfm_cut_points(model) AS c
                                                     WHERE c.feature = 'tenure'));
COMMENT ON FUNCTION segment_internal.rfm_model_places(segmentation, segment_model) IS
'What stands for the places in rfm_steps that hang on whether the model in use has tenure, for a model that is given.';

CREATE FUNCTION segment_internal.rfm_values(OUT placed text, OUT member text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'v8', 'monetary';
END;
COMMENT ON FUNCTION segment_internal.rfm_values() IS
'What a customer is worth, by the columns of the step placed, and by those of the member table.';

-- ---- clusterings ----

CREATE FUNCTION segment_internal.cluster_candidate(s segmentation, definition json) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes jsonb := definition;
BEGIN
    IF changes ? 'source' THEN
        s := segment_internal.candidate_source(s, changes);
    END IF;
    IF changes ? 'features' THEN
        IF jsonb_typeof(changes -> 'features') <> 'array' THEN
            RAISE EXCEPTION 'features must be a list of columns, not %', changes -> 'features'
                USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance ["visits", "spend"].';
        END IF;
        s.features := ARRAY(SELECT f FROM jsonb_array_elements_text(changes -> 'features') AS f);
    END IF;
    IF changes ?| '{source,features}' THEN
        s := segment_internal.checked('choose_source_columns', s);
        PERFORM segment_internal.check_candidate_key(s);
    END IF;
    s.method := coalesce(changes ->> 'method', s.method);
    s.options := segment_internal.changed_options(s, changes - '{source,features,method}'::text[]);
    RETURN segment_internal.checked('check_cluster_options', s);
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_candidate(segmentation, json) IS
$$A segmentation by clustering with another source, other features, another method or other options of it, checked
as at creation.
Errors: whatever creation refuses, datatype_mismatch for a key of another type.$$;

CREATE FUNCTION segment_internal.model_features(model segment_model) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT f ->> 'name' FROM jsonb_array_elements(model::jsonb -> 'features') WITH ORDINALITY AS l (f, n)
             ORDER BY n);
COMMENT ON FUNCTION segment_internal.model_features(segment_model) IS 'The names of the features of a model, in order.';

CREATE FUNCTION segment_internal.candidate_match(model segment_model, old_model segment_model, next_id integer)
    RETURNS segment_model
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN segment_internal.model_features(model) = segment_internal.model_features(old_model)
            THEN model_match(model, old_model, next_id)
            ELSE segment_internal.model_identify(model, '{}', '{}', '{}', next_id) END;
COMMENT ON FUNCTION segment_internal.candidate_match(segment_model, segment_model, integer) IS
$$As model_match, but where the two models have different features, and so nothing to compare segments by, all
segments are new and get ids from next_id on.$$;

CREATE FUNCTION segment_internal.new_segments(model segment_model, next_id integer) RETURNS segment_model
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN next_id > 1 THEN segment_internal.model_identify(model, '{}', '{}', '{}', next_id) ELSE model END;
COMMENT ON FUNCTION segment_internal.new_segments(segment_model, integer) IS
'A model with segments that all are new, with ids from next_id on; of a first one they are right as they are.';

CREATE FUNCTION segment_internal.cluster_own_model(s segmentation, model segment_model) RETURNS segment_model
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next_id integer := (SELECT coalesce(max(g.segment_id), 0) + 1 FROM segment.segment AS g
                        WHERE g.segmentation = s.name);
BEGIN
    IF model::jsonb ->> 'kind' = ANY (segment.cluster_methods()) IS NOT TRUE THEN
        RAISE EXCEPTION 'segmentation "%" is by clustering, and the model of kind "%"', s.name, model::jsonb ->> 'kind'
            USING ERRCODE = 'wrong_object_type',
                  HINT = format('One of %s() trains one.', array_to_string(segment.cluster_methods(), '(), '));
    END IF;
    IF segment_internal.model_features(model) <> s.features THEN
        RAISE EXCEPTION 'the model has the features %, and segmentation "%" has %',
            array_to_string(segment_internal.model_features(model), ', '), s.name, array_to_string(s.features, ', ')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'They must be the same, and in the same order.';
    END IF;
    -- a version of its own has the ids that its segments have
    IF EXISTS (SELECT FROM segment.model AS m WHERE m.segmentation = s.name
               AND m.model OPERATOR(segment.=) cluster_own_model.model) THEN
        RETURN model;
    END IF;
    IF s.model_version IS NULL THEN
        RETURN segment_internal.new_segments(model, next_id);
    END IF;
    RETURN segment.propose_segment_names(
        segment_internal.candidate_match(model, segment.get_model(s.name), next_id), next_id);
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_own_model(segmentation, segment_model) IS
$$A model by clustering with the ids that its segments would have in a segmentation: as they are where it is one of its
versions, else recognised as after a retraining.
Errors: wrong_object_type for a model of another kind, invalid_parameter_value for other features.$$;

CREATE FUNCTION segment_internal.cluster_candidate_places(s segmentation, now segmentation) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- with the features that there are now, segments are matched as ever
    RETURN CASE WHEN s.features = now.features OR now.model_version IS NULL THEN '{}' ELSE (
        SELECT jsonb_build_object('matched', format(
            'segment.propose_segment_names(segment_internal.candidate_match(trained.model, %s, %s), %2$s)',
            segment_internal.current_model_query(s), coalesce(max(g.segment_id), 0) + 1))
        FROM segment.segment AS g WHERE g.segmentation = s.name) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.cluster_candidate_places(segmentation, segmentation) IS
$$What stands for the places in cluster_steps of a candidate with other features than there are now.$$;

-- ---- rules ----

CREATE FUNCTION segment_internal.rules_candidate(s segmentation, definition json) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    changes jsonb := definition;
    next_id integer := (SELECT coalesce(max(g.segment_id), 0) FROM segment.segment AS g WHERE g.segmentation = s.name);
    before jsonb := s.options -> 'rules';
    rules jsonb := '[]';
    rule jsonb;
    stored jsonb;
    id integer;
    rest text := s.options -> 'rest' ->> 'segment';
BEGIN
    PERFORM segment_internal.check_candidate_keys(changes, '{version,source,rules,rest,exclusive}');
    IF changes ? 'version' THEN
        s.options := segment_internal.rules_of_version(s, (changes ->> 'version')::integer);
        before := s.options -> 'rules';
        rest := s.options -> 'rest' ->> 'segment';
    END IF;
    IF changes ? 'source' THEN
        s := segment_internal.candidate_source(s, changes);
    END IF;
    IF changes ? 'exclusive' THEN
        IF jsonb_typeof(changes -> 'exclusive') <> 'boolean' THEN
            RAISE EXCEPTION 'exclusive must be true or false, not %', changes -> 'exclusive'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        s.options := s.options || jsonb_build_object('exclusive', changes -> 'exclusive');
    END IF;
    IF changes ? 'rules' THEN
        FOR rule IN SELECT r FROM jsonb_array_elements(segment_internal.rules_from_json(definition -> 'rules')) AS r
        LOOP
            -- a name that there is now is that segment
            id := segment_internal.open_segment_id(s, rule ->> 'segment');
            IF id IS NULL THEN
                next_id := next_id + 1;
                id := next_id;
            END IF;
            stored := (SELECT b FROM jsonb_array_elements(before) AS b WHERE (b ->> 'segment_id')::integer = id
                       AND b ->> 'rule' = rule ->> 'rule');
            rules := rules || jsonb_build_array(coalesce(stored, '{}') || rule || jsonb_build_object('segment_id', id));
        END LOOP;
        s.options := s.options || jsonb_build_object('rules', rules);
        -- a rest whose name a rule has now is none
        IF jsonb_path_exists(rules, '$[*] ? (@.segment_id == $id)',
                             jsonb_build_object('id', s.options -> 'rest' -> 'segment_id')) THEN
            s.options := s.options - 'rest';
        END IF;
    END IF;
    IF changes ? 'rest' THEN
        rest := changes ->> 'rest';
        IF rest = '' OR s.options -> 'rules' @> jsonb_build_array(jsonb_build_object('segment', rest)) THEN
            RAISE EXCEPTION 'the segment of the rest is named "%", which %', rest,
                            CASE rest WHEN '' THEN 'is no name' ELSE 'has a rule' END
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Give those that no rule takes a name of their own, or null for no segment.';
        END IF;
        s.options := s.options - 'rest' || CASE WHEN rest IS NULL THEN '{}' ELSE jsonb_build_object(
            'rest', jsonb_build_object('segment', rest, 'segment_id',
                                       coalesce(segment_internal.open_segment_id(s, rest), next_id + 1))) END;
    END IF;
    s := segment_internal.checked('bind_rules_columns', s);
    PERFORM segment_internal.check_candidate_key(s);
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_candidate(segmentation, json) IS
$$A segmentation by rules with those of another version, another source, other rules, another rest or the other answer
to whether a customer is in one segment, checked as at creation. Segments are recognised by their names.
Errors: undefined_object for an unknown version, whatever creation refuses, datatype_mismatch for a key of another
type.$$;

CREATE FUNCTION segment_internal.rules_candidate_places(s segmentation, now segmentation) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'segments', string_agg(format('(%s, %L)', g.id, g.name), ', ' ORDER BY g.id),
        'open_ids', format('%L::integer[]', array_agg(g.id ORDER BY g.id)),
        'open_names', format('%L::text[]', array_agg(g.name ORDER BY g.id)))
    FROM (SELECT (r.one ->> 'segment_id')::integer AS id, coalesce(o.name, r.one ->> 'segment') AS name
          FROM jsonb_array_elements(s.options -> 'rules' || coalesce(s.options -> 'rest', '[]')) AS r (one)
          LEFT JOIN segment AS o ON o.segmentation = s.name AND o.segment_id = (r.one ->> 'segment_id')::integer) AS g;
END;
COMMENT ON FUNCTION segment_internal.rules_candidate_places(segmentation, segmentation) IS
'What stands for the places with the segments of a candidate by rules, in place of those that there are now.';

CREATE FUNCTION segment_internal.rules_to_copy(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names jsonb := (SELECT jsonb_object_agg(g.segment_id, g.name) FROM segment.segment AS g
                    WHERE g.segmentation = s.name);
BEGIN
    s.options := jsonb_set(s.options, '{rules}', (
        SELECT jsonb_agg(r.one || jsonb_build_object('segment', coalesce(names -> (r.one ->> 'segment_id'),
                                                                         r.one -> 'segment')) ORDER BY r.n)
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (one, n)));
    IF names ? (s.options -> 'rest' ->> 'segment_id') THEN
        s.options := jsonb_set(s.options, '{rest,segment}', names -> (s.options -> 'rest' ->> 'segment_id'));
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_to_copy(segmentation) IS
'A segmentation by rules with the names that its segments have now, where they were renamed.';

CREATE FUNCTION segment_internal.rules_copied(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM segment_internal.first_rules(s, s.description);
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_copied(segmentation) IS
'Makes the rules of a segmentation that was created as a copy its first version.';
