/*
 * mixture_fit.c: fits a mixture of normal distributions by expectation and maximisation.
 *
 * Each step goes over all rows once (Dempster, Laird, Rubin 1977).  It works out with
 * what probability each component made the row, and adds up, weighted with that,
 * rows, sums and products of coordinates; from those follow the next weights, means
 * and covariances.  The likelihood of the data rises with each step.  No
 * probability is kept: memory depends on k and d, not on the number of rows.
 *
 * Coordinates are summed as differences from the component's mean before the step.
 * The new mean is close to it, so next to nothing cancels in
 * covariance = products / weight - shift shift' (law 4).
 *
 * Rows are taken in blocks (mixture_block.h), turned so that a coordinate's values lie
 * side by side; what is computed is the same for each row, and a block takes the same
 * additions in the same order whatever the CPU.  Rows are in canonical order, so the
 * answer depends on nothing else (law 3).
 *
 * A component can collapse: no rows are left to it, or it becomes flat in some direction
 * (as when all its rows have the same value in one coordinate), where the likelihood
 * would rise without end.  An empty one keeps its place and shape with weight 0 or
 * nearly so.  A flat one has no variance but what reg_covar added, or, where the
 * matrix is not positive definite even so, gets RESCUE times that of all rows.  Both
 * are counted.  A coordinate that is the same in all rows makes nothing flat.
 */
#include "kernel/cluster/mixture.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/elementary.h"
#include "kernel/base/precision.h"
#include "kernel/cluster/mixture_block.h"
#include "kernel/cluster/mixture_parts.h"

/* multiplications between two questions whether to go on; a few milliseconds */
#define WORK_BETWEEN_CHECKS 4000000

/* a component with less than this share of all weight has no rows */
#define EMPTY_SHARE 1e-12

/* variance given to a flat component, as a share of the variance of all rows */
#define RESCUE 1e-6

/* more steps like the last one that a mixture has to reach its rival in */
#define PATIENCE 50

typedef struct Fit
{
	const SegmentPoints *points;
	int64		n;				/* the first so many of them */
	double		total_weight;	/* of these */
	const SegmentMixtureOptions *options;
	SegmentMixture *mixture;
	double	   *variance;		/* d: of all these rows; 0 where constant */
	double		mean_variance;	/* of all coordinates; 1 where that is 0 */
	bool		varies;			/* not all rows are the same */
	double	   *center;			/* d: their mean */

	/* one block */
	double	   *x;				/* d x SEGMENT_MIXTURE_STRIDE */
	double	   *z;				/* as large: differences from a mean, or these through the factor */
	double	   *share;			/* k blocks: log-densities, then probability times row weight */
	double	   *row_weight;		/* a block; 0 after the last row */
	double	   *room;			/* a block */

	/* sums over all blocks */
	double	   *sum_weight;		/* k */
	double	   *sum_shift;		/* k x d: of differences from the mean */
	double	   *sum_product;	/* of their products: triangles for full and tied, else k x d */
	double	   *row_sums;		/* d: of one row of products, for one block */
	double		log_likelihood;

	int64		work;			/* multiplications since the last check */
	int			n_collapsed;	/* in the last step */
} Fit;

static inline bool
has_triangle(const SegmentMixture *mixture)
{
	return mixture->kind == SEGMENT_FULL || mixture->kind == SEGMENT_TIED;
}

static inline uint64
product_size(const SegmentMixture *mixture)
{
	if (has_triangle(mixture))
		return segment_mixture_covariance_size(mixture->kind, mixture->k, mixture->d);
	return segment_product(mixture->k, mixture->d);
}

/* Where the products of a component are summed. */
static inline double *
product_part(const Fit *fit, int c)
{
	return has_triangle(fit->mixture) ? segment_mixture_part(fit->mixture, fit->sum_product, c)
		: fit->sum_product + (size_t) c * fit->mixture->d;
}

static inline bool
interrupted(Fit *fit, int64 work)
{
	fit->work += work;
	if (fit->work < WORK_BETWEEN_CHECKS)
		return false;
	fit->work = 0;
	return fit->options->interrupted != NULL && fit->options->interrupted();
}

/* ---- expectation ---- */

