/*
 * row_store.c: the same rows, in any order and from any parts, end as the same
 * store; and what the store says about all rows is true of all rows.
 */
#include "kernel/base/row_store.h"

#include <math.h>
#include <string.h>

#include "kernel/base/hash.h"
#include "row_stores.h"

#define SEED UINT64CONST(42)

/* Row number i of a table with ties, missing values, infinities and -0. */
static void
row_of(int i, int distinct, int width, double *row)
{
	uint64		h = segment_mix64((uint64) (i % distinct) + 1);
	int			j;

	for (j = 0; j < width; j++)
	{
		h = segment_mix64(h + j + 1);
		row[j] = h % 50 == 0 ? NAN : h % 51 == 0 ? -HUGE_VAL : h % 52 == 0 ? HUGE_VAL
			: h % 53 == 0 ? -0.0 : (double) (int64) (h >> 40) / 16 - 1e5;
	}
}

static void
fill(SegmentRowStore *store, int n, int distinct, int step, int offset, int64 limit, int n_columns, bool weighted)
{
	double		row[8];
	int			i;

	segment_row_store_init(store, n_columns, weighted, SEED, limit, tap_memory());
	/* step is prime to n: every row once, in another order */
	for (i = offset; i < n; i++)
	{
		row_of((int) ((int64) i * step % n), distinct, store->width, row);
		if (weighted)
			row[n_columns] = segment_is_missing(row[n_columns]) ? NAN : fabs(row[n_columns]) < 1e300 ? fabs(row[n_columns]) : 1;
		segment_row_store_add(store, row, 1);
	}
}

static void
test_case(int n, int distinct, int64 limit, int n_columns, bool weighted, const char *name)
{
	SegmentRowStore whole,
				shuffled,
				everything,
				parts[5],
				merged,
				again;
	double		row[8];
	char		what[200];
	bool		bounded;
	bool		parts_lower = true;
	int64		held = 0;
	int64		r;
	int			i;

	fill(&whole, n, distinct, 1, 0, limit, n_columns, weighted);
	fill(&shuffled, n, distinct, 7919, 0, limit, n_columns, weighted);
	fill(&everything, n, distinct, 1, 0, INT64CONST(1) << 30, n_columns, weighted);

	bounded = whole.index == NULL ? whole.n_rows <= limit + 1 : whole.n_rows <= limit;
	for (r = 0; r < whole.n_rows; r++)
		held += segment_row_copies(&whole, r);
	snprintf(what, sizeof(what), "%s: bounded, all rows counted (level %d, %d rows held)", name, whole.level, (int) whole.n_rows);
	ok(bounded && whole.n_seen == n && (whole.level > 0 || held == n), what);
	snprintf(what, sizeof(what), "%s: counts, extremes and sums are those of all rows", name);
	ok(same_stats(&whole, &everything), what);

	for (i = 0; i < 5; i++)
		segment_row_store_init(&parts[i], n_columns, weighted, SEED, limit, tap_memory());
	for (i = 0; i < n; i++)
	{
		row_of(i, distinct, whole.width, row);
		if (weighted)
			row[n_columns] = segment_is_missing(row[n_columns]) ? NAN : fabs(row[n_columns]) < 1e300 ? fabs(row[n_columns]) : 1;
		segment_row_store_add(&parts[i % 4], row, 1);	/* the fifth stays empty */
	}
	segment_row_store_init(&merged, n_columns, weighted, SEED, limit, tap_memory());
	segment_row_store_init(&again, n_columns, weighted, SEED, limit, tap_memory());
	for (i = 0; i < 5; i++)
	{
		parts_lower = parts_lower && parts[i].level <= whole.level;
		merge(&merged, &parts[i]);
		merge(&again, &parts[4 - i]);
	}
	snprintf(what, sizeof(what), "%s: no part needs a higher level than the whole", name);
	ok(parts_lower, what);
	snprintf(what, sizeof(what), "%s: any order gives the same store", name);
	ok(same_store(&whole, &shuffled), what);
	snprintf(what, sizeof(what), "%s: merged parts give the same store", name);
	ok(same_store(&whole, &merged), what);
	snprintf(what, sizeof(what), "%s: in the opposite order, too", name);
	ok(same_store(&whole, &again), what);

	/* the sample is what the level says: raising that of everything gives the same rows */
	segment_row_store_raise_level(&everything, whole.level);
	snprintf(what, sizeof(what), "%s: the sample is the rows its level selects", name);
	ok(same_store(&whole, &everything), what);

	store_free(&whole);
	store_free(&shuffled);
	store_free(&everything);
	for (i = 0; i < 5; i++)
		store_free(&parts[i]);
	store_free(&merged);
	store_free(&again);
}

