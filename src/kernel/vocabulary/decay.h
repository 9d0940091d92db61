/*
 * decay.h: what is left of an amount after a number of half-lives.
 *
 * amount * 2^-(whole + part) = amount * e^(-part ln 2) * 2^-whole, part in [0, 1): the power of
 * two is exact, so after whole half-lives exactly the half, the quarter, ... is left.
 * The exponential is our own, so the bits are the same everywhere (law 3).  The
 * error is below 3 units in the last place of the result.
 */
#ifndef SEGMENT_DECAY_H
#define SEGMENT_DECAY_H

#include "c.h"

#include <math.h>

#include "kernel/base/elementary.h"

#define SEGMENT_LN2 0x1.62e42fefa39efp-1

/* beyond this nothing is left of the largest double */
#define SEGMENT_MOST_HALF_LIVES 2200

/* amount: finite; age at least 0, half_life above 0, in the same unit */
static inline double
segment_decayed(double amount, int64 age, int64 half_life)
{
	int64		whole = age / half_life;
	double		part = (double) (age % half_life) / (double) half_life;

	if (whole > SEGMENT_MOST_HALF_LIVES)
		return 0;
	return ldexp(amount * segment_exp(-part * SEGMENT_LN2), -(int) whole);
}

#endif							/* SEGMENT_DECAY_H */
