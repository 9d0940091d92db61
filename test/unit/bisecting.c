/*
 * bisecting.c: a hierarchy of clusters: what the splits of a tree have to be, on
 * random points, and a tree that can be told by eye.
 */
#include "kernel/cluster/bisecting.h"

#include "kernel/cluster/centroids.h"
#include "points.h"

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b)) + 1e-12;
}

/* Weight, mean and inertia of a node's points are those it states. */
static bool
states_its_points(const SegmentPoints *points, const SegmentBisectingResult *result, int number)
{
	const SegmentBisectingNode *node = &result->node[number];
	const double *center = result->centroids + (size_t) number * points->d;
	double		weight = 0;
	double		inertia = 0;
	bool		same = true;
	int64		i;
	int			j;

	for (i = node->from; i < node->to; i++)
	{
		weight += segment_point_weight(points, i);
		inertia += segment_point_weight(points, i) *
			segment_distance(points->x + i * points->d, center, points->d);
	}
	for (j = 0; j < points->d; j++)
	{
		double		sum = 0;

		for (i = node->from; i < node->to; i++)
			sum += segment_point_weight(points, i) * points->x[i * points->d + j];
		same = same && fabs(sum / weight - center[j]) < 1e-9;
	}
	return same && near(weight, node->size) && near(inertia, node->inertia);
}

/* Points lie in canonical order, those of a child nearer to its centroid, the first among equals. */
static bool
divides_its_points(const SegmentPoints *points, const SegmentBisectingResult *result, int number)
{
	const SegmentBisectingNode *node = &result->node[number];
	const double *first = result->centroids + (size_t) node->first_child * points->d;
	const SegmentBisectingNode *child = &result->node[node->first_child];
	int64		i;

	if (child[0].from != node->from || child[0].to != child[1].from || child[1].to != node->to ||
		child[0].to == child[0].from || child[1].to == child[1].from)
		return false;
	for (i = node->from; i < node->to; i++)
	{
		const double *x = points->x + i * points->d;
		bool		in_second = segment_distance(x, first + points->d, points->d) < segment_distance(x, first, points->d);

		if (in_second != (i >= child[1].from))
			return false;
	}
	return true;
}

static bool
is_canonical(const SegmentPoints *points, const SegmentBisectingNode *node)
{
	int64		i;

	for (i = node->from + 1; i < node->to; i++)
		if (points->hash[i - 1] > points->hash[i])
			return false;
	return true;
}

/* Each split took the cluster of largest inertia, of equal ones the one made first. */
static bool
took_widest(const SegmentBisectingResult *result)
{
	int			s;
	int			i;

	for (s = 0; s < result->n_splits; s++)
	{
		int			parent = -1;
		int			best = -1;

		for (i = 0; i < 2 * s + 1; i++)
		{
			const SegmentBisectingNode *node = &result->node[i];

			/* divided earlier? */
			if (node->first_child != 0 && node->first_child < 2 * s + 1)
				continue;
			if (node->first_child == 2 * s + 1)
				parent = i;
			if (!node->whole && (best < 0 || node->inertia > result->node[best].inertia))
				best = i;
		}
		if (parent < 0 || parent != best)
			return false;
	}
	return true;
}

