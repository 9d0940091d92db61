/*
 * customer_fold.h: folds order rows into one entry per customer, in bounded
 * memory.  See customer_fold.c.
 */
#ifndef SEGMENT_CUSTOMER_FOLD_H
#define SEGMENT_CUSTOMER_FOLD_H

#include "compat.h"

#include "source/fold.h"

/* Times of a customer's rows that say when others will count; where nobody asks, there are none. */
typedef struct FoldClock
{
	int64		before;			/* of the latest before the window; PG_INT64_MIN: none */
	int64		first;			/* of the earliest in it; PG_INT64_MAX: none */
	int64		last;			/* of the latest in it; PG_INT64_MIN: none */
	int64		after;			/* of the earliest after it; PG_INT64_MAX: none */
} FoldClock;

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
	Fold		base;			/* first, so that it can be cast; its customers are CustomerEntry */
	const KeyType *order_type;	/* NULL: every row is an order */
	bool		by_order;		/* an order counts when its lines add up to more than 0 */
	bool		clock;			/* customers are ClockEntry; no row came yet when it is set */
	bool		window;			/* and have all times, not only that of what comes after */

	/* the pass under way */
	KeyTable	orders;
	int			scale;			/* decimal digits after the point in every sum */
	bool		spilling_all;	/* no row stays in memory any more */

	int64		n_cancelled;	/* orders whose lines add up to 0 or less */
} CustomerFold;

extern CustomerFold *segment_customer_fold_create(const KeyType *customer_type,
												  const KeyType *order_type, bool by_order,
												  Size limit);
extern void segment_customer_fold_keep_times(CustomerFold *fold, bool window);
extern Numeric segment_customer_fold_sum(const CustomerFold *fold, const CustomerEntry *entry);

#endif							/* SEGMENT_CUSTOMER_FOLD_H */
