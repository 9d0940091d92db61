/*
 * steps.c: runs a refresh, which is a list of SQL statements.
 *
 * A step is one statement.  The rows of a step that has a name are kept, and
 * the steps after it read them as a table of that name; a step without one
 * writes.  So every statement is plain SQL on names such as "summary" and
 * "changed": a test makes tables of these names and runs the same text.
 *
 *		step 1   ('summary', SELECT ... )         ->  tuplestore "summary"
 *		step 2   ('model', SELECT ... summary)    ->  tuplestore "model"
 *		step 3   (NULL, UPDATE ... )              ->  rows written
 *		...
 *		last     ('result', SELECT ... )          ->  what run_steps returns
 *
 * Kept rows are ephemeral named relations, what transition tables of triggers
 * are made of: they take work_mem each and then go to temporary files, they are in
 * no catalogue, and they are allowed in a security-restricted operation, which
 * temporary tables are not.  Statements see each other's writes, and one state of
 * the user's data as long as only one step reads the source.
 *
 * An INSERT into a plain table without indexes is run many rows at once, see fill.c;
 * the rows of a step that is a call of a set-returning function are kept as the function
 * made them, see function_rows.c.
 *
 * All statements have the same parameters, which are constants to the planner: what
 * depends on $4 being false, for instance, is not even planned.  The last one is the first
 * column of the step "model", NULL until that has run: a statement on tables that lie on
 * other servers cannot read rows that are kept here, so there the model travels as a value.
 */
#include "compat.h"

#include "base/progress.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "portability/instr_time.h"
#include "segmentation/checked.h"
#include "segmentation/fill.h"
#include "segmentation/function_rows.h"
#include "segmentation/steps.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_run_steps);
PG_FUNCTION_INFO_V1(segment_step_rows);

#define OLD_MODEL_ARGUMENT 4	/* of run_steps, from 0 */

/* Which step it was, in place of a statement of pages. */
static void
tell_step(void *arg)
{
	errcontext("step \"%s\" of a refresh", (char *) arg);
}

static char **
strings_of(ArrayType *array, int *n)
{
	Datum	   *values;
	bool	   *nulls;
	char	  **result;
	int			i;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, n);
	result = palloc(sizeof(char *) * Max(*n, 1));
	for (i = 0; i < *n; i++)
		result[i] = nulls[i] ? NULL : TextDatumGetCString(values[i]);
	return result;
}

static void
register_rows(QueryEnvironment *environment, const char *name, Tuplestorestate *store,
			  TupleDesc desc, uint64 rows)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));
	int			result;

	relation->md.name = pstrdup(name);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = rows;
	relation->reldata = store;
	result = SPI_register_relation(relation);
	if (result != SPI_OK_REL_REGISTER)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("two steps of a refresh are named \"%s\"", name)));
	register_ENR(environment, relation);
}

/* The step "model" has run: its model is what the statements after it call $6. */
static void
take_model(Steps *steps, int i)
{
	ParamExternData *model = &steps->params->params[MODEL_PARAMETER];
	TupleTableSlot *slot;

	if (TupleDescAttr(steps->desc, 0)->atttypid != model->ptype)
		return;
	slot = MakeSingleTupleTableSlot(steps->desc, &TTSOpsMinimalTuple);
	if (tuplestore_gettupleslot(steps->store[i], true, true, slot))
	{
		model->value = slot_getattr(slot, 1, &model->isnull);
		if (!model->isnull)
			model->value = datumCopy(model->value, false, -1);
	}
	tuplestore_rescan(steps->store[i]);
	ExecDropSingleTupleTableSlot(slot);
}

static void
log_step(StringInfo log, const char *name, uint64 rows, instr_time began)
{
	instr_time	now;

	if (log == NULL)
		return;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, began);
	appendStringInfo(log, "%s{\"step\": ", log->len > 1 ? ", " : "");
	escape_json(log, name);
	appendStringInfo(log, ", \"rows\": " UINT64_FORMAT ", \"ms\": %.3f}", rows,
					 INSTR_TIME_GET_MILLISEC(now));
}

/* What a writing step is called in the log: its first word. */
static char *
verb_of(const char *statement)
{
	const char *begin = statement + strspn(statement, " \t\n(");

	return pnstrdup(begin, strcspn(begin, " \t\n"));
}

