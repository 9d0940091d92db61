/*
 * rule_uses.h: the calls of in_segment() in a rule.  See rule_uses.c.
 */
#ifndef SEGMENT_RULE_USES_H
#define SEGMENT_RULE_USES_H

#include "compat.h"

#include "nodes/pg_list.h"

/* Places are bytes of the rule's text. */
typedef struct RuleUse
{
	int			begin;			/* of the function's name */
	int			end;			/* behind the closing bracket */
	char	   *segmentation;
	char	   *segment;
	int			at_begin;		/* of the expression of the instant; -1: there is none */
	int			at_end;
	bool		at_of_row;		/* whether that may differ from row to row */
} RuleUse;

extern List *segment_find_rule_uses(const char *rule);
extern bool segment_is_in_segment(Oid function);

#endif							/* SEGMENT_RULE_USES_H */
