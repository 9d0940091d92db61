/*
 * memory.c: what the kernel gets from the server: memory of a context, since it
 * owns none, and a way to be stopped.
 */
#include "memory.h"

#include "miscadmin.h"
#include "utils/memutils.h"

static void *
resize(void *ctx, void *block, size_t size)
{
	/* blocks may exceed 1 GB; the row limits are set from memory settings */
	if (block == NULL)
		return MemoryContextAllocHuge((MemoryContext) ctx, size);
	return repalloc_huge(block, size);
}

static void
release(void *ctx, void *block)
{
	(void) ctx;
	pfree(block);
}

SegmentMemory
segment_memory(MemoryContext context)
{
	SegmentMemory memory;

	memory.resize = resize;
	memory.release = release;
	memory.ctx = context;
	return memory;
}

/* An error leaves the kernel at once; its memory goes with the context. */
bool
segment_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	return false;
}