/* Brings a block of rows in: coordinates turned, zeros after the last row. */
static void
load_block(Fit *fit, int64 first)
{
	const SegmentPoints *points = fit->points;
	int			rows = (int) Min(SEGMENT_MIXTURE_BLOCK, fit->n - first);
	int			d = points->d;
	int			b;
	int			j;

	if (rows < SEGMENT_MIXTURE_BLOCK)
		memset(fit->x, 0, sizeof(double) * SEGMENT_MIXTURE_STRIDE * d);
	for (b = 0; b < rows; b++)
	{
		const double *row = points->x + (first + b) * d;

		for (j = 0; j < d; j++)
			fit->x[(size_t) j * SEGMENT_MIXTURE_STRIDE + b] = row[j];
		fit->row_weight[b] = points->weight != NULL ? points->weight[first + b] : 1.0;
	}
	for (; b < SEGMENT_MIXTURE_BLOCK; b++)
		fit->row_weight[b] = 0;
}

/* Differences from a component's mean. */
static void
load_differences(Fit *fit, int c)
{
	const SegmentMixture *mixture = fit->mixture;
	int			j;

	for (j = 0; j < mixture->d; j++)
		segment_mixture_subtract(fit->x + (size_t) j * SEGMENT_MIXTURE_STRIDE,
								 mixture->mean[(size_t) c * mixture->d + j],
								 fit->z + (size_t) j * SEGMENT_MIXTURE_STRIDE);
}

/* Log-densities of the block under one component. */
static bool
expect(Fit *fit, int c)
{
	SegmentMixture *mixture = fit->mixture;
	double	   *distance = fit->share + (size_t) c * SEGMENT_MIXTURE_BLOCK;
	const double *factor = segment_mixture_part(mixture, mixture->factor, c);
	int			i;

	memset(distance, 0, sizeof(double) * SEGMENT_MIXTURE_BLOCK);
	for (i = 0; i < mixture->d; i++)
	{
		if (has_triangle(mixture))
			segment_mixture_substitute(factor + SEGMENT_TRIANGLE(i), i, fit->z, distance);
		else
			segment_mixture_add_squares(fit->z + (size_t) i * SEGMENT_MIXTURE_STRIDE,
										factor[mixture->kind == SEGMENT_DIAG ? i : 0], distance);
		if (interrupted(fit, (int64) SEGMENT_MIXTURE_BLOCK * (i + 2)))
			return false;
	}
	segment_mixture_log_densities(mixture->constant[c], distance);
	return true;
}

/* Adds what the block gives to a component. */
static bool
gather(Fit *fit, int c)
{
	SegmentMixture *mixture = fit->mixture;
	const double *share = fit->share + (size_t) c * SEGMENT_MIXTURE_BLOCK;
	double	   *shift = fit->sum_shift + (size_t) c * mixture->d;
	double	   *product = product_part(fit, c);
	double		weight = segment_mixture_sum(share);
	int			i;
	int			j;

	if (weight == 0)
		return true;
	fit->sum_weight[c] += weight;
	segment_mixture_weighted_sums(share, fit->z, mixture->d, fit->row_sums);
	for (i = 0; i < mixture->d; i++)
		shift[i] += fit->row_sums[i];
	for (i = 0; i < mixture->d; i++)
	{
		const double *z = fit->z + (size_t) i * SEGMENT_MIXTURE_STRIDE;

		segment_mixture_multiply(share, z, fit->room);
		if (has_triangle(mixture))
		{
			segment_mixture_weighted_sums(fit->room, fit->z, i + 1, fit->row_sums);
			for (j = 0; j <= i; j++)
				product[SEGMENT_TRIANGLE_AT(i, j)] += fit->row_sums[j];
		}
		else
		{
			segment_mixture_weighted_sums(fit->room, z, 1, fit->row_sums);
			product[i] += fit->row_sums[0];
		}
		if (interrupted(fit, (int64) SEGMENT_MIXTURE_BLOCK * (i + 2)))
			return false;
	}
	return true;
}

/*
 * One pass over the rows: fills the sums and the likelihood.  Where labels are
 * given, each row belongs to that component alone, and there is no likelihood.
 */
static bool
pass(Fit *fit, const int32 *labels)
{
	SegmentMixture *mixture = fit->mixture;
	int64		first;
	int			b;
	int			c;

	memset(fit->sum_weight, 0, sizeof(double) * mixture->k);
	memset(fit->sum_shift, 0, sizeof(double) * mixture->k * mixture->d);
	memset(fit->sum_product, 0, sizeof(double) * product_size(mixture));
	fit->log_likelihood = 0;
	for (first = 0; first < fit->n; first += SEGMENT_MIXTURE_BLOCK)
	{
		load_block(fit, first);
		if (labels != NULL)
		{
			memset(fit->share, 0, sizeof(double) * SEGMENT_MIXTURE_BLOCK * mixture->k);
			for (b = 0; b < SEGMENT_MIXTURE_BLOCK && first + b < fit->n; b++)
				fit->share[(size_t) labels[first + b] * SEGMENT_MIXTURE_BLOCK + b] = fit->row_weight[b];
		}
		else
		{
			for (c = 0; c < mixture->k; c++)
			{
				load_differences(fit, c);
				if (!expect(fit, c))
					return false;
			}
			segment_mixture_shares(fit->share, mixture->k, fit->row_weight, fit->room);
			fit->log_likelihood += segment_mixture_sum(fit->room);
		}
		for (c = 0; c < mixture->k; c++)
		{
			load_differences(fit, c);
			if (!gather(fit, c))
				return false;
		}
		if (interrupted(fit, (int64) SEGMENT_MIXTURE_BLOCK * mixture->k * 20))
			return false;
	}
	return true;
}

