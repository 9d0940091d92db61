/*
 * cronbach.c: the aggregate cronbach_alpha(answers...) and its state, the type
 * cronbach_state.
 *
 *		alpha = k / (k - 1) * (1 - sum of the variances of the k answers / variance of their sum)
 *
 *	1. A row is a person, with an answer to each of at least two questions.
 *	2. A row with an answer missing (NULL, NaN) or infinite is skipped, counted and told in
 *	   a NOTICE.
 *	3. Fewer than two rows, or sums that are all equal: NULL.
 *	4. Sums and sums of squares are exact, so the result depends on no order of rows
 *	   and no way of merging.
 *	5. Memory: 3.4 kB for each question and for the sum.
 *
 * Reference: L. J. Cronbach, "Coefficient alpha and the internal structure of tests",
 * Psychometrika 16, 1951; raw_alpha of R's psych::alpha.
 *
 * Binary form, big-endian: int16 format (1) | int16 questions | int64 rows used, rows
 * skipped | of each question and of the sum: exact sum, exact sum of squares (wire.c).
 */
#include "compat.h"

#include <math.h>

#include "base/aggregate_argument.h"
#include "base/wire.h"
#include "kernel/base/moments.h"
#include "libpq/pqformat.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(segment_cronbach_state_in);
PG_FUNCTION_INFO_V1(segment_cronbach_state_out);
PG_FUNCTION_INFO_V1(segment_cronbach_state_recv);
PG_FUNCTION_INFO_V1(segment_cronbach_state_send);
PG_FUNCTION_INFO_V1(segment_cronbach_alpha_accum);
PG_FUNCTION_INFO_V1(segment_cronbach_alpha_combine);
PG_FUNCTION_INFO_V1(segment_cronbach_alpha);

#define WIRE_FORMAT 1
#define TYPE_NAME "cronbach_state"
#define MOST_QUESTIONS 1000

typedef struct ItemSums
{
	SegmentExactSum sum;
	SegmentExactSum squares;
} ItemSums;

typedef struct CronbachState
{
	int32		vl_len_;
	int32		k;				/* questions */
	int64		n;				/* rows used */
	int64		n_skipped;		/* rows with an answer missing */
	ItemSums	item[FLEXIBLE_ARRAY_MEMBER];	/* k of them, and behind them that of the sums */
} CronbachState;

#define GET_STATE(n) ((CronbachState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

static CronbachState *
new_state(int k)
{
	Size		size = offsetof(CronbachState, item) + sizeof(ItemSums) * (k + 1);
	CronbachState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->k = k;
	return state;
}

static void
add_value(ItemSums *item, double x)
{
	segment_exact_add(&item->sum, x);
	segment_exact_add_product(&item->squares, x, x, 0);
}

/* (state, answers) */
Datum
segment_cronbach_alpha_accum(PG_FUNCTION_ARGS)
{
	CronbachState *state;
	ArrayType  *array;
	double	   *answer;
	double		total = 0;
	int			n;
	int			i;

	(void) segment_aggregate_context(fcinfo, "cronbach_alpha");
	array = segment_arg_features(fcinfo, 1, &n);
	if (n < 2 || n > MOST_QUESTIONS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cronbach_alpha takes 2 to %d answers a row, not %d", MOST_QUESTIONS, n)));
	state = PG_ARGISNULL(0) ? new_state(n) : GET_STATE(0);
	if (state->k != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row has %d answers, another one had %d", n, state->k),
				 errhint("An answer that was not given is NULL.")));
	answer = palloc(sizeof(double) * n);
	segment_copy_features(array, n, answer);
	for (i = 0; i < n; i++)
		total += answer[i];
	if (!isfinite(total))
	{
		state->n_skipped++;
		PG_RETURN_POINTER(state);
	}
	for (i = 0; i < n; i++)
		add_value(&state->item[i], answer[i]);
	add_value(&state->item[n], total);
	state->n++;
	pfree(answer);
	PG_RETURN_POINTER(state);
}

