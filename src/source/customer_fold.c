/*
 * customer_fold.c: folds order rows into one entry per customer, in bounded
 * memory.
 *
 * Rows are taken as in fold.c.  Sums of amounts are exact: integers at a common
 * decimal scale, which rises when an amount with more digits comes.  What leaves the
 * range of int64 goes on as numeric, for that customer alone.
 *
 * Rows from before the window (FOLD_EARLIER) say when a customer's first order was and
 * nothing else; who has no other rows is not in the result.  Where an order counts
 * by its lines, those before the window are an order of their own.
 *
 * When memory is short: customers met so far go on being updated, and rows of
 * others are written to files.  Where orders are told apart by an id, the set of
 * orders may outgrow memory for few customers, so there everything known is written
 * out (FOLD_STATE, FOLD_PAIR) and all rows follow.
 */
#include "source/customer_fold.h"

#include "source/customer_times.h"
#include "base/numeric_digits.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

/* Of the owner of an order: its lines before the window. */
#define EARLIER_ORDER	((uint32) 1 << 31)

/* ---- passes ---- */

static void
start_pass(Fold *base)
{
	CustomerFold *fold = (CustomerFold *) base;

	if (fold->order_type != NULL)
		segment_key_table_init(&fold->orders, fold->order_type,
							   fold->by_order ? sizeof(OrderEntry) : sizeof(KeyEntry),
							   base->pass_context);
	fold->scale = 0;
	fold->spilling_all = false;
}

static Size
memory_used(const CustomerFold *fold)
{
	Size		size = segment_fold_memory(&fold->base);

	if (fold->order_type != NULL)
		size += segment_key_table_memory(&fold->orders);
	return size;
}

static bool
no_room(const CustomerFold *fold, const KeyTable *table, Datum key)
{
	Size		more = segment_key_table_memory_to_add(table, key);

	return more > 0 && segment_fold_can_spill(&fold->base, table) &&
		(memory_used(fold) + more > fold->base.limit ||
		 fold->base.customers.n >= EARLIER_ORDER / 2);
}

/* ---- files ---- */

static void
write_row(CustomerFold *fold, const FoldRow *row)
{
	BufFile    *file = segment_spill_file(&fold->base.spill, row->hash);

	segment_spill_write(file, &row->flags, sizeof(row->flags));
	segment_spill_write_datum(file, fold->base.customer_type, row->customer);
	if (row->flags & FOLD_PAIR)
	{
		segment_spill_write_datum(file, fold->order_type, row->order);
		if (!fold->by_order)
			return;
	}
	segment_spill_write(file, &row->time, sizeof(row->time));
	segment_spill_write(file, &row->mantissa, sizeof(row->mantissa));
	segment_spill_write(file, &row->scale, sizeof(row->scale));
	if (row->flags & (FOLD_STATE | FOLD_PAIR))
	{
		segment_spill_write(file, &row->last_time, sizeof(row->last_time));
		segment_spill_write(file, &row->orders, sizeof(row->orders));
		if (fold->clock && (row->flags & FOLD_STATE))
			segment_spill_write(file, row->clock, sizeof(FoldClock));
	}
	else if (fold->order_type != NULL && (row->flags & (FOLD_ORDER | FOLD_LINE)))
		segment_spill_write_datum(file, fold->order_type, row->order);
	if (row->flags & FOLD_LARGE)
		segment_spill_write_block(file, row->large, VARSIZE_ANY(row->large));
}

static bool
read_row(Fold *base, BufFile *file, FoldRow *row)
{
	const CustomerFold *fold = (const CustomerFold *) base;

	memset(row, 0, sizeof(*row));
	if (!segment_spill_read(file, &row->flags, sizeof(row->flags)))
		return false;
	row->customer = segment_spill_read_datum(file, fold->base.customer_type);
	if (row->flags & FOLD_PAIR)
	{
		row->order = segment_spill_read_datum(file, fold->order_type);
		if (!fold->by_order)
			return true;
	}
	(void) segment_spill_read(file, &row->time, sizeof(row->time));
	(void) segment_spill_read(file, &row->mantissa, sizeof(row->mantissa));
	(void) segment_spill_read(file, &row->scale, sizeof(row->scale));
	if (row->flags & (FOLD_STATE | FOLD_PAIR))
	{
		(void) segment_spill_read(file, &row->last_time, sizeof(row->last_time));
		(void) segment_spill_read(file, &row->orders, sizeof(row->orders));
		if (fold->clock && (row->flags & FOLD_STATE))
		{
			FoldClock  *times = palloc(sizeof(FoldClock));

			(void) segment_spill_read(file, times, sizeof(FoldClock));
			row->clock = times;
		}
	}
	else if (fold->order_type != NULL && (row->flags & (FOLD_ORDER | FOLD_LINE)))
		row->order = segment_spill_read_datum(file, fold->order_type);
	if (row->flags & FOLD_LARGE)
		row->large = segment_spill_read_block(file);
	return true;
}

