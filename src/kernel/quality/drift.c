/*
 * drift.c: how far the values of a feature have moved, from before to after.
 *
 * Cells.  A category is a cell.  Numbers fall into cells by the quantiles of before (cut i
 *	of b is the smallest value at or below which at least i/b of the weight lies, as in
 *	cut_points.c), equal cuts being one, a value on a cut belonging below it.  Where the
 *	lowest (highest) cell holds one value alone, what lies below (above) that value is a cell
 *	of its own: a constant that changes has changed.  Rows without a finite value are a cell.
 *	Cells that are empty on both sides are none.
 *
 * psi: with the shares b and a of the cells, sum (a - b) ln(a / b): the divergence of
 *	Kullback and Leibler, added up in both directions.  A cell that is empty on one side counts
 *	there as 0.99 rows, and shares are taken after that (R package scorecard).
 *
 * chi2: of the table of two rows and as many columns as there are cells, that both sides
 *	are alike; df = cells - 1.
 *
 * ks: the largest distance of the two distribution functions of the finite values (Kolmogorov
 *	and Smirnov); ks_p by the limiting distribution, at sqrt(n m / (n + m)) ks, as R's
 *	ks.test(exact = FALSE): a little too large for small samples.
 *
 * wasserstein: the area between the two distribution functions, which is the mean distance
 *	that values have to be moved to make the one the other (Wasserstein distance of order 1,
 *	earth mover's distance); relative: over the standard deviation of before.
 *
 * Worked example: 1 1 2 3 before, 2 2 3 3 after.  The distribution functions are 1/2, 3/4, 1
 * and 0, 1/2, 1: ks = 1/2, wasserstein = 1/2 + 1/4 = 3/4.
 *
 * Ties: values that differ by rounding alone (precision.h) are equal on both sides, a run
 * measured from its lowest value (laws 1 and 17).  All sums run in ascending order of
 * values, or are of whole numbers: no order of rows shows (law 3).  A factor on the values
 * changes nothing but wasserstein, which has it, too (law 4); one on weights nothing at all.
 * With weights the tests count as many rows as would say as much if they weighed the same,
 * (sum w)^2 / sum w^2.
 *
 * Thinning: segment_column_thin makes a column of a bounded number of values for keeping.
 * Neighbours are joined to their mean, few towards the ends and more in the middle: a group
 * may hold pi/points sqrt(q (1 - q)) of the weight (q: its place, 0 to 1), as the scale
 * of a t-digest has it.  Distribution functions are off by half of that at most, 0.08 %
 * of the rows for 2,048 points; values at the ends, on which distances hang, are exact.
 *
 * References: Siddiqi 2006; Kish 1965; Vallender 1974; Dunning and Ertl 2019.
 */
#include "kernel/quality/drift.h"

#include <math.h>

#include "kernel/base/elementary.h"
#include "kernel/base/gamma.h"
#include "kernel/base/moments.h"
#include "kernel/base/precision.h"

/* rows that an empty cell counts as, where the other side has some */
#define EMPTY_CELL_ROWS 0.99

/* values beyond this are made smaller, so that differences are doubles, too */
#define LARGE_VALUE	0x1p+1000
#define SMALLER		0x1p-60

static void
drift_init(SegmentDrift *drift)
{
	drift->psi = drift->ks = drift->ks_p = NAN;
	drift->chi2 = drift->chi2_df = drift->chi2_p = NAN;
	drift->wasserstein = drift->relative = NAN;
}

/* ---- cells ---- */

