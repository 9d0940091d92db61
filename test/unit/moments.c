/*
 * moments.c: mean and standard deviation.  The oracle is two passes in 113-bit
 * arithmetic, whose errors are far below a double's.
 */
#include "kernel/base/moments.h"

#include <math.h>

#include "tap.h"

#define N 2000

/* Relative difference, in units of a double's last place. */
static double
off_by(double came, __float128 truth)
{
	__float128	difference = came - truth;

	if (difference < 0)
		difference = -difference;
	if (truth < 0)
		truth = -truth;
	return truth == 0 ? (double) difference : (double) (difference / truth) * 0x1p52;
}

/* A square root in 113 bits, by Newton's steps from a double's. */
static __float128
root(__float128 x)
{
	__float128	r = sqrt((double) x);
	int			i;

	for (i = 0; i < 4 && r > 0; i++)
		r = (r + x / r) / 2;
	return r;
}

typedef struct Truth
{
	__float128	mean;
	__float128	deviation;
} Truth;

static Truth
truth_of(const double *x, const double *w, int n)
{
	Truth		truth = {0, 0};
	__float128	weight = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		weight += w[i];
		truth.mean += (__float128) w[i] * x[i];
	}
	truth.mean /= weight;
	for (i = 0; i < n; i++)
		truth.deviation += w[i] * (x[i] - truth.mean) * (x[i] - truth.mean);
	truth.deviation = root(truth.deviation / weight);
	return truth;
}

typedef struct Sums
{
	SegmentExactSum weight;
	SegmentExactSum sum;
	SegmentExactSum squares;
} Sums;

static void
add(Sums *sums, double x, double w)
{
	segment_exact_add(&sums->weight, w);
	segment_exact_add_moment(&sums->sum, 1, w, x, 1);
	segment_exact_add_moment(&sums->squares, 1, w, x, 2);
}

static void
begin(Sums *sums)
{
	segment_exact_init(&sums->weight);
	segment_exact_init(&sums->sum);
	segment_exact_init(&sums->squares);
}

/* x = offset + spread * u, weights 1 or random: both ways against the oracle. */
static void
check(double offset, double spread, bool weighted, const char *what)
{
	static double x[N];
	static double w[N];
	Sums		forwards;
	Sums		backwards;
	Truth		truth;
	SegmentMoments moments;
	double		mean = 0;
	double		deviation = 0;
	double		mean2 = 0;
	double		deviation2 = 0;
	int			i;

	begin(&forwards);
	begin(&backwards);
	for (i = 0; i < N; i++)
	{
		x[i] = offset + spread * (uniform() - 0.3);
		w[i] = weighted ? 0.01 + uniform() * uniform() : 1;
		add(&forwards, x[i], w[i]);
	}
	for (i = N - 1; i >= 0; i--)
		add(&backwards, x[i], w[i]);
	truth = truth_of(x, w, N);
	printf("# %s\n", what);
	ok(segment_moments_of_sums(&forwards.weight, &forwards.sum, &forwards.squares, &mean, &deviation), "sums tell moments");
	ok(off_by(mean, truth.mean) <= 1, "the mean to a unit in the last place");
	ok(off_by(deviation, truth.deviation) <= 4, "the deviation to four");
	ok(segment_moments_of_sums(&backwards.weight, &backwards.sum, &backwards.squares, &mean2, &deviation2) &&
	   mean2 == mean && deviation2 == deviation, "in any order");

	/* a weight is rounded to 2^-46 of N times the largest */
	segment_moments(x, weighted ? w : NULL, N, &moments);
	ok(fabs((double) (moments.mean - truth.mean)) <= fabs(spread) * (weighted ? N * 0x1p-46 : 0x1p-51) + fabs(offset) * 0x1p-51 &&
	   fabs((double) (moments.deviation - truth.deviation)) <= fabs(spread) * (weighted ? N * 0x1p-46 : 0x1p-40),
	   "from values within the errors promised");
}

static void
test_ends(void)
{
	Sums		sums;
	double		mean = 5;
	double		deviation = 5;
	int			i;

	begin(&sums);
	ok(!segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation), "no weight: no moments");
	for (i = 0; i < 3; i++)
		add(&sums, 0.1, 1);
	ok(segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation)
	   && mean == 0.1 && deviation == 0, "equal values have no deviation");
	begin(&sums);
	add(&sums, 1e200, 1);
	add(&sums, -1e200, 1);
	mean = 5;
	ok(!segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation)
	   && mean == 5, "squares beyond doubles: told, nothing is written");
	begin(&sums);
	add(&sums, 1e-200, 1);
	add(&sums, -1e-200, 1);
	ok(!segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation), "squares below doubles: told");
	begin(&sums);
	add(&sums, 1.7e308, 1);
	add(&sums, 1.7e308, 1);
	ok(!segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation), "a sum beyond doubles: told");
	/* limbs far down and far up: no index leaves the sum */
	begin(&sums);
	add(&sums, 5e-324, 5e-324);
	add(&sums, 5e-324, 1);
	add(&sums, -5e-324, 5e-324);
	ok(!segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation), "the smallest numbers");
	begin(&sums);
	add(&sums, 1e308, 1e240);
	add(&sums, -1e307, 1e240);
	add(&sums, 5e-324, 5e-324);
	ok(!segment_moments_of_sums(&sums.weight, &sums.sum, &sums.squares, &mean, &deviation), "the largest");
}

/* Multiples of exact sums: against integers. */
static void
test_multiples(void)
{
	int			wrong = 0;
	int			i;

	for (i = 0; i < 10000; i++)
	{
		SegmentExactSum sum;
		SegmentExactSum product;
		int64		a = (int64) (random64() >> 24) - (1 << 30);
		int64		b = (int64) (random64() >> 30) - (1 << 30);
		int64		factor = (int64) (random64() >> 40) - (1 << 23);
		int			scale = (int) (random64() % 400) - 200;

		segment_exact_init(&sum);
		segment_exact_init(&product);
		segment_exact_add(&sum, ldexp((double) a, scale));
		segment_exact_add(&sum, ldexp((double) b, scale));
		segment_exact_add_multiple(&product, &sum, (double) factor);
		if (segment_exact_value(&product) != ldexp((double) ((__float128) (a + b) * factor), scale))
			wrong++;
	}
	ok(wrong == 0, "a sum times a factor is exact");
}

int
main(void)
{
	test_multiples();
	check(0, 1, false, "around zero");
	check(0, 1, true, "with weights");
	check(1.7e9, 1, false, "epoch seconds");
	check(-1.7e9, 1e-3, true, "a large negative offset, with weights");
	check(1e15, 20, false, "hardly a digit left");
	check(1e-120, 1e-122, false, "small numbers");
	check(-1e120, 1e119, true, "large numbers");
	test_ends();
	return done();
}