/* Runs a statement by way of the executor; returns its rows. */
static uint64
execute(SPIPlanPtr plan, Steps *steps, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.params = steps->params;
	options.dest = receiver;
	options.must_return_tuples = receiver != NULL;
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not run: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/* Keeps rows, and tells how many there are so far. */
typedef struct KeepReceiver
{
	DestReceiver receiver;		/* first, so that it can be cast */
	Tuplestorestate *store;
	uint64		rows;
} KeepReceiver;

static bool
keep_receive(TupleTableSlot *slot, DestReceiver *self)
{
	KeepReceiver *keep = (KeepReceiver *) self;

	tuplestore_puttupleslot(keep->store, slot);
	segment_progress_rows(ROWS_MADE, ++keep->rows);
	return true;
}

static void
keep_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
keep_nothing(DestReceiver *self)
{
}

/* Keeps the rows of a step that has a name; returns how many. */
static uint64
keep_rows(Steps *steps, int i, SPIPlanPtr plan, CachedPlanSource *source)
{
	KeepReceiver keep = {{keep_receive, keep_startup, keep_nothing, keep_nothing, DestNone}};

	steps->store[i] = segment_function_rows(source, steps->params, steps->environment,
											&steps->owner[i]);
	if (steps->store[i] != NULL)
		return tuplestore_tuple_count(steps->store[i]);
	steps->store[i] = tuplestore_begin_heap(false, false, work_mem);
	keep.store = steps->store[i];
	return execute(plan, steps, &keep.receiver);
}

/* The plan of a step, which may have been kept from a run before. */
static SPIPlanPtr
plan_step(Steps *steps, int i)
{
	SPIPlanPtr	plan;

	if (steps->kept != NULL && steps->kept[i] != NULL)
		return steps->kept[i];
	plan = SPI_prepare_cursor(steps->statement[i], N_PARAMETERS, steps->types,
							  steps->kept != NULL ? CURSOR_OPT_GENERIC_PLAN : CURSOR_OPT_CUSTOM_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
	if (list_length(SPI_plan_get_plan_sources(plan)) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a step of a refresh must be one statement")));
	if (steps->kept != NULL)
	{
		if (SPI_keepplan(plan) != 0)
			elog(ERROR, "could not keep a plan");
		steps->kept[i] = plan;
	}
	return plan;
}

/* Runs a step; returns how many rows it has, or wrote. */
uint64
segment_run_step(Steps *steps, int i)
{
	char	   *name = steps->name[i] ? steps->name[i] : verb_of(steps->statement[i]);
	ErrorContextCallback context = {error_context_stack, tell_step, name};
	SPIPlanPtr	plan;
	CachedPlanSource *source;
	uint64		rows;
	instr_time	began;

	INSTR_TIME_SET_CURRENT(began);
	segment_progress_step(name);
	error_context_stack = &context;
	plan = plan_step(steps, i);
	source = linitial(SPI_plan_get_plan_sources(plan));
	if (steps->name[i] != NULL)
		rows = keep_rows(steps, i, plan, source);
	/* plans are kept where rows are few */
	else if (steps->kept != NULL ||
			 !segment_fill(source, steps->params, steps->environment, &rows))
		rows = execute(plan, steps, NULL);
	if (steps->name[i] != NULL)
	{
		steps->desc = CreateTupleDescCopy(source->resultDesc);
		register_rows(steps->environment, steps->name[i], steps->store[i], steps->desc, rows);
		if (strcmp(name, "model") == 0)
			take_model(steps, i);
	}
	log_step(steps->log, name, rows, began);
	error_context_stack = context.previous;
	return rows;
}

/* The single row of the last step, and the log behind it. */
static HeapTuple
result_row(Steps *steps, TupleDesc wanted, MemoryContext caller)
{
	Tuplestorestate *store = steps->store[steps->n - 1];
	int			n = wanted->natts - 1;
	Datum	   *values = palloc(sizeof(Datum) * wanted->natts);
	bool	   *nulls = palloc(sizeof(bool) * wanted->natts);
	TupleTableSlot *slot;
	MemoryContext old;
	HeapTuple	result;
	int			i;

	if (store == NULL || tuplestore_tuple_count(store) != 1 || steps->desc->natts != n)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the last step of a refresh must return one row of %d columns", n)));
	for (i = 0; i < n; i++)
		if (TupleDescAttr(steps->desc, i)->atttypid != TupleDescAttr(wanted, i)->atttypid)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of the last step of a refresh is of type %s, expected %s",
							NameStr(TupleDescAttr(wanted, i)->attname),
							format_type_be(TupleDescAttr(steps->desc, i)->atttypid),
							format_type_be(TupleDescAttr(wanted, i)->atttypid))));
	slot = MakeSingleTupleTableSlot(steps->desc, &TTSOpsMinimalTuple);
	(void) tuplestore_gettupleslot(store, true, false, slot);
	slot_getallattrs(slot);
	memcpy(values, slot->tts_values, sizeof(Datum) * n);
	memcpy(nulls, slot->tts_isnull, sizeof(bool) * n);
	appendStringInfoChar(steps->log, ']');
	values[n] = DirectFunctionCall1(jsonb_in, CStringGetDatum(steps->log->data));
	nulls[n] = false;
	old = MemoryContextSwitchTo(caller);
	result = heap_form_tuple(wanted, values, nulls);
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(slot);
	return result;
}

