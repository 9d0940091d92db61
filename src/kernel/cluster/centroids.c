/*
 * centroids.c: finds the nearest of k centroids.
 *
 * Centroids are packed in groups of SEGMENT_LANES: for each group its first
 * coordinates side by side, then its second ones, and so on.  Eight distances are
 * computed at a time, without any horizontal step:
 *
 *	 group 0:  c0.x c1.x .. c7.x | c0.y c1.y .. c7.y | ...
 *	 group 1:  c8.x ...
 *
 * Unused places of the last group hold infinity and are never nearest.
 * Distances are squared and Euclidean, taken as sum (x - c)^2: the expanded form
 * |x|^2 - 2 x c + |c|^2 would be faster, but loses all digits for values far from
 * zero (law 4).  Training and assigning use the same function, so a row falls
 * where training counted it.
 */
#include "kernel/cluster/centroids.h"

#include <math.h>

/* doubles that segment_pack_centroids fills */
uint64
segment_packed_size(int k, int d)
{
	return (uint64) SEGMENT_GROUPS(k) * d * SEGMENT_LANES;
}

/* centroids: k x d, row after row. */
void
segment_pack_centroids(const double *centroids, int k, int d, double *packed)
{
	int			slot;
	int			j;

	for (slot = 0; slot < SEGMENT_GROUPS(k) * SEGMENT_LANES; slot++)
		for (j = 0; j < d; j++)
			packed[segment_packed_place(slot, j, d)] = slot < k ? centroids[(size_t) slot * d + j]
				: HUGE_VAL;
}

/* Packs some of the given rows as centroids. */
void
segment_pack_rows(const double *x, const int64 *rows, int k, int d, double *packed)
{
	int			slot;
	int			j;

	for (slot = 0; slot < SEGMENT_GROUPS(k) * SEGMENT_LANES; slot++)
		for (j = 0; j < d; j++)
			packed[segment_packed_place(slot, j, d)] = slot < k ? x[rows[slot] * d + j] : HUGE_VAL;
}

SEGMENT_CLONES SegmentNearest
segment_nearest(const double *packed, int k, int d, const double *x)
{
	SegmentNearest nearest = {-1, HUGE_VAL};
	int			g;

	for (g = 0; g < SEGMENT_GROUPS(k); g++)
	{
		double		distances[SEGMENT_LANES];
		int			lane;

		segment_group_distances(packed + (size_t) g * d * SEGMENT_LANES, d, x, distances);
		for (lane = 0; lane < SEGMENT_LANES; lane++)
			if (distances[lane] < nearest.distance)
			{
				nearest.distance = distances[lane];
				nearest.number = g * SEGMENT_LANES + lane;
			}
	}
	return nearest;
}
