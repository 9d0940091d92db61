/*
 * bit_sets.c: what two sets have in common, counted bit by bit.
 */
#include "kernel/base/bit_sets.h"

#include <string.h>

#include "tap.h"

#define N_WORDS 37

int
main(void)
{
	uint64		words[3 * N_WORDS];
	bool		filled[3] = {false};
	bool		in[3][64 * N_WORDS] = {{false}};
	SegmentBitSets sets = {3, N_WORDS, words, filled};
	uint64		expected = 0;
	int			i;

	/* rows of sets that are empty are not cleared beforehand */
	memset(words, 0xff, sizeof(words));
	for (i = 0; i < 1000; i++)
	{
		int			set = random64() % 2;
		uint32		number = random64() % (64 * N_WORDS);

		segment_bit_sets_add(&sets, set, number);
		in[set][number] = true;
	}
	for (i = 0; i < 64 * N_WORDS; i++)
		expected += in[0][i] && in[1][i];
	ok(expected > 0, "the sets have some in common");
	ok(segment_bits_in_both(segment_bit_set(&sets, 0), segment_bit_set(&sets, 1), N_WORDS) == expected,
	   "as many as counted one by one");
	ok(filled[0] && filled[1] && !filled[2], "what is filled");
	segment_bit_sets_add(&sets, 2, 0);
	segment_bit_sets_add(&sets, 2, 64 * N_WORDS - 1);
	ok(segment_bits_in_both(segment_bit_set(&sets, 2), segment_bit_set(&sets, 2), N_WORDS) == 2, "the first and the last");
	ok(segment_bits_in_both(segment_bit_set(&sets, 0), segment_bit_set(&sets, 1), 0) == 0, "no words");
	return done();
}
