/*
 * itemsets.c: all sets of items that are together in enough baskets, and the rules
 * "who has these, has that, too" that follow from them.
 *
 * Items are ranked from the rarest to the commonest (baskets.c).  For each item:
 *
 *		its baskets are walked through, and items of a higher rank counted: pairs
 *		the others are forgotten; what is left of its baskets becomes a bitmap for each
 *			frequent item, a bit a basket of these
 *		larger sets are intersections of bitmaps (Eclat), depth first
 *
 * so that bitmaps are never sparse: each has at least `least` bits of the baskets of the
 * rarest item.  Sets lie in a tree, in which the set without one item, whose count a
 * rule's confidence needs, is found by a few binary searches.
 *
 * Work is told to `interrupted` every megabyte or so; memory is the tree, 16 bytes a set,
 * and the bitmaps of one item.  Counts are whole numbers: the answer depends on nothing but
 * the baskets.
 *
 * Measures of a rule A -> b, of n baskets (Agrawal and Srikant 1994; Brin et al. 1997;
 * names and values as in R's arules):
 *
 *		support		P(A, b)
 *		confidence	P(b | A)
 *		lift		P(A, b) / (P(A) P(b))
 *		leverage	P(A, b) - P(A) P(b)
 *		conviction	P(A) P(not b) / P(A, not b)
 *		chi2		of the table of A and b, one degree of freedom, without correction
 *
 * Reference: Zaki, Scalable algorithms for association mining, 2000.
 */
#include "kernel/basket/itemsets.h"

#include <math.h>
#include <stdlib.h>

#include "kernel/base/allocate.h"
#include "kernel/base/gamma.h"
#include "kernel/base/lanes.h"
#include "kernel/base/order.h"

#define CHECKED_WORDS	(1 << 19)	/* words and steps between two questions whether to go on */

/* The extensions of one set. */
typedef struct Level
{
	uint32		first;			/* set of the first */
	uint32		n;
	uint32		at;				/* the next to be extended */
	uint64	   *bits;			/* n bitmaps */
	uint64		room;			/* words */
} Level;

typedef struct Search
{
	SegmentItemsets *itemsets;
	SegmentMemory memory;
	const SegmentBaskets *baskets;
	uint32		least;
	uint32		max_length;
	SegmentInterrupted interrupted;
	uint64		work;			/* since the last question */
	uint32	   *counts;			/* of each rank, together with the item that is looked at */
	uint32	   *touched;		/* ranks whose count is not 0 */
	uint32	   *place;			/* of each rank its bitmap + 1, or 0 */
	uint64		words;			/* of a bitmap */
	Level	   *levels;
	uint32		n_levels;
} Search;

static bool
stopped(Search *search, uint64 work)
{
	search->work += work;
	if (search->work < CHECKED_WORDS)
		return false;
	search->work = 0;
	return search->interrupted != NULL && search->interrupted();
}

static void
add_set(SegmentItemsets *itemsets, uint32 rank, uint32 count, uint32 length)
{
	SegmentItemset *set;

	if (itemsets->n == itemsets->room)
	{
		/* numbers of sets have 32 bits; more are more than any memory */
		itemsets->room = itemsets->n >= PG_UINT32_MAX / 2 ? PG_UINT64_MAX : 2 * itemsets->room;
		itemsets->sets = segment_resize_rows(itemsets->memory, itemsets->sets, itemsets->room, 1,
											 sizeof(SegmentItemset));
	}
	set = &itemsets->sets[itemsets->n++];
	set->rank = rank;
	set->count = count;
	set->first = 0;
	set->n_children = 0;
	itemsets->longest = Max(itemsets->longest, length);
}

/* to = a and b; how many bits that are. */
SEGMENT_CLONES static uint32
intersect(uint64 *to, const uint64 *a, const uint64 *b, uint64 words)
{
	uint64		count = 0;
	uint64		i;

	for (i = 0; i < words; i++)
	{
		uint64		both = a[i] & b[i];

		to[i] = both;
		count += (uint64) __builtin_popcountll(both);
	}
	return (uint32) count;
}

static Level *
level_at(Search *search, uint32 depth)
{
	if (depth == search->n_levels)
	{
		uint32		n = Max(16, 2 * search->n_levels);

		search->levels = segment_resize_rows(search->memory, search->levels, n, 1, sizeof(Level));
		memset(search->levels + search->n_levels, 0, sizeof(Level) * (n - search->n_levels));
		search->n_levels = n;
	}
	return &search->levels[depth];
}

