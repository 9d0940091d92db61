/*
 * history_fold.h: folds orders into histories of buying.  See history_fold.c.
 */
#ifndef SEGMENT_HISTORY_FOLD_H
#define SEGMENT_HISTORY_FOLD_H

#include "compat.h"

#include "source/fold.h"
#include "utils/tuplesort.h"

/* The history is told from what comes after it. */
#define HISTORY_PARTS 2

typedef struct HistoryRow
{
	FoldRow		order;			/* first, so that it can be cast: customer, time and amount */
	int32		period;			/* orders of one period are one purchase */
	int32		part;			/* 0: of the history; 1: of what comes after it */
} HistoryRow;

/* The periods with orders of one part. */
typedef struct HistoryPart
{
	int32		n;				/* different ones */
	int32		first;
	int32		last;
} HistoryPart;

typedef struct HistoryEntry
{
	KeyEntry	key;			/* the customer */
	int64		first_time;		/* of the earliest order */
	HistoryPart part[HISTORY_PARTS];
	DecimalSum	sum[HISTORY_PARTS];
	DecimalSum	first_sum;		/* of what was bought in the first period of the history */
	bool		disordered;		/* orders came that may be of a period met before: see the log */
} HistoryEntry;

/* The periods of customers, as they came. */
typedef struct PeriodLog
{
	uint64	   *periods;		/* see period_code() */
	uint64		n;
	uint64		room;
	Tuplesortstate *sort;		/* where they are once there is no memory for them, or NULL */
} PeriodLog;

typedef struct HistoryFold
{
	Fold		base;			/* first, so that it can be cast; its customers are HistoryEntry */
	PeriodLog	log;			/* of the pass under way */
} HistoryFold;

extern HistoryFold *segment_history_fold_create(const KeyType *customer_type, Size limit);

#endif							/* SEGMENT_HISTORY_FOLD_H */
