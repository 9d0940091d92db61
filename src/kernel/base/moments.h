/*
 * moments.h: mean and standard deviation of a column.  See moments.c.
 */
#ifndef SEGMENT_MOMENTS_H
#define SEGMENT_MOMENTS_H

#include "c.h"

#include "kernel/base/exact_sum.h"

typedef struct SegmentMoments
{
	double		min;
	double		max;
	double		mean;
	double		deviation;		/* standard deviation of the population; 0 when all values are equal */
} SegmentMoments;

extern void segment_moments(const double *values, const double *weights, int64 n,
							SegmentMoments *moments);
extern bool segment_moments_of_sums(const SegmentExactSum *weight, const SegmentExactSum *sum,
									const SegmentExactSum *sum_squares, double *mean, double *deviation);

#endif							/* SEGMENT_MOMENTS_H */
