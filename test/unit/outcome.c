/*
 * outcome.c: sums against those in 113 bits, estimates against published figures and against
 * what defines them.
 */
#include "kernel/measure/outcome.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/base/beta.h"
#include "kernel/measure/estimate.h"
#include "tap.h"

#define MOST_ROWS 60

/* As the aggregate does it: a wider copy where the sums lack limbs. */
static SegmentOutcome *
new_outcome(SegmentOutcomeKind kind, int n_values)
{
	SegmentOutcome *outcome = malloc(segment_outcome_empty_size(n_values));

	segment_outcome_init(outcome, kind, n_values);
	return outcome;
}

static SegmentOutcome *
widened(SegmentOutcome *outcome, SegmentLimbs *limbs)
{
	SegmentOutcome *wide = malloc(segment_outcome_wide_size(outcome, limbs));

	segment_outcome_widen(wide, limbs, outcome);
	free(outcome);
	return wide;
}

static SegmentOutcome *
add(SegmentOutcome *outcome, const double *row)
{
	SegmentLimbs limbs[SEGMENT_OUTCOME_SUMS];

	if (segment_outcome_add(outcome, row))
		return outcome;
	segment_outcome_limbs_of_row(outcome, row, limbs);
	outcome = widened(outcome, limbs);
	if (!segment_outcome_add(outcome, row))
		abort();
	return outcome;
}

static SegmentOutcome *
merge(SegmentOutcome *into, const SegmentOutcome *from)
{
	SegmentLimbs limbs[SEGMENT_OUTCOME_SUMS];

	if (segment_outcome_merge(into, from))
		return into;
	segment_outcome_limbs(from, limbs);
	into = widened(into, limbs);
	if (!segment_outcome_merge(into, from))
		abort();
	return into;
}

/* The normal form. */
static SegmentOutcome *
canonical(const SegmentOutcome *outcome)
{
	static SegmentExactSum exact[SEGMENT_OUTCOME_SUMS];
	SegmentOutcome *result;

	segment_outcome_to_exact(outcome, exact);
	result = malloc(segment_outcome_canonical_size(outcome->n_values, exact));
	segment_outcome_of_exact(result, outcome->kind, outcome->n_values, exact);
	result->n = outcome->n;
	result->skipped = outcome->skipped;
	result->successes = outcome->successes;
	return result;
}

static bool
same_bytes(const SegmentOutcome *a, const SegmentOutcome *b)
{
	size_t		size = segment_outcome_size(a);
	size_t		header = sizeof(a->vl_len_);

	return size == segment_outcome_size(b) &&
		memcmp((const char *) a + header, (const char *) b + header, size - header) == 0;
}

static bool
near(double a, double b, double relative)
{
	return fabs(a - b) <= relative * fabs(b) || (isnan(a) && isnan(b));
}

/* ---- sums ---- */

