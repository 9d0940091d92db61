/*
 * numeric_digits.h: reads numeric values without going through text.
 *
 * numeric_float8 prints the number and parses it again, some 200 ns a value;
 * nearly all amounts of money have at most 18 digits, and those can be read
 * from the stored digits in a few nanoseconds.  The layout is that of
 * PostgreSQL's numeric.c on disk, unchanged since 9.1 (a change would break
 * pg_upgrade); test/sql/numeric_digits.sql compares with the server's own.
 */
#ifndef SEGMENT_NUMERIC_DIGITS_H
#define SEGMENT_NUMERIC_DIGITS_H

#include "compat.h"

typedef enum SegmentNumericKind
{
	SEGMENT_NUMERIC_SMALL,		/* mantissa and scale are set */
	SEGMENT_NUMERIC_LARGE,		/* finite, but not of at most 18 digits */
	SEGMENT_NUMERIC_SPECIAL		/* NaN or an infinity */
} SegmentNumericKind;

/* value = mantissa / 10^scale; the scale is the one that is displayed */
extern SegmentNumericKind segment_numeric_read(Datum value, int64 *mantissa, int *scale);

/*
 * The nearest double, the same as a cast to double precision gives where that
 * does not fail; beyond its range an infinity or zero.
 */
extern double segment_numeric_to_double(Datum value);

/* 10^0 to 10^18 */
extern const int64 segment_power_of_ten[19];

#endif							/* SEGMENT_NUMERIC_DIGITS_H */
