/*
 * owner.c: runs a command with the rights of a segmentation's owner.
 *
 * As REFRESH MATERIALIZED VIEW does (law 11): the user becomes the owner, in a
 * security-restricted operation, so that the owner's SQL can neither keep the
 * caller's rights nor leave anything behind in the caller's session; settings
 * it makes are undone at the end.  Only who has the owner's rights may do it,
 * so nobody gains a right by it; a superuser loses them for the time being.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "segmentation/checked.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(segment_run_as_owner);

/* The first column of the command's first row, as text, or NULL. */
static char *
run_command(const char *command, ArrayType *arguments, MemoryContext caller)
{
	char	   *result = NULL;
	Datum	   *values;
	bool	   *nulls;
	Oid		   *types;
	char	   *null_marks;
	int			n;
	int			i;
	int			code;

	deconstruct_array(arguments, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	types = palloc(sizeof(Oid) * Max(n, 1));
	null_marks = palloc(Max(n, 1));
	for (i = 0; i < n; i++)
	{
		types[i] = TEXTOID;
		null_marks[i] = nulls[i] ? 'n' : ' ';
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	code = SPI_execute_with_args(command, n, types, values, null_marks, false, 0);
	if (code < 0)
		elog(ERROR, "could not run the command: %s", SPI_result_code_string(code));
	if (code == SPI_OK_SELECT && SPI_processed > 0)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		if (value != NULL)
			result = MemoryContextStrdup(caller, value);
	}
	SPI_finish();
	return result;
}

Datum
segment_run_as_owner(PG_FUNCTION_ARGS)
{
	char	   *owner = NameStr(*PG_GETARG_NAME(0));
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ArrayType  *arguments = PG_GETARG_ARRAYTYPE_P(2);
	MemoryContext caller = CurrentMemoryContext;
	Oid			role = get_role_oid(owner, true);
	Oid			saved_user;
	int			saved_security;
	int			nest_level;
	char	   *volatile result = NULL;

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", owner)));
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as \"%s\"", owner),
				 errhint("Only the owner and members of that role may do this.")));

	/* an error ends the subtransaction or transaction, which resets all three */
	GetUserIdAndSecContext(&saved_user, &saved_security);
	SetUserIdAndSecContext(role, saved_security | SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();

	PG_TRY();
	{
		result = run_command(command, arguments, caller);
	}
	PG_CATCH();
	{
		/* how we came to it is none of the caller's */
		segment_throw_without_context(caller, NULL);
	}
	PG_END_TRY();

	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(saved_user, saved_security);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(result));
}
