/*
 * neighbours.c: how near items are to each other, by the baskets (or customers) that have
 * both, and what to recommend to a customer.
 *
 * Similarity, of n baskets of which a have the one item, b the other and x both:
 *
 *		cosine	x / sqrt(a b)
 *		jaccard	x / (a + b - x)
 *		lift	x n / (a b)
 *
 * The score of an item for a customer is the sum of its cosines with the items that the
 * customer has; of these, each gives to its nearest neighbours only.  Counts are those of
 * the customer's segment, to which those of the whole are added as though it were
 * `whole_weight` customers more: where the segment knows much, it decides, and where it
 * knows little, the whole does.  Outside of segments the whole is the segment.
 * With items bought before, the item itself is its nearest neighbour, with a cosine of 1.
 * Where that gives too few, the most popular follow, by the same counts.
 *
 * Ties go to the lower rank where neighbours are chosen, to the commoner item among
 * recommendations.  Sums are in the order of ranks: the answer depends on nothing but the
 * baskets.
 *
 * Reference: Sarwar, Karypis, Konstan and Riedl, Item-based collaborative filtering
 * recommendation algorithms, 2001; Deshpande and Karypis, Item-based top-N recommendation
 * algorithms, 2004.
 */
#include "kernel/basket/neighbours.h"

#include <math.h>
#include <stdlib.h>

#include "kernel/base/allocate.h"

#define CHECKED_STEPS	(1 << 20)	/* between two questions whether to go on */

double
segment_similarity(SegmentSimilarity kind, double both, double a, double b, double n)
{
	if (kind == SEGMENT_COSINE)
		return both / sqrt(a * b);
	if (kind == SEGMENT_JACCARD)
		return both / (a + b - both);
	return both * n / (a * b);
}

/* ---- counting ---- */

void
segment_together_begin(SegmentTogether *together, SegmentMemory memory,
					   const SegmentBaskets *baskets, SegmentInterrupted interrupted)
{
	together->memory = memory;
	together->baskets = baskets;
	together->interrupted = interrupted;
	together->work = 0;
	together->n = 0;
	together->counts = segment_allocate_zeros(memory, baskets->n_ranks, sizeof(uint32));
	together->touched = segment_allocate(memory, baskets->n_ranks, sizeof(uint32));
}

static bool
stopped(SegmentTogether *together, uint64 work)
{
	together->work += work;
	if (together->work < CHECKED_STEPS)
		return false;
	together->work = 0;
	return together->interrupted != NULL && together->interrupted();
}

/* The first place of a list of baskets that is not below one. */
static uint64
first_from(const SegmentBaskets *baskets, uint32 rank, uint32 from)
{
	uint64		low = baskets->item_start[rank];
	uint64		n = baskets->item_start[rank + 1] - low;

	while (n > 0)
	{
		uint64		half = n / 2;

		if (baskets->baskets[low + half] < from)
		{
			low += half + 1;
			n -= half + 1;
		}
		else
			n = half;
	}
	return low;
}

/* Counts the items in those baskets of an item that are at from .. to - 1, itself not. */
static SegmentStatus
count_together(SegmentTogether *together, uint32 rank, uint64 from, uint64 to)
{
	const SegmentBaskets *baskets = together->baskets;
	uint64		i;

	for (i = from; i < to; i++)
	{
		uint32		basket = baskets->baskets[i];
		uint64		j = baskets->basket_start[basket];
		uint64		end = baskets->basket_start[basket + 1];

		if (stopped(together, 8 + end - j))
			return SEGMENT_INTERRUPTED;
		for (; j < end; j++)
		{
			uint32		other = baskets->ranks[j];

			if (other != rank && together->counts[other]++ == 0)
				together->touched[together->n++] = other;
		}
	}
	return SEGMENT_DONE;
}

static void
clear_together(SegmentTogether *together)
{
	uint32		k;

	for (k = 0; k < together->n; k++)
		together->counts[together->touched[k]] = 0;
	together->n = 0;
}

/* ---- the best of many ---- */

