/*
 * space_options.h: what a trainer is told about features.  See space_options.c.
 */
#ifndef SEGMENT_SPACE_OPTIONS_H
#define SEGMENT_SPACE_OPTIONS_H

#include "feature/feature_space.h"

extern void segment_arg_space_options(FunctionCallInfo fcinfo, int arg, SpaceOptions *options);
extern FeatureSpace *segment_space_with_options(const FeatureSet *set, const SpaceOptions *options);
extern double (*segment_space_winsorize(const FeatureSpace *space, const SpaceOptions *options))[2];

extern const char *const segment_scale_names[];
extern const char *const segment_nulls_names[];
extern const char *const segment_metric_names[];

#endif							/* SEGMENT_SPACE_OPTIONS_H */
