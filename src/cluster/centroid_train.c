/*
 * centroid_train.c: what all trainers of centroids do before and after the kernel.
 *
 * Before: the space of the features from the arguments they share.  After: segments
 * are numbered from the largest to the smallest, equal sizes by their
 * coordinates: an order that follows from the result alone.
 */
#include "cluster/centroid_model.h"

#include "base/arguments.h"
#include "feature/space_options.h"
#include "base/memory.h"
#include "cluster/trainer.h"
#include "kernel/cluster/kmeans.h"

/* A model that knows its features and how they become coordinates, but no segments yet. */
Model *
segment_cluster_begin(FunctionCallInfo fcinfo, const ModelKind *kind, const FeatureSet *set,
					  int first)
{
	SpaceOptions options = {0};
	Model	   *model = segment_model_new(kind);
	ClusterModel *cluster = palloc0(sizeof(ClusterModel));
	FeatureSpace *space;

	segment_arg_space_options(fcinfo, first, &options);
	options.metric = segment_arg_text(fcinfo, first + 5);
	space = segment_space_from_set(set, &options);
	segment_need_numbers(kind->name, space);
	cluster->space = space;
	model->detail = cluster;
	segment_space_describe(model, space);
	return model;
}

/*
 * Gives the model k clusters in the order of segments; returns, by segment, the
 * number that the cluster came with.
 */
int *
segment_cluster_fill(ClusterModel *cluster, int k, const double *centroids, const double *size,
					 const double *inertia)
{
	const int	d = cluster->space->d;
	int		   *number = segment_order_of_segments(k, size, centroids, d);
	int			c;

	cluster->centroids = segment_new_array(k, d, sizeof(double));
	cluster->size = palloc(sizeof(double) * k);
	cluster->inertia = palloc(sizeof(double) * k);
	for (c = 0; c < k; c++)
	{
		cluster->size[c] = size[number[c]];
		cluster->inertia[c] = inertia[number[c]];
		memcpy(cluster->centroids + (size_t) c * d, centroids + (size_t) number[c] * d,
			   sizeof(double) * d);
	}
	return number;
}

/* Sum of squared distances of all points from their mean. */
double
segment_cluster_total(const SegmentPoints *points)
{
	const int	d = points->d;
	double	   *mean = palloc0(sizeof(double) * d);
	double		total;
	int64		i;
	int			j;

	for (i = 0; i < points->n; i++)
		for (j = 0; j < d; j++)
			mean[j] += segment_point_weight(points, i) * points->x[i * d + j];
	for (j = 0; j < d; j++)
		mean[j] /= points->total_weight;
	segment_cluster_inertia(points, mean, NULL, 1, &total, segment_check_interrupts);
	pfree(mean);
	return total;
}
