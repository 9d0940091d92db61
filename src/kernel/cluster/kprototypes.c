/*
 * kprototypes.c: k-prototypes: clusters of rows with numbers and categories.
 *
 * Each cluster has a prototype: the mean of each number, and of each category the
 * commonest one (the mode).  Every row goes to its nearest prototype (prototypes.c), every
 * prototype to the means and modes of its rows, until the cost, the sum of
 * distances, falls no more (Huang 1997, 1998).  Without numbers this is k-modes, without
 * categories k-means.  Several starts, the least cost wins, the earlier among equals.
 * Where rows are few, swaps follow (Fraenti 2018): one of the best prototypes goes to a row
 * that lies far from its own, and the steps go on from there; kept when the cost is less.
 * Of very many rows the first START_ROWS, a uniform sample (points.h), take part in
 * the starts; the best one goes on with all.
 *
 * Sums of numbers and counts of categories are kept by cluster and follow the rows
 * that move; they are exact (fixed_sum.c), so nothing depends on the order of
 * rows (law 3).  Of categories equally common the first wins, of prototypes equally
 * near the lowest number.  As such ties are frequent among categories, rows could
 * wander for ever at the same cost; so what ends a start is that the cost does not fall.
 *
 * A cluster that loses all its rows gets the row that lies farthest from its own
 * prototype.
 *
 * Memory: beside a label for each row, a count for each category in each cluster.
 */
#include "kernel/cluster/kprototypes.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/draw.h"
#include "kernel/base/fixed_sum.h"
#include "kernel/base/hash.h"

/* rows that take part in starts: at least this many, and ROWS_PER_PROTOTYPE for each prototype */
#define START_ROWS			131072
#define ROWS_PER_PROTOTYPE	1024

/*
 * Swaps in a row that may fail for each start: as many as keep rows times prototypes times
 * columns within SWAP_WORK, at most MOST_PATIENCE; where that is none, there are no swaps.
 */
#define SWAP_WORK			1e6
#define MOST_PATIENCE		40

/* a swap has to win this share of the cost, which rounding could not */
#define LEAST_GAIN			1e-12

/* what tells the draws of swaps from those of starts */
#define SWAP_SEED			UINT64CONST(0x53776170)	/* "Swap" */

/* rows whose distances are summed before they are added to the total */
#define BLOCK 4096

typedef struct Work
{
	const SegmentPoints *points;	/* the first of them while there are several starts */
	const SegmentPrototypesOptions *options;
	SegmentPrototypes prototypes;
	int32	   *labels;			/* n; -1: none yet */
	SegmentGrid grid;
	SegmentFixedSums sums;
	size_t		n_counts;		/* categories of all features */
	size_t	   *first_count;	/* n_codes: where those of a feature begin */
	int64	   *count;			/* k x n_counts: weight of each category, in steps of the grid */
	bool	   *changed;		/* k: rows came or went */
} Work;

/* Bytes that segment_kprototypes takes for a row, beside the row itself. */
size_t
segment_kprototypes_memory_per_row(void)
{
	/* two sets of labels, the best start's and the present one's; seeding */
	return 2 * sizeof(int32) + 2 * sizeof(double);
}

static bool
interrupted(const Work *work)
{
	return work->options->interrupted != NULL && work->options->interrupted();
}

static int64
rows_between_checks(const Work *work)
{
	return Min(BLOCK, segment_rows_between_checks((double) work->prototypes.k *
												  (work->points->d + work->points->n_codes)));
}

static inline const double *
numbers_of(const Work *work, int64 row)
{
	return work->points->x + row * work->points->d;
}

static inline const int32 *
codes_of(const Work *work, int64 row)
{
	return work->points->code + row * work->points->n_codes;
}

/* Adds a row to a cluster (sign 1) or takes it out (-1). */
static void
count_row(Work *work, int64 row, int cluster, int sign)
{
	double		weight = segment_point_weight(work->points, row);
	int64		steps = (int64) floor(weight / work->grid.weight_step + 0.5) * sign;
	const int32 *code = codes_of(work, row);
	int64	   *count = work->count + cluster * work->n_counts;
	int			f;

	segment_fixed_sums_add(&work->sums, &work->grid, cluster, numbers_of(work, row), weight, sign);
	for (f = 0; f < work->points->n_codes; f++)
		count[work->first_count[f] + code[f]] += steps;
	work->changed[cluster] = true;
}

