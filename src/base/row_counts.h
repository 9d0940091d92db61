/*
 * row_counts.h: what became of the rows that a calculation was given: nothing is
 * dropped silently (law 5).
 */
#ifndef SEGMENT_ROW_COUNTS_H
#define SEGMENT_ROW_COUNTS_H

#include "compat.h"

/* Copies counted; n_input is the sum of the others. */
typedef struct RowCounts
{
	int64		n_input;		/* rows that the feature set had seen */
	int64		n_used;			/* rows that were used */
	int64		n_skipped;		/* rows that could not be used (missing values, no orders) */
	int64		n_unsampled;	/* rows that the feature set, or memory, had left out of a sample */
} RowCounts;

#endif							/* SEGMENT_ROW_COUNTS_H */
