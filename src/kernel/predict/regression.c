/*
 * regression.c: linear and logistic regression, plain, ridge or elastic net.
 *
 * The coefficients b of the columns x of the design (intercept, numbers, categories as 0 or 1)
 * maximise  log-likelihood(b) - lambda W sum_j (alpha |b_j| + (1 - alpha)/2 b_j^2),  where W is
 * the sum of weights, the log-likelihood of linear regression is -1/2 sum w (y - x'b)^2, and the
 * intercept costs nothing: the objective of glmnet (Friedman, Hastie and Tibshirani 2010).
 *
 * Numbers, and y of linear regression, are brought to mean 0 (where there is an intercept) and
 * standard deviation 1 first (law 4), so that their offsets and units lose no digits, and one
 * measure tells what is small in any column.
 *
 * Newton's method: each pass over the rows works out the gradient and the matrix X'VX of second
 * derivatives (V: weights, times m (1 - m) of logistic regression), whose Cholesky root gives the
 * step; for linear regression the second step is an iterative refinement, which gives back the digits that
 * X'X has lost.  A step that makes things worse is halved.  With an absolute penalty each
 * step is the minimum of the quadratic, found by coordinate descent.  Near the end each step has
 * twice the digits of the last, so a step below 1e-9 standard deviations ends it.
 *
 * Rows are worked through in the order in which they come, with eight lanes in a fixed order:
 * the same rows in the same order give the same bits (law 3).
 *
 * Left out, as in R, are columns that follow from those before them: what of their variance
 * is left is below LEAST_SHARE.
 *
 * Separation: where labels can be told apart without error the likelihood has no maximum, and
 * Newton's steps run off along a direction d with x'd >= 0 for rows with label 1 and <= 0 for the
 * others.  That is checked of late steps: such a d proves that there is no maximum (Albert and
 * Anderson 1984), and nothing else does.
 *
 * Standard errors: the root of the diagonal of (X'VX)^-1, times the residual variance of linear
 * regression; or of the sandwich (X'VX)^-1 X' diag(w^2 r^2) X (X'VX)^-1 (White 1980), with the
 * corrections of MacKinnon and White 1985.  Of rows in G clusters (Liang and Zeger 1986) the filling is the
 * sum of s s' over clusters, s being the sum of w r x over the rows of one, times
 * G / (G - 1) (n - 1) / (n - p): what Stata calls vce(cluster) of regress, and R's sandwich HC1.
 */
#include "kernel/predict/regression.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cholesky.h"
#include "kernel/base/elementary.h"
#include "kernel/base/lanes.h"
#include "kernel/base/precision.h"

#define NOT_A_NUMBER	segment_bits_double(UINT64CONST(0x7FF8000000000000))

/* of a column's variance: less than that is left of it by the columns before */
#define LEAST_SHARE		1e-11

/* a step that ends it, in standard deviations ... */
#define LAST_STEP		1e-9
/* ... or one that is rounding, as the one before was no larger */
#define ROUNDING_STEP	1e-6

#define MOST_HALVES		30
#define MOST_SWEEPS		100000

/* steps before separation is looked for, and how far a row may be on the wrong side of it */
#define STEPS_TO_SEPARATION 5
#define WRONG_SIDE		1e-7

/* rows whose sums are added to the whole at once */
#define ROWS_AT_ONCE	2048
#define ROWS_A_CHECK	32		/* a row of thousands of columns takes a millisecond */

/* Room for a fit. */
typedef struct Fit
{
	SegmentRegression *r;
	int			p;				/* columns */
	int			m;				/* of them dense: intercept and numbers */
	double	   *mean;			/* m: of numbers */
	double	   *spread;			/* p: of all columns; 0: constant */
	double		y_mean;
	double		y_spread;
	double	   *gram;			/* p x p, lower triangle filled */
	double	   *dense;			/* m x stride: what a block adds to the dense part */
	double	   *gradient;		/* p */
	double	   *b;				/* p, padded to the stride */
	double	   *step;			/* p, likewise */
	double	   *root;			/* triangle */
	double	   *scratch;		/* p */
	bool	   *left_out;		/* p */
	double	   *l1;				/* p: what a column's coefficient costs by its absolute value ... */
	double	   *l2;				/* ... and by its square */
	double		likelihood;
	SegmentInterrupted interrupted;
} Fit;

