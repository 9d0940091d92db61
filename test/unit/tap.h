/*
 * tap.h: the few lines that a unit test needs to print TAP.
 */
#ifndef SEGMENT_TEST_TAP_H
#define SEGMENT_TEST_TAP_H

#include <stdio.h>
#include <stdlib.h>

#include "kernel/base/memory.h"

static int	tap_n = 0;
static int	tap_failed = 0;

static inline void
ok(bool passed, const char *what)
{
	tap_n++;
	if (!passed)
		tap_failed++;
	printf("%sok %d - %s\n", passed ? "" : "not ", tap_n, what);
}

static inline int
done(void)
{
	printf("1..%d\n", tap_n);
	return tap_failed > 0;
}

/* A generator of its own, so that a failure can be repeated anywhere. */
static uint64 tap_state = 1;

static inline uint64
random64(void)
{
	tap_state ^= tap_state << 13;
	tap_state ^= tap_state >> 7;
	tap_state ^= tap_state << 17;
	return tap_state * UINT64CONST(0x2545F4914F6CDD1D);
}

static inline double
uniform(void)
{
	return (double) (random64() >> 11) / 9007199254740992.0;
}

/* Memory by malloc: the address sanitizer sees every byte too many. */
static int64 tap_blocks = 0;

static void *
tap_resize(void *ctx, void *block, size_t size)
{
	void	   *result = realloc(block, size);

	(void) ctx;
	if (block == NULL)
		tap_blocks++;
	if (result == NULL)
		abort();
	return result;
}

static void
tap_release(void *ctx, void *block)
{
	(void) ctx;
	tap_blocks--;
	free(block);
}

static inline SegmentMemory
tap_memory(void)
{
	SegmentMemory memory = {tap_resize, tap_release, NULL};

	return memory;
}

#endif							/* SEGMENT_TEST_TAP_H */
