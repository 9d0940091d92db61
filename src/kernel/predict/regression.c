/*
 * regression.c: linear and logistic regression, plain, ridge or elastic net.
 *
 * The coefficients b of the columns x of the design (intercept, numbers, categories as 0 or 1)
 * maximise  log-likelihood(b) - lambda W sum_j (alpha |b_j| + (1 - alpha)/2 b_j^2),  where W is
 * the sum of weights, the log-likelihood of linear regression is -1/2 sum w (y - x'b)^2, and the
 * intercept costs nothing: the objective of glmnet (Friedman, Hastie and Tibshirani 2010).
 *
 * Columns are scaled first (regression_scale.c).  Newton's method: each pass over the rows works out
 * the gradient and the matrix X'VX of second derivatives (V: weights, times m (1 - m) of logistic
 * regression; regression_rows.c), whose Cholesky root gives the step (regression_step.c); for linear
 * regression the second step is an iterative refinement, which gives back the digits that X'X has
 * lost.  A step that makes things worse is halved.  Near the end each step has twice the digits of
 * the last, so a step below 1e-9 standard deviations ends it.
 *
 * Separation: where labels can be told apart without error the likelihood has no maximum, and
 * Newton's steps run off along a direction d with x'd >= 0 for rows with label 1 and <= 0 for the
 * others.  That is checked of late steps: such a d proves that there is no maximum (Albert and
 * Anderson 1984), and nothing else does.
 */
#include "kernel/predict/regression_parts.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cholesky.h"

/* a step that ends it, in standard deviations ... */
#define LAST_STEP		1e-9
/* ... or one that is rounding, as the one before was no larger */
#define ROUNDING_STEP	1e-6

#define MOST_HALVES		30

/* steps before separation is looked for */
#define STEPS_TO_SEPARATION 5

static double
cost(const SegmentRegressionFit *fit, const double *b)
{
	double		sum = 0;
	int			j;

	for (j = 0; j < fit->p; j++)
		sum += fit->l1[j] * fabs(b[j]) + 0.5 * fit->l2[j] * b[j] * b[j];
	return sum;
}

static SegmentRegressionResult
iterate(SegmentRegressionFit *fit)
{
	SegmentRegression *r = fit->r;
	bool		absolute = r->penalty > 0 && r->l1_share > 0;
	double	   *trial = fit->trial;
	double		last = HUGE_VAL;
	double		value;
	int			i;
	int			j;

	if (!segment_regression_evaluate(fit, fit->b, true))
		return SEGMENT_REGRESSION_INTERRUPTED;
	for (j = 0; j < fit->p; j++)
		fit->left_out[j] = fit->spread[j] == 0 && r->intercept;
	for (i = 1; i <= r->max_iterations; i++)
	{
		double		most = 0;
		int			halves;

		r->iterations = i;
		value = fit->likelihood - cost(fit, fit->b);
		if (!(fabs(value) < HUGE_VAL))
			return SEGMENT_REGRESSION_NOT_FINITE;
		if (absolute)
		{
			for (j = 0; j < fit->p; j++)
				fit->left_out[j] |= fit->gram[(size_t) j * fit->p + j] == 0;
			if (!segment_regression_descend(fit, fit->step))
				return SEGMENT_REGRESSION_INTERRUPTED;
		}
		else
		{
			if (!segment_regression_factor(fit, i == 1))
				return SEGMENT_REGRESSION_INTERRUPTED;
			segment_regression_solve(fit, fit->step);
		}
		for (j = 0; j < fit->p; j++)
			most = fabs(fit->step[j]) > most || fit->step[j] != fit->step[j] ? fabs(fit->step[j]) : most;
		if (!(most < HUGE_VAL))
			return SEGMENT_REGRESSION_NOT_FINITE;
		if (most < LAST_STEP || (i > 2 && most < ROUNDING_STEP && most >= last / 2))
		{
			for (j = 0; j < fit->p; j++)
				fit->b[j] += fit->step[j];
			return SEGMENT_REGRESSION_DONE;
		}
		last = most;
		if (r->family == SEGMENT_LOGISTIC && r->penalty == 0 && i >= STEPS_TO_SEPARATION && most > 1e-3 &&
			(segment_regression_separates(fit, fit->step) || segment_regression_separates(fit, fit->b)))
			return SEGMENT_REGRESSION_SEPARATED;
		for (halves = 0; halves <= MOST_HALVES; halves++)
		{
			for (j = 0; j < fit->p; j++)
				trial[j] = fit->b[j] + fit->step[j];
			if (!segment_regression_evaluate(fit, trial, r->family == SEGMENT_LOGISTIC))
				return SEGMENT_REGRESSION_INTERRUPTED;
			if (fit->likelihood - cost(fit, trial) >= value - 1e-12 * (fabs(value) + 1e-300))
				break;
			for (j = 0; j < fit->p; j++)
				fit->step[j] /= 2;
		}
		memcpy(fit->b, trial, sizeof(double) * fit->p);
	}
	return SEGMENT_REGRESSION_NOT_CONVERGED;
}

