/*
 * regression_parts.h: what the files of a regression share: regression.c begins and ends a fit,
 * regression_scale.c scales rows and prices coefficients, regression_rows.c passes over the rows,
 * regression_step.c makes a step of what a pass found, regression_errors.c has the standard errors.
 */
#ifndef SEGMENT_REGRESSION_PARTS_H
#define SEGMENT_REGRESSION_PARTS_H

#include "c.h"

#include "kernel/predict/regression.h"

/* rows whose sums are added to the whole at once */
#define SEGMENT_REGRESSION_BLOCK	2048

/* rows between two checks for a cancel: one of thousands of columns takes a millisecond */
#define SEGMENT_REGRESSION_ROWS		32

/* Room for a fit. */
typedef struct SegmentRegressionFit
{
	SegmentRegression *r;
	int			p;				/* columns */
	int			m;				/* of them dense: intercept and numbers */
	double	   *mean;			/* m: of numbers */
	double	   *spread;			/* p: of all columns; 0: constant */
	double		y_mean;
	double		y_spread;
	double	   *gram;			/* p x p, lower triangle filled */
	double	   *sums;			/* 2 x stride */
	double	   *vx;				/* SEGMENT_REGRESSION_ROWS x stride: rows times what weighs them */
	double	   *dense;			/* stride x stride: what a block adds to the dense part */
	double	   *gradient;		/* p */
	double	   *b;				/* p */
	double	   *padded;			/* p + stride: coefficients as a pass over the rows has them */
	double	   *step;			/* p */
	double	   *trial;			/* p: where a step leads */
	double	   *root;			/* triangle */
	double	   *scratch;		/* p */
	bool	   *left_out;		/* p */
	double	   *l1;				/* p: what a column's coefficient costs by its absolute value ... */
	double	   *l2;				/* ... and by its square */
	double		likelihood;
	SegmentInterrupted interrupted;
} SegmentRegressionFit;

static inline double
segment_regression_copies(const SegmentRegression *r, int64 i)
{
	return r->copies == NULL ? 1 : r->copies[i];
}

static inline double
segment_regression_weight(const SegmentRegression *r, int64 i)
{
	return r->weight == NULL ? 1 : r->weight[i];
}

static inline bool
segment_regression_stopped(const SegmentRegressionFit *fit)
{
	return fit->interrupted != NULL && fit->interrupted();
}

/* The same in passes that do little with each of many rows. */
static inline bool
segment_regression_stopped_at(const SegmentRegressionFit *fit, int64 row)
{
	return row % SEGMENT_REGRESSION_BLOCK == 0 && segment_regression_stopped(fit);
}

/* The matrix has its lower triangle only. */
static inline double
segment_regression_matrix_at(const SegmentRegressionFit *fit, int i, int j)
{
	return i >= j ? fit->gram[(size_t) i * fit->p + j] : fit->gram[(size_t) j * fit->p + i];
}

/* regression_scale.c */
extern bool segment_regression_scale(SegmentRegressionFit *fit);
extern void segment_regression_unscale(SegmentRegressionFit *fit);

/* regression_rows.c; what returns bool returns false when it was interrupted */
extern void segment_regression_pad(SegmentRegressionFit *fit, const double *b);
extern double segment_regression_residuals(const SegmentRegressionFit *fit, int64 from, int n,
										   double *residual, double *second);
extern bool segment_regression_add_matrix(SegmentRegressionFit *fit, int64 from, int n, const double *v);
extern bool segment_regression_evaluate(SegmentRegressionFit *fit, const double *b, bool matrix);
extern bool segment_regression_separates(SegmentRegressionFit *fit, const double *direction);

/* regression_step.c; the same */
extern bool segment_regression_factor(SegmentRegressionFit *fit, bool find);
extern void segment_regression_solve(const SegmentRegressionFit *fit, double *step);
extern bool segment_regression_descend(SegmentRegressionFit *fit, double *step);

/* regression_errors.c */
extern SegmentRegressionResult segment_regression_standard_errors(SegmentRegressionFit *fit,
																  SegmentMemory memory);

#endif							/* SEGMENT_REGRESSION_PARTS_H */
