/*
 * source_query.h: SQL text that users give as a source.  See source_query.c.
 */
#ifndef SEGMENT_SOURCE_QUERY_H
#define SEGMENT_SOURCE_QUERY_H

#include "compat.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "tcop/dest.h"
#include "utils/plancache.h"

/* What is to be read; all but the query may be left zero. */
typedef struct SourceText
{
	const char *query;
	const char *search_path;	/* NULL: the session's */
	Oid			only_type;		/* of the array of keys whose rows are wanted; 0: all rows */
	Datum		only;
	const char *key_column;		/* which these are compared with; NULL: the first */
} SourceText;

/* Plans of sources that outlive the statement, see source_query.c. */
typedef struct SourcePlans SourcePlans;

extern SourcePlans *segment_make_source_plans(MemoryContext context);
extern SourcePlans *segment_use_source_plans(SourcePlans *plans);
extern void segment_forget_source_plans(SourcePlans *plans);

extern void segment_source_only(SourceText *source, FunctionCallInfo fcinfo, int i, Oid key_type);
extern int	segment_enter_search_path(const char *search_path);
extern void segment_enter_plain_output(void);
extern CachedPlanSource *segment_prepare_source(const char *statement);
extern void segment_refuse_session_objects(const CachedPlanSource *source);
extern void segment_source_receiver(DestReceiver *receiver,
									bool (*receive) (TupleTableSlot *slot, DestReceiver *self),
									void (*startup) (DestReceiver *self, int operation,
													 TupleDesc desc));
extern void segment_source_run(const SourceText *source, DestReceiver *receiver);

#endif							/* SEGMENT_SOURCE_QUERY_H */
