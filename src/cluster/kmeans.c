/*
 * kmeans.c: trains a k-means model from a feature set.
 *
 * The feature set becomes points (feature_space.c), the kernel finds centroids, and
 * the model numbers them by size (centroid_train.c).
 */
#include "cluster/centroid_model.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "cluster/trainer.h"
#include "kernel/cluster/kmeans.h"
#include "utils/array.h"
#include "base/workers.h"

PG_FUNCTION_INFO_V1(segment_kmeans_train);

/* The arguments of kmeans(), by number. */
enum
{
	ARG_FEATURES, ARG_K, ARG_N_INIT, ARG_MAX_ITER, ARG_TOL, ARG_SCALE, ARG_LOG, ARG_WINSORIZE,
	ARG_WEIGHTS, ARG_NULLS, ARG_METRIC, ARG_CENTROIDS, ARG_SEED
};

/* Centroids as the caller gave them, k x features in their own units, scaled. */
static double *
given_centroids(const FeatureSpace *space, ArrayType *array, int k)
{
	const int	d = space->d;
	double	   *centroids = segment_new_array(k, d, sizeof(double));
	double	   *values = (double *) ARR_DATA_PTR(array);
	int			c;

	if (ARR_HASNULL(array) || ARR_NDIM(array) != 2 || ARR_DIMS(array)[0] != k ||
		ARR_DIMS(array)[1] != d)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("centroids must be an array of %d rows of %d features without nulls", k, d),
				 errhint("For instance ARRAY[[1, 2], [3, 4]] for two segments of two features.")));
	for (c = 0; c < k; c++)
		if (!segment_space_place(space, values + (size_t) c * d, centroids + (size_t) c * d, NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("centroid %d has a value that is not finite, or lies at the origin", c + 1)));
	segment_space_order_columns(space, centroids, k);
	return centroids;
}

/* Fills the model from what the kernel found. */
static void
fill_clusters(ClusterModel *cluster, const SegmentPoints *points, const SegmentKmeansResult *result)
{
	const int	k = result->k;
	double	   *size = palloc0(sizeof(double) * k);
	double	   *inertia = palloc(sizeof(double) * k);
	int64		i;

	for (i = 0; i < points->n; i++)
		size[result->labels[i]] += segment_point_weight(points, i);
	segment_cluster_inertia(points, result->centroids, result->labels, k, inertia,
							segment_check_interrupts);
	segment_space_order_features(cluster->space, result->centroids, k, false);
	(void) segment_cluster_fill(cluster, k, result->centroids, size, inertia);
	cluster->training.iterations = result->iterations;
	cluster->training.converged = result->converged;
	cluster->total = segment_cluster_total(points);
}

Datum
segment_kmeans_train(PG_FUNCTION_ARGS)
{
	FeatureSet *set;
	Model	   *model;
	ClusterModel *cluster;
	SegmentPoints *points;
	SegmentKmeansOptions options = {0};
	SegmentKmeansResult result;
	WorkerTeam *workers;
	Size		per_row;

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	options.k = segment_arg_count(fcinfo, ARG_K, "k", 1);
	options.n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	options.max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	options.tol = segment_arg_number(fcinfo, ARG_TOL, "tol", 0);
	options.seed = segment_arg_seed(fcinfo, ARG_SEED);
	/* given centroids leave nothing to chance */
	if (!PG_ARGISNULL(ARG_CENTROIDS))
		options.n_init = 1;
	options.interrupted = segment_check_interrupts;

	set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	model = segment_cluster_begin(fcinfo, &segment_kmeans_model_kind, set, ARG_SCALE);
	cluster = model->detail;
	per_row = segment_kmeans_bytes_per_row(cluster->space->d);
	workers = segment_workers_begin(segment_space_bytes(cluster->space, set, per_row),
									segment_kmeans_expected_time(&options, set->store.n_rows, cluster->space->d));
	points = segment_space_points(cluster->space, set, per_row, &model->rows,
								  segment_workers_memory(workers));
	if (!PG_ARGISNULL(ARG_CENTROIDS))
		options.initial = given_centroids(cluster->space, PG_GETARG_ARRAYTYPE_P(ARG_CENTROIDS),
										  options.k);
	options.k = segment_check_k(options.k, points);
	options.spherical = cluster->space->metric == METRIC_COSINE;
	options.team = segment_workers_team(workers);
	segment_kmeans(points, &options, &result, segment_workers_memory(workers));
	cluster->training.seed = options.seed;
	cluster->training.n_init = options.n_init;
	fill_clusters(cluster, points, &result);
	segment_workers_end(workers);
	segment_number_segments(model, result.k);
	PG_RETURN_MODEL(model);
}

/* ---- as one of the methods ---- */

static const char *const own_arguments[] = {"tol", NULL};

const ClusterMethod segment_kmeans_cluster_method = {
	.kernel = &segment_kmeans_method,
	.arguments = own_arguments
};
