/*
 * regression_kind.c: models that are linear or logistic regressions: they predict a number, or
 * the probability of a label.
 *
 * Members of the JSON beside the common ones:
 *
 *	 target		name of the feature that is predicted
 *	 positive	of logistic regression: the label whose probability it is; null: the number 1
 *	 weighted, penalty, l1_share, standardize, errors, max_iterations	of the training
 *	 cluster, clusters	of errors CR1: name of the feature that says the clusters; how many there were
 *	 deviance, null_deviance, rank, iterations	of what came out
 *	 intercept: {coefficient, error}, or null
 *	 features: [{name, coefficient, error} of a number; of categories
 *			{name, baseline, categories (in the order of their bytes), coefficients, errors}]
 *
 * A coefficient is null where the column was left out, as it follows from others; an error is
 * null where there is none.
 */
#include "predict/regression.h"

#include <float.h>
#include <math.h>

#include "base/json_write.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "kernel/base/beta.h"
#include "kernel/base/elementary.h"
#include "kernel/base/row_store.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_regression_coefficients);

const char *const segment_regression_error_names[] = {"model", "HC0", "HC1", "HC2", "HC3", "CR1", NULL};

/* ---- reading ---- */

static double
read_number_or_null(const JsonPlace *json, const char *key, double least)
{
	JsonPlace	place = segment_json_member(json, key);

	return segment_json_is_null(&place) ? segment_missing_value()
		: segment_json_number(&place, least, HUGE_VAL);
}

static RegressionTerm
read_term(const JsonPlace *json)
{
	RegressionTerm term;

	term.coefficient = read_number_or_null(json, "coefficient", -HUGE_VAL);
	term.error = read_number_or_null(json, "error", 0);
	if (isinf(term.coefficient) || isinf(term.error))
		segment_json_error(json, "a coefficient or its error is not finite");
	return term;
}

static double
element_or_null(const JsonPlace *place, double least)
{
	double		x;

	if (segment_json_is_null(place))
		return segment_missing_value();
	x = segment_json_number(place, least, HUGE_VAL);
	if (isinf(x))
		segment_json_error(place, "is not finite");
	return x;
}

static void
read_categories(Model *model, int number, RegressionFeature *feature, const JsonPlace *json)
{
	static const char *const keys[] = {"name", "baseline", "categories", "coefficients", "errors", NULL};
	ModelCategories *categories = &model->categories[number];
	JsonPlace	place = segment_json_member(json, "categories");
	JsonPlace  *elements = segment_json_elements(&place, &categories->n);
	int			n;
	int			i;

	segment_json_check_keys(json, keys);
	if (categories->n < 1)
		segment_json_error(&place, "there are no categories");
	categories->name = palloc(sizeof(char *) * categories->n);
	feature->term = palloc(sizeof(RegressionTerm) * categories->n);
	for (i = 0; i < categories->n; i++)
	{
		categories->name[i] = segment_json_string(&elements[i]);
		if (i > 0 && strcmp(categories->name[i - 1], categories->name[i]) >= 0)
			segment_json_error(&place, "the categories do not ascend");
	}
	place = segment_json_member(json, "baseline");
	feature->baseline = segment_json_one_of(&place, categories->name, categories->n,
											"category of the feature");
	place = segment_json_member(json, "coefficients");
	elements = segment_json_elements(&place, &n);
	if (n != categories->n)
		segment_json_error(&place, psprintf("expected %d coefficients, got %d", categories->n, n));
	for (i = 0; i < n; i++)
		feature->term[i].coefficient = element_or_null(&elements[i], -HUGE_VAL);
	if (feature->term[feature->baseline].coefficient != 0)
		segment_json_error(&place, "the coefficient of the baseline is not 0");
	place = segment_json_member(json, "errors");
	elements = segment_json_elements(&place, &n);
	if (n != categories->n)
		segment_json_error(&place, psprintf("expected %d errors, got %d", categories->n, n));
	for (i = 0; i < n; i++)
		feature->term[i].error = element_or_null(&elements[i], 0);
}

