/*
 * choose_k.c: how many segments: a model is trained for each number of them, and
 * figures say which fits.
 *
 * Features become points once (feature_space.c); each k is trained on them by the
 * kernel as kmeans() or gaussian_mixture() does, with the same seed, so that its
 * figures are those of the model they would give.  Quality, BIC, gap statistic and stability come from
 * kernels; k_advice.c draws the conclusion.
 *
 * What takes more than one training for each k (gap, stability) is done with the
 * first SAMPLE_ROWS points, a uniform sample, told in a NOTICE; the silhouette,
 * which takes all pairs, with the first SEGMENT_SILHOUETTE_ROWS.
 */
#include "choose_k.h"

#include <math.h>

#include "cluster.h"
#include "funcapi.h"
#include "kernel/elementary.h"
#include "kernel/k_criteria.h"
#include "kernel/quality.h"
#include "kernel/stability.h"
#include "memory.h"
#include "miscadmin.h"
#include "mixture_model.h"
#include "model_points.h"
#include "space_options.h"
#include "trainer.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(segment_choose_k);
PG_FUNCTION_INFO_V1(segment_stability_of_model);

/* The arguments of choose_k(), by number. */
enum
{
	ARG_FEATURES, ARG_K_MIN, ARG_K_MAX, ARG_METHOD, ARG_CRITERION, ARG_N_INIT, ARG_MAX_ITER, ARG_TOL,
	ARG_SCALE, ARG_LOG, ARG_WINSORIZE, ARG_WEIGHTS, ARG_NULLS, ARG_METRIC, ARG_COVARIANCE,
	ARG_N_REFERENCES, ARG_N_RESAMPLES, ARG_SEED
};

/* most reference sets, and most pairs of subsamples: more tell nothing more */
#define MOST_REPEATS 1000

/* points that gap and stability are taken of: at least so many, and so many for each cluster */
#define SAMPLE_ROWS			2000
#define SAMPLE_ROWS_EACH	50

/* and with how many starts at most: a hundred trainings even out what one misses */
#define SAMPLE_STARTS		3

/* what tells the draws of references and of subsamples from those of starts */
#define REFERENCE_SEED	UINT64CONST(0x47617052)	/* "GapR" */
#define RESAMPLE_SEED	UINT64CONST(0x53747562)	/* "Stub" */

/* what kmeans() and gaussian_mixture() take by default */
#define KMEANS_MAX_ITER		300
#define KMEANS_TOL			1e-4
#define MIXTURE_MAX_ITER	500
#define MIXTURE_TOL			1e-6
#define MIXTURE_REG_COVAR	1e-6

typedef enum KMethod
{
	METHOD_KMEANS,
	METHOD_MIXTURE
} KMethod;

static const char *const method_names[] = {"kmeans", "gaussian_mixture", NULL};

typedef struct Chooser
{
	KMethod		method;
	SegmentCovariance covariance;	/* of mixtures */
	FeatureSpace *space;
	bool		weighted;		/* by the caller, not by copies of rows */
	SegmentPoints *points;
	SegmentPoints sample;		/* the first of them */
	SegmentKmeansOptions kmeans;	/* but for k; of mixtures n_init, max_iter, tol and seed */
	int			k_min;
	int			k_max;
	int			n_references;
	int			n_resamples;
	MemoryContext scratch;		/* emptied after each step */
	KTable		table;
} Chooser;