static inline bool
is_nearer(const SegmentNeighbour *a, const SegmentNeighbour *b)
{
	return a->weight > b->weight || (a->weight == b->weight && a->rank < b->rank);
}

/* The heap has the one to be given up first on top. */
static void
sift_down(SegmentNeighbour *heap, uint32 n, uint32 i)
{
	SegmentNeighbour moved = heap[i];

	for (;;)
	{
		uint64		child = 2 * (uint64) i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && is_nearer(&heap[child], &heap[child + 1]))
			child++;
		if (!is_nearer(&moved, &heap[child]))
			break;
		heap[i] = heap[child];
		i = (uint32) child;
	}
	heap[i] = moved;
}

static void
sift_up(SegmentNeighbour *heap, uint32 i)
{
	SegmentNeighbour moved = heap[i];

	while (i > 0 && is_nearer(&heap[(i - 1) / 2], &moved))
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = moved;
}

static void
offer(SegmentNeighbour *heap, uint32 *n, uint32 most, SegmentNeighbour candidate)
{
	if (*n < most)
	{
		heap[*n] = candidate;
		sift_up(heap, (*n)++);
	}
	else if (most > 0 && is_nearer(&candidate, &heap[0]))
	{
		heap[0] = candidate;
		sift_down(heap, *n, 0);
	}
}

/* The nearest first. */
static void
sort_heap(SegmentNeighbour *heap, uint32 n)
{
	while (n > 1)
	{
		SegmentNeighbour last = heap[0];

		heap[0] = heap[--n];
		sift_down(heap, n, 0);
		heap[n] = last;
	}
}

/* The items nearest to one that are with it in at least `least` baskets, the nearest first. */
SegmentStatus
segment_neighbours(SegmentTogether *together, uint32 rank, SegmentSimilarity kind, uint32 least,
				   SegmentNeighbour *nearest, uint32 most, uint32 *n)
{
	const SegmentBaskets *baskets = together->baskets;
	uint32		k;

	*n = 0;
	if (count_together(together, rank, baskets->item_start[rank],
					   baskets->item_start[rank + 1]) != SEGMENT_DONE)
		return SEGMENT_INTERRUPTED;
	for (k = 0; k < together->n; k++)
	{
		SegmentNeighbour candidate;

		candidate.rank = together->touched[k];
		candidate.both = together->counts[candidate.rank];
		candidate.weight = segment_similarity(kind, candidate.both,
											  segment_baskets_with(baskets, rank),
											  segment_baskets_with(baskets, candidate.rank),
											  baskets->n_baskets);
		if (candidate.both >= least)
			offer(nearest, n, most, candidate);
	}
	sort_heap(nearest, *n);
	clear_together(together);
	return SEGMENT_DONE;
}

/* ---- recommending ---- */

void
segment_recommender_begin(SegmentRecommender *recommender, SegmentMemory memory,
						  const SegmentBaskets *baskets, double whole_weight, uint32 n_nearest,
						  SegmentInterrupted interrupted)
{
	uint32		n = baskets->n_ranks;
	uint32		b;

	memset(recommender, 0, sizeof(*recommender));
	segment_together_begin(&recommender->segment, memory, baskets, interrupted);
	segment_together_begin(&recommender->whole, memory, baskets, interrupted);
	recommender->baskets = baskets;
	recommender->whole_weight = whole_weight;
	for (b = 0; b < baskets->n_baskets; b++)
		recommender->n_buyers += baskets->basket_start[b] < baskets->basket_start[b + 1];
	recommender->n_nearest = Min(n_nearest, n);
	recommender->start = segment_allocate(memory, (uint64) n + 1, sizeof(uint64));
	recommender->heap = segment_allocate(memory, n, sizeof(SegmentNeighbour));
	recommender->counts = segment_allocate(memory, n, sizeof(double));
	recommender->popular = segment_allocate(memory, n, sizeof(uint32));
	recommender->scores = segment_allocate_zeros(memory, n, sizeof(double));
	recommender->parts = segment_allocate(memory, n, sizeof(double));
	recommender->because = segment_allocate(memory, n, sizeof(uint32));
	recommender->touched = segment_allocate(memory, n, sizeof(uint32));
	recommender->bought = segment_allocate_zeros(memory, n, sizeof(bool));
}

