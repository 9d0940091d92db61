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

PG_FUNCTION_INFO_V1(segment_calendar_days);

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

/* An instant in the terms of the time column. */
int64
segment_summary_local(const SummaryTime *s, TimestampTz at)
{
	return zoned(s) ? at : at + offset_at(s, at);
}

/* The local date of a time in the terms of the time column, as days since 2000-01-01. */
int64
segment_summary_day(SummaryTime *s, int64 time)
{
	return zoned(s) ? local_day(s, time) : floor_day(time);
}

/* Sets the bounds of the window in the terms of the time column. */
void
segment_summary_window(SummaryTime *s, Oid type)
{
	s->type = type;
	s->until = segment_summary_local(s, s->as_of);
	s->as_of_day = segment_summary_day(s, s->until);
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

/* The time zone of a name. */
pg_tz *
segment_summary_zone(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name),
				 errhint("pg_timezone_names lists them.")));
	return zone;
}

/* Days from that time to as_of. */
double
segment_summary_recency(SummaryTime *s, int64 time)
{
	if (!s->whole_days)
		return (double) (s->until - time) / (double) USECS_PER_DAY;
	return (double) (s->as_of_day - segment_summary_day(s, time));
}

/* What calendar_days keeps for the length of a query. */
typedef struct CalendarDays
{
	text	   *zone_name;
	SummaryTime time;
} CalendarDays;

/* calendar_days(as_of, at, time_zone): strict */
Datum
segment_calendar_days(PG_FUNCTION_ARGS)
{
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	text	   *zone_name = PG_GETARG_TEXT_PP(2);
	CalendarDays *call = fcinfo->flinfo->fn_extra;

	if (TIMESTAMP_NOT_FINITE(as_of) || TIMESTAMP_NOT_FINITE(at))
		time_out_of_range();
	if (call == NULL || call->time.as_of != as_of ||
		VARSIZE_ANY_EXHDR(call->zone_name) != VARSIZE_ANY_EXHDR(zone_name) ||
		memcmp(VARDATA_ANY(call->zone_name), VARDATA_ANY(zone_name), VARSIZE_ANY_EXHDR(zone_name)) != 0)
	{
		pg_tz	   *zone = segment_summary_zone(text_to_cstring(zone_name));

		if (call == NULL)
			call = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(CalendarDays));
		memset(call, 0, sizeof(CalendarDays));
		call->zone_name = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, VARSIZE_ANY(zone_name));
		memcpy(call->zone_name, zone_name, VARSIZE_ANY(zone_name));
		call->time.as_of = as_of;
		call->time.zone = zone;
		call->time.whole_days = true;
		segment_summary_window(&call->time, TIMESTAMPTZOID);
		fcinfo->flinfo->fn_extra = call;
	}
	PG_RETURN_FLOAT8(segment_summary_recency(&call->time, at));
}