/* ---- sums ---- */

/* The part of a sum that is kept as an integer, with the digits its amounts had. */
static Numeric
integer_part(const CustomerFold *fold, const CustomerEntry *entry)
{
	/* what the common scale added is zeros */
	return segment_decimal(entry->sum / segment_power_of_ten[fold->scale - entry->scale], entry->scale);
}

/* Brings every sum to a higher scale. */
static pg_noinline void
raise_scale(CustomerFold *fold, int scale)
{
	int64		factor = segment_power_of_ten[scale - fold->scale];
	uint32		i;

	for (i = 0; i < fold->base.customers.n; i++)
	{
		CustomerEntry *entry = segment_key_table_entry(&fold->base.customers, i);
		int64		sum;

		if (!__builtin_mul_overflow(entry->sum, factor, &sum))
			entry->sum = sum;
		else
		{
			segment_large_sum_add(&fold->base.large, &entry->large, integer_part(fold, entry));
			entry->sum = 0;
		}
	}
	fold->scale = scale;
}

static inline void
add_amount(CustomerFold *fold, CustomerEntry *entry, const FoldRow *row)
{
	int64		amount = row->mantissa;
	int64		sum;

	if (unlikely(row->flags & FOLD_LARGE))
		segment_large_sum_add(&fold->base.large, &entry->large, row->large);
	if (unlikely(row->scale > entry->scale) && row->scale <= fold->scale)
		entry->scale = row->scale;
	if (unlikely(row->scale != fold->scale))
	{
		if (row->scale > fold->scale)
		{
			raise_scale(fold, row->scale);
			entry->scale = row->scale;
		}
		if (__builtin_mul_overflow(amount, segment_power_of_ten[fold->scale - row->scale],
								   &amount))
		{
			segment_large_sum_add(&fold->base.large, &entry->large, segment_decimal(row->mantissa, row->scale));
			return;
		}
	}
	if (unlikely(__builtin_add_overflow(entry->sum, amount, &sum)))
	{
		segment_large_sum_add(&fold->base.large, &entry->large, integer_part(fold, entry));
		sum = amount;
	}
	entry->sum = sum;
}

/* Whether an order's lines add up to more than 0. */
static bool
order_counts(const CustomerFold *fold, const OrderEntry *order)
{
	Numeric		sum;

	if (order->sum.large == 0)
		return order->sum.sum > 0;
	sum = segment_decimal_value(&fold->base.large, &order->sum);
	return DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(sum),
											NumericGetDatum(segment_decimal(0, 0))));
}

/* A customer's total, displayed with as many digits as sum() would. */
Numeric
segment_customer_fold_sum(const CustomerFold *fold, const CustomerEntry *entry)
{
	Numeric		sum = integer_part(fold, entry);

	if (entry->large != 0)
		sum = DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(sum),
												  NumericGetDatum(fold->base.large.sum[entry->large - 1])));
	return sum;
}

/* ---- rows ---- */

static CustomerEntry *
add_customer(CustomerFold *fold, const FoldRow *row)
{
	CustomerEntry *entry;

	entry = segment_key_table_entry(&fold->base.customers,
									segment_key_table_add(&fold->base.customers, row->customer, 0,
														  row->hash));
	entry->large = 0;
	entry->first = PG_INT64_MAX;
	entry->last = PG_INT64_MIN;
	entry->sum = 0;
	entry->within = 0;
	entry->orders = 0;
	entry->scale = 0;
	if (fold->clock)
		((ClockEntry *) entry)->times = segment_no_times;
	return entry;
}

