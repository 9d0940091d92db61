/*
 * kmeans.c: k-means compared with the plain algorithm, step by step.
 */
#include "kernel/cluster/kmeans.h"

#include "kernel/base/fixed_sum.h"
#include "points.h"

/* ---- the plain algorithm: all distances, all sums, at each step ---- */

static double
plain_distance(const double *a, const double *b, int d)
{
	double		sum = 0;
	int			j;

	for (j = 0; j < d; j++)
		sum += (a[j] - b[j]) * (a[j] - b[j]);
	return sum;
}

static int
plain_nearest(const double *centroids, int k, int d, const double *x)
{
	int			best = 0;
	int			c;

	for (c = 1; c < k; c++)
		if (plain_distance(x, centroids + c * d, d) < plain_distance(x, centroids + best * d, d))
			best = c;
	return best;
}

/* Lloyd's steps until nothing changes; returns how many, -1 when a cluster got empty. */
static int
plain_kmeans(const SegmentPoints *points, int k, double *centroids, int32 *labels, int max_iter)
{
	SegmentGrid grid;
	SegmentFixedSums sums;
	int			steps = 0;
	int64		i;
	int			c;

	segment_grid_init(&grid, points, tap_memory());
	segment_fixed_sums_init(&sums, k, points->d, 1, tap_memory());
	for (i = 0; i < points->n; i++)
		labels[i] = -1;
	for (;;)
	{
		bool		changed = false;

		for (i = 0; i < points->n; i++)
		{
			int			nearest = plain_nearest(centroids, k, points->d, points->x + i * points->d);

			changed = changed || nearest != labels[i];
			labels[i] = nearest;
		}
		if (!changed || steps == max_iter)
			break;
		segment_fixed_sums_clear(&sums);
		for (i = 0; i < points->n; i++)
			segment_fixed_sums_add_weighted(&sums, &grid, labels[i], points->x + i * points->d,
											segment_point_weight(points, i), 1);
		segment_fixed_sums_settle(&sums, &grid);
		for (c = 0; c < k; c++)
		{
			if (sums.weight[c] == 0)
				steps = -1000000;
			else
				segment_fixed_sums_mean(&sums, &grid, c, centroids + c * points->d);
		}
		steps++;
		if (steps < 0)
			break;
	}
	if (steps >= 0 && steps < max_iter)
	{
		segment_fine_means(points, &grid, labels, k, centroids, tap_memory(), NULL);
		for (i = 0; i < points->n; i++)
			labels[i] = plain_nearest(centroids, k, points->d, points->x + i * points->d);
	}
	segment_grid_free(&grid, tap_memory());
	segment_fixed_sums_free(&sums, tap_memory());
	return steps;
}

/* Makes rows hard to measure in single precision. */
static void
distort(double *x, int n, int d, int how)
{
	int			i;

	switch (how)
	{
		case 1:					/* far from zero */
			for (i = 0; i < n * d; i++)
				x[i] += 1e9;
			break;
		case 2:					/* one far from all others */
			x[0] = 1e9;
			break;
		case 3:					/* squares that are no floats */
			for (i = 0; i < n * d; i++)
				x[i] *= i % 2 ? 1e-30 : 1e-60;
			break;
		case 4:
			for (i = 0; i < n * d; i++)
				x[i] *= 1e90;
			break;
		case 5:					/* nearly as far from one as from another */
			for (i = 0; i < n * d; i++)
				x[i] = floor(x[i]) + 1e-9 * (random64() % 3);
			break;
	}
}

