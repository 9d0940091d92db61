/*
 * trace.h: which tables a query reads, and by which of their columns its rows belong
 * to a customer.  See trace.c.
 */
#ifndef SEGMENT_TRACE_H
#define SEGMENT_TRACE_H

#include "compat.h"

#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"

/* A table that the query reads, in one place or several. */
typedef struct TracedTable
{
	Oid			relation;
	Bitmapset  *columns;		/* with the customer key, one for each place that reads it */
	const char *keyless;		/* why a place has none, for people; NULL: all have one */
} TracedTable;

typedef struct Trace
{
	const char *statement;
	Oid			key_type;		/* of the first column, which is the customer key */
	Oid			key_collation;
	List	   *tables;			/* TracedTable *, in the order met */
	const char *clock;			/* what reads the clock; NULL: nothing */
	const char *chance;			/* what else may give other rows of the same tables */
	const char *unseen;			/* what may read tables where nobody sees it */
	List	   *functions;		/* Oids of functions of users that are called */
} Trace;

extern bool segment_key_is_kept(Oid column_type, Oid key_type);
extern void segment_trace(Trace *trace, Query *query);

#endif							/* SEGMENT_TRACE_H */
