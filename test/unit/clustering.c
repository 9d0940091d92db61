/*
 * clustering.c: clusters of every method: labels are those that finding them gave, cuts of
 * a hierarchy those of finding fewer, other points go by the rule of the method; stability
 * of each; stopping leaves nothing behind.
 */
#include "kernel/cluster/bisecting.h"
#include "kernel/cluster/kprototypes.h"
#include "kernel/cluster/mixture.h"
#include "kernel/quality/stability.h"
#include "points.h"

static const SegmentClusterMethod *const methods[] = {
	&segment_kmeans_method,
	&segment_bisecting_method,
	&segment_kprototypes_method,
	&segment_mixture_method
};

enum
{
	N = 300,
	D = 2,
	CODES = 2,
	CATEGORIES = 4
};

static const double code_weight[CODES] = {1, 2.5};
static const int n_categories[CODES] = {CATEGORIES, CATEGORIES};

static const SegmentPrototypesOptions prototypes_own = {
	.gamma = 0.5, .code_weight = code_weight, .n_categories = n_categories
};
static const SegmentMixtureOptions mixture_own = {.kind = SEGMENT_FULL, .reg_covar = 1e-6};

static SegmentClustering
clustering_by(const SegmentClusterMethod *method, int k)
{
	SegmentClustering clustering;

	memset(&clustering, 0, sizeof(clustering));
	clustering.method = method;
	clustering.k = k;
	clustering.n_init = 3;
	clustering.max_iter = 200;
	clustering.tol = 1e-6;
	clustering.seed = 7;
	if (method == &segment_kprototypes_method)
		clustering.own = &prototypes_own;
	if (method == &segment_mixture_method)
		clustering.own = &mixture_own;
	return clustering;
}

/* Four corners of a square, categories that mostly follow them. */
static void
make_rows(SegmentPoints *points, const SegmentClusterMethod *method, double width)
{
	static double x[N * D];
	static int32 code[N * CODES];
	int			i;

	for (i = 0; i < N; i++)
	{
		x[i * D] = i % 2 + width * (uniform() - 0.5);
		x[i * D + 1] = i / 2 % 2 + width * (uniform() - 0.5);
		code[i * CODES] = width > 0.5 && random64() % 4 == 0 ? (int32) (random64() % CATEGORIES) : i % 4;
		code[i * CODES + 1] = i % 2;
	}
	make_mixed_points(points, x, code, NULL, N, D, method->mismatch != NULL ? CODES : 0);
}

static SegmentPoints
copy_of(const SegmentPoints *points)
{
	SegmentMemory memory = tap_memory();
	SegmentPoints copy = *points;

	copy.x = memory.resize(memory.ctx, NULL, sizeof(double) * (points->n * points->d));
	copy.hash = memory.resize(memory.ctx, NULL, sizeof(uint64) * points->n);
	memcpy(copy.x, points->x, sizeof(double) * (points->n * points->d));
	memcpy(copy.hash, points->hash, sizeof(uint64) * points->n);
	if (points->n_codes > 0)
	{
		copy.code = memory.resize(memory.ctx, NULL, sizeof(int32) * (points->n * points->n_codes));
		memcpy(copy.code, points->code, sizeof(int32) * (points->n * points->n_codes));
	}
	return copy;
}

/* How far a point is from a cluster, by the textbook. */
static double
distance_to(const SegmentClusters *clusters, int c, const SegmentPoints *points, int64 i)
{
	const double *x = points->x + i * D;
	double		sum = 0;
	int			j;

	if (clusters->method == &segment_kmeans_method)
	{
		const double *center = ((SegmentKmeansResult *) clusters->found)->centroids + c * D;

		for (j = 0; j < D; j++)
			sum += (x[j] - center[j]) * (x[j] - center[j]);
	}
	else if (clusters->method == &segment_kprototypes_method)
	{
		const SegmentPrototypesResult *result = clusters->found;
		const double *center = result->prototypes.value + c * (D + CODES);

		for (j = 0; j < D; j++)
			sum += (x[j] - center[j]) * (x[j] - center[j]);
		for (j = 0; j < CODES; j++)
			sum += points->code[i * CODES + j] != (int32) center[D + j] ? 0.5 * code_weight[j] : 0;
	}
	else
	{
		const SegmentMixture *mixture = &((SegmentMixtureFit *) clusters->found)->mixture;
		const double *v = mixture->covariance + c * 3;	/* a, b, c of ((a b) (b c)) */
		double		dx = x[0] - mixture->mean[c * D];
		double		dy = x[1] - mixture->mean[c * D + 1];
		double		det = v[0] * v[2] - v[1] * v[1];

		sum = (dx * dx * v[2] - 2 * dx * dy * v[1] + dy * dy * v[0]) / det + log(det) - 2 * log(mixture->weight[c]);
	}
	return sum;
}

