/*
 * choose_k.c: how many segments: a model is trained for each number of them, and
 * figures say which fits.
 *
 * Features become points once (feature_space.c); each k is trained on them by the
 * kernel as the method's own function does, with the same seed, so that its
 * figures are those of the model it would give.  A nested method is trained once, for the
 * largest k, and cut.  Quality, BIC, gap statistic and stability come from
 * kernels; k_advice.c draws the conclusion.
 *
 * Which figures a method has follows from what it is (kernel/cluster/clustering.h):
 *
 *	inertia		its own cost, where it makes that least
 *	silhouette	in its distance; stability: always
 *	Davies-Bouldin, Calinski-Harabasz	of points without categories, which have no means
 *	gap			where it looks for the least inertia, in a box around the points: not of directions
 *	BIC			its own; else as of k normal distributions, under the same conditions
 *
 * What takes more than one training for each k (gap, stability) is done with the
 * first SAMPLE_ROWS points, a uniform sample, told in a NOTICE; the silhouette,
 * which takes all pairs, with the first SEGMENT_SILHOUETTE_ROWS.
 */
#include "quality/choose_k.h"

#include <math.h>

#include "cluster/method.h"
#include "funcapi.h"
#include "kernel/base/allocate.h"
#include "kernel/base/elementary.h"
#include "kernel/quality/k_criteria.h"
#include "kernel/quality/quality.h"
#include "kernel/quality/stability.h"
#include "feature/labelled_points.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "feature/space_options.h"
#include "cluster/trainer.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "base/workers.h"

PG_FUNCTION_INFO_V1(segment_choose_k);

/* The arguments of choose_k(), by number. */
enum
{
	ARG_FEATURES, ARG_K_MIN, ARG_K_MAX, ARG_METHOD, ARG_CRITERION, ARG_N_INIT, ARG_MAX_ITER, ARG_TOL,
	ARG_SCALE, ARG_LOG, ARG_WINSORIZE, ARG_WEIGHTS, ARG_NULLS, ARG_METRIC, ARG_COVARIANCE, ARG_GAMMA,
	ARG_N_REFERENCES, ARG_N_RESAMPLES, ARG_SEED
};

/* most reference sets, and most pairs of subsamples: more tell nothing more */
#define MOST_REPEATS 1000

/* points that gap and stability are taken of: at least so many, and so many for each cluster */
#define SAMPLE_ROWS			2000
#define SAMPLE_ROWS_EACH	50

/* and with how many starts at most: a hundred trainings even out what one misses */
#define SAMPLE_STARTS		3

/* what tells the draws of references from those of starts */
#define REFERENCE_SEED	UINT64CONST(0x47617052)	/* "GapR" */

typedef struct Chooser
{
	FeatureSpace *space;
	bool		weighted;		/* by the caller, not by copies of rows */
	SegmentPoints *points;
	SegmentPoints sample;		/* the first of them */
	const ClusterMethod *method;
	MethodArguments arguments;	/* that only some methods take */
	SegmentClustering clustering;	/* but for k */
	int			k_min;
	int			k_max;
	int			n_references;
	int			n_resamples;
	MemoryContext scratch;		/* emptied after each step */
	WorkerTeam *workers;		/* for clusters of all points; NULL: none */
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

/* Arguments that some methods have no use for. */
static const struct
{
	int			number;
	const char *name;
}			of_some_methods[] = {{ARG_TOL, "tol"}, {ARG_GAMMA, "gamma"}};

static void
refuse_arguments(FunctionCallInfo fcinfo, const ClusterMethod *method)
{
	int			i;

	for (i = 0; i < (int) lengthof(of_some_methods); i++)
		if (!PG_ARGISNULL(of_some_methods[i].number) &&
			!segment_method_takes(method, of_some_methods[i].name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("method \"%s\" takes no %s", method->kernel->name,
							of_some_methods[i].name)));
}

/* How each k is to be trained, as far as the arguments say. */
static void
read_clustering(FunctionCallInfo fcinfo, Chooser *chooser)
{
	SegmentClustering *clustering = &chooser->clustering;
	int			i;

	chooser->arguments.fcinfo = fcinfo;
	chooser->arguments.covariance = ARG_COVARIANCE;
	chooser->arguments.gamma = ARG_GAMMA;
	chooser->method = segment_cluster_method_by_name(segment_arg_text(fcinfo, ARG_METHOD));
	*clustering = segment_default_clustering(chooser->method->kernel);
	for (i = 0; segment_cluster_methods[i] != NULL; i++)
		if (segment_cluster_methods[i]->check_arguments != NULL)
			segment_cluster_methods[i]->check_arguments(&chooser->arguments);
	clustering->n_init = segment_arg_count(fcinfo, ARG_N_INIT, "n_init", 1);
	if (!PG_ARGISNULL(ARG_MAX_ITER))
		clustering->max_iter = segment_arg_count(fcinfo, ARG_MAX_ITER, "max_iter", 1);
	refuse_arguments(fcinfo, chooser->method);
	if (!PG_ARGISNULL(ARG_TOL))
		clustering->tol = segment_arg_number(fcinfo, ARG_TOL, "tol", 0);
	clustering->seed = segment_arg_seed(fcinfo, ARG_SEED);
}

/* What the features have to be like for the method. */
static void
check_space(const FeatureSpace *space, const SegmentClusterMethod *method)
{
	if (space->n_codes > 0 && method->mismatch == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("method \"%s\" needs numeric features, but %d of %d are categories",
						method->name, space->n_codes, space->n_features),
				 errhint("method => %s clusters numbers and categories together.",
						 segment_methods_with_categories("'", "'"))));
	if (space->metric == METRIC_COSINE && !method->directions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("metric must be \"euclidean\" with method \"%s\", not \"cosine\"", method->name)));
}

