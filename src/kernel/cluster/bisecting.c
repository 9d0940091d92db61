/*
 * bisecting.c: bisecting k-means: one cluster of all points, of which again and
 * again the one with the largest inertia is divided into two by k-means
 * (Steinbach, Karypis, Kumar 2000; choice and stop as in scikit-learn's
 * BisectingKMeans with "biggest_inertia").  Equal inertias: the cluster that was
 * made first.
 *
 * What is divided depends on nothing that comes later, so the first k - 1 splits
 * are the hierarchy for k clusters.
 *
 *			 0				splits in their order: 0, 2, 1
 *		   /   \			children of split s are the nodes 2 s + 1 and 2 s + 2
 *		  1		2
 *		 / \   / \
 *		5	6 3	  4
 *
 * Points of a cluster lie side by side: a split moves those of the second child
 * behind those of the first, each in the order they had.  So every cluster is a
 * set of points in canonical order by itself, and k-means runs on it where it
 * lies.  The seed of a split follows from its node.
 */
#include "kernel/cluster/bisecting.h"

#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"
#include "kernel/cluster/centroids.h"

/* rows between two questions whether to go on */
#define ROWS_BETWEEN_CHECKS 4096

/* Bytes for a point, beside the point itself: k-means with k = 2, and half of a move. */
size_t
segment_bisecting_memory_per_row(int d)
{
	return segment_kmeans_bytes_per_row(d) + sizeof(double) * (d + 2);
}

static bool
interrupted(const SegmentKmeansOptions *options)
{
	return options->interrupted != NULL && options->interrupted();
}

/* The points of a cluster, as if they were all. */
static SegmentPoints
points_of(const SegmentPoints *points, const SegmentBisectingNode *node)
{
	SegmentPoints part = *points;
	int64		i;

	part.n = node->to - node->from;
	part.x = points->x + node->from * points->d;
	part.hash = points->hash + node->from;
	part.weight = points->weight == NULL ? NULL : points->weight + node->from;
	part.n_codes = 0;
	part.code = NULL;
	part.total_weight = 0;
	for (i = 0; i < part.n; i++)
		part.total_weight += segment_point_weight(&part, i);
	return part;
}

static void
copy_point(const SegmentPoints *from, int64 i, SegmentPoints *to, int64 at)
{
	memmove(to->x + at * from->d, from->x + i * from->d, sizeof(double) * from->d);
	to->hash[at] = from->hash[i];
	if (from->weight != NULL)
		to->weight[at] = from->weight[i];
}

/* Moves the points labelled 1 behind those labelled 0; n_first: how many of these there are. */
static SegmentStatus
part_points(SegmentPoints *points, const int32 *labels, int64 n_first,
			const SegmentKmeansOptions *options, SegmentMemory memory)
{
	int64		n_second = points->n - n_first;
	SegmentPoints second = *points;
	SegmentStatus status = SEGMENT_DONE;
	int64		kept = 0;
	int64		moved = 0;
	int64		i;

	second.x = segment_allocate_rows(memory, n_second, points->d, sizeof(double));
	second.hash = segment_allocate(memory, n_second, sizeof(uint64));
	second.weight = points->weight == NULL ? NULL : segment_allocate(memory, n_second, sizeof(double));
	for (i = 0; i < points->n; i++)
	{
		if (i % ROWS_BETWEEN_CHECKS == 0 && interrupted(options))
		{
			status = SEGMENT_INTERRUPTED;
			break;
		}
		if (labels[i] == 0)
			copy_point(points, i, points, kept++);
		else
			copy_point(points, i, &second, moved++);
	}
	for (i = 0; i < moved && status == SEGMENT_DONE; i++)
		copy_point(&second, i, points, n_first + i);
	segment_points_free(&second, memory);
	return status;
}

/* The two children of a node that k-means has divided; false: one is empty. */
static bool
make_children(const SegmentPoints *part, const SegmentBisectingNode *parent,
			  const SegmentKmeansResult *found, SegmentBisectingNode *child)
{
	int64		n[2] = {0, 0};
	int64		i;

	memset(child, 0, sizeof(SegmentBisectingNode) * 2);
	for (i = 0; i < part->n; i++)
	{
		child[found->labels[i]].size += segment_point_weight(part, i);
		n[found->labels[i]]++;
	}
	child[0].from = parent->from;
	child[0].to = child[1].from = parent->from + n[0];
	child[1].to = parent->to;
	return n[0] > 0 && n[1] > 0;
}

