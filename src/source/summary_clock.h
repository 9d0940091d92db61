/*
 * summary_clock.h: when what rfm_summary tells of a customer changes by time alone.
 * See summary_clock.c.
 */
#ifndef SEGMENT_SUMMARY_CLOCK_H
#define SEGMENT_SUMMARY_CLOCK_H

#include "source/customer_fold.h"
#include "source/summary_time.h"

typedef struct SummaryClock SummaryClock;

extern SummaryClock *segment_summary_clock(const SummaryTime *time);
extern bool segment_summary_clock_needs_window(const SummaryTime *time);
extern bool segment_summary_next(SummaryClock *clock, const FoldClock *times, TimestampTz *at);

#endif							/* SEGMENT_SUMMARY_CLOCK_H */
