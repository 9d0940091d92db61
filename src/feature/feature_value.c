/*
 * feature_value.c: reads a feature from an SQL value of any type.
 *
 * Numbers become doubles, exactly rounded; booleans, strings and enums are
 * categories, known by their text.
 */
#include "feature/feature_value.h"

#include "catalog/pg_type.h"
#include "base/numeric_digits.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(segment_as_double);

bool
segment_feature_reader(Oid type, FeatureReader *reader)
{
	switch (getBaseType(type))
	{
		case INT2OID:
			*reader = FEATURE_INT2;
			return true;
		case INT4OID:
			*reader = FEATURE_INT4;
			return true;
		case INT8OID:
			*reader = FEATURE_INT8;
			return true;
		case FLOAT4OID:
			*reader = FEATURE_FLOAT4;
			return true;
		case FLOAT8OID:
			*reader = FEATURE_FLOAT8;
			return true;
		case NUMERICOID:
			*reader = FEATURE_NUMERIC;
			return true;
		case BOOLOID:
			*reader = FEATURE_BOOL;
			return true;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			*reader = FEATURE_TEXT;
			return true;
		case UNKNOWNOID:
			*reader = FEATURE_UNKNOWN_NULL;
			return true;
		default:
			if (type_is_enum(getBaseType(type)))
			{
				*reader = FEATURE_ENUM;
				return true;
			}
			return false;
	}
}

FeatureReader
segment_feature_reader_or_error(Oid type, const char *feature)
{
	FeatureReader reader;

	if (!segment_feature_reader(type, &reader))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("feature \"%s\" has type %s, expected a number, boolean, text or enum",
						feature, format_type_be(type)),
				 errhint("Turn it into a number, for instance a date into days: extract(epoch FROM ...) / 86400.")));
	return reader;
}

double
segment_feature_number(FeatureReader reader, Datum value)
{
	switch (reader)
	{
		case FEATURE_INT2:
			return (double) DatumGetInt16(value);
		case FEATURE_INT4:
			return (double) DatumGetInt32(value);
		case FEATURE_INT8:
			return (double) DatumGetInt64(value);
		case FEATURE_FLOAT4:
			return (double) DatumGetFloat4(value);
		case FEATURE_FLOAT8:
			return DatumGetFloat8(value);
		case FEATURE_NUMERIC:
			return segment_numeric_to_double(value);
		case FEATURE_UNKNOWN_NULL:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a feature is '%s', a literal without a type, expected a number or NULL",
							DatumGetCString(value)),
					 errhint("Write a number without quotes, or cast it: '1.5'::float8.")));
			break;
		default:
			elog(ERROR, "feature reader %d does not yield a number", (int) reader);
	}
	return 0;					/* keep compiler quiet */
}

/* as_double(numeric): strict */
Datum
segment_as_double(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(segment_numeric_to_double(PG_GETARG_DATUM(0)));
}

char *
segment_feature_category(FeatureReader reader, Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;

	if (reader == FEATURE_BOOL)
		return DatumGetBool(value) ? "true" : "false";
	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}
