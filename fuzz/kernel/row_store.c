/*
 * Fuzz target: a row store's content depends on the rows alone (law 3).
 *
 * The input makes a list of rows and a script.  The list is added to one store
 * in its order; to a second one in another order, with folding, sorting and
 * raising of the level in between; and to a few parts, treated alike, that are
 * merged in some order.  All three must end the same, and what they say about
 * all rows must be what a store without limit says.
 */
#include "bytes.h"

#include "../../test/unit/row_stores.h"

#define MAX_ROWS	400
#define MAX_WIDTH	4
#define MAX_PARTS	5

typedef struct Script
{
	int			n_columns;
	bool		weighted;
	uint64		seed;
	int64		limit;
	int			n;				/* rows */
	double		row[MAX_ROWS][MAX_WIDTH];
	int64		copies[MAX_ROWS];
} Script;

static void
read_rows(Bytes *in, Script *script)
{
	int			width;
	int			wanted;
	int			i;

	script->n_columns = 1 + take_below(in, MAX_WIDTH - 1);
	script->weighted = take_below(in, 2) == 1;
	script->seed = take_bytes(in, 1);
	script->limit = 1 + take_below(in, 80);
	wanted = 1 + (int) take_bytes(in, 2) % MAX_ROWS;
	width = script->n_columns + (script->weighted ? 1 : 0);
	for (script->n = 0; script->n < wanted; script->n++)
	{
		double	   *row = script->row[script->n];
		int			how = take_below(in, 8);

		script->copies[script->n] = how == 7 ? 1 + (int64) take_bytes(in, 5) : 1;
		if (script->n > 0 && how < 3)
		{
			memcpy(row, script->row[take_bytes(in, 2) % script->n], sizeof(script->row[0]));
			continue;
		}
		for (i = 0; i < width; i++)
		{
			int			special = take_below(in, 16);

			row[i] = special == 0 ? NAN : special == 1 ? HUGE_VAL : special == 2 ? -HUGE_VAL
				: take_finite(in);
		}
		/* a weight is missing, or finite and not negative */
		if (script->weighted && !segment_is_missing(row[script->n_columns]))
			row[script->n_columns] = isinf(row[script->n_columns]) ? 0.25 : fabs(row[script->n_columns]);
	}
}

static void
init(const Script *script, SegmentRowStore *store, int64 limit)
{
	segment_row_store_init(store, script->n_columns, script->weighted, script->seed, limit,
						   tap_memory());
}

static void
add(const Script *script, SegmentRowStore *store, int row)
{
	segment_row_store_add(store, script->row[row], script->copies[row]);
	require(store->n_rows <= store->limit + 1);
}

/* Something that may happen to a store at any time, and must not show. */
static void
disturb(Bytes *in, SegmentRowStore *store, int final_level)
{
	switch (take_below(in, 16))
	{
		case 0:
			segment_row_store_fold(store);
			break;
		case 1:
			segment_row_store_fold(store);
			segment_row_store_sort(store);
			break;
		case 2:
			/* a store that is merged with another takes over its level */
			segment_row_store_raise_level(store, take_below(in, 64) % (final_level + 1));
			break;
	}
}

/* a number prime to n, by which every row is visited once */
static int
stride(Bytes *in, int n)
{
	int			step = 1 + (int) (take_bytes(in, 2) % n);
	int			a;
	int			b;

	for (;; step++)
	{
		for (a = step, b = n; b != 0;)
		{
			int			rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return step;
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static Script script;
	Bytes		in = {data, size};
	SegmentRowStore whole;
	SegmentRowStore disturbed;
	SegmentRowStore unlimited;
	SegmentRowStore parts[MAX_PARTS];
	SegmentRowStore merged;
	int			n_parts;
	int			step;
	int			i;

	read_rows(&in, &script);
	init(&script, &whole, script.limit);
	init(&script, &unlimited, INT64CONST(1) << 30);
	for (i = 0; i < script.n; i++)
	{
		add(&script, &whole, i);
		add(&script, &unlimited, i);
	}

	step = stride(&in, script.n);
	init(&script, &disturbed, script.limit);
	for (i = 0; i < script.n; i++)
	{
		add(&script, &disturbed, (int) ((int64) i * step % script.n));
		disturb(&in, &disturbed, whole.level);
	}

	n_parts = 1 + take_below(&in, MAX_PARTS);
	for (i = 0; i < n_parts; i++)
		init(&script, &parts[i], script.limit);
	for (i = 0; i < script.n; i++)
	{
		SegmentRowStore *part = &parts[take_below(&in, n_parts)];

		add(&script, part, i);
		disturb(&in, part, whole.level);
		require(part->level <= whole.level);
	}
	init(&script, &merged, script.limit);
	step = stride(&in, n_parts);
	for (i = 0; i < n_parts; i++)
	{
		merge(&merged, &parts[i * step % n_parts]);
		disturb(&in, &merged, whole.level);
	}

	require(same_stats(&whole, &unlimited));
	require(same_store(&whole, &disturbed));
	require(same_store(&whole, &merged));
	/* the sample is what its level selects of all rows, and no lower level would do */
	if (whole.level > 0)
	{
		segment_row_store_raise_level(&unlimited, whole.level - 1);
		segment_row_store_fold(&unlimited);
		require(unlimited.n_rows > script.limit);
	}
	segment_row_store_raise_level(&unlimited, whole.level);
	require(same_store(&whole, &unlimited));

	store_free(&whole);
	store_free(&disturbed);
	store_free(&unlimited);
	store_free(&merged);
	for (i = 0; i < n_parts; i++)
		store_free(&parts[i]);
	require(tap_blocks == 0);
	return 0;
}
