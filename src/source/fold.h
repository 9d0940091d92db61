/*
 * fold.h: rows folded into one entry per customer, in bounded memory.  See fold.c.
 */
#ifndef SEGMENT_FOLD_H
#define SEGMENT_FOLD_H

#include "compat.h"

#include "base/key_table.h"
#include "source/decimal_sum.h"
#include "source/spill.h"

#define FOLD_BATCH 512

/* What a row brings; flags of FoldRow. */
#define FOLD_ORDER		0x01	/* counts as an order: time, and one more order */
#define FOLD_LARGE		0x02	/* its amount does not fit into a mantissa: in large */
#define FOLD_STATE		0x04	/* a spilled customer: time to last_time, orders counted already */
#define FOLD_PAIR		0x08	/* a spilled (customer, order): adds nothing to the customer */
#define FOLD_LINE		0x10	/* of an order with an id that counts once its lines add up */
#define FOLD_EARLIER	0x20	/* from before the window: tells of the first order, no more */
#define FOLD_LATER		0x40	/* from after it: tells when there will be more */

struct FoldClock;

typedef struct FoldRow
{
	uint64		hash;			/* of the customer */
	uint32		candidate;		/* entry that may be the customer's, or 0 */
	int16		scale;
	uint8		flags;
	Datum		customer;
	Datum		order;			/* where orders are told apart */
	int64		time;
	int64		last_time;		/* FOLD_STATE, FOLD_PAIR */
	int64		orders;			/* FOLD_STATE */
	int64		mantissa;		/* amount = mantissa / 10^scale */
	Numeric		large;			/* FOLD_LARGE: added to the amount */
	const struct FoldClock *clock;	/* FOLD_STATE, where times are kept */
} FoldRow;

typedef struct Fold Fold;

/* What becomes of rows.  A fold begins with a Fold, its rows with a FoldRow, its customers with a KeyEntry. */
typedef struct FoldKind
{
	Size		row_size;
	void		(*start_pass) (Fold *fold); /* what else a pass begins with, in its memory */
	void		(*take_row) (Fold *fold, const FoldRow *row);
	bool		(*read_row) (Fold *fold, BufFile *file, FoldRow *row);	/* false: no more */
	void		(*end_pass) (Fold *fold);	/* all its rows are taken */
} FoldKind;

struct Fold
{
	const FoldKind *kind;
	const KeyType *customer_type;
	Size		entry_size;		/* of a customer */
	Size		limit;			/* bytes; beyond it rows go to files */

	/* the pass under way */
	MemoryContext pass_context;
	KeyTable	customers;
	LargeSums	large;			/* sums that left the range of int64 */
	bool		spilling;		/* no new customers any more */

	/* rows waiting, and where their keys lie */
	char	   *batch;			/* FOLD_BATCH of the kind's rows */
	int			n_batch;
	MemoryContext batch_context;

	Spill		spill;			/* rows of passes to come */
};

extern void segment_fold_begin(Fold *fold, const FoldKind *kind, const KeyType *customer_type,
							   Size entry_size, Size limit);
extern void segment_fold_start_pass(Fold *fold);
extern void segment_fold_apply(Fold *fold);
extern void segment_fold_end_pass(Fold *fold);
extern bool segment_fold_next_pass(Fold *fold);
extern Size segment_fold_memory(const Fold *fold);

/*
 * The row to be filled next; it counts once it is added.  What it points to
 * must live in fold->batch_context, or outlive the pass.
 */
static inline void *
segment_fold_row(Fold *fold)
{
	return fold->batch + fold->n_batch * fold->kind->row_size;
}

static inline void
segment_fold_add(Fold *fold)
{
	if (++fold->n_batch == FOLD_BATCH)
		segment_fold_apply(fold);
}

/*
 * The number of the row's customer, or -1.  The candidate is not the customer when two tags are
 * equal, or it came with this batch.
 */
static inline int64
segment_fold_find(Fold *fold, const FoldRow *row)
{
	KeyTable   *customers = &fold->customers;
	int64		number = -1;

	if (likely(row->candidate != 0))
	{
		const KeyEntry *entry = segment_key_table_entry(customers, row->candidate - 1);

		if (likely(segment_keys_equal(fold->customer_type, entry->key, row->customer)))
			number = (int64) row->candidate - 1;
	}
	if (number < 0)
		number = segment_key_table_find(customers, row->customer, 0, row->hash);
	if (number >= 0 && fold->customer_type->class == KEY_GENERIC)
		segment_key_table_keep_least(customers, segment_key_table_entry(customers, (uint32) number),
									 row->customer);
	return number;
}

/* Whether memory may end a table's growth; one of a thousand is always allowed: files need memory, too. */
static inline bool
segment_fold_can_spill(const Fold *fold, const KeyTable *table)
{
	return table->n >= 512 && fold->spill.level < SEGMENT_SPILL_LEVELS;
}

static inline void
segment_fold_add_amount(Fold *fold, DecimalSum *sum, const FoldRow *row)
{
	if (unlikely(row->flags & FOLD_LARGE))
		segment_large_sum_add(&fold->large, &sum->large, row->large);
	segment_decimal_add(&fold->large, sum, row->mantissa, row->scale);
}

#endif							/* SEGMENT_FOLD_H */
