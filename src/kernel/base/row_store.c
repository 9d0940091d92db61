/*
 * row_store.c: the rows inside a feature set, in bounded memory.
 *
 * A store passes through three states as rows arrive:
 *
 *   raw       every row as it came, one after the other
 *      |      the limit is reached: equal rows become one with a count
 *      v
 *   folded    distinct rows, each with its number of copies, found by hash
 *      |      the limit is reached again: the level rises by one, and of the
 *      v      distinct rows about half go
 *   sampled   the distinct rows whose hash of (seed, content) has at least
 *             `level` leading zero bits; what is known of the others (counts,
 *             extremes, exact sums) is kept in left_out
 *
 * The level is the lowest at which the distinct rows fit into the limit.  That
 * is a property of the set of rows: a store filled in any order, or merged from
 * parts in any grouping, ends in the same level with the same rows and counts
 * (law 3), because a part never needs a higher level than the whole.
 *
 * Two rows are equal when they are equal bit by bit; -0 is stored as 0 and every
 * NaN as the one missing value (by segment_row_store_add), so equal numbers are
 * equal bits.  A weight is part of the row's content: rows that differ in weight
 * alone stay apart, so no weights are ever added up in an order that could show.
 *
 * Limits: 2^32 - 2 distinct rows.  A category is known by its code within a
 * store, and hashed by its name, so that the sample does not depend on which
 * category was met first.
 */
#include "kernel/base/row_store.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"
#include "kernel/base/lanes.h"

#define FIRST_ALLOCATION 64

double
segment_missing_value(void)
{
	return segment_bits_double(SEGMENT_MISSING_BITS);
}

/*
 * How many distinct rows fit into the given bytes: the row, its count, and two
 * to four index slots of four bytes.
 */
int64
segment_row_store_limit(int width, size_t memory)
{
	int64		limit = (int64) (memory / (sizeof(double) * width + sizeof(int64) + 16));
	const int64 most = (int64) PG_UINT32_MAX - 2;

	if (limit < 256)
		limit = 256;
	return limit < most ? limit : most;
}

void
segment_row_store_init(SegmentRowStore *store, int n_columns, bool weighted, uint64 seed,
					   int64 limit, SegmentMemory memory)
{
	memset(store, 0, sizeof(*store));
	store->n_columns = n_columns;
	store->weighted = weighted;
	store->width = n_columns + (weighted ? 1 : 0);
	store->seed = seed;
	store->limit = limit;
	store->memory = memory;
}

static inline bool
is_categorical(const SegmentRowStore *store, int column)
{
	return store->category_hash != NULL && store->category_hash[column] != NULL;
}

static uint64
hash_row(const SegmentRowStore *store, const double *row)
{
	uint64		h = store->seed;
	int			i;

	for (i = 0; i < store->width; i++)
	{
		uint64		bits = segment_double_bits(row[i]);

		if (i < store->n_columns && is_categorical(store, i) && bits != SEGMENT_MISSING_BITS)
			bits = store->category_hash[i][(int64) row[i]];
		h = segment_hash_step(h, bits);
	}
	return h;
}

/* rows whose hashes are worked out side by side, as each is a chain of multiplications */
#define ROWS_BESIDE 8

/* The hashes of that many rows. */
SEGMENT_CLONES static void
hash_rows_beside(const SegmentRowStore *store, const double *rows, uint64 *hash)
{
	const int	width = store->width;
	int			i;
	int			k;

	for (k = 0; k < ROWS_BESIDE; k++)
		hash[k] = store->seed;
	for (i = 0; i < width; i++)
		for (k = 0; k < ROWS_BESIDE; k++)
			hash[k] = segment_hash_step(hash[k], segment_double_bits(rows[k * width + i]));
}

/* The hashes of n rows from one on, of their numbers and the names of their categories. */
void
segment_row_store_hashes(const SegmentRowStore *store, int64 from, int n, uint64 *hash)
{
	const double *rows = store->rows + from * store->width;
	int			r = 0;

	for (; store->category_hash == NULL && r + ROWS_BESIDE <= n; r += ROWS_BESIDE)
		hash_rows_beside(store, rows + (int64) r * store->width, hash + r);
	for (; r < n; r++)
		hash[r] = hash_row(store, rows + (int64) r * store->width);
}

