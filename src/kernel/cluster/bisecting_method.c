/*
 * bisecting_method.c: bisecting k-means as a method of clustering: a point goes down from
 * split to split, each time to the nearer centroid.
 *
 * As no split depends on later ones, the first k - 1 are the clusters for k, whatever
 * number was found: the method is nested.
 */
#include "kernel/cluster/bisecting.h"

#include "kernel/base/allocate.h"

static SegmentStatus
find(SegmentPoints *points, const SegmentClustering *clustering, SegmentClusters *clusters,
	 SegmentMemory memory)
{
	SegmentKmeansOptions options = segment_kmeans_options(clustering);
	SegmentBisectingResult *hierarchy = clusters->found;
	SegmentStatus status = segment_bisecting(points, &options, hierarchy, memory);

	if (status == SEGMENT_DONE)
		clusters->k = hierarchy->n_splits + 1;
	return status;
}

static void
free_found(void *found, SegmentMemory memory)
{
	segment_bisecting_free(found, memory);
}

/* Of the clusters after k - 1 splits. */
static double
inertia(const SegmentClusters *clusters)
{
	const SegmentBisectingResult *hierarchy = clusters->found;
	double		sum = 0;
	int			i;

	for (i = 0; i < 2 * clusters->k - 1; i++)
		if (!segment_bisecting_divided(hierarchy, clusters->k - 1, i))
			sum += hierarchy->node[i].inertia;
	return sum;
}

/* ---- placing: labels by node, -1 where it is divided ---- */

static void *
begin_placing(const SegmentClusters *clusters, int d, SegmentMemory memory)
{
	const SegmentBisectingResult *hierarchy = clusters->found;
	int		   *number = segment_allocate(memory, 2 * (uint64) clusters->k - 1, sizeof(int));
	int			label = 0;
	int			i;

	for (i = 0; i < 2 * clusters->k - 1; i++)
		number[i] = segment_bisecting_divided(hierarchy, clusters->k - 1, i) ? -1 : label++;
	return number;
}

static int
place(const SegmentClusters *clusters, void *placing, int d, const double *x, const int32 *code)
{
	const int  *number = placing;

	return number[segment_bisecting_place(clusters->found, clusters->k - 1, d, x)];
}

static void
end_placing(void *placing, SegmentMemory memory)
{
	memory.release(memory.ctx, placing);
}

const SegmentClusterMethod segment_bisecting_method = {
	.name = "bisecting_kmeans",
	.max_iter = 300,
	.tol = 1e-4,
	.find = find,
	.found_size = sizeof(SegmentBisectingResult),
	.free = free_found,
	.reorders = true,
	.nested = true,
	.directions = true,
	.place = place,
	.bytes_per_row = segment_bisecting_memory_per_row,
	.begin_placing = begin_placing,
	.end_placing = end_placing,
	.inertia = inertia
};
