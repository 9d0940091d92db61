/*
 * points.h: the rows a clustering works on: scaled, distinct, in an order that
 * follows from their content alone.  See points.c.
 */
#ifndef SEGMENT_POINTS_H
#define SEGMENT_POINTS_H

#include "c.h"

#include "kernel/row_store.h"

/* Lets the caller stop a long calculation; NULL: never. */
typedef bool (*SegmentInterrupted) (void);

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

extern void segment_points_sort(SegmentPoints *points, const double *unit,
								uint64 *const *code_hash, SegmentMemory memory);
extern void segment_points_free(SegmentPoints *points, SegmentMemory memory);

#endif							/* SEGMENT_POINTS_H */
