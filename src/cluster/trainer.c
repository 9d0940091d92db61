/*
 * trainer.c: reads the arguments that trainers share.
 */
#include "cluster/trainer.h"

#include <math.h>

#include "base/memory.h"
#include "model/model.h"
#include "utils/builtins.h"

static void
refuse_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
}

/* A whole number of at least `least`. */
int
segment_arg_count(FunctionCallInfo fcinfo, int arg, const char *name, int least)
{
	int32		n;

	refuse_null(fcinfo, arg, name);
	n = PG_GETARG_INT32(arg);
	if (n < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least %d, not %d", name, least, n)));
	return n;
}

/* A finite number of at least `least`. */
double
segment_arg_number(FunctionCallInfo fcinfo, int arg, const char *name, double least)
{
	double		x;

	refuse_null(fcinfo, arg, name);
	x = PG_GETARG_FLOAT8(arg);
	if (!(x >= least && isfinite(x)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number of at least %g, not %g", name, least, x)));
	return x;
}

/* A seed stands in the model's JSON, where numbers are exact up to 2^53. */
uint64
segment_arg_seed(FunctionCallInfo fcinfo, int arg)
{
	const int64 most = INT64CONST(1) << 53;
	int64		seed;

	refuse_null(fcinfo, arg, "seed");
	seed = PG_GETARG_INT64(arg);
	if (seed < -most || seed > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("seed must be from -2^53 to 2^53, not " INT64_FORMAT, seed)));
	return (uint64) seed;
}

/* NULL for NULL. */
char *
segment_arg_text(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* Five arguments from arg on: scale, log, winsorize, weights, nulls. */
void
segment_arg_space_options(FunctionCallInfo fcinfo, int arg, SpaceOptions *options)
{
	options->scale = segment_arg_text(fcinfo, arg);
	options->log = PG_ARGISNULL(arg + 1) ? NULL : PG_GETARG_ARRAYTYPE_P(arg + 1);
	options->winsorize = PG_ARGISNULL(arg + 2) ? NULL : PG_GETARG_JSONB_P(arg + 2);
	options->weights = PG_ARGISNULL(arg + 3) ? NULL : PG_GETARG_JSONB_P(arg + 3);
	options->nulls = segment_arg_text(fcinfo, arg + 4);
}

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
