/*
 * drift.c: measures of drift compared with what R and scipy make of the same counts, and
 * with plain counting over random values with ties, heavy tails and weights.
 */
#include "kernel/quality/drift.h"

#include <math.h>
#include <string.h>

#include "kernel/base/precision.h"
#include "tap.h"

#define MOST 60

static SegmentColumn
column_of(const double *values, const double *weights, int n)
{
	SegmentColumn column;

	segment_column_build(&column, values, weights, NULL, n, tap_memory());
	return column;
}

static SegmentDriftSide
side_of(const double *weights, int n, double missing)
{
	SegmentDriftSide side = {n, 0, 0, missing};
	double		squares = missing;
	int			i;

	side.rows += missing;
	side.weight = missing;
	for (i = 0; i < n; i++)
	{
		side.weight += weights == NULL ? 1 : weights[i];
		squares += weights == NULL ? 1 : weights[i] * weights[i];
	}
	side.effective = squares > 0 ? side.weight * side.weight / squares : 0;
	return side;
}

static SegmentDrift
drift_of(const double *before, const double *before_weights, int n, double before_missing,
		 const double *after, const double *after_weights, int m, double after_missing, int bins)
{
	SegmentColumn a = column_of(before, before_weights, n);
	SegmentColumn b = column_of(after, after_weights, m);
	SegmentDriftSide a_side = side_of(before_weights, n, before_missing);
	SegmentDriftSide b_side = side_of(after_weights, m, after_missing);
	SegmentDrift drift;

	segment_drift_of_numbers(&a_side, &a, &b_side, &b, bins, &drift);
	segment_column_free(&a, tap_memory());
	segment_column_free(&b, tap_memory());
	return drift;
}

static bool
near(double x, double y, double tolerance)
{
	return fabs(x - y) <= tolerance * fmax(1, fabs(y));
}

/* Counts of ten cells and of two, with figures by scipy and R. */
static void
test_figures(void)
{
	const double ten[] = {100, 100, 100, 100, 100, 100, 100, 100, 100, 100};
	const double shifted[] = {60, 80, 90, 100, 110, 120, 120, 110, 110, 100};
	const double two[] = {900, 100};
	const double other_two[] = {800, 200};
	SegmentDriftSide thousand = {1000, 1000, 1000, 0};
	SegmentDrift drift;
	double		before[1000];
	double		after[1000];
	int			n = 0;
	int			i;
	int			j;

	segment_drift_of_cells(&thousand, ten, &thousand, shifted, 10, &drift);
	ok(near(drift.psi, 0.0361016687994, 1e-12) && near(drift.chi2, 17.8134730766, 1e-11) &&
	   drift.chi2_df == 9 && near(drift.chi2_p, 0.0374002970021, 1e-12) && isnan(drift.ks),
	   "ten cells");
	segment_drift_of_cells(&thousand, two, &thousand, other_two, 2, &drift);
	ok(near(drift.psi, 0.0810930216216, 1e-12) && near(drift.chi2, 39.2156862745, 1e-11) &&
	   drift.chi2_df == 1 && fabs(drift.chi2_p / 3.79479188314e-10 - 1) < 1e-11, "two cells");
	segment_drift_of_cells(&thousand, ten, &thousand, ten, 10, &drift);
	ok(drift.psi == 0 && drift.chi2 == 0 && drift.chi2_p == 1, "nothing has moved");
	for (i = 0; i < 10; i++)
		for (j = 0; j < shifted[i]; j++)
			after[n++] = i;
	for (i = 0; i < 1000; i++)
		before[i] = i / 100;
	drift = drift_of(before, NULL, 1000, 0, after, NULL, 1000, 0, 10);
	ok(near(drift.psi, 0.0361016687994, 1e-12) && near(drift.ks, 0.07, 1e-14) &&
	   near(drift.chi2, 17.8134730766, 1e-11) && drift.chi2_df == 9 &&
	   near(drift.ks_p, 0.01489, 1e-3), "the same as numbers");
}

/* Share of values up to x, by counting. */
static double
share_up_to(const double *values, const double *weights, int n, double x)
{
	double		up_to = 0;
	double		all = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		double		w = weights == NULL ? 1 : weights[i];

		all += w;
		up_to += values[i] <= x ? w : 0;
	}
	return up_to / all;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* ks and wasserstein from the shares up to each value. */
