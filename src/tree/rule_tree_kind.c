/*
 * rule_tree_kind.c: models that are trees of rules: a row goes down from condition to
 * condition, and belongs to the label of most training rows of the leaf it gets to.
 *
 * Members of the JSON beside the common ones:
 *
 *	 label		name of the feature that was the label
 *	 max_depth, min_leaf	of the training
 *	 features: [{name, categories (in the order of their bytes; not for numbers)}]
 *	 nodes: of the tree, each before what is below it, first what meets the condition:
 *			[{feature (its number, from 1), at_most (of a number: the condition is x <= at_most)
 *			  or in (of a category: [categories]), missing (whether rows without the feature
 *			  meet it; null: they get no further)}, or {counts (training rows by label, in the
 *			  order of segments)} of a leaf]
 */
#include "tree/rule_tree.h"

#include "base/json_write.h"
#include "kernel/base/order.h"
#include "kernel/base/row_store.h"
#include "miscadmin.h"

/* Where the nodes of a model are being read. */
typedef struct Reader
{
	Model	   *model;
	SegmentTree *tree;
	const JsonPlace *json;		/* of the nodes */
	JsonPlace  *element;
	int			n;
	int			next;
} Reader;

/* ---- reading ---- */

static int32
category_number(const ModelCategories *categories, const JsonPlace *json)
{
	return segment_json_one_of(json, categories->name, categories->n, "category of the feature");
}

static void
read_condition(Reader *reader, const JsonPlace *json, SegmentTreeNode *node)
{
	static const char *const keys[] = {"feature", "at_most", "in", "missing", NULL};
	const Model *model = reader->model;
	JsonPlace	place = segment_json_member(json, "feature");
	bool		is_category;

	segment_json_check_keys(json, keys);
	node->feature = (int) segment_json_integer(&place, 1, model->n_features) - 1;
	is_category = model->categories[node->feature].n > 0;
	if (segment_json_has(json, is_category ? "at_most" : "in"))
		segment_json_error(json, psprintf("feature %d is a %s", node->feature + 1,
										  is_category ? "category" : "number"));
	place = segment_json_member(json, is_category ? "in" : "at_most");
	if (is_category)
	{
		JsonPlace  *elements = segment_json_elements(&place, &node->n_listed);
		int			i;

		node->listed = palloc(sizeof(int32) * (node->n_listed + 1));
		for (i = 0; i < node->n_listed; i++)
			node->listed[i] = category_number(&model->categories[node->feature], &elements[i]);
		qsort(node->listed, node->n_listed, sizeof(int32), segment_compare_int32);
		for (i = 1; i < node->n_listed; i++)
			if (node->listed[i] == node->listed[i - 1])
				segment_json_error(&place, "a category is there twice");
	}
	else
		node->threshold = segment_json_double(&place);
	place = segment_json_member(json, "missing");
	node->missing = segment_json_is_null(&place) ? -1 : segment_json_boolean(&place) ? 0 : 1;
}

static void
read_counts(Reader *reader, const JsonPlace *json, int64 *count)
{
	static const char *const keys[] = {"counts", NULL};
	JsonPlace	place = segment_json_member(json, "counts");
	JsonPlace  *elements;
	int64		sum = 0;
	int			n;
	int			c;

	segment_json_check_keys(json, keys);
	elements = segment_json_elements(&place, &n);
	if (n != reader->tree->k)
		segment_json_error(&place, psprintf("expected %d counts for %d segments, got %d",
											reader->tree->k, reader->tree->k, n));
	for (c = 0; c < n; c++)
	{
		count[c] = segment_json_integer(&elements[c], 0, reader->model->rows.n_used - sum);
		sum += count[c];
	}
	if (sum == 0)
		segment_json_error(&place, "a leaf has no rows");
}

/* The next node and all below it; returns its number. */
static int
read_node(Reader *reader, int depth)
{
	SegmentTree *tree = reader->tree;
	int			number = reader->next;
	SegmentTreeNode *node;
	int			side;
	int			c;

	CHECK_FOR_INTERRUPTS();
	if (number >= reader->n)
		segment_json_error(reader->json, "the tree is not complete");
	reader->next++;
	node = &tree->node[number];
	node->feature = -1;
	node->n_listed = -1;
	if (!segment_json_has(&reader->element[number], "feature"))
	{
		read_counts(reader, &reader->element[number], &tree->count[(int64) number * tree->k]);
		return number;
	}
	if (depth == SEGMENT_TREE_MOST_DEPTH)
		segment_json_error(&reader->element[number],
						   psprintf("the tree is more than %d conditions deep", SEGMENT_TREE_MOST_DEPTH));
	read_condition(reader, &reader->element[number], node);
	for (side = 0; side < 2; side++)
	{
		node->child[side] = read_node(reader, depth + 1);
		for (c = 0; c < tree->k; c++)
			tree->count[(int64) number * tree->k + c] +=
				tree->count[(int64) node->child[side] * tree->k + c];
	}
	return number;
}

