/*
 * buying_kind.c: models of how customers buy and what they spend: their JSON, predicting.
 *
 * Members of the JSON beside the common ones:
 *
 *	 parameters, standard_errors: {name: number}; an error is null where the rows do not
 *			   determine the parameter
 *	 log_likelihood, steps, converged	of the training
 *	 horizon	of what predict() tells; null for gamma_gamma
 */
#include "predict/value_model.h"

#include <math.h>

#include "base/arguments.h"
#include "base/json_write.h"
#include "base/memory.h"
#include "kernel/base/row_store.h"

static const char *const parameter_names[BUYING_KINDS][SEGMENT_MAX_PARAMETERS + 1] = {
	{"r", "alpha", "a", "b", NULL}, {"r", "alpha", "a", "b", NULL},
	{"r", "alpha", "s", "beta", NULL}, {"alpha", "beta", "gamma", "delta", NULL},
	{"p", "q", "gamma", NULL, NULL}
};

static const char *const history_names[] = {"x", "t_x", "t"};
static const char *const spending_names[] = {"x", "mean_value"};

/* The features that such a model is trained on, and given. */
const char *const *
segment_buying_feature_names(SegmentBuyingModel model, int *n)
{
	bool		spending = model == SEGMENT_GAMMA_GAMMA;

	*n = spending ? lengthof(spending_names) : lengthof(history_names);
	return spending ? spending_names : history_names;
}

/* A fit of that model, not filled. */
void
segment_buying_init(BuyingModel *buying, SegmentBuyingModel model)
{
	buying->model = model;
	for (buying->n = 0; parameter_names[model][buying->n] != NULL;)
		buying->n++;
}

/* The detail of a model of one of these kinds, not filled; sets its features. */
BuyingModel *
segment_buying_new(Model *model)
{
	BuyingModel *buying = palloc0(sizeof(BuyingModel));
	const char *const *names;
	int			i;

	segment_buying_init(buying, (SegmentBuyingModel) (model->kind - segment_buying_kinds));
	names = segment_buying_feature_names(buying->model, &model->n_features);
	model->feature = palloc(sizeof(char *) * model->n_features);
	for (i = 0; i < model->n_features; i++)
		model->feature[i] = pstrdup(names[i]);
	model->detail = buying;
	return buying;
}

/* An error for models of other kinds, and of spending; of customers' value: its model of buying. */
const BuyingModel *
segment_buying_of(const Model *model)
{
	if (model->kind == &segment_value_kind)
		return &((const ValueModel *) model->detail)->buying;
	if (model->kind < segment_buying_kinds || model->kind >= segment_buying_kinds + SEGMENT_GAMMA_GAMMA)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("expected a model of buying, got one of kind \"%s\"", model->kind->name),
				 errhint("Such models are made by bgnbd(), mbgnbd(), pareto_nbd() and bgbb().")));
	return model->detail;
}

/*
 * How large a parameter may be; how small, its reciprocal says.  Those in a unit of time or money
 * depend on it, and of no sensible one go beyond; the others train up to 1e5.
 */
double
segment_buying_most_parameter(SegmentBuyingModel model, int number)
{
	switch (model)
	{
		case SEGMENT_BGNBD:
		case SEGMENT_MBGNBD:
			return number == 1 ? 1e30 : 1e6;
		case SEGMENT_PARETO_NBD:
			return number % 2 == 1 ? 1e30 : 1e6;
		case SEGMENT_GAMMA_GAMMA:
			return number == 2 ? 1e30 : 1e6;
		case SEGMENT_BGBB:
			break;
	}
	return 1e6;
}

/* How far a model looks ahead, in its unit of time; BG/BB: opportunities. */
double
segment_buying_most_horizon(SegmentBuyingModel model)
{
	return model == SEGMENT_BGBB ? SEGMENT_MOST_OPPORTUNITIES : 1e9;
}

/* The argument horizon of a function that is about such a model. */
double
segment_buying_arg_horizon(FunctionCallInfo fcinfo, int arg, SegmentBuyingModel model)
{
	double		horizon = segment_arg_number(fcinfo, arg, "horizon", 0);

	if (model == SEGMENT_BGBB && horizon != floor(horizon))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon must be a whole number of opportunities, not %g", horizon),
				 errhint("A model by bgbb() knows no time between them.")));
	if (horizon > segment_buying_most_horizon(model))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon must be at most %g, not %g", segment_buying_most_horizon(model), horizon),
				 errhint("It is in the unit of t.")));
	return horizon;
}

/* An error for models of other kinds; of customers' value: its model of spending. */
const BuyingModel *
segment_spending_of(const Model *model)
{
	if (model->kind == &segment_value_kind)
		return &((const ValueModel *) model->detail)->spending;
	if (model->kind != &segment_buying_kinds[SEGMENT_GAMMA_GAMMA])
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("expected a model of spending, got one of kind \"%s\"", model->kind->name),
				 errhint("Such models are made by gamma_gamma().")));
	return model->detail;
}

/* ---- reading ---- */

