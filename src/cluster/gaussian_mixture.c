/*
 * gaussian_mixture.c: trains a mixture of normal distributions from a feature set.
 *
 * The feature set becomes points (feature_space.c), the kernel fits the mixture, and the
 * model numbers its components from the largest segment to the smallest.
 */
#include "cluster/gaussian_mixture_kind.h"

#include <math.h>

#include "cluster/centroid_model.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "kernel/base/cholesky.h"
#include "miscadmin.h"
#include "feature/space_options.h"
#include "cluster/trainer.h"

PG_FUNCTION_INFO_V1(segment_gaussian_mixture_train);

/* The arguments of gaussian_mixture(), by number. */
enum
{
	ARG_FEATURES, ARG_K, ARG_COVARIANCE, ARG_N_INIT, ARG_MAX_ITER, ARG_TOL, ARG_REG_COVAR,
	ARG_SCALE, ARG_LOG, ARG_WINSORIZE, ARG_WEIGHTS, ARG_NULLS, ARG_SEED
};

/* sets of covariances alive at a time: three fits, each with its factors, and sums */
#define COVARIANCE_COPIES 7

static FeatureSpace *
fit_space(FunctionCallInfo fcinfo, const FeatureSet *set)
{
	SpaceOptions options = {0};
	FeatureSpace *space;

	segment_arg_space_options(fcinfo, ARG_SCALE, &options);
	options.metric = pstrdup(segment_metric_names[METRIC_EUCLIDEAN]);
	space = segment_space_from_set(set, &options);
	segment_need_numbers(segment_mixture_method.name, space);
	return space;
}

/* Covariances take memory that grows with the square of the features. */
void
segment_mixture_check_memory(SegmentCovariance kind, int k, int d)
{
	double		bytes = sizeof(double) * COVARIANCE_COPIES *
		(double) segment_mixture_covariance_size(kind, k, d);

	if (bytes > (double) maintenance_work_mem * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("covariances of %d segments and %d features need more than maintenance_work_mem",
						k, d),
				 errdetail("They need %.0f kB.", ceil(bytes / 1024)),
				 errhint("Use covariance => 'diag', fewer segments or features, or a higher maintenance_work_mem.")));
}

/* Rows, or their weights, that each component is likeliest for. */
static double *
measure_sizes(const SegmentPoints *points, const SegmentMixtureFit *fit)
{
	double	   *size = palloc0(sizeof(double) * fit->mixture.k);
	int32	   *labels = segment_new_array(points->n, 1, sizeof(int32));
	SegmentClusters clusters = {&segment_mixture_method, fit->mixture.k, (void *) fit};
	int64		i;

	(void) segment_label_points(points, &clusters, labels, segment_memory(CurrentMemoryContext),
								segment_check_interrupts);
	for (i = 0; i < points->n; i++)
		size[labels[i]] += segment_point_weight(points, i);
	pfree(labels);
	return size;
}

/* Brings means and covariances from the order of the points' columns into that of features. */
static void
order_features(const FeatureSpace *space, const SegmentMixture *mixture)
{
	const int	d = mixture->d;
	const int	n = mixture->kind == SEGMENT_TIED ? 1 : mixture->k;
	const size_t length = segment_mixture_covariance_size(mixture->kind, 1, d);
	double	   *one;
	int			c;
	int			i;
	int			j;

	segment_space_order_features(space, mixture->mean, mixture->k, false);
	if (mixture->kind == SEGMENT_DIAG)
		segment_space_order_features(space, mixture->covariance, mixture->k, false);
	if (mixture->kind == SEGMENT_DIAG || mixture->kind == SEGMENT_SPHERICAL)
		return;
	one = palloc(sizeof(double) * length);
	for (c = 0; c < n; c++)
	{
		double	   *covariance = mixture->covariance + c * length;

		memcpy(one, covariance, sizeof(double) * length);
		for (i = 0; i < d; i++)
			for (j = 0; j <= i; j++)
			{
				int			row = Max(space->column[i], space->column[j]);
				int			column = Min(space->column[i], space->column[j]);

				covariance[SEGMENT_TRIANGLE_AT(row, column)] = one[SEGMENT_TRIANGLE_AT(i, j)];
			}
	}
	pfree(one);
}

