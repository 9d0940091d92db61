/*
 * regression.h: models that are linear or logistic regressions.  See regression_kind.c.
 */
#ifndef SEGMENT_REGRESSION_MODEL_H
#define SEGMENT_REGRESSION_MODEL_H

#include "kernel/predict/regression.h"
#include "model/model.h"

/* A coefficient; NaN where there is none. */
typedef struct RegressionTerm
{
	double		coefficient;	/* NaN: the column follows from others, and is left out */
	double		error;			/* its standard error */
} RegressionTerm;

typedef struct RegressionFeature
{
	int			baseline;		/* of categories: the one that has coefficient 0 */
	RegressionTerm *term;		/* of a number: one; of categories: one each */
} RegressionFeature;

/* What a model of these kinds holds. */
typedef struct Regression
{
	char	   *target;			/* name of the feature that is predicted */
	char	   *positive;		/* of logistic regression: the label whose probability it is; NULL: 1 */
	bool		has_intercept;
	RegressionTerm intercept;
	RegressionFeature *feature;
	double		penalty;
	double		l1_share;
	bool		standardize;
	int			errors;			/* SegmentRegressionErrors */
	char	   *cluster;		/* name of the feature that says the clusters of rows; NULL: none */
	int			n_clusters;
	int			max_iterations;
	bool		weighted;
	double		deviance;
	double		null_deviance;
	int			rank;
	int			iterations;
} Regression;

extern const ModelKind segment_linear_regression_kind;
extern const ModelKind segment_logistic_regression_kind;
extern const char *const segment_regression_error_names[];

/* pmml_regression.c */
extern void segment_regression_pmml(const Model *model, StringInfo out);

static inline bool
segment_is_logistic(const Model *model)
{
	return model->kind == &segment_logistic_regression_kind;
}

#endif							/* SEGMENT_REGRESSION_MODEL_H */