/* A whole number that says how often something is done; 0: not at all. */
static int
repeats(FunctionCallInfo fcinfo, int arg, const char *name)
{
	int			n = segment_arg_count(fcinfo, arg, name, 0);

	if (n > MOST_REPEATS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at most %d, not %d", name, MOST_REPEATS, n)));
	return n;
}

static void
take_sample(Chooser *chooser)
{
	SegmentPoints *sample = &chooser->sample;
	int64		most = Max((int64) SAMPLE_ROWS, (int64) SAMPLE_ROWS_EACH * chooser->k_max);
	int64		i;

	*sample = *chooser->points;
	if (sample->n <= most || (chooser->n_references == 0 && chooser->n_resamples == 0))
		return;
	sample->n = most;
	sample->total_weight = 0;
	for (i = 0; i < most; i++)
		sample->total_weight += segment_point_weight(sample, i);
	ereport(NOTICE,
			(errmsg("gap statistic and stability are those of a sample of " INT64_FORMAT " of " INT64_FORMAT " distinct rows",
					most, chooser->points->n)));
}

static void
read_arguments(FunctionCallInfo fcinfo, Chooser *chooser)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	SegmentKmeansOptions *kmeans = &chooser->kmeans;
	SpaceOptions options = {0};
	Model		counts = {0};

	chooser->method = (KMethod) segment_name_in_list(segment_arg_text(fcinfo, ARG_METHOD), method_names, "method");
	chooser->covariance = (SegmentCovariance) segment_name_in_list(segment_arg_text(fcinfo, ARG_COVARIANCE),
																   segment_covariance_names, "covariance");
	chooser->k_min = segment_arg_count(fcinfo, ARG_K_MIN, "k_min", 1);
	chooser->k_max = segment_arg_count(fcinfo, ARG_K_MAX, "k_max", chooser->k_min);
	chooser->n_references = repeats(fcinfo, ARG_N_REFERENCES, "n_references");
	chooser->n_resamples = repeats(fcinfo, ARG_N_RESAMPLES, "n_resamples");
	kmeans->n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	kmeans->max_iter = chooser->method == METHOD_MIXTURE ? MIXTURE_MAX_ITER : KMEANS_MAX_ITER;
	if (!PG_ARGISNULL(ARG_MAX_ITER))
		kmeans->max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	kmeans->tol = chooser->method == METHOD_MIXTURE ? MIXTURE_TOL : KMEANS_TOL;
	if (!PG_ARGISNULL(ARG_TOL))
		kmeans->tol = segment_arg_number(fcinfo, ARG_TOL, "tol", 0);
	kmeans->seed = segment_arg_seed(fcinfo, ARG_SEED);
	kmeans->interrupted = segment_check_interrupts;
	segment_arg_space_options(fcinfo, ARG_SCALE, &options);
	options.metric = segment_arg_text(fcinfo, ARG_METRIC);

	chooser->space = segment_space_from_set(set, &options);
	if (chooser->space->n_codes > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("choose_k needs numeric features, but %d of %d are categories",
						chooser->space->n_codes, chooser->space->n_features)));
	kmeans->spherical = chooser->space->metric == METRIC_COSINE;
	if (chooser->method == METHOD_MIXTURE)
	{
		if (kmeans->spherical)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("metric must be \"euclidean\" with method \"gaussian_mixture\", not \"cosine\"")));
		/* both train more models, and k-means is not what is asked about */
		chooser->n_references = chooser->n_resamples = 0;
	}
	chooser->weighted = set->store.weighted;
	chooser->points = segment_space_points(chooser->space, set,
										   segment_kmeans_bytes_per_row(chooser->space->d),
										   &counts, segment_memory(CurrentMemoryContext));
	segment_tell_skipped(counts.n_skipped, counts.n_used);
	if (chooser->k_max > chooser->points->n)
	{
		ereport(NOTICE,
				(errmsg("there are only " INT64_FORMAT " distinct rows, k_max is %d", chooser->points->n, chooser->k_max),
				 errdetail("k goes up to " INT64_FORMAT ".", chooser->points->n)));
		chooser->k_max = (int) chooser->points->n;
	}
	chooser->k_max = segment_check_k(chooser->k_max, chooser->points);
	chooser->k_min = Min(chooser->k_min, chooser->k_max);
	take_sample(chooser);
}

/* ---- figures of one k ---- */

