/*
 * buying_history.c: one row per customer for models of buying, from a query over orders, in one pass.
 *
 * The query's rows go from the executor into a DestReceiver, which checks and converts each
 * (customer, time, amount) and hands it to a HistoryFold.
 *
 * Orders of one calendar unit are one purchase: a day, or with whole_units the unit of times.  Units are numbered:
 * days and weeks from a Monday, months, quarters and years from the year 0.  Differences of these numbers are the
 * times, divided by the days of a unit where days are counted.
 *
 * Rows left out, told by NOTICE: those with a NULL or a time or amount that is not finite; refunds.
 * What times and amounts are: summary_time.c, summary_amount.c.
 */
#include "compat.h"

#include <math.h>

#include "base/arguments.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "source/history_fold.h"
#include "source/source_query.h"
#include "source/summary_amount.h"
#include "source/summary_time.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(segment_buying_history);

#define HISTORY_COLUMNS	8

/* 2000-01-03, a Monday, as days since 2000-01-01 */
#define A_MONDAY		2

/* Arguments by position. */
#define ARG_QUERY		1
#define ARG_AS_OF		2
#define ARG_UNIT		3
#define ARG_SINCE		4
#define ARG_HOLDOUT		5
#define ARG_WHOLE		6
#define ARG_ZONE		7

typedef enum Unit
{
	UNIT_DAY,
	UNIT_WEEK,
	UNIT_MONTH,
	UNIT_QUARTER,
	UNIT_YEAR
} Unit;

static const char *const unit_names[] = {"day", "week", "month", "quarter", "year", NULL};

/* exact in double precision */
static const double unit_days[] = {1, 7, 30.4375, 91.3125, 365.25};

typedef struct History
{
	DestReceiver receiver;		/* first, so that it can be cast */

	/* options */
	Oid			key_type;
	Unit		unit;			/* of times */
	Unit		purchase;		/* orders of one of these are one purchase */
	double		units;			/* purchase periods in a unit of times */
	bool		has_holdout;
	TimestampTz holdout_from;	/* as_of where there is none */
	TimestampTz since;			/* DT_NOBEGIN: everybody */
	SummaryTime time;			/* as_of and the rest */

	/* in the terms of the time column */
	int64		parted;			/* where what comes after the history begins */
	int64		first;			/* earliest first order of customers who count */
	int32		last_period;	/* of the history */
	int32		holdout_period; /* the last before as_of */

	AmountReader amount_reader;
	KeyType		customer_type;
	MemoryContext context;
	HistoryFold *fold;
	int64		skipped;
	int64		refunds;
} History;

/* ---- periods ---- */

/* The number of the period that a time lies in. */
static int32
period_of(History *h, int64 time)
{
	int64		day = segment_summary_day(&h->time, time);
	int			year;
	int			month;
	int			day_of_month;

	switch (h->purchase)
	{
		case UNIT_DAY:
			return (int32) (day - A_MONDAY);
		case UNIT_WEEK:
			day -= A_MONDAY;
			return (int32) (day >= 0 ? day / 7 : -((6 - day) / 7));
		case UNIT_MONTH:
		case UNIT_QUARTER:
		case UNIT_YEAR:
			break;
	}
	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &day_of_month);
	if (h->purchase == UNIT_YEAR)
		return year;
	/* the first of all years is 4714 BC */
	if (h->purchase == UNIT_QUARTER)
		return year * 4 + (month - 1) / 3;
	return year * 12 + month - 1;
}

/* ---- the receiver ---- */

static bool
history_receive(TupleTableSlot *slot, DestReceiver *self)
{
	History    *h = (History *) self;
	HistoryRow *row = segment_fold_row(&h->fold->base);
	FoldRow    *order = &row->order;
	MemoryContext old;
	bool		finite;

	slot_getsomeattrs(slot, 3);
	if (unlikely(slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2]))
	{
		h->skipped++;
		return true;
	}
	order->flags = 0;
	/* large amounts and detoasted values live until the batch is applied */
	old = MemoryContextSwitchTo(h->fold->base.batch_context);
	finite = segment_summary_read_time(&h->time, slot->tts_values[1], &order->time) &&
		segment_amount_read(h->amount_reader, slot->tts_values[2], order);
	MemoryContextSwitchTo(old);
	if (unlikely(!finite))
	{
		h->skipped++;
		return true;
	}
	if (unlikely(segment_amount_sign(order) < 0))
	{
		h->refunds++;
		return true;
	}
	if (order->time >= h->time.until)
		return true;
	row->part = order->time >= h->parted;
	row->period = period_of(h, order->time);
	order->customer = segment_key_copy(h->fold->base.batch_context, &h->customer_type,
									   slot->tts_values[0]);
	segment_fold_add(&h->fold->base);
	return true;
}

