/*
 * elementary.c: what of elementary.h is too long to stand inside its callers.
 *
 * log1p(x) = ln(1 + x) and expm1(x) = e^x - 1, without the digits that the
 * addition would lose when x is near 0.
 */
#include "kernel/base/elementary.h"

/* ln(1 + x); -infinity for -1, NaN below and for NaN */
double
segment_log1p(double x)
{
	double		u = 1 + x;
	double		lost;
	double		f;
	double		k;

	if (!(x > -1 && u < HUGE_VAL))
		return segment_log(u);
	/* here no power of two is split off and f is x itself */
	if (x > -0.29 && x < SEGMENT_LOG1P_NEAR)
		return fabs(x) < 0x1p-54 ? x : segment_log_parts(0, x, 0);
	/* what rounding took from 1 + x; as ln(u + lost) = ln u + lost / u */
	lost = u > 2 ? 1 - (u - x) : x - (u - 1);
	f = segment_log_split(u, &k);
	return segment_log_parts(k, f, lost / u);
}

/* e^x - 1; infinity where doubles end, NaN for NaN */
double
segment_expm1(double x)
{
	double		whole;
	double		r;
	double		power;

	/* below, only -1 is left of it; above, the 1 is nothing to e^x */
	if (!(x > -40 && x < 40))
		return x <= -40 ? -1 : segment_exp(x);
	if (fabs(x) < 0x1p-54)
		return x;
	whole = (x * SEGMENT_LOG2_E + SEGMENT_ROUNDER) - SEGMENT_ROUNDER;
	power = segment_bits_double((uint64) ((int64) whole + 1023) << 52);
	r = (x - whole * SEGMENT_LN2_HIGH) - whole * SEGMENT_LN2_LOW;
	return power * ((r * r) * segment_exp_series(r) + r) + (power - 1);
}
