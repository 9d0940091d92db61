/*
 * hash.h: the one hash behind sampling, folding and model identity.
 *
 * Law 3 asks for the same answer on every CPU and server, so the hash is our
 * own: integer arithmetic only, defined on values and not on bytes in memory.
 * segment_mix64 is the finaliser of splitmix64 (Steele, Lea, Flood 2014), a
 * bijection whose every output bit depends on every input bit.
 */
#ifndef SEGMENT_HASH_H
#define SEGMENT_HASH_H

#include "c.h"

/* 2^64 divided by the golden ratio: successive multiples spread evenly */
#define SEGMENT_GOLDEN UINT64CONST(0x9E3779B97F4A7C15)

static inline uint64
segment_mix64(uint64 h)
{
	h ^= h >> 30;
	h *= UINT64CONST(0xBF58476D1CE4E5B9);
	h ^= h >> 27;
	h *= UINT64CONST(0x94D049BB133111EB);
	h ^= h >> 31;
	return h;
}

/* Folds one more 64-bit value into a running hash; order matters. */
static inline uint64
segment_hash_step(uint64 h, uint64 value)
{
	return segment_mix64((h ^ value) + SEGMENT_GOLDEN);
}

/*
 * The seed of draw `number` out of many that a user's seed stands for.  The seed is mixed
 * before the number meets it: users take neighbouring seeds, and seed XOR number would
 * give seeds 0 to 15 the same sixteen draws in another order.
 */
static inline uint64
segment_numbered_seed(uint64 seed, uint64 number)
{
	return segment_hash_step(segment_hash_step(0, seed), number);
}

/* Bytes as little-endian words, the length folded in last. */
static inline uint64
segment_hash_bytes(const char *bytes, size_t len)
{
	uint64		h = 0;
	size_t		i = 0;

	while (i < len)
	{
		uint64		word = 0;
		int			shift;

		for (shift = 0; shift < 64 && i < len; shift += 8)
			word |= (uint64) (unsigned char) bytes[i++] << shift;
		h = segment_hash_step(h, word);
	}
	return segment_hash_step(h, (uint64) len);
}

static inline uint64
segment_double_bits(double x)
{
	union
	{
		double		d;
		uint64		u;
	}			v;

	v.d = x;
	return v.u;
}

/* |x| = mantissa * 2^exponent with an integer mantissa below 2^53. */
static inline uint64
segment_double_mantissa(double x, int *exponent)
{
	uint64		bits = segment_double_bits(x);
	int			field = (int) ((bits >> 52) & 0x7FF);
	uint64		mantissa = bits & ((UINT64CONST(1) << 52) - 1);

	if (field == 0)
		field = 1;				/* subnormal: no hidden bit */
	else
		mantissa |= UINT64CONST(1) << 52;
	*exponent = field - 1075;
	return mantissa;
}

static inline double
segment_bits_double(uint64 u)
{
	union
	{
		double		d;
		uint64		u;
	}			v;

	v.u = u;
	return v.d;
}

/* A number uniform in (0, 1), never 0 or 1, from a seed and the hash of some content. */
static inline double
segment_hash_uniform(uint64 seed, uint64 content)
{
	return ((segment_mix64(seed ^ content) >> 11) + 0.5) * (1.0 / 9007199254740992.0);
}

#endif							/* SEGMENT_HASH_H */