static void
keep_nearest(SegmentRecommender *recommender, uint32 rank, uint32 n)
{
	SegmentMemory memory = recommender->segment.memory;
	uint64		at = recommender->start[rank];

	if (at + n > recommender->room)
	{
		recommender->room = Max(at + n, 2 * recommender->room);
		recommender->nearest = segment_resize_rows(memory, recommender->nearest,
												   recommender->room, 1,
												   sizeof(SegmentNeighbour));
	}
	if (n > 0)
		memcpy(recommender->nearest + at, recommender->heap, sizeof(SegmentNeighbour) * n);
	recommender->start[rank + 1] = at + n;
}

/* The neighbours of one item, by its baskets in the segment and the whole. */
static SegmentStatus
find_nearest(SegmentRecommender *recommender, uint32 rank, uint64 from, uint64 to)
{
	const SegmentBaskets *baskets = recommender->baskets;
	SegmentTogether *segment = &recommender->segment;
	SegmentTogether *whole = &recommender->whole;
	double		share = recommender->whole_share;
	uint32		n = 0;
	uint32		k;

	if (count_together(segment, rank, from, to) != SEGMENT_DONE)
		return SEGMENT_INTERRUPTED;
	if (share > 0 && count_together(whole, rank, baskets->item_start[rank],
									baskets->item_start[rank + 1]) != SEGMENT_DONE)
		return SEGMENT_INTERRUPTED;
	/* who is in the segment is in the whole */
	for (k = 0; k < (share > 0 ? whole->n : segment->n); k++)
	{
		SegmentNeighbour candidate;
		double		both;

		candidate.rank = (share > 0 ? whole : segment)->touched[k];
		candidate.both = segment->counts[candidate.rank];
		both = candidate.both + share * whole->counts[candidate.rank];
		candidate.weight = segment_similarity(SEGMENT_COSINE, both, recommender->counts[rank],
											  recommender->counts[candidate.rank], 0);
		offer(recommender->heap, &n, recommender->n_nearest, candidate);
	}
	keep_nearest(recommender, rank, n);
	clear_together(segment);
	clear_together(whole);
	return SEGMENT_DONE;
}

static void
sort_popular(SegmentRecommender *recommender)
{
	uint32		n_ranks = recommender->baskets->n_ranks;
	SegmentNeighbour *heap = recommender->heap;
	uint32		n = 0;
	uint32		rank;

	for (rank = 0; rank < n_ranks; rank++)
	{
		SegmentNeighbour candidate = {0};

		/* ties to the commoner item of the whole */
		candidate.rank = n_ranks - 1 - rank;
		candidate.weight = recommender->counts[rank];
		offer(heap, &n, n_ranks, candidate);
	}
	sort_heap(heap, n);
	for (rank = 0; rank < n; rank++)
		recommender->popular[rank] = n_ranks - 1 - heap[rank].rank;
}

/* To the segment whose customers are from .. to - 1; all customers: the whole. */
SegmentStatus
segment_recommender_enter(SegmentRecommender *recommender, uint32 from, uint32 to)
{
	const SegmentBaskets *baskets = recommender->baskets;
	uint32		n = baskets->n_ranks;
	bool		is_whole = from == 0 && to == baskets->n_baskets;
	uint32		rank;

	recommender->from = from;
	recommender->to = to;
	recommender->whole_share = is_whole || recommender->n_buyers == 0 ? 0
		: recommender->whole_weight / recommender->n_buyers;
	for (rank = 0; rank < n; rank++)
		recommender->counts[rank] = (double) (first_from(baskets, rank, to) -
											  first_from(baskets, rank, from)) +
			recommender->whole_share * segment_baskets_with(baskets, rank);
	sort_popular(recommender);
	recommender->start[0] = 0;
	for (rank = 0; rank < n; rank++)
	{
		uint64		begin = first_from(baskets, rank, from);
		uint64		end = first_from(baskets, rank, to);

		/* no customer of the segment has it */
		if (begin == end)
			recommender->start[rank + 1] = recommender->start[rank];
		else if (find_nearest(recommender, rank, begin, end) != SEGMENT_DONE)
			return SEGMENT_INTERRUPTED;
	}
	return SEGMENT_DONE;
}

