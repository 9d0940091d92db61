-- ---- clustering: models that are centroids ----

CREATE FUNCTION kmeans(
    features feature_set, k integer, n_init integer DEFAULT 10, max_iter integer DEFAULT 300,
    tol double precision DEFAULT 1e-4,
    scale text DEFAULT 'zscore', log text[] DEFAULT NULL, winsorize jsonb DEFAULT NULL, weights jsonb DEFAULT NULL,
    nulls text DEFAULT 'skip', metric text DEFAULT 'euclidean',
    centroids double precision[] DEFAULT NULL, seed bigint DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_kmeans_train' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION kmeans(feature_set, integer, integer, integer, double precision, text, text[],
                           jsonb, jsonb, text, text, double precision[], bigint) IS
$$Trains a k-means model: k segments whose members lie as close to their segment's mean as possible.
Greedy k-means++ draws the start (Arthur and Vassilvitskii 2007),
Lloyd's steps follow, with bounds that leave out needless distances (Hamerly 2010, Ding et al. 2015);
the best of n_init starts, compared when their centroids move by less than tol
(sum of squares, as a share of the mean variance), goes on until nothing changes, at most max_iter steps.
Segments are named 'Segment 1', the largest, to 'Segment k'.
scale: 'zscore' (standard deviation 1), 'minmax' (0 to 1), 'robust' (interquartile range 1) or 'none'.
Where the interquartile range is 0, 'robust' divides by the range from quantile 0.1 to 0.9, else from 0.05 to 0.95,
else from 0.01 to 0.99, else by the standard deviation, and tells in a NOTICE.
A feature that is the same in all rows, but for rounding in the last digits, takes no part.
log: names of features to take sign(x) ln(1 + |x|) of.
winsorize: values beyond quantiles are set to them; a share p for [p, 1 - p] in all features,
or {feature: p or [low, high]}.
weights: {feature: weight of its squared difference}.
nulls: 'skip' leaves out rows with a missing or infinite value, which get no segment; 'mean' puts the mean in.
metric: 'euclidean' or 'cosine' (rows and centroids are brought to length 1 after scaling).
centroids: to start from, k rows of features in their own units; then there is one start.
Unnamed features are called f1, f2, ...
The same rows, seed and options give the same model, byte for byte, whatever the order of rows; the same segments,
whatever the order of features. iterations of model_metrics() are the steps that moved something:
scikit-learn's n_iter_ counts the one that confirms it, too.
Fewer distinct rows than k: that many segments, with a NOTICE.
A set beyond maintenance_work_mem is trained on a sample, scaled by the figures of all rows, with a NOTICE;
refine_model() goes on with all rows.
Trainings that take long enough are shared by parallel workers, at most max_parallel_maintenance_workers,
unless the query that calls already runs in one; that does not change the model.
NULL features: NULL.
Errors: invalid_parameter_value, undefined_column for an option that names no feature,
datatype_mismatch for categories (see kprototypes), duplicate_column for two features of one name,
no_data when no row can be used,
program_limit_exceeded above 32000 segments.$$;

CREATE FUNCTION bisecting_kmeans(
    features feature_set, k integer, n_init integer DEFAULT 10, max_iter integer DEFAULT 300,
    tol double precision DEFAULT 1e-4,
    scale text DEFAULT 'zscore', log text[] DEFAULT NULL, winsorize jsonb DEFAULT NULL, weights jsonb DEFAULT NULL,
    nulls text DEFAULT 'skip', metric text DEFAULT 'euclidean', seed bigint DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_bisecting_train' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION bisecting_kmeans(feature_set, integer, integer, integer, double precision, text,
                                     text[], jsonb, jsonb, text, text, bigint) IS
$$Trains a hierarchy of k segments: one segment of all rows,
of which again and again the one with the largest inertia is divided in two by k-means
(Steinbach, Karypis and Kumar 2000; scikit-learn's BisectingKMeans with 'biggest_inertia').
The model keeps the splits: cut_model() gives the one for any smaller k without training again.
A row goes down from split to split to the nearer of two centroids,
so segments of a cut are unions of segments of the whole; the segment with the nearest centroid may be another one.
Segments are numbered by size, as in kmeans; inertia is somewhat larger than what kmeans finds for the same k.
n_init, max_iter and tol are those of each split; iterations of the model is their sum,
converged whether all of them did.
Other options, NULLs, memory, repeatability and errors: as kmeans.
Rows too close to be told apart: fewer segments, with a NOTICE.$$;

CREATE FUNCTION cut_model(model segment_model, k integer) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_cut_model' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cut_model(segment_model, integer) IS
$$The model of k segments that a hierarchy (bisecting_kmeans) passed on its way: its first k - 1 splits, the same,
byte for byte, as training with that k.
Segments are numbered and named anew, from the largest; with k the number of segments the model stays as it is.
NULL: NULL.
Errors: wrong_object_type for models that are no hierarchy,
invalid_parameter_value for k below 1 or above the number of segments.$$;

CREATE FUNCTION centroids(model segment_model, OUT segment_id integer, OUT segment text,
                          OUT feature text, OUT value double precision, OUT category text,
    OUT scaled double precision, OUT z double precision, OUT size double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_model_centroids' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION centroids(segment_model) IS
$$What each segment is like, a row per segment and feature: the typical value in the feature's own unit
(the mean; of a logarithm the mean's inverse; NULL for a category and with metric 'cosine'), the typical category
(NULL for a number), the scaled coordinate that distances are measured in, z
(distance from the mean of all training rows in standard deviations; NULL where there is none),
and the segment's size (training rows, or the sum of their weights).
Error (wrong_object_type) for models without centroids, such as RFM models.$$;

CREATE FUNCTION segment_distance(model segment_model, VARIADIC features "any") RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_distance_of_row' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_distance(segment_model, VARIADIC "any") IS
$$How far a row lies from the centre of its segment, in scaled coordinates: small for a typical member.
Of a gaussian_mixture it is the Mahalanobis distance, in standard deviations of the segment.
NULL model, or a row that has no segment: NULL.
Error (wrong_object_type) for models without distances, such as RFM models.
Arguments as in assign_segment.$$;