static void
test_against_plain(void)
{
	int			round;
	int			compared = 0;
	bool		same_labels = true;
	bool		same_centroids = true;
	bool		same_steps = true;

	for (round = 0; round < 240; round++)
	{
		int			n = 1 + (int) (random64() % 3000);
		int			d = 1 + (int) (random64() % 12);
		int			k;
		double	   *x = malloc(sizeof(double) * n * d);
		double	   *weight = round % 3 == 0 ? malloc(sizeof(double) * n) : NULL;
		double	   *initial;
		int32	   *labels;
		SegmentPoints points;
		SegmentKmeansResult result;
		SegmentKmeansOptions options = {0};
		int			steps;
		int			c;
		int			i;

		random_rows(x, n, d, 7, round % 2 ? 0.3 : 2.0);
		/* few distinct values bring ties */
		for (i = 0; round % 5 == 0 && i < n * d; i++)
			x[i] = floor(x[i] * 4) / 4;
		distort(x, n, d, round % 7);
		for (i = 0; weight != NULL && i < n; i++)
			weight[i] = round % 2 ? 1 + random64() % 5 : uniform() + 0.01;
		make_points(&points, x, weight, n, d);
		k = 1 + (int) (random64() % Min(points.n, 40));
		initial = malloc(sizeof(double) * k * d);
		labels = malloc(sizeof(int32) * points.n);
		for (c = 0; c < k; c++)
			memcpy(initial + c * d, points.x + (points.n / k) * c * d, sizeof(double) * d);
		/* one centroid to begin with is beyond all floats */
		if (round % 11 == 0)
			initial[random64() % (k * d)] = round % 2 ? 1e70 : -1e30;
		options.k = k;
		options.n_init = 1;
		options.max_iter = 200;
		options.initial = initial;
		segment_kmeans(&points, &options, &result, tap_memory());
		steps = plain_kmeans(&points, k, initial, labels, 200);
		if (steps >= 0)
		{
			compared++;
			same_steps = same_steps && steps == result.iterations;
			same_labels = same_labels && memcmp(labels, result.labels, sizeof(int32) * points.n) == 0;
			same_centroids = same_centroids &&
				memcmp(initial, result.centroids, sizeof(double) * k * d) == 0;
		}
		segment_kmeans_free(&result, tap_memory());
		segment_points_free(&points, tap_memory());
		free(initial);
		free(labels);
		free(weight);
		free(x);
	}
	ok(compared > 120, "enough random sets to compare");
	ok(same_steps, "as many steps as the plain algorithm");
	ok(same_labels, "the labels of the plain algorithm");
	ok(same_centroids, "its centroids, bit by bit");
}

/* Same rows, other order, some of them given as weights: the same result. */
static void
test_order(void)
{
	enum
	{
		N = 2000, D = 3
	};
	static double x[N * D];
	static double shuffled[2 * N * D];
	static double weight[N];
	SegmentPoints points[3];
	SegmentKmeansResult result[3];
	int			i;
	int			r;
	bool		same = true;

	random_rows(x, N, D, 5, 1.0);
	for (i = 0; i < N; i++)
		weight[i] = 1 + i % 2;
	make_points(&points[0], x, weight, N, D);
	/* every other row twice, backwards */
	for (i = 0, r = 0; i < N; i++)
	{
		memcpy(shuffled + r++ * D, x + (N - 1 - i) * D, sizeof(double) * D);
		if ((N - 1 - i) % 2)
			memcpy(shuffled + r++ * D, x + (N - 1 - i) * D, sizeof(double) * D);
	}
	make_points(&points[1], shuffled, NULL, r, D);
	/* all in the same step of the hash: the order is by content alone */
	for (i = 0; i < r * D; i++)
		shuffled[i] *= 1e-9;
	make_points(&points[2], shuffled, NULL, r, D);
	for (i = 0; i < 3; i++)
	{
		SegmentKmeansOptions options = {.k = 6, .n_init = 4, .max_iter = 100, .tol = 1e-4, .seed = 7};

		segment_kmeans(&points[i], &options, &result[i], tap_memory());
	}
	same = points[0].n == points[1].n &&
		memcmp(points[0].x, points[1].x, sizeof(double) * points[0].n * D) == 0 &&
		memcmp(points[0].weight, points[1].weight, sizeof(double) * points[0].n) == 0;
	ok(same, "points do not depend on the order of rows, nor on how copies came");
	same = result[0].inertia == result[1].inertia &&
		memcmp(result[0].labels, result[1].labels, sizeof(int32) * points[0].n) == 0 &&
		memcmp(result[0].centroids, result[1].centroids, sizeof(double) * 6 * D) == 0;
	ok(same, "nor does the clustering");
	for (i = 1, same = true; i < points[2].n; i++)
		same = same && (points[2].hash[i - 1] < points[2].hash[i] ||
						memcmp(points[2].x + (i - 1) * D, points[2].x + i * D, sizeof(double) * D) != 0);
	ok(same && points[2].n == points[0].n, "rows of equal hash are told apart by their content");
	for (i = 0; i < 3; i++)
	{
		segment_kmeans_free(&result[i], tap_memory());
		segment_points_free(&points[i], tap_memory());
	}
}

