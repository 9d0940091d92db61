/*
 * scored.c: measures of scores against all pairs of rows, bins, and Poisson numbers.
 */
#include "kernel/predict/scored.h"

#include <math.h>

#include "tap.h"

#define N 300

static SegmentScored rows[N];

static int64
random_rows(int levels)
{
	int			i;

	for (i = 0; i < N; i++)
		rows[i] = (SegmentScored) {.score = floor(uniform() * levels) / levels, .label = uniform() < 0.4,
			.weight = 1 + (double) (random64() % 3), .copies = 1};
	qsort(rows, N, sizeof(SegmentScored), segment_scored_compare);
	return segment_scored_merge(rows, N);
}

static double
auc_of_pairs(int64 n)
{
	double		won = 0;
	double		pairs = 0;
	int64		i;
	int64		j;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			if (rows[i].label > 0 && rows[j].label == 0)
			{
				double		w = rows[i].weight * rows[i].copies * rows[j].weight * rows[j].copies;

				pairs += w;
				won += rows[i].score > rows[j].score ? w : rows[i].score == rows[j].score ? w / 2 : 0;
			}
	return won / pairs;
}

static void
test_measures(void)
{
	static const int levels[] = {1, 3, 20, 1000000};
	SegmentScoredMeasures measures;
	SegmentScoredBin bins[10];
	int			i;

	for (i = 0; i < (int) lengthof(levels); i++)
	{
		int64		n = random_rows(levels[i]);
		double		all = 0;
		int			k;
		int			b;

		segment_scored_measures(rows, n, &measures);
		ok(fabs(measures.auc - auc_of_pairs(n)) < 1e-12 && measures.rows == N, "AUC is that of all pairs");
		k = segment_scored_bins(rows, n, 10, bins);
		for (b = 0; b < k; b++)
			all += bins[b].rows;
		ok(all == N && k <= 10 && (b == 1 || bins[0].mean > bins[k - 1].mean), "bins hold all rows");
		for (b = 1; b < k; b++)
			if (!(bins[b].upper < bins[b - 1].lower))
				break;
		ok(b >= k, "equal scores share a bin");
	}
	rows[0] = (SegmentScored) {.score = 0, .label = 1, .weight = 1, .copies = 2};
	segment_scored_measures(rows, 1, &measures);
	ok(isnan(measures.auc) && measures.log_loss == HUGE_VAL && measures.brier == 1, "one label, and what cannot be");
	rows[0].score = 2;
	segment_scored_measures(rows, 1, &measures);
	ok(isnan(measures.log_loss) && isnan(measures.brier), "no probabilities");
}

static void
test_poisson(void)
{
	static const double means[] = {0.3, 4, 9.9, 10, 57, 3000, 1e7};
	uint64		number = 0;
	int			i;
	int			t;

	for (i = 0; i < (int) lengthof(means); i++)
	{
		const int	times = 20000;
		double		sum = 0;
		double		squares = 0;

		for (t = 0; t < times; t++)
		{
			double		z = (segment_poisson(means[i], 5, &number) - means[i]) / sqrt(means[i]);

			sum += z;
			squares += z * z;
		}
		/* five standard deviations of both */
		ok(fabs(sum / times) < 5 / sqrt(times) &&
		   fabs(squares / times - 1) < 5 * sqrt((2 + 1 / means[i]) / times), "Poisson numbers");
	}
	ok(segment_poisson(0, 5, &number) == 0, "none of nothing");
}

static void
test_cells(void)
{
	static const SegmentCell cells[] = {{{10, 30}}, {{20, 20}}, {{30, 10}}};
	static const SegmentCell same[] = {{{10, 5}}, {{20, 10}}, {{0, 0}}};
	SegmentCell room[3];
	double		measure[SEGMENT_CELL_MEASURES];

	segment_cell_measures(cells, 3, room, measure);
	ok(fabs(measure[SEGMENT_INFORMATION_VALUE] - 2.0 / 3 * log(3)) < 1e-14, "information value");
	ok(fabs(measure[SEGMENT_MUTUAL_INFORMATION] - 0.087208023960758) < 1e-14, "mutual information");
	ok(fabs(measure[SEGMENT_GINI] - 4.0 / 9) < 1e-14, "Gini");
	segment_cell_measures(same, 3, room, measure);
	ok(fabs(measure[0]) < 1e-15 && fabs(measure[1]) < 1e-15 && measure[2] == 0, "cells that say nothing");
}

int
main(void)
{
	test_measures();
	test_poisson();
	test_cells();
	return done();
}
