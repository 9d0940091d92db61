/*
 * function_rows.h: the rows of a set-returning function, kept as it made them.  See
 * function_rows.c.
 */
#ifndef SEGMENT_FUNCTION_ROWS_H
#define SEGMENT_FUNCTION_ROWS_H

#include "compat.h"

#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

extern Tuplestorestate *segment_function_rows(CachedPlanSource *source, ParamListInfo params,
											  QueryEnvironment *environment, EState **owner);

#endif							/* SEGMENT_FUNCTION_ROWS_H */
