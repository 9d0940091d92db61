/*
 * maximum.h: the greatest likelihood of a model with a few positive parameters.
 * See maximum.c.
 */
#ifndef SEGMENT_MAXIMUM_H
#define SEGMENT_MAXIMUM_H

#include "c.h"

#include "kernel/base/memory.h"

#define SEGMENT_MAX_PARAMETERS 4

/* The logarithm of the likelihood and its derivatives by the parameters. */
typedef double (*SegmentLikelihood) (const void *data, const double *parameter, double *gradient);

typedef struct SegmentMaximum
{
	int			n;						/* parameters */
	double		weight;					/* of all rows: what the likelihood is a sum over */
	double		parameter[SEGMENT_MAX_PARAMETERS];	/* in: where to start */
	double		lower[SEGMENT_MAX_PARAMETERS];		/* a parameter that ends on one of these ... */
	double		upper[SEGMENT_MAX_PARAMETERS];		/* ... is not determined by the rows */
	double		inverse[SEGMENT_MAX_PARAMETERS][SEGMENT_MAX_PARAMETERS];	/* of the curvature */
	bool		have_inverse;			/* in: from a search before */

	double		value;					/* logarithm of the likelihood */
	double		error[SEGMENT_MAX_PARAMETERS];		/* standard errors; NaN: not determined */
	int			steps;
	bool		on_bound;
	bool		flat;					/* some direction leaves the likelihood as it is */
	bool		converged;
} SegmentMaximum;

extern SegmentStatus segment_maximise(SegmentLikelihood likelihood, const void *data,
									  SegmentMaximum *maximum, SegmentInterrupted interrupted);
extern void segment_maximum_errors(SegmentLikelihood likelihood, const void *data,
								   SegmentMaximum *maximum);

#endif							/* SEGMENT_MAXIMUM_H */
