/*
 * regression_train.c: trains linear and logistic regressions from a feature set, one of whose
 * features is the number or label to predict (kernel/predict/regression.c).
 *
 * Rows are worked through in the order of their hash (ordered_rows.c), or of their cluster and their
 * hash, equal ones as one with a number of copies, so that sums depend on the rows alone (law 3).
 */
#include "predict/regression.h"

#include <math.h>

#include "base/arguments.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/memory.h"
#include "feature/labelled_points.h"
#include "kernel/base/cut_points.h"
#include "miscadmin.h"
#include "predict/ordered_rows.h"

PG_FUNCTION_INFO_V1(segment_linear_regression);
PG_FUNCTION_INFO_V1(segment_logistic_regression);

/* The arguments of linear_regression(), by number; those of logistic_regression() go on. */
enum
{
	ARG_FEATURES, ARG_TARGET, ARG_PENALTY, ARG_L1_SHARE, ARG_STANDARDIZE, ARG_BASELINE,
	ARG_INTERCEPT, ARG_ERRORS, ARG_CLUSTER, ARG_POSITIVE, ARG_MAX_ITERATIONS
};

#define LINEAR_ITERATIONS 50
#define CHECK_EVERY 0xFFFF

/* rows that are on their way to the cache while one is placed */
#define ROWS_AHEAD 32

/* A feature set on its way to a regression. */
typedef struct Training
{
	Model	   *model;
	Regression *regression;
	const FeatureSet *set;
	int			target;			/* number of the feature that is predicted */
	int			cluster;		/* of the one that says the clusters; -1: none */
	int		   *column;			/* by feature of the model: its number in the set */
	int32	  **code;			/* by feature of the model: the column of the design by code; NULL: a number */
	OrderedRows rows;			/* those that can be used */
	SegmentRegression fit;
} Training;

/* ---- arguments ---- */

/* The feature that an argument names; `otherwise` where it is NULL. */
static int
column_argument(FunctionCallInfo fcinfo, int arg, const char *argument, const FeatureSet *set, int otherwise)
{
	char	   *name = segment_arg_text(fcinfo, arg);
	int			i;

	if (name == NULL)
		return otherwise;
	for (i = 0; i < set->store.n_columns; i++)
		if (strcmp(segment_feature_set_column_name(set, i), name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the feature set has no feature \"%s\", which %s says", name, argument),
			 errhint("feature_set_info() shows the names of its features.")));
}

static void
find_columns(FunctionCallInfo fcinfo, Training *training)
{
	const FeatureSet *set = training->set;
	Regression *regression = training->regression;

	if (set->store.n_columns < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a regression has a target and at least one other feature, but the feature set has a single one"),
				 errhint("The target is the first feature: feature_set(target, a, b).")));
	training->target = column_argument(fcinfo, ARG_TARGET, "target", set, 0);
	training->cluster = column_argument(fcinfo, ARG_CLUSTER, "cluster", set, -1);
	regression->target = pstrdup(segment_feature_set_column_name(set, training->target));
	if (training->cluster < 0)
		return;
	regression->cluster = pstrdup(segment_feature_set_column_name(set, training->cluster));
	if (training->cluster == training->target)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be both the target and what says the clusters", regression->target)));
	if (set->store.n_columns < 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a regression has a target and at least one other feature, but beside \"%s\", which says the clusters, there is a single one",
						regression->cluster)));
}

static bool
arg_boolean(FunctionCallInfo fcinfo, int arg, const char *name)
{
	segment_refuse_null(fcinfo, arg, name);
	return PG_GETARG_BOOL(arg);
}

