/*
 * source_query.c: SQL text that users give as a source.
 *
 * One SELECT (or VALUES, TABLE, WITH) that only reads, without parameters; the
 * functions it calls may not write either, as in a read-only transaction.  It
 * sees what the calling query sees (the same snapshot) and its rows go from the
 * executor straight to a receiver; nothing is stored in between.
 */
#include "source/source_query.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_query_columns);
PG_FUNCTION_INFO_V1(segment_query_keys);

static void
reject(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("source must be a single query that only reads, but %s", why),
			 errhint("Give one SELECT without FOR UPDATE and without data-modifying WITH.")));
}

/* Parses and checks the query; SPI must be connected. */
static SPIPlanPtr
prepare_source(const char *query)
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

/* Makes a search_path hold until the nest level ends; NULL: the session's. */
static int
enter_search_path(const char *search_path)
{
	int			nest_level = NewGUCNestLevel();

	if (search_path != NULL)
		(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/*
 * Runs a source query into a receiver.  search_path, where given, holds for
 * the query alone: nothing of ours is looked up under it.
 */
void
segment_source_run(const char *query, const char *search_path, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			nest_level = enter_search_path(search_path);
	bool		was_read_only = XactReadOnly;
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = receiver;
	/* an error ends the subtransaction or transaction, which resets it */
	XactReadOnly = true;
	result = SPI_execute_plan_extended(prepare_source(query), &options);
	XactReadOnly = was_read_only;
	if (result < 0)
		elog(ERROR, "could not run the source: %s", SPI_result_code_string(result));
	SPI_finish();
	AtEOXact_GUC(true, nest_level);
}

/* query_columns(query, search_path): number, name and type of each column of a source. */
Datum
segment_query_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	CachedPlanSource *source;
	TupleDesc	desc;
	int			nest_level;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	nest_level = enter_search_path(PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	source = linitial(SPI_plan_get_plan_sources(prepare_source(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
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
	AtEOXact_GUC(true, nest_level);
	return (Datum) 0;
}

/* Puts the first column of each row into a tuplestore. */
typedef struct KeyReceiver
{
	DestReceiver receiver;		/* first, so that it can be cast */
	Oid			type;
	Tuplestorestate *store;
	TupleDesc	desc;			/* of the result: one column */
} KeyReceiver;

static bool
key_receive(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *keys = (KeyReceiver *) self;
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	if (!isnull)
		tuplestore_putvalues(keys->store, keys->desc, &value, &isnull);
	return true;
}

static void
key_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	KeyReceiver *keys = (KeyReceiver *) self;

	if (desc->natts < 1 || TupleDescAttr(desc, 0)->atttypid != keys->type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the first column of customers is not of type %s",
						format_type_be(keys->type)),
				 errhint("It must have the type of the customer key in the source.")));
}

static void
key_nothing(DestReceiver *self)
{
}

/* query_keys(key, query, search_path): the values of the first column, NULLs left out. */
Datum
segment_query_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	KeyReceiver keys = {{0}};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	keys.receiver.receiveSlot = key_receive;
	keys.receiver.rStartup = key_startup;
	keys.receiver.rShutdown = key_nothing;
	keys.receiver.rDestroy = key_nothing;
	keys.receiver.mydest = DestNone;
	keys.type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	keys.store = rsinfo->setResult;
	keys.desc = rsinfo->setDesc;
	segment_source_run(text_to_cstring(PG_GETARG_TEXT_PP(1)),
					   PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), &keys.receiver);
	return (Datum) 0;
}
