/*
 * rule_tree.h: models that are trees of rules.  See rule_tree_kind.c.
 */
#ifndef SEGMENT_RULE_TREE_MODEL_H
#define SEGMENT_RULE_TREE_MODEL_H

#include "kernel/tree/rule_tree.h"
#include "model/model.h"

/* labels that a tree tells apart, at most */
#define RULE_TREE_MOST_LABELS 1000

/* What a model of this kind holds; its segments are the labels. */
typedef struct RuleTree
{
	char	   *label;			/* name of the feature that was the label */
	int			max_depth;		/* as asked for */
	int64		min_leaf;		/* as it was */
	SegmentTree tree;			/* counts are those of leaves and of what is above them */
	int		   *segment;		/* by node: the label of most of its rows */
} RuleTree;

/* How a feature is written in a rule. */
typedef enum RuleColumn
{
	RULE_NUMBER,
	RULE_NUMBER_OR_NAN,			/* NaN is kept out of what is above a threshold */
	RULE_DATE,					/* a number: days since 2000 */
	RULE_TIMESTAMP,				/* a number: microseconds since 2000 */
	RULE_TIMESTAMPTZ,
	RULE_CATEGORY,
	RULE_BOOLEAN
} RuleColumn;

extern const ModelKind segment_rule_tree_kind;

/* rule_tree_kind.c */
extern void segment_rule_tree_finish(RuleTree *tree);
extern int	segment_rule_tree_leaf(const Model *model, const double *features);
extern int64 segment_rule_tree_rows(const RuleTree *tree, int node);

/* rule_tree_rules.c */
typedef struct RuleWriter RuleWriter;

extern RuleWriter *segment_rule_writer(const Model *model, char *const *names,
									   const RuleColumn *columns);
extern void segment_rule_writer_path(RuleWriter *writer, const int *path, int n);
extern bool segment_rule_writer_condition(const RuleWriter *writer, int feature, StringInfo out);
extern char *segment_rule_writer_rule(const RuleWriter *writer);
extern bool segment_rule_tree_path(const RuleTree *tree, int leaf, int *path, int *n);

/* interop/pmml_rule_tree.c */
extern void segment_rule_tree_pmml(const Model *model, StringInfo out);

#endif							/* SEGMENT_RULE_TREE_MODEL_H */
