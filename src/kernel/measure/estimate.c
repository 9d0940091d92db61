/*
 * estimate.c: the value of an outcome, its standard error and an interval around it.
 *
 * A rate p of n: the standard error is sqrt(p (1 - p) / n), the interval that of Wilson,
 *
 *		(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),
 *
 *	which stays within 0 and 1 and is good for few customers.  Both ends together multiply
 *	to p^2 / (1 + z^2 / n): so the lower one needs no difference of near numbers.  The upper
 *	one is, for p above 1/2, what the lower one of the failures leaves of 1.
 *
 * A mean: Student's t with n - 1 degrees of freedom.
 *
 * A ratio of sums R, numerator y and denominator d: its customers vary by
 *
 *		(var y - 2 R cov(y, d) + R^2 var d) / (mean d)^2
 *
 *	(the delta method: Taylor linearisation, as in surveys), and t as above.
 *
 * References: Wilson, JASA 22, 1927; Student, Biometrika 6, 1908; Cochran, Sampling
 * Techniques, 3rd edition 1977, 6.4.
 */
#include "kernel/measure/estimate.h"

#include <float.h>
#include <math.h>

#include "kernel/base/beta.h"
#include "kernel/base/hash.h"

#define NOT_A_NUMBER segment_bits_double(UINT64CONST(0x7FF8000000000000))

/* z sqrt(p (1 - p) / n + z^2 / 4n^2); square is z^2 / n */
static double
wilson_root(double successes, double n, double square)
{
	return sqrt(square * (successes / n * ((n - successes) / n) + square / 4));
}

/* p divided by what is at least 1: never above p. */
static double
wilson_lower(double successes, double n, double width)
{
	double		p = successes / n;
	double		square = width * width / n;

	if (successes <= 0)
		return 0;
	return p / (1 + (square / 2 + wilson_root(successes, n, square)) / p);
}

/* Nothing negative is added to a p up to 1/2: the limit of a rare event keeps all digits. */
static double
wilson_upper(double successes, double n, double width)
{
	double		p = successes / n;
	double		square = width * width / n;
	double		upper;

	if (p <= 0.5)
		return p + (square * (0.5 - p) + wilson_root(successes, n, square)) / (1 + square);
	upper = 1 - wilson_lower(n - successes, n, width);
	/* only by rounding */
	return upper < p ? p : upper;
}

void
segment_wilson(double successes, double n, double width, double *lower, double *upper)
{
	*lower = wilson_lower(successes, n, width);
	*upper = wilson_upper(successes, n, width);
}

/* A rate, a mean or a ratio; NaN without customers, and for a ratio to 0. */
double
segment_outcome_value(const SegmentMomentsOfOutcome *outcome)
{
	if (outcome->n == 0 || (outcome->kind == SEGMENT_RATIO && outcome->mean[1] == 0))
		return NOT_A_NUMBER;
	if (outcome->kind == SEGMENT_RATE)
		return outcome->successes / outcome->n;
	return outcome->kind == SEGMENT_MEAN ? outcome->mean[0] : outcome->mean[0] / outcome->mean[1];
}

/* Of one customer, whose mean has the n-th part of it; NaN where it cannot be told. */
double
segment_outcome_variance(const SegmentMomentsOfOutcome *outcome)
{
	double		ratio = segment_outcome_value(outcome);
	double		of_numerator;
	double		of_denominator;
	double		variance;

	if (outcome->kind == SEGMENT_RATE)
		return ratio * (1 - ratio);
	if (isnan(ratio) || outcome->n < 2)
		return NOT_A_NUMBER;
	of_numerator = outcome->covariance[0][0];
	if (outcome->kind == SEGMENT_MEAN)
		return of_numerator;
	of_denominator = ratio * ratio * outcome->covariance[1][1];
	variance = of_numerator - 2 * ratio * outcome->covariance[0][1] + of_denominator;
	/* all have the same ratio: what is left is rounding */
	if (variance <= 16 * DBL_EPSILON * (of_numerator + of_denominator))
		return 0;
	return variance / (outcome->mean[1] * outcome->mean[1]);
}

void
segment_estimate(const SegmentMomentsOfOutcome *outcome, double level, SegmentEstimate *estimate)
{
	double		variance = segment_outcome_variance(outcome);
	double		half;

	estimate->value = segment_outcome_value(outcome);
	estimate->std_error = estimate->lower = estimate->upper = NOT_A_NUMBER;
	if (isnan(variance))
		return;
	estimate->std_error = sqrt(variance / outcome->n);
	if (outcome->kind == SEGMENT_RATE)
	{
		segment_wilson(outcome->successes, outcome->n, segment_normal_width(level),
					   &estimate->lower, &estimate->upper);
		return;
	}
	half = segment_student_width(level, outcome->n - 1) * estimate->std_error;
	estimate->lower = estimate->value - half;
	estimate->upper = estimate->value + half;
}