/* Cells, and behind them those of rows without a value. */
void
segment_drift_of_cells(const SegmentDriftSide *before, const double *before_cells,
					   const SegmentDriftSide *after, const double *after_cells,
					   int64 n, SegmentDrift *drift)
{
	double		empty_before = EMPTY_CELL_ROWS * before->weight / before->rows;
	double		empty_after = EMPTY_CELL_ROWS * after->weight / after->rows;
	double		total_before = before->weight;
	double		total_after = after->weight;
	double		psi = 0;
	double		chi2 = 0;
	double		cells = 0;
	int64		i;

	drift_init(drift);
	if (!(before->weight > 0 && after->weight > 0))
		return;
	for (i = 0; i <= n; i++)
	{
		double		b = i < n ? before_cells[i] : before->missing;
		double		a = i < n ? after_cells[i] : after->missing;

		if (b == 0 && a > 0)
			total_before += empty_before;
		if (a == 0 && b > 0)
			total_after += empty_after;
	}
	for (i = 0; i <= n; i++)
	{
		double		b = i < n ? before_cells[i] : before->missing;
		double		a = i < n ? after_cells[i] : after->missing;
		double		share_before;
		double		share_after;

		if (b == 0 && a == 0)
			continue;
		cells++;
		share_before = b / before->weight;
		share_after = a / after->weight;
		chi2 += (share_after - share_before) * (share_after - share_before) /
			(share_before / after->effective + share_after / before->effective);
		share_before = (b == 0 ? empty_before : b) / total_before;
		share_after = (a == 0 ? empty_after : a) / total_after;
		psi += (share_after - share_before) * segment_log(share_after / share_before);
	}
	drift->psi = psi;
	drift->chi2 = chi2;
	drift->chi2_df = cells - 1;
	drift->chi2_p = cells > 1 ? segment_chi_squared_p(chi2, cells - 1) : 1;
}

/* ---- numbers ---- */

/* A value that is this one but for rounding counts as it. */
static inline double
as_high_as(double x)
{
	return x + SEGMENT_ROUNDING * fabs(x);
}

static inline double
as_low_as(double x)
{
	return x - SEGMENT_ROUNDING * fabs(x);
}

/* Where numbers fall into cells: the cells lie between cuts, and below and above single values. */
typedef struct Cells
{
	int			n_cuts;
	double		cut[SEGMENT_DRIFT_MAX_BINS];	/* ascending; values up to it belong below */
	double		lowest;			/* values below are a cell of their own */
} Cells;

static void
find_cells(const SegmentColumn *column, int bins, Cells *cells)
{
	double		below = 0;		/* weight up to the value before */
	int			bin = 1;
	int64		i;

	cells->n_cuts = 0;
	cells->lowest = -HUGE_VAL;
	for (i = 0; i < column->n && bin < bins; i++)
	{
		below += column->weight[i];
		if (below < column->total * bin / bins)
			continue;
		while (bin < bins && below >= column->total * bin / bins)
			bin++;
		/* values that are one but for rounding are one */
		if (cells->n_cuts > 0 && column->value[i] <= cells->cut[cells->n_cuts - 1])
			continue;
		cells->cut[cells->n_cuts++] = as_high_as(column->value[i]);
	}
	if (column->n == 0)
		return;
	if (cells->n_cuts > 0 && cells->cut[0] <= as_high_as(column->value[0]))
		cells->lowest = as_low_as(column->value[0]);
	/* the highest cell holds one value: what lies above it is another one */
	if (cells->n_cuts > 0 && cells->cut[cells->n_cuts - 1] < column->value[column->n - 1])
	{
		for (i = column->n - 1; i > 0 && column->value[i - 1] > cells->cut[cells->n_cuts - 1]; i--)
			;
		if (as_high_as(column->value[i]) >= column->value[column->n - 1])
			cells->cut[cells->n_cuts++] = as_high_as(column->value[column->n - 1]);
	}
}

/* Weights by cell: below the lowest, and up to each cut and beyond the last. */
static void
fill_cells(const Cells *cells, const SegmentColumn *column, double *weight)
{
	int			cell = 1;
	int64		i;

	for (i = 0; i < cells->n_cuts + 2; i++)
		weight[i] = 0;
	for (i = 0; i < column->n; i++)
	{
		while (cell <= cells->n_cuts && column->value[i] > cells->cut[cell - 1])
			cell++;
		weight[column->value[i] < cells->lowest ? 0 : cell] += column->weight[i];
	}
}

