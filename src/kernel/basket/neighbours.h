/*
 * neighbours.h: items that are bought by the same, and what to recommend.  See neighbours.c.
 */
#ifndef SEGMENT_NEIGHBOURS_H
#define SEGMENT_NEIGHBOURS_H

#include "c.h"

#include "kernel/base/memory.h"
#include "kernel/basket/baskets.h"

typedef enum SegmentSimilarity
{
	SEGMENT_COSINE,
	SEGMENT_JACCARD,
	SEGMENT_LIFT,
	SEGMENT_SIMILARITIES
} SegmentSimilarity;

typedef struct SegmentNeighbour
{
	uint32		rank;
	uint32		both;			/* baskets with both items */
	double		weight;			/* how near it is */
} SegmentNeighbour;

/* What is together with an item, counted. */
typedef struct SegmentTogether
{
	SegmentMemory memory;
	const SegmentBaskets *baskets;
	SegmentInterrupted interrupted;
	uint64		work;			/* since the last question whether to go on */
	uint32	   *counts;			/* of each rank, 0 but for those touched */
	uint32	   *touched;
	uint32		n;
} SegmentTogether;

/* To recommend to the customers of one segment after the other; customers are baskets. */
typedef struct SegmentRecommender
{
	SegmentTogether segment;	/* counted among the customers of the segment */
	SegmentTogether whole;
	const SegmentBaskets *baskets;
	double		whole_weight;	/* customers that the whole counts for in a segment */
	double		whole_share;	/* the same for each customer of the whole */
	uint32		n_buyers;		/* customers who have anything */
	uint32		n_nearest;		/* neighbours that an item has at most */
	uint32		from;			/* customers of the segment */
	uint32		to;
	uint64	   *start;			/* n_ranks + 1: where its neighbours begin */
	SegmentNeighbour *nearest;
	uint64		room;
	SegmentNeighbour *heap;		/* n_ranks at most */
	double	   *counts;			/* of each rank, in the segment with the whole */
	uint32	   *popular;		/* all ranks, the commonest first */
	double	   *scores;			/* of each rank, 0 but for those touched */
	double	   *parts;			/* the greatest part of the score */
	uint32	   *because;		/* the item that it is from */
	uint32	   *touched;
	bool	   *bought;			/* by the customer who is looked at */
} SegmentRecommender;

/* An item recommended. */
typedef struct SegmentRecommendation
{
	uint32		rank;
	double		score;
	uint32		because;		/* rank; PG_UINT32_MAX: for being popular */
} SegmentRecommendation;

extern double segment_similarity(SegmentSimilarity kind, double both, double a, double b,
								 double n);
extern void segment_together_begin(SegmentTogether *together, SegmentMemory memory,
								   const SegmentBaskets *baskets,
								   SegmentInterrupted interrupted);
extern SegmentStatus segment_neighbours(SegmentTogether *together, uint32 rank,
										SegmentSimilarity kind, uint32 least,
										SegmentNeighbour *nearest, uint32 most, uint32 *n);
extern void segment_recommender_begin(SegmentRecommender *recommender, SegmentMemory memory,
									  const SegmentBaskets *baskets, double whole_weight,
									  uint32 n_nearest, SegmentInterrupted interrupted);
extern SegmentStatus segment_recommender_enter(SegmentRecommender *recommender, uint32 from,
											   uint32 to);
extern SegmentStatus segment_recommend(SegmentRecommender *recommender, uint32 customer,
									   bool only_new, SegmentRecommendation *result, uint32 most,
									   uint32 *n);

#endif							/* SEGMENT_NEIGHBOURS_H */
