/*
 * kprototypes.c: k-prototypes compared with the definition carried out the slow
 * way, with all partitions of small sets, and with published results.
 */
#include "kernel/cluster/kprototypes.h"

#include <math.h>
#include <string.h>

#include "points.h"
#include "tap.h"
#include "kernel/base/hash.h"

#define MAX_CODES 6
#define MAX_D 5
#define N_CATEGORIES 5

static const int categories[MAX_CODES] = {N_CATEGORIES, N_CATEGORIES, N_CATEGORIES, N_CATEGORIES,
N_CATEGORIES, N_CATEGORIES};
static const double even[MAX_CODES] = {1, 1, 1, 1, 1, 1};
static const double uneven[MAX_CODES] = {1, 0.25, 3, 0.7, 1.1, 0.01};

/* Rows around a group each; categories follow the group more often than not. */
static void
mixed_rows(double *x, int32 *code, int64 n, int d, int n_codes, int n_groups)
{
	int64		i;
	int			j;

	for (i = 0; i < n; i++)
	{
		int			group = (int) (random64() % n_groups);

		for (j = 0; j < d; j++)
			x[i * d + j] = ((group * 7 + j * 3) % 5) * 0.6 + uniform() + uniform();
		for (j = 0; j < n_codes; j++)
			code[i * n_codes + j] = random64() % 3 > 0 ? (group + j) % N_CATEGORIES
				: (int32) (random64() % N_CATEGORIES);
	}
}

/* ---- the definition ---- */

static double
plain_distance(const SegmentPoints *points, int64 row, const double *value, double gamma,
			   const double *code_weight)
{
	double		sum = 0;
	int			j;

	for (j = 0; j < points->d; j++)
		sum += (points->x[row * points->d + j] - value[j]) * (points->x[row * points->d + j] - value[j]);
	for (j = 0; j < points->n_codes; j++)
		if (points->code[row * points->n_codes + j] != (int32) value[points->d + j])
			sum += gamma * code_weight[j];
	return sum;
}

/* Mean and modes of the rows with a label; false: there are none. */
static bool
plain_prototype(const SegmentPoints *points, const int32 *labels, int label, double *value)
{
	double		weight = 0;
	double		count[MAX_CODES][N_CATEGORIES] = {{0}};
	int64		i;
	int			j;
	int			a;

	memset(value, 0, sizeof(double) * (points->d + points->n_codes));
	for (i = 0; i < points->n; i++)
		if (labels[i] == label)
		{
			weight += segment_point_weight(points, i);
			for (j = 0; j < points->d; j++)
				value[j] += segment_point_weight(points, i) * points->x[i * points->d + j];
			for (j = 0; j < points->n_codes; j++)
				count[j][points->code[i * points->n_codes + j]] += segment_point_weight(points, i);
		}
	if (weight == 0)
		return false;
	for (j = 0; j < points->d; j++)
		value[j] /= weight;
	for (j = 0; j < points->n_codes; j++)
	{
		int			mode = 0;

		for (a = 1; a < N_CATEGORIES; a++)
			if (count[j][a] > count[j][mode])
				mode = a;
		value[points->d + j] = mode;
	}
	return true;
}

/* Lloyd's way; the cost, or -1 when a cluster ran empty, which this does not handle. */
static double
plain_run(const SegmentPoints *points, const SegmentPrototypesOptions *options, int32 *labels,
		  double *value)
{
	int			width = points->d + points->n_codes;
	double		before = HUGE_VAL;
	double		cost;
	int64		i;
	int			c;
	int			j;

	for (c = 0; c < options->k; c++)
	{
		for (j = 0; j < points->d; j++)
			value[c * width + j] = points->x[options->initial[c] * points->d + j];
		for (j = 0; j < points->n_codes; j++)
			value[c * width + points->d + j] = points->code[options->initial[c] * points->n_codes + j];
	}
	for (;;)
	{
		cost = 0;
		for (i = 0; i < points->n; i++)
		{
			double		least = HUGE_VAL;

			for (c = 0; c < options->k; c++)
			{
				double		here = plain_distance(points, i, value + c * width, options->gamma, options->code_weight);

				if (here < least)
				{
					least = here;
					labels[i] = c;
				}
			}
			cost += segment_point_weight(points, i) * least;
		}
		if (!(cost < before * (1 - 1e-14)))
			return cost;
		before = cost;
		for (c = 0; c < options->k; c++)
			if (!plain_prototype(points, labels, c, value + c * width))
				return -1;
	}
}