/* More centroids than groups of points, all but one starting in the same place. */
static void
test_empty(void)
{
	double		x[] = {0, 0, 0, 1, 10, 10, 10, 11, 20, 0, 20, 1, 30, 30};
	double		initial[] = {0, 0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000};
	SegmentPoints points;
	SegmentKmeansResult result;
	SegmentKmeansOptions options = {.k = 4, .n_init = 1, .max_iter = 100, .initial = initial};
	int			counts[4] = {0};
	int			i;

	make_points(&points, x, NULL, 7, 2);
	segment_kmeans(&points, &options, &result, tap_memory());
	for (i = 0; i < points.n; i++)
		counts[result.labels[i]]++;
	ok(counts[0] > 0 && counts[1] > 0 && counts[2] > 0 && counts[3] > 0, "no cluster stays empty");
	ok(result.converged, "and it comes to an end");
	segment_kmeans_free(&result, tap_memory());

	/* as many clusters as points */
	options.k = 7;
	options.initial = NULL;
	segment_kmeans(&points, &options, &result, tap_memory());
	ok(result.k == 7 && result.inertia == 0, "as many clusters as points: each has its own");
	segment_kmeans_free(&result, tap_memory());
	segment_points_free(&points, tap_memory());
}

/* ---- a team: whoever does which piece ---- */

static int64 pieces_of_others = 0;

/* Members take pieces in any order, from a description of their own. */
static SegmentStatus
run_shuffled(SegmentTeam *team, SegmentJob job, const void *description, int64 n_pieces,
			 SegmentInterrupted interrupted)
{
	const SegmentJobKind *kind = segment_job_kind(job);
	int64	   *order = malloc(sizeof(int64) * n_pieces);
	int64		i;

	(void) interrupted;
	for (i = 0; i < n_pieces; i++)
	{
		int64		other = random64() % (i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	for (i = 0; i < n_pieces; i++)
	{
		int			member = (int) (random64() % team->n_members);
		void	   *copy = malloc(kind->size);

		memcpy(copy, description, kind->size);
		kind->piece(copy, member, order[i]);
		pieces_of_others += member > 0;
		free(copy);
	}
	free(order);
	return SEGMENT_DONE;
}

static void
test_team(void)
{
	bool		same = true;
	bool		fits = true;
	int			round;
	int			job;

	for (round = 0; round < 12; round++)
	{
		SegmentTeam team = {2 + round % 4, run_shuffled};
		int			n = 20000 + (int) (random64() % 5000);
		int			d = 1 + (int) (random64() % 5);
		int			k = 2 + (int) (random64() % 30);
		double	   *x = malloc(sizeof(double) * n * d);
		double	   *weight = malloc(sizeof(double) * n);
		SegmentPoints points;
		SegmentKmeansResult result[2];
		int			i;

		random_rows(x, n, d, 7, 1.0);
		for (i = 0; i < n; i++)
			weight[i] = round % 2 ? 1 + random64() % 5 : uniform() + 0.01;
		make_points(&points, x, round % 3 == 0 ? NULL : weight, n, d);
		for (i = 0; i < 2; i++)
		{
			SegmentKmeansOptions options = {.k = k, .n_init = 2, .max_iter = 30, .tol = 1e-4, .seed = round};

			options.team = i == 0 ? NULL : &team;
			segment_kmeans(&points, &options, &result[i], tap_memory());
		}
		same = same && result[0].inertia == result[1].inertia && result[0].iterations == result[1].iterations &&
			memcmp(result[0].labels, result[1].labels, sizeof(int32) * points.n) == 0 &&
			memcmp(result[0].centroids, result[1].centroids, sizeof(double) * k * d) == 0;
		for (i = 0; i < 2; i++)
			segment_kmeans_free(&result[i], tap_memory());
		segment_points_free(&points, tap_memory());
		free(x);
		free(weight);
	}
	ok(pieces_of_others > 1000, "a team of up to five shares the work");
	ok(same, "and finds what one alone does, bit by bit");
	for (job = 0; job < SEGMENT_JOBS; job++)
		fits = fits && segment_job_kind(job)->size <= SEGMENT_JOB_SIZE;
	ok(fits, "there is room for the description of every job");
}

/* A start is drawn with the probabilities of k-means++. */
static void
test_seeding(void)
{
	/* from the first centroid the others have D^2 of 1, 4 and 9 */
	double		x[] = {0, 1, 2, 3};
	int			second[4] = {0};
	int			first_is_0 = 0;
	SegmentPoints points;
	int			s;

	make_points(&points, x, NULL, 4, 1);
	for (s = 0; s < 40000; s++)
	{
		double		centroids[2];
		int			found;

		segment_kmeans_seed(&points, 1, s, centroids, &found, tap_memory(), NULL, NULL);
		if (centroids[0] == 0)
			first_is_0++;
		second[(int) centroids[0]]++;
	}
	ok(abs(first_is_0 - 10000) < 350, "the first centroid is any point, equally likely");
	ok(abs(second[3] - 10000) < 350, "the last one, too");
	segment_points_free(&points, tap_memory());
}

int
main(void)
{
	test_against_plain();
	test_order();
	test_empty();
	test_team();
	test_seeding();
	ok(tap_blocks == 0, "all memory is given back");
	return done();
}