/* Bytes for a point, beside the point itself, that training takes. */
static Size
memory_per_row(const Chooser *chooser)
{
	const SegmentClusterMethod *method = chooser->method->kernel;
	const int	d = chooser->space->d;

	/* and a copy of the point, where the training changes its place */
	return method->bytes_per_row(d) +
		(method->reorders ? sizeof(double) * (d + 2) + sizeof(int32) * chooser->space->n_codes : 0);
}

/* Workers for every k in turn, if they pay. */
static WorkerTeam *
begin_workers(const Chooser *chooser, const FeatureSet *set)
{
	const SegmentClusterMethod *method = chooser->method->kernel;
	SegmentClustering clustering = chooser->clustering;
	int64		rows = set->store.n_rows;
	double		nanoseconds = 0;

	if (method->expected_time == NULL)
		return NULL;
	for (clustering.k = chooser->k_min; clustering.k <= Min(chooser->k_max, rows); clustering.k++)
		nanoseconds += method->expected_time(&clustering, rows, chooser->space->d);
	return segment_workers_begin(segment_space_bytes(chooser->space, set, memory_per_row(chooser)),
								 nanoseconds);
}

static void
read_arguments(FunctionCallInfo fcinfo, Chooser *chooser)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	SpaceOptions options = {0};
	RowCounts	counts = {0};

	read_clustering(fcinfo, chooser);
	chooser->k_min = segment_arg_count(fcinfo, ARG_K_MIN, "k_min", 1);
	chooser->k_max = segment_arg_count(fcinfo, ARG_K_MAX, "k_max", chooser->k_min);
	chooser->n_references = repeats(fcinfo, ARG_N_REFERENCES, "n_references");
	chooser->n_resamples = repeats(fcinfo, ARG_N_RESAMPLES, "n_resamples");
	segment_arg_space_options(fcinfo, ARG_SCALE, &options);
	options.metric = segment_arg_text(fcinfo, ARG_METRIC);

	chooser->space = segment_space_from_set(set, &options);
	check_space(chooser->space, chooser->method->kernel);
	/* directions have no box to draw from */
	if (chooser->method->kernel->inertia == NULL || chooser->space->metric == METRIC_COSINE)
		chooser->n_references = 0;
	chooser->weighted = set->store.weighted;
	chooser->workers = begin_workers(chooser, set);
	chooser->points = segment_space_points(chooser->space, set, memory_per_row(chooser), &counts,
										   segment_workers_memory(chooser->workers));
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
	chooser->clustering.spherical = chooser->space->metric == METRIC_COSINE;
	if (chooser->method->own_options != NULL)
		chooser->clustering.own = chooser->method->own_options(&chooser->arguments, chooser->space,
															   chooser->points, chooser->k_max);
	take_sample(chooser);
}

/* ---- figures of one k ---- */

/* The mean silhouette of all points, or of a sample; mismatch: what categories cost, if any. */
static void
judge_silhouette(const Chooser *chooser, SegmentQuality *quality, const double *mismatch,
				 KFigures *figures)
{
	SegmentPoints few = *chooser->points;

	if (few.n > SEGMENT_SILHOUETTE_ROWS)
	{
		few.n = SEGMENT_SILHOUETTE_ROWS;
		segment_quality_init(quality, &few, quality->labels, quality->k, quality->memory);
		(void) segment_quality_measure(quality, segment_check_interrupts);
	}
	if (!segment_quality_defined(quality))
		return;
	quality->mismatch = mismatch;
	(void) segment_silhouette(quality, segment_check_interrupts);
	figures->value[K_SILHOUETTE] = quality->silhouette;
}

