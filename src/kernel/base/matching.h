/*
 * matching.h: minimum-cost assignment.  See matching.c.
 */
#ifndef SEGMENT_MATCHING_H
#define SEGMENT_MATCHING_H

#include "c.h"

#include "kernel/base/memory.h"

/* What it costs to give row i the column j; what pairs nobody is -1. */
typedef struct SegmentMatching
{
	int			rows;
	int			columns;
	const double *cost;			/* rows x columns, row after row; finite */
	int32	   *column_of;		/* rows: the column of each, or -1 */
	double	   *row_price;		/* rows; the dual solution, which proves the primal one */
	double	   *column_price;	/* columns */
} SegmentMatching;

extern SegmentStatus segment_match(SegmentMatching *matching, SegmentMemory memory,
								   SegmentInterrupted interrupted);

#endif							/* SEGMENT_MATCHING_H */
