/*
 * rule_parts.c: the parts of a rule, each with its tokens.
 *
 * From the whole down: of a part whose tokens are known, the parse says at which token
 * its operator is, and what stands on either side are the tokens of its operands.
 */
#include "segmentation/rule_parts.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

RulePart
segment_rule_part(void *node, int first, int last)
{
	RulePart	part = {node, first, last};

	return part;
}

/* Without brackets around it, but for those that it is made of. */
RulePart
segment_rule_bare(const RuleTokens *tokens, RulePart part)
{
	if (IsA(part.node, RowExpr) ||
		(IsA(part.node, SubLink) && ((SubLink *) part.node)->subLinkType == EXPR_SUBLINK))
		return part;
	while (part.first < part.last && segment_rule_token_is(tokens, part.first, "(") &&
		   tokens->token[part.first].partner == part.last)
	{
		part.first++;
		part.last--;
	}
	return part;
}

/* The number of the token at a place inside of a part; -1: it is none. */
int
segment_rule_token_in(const RuleTokens *tokens, RulePart part, int location)
{
	int			i = segment_rule_token_at(tokens, location);

	return i >= part.first && i <= part.last ? i : -1;
}

/*
 * Cuts tokens at those of a meaning outside of brackets; begins[0 .. n] are the first
 * tokens of the pieces, and the end + 2.  Returns n; more than room: it does not fit.
 */
static int
cut(const RuleTokens *tokens, int first, int last, TokenMeaning at, int room, int *begins)
{
	int			between = 0;
	int			n = 0;
	int			i;

	begins[0] = first;
	for (i = first; i <= last; i++)
	{
		const RuleToken *token = &tokens->token[i];

		if (token->meaning == TOKEN_OPENS)
			i = token->partner;
		else if (token->meaning == TOKEN_BETWEEN)
			between++;
		else if (token->meaning == TOKEN_AND && between > 0)
			between--;
		else if (token->meaning == at)
		{
			if (++n >= room)
				return room + 1;
			begins[n] = i + 1;
		}
	}
	begins[++n] = last + 2;
	return n;
}

/*
 * The parts of a list of nodes between commas, ANDs or ORs.  The parser makes one list
 * of (a AND b) AND c, so what comes first may be several nodes in brackets.
 * NIL: it does not fit.
 */
List *
segment_rule_parts(const RuleTokens *tokens, List *nodes, int n_nodes, int first, int last,
				   TokenMeaning at)
{
	int		   *begins = palloc(sizeof(int) * (n_nodes + 2));
	int			n = cut(tokens, first, last, at, n_nodes, begins);
	List	   *parts = NIL;
	int			i;

	check_stack_depth();
	if (n > n_nodes || n < 1)
		return NIL;
	if (n < n_nodes)
	{
		int			inner_last = begins[1] - 2;

		if (!segment_rule_token_is(tokens, first, "(") ||
			tokens->token[first].partner != inner_last)
			return NIL;
		parts = segment_rule_parts(tokens, nodes, n_nodes - n + 1, first + 1, inner_last - 1, at);
		if (parts == NIL)
			return NIL;
	}
	for (i = n < n_nodes ? 1 : 0; i < n; i++)
	{
		RulePart	   *part = palloc(sizeof(RulePart));

		*part = segment_rule_part(list_nth(nodes, n_nodes - n + i), begins[i], begins[i + 1] - 2);
		if (part->last < part->first)
			return NIL;
		parts = lappend(parts, part);
	}
	return parts;
}

/* Whether a node is a literal in quotes. */
bool
segment_rule_is_string(const Node *node)
{
	return IsA(node, A_Const) && !((const A_Const *) node)->isnull &&
		IsA(&((const A_Const *) node)->val, String);
}
