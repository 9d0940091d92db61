/*
 * scored.c: how well scores tell two labels apart, and what cells of a feature say about one.
 *
 * Rows come sorted by score; equal scores are treated alike whatever their order (law 1): half
 * of the pairs that they make count as won, and they fall into one bin.
 *
 * AUC: the share of pairs of a row with the label and one without, in which the former has the
 *	higher score (Mann and Whitney 1947).  KS: the largest distance of the two distribution
 *	functions.  Both by weight.
 * Log loss: the mean of -ln of the probability given to what came; Brier: the mean squared
 *	distance from it.  Both sums are exact before they are rounded, so that they depend on the
 *	rows alone (law 3).
 *
 * Of cells: information value, sum (g - b) ln(g / b) over the shares of the two labels that fall
 *	into the cell, an empty side counting as 0.99 rows (as in drift.c); mutual information of
 *	cell and label in nats; Gini, 2 AUC - 1 of the cells ordered by their rate.
 *
 * Resampling: each count becomes a Poisson number of that mean, which is the bootstrap
 *	with a random number of rows (Hanley and MacGibbon 2006).  Poisson numbers of small
 *	means by multiplication (Knuth), others by transformed rejection (Hoermann 1993), which
 *	takes nothing but logarithms that have the same bits everywhere.
 */
#include "kernel/predict/scored.h"

#include <math.h>
#include <stdlib.h>

#include "kernel/base/elementary.h"
#include "kernel/base/exact_sum.h"
#include "kernel/base/gamma.h"
#include "kernel/base/hash.h"
#include "kernel/base/order.h"

#define NOT_A_NUMBER	segment_bits_double(UINT64CONST(0x7FF8000000000000))

/* rows that an empty side of a cell counts as */
#define EMPTY_SIDE		0.99

/* means from which on rejection is faster */
#define REJECT_FROM		10.0

/* By score, label and weight. */
int
segment_scored_compare(const void *a, const void *b)
{
	const SegmentScored *x = a;
	const SegmentScored *y = b;
	int			order = segment_order(x->score, y->score);

	if (order == 0)
		order = segment_order(x->label, y->label);
	return order != 0 ? order : segment_order(x->weight, y->weight);
}

/* Makes one of equal rows, which come sorted; returns how many are left. */
int64
segment_scored_merge(SegmentScored *rows, int64 n)
{
	int64		kept = 0;
	int64		i;

	for (i = 0; i < n; i++)
		if (kept > 0 && segment_scored_compare(&rows[kept - 1], &rows[i]) == 0)
			rows[kept - 1].copies += rows[i].copies;
		else
			rows[kept++] = rows[i];
	return kept;
}

/* The rows from `from` on that have its score; their weights by label. */
static int64
same_score(const SegmentScored *rows, int64 n, int64 from, double weight[2])
{
	int64		i;

	weight[0] = weight[1] = 0;
	for (i = from; i < n && rows[i].score == rows[from].score; i++)
		weight[rows[i].label > 0 ? 1 : 0] += rows[i].copies * rows[i].weight;
	return i;
}

static void
order_measures(const SegmentScored *rows, int64 n, SegmentScoredMeasures *measures)
{
	double		whole[2] = {0, 0};
	double		below[2] = {0, 0};
	double		won = 0;
	int64		i;

	for (i = 0; i < n; i++)
		whole[rows[i].label > 0 ? 1 : 0] += rows[i].copies * rows[i].weight;
	measures->auc = measures->ks = NOT_A_NUMBER;
	if (whole[0] == 0 || whole[1] == 0)
		return;
	measures->ks = 0;
	for (i = 0; i < n;)
	{
		double		here[2];
		double		distance;

		i = same_score(rows, n, i, here);
		won += here[1] * (below[0] + here[0] / 2);
		below[0] += here[0];
		below[1] += here[1];
		distance = fabs(below[0] / whole[0] - below[1] / whole[1]);
		measures->ks = distance > measures->ks ? distance : measures->ks;
	}
	measures->auc = won / (whole[0] * whole[1]);
}

/* Rows come merged. */
void
segment_scored_measures(const SegmentScored *rows, int64 n, SegmentScoredMeasures *measures)
{
	SegmentExactSum weight;
	SegmentExactSum loss;
	SegmentExactSum brier;
	bool		probabilities = n > 0;
	bool		impossible = false;
	double		total;
	int64		i;

	segment_exact_init(&weight);
	segment_exact_init(&loss);
	segment_exact_init(&brier);
	measures->rows = measures->positives = 0;
	for (i = 0; i < n; i++)
	{
		const SegmentScored *row = &rows[i];
		double		came = row->label > 0 ? row->score : 1 - row->score;

		measures->rows += row->copies;
		measures->positives += row->label > 0 ? row->copies : 0;
		if (!(row->score >= 0 && row->score <= 1))
			probabilities = false;
		if (!probabilities)
			continue;
		segment_exact_add_moment(&weight, row->copies, row->weight, 1, 1);
		segment_exact_add_moment(&brier, row->copies, row->weight, row->score - row->label, 2);
		if (came == 0)
			impossible = true;
		else
			segment_exact_add_moment(&loss, row->copies, row->weight,
									 row->label > 0 ? -segment_log(came) : -segment_log1p(-row->score), 1);
	}
	order_measures(rows, n, measures);
	measures->log_loss = measures->brier = NOT_A_NUMBER;
	if (!probabilities)
		return;
	total = segment_exact_value(&weight);
	measures->brier = segment_exact_value(&brier) / total;
	measures->log_loss = impossible ? HUGE_VAL : segment_exact_value(&loss) / total;
}

