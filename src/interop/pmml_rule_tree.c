/*
 * pmml_rule_tree.c: a tree of rules as PMML.
 *
 * Each node has its own condition as predicate.  Where a missing value meets it, that
 * is a part of the predicate; anywhere else a missing value meets none, and there is no
 * prediction, as the model has none.
 */
#include "tree/rule_tree.h"

#include <math.h>

#include "base/json_write.h"
#include "interop/pmml.h"
#include "miscadmin.h"

static void
put_operator(StringInfo out, const char *field, const char *operator)
{
	appendStringInfoString(out, "<SimplePredicate field=");
	segment_pmml_value(out, field);
	appendStringInfo(out, " operator=\"%s\"", operator);
}

static void
put_known(StringInfo out, const Model *model, const SegmentTreeNode *node, int side)
{
	const char *field = model->feature[node->feature];
	int			i;

	if (node->n_listed == 0 || (node->n_listed < 0 && node->threshold == HUGE_VAL))
	{
		/* missing alone: this is the side of all others */
		put_operator(out, field, "isNotMissing");
		appendStringInfoString(out, "/>");
	}
	else if (node->n_listed < 0)
	{
		put_operator(out, field, side == 0 ? "lessOrEqual" : "greaterThan");
		appendStringInfo(out, " value=\"%s\"/>",
						 isinf(node->threshold) ? "-INF" : segment_number_text(node->threshold));
	}
	else
	{
		if (node->n_listed > 1)
			appendStringInfo(out, "<CompoundPredicate booleanOperator=\"%s\">", side == 0 ? "or" : "and");
		for (i = 0; i < node->n_listed; i++)
		{
			put_operator(out, field, side == 0 ? "equal" : "notEqual");
			appendStringInfoString(out, " value=");
			segment_pmml_value(out, model->categories[node->feature].name[node->listed[i]]);
			appendStringInfoString(out, "/>");
		}
		if (node->n_listed > 1)
			appendStringInfoString(out, "</CompoundPredicate>");
	}
}

static void
put_predicate(StringInfo out, const Model *model, const SegmentTreeNode *node, int side)
{
	bool		missing = node->missing == side;
	bool		known = node->n_listed == 0 ? side == 1
		: !(node->n_listed < 0 && node->threshold == HUGE_VAL) || side == 0;

	if (known && missing)
		appendStringInfoString(out, "<CompoundPredicate booleanOperator=\"or\">");
	if (known)
		put_known(out, model, node, side);
	if (missing)
	{
		put_operator(out, model->feature[node->feature], "isMissing");
		appendStringInfoString(out, "/>");
	}
	if (known && missing)
		appendStringInfoString(out, "</CompoundPredicate>");
	if (!known && !missing)
		appendStringInfoString(out, "<False/>");
}

/* A node, and what is below it; parent: NULL for the root. */
static void
put_node(StringInfo out, const Model *model, int number, const SegmentTreeNode *parent, int side)
{
	const RuleTree *tree = model->detail;
	const SegmentTreeNode *node = &tree->tree.node[number];
	int			c;

	check_stack_depth();
	appendStringInfo(out, "    <Node score=\"%d\"", model->segment[tree->segment[number]].id);
	segment_pmml_count(out, "recordCount", (double) segment_rule_tree_rows(tree, number));
	appendStringInfoChar(out, '>');
	if (parent == NULL)
		appendStringInfoString(out, "<True/>");
	else
		put_predicate(out, model, parent, side);
	for (c = 0; node->feature < 0 && c < tree->tree.k; c++)
	{
		appendStringInfo(out, "<ScoreDistribution value=\"%d\"", model->segment[c].id);
		segment_pmml_count(out, "recordCount", (double) tree->tree.count[(int64) number * tree->tree.k + c]);
		appendStringInfoString(out, "/>");
	}
	if (node->feature >= 0)
	{
		appendStringInfoChar(out, '\n');
		put_node(out, model, node->child[0], node, 0);
		put_node(out, model, node->child[1], node, 1);
		appendStringInfoString(out, "    ");
	}
	appendStringInfoString(out, "</Node>\n");
}

void
segment_rule_tree_pmml(const Model *model, StringInfo out)
{
	FeatureSpace *space = segment_pmml_names(model, NULL);
	char	   *predicted = segment_pmml_new_name(space, pstrdup("predicted_segment"));
	int			i;

	segment_pmml_fields(out, model, space, predicted);
	appendStringInfoString(out, "  <TreeModel functionName=\"classification\" algorithmName=\"rule_tree\" "
						   "missingValueStrategy=\"none\" noTrueChildStrategy=\"returnNullPrediction\" "
						   "splitCharacteristic=\"binarySplit\">\n    <MiningSchema>\n      <MiningField name=");
	segment_pmml_value(out, predicted);
	appendStringInfoString(out, " usageType=\"target\"/>\n");
	for (i = 0; i < model->n_features; i++)
	{
		appendStringInfoString(out, "      <MiningField name=");
		segment_pmml_value(out, model->feature[i]);
		/* a category that training did not meet is a value like any other */
		appendStringInfoString(out, " invalidValueTreatment=\"asIs\"/>\n");
	}
	appendStringInfoString(out, "    </MiningSchema>\n");
	segment_pmml_output(out, space);
	put_node(out, model, 0, NULL, 0);
	appendStringInfoString(out, "  </TreeModel>\n");
}
