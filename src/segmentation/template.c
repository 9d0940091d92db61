/*
 * template.c: texts of statements with named places.
 *
 *		template	SELECT {key} FROM {members}
 *		places		{"key": "id", "members": "loyalty_segments"}
 *		result		SELECT id FROM loyalty_segments
 *
 * Filled in one pass, so braces in what is filled in are left alone.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(segment_fill_places);

static void
refuse_brace(const char *template)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("a template has a brace without its counterpart"),
			 errdetail_internal("%s", template)));
}

/* What stands for a place: a string as it is, a number or boolean as its text. */
static void
fill_place(StringInfo result, Jsonb *places, const char *name, int length, const char *template)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(places) ||
		getKeyJsonValueFromContainer(&places->root, name, length, &value) == NULL ||
		value.type == jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("nothing stands for the place {%.*s}", length, name),
				 errdetail_internal("%s", template)));
	switch (value.type)
	{
		case jbvString:
			appendBinaryStringInfo(result, value.val.string.val, value.val.string.len);
			break;
		case jbvNumeric:
			appendStringInfoString(result,
								   DatumGetCString(DirectFunctionCall1(numeric_out,
																	   NumericGetDatum(value.val.numeric))));
			break;
		case jbvBool:
			appendStringInfoString(result, value.val.boolean ? "true" : "false");
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("what stands for the place {%.*s} is no text", length, name)));
	}
}

/* fill_places(template, places) */
Datum
segment_fill_places(PG_FUNCTION_ARGS)
{
	char	   *template = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *places = PG_GETARG_JSONB_P(1);
	StringInfoData result;
	const char *at = template;

	initStringInfo(&result);
	for (;;)
	{
		const char *open = strpbrk(at, "{}");
		const char *close;

		if (open == NULL)
			break;
		close = strpbrk(open + 1, "{}");
		if (*open != '{' || close == NULL || *close != '}')
			refuse_brace(template);
		appendBinaryStringInfo(&result, at, open - at);
		fill_place(&result, places, open + 1, close - open - 1, template);
		at = close + 1;
	}
	appendStringInfoString(&result, at);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(result.data, result.len));
}
