/*
 * whole_stats.h: figures of all rows of a sampled feature set.  See whole_stats.c.
 */
#ifndef SEGMENT_WHOLE_STATS_H
#define SEGMENT_WHOLE_STATS_H

#include "feature/feature_space.h"
#include "kernel/base/moments.h"

extern SegmentColumnStats *segment_whole_stats(const FeatureSpace *space, const FeatureSet *set);
extern void segment_whole_moments(const SegmentColumnStats *stats, SegmentMoments *moments);

#endif							/* SEGMENT_WHOLE_STATS_H */