/* What the clusters of all points say, labels 0 to k - 1. */
static void
judge(const Chooser *chooser, const SegmentClusters *clusters, const int32 *labels, int k, KFigures *figures)
{
	const SegmentClusterMethod *method = clusters->method;
	const double unit = chooser->space->unit;
	double	   *weight = palloc(sizeof(double) * k);
	SegmentQuality quality;
	int			c;

	segment_quality_init(&quality, chooser->points, labels, k, segment_memory(CurrentMemoryContext));
	(void) segment_quality_measure(&quality, segment_check_interrupts);
	for (c = 0; c < k; c++)
		weight[c] = quality.cluster[c].weight;
	/* with a cluster for each point, or for each that is more than rounding, what is left is rounding */
	figures->inertia = k == chooser->points->n || quality.inertia <= quality.rounding * quality.weight ? 0
		: quality.inertia * unit * unit;
	if (method->cost != NULL)
		figures->inertia = method->cost(clusters) * unit * unit;
	if (method->mismatch == NULL && segment_quality_defined(&quality))
	{
		figures->value[K_DAVIES_BOULDIN] = segment_davies_bouldin(&quality);
		figures->value[K_CALINSKI_HARABASZ] = segment_calinski_harabasz(&quality);
	}
	if (method->bic != NULL)
		figures->value[K_BIC] = method->bic(clusters, chooser->points->total_weight);
	else if (method->inertia != NULL && chooser->space->metric == METRIC_EUCLIDEAN)
		figures->value[K_BIC] = segment_spherical_bic(weight, k, chooser->space->d, figures->inertia);
	judge_silhouette(chooser, &quality,
					 method->mismatch == NULL ? NULL : method->mismatch(clusters), figures);
}

/* Points that may be brought into another order. */
static SegmentPoints
copy_of_points(const SegmentPoints *points, SegmentMemory memory)
{
	SegmentPoints copy = *points;
	Size		n = points->n;

	copy.x = segment_allocate_rows(memory, n, points->d, sizeof(double));
	copy.hash = segment_allocate(memory, n, sizeof(uint64));
	memcpy(copy.x, points->x, sizeof(double) * points->d * n);
	memcpy(copy.hash, points->hash, sizeof(uint64) * n);
	if (points->n_codes > 0)
	{
		copy.code = segment_allocate_rows(memory, n, points->n_codes, sizeof(int32));
		memcpy(copy.code, points->code, sizeof(int32) * points->n_codes * n);
	}
	if (points->weight != NULL)
	{
		copy.weight = segment_allocate(memory, n, sizeof(double));
		memcpy(copy.weight, points->weight, sizeof(double) * n);
	}
	return copy;
}

/* Clusters by workers, or without any in the current memory context; at most so many starts. */
static SegmentClusters
find_clusters(const Chooser *chooser, WorkerTeam *workers, SegmentPoints *points, int k, int n_init)
{
	SegmentClustering clustering = chooser->clustering;
	SegmentMemory memory = segment_workers_memory(workers);
	SegmentClusters clusters;
	SegmentPoints room;

	clustering.k = k;
	clustering.n_init = Min(clustering.n_init, n_init);
	clustering.team = segment_workers_team(workers);
	if (!clustering.method->reorders)
	{
		(void) segment_find_clusters(points, &clustering, &clusters, memory);
		return clusters;
	}
	room = copy_of_points(points, memory);
	(void) segment_find_clusters(&room, &clustering, &clusters, memory);
	segment_points_free(&room, memory);
	return clusters;
}

/* Of clusters of a nested method, which were found for a larger k. */
static SegmentClusters
cut_clusters(const SegmentClusters *clusters, int k)
{
	SegmentClusters cut = *clusters;

	cut.k = Min(cut.k, k);
	return cut;
}

/*
 * All but gap and stability; false: points are too close to tell k clusters apart.
 * largest: what k clusters are cut from; NULL: they are found.
 */
static bool
measure_k(Chooser *chooser, int k, const SegmentClusters *largest, KFigures *figures)
{
	MemoryContext old = MemoryContextSwitchTo(chooser->scratch);
	SegmentClusters clusters;
	int32	   *labels;
	int			i;

	figures->k = k;
	figures->inertia = figures->gap_error = segment_missing_value();
	for (i = 0; i < K_CRITERIA; i++)
		figures->value[i] = segment_missing_value();
	clusters = largest != NULL ? cut_clusters(largest, k)
		: find_clusters(chooser, chooser->workers, chooser->points, k, PG_INT32_MAX);
	if (clusters.k == k)
	{
		labels = clusters.method->reorders ? NULL : segment_found_labels(&clusters);
		if (labels == NULL)
		{
			labels = MemoryContextAllocHuge(CurrentMemoryContext, mul_size(sizeof(int32), chooser->points->n));
			(void) segment_label_points(chooser->points, &clusters, labels, segment_memory(CurrentMemoryContext),
										segment_check_interrupts);
		}
		judge(chooser, &clusters, labels, k, figures);
	}
	if (largest == NULL)
		segment_clusters_free(&clusters, segment_workers_memory(chooser->workers));
	MemoryContextSwitchTo(old);
	MemoryContextReset(chooser->scratch);
	return clusters.k == k;
}

