/*
 * source_query.h: SQL text that users give as a source.  See source_query.c.
 */
#ifndef SEGMENT_SOURCE_QUERY_H
#define SEGMENT_SOURCE_QUERY_H

#include "compat.h"

#include "executor/spi.h"
#include "tcop/dest.h"

extern void segment_source_run(const char *query, const char *search_path, DestReceiver *receiver);

#endif							/* SEGMENT_SOURCE_QUERY_H */
