/*
 * mixture.c: mixtures of normal distributions: how likely each component is for a row.
 *
 * The density of a row x is the sum over components c of
 *
 *	 weight_c (2 pi)^(-d/2) |S_c|^(-1/2) exp(-(x - m_c)' S_c^-1 (x - m_c) / 2)
 *
 * With the Cholesky factor S = L L', the exponent is -|y|^2 / 2, where L y = x - m is
 * solved row by row, and |S|^(1/2) is the product of the diagonal of L.  What
 * does not depend on x is worked out beforehand (constant).
 *
 * A row belongs to the component with the largest term, the lowest number among
 * equals; that takes no exponential.  Probabilities are the terms divided by their sum,
 * the largest taken out first, so that nothing overflows (log-sum-exp).  Logarithm
 * and exponential are those of elementary.h.
 *
 * A row so far out that its distance overflows counts as FARTHEST away.
 */
#include "kernel/cluster/mixture.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cholesky.h"
#include "kernel/base/elementary.h"
#include "kernel/cluster/mixture_parts.h"

#define LN_2_PI 0x1.d67f1c864beb5p+0	/* 1.8378770664093453 */

/* Doubles for the covariances of all components. */
uint64
segment_mixture_covariance_size(SegmentCovariance kind, int k, int d)
{
	switch (kind)
	{
		case SEGMENT_FULL:
			return segment_product(k, SEGMENT_TRIANGLE(d));
		case SEGMENT_TIED:
			return SEGMENT_TRIANGLE(d);
		case SEGMENT_DIAG:
			return segment_product(k, d);
		case SEGMENT_SPHERICAL:
			return k;
	}
	return 0;
}

/* Free parameters, for AIC and BIC. */
double
segment_mixture_parameters(SegmentCovariance kind, int k, int d)
{
	return (double) segment_mixture_covariance_size(kind, k, d) + (double) k * d + (k - 1);
}

void
segment_mixture_init(SegmentMixture *mixture, SegmentCovariance kind, int k, int d,
					 SegmentMemory memory)
{
	uint64		size = segment_mixture_covariance_size(kind, k, d);

	mixture->kind = kind;
	mixture->k = k;
	mixture->d = d;
	mixture->weight = segment_allocate(memory, k, sizeof(double));
	mixture->mean = segment_allocate_rows(memory, k, d, sizeof(double));
	mixture->covariance = segment_allocate(memory, size, sizeof(double));
	mixture->factor = segment_allocate(memory, size, sizeof(double));
	mixture->constant = segment_allocate(memory, k, sizeof(double));
}

void
segment_mixture_free(SegmentMixture *mixture, SegmentMemory memory)
{
	memory.release(memory.ctx, mixture->weight);
	memory.release(memory.ctx, mixture->mean);
	memory.release(memory.ctx, mixture->covariance);
	memory.release(memory.ctx, mixture->factor);
	memory.release(memory.ctx, mixture->constant);
}

/* Factor and constant (but for the weight) of one component. */
SegmentCholesky
segment_mixture_prepare_component(SegmentMixture *mixture, int c, SegmentInterrupted interrupted)
{
	const double *covariance = segment_mixture_part(mixture, mixture->covariance, c);
	double	   *factor = segment_mixture_part(mixture, mixture->factor, c);
	int			d = mixture->d;
	double		log_root = 0;	/* ln |S|^(1/2) */
	int			j;

	if (mixture->kind == SEGMENT_FULL || mixture->kind == SEGMENT_TIED)
	{
		SegmentCholesky status = segment_cholesky(covariance, d, factor, interrupted);

		if (status != SEGMENT_FACTORED)
			return status;
		for (j = 0; j < d; j++)
		{
			double	   *diagonal = &factor[SEGMENT_TRIANGLE_AT(j, j)];

			log_root += segment_log(*diagonal);
			*diagonal = 1 / *diagonal;
			if (!(*diagonal < HUGE_VAL))
				return SEGMENT_NOT_POSITIVE;
		}
	}
	else
	{
		int			n = mixture->kind == SEGMENT_DIAG ? d : 1;

		for (j = 0; j < n; j++)
		{
			if (!(covariance[j] > 0 && covariance[j] < HUGE_VAL))
				return SEGMENT_NOT_POSITIVE;
			factor[j] = 1 / sqrt(covariance[j]);
			log_root += 0.5 * segment_log(covariance[j]);
		}
		if (mixture->kind == SEGMENT_SPHERICAL)
			log_root *= d;
	}
	mixture->constant[c] = -0.5 * d * LN_2_PI - log_root;
	return SEGMENT_FACTORED;
}

