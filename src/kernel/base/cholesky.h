/*
 * cholesky.h: symmetric positive definite matrices, packed.  See cholesky.c.
 */
#ifndef SEGMENT_CHOLESKY_H
#define SEGMENT_CHOLESKY_H

#include "c.h"

#include "kernel/base/memory.h"

/* Numbers in the lower triangle of a d x d matrix, and the place of one, j <= i. */
#define SEGMENT_TRIANGLE(d)		((size_t) (d) * ((size_t) (d) + 1) / 2)
#define SEGMENT_TRIANGLE_AT(i, j) (SEGMENT_TRIANGLE(i) + (j))

typedef enum SegmentCholesky
{
	SEGMENT_FACTORED,
	SEGMENT_NOT_POSITIVE,		/* not positive definite, or too close to it to tell */
	SEGMENT_FACTORING_INTERRUPTED
} SegmentCholesky;

extern SegmentCholesky segment_cholesky(const double *matrix, int d, double *factor,
										SegmentInterrupted interrupted);

#endif							/* SEGMENT_CHOLESKY_H */
