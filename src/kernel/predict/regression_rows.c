/*
 * regression_rows.c: passes over the rows of a regression: the likelihood, its slope and the matrix
 * X'VX of its second derivatives; and whether a direction tells all labels apart.
 *
 * Rows are worked through in the order in which they come, with eight lanes in a fixed order: the same
 * rows in the same order give the same bits (law 3).
 */
#include "kernel/predict/regression_parts.h"

#include <math.h>

#include "kernel/base/elementary.h"
#include "kernel/base/lanes.h"

#define ROWS_A_CHECK	32		/* a row of thousands of columns takes a millisecond */

/* rows whose likelihoods are worked out side by side; a block has a multiple of them */
#define ROWS_BESIDE		64

/* how far a row may be on the wrong side of a direction that separates */
#define WRONG_SIDE		1e-7

/* Doubles from one row of x to the next. */
int
segment_regression_stride(int n_numbers, bool intercept)
{
	int			m = n_numbers + (intercept ? 1 : 0);

	return Max((m + SEGMENT_LANES - 1) / SEGMENT_LANES * SEGMENT_LANES, SEGMENT_LANES);
}

/* x'b of a row */
SEGMENT_INLINE double
row_dot(const SegmentRegression *r, int64 i, const double *b)
{
	const double *x = r->x + i * r->stride;
	SegmentLanes sum = {0};
	double		result;
	int			j;

	for (j = 0; j < r->stride; j += SEGMENT_LANES)
		sum += *(const SegmentLanes *) (x + j) * *(const SegmentLanes *) (b + j);
	result = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
	for (j = 0; j < r->n_codes; j++)
	{
		int32		code = r->code[i * r->n_codes + j];

		/* columns of categories stand behind the padding of the dense ones */
		if (code >= 0)
			result += b[code - r->n_numbers - (r->intercept ? 1 : 0) + r->stride];
	}
	return result;
}

/* Puts b where row_dot() expects it. */
void
segment_regression_pad(SegmentRegressionFit *fit, const double *b)
{
	const SegmentRegression *r = fit->r;
	double	   *padded = fit->padded;

	memcpy(padded, b, sizeof(double) * fit->m);
	memset(padded + fit->m, 0, sizeof(double) * (r->stride - fit->m));
	memcpy(padded + r->stride, b + fit->m, sizeof(double) * (fit->p - fit->m));
}

/* Adds v x x' of four rows to the dense part. */
SEGMENT_INLINE void
add_four(double *dense, const double *x, int m, int stride, const double *v)
{
	const double *x1 = x + stride;
	const double *x2 = x1 + stride;
	const double *x3 = x2 + stride;
	int			a;
	int			j;

	for (a = 0; a < m; a++)
	{
		double		v0 = v[0] * x[a];
		double		v1 = v[1] * x1[a];
		double		v2 = v[2] * x2[a];
		double		v3 = v[3] * x3[a];
		double	   *out = dense + (size_t) a * stride;

		for (j = 0; j <= a; j += SEGMENT_LANES)
			*(SegmentLanes *) (out + j) += (v0 * *(const SegmentLanes *) (x + j) +
											v1 * *(const SegmentLanes *) (x1 + j)) +
				(v2 * *(const SegmentLanes *) (x2 + j) + v3 * *(const SegmentLanes *) (x3 + j));
	}
}

SEGMENT_INLINE void
add_one(double *dense, const double *x, int m, int stride, double v)
{
	int			a;
	int			j;

	for (a = 0; a < m; a++)
		for (j = 0; j <= a; j += SEGMENT_LANES)
			*(SegmentLanes *) (dense + (size_t) a * stride + j) +=
				(v * x[a]) * *(const SegmentLanes *) (x + j);
}

/* Adds sum v x x' of a block of rows to the matrix; false: interrupted. */
SEGMENT_CLONES bool
segment_regression_add_matrix(SegmentRegressionFit *fit, int64 from, int n, const double *v)
{
	const SegmentRegression *r = fit->r;
	const double *x = r->x + from * r->stride;
	int			i;
	int			a;
	int			j;

	memset(fit->dense, 0, sizeof(double) * fit->m * r->stride);
	for (i = 0; i + 4 <= n; i += 4)
	{
		if (i % ROWS_A_CHECK == 0 && segment_regression_stopped(fit))
			return false;
		add_four(fit->dense, x + (size_t) i * r->stride, fit->m, r->stride, v + i);
	}
	for (; i < n; i++)
		add_one(fit->dense, x + (size_t) i * r->stride, fit->m, r->stride, v[i]);
	for (a = 0; a < fit->m; a++)
		for (j = 0; j <= a; j++)
			fit->gram[(size_t) a * fit->p + j] += fit->dense[(size_t) a * r->stride + j];
	for (i = 0; i < n && r->n_codes > 0; i++)
	{
		const int32 *code = r->code + (from + i) * r->n_codes;
		const double *row = x + (size_t) i * r->stride;

		if (i % ROWS_A_CHECK == 0 && segment_regression_stopped(fit))
			return false;
		for (a = 0; a < r->n_codes; a++)
		{
			double	   *out = fit->gram + (size_t) code[a] * fit->p;

			if (code[a] < 0)
				continue;
			for (j = 0; j < fit->m; j++)
				out[j] += v[i] * row[j];
			/* columns of later features have higher numbers */
			for (j = 0; j <= a; j++)
				if (code[j] >= 0)
					out[code[j]] += v[i];
		}
	}
	return true;
}