static inline bool
selected(uint64 hash, int level)
{
	return level == 0 || (level < 64 && (hash >> (64 - level)) == 0);
}

void
segment_column_stats_init(SegmentColumnStats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->min = HUGE_VAL;
	stats->max = -HUGE_VAL;
	segment_exact_init(&stats->weight);
	segment_exact_init(&stats->sum);
	segment_exact_init(&stats->sum_squares);
}

void
segment_column_stats_merge(SegmentColumnStats *into, const SegmentColumnStats *from)
{
	into->n_values += from->n_values;
	into->n_missing += from->n_missing;
	into->n_infinite += from->n_infinite;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	segment_exact_merge(&into->weight, &from->weight);
	segment_exact_merge(&into->sum, &from->sum);
	segment_exact_merge(&into->sum_squares, &from->sum_squares);
}

/* Categories are counted only: what number one has says nothing. */
static void
stats_add(SegmentColumnStats *stats, double x, bool category, double weight, int64 copies)
{
	double		times = (double) copies;

	if (segment_is_missing(x))
	{
		stats->n_missing += copies;
		return;
	}
	if (isinf(x))
	{
		stats->n_infinite += copies;
		return;
	}
	stats->n_values += copies;
	segment_exact_add_product(&stats->weight, times, weight, 0);
	if (category)
		return;
	if (x < stats->min)
		stats->min = x;
	if (x > stats->max)
		stats->max = x;
	if (times == 1 && weight == 1)
	{
		/* the same sums in a fifth of the time, for most rows of most sets */
		segment_exact_add(&stats->sum, x);
		segment_exact_add_product(&stats->sum_squares, x, x, 0);
		return;
	}
	segment_exact_add_moment(&stats->sum, times, weight, x, 1);
	segment_exact_add_moment(&stats->sum_squares, times, weight, x, 2);
}

static void
leave_out(SegmentRowStore *store, const double *row, int64 copies)
{
	int			i;

	if (store->left_out == NULL)
	{
		store->left_out = segment_allocate(store->memory, store->n_columns,
										   sizeof(SegmentColumnStats));
		for (i = 0; i < store->n_columns; i++)
			segment_column_stats_init(&store->left_out[i]);
	}
	for (i = 0; i < store->n_columns; i++)
		stats_add(&store->left_out[i], row[i], is_categorical(store, i),
				  segment_row_weight(store, row), copies);
}

/* Puts row number r into the index; the caller knows that it is not there. */
static void
index_insert(SegmentRowStore *store, int64 r)
{
	uint64		mask = (uint64) store->index_size - 1;
	uint64		slot = hash_row(store, store->rows + r * store->width) & mask;

	while (store->index[slot] != 0)
		slot = (slot + 1) & mask;
	store->index[slot] = (uint32) (r + 1);
}

static void
index_rebuild(SegmentRowStore *store, int64 size)
{
	int64		r;

	if (store->index != NULL && store->index_size != size)
	{
		store->memory.release(store->memory.ctx, store->index);
		store->index = NULL;
	}
	if (store->index == NULL)
		store->index = segment_allocate(store->memory, size, sizeof(uint32));
	store->index_size = size;
	memset(store->index, 0, sizeof(uint32) * size);
	for (r = 0; r < store->n_rows; r++)
		index_insert(store, r);
}

/* The row equal to this one, or -1. */
static int64
index_find(const SegmentRowStore *store, const double *row, uint64 hash)
{
	uint64		mask = (uint64) store->index_size - 1;
	uint64		slot = hash & mask;

	while (store->index[slot] != 0)
	{
		int64		r = (int64) store->index[slot] - 1;

		if (memcmp(store->rows + r * store->width, row, sizeof(double) * store->width) == 0)
			return r;
		slot = (slot + 1) & mask;
	}
	return -1;
}

