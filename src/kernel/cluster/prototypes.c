/*
 * prototypes.c: how far a row with numbers and categories is from a prototype.
 *
 * The distance is the squared Euclidean one of the numbers, plus what each category that
 * differs costs: gamma times the weight of its feature (Huang 1997).  Without numbers that is
 * the distance of k-modes, without categories that of k-means.
 *
 * Prototypes are kept as rows of doubles, modes after means; a mode is the number of its
 * category, exact as a double.  So eight of them are measured at a time, as in
 * centroids.c: a comparison of lanes gives all bits or none, which let the cost
 * through or not.  The unused lanes of the last group differ in everything, and
 * are never nearer than a used one.
 */
#include "kernel/cluster/kprototypes.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"

/* what comparing SegmentLanes gives: -1 or 0 */
typedef int64 LaneBits __attribute__((vector_size(sizeof(int64) * SEGMENT_LANES), aligned(8)));

void
segment_prototypes_init(SegmentPrototypes *prototypes, int k, int d, int n_codes,
						SegmentMemory memory)
{
	int			width = d + n_codes;

	prototypes->k = k;
	prototypes->d = d;
	prototypes->n_codes = n_codes;
	prototypes->value = segment_allocate_rows(memory, k, width, sizeof(double));
	prototypes->packed = segment_allocate(memory, segment_packed_size(k, width), sizeof(double));
	prototypes->mismatch = segment_allocate(memory, n_codes, sizeof(double));
}

void
segment_prototypes_free(SegmentPrototypes *prototypes, SegmentMemory memory)
{
	memory.release(memory.ctx, prototypes->value);
	memory.release(memory.ctx, prototypes->packed);
	memory.release(memory.ctx, prototypes->mismatch);
}

/* To be called after values have changed and before distances are asked for. */
void
segment_prototypes_pack(SegmentPrototypes *prototypes)
{
	segment_pack_centroids(prototypes->value, prototypes->k, prototypes->d + prototypes->n_codes,
						   prototypes->packed);
}

/*
 * Distances to the eight prototypes of a group; the same additions as
 * segment_prototype_distance.
 */
SEGMENT_INLINE void
group_distances(const SegmentPrototypes *prototypes, int g, const double *x, const int32 *code,
				double *distances)
{
	const int	d = prototypes->d;
	const SegmentLanes *group = (const SegmentLanes *)
		(prototypes->packed + (size_t) g * (d + prototypes->n_codes) * SEGMENT_LANES);
	SegmentLanes sum = {0};
	int			j;

	for (j = 0; j < d; j++)
	{
		SegmentLanes difference = x[j] - group[j];

		sum += difference * difference;
	}
	for (j = 0; j < prototypes->n_codes; j++)
	{
		LaneBits	differs = (double) code[j] != group[d + j];
		LaneBits	cost = (int64) segment_double_bits(prototypes->mismatch[j]) & differs;

		sum += (SegmentLanes) cost;
	}
	*(SegmentLanes *) distances = sum;
}

SEGMENT_CLONES SegmentNearest
segment_nearest_prototype(const SegmentPrototypes *prototypes, const double *x, const int32 *code)
{
	SegmentNearest nearest = {-1, HUGE_VAL};
	int			g;

	for (g = 0; g < SEGMENT_GROUPS(prototypes->k); g++)
	{
		double		distances[SEGMENT_LANES];
		int			lane;

		group_distances(prototypes, g, x, code, distances);
		for (lane = 0; lane < SEGMENT_LANES; lane++)
			if (distances[lane] < nearest.distance)
			{
				nearest.distance = distances[lane];
				nearest.number = g * SEGMENT_LANES + lane;
			}
	}
	/* all infinitely far */
	if (nearest.number < 0)
		nearest.number = 0;
	return nearest;
}

double
segment_prototype_distance(const SegmentPrototypes *prototypes, int c, const double *x,
						   const int32 *code)
{
	const double *value = prototypes->value + (size_t) c * (prototypes->d + prototypes->n_codes);
	double		sum = segment_distance(x, value, prototypes->d);
	int			j;

	for (j = 0; j < prototypes->n_codes; j++)
		sum += (double) code[j] != value[prototypes->d + j] ? prototypes->mismatch[j] : 0.0;
	return sum;
}

/*
 * The cost of a different category that makes categories and numbers weigh
 * about the same: half the mean standard deviation of the numbers (as Huang
 * suggests, and kmodes computes) that have one.  1 where none has.
 */
SegmentStatus
segment_prototypes_gamma(const SegmentPoints *points, double *gamma, SegmentMemory memory,
						 SegmentInterrupted interrupted)
{
	const int	d = points->d;
	const int64 step = segment_rows_between_checks(d);
	double	   *mean = segment_allocate(memory, d, sizeof(double));
	double	   *square = segment_allocate(memory, d, sizeof(double));
	double		sum = 0;
	int			varying = 0;
	bool		stopped = false;
	int64		i;
	int			j;

	for (j = 0; j < d; j++)
		mean[j] = square[j] = 0;
	for (i = 0; i < points->n && !stopped; i++)
	{
		for (j = 0; j < d; j++)
			mean[j] += segment_point_weight(points, i) * points->x[i * d + j];
		stopped = i % step == 0 && interrupted != NULL && interrupted();
	}
	for (j = 0; j < d; j++)
		mean[j] /= points->total_weight;
	for (i = 0; i < points->n && !stopped; i++)
	{
		for (j = 0; j < d; j++)
		{
			double		difference = points->x[i * d + j] - mean[j];

			square[j] += segment_point_weight(points, i) * difference * difference;
		}
		stopped = i % step == 0 && interrupted != NULL && interrupted();
	}
	for (j = 0; j < d; j++)
	{
		sum += sqrt(square[j] / points->total_weight);
		varying += square[j] > 0;
	}
	*gamma = sum > 0 && sum < HUGE_VAL ? 0.5 * sum / varying : 1.0;
	memory.release(memory.ctx, mean);
	memory.release(memory.ctx, square);
	return stopped ? SEGMENT_INTERRUPTED : SEGMENT_DONE;
}
