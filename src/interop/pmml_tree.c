/*
 * pmml_tree.c: a hierarchy of centroids as PMML: a TreeModel, down which a row goes as it does
 * down the splits (bisecting_kind.c).
 *
 * A predicate compares a field with a constant, so each split has a derived field: the
 * squared distance to the first centroid less that to the second.  Above 0 the second is nearer.
 * The tree predicts the id of a segment, whose displayed value is the segment's name.
 */
#include "interop/pmml.h"

#include "miscadmin.h"

/* Splits count from 1, as in the model's JSON. */
static char *
split_name(const FeatureSpace *space, int split)
{
	return segment_pmml_new_name(space, psprintf("split(%d)", split + 1));
}

static void
put_squared_distance(StringInfo out, const FeatureSpace *space, const double *center)
{
	int			i;

	segment_pmml_begin_apply(out, "sum");
	for (i = 0; i < space->d; i++)
	{
		segment_pmml_begin_apply(out, "pow");
		segment_pmml_begin_apply(out, "-");
		segment_pmml_field(out, segment_pmml_coordinate(space, i));
		segment_pmml_constant(out, center[i]);
		segment_pmml_end_apply(out);
		appendStringInfoString(out, "<Constant dataType=\"integer\">2</Constant>");
		segment_pmml_end_apply(out);
	}
	segment_pmml_end_apply(out);
}

static void
put_splits(StringInfo out, const PmmlTree *tree)
{
	int			i;

	for (i = 0; i < tree->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		segment_pmml_begin_derived(out, split_name(tree->space, i));
		segment_pmml_begin_apply(out, "-");
		put_squared_distance(out, tree->space, tree->split[i].center[0]);
		put_squared_distance(out, tree->space, tree->split[i].center[1]);
		segment_pmml_end_apply(out);
		segment_pmml_end_derived(out);
	}
}

/* A split or a leaf, and what is below; parent: the split above, -1 for none. */
static void
put_node(StringInfo out, const Model *model, const PmmlTree *tree, int node, int parent,
		 bool second)
{
	int			segment = -1 - node;

	check_stack_depth();
	appendStringInfoString(out, "    <Node");
	if (node < 0)
		appendStringInfo(out, " score=\"%d\"", model->segment[segment].id);
	segment_pmml_count(out, "recordCount", node < 0 ? tree->size[segment] : tree->split[node].size);
	if (parent < 0)
		appendStringInfoString(out, "><True/>");
	else
	{
		appendStringInfoString(out, "><SimplePredicate field=");
		segment_pmml_value(out, split_name(tree->space, parent));
		appendStringInfo(out, " operator=\"%s\" value=\"0\"/>", second ? "greaterThan" : "lessOrEqual");
	}
	if (node >= 0)
	{
		appendStringInfoChar(out, '\n');
		put_node(out, model, tree, tree->split[node].child[0], node, false);
		put_node(out, model, tree, tree->split[node].child[1], node, true);
		appendStringInfoString(out, "    ");
	}
	appendStringInfoString(out, "</Node>\n");
}

/* The features, and the segments as values of what is predicted. */
void
segment_pmml_fields(StringInfo out, const Model *model, const FeatureSpace *space,
					const char *predicted)
{
	int			i;

	appendStringInfo(out, "  <DataDictionary numberOfFields=\"%d\">\n", space->n_features + 1);
	for (i = 0; i < space->n_features; i++)
		segment_pmml_data_field(out, &space->feature[i]);
	appendStringInfoString(out, "    <DataField name=");
	segment_pmml_value(out, predicted);
	appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\">\n");
	for (i = 0; i < model->n_segments; i++)
	{
		appendStringInfo(out, "      <Value value=\"%d\" displayValue=", model->segment[i].id);
		segment_pmml_value(out, model->segment[i].name);
		appendStringInfoString(out, "/>\n");
	}
	appendStringInfoString(out, "    </DataField>\n  </DataDictionary>\n");
}

void
segment_pmml_tree(StringInfo out, const Model *model, const PmmlTree *tree)
{
	const FeatureSpace *space = tree->space;
	char	   *predicted = segment_pmml_new_name(space, pstrdup("predicted_segment"));

	segment_pmml_fields(out, model, space, predicted);
	appendStringInfo(out, "  <TreeModel functionName=\"classification\" algorithmName=\"%s\" missingValueStrategy=\"nullPrediction\" splitCharacteristic=\"binarySplit\">\n",
					 model->kind->name);
	appendStringInfoString(out, "    <MiningSchema>\n      <MiningField name=");
	segment_pmml_value(out, predicted);
	appendStringInfoString(out, " usageType=\"target\"/>\n");
	segment_pmml_mining_fields(out, space);
	appendStringInfoString(out, "    </MiningSchema>\n");
	segment_pmml_output(out, space);
	appendStringInfoString(out, "    <LocalTransformations>\n");
	segment_pmml_coordinates(out, space);
	put_splits(out, tree);
	appendStringInfoString(out, "    </LocalTransformations>\n");
	put_node(out, model, tree, tree->n > 0 ? 0 : -1, -1, false);
	appendStringInfoString(out, "  </TreeModel>\n");
}
