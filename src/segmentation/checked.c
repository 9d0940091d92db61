/*
 * checked.c: errors of what a user gave, told without the way we came to it.
 *
 * Creating a segmentation checks its source and options by what will use them, some
 * functions deep.  An error then says in one line what is wrong and in one what helps,
 * and in ten where we were: our statements and functions, which are none of the
 * user's.  So the context that was gathered inside is dropped here; where in the
 * user's text an error is stays.
 */
#include "segmentation/checked.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(segment_checked);

static Datum
call_check(const char *function, Oid type, Datum value, MemoryContext caller)
{
	StringInfoData statement;
	bool		isnull;
	Datum		result;
	MemoryContext old;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	initStringInfo(&statement);
	appendStringInfo(&statement, "SELECT segment_internal.%s($1)", quote_identifier(function));
	if (SPI_execute_with_args(statement.data, 1, &type, &value, NULL, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not call %s", function);
	result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "%s returned null", function);
	old = MemoryContextSwitchTo(caller);
	result = datumCopy(result, false, -1);
	MemoryContextSwitchTo(old);
	SPI_finish();
	return result;
}

/*
 * In PG_CATCH: the error again, without its context, and with a sentence more of detail
 * (NULL: none).  Where a step was cancelled is worth knowing, so then it stays.
 */
void
segment_throw_without_context(MemoryContext caller, const char *detail)
{
	ErrorData  *error;

	if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_OPERATOR_INTERVENTION)
		PG_RE_THROW();
	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	/* before the memory is freed that the detail may lie in */
	if (detail != NULL)
		error->detail = error->detail == NULL ? pstrdup(detail)
			: psprintf("%s %s", error->detail, detail);
	FlushErrorState();
	error->context = NULL;
	/* the position in the user's text stays, in internalpos and internalquery */
	ThrowErrorData(error);
	pg_unreachable();
}

/* Rows that are kept are read as what the caller said they are. */
void
segment_check_rows(TupleDesc desc, TupleDesc wanted)
{
	bool		same = desc != NULL && desc->natts == wanted->natts;
	int			i;

	for (i = 0; same && i < wanted->natts; i++)
		same = TupleDescAttr(desc, i)->atttypid == TupleDescAttr(wanted, i)->atttypid;
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the command returns other columns than the column definition list names")));
}

/* checked(function, segmentation): what segment_internal.FUNCTION(segmentation) returns. */
Datum
segment_checked(PG_FUNCTION_ARGS)
{
	char	   *function = NameStr(*PG_GETARG_NAME(0));
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	MemoryContext caller = CurrentMemoryContext;
	volatile Datum result = (Datum) 0;

	PG_TRY();
	{
		result = call_check(function, type, PG_GETARG_DATUM(1), caller);
	}
	PG_CATCH();
	{
		segment_throw_without_context(caller, NULL);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(result);
}
