/*
 * sorted_baskets.h: frequent itemsets of baskets that do not fit into memory.  See sorted_baskets.c.
 */
#ifndef SEGMENT_SORTED_BASKETS_H
#define SEGMENT_SORTED_BASKETS_H

#include "compat.h"

#include "basket/pairs.h"
#include "kernel/basket/itemsets.h"

extern void segment_itemsets_of_sorted(SegmentItemsets *itemsets, SegmentBaskets *whole,
									   PairReader *reader, double min_support, uint32 max_length);

#endif							/* SEGMENT_SORTED_BASKETS_H */
