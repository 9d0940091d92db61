/*
 * points.h: the rows a clustering works on: scaled, distinct, in an order that
 * follows from their content alone.  See points.c.
 */
#ifndef SEGMENT_POINTS_H
#define SEGMENT_POINTS_H

#include "c.h"

#include <math.h>

#include "kernel/base/memory.h"

typedef struct SegmentPoints
{
	int64		n;				/* distinct rows */
	int			d;				/* coordinates: numeric features, scaled; may be 0 */
	int			n_codes;		/* categorical features */
	double	   *x;				/* n x d, row after row; finite */
	int32	   *code;			/* n x n_codes: categories by number, from 0; NULL when n_codes is 0 */
	double	   *weight;			/* of each row, copies counted: positive; NULL: 1 each */
	uint64	   *hash;			/* of each row's content, ascending: the canonical order */
	double		total_weight;	/* sum of weights, in canonical order */
} SegmentPoints;

/* A row's hash, and where the row is to be found. */
typedef struct SegmentRowKey
{
	uint64		hash;
	uint32		row;
} SegmentRowKey;

/*
 * Coordinates are hashed after rounding to this fraction of a unit, so that
 * the last bits, which depend on the unit the feature was measured in, do not
 * decide about the order.
 */
#define SEGMENT_HASH_STEPS 16384.0

/* The step that a coordinate lies in; + 0.0 makes -0 a 0. */
static inline double
segment_point_step(double x, double unit)
{
	return floor(x / unit * SEGMENT_HASH_STEPS + 0.5) + 0.0;
}

extern uint64 segment_point_hash(const double *x, const double *unit, int d,
								 const int32 *code, uint64 *const *code_hash, int n_codes);
extern void segment_row_keys_sort(SegmentRowKey *keys, SegmentRowKey *room, int64 n);
extern SegmentStatus segment_points_settle(SegmentPoints *points, SegmentMemory memory,
										   SegmentMemory scratch, SegmentInterrupted interrupted);
extern int	segment_points_compare(const SegmentPoints *points, int64 a, int64 b, int n_codes);
extern void segment_points_free(SegmentPoints *points, SegmentMemory memory);

/* three passes of 11 bits; for millions of rows few share the 33 bits */
#define SEGMENT_RADIX_BITS	11
#define SEGMENT_RADIX_PASSES 3
#define SEGMENT_SORTED_BITS (SEGMENT_RADIX_BITS * SEGMENT_RADIX_PASSES)

/* Whether two rows share the bits that segment_row_keys_sort sorts by. */
static inline bool
segment_same_run(uint64 a, uint64 b)
{
	return (a ^ b) >> (64 - SEGMENT_SORTED_BITS) == 0;
}

static inline double
segment_point_weight(const SegmentPoints *points, int64 row)
{
	return points->weight == NULL ? 1.0 : points->weight[row];
}

#endif							/* SEGMENT_POINTS_H */
