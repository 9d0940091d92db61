/*
 * gaussian_mixture_kind.h: models that are mixtures of normal distributions.  See
 * gaussian_mixture_kind.c.
 */
#ifndef SEGMENT_MIXTURE_MODEL_H
#define SEGMENT_MIXTURE_MODEL_H

#include "cluster/method.h"
#include "model/explain.h"
#include "feature/feature_space.h"
#include "kernel/cluster/mixture.h"
#include "model/model.h"

typedef struct MixtureModel
{
	FeatureSpace *space;
	SegmentMixture mixture;		/* components in the order of segments */
	double	   *size;			/* by segment: training rows that it is likeliest for, or the sum of
								 * their weights */
	double		log_likelihood; /* of the training rows, of scaled coordinates */
	ModelTraining training;
	int			n_collapsed;	/* components without rows, or flat */

	/* room for a row */
	double	   *x;				/* d: coordinates */
	double	   *room;			/* d */
	double	   *log_density;	/* k */
} MixtureModel;

extern const ModelKind segment_mixture_model_kind;

/* by number of SegmentCovariance */
extern const char *const segment_covariance_names[];

/* reg_covar, where nobody says: the default of the SQL function */
#define DEFAULT_REG_COVAR 1e-6

/* gaussian_mixture.c */
extern const ClusterMethod segment_mixture_cluster_method;
extern void segment_mixture_check_memory(SegmentCovariance kind, int k, int d);

/* gaussian_mixture_kind.c */
extern void segment_mixture_model_init(MixtureModel *model, SegmentCovariance kind, int k);

#endif							/* SEGMENT_MIXTURE_MODEL_H */
