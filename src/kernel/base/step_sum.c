/*
 * step_sum.c: what one step of k-means over a stream of rows adds up: by cluster
 * the number of rows, the sum of each coordinate and that of squared distances.
 *
 * The rows are seen once and by many workers, so neither the largest coordinate
 * (which fixed_sum.c takes its grid from) nor an order is known.  The grid follows
 * from the model alone: 2^-50 of a unit, the power of two above a coordinate's
 * standard deviation when the model was trained.  Whole steps are summed in 128-bit
 * integers: exact, so parts can be merged in any way (law 3), and rows divided in the
 * same way have the same sums whatever the centroids are: k-means comes to an end.
 *
 * A coordinate beyond 2^33 units counts as 2^33 of them; the caller is told.
 * Squared distances have no such bound, so they are summed exactly (exact_sum.c).
 *
 * Cutting coordinates to whole steps moves a mean by less than 2^-50 units.
 *
 * Weights may be of any size, so no grid would do for them: where rows have weights,
 * the weights and their products with coordinates are summed exactly, in place of
 * numbers of rows and steps.  Nothing is cut then, and no coordinate is too far.
 */
#include "kernel/base/step_sum.h"

#include <math.h>

/* no coordinate is larger, by a margin for rounding; see feature_space.c */
#define MOST_COORDINATE 1.000001e100

/* whole numbers below this fit into 64 bits */
#define QUICK_LIMIT 4611686018427387904.0

/* the most steps that a coordinate counts as */
#define MOST_STEPS ((int128) 1 << (SEGMENT_STEP_BITS + SEGMENT_FAR_BITS))

/* Fills step and per_step; units are positive. */
void
segment_step_grid(SegmentStepSums *sums, const double *unit)
{
	int			j;

	for (j = 0; j < sums->d; j++)
	{
		int			exponent;

		(void) frexp(unit[j], &exponent);
		/* neither the step nor its reciprocal may leave the normal numbers */
		exponent = Min(Max(exponent, -900), 900) - SEGMENT_STEP_BITS;
		sums->step[j] = ldexp(1.0, exponent);
		sums->per_step[j] = ldexp(1.0, -exponent);
	}
}

/* A coordinate in steps that is too large for the quick way. */
static pg_noinline int128
many_steps(double y, bool *far)
{
	if (fabs(y) > (double) MOST_STEPS)
	{
		*far = true;
		return y < 0 ? -MOST_STEPS : MOST_STEPS;
	}
	return (int128) y;
}

/* Adds a row; true: one of its coordinates was too far to count in full. */
bool
segment_step_add(SegmentStepSums *sums, int cluster, const double *x, double squared)
{
	int128	   *sum = sums->sum + (size_t) cluster * sums->d;
	bool		far = false;
	int			j;

	for (j = 0; j < sums->d; j++)
	{
		double		y = x[j] * sums->per_step[j];

		sum[j] += fabs(y) < QUICK_LIMIT ? (int128) (int64) y : many_steps(y, &far);
	}
	sums->n[cluster]++;
	segment_exact_add(&sums->squares[cluster], squared);
	return far;
}

/* The same for a row with a positive weight. */
void
segment_step_add_weighted(SegmentStepSums *sums, int cluster, const double *x, double squared,
						  double weight)
{
	SegmentExactSum *weighted = sums->weighted + (size_t) cluster * sums->d;
	int			j;

	for (j = 0; j < sums->d; j++)
		segment_exact_add_moment(&weighted[j], 1, weight, x[j], 1);
	sums->n[cluster]++;
	segment_exact_add(&sums->weight[cluster], weight);
	segment_exact_add_moment(&sums->squares[cluster], 1, weight, squared, 1);
}

