/*
 * rule_tree_rules.c: the leaves of a tree as SQL.
 *
 * A leaf is what all conditions on its path allow of each feature: numbers from a lower
 * bound (not itself) to an upper one, or a set of categories, and whether the feature may
 * be missing.  That is one condition per feature, joined by AND, in the order in which
 * the path comes to the features.
 *
 * The predicate holds for a row exactly if the model puts the row into the leaf.  Numbers
 * are compared as double precision: a bound of more than 15 digits says so by a cast, and
 * a shorter one is the same as numeric.  (A numeric or bigint of more digits that rounds to
 * a bound can differ.)  NaN is missing for a model, but greater than all numbers for
 * SQL: RULE_NUMBER_OR_NAN adds what keeps it out, or lets it in.
 */
#include "tree/rule_tree.h"

#include <math.h>

#include "base/arguments.h"
#include "base/json_write.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_rule_tree_rules);
PG_FUNCTION_INFO_V1(segment_time_number);
PG_FUNCTION_INFO_V1(segment_date_number);

/* What a path allows of a feature. */
typedef struct Allowed
{
	bool		asked;			/* a condition of the path is about it */
	double		above;			/* a number: greater than this ... */
	bool		has_above;
	double		at_most;		/* ... and at most this */
	bool		has_at_most;
	bool	   *category;		/* by category */
	bool		others;			/* categories that training did not meet */
	bool		missing;
} Allowed;

struct RuleWriter
{
	const Model *model;
	const RuleTree *tree;
	char	  **name;			/* of features, as identifiers */
	RuleColumn *column;
	Allowed    *allowed;		/* by feature */
	int		   *order;			/* features in which the path asks for them */
	int			n_asked;
};

/* names, columns: by feature; NULL: as the model has them. */
RuleWriter *
segment_rule_writer(const Model *model, char *const *names, const RuleColumn *columns)
{
	RuleWriter *writer = palloc0(sizeof(RuleWriter));
	int			i;

	writer->model = model;
	writer->tree = model->detail;
	writer->name = palloc(sizeof(char *) * model->n_features);
	writer->column = palloc(sizeof(RuleColumn) * model->n_features);
	writer->allowed = palloc0(sizeof(Allowed) * model->n_features);
	writer->order = palloc(sizeof(int) * model->n_features);
	for (i = 0; i < model->n_features; i++)
	{
		writer->name[i] = pstrdup(quote_identifier(names != NULL ? names[i] : model->feature[i]));
		writer->column[i] = columns != NULL ? columns[i]
			: model->categories[i].n > 0 ? RULE_CATEGORY : RULE_NUMBER;
		writer->allowed[i].category = palloc(sizeof(bool) * Max(model->categories[i].n, 1));
	}
	return writer;
}

/* ---- what a path allows ---- */

static void
follow(Allowed *allowed, const SegmentTreeNode *node, int n_categories, int side)
{
	int			i;

	allowed->missing = allowed->missing && node->missing == side;
	if (node->n_listed < 0)
	{
		if (side == 0 && (!allowed->has_at_most || node->threshold < allowed->at_most))
		{
			allowed->has_at_most = true;
			allowed->at_most = node->threshold;
		}
		if (side == 1 && (!allowed->has_above || node->threshold > allowed->above))
		{
			allowed->has_above = true;
			allowed->above = node->threshold;
		}
		return;
	}
	for (i = 0; i < n_categories; i++)
		if ((segment_tree_child(node, i) == 0) != (side == 0))
			allowed->category[i] = false;
	if (side == 0)
		allowed->others = false;
}

/* Takes the conditions of a path from the root: n nodes, the last one is the leaf. */
void
segment_rule_writer_path(RuleWriter *writer, const int *path, int n)
{
	int			i;

	for (i = 0; i < writer->model->n_features; i++)
	{
		Allowed    *allowed = &writer->allowed[i];

		allowed->asked = false;
		allowed->has_above = allowed->has_at_most = false;
		allowed->missing = allowed->others = true;
		memset(allowed->category, true, sizeof(bool) * Max(writer->model->categories[i].n, 1));
	}
	writer->n_asked = 0;
	for (i = 0; i + 1 < n; i++)
	{
		const SegmentTreeNode *node = &writer->tree->tree.node[path[i]];
		Allowed    *allowed = &writer->allowed[node->feature];

		if (!allowed->asked)
			writer->order[writer->n_asked++] = node->feature;
		allowed->asked = true;
		follow(allowed, node, writer->model->categories[node->feature].n,
			   node->child[0] == path[i + 1] ? 0 : 1);
	}
}

