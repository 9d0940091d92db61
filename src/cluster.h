/*
 * cluster.h: models that are centroids in a feature space.  See cluster_kind.c.
 */
#ifndef SEGMENT_CLUSTER_H
#define SEGMENT_CLUSTER_H

#include "feature_space.h"
#include "kernel/kmeans.h"
#include "model.h"

typedef struct ClusterModel
{
	FeatureSpace *space;
	double	   *centroids;		/* by segment: d coordinates */
	double	   *packed;			/* the same for segment_nearest */
	double	   *size;			/* by segment: training rows, or the sum of their weights */
	double	   *inertia;		/* by segment: sum of squared distances to the centroid, scaled */
	double		total;			/* sum of squared distances of all from their mean, scaled */
	uint64		seed;
	int			n_init;
	int			iterations;
	bool		converged;
	double	   *x;				/* room for a row's coordinates */
} ClusterModel;

extern const ModelKind segment_kmeans_model_kind;

extern const ClusterModel *segment_cluster_of(const Model *model);
extern void segment_cluster_prepare(ClusterModel *cluster, int k);
extern void segment_number_segments(Model *model, int k);

#endif							/* SEGMENT_CLUSTER_H */
