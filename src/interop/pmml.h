/*
 * pmml.h: models as PMML.  See pmml.c.
 */
#ifndef SEGMENT_PMML_H
#define SEGMENT_PMML_H

#include "feature/feature_space.h"

/* pmml_write.c: pieces that all models share */
extern void segment_pmml_value(StringInfo out, const char *text);
extern char *segment_pmml_new_name(const FeatureSpace *space, char *name);
extern char *segment_pmml_coordinate(const FeatureSpace *space, int feature);
extern void segment_pmml_begin_apply(StringInfo out, const char *function);
extern void segment_pmml_end_apply(StringInfo out);
extern void segment_pmml_field(StringInfo out, const char *name);
extern void segment_pmml_constant(StringInfo out, double x);
extern void segment_pmml_begin_derived(StringInfo out, const char *name);
extern void segment_pmml_end_derived(StringInfo out);
extern void segment_pmml_data_field(StringInfo out, const SpaceFeature *feature);
extern void segment_pmml_mining_fields(StringInfo out, const FeatureSpace *space);
extern void segment_pmml_output(StringInfo out, const FeatureSpace *space);
extern void segment_pmml_coordinates(StringInfo out, const FeatureSpace *space);
extern void segment_pmml_count(StringInfo out, const char *attribute, double size);

/* pmml_tree.c: a hierarchy of centroids */
extern void segment_pmml_tree(StringInfo out, const Model *model);

#endif							/* SEGMENT_PMML_H */