static void
test_content(void)
{
	SegmentRowStore store;
	SegmentColumnStats stats;
	int			i;

	segment_row_store_init(&store, 2, false, SEED, 1000, tap_memory());
	segment_row_store_add(&store, (double[]) {0.0, NAN}, 1);
	segment_row_store_add(&store, (double[]) {-0.0, segment_bits_double(UINT64CONST(0xFFF8000000000123))}, 1);
	segment_row_store_add(&store, (double[]) {3, -HUGE_VAL}, 5);
	segment_row_store_add(&store, (double[]) {NAN, 2}, 1);
	ok(store.n_rows == 4, "raw: every row as it came");
	segment_row_store_fold(&store);
	ok(store.n_rows == 3 && store.copies[0] == 2, "folded: -0 is 0, and every NaN the missing value");
	segment_row_store_sort(&store);
	ok(store.rows[0] == 0 && store.copies[0] == 2 && store.rows[2] == 3 && store.copies[1] == 5 && segment_is_missing(store.rows[4]),
	   "sorted: as numbers, missing values last");
	segment_row_store_stats(&store, 0, &stats);
	ok(stats.n_values == 7 && stats.n_missing == 1 && stats.n_infinite == 0 && stats.min == 0 && stats.max == 3 &&
	   segment_exact_value(&stats.sum) == 15 && segment_exact_value(&stats.sum_squares) == 45 && segment_exact_value(&stats.weight) == 7,
	   "statistics of a column");
	segment_row_store_stats(&store, 1, &stats);
	ok(stats.n_values == 1 && stats.n_missing == 2 && stats.n_infinite == 5, "infinite and missing values are counted apart");
	/* still usable after sorting */
	segment_row_store_add(&store, (double[]) {3, -HUGE_VAL}, 1);
	segment_row_store_fold(&store);
	ok(store.n_rows == 3 && store.n_seen == 9, "rows can be added to a sorted store");
	store_free(&store);

	/* the weight is content; a missing one weighs nothing */
	segment_row_store_init(&store, 1, true, SEED, 1000, tap_memory());
	for (i = 0; i < 4; i++)
		segment_row_store_add(&store, (double[]) {7, i % 2 == 0 ? 0.5 : NAN}, 1);
	segment_row_store_fold(&store);
	segment_row_store_stats(&store, 0, &stats);
	ok(store.n_rows == 2 && stats.n_values == 4 && segment_exact_value(&stats.weight) == 1 && segment_exact_value(&stats.sum) == 7,
	   "rows of different weight stay apart");
	store_free(&store);
}

static void
test_categories(void)
{
	/* the same rows with categories numbered in another order: the same sample */
	uint64		hash_a[100];
	uint64		hash_b[100];
	uint64	   *columns_a[2] = {hash_a, NULL};
	uint64	   *columns_b[2] = {hash_b, NULL};
	SegmentRowStore a,
				b;
	bool		same = true;
	int64		r;
	int64		q;
	int			i;

	for (i = 0; i < 100; i++)
	{
		hash_a[i] = segment_mix64(i + 1000);
		hash_b[99 - i] = hash_a[i];
	}
	segment_row_store_init(&a, 2, false, SEED, 300, tap_memory());
	segment_row_store_init(&b, 2, false, SEED, 300, tap_memory());
	a.category_hash = columns_a;
	b.category_hash = columns_b;
	for (i = 0; i < 3000; i++)
	{
		segment_row_store_add(&a, (double[]) {i % 100, i / 100}, 1);
		segment_row_store_add(&b, (double[]) {99 - i % 100, i / 100}, 1);
	}
	for (r = 0; r < a.n_rows; r++)
	{
		for (q = 0; q < b.n_rows; q++)
			if (b.rows[2 * q] == 99 - a.rows[2 * r] && b.rows[2 * q + 1] == a.rows[2 * r + 1])
				break;
		same = same && q < b.n_rows;
	}
	ok(a.level > 0 && a.level == b.level && a.n_rows == b.n_rows && same, "a sample does not depend on how categories are numbered");
	store_free(&a);
	store_free(&b);
}