static void
test_nearest(const SegmentClusterMethod *method)
{
	SegmentMemory memory = tap_memory();
	SegmentClustering clustering = clustering_by(method, 5);
	SegmentPoints points;
	SegmentPoints others;
	SegmentClusters clusters;
	int32		labels[N];
	const int32 *own;
	bool		nearest = true;
	bool		used[5] = {false};
	int64		i;
	int			c;

	make_rows(&points, method, 0.9);
	make_rows(&others, method, 2.0);
	ok(segment_find_clusters(&points, &clustering, &clusters, memory) == SEGMENT_DONE &&
	   clusters.k == 5, method->name);
	ok(segment_label_points(&points, &clusters, labels, memory, NULL) == SEGMENT_DONE, method->name);
	own = segment_found_labels(&clusters);
	ok((own != NULL) == (method == &segment_kmeans_method || method == &segment_kprototypes_method),
	   "which methods leave labels");
	if (own != NULL)
		ok(memcmp(labels, own, sizeof(int32) * points.n) == 0, "labels are those of the search");
	segment_label_points(&others, &clusters, labels, memory, NULL);
	for (i = 0; i < others.n; i++)
	{
		used[labels[i]] = true;
		for (c = 0; c < 5; c++)
			nearest = nearest && distance_to(&clusters, labels[i], &others, i) <= distance_to(&clusters, c, &others, i) + 1e-9;
	}
	ok(nearest, "other points go to the nearest");
	ok(used[0] && used[1] && used[2] && used[3] && used[4], "to all of them");
	segment_clusters_free(&clusters, memory);
	segment_points_free(&points, memory);
	segment_points_free(&others, memory);
}

static double
square(double x)
{
	return x * x;
}

/* A cut is what fewer clusters would have been; labels count through its clusters. */
static void
test_cuts(void)
{
	SegmentMemory memory = tap_memory();
	SegmentPoints points;
	SegmentPoints room;
	SegmentClustering clustering = clustering_by(&segment_bisecting_method, 9);
	SegmentClusters whole;
	int32		finer[N];
	int			k;

	make_rows(&points, &segment_bisecting_method, 0.9);
	room = copy_of(&points);
	segment_find_clusters(&room, &clustering, &whole, memory);
	segment_points_free(&room, memory);
	ok(whole.k == 9, "nine clusters");
	segment_label_points(&points, &whole, finer, memory, NULL);
	for (k = 9; k >= 1; k--)
	{
		SegmentClusters fewer;
		int32		cut[N];
		int32		again[N];
		int32		above[9];
		double		size[9] = {0};
		double		mean[9][D] = {{0}};
		double		inertia = 0;
		bool		coarser = true;
		bool		filled = true;
		int64		i;
		int			c;

		clustering.k = k;
		room = copy_of(&points);
		segment_find_clusters(&room, &clustering, &fewer, memory);
		whole.k = k;
		segment_label_points(&points, &whole, cut, memory, NULL);
		segment_label_points(&points, &fewer, again, memory, NULL);
		ok(memcmp(cut, again, sizeof(int32) * points.n) == 0, "a cut is what fewer clusters are");
		for (c = 0; c < 9; c++)
			above[c] = -1;
		for (i = 0; i < points.n; i++)
		{
			size[cut[i]]++;
			coarser = coarser && (above[finer[i]] < 0 || above[finer[i]] == cut[i]);
			above[finer[i]] = cut[i];
			mean[cut[i]][0] += points.x[i * D];
			mean[cut[i]][1] += points.x[i * D + 1];
		}
		for (i = 0; i < points.n; i++)
			inertia += square(points.x[i * D] - mean[cut[i]][0] / size[cut[i]]) +
				square(points.x[i * D + 1] - mean[cut[i]][1] / size[cut[i]]);
		ok(fabs(whole.method->inertia(&whole) - inertia) < 1e-9, "the inertia of a cut");
		for (c = 0; c < k; c++)
			filled = filled && size[c] > 0;
		ok(coarser && filled, "clusters of a cut are made of whole ones, and numbered through");
		segment_clusters_free(&fewer, memory);
		segment_points_free(&room, memory);
	}
	whole.k = 9;
	segment_clusters_free(&whole, memory);
	segment_points_free(&points, memory);
}

