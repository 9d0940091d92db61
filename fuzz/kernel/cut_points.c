/*
 * Fuzz target: cut points.
 *
 * The input is a column of numbers with copies and weights.  Claims: the order of
 * rows does not matter; cuts ascend; a quantile cut is a value of the data, at or
 * below which lies the share of rows that its number asks for, and no lower value
 * would do; scores rise with values, and the bins hold all rows between them;
 * natural breaks deviate no more than the bins of any other method do; and
 * multiplying the data by a power of two multiplies the cuts by it (law 4), and
 * multiplying the weights by one changes nothing.
 */
#include "bytes.h"

#include <string.h>

#include "../../test/unit/tap.h"
#include "kernel/base/cut_points.h"

#define MAX_ROWS 150

typedef struct Rows
{
	int			n;
	double		value[MAX_ROWS];
	double		weight[MAX_ROWS];
	double		copies[MAX_ROWS];
} Rows;

typedef struct Cuts
{
	double		quantile[SEGMENT_MAX_BINS];
	double		r_rfm[SEGMENT_MAX_BINS];
	double		breaks[SEGMENT_MAX_BINS];
} Cuts;

static void
find_cuts(const SegmentColumn *column, int bins, Cuts *cuts)
{
	memset(cuts, 0, sizeof(*cuts));
	segment_cut_quantile(column, bins, cuts->quantile);
	segment_cut_r_rfm(column, bins, cuts->r_rfm);
	require(segment_cut_natural_breaks(column, bins, cuts->breaks, tap_memory(), NULL) == SEGMENT_CUT_OK);
}

/* Sum of squared deviations from the means of the bins that the cuts make. */
static long double
deviation(const SegmentColumn *column, const double *cuts, int bins)
{
	long double result = 0;
	int64		from = 0;
	int64		to;
	int64		i;

	for (; from < column->n; from = to)
	{
		int			bin = segment_bin(column->value[from], cuts, bins - 1, false);
		long double weight = 0;
		long double mean = 0;

		for (to = from; to < column->n && segment_bin(column->value[to], cuts, bins - 1, false) == bin; to++)
		{
			weight += column->weight[to];
			mean += (long double) column->weight[to] * column->value[to];
		}
		mean /= weight;
		for (i = from; i < to; i++)
			result += column->weight[i] * (column->value[i] - mean) * (column->value[i] - mean);
	}
	return result;
}

static void
check_quantile(const SegmentColumn *column, int bins, const double *cuts)
{
	int			cut;

	for (cut = 1; cut < bins; cut++)
	{
		double		below = 0;
		int64		i;

		for (i = 0; i < column->n && column->value[i] < cuts[cut - 1]; i++)
			below += column->weight[i];
		require(i < column->n && column->value[i] == cuts[cut - 1]);
		/* weights are sums: the same order of adding, the same rounding */
		require(i == 0 || below * bins < cut * column->total);
		require((below + column->weight[i]) * bins >= cut * column->total || i == column->n - 1);
	}
}

static void
check_bins(const SegmentColumn *column, int bins, const double *cuts, bool closed_left)
{
	double		in_bin[SEGMENT_MAX_BINS] = {0};
	double		total = 0;
	int			score = 0;
	int64		i;

	for (i = 1; i < bins - 1; i++)
		require(cuts[i - 1] <= cuts[i]);
	for (i = 0; i < column->n; i++)
	{
		int			now = segment_bin(column->value[i], cuts, bins - 1, closed_left);

		require(now >= score && now < bins);
		score = now;
		in_bin[now] += 1;
	}
	for (i = 0; i < bins; i++)
		total += in_bin[i];
	require(total == (double) column->n);
}

/* Whether a number keeps all its bits when multiplied by the power of two. */
static bool
scales(double x, int power)
{
	return ldexp(ldexp(x, power), -power) == x && !isinf(ldexp(x, power));
}

static void
check_scaling(const Rows *rows, const Cuts *cuts, int bins, int power, int weight_power)
{
	static Rows scaled;
	SegmentColumn column;
	Cuts		scaled_cuts;
	int			i;

	scaled = *rows;
	for (i = 0; i < rows->n; i++)
	{
		if (!scales(rows->value[i], power))
			return;
		scaled.value[i] = ldexp(rows->value[i], power);
		scaled.weight[i] = ldexp(rows->weight[i], weight_power);
	}
	segment_column_build(&column, scaled.value, scaled.weight, scaled.copies, scaled.n, tap_memory());
	find_cuts(&column, bins, &scaled_cuts);
	for (i = 0; i < bins - 1; i++)
	{
		require(scaled_cuts.quantile[i] == ldexp(cuts->quantile[i], power));
		require(scaled_cuts.breaks[i] == ldexp(cuts->breaks[i], power));
	}
	segment_column_free(&column, tap_memory());
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static Rows rows;
	static Rows turned;
	Bytes		in = {data, size};
	int			bins = 2 + take_below(&in, SEGMENT_MAX_BINS - 1);
	bool		weighted = take_below(&in, 2) == 1;
	bool		folded = take_below(&in, 2) == 1;
	int			power = (int) take_bytes(&in, 2) % 1001 - 500;
	SegmentColumn column;
	SegmentColumn again;
	Cuts		cuts;
	long double least;
	long double slack;
	int			i;

	for (rows.n = 0; rows.n < MAX_ROWS && (in.left > 0 || rows.n == 0); rows.n++)
	{
		/* no -0: row stores hold none */
		rows.value[rows.n] = take_finite(&in) + 0.0;
		rows.weight[rows.n] = weighted ? (1 + (double) take_bytes(&in, 2)) / 1024 : 1;
		rows.copies[rows.n] = folded ? 1 + (double) take_bytes(&in, 2) : 1;
	}
	turned.n = rows.n;
	for (i = 0; i < rows.n; i++)
	{
		turned.value[i] = rows.value[rows.n - 1 - i];
		turned.weight[i] = rows.weight[rows.n - 1 - i];
		turned.copies[i] = rows.copies[rows.n - 1 - i];
	}

	segment_column_build(&column, rows.value, weighted ? rows.weight : NULL,
						 folded ? rows.copies : NULL, rows.n, tap_memory());
	segment_column_build(&again, turned.value, turned.weight, turned.copies, turned.n, tap_memory());
	require(column.n == again.n && column.total == again.total);
	require(memcmp(column.value, again.value, sizeof(double) * column.n) == 0);
	require(memcmp(column.weight, again.weight, sizeof(double) * column.n) == 0);

	find_cuts(&column, bins, &cuts);
	check_quantile(&column, bins, cuts.quantile);
	check_bins(&column, bins, cuts.quantile, false);
	check_bins(&column, bins, cuts.r_rfm, true);
	check_bins(&column, bins, cuts.breaks, false);

	/* differences of sums of squares are right to some digits of the whole sum */
	slack = deviation(&column, NULL, 1) * 1e-10L;
	least = deviation(&column, cuts.breaks, bins);
	require(least <= deviation(&column, cuts.quantile, bins) + slack);
	require(least <= deviation(&column, cuts.r_rfm, bins) + slack);

	check_scaling(&rows, &cuts, bins, power, 0);
	check_scaling(&rows, &cuts, bins, 0, 2 * power);

	segment_column_free(&column, tap_memory());
	segment_column_free(&again, tap_memory());
	require(tap_blocks == 0);
	return 0;
}
