/*
 * lift.c: how the outcome of treated customers differs from that of a control group, in
 * absolute terms and relative to control; and how large a difference has to be to be found.
 *
 * One method a quantity, so that the absolute and the relative interval exclude 0 together:
 *
 *	rates		difference: Newcombe's, from the limits l, u of Wilson of both,
 *				d - sqrt((p1 - l1)^2 + (u2 - p2)^2) to d + sqrt((u1 - p1)^2 + (p2 - l2)^2);
 *				lift: all R - 1 where the same interval of p1 - R p2 holds 0 (MOVER-R);
 *				p: the normal test with the variance of both together.
 *	the others	difference: Welch's t; lift: Fieller's interval, that is all R - 1 where the t
 *				interval of m1 - R m2 holds 0.  With difference d and control value c they
 *				solve (d - x c)^2 = q^2 var(d - x c):
 *
 *					x = (B -+ sqrt(B^2 - A C)) / A,   A = c^2 - q^2 var c,
 *					B = d c - q^2 cov(d, c),   C = d^2 - q^2 var d,
 *
 *				and are everything where A <= 0: the control value is not clear of 0.
 *
 * Covariates x, known before the treatment, differ between the arms by chance alone, so
 * t (mean x1 - mean x2) can be taken off the difference for any t; the one of least variance is
 * t = V^-1 v, where V is the covariance matrix of the differences of the x, and v that with
 * the difference of the values.  t counts as known, which is why a covariate needs ten
 * customers in either arm.  The lift is the adjusted difference over the control value as it
 * is, so that cov(d, c) = -var c + t cov(x, y) / n of control.
 *
 * Looking again and again: with N customers in both arms, and rho from the number n* for which
 * the interval shall be narrowest,
 *
 *		q = sqrt(2 a / (N rho^2) ln(sqrt(a) / alpha)),   a = N rho^2 + 1,
 *		rho^2 = (-2 ln alpha + ln(1 - 2 ln alpha)) / n*,
 *
 * in place of the quantile makes all intervals over time true together with probability
 * 1 - alpha (an asymptotic confidence sequence), and p = sqrt(a) exp(-z^2 N rho^2 / 2a).
 *
 * References: Newcombe, Statistics in Medicine 17, 1998, 873, method 10; Donner and Zou,
 * Statistical Methods in Medical Research 21, 2012; Welch, Biometrika 34, 1947; Fieller,
 * JRSS B 16, 1954; Deng, Xu, Kohavi and Walker, WSDM 2013; Waudby-Smith, Arbour, Sinha,
 * Kennedy and Ramdas, Annals of Statistics 2024 (2021); Fleiss, Statistical Methods for Rates
 * and Proportions, 2nd edition 1981, 3.2.
 */
#include "kernel/measure/estimate.h"

#include <float.h>
#include <math.h>

#include "kernel/base/beta.h"
#include "kernel/base/elementary.h"

#define NOT_A_NUMBER segment_bits_double(UINT64CONST(0x7FF8000000000000))

/* of the smaller arm, for each covariate */
#define CUSTOMERS_A_COVARIATE 10

/* what earlier covariates leave of a later one's variance has to be more than rounding */
#define DEPENDENT 1e-12

/* How wide an interval is: by one look, or by always-valid ones. */
typedef struct Looks
{
	double		level;
	double		a;				/* 0: one look */
	double		q;				/* of always-valid ones */
} Looks;

static Looks
looks_of(double level, double tuned_for, double customers)
{
	Looks		looks = {level, 0, 0};
	double		ln_alpha = segment_log1p(-level);
	double		spread;

	if (tuned_for <= 0)
		return looks;
	spread = customers * ((-2 * ln_alpha + segment_log1p(-2 * ln_alpha)) / tuned_for);
	looks.a = spread + 1;
	looks.q = sqrt(2 * looks.a / spread * (segment_log(looks.a) / 2 - ln_alpha));
	return looks;
}

/* df 0: normal */
static double
width_of(const Looks *looks, double df)
{
	if (looks->a > 0)
		return looks->q;
	return df == 0 ? segment_normal_width(looks->level) : segment_student_width(looks->level, df);
}

