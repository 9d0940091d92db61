/*
 * clustering.c: clusters found by any method, and points labelled by them.
 *
 * For what has to be done with every method alike: clusters are found on some points,
 * a sample or all, and other points belong to them by the rule of the method, as
 * the rows of a model do.  What a method is, its SegmentClusterMethod says; nothing here
 * knows one by name.
 *
 *	k-means			the nearest centroid					kmeans_method.c
 *	its hierarchy	down from split to split, each time to	bisecting_method.c
 *					the nearer centroid
 *	k-prototypes	the nearest prototype					kprototypes_method.c
 *	mixture			the likeliest component					mixture_method.c
 *
 * Labels count from 0.  What a nested method labels with a lower k is what it would
 * have found with that k.
 */
#include "kernel/cluster/clustering.h"

#include "kernel/base/allocate.h"

/* A method that reorders changes the order of the points; the others leave them as they are. */
SegmentStatus
segment_find_clusters(SegmentPoints *points, const SegmentClustering *clustering,
					  SegmentClusters *clusters, SegmentMemory memory)
{
	const SegmentClusterMethod *method = clustering->method;
	SegmentStatus status;

	clusters->method = method;
	clusters->found = segment_allocate(memory, 1, method->found_size);
	status = method->find(points, clustering, clusters, memory);
	if (status == SEGMENT_INTERRUPTED)
		memory.release(memory.ctx, clusters->found);
	return status;
}

void
segment_clusters_free(SegmentClusters *clusters, SegmentMemory memory)
{
	clusters->method->free(clusters->found, memory);
	memory.release(memory.ctx, clusters->found);
}

/* The labels of the points that clusters were found on, where finding them left any; else NULL. */
int32 *
segment_found_labels(const SegmentClusters *clusters)
{
	return clusters->method->labels == NULL ? NULL : clusters->method->labels(clusters);
}

/* Multiplications that placing a point takes. */
static double
work_per_row(const SegmentPoints *points, const SegmentClusters *clusters)
{
	if (clusters->method->work_per_row != NULL)
		return clusters->method->work_per_row(clusters, points->d);
	return (double) clusters->k * (points->d + points->n_codes);
}

/* The cluster of each point, 0 to k - 1, whether it took part in finding them or not. */
SegmentStatus
segment_label_points(const SegmentPoints *points, const SegmentClusters *clusters, int32 *labels,
					 SegmentMemory memory, SegmentInterrupted interrupted)
{
	const SegmentClusterMethod *method = clusters->method;
	const int	d = points->d;
	const int64 between = segment_rows_between_checks(work_per_row(points, clusters));
	SegmentStatus status = SEGMENT_DONE;
	void	   *placing = NULL;
	int64		i;

	if (method->begin_placing != NULL)
		placing = method->begin_placing(clusters, d, memory);
	for (i = 0; i < points->n; i++)
	{
		if (i % between == 0 && interrupted != NULL && interrupted())
		{
			status = SEGMENT_INTERRUPTED;
			break;
		}
		labels[i] = method->place(clusters, placing, d, points->x + i * d,
								  points->n_codes > 0 ? points->code + i * points->n_codes : NULL);
	}
	if (placing != NULL)
		method->end_placing(placing, memory);
	return status;
}
