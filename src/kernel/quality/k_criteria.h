/*
 * k_criteria.h: what the inertia of k clusters says about k.  See k_criteria.c.
 */
#ifndef SEGMENT_K_CRITERIA_H
#define SEGMENT_K_CRITERIA_H

#include "c.h"

#include "kernel/base/points.h"

/* The gap statistic of one k. */
typedef struct SegmentGap
{
	double		gap;
	double		error;			/* its standard error, the simulation's included */
} SegmentGap;

extern SegmentStatus segment_reference_points(const SegmentPoints *points, int64 n, uint64 seed,
											  SegmentPoints *reference, SegmentMemory memory,
											  SegmentInterrupted interrupted);
extern SegmentGap segment_gap(double log_w, const double *reference_log_w, int n_references,
							  int stride);
extern int	segment_gap_choice(const SegmentGap *gap, int n);
extern double segment_spherical_bic(const double *weight, int k, int d, double inertia);

#endif							/* SEGMENT_K_CRITERIA_H */
