/*
 * kmeans.h: k-means on prepared points.  See kmeans.c.
 */
#ifndef SEGMENT_KMEANS_H
#define SEGMENT_KMEANS_H

#include "c.h"

#include "kernel/points.h"


typedef struct SegmentKmeansOptions
{
	int			k;				/* at most the number of points */
	int			n_init;			/* restarts; the best inertia wins */
	int			max_iter;		/* Lloyd steps of each */
	double		tol;			/* stop when centroids move less: squared, relative to the mean variance; 0: exact */
	uint64		seed;
	bool		spherical;		/* centroids are brought to length 1 */
	const double *initial;		/* k x d, scaled; NULL: greedy k-means++ */
	SegmentInterrupted interrupted;
} SegmentKmeansOptions;

typedef struct SegmentKmeansResult
{
	double	   *centroids;		/* k x d, scaled */
	int32	   *labels;			/* n: the nearest centroid, the lowest number among equals */
	double		inertia;		/* weighted sum of squared distances to it */
	int			iterations;		/* of the winning start */
	bool		converged;		/* it ended by itself, not by max_iter */
} SegmentKmeansResult;

extern SegmentStatus segment_kmeans(const SegmentPoints *points, const SegmentKmeansOptions *options,
									SegmentKmeansResult *result, SegmentMemory memory);

#endif							/* SEGMENT_KMEANS_H */