static void
test_sums(void)
{
	int			wrong_mean = 0;
	int			wrong_covariance = 0;
	int			wrong_bytes = 0;
	int			round;

	for (round = 0; round < 3000; round++)
	{
		int			k = 1 + (int) (random64() % 4);
		int			n = 1 + (int) (random64() % MOST_ROWS);
		double		row[MOST_ROWS][SEGMENT_OUTCOME_VALUES];
		double		offset = round % 3 == 0 ? 1e9 : round % 3 == 1 ? 0 : -3e15;
		SegmentOutcome *whole = new_outcome(SEGMENT_MEAN, k);
		SegmentOutcome *part[3];
		SegmentOutcome *forms[2];
		SegmentMomentsOfOutcome moments;
		int			i;
		int			j;
		int			r;

		for (i = 0; i < 3; i++)
			part[i] = new_outcome(SEGMENT_MEAN, k);
		for (r = 0; r < n; r++)
		{
			int			to = (int) (random64() % 3);

			for (i = 0; i < k; i++)
				row[r][i] = random64() % 9 == 0 ? 0 : offset + ldexp(uniform() - 0.5, (int) (random64() % 40) - 20);
			whole = add(whole, row[r]);
			part[to] = add(part[to], row[r]);
		}
		part[2] = merge(part[2], part[0]);
		part[2] = merge(part[2], part[1]);
		forms[0] = canonical(whole);
		forms[1] = canonical(part[2]);
		wrong_bytes += !same_bytes(forms[0], forms[1]) || !segment_outcome_plausible(forms[0]);
		if (!segment_outcome_moments(forms[1], &moments))
			wrong_mean++;
		for (i = 0; i < k; i++)
			for (j = 0; j <= i; j++)
			{
				__float128	x = 0;
				__float128	y = 0;
				__float128	xy = 0;
				__float128	size = 0;

				for (r = 0; r < n; r++)
				{
					x += row[r][i];
					y += row[r][j];
				}
				x /= n;
				y /= n;
				for (r = 0; r < n; r++)
				{
					xy += (row[r][i] - x) * (row[r][j] - y);
					size += (double) fabs((double) ((row[r][i] - x) * (row[r][j] - y)));
				}
				wrong_mean += !near(moments.mean[i], (double) x, 4 * DBL_EPSILON);
				if (n > 1)
					/* the oracle has 113 bits of sums that may cancel */
					wrong_covariance += fabs(moments.covariance[i][j] - (double) (xy / (n - 1))) >
						4 * DBL_EPSILON * fabs((double) (xy / (n - 1))) + 1e-25 * (double) size;
			}
		free(whole);
		for (i = 0; i < 3; i++)
			free(part[i]);
		free(forms[0]);
		free(forms[1]);
	}
	ok(wrong_mean == 0, "means are as in 113 bits");
	ok(wrong_covariance == 0, "covariances are, whatever the offset");
	ok(wrong_bytes == 0, "parts merged have the bytes of the whole");
}

static void
test_extremes(void)
{
	double		large[2] = {1e300, DBL_MAX};
	double		small = 1e-170;
	double		zero = 0;
	double		subnormal = 0x1p-1074;
	SegmentMomentsOfOutcome moments;
	SegmentOutcome *outcome = new_outcome(SEGMENT_MEAN, 1);
	SegmentOutcome *form;

	ok(segment_outcome_moments(outcome, &moments) && moments.n == 0 && segment_outcome_plausible(outcome),
	   "nobody");
	outcome = add(outcome, &large[1]);
	ok(segment_outcome_moments(outcome, &moments) && moments.mean[0] == DBL_MAX, "one of the largest");
	outcome = add(outcome, &large[0]);
	ok(!segment_outcome_moments(outcome, &moments), "a variance beyond doubles is told");
	outcome = add(outcome, &subnormal);
	form = canonical(outcome);
	ok(segment_outcome_plausible(form), "from the largest to the smallest is plausible");
	form->n = 1;
	ok(!segment_outcome_plausible(form), "a variance below 0 is not");
	free(form);
	free(outcome);

	outcome = new_outcome(SEGMENT_MEAN, 1);
	outcome = add(outcome, &small);
	outcome = add(outcome, &zero);
	ok(!segment_outcome_moments(outcome, &moments), "a variance lost below doubles is told, and is no 0");
	free(outcome);
}

/* ---- estimates ---- */

static SegmentMomentsOfOutcome
rate(double n, double successes)
{
	SegmentMomentsOfOutcome moments = {SEGMENT_RATE, 0, n, successes, {0}, {{0}}};

	return moments;
}

static SegmentMomentsOfOutcome
mean(double n, double value, double variance)
{
	SegmentMomentsOfOutcome moments = {SEGMENT_MEAN, 1, n, 0, {value}, {{variance}}};

	return moments;
}

static bool
to_digits(double x, double published, int digits)
{
	return fabs(x - published) <= 0.5001 * pow(10, -digits);
}

