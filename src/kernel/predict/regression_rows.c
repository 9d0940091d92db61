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

#define LANES(p) (*(SegmentLanes *) (p))

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
		sum += LANES(x + j) * LANES(b + j);
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

/* rows of the matrix whose sums stay in registers while some rows of x are added to them */
#define TILE	4

/* Adds what four rows, a strip of their columns, are together when each is weighed with a number. */
SEGMENT_INLINE void
add_four(SegmentLanes *sum, const double *v, const double *x, int stride)
{
	*sum += (v[0] * LANES(x) + v[stride] * LANES(x + stride)) +
		(v[2 * (size_t) stride] * LANES(x + 2 * (size_t) stride) +
		 v[3 * (size_t) stride] * LANES(x + 3 * (size_t) stride));
}

/* Adds v x x' of some rows to TILE rows of the dense part, a strip of columns. */
SEGMENT_INLINE void
add_tile(double *out, const double *x, const double *vx, int n, int stride)
{
	SegmentLanes s0 = LANES(out);
	SegmentLanes s1 = LANES(out + stride);
	SegmentLanes s2 = LANES(out + 2 * (size_t) stride);
	SegmentLanes s3 = LANES(out + 3 * (size_t) stride);
	int			i;

	for (i = 0; i + 4 <= n; i += 4, x += 4 * (size_t) stride, vx += 4 * (size_t) stride)
	{
		add_four(&s0, vx, x, stride);
		add_four(&s1, vx + 1, x, stride);
		add_four(&s2, vx + 2, x, stride);
		add_four(&s3, vx + 3, x, stride);
	}
	for (; i < n; i++, x += stride, vx += stride)
	{
		s0 += vx[0] * LANES(x);
		s1 += vx[1] * LANES(x);
		s2 += vx[2] * LANES(x);
		s3 += vx[3] * LANES(x);
	}
	LANES(out) = s0;
	LANES(out + stride) = s1;
	LANES(out + 2 * (size_t) stride) = s2;
	LANES(out + 3 * (size_t) stride) = s3;
}

/* Adds v x x' of some rows to the dense part, on and below its diagonal at least. */
SEGMENT_CLONES static void
add_rows(double *dense, const double *x, double *vx, int n, int m, int stride, const double *v)
{
	int			i;
	int			a;
	int			j;

	for (i = 0; i < n; i++)
		for (j = 0; j < stride; j += SEGMENT_LANES)
			LANES(vx + (size_t) i * stride + j) = v[i] * LANES(x + (size_t) i * stride + j);
	for (a = 0; a < m; a += TILE)
		for (j = 0; j <= a; j += SEGMENT_LANES)
			add_tile(dense + (size_t) a * stride + j, x + j, vx + a, n, stride);
}

/* What the columns of categories add for some rows. */
static void
add_codes(SegmentRegressionFit *fit, int64 from, int n, const double *v)
{
	const SegmentRegression *r = fit->r;
	int			i;
	int			a;
	int			j;

	for (i = 0; i < n; i++)
	{
		const int32 *code = r->code + (from + i) * r->n_codes;
		const double *row = r->x + (from + i) * r->stride;

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
}

/* Adds sum v x x' of a block of rows to the matrix; false: interrupted. */
bool
segment_regression_add_matrix(SegmentRegressionFit *fit, int64 from, int n, const double *v)
{
	const SegmentRegression *r = fit->r;
	int			i;
	int			a;
	int			j;

	memset(fit->dense, 0, sizeof(double) * r->stride * r->stride);
	for (i = 0; i < n; i += SEGMENT_REGRESSION_ROWS)
	{
		int			rows = Min(n - i, SEGMENT_REGRESSION_ROWS);

		if (segment_regression_stopped(fit))
			return false;
		add_rows(fit->dense, r->x + (from + i) * r->stride, fit->vx, rows, fit->m, r->stride, v + i);
		if (r->n_codes > 0)
			add_codes(fit, from + i, rows, v + i);
	}
	for (a = 0; a < fit->m; a++)
		for (j = 0; j <= a; j++)
			fit->gram[(size_t) a * fit->p + j] += fit->dense[(size_t) a * r->stride + j];
	return true;
}

/* Adds sum u x of rows to the dense part of a vector, a strip of columns after the other. */
SEGMENT_CLONES static void
add_dense_vector(const double *x, int n, int stride, const double *u, double *sum)
{
	int			i;
	int			j;

	for (j = 0; j < stride; j += SEGMENT_LANES)
	{
		SegmentLanes strip = {0};

		for (i = 0; i < n; i++)
			strip += u[i] * LANES(x + (size_t) i * stride + j);
		LANES(sum + j) = strip;
	}
}

/* Adds sum u x of a block to the slope. */
static void
add_slope(SegmentRegressionFit *fit, int64 from, int n, const double *u)
{
	const SegmentRegression *r = fit->r;
	int			i;
	int			j;

	add_dense_vector(r->x + from * r->stride, n, r->stride, u, fit->sums);
	for (j = 0; j < fit->m; j++)
		fit->gradient[j] += fit->sums[j];
	for (i = 0; i < n && r->n_codes > 0; i++)
		for (j = 0; j < r->n_codes; j++)
			if (r->code[(from + i) * r->n_codes + j] >= 0)
				fit->gradient[r->code[(from + i) * r->n_codes + j]] += u[i];
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
			sum += segment_regression_copies(r, row + i) * segment_regression_weight(r, row + i) *
				likelihood[i];
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
		add_slope(fit, from, n, u);
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
