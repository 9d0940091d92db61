/*
 * cut_points.c: where to cut one column of numbers into bins.
 *
 * All methods work on the distinct values in ascending order with their
 * weights, so that the answer cannot depend on the order of rows, and equal
 * values can only fall on the same side of a cut (laws 1 and 3).
 *
 * quantile: cut i of b is the smallest value at or below which at least i/b of
 *	the weight lies (the inverse of the empirical distribution function; type 1
 *	of Hyndman and Fan 1996, SQL's percentile_disc).  Every cut is a value of the
 *	data, so multiplying the data by a positive constant multiplies the cuts by
 *	the same (law 4).  Worked example: 1 1 1 1 1 1 2 3 4 5 in five bins: the cuts
 *	are 1 1 1 3, so 1 falls into the first bin, 2 and 3 into the fourth, 4 and 5
 *	into the fifth; no value is split.  Without ties the bins are those of NTILE.
 *
 * r_rfm: what the R package rfm does (R/utils.R of version 0.3.0): quantiles of
 *	type 7, plus one, bins closed on the left.  Not unit-free; for comparison.
 *
 * natural_breaks: the bins with the least sum of squared deviations from their
 *	means (Fisher 1958, popular as Jenks' method), exactly, by dynamic
 *	programming with divide and conquer over the monotone optimal split points:
 *	O(bins n log n).  Among equal optima the lowest cuts win.  Weighted prefix
 *	sums are taken of values centred on their mean, both they and the weights
 *	scaled to at most 1.
 */
#include "kernel/base/cut_points.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"

/* ---- sorting ---- */

/* An integer that sorts as the number does: the sign bit turned round. */
uint64
segment_sort_key(double x)
{
	uint64		bits = segment_double_bits(x);

	return (bits >> 63) != 0 ? ~bits : bits | (UINT64CONST(1) << 63);
}

double
segment_sort_key_value(uint64 key)
{
	return segment_bits_double((key >> 63) != 0 ? key & ~(UINT64CONST(1) << 63) : ~key);
}

#define RADIX_BITS	11
#define RADIX_SIZE	(1 << RADIX_BITS)
#define RADIX_PASSES 6			/* 66 bits */

/*
 * Stable least-significant-digit radix sort; one number a key (where given) is
 * carried along.  A pass whose digit is the same in all keys is skipped, which
 * for whole numbers is most of them.  On return keys and carried are sorted.
 */
void
segment_sort_numbers(uint64 *keys, double *carried, uint64 *key_scratch,
					 double *carried_scratch, int64 n)
{
	uint64	   *from = keys;
	uint64	   *to = key_scratch;
	double	   *wfrom = carried;
	double	   *wto = carried_scratch;
	int			pass;

	for (pass = 0; pass < RADIX_PASSES; pass++)
	{
		int64		start[RADIX_SIZE];
		int			shift = pass * RADIX_BITS;
		int64		sum = 0;
		int64		i;
		int			d;

		memset(start, 0, sizeof(start));
		for (i = 0; i < n; i++)
			start[(from[i] >> shift) & (RADIX_SIZE - 1)]++;
		if (n == 0 || start[(from[0] >> shift) & (RADIX_SIZE - 1)] == n)
			continue;
		for (d = 0; d < RADIX_SIZE; d++)
		{
			int64		count = start[d];

			start[d] = sum;
			sum += count;
		}
		for (i = 0; i < n; i++)
		{
			int64		place = start[(from[i] >> shift) & (RADIX_SIZE - 1)]++;

			to[place] = from[i];
			if (wfrom != NULL)
				wto[place] = wfrom[i];
		}
		{
			uint64	   *k = from;
			double	   *w = wfrom;

			from = to;
			to = k;
			wfrom = wto;
			wto = w;
		}
	}
	if (from != keys)
	{
		memcpy(keys, from, sizeof(uint64) * n);
		if (carried != NULL)
			memcpy(carried, wfrom, sizeof(double) * n);
	}
}

