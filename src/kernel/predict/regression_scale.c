/*
 * regression_scale.c: columns of a regression in one measure, and coefficients in those they came in.
 *
 * Numbers are brought to mean 0 (where there is an intercept) and standard deviation 1, in place, and
 * so is the number that linear regression predicts (law 4): offsets and units lose no digits, and
 * one measure tells what is small in any column.  Categories stay 0 or 1, of which only the deviation
 * is noted.
 *
 * A penalty is about coefficients of the columns as they came, or of columns of deviation 1, as is
 * asked for; price() says what that is of those that the fit works with.
 */
#include "kernel/predict/regression_parts.h"

#include <math.h>

#include "kernel/base/elementary.h"
#include "kernel/base/lanes.h"
#include "kernel/base/precision.h"

#define NOT_A_NUMBER	segment_bits_double(UINT64CONST(0x7FF8000000000000))

/* rows that are worked at together, while the first cache has them */
#define ROWS_BESIDE		64

/* What becomes of the dense columns in one pass over the rows; what is NULL does not. */
typedef struct Sweep
{
	const double *shift;		/* stride: is taken off; then ... */
	double	   *sum;			/* stride: of what is left, times the row's factor */
	double	   *squares;		/* stride: the same of its square */
	const double *divisor;		/* stride: by which it is divided */
} Sweep;

#define LANES(p) (*(SegmentLanes *) (p))

/* Of a block of rows. */
SEGMENT_CLONES static void
sweep_block(const Sweep *sweep, double *rows, int stride, int n, const double *factor)
{
	int			i;
	int			j;

	for (j = 0; j < stride; j += SEGMENT_LANES)
	{
		double	   *x = rows + j;

		if (sweep->shift != NULL)
		{
			const SegmentLanes shift = LANES(sweep->shift + j);

			for (i = 0; i < n; i++)
				LANES(x + (size_t) i * stride) -= shift;
		}
		if (sweep->sum != NULL)
		{
			SegmentLanes sum = LANES(sweep->sum + j);

			for (i = 0; i < n; i++)
				sum += factor[i] * LANES(x + (size_t) i * stride);
			LANES(sweep->sum + j) = sum;
		}
		if (sweep->squares != NULL)
		{
			SegmentLanes sum = LANES(sweep->squares + j);

			for (i = 0; i < n; i++)
				sum += factor[i] * (LANES(x + (size_t) i * stride) * LANES(x + (size_t) i * stride));
			LANES(sweep->squares + j) = sum;
		}
		if (sweep->divisor != NULL)
		{
			const SegmentLanes divisor = LANES(sweep->divisor + j);

			for (i = 0; i < n; i++)
				LANES(x + (size_t) i * stride) /= divisor;
		}
	}
}

static void
sweep_rows(const SegmentRegressionFit *fit, Sweep sweep)
{
	SegmentRegression *r = fit->r;
	double		factor[ROWS_BESIDE];
	int64		from;
	int			i;

	for (from = 0; from < r->n && !segment_regression_stopped_at(fit, from); from += ROWS_BESIDE)
	{
		int			n = (int) Min(r->n - from, ROWS_BESIDE);

		for (i = 0; i < n; i++)
			factor[i] = segment_regression_copies(r, from + i) * segment_regression_weight(r, from + i);
		sweep_block(&sweep, r->x + from * r->stride, r->stride, n, factor);
	}
}

/* Deviations of the columns of categories. */
static void
category_spreads(SegmentRegressionFit *fit)
{
	const SegmentRegression *r = fit->r;
	int64		i;
	int			j;

	memset(fit->spread + fit->m, 0, sizeof(double) * (fit->p - fit->m));
	for (i = 0; i < r->n && r->n_codes > 0 && !segment_regression_stopped_at(fit, i); i++)
		for (j = 0; j < r->n_codes; j++)
			if (r->code[i * r->n_codes + j] >= 0)
				fit->spread[r->code[i * r->n_codes + j]] +=
					segment_regression_copies(r, i) * segment_regression_weight(r, i);
	for (j = fit->m; j < fit->p; j++)
	{
		double		share = fit->spread[j] / r->sum_weights;

		fit->spread[j] = sqrt(r->intercept ? Max(share * (1 - share), 0) : share);
	}
}