static void
read_feature(Model *model, int number, const JsonPlace *json)
{
	static const char *const keys[] = {"name", "coefficient", "error", NULL};
	RegressionFeature *feature = &((Regression *) model->detail)->feature[number];
	JsonPlace	place = segment_json_member(json, "name");

	model->feature[number] = segment_json_string(&place);
	if (segment_json_has(json, "categories"))
	{
		read_categories(model, number, feature, json);
		return;
	}
	segment_json_check_keys(json, keys);
	feature->term = palloc(sizeof(RegressionTerm));
	feature->term[0] = read_term(json);
}

/* A feature is found by its name, and none is what it helps to predict. */
static void
check_name(const Model *model, int number, const JsonPlace *json)
{
	const char *name = model->feature[number];
	int			i;

	if (strcmp(name, ((const Regression *) model->detail)->target) == 0)
		segment_json_error(json, psprintf("the target \"%s\" is a feature, too", name));
	for (i = 0; i < number; i++)
		if (strcmp(name, model->feature[i]) == 0)
			segment_json_error(json, psprintf("two features are named \"%s\"", name));
}

/* How many terms can have a coefficient. */
static int
count_terms(const Model *model)
{
	const Regression *regression = model->detail;
	int			n = regression->has_intercept ? 1 : 0;
	int			f;

	for (f = 0; f < model->n_features; f++)
		n += model->categories[f].n > 0 ? model->categories[f].n - 1 : 1;
	return n;
}

static void
read_training(Model *model, Regression *regression, const JsonPlace *json)
{
	JsonPlace	place = segment_json_member(json, "target");
	char	   *errors;
	int			i;

	regression->target = segment_json_string(&place);
	if (segment_is_logistic(model))
	{
		place = segment_json_member(json, "positive");
		if (!segment_json_is_null(&place))
			regression->positive = segment_json_string(&place);
	}
	place = segment_json_member(json, "weighted");
	regression->weighted = segment_json_boolean(&place);
	regression->penalty = segment_json_member_number(json, "penalty", 0, DBL_MAX);
	regression->l1_share = segment_json_member_number(json, "l1_share", 0, 1);
	place = segment_json_member(json, "standardize");
	regression->standardize = segment_json_boolean(&place);
	place = segment_json_member(json, "errors");
	errors = segment_json_string(&place);
	for (i = 0; segment_regression_error_names[i] != NULL; i++)
		if (strcmp(segment_regression_error_names[i], errors) == 0)
			break;
	if (segment_regression_error_names[i] == NULL)
		segment_json_error(&place, psprintf("\"%s\" is no way to standard errors", errors));
	regression->errors = i;
	if (i == SEGMENT_ERRORS_CR1)
	{
		place = segment_json_member(json, "cluster");
		regression->cluster = segment_json_string(&place);
		place = segment_json_member(json, "clusters");
		regression->n_clusters = (int) segment_json_integer(&place, 2, PG_INT32_MAX);
	}
	else if (segment_json_has(json, "cluster") || segment_json_has(json, "clusters"))
		segment_json_error(json, "there are clusters, but errors is not \"CR1\"");
	place = segment_json_member(json, "max_iterations");
	regression->max_iterations = (int) segment_json_integer(&place, 1, PG_INT32_MAX);
	regression->deviance = segment_json_member_number(json, "deviance", 0, DBL_MAX);
	regression->null_deviance = segment_json_member_number(json, "null_deviance", 0, DBL_MAX);
	place = segment_json_member(json, "iterations");
	regression->iterations = (int) segment_json_integer(&place, 1, regression->max_iterations);
}

