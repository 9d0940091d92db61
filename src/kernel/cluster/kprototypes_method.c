/*
 * kprototypes_method.c: k-prototypes as a method of clustering: a point belongs to the
 * nearest prototype, in numbers and categories.
 *
 * Of its own it takes SegmentPrototypesOptions: gamma, code_weight and n_categories.
 */
#include "kernel/cluster/kprototypes.h"

static SegmentStatus
find(SegmentPoints *points, const SegmentClustering *clustering, SegmentClusters *clusters,
	 SegmentMemory memory)
{
	SegmentPrototypesOptions options = *(const SegmentPrototypesOptions *) clustering->own;
	SegmentPrototypesResult *result = clusters->found;
	SegmentStatus status;

	options.k = clustering->k;
	options.n_init = clustering->n_init;
	options.max_iter = clustering->max_iter;
	options.seed = clustering->seed;
	options.initial = NULL;
	options.interrupted = clustering->interrupted;
	status = segment_kprototypes(points, &options, result, memory);
	if (status == SEGMENT_DONE)
	{
		segment_prototypes_pack(&result->prototypes);
		clusters->k = result->prototypes.k;
	}
	return status;
}

static void
free_found(void *found, SegmentMemory memory)
{
	segment_kprototypes_free(found, memory);
}

static size_t
bytes_per_row(int d)
{
	return segment_kprototypes_memory_per_row();
}

static int
place(const SegmentClusters *clusters, void *placing, int d, const double *x, const int32 *code)
{
	const SegmentPrototypesResult *result = clusters->found;

	return segment_nearest_prototype(&result->prototypes, x, code).number;
}

static int32 *
labels(const SegmentClusters *clusters)
{
	return ((const SegmentPrototypesResult *) clusters->found)->labels;
}

static double
cost(const SegmentClusters *clusters)
{
	return ((const SegmentPrototypesResult *) clusters->found)->cost;
}

static const double *
mismatch(const SegmentClusters *clusters)
{
	return ((const SegmentPrototypesResult *) clusters->found)->prototypes.mismatch;
}

const SegmentClusterMethod segment_kprototypes_method = {
	.name = "kprototypes",
	.max_iter = 100,
	.find = find,
	.found_size = sizeof(SegmentPrototypesResult),
	.free = free_found,
	.place = place,
	.bytes_per_row = bytes_per_row,
	.labels = labels,
	.cost = cost,
	.mismatch = mismatch
};