/* Brings every row to its nearest prototype; cost is the sum of distances. */
static SegmentStatus
place_all(Work *work, double *cost)
{
	const SegmentPoints *points = work->points;
	int64		step = rows_between_checks(work);
	int64		from;

	segment_prototypes_pack(&work->prototypes);
	*cost = 0;
	for (from = 0; from < points->n; from += step)
	{
		double		sum = 0;
		int64		i;

		if (interrupted(work))
			return SEGMENT_INTERRUPTED;
		for (i = from; i < Min(from + step, points->n); i++)
		{
			SegmentNearest nearest = segment_nearest_prototype(&work->prototypes, numbers_of(work, i),
															   codes_of(work, i));

			sum += segment_point_weight(points, i) * nearest.distance;
			if (nearest.number == work->labels[i])
				continue;
			if (work->labels[i] >= 0)
				count_row(work, i, work->labels[i], -1);
			count_row(work, i, nearest.number, 1);
			work->labels[i] = nearest.number;
		}
		*cost += sum;
	}
	segment_fixed_sums_settle(&work->sums, &work->grid);
	return SEGMENT_DONE;
}

/* Means and modes of a cluster that has rows. */
static void
move_prototype(Work *work, int c)
{
	const int	d = work->points->d;
	double	   *value = work->prototypes.value + (size_t) c * (d + work->points->n_codes);
	const int64 *count = work->count + c * work->n_counts;
	int			f;

	segment_fixed_sums_mean(&work->sums, &work->grid, c, value);
	for (f = 0; f < work->points->n_codes; f++)
	{
		const int64 *here = count + work->first_count[f];
		int			mode = 0;
		int			category;

		for (category = 1; category < work->options->n_categories[f]; category++)
			if (here[category] > here[mode])
				mode = category;
		value[d + f] = mode;
	}
}

/* The row farthest from its own prototype; -1: all stand where it does. */
static int64
farthest_row(const Work *work)
{
	double		most = 0;
	int64		farthest = -1;
	int64		i;

	for (i = 0; i < work->points->n; i++)
	{
		double		distance = segment_prototype_distance(&work->prototypes, work->labels[i],
														  numbers_of(work, i), codes_of(work, i));

		if (distance > most)
		{
			most = distance;
			farthest = i;
		}
	}
	return farthest;
}

/* Gives a cluster without rows the one that suits its own worst; whether there is one. */
static bool
fill(Work *work, int c)
{
	int64		row = farthest_row(work);
	int			from;

	if (row < 0)
		return false;
	from = work->labels[row];
	count_row(work, row, from, -1);
	count_row(work, row, c, 1);
	segment_fixed_sums_settle(&work->sums, &work->grid);
	work->labels[row] = c;
	if (work->sums.weight[c] > 0)
		move_prototype(work, c);
	if (work->sums.weight[from] > 0)
		move_prototype(work, from);
	return true;
}

/* Moves all prototypes to their rows; filled: whether an empty cluster got a row. */
static SegmentStatus
move_all(Work *work, bool *filled)
{
	int			c;

	*filled = false;
	for (c = 0; c < work->prototypes.k; c++)
	{
		if (work->changed[c] && work->sums.weight[c] > 0)
			move_prototype(work, c);
		work->changed[c] = false;
	}
	for (c = 0; c < work->prototypes.k; c++)
		if (work->sums.weight[c] <= 0)
		{
			if (interrupted(work))
				return SEGMENT_INTERRUPTED;
			*filled = fill(work, c) || *filled;
		}
	return SEGMENT_DONE;
}