static void
by_counting(const double *before, const double *before_weights, int n,
			const double *after, const double *after_weights, int m, double *ks, double *wasserstein)
{
	double		all[2 * MOST];
	int			i;

	memcpy(all, before, sizeof(double) * n);
	memcpy(all + n, after, sizeof(double) * m);
	qsort(all, n + m, sizeof(double), compare_doubles);
	*ks = 0;
	*wasserstein = 0;
	for (i = 0; i < n + m; i++)
	{
		double		d = fabs(share_up_to(before, before_weights, n, all[i]) -
							 share_up_to(after, after_weights, m, all[i]));

		*ks = fmax(*ks, d);
		if (i + 1 < n + m)
			*wasserstein += d * (all[i + 1] - all[i]);
	}
}

static double
random_value(int kind)
{
	switch (kind)
	{
		case 0:
			return (double) (random64() % 7);
		case 1:
			return uniform();
		case 2:
			return exp(uniform() * 40);
		case 3:
			return 5;
		default:
			return 1e9 + (double) (random64() % 1000) / 8;
	}
}

static void
test_random(void)
{
	bool		ks_right = true;
	bool		wasserstein_right = true;
	bool		unit_free = true;
	bool		weight_free = true;
	bool		same = true;
	int			round;

	for (round = 0; round < 3000; round++)
	{
		int			n = 1 + (int) (random64() % MOST);
		int			m = 1 + (int) (random64() % MOST);
		bool		weighted = round % 3 == 0;
		double		before[MOST];
		double		after[MOST];
		double		scaled[2][MOST];
		double		weights[2][MOST];
		double		ks;
		double		wasserstein;
		SegmentDrift drift;
		SegmentDrift other;
		int			i;

		for (i = 0; i < MOST; i++)
		{
			before[i] = random_value(round % 5);
			after[i] = random_value(round % 7 == 0 ? (round + 1) % 5 : round % 5);
			weights[0][i] = 0.5 + uniform();
			weights[1][i] = 0.5 + (double) (random64() % 3);
		}
		drift = drift_of(before, weighted ? weights[0] : NULL, n, round % 4,
						 after, weighted ? weights[1] : NULL, m, round % 3, 10);
		by_counting(before, weighted ? weights[0] : NULL, n, after, weighted ? weights[1] : NULL, m,
					&ks, &wasserstein);
		ks_right = ks_right && near(drift.ks, ks, 1e-13);
		wasserstein_right = wasserstein_right && near(drift.wasserstein, wasserstein, 1e-10);

		/* a factor, and one on the weights */
		for (i = 0; i < MOST; i++)
		{
			scaled[0][i] = before[i] * 1024;
			scaled[1][i] = after[i] * 1024;
		}
		other = drift_of(scaled[0], weighted ? weights[0] : NULL, n, round % 4,
						 scaled[1], weighted ? weights[1] : NULL, m, round % 3, 10);
		unit_free = unit_free && other.psi == drift.psi && other.ks == drift.ks &&
			other.chi2 == drift.chi2 && other.wasserstein == 1024 * drift.wasserstein &&
			(other.relative == drift.relative || isnan(drift.relative));
		for (i = 0; i < MOST; i++)
			weights[0][i] = 3;
		drift = drift_of(before, NULL, n, 0, after, NULL, m, 0, 10);
		other = drift_of(before, weights[0], n, 0, after, NULL, m, 0, 10);
		weight_free = weight_free && near(other.psi, drift.psi, 1e-13) && near(other.ks, drift.ks, 1e-14) &&
			near(other.chi2, drift.chi2, 1e-12) && near(other.ks_p, drift.ks_p, 1e-12);
		drift = drift_of(before, NULL, n, 1, before, NULL, n, 1, 10);
		same = same && drift.psi == 0 && drift.ks == 0 && drift.ks_p == 1 && drift.chi2 == 0 &&
			drift.chi2_p == 1 && drift.wasserstein == 0 && drift.relative == 0;
	}
	ok(ks_right, "Kolmogorov and Smirnov, by counting");
	ok(wasserstein_right, "Wasserstein, by counting");
	ok(unit_free, "a factor shows in nothing but Wasserstein (law 4)");
	ok(weight_free, "a factor on all weights shows nowhere");
	ok(same, "nothing has moved: all of them say so");
}

