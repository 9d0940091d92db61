/*
 * k_criteria.c: gap statistic and BIC against their definitions, reference sets
 * against what uniform draws are like.
 */
#include "kernel/quality/k_criteria.h"

#include "kernel/base/row_store.h"
#include "points.h"

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* The largest distance between the shares below and those expected, times sqrt(n). */
static double
kolmogorov(const SegmentPoints *points, int j, double low, double high)
{
	double	   *x = malloc(sizeof(double) * points->n);
	double		largest = 0;
	int64		i;

	for (i = 0; i < points->n; i++)
		x[i] = points->x[i * points->d + j];
	qsort(x, points->n, sizeof(double), compare_doubles);
	for (i = 0; i < points->n; i++)
		largest = fmax(largest, fabs((x[i] - low) / (high - low) - (i + 0.5) / points->n));
	free(x);
	return largest * sqrt(points->n);
}

static double
correlation(const SegmentPoints *points, int a, int b)
{
	double		sum[2] = {0};
	double		ab = 0,
				aa = 0,
				bb = 0;
	int64		i;

	for (i = 0; i < points->n; i++)
	{
		sum[0] += points->x[i * points->d + a] / points->n;
		sum[1] += points->x[i * points->d + b] / points->n;
	}
	for (i = 0; i < points->n; i++)
	{
		double		x = points->x[i * points->d + a] - sum[0];
		double		y = points->x[i * points->d + b] - sum[1];

		ab += x * y;
		aa += x * x;
		bb += y * y;
	}
	return ab / sqrt(aa * bb);
}

static int	looks = 0;

static bool
at_third_look(void)
{
	return ++looks > 2;
}

static void
test_references(void)
{
	const double x[] = {-2, 10, 5, 3, 11, 5, 0, 10.5, 5};
	SegmentMemory memory = tap_memory();
	SegmentPoints points;
	SegmentPoints one;
	SegmentPoints again;
	SegmentPoints other;
	bool		inside = true;
	bool		ascending = true;
	int64		blocks;
	int64		i;

	make_points(&points, x, NULL, 3, 3);
	segment_reference_points(&points, 20000, 7, &one, memory, NULL);
	segment_reference_points(&points, 20000, 7, &again, memory, NULL);
	segment_reference_points(&points, 20000, 8, &other, memory, NULL);
	for (i = 0; i < one.n; i++)
	{
		const double *row = one.x + i * 3;

		inside = inside && row[0] >= -2 && row[0] <= 3 && row[1] >= 10 && row[1] <= 11 && row[2] == 5;
		ascending = ascending && (i == 0 || one.hash[i] > one.hash[i - 1]);
	}
	ok(one.n == 20000 && one.d == 3 && one.total_weight == 20000 && one.weight == NULL, "as many as wished");
	ok(inside, "within the box, constant where the data are");
	ok(ascending, "hashes ascend");
	/* 1.95: one in a thousand */
	ok(kolmogorov(&one, 0, -2, 3) < 1.95 && kolmogorov(&one, 1, 10, 11) < 1.95, "uniform");
	ok(fabs(correlation(&one, 0, 1)) < 3.3 / sqrt(20000), "coordinates are independent");
	ok(memcmp(one.x, again.x, sizeof(double) * 60000) == 0, "the same seed, the same points");
	ok(memcmp(one.x, other.x, sizeof(double) * 60000) != 0, "another seed, others");
	segment_points_free(&one, memory);
	segment_points_free(&again, memory);
	segment_points_free(&other, memory);
	blocks = tap_blocks;
	ok(segment_reference_points(&points, 20000, 7, &one, memory, at_third_look) == SEGMENT_INTERRUPTED &&
	   tap_blocks == blocks, "stops when told, and leaves nothing behind");
	segment_points_free(&points, memory);
}

