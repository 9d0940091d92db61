/*
 * cut_points.c: cuts compared with definitions carried out the slow way.
 */
#include "kernel/base/cut_points.h"

#include <math.h>
#include <string.h>

#include "kernel/base/hash.h"
#include "tap.h"

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static void
test_sort(void)
{
	static const double special[] = {-HUGE_VAL, -1e308, -1, -5e-324, 0, 5e-324, 1, 1e308, HUGE_VAL};
	bool		ordered = true;
	bool		back = true;
	bool		sorted = true;
	bool		stable = true;
	size_t		i;
	int			round;

	for (i = 0; i < lengthof(special); i++)
	{
		back = back && segment_sort_key_value(segment_sort_key(special[i])) == special[i];
		ordered = ordered && (i == 0 || segment_sort_key(special[i - 1]) < segment_sort_key(special[i]));
	}
	ok(ordered, "keys sort as numbers do");
	ok(back, "and turn back into them");

	for (round = 0; round < 200; round++)
	{
		int			n = (int) (random64() % 300);
		uint64	   *keys = malloc(sizeof(uint64) * (n + 1));
		uint64	   *scratch = malloc(sizeof(uint64) * (n + 1));
		double	   *carried = malloc(sizeof(double) * (n + 1));
		double	   *carried_scratch = malloc(sizeof(double) * (n + 1));
		double	   *x = malloc(sizeof(double) * (n + 1));
		int			j;

		for (j = 0; j < n; j++)
		{
			x[j] = round % 2 == 0 ? (double) (int64) (random64() % 20) - 10
				: segment_bits_double(random64() & ~(UINT64CONST(1) << 62));
			keys[j] = segment_sort_key(x[j]);
			carried[j] = j;
		}
		segment_sort_numbers(keys, round % 3 == 0 ? NULL : carried, scratch,
							 round % 3 == 0 ? NULL : carried_scratch, n);
		for (j = 1; j < n; j++)
		{
			sorted = sorted && keys[j - 1] <= keys[j];
			if (round % 3 != 0 && keys[j - 1] == keys[j])
				stable = stable && carried[j - 1] < carried[j];
		}
		if (round % 3 != 0)
			for (j = 0; j < n; j++)
				sorted = sorted && segment_sort_key(x[(int) carried[j]]) == keys[j];
		free(keys);
		free(scratch);
		free(carried);
		free(carried_scratch);
		free(x);
	}
	ok(sorted, "random numbers are sorted, what they carry comes along");
	ok(stable, "equal ones keep their order");
}

/* The same rows in several orders, folded or not, weighted or not. */
static void
test_column(void)
{
	bool		right = true;
	bool		order = true;
	int			round;

	for (round = 0; round < 200; round++)
	{
		int			n = 1 + (int) (random64() % 100);
		double		x[100],
					w[100],
					c[100],
					x2[100],
					w2[100],
					c2[100];
		SegmentColumn a,
					b;
		bool		weighted = round % 2 == 1;
		bool		folded = round / 2 % 2 == 1;
		double		total = 0;
		int			i;

		for (i = 0; i < n; i++)
		{
			x[i] = (double) (random64() % 12) / 4 - 1;
			w[i] = uniform();
			c[i] = (double) (1 + random64() % 5);
		}
		for (i = 0; i < n; i++)
		{
			x2[i] = x[n - 1 - i];
			w2[i] = w[n - 1 - i];
			c2[i] = c[n - 1 - i];
		}
		segment_column_build(&a, x, weighted ? w : NULL, folded ? c : NULL, n, tap_memory());
		segment_column_build(&b, x2, weighted ? w2 : NULL, folded ? c2 : NULL, n, tap_memory());
		order = order && a.n == b.n && a.total == b.total &&
			memcmp(a.value, b.value, sizeof(double) * a.n) == 0 &&
			memcmp(a.weight, b.weight, sizeof(double) * a.n) == 0;
		for (i = 0; i < a.n; i++)
		{
			double		weight = 0;
			int			j;

			for (j = 0; j < n; j++)
				if (x[j] == a.value[i])
					weight += (weighted ? w[j] : 1) * (folded ? c[j] : 1);
			right = right && fabs(weight - a.weight[i]) <= 1e-12 * weight && (i == 0 || a.value[i - 1] < a.value[i]);
			total += weight;
		}
		right = right && fabs(total - a.total) <= 1e-12 * total;
		segment_column_free(&a, tap_memory());
		segment_column_free(&b, tap_memory());
	}
	ok(right, "columns: distinct values, ascending, with their weights");
	ok(order, "the same bits in the opposite order");
}

