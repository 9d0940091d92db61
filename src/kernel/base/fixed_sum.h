/*
 * fixed_sum.h: sums of many coordinates, exact on a fine grid.  See fixed_sum.c.
 */
#ifndef SEGMENT_FIXED_SUM_H
#define SEGMENT_FIXED_SUM_H

#include "c.h"

#include "kernel/base/points.h"

/* a coordinate is below 2^this steps of its grid */
#define SEGMENT_GRID_BITS 40

/* The grid a set of points is summed on. */
typedef struct SegmentGrid
{
	int			d;
	double	   *magic;			/* by coordinate: x + magic - magic rounds x to a step */
	double	   *step;			/* by coordinate: a power of two */
	double		weight_step;	/* a power of two; weights are rounded to it */
} SegmentGrid;

/* Weighted sums of coordinates by cluster; those of other members of a team lie behind. */
typedef struct SegmentFixedSums
{
	int			k;
	int			d;
	int		   *pending;		/* additions into recent since it was last emptied */
	double	   *recent;			/* k x d: exact while few are pending */
	int128	   *sum;			/* k x d: in steps (times weight steps) */
	int64	   *weight;			/* k: in weight steps */
} SegmentFixedSums;

extern void segment_grid_init(SegmentGrid *grid, const SegmentPoints *points, SegmentMemory memory);
extern void segment_grid_free(SegmentGrid *grid, SegmentMemory memory);
extern void segment_fixed_sums_init(SegmentFixedSums *sums, int k, int d, int members,
									SegmentMemory memory);
extern void segment_fixed_sums_clear(SegmentFixedSums *sums);
extern void segment_fixed_sums_free(SegmentFixedSums *sums, SegmentMemory memory);
extern void segment_fixed_sums_settle(SegmentFixedSums *sums, const SegmentGrid *grid);
extern void segment_fixed_sums_gather(SegmentFixedSums *sums, const SegmentGrid *grid, int members);
extern void segment_fixed_sums_add_weighted(SegmentFixedSums *sums, const SegmentGrid *grid,
											int cluster, const double *x, double weight, int sign);
extern void segment_fixed_sums_mean(const SegmentFixedSums *sums, const SegmentGrid *grid,
									int cluster, double *mean);

extern SegmentStatus segment_fine_means(const SegmentPoints *points, const SegmentGrid *grid,
										const int32 *labels, int k, double *means,
										SegmentMemory memory, SegmentInterrupted interrupted);

/* Additions of unweighted rows between two times that recent is emptied: 2^12 * 2^40 < 2^53. */
#define SEGMENT_FIXED_PENDING 4096

/* Adds a row to a cluster, or takes it out (sign -1). */
static inline void
segment_fixed_sums_add(SegmentFixedSums *sums, const SegmentGrid *grid, int cluster,
					   const double *x, double weight, int sign)
{
	double	   *recent = sums->recent + (size_t) cluster * sums->d;
	int			j;

	if (weight != 1.0 || grid->weight_step != 1.0)
	{
		segment_fixed_sums_add_weighted(sums, grid, cluster, x, weight, sign);
		return;
	}
	for (j = 0; j < sums->d; j++)
		recent[j] += sign * ((x[j] + grid->magic[j]) - grid->magic[j]);
	sums->weight[cluster] += sign;
	if (++*sums->pending == SEGMENT_FIXED_PENDING)
		segment_fixed_sums_settle(sums, grid);
}

/* The sums of one member of a team, of those that the first member's are in front of. */
static inline SegmentFixedSums
segment_fixed_sums_of(const SegmentFixedSums *first, int member)
{
	SegmentFixedSums sums = *first;

	sums.pending += member;
	sums.recent += (size_t) member * sums.k * sums.d;
	sums.sum += (size_t) member * sums.k * sums.d;
	sums.weight += (size_t) member * sums.k;
	return sums;
}

#endif							/* SEGMENT_FIXED_SUM_H */
