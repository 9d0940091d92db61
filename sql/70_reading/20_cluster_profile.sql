-- ---- what the segments of a clustering are like ----

CREATE FUNCTION segment_internal.has_features(s segmentation) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN s.features IS NOT NULL AND EXISTS (SELECT FROM segment_internal.kind AS k WHERE k.kind = s.kind)
            THEN s.features = ARRAY(SELECT c.name FROM segment_internal.member_columns(s) AS c ORDER BY c.number)
            ELSE false END;
COMMENT ON FUNCTION segment_internal.has_features(segmentation) IS
$$Whether the columns of a segmentation's member table are the features it names, as those of clusterings are;
other columns are not known to be harmless, whatever an owner has put into the catalogue.$$;

CREATE FUNCTION segment_internal.readable_clustering(name text) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    IF NOT segment_internal.has_features(s) THEN
        RAISE EXCEPTION 'segmentation "%" is not a clustering', name
            USING ERRCODE = 'wrong_object_type', HINT = 'segment_profile(name) speaks of RFM.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.readable_clustering(text) IS
$$A segmentation by clustering whose tables can be read.
Errors: undefined_object, wrong_object_type, object_not_in_prerequisite_state.$$;

-- The text of queries for one feature of the members.  Values are added up in
-- their order, so that the order of rows in the table changes no bit.  OFFSET 0 has
-- them brought here where they lie on other servers, which cannot do either.
CREATE FUNCTION segment_internal.feature_figures_query(s segmentation, number integer) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN format(CASE WHEN s.feature_types[number] = 'double precision' THEN
    'SELECT %1$s AS number, segment_id, avg(%2$I ORDER BY %2$I) AS mean, stddev_pop(%2$I ORDER BY %2$I) AS deviation,
            segment_internal.middle(percentile_disc(segment_internal.middle_two())
                                    WITHIN GROUP (ORDER BY %2$I)) AS median,
            NULL::text AS value, NULL::numeric AS value_share, NULL::numeric AS overall_share
     FROM (SELECT segment_id, %2$I FROM %3$s OFFSET 0) AS m GROUP BY GROUPING SETS ((segment_id), ())'
ELSE
    'SELECT DISTINCT ON (v.segment_id) %1$s, v.segment_id, NULL::float8, NULL::float8, NULL::float8, v.value,
            round(v.n / v.of_segment, 6), round(v.n_all / v.of_all, 6)
     FROM (SELECT segment_id, %2$I AS value, count(*) AS n, sum(count(*)) OVER (PARTITION BY segment_id) AS of_segment,
                  sum(count(*)) OVER (PARTITION BY %2$I) AS n_all, sum(count(*)) OVER () AS of_all
           FROM (SELECT segment_id, %2$I FROM %3$s OFFSET 0) AS m GROUP BY 1, 2) AS v
     WHERE v.value IS NOT NULL ORDER BY v.segment_id, v.n DESC, v.value COLLATE "C"'
END, number, s.features[number], s.members);
COMMENT ON FUNCTION segment_internal.feature_figures_query(segmentation, integer) IS
'The text of a query for the figures of one feature by segment, and (segment_id NULL) of all members.';

CREATE FUNCTION segment_feature_profile(name text,
    OUT segment_id integer, OUT segment text, OUT customers bigint, OUT customer_share numeric, OUT feature text,
    OUT mean double precision, OUT median double precision, OUT overall_mean double precision, OUT z double precision,
    OUT value text, OUT value_share numeric, OUT overall_share numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 50 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_clustering(name);
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH size AS (
             SELECT segment_id, count(*) AS customers FROM %s GROUP BY 1
         ), figures AS MATERIALIZED (
             %s
         )
         SELECT g.segment_id, g.name, coalesce(n.customers, 0),
                round(coalesce(n.customers, 0) / nullif(sum(n.customers) OVER (PARTITION BY k.number), 0), 6),
                k.feature, f.mean, f.median, w.mean, (f.mean - w.mean) / nullif(w.deviation, 0),
                f.value, f.value_share, f.overall_share
         FROM unnest($1) AS g CROSS JOIN unnest($2) WITH ORDINALITY AS k (feature, number)
         LEFT JOIN size AS n USING (segment_id)
         LEFT JOIN figures AS f ON f.segment_id = g.segment_id AND f.number = k.number
         LEFT JOIN figures AS w ON w.segment_id IS NULL AND w.number = k.number
         WHERE g.closed_at IS NULL OR n.customers > 0
         ORDER BY g.priority, g.segment_id, k.number',
        s.members,
        (SELECT string_agg(format('(%s)', segment_internal.feature_figures_query(s, n)), ' UNION ALL ')
         FROM generate_subscripts(s.features, 1) AS n))
    USING segment_internal.segment_rows(s.name), s.features;
