/*
 * feature_set_agg.c: the aggregates that collect feature sets.
 *
 * The contract (tests cite the numbers):
 *  1. Every row counts, also one whose features are all NULL; a NULL or NaN
 *     feature is missing.  The trainer decides what to do with it.
 *  2. No rows: NULL, as most aggregates give.
 *  3. The result depends on the rows alone, not on their order, on workers or
 *     on how parts were merged.
 *  4. All rows have the same number of features; anything else is an error.
 *  5. A weight is finite and not negative; a row with a NULL weight is kept
 *     and skipped by trainers.
 *  6. The state is the type itself: it crosses workers and nodes as a value.
 *  7. Combining copies what it must and never changes its right operand.
 *  8. Beyond maintenance_work_mem: folding, then sampling (kernel/row_store.c).
 */
#include "feature/feature_set.h"

#include "access/htup_details.h"
#include "base/aggregate_argument.h"
#include "feature/feature_value.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(segment_feature_set_accum);
PG_FUNCTION_INFO_V1(segment_feature_set_accum_weighted);
PG_FUNCTION_INFO_V1(segment_feature_set_accum_record);
PG_FUNCTION_INFO_V1(segment_feature_set_accum_named);
PG_FUNCTION_INFO_V1(segment_feature_set_combine);

#define AGGREGATES "feature_set, feature_set_weighted and feature_set_merge"

static pg_noinline void
wrong_number_of_features(int expected, int came)
{
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
			 errmsg("expected %d features, but a row has %d", expected, came)));
}

/* One row from an array; weighted rows have their weight put behind it. */
static Datum
accumulate_array(FunctionCallInfo fcinfo, int array_argument, bool weighted)
{
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	FeatureSet *set;
	double		on_stack[64];
	int			n;
	ArrayType  *array = segment_arg_features(fcinfo, array_argument, &n);
	double	   *row = on_stack;

	set = PG_ARGISNULL(0) ? segment_feature_set_new(n, weighted, context)
		: segment_feature_set_writable(PG_GETARG_DATUM(0), context);
	if (set->store.n_columns != n)
		wrong_number_of_features(set->store.n_columns, n);

	/* most rows lie ready in the array */
	if (!ARR_HASNULL(array) && !weighted)
	{
		segment_row_store_add(&set->store, (double *) ARR_DATA_PTR(array), 1);
		return segment_feature_set_datum(set);
	}
	if (n + 1 > (int) lengthof(on_stack))
		row = palloc(sizeof(double) * (n + 1));
	segment_copy_features(array, n, row);
	if (weighted)
		row[n] = segment_arg_weight(fcinfo, 1);
	segment_row_store_add(&set->store, row, 1);
	if (row != on_stack)
		pfree(row);
	return segment_feature_set_datum(set);
}

Datum
segment_feature_set_accum(PG_FUNCTION_ARGS)
{
	return accumulate_array(fcinfo, 1, false);
}

Datum
segment_feature_set_accum_weighted(PG_FUNCTION_ARGS)
{
	return accumulate_array(fcinfo, 2, true);
}

/* ---- rows with names and types ---- */

/* What is known of the record type, kept for the length of a query. */
typedef struct RecordShape
{
	Oid			type;
	int32		typmod;
	TupleDesc	desc;
	int			n;				/* columns not dropped */
	int		   *attribute;		/* their numbers, from 0 */
	FeatureReader *reader;
	Datum	   *values;
	bool	   *nulls;
} RecordShape;

static RecordShape *
record_shape(FunctionCallInfo fcinfo, HeapTupleHeader tuple)
{
	RecordShape *shape = fcinfo->flinfo->fn_extra;
	Oid			type = HeapTupleHeaderGetTypeId(tuple);
	int32		typmod = HeapTupleHeaderGetTypMod(tuple);
	MemoryContext old;
	TupleDesc	desc;
	int			i;

	if (shape != NULL && shape->type == type && shape->typmod == typmod)
		return shape;

	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	shape = palloc0(sizeof(RecordShape));
	desc = lookup_rowtype_tupdesc(type, typmod);
	shape->type = type;
	shape->typmod = typmod;
	shape->desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	shape->attribute = palloc(sizeof(int) * shape->desc->natts);
	shape->reader = palloc(sizeof(FeatureReader) * shape->desc->natts);
	shape->values = palloc(sizeof(Datum) * shape->desc->natts);
	shape->nulls = palloc(sizeof(bool) * shape->desc->natts);
	for (i = 0; i < shape->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(shape->desc, i);

		if (attribute->attisdropped)
			continue;
		shape->attribute[shape->n] = i;
		shape->reader[shape->n] = segment_feature_reader_or_error(attribute->atttypid,
																  NameStr(attribute->attname));
		shape->n++;
	}
	fcinfo->flinfo->fn_extra = shape;
	MemoryContextSwitchTo(old);
	return shape;
}