/* Fills the model from what the kernel found. */
static void
fill_model(MixtureModel *model, const SegmentPoints *points, const SegmentMixtureFit *fit)
{
	const SegmentMixture *from = &fit->mixture;
	SegmentMixture *to = &model->mixture;
	const int	k = from->k;
	const int	d = from->d;
	size_t		length = segment_mixture_covariance_size(from->kind, 1, d);
	double	   *size = measure_sizes(points, fit);
	int		   *number;
	int			c;

	order_features(model->space, from);
	number = segment_order_of_segments(k, size, from->mean, d);
	segment_mixture_model_init(model, from->kind, k);
	for (c = 0; c < k; c++)
	{
		int			n = number[c];

		model->size[c] = size[n];
		to->weight[c] = from->weight[n];
		memcpy(to->mean + (size_t) c * d, from->mean + (size_t) n * d, sizeof(double) * d);
		if (from->kind != SEGMENT_TIED)
			memcpy(to->covariance + c * length, from->covariance + n * length, sizeof(double) * length);
	}
	if (from->kind == SEGMENT_TIED)
		memcpy(to->covariance, from->covariance, sizeof(double) * length);
	model->log_likelihood = fit->log_likelihood;
	model->training.iterations = fit->iterations;
	model->training.converged = fit->converged;
	model->n_collapsed = fit->n_collapsed;
}

/* What the caller ought to know of the result. */
static void
tell(const SegmentMixtureFit *fit, int k)
{
	if (fit->mixture.k < k)
		ereport(NOTICE,
				(errmsg("only %d groups of rows can be told apart, not %d", fit->mixture.k, k),
				 errdetail("The model has %d segments.", fit->mixture.k)));
	if (fit->n_collapsed > 0)
		ereport(NOTICE,
				(errmsg("%d of %d components have no rows left or no spread in some direction",
						fit->n_collapsed, fit->mixture.k),
				 errdetail("Their variances are held at a small share of those of all rows."),
				 errhint("Try fewer segments, a higher reg_covar, or covariance => 'diag' or 'tied'.")));
	if (!fit->converged)
		ereport(NOTICE,
				(errmsg("the likelihood still rises after %d steps", fit->iterations),
				 errhint("A higher max_iter or a higher tol ends with a stable model.")));
}

Datum
segment_gaussian_mixture_train(PG_FUNCTION_ARGS)
{
	FeatureSet *set;
	Model	   *model;
	MixtureModel *mixture_model;
	SegmentPoints *points;
	SegmentMixtureOptions options = {0};
	SegmentMixtureFit fit;

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	options.k = segment_arg_count(fcinfo, ARG_K, "k", 1);
	options.kind = (SegmentCovariance) segment_name_in_list(segment_arg_text(fcinfo, ARG_COVARIANCE),
															segment_covariance_names, "covariance");
	options.n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	options.max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	options.tol = segment_arg_number(fcinfo, ARG_TOL, "tol", 0);
	options.reg_covar = segment_arg_number(fcinfo, ARG_REG_COVAR, "reg_covar", 0);
	options.seed = segment_arg_seed(fcinfo, ARG_SEED);
	options.interrupted = segment_check_interrupts;

	set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	model = segment_model_new(&segment_mixture_model_kind);
	mixture_model = palloc0(sizeof(MixtureModel));
	model->detail = mixture_model;
	mixture_model->space = fit_space(fcinfo, set);
	segment_space_describe(model, mixture_model->space);
	points = segment_space_points(mixture_model->space, set,
								  segment_mixture_method.bytes_per_row(mixture_model->space->d), &model->rows,
								  segment_memory(CurrentMemoryContext));
	options.k = segment_check_k(options.k, points);
	segment_mixture_check_memory(options.kind, options.k, points->d);
	segment_mixture_fit(points, &options, &fit, segment_memory(CurrentMemoryContext));
	tell(&fit, options.k);
	mixture_model->training.seed = options.seed;
	mixture_model->training.n_init = options.n_init;
	fill_model(mixture_model, points, &fit);
	segment_number_segments(model, fit.mixture.k);
	PG_RETURN_MODEL(model);
}

/* ---- as one of the methods ---- */

static SegmentCovariance
covariance_argument(const MethodArguments *arguments)
{
	char	   *name = segment_arg_text(arguments->fcinfo, arguments->covariance);

	return (SegmentCovariance) segment_name_in_list(name, segment_covariance_names, "covariance");
}

static void
check_arguments(const MethodArguments *arguments)
{
	(void) covariance_argument(arguments);
}

static const void *
own_options(const MethodArguments *arguments, const FeatureSpace *space,
			const SegmentPoints *points, int k)
{
	SegmentMixtureOptions *own = palloc0(sizeof(SegmentMixtureOptions));

	own->kind = covariance_argument(arguments);
	own->reg_covar = DEFAULT_REG_COVAR;
	segment_mixture_check_memory(own->kind, k, space->d);
	return own;
}

static const char *const own_arguments[] = {"tol", NULL};

const ClusterMethod segment_mixture_cluster_method = {
	.kernel = &segment_mixture_method,
	.arguments = own_arguments,
	.check_arguments = check_arguments,
	.own_options = own_options
};