/* ks, and wasserstein for values times `scale`. */
static void
compare_functions(const SegmentColumn *before, const SegmentColumn *after, double scale,
				  double *ks, double *wasserstein)
{
	double		sum_before = 0;
	double		sum_after = 0;
	double		distance = 0;	/* of the distribution functions up to here */
	double		highest = 0;	/* value up to here */
	int64		i = 0;
	int64		j = 0;

	*ks = 0;
	*wasserstein = 0;
	while (i < before->n || j < after->n)
	{
		bool		of_before = j >= after->n ||
			(i < before->n && before->value[i] < after->value[j]);
		double		lowest = of_before ? before->value[i] : after->value[j];
		double		limit = as_high_as(lowest);

		if (i + j > 0)
			*wasserstein += distance * (lowest * scale - highest * scale);
		highest = lowest;
		while (i < before->n && before->value[i] <= limit)
			sum_before += before->weight[i++];
		while (j < after->n && after->value[j] <= limit)
			sum_after += after->weight[j++];
		distance = fabs(sum_before / before->total - sum_after / after->total);
		*ks = distance > *ks ? distance : *ks;
	}
}

/* The largest of the values, without their signs. */
static double
largest_value(const SegmentColumn *column)
{
	return fmax(fabs(column->value[0]), fabs(column->value[column->n - 1]));
}

/* Finite values in ascending order; columns may be empty. */
void
segment_drift_of_numbers(const SegmentDriftSide *before, const SegmentColumn *before_values,
						 const SegmentDriftSide *after, const SegmentColumn *after_values,
						 int bins, SegmentDrift *drift)
{
	Cells		cells;
	double		before_cells[SEGMENT_DRIFT_MAX_BINS + 2];
	double		after_cells[SEGMENT_DRIFT_MAX_BINS + 2];
	SegmentMoments moments;
	double		n;
	double		m;
	double		scale;

	find_cells(before_values, bins, &cells);
	fill_cells(&cells, before_values, before_cells);
	fill_cells(&cells, after_values, after_cells);
	segment_drift_of_cells(before, before_cells, after, after_cells, cells.n_cuts + 2, drift);
	if (!(before_values->total > 0 && after_values->total > 0))
		return;

	n = before->effective * (before_values->total / before->weight);
	m = after->effective * (after_values->total / after->weight);
	scale = fmax(largest_value(before_values), largest_value(after_values)) > LARGE_VALUE
		? SMALLER : 1;
	compare_functions(before_values, after_values, scale, &drift->ks, &drift->wasserstein);
	drift->ks_p = segment_kolmogorov_p(sqrt(n / (n + m) * m) * drift->ks);
	segment_moments(before_values->value, before_values->weight, before_values->n, &moments);
	if (moments.deviation > 0 && !segment_is_rounding(moments.min, moments.max))
		drift->relative = drift->wasserstein / (moments.deviation * scale);
	else if (drift->wasserstein == 0)
		drift->relative = 0;
	drift->wasserstein /= scale;
}

/* ---- thinning ---- */

/* The weight that a group around a place q of the distribution may have. */
static double
most_weight(double q, double total, int points)
{
	const double pi = 0x1.921fb54442d18p+1;

	return total * (pi / points) * sqrt(q > 0 && q < 1 ? q * (1 - q) : 0);
}

/* Joins neighbours to their means, which leaves at most about twice `points` values. */
void
segment_column_thin(SegmentColumn *column, int points)
{
	double		below = 0;		/* weight below the group */
	int64		n = 0;
	int64		i = 0;

	if (column->n <= points)
		return;
	while (i < column->n)
	{
		double		first = column->value[i];
		double		weight = column->weight[i];
		double		limit = most_weight((below + weight / 2) / column->total, column->total,
										points);
		double		moment = 0; /* sum of weight times distance from the first value, halved */
		double		mean;
		int64		j = i + 1;

		for (; j < column->n; j++)
		{
			double		w = column->weight[j];

			/* as much as a group may have where it begins, and where it ends */
			if (weight + w > limit ||
				weight + w > most_weight((below + weight + w / 2) / column->total,
										 column->total, points))
				break;
			weight += w;
			moment += w * (column->value[j] / 2 - first / 2);
		}
		mean = weight > 0 ? first + 2 * (moment / weight) : first;
		mean = mean > column->value[j - 1] ? column->value[j - 1] : mean < first ? first : mean;
		below += weight;
		column->value[n] = mean;
		column->weight[n++] = weight;
		i = j;
	}
	column->n = n;
}
