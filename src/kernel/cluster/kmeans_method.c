/*
 * kmeans_method.c: k-means as a method of clustering: a point belongs to the nearest
 * centroid.
 */
#include "kernel/base/allocate.h"
#include "kernel/cluster/centroids.h"
#include "kernel/cluster/kmeans.h"

/* The options of k-means, but for its team; its hierarchy takes the same. */
SegmentKmeansOptions
segment_kmeans_options(const SegmentClustering *clustering)
{
	SegmentKmeansOptions options = {0};

	options.k = clustering->k;
	options.n_init = clustering->n_init;
	options.max_iter = clustering->max_iter;
	options.tol = clustering->tol;
	options.seed = clustering->seed;
	options.spherical = clustering->spherical;
	options.interrupted = clustering->interrupted;
	return options;
}

static SegmentStatus
find(SegmentPoints *points, const SegmentClustering *clustering, SegmentClusters *clusters,
	 SegmentMemory memory)
{
	SegmentKmeansOptions options = segment_kmeans_options(clustering);
	SegmentKmeansResult *result = clusters->found;
	SegmentStatus status;

	options.team = clustering->team;
	status = segment_kmeans(points, &options, result, memory);
	if (status == SEGMENT_DONE)
		clusters->k = result->k;
	return status;
}

static void
free_found(void *found, SegmentMemory memory)
{
	segment_kmeans_free(found, memory);
}

static double
expected_time(const SegmentClustering *clustering, int64 rows, int d)
{
	SegmentKmeansOptions options = segment_kmeans_options(clustering);

	return segment_kmeans_expected_time(&options, rows, d);
}

static int32 *
labels(const SegmentClusters *clusters)
{
	return ((const SegmentKmeansResult *) clusters->found)->labels;
}

static double
inertia(const SegmentClusters *clusters)
{
	return ((const SegmentKmeansResult *) clusters->found)->inertia;
}

/* ---- placing: centroids for segment_nearest ---- */

static void *
begin_placing(const SegmentClusters *clusters, int d, SegmentMemory memory)
{
	const SegmentKmeansResult *result = clusters->found;
	double	   *packed = segment_allocate(memory, segment_packed_size(clusters->k, d), sizeof(double));

	segment_pack_centroids(result->centroids, clusters->k, d, packed);
	return packed;
}

static int
place(const SegmentClusters *clusters, void *placing, int d, const double *x, const int32 *code)
{
	return segment_nearest(placing, clusters->k, d, x).number;
}

static void
end_placing(void *placing, SegmentMemory memory)
{
	memory.release(memory.ctx, placing);
}

const SegmentClusterMethod segment_kmeans_method = {
	.name = "kmeans",
	.max_iter = 300,
	.tol = 1e-4,
	.find = find,
	.found_size = sizeof(SegmentKmeansResult),
	.free = free_found,
	.directions = true,
	.place = place,
	.bytes_per_row = segment_kmeans_bytes_per_row,
	.begin_placing = begin_placing,
	.end_placing = end_placing,
	.expected_time = expected_time,
	.labels = labels,
	.inertia = inertia
};
