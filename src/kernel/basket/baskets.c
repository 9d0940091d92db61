/*
 * baskets.c: lines of (basket, item) become baskets of items, each item once, and lists of
 * the baskets of each item.
 *
 * In three steps, because the order of items is asked of the server, and only once it is
 * known which of them count:
 *
 *		build	lines, in whatever order, to baskets (counting sort); an item that comes
 *				again in a basket is left out
 *		count	in how many baskets each item is
 *		rank	items in fewer baskets than `least` are dropped; the others are numbered
 *				from the rarest to the commonest, and their baskets are listed
 *
 * Baskets that do not fit into memory are ranked elsewhere and come back in parts: those with one of
 * some ranks, without what is below these.  `list` lists them.
 *
 * What follows from the ranks depends neither on the order of lines nor on the numbers of
 * baskets and items.  Memory: 8 bytes a line while they are sorted, then 8 a line and 8 a
 * basket.
 */
#include "kernel/basket/baskets.h"

#include <math.h>
#include <stdlib.h>

#include "kernel/base/allocate.h"
#include "kernel/base/order.h"

#define CHECKED 65536			/* lines between two questions whether to go on */
#define SHORT	24				/* baskets up to this size are sorted by insertion */

static bool
stopped(SegmentInterrupted interrupted, uint64 i)
{
	return i % CHECKED == 0 && interrupted != NULL && interrupted();
}

/*
 * The least count whose share of n is at least what was asked for: shares are compared as
 * they are printed, so that 1 of 10 is 0.1.
 */
uint32
segment_least_count(double share, uint32 n)
{
	double		count = ceil(share * n);

	if (count < 1)
		return 1;
	while (count > 1 && (count - 1) / n >= share)
		count--;
	while (count / n < share)
		count++;
	return (uint32) count;
}

/* Releases the lines.  rank_of, item_of, item_start and baskets come from segment_baskets_rank. */
SegmentStatus
segment_baskets_build(SegmentBaskets *baskets, SegmentMemory memory, SegmentBasketLine *lines,
					  uint64 n_lines, uint32 n_baskets, uint32 n_items,
					  SegmentInterrupted interrupted)
{
	uint64	   *start = segment_allocate_zeros(memory, (uint64) n_baskets + 1, sizeof(uint64));
	uint32	   *items = segment_allocate(memory, n_lines, sizeof(uint32));
	uint32	   *last;			/* of each item the last basket that has it, + 1 */
	uint64		n = 0;
	uint64		i;
	uint32		b;

	memset(baskets, 0, sizeof(*baskets));
	baskets->n_baskets = n_baskets;
	baskets->basket_start = start;
	baskets->ranks = items;
	for (i = 0; i < n_lines; i++)
		start[lines[i].basket]++;
	for (b = 0, i = 0; b < n_baskets; b++)
	{
		uint64		size = start[b];

		start[b] = i;
		i += size;
	}
	for (i = 0; i < n_lines; i++)
	{
		if (stopped(interrupted, i))
			return SEGMENT_INTERRUPTED;
		items[start[lines[i].basket]++] = lines[i].item;
	}
	if (lines != NULL)
		memory.release(memory.ctx, lines);
	last = segment_allocate_zeros(memory, n_items, sizeof(uint32));
	for (b = 0, i = 0; b < n_baskets; b++)
	{
		uint64		end = start[b];		/* the sort has moved it there */

		start[b] = n;
		for (; i < end; i++)
		{
			if (stopped(interrupted, i))
				return SEGMENT_INTERRUPTED;
			if (last[items[i]] == b + 1)
				continue;
			last[items[i]] = b + 1;
			items[n++] = items[i];
		}
	}
	start[n_baskets] = n;
	memory.release(memory.ctx, last);
	return SEGMENT_DONE;
}

/* In how many baskets each item is. */
uint32 *
segment_baskets_count(const SegmentBaskets *baskets, SegmentMemory memory, uint32 n_items)
{
	uint32	   *counts = segment_allocate_zeros(memory, n_items, sizeof(uint32));
	uint64		n = baskets->basket_start[baskets->n_baskets];
	uint64		i;

	for (i = 0; i < n; i++)
		counts[baskets->ranks[i]]++;
	return counts;
}

/*
 * Sorts items by their counts, those of one count as they were: by a byte at a time, the
 * lowest first, which takes a moment even of a million.
 */
static void
sort_by_count(uint32 *items, uint32 *scratch, uint32 n, const uint32 *counts)
{
	int			shift;

	for (shift = 0; shift < 32; shift += 8)
	{
		uint32		start[257] = {0};
		uint32		i;

		for (i = 0; i < n; i++)
			start[(counts[items[i]] >> shift & 0xFF) + 1]++;
		for (i = 0; i < 256; i++)
			start[i + 1] += start[i];
		for (i = 0; i < n; i++)
			scratch[start[counts[items[i]] >> shift & 0xFF]++] = items[i];
		memcpy(items, scratch, sizeof(uint32) * n);
	}
}

