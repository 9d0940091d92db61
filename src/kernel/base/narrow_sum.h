/*
 * narrow_sum.h: an exact sum of doubles, or of products of two, in as few limbs as its
 * addends need.
 *
 * See narrow_sum.c.
 */
#ifndef SEGMENT_NARROW_SUM_H
#define SEGMENT_NARROW_SUM_H

#include "c.h"

#include "kernel/base/exact_sum.h"

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

extern SegmentLimbs segment_limbs_of_double(double x);
extern SegmentLimbs segment_limbs_of_product(double x, double y);
extern SegmentLimbs segment_limbs_of_exact(SegmentExactSum *sum);
extern SegmentLimbs segment_limbs_to_hold(const SegmentNarrowSum *sum, SegmentLimbs more);
extern void segment_narrow_widen(SegmentNarrowSum *wide, SegmentLimbs limbs,
								 const SegmentNarrowSum *sum);
extern void segment_narrow_add(SegmentNarrowSum *sum, double x);
extern void segment_narrow_add_product(SegmentNarrowSum *sum, double x, double y);
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

#endif							/* SEGMENT_NARROW_SUM_H */