/* Makes room for the rows and parameters of steps whose number is known. */
void
segment_begin_steps(Steps *steps)
{
	int			i;

	steps->store = palloc0(sizeof(Tuplestorestate *) * steps->n);
	steps->owner = palloc0(sizeof(EState *) * steps->n);
	steps->environment = create_queryEnv();
	steps->params = makeParamList(N_PARAMETERS);
	for (i = 0; i < N_PARAMETERS; i++)
	{
		steps->params->params[i].pflags = PARAM_FLAG_CONST;
		steps->params->params[i].isnull = true;
	}
}

/* Reads the statements and their parameters, which are arguments 0 to 6; SPI must be connected. */
static void
read_steps(FunctionCallInfo fcinfo, Steps *steps)
{
	int			n_names;
	int			i;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("names and statements must not be null")));
	steps->name = strings_of(PG_GETARG_ARRAYTYPE_P(0), &n_names);
	steps->statement = strings_of(PG_GETARG_ARRAYTYPE_P(1), &steps->n);
	if (steps->n < 1 || n_names != steps->n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("expected as many names as statements, and at least one, got %d and %d",
						n_names, steps->n)));
	segment_begin_steps(steps);
	for (i = 0; i < N_PARAMETERS; i++)
	{
		/* the model in use is of the type of the one before */
		int			argument = i < MODEL_PARAMETER ? 2 + i : OLD_MODEL_ARGUMENT;

		steps->types[i] = get_fn_expr_argtype(fcinfo->flinfo, argument);
		steps->params->params[i].ptype = steps->types[i];
		steps->params->params[i].value = PG_GETARG_DATUM(argument);
		steps->params->params[i].isnull = i == MODEL_PARAMETER || PG_ARGISNULL(argument);
	}
	steps->log = makeStringInfo();
	appendStringInfoChar(steps->log, '[');
}

static void
run_all(Steps *steps)
{
	int			i;

	for (i = 0; i < steps->n; i++)
	{
		if (steps->statement[i] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("statement %d of a refresh is null", i + 1)));
		CHECK_FOR_INTERRUPTS();
		(void) segment_run_step(steps, i);
	}
}

/* Before SPI_finish, which frees the memory of their files' owners. */
void
segment_end_steps(Steps *steps)
{
	int			i;

	for (i = 0; i < steps->n; i++)
	{
		if (steps->store[i] != NULL)
			tuplestore_end(steps->store[i]);
		if (steps->owner[i] != NULL)
			FreeExecutorState(steps->owner[i]);
	}
}

/*
 * run_steps(names, statements, as_of, trained, old_model, again, only): the row of the
 * last step, and what each step did.
 */
Datum
segment_run_steps(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Steps		steps = {0};
	TupleDesc	wanted;
	HeapTuple	result;

	if (get_call_result_type(fcinfo, NULL, &wanted) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	wanted = BlessTupleDesc(wanted);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	read_steps(fcinfo, &steps);
	run_all(&steps);
	result = result_row(&steps, wanted, caller);
	segment_end_steps(&steps);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(result));
}

/* step_rows(the same): all rows of the last step, whose columns a column definition list names */
Datum
segment_step_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Steps		steps = {0};
	TupleTableSlot *slot;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	read_steps(fcinfo, &steps);
	run_all(&steps);
	if (steps.store[steps.n - 1] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the last step of a refresh must return rows")));
	segment_check_rows(steps.desc, rsinfo->setDesc);
	slot = MakeSingleTupleTableSlot(steps.desc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(steps.store[steps.n - 1], true, false, slot))
		tuplestore_puttupleslot(rsinfo->setResult, slot);
	ExecDropSingleTupleTableSlot(slot);
	segment_end_steps(&steps);
	SPI_finish();
	return (Datum) 0;
}