/* Ascending. */
void
segment_sort_ranks(uint32 *numbers, uint64 n)
{
	uint64		i;

	if (n > SHORT)
	{
		qsort(numbers, n, sizeof(uint32), segment_compare_uint32);
		return;
	}
	for (i = 1; i < n; i++)
	{
		uint32		number = numbers[i];
		uint64		j = i;

		for (; j > 0 && numbers[j - 1] > number; j--)
			numbers[j] = numbers[j - 1];
		numbers[j] = number;
	}
}

/* Ranks of the items, and item_start, which tells in how many baskets each is. */
void
segment_baskets_choose(SegmentBaskets *baskets, SegmentMemory memory, const uint32 *counts,
					   const uint32 *order, uint32 n_items, uint32 least)
{
	uint32	   *scratch;
	uint32		n = 0;
	uint32		i;

	for (i = 0; i < n_items; i++)
		n += counts[i] >= least;
	baskets->n_ranks = n;
	baskets->item_of = segment_allocate(memory, n, sizeof(uint32));
	for (i = 0; i < n_items; i++)
		if (counts[i] >= least)
			baskets->item_of[order[i]] = i;
	scratch = segment_allocate(memory, n, sizeof(uint32));
	sort_by_count(baskets->item_of, scratch, n, counts);
	memory.release(memory.ctx, scratch);
	baskets->rank_of = segment_allocate(memory, n_items, sizeof(uint32));
	memset(baskets->rank_of, 0xFF, sizeof(uint32) * n_items);
	baskets->item_start = segment_allocate_zeros(memory, (uint64) n + 1, sizeof(uint64));
	for (i = 0; i < n; i++)
	{
		baskets->rank_of[baskets->item_of[i]] = i;
		baskets->item_start[i + 1] = baskets->item_start[i] + counts[baskets->item_of[i]];
	}
}

/* order: of each item that is in at least `least` baskets its place among those, from 0. */
SegmentStatus
segment_baskets_rank(SegmentBaskets *baskets, SegmentMemory memory, const uint32 *counts,
					 const uint32 *order, uint32 n_items, uint32 least,
					 SegmentInterrupted interrupted)
{
	uint64	   *start = baskets->basket_start;
	uint64	   *end;			/* where the next basket of each rank goes */
	uint64		n = 0;
	uint64		i = 0;
	uint32		b;

	segment_baskets_choose(baskets, memory, counts, order, n_items, least);
	baskets->baskets = segment_allocate(memory, baskets->item_start[baskets->n_ranks],
										sizeof(uint32));
	end = segment_allocate(memory, baskets->n_ranks, sizeof(uint64));
	memcpy(end, baskets->item_start, sizeof(uint64) * baskets->n_ranks);
	for (b = 0; b < baskets->n_baskets; b++)
	{
		uint64		first = n;
		uint64		stop = start[b + 1];

		if (stopped(interrupted, b))
			return SEGMENT_INTERRUPTED;
		start[b] = n;
		for (; i < stop; i++)
		{
			uint32		rank = baskets->rank_of[baskets->ranks[i]];

			if (rank == PG_UINT32_MAX)
				continue;
			baskets->ranks[n++] = rank;
			baskets->baskets[end[rank]++] = b;
		}
		segment_sort_ranks(baskets->ranks + first, n - first);
	}
	start[baskets->n_baskets] = n;
	memory.release(memory.ctx, end);
	return SEGMENT_DONE;
}

/*
 * Lists the baskets of ranks from .. to - 1 of a part: basket_start and ranks are there, n_ranks is that
 * of the whole.
 */
SegmentStatus
segment_baskets_list(SegmentBaskets *part, SegmentMemory memory, uint32 from, uint32 to,
					 SegmentInterrupted interrupted)
{
	uint64	   *start = segment_allocate_zeros(memory, (uint64) part->n_ranks + 1, sizeof(uint64));
	uint64		n = part->basket_start[part->n_baskets];
	uint64		i;
	uint32		rank;
	uint32		b;

	part->item_start = start;
	for (i = 0; i < n; i++)
		if (part->ranks[i] < to)
			start[part->ranks[i] + 1]++;
	for (rank = from; rank < to; rank++)
		start[rank + 1] += start[rank];
	part->baskets = segment_allocate(memory, start[to], sizeof(uint32));
	for (b = 0; b < part->n_baskets; b++)
	{
		if (stopped(interrupted, b))
			return SEGMENT_INTERRUPTED;
		for (i = part->basket_start[b]; i < part->basket_start[b + 1] && part->ranks[i] < to; i++)
			part->baskets[start[part->ranks[i]]++] = b;
	}
	/* filling has moved each to where the next begins */
	memmove(start + from + 1, start + from, sizeof(uint64) * (to - from));
	start[from] = 0;
	return SEGMENT_DONE;
}
