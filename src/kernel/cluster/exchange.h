/*
 * exchange.h: moves single points between clusters.  See exchange.c.
 */
#ifndef SEGMENT_EXCHANGE_H
#define SEGMENT_EXCHANGE_H

#include "kernel/base/points.h"

extern SegmentStatus segment_exchange(const SegmentPoints *points, int k, double *centroids,
									  int32 *labels, int64 *moved, SegmentMemory memory,
									  SegmentInterrupted interrupted);

#endif							/* SEGMENT_EXCHANGE_H */
