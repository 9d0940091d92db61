/*
 * lanes.h: eight doubles at a time, with one answer on every CPU.
 *
 * A vector of eight doubles is written out with the compiler's vector
 * extension: each lane does the same additions and multiplications in the same
 * order, whether the CPU takes two, four or eight lanes at once.  So functions
 * may be compiled several times (SEGMENT_CLONES) and chosen when the module is
 * loaded, without a bit changing; there is no fused multiply-add
 * (-ffp-contract=off) and no reordering.
 */
#ifndef SEGMENT_LANES_H
#define SEGMENT_LANES_H

#include "c.h"

#define SEGMENT_LANES 8

/* aligned as doubles are, so that they may lie anywhere in an array */
typedef double SegmentLanes
			__attribute__((vector_size(sizeof(double) * SEGMENT_LANES), aligned(8)));

/*
 * Clones need a loader that resolves them (glibc's), and come before the
 * sanitizers are ready; clang is used for bitcode, which is for one CPU anyway.
 */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
	defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#define SEGMENT_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SEGMENT_CLONES
#endif

#define SEGMENT_INLINE static inline __attribute__((always_inline))

#endif							/* SEGMENT_LANES_H */