/* weights beyond 2^900 could overflow when they are summed up, those below 2^-900 lose digits */
#define MAX_WEIGHT_EXPONENT 900

/* The power of two by which weights are multiplied, so that sums are safe: mostly 0. */
static int
weight_scale(const double *weights, int64 n)
{
	double		largest = 0;
	int			exponent;
	int64		i;

	for (i = 0; i < n; i++)
		largest = fmax(largest, weights[i]);
	(void) frexp(largest, &exponent);
	return exponent > MAX_WEIGHT_EXPONENT || exponent < -MAX_WEIGHT_EXPONENT ? -exponent : 0;
}

/*
 * Makes the distinct values of a column in ascending order, each with the
 * weight of its rows.  Copies are whole numbers, exact in any order; weights
 * are not, so rows of equal value are first brought into the order of their
 * weights and equal (value, weight) counted before anything is rounded.
 */
void
segment_column_build(SegmentColumn *column, const double *values, const double *weights,
					 const double *copies, int64 n, SegmentMemory memory)
{
	uint64	   *keys = segment_allocate(memory, n, sizeof(uint64));
	uint64	   *key_scratch = segment_allocate(memory, n, sizeof(uint64));
	double	   *carried = NULL;
	double	   *carried_scratch = NULL;
	double		run_weight = 0;
	double		run_copies = 0;
	int			scale = weights != NULL ? weight_scale(weights, n) : 0;
	int64		i;

	if (weights != NULL || copies != NULL)
	{
		carried = segment_allocate(memory, n, sizeof(double));
		carried_scratch = segment_allocate(memory, n, sizeof(double));
	}
	if (weights != NULL)
	{
		/* carried: the number of the row */
		for (i = 0; i < n; i++)
		{
			keys[i] = segment_sort_key(weights[i]);
			carried[i] = (double) i;
		}
		segment_sort_numbers(keys, carried, key_scratch, carried_scratch, n);
		for (i = 0; i < n; i++)
			keys[i] = segment_sort_key(values[(int64) carried[i]]);
	}
	else
	{
		for (i = 0; i < n; i++)
			keys[i] = segment_sort_key(values[i]);
		if (copies != NULL)
			memcpy(carried, copies, sizeof(double) * n);
	}
	segment_sort_numbers(keys, carried, key_scratch, carried_scratch, n);
	memory.release(memory.ctx, key_scratch);
	if (carried_scratch != NULL)
		memory.release(memory.ctx, carried_scratch);

	column->n = 0;
	column->total = 0;
	column->value = segment_allocate(memory, n, sizeof(double));
	column->weight = segment_allocate(memory, n, sizeof(double));
	for (i = 0; i < n; i++)
	{
		int64		row = weights != NULL ? (int64) carried[i] : i;
		double		weight = weights == NULL ? 1.0
			: scale == 0 ? weights[row] : ldexp(weights[row], scale);
		double		times = copies == NULL ? 1.0 : weights != NULL ? copies[row] : carried[i];
		bool		same_value = i > 0 && keys[i] == keys[i - 1];

		if (!same_value)
		{
			if (i > 0)
				column->weight[column->n - 1] += run_weight * run_copies;
			column->value[column->n] = segment_sort_key_value(keys[i]);
			column->weight[column->n] = 0;
			column->n++;
			run_copies = 0;
		}
		else if (weight != run_weight)
		{
			column->weight[column->n - 1] += run_weight * run_copies;
			run_copies = 0;
		}
		run_weight = weight;
		run_copies += times;
	}
	if (n > 0)
		column->weight[column->n - 1] += run_weight * run_copies;
	for (i = 0; i < column->n; i++)
		column->total += column->weight[i];
	memory.release(memory.ctx, keys);
	if (carried != NULL)
		memory.release(memory.ctx, carried);
}

/* Numbers closer than this fraction of their size are the same but for rounding. */
#define NOISE 0x1p-40

