/*
 * memory.c: lends a PostgreSQL memory context to the kernel, which owns none.
 */
#include "memory.h"

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