/* The number of the customer whose order it is. */
static inline uint32
customer_of(const KeyEntry *order)
{
	return (order->owner & ~EARLIER_ORDER) - 1;
}

/* Writes out all that is known and starts anew: all further rows follow. */
static void
spill_all(CustomerFold *fold)
{
	uint64	   *hashes = MemoryContextAllocHuge(fold->base.pass_context,
												sizeof(uint64) * fold->base.customers.n);
	uint32		i;

	for (i = 0; i < fold->base.customers.n; i++)
	{
		CustomerEntry *entry = segment_key_table_entry(&fold->base.customers, i);
		FoldRow		row = {0};

		row.customer = entry->key.key;
		row.hash = hashes[i] = segment_key_hash(fold->base.customer_type, row.customer);
		row.flags = FOLD_STATE | (entry->within ? 0 : FOLD_EARLIER);
		row.time = entry->first;
		row.last_time = entry->last;
		row.orders = entry->orders;
		row.mantissa = entry->sum / segment_power_of_ten[fold->scale - entry->scale];
		row.scale = entry->scale;
		if (entry->large != 0)
		{
			row.flags |= FOLD_LARGE;
			row.large = fold->base.large.sum[entry->large - 1];
		}
		if (fold->clock)
			row.clock = &((ClockEntry *) entry)->times;
		write_row(fold, &row);
	}
	for (i = 0; i < fold->orders.n; i++)
	{
		KeyEntry   *pair = segment_key_table_entry(&fold->orders, i);
		uint32		customer = customer_of(pair);
		CustomerEntry *entry = segment_key_table_entry(&fold->base.customers, customer);
		FoldRow		row = {0};

		row.customer = entry->key.key;
		row.hash = hashes[customer];
		row.flags = FOLD_PAIR | (pair->owner & EARLIER_ORDER ? FOLD_EARLIER : 0);
		row.order = pair->key;
		if (fold->by_order)
		{
			const OrderEntry *order = (const OrderEntry *) pair;

			row.time = order->first;
			row.last_time = order->last;
			row.mantissa = order->sum.sum;
			row.scale = order->sum.scale;
			if (order->sum.large != 0)
			{
				row.flags |= FOLD_LARGE;
				row.large = fold->base.large.sum[order->sum.large - 1];
			}
		}
		write_row(fold, &row);
	}
	fold->base.customers.n = 0;
	fold->orders.n = 0;
	fold->spilling_all = true;
}

/* Whether the order is new to the customer; it is remembered then. */
static bool
new_order(CustomerFold *fold, uint32 customer, Datum order)
{
	uint64		hash = segment_hash_step(segment_key_hash(fold->order_type, order), customer + 1);

	if (segment_key_table_find(&fold->orders, order, customer + 1, hash) >= 0)
		return false;
	(void) segment_key_table_add(&fold->orders, order, customer + 1, hash);
	return true;
}

/* The order of a line, by its owner; it is added where it is new. */
static OrderEntry *
order_of_line(CustomerFold *fold, uint32 owner, Datum id)
{
	uint64		hash = segment_hash_step(segment_key_hash(fold->order_type, id), owner);
	int64		number = segment_key_table_find(&fold->orders, id, owner, hash);
	OrderEntry *order;

	if (number >= 0)
		return segment_key_table_entry(&fold->orders, (uint32) number);
	order = segment_key_table_entry(&fold->orders,
									segment_key_table_add(&fold->orders, id, owner, hash));
	memset(&order->sum, 0, sizeof(order->sum));
	order->first = PG_INT64_MAX;
	order->last = PG_INT64_MIN;
	return order;
}

/* Takes in a line, or what is known of an order: the customer's order counts when all are in. */
static void
apply_line(CustomerFold *fold, uint32 customer, const FoldRow *row)
{
	uint32		owner = (customer + 1) | (row->flags & FOLD_EARLIER ? EARLIER_ORDER : 0);
	OrderEntry *order = order_of_line(fold, owner, row->order);

	segment_fold_add_amount(&fold->base, &order->sum, row);
	if (row->flags & (FOLD_ORDER | FOLD_PAIR))
	{
		order->first = Min(order->first, row->time);
		order->last = Max(order->last, (row->flags & FOLD_PAIR) ? row->last_time : row->time);
	}
}

