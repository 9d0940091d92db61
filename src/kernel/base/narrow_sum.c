/*
 * narrow_sum.c: an exact sum of doubles, or of products of two, in as few limbs as its
 * addends need.
 *
 * The sums of exact_sum.c take 1.7 kB, which is much when every customer has one.
 * Amounts of one customer are of similar size, so nearly all of those limbs are
 * 0: here only a run of them is kept, usually four to six.  The caller asks which
 * limbs an addend needs (segment_limbs_of_double), and where the sum has them not,
 * gives room for a wider one (segment_narrow_widen).
 *
 * There is always a limb above the highest that an addend reaches: it takes the
 * carries, and the sign.
 *
 * Limits: as exact_sum.c: finite addends, 2^62 of them.
 */
#include "kernel/base/narrow_sum.h"

#include <string.h>

/* The limbs of a sum that are not its sign alone; normalises it. */
SegmentLimbs
segment_limbs_of_exact(SegmentExactSum *sum)
{
	SegmentLimbs limbs = {0, SEGMENT_EXACT_LIMBS};
	int64		sign;

	segment_exact_normalise(sum);
	sign = sum->limb[SEGMENT_EXACT_LIMBS - 1] < 0 ? INT64CONST(0xFFFFFFFF) : 0;
	if (sum->limb[SEGMENT_EXACT_LIMBS - 1] == 0 || sum->limb[SEGMENT_EXACT_LIMBS - 1] == -1)
	{
		limbs.to--;
		while (limbs.to > 0 && sum->limb[limbs.to - 1] == sign)
			limbs.to--;
		if (limbs.to == 0 && sign == 0)
			return limbs;
		limbs.to++;
	}
	while (limbs.from < limbs.to - 1 && sum->limb[limbs.from] == 0)
		limbs.from++;
	return limbs;
}

/* The limbs that a sum has together with more. */
SegmentLimbs
segment_limbs_to_hold(const SegmentNarrowSum *sum, SegmentLimbs more)
{
	SegmentLimbs limbs = {sum->from, sum->from + sum->n};

	if (sum->n == 0 || more.from == more.to)
		return sum->n == 0 ? more : limbs;
	limbs.from = Min(limbs.from, more.from);
	limbs.to = Max(limbs.to, more.to);
	return limbs;
}

/* Carries what exceeds 32 bits upwards; the last limb keeps the rest, and the sign. */
void
segment_narrow_normalise(SegmentNarrowSum *sum)
{
	int64		carry = 0;
	int			i;

	for (i = 0; i < sum->n - 1; i++)
	{
		int64		limb = sum->limb[i] + carry;
		int64		low = limb & INT64CONST(0xFFFFFFFF);

		carry = (limb - low) / (INT64CONST(1) << 32);
		sum->limb[i] = low;
	}
	if (sum->n > 0)
		sum->limb[sum->n - 1] += carry;
	sum->pending = 0;
}

/* Copies a sum into the given limbs, among which its own are; sum may be NULL: 0. */
void
segment_narrow_widen(SegmentNarrowSum *wide, SegmentLimbs limbs, const SegmentNarrowSum *sum)
{
	int			i;

	memset(wide, 0, SEGMENT_NARROW_SIZE(limbs.to - limbs.from));
	wide->from = limbs.from;
	wide->n = limbs.to - limbs.from;
	if (sum == NULL)
		return;
	for (i = 0; i < sum->n; i++)
		wide->limb[sum->from - limbs.from + i] = sum->limb[i];
	segment_narrow_normalise(wide);
}

/* Adds a sum whose limbs the other one has. */
void
segment_narrow_merge(SegmentNarrowSum *into, const SegmentNarrowSum *from)
{
	int64		carry = 0;
	int			i;

	segment_narrow_normalise(into);
	for (i = 0; i < from->n; i++)
	{
		int64		limb = from->limb[i] + carry;
		int64		low = i < from->n - 1 ? limb & INT64CONST(0xFFFFFFFF) : limb;

		carry = (limb - low) / (INT64CONST(1) << 32);
		into->limb[from->from - into->from + i] += low;
	}
	segment_narrow_normalise(into);
}

void
segment_narrow_to_exact(const SegmentNarrowSum *sum, SegmentExactSum *exact)
{
	segment_exact_init(exact);
	memcpy(exact->limb + sum->from, sum->limb, sizeof(int64) * sum->n);
	segment_exact_normalise(exact);
}

/* limbs: those of segment_limbs_of_exact. */
void
segment_narrow_of_exact(SegmentNarrowSum *sum, SegmentLimbs limbs, const SegmentExactSum *exact)
{
	segment_narrow_widen(sum, limbs, NULL);
	memcpy(sum->limb, exact->limb + limbs.from, sizeof(int64) * sum->n);
	/* what lies above is the sign: it goes into the last one */
	if (sum->n > 0 && limbs.to < SEGMENT_EXACT_LIMBS && exact->limb[SEGMENT_EXACT_LIMBS - 1] < 0)
		sum->limb[sum->n - 1] -= INT64CONST(1) << 32;
}
