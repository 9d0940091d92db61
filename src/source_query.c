/*
 * source_query.c: SQL text that users give as a source.
 *
 * One SELECT (or VALUES, TABLE, WITH) that only reads, without parameters.  It
 * sees what the calling query sees (the same snapshot) and its rows go from the
 * executor straight to a receiver; nothing is stored in between.
 */
#include "source_query.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/plancache.h"

PG_FUNCTION_INFO_V1(segment_query_columns);

static void
reject(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("source must be a single query that only reads, but %s", why),
			 errhint("Give one SELECT without FOR UPDATE and without data-modifying WITH.")));
}

/* Parses and checks the query; SPI must be connected. */
SPIPlanPtr
segment_source_prepare(const char *query)
{
	/* first of all, because SPI shows where in the query a syntax error is */
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	List	   *sources;
	CachedPlanSource *source;
	Query	   *parsed;

	if (plan == NULL)
		elog(ERROR, "could not prepare the source: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	if (sources == NIL)
		reject("it is empty");
	if (list_length(sources) > 1)
		reject("it has several statements");
	source = linitial(sources);
	if (list_length(source->query_list) != 1)
		reject("rules turn it into several statements");
	parsed = linitial_node(Query, source->query_list);
	if (parsed->commandType != CMD_SELECT || parsed->utilityStmt != NULL)
		reject("it is not a SELECT");
	if (parsed->hasModifyingCTE)
		reject("it changes data in WITH");
	if (parsed->rowMarks != NIL)
		reject("it locks rows");
	return plan;
}

void
segment_source_run(SPIPlanPtr plan, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = receiver;
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not run the source: %s", SPI_result_code_string(result));
}

/* query_columns(query): position, name and type of each column of a source. */
Datum
segment_query_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	CachedPlanSource *source;
	TupleDesc	desc;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	source = linitial(SPI_plan_get_plan_sources(segment_source_prepare(query)));
	desc = source->resultDesc;
	for (i = 0; desc != NULL && i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		values[0] = Int32GetDatum(i + 1);
		values[1] = CStringGetTextDatum(NameStr(attribute->attname));
		values[2] = ObjectIdGetDatum(attribute->atttypid);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
