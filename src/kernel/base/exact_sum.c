/*
 * exact_sum.c: sums of doubles, and of products of doubles, without rounding.
 *
 * Floating-point addition is not associative, so a sum taken by four workers
 * differs in its last bits from a sum taken by one.  A fixed-point number wide
 * enough for every double has no last bits to differ in: each addend is cut
 * into 32-bit pieces that are added to the limbs they belong to, and carries
 * wait in the upper half of each 64-bit limb.  The result depends on the set
 * of addends only (law 3).
 *
 * Worked example: 1e100 + 1 - 1e100 = 1 here, 0 in doubles.
 *
 * Limits: finite addends only (the caller counts NaN and infinities apart);
 * 2^62 additions.
 *
 * Reference: R. M. Neal, "Fast exact summation using small and large
 * superaccumulators", 2015 (the small one, widened for products).
 */
#include "kernel/base/exact_sum.h"

#include <math.h>
#include <string.h>

#include "kernel/base/hash.h"

/* a limb takes this many addends of 32 bits before it could overflow */
#define MAX_PENDING ((uint32) 1 << 29)

void
segment_exact_init(SegmentExactSum *sum)
{
	memset(sum, 0, sizeof(*sum));
}

/* |x| = mantissa * 2^exponent */
static inline uint64
split_double(double x, int *exponent, bool *negative)
{
	*negative = (segment_double_bits(x) >> 63) != 0;
	return segment_double_mantissa(x, exponent);
}

/*
 * Carries what exceeds 32 bits upwards, so that every limb but the last lies
 * in [0, 2^32).  This form is unique for each sum: it is what travels.
 */
void
segment_exact_normalise(SegmentExactSum *sum)
{
	int64		carry = 0;
	int			i;

	for (i = 0; i < SEGMENT_EXACT_LIMBS - 1; i++)
	{
		int64		limb = sum->limb[i] + carry;
		int64		low = limb & INT64CONST(0xFFFFFFFF);

		carry = (limb - low) / (INT64CONST(1) << 32);
		sum->limb[i] = low;
	}
	sum->limb[i] += carry;
	sum->pending = 0;
}

/* Adds or subtracts a 64-bit integer at the given power of two. */
static inline void
add_integer(SegmentExactSum *sum, uint64 m, int exponent, bool negative)
{
	int			bit = exponent + SEGMENT_EXACT_BIAS;
	int			i = bit >> 5;	/* in range unless m is zero */
	int			shift = bit & 31;
	uint64		low = m << shift;
	uint64		high = shift == 0 ? 0 : m >> (64 - shift);
	int64		part0 = (int64) (low & 0xFFFFFFFF);
	int64		part1 = (int64) (low >> 32);
	int64		part2 = (int64) high;

	/* a zero may come with any exponent */
	if (m == 0)
		return;
	if (negative)
	{
		part0 = -part0;
		part1 = -part1;
		part2 = -part2;
	}
	sum->limb[i] += part0;
	sum->limb[i + 1] += part1;
	sum->limb[i + 2] += part2;
	if (++sum->pending >= MAX_PENDING)
		segment_exact_normalise(sum);
}

void
segment_exact_add(SegmentExactSum *sum, double x)
{
	int			exponent;
	bool		negative;
	uint64		m = split_double(x, &exponent, &negative);

	add_integer(sum, m, exponent, negative);
}

/* Adds x * y * 2^exponent, all 106 bits: four products of halves of the mantissas. */
void
segment_exact_add_product(SegmentExactSum *sum, double x, double y, int exponent)
{
	int			ex,
				ey;
	bool		nx,
				ny;
	uint64		mx = split_double(x, &ex, &nx);
	uint64		my = split_double(y, &ey, &ny);
	uint64		xl = mx & 0xFFFFFFFF,
				xh = mx >> 32;
	uint64		yl = my & 0xFFFFFFFF,
				yh = my >> 32;
	int			e = ex + ey + exponent;
	bool		negative = nx != ny;

	add_integer(sum, xl * yl, e, negative);
	add_integer(sum, xl * yh, e + 32, negative);
	add_integer(sum, xh * yl, e + 32, negative);
	add_integer(sum, xh * yh, e + 64, negative);
}

/* a * b = high + low exactly (Dekker 1971), for factors in [2^-220, 1]. */
static inline void
two_product(double a, double b, double *high, double *low)
{
	double		sa = 134217729.0 * a;	/* 2^27 + 1 */
	double		sb = 134217729.0 * b;
	double		a1 = sa - (sa - a);
	double		b1 = sb - (sb - b);
	double		a2 = a - a1;
	double		b2 = b - b1;

	*high = a * b;
	*low = ((a1 * b1 - *high) + a1 * b2 + a2 * b1) + a2 * b2;
}

/*
 * Adds copies * weight * x^power, power 1 or 2, exactly.  Mantissas are
 * multiplied, the powers of two put aside, so nothing over- or underflows.
 */
