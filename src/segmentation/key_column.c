/*
 * key_column.c: what the member table says of the customer key, its first column.
 *
 * Asked for in every statement that the steps of a refresh are made of.
 */
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(segment_key_column);
PG_FUNCTION_INFO_V1(segment_key_type);

/* key_column(relation) */
Datum
segment_key_column(PG_FUNCTION_ARGS)
{
	char	   *name = get_attname(PG_GETARG_OID(0), 1, true);
	NameData   *result;

	if (name == NULL)
		PG_RETURN_NULL();
	result = palloc(sizeof(NameData));
	namestrcpy(result, name);
	PG_RETURN_NAME(result);
}

/* key_type(relation) */
Datum
segment_key_type(PG_FUNCTION_ARGS)
{
	Oid			type = get_atttype(PG_GETARG_OID(0), 1);

	if (!OidIsValid(type))
		PG_RETURN_NULL();
	PG_RETURN_OID(type);
}
