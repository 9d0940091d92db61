/*
 * baskets.h: which items were bought together.  See baskets.c.
 */
#ifndef SEGMENT_BASKETS_H
#define SEGMENT_BASKETS_H

#include "c.h"

#include "kernel/base/memory.h"

/* A line of the source: both numbered from 0, in any order. */
typedef struct SegmentBasketLine
{
	uint32		basket;
	uint32		item;
} SegmentBasketLine;

/*
 * Baskets of items, each item once, with both ways to look at them.  Items that are in
 * enough baskets have a rank, from 0: the rarest first, ties by the order that was given.
 */
typedef struct SegmentBaskets
{
	uint32		n_baskets;		/* all, also those without a ranked item */
	uint32		n_ranks;
	uint32	   *item_of;		/* n_ranks: number of the item in the lines */
	uint32	   *rank_of;		/* of each item in the lines; PG_UINT32_MAX: in too few baskets */
	uint64	   *basket_start;	/* n_baskets + 1: where its ranks begin */
	uint32	   *ranks;			/* of each basket in ascending order */
	uint64	   *item_start;		/* n_ranks + 1: where its baskets begin */
	uint32	   *baskets;		/* of each rank in ascending order */
} SegmentBaskets;

static inline uint32
segment_baskets_with(const SegmentBaskets *baskets, uint32 rank)
{
	return (uint32) (baskets->item_start[rank + 1] - baskets->item_start[rank]);
}

extern uint32 segment_least_count(double share, uint32 n);
extern SegmentStatus segment_baskets_build(SegmentBaskets *baskets, SegmentMemory memory,
										   SegmentBasketLine *lines, uint64 n_lines,
										   uint32 n_baskets, uint32 n_items,
										   SegmentInterrupted interrupted);
extern SegmentStatus segment_baskets_rank(SegmentBaskets *baskets, SegmentMemory memory,
										  const uint32 *counts, const uint32 *order,
										  uint32 n_items, uint32 least,
										  SegmentInterrupted interrupted);
extern void segment_baskets_choose(SegmentBaskets *baskets, SegmentMemory memory,
								   const uint32 *counts, const uint32 *order, uint32 n_items,
								   uint32 least);
extern void segment_sort_ranks(uint32 *numbers, uint64 n);
extern SegmentStatus segment_baskets_list(SegmentBaskets *part, SegmentMemory memory, uint32 from,
										  uint32 to, SegmentInterrupted interrupted);
extern uint32 *segment_baskets_count(const SegmentBaskets *baskets, SegmentMemory memory,
									 uint32 n_items);

#endif							/* SEGMENT_BASKETS_H */
