/*
 * kmeans.c: trains a k-means model from a feature set.
 *
 * The feature set becomes points (feature_space.c), the kernel finds centroids, and
 * the model numbers them from the largest segment to the smallest, equal sizes by
 * their coordinates: an order that follows from the result alone.
 */
#include "cluster.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "memory.h"
#include "miscadmin.h"
#include "trainer.h"
#include "utils/array.h"
#include "utils/memutils.h"

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
	double	   *centroids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * d * k);
	double	   *values = (double *) ARR_DATA_PTR(array);
	int			c;

	if (ARR_HASNULL(array) || ARR_NDIM(array) != 2 || ARR_DIMS(array)[0] != k || ARR_DIMS(array)[1] != d)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("centroids must be an array of %d rows of %d features without nulls", k, d),
				 errhint("For instance ARRAY[[1, 2], [3, 4]] for two segments of two features.")));
	for (c = 0; c < k; c++)
		if (!segment_space_place(space, values + (size_t) c * d, centroids + (size_t) c * d, NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("centroid %d has a value that is not finite, or lies at the origin", c + 1)));
	return centroids;
}

/* What decides about the order of segments. */
typedef struct ClusterOrder
{
	const SegmentKmeansResult *result;
	const double *size;
	int			d;
} ClusterOrder;

static int
compare_clusters(const void *a, const void *b, void *arg)
{
	const ClusterOrder *order = arg;
	int			x = *(const int *) a;
	int			y = *(const int *) b;
	int			j;

	if (order->size[x] != order->size[y])
		return order->size[x] > order->size[y] ? -1 : 1;
	for (j = 0; j < order->d; j++)
	{
		double		of_x = order->result->centroids[(size_t) x * order->d + j];
		double		of_y = order->result->centroids[(size_t) y * order->d + j];

		if (of_x != of_y)
			return of_x < of_y ? -1 : 1;
	}
	return x - y;
}

/* Sum of squared distances of all points from their mean. */
static double
total_inertia(const SegmentPoints *points)
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

/* Fills the model from what the kernel found. */
static void
fill_clusters(ClusterModel *cluster, const SegmentPoints *points, const SegmentKmeansResult *result)
{
	const int	k = result->k;
	const int	d = points->d;
	double	   *size = palloc0(sizeof(double) * k);
	double	   *inertia = palloc(sizeof(double) * k);
	int		   *place = palloc(sizeof(int) * k);
	ClusterOrder order = {result, size, d};
	int64		i;
	int			c;

	for (i = 0; i < points->n; i++)
		size[result->labels[i]] += segment_point_weight(points, i);
	segment_cluster_inertia(points, result->centroids, result->labels, k, inertia,
							segment_check_interrupts);
	for (c = 0; c < k; c++)
		place[c] = c;
	qsort_arg(place, k, sizeof(int), compare_clusters, &order);

	cluster->centroids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * d * k);
	cluster->size = palloc(sizeof(double) * k);
	cluster->inertia = palloc(sizeof(double) * k);
	for (c = 0; c < k; c++)
	{
		cluster->size[c] = size[place[c]];
		cluster->inertia[c] = inertia[place[c]];
		memcpy(cluster->centroids + (size_t) c * d, result->centroids + (size_t) place[c] * d,
			   sizeof(double) * d);
	}
	cluster->iterations = result->iterations;
	cluster->converged = result->converged;
	cluster->total = total_inertia(points);
}

static FeatureSpace *
fit_space(FunctionCallInfo fcinfo, const FeatureSet *set)
{
	SpaceOptions options = {0};
	FeatureSpace *space;

	options.scale = segment_arg_text(fcinfo, ARG_SCALE);
	options.log = PG_ARGISNULL(ARG_LOG) ? NULL : PG_GETARG_ARRAYTYPE_P(ARG_LOG);
	options.winsorize = PG_ARGISNULL(ARG_WINSORIZE) ? NULL : PG_GETARG_JSONB_P(ARG_WINSORIZE);
	options.weights = PG_ARGISNULL(ARG_WEIGHTS) ? NULL : PG_GETARG_JSONB_P(ARG_WEIGHTS);
	options.nulls = segment_arg_text(fcinfo, ARG_NULLS);
	options.metric = segment_arg_text(fcinfo, ARG_METRIC);
	space = segment_space_from_set(set, &options);
	if (space->n_codes > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("kmeans needs numeric features, but %d of %d are categories",
						space->n_codes, space->n_features),
				 errhint("kprototypes() clusters numbers and categories together.")));
	return space;
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

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	options.k = segment_arg_count(fcinfo, ARG_K, "k", 1);
	options.n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	options.max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	options.tol = segment_arg_number(fcinfo, ARG_TOL, "tol", 0);
	options.seed = segment_arg_seed(fcinfo, ARG_SEED);
	options.interrupted = segment_check_interrupts;

	set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	model = segment_model_new(&segment_kmeans_model_kind);
	cluster = palloc0(sizeof(ClusterModel));
	model->detail = cluster;
	cluster->space = fit_space(fcinfo, set);
	segment_space_describe(model, cluster->space);
	points = segment_space_points(cluster->space, set, segment_kmeans_bytes_per_row(cluster->space->d), model);
	if (!PG_ARGISNULL(ARG_CENTROIDS))
		options.initial = given_centroids(cluster->space, PG_GETARG_ARRAYTYPE_P(ARG_CENTROIDS), options.k);
	options.k = segment_check_k(options.k, points);
	options.spherical = cluster->space->metric == METRIC_COSINE;
	segment_kmeans(points, &options, &result, segment_memory(CurrentMemoryContext));
	cluster->seed = options.seed;
	cluster->n_init = options.initial != NULL ? 1 : options.n_init;
	fill_clusters(cluster, points, &result);
	segment_number_segments(model, result.k);
	PG_RETURN_MODEL(model);
}
