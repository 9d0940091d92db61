/*
 * aggregate_argument.h: what aggregates over rows of features share: where their
 * state lives, and a row's features and weight from the arguments.
 *
 * Here and not in a file of its own, because it is done for every row.
 */
#ifndef SEGMENT_AGGREGATE_ARGUMENT_H
#define SEGMENT_AGGREGATE_ARGUMENT_H

#include "compat.h"

#include <math.h>

#include "fmgr.h"
#include "kernel/base/row_store.h"
#include "utils/array.h"

/* The context of the aggregate's state; aggregates: for a hint, when called outside of them. */
static inline MemoryContext
segment_aggregate_context(FunctionCallInfo fcinfo, const char *aggregates)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function was called outside an aggregate"),
				 errhint("Use the aggregates %s.", aggregates)));
	return context;
}

/* An array of n features. */
static inline ArrayType *
segment_arg_features(FunctionCallInfo fcinfo, int arg, int *n)
{
	ArrayType  *array;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the array of features must not be null"),
				 errhint("Its elements may be.")));
	array = PG_GETARG_ARRAYTYPE_P(arg);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("features must be a one-dimensional array, not one of %d dimensions",
						ARR_NDIM(array))));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return array;
}

/* Its n values; NULLs are missing. */
static inline void
segment_copy_features(ArrayType *array, int n, double *row)
{
	const double *values = (const double *) ARR_DATA_PTR(array);
	const bits8 *nulls = ARR_NULLBITMAP(array);
	int			i;

	for (i = 0; i < n; i++)
		row[i] = nulls != NULL && (nulls[i / 8] & (1 << (i % 8))) == 0 ? segment_missing_value()
			: *values++;
}

/* The weight of a row; NULL is missing. */
static inline double
segment_arg_weight(FunctionCallInfo fcinfo, int arg)
{
	double		weight;

	if (PG_ARGISNULL(arg))
		return segment_missing_value();
	weight = PG_GETARG_FLOAT8(arg);
	if (!(weight >= 0 && !isinf(weight)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a weight must be finite and not negative, not %g", weight)));
	return weight;
}

#endif							/* SEGMENT_AGGREGATE_ARGUMENT_H */