static void
read_arguments(FunctionCallInfo fcinfo, Training *training)
{
	Regression *regression = training->regression;
	char	   *errors = segment_arg_text(fcinfo, ARG_ERRORS);
	bool		clustered = !PG_ARGISNULL(ARG_CLUSTER);

	regression->penalty = segment_arg_number(fcinfo, ARG_PENALTY, "penalty", 0);
	regression->l1_share = segment_arg_number(fcinfo, ARG_L1_SHARE, "l1_share", 0);
	if (regression->l1_share > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("l1_share must be from 0 to 1, not %g", regression->l1_share),
				 errhint("0 is ridge, 1 is the lasso.")));
	regression->standardize = arg_boolean(fcinfo, ARG_STANDARDIZE, "standardize");
	regression->has_intercept = arg_boolean(fcinfo, ARG_INTERCEPT, "intercept");
	if (errors != NULL)
		regression->errors = segment_name_in_list(errors, segment_regression_error_names, "errors");
	else
		regression->errors = clustered ? SEGMENT_ERRORS_CR1 : SEGMENT_ERRORS_MODEL;
	if (clustered != (regression->errors == SEGMENT_ERRORS_CR1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 clustered ? errmsg("errors of clusters are \"CR1\", but errors is \"%s\"", errors)
				 : errmsg("errors \"CR1\" are those of clusters, but cluster is not given"),
				 clustered ? errhint("Leave out either, cluster or errors.")
				 : errhint("cluster => names the feature that says which rows belong together.")));
	if (regression->penalty > 0 && regression->errors != SEGMENT_ERRORS_MODEL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("coefficients that are penalised have no standard errors, but errors is \"%s\"",
						segment_regression_error_names[regression->errors]),
				 errhint("A penalty shrinks them on purpose: leave errors and cluster out, or the penalty.")));
	regression->max_iterations = LINEAR_ITERATIONS;
	if (segment_is_logistic(training->model))
		regression->max_iterations = segment_arg_count(fcinfo, ARG_MAX_ITERATIONS, "max_iterations", 1);
}

/* ---- which rows ---- */

static void
order_rows(Training *training)
{
	RowCounts  *counts = &training->model->rows;

	segment_order_rows(&training->rows, training->set, counts);
	if (training->rows.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("a regression is made of rows without missing or infinite values, but there are none"),
				 errdetail(INT64_FORMAT " rows lack a value, or have no weight.", counts->n_skipped)));
}

/* ---- clusters ---- */

/*
 * Rows of a cluster together, clusters by number or name, rows of one in the order of their hash: nothing
 * depends on which was met first.
 */
static void
sort_clusters(Training *training)
{
	const FeatureSet *set = training->set;
	SegmentRegression *fit = &training->fit;
	LabelList  *names = set->columns[training->cluster].categories == NULL ? NULL
		: segment_label_list(set, training->cluster);
	SegmentRowKey *sorted = segment_new_array(training->rows.n, 1, sizeof(SegmentRowKey));
	uint64	   *cluster = segment_new_array(training->rows.n, 1, sizeof(uint64));
	double	   *place = segment_new_array(training->rows.n, 1, sizeof(double));
	uint64	   *room = segment_new_array(training->rows.n, 1, sizeof(uint64));
	double	   *place_room = segment_new_array(training->rows.n, 1, sizeof(double));
	int64		i;

	for (i = 0; i < training->rows.n; i++)
	{
		double		x = segment_ordered_row(&training->rows, i)[training->cluster];

		cluster[i] = names == NULL ? segment_sort_key(x + 0.0) : (uint64) names->number[(int) x];
		place[i] = (double) i;
	}
	CHECK_FOR_INTERRUPTS();
	segment_sort_numbers(cluster, place, room, place_room, training->rows.n);
	CHECK_FOR_INTERRUPTS();
	fit->cluster = segment_new_array(training->rows.n, 1, sizeof(int32));
	fit->n_clusters = 0;
	for (i = 0; i < training->rows.n; i++)
	{
		sorted[i] = training->rows.keys[(int64) place[i]];
		fit->n_clusters += i == 0 || cluster[i] != cluster[i - 1] ? 1 : 0;
		fit->cluster[i] = fit->n_clusters;
	}
	pfree(training->rows.keys);
	pfree(cluster);
	pfree(place);
	pfree(room);
	pfree(place_room);
	training->rows.keys = sorted;
	training->regression->n_clusters = fit->n_clusters;
	if (fit->n_clusters < 2)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("all rows are of one cluster by \"%s\", so nothing says how clusters differ",
						training->regression->cluster),
				 errdetail("Errors of clusters need at least 2, and mean little below some 30."),
				 errhint("Leave out cluster, or name a feature that divides the rows.")));
}

/* ---- the design ---- */

