/*
 * rule_words.c: a rule in plain words, for colleagues who read no SQL.
 *
 *		(orders >= 5 OR revenue > 1000) AND NOT unsubscribed
 *		AND last_order_at < as_of() - interval '90 days'
 *
 *		all of these hold:
 *		- orders is at least 5 or revenue is more than 1000
 *		- unsubscribed is false
 *		- last_order_at is more than 90 days before the refresh
 *
 * The parse of the rule says how it is built.  It has no text, but each part says at
 * which token it has its operator; so every part is known together with its tokens,
 * from the whole down (RulePart), and what is not worded, or does not fit, is told as it
 * was written, in backquotes.  Describing never fails for what is a rule.
 *
 * Words are as exact as the rule where values are missing: NOT is "is false", which
 * is not "does not hold".  One line has one kind of joint only, and so needs no
 * brackets; what is nested is a list.
 */
#include "segmentation/rule_words.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_describe_rule);

#define MAX_ON_LINE		3		/* conditions that stand on one line; more are a list */

/* A condition in words, or a list of them. */
typedef struct Phrase
{
	const char *text;			/* of a list what stands above it */
	const char *joint;			/* between its items on one line; NULL: they have none */
	List	   *items;			/* Phrase *; NIL: it is no list */
} Phrase;

typedef struct Words
{
	RuleTokens	tokens;
	int			negated;		/* negations around, in whose reach NULL and false differ */
} Words;

static Phrase *condition(Words *words, RulePart part, bool negated);

/* ---- conditions ---- */

static Phrase *
leaf(const char *text)
{
	Phrase	   *phrase = palloc0(sizeof(Phrase));

	phrase->text = text;
	return phrase;
}

/* A condition in a sentence about it, or below a line where it is a list itself. */
static Phrase *
about(const char *sentence, const char *line, Phrase *phrase)
{
	Phrase	   *result;

	if (phrase->items == NIL)
		return leaf(psprintf("%s %s", sentence, phrase->text));
	result = leaf(line);
	result->items = list_make1(phrase);
	return result;
}

static Phrase *
in_negation(Words *words, RulePart part)
{
	Phrase	   *phrase;

	words->negated++;
	phrase = condition(words, part, false);
	words->negated--;
	return phrase;
}

/* a IS [NOT] TRUE, FALSE or UNKNOWN; NULL: it does not fit */
static Phrase *
truth_words(Words *words, RulePart part, const BooleanTest *test, bool negated)
{
	int			at = segment_rule_token_in(&words->tokens, part, test->location);
	BoolTestType type = test->booltesttype;
	RulePart		argument;
	char	   *subject;

	if (at <= part.first)
		return NULL;
	if (negated)
	{
		static const BoolTestType opposite[] = {IS_NOT_TRUE, IS_TRUE, IS_NOT_FALSE, IS_FALSE,
		IS_NOT_UNKNOWN, IS_UNKNOWN};

		StaticAssertStmt(IS_TRUE == 0 && IS_NOT_TRUE == 1 && IS_FALSE == 2 && IS_NOT_FALSE == 3 &&
						 IS_UNKNOWN == 4 && IS_NOT_UNKNOWN == 5, "order of BoolTestType");
		type = opposite[type];
	}
	argument = segment_rule_bare(&words->tokens, segment_rule_part(test->arg, part.first, at - 1));
	if (IsA(argument.node, ColumnRef))
	{
		static const char *const ends[] = {"true", "not true (or not known)", "false",
		"not false (or not known)", "not known", "known"};

		subject = segment_operand_words(&words->tokens, argument);
		return leaf(psprintf("%s is %s", subject, ends[type]));
	}
	switch (type)
	{
		case IS_TRUE:
			if (words->negated == 0)
				return condition(words, argument, false);
			return about("it is known to hold that", "this is known to hold:",
						 condition(words, argument, false));
		case IS_FALSE:
			if (words->negated == 0)
				return condition(words, argument, true);
			return about("it is known to be false that", "this is known to be false:",
						 in_negation(words, argument));
		case IS_NOT_TRUE:
			return about("it is false (or not known) that", "this is false (or not known):",
						 in_negation(words, argument));
		case IS_NOT_FALSE:
			return about("it is true (or not known) that", "this is true (or not known):",
						 in_negation(words, argument));
		case IS_UNKNOWN:
			return about("it is not known whether", "it is not known whether this holds:",
						 in_negation(words, argument));
		default:
			return about("it is known whether", "it is known whether this holds:",
						 in_negation(words, argument));
	}
}

static char *
null_words(const Words *words, RulePart part, const NullTest *test, bool negated)
{
	int			at = segment_rule_token_in(&words->tokens, part, test->location);
	bool		is_null = (test->nulltesttype == IS_NULL) != negated;

	/* of a row it is about its columns */
	if (at <= part.first || IsA(test->arg, RowExpr))
		return NULL;
	return psprintf("%s is %sknown",
					segment_operand_words(&words->tokens,
										  segment_rule_part(test->arg, part.first, at - 1)),
					is_null ? "not " : "");
}

