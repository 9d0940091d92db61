/*
 * rfm_summary.c: one row per customer from a query over orders, in one pass.
 *
 * The query's rows go from the executor into a DestReceiver, which checks and
 * converts each (customer, time, amount [, order id]) and hands it to a
 * CustomerFold.  Nothing is sorted, and no row is stored unless memory is short.
 *
 * Rules, all counted in rfm_summary_counts() (law 5):
 *	 NULL customer, time, amount or order id: the row is skipped
 *	 time or amount not finite (infinity, NaN): skipped
 *	 time at or after as_of: ignored (law 2); before as_of - lookback: ignored, but
 *	   for when the first order was
 *	 negative amount (a refund): 'net' subtracts it from the customer's total
 *	   without counting an order; 'ignore' skips it; 'order' takes it as an order;
 *	   'cancel' is 'net', but an order whose lines add up to 0 or less is none
 *	 zero amount: 'order' or 'ignore'
 *
 * What times and amounts are: summary_time.c, summary_amount.c.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "source/customer_fold.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "base/arguments.h"
#include "base/progress.h"
#include "base/json_write.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "source/source_query.h"
#include "source/summary_amount.h"
#include "source/summary_clock.h"
#include "source/summary_time.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_rfm_summary);
PG_FUNCTION_INFO_V1(segment_rfm_summary_counts);

typedef enum RefundRule
{
	REFUND_NET,
	REFUND_IGNORE,
	REFUND_ORDER,
	REFUND_CANCEL
} RefundRule;

typedef struct SummaryCounts
{
	bool		valid;			/* a summary was finished in this session */
	int64		read;
	int64		used;
	int64		null_customer;
	int64		null_time;
	int64		null_amount;
	int64		null_order;
	int64		not_finite;		/* time or amount */
	int64		after_as_of;
	int64		before_lookback;
	int64		refunds;		/* used, by rules 'net' and 'cancel' */
	int64		refunds_ignored;
	int64		zero_ignored;
	int64		orders_cancelled;	/* by rule 'cancel' */
	int64		customers;
	int64		spilled;		/* rows that went through temporary files */
	double		seconds;
} SummaryCounts;

/* Of this session's last summary; what a refresh writes into its run log. */
static SummaryCounts last_counts;

typedef struct Summary
{
	DestReceiver receiver;		/* first, so that it can be cast */

	/* options */
	Oid			key_type;
	RefundRule	refunds;
	bool		ignore_zero;
	SummaryTime time;			/* with its own */

	/* what the query's columns are */
	AmountReader amount_reader;
	KeyType		customer_type;
	KeyType		order_type;
	bool		has_order;
	int			n_columns;		/* read: 3 or 4 */

	MemoryContext context;
	CustomerFold *fold;
	bool		tells_next;		/* when each customer's figures change by time alone */
	SummaryClock *clock;		/* then */
	SummaryCounts counts;
} Summary;

/* ---- the receiver ---- */

/* Whether a row of that amount is taken, by the rules for refunds and zeros, and as an order. */
static inline bool
counts_by_amount(const Summary *s, FoldRow *row, SummaryCounts *counts)
{
	int			sign = segment_amount_sign(row);

	if (unlikely(sign < 0) && s->refunds != REFUND_ORDER)
	{
		if (s->refunds == REFUND_IGNORE)
		{
			counts->refunds_ignored++;
			return false;
		}
		counts->refunds++;
		row->flags &= ~FOLD_ORDER;
	}
	if (unlikely(sign == 0) && s->ignore_zero)
	{
		counts->zero_ignored++;
		return false;
	}
	/* a refund before the window says nothing, unless it takes an order back, or may be in it again */
	return !(row->flags & FOLD_EARLIER) || (row->flags & FOLD_ORDER) ||
		s->refunds == REFUND_CANCEL || s->tells_next;
}

