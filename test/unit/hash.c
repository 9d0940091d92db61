/*
 * hash.c: the hash behind samples must be the same for ever: samples drawn by
 * one version are merged with those of another.
 */
#include "kernel/base/hash.h"

#include <math.h>
#include <string.h>

#include "tap.h"

int
main(void)
{
	/* splitmix64 with seed 0: the published first outputs */
	ok(segment_mix64(SEGMENT_GOLDEN) == UINT64CONST(0xE220A8397B1DCDAF), "splitmix64, first number");
	ok(segment_mix64(2 * SEGMENT_GOLDEN) == UINT64CONST(0x6E789E6AA1B965F4), "splitmix64, second number");
	ok(segment_mix64(3 * SEGMENT_GOLDEN) == UINT64CONST(0x06C45D188009454F), "splitmix64, third number");
	ok(segment_mix64(0) == 0, "0 stays 0: callers add before mixing");
	ok(segment_hash_step(0, 0) == UINT64CONST(0xE220A8397B1DCDAF), "a step adds the golden ratio");
	ok(segment_hash_step(1, 2) != segment_hash_step(2, 1)
	   || segment_hash_step(segment_hash_step(0, 1), 2) != segment_hash_step(segment_hash_step(0, 2), 1),
	   "order matters");
	ok(segment_hash_bytes("", 0) == segment_hash_step(0, 0), "no bytes: the length alone");
	ok(segment_hash_bytes("a", 1) == segment_hash_step(segment_hash_step(0, 0x61), 1), "one byte");
	ok(segment_hash_bytes("abcdefgh\xff", 9)
	   == segment_hash_step(segment_hash_step(segment_hash_step(0, UINT64CONST(0x6867666564636261)), 0xff), 9),
	   "bytes are little-endian words, unsigned, on every CPU");
	ok(segment_hash_bytes("a\0", 2) != segment_hash_bytes("a", 1), "trailing zero bytes count");

	{
		char		buffer[64];
		bool		aligned = true;
		int			i;

		for (i = 0; i < 16; i++)
		{
			memset(buffer, 'x', sizeof(buffer));
			memcpy(buffer + i, "customer segmentation", 21);
			aligned = aligned && segment_hash_bytes(buffer + i, 21) == segment_hash_bytes("customer segmentation", 21);
		}
		ok(aligned, "alignment does not matter");
	}
	{
		/* flipping one bit of the input flips each bit of the output about half the time */
		int			flips[64] = {0};
		bool		balanced = true;
		int			i;
		int			bit;

		for (i = 0; i < 64 * 1000; i++)
		{
			uint64		x = random64();
			uint64		d = segment_hash_step(0, x) ^ segment_hash_step(0, x ^ (UINT64CONST(1) << (i % 64)));

			for (bit = 0; bit < 64; bit++)
				flips[bit] += (d >> bit) & 1;
		}
		for (bit = 0; bit < 64; bit++)
			balanced = balanced && flips[bit] > 31000 && flips[bit] < 33000;
		ok(balanced, "avalanche");
	}
	{
		/* neighbouring seeds have no draw in common */
		bool		apart = true;
		int			a;
		int			b;

		for (a = 0; a < 32 * 32; a++)
			for (b = 0; b < a; b++)
				apart = apart && segment_numbered_seed(a / 32, a % 32) != segment_numbered_seed(b / 32, b % 32);
		ok(apart, "draws of neighbouring seeds");
	}
	ok(segment_double_bits(1.0) == UINT64CONST(0x3FF0000000000000) && segment_bits_double(UINT64CONST(0xC000000000000000)) == -2.0,
	   "doubles are IEEE 754");
	return done();
}