Datum
segment_cronbach_alpha_combine(PG_FUNCTION_ARGS)
{
	CronbachState *into;
	CronbachState *from;
	int			i;

	(void) segment_aggregate_context(fcinfo, "cronbach_alpha");
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	from = GET_STATE(1);
	into = PG_ARGISNULL(0) ? new_state(from->k) : GET_STATE(0);
	if (into->k != from->k)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a row has %d answers, another one had %d", from->k, into->k),
				 errhint("An answer that was not given is NULL.")));
	for (i = 0; i <= into->k; i++)
	{
		segment_exact_merge(&into->item[i].sum, &from->item[i].sum);
		segment_exact_merge(&into->item[i].squares, &from->item[i].squares);
	}
	into->n += from->n;
	into->n_skipped += from->n_skipped;
	PG_RETURN_POINTER(into);
}

/* The variance of n values, over n. */
static double
variance(const ItemSums *item, int64 n)
{
	SegmentExactSum weight;
	double		mean;
	double		deviation;

	segment_exact_init(&weight);
	segment_exact_add(&weight, (double) n);
	if (!segment_moments_of_sums(&weight, &item->sum, &item->squares, &mean, &deviation))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the variance of answers is beyond double precision")));
	return deviation * deviation;
}

/* cronbach_alpha(state) */
Datum
segment_cronbach_alpha(PG_FUNCTION_ARGS)
{
	CronbachState *state = GET_STATE(0);
	double		k = state->k;
	double		of_items = 0;
	double		of_total;
	int			i;

	if (state->n_skipped > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " rows was skipped",
							   INT64_FORMAT " of " INT64_FORMAT " rows were skipped",
							   (unsigned long) state->n_skipped, state->n_skipped,
							   state->n_skipped + state->n),
				 errdetail("An answer is missing or not finite.")));
	if (state->n < 2)
		PG_RETURN_NULL();
	of_total = variance(&state->item[state->k], state->n);
	if (of_total == 0)
		PG_RETURN_NULL();
	for (i = 0; i < state->k; i++)
		of_items += variance(&state->item[i], state->n);
	PG_RETURN_FLOAT8(k / (k - 1) * (1 - of_items / of_total));
}

/* ---- text and binary ---- */

static bytea *
to_bytes(const CronbachState *state)
{
	StringInfoData out;
	int			i;

	pq_begintypsend(&out);
	pq_sendint16(&out, WIRE_FORMAT);
	pq_sendint16(&out, state->k);
	pq_sendint64(&out, state->n);
	pq_sendint64(&out, state->n_skipped);
	for (i = 0; i <= state->k; i++)
	{
		ItemSums	item = state->item[i];

		segment_wire_send_sum(&out, &item.sum);
		segment_wire_send_sum(&out, &item.squares);
	}
	return pq_endtypsend(&out);
}

static Datum
from_bytes(StringInfo in)
{
	CronbachState *state;
	int			k;
	int			i;

	if (pq_getmsgint(in, 2) != WIRE_FORMAT)
		segment_wire_error(TYPE_NAME, "its format is unknown");
	k = pq_getmsgint(in, 2);
	if (k < 2 || k > MOST_QUESTIONS)
		segment_wire_error(TYPE_NAME, "its number of questions is out of range");
	state = new_state(k);
	state->n = pq_getmsgint64(in);
	state->n_skipped = pq_getmsgint64(in);
	if (state->n < 0 || state->n > PG_INT64_MAX / 4 || state->n_skipped < 0 ||
		state->n_skipped > PG_INT64_MAX / 4)
		segment_wire_error(TYPE_NAME, "a number of rows is out of range");
	for (i = 0; i <= k; i++)
	{
		segment_wire_receive_sum(in, TYPE_NAME, &state->item[i].sum);
		segment_wire_receive_sum(in, TYPE_NAME, &state->item[i].squares);
		if (state->item[i].squares.limb[SEGMENT_EXACT_LIMBS - 1] < 0)
			segment_wire_error(TYPE_NAME, "a sum of squares is negative");
	}
	pq_getmsgend(in);
	PG_RETURN_POINTER(state);
}

Datum
segment_cronbach_state_in(PG_FUNCTION_ARGS)
{
	StringInfoData in;

	segment_wire_from_text(PG_GETARG_CSTRING(0), TYPE_NAME, &in);
	return from_bytes(&in);
}

Datum
segment_cronbach_state_recv(PG_FUNCTION_ARGS)
{
	return from_bytes((StringInfo) PG_GETARG_POINTER(0));
}

Datum
segment_cronbach_state_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(segment_wire_to_text(to_bytes(GET_STATE(0)), TYPE_NAME));
}

Datum
segment_cronbach_state_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(to_bytes(GET_STATE(0)));
}
