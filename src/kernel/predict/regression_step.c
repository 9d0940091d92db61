/*
 * regression_step.c: where the next step of a regression leads, from the slope and the matrix of second
 * derivatives that a pass over the rows found.
 *
 * Without an absolute penalty it is what Newton's method says, by the Cholesky root of the matrix; with one
 * the minimum of the quadratic, by coordinate descent.  Left out, as in R, are columns that follow
 * from those before them: what of their variance is left is below LEAST_SHARE.
 */
#include "kernel/predict/regression_parts.h"

#include <math.h>

#include "kernel/base/cholesky.h"

/* of a column's variance: less than that is left of it by the columns before */
#define LEAST_SHARE		1e-11

#define MOST_SWEEPS		100000

/* a sweep that changes no coefficient by more is the last */
#define LAST_CHANGE		1e-13

/* The matrix into its root; columns that follow from others are found where `find`. */
bool
segment_regression_factor(SegmentRegressionFit *fit, bool find)
{
	int			p = fit->p;
	int			i;
	int			j;
	int			k;

	for (i = 0; i < p; i++)
	{
		double	   *row = fit->root + SEGMENT_TRIANGLE(i);
		double		whole = fit->gram[(size_t) i * p + i] + fit->l2[i];
		double		rest = whole;

		if ((i & 7) == 7 && segment_regression_stopped(fit))
			return false;
		for (j = 0; j < i; j++)
		{
			const double *other = fit->root + SEGMENT_TRIANGLE(j);
			double		sum = fit->gram[(size_t) i * p + j];

			for (k = 0; k < j; k++)
				sum -= row[k] * other[k];
			row[j] = fit->left_out[i] || fit->left_out[j] ? 0 : sum / other[j];
			rest -= row[j] * row[j];
		}
		if (find && !(whole > 0 && rest > LEAST_SHARE * whole))
			fit->left_out[i] = true;
		if (fit->left_out[i])
		{
			memset(row, 0, sizeof(double) * i);
			row[i] = 1;
		}
		else
			/* so flat a likelihood makes a long step, which is halved or runs off, and is told */
			row[i] = sqrt(Max(rest, 1e-15 * whole) + 1e-290);
	}
	return true;
}

/* step = matrix^-1 gradient */
void
segment_regression_solve(const SegmentRegressionFit *fit, double *step)
{
	int			p = fit->p;
	int			i;
	int			j;

	for (i = 0; i < p; i++)
	{
		const double *row = fit->root + SEGMENT_TRIANGLE(i);
		double		sum = fit->left_out[i] ? 0 : fit->gradient[i] - fit->l2[i] * fit->b[i];

		for (j = 0; j < i; j++)
			sum -= row[j] * step[j];
		step[i] = sum / row[i];
	}
	for (i = p - 1; i >= 0; i--)
	{
		const double *row = fit->root + SEGMENT_TRIANGLE(i);

		step[i] /= row[i];
		for (j = 0; j < i; j++)
			step[j] -= row[j] * step[i];
	}
	for (i = 0; i < p; i++)
		if (fit->left_out[i])
			step[i] = 0;
}
/* With an absolute penalty: the minimum of the quadratic by coordinate descent; false: interrupted. */
bool
segment_regression_descend(SegmentRegressionFit *fit, double *step)
{
	int			p = fit->p;
	double	   *slope = fit->scratch;	/* gradient - matrix step */
	int			sweep;
	int			i;
	int			j;

	memset(step, 0, sizeof(double) * p);
	memcpy(slope, fit->gradient, sizeof(double) * p);
	for (sweep = 0; sweep < MOST_SWEEPS; sweep++)
	{
		double		most = 0;

		if (segment_regression_stopped(fit))
			return false;
		for (j = 0; j < p; j++)
		{
			double		diagonal = fit->gram[(size_t) j * p + j];
			double		now = fit->b[j] + step[j];
			double		pull = slope[j] + diagonal * now;
			double		next;
			double		change;

			if (fit->left_out[j])
				continue;
			next = (pull > fit->l1[j] ? pull - fit->l1[j] : pull < -fit->l1[j] ? pull + fit->l1[j] : 0) /
				(diagonal + fit->l2[j]);
			change = next - now;
			if (change == 0)
				continue;
			/* exactly 0, or what it is */
			step[j] = next - fit->b[j];
			for (i = 0; i < p; i++)
				slope[i] -= segment_regression_matrix_at(fit, i, j) * change;
			most = Max(most, fabs(change));
		}
		if (most < LAST_CHANGE)
			break;
	}
	return true;
}
