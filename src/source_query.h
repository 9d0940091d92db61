/*
 * source_query.h: SQL text that users give as a source.  See source_query.c.
 */
#ifndef SEGMENT_SOURCE_QUERY_H
#define SEGMENT_SOURCE_QUERY_H

#include "compat.h"

#include "executor/spi.h"
#include "tcop/dest.h"

extern SPIPlanPtr segment_source_prepare(const char *query);
extern void segment_source_run(SPIPlanPtr plan, DestReceiver *receiver);

#endif							/* SEGMENT_SOURCE_QUERY_H */
