/*
 * exchange.c: moves single points between clusters while that lowers the inertia
 * (Hartigan 1975).
 *
 * Lloyd's steps weigh a point's distances to the centroids as they are.  But when
 * a point of weight w moves from cluster a to b, both centroids follow: the inertia
 * falls by W_a / (W_a - w) |x - a|^2 and grows by W_b / (W_b + w) |x - b|^2.
 * Comparing these, points move on that Lloyd's steps would leave; what they settle
 * in is a better local optimum, and one of Lloyd's, too.  It shows with small
 * clusters.
 *
 * One after the other, in canonical order, the centroids moving along.
 */
#include "kernel/cluster/exchange.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/cluster/centroids.h"

/* passes over all points; each lowers the inertia, few are needed */
#define MOST_PASSES 100

/* a move has to win this share, which rounding could not */
#define LEAST_GAIN 1e-12

typedef struct Exchange
{
	const SegmentPoints *points;
	int			k;
	double	   *centroids;		/* k x d */
	double	   *packed;
	double	   *weight;			/* by cluster */
	int32	   *labels;
} Exchange;

/* Takes a point out of a cluster (sign -1) or puts it in. */
static void
shift(Exchange *exchange, int cluster, const double *x, double weight, int sign)
{
	const int	d = exchange->points->d;
	double	   *centroid = exchange->centroids + (size_t) cluster * d;
	int			j;

	exchange->weight[cluster] += sign * weight;
	for (j = 0; j < d; j++)
	{
		centroid[j] += sign * (x[j] - centroid[j]) * (weight / exchange->weight[cluster]);
		exchange->packed[segment_packed_place(cluster, j, d)] = centroid[j];
	}
}

/* Moves the points from..to - 1 that gain by it; returns how many. */
SEGMENT_CLONES static int64
exchange_points(Exchange *exchange, int64 from, int64 to)
{
	const SegmentPoints *points = exchange->points;
	const int	d = points->d;
	int64		moved = 0;
	int64		i;

	for (i = from; i < to; i++)
	{
		const double *x = points->x + i * d;
		double		weight = segment_point_weight(points, i);
		int			own = exchange->labels[i];
		double		here;
		double		least = HUGE_VAL;
		int			best = own;
		int			g;

		/* the only point of its cluster; what little is left of the others' weights is rounding */
		if (exchange->weight[own] <= weight * (1 + LEAST_GAIN))
			continue;
		here = segment_distance(x, exchange->centroids + (size_t) own * d, d) *
			(exchange->weight[own] / (exchange->weight[own] - weight));
		for (g = 0; g < SEGMENT_GROUPS(exchange->k); g++)
		{
			double		distances[SEGMENT_LANES];
			int			first = g * SEGMENT_LANES;
			int			c;

			segment_group_distances(exchange->packed + (size_t) g * d * SEGMENT_LANES, d, x, distances);
			for (c = first; c < Min(first + SEGMENT_LANES, exchange->k); c++)
			{
				double		there = distances[c - first] *
					(exchange->weight[c] / (exchange->weight[c] + weight));

				if (c != own && there < least)
				{
					least = there;
					best = c;
				}
			}
		}
		if (!(least < here * (1 - LEAST_GAIN)))
			continue;
		shift(exchange, own, x, weight, -1);
		shift(exchange, best, x, weight, 1);
		exchange->labels[i] = best;
		moved++;
	}
	return moved;
}

/*
 * labels and centroids (k x d, the means of their points) are changed; moved: how often
 * a point moved.
 */
SegmentStatus
segment_exchange(const SegmentPoints *points, int k, double *centroids, int32 *labels, int64 *moved,
				 SegmentMemory memory, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	const int64 step = segment_rows_between_checks((double) k * d);
	SegmentStatus status = SEGMENT_DONE;
	Exchange	exchange = {points, k, centroids, NULL, NULL, labels};
	int64		changed = 1;
	int64		i;
	int			pass;

	exchange.packed = segment_allocate(memory, segment_packed_size(k, d), sizeof(double));
	exchange.weight = segment_allocate_zeros(memory, k, sizeof(double));
	for (i = 0; i < points->n; i++)
		exchange.weight[labels[i]] += segment_point_weight(points, i);
	segment_pack_centroids(centroids, k, d, exchange.packed);
	*moved = 0;
	for (pass = 0; pass < MOST_PASSES && changed > 0 && status == SEGMENT_DONE; pass++)
	{
		changed = 0;
		for (i = 0; i < points->n && status == SEGMENT_DONE; i += step)
		{
			if (interrupted != NULL && interrupted())
				status = SEGMENT_INTERRUPTED;
			else
				changed += exchange_points(&exchange, i, Min(i + step, points->n));
		}
		*moved += changed;
	}
	memory.release(memory.ctx, exchange.packed);
	memory.release(memory.ctx, exchange.weight);
	return status;
}