/*
 * Divides rows, which come sorted, into at most k bins of about the same weight, highest scores
 * first; equal scores stay together, in the bin where the middle of them falls.  Returns how many bins have
 * rows; the others are passed over.
 */
int
segment_scored_bins(const SegmentScored *rows, int64 n, int k, SegmentScoredBin *bins)
{
	double		whole = 0;
	double		above = 0;
	int			last = -1;
	int			count = 0;
	int64		end;
	int64		i;

	for (i = 0; i < n; i++)
		whole += rows[i].copies * rows[i].weight;
	for (end = n; end > 0;)
	{
		SegmentScoredBin *bin;
		double		score = rows[end - 1].score;
		double		here = 0;
		int64		from = end;
		int			number;

		while (from > 0 && rows[from - 1].score == score)
		{
			from--;
			here += rows[from].copies * rows[from].weight;
		}
		number = (int) ((above + here / 2) / whole * k);
		number = number > k - 1 ? k - 1 : number;
		if (number != last)
		{
			bins[count] = (SegmentScoredBin) {.lower = score, .upper = score};
			count++;
			last = number;
		}
		bin = &bins[count - 1];
		bin->lower = score;
		bin->mean += here * score;
		bin->weight += here;
		for (i = from; i < end; i++)
		{
			bin->rows += rows[i].copies;
			bin->positives += rows[i].label > 0 ? rows[i].copies : 0;
			bin->positive_weight += rows[i].label > 0 ? rows[i].copies * rows[i].weight : 0;
		}
		above += here;
		end = from;
	}
	for (i = 0; i < count; i++)
		bins[i].mean /= bins[i].weight;
	return count;
}

/* ---- cells ---- */

static int
by_rate(const void *a, const void *b)
{
	const SegmentCell *x = a;
	const SegmentCell *y = b;

	return segment_order(x->count[1] * y->count[0], y->count[1] * x->count[0]);
}

/* room: n cells; all are 0 where a label has no row. */
void
segment_cell_measures(const SegmentCell *cells, int n, SegmentCell *room,
					  double measure[SEGMENT_CELL_MEASURES])
{
	double		whole[2] = {0, 0};
	double		below = 0;
	double		won = 0;
	double		all;
	int			used = 0;
	int			i;
	int			c;

	measure[0] = measure[1] = measure[2] = 0;
	for (i = 0; i < n; i++)
		for (c = 0; c < 2; c++)
			whole[c] += cells[i].count[c];
	all = whole[0] + whole[1];
	if (whole[0] == 0 || whole[1] == 0)
		return;
	for (i = 0; i < n; i++)
	{
		const double *count = cells[i].count;
		double		good = (count[1] > 0 ? count[1] : EMPTY_SIDE) / whole[1];
		double		bad = (count[0] > 0 ? count[0] : EMPTY_SIDE) / whole[0];

		if (count[0] + count[1] == 0)
			continue;
		room[used++] = cells[i];
		measure[SEGMENT_INFORMATION_VALUE] += (good - bad) * segment_log(good / bad);
		for (c = 0; c < 2; c++)
			if (count[c] > 0)
				measure[SEGMENT_MUTUAL_INFORMATION] += count[c] / all *
					segment_log(count[c] * all / ((count[0] + count[1]) * whole[c]));
	}
	measure[SEGMENT_MUTUAL_INFORMATION] = Max(measure[SEGMENT_MUTUAL_INFORMATION], 0);
	/* cells of one rate make as much in any order */
	qsort(room, used, sizeof(SegmentCell), by_rate);
	for (i = 0; i < used; i++)
	{
		won += room[i].count[1] * (below + room[i].count[0] / 2);
		below += room[i].count[0];
	}
	measure[SEGMENT_GINI] = Max(2 * won / (whole[0] * whole[1]) - 1, 0);
}

/* ---- resampling ---- */

static inline double
next_uniform(uint64 seed, uint64 *number)
{
	return segment_hash_uniform(seed, segment_mix64(++*number));
}

/* A Poisson number; *number counts what was drawn. */
double
segment_poisson(double mean, uint64 seed, uint64 *number)
{
	double		b = 0.931 + 2.53 * sqrt(mean);
	double		a = -0.059 + 0.02483 * b;
	double		inverse = 1.1239 + 1.1328 / (b - 3.4);
	double		v_r = 0.9277 - 3.6224 / (b - 2);
	double		log_mean;

	if (!(mean > 0))
		return 0;
	if (mean < REJECT_FROM)
	{
		double		least = segment_exp(-mean);
		double		product = next_uniform(seed, number);
		double		k = 0;

		while (product > least)
		{
			product *= next_uniform(seed, number);
			k += 1;
		}
		return k;
	}
	log_mean = segment_log(mean);
	for (;;)
	{
		double		u = next_uniform(seed, number) - 0.5;
		double		v = next_uniform(seed, number);
		double		us = 0.5 - fabs(u);
		double		k = floor((2 * a / us + b) * u + mean + 0.43);

		if (us >= 0.07 && v <= v_r)
			return k;
		if (k < 0 || (us < 0.013 && v > us))
			continue;
		if (segment_log(v * inverse / (a / (us * us) + b)) <= k * log_mean - mean - segment_lgamma(k + 1))
			return k;
	}
}

void
segment_cells_resampled(const SegmentCell *cells, int n, uint64 seed, SegmentCell *out)
{
	uint64		number = 0;
	int			i;
	int			c;

	for (i = 0; i < n; i++)
		for (c = 0; c < 2; c++)
			out[i].count[c] = segment_poisson(cells[i].count[c], seed, &number);
}
