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
 *	 time at or after as_of, or before as_of - lookback: ignored (law 2)
 *	 negative amount (a refund): 'net' subtracts it from the customer's total
 *	   without counting an order; 'ignore' skips it; 'order' takes it as an order
 *	 zero amount: 'order' or 'ignore'
 *
 * Times without a zone (timestamp, date) are compared with as_of's local time
 * in time_zone, so that no change of the clock makes a day of 23 hours.
 * Recency is in calendar days of that zone: as_of's date minus that of the last
 * order; with whole_days false in days of 24 hours with a fraction.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "source/customer_fold.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "base/json_write.h"
#include "miscadmin.h"
#include "base/numeric_digits.h"
#include "pgtime.h"
#include "portability/instr_time.h"
#include "source/source_query.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
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
	REFUND_ORDER
} RefundRule;

typedef enum AmountReader
{
	AMOUNT_INT2,
	AMOUNT_INT4,
	AMOUNT_INT8,
	AMOUNT_FLOAT4,
	AMOUNT_FLOAT8,
	AMOUNT_NUMERIC
} AmountReader;

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
	int64		refunds;		/* used, by rule 'net' */
	int64		refunds_ignored;
	int64		zero_ignored;
	int64		customers;
	int64		spilled;		/* rows that went through temporary files */
	double		seconds;
} SummaryCounts;

/* Of this session's last summary; what a refresh writes into its run log. */
static SummaryCounts last_counts;

/* UTC days whose offset from UTC is known; see local_day. */
#define DAY_CACHE_SIZE 1024

typedef struct DayOffset
{
	int64		utc_day;
	int64		offset;			/* microseconds to add to UTC */
	bool		known;
	bool		constant;		/* the same all day long */
} DayOffset;

typedef struct Summary
{
	DestReceiver receiver;		/* first, so that it can be cast */

	/* options */
	Oid			key_type;
	TimestampTz as_of;
	Interval   *lookback;
	RefundRule	refunds;
	bool		ignore_zero;
	bool		whole_days;
	pg_tz	   *zone;

	/* what the query's columns are */
	Oid			time_type;
	AmountReader amount_reader;
	KeyType		customer_type;
	KeyType		order_type;
	bool		has_order;
	int			n_columns;		/* read: 3 or 4 */
	int64		until;			/* as_of in the terms of the time column, exclusive */
	int64		from;			/* start of the lookback, inclusive */

	MemoryContext context;
	CustomerFold *fold;
	SummaryCounts counts;
	DayOffset	days[DAY_CACHE_SIZE];
} Summary;

/* ---- time ---- */

static bool
zoned(const Summary *s)
{
	return s->time_type == TIMESTAMPTZOID;
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
offset_at(const Summary *s, TimestampTz t)
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
local_day(Summary *s, TimestampTz t)
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
instant_of_local(const Summary *s, Timestamp local)
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

/* Sets the bounds of the window in the terms of the time column. */
static void
set_window(Summary *s)
{
	Datum		until;

	s->until = s->as_of;
	if (!zoned(s))
		s->until += offset_at(s, s->as_of);
	s->from = PG_INT64_MIN;
	if (s->lookback == NULL)
		return;
	until = Int64GetDatum(s->until);
	if (!zoned(s))
		s->from = DatumGetTimestamp(DirectFunctionCall2(timestamp_mi_interval, until,
														IntervalPGetDatum(s->lookback)));
	else
	{
		/* calendar arithmetic in the segmentation's zone, not the session's */
		pg_tz	   *session = session_timezone;

		session_timezone = s->zone;
		PG_TRY();
		{
			s->from = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, until,
															  IntervalPGetDatum(s->lookback)));
		}
		PG_FINALLY();
		{
			session_timezone = session;
		}
		PG_END_TRY();
	}
	if (s->from >= s->until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lookback must be a positive interval, not %s",
						DatumGetCString(DirectFunctionCall1(interval_out,
															IntervalPGetDatum(s->lookback))))));
}

/* The time of an order in microseconds; false when it is not finite. */
static inline bool
read_time(const Summary *s, Datum value, int64 *time)
{
	if (s->time_type == DATEOID)
	{
		DateADT		date = DatumGetDateADT(value);

		*time = (int64) date * USECS_PER_DAY;
		return !DATE_NOT_FINITE(date);
	}
	*time = DatumGetInt64(value);
	return !TIMESTAMP_NOT_FINITE(*time);
}