/* Both are of the same model, and have weights or have none. */
void
segment_step_merge(SegmentStepSums *into, const SegmentStepSums *from)
{
	size_t		cells = (size_t) into->k * into->d;
	size_t		i;
	int			c;

	for (i = 0; i < cells; i++)
	{
		if (into->weight == NULL)
			into->sum[i] += from->sum[i];
		else
			segment_exact_merge(&into->weighted[i], &from->weighted[i]);
	}
	for (c = 0; c < into->k; c++)
	{
		into->n[c] += from->n[c];
		segment_exact_merge(&into->squares[c], &from->squares[c]);
		if (into->weight != NULL)
			segment_exact_merge(&into->weight[c], &from->weight[c]);
	}
}

/*
 * The same for sums with weights: that of any coordinate is within the most the weights
 * can make of it.
 */
static bool
possible_weights(const SegmentStepSums *sums)
{
	int			c;
	int			j;

	for (c = 0; c < sums->k; c++)
	{
		double		squares = segment_exact_value(&sums->squares[c]);
		double		weight = segment_exact_value(&sums->weight[c]);

		if (sums->n[c] == 0 ? weight != 0 || squares != 0 : !(weight > 0 && squares >= 0))
			return false;
		for (j = 0; j < sums->d; j++)
		{
			const SegmentExactSum *sum = &sums->weighted[(size_t) c * sums->d + j];

			if (fabs(segment_exact_value(sum)) > weight * MOST_COORDINATE)
				return false;
		}
	}
	return true;
}

/* Whether some rows can have sums like these; n is not negative and not too large. */
bool
segment_step_possible(const SegmentStepSums *sums)
{
	int			c;
	int			j;

	if (sums->weight != NULL)
		return possible_weights(sums);
	for (c = 0; c < sums->k; c++)
	{
		double		squares = segment_exact_value(&sums->squares[c]);

		if (!(squares >= 0 && isfinite(squares)) || (sums->n[c] == 0 && squares != 0))
			return false;
		for (j = 0; j < sums->d; j++)
		{
			int128		sum = sums->sum[(size_t) c * sums->d + j];

			if (sum > MOST_STEPS * sums->n[c] || sum < -MOST_STEPS * sums->n[c])
				return false;
		}
	}
	return true;
}

/* How many rows a cluster has, or what they weigh. */
double
segment_step_size(const SegmentStepSums *sums, int cluster)
{
	return sums->weight == NULL ? (double) sums->n[cluster]
		: segment_exact_value(&sums->weight[cluster]);
}

/* The mean of a cluster that has rows. */
void
segment_step_mean(const SegmentStepSums *sums, int cluster, double *mean)
{
	int			j;

	if (sums->weight != NULL)
	{
		for (j = 0; j < sums->d; j++)
			mean[j] = segment_exact_value(&sums->weighted[(size_t) cluster * sums->d + j]) /
				segment_exact_value(&sums->weight[cluster]);
		return;
	}
	for (j = 0; j < sums->d; j++)
		mean[j] = (double) sums->sum[(size_t) cluster * sums->d + j] / (double) sums->n[cluster] *
			sums->step[j];
}

/* The sum of k sums that lie `stride` apart. */
static double
sum_of_sums(const SegmentExactSum *sums, int k, size_t stride)
{
	SegmentExactSum total;
	int			c;

	segment_exact_init(&total);
	for (c = 0; c < k; c++)
		segment_exact_merge(&total, &sums[c * stride]);
	return segment_exact_value(&total);
}

/* The mean of all rows, where there are any. */
void
segment_step_mean_of_all(const SegmentStepSums *sums, double *mean)
{
	int			j;
	int			c;

	if (sums->weight != NULL)
	{
		double		weight = sum_of_sums(sums->weight, sums->k, 1);

		for (j = 0; j < sums->d; j++)
			mean[j] = sum_of_sums(sums->weighted + j, sums->k, sums->d) / weight;
		return;
	}
	for (j = 0; j < sums->d; j++)
	{
		int128		sum = 0;
		int64		n = 0;

		for (c = 0; c < sums->k; c++)
		{
			sum += sums->sum[(size_t) c * sums->d + j];
			n += sums->n[c];
		}
		mean[j] = (double) sum / (double) n * sums->step[j];
	}
}