/* Which categories of a column the rows have, by number in the order of their names. */
static void
list_categories(Training *training, int feature, const LabelList *names)
{
	ModelCategories *categories = &training->model->categories[feature];
	bool	   *seen = palloc0(sizeof(bool) * (names->n + 1));
	int			column = training->column[feature];
	int64		i;
	int			c;

	for (i = 0; i < training->rows.n; i++)
	{
		if ((i & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		seen[names->number[(int) segment_ordered_row(&training->rows, i)[column]]] = true;
	}
	categories->name = palloc(sizeof(char *) * (names->n + 1));
	for (c = 0; c < names->n; c++)
		if (seen[c])
			categories->name[categories->n++] = names->text[c];
	pfree(seen);
}

static int
category_by_name(const ModelCategories *categories, const char *name)
{
	int			c;

	for (c = 0; c < categories->n; c++)
		if (strcmp(categories->name[c], name) == 0)
			return c;
	return -1;
}

/* Refuses names in the argument baseline that are no features with categories. */
static void
check_baselines(const Training *training, const JsonPlace *json)
{
	const Model *model = training->model;
	const char **allowed = palloc0(sizeof(char *) * (model->n_features + 1));
	int			n = 0;
	int			i;

	for (i = 0; i < model->n_features; i++)
		if (model->categories[i].n > 0)
			allowed[n++] = model->feature[i];
	segment_json_check_keys(json, allowed);
}

static int
baseline_of(const Training *training, int feature, const JsonPlace *json)
{
	const ModelCategories *categories = &training->model->categories[feature];
	const char *name = training->model->feature[feature];
	JsonPlace	place;
	char	   *category;
	int			number;

	if (json == NULL || !segment_json_has(json, name))
		return 0;
	place = segment_json_member(json, name);
	category = segment_json_string(&place);
	number = category_by_name(categories, category);
	if (number < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no row has the category \"%s\" of \"%s\", which baseline says", category, name)));
	return number;
}

/* Features, their categories and the columns of the design that they have. */
static void
describe_features(Training *training, Jsonb *baseline)
{
	Model	   *model = training->model;
	const FeatureSet *set = training->set;
	SegmentRegression *fit = &training->fit;
	JsonPlace	json;
	LabelList **names;
	int			i;
	int			c;

	model->n_features = set->store.n_columns - 1 - (training->cluster >= 0 ? 1 : 0);
	model->feature = palloc(sizeof(char *) * model->n_features);
	model->categories = palloc0(sizeof(ModelCategories) * model->n_features);
	training->column = palloc(sizeof(int) * model->n_features);
	training->code = palloc0(sizeof(int32 *) * model->n_features);
	training->regression->feature = palloc0(sizeof(RegressionFeature) * model->n_features);
	names = palloc0(sizeof(LabelList *) * model->n_features);
	for (i = 0; i < model->n_features; i++)
	{
		int			column = i == 0 ? 0 : training->column[i - 1] + 1;

		while (column == training->target || column == training->cluster)
			column++;
		training->column[i] = column;
		model->feature[i] = pstrdup(segment_feature_set_column_name(set, column));
		if (set->columns[column].categories == NULL)
		{
			fit->n_numbers++;
			continue;
		}
		names[i] = segment_label_list(set, column);
		list_categories(training, i, names[i]);
		fit->n_codes++;
	}
	if (baseline != NULL)
	{
		json = segment_json_root(baseline, "baseline");
		check_baselines(training, &json);
	}
	fit->n_columns = fit->n_numbers + (fit->intercept ? 1 : 0);
	for (i = 0; i < model->n_features; i++)
	{
		RegressionFeature *feature = &training->regression->feature[i];
		int32	   *code;

		feature->term = palloc0(sizeof(RegressionTerm) * Max(model->categories[i].n, 1));
		if (names[i] == NULL)
			continue;
		feature->baseline = baseline_of(training, i, baseline == NULL ? NULL : &json);
		code = palloc(sizeof(int32) * names[i]->n);
		for (c = 0; c < names[i]->n; c++)
			code[c] = -1;
		training->code[i] = code;
		if (fit->n_columns + (int64) model->categories[i].n > SEGMENT_REGRESSION_MOST_COLUMNS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a regression has at most %d coefficients, but \"%s\" has %d categories",
							SEGMENT_REGRESSION_MOST_COLUMNS, model->feature[i], model->categories[i].n),
					 errhint("Collect rare categories as one.")));
		for (c = 0; c < names[i]->n; c++)
		{
			int			number = category_by_name(&model->categories[i], names[i]->text[c]);

			if (number < 0 || number == feature->baseline)
				continue;
			/* labels are numbered by name, rows by what was met first */
			code[c] = fit->n_columns++;
		}
	}
	for (i = 0; i < model->n_features; i++)
		if (names[i] != NULL)
		{
			int32	   *by_code = palloc(sizeof(int32) * (names[i]->n + 1));

			for (c = 0; c < names[i]->n; c++)
				by_code[c] = training->code[i][names[i]->number[c]];
			training->code[i] = by_code;
		}
	if (fit->n_columns > SEGMENT_REGRESSION_MOST_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a regression has at most %d coefficients, not %d", SEGMENT_REGRESSION_MOST_COLUMNS,
						fit->n_columns)));
}