static double
p_of(const Looks *looks, double z, double df)
{
	double		p;

	if (looks->a == 0)
		return df == 0 ? segment_normal_p(z) : segment_student_p(z, df);
	p = segment_exp(segment_log(looks->a) / 2 - z * z * ((looks->a - 1) / looks->a) / 2);
	return p > 1 ? 1 : p;
}

/* ---- rates ---- */

/* sqrt(x^2 + y^2); lengths of intervals of rates are at most 1 */
static double
hypotenuse(double x, double y)
{
	return sqrt(x * x + y * y);
}

static void
lift_of_rates(const SegmentMomentsOfOutcome *treated, const SegmentMomentsOfOutcome *control,
			  const Looks *looks, SegmentLift *lift)
{
	double		q = width_of(looks, 0);
	double		p1 = lift->treated_value;
	double		p2 = lift->control_value;
	double		both = (treated->successes + control->successes) / (treated->n + control->n);
	double		variance = both * (1 - both) * (1 / treated->n + 1 / control->n);
	double		product = p1 * p2;
	double		l1;
	double		u1;
	double		l2;
	double		u2;
	double		a;
	double		c;
	double		root;

	segment_wilson(treated->successes, treated->n, q, &l1, &u1);
	segment_wilson(control->successes, control->n, q, &l2, &u2);
	lift->difference = p1 - p2;
	lift->difference_lower = lift->difference - hypotenuse(p1 - l1, u2 - p2);
	lift->difference_upper = lift->difference + hypotenuse(u1 - p1, p2 - l2);
	if (variance > 0)
		lift->p_value = p_of(looks, lift->difference / sqrt(variance), 0);
	if (p2 == 0)
		return;
	lift->lift = lift->difference / p2;

	/* R p2 below p1: (p1 - R p2)^2 = (p1 - l1)^2 + R^2 (u2 - p2)^2 */
	a = u2 * (2 * p2 - u2);
	c = l1 * (2 * p1 - l1);
	root = product * product - a * c;
	lift->lift_lower = c == 0 ? -1 : c / (product + sqrt(root > 0 ? root : 0)) - 1;
	/* above: (R p2 - p1)^2 = (u1 - p1)^2 + R^2 (p2 - l2)^2, and l2 > 0 */
	a = l2 * (2 * p2 - l2);
	c = u1 * (2 * p1 - u1);
	root = product * product - a * c;
	lift->lift_upper = (product + sqrt(root > 0 ? root : 0)) / a - 1;
}

/* ---- means and ratios ---- */

/* What covariates are worth. */
typedef struct Adjustment
{
	int			n;				/* covariates used */
	int			covariate[SEGMENT_OUTCOME_VALUES];	/* which, from 1 */
	double		theta[SEGMENT_OUTCOME_VALUES];
} Adjustment;

/*
 * theta = V^-1 v by Cholesky's decomposition, row by row, leaving out what depends on the
 * rows before.  arm[1] may be NULL.
 */
static void
adjust(const SegmentMomentsOfOutcome *const arm[2], Adjustment *adjustment)
{
	double		root[SEGMENT_OUTCOME_VALUES][SEGMENT_OUTCOME_VALUES];
	double		of_value[SEGMENT_OUTCOME_VALUES];
	double		least = arm[1] != NULL && arm[1]->n < arm[0]->n ? arm[1]->n : arm[0]->n;
	int			n = 0;
	int			x;
	int			i;
	int			j;

	adjustment->n = 0;
	if (arm[0]->kind != SEGMENT_MEAN)
		return;
	for (x = 1; x < arm[0]->n_values && (n + 1) * CUSTOMERS_A_COVARIATE <= least; x++)
	{
		double		rest[SEGMENT_OUTCOME_VALUES] = {0};	/* with those used, itself, the value */
		double		variance;
		int			k;

		for (i = 0; i <= n + 1; i++)
		{
			int			other = i < n ? adjustment->covariate[i] : i == n ? x : 0;

			for (k = 0; k < 2 && arm[k] != NULL; k++)
				rest[i] += arm[k]->covariance[x][other] / arm[k]->n;
		}
		variance = rest[n];
		for (i = 0; i < n; i++)
		{
			for (j = 0; j < i; j++)
				rest[i] -= root[n][j] * root[i][j];
			root[n][i] = rest[i] / root[i][i];
			rest[n] -= root[n][i] * root[n][i];
			rest[n + 1] -= root[n][i] * of_value[i];
		}
		if (!(rest[n] > DEPENDENT * variance) || variance == HUGE_VAL)
			continue;
		root[n][n] = sqrt(rest[n]);
		of_value[n] = rest[n + 1] / root[n][n];
		adjustment->covariate[n++] = x;
	}
	adjustment->n = n;
	for (i = n - 1; i >= 0; i--)
	{
		double		rest = of_value[i];

		for (j = i + 1; j < n; j++)
			rest -= root[j][i] * adjustment->theta[j];
		adjustment->theta[i] = rest / root[i][i];
	}
}