static void
test_published(void)
{
	/* Newcombe 1998, tables I and II: x1, n1, x2, n2, lower, upper; n2 0: one rate */
	static const double newcombe[][6] = {
		{81, 263, 0, 0, 0.2553, 0.3662}, {15, 148, 0, 0, 0.0624, 0.1605}, {0, 20, 0, 0, 0, 0.1611},
		{1, 29, 0, 0, 0.0061, 0.1718}, {56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090},
		{5, 56, 0, 29, -0.0381, 0.1926}, {0, 10, 0, 20, -0.1611, 0.2775}
	};
	SegmentMomentsOfOutcome treated = mean(10, 2.33, 4.009);
	SegmentMomentsOfOutcome control = mean(10, 0.75, 3.20055555555555555);
	SegmentLift lift;
	int			wrong = 0;
	int			i;

	for (i = 0; i < (int) lengthof(newcombe); i++)
	{
		const double *row = newcombe[i];
		SegmentMomentsOfOutcome one = rate(row[1], row[0]);
		SegmentMomentsOfOutcome two = rate(row[3], row[2]);
		SegmentEstimate estimate;

		segment_estimate(&one, 0.95, &estimate);
		if (row[3] > 0)
			segment_lift(&one, &two, 0.95, 0, &lift);
		wrong += !to_digits(row[3] > 0 ? lift.difference_lower : estimate.lower, row[4], 4);
		wrong += !to_digits(row[3] > 0 ? lift.difference_upper : estimate.upper, row[5], 4);
	}
	ok(wrong == 0, "Wilson's and Newcombe's intervals as published");
	segment_lift(&treated, &control, 0.95, 0, &lift);
	ok(to_digits(lift.difference_lower, -0.2054832, 7) && to_digits(lift.difference_upper, 3.3654832, 7) &&
	   to_digits(lift.p_value, 0.07939, 5), "Welch's as R's documentation of t.test has it for sleep");
	ok(lift.lift_lower == -HUGE_VAL && lift.lift_upper == HUGE_VAL && to_digits(lift.lift, 2.1066667, 7),
	   "Fieller's is open where control is not clear of 0");
}

/* However rare, and however many customers: all digits, and the rate lies within. */
static void
test_rare(void)
{
	/* successes, customers, Wilson's limits for z = 1.96 in 60 digits */
	static const double exact[][4] = {
		{1, 1e6, 1.765245767453715e-07, 5.664911804311442e-06}, {3, 1e9, 1.0202707288769236e-09, 8.821188054011644e-09},
		{12, 6e17, 1.1441266312788035e-17, 3.496116505503551e-17}, {0, 1e15, 0, 3.84145882069411e-15},
		{7, 13, 0.2914379571450601, 0.767939321904617}, {500000001, 1e9, 0.4999690112484443, 0.5000309907515557},
		{999999997, 1e9, 0.999999991178812, 0.9999999989797292}
	};
	int			wrong = 0;
	int			outside = 0;
	int			i;

	for (i = 0; i < (int) lengthof(exact); i++)
	{
		double		lower;
		double		upper;

		segment_wilson(exact[i][0], exact[i][1], segment_normal_width(0.95), &lower, &upper);
		wrong += !near(lower, exact[i][2], 8 * DBL_EPSILON) || !near(upper, exact[i][3], 8 * DBL_EPSILON);
	}
	for (i = 0; i < 200000; i++)
	{
		double		n = (double) (1 + (random64() >> 4 >> random64() % 60));
		double		some = (double) (random64() >> 4 >> random64() % 60);
		SegmentMomentsOfOutcome one = rate(n, fmin(n, i % 2 == 0 ? some : n - fmin(some, n)));
		SegmentEstimate estimate;

		segment_estimate(&one, i % 3 == 0 ? 1e-6 : 0.95, &estimate);
		outside += !(0 <= estimate.lower && estimate.lower <= estimate.value &&
					 estimate.value <= estimate.upper && estimate.upper <= 1);
	}
	ok(wrong == 0, "Wilson's limits keep their digits");
	ok(outside == 0, "and hold the rate");
}