static void
read_nodes(Model *model, SegmentTree *tree, const JsonPlace *json)
{
	Reader		reader = {model, tree, json};
	int64		sum = 0;
	int			c;

	reader.element = segment_json_elements(json, &reader.n);
	tree->k = model->n_segments;
	tree->n = reader.n;
	/* a leaf, of which there is one more than of conditions, has as many counts as segments */
	if ((double) (reader.n / 2) * tree->k > (double) json->value.val.binary.len)
		segment_json_error(json, psprintf("does not hold the counts of %d segments", tree->k));
	tree->node = palloc0(sizeof(SegmentTreeNode) * Max(reader.n, 1));
	tree->count = MemoryContextAllocExtended(CurrentMemoryContext,
											 sizeof(int64) * Max(reader.n, 1) * tree->k,
											 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	read_node(&reader, 0);
	if (reader.next != reader.n)
		segment_json_error(json, "there are more nodes than the tree has");
	for (c = 0; c < tree->k; c++)
		sum += tree->count[c];
	if (sum != model->rows.n_used)
		segment_json_error(json, "the counts do not add up to n_used");
}

static void
read_feature(Model *model, int number, const JsonPlace *json)
{
	static const char *const keys[] = {"name", "categories", NULL};
	ModelCategories *categories = &model->categories[number];
	JsonPlace	place = segment_json_member(json, "name");
	JsonPlace  *elements;
	int			i;

	segment_json_check_keys(json, keys);
	model->feature[number] = segment_json_string(&place);
	if (!segment_json_has(json, "categories"))
		return;
	place = segment_json_member(json, "categories");
	elements = segment_json_elements(&place, &categories->n);
	if (categories->n < 1)
		segment_json_error(&place, "there are no categories");
	categories->name = palloc(sizeof(char *) * categories->n);
	for (i = 0; i < categories->n; i++)
	{
		categories->name[i] = segment_json_string(&elements[i]);
		if (i > 0 && strcmp(categories->name[i - 1], categories->name[i]) >= 0)
			segment_json_error(&place, "the categories do not ascend");
	}
}

/* What follows from the tree. */
void
segment_rule_tree_finish(RuleTree *tree)
{
	int			i;

	tree->segment = palloc(sizeof(int) * tree->tree.n);
	for (i = 0; i < tree->tree.n; i++)
		tree->segment[i] = segment_tree_label(&tree->tree.count[(int64) i * tree->tree.k], tree->tree.k);
}

static void
rule_tree_read(Model *model, const JsonPlace *json)
{
	RuleTree   *tree = palloc0(sizeof(RuleTree));
	JsonPlace	place = segment_json_member(json, "label");
	JsonPlace  *elements;
	int			i;

	model->detail = tree;
	tree->label = segment_json_string(&place);
	place = segment_json_member(json, "max_depth");
	tree->max_depth = (int) segment_json_integer(&place, 1, SEGMENT_TREE_MOST_DEPTH);
	place = segment_json_member(json, "min_leaf");
	tree->min_leaf = segment_json_integer(&place, 1, PG_INT64_MAX);
	if (model->n_segments > RULE_TREE_MOST_LABELS)
		segment_json_error(json, psprintf("expected at most %d segments, got %d", RULE_TREE_MOST_LABELS,
										  model->n_segments));
	place = segment_json_member(json, "features");
	elements = segment_json_elements(&place, &model->n_features);
	if (model->n_features < 1)
		segment_json_error(&place, "there are no features");
	model->feature = palloc(sizeof(char *) * model->n_features);
	model->categories = palloc0(sizeof(ModelCategories) * model->n_features);
	for (i = 0; i < model->n_features; i++)
		read_feature(model, i, &elements[i]);
	place = segment_json_member(json, "nodes");
	read_nodes(model, &tree->tree, &place);
	segment_rule_tree_finish(tree);
}

/* ---- writing ---- */

static void
write_condition(const Model *model, const SegmentTreeNode *node, StringInfo out)
{
	int			i;

	appendStringInfo(out, "{\"feature\": %d, ", node->feature + 1);
	if (node->n_listed < 0)
	{
		appendStringInfoString(out, "\"at_most\": ");
		segment_json_put_number(out, node->threshold);
	}
	else
	{
		appendStringInfoString(out, "\"in\": [");
		for (i = 0; i < node->n_listed; i++)
		{
			if (i > 0)
				appendStringInfoString(out, ", ");
			segment_json_put_string(out, model->categories[node->feature].name[node->listed[i]]);
		}
		appendStringInfoChar(out, ']');
	}
	appendStringInfo(out, ", \"missing\": %s}",
					 node->missing < 0 ? "null" : node->missing == 0 ? "true" : "false");
}

static void
write_node(const Model *model, int number, StringInfo out)
{
	const SegmentTree *tree = &((const RuleTree *) model->detail)->tree;
	const SegmentTreeNode *node = &tree->node[number];
	int			c;

	if (number > 0)
		appendStringInfoString(out, ", ");
	if (node->feature >= 0)
	{
		write_condition(model, node, out);
		write_node(model, node->child[0], out);
		write_node(model, node->child[1], out);
		return;
	}
	appendStringInfoString(out, "{\"counts\": [");
	for (c = 0; c < tree->k; c++)
		appendStringInfo(out, "%s" INT64_FORMAT, c > 0 ? ", " : "", tree->count[(int64) number * tree->k + c]);
	appendStringInfoString(out, "]}");
}

static void
rule_tree_write(const Model *model, StringInfo out)
{
	const RuleTree *tree = model->detail;
	int			i;
	int			c;

	appendStringInfoString(out, ", \"label\": ");
	segment_json_put_string(out, tree->label);
	appendStringInfo(out, ", \"max_depth\": %d, \"min_leaf\": " INT64_FORMAT ", \"features\": [",
					 tree->max_depth, tree->min_leaf);
	for (i = 0; i < model->n_features; i++)
	{
		const ModelCategories *categories = &model->categories[i];

		appendStringInfo(out, "%s{\"name\": ", i > 0 ? ", " : "");
		segment_json_put_string(out, model->feature[i]);
		for (c = 0; c < categories->n; c++)
		{
			appendStringInfoString(out, c == 0 ? ", \"categories\": [" : ", ");
			segment_json_put_string(out, categories->name[c]);
		}
		appendStringInfoString(out, categories->n > 0 ? "]}" : "}");
	}
	appendStringInfoString(out, "], \"nodes\": [");
	write_node(model, 0, out);
	appendStringInfoChar(out, ']');
}

/* ---- assigning ---- */

/* The leaf a row gets to, or -1: it lacks a feature that is asked for. */
int
segment_rule_tree_leaf(const Model *model, const double *features)
{
	const SegmentTreeNode *nodes = ((const RuleTree *) model->detail)->tree.node;
	int			number = 0;

	while (nodes[number].feature >= 0)
	{
		int			side = segment_tree_child(&nodes[number], features[nodes[number].feature]);

		if (side < 0)
			return -1;
		number = nodes[number].child[side];
	}
	return number;
}

int64
segment_rule_tree_rows(const RuleTree *tree, int node)
{
	int64		sum = 0;
	int			c;

	for (c = 0; c < tree->tree.k; c++)
		sum += tree->tree.count[(int64) node * tree->tree.k + c];
	return sum;
}

static int
rule_tree_assign(const Model *model, const double *features)
{
	int			leaf = segment_rule_tree_leaf(model, features);

	return leaf < 0 ? -1 : ((const RuleTree *) model->detail)->segment[leaf];
}

static bool
rule_tree_probabilities(const Model *model, const double *features, double *probability)
{
	const RuleTree *tree = model->detail;
	int			leaf = segment_rule_tree_leaf(model, features);
	int			c;

	if (leaf < 0)
		return false;
	for (c = 0; c < tree->tree.k; c++)
		probability[c] = (double) tree->tree.count[(int64) leaf * tree->tree.k + c] /
			(double) segment_rule_tree_rows(tree, leaf);
	return true;
}

/* ---- explaining ---- */

static void
explain_feature(const Model *model, const RuleWriter *writer, int feature, double value, bool first,
				StringInfo out)
{
	StringInfoData condition;

	initStringInfo(&condition);
	if (!segment_rule_writer_condition(writer, feature, &condition))
		return;
	appendStringInfo(out, "%s{\"feature\": ", first ? "" : ", ");
	segment_json_put_string(out, model->feature[feature]);
	appendStringInfoString(out, ", \"value\": ");
	if (segment_is_missing(value))
		appendStringInfoString(out, "null");
	else if (model->categories[feature].n == 0)
		segment_json_put_number(out, value);
	else if (value < 0)
		appendStringInfoString(out, "null, \"unknown\": true");
	else
		segment_json_put_string(out, model->categories[feature].name[(int) value]);
	appendStringInfoString(out, ", \"condition\": ");
	segment_json_put_string(out, condition.data);
	appendStringInfoChar(out, '}');
	pfree(condition.data);
}

/* The rule of the leaf, what of the row meets it, and the labels of the leaf's training rows. */
static void
rule_tree_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	const RuleTree *tree = model->detail;
	int			leaf = segment_rule_tree_leaf(model, features);
	const int64 *count;
	RuleWriter *writer;
	int			path[SEGMENT_TREE_MOST_DEPTH + 1];
	int			runner_up = -1;
	int			n = 0;
	int			from;
	int			i;
	int			j;

	if (segment < 0)
	{
		appendStringInfoString(out, ", \"reason\": \"a feature that the rules ask for is missing\"");
		return;
	}
	count = &tree->tree.count[(int64) leaf * tree->tree.k];
	writer = segment_rule_writer(model, NULL, NULL);
	(void) segment_rule_tree_path(tree, leaf, path, &n);
	segment_rule_writer_path(writer, path, n);
	appendStringInfoString(out, ", \"rule\": ");
	segment_json_put_string(out, segment_rule_writer_rule(writer));
	appendStringInfo(out, ", \"customers\": " INT64_FORMAT ", \"share_right\": ",
					 segment_rule_tree_rows(tree, leaf));
	segment_json_put_number(out, (double) count[segment] / (double) segment_rule_tree_rows(tree, leaf));
	appendStringInfoString(out, ", \"features\": [");
	from = out->len;
	/* in the order in which they are asked for */
	for (i = 0; i + 1 < n; i++)
	{
		int			feature = tree->tree.node[path[i]].feature;

		for (j = 0; j < i && tree->tree.node[path[j]].feature != feature; j++)
			;
		if (j == i)
			explain_feature(model, writer, feature, features[feature], out->len == from, out);
	}
	appendStringInfoString(out, "], \"runner_up\": ");
	for (i = 0; i < tree->tree.k; i++)
		if (i != segment && count[i] > 0 && (runner_up < 0 || count[i] > count[runner_up]))
			runner_up = i;
	if (runner_up < 0)
		appendStringInfoString(out, "null");
	else
		segment_json_put_string(out, model->segment[runner_up].name);
}

