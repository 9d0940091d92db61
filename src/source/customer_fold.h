/*
 * customer_fold.h: folds order rows into one entry per customer, in bounded
 * memory.  See customer_fold.c.
 */
#ifndef SEGMENT_CUSTOMER_FOLD_H
#define SEGMENT_CUSTOMER_FOLD_H

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

/* Times of a customer's rows that say when others will count; where nobody asks, there are none. */
typedef struct FoldClock
{
	int64		before;			/* of the latest before the window; PG_INT64_MIN: none */
	int64		first;			/* of the earliest in it; PG_INT64_MAX: none */
	int64		last;			/* of the latest in it; PG_INT64_MIN: none */
	int64		after;			/* of the earliest after it; PG_INT64_MAX: none */
} FoldClock;

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
	const FoldClock *clock;		/* FOLD_STATE, where times are kept */
} FoldRow;

typedef struct CustomerEntry
{
	KeyEntry	key;			/* the customer; owner is 0 */
	uint32		large;			/* number + 1 in the fold's large sums, or 0 */
	int64		first;			/* time of the first order, earlier ones included */
	int64		last;			/* of the last; less than any first: no orders in the window */
	int64		sum;			/* of amounts, at the fold's scale */
	uint64		within:1;		/* whether anything came that is not from before the window */
	int64		orders:55;
	int64		scale:8;		/* most digits after the point of any amount: how the sum is shown */
} CustomerEntry;

/* Where it is asked when a customer's figures change by time alone. */
typedef struct ClockEntry
{
	CustomerEntry customer;
	FoldClock	times;
} ClockEntry;

/* Where orders count by what their lines add up to. */
typedef struct OrderEntry
{
	KeyEntry	key;			/* the order's id; owner is the customer's number + 1, and
								 * EARLIER_ORDER for what its lines before the window are */
	int64		first;			/* time of the first and last line that is no refund */
	int64		last;
	DecimalSum	sum;			/* of amounts */
} OrderEntry;

typedef struct CustomerFold
{
	const KeyType *customer_type;
	const KeyType *order_type;	/* NULL: every row is an order */
	bool		by_order;		/* an order counts when its lines add up to more than 0 */
	bool		clock;			/* customers are ClockEntry; no row came yet when it is set */
	bool		window;			/* and have all times, not only that of what comes after */
	Size		limit;			/* bytes; beyond it rows go to files */

	/* the pass under way */
	MemoryContext pass_context;
	KeyTable	customers;
	KeyTable	orders;
	int			scale;			/* decimal digits after the point in every sum */
	LargeSums	large;			/* sums that left the range of int64 */
	bool		spilling;		/* no new customers any more */
	bool		spilling_all;	/* no row stays in memory any more */

	/* rows waiting, and where their keys lie */
	FoldRow		batch[FOLD_BATCH];
	int			n_batch;
	MemoryContext batch_context;

	Spill		spill;			/* rows of passes to come */
	int64		n_cancelled;	/* orders whose lines add up to 0 or less */
} CustomerFold;

extern CustomerFold *segment_fold_create(const KeyType *customer_type, const KeyType *order_type,
										 bool by_order, Size limit);
extern void segment_fold_keep_times(CustomerFold *fold, bool window);
extern void segment_fold_apply(CustomerFold *fold);
extern void segment_fold_end_pass(CustomerFold *fold);
extern bool segment_fold_next_pass(CustomerFold *fold);
extern Numeric segment_fold_sum(const CustomerFold *fold, const CustomerEntry *entry);

/*
 * The row to be filled next; it counts once it is added.  What it points to
 * must live in fold->batch_context, or outlive the pass.
 */
static inline FoldRow *
segment_fold_row(CustomerFold *fold)
{
	return &fold->batch[fold->n_batch];
}

static inline void
segment_fold_add(CustomerFold *fold)
{
	if (++fold->n_batch == FOLD_BATCH)
		segment_fold_apply(fold);
}

#endif							/* SEGMENT_CUSTOMER_FOLD_H */