/* Adds sum u x of a block to a vector. */
SEGMENT_CLONES static void
add_vector(SegmentRegressionFit *fit, int64 from, int n, const double *u, double *sum)
{
	const SegmentRegression *r = fit->r;
	int			i;
	int			j;

	memset(fit->dense, 0, sizeof(double) * r->stride);
	for (i = 0; i < n; i++)
		for (j = 0; j < r->stride; j += SEGMENT_LANES)
			*(SegmentLanes *) (fit->dense + j) += u[i] * *(const SegmentLanes *)
				(r->x + (from + i) * r->stride + j);
	for (j = 0; j < fit->m; j++)
		sum[j] += fit->dense[j];
	for (i = 0; i < n; i++)
		for (j = 0; j < r->n_codes; j++)
			if (r->code[(from + i) * r->n_codes + j] >= 0)
				sum[r->code[(from + i) * r->n_codes + j]] += u[i];
}

/*
 * Of rows whose x'b are eta and whose labels are y: their log-likelihoods, residuals and second
 * derivatives, all without weights.
 */
SEGMENT_CLONES static void
linear_rows(const double *pg_restrict eta, const double *pg_restrict y,
			double *pg_restrict residual, double *pg_restrict second, double *pg_restrict likelihood)
{
	int			i;

	for (i = 0; i < ROWS_BESIDE; i++)
	{
		residual[i] = y[i] - eta[i];
		second[i] = 1;
		likelihood[i] = -0.5 * residual[i] * residual[i];
	}
}

SEGMENT_CLONES static void
logistic_rows(const double *pg_restrict eta, const double *pg_restrict y,
			  double *pg_restrict residual, double *pg_restrict second, double *pg_restrict likelihood)
{
	int			i;

	for (i = 0; i < ROWS_BESIDE; i++)
	{
		double		e = segment_exp(-fabs(eta[i]));
		double		likelier = 1 / (1 + e);		/* probability of the likelier label ... */
		double		other = e * likelier;		/* ... and of the other */
		double		label = y[i] > 0 ? 1 : -1;
		double		side = label * eta[i];		/* below 0 where the other one came */

		second[i] = likelier * other;
		residual[i] = label * (side >= 0 ? other : likelier);
		likelihood[i] = (side < 0 ? side : 0) - segment_log1p_share(e);
	}
}

/*
 * Residuals and second derivatives of a block at the coefficients of segment_regression_pad(), without
 * weights; returns the sum of their likelihoods, with weights.  There is room for the whole of a block.
 */
SEGMENT_CLONES double
segment_regression_residuals(const SegmentRegressionFit *fit, int64 from, int n,
							 double *residual, double *second)
{
	const SegmentRegression *r = fit->r;
	double		eta[ROWS_BESIDE] = {0};
	double		y[ROWS_BESIDE] = {0};
	double		likelihood[ROWS_BESIDE];
	double		sum = 0;
	int			first;
	int			i;

	for (first = 0; first < n; first += ROWS_BESIDE)
	{
		int			rows = Min(n - first, ROWS_BESIDE);
		int64		row = from + first;

		for (i = 0; i < rows; i++)
			eta[i] = row_dot(r, row + i, fit->padded);
		memcpy(y, r->y + row, sizeof(double) * rows);
		if (r->family == SEGMENT_LINEAR)
			linear_rows(eta, y, residual + first, second + first, likelihood);
		else
			logistic_rows(eta, y, residual + first, second + first, likelihood);
		for (i = 0; i < rows; i++)
			sum += segment_regression_copies(r, row + i) * segment_regression_weight(r, row + i) * likelihood[i];
	}
	return sum;
}

/* Likelihood and gradient at b, and the matrix where it is wanted; false: interrupted. */
bool
segment_regression_evaluate(SegmentRegressionFit *fit, const double *b, bool matrix)
{
	const SegmentRegression *r = fit->r;
	double		u[SEGMENT_REGRESSION_BLOCK];
	double		v[SEGMENT_REGRESSION_BLOCK];
	int64		from;
	int			i;

	fit->likelihood = 0;
	memset(fit->gradient, 0, sizeof(double) * fit->p);
	if (matrix)
		memset(fit->gram, 0, sizeof(double) * fit->p * fit->p);
	segment_regression_pad(fit, b);
	for (from = 0; from < r->n; from += SEGMENT_REGRESSION_BLOCK)
	{
		int			n = (int) Min(r->n - from, SEGMENT_REGRESSION_BLOCK);

		if (segment_regression_stopped(fit))
			return false;
		fit->likelihood += segment_regression_residuals(fit, from, n, u, v);
		for (i = 0; i < n; i++)
		{
			double		w = segment_regression_copies(r, from + i) * segment_regression_weight(r, from + i);

			u[i] *= w;
			v[i] *= w;
		}
		add_vector(fit, from, n, u, fit->gradient);
		if (matrix && !segment_regression_add_matrix(fit, from, n, v))
			return false;
	}
	return true;
}

/* Whether a direction is one of separation. */
SEGMENT_CLONES bool
segment_regression_separates(SegmentRegressionFit *fit, const double *direction)
{
	const SegmentRegression *r = fit->r;
	double		right = 0;
	double		wrong = 0;
	int64		i;

	segment_regression_pad(fit, direction);
	for (i = 0; i < r->n && !segment_regression_stopped_at(fit, i); i++)
	{
		double		side = row_dot(r, i, fit->padded) * (r->y[i] > 0 ? 1 : -1);

		if (segment_regression_weight(r, i) == 0)
			continue;
		right = Max(right, side);
		wrong = Max(wrong, -side);
	}
	return right > 0 && wrong <= WRONG_SIDE * right;
}