static bool
find_path(const RuleTree *tree, int node, int leaf, int *path, int *n)
{
	path[(*n)++] = node;
	if (node == leaf)
		return true;
	if (tree->tree.node[node].feature >= 0 &&
		(find_path(tree, tree->tree.node[node].child[0], leaf, path, n) ||
		 find_path(tree, tree->tree.node[node].child[1], leaf, path, n)))
		return true;
	(*n)--;
	return false;
}

/* The nodes from the root to a leaf. */
bool
segment_rule_tree_path(const RuleTree *tree, int leaf, int *path, int *n)
{
	*n = 0;
	return find_path(tree, 0, leaf, path, n);
}

/* ---- as SQL ---- */

static char *
number_literal(double x)
{
	char		text[64];

	if (isinf(x))
		return psprintf("'%s'::double precision", segment_number_text(x));
	snprintf(text, sizeof(text), "%.15g", x);
	if (strtod(text, NULL) == x)
		return segment_number_text(x);
	return psprintf("'%s'::double precision", segment_number_text(x));
}

/* A day or an instant, which is a whole number: the last that is at most x. */
static char *
time_literal(RuleColumn column, double x)
{
	char		text[MAXDATELEN + 1];
	struct pg_tm tm = {0};
	fsec_t		fsec = 0;

	x = floor(x);
	if (isinf(x) || x < -9e18)
		return x > 0 ? "'infinity'" : "'-infinity'";
	if (column == RULE_DATE)
	{
		j2date((int) x + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, text);
	}
	else
	{
		if (timestamp2tm((Timestamp) x, NULL, &tm, &fsec, NULL, NULL) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("timestamp out of range")));
		/* known not to be, as else the zone is left out */
		tm.tm_isdst = 0;
		EncodeDateTime(&tm, fsec, column == RULE_TIMESTAMPTZ, 0, NULL, USE_ISO_DATES, text);
	}
	return psprintf("'%s'", text);
}

/* x > bound, or x <= bound */
static void
put_bound(const RuleWriter *writer, int feature, bool above, double bound, StringInfo out)
{
	RuleColumn	column = writer->column[feature];

	appendStringInfoString(out, writer->name[feature]);
	if (column != RULE_DATE && column != RULE_TIMESTAMP && column != RULE_TIMESTAMPTZ)
		appendStringInfo(out, " %s %s", above ? ">" : "<=", number_literal(bound));
	else if (bound > 9e18 && !isinf(bound))
		/* between the last instant there is and infinity */
		appendStringInfoString(out, above ? " = 'infinity'" : " < 'infinity'");
	else
		appendStringInfo(out, " %s %s", above ? ">" : "<=", time_literal(column, bound));
}

/* Returns false where nothing but a missing value is allowed; writes nothing where all are. */
static bool
put_numbers(const RuleWriter *writer, int feature, StringInfo out)
{
	const Allowed *allowed = &writer->allowed[feature];
	bool		bounded = allowed->has_at_most && !(isinf(allowed->at_most) && allowed->at_most > 0);

	if (allowed->has_above && isinf(allowed->above) && allowed->above > 0)
		return false;
	if (allowed->has_above)
		put_bound(writer, feature, true, allowed->above, out);
	if (bounded)
	{
		if (allowed->has_above)
			appendStringInfoString(out, " AND ");
		put_bound(writer, feature, false, allowed->at_most, out);
	}
	else if (writer->column[feature] == RULE_NUMBER_OR_NAN && !allowed->missing)
		appendStringInfo(out, "%s%s < 'NaN'::double precision", allowed->has_above ? " AND " : "",
						 writer->name[feature]);
	return true;
}

