/*
 * model_argument.c: the model and the features of a row function's call.
 *
 * assign_segment(model, ...) is called once a row, nearly always with the same
 * model or, in a join, one of a few.  A model is taken from the session's cache
 * once; a call recognises it by size and 64-bit hash (or, stored out of line, by
 * its TOAST pointer).  Types of arguments are resolved once, too.
 */
#include "model/model_argument.h"

#include "base/arguments.h"
#include "access/htup_details.h"
#include "model/current_model.h"
#include "funcapi.h"
#include "kernel/base/row_store.h"
#include "model/model_cache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

static void
resolve_arguments(FunctionCallInfo fcinfo, RowCall *call)
{
	int			i;

	call->n_arguments = PG_NARGS() - 1;
	call->reader = palloc0(sizeof(FeatureReader) * Max(call->n_arguments, 1));
	call->type = palloc0(sizeof(Oid) * Max(call->n_arguments, 1));
	call->all_numbers = true;
	if (get_fn_expr_variadic(fcinfo->flinfo))
	{
		call->by_array = true;
		return;
	}
	for (i = 0; i < call->n_arguments; i++)
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, i + 1);

		if (!OidIsValid(type))
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine the type of feature %d", i + 1)));
		if (call->n_arguments == 1 && type_is_rowtype(type))
		{
			call->by_row = true;
			return;
		}
		call->reader[i] = segment_feature_reader_or_error(type, psprintf("%d", i + 1));
		call->type[i] = type;
		if (!segment_reader_is_number(call->reader[i]))
			call->all_numbers = false;
	}
}

static void
release_models(void *arg)
{
	RowCall    *call = arg;
	int			i;

	for (i = 0; i < call->n_prepared; i++)
		segment_model_release(call->prepared[i].model);
}

static RowCall *
row_call(FunctionCallInfo fcinfo)
{
	RowCall    *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		call = palloc0(sizeof(RowCall));
		resolve_arguments(fcinfo, call);
		call->release.func = release_models;
		call->release.arg = call;
		MemoryContextRegisterResetCallback(fcinfo->flinfo->fn_mcxt, &call->release);
		fcinfo->flinfo->fn_extra = call;
		MemoryContextSwitchTo(old);
	}
	return call;
}

/* The model of a value, read unless it is prepared already. */
static Model *
prepare_model(FunctionCallInfo fcinfo, RowCall *call, const SegmentModelValue *value)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	PreparedModel *prepared = &call->prepared[call->last_prepared];
	Model	   *model;
	int			i;

	/* the last one first, then all others */
	if (prepared->model != NULL && prepared->hash == value->hash && prepared->size == VARSIZE(value))
		return prepared->model;
	for (i = 0; i < call->n_prepared; i++)
	{
		prepared = &call->prepared[i];
		if (prepared->hash == value->hash && prepared->size == VARSIZE(value))
		{
			call->last_prepared = i;
			return prepared->model;
		}
	}

	model = segment_model_acquire(value);
	if (call->n_prepared < PREPARED_MODELS)
		call->last_prepared = call->n_prepared++;
	else
	{
		/* more models than places: they take turns */
		call->last_prepared = (call->last_prepared + 1) % PREPARED_MODELS;
		prepared = &call->prepared[call->last_prepared];
		if (call->row_features == prepared->model->feature)
			call->row_features = NULL;
		if (call->toasted == prepared->model)
			call->toasted = NULL;
		segment_model_release(prepared->model);
	}
	prepared = &call->prepared[call->last_prepared];
	prepared->model = model;
	prepared->hash = value->hash;
	prepared->size = VARSIZE(value);
	if (call->n_values < model->n_features)
	{
		call->values = MemoryContextAlloc(context, sizeof(double) * model->n_features);
		call->n_values = model->n_features;
	}
	return model;
}