static void
make_room(Search *search, Level *level, uint64 words)
{
	if (words <= level->room)
		return;
	level->room = Max(words, 2 * level->room);
	level->bits = segment_resize_rows(search->memory, level->bits, level->room, 1, sizeof(uint64));
}

/* Counts what is in the baskets of an item, of higher rank; touched is then in order. */
static SegmentStatus
count_pairs(Search *search, uint32 rank, uint32 *n_touched)
{
	const SegmentBaskets *baskets = search->baskets;
	uint64		i;
	uint32		n = 0;
	uint32		kept = 0;
	uint32		k;

	for (i = baskets->item_start[rank]; i < baskets->item_start[rank + 1]; i++)
	{
		uint32		basket = baskets->baskets[i];
		uint64		first = baskets->basket_start[basket];
		uint64		j = baskets->basket_start[basket + 1];

		for (; j > first && baskets->ranks[j - 1] > rank; j--)
		{
			uint32		other = baskets->ranks[j - 1];

			if (search->counts[other]++ == 0)
				search->touched[n++] = other;
		}
		if (stopped(search, 8 + baskets->basket_start[basket + 1] - j))
			return SEGMENT_INTERRUPTED;
	}
	for (k = 0; k < n; k++)
		if (search->counts[search->touched[k]] >= search->least)
			search->touched[kept++] = search->touched[k];
		else
			search->counts[search->touched[k]] = 0;
	qsort(search->touched, kept, sizeof(uint32), segment_compare_uint32);
	*n_touched = kept;
	return SEGMENT_DONE;
}

/* The pairs of an item become sets; their counts are cleared. */
static void
add_pairs(Search *search, uint32 rank, uint32 n)
{
	SegmentItemsets *itemsets = search->itemsets;
	uint32		k;

	itemsets->sets[rank].first = (uint32) itemsets->n;
	itemsets->sets[rank].n_children = n;
	for (k = 0; k < n; k++)
	{
		add_set(itemsets, search->touched[k], search->counts[search->touched[k]], 2);
		search->counts[search->touched[k]] = 0;
	}
}

/* The baskets of an item as bitmaps of the items that it is frequent with. */
static SegmentStatus
fill_bitmaps(Search *search, uint32 rank, uint32 n)
{
	const SegmentBaskets *baskets = search->baskets;
	Level	   *level = level_at(search, 0);
	uint64		first_basket = baskets->item_start[rank];
	uint64		i;
	uint32		k;

	search->words = ((uint64) segment_baskets_with(baskets, rank) + 63) / 64;
	make_room(search, level, segment_product(n, search->words));
	memset(level->bits, 0, sizeof(uint64) * n * search->words);
	level->first = search->itemsets->sets[rank].first;
	level->n = n;
	level->at = 0;
	for (k = 0; k < n; k++)
		search->place[search->touched[k]] = k + 1;
	for (i = first_basket; i < baskets->item_start[rank + 1]; i++)
	{
		uint32		basket = baskets->baskets[i];
		uint64		bit = i - first_basket;
		uint64		j = baskets->basket_start[basket + 1];

		for (; j > baskets->basket_start[basket] && baskets->ranks[j - 1] > rank; j--)
		{
			uint32		place = search->place[baskets->ranks[j - 1]];

			if (place > 0)
				level->bits[(uint64) (place - 1) * search->words + bit / 64] |=
					UINT64CONST(1) << (bit % 64);
		}
		if (stopped(search, 8 + baskets->basket_start[basket + 1] - j))
			return SEGMENT_INTERRUPTED;
	}
	for (k = 0; k < n; k++)
		search->place[search->touched[k]] = 0;
	return SEGMENT_DONE;
}

/* The extensions of one set at a depth, which go to the next; its items are depth + 2. */
static SegmentStatus
extend(Search *search, uint32 depth)
{
	SegmentItemsets *itemsets = search->itemsets;
	Level	   *next = level_at(search, depth + 1);
	Level	   *level = level_at(search, depth);
	uint32		a = level->at++;
	uint64		words = search->words;
	uint32		b;

	next = level_at(search, depth + 1);
	next->first = (uint32) itemsets->n;
	next->n = 0;
	next->at = 0;
	for (b = a + 1; b < level->n; b++)
	{
		uint32		count;

		make_room(search, next, segment_product((uint64) next->n + 1, words));
		count = intersect(next->bits + next->n * words, level->bits + a * words,
						  level->bits + b * words, words);
		if (count >= search->least)
		{
			add_set(itemsets, itemsets->sets[level->first + b].rank, count, depth + 3);
			next->n++;
		}
		if (stopped(search, words))
			return SEGMENT_INTERRUPTED;
	}
	itemsets->sets[level->first + a].first = next->first;
	itemsets->sets[level->first + a].n_children = next->n;
	return SEGMENT_DONE;
}

