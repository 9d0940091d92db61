/*
 * history_fold.c: folds orders into histories of buying, in bounded memory, in whatever order
 * they come.
 *
 * Rows are taken as in fold.c.  Sums, first and last period of a customer
 * need a few words.  How many different periods he has does not: of a period between the
 * first and the last nobody knows whether it came before.  So every period that may be new
 * goes to a log, 8 bytes each; who never had one of those in between (orders in the order of
 * time, or the reverse) is counted already, and for the others alone the log is sorted at the end.
 *
 * The sum of the first period begins anew whenever an earlier period comes: nothing of that one
 * has come before, as it would have been the first.
 *
 * When memory is short: the log moves into the server's sort, which goes to files by itself; then
 * customers met so far go on being updated, and rows of others are written to files.
 */
#include "source/history_fold.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"

#define FIRST_PERIODS	8192	/* are always allowed */
#define PERIOD_BIAS		(1 << 30)	/* of days, from 4713 BC to 294276 AD */

/* the sort's share of memory, once there is one */
#define SORT_SHARE		4

#define ST_SORT			sort_periods
#define ST_ELEMENT_TYPE	uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE		static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

/* ---- passes ---- */

static void
start_pass(Fold *base)
{
	PeriodLog  *log = &((HistoryFold *) base)->log;

	memset(log, 0, sizeof(*log));
	log->room = FIRST_PERIODS;
	log->periods = palloc(sizeof(uint64) * log->room);
}

static Size
memory_used(const HistoryFold *fold)
{
	return segment_fold_memory(&fold->base) +
		(fold->log.sort != NULL ? fold->base.limit / SORT_SHARE : sizeof(uint64) * fold->log.room);
}

/* ---- the log of periods ---- */

/* A customer's period of a part; those of a customer lie side by side when they are sorted. */
static inline uint64
period_code(uint32 customer, int part, int32 period)
{
	return (uint64) customer << 32 | (uint64) part << 31 | (uint32) (period + PERIOD_BIAS);
}

static void
put_period(PeriodLog *log, uint64 code)
{
	/* as signed numbers these have another order, in which equal ones are side by side, too */
	tuplesort_putdatum(log->sort, Int64GetDatum((int64) code), false);
}

/* Moves the log into a sort, which needs no more memory however long it gets. */
static void
sort_log(HistoryFold *fold)
{
	PeriodLog  *log = &fold->log;
	int			memory = (int) Min(fold->base.limit / SORT_SHARE / 1024, PG_INT32_MAX);
	MemoryContext old = MemoryContextSwitchTo(fold->base.pass_context);
	uint64		i;

	log->sort = tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false, memory, NULL,
									  TUPLESORT_NONE);
	for (i = 0; i < log->n; i++)
		put_period(log, log->periods[i]);
	pfree(log->periods);
	log->periods = NULL;
	log->room = 0;
	MemoryContextSwitchTo(old);
}

static void
log_period(HistoryFold *fold, uint64 code)
{
	PeriodLog  *log = &fold->log;

	if (log->sort == NULL && log->n == log->room)
	{
		if (memory_used(fold) + sizeof(uint64) * log->room > fold->base.limit)
			sort_log(fold);
		else
		{
			log->room *= 2;
			log->periods = repalloc_huge(log->periods, sizeof(uint64) * log->room);
		}
	}
	if (log->sort != NULL)
		put_period(log, code);
	else
		log->periods[log->n] = code;
	log->n++;
}

/* Counts a period of a customer whose periods come in order. */
static void
count_period(HistoryFold *fold, uint64 code)
{
	HistoryEntry *entry = segment_key_table_entry(&fold->base.customers, (uint32) (code >> 32));

	if (entry->disordered)
		entry->part[(code >> 31) & 1].n++;
}

/* Of those sorted in memory, of customers who need it, each once. */
static void
count_logged(HistoryFold *fold)
{
	PeriodLog  *log = &fold->log;
	uint64		n = 0;
	uint64		i;

	for (i = 0; i < log->n; i++)
	{
		const HistoryEntry *entry = segment_key_table_entry(&fold->base.customers,
															(uint32) (log->periods[i] >> 32));

		if (entry->disordered)
			log->periods[n++] = log->periods[i];
	}
	sort_periods(log->periods, n);
	for (i = 0; i < n; i++)
		if (i == 0 || log->periods[i] != log->periods[i - 1])
			count_period(fold, log->periods[i]);
}

static void
count_sorted(HistoryFold *fold)
{
	Tuplesortstate *sort = fold->log.sort;
	uint64		last = 0;
	bool		is_first = true;
	Datum		value;
	bool		isnull;

	tuplesort_performsort(sort);
	while (segment_tuplesort_getdatum(sort, &value, &isnull))
	{
		uint64		code = (uint64) DatumGetInt64(value);

		CHECK_FOR_INTERRUPTS();
		if (is_first || code != last)
			count_period(fold, code);
		is_first = false;
		last = code;
	}
}

