/*
 * rule_tokens.c: the text of a rule as tokens, which are told apart by the server's
 * scanner.
 *
 * The parse tree of a rule has no text, but says at which byte each of its parts has
 * its operator or its first token.  From there tokens lead to the text of the part:
 * what opens knows what closes it, and CASE ... END is a pair of brackets, too.
 */
#include "segmentation/rule_tokens.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "parser/scanner.h"

static TokenMeaning
meaning_of(const char *token, bool is_label)
{
	static const struct
	{
		const char *word;
		TokenMeaning meaning;
	}			words[] = {
		{"(", TOKEN_OPENS}, {"[", TOKEN_OPENS}, {"case", TOKEN_OPENS}, {")", TOKEN_CLOSES},
		{"]", TOKEN_CLOSES}, {"end", TOKEN_CLOSES}, {"and", TOKEN_AND}, {"or", TOKEN_OR},
		{"between", TOKEN_BETWEEN}, {",", TOKEN_COMMA}
	};
	int			i;

	/* a column may be called as a keyword where a table's name stands before it */
	if (is_label)
		return TOKEN_OTHER;
	for (i = 0; i < lengthof(words); i++)
		if (pg_strcasecmp(token, words[i].word) == 0)
			return words[i].meaning;
	return TOKEN_OTHER;
}

static void
find_partners(RuleTokens *tokens)
{
	int		   *open = palloc(sizeof(int) * Max(tokens->n, 1));
	int			depth = 0;
	int			i;

	for (i = 0; i < tokens->n; i++)
	{
		tokens->token[i].partner = tokens->n;
		if (tokens->token[i].meaning == TOKEN_OPENS)
			open[depth++] = i;
		else if (tokens->token[i].meaning == TOKEN_CLOSES && depth > 0)
			tokens->token[open[--depth]].partner = i;
	}
	pfree(open);
}

RuleTokens
segment_rule_tokens(const char *rule)
{
	RuleTokens	tokens = {rule};
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
			tokens.token = tokens.token == NULL ? palloc(sizeof(RuleToken) * tokens.room)
				: repalloc_huge(tokens.token, sizeof(RuleToken) * tokens.room);
		}
		tokens.token[tokens.n].meaning = meaning_of(text, after_dot);
		tokens.token[tokens.n].begin = at;
		tokens.token[tokens.n].end = at + (int) strlen(text);
		tokens.n++;
		after_dot = strcmp(text, ".") == 0;
	}
	scanner_finish(scanner);
	find_partners(&tokens);
	return tokens;
}

/* The number of the token that begins at a byte; -1: none does. */
int
segment_rule_token_at(const RuleTokens *tokens, int location)
{
	int			low = 0;
	int			high = tokens->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (tokens->token[middle].begin < location)
			low = middle + 1;
		else
			high = middle;
	}
	return low < tokens->n && tokens->token[low].begin == location ? low : -1;
}

bool
segment_rule_token_is(const RuleTokens *tokens, int i, const char *word)
{
	int			length = (int) strlen(word);

	return i >= 0 && i < tokens->n && tokens->token[i].end - tokens->token[i].begin == length &&
		pg_strncasecmp(tokens->text + tokens->token[i].begin, word, length) == 0;
}

/* Tokens as they were written, on one line and without comments. */
char *
segment_rule_text(const RuleTokens *tokens, int first, int last)
{
	StringInfoData text;
	int			i;

	initStringInfo(&text);
	for (i = first; i <= last; i++)
	{
		const RuleToken *token = &tokens->token[i];

		if (i > first && token->begin > token[-1].end)
			appendStringInfoChar(&text, ' ');
		appendBinaryStringInfo(&text, tokens->text + token->begin, token->end - token->begin);
	}
	return text.data;
}