static void
test_special(void)
{
	const double before[] = {1, 1, 2, 3};
	const double after[] = {2, 2, 3, 3};
	const double fives[] = {5, 5, 5, 5};
	const double threes[] = {3, 3, 3, 3};
	const double huge[] = {-1.7e308, 1.7e308, 0, 0};
	const double cents[] = {0.3, 0.3, 0.6, 0.6};
	const double summed[] = {0.1 + 0.2, 0.1 + 0.2, 0.6, 0.3 + 0.3};
	SegmentDrift drift;

	drift = drift_of(before, NULL, 4, 0, after, NULL, 4, 0, 10);
	ok(drift.ks == 0.5 && drift.wasserstein == 0.75 && near(drift.relative, 0.75 / sqrt(0.6875), 1e-11),
	   "the worked example");
	drift = drift_of(fives, NULL, 4, 0, threes, NULL, 4, 0, 10);
	ok(drift.ks == 1 && drift.wasserstein == 2 && isnan(drift.relative) && drift.psi > 1 && drift.chi2 == 8 &&
	   drift.chi2_df == 1, "another constant");
	drift = drift_of(fives, NULL, 4, 0, fives, NULL, 2, 0, 10);
	ok(drift.psi == 0 && drift.chi2_df == 0 && drift.chi2_p == 1 && drift.ks_p == 1, "the same constant");
	drift = drift_of(before, NULL, 0, 4, after, NULL, 4, 0, 10);
	ok(isnan(drift.ks) && isnan(drift.wasserstein) && drift.psi > 1 && drift.chi2 == 8, "no value before");
	drift = drift_of(before, NULL, 0, 4, after, NULL, 0, 7, 10);
	ok(isnan(drift.ks) && drift.psi == 0 && drift.chi2_df == 0, "no value at all");
	drift = drift_of(before, NULL, 0, 0, after, NULL, 4, 0, 10);
	ok(isnan(drift.ks) && isnan(drift.psi) && isnan(drift.chi2), "no row");
	drift = drift_of(huge, NULL, 2, 0, huge + 2, NULL, 2, 0, 10);
	ok(drift.ks == 0.5 && drift.wasserstein == 1.7e308 && near(drift.relative, 1, 1e-11),
	   "differences that no double holds");
	drift = drift_of(cents, NULL, 4, 0, summed, NULL, 4, 0, 4);
	ok(drift.ks == 0 && drift.psi == 0, "values that differ by rounding are one (law 17)");
	drift = drift_of(before, NULL, 4, 0, after, NULL, 4, 0, SEGMENT_DRIFT_MAX_BINS);
	ok(drift.ks == 0.5, "as many bins as there can be");
}

/* Thinned columns: few values, the same weight, ends and mean, functions hardly apart. */
static void
test_thin(void)
{
	enum
	{
		N = 50000, POINTS = 256
	};
	static double values[N];
	bool		few = true;
	bool		ends = true;
	bool		mean = true;
	bool		close = true;
	int			kind;

	for (kind = 0; kind < 5; kind++)
	{
		SegmentColumn whole;
		SegmentColumn thin;
		SegmentDriftSide side = {N, N, N, 0};
		SegmentDrift drift;
		double		sum[2] = {0, 0};
		double		total = 0;
		int64		i;

		for (i = 0; i < N; i++)
			values[i] = random_value(kind);
		whole = column_of(values, NULL, N);
		thin = column_of(values, NULL, N);
		segment_column_thin(&thin, POINTS);
		for (i = 0; i < whole.n; i++)
			sum[0] += whole.value[i] * whole.weight[i];
		for (i = 0; i < thin.n; i++)
		{
			sum[1] += thin.value[i] * thin.weight[i];
			total += thin.weight[i];
			few = few && (i == 0 || thin.value[i] > thin.value[i - 1]);
		}
		few = few && thin.n <= 2 * POINTS + 2;
		ends = ends && thin.value[0] == whole.value[0] && thin.value[thin.n - 1] == whole.value[whole.n - 1];
		mean = mean && total == N && near(sum[1] / sum[0], 1, 1e-12);
		segment_drift_of_numbers(&side, &whole, &side, &thin, 10, &drift);
		close = close && drift.ks < 0.007 && drift.psi < 1e-3 && (whole.n == 1 || drift.relative < 0.005);
		printf("# %d of %d values: ks %.4g, psi %.3g, wasserstein %.3g\n", (int) thin.n, (int) whole.n, drift.ks,
			   drift.psi, drift.relative);
		segment_column_free(&whole, tap_memory());
		segment_column_free(&thin, tap_memory());
	}
	ok(few, "few values, ascending");
	ok(ends, "the ends are exact");
	ok(mean, "weight and mean are kept");
	ok(close, "distribution functions hardly differ");
}

int
main(void)
{
	test_figures();
	test_random();
	test_special();
	test_thin();
	ok(tap_blocks == 0, "all memory is given back");
	return done();
}
