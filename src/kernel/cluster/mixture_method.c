/*
 * mixture_method.c: a mixture of normal distributions as a method of clustering: a point
 * belongs to the component that most likely made it.
 *
 * Of its own it takes SegmentMixtureOptions: kind and reg_covar.
 */
#include "kernel/cluster/mixture.h"

#include "kernel/base/allocate.h"
#include "kernel/base/elementary.h"
#include "kernel/cluster/kmeans.h"

static SegmentStatus
find(SegmentPoints *points, const SegmentClustering *clustering, SegmentClusters *clusters,
	 SegmentMemory memory)
{
	SegmentMixtureOptions options = *(const SegmentMixtureOptions *) clustering->own;
	SegmentMixtureFit *fit = clusters->found;
	SegmentStatus status;

	options.k = clustering->k;
	options.n_init = clustering->n_init;
	options.max_iter = clustering->max_iter;
	options.tol = clustering->tol;
	options.seed = clustering->seed;
	options.interrupted = clustering->interrupted;
	status = segment_mixture_fit(points, &options, fit, memory);
	if (status == SEGMENT_DONE)
		clusters->k = fit->mixture.k;
	return status;
}

static void
free_found(void *found, SegmentMemory memory)
{
	segment_mixture_free(&((SegmentMixtureFit *) found)->mixture, memory);
}

/* Each component takes a product with its covariance. */
static double
work_per_row(const SegmentClusters *clusters, int d)
{
	return (double) clusters->k * d * d;
}

static double
bic(const SegmentClusters *clusters, double total_weight)
{
	const SegmentMixtureFit *fit = clusters->found;
	const SegmentMixture *mixture = &fit->mixture;

	return segment_log(total_weight) *
		segment_mixture_parameters(mixture->kind, mixture->k, mixture->d) - 2 * fit->log_likelihood;
}

/* ---- placing: room for a point, and for densities ---- */

static void *
begin_placing(const SegmentClusters *clusters, int d, SegmentMemory memory)
{
	return segment_allocate(memory, (uint64) d + clusters->k, sizeof(double));
}

static int
place(const SegmentClusters *clusters, void *placing, int d, const double *x, const int32 *code)
{
	const SegmentMixtureFit *fit = clusters->found;
	double	   *room = placing;

	return segment_mixture_place(&fit->mixture, x, room, room + d);
}

static void
end_placing(void *placing, SegmentMemory memory)
{
	memory.release(memory.ctx, placing);
}

const SegmentClusterMethod segment_mixture_method = {
	.name = "gaussian_mixture",
	.max_iter = 500,
	.tol = 1e-6,
	.find = find,
	.found_size = sizeof(SegmentMixtureFit),
	.free = free_found,
	.place = place,
	/* it starts from k-means */
	.bytes_per_row = segment_kmeans_bytes_per_row,
	.begin_placing = begin_placing,
	.end_placing = end_placing,
	.work_per_row = work_per_row,
	.bic = bic
};
