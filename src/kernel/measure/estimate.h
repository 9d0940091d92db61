/*
 * estimate.h: what an outcome is, how sure that is, and how two of them differ.
 * See estimate.c and lift.c.
 */
#ifndef SEGMENT_KERNEL_ESTIMATE_H
#define SEGMENT_KERNEL_ESTIMATE_H

#include "c.h"

#include "kernel/measure/outcome.h"

/* NaN: cannot be told. */
typedef struct SegmentEstimate
{
	double		value;
	double		std_error;
	double		lower;
	double		upper;
} SegmentEstimate;

typedef struct SegmentLift
{
	double		treated_value;
	double		control_value;
	double		difference;
	double		difference_lower;
	double		difference_upper;
	double		lift;
	double		lift_lower;
	double		lift_upper;
	double		p_value;
	double		variance_reduction;
} SegmentLift;

extern void segment_wilson(double successes, double n, double width, double *lower, double *upper);
extern double segment_outcome_value(const SegmentMomentsOfOutcome *outcome);
extern double segment_outcome_variance(const SegmentMomentsOfOutcome *outcome);
extern void segment_estimate(const SegmentMomentsOfOutcome *outcome, double level,
							 SegmentEstimate *estimate);
extern void segment_lift(const SegmentMomentsOfOutcome *treated, const SegmentMomentsOfOutcome *control,
						 double level, double tuned_for, SegmentLift *lift);
extern double segment_detectable_lift(const SegmentMomentsOfOutcome *control, double treated_customers,
									  double control_customers, double power, double level);

#endif							/* SEGMENT_KERNEL_ESTIMATE_H */