/* Each limit is where its definition says. */
static void
test_definitions(void)
{
	int			wrong_mover = 0;
	int			wrong_fieller = 0;
	int			disagree = 0;
	int			outside = 0;
	int			round;

	for (round = 0; round < 3000; round++)
	{
		double		n1 = 1 + (double) (random64() % (round % 2 == 0 ? 20 : 5000));
		double		n2 = 1 + (double) (random64() % (round % 2 == 0 ? 20 : 5000));
		SegmentMomentsOfOutcome one = rate(n1, (double) (random64() % (uint64) (n1 + 1)));
		SegmentMomentsOfOutcome two = rate(n2, (double) (random64() % (uint64) (n2 + 1)));
		double		tuned_for = round % 3 == 0 ? 1000 : 0;
		double		level = round % 5 == 0 ? 0.8 : 0.95;
		SegmentLift lift;
		double		q;

		segment_lift(&one, &two, level, tuned_for, &lift);
		outside += !(lift.difference_lower >= -1 && lift.difference_lower <= lift.difference &&
					 lift.difference <= lift.difference_upper && lift.difference_upper <= 1);
		if (two.successes > 0)
		{
			double		ratio = lift.lift_lower + 1;
			double		p1 = one.successes / n1;
			double		p2 = two.successes / n2;
			double		l1,
						u1,
						l2,
						u2;

			disagree += (lift.lift_lower > 0) != (lift.difference_lower > 0) &&
				fabs(lift.difference_lower) > 1e-12;
			disagree += (lift.lift_upper < 0) != (lift.difference_upper < 0) &&
				fabs(lift.difference_upper) > 1e-12;
			if (tuned_for == 0)
			{
				q = segment_normal_width(level);
				segment_wilson(one.successes, n1, q, &l1, &u1);
				segment_wilson(two.successes, n2, q, &l2, &u2);
				wrong_mover += !(fabs(p1 - ratio * p2 - hypot(p1 - l1, ratio * (u2 - p2))) <= 1e-9 && ratio >= 0);
				ratio = lift.lift_upper + 1;
				wrong_mover += !(fabs(ratio * p2 - p1 - hypot(u1 - p1, ratio * (p2 - l2))) <= 1e-9 * (1 + ratio));
			}
		}

		one = mean(n1 + 1, uniform() * 4 - 1, 3 * uniform());
		two = mean(n2 + 1, uniform() * 4 - 1, 3 * uniform());
		segment_lift(&one, &two, level, 0, &lift);
		if (lift.lift_lower > -HUGE_VAL)
		{
			double		v1 = one.covariance[0][0] / one.n;
			double		v2 = two.covariance[0][0] / two.n;
			int			end;

			/* the t interval of m1 - R m2 ends at 0 */
			q = (lift.difference_upper - lift.difference) / sqrt(v1 + v2);
			for (end = 0; end < 2; end++)
			{
				double		ratio = 1 + (end == 0 ? lift.lift_lower : lift.lift_upper);
				double		distance = fabs(one.mean[0] - ratio * two.mean[0]);

				wrong_fieller += !near(distance, q * sqrt(v1 + ratio * ratio * v2), 1e-6);
			}
			disagree += (lift.lift_lower > 0 || lift.lift_upper < 0) !=
				(lift.difference_lower > 0 || lift.difference_upper < 0);
			outside += !(lift.lift_lower <= lift.lift && lift.lift <= lift.lift_upper);
		}
		else
			disagree += fabs(two.mean[0]) > segment_student_width(level, fmin(n1, n2)) * sqrt(two.covariance[0][0] / two.n);
	}
	ok(wrong_mover == 0, "MOVER-R ends where the interval of p1 - R p2 does");
	ok(wrong_fieller == 0, "Fieller's ends where the interval of m1 - R m2 does");
	ok(disagree == 0, "difference and lift exclude 0 together");
	ok(outside == 0, "intervals hold their value, those of rates lie within -1 and 1");
}

/* ---- covariates ---- */

