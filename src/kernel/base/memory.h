/*
 * memory.h: what the kernel gets from its caller: memory, since it owns none, and
 * whether to go on.
 */
#ifndef SEGMENT_KERNEL_MEMORY_H
#define SEGMENT_KERNEL_MEMORY_H

#include "c.h"

/* resize(ctx, NULL, n) allocates. */
typedef struct SegmentMemory
{
	void	   *(*resize) (void *ctx, void *block, size_t size);
	void		(*release) (void *ctx, void *block);
	void	   *ctx;
} SegmentMemory;

typedef enum SegmentStatus
{
	SEGMENT_DONE,
	SEGMENT_INTERRUPTED
} SegmentStatus;

/* Lets the caller stop a long calculation; NULL: never. */
typedef bool (*SegmentInterrupted) (void);

/* Rows between two questions whether to go on, when a row costs `work` multiplications. */
static inline int64
segment_rows_between_checks(double work)
{
	const double checked = 4e6;

	return work * 4096 < checked ? 4096 : (int64) Max(checked / work, 1);
}

#endif							/* SEGMENT_KERNEL_MEMORY_H */
