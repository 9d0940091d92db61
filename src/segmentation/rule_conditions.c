/*
 * rule_conditions.c: the conditions that a rule joins by AND, each as it was written.
 *
 * Told apart by tokens and not by the parse tree, which has no text:
 *
 *		revenue > 1000 AND (a OR b) AND day BETWEEN 1 AND 5
 *		--------------     --------     -------------------
 *
 * An AND counts outside of brackets and of CASE ... END, and where it is not that of
 * a BETWEEN.  A rule with an OR outside of brackets is one condition, as AND binds
 * closer.  Brackets around all of a rule are taken off first.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "segmentation/rule_tokens.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_rule_conditions);

/* Cuts the tokens at each AND of their own; false: they are one condition. */
static bool
cut(const RuleTokens *tokens, int first, int last, ArrayBuildState **pieces, const char *rule)
{
	int			begin = first;
	int			between = 0;
	int			i;

	for (i = first; i <= last + 1; i++)
	{
		TokenMeaning meaning = i > last ? TOKEN_AND : tokens->token[i].meaning;

		if (meaning == TOKEN_OR)
			return false;
		if (meaning == TOKEN_OPENS)
			i = tokens->token[i].partner;
		else if (meaning == TOKEN_BETWEEN)
			between++;
		else if (meaning == TOKEN_AND && i <= last && between > 0)
			between--;
		else if (meaning == TOKEN_AND && i > begin)
		{
			const RuleToken *from = &tokens->token[begin];
			int			length = tokens->token[i - 1].end - from->begin;

			*pieces = accumArrayResult(*pieces, PointerGetDatum(cstring_to_text_with_len(rule + from->begin, length)),
									   false, TEXTOID, CurrentMemoryContext);
			begin = i + 1;
		}
	}
	return true;
}

/* Whether brackets before this are those of a sub-select. */
static bool
begins_query(const char *text)
{
	static const char *const words[] = {"select", "values", "with", "table"};
	int			i;

	for (i = 0; i < lengthof(words); i++)
		if (pg_strncasecmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* rule_conditions(rule): the conditions of a rule that is one expression, in their order */
Datum
segment_rule_conditions(PG_FUNCTION_ARGS)
{
	char	   *rule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	RuleTokens	tokens = segment_rule_tokens(rule);
	ArrayBuildState *pieces = NULL;
	int			first = 0;
	int			last = tokens.n - 1;

	while (last - first > 1 && rule[tokens.token[first].begin] == '(' &&
		   tokens.token[first].partner == last && !begins_query(rule + tokens.token[first + 1].begin))
	{
		first++;
		last--;
	}
	if (!cut(&tokens, first, last, &pieces, rule) || pieces == NULL)
	{
		Datum		whole = PG_GETARG_DATUM(0);

		PG_RETURN_ARRAYTYPE_P(construct_array(&whole, 1, TEXTOID, -1, false, TYPALIGN_INT));
	}
	PG_RETURN_DATUM(makeArrayResult(pieces, CurrentMemoryContext));
}
