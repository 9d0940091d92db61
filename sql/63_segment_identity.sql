-- ---- clusters: what they are called, and which is which after retraining ----

CREATE FUNCTION propose_segment_names(model segment_model) RETURNS segment_model
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- a segment whose mean is nearer to that of the whole, in standard deviations, is not told apart by the feature
    least_z CONSTANT float8 := 0.5;
    taken text[] := ARRAY(SELECT s.segment FROM segment.segments(model) AS s WHERE s.segment <> s.origin);
    named jsonb := '[]';
    s record;
    traits text[];
    proposed text;
    n integer;
BEGIN
    FOR s IN SELECT g.segment_id, g.segment, g.origin FROM segment.segments(model) WITH ORDINALITY AS g ORDER BY g.ordinality LOOP
        IF s.segment <> s.origin THEN
            named := named || jsonb_build_object('id', s.segment_id, 'name', s.segment, 'origin', s.origin);
            CONTINUE;
        END IF;
        SELECT array_agg(CASE WHEN c.z > 0 THEN 'high ' ELSE 'low ' END || replace(c.feature, '_', ' ') ORDER BY abs(c.z) DESC, c.ordinality)
        INTO traits
        FROM segment.centroids(model) WITH ORDINALITY AS c
        WHERE c.segment_id = s.segment_id AND abs(c.z) >= least_z AND c.z <> 'NaN';
        -- the two that stand out most; more where that is somebody else's name; then a number
        n := 2;
        LOOP
            proposed := coalesce(array_to_string(traits[:n], ', '), 'average')
                || CASE WHEN n > greatest(cardinality(traits), 2) THEN format(' (%s)', n - greatest(cardinality(traits), 2) + 1) ELSE '' END;
            EXIT WHEN proposed <> ALL (taken);
            n := n + 1;
        END LOOP;
        taken := taken || proposed;
        named := named || jsonb_build_object('id', s.segment_id, 'name', proposed);
    END LOOP;
    RETURN jsonb_set(model::jsonb, '{segments}', named);
END;
$$;
COMMENT ON FUNCTION propose_segment_names(segment_model) IS
'A clustering model whose segments are named after what sets them apart: "high spend, low recency", the one or two features whose z (see centroids) is largest, of those with at least 0.5; "average" where there is none. Where two would have the same name, the smaller segment''s tells more features, or gets a number. Segments that were renamed before keep their names. NULL: NULL. Errors: wrong_object_type for a model without centroids.';
