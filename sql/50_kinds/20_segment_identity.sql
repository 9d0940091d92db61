-- ---- clusters: what they are called, and which is which after retraining ----

CREATE FUNCTION propose_segment_names(model segment_model, from_id integer DEFAULT 1) RETURNS segment_model
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- a segment whose mean is nearer to that of the whole, in standard deviations, is not told apart by the feature
    least_z CONSTANT float8 := 0.5;
    taken text[] := ARRAY(SELECT s.segment FROM segment.segments(model) AS s
                          WHERE s.segment <> s.origin OR s.segment_id < from_id);
    named jsonb := '[]';
    s record;
    traits text[];
    proposed text;
    n integer;
BEGIN
    FOR s IN SELECT g.segment_id, g.segment, g.origin FROM segment.segments(model) WITH ORDINALITY AS g
             ORDER BY g.ordinality LOOP
        IF s.segment <> s.origin OR s.segment_id < from_id THEN
            named := named || jsonb_build_object('id', s.segment_id, 'name', s.segment, 'origin', s.origin);
            CONTINUE;
        END IF;
        -- with metric cosine there is a direction, and no z; a category tells segments apart
        -- where it is not that of all
        SELECT array_agg(CASE WHEN c.category IS NOT NULL THEN replace(c.feature, '_', ' ') || ' ' || c.category
                              WHEN c.z > 0 THEN 'high ' || replace(c.feature, '_', ' ')
                              ELSE 'low ' || replace(c.feature, '_', ' ') END
                         ORDER BY c.category IS NOT NULL, abs(c.z) DESC, c.n)
        INTO traits
        FROM (SELECT p.segment_id, p.feature, p.category, coalesce(p.z, p.scaled) AS z, p.ordinality AS n,
                     min(p.category) OVER f IS DISTINCT FROM max(p.category) OVER f AS differs
              FROM segment.centroids(model) WITH ORDINALITY AS p WINDOW f AS (PARTITION BY p.feature)) AS c
        WHERE c.segment_id = s.segment_id AND (abs(c.z) >= least_z OR c.category IS NOT NULL AND c.differs);
        -- the two that stand out most; more where that is somebody else's name; then a number
        n := 2;
        LOOP
            proposed := coalesce(array_to_string(traits[:n], ', '), 'average')
                || CASE WHEN n > greatest(cardinality(traits), 2)
                            THEN format(' (%s)', n - greatest(cardinality(traits), 2) + 1) ELSE '' END;
            EXIT WHEN proposed <> ALL (taken);
            n := n + 1;
        END LOOP;
        taken := taken || proposed;
        named := named || jsonb_build_object('id', s.segment_id, 'name', proposed);
    END LOOP;
    RETURN jsonb_set(model::jsonb, '{segments}', named);
END;
$$;
COMMENT ON FUNCTION propose_segment_names(segment_model, integer) IS
$$A clustering model whose segments are named after what sets them apart: "high spend, low recency",
the one or two features whose z (see centroids) is largest, of those with at least 0.5 either way; then categories,
as in "tier gold", where they are not the same in all segments; "average" where there is none of these.
Where two would have the same name, the smaller segment's tells more features, or gets a number.
Segments that were renamed before, and those whose id is below from_id, keep their names.
NULL: NULL.
Errors: wrong_object_type for a model without centroids.$$;

CREATE FUNCTION model_match(model segment_model, old_model segment_model, next_id integer) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_model_match' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_match(segment_model, segment_model, integer) IS
$$A newly trained clustering whose segments have the ids,
names and origins of the segments of the model before that they are, by minimum-cost assignment
(exact, for any number of segments).
The cost of a pair is the squared distance of the two centres as the old model measures it,
and at most the squared distance of the old segment from its nearest old neighbour:
what lies further than that is not the same segment.
What is not recognised keeps its own name, with a number behind it where that is taken, and gets ids from next_id on.
NULL: NULL.
Errors: wrong_object_type for models without distances, such as RFM models;
invalid_parameter_value where the two have different features;
program_limit_exceeded when the distances of all pairs do not fit into maintenance_work_mem.
Used by refresh_segmentation.$$;

CREATE FUNCTION segment_spacing(model segment_model, OUT segment_id integer, OUT segment text, OUT nearest_id integer,
                                OUT nearest text, OUT distance double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_model_spacing' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION segment_spacing(segment_model) IS
$$For each segment of a clustering the segment whose centre is nearest,
and the distance of the two centres in scaled coordinates; NULL where there is one segment only.
Error (wrong_object_type) for models without distances, such as RFM models.$$;

CREATE FUNCTION segment_silhouette(model segment_model, VARIADIC features "any") RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_silhouette_of_row' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_silhouette(segment_model, VARIADIC "any") IS
$$How clearly a row belongs to its segment, its simplified silhouette
(Hruschka, de Castro and Campello 2004): (b - a) / greatest(a, b),
a the distance from the centre of its own segment and b from the nearest other one.
Near 1 well inside, 0 on the border.
NULL model, a row that has no segment, or one segment only: NULL.
Error (wrong_object_type) for models without distances, such as RFM models.
Arguments as in assign_segment.$$;

-- ---- segments that are known by their origin: what a model calls them ----

CREATE FUNCTION segment_internal.segment_identity(s segmentation, OUT ids integer[], OUT origins text[],
                                                  OUT names text[], OUT next_id integer)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    -- open segments first: they keep their names
    SELECT coalesce(array_agg(g.segment_id ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
           coalesce(array_agg(g.origin ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
           coalesce(array_agg(g.name ORDER BY g.closed_at IS NOT NULL, g.segment_id), '{}'),
           coalesce(max(g.segment_id), 0) + 1
    FROM segment AS g WHERE g.segmentation = s.name;
END;
COMMENT ON FUNCTION segment_internal.segment_identity(segmentation) IS
'The segments that a segmentation has had, as model_identify takes them: ids, origins, names; next_id: of a new one.';

CREATE FUNCTION segment_internal.identified_model(s segmentation, model segment_model, what text, kind text, hint text)
    RETURNS segment_model
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF model::jsonb ->> 'kind' <> kind THEN
        RAISE EXCEPTION 'segmentation "%" is by %, and the model of kind "%"', s.name, what, model::jsonb ->> 'kind'
            USING ERRCODE = 'wrong_object_type', HINT = hint;
    END IF;
    RETURN (SELECT segment_internal.model_identify(model, i.ids, i.origins, i.names, i.next_id)
            FROM segment_internal.segment_identity(s) AS i);
END;
$$;
COMMENT ON FUNCTION segment_internal.identified_model(segmentation, segment_model, text, text, text) IS
$$A model that somebody gives, with the ids and names that its segments would have in a segmentation, recognised by
their origin as after a retraining. Error (wrong_object_type) where it is not of the kind of models that the
segmentation has; what: that, in words; hint: how one is made.$$;