static bool
put_boolean(const RuleWriter *writer, int feature, const bool *among, bool are_in, StringInfo out)
{
	const ModelCategories *categories = &writer->model->categories[feature];
	bool		allowed[2] = {!are_in, !are_in};
	int			i;

	for (i = 0; i < categories->n; i++)
		if (among[i])
			allowed[strcmp(categories->name[i], "true") == 0 ? 1 : 0] = are_in;
	if (!allowed[0] && !allowed[1])
		return false;
	if (allowed[0] != allowed[1])
		appendStringInfo(out, "%s%s", allowed[1] ? "" : "NOT ", writer->name[feature]);
	return true;
}

/* As put_numbers. */
static bool
put_categories(const RuleWriter *writer, int feature, StringInfo out)
{
	const Allowed *allowed = &writer->allowed[feature];
	const ModelCategories *categories = &writer->model->categories[feature];
	bool	   *among = palloc(sizeof(bool) * categories->n);
	int			n = 0;
	int			written = 0;
	int			i;

	/* those that are allowed, or where others are, too, those that are not */
	for (i = 0; i < categories->n; i++)
		n += among[i] = allowed->category[i] != allowed->others;
	if (writer->column[feature] == RULE_BOOLEAN)
		return put_boolean(writer, feature, among, !allowed->others, out);
	if (n == 0)
		return allowed->others;
	appendStringInfo(out, "%s %s", writer->name[feature],
					 n == 1 ? (allowed->others ? "<> " : "= ") : (allowed->others ? "NOT IN (" : "IN ("));
	for (i = 0; i < categories->n; i++)
		if (among[i])
		{
			if (written++ > 0)
				appendStringInfoString(out, ", ");
			appendStringInfoString(out, quote_literal_cstr(categories->name[i]));
		}
	if (n > 1)
		appendStringInfoChar(out, ')');
	return true;
}

/* What the path asks of a feature; false: nothing. */
bool
segment_rule_writer_condition(const RuleWriter *writer, int feature, StringInfo out)
{
	const Allowed *allowed = &writer->allowed[feature];
	const char *name = writer->name[feature];
	bool		nan = writer->column[feature] == RULE_NUMBER_OR_NAN;
	StringInfoData known;
	bool		any;

	initStringInfo(&known);
	any = writer->model->categories[feature].n > 0 ? put_categories(writer, feature, &known)
		: put_numbers(writer, feature, &known);
	if (!any)
		appendStringInfo(out, nan ? "(%s IS NULL OR %s = 'NaN'::double precision)" : "%s IS NULL", name, name);
	else if (allowed->missing)
	{
		if (known.len == 0)
			return false;
		/* what has no upper bound lets NaN in by itself */
		appendStringInfo(out, nan && allowed->has_at_most ? "(%s OR %s IS NULL OR %s = 'NaN'::double precision)"
						 : "(%s OR %s IS NULL)", known.data, name, name);
	}
	else if (known.len == 0)
		appendStringInfo(out, "%s IS NOT NULL", name);
	else
		appendStringInfoString(out, known.data);
	pfree(known.data);
	return true;
}

/* The predicate of the path taken last. */
char *
segment_rule_writer_rule(const RuleWriter *writer)
{
	StringInfoData out;
	int			i;

	initStringInfo(&out);
	for (i = 0; i < writer->n_asked; i++)
	{
		StringInfoData condition;

		initStringInfo(&condition);
		if (segment_rule_writer_condition(writer, writer->order[i], &condition))
			appendStringInfo(&out, "%s%s", out.len > 0 ? " AND " : "", condition.data);
		pfree(condition.data);
	}
	if (out.len == 0)
		appendStringInfoString(&out, "true");
	return out.data;
}

/* ---- functions ---- */

/* Where the leaves of a model are being written. */
typedef struct Leaves
{
	const Model *model;
	RuleWriter *writer;
	ReturnSetInfo *rows;
	int			path[SEGMENT_TREE_MOST_DEPTH + 1];
	int			n;				/* nodes on the path */
	int			leaf;			/* number of the last one */
} Leaves;

