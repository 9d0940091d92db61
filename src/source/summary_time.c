/*
 * summary_time.c: the times of orders and the window that rfm_summary looks
 * through.
 *
 * Times without a zone (timestamp, date) are compared with as_of's local time
 * in time_zone, so that no change of the clock makes a day of 23 hours.
 * Recency is in calendar days of that zone: as_of's date minus that of the last
 * order; with whole_days false in days of 24 hours with a fraction.  Nothing
 * here depends on the session's zone.
 */
#include "source/summary_time.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

/* Whether a column of this base type can be the time of an order. */
bool
segment_summary_time_type(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
}

static bool
zoned(const SummaryTime *s)
{
	return s->type == TIMESTAMPTZOID;
}

static int64
floor_day(int64 t)
{
	int64		day = t / USECS_PER_DAY;

	return t % USECS_PER_DAY < 0 ? day - 1 : day;
}

static pg_noinline void
time_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("timestamp out of range")));
}

/* Microseconds to add to UTC to get local time at that instant. */
static int64
offset_at(const SummaryTime *s, TimestampTz t)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			seconds_west;

	if (timestamp2tm(t, &seconds_west, &tm, &fsec, NULL, s->zone) != 0)
		time_out_of_range();
	return -(int64) seconds_west * USECS_PER_SEC;
}

/*
 * The local date of an instant, as days since 2000-01-01.  The offset changes
 * on few days a year; all others are answered from the cache.
 */
static int64
local_day(SummaryTime *s, TimestampTz t)
{
	int64		utc_day = floor_day(t);
	DayOffset  *day = &s->days[(uint64) utc_day % DAY_CACHE_SIZE];

	if (!day->known || day->utc_day != utc_day)
	{
		day->utc_day = utc_day;
		day->offset = offset_at(s, utc_day * USECS_PER_DAY);
		day->constant = day->offset == offset_at(s, utc_day * USECS_PER_DAY + USECS_PER_DAY - 1);
		day->known = true;
	}
	return floor_day(t + (day->constant ? day->offset : offset_at(s, t)));
}

/* A local time as an instant. */
static TimestampTz
instant_of_local(const SummaryTime *s, Timestamp local)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			seconds_west;
	TimestampTz result;

	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		time_out_of_range();
	seconds_west = DetermineTimeZoneOffset(&tm, s->zone);
	if (tm2timestamp(&tm, fsec, &seconds_west, &result) != 0)
		time_out_of_range();
	return result;
}

static bool
is_positive(Interval *interval)
{
	Interval	zero = {0};

	return DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(interval),
											IntervalPGetDatum(&zero)));
}

/*
 * When the lookback begins, in the terms of the time column; calendar arithmetic in the
 * segmentation's zone, not the session's.  What begins before the first timestamp there
 * is leaves no order out.
 */
static int64
start_of_lookback(const SummaryTime *s)
{
	pg_tz	   *session = session_timezone;
	MemoryContext context = CurrentMemoryContext;
	volatile int64 from = PG_INT64_MIN;

	session_timezone = s->zone;
	PG_TRY();
	{
		from = DatumGetInt64(DirectFunctionCall2(zoned(s) ? timestamptz_mi_interval
												 : timestamp_mi_interval,
												 Int64GetDatum(s->until),
												 IntervalPGetDatum(s->lookback)));
	}
	PG_CATCH();
	{
		session_timezone = session;
		if (geterrcode() != ERRCODE_DATETIME_VALUE_OUT_OF_RANGE)
			PG_RE_THROW();
		/* pure arithmetic, which leaves nothing behind */
		MemoryContextSwitchTo(context);
		FlushErrorState();
		if (!is_positive(s->lookback))
			from = PG_INT64_MAX;
	}
	PG_END_TRY();
	session_timezone = session;
	return from;
}

/* Sets the bounds of the window in the terms of the time column. */
void
segment_summary_window(SummaryTime *s, Oid type)
{
	s->type = type;
	s->until = s->as_of;
	if (!zoned(s))
		s->until += offset_at(s, s->as_of);
	s->as_of_day = zoned(s) ? local_day(s, s->as_of) : floor_day(s->until);
	s->from = PG_INT64_MIN;
	if (s->lookback == NULL)
		return;
	s->from = start_of_lookback(s);
	if (s->from >= s->until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lookback must be a positive interval, not %s",
						DatumGetCString(DirectFunctionCall1(interval_out,
															IntervalPGetDatum(s->lookback))))));
}

/* A time in the terms of the time column as an instant. */
TimestampTz
segment_summary_instant(const SummaryTime *s, int64 time)
{
	return zoned(s) ? time : instant_of_local(s, time);
}

/* Days from that time to as_of. */
double
segment_summary_recency(SummaryTime *s, int64 time)
{
	if (!s->whole_days)
		return (double) (s->until - time) / (double) USECS_PER_DAY;
	return (double) (s->as_of_day - (zoned(s) ? local_day(s, time) : floor_day(time)));
}