/* Brings numbers to mean 0 and deviation 1; of categories only the deviation is noted. */
static void
scale_columns(SegmentRegressionFit *fit)
{
	SegmentRegression *r = fit->r;
	int			m = fit->m;
	double	   *shift = fit->sums;
	double	   *sum = fit->sums + r->stride;
	double	   *divisor = fit->sums;
	int			j;
	int			pass;

	memset(fit->sums, 0, sizeof(double) * 2 * r->stride);
	/* the second time takes off what rounding has left of the mean */
	for (pass = 0; pass < 2 && r->intercept; pass++)
	{
		sweep_rows(fit, (Sweep) {.shift = pass == 0 ? NULL : shift, .sum = sum});
		for (j = 1; j < m; j++)
		{
			shift[j] = sum[j] / r->sum_weights;
			fit->mean[j] += shift[j];
		}
		memset(sum, 0, sizeof(double) * r->stride);
	}
	sweep_rows(fit, (Sweep) {.shift = r->intercept ? shift : NULL, .squares = sum});
	for (j = 0; j < r->stride; j++)
		divisor[j] = 1;
	for (j = 0; j < m; j++)
	{
		fit->spread[j] = sqrt(sum[j] / r->sum_weights);
		if (r->intercept && fit->spread[j] <= SEGMENT_ROUNDING * fabs(fit->mean[j]))
			fit->spread[j] = 0;
		if (j == 0 && r->intercept)
			fit->spread[j] = 1;
		/* of a constant column nothing is left */
		divisor[j] = fit->spread[j] > 0 ? fit->spread[j] : HUGE_VAL;
	}
	sweep_rows(fit, (Sweep) {.divisor = divisor});
	category_spreads(fit);
}

/* The same of y, and the deviance of a model that knows no column. */
static void
scale_label(SegmentRegressionFit *fit)
{
	SegmentRegression *r = fit->r;
	double		sum = 0;
	double		squares = 0;
	int64		i;
	int			pass;

	fit->y_mean = 0;
	fit->y_spread = 1;
	for (pass = 0; pass < 2; pass++)
	{
		if (pass > 0 && r->family == SEGMENT_LOGISTIC)
			break;
		sum = 0;
		for (i = 0; i < r->n; i++)
			sum += segment_regression_copies(r, i) * segment_regression_weight(r, i) * r->y[i];
		sum /= r->sum_weights;
		if (r->family == SEGMENT_LOGISTIC || !r->intercept)
			break;
		for (i = 0; i < r->n; i++)
			r->y[i] -= sum;
		fit->y_mean += sum;
	}
	if (r->family == SEGMENT_LOGISTIC)
	{
		double		share = r->intercept ? sum : 0.5;

		/* what is 0 or 1 in all rows is told exactly */
		r->null_deviance = -2 * r->sum_weights *
			((sum > 0 ? sum * segment_log(share) : 0) +
			 (sum < 1 ? (1 - sum) * segment_log(1 - share) : 0));
		return;
	}
	for (i = 0; i < r->n; i++)
		squares += segment_regression_copies(r, i) * segment_regression_weight(r, i) * (r->y[i] * r->y[i]);
	r->null_deviance = squares;
	fit->y_spread = sqrt(squares / r->sum_weights);
	if (fit->y_spread <= SEGMENT_ROUNDING * fabs(fit->y_mean))
	{
		fit->y_spread = 1;
		r->null_deviance = 0;
		memset(r->y, 0, sizeof(double) * r->n);
	}
	for (i = 0; i < r->n; i++)
		r->y[i] /= fit->y_spread;
}

/* Whether all spreads are numbers that can be calculated with. */
static bool
spreads_are_finite(const SegmentRegressionFit *fit)
{
	int			j;

	for (j = 0; j < fit->p; j++)
		if (!(fit->spread[j] < HUGE_VAL))
			return false;
	return fit->y_spread < HUGE_VAL;
}

/* What coefficients of scaled columns cost. */
static void
price(SegmentRegressionFit *fit)
{
	const SegmentRegression *r = fit->r;
	int			j;

	for (j = 0; j < fit->p; j++)
	{
		/* by how much a coefficient of the scaled column differs from the one that is paid for */
		double		unit = j < fit->m ? (r->standardize ? 1 : 1 / fit->spread[j])
			: (r->standardize ? fit->spread[j] : 1);
		double		whole = r->penalty * r->sum_weights;
		bool		is_free = fit->spread[j] == 0 || (j == 0 && r->intercept);

		fit->l1[j] = is_free ? 0 : whole * r->l1_share * unit / fit->y_spread;
		fit->l2[j] = is_free ? 0 : whole * (1 - r->l1_share) * unit * unit;
	}
}

/* All of it; false: not all spreads are numbers that can be calculated with. */
bool
segment_regression_scale(SegmentRegressionFit *fit)
{
	scale_columns(fit);
	scale_label(fit);
	price(fit);
	return spreads_are_finite(fit);
}

/* Coefficients of the columns as they came. */
void
segment_regression_unscale(SegmentRegressionFit *fit)
{
	SegmentRegression *r = fit->r;
	double		constant = fit->y_mean;
	int			j;

	r->rank = 0;
	for (j = 0; j < fit->p; j++)
	{
		double		unit = j >= fit->m || (j == 0 && r->intercept) ? 1 : fit->spread[j];

		r->error[j] = NOT_A_NUMBER;
		r->coefficient[j] = fit->left_out[j] ? NOT_A_NUMBER : fit->b[j] * fit->y_spread / unit;
		if (fit->left_out[j])
			continue;
		r->rank += r->penalty == 0 || fit->b[j] != 0 ? 1 : 0;
		if (j > 0 && j < fit->m)
			constant -= r->coefficient[j] * fit->mean[j];
	}
	if (r->intercept)
		r->coefficient[0] += constant;
	r->deviance = -2 * fit->likelihood * fit->y_spread * fit->y_spread;
}