/* What an item that the customer has says of another. */
static void
add_score(SegmentRecommender *recommender, uint32 rank, uint32 from, double weight, uint32 *n)
{
	if (recommender->scores[rank] == 0)
	{
		recommender->touched[(*n)++] = rank;
		recommender->parts[rank] = 0;
	}
	recommender->scores[rank] += weight;
	if (weight > recommender->parts[rank])
	{
		recommender->parts[rank] = weight;
		recommender->because[rank] = from;
	}
}

/* The best of what was touched; scores are cleared. */
static uint32
best_scores(SegmentRecommender *recommender, bool only_new, SegmentRecommendation *result,
			uint32 most, uint32 n_touched)
{
	uint32		n_ranks = recommender->baskets->n_ranks;
	SegmentNeighbour *heap = recommender->heap;
	uint32		n = 0;
	uint32		k;

	for (k = 0; k < n_touched; k++)
	{
		uint32		rank = recommender->touched[k];
		SegmentNeighbour candidate = {0};

		candidate.rank = n_ranks - 1 - rank;
		candidate.weight = recommender->scores[rank];
		recommender->scores[rank] = 0;
		if (!only_new || !recommender->bought[rank])
			offer(heap, &n, Min(most, n_ranks), candidate);
	}
	sort_heap(heap, n);
	for (k = 0; k < n; k++)
	{
		result[k].rank = n_ranks - 1 - heap[k].rank;
		result[k].score = heap[k].weight;
		result[k].because = recommender->because[result[k].rank];
	}
	return n;
}

static bool
is_among(const SegmentRecommendation *result, uint32 n, uint32 rank)
{
	uint32		k;

	for (k = 0; k < n; k++)
		if (result[k].rank == rank)
			return true;
	return false;
}

/* The best items for a customer of the segment, at most `most`, the best first. */
SegmentStatus
segment_recommend(SegmentRecommender *recommender, uint32 customer, bool only_new,
				  SegmentRecommendation *result, uint32 most, uint32 *n)
{
	const SegmentBaskets *baskets = recommender->baskets;
	uint64		start = baskets->basket_start[customer];
	uint64		end = baskets->basket_start[customer + 1];
	uint32		n_touched = 0;
	uint32		n_scored;
	uint64		i;
	uint32		k;

	for (i = start; i < end; i++)
	{
		uint32		rank = baskets->ranks[i];
		uint64		j;

		recommender->bought[rank] = true;
		if (!only_new)
			add_score(recommender, rank, rank, 1, &n_touched);
		for (j = recommender->start[rank]; j < recommender->start[rank + 1]; j++)
			add_score(recommender, recommender->nearest[j].rank, rank,
					  recommender->nearest[j].weight, &n_touched);
	}
	n_scored = best_scores(recommender, only_new, result, most, n_touched);
	*n = n_scored;
	for (k = 0; k < baskets->n_ranks && *n < most; k++)
	{
		uint32		rank = recommender->popular[k];

		if (recommender->counts[rank] <= 0)
			break;
		if ((only_new && recommender->bought[rank]) || is_among(result, n_scored, rank))
			continue;
		result[*n].rank = rank;
		result[*n].score = 0;
		result[(*n)++].because = PG_UINT32_MAX;
	}
	for (i = start; i < end; i++)
		recommender->bought[baskets->ranks[i]] = false;
	if (stopped(&recommender->segment, 64 + n_touched + k))
		return SEGMENT_INTERRUPTED;
	return SEGMENT_DONE;
}
