/*
 * mixture_start.c: where fitting a mixture starts, and which start wins.
 *
 * Fitting climbs to the nearest peak of the likelihood, of which there are many:
 *
 *	 1. n_init starts, in turn from the clusters of k-means, and from the points
 *		nearest to seeds of k-means++ (one step of k-means), which vary more.  They
 *		end early (Biernacki, Celeux, Govaert 2003).
 *	 2. The best two that are not the same are bettered by moves (mixture_moves.c);
 *		there are none after a single start.
 *	 3. The best goes on until tol is met.
 *
 * Of many rows only the first, a uniform sample (points.h), take part in 1 and 2.
 *
 * A mixture with fewer collapsed components comes before a likelier one: likelihood
 * has no bound where a component shrinks to a value that some rows happen to
 * share, and that is no group.
 */
#include "kernel/cluster/mixture.h"

#include <math.h>

#include "kernel/base/hash.h"
#include "kernel/cluster/kmeans.h"
#include "kernel/cluster/mixture_parts.h"

/*
 * rows that take part in the starts: at least this many, and ROWS_PER_COMPONENT for
 * each component
 */
#define START_ROWS			8192
#define ROWS_PER_COMPONENT	1024

/* a start, or a move, ends when the mean log-likelihood gains less than this in a step */
#define START_TOL 1e-4

/* starts that go on to moves */
#define BEST_STARTS 2

/* steps of k-means in a start that is to be good, and in one that is to be different */
#define KMEANS_STEPS		100
#define SEEDING_STEPS		1

/* The first rows alone. */
static SegmentPoints
first_points(const SegmentPoints *points, int64 n)
{
	SegmentPoints first = *points;
	int64		i;

	first.n = n;
	first.total_weight = 0;
	for (i = 0; i < n; i++)
		first.total_weight += segment_point_weight(points, i);
	return first;
}

static bool
is_better(const SegmentMixtureFit *a, const SegmentMixtureFit *b)
{
	if (a->n_collapsed != b->n_collapsed)
		return a->n_collapsed < b->n_collapsed;
	return a->log_likelihood > b->log_likelihood;
}

/* Start number `number` of those of a seed; on success fit->mixture is to be freed. */
SegmentStatus
segment_mixture_start(const SegmentPoints *points, const SegmentMixtureOptions *options, int number,
					  SegmentMixtureFit *fit, SegmentMemory memory)
{
	SegmentMixtureOptions reduced = *options;
	SegmentKmeansOptions kmeans = {0};
	SegmentKmeansResult clusters;
	SegmentStatus status;

	kmeans.k = options->k;
	kmeans.n_init = 1;
	kmeans.max_iter = number % 2 == 0 ? KMEANS_STEPS : SEEDING_STEPS;
	kmeans.seed = segment_numbered_seed(options->seed, number);
	kmeans.interrupted = options->interrupted;
	if (segment_kmeans(points, &kmeans, &clusters, memory) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	reduced.k = clusters.k;
	segment_mixture_init(&fit->mixture, options->kind, clusters.k, points->d, memory);
	status = segment_mixture_em(points, points->n, &reduced, clusters.labels, fit, memory);
	if (status == SEGMENT_INTERRUPTED)
		segment_mixture_free(&fit->mixture, memory);
	segment_kmeans_free(&clusters, memory);
	return status;
}

/* The best starts so far, the best first. */
typedef struct Best
{
	SegmentMixtureFit fit[BEST_STARTS + 1];
	int			n;
} Best;

/* Whether two starts have arrived at one peak. */
static bool
is_same(const SegmentMixtureFit *a, const SegmentMixtureFit *b, double tolerance)
{
	return a->mixture.k == b->mixture.k && a->n_collapsed == b->n_collapsed &&
		fabs(a->log_likelihood - b->log_likelihood) <= tolerance;
}

/* Takes a fit over; what is not among the best is freed. */
static void
keep(Best *best, SegmentMixtureFit fit, double tolerance, SegmentMemory memory)
{
	int			place = 0;
	int			i;

	while (place < best->n && !is_better(&fit, &best->fit[place]))
		place++;
	for (i = best->n++; i > place; i--)
		best->fit[i] = best->fit[i - 1];
	best->fit[place] = fit;
	/* of two that are the same the better stays; else too many may be held */
	for (i = 1; i < best->n && !is_same(&best->fit[i - 1], &best->fit[i], tolerance);)
		i++;
	i = Min(i, BEST_STARTS);
	if (i >= best->n)
		return;
	segment_mixture_free(&best->fit[i].mixture, memory);
	for (best->n--; i < best->n; i++)
		best->fit[i] = best->fit[i + 1];
}

/* Fits to the first points; on success best->fit[0] alone is to be freed, else none. */
static SegmentStatus
find_best(const SegmentPoints *points, const SegmentMixtureOptions *options, Best *best,
		  SegmentMemory memory)
{
	SegmentMixtureOptions early = *options;
	SegmentStatus status = SEGMENT_DONE;
	int			i;

	early.tol = Max(options->tol, START_TOL);
	for (i = 0; i < options->n_init && status == SEGMENT_DONE; i++)
	{
		SegmentMixtureFit next;

		status = segment_mixture_start(points, &early, i, &next, memory);
		if (status == SEGMENT_DONE)
			keep(best, next, early.tol * points->total_weight, memory);
	}
	for (i = 0; i < best->n && options->n_init > 1 && status == SEGMENT_DONE; i++)
	{
		early.k = best->fit[i].mixture.k;
		status = segment_mixture_move(points, &early, &best->fit[i], memory);
	}
	if (status == SEGMENT_DONE && best->n > 1 && is_better(&best->fit[1], &best->fit[0]))
	{
		SegmentMixtureFit first = best->fit[0];

		best->fit[0] = best->fit[1];
		best->fit[1] = first;
	}
	for (i = status == SEGMENT_DONE ? 1 : 0; i < best->n; i++)
		segment_mixture_free(&best->fit[i].mixture, memory);
	return status;
}

/*
 * Fits a mixture to points; frees fit->mixture only when interrupted.  There are
 * fewer components than wanted where k-means tells fewer points apart.
 */
SegmentStatus
segment_mixture_fit(const SegmentPoints *points, const SegmentMixtureOptions *options,
					SegmentMixtureFit *fit, SegmentMemory memory)
{
	SegmentMixtureOptions rest = *options;
	int64		n = Min(points->n, Max((int64) START_ROWS, (int64) options->k * ROWS_PER_COMPONENT));
	SegmentPoints first = first_points(points, n);
	Best		best = {0};
	int			iterations;

	if (find_best(&first, options, &best, memory) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*fit = best.fit[0];
	rest.k = fit->mixture.k;
	iterations = fit->iterations;
	if (segment_mixture_em(points, points->n, &rest, NULL, fit, memory) == SEGMENT_INTERRUPTED)
	{
		segment_mixture_free(&fit->mixture, memory);
		return SEGMENT_INTERRUPTED;
	}
	fit->iterations += iterations;
	return SEGMENT_DONE;
}
