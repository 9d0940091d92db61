/*
 * centroids.h: centroids packed for finding the nearest one.  See centroids.c.
 */
#ifndef SEGMENT_CENTROIDS_H
#define SEGMENT_CENTROIDS_H

#include "c.h"

#include "kernel/base/lanes.h"

/* groups of SEGMENT_LANES that hold k centroids */
#define SEGMENT_GROUPS(k) (((k) + SEGMENT_LANES - 1) / SEGMENT_LANES)

typedef struct SegmentNearest
{
	int			number;			/* of the nearest centroid, the lowest among equals; -1: none */
	double		distance;		/* squared; +infinity when none */
} SegmentNearest;

extern uint64 segment_packed_size(int k, int d);
extern void segment_pack_centroids(const double *centroids, int k, int d, double *packed);
extern void segment_pack_rows(const double *x, const int64 *rows, int k, int d, double *packed);
extern SegmentNearest segment_nearest(const double *packed, int k, int d, const double *x);

/* Where coordinate j of a centroid stands among packed ones. */
static inline size_t
segment_packed_place(int centroid, int j, int d)
{
	return ((size_t) (centroid / SEGMENT_LANES) * d + j) * SEGMENT_LANES + centroid % SEGMENT_LANES;
}

/*
 * Squared distances from x to the eight centroids of a group; sums run over
 * the coordinates in their order, so each is the same as segment_distance().
 */
SEGMENT_INLINE void
segment_group_distances(const double *group, int d, const double *x, double *distances)
{
	SegmentLanes sum = {0};
	int			j;

	for (j = 0; j < d; j++)
	{
		SegmentLanes difference = x[j] - ((const SegmentLanes *) group)[j];

		sum += difference * difference;
	}
	*(SegmentLanes *) distances = sum;
}

SEGMENT_INLINE double
segment_distance(const double *a, const double *b, int d)
{
	double		sum = 0;
	int			j;

	for (j = 0; j < d; j++)
		sum += (a[j] - b[j]) * (a[j] - b[j]);
	return sum;
}

#endif							/* SEGMENT_CENTROIDS_H */
