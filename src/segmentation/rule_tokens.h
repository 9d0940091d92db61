/*
 * rule_tokens.h: the text of a rule as tokens.  See rule_tokens.c.
 */
#ifndef SEGMENT_RULE_TOKENS_H
#define SEGMENT_RULE_TOKENS_H

#include "compat.h"

#include "nodes/nodes.h"

/* What tokens mean to whoever takes a rule apart; all others are OTHER. */
typedef enum TokenMeaning
{
	TOKEN_OTHER, TOKEN_OPENS, TOKEN_CLOSES, TOKEN_AND, TOKEN_OR, TOKEN_BETWEEN, TOKEN_COMMA
} TokenMeaning;

typedef struct RuleToken
{
	TokenMeaning meaning;
	int			begin;			/* in bytes */
	int			end;
	int			partner;		/* of one that opens, the number of the one that closes; n: none */
} RuleToken;

typedef struct RuleTokens
{
	const char *text;
	int			n;
	int			room;
	RuleToken  *token;
} RuleTokens;

extern RuleTokens segment_rule_tokens(const char *rule);
extern int	segment_rule_token_at(const RuleTokens *tokens, int location);
extern bool segment_rule_token_is(const RuleTokens *tokens, int i, const char *word);
extern char *segment_rule_text(const RuleTokens *tokens, int first, int last);

/* The raw parse of a rule alone; an error where it is not one expression.  In rules.c. */
extern Node *segment_rule_expression(const char *rule);

#endif							/* SEGMENT_RULE_TOKENS_H */
