/*
 * sorted_baskets.c: frequent itemsets of baskets that do not fit into memory.
 *
 * The pairs come out of the server's sort twice: first items are counted; then, as it is known which
 * of them are frequent, baskets of the ranks of these are written to a file.  Sets that begin with an item need
 * only the baskets with it, and of these only items of higher rank.  So the file is read again for a few
 * items at a time, as many as fit, and the sets found are the same, in the same order, as those of baskets
 * in memory.
 *
 * What must fit is the items, the sets, and what one item needs.
 */
#include "basket/sorted_baskets.h"

#include "base/memory.h"
#include "kernel/base/allocate.h"
#include "miscadmin.h"

typedef struct SortedBaskets
{
	PairReader *reader;
	SegmentMemory memory;
	SegmentBaskets *whole;
	BufFile    *file;			/* of each basket: how many ranks, and these in ascending order */
	uint64	   *size;			/* of each rank: bytes that a part for it alone would take */
	uint32	   *ranks;			/* n_ranks: of the basket that is read or written */
} SortedBaskets;

/* ---- out of the sort ---- */

/* The next pair that is not the same as the last. */
static bool
next_pair(SortedBaskets *s, uint64 *code, bool is_first)
{
	Datum		value;
	bool		isnull;

	while (segment_tuplesort_getdatum(s->reader->sort, &value, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_first && (uint64) DatumGetInt64(value) == *code)
			continue;
		*code = (uint64) DatumGetInt64(value);
		return true;
	}
	return false;
}

/* Counts items and gives ranks to those in a share of min_support of baskets; returns the least count. */
static uint32
rank_items(SortedBaskets *s, double min_support)
{
	const PairColumn *items = s->reader->second;
	uint32	   *counts = segment_allocate_zeros(s->memory, items->table.n, sizeof(uint32));
	uint32	   *order;
	uint32		least;
	uint64		code = 0;
	bool		is_first = true;

	for (; next_pair(s, &code, is_first); is_first = false)
		counts[(uint32) code]++;
	least = segment_least_count(min_support, s->whole->n_baskets);
	order = segment_pair_order(items, counts, least, s->memory);
	segment_baskets_choose(s->whole, s->memory, counts, order, items->table.n, least);
	s->memory.release(s->memory.ctx, counts);
	s->memory.release(s->memory.ctx, order);
	return least;
}

/* Puts a basket into the file; of less than two ranks nothing follows. */
static void
write_basket(SortedBaskets *s, uint32 n)
{
	uint32		i;

	if (n < 2)
		return;
	segment_sort_ranks(s->ranks, n);
	segment_spill_write(s->file, &n, sizeof(n));
	segment_spill_write(s->file, s->ranks, sizeof(uint32) * n);
	/* an item's ranks, where they begin, and its place in a list */
	for (i = 0; i < n; i++)
		s->size[s->ranks[i]] += sizeof(uint32) * (uint64) (n - i) + sizeof(uint64) + sizeof(uint32);
}

static void
write_baskets(SortedBaskets *s)
{
	uint64		code = 0;
	uint32		basket = 0;
	uint32		n = 0;
	bool		is_first = true;

	s->file = BufFileCreateTemp(false);
	tuplesort_rescan(s->reader->sort);
	for (; next_pair(s, &code, is_first); is_first = false)
	{
		uint32		rank = s->whole->rank_of[(uint32) code];

		if ((uint32) (code >> 32) != basket)
		{
			write_basket(s, n);
			n = 0;
		}
		basket = (uint32) (code >> 32);
		if (rank != PG_UINT32_MAX)
			s->ranks[n++] = rank;
	}
	write_basket(s, n);
	tuplesort_end(s->reader->sort);
	s->reader->sort = NULL;
	s->reader->memory->used -= s->reader->memory->limit / PAIR_SORT_SHARE;
}

/* ---- in parts ---- */