static void
test_gap(void)
{
	/* two columns of three references */
	const double logs[] = {1.0, 9, 2.0, 9, 6.0, 9};
	SegmentGap	gap = segment_gap(2.5, logs, 3, 2);
	SegmentGap	none = segment_gap(8, logs + 1, 3, 2);
	SegmentGap	falls[] = {{0.1, 0.01}, {0.5, 0.01}, {0.9, 0.01}, {0.895, 0.01}, {0.7, 0.01}};
	SegmentGap	rises[] = {{0.1, 0.01}, {0.2, 0.01}, {0.3, 0.01}};
	SegmentGap	within[] = {{0.1, 0.02}, {0.15, 0.05}, {0.9, 0.01}};

	ok(near(gap.gap, 0.5), "gap: mean of the references less the data's");
	/* deviations -2, -1, 3 */
	ok(near(gap.error, sqrt(14.0 / 3) * sqrt(4.0 / 3)), "its standard error");
	ok(near(none.gap, 1) && none.error == 0, "references that agree");
	ok(segment_gap_choice(falls, 5) == 2, "the first that the next does not beat");
	ok(segment_gap_choice(rises, 3) == 2, "the last when each beats the one before");
	ok(segment_gap_choice(within, 3) == 0, "by more than the standard error of the next");
	ok(segment_gap_choice(rises, 1) == 0, "of one");
}

/* BIC of points with labels, from the density of each point. */
static double
slow_bic(const SegmentPoints *points, const int *labels, const double *mean, int k)
{
	const int	d = points->d;
	double	   *weight = calloc(k, sizeof(double));
	double		n = 0;
	double		squares = 0;
	double		log_likelihood = 0;
	double		variance;
	int64		i;
	int			j;

	for (i = 0; i < points->n; i++)
	{
		n += segment_point_weight(points, i);
		weight[labels[i]] += segment_point_weight(points, i);
		for (j = 0; j < d; j++)
			squares += segment_point_weight(points, i) * pow(points->x[i * d + j] - mean[labels[i] * d + j], 2);
	}
	variance = squares / (d * (n - k));
	for (i = 0; i < points->n; i++)
	{
		double		density = weight[labels[i]] / n;

		for (j = 0; j < d; j++)
			density *= exp(-pow(points->x[i * d + j] - mean[labels[i] * d + j], 2) / (2 * variance)) /
				sqrt(2 * M_PI * variance);
		log_likelihood += segment_point_weight(points, i) * log(density);
	}
	free(weight);
	/* k - 1 shares, k d coordinates of means, one variance */
	return (k - 1 + k * d + 1) * log(n) - 2 * log_likelihood;
}

static void
test_bic(void)
{
	const double pairs[] = {2, 2};
	const double empty[] = {2, 0, 2};
	const double alone[] = {1, 1, 1, 1};
	int			round;

	ok(near(segment_spherical_bic(pairs, 2, 1, 4), 4 * log(4) - 2 * (4 * log(0.5) - 2 * log(4 * M_PI) - 1)),
	   "BIC of the worked example");
	ok(segment_is_missing(segment_spherical_bic(pairs, 2, 1, 0)), "without inertia: none");
	ok(segment_is_missing(segment_spherical_bic(alone, 4, 1, 1)), "with as many clusters as rows: none");
	ok(!segment_is_missing(segment_spherical_bic(empty, 3, 1, 1)), "an empty cluster does no harm");
	for (round = 0; round < 20; round++)
	{
		int			n = 20 + round;
		int			d = 1 + round % 4;
		int			k = 1 + round % 5;
		double	   *x = malloc(sizeof(double) * n * d);
		double	   *w = malloc(sizeof(double) * n);
		double		mean[20];
		double		weight[5] = {0};
		double		inertia = 0;
		int		   *labels = malloc(sizeof(int) * n);
		SegmentPoints points;
		int64		i;
		int			j;

		random_rows(x, n, d, k, 0.5);
		for (i = 0; i < n; i++)
			w[i] = 1 + random64() % 3;
		make_points(&points, x, round % 2 ? w : NULL, n, d);
		for (i = 0; i < k * d; i++)
			mean[i] = uniform();
		for (i = 0; i < points.n; i++)
		{
			labels[i] = random64() % k;
			weight[labels[i]] += segment_point_weight(&points, i);
			for (j = 0; j < d; j++)
				inertia += segment_point_weight(&points, i) * pow(points.x[i * d + j] - mean[labels[i] * d + j], 2);
		}
		ok(near(segment_spherical_bic(weight, k, d, inertia), slow_bic(&points, labels, mean, k)),
		   "BIC from the density of each point");
		segment_points_free(&points, tap_memory());
		free(x);
		free(w);
		free(labels);
	}
}

int
main(void)
{
	test_references();
	test_gap();
	test_bic();
	return done();
}
