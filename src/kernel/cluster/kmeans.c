/*
 * kmeans.c: k-means: centroids whose points lie as close as possible.
 *
 * Lloyd's steps (lloyd.c) end in a local optimum that depends on where they began.
 * So:
 *
 *	 1. n_init starts from seeds of kmeans_seed.c; the least inertia wins, the
 *		earlier start among equals.  tol ends a start early.  Where points are few,
 *		single ones are moved after that (exchange.c).
 *	 2. Swaps (Fraenti 2018): a centroid that is hardly missed goes to a cluster of
 *		large inertia, and Lloyd's steps follow; kept when the inertia is less.  It
 *		ends after n_init swaps in a row that were not, three times as many where
 *		points are few; there are none after a single start.
 *	 3. The best goes on until nothing changes.
 */
#include "kernel/cluster/kmeans.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/cluster/centroids.h"
#include "kernel/base/elementary.h"
#include "kernel/cluster/exchange.h"
#include "kernel/cluster/lloyd.h"

/* a swap has to win this share of the inertia, which rounding could not */
#define LEAST_GAIN 1e-12

/* points are few while points times centroids times coordinates are no more than this */
#define FEW_POINTS 1e6

/* swaps in a row that may fail for each start, where points are that few */
#define PATIENCE 3

/* what tells the draws of swaps from those of starts */
#define SWAP_SEED UINT64CONST(0x53776170)	/* "Swap" */

/* Bytes that segment_kmeans takes for a point of d coordinates, beside the point itself. */
size_t
segment_kmeans_bytes_per_row(int d)
{
	/* two sets of labels: the best start's and the present one's */
	return 2 * sizeof(int32) + segment_blocks_bytes_per_row(d);
}

/* About how many nanoseconds the starts take alone; as measured, roughly. */
double
segment_kmeans_expected_time(const SegmentKmeansOptions *options, int64 rows, int d)
{
	/* without tol a start goes on until nothing changes */
	const double steps = Min(options->tol > 0 ? 25 : 50, options->max_iter);
	const double work = (double) options->k * d;

	return options->n_init * (steps * rows * (2 + work / 64) + Min(rows, SEGMENT_SEED_ROWS) * work);
}

/* Keeps what a start ended with. */
static void
keep(const Lloyd *lloyd, double inertia, int iterations, bool converged,
	 SegmentKmeansResult *result)
{
	result->k = lloyd->k;
	result->inertia = inertia;
	result->iterations = iterations;
	result->converged = converged;
	memcpy(result->centroids, lloyd->centroids, sizeof(double) * lloyd->k * lloyd->d);
	memcpy(result->labels, lloyd->labels, sizeof(int32) * lloyd->points->n);
}

/* Whether there is time for more than Lloyd's steps. */
static inline bool
points_are_few(const Lloyd *lloyd)
{
	return (double) lloyd->points->n * lloyd->k * lloyd->d <= FEW_POINTS;
}

/*
 * Lloyd's steps, and where the points are few enough, single moves after them
 * and steps again; the inertia they end with.
 */