/* All sets of more than two items that begin with an item. */
static SegmentStatus
find_larger(Search *search)
{
	uint32		depth = 0;

	for (;;)
	{
		if (search->levels[depth].at == search->levels[depth].n)
		{
			if (depth-- == 0)
				return SEGMENT_DONE;
			continue;
		}
		if (extend(search, depth) != SEGMENT_DONE)
			return SEGMENT_INTERRUPTED;
		/* sets of depth + 3 items, to be extended in turn */
		if (search->levels[depth + 1].n > 1 && depth + 4 <= search->max_length)
			depth++;
	}
}

static void
release_search(Search *search)
{
	SegmentMemory memory = search->memory;
	uint32		i;

	memory.release(memory.ctx, search->counts);
	memory.release(memory.ctx, search->touched);
	memory.release(memory.ctx, search->place);
	for (i = 0; i < search->n_levels; i++)
		if (search->levels[i].bits != NULL)
			memory.release(memory.ctx, search->levels[i].bits);
	if (search->levels != NULL)
		memory.release(memory.ctx, search->levels);
}

/* The sets of one item; baskets need no more than item_start. */
void
segment_itemsets_begin(SegmentItemsets *itemsets, SegmentMemory memory,
					   const SegmentBaskets *baskets, uint32 least, uint32 max_length)
{
	uint32		rank;

	memset(itemsets, 0, sizeof(*itemsets));
	itemsets->memory = memory;
	itemsets->n_baskets = baskets->n_baskets;
	itemsets->n_roots = baskets->n_ranks;
	itemsets->least = least;
	itemsets->max_length = max_length;
	itemsets->room = Max(itemsets->n_roots, 1024);
	itemsets->sets = segment_allocate(memory, itemsets->room, sizeof(SegmentItemset));
	for (rank = 0; rank < itemsets->n_roots; rank++)
		add_set(itemsets, rank, segment_baskets_with(baskets, rank), 1);
}

/*
 * The larger sets whose rarest item is of rank from .. to - 1, which are to be found in this order.  The part has
 * all baskets of these items, with all items of higher rank.
 */
SegmentStatus
segment_itemsets_extend(SegmentItemsets *itemsets, const SegmentBaskets *part, uint32 from,
						uint32 to, SegmentInterrupted interrupted)
{
	Search		search = {0};
	SegmentMemory memory = itemsets->memory;
	SegmentStatus status = SEGMENT_DONE;
	uint32		rank;

	if (itemsets->max_length < 2)
		return SEGMENT_DONE;
	search.itemsets = itemsets;
	search.memory = memory;
	search.baskets = part;
	search.least = itemsets->least;
	search.max_length = itemsets->max_length;
	search.interrupted = interrupted;
	search.counts = segment_allocate_zeros(memory, itemsets->n_roots, sizeof(uint32));
	search.touched = segment_allocate(memory, itemsets->n_roots, sizeof(uint32));
	search.place = segment_allocate_zeros(memory, itemsets->n_roots, sizeof(uint32));
	for (rank = from; rank < to && status == SEGMENT_DONE; rank++)
	{
		uint32		n_pairs;

		status = count_pairs(&search, rank, &n_pairs);
		if (status != SEGMENT_DONE)
			break;
		add_pairs(&search, rank, n_pairs);
		if (n_pairs < 2 || itemsets->max_length < 3)
			continue;
		status = fill_bitmaps(&search, rank, n_pairs);
		if (status == SEGMENT_DONE)
			status = find_larger(&search);
	}
	release_search(&search);
	return status;
}

/* All sets of at most max_length items that are in at least `least` baskets. */
SegmentStatus
segment_itemsets_find(SegmentItemsets *itemsets, SegmentMemory memory,
					  const SegmentBaskets *baskets, uint32 least, uint32 max_length,
					  SegmentInterrupted interrupted)
{
	segment_itemsets_begin(itemsets, memory, baskets, least, max_length);
	return segment_itemsets_extend(itemsets, baskets, 0, baskets->n_ranks, interrupted);
}

/* ---- rules ---- */

void
segment_rules_begin(SegmentRuleWalk *walk, const SegmentItemsets *itemsets, uint32 least_length,
					double confidence)
{
	SegmentMemory memory = itemsets->memory;

	walk->itemsets = itemsets;
	walk->least_length = Max(least_length, 1);
	walk->confidence = confidence;
	walk->path = segment_allocate(memory, itemsets->longest, sizeof(uint32));
	walk->items = segment_allocate(memory, itemsets->longest, sizeof(uint32));
	walk->depth = 0;
	walk->consequent = 0;
}

