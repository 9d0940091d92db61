/*
 * drift.h: how far the values of a feature have moved.  See drift.c.
 */
#ifndef SEGMENT_DRIFT_H
#define SEGMENT_DRIFT_H

#include "c.h"

#include "kernel/base/cut_points.h"

#define SEGMENT_DRIFT_MAX_BINS 100

/* The rows of one side, before or after. */
typedef struct SegmentDriftSide
{
	double		rows;			/* how many there are, copies counted */
	double		weight;			/* their weights summed; rows where there are none */
	double		effective;		/* as many rows of one weight say as much (Kish) */
	double		missing;		/* weight of rows without a finite value, or without a category */
} SegmentDriftSide;

/* What is not defined is NaN. */
typedef struct SegmentDrift
{
	double		psi;			/* population stability index, natural logarithms */
	double		ks;				/* largest distance of the distribution functions, 0 to 1 */
	double		ks_p;			/* how likely one as large is by chance */
	double		chi2;			/* chi squared of the cells */
	double		chi2_df;		/* its degrees of freedom */
	double		chi2_p;			/* how likely one as large is by chance */
	double		wasserstein;	/* mean distance that a value has to move, in the feature's unit */
	double		relative;		/* the same in standard deviations of before */
} SegmentDrift;

extern void segment_drift_of_numbers(const SegmentDriftSide *before,
									 const SegmentColumn *before_values,
									 const SegmentDriftSide *after,
									 const SegmentColumn *after_values,
									 int bins, SegmentDrift *drift);
extern void segment_drift_of_cells(const SegmentDriftSide *before, const double *before_cells,
								   const SegmentDriftSide *after, const double *after_cells,
								   int64 n, SegmentDrift *drift);
extern void segment_column_thin(SegmentColumn *column, int points);

#endif							/* SEGMENT_DRIFT_H */
