/*
 * clustering.h: clusters found by any of the methods.  See clustering.c.
 */
#ifndef SEGMENT_CLUSTERING_H
#define SEGMENT_CLUSTERING_H

#include "c.h"

#include "kernel/cluster/bisecting.h"
#include "kernel/cluster/kmeans.h"
#include "kernel/cluster/kprototypes.h"
#include "kernel/cluster/mixture.h"

typedef enum SegmentMethod
{
	SEGMENT_KMEANS,
	SEGMENT_BISECTING,
	SEGMENT_KPROTOTYPES,
	SEGMENT_GAUSSIAN_MIXTURE
} SegmentMethod;

/* How clusters are to be found. */
typedef struct SegmentClustering
{
	SegmentMethod method;
	int			k;				/* 1 to the number of points */
	int			n_init;			/* starts; the best wins */
	int			max_iter;		/* steps of each */
	double		tol;			/* when a start ends; k-prototypes has none */
	uint64		seed;
	bool		spherical;		/* k-means and its hierarchy: centroids are brought to length 1 */
	double		gamma;			/* k-prototypes, as in SegmentPrototypesOptions */
	const double *code_weight;
	const int  *n_categories;
	SegmentCovariance covariance;	/* mixtures, as in SegmentMixtureOptions */
	double		reg_covar;
	SegmentInterrupted interrupted;
	SegmentTeam *team;			/* k-means, as in SegmentKmeansOptions; the others work alone */
} SegmentClustering;

/* What was found, enough to label any points. */
typedef struct SegmentClusters
{
	SegmentMethod method;
	int			k;				/* fewer than wanted where points are too close to tell apart; of a
								 * hierarchy it may be lowered: labels are those of the cut */
	union
	{
		SegmentKmeansResult kmeans;
		SegmentBisectingResult hierarchy;
		SegmentPrototypesResult prototypes;
		SegmentMixtureFit mixture;
	}			found;
} SegmentClusters;

extern SegmentStatus segment_find_clusters(SegmentPoints *points, const SegmentClustering *clustering,
										   SegmentClusters *clusters, SegmentMemory memory);
extern int32 *segment_found_labels(const SegmentClusters *clusters);
extern SegmentStatus segment_label_points(const SegmentPoints *points, const SegmentClusters *clusters,
										  int32 *labels, SegmentMemory memory,
										  SegmentInterrupted interrupted);
extern void segment_clusters_free(SegmentClusters *clusters, SegmentMemory memory);

#endif							/* SEGMENT_CLUSTERING_H */
