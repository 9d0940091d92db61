-- ---- drift: how far features have moved ----

CREATE FUNCTION feature_drift(
    before feature_set, after feature_set, bins integer DEFAULT 10,
    OUT feature text, OUT kind text, OUT rows_before bigint, OUT rows_after bigint,
    OUT missing_before double precision, OUT missing_after double precision, OUT psi double precision,
    OUT ks double precision, OUT ks_p double precision,
    OUT chi2 double precision, OUT chi2_df double precision, OUT chi2_p double precision,
    OUT wasserstein double precision, OUT relative double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_feature_drift' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10 COST 100000;
COMMENT ON FUNCTION feature_drift(feature_set, feature_set, integer) IS
$$How far the features of one set have moved to those of another with the same features:
SELECT d.* FROM (SELECT feature_set(a, b) AS s FROM march) AS m, (SELECT feature_set(a, b) AS s FROM april) AS n,
feature_drift(m.s, n.s) AS d.
A row a feature: kind (numeric or categorical), rows on both sides, the share of rows whose value is missing or
not finite, and
psi: population stability index, natural logarithms, over cells; categories are cells, numbers fall into as many
cells as bins says by the quantiles of before, equal ones joined, and missing values are a cell;
one that is empty on one side counts there as 0.99 rows (as the R package scorecard has it);
usual limits are 0.1 and 0.25 (Siddiqi 2006);
ks: the largest distance of the two distribution functions (Kolmogorov and Smirnov), ks_p: how likely one as large is
by chance, from its limiting distribution (R: ks.test with exact = FALSE);
chi2, chi2_df, chi2_p: chi squared of the cells, its degrees of freedom, and how likely one as large is by chance;
wasserstein: how far a value has to be moved on average to make the one the other, in the feature's unit;
relative: the same in standard deviations of before.
With many rows the p-values are near 0 for moves of no importance: look at psi, ks and relative then.
ks, wasserstein and relative leave missing values out and are NULL for categories and where one side has no value;
relative also where all values before are equal and those after are not.
psi and chi2 are NULL where one side has no row.
bins: 2 to 100.
Rows of weight 0 or NULL do not count; with weights the tests count as many rows as would say as much without.
Of sampled sets: the measures of the samples, with a NOTICE, both brought to the smaller share.
NULL for any argument: no rows.
Errors: datatype_mismatch for sets of other features, invalid_parameter_value for bins.$$;

CREATE FUNCTION segment_internal.feature_marginals(features feature_set, points integer) RETURNS feature_set[]
    AS 'MODULE_PATHNAME', 'segment_feature_marginals' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION segment_internal.feature_marginals(feature_set, integer) IS
$$Each feature of a set as a set of its own, in order, without what the others were in the same row, in bounded
space: of a number at most about twice as many values as points says, neighbours being joined to their mean,
fewer towards the ends of the distribution (its distribution function moves by pi/4/points at most),
and the very values where they are no more than points;
of a category at most points of them, beyond that a sample by the hash of their names.
Error (invalid_parameter_value) for a set with weights.$$;

CREATE FUNCTION segment_internal.training_marginals(features feature_set, points integer) RETURNS feature_set[]
    AS 'MODULE_PATHNAME', 'segment_training_marginals' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION segment_internal.training_marginals(feature_set, integer) IS
$$As feature_marginals, of rows whose first feature is the id of their segment; in place of that one there is a set
with a row a segment: its id, its rows, and the means of the finite values of the other features,
exact and rounded once, missing for categories.
Error (invalid_parameter_value) for a set with weights, or an id that is not a whole number.$$;

CREATE FUNCTION segment_internal.cell_drift(before double precision[], after double precision[],
    OUT psi double precision, OUT chi2 double precision, OUT chi2_df double precision, OUT chi2_p double precision)
    AS 'MODULE_PATHNAME', 'segment_cell_drift' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.cell_drift(double precision[], double precision[]) IS
$$psi and chi squared, as feature_drift has them, of cells that were counted already.
Errors: invalid_parameter_value for different numbers of cells or counts below 0, null_value_not_allowed.$$;
