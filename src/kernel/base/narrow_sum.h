/*
 * narrow_sum.h: an exact sum of doubles, or of products of two, in as few limbs as its
 * addends need.
 *
 * See narrow_sum.c.  What is done for every row is here, so that it becomes part of the loop.
 */
#ifndef SEGMENT_NARROW_SUM_H
#define SEGMENT_NARROW_SUM_H

#include "c.h"

#include "kernel/base/exact_sum.h"
#include "kernel/base/hash.h"

/* a limb takes this many addends of 32 bits before it could overflow */
#define SEGMENT_NARROW_PENDING ((uint32) 1 << 29)

/* The limbs [from, from + n) of an exact sum; all others are 0. */
typedef struct SegmentNarrowSum
{
	int32		from;			/* the first limb; 0 while there is none */
	int32		n;				/* limbs; 0: the sum is 0 */
	uint32		pending;		/* additions since the limbs were normalised */
	uint32		unused;			/* 0 */
	int64		limb[FLEXIBLE_ARRAY_MEMBER];	/* 32 bits each; the last has the sign */
} SegmentNarrowSum;

/* Which limbs: [from, to). */
typedef struct SegmentLimbs
{
	int32		from;
	int32		to;
} SegmentLimbs;

#define SEGMENT_NARROW_SIZE(n) (offsetof(SegmentNarrowSum, limb) + sizeof(int64) * (n))

extern SegmentLimbs segment_limbs_of_exact(SegmentExactSum *sum);
extern SegmentLimbs segment_limbs_to_hold(const SegmentNarrowSum *sum, SegmentLimbs more);
extern void segment_narrow_normalise(SegmentNarrowSum *sum);
extern void segment_narrow_widen(SegmentNarrowSum *wide, SegmentLimbs limbs,
								 const SegmentNarrowSum *sum);
extern void segment_narrow_merge(SegmentNarrowSum *into, const SegmentNarrowSum *from);
extern void segment_narrow_to_exact(const SegmentNarrowSum *sum, SegmentExactSum *exact);
extern void segment_narrow_of_exact(SegmentNarrowSum *sum, SegmentLimbs limbs,
									const SegmentExactSum *exact);

/* Whether a sum has the limbs. */
static inline bool
segment_narrow_holds(const SegmentNarrowSum *sum, SegmentLimbs limbs)
{
	return limbs.from == limbs.to ||
		(limbs.from >= sum->from && limbs.to <= sum->from + sum->n);
}

/* |x| = mantissa * 2^(bit - SEGMENT_EXACT_BIAS) */
static inline uint64
segment_narrow_split(double x, int *bit)
{
	uint64		mantissa = segment_double_mantissa(x, bit);

	*bit += SEGMENT_EXACT_BIAS;
	return mantissa;
}

/* A mantissa shifted by up to 31 bits lies in three limbs; one more for carries. */
static inline SegmentLimbs
segment_limbs_of_double(double x)
{
	SegmentLimbs limbs = {0, 0};
	int			bit;

	if (segment_narrow_split(x, &bit) != 0)
	{
		limbs.from = bit >> 5;
		limbs.to = limbs.from + 4;
	}
	return limbs;
}

/* 106 bits shifted by up to 31 lie in five limbs. */
static inline SegmentLimbs
segment_limbs_of_product(double x, double y)
{
	SegmentLimbs limbs = {0, 0};
	int			bit_x;
	int			bit_y;

	if (segment_narrow_split(x, &bit_x) != 0 && segment_narrow_split(y, &bit_y) != 0)
	{
		limbs.from = (bit_x + bit_y - SEGMENT_EXACT_BIAS) >> 5;
		limbs.to = limbs.from + 6;
	}
	return limbs;
}

/* Adds x, whose limbs the sum has. */
static inline void
segment_narrow_add(SegmentNarrowSum *sum, double x)
{
	int			bit;
	uint64		mantissa = segment_narrow_split(x, &bit);
	int			shift = bit & 31;
	int64	   *limb = sum->limb + ((bit >> 5) - sum->from);
	uint64		low = mantissa << shift;
	uint64		high = shift == 0 ? 0 : mantissa >> (64 - shift);
	int64		sign = x < 0 ? -1 : 1;

	/* a zero needs no limbs */
	if (mantissa == 0)
		return;
	limb[0] += sign * (int64) (low & 0xFFFFFFFF);
	limb[1] += sign * (int64) (low >> 32);
	limb[2] += sign * (int64) high;
	if (++sum->pending >= SEGMENT_NARROW_PENDING)
		segment_narrow_normalise(sum);
}

/* Adds x * y, whose limbs the sum has. */
static inline void
segment_narrow_add_product(SegmentNarrowSum *sum, double x, double y)
{
	int			bit_x;
	int			bit_y;
	uint128		product = (uint128) segment_narrow_split(x, &bit_x) * segment_narrow_split(y, &bit_y);
	int			bit = bit_x + bit_y - SEGMENT_EXACT_BIAS;
	int			shift = bit & 31;
	int64	   *limb = sum->limb + ((bit >> 5) - sum->from);
	uint64		low = (uint64) product << shift;
	uint64		middle = (uint64) (product >> (64 - shift));	/* what shifting pushed out of low */
	uint64		high = (uint64) (product >> 96) >> (32 - shift);
	int64		sign = (x < 0) != (y < 0) ? -1 : 1;

	if (product == 0)
		return;
	limb[0] += sign * (int64) (low & 0xFFFFFFFF);
	limb[1] += sign * (int64) (low >> 32);
	limb[2] += sign * (int64) (middle & 0xFFFFFFFF);
	limb[3] += sign * (int64) (middle >> 32);
	limb[4] += sign * (int64) high;
	if (++sum->pending >= SEGMENT_NARROW_PENDING)
		segment_narrow_normalise(sum);
}

#endif							/* SEGMENT_NARROW_SUM_H */
