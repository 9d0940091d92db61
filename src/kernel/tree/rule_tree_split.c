/*
 * rule_tree_split.c: the best way to divide each node of a level of a tree.
 *
 * Which that is, and what wins of equal ones: rule_tree.c.
 */
#include "kernel/tree/rule_tree_parts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cut_points.h"
#include "kernel/base/order.h"
#include "kernel/base/row_store.h"

/* in a sorted feature: the row has another value than the one before it */
#define NEW_VALUE	0x80000000U

/* Doubles of two figures further apart than this, relatively, tell which is greater. */
#define SURELY_MORE 1e-14

/* ---- comparing ---- */

void
segment_tree_set_purity(Purity *purity, uint64 left, int64 n_left, uint64 right, int64 n_right)
{
	purity->squares[0] = left;
	purity->squares[1] = right;
	purity->n[0] = n_left;
	purity->n[1] = n_right;
	purity->approximate = (double) left / (double) n_left +
		(n_right > 0 ? (double) right / (double) n_right : 0);
}

/*
 * Exactly whether a > b.  As one fraction each: the numerators are below 2^94, the
 * denominators below 2^61, so what is left of them after division can be multiplied.
 */
static bool
exactly_more(const Purity *a, const Purity *b)
{
	const Purity *of[2] = {a, b};
	uint128		whole[2];
	uint128		rest[2];
	uint128		divisor[2];
	int			i;

	for (i = 0; i < 2; i++)
	{
		uint64		n0 = (uint64) of[i]->n[0];
		uint64		n1 = (uint64) Max(of[i]->n[1], 1);
		uint128		sum = (uint128) of[i]->squares[0] * n1;

		if (of[i]->n[1] > 0)
			sum += (uint128) of[i]->squares[1] * n0;
		divisor[i] = (uint128) n0 * n1;
		whole[i] = sum / divisor[i];
		rest[i] = sum % divisor[i];
	}
	if (whole[0] != whole[1])
		return whole[0] > whole[1];
	return rest[0] * divisor[1] > rest[1] * divisor[0];
}

static inline bool
is_purer(const Purity *a, const Purity *b)
{
	if (a->approximate > b->approximate * (1 + SURELY_MORE))
		return true;
	if (a->approximate < b->approximate * (1 - SURELY_MORE))
		return false;
	return exactly_more(a, b);
}

/* Whether to divide a node like this is better than what was found before. */
static inline bool
is_better(const Growth *growth, const Open *open, uint64 left, int64 n_left, uint64 right,
		  Purity *purity)
{
	int64		n_right = open->rows - n_left;

	if (n_left < growth->rows->min_leaf || n_right < growth->rows->min_leaf)
		return false;
	segment_tree_set_purity(purity, left, n_left, right, n_right);
	return is_purer(purity, &open->best.purity);
}

static void
take_split(Growth *growth, Open *open, const Purity *purity, int feature, int missing)
{
	if (open->best.listed != NULL)
		growth->memory.release(growth->memory.ctx, open->best.listed);
	open->best.purity = *purity;
	open->best.feature = feature;
	open->best.missing = missing;
	open->best.n_listed = -1;
	open->best.listed = NULL;
}

/* ---- sorting ---- */

/* The number by which a value is sorted; -0 is 0. */
static inline uint64
sort_key(const SegmentTreeRows *rows, int feature, double x)
{
	if (rows->rank[feature] != NULL)
		return (uint64) rows->rank[feature][(int) x];
	return segment_sort_key(x == 0 ? 0 : x);
}

static void
sort_feature(Growth *growth, int feature, uint64 *keys, double *number, uint64 *key_room,
			 double *number_room)
{
	const SegmentTreeRows *rows = growth->rows;
	uint32	   *order = growth->order[feature];
	int64		known = 0;
	int64		end = rows->n;
	int64		r;

	for (r = 0; r < rows->n; r++)
	{
		double		x = segment_tree_value_of(rows, r, feature);

		if (segment_is_missing(x))
		{
			order[--end] = (uint32) r;
			if (rows->label[r] >= 0)
				growth->ever_missing[feature] = true;
			continue;
		}
		keys[known] = sort_key(rows, feature, x);
		number[known++] = (double) r;
	}
	segment_sort_numbers(keys, number, key_room, number_room, known);
	for (r = 0; r < known; r++)
		order[r] = (uint32) number[r] | (r > 0 && keys[r] != keys[r - 1] ? NEW_VALUE : 0);
	growth->n_known[feature] = known;
}

