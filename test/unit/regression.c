/*
 * regression.c: fits whose coefficients are known, conditions that a minimum has to meet on random
 * rows, separation, and what follows from other columns.
 */
#include "kernel/predict/regression.h"

#include <math.h>

#include "kernel/base/elementary.h"
#include "tap.h"

#define N 400
#define NUMBERS 3
#define COLUMNS 6				/* intercept, three numbers, two of three categories */
#define STRIDE 8

static double x[N * STRIDE];
static double raw[N][COLUMNS];
static double y[N];
static double raw_y[N];
static double weight[N];
static double copies[N];
static int32 code[N];
static double coefficient[COLUMNS];
static double error[COLUMNS];
static double direction[COLUMNS];

static SegmentRegression
rows(SegmentRegressionFamily family, double offset)
{
	SegmentRegression r = {
		.family = family, .n = N, .n_numbers = NUMBERS, .n_codes = 1, .n_columns = COLUMNS, .intercept = true,
		.stride = segment_regression_stride(NUMBERS, true), .x = x, .code = code, .y = y, .weight = weight,
		.copies = copies, .standardize = true, .max_iterations = 100, .coefficient = coefficient, .error = error,
		.direction = direction
	};
	int			i;
	int			j;

	for (i = 0; i < N; i++)
	{
		double		eta;

		raw[i][0] = 1;
		for (j = 1; j <= NUMBERS; j++)
			x[i * STRIDE + j] = raw[i][j] = uniform() * j + (j == 1 ? offset : 0);
		code[i] = (int32) (uniform() * 3) + 3;
		raw[i][4] = code[i] == 4;
		raw[i][5] = code[i] == 5;
		if (code[i] == 3)
			code[i] = -1;
		weight[i] = 0.5 + uniform();
		copies[i] = 1 + (double) (random64() % 3);
		eta = (raw[i][1] - offset) - raw[i][2] + 0.3 * raw[i][3] + raw[i][4];
		raw_y[i] = y[i] = family == SEGMENT_LINEAR ? 5 + eta + uniform()
			: uniform() < 1 / (1 + segment_exp(-eta)) ? 1 : 0;
	}
	return r;
}

/* The largest slope of the mean objective at the coefficients, of columns as they came. */
static double
slope(const SegmentRegression *r)
{
	double		sum[COLUMNS] = {0};
	double		whole = 0;
	double		most = 0;
	int			i;
	int			j;

	for (i = 0; i < N; i++)
	{
		double		eta = 0;
		double		fitted;

		for (j = 0; j < COLUMNS; j++)
			eta += coefficient[j] * raw[i][j];
		fitted = r->family == SEGMENT_LINEAR ? eta : 1 / (1 + segment_exp(-eta));
		for (j = 0; j < COLUMNS; j++)
			sum[j] += weight[i] * copies[i] * (raw_y[i] - fitted) * raw[i][j];
		whole += weight[i] * copies[i];
	}
	for (j = 0; j < COLUMNS; j++)
	{
		double		s = sum[j] / whole;

		if (j > 0)
		{
			s -= r->penalty * (1 - r->l1_share) * coefficient[j];
			if (coefficient[j] != 0)
				s -= r->penalty * r->l1_share * (coefficient[j] > 0 ? 1 : -1);
			else
				s = Max(fabs(s) - r->penalty * r->l1_share, 0);
		}
		most = Max(most, fabs(s));
	}
	return most;
}

static void
test_minimum(void)
{
	static const double penalties[][2] = {{0, 0}, {0.1, 0}, {0.02, 0.5}, {0.05, 1}, {10, 1}};
	int			family;
	int			i;

	for (family = 0; family < 2; family++)
		for (i = 0; i < (int) lengthof(penalties); i++)
		{
			SegmentRegression r = rows(family, 0);

			r.penalty = penalties[i][0];
			r.l1_share = penalties[i][1];
			r.standardize = false;
			ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_DONE && slope(&r) < 1e-9,
			   family == 0 ? "the slope of the squared error is 0" : "the slope of the likelihood is 0");
		}
	ok(coefficient[1] == 0 && coefficient[4] == 0, "a large penalty leaves nothing");
}

static void
test_offset(void)
{
	SegmentRegression r;
	double		near_zero;
	uint64		state = tap_state;

	r = rows(SEGMENT_LOGISTIC, 0);
	(void) segment_regression_fit(&r, tap_memory(), NULL);
	near_zero = coefficient[1];
	tap_state = state;
	r = rows(SEGMENT_LOGISTIC, 0x1p30);
	(void) segment_regression_fit(&r, tap_memory(), NULL);
	ok(fabs(coefficient[1] - near_zero) < 1e-5 * fabs(near_zero), "an offset loses no digits");
}