/* At the end of a pass: orders whose lines add up to more than 0 are their customers' orders. */
static void
count_orders(Fold *base)
{
	CustomerFold *fold = (CustomerFold *) base;
	uint32		i;

	if (!fold->by_order)
		return;
	for (i = 0; i < fold->orders.n; i++)
	{
		const OrderEntry *order = segment_key_table_entry(&fold->orders, i);
		bool		earlier = (order->key.owner & EARLIER_ORDER) != 0;
		CustomerEntry *entry = segment_key_table_entry(&fold->base.customers, customer_of(&order->key));

		if (!order_counts(fold, order))
		{
			fold->n_cancelled += !earlier;
			continue;
		}
		entry->first = Min(entry->first, order->first);
		if (earlier)
			continue;
		entry->orders++;
		entry->last = Max(entry->last, order->last);
	}
}

static void
take_row(Fold *base, const FoldRow *row)
{
	CustomerFold *fold = (CustomerFold *) base;
	int64		number;
	CustomerEntry *entry;

	if (unlikely(fold->spilling_all))
	{
		write_row(fold, row);
		return;
	}
	number = segment_fold_find(base, row);
	if (number < 0)
	{
		if (!fold->base.spilling && no_room(fold, &fold->base.customers, row->customer))
		{
			fold->base.spilling = true;
			if (fold->order_type != NULL)
				spill_all(fold);
		}
		if (unlikely(fold->base.spilling))
		{
			write_row(fold, row);
			return;
		}
		number = fold->base.customers.n;
		entry = add_customer(fold, row);
	}
	else
		entry = segment_key_table_entry(&fold->base.customers, (uint32) number);
	entry->within |= !(row->flags & (FOLD_EARLIER | FOLD_LATER));
	if (unlikely(fold->clock) && segment_note_times(fold, entry, row))
		return;
	if (unlikely(row->flags & FOLD_EARLIER) && !fold->by_order && !(row->flags & FOLD_STATE))
	{
		entry->first = Min(entry->first, row->time);
		return;
	}

	if (fold->order_type != NULL && (row->flags & (FOLD_ORDER | FOLD_PAIR | FOLD_LINE)))
	{
		if (no_room(fold, &fold->orders, row->order))
		{
			spill_all(fold);
			write_row(fold, row);
			return;
		}
		if (fold->by_order)
			apply_line(fold, (uint32) number, row);
		else if (new_order(fold, (uint32) number, row->order) && !(row->flags & FOLD_PAIR))
			entry->orders++;
		if (row->flags & (FOLD_PAIR | FOLD_EARLIER))
			return;
	}
	else if (row->flags & FOLD_ORDER)
		entry->orders++;

	if (row->flags & FOLD_STATE)
	{
		entry->orders += row->orders;
		entry->first = Min(entry->first, row->time);
		entry->last = Max(entry->last, row->last_time);
	}
	else if ((row->flags & FOLD_ORDER) && !fold->by_order)
	{
		entry->first = Min(entry->first, row->time);
		entry->last = Max(entry->last, row->time);
	}
	add_amount(fold, entry, row);
}

/* ---- the kind ---- */

static const FoldKind customer_kind = {
	.row_size = sizeof(FoldRow),
	.start_pass = start_pass,
	.take_row = take_row,
	.read_row = read_row,
	.end_pass = count_orders,
};

CustomerFold *
segment_customer_fold_create(const KeyType *customer_type, const KeyType *order_type,
							 bool by_order, Size limit)
{
	CustomerFold *fold = palloc0(sizeof(CustomerFold));

	fold->order_type = order_type;
	fold->by_order = by_order;
	segment_fold_begin(&fold->base, &customer_kind, customer_type, sizeof(CustomerEntry), limit);
	return fold;
}

/* Before the first row: times are kept, see customer_times.h; window: all of them. */
void
segment_customer_fold_keep_times(CustomerFold *fold, bool window)
{
	fold->clock = true;
	fold->window = window;
	fold->base.entry_size = sizeof(ClockEntry);
	segment_fold_start_pass(&fold->base);
}
