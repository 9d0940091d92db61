/*
 * exact_sum.h: sums of doubles, and of products of doubles, without rounding.
 *
 * See exact_sum.c for the method.
 */
#ifndef SEGMENT_EXACT_SUM_H
#define SEGMENT_EXACT_SUM_H

#include "c.h"

/*
 * The sum is sum(limb[i] * 2^(32 i - SEGMENT_EXACT_BIAS)).  The widest addend is
 * copies * weight * x^2: between 2^-3222 and 2^(63 + 3072), its low parts down to
 * 2^-3560; above there is room for 2^62 addends.
 */
#define SEGMENT_EXACT_BIAS	3584
#define SEGMENT_EXACT_LIMBS 216

typedef struct SegmentExactSum
{
	int64		limb[SEGMENT_EXACT_LIMBS];	/* 32 bits each once normalised */
	uint32		pending;		/* additions since the limbs were normalised */
} SegmentExactSum;

extern void segment_exact_init(SegmentExactSum *sum);
extern void segment_exact_add(SegmentExactSum *sum, double x);
extern void segment_exact_add_product(SegmentExactSum *sum, double x, double y, int exponent);
extern void segment_exact_add_moment(SegmentExactSum *sum, double copies, double weight,
									 double x, int power);
extern void segment_exact_add_multiple(SegmentExactSum *into, const SegmentExactSum *sum,
									   double factor);
extern void segment_exact_add_sum_product(SegmentExactSum *into, const SegmentExactSum *a,
										  const SegmentExactSum *b, bool negative);
extern void segment_exact_merge(SegmentExactSum *into, const SegmentExactSum *from);
extern void segment_exact_normalise(SegmentExactSum *sum);
extern double segment_exact_value(const SegmentExactSum *sum);

#endif							/* SEGMENT_EXACT_SUM_H */
