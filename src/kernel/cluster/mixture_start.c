/*
 * mixture_start.c: where fitting a mixture starts, and which start wins.
 *
 * Fitting climbs to the nearest peak of the likelihood, of which there are many,
 * so it starts from several places: in turn the clusters of k-means, and the
 * points nearest to seeds of k-means++ (one step of k-means), which vary more.
 *
 * Of many rows only the first, a uniform sample (points.h), take part in the
 * starts, and these end early (Biernacki, Celeux, Govaert 2003).  The most likely
 * one goes on, with all rows, until tol is met.
 *
 * A start with fewer collapsed components comes before a likelier one: likelihood
 * has no bound where a component shrinks to a value that some rows happen to
 * share, and that is no group.
 */
#include "kernel/cluster/mixture.h"

#include <math.h>

#include "kernel/base/hash.h"
#include "kernel/cluster/kmeans.h"

/*
 * rows that take part in the starts: at least this many, and ROWS_PER_COMPONENT for
 * each component
 */
#define START_ROWS			8192
#define ROWS_PER_COMPONENT	1024

/* a start ends when the mean log-likelihood gains less than this in a step */
#define START_TOL 1e-5

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

/* One start; on success fit->mixture is to be freed. */
static SegmentStatus
run_start(const SegmentPoints *points, const SegmentMixtureOptions *options, int start,
		  SegmentMixtureFit *fit, SegmentMemory memory)
{
	SegmentMixtureOptions reduced = *options;
	SegmentKmeansOptions kmeans = {0};
	SegmentKmeansResult clusters;
	SegmentStatus status;

	kmeans.k = options->k;
	kmeans.n_init = 1;
	kmeans.max_iter = start % 2 == 0 ? KMEANS_STEPS : SEEDING_STEPS;
	kmeans.seed = segment_numbered_seed(options->seed, start);
	kmeans.interrupted = options->interrupted;
	if (segment_kmeans(points, &kmeans, &clusters, memory) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	reduced.k = clusters.k;
	reduced.tol = Max(options->tol, START_TOL);
	segment_mixture_init(&fit->mixture, options->kind, clusters.k, points->d, memory);
	status = segment_mixture_em(points, points->n, &reduced, clusters.labels, fit, memory);
	if (status == SEGMENT_INTERRUPTED)
		segment_mixture_free(&fit->mixture, memory);
	segment_kmeans_free(&clusters, memory);
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
	SegmentMixtureFit best = {0};
	int			start;

	for (start = 0; start < options->n_init; start++)
	{
		SegmentMixtureFit next;

		if (run_start(&first, options, start, &next, memory) == SEGMENT_INTERRUPTED)
		{
			if (start > 0)
				segment_mixture_free(&best.mixture, memory);
			return SEGMENT_INTERRUPTED;
		}
		if (start == 0 || is_better(&next, &best))
		{
			if (start > 0)
				segment_mixture_free(&best.mixture, memory);
			best = next;
		}
		else
			segment_mixture_free(&next.mixture, memory);
	}
	rest.k = best.mixture.k;
	fit->mixture = best.mixture;
	if (segment_mixture_em(points, points->n, &rest, NULL, fit, memory) == SEGMENT_INTERRUPTED)
	{
		segment_mixture_free(&fit->mixture, memory);
		return SEGMENT_INTERRUPTED;
	}
	fit->iterations += best.iterations;
	return SEGMENT_DONE;
}
