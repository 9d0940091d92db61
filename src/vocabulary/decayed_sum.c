/*
 * decayed_sum.c: the aggregate decayed_sum(amount, at, half_life, as_of) and its state, the
 * type decayed_state: a sum of amounts, each halved for every half-life that has passed.
 *
 *		sum of amount * 2^-((as_of - at) / half_life)
 *
 *	1. Events at or after as_of do not count; nor do rows whose amount or time is NULL.
 *	2. No row that counts: NULL.
 *	3. Each addend is rounded once; they are added up without rounding, and the sum is
 *	   rounded at the end.  So it depends on no order of rows, number of workers or way
 *	   of merging, to the last bit, on no CPU and no library.
 *	4. NaN, or infinities of both signs: NaN; one infinity: that one.  A sum beyond
 *	   the range of doubles is an error, as of sum().
 *	5. A half-life is a length of time: its days have 24 hours, its months 30 days.
 *	6. The state takes about 100 bytes for amounts of similar size, at most 1.8 kB.
 *
 * Binary form, big-endian: int16 format (1) | int64 finite rows, NaNs, infinities, negative
 * infinities | the exact sum as wire.c writes it.
 */
#include "compat.h"

#include <math.h>

#include "base/aggregate_argument.h"
#include "base/arguments.h"
#include "base/wire.h"
#include "datatype/timestamp.h"
#include "kernel/base/narrow_sum.h"
#include "kernel/vocabulary/decay.h"
#include "libpq/pqformat.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_decayed_state_in);
PG_FUNCTION_INFO_V1(segment_decayed_state_out);
PG_FUNCTION_INFO_V1(segment_decayed_state_recv);
PG_FUNCTION_INFO_V1(segment_decayed_state_send);
PG_FUNCTION_INFO_V1(segment_decayed_sum_accum);
PG_FUNCTION_INFO_V1(segment_decayed_sum_combine);
PG_FUNCTION_INFO_V1(segment_decayed_sum);

#define WIRE_FORMAT 1
#define TYPE_NAME "decayed_state"

enum
{
	FINITE,
	NOT_A_NUMBER,
	INFINITE,
	MINUS_INFINITE,
	N_COUNTS
};

typedef struct DecayedState
{
	int32		vl_len_;
	int32		unused;			/* 0 */
	int64		n[N_COUNTS];	/* rows of each sort */
	SegmentNarrowSum sum;		/* of the finite ones */
} DecayedState;

#define GET_STATE(n) ((DecayedState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

static DecayedState *
new_state(SegmentLimbs limbs, const DecayedState *old)
{
	Size		size = offsetof(DecayedState, sum) + SEGMENT_NARROW_SIZE(limbs.to - limbs.from);
	DecayedState *state = palloc0(size);

	SET_VARSIZE(state, size);
	if (old != NULL)
		memcpy(state->n, old->n, sizeof(state->n));
	segment_narrow_widen(&state->sum, limbs, old == NULL ? NULL : &old->sum);
	return state;
}

/* The state with room for more limbs: itself, or another. */
static DecayedState *
make_room(DecayedState *state, SegmentLimbs limbs)
{
	if (segment_narrow_holds(&state->sum, limbs))
		return state;
	return new_state(segment_limbs_to_hold(&state->sum, limbs), state);
}

/* Microseconds; the most there can be, where it is longer than that. */
static int64
take_half_life(FunctionCallInfo fcinfo, int arg)
{
	Interval   *length;
	int128		result;

	segment_refuse_null(fcinfo, arg, "half_life");
	length = PG_GETARG_INTERVAL_P(arg);
	result = ((int128) length->month * DAYS_PER_MONTH + length->day) * USECS_PER_DAY + length->time;
	if (result <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must be longer than 0, not %s",
						DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(arg))))));
	return (int64) Min(result, (int128) PG_INT64_MAX);
}