/* To the next set: the first child, else the next sibling of it or of what is above. */
static bool
next_set(SegmentRuleWalk *walk)
{
	const SegmentItemsets *itemsets = walk->itemsets;
	const SegmentItemset *sets = itemsets->sets;

	if (walk->depth == 0)
	{
		if (itemsets->n_roots == 0)
			return false;
		walk->path[walk->depth++] = 0;
		return true;
	}
	if (sets[walk->path[walk->depth - 1]].n_children > 0)
	{
		uint32		first = sets[walk->path[walk->depth - 1]].first;

		walk->path[walk->depth++] = first;
		return true;
	}
	while (walk->depth > 0)
	{
		uint32	   *at = &walk->path[walk->depth - 1];
		uint64		end = itemsets->n_roots;

		if (walk->depth > 1)
		{
			const SegmentItemset *parent = &sets[walk->path[walk->depth - 2]];

			end = (uint64) parent->first + parent->n_children;
		}
		if ((uint64) *at + 1 < end)
		{
			(*at)++;
			return true;
		}
		walk->depth--;
	}
	return false;
}

/* The child of a set by its rank; there is one. */
static const SegmentItemset *
child_of(const SegmentItemsets *itemsets, const SegmentItemset *set, uint32 rank)
{
	uint32		low = set->first;
	uint32		n = set->n_children;

	while (n > 1)
	{
		uint32		half = n / 2;

		if (itemsets->sets[low + half].rank <= rank)
		{
			low += half;
			n -= half;
		}
		else
			n = half;
	}
	return &itemsets->sets[low];
}

/* In how many baskets the set of the path is without one of its items. */
static uint32
count_without(const SegmentRuleWalk *walk, uint32 left_out)
{
	const SegmentItemsets *itemsets = walk->itemsets;
	const SegmentItemset *set = NULL;
	uint32		i;

	if (walk->depth == 1)
		return itemsets->n_baskets;
	if (left_out > 0)
		set = &itemsets->sets[walk->path[left_out - 1]];
	for (i = left_out + 1; i < walk->depth; i++)
	{
		uint32		rank = itemsets->sets[walk->path[i]].rank;

		set = set == NULL ? &itemsets->sets[rank] : child_of(itemsets, set, rank);
	}
	return set->count;
}

/*
 * The next rule of at least the confidence asked for, *found false after the last.  What
 * the rule points to holds until the next.
 */
SegmentStatus
segment_rules_next(SegmentRuleWalk *walk, SegmentRule *rule, bool *found,
				   SegmentInterrupted interrupted)
{
	const SegmentItemset *sets = walk->itemsets->sets;
	uint32		tried;

	*found = false;
	for (tried = 1;; tried++)
	{
		uint32		i;

		if (tried % 65536 == 0 && interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
		if (walk->consequent >= walk->depth || walk->depth < walk->least_length)
		{
			walk->consequent = 0;
			if (!next_set(walk))
				return SEGMENT_DONE;
			continue;
		}
		i = walk->consequent++;
		rule->both = sets[walk->path[walk->depth - 1]].count;
		rule->with_antecedent = count_without(walk, i);
		if ((double) rule->both / rule->with_antecedent < walk->confidence)
			continue;
		rule->consequent = sets[walk->path[i]].rank;
		rule->with_consequent = sets[rule->consequent].count;
		rule->n_items = 0;
		rule->antecedent = walk->items;
		for (i = 0; i < walk->depth; i++)
			if (i + 1 != walk->consequent)
				walk->items[rule->n_items++] = sets[walk->path[i]].rank;
		*found = true;
		return SEGMENT_DONE;
	}
}

/* Of n baskets, of which a have the one, b the other and `both` both. */
SegmentAssociation
segment_association(uint32 both, uint32 a, uint32 b, uint32 n)
{
	SegmentAssociation result;
	double		ab = (double) a * b;
	/* n * n times the leverage; exact below 2^53, 94 million baskets */
	double		excess = (double) both * n - ab;
	double		rest = ((double) n - a) * ((double) n - b);

	result.support = (double) both / n;
	result.confidence = (double) both / a;
	result.lift = (double) both * n / ab;
	result.leverage = excess / n / n;
	result.conviction = (double) a * ((double) n - b) / ((double) n * ((double) a - both));
	if (a == both && b == n)
		result.conviction = NAN;
	result.chi2 = rest > 0 ? excess / ab * excess / rest * n : NAN;
	result.chi2_p = rest > 0 ? segment_chi_squared_p(result.chi2, 1) : NAN;
	return result;
}
