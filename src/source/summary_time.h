/*
 * summary_time.h: the times of orders and the window that rfm_summary looks
 * through.  See summary_time.c.
 */
#ifndef SEGMENT_SUMMARY_TIME_H
#define SEGMENT_SUMMARY_TIME_H

#include "compat.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* UTC days whose offset from UTC is known; see local_day. */
#define DAY_CACHE_SIZE 1024

typedef struct DayOffset
{
	int64		utc_day;
	int64		offset;			/* microseconds to add to UTC */
	bool		known;
	bool		constant;		/* the same all day long */
} DayOffset;

typedef struct SummaryTime
{
	/* options */
	TimestampTz as_of;
	Interval   *lookback;
	pg_tz	   *zone;
	bool		whole_days;

	Oid			type;			/* of the time column: timestamptz, timestamp or date */
	int64		until;			/* as_of in the terms of the time column, exclusive */
	int64		from;			/* start of the lookback, inclusive */
	int64		as_of_day;		/* the local date of as_of, as days since 2000-01-01 */
	DayOffset	days[DAY_CACHE_SIZE];
} SummaryTime;

extern bool segment_summary_time_type(Oid type);
extern pg_tz *segment_summary_zone(const char *name);
extern void segment_summary_window(SummaryTime *s, Oid type);
extern int64 segment_summary_local(const SummaryTime *s, TimestampTz at);
extern int64 segment_summary_day(SummaryTime *s, int64 time);
extern TimestampTz segment_summary_instant(const SummaryTime *s, int64 time);
extern double segment_summary_recency(SummaryTime *s, int64 time);

/*
 * The time of an order in microseconds; false when it is not finite.  A date
 * later than any timestamp becomes the last of int64, which is after any as_of;
 * the first date is that of timestamps.
 */
static inline bool
segment_summary_read_time(const SummaryTime *s, Datum value, int64 *time)
{
	if (s->type == DATEOID)
	{
		DateADT		date = DatumGetDateADT(value);

		if (__builtin_mul_overflow((int64) date, USECS_PER_DAY, time))
			*time = PG_INT64_MAX;
		return !DATE_NOT_FINITE(date);
	}
	*time = DatumGetInt64(value);
	return !TIMESTAMP_NOT_FINITE(*time);
}

#endif							/* SEGMENT_SUMMARY_TIME_H */