/* What a training came to, of a model that is known; checks it all. */
void
segment_buying_read_fit(BuyingModel *buying, const JsonPlace *json)
{
	const char *const *names = parameter_names[buying->model];
	JsonPlace	parameters = segment_json_member(json, "parameters");
	JsonPlace	errors = segment_json_member(json, "standard_errors");
	JsonPlace	place;
	double		most;
	int			i;

	segment_json_check_keys(&parameters, names);
	segment_json_check_keys(&errors, names);
	for (i = 0; i < buying->n; i++)
	{
		most = segment_buying_most_parameter(buying->model, i);
		buying->parameter[i] = segment_json_member_number(&parameters, names[i], 1 / most, most);
		place = segment_json_member(&errors, names[i]);
		buying->error[i] = segment_json_is_null(&place) ? segment_missing_value()
			: segment_json_number(&place, 0, HUGE_VAL);
	}
	buying->log_likelihood = segment_json_member_number(json, "log_likelihood", -HUGE_VAL, HUGE_VAL);
	place = segment_json_member(json, "steps");
	buying->steps = (int) segment_json_integer(&place, 0, PG_INT32_MAX);
	place = segment_json_member(json, "converged");
	buying->converged = segment_json_boolean(&place);
}

static void
buying_read(Model *model, const JsonPlace *json)
{
	BuyingModel *buying = segment_buying_new(model);
	JsonPlace	place = segment_json_member(json, "horizon");

	segment_buying_read_fit(buying, json);
	if (buying->model == SEGMENT_GAMMA_GAMMA)
	{
		if (!segment_json_is_null(&place))
			segment_json_error(&place, "expected null: this kind has none");
		return;
	}
	buying->horizon = segment_json_number(&place, 0, segment_buying_most_horizon(buying->model));
	if (buying->model == SEGMENT_BGBB && buying->horizon != floor(buying->horizon))
		segment_json_error(&place, "expected a whole number");
}

/* ---- writing ---- */

static void
put_numbers(const BuyingModel *buying, const double *number, StringInfo out)
{
	int			i;

	for (i = 0; i < buying->n; i++)
	{
		appendStringInfo(out, "%s\"%s\": ", i == 0 ? "{" : ", ", parameter_names[buying->model][i]);
		segment_json_put_number_or_null(out, number[i]);
	}
	appendStringInfoChar(out, '}');
}

/* Appends what segment_buying_read_fit() reads, but for a comma before it. */
void
segment_buying_put_fit(const BuyingModel *buying, StringInfo out)
{
	appendStringInfoString(out, "\"parameters\": ");
	put_numbers(buying, buying->parameter, out);
	appendStringInfoString(out, ", \"standard_errors\": ");
	put_numbers(buying, buying->error, out);
	appendStringInfoString(out, ", \"log_likelihood\": ");
	segment_json_put_number(out, buying->log_likelihood);
	appendStringInfo(out, ", \"steps\": %d, \"converged\": %s", buying->steps,
					 buying->converged ? "true" : "false");
}

static void
buying_metrics(const Model *model, StringInfo out)
{
	appendStringInfoString(out, ", ");
	segment_buying_put_fit(model->detail, out);
}

static void
buying_write(const Model *model, StringInfo out)
{
	const BuyingModel *buying = model->detail;

	buying_metrics(model, out);
	appendStringInfoString(out, ", \"horizon\": ");
	segment_json_put_number_or_null(out, buying->model == SEGMENT_GAMMA_GAMMA
									? segment_missing_value() : buying->horizon);
}

/* ---- predicting ---- */

/* Expected purchases within the model's horizon, or the expected value of one. */
static double
buying_predict(const Model *model, const double *features)
{
	const BuyingModel *buying = model->detail;
	SegmentHistory history = {features[0], features[1], 0, 1};

	if (buying->model == SEGMENT_GAMMA_GAMMA)
	{
		if (history.x == 0)
			history.last = 0;
		return segment_history_valid(buying->model, history.x, history.last, 0)
			? segment_spending_expected(buying->parameter, history.x, history.last)
			: segment_missing_value();
	}
	history.length = features[2];
	if (!segment_history_valid(buying->model, history.x, history.last, history.length))
		return segment_missing_value();
	return segment_buying_expected(buying->model, buying->parameter, &history, buying->horizon,
								   segment_check_interrupts);
}

static const char *const buying_keys[] = {
	"parameters", "standard_errors", "log_likelihood", "steps", "converged", "horizon", NULL
};

#define BUYING_KIND(called) { \
	.name = called, \
	.read = buying_read, \
	.write = buying_write, \
	.keys = buying_keys, \
	.metrics = buying_metrics, \
	.predict = buying_predict \
}

/* in the order of SegmentBuyingModel */
const ModelKind segment_buying_kinds[BUYING_KINDS] = {
	BUYING_KIND("bgnbd"), BUYING_KIND("mbgnbd"), BUYING_KIND("pareto_nbd"), BUYING_KIND("bgbb"),
	BUYING_KIND("gamma_gamma")
};