static void
reserve(SegmentRowStore *store, int64 n)
{
	int64		allocated;

	if (n <= store->n_allocated)
		return;
	allocated = store->n_allocated < FIRST_ALLOCATION ? FIRST_ALLOCATION : store->n_allocated;
	while (allocated < n)
		allocated *= 2;
	/* one more than the limit: a row is put down before it is known to be new */
	if (allocated > store->limit + 1 && n <= store->limit + 1)
		allocated = store->limit + 1;
	store->rows = segment_resize_rows(store->memory, store->rows, allocated, store->width,
									  sizeof(double));
	if (store->copies != NULL)
		store->copies = segment_resize_rows(store->memory, store->copies, allocated, 1,
											sizeof(int64));
	store->n_allocated = allocated;
}

/* Makes room for that many more rows at once, as far as the limit allows. */
void
segment_row_store_reserve(SegmentRowStore *store, int64 n)
{
	n = n < store->limit - store->n_rows ? store->n_rows + n : store->limit + 1;
	reserve(store, n);
}

/* Counts of one for the rows so far, which were not counted until now. */
static void
count_copies(SegmentRowStore *store)
{
	int64		r;

	store->copies = segment_allocate(store->memory, store->n_allocated, sizeof(int64));
	for (r = 0; r < store->n_rows; r++)
		store->copies[r] = 1;
}

/* Raw to folded: equal rows become one with its number of copies. */
void
segment_row_store_fold(SegmentRowStore *store)
{
	int64		n = store->n_rows;
	int64		r;
	int64		size = 64;

	if (store->index != NULL)
		return;
	while (size < 2 * n)
		size *= 2;
	if (store->copies == NULL)
		count_copies(store);
	store->n_rows = 0;
	index_rebuild(store, size);
	for (r = 0; r < n; r++)
	{
		double	   *row = store->rows + r * store->width;
		int64		copies = store->copies[r];
		int64		same = index_find(store, row, hash_row(store, row));

		if (same >= 0)
			store->copies[same] += copies;
		else
		{
			memmove(store->rows + store->n_rows * store->width, row,
					sizeof(double) * store->width);
			store->copies[store->n_rows] = copies;
			index_insert(store, store->n_rows);
			store->n_rows++;
		}
	}
}

/* Leaves out the rows that the given level does not select. */
void
segment_row_store_raise_level(SegmentRowStore *store, int level)
{
	int64		n;
	int64		r;

	if (level <= store->level)
		return;
	segment_row_store_fold(store);
	n = store->n_rows;
	store->level = level;
	store->n_rows = 0;
	for (r = 0; r < n; r++)
	{
		double	   *row = store->rows + r * store->width;

		if (!selected(hash_row(store, row), level))
		{
			leave_out(store, row, store->copies[r]);
			continue;
		}
		memmove(store->rows + store->n_rows * store->width, row,
				sizeof(double) * store->width);
		store->copies[store->n_rows] = store->copies[r];
		store->n_rows++;
	}
	index_rebuild(store, store->index_size);
}

/* Adds a row; -0 is taken as 0, any NaN as the missing value. */
void
segment_row_store_add(SegmentRowStore *store, const double *row, int64 copies)
{
	double	   *place;
	uint64		hash;
	int64		same;
	int			i;

	store->n_seen += copies;

	/* raw, and room left: the common case */
	if (store->index == NULL && (store->n_rows >= store->limit || store->level > 0))
		segment_row_store_fold(store);

	reserve(store, store->n_rows + 1);
	place = store->rows + store->n_rows * store->width;
	for (i = 0; i < store->width; i++)
		place[i] = segment_is_missing(row[i]) ? segment_missing_value() : row[i] + 0.0;

	if (store->index == NULL)
	{
		if (store->copies == NULL && copies != 1)
			count_copies(store);
		if (store->copies != NULL)
			store->copies[store->n_rows] = copies;
		store->n_rows++;
		return;
	}

	hash = hash_row(store, place);
	if (!selected(hash, store->level))
	{
		leave_out(store, place, copies);
		return;
	}
	same = index_find(store, place, hash);
	if (same >= 0)
	{
		store->copies[same] += copies;
		return;
	}
	store->copies[store->n_rows] = copies;
	store->n_rows++;
	if (2 * store->n_rows > store->index_size)
		index_rebuild(store, store->index_size * 2);
	else
		index_insert(store, store->n_rows - 1);

	while (store->n_rows > store->limit)
		segment_row_store_raise_level(store, store->level + 1);
}

