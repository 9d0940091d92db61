/*
 * quality.h: how well labels divide points into clusters.  See quality.c.
 */
#ifndef SEGMENT_QUALITY_H
#define SEGMENT_QUALITY_H

#include "c.h"

#include "kernel/base/points.h"

/* most points whose silhouette is taken, all with all: about a second with 8 coordinates */
#define SEGMENT_SILHOUETTE_ROWS 20000

/* One cluster; one of no weight is as if it were not there. */
typedef struct SegmentCluster
{
	double		weight;			/* of its points */
	double		inertia;		/* weighted sum of squared distances to its mean */
	double		mean_distance;	/* weighted mean of the distances to its mean */
	double		separation;		/* distance of its mean to the nearest other mean */
	int32		nearest;		/* whose mean that is, the lowest number among equals; -1: nobody's */
	double		similarity;		/* largest (sum of mean distances) / (distance of means) to another */
	double		silhouette;		/* weighted mean over its points */
} SegmentCluster;

typedef struct SegmentQuality
{
	const SegmentPoints *points;
	const int32 *labels;		/* of each point, 0 to k - 1 */
	const double *mismatch;		/* by category of the points: what a different one adds to the squared
								 * distance; NULL: categories do not count */
	int			k;
	int			n_clusters;		/* of the k, those with points */
	double		rounding;		/* points no further apart than the root of this may be equal */
	double		weight;			/* of all points: the number of rows they stand for */
	double		inertia;		/* within clusters */
	double		between;		/* weighted sum of squares of means about the mean of all */
	double		silhouette;		/* weighted mean over all points */
	SegmentCluster *cluster;	/* k */
	double	   *mean;			/* k x d */
	SegmentMemory memory;
} SegmentQuality;

extern void segment_quality_init(SegmentQuality *quality, const SegmentPoints *points,
								 const int32 *labels, int k, SegmentMemory memory);
extern SegmentStatus segment_quality_measure(SegmentQuality *quality,
											 SegmentInterrupted interrupted);
extern SegmentStatus segment_silhouette(SegmentQuality *quality, SegmentInterrupted interrupted);
extern SegmentStatus segment_simplified_silhouette(SegmentQuality *quality,
												   SegmentInterrupted interrupted);
extern double segment_davies_bouldin(const SegmentQuality *quality);
extern double segment_calinski_harabasz(const SegmentQuality *quality);
extern void segment_quality_free(SegmentQuality *quality);

extern int	segment_centre_and_scale(double *x, int64 n, int d);
extern double segment_points_rounding(const SegmentPoints *points);
extern bool segment_quality_varies(const SegmentQuality *quality);

/* Fewer than two clusters, or not fewer than rows: nothing can be said of them. */
static inline bool
segment_quality_defined(const SegmentQuality *quality)
{
	return quality->n_clusters >= 2 && quality->weight > quality->n_clusters;
}

#endif							/* SEGMENT_QUALITY_H */
