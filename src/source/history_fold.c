/*
 * history_fold.c: folds orders into histories of buying, in bounded memory, in whatever order
 * they come.
 *
 * Rows are taken in batches, as in customer_fold.c.  Sums, first and last period of a customer
 * need a few words.  How many different periods he has does not: of a period between the
 * first and the last nobody knows whether it came before.  So every period that may be new
 * goes to a log, 8 bytes each; who never had one of those in between (orders in the order of
 * time, or the reverse) is counted already, and for the others alone the log is sorted at the end.
 *
 * The sum of the first period begins anew whenever an earlier period comes: nothing of that one
 * has come before, as it would have been the first.
 *
 * When memory is short: the log moves into the server's sort, which goes to files by itself; then
 * customers met so far go on being updated, and rows of others are written to files, each of
 * which is a pass of its own (spill.c).
 */
#include "source/history_fold.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

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
start_pass(HistoryFold *fold)
{
	MemoryContext old;

	MemoryContextReset(fold->pass_context);
	old = MemoryContextSwitchTo(fold->pass_context);
	segment_key_table_init(&fold->customers, fold->customer_type, sizeof(HistoryEntry),
						   fold->pass_context);
	segment_large_sums_begin(&fold->large, fold->pass_context);
	memset(&fold->log, 0, sizeof(fold->log));
	fold->log.room = FIRST_PERIODS;
	fold->log.periods = palloc(sizeof(uint64) * fold->log.room);
	fold->spilling = false;
	MemoryContextSwitchTo(old);
}

HistoryFold *
segment_history_fold_create(const KeyType *customer_type, Size limit)
{
	HistoryFold *fold = palloc0(sizeof(HistoryFold));

	segment_spill_begin(&fold->spill);
	fold->customer_type = customer_type;
	fold->limit = limit;
	fold->pass_context = AllocSetContextCreate(CurrentMemoryContext, "history fold pass",
											   ALLOCSET_DEFAULT_SIZES);
	fold->batch_context = AllocSetContextCreate(CurrentMemoryContext, "history fold batch",
												ALLOCSET_DEFAULT_SIZES);
	start_pass(fold);
	return fold;
}

