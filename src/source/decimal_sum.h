/*
 * decimal_sum.h: exact sums of decimal amounts.  See decimal_sum.c.
 */
#ifndef SEGMENT_DECIMAL_SUM_H
#define SEGMENT_DECIMAL_SUM_H

#include "compat.h"

#include "base/numeric_digits.h"
#include "utils/numeric.h"

/* Sums, or parts of sums, that left the range of int64; all others need none of it. */
typedef struct LargeSums
{
	MemoryContext context;
	Numeric    *sum;
	uint32		n;
	uint32		n_allocated;
} LargeSums;

typedef struct DecimalSum
{
	int64		sum;			/* over 10^scale */
	uint32		large;			/* number + 1 of what is to be added to it, or 0 */
	int32		scale;			/* most digits after the point of any amount */
} DecimalSum;

extern Numeric segment_decimal(int64 mantissa, int scale);
extern void segment_large_sums_begin(LargeSums *sums, MemoryContext context);
extern Size segment_large_sums_size(const LargeSums *sums);
extern void segment_large_sum_add(LargeSums *sums, uint32 *large, Numeric amount);
extern void segment_decimal_add_slow(LargeSums *sums, DecimalSum *sum, int64 mantissa, int scale);
extern Numeric segment_decimal_value(const LargeSums *sums, const DecimalSum *sum);

static inline void
segment_decimal_add(LargeSums *sums, DecimalSum *sum, int64 mantissa, int scale)
{
	int64		result;

	if (likely(scale == sum->scale) && likely(!__builtin_add_overflow(sum->sum, mantissa, &result)))
		sum->sum = result;
	else
		segment_decimal_add_slow(sums, sum, mantissa, scale);
}

#endif							/* SEGMENT_DECIMAL_SUM_H */
