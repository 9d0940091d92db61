/*
 * trainer.h: the arguments that trainers share.  See trainer.c.
 */
#ifndef SEGMENT_TRAINER_H
#define SEGMENT_TRAINER_H

#include "feature/feature_space.h"
#include "kernel/base/points.h"

extern int	segment_arg_count(FunctionCallInfo fcinfo, int arg, const char *name, int least);
extern double segment_arg_number(FunctionCallInfo fcinfo, int arg, const char *name, double least);
extern uint64 segment_arg_seed(FunctionCallInfo fcinfo, int arg);
extern char *segment_arg_text(FunctionCallInfo fcinfo, int arg);
extern void segment_arg_space_options(FunctionCallInfo fcinfo, int arg, SpaceOptions *options);
extern int	segment_check_k(int k, const SegmentPoints *points);
extern int *segment_order_of_segments(int k, const double *size, const double *center, int d);

#endif							/* SEGMENT_TRAINER_H */
