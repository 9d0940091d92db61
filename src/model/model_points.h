/*
 * model_points.h: a feature set as a model sees it.  See model_points.c.
 */
#ifndef SEGMENT_MODEL_POINTS_H
#define SEGMENT_MODEL_POINTS_H

#include "feature/feature_space.h"
#include "feature/labelled_points.h"
#include "model/model.h"

extern const FeatureSet *segment_features_of_model(const FeatureSet *set, const Model *model);
extern const FeatureSpace *segment_space_of_model(const Model *model, bool categories);
extern LabelledPoints *segment_points_of_model(const FeatureSet *set, Model *model, bool categories,
											   Size memory_per_row);

#endif							/* SEGMENT_MODEL_POINTS_H */
