/*
 * ordered_rows.c: rows of a feature set in an order that depends on them alone: that of the hash of
 * their content, in which sums over them have the same bits however they came (law 3).
 *
 * Rows that lack a value, or have none that is finite, or no weight, are left out and counted (law 5).
 * Equal rows have one hash, and so stand together.
 */
#include "predict/ordered_rows.h"

#include <math.h>

#include "base/memory.h"
#include "miscadmin.h"

/* rows between two checks for a cancel, all but the last bits of a number */
#define CHECK_EVERY 0xFFFF

/* rows whose hashes are found at once: their values are still in the cache when they are looked at */
#define HASHED_AT_ONCE 64

static bool
usable(const SegmentRowStore *store, const double *row)
{
	double		weight = segment_row_weight(store, row);
	int			i;

	for (i = 0; i < store->n_columns; i++)
		if (!isfinite(row[i]))
			return false;
	return weight > 0 && isfinite(weight);
}

/* Those that share the bits by which the sort goes, by the others. */
static void
sort_runs(SegmentRowKey *keys, int64 n)
{
	int64		i;
	int64		j;

	for (i = 1; i < n; i++)
	{
		SegmentRowKey key = keys[i];

		if ((i & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		for (j = i; j > 0 && keys[j - 1].hash > key.hash; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
}

/* There may be none; the counts tell why. */
void
segment_order_rows(OrderedRows *rows, const FeatureSet *set, RowCounts *counts)
{
	const SegmentRowStore *store = &set->store;
	SegmentRowKey *room;
	uint64		hash[HASHED_AT_ONCE];
	int64		r;

	rows->set = set;
	rows->keys = segment_new_array(store->n_rows, 1, sizeof(SegmentRowKey));
	rows->n = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		if ((r & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		if (r % HASHED_AT_ONCE == 0)
			segment_row_store_hashes(store, r, (int) Min(HASHED_AT_ONCE, store->n_rows - r), hash);
		if (!usable(store, store->rows + r * store->width))
		{
			counts->n_skipped += segment_row_copies(store, r);
			continue;
		}
		counts->n_used += segment_row_copies(store, r);
		rows->keys[rows->n].hash = hash[r % HASHED_AT_ONCE];
		rows->keys[rows->n++].row = (uint32) r;
	}
	counts->n_input = store->n_seen;
	counts->n_unsampled = counts->n_input - counts->n_used - counts->n_skipped;
	room = segment_new_array(rows->n, 1, sizeof(SegmentRowKey));
	segment_row_keys_sort(rows->keys, room, rows->n);
	pfree(room);
	sort_runs(rows->keys, rows->n);
}

/* Whether a row, not the first, is equal to the one before it. */
bool
segment_ordered_row_repeats(const OrderedRows *rows, int64 i)
{
	const double *row;
	const double *before;
	int			j;

	if (rows->keys[i].hash != rows->keys[i - 1].hash)
		return false;
	row = segment_ordered_row(rows, i);
	before = segment_ordered_row(rows, i - 1);
	for (j = 0; j < rows->set->store.width; j++)
		if (row[j] != before[j])
			return false;
	return true;
}
