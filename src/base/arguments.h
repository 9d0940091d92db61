/*
 * arguments.h: arguments of SQL functions, checked.  See arguments.c.
 */
#ifndef SEGMENT_ARGUMENTS_H
#define SEGMENT_ARGUMENTS_H

#include "compat.h"

#include "fmgr.h"

extern void segment_refuse_null(FunctionCallInfo fcinfo, int arg, const char *name);
extern int	segment_arg_count(FunctionCallInfo fcinfo, int arg, const char *name, int least);
extern double segment_arg_number(FunctionCallInfo fcinfo, int arg, const char *name, double least);
extern uint64 segment_arg_seed(FunctionCallInfo fcinfo, int arg);
extern Oid	segment_arg_key_type(FunctionCallInfo fcinfo, int arg);
extern char *segment_arg_text(FunctionCallInfo fcinfo, int arg);
extern int	segment_name_in_list(const char *name, const char *const *list, const char *argument);

#endif							/* SEGMENT_ARGUMENTS_H */
