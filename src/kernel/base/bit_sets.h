/*
 * bit_sets.h: sets of small numbers as bits.  See bit_sets.c.
 */
#ifndef SEGMENT_BIT_SETS_H
#define SEGMENT_BIT_SETS_H

#include "c.h"

extern uint64 segment_bits_in_both(const uint64 *a, const uint64 *b, int n_words);

/*
 * n sets of the numbers 0 .. 64 * n_words - 1, a row of words each; of sets that are
 * empty the rows need not be cleared.
 */
typedef struct SegmentBitSets
{
	int			n;
	int			n_words;		/* of one set */
	uint64	   *words;			/* n * n_words */
	bool	   *filled;			/* n: whether there is anything in it */
} SegmentBitSets;

static inline uint64 *
segment_bit_set(const SegmentBitSets *sets, int i)
{
	return sets->words + (size_t) i * sets->n_words;
}

static inline void
segment_bit_sets_add(SegmentBitSets *sets, int i, uint32 number)
{
	uint64	   *set = segment_bit_set(sets, i);

	if (!sets->filled[i])
	{
		memset(set, 0, sizeof(uint64) * sets->n_words);
		sets->filled[i] = true;
	}
	set[number / 64] |= UINT64CONST(1) << (number % 64);
}

#endif							/* SEGMENT_BIT_SETS_H */
