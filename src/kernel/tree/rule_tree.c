/*
 * rule_tree.c: classification trees (CART: Breiman, Friedman, Olshen and Stone 1984).
 *
 * A node with N rows, N_k of label k, is divided where the impurity of Gini falls most.
 * With L_k of n_L rows on one side and R_k of n_R on the other that is where
 *
 *	sum L_k^2 / n_L + sum R_k^2 / n_R
 *
 * is greatest, and there must be a gain: more than sum N_k^2 / N.  Counts of rows are whole
 * numbers, so two such figures are compared exactly, and nothing depends on the order of rows.
 * Of equal ones the lower feature wins, then the lower threshold (of categories the first
 * way as below), then missing values to child 1.
 *
 *	numbers		x <= t, where t lies midway between two neighbouring values of the node,
 *				rounded to 15 digits where that is still between them
 *	categories	where rows of the node have two labels, the best of all ways to divide its
 *				categories in two, which is one of those by share of the first label (their
 *				theorem 4.5); the list is the shorter side, of equal ones that with the lowest
 *				category.  Where they have more labels, one category against the others.
 *				What is not in the list is on the other side, also where training never met it.
 *	missing		to the side where the gain is greater; or all alone to child 1 (of categories
 *				to child 0), the others to the other.  Where no row of the node lacks the
 *				feature, to the larger side, of equal ones child 0; where no row at all lacks
 *				it, to none.
 *
 * At last a node whose leaves are right for no more rows than it is itself becomes a leaf
 * (the smallest tree with the same training error, their section 3.3).
 *
 * The tree grows by level.  Rows are sorted by each feature once; then a pass over a sorted
 * feature serves all nodes of the level, each of which has its own counts to the left.
 * Features x levels passes, each with a look at label and node of a row: about 10 ns.
 */
#include "kernel/tree/rule_tree.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cut_points.h"

/* in a sorted feature: the row has another value than the one before it */
#define NEW_VALUE	0x80000000U

/* Doubles of two figures further apart than this, relatively, tell which is greater. */
#define SURELY_MORE 1e-14

#define ROWS_BETWEEN_CHECKS 65536

/* What a row is while the tree grows: fetched at once. */
typedef struct Row
{
	int32		node;			/* of those that are being divided; -1: of none */
	int32		label;
	uint32		copies;
} Row;

/* squares[0] / n[0] + squares[1] / n[1], of two parts of a node */
typedef struct Purity
{
	uint64		squares[2];		/* sums of squared counts */
	int64		n[2];			/* rows; none: nothing is added */
	double		approximate;
} Purity;

/* The best way to divide a node, so far. */
typedef struct Split
{
	Purity		purity;
	int			feature;		/* -1: none is better than not to divide it */
	double		below;			/* of a number: the neighbouring values; infinite both: missing alone */
	double		above;
	int			n_listed;		/* of a category */
	int32	   *listed;
	int			missing;		/* child */
} Split;

/* Categories of a node that has rows of two labels. */
typedef struct CategoryCount
{
	int32		node;			/* of those that are being divided */
	int32		category;
	int64		rows[2];		/* by label */
} CategoryCount;

/* A node that is being divided, and where a pass stands in it. */
typedef struct Open
{
	int			node;			/* in the tree */
	int64		rows;
	uint64		squares_of_all;	/* of its counts */
	bool		lacks;			/* some of its rows lack the feature of the best split */
	int			n_labels;		/* with rows */
	int			label[2];		/* the lowest two of them */
	Split		best;

	int64		missing;		/* rows without the feature */
	uint64		missing_squares;	/* of their counts */
	uint64		known_squares;	/* of the counts of the others */
	int64		left;			/* rows passed */
	uint64		squares[2][2];	/* by where missing ones go: on the left, on the right */
	uint32		value;			/* number of the value of the row passed last */
	uint32		last;			/* that row */
} Open;

