/*
 * allocate.h: arrays in the caller's memory.
 *
 * Sizes are overflow-checked, and may exceed 1 GB (law 13).  Where count times size is
 * more than can be told, SIZE_MAX is asked for, which no memory has: the caller's
 * resize() ends the calculation there as it does when memory is short, and no array
 * is ever smaller than it was meant to be.  Factors of a count are multiplied by
 * segment_product(), or handed over one by one; a negative count is too large, too.
 *
 * An array of no elements has a byte: nothing has no size.
 */
#ifndef SEGMENT_ALLOCATE_H
#define SEGMENT_ALLOCATE_H

#include "c.h"

#include <string.h>

#include "kernel/base/memory.h"

/* a * b; where that is beyond 64 bits, the most they hold */
static inline uint64
segment_product(uint64 a, uint64 b)
{
	return b > 0 && a > PG_UINT64_MAX / b ? PG_UINT64_MAX : a * b;
}

/* Bytes for n elements of some size. */
static inline size_t
segment_array_size(uint64 n, size_t size)
{
	uint64		bytes = segment_product(n, size);

	return bytes == 0 ? 1 : (size_t) Min(bytes, (uint64) SIZE_MAX);
}

/* n elements, not filled. */
static inline void *
segment_allocate(SegmentMemory memory, uint64 n, size_t size)
{
	return memory.resize(memory.ctx, NULL, segment_array_size(n, size));
}

/* n rows of `width` elements, not filled. */
static inline void *
segment_allocate_rows(SegmentMemory memory, uint64 n, uint64 width, size_t size)
{
	return segment_allocate(memory, segment_product(n, width), size);
}

/* n elements whose bytes are 0. */
static inline void *
segment_allocate_zeros(SegmentMemory memory, uint64 n, size_t size)
{
	return memset(segment_allocate(memory, n, size), 0, segment_array_size(n, size));
}

/* Another number of rows in place of those of a block, which keeps those it had; NULL: none yet. */
static inline void *
segment_resize_rows(SegmentMemory memory, void *block, uint64 n, uint64 width, size_t size)
{
	return memory.resize(memory.ctx, block, segment_array_size(segment_product(n, width), size));
}

#endif							/* SEGMENT_ALLOCATE_H */
