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
#include "kernel/tree/rule_tree_parts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cut_points.h"
#include "kernel/base/order.h"
#include "kernel/base/row_store.h"

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
		open->squares_of_all += segment_tree_square(count[c]);
	}
	if (open->n_labels < 2 || open->rows < 2 * growth->rows->min_leaf)
		return false;
	segment_tree_set_purity(&open->best.purity, open->squares_of_all, open->rows, 0, 0);
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
	if (segment_is_missing(value))
		return node->missing;
	if (node->n_listed < 0)
		return value <= node->threshold ? 0 : 1;
	else
	{
		const int32 category = (int32) value;

		return node->n_listed > 0 &&
			bsearch(&category, node->listed, node->n_listed, sizeof(int32), segment_compare_int32) != NULL ? 0 : 1;
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

		if (r % ROWS_BETWEEN_CHECKS == 0 && segment_tree_stopped(growth))
			return SEGMENT_INTERRUPTED;
		if (row->node < 0)
			continue;
		node = &tree->node[growth->open[row->node].node];
		if (node->feature < 0)
		{
			row->node = -1;
			continue;
		}
		x = segment_tree_value_of(rows, r, node->feature);
		if (!segment_is_missing(x) && rows->rank[node->feature] != NULL)
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
	if (segment_tree_sort_features(growth) != SEGMENT_DONE)
		return SEGMENT_INTERRUPTED;
	for (next_level(growth, 0, true); growth->n_open > 0;
		 next_level(growth, n_before, ++depth < rows->max_depth))
	{
		for (f = 0; f < rows->d; f++)
		{
			int			o;

			if (segment_tree_count_missing(growth, f) != SEGMENT_DONE ||
				(rows->rank[f] == NULL ? segment_tree_try_number(growth, f) : segment_tree_try_categories(growth, f)) != SEGMENT_DONE)
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