static bool
summary_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Summary    *s = (Summary *) self;
	FoldRow    *row = segment_fold_row(&s->fold->base);
	MemoryContext old;
	SummaryCounts unused = {0};
	bool		earlier;
	bool		finite;

	slot_getsomeattrs(slot, s->n_columns);
	segment_progress_rows(ROWS_READ, ++s->counts.read);
	row->flags = FOLD_ORDER;
	if (unlikely(slot->tts_isnull[0]))
	{
		s->counts.null_customer++;
		return true;
	}
	if (unlikely(slot->tts_isnull[1]))
	{
		s->counts.null_time++;
		return true;
	}
	if (unlikely(slot->tts_isnull[2]))
	{
		s->counts.null_amount++;
		return true;
	}
	if (unlikely(s->has_order && slot->tts_isnull[3]))
	{
		s->counts.null_order++;
		return true;
	}
	/* large amounts and detoasted values live until the batch is applied */
	old = MemoryContextSwitchTo(s->fold->base.batch_context);
	finite = segment_summary_read_time(&s->time, slot->tts_values[1], &row->time) &&
		segment_amount_read(s->amount_reader, slot->tts_values[2], row);
	MemoryContextSwitchTo(old);
	if (unlikely(!finite))
	{
		s->counts.not_finite++;
		return true;
	}
	if (unlikely(row->time >= s->time.until))
	{
		s->counts.after_as_of++;
		if (s->tells_next && counts_by_amount(s, row, &unused))
		{
			row->flags = FOLD_LATER;
			row->customer = segment_key_copy(s->fold->base.batch_context, &s->customer_type, slot->tts_values[0]);
			segment_fold_add(&s->fold->base);
		}
		return true;
	}
	earlier = unlikely(row->time < s->time.from);
	if (earlier)
	{
		s->counts.before_lookback++;
		row->flags |= FOLD_EARLIER;
	}
	if (!counts_by_amount(s, row, earlier ? &unused : &s->counts))
		return true;
	s->counts.used += !earlier;
	row->customer = segment_key_copy(s->fold->base.batch_context, &s->customer_type, slot->tts_values[0]);
	if (s->refunds == REFUND_CANCEL)
		row->flags |= FOLD_LINE;
	row->order = s->has_order && (row->flags & (FOLD_ORDER | FOLD_LINE))
		? segment_key_copy(s->fold->base.batch_context, &s->order_type, slot->tts_values[3]) : (Datum) 0;
	segment_fold_add(&s->fold->base);
	return true;
}

/* Whether a time follows the second column: then the first two look like one key. */
static bool
key_of_several_columns(TupleDesc desc)
{
	int			i;

	for (i = 2; i < desc->natts; i++)
		if (segment_summary_time_type(getBaseType(TupleDescAttr(desc, i)->atttypid)))
			return true;
	return false;
}

/* The executor tells the columns: check them and set up the fold. */
static void
summary_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	Summary    *s = (Summary *) self;
	MemoryContext old;
	Oid			time_type;

	if (desc->natts < 3 || desc->natts > 4)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the source has %d columns, expected 3 or 4", desc->natts),
				 errhint("Select customer (one column), time of the order, amount, and the "
						 "order's id if one order may have several rows.")));
	if (TupleDescAttr(desc, 0)->atttypid != s->key_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column 1 (customer) of the source has type %s, but the key was declared as %s",
						format_type_be(TupleDescAttr(desc, 0)->atttypid),
						format_type_be(s->key_type)),
				 errhint("Call rfm_summary(null::%s, ...) or cast the column.",
						 format_type_be(TupleDescAttr(desc, 0)->atttypid))));
	time_type = getBaseType(TupleDescAttr(desc, 1)->atttypid);
	if (!segment_summary_time_type(time_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column 2 (time of the order) of the source has type %s, "
						"expected timestamp with time zone, timestamp or date",
						format_type_be(TupleDescAttr(desc, 1)->atttypid)),
				 key_of_several_columns(desc)
				 ? errhint("One column is the customer's key. Make one of several: cast a row "
						   "of them to a composite type, or join them as text.")
				 : errhint("Cast it, or use to_timestamp for seconds since 1970.")));
	s->amount_reader = segment_amount_reader(TupleDescAttr(desc, 2)->atttypid);
	s->n_columns = desc->natts;
	s->has_order = desc->natts == 4;
	if (s->refunds == REFUND_CANCEL && !s->has_order)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("refunds \"cancel\" needs the order's id, but the source has 3 columns"),
				 errhint("Select the order's id as the fourth column; refunds carry that of the "
						 "order that they take back.")));

	old = MemoryContextSwitchTo(s->context);
	segment_key_type_init(&s->customer_type, s->key_type,
						  TupleDescAttr(desc, 0)->attcollation, "a customer");
	if (s->has_order)
		segment_key_type_init(&s->order_type, TupleDescAttr(desc, 3)->atttypid,
							  TupleDescAttr(desc, 3)->attcollation, "an order");
	segment_summary_window(&s->time, time_type);
	s->fold = segment_customer_fold_create(&s->customer_type, s->has_order ? &s->order_type : NULL,
								  s->refunds == REFUND_CANCEL, get_hash_memory_limit());
	if (s->tells_next)
	{
		s->clock = segment_summary_clock(&s->time);
		segment_customer_fold_keep_times(s->fold, segment_summary_clock_needs_window(&s->time));
	}
	MemoryContextSwitchTo(old);
}

