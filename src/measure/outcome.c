/*
 * outcome.c: the type outcome and the aggregates that make it: outcome(boolean),
 * outcome(value, covariates...), outcome_ratio(numerator, denominator), outcome_merge(outcome);
 * and outcomes from printed reports, make_outcome().
 *
 *	1. A row is a customer.  One with a value missing (NULL, NaN) or infinite is skipped and
 *	   counted.
 *	2. Kinds do not mix: rates, means with so many covariates, ratios.
 *	3. Sums are exact, and the result is in its one normal form: it depends on no order of
 *	   rows, number of workers or way of merging, to the last byte.
 *	4. No rows: NULL.
 *	5. The state is the type itself, flat, and grows in place of the executor's copy: a rate
 *	   takes 32 bytes, a mean about 150.
 *
 * Binary form, big-endian: int16 format (1) | int16 kind, values of a row | int64 customers,
 * skipped, successes | of each sum: int16 first limb, limbs, whether what is above is -1 (0
 * or 1); the limbs of 32 bits.
 */
#include "measure/outcome.h"

#include <math.h>

#include "base/aggregate_argument.h"
#include "base/wire.h"
#include "libpq/pqformat.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(segment_outcome_in);
PG_FUNCTION_INFO_V1(segment_outcome_out);
PG_FUNCTION_INFO_V1(segment_outcome_recv);
PG_FUNCTION_INFO_V1(segment_outcome_send);
PG_FUNCTION_INFO_V1(segment_outcome_accum_rate);
PG_FUNCTION_INFO_V1(segment_outcome_accum_value);
PG_FUNCTION_INFO_V1(segment_outcome_accum_mean);
PG_FUNCTION_INFO_V1(segment_outcome_accum_ratio);
PG_FUNCTION_INFO_V1(segment_outcome_combine);
PG_FUNCTION_INFO_V1(segment_outcome_final);
PG_FUNCTION_INFO_V1(segment_make_outcome_rate);
PG_FUNCTION_INFO_V1(segment_make_outcome_mean);

#define WIRE_FORMAT 1
#define TYPE_NAME "outcome"
#define AGGREGATES "outcome, outcome_ratio and outcome_merge"

/* whole numbers up to it are exact in a double */
#define MOST_CUSTOMERS (INT64CONST(1) << 53)

static SegmentOutcome *
new_outcome(SegmentOutcomeKind kind, int n_values)
{
	Size		size = segment_outcome_empty_size(n_values);
	SegmentOutcome *outcome = palloc(size);

	SET_VARSIZE(outcome, size);
	segment_outcome_init(outcome, kind, n_values);
	return outcome;
}

/* The outcome with more limbs, as another value. */
static SegmentOutcome *
widened(const SegmentOutcome *outcome, SegmentLimbs *limbs)
{
	Size		size = segment_outcome_wide_size(outcome, limbs);
	SegmentOutcome *wide = palloc(size);

	SET_VARSIZE(wide, size);
	segment_outcome_widen(wide, limbs, outcome);
	return wide;
}

/* In its normal form; n_sums exact sums, which are normalised. */
static SegmentOutcome *
outcome_of_exact(SegmentOutcomeKind kind, int n_values, SegmentExactSum *exact)
{
	Size		size = segment_outcome_canonical_size(n_values, exact);
	SegmentOutcome *outcome = palloc(size);

	SET_VARSIZE(outcome, size);
	segment_outcome_of_exact(outcome, kind, n_values, exact);
	return outcome;
}

static SegmentExactSum *
exact_sums(const SegmentOutcome *outcome)
{
	SegmentExactSum *exact = palloc(sizeof(SegmentExactSum) * (segment_outcome_sums(outcome) + 1));

	segment_outcome_to_exact(outcome, exact);
	return exact;
}

/* ---- kinds ---- */

static const char *
kind_of(const SegmentOutcome *outcome)
{
	if (outcome->kind == SEGMENT_RATE)
		return "a rate";
	if (outcome->kind == SEGMENT_RATIO)
		return "a ratio";
	if (outcome->n_values == 1)
		return "a mean";
	return outcome->n_values == 2 ? "a mean with a covariate"
		: psprintf("a mean with %d covariates", outcome->n_values - 1);
}