static void
test_definition(void)
{
	bool		labels_equal = true;
	bool		values_equal = true;
	bool		costs_equal = true;
	bool		steps_equal = true;
	int			compared = 0;
	int			round;

	for (round = 0; round < 300; round++)
	{
		int			n = 10 + (int) (random64() % 300);
		int			d = (int) (random64() % (MAX_D + 1));
		int			n_codes = (int) (random64() % (MAX_CODES + 1));
		int			k = 1 + (int) (random64() % 12);
		int			width;
		double	   *x = malloc(sizeof(double) * (n * MAX_D + 1));
		double	   *w = malloc(sizeof(double) * n);
		int32	   *code = malloc(sizeof(int32) * n * MAX_CODES);
		int32	   *labels = malloc(sizeof(int32) * n);
		double		value[12 * (MAX_D + MAX_CODES)];
		int64		initial[12];
		SegmentPoints points;
		SegmentPrototypesOptions options = {.k = k, .n_init = 1, .max_iter = 1000, .n_categories = categories,
		.initial = initial};
		SegmentPrototypesResult result;
		double		cost;
		int64		i;

		if (d + n_codes == 0)
			d = 1;
		width = d + n_codes;
		mixed_rows(x, code, n, d, n_codes, 5);
		for (i = 0; i < n; i++)
			w[i] = 1 + (double) (random64() % 4);
		make_mixed_points(&points, x, code, round % 2 == 0 ? NULL : w, n, d, n_codes);
		options.gamma = 0.25 * (1 + (double) (random64() % 8));
		options.code_weight = round % 3 == 0 ? uneven : even;
		options.k = k = (int) Min(k, points.n);
		for (i = 0; i < k; i++)
			initial[i] = i * points.n / k;
		segment_kprototypes(&points, &options, &result, tap_memory());
		cost = plain_run(&points, &options, labels, value);
		if (cost >= 0)
		{
			compared++;
			labels_equal = labels_equal && memcmp(labels, result.labels, sizeof(int32) * points.n) == 0;
			for (i = 0; i < (int64) k * width; i++)
				values_equal = values_equal && fabs(value[i] - result.prototypes.value[i]) < 1e-10;
			costs_equal = costs_equal && fabs(cost - result.cost) <= 1e-10 * (cost + 1);
		}
		/* what place_all says one by one, where it is said of all */
		for (i = 0; i < points.n; i++)
		{
			SegmentNearest nearest = segment_nearest_prototype(&result.prototypes, points.x + i * d,
															   points.code + i * n_codes);

			steps_equal = steps_equal && nearest.number == result.labels[i] &&
				nearest.distance == segment_prototype_distance(&result.prototypes, nearest.number, points.x + i * d,
															   points.code + i * n_codes);
		}
		segment_kprototypes_free(&result, tap_memory());
		segment_points_free(&points, tap_memory());
		free(x);
		free(w);
		free(code);
		free(labels);
	}
	ok(compared > 200, "most runs leave no cluster empty");
	ok(labels_equal, "labels are those of the definition");
	ok(values_equal, "and so are means and modes");
	ok(costs_equal, "and the cost");
	ok(steps_equal, "every row is at its nearest prototype, one function for all");
}

/* The least cost of all partitions into at most k parts. */
static double
least_cost(const SegmentPoints *points, int k, double gamma)
{
	int32		labels[10] = {0};
	double		best = HUGE_VAL;
	double		value[MAX_D + MAX_CODES];
	int64		i;
	int			c;

	for (;;)
	{
		double		cost = 0;

		for (c = 0; c < k; c++)
			if (plain_prototype(points, labels, c, value))
				for (i = 0; i < points->n; i++)
					if (labels[i] == c)
						cost += segment_point_weight(points, i) * plain_distance(points, i, value, gamma, even);
		best = Min(best, cost);
		for (i = 0; i < points->n && labels[i] == k - 1; i++)
			labels[i] = 0;
		if (i == points->n)
			return best;
		labels[i]++;
	}
}

static void
test_optimum(void)
{
	int			reached = 0;
	bool		never_below = true;
	int			round;

	for (round = 0; round < 100; round++)
	{
		int			n = 5 + (int) (random64() % 4);
		int			d = round % 3;
		int			n_codes = round % 3 == 0 ? 4 : round % 4;
		int			k = 2 + round % 2;
		double		x[10 * MAX_D];
		int32		code[10 * MAX_CODES];
		SegmentPoints points;
		SegmentPrototypesOptions options = {.k = k, .n_init = 30, .max_iter = 100, .gamma = 0.5,
		.code_weight = even, .n_categories = categories, .seed = round};
		SegmentPrototypesResult result;
		double		best;

		mixed_rows(x, code, n, d, n_codes, 3);
		make_mixed_points(&points, x, code, NULL, n, d, n_codes);
		segment_kprototypes(&points, &options, &result, tap_memory());
		best = least_cost(&points, k, options.gamma);
		never_below = never_below && result.cost >= best - 1e-9;
		reached += result.cost <= best + 1e-9;
		segment_kprototypes_free(&result, tap_memory());
		segment_points_free(&points, tap_memory());
	}
	printf("# the optimum was reached in %d of 100\n", reached);
	ok(never_below, "no cost below that of the best of all partitions");
	ok(reached >= 90, "which is reached in nearly all of them");
}