/* ---- results ---- */

/*
 * Memory for the result, in kilobytes: a million customers take 150 MB, which
 * a file of the operating system's cache holds in half the room.
 */
#define RESULT_MEMORY (48 * 1024)

/* A result that goes to a file sooner than work_mem says. */
static void
begin_result(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	if (work_mem <= RESULT_MEMORY)
		return;
	tuplestore_end(rsinfo->setResult);
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, RESULT_MEMORY);
	MemoryContextSwitchTo(old);
}

/* A total beyond double precision may have a mean that is not. */
static double
mean_amount(Numeric total, int64 orders)
{
	double		sum = segment_numeric_to_double(NumericGetDatum(total));

	if (likely(isfinite(sum)))
		return sum / (double) orders;
	return segment_numeric_to_double(DirectFunctionCall2(numeric_div, NumericGetDatum(total),
														 NumericGetDatum(int64_to_numeric(orders))));
}

/* When a customer's figures change by time alone; false: never. */
static bool
next_change(const Summary *s, const CustomerEntry *entry, Datum *at)
{
	TimestampTz next;

	if (!segment_summary_next(s->clock, &((const ClockEntry *) entry)->times, &next))
		return false;
	*at = TimestampTzGetDatum(next);
	return true;
}

/* A row of nobody yet: who will be one by time alone. */
static void
emit_waiting(ReturnSetInfo *rsinfo, Datum key, Datum next)
{
	Datum		values[8] = {key, 0, 0, 0, 0, 0, 0, next};
	bool		nulls[8] = {false, true, true, true, true, true, true, false};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Puts the customers of a finished pass into the result. */
static void
emit_customers(Summary *s, ReturnSetInfo *rsinfo, MemoryContext row_context)
{
	CustomerFold *fold = s->fold;
	uint32		i;

	for (i = 0; i < fold->base.customers.n; i++)
	{
		const CustomerEntry *entry = segment_key_table_entry(&fold->base.customers, i);
		bool		has_orders = entry->first <= entry->last;
		Datum		values[8];
		bool		nulls[8] = {false};
		Numeric		sum;
		MemoryContext old;

		if ((i & 0xFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		if (s->tells_next)
			nulls[7] = !next_change(s, entry, &values[7]);
		if (!entry->within)
		{
			if (s->tells_next && !nulls[7])
				emit_waiting(rsinfo, entry->key.key, values[7]);
			continue;
		}
		s->counts.customers++;
		old = MemoryContextSwitchTo(row_context);
		values[0] = entry->key.key;
		nulls[1] = nulls[2] = nulls[3] = nulls[6] = !has_orders;
		sum = segment_customer_fold_sum(fold, entry);
		values[4] = Int64GetDatum(entry->orders);
		values[5] = NumericGetDatum(sum);
		if (has_orders)
		{
			values[1] = TimestampTzGetDatum(segment_summary_instant(&s->time, entry->first));
			values[2] = TimestampTzGetDatum(segment_summary_instant(&s->time, entry->last));
			values[3] = Float8GetDatum(segment_summary_recency(&s->time, entry->last));
			values[6] = Float8GetDatum(mean_amount(sum, entry->orders));
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
}

static void
add_reason(StringInfo out, int64 n, const char *what)
{
	if (n > 0)
		appendStringInfo(out, "%s" INT64_FORMAT " %s", out->len > 0 ? ", " : "", n, what);
}

/* Bad rows are told at once, not only counted. */
static void
tell_skipped(const SummaryCounts *c)
{
	int64		skipped = c->null_customer + c->null_time + c->null_amount + c->null_order +
		c->not_finite;
	StringInfoData reasons;

	if (skipped == 0)
		return;
	initStringInfo(&reasons);
	add_reason(&reasons, c->null_customer, "without customer");
	add_reason(&reasons, c->null_time, "without time");
	add_reason(&reasons, c->null_amount, "without amount");
	add_reason(&reasons, c->null_order, "without order id");
	add_reason(&reasons, c->not_finite, "with a time or amount that is not finite");
	ereport(NOTICE,
			(errmsg("rfm_summary skipped " INT64_FORMAT " of " INT64_FORMAT " rows",
					skipped, c->read),
			 errdetail("%s.", reasons.data)));
}

static RefundRule
refund_rule(const char *name)
{
	if (strcmp(name, "net") == 0)
		return REFUND_NET;
	if (strcmp(name, "ignore") == 0)
		return REFUND_IGNORE;
	if (strcmp(name, "order") == 0)
		return REFUND_ORDER;
	if (strcmp(name, "cancel") == 0)
		return REFUND_CANCEL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("refunds must be \"net\", \"ignore\", \"order\" or \"cancel\", not \"%s\"",
					name)));
}

static bool
ignores_zero(const char *name)
{
	if (strcmp(name, "order") == 0)
		return false;
	if (strcmp(name, "ignore") == 0)
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("zero_amounts must be \"order\" or \"ignore\", not \"%s\"", name)));
}

/* NULL given is the default ("query" has none). */
static void
read_options(FunctionCallInfo fcinfo, Summary *s)
{
	s->key_type = segment_arg_key_type(fcinfo, 0);
	segment_refuse_null(fcinfo, 1, "argument \"query\" of rfm_summary");
	s->time.as_of = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp()
		: PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(s->time.as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be a finite time")));
	s->time.lookback = PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3);
	s->refunds = PG_ARGISNULL(4) ? REFUND_NET : refund_rule(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	s->ignore_zero = !PG_ARGISNULL(5) && ignores_zero(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	s->time.zone = session_timezone;
	if (!PG_ARGISNULL(6))
		s->time.zone = segment_summary_zone(text_to_cstring(PG_GETARG_TEXT_PP(6)));
	s->time.whole_days = PG_ARGISNULL(7) || PG_GETARG_BOOL(7);
}

Datum
segment_rfm_summary(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Summary    *s;
	MemoryContext context;
	MemoryContext row_context;
	SourceText	source = {0};
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	begin_result(fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "rfm_summary", ALLOCSET_DEFAULT_SIZES);
	s = MemoryContextAllocZero(context, sizeof(Summary));
	s->context = context;
	segment_source_receiver(&s->receiver, summary_receive, summary_startup);
	read_options(fcinfo, s);
	s->tells_next = rsinfo->setDesc->natts == 8;
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	source.search_path = segment_arg_text(fcinfo, 8);
	segment_source_only(&source, fcinfo, 9, s->key_type);

	segment_source_run(&source, &s->receiver);

	row_context = AllocSetContextCreate(context, "rfm_summary row", ALLOCSET_SMALL_SIZES);
	segment_fold_end_pass(&s->fold->base);
	do
		emit_customers(s, rsinfo, row_context);
	while (segment_fold_next_pass(&s->fold->base));

	s->counts.spilled = s->fold->base.spill.n_rows;
	s->counts.orders_cancelled = s->fold->n_cancelled;
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	s->counts.seconds = INSTR_TIME_GET_DOUBLE(duration);
	s->counts.valid = true;
	tell_skipped(&s->counts);
	last_counts = s->counts;
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* rfm_summary_counts(): jsonb, NULL before the session's first summary. */
Datum
segment_rfm_summary_counts(PG_FUNCTION_ARGS)
{
	const SummaryCounts *c = &last_counts;
	StringInfoData json;

	if (!c->valid)
		PG_RETURN_NULL();
	initStringInfo(&json);
#define COUNT(name, value) \
	appendStringInfo(&json, "%s\"%s\": " INT64_FORMAT, json.len > 0 ? ", " : "{", name, value)
	COUNT("rows_read", c->read);
	COUNT("rows_used", c->used);
	COUNT("null_customer", c->null_customer);
	COUNT("null_time", c->null_time);
	COUNT("null_amount", c->null_amount);
	COUNT("null_order", c->null_order);
	COUNT("not_finite", c->not_finite);
	COUNT("after_as_of", c->after_as_of);
	COUNT("before_lookback", c->before_lookback);
	COUNT("refunds_netted", c->refunds);
	COUNT("refunds_ignored", c->refunds_ignored);
	COUNT("zero_ignored", c->zero_ignored);
	COUNT("orders_cancelled", c->orders_cancelled);
	COUNT("customers", c->customers);
	COUNT("rows_spilled", c->spilled);
#undef COUNT
	appendStringInfoString(&json, ", \"seconds\": ");
	segment_json_put_number(&json, c->seconds);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