SegmentStatus
segment_tree_sort_features(Growth *growth)
{
	const SegmentMemory memory = growth->memory;
	const int64 n = growth->rows->n;
	uint64	   *keys = segment_allocate(memory, n, sizeof(uint64));
	uint64	   *key_room = segment_allocate(memory, n, sizeof(uint64));
	double	   *number = segment_allocate(memory, n, sizeof(double));
	double	   *number_room = segment_allocate(memory, n, sizeof(double));
	SegmentStatus status = SEGMENT_DONE;
	int			f;

	for (f = 0; f < growth->rows->d && status == SEGMENT_DONE; f++)
	{
		if (segment_tree_stopped(growth))
			status = SEGMENT_INTERRUPTED;
		else
			sort_feature(growth, f, keys, number, key_room, number_room);
	}
	memory.release(memory.ctx, keys);
	memory.release(memory.ctx, key_room);
	memory.release(memory.ctx, number);
	memory.release(memory.ctx, number_room);
	return status;
}

/* ---- what a row adds ---- */

/* Begins to pass the rows of a node, or of one of its categories: nothing is on the left. */
static inline void
begin_left(Open *open)
{
	open->left = 0;
	open->squares[0][0] = open->missing_squares;
	open->squares[0][1] = open->known_squares;
	open->squares[1][0] = 0;
	open->squares[1][1] = open->squares_of_all;
}

/* A row goes to the left. */
static inline void
pass_row(Growth *growth, const Row *row)
{
	const int	k = growth->rows->k;
	Open	   *open = &growth->open[row->node];
	const int64 all = growth->tree->count[(int64) open->node * k + row->label];
	int64	   *left = &growth->left[(int64) row->node * k + row->label];
	const int64 n = row->copies;

	open->squares[1][0] += (uint64) n * (uint64) (2 * *left + n);
	open->squares[1][1] -= (uint64) n * (uint64) (2 * (all - *left) - n);
	if (open->missing > 0)
	{
		const int64 lacking = growth->lacking[(int64) row->node * k + row->label];

		open->squares[0][0] += (uint64) n * (uint64) (2 * (*left + lacking) + n);
		open->squares[0][1] -= (uint64) n * (uint64) (2 * (all - lacking - *left) - n);
	}
	*left += n;
	open->left += n;
}

SegmentStatus
segment_tree_count_missing(Growth *growth, int feature)
{
	const SegmentTreeRows *rows = growth->rows;
	const int	k = rows->k;
	const uint32 *order = growth->order[feature];
	int64		i;
	int			o;

	memset(growth->left, 0, sizeof(int64) * growth->n_open * k);
	memset(growth->lacking, 0, sizeof(int64) * growth->n_open * k);
	for (o = 0; o < growth->n_open; o++)
	{
		growth->open[o].missing = 0;
		growth->open[o].missing_squares = 0;
		growth->open[o].known_squares = growth->open[o].squares_of_all;
		growth->open[o].value = PG_UINT32_MAX;
	}
	for (i = growth->n_known[feature]; i < rows->n; i++)
	{
		const Row  *row = &growth->row[order[i]];
		Open	   *open;
		int64	   *lacking;
		int64		n;
		int64		known;

		if (i % ROWS_BETWEEN_CHECKS == 0 && segment_tree_stopped(growth))
			return SEGMENT_INTERRUPTED;
		if (row->node < 0)
			continue;
		open = &growth->open[row->node];
		lacking = &growth->lacking[(int64) row->node * k + row->label];
		n = row->copies;
		known = growth->tree->count[(int64) open->node * k + row->label] - *lacking;
		open->missing_squares += (uint64) n * (uint64) (2 * *lacking + n);
		open->known_squares -= (uint64) n * (uint64) (2 * known - n);
		*lacking += n;
		open->missing += n;
	}
	for (o = 0; o < growth->n_open; o++)
		begin_left(&growth->open[o]);
	return SEGMENT_DONE;
}

/* ---- numbers ---- */

