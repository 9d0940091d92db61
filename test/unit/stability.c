/*
 * stability.c: agreement against the count of all pairs, stability of what is plain
 * and of what is not there.
 */
#include "kernel/quality/stability.h"

#include "kernel/cluster/kmeans.h"
#include "points.h"

/* The adjusted Rand index from all pairs of rows; weights are copies. */
static double
slow_agreement(const SegmentPoints *points, const int32 *a, const int32 *b, bool count_weights)
{
	double		both = 0,
				in_a = 0,
				in_b = 0,
				all = 0,
				expected;
	int64		i;
	int64		other;

	for (i = 0; i < points->n; i++)
		for (other = 0; other <= i; other++)
		{
			double		w = count_weights ? segment_point_weight(points, i) : 1;
			double		v = count_weights ? segment_point_weight(points, other) : 1;
			double		pairs = i == other ? w * (w - 1) / 2 : w * v;

			all += pairs;
			in_a += a[i] == a[other] ? pairs : 0;
			in_b += b[i] == b[other] ? pairs : 0;
			both += a[i] == a[other] && b[i] == b[other] ? pairs : 0;
		}
	expected = in_a * in_b / all;
	if ((in_a + in_b) / 2 == expected)
		return 1;
	return (both - expected) / ((in_a + in_b) / 2 - expected);
}

static SegmentStability
stability_of(const SegmentPoints *points, int k)
{
	SegmentStability stability;

	memset(&stability, 0, sizeof(stability));
	stability.points = points;
	stability.clustering.method = &segment_kmeans_method;
	stability.clustering.k = k;
	stability.clustering.n_init = 3;
	stability.clustering.max_iter = 100;
	stability.seed = 1;
	stability.count_weights = true;
	stability.memory = tap_memory();
	return stability;
}

static void
test_agreement(void)
{
	int			round;

	for (round = 0; round < 30; round++)
	{
		int			n = 2 + round * 3;
		int			k = 1 + round % 6;
		double	   *x = malloc(sizeof(double) * n);
		double	   *w = malloc(sizeof(double) * n);
		int32	   *a = malloc(sizeof(int32) * n);
		int32	   *b = malloc(sizeof(int32) * n);
		SegmentPoints points;
		SegmentStability stability;
		double		result;
		int64		blocks;
		int			i;

		for (i = 0; i < n; i++)
		{
			x[i] = i;
			w[i] = 1 + random64() % 3;
			a[i] = random64() % k;
			/* mostly the same */
			b[i] = random64() % 4 == 0 ? random64() % k : (uint64) a[i];
		}
		make_points(&points, x, round % 3 == 0 ? NULL : w, n, 1);
		stability = stability_of(&points, k);
		stability.count_weights = round % 3 == 1;
		blocks = tap_blocks;
		ok(segment_agreement(&stability, a, b, k, &result) == SEGMENT_DONE &&
		   fabs(result - slow_agreement(&points, a, b, stability.count_weights)) < 1e-12 && tap_blocks == blocks,
		   "agreement from all pairs");
		segment_points_free(&points, tap_memory());
		free(x);
		free(w);
		free(a);
		free(b);
	}
}

/* n rows around the corners of a square. */
static void
square(double *x, int n, double width)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		x[2 * i] = i % 2 + width * (uniform() - 0.5);
		x[2 * i + 1] = i / 2 % 2 + width * (uniform() - 0.5);
	}
}

static void
test_stability(void)
{
	enum
	{
		N = 400
	};
	double		x[2 * N];
	double		reversed[2 * N];
	SegmentPoints points;
	SegmentPoints same;
	SegmentStability stability;
	double		four,
				five,
				again;
	int32		labels[N];
	int			i;

	square(x, N, 0.3);
	for (i = 0; i < N; i++)
		memcpy(reversed + 2 * i, x + 2 * (N - 1 - i), sizeof(double) * 2);
	make_points(&points, x, NULL, N, 2);
	make_points(&same, reversed, NULL, N, 2);

	stability = stability_of(&points, 4);
	segment_stability_of_k(&stability, 5, &four);
	ok(four == 1, "four corners are found in every sample");
	stability.clustering.k = 5;
	segment_stability_of_k(&stability, 5, &five);
	ok(five < 0.95 && five > 0, "a fifth is not");
	stability.points = &same;
	segment_stability_of_k(&stability, 5, &again);
	ok(again == five, "the order of rows does not matter");
	stability.seed = 2;
	segment_stability_of_k(&stability, 5, &again);
	ok(again != five, "the seed does");

	stability = stability_of(&points, 4);
	for (i = 0; i < N; i++)
		labels[i] = (points.x[2 * i] > 0.5) + 2 * (points.x[2 * i + 1] > 0.5);
	segment_stability_of_labels(&stability, labels, 4, 5, &again);
	ok(again == 1, "labels of the corners come out again");
	for (i = 0; i < N; i++)
		labels[i] = i % 4;
	segment_stability_of_labels(&stability, labels, 4, 5, &again);
	ok(fabs(again) < 0.05, "labels by chance do not");
	stability.clustering.k = 1;
	for (i = 0; i < N; i++)
		labels[i] = 0;
	segment_stability_of_labels(&stability, labels, 1, 2, &again);
	ok(again == 1, "one cluster is always the same");
	segment_points_free(&points, tap_memory());
	segment_points_free(&same, tap_memory());
}

static void
test_few_points(void)
{
	const double x[] = {1, 2, 3};
	SegmentPoints points;
	SegmentStability stability;
	double		result;
	int			k;

	make_points(&points, x, NULL, 3, 1);
	for (k = 1; k <= 3; k++)
	{
		stability = stability_of(&points, k);
		ok(segment_stability_of_k(&stability, 20, &result) == SEGMENT_DONE && result >= -1 && result <= 1,
		   "few points");
	}
	ok(result == 1, "as many clusters as points are themselves");
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
	enum
	{
		N = 300
	};
	double		x[2 * N];
	int32		labels[N] = {0};
	SegmentPoints points;
	SegmentStability stability;
	double		result;
	int64		blocks;
	int			at;
	bool		stopped = true;
	bool		clean = true;

	square(x, N, 0.9);
	make_points(&points, x, NULL, N, 2);
	stability = stability_of(&points, 3);
	stability.clustering.interrupted = no_more_looks;
	blocks = tap_blocks;
	for (at = 0; at < 40; at++)
	{
		looks_left = at;
		stopped = stopped && segment_stability_of_k(&stability, 3, &result) == SEGMENT_INTERRUPTED;
		clean = clean && tap_blocks == blocks;
		looks_left = at;
		stopped = stopped && segment_stability_of_labels(&stability, labels, 3, 3, &result) == SEGMENT_INTERRUPTED;
		clean = clean && tap_blocks == blocks;
	}
	ok(stopped, "stops at every look");
	ok(clean, "and leaves nothing behind");
	segment_points_free(&points, tap_memory());
}

int
main(void)
{
	test_agreement();
	test_stability();
	test_few_points();
	test_interrupt();
	return done();
}