/* ---- amounts ---- */

/*
 * The decimal number a double was meant to be: the shortest that reads back as
 * the same double, exactly as the cast of its text to numeric.  A number of at
 * most 15 digits with up to six after the point is found by trying.
 */
static bool
read_float8(double x, FoldRow *row)
{
	static const int scales[] = {0, 2, 4, 6};
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];
	Datum		number;
	int64		mantissa;
	int			scale;
	int			i;

	if (!isfinite(x))
		return false;
	for (i = 0; i < (int) lengthof(scales); i++)
	{
		double		power = (double) segment_power_of_ten[scales[i]];
		double		scaled = rint(x * power);

		if (fabs(scaled) < 1e15 && scaled / power == x)
		{
			row->mantissa = (int64) scaled;
			row->scale = scales[i];
			return true;
		}
	}
	double_to_shortest_decimal_buf(x, text);
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	if (segment_numeric_read(number, &mantissa, &scale) == SEGMENT_NUMERIC_SMALL)
	{
		row->mantissa = mantissa;
		row->scale = scale;
	}
	else
	{
		row->flags |= FOLD_LARGE;
		row->large = DatumGetNumeric(number);
	}
	return true;
}

/* Fills mantissa and scale, or large; false when the amount is not finite. */
static inline bool
read_amount(const Summary *s, Datum value, FoldRow *row)
{
	int64		mantissa;
	int			scale;

	row->scale = 0;
	row->mantissa = 0;
	switch (s->amount_reader)
	{
		case AMOUNT_NUMERIC:
			switch (segment_numeric_read(value, &mantissa, &scale))
			{
				case SEGMENT_NUMERIC_SMALL:
					row->mantissa = mantissa;
					row->scale = scale;
					return true;
				case SEGMENT_NUMERIC_SPECIAL:
					return false;
				case SEGMENT_NUMERIC_LARGE:
					row->flags |= FOLD_LARGE;
					row->large = DatumGetNumericCopy(value);
					return true;
			}
			return false;
		case AMOUNT_INT2:
			row->mantissa = DatumGetInt16(value);
			return true;
		case AMOUNT_INT4:
			row->mantissa = DatumGetInt32(value);
			return true;
		case AMOUNT_INT8:
			row->mantissa = DatumGetInt64(value);
			return true;
		case AMOUNT_FLOAT8:
			return read_float8(DatumGetFloat8(value), row);
		case AMOUNT_FLOAT4:
			{
				char		text[FLOAT_SHORTEST_DECIMAL_LEN];

				if (!isfinite(DatumGetFloat4(value)))
					return false;
				/* through its own shortest text: 0.1 is 0.1, not 0.10000000149 */
				float_to_shortest_decimal_buf(DatumGetFloat4(value), text);
				return read_float8(strtod(text, NULL), row);
			}
	}
	return false;
}

/* -1, 0 or 1. */
static inline int
amount_sign(const FoldRow *row)
{
	if (unlikely(row->flags & FOLD_LARGE))
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(row->large),
												 DirectFunctionCall1(int4_numeric,
																	 Int32GetDatum(0))));
	return row->mantissa < 0 ? -1 : row->mantissa > 0;
}

/* ---- the receiver ---- */