pg_noreturn static void
refuse_columns(const History *h, TupleDesc desc)
{
	StringInfoData types;
	int			i;

	initStringInfo(&types);
	for (i = 0; i < desc->natts; i++)
		appendStringInfo(&types, "%s%s", i > 0 ? ", " : "",
						 format_type_be(TupleDescAttr(desc, i)->atttypid));
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("the query must return (customer %s, time, amount), not (%s)",
					format_type_be(h->key_type), types.data),
			 errhint("Time is a date, timestamp or timestamptz, the amount a number; the key has the customer's type.")));
}

/* The executor tells the columns: check them and set up the fold. */
static void
history_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	History    *h = (History *) self;
	MemoryContext old;
	Oid			time_type;

	if (desc->natts < 3 || TupleDescAttr(desc, 0)->atttypid != h->key_type)
		refuse_columns(h, desc);
	time_type = getBaseType(TupleDescAttr(desc, 1)->atttypid);
	if (!segment_summary_time_type(time_type))
		refuse_columns(h, desc);
	h->amount_reader = segment_amount_reader(TupleDescAttr(desc, 2)->atttypid);

	old = MemoryContextSwitchTo(h->context);
	segment_key_type_init(&h->customer_type, h->key_type, TupleDescAttr(desc, 0)->attcollation,
						  "a customer");
	segment_summary_window(&h->time, time_type);
	h->parted = segment_summary_local(&h->time, h->holdout_from);
	h->first = TIMESTAMP_IS_NOBEGIN(h->since) ? PG_INT64_MIN
		: segment_summary_local(&h->time, h->since);
	h->last_period = period_of(h, h->parted - 1);
	h->holdout_period = period_of(h, h->time.until - 1);
	h->fold = segment_history_fold_create(&h->customer_type, get_hash_memory_limit());
	MemoryContextSwitchTo(old);
}

/* ---- results ---- */

/* A sum without a part of it, over n; both are exact, so it is rounded once where they are small. */
static Datum
mean_amount(const HistoryFold *fold, const DecimalSum *sum, const DecimalSum *without, int32 n)
{
	static const DecimalSum nothing = {0};
	const int64 limit = INT64CONST(1) << 53;
	int			scale;
	int64		a;
	int64		b;
	int64		divisor;
	Datum		rest;

	if (without == NULL)
		without = &nothing;
	scale = Max(sum->scale, without->scale);
	if (sum->large == 0 && without->large == 0 &&
		!__builtin_mul_overflow(sum->sum, segment_power_of_ten[scale - sum->scale], &a) &&
		!__builtin_mul_overflow(without->sum, segment_power_of_ten[scale - without->scale], &b) &&
		!__builtin_mul_overflow((int64) n, segment_power_of_ten[scale], &divisor) &&
		a - b < limit && divisor < limit)
		return Float8GetDatum((double) (a - b) / (double) divisor);
	rest = DirectFunctionCall2(numeric_sub,
							   NumericGetDatum(segment_decimal_value(&fold->base.large, sum)),
							   NumericGetDatum(segment_decimal_value(&fold->base.large, without)));
	rest = DirectFunctionCall2(numeric_div, rest, NumericGetDatum(int64_to_numeric(n)));
	return Float8GetDatum(segment_numeric_to_double(rest));
}

