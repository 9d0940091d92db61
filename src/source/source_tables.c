/*
 * source_tables.c: trace_source(), what trace.c finds out about a query, as rows.
 */
#include "source/trace.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "source/source_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_trace_source);

/* The names of a table's columns with keys, as name[]. */
static Datum
names_of(const TracedTable *table)
{
	Datum	   *names = palloc(sizeof(Datum) * Max(bms_num_members(table->columns), 1));
	int			column = -1;
	int			n = 0;

	while ((column = bms_next_member(table->columns, column)) >= 0)
	{
		NameData   *name = palloc0(sizeof(NameData));

		namestrcpy(name, get_attname(table->relation, column, false));
		names[n++] = NameGetDatum(name);
	}
	return PointerGetDatum(construct_array(names, n, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

/*
 * What the query is, as 16 digits: another view, policy or function of a user's that it has
 * makes another value, and so does a dump that was restored.
 */
static char *
definition_of(const Trace *trace, const Query *query)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfoString(&text, nodeToString(query));
	foreach(cell, trace->functions)
	{
		HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(tuple))
			continue;
		appendStringInfo(&text, " %u %u", lfirst_oid(cell),
						 HeapTupleHeaderGetRawXmin(tuple->t_data));
		ReleaseSysCache(tuple);
	}
	return psprintf("%016llx", (unsigned long long)
					DatumGetUInt64(hash_any_extended((unsigned char *) text.data, text.len, 0)));
}

static void
put_row(ReturnSetInfo *rsinfo, const char *what, const TracedTable *table, const char *detail)
{
	Datum		values[4] = {0};
	bool		nulls[4] = {false, true, true, true};

	if (what == NULL)
		return;
	values[0] = CStringGetTextDatum(what);
	if (table != NULL)
	{
		nulls[1] = false;
		values[1] = ObjectIdGetDatum(table->relation);
		nulls[2] = table->keyless != NULL;
		if (!nulls[2])
			values[2] = names_of(table);
	}
	if (detail != NULL)
	{
		nulls[3] = false;
		values[3] = CStringGetTextDatum(detail);
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * trace_source(query, search_path, key_type, key_collation): see sql/60_refresh/47_change_log.sql.
 */
Datum
segment_trace_source(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Trace		trace = {0};
	CachedPlanSource *plan;
	Query	   *query;
	ListCell   *cell;
	int			nest_level;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		return (Datum) 0;
	trace.statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	trace.key_type = PG_GETARG_OID(2);
	trace.key_collation = PG_ARGISNULL(3) ? InvalidOid : PG_GETARG_OID(3);
	nest_level = segment_enter_search_path(PG_ARGISNULL(1) ? NULL
										   : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = segment_prepare_source(trace.statement);
	AtEOXact_GUC(true, nest_level);
	query = linitial_node(Query, plan->query_list);
	segment_trace(&trace, query);
	foreach(cell, trace.tables)
	{
		const TracedTable *table = lfirst(cell);

		put_row(rsinfo, "table", table, table->keyless);
	}
	put_row(rsinfo, trace.clock != NULL ? "clock" : NULL, NULL, trace.clock);
	put_row(rsinfo, trace.chance != NULL ? "chance" : NULL, NULL, trace.chance);
	put_row(rsinfo, trace.unseen != NULL ? "unseen" : NULL, NULL, trace.unseen);
	put_row(rsinfo, "definition", NULL, definition_of(&trace, query));
	SPI_finish();
	return (Datum) 0;
}
