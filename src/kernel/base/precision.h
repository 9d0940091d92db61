/*
 * precision.h: what of a difference is rounding, and what is real.
 *
 * A sum or an average of doubles is off by some units in the last place: the mean of
 * n amounts of 0.1 is not the same double for every n.  A spread that small says
 * nothing, however it compares with 0 (law 17), and in whatever unit (law 4).
 */
#ifndef SEGMENT_PRECISION_H
#define SEGMENT_PRECISION_H

#include "c.h"

#include <float.h>
#include <math.h>

/*
 * Values no further apart than this share of the largest of them are equal but for
 * rounding: 8 to 16 units in the last place, what some fifty additions amount to.
 */
#define SEGMENT_ROUNDING (8 * DBL_EPSILON)

/* Whether all values from low to high are one value but for rounding; finite. */
static inline bool
segment_is_rounding(double low, double high)
{
	/* halves: the difference may be beyond the largest double */
	return high / 2 - low / 2 <= SEGMENT_ROUNDING / 2 * Max(fabs(low), fabs(high));
}

#endif							/* SEGMENT_PRECISION_H */
