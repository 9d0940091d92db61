/*
 * step_sum.h: what one step of k-means over a stream of rows adds up.  See step_sum.c.
 */
#ifndef SEGMENT_STEP_SUM_H
#define SEGMENT_STEP_SUM_H

#include "c.h"

#include "kernel/base/exact_sum.h"

/*
 * A coordinate is cut to 2^-STEP_BITS of its unit and counts as at most 2^FAR_BITS
 * units; sums of STEP_MAX_ROWS of these fit into 127 bits.
 */
#define SEGMENT_STEP_BITS	50
#define SEGMENT_FAR_BITS	33
#define SEGMENT_STEP_MAX_ROWS (INT64CONST(1) << 43)

typedef struct SegmentStepSums
{
	int			k;
	int			d;
	double	   *step;			/* by coordinate: of the grid, a power of two */
	double	   *per_step;		/* its reciprocal */
	int64	   *n;				/* by cluster: rows */
	int128	   *sum;			/* k x d: of coordinates, in steps */
	SegmentExactSum *squares;	/* by cluster: of squared distances to the centroid, weighted */

	/* where rows have weights, else NULL; sum is NULL then */
	SegmentExactSum *weight;	/* by cluster: of weights */
	SegmentExactSum *weighted;	/* k x d: of weight times coordinate */
} SegmentStepSums;

extern void segment_step_grid(SegmentStepSums *sums, const double *unit);
extern bool segment_step_add(SegmentStepSums *sums, int cluster, const double *x, double squared);
extern void segment_step_add_weighted(SegmentStepSums *sums, int cluster, const double *x,
									  double squared, double weight);
extern void segment_step_merge(SegmentStepSums *into, const SegmentStepSums *from);
extern bool segment_step_possible(const SegmentStepSums *sums);
extern double segment_step_size(const SegmentStepSums *sums, int cluster);
extern void segment_step_mean(const SegmentStepSums *sums, int cluster, double *mean);
extern void segment_step_mean_of_all(const SegmentStepSums *sums, double *mean);

#endif							/* SEGMENT_STEP_SUM_H */