/* Else an error. */
void
segment_outcome_same_kind(const SegmentOutcome *a, const SegmentOutcome *b)
{
	if (a->kind != b->kind || a->n_values != b->n_values)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("an outcome that is %s does not go with one that is %s", kind_of(a), kind_of(b)),
				 errhint("outcome(boolean) makes rates, outcome(value, covariates...) means,"
						 " outcome_ratio(numerator, denominator) ratios.")));
}

/* ---- aggregates ---- */

/* A row of finite values; the state, or a wider one. */
static SegmentOutcome *
add_row(SegmentOutcome *state, const double *row)
{
	if (!segment_outcome_add(state, row))
	{
		SegmentLimbs limbs[SEGMENT_OUTCOME_SUMS];

		segment_outcome_limbs_of_row(state, row, limbs);
		state = widened(state, limbs);
		(void) segment_outcome_add(state, row);
	}
	return state;
}

/* (state, happened) */
Datum
segment_outcome_accum_rate(PG_FUNCTION_ARGS)
{
	SegmentOutcome *state;

	(void) segment_aggregate_context(fcinfo, AGGREGATES);
	state = PG_ARGISNULL(0) ? new_outcome(SEGMENT_RATE, 0) : PG_GETARG_OUTCOME(0);
	if (PG_ARGISNULL(1))
		state->skipped++;
	else
	{
		state->n++;
		state->successes += PG_GETARG_BOOL(1);
	}
	PG_RETURN_POINTER(state);
}

static pg_noinline void
wrong_number_of_values(int n, const SegmentOutcome *state)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("a row has %d values, another one had %d", n, state->n_values),
			 errhint("A covariate that is not known is NULL, and its row is skipped.")));
}

/* (state, value): as below, but without an array for each row */
Datum
segment_outcome_accum_value(PG_FUNCTION_ARGS)
{
	SegmentOutcome *state;
	double		value;

	(void) segment_aggregate_context(fcinfo, AGGREGATES);
	state = PG_ARGISNULL(0) ? new_outcome(SEGMENT_MEAN, 1) : PG_GETARG_OUTCOME(0);
	value = PG_ARGISNULL(1) ? segment_missing_value() : PG_GETARG_FLOAT8(1);
	if (isfinite(value))
		state = add_row(state, &value);
	else
		state->skipped++;
	PG_RETURN_POINTER(state);
}

/* (state, values) */
Datum
segment_outcome_accum_mean(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	SegmentOutcome *state;
	double		row[SEGMENT_OUTCOME_VALUES];
	bool		finite = true;
	int			n;
	int			i;

	(void) segment_aggregate_context(fcinfo, AGGREGATES);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the array of a value and its covariates must not be null"),
				 errhint("Its elements may be.")));
	array = segment_arg_features(fcinfo, 1, &n);
	if (n < 1 || n > SEGMENT_OUTCOME_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("outcome takes a value and at most %d covariates, not %d values",
						SEGMENT_OUTCOME_VALUES - 1, n)));
	state = PG_ARGISNULL(0) ? new_outcome(SEGMENT_MEAN, n) : PG_GETARG_OUTCOME(0);
	if (state->n_values != n)
		wrong_number_of_values(n, state);
	segment_copy_features(array, n, row);
	for (i = 0; i < n; i++)
		finite &= isfinite(row[i]) != 0;
	if (finite)
		state = add_row(state, row);
	else
		state->skipped++;
	PG_RETURN_POINTER(state);
}

/* (state, numerator, denominator) */
Datum
segment_outcome_accum_ratio(PG_FUNCTION_ARGS)
{
	SegmentOutcome *state;
	double		row[2];

	(void) segment_aggregate_context(fcinfo, AGGREGATES);
	state = PG_ARGISNULL(0) ? new_outcome(SEGMENT_RATIO, 2) : PG_GETARG_OUTCOME(0);
	row[0] = PG_ARGISNULL(1) ? segment_missing_value() : PG_GETARG_FLOAT8(1);
	row[1] = PG_ARGISNULL(2) ? segment_missing_value() : PG_GETARG_FLOAT8(2);
	if (isfinite(row[0]) && isfinite(row[1]))
		state = add_row(state, row);
	else
		state->skipped++;
	PG_RETURN_POINTER(state);
}

