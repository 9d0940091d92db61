/*
 * trainer.c: what trainers share: how many segments there can be, and the order of those
 * found.
 */
#include "cluster/trainer.h"

#include "base/memory.h"
#include "model/model.h"

/* How many clusters there can be: k, or with fewer distinct rows that many, which is told. */
int
segment_check_k(int k, const SegmentPoints *points)
{
	if (k > points->n)
	{
		ereport(NOTICE,
				(errmsg_plural("there is only " INT64_FORMAT " distinct row for %d segments",
							   "there are only " INT64_FORMAT " distinct rows for %d segments",
							   (unsigned long) points->n, points->n, k),
				 errdetail("The model has as many segments as there are distinct rows.")));
		k = (int) points->n;
	}
	if (k > SEGMENT_MAX_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("k must be at most %d, not %d", SEGMENT_MAX_SEGMENTS, k)));
	return k;
}

/* What decides about the order of segments. */
typedef struct SegmentOrder
{
	const double *size;
	const double *center;
	int			d;
} SegmentOrder;

static int
compare_segments(const void *a, const void *b, void *arg)
{
	const SegmentOrder *order = arg;
	int			x = *(const int *) a;
	int			y = *(const int *) b;
	int			j;

	if (order->size[x] != order->size[y])
		return order->size[x] > order->size[y] ? -1 : 1;
	for (j = 0; j < order->d; j++)
	{
		double		of_x = order->center[(size_t) x * order->d + j];
		double		of_y = order->center[(size_t) y * order->d + j];

		if (of_x != of_y)
			return of_x < of_y ? -1 : 1;
	}
	return x - y;
}

/*
 * The numbers of k clusters from the largest to the smallest, equal sizes by
 * their centers (k x d): an order that follows from the result alone.
 */
int *
segment_order_of_segments(int k, const double *size, const double *center, int d)
{
	int		   *number = palloc(sizeof(int) * k);
	SegmentOrder order = {size, center, d};
	int			c;

	for (c = 0; c < k; c++)
		number[c] = c;
	qsort_arg(number, k, sizeof(int), compare_segments, &order);
	return number;
}