/* ---- maximisation ---- */

/* Adds a share of the variance of all rows to the variances of a component. */
static void
widen(Fit *fit, int c, double share)
{
	SegmentMixture *mixture = fit->mixture;
	double	   *covariance = segment_mixture_part(mixture, mixture->covariance, c);
	int			j;

	if (mixture->kind == SEGMENT_SPHERICAL)
		covariance[0] += share * fit->mean_variance;
	else
		for (j = 0; j < mixture->d; j++)
			covariance[has_triangle(mixture) ? SEGMENT_TRIANGLE_AT(j, j) : (size_t) j] +=
				fit->variance[j] > 0 ? share * fit->variance[j] : Max(share, RESCUE);
}

/* A covariance that says nothing but the variances of all rows. */
static void
spread_out(Fit *fit, int c)
{
	SegmentMixture *mixture = fit->mixture;
	size_t		size = segment_mixture_covariance_size(mixture->kind, 1, mixture->d);

	memset(segment_mixture_part(mixture, mixture->covariance, c), 0, sizeof(double) * size);
	widen(fit, c, 1);
}

/* Products less those that the move of the mean explains; adds to covariance. */
static void
add_centered(Fit *fit, int c, double divisor, double *covariance)
{
	const SegmentMixture *mixture = fit->mixture;
	const double *shift = fit->sum_shift + (size_t) c * mixture->d;
	int			i;
	int			j;

	for (i = 0; i < mixture->d; i++)
	{
		double		move = shift[i] / fit->sum_weight[c];

		for (j = 0; j <= i; j++)
			covariance[SEGMENT_TRIANGLE_AT(i, j)] -= move * shift[j] / divisor;
	}
}

/* The covariance of component c from the sums; nothing for tied but for c = 0. */
static void
estimate(Fit *fit, int c)
{
	SegmentMixture *mixture = fit->mixture;
	double	   *covariance = segment_mixture_part(mixture, mixture->covariance, c);
	const double *product = product_part(fit, c);
	const double *shift = fit->sum_shift + (size_t) c * mixture->d;
	double		weight = fit->sum_weight[c];
	size_t		i;
	int			j;

	switch (mixture->kind)
	{
		case SEGMENT_TIED:
			for (i = 0; i < SEGMENT_TRIANGLE(mixture->d); i++)
				covariance[i] = product[i] / fit->total_weight;
			for (c = 0; c < mixture->k; c++)
				if (fit->sum_weight[c] > 0)
					add_centered(fit, c, fit->total_weight, covariance);
			break;
		case SEGMENT_FULL:
			for (i = 0; i < SEGMENT_TRIANGLE(mixture->d); i++)
				covariance[i] = product[i] / weight;
			add_centered(fit, c, weight, covariance);
			break;
		case SEGMENT_DIAG:
			for (j = 0; j < mixture->d; j++)
				covariance[j] = fmax(0, product[j] / weight - (shift[j] / weight) * (shift[j] / weight));
			break;
		case SEGMENT_SPHERICAL:
			covariance[0] = 0;
			for (j = 0; j < mixture->d; j++)
				covariance[0] += fmax(0, product[j] / weight - (shift[j] / weight) * (shift[j] / weight));
			covariance[0] /= mixture->d;
			break;
	}
	widen(fit, fit->mixture->kind == SEGMENT_TIED ? 0 : c, fit->options->reg_covar);
}

/* Whether half the variance in some direction, or more, is what was added to it. */
static bool
is_flat(const Fit *fit, int c)
{
	SegmentMixture *mixture = fit->mixture;
	const double *covariance = segment_mixture_part(mixture, mixture->covariance, c);
	const double *factor = segment_mixture_part(mixture, mixture->factor, c);
	double		added = fit->options->reg_covar;
	int			j;

	if (mixture->kind == SEGMENT_SPHERICAL)
		return fit->varies && covariance[0] <= 2 * added * fit->mean_variance;
	for (j = 0; j < mixture->d; j++)
	{
		double		left = has_triangle(mixture) ? factor[SEGMENT_TRIANGLE_AT(j, j)] : factor[j];

		/* factors are inverted; left: the variance that coordinates before j do not explain */
		left = 1 / left / left;
		if (fit->variance[j] > 0 && left <= 2 * added * fit->variance[j])
			return true;
	}
	return false;
}

