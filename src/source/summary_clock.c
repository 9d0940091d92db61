/*
 * summary_clock.c: when what rfm_summary tells of a customer changes by time alone.
 *
 * A row counts while it lies in [as_of - lookback, as_of).  It begins to when as_of comes
 * past it, and no longer does when as_of - lookback does.  Of all rows of a customer these
 * are the first to do so:
 *
 *		the earliest at or after as_of			begins to count
 *		the earliest in the window				leaves it at its beginning
 *
 * but both bounds may go back, too: a month before 28 March 12:00 is 28 February 12:00, and a
 * month before 29 March 00:00 is 28 February 00:00; local time, in which orders without a
 * zone are compared, goes back by an hour when summer time ends.  Then
 *
 *		the latest before the window			comes into it again
 *		the latest in the window				counts no longer, as as_of is before it again
 *
 * With whole bounds that only grow, the last two do not happen.  What the bounds are at any
 * instant, next_flip.c knows.  Where the window's beginning goes, hundreds of thousands of
 * customers ask: so its way is walked through once, and what it has reached at the latest
 * by then is kept, piece by piece, for a binary search.
 */
#include "source/summary_clock.h"

#include "miscadmin.h"
#include "segmentation/next_flip.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(segment_days_later);

/* From an instant on the beginning of the window is farther than ever before. */
typedef struct CoursePiece
{
	TimestampTz at;
	int64		value;			/* of the beginning, at that instant */
	int64		reach;			/* which it comes to, before the next piece */
} CoursePiece;

struct SummaryClock
{
	TimestampTz as_of;
	Flip	   *until;			/* as_of in local time; NULL: times have a zone */
	Flip	   *from;			/* NULL: all that is before as_of counts */
	CoursePiece *piece;			/* of from, ascending by reach */
	int			n_pieces;
	int			n_allocated;
	TimestampTz next;			/* where the next piece begins */
};

/* Whether rows that count now are of interest, or only later ones. */
bool
segment_summary_clock_needs_window(const SummaryTime *time)
{
	return time->type != TIMESTAMPTZOID || time->from != PG_INT64_MIN;
}

/* In the current memory context, once the window is known. */
SummaryClock *
segment_summary_clock(const SummaryTime *time)
{
	SummaryClock *clock = palloc0(sizeof(SummaryClock));
	Oid			type = time->type == TIMESTAMPTZOID ? TIMESTAMPTZOID : TIMESTAMPOID;

	clock->as_of = clock->next = time->as_of;
	if (type == TIMESTAMPOID)
		clock->until = segment_flip_create(time->zone, type, NULL);
	if (time->from != PG_INT64_MIN)
		clock->from = segment_flip_create(time->zone, type, time->lookback);
	clock->n_allocated = 64;
	clock->piece = palloc(sizeof(CoursePiece) * clock->n_allocated);
	return clock;
}

/* Walks on to the next piece in which the window's beginning comes farther than before. */
static void
extend_course(SummaryClock *clock)
{
	int64		reached = PG_INT64_MIN;
	CoursePiece *piece;

	if (clock->n_pieces > 0)
		reached = clock->piece[clock->n_pieces - 1].reach;
	if (clock->n_pieces == clock->n_allocated)
	{
		clock->n_allocated *= 2;
		clock->piece = repalloc_huge(clock->piece, sizeof(CoursePiece) * clock->n_allocated);
	}
	piece = &clock->piece[clock->n_pieces];
	do
	{
		int64		left;

		CHECK_FOR_INTERRUPTS();
		piece->at = clock->next;
		if (clock->next >= SEGMENT_HORIZON ||
			!segment_flip_read(clock->from, clock->next, &piece->value, &left))
		{
			/* no instant beyond this one is worked out */
			piece->at = clock->next == clock->as_of ? DT_NOBEGIN
				: Min(clock->next, SEGMENT_HORIZON);
			piece->value = piece->reach = PG_INT64_MAX;
			break;
		}
		piece->reach = left == PG_INT64_MAX ? PG_INT64_MAX : piece->value + left - 1;
		if (left != PG_INT64_MAX)
			clock->next += left;
	} while (piece->reach <= reached);
	clock->n_pieces++;
}

/* The first instant at which the window begins after a row that is in it. */
static TimestampTz
leaves_at(SummaryClock *clock, int64 time)
{
	int			low = 0;
	int			high;
	const CoursePiece *piece;

	while (clock->n_pieces == 0 || clock->piece[clock->n_pieces - 1].reach <= time)
		extend_course(clock);
	high = clock->n_pieces - 1;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (clock->piece[middle].reach > time)
			high = middle;
		else
			low = middle + 1;
	}
	piece = &clock->piece[low];
	if (piece->value > time)
		return piece->at;
	return Min(piece->at + (time - piece->value) + 1, SEGMENT_HORIZON);
}