/* The call of f(model, ...), its model prepared; the model is not NULL. */
RowCall *
segment_row_call_by_value(FunctionCallInfo fcinfo)
{
	RowCall    *call = row_call(fcinfo);
	struct varlena *raw = (struct varlena *) PG_GETARG_POINTER(0);
	bool		toasted = VARATT_IS_EXTERNAL_ONDISK(raw) &&
		VARSIZE_EXTERNAL(raw) <= sizeof(call->toast_pointer);
	SegmentModelValue *value;

	if (toasted && call->toasted != NULL && call->toast_size == VARSIZE_EXTERNAL(raw) &&
		memcmp(call->toast_pointer, raw, call->toast_size) == 0)
	{
		call->model = call->toasted;
		return call;
	}
	value = segment_model_detoast(PG_GETARG_DATUM(0));
	call->model = prepare_model(fcinfo, call, value);
	if (toasted)
	{
		call->toasted = call->model;
		call->toast_size = VARSIZE_EXTERNAL(raw);
		memcpy(call->toast_pointer, raw, call->toast_size);
	}
	if ((struct varlena *) value != raw)
		pfree(value);
	return call;
}

/* The call of f('segmentation', ...): its current model as of this query. */
RowCall *
segment_row_call_by_name(FunctionCallInfo fcinfo)
{
	RowCall    *call = row_call(fcinfo);
	text	   *name = PG_GETARG_TEXT_PP(0);
	Size		len = VARSIZE_ANY_EXHDR(name);

	if (call->name == NULL || strlen(call->name) != len ||
		memcmp(call->name, VARDATA_ANY(name), len) != 0)
	{
		char	   *new_name = MemoryContextStrdup(fcinfo->flinfo->fn_mcxt, text_to_cstring(name));

		call->model = prepare_model(fcinfo, call, segment_current_model(new_name));
		if (call->name != NULL)
			pfree(call->name);
		call->name = new_name;
	}
	return call;
}

/* ---- features ---- */

static inline bool
is_category(const Model *model, int feature)
{
	return model->categories != NULL && model->categories[feature].n > 0;
}

/* Whether a value of this reader can stand for a feature of the model. */
static bool
reader_fits(const Model *model, int feature, FeatureReader reader)
{
	return reader == FEATURE_UNKNOWN_NULL ||
		segment_reader_is_number(reader) != is_category(model, feature);
}

static pg_noinline void
wrong_type(const Model *model, int feature, Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("feature \"%s\" has type %s, expected a %s", model->feature[feature],
					format_type_be(type), is_category(model, feature) ? "category" : "number"),
			 errhint("Categories are boolean, text and enum values.")));
}

/* The number of a category among those of the model. */
static double
category_number(const ModelCategories *categories, const char *name)
{
	int			low = 0;
	int			high = categories->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = strcmp(categories->name[middle], name);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return MODEL_UNKNOWN_CATEGORY;
}

/* A value that is not NULL, as the model wants it. */
static double
read_feature(const Model *model, int feature, FeatureReader reader, Oid type, Datum value)
{
	if (!is_category(model, feature))
		return segment_feature_number(reader, value);
	return category_number(&model->categories[feature], segment_feature_category(reader, type, value));
}

static void
match_row(FunctionCallInfo fcinfo, RowCall *call, HeapTupleHeader tuple)
{
	MemoryContext old;
	const Model *model = call->model;
	TupleDesc	desc;
	int			i;
	int			a;

	if (call->row_features == model->feature && call->row_type == HeapTupleHeaderGetTypeId(tuple) &&
		call->row_typmod == HeapTupleHeaderGetTypMod(tuple))
		return;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	if (call->row_desc != NULL)
	{
		FreeTupleDesc(call->row_desc);
		pfree(call->row_attribute);
		pfree(call->row_reader);
	}
	call->row_features = NULL;
	call->row_type = HeapTupleHeaderGetTypeId(tuple);
	call->row_typmod = HeapTupleHeaderGetTypMod(tuple);
	desc = lookup_rowtype_tupdesc(call->row_type, call->row_typmod);
	call->row_desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	call->row_attribute = palloc(sizeof(int) * model->n_features);
	call->row_reader = palloc(sizeof(FeatureReader) * model->n_features);
	for (i = 0; i < model->n_features; i++)
	{
		call->row_attribute[i] = 0;
		for (a = 0; a < call->row_desc->natts; a++)
		{
			Form_pg_attribute attribute = TupleDescAttr(call->row_desc, a);

			if (!attribute->attisdropped &&
				strcmp(NameStr(attribute->attname), model->feature[i]) == 0)
			{
				call->row_attribute[i] = a + 1;
				call->row_reader[i] = segment_feature_reader_or_error(attribute->atttypid,
																	  model->feature[i]);
			}
		}
		if (call->row_attribute[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("the row has no column \"%s\", which the model needs",
							model->feature[i]),
					 errhint("Features of a row are matched by name; separate arguments by position.")));
		if (!reader_fits(model, i, call->row_reader[i]))
			wrong_type(model, i, TupleDescAttr(call->row_desc, call->row_attribute[i] - 1)->atttypid);
	}
	call->row_features = model->feature;
	MemoryContextSwitchTo(old);
}

