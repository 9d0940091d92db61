/*
 * fold.c: rows folded into one entry per customer, in bounded memory: what the folds of
 * customer_fold.c and history_fold.c share.
 *
 * Rows are taken in batches of 512: hash all keys and prefetch their slots,
 * prefetch their entries, then update.  With a million customers an update row
 * by row waits for memory twice a row; in batches the waits overlap.
 *
 * When memory is short, rows of customers not met so far are written to files, each of which is
 * then a pass of its own (spill.c): it begins with no customers, and ends with entries that are final.
 * After 12 divisions the hash has no bits left and memory is taken as needed: that needs 2^60
 * customers, or a single one who needs that much.
 */
#include "source/fold.h"

#include "miscadmin.h"
#include "utils/memutils.h"

void
segment_fold_start_pass(Fold *fold)
{
	MemoryContext old;

	MemoryContextReset(fold->pass_context);
	old = MemoryContextSwitchTo(fold->pass_context);
	segment_key_table_init(&fold->customers, fold->customer_type, fold->entry_size,
						   fold->pass_context);
	segment_large_sums_begin(&fold->large, fold->pass_context);
	fold->spilling = false;
	fold->kind->start_pass(fold);
	MemoryContextSwitchTo(old);
}

/* What the fold needs for all passes is in the present context. */
void
segment_fold_begin(Fold *fold, const FoldKind *kind, const KeyType *customer_type,
				   Size entry_size, Size limit)
{
	segment_spill_begin(&fold->spill);
	fold->kind = kind;
	fold->customer_type = customer_type;
	fold->entry_size = entry_size;
	fold->limit = limit;
	fold->batch = palloc0(kind->row_size * FOLD_BATCH);
	fold->n_batch = 0;
	fold->pass_context = AllocSetContextCreate(CurrentMemoryContext, "fold pass",
											   ALLOCSET_DEFAULT_SIZES);
	fold->batch_context = AllocSetContextCreate(CurrentMemoryContext, "fold batch",
												ALLOCSET_DEFAULT_SIZES);
	segment_fold_start_pass(fold);
}

/* Of customers and their sums; what else a kind keeps comes to it. */
Size
segment_fold_memory(const Fold *fold)
{
	return segment_key_table_memory(&fold->customers) + segment_large_sums_size(&fold->large);
}

/* Takes in the rows of the batch. */
void
segment_fold_apply(Fold *fold)
{
	const FoldKind *kind = fold->kind;
	const KeyTable *customers = &fold->customers;
	const Size	row_size = kind->row_size;
	char	   *end = fold->batch + fold->n_batch * row_size;
	char	   *at;

	for (at = fold->batch; at < end; at += row_size)
	{
		FoldRow    *row = (FoldRow *) at;

		row->hash = segment_key_hash(fold->customer_type, row->customer);
		segment_key_table_prefetch(customers, row->hash);
	}
	for (at = fold->batch; at < end; at += row_size)
	{
		FoldRow    *row = (FoldRow *) at;

		row->candidate = segment_key_table_candidate(customers, row->hash);
	}
	for (at = fold->batch; at < end; at += row_size)
		kind->take_row(fold, (const FoldRow *) at);
	fold->n_batch = 0;
	MemoryContextReset(fold->batch_context);
	CHECK_FOR_INTERRUPTS();
}

/* After the last row of a pass: the customers table is final. */
void
segment_fold_end_pass(Fold *fold)
{
	if (fold->n_batch > 0)
		segment_fold_apply(fold);
	fold->kind->end_pass(fold);
	segment_spill_end_pass(&fold->spill);
}

/* Folds the rows of the next file; false when there is none. */
bool
segment_fold_next_pass(Fold *fold)
{
	if (!segment_spill_next(&fold->spill))
		return false;
	segment_fold_start_pass(fold);
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(fold->batch_context);
		bool		more = fold->kind->read_row(fold, fold->spill.reading, segment_fold_row(fold));

		MemoryContextSwitchTo(old);
		if (!more)
			break;
		segment_fold_add(fold);
	}
	segment_fold_end_pass(fold);
	return true;
}
