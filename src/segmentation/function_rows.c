/*
 * function_rows.c: runs SELECT * FROM a set-returning function without copying its rows.
 *
 * The executor has such a function fill a tuplestore, reads that row by row, and
 * hands each row on; a step of a refresh would put it into a tuplestore again.  For
 * a million customers that is as much work as making them was.  So where the plan
 * of a step is the scan of one function and nothing else, all its columns in their
 * order and no condition, the tuplestore that the function filled is the answer.
 *
 * The function is called as the executor calls it, with its checks of rights and
 * of the types of rows.  What must not be freed before the rows is held by an
 * EState, which the caller frees after them.
 */
#include "compat.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "segmentation/function_rows.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* The function that a plan scans and does nothing else, or NULL. */
static RangeTblFunction *
scanned_function(PlannedStmt *plan)
{
	FunctionScan *scan = (FunctionScan *) plan->planTree;
	RangeTblFunction *function;
	ListCell   *lc;
	int			column = 0;

	if (plan->commandType != CMD_SELECT || plan->subplans != NIL || plan->rowMarks != NIL ||
		!IsA(plan->planTree, FunctionScan) || scan->funcordinality ||
		list_length(scan->functions) != 1 || scan->scan.plan.qual != NIL ||
		scan->scan.plan.initPlan != NIL)
		return NULL;
	function = linitial_node(RangeTblFunction, scan->functions);
	foreach(lc, scan->scan.plan.targetlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		Var		   *var = (Var *) entry->expr;

		if (entry->resjunk || !IsA(var, Var) || var->varattno != ++column)
			return NULL;
	}
	return column == function->funccolcount ? function : NULL;
}

/* The columns that the executor would tell the function are expected; NULL for one of a scalar type. */
static TupleDesc
expected_columns(RangeTblFunction *function)
{
	TupleDesc	desc;
	Oid			type;

	switch (get_expr_result_type(function->funcexpr, &type, &desc))
	{
		case TYPEFUNC_COMPOSITE:
			return CreateTupleDescCopy(desc);
		case TYPEFUNC_RECORD:
			/* as AS r (customer bigint, ...) has them */
			return BlessTupleDesc(BuildDescFromLists(function->funccolnames, function->funccoltypes,
													 function->funccoltypmods,
													 function->funccolcollations));
		default:
			return NULL;
	}
}

/* Whether it is worth planning a statement to see: it reads from one function. */
static bool
reads_one_function(CachedPlanSource *source)
{
	Query	   *query;

	if (list_length(source->query_list) != 1)
		return false;
	query = linitial_node(Query, source->query_list);
	return query->commandType == CMD_SELECT && list_length(query->rtable) == 1 &&
		linitial_node(RangeTblEntry, query->rtable)->rtekind == RTE_FUNCTION;
}

/*
 * The rows of a prepared statement if it is one of those above, or NULL, nothing
 * having been done.  To be freed by tuplestore_end before FreeExecutorState(*owner).
 */
Tuplestorestate *
segment_function_rows(CachedPlanSource *source, ParamListInfo params,
					  QueryEnvironment *environment, EState **owner)
{
	Tuplestorestate *result = NULL;
	CachedPlan *plan;
	RangeTblFunction *function = NULL;
	TupleDesc	columns;

	if (!reads_one_function(source))
		return NULL;
	/* as SPI: what was written so far is seen */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	plan = GetCachedPlan(source, params, NULL, environment);
	if (list_length(plan->stmt_list) == 1)
		function = scanned_function(linitial_node(PlannedStmt, plan->stmt_list));
	if (function != NULL && (columns = expected_columns(function)) != NULL)
	{
		EState	   *estate = CreateExecutorState();
		MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
		MemoryContext arguments = AllocSetContextCreate(estate->es_query_cxt,
														"arguments of a function of rows",
														ALLOCSET_DEFAULT_SIZES);
		ExprContext *context;
		SetExprState *call;

		estate->es_param_list_info = params;
		estate->es_queryEnv = environment;
		estate->es_snapshot = GetActiveSnapshot();
		context = CreateExprContext(estate);
		call = ExecInitTableFunctionResult((Expr *) copyObject(function->funcexpr), context, NULL);
		result = ExecMakeTableFunctionResult(call, context, arguments, columns, false);
		/* the statement and its snapshot end here; the rows do not */
		estate->es_snapshot = InvalidSnapshot;
		*owner = estate;
		MemoryContextSwitchTo(old);
	}
	ReleaseCachedPlan(plan, NULL);
	PopActiveSnapshot();
	return result;
}