static SegmentStatus
settle(Lloyd *lloyd, int *iterations, bool *converged, double *inertia)
{
	const SegmentPoints *points = lloyd->points;
	int64		moved = 0;

	if (segment_lloyd_iterate(lloyd, lloyd->tol, iterations, converged) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	if (lloyd->options->n_init > 1 && lloyd->options->initial == NULL && !lloyd->options->spherical &&
		points_are_few(lloyd))
	{
		if (segment_lloyd_iterate(lloyd, 0, iterations, converged) == SEGMENT_INTERRUPTED ||
			segment_exchange(points, lloyd->k, lloyd->centroids, lloyd->labels, &moved, lloyd->memory,
							 lloyd->options->interrupted) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		if (moved > 0)
			segment_lloyd_restart(lloyd, lloyd->centroids);
		if (moved > 0 && segment_lloyd_iterate(lloyd, 0, iterations, converged) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
	}
	return segment_lloyd_finish(lloyd, *converged, inertia);
}

/* ---- swaps ---- */

/* What the choice of swaps needs of the best result so far. */
typedef struct Swaps
{
	int			k;
	double	   *inertia;		/* by cluster */
	double	   *cost;			/* by cluster: of removing its centroid */
	int		   *dispensable;	/* clusters by cost, the least first */
	int		   *wide;			/* clusters by inertia, the most first */
	double	   *centroids;		/* k x d: with one put elsewhere */
} Swaps;

/* Numbers 0 to k - 1 by ascending key; equal ones by number. */
static void
order_by(const double *key, int k, int *order)
{
	int			c;
	int			place;

	for (c = 0; c < k; c++)
	{
		for (place = c; place > 0 && key[order[place - 1]] > key[c]; place--)
			order[place] = order[place - 1];
		order[place] = c;
	}
}

static SegmentStatus
swaps_prepare(Swaps *swaps, const Lloyd *lloyd, const SegmentKmeansResult *result)
{
	int			c;

	if (segment_cluster_inertia(lloyd->points, lloyd->centroids, lloyd->labels, swaps->k,
								swaps->inertia, lloyd->options->interrupted) == SEGMENT_INTERRUPTED ||
		segment_lloyd_removal_costs(lloyd, swaps->cost) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	order_by(swaps->cost, swaps->k, swaps->dispensable);
	for (c = 0; c < swaps->k; c++)
		swaps->inertia[c] = -swaps->inertia[c];
	order_by(swaps->inertia, swaps->k, swaps->wide);
	return SEGMENT_DONE;
}

/*
 * A point of a cluster, drawn with probability proportional to weight times squared
 * distance; -1: none.
 */
static int64
draw_point(const SegmentPoints *points, const SegmentKmeansResult *result, int cluster, uint64 seed)
{
	const double *centroid = result->centroids + (size_t) cluster * points->d;
	double		least = HUGE_VAL;
	int64		drawn = -1;
	int64		i;

	for (i = 0; i < points->n; i++)
	{
		double		share;
		double		key;

		if (result->labels[i] != cluster)
			continue;
		share = segment_point_weight(points, i) *
			segment_distance(points->x + i * points->d, centroid, points->d);
		if (!(share > 0))
			continue;
		key = -segment_log(segment_hash_uniform(seed, points->hash[i])) / share;
		if (key < least)
		{
			least = key;
			drawn = i;
		}
	}
	return drawn;
}

/*
 * The pair number `number` of a centroid to spare and a cluster to split, those
 * that promise most first: by the sum of their places in the two orders.  There
 * are k (k - 1) pairs; after them they come again, with other points drawn.
 */
static void
choose_pair(const Swaps *swaps, int number, int *spared, int *split)
{
	int64		pairs = (int64) swaps->k * (swaps->k - 1);
	int64		left = number % pairs;
	int			sum;
	int			i;

	for (sum = 0;; sum++)
		for (i = 0; i <= sum; i++)
		{
			if (i >= swaps->k || sum - i >= swaps->k || swaps->dispensable[i] == swaps->wide[sum - i])
				continue;
			if (left-- == 0)
			{
				*spared = swaps->dispensable[i];
				*split = swaps->wide[sum - i];
				return;
			}
		}
}

/* Tries one swap; keeps it when it is better. */
static SegmentStatus
try_swap(Lloyd *lloyd, Swaps *swaps, int spared, int split, uint64 seed,
		 SegmentKmeansResult *result, bool *better)
{
	const int	d = lloyd->d;
	int64		point = draw_point(lloyd->points, result, split, seed);
	int			iterations = 0;
	bool		converged;
	double		inertia;

	*better = false;
	if (point < 0)
		return SEGMENT_DONE;
	memcpy(swaps->centroids, result->centroids, sizeof(double) * swaps->k * d);
	memcpy(swaps->centroids + (size_t) spared * d, lloyd->points->x + point * d, sizeof(double) * d);
	segment_lloyd_move(lloyd, swaps->centroids);
	if (settle(lloyd, &iterations, &converged, &inertia) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*better = inertia < result->inertia * (1 - LEAST_GAIN);
	if (*better)
		keep(lloyd, inertia, iterations, converged, result);
	return SEGMENT_DONE;
}

/* Puts centroids where they are needed more. */
static SegmentStatus
improve_by_swaps(Lloyd *lloyd, SegmentKmeansResult *result)
{
	const SegmentKmeansOptions *options = lloyd->options;
	SegmentMemory memory = lloyd->memory;
	const int	k = result->k;
	SegmentStatus status = SEGMENT_DONE;
	Swaps		swaps;
	const int	patience = points_are_few(lloyd) ? PATIENCE : 1;
	int			failed = 0;
	int			tried;
	bool		better = true;

	if (options->n_init == 1 || options->initial != NULL || k < 2 || k == lloyd->points->n ||
		lloyd->k != k)
		return SEGMENT_DONE;
	swaps.k = k;
	swaps.inertia = segment_allocate(memory, k, sizeof(double));
	swaps.cost = segment_allocate(memory, k, sizeof(double));
	swaps.dispensable = segment_allocate(memory, k, sizeof(int));
	swaps.wide = segment_allocate(memory, k, sizeof(int));
	swaps.centroids = segment_allocate_rows(memory, k, lloyd->d, sizeof(double));
	for (tried = 0; status == SEGMENT_DONE && failed / patience < options->n_init; tried++)
	{
		int			spared;
		int			split;
		int64		changed;

		if (better)
		{
			/* back to the best one, where the last start was not the best */
			segment_lloyd_move(lloyd, result->centroids);
			if (segment_lloyd_place(lloyd, &changed) == SEGMENT_INTERRUPTED ||
				swaps_prepare(&swaps, lloyd, result) == SEGMENT_INTERRUPTED)
			{
				status = SEGMENT_INTERRUPTED;
				break;
			}
			failed = 0;
		}
		choose_pair(&swaps, failed, &spared, &split);
		status = try_swap(lloyd, &swaps, spared, split,
						  segment_hash_step(segment_hash_step(options->seed, SWAP_SEED), tried), result, &better);
		if (!better)
			failed++;
	}
	memory.release(memory.ctx, swaps.inertia);
	memory.release(memory.ctx, swaps.cost);
	memory.release(memory.ctx, swaps.dispensable);
	memory.release(memory.ctx, swaps.wide);
	memory.release(memory.ctx, swaps.centroids);
	return status;
}

/* ---- all ---- */

/* Goes on from the best centroids until nothing changes. */
static SegmentStatus
polish(Lloyd *lloyd, SegmentKmeansResult *result)
{
	int			iterations = result->iterations;
	bool		converged = result->converged;
	int64		changed;
	double		inertia;

	if (lloyd->k != result->k)
	{
		/* the last start found fewer points apart than the best one */
		lloyd->k = result->k;
		segment_lloyd_restart(lloyd, result->centroids);
	}
	else
		segment_lloyd_move(lloyd, result->centroids);
	if ((converged ? segment_lloyd_place(lloyd, &changed)
		 : segment_lloyd_iterate(lloyd, 0, &iterations, &converged)) == SEGMENT_INTERRUPTED ||
		(converged && segment_lloyd_refine_means(lloyd) == SEGMENT_INTERRUPTED) ||
		segment_lloyd_finish(lloyd, converged, &inertia) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	keep(lloyd, inertia, iterations, converged, result);
	return SEGMENT_DONE;
}

SegmentStatus
segment_kmeans(const SegmentPoints *points, const SegmentKmeansOptions *options,
			   SegmentKmeansResult *result, SegmentMemory memory)
{
	Lloyd		lloyd;
	SegmentStatus status = segment_lloyd_init(&lloyd, points, options, memory);
	int			start;

	result->centroids = segment_allocate_rows(memory, options->k, points->d, sizeof(double));
	result->labels = segment_allocate(memory, points->n, sizeof(int32));
	result->inertia = HUGE_VAL;
	for (start = 0; start < options->n_init && status == SEGMENT_DONE; start++)
	{
		int			iterations = 0;
		bool		converged = false;
		double		inertia = HUGE_VAL;
		uint64		seed = segment_numbered_seed(options->seed, start);

		if (segment_lloyd_begin(&lloyd, seed) == SEGMENT_INTERRUPTED ||
			settle(&lloyd, &iterations, &converged, &inertia) == SEGMENT_INTERRUPTED)
			status = SEGMENT_INTERRUPTED;
		else if (inertia < result->inertia || start == 0)
			keep(&lloyd, inertia, iterations, converged, result);
		/* given centroids leave nothing to chance */
		if (options->initial != NULL)
			break;
	}
	if (status == SEGMENT_DONE)
		status = improve_by_swaps(&lloyd, result);
	if (status == SEGMENT_DONE)
		status = polish(&lloyd, result);
	segment_lloyd_free(&lloyd);
	if (status == SEGMENT_INTERRUPTED)
		segment_kmeans_free(result, memory);
	return status;
}

void
segment_kmeans_free(SegmentKmeansResult *result, SegmentMemory memory)
{
	memory.release(memory.ctx, result->centroids);
	memory.release(memory.ctx, result->labels);
}
