/*
 * event_times.c: the aggregate follows(at, is_a, is_b, within) and its state, the type
 * event_times: the times of A's and B's of which none is known to follow yet.
 *
 *	1. True when some B comes after an A, at most `within` later; else false, also
 *	   without rows.
 *	2. A B at the instant of an A does not follow it; exactly `within` later, it does.
 *	3. A row may be both: then it may follow another, not itself.
 *	4. A row whose time is NULL, or that is neither A nor B, says nothing.
 *	5. A `within` of days or months is one of the calendar, in the session's time zone.
 *	6. Rows in any order and parts merged in any way: the same answer, and the same bytes.
 *	7. Memory: 16 bytes for each B, and for each A farther than `within` from the one
 *	   before; nothing once the answer is true.
 *
 * The kernel (kernel/vocabulary/follows.c) keeps spans compact.  New ones are added to
 * the end of the state, in place, until its room is used up; then it is compacted, and
 * gets twice the room if that did not leave half of it.
 *
 * Binary form, big-endian: int16 format (1) | int16 whether the answer is true |
 * int64 number of spans | of each: int64 from, int64 to.  Equal states are equal bytes.
 */
#include "compat.h"

#include "base/aggregate_argument.h"
#include "base/arguments.h"
#include "base/memory.h"
#include "base/wire.h"
#include "kernel/vocabulary/follows.h"
#include "libpq/pqformat.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_event_times_in);
PG_FUNCTION_INFO_V1(segment_event_times_out);
PG_FUNCTION_INFO_V1(segment_event_times_recv);
PG_FUNCTION_INFO_V1(segment_event_times_send);
PG_FUNCTION_INFO_V1(segment_follows_accum);
PG_FUNCTION_INFO_V1(segment_follows_combine);
PG_FUNCTION_INFO_V1(segment_follows);

#define WIRE_FORMAT 1
#define TYPE_NAME "event_times"

typedef struct EventTimes
{
	int32		vl_len_;		/* its room follows from it */
	int32		found;			/* 1: the answer is true, and there are no spans; else 0 */
	int64		n;				/* spans in use */
	SegmentSpan span[FLEXIBLE_ARRAY_MEMBER];
} EventTimes;

#define GET_TIMES(n) ((EventTimes *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* spans in a new state: with its header, 80 bytes */
#define FIRST_ROOM 4
#define MOST_SPANS ((int64) ((MaxAllocSize - sizeof(EventTimes)) / sizeof(SegmentSpan)))

static int64
room_of(const EventTimes *times)
{
	return (int64) ((VARSIZE(times) - offsetof(EventTimes, span)) / sizeof(SegmentSpan));
}

static EventTimes *
new_times(int64 room)
{
	Size		size;
	EventTimes *times;

	if (room > MOST_SPANS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("follows() can keep at most " INT64_FORMAT " events of a group", MOST_SPANS),
				 errhint("Group the events by customer.")));
	size = offsetof(EventTimes, span) + sizeof(SegmentSpan) * room;
	times = palloc(size);
	memset(times, 0, offsetof(EventTimes, span));
	SET_VARSIZE(times, size);
	return times;
}

static EventTimes *
copy_times(const EventTimes *times, int64 room)
{
	EventTimes *copy = new_times(room);

	copy->found = times->found;
	copy->n = times->n;
	memcpy(copy->span, times->span, sizeof(SegmentSpan) * times->n);
	return copy;
}

static void
compact(EventTimes *times)
{
	SegmentSpan *scratch = segment_new_array(times->n, 1, sizeof(SegmentSpan));
	bool		found;

	(void) segment_follows_compact(times->span, scratch, &times->n, &found, segment_check_interrupts);
	times->found |= found ? 1 : 0;
	pfree(scratch);
}

/* The state with room for `more` spans: itself, or another. */
static EventTimes *
make_room(EventTimes *times, int64 more)
{
	int64		room = room_of(times);

	if (times->n + more <= room)
		return times;
	compact(times);
	if (times->found)
		return times;
	if (times->n + more > room / 2)
		return copy_times(times, Min(Max(2 * (times->n + more), FIRST_ROOM),
									 Max(MOST_SPANS, times->n + more)));
	return times;
}

static EventTimes *
add_span(EventTimes *times, TimestampTz from, TimestampTz to)
{
	times = make_room(times, 1);
	if (!times->found)
	{
		times->span[times->n].from = from;
		times->span[times->n].to = to;
		times->n++;
	}
	return times;
}

