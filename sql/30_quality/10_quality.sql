-- ---- quality of segments: labels against coordinates ----

CREATE FUNCTION silhouette(features feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_silhouette_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION silhouette(feature_set) IS
$$The mean silhouette of labelled rows: SELECT silhouette(feature_set(label, a, b)) FROM t.
The first feature is the label, a whole number or a category, the others are coordinates, taken as they are, with
Euclidean distances.
-1 to 1: near 1 where rows lie with their own label, 0 between labels, negative with another's.
Equal to scikit-learn's silhouette_score; a row of weight w counts as w equal rows.
Time grows with the square of the rows: above 20,000 distinct rows it is that of a sample of so many, the same for the
same rows, with a NOTICE.
Rows with a missing or infinite value are skipped and counted in a NOTICE.
NULL, with a NOTICE, when there are fewer than two labels or not fewer labels than rows.
Errors: invalid_parameter_value for a label that is not a whole number or a set with one feature, datatype_mismatch
for a coordinate that is a category.$$;

CREATE FUNCTION simplified_silhouette(features feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_simplified_silhouette_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION simplified_silhouette(feature_set) IS
$$As silhouette(), with distances to the means of labels instead of mean distances to rows: all rows,
in time that grows with their number (Hruschka, de Castro and Campello 2004).
Another figure than the silhouette, usually higher; compare it with itself only.
NULL, skipped rows and errors: as silhouette().$$;

CREATE FUNCTION davies_bouldin(features feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_davies_bouldin_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION davies_bouldin(feature_set) IS
$$The Davies-Bouldin index of labelled rows, feature_set(label, a, b): for each label the worst ratio of scatter
(mean distance to the mean) of it and another to the distance of their means, averaged.
0 or more; lower is better.
Equal to scikit-learn's davies_bouldin_score.
NULL, skipped rows and errors: as silhouette().$$;

CREATE FUNCTION calinski_harabasz(features feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_calinski_harabasz_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION calinski_harabasz(feature_set) IS
$$The Calinski-Harabasz index of labelled rows,
feature_set(label, a, b): variance between labels over variance within.
0 or more; higher is better.
Equal to scikit-learn's calinski_harabasz_score, also in being 1 where all rows of each label are equal.
NULL, skipped rows and errors: as silhouette().$$;

CREATE FUNCTION inertia(features feature_set) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_inertia_labelled' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION inertia(feature_set) IS
$$The sum of squared distances of labelled rows, feature_set(label, a, b), to the mean of their label,
in the squared unit of the coordinates; weighted where the set is.
NULL when no row can be used.
Skipped rows: as silhouette().
Errors: as silhouette(), and numeric_value_out_of_range when it exceeds a double.$$;

CREATE FUNCTION cluster_quality(
    features feature_set,
    OUT label text, OUT rows bigint, OUT weight double precision, OUT inertia double precision,
    OUT spread double precision,
    OUT nearest text, OUT separation double precision, OUT silhouette double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_cluster_quality_of_rows'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10 COST 100000;
COMMENT ON FUNCTION cluster_quality(feature_set) IS
$$One row per label of labelled rows, feature_set(label, a, b), in the order of labels: the label as text,
how many rows have it, the sum of their weights, inertia (sum of squared distances to their mean), spread
(root mean square distance to their mean), nearest (the label whose mean is nearest; of equally near ones the first),
separation (distance to that mean) and silhouette (mean of its rows; above 20,000 distinct rows of a sample,
with a NOTICE).
All in the units of the coordinates.
nearest, separation and silhouette are NULL where there is one label only,
silhouette also where there are as many labels as rows or the sample has no row of the label.
Skipped rows and errors: as inertia().$$;

-- the same of rows labelled by a model
CREATE FUNCTION silhouette(features feature_set, model segment_model) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_silhouette_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION silhouette(feature_set, segment_model) IS
$$The mean silhouette of rows in the segments a model gives them: SELECT silhouette(features, kmeans(features, 4)).
Distances are those the model sees, in its scaled coordinates,
so the figure says how well the model divides the rows; with categories
(kprototypes) the root of what segment_distance() squares, each different category adding gamma.
Features are matched by name where the set has names (others are left aside), else by position.
Rows that get no segment are skipped and counted in a NOTICE.
Otherwise as silhouette(feature_set), also above 20,000 distinct rows.
Errors: wrong_object_type for a model without such coordinates (RFM),
undefined_column or invalid_parameter_value for features other than the model's, datatype_mismatch for a category in
place of a number or the reverse.$$;

CREATE FUNCTION simplified_silhouette(features feature_set, model segment_model) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_simplified_silhouette_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION simplified_silhouette(feature_set, segment_model) IS
$$As simplified_silhouette(feature_set), of rows in the segments a model gives them,
in its scaled coordinates: distances to the means of these rows by segment.
Skipped rows and errors: as silhouette(feature_set, segment_model),
and wrong_object_type for a model with categories, which have no means.$$;

CREATE FUNCTION davies_bouldin(features feature_set, model segment_model) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_davies_bouldin_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION davies_bouldin(feature_set, segment_model) IS
$$The Davies-Bouldin index, as davies_bouldin(feature_set), of rows in the segments a model gives them,
in its scaled coordinates.
Skipped rows and errors: as simplified_silhouette(feature_set, segment_model).$$;

CREATE FUNCTION calinski_harabasz(features feature_set, model segment_model) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_calinski_harabasz_of_rows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION calinski_harabasz(feature_set, segment_model) IS
$$The Calinski-Harabasz index, as calinski_harabasz(feature_set), of rows in the segments a model gives them,
in its scaled coordinates.
Skipped rows and errors: as simplified_silhouette(feature_set, segment_model).$$;

CREATE FUNCTION cluster_quality(
    features feature_set, model segment_model,
    OUT label text, OUT rows bigint, OUT weight double precision, OUT inertia double precision,
    OUT spread double precision,
    OUT nearest text, OUT separation double precision, OUT silhouette double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_cluster_quality_of_rows'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10 COST 100000;
COMMENT ON FUNCTION cluster_quality(feature_set, segment_model) IS
$$One row per segment that has rows, in the order of the model's segments: as cluster_quality(feature_set),
of rows in the segments a model gives them.
label is the segment's name; inertia, spread and separation are in the model's scaled coordinates.
Skipped rows and errors: as simplified_silhouette(feature_set, segment_model).$$;
