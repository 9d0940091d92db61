/*
 * summary_amount.c: amounts of orders as exact decimal numbers.
 *
 * An amount that double precision cannot hold is taken like an infinite one:
 * models and means are of double precision, and one bad amount must cost its
 * row, not the refresh (law 17).
 */
#include "source/summary_amount.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* What reads the amounts of a column of this type. */
AmountReader
segment_amount_reader(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
			return AMOUNT_INT2;
		case INT4OID:
			return AMOUNT_INT4;
		case INT8OID:
			return AMOUNT_INT8;
		case FLOAT4OID:
			return AMOUNT_FLOAT4;
		case FLOAT8OID:
			return AMOUNT_FLOAT8;
		case NUMERICOID:
			return AMOUNT_NUMERIC;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column 3 (amount) of the source has type %s, expected a number",
							format_type_be(type)),
					 errhint("Cast it to numeric.")));
	}
}

/*
 * The decimal number a double was meant to be: the shortest that reads back as
 * the same double, exactly as the cast of its text to numeric.  A number of at
 * most 15 digits with up to six after the point is found by trying.
 */
bool
segment_amount_read_float8(double x, FoldRow *row)
{
	static const int scales[] = {0, 2, 4, 6};
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];
	Datum		number;
	int64		mantissa;
	int			scale;
	int			i;

	if (!isfinite(x))
		return false;
	for (i = 0; i < (int) lengthof(scales); i++)
	{
		double		power = (double) segment_power_of_ten[scales[i]];
		double		scaled = rint(x * power);

		if (fabs(scaled) < 1e15 && scaled / power == x)
		{
			row->mantissa = (int64) scaled;
			row->scale = scales[i];
			return true;
		}
	}
	double_to_shortest_decimal_buf(x, text);
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	if (segment_numeric_read(number, &mantissa, &scale) == SEGMENT_NUMERIC_SMALL)
	{
		row->mantissa = mantissa;
		row->scale = scale;
	}
	else
	{
		row->flags |= FOLD_LARGE;
		row->large = DatumGetNumeric(number);
	}
	return true;
}

/* Through its own shortest text: 0.1 is 0.1, not 0.10000000149. */
bool
segment_amount_read_float4(float4 x, FoldRow *row)
{
	char		text[FLOAT_SHORTEST_DECIMAL_LEN];

	if (!isfinite(x))
		return false;
	float_to_shortest_decimal_buf(x, text);
	return segment_amount_read_float8(strtod(text, NULL), row);
}

/* A numeric of more than 18 digits. */
bool
segment_amount_read_large(Datum value, FoldRow *row)
{
	if (!isfinite(segment_numeric_to_double(value)))
		return false;
	row->flags |= FOLD_LARGE;
	row->large = DatumGetNumericCopy(value);
	return true;
}