/* Steps until the cost falls no more; labels and cost are those of the prototypes. */
static SegmentStatus
iterate(Work *work, double *cost, int *iterations, bool *converged)
{
	double		before = HUGE_VAL;

	*iterations = 0;
	*converged = false;
	for (;;)
	{
		bool		filled;

		if (place_all(work, cost) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		if (!(*cost < before))
		{
			*converged = true;
			return SEGMENT_DONE;
		}
		if (*iterations >= work->options->max_iter)
			return SEGMENT_DONE;
		if (move_all(work, &filled) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		before = filled ? HUGE_VAL : *cost;
		(*iterations)++;
	}
}

/* Nothing is placed yet. */
static void
clear(Work *work)
{
	int64		i;

	segment_fixed_sums_clear(&work->sums);
	memset(work->count, 0, sizeof(int64) * work->n_counts * work->options->k);
	for (i = 0; i < work->points->n; i++)
		work->labels[i] = -1;
}

/* Prototypes at the rows that the caller gave. */
static void
stand_at_given(Work *work)
{
	const SegmentPoints *points = work->points;
	int			c;
	int			j;

	for (c = 0; c < work->options->k; c++)
	{
		double	   *value = work->prototypes.value + (size_t) c * (points->d + points->n_codes);

		for (j = 0; j < points->d; j++)
			value[j] = numbers_of(work, work->options->initial[c])[j];
		for (j = 0; j < points->n_codes; j++)
			value[points->d + j] = codes_of(work, work->options->initial[c])[j];
	}
}

static void
work_init(Work *work, const SegmentPoints *points, const SegmentPrototypesOptions *options,
		  SegmentMemory memory)
{
	int			f;

	memset(work, 0, sizeof(*work));
	work->points = points;
	work->options = options;
	segment_prototypes_init(&work->prototypes, options->k, points->d, points->n_codes, memory);
	for (f = 0; f < points->n_codes; f++)
		work->prototypes.mismatch[f] = options->gamma * options->code_weight[f];
	work->labels = segment_allocate(memory, points->n, sizeof(int32));
	segment_grid_init(&work->grid, points, memory);
	segment_fixed_sums_init(&work->sums, options->k, points->d, 1, memory);
	work->first_count = segment_allocate(memory, points->n_codes, sizeof(size_t));
	for (f = 0; f < points->n_codes; f++)
	{
		work->first_count[f] = work->n_counts;
		work->n_counts += options->n_categories[f];
	}
	work->count = segment_allocate_rows(memory, work->n_counts, options->k, sizeof(int64));
	work->changed = segment_allocate_zeros(memory, options->k, sizeof(bool));
}

static void
work_free(Work *work, SegmentMemory memory)
{
	segment_prototypes_free(&work->prototypes, memory);
	memory.release(memory.ctx, work->labels);
	segment_grid_free(&work->grid, memory);
	segment_fixed_sums_free(&work->sums, memory);
	memory.release(memory.ctx, work->first_count);
	memory.release(memory.ctx, work->count);
	memory.release(memory.ctx, work->changed);
}

/* Keeps what a start ended with. */
static void
keep(const Work *work, double cost, int iterations, bool converged, SegmentPrototypesResult *result)
{
	SegmentPrototypes *best = &result->prototypes;

	best->k = work->prototypes.k;
	memcpy(best->value, work->prototypes.value, sizeof(double) * best->k * (best->d + best->n_codes));
	memcpy(result->labels, work->labels, sizeof(int32) * work->points->n);
	result->cost = cost;
	result->iterations = iterations;
	result->converged = converged;
}

/*
 * Of the best start, means on the finest grid, and then once more the nearest
 * prototype and its distance for each row.
 */
static SegmentStatus
refine(const Work *work, SegmentPrototypesResult *result, SegmentMemory memory)
{
	const SegmentPoints *points = work->points;
	SegmentPrototypes *best = &result->prototypes;
	const int	d = points->d;
	const int	width = d + points->n_codes;
	const int64 step = rows_between_checks(work);
	double	   *means = segment_allocate_rows(memory, best->k, d, sizeof(double));
	SegmentStatus status;
	int64		from;
	int			c;

	for (c = 0; c < best->k; c++)
		memcpy(means + (size_t) c * d, best->value + (size_t) c * width, sizeof(double) * d);
	status = segment_fine_means(points, &work->grid, result->labels, best->k, means, memory,
								work->options->interrupted);
	for (c = 0; c < best->k; c++)
		memcpy(best->value + (size_t) c * width, means + (size_t) c * d, sizeof(double) * d);
	memory.release(memory.ctx, means);
	segment_prototypes_pack(best);
	result->cost = 0;
	for (from = 0; from < points->n && status == SEGMENT_DONE; from += step)
	{
		double		sum = 0;
		int64		i;

		for (i = from; i < Min(from + step, points->n); i++)
		{
			SegmentNearest nearest = segment_nearest_prototype(best, numbers_of(work, i), codes_of(work, i));

			result->labels[i] = nearest.number;
			sum += segment_point_weight(points, i) * nearest.distance;
		}
		result->cost += sum;
		if (interrupted(work))
			status = SEGMENT_INTERRUPTED;
	}
	return status;
}

/* Starts from several places, with the rows that work->points has. */
static SegmentStatus
run_starts(Work *work, SegmentPrototypesResult *result, SegmentMemory memory)
{
	int			start;

	for (start = 0; start < work->options->n_init; start++)
	{
		double		cost;
		int			iterations;
		bool		converged;

		if (segment_prototypes_seed(work->points, work->options, start, &work->prototypes,
									memory) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		clear(work);
		if (iterate(work, &cost, &iterations, &converged) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		if (start == 0 || cost < result->cost)
			keep(work, cost, iterations, converged, result);
	}
	return SEGMENT_DONE;
}

/* Brings the prototypes back to those of a result. */
static void
stand_at_result(Work *work, const SegmentPrototypesResult *result)
{
	const SegmentPrototypes *best = &result->prototypes;

	work->prototypes.k = best->k;
	memcpy(work->prototypes.value, best->value, sizeof(double) * best->k * (best->d + best->n_codes));
}

/* By row, its distance from the prototype it belongs to in the result. */
static SegmentStatus
measure_rows(const Work *work, const SegmentPrototypesResult *result, double *distance)
{
	int64		i;

	for (i = 0; i < work->points->n; i++)
	{
		if (i % BLOCK == 0 && interrupted(work))
			return SEGMENT_INTERRUPTED;
		distance[i] = segment_prototype_distance(&result->prototypes, result->labels[i],
												 numbers_of(work, i), codes_of(work, i));
	}
	return SEGMENT_DONE;
}

/* Tries one swap; keeps it when it is better. */
static SegmentStatus
try_swap(Work *work, const double *distance, uint64 seed, SegmentPrototypesResult *result, bool *better)
{
	const int	width = work->points->d + work->points->n_codes;
	SegmentDraw drawn = {.wanted = 1};
	double	   *spared;
	double		cost;
	int			iterations;
	bool		converged;
	int			j;

	*better = false;
	segment_draw(work->points, work->points->n, distance, seed, &drawn);
	if (drawn.n == 0)
		return SEGMENT_DONE;
	stand_at_result(work, result);
	spared = work->prototypes.value + (size_t) (segment_mix64(seed) % (uint64) result->prototypes.k) * width;
	for (j = 0; j < work->points->d; j++)
		spared[j] = numbers_of(work, drawn.row[0])[j];
	for (j = 0; j < work->points->n_codes; j++)
		spared[work->points->d + j] = codes_of(work, drawn.row[0])[j];
	clear(work);
	if (iterate(work, &cost, &iterations, &converged) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*better = cost < result->cost * (1 - LEAST_GAIN);
	if (*better)
		keep(work, cost, iterations, converged, result);
	return SEGMENT_DONE;
}

/* Puts prototypes where they are needed more. */
static SegmentStatus
improve_by_swaps(Work *work, SegmentPrototypesResult *result, SegmentMemory memory)
{
	const SegmentPrototypesOptions *options = work->options;
	const double effort = (double) work->points->n * result->prototypes.k *
		(work->points->d + work->points->n_codes);
	const int	patience = options->n_init == 1 ? 0 : (int) Min(SWAP_WORK / effort, MOST_PATIENCE);
	double	   *distance;
	SegmentStatus status = SEGMENT_DONE;
	bool		better = true;
	int			failed;
	int			tried;

	if (result->prototypes.k < 2 || patience == 0)
		return SEGMENT_DONE;
	distance = segment_allocate(memory, work->points->n, sizeof(double));
	for (tried = failed = 0; status == SEGMENT_DONE && failed / patience < options->n_init; tried++)
	{
		if (better)
			status = measure_rows(work, result, distance);
		if (status == SEGMENT_DONE)
			status = try_swap(work, distance, segment_hash_step(segment_hash_step(options->seed, SWAP_SEED), tried),
							  result, &better);
		failed = better ? 0 : failed + 1;
	}
	memory.release(memory.ctx, distance);
	return status;
}

/* With all points, from the prototypes that work holds. */
static SegmentStatus
run_on(Work *work, int steps_before, SegmentPrototypesResult *result)
{
	double		cost;
	int			iterations;
	bool		converged;

	clear(work);
	if (iterate(work, &cost, &iterations, &converged) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	keep(work, cost, steps_before + iterations, converged, result);
	return SEGMENT_DONE;
}

/* On success the result is to be freed with segment_kprototypes_free. */
SegmentStatus
segment_kprototypes(const SegmentPoints *points, const SegmentPrototypesOptions *options,
					SegmentPrototypesResult *result, SegmentMemory memory)
{
	SegmentPoints first = *points;
	Work		work;
	SegmentStatus status;

	first.n = Min(points->n, Max((int64) START_ROWS, (int64) options->k * ROWS_PER_PROTOTYPE));
	work_init(&work, points, options, memory);
	segment_prototypes_init(&result->prototypes, options->k, points->d, points->n_codes, memory);
	memcpy(result->prototypes.mismatch, work.prototypes.mismatch, sizeof(double) * points->n_codes);
	result->labels = segment_allocate(memory, points->n, sizeof(int32));
	if (options->initial != NULL)
	{
		/* given rows leave nothing to chance */
		stand_at_given(&work);
		status = run_on(&work, 0, result);
	}
	else
	{
		work.points = &first;
		status = run_starts(&work, result, memory);
		if (status == SEGMENT_DONE)
			status = improve_by_swaps(&work, result, memory);
		work.points = points;
		if (status == SEGMENT_DONE && first.n < points->n)
		{
			stand_at_result(&work, result);
			status = run_on(&work, result->iterations, result);
		}
	}
	if (status == SEGMENT_DONE)
		status = refine(&work, result, memory);
	work_free(&work, memory);
	if (status == SEGMENT_INTERRUPTED)
		segment_kprototypes_free(result, memory);
	return status;
}

void
segment_kprototypes_free(SegmentPrototypesResult *result, SegmentMemory memory)
{
	segment_prototypes_free(&result->prototypes, memory);
	memory.release(memory.ctx, result->labels);
}
