/*
 * row_stores.h: uniting and comparing row stores, for tests and fuzz targets.
 */
#ifndef SEGMENT_TEST_ROW_STORES_H
#define SEGMENT_TEST_ROW_STORES_H

#include <string.h>

#include "kernel/base/row_store.h"
#include "tap.h"

static inline void
store_free(SegmentRowStore *store)
{
	if (store->rows)
		tap_release(NULL, store->rows);
	if (store->copies)
		tap_release(NULL, store->copies);
	if (store->index)
		tap_release(NULL, store->index);
	if (store->left_out)
		tap_release(NULL, store->left_out);
}

static inline void
merge(SegmentRowStore *into, const SegmentRowStore *from)
{
	int64		seen = into->n_seen + from->n_seen;
	int64		piece = 97;
	int64		r;
	int			i;

	/* as segment_feature_set_merge does, in smaller pieces */
	segment_row_store_raise_level(into, from->level);
	segment_row_store_reserve(into, 2 * from->n_rows);
	for (r = 0; r < from->n_rows; r += piece)
		segment_row_store_append(into, from->rows + r * from->width,
								 from->copies == NULL ? NULL : from->copies + r,
								 Min(piece, from->n_rows - r));
	if (from->left_out != NULL)
	{
		if (into->left_out == NULL)
		{
			into->left_out = tap_resize(NULL, NULL, sizeof(SegmentColumnStats) * into->n_columns);
			for (i = 0; i < into->n_columns; i++)
				segment_column_stats_init(&into->left_out[i]);
		}
		for (i = 0; i < into->n_columns; i++)
			segment_column_stats_merge(&into->left_out[i], &from->left_out[i]);
	}
	into->n_seen = seen;
}

static inline bool
same_stats(const SegmentRowStore *a, const SegmentRowStore *b)
{
	int			i;

	for (i = 0; i < a->n_columns; i++)
	{
		SegmentColumnStats x,
					y;

		segment_row_store_stats(a, i, &x);
		segment_row_store_stats(b, i, &y);
		segment_exact_normalise(&x.weight);
		segment_exact_normalise(&y.weight);
		segment_exact_normalise(&x.sum);
		segment_exact_normalise(&y.sum);
		segment_exact_normalise(&x.sum_squares);
		segment_exact_normalise(&y.sum_squares);
		if (x.n_values != y.n_values || x.n_missing != y.n_missing || x.n_infinite != y.n_infinite ||
			x.min != y.min || x.max != y.max ||
			memcmp(x.weight.limb, y.weight.limb, sizeof(x.weight.limb)) != 0 ||
			memcmp(x.sum.limb, y.sum.limb, sizeof(x.sum.limb)) != 0 ||
			memcmp(x.sum_squares.limb, y.sum_squares.limb, sizeof(x.sum_squares.limb)) != 0)
			return false;
	}
	return true;
}

static inline bool
same_store(SegmentRowStore *a, SegmentRowStore *b)
{
	segment_row_store_sort(a);
	segment_row_store_sort(b);
	return a->level == b->level && a->n_seen == b->n_seen && a->n_rows == b->n_rows &&
		(a->n_rows == 0 ||
		 (memcmp(a->rows, b->rows, sizeof(double) * a->width * a->n_rows) == 0 &&
		  memcmp(a->copies, b->copies, sizeof(int64) * a->n_rows) == 0)) &&
		same_stats(a, b);
}

#endif							/* SEGMENT_TEST_ROW_STORES_H */
