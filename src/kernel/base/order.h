/*
 * order.h: what comes before what: numbers and names for qsort() and its kin.
 */
#ifndef SEGMENT_ORDER_H
#define SEGMENT_ORDER_H

#include "c.h"

#include <string.h>

/* -1, 0 or 1; NaN is no number to be ordered. */
static inline int
segment_order(double a, double b)
{
	return a < b ? -1 : a > b;
}

static inline int
segment_compare_doubles(const void *a, const void *b)
{
	return segment_order(*(const double *) a, *(const double *) b);
}

static inline int
segment_compare_int32(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

static inline int
segment_compare_uint32(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* Of pointers to strings, byte by byte. */
static inline int
segment_compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

#endif							/* SEGMENT_ORDER_H */
