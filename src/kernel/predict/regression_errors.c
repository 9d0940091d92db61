/*
 * regression_errors.c: standard errors of a regression.
 *
 * They are the root of the diagonal of (X'VX)^-1, times the residual variance of linear
 * regression; or of the sandwich (X'VX)^-1 X' diag(w^2 r^2) X (X'VX)^-1 (White 1980), with the
 * corrections of MacKinnon and White 1985.  Of rows in G clusters (Liang and Zeger 1986) the filling is the
 * sum of s s' over clusters, s being the sum of w r x over the rows of one, times
 * G / (G - 1) (n - 1) / (n - p): what Stata calls vce(cluster) of regress, and R's sandwich HC1.
 */
#include "kernel/predict/regression_parts.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/lanes.h"

/* inverse: p x p, both halves; from the root */
static bool
invert(SegmentRegressionFit *fit, double *inverse)
{
	int			p = fit->p;
	double	   *step = fit->step;
	double	   *gradient = fit->gradient;
	int			i;

	for (i = 0; i < p; i++)
	{
		if (segment_regression_stopped(fit))
			return false;
		memset(gradient, 0, sizeof(double) * p);
		gradient[i] = 1;
		segment_regression_solve(fit, step);
		memcpy(inverse + (size_t) i * p, step, sizeof(double) * p);
	}
	return true;
}

/* x' inverse x of a row */
static double
leverage(const SegmentRegressionFit *fit, int64 i, const double *inverse)
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
end_cluster(SegmentRegressionFit *fit, ClusterSum *cluster, double v)
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
add_clusters(SegmentRegressionFit *fit, int64 from, int n, const double *u, ClusterSum *cluster, double v)
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
		if (segment_regression_stopped(fit))
			return false;
		end_cluster(fit, cluster, v);
	}
	return true;
}

/* The matrix of the sandwich's filling into fit->gram. */
static bool
filling(SegmentRegressionFit *fit, const double *inverse, ClusterSum *cluster)
{
	const SegmentRegression *r = fit->r;
	bool		clustered = r->errors == SEGMENT_ERRORS_CR1;
	double		u[SEGMENT_REGRESSION_BLOCK];
	double		second[SEGMENT_REGRESSION_BLOCK];
	double		all = 1;
	int64		from;
	int			i;

	if (r->errors == SEGMENT_ERRORS_HC1)
		all = r->rows / (r->rows - r->rank);
	if (clustered)
		all = r->n_clusters / (r->n_clusters - 1.0) * ((r->rows - 1) / (r->rows - r->rank));
	segment_regression_pad(fit, fit->b);
	memset(fit->gram, 0, sizeof(double) * fit->p * fit->p);
	for (from = 0; from < r->n; from += SEGMENT_REGRESSION_BLOCK)
	{
		int			n = (int) Min(r->n - from, SEGMENT_REGRESSION_BLOCK);

		(void) segment_regression_residuals(fit, from, n, u, second);
		for (i = 0; i < n; i++)
		{
			double		w = segment_regression_weight(r, from + i);
			double		residual = u[i];
			double		rest = 1;

			if (segment_regression_stopped(fit))
				return false;
			if (r->errors == SEGMENT_ERRORS_HC2 || r->errors == SEGMENT_ERRORS_HC3)
				rest = 1 - w * second[i] * leverage(fit, from + i, inverse);
			if (r->errors == SEGMENT_ERRORS_HC3)
				rest *= rest;
			u[i] = segment_regression_copies(r, from + i) * (w * residual);
			if (!clustered)
				u[i] = u[i] * (w * residual) * all / rest;
		}
		if (clustered ? !add_clusters(fit, from, n, u, cluster, all)
			: !segment_regression_add_matrix(fit, from, n, u))
			return false;
	}
	return true;
}

/* c' covariance c for c = 1 at `column`, and `centre` elsewhere where it is the intercept */
static double
variance(SegmentRegressionFit *fit, const double *covariance, int column, const double *c)
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
sandwich(SegmentRegressionFit *fit, double *inverse, double *product)
{
	int			p = fit->p;
	int			i;
	int			j;
	int			k;

	for (i = 0; i < p; i++)
	{
		if (segment_regression_stopped(fit))
			return false;
		for (j = 0; j < p; j++)
		{
			double		sum = 0;

			for (k = 0; k < p; k++)
				sum += segment_regression_matrix_at(fit, k, j) * inverse[(size_t) i * p + k];
			product[(size_t) i * p + j] = sum;
		}
	}
	/* the matrix is used up */
	for (i = 0; i < p; i++)
	{
		if (segment_regression_stopped(fit))
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

SegmentRegressionResult
segment_regression_standard_errors(SegmentRegressionFit *fit, SegmentMemory memory)
{
	SegmentRegression *r = fit->r;
	int			p = fit->p;
	double	   *inverse = segment_allocate_rows(memory, p, p, sizeof(double));
	double	   *product = NULL;
	ClusterSum	cluster = {.sum = fit->gradient};
	double		scale = 1;
	bool		done;
	int			j;

	/* a step is about the gradient alone */
	memset(fit->l2, 0, sizeof(double) * p);
	done = invert(fit, inverse);
	if (done && r->errors != SEGMENT_ERRORS_MODEL)
	{
		product = segment_allocate_rows(memory, p, p, sizeof(double));
		memset(cluster.sum, 0, sizeof(double) * p);
		cluster.column = segment_allocate_zeros(memory, p, sizeof(int32));
		cluster.met = segment_allocate_zeros(memory, p, sizeof(bool));
		done = filling(fit, inverse, &cluster) && sandwich(fit, inverse, product);
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