/* (state, outcome): the transition function of outcome_merge, too. */
Datum
segment_outcome_combine(PG_FUNCTION_ARGS)
{
	SegmentOutcome *into;
	SegmentOutcome *from;

	(void) segment_aggregate_context(fcinfo, AGGREGATES);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	from = PG_GETARG_OUTCOME(1);
	/* the executor makes a copy of it */
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(from);
	into = PG_GETARG_OUTCOME(0);
	segment_outcome_same_kind(into, from);
	if (into->n > SEGMENT_OUTCOME_MOST - from->n || into->skipped > SEGMENT_OUTCOME_MOST - from->skipped)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("an outcome has at most " INT64_FORMAT " customers", SEGMENT_OUTCOME_MOST)));
	if (!segment_outcome_merge(into, from))
	{
		SegmentLimbs limbs[SEGMENT_OUTCOME_SUMS];

		segment_outcome_limbs(from, limbs);
		into = widened(into, limbs);
		(void) segment_outcome_merge(into, from);
	}
	PG_RETURN_POINTER(into);
}

/* The normal form of a state. */
Datum
segment_outcome_final(PG_FUNCTION_ARGS)
{
	SegmentOutcome *state = PG_GETARG_OUTCOME(0);
	SegmentOutcome *result;

	result = outcome_of_exact(state->kind, state->n_values, exact_sums(state));
	result->n = state->n;
	result->skipped = state->skipped;
	result->successes = state->successes;
	PG_RETURN_POINTER(result);
}

/* ---- printed reports ---- */

/* make_outcome(customers, successes) */
Datum
segment_make_outcome_rate(PG_FUNCTION_ARGS)
{
	int64		customers = PG_GETARG_INT64(0);
	int64		successes = PG_GETARG_INT64(1);
	SegmentOutcome *outcome;

	if (customers < 0 || customers > SEGMENT_OUTCOME_MOST)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("customers must be from 0 to " INT64_FORMAT ", not " INT64_FORMAT,
						SEGMENT_OUTCOME_MOST, customers)));
	if (successes < 0 || successes > customers)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("successes must be from 0 to " INT64_FORMAT ", the number of customers, not "
						INT64_FORMAT, customers, successes)));
	outcome = new_outcome(SEGMENT_RATE, 0);
	outcome->n = customers;
	outcome->successes = successes;
	PG_RETURN_POINTER(outcome);
}

/* make_outcome(customers, mean, variance): sums from which the very mean and variance follow. */
Datum
segment_make_outcome_mean(PG_FUNCTION_ARGS)
{
	int64		customers = PG_GETARG_INT64(0);
	double		mean = PG_GETARG_FLOAT8(1);
	double		variance = PG_GETARG_FLOAT8(2);
	SegmentExactSum exact[2];
	SegmentOutcome *outcome;

	if (customers < 1 || customers > MOST_CUSTOMERS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("customers must be from 1 to " INT64_FORMAT ", not " INT64_FORMAT,
						MOST_CUSTOMERS, customers)));
	if (!isfinite(mean))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("mean must be finite, not %g", mean)));
	if (!isfinite(variance) || variance < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("variance must be finite and not negative, not %g", variance),
				 errhint("It is the square of the standard deviation.")));
	if (customers == 1 && variance != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one customer alone has no variance, but %g was given", variance),
				 errhint("Give 0.")));
	segment_exact_init(&exact[0]);
	segment_exact_init(&exact[1]);
	segment_exact_add_product(&exact[0], (double) customers, mean, 0);
	segment_exact_add_product(&exact[1], (double) (customers - 1), variance, 0);
	segment_exact_add_moment(&exact[1], 1, (double) customers, mean, 2);
	outcome = outcome_of_exact(SEGMENT_MEAN, 1, exact);
	outcome->n = customers;
	PG_RETURN_POINTER(outcome);
}

/* ---- text and binary ---- */

