/*
 * source_rows.c: the rows of a source, one per customer, by the names of its columns.
 *
 * What a segmentation by clustering reads: the caller's column definition list
 * says which columns it wants and as what.  Numbers of any type are taken as
 * double precision, NaN as NULL (missing); strings, booleans and enums as text;
 * any other column, such as the customer key, as it is.  So what a member table
 * holds does not change its type when the source does.
 */
#include "source/source_query.h"

#include <math.h>

#include "base/arguments.h"
#include "base/progress.h"
#include "catalog/pg_type.h"
#include "feature/feature_value.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_query_rows);
PG_FUNCTION_INFO_V1(segment_feature_type);

typedef enum ColumnTaken
{
	TAKEN_AS_IS,
	TAKEN_AS_NUMBER,
	TAKEN_AS_CATEGORY
} ColumnTaken;

typedef struct SourceColumn
{
	AttrNumber	attribute;		/* in the source's rows, from 1 */
	Oid			type;			/* there */
	ColumnTaken taken;
	FeatureReader reader;
} SourceColumn;

typedef struct RowReceiver
{
	DestReceiver receiver;		/* first, so that it can be cast */
	TupleDesc	wanted;			/* of the result */
	SourceColumn *column;		/* one for each of its attributes */
	Datum	   *values;
	bool	   *nulls;
	AttrNumber	last_attribute;	/* of the source's rows that is needed */
	Tuplestorestate *store;
	MemoryContext row_context;	/* emptied after each row */
	uint64		read;			/* rows of the source */
} RowReceiver;

static AttrNumber
source_attribute(TupleDesc source, const char *name)
{
	AttrNumber	found = 0;
	int			i;

	for (i = 0; i < source->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(source, i)->attname), name) == 0)
		{
			if (found != 0)
				ereport(ERROR,
						(errcode(ERRCODE_AMBIGUOUS_COLUMN),
						 errmsg("the source has several columns \"%s\"", name)));
			found = i + 1;
		}
	if (found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the source has no column \"%s\"", name),
				 errhint("It had one when the segmentation was created.")));
	return found;
}

static void
rows_startup(DestReceiver *self, int operation, TupleDesc source)
{
	RowReceiver *rows = (RowReceiver *) self;
	int			i;

	for (i = 0; i < rows->wanted->natts; i++)
	{
		Form_pg_attribute wanted = TupleDescAttr(rows->wanted, i);
		SourceColumn *column = &rows->column[i];
		bool		is_feature;

		column->attribute = source_attribute(source, NameStr(wanted->attname));
		column->type = TupleDescAttr(source, column->attribute - 1)->atttypid;
		rows->last_attribute = Max(rows->last_attribute, column->attribute);
		is_feature = segment_feature_reader(column->type, &column->reader);
		if (wanted->atttypid == FLOAT8OID && is_feature && segment_reader_is_number(column->reader))
			column->taken = TAKEN_AS_NUMBER;
		else if (wanted->atttypid == column->type)
			column->taken = TAKEN_AS_IS;
		else if (wanted->atttypid == TEXTOID && is_feature && !segment_reader_is_number(column->reader))
			column->taken = TAKEN_AS_CATEGORY;
		else
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of the source is of type %s, which is not taken as %s",
							NameStr(wanted->attname), format_type_be(column->type),
							format_type_be(wanted->atttypid)),
					 errhint("Cast it in the source.")));
	}
}

static bool
rows_receive(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *rows = (RowReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(rows->row_context);
	int			i;

	segment_progress_rows(ROWS_READ, ++rows->read);
	slot_getsomeattrs(slot, rows->last_attribute);
	for (i = 0; i < rows->wanted->natts; i++)
	{
		const SourceColumn *column = &rows->column[i];
		Datum		value = slot->tts_values[column->attribute - 1];

		rows->nulls[i] = slot->tts_isnull[column->attribute - 1];
		if (rows->nulls[i])
			continue;
		if (column->taken == TAKEN_AS_NUMBER)
		{
			double		number = segment_feature_number(column->reader, value);

			rows->nulls[i] = isnan(number);
			rows->values[i] = Float8GetDatum(number);
		}
		else if (column->taken == TAKEN_AS_CATEGORY)
			rows->values[i] = CStringGetTextDatum(segment_feature_category(column->reader, column->type,
																		   value));
		else
			rows->values[i] = value;
	}
	tuplestore_putvalues(rows->store, rows->wanted, rows->values, rows->nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->row_context);
	return true;
}

/*
 * query_rows(query, search_path [, key_column, only]): the rows, as the column definition list
 * wants them.
 */
Datum
segment_query_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RowReceiver rows = {{0}};
	SourceText	source = {0};

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || rsinfo->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("query_rows needs a column definition list"),
				 errhint("Call it as SELECT * FROM query_rows(...) AS t (customer bigint, ...).")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	segment_source_receiver(&rows.receiver, rows_receive, rows_startup);
	rows.wanted = rsinfo->setDesc;
	rows.column = palloc0(sizeof(SourceColumn) * rows.wanted->natts);
	rows.values = palloc0(sizeof(Datum) * rows.wanted->natts);
	rows.nulls = palloc0(sizeof(bool) * rows.wanted->natts);
	rows.store = rsinfo->setResult;
	rows.row_context = AllocSetContextCreate(CurrentMemoryContext, "segment source row",
											 ALLOCSET_SMALL_SIZES);
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	source.search_path = segment_arg_text(fcinfo, 1);
	if (PG_NARGS() > 3)
	{
		if (!PG_ARGISNULL(2))
			source.key_column = text_to_cstring(PG_GETARG_TEXT_PP(2));
		segment_source_only(&source, fcinfo, 3, InvalidOid);
	}
	segment_source_run(&source, &rows.receiver);
	return (Datum) 0;
}

/* feature_type(type): what a feature of this type is stored as; NULL: it cannot be one. */
Datum
segment_feature_type(PG_FUNCTION_ARGS)
{
	FeatureReader reader;

	if (!segment_feature_reader(PG_GETARG_OID(0), &reader) || reader == FEATURE_UNKNOWN_NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(segment_reader_is_number(reader) ? "double precision" : "text"));
}