/* in_segment('loyalty', 'Champions') */
static char *
call_words(const Words *words, RulePart part, const FuncCall *call, bool negated)
{
	List	   *parts;

	if (strcmp(strVal(llast(call->funcname)), "in_segment") != 0 || list_length(call->args) != 2 ||
		!segment_rule_is_string(linitial(call->args)) || !segment_rule_is_string(lsecond(call->args)) ||
		!segment_rule_token_is(&words->tokens, part.last, ")"))
		return NULL;
	parts = segment_rule_parts(&words->tokens, call->args, 2, part.last - 3, part.last - 1,
							   TOKEN_COMMA);
	if (parts == NIL)
		return NULL;
	return psprintf("the customer is %sin segment %s of %s", negated ? "not " : "",
					segment_operand_words(&words->tokens, *(RulePart *) lsecond(parts)),
					segment_operand_words(&words->tokens, *(RulePart *) linitial(parts)));
}

/* a AND b, a OR b; NULL: it does not fit */
static Phrase *
joined_words(Words *words, RulePart part, const BoolExpr *expression, bool negated)
{
	bool		is_and = expression->boolop == AND_EXPR;
	List	   *parts = segment_rule_parts(&words->tokens, expression->args,
										   list_length(expression->args), part.first, part.last,
										   is_and ? TOKEN_AND : TOKEN_OR);
	Phrase	   *phrase = palloc0(sizeof(Phrase));
	ListCell   *cell;

	if (parts == NIL)
		return NULL;
	if (negated)
		phrase->text = is_and ? "at least one of these is false:" : "all of these are false:";
	else
	{
		phrase->text = is_and ? "all of these hold:" : "at least one of these holds:";
		phrase->joint = is_and ? " and " : " or ";
	}
	words->negated += negated;
	foreach(cell, parts)
		phrase->items = lappend(phrase->items, condition(words, *(RulePart *) lfirst(cell), false));
	words->negated -= negated;
	return phrase;
}

static char *
constant_words(const A_Const *constant, bool negated)
{
	if (constant->isnull || !IsA(&constant->val, Boolean))
		return NULL;
	return boolVal(&constant->val) != negated ? "always" : "never";
}

/* A condition that is to hold, or negated: to be false. */
static Phrase *
condition(Words *words, RulePart part, bool negated)
{
	Phrase	   *phrase = NULL;
	char	   *text = NULL;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	part = segment_rule_bare(&words->tokens, part);
	switch (nodeTag(part.node))
	{
		case T_BoolExpr:
			{
				const BoolExpr *expression = (const BoolExpr *) part.node;

				if (expression->boolop != NOT_EXPR)
					phrase = joined_words(words, part, expression, negated);
				else if (segment_rule_token_is(&words->tokens, part.first, "not"))
					return condition(words, segment_rule_part(linitial(expression->args),
															  part.first + 1, part.last), !negated);
				break;
			}
		case T_BooleanTest:
			phrase = truth_words(words, part, (BooleanTest *) part.node, negated);
			break;
		case T_A_Expr:
			text = segment_comparison_words(&words->tokens, part, negated);
			break;
		case T_NullTest:
			text = null_words(words, part, (NullTest *) part.node, negated);
			break;
		case T_FuncCall:
			text = call_words(words, part, (FuncCall *) part.node, negated);
			break;
		case T_A_Const:
			text = constant_words((A_Const *) part.node, negated);
			break;
		case T_ColumnRef:
			text = psprintf("%s is %s", segment_operand_words(&words->tokens, part),
							negated ? "false" : "true");
			break;
		default:
			break;
	}
	if (phrase != NULL)
		return phrase;
	return leaf(text != NULL ? text
				: psprintf("%s %s", segment_quoted_words(&words->tokens, part),
						   negated ? "is false" : "holds"));
}

/* ---- the whole ---- */

/* Whether a phrase is one line: a condition, or a few of them with one joint. */
static bool
on_one_line(const Phrase *phrase)
{
	ListCell   *cell;

	if (phrase->items == NIL)
		return true;
	if (phrase->joint == NULL || list_length(phrase->items) > MAX_ON_LINE)
		return false;
	foreach(cell, phrase->items)
		if (((Phrase *) lfirst(cell))->items != NIL)
			return false;
	return true;
}

static void
write_phrase(StringInfo out, const Phrase *phrase, int indent)
{
	ListCell   *cell;

	check_stack_depth();
	if (phrase->items == NIL)
		appendStringInfoString(out, phrase->text);
	else if (on_one_line(phrase))
		foreach(cell, phrase->items)
			appendStringInfo(out, "%s%s", foreach_current_index(cell) > 0 ? phrase->joint : "",
							 ((Phrase *) lfirst(cell))->text);
	else
	{
		appendStringInfoString(out, phrase->text);
		foreach(cell, phrase->items)
		{
			appendStringInfo(out, "\n%*s- ", indent, "");
			write_phrase(out, lfirst(cell), indent + 2);
		}
	}
}

/* describe_rule(rule): a rule in plain words */
Datum
segment_describe_rule(PG_FUNCTION_ARGS)
{
	char	   *rule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Node	   *expression = segment_rule_expression(rule);
	Words		words = {segment_rule_tokens(rule)};
	StringInfoData out;

	initStringInfo(&out);
	write_phrase(&out,
				 condition(&words, segment_rule_part(expression, 0, words.tokens.n - 1), false), 0);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
