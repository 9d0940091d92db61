/*
 * bisecting.c: trains a hierarchy of segments by bisecting k-means, and cuts it.
 *
 * The kernel divides clusters until there are k; the model keeps all splits in
 * their order.  As no split depends on later ones, the first k - 1 of them are
 * the model for k segments: cutting gives what training with that k would have given.
 */
#include "cluster/centroid_model.h"

#include "kernel/cluster/bisecting.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "cluster/trainer.h"

PG_FUNCTION_INFO_V1(segment_bisecting_train);
PG_FUNCTION_INFO_V1(segment_cut_model);

/* The arguments of bisecting_kmeans(), by number. */
enum
{
	ARG_FEATURES, ARG_K, ARG_N_INIT, ARG_MAX_ITER, ARG_TOL, ARG_SCALE, ARG_LOG, ARG_WINSORIZE,
	ARG_WEIGHTS, ARG_NULLS, ARG_METRIC, ARG_SEED
};

/* Clusters that are not divided, in no order that means anything. */
typedef struct Leaves
{
	int			n;
	int			d;
	double	   *centroids;
	double	   *size;
	double	   *inertia;
} Leaves;

static Leaves
leaves_new(int most, int d)
{
	Leaves		leaves = {0};

	leaves.d = d;
	leaves.centroids = segment_new_array(most, d, sizeof(double));
	leaves.size = palloc(sizeof(double) * most);
	leaves.inertia = palloc(sizeof(double) * most);
	return leaves;
}

/* Returns how a split refers to it as a child. */
static int
add_leaf(Leaves *leaves, const double *center, double size, double inertia)
{
	memcpy(leaves->centroids + (size_t) leaves->n * leaves->d, center, sizeof(double) * leaves->d);
	leaves->size[leaves->n] = size;
	leaves->inertia[leaves->n] = inertia;
	return CLUSTER_LEAF(leaves->n++);
}

/* Leaves become segments, and what the splits took together becomes that of the model. */
static void
finish_tree(Model *model, const Leaves *leaves)
{
	ClusterModel *cluster = model->detail;
	int		   *number = segment_cluster_fill(cluster, leaves->n, leaves->centroids, leaves->size,
											  leaves->inertia);
	int		   *segment = palloc(sizeof(int) * leaves->n);
	int64		iterations = 0;
	int			i;
	int			c;

	for (c = 0; c < leaves->n; c++)
		segment[number[c]] = c;
	cluster->training.converged = true;
	for (i = 0; i < cluster->tree.n; i++)
	{
		ClusterSplit *split = &cluster->tree.split[i];

		for (c = 0; c < 2; c++)
			if (split->child[c] < 0)
				split->child[c] = CLUSTER_LEAF(segment[CLUSTER_LEAF(split->child[c])]);
		iterations += split->iterations;
		cluster->training.converged = cluster->training.converged && split->converged;
	}
	cluster->training.iterations = (int) Min(iterations, PG_INT32_MAX);
	segment_number_segments(model, leaves->n);
}

/* ---- training ---- */

/* Fills the model from what the kernel found. */
static void
fill_tree(Model *model, const SegmentBisectingResult *result)
{
	ClusterModel *cluster = model->detail;
	ClusterTree *tree = &cluster->tree;
	const int	d = cluster->space->d;
	const int	n_nodes = 1 + 2 * result->n_splits;
	Leaves		leaves = leaves_new(result->n_splits + 1, d);
	int		   *reference = palloc(sizeof(int) * n_nodes);
	int			i;

	segment_space_order_features(cluster->space, result->centroids, n_nodes, false);
	segment_tree_allocate(tree, result->n_splits, d);
	for (i = 0; i < n_nodes; i++)
	{
		const SegmentBisectingNode *node = &result->node[i];
		const double *center = result->centroids + (size_t) i * d;
		int			number = (node->first_child - 1) / 2;

		if (node->first_child == 0)
		{
			reference[i] = add_leaf(&leaves, center, node->size, node->inertia);
			continue;
		}
		reference[i] = number;
		tree->split[number].size = node->size;
		tree->split[number].inertia = node->inertia;
		tree->split[number].iterations = node->iterations;
		tree->split[number].converged = node->converged;
		memcpy(tree->centroids + (size_t) number * d, center, sizeof(double) * d);
	}
	for (i = 0; i < tree->n; i++)
	{
		tree->split[i].child[0] = reference[2 * i + 1];
		tree->split[i].child[1] = reference[2 * i + 2];
	}
	finish_tree(model, &leaves);
}