/* Limbs above the highest that matters are all 0, or in a negative sum all ones: not sent. */
static void
send_sum(StringInfo out, SegmentExactSum *sum)
{
	SegmentLimbs limbs = segment_limbs_of_exact(sum);
	int			n = Max(limbs.to - limbs.from - 1, 0);
	int			i;

	pq_sendint16(out, limbs.from);
	pq_sendint16(out, n);
	pq_sendint16(out, sum->limb[SEGMENT_EXACT_LIMBS - 1] < 0);
	for (i = limbs.from; i < limbs.from + n; i++)
		pq_sendint32(out, (uint32) sum->limb[i]);
}

static void
receive_sum(StringInfo in, SegmentExactSum *sum)
{
	int			from = pq_getmsgint(in, 2);
	int			n = pq_getmsgint(in, 2);
	int			negative = pq_getmsgint(in, 2);
	int			i;

	if (from >= SEGMENT_EXACT_LIMBS || n >= SEGMENT_EXACT_LIMBS - from || negative > 1)
		segment_wire_error(TYPE_NAME, "a sum is out of range");
	segment_exact_init(sum);
	for (i = from; i < from + n; i++)
		sum->limb[i] = (uint32) pq_getmsgint(in, 4);
	if (negative == 0)
		return;
	for (; i < SEGMENT_EXACT_LIMBS - 1; i++)
		sum->limb[i] = INT64CONST(0xFFFFFFFF);
	sum->limb[i] = -1;
}

static bytea *
to_bytes(const SegmentOutcome *outcome)
{
	SegmentExactSum *exact = exact_sums(outcome);
	StringInfoData out;
	int			i;

	pq_begintypsend(&out);
	pq_sendint16(&out, WIRE_FORMAT);
	pq_sendint16(&out, outcome->kind);
	pq_sendint16(&out, outcome->n_values);
	pq_sendint64(&out, outcome->n);
	pq_sendint64(&out, outcome->skipped);
	pq_sendint64(&out, outcome->successes);
	for (i = 0; i < segment_outcome_sums(outcome); i++)
		send_sum(&out, &exact[i]);
	return pq_endtypsend(&out);
}

static Datum
from_bytes(StringInfo in)
{
	SegmentExactSum *exact;
	SegmentOutcome *outcome;
	int			kind;
	int			n_values;
	int64		n;
	int64		skipped;
	int64		successes;
	int			n_sums;
	int			i;

	if (pq_getmsgint(in, 2) != WIRE_FORMAT)
		segment_wire_error(TYPE_NAME, "its format is unknown");
	kind = pq_getmsgint(in, 2);
	n_values = pq_getmsgint(in, 2);
	if (kind == SEGMENT_RATE ? n_values != 0
		: kind == SEGMENT_MEAN ? n_values < 1 || n_values > SEGMENT_OUTCOME_VALUES
		: kind != SEGMENT_RATIO || n_values != 2)
		segment_wire_error(TYPE_NAME, "there is no such kind");
	n = pq_getmsgint64(in);
	skipped = pq_getmsgint64(in);
	successes = pq_getmsgint64(in);
	if (kind != SEGMENT_RATE && successes != 0)
		segment_wire_error(TYPE_NAME, "only rates have successes");
	n_sums = n_values * (n_values + 3) / 2;
	exact = palloc(sizeof(SegmentExactSum) * (n_sums + 1));
	for (i = 0; i < n_sums; i++)
		receive_sum(in, &exact[i]);
	pq_getmsgend(in);
	outcome = outcome_of_exact(kind, n_values, exact);
	outcome->n = n;
	outcome->skipped = skipped;
	outcome->successes = successes;
	if (!segment_outcome_plausible(outcome))
		segment_wire_error(TYPE_NAME, "no customers have such sums");
	PG_RETURN_POINTER(outcome);
}

Datum
segment_outcome_in(PG_FUNCTION_ARGS)
{
	StringInfoData in;

	segment_wire_from_text(PG_GETARG_CSTRING(0), TYPE_NAME, &in);
	return from_bytes(&in);
}

Datum
segment_outcome_recv(PG_FUNCTION_ARGS)
{
	return from_bytes((StringInfo) PG_GETARG_POINTER(0));
}

Datum
segment_outcome_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(segment_wire_to_text(to_bytes(PG_GETARG_OUTCOME(0)), TYPE_NAME));
}

Datum
segment_outcome_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(to_bytes(PG_GETARG_OUTCOME(0)));
}
