/*
 * itemsets.h: items that are often in one basket, and rules made of them.  See itemsets.c.
 */
#ifndef SEGMENT_ITEMSETS_H
#define SEGMENT_ITEMSETS_H

#include "c.h"

#include "kernel/base/memory.h"
#include "kernel/basket/baskets.h"

/* An itemset: the item that it has more than its parent. */
typedef struct SegmentItemset
{
	uint32		rank;
	uint32		count;			/* baskets */
	uint32		first;			/* its first child; children lie side by side, by rank */
	uint32		n_children;
} SegmentItemset;

/* A tree; the sets of one item, 0 .. n_roots - 1, are its roots. */
typedef struct SegmentItemsets
{
	SegmentMemory memory;
	SegmentItemset *sets;
	uint64		n;
	uint64		room;
	uint32		n_roots;
	uint32		n_baskets;
	uint32		longest;		/* items of the largest set */
	uint32		least;			/* baskets of a set */
	uint32		max_length;		/* items of a set */
} SegmentItemsets;

/* From `n_items` items to one. */
typedef struct SegmentRule
{
	uint32		n_items;
	const uint32 *antecedent;	/* ranks, ascending */
	uint32		consequent;		/* rank */
	uint32		both;			/* baskets with all of it */
	uint32		with_antecedent;
	uint32		with_consequent;
} SegmentRule;

/* Where a walk through the rules is; see segment_rules_next. */
typedef struct SegmentRuleWalk
{
	const SegmentItemsets *itemsets;
	uint32		least_length;	/* items of a rule, both sides */
	double		confidence;
	uint32	   *path;			/* sets from the root to where we are */
	uint32		depth;
	uint32		consequent;		/* which of the path; == depth: all done */
	uint32	   *items;
} SegmentRuleWalk;

/* What is worth telling of two things that n baskets have or have not. */
typedef struct SegmentAssociation
{
	double		support;
	double		confidence;
	double		lift;
	double		leverage;
	double		conviction;		/* NaN: nothing to compare with */
	double		chi2;			/* NaN likewise */
	double		chi2_p;
} SegmentAssociation;

extern void segment_itemsets_begin(SegmentItemsets *itemsets, SegmentMemory memory,
								   const SegmentBaskets *baskets, uint32 least,
								   uint32 max_length);
extern SegmentStatus segment_itemsets_extend(SegmentItemsets *itemsets, const SegmentBaskets *part,
											 uint32 from, uint32 to,
											 SegmentInterrupted interrupted);
extern SegmentStatus segment_itemsets_find(SegmentItemsets *itemsets, SegmentMemory memory,
										   const SegmentBaskets *baskets, uint32 least,
										   uint32 max_length, SegmentInterrupted interrupted);
extern void segment_rules_begin(SegmentRuleWalk *walk, const SegmentItemsets *itemsets,
								uint32 least_length, double confidence);
extern SegmentStatus segment_rules_next(SegmentRuleWalk *walk, SegmentRule *rule, bool *found,
										SegmentInterrupted interrupted);
extern SegmentAssociation segment_association(uint32 both, uint32 a, uint32 b, uint32 n);

#endif							/* SEGMENT_ITEMSETS_H */