/* Doubles from one row of x to the next. */
int
segment_regression_stride(int n_numbers, bool intercept)
{
	int			m = n_numbers + (intercept ? 1 : 0);

	return Max((m + SEGMENT_LANES - 1) / SEGMENT_LANES * SEGMENT_LANES, SEGMENT_LANES);
}

static inline double
row_copies(const SegmentRegression *r, int64 i)
{
	return r->copies == NULL ? 1 : r->copies[i];
}

static inline double
row_weight(const SegmentRegression *r, int64 i)
{
	return r->weight == NULL ? 1 : r->weight[i];
}

static bool
stopped(const Fit *fit)
{
	return fit->interrupted != NULL && fit->interrupted();
}

/* The same in passes that do little with each of many rows. */
static inline bool
stopped_at(const Fit *fit, int64 row)
{
	return row % ROWS_AT_ONCE == 0 && stopped(fit);
}

/* ---- scaling ---- */

/* Sums of each dense column times the row's factor, and of its squared distance from a centre. */
static void
column_sums(const Fit *fit, const double *centre, double *sum)
{
	const SegmentRegression *r = fit->r;
	int			m = fit->m;
	int64		i;
	int			j;

	memset(sum, 0, sizeof(double) * m);
	for (i = 0; i < r->n && !stopped_at(fit, i); i++)
	{
		const double *x = r->x + i * r->stride;
		double		w = row_copies(r, i) * row_weight(r, i);

		for (j = 0; j < m; j++)
			if (centre == NULL)
				sum[j] += w * x[j];
			else
				sum[j] += w * ((x[j] - centre[j]) * (x[j] - centre[j]));
	}
}

/* Brings numbers to mean 0 and deviation 1; of categories only the deviation is noted. */
static void
scale_columns(Fit *fit)
{
	SegmentRegression *r = fit->r;
	int			m = fit->m;
	int			first = r->intercept ? 1 : 0;
	double	   *sum = fit->scratch;
	int64		i;
	int			j;
	int			pass;

	memset(fit->mean, 0, sizeof(double) * m);
	/* the second pass takes off what rounding has left of the mean */
	for (pass = 0; pass < 2 && r->intercept; pass++)
	{
		column_sums(fit, NULL, sum);
		for (j = first; j < m; j++)
			sum[j] /= r->sum_weights;
		for (i = 0; i < r->n && !stopped_at(fit, i); i++)
			for (j = first; j < m; j++)
				r->x[i * r->stride + j] -= sum[j];
		for (j = first; j < m; j++)
			fit->mean[j] += sum[j];
	}
	for (j = 0; j < m; j++)
		fit->scratch[m + j] = 0;
	column_sums(fit, fit->scratch + m, fit->spread);
	for (j = 0; j < m; j++)
	{
		fit->spread[j] = sqrt(fit->spread[j] / r->sum_weights);
		if (r->intercept && fit->spread[j] <= SEGMENT_ROUNDING * fabs(fit->mean[j]))
			fit->spread[j] = 0;
	}
	if (r->intercept)
		fit->spread[0] = 1;
	memset(fit->spread + m, 0, sizeof(double) * (fit->p - m));
	for (i = 0; i < r->n && !stopped_at(fit, i); i++)
	{
		double	   *x = r->x + i * r->stride;

		for (j = first; j < m; j++)
			x[j] = fit->spread[j] > 0 ? x[j] / fit->spread[j] : 0;
		for (j = 0; j < r->n_codes; j++)
			if (r->code[i * r->n_codes + j] >= 0)
				fit->spread[r->code[i * r->n_codes + j]] += row_copies(r, i) * row_weight(r, i);
	}
	for (j = m; j < fit->p; j++)
	{
		double		share = fit->spread[j] / r->sum_weights;

		fit->spread[j] = sqrt(r->intercept ? Max(share * (1 - share), 0) : share);
	}
}