/* The labels of logistic regression: which codes are the positive one; NULL: numbers 0 and 1. */
static bool *
positive_labels(FunctionCallInfo fcinfo, Training *training)
{
	const FeatureSet *set = training->set;
	char	   *positive = segment_arg_text(fcinfo, ARG_POSITIVE);
	const char *name = segment_feature_set_column_name(set, training->target);
	LabelList  *labels;
	bool	   *seen;
	bool	   *is_positive;
	int			n = 0;
	int			last = -1;
	int64		i;
	int			c;

	if (set->columns[training->target].categories == NULL)
	{
		if (positive != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("positive is \"%s\", but the target \"%s\" is a number, whose 1 is positive", positive, name)));
		return NULL;
	}
	labels = segment_label_list(set, training->target);
	seen = palloc0(sizeof(bool) * (labels->n + 1));
	is_positive = palloc0(sizeof(bool) * (labels->n + 1));
	for (i = 0; i < training->rows.n; i++)
	{
		if ((i & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		seen[labels->number[(int) segment_ordered_row(&training->rows, i)[training->target]]] = true;
	}
	for (c = 0; c < labels->n; c++)
		if (seen[c])
		{
			n++;
			if (positive == NULL || strcmp(labels->text[c], positive) == 0)
				last = c;
		}
	if (positive == NULL && n > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target \"%s\" has %d labels, expected two", name, n),
				 errhint("positive => says which one is told from all others.")));
	if (last < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no row has the label \"%s\" of \"%s\", which positive says", positive, name)));
	training->regression->positive = pstrdup(labels->text[last]);
	for (c = 0; c < labels->n; c++)
		is_positive[c] = labels->number[c] == last;
	return is_positive;
}

static double
label_of(const Training *training, const bool *is_positive, double value)
{
	if (!segment_is_logistic(training->model))
		return value;
	if (is_positive != NULL)
		return is_positive[(int) value] ? 1 : 0;
	if (value != 0 && value != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target \"%s\" must be 0 or 1, not %s",
						segment_feature_set_column_name(training->set, training->target),
						segment_number_text(value)),
				 errhint("A condition makes it so: (amount > 0)::integer.")));
	return value;
}