/* Factors a covariance, made wider as far as needed.  False: interrupted. */
static bool
factor(Fit *fit, int c)
{
	SegmentMixture *mixture = fit->mixture;
	double		share = RESCUE;
	bool		collapsed = false;

	for (;;)
	{
		SegmentCholesky status = segment_mixture_prepare_component(mixture, c, fit->options->interrupted);

		if (status == SEGMENT_FACTORING_INTERRUPTED)
			return false;
		if (status == SEGMENT_FACTORED)
			break;
		collapsed = true;
		/* where a sum has overflowed, no widening helps */
		if (share > 1)
			spread_out(fit, c);
		widen(fit, c, share);
		share *= 10;
	}
	fit->n_collapsed += collapsed || is_flat(fit, c);
	return true;
}

/* The next weights, means and covariances from the sums of a pass. */
static bool
maximise(Fit *fit)
{
	SegmentMixture *mixture = fit->mixture;
	int			c;
	int			j;

	fit->n_collapsed = 0;
	for (c = 0; c < mixture->k; c++)
	{
		const bool	empty = !(fit->sum_weight[c] > EMPTY_SHARE * fit->total_weight);

		if (mixture->kind == SEGMENT_TIED)
		{
			if (c == 0)
				estimate(fit, 0);
		}
		else if (!empty)
			estimate(fit, c);
		if (c == 0 || mixture->kind != SEGMENT_TIED)
		{
			if (!factor(fit, c))
				return false;
		}
		else
			mixture->constant[c] = mixture->constant[0];
		fit->n_collapsed += empty;
		mixture->weight[c] = fit->sum_weight[c] / fit->total_weight;
	}
	for (c = 0; c < mixture->k; c++)
	{
		mixture->constant[c] += segment_log(mixture->weight[c]);
		if (fit->sum_weight[c] > EMPTY_SHARE * fit->total_weight)
			for (j = 0; j < mixture->d; j++)
				mixture->mean[(size_t) c * mixture->d + j] +=
					fit->sum_shift[(size_t) c * mixture->d + j] / fit->sum_weight[c];
	}
	return true;
}

/* ---- the whole ---- */

static double *
doubles(SegmentMemory memory, uint64 n)
{
	return segment_allocate(memory, n, sizeof(double));
}

static void
fit_begin(Fit *fit, const SegmentPoints *points, int64 n, const SegmentMixtureOptions *options,
		  SegmentMixture *mixture, SegmentMemory memory)
{
	uint64		d = points->d;
	uint64		k = options->k;

	memset(fit, 0, sizeof(*fit));
	fit->points = points;
	fit->n = n;
	fit->options = options;
	fit->mixture = mixture;
	fit->variance = doubles(memory, d);
	fit->center = doubles(memory, d);
	fit->x = doubles(memory, d * SEGMENT_MIXTURE_STRIDE);
	fit->z = doubles(memory, d * SEGMENT_MIXTURE_STRIDE);
	fit->share = doubles(memory, k * SEGMENT_MIXTURE_BLOCK);
	fit->row_weight = doubles(memory, SEGMENT_MIXTURE_BLOCK);
	fit->room = doubles(memory, SEGMENT_MIXTURE_BLOCK);
	fit->sum_weight = doubles(memory, k);
	fit->sum_shift = doubles(memory, segment_product(k, d));
	fit->sum_product = doubles(memory, product_size(mixture));
	fit->row_sums = doubles(memory, d);
}

static void
fit_end(Fit *fit, SegmentMemory memory)
{
	memory.release(memory.ctx, fit->variance);
	memory.release(memory.ctx, fit->center);
	memory.release(memory.ctx, fit->x);
	memory.release(memory.ctx, fit->z);
	memory.release(memory.ctx, fit->share);
	memory.release(memory.ctx, fit->row_weight);
	memory.release(memory.ctx, fit->room);
	memory.release(memory.ctx, fit->sum_weight);
	memory.release(memory.ctx, fit->sum_shift);
	memory.release(memory.ctx, fit->sum_product);
	memory.release(memory.ctx, fit->row_sums);
}