/*
 * Works out what densities need.  False: interrupted, or the component
 * *not_positive has no positive definite covariance (-1: none).
 */
bool
segment_mixture_prepare(SegmentMixture *mixture, SegmentInterrupted interrupted, int *not_positive)
{
	int			c;

	*not_positive = -1;
	for (c = 0; c < mixture->k; c++)
	{
		if (mixture->kind == SEGMENT_TIED && c > 0)
			mixture->constant[c] = mixture->constant[0];
		else
		{
			SegmentCholesky status = segment_mixture_prepare_component(mixture, c, interrupted);

			if (status == SEGMENT_NOT_POSITIVE)
				*not_positive = c;
			if (status != SEGMENT_FACTORED)
				return false;
		}
	}
	for (c = 0; c < mixture->k; c++)
		mixture->constant[c] += segment_log(mixture->weight[c]);
	return true;
}

/* (x - m)' S^-1 (x - m) of one component; room: d doubles. */
double
segment_mixture_distance(const SegmentMixture *mixture, int component, const double *x,
						 double *room)
{
	const double *mean = mixture->mean + (size_t) component * mixture->d;
	const double *factor = segment_mixture_part(mixture, mixture->factor, component);
	bool		triangle = mixture->kind == SEGMENT_FULL || mixture->kind == SEGMENT_TIED;
	double		sum = 0;
	int			i;
	int			j;

	for (i = 0; i < mixture->d; i++)
	{
		double		y = x[i] - mean[i];

		if (triangle)
		{
			const double *row = factor + SEGMENT_TRIANGLE(i);

			for (j = 0; j < i; j++)
				y -= row[j] * room[j];
			y *= row[i];
			room[i] = y;
		}
		else
			y *= factor[mixture->kind == SEGMENT_DIAG ? i : 0];
		sum += y * y;
	}
	return sum < SEGMENT_FARTHEST ? sum : SEGMENT_FARTHEST;
}

/*
 * What each coordinate contributes to a squared distance: z_j (S^-1 z)_j, z = x - m;
 * the contributions add up to it.  room: d doubles.
 */
void
segment_mixture_contributions(const SegmentMixture *mixture, int component, const double *x,
							  double *room, double *contribution)
{
	const double *mean = mixture->mean + (size_t) component * mixture->d;
	const double *factor = segment_mixture_part(mixture, mixture->factor, component);
	int			i;
	int			j;

	if (mixture->kind == SEGMENT_DIAG || mixture->kind == SEGMENT_SPHERICAL)
	{
		for (j = 0; j < mixture->d; j++)
		{
			double		y = (x[j] - mean[j]) * factor[mixture->kind == SEGMENT_DIAG ? j : 0];

			contribution[j] = y * y;
		}
		return;
	}
	/* L y = z, then L' u = y, from the last coordinate to the first */
	(void) segment_mixture_distance(mixture, component, x, room);
	for (i = mixture->d - 1; i >= 0; i--)
	{
		const double *row = factor + SEGMENT_TRIANGLE(i);

		room[i] *= row[i];
		for (j = 0; j < i; j++)
			room[j] -= row[j] * room[i];
		contribution[i] = (x[i] - mean[i]) * room[i];
	}
}

/*
 * The component a row belongs to.  Fills log_density (k doubles): the logarithm
 * of each component's weight times density; room: d doubles.
 */
int
segment_mixture_place(const SegmentMixture *mixture, const double *x, double *room,
					  double *log_density)
{
	int			best = 0;
	int			c;

	for (c = 0; c < mixture->k; c++)
	{
		log_density[c] = mixture->constant[c] -
			0.5 * segment_mixture_distance(mixture, c, x, room);
		if (log_density[c] > log_density[best])
			best = c;
	}
	return best;
}

/*
 * Turns what segment_mixture_place has filled into probabilities; returns the
 * logarithm of the row's density.
 */
double
segment_mixture_probabilities(const SegmentMixture *mixture, double *log_density)
{
	double		largest = log_density[0];
	double		sum = 0;
	int			c;

	for (c = 1; c < mixture->k; c++)
		largest = log_density[c] > largest ? log_density[c] : largest;
	for (c = 0; c < mixture->k; c++)
	{
		log_density[c] = segment_exp(log_density[c] - largest);
		sum += log_density[c];
	}
	for (c = 0; c < mixture->k; c++)
		log_density[c] /= sum;
	return largest + segment_log(sum);
}
