/*
 * memory.h: what the server gives the kernel (kernel/base/memory.h).  See memory.c.
 */
#ifndef SEGMENT_MEMORY_H
#define SEGMENT_MEMORY_H

#include "compat.h"

#include "kernel/base/memory.h"

extern void segment_use_huge_pages(void *block, size_t size);
extern void segment_check_array_size(size_t size);
extern void *segment_new_array(uint64 n, uint64 width, size_t size);
extern SegmentMemory segment_memory(MemoryContext context);
extern bool segment_check_interrupts(void);

#endif							/* SEGMENT_MEMORY_H */