static Size
memory_used(const HistoryFold *fold)
{
	return fold->customers.entry_size * fold->customers.n_allocated +
		sizeof(KeySlot) * (fold->customers.mask + 1) + fold->customers.copied +
		segment_large_sums_size(&fold->large) +
		(fold->log.sort != NULL ? fold->limit / SORT_SHARE : sizeof(uint64) * fold->log.room);
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
	int			memory = (int) Min(fold->limit / SORT_SHARE / 1024, PG_INT32_MAX);
	MemoryContext old = MemoryContextSwitchTo(fold->pass_context);
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
		if (memory_used(fold) + sizeof(uint64) * log->room > fold->limit)
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
	HistoryEntry *entry = segment_key_table_entry(&fold->customers, (uint32) (code >> 32));

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
		const HistoryEntry *entry = segment_key_table_entry(&fold->customers,
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
count_periods(HistoryFold *fold)
{
	bool		disordered = false;
	uint32		i;

	for (i = 0; i < fold->customers.n; i++)
	{
		HistoryEntry *entry = segment_key_table_entry(&fold->customers, i);

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
write_row(HistoryFold *fold, const HistoryRow *row)
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
read_row(HistoryFold *fold, BufFile *file, HistoryRow *row)
{
	FoldRow    *order = &row->order;

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
	Size		more = segment_key_table_memory_to_add(&fold->customers, customer);

	/* a few are always allowed: files need memory, too */
	if (more == 0 || fold->customers.n < 512 || fold->spill.level >= SEGMENT_SPILL_LEVELS ||
		memory_used(fold) + more <= fold->limit)
		return false;
	if (fold->log.sort == NULL && sizeof(uint64) * fold->log.room > fold->limit / SORT_SHARE)
		sort_log(fold);
	return memory_used(fold) + more > fold->limit;
}

static HistoryEntry *
add_customer(HistoryFold *fold, const FoldRow *order)
{
	HistoryEntry *entry;
	uint32		number = segment_key_table_add(&fold->customers, order->customer, 0, order->hash);

	entry = segment_key_table_entry(&fold->customers, number);
	memset((char *) entry + sizeof(KeyEntry), 0, sizeof(HistoryEntry) - sizeof(KeyEntry));
	entry->first_time = PG_INT64_MAX;
	return entry;
}

static inline void
add_amount(HistoryFold *fold, DecimalSum *sum, const FoldRow *order)
{
	if (unlikely(order->flags & FOLD_LARGE))
		segment_large_sum_add(&fold->large, &sum->large, order->large);
	segment_decimal_add(&fold->large, sum, order->mantissa, order->scale);
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
apply_row(HistoryFold *fold, const HistoryRow *row)
{
	const FoldRow *order = &row->order;
	HistoryEntry *entry;
	int64		number = -1;

	if (likely(order->candidate != 0))
	{
		entry = segment_key_table_entry(&fold->customers, order->candidate - 1);
		if (likely(segment_keys_equal(fold->customer_type, entry->key.key, order->customer)))
			number = (int64) order->candidate - 1;
	}
	if (number < 0)
		number = segment_key_table_find(&fold->customers, order->customer, 0, order->hash);
	if (number >= 0)
	{
		entry = segment_key_table_entry(&fold->customers, (uint32) number);
		if (fold->customer_type->class == KEY_GENERIC)
			segment_key_table_keep_least(&fold->customers, &entry->key, order->customer);
	}
	else
	{
		fold->spilling = fold->spilling || no_room(fold, order->customer);
		if (unlikely(fold->spilling))
		{
			write_row(fold, row);
			return;
		}
		number = fold->customers.n;
		entry = add_customer(fold, order);
	}
	entry->first_time = Min(entry->first_time, order->time);
	add_amount(fold, &entry->sum[row->part], order);
	if (row->part == 0)
	{
		if (entry->part[0].n == 0 || row->period < entry->part[0].first)
			memset(&entry->first_sum, 0, sizeof(entry->first_sum));
		if (entry->part[0].n == 0 || row->period <= entry->part[0].first)
			add_amount(fold, &entry->first_sum, order);
	}
	take_period(fold, entry, (uint32) number, row);
}

/* Takes in the rows of the batch. */
void
segment_history_fold_apply(HistoryFold *fold)
{
	const KeyTable *customers = &fold->customers;
	int			n = fold->n_batch;
	int			i;

	for (i = 0; i < n; i++)
	{
		FoldRow    *order = &fold->batch[i].order;

		order->hash = segment_key_hash(fold->customer_type, order->customer);
		segment_key_table_prefetch(customers, order->hash);
	}
	for (i = 0; i < n; i++)
		fold->batch[i].order.candidate = segment_key_table_candidate(customers,
																	 fold->batch[i].order.hash);
	for (i = 0; i < n; i++)
		apply_row(fold, &fold->batch[i]);
	fold->n_batch = 0;
	MemoryContextReset(fold->batch_context);
	CHECK_FOR_INTERRUPTS();
}

/* After the last row of a pass: the customers table is final. */
void
segment_history_fold_end_pass(HistoryFold *fold)
{
	if (fold->n_batch > 0)
		segment_history_fold_apply(fold);
	count_periods(fold);
	segment_spill_end_pass(&fold->spill);
}

/* Folds the rows of the next file; false when there is none. */
bool
segment_history_fold_next_pass(HistoryFold *fold)
{
	if (!segment_spill_next(&fold->spill))
		return false;
	start_pass(fold);
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->batch_context);
		bool		more = read_row(fold, fold->spill.reading, segment_history_row(fold));

		MemoryContextSwitchTo(old);
		if (!more)
			break;
		segment_history_add(fold);
	}
	segment_history_fold_end_pass(fold);
	return true;
}
