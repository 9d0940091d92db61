/*
 * exact_sums.h: comparing exact sums, for the unit tests and the fuzzers.
 */
#ifndef SEGMENT_TEST_EXACT_SUMS_H
#define SEGMENT_TEST_EXACT_SUMS_H

#include <string.h>

#include "kernel/base/exact_sum.h"

static inline bool
same_limbs(SegmentExactSum a, SegmentExactSum b)
{
	segment_exact_normalise(&a);
	segment_exact_normalise(&b);
	return memcmp(a.limb, b.limb, sizeof(a.limb)) == 0;
}

#endif							/* SEGMENT_TEST_EXACT_SUMS_H */