/* Hashes of rows together are those of each alone, and equal rows have one. */
static void
test_hashes(void)
{
	SegmentRowStore store;
	uint64		names[100];
	uint64	   *category_hash[3] = {NULL, names, NULL};
	uint64		together[203];
	uint64		alone;
	bool		same = true;
	bool		equal = true;
	int			categories;
	int			i;

	for (i = 0; i < 100; i++)
		names[i] = segment_mix64(i + 1);
	for (categories = 0; categories < 2; categories++)
	{
		segment_row_store_init(&store, 3, false, SEED, 1000, tap_memory());
		for (i = 0; i < 203; i++)
		{
			double		row[3];

			row_of(i, 101, 3, row);
			row[1] = i % 101 % 10;
			segment_row_store_add(&store, row, 1);
		}
		store.category_hash = categories ? category_hash : NULL;
		segment_row_store_hashes(&store, 0, 203, together);
		for (i = 0; i < 203; i++)
		{
			segment_row_store_hashes(&store, i, 1, &alone);
			same = same && alone == together[i];
			equal = equal && (i < 101 || together[i] == together[i - 101]) && (i == 0 || together[i] != together[i - 1]);
		}
		store_free(&store);
	}
	ok(same, "hashes of rows together are those of each alone");
	ok(equal, "equal rows have one hash, others have others");
}

static void
test_uniform(void)
{
	/* of 2^k distinct rows a level keeps about 2^(k - level), whatever the values */
	bool		near = true;
	int			column;

	for (column = 0; column < 4; column++)
	{
		SegmentRowStore store;
		int			i;

		segment_row_store_init(&store, 1, false, SEED, 1 << 20, tap_memory());
		for (i = 0; i < 1 << 16; i++)
		{
			double		value = column == 0 ? i : column == 1 ? i * 1e-300 :
				column == 2 ? i * 86400.0 * 1e6 : ldexp(1, i % 2000 - 1000) * (i + 1);

			segment_row_store_add(&store, &value, 1);
		}
		segment_row_store_raise_level(&store, 4);
		/* 4096 expected, standard deviation 62 */
		near = near && fabs(store.n_rows - 4096.0) < 6 * 62;
		store_free(&store);
	}
	ok(near, "a level keeps its share of rows");
	ok(segment_row_store_limit(3, 1 << 20) * (3 * 8 + 8 + 16) <= 1 << 20, "the limit fits into memory");
	ok(segment_row_store_limit(1600, 0) >= 256 && segment_row_store_limit(1, (size_t) 1 << 50) < INT64CONST(0xFFFFFFFF),
	   "the limit has limits");
}

int
main(void)
{
	test_content();
	test_hashes();
	test_case(500, 500, 1000, 3, false, "raw");
	test_case(1000, 400, 600, 3, false, "folded");
	test_case(1000, 1000, 1000, 2, false, "just full");
	test_case(1001, 1001, 1000, 2, false, "one too many");
	test_case(20000, 20000, 700, 3, false, "sampled");
	test_case(20000, 3000, 400, 1, false, "sampled with copies");
	test_case(20000, 9000, 500, 2, true, "weighted");
	test_case(20000, 20000, 1, 2, false, "room for one");
	test_categories();
	test_uniform();
	ok(tap_blocks == 0, "all memory was given back");
	return done();
}