/*
 * Adds rows that lie one after the other, as another store has them, with
 * their copies or NULL.  A store that stays raw takes them in one piece.
 */
void
segment_row_store_append(SegmentRowStore *store, const double *rows, const int64 *copies, int64 n)
{
	int64		r;

	if (store->index != NULL || store->level > 0 || store->n_rows + n > store->limit)
	{
		for (r = 0; r < n; r++)
			segment_row_store_add(store, rows + r * store->width, copies == NULL ? 1 : copies[r]);
		return;
	}
	reserve(store, store->n_rows + n);
	if (copies != NULL && store->copies == NULL)
		count_copies(store);
	memcpy(store->rows + store->n_rows * store->width, rows,
		   sizeof(double) * store->width * n);
	for (r = 0; r < n; r++)
	{
		if (store->copies != NULL)
			store->copies[store->n_rows + r] = copies == NULL ? 1 : copies[r];
		store->n_seen += copies == NULL ? 1 : copies[r];
	}
	store->n_rows += n;
}

/*
 * Compares rows for the canonical order: column by column as numbers, missing
 * values last.  Rows are distinct bit patterns, so ties cannot matter.
 */
static int
compare_rows(const double *a, const double *b, int width)
{
	int			i;

	for (i = 0; i < width; i++)
	{
		bool		a_missing = segment_is_missing(a[i]);
		bool		b_missing = segment_is_missing(b[i]);

		if (a_missing || b_missing)
		{
			if (a_missing != b_missing)
				return a_missing ? 1 : -1;
		}
		else if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

static void
swap_rows(SegmentRowStore *store, int64 a, int64 b)
{
	double	   *x = store->rows + a * store->width;
	double	   *y = store->rows + b * store->width;
	int64		c = store->copies[a];
	int			i;

	for (i = 0; i < store->width; i++)
	{
		double		t = x[i];

		x[i] = y[i];
		y[i] = t;
	}
	store->copies[a] = store->copies[b];
	store->copies[b] = c;
}

static void
sift_down(SegmentRowStore *store, int64 root, int64 n)
{
	for (;;)
	{
		int64		child = 2 * root + 1;

		if (child >= n)
			return;
		if (child + 1 < n &&
			compare_rows(store->rows + child * store->width,
						 store->rows + (child + 1) * store->width, store->width) < 0)
			child++;
		if (compare_rows(store->rows + root * store->width,
						 store->rows + child * store->width, store->width) >= 0)
			return;
		swap_rows(store, root, child);
		root = child;
	}
}

/*
 * Puts the store into its canonical form: folded, sorted, no index.  Heapsort,
 * because it needs no memory; this is for travel as text, not for training.
 */
void
segment_row_store_sort(SegmentRowStore *store)
{
	int64		i;

	segment_row_store_fold(store);
	store->memory.release(store->memory.ctx, store->index);
	store->index = NULL;
	store->index_size = 0;
	for (i = store->n_rows / 2 - 1; i >= 0; i--)
		sift_down(store, i, store->n_rows);
	for (i = store->n_rows - 1; i > 0; i--)
	{
		swap_rows(store, 0, i);
		sift_down(store, 0, i);
	}
}

/* What is known of a column over all rows seen, exactly, sampled or not. */
void
segment_row_store_stats(const SegmentRowStore *store, int column, SegmentColumnStats *stats)
{
	int64		r;

	segment_column_stats_init(stats);
	if (store->left_out != NULL)
		segment_column_stats_merge(stats, &store->left_out[column]);
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;

		stats_add(stats, row[column], is_categorical(store, column),
				  segment_row_weight(store, row), segment_row_copies(store, r));
	}
}
