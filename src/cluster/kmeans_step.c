/*
 * kmeans_step.c: the aggregates that make one exact step of Lloyd's algorithm over
 * any number of rows, without holding them.
 *
 * Every row is placed by the model and added to its segment; the next model has
 * the means as centroids.  It keeps features, scaling, ids and names; sizes,
 * inertia and total are those of the rows, divided as the model divided them, about
 * the new centroids.  A step that moves no centroid says converged.
 *
 * The contract (tests cite the numbers):
 *  1. Every row counts; one that the model cannot place (nulls => 'skip') is
 *     counted as skipped.
 *  2. No rows: NULL, as most aggregates give.
 *  3. The result depends on model and rows alone, not on the order of rows, on workers
 *     or on how parts were merged.
 *  4. All rows have the same model, and as many features as it has.
 *  5. The state is a type of its own and holds the prepared model: nothing is kept in the
 *     call, which some engines set up anew for each row.
 *  6. Combining copies what it must and never changes its right operand.
 *  7. A segment without rows keeps its centroid.
 *  8. A weight is finite and not negative.  A row without weight, NULL or 0, takes no
 *	   part and is counted as skipped.  A row of weight 2 counts as two rows do.
 */
#include "cluster/kmeans_state.h"

#include <math.h>

#include "base/aggregate_argument.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "kernel/cluster/centroids.h"
#include "kernel/cluster/lloyd.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(segment_kmeans_step_accum);
PG_FUNCTION_INFO_V1(segment_kmeans_step_accum_weighted);
PG_FUNCTION_INFO_V1(segment_kmeans_step_combine);
PG_FUNCTION_INFO_V1(segment_kmeans_step);

#define AGGREGATES "kmeans_step, kmeans_step_state, their weighted forms and kmeans_step_merge"

/* weight: missing or 0 for a row without. */
static void
add_row(KmeansState *state, const double *features, double weight)
{
	const ClusterModel *cluster = state->cluster;
	SegmentNearest nearest;

	if (state->n_input >= SEGMENT_STEP_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a step takes at most " INT64_FORMAT " rows", SEGMENT_STEP_MAX_ROWS)));
	state->n_input++;
	if (!(weight > 0) || !segment_space_place(cluster->space, features, cluster->x, NULL))
	{
		state->n_skipped++;
		return;
	}
	nearest = segment_nearest(cluster->packed, state->sums.k, state->sums.d, cluster->x);
	if (segment_kmeans_state_is_weighted(state))
		segment_step_add_weighted(&state->sums, nearest.number, cluster->x, nearest.distance, weight);
	else if (segment_step_add(&state->sums, nearest.number, cluster->x, nearest.distance))
		state->n_far++;
}

/* Adds a row: the arguments are the state, the model, a weight if any, and features. */
static Datum
accumulate(FunctionCallInfo fcinfo, bool weighted)
{
	int			n;
	ArrayType  *array;
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	KmeansState *state;

	segment_refuse_null(fcinfo, 1, "the model of a step");
	array = segment_arg_features(fcinfo, weighted ? 3 : 2, &n);
	state = PG_ARGISNULL(0)
		? segment_kmeans_state_new(segment_model_detoast(PG_GETARG_DATUM(1)), weighted, context)
		: segment_kmeans_state_writable(PG_GETARG_DATUM(0), context);
	if (!segment_kmeans_state_is_of(state, PG_GETARG_DATUM(1)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("all rows of a step must have the same model"),
				 errhint("Use GROUP BY for several models.")));
	if (segment_kmeans_state_is_weighted(state) != weighted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the aggregate's state is of another aggregate")));
	if (n != state->model->n_features)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the model has %d features, got %d", state->model->n_features, n),
				 errhint("Give them in the model's order.")));
	if (ARR_HASNULL(array))
		segment_copy_features(array, n, state->row);
	add_row(state, ARR_HASNULL(array) ? state->row : (const double *) ARR_DATA_PTR(array),
			weighted ? segment_arg_weight(fcinfo, 2) : 1);
	return segment_kmeans_state_datum(state);
}

/* kmeans_step_accum(state, model, features) */
Datum
segment_kmeans_step_accum(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, false);
}

/* kmeans_step_accum_weighted(state, model, weight, features) */
Datum
segment_kmeans_step_accum_weighted(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, true);
}

