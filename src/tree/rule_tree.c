/*
 * rule_tree.c: trains a tree of rules from a feature set whose first feature is the label
 * (kernel/tree/rule_tree.c).
 *
 * A label is a whole number or a category, as wherever a feature set has labels
 * (feature/labelled_points.c).  Rows without one are skipped; features may be missing or
 * infinite.
 */
#include "tree/rule_tree.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "feature/labelled_points.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(segment_rule_tree_train);

/* The arguments of rule_tree(), by number. */
enum
{
	ARG_FEATURES, ARG_MAX_DEPTH, ARG_MIN_LEAF
};

/* of the rows, in a leaf where min_leaf says nothing */
#define LEAF_SHARE	100

#define ROWS_BETWEEN_CHECKS 65536

static void
check_set(const FeatureSet *set)
{
	if (set->store.n_columns < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rules are about a label and at least one other feature, but the feature set has a single one"),
				 errhint("The label is the first feature: feature_set(label, a, b).")));
	if (set->store.weighted)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a tree of rules counts rows, and knows no weights"),
				 errhint("Collect the rows with feature_set().")));
}

/* The label of each row, -1 where it has none, numbered by those that rows have. */
static void
number_labels(Model *model, const FeatureSet *set, SegmentTreeRows *rows)
{
	const SegmentRowStore *store = &set->store;
	LabelList  *labels = segment_label_list(set, 0);
	int32	   *label = segment_new_array(store->n_rows, 1, sizeof(int32));
	int32	   *number = segment_new_array(labels->n, 1, sizeof(int32));
	int64	   *count = segment_new_array(labels->n, 1, sizeof(int64));
	int32	   *ids;
	char	  **names;
	int64		r;
	int			i;

	memset(count, 0, sizeof(int64) * labels->n);
	for (r = 0; r < store->n_rows; r++)
	{
		int64		copies = segment_row_copies(store, r);

		if (r % ROWS_BETWEEN_CHECKS == 0)
			CHECK_FOR_INTERRUPTS();
		label[r] = segment_label_number(labels, store->rows[r * store->width]);
		if (label[r] < 0)
			model->rows.n_skipped += copies;
		else
		{
			model->rows.n_used += copies;
			count[label[r]] += copies;
		}
	}
	for (i = 0; i < labels->n; i++)
		number[i] = count[i] > 0 ? rows->k++ : -1;
	for (r = 0; r < store->n_rows; r++)
		if (label[r] >= 0)
			label[r] = number[label[r]];
	rows->label = label;

	if (rows->k == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row has a label"),
				 errdetail("The label \"%s\" is missing in all " INT64_FORMAT " rows.",
						   segment_feature_set_column_name(set, 0), model->rows.n_skipped),
				 errhint("The label is the first feature: feature_set(label, a, b).")));
	if (rows->k > RULE_TREE_MOST_LABELS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" has %d labels, expected at most %d", segment_feature_set_column_name(set, 0),
						rows->k, RULE_TREE_MOST_LABELS),
				 errhint("The label is the first feature: feature_set(label, a, b).")));
	ids = palloc(sizeof(int32) * rows->k);
	names = palloc(sizeof(char *) * rows->k);
	for (i = 0; i < labels->n; i++)
		if (number[i] >= 0)
		{
			if (labels->text[i][0] == '\0')
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("a label must not be an empty text"),
						 errhint("Where it means that there is none, collect nullif(label, '').")));
			ids[number[i]] = number[i] + 1;
			names[number[i]] = labels->text[i];
		}
	segment_model_set_segments(model, rows->k, ids, names, NULL);
	pfree(number);
	pfree(count);
}

/* Names of features, and their categories in the order of their bytes. */
static void
describe_features(Model *model, const FeatureSet *set, SegmentTreeRows *rows)
{
	const int32 **rank = palloc0(sizeof(int32 *) * rows->d);
	int			i;

	segment_feature_set_check_names(set);
	model->n_features = rows->d;
	model->feature = palloc(sizeof(char *) * rows->d);
	model->categories = palloc0(sizeof(ModelCategories) * rows->d);
	for (i = 0; i < rows->d; i++)
	{
		LabelList  *categories;

		model->feature[i] = pstrdup(segment_feature_set_column_name(set, i + 1));
		if (set->columns[i + 1].categories == NULL)
			continue;
		categories = segment_label_list(set, i + 1);
		rank[i] = categories->number;
		model->categories[i].n = categories->n;
		model->categories[i].name = categories->text;
		/* a category that no row has is one nevertheless */
		if (categories->n == 0)
		{
			model->categories[i].n = 1;
			model->categories[i].name = palloc(sizeof(char *));
			model->categories[i].name[0] = pstrdup("");
		}
	}
	rows->rank = rank;
}

static void
check_size(const SegmentTreeRows *rows, int64 n_used, int64 n_skipped)
{
	double		needed = segment_tree_memory(rows, n_used);

	if (rows->n >= SEGMENT_TREE_MOST_ROWS || n_used >= SEGMENT_TREE_MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a tree of rules is made of fewer than " INT64_FORMAT " rows, not " INT64_FORMAT,
						SEGMENT_TREE_MOST_ROWS, n_used + n_skipped),
				 errhint("Collect a sample of the rows.")));
	if (needed > maintenance_work_mem * 1024.0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("counting %d labels in each of the leaves may take %.0f MB, more than maintenance_work_mem",
						rows->k, needed / 1024 / 1024),
				 errhint("Ask for a lower max_depth or a higher min_leaf, or raise maintenance_work_mem.")));
}

/* rule_tree(features, max_depth, min_leaf) */
Datum
segment_rule_tree_train(PG_FUNCTION_ARGS)
{
	FeatureSet *set;
	Model	   *model;
	RuleTree   *tree;
	SegmentTreeRows rows = {0};

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	rows.max_depth = segment_arg_count(fcinfo, ARG_MAX_DEPTH, "max_depth", 1);
	if (rows.max_depth > SEGMENT_TREE_MOST_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_depth must be at most %d, not %d", SEGMENT_TREE_MOST_DEPTH, rows.max_depth)));
	if (!PG_ARGISNULL(ARG_MIN_LEAF))
		rows.min_leaf = segment_arg_count(fcinfo, ARG_MIN_LEAF, "min_leaf", 1);
	set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	check_set(set);

	model = segment_model_new(&segment_rule_tree_kind);
	tree = palloc0(sizeof(RuleTree));
	model->detail = tree;
	tree->label = pstrdup(segment_feature_set_column_name(set, 0));
	rows.n = set->store.n_rows;
	rows.d = set->store.n_columns - 1;
	rows.x = set->store.rows + 1;
	rows.width = set->store.width;
	rows.copies = set->store.copies;
	number_labels(model, set, &rows);
	model->rows.n_input = set->store.n_seen;
	model->rows.n_unsampled = model->rows.n_input - model->rows.n_used - model->rows.n_skipped;
	describe_features(model, set, &rows);
	if (rows.min_leaf == 0)
		rows.min_leaf = (model->rows.n_used + LEAF_SHARE - 1) / LEAF_SHARE;
	check_size(&rows, model->rows.n_used, model->rows.n_skipped);
	segment_tell_sampled(set);
	if (rows.k == 1)
		ereport(NOTICE,
				(errmsg("all rows have the label \"%s\", so there is nothing to tell apart",
						model->segment[0].name)));

	tree->max_depth = rows.max_depth;
	tree->min_leaf = rows.min_leaf;
	(void) segment_tree_grow(&tree->tree, &rows, segment_memory(CurrentMemoryContext),
							 segment_check_interrupts);
	PG_RETURN_MODEL(model);
}