typedef struct Growth
{
	const SegmentTreeRows *rows;
	SegmentTree *tree;
	SegmentMemory memory;
	SegmentInterrupted interrupted;
	Row		   *row;
	uint32	  **order;			/* by feature: rows by value, those without behind them */
	int64	   *n_known;		/* by feature: rows with a value */
	bool	   *ever_missing;	/* by feature: a row that takes part lacks it */
	Open	   *open;
	int			n_open;
	int64	   *left;			/* n_open x k: rows passed */
	int64	   *lacking;		/* n_open x k: rows without the feature */
	int32	   *touched;		/* n_open: nodes with rows of the present category */
	CategoryCount *category;
	int64		n_categories;
	int64		n_categories_allocated;
} Growth;

/* ---- comparing ---- */

static void
set_purity(Purity *purity, uint64 left, int64 n_left, uint64 right, int64 n_right)
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
	set_purity(purity, left, n_left, right, n_right);
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

static inline double
value_of(const SegmentTreeRows *rows, int64 r, int feature)
{
	return rows->x[r * rows->width + feature];
}

static inline bool
is_missing(double x)
{
	return x != x;
}

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
		double		x = value_of(rows, r, feature);

		if (is_missing(x))
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

static bool
stopped(const Growth *growth)
{
	return growth->interrupted != NULL && growth->interrupted();
}

static SegmentStatus
sort_features(Growth *growth)
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
		if (stopped(growth))
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

static inline uint64
square(int64 n)
{
	return (uint64) n * (uint64) n;
}

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

static SegmentStatus
count_missing(Growth *growth, int feature)
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

		if (i % ROWS_BETWEEN_CHECKS == 0 && stopped(growth))
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

static SegmentStatus
try_number(Growth *growth, int feature)
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

		if (i % ROWS_BETWEEN_CHECKS == 0 && stopped(growth))
			return SEGMENT_INTERRUPTED;
		value += order[i] != r;
		if (row->node < 0)
			continue;
		open = &growth->open[row->node];
		if (open->left > 0 && open->value != value)
			try_threshold(growth, open, feature, value_of(rows, open->last, feature),
						  value_of(rows, r, feature));
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

static int
compare_numbers(const void *a, const void *b)
{
	const int32 x = *(const int32 *) a;
	const int32 y = *(const int32 *) b;

	return x < y ? -1 : x > y;
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
	qsort(best->listed, first, sizeof(int32), compare_numbers);
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
			if (!is_better(growth, open, square(with[0]) + square(with[1]), with[0] + with[1],
						   square(rest[0]) + square(rest[1]), &purity))
				continue;
			take_split(growth, open, &purity, feature, missing);
			best_first = i + 1;
		}
	}
	if (best_first > 0)
		list_categories(growth, open, category, n, best_first);
}

