/*
 * clustering.h: what a method of clustering is to those who do the same with each, and
 * clusters found by any of them.  See clustering.c.
 */
#ifndef SEGMENT_CLUSTERING_H
#define SEGMENT_CLUSTERING_H

#include "c.h"

#include "kernel/base/points.h"
#include "kernel/base/team.h"

/* How clusters are to be found. */
typedef struct SegmentClustering
{
	const struct SegmentClusterMethod *method;
	int			k;				/* 1 to the number of points */
	int			n_init;			/* starts; the best wins */
	int			max_iter;		/* steps of each */
	double		tol;			/* when a start ends, for methods that have such a thing */
	uint64		seed;
	bool		spherical;		/* points are directions, and so are clusters: methods that have directions */
	const void *own;			/* what this method alone takes, as its header says; NULL: nothing */
	SegmentInterrupted interrupted;
	SegmentTeam *team;			/* those that can share work share it; points and memory are shared, too */
} SegmentClustering;

/* What was found, enough to label any points. */
typedef struct SegmentClusters
{
	const struct SegmentClusterMethod *method;
	int			k;				/* fewer than wanted where points are too close to tell apart; of a
								 * nested method it may be lowered */
	void	   *found;			/* the method's own */
} SegmentClusters;

/* One of them for each method, in a file beside the method's own: kmeans_method.c, ... */
typedef struct SegmentClusterMethod
{
	const char *name;			/* of the function that trains by it */

	/* where the caller does not say */
	int			max_iter;
	double		tol;

	/* Fills clusters->found, found_size bytes, and k; leaves nothing behind when interrupted. */
	SegmentStatus (*find) (SegmentPoints *points, const SegmentClustering *clustering,
						   SegmentClusters *clusters, SegmentMemory memory);
	size_t		found_size;
	/* Frees what is in it. */
	void		(*free) (void *found, SegmentMemory memory);
	bool		reorders;		/* finding brings the points into another order */
	bool		nested;			/* the clusters for k are made of those for any larger one: k may be lowered */
	bool		directions;		/* there is a rule for spherical */

	/* The cluster of a point; placing: what begin_placing gave, NULL without one. */
	int			(*place) (const SegmentClusters *clusters, void *placing, int d, const double *x,
						  const int32 *code);

	/* Bytes for a point while clusters are found, beside the point itself. */
	size_t		(*bytes_per_row) (int d);

	/* The rest is NULL where a method has no such thing. */

	/* What placing many points takes, worked out once; placing must not change what was found. */
	void	   *(*begin_placing) (const SegmentClusters *clusters, int d, SegmentMemory memory);
	void		(*end_placing) (void *placing, SegmentMemory memory);
	/* Multiplications that placing a point takes; NULL: one for each cluster and feature. */
	double		(*work_per_row) (const SegmentClusters *clusters, int d);
	/* About how many nanoseconds a member of a team takes alone; NULL: no team can help. */
	double		(*expected_time) (const SegmentClustering *clustering, int64 rows, int d);
	/* The labels of the points that clusters were found on, where finding them left any. */
	int32	   *(*labels) (const SegmentClusters *clusters);

	/* what a number of clusters is judged by */

	/* The sum of squared distances within clusters, of a method that looks for the least. */
	double		(*inertia) (const SegmentClusters *clusters);
	/* What it makes least instead, in squares of the points' unit: told in place of inertia. */
	double		(*cost) (const SegmentClusters *clusters);
	/* BIC by a likelihood of its own. */
	double		(*bic) (const SegmentClusters *clusters, double total_weight);
	/* By category of the points: what a different one costs.  NULL: points have numbers only. */
	const double *(*mismatch) (const SegmentClusters *clusters);
} SegmentClusterMethod;

extern SegmentStatus segment_find_clusters(SegmentPoints *points, const SegmentClustering *clustering,
										   SegmentClusters *clusters, SegmentMemory memory);
extern int32 *segment_found_labels(const SegmentClusters *clusters);
extern SegmentStatus segment_label_points(const SegmentPoints *points, const SegmentClusters *clusters,
										  int32 *labels, SegmentMemory memory,
										  SegmentInterrupted interrupted);
extern void segment_clusters_free(SegmentClusters *clusters, SegmentMemory memory);

#endif							/* SEGMENT_CLUSTERING_H */
