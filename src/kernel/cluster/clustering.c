/*
 * clustering.c: clusters found by any of the methods, and points labelled by them.
 *
 * For what has to be done with every method alike: clusters are found on some points,
 * a sample or all, and other points belong to them by the rule of the method, as
 * the rows of a model do:
 *
 *	k-means			the nearest centroid
 *	its hierarchy	down from split to split, each time to the nearer centroid
 *	k-prototypes	the nearest prototype
 *	mixture			the likeliest component
 *
 * Labels count from 0.  What a hierarchy of k clusters labels with a lower k is
 * what one found with that k would, as no split depends on later ones.
 */
#include "kernel/cluster/clustering.h"

#include "kernel/base/allocate.h"
#include "kernel/cluster/centroids.h"

static SegmentKmeansOptions
kmeans_options(const SegmentClustering *clustering)
{
	SegmentKmeansOptions options = {0};

	options.k = clustering->k;
	options.n_init = clustering->n_init;
	options.max_iter = clustering->max_iter;
	options.tol = clustering->tol;
	options.seed = clustering->seed;
	options.spherical = clustering->spherical;
	options.interrupted = clustering->interrupted;
	options.team = clustering->method == SEGMENT_KMEANS ? clustering->team : NULL;
	return options;
}

static SegmentPrototypesOptions
prototypes_options(const SegmentClustering *clustering)
{
	SegmentPrototypesOptions options = {0};

	options.k = clustering->k;
	options.n_init = clustering->n_init;
	options.max_iter = clustering->max_iter;
	options.gamma = clustering->gamma;
	options.code_weight = clustering->code_weight;
	options.n_categories = clustering->n_categories;
	options.seed = clustering->seed;
	options.interrupted = clustering->interrupted;
	return options;
}

static SegmentMixtureOptions
mixture_options(const SegmentClustering *clustering)
{
	SegmentMixtureOptions options = {0};

	options.kind = clustering->covariance;
	options.k = clustering->k;
	options.n_init = clustering->n_init;
	options.max_iter = clustering->max_iter;
	options.tol = clustering->tol;
	options.reg_covar = clustering->reg_covar;
	options.seed = clustering->seed;
	options.interrupted = clustering->interrupted;
	return options;
}

/* A hierarchy brings the points into the order of its clusters; the others leave them as they are. */
SegmentStatus
segment_find_clusters(SegmentPoints *points, const SegmentClustering *clustering,
					  SegmentClusters *clusters, SegmentMemory memory)
{
	SegmentKmeansOptions kmeans = kmeans_options(clustering);
	SegmentPrototypesOptions prototypes = prototypes_options(clustering);
	SegmentMixtureOptions mixture = mixture_options(clustering);
	SegmentStatus status = SEGMENT_DONE;

	clusters->method = clustering->method;
	switch (clustering->method)
	{
		case SEGMENT_KMEANS:
			status = segment_kmeans(points, &kmeans, &clusters->found.kmeans, memory);
			if (status == SEGMENT_DONE)
				clusters->k = clusters->found.kmeans.k;
			break;
		case SEGMENT_BISECTING:
			status = segment_bisecting(points, &kmeans, &clusters->found.hierarchy, memory);
			if (status == SEGMENT_DONE)
				clusters->k = clusters->found.hierarchy.n_splits + 1;
			break;
		case SEGMENT_KPROTOTYPES:
			status = segment_kprototypes(points, &prototypes, &clusters->found.prototypes, memory);
			if (status == SEGMENT_DONE)
			{
				segment_prototypes_pack(&clusters->found.prototypes.prototypes);
				clusters->k = clusters->found.prototypes.prototypes.k;
			}
			break;
		case SEGMENT_GAUSSIAN_MIXTURE:
			status = segment_mixture_fit(points, &mixture, &clusters->found.mixture, memory);
			if (status == SEGMENT_DONE)
				clusters->k = clusters->found.mixture.mixture.k;
			break;
	}
	return status;
}

void
segment_clusters_free(SegmentClusters *clusters, SegmentMemory memory)
{
	switch (clusters->method)
	{
		case SEGMENT_KMEANS:
			segment_kmeans_free(&clusters->found.kmeans, memory);
			break;
		case SEGMENT_BISECTING:
			segment_bisecting_free(&clusters->found.hierarchy, memory);
			break;
		case SEGMENT_KPROTOTYPES:
			segment_kprototypes_free(&clusters->found.prototypes, memory);
			break;
		case SEGMENT_GAUSSIAN_MIXTURE:
			segment_mixture_free(&clusters->found.mixture.mixture, memory);
			break;
	}
}