/* The rows as the kernel has them, equal ones as one. */
static void
place_rows(Training *training, const bool *is_positive)
{
	const Model *model = training->model;
	const OrderedRows *rows = &training->rows;
	const SegmentRowStore *store = &rows->set->store;
	SegmentRegression *fit = &training->fit;
	bool		repeats = store->copies != NULL;
	int64		i;

	/* whether rows repeat depends on their content, not on how they are held */
	for (i = 1; i < rows->n && !repeats; i++)
		repeats = rows->keys[i].hash == rows->keys[i - 1].hash;
	fit->stride = segment_regression_stride(fit->n_numbers, fit->intercept);
	fit->x = segment_new_array(rows->n, fit->stride, sizeof(double));
	fit->code = segment_new_array(rows->n, fit->n_codes, sizeof(int32));
	fit->y = segment_new_array(rows->n, 1, sizeof(double));
	if (store->weighted)
		fit->weight = segment_new_array(rows->n, 1, sizeof(double));
	if (repeats)
		fit->copies = segment_new_array(rows->n, 1, sizeof(double));
	for (i = 0; i < rows->n; i++)
	{
		const double *row = segment_ordered_row(rows, i);
		int64		copies = segment_row_copies(store, rows->keys[i].row);
		double	   *x = fit->x + fit->n * fit->stride + (fit->intercept ? 1 : 0);
		int32	   *code = fit->code + fit->n * fit->n_codes;
		int			f;

		if ((i & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		segment_ordered_row_prefetch(rows, i + ROWS_AHEAD);
		if (i > 0 && segment_ordered_row_repeats(rows, i))
		{
			fit->copies[fit->n - 1] += (double) copies;
			continue;
		}
		for (f = 0; f < model->n_features; f++)
			if (training->code[f] == NULL)
				*x++ = row[training->column[f]];
			else
				*code++ = training->code[f][(int) row[training->column[f]]];
		fit->y[fit->n] = label_of(training, is_positive, row[training->target]);
		if (fit->cluster != NULL)
			fit->cluster[fit->n] = fit->cluster[i];
		if (fit->weight != NULL)
			fit->weight[fit->n] = segment_row_weight(store, row);
		if (fit->copies != NULL)
			fit->copies[fit->n] = (double) copies;
		fit->n++;
	}
}

static void
check_labels(const Training *training)
{
	const SegmentRegression *fit = &training->fit;
	const char *name = segment_feature_set_column_name(training->set, training->target);
	int64		i;

	if (!segment_is_logistic(training->model))
		return;
	for (i = 1; i < fit->n && fit->y[i] == fit->y[0]; i++)
		;
	if (i < fit->n)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA),
			 errmsg("all rows have the same label \"%s\", so there is nothing to tell apart", name),
			 errdetail("The label is %s in all " INT64_FORMAT " rows that can be used.",
					   fit->y[0] > 0 ? "positive" : "not positive", training->model->rows.n_used)));
}

/* ---- what became of it ---- */

/* What a column of the design is called. */
static char *
column_name(const Training *training, int column)
{
	const Model *model = training->model;
	int			number = training->fit.intercept ? 1 : 0;
	int			f;
	int			c;

	if (column < number)
		return pstrdup("the intercept");
	for (f = 0; f < model->n_features; f++)
		if (training->code[f] == NULL && number++ == column)
			return psprintf("\"%s\"", model->feature[f]);
	for (f = 0; f < model->n_features; f++)
		for (c = 0; c < model->categories[f].n; c++)
			if (c != training->regression->feature[f].baseline && number++ == column)
				return psprintf("\"%s\" = '%s'", model->feature[f], model->categories[f].name[c]);
	return pstrdup("");
}

pg_noreturn static void
tell_separated(const Training *training)
{
	const SegmentRegression *fit = &training->fit;
	int			most = fit->intercept && fit->n_columns > 1 ? 1 : 0;
	int			j;

	for (j = most + 1; j < fit->n_columns; j++)
		if (fabs(fit->direction[j]) > fabs(fit->direction[most]))
			most = j;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("the features tell the labels of \"%s\" apart without error, so there are no finite coefficients",
					training->regression->target),
			 errdetail("So it is with some rows at least; %s has the largest part in it.",
					   column_name(training, most)),
			 errhint("Leave out what is known only after the outcome, join rare categories, or set a penalty, as in penalty => 0.001.")));
}

static void
tell_left_out(const Training *training)
{
	const SegmentRegression *fit = &training->fit;
	StringInfoData names;
	int			n = 0;
	int			j;

	initStringInfo(&names);
	for (j = 0; j < fit->n_columns; j++)
		if (isnan(fit->coefficient[j]))
		{
			n++;
			if (n <= 10)
				appendStringInfo(&names, "%s%s", n > 1 ? ", " : "", column_name(training, j));
		}
	if (n > 10)
		appendStringInfo(&names, " and %d more", n - 10);
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("%d coefficient is left out, as its column follows from others or is constant",
							   "%d coefficients are left out, as their columns follow from others or are constant",
							   (unsigned long) n, n),
				 errdetail("These are %s.", names.data)));
}

