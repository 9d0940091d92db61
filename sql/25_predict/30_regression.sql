-- ---- linear and logistic regression ----

CREATE FUNCTION linear_regression(
    features feature_set, target text DEFAULT NULL, penalty double precision DEFAULT 0,
    l1_share double precision DEFAULT 0, standardize boolean DEFAULT true, baseline jsonb DEFAULT NULL,
    intercept boolean DEFAULT true, errors text DEFAULT NULL, cluster text DEFAULT NULL) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_linear_regression' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION linear_regression(feature_set, text, double precision, double precision, boolean, jsonb,
                                      boolean, text, text) IS
$$Trains a linear regression by least squares: what number to expect of a row, and what each feature has to do with it.
predict(model, ...) applies it, regression_coefficients(model) shows it; coefficients, errors and p-values are those
of R's lm.
target: name of the feature to predict; NULL: the first one, feature_set(target, a, b).
Other features are numbers, or categories, each of which but the baseline has a coefficient of its own.
baseline: {"feature": "category"}; by default the first by the bytes of its name.
Weights of feature_set_weighted() weigh the rows, as those of lm do.
Rows with a missing or infinite value or without weight are skipped, with a NOTICE.
Of a sampled feature set coefficients and standard errors are those of the rows it has kept; a NOTICE tells.
penalty: lambda of ridge, lasso and elastic net; half the mean squared error (weighted) +
penalty * sum(l1_share * |b| + (1 - l1_share) / 2 * b^2) is minimal, b being coefficients but the intercept
(Friedman, Hastie and Tibshirani 2010); there are no standard errors then.
l1_share: 0 is ridge, 1 the lasso.
standardize: b are coefficients of features brought to standard deviation 1; else of features as they are.
intercept: false: none.
errors: 'model', where all rows differ by chance alike, or by the residuals of the rows (robust): 'HC0' (White 1980),
'HC1', 'HC2' and 'HC3' (MacKinnon and White 1985); NULL: 'model', or 'CR1' with clusters.
cluster: name of a feature, a number or a category, that says which rows may differ by chance together, as those of a
customer or a product do; it is no regressor, and predict() does not want it.
Errors are then 'CR1' (Liang and Zeger 1986): V = c (X'WX)^-1 (sum over clusters of s s') (X'WX)^-1,
s = X'W (y - Xb) over the rows of a cluster, c = G / (G - 1) * (n - 1) / (n - p), of G clusters, n rows and
p coefficients; p-values and intervals are by Student's t with G - 1 degrees of freedom.
So Stata's vce(cluster) has it, and vcovCL of R's sandwich; with a row a cluster it is HC1.
It takes many clusters, some 30 or more; errors of categories that are clusters themselves mean nothing.
Numbers beyond 2^53 are clusters as double precision: cast such keys to text.
A column that follows from those before it (numbers before categories) is left out, with a NOTICE; its coefficient
is NULL, and counts as 0.
model_metrics has deviance (the sum of squared residuals), null_deviance, r_squared, residual_error (NULL without a
degree of freedom), rank (coefficients), iterations, and clusters, where there are any.
The same rows and options give the same model, byte for byte, whatever the order of rows.
Takes about as much memory as the feature set.
NULL features: NULL.
Errors: no_data when no row can be used, or all are of one cluster, datatype_mismatch for a target that is a category,
invalid_parameter_value for a single feature, an unknown target or cluster, other errors with a cluster and numbers
out of range, duplicate_column for two features of one name, null_value_not_allowed,
program_limit_exceeded for more than 2000 coefficients, numeric_value_out_of_range,
data_exception where it does not converge.$$;

CREATE FUNCTION logistic_regression(
    features feature_set, target text DEFAULT NULL, penalty double precision DEFAULT 0,
    l1_share double precision DEFAULT 0, standardize boolean DEFAULT true, baseline jsonb DEFAULT NULL,
    intercept boolean DEFAULT true, errors text DEFAULT NULL, cluster text DEFAULT NULL,
    positive text DEFAULT NULL, max_iterations integer DEFAULT 50) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_logistic_regression' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION logistic_regression(feature_set, text, double precision, double precision, boolean, jsonb,
                                        boolean, text, text, text, integer) IS
$$Trains a logistic regression by maximum likelihood: how probable one of two labels is, and what each feature has to
do with it.
predict(model, ...) is the probability, regression_coefficients(model) shows coefficients (logarithms of odds ratios);
they, their errors and p-values are those of R's glm(family = binomial).
target: name of the feature that is the label, NULL: the first one; a number that is 0 or 1, or a category.
positive: the label whose probability it is, of a category; NULL: the second by the bytes of its name of two
('true', 'yes'); given, it is told from all others.
Weights multiply the log-likelihood of rows.
The penalty is of the mean log-likelihood (weighted); it and the other arguments are as in linear_regression.
With a cluster s is of W (y - probability), X'WX the matrix of second derivatives, and p-values are by the normal
distribution; so vcovCL(type = "HC1") has it, while Stata's logit leaves (n - 1) / (n - p) out.
max_iterations: steps of Newton's method at most.
Where features tell the labels apart without error, at least of some rows (separation), the likelihood has no maximum:
an error says so, and which feature has the largest part in it; a penalty gives finite coefficients.
model_metrics has deviance, null_deviance, mcfadden (1 - deviance / null_deviance), log_likelihood, aic, rank,
iterations.
The same rows and options give the same model, byte for byte, whatever the order of rows.
NULL features: NULL.
Errors: as linear_regression; no_data where all rows have the same label, data_exception for separation and where it
does not converge, invalid_parameter_value for numbers other than 0 and 1 or more than two labels.$$;

CREATE FUNCTION regression_coefficients(
    model segment_model, confidence double precision DEFAULT 0.95,
    OUT feature text, OUT category text, OUT baseline boolean, OUT coefficient double precision,
    OUT error double precision, OUT statistic double precision, OUT p double precision,
    OUT lower double precision, OUT upper double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_regression_coefficients' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION regression_coefficients(segment_model, double precision) IS
$$The coefficients of a regression, a row each: the intercept first (feature NULL), then the features in order,
of a categorical one a row a category; baseline: the category that the others are compared with, whose coefficient
is 0.
coefficient: what one unit more of the feature, or the category in place of the baseline, adds to the target, or to
the logarithm of the odds of the positive label; NULL where the column follows from others.
error: its standard error; statistic: coefficient / error; p: how likely one as far from 0 is by chance, by Student's
t (linear; of clusters with one degree of freedom less than there are) or the normal distribution (logistic);
lower, upper: the interval that holds it with the confidence asked for (Wald).
They are NULL for baselines, and where the model has none: penalised, or no more rows than coefficients;
statistic and p also where the error is 0.
NULL for any argument: no rows.
Errors: wrong_object_type for a model of another kind, invalid_parameter_value for a confidence that is not between
0 and 1.$$;