static void
start(SegmentRegressionFit *fit, SegmentRegression *r, SegmentMemory memory, SegmentInterrupted interrupted)
{
	int			p = Max(r->n_columns, 0);

	fit->r = r;
	fit->p = p;
	fit->m = r->n_numbers + (r->intercept ? 1 : 0);
	fit->interrupted = interrupted;
	fit->mean = segment_allocate_zeros(memory, (uint64) p + 1, sizeof(double));
	fit->spread = segment_allocate_zeros(memory, (uint64) p + 1, sizeof(double));
	fit->gram = segment_allocate_rows(memory, p, p, sizeof(double));
	fit->sums = segment_allocate_zeros(memory, 2 * (uint64) r->stride, sizeof(double));
	fit->vx = segment_allocate_rows(memory, SEGMENT_REGRESSION_ROWS, r->stride, sizeof(double));
	fit->dense = segment_allocate_rows(memory, r->stride, r->stride, sizeof(double));
	fit->gradient = segment_allocate_zeros(memory, p, sizeof(double));
	fit->b = segment_allocate_zeros(memory, p, sizeof(double));
	fit->padded = segment_allocate_zeros(memory, (uint64) p + r->stride, sizeof(double));
	fit->step = segment_allocate_zeros(memory, p, sizeof(double));
	fit->trial = segment_allocate_zeros(memory, p, sizeof(double));
	fit->root = segment_allocate_zeros(memory, SEGMENT_TRIANGLE(p), sizeof(double));
	fit->scratch = segment_allocate_zeros(memory, p, sizeof(double));
	fit->left_out = segment_allocate_zeros(memory, p, sizeof(bool));
	fit->l1 = segment_allocate_zeros(memory, p, sizeof(double));
	fit->l2 = segment_allocate_zeros(memory, p, sizeof(double));
}

static void
finish(SegmentRegressionFit *fit, SegmentMemory memory)
{
	void	   *blocks[] = {fit->mean, fit->spread, fit->gram, fit->sums, fit->vx, fit->dense, fit->gradient,
	fit->b, fit->padded, fit->step, fit->trial, fit->root, fit->scratch, fit->left_out, fit->l1, fit->l2};
	int			i;

	for (i = 0; i < (int) lengthof(blocks); i++)
		memory.release(memory.ctx, blocks[i]);
}

/* n > 0, some weight above 0; coefficient, error and direction have room for n_columns. */
SegmentRegressionResult
segment_regression_fit(SegmentRegression *r, SegmentMemory memory, SegmentInterrupted interrupted)
{
	SegmentRegressionFit fit;
	SegmentRegressionResult result;
	bool		finite;
	int64		i;
	int			j;

	start(&fit, r, memory, interrupted);
	r->rows = r->sum_weights = 0;
	for (i = 0; i < r->n && !segment_regression_stopped_at(&fit, i); i++)
	{
		r->rows += segment_regression_copies(r, i);
		r->sum_weights += segment_regression_copies(r, i) * segment_regression_weight(r, i);
		for (j = fit.m; j < r->stride; j++)
			r->x[i * r->stride + j] = 0;
		if (r->intercept)
			r->x[i * r->stride] = 1;
	}
	finite = segment_regression_scale(&fit);
	/* a pass that was stopped has left what is no scale */
	if (segment_regression_stopped(&fit))
		result = SEGMENT_REGRESSION_INTERRUPTED;
	else
		result = finite ? iterate(&fit) : SEGMENT_REGRESSION_NOT_FINITE;
	if (result == SEGMENT_REGRESSION_SEPARATED)
		for (j = 0; j < fit.p; j++)
			r->direction[j] = fit.step[j] * (j < fit.m ? 1 : fit.spread[j]);
	if (result == SEGMENT_REGRESSION_DONE)
	{
		segment_regression_unscale(&fit);
		if (r->penalty == 0 && r->rows > r->rank)
			result = segment_regression_standard_errors(&fit, memory);
	}
	finish(&fit, memory);
	return result;
}
