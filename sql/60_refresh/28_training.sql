-- ---- what is kept of a training, to measure drift by ----

CREATE FUNCTION segment_internal.training_figures(s segmentation, model segment_model, at timestamptz)
    RETURNS feature_set[]
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- a distribution function is off by pi/4/2048 at most, 0.04 % of the customers
    points CONSTANT integer := 2048;
    reading record;
    features segment.feature_set[];
    distances segment.feature_set[];
    sizes segment.feature_set;
BEGIN
    EXECUTE format('SELECT d.* FROM segment_internal.%I($1) AS d', s.kind || '_drift') INTO reading USING s;
    EXECUTE format(
        'SELECT segment_internal.training_marginals(segment.feature_set(f.*), $3),
                segment_internal.feature_marginals(segment.feature_set(%s), $3)
         FROM (SELECT m.segment_id, %s FROM %s AS m WHERE %s OFFSET 0) AS f',
        coalesce(reading.distance, 'NULL'), reading.features, s.members, reading.counted)
    INTO features, distances USING model, at, points;
    IF features IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT segment.feature_set(g.segment_id, g.customers) INTO sizes
    FROM segment.segment AS g WHERE g.segmentation = s.name AND g.customers > 0;
    RETURN features[1] || (sizes || features[2:]) || CASE WHEN reading.distance IS NOT NULL THEN distances END;
END;
$$;
COMMENT ON FUNCTION segment_internal.training_figures(segmentation, segment_model, timestamptz) IS
$$What drift is measured by, of the present members as of an instant, under a model: feature sets, namely
1: a row a segment: its id, its customers with features, the means of these (missing for categories);
2: a row a segment: its id and all of its customers;
then each feature of the model by itself, see feature_marginals;
and, where the model has distances, how far customers lie from the centre of their segment.
NULL: nobody has features.$$;

CREATE FUNCTION segment_internal.record_training(s segmentation, model segment_model, at timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
    -- of a sample was told by the training
    SET client_min_messages = warning
AS $$
BEGIN
    -- as it is by now
    s := segment_internal.segmentation_row(s.name);
    IF to_regproc(format('segment_internal.%I', s.kind || '_drift')) IS NULL
        -- what is trained at every refresh is never out of date
        OR s.retrain_every IS NULL
           AND (SELECT k.retrains = 'always' FROM segment_internal.kind AS k WHERE k.kind = s.kind) THEN
        RETURN;
    END IF;
    PERFORM segment_internal.change_catalogue('record_training', s.name,
                                              segment_internal.training_figures(s, model, at));
END;
$$;
COMMENT ON FUNCTION segment_internal.record_training(segmentation, segment_model, timestamptz) IS
$$Keeps with the current model what segment_drift compares with later, and nothing of earlier versions;
for segmentations whose kind can have drift, and that do not train at every refresh.$$;