static void
put_leaf(Leaves *leaves, int node)
{
	const RuleTree *tree = leaves->model->detail;
	int			segment = tree->segment[node];
	int64		rows = segment_rule_tree_rows(tree, node);
	Datum		values[6];
	bool		nulls[6] = {false};

	segment_rule_writer_path(leaves->writer, leaves->path, leaves->n);
	values[0] = Int32GetDatum(++leaves->leaf);
	values[1] = Int32GetDatum(leaves->model->segment[segment].id);
	values[2] = leaves->model->segment[segment].name_datum;
	values[3] = CStringGetTextDatum(segment_rule_writer_rule(leaves->writer));
	values[4] = Int64GetDatum(rows);
	values[5] = Float8GetDatum((double) tree->tree.count[(int64) node * tree->tree.k + segment] /
							   (double) rows);
	tuplestore_putvalues(leaves->rows->setResult, leaves->rows->setDesc, values, nulls);
}

static void
put_leaves(Leaves *leaves, int node)
{
	const SegmentTreeNode *n = &((const RuleTree *) leaves->model->detail)->tree.node[node];

	CHECK_FOR_INTERRUPTS();
	leaves->path[leaves->n++] = node;
	if (n->feature < 0)
		put_leaf(leaves, node);
	else
	{
		put_leaves(leaves, n->child[0]);
		put_leaves(leaves, n->child[1]);
	}
	leaves->n--;
}

static void
read_columns(FunctionCallInfo fcinfo, const Model *model, char ***names, RuleColumn **columns)
{
	static const char *const kinds[] = {
		"number", "number or NaN", "date", "timestamp", "timestamptz", "category", "boolean", NULL
	};
	Datum	   *name;
	Datum	   *kind;
	int			n;
	int			m;
	int			i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &name, NULL, &n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &kind, NULL, &m);
	if (n != model->n_features || m != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("expected names and kinds of %d features, got %d and %d", model->n_features, n, m)));
	*names = palloc(sizeof(char *) * n);
	*columns = palloc(sizeof(RuleColumn) * n);
	for (i = 0; i < n; i++)
	{
		(*names)[i] = TextDatumGetCString(name[i]);
		(*columns)[i] = (RuleColumn) segment_name_in_list(TextDatumGetCString(kind[i]), kinds, "a kind");
		if (((*columns)[i] >= RULE_CATEGORY) != (model->categories[i].n > 0))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is no %s", model->feature[i], kinds[(*columns)[i]])));
	}
}

/* rule_tree_rules(model, nan), rule_tree_rules(model, names, kinds) */
Datum
segment_rule_tree_rules(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	Leaves		leaves = {model};
	char	  **names = NULL;
	RuleColumn *columns = NULL;
	int			i;

	if (model->kind != &segment_rule_tree_kind)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("expected a model of kind \"rule_tree\", got one of kind \"%s\"", model->kind->name),
				 errhint("describe_segments() finds rules for the segments of any segmentation.")));
	if (PG_NARGS() == 3)
		read_columns(fcinfo, model, &names, &columns);
	else if (PG_GETARG_BOOL(1))
	{
		columns = palloc(sizeof(RuleColumn) * model->n_features);
		for (i = 0; i < model->n_features; i++)
			columns[i] = model->categories[i].n > 0 ? RULE_CATEGORY : RULE_NUMBER_OR_NAN;
	}
	InitMaterializedSRF(fcinfo, 0);
	leaves.rows = (ReturnSetInfo *) fcinfo->resultinfo;
	leaves.writer = segment_rule_writer(model, names, columns);
	put_leaves(&leaves, 0);
	return (Datum) 0;
}

/* time_number(timestamp or timestamptz): microseconds since 2000 */
Datum
segment_time_number(PG_FUNCTION_ARGS)
{
	Timestamp	at = PG_GETARG_TIMESTAMP(0);

	PG_RETURN_FLOAT8(TIMESTAMP_IS_NOBEGIN(at) ? -HUGE_VAL
					 : TIMESTAMP_IS_NOEND(at) ? HUGE_VAL : (double) at);
}

/* time_number(date): days since 2000 */
Datum
segment_date_number(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);

	PG_RETURN_FLOAT8(DATE_IS_NOBEGIN(day) ? -HUGE_VAL : DATE_IS_NOEND(day) ? HUGE_VAL : (double) day);
}
