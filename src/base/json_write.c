/*
 * json_write.c: the few pieces of JSON output that every model shares.
 *
 * Numbers are written in the shortest form that reads back as the same double
 * (Ryu, from PostgreSQL's common library): exact, and the same everywhere.
 * JSON has no infinity, so the infinities are the strings "Infinity" and
 * "-Infinity", as to_json writes them.
 */
#include "base/json_write.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "utils/json.h"

char *
segment_number_text(double x)
{
	char	   *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	double_to_shortest_decimal_buf(x, text);
	return text;
}

void
segment_json_put_string(StringInfo out, const char *s)
{
	escape_json(out, s);
}

void
segment_json_put_number(StringInfo out, double x)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(x, text);
	if (isinf(x))
		appendStringInfo(out, "\"%s\"", text);
	else
		appendStringInfoString(out, text);
}

/* Missing and infinite numbers are null. */
void
segment_json_put_number_or_null(StringInfo out, double x)
{
	if (isfinite(x))
		segment_json_put_number(out, x);
	else
		appendStringInfoString(out, "null");
}