static FeatureSet *
new_set_of_shape(const RecordShape *shape, MemoryContext parent)
{
	FeatureSet *set = segment_feature_set_new(shape->n, false, parent);
	int			i;

	for (i = 0; i < shape->n; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(shape->desc, shape->attribute[i]);

		set->columns[i].name = MemoryContextStrdup(set->hdr.eoh_context,
												   NameStr(attribute->attname));
		if (!segment_reader_is_number(shape->reader[i]))
			set->columns[i].categories = MemoryContextAllocZero(set->hdr.eoh_context,
																sizeof(FeatureCategories));
	}
	return set;
}

Datum
segment_feature_set_accum_record(PG_FUNCTION_ARGS)
{
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	HeapTupleHeader header;
	HeapTupleData tuple;
	RecordShape *shape;
	FeatureSet *set;
	double	   *row;
	int			i;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a row of features must not be null"),
				 errhint("Its columns may be.")));
	header = PG_GETARG_HEAPTUPLEHEADER(1);
	shape = record_shape(fcinfo, header);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, shape->desc, shape->values, shape->nulls);

	set = PG_ARGISNULL(0) ? new_set_of_shape(shape, context)
		: segment_feature_set_writable(PG_GETARG_DATUM(0), context);
	if (set->store.n_columns != shape->n)
		wrong_number_of_features(set->store.n_columns, shape->n);

	row = palloc(sizeof(double) * shape->n);
	for (i = 0; i < shape->n; i++)
	{
		int			a = shape->attribute[i];

		if (segment_reader_is_number(shape->reader[i]) != (set->columns[i].categories == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is numeric in some rows and categorical in others",
							segment_feature_set_column_name(set, i))));
		if (shape->nulls[a])
			row[i] = segment_missing_value();
		else if (set->columns[i].categories == NULL)
			row[i] = segment_feature_number(shape->reader[i], shape->values[a]);
		else
			row[i] = segment_feature_set_category(set, i,
										  segment_feature_category(shape->reader[i],
																   TupleDescAttr(shape->desc, a)->atttypid,
																   shape->values[a]));
	}
	segment_row_store_add(&set->store, row, 1);
	pfree(row);
	return segment_feature_set_datum(set);
}

/* ---- the same without a record, which Citus cannot add up where the rows are ---- */

static FeatureSet *
new_set_of_names(ArrayType *names, ArrayType *is_category, MemoryContext parent)
{
	Datum	   *name;
	Datum	   *category;
	int			n;
	int			n_flags;
	FeatureSet *set;
	int			i;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &name, NULL, &n);
	deconstruct_array(is_category, BOOLOID, 1, true, TYPALIGN_CHAR, &category, NULL, &n_flags);
	if (n_flags != n)
		wrong_number_of_features(n, n_flags);
	set = segment_feature_set_new(n, false, parent);
	for (i = 0; i < n; i++)
	{
		set->columns[i].name = MemoryContextStrdup(set->hdr.eoh_context,
												   TextDatumGetCString(name[i]));
		if (DatumGetBool(category[i]))
			set->columns[i].categories = MemoryContextAllocZero(set->hdr.eoh_context,
																sizeof(FeatureCategories));
	}
	return set;
}

/* The categories among n features of a row; numbers are in place. */
static void
take_categories(FeatureSet *set, ArrayType *categories, double *row)
{
	Datum	   *category;
	bool	   *nulls;
	int			n;
	int			i;

	deconstruct_array(categories, TEXTOID, -1, false, TYPALIGN_INT, &category, &nulls, &n);
	if (n != set->store.n_columns)
		wrong_number_of_features(set->store.n_columns, n);
	for (i = 0; i < n; i++)
		if (set->columns[i].categories != NULL)
			row[i] = nulls[i] ? segment_missing_value()
				: segment_feature_set_category(set, i, TextDatumGetCString(category[i]));
	pfree(category);
	pfree(nulls);
}

/*
 * names, whether each is a category, numbers and categories: both as long as names, NULL
 * where the feature is of the other sort; categories may be NULL where there are none.
 */
Datum
segment_feature_set_accum_named(PG_FUNCTION_ARGS)
{
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	FeatureSet *set;
	ArrayType  *numbers;
	double	   *row;
	int			n;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("names and kinds of features must not be null")));
	numbers = segment_arg_features(fcinfo, 3, &n);
	set = PG_ARGISNULL(0)
		? new_set_of_names(PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(2), context)
		: segment_feature_set_writable(PG_GETARG_DATUM(0), context);
	if (set->store.n_columns != n)
		wrong_number_of_features(set->store.n_columns, n);
	row = palloc(sizeof(double) * n);
	segment_copy_features(numbers, n, row);
	if (!PG_ARGISNULL(4))
		take_categories(set, PG_GETARG_ARRAYTYPE_P(4), row);
	segment_row_store_add(&set->store, row, 1);
	pfree(row);
	return segment_feature_set_datum(set);
}

/* ---- merging ---- */

Datum
segment_feature_set_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	FeatureSet *set;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
	{
		Datum		second = MakeExpandedObjectReadOnly(PG_GETARG_DATUM(1), false, -1);

		return segment_feature_set_datum(segment_feature_set_writable(second, context));
	}
	set = segment_feature_set_writable(PG_GETARG_DATUM(0), context);
	segment_feature_set_merge(set, PG_GETARG_FEATURE_SET(1));
	return segment_feature_set_datum(set);
}