static double
cost_of(const SegmentColumn *c, int64 from, int64 to)
{
	double		w = 0,
				mean = 0,
				cost = 0;
	int64		i;

	for (i = from; i < to; i++)
	{
		w += c->weight[i];
		mean += c->weight[i] * c->value[i];
	}
	mean /= w;
	for (i = from; i < to; i++)
		cost += c->weight[i] * (c->value[i] - mean) * (c->value[i] - mean);
	return cost;
}

/* The least cost of values from..n-1 in the given number of bins, by trying all. */
static double
least_cost(const SegmentColumn *c, int64 from, int bins)
{
	double		best = HUGE_VAL;
	int64		to;

	if (bins == 1)
		return cost_of(c, from, c->n);
	for (to = from + 1; to <= c->n - (bins - 1); to++)
	{
		double		cost = cost_of(c, from, to) + least_cost(c, to, bins - 1);

		if (cost < best)
			best = cost;
	}
	return best;
}

static int	interrupts;

static bool
at_once(void)
{
	interrupts++;
	return true;
}

static void
test_cuts(void)
{
	bool		quantile = true;
	bool		type7 = true;
	bool		breaks = true;
	bool		few = true;
	bool		bins_right = true;
	int			round;

	for (round = 0; round < 600; round++)
	{
		int			bins = 2 + (int) (random64() % 9);
		int			n = 1 + (int) (random64() % (round % 2 == 0 ? 14 : 200));
		double		x[200];
		double		cuts[SEGMENT_MAX_BINS];
		SegmentColumn column;
		int			i;
		int			k;

		for (i = 0; i < n; i++)
			x[i] = round % 3 == 0 ? (double) (random64() % 9) : round % 3 == 1 ? uniform() * 1000
				: 1e9 + (double) (random64() % 50);
		qsort(x, n, sizeof(double), compare_doubles);
		segment_column_build(&column, x, NULL, NULL, n, tap_memory());

		segment_cut_quantile(&column, bins, cuts);
		for (k = 1; k < bins; k++)
			/* the ceil(n k / bins)-th smallest */
			quantile = quantile && cuts[k - 1] == x[(n * k + bins - 1) / bins - 1];

		segment_cut_r_rfm(&column, bins, cuts);
		for (k = 1; k < bins; k++)
		{
			double		position = (n - 1) * ((double) k / bins);
			int			low = (int) floor(position);
			double		h = position - low;
			double		q = low + 1 < n ? x[low] + h * (x[low + 1] - x[low]) : x[low];

			type7 = type7 && fabs(cuts[k - 1] - (q + 1)) <= 1e-9 * (1 + fabs(q));
		}

		if (segment_cut_natural_breaks(&column, bins, cuts, tap_memory(), NULL) != SEGMENT_CUT_OK)
			breaks = false;
		for (k = 1; k < bins - 1; k++)
			breaks = breaks && cuts[k - 1] <= cuts[k];
		if (column.n <= bins)
		{
			/* every value a bin of its own: nothing deviates */
			for (i = 1; i < column.n; i++)
				few = few && segment_bin(column.value[i], cuts, bins - 1, false)
					> segment_bin(column.value[i - 1], cuts, bins - 1, false);
		}
		else if (column.n <= 14)
		{
			double		cost = 0;
			int64		from = 0;

			for (i = 1; i <= column.n; i++)
				if (i == column.n || segment_bin(column.value[i], cuts, bins - 1, false)
					!= segment_bin(column.value[i - 1], cuts, bins - 1, false))
				{
					cost += cost_of(&column, from, i);
					from = i;
				}
			breaks = breaks && cost <= least_cost(&column, 0, bins) * (1 + 1e-9) + 1e-9;
		}

		for (i = 0; i < n; i++)
		{
			int			below = 0;
			int			at = 0;

			for (k = 0; k < bins - 1; k++)
			{
				below += cuts[k] < x[i];
				at += cuts[k] == x[i];
			}
			bins_right = bins_right && segment_bin(x[i], cuts, bins - 1, false) == below &&
				segment_bin(x[i], cuts, bins - 1, true) == below + at;
		}
		segment_column_free(&column, tap_memory());
	}
	ok(quantile, "quantile: the ceil(n k / bins)-th smallest value");
	ok(type7, "r_rfm: type-7 quantiles plus 1");
	ok(breaks, "natural breaks: no cuts are better");
	ok(few, "fewer values than bins: each in a bin of its own");
	ok(bins_right, "bins count the cuts below, or at and below");
	ok(segment_bin(HUGE_VAL, (double[]) {1, 2}, 2, false) == 2 && segment_bin(-HUGE_VAL, (double[]) {1, 2}, 2, true) == 0,
	   "infinity is beyond every cut");
}

