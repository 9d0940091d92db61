/*
 * model_stability.c: whether the segments of a model come out again from a part of the rows.
 *
 * The rows become points of the model's space, labelled by the model (model_points.c);
 * the kernel trains models of the same kind on subsamples of them (kernel/stability.c), with
 * what the model knows of its training: the number of segments and starts, the metric, gamma,
 * the kind of covariance.  What it does not know, when a start ends, is as by default.
 */
#include "compat.h"

#include "quality/choose_k.h"
#include "cluster/centroid_model.h"
#include "kernel/base/hash.h"
#include "kernel/quality/stability.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "cluster/gaussian_mixture_kind.h"
#include "model/model_points.h"
#include "cluster/kprototypes_kind.h"
#include "cluster/trainer.h"

PG_FUNCTION_INFO_V1(segment_stability_of_model);

static SegmentClustering
clustering_of_centroids(const Model *model, SegmentMethod method)
{
	const ClusterModel *cluster = model->detail;
	SegmentClustering clustering = segment_default_clustering(method);

	clustering.n_init = cluster->training.n_init;
	clustering.spherical = cluster->space->metric == METRIC_COSINE;
	return clustering;
}

static SegmentClustering
clustering_of_prototypes(const Model *model)
{
	const PrototypeModel *prototype = model->detail;
	SegmentClustering clustering = segment_default_clustering(SEGMENT_KPROTOTYPES);

	clustering.n_init = prototype->training.n_init;
	clustering.gamma = prototype->gamma;
	segment_prototype_categories(prototype->space, model->n_segments, &clustering.n_categories, &clustering.code_weight);
	return clustering;
}

static SegmentClustering
clustering_of_mixture(const Model *model)
{
	const MixtureModel *mixture = model->detail;
	SegmentClustering clustering = segment_default_clustering(SEGMENT_GAUSSIAN_MIXTURE);

	clustering.n_init = mixture->training.n_init;
	clustering.covariance = mixture->mixture.kind;
	segment_mixture_check_memory(clustering.covariance, model->n_segments, mixture->space->d);
	return clustering;
}

/* How models like this one are trained; after it has met the categories of the rows. */
static SegmentClustering
clustering_of(const Model *model)
{
	if (model->kind == &segment_mixture_model_kind)
		return clustering_of_mixture(model);
	if (model->kind == &segment_prototype_model_kind)
		return clustering_of_prototypes(model);
	return clustering_of_centroids(model, model->kind == &segment_bisecting_model_kind ? SEGMENT_BISECTING : SEGMENT_KMEANS);
}

Datum
segment_stability_of_model(PG_FUNCTION_ARGS)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	Model	   *model = PG_GETARG_MODEL(1);
	int			n_resamples = segment_arg_count(fcinfo, 2, "n_resamples", 1);
	SegmentStability stability = {0};
	LabelledPoints *labelled;
	double		result;

	labelled = segment_points_of_model(set, model, true, segment_bisecting_memory_per_row(model->n_features));
	if (labelled->points.n == 0)
		PG_RETURN_NULL();
	stability.points = &labelled->points;
	stability.clustering = clustering_of(model);
	stability.clustering.k = (int) Min((int64) model->n_segments, labelled->points.n);
	stability.clustering.n_init = Max(stability.clustering.n_init, 1);
	stability.seed = segment_hash_step(segment_arg_seed(fcinfo, 3), SEGMENT_RESAMPLE_SEED);
	stability.count_weights = !set->store.weighted;
	stability.memory = segment_memory(CurrentMemoryContext);
	(void) segment_stability_of_labels(&stability, labelled->label, model->n_segments, n_resamples, &result);
	PG_RETURN_FLOAT8(result);
}