/*
 * Makes values that are equal but for their last digits one (law 17): sums of
 * the same amounts, added in another order or divided and multiplied, are ties.
 * They keep the highest of their values, so that a cut there lies on one side
 * of all of them.  A run is measured from its lowest value, so that it cannot
 * creep; a factor changes nothing (law 4).
 */
void
segment_column_join_noise(SegmentColumn *column)
{
	double		lowest = 0;
	int64		n = 0;
	int64		i;

	for (i = 0; i < column->n; i++)
	{
		double		x = column->value[i];

		if (n > 0 && (x == lowest || x - lowest <= NOISE * fmax(fabs(x), fabs(lowest))))
		{
			column->weight[n - 1] += column->weight[i];
			column->value[n - 1] = x;
			continue;
		}
		lowest = x;
		column->value[n] = x;
		column->weight[n++] = column->weight[i];
	}
	column->n = n;
}

void
segment_column_free(SegmentColumn *column, SegmentMemory memory)
{
	memory.release(memory.ctx, column->value);
	memory.release(memory.ctx, column->weight);
}

/* ---- quantile ---- */

void
segment_cut_quantile(const SegmentColumn *column, int bins, double *cuts)
{
	double		below = 0;
	int64		i = -1;
	int			cut;

	for (cut = 1; cut < bins; cut++)
	{
		/* below * bins >= cut * total, in whole numbers up to 2^53 / bins exact */
		while (i < 0 || (below * bins < cut * column->total && i + 1 < column->n))
			below += column->weight[++i];
		cuts[cut - 1] = column->value[i];
	}
}

/* ---- r_rfm ---- */

/* The k-th smallest value (from 0), counting each as often as it occurs. */
static double
order_statistic(const SegmentColumn *column, double k)
{
	double		below = 0;
	int64		i;

	for (i = 0; i < column->n; i++)
	{
		below += column->weight[i];
		if (below > k)
			return column->value[i];
	}
	return column->value[column->n - 1];
}

/*
 * The quantile p (0 to 1) of rows, weights as numbers of copies: interpolated, type 7
 * of Hyndman and Fan 1996.
 */
double
segment_column_quantile(const SegmentColumn *column, double p)
{
	double		position = (column->total - 1) * p;
	double		low = floor(position);
	double		h = position - low;
	double		a = order_statistic(column, low);
	double		b = order_statistic(column, low + 1);

	return h == 0 || a == b ? a : (1 - h) * a + h * b;
}

void
segment_cut_r_rfm(const SegmentColumn *column, int bins, double *cuts)
{
	int			cut;

	for (cut = 1; cut < bins; cut++)
		cuts[cut - 1] = segment_column_quantile(column, (double) cut / bins) + 1;
}

/* ---- natural breaks ---- */

typedef struct Breaks
{
	const double *w;			/* prefix sums of weight, n + 1 of them */
	const double *wx;			/* prefix sums of weight * centred value */
	const double *wxx;			/* prefix sums of weight * centred value^2 */
	const double *previous;		/* best cost of the first j values in one bin less */
	double	   *current;
	uint32	   *split;			/* where the last bin starts in the best answer */
	SegmentInterrupt interrupt;
	bool		stopped;
} Breaks;

/* Sum of squared deviations of values i to j - 1 from their mean. */
static inline double
deviation(const Breaks *b, int64 i, int64 j)
{
	double		w = b->w[j] - b->w[i];
	double		wx = b->wx[j] - b->wx[i];
	double		cost;

	if (w <= 0)
		return 0;
	cost = (b->wxx[j] - b->wxx[i]) - wx * wx / w;
	return cost > 0 ? cost : 0;
}