/* Mean and variance of all rows, and their weight. */
static bool
measure_all(Fit *fit)
{
	int			d = fit->mixture->d;
	int64		first;
	int			j;

	memset(fit->center, 0, sizeof(double) * d);
	memset(fit->variance, 0, sizeof(double) * d);
	fit->total_weight = 0;
	for (first = 0; first < fit->n; first += SEGMENT_MIXTURE_BLOCK)
	{
		load_block(fit, first);
		fit->total_weight += segment_mixture_sum(fit->row_weight);
		segment_mixture_weighted_sums(fit->row_weight, fit->x, d, fit->row_sums);
		for (j = 0; j < d; j++)
			fit->center[j] += fit->row_sums[j];
		if (interrupted(fit, (int64) SEGMENT_MIXTURE_BLOCK * d))
			return false;
	}
	for (j = 0; j < d; j++)
		fit->center[j] /= fit->total_weight;
	for (first = 0; first < fit->n; first += SEGMENT_MIXTURE_BLOCK)
	{
		load_block(fit, first);
		for (j = 0; j < d; j++)
		{
			double		square;

			segment_mixture_subtract(fit->x + (size_t) j * SEGMENT_MIXTURE_STRIDE, fit->center[j], fit->z);
			segment_mixture_multiply(fit->row_weight, fit->z, fit->room);
			segment_mixture_weighted_sums(fit->room, fit->z, 1, &square);
			fit->variance[j] += square;
		}
		if (interrupted(fit, (int64) SEGMENT_MIXTURE_BLOCK * d * 2))
			return false;
	}
	for (j = 0; j < d; j++)
	{
		double		rounding = SEGMENT_ROUNDING * fit->center[j];

		fit->variance[j] /= fit->total_weight;
		/* where all rows have one value, the mean need not be that to the last bit */
		if (fit->variance[j] <= rounding * rounding)
			fit->variance[j] = 0;
		fit->mean_variance += fit->variance[j] / d;
	}
	fit->varies = fit->mean_variance > 0;
	if (!fit->varies)
		fit->mean_variance = 1;
	return true;
}

/* Weights, means and covariances of the rows that bear each label. */
static bool
begin_with_labels(Fit *fit, const int32 *labels)
{
	SegmentMixture *mixture = fit->mixture;
	int			round;
	int			c;

	for (c = 0; c < mixture->k; c++)
	{
		memcpy(mixture->mean + (size_t) c * mixture->d, fit->center, sizeof(double) * mixture->d);
		spread_out(fit, c);
	}
	/* once for the means, once for what is measured from them */
	for (round = 0; round < 2; round++)
		if (!pass(fit, labels) || !maximise(fit))
			return false;
	return true;
}

/*
 * Whether a rival is out of reach: as many components have collapsed, and PATIENCE more
 * steps that gain as much as the last one would not get there.
 */
static bool
is_hopeless(const Fit *fit, double gain)
{
	const SegmentMixtureFit *rival = fit->options->rival;

	return rival != NULL && fit->n_collapsed >= rival->n_collapsed &&
		fit->log_likelihood + PATIENCE * gain < rival->log_likelihood;
}

static bool
iterate(Fit *fit, SegmentMixtureFit *result)
{
	const SegmentMixtureOptions *options = fit->options;
	double		before = -HUGE_VAL;

	result->iterations = 0;
	result->converged = false;
	for (;;)
	{
		if (!pass(fit, NULL))
			return false;
		result->log_likelihood = fit->log_likelihood;
		result->n_collapsed = fit->n_collapsed;
		/* so written that NaN ends it */
		if (!(fit->log_likelihood - before > options->tol * fit->total_weight))
		{
			result->converged = true;
			return true;
		}
		if (result->iterations == options->max_iter || is_hopeless(fit, fit->log_likelihood - before))
			return true;
		before = fit->log_likelihood;
		if (!maximise(fit))
			return false;
		result->iterations++;
	}
}

/*
 * Fits to the first n points, starting from labels or, where these are NULL,
 * from fit->mixture.  The caller has initialised fit->mixture.
 */
SegmentStatus
segment_mixture_em(const SegmentPoints *points, int64 n, const SegmentMixtureOptions *options,
				   const int32 *labels, SegmentMixtureFit *fit, SegmentMemory memory)
{
	Fit			work;
	bool		done;

	fit_begin(&work, points, n, options, &fit->mixture, memory);
	done = measure_all(&work) &&
		(labels == NULL || begin_with_labels(&work, labels)) &&
		iterate(&work, fit);
	fit_end(&work, memory);
	return done ? SEGMENT_DONE : SEGMENT_INTERRUPTED;
}