/* What labels 0 to k - 1 say about all points; fills weight by cluster. */
static void
judge(const Chooser *chooser, const int32 *labels, int k, KFigures *figures, double *weight)
{
	SegmentMemory memory = segment_memory(CurrentMemoryContext);
	const double unit = chooser->space->unit;
	SegmentPoints few = *chooser->points;
	SegmentQuality quality;
	int			c;

	segment_quality_init(&quality, chooser->points, labels, k, memory);
	(void) segment_quality_measure(&quality, segment_check_interrupts);
	for (c = 0; c < k; c++)
		weight[c] = quality.cluster[c].weight;
	/* with a cluster for each point what is left is rounding */
	figures->inertia = k == chooser->points->n ? 0 : quality.inertia * unit * unit;
	if (segment_quality_defined(&quality))
	{
		figures->value[K_DAVIES_BOULDIN] = segment_davies_bouldin(&quality);
		figures->value[K_CALINSKI_HARABASZ] = segment_calinski_harabasz(&quality);
	}
	if (few.n > SEGMENT_SILHOUETTE_ROWS)
	{
		few.n = SEGMENT_SILHOUETTE_ROWS;
		segment_quality_init(&quality, &few, labels, k, memory);
		(void) segment_quality_measure(&quality, segment_check_interrupts);
	}
	if (segment_quality_defined(&quality))
	{
		(void) segment_silhouette(&quality, segment_check_interrupts);
		figures->value[K_SILHOUETTE] = quality.silhouette;
	}
}

static void
train(Chooser *chooser, const SegmentPoints *points, int k, int n_init, SegmentKmeansResult *result)
{
	SegmentKmeansOptions options = chooser->kmeans;

	options.k = k;
	options.n_init = Min(options.n_init, n_init);
	(void) segment_kmeans(points, &options, result, segment_memory(CurrentMemoryContext));
}

/* False: points are too close to tell k clusters apart. */
static bool
measure_kmeans(Chooser *chooser, int k, KFigures *figures, double *weight)
{
	SegmentKmeansResult result;

	train(chooser, chooser->points, k, PG_INT32_MAX, &result);
	if (result.k < k)
		return false;
	judge(chooser, result.labels, k, figures, weight);
	if (chooser->space->metric == METRIC_EUCLIDEAN)
		figures->value[K_BIC] = segment_spherical_bic(weight, k, chooser->space->d, figures->inertia);
	return true;
}

static bool
measure_mixture(Chooser *chooser, int k, KFigures *figures, double *weight)
{
	const SegmentPoints *points = chooser->points;
	SegmentMixtureOptions options = {0};
	SegmentMixtureFit fit;
	int32	   *labels = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(sizeof(int32), points->n));

	options.kind = chooser->covariance;
	options.k = k;
	options.n_init = chooser->kmeans.n_init;
	options.max_iter = chooser->kmeans.max_iter;
	options.tol = chooser->kmeans.tol;
	options.reg_covar = MIXTURE_REG_COVAR;
	options.seed = chooser->kmeans.seed;
	options.interrupted = segment_check_interrupts;
	segment_mixture_check_memory(&options, points->d);
	(void) segment_mixture_fit(points, &options, &fit, segment_memory(CurrentMemoryContext));
	if (fit.mixture.k < k)
		return false;
	segment_mixture_labels(points, &fit.mixture, labels);
	judge(chooser, labels, k, figures, weight);
	figures->value[K_BIC] = segment_mixture_parameters(options.kind, k, points->d) *
		segment_log(points->total_weight) - 2 * fit.log_likelihood;
	return true;
}

/* All but gap and stability; false: there are no k clusters. */
static bool
measure_k(Chooser *chooser, int k, KFigures *figures)
{
	MemoryContext old = MemoryContextSwitchTo(chooser->scratch);
	double	   *weight = palloc0(sizeof(double) * k);
	bool		found;
	int			i;

	figures->k = k;
	figures->inertia = figures->gap_error = segment_missing_value();
	for (i = 0; i < K_CRITERIA; i++)
		figures->value[i] = segment_missing_value();
	found = chooser->method == METHOD_MIXTURE ? measure_mixture(chooser, k, figures, weight)
		: measure_kmeans(chooser, k, figures, weight);
	MemoryContextSwitchTo(old);
	MemoryContextReset(chooser->scratch);
	return found;
}