/* ---- figures ---- */

/* Leaves, conditions above the deepest one, and training rows that the tree is right for. */
static void
add_up(const RuleTree *tree, int number, int depth, int *leaves, int *deepest, int64 *right)
{
	const SegmentTreeNode *node = &tree->tree.node[number];

	if (node->feature >= 0)
	{
		add_up(tree, node->child[0], depth + 1, leaves, deepest, right);
		add_up(tree, node->child[1], depth + 1, leaves, deepest, right);
		return;
	}
	(*leaves)++;
	*deepest = Max(*deepest, depth);
	*right += tree->tree.count[(int64) number * tree->tree.k + tree->segment[number]];
}

static void
rule_tree_metrics(const Model *model, StringInfo out)
{
	const RuleTree *tree = model->detail;
	int			leaves = 0;
	int			depth = 0;
	int64		right = 0;

	add_up(tree, 0, 0, &leaves, &depth, &right);
	appendStringInfoString(out, ", \"label\": ");
	segment_json_put_string(out, tree->label);
	appendStringInfo(out, ", \"leaves\": %d, \"depth\": %d, \"max_depth\": %d, \"min_leaf\": " INT64_FORMAT
					 ", \"accuracy\": ", leaves, depth, tree->max_depth, tree->min_leaf);
	segment_json_put_number(out, (double) right / (double) model->rows.n_used);
}

static const char *const rule_tree_keys[] = {
	"label", "max_depth", "min_leaf", "features", "nodes", NULL
};

const ModelKind segment_rule_tree_kind = {
	.name = "rule_tree",
	.read = rule_tree_read,
	.write = rule_tree_write,
	.keys = rule_tree_keys,
	.metrics = rule_tree_metrics,
	.assign = rule_tree_assign,
	.explain = rule_tree_explain,
	.probabilities = rule_tree_probabilities,
	.pmml = segment_rule_tree_pmml
};