static Datum
copy_to_batch(const Summary *s, const KeyType *type, Datum value)
{
	MemoryContext old;
	Size		size;
	char	   *copy;

	if (type->by_value)
		return value;
	old = MemoryContextSwitchTo(s->fold->batch_context);
	if (type->length == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	size = segment_key_size(type, value);
	copy = palloc(size);
	memcpy(copy, DatumGetPointer(value), size);
	MemoryContextSwitchTo(old);
	return PointerGetDatum(copy);
}

static bool
summary_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Summary    *s = (Summary *) self;
	FoldRow    *row = segment_fold_row(s->fold);
	MemoryContext old;
	int			sign;
	bool		finite;

	slot_getsomeattrs(slot, s->n_columns);
	s->counts.read++;
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
	old = MemoryContextSwitchTo(s->fold->batch_context);
	finite = read_time(s, slot->tts_values[1], &row->time) &&
		read_amount(s, slot->tts_values[2], row);
	MemoryContextSwitchTo(old);
	if (unlikely(!finite))
	{
		s->counts.not_finite++;
		return true;
	}
	if (unlikely(row->time >= s->until))
	{
		s->counts.after_as_of++;
		return true;
	}
	if (unlikely(row->time < s->from))
	{
		s->counts.before_lookback++;
		return true;
	}
	sign = amount_sign(row);
	if (unlikely(sign < 0) && s->refunds != REFUND_ORDER)
	{
		if (s->refunds == REFUND_IGNORE)
		{
			s->counts.refunds_ignored++;
			return true;
		}
		s->counts.refunds++;
		row->flags &= ~FOLD_ORDER;
	}
	if (unlikely(sign == 0) && s->ignore_zero)
	{
		s->counts.zero_ignored++;
		return true;
	}
	s->counts.used++;
	row->customer = copy_to_batch(s, &s->customer_type, slot->tts_values[0]);
	row->order = s->has_order && (row->flags & FOLD_ORDER)
		? copy_to_batch(s, &s->order_type, slot->tts_values[3]) : (Datum) 0;
	segment_fold_add(s->fold);
	return true;
}

static AmountReader
amount_reader(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
			return AMOUNT_INT2;
		case INT4OID:
			return AMOUNT_INT4;
		case INT8OID:
			return AMOUNT_INT8;
		case FLOAT4OID:
			return AMOUNT_FLOAT4;
		case FLOAT8OID:
			return AMOUNT_FLOAT8;
		case NUMERICOID:
			return AMOUNT_NUMERIC;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column 3 (amount) of the source has type %s, expected a number",
							format_type_be(type)),
					 errhint("Cast it to numeric.")));
	}
}

/* The executor tells the columns: check them and set up the fold. */
static void
summary_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	Summary    *s = (Summary *) self;
	MemoryContext old;

	if (desc->natts < 3 || desc->natts > 4)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the source has %d columns, expected 3 or 4", desc->natts),
				 errhint("Select customer, time of the order, amount, and the order's id if one order may have several rows.")));
	if (TupleDescAttr(desc, 0)->atttypid != s->key_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column 1 (customer) of the source has type %s, but the key was declared as %s",
						format_type_be(TupleDescAttr(desc, 0)->atttypid),
						format_type_be(s->key_type)),
				 errhint("Call rfm_summary(null::%s, ...) or cast the column.",
						 format_type_be(TupleDescAttr(desc, 0)->atttypid))));
	s->time_type = getBaseType(TupleDescAttr(desc, 1)->atttypid);
	if (s->time_type != TIMESTAMPTZOID && s->time_type != TIMESTAMPOID && s->time_type != DATEOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column 2 (time of the order) of the source has type %s, expected timestamp with time zone, timestamp or date",
						format_type_be(TupleDescAttr(desc, 1)->atttypid)),
				 errhint("Cast it, or use to_timestamp for seconds since 1970.")));
	s->amount_reader = amount_reader(TupleDescAttr(desc, 2)->atttypid);
	s->n_columns = desc->natts;
	s->has_order = desc->natts == 4;

	old = MemoryContextSwitchTo(s->context);
	segment_key_type_init(&s->customer_type, s->key_type,
						  TupleDescAttr(desc, 0)->attcollation, "a customer");
	if (s->has_order)
		segment_key_type_init(&s->order_type, TupleDescAttr(desc, 3)->atttypid,
							  TupleDescAttr(desc, 3)->attcollation, "an order");
	set_window(s);
	s->fold = segment_fold_create(&s->customer_type, s->has_order ? &s->order_type : NULL,
								  get_hash_memory_limit());
	MemoryContextSwitchTo(old);
}

static void
summary_shutdown(DestReceiver *self)
{
}

