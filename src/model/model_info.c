/*
 * model_info.c: what stands in a model, as rows and JSON; renaming segments.
 */
#include "model/model.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(segment_model_metrics);
PG_FUNCTION_INFO_V1(segment_model_segments);
PG_FUNCTION_INFO_V1(segment_model_centroids);
PG_FUNCTION_INFO_V1(segment_model_rename);
PG_FUNCTION_INFO_V1(segment_model_identify);

Datum
segment_model_metrics(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json,
					 "{\"kind\": \"%s\", \"n_input\": " INT64_FORMAT ", \"n_used\": " INT64_FORMAT
					 ", \"n_skipped\": " INT64_FORMAT ", \"n_unsampled\": " INT64_FORMAT
					 ", \"n_segments\": %d",
					 model->kind->name, model->rows.n_input, model->rows.n_used, model->rows.n_skipped,
					 model->rows.n_unsampled, model->n_segments);
	model->kind->metrics(model, &json);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

Datum
segment_model_segments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Model	   *model = PG_GETARG_MODEL(0);
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < model->n_segments; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		values[0] = Int32GetDatum(model->segment[i].id);
		values[1] = model->segment[i].name_datum;
		values[2] = CStringGetTextDatum(model->segment[i].origin);
		nulls[3] = model->kind->codes == NULL;
		if (!nulls[3])
			values[3] = model->kind->codes(model, i);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static Datum
number_or_null(double x, bool *isnull)
{
	*isnull = x != x;
	return Float8GetDatum(x);
}

/* What each segment is like, by feature. */
Datum
segment_model_centroids(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Model	   *model = PG_GETARG_MODEL(0);
	int			segment;
	int			i;

	if (model->kind->typical == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" has no centroids", model->kind->name)));
	InitMaterializedSRF(fcinfo, 0);
	for (segment = 0; segment < model->n_segments; segment++)
		for (i = 0; i < model->n_features; i++)
		{
			ModelTypical typical;
			Datum		values[8];
			bool		nulls[8] = {false};

			CHECK_FOR_INTERRUPTS();
			model->kind->typical(model, segment, i, &typical);
			values[0] = Int32GetDatum(model->segment[segment].id);
			values[1] = model->segment[segment].name_datum;
			values[2] = CStringGetTextDatum(model->feature[i]);
			values[3] = number_or_null(typical.value, &nulls[3]);
			nulls[4] = typical.category == NULL;
			values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(typical.category);
			values[5] = number_or_null(typical.coordinate, &nulls[5]);
			values[6] = number_or_null(typical.z, &nulls[6]);
			values[7] = Float8GetDatum(model->kind->size(model, segment));
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}

/* rename_segment(model, old name, new name) */
Datum
segment_model_rename(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	char	   *old_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *new_name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int			segment = segment_model_segment_by_name(model, old_name);

	if (segment < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the model has no segment \"%s\"", old_name),
				 errhint("segments(model) lists them.")));
	if (new_name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a segment must not be empty")));
	if (strcmp(old_name, new_name) != 0 && segment_model_segment_by_name(model, new_name) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("the model already has a segment \"%s\"", new_name)));
	model->segment[segment].name = new_name;
	PG_RETURN_MODEL(model);
}

/* Whether one of the first n names, other than number `except`, is this one. */
static bool
name_taken(char *const *names, int n, int except, const char *name)
{
	int			i;

	for (i = 0; i < n; i++)
		if (i != except && names[i] != NULL && strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The name itself, or with (2), (3), ... behind it. */
char *
segment_distinct_name(char *const *names, int n, int number, char *name)
{
	char	   *result = name;
	int			i;

	for (i = 2; name_taken(names, n, number, result); i++)
		result = psprintf("%s (%d)", name, i);
	return result;
}

/*
 * model_identify(model, ids, origins, names, first_new_id): gives the segments
 * of a newly trained model the ids and names they had before, matched by
 * origin.  What is new gets ids from first_new_id on, in the model's order.
 * Where two names meet, because a segment was renamed to what the scheme now
 * calls another, the one that comes later in the arrays, or the new one, gets
 * a number behind its name.
 */
Datum
segment_model_identify(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	ArrayType  *ids_array = PG_GETARG_ARRAYTYPE_P(1);
	Datum	   *origins;
	Datum	   *names;
	bool	   *nulls;
	int32	   *known_ids = (int32 *) ARR_DATA_PTR(ids_array);
	int			n_ids = ArrayGetNItems(ARR_NDIM(ids_array), ARR_DIMS(ids_array));
	int			n_origins;
	int			n_names;
	int32		next_id = PG_GETARG_INT32(4);
	int32	   *new_ids = palloc(sizeof(int32) * model->n_segments);
	char	  **new_names = palloc(sizeof(char *) * model->n_segments);
	char	  **new_origins = palloc(sizeof(char *) * model->n_segments);
	int			i;
	int			j;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT,
					  &origins, &nulls, &n_origins);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &n_names);
	if (n_ids != n_origins || n_ids != n_names || ARR_HASNULL(ids_array) ||
		ARR_HASNULL(PG_GETARG_ARRAYTYPE_P(2)) || ARR_HASNULL(PG_GETARG_ARRAYTYPE_P(3)))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("ids, origins and names must be arrays of the same length without nulls")));
	for (i = 0; i < model->n_segments; i++)
	{
		new_origins[i] = model->segment[i].origin;
		new_names[i] = NULL;
		new_ids[i] = 0;
	}
	for (j = 0; j < n_ids; j++)
	{
		char	   *origin = TextDatumGetCString(origins[j]);

		for (i = 0; i < model->n_segments; i++)
			if (new_ids[i] == 0 && strcmp(new_origins[i], origin) == 0)
			{
				new_ids[i] = known_ids[j];
				new_names[i] = segment_distinct_name(new_names, model->n_segments, i,
											 TextDatumGetCString(names[j]));
			}
	}
	for (i = 0; i < model->n_segments; i++)
		if (new_ids[i] == 0)
		{
			new_ids[i] = next_id++;
			new_names[i] = segment_distinct_name(new_names, model->n_segments, i, new_origins[i]);
		}
	segment_model_set_segments(model, model->n_segments, new_ids, new_names, new_origins);
	PG_RETURN_MODEL(model);
}