/* The rank after the last of those from `from` on that are a part together; one at least. */
static uint32
end_of_part(const SortedBaskets *s, uint32 from, uint64 *size)
{
	uint64		most = s->reader->memory->limit / PAIR_SORT_SHARE;
	uint32		to = from;

	*size = 0;
	do
		*size += s->size[to++];
	while (to < s->whole->n_ranks && *size + s->size[to] <= most);
	return to;
}

/* The place of the first rank from `from` on. */
static uint32
first_from(const uint32 *ranks, uint32 n, uint32 from)
{
	uint32		i = 0;

	while (i < n && ranks[i] < from)
		i++;
	return i;
}

/* Reads the baskets with a rank of from .. to - 1, without the ranks below. */
static void
read_part(SortedBaskets *s, SegmentBaskets *part, uint32 from, uint32 to, uint64 size)
{
	uint64		room = 1024;
	uint64		baskets_room = 1024;
	uint64		n = 0;
	uint32		length;

	memset(part, 0, sizeof(*part));
	part->n_ranks = s->whole->n_ranks;
	part->ranks = segment_allocate(s->memory, room, sizeof(uint32));
	part->basket_start = segment_allocate(s->memory, baskets_room + 1, sizeof(uint64));
	part->basket_start[0] = 0;
	if (BufFileSeek(s->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind temporary file: %m")));
	while (segment_spill_read(s->file, &length, sizeof(length)))
	{
		uint32		skip;

		CHECK_FOR_INTERRUPTS();
		(void) segment_spill_read(s->file, s->ranks, sizeof(uint32) * length);
		skip = first_from(s->ranks, length, from);
		if (skip == length || s->ranks[skip] >= to)
			continue;
		if (n + (length - skip) > room)
		{
			room = Min(Max(2 * room, n + length), size / sizeof(uint32));
			part->ranks = segment_resize_rows(s->memory, part->ranks, room, 1, sizeof(uint32));
		}
		if (part->n_baskets == baskets_room)
		{
			baskets_room *= 2;
			part->basket_start = segment_resize_rows(s->memory, part->basket_start, baskets_room + 1, 1,
													 sizeof(uint64));
		}
		memcpy(part->ranks + n, s->ranks + skip, sizeof(uint32) * (length - skip));
		n += length - skip;
		part->basket_start[++part->n_baskets] = n;
	}
	(void) segment_baskets_list(part, s->memory, from, to, segment_check_interrupts);
}

static void
release_part(SortedBaskets *s, SegmentBaskets *part)
{
	s->memory.release(s->memory.ctx, part->ranks);
	s->memory.release(s->memory.ctx, part->basket_start);
	s->memory.release(s->memory.ctx, part->item_start);
	s->memory.release(s->memory.ctx, part->baskets);
}

/*
 * The frequent itemsets of pairs that are in a sort; of the whole there are the ranks of items and how many
 * baskets have each.
 */
void
segment_itemsets_of_sorted(SegmentItemsets *itemsets, SegmentBaskets *whole, PairReader *reader,
						   double min_support, uint32 max_length)
{
	SortedBaskets s = {0};
	SegmentBaskets part;
	uint64		size;
	uint32		least;
	uint32		from;
	uint32		to;

	memset(whole, 0, sizeof(*whole));
	whole->n_baskets = reader->n_before;
	s.reader = reader;
	s.memory = segment_pair_kernel_memory(reader->memory);
	s.whole = whole;
	tuplesort_performsort(reader->sort);
	least = rank_items(&s, min_support);
	s.size = segment_allocate_zeros(s.memory, whole->n_ranks, sizeof(uint64));
	s.ranks = segment_allocate(s.memory, whole->n_ranks, sizeof(uint32));
	write_baskets(&s);
	segment_itemsets_begin(itemsets, s.memory, whole, least, max_length);
	for (from = 0; from < whole->n_ranks && max_length > 1; from = to)
	{
		to = end_of_part(&s, from, &size);
		read_part(&s, &part, from, to, size);
		(void) segment_itemsets_extend(itemsets, &part, from, to, segment_check_interrupts);
		release_part(&s, &part);
	}
	BufFileClose(s.file);
}
