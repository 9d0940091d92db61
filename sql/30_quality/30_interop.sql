-- ---- models for other programs ----

CREATE FUNCTION model_to_pmml(model segment_model) RETURNS xml
    AS 'MODULE_PATHNAME', 'segment_model_to_pmml' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION model_to_pmml(segment_model) IS
$$A model as PMML 4.4, for programs that place rows outside PostgreSQL,
which then give them the segments that assign_segment gives, or the numbers that predict does.
kmeans: a ClusteringModel with centers and squared Euclidean distances; kprototypes: the same,
with an indicator for each category, weighted so that a different category costs what it does in the model;
bisecting_kmeans: a TreeModel, down which a row goes as down the splits
(where the nearest of all centers may be another segment's); rule_tree: a TreeModel of its own conditions.
linear_regression: a RegressionModel with a table of the coefficients; logistic_regression: the same for
classification by the logit, with a table for the positive label and one of 0 for the other value of the target, which
is false for true, 0 for 1, else 'not ' and the label; a missing value, or a category that training did not meet, is
invalid.
Scaling, logarithms and clipping are derived fields; centers are scaled coordinates, as distances are taken;
segments have their ids and names.
With nulls 'skip' a missing value is invalid, with 'mean' it is replaced.
Infinite values, which segment takes for missing, are the reader's affair.
NULL model: NULL.
Errors: feature_not_supported for models by gaussian_mixture and of buying and spending, for which PMML has no
form, and by rfm_model,
and for a model that tells no rows apart (categories only, gamma 0),
character_not_in_repertoire for a name or category with a control character, which XML cannot express.$$;