static void
regression_read(Model *model, const JsonPlace *json)
{
	static const char *const keys[] = {"coefficient", "error", NULL};
	Regression *regression = palloc0(sizeof(Regression));
	JsonPlace	place;
	JsonPlace  *elements;
	int			i;

	model->detail = regression;
	read_training(model, regression, json);
	place = segment_json_member(json, "intercept");
	regression->has_intercept = !segment_json_is_null(&place);
	if (regression->has_intercept)
	{
		segment_json_check_keys(&place, keys);
		regression->intercept = read_term(&place);
	}
	place = segment_json_member(json, "features");
	elements = segment_json_elements(&place, &model->n_features);
	if (model->n_features < 1 || model->n_features > SEGMENT_REGRESSION_MOST_COLUMNS)
		segment_json_error(&place, psprintf("expected 1 to %d features, got %d",
											SEGMENT_REGRESSION_MOST_COLUMNS, model->n_features));
	model->feature = palloc(sizeof(char *) * model->n_features);
	model->categories = palloc0(sizeof(ModelCategories) * model->n_features);
	regression->feature = palloc0(sizeof(RegressionFeature) * model->n_features);
	for (i = 0; i < model->n_features; i++)
	{
		read_feature(model, i, &elements[i]);
		check_name(model, i, &elements[i]);
	}
	place = segment_json_member(json, "rank");
	regression->rank = (int) segment_json_integer(&place, 0, count_terms(model));
}

/* ---- writing ---- */

static void
write_term(const RegressionTerm *term, StringInfo out)
{
	appendStringInfoString(out, "\"coefficient\": ");
	segment_json_put_number_or_null(out, term->coefficient);
	appendStringInfoString(out, ", \"error\": ");
	segment_json_put_number_or_null(out, term->error);
	appendStringInfoChar(out, '}');
}

static void
write_categories(const ModelCategories *categories, const RegressionFeature *feature, StringInfo out)
{
	int			i;

	appendStringInfoString(out, "\"baseline\": ");
	segment_json_put_string(out, categories->name[feature->baseline]);
	for (i = 0; i < categories->n; i++)
	{
		appendStringInfoString(out, i == 0 ? ", \"categories\": [" : ", ");
		segment_json_put_string(out, categories->name[i]);
	}
	for (i = 0; i < categories->n; i++)
	{
		appendStringInfoString(out, i == 0 ? "], \"coefficients\": [" : ", ");
		segment_json_put_number_or_null(out, feature->term[i].coefficient);
	}
	for (i = 0; i < categories->n; i++)
	{
		appendStringInfoString(out, i == 0 ? "], \"errors\": [" : ", ");
		segment_json_put_number_or_null(out, feature->term[i].error);
	}
	appendStringInfoString(out, "]}");
}

static void
regression_write(const Model *model, StringInfo out)
{
	const Regression *regression = model->detail;
	int			i;

	appendStringInfoString(out, ", \"target\": ");
	segment_json_put_string(out, regression->target);
	if (segment_is_logistic(model))
	{
		appendStringInfoString(out, ", \"positive\": ");
		if (regression->positive == NULL)
			appendStringInfoString(out, "null");
		else
			segment_json_put_string(out, regression->positive);
	}
	appendStringInfo(out, ", \"weighted\": %s, \"penalty\": ", regression->weighted ? "true" : "false");
	segment_json_put_number(out, regression->penalty);
	appendStringInfoString(out, ", \"l1_share\": ");
	segment_json_put_number(out, regression->l1_share);
	appendStringInfo(out, ", \"standardize\": %s, \"errors\": \"%s\"", regression->standardize ? "true" : "false",
					 segment_regression_error_names[regression->errors]);
	if (regression->cluster != NULL)
	{
		appendStringInfoString(out, ", \"cluster\": ");
		segment_json_put_string(out, regression->cluster);
		appendStringInfo(out, ", \"clusters\": %d", regression->n_clusters);
	}
	appendStringInfo(out, ", \"max_iterations\": %d, \"deviance\": ", regression->max_iterations);
	segment_json_put_number(out, regression->deviance);
	appendStringInfoString(out, ", \"null_deviance\": ");
	segment_json_put_number(out, regression->null_deviance);
	appendStringInfo(out, ", \"rank\": %d, \"iterations\": %d, \"intercept\": ", regression->rank,
					 regression->iterations);
	if (regression->has_intercept)
	{
		appendStringInfoChar(out, '{');
		write_term(&regression->intercept, out);
	}
	else
		appendStringInfoString(out, "null");
	appendStringInfoString(out, ", \"features\": [");
	for (i = 0; i < model->n_features; i++)
	{
		appendStringInfo(out, "%s{\"name\": ", i > 0 ? ", " : "");
		segment_json_put_string(out, model->feature[i]);
		appendStringInfoString(out, ", ");
		if (model->categories[i].n > 0)
			write_categories(&model->categories[i], &regression->feature[i], out);
		else
			write_term(&regression->feature[i].term[0], out);
	}
	appendStringInfoChar(out, ']');
}

