/*
 * model_cache.h: models that were read, for the length of a session.
 */
#ifndef SEGMENT_MODEL_CACHE_H
#define SEGMENT_MODEL_CACHE_H

#include "model/model.h"

extern Model *segment_model_acquire(const SegmentModelValue *value);
extern void segment_model_release(Model *model);

#endif							/* SEGMENT_MODEL_CACHE_H */
