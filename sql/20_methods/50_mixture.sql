-- ---- clustering: mixtures of normal distributions ----

CREATE FUNCTION gaussian_mixture(
    features feature_set, k integer, covariance text DEFAULT 'full', n_init integer DEFAULT 10,
    max_iter integer DEFAULT 500, tol double precision DEFAULT 1e-6,
    reg_covar double precision DEFAULT 1e-6, scale text DEFAULT 'zscore', log text[] DEFAULT NULL,
    winsorize jsonb DEFAULT NULL, weights jsonb DEFAULT NULL,
    nulls text DEFAULT 'skip', seed bigint DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_gaussian_mixture_train' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION gaussian_mixture(feature_set, integer, text, integer, integer, double precision,
                                     double precision, text, text[], jsonb, jsonb, text, bigint) IS
$$Trains a mixture of k normal distributions: segments may differ in size, shape and direction, and overlap;
a row belongs to the likeliest, and segment_probabilities tells how surely.
Expectation-maximisation (Dempster, Laird and Rubin 1977) from n_init starts,
in turn the clusters of k-means and points around seeds of k-means++.
The best two go on with moves of two components, as long as these win: a swap takes one out and splits another, a refit
fits both anew (after Ueda, Nakano, Ghahramani and Hinton 2000).
There are none after a single start, or with fewer than three components.
The likeliest goes on until the mean log-likelihood of a row gains less than tol in a step.
A start, a move, and what follows take at most max_iter steps each.
Of many rows a uniform sample takes part in starts and moves, all in the rest.
covariance: 'full' (each segment its own matrix), 'tied' (one for all), 'diag'
(each its own variances, no correlation) or 'spherical' (each one variance).
reg_covar is added to variances, as a share of the variance of all rows; 0 for the plain estimate.
A component that is left without rows, or has no spread in some direction, is kept with a small variance, counted
(n_collapsed of model_metrics) and told with a NOTICE.
model_metrics has log_likelihood, aic and bic,
all of scaled features: compare them between models of the same features and scale.
scale, log, winsorize, weights, nulls and seed as in kmeans.
Segments are named 'Segment 1', the largest, to 'Segment k'.
The same rows, seed and options give the same model, byte for byte, whatever the order of rows.
Fewer distinct rows than k: that many segments, with a NOTICE.
NULL features: NULL.
Errors: as kmeans, and program_limit_exceeded when the covariances exceed maintenance_work_mem.$$;

CREATE FUNCTION segment_probabilities(model segment_model, VARIADIC features "any") RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_probabilities_of_row' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_probabilities(segment_model, VARIADIC "any") IS
$$How probable each segment is for a row, as {"name of a segment": probability}; they add up to 1
(what is below 1e-16 counts as 0), and assign_segment returns the one with the highest.
NULL model, or a row that has no segment: NULL.
Error (wrong_object_type) for models without probabilities: only gaussian_mixture makes some that have.
Arguments as in assign_segment.$$;