static void
measure_all(Chooser *chooser)
{
	KTable	   *table = &chooser->table;
	int			k;

	if (chooser->points->n > SEGMENT_SILHOUETTE_ROWS)
		ereport(NOTICE,
				(errmsg("the silhouette is that of a sample of %d of " INT64_FORMAT " distinct rows",
						SEGMENT_SILHOUETTE_ROWS, chooser->points->n)));
	for (k = chooser->k_min; k <= chooser->k_max; k++)
	{
		if (table->n % 64 == 0)
			table->row = table->n == 0 ? palloc(sizeof(KFigures) * 64)
				: repalloc_huge(table->row, sizeof(KFigures) * (table->n + 64));
		if (!measure_k(chooser, k, &table->row[table->n]) && table->n > 0)
			break;
		table->n++;
	}
}

/* ---- gap ---- */

/* ln W of points in k clusters; -infinity when nothing is left. */
static double
log_w(Chooser *chooser, const SegmentPoints *points, int k)
{
	MemoryContext old;
	SegmentKmeansResult result;
	double		inertia;

	if (k >= points->n)
		return -HUGE_VAL;
	old = MemoryContextSwitchTo(chooser->scratch);
	train(chooser, points, k, SAMPLE_STARTS, &result);
	inertia = result.inertia;
	MemoryContextSwitchTo(old);
	MemoryContextReset(chooser->scratch);
	return segment_log(inertia / points->total_weight);
}

/* Fills gaps from k = first on, `n` of them. */
static void
measure_gaps(Chooser *chooser, int first, int n, SegmentGap *gap)
{
	const SegmentPoints *points = &chooser->sample;
	SegmentMemory memory = segment_memory(CurrentMemoryContext);
	double	   *reference_log_w = MemoryContextAllocHuge(CurrentMemoryContext,
														 sizeof(double) * n * chooser->n_references);
	int64		rows = points->n;
	int			b;
	int			i;

	/* copies of a row are rows, too, up to the size of a sample */
	if (!chooser->weighted)
		rows = Max(rows, (int64) Min(points->total_weight, SAMPLE_ROWS));
	for (b = 0; b < chooser->n_references; b++)
	{
		uint64		seed = segment_hash_step(segment_hash_step(chooser->kmeans.seed, REFERENCE_SEED), b);
		SegmentPoints reference;

		(void) segment_reference_points(points, rows, seed, &reference, memory, segment_check_interrupts);
		for (i = 0; i < n; i++)
			reference_log_w[(int64) b * n + i] = log_w(chooser, &reference, first + i);
		segment_points_free(&reference, memory);
	}
	for (i = 0; i < n; i++)
		gap[i] = segment_gap(log_w(chooser, points, first + i), reference_log_w + i,
							 chooser->n_references, n);
	pfree(reference_log_w);
}

static void
fill_gaps(Chooser *chooser)
{
	KTable	   *table = &chooser->table;
	int			first = table->row[0].k;
	int			before = first == 2 ? 1 : 0;	/* k = 1, too: is there anything to divide? */
	SegmentGap *gap;
	int			i;

	/* directions have no box to draw from */
	if (chooser->n_references == 0 || chooser->space->metric == METRIC_COSINE)
		return;
	gap = palloc(sizeof(SegmentGap) * (table->n + before));
	measure_gaps(chooser, first - before, table->n + before, gap);
	for (i = 0; i < table->n; i++)
	{
		if (!isfinite(gap[i + before].gap))
			continue;
		table->row[i].value[K_GAP] = gap[i + before].gap;
		table->row[i].gap_error = gap[i + before].error;
	}
	table->tried_one = before == 1 && isfinite(gap[0].gap);
	table->gap_of_one = gap[0].gap;
}

/* ---- stability ---- */

static void
fill_stabilities(Chooser *chooser)
{
	KTable	   *table = &chooser->table;
	SegmentStability stability;
	int			i;

	if (chooser->n_resamples == 0)
		return;
	stability.points = &chooser->sample;
	stability.kmeans = chooser->kmeans;
	stability.kmeans.n_init = Min(stability.kmeans.n_init, SAMPLE_STARTS);
	stability.seed = segment_hash_step(chooser->kmeans.seed, RESAMPLE_SEED);
	stability.count_weights = !chooser->weighted;
	stability.memory = segment_memory(CurrentMemoryContext);
	for (i = 0; i < table->n; i++)
	{
		stability.kmeans.k = table->row[i].k;
		/* one segment is always the same, which says nothing */
		if (stability.kmeans.k > 1)
			(void) segment_stability_of_k(&stability, chooser->n_resamples, &table->row[i].value[K_STABILITY]);
	}
}

