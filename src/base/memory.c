/*
 * memory.c: what the kernel gets from the server: memory of a context, since it
 * owns none, and a way to be stopped.
 */
#include "base/memory.h"

#include "kernel/base/allocate.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#ifndef WIN32
#include <sys/mman.h>
#endif

#define HUGE_PAGE	((size_t) 2 * 1024 * 1024)

/*
 * Asks for huge pages under a large block that is about to be filled, where the
 * system has them (transparent_hugepage is "madvise" or "always"): else a fault
 * for every 4 kB takes longer than what is then written there.
 */
void
segment_use_huge_pages(void *block, size_t size)
{
#ifdef MADV_HUGEPAGE
	uintptr_t	start = TYPEALIGN(HUGE_PAGE, (uintptr_t) block);
	uintptr_t	end = TYPEALIGN_DOWN(HUGE_PAGE, (uintptr_t) block + size);

	/* a wish: nothing is lost if it is not granted */
	if (end > start)
		(void) madvise((void *) start, end - start, MADV_HUGEPAGE);
#endif
}

/* Refuses a size that the kernel asks for where it cannot be told, or that no server has. */
void
segment_check_array_size(size_t size)
{
	if (!AllocHugeSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an array of this calculation would take more than %zu bytes",
						(size_t) MaxAllocHugeSize),
				 errhint("Use fewer rows, features or segments.")));
}

static void *
resize(void *ctx, void *block, size_t size)
{
	segment_check_array_size(size);
	/* blocks may exceed 1 GB; the row limits are set from memory settings */
	if (block == NULL)
		block = MemoryContextAllocHuge((MemoryContext) ctx, size);
	else
		block = repalloc_huge(block, size);
	segment_use_huge_pages(block, size);
	return block;
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

/*
 * n rows of `width` elements in the present memory context, as the kernel gets them
 * (allocate.h).
 */
void *
segment_new_array(uint64 n, uint64 width, size_t size)
{
	return segment_allocate_rows(segment_memory(CurrentMemoryContext), n, width, size);
}

/* An error leaves the kernel at once; its memory goes with the context. */
bool
segment_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
	return false;
}
