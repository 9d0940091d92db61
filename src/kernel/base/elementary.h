/*
 * elementary.h: logarithm and exponential that give the same bits everywhere.
 *
 * Law 3: the same data give the same answer on every CPU and server.  libm
 * does not promise that: its exp and log differ in the last bit between
 * versions, and between CPUs with and without fused multiply-add.  These use
 * nothing but additions, multiplications, one division and bits, each rounded as
 * IEEE 754 says (the build forbids contraction), so only the text here decides.
 *
 * Both split off a power of two, which leaves a range short enough for the
 * plain power series; its coefficients are written as the fractions they are.
 * The error is below one unit in the last place (measured: test/unit/elementary.c).
 *
 * exp(x): x = k ln 2 + r with |r| <= ln(2)/2.  The series of e^r is cut after
 *	r^13, which leaves less than 2^-57.  ln 2 comes in two parts, the first with
 *	so few bits that k times it is exact.  2^k is multiplied in two halves, so
 *	that the result may be as small or as large as a double can be.  There is no
 *	branch: a loop over it becomes vector code, of any width, with the same bits.
 *
 * log(x): x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).  With
 *	s = f / (2 + f), log(1 + f) = 2 atanh(s) = 2 s + 2 s^3/3 + 2 s^5/5 + ...; s^2
 *	is below 0.0295, and the series is cut after s^21.  As s (2 + f) = f,
 *	2 s = f - f^2/2 + s f^2/2, which leaves the rounding error of the division
 *	only in the small terms.
 */
#ifndef SEGMENT_ELEMENTARY_H
#define SEGMENT_ELEMENTARY_H

#include "c.h"

#include <math.h>

#include "kernel/base/hash.h"

/* ln 2 = HIGH + LOW; the last 21 bits of HIGH are 0, so that k HIGH is exact for |k| < 2^21 */
#define SEGMENT_LN2_HIGH	0x1.62e42fee00000p-1
#define SEGMENT_LN2_LOW		0x1.a39ef35793c76p-33
#define SEGMENT_LOG2_E		0x1.71547652b82fep+0

/* adding it rounds a small number to a whole one, which then stands in the last bits */
#define SEGMENT_ROUNDER		0x1.8p+52

/* beyond these the exponential is 0 or infinity in double precision */
#define SEGMENT_EXP_LOWEST	(-750.0)
#define SEGMENT_EXP_HIGHEST	710.0

/* (e^r - 1 - r) / r^2 for |r| <= ln(2)/2; pairs first, which computers do side by side */
static inline double
segment_exp_series(double r)
{
	double		r2 = r * r;
	double		r4 = r2 * r2;
	double		a = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
	double		b = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
	double		c = (1.0 / 3628800 + r * (1.0 / 39916800)) +
		r2 * (1.0 / 479001600 + r * (1.0 / 6227020800.0));

	return a + r4 * (b + r4 * c);
}

/* e^x; 0 and infinity where doubles end, NaN for NaN */
static inline double
segment_exp(double x)
{
	double		whole;
	double		r;
	uint64		k;				/* 2048 more than the exponent */
	uint64		half;

	x = x < SEGMENT_EXP_LOWEST ? SEGMENT_EXP_LOWEST : x;
	x = x > SEGMENT_EXP_HIGHEST ? SEGMENT_EXP_HIGHEST : x;
	whole = x * SEGMENT_LOG2_E + SEGMENT_ROUNDER;
	k = (segment_double_bits(whole) + 2048) & 0xFFF;
	half = k >> 1;
	whole -= SEGMENT_ROUNDER;
	r = (x - whole * SEGMENT_LN2_HIGH) - whole * SEGMENT_LN2_LOW;
	/* half - 1024 and k - half - 1024 are the exponents; a double holds them plus 1023 */
	return ((r * r) * segment_exp_series(r) + r + 1) * segment_bits_double((half - 1) << 52) *
		segment_bits_double((k - half - 1) << 52);
}

/* below it, and above the like of it on the other side, ln(1 + x) needs no power of two */
#define SEGMENT_LOG1P_NEAR	0.41

/* 2 atanh(s) = 2 s + s * this, for s^2 = z */
static inline double
segment_log_series(double z)
{
	double		z2 = z * z;
	double		z4 = z2 * z2;
	double		a = (2.0 / 3 + z * (2.0 / 5)) + z2 * (2.0 / 7 + z * (2.0 / 9));
	double		b = (2.0 / 11 + z * (2.0 / 13)) + z2 * (2.0 / 15 + z * (2.0 / 17));
	double		c = 2.0 / 19 + z * (2.0 / 21);

	return z * (a + z4 * (b + z4 * c));
}

/* k ln 2 + log(1 + f) + low, f from sqrt(1/2) - 1 to sqrt(2) - 1, low far smaller */
static inline double
segment_log_parts(double k, double f, double low)
{
	double		s = f / (2 + f);
	double		half = 0.5 * f * f;

	return k * SEGMENT_LN2_HIGH -
		((half - (s * (half + segment_log_series(s * s)) + (k * SEGMENT_LN2_LOW + low))) - f);
}

/* Splits a positive normal number into 2^k (1 + f). */
static inline double
segment_log_split(double x, double *k)
{
	/* where the significand is sqrt(2) or more, this carries into the exponent */
	uint64		bits = segment_double_bits(x) + (UINT64CONST(0x3FF0000000000000) -
												 UINT64CONST(0x3FE6A09E667F3BCD));

	*k = (double) ((int) (bits >> 52) - 1023);
	bits = (bits & UINT64CONST(0x000FFFFFFFFFFFFF)) + UINT64CONST(0x3FE6A09E667F3BCD);
	return segment_bits_double(bits) - 1;
}

/* ln x; -infinity for 0, NaN below and for NaN */
static inline double
segment_log(double x)
{
	double		shift = 0;
	double		k;
	double		f;

	if (!(x >= 0x1p-1022 && x < HUGE_VAL))
	{
		if (x == 0)
			return -HUGE_VAL;
		if (!(x > 0) || x == HUGE_VAL)
			return x > 0 ? x : segment_bits_double(UINT64CONST(0x7FF8000000000000));
		/* a subnormal number */
		x *= 0x1p54;
		shift = 54;
	}
	f = segment_log_split(x, &k);
	return segment_log_parts(k - shift, f, 0);
}

/*
 * ln(1 + x) for x from 0 to 1: the bits of segment_log1p() without its branches, so that a loop over it
 * becomes vector code.
 */
static inline double
segment_log1p_share(double x)
{
	double		u = 1 + x;
	bool		near_zero = x < SEGMENT_LOG1P_NEAR;
	bool		halved = u >= 0x1.6a09e667f3bcdp+0;	/* the square root of 2 */
	double		f = near_zero ? x : (halved ? 0.5 * u : u) - 1;
	double		lost = near_zero ? 0 : x - (u - 1);

	return segment_log_parts(halved ? 1 : 0, f, lost / u);
}

extern double segment_log1p(double x);
extern double segment_expm1(double x);

#endif							/* SEGMENT_ELEMENTARY_H */
