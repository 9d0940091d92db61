/*
 * kprototypes.c: trains a k-prototypes model from a feature set.
 *
 * The feature set becomes points (feature_space.c), the kernel finds prototypes, and
 * the model numbers them from the largest segment to the smallest.
 */
#include "cluster/kprototypes_kind.h"

#include <float.h>
#include <math.h>

#include "cluster/centroid_model.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "feature/space_options.h"
#include "cluster/trainer.h"

PG_FUNCTION_INFO_V1(segment_kprototypes_train);

/* The arguments of kprototypes(), by number. */
enum
{
	ARG_FEATURES, ARG_K, ARG_GAMMA, ARG_N_INIT, ARG_MAX_ITER, ARG_SCALE, ARG_LOG, ARG_WINSORIZE,
	ARG_WEIGHTS, ARG_NULLS, ARG_SEED
};

/* what gamma and its product with a weight may be, so that no distance overflows */
#define MOST_GAMMA 1e100

/* rows measured between two questions whether to go on */
#define ROWS_BETWEEN_CHECKS 4096

static FeatureSpace *
fit_space(FunctionCallInfo fcinfo, const FeatureSet *set)
{
	SpaceOptions options = {0};

	segment_arg_space_options(fcinfo, ARG_SCALE, &options);
	options.metric = pstrdup(segment_metric_names[METRIC_EUCLIDEAN]);
	return segment_space_from_set(set, &options);
}

/*
 * What a different category costs: as argument arg tells, or from the data; next to
 * scaled distances.
 */
double
segment_prototype_arg_gamma(FunctionCallInfo fcinfo, int arg, const FeatureSpace *space,
							const SegmentPoints *points)
{
	double		gamma;

	if (PG_ARGISNULL(arg))
	{
		segment_prototypes_gamma(points, &gamma, segment_memory(CurrentMemoryContext),
								 segment_check_interrupts);
		/* a standard deviation, in the features' own unit */
		gamma *= space->d > 0 ? space->unit : 1;
	}
	else
		gamma = segment_arg_number(fcinfo, arg, "gamma", 0);
	gamma = gamma / space->unit / space->unit;
	if (!(gamma <= MOST_GAMMA))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("gamma must be at most %g, not %g", MOST_GAMMA, gamma)));
	return gamma;
}

/*
 * Categories and weights, by category in the order of the space's columns; refuses more
 * than fit into memory.
 */
void
segment_prototype_categories(const FeatureSpace *space, int k, const int **counts,
							 const double **weights)
{
	int		   *n_categories = palloc(sizeof(int) * (space->n_codes + 1));
	double	   *weight = palloc(sizeof(double) * (space->n_codes + 1));
	const SpaceFeature **category = palloc(sizeof(SpaceFeature *) * (space->n_codes + 1));
	double		total = 0;
	double		bytes;
	int			most = 0;
	int			n = 0;
	int			i;

	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category == NULL)
			continue;
		category[n++] = feature;
		total += feature->n_categories;
		if (feature->n_categories >= space->feature[most].n_categories)
			most = i;
	}
	for (i = 0; i < n; i++)
	{
		const SpaceFeature *feature = category[space->column == NULL ? i : space->code_column[i]];

		n_categories[i] = feature->n_categories;
		weight[i] = feature->weight;
	}
	*counts = n_categories;
	*weights = weight;
	bytes = sizeof(int64) * total * k;
	if (bytes > (double) maintenance_work_mem * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("counts of %.0f categories in %d segments need more than maintenance_work_mem",
						total, k),
				 errdetail("They need %.0f kB; \"%s\" alone has %d categories.", ceil(bytes / 1024),
						   space->feature[most].name, space->feature[most].n_categories),
				 errhint("A feature with nearly as many categories as rows tells segments nothing: leave it out, or group its values.")));
}

/* Size and cost of each cluster. */
static void
measure_clusters(const SegmentPoints *points, const SegmentPrototypesResult *result, double *size,
				 double *cost)
{
	int64		i;

	for (i = 0; i < points->n; i++)
	{
		int			c = result->labels[i];

		if (i % ROWS_BETWEEN_CHECKS == 0)
			CHECK_FOR_INTERRUPTS();
		size[c] += segment_point_weight(points, i);
		cost[c] += segment_point_weight(points, i) *
			segment_prototype_distance(&result->prototypes, c, points->x + i * points->d,
									   points->code + i * points->n_codes);
	}
}