static void
test_separation(void)
{
	SegmentRegression r = rows(SEGMENT_LOGISTIC, 0);
	int			i;

	for (i = 0; i < N; i++)
		y[i] = raw[i][2] > 1 ? 1 : 0;
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_SEPARATED, "separation");
	r = rows(SEGMENT_LOGISTIC, 0);
	for (i = 0; i < N; i++)
		if (code[i] == 4)
			y[i] = 1;
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_SEPARATED &&
	   fabs(direction[4]) > fabs(direction[1]), "separation of a category");
	/* one row on the other side */
	r = rows(SEGMENT_LOGISTIC, 0);
	for (i = 0; i < N; i++)
		y[i] = raw[i][2] > 1 || i == 7 ? 1 : 0;
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_DONE || raw[7][2] > 1,
	   "a single row is enough for a maximum");
}

static void
test_collinear(void)
{
	SegmentRegression r = rows(SEGMENT_LINEAR, 0);
	int			i;

	for (i = 0; i < N; i++)
		x[i * STRIDE + 3] = 7 - 3 * x[i * STRIDE + 1] + 2 * x[i * STRIDE + 2];
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_DONE && isnan(coefficient[3]) &&
	   isnan(error[3]) && !isnan(coefficient[1]) && r.rank == COLUMNS - 1, "a column that follows from others");
	r = rows(SEGMENT_LINEAR, 0);
	for (i = 0; i < N; i++)
		x[i * STRIDE + 1] = 0.1;
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_DONE && isnan(coefficient[1]), "a constant");
	r = rows(SEGMENT_LINEAR, 0);
	for (i = 0; i < N; i++)
		y[i] = 0.3;
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_DONE && coefficient[1] == 0 &&
	   fabs(coefficient[0] - 0.3) < 1e-15 && r.deviance == 0, "a constant target");
	r = rows(SEGMENT_LINEAR, 0);
	r.n = 3;
	ok(segment_regression_fit(&r, tap_memory(), NULL) == SEGMENT_REGRESSION_DONE && r.rank <= 3, "fewer rows than columns");
}

/* Clusters of one row each are HC1; of pairs of equal rows, that with a row of twice the weight. */
static void
test_clusters(void)
{
	static int32 cluster[N];
	static double single[COLUMNS];
	SegmentRegression r;
	uint64		state = tap_state;
	double		most = 0;
	int			family;
	int			pairs;
	int			i;
	int			j;

	for (family = 0; family < 2; family++)
		for (pairs = 0; pairs < 2; pairs++)
		{
			tap_state = state;
			r = rows(family, 0);
			for (i = 0; i < N; i++)
				copies[i] = pairs ? 2 : 1;
			r.errors = pairs ? SEGMENT_ERRORS_CR1 : SEGMENT_ERRORS_HC1;
			for (i = 0; i < N; i++)
				cluster[i] = i;
			r.cluster = cluster;
			r.n_clusters = N;
			(void) segment_regression_fit(&r, tap_memory(), NULL);
			if (!pairs)
			{
				memcpy(single, error, sizeof(error));
				tap_state = state;
				r = rows(family, 0);
				for (i = 0; i < N; i++)
					copies[i] = 1;
				r.errors = SEGMENT_ERRORS_CR1;
				r.cluster = cluster;
				r.n_clusters = N;
				(void) segment_regression_fit(&r, tap_memory(), NULL);
			}
			for (j = 0; j < COLUMNS; j++)
			{
				/* n (2n - 1) / ((n - 1) (2n - p)), where n / (n - p) was */
				double		more = pairs ? sqrt((2.0 * N - 1) / (N - 1) * (N - COLUMNS) / (2.0 * N - COLUMNS)) : 1;

				most = fmax(most, fabs(error[j] / single[j] / more - 1));
			}
		}
	ok(most < 1e-9, "a row a cluster is HC1, and copies of a row are of its cluster");
}

static bool
interrupt(void)
{
	return true;
}

static void
test_interrupt(void)
{
	SegmentRegression r = rows(SEGMENT_LOGISTIC, 0);

	ok(segment_regression_fit(&r, tap_memory(), interrupt) == SEGMENT_REGRESSION_INTERRUPTED, "stops when it is told to");
	ok(tap_blocks == 0, "gives its memory back");
}

int
main(void)
{
	test_minimum();
	test_offset();
	test_separation();
	test_collinear();
	test_clusters();
	test_interrupt();
	return done();
}