/* At the end of a pass: how many periods those customers have whose orders came out of order. */
static void
count_periods(Fold *base)
{
	HistoryFold *fold = (HistoryFold *) base;
	bool		disordered = false;
	uint32		i;

	for (i = 0; i < fold->base.customers.n; i++)
	{
		HistoryEntry *entry = segment_key_table_entry(&fold->base.customers, i);

		if (!entry->disordered)
			continue;
		disordered = true;
		entry->part[0].n = entry->part[1].n = 0;
	}
	if (disordered && fold->log.sort == NULL)
		count_logged(fold);
	else if (disordered)
		count_sorted(fold);
	if (fold->log.sort != NULL)
		tuplesort_end(fold->log.sort);
	fold->log.sort = NULL;
}

/* ---- files ---- */

static void
write_row(Fold *fold, const HistoryRow *row)
{
	const FoldRow *order = &row->order;
	BufFile    *file = segment_spill_file(&fold->spill, order->hash);

	segment_spill_write(file, &order->flags, sizeof(order->flags));
	segment_spill_write_datum(file, fold->customer_type, order->customer);
	segment_spill_write(file, &order->time, sizeof(order->time));
	segment_spill_write(file, &row->period, sizeof(row->period));
	segment_spill_write(file, &row->part, sizeof(row->part));
	segment_spill_write(file, &order->mantissa, sizeof(order->mantissa));
	segment_spill_write(file, &order->scale, sizeof(order->scale));
	if (order->flags & FOLD_LARGE)
		segment_spill_write_block(file, order->large, VARSIZE_ANY(order->large));
}

static bool
read_row(Fold *fold, BufFile *file, FoldRow *order)
{
	HistoryRow *row = (HistoryRow *) order;

	if (!segment_spill_read(file, &order->flags, sizeof(order->flags)))
		return false;
	order->customer = segment_spill_read_datum(file, fold->customer_type);
	(void) segment_spill_read(file, &order->time, sizeof(order->time));
	(void) segment_spill_read(file, &row->period, sizeof(row->period));
	(void) segment_spill_read(file, &row->part, sizeof(row->part));
	(void) segment_spill_read(file, &order->mantissa, sizeof(order->mantissa));
	(void) segment_spill_read(file, &order->scale, sizeof(order->scale));
	if (order->flags & FOLD_LARGE)
		order->large = segment_spill_read_block(file);
	return true;
}

/* ---- rows ---- */

/* Whether one more customer is beyond the memory there is. */
static bool
no_room(HistoryFold *fold, Datum customer)
{
	Fold	   *base = &fold->base;
	Size		more = segment_key_table_memory_to_add(&base->customers, customer);

	if (more == 0 || !segment_fold_can_spill(base, &base->customers) ||
		memory_used(fold) + more <= base->limit)
		return false;
	if (fold->log.sort == NULL && sizeof(uint64) * fold->log.room > base->limit / SORT_SHARE)
		sort_log(fold);
	return memory_used(fold) + more > base->limit;
}

static HistoryEntry *
add_customer(Fold *fold, const FoldRow *order)
{
	HistoryEntry *entry;
	uint32		number = segment_key_table_add(&fold->customers, order->customer, 0, order->hash);

	entry = segment_key_table_entry(&fold->customers, number);
	memset((char *) entry + sizeof(KeyEntry), 0, sizeof(HistoryEntry) - sizeof(KeyEntry));
	entry->first_time = PG_INT64_MAX;
	return entry;
}

static void
take_period(HistoryFold *fold, HistoryEntry *entry, uint32 number, const HistoryRow *row)
{
	HistoryPart *part = &entry->part[row->part];
	int32		period = row->period;

	if (part->n > 0 && (period == part->last || period == part->first))
		return;
	if (part->n == 0)
		part->first = part->last = period;
	else if (period > part->last)
		part->last = period;
	else if (period < part->first)
		part->first = period;
	else
		entry->disordered = true;
	part->n++;
	log_period(fold, period_code(number, row->part, period));
}

static void
take_row(Fold *base, const FoldRow *order)
{
	HistoryFold *fold = (HistoryFold *) base;
	const HistoryRow *row = (const HistoryRow *) order;
	HistoryEntry *entry;
	int64		number = segment_fold_find(base, order);

	if (number >= 0)
		entry = segment_key_table_entry(&base->customers, (uint32) number);
	else
	{
		base->spilling = base->spilling || no_room(fold, order->customer);
		if (unlikely(base->spilling))
		{
			write_row(base, row);
			return;
		}
		number = base->customers.n;
		entry = add_customer(base, order);
	}
	entry->first_time = Min(entry->first_time, order->time);
	segment_fold_add_amount(base, &entry->sum[row->part], order);
	if (row->part == 0)
	{
		if (entry->part[0].n == 0 || row->period < entry->part[0].first)
			memset(&entry->first_sum, 0, sizeof(entry->first_sum));
		if (entry->part[0].n == 0 || row->period <= entry->part[0].first)
			segment_fold_add_amount(base, &entry->first_sum, order);
	}
	take_period(fold, entry, (uint32) number, row);
}

/* ---- the kind ---- */

static const FoldKind history_kind = {
	.row_size = sizeof(HistoryRow),
	.start_pass = start_pass,
	.take_row = take_row,
	.read_row = read_row,
	.end_pass = count_periods,
};

HistoryFold *
segment_history_fold_create(const KeyType *customer_type, Size limit)
{
	HistoryFold *fold = palloc0(sizeof(HistoryFold));

	segment_fold_begin(&fold->base, &history_kind, customer_type, sizeof(HistoryEntry), limit);
	return fold;
}
