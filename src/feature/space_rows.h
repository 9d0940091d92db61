/*
 * space_rows.h: which rows of a set take part in training, and with what weight.
 *
 * Here and not in a file of its own, because it is asked of every row.
 */
#ifndef SEGMENT_SPACE_ROWS_H
#define SEGMENT_SPACE_ROWS_H

#include "compat.h"

#include <math.h>

#include "feature/feature_space.h"

static inline double
segment_space_row_weight(const SegmentRowStore *store, int64 r)
{
	return segment_row_weight(store, store->rows + r * store->width) *
		(double) segment_row_copies(store, r);
}

/* Whether a row can take part in training. */
static inline bool
segment_space_row_usable(const FeatureSpace *space, const SegmentRowStore *store, int64 r)
{
	const double *row = store->rows + r * store->width;
	bool		any = false;
	int			i;

	if (store->weighted && !(row[store->n_columns] > 0 && isfinite(row[store->n_columns])))
		return false;
	for (i = 0; i < space->n_features; i++)
	{
		if (isfinite(row[i]))
			any = true;
		else if (space->nulls == NULLS_SKIP)
			return false;
	}
	return any;
}

#endif							/* SEGMENT_SPACE_ROWS_H */