/* ---- predicting ---- */

static inline double
known(double coefficient)
{
	return segment_is_missing(coefficient) ? 0 : coefficient;
}

/* NaN where a feature is missing or a category unknown. */
static double
linear_predict(const Model *model, const double *features)
{
	const Regression *regression = model->detail;
	double		sum = regression->has_intercept ? known(regression->intercept.coefficient) : 0;
	int			i;

	for (i = 0; i < model->n_features; i++)
	{
		double		x = features[i];

		if (segment_is_missing(x) || (model->categories[i].n > 0 && x < 0))
			return segment_missing_value();
		if (model->categories[i].n > 0)
			sum += known(regression->feature[i].term[(int) x].coefficient);
		else if (known(regression->feature[i].term[0].coefficient) != 0)
			sum += regression->feature[i].term[0].coefficient * x;
	}
	return segment_is_missing(sum) ? segment_missing_value() : sum;
}

static double
logistic_predict(const Model *model, const double *features)
{
	double		eta = linear_predict(model, features);
	double		e = segment_exp(-fabs(eta));

	return eta < 0 ? e / (1 + e) : 1 / (1 + e);
}

/* ---- figures ---- */

static double
degrees_of_freedom(const Model *model)
{
	return (double) (model->rows.n_used - ((const Regression *) model->detail)->rank);
}

static void
regression_metrics(const Model *model, StringInfo out)
{
	const Regression *regression = model->detail;
	double		explained = regression->null_deviance > 0
		? 1 - regression->deviance / regression->null_deviance : NAN;
	double		df = degrees_of_freedom(model);

	appendStringInfoString(out, ", \"target\": ");
	segment_json_put_string(out, regression->target);
	appendStringInfoString(out, ", \"deviance\": ");
	segment_json_put_number(out, regression->deviance);
	appendStringInfoString(out, ", \"null_deviance\": ");
	segment_json_put_number(out, regression->null_deviance);
	appendStringInfo(out, ", \"%s\": ", segment_is_logistic(model) ? "mcfadden" : "r_squared");
	segment_json_put_number_or_null(out, explained);
	if (segment_is_logistic(model))
	{
		appendStringInfoString(out, ", \"log_likelihood\": ");
		segment_json_put_number(out, -regression->deviance / 2);
		appendStringInfoString(out, ", \"aic\": ");
		segment_json_put_number(out, regression->deviance + 2 * regression->rank);
	}
	else
	{
		appendStringInfoString(out, ", \"residual_error\": ");
		segment_json_put_number_or_null(out, df > 0 ? sqrt(regression->deviance / df) : NAN);
	}
	appendStringInfo(out, ", \"rank\": %d, \"iterations\": %d", regression->rank, regression->iterations);
	if (regression->cluster != NULL)
		appendStringInfo(out, ", \"clusters\": %d", regression->n_clusters);
}

/* ---- coefficients as rows ---- */

typedef struct CoefficientRows
{
	ReturnSetInfo *rsinfo;
	double		confidence;
	double		df;				/* of Student's t; 0: normal */
	double		width;			/* of the interval, in errors */
} CoefficientRows;

