/*
 * stability.h: whether clusters come out again from a part of the points.  See
 * stability.c.
 */
#ifndef SEGMENT_STABILITY_H
#define SEGMENT_STABILITY_H

#include "c.h"

#include "kernel/cluster/clustering.h"

typedef struct SegmentStability
{
	const SegmentPoints *points;
	SegmentClustering clustering;	/* how clusters are found; its seed is not used */
	uint64		seed;			/* of the subsamples, and of the starts in them */
	bool		count_weights;	/* weights are copies of rows: pairs are counted by them */
	SegmentMemory memory;
} SegmentStability;

extern SegmentStatus segment_subsample_labels(const SegmentStability *stability, uint64 number,
											  int32 *labels);
extern SegmentStatus segment_agreement(const SegmentStability *stability, const int32 *a,
									   const int32 *b, int k, double *result);
extern SegmentStatus segment_stability_of_k(const SegmentStability *stability, int n_pairs,
											double *result);
extern SegmentStatus segment_stability_of_labels(const SegmentStability *stability,
												 const int32 *labels, int n_labels, int n_samples,
												 double *result);

#endif							/* SEGMENT_STABILITY_H */
