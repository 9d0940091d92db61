/*
 * fill.c: runs INSERT INTO table SELECT with many rows at once, as COPY does.
 *
 * The executor inserts row by row: for each it finds the page, locks it, logs
 * it.  The first refresh of a segmentation writes every customer, so its rows are
 * put aside until there are about a thousand, and a page is filled at once.
 *
 *		Insert                        SELECT part of the same plan
 *		  -> SELECT part of the plan    -> FillReceiver: batch of slots
 *										  -> table_multi_insert
 *
 * That is done only where nobody can tell the difference but by the clock: into
 * a plain table without indexes, triggers, rules, CHECK constraints, defaults
 * (which generated columns are, too) and row security; NOT NULL is checked.  Rights
 * are checked by the executor, for the plan still has the target among its
 * relations.  Member tables have no index before their first refresh.  Any other
 * INSERT is left to the executor.
 */
#include "compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/progress.h"
#include "catalog/pg_class.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "parser/parsetree.h"
#include "segmentation/fill.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* as COPY does */
#define BATCH_ROWS 1000
#define BATCH_BYTES 65535

typedef struct FillReceiver
{
	DestReceiver pub;
	Relation	table;
	ResultRelInfo *target;		/* the table, for what checks constraints */
	EState	   *estate;			/* of the query that yields the rows */
	CommandId	command;
	BulkInsertState bulk;
	MemoryContext scratch;		/* what writing a batch allocates */
	TupleTableSlot *slot[BATCH_ROWS];	/* NULL until needed */
	int			n;				/* slots in use */
	Size		bytes;			/* of their tuples */
	uint64		rows;			/* of all batches */
} FillReceiver;

/* Whether nothing but the table itself comes to know of a row inserted into it. */
static bool
table_is_plain(Oid table)
{
	Relation	relation = table_open(table, RowExclusiveLock);
	TupleConstr *constraints = RelationGetDescr(relation)->constr;
	bool		plain;

	plain = relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_tableam == GetHeapamTableAmRoutine() &&
		!relation->rd_rel->relispartition &&
		!relation->rd_rel->relhasindex &&
		!relation->rd_rel->relrowsecurity &&
		relation->trigdesc == NULL &&
		relation->rd_rules == NULL &&
		(constraints == NULL || (constraints->num_check == 0 && constraints->num_defval == 0));
	/* locked to the end of the transaction, as parse analysis has it already */
	table_close(relation, NoLock);
	return plain;
}

/* The table that a statement fills, if it is plain INSERT INTO a plain table. */
static Oid
filled_table(CachedPlanSource *source)
{
	Query	   *query;
	RangeTblEntry *target;

	/* what is refused in a read-only transaction is an INSERT, so the executor shall say */
	if (XactReadOnly || list_length(source->query_list) != 1)
		return InvalidOid;
	query = linitial_node(Query, source->query_list);
	if (query->commandType != CMD_INSERT || query->returningList != NIL ||
		query->onConflict != NULL || query->hasModifyingCTE ||
		query->withCheckOptions != NIL)
		return InvalidOid;
	target = rt_fetch(query->resultRelation, query->rtable);
	return target->rtekind == RTE_RELATION && table_is_plain(target->relid) ? target->relid
		: InvalidOid;
}

/*
 * Of the plan of such a statement, what yields the rows; NULL where the rows are
 * not just those of the table.
 */
static PlannedStmt *
rows_of_insert(PlannedStmt *insert, TupleDesc wanted, Index *target)
{
	ModifyTable *modify;
	PlannedStmt *result;
	TupleDesc	desc;
	int			i;

	if (insert->commandType != CMD_INSERT || !IsA(insert->planTree, ModifyTable))
		return NULL;
	modify = (ModifyTable *) insert->planTree;
	if (list_length(modify->resultRelations) != 1 || modify->rootRelation != 0)
		return NULL;
	desc = ExecCleanTypeFromTL(outerPlan(modify)->targetlist);
	if (desc->natts != wanted->natts)
		return NULL;
	for (i = 0; i < desc->natts; i++)
		if (TupleDescAttr(wanted, i)->attisdropped ||
			TupleDescAttr(desc, i)->atttypid != TupleDescAttr(wanted, i)->atttypid)
			return NULL;
	*target = linitial_int(modify->resultRelations);

	result = makeNode(PlannedStmt);
	memcpy(result, insert, sizeof(PlannedStmt));
	result->commandType = CMD_SELECT;
	result->resultRelations = NIL;
	result->planTree = copyObject(outerPlan(modify));
	/* CTEs and subqueries that are run once belong to the topmost node, whichever it is */
	result->planTree->initPlan = list_concat_copy(modify->plan.initPlan,
												  result->planTree->initPlan);
	return result;
}