/* (state, amount, at, half_life, as_of) */
Datum
segment_decayed_sum_accum(PG_FUNCTION_ARGS)
{
	SegmentLimbs none = {0, 0};
	DecayedState *state;
	int64		half_life;
	double		addend;
	TimestampTz at;
	TimestampTz as_of;

	(void) segment_aggregate_context(fcinfo, "decayed_sum");
	half_life = take_half_life(fcinfo, 3);
	segment_refuse_null(fcinfo, 4, "as_of");
	as_of = PG_GETARG_TIMESTAMPTZ(4);
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be an instant, not infinite")));
	state = PG_ARGISNULL(0) ? new_state(none, NULL) : GET_STATE(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	at = PG_GETARG_TIMESTAMPTZ(2);
	if (at >= as_of)
		PG_RETURN_POINTER(state);
	addend = PG_GETARG_FLOAT8(1);
	if (isnan(addend))
		state->n[NOT_A_NUMBER]++;
	else if (isinf(addend))
		state->n[addend > 0 ? INFINITE : MINUS_INFINITE]++;
	else
	{
		/* timestamps lie within 2^60 of 0, so their difference is in range */
		addend = TIMESTAMP_IS_NOBEGIN(at) ? 0 : segment_decayed(addend, as_of - at, half_life);
		state = make_room(state, segment_limbs_of_double(addend));
		segment_narrow_add(&state->sum, addend);
		state->n[FINITE]++;
	}
	PG_RETURN_POINTER(state);
}

Datum
segment_decayed_sum_combine(PG_FUNCTION_ARGS)
{
	DecayedState *into;
	DecayedState *from;
	SegmentLimbs limbs;
	int			i;

	(void) segment_aggregate_context(fcinfo, "decayed_sum");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	from = GET_STATE(1);
	limbs.from = from->sum.from;
	limbs.to = from->sum.from + from->sum.n;
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(new_state(limbs, from));
	into = make_room(GET_STATE(0), limbs);
	segment_narrow_merge(&into->sum, &from->sum);
	for (i = 0; i < N_COUNTS; i++)
		into->n[i] += from->n[i];
	PG_RETURN_POINTER(into);
}

/* decayed_sum(state) */
Datum
segment_decayed_sum(PG_FUNCTION_ARGS)
{
	DecayedState *state = GET_STATE(0);
	SegmentExactSum sum;
	double		result;

	if (state->n[NOT_A_NUMBER] > 0 || (state->n[INFINITE] > 0 && state->n[MINUS_INFINITE] > 0))
		PG_RETURN_FLOAT8(get_float8_nan());
	if (state->n[INFINITE] > 0 || state->n[MINUS_INFINITE] > 0)
		PG_RETURN_FLOAT8(state->n[INFINITE] > 0 ? get_float8_infinity() : -get_float8_infinity());
	if (state->n[FINITE] == 0)
		PG_RETURN_NULL();
	segment_narrow_to_exact(&state->sum, &sum);
	result = segment_exact_value(&sum);
	if (isinf(result))
		float_overflow_error();
	PG_RETURN_FLOAT8(result);
}

/* ---- text and binary ---- */

static bytea *
to_bytes(const DecayedState *state)
{
	StringInfoData out;
	SegmentExactSum sum;
	int			i;

	pq_begintypsend(&out);
	pq_sendint16(&out, WIRE_FORMAT);
	for (i = 0; i < N_COUNTS; i++)
		pq_sendint64(&out, state->n[i]);
	segment_narrow_to_exact(&state->sum, &sum);
	segment_wire_send_sum(&out, &sum);
	return pq_endtypsend(&out);
}

static Datum
from_bytes(StringInfo in)
{
	int64		n[N_COUNTS];
	SegmentExactSum sum;
	SegmentLimbs limbs;
	DecayedState *state;
	int			i;

	if (pq_getmsgint(in, 2) != WIRE_FORMAT)
		segment_wire_error(TYPE_NAME, "its format is unknown");
	for (i = 0; i < N_COUNTS; i++)
	{
		n[i] = pq_getmsgint64(in);
		if (n[i] < 0 || n[i] > PG_INT64_MAX / 4)
			segment_wire_error(TYPE_NAME, "a number of rows is out of range");
	}
	segment_wire_receive_sum(in, TYPE_NAME, &sum);
	pq_getmsgend(in);
	limbs = segment_limbs_of_exact(&sum);
	state = new_state(limbs, NULL);
	memcpy(state->n, n, sizeof(n));
	segment_narrow_of_exact(&state->sum, limbs, &sum);
	PG_RETURN_POINTER(state);
}

Datum
segment_decayed_state_in(PG_FUNCTION_ARGS)
{
	StringInfoData in;

	segment_wire_from_text(PG_GETARG_CSTRING(0), TYPE_NAME, &in);
	return from_bytes(&in);
}

Datum
segment_decayed_state_recv(PG_FUNCTION_ARGS)
{
	return from_bytes((StringInfo) PG_GETARG_POINTER(0));
}

Datum
segment_decayed_state_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(segment_wire_to_text(to_bytes(GET_STATE(0)), TYPE_NAME));
}

Datum
segment_decayed_state_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(to_bytes(GET_STATE(0)));
}
