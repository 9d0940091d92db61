/*
 * trainer.h: what trainers share.  See trainer.c.
 */
#ifndef SEGMENT_TRAINER_H
#define SEGMENT_TRAINER_H

#include "compat.h"

#include "kernel/base/points.h"

extern int	segment_check_k(int k, const SegmentPoints *points);
extern int *segment_order_of_segments(int k, const double *size, const double *center, int d);

#endif							/* SEGMENT_TRAINER_H */
