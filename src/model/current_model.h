/*
 * current_model.h: the current model of a segmentation, by name.
 */
#ifndef SEGMENT_CURRENT_MODEL_H
#define SEGMENT_CURRENT_MODEL_H

#include "model/model.h"

extern SegmentModelValue *segment_current_model(const char *segmentation);

#endif							/* SEGMENT_CURRENT_MODEL_H */
