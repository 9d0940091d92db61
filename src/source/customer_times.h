/*
 * customer_times.h: times of a customer's rows that say when others will count, kept by a
 * CustomerFold where it is asked.  What follows from them: summary_clock.c.
 */
#ifndef SEGMENT_CUSTOMER_TIMES_H
#define SEGMENT_CUSTOMER_TIMES_H

#include "source/customer_fold.h"

static const FoldClock segment_no_times = {PG_INT64_MIN, PG_INT64_MAX, PG_INT64_MIN, PG_INT64_MAX};

/* Takes in when a row counts; true: it says nothing else now. */
static inline bool
segment_note_times(const CustomerFold *fold, CustomerEntry *entry, const FoldRow *row)
{
	FoldClock  *times = &((ClockEntry *) entry)->times;

	if (row->flags & FOLD_STATE)
	{
		times->before = Max(times->before, row->clock->before);
		times->first = Min(times->first, row->clock->first);
		times->last = Max(times->last, row->clock->last);
		times->after = Min(times->after, row->clock->after);
	}
	else if (row->flags & FOLD_LATER)
	{
		times->after = Min(times->after, row->time);
		return true;
	}
	/* a pair's times are in the state of its customer */
	else if (fold->window && !(row->flags & FOLD_PAIR))
	{
		if (row->flags & FOLD_EARLIER)
		{
			times->before = Max(times->before, row->time);
			return !(row->flags & (FOLD_ORDER | FOLD_LINE));
		}
		times->first = Min(times->first, row->time);
		times->last = Max(times->last, row->time);
	}
	return false;
}

#endif							/* SEGMENT_CUSTOMER_TIMES_H */
