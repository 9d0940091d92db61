/*
 * arguments.c: arguments of SQL functions, checked: an error says what was expected
 * and what came.
 */
#include "base/arguments.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"

void
segment_refuse_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
}

/* A whole number of at least `least`. */
int
segment_arg_count(FunctionCallInfo fcinfo, int arg, const char *name, int least)
{
	int32		n;

	segment_refuse_null(fcinfo, arg, name);
	n = PG_GETARG_INT32(arg);
	if (n < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least %d, not %d", name, least, n)));
	return n;
}

/* A finite number of at least `least`. */
double
segment_arg_number(FunctionCallInfo fcinfo, int arg, const char *name, double least)
{
	double		x;

	segment_refuse_null(fcinfo, arg, name);
	x = PG_GETARG_FLOAT8(arg);
	if (!(x >= least && isfinite(x)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number of at least %g, not %g", name, least, x)));
	return x;
}

/* A seed stands in the model's JSON, where numbers are exact up to 2^53. */
uint64
segment_arg_seed(FunctionCallInfo fcinfo, int arg)
{
	const int64 most = INT64CONST(1) << 53;
	int64		seed;

	segment_refuse_null(fcinfo, arg, "seed");
	seed = PG_GETARG_INT64(arg);
	if (seed < -most || seed > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("seed must be from -2^53 to 2^53, not " INT64_FORMAT, seed)));
	return (uint64) seed;
}

/* The type of an argument that does nothing but name it. */
Oid
segment_arg_key_type(FunctionCallInfo fcinfo, int arg)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, arg);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_DATATYPE),
				 errmsg("could not determine the type of the customer key"),
				 errhint("Name it in the first argument, for instance null::bigint.")));
	return type;
}

/* NULL for NULL. */
char *
segment_arg_text(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* The place of a name in a list of those allowed; an error names them all. */
int
segment_name_in_list(const char *name, const char *const *list, const char *argument)
{
	StringInfoData allowed;
	int			i;

	for (i = 0; name != NULL && list[i] != NULL; i++)
		if (strcmp(list[i], name) == 0)
			return i;
	initStringInfo(&allowed);
	for (i = 0; list[i] != NULL; i++)
		appendStringInfo(&allowed, "%s\"%s\"", i == 0 ? "" : list[i + 1] == NULL ? " or " : ", ",
						 list[i]);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null, expected %s", argument, allowed.data)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s is \"%s\", expected %s", argument, name, allowed.data)));
}