/* What has been passed to the left, the rest to the right, missing values to either. */
static inline void
try_threshold(Growth *growth, Open *open, int feature, double below, double above)
{
	Purity		purity;
	int			missing;

	for (missing = 1; missing >= (open->missing > 0 ? 0 : 1); missing--)
		if (is_better(growth, open, open->squares[missing][0],
					  open->left + (missing == 0 ? open->missing : 0),
					  open->squares[missing][1], &purity))
		{
			take_split(growth, open, &purity, feature, missing);
			open->best.below = below;
			open->best.above = above;
		}
}

SegmentStatus
segment_tree_try_number(Growth *growth, int feature)
{
	const SegmentTreeRows *rows = growth->rows;
	const uint32 *order = growth->order[feature];
	uint32		value = 0;
	int64		i;
	int			o;

	for (i = 0; i < growth->n_known[feature]; i++)
	{
		const uint32 r = order[i] & ~NEW_VALUE;
		const Row  *row = &growth->row[r];
		Open	   *open;

		if (i % ROWS_BETWEEN_CHECKS == 0 && segment_tree_stopped(growth))
			return SEGMENT_INTERRUPTED;
		value += order[i] != r;
		if (row->node < 0)
			continue;
		open = &growth->open[row->node];
		if (open->left > 0 && open->value != value)
			try_threshold(growth, open, feature, segment_tree_value_of(rows, open->last, feature),
						  segment_tree_value_of(rows, r, feature));
		pass_row(growth, row);
		open->value = value;
		open->last = r;
	}
	for (o = 0; o < growth->n_open; o++)
	{
		Open	   *open = &growth->open[o];
		Purity		purity;

		/* missing alone */
		if (open->missing > 0 && open->left > 0 &&
			is_better(growth, open, open->squares[1][0], open->left, open->squares[1][1], &purity))
		{
			take_split(growth, open, &purity, feature, 1);
			open->best.below = open->best.above = HUGE_VAL;
		}
	}
	return SEGMENT_DONE;
}

/* ---- categories ---- */

static void
try_missing_alone(Growth *growth, Open *open, int feature)
{
	Purity		purity;

	if (open->missing > 0 &&
		is_better(growth, open, open->missing_squares, open->missing, open->known_squares, &purity))
	{
		take_split(growth, open, &purity, feature, 0);
		open->best.n_listed = 0;
	}
}

/* The category whose rows have been passed against the others. */
static void
try_category(Growth *growth, Open *open, int feature, int32 category)
{
	Purity		purity;
	int			missing;

	/* nothing to tell apart where all that is known is this category: missing alone was tried */
	if (open->left + open->missing == open->rows)
		return;
	for (missing = 1; missing >= (open->missing > 0 ? 0 : 1); missing--)
		if (is_better(growth, open, open->squares[missing][0],
					  open->left + (missing == 0 ? open->missing : 0),
					  open->squares[missing][1], &purity))
		{
			take_split(growth, open, &purity, feature, missing);
			open->best.n_listed = 1;
			open->best.listed = segment_allocate(growth->memory, 1, sizeof(int32));
			open->best.listed[0] = category;
		}
}

static void
note_category(Growth *growth, const Open *open, int32 category)
{
	const int64 *left = &growth->left[(open - growth->open) * (int64) growth->rows->k];
	CategoryCount *noted;

	if (growth->n_categories == growth->n_categories_allocated)
	{
		growth->n_categories_allocated = Max(growth->n_categories_allocated * 2, 64);
		growth->category = segment_resize_rows(growth->memory, growth->category,
											   growth->n_categories_allocated, 1,
											   sizeof(CategoryCount));
	}
	noted = &growth->category[growth->n_categories++];
	noted->node = (int32) (open - growth->open);
	noted->category = category;
	noted->rows[0] = left[open->label[0]];
	noted->rows[1] = left[open->label[1]];
}

/* The rows of one category, which stand side by side in the order. */
static void
pass_category(Growth *growth, int feature, int32 category, const uint32 *order, int64 n)
{
	int			n_touched = 0;
	int64		i;

	for (i = 0; i < n; i++)
	{
		const Row  *row = &growth->row[order[i] & ~NEW_VALUE];
		Open	   *open;

		if (row->node < 0)
			continue;
		open = &growth->open[row->node];
		if (open->value != (uint32) category)
		{
			open->value = (uint32) category;
			begin_left(open);
			growth->touched[n_touched++] = row->node;
		}
		pass_row(growth, row);
	}
	for (i = 0; i < n_touched; i++)
	{
		Open	   *open = &growth->open[growth->touched[i]];

		if (open->n_labels == 2)
			note_category(growth, open, category);
		else
			try_category(growth, open, feature, category);
	}
	for (i = 0; i < n; i++)
	{
		const Row  *row = &growth->row[order[i] & ~NEW_VALUE];

		if (row->node >= 0)
			growth->left[(int64) row->node * growth->rows->k + row->label] = 0;
	}
}

