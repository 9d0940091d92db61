/*
 * moments.c: mean and standard deviation of a column, the same whatever the
 * order of its values.
 *
 * The exact sums of exact_sum.c hold for any doubles and take tens of
 * nanoseconds a value; scaling a million rows needs less.  Here each value's distance
 * from a fixed point is rounded to a small part of the largest such distance and
 * summed in 128-bit integers: exact additions, so no order.  First from the middle of
 * the range, rounded to 2^-51, for the mean; then from the mean, rounded to 2^-40,
 * for the squares, so that a large offset costs no digits (law 4).
 *
 * Errors: 2^-52 of the range for the mean, 2^-41 of it for the deviation.
 *
 * Where the exact sums are at hand, because not all values are, they tell both to
 * a few units in the last place: sum w (x - m)^2 = S2 - 2 m S + m^2 W is worked
 * out without rounding for a double m next to the mean, so nothing cancels.
 */
#include "kernel/base/moments.h"

#include <math.h>

#define GRID_BITS 40

/* and to this for the mean alone: as fine as MAGIC can round */
#define FINE_BITS 51

/* 1.5 * 2^52: adding and subtracting it rounds to a whole number */
#define MAGIC 6755399441055744.0

/* weights are whole multiples of a step, and their sum is below 2^46 steps */
#define WEIGHT_BITS 46

/* sums of squares between these are far from where doubles end */
#define LEAST_SQUARES 1e-250
#define MOST_SQUARES 1e250

typedef struct Sums
{
	int128		first;			/* sum of weight * distance, in steps */
	int128		second;			/* sum of weight * distance^2 */
	int64		weight;			/* in weight steps */
} Sums;

/* A power of two of which x is no more than 2^bits. */
static double
step_for(double x, int bits)
{
	int			exponent;

	(void) frexp(x, &exponent);
	return ldexp(1.0, Max(exponent - bits, -1000));
}

/* 1 for whole weights, as numbers of copies are. */
static double
weight_step(const double *weights, int64 n)
{
	double		total = 0;
	double		largest = 0;
	bool		whole = true;
	int64		i;

	for (i = 0; weights != NULL && i < n; i++)
	{
		whole = whole && weights[i] == floor(weights[i]);
		largest = Max(largest, weights[i]);
		total += weights[i];
	}
	/* for whole ones the total is exact; else the largest times n does not depend on the order */
	if (whole && total <= ldexp(1.0, WEIGHT_BITS))
		return 1.0;
	return step_for(largest * (double) n, WEIGHT_BITS);
}

static void
sum_distances(const double *values, const double *weights, int64 n, double from, double step,
			  double weight_unit, bool squares, Sums *sums)
{
	const double steps = 1 / step;	/* exact: step is a power of two */
	int64		i;

	sums->first = sums->second = 0;
	sums->weight = 0;
	/* most often there are no weights, and a product of three need not be one */
	for (i = 0; weights == NULL && i < n; i++)
	{
		int64		distance = (int64) (((values[i] - from) * steps + MAGIC) - MAGIC);

		sums->first += distance;
		if (squares)
			sums->second += (int128) distance * distance;
	}
	if (weights == NULL)
		sums->weight = n;
	for (i = 0; weights != NULL && i < n; i++)
	{
		int64		distance = (int64) (((values[i] - from) * steps + MAGIC) - MAGIC);
		int64		weight = (int64) floor(weights[i] / weight_unit + 0.5);

		sums->first += (int128) distance * weight;
		if (squares)
			sums->second += (int128) distance * weight * distance;
		sums->weight += weight;
	}
}

/* values are finite, weights positive (NULL: all 1), n is at least 1. */
void
segment_moments(const double *values, const double *weights, int64 n, SegmentMoments *moments)
{
	double		unit = weight_step(weights, n);
	double		middle;
	double		largest;
	double		step;
	double		mean_distance;
	Sums		sums;
	int64		i;

	moments->min = moments->max = values[0];
	for (i = 1; i < n; i++)
	{
		if (values[i] < moments->min)
			moments->min = values[i];
		if (values[i] > moments->max)
			moments->max = values[i];
	}
	moments->mean = moments->min;
	moments->deviation = 0;
	if (moments->min == moments->max)
		return;

	/* halves first: the range itself may be beyond the largest double */
	middle = moments->min / 2 + moments->max / 2;
	largest = moments->max / 2 - moments->min / 2;
	step = step_for(largest, FINE_BITS);
	sum_distances(values, weights, n, middle, step, unit, false, &sums);
	moments->mean = middle + (double) sums.first / (double) sums.weight * step;
	step = step_for(largest, GRID_BITS - 1);

	/* the mean lies in the range, so no distance is twice as long */
	sum_distances(values, weights, n, moments->mean, step, unit, true, &sums);
	mean_distance = (double) sums.first / (double) sums.weight;
	moments->deviation = sqrt(Max((double) sums.second / (double) sums.weight -
								  mean_distance * mean_distance, 0)) * step;
}

/* sum w (x - m), exactly; then rounded and divided by the sum of weights. */
static double
mean_distance_from(const SegmentExactSum *weight, const SegmentExactSum *sum, double m)
{
	SegmentExactSum distances = *sum;

	segment_exact_add_multiple(&distances, weight, -m);
	return segment_exact_value(&distances) / segment_exact_value(weight);
}

/* Whether a sum is 0, and not just too small for a double. */
static bool
is_zero(const SegmentExactSum *sum)
{
	SegmentExactSum s = *sum;
	int			i;

	segment_exact_normalise(&s);
	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
		if (s.limb[i] != 0)
			return false;
	return true;
}

/*
 * Mean and deviation from sums of weight, weight * x and weight * x^2.  False: there
 * is no weight, or they are too near the ends of the range of doubles to be told so.
 */
bool
segment_moments_of_sums(const SegmentExactSum *weight, const SegmentExactSum *sum,
						const SegmentExactSum *sum_squares, double *mean, double *deviation)
{
	double		w = segment_exact_value(weight);
	double		m = segment_exact_value(sum) / w;
	SegmentExactSum of_squares = *sum_squares;
	SegmentExactSum times_mean;
	double		squares;
	double		off;

	if (!(w > LEAST_SQUARES && w < MOST_SQUARES && isfinite(m)))
		return false;
	m += mean_distance_from(weight, sum, m);
	off = mean_distance_from(weight, sum, m);
	segment_exact_init(&times_mean);
	segment_exact_add_multiple(&times_mean, weight, m);
	segment_exact_add_multiple(&of_squares, &times_mean, m);
	segment_exact_add_multiple(&of_squares, sum, -2 * m);
	squares = segment_exact_value(&of_squares);
	if (!is_zero(&of_squares) && !(squares > LEAST_SQUARES && squares < MOST_SQUARES))
		return false;
	*mean = m;
	*deviation = sqrt(Max(squares / w - off * off, 0));
	return true;
}
