/*
 * ordered_rows.h: rows of a feature set in an order that depends on them alone.  See
 * ordered_rows.c.
 */
#ifndef SEGMENT_ORDERED_ROWS_H
#define SEGMENT_ORDERED_ROWS_H

#include "compat.h"

#include "base/row_counts.h"
#include "feature/feature_set.h"
#include "kernel/base/points.h"

typedef struct OrderedRows
{
	const FeatureSet *set;
	SegmentRowKey *keys;		/* of rows that can be used */
	int64		n;
} OrderedRows;

extern void segment_order_rows(OrderedRows *rows, const FeatureSet *set, RowCounts *counts);
extern bool segment_ordered_row_repeats(const OrderedRows *rows, int64 i);

static inline const double *
segment_ordered_row(const OrderedRows *rows, int64 i)
{
	const SegmentRowStore *store = &rows->set->store;

	return store->rows + (int64) rows->keys[i].row * store->width;
}

/* Lets the cache fetch a row that comes soon, as rows lie in no order; beyond the last there is none. */
static inline void
segment_ordered_row_prefetch(const OrderedRows *rows, int64 i)
{
	const double *row;
	int			j;

	if (i >= rows->n)
		return;
	row = segment_ordered_row(rows, i);
	for (j = 0; j < rows->set->store.width; j += PG_CACHE_LINE_SIZE / 2 / (int) sizeof(double))
		__builtin_prefetch(row + j);
	__builtin_prefetch(row + rows->set->store.width - 1);
}

#endif							/* SEGMENT_ORDERED_ROWS_H */