static SegmentStatus
try_categories(Growth *growth, int feature)
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
		if (stopped(growth))
			return SEGMENT_INTERRUPTED;
		pass_category(growth, feature,
					  rows->rank[feature][(int) value_of(rows, order[from] & ~NEW_VALUE, feature)],
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

/* ---- growing ---- */

/* Two children for a node; returns the first. */
static int
add_nodes(SegmentTree *tree, int n)
{
	int			first = tree->n;
	int			i;

	if (tree->n + n > tree->n_allocated)
	{
		tree->n_allocated = Max(2 * tree->n_allocated, 16);
		tree->node = segment_resize_rows(tree->memory, tree->node, tree->n_allocated, 1,
										 sizeof(SegmentTreeNode));
		tree->count = segment_resize_rows(tree->memory, tree->count, tree->n_allocated, tree->k,
										  sizeof(int64));
	}
	tree->n += n;
	for (i = first; i < tree->n; i++)
	{
		memset(&tree->node[i], 0, sizeof(SegmentTreeNode));
		tree->node[i].feature = -1;
		tree->node[i].n_listed = -1;
		tree->node[i].missing = -1;
	}
	memset(tree->count + (int64) first * tree->k, 0, sizeof(int64) * n * tree->k);
	return first;
}

static int64
rows_of(const SegmentTree *tree, int node)
{
	int64		sum = 0;
	int			c;

	for (c = 0; c < tree->k; c++)
		sum += tree->count[(int64) node * tree->k + c];
	return sum;
}

/* The label of most rows, of equal ones the lowest. */
int
segment_tree_label(const int64 *count, int k)
{
	int			label = 0;
	int			c;

	for (c = 1; c < k; c++)
		if (count[c] > count[label])
			label = c;
	return label;
}

/* Makes a node one to be divided, where it can be. */
static bool
open_node(Growth *growth, int node)
{
	const SegmentTree *tree = growth->tree;
	const int64 *count = &tree->count[(int64) node * tree->k];
	Open	   *open = &growth->open[growth->n_open];
	int			c;

	memset(open, 0, sizeof(Open));
	open->node = node;
	open->best.feature = -1;
	for (c = 0; c < tree->k; c++)
	{
		if (count[c] == 0)
			continue;
		if (open->n_labels < 2)
			open->label[open->n_labels] = c;
		open->n_labels++;
		open->rows += count[c];
		open->squares_of_all += square(count[c]);
	}
	if (open->n_labels < 2 || open->rows < 2 * growth->rows->min_leaf)
		return false;
	set_purity(&open->best.purity, open->squares_of_all, open->rows, 0, 0);
	growth->n_open++;
	return true;
}

/* The place between two neighbours a < b: a <= threshold < b. */
double
segment_tree_threshold(double below, double above)
{
	double		middle = (below + above) / 2;
	char		text[64];
	double		rounded;

	if (below == HUGE_VAL)
		return below;
	if (below == -HUGE_VAL || above == HUGE_VAL)
		middle = below == -HUGE_VAL && above == HUGE_VAL ? 0 : above == HUGE_VAL ? DBL_MAX : -DBL_MAX;
	else if (isinf(middle))
		middle = below / 2 + above / 2;
	snprintf(text, sizeof(text), "%.15g", middle);
	rounded = strtod(text, NULL);
	if (below < rounded && rounded < above)
		return rounded == 0 ? 0 : rounded;
	return below <= middle && middle < above ? middle : below;
}

/* Where a row with this value goes: 0, 1, or -1 where nothing says so.  Categories are numbers. */
int
segment_tree_child(const SegmentTreeNode *node, double value)
{
	if (is_missing(value))
		return node->missing;
	if (node->n_listed < 0)
		return value <= node->threshold ? 0 : 1;
	else
	{
		const int32 category = (int32) value;

		return node->n_listed > 0 &&
			bsearch(&category, node->listed, node->n_listed, sizeof(int32), compare_numbers) != NULL ? 0 : 1;
	}
}

/* Divides the nodes where that was found to be better; their rows go to the children. */
static SegmentStatus
divide(Growth *growth)
{
	const SegmentTreeRows *rows = growth->rows;
	SegmentTree *tree = growth->tree;
	int64		r;
	int			o;

	for (o = 0; o < growth->n_open; o++)
	{
		Open	   *open = &growth->open[o];
		SegmentTreeNode *node;
		int			first;

		if (open->best.feature < 0)
			continue;
		first = add_nodes(tree, 2);
		node = &tree->node[open->node];
		node->feature = open->best.feature;
		node->n_listed = open->best.n_listed;
		node->listed = open->best.listed;
		open->best.listed = NULL;
		node->missing = open->best.missing;
		if (node->n_listed < 0)
			node->threshold = segment_tree_threshold(open->best.below, open->best.above);
		node->child[0] = first;
		node->child[1] = first + 1;
	}
	for (r = 0; r < rows->n; r++)
	{
		Row		   *row = &growth->row[r];
		const SegmentTreeNode *node;
		double		x;

		if (r % ROWS_BETWEEN_CHECKS == 0 && stopped(growth))
			return SEGMENT_INTERRUPTED;
		if (row->node < 0)
			continue;
		node = &tree->node[growth->open[row->node].node];
		if (node->feature < 0)
		{
			row->node = -1;
			continue;
		}
		x = value_of(rows, r, node->feature);
		if (!is_missing(x) && rows->rank[node->feature] != NULL)
			x = rows->rank[node->feature][(int) x];
		row->node = node->child[segment_tree_child(node, x)];
		tree->count[(int64) row->node * tree->k + row->label] += row->copies;
	}
	return SEGMENT_DONE;
}

/* Where no row of a node lacks its feature, the side of more rows, if any row at all lacks it. */
static void
settle_missing(Growth *growth, int n_before)
{
	SegmentTree *tree = growth->tree;
	int			o;

	for (o = 0; o < growth->n_open; o++)
	{
		SegmentTreeNode *node = &tree->node[growth->open[o].node];

		if (node->feature < 0 || growth->open[o].lacks)
			continue;
		Assert(node->child[0] >= n_before);
		node->missing = !growth->ever_missing[node->feature] ? -1
			: rows_of(tree, node->child[0]) >= rows_of(tree, node->child[1]) ? 0 : 1;
	}
}

/* The nodes from n_before on are those of the next level. */
static void
next_level(Growth *growth, int n_before, bool divisible)
{
	const SegmentMemory memory = growth->memory;
	SegmentTree *tree = growth->tree;
	int			n_new = tree->n - n_before;
	int32	   *number = segment_allocate(memory, n_new, sizeof(int32));
	int64		r;
	int			i;

	growth->open = segment_resize_rows(memory, growth->open, n_new, 1, sizeof(Open));
	growth->left = segment_resize_rows(memory, growth->left, n_new, tree->k, sizeof(int64));
	growth->lacking = segment_resize_rows(memory, growth->lacking, n_new, tree->k, sizeof(int64));
	growth->touched = segment_resize_rows(memory, growth->touched, n_new, 1, sizeof(int32));
	growth->n_open = 0;
	for (i = 0; i < n_new; i++)
		number[i] = divisible && open_node(growth, n_before + i) ? growth->n_open - 1 : -1;
	for (r = 0; r < growth->rows->n; r++)
		if (growth->row[r].node >= 0)
			growth->row[r].node = number[growth->row[r].node - n_before];
	memory.release(memory.ctx, number);
}

static void
take_rows(Growth *growth)
{
	const SegmentTreeRows *rows = growth->rows;
	int64		r;

	add_nodes(growth->tree, 1);
	for (r = 0; r < rows->n; r++)
	{
		Row		   *row = &growth->row[r];

		row->label = rows->label[r];
		row->copies = rows->copies == NULL ? 1 : (uint32) rows->copies[r];
		row->node = row->label < 0 ? -1 : 0;
		if (row->node == 0)
			growth->tree->count[row->label] += row->copies;
	}
}

static SegmentStatus
grow(Growth *growth)
{
	const SegmentTreeRows *rows = growth->rows;
	int			n_before = 0;
	int			depth = 0;
	int			f;

	take_rows(growth);
	if (sort_features(growth) != SEGMENT_DONE)
		return SEGMENT_INTERRUPTED;
	for (next_level(growth, 0, true); growth->n_open > 0;
		 next_level(growth, n_before, ++depth < rows->max_depth))
	{
		for (f = 0; f < rows->d; f++)
		{
			int			o;

			if (count_missing(growth, f) != SEGMENT_DONE ||
				(rows->rank[f] == NULL ? try_number(growth, f) : try_categories(growth, f)) != SEGMENT_DONE)
				return SEGMENT_INTERRUPTED;
			for (o = 0; o < growth->n_open; o++)
				if (growth->open[o].best.feature == f)
					growth->open[o].lacks = growth->open[o].missing > 0;
		}
		n_before = growth->tree->n;
		if (divide(growth) != SEGMENT_DONE)
			return SEGMENT_INTERRUPTED;
		settle_missing(growth, n_before);
	}
	return SEGMENT_DONE;
}

/* A node whose leaves are right for no more rows than it is becomes a leaf. */
static void
prune(SegmentTree *tree, SegmentMemory memory)
{
	int64	   *right = segment_allocate(memory, tree->n, sizeof(int64));
	int			i;

	for (i = tree->n - 1; i >= 0; i--)
	{
		SegmentTreeNode *node = &tree->node[i];
		const int64 *count = &tree->count[(int64) i * tree->k];

		right[i] = count[segment_tree_label(count, tree->k)];
		if (node->feature < 0)
			continue;
		if (right[node->child[0]] + right[node->child[1]] > right[i])
		{
			right[i] = right[node->child[0]] + right[node->child[1]];
			continue;
		}
		node->feature = -1;
		if (node->listed != NULL)
			memory.release(memory.ctx, node->listed);
		node->listed = NULL;
		node->n_listed = -1;
	}
	memory.release(memory.ctx, right);
}

static void
release(SegmentMemory memory, void *block)
{
	if (block != NULL)
		memory.release(memory.ctx, block);
}

/* Bytes that counts take while a tree of n_used rows grows, which is about as much as it may take. */
double
segment_tree_memory(const SegmentTreeRows *rows, int64 n_used)
{
	double		leaves = Min(ldexp(1, rows->max_depth), (double) Max(n_used / rows->min_leaf, 1));

	return leaves * (4.0 * sizeof(int64) * rows->k + sizeof(Open));
}

/*
 * Grows a tree of rows, at least one of which takes part.  Afterwards, also after an
 * interruption, segment_tree_free releases it.
 */
SegmentStatus
segment_tree_grow(SegmentTree *tree, const SegmentTreeRows *rows, SegmentMemory memory,
				  SegmentInterrupted interrupted)
{
	Growth		growth;
	SegmentStatus status;
	int			i;

	memset(tree, 0, sizeof(*tree));
	tree->k = rows->k;
	tree->memory = memory;
	memset(&growth, 0, sizeof(growth));
	growth.rows = rows;
	growth.tree = tree;
	growth.memory = memory;
	growth.interrupted = interrupted;
	growth.row = segment_allocate(memory, rows->n, sizeof(Row));
	growth.order = segment_allocate_zeros(memory, rows->d, sizeof(uint32 *));
	growth.n_known = segment_allocate_zeros(memory, rows->d, sizeof(int64));
	growth.ever_missing = segment_allocate_zeros(memory, rows->d, sizeof(bool));
	for (i = 0; i < rows->d; i++)
		growth.order[i] = segment_allocate(memory, rows->n, sizeof(uint32));

	status = grow(&growth);
	if (status == SEGMENT_DONE)
		prune(tree, memory);
	else
		for (i = 0; i < growth.n_open; i++)
			release(memory, growth.open[i].best.listed);
	for (i = 0; i < rows->d; i++)
		release(memory, growth.order[i]);
	release(memory, growth.order);
	release(memory, growth.n_known);
	release(memory, growth.ever_missing);
	release(memory, growth.row);
	release(memory, growth.open);
	release(memory, growth.left);
	release(memory, growth.lacking);
	release(memory, growth.touched);
	release(memory, growth.category);
	return status;
}

void
segment_tree_free(SegmentTree *tree)
{
	int			i;

	for (i = 0; i < tree->n; i++)
		release(tree->memory, tree->node[i].listed);
	release(tree->memory, tree->node);
	release(tree->memory, tree->count);
	memset(tree, 0, sizeof(*tree));
}
