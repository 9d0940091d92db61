/*
 * kprototypes_kind.h: models of k-prototypes.  See kprototypes_kind.c.
 */
#ifndef SEGMENT_PROTOTYPE_MODEL_H
#define SEGMENT_PROTOTYPE_MODEL_H

#include "cluster/method.h"
#include "model/explain.h"
#include "feature/feature_space.h"
#include "kernel/cluster/kprototypes.h"
#include "model/model.h"

typedef struct PrototypeModel
{
	FeatureSpace *space;
	SegmentPrototypes prototypes;	/* in the order of segments */
	double		gamma;			/* cost of a different category, next to squared scaled distances */
	double	   *size;			/* by segment: training rows, or the sum of their weights */
	double	   *cost;			/* by segment: sum of distances to the prototype, scaled */
	double		total;			/* sum of distances of all rows from one prototype of all, scaled */
	ModelTraining training;

	/* room for a row */
	double	   *x;				/* d: coordinates */
	int32	   *code;			/* n_codes: categories */
} PrototypeModel;

extern const ModelKind segment_prototype_model_kind;

/* kprototypes_kind.c */
extern void segment_prototype_model_init(PrototypeModel *model, int k);

/* kprototypes.c */
extern const ClusterMethod segment_prototype_cluster_method;
extern double segment_prototype_arg_gamma(FunctionCallInfo fcinfo, int arg,
										  const FeatureSpace *space, const SegmentPoints *points);
extern void segment_prototype_categories(const FeatureSpace *space, int k, const int **counts,
										 const double **weights);

#endif							/* SEGMENT_PROTOTYPE_MODEL_H */