/* By node, then by share of the first label, then by category. */
static int
compare_categories(const void *a, const void *b)
{
	const CategoryCount *x = a;
	const CategoryCount *y = b;
	uint64		p;
	uint64		q;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	p = (uint64) x->rows[0] * (uint64) y->rows[1];
	q = (uint64) y->rows[0] * (uint64) x->rows[1];
	if (p != q)
		return p < q ? -1 : 1;
	return x->category < y->category ? -1 : x->category > y->category;
}

/* The list of a split: the first of the n categories of a node, or the others where that is shorter. */
static void
list_categories(Growth *growth, Open *open, const CategoryCount *category, int64 n, int64 first)
{
	Split	   *best = &open->best;
	bool		others = n - first < first;
	int64		i;

	if (n - first == first)
	{
		int64		lowest = 0;

		for (i = 1; i < n; i++)
			if (category[i].category < category[lowest].category)
				lowest = i;
		others = lowest >= first;
	}
	if (others)
	{
		category += first;
		first = n - first;
		best->missing = 1 - best->missing;
	}
	best->n_listed = (int) first;
	best->listed = segment_allocate(growth->memory, first, sizeof(int32));
	for (i = 0; i < first; i++)
		best->listed[i] = category[i].category;
	qsort(best->listed, first, sizeof(int32), segment_compare_int32);
}

/* The categories of a node with two labels, by share of the first of them. */
static void
try_category_sets(Growth *growth, Open *open, int feature, const CategoryCount *category, int64 n)
{
	const int64 *lacking = &growth->lacking[(open - growth->open) * (int64) growth->rows->k];
	const int64 *count = &growth->tree->count[(int64) open->node * growth->rows->k];
	int64		left[2] = {0, 0};
	int64		best_first = 0;
	int64		i;

	for (i = 0; i + 1 < n; i++)
	{
		int			missing;

		left[0] += category[i].rows[0];
		left[1] += category[i].rows[1];
		for (missing = 1; missing >= (open->missing > 0 ? 0 : 1); missing--)
		{
			Purity		purity;
			int64		with[2];
			int64		rest[2];
			int			j;

			for (j = 0; j < 2; j++)
			{
				with[j] = left[j] + (missing == 0 ? lacking[open->label[j]] : 0);
				rest[j] = count[open->label[j]] - with[j];
			}
			if (!is_better(growth, open, segment_tree_square(with[0]) + segment_tree_square(with[1]), with[0] + with[1],
						   segment_tree_square(rest[0]) + segment_tree_square(rest[1]), &purity))
				continue;
			take_split(growth, open, &purity, feature, missing);
			best_first = i + 1;
		}
	}
	if (best_first > 0)
		list_categories(growth, open, category, n, best_first);
}

SegmentStatus
segment_tree_try_categories(Growth *growth, int feature)
{
	const SegmentTreeRows *rows = growth->rows;
	const uint32 *order = growth->order[feature];
	const int64 n = growth->n_known[feature];
	int64		from;
	int64		to;
	int			o;

	for (o = 0; o < growth->n_open; o++)
		try_missing_alone(growth, &growth->open[o], feature);
	growth->n_categories = 0;
	for (from = 0; from < n; from = to)
	{
		for (to = from + 1; to < n && (order[to] & NEW_VALUE) == 0; to++)
			;
		if (segment_tree_stopped(growth))
			return SEGMENT_INTERRUPTED;
		pass_category(growth, feature,
					  rows->rank[feature][(int) segment_tree_value_of(rows, order[from] & ~NEW_VALUE, feature)],
					  order + from, to - from);
	}
	qsort(growth->category, growth->n_categories, sizeof(CategoryCount), compare_categories);
	for (from = 0; from < growth->n_categories; from = to)
	{
		for (to = from + 1; to < growth->n_categories &&
			 growth->category[to].node == growth->category[from].node; to++)
			;
		try_category_sets(growth, &growth->open[growth->category[from].node], feature,
						  growth->category + from, to - from);
	}
	return SEGMENT_DONE;
}