static void
run(Training *training)
{
	SegmentRegression *fit = &training->fit;

	fit->coefficient = palloc0(sizeof(double) * Max(fit->n_columns, 1));
	fit->error = palloc0(sizeof(double) * Max(fit->n_columns, 1));
	fit->direction = palloc0(sizeof(double) * Max(fit->n_columns, 1));
	switch (segment_regression_fit(fit, segment_memory(CurrentMemoryContext), segment_check_interrupts))
	{
		case SEGMENT_REGRESSION_DONE:
		case SEGMENT_REGRESSION_INTERRUPTED:
			break;
		case SEGMENT_REGRESSION_SEPARATED:
			tell_separated(training);
			break;
		case SEGMENT_REGRESSION_NOT_CONVERGED:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("the regression did not converge in %d steps", fit->iterations),
					 errhint("A penalty, as in penalty => 0.001, helps where features nearly tell the labels apart or follow from each other.")));
			break;
		case SEGMENT_REGRESSION_NOT_FINITE:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("numbers of the regression are beyond double precision"),
					 errhint("Collect features in larger units.")));
	}
	tell_left_out(training);
	if (fit->penalty == 0 && fit->rows <= fit->rank)
		ereport(NOTICE,
				(errmsg("there are no more rows than coefficients, so there are no standard errors"),
				 errdetail("%.0f rows, %d coefficients.", fit->rows, fit->rank)));
}

static RegressionTerm
term(const SegmentRegression *fit, int column)
{
	/* no negative zero, which JSON does not keep */
	RegressionTerm result = {fit->coefficient[column] + 0.0, fit->error[column] + 0.0};

	return result;
}

/* Coefficients from the columns of the design to the features they are of. */
static void
store_terms(Training *training)
{
	const Model *model = training->model;
	const SegmentRegression *fit = &training->fit;
	Regression *regression = training->regression;
	int			number = 0;
	int			f;
	int			c;

	if (fit->intercept)
		regression->intercept = term(fit, number++);
	for (f = 0; f < model->n_features; f++)
		if (training->code[f] == NULL)
			regression->feature[f].term[0] = term(fit, number++);
	for (f = 0; f < model->n_features; f++)
		for (c = 0; c < model->categories[f].n; c++)
			if (c != regression->feature[f].baseline)
				regression->feature[f].term[c] = term(fit, number++);
			else
				regression->feature[f].term[c].error = NAN;
	regression->deviance = fit->deviance + 0.0;
	regression->null_deviance = fit->null_deviance + 0.0;
	regression->rank = fit->rank;
	regression->iterations = fit->iterations;
}

static Datum
train(FunctionCallInfo fcinfo, const ModelKind *kind)
{
	Training	training = {0};
	SegmentRegression *fit = &training.fit;
	Regression *regression;
	bool	   *is_positive = NULL;

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	training.model = segment_model_new(kind);
	training.regression = regression = palloc0(sizeof(Regression));
	training.model->detail = regression;
	read_arguments(fcinfo, &training);
	training.set = PG_GETARG_FEATURE_SET(ARG_FEATURES);
	segment_feature_set_check_names(training.set);
	find_columns(fcinfo, &training);
	regression->weighted = training.set->store.weighted;
	if (kind == &segment_linear_regression_kind && training.set->columns[training.target].categories != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the target \"%s\" is a category, expected a number", regression->target),
				 errhint("logistic_regression() tells two labels apart.")));
	order_rows(&training);
	if (training.cluster >= 0)
		sort_clusters(&training);
	fit->family = kind == &segment_linear_regression_kind ? SEGMENT_LINEAR : SEGMENT_LOGISTIC;
	fit->intercept = regression->has_intercept;
	fit->penalty = regression->penalty;
	fit->l1_share = regression->l1_share;
	fit->standardize = regression->standardize;
	fit->errors = regression->errors;
	fit->max_iterations = regression->max_iterations;
	describe_features(&training, PG_ARGISNULL(ARG_BASELINE) ? NULL : PG_GETARG_JSONB_P(ARG_BASELINE));
	if (fit->family == SEGMENT_LOGISTIC)
		is_positive = positive_labels(fcinfo, &training);
	place_rows(&training, is_positive);
	check_labels(&training);
	segment_tell_sampled(training.set);
	segment_tell_skipped(training.model->rows.n_skipped, training.model->rows.n_used);
	run(&training);
	store_terms(&training);
	PG_RETURN_MODEL(training.model);
}

Datum
segment_linear_regression(PG_FUNCTION_ARGS)
{
	return train(fcinfo, &segment_linear_regression_kind);
}

Datum
segment_logistic_regression(PG_FUNCTION_ARGS)
{
	return train(fcinfo, &segment_logistic_regression_kind);
}
