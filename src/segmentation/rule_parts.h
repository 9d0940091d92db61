/*
 * rule_parts.h: the parts of a rule, each with its tokens.  See rule_parts.c.
 */
#ifndef SEGMENT_RULE_PARTS_H
#define SEGMENT_RULE_PARTS_H

#include "compat.h"

#include "nodes/pg_list.h"
#include "segmentation/rule_tokens.h"

typedef struct RulePart
{
	Node	   *node;			/* of the raw parse */
	int			first;			/* its tokens */
	int			last;
} RulePart;

extern RulePart segment_rule_part(void *node, int first, int last);
extern RulePart segment_rule_bare(const RuleTokens *tokens, RulePart part);
extern int	segment_rule_token_in(const RuleTokens *tokens, RulePart part, int location);
extern bool segment_rule_is_string(const Node *node);
extern List *segment_rule_parts(const RuleTokens *tokens, List *nodes, int n_nodes, int first, int last,
								TokenMeaning at);

#endif							/* SEGMENT_RULE_PARTS_H */