static void
fill_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
write_batch(FillReceiver *fill)
{
	MemoryContext caller = MemoryContextSwitchTo(fill->scratch);
	int			i;

	table_multi_insert(fill->table, fill->slot, fill->n, fill->command, 0, fill->bulk);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(fill->scratch);
	for (i = 0; i < fill->n; i++)
		ExecClearTuple(fill->slot[i]);
	fill->rows += fill->n;
	if (segment_progress_running)
		segment_progress_update(ROWS_MADE, fill->rows);
	fill->n = 0;
	fill->bytes = 0;
}

static bool
fill_receive(TupleTableSlot *row, DestReceiver *self)
{
	FillReceiver *fill = (FillReceiver *) self;
	TupleTableSlot *slot = fill->slot[fill->n];

	if (slot == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(fill->estate->es_query_cxt);

		slot = fill->slot[fill->n] = table_slot_create(fill->table, NULL);
		MemoryContextSwitchTo(caller);
	}
	if (RelationGetDescr(fill->table)->constr != NULL)
		ExecConstraints(fill->target, row, fill->estate);
	ExecCopySlot(slot, row);
	fill->n++;
	fill->bytes += ExecFetchSlotHeapTuple(slot, true, NULL)->t_len;
	if (fill->n == BATCH_ROWS || fill->bytes > BATCH_BYTES)
		write_batch(fill);
	return true;
}

static void
fill_shutdown(DestReceiver *self)
{
	FillReceiver *fill = (FillReceiver *) self;
	int			i;

	if (fill->n > 0)
		write_batch(fill);
	for (i = 0; i < BATCH_ROWS && fill->slot[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(fill->slot[i]);
}

static void
fill_destroy(DestReceiver *self)
{
}

static uint64
run_into(Relation table, Index target, PlannedStmt *rows, const char *text,
		 ParamListInfo params, QueryEnvironment *environment)
{
	FillReceiver *fill = palloc0(sizeof(FillReceiver));
	QueryDesc  *query;

	fill->pub.receiveSlot = fill_receive;
	fill->pub.rStartup = fill_startup;
	fill->pub.rShutdown = fill_shutdown;
	fill->pub.rDestroy = fill_destroy;
	fill->pub.mydest = DestNone;
	fill->table = table;
	fill->command = GetCurrentCommandId(true);
	fill->scratch = AllocSetContextCreate(CurrentMemoryContext, "batch of rows to insert",
										  ALLOCSET_DEFAULT_SIZES);

	query = CreateQueryDesc(rows, text, GetActiveSnapshot(), InvalidSnapshot, &fill->pub,
							params, environment, 0);
	ExecutorStart(query, 0);
	fill->estate = query->estate;
	fill->target = makeNode(ResultRelInfo);
	InitResultRelInfo(fill->target, table, target, NULL, 0);
	fill->bulk = GetBulkInsertState();
	segment_executor_run(query);
	ExecutorFinish(query);
	FreeBulkInsertState(fill->bulk);
	table_finish_bulk_insert(table, 0);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	MemoryContextDelete(fill->scratch);
	return fill->rows;
}

/*
 * Runs a prepared statement if it is one of those above, and tells how many rows
 * it inserted; or returns false, having done nothing.  The environment has the
 * named relations that the statement reads.
 */
bool
segment_fill(CachedPlanSource *source, ParamListInfo params, QueryEnvironment *environment,
			 uint64 *rows)
{
	Oid			filled = filled_table(source);
	CachedPlan *plan;
	PlannedStmt *insert;
	PlannedStmt *select = NULL;
	Relation	table;
	Index		target;

	if (!OidIsValid(filled))
		return false;
	table = table_open(filled, RowExclusiveLock);
	/* as SPI: what was written so far is seen, what is written now is not */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	plan = GetCachedPlan(source, params, NULL, environment);
	if (list_length(plan->stmt_list) == 1)
	{
		insert = linitial_node(PlannedStmt, plan->stmt_list);
		select = rows_of_insert(insert, RelationGetDescr(table), &target);
	}
	if (select != NULL)
		*rows = run_into(table, target, select, source->query_string, params, environment);
	ReleaseCachedPlan(plan, NULL);
	PopActiveSnapshot();
	table_close(table, NoLock);
	CommandCounterIncrement();
	return select != NULL;
}
