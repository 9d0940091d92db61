/*
 * assign.c: the row functions: which segment, why, how far and how likely; and what number
 * a model predicts.  Those of RFM scores are in rfm/rfm_scores.c.
 */
#include "model/model_argument.h"

#include "base/arguments.h"
#include "base/json_write.h"
#include "kernel/base/row_store.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(segment_assign);
PG_FUNCTION_INFO_V1(segment_assign_id);
PG_FUNCTION_INFO_V1(segment_explain);
PG_FUNCTION_INFO_V1(segment_distance_of_row);
PG_FUNCTION_INFO_V1(segment_probabilities_of_row);
PG_FUNCTION_INFO_V1(segment_predict);
PG_FUNCTION_INFO_V1(segment_assign_by_name);
PG_FUNCTION_INFO_V1(segment_assign_id_by_name);
PG_FUNCTION_INFO_V1(segment_explain_by_name);

/* The number of the segment a call's row falls into, or -1. */
static inline int
place_row(FunctionCallInfo fcinfo, RowCall *call)
{
	return segment_model_assign(call->model, segment_row_call_features(fcinfo, call));
}

/* The name points into the prepared model: no copy a row. */
static inline Datum
return_name(FunctionCallInfo fcinfo, RowCall *call)
{
	int			segment = place_row(fcinfo, call);

	if (segment < 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(call->model->segment[segment].name_datum);
}

static inline Datum
return_id(FunctionCallInfo fcinfo, RowCall *call)
{
	int			segment = place_row(fcinfo, call);

	if (segment < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(call->model->segment[segment].id);
}

static Datum
return_explanation(FunctionCallInfo fcinfo, RowCall *call)
{
	const double *features = segment_row_call_features(fcinfo, call);
	const Model *model = call->model;
	int			segment = segment_model_assign(model, features);
	StringInfoData json;

	if (model->kind->explain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" does not explain where a row is", model->kind->name)));
	initStringInfo(&json);
	if (segment < 0)
		appendStringInfoString(&json, "{\"segment_id\": null, \"segment\": null");
	else
	{
		appendStringInfo(&json, "{\"segment_id\": %d, \"segment\": ", model->segment[segment].id);
		segment_json_put_string(&json, model->segment[segment].name);
	}
	model->kind->explain(model, features, segment, &json);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

Datum
segment_assign(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return return_name(fcinfo, segment_row_call_by_value(fcinfo));
}

Datum
segment_assign_id(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return return_id(fcinfo, segment_row_call_by_value(fcinfo));
}

Datum
segment_explain(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return return_explanation(fcinfo, segment_row_call_by_value(fcinfo));
}

Datum
segment_distance_of_row(PG_FUNCTION_ARGS)
{
	RowCall    *call;
	const double *features;
	int			segment;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = segment_row_call_by_value(fcinfo);
	if (call->model->kind->distance == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" has no distances", call->model->kind->name)));
	features = segment_row_call_features(fcinfo, call);
	segment = segment_model_assign(call->model, features);
	if (segment < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(call->model->kind->distance(call->model, features, segment));
}

/* {"name of a segment": probability, ...} */
Datum
segment_probabilities_of_row(PG_FUNCTION_ARGS)
{
	RowCall    *call;
	const Model *model;
	double	   *probability;
	StringInfoData json;
	int			i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = segment_row_call_by_value(fcinfo);
	model = call->model;
	if (model->kind->probabilities == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" has no probabilities", model->kind->name),
				 errhint("Models by %s have them.", segment_kinds_with(offsetof(ModelKind, probabilities)))));
	probability = palloc(sizeof(double) * model->n_segments);
	if (!model->kind->probabilities(model, segment_row_call_features(fcinfo, call), probability))
		PG_RETURN_NULL();
	initStringInfo(&json);
	for (i = 0; i < model->n_segments; i++)
	{
		appendStringInfoString(&json, i == 0 ? "{" : ", ");
		segment_json_put_string(&json, model->segment[i].name);
		appendStringInfoString(&json, ": ");
		segment_json_put_number(&json, probability[i]);
	}
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* The number that a model predicts for a row; NULL where it cannot. */
Datum
segment_predict(PG_FUNCTION_ARGS)
{
	RowCall    *call;
	const ModelKind *kind;
	double		x;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = segment_row_call_by_value(fcinfo);
	kind = call->model->kind;
	if (kind->predict == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" predicts no number", kind->name),
				 kind->assign == NULL ? 0
				 : errhint("It says in which segment a row is: assign_segment(model, ...).")));
	x = kind->predict(call->model, segment_row_call_features(fcinfo, call));
	if (segment_is_missing(x))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(x);
}

/* By name there is always a model or an error: a NULL name is one, too. */
static RowCall *
call_by_name(FunctionCallInfo fcinfo)
{
	segment_refuse_null(fcinfo, 0, "the name of a segmentation");
	return segment_row_call_by_name(fcinfo);
}

Datum
segment_assign_by_name(PG_FUNCTION_ARGS)
{
	return return_name(fcinfo, call_by_name(fcinfo));
}

Datum
segment_assign_id_by_name(PG_FUNCTION_ARGS)
{
	return return_id(fcinfo, call_by_name(fcinfo));
}

Datum
segment_explain_by_name(PG_FUNCTION_ARGS)
{
	return return_explanation(fcinfo, call_by_name(fcinfo));
}
