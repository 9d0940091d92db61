/*
 * fill.h: INSERT of many rows at once.  See fill.c.
 */
#ifndef SEGMENT_FILL_H
#define SEGMENT_FILL_H

#include "compat.h"

#include "nodes/params.h"
#include "utils/plancache.h"
#include "utils/queryenvironment.h"

extern bool segment_fill(CachedPlanSource *source, ParamListInfo params,
						 QueryEnvironment *environment, uint64 *rows);

#endif							/* SEGMENT_FILL_H */