/* Divides a node, or marks it as whole. */
static SegmentStatus
split(SegmentPoints *points, const SegmentKmeansOptions *options, SegmentBisectingResult *result,
	  int number, SegmentMemory memory)
{
	SegmentBisectingNode *node = &result->node[number];
	SegmentBisectingNode *child = &result->node[2 * result->n_splits + 1];
	SegmentPoints part = points_of(points, node);
	SegmentKmeansOptions two = *options;
	SegmentKmeansResult found;
	SegmentStatus status;
	double		inertia[2];

	two.k = 2;
	two.initial = NULL;
	two.seed = segment_numbered_seed(options->seed, number);
	if (segment_kmeans(&part, &two, &found, memory) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	if (!make_children(&part, node, &found, child))
	{
		node->whole = true;
		segment_kmeans_free(&found, memory);
		return SEGMENT_DONE;
	}
	status = segment_cluster_inertia(&part, found.centroids, found.labels, 2, inertia,
									 options->interrupted);
	if (status == SEGMENT_DONE)
		status = part_points(&part, found.labels, child[0].to - child[0].from, options, memory);
	if (status == SEGMENT_DONE)
	{
		child[0].inertia = inertia[0];
		child[1].inertia = inertia[1];
		memcpy(result->centroids + (size_t) (2 * result->n_splits + 1) * points->d, found.centroids,
			   sizeof(double) * 2 * points->d);
		node->first_child = 2 * result->n_splits + 1;
		node->iterations = found.iterations;
		node->converged = found.converged;
		result->n_splits++;
	}
	segment_kmeans_free(&found, memory);
	return status;
}

/* All points as one cluster. */
static SegmentStatus
make_root(const SegmentPoints *points, const SegmentKmeansOptions *options,
		  SegmentBisectingResult *result, SegmentMemory memory)
{
	SegmentBisectingNode *root = &result->node[0];
	SegmentKmeansOptions one = *options;
	SegmentKmeansResult found;

	memset(root, 0, sizeof(*root));
	root->to = points->n;
	root->size = points->total_weight;
	/* from wherever, one step leads to the mean */
	one.k = 1;
	one.n_init = 1;
	one.max_iter = 1;
	one.tol = 0;
	one.initial = points->x;
	if (segment_kmeans(points, &one, &found, memory) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	memcpy(result->centroids, found.centroids, sizeof(double) * points->d);
	root->inertia = found.inertia;
	segment_kmeans_free(&found, memory);
	return SEGMENT_DONE;
}

/* The cluster to be divided next; -1: none can be. */
static int
widest(const SegmentBisectingResult *result)
{
	int			number = -1;
	double		most = 0;
	int			i;

	for (i = 0; i < 1 + 2 * result->n_splits; i++)
	{
		const SegmentBisectingNode *node = &result->node[i];

		if (node->first_child == 0 && !node->whole && node->inertia > most)
		{
			most = node->inertia;
			number = i;
		}
	}
	return number;
}

/*
 * Divides the points into options->k clusters, or as many as there can be.
 * Points are brought into the order of clusters.  options->initial is not used.
 */
SegmentStatus
segment_bisecting(SegmentPoints *points, const SegmentKmeansOptions *options,
				  SegmentBisectingResult *result, SegmentMemory memory)
{
	uint64		n_nodes = 2 * (uint64) options->k - 1;
	SegmentStatus status;

	result->n_splits = 0;
	result->node = segment_allocate(memory, n_nodes, sizeof(SegmentBisectingNode));
	result->centroids = segment_allocate_rows(memory, n_nodes, points->d, sizeof(double));
	status = make_root(points, options, result, memory);
	while (status == SEGMENT_DONE && result->n_splits < options->k - 1)
	{
		int			number = widest(result);

		if (number < 0)
			break;
		status = interrupted(options) ? SEGMENT_INTERRUPTED
			: split(points, options, result, number, memory);
	}
	if (status == SEGMENT_INTERRUPTED)
		segment_bisecting_free(result, memory);
	return status;
}

void
segment_bisecting_free(SegmentBisectingResult *result, SegmentMemory memory)
{
	memory.release(memory.ctx, result->node);
	memory.release(memory.ctx, result->centroids);
}

/* ---- what was found ---- */

/* Whether a node is among those that the first n_splits divide. */
bool
segment_bisecting_divided(const SegmentBisectingResult *result, int n_splits, int node)
{
	int			child = result->node[node].first_child;

	return child > 0 && child < 2 * n_splits + 1;
}

/* The node that a row belongs to after the first n_splits: down, each time to the nearer of two. */
int
segment_bisecting_place(const SegmentBisectingResult *result, int n_splits, int d, const double *x)
{
	int			node = 0;

	while (segment_bisecting_divided(result, n_splits, node))
	{
		int			child = result->node[node].first_child;
		const double *center = result->centroids + (size_t) child * d;

		node = child + (segment_distance(x, center + d, d) < segment_distance(x, center, d));
	}
	return node;
}
