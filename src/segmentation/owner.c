/*
 * owner.c: runs a command with the rights of a segmentation's owner.
 *
 * As REFRESH MATERIALIZED VIEW does (law 11): the user becomes the owner, in a
 * security-restricted operation, so that the owner's SQL can neither keep the
 * caller's rights nor leave anything behind in the caller's session; settings
 * it makes are undone at the end.  Only who has the owner's rights may do it,
 * so nobody gains a right by it; a superuser loses them for the time being.
 *
 * There is one exception.  Who reads events may come upon some that have no number yet; numbering
 * them is the table's upkeep, and is done with the rights of its owner, who made the table
 * for it, as the check of a foreign key reads with those of its table's owner.  The command is
 * ours, and nothing in it is the reader's but the name of a segmentation.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "segmentation/checked.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/plancache.h"

PG_FUNCTION_INFO_V1(segment_run_as_owner);
PG_FUNCTION_INFO_V1(segment_rows_as_owner);
PG_FUNCTION_INFO_V1(segment_number_events);

/* A command, whose arguments are text. */
typedef struct Command
{
	const char *text;
	ParamListInfo params;
	Oid		   *types;
	ReturnSetInfo *rows;		/* where its rows go; NULL: only the first value is asked for */
	char	   *first;			/* of the first row the first column as text; NULL: none */
	MemoryContext caller;
} Command;

static void
read_command(FunctionCallInfo fcinfo, Command *command)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int			i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	command->text = text_to_cstring(PG_GETARG_TEXT_PP(1));
	command->params = makeParamList(n);
	command->types = palloc(sizeof(Oid) * Max(n, 1));
	for (i = 0; i < n; i++)
	{
		command->types[i] = TEXTOID;
		command->params->params[i].ptype = TEXTOID;
		command->params->params[i].pflags = PARAM_FLAG_CONST;
		command->params->params[i].value = values[i];
		command->params->params[i].isnull = nulls[i];
	}
	command->caller = CurrentMemoryContext;
}

static void
run_command(Command *command)
{
	SPIExecuteOptions options = {0};
	SPIPlanPtr	plan;
	CachedPlanSource *source;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(command->text, command->params->numParams, command->types);
	if (plan == NULL)
		elog(ERROR, "could not prepare the command: %s", SPI_result_code_string(SPI_result));
	options.params = command->params;
	if (command->rows != NULL)
	{
		source = linitial(SPI_plan_get_plan_sources(plan));
		segment_check_rows(source->resultDesc, command->rows->setDesc);
		options.must_return_tuples = true;
		options.dest = CreateDestReceiver(DestTuplestore);
		SetTuplestoreDestReceiverParams(options.dest, command->rows->setResult,
										command->rows->econtext->ecxt_per_query_memory, false,
										NULL, NULL);
	}
	code = SPI_execute_plan_extended(plan, &options);
	if (code < 0)
		elog(ERROR, "could not run the command: %s", SPI_result_code_string(code));
	if (command->rows == NULL && code == SPI_OK_SELECT && SPI_processed > 0)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		if (value != NULL)
			command->first = MemoryContextStrdup(command->caller, value);
	}
	SPI_finish();
}

/* A role that the current user may act as. */
static Oid
role_to_act_as(const char *owner)
{
	Oid			role = get_role_oid(owner, true);

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", owner)));
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as \"%s\"", owner),
				 errhint("Only the owner and members of that role may do this.")));
	return role;
}

static void
run_as(Oid role, Command *command)
{
	Oid			saved_user;
	int			saved_security;
	int			nest_level;

	/* an error ends the subtransaction or transaction, which resets all three */
	GetUserIdAndSecContext(&saved_user, &saved_security);
	SetUserIdAndSecContext(role, saved_security | SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();

	PG_TRY();
	{
		run_command(command);
	}
	PG_CATCH();
	{
		/* how we came to it is none of the caller's */
		segment_throw_without_context(command->caller, NULL);
	}
	PG_END_TRY();

	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(saved_user, saved_security);
}

/* run_as_owner(owner, command, VARIADIC arguments): the first value */
Datum
segment_run_as_owner(PG_FUNCTION_ARGS)
{
	Command		command = {0};

	read_command(fcinfo, &command);
	run_as(role_to_act_as(NameStr(*PG_GETARG_NAME(0))), &command);
	if (command.first == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(command.first));
}

/* rows_as_owner(owner, command, VARIADIC arguments): all rows */
Datum
segment_rows_as_owner(PG_FUNCTION_ARGS)
{
	Command		command = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	read_command(fcinfo, &command);
	command.rows = (ReturnSetInfo *) fcinfo->resultinfo;
	run_as(role_to_act_as(NameStr(*PG_GETARG_NAME(0))), &command);
	return (Datum) 0;
}

/* The owner of a segmentation whose events the current user may read; InvalidOid: it is none. */
static Oid
owner_of_readable_events(Datum segmentation)
{
	Oid			type = TEXTOID;
	Oid			result = InvalidOid;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT m.relowner "
							  "FROM segment.segmentation AS g, pg_catalog.pg_class AS m "
							  "WHERE g.name OPERATOR(pg_catalog.=) $1"
							  "  AND m.oid OPERATOR(pg_catalog.=) g.members"
							  "  AND segment_internal.may_read(g.events)",
							  1, &type, &segmentation, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the catalogue");
	if (SPI_processed > 0)
		result = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
												&isnull));
	SPI_finish();
	return result;
}

/* number_events(segmentation): with the rights of its owner, for whoever may read its events */
Datum
segment_number_events(PG_FUNCTION_ARGS)
{
	Command		command = {"SELECT segment_internal.number_events_as_owner($1)"};
	Oid			type = TEXTOID;
	Oid			owner = owner_of_readable_events(PG_GETARG_DATUM(0));

	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the events of segmentation \"%s\"",
						text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	command.types = &type;
	command.params = makeParamList(1);
	command.params->params[0].ptype = TEXTOID;
	command.params->params[0].pflags = PARAM_FLAG_CONST;
	command.params->params[0].value = PG_GETARG_DATUM(0);
	command.params->params[0].isnull = false;
	command.caller = CurrentMemoryContext;
	run_as(owner, &command);
	PG_RETURN_VOID();
}
