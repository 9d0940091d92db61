/*
 * decimal_sum.c: exact sums of decimal amounts.
 *
 * A sum is an integer at a decimal scale, which rises when an amount with more digits comes.
 * What leaves the range of int64 goes on as numeric, for that sum alone.
 */
#include "source/decimal_sum.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

Numeric
segment_decimal(int64 mantissa, int scale)
{
	return int64_div_fast_to_numeric(mantissa, scale);
}

void
segment_large_sums_begin(LargeSums *sums, MemoryContext context)
{
	memset(sums, 0, sizeof(*sums));
	sums->context = context;
}

/* Bytes, about. */
Size
segment_large_sums_size(const LargeSums *sums)
{
	return (Size) sums->n * 64;
}

/* Adds to the large sum of that number, which is made where it is 0. */
void
segment_large_sum_add(LargeSums *sums, uint32 *large, Numeric amount)
{
	MemoryContext old = MemoryContextSwitchTo(sums->context);
	Numeric    *sum;

	if (*large == 0)
	{
		if (sums->n == sums->n_allocated)
		{
			sums->n_allocated = Max(64, 2 * sums->n_allocated);
			sums->sum = sums->sum == NULL
				? palloc(sizeof(Numeric) * sums->n_allocated)
				: repalloc_huge(sums->sum, sizeof(Numeric) * sums->n_allocated);
		}
		sums->sum[sums->n] = DatumGetNumericCopy(NumericGetDatum(amount));
		*large = ++sums->n;
	}
	else
	{
		sum = &sums->sum[*large - 1];
		amount = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(*sum),
													 NumericGetDatum(amount)));
		pfree(*sum);
		*sum = amount;
	}
	MemoryContextSwitchTo(old);
}

/* Adds an amount of another scale, or one that overflows. */
pg_noinline void
segment_decimal_add_slow(LargeSums *sums, DecimalSum *sum, int64 mantissa, int scale)
{
	int64		amount = mantissa;
	int64		total = sum->sum;

	if (scale > sum->scale)
	{
		if (__builtin_mul_overflow(total, segment_power_of_ten[scale - sum->scale], &total))
		{
			segment_large_sum_add(sums, &sum->large, segment_decimal(sum->sum, sum->scale));
			total = 0;
		}
		sum->scale = scale;
		sum->sum = total;
	}
	if (__builtin_mul_overflow(amount, segment_power_of_ten[sum->scale - scale], &amount))
	{
		segment_large_sum_add(sums, &sum->large, segment_decimal(mantissa, scale));
		return;
	}
	if (__builtin_add_overflow(total, amount, &total))
	{
		segment_large_sum_add(sums, &sum->large, segment_decimal(sum->sum, sum->scale));
		total = amount;
	}
	sum->sum = total;
}

/* With as many digits as sum() would display. */
Numeric
segment_decimal_value(const LargeSums *sums, const DecimalSum *sum)
{
	Numeric		value = segment_decimal(sum->sum, sum->scale);

	if (sum->large != 0)
		value = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(value),
													NumericGetDatum(sums->sum[sum->large - 1])));
	return value;
}
