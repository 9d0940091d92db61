/*
 * regression.h: linear and logistic regression.  See regression.c.
 */
#ifndef SEGMENT_REGRESSION_H
#define SEGMENT_REGRESSION_H

#include "c.h"

#include "kernel/base/memory.h"

/* columns of the design: the intercept, numbers, categories other than the baselines */
#define SEGMENT_REGRESSION_MOST_COLUMNS 2000

typedef enum SegmentRegressionFamily
{
	SEGMENT_LINEAR,
	SEGMENT_LOGISTIC
} SegmentRegressionFamily;

/* Where standard errors come from. */
typedef enum SegmentRegressionErrors
{
	SEGMENT_ERRORS_MODEL,		/* the model: rows differ by chance alone, and alike */
	SEGMENT_ERRORS_HC0,			/* the residuals of rows (White), as they are ... */
	SEGMENT_ERRORS_HC1,			/* ... times n / (n - p) ... */
	SEGMENT_ERRORS_HC2,			/* ... each by 1 - its leverage ... */
	SEGMENT_ERRORS_HC3,			/* ... or by the square of that */
	SEGMENT_ERRORS_CR1			/* the residuals of clusters of rows */
} SegmentRegressionErrors;

typedef enum SegmentRegressionResult
{
	SEGMENT_REGRESSION_DONE,
	SEGMENT_REGRESSION_INTERRUPTED,
	SEGMENT_REGRESSION_SEPARATED,	/* a direction tells the labels apart: direction[] */
	SEGMENT_REGRESSION_NOT_CONVERGED,
	SEGMENT_REGRESSION_NOT_FINITE	/* numbers too large */
} SegmentRegressionResult;

typedef struct SegmentRegression
{
	/* the rows, whose order decides about the last bits */
	SegmentRegressionFamily family;
	int64		n;
	int			n_numbers;
	int			n_codes;
	int			n_columns;		/* of the design */
	bool		intercept;
	int			stride;			/* of x: segment_regression_stride() */
	double	   *x;				/* n x stride; numbers from column `intercept` on; is scaled in place */
	int32	   *code;			/* n x n_codes: columns of the design, -1: the baseline */
	double	   *y;				/* n; 0 or 1 where logistic; is scaled in place */
	double	   *weight;			/* n; NULL: 1 each */
	double	   *copies;			/* n; NULL: 1 each */
	int32	   *cluster;		/* n, ascending: rows of a cluster stand together; NULL: no clusters */
	int			n_clusters;		/* at least 2, where there are clusters */

	/* what is asked for */
	double		penalty;		/* lambda, of the mean loss; 0: none */
	double		l1_share;		/* of the penalty: alpha; 0: ridge, 1: lasso */
	bool		standardize;	/* the penalty is about columns of standard deviation 1 */
	SegmentRegressionErrors errors;
	int			max_iterations;

	/* what comes out; numbers of columns are NaN where the column is left out */
	double	   *coefficient;	/* n_columns */
	double	   *error;			/* n_columns; NaN where penalised, or no degree of freedom is left */
	double	   *direction;		/* n_columns: of separation, in standard deviations */
	double		deviance;
	double		null_deviance;
	double		rows;			/* copies */
	double		sum_weights;	/* weights times copies */
	int			rank;			/* columns that are not left out */
	int			iterations;
} SegmentRegression;

extern int	segment_regression_stride(int n_numbers, bool intercept);
extern SegmentRegressionResult segment_regression_fit(SegmentRegression *regression,
													  SegmentMemory memory,
													  SegmentInterrupted interrupted);

#endif							/* SEGMENT_REGRESSION_H */
