/*
 * bit_sets.c: sets of small numbers as bits, of which one counts what two have in
 * common: a word of 64 at a time, so that 20,000 pairs of sets of a million customers
 * are a third of a billion steps.
 */
#include "kernel/base/bit_sets.h"

#include "kernel/base/lanes.h"

/* How many numbers are in both of two sets. */
SEGMENT_CLONES uint64
segment_bits_in_both(const uint64 *a, const uint64 *b, int n_words)
{
	uint64		count = 0;
	int			i;

	for (i = 0; i < n_words; i++)
		count += (uint64) __builtin_popcountll(a[i] & b[i]);
	return count;
}