static void
test_interrupt(void)
{
	int			n = 20000;
	double	   *x = malloc(sizeof(double) * n);
	double		cuts[SEGMENT_MAX_BINS];
	SegmentColumn column;
	int			i;

	for (i = 0; i < n; i++)
		x[i] = uniform();
	segment_column_build(&column, x, NULL, NULL, n, tap_memory());
	ok(segment_cut_natural_breaks(&column, 10, cuts, tap_memory(), at_once) == SEGMENT_CUT_INTERRUPTED && interrupts == 1,
	   "natural breaks stop when asked to");
	ok(segment_cut_natural_breaks(&column, 10, cuts, tap_memory(), NULL) == SEGMENT_CUT_OK, "and go on when not");
	/* uniform numbers: breaks are about even */
	for (i = 0; i < 9; i++)
		if (fabs(cuts[i] - (i + 1) / 10.0) > 0.02)
			break;
	ok(i == 9, "of uniform numbers they are about even");
	segment_column_free(&column, tap_memory());
	free(x);
}

/* Sums of such weights, and squares of such values, are beyond the range of doubles. */
static void
test_extremes(void)
{
	static const double weights[] = {1, 1e307, 1e-320};
	bool		quantile = true;
	bool		breaks = true;
	size_t		w;

	for (w = 0; w < lengthof(weights); w++)
	{
		double		x[100];
		double		weight[100];
		double		cuts[SEGMENT_MAX_BINS];
		SegmentColumn column;
		int			i;

		for (i = 0; i < 100; i++)
		{
			x[i] = (i + 1) * 0x1p900;
			weight[i] = weights[w];
		}
		segment_column_build(&column, x, weight, NULL, 100, tap_memory());
		segment_cut_quantile(&column, 5, cuts);
		for (i = 0; i < 4; i++)
			quantile = quantile && cuts[i] == (i + 1) * 20 * 0x1p900;
		breaks = breaks &&
			segment_cut_natural_breaks(&column, 5, cuts, tap_memory(), NULL) == SEGMENT_CUT_OK;
		for (i = 0; i < 4; i++)
			breaks = breaks && cuts[i] == (i + 1) * 20 * 0x1p900;
		segment_column_free(&column, tap_memory());
	}
	ok(quantile, "quantiles with the largest and smallest weights");
	ok(breaks, "natural breaks of large values with the largest and smallest weights");
}

int
main(void)
{
	test_sort();
	test_column();
	test_cuts();
	test_interrupt();
	test_extremes();
	ok(tap_blocks == 0, "all memory was given back");
	return done();
}
