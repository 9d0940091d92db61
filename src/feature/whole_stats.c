/*
 * whole_stats.c: figures of all rows of a feature set that holds a sample of them.
 *
 * Of rows that a sample leaves out the set keeps exact sums and extremes, by feature.
 * With those of the rows it holds they are the figures of all rows: scaling by them
 * does not depend on what the sample happened to keep.
 *
 * They are sums by feature, so they say nothing of which rows take part in training.
 * Where rows with a missing value are skipped, and there are any, the sums are of
 * other rows than those; then the sample has to do.  Rows without weight add
 * nothing to the sums, as they take no part; but they do to the extremes.
 */
#include "feature/whole_stats.h"

#include <math.h>

#include "miscadmin.h"

/* By feature; NULL where the set is no sample, or the figures would be of other rows. */
SegmentColumnStats *
segment_whole_stats(const FeatureSpace *space, const FeatureSet *set)
{
	const SegmentRowStore *store = &set->store;
	SegmentColumnStats *stats;
	int			i;

	if (store->left_out == NULL)
		return NULL;
	stats = palloc(sizeof(SegmentColumnStats) * store->n_columns);
	for (i = 0; i < store->n_columns; i++)
	{
		CHECK_FOR_INTERRUPTS();
		segment_row_store_stats(store, i, &stats[i]);
		if (space->nulls == NULLS_SKIP && stats[i].n_missing + stats[i].n_infinite > 0)
		{
			pfree(stats);
			return NULL;
		}
		if (store->weighted)
		{
			stats[i].min = HUGE_VAL;
			stats[i].max = -HUGE_VAL;
		}
	}
	return stats;
}

/* Moments of a sample become those of all rows, as far as these are known. */
void
segment_whole_moments(const SegmentColumnStats *stats, SegmentMoments *moments)
{
	(void) segment_moments_of_sums(&stats->weight, &stats->sum, &stats->sum_squares,
								   &moments->mean, &moments->deviation);
	moments->min = Min(moments->min, stats->min);
	moments->max = Max(moments->max, stats->max);
}
