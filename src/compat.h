/*
 * compat.h: the differences between PostgreSQL 15, 16, 17 and 18, and the only
 * file that may say PG_VERSION_NUM.
 */
#ifndef SEGMENT_COMPAT_H
#define SEGMENT_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "segment needs PostgreSQL 15 or later"
#endif

/* 16 moved the varlena macros out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 writes it first and without parentheses */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18 has no argument for whether a query is run once only */
#if PG_VERSION_NUM >= 180000
#define segment_executor_run(query) ExecutorRun(query, ForwardScanDirection, 0)
#else
#define segment_executor_run(query) ExecutorRun(query, ForwardScanDirection, 0, true)
#endif

/* 16 gave the reader of one session's status another name; i is from 1 */
#if PG_VERSION_NUM >= 160000
#define segment_session_status(i) pgstat_get_local_beentry_by_index(i)
#else
#define segment_session_status(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* 16 asks whether the value is to be copied; it is one passed by value */
#if PG_VERSION_NUM >= 160000
#define segment_tuplesort_getdatum(sort, value, isnull) \
	tuplesort_getdatum(sort, true, false, value, isnull, NULL)
#else
#define segment_tuplesort_getdatum(sort, value, isnull) \
	tuplesort_getdatum(sort, true, value, isnull, NULL)
#endif

/* 18 lets a module tell its name and version to pg_get_loaded_modules() */
#if PG_VERSION_NUM >= 180000
#define SEGMENT_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "segment", .version = SEGMENT_VERSION)
#else
#define SEGMENT_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 18 has an entry of the range table for what a level groups by */
#if PG_VERSION_NUM >= 180000
#define segment_group_expressions(entry) \
	((entry)->rtekind == RTE_GROUP ? (entry)->groupexprs : NIL)
#else
#define segment_group_expressions(entry) NIL
#endif

#endif							/* SEGMENT_COMPAT_H */