static void
test_covariates(void)
{
	int			wrong = 0;
	int			dependent = 0;
	int			round;

	for (round = 0; round < 300; round++)
	{
		SegmentOutcome *arm[2];
		SegmentMomentsOfOutcome moments[2];
		SegmentMomentsOfOutcome twice[2];
		SegmentLift lift;
		SegmentLift again;
		double		v[2][2] = {{0}};
		double		c[2] = {0};
		double		theta[2];
		double		determinant;
		double		variance = 0;
		double		raw = 0;
		double		difference;
		int			a;
		int			i;

		for (a = 0; a < 2; a++)
		{
			int			n = 20 + (int) (random64() % 50);

			arm[a] = new_outcome(SEGMENT_MEAN, 3);
			for (i = 0; i < n; i++)
			{
				double		x = uniform();
				double		z = uniform() + x / 3;
				double		row[3] = {3 * x - z + uniform() + a, x, z};

				arm[a] = add(arm[a], row);
			}
			segment_outcome_moments(arm[a], &moments[a]);
			v[0][0] += moments[a].covariance[1][1] / n;
			v[0][1] += moments[a].covariance[1][2] / n;
			v[1][1] += moments[a].covariance[2][2] / n;
			c[0] += moments[a].covariance[0][1] / n;
			c[1] += moments[a].covariance[0][2] / n;
			raw += moments[a].covariance[0][0] / n;
		}
		determinant = v[0][0] * v[1][1] - v[0][1] * v[0][1];
		theta[0] = (v[1][1] * c[0] - v[0][1] * c[1]) / determinant;
		theta[1] = (v[0][0] * c[1] - v[0][1] * c[0]) / determinant;
		variance = raw - theta[0] * c[0] - theta[1] * c[1];
		difference = moments[0].mean[0] - moments[1].mean[0] -
			theta[0] * (moments[0].mean[1] - moments[1].mean[1]) -
			theta[1] * (moments[0].mean[2] - moments[1].mean[2]);
		segment_lift(&moments[0], &moments[1], 0.95, 0, &lift);
		wrong += !near(lift.difference, difference, 1e-9) ||
			!near(lift.variance_reduction, 1 - variance / raw, 1e-9) || lift.variance_reduction < 0;

		/* the first covariate doubled, in between: the answer is the same */
		for (a = 0; a < 2; a++)
		{
			static const int from[4] = {0, 1, 1, 2};
			static const double factor[4] = {1, 1, 2, 1};
			int			j;

			twice[a] = moments[a];
			twice[a].n_values = 4;
			for (i = 0; i < 4; i++)
			{
				twice[a].mean[i] = factor[i] * moments[a].mean[from[i]];
				for (j = 0; j < 4; j++)
					twice[a].covariance[i][j] = factor[i] * factor[j] * moments[a].covariance[from[i]][from[j]];
			}
		}
		/* a third covariate takes 30 customers in either arm */
		if (moments[0].n >= 30 && moments[1].n >= 30)
		{
			segment_lift(&twice[0], &twice[1], 0.95, 0, &again);
			dependent += memcmp(&again, &lift, sizeof(lift)) != 0;
		}
		free(arm[0]);
		free(arm[1]);
	}
	ok(wrong == 0, "covariates adjust by the weights of least variance");
	ok(dependent == 0, "one that follows from earlier ones is left out");
}

static void
test_detectable(void)
{
	/* R: power.prop.test, power.t.test (normal approximation) */
	SegmentMomentsOfOutcome control = rate(10000, 500);
	SegmentMomentsOfOutcome amounts = mean(1000, 100, 2500);

	ok(near(0.05 * (1 + segment_detectable_lift(&control, 5000, 5000, 0.8, 0.95)), 0.0629316608907, 1e-11),
	   "the smallest rate that is found, as power.prop.test has it");
	ok(near(100 * segment_detectable_lift(&amounts, 1000, 1000, 0.8, 0.95), 6.26453499246, 1e-11),
	   "the smallest difference of means");
	control = rate(10000, 9900);
	ok(isnan(segment_detectable_lift(&control, 100, 100, 0.8, 0.95)), "no rate up to 1 would be found");
}

int
main(void)
{
	test_sums();
	test_extremes();
	test_published();
	test_rare();
	test_definitions();
	test_covariates();
	test_detectable();
	return done();
}