/* Fills current[lo..hi], knowing that the best splits lie in [from, to]. */
static void
fill_breaks(Breaks *b, int64 lo, int64 hi, int64 from, int64 to)
{
	while (lo <= hi)
	{
		int64		mid = lo + (hi - lo) / 2;
		int64		last = to < mid - 1 ? to : mid - 1;
		double		best = HUGE_VAL;
		int64		where = from;
		int64		i;

		if (b->stopped || (b->interrupt != NULL && last - from > 1000 && b->interrupt()))
		{
			b->stopped = true;
			return;
		}
		for (i = from; i <= last; i++)
		{
			double		cost = b->previous[i] + deviation(b, i, mid);

			if (cost < best)
			{
				best = cost;
				where = i;
			}
		}
		b->current[mid] = best;
		b->split[mid] = (uint32) where;
		fill_breaks(b, lo, mid - 1, from, where);
		lo = mid + 1;
		from = where;
	}
}

SegmentCutStatus
segment_cut_natural_breaks(const SegmentColumn *column, int bins, double *cuts,
						   SegmentMemory memory, SegmentInterrupt interrupt)
{
	int64		n = column->n;
	int			used = n < bins ? (int) n : bins;
	uint64		sums = (uint64) n + 1;	/* one before each value, and one after the last */
	double	   *w = segment_allocate(memory, sums, sizeof(double));
	double	   *wx = segment_allocate(memory, sums, sizeof(double));
	double	   *wxx = segment_allocate(memory, sums, sizeof(double));
	double	   *previous = segment_allocate(memory, sums, sizeof(double));
	double	   *current = segment_allocate(memory, sums, sizeof(double));
	uint32	   *split = segment_allocate_rows(memory, used, sums, sizeof(uint32));
	double		mean = 0;
	int			exponent;
	int			weight_exponent;
	Breaks		b;
	int64		i;
	int			k;

	/*
	 * Values and weights are taken below 1 by a power of two, which changes no
	 * digit: squares of 1e200 must not overflow.
	 */
	(void) frexp(column->total, &weight_exponent);
	(void) frexp(fmax(fabs(column->value[0]), fabs(column->value[n - 1])), &exponent);
	for (i = 0; i < n; i++)
		mean += column->weight[i] / column->total * ldexp(column->value[i], -exponent);
	w[0] = wx[0] = wxx[0] = 0;
	for (i = 0; i < n; i++)
	{
		double		x = ldexp(column->value[i], -exponent) - mean;
		double		weight = ldexp(column->weight[i], -weight_exponent);

		w[i + 1] = w[i] + weight;
		wx[i + 1] = wx[i] + weight * x;
		wxx[i + 1] = wxx[i] + weight * x * x;
	}
	b.w = w;
	b.wx = wx;
	b.wxx = wxx;
	b.interrupt = interrupt;
	b.stopped = false;
	for (i = 0; i <= n; i++)
		previous[i] = i == 0 ? 0 : deviation(&b, 0, i);
	for (k = 1; k < used && !b.stopped; k++)
	{
		double	   *swap;

		b.previous = previous;
		b.current = current;
		b.split = split + (size_t) k * (n + 1);
		/* k + 1 bins, none empty, need k + 1 values and a split at k or later */
		fill_breaks(&b, k + 1, n, k, n - 1);
		swap = previous;
		previous = current;
		current = swap;
	}
	if (!b.stopped)
	{
		int64		end = n;

		/* fewer distinct values than bins: the cuts that are not needed repeat the highest value */
		for (k = bins - 1; k >= used; k--)
			cuts[k - 1] = column->value[n - 1];
		for (k = used - 1; k >= 1; k--)
		{
			end = split[(size_t) k * (n + 1) + end];
			cuts[k - 1] = column->value[end - 1];
		}
	}
	memory.release(memory.ctx, w);
	memory.release(memory.ctx, wx);
	memory.release(memory.ctx, wxx);
	memory.release(memory.ctx, previous);
	memory.release(memory.ctx, current);
	memory.release(memory.ctx, split);
	return b.stopped ? SEGMENT_CUT_INTERRUPTED : SEGMENT_CUT_OK;
}