/* The same of y, and the deviance of a model that knows no column. */
static void
scale_label(Fit *fit)
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
			sum += row_copies(r, i) * row_weight(r, i) * r->y[i];
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
		squares += row_copies(r, i) * row_weight(r, i) * (r->y[i] * r->y[i]);
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
spreads_are_finite(const Fit *fit)
{
	int			j;

	for (j = 0; j < fit->p; j++)
		if (!(fit->spread[j] < HUGE_VAL))
			return false;
	return fit->y_spread < HUGE_VAL;
}

/* What coefficients of scaled columns cost. */
static void
price(Fit *fit)
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

/* ---- passes over the rows ---- */

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
static void
pad(const Fit *fit, const double *b, double *padded)
{
	const SegmentRegression *r = fit->r;

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
SEGMENT_CLONES static bool
add_matrix(Fit *fit, int64 from, int n, const double *v)
{
	const SegmentRegression *r = fit->r;
	const double *x = r->x + from * r->stride;
	int			i;
	int			a;
	int			j;

	memset(fit->dense, 0, sizeof(double) * fit->m * r->stride);
	for (i = 0; i + 4 <= n; i += 4)
	{
		if (i % ROWS_A_CHECK == 0 && stopped(fit))
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

		if (i % ROWS_A_CHECK == 0 && stopped(fit))
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
add_vector(Fit *fit, int64 from, int n, const double *u, double *sum)
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
 * Of a row whose x'b is eta: its log-likelihood, the residual and the second derivative, all
 * without weights.
 */
SEGMENT_INLINE double
row_likelihood(const SegmentRegression *r, int64 i, double eta, double *residual, double *second)
{
	double		e;
	double		share;

	if (r->family == SEGMENT_LINEAR)
	{
		*residual = r->y[i] - eta;
		*second = 1;
		return -0.5 * *residual * *residual;
	}
	e = segment_exp(-fabs(eta));
	share = 1 / (1 + e);		/* of the likelier label */
	*second = share * (e * share);
	*residual = eta >= 0 ? (r->y[i] > 0 ? e * share : -share) : (r->y[i] > 0 ? share : -e * share);
	return (r->y[i] > 0 ? Min(eta, 0) : Min(-eta, 0)) - segment_log1p(e);
}

/* Likelihood and gradient at b, and the matrix where it is wanted; false: interrupted. */
SEGMENT_CLONES static bool
evaluate(Fit *fit, const double *b, bool matrix, double *padded)
{
	const SegmentRegression *r = fit->r;
	double		u[ROWS_AT_ONCE];
	double		v[ROWS_AT_ONCE];
	int64		from;
	int			i;

	fit->likelihood = 0;
	memset(fit->gradient, 0, sizeof(double) * fit->p);
	if (matrix)
		memset(fit->gram, 0, sizeof(double) * fit->p * fit->p);
	pad(fit, b, padded);
	for (from = 0; from < r->n; from += ROWS_AT_ONCE)
	{
		int			n = (int) Min(r->n - from, ROWS_AT_ONCE);
		double		sum = 0;

		if (stopped(fit))
			return false;
		for (i = 0; i < n; i++)
		{
			double		w = row_copies(r, from + i) * row_weight(r, from + i);

			sum += w * row_likelihood(r, from + i, row_dot(r, from + i, padded), &u[i], &v[i]);
			u[i] *= w;
			v[i] *= w;
		}
		fit->likelihood += sum;
		add_vector(fit, from, n, u, fit->gradient);
		if (matrix && !add_matrix(fit, from, n, v))
			return false;
	}
	return true;
}

/* Whether a direction is one of separation. */
SEGMENT_CLONES static bool
separates(Fit *fit, const double *direction, double *padded)
{
	const SegmentRegression *r = fit->r;
	double		right = 0;
	double		wrong = 0;
	int64		i;

	pad(fit, direction, padded);
	for (i = 0; i < r->n && !stopped_at(fit, i); i++)
	{
		double		side = row_dot(r, i, padded) * (r->y[i] > 0 ? 1 : -1);

		if (row_weight(r, i) == 0)
			continue;
		right = Max(right, side);
		wrong = Max(wrong, -side);
	}
	return right > 0 && wrong <= WRONG_SIDE * right;
}

/* ---- solving ---- */

/* The matrix into its root; columns that follow from others are found where `find`. */
static bool
factor(Fit *fit, bool find)
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

		if ((i & 7) == 7 && stopped(fit))
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
static void
solve(const Fit *fit, double *step)
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

static inline double
matrix_at(const Fit *fit, int i, int j)
{
	return i >= j ? fit->gram[(size_t) i * fit->p + j] : fit->gram[(size_t) j * fit->p + i];
}

/* With an absolute penalty: the minimum of the quadratic by coordinate descent; false: interrupted. */
static bool
descend(Fit *fit, double *step)
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

		if (stopped(fit))
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
				slope[i] -= matrix_at(fit, i, j) * change;
			most = Max(most, fabs(change));
		}
		if (most < LAST_STEP * 1e-4)
			break;
	}
	return true;
}