static void
put_term(const CoefficientRows *rows, const char *feature, const char *category, bool baseline,
		 const RegressionTerm *term)
{
	double		statistic = term->coefficient / term->error;
	double		x[6];
	Datum		values[9];
	bool		nulls[9] = {false};
	int			i;

	x[0] = term->coefficient;
	x[1] = term->error;
	x[2] = term->error > 0 ? statistic : NAN;
	x[3] = !(term->error > 0) ? NAN : rows->df > 0 ? segment_student_p(statistic, rows->df)
		: segment_normal_p(statistic);
	x[4] = term->coefficient - rows->width * term->error;
	x[5] = term->coefficient + rows->width * term->error;
	nulls[0] = feature == NULL;
	values[0] = feature == NULL ? (Datum) 0 : CStringGetTextDatum(feature);
	nulls[1] = category == NULL;
	values[1] = category == NULL ? (Datum) 0 : CStringGetTextDatum(category);
	values[2] = BoolGetDatum(baseline);
	for (i = 0; i < 6; i++)
	{
		nulls[i + 3] = isnan(x[i]);
		values[i + 3] = Float8GetDatum(x[i]);
	}
	tuplestore_putvalues(rows->rsinfo->setResult, rows->rsinfo->setDesc, values, nulls);
}

Datum
segment_regression_coefficients(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	const Regression *regression = model->detail;
	CoefficientRows rows;
	int			f;
	int			c;

	rows.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	rows.confidence = PG_GETARG_FLOAT8(1);
	if (!segment_is_logistic(model) && model->kind != &segment_linear_regression_kind)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" has no coefficients", model->kind->name),
				 errhint("Models by linear_regression() and logistic_regression() have them.")));
	if (!(rows.confidence > 0 && rows.confidence < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence must lie between 0 and 1, not %g", rows.confidence),
				 errhint("0.95 gives intervals that hold the coefficient 95 times in 100.")));
	rows.df = segment_is_logistic(model) ? 0 : regression->cluster != NULL ? regression->n_clusters - 1
		: degrees_of_freedom(model);
	rows.width = rows.df > 0 ? segment_student_width(rows.confidence, rows.df)
		: segment_normal_width(rows.confidence);
	InitMaterializedSRF(fcinfo, 0);
	if (regression->has_intercept)
		put_term(&rows, NULL, NULL, false, &regression->intercept);
	for (f = 0; f < model->n_features; f++)
	{
		if (model->categories[f].n == 0)
			put_term(&rows, model->feature[f], NULL, false, &regression->feature[f].term[0]);
		for (c = 0; c < model->categories[f].n; c++)
			put_term(&rows, model->feature[f], model->categories[f].name[c],
					 c == regression->feature[f].baseline, &regression->feature[f].term[c]);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

/* ---- the kinds ---- */

static const char *const linear_keys[] = {
	"target", "weighted", "penalty", "l1_share", "standardize", "errors", "cluster", "clusters", "max_iterations",
	"deviance", "null_deviance", "rank", "iterations", "intercept", "features", NULL
};

static const char *const logistic_keys[] = {
	"target", "positive", "weighted", "penalty", "l1_share", "standardize", "errors", "cluster", "clusters",
	"max_iterations", "deviance", "null_deviance", "rank", "iterations", "intercept", "features", NULL
};

const ModelKind segment_linear_regression_kind = {
	.name = "linear_regression",
	.read = regression_read,
	.write = regression_write,
	.keys = linear_keys,
	.metrics = regression_metrics,
	.predict = linear_predict,
	.pmml = segment_regression_pmml
};

const ModelKind segment_logistic_regression_kind = {
	.name = "logistic_regression",
	.read = regression_read,
	.write = regression_write,
	.keys = logistic_keys,
	.metrics = regression_metrics,
	.predict = logistic_predict,
	.pmml = segment_regression_pmml
};