/* ---- published ---- */

/* Figures of the test suite of the Python package kmodes (Nico de Vos). */
static void
test_stocks(void)
{
	static const double x[] = {738.5, 369.5, 368.2, 346.7, 343.5, 282.4, 282.1, 279.7, 257.2, 205.2, 192.1, 195.7};
	/* cons 0, fin 1, nrg 2, tech 3, tel 4; CN 0, NL 1, US 2 */
	static const int32 code[] = {3, 2, 2, 2, 3, 2, 3, 2, 1, 2, 1, 2, 4, 0, 0, 2, 0, 2, 4, 2, 3, 2, 2, 1};
	static const double center[] = {738.5, 356.975, 275.35, 593.0 / 3};
	static const double new_x[] = {134.1, 190.2, 389.1, 150.4};
	static const int32 new_code[] = {1, 2, 0, 2, 2, SEGMENT_UNSEEN, SEGMENT_UNSEEN, 2};
	static const int new_center[] = {3, 3, 1, 3};
	SegmentPoints points;
	SegmentPrototypesOptions options = {.k = 4, .n_init = 5, .max_iter = 100, .code_weight = even,
	.n_categories = categories};
	SegmentPrototypesResult result;
	bool		centers = true;
	bool		placed = true;
	int			i;
	int			j;

	make_mixed_points(&points, x, code, NULL, 12, 1, 2);
	segment_prototypes_gamma(&points, &options.gamma, tap_memory(), NULL);
	ok(fabs(options.gamma - 69.9033360355) < 1e-10, "stocks: gamma as published");
	segment_kprototypes(&points, &options, &result, tap_memory());
	ok(fabs(result.cost - 1664.4708549505) < 1e-9, "stocks: cost as published");
	for (i = 0; i < 4; i++)
	{
		bool		found = false;

		for (j = 0; j < 4; j++)
			found = found || fabs(result.prototypes.value[j * 3] - center[i]) < 1e-10;
		centers = centers && found;
	}
	ok(centers, "stocks: means as published");
	for (i = 0; i < 4; i++)
	{
		SegmentNearest nearest = segment_nearest_prototype(&result.prototypes, new_x + i, new_code + 2 * i);

		placed = placed && fabs(result.prototypes.value[nearest.number * 3] - center[new_center[i]]) < 1e-10;
	}
	ok(placed, "stocks: new rows, with categories never seen, are placed as published");
	segment_kprototypes_free(&result, tap_memory());
	segment_points_free(&points, tap_memory());
}

/* ---- order, odd input, interrupts ---- */

static uint64
hash_result(const SegmentPrototypesResult *result)
{
	const SegmentPrototypes *p = &result->prototypes;
	uint64		h = segment_hash_step(segment_double_bits(result->cost), result->iterations);
	int			i;

	for (i = 0; i < p->k * (p->d + p->n_codes); i++)
		h = segment_hash_step(h, segment_double_bits(p->value[i]));
	return h;
}

static void
test_order(void)
{
	enum
	{
		N = 2000, D = 3, CODES = 4
	};
	double	   *x = malloc(sizeof(double) * N * D);
	double	   *y = malloc(sizeof(double) * N * D);
	double	   *w = malloc(sizeof(double) * N);
	double	   *v = malloc(sizeof(double) * N);
	int32	   *code = malloc(sizeof(int32) * N * CODES);
	int32	   *edoc = malloc(sizeof(int32) * N * CODES);
	SegmentPrototypesOptions options = {.k = 7, .n_init = 6, .max_iter = 100, .gamma = 0.5, .code_weight = uneven,
	.n_categories = categories, .seed = 3};
	SegmentPoints points;
	SegmentPrototypesResult a,
				b;
	int			i;

	tap_state = 5;
	mixed_rows(x, code, N, D, CODES, 6);
	for (i = 0; i < N; i++)
		w[i] = 0.1 + uniform();
	for (i = 0; i < N; i++)
	{
		memcpy(y + i * D, x + (N - 1 - i) * D, sizeof(double) * D);
		memcpy(edoc + i * CODES, code + (N - 1 - i) * CODES, sizeof(int32) * CODES);
		v[i] = w[N - 1 - i];
	}
	make_mixed_points(&points, x, code, w, N, D, CODES);
	segment_kprototypes(&points, &options, &a, tap_memory());
	segment_points_free(&points, tap_memory());
	make_mixed_points(&points, y, edoc, v, N, D, CODES);
	segment_kprototypes(&points, &options, &b, tap_memory());
	segment_points_free(&points, tap_memory());
	ok(hash_result(&a) == hash_result(&b), "rows the other way round, the same bits");
	if (hash_result(&a) != UINT64CONST(0x4DC478D3E2542715))
		printf("# the hash is UINT64CONST(0x%" INT64_MODIFIER "X)\n", hash_result(&a));
	ok(hash_result(&a) == UINT64CONST(0x4DC478D3E2542715), "the bits are those of every other build");
	segment_kprototypes_free(&a, tap_memory());
	segment_kprototypes_free(&b, tap_memory());
	free(x);
	free(y);
	free(w);
	free(v);
	free(code);
	free(edoc);
}