static double
cost(const Fit *fit, const double *b)
{
	double		sum = 0;
	int			j;

	for (j = 0; j < fit->p; j++)
		sum += fit->l1[j] * fabs(b[j]) + 0.5 * fit->l2[j] * b[j] * b[j];
	return sum;
}

static SegmentRegressionResult
iterate(Fit *fit, double *padded, double *trial)
{
	SegmentRegression *r = fit->r;
	bool		absolute = r->penalty > 0 && r->l1_share > 0;
	double		last = HUGE_VAL;
	double		value;
	int			i;
	int			j;

	if (!evaluate(fit, fit->b, true, padded))
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
			if (!descend(fit, fit->step))
				return SEGMENT_REGRESSION_INTERRUPTED;
		}
		else
		{
			if (!factor(fit, i == 1))
				return SEGMENT_REGRESSION_INTERRUPTED;
			solve(fit, fit->step);
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
			(separates(fit, fit->step, padded) || separates(fit, fit->b, padded)))
			return SEGMENT_REGRESSION_SEPARATED;
		for (halves = 0; halves <= MOST_HALVES; halves++)
		{
			for (j = 0; j < fit->p; j++)
				trial[j] = fit->b[j] + fit->step[j];
			if (!evaluate(fit, trial, r->family == SEGMENT_LOGISTIC, padded))
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

/* ---- standard errors ---- */

/* inverse: p x p, both halves; from the root */
static bool
invert(Fit *fit, double *inverse)
{
	int			p = fit->p;
	double	   *step = fit->step;
	double	   *gradient = fit->gradient;
	int			i;

	for (i = 0; i < p; i++)
	{
		if (stopped(fit))
			return false;
		memset(gradient, 0, sizeof(double) * p);
		gradient[i] = 1;
		solve(fit, step);
		memcpy(inverse + (size_t) i * p, step, sizeof(double) * p);
	}
	return true;
}

/* x' inverse x of a row */
static double
leverage(const Fit *fit, int64 i, const double *inverse)
{
	const SegmentRegression *r = fit->r;
	const double *x = r->x + i * r->stride;
	const int32 *code = r->code + i * r->n_codes;
	double		sum = 0;
	int			a;
	int			c;
	int			j;

	for (a = 0; a < fit->m + r->n_codes; a++)
	{
		int			column = a < fit->m ? a : code[a - fit->m];
		const double *row;
		double		part = 0;

		if (column < 0)
			continue;
		row = inverse + (size_t) column * fit->p;
		for (j = 0; j < fit->m; j++)
			part += row[j] * x[j];
		for (c = 0; c < r->n_codes; c++)
			if (code[c] >= 0)
				part += row[code[c]];
		sum += (a < fit->m ? x[a] : 1) * part;
	}
	return sum;
}

/* What the rows of a cluster add up to, on the way. */
typedef struct ClusterSum
{
	double	   *sum;			/* p: of w r x; 0 outside of what the cluster's rows have */
	int32	   *column;			/* columns of categories that they have, n of them */
	bool	   *met;			/* p: whether it is among these */
	int			n;
} ClusterSum;

/* Adds v s s' to the matrix, and begins anew. */
SEGMENT_CLONES static void
end_cluster(Fit *fit, ClusterSum *cluster, double v)
{
	double	   *sum = cluster->sum;
	int			a;
	int			j;

	for (a = 0; a < fit->m; a++)
		for (j = 0; j <= a; j++)
			fit->gram[(size_t) a * fit->p + j] += v * sum[a] * sum[j];
	for (a = 0; a < cluster->n; a++)
	{
		int32		column = cluster->column[a];
		double	   *out = fit->gram + (size_t) column * fit->p;

		for (j = 0; j < fit->m; j++)
			out[j] += v * sum[column] * sum[j];
		for (j = 0; j < cluster->n; j++)
			if (cluster->column[j] <= column)
				out[cluster->column[j]] += v * sum[column] * sum[cluster->column[j]];
	}
	memset(sum, 0, sizeof(double) * fit->m);
	for (a = 0; a < cluster->n; a++)
	{
		sum[cluster->column[a]] = 0;
		cluster->met[cluster->column[a]] = false;
	}
	cluster->n = 0;
}

/* Adds the rows of a block, each times u, to their clusters; v is of those that end. */
static bool
add_clusters(Fit *fit, int64 from, int n, const double *u, ClusterSum *cluster, double v)
{
	const SegmentRegression *r = fit->r;
	int64		i;
	int			j;

	for (i = from; i < from + n; i++)
	{
		const double *x = r->x + i * r->stride;
		const int32 *code = r->code + i * r->n_codes;

		for (j = 0; j < fit->m; j++)
			cluster->sum[j] += u[i - from] * x[j];
		for (j = 0; j < r->n_codes; j++)
		{
			if (code[j] < 0)
				continue;
			cluster->sum[code[j]] += u[i - from];
			if (!cluster->met[code[j]])
				cluster->column[cluster->n++] = code[j];
			cluster->met[code[j]] = true;
		}
		if (i + 1 < r->n && r->cluster[i + 1] == r->cluster[i])
			continue;
		if (stopped(fit))
			return false;
		end_cluster(fit, cluster, v);
	}
	return true;
}

/* The matrix of the sandwich's filling into fit->gram. */
static bool
filling(Fit *fit, const double *inverse, double *padded, ClusterSum *cluster)
{
	const SegmentRegression *r = fit->r;
	bool		clustered = r->errors == SEGMENT_ERRORS_CR1;
	double		u[ROWS_AT_ONCE];
	double		all = 1;
	int64		from;
	int			i;

	if (r->errors == SEGMENT_ERRORS_HC1)
		all = r->rows / (r->rows - r->rank);
	if (clustered)
		all = r->n_clusters / (r->n_clusters - 1.0) * ((r->rows - 1) / (r->rows - r->rank));
	pad(fit, fit->b, padded);
	memset(fit->gram, 0, sizeof(double) * fit->p * fit->p);
	for (from = 0; from < r->n; from += ROWS_AT_ONCE)
	{
		int			n = (int) Min(r->n - from, ROWS_AT_ONCE);

		for (i = 0; i < n; i++)
		{
			double		w = row_weight(r, from + i);
			double		residual;
			double		second;
			double		rest = 1;

			if (stopped(fit))
				return false;
			(void) row_likelihood(r, from + i, row_dot(r, from + i, padded), &residual, &second);
			if (r->errors == SEGMENT_ERRORS_HC2 || r->errors == SEGMENT_ERRORS_HC3)
				rest = 1 - w * second * leverage(fit, from + i, inverse);
			if (r->errors == SEGMENT_ERRORS_HC3)
				rest *= rest;
			u[i] = row_copies(r, from + i) * (w * residual);
			if (!clustered)
				u[i] = u[i] * (w * residual) * all / rest;
		}
		if (clustered ? !add_clusters(fit, from, n, u, cluster, all) : !add_matrix(fit, from, n, u))
			return false;
	}
	return true;
}

/* c' covariance c for c = 1 at `column`, and `centre` elsewhere where it is the intercept */
static double
variance(Fit *fit, const double *covariance, int column, const double *c)
{
	int			p = fit->p;
	double		sum = 0;
	int			i;
	int			j;

	if (c == NULL)
		return covariance[(size_t) column * p + column];
	for (i = 0; i < p; i++)
	{
		double		part = 0;

		for (j = 0; j < p; j++)
			part += covariance[(size_t) i * p + j] * c[j];
		sum += c[i] * part;
	}
	return sum;
}

/* inverse filling inverse, in place of the inverse */
static bool
sandwich(Fit *fit, double *inverse, double *product)
{
	int			p = fit->p;
	int			i;
	int			j;
	int			k;

	for (i = 0; i < p; i++)
	{
		if (stopped(fit))
			return false;
		for (j = 0; j < p; j++)
		{
			double		sum = 0;

			for (k = 0; k < p; k++)
				sum += matrix_at(fit, k, j) * inverse[(size_t) i * p + k];
			product[(size_t) i * p + j] = sum;
		}
	}
	/* the matrix is used up */
	for (i = 0; i < p; i++)
	{
		if (stopped(fit))
			return false;
		for (j = 0; j < p; j++)
		{
			double		sum = 0;

			for (k = 0; k < p; k++)
				sum += product[(size_t) i * p + k] * inverse[(size_t) j * p + k];
			fit->gram[(size_t) i * p + j] = sum;
		}
	}
	memcpy(inverse, fit->gram, sizeof(double) * p * p);
	return true;
}

static SegmentRegressionResult
standard_errors(Fit *fit, SegmentMemory memory, double *padded)
{
	SegmentRegression *r = fit->r;
	int			p = fit->p;
	double	   *inverse = segment_allocate_rows(memory, p, p, sizeof(double));
	double	   *product = NULL;
	ClusterSum	cluster = {.sum = fit->gradient};
	double		scale = 1;
	bool		done;
	int			j;

	/* solve() is about the gradient alone */
	memset(fit->l2, 0, sizeof(double) * p);
	done = invert(fit, inverse);
	if (done && r->errors != SEGMENT_ERRORS_MODEL)
	{
		product = segment_allocate_rows(memory, p, p, sizeof(double));
		memset(cluster.sum, 0, sizeof(double) * p);
		cluster.column = segment_allocate_zeros(memory, p, sizeof(int32));
		cluster.met = segment_allocate_zeros(memory, p, sizeof(bool));
		done = filling(fit, inverse, padded, &cluster) && sandwich(fit, inverse, product);
		memory.release(memory.ctx, cluster.column);
		memory.release(memory.ctx, cluster.met);
	}
	else if (r->family == SEGMENT_LINEAR)
		scale = -2 * fit->likelihood / (r->rows - r->rank);
	if (done)
		for (j = 0; j < p; j++)
		{
			double		unit = j >= fit->m || (j == 0 && r->intercept) ? 1 : fit->spread[j];
			double	   *c = NULL;
			int			i;

			if (j == 0 && r->intercept)
			{
				c = fit->scratch;
				memset(c, 0, sizeof(double) * p);
				c[0] = 1;
				for (i = 1; i < fit->m; i++)
					if (!fit->left_out[i])
						c[i] = -fit->mean[i] / fit->spread[i];
			}
			if (!fit->left_out[j])
				r->error[j] = sqrt(Max(variance(fit, inverse, j, c) * scale, 0)) * fit->y_spread / unit;
		}
	memory.release(memory.ctx, inverse);
	if (product != NULL)
		memory.release(memory.ctx, product);
	return done ? SEGMENT_REGRESSION_DONE : SEGMENT_REGRESSION_INTERRUPTED;
}

/* ---- the whole ---- */

/* Coefficients of the columns as they came. */
static void
unscale(Fit *fit)
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

static void
start(Fit *fit, SegmentRegression *r, SegmentMemory memory, SegmentInterrupted interrupted)
{
	int			p = Max(r->n_columns, 0);

	fit->r = r;
	fit->p = p;
	fit->m = r->n_numbers + (r->intercept ? 1 : 0);
	fit->interrupted = interrupted;
	fit->mean = segment_allocate_zeros(memory, (uint64) p + 1, sizeof(double));
	fit->spread = segment_allocate_zeros(memory, (uint64) p + 1, sizeof(double));
	fit->gram = segment_allocate_rows(memory, p, p, sizeof(double));
	fit->dense = segment_allocate_rows(memory, (uint64) fit->m + 1, r->stride, sizeof(double));
	fit->gradient = segment_allocate_zeros(memory, p, sizeof(double));
	fit->b = segment_allocate_zeros(memory, p, sizeof(double));
	fit->step = segment_allocate_zeros(memory, p, sizeof(double));
	fit->root = segment_allocate_zeros(memory, SEGMENT_TRIANGLE(p), sizeof(double));
	fit->scratch = segment_allocate_zeros(memory, 2 * (uint64) p + 2, sizeof(double));
	fit->left_out = segment_allocate_zeros(memory, p, sizeof(bool));
	fit->l1 = segment_allocate_zeros(memory, p, sizeof(double));
	fit->l2 = segment_allocate_zeros(memory, p, sizeof(double));
}

static void
finish(Fit *fit, SegmentMemory memory)
{
	void	   *blocks[] = {fit->mean, fit->spread, fit->gram, fit->dense, fit->gradient, fit->b,
	fit->step, fit->root, fit->scratch, fit->left_out, fit->l1, fit->l2};
	int			i;

	for (i = 0; i < (int) lengthof(blocks); i++)
		memory.release(memory.ctx, blocks[i]);
}

/* n > 0, some weight above 0; coefficient, error and direction have room for n_columns. */
SegmentRegressionResult
segment_regression_fit(SegmentRegression *r, SegmentMemory memory, SegmentInterrupted interrupted)
{
	Fit			fit;
	double	   *padded;
	double	   *trial;
	SegmentRegressionResult result;
	int64		i;
	int			j;

	start(&fit, r, memory, interrupted);
	padded = segment_allocate_zeros(memory, (uint64) fit.p + r->stride, sizeof(double));
	trial = segment_allocate_zeros(memory, fit.p, sizeof(double));
	r->rows = r->sum_weights = 0;
	for (i = 0; i < r->n && !stopped_at(&fit, i); i++)
	{
		r->rows += row_copies(r, i);
		r->sum_weights += row_copies(r, i) * row_weight(r, i);
		for (j = fit.m; j < r->stride; j++)
			r->x[i * r->stride + j] = 0;
		if (r->intercept)
			r->x[i * r->stride] = 1;
	}
	scale_columns(&fit);
	scale_label(&fit);
	price(&fit);
	/* a pass that was stopped has left what is no scale */
	if (stopped(&fit))
		result = SEGMENT_REGRESSION_INTERRUPTED;
	else
		result = spreads_are_finite(&fit) ? iterate(&fit, padded, trial) : SEGMENT_REGRESSION_NOT_FINITE;
	if (result == SEGMENT_REGRESSION_SEPARATED)
		for (j = 0; j < fit.p; j++)
			r->direction[j] = fit.step[j] * (j < fit.m ? 1 : fit.spread[j]);
	if (result == SEGMENT_REGRESSION_DONE)
	{
		unscale(&fit);
		if (r->penalty == 0 && r->rows > r->rank)
			result = standard_errors(&fit, memory, padded);
	}
	finish(&fit, memory);
	memory.release(memory.ctx, padded);
	memory.release(memory.ctx, trial);
	return result;
}