Datum
segment_kmeans_step_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	KmeansState *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
	{
		Datum		second = MakeExpandedObjectReadOnly(PG_GETARG_DATUM(1), false, -1);

		return segment_kmeans_state_datum(segment_kmeans_state_writable(second, context));
	}
	state = segment_kmeans_state_writable(PG_GETARG_DATUM(0), context);
	segment_kmeans_state_merge(state, PG_GETARG_KMEANS_STATE(1));
	return segment_kmeans_state_datum(state);
}

/* ---- the next model ---- */

/* Rows of a cluster, or their weight, times the squared distance of their mean from some point. */
static double
times_distance(const SegmentStepSums *sums, int c, const double *mean, const double *point)
{
	return segment_step_size(sums, c) * segment_distance(mean, point, sums->d);
}

/* A sum that is not negative, but for rounding; large weights can leave the range of doubles. */
static double
checked_sum(double sum)
{
	if (!isfinite(sum))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the weights of a step add up to more than double precision can hold"),
				 errhint("Only proportions of weights matter: divide them by a number.")));
	return Max(sum, 0);
}

/*
 * One cluster of the next model.  Sums of squares are known about the old centroid
 * and moved to another point by way of the mean: sum |x - p|^2 is least at the mean
 * and n |mean - p|^2 more elsewhere.  Returns whether the centroid moved.
 */
static bool
next_cluster(ClusterModel *next, const KmeansState *state, int c, const double *mean_of_all)
{
	const SegmentStepSums *sums = &state->sums;
	const int	d = sums->d;
	const double *old = state->cluster->centroids + (size_t) c * d;
	double	   *center = next->centroids + (size_t) c * d;
	double		squares = segment_exact_value(&sums->squares[c]);
	double	   *mean;
	bool		moved;

	next->size[c] = checked_sum(segment_step_size(sums, c));
	next->inertia[c] = 0;
	memcpy(center, old, sizeof(double) * d);
	if (sums->n[c] == 0)
		return false;
	mean = palloc(sizeof(double) * d);
	segment_step_mean(sums, c, mean);
	memcpy(center, mean, sizeof(double) * d);
	if (next->space->metric == METRIC_COSINE)
		segment_bring_to_length_one(center, d);
	squares -= times_distance(sums, c, mean, old);
	next->inertia[c] = checked_sum(squares + times_distance(sums, c, mean, center));
	squares = checked_sum(squares + times_distance(sums, c, mean, mean_of_all));
	next->total = checked_sum(next->total + squares);
	moved = memcmp(center, old, sizeof(double) * d) != 0;
	pfree(mean);
	return moved;
}

/* kmeans_step(state): the next model. */
Datum
segment_kmeans_step(PG_FUNCTION_ARGS)
{
	KmeansState *state = PG_GETARG_KMEANS_STATE(0);
	const SegmentStepSums *sums = &state->sums;
	Model		model = *state->model;
	ClusterModel next = *state->cluster;
	double	   *mean_of_all = palloc0(sizeof(double) * sums->d);
	int			c;

	model.detail = &next;
	model.rows.n_input = state->n_input;
	model.rows.n_skipped = state->n_skipped;
	model.rows.n_used = state->n_input - state->n_skipped;
	model.rows.n_unsampled = 0;
	next.centroids = segment_new_array(sums->k, sums->d, sizeof(double));
	next.size = palloc(sizeof(double) * sums->k);
	next.inertia = palloc(sizeof(double) * sums->k);
	next.total = 0;
	next.training.iterations = state->cluster->training.iterations < PG_INT32_MAX
		? state->cluster->training.iterations + 1 : PG_INT32_MAX;
	next.training.converged = true;
	if (model.rows.n_used > 0)
		segment_step_mean_of_all(sums, mean_of_all);
	for (c = 0; c < sums->k; c++)
	{
		CHECK_FOR_INTERRUPTS();
		if (next_cluster(&next, state, c, mean_of_all))
			next.training.converged = false;
	}
	if (state->n_far > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld row has a feature beyond 2^%d standard deviations",
							   "%lld rows have a feature beyond 2^%d standard deviations",
							   (unsigned long) state->n_far, (long long) state->n_far, SEGMENT_FAR_BITS),
				 errdetail("In means it counts as if it lay there.")));
	PG_RETURN_MODEL(&model);
}