/* The variance of value - theta x of a customer. */
static double
adjusted_variance(const SegmentMomentsOfOutcome *arm, const Adjustment *adjustment)
{
	double		variance = segment_outcome_variance(arm);
	double		explained = 0;
	int			i;
	int			j;

	for (i = 0; i < adjustment->n; i++)
	{
		int			x = adjustment->covariate[i];
		double		rest = -2 * arm->covariance[x][0];

		for (j = 0; j < adjustment->n; j++)
			rest += adjustment->theta[j] * arm->covariance[x][adjustment->covariate[j]];
		explained += adjustment->theta[i] * rest;
	}
	/* all of it is explained: what is left is rounding */
	if (adjustment->n > 0 && variance + explained <= 16 * DBL_EPSILON * variance)
		return 0;
	return variance + explained;
}

/* Fieller's interval of difference / control, all of it over the square of the control value. */
static void
fieller(SegmentLift *lift, double q, double of_difference, double of_control, double covariance)
{
	double		control = lift->control_value;
	double		square = q * q / control / control;
	double		a = 1 - square * of_control;
	double		b = lift->lift - square * covariance;
	double		c = lift->lift * lift->lift - square * of_difference;
	double		root = b * b - a * c;

	if (!(a > 0))
	{
		lift->lift_lower = -HUGE_VAL;
		lift->lift_upper = HUGE_VAL;
		return;
	}
	root = sqrt(root > 0 ? root : 0);
	lift->lift_lower = (b - root) / a;
	lift->lift_upper = (b + root) / a;
}

static void
lift_of_means(const SegmentMomentsOfOutcome *treated, const SegmentMomentsOfOutcome *control,
			  const Looks *looks, SegmentLift *lift)
{
	const SegmentMomentsOfOutcome *const arm[2] = {treated, control};
	Adjustment	adjustment;
	double		raw[2];			/* variances of the two values */
	double		left[2];		/* adjusted */
	double		variance;
	double		covariance;
	double		df;
	double		q;
	int			i;

	adjust(arm, &adjustment);
	lift->difference = lift->treated_value - lift->control_value;
	for (i = 0; i < adjustment.n; i++)
	{
		int			x = adjustment.covariate[i];

		lift->difference -= adjustment.theta[i] * (treated->mean[x] - control->mean[x]);
	}
	if (lift->control_value != 0)
		lift->lift = lift->difference / lift->control_value;
	if (treated->n < 2 || control->n < 2)
		return;

	for (i = 0; i < 2; i++)
	{
		raw[i] = segment_outcome_variance(arm[i]) / arm[i]->n;
		left[i] = adjusted_variance(arm[i], &adjustment) / arm[i]->n;
	}
	variance = left[0] + left[1];
	if (treated->kind == SEGMENT_MEAN && treated->n_values > 1 && raw[0] + raw[1] > 0)
		lift->variance_reduction = 1 - variance / (raw[0] + raw[1]);
	/* shares of the variance, so that no square leaves the range of doubles */
	df = variance > 0 ? 1 / (left[0] / variance * (left[0] / variance) / (treated->n - 1) +
							 left[1] / variance * (left[1] / variance) / (control->n - 1)) : 1;
	q = width_of(looks, df);
	if (variance > 0)
		lift->p_value = p_of(looks, lift->difference / sqrt(variance), df);
	lift->difference_lower = lift->difference - q * sqrt(variance);
	lift->difference_upper = lift->difference + q * sqrt(variance);
	if (lift->control_value == 0)
		return;
	covariance = -raw[1];
	for (i = 0; i < adjustment.n; i++)
		covariance += adjustment.theta[i] * control->covariance[adjustment.covariate[i]][0] / control->n;
	fieller(lift, q, variance, raw[1], covariance);
}