Datum
segment_bisecting_train(PG_FUNCTION_ARGS)
{
	FeatureSet *set;
	Model	   *model;
	ClusterModel *cluster;
	SegmentPoints *points;
	SegmentKmeansOptions options = {0};
	SegmentBisectingResult result;

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	options.k = segment_arg_count(fcinfo, ARG_K, "k", 1);
	options.n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	options.max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	options.tol = segment_arg_number(fcinfo, ARG_TOL, "tol", 0);
	options.seed = segment_arg_seed(fcinfo, ARG_SEED);
	options.interrupted = segment_check_interrupts;

	set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	model = segment_cluster_begin(fcinfo, &segment_bisecting_model_kind, set, ARG_SCALE);
	cluster = model->detail;
	points = segment_space_points(cluster->space, set,
								  segment_bisecting_memory_per_row(cluster->space->d), &model->rows,
								  segment_memory(CurrentMemoryContext));
	options.k = segment_check_k(options.k, points);
	options.spherical = cluster->space->metric == METRIC_COSINE;
	cluster->training.seed = options.seed;
	cluster->training.n_init = options.n_init;
	/* before the points leave their order */
	cluster->total = segment_cluster_total(points);
	segment_bisecting(points, &options, &result, segment_memory(CurrentMemoryContext));
	if (result.n_splits + 1 < options.k)
		ereport(NOTICE,
				(errmsg("the model has %d segments instead of %d", result.n_splits + 1, options.k),
				 errdetail("The rows of each are too close to be told apart.")));
	fill_tree(model, &result);
	PG_RETURN_MODEL(model);
}

/* ---- as one of the methods ---- */

static const char *const own_arguments[] = {"tol", NULL};

const ClusterMethod segment_bisecting_cluster_method = {
	.kernel = &segment_bisecting_method,
	.arguments = own_arguments
};

/* ---- cutting ---- */

/* cut_model(model, k): the model after the first k - 1 splits. */
Datum
segment_cut_model(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	int			k = segment_arg_count(fcinfo, 1, "k", 1);
	ClusterModel *cluster = model->detail;
	ClusterTree *tree = &cluster->tree;
	ClusterModel whole;
	Leaves		leaves;
	int			i;
	int			c;

	if (model->kind != &segment_bisecting_model_kind)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" cannot be cut, expected one of kind \"%s\"",
						model->kind->name, segment_bisecting_model_kind.name)));
	if (k > model->n_segments)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be at most %d, the number of segments of the model, not %d",
						model->n_segments, k),
				 errhint("Train a hierarchy with more segments.")));
	/* nothing is cut off, so ids and names stay */
	if (k == model->n_segments)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));

	whole = *cluster;
	leaves = leaves_new(k, cluster->space->d);
	if (k == 1)
		add_leaf(&leaves, tree->centroids, tree->split[0].size, tree->split[0].inertia);
	tree->n = k - 1;
	for (i = 0; i < tree->n; i++)
		for (c = 0; c < 2; c++)
		{
			int			child = tree->split[i].child[c];
			const double *center = segment_tree_center(&whole, child);

			if (child >= tree->n)
				tree->split[i].child[c] = add_leaf(&leaves, center, tree->split[child].size,
												   tree->split[child].inertia);
			else if (child < 0)
				tree->split[i].child[c] = add_leaf(&leaves, center, whole.size[CLUSTER_LEAF(child)],
												   whole.inertia[CLUSTER_LEAF(child)]);
		}
	finish_tree(model, &leaves);
	PG_RETURN_MODEL(model);
}
