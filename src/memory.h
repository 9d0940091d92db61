/*
 * memory.h: lends a PostgreSQL memory context to the kernel, which owns none.
 */
#ifndef SEGMENT_MEMORY_H
#define SEGMENT_MEMORY_H

#include "compat.h"

#include "kernel/row_store.h"

extern void segment_use_huge_pages(void *block, size_t size);
extern SegmentMemory segment_memory(MemoryContext context);

#endif							/* SEGMENT_MEMORY_H */