/* Two of the same kind and number of values.  tuned_for 0: one look. */
void
segment_lift(const SegmentMomentsOfOutcome *treated, const SegmentMomentsOfOutcome *control,
			 double level, double tuned_for, SegmentLift *lift)
{
	Looks		looks = looks_of(level, tuned_for, treated->n + control->n);

	lift->treated_value = segment_outcome_value(treated);
	lift->control_value = segment_outcome_value(control);
	lift->difference = lift->difference_lower = lift->difference_upper = NOT_A_NUMBER;
	lift->lift = lift->lift_lower = lift->lift_upper = NOT_A_NUMBER;
	lift->p_value = lift->variance_reduction = NOT_A_NUMBER;
	if (isnan(lift->treated_value) || isnan(lift->control_value))
		return;
	if (treated->kind == SEGMENT_RATE)
		lift_of_rates(treated, control, &looks, lift);
	else
		lift_of_means(treated, control, &looks, lift);
}

/* ---- power ---- */

/* How far above 0 a normal value lies with probability p at most: below 0 for p < 1/2. */
static double
normal_quantile(double p)
{
	return p == 0.5 ? 0 : p > 0.5 ? segment_normal_width(2 * p - 1) : -segment_normal_width(1 - 2 * p);
}

/*
 * By how much a rate p above that of control, p2, misses being found:
 * z_alpha sqrt(variance if both were equal) + z_power sqrt(variance) - (p - p2)
 */
static double
missing_to_rate(double p, double p2, double n1, double n2, double z_alpha, double z_power)
{
	double		both = (n1 * p + n2 * p2) / (n1 + n2);

	return z_alpha * sqrt(both * (1 - both) * (1 / n1 + 1 / n2)) +
		z_power * sqrt(p * (1 - p) / n1 + p2 * (1 - p2) / n2) - (p - p2);
}

/*
 * The smallest lift above the control value that is found with a probability of power; NaN where
 * there is none.  Means and ratios: their covariates will be used, too.
 */
double
segment_detectable_lift(const SegmentMomentsOfOutcome *control, double treated_customers,
						double control_customers, double power, double level)
{
	const SegmentMomentsOfOutcome *const arm[2] = {control, NULL};
	double		value = segment_outcome_value(control);
	double		z_alpha = segment_normal_width(level);
	double		z_power = normal_quantile(power);
	Adjustment	adjustment;
	double		low;
	double		high = 1;
	int			i;

	if (isnan(value) || value == 0)
		return NOT_A_NUMBER;
	if (control->kind != SEGMENT_RATE)
	{
		if (control->n < 2)
			return NOT_A_NUMBER;
		adjust(arm, &adjustment);
		low = (z_alpha + z_power) * sqrt(adjusted_variance(control, &adjustment)) *
			sqrt(1 / treated_customers + 1 / control_customers);
		return low > 0 ? low / fabs(value) : 0;
	}
	low = value;
	if (missing_to_rate(low, value, treated_customers, control_customers, z_alpha, z_power) <= 0)
		return 0;
	if (missing_to_rate(high, value, treated_customers, control_customers, z_alpha, z_power) > 0)
		return NOT_A_NUMBER;
	for (i = 0; i < 200; i++)
	{
		double		middle = low + (high - low) / 2;

		if (middle <= low || middle >= high)
			break;
		if (missing_to_rate(middle, value, treated_customers, control_customers, z_alpha, z_power) > 0)
			low = middle;
		else
			high = middle;
	}
	return high / value - 1;
}
