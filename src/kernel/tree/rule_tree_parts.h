/*
 * rule_tree_parts.h: what rule_tree.c and rule_tree_split.c share: a tree while it grows.
 */
#ifndef SEGMENT_RULE_TREE_PARTS_H
#define SEGMENT_RULE_TREE_PARTS_H

#include "kernel/tree/rule_tree.h"

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

static inline double
segment_tree_value_of(const SegmentTreeRows *rows, int64 r, int feature)
{
	return rows->x[r * rows->width + feature];
}

static inline bool
segment_tree_stopped(const Growth *growth)
{
	return growth->interrupted != NULL && growth->interrupted();
}

static inline uint64
segment_tree_square(int64 n)
{
	return (uint64) n * (uint64) n;
}

extern void segment_tree_set_purity(Purity *purity, uint64 left, int64 n_left, uint64 right,
									int64 n_right);
extern SegmentStatus segment_tree_sort_features(Growth *growth);
extern SegmentStatus segment_tree_count_missing(Growth *growth, int feature);
extern SegmentStatus segment_tree_try_number(Growth *growth, int feature);
extern SegmentStatus segment_tree_try_categories(Growth *growth, int feature);

#endif							/* SEGMENT_RULE_TREE_PARTS_H */