/* ---- labels ---- */

/* What placing a point takes, worked out once. */
typedef struct Placing
{
	const SegmentClusters *clusters;
	double	   *packed;			/* k-means: centroids for segment_nearest */
	int		   *number;			/* hierarchy: labels by node */
	double	   *room;			/* mixture: d */
	double	   *log_density;	/* mixture: k */
} Placing;

static void
begin_placing(Placing *placing, const SegmentClusters *clusters, int d, SegmentMemory memory)
{
	int			label = 0;
	int			i;

	placing->clusters = clusters;
	placing->packed = placing->room = placing->log_density = NULL;
	placing->number = NULL;
	switch (clusters->method)
	{
		case SEGMENT_KMEANS:
			placing->packed = segment_allocate(memory, segment_packed_size(clusters->k, d), sizeof(double));
			segment_pack_centroids(clusters->found.kmeans.centroids, clusters->k, d, placing->packed);
			break;
		case SEGMENT_BISECTING:
			placing->number = segment_allocate(memory, 2 * (uint64) clusters->k - 1, sizeof(int));
			for (i = 0; i < 2 * clusters->k - 1; i++)
				placing->number[i] = segment_bisecting_divided(&clusters->found.hierarchy, clusters->k - 1, i) ? -1 : label++;
			break;
		case SEGMENT_KPROTOTYPES:
			break;
		case SEGMENT_GAUSSIAN_MIXTURE:
			placing->room = segment_allocate(memory, d, sizeof(double));
			placing->log_density = segment_allocate(memory, clusters->k, sizeof(double));
			break;
	}
}

static void
end_placing(Placing *placing, SegmentMemory memory)
{
	void	   *parts[] = {placing->packed, placing->number, placing->room, placing->log_density};
	int			i;

	for (i = 0; i < (int) lengthof(parts); i++)
		if (parts[i] != NULL)
			memory.release(memory.ctx, parts[i]);
}

static int
place(const Placing *placing, int d, const double *x, const int32 *code)
{
	const SegmentClusters *clusters = placing->clusters;

	switch (clusters->method)
	{
		case SEGMENT_KMEANS:
			return segment_nearest(placing->packed, clusters->k, d, x).number;
		case SEGMENT_BISECTING:
			return placing->number[segment_bisecting_place(&clusters->found.hierarchy, clusters->k - 1, d, x)];
		case SEGMENT_KPROTOTYPES:
			return segment_nearest_prototype(&clusters->found.prototypes.prototypes, x, code).number;
		case SEGMENT_GAUSSIAN_MIXTURE:
			return segment_mixture_place(&clusters->found.mixture.mixture, x, placing->room, placing->log_density);
	}
	return 0;
}

/* The labels of the points that clusters were found on, where finding them left any; else NULL. */
int32 *
segment_found_labels(const SegmentClusters *clusters)
{
	if (clusters->method == SEGMENT_KMEANS)
		return clusters->found.kmeans.labels;
	if (clusters->method == SEGMENT_KPROTOTYPES)
		return clusters->found.prototypes.labels;
	return NULL;
}

/* The cluster of each point, 0 to k - 1, whether it took part in finding them or not. */
SegmentStatus
segment_label_points(const SegmentPoints *points, const SegmentClusters *clusters, int32 *labels,
					 SegmentMemory memory, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	const bool	squares = clusters->method == SEGMENT_GAUSSIAN_MIXTURE;
	const int64 between = segment_rows_between_checks((double) clusters->k * (d + points->n_codes) * (squares ? d : 1));
	SegmentStatus status = SEGMENT_DONE;
	Placing		placing;
	int64		i;

	begin_placing(&placing, clusters, d, memory);
	for (i = 0; i < points->n; i++)
	{
		if (i % between == 0 && interrupted != NULL && interrupted())
		{
			status = SEGMENT_INTERRUPTED;
			break;
		}
		labels[i] = place(&placing, d, points->x + i * d,
						  points->n_codes > 0 ? points->code + i * points->n_codes : NULL);
	}
	end_placing(&placing, memory);
	return status;
}
