/*
 * centroid_model.h: models that are centroids in a feature space.  See kmeans_kind.c.
 */
#ifndef SEGMENT_CLUSTER_H
#define SEGMENT_CLUSTER_H

#include "base/memory.h"
#include "cluster/method.h"
#include "model/explain.h"
#include "feature/feature_space.h"
#include "model/model.h"

/*
 * A division of one cluster into two; a child is a split's number, or CLUSTER_LEAF of a
 * segment's.
 */
typedef struct ClusterSplit
{
	double		size;			/* of the cluster that was divided, as below */
	double		inertia;
	int			iterations;		/* of the k-means that divided it */
	bool		converged;
	int			child[2];
} ClusterSplit;

#define CLUSTER_LEAF(segment) (-1 - (segment))	/* its own inverse */

/* How clusters came from dividing one: splits in the order in which they were made. */
typedef struct ClusterTree
{
	int			n;				/* one less than segments */
	ClusterSplit *split;
	double	   *centroids;		/* n x d: of the clusters that were divided */
} ClusterTree;

typedef struct ClusterModel
{
	FeatureSpace *space;
	double	   *centroids;		/* by segment: d coordinates */
	double	   *packed;			/* the same for segment_nearest */
	double	   *size;			/* by segment: training rows, or the sum of their weights */
	double	   *inertia;		/* by segment: sum of squared distances to the centroid, scaled */
	double		total;			/* sum of squared distances of all from their mean, scaled */
	ModelTraining training;
	double	   *x;				/* room for a row's coordinates */
	ClusterTree tree;			/* of bisecting k-means */
} ClusterModel;

extern const ModelKind segment_kmeans_model_kind;
extern const ModelKind segment_bisecting_model_kind;

extern const ClusterModel *segment_cluster_of(const Model *model);
extern void segment_cluster_prepare(ClusterModel *cluster, int k);
extern void segment_number_segments(Model *model, int k);

static inline void
segment_tree_allocate(ClusterTree *tree, int n, int d)
{
	tree->n = n;
	/* +1: there may be no split */
	tree->split = palloc0(sizeof(ClusterSplit) * (n + 1));
	tree->centroids = segment_new_array(n, d, sizeof(double));
}

/* The centroid of a split's child. */
static inline const double *
segment_tree_center(const ClusterModel *cluster, int child)
{
	return child >= 0 ? cluster->tree.centroids + (size_t) child * cluster->space->d
		: cluster->centroids + (size_t) CLUSTER_LEAF(child) * cluster->space->d;
}

/* for kinds of models that have centroids, too */

/* What an explanation compares. */
typedef struct ClusterRival
{
	int			segment;		/* where the row would else be; -1: nowhere */
	const double *own;			/* the centroid that was nearer ... */
	const double *other;		/* ... and the one that was not */
} ClusterRival;

#define SEGMENT_CLUSTER_KEYS SEGMENT_SPACE_KEYS, SEGMENT_TRAINING_KEYS, "total", "clusters"

extern void segment_cluster_read(Model *model, const JsonPlace *json);
extern void segment_cluster_write(const Model *model, StringInfo out);
extern double segment_cluster_read_part(const JsonPlace *json, const char *key);
extern void segment_cluster_read_center(const JsonPlace *json, int d, double *center);
extern void segment_cluster_write_center(const double *center, int d, StringInfo out);
extern void segment_cluster_metrics(const Model *model, StringInfo out);
extern void segment_cluster_clustering(const Model *model, SegmentClustering *clustering);
extern const FeatureSpace *segment_cluster_space(const Model *model);
extern double segment_cluster_distance(const Model *model, const double *features, int segment);
extern double segment_cluster_size(const Model *model, int segment);
extern void segment_cluster_typical(const Model *model, int segment, int number,
									ModelTypical *typical);
extern void segment_cluster_explain(const Model *model, const double *features, int segment,
									const ClusterRival *rival, StringInfo out);

/* kmeans.c, bisecting.c */
extern const ClusterMethod segment_kmeans_cluster_method;
extern const ClusterMethod segment_bisecting_cluster_method;

/* centroid_train.c */
extern Model *segment_cluster_begin(FunctionCallInfo fcinfo, const ModelKind *kind,
									const FeatureSet *set, int first);
extern int *segment_cluster_fill(ClusterModel *cluster, int k, const double *centroids,
								 const double *size, const double *inertia);
extern double segment_cluster_total(const SegmentPoints *points);

#endif							/* SEGMENT_CLUSTER_H */