static void
test_stability(const SegmentClusterMethod *method)
{
	SegmentPoints points;
	SegmentStability stability;
	int32		labels[N];
	double		four,
				seven,
				again,
				other;
	int64		i;

	memset(&stability, 0, sizeof(stability));
	stability.seed = 1;
	stability.count_weights = true;
	stability.memory = tap_memory();
	stability.points = &points;
	stability.clustering = clustering_by(method, 4);
	make_rows(&points, method, 0.4);
	segment_stability_of_k(&stability, 4, &four);
	ok(four == 1, "four corners are found in every sample");
	for (i = 0; i < points.n; i++)
		labels[i] = (points.x[i * D] > 0.5) + 2 * (points.x[i * D + 1] > 0.5);
	segment_stability_of_labels(&stability, labels, 4, 4, &again);
	ok(again == 1, "labels of the corners come out again");
	for (i = 0; i < points.n; i++)
		labels[i] = i % 7;
	segment_stability_of_labels(&stability, labels, 7, 4, &again);
	ok(fabs(again) < 0.1, "more labels than clusters, by chance");
	stability.clustering.k = 7;
	segment_stability_of_k(&stability, 4, &seven);
	ok(seven > 0.2 && seven < 0.99, "seven are not there");
	segment_stability_of_k(&stability, 4, &again);
	stability.seed = segment_mix64(2);
	segment_stability_of_k(&stability, 4, &other);
	ok(again == seven && other != seven, "the seed draws the samples, and nothing else does");
	segment_points_free(&points, tap_memory());
}

/* What a method is judged by is what its labels say, by plain sums; and what each one has. */
static void
test_figures(void)
{
	SegmentMemory memory = tap_memory();
	int			i;

	for (i = 0; i < (int) lengthof(methods); i++)
	{
		const SegmentClusterMethod *method = methods[i];
		SegmentClustering clustering = clustering_by(method, 5);
		SegmentPoints points;
		SegmentClusters clusters;
		int32		labels[N];
		double		sum = 0;
		int64		r;

		make_rows(&points, method, 0.9);
		segment_find_clusters(&points, &clustering, &clusters, memory);
		segment_label_points(&points, &clusters, labels, memory, NULL);
		ok((method->inertia != NULL) ==
		   (method == &segment_kmeans_method || method == &segment_bisecting_method) &&
		   (method->cost != NULL) == (method == &segment_kprototypes_method) &&
		   (method->bic != NULL) == (method == &segment_mixture_method), "the figures that it has");
		if (method == &segment_kmeans_method || method == &segment_kprototypes_method)
		{
			for (r = 0; r < points.n; r++)
				sum += distance_to(&clusters, labels[r], &points, r);
			if (method->cost != NULL)
				sum -= method->cost(&clusters);
			else
				sum -= method->inertia(&clusters);
			ok(fabs(sum) < 1e-9, "the sum of distances");
		}
		if (method->mismatch != NULL)
			ok(method->mismatch(&clusters)[0] == 0.5 && method->mismatch(&clusters)[1] == 1.25,
			   "what categories cost");
		if (method->bic != NULL)
		{
			/* k full covariances: 6 parameters each, but for one weight */
			for (r = 0; r < points.n; r++)
			{
				double		density = 0;
				int			c;

				for (c = 0; c < 5; c++)
					density += exp(-distance_to(&clusters, c, &points, r) / 2);
				sum += log(density / (2 * M_PI));
			}
			ok(fabs(method->bic(&clusters, N) - (29 * log(N) - 2 * sum)) < 1e-6, "its likelihood");
		}
		segment_clusters_free(&clusters, memory);
		segment_points_free(&points, memory);
	}
}

static int	looks_left;

static bool
no_more_looks(void)
{
	return --looks_left < 0;
}

static void
test_interrupt(const SegmentClusterMethod *method)
{
	SegmentMemory memory = tap_memory();
	SegmentClustering clustering = clustering_by(method, 3);
	SegmentPoints points;
	SegmentClusters clusters;
	int32		labels[N];
	int64		blocks;
	int			at;
	int			stopped = 0;
	bool		clean = true;

	make_rows(&points, method, 0.9);
	clustering.interrupted = no_more_looks;
	blocks = tap_blocks;
	for (at = 0; at < 100; at++)
	{
		SegmentPoints room = copy_of(&points);

		looks_left = at;
		if (segment_find_clusters(&room, &clustering, &clusters, memory) == SEGMENT_INTERRUPTED)
			stopped++;
		else
		{
			looks_left = 0;
			stopped += segment_label_points(&points, &clusters, labels, memory, no_more_looks) == SEGMENT_INTERRUPTED;
			segment_clusters_free(&clusters, memory);
		}
		segment_points_free(&room, memory);
		clean = clean && tap_blocks == blocks;
	}
	ok(stopped == 100, "stops when asked to");
	ok(clean, "and leaves nothing behind");
	segment_points_free(&points, memory);
}

int
main(void)
{
	int			i;

	for (i = 0; i < (int) lengthof(methods); i++)
	{
		if (!methods[i]->nested)
			test_nearest(methods[i]);
		test_stability(methods[i]);
		test_interrupt(methods[i]);
	}
	test_cuts();
	test_figures();
	return done();
}
