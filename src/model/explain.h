/*
 * explain.h: what the kinds of models that come from clustering share.  See
 * explain.c.
 */
#ifndef SEGMENT_CLUSTERING_KIND_H
#define SEGMENT_CLUSTERING_KIND_H

#include "feature/feature_space.h"
#include "model/model.h"

/* How a model was trained. */
typedef struct ModelTraining
{
	uint64		seed;
	int			n_init;			/* starts */
	int			iterations;		/* steps of the start that won */
	bool		converged;		/* they ended by themselves, not by max_iter */
} ModelTraining;

/* its members of the JSON */
#define SEGMENT_TRAINING_KEYS "seed", "n_init", "iterations", "converged"

/* the explanation of a row that cannot be placed */
#define SEGMENT_NO_PLACE ", \"reason\": \"a feature is missing\""

extern ModelTraining segment_training_read(const JsonPlace *json);
extern void segment_training_write(const ModelTraining *training, StringInfo out);

extern int	segment_runner_up(const double *distance, int k, int segment);
extern void segment_explain_number(const SpaceFeature *feature, double value, double coordinate,
								   double center, StringInfo out);
extern void segment_explain_runner_up(const Model *model, int segment, const char *figure, double x,
									  StringInfo out);
extern void segment_typical_number(const SpaceFeature *feature, double coordinate,
								   ModelTypical *typical);

#endif							/* SEGMENT_CLUSTERING_KIND_H */
