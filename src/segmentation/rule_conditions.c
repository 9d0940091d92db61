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
#include "common/keywords.h"
#include "fmgr.h"
#include "parser/scanner.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_rule_conditions);

/* What tokens mean here; all others are OTHER. */
typedef enum Meaning
{
	OTHER, OPENS, CLOSES, AND, OR, BETWEEN
} Meaning;

typedef struct Token
{
	Meaning		meaning;
	int			begin;			/* in bytes */
	int			end;
} Token;

typedef struct Tokens
{
	int			n;
	int			room;
	Token	   *token;
} Tokens;

static Meaning
meaning_of(const char *token, bool is_label)
{
	static const struct
	{
		const char *word;
		Meaning		meaning;
	}			words[] = {
		{"(", OPENS}, {"[", OPENS}, {"case", OPENS}, {")", CLOSES}, {"]", CLOSES}, {"end", CLOSES},
		{"and", AND}, {"or", OR}, {"between", BETWEEN}
	};
	int			i;

	/* a column may be called as a keyword where a table's name stands before it */
	if (is_label)
		return OTHER;
	for (i = 0; i < lengthof(words); i++)
		if (pg_strcasecmp(token, words[i].word) == 0)
			return words[i].meaning;
	return OTHER;
}

static Tokens
tokens_of(const char *rule)
{
	Tokens		tokens = {0};
	core_yy_extra_type extra;
	core_YYSTYPE value;
	YYLTYPE		at;
	bool		after_dot = false;
	core_yyscan_t scanner = scanner_init(rule, &extra, &ScanKeywords, ScanKeywordTokens);

	extra.escape_string_warning = false;
	while (core_yylex(&value, &at, scanner) != 0)
	{
		/* the scanner puts an end behind the token that it has read */
		const char *text = extra.scanbuf + at;

		if (tokens.n == tokens.room)
		{
			tokens.room = tokens.room == 0 ? 64 : 2 * tokens.room;
			tokens.token = tokens.token == NULL ? palloc(sizeof(Token) * tokens.room)
				: repalloc_huge(tokens.token, sizeof(Token) * tokens.room);
		}
		tokens.token[tokens.n].meaning = meaning_of(text, after_dot);
		tokens.token[tokens.n].begin = at;
		tokens.token[tokens.n].end = at + (int) strlen(text);
		tokens.n++;
		after_dot = strcmp(text, ".") == 0;
	}
	scanner_finish(scanner);
	return tokens;
}

/* The number of the token that closes what token i opens; n: none does. */
static int
closing(const Tokens *tokens, int i)
{
	int			depth = 0;

	for (; i < tokens->n; i++)
	{
		if (tokens->token[i].meaning == OPENS)
			depth++;
		else if (tokens->token[i].meaning == CLOSES && --depth == 0)
			return i;
	}
	return i;
}

/* Cuts the tokens at each AND of their own; false: they are one condition. */
static bool
cut(const Tokens *tokens, int first, int last, ArrayBuildState **pieces, const char *rule)
{
	int			begin = first;
	int			between = 0;
	int			i;

	for (i = first; i <= last + 1; i++)
	{
		Meaning		meaning = i > last ? AND : tokens->token[i].meaning;

		if (meaning == OR)
			return false;
		if (meaning == OPENS)
			i = closing(tokens, i);
		else if (meaning == BETWEEN)
			between++;
		else if (meaning == AND && i <= last && between > 0)
			between--;
		else if (meaning == AND && i > begin)
		{
			const Token *from = &tokens->token[begin];
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
	Tokens		tokens = tokens_of(rule);
	ArrayBuildState *pieces = NULL;
	int			first = 0;
	int			last = tokens.n - 1;

	while (last - first > 1 && rule[tokens.token[first].begin] == '(' &&
		   closing(&tokens, first) == last && !begins_query(rule + tokens.token[first + 1].begin))
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