/* Puts the customers of a finished pass into the result. */
static void
emit_histories(History *h, ReturnSetInfo *rsinfo, MemoryContext row_context)
{
	HistoryFold *fold = h->fold;
	uint32		i;

	for (i = 0; i < fold->base.customers.n; i++)
	{
		const HistoryEntry *entry = segment_key_table_entry(&fold->base.customers, i);
		const HistoryPart *history = &entry->part[0];
		const HistoryPart *holdout = &entry->part[1];
		Datum		values[HISTORY_COLUMNS] = {0};
		bool		nulls[HISTORY_COLUMNS] = {false};
		MemoryContext old;

		if ((i & 0xFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		if (history->n == 0 || entry->first_time < h->first)
			continue;
		old = MemoryContextSwitchTo(row_context);
		values[0] = entry->key.key;
		values[1] = Float8GetDatum((double) (history->n - 1));
		values[2] = Float8GetDatum((double) (history->last - history->first) / h->units);
		values[3] = Float8GetDatum((double) (h->last_period - history->first) / h->units);
		nulls[4] = history->n == 1;
		if (!nulls[4])
			values[4] = mean_amount(fold, &entry->sum[0], &entry->first_sum, history->n - 1);
		nulls[5] = nulls[6] = !h->has_holdout;
		values[5] = Float8GetDatum((double) holdout->n);
		values[6] = Float8GetDatum((double) (h->holdout_period - h->last_period) / h->units);
		nulls[7] = holdout->n == 0;
		if (!nulls[7])
			values[7] = mean_amount(fold, &entry->sum[1], NULL, holdout->n);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
}

static void
tell_left_out(const History *h)
{
	if (h->skipped > 0)
		ereport(NOTICE,
				(errmsg("buying_history: " INT64_FORMAT " rows skipped", h->skipped),
				 errdetail("Their customer, time or amount is NULL or not finite.")));
	if (h->refunds > 0)
		ereport(NOTICE,
				(errmsg("buying_history: " INT64_FORMAT " rows with negative amounts left out",
						h->refunds),
				 errdetail("A refund is no purchase.")));
}

/* ---- arguments ---- */

static char *
time_text(TimestampTz at)
{
	return DatumGetCString(DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(at)));
}

static Unit
read_unit(const char *name)
{
	int			i;

	for (i = 0; unit_names[i] != NULL; i++)
		if (strcmp(name, unit_names[i]) == 0)
			return (Unit) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unit is '%s', expected 'day', 'week', 'month', 'quarter' or 'year'", name)));
}

/* NULL given is the default ("query" has none). */
static void
read_options(FunctionCallInfo fcinfo, History *h)
{
	bool		has_since = !PG_ARGISNULL(ARG_SINCE);
	bool		whole_units = !PG_ARGISNULL(ARG_WHOLE) && PG_GETARG_BOOL(ARG_WHOLE);

	h->key_type = segment_arg_key_type(fcinfo, 0);
	segment_refuse_null(fcinfo, ARG_QUERY, "argument \"query\" of buying_history");
	h->unit = PG_ARGISNULL(ARG_UNIT) ? UNIT_WEEK
		: read_unit(text_to_cstring(PG_GETARG_TEXT_PP(ARG_UNIT)));
	h->purchase = whole_units ? h->unit : UNIT_DAY;
	h->units = whole_units ? 1 : unit_days[h->unit];
	h->time.as_of = PG_ARGISNULL(ARG_AS_OF) ? GetCurrentTransactionStartTimestamp()
		: PG_GETARG_TIMESTAMPTZ(ARG_AS_OF);
	h->has_holdout = !PG_ARGISNULL(ARG_HOLDOUT);
	h->holdout_from = h->has_holdout ? PG_GETARG_TIMESTAMPTZ(ARG_HOLDOUT) : h->time.as_of;
	h->since = has_since ? PG_GETARG_TIMESTAMPTZ(ARG_SINCE) : DT_NOBEGIN;
	if (TIMESTAMP_NOT_FINITE(h->time.as_of) || TIMESTAMP_NOT_FINITE(h->holdout_from) ||
		(has_since && TIMESTAMP_NOT_FINITE(h->since)) ||
		(h->has_holdout && h->holdout_from >= h->time.as_of) || h->since >= h->holdout_from)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("since (%s), holdout_from (%s) and as_of (%s) must be finite and in this order",
						has_since ? time_text(h->since) : "none",
						h->has_holdout ? time_text(h->holdout_from) : "none",
						time_text(h->time.as_of))));
	h->time.zone = PG_ARGISNULL(ARG_ZONE) ? session_timezone
		: segment_summary_zone(text_to_cstring(PG_GETARG_TEXT_PP(ARG_ZONE)));
}

Datum
segment_buying_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext row_context;
	History    *h;
	SourceText	source = {0};

	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "buying_history", ALLOCSET_DEFAULT_SIZES);
	h = MemoryContextAllocZero(context, sizeof(History));
	h->context = context;
	segment_source_receiver(&h->receiver, history_receive, history_startup);
	read_options(fcinfo, h);
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(ARG_QUERY));
	segment_source_run(&source, &h->receiver);

	row_context = AllocSetContextCreate(context, "buying_history row", ALLOCSET_SMALL_SIZES);
	segment_fold_end_pass(&h->fold->base);
	do
		emit_histories(h, rsinfo, row_context);
	while (segment_fold_next_pass(&h->fold->base));
	tell_left_out(h);
	MemoryContextDelete(context);
	return (Datum) 0;
}
