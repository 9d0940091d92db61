/*
 * trace_facts.h: a level of a query that is traced, and what is known there to be the
 * customer key.  See trace_facts.c.
 */
#ifndef SEGMENT_TRACE_FACTS_H
#define SEGMENT_TRACE_FACTS_H

#include "source/trace.h"

typedef struct Level
{
	struct Level *parent;		/* the level around it; NULL: none */
	Query	   *query;
	Trace	   *trace;
	List	   *facts;			/* expressions of this level, resolved, see above */
	const char *barrier;		/* what stopped the key above this level; NULL: nothing */
} Level;

extern bool segment_collation_is_no_wider(const Trace *trace, Oid collation);
extern Node *segment_strip_key(Node *node);
extern Node *segment_resolve(Level **level, Node *node);
extern bool segment_is_same(Level *level, Node *a, Node *b);
extern bool segment_is_key(Level *level, Node *node, List *facts);
extern List *segment_with_fact(Level *level, List *facts, Node *node);
extern bool segment_is_equality(Level *level, Node *condition, Node **left, Node **right);
extern List *segment_closure(Level *level, List *facts, List *conditions);
extern List *segment_with_coalesced(Level *level, List *facts, List *conditions);

#endif							/* SEGMENT_TRACE_FACTS_H */
