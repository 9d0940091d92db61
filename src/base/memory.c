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
#include <unistd.h>
#endif

#define HUGE_PAGE	((size_t) 2 * 1024 * 1024)

/* of a smaller block there is nothing to gain: the allocator keeps its memory when it is released */
#define SMALLEST_BLOCK	((size_t) 128 * 1024)

/* Asks for the pages from one address to another at once. */
static void
populate(uintptr_t from, uintptr_t to)
{
#ifdef MADV_POPULATE_WRITE
	static size_t page = 0;

	if (page == 0)
		page = (size_t) sysconf(_SC_PAGESIZE);
	from = TYPEALIGN(page, from);
	to = TYPEALIGN_DOWN(page, to);
	if (to > from)
		(void) madvise((void *) from, to - from, MADV_POPULATE_WRITE);
#endif
}

/*
 * Asks for huge pages under a large block that is about to be filled, where the
 * system has them (transparent_hugepage is "madvise" or "always"): else a fault
 * for every 4 kB takes longer than what is then written there.  Both ends, where
 * no huge page fits, get their pages at once.
 */
void
segment_use_huge_pages(void *block, size_t size)
{
#ifdef MADV_HUGEPAGE
	uintptr_t	begin = (uintptr_t) block;
	uintptr_t	end = begin + size;
	uintptr_t	first = TYPEALIGN(HUGE_PAGE, begin);
	uintptr_t	last = TYPEALIGN_DOWN(HUGE_PAGE, end);

	if (size < SMALLEST_BLOCK)
		return;
	/* wishes: nothing is lost if they are not granted */
	if (first >= last)
	{
		populate(begin, end);
		return;
	}
	(void) madvise((void *) first, last - first, MADV_HUGEPAGE);
	populate(begin, first);
	populate(last, end);
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
