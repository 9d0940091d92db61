-- ---- how well predictions tell two labels apart ----

CREATE FUNCTION prediction_quality(
    features feature_set, positive text DEFAULT NULL,
    OUT rows bigint, OUT positives bigint, OUT auc double precision, OUT ks double precision,
    OUT log_loss double precision, OUT brier double precision)
    AS 'MODULE_PATHNAME', 'segment_prediction_quality' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION prediction_quality(feature_set, text) IS
$$How well predictions tell two labels apart, of rows that the model was not trained on:
prediction_quality(feature_set(label, predict(model, a, b))).
The label is 0 or 1, or a category; positive: its positive one, by default the second by the bytes of its name of two.
The prediction is any number; log_loss and brier are NULL where one is no probability.
auc: the probability that a row with the label has a higher prediction than one without, equal ones counting half;
ks: the largest distance of the distribution functions of the two; NULL where a label has no row;
log_loss: the mean of -ln of the probability given to what came, Infinity where one was 0;
brier: the mean squared distance of prediction and label.
Weights of feature_set_weighted() count; rows without label, prediction or weight are skipped with a NOTICE.
NULL features: NULL.
Errors: no_data without rows or where a category has one label, invalid_parameter_value for other features,
numbers other than 0 and 1 or more than two labels.$$;

CREATE FUNCTION prediction_table(
    features feature_set, bins integer DEFAULT 10, positive text DEFAULT NULL,
    OUT bin integer, OUT rows bigint, OUT positives bigint, OUT lowest double precision, OUT highest double precision,
    OUT predicted double precision, OUT observed double precision, OUT lift double precision,
    OUT reached double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_prediction_table' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 10 COST 10000;
COMMENT ON FUNCTION prediction_table(feature_set, integer, text) IS
$$Calibration and lift of predictions by deciles, of the features and labels that prediction_quality takes.
Rows are divided by their predictions into as many bins as asked for (2 to 100), of about the same size (or weight),
the highest first; equal predictions stay together, in the bin where the middle of them falls, so there may be fewer.
lowest, highest: of the predictions; predicted: their mean; observed: the share of rows with the positive label, which
is near predicted where the model is calibrated;
lift: observed by the share among all; reached: the share of all positive rows that this bin and those above it hold;
NULL where there is none.
NULL features: no rows.
Errors: as prediction_quality, and invalid_parameter_value for bins.$$;

CREATE FUNCTION rank_criteria(
    features feature_set, target text DEFAULT NULL, positive text DEFAULT NULL, bins integer DEFAULT 10,
    resamples integer DEFAULT 200, confidence double precision DEFAULT 0.95, seed bigint DEFAULT 0,
    OUT feature text, OUT kind text, OUT cells integer,
    OUT information_value double precision, OUT iv_lower double precision, OUT iv_upper double precision,
    OUT mutual_information double precision, OUT mi_lower double precision, OUT mi_upper double precision,
    OUT gini double precision, OUT gini_lower double precision, OUT gini_upper double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rank_criteria' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 20 COST 100000;
COMMENT ON FUNCTION rank_criteria(feature_set, text, text, integer, integer, double precision, bigint) IS
$$How much each feature alone says about one of two labels, the most telling first (by information value).
target: the feature that is the label, NULL: the first; 0 or 1, or a category, whose positive label is as in
prediction_quality.
Numbers fall into as many cells as bins says (2 to 100) by their quantiles, equal ones together; each category is a
cell, and so are missing values.
information_value: sum of (g - b) ln(g / b) over cells, g and b being the shares of the two labels that fall into them,
an empty side counting as 0.99 rows (usual limits: 0.02 weak, 0.1 medium, 0.3 strong; Siddiqi 2006);
mutual_information: of cell and label, in nats;
gini: 2 auc - 1 of the cells ordered by their rate of positive labels.
lower and upper: basic bootstrap intervals (Davison and Hinkley 1997), not below 0, of as many resamples, in which
each count is a Poisson number; they correct for what chance adds, so a lower end of 0 says that the feature may tell
nothing; NULL for no resamples.
A NOTICE names features whose information value (the lower end, where there is one) is above 0.5, as that is mostly too
good to be true (Siddiqi 2006): they may be known only after the label.
The same rows, options and seed give the same figures.
Rows without a label are skipped with a NOTICE.
NULL features: no rows.
Errors: no_data where a label has no row, feature_not_supported for a set with weights, invalid_parameter_value for
an unknown target, labels as in prediction_quality and numbers out of range, null_value_not_allowed.$$;
