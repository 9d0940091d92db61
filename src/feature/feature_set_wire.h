/*
 * feature_set_wire.h: feature sets as bytes.  See feature_set_wire.c.
 */
#ifndef SEGMENT_FEATURE_SET_WIRE_H
#define SEGMENT_FEATURE_SET_WIRE_H

#include "feature/feature_set.h"
#include "lib/stringinfo.h"

extern void segment_feature_set_write_columns(const FeatureSet *set, StringInfo out);
extern void segment_feature_set_read_columns(FeatureSet *set, StringInfo in);

#endif							/* SEGMENT_FEATURE_SET_WIRE_H */