/* ---- the result ---- */

#define CHOICE_COLUMNS 11

static void
set_number(Datum *values, bool *nulls, int column, double x)
{
	nulls[column] = isnan(x);
	values[column] = Float8GetDatum(x);
}

static void
put_row(ReturnSetInfo *rsinfo, const KTable *table, KCriterion criterion, int number, int recommended)
{
	const KFigures *row = &table->row[number];
	Datum		values[CHOICE_COLUMNS];
	bool		nulls[CHOICE_COLUMNS] = {false};
	char	   *reason = segment_reason_of_k(table, criterion, number);

	if (reason == NULL && number == recommended)
		reason = psprintf("%s is not defined for these rows", segment_criterion_names[criterion]);
	values[0] = Int32GetDatum(row->k);
	set_number(values, nulls, 1, row->inertia);
	set_number(values, nulls, 2, row->value[K_SILHOUETTE]);
	set_number(values, nulls, 3, row->value[K_DAVIES_BOULDIN]);
	set_number(values, nulls, 4, row->value[K_CALINSKI_HARABASZ]);
	set_number(values, nulls, 5, row->value[K_GAP]);
	set_number(values, nulls, 6, row->gap_error);
	set_number(values, nulls, 7, row->value[K_BIC]);
	set_number(values, nulls, 8, row->value[K_STABILITY]);
	values[9] = BoolGetDatum(number == recommended);
	nulls[10] = reason == NULL;
	if (reason != NULL)
		values[10] = CStringGetTextDatum(reason);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
segment_choose_k(PG_FUNCTION_ARGS)
{
	Chooser		chooser = {0};
	KCriterion	criterion;
	int			recommended;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(ARG_FEATURES))
		return (Datum) 0;
	criterion = (KCriterion) segment_name_in_list(segment_arg_text(fcinfo, ARG_CRITERION),
												  segment_criterion_names, "criterion");
	read_arguments(fcinfo, &chooser);
	chooser.scratch = AllocSetContextCreate(CurrentMemoryContext, "choose_k", ALLOCSET_DEFAULT_SIZES);
	measure_all(&chooser);
	fill_gaps(&chooser);
	fill_stabilities(&chooser);
	/* where the criterion says nothing, the fewest segments */
	recommended = Max(segment_recommended_k(&chooser.table, criterion), 0);
	for (i = 0; i < chooser.table.n; i++)
		put_row((ReturnSetInfo *) fcinfo->resultinfo, &chooser.table, criterion, i, recommended);
	return (Datum) 0;
}

Datum
segment_stability_of_model(PG_FUNCTION_ARGS)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	Model	   *model = PG_GETARG_MODEL(1);
	int			n_resamples = segment_arg_count(fcinfo, 2, "n_resamples", 1);
	const ClusterModel *cluster = segment_cluster_of(model);
	SegmentStability stability = {0};
	LabelledPoints *labelled;
	double		result;

	labelled = segment_points_of_model(set, model, segment_kmeans_bytes_per_row(cluster->space->d));
	if (labelled->points.n == 0)
		PG_RETURN_NULL();
	stability.points = &labelled->points;
	stability.kmeans.k = (int) Min((int64) model->n_segments, labelled->points.n);
	stability.kmeans.n_init = Max(cluster->n_init, 1);
	stability.kmeans.max_iter = KMEANS_MAX_ITER;
	stability.kmeans.tol = KMEANS_TOL;
	stability.kmeans.spherical = cluster->space->metric == METRIC_COSINE;
	stability.kmeans.interrupted = segment_check_interrupts;
	stability.seed = segment_hash_step(segment_arg_seed(fcinfo, 3), RESAMPLE_SEED);
	stability.count_weights = !set->store.weighted;
	stability.memory = segment_memory(CurrentMemoryContext);
	(void) segment_stability_of_labels(&stability, labelled->label, n_resamples, &result);
	PG_RETURN_FLOAT8(result);
}
