/*
 * row_store.h: the rows inside a feature set.  See row_store.c.
 */
#ifndef SEGMENT_ROW_STORE_H
#define SEGMENT_ROW_STORE_H

#include "c.h"

#include "kernel/base/exact_sum.h"
#include "kernel/base/memory.h"

/* What is known of one column over a number of rows. */
typedef struct SegmentColumnStats
{
	int64		n_values;		/* rows with a finite value */
	int64		n_missing;		/* rows where the value is missing */
	int64		n_infinite;		/* rows with +infinity or -infinity */

	/* a category counts as a value, but adds to the weight alone of these */
	double		min;			/* over finite values; +infinity when none */
	double		max;			/* over finite values; -infinity when none */
	SegmentExactSum weight;		/* sum of row weights over finite values */
	SegmentExactSum sum;		/* sum of weight * value */
	SegmentExactSum sum_squares;	/* sum of weight * value^2 */
} SegmentColumnStats;

typedef struct SegmentRowStore
{
	int			n_columns;		/* features */
	int			width;			/* doubles in a row: features, then the weight if any */
	bool		weighted;		/* the last double of each row is its weight */
	uint64		seed;			/* of the sample */
	int			level;			/* rows whose hash has this many leading zero bits are kept */
	int64		limit;			/* most distinct rows held; beyond it the level rises */
	int64		n_seen;			/* rows ever added, kept or not */
	int64		n_rows;			/* rows in the arrays below */
	int64		n_allocated;	/* rows there is room for */
	double	   *rows;			/* n_rows x width, row after row */
	int64	   *copies;			/* how often each row came; NULL: once each, rows may repeat */
	uint32	   *index;			/* hash table over rows once folded: row number + 1, or 0 */
	int64		index_size;		/* a power of two */

	/*
	 * Of a categorical column, the hash of each category's name by its code;
	 * NULL for numeric columns.  The array has n_columns entries or is NULL.
	 */
	uint64	  **category_hash;

	/* Of rows that the sample left out: n_columns entries, or NULL. */
	SegmentColumnStats *left_out;
	SegmentMemory memory;
} SegmentRowStore;

/* A missing value is this NaN, and no other NaN is ever stored. */
#define SEGMENT_MISSING_BITS UINT64CONST(0x7FF8000000000000)

extern double segment_missing_value(void);
extern void segment_row_store_init(SegmentRowStore *store, int n_columns, bool weighted,
								   uint64 seed, int64 limit, SegmentMemory memory);
extern void segment_row_store_add(SegmentRowStore *store, const double *row, int64 copies);
extern void segment_row_store_reserve(SegmentRowStore *store, int64 n);
extern void segment_row_store_append(SegmentRowStore *store, const double *rows,
									 const int64 *copies, int64 n);
extern void segment_row_store_raise_level(SegmentRowStore *store, int level);
extern void segment_row_store_fold(SegmentRowStore *store);
extern void segment_row_store_hashes(const SegmentRowStore *store, int64 from, int n, uint64 *hash);
extern void segment_row_store_sort(SegmentRowStore *store);
extern void segment_row_store_stats(const SegmentRowStore *store, int column,
									SegmentColumnStats *stats);
extern void segment_column_stats_init(SegmentColumnStats *stats);
extern void segment_column_stats_merge(SegmentColumnStats *into,
									   const SegmentColumnStats *from);
extern int64 segment_row_store_limit(int width, size_t memory);

static inline int64
segment_row_copies(const SegmentRowStore *store, int64 row)
{
	return store->copies == NULL ? 1 : store->copies[row];
}

static inline bool
segment_is_missing(double x)
{
	return x != x;
}

/* A row whose weight is missing weighs nothing; trainers skip and count it. */
static inline double
segment_row_weight(const SegmentRowStore *store, const double *row)
{
	double		weight = store->weighted ? row[store->n_columns] : 1.0;

	return segment_is_missing(weight) ? 0.0 : weight;
}

#endif							/* SEGMENT_ROW_STORE_H */