static void
test_random(void)
{
	bool		sound = true;
	bool		divided = true;
	bool		canonical = true;
	bool		widest = true;
	bool		prefix = true;
	int			splits = 0;
	int			round;

	for (round = 0; round < 60; round++)
	{
		int			n = 1 + (int) (random64() % 1500);
		int			d = 1 + (int) (random64() % 6);
		double	   *x = malloc(sizeof(double) * n * d);
		double	   *weight = round % 3 == 0 ? malloc(sizeof(double) * n) : NULL;
		SegmentPoints points;
		SegmentPoints again;
		SegmentBisectingResult result;
		SegmentBisectingResult shorter;
		SegmentKmeansOptions options = {.n_init = 3, .max_iter = round % 2 ? 100 : 2, .tol = 1e-4, .seed = round};
		int			i;

		random_rows(x, n, d, 5, 1.0);
		/* few distinct values bring ties */
		for (i = 0; round % 4 == 0 && i < n * d; i++)
			x[i] = floor(x[i] * 3) / 3;
		for (i = 0; weight != NULL && i < n; i++)
			weight[i] = 0.25 + uniform();
		make_points(&points, x, weight, n, d);
		make_points(&again, x, weight, n, d);
		options.k = 1 + (int) (random64() % Min(points.n, 20));
		segment_bisecting(&points, &options, &result, tap_memory());
		splits += result.n_splits;
		sound = sound && result.n_splits == options.k - 1;
		for (i = 0; i < 1 + 2 * result.n_splits; i++)
		{
			/* a centroid that was not brought to its end is not the mean */
			sound = sound && (options.max_iter == 2 || states_its_points(&points, &result, i));
			if (result.node[i].first_child != 0)
				divided = divided && divides_its_points(&points, &result, i);
			else
				canonical = canonical && is_canonical(&points, &result.node[i]);
		}
		widest = widest && took_widest(&result);
		options.k = 1 + options.k / 2;
		segment_bisecting(&again, &options, &shorter, tap_memory());
		prefix = prefix && memcmp(shorter.centroids, result.centroids,
								  sizeof(double) * (1 + 2 * shorter.n_splits) * d) == 0;
		segment_bisecting_free(&result, tap_memory());
		segment_bisecting_free(&shorter, tap_memory());
		segment_points_free(&points, tap_memory());
		segment_points_free(&again, tap_memory());
		free(weight);
		free(x);
	}
	ok(splits > 300, "enough splits to look at");
	ok(sound, "as many clusters as wished, each with the size, mean and inertia of its points");
	ok(divided, "points are with the nearer of two centroids, the first among equals");
	ok(canonical, "points of a cluster keep their order");
	ok(widest, "it is the cluster of largest inertia that is divided");
	ok(prefix, "fewer clusters: the first splits of more");
}

/* Four pairs on a line: 0 1, 10 12, 100 104, 130 131. */
static void
test_by_eye(void)
{
	double		x[] = {0, 1, 10, 12, 100, 104, 130, 131};
	SegmentPoints points;
	SegmentBisectingResult result;
	SegmentKmeansOptions options = {.k = 5, .n_init = 5, .max_iter = 100, .seed = 1};
	const SegmentBisectingNode *node;
	double		leaf[5];
	int			n = 0;
	int			i;
	int			j;

	make_points(&points, x, NULL, 8, 1);
	segment_bisecting(&points, &options, &result, tap_memory());
	node = result.node;
	for (i = 0; i < 9; i++)
		if (node[i].first_child == 0)
		{
			for (j = n++; j > 0 && leaf[j - 1] > result.centroids[i]; j--)
				leaf[j] = leaf[j - 1];
			leaf[j] = result.centroids[i];
		}
	/* {0..12} has inertia 112.75, {100..131} has 820.75; then 112.75 is the largest, then 8 of {100, 104} */
	ok(node[0].first_child == 1 && near(node[1].inertia + node[2].inertia, 112.75 + 820.75) &&
	   node[1].size == 4 && node[2].size == 4, "first the two halves");
	ok(n == 5 && near(leaf[0], 0.5) && near(leaf[1], 11) && near(leaf[2], 100) && near(leaf[3], 104) &&
	   near(leaf[4], 130.5), "then pairs, at last the widest of these");
	segment_bisecting_free(&result, tap_memory());
	segment_points_free(&points, tap_memory());
}

static int	asked;

static bool
after_some(void)
{
	return --asked < 0;
}

/* Wherever it is stopped, memory is given back. */
static void
test_interrupted(void)
{
	double		x[3000];
	int			n;
	int			stopped = 0;

	random_rows(x, 1000, 3, 4, 1.0);
	for (n = 0; n < 200; n++)
	{
		SegmentPoints points;
		SegmentBisectingResult result;
		SegmentKmeansOptions options = {.k = 4, .n_init = 2, .max_iter = 20, .interrupted = after_some};

		make_points(&points, x, NULL, 1000, 3);
		asked = n;
		if (segment_bisecting(&points, &options, &result, tap_memory()) == SEGMENT_INTERRUPTED)
			stopped++;
		else
			segment_bisecting_free(&result, tap_memory());
		segment_points_free(&points, tap_memory());
	}
	ok(stopped > 50, "it can be stopped at many moments");
}

int
main(void)
{
	test_random();
	test_by_eye();
	test_interrupted();
	ok(tap_blocks == 0, "all memory is given back");
	return done();
}
