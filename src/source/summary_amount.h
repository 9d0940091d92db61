/*
 * summary_amount.h: amounts of orders as exact decimal numbers.  See
 * summary_amount.c.
 */
#ifndef SEGMENT_SUMMARY_AMOUNT_H
#define SEGMENT_SUMMARY_AMOUNT_H

#include "compat.h"

#include "base/numeric_digits.h"
#include "source/fold.h"
#include "utils/fmgrprotos.h"

typedef enum AmountReader
{
	AMOUNT_INT2,
	AMOUNT_INT4,
	AMOUNT_INT8,
	AMOUNT_FLOAT4,
	AMOUNT_FLOAT8,
	AMOUNT_NUMERIC
} AmountReader;

extern AmountReader segment_amount_reader(Oid type);
extern bool segment_amount_read_float4(float4 x, FoldRow *row);
extern bool segment_amount_read_float8(double x, FoldRow *row);
extern bool segment_amount_read_large(Datum value, FoldRow *row);

/*
 * Fills mantissa and scale, or large; false when the amount is not finite, or beyond double
 * precision.
 */
static inline bool
segment_amount_read(AmountReader reader, Datum value, FoldRow *row)
{
	int64		mantissa;
	int			scale;

	row->scale = 0;
	row->mantissa = 0;
	switch (reader)
	{
		case AMOUNT_NUMERIC:
			switch (segment_numeric_read(value, &mantissa, &scale))
			{
				case SEGMENT_NUMERIC_SMALL:
					row->mantissa = mantissa;
					row->scale = scale;
					return true;
				case SEGMENT_NUMERIC_SPECIAL:
					return false;
				case SEGMENT_NUMERIC_LARGE:
					return segment_amount_read_large(value, row);
			}
			return false;
		case AMOUNT_INT2:
			row->mantissa = DatumGetInt16(value);
			return true;
		case AMOUNT_INT4:
			row->mantissa = DatumGetInt32(value);
			return true;
		case AMOUNT_INT8:
			row->mantissa = DatumGetInt64(value);
			return true;
		case AMOUNT_FLOAT8:
			return segment_amount_read_float8(DatumGetFloat8(value), row);
		case AMOUNT_FLOAT4:
			return segment_amount_read_float4(DatumGetFloat4(value), row);
	}
	return false;
}

/* -1, 0 or 1. */
static inline int
segment_amount_sign(const FoldRow *row)
{
	if (unlikely(row->flags & FOLD_LARGE))
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(row->large),
												 DirectFunctionCall1(int4_numeric,
																	 Int32GetDatum(0))));
	return row->mantissa < 0 ? -1 : row->mantissa > 0;
}

#endif							/* SEGMENT_SUMMARY_AMOUNT_H */