static void
test_odd(void)
{
	double		x[40];
	int32		code[40];
	SegmentPoints points;
	SegmentPrototypesOptions options = {.k = 6, .n_init = 4, .max_iter = 100, .gamma = 1, .code_weight = even,
	.n_categories = categories};
	SegmentPrototypesResult result;
	bool		fewer = true;
	int			i;

	/* four different rows, ten times each */
	for (i = 0; i < 40; i++)
	{
		x[i] = i % 2;
		code[i] = i / 2 % 2;
	}
	make_mixed_points(&points, x, code, NULL, 40, 1, 1);
	ok(points.n == 4 && points.total_weight == 40, "equal rows become one");
	options.k = 4;
	segment_kprototypes(&points, &options, &result, tap_memory());
	ok(result.prototypes.k == 4 && result.cost == 0, "as many clusters as different rows cost nothing");
	segment_kprototypes_free(&result, tap_memory());
	/* categories that do not count */
	options.gamma = 0;
	segment_kprototypes(&points, &options, &result, tap_memory());
	fewer = result.prototypes.k == 2 && result.cost == 0;
	segment_kprototypes_free(&result, tap_memory());
	segment_points_free(&points, tap_memory());
	ok(fewer, "fewer clusters where rows cannot be told apart");

	for (i = 0; i < 40; i++)
		x[i] = i % 5 == 0 ? 1e300 : -1e300;
	make_mixed_points(&points, x, code, NULL, 40, 1, 1);
	options.gamma = 1;
	options.k = 3;
	segment_kprototypes(&points, &options, &result, tap_memory());
	ok(result.labels[0] >= 0 && result.labels[0] < 3, "distances that overflow do no harm");
	segment_kprototypes_free(&result, tap_memory());
	segment_points_free(&points, tap_memory());

	/* one row, nothing but categories */
	make_mixed_points(&points, x, code, NULL, 1, 0, 1);
	segment_prototypes_gamma(&points, &options.gamma, tap_memory(), NULL);
	options.k = 1;
	segment_kprototypes(&points, &options, &result, tap_memory());
	ok(options.gamma == 1 && result.prototypes.k == 1 && result.cost == 0 &&
	   result.prototypes.value[0] == code[0], "a single row of a category alone");
	segment_kprototypes_free(&result, tap_memory());
	segment_points_free(&points, tap_memory());
}

static int	calls_left;

static bool
stop_later(void)
{
	return --calls_left <= 0;
}

static void
test_interrupt(void)
{
	enum
	{
		N = 20000, D = 2, CODES = 3
	};
	double	   *x = malloc(sizeof(double) * N * D);
	int32	   *code = malloc(sizeof(int32) * N * CODES);
	SegmentPoints points;
	SegmentPrototypesOptions options = {.k = 9, .n_init = 3, .max_iter = 20, .gamma = 1, .code_weight = even,
	.n_categories = categories, .interrupted = stop_later};
	SegmentPrototypesResult result;
	int64		blocks;
	bool		stopped = true;
	double		gamma;
	int			after;

	mixed_rows(x, code, N, D, CODES, 5);
	make_mixed_points(&points, x, code, NULL, N, D, CODES);
	blocks = tap_blocks;
	for (after = 1; after < 200; after += 3)
	{
		calls_left = after;
		stopped = stopped && segment_kprototypes(&points, &options, &result, tap_memory()) == SEGMENT_INTERRUPTED &&
			calls_left == 0 && tap_blocks == blocks;
	}
	calls_left = 2;
	stopped = stopped && segment_prototypes_gamma(&points, &gamma, tap_memory(), stop_later) == SEGMENT_INTERRUPTED &&
		tap_blocks == blocks;
	ok(stopped, "stops as soon as it is told to, and leaves no memory behind");
	segment_points_free(&points, tap_memory());
	free(x);
	free(code);
}

int
main(void)
{
	test_definition();
	test_optimum();
	test_stocks();
	test_order();
	test_odd();
	test_interrupt();
	ok(tap_blocks == 0, "all memory was given back");
	return done();
}
