/*
 * lloyd.h: Lloyd's steps, the inside of k-means.  See lloyd.c.
 */
#ifndef SEGMENT_LLOYD_H
#define SEGMENT_LLOYD_H

#include "kernel/cluster/blocks.h"
#include "kernel/base/fixed_sum.h"
#include "kernel/cluster/kmeans.h"

typedef struct Lloyd
{
	const SegmentPoints *points;
	const SegmentKmeansOptions *options;
	SegmentMemory memory;
	int			k;
	int			d;
	double		slack;			/* above all rounding errors of distances, in units of the blocks */
	double		tol;			/* sum of squared moves that ends a start */
	double	   *centroids;		/* k x d */
	double	   *old;			/* k x d: before the last step */
	double	   *packed;
	double	   *inertia;		/* k: room */
	int32	   *labels;			/* n; -1: none yet */
	SegmentBlocks blocks;		/* the points once more */
	double		travel;			/* how much two centroids can have come closer to or gone away from a
								 * point, in units of the blocks */
	double	   *until;			/* by block: no point changes before travel comes to this */
	SegmentGrid grid;
	SegmentFixedSums sums;
	int64	   *changed;		/* by member of the team: points that changed */
} Lloyd;

extern SegmentStatus segment_lloyd_init(Lloyd *lloyd, const SegmentPoints *points,
							   const SegmentKmeansOptions *options, SegmentMemory memory);
extern void segment_lloyd_free(Lloyd *lloyd);
extern SegmentStatus segment_lloyd_begin(Lloyd *lloyd, uint64 seed);
extern void segment_lloyd_restart(Lloyd *lloyd, const double *centroids);
extern SegmentStatus segment_lloyd_place(Lloyd *lloyd, int64 *changed);
extern void segment_lloyd_move(Lloyd *lloyd, const double *centroids);
extern SegmentStatus segment_lloyd_refine_means(Lloyd *lloyd);
extern SegmentStatus segment_lloyd_iterate(Lloyd *lloyd, double tol, int *iterations,
										   bool *converged);
extern SegmentStatus segment_lloyd_finish(Lloyd *lloyd, bool converged, double *inertia);
extern void segment_bring_to_length_one(double *x, int d);
extern SegmentStatus segment_lloyd_removal_costs(const Lloyd *lloyd, double *cost);

#endif							/* SEGMENT_LLOYD_H */