static void
measure_all(Chooser *chooser)
{
	const bool	nested = chooser->method->kernel->nested;
	KTable	   *table = &chooser->table;
	SegmentClusters largest;
	int			k;

	if (chooser->points->n > SEGMENT_SILHOUETTE_ROWS)
		ereport(NOTICE,
				(errmsg("the silhouette is that of a sample of %d of " INT64_FORMAT " distinct rows",
						SEGMENT_SILHOUETTE_ROWS, chooser->points->n)));
	if (nested)
		largest = find_clusters(chooser, chooser->workers, chooser->points, chooser->k_max, PG_INT32_MAX);
	for (k = chooser->k_min; k <= chooser->k_max; k++)
	{
		if (table->n % 64 == 0)
			table->row = table->n == 0 ? palloc(sizeof(KFigures) * 64)
				: repalloc_huge(table->row, sizeof(KFigures) * (table->n + 64));
		if (!measure_k(chooser, k, nested ? &largest : NULL, &table->row[table->n]) && table->n > 0)
			break;
		table->n++;
	}
}

/* ---- gap ---- */

/* ln W of points in k clusters from first on, n of them; -infinity when nothing is left. */
static void
find_log_w(Chooser *chooser, SegmentPoints *points, int first, int n, double *log_w)
{
	MemoryContext old = MemoryContextSwitchTo(chooser->scratch);
	const SegmentClusterMethod *method = chooser->method->kernel;
	const double rounding = segment_points_rounding(points);
	SegmentClusters largest;
	int			i;

	if (method->nested)
		largest = find_clusters(chooser, NULL, points,
								(int) Min((int64) first + n - 1, points->n), SAMPLE_STARTS);
	for (i = 0; i < n; i++)
	{
		SegmentClusters clusters;
		double		w;

		log_w[i] = -HUGE_VAL;
		if (first + i >= points->n)
			continue;
		clusters = method->nested ? cut_clusters(&largest, first + i)
			: find_clusters(chooser, NULL, points, first + i, SAMPLE_STARTS);
		w = method->inertia(&clusters) / points->total_weight;
		if (w > rounding)
			log_w[i] = segment_log(w);
		if (!method->nested)
			segment_clusters_free(&clusters, segment_memory(CurrentMemoryContext));
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(chooser->scratch);
}

/* Fills gaps from k = first on, `n` of them. */
static void
measure_gaps(Chooser *chooser, int first, int n, SegmentGap *gap)
{
	SegmentPoints *points = &chooser->sample;
	SegmentMemory memory = segment_memory(CurrentMemoryContext);
	double	   *own = palloc(sizeof(double) * n);
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
		uint64		seed = segment_hash_step(segment_hash_step(chooser->clustering.seed, REFERENCE_SEED), b);
		SegmentPoints reference;

		(void) segment_reference_points(points, rows, seed, &reference, memory, segment_check_interrupts);
		find_log_w(chooser, &reference, first, n, reference_log_w + (int64) b * n);
		segment_points_free(&reference, memory);
	}
	find_log_w(chooser, points, first, n, own);
	for (i = 0; i < n; i++)
		gap[i] = segment_gap(own[i], reference_log_w + i, chooser->n_references, n);
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

	if (chooser->n_references == 0)
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
	SegmentStability stability = {0};
	int			i;

	if (chooser->n_resamples == 0)
		return;
	stability.points = &chooser->sample;
	stability.clustering = chooser->clustering;
	stability.clustering.n_init = Min(stability.clustering.n_init, SAMPLE_STARTS);
	stability.seed = segment_hash_step(chooser->clustering.seed, SEGMENT_RESAMPLE_SEED);
	stability.count_weights = !chooser->weighted;
	stability.memory = segment_memory(CurrentMemoryContext);
	for (i = 0; i < table->n; i++)
	{
		stability.clustering.k = table->row[i].k;
		/* one segment is always the same, which says nothing */
		if (stability.clustering.k > 1)
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
	segment_workers_end(chooser.workers);
	/* where the criterion says nothing, the fewest segments */
	recommended = Max(segment_recommended_k(&chooser.table, criterion), 0);
	for (i = 0; i < chooser.table.n; i++)
		put_row((ReturnSetInfo *) fcinfo->resultinfo, &chooser.table, criterion, i, recommended);
	return (Datum) 0;
}
