/*
 * rule_tree.h: classification trees.  See rule_tree.c.
 */
#ifndef SEGMENT_RULE_TREE_H
#define SEGMENT_RULE_TREE_H

#include "c.h"

#include "kernel/base/memory.h"

/* splits between the root and a leaf, at most */
#define SEGMENT_TREE_MOST_DEPTH 20

/* rows must be fewer: sums of squares of counts then have room in 64 bits */
#define SEGMENT_TREE_MOST_ROWS (INT64CONST(1) << 31)

/* Rows with labels. */
typedef struct SegmentTreeRows
{
	int64		n;				/* below SEGMENT_TREE_MOST_ROWS */
	int			d;				/* features */
	int			k;				/* labels */
	const double *x;			/* feature f of row r is x[r * width + f]; missing is NaN */
	int64		width;
	const int32 *const *rank;	/* by feature: of a category's code, its number; NULL: a number */
	const int32 *label;			/* by row, 0 to k - 1; -1: the row does not take part */
	const int64 *copies;		/* by row; NULL: each stands for one */
	int			max_depth;		/* 1 to SEGMENT_TREE_MOST_DEPTH */
	int64		min_leaf;		/* rows that a leaf has at least, from 1 on */
} SegmentTreeRows;

typedef struct SegmentTreeNode
{
	int			feature;		/* -1: a leaf */
	double		threshold;		/* of a number: what is at most this goes to child 0 */
	int			n_listed;		/* -1: the feature is a number */
	int32	   *listed;			/* numbers of categories that go to child 0, ascending */
	int			missing;		/* the child for rows without the feature; -1: none */
	int			child[2];
} SegmentTreeNode;

typedef struct SegmentTree
{
	int			k;				/* labels */
	int			n;				/* nodes; the root is the first, children come after their parents */
	int			n_allocated;
	SegmentTreeNode *node;
	int64	   *count;			/* n x k: training rows of a node by label */
	SegmentMemory memory;
} SegmentTree;

extern SegmentStatus segment_tree_grow(SegmentTree *tree, const SegmentTreeRows *rows,
									   SegmentMemory memory, SegmentInterrupted interrupted);
extern double segment_tree_memory(const SegmentTreeRows *rows, int64 n_used);
extern int	segment_tree_label(const int64 *count, int k);
extern int	segment_tree_child(const SegmentTreeNode *node, double value);
extern double segment_tree_threshold(double below, double above);
extern void segment_tree_free(SegmentTree *tree);

#endif							/* SEGMENT_RULE_TREE_H */