END;
$$;
COMMENT ON FUNCTION segment_feature_profile(text) IS
$$What the segments of a clustering are like after the last refresh, one row per segment and feature,
in the feature's own unit: customers and their share of all members (0 to 1); of a number: mean, median,
the mean of all members, and z, how many standard deviations (of all members) the mean lies from that
(NULL where all are equal); of a category: the most common value,
its share in the segment and its share of all members.
Read from the member table; missing values do not count.
Segments without members are listed with 0.
Errors: wrong_object_type for a segmentation by RFM.$$;

CREATE FUNCTION segment_internal.homogeneity_verdict(customers bigint, spread double precision, nearest text,
                                                     separation double precision, silhouette double precision)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN customers = 0 THEN 'has no customers'
    WHEN nearest IS NULL THEN format('is the only segment; its customers lie %s from its centre',
                                     round(spread::numeric, 2))
    -- the bounds of Kaufman and Rousseeuw
    WHEN silhouette > 0.5
        THEN format('holds together: its customers lie %s from its centre, the next segment, "%s", lies %s away',
                    round(spread::numeric, 2), nearest, round(separation::numeric, 2))
    WHEN silhouette > 0.25 THEN format('touches "%s", whose centre lies %s away: its customers lie %s from their own',
                                       nearest, round(separation::numeric, 2), round(spread::numeric, 2))
    ELSE format('runs into "%s", whose centre lies %s away: its customers lie %s from their own',
                nearest, round(separation::numeric, 2), round(spread::numeric, 2))
END;
COMMENT ON FUNCTION segment_internal.homogeneity_verdict(bigint, double precision, text,
                                                         double precision, double precision) IS
'The sentence of homogeneity_report.';

CREATE FUNCTION homogeneity_report(segmentation text,
    OUT segment_id integer, OUT segment text, OUT customers bigint, OUT spread double precision,
    OUT nearest text, OUT separation double precision,
    OUT silhouette double precision, OUT verdict text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_clustering(segmentation);
    model segment.segment_model := segment.get_model(s.name);
    features text := segment_internal.cluster_placed_features(s);
    taken text := (SELECT string_agg(format('m.%I AS v%s', c.name, c.number), ', ' ORDER BY c.number)
                   FROM segment_internal.cluster_columns(s) AS c);
BEGIN
    -- added up in order, so that the order of rows in the table changes no bit
    RETURN QUERY EXECUTE format(
        'WITH distance AS (
             SELECT segment_id, segment.segment_distance($2, %1$s) AS distance,
                    segment.segment_silhouette($2, %1$s) AS silhouette
             FROM (SELECT m.segment_id, %2$s FROM %3$s AS m) AS p OFFSET 0
         ), figures AS (
             SELECT segment_id, count(*) AS customers, sqrt(avg(distance ^ 2 ORDER BY distance)) AS spread,
                    avg(silhouette ORDER BY silhouette) AS silhouette
             FROM distance GROUP BY segment_id
         )
         SELECT r.*, segment_internal.homogeneity_verdict(r.customers, r.spread, r.nearest, r.separation, r.silhouette)
         FROM (SELECT g.segment_id, g.name, coalesce(f.customers, 0) AS customers, f.spread, n.name AS nearest,
                      p.distance AS separation, f.silhouette
               FROM segment.segment_spacing($2) AS p
               JOIN unnest($1) AS g ON g.segment_id = p.segment_id
               LEFT JOIN unnest($1) AS n ON n.segment_id = p.nearest_id
               LEFT JOIN figures AS f ON f.segment_id = p.segment_id
               ORDER BY g.priority) AS r',
        features, taken, s.members)
    USING segment_internal.segment_rows(s.name), model;
END;
$$;
COMMENT ON FUNCTION homogeneity_report(text) IS
$$How well the segments of a clustering hold together, by the current model and the members of the last refresh:
customers; spread (root mean square distance of members from the segment's centre), nearest
(the segment whose centre is nearest) and separation (distance to it),
all in the model's scaled coordinates; silhouette (mean simplified silhouette of members, see segment_silhouette:
near 1 where they lie apart from others, 0 on the border, negative beyond it); verdict: a sentence,
"holds together" for a silhouette above 0.5, "touches" the nearest above 0.25, else "runs into" it
(bounds of Kaufman and Rousseeuw 1990).
Errors: wrong_object_type for a segmentation by RFM, object_not_in_prerequisite_state before the first refresh.$$;
