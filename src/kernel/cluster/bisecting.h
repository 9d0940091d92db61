/*
 * bisecting.h: a hierarchy of clusters, each divided into two.  See bisecting.c.
 */
#ifndef SEGMENT_BISECTING_H
#define SEGMENT_BISECTING_H

#include "c.h"

#include "kernel/cluster/kmeans.h"

/* A cluster, divided or not. */
typedef struct SegmentBisectingNode
{
	double		size;			/* points, or the sum of their weights */
	double		inertia;		/* weighted sum of squared distances to the centroid */
	int			first_child;	/* the other one follows it; 0: not divided */
	int			iterations;		/* Lloyd steps of the division */
	bool		converged;		/* the division ended by itself */
	bool		whole;			/* cannot be divided */
	int64		from;			/* its points are from..to - 1 */
	int64		to;
} SegmentBisectingNode;

typedef struct SegmentBisectingResult
{
	int			n_splits;
	/* 1 + 2 n_splits: all points, then two for each split, in the order of splits */
	SegmentBisectingNode *node;
	double	   *centroids;		/* by node: d coordinates */
} SegmentBisectingResult;

extern SegmentStatus segment_bisecting(SegmentPoints *points, const SegmentKmeansOptions *options,
									   SegmentBisectingResult *result, SegmentMemory memory);
extern void segment_bisecting_free(SegmentBisectingResult *result, SegmentMemory memory);
extern size_t segment_bisecting_memory_per_row(int d);
extern bool segment_bisecting_divided(const SegmentBisectingResult *result, int n_splits, int node);
extern int	segment_bisecting_place(const SegmentBisectingResult *result, int n_splits, int d,
									const double *x);

/* bisecting_method.c */
extern const SegmentClusterMethod segment_bisecting_method;

#endif							/* SEGMENT_BISECTING_H */
