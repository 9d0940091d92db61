/*
 * cluster_method_toy.c: a method of clustering in one file: clusters are the quantiles of
 * the first coordinate, the highest values first.  Nothing in the kernel knows of it, yet what
 * works with methods works with it: finding, labelling, cutting, stability, stopping.
 */
#include "kernel/quality/stability.h"
#include "points.h"

/* ---- the method ---- */

/* Descending; the first cluster is above the first of them. */
typedef struct ToyCuts
{
	int			n;
	double	   *cut;
} ToyCuts;

static int
descending(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x > y ? -1 : x < y;
}

/* own: a double that is added to every cut, to see that it comes here. */
static SegmentStatus
toy_find(SegmentPoints *points, const SegmentClustering *clustering, SegmentClusters *clusters,
		 SegmentMemory memory)
{
	ToyCuts    *cuts = clusters->found;
	double	   *value;
	int64		i;

	if (clustering->interrupted != NULL && clustering->interrupted())
		return SEGMENT_INTERRUPTED;
	value = memory.resize(memory.ctx, NULL, sizeof(double) * points->n);
	for (i = 0; i < points->n; i++)
		value[i] = points->x[i * points->d];
	qsort(value, points->n, sizeof(double), descending);
	cuts->n = clustering->k - 1;
	cuts->cut = memory.resize(memory.ctx, NULL, sizeof(double) * clustering->k);
	for (i = 0; i < cuts->n; i++)
		cuts->cut[i] = value[(i + 1) * points->n / clustering->k] +
			(clustering->own == NULL ? 0 : *(const double *) clustering->own);
	memory.release(memory.ctx, value);
	clusters->k = clustering->k;
	return SEGMENT_DONE;
}

static void
toy_free(void *found, SegmentMemory memory)
{
	memory.release(memory.ctx, ((ToyCuts *) found)->cut);
}

static int
toy_place(const SegmentClusters *clusters, void *placing, int d, const double *x, const int32 *code)
{
	const ToyCuts *cuts = clusters->found;
	int			c = 0;

	/* only so many are looked at: the others belong to the last one */
	while (c < clusters->k - 1 && x[0] <= cuts->cut[c])
		c++;
	return c;
}

static size_t
toy_bytes_per_row(int d)
{
	return sizeof(double);
}

static const SegmentClusterMethod toy = {
	.name = "quantiles",
	.max_iter = 1,
	.find = toy_find,
	.found_size = sizeof(ToyCuts),
	.free = toy_free,
	.nested = true,
	.place = toy_place,
	.bytes_per_row = toy_bytes_per_row
};

/* ---- what is done with any method ---- */

enum
{
	N = 400,
	D = 2
};

static SegmentClustering
clustering_by_toy(int k)
{
	SegmentClustering clustering;

	memset(&clustering, 0, sizeof(clustering));
	clustering.method = &toy;
	clustering.k = k;
	return clustering;
}

/* The first coordinates are 0 to N - 1. */
static void
make_rows(SegmentPoints *points)
{
	double		x[N * D];
	int			i;

	for (i = 0; i < N; i++)
	{
		x[i * D] = i * 7 % N;
		x[i * D + 1] = uniform();
	}
	make_points(points, x, NULL, N, D);
}

static void
test_labels(void)
{
	SegmentMemory memory = tap_memory();
	SegmentClustering clustering = clustering_by_toy(4);
	const double own = 50;
	SegmentPoints points;
	SegmentClusters clusters;
	int32		labels[N];
	int64		blocks;
	bool		right = true;
	bool		cut = true;
	bool		moved = true;
	int			i;

	make_rows(&points);
	blocks = tap_blocks;
	ok(segment_find_clusters(&points, &clustering, &clusters, memory) == SEGMENT_DONE &&
	   clusters.k == 4, "quarters");
	ok(segment_found_labels(&clusters) == NULL, "it leaves no labels");
	segment_label_points(&points, &clusters, labels, memory, NULL);
	for (i = 0; i < N; i++)
		right = right && labels[i] == (N - 1 - (int) points.x[i * D]) / 100;
	ok(right, "a point is where its first coordinate says");
	clusters.k = 2;
	segment_label_points(&points, &clusters, labels, memory, NULL);
	for (i = 0; i < N; i++)
		cut = cut && labels[i] == (points.x[i * D] < 300);
	ok(cut, "with fewer clusters, the last one takes the rest");
	segment_clusters_free(&clusters, memory);

	clustering.own = &own;
	segment_find_clusters(&points, &clustering, &clusters, memory);
	segment_label_points(&points, &clusters, labels, memory, NULL);
	for (i = 0; i < N; i++)
		moved = moved && (labels[i] == 0) == (points.x[i * D] >= 350);
	ok(moved, "what is its own comes to it");
	segment_clusters_free(&clusters, memory);
	ok(tap_blocks == blocks, "nothing is left behind");
	segment_points_free(&points, memory);
}

static void
test_stability(void)
{
	SegmentPoints points;
	SegmentStability stability;
	int32		labels[N];
	double		of_k,
				of_labels,
				of_others;
	int			i;

	make_rows(&points);
	memset(&stability, 0, sizeof(stability));
	stability.points = &points;
	stability.clustering = clustering_by_toy(4);
	stability.seed = 1;
	stability.memory = tap_memory();
	segment_stability_of_k(&stability, 5, &of_k);
	ok(of_k > 0.85 && of_k < 1, "quarters of subsamples differ little");
	for (i = 0; i < N; i++)
		labels[i] = (int) points.x[i * D] / 100;
	segment_stability_of_labels(&stability, labels, 4, 5, &of_labels);
	ok(of_labels > 0.85 && of_labels < 1, "quarters come out again");
	for (i = 0; i < N; i++)
		labels[i] = points.x[i * D + 1] > 0.5;
	segment_stability_of_labels(&stability, labels, 2, 5, &of_others);
	ok(fabs(of_others) < 0.05, "what the second coordinate says does not");
	segment_points_free(&points, tap_memory());
}

static int	looks_left;

static bool
no_more_looks(void)
{
	return --looks_left < 0;
}

static void
test_interrupt(void)
{
	SegmentMemory memory = tap_memory();
	SegmentClustering clustering = clustering_by_toy(3);
	SegmentPoints points;
	SegmentClusters clusters;
	int32		labels[N];
	int64		blocks;

	make_rows(&points);
	clustering.interrupted = no_more_looks;
	blocks = tap_blocks;
	looks_left = 0;
	ok(segment_find_clusters(&points, &clustering, &clusters, memory) == SEGMENT_INTERRUPTED &&
	   tap_blocks == blocks, "finding stops, and leaves nothing behind");
	looks_left = 1;
	ok(segment_find_clusters(&points, &clustering, &clusters, memory) == SEGMENT_DONE &&
	   segment_label_points(&points, &clusters, labels, memory, no_more_looks) == SEGMENT_INTERRUPTED,
	   "labelling stops");
	segment_clusters_free(&clusters, memory);
	ok(tap_blocks == blocks, "and leaves nothing behind");
	segment_points_free(&points, memory);
}

int
main(void)
{
	test_labels();
	test_stability();
	test_interrupt();
	return done();
}