/* Takes in the instant at which a bound passes a row, if it ever does. */
static void
add_flip(Flip *flip, TimestampTz as_of, int64 time, TimestampTz *at)
{
	TimestampTz flips_at;

	if (segment_flip_find(flip, as_of, time, &flips_at))
		*at = Min(*at, flips_at);
}

/* When the rows that count change next, which were seen as of the summary's as_of; false: never. */
bool
segment_summary_next(SummaryClock *clock, const FoldClock *times, TimestampTz *at)
{
	*at = DT_NOEND;
	if (times->after != PG_INT64_MAX)
	{
		if (clock->until == NULL)
			*at = Min(times->after, SEGMENT_HORIZON - 1) + 1;
		else
			add_flip(clock->until, clock->as_of, times->after, at);
	}
	if (clock->until != NULL && times->last != PG_INT64_MIN)
		add_flip(clock->until, clock->as_of, times->last, at);
	if (clock->from != NULL && times->first != PG_INT64_MAX)
		*at = Min(*at, leaves_at(clock, times->first));
	if (clock->from != NULL && times->before != PG_INT64_MIN)
		add_flip(clock->from, clock->as_of, times->before, at);
	return *at != DT_NOEND;
}

/* ---- calendar days ---- */

#define N_DAYS 1024				/* whose instant is remembered */
#define MOST_DAYS 8000000		/* more is never */

/* What days_later keeps for the length of a query. */
typedef struct DaysLater
{
	text	   *zone_name;
	TimestampTz as_of;
	Flip	   *date;			/* the local date */
	int64		today;			/* its midnight, in local microseconds */
	bool		goes_back;		/* today comes to an end by the clock's going back */
	TimestampTz back_at;
	struct
	{
		int32		days;		/* 0: none */
		TimestampTz at;
	}			day[N_DAYS];
} DaysLater;

static DaysLater *
begin_days(FunctionCallInfo fcinfo, TimestampTz as_of, text *zone_name)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	DaysLater  *call = palloc0(sizeof(DaysLater));
	int64		left;

	call->zone_name = palloc(VARSIZE_ANY(zone_name));
	memcpy(call->zone_name, zone_name, VARSIZE_ANY(zone_name));
	call->as_of = as_of;
	call->date = segment_flip_create(segment_summary_zone(text_to_cstring(zone_name)), DATEOID,
									 NULL);
	if (!segment_flip_read(call->date, as_of, &call->today, &left))
	{
		call->goes_back = true;
		call->back_at = DT_NOBEGIN;
	}
	else
	{
		/* both in one: the date is greater than yesterday, and will not be */
		call->goes_back = segment_flip_find(call->date, as_of, call->today - USECS_PER_DAY,
											&call->back_at);
	}
	MemoryContextSwitchTo(old);
	return fcinfo->flinfo->fn_extra = call;
}

/*
 * days_later(as_of, days, time_zone): strict; negative: that many days, or when clocks go
 * back over midnight
 */
Datum
segment_days_later(PG_FUNCTION_ARGS)
{
	DaysLater  *call = fcinfo->flinfo->fn_extra;
	TimestampTz as_of;
	TimestampTz at = DT_NOEND;
	text	   *zone_name;
	int32		days;

	days = Max(PG_GETARG_INT32(1), -MOST_DAYS - 1);
	as_of = PG_GETARG_TIMESTAMPTZ(0);
	zone_name = PG_GETARG_TEXT_PP(2);
	if (call == NULL || call->as_of != as_of ||
		VARSIZE_ANY_EXHDR(call->zone_name) != VARSIZE_ANY_EXHDR(zone_name) ||
		memcmp(VARDATA_ANY(call->zone_name), VARDATA_ANY(zone_name),
			   VARSIZE_ANY_EXHDR(zone_name)) != 0)
		call = begin_days(fcinfo, as_of, zone_name);
	if (call->goes_back && (days < 0 || call->back_at == DT_NOBEGIN))
		at = call->back_at;
	days = abs(days);
	if (days > 0 && days <= MOST_DAYS && at != DT_NOBEGIN)
	{
		int			place = days % N_DAYS;

		if (call->day[place].days != days)
		{
			call->day[place].days = days;
			if (!segment_flip_find(call->date, as_of, call->today + (days - 1) * USECS_PER_DAY,
								   &call->day[place].at))
				call->day[place].at = DT_NOEND;
		}
		at = Min(at, call->day[place].at);
	}
	if (at == DT_NOEND)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(at);
}