static void
summary_destroy(DestReceiver *self)
{
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

/* Puts the customers of a finished pass into the result. */
static void
emit_customers(Summary *s, ReturnSetInfo *rsinfo, MemoryContext row_context)
{
	CustomerFold *fold = s->fold;
	int64		as_of_day = zoned(s) ? local_day(s, s->as_of) : floor_day(s->until);
	uint32		i;

	for (i = 0; i < fold->customers.n; i++)
	{
		const CustomerEntry *entry = segment_key_table_entry(&fold->customers, i);
		bool		has_orders = entry->first <= entry->last;
		Datum		values[7];
		bool		nulls[7] = {false};
		Numeric		sum;
		MemoryContext old = MemoryContextSwitchTo(row_context);

		values[0] = entry->key.key;
		nulls[1] = nulls[2] = nulls[3] = nulls[6] = !has_orders;
		sum = segment_fold_sum(fold, entry);
		values[4] = Int64GetDatum(entry->orders);
		values[5] = NumericGetDatum(sum);
		if (has_orders)
		{
			double		recency;

			values[1] = TimestampTzGetDatum(zoned(s) ? entry->first : instant_of_local(s, entry->first));
			values[2] = TimestampTzGetDatum(zoned(s) ? entry->last : instant_of_local(s, entry->last));
			if (!s->whole_days)
				recency = (double) (s->until - entry->last) / (double) USECS_PER_DAY;
			else
				recency = (double) (as_of_day - (zoned(s) ? local_day(s, entry->last)
												 : floor_day(entry->last)));
			values[3] = Float8GetDatum(recency);
			values[6] = Float8GetDatum(segment_numeric_to_double(values[5]) / (double) entry->orders);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
		if ((i & 0xFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	s->counts.customers += fold->customers.n;
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
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("refunds must be \"net\", \"ignore\" or \"order\", not \"%s\"", name)));
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

static void
read_options(FunctionCallInfo fcinfo, Summary *s)
{
	static const char *const names[] = {
		"key", "query", "as_of", "lookback", "refunds", "zero_amounts", "time_zone", "whole_days",
		"search_path"
	};
	static const bool may_be_null[] = {true, false, false, true, false, false, true, false, true};
	int			i;

	for (i = 0; i < (int) lengthof(names); i++)
		if (PG_ARGISNULL(i) && !may_be_null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" of rfm_summary must not be null", names[i])));
	s->key_type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	if (!OidIsValid(s->key_type))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_DATATYPE),
				 errmsg("could not determine the type of the customer key"),
				 errhint("Name it in the first argument, for instance null::bigint.")));
	s->as_of = PG_GETARG_TIMESTAMPTZ(2);
	if (TIMESTAMP_NOT_FINITE(s->as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be a finite time")));
	s->lookback = PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3);
	s->refunds = refund_rule(text_to_cstring(PG_GETARG_TEXT_PP(4)));
	s->ignore_zero = ignores_zero(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	s->zone = session_timezone;
	if (!PG_ARGISNULL(6))
	{
		char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(6));

		s->zone = pg_tzset(name);
		if (s->zone == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("time zone \"%s\" not recognized", name),
					 errhint("pg_timezone_names lists them.")));
	}
	s->whole_days = PG_GETARG_BOOL(7);
}

Datum
segment_rfm_summary(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Summary    *s;
	MemoryContext context;
	MemoryContext row_context;
	char	   *query;
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	begin_result(fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "rfm_summary", ALLOCSET_DEFAULT_SIZES);
	s = MemoryContextAllocZero(context, sizeof(Summary));
	s->context = context;
	s->receiver.receiveSlot = summary_receive;
	s->receiver.rStartup = summary_startup;
	s->receiver.rShutdown = summary_shutdown;
	s->receiver.rDestroy = summary_destroy;
	s->receiver.mydest = DestNone;
	read_options(fcinfo, s);
	query = text_to_cstring(PG_GETARG_TEXT_PP(1));

	segment_source_run(query, PG_ARGISNULL(8) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(8)),
					   &s->receiver);

	row_context = AllocSetContextCreate(context, "rfm_summary row", ALLOCSET_SMALL_SIZES);
	segment_fold_end_pass(s->fold);
	do
		emit_customers(s, rsinfo, row_context);
	while (segment_fold_next_pass(s->fold));

	s->counts.spilled = s->fold->n_spilled;
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
	COUNT("customers", c->customers);
	COUNT("rows_spilled", c->spilled);
#undef COUNT
	appendStringInfoString(&json, ", \"seconds\": ");
	segment_json_put_number(&json, c->seconds);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
