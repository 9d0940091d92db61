/*
 * numeric_digits.c: reads numeric values without going through text.
 */
#include "base/numeric_digits.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* Header bits of a stored numeric; the digits are base 10000. */
#define SIGN_MASK			0xC000
#define SIGN_NEGATIVE		0x4000
#define FORM_SHORT			0x8000
#define FORM_SPECIAL		0xC000
#define SHORT_NEGATIVE		0x2000
#define SHORT_SCALE_MASK	0x1F80
#define SHORT_SCALE_SHIFT	7
#define SHORT_WEIGHT_SIGN	0x0040
#define SHORT_WEIGHT_MASK	0x003F
#define LONG_SCALE_MASK		0x3FFF

const int64 segment_power_of_ten[19] = {
	INT64CONST(1), INT64CONST(10), INT64CONST(100), INT64CONST(1000), INT64CONST(10000),
	INT64CONST(100000), INT64CONST(1000000), INT64CONST(10000000), INT64CONST(100000000),
	INT64CONST(1000000000), INT64CONST(10000000000), INT64CONST(100000000000),
	INT64CONST(1000000000000), INT64CONST(10000000000000), INT64CONST(100000000000000),
	INT64CONST(1000000000000000), INT64CONST(10000000000000000),
	INT64CONST(100000000000000000), INT64CONST(1000000000000000000)
};

SegmentNumericKind
segment_numeric_read(Datum value, int64 *mantissa, int *scale)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);
	const char *p;
	int			size;
	uint16		header;
	bool		negative;
	int			weight;
	int			n;
	int64		m = 0;
	int			exponent;
	int			i;

	/* tuples keep small values under a one-byte header, unaligned: hence memcpy */
	if (VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v))
		v = pg_detoast_datum(v);
	p = VARDATA_ANY(v);
	size = (int) VARSIZE_ANY_EXHDR(v);
	memcpy(&header, p, sizeof(header));
	p += sizeof(header);
	size -= sizeof(header);

	if ((header & SIGN_MASK) == FORM_SPECIAL)
		return SEGMENT_NUMERIC_SPECIAL;
	if ((header & SIGN_MASK) == FORM_SHORT)
	{
		negative = (header & SHORT_NEGATIVE) != 0;
		*scale = (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT;
		weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			weight -= SHORT_WEIGHT_MASK + 1;
	}
	else
	{
		int16		long_weight;

		negative = (header & SIGN_MASK) == SIGN_NEGATIVE;
		*scale = header & LONG_SCALE_MASK;
		memcpy(&long_weight, p, sizeof(long_weight));
		weight = long_weight;
		p += sizeof(long_weight);
		size -= sizeof(long_weight);
	}

	n = size / (int) sizeof(int16);
	if (n > 4 || *scale > 18)
		return SEGMENT_NUMERIC_LARGE;
	for (i = 0; i < n; i++)
	{
		int16		digit;

		memcpy(&digit, p + i * sizeof(int16), sizeof(int16));
		m = m * 10000 + digit;
	}

	/* m stands at 10000^(weight - n + 1): bring it to 10^-scale */
	exponent = 4 * (weight - n + 1) + *scale;
	if (m == 0)
		exponent = 0;
	if (exponent > 18)
		return SEGMENT_NUMERIC_LARGE;
	if (exponent >= 0)
	{
		if (m > INT64CONST(999999999999999999) / segment_power_of_ten[exponent])
			return SEGMENT_NUMERIC_LARGE;
		m *= segment_power_of_ten[exponent];
	}
	else
	{
		if (exponent < -3)
			return SEGMENT_NUMERIC_LARGE;
		m /= segment_power_of_ten[-exponent];	/* digits past the scale are zero */
	}
	*mantissa = negative ? -m : m;
	return SEGMENT_NUMERIC_SMALL;
}

double
segment_numeric_to_double(Datum value)
{
	int64		mantissa;
	int			scale;

	/*
	 * Both operands exact, one division: correctly rounded.  Larger numbers
	 * are left to the server, whose answer is correctly rounded too.  What
	 * double precision cannot hold becomes an infinity or zero: the caller
	 * treats that value alone as what it is, where a cast would fail for all.
	 */
	if (segment_numeric_read(value, &mantissa, &scale) == SEGMENT_NUMERIC_SMALL &&
		mantissa < (INT64CONST(1) << 53) && mantissa > -(INT64CONST(1) << 53))
		return (double) mantissa / (double) segment_power_of_ten[scale];
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
}