static void
features_of_row(FunctionCallInfo fcinfo, RowCall *call)
{
	HeapTupleHeader header;
	HeapTupleData tuple;
	int			i;

	if (PG_ARGISNULL(1))
	{
		for (i = 0; i < call->model->n_features; i++)
			call->values[i] = segment_missing_value();
		return;
	}
	header = PG_GETARG_HEAPTUPLEHEADER(1);
	match_row(fcinfo, call, header);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	for (i = 0; i < call->model->n_features; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(&tuple, call->row_attribute[i], call->row_desc, &isnull);

		call->values[i] = isnull ? segment_missing_value()
			: read_feature(call->model, i, call->row_reader[i],
						   TupleDescAttr(call->row_desc, call->row_attribute[i] - 1)->atttypid, value);
	}
}

static pg_noinline void
wrong_number(const RowCall *call, int came)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the model has %d features, got %d", call->model->n_features, came),
			 call->name != NULL && came == 1
			 ? errhint("Give them in the model's order, or as one row whose columns have their names. "
					   "For a customer by key there are segment_of() and explain_customer().")
			 : errhint("Give them in the model's order, or as one row whose columns have their names.")));
}

static void
features_of_array(FunctionCallInfo fcinfo, RowCall *call)
{
	ArrayType  *array;
	FeatureReader reader;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int			i;

	segment_refuse_null(fcinfo, 1, "the array of features");
	array = PG_GETARG_ARRAYTYPE_P(1);
	reader = segment_feature_reader_or_error(ARR_ELEMTYPE(array), "array");
	if (!segment_reader_is_number(reader))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("expected an array of numbers, got one of %s",
						format_type_be(ARR_ELEMTYPE(array)))));
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &elements, &nulls, &n);
	if (n != call->model->n_features)
		wrong_number(call, n);
	for (i = 0; i < n; i++)
		if (is_category(call->model, i))
			wrong_type(call->model, i, ARR_ELEMTYPE(array));
	for (i = 0; i < n; i++)
		call->values[i] = nulls[i] ? segment_missing_value()
			: segment_feature_number(reader, elements[i]);
}

/* Separate arguments, some of them or of the model's features categories. */
static pg_noinline void
features_of_arguments(FunctionCallInfo fcinfo, RowCall *call)
{
	int			i;

	for (i = 0; i < call->n_arguments; i++)
	{
		if (!reader_fits(call->model, i, call->reader[i]))
			wrong_type(call->model, i, call->type[i]);
		call->values[i] = PG_ARGISNULL(i + 1) ? segment_missing_value()
			: read_feature(call->model, i, call->reader[i], call->type[i], PG_GETARG_DATUM(i + 1));
	}
}

/* The features of this row, as many as the model has; missing ones are NaN. */
const double *
segment_row_call_features(FunctionCallInfo fcinfo, RowCall *call)
{
	int			i;

	if (call->by_row)
		features_of_row(fcinfo, call);
	else if (call->by_array)
		features_of_array(fcinfo, call);
	else
	{
		if (call->n_arguments != call->model->n_features)
			wrong_number(call, call->n_arguments);
		if (call->model->categories != NULL || !call->all_numbers)
			features_of_arguments(fcinfo, call);
		else
			for (i = 0; i < call->n_arguments; i++)
			{
				Datum		value = PG_GETARG_DATUM(i + 1);

				/* nearly all features are of this type */
				if (PG_ARGISNULL(i + 1))
					call->values[i] = segment_missing_value();
				else if (call->reader[i] == FEATURE_FLOAT8)
					call->values[i] = DatumGetFloat8(value);
				else
					call->values[i] = segment_feature_number(call->reader[i], value);
			}
	}
	return call->values;
}
