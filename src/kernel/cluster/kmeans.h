/*
 * kmeans.h: k-means on prepared points.  See kmeans.c.
 */
#ifndef SEGMENT_KMEANS_H
#define SEGMENT_KMEANS_H

#include "c.h"

#include "kernel/base/points.h"
#include "kernel/base/team.h"
#include "kernel/cluster/clustering.h"

typedef struct SegmentKmeansOptions
{
	int			k;				/* 1 to the number of points */
	int			n_init;			/* starts; the one of least inertia wins */
	int			max_iter;		/* Lloyd steps of each */
	double		tol;			/* a start ends when the centroids moved less: sum of squares, as a
								 * share of the mean variance */
	uint64		seed;
	bool		spherical;		/* centroids are brought to length 1 */
	const double *initial;		/* k x d, scaled; NULL: greedy k-means++ */
	SegmentInterrupted interrupted;
	SegmentTeam *team;			/* NULL: alone; else points and memory are shared */
} SegmentKmeansOptions;

typedef struct SegmentKmeansResult
{
	int			k;				/* fewer than wanted where points are too close to tell apart */
	double	   *centroids;		/* k x d, scaled */
	int32	   *labels;			/* n: the nearest centroid, the lowest number among equals */
	double		inertia;		/* weighted sum of squared distances to it */
	int			iterations;		/* Lloyd steps of the winning start */
	bool		converged;		/* it ended by itself, not by max_iter */
} SegmentKmeansResult;

extern SegmentStatus segment_kmeans(const SegmentPoints *points,
									const SegmentKmeansOptions *options, SegmentKmeansResult *result, SegmentMemory memory);
extern SegmentStatus segment_cluster_inertia(const SegmentPoints *points, const double *centroids,
											 const int32 *labels, int k, double *inertia,
											 SegmentInterrupted interrupted);
extern void segment_kmeans_free(SegmentKmeansResult *result, SegmentMemory memory);
extern size_t segment_kmeans_bytes_per_row(int d);
extern double segment_kmeans_expected_time(const SegmentKmeansOptions *options, int64 rows, int d);

/* kmeans_method.c */
extern const SegmentClusterMethod segment_kmeans_method;
extern SegmentKmeansOptions segment_kmeans_options(const SegmentClustering *clustering);

/* kmeans_seed.c */

/* of more rows than this a sample takes part in seeding */
#define SEGMENT_SEED_ROWS 131072

extern SegmentStatus segment_kmeans_seed(const SegmentPoints *points, int k, uint64 seed,
										 double *centroids, int *found, SegmentMemory memory,
										 SegmentTeam *team, SegmentInterrupted interrupted);

#endif							/* SEGMENT_KMEANS_H */
