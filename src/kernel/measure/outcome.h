/*
 * outcome.h: what customers did, added up without rounding.  See outcome.c.
 */
#ifndef SEGMENT_KERNEL_OUTCOME_H
#define SEGMENT_KERNEL_OUTCOME_H

#include "c.h"

#include "kernel/base/narrow_sum.h"

/* a value and its covariates */
#define SEGMENT_OUTCOME_VALUES	16
#define SEGMENT_OUTCOME_SUMS	(SEGMENT_OUTCOME_VALUES * (SEGMENT_OUTCOME_VALUES + 3) / 2)

/* counts stay below it, so that two of them can be added */
#define SEGMENT_OUTCOME_MOST	(INT64CONST(1) << 60)

typedef enum SegmentOutcomeKind
{
	SEGMENT_RATE,				/* who did it, of how many */
	SEGMENT_MEAN,				/* a value a customer, and covariates */
	SEGMENT_RATIO				/* numerator and denominator */
} SegmentOutcomeKind;

/* A varlena of the server as it is; see segment_outcome_size. */
typedef struct SegmentOutcome
{
	int32		vl_len_;		/* the caller's */
	int16		kind;
	int16		n_values;		/* a row has; 0 of a rate */
	int64		n;				/* customers */
	int64		skipped;		/* rows that have a value missing or not finite */
	int64		successes;		/* of a rate */
	SegmentNarrowSum first;		/* the sums: of values, then of products of value i and j <= i */
} SegmentOutcome;

/* What follows from the sums; covariances divide by n - 1, and are 0 below two customers. */
typedef struct SegmentMomentsOfOutcome
{
	SegmentOutcomeKind kind;
	int			n_values;
	double		n;
	double		successes;
	double		mean[SEGMENT_OUTCOME_VALUES];
	double		covariance[SEGMENT_OUTCOME_VALUES][SEGMENT_OUTCOME_VALUES];
} SegmentMomentsOfOutcome;

extern int	segment_outcome_sums(const SegmentOutcome *outcome);
extern size_t segment_outcome_size(const SegmentOutcome *outcome);
extern size_t segment_outcome_empty_size(int n_values);
extern void segment_outcome_init(SegmentOutcome *outcome, SegmentOutcomeKind kind, int n_values);
extern bool segment_outcome_add(SegmentOutcome *outcome, const double *row);
extern bool segment_outcome_merge(SegmentOutcome *into, const SegmentOutcome *from);
extern void segment_outcome_limbs_of_row(const SegmentOutcome *outcome, const double *row,
										 SegmentLimbs *limbs);
extern void segment_outcome_limbs(const SegmentOutcome *outcome, SegmentLimbs *limbs);
extern size_t segment_outcome_wide_size(const SegmentOutcome *outcome, SegmentLimbs *limbs);
extern void segment_outcome_widen(SegmentOutcome *wide, const SegmentLimbs *limbs,
								  const SegmentOutcome *outcome);
extern void segment_outcome_to_exact(const SegmentOutcome *outcome, SegmentExactSum *exact);
extern size_t segment_outcome_canonical_size(int n_values, SegmentExactSum *exact);
extern void segment_outcome_of_exact(SegmentOutcome *outcome, SegmentOutcomeKind kind, int n_values,
									 SegmentExactSum *exact);
extern bool segment_outcome_plausible(const SegmentOutcome *outcome);
extern bool segment_outcome_moments(const SegmentOutcome *outcome, SegmentMomentsOfOutcome *moments);

#endif							/* SEGMENT_KERNEL_OUTCOME_H */
