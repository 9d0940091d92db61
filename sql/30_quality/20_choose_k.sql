-- ---- how many segments ----

CREATE FUNCTION choose_k(
    features feature_set, k_min integer DEFAULT 2, k_max integer DEFAULT 12,
    method text DEFAULT 'kmeans', criterion text DEFAULT 'silhouette',
    n_init integer DEFAULT 10, max_iter integer DEFAULT NULL, tol double precision DEFAULT NULL,
    scale text DEFAULT 'zscore', log text[] DEFAULT NULL, winsorize jsonb DEFAULT NULL, weights jsonb DEFAULT NULL,
    nulls text DEFAULT 'skip', metric text DEFAULT 'euclidean', covariance text DEFAULT 'full',
    gamma double precision DEFAULT NULL,
    n_references integer DEFAULT 20, n_resamples integer DEFAULT 10, seed bigint DEFAULT 1,
    OUT k integer, OUT inertia double precision, OUT silhouette double precision,
    OUT davies_bouldin double precision, OUT calinski_harabasz double precision,
    OUT gap double precision, OUT gap_se double precision, OUT bic double precision,
    OUT stability double precision, OUT recommended boolean, OUT reason text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_choose_k' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 11 COST 1000000;
COMMENT ON FUNCTION choose_k(feature_set, integer, integer, text, text, integer, integer, double precision, text,
                             text[], jsonb, jsonb, text, text, text, double precision, integer, integer, bigint) IS
$$How many segments the rows fall into: trains a model for each k from k_min to k_max and gives a row for each,
in order: k; inertia (about the means of segments), silhouette,
davies_bouldin and calinski_harabasz as of the model that the method would give with that k,
in its scaled coordinates; gap, the gap statistic from n_references uniform draws from the box around the points,
and gap_se, its standard error (Tibshirani, Walther and Hastie 2001);
bic, of k normal distributions of one variance in all directions (Pelleg and Moore 2000; smaller is better);
stability, the mean adjusted Rand index of n_resamples pairs of models trained on four fifths of the distinct rows
each, drawn at random.
Both with at most 3 starts.
recommended is true in one row, which criterion chooses: 'silhouette',
'calinski_harabasz' or 'stability' the largest, 'davies_bouldin' or 'bic' the smallest,
'gap' the first k that k + 1 does not exceed by more than its standard error.
reason says in words why, and what the other criteria choose; in other rows which criteria choose that k, or NULL.
method: 'kmeans'; 'bisecting_kmeans', trained once, for k_max, and cut;
'gaussian_mixture' with the given covariance: bic is the mixture's own, and there is no gap;
'kprototypes' with the given gamma: inertia is the cost (the sum of distances to prototypes),
silhouette in its distance, as silhouette(features, model),
and there is none of the figures that need means or a box around the rows (davies_bouldin, calinski_harabasz, gap,
bic).
max_iter and tol by default as by default in the method; other arguments as there.
NULL are: indices that are not defined (one segment, or as many as rows), stability of one segment,
gap without inertia, gap and bic with metric 'cosine', gap with n_references 0, stability with n_resamples 0.
Fewer distinct rows than k_max: so many at most, with a NOTICE.
Above 20,000 distinct rows the silhouette, above 2,000 (or 50 k_max) gap and stability are those of a sample,
the same for the same rows, with a NOTICE.
Rows that cannot be used are skipped, with a NOTICE.
The same rows, options and seed give the same figures, whatever the order of rows.
NULL features: no rows.
Errors: as the method's, and invalid_parameter_value for an argument that the method has not
(tol with 'kprototypes', gamma with the others, metric 'cosine' with 'kprototypes' and 'gaussian_mixture').$$;

CREATE FUNCTION stability(features feature_set, model segment_model, n_resamples integer DEFAULT 20,
                          seed bigint DEFAULT 1) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_stability_of_model' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION stability(feature_set, segment_model, integer, bigint) IS
$$Whether a model's segments come out again: the mean adjusted Rand index of its segments of the rows and those of
n_resamples models of its kind, each trained on a random part
(four fifths) of the distinct rows in the model's scaled coordinates, and placing all rows.
Of the model's training are taken: number of segments, starts, metric, gamma, covariance;
max_iter, tol and reg_covar as by default.
For models by kmeans, bisecting_kmeans, kprototypes and gaussian_mixture.
1: always the same segments; near 0: others each time.
Rows are counted alike, whatever their weight.
Categories that the model has not met take part in the other trainings.
Rows that get no segment are skipped and counted in a NOTICE.
The same rows and seed give the same figure, whatever the order of rows.
Any NULL, or no row with a segment: NULL.
Errors: wrong_object_type for a model of another kind, invalid_parameter_value for n_resamples below 1,
program_limit_exceeded where training would have it, and for features as silhouette(feature_set, segment_model).$$;