/* Fills the model from what the kernel found. */
static void
fill_model(PrototypeModel *model, const SegmentPoints *points,
		   const SegmentPrototypesResult *result)
{
	const int	k = result->prototypes.k;
	const int	width = points->d + points->n_codes;
	double	   *size = palloc0(sizeof(double) * k);
	double	   *cost = palloc0(sizeof(double) * k);
	int		   *number;
	int			c;

	measure_clusters(points, result, size, cost);
	segment_space_order_features(model->space, result->prototypes.value, k, true);
	number = segment_order_of_segments(k, size, result->prototypes.value, width);
	segment_prototype_model_init(model, k);
	for (c = 0; c < k; c++)
	{
		model->size[c] = size[number[c]];
		model->cost[c] = cost[number[c]];
		memcpy(model->prototypes.value + (size_t) c * width,
			   result->prototypes.value + (size_t) number[c] * width, sizeof(double) * width);
	}
	model->training.iterations = result->iterations;
	model->training.converged = result->converged;
}

/* What all rows cost with one prototype. */
static double
total_cost(const SegmentPoints *points, const SegmentPrototypesOptions *options)
{
	SegmentPrototypesOptions one = *options;
	SegmentPrototypesResult result;
	SegmentMemory memory = segment_memory(CurrentMemoryContext);
	double		cost;

	one.k = 1;
	one.n_init = 1;
	segment_kprototypes(points, &one, &result, memory);
	cost = result.cost;
	segment_kprototypes_free(&result, memory);
	return cost;
}

Datum
segment_kprototypes_train(PG_FUNCTION_ARGS)
{
	FeatureSet *set;
	Model	   *model;
	PrototypeModel *prototype;
	SegmentPoints *points;
	SegmentPrototypesOptions options = {0};
	SegmentPrototypesResult result;

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	options.k = segment_arg_count(fcinfo, ARG_K, "k", 1);
	options.n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	options.max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	options.seed = segment_arg_seed(fcinfo, ARG_SEED);
	options.interrupted = segment_check_interrupts;

	set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	model = segment_model_new(&segment_prototype_model_kind);
	prototype = palloc0(sizeof(PrototypeModel));
	model->detail = prototype;
	prototype->space = fit_space(fcinfo, set);
	segment_space_describe(model, prototype->space);
	points = segment_space_points(prototype->space, set, segment_kprototypes_memory_per_row(),
								  &model->rows, segment_memory(CurrentMemoryContext));
	prototype->gamma = options.gamma = segment_prototype_arg_gamma(fcinfo, ARG_GAMMA, prototype->space,
																   points);
	options.k = segment_check_k(options.k, points);
	segment_prototype_categories(prototype->space, options.k, &options.n_categories,
								 &options.code_weight);
	segment_kprototypes(points, &options, &result, segment_memory(CurrentMemoryContext));
	if (result.prototypes.k < options.k)
		ereport(NOTICE,
				(errmsg("only %d groups of rows can be told apart, not %d", result.prototypes.k, options.k),
				 errdetail("The model has %d segments.", result.prototypes.k)));
	prototype->training.seed = options.seed;
	prototype->training.n_init = options.n_init;
	prototype->total = total_cost(points, &options);
	fill_model(prototype, points, &result);
	segment_number_segments(model, result.prototypes.k);
	PG_RETURN_MODEL(model);
}

/* ---- as one of the methods ---- */

static const void *
own_options(const MethodArguments *arguments, const FeatureSpace *space,
			const SegmentPoints *points, int k)
{
	SegmentPrototypesOptions *own = palloc0(sizeof(SegmentPrototypesOptions));

	own->gamma = segment_prototype_arg_gamma(arguments->fcinfo, arguments->gamma, space, points);
	segment_prototype_categories(space, k, &own->n_categories, &own->code_weight);
	return own;
}

static const char *const own_arguments[] = {"gamma", NULL};

const ClusterMethod segment_prototype_cluster_method = {
	.kernel = &segment_kprototypes_method,
	.arguments = own_arguments,
	.own_options = own_options
};