void
segment_exact_add_moment(SegmentExactSum *sum, double copies, double weight, double x, int power)
{
	int			ex,
				ew;
	double		m = frexp(x, &ex);
	double		w = frexp(weight, &ew);
	double		high,
				low,
				high2,
				low2;

	two_product(w, m, &high, &low);
	if (power == 1)
	{
		segment_exact_add_product(sum, copies, high, ex + ew);
		segment_exact_add_product(sum, copies, low, ex + ew);
		return;
	}
	two_product(high, m, &high2, &low2);
	segment_exact_add_product(sum, copies, high2, 2 * ex + ew);
	segment_exact_add_product(sum, copies, low2, 2 * ex + ew);
	two_product(low, m, &high2, &low2);
	segment_exact_add_product(sum, copies, high2, 2 * ex + ew);
	segment_exact_add_product(sum, copies, low2, 2 * ex + ew);
}

void
segment_exact_merge(SegmentExactSum *into, const SegmentExactSum *from)
{
	SegmentExactSum addend = *from;
	int			i;

	segment_exact_normalise(&addend);
	segment_exact_normalise(into);
	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
		into->limb[i] += addend.limb[i];
	segment_exact_normalise(into);
}

/*
 * The absolute value of a sum in normal form, so that its upper limbs are zero, not
 * all ones; returns whether the sum is negative.
 */
static bool
absolute(SegmentExactSum *sum)
{
	int			i;

	segment_exact_normalise(sum);
	if (sum->limb[SEGMENT_EXACT_LIMBS - 1] >= 0)
		return false;
	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
		sum->limb[i] = -sum->limb[i];
	segment_exact_normalise(sum);
	return true;
}

/* Adds sum * factor exactly.  The product has to lie in the range of addends. */
void
segment_exact_add_multiple(SegmentExactSum *into, const SegmentExactSum *sum, double factor)
{
	SegmentExactSum s = *sum;
	int			i;

	if (absolute(&s))
		factor = -factor;
	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
		if (s.limb[i] != 0)
			segment_exact_add_product(into, (double) s.limb[i], factor, 32 * i - SEGMENT_EXACT_BIAS);
}

/*
 * Adds a * b exactly, or takes it away.  Both must be sums of doubles, or of doubles times
 * whole numbers: the product of any two sums would reach below the lowest limb.
 */
void
segment_exact_add_sum_product(SegmentExactSum *into, const SegmentExactSum *a,
							  const SegmentExactSum *b, bool negative)
{
	SegmentExactSum x = *a;
	SegmentExactSum y = *b;
	int			i;
	int			j;

	negative ^= absolute(&x) ^ absolute(&y);
	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
	{
		if (x.limb[i] == 0)
			continue;
		for (j = 0; j < SEGMENT_EXACT_LIMBS; j++)
			if (y.limb[j] != 0)
				add_integer(into, (uint64) x.limb[i] * (uint64) y.limb[j],
							32 * (i + j) - 2 * SEGMENT_EXACT_BIAS, negative);
	}
}

/*
 * The sum, rounded once to the nearest double (ties to even).  Beyond the
 * range of doubles: infinity.
 */
double
segment_exact_value(const SegmentExactSum *sum)
{
	SegmentExactSum s = *sum;
	bool		negative;
	int			top;
	int			i;
	uint64		head;
	bool		sticky = false;
	int			head_bits = 0;
	int			drop;
	int			exponent;
	int			min_drop;
	uint64		rounded;
	uint64		rest;
	uint64		half;

	negative = absolute(&s);
	for (top = SEGMENT_EXACT_LIMBS - 1; top >= 0 && s.limb[top] == 0; top--)
		;
	if (top < 0)
		return 0.0;

	/* the leading 62 to 93 bits: enough that 53 and a guard bit are inside */
	if (top == SEGMENT_EXACT_LIMBS - 1 && s.limb[top] > INT64CONST(0xFFFFFFFF))
		return negative ? -HUGE_VAL : HUGE_VAL;
	head = (uint64) s.limb[top] << 32;
	if (top > 0)
		head |= (uint64) s.limb[top - 1];
	exponent = 32 * (top - 1) - SEGMENT_EXACT_BIAS;
	while ((head >> 63) == 0)
	{
		head <<= 1;
		exponent--;
		head_bits++;
	}
	if (top > 1 && head_bits > 0)
	{
		uint64		next = (uint64) s.limb[top - 2];

		head |= next >> (32 - head_bits);
		sticky = (next << head_bits & 0xFFFFFFFF) != 0;
	}
	else if (top > 1)
		sticky = s.limb[top - 2] != 0;
	for (i = top - 3; i >= 0 && !sticky; i--)
		sticky = s.limb[i] != 0;

	/* value = head * 2^exponent, head has 64 bits: keep 53, fewer below 2^-1022 */
	drop = 11;
	min_drop = -1074 - exponent;
	if (min_drop > drop)
		drop = min_drop;
	if (drop > 64)
		return negative ? -0.0 : 0.0;
	rounded = drop == 64 ? 0 : head >> drop;
	rest = drop == 64 ? head : head & ((UINT64CONST(1) << drop) - 1);
	half = UINT64CONST(1) << (drop - 1);
	if (rest > half || (rest == half && (sticky || (rounded & 1) != 0)))
		rounded++;
	if (exponent + drop > 971)
		return negative ? -HUGE_VAL : HUGE_VAL;
	return ldexp(negative ? -(double) rounded : (double) rounded, exponent + drop);
}