/* When an A of that time can be followed last. */
static TimestampTz
end_of_span(FunctionCallInfo fcinfo, TimestampTz at)
{
	TimestampTz end;

	segment_refuse_null(fcinfo, 4, "within");
	end = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(at),
												  PG_GETARG_DATUM(4)));
	if (end < at || (end == at && !TIMESTAMP_NOT_FINITE(at)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within must be longer than 0, not %s",
						DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(4))))));
	return end;
}

/* (state, at, is_a, is_b, within) */
Datum
segment_follows_accum(PG_FUNCTION_ARGS)
{
	EventTimes *times;
	bool		is_a = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	bool		is_b = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	TimestampTz at;

	(void) segment_aggregate_context(fcinfo, "follows");
	times = PG_ARGISNULL(0) ? new_times(FIRST_ROOM) : GET_TIMES(0);
	if (PG_ARGISNULL(1) || !(is_a || is_b) || times->found)
		PG_RETURN_POINTER(times);
	at = PG_GETARG_TIMESTAMPTZ(1);
	/* what is infinitely long ago, or never comes, is not within a time of anything */
	if (TIMESTAMP_NOT_FINITE(at))
		PG_RETURN_POINTER(times);
	if (is_a)
		times = add_span(times, at, end_of_span(fcinfo, at));
	if (is_b)
		times = add_span(times, at, at);
	PG_RETURN_POINTER(times);
}

Datum
segment_follows_combine(PG_FUNCTION_ARGS)
{
	EventTimes *into;
	EventTimes *from;

	(void) segment_aggregate_context(fcinfo, "follows");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	from = GET_TIMES(1);
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(copy_times(from, Max(from->n, FIRST_ROOM)));
	into = GET_TIMES(0);
	if (from->found || into->found)
	{
		into->found = 1;
		into->n = 0;
		PG_RETURN_POINTER(into);
	}
	into = make_room(into, from->n);
	if (!into->found)
	{
		memcpy(into->span + into->n, from->span, sizeof(SegmentSpan) * from->n);
		into->n += from->n;
	}
	PG_RETURN_POINTER(into);
}

/* follows(state) */
Datum
segment_follows(PG_FUNCTION_ARGS)
{
	EventTimes *times;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	times = GET_TIMES(0);
	if (!times->found)
	{
		times = copy_times(times, times->n);
		compact(times);
	}
	PG_RETURN_BOOL(times->found != 0);
}

/* ---- text and binary ---- */

static bytea *
to_bytes(const EventTimes *state)
{
	EventTimes *times = copy_times(state, state->n);
	StringInfoData out;
	int64		i;

	compact(times);
	pq_begintypsend(&out);
	pq_sendint16(&out, WIRE_FORMAT);
	pq_sendint16(&out, times->found);
	pq_sendint64(&out, times->n);
	for (i = 0; i < times->n; i++)
	{
		pq_sendint64(&out, times->span[i].from);
		pq_sendint64(&out, times->span[i].to);
	}
	return pq_endtypsend(&out);
}

static Datum
from_bytes(StringInfo in)
{
	int			format = pq_getmsgint(in, 2);
	int			found = pq_getmsgint(in, 2);
	int64		n = pq_getmsgint64(in);
	EventTimes *times;
	int64		i;

	if (format != WIRE_FORMAT)
		segment_wire_error(TYPE_NAME, "its format is unknown");
	if (found > 1 || n < 0 || n != (in->len - in->cursor) / (int64) sizeof(SegmentSpan) ||
		(found == 1 && n > 0))
		segment_wire_error(TYPE_NAME, "its number of events is wrong");
	times = new_times(Max(n, FIRST_ROOM));
	times->found = found;
	times->n = n;
	for (i = 0; i < n; i++)
	{
		SegmentSpan *span = &times->span[i];

		span->from = pq_getmsgint64(in);
		span->to = pq_getmsgint64(in);
		if (span->to < span->from || (i > 0 && span->from < span[-1].from) ||
			!IS_VALID_TIMESTAMP(span->from))
			segment_wire_error(TYPE_NAME, "its events are in disorder");
	}
	pq_getmsgend(in);
	PG_RETURN_POINTER(times);
}

Datum
segment_event_times_in(PG_FUNCTION_ARGS)
{
	StringInfoData in;

	segment_wire_from_text(PG_GETARG_CSTRING(0), TYPE_NAME, &in);
	return from_bytes(&in);
}

Datum
segment_event_times_recv(PG_FUNCTION_ARGS)
{
	return from_bytes((StringInfo) PG_GETARG_POINTER(0));
}

Datum
segment_event_times_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(segment_wire_to_text(to_bytes(GET_TIMES(0)), TYPE_NAME));
}

Datum
segment_event_times_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(to_bytes(GET_TIMES(0)));
}
