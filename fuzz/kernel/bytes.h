/*
 * bytes.h: reads numbers from the bytes that a fuzzer makes up.
 *
 * When the bytes are used up, everything reads as zero, so any input is
 * a valid script.  require() is what a target claims to hold.
 */
#ifndef SEGMENT_FUZZ_BYTES_H
#define SEGMENT_FUZZ_BYTES_H

#include "c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/base/hash.h"

typedef struct Bytes
{
	const uint8 *next;
	size_t		left;
} Bytes;

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* Fuzzers and sanitizers both take an abort for a crash, and keep the input. */
#define require(claim) \
	do { \
		if (!(claim)) \
		{ \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim); \
			abort(); \
		} \
	} while (0)

static inline uint64
take_bytes(Bytes *in, int n)
{
	uint64		value = 0;

	while (n-- > 0)
	{
		value = value << 8 | (in->left > 0 ? *in->next : 0);
		if (in->left > 0)
		{
			in->next++;
			in->left--;
		}
	}
	return value;
}

/* 0 to n - 1, n at most 256 */
static inline int
take_below(Bytes *in, int n)
{
	return (int) (take_bytes(in, 1) % (uint64) n);
}

/*
 * A finite number: often a small one, so that ties come about, else one from the
 * ends of the range, else any bits.
 */
static inline double
take_finite(Bytes *in)
{
	static const double edges[] = {
		0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
		-1.7976931348623157e308, 0.1, 1e15, 9007199254740993.0, 1e-200, 1e200
	};
	int			how = take_below(in, 4);
	double		x;

	if (how < 2)
		return (double) take_below(in, 16) - 4;
	if (how == 2)
		return edges[take_below(in, lengthof(edges))];
	x = segment_bits_double(take_bytes(in, 8));
	return isfinite(x) ? x : 1;
}

#endif							/* SEGMENT_FUZZ_BYTES_H */
