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
#include "compat.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "segmentation/rule_parts.h"
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
	int			negated;		/* how many negations stand around, in whose reach NULL and false differ */
} Words;

static bool
is_token(const Words *words, int i, const char *word)
{
	return segment_rule_token_is(&words->tokens, i, word);
}

/* The number of the token that closes what another opens. */
static int
partner(const Words *words, int i)
{
	return words->tokens.token[i].partner;
}

static RulePart
bare(const Words *words, RulePart part)
{
	return segment_rule_bare(&words->tokens, part);
}

static Phrase *condition(Words *words, RulePart part, bool negated);

/* ---- what a node is ---- */

static const char *
single_name(const List *name)
{
	return list_length(name) == 1 ? strVal(linitial(name)) : "";
}

static bool
is_string(const Node *node)
{
	return IsA(node, A_Const) && !((const A_Const *) node)->isnull &&
		IsA(&((const A_Const *) node)->val, String);
}

static bool
is_null(const Node *node)
{
	if (IsA(node, TypeCast))
		node = ((const TypeCast *) node)->arg;
	return IsA(node, A_Const) && ((const A_Const *) node)->isnull;
}

static bool
is_as_of(const Node *node)
{
	const FuncCall *call = (const FuncCall *) node;

	return IsA(node, FuncCall) && call->args == NIL && strcmp(strVal(llast(call->funcname)), "as_of") == 0;
}

/* The text of a literal of a type; NULL: it is none of that type. */
static const char *
literal_of(const Node *node, const char *const *types)
{
	const TypeCast *cast = (const TypeCast *) node;
	const char *type;

	if (!IsA(node, TypeCast) || !is_string(cast->arg) || cast->typeName->typmods != NIL ||
		cast->typeName->arrayBounds != NIL)
		return NULL;
	type = strVal(llast(cast->typeName->names));
	for (; *types != NULL; types++)
		if (strcmp(type, *types) == 0)
			return strVal(&((A_Const *) cast->arg)->val);
	return NULL;
}

/* Of a literal such as interval '90 days' the text, where that is a number and a unit, or more of them. */
static const char *
span_of(const Node *node)
{
	static const char *const types[] = {"interval", NULL};
	const char *text = literal_of(node, types);
	const char *at = text;

	if (text == NULL)
		return NULL;
	do
	{
		int			digits = strspn(at, "0123456789");
		int			letters;

		if (digits == 0 || at[digits] != ' ')
			return NULL;
		at += digits + 1;
		letters = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		/* "ago" would turn it round */
		if (letters == 0 || pg_strcasecmp(at + letters, " ago") == 0)
			return NULL;
		at += letters;
	} while (*at == ' ' && *++at != '\0');
	return *at == '\0' ? text : NULL;
}

/* A point in time. */
typedef struct Moment
{
	const char *point;			/* "the refresh"; NULL: it is no point in time */
	const char *span;			/* "90 days" before or after it; NULL: none */
	bool		before;
} Moment;

static Moment
moment_of(const Node *node)
{
	static const char *const types[] = {"date", "timestamp", "timestamptz", NULL};
	const A_Expr *sum = (const A_Expr *) node;
	Moment		moment = {NULL};

	if (is_as_of(node))
		moment.point = "the refresh";
	else if (IsA(node, A_Expr) && sum->kind == AEXPR_OP && sum->lexpr != NULL && is_as_of(sum->lexpr) &&
			 (strcmp(single_name(sum->name), "-") == 0 || strcmp(single_name(sum->name), "+") == 0))
	{
		moment.span = span_of(sum->rexpr);
		moment.before = strcmp(single_name(sum->name), "-") == 0;
		if (moment.span != NULL)
			moment.point = "the refresh";
	}
	else
		moment.point = literal_of(node, types);
	return moment;
}

static bool
is_constant(const Node *node)
{
	return IsA(node, A_Const) || moment_of(node).point != NULL || span_of(node) != NULL ||
		(IsA(node, TypeCast) && IsA(((const TypeCast *) node)->arg, A_Const));
}

/* Whether an operand can be told as it is written: names, literals, calls and sums of them. */
static bool
is_plain(const Node *node)
{
	ListCell   *cell;

	check_stack_depth();
	if (node == NULL)
		return true;
	switch (nodeTag(node))
	{
		case T_ColumnRef:
		case T_A_Const:
		case T_SQLValueFunction:
			return true;
		case T_TypeCast:
			return is_plain(((const TypeCast *) node)->arg);
		case T_FuncCall:
			{
				const FuncCall *call = (const FuncCall *) node;

				if (call->agg_order != NIL || call->agg_filter != NULL || call->over != NULL)
					return false;
				foreach(cell, call->args)
					if (!is_plain(lfirst(cell)))
						return false;
				return true;
			}
		case T_A_Expr:
			{
				const A_Expr *sum = (const A_Expr *) node;
				const char *name = single_name(sum->name);

				return sum->kind == AEXPR_OP && is_plain(sum->lexpr) && is_plain(sum->rexpr) &&
					(strcmp(name, "||") == 0 || (strlen(name) == 1 && strchr("+-*/%^", name[0]) != NULL));
			}
		default:
			return false;
	}
}

/* ---- operands ---- */

static char *
text_of(const Words *words, RulePart part)
{
	return segment_rule_text(&words->tokens, part.first, part.last);
}

/* Where the operator ends that begins at a token: OPERATOR(schema.+) and NOT LIKE are several. */
static int
operator_end(const Words *words, int i)
{
	if (is_token(words, i, "operator"))
		return partner(words, i + 1);
	return is_token(words, i, "not") ? i + 1 : i;
}

static char *
quoted(const Words *words, RulePart part)
{
	return psprintf("`%s`", text_of(words, bare(words, part)));
}

/* Operands of a binary operator, without brackets; false: it does not fit. */
static bool
operands_of(const Words *words, RulePart part, const A_Expr *expression, RulePart *left, RulePart *right)
{
	int			at = segment_rule_token_in(&words->tokens, part, expression->location);

	if (at < 0 || expression->lexpr == NULL || IsA(expression->rexpr, List))
		return false;
	*left = bare(words, segment_rule_part(expression->lexpr, part.first, at - 1));
	*right = bare(words, segment_rule_part(expression->rexpr, operator_end(words, at) + 1, part.last));
	return left->first <= left->last && right->first <= right->last;
}

static char *
operand(const Words *words, RulePart part)
{
	Node	   *node = part.node;
	Moment		moment = moment_of(node);
	RulePart		left;
	RulePart		right;

	check_stack_depth();
	part = bare(words, part);
	if (moment.point != NULL)
		return moment.span == NULL ? pstrdup(moment.point)
			: psprintf("%s %s %s", moment.span, moment.before ? "before" : "after", moment.point);
	if (span_of(node) != NULL)
		return pstrdup(span_of(node));
	if (IsA(node, ColumnRef) && list_length(((ColumnRef *) node)->fields) == 2 &&
		IsA(llast(((ColumnRef *) node)->fields), String) &&
		strcmp(strVal(linitial(((ColumnRef *) node)->fields)), "source") == 0)
		part.first = part.last;
	else if (IsA(node, A_Expr) && strcmp(single_name(((A_Expr *) node)->name), "-") == 0 &&
			 operands_of(words, part, (A_Expr *) node, &left, &right) && is_as_of(left.node) &&
			 IsA(right.node, ColumnRef))
		return psprintf("the time from %s to the refresh", operand(words, right));
	else if (IsA(node, CoalesceExpr) && list_length(((CoalesceExpr *) node)->args) == 2 &&
			 is_token(words, part.first + 1, "(") && partner(words, part.first + 1) == part.last)
	{
		List	   *parts = segment_rule_parts(&words->tokens, ((CoalesceExpr *) node)->args, 2, part.first + 2,
									 part.last - 1, TOKEN_COMMA);

		if (parts != NIL)
			return psprintf("%s (%s if not known)", operand(words, *(RulePart *) linitial(parts)),
							operand(words, *(RulePart *) lsecond(parts)));
	}
	return is_plain(node) ? text_of(words, part) : quoted(words, part);
}

static char *
operand_list(const Words *words, List *parts)
{
	StringInfoData list;
	ListCell   *cell;

	initStringInfo(&list);
	foreach(cell, parts)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", operand(words, *(RulePart *) lfirst(cell)));
	return list.data;
}

/* ---- comparisons; each returns NULL where it has no words ---- */

typedef enum Comparison
{
	LESS, AT_MOST, EQUAL, AT_LEAST, MORE, UNEQUAL, NO_COMPARISON
} Comparison;

static Comparison
comparison_of(const List *name)
{
	static const char *const names[] = {"<", "<=", "=", ">=", ">", "<>"};
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (strcmp(single_name(name), names[i]) == 0)
			return (Comparison) i;
	return NO_COMPARISON;
}

/* What a comparison with a point in time is called. */
static char *
time_words(const char *subject, Comparison comparison, Moment moment)
{
	static const char *const plain[] = {"before", "no later than", NULL, "no earlier than", "after", "not"};
	static const char *const before[] = {"more than", "at least", "exactly", "no earlier than", "later than", "not exactly"};
	static const char *const after[] = {"earlier than", "no later than", "exactly", "at least", "more than", "not exactly"};

	if (moment.span != NULL)
		return psprintf("%s is %s %s %s %s", subject, (moment.before ? before : after)[comparison],
						moment.span, moment.before ? "before" : "after", moment.point);
	if (plain[comparison] == NULL)
		return psprintf("%s is %s", subject, moment.point);
	return psprintf("%s is %s %s", subject, plain[comparison], moment.point);
}

static char *
comparison_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	static const Comparison mirrored[] = {MORE, AT_LEAST, EQUAL, AT_MOST, LESS, UNEQUAL};
	static const Comparison opposite[] = {AT_LEAST, MORE, UNEQUAL, LESS, AT_MOST, EQUAL};
	static const char *const plain[] = {"less than ", "at most ", "", "at least ", "more than ", "not "};
	Comparison	comparison = comparison_of(expression->name);
	RulePart		left;
	RulePart		right;

	if (comparison == NO_COMPARISON || !operands_of(words, part, expression, &left, &right) ||
		is_null(left.node) || is_null(right.node) || IsA(left.node, RowExpr) || IsA(right.node, RowExpr))
		return NULL;
	if (is_constant(left.node) && !is_constant(right.node))
	{
		RulePart		other = left;

		left = right;
		right = other;
		comparison = mirrored[comparison];
	}
	if (moment_of(right.node).point != NULL)
		return time_words(operand(words, left), negated ? opposite[comparison] : comparison,
						  moment_of(right.node));
	/* of all types alike only these two are each other's negation */
	if (negated && (comparison == EQUAL || comparison == UNEQUAL))
	{
		comparison = opposite[comparison];
		negated = false;
	}
	return psprintf("%s is %s%s%s", operand(words, left), negated ? "not " : "", plain[comparison],
					operand(words, right));
}

/* Patterns of LIKE that are a beginning, an end or a piece, and others. */
static char *
pattern_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	const char *name = single_name(expression->name);
	bool		ignoring_case = strchr(name, '*') != NULL;
	const char *verb = "match";
	const char *what = " the pattern";
	const char *pattern;
	int			length;
	RulePart		left;
	RulePart		right;
	char	   *value;

	if (!operands_of(words, part, expression, &left, &right) || is_null(right.node))
		return NULL;
	negated ^= name[0] == '!';
	value = operand(words, right);
	/* LIKE ... ESCAPE is a call */
	if (IsA(right.node, FuncCall))
		return NULL;
	if (expression->kind == AEXPR_OP)
		what = " the regular expression";
	else if (is_string(right.node))
	{
		pattern = strVal(&((A_Const *) right.node)->val);
		length = strlen(pattern);
		if (strpbrk(pattern, "_\\") == NULL && length > 1)
		{
			bool		open_begin = pattern[0] == '%';
			bool		open_end = pattern[length - 1] == '%';
			char	   *inner = pnstrdup(pattern + open_begin, length - open_begin - open_end);

			if (inner[0] != '\0' && strchr(inner, '%') == NULL && (open_begin || open_end))
			{
				verb = open_begin && open_end ? "contain" : open_begin ? "end" : "begin";
				what = open_begin && open_end ? "" : " with";
				value = quote_literal_cstr(inner);
			}
		}
	}
	return psprintf("%s %s%s%s%s %s%s", operand(words, left), negated ? "does not " : "", verb,
					negated ? "" : strcmp(verb, "match") == 0 ? "es" : "s", what, value,
					ignoring_case ? " (whatever the case of letters)" : "");
}

static char *
in_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = segment_rule_token_in(&words->tokens, part, expression->location);
	bool		not_in = single_name(expression->name)[0] == '<';
	List	   *nodes = (List *) expression->rexpr;
	List	   *parts;
	int			open;

	open = at < 0 ? -1 : at + (is_token(words, at, "not") ? 2 : 1);
	if (open < 0 || !IsA(nodes, List) || IsA(expression->lexpr, RowExpr) || !is_token(words, open, "(") ||
		partner(words, open) != part.last)
		return NULL;
	parts = segment_rule_parts(&words->tokens, nodes, list_length(nodes), open + 1, part.last - 1, TOKEN_COMMA);
	if (parts == NIL)
		return NULL;
	negated ^= not_in;
	return psprintf("%s is %s%s", operand(words, segment_rule_part(expression->lexpr, part.first, at - 1)),
					list_length(parts) > 1 ? (negated ? "none of " : "one of ") : negated ? "not " : "",
					operand_list(words, parts));
}

static char *
between_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = segment_rule_token_in(&words->tokens, part, expression->location);
	bool		symmetric = expression->kind == AEXPR_BETWEEN_SYM || expression->kind == AEXPR_NOT_BETWEEN_SYM;
	char	   *subject;
	char	   *from;
	char	   *to;
	List	   *parts;
	int			first;

	if (at < 0 || !IsA(expression->rexpr, List))
		return NULL;
	first = at + (is_token(words, at, "not") ? 2 : 1);
	if (is_token(words, first, "symmetric") || is_token(words, first, "asymmetric"))
		first++;
	parts = segment_rule_parts(&words->tokens, (List *) expression->rexpr, 2, first, part.last, TOKEN_AND);
	if (list_length(parts) != 2)
		return NULL;
	negated ^= expression->kind == AEXPR_NOT_BETWEEN || expression->kind == AEXPR_NOT_BETWEEN_SYM;
	subject = operand(words, segment_rule_part(expression->lexpr, part.first, at - 1));
	from = operand(words, *(RulePart *) linitial(parts));
	to = operand(words, *(RulePart *) lsecond(parts));
	if (symmetric)
		return psprintf("%s is %sfrom %s to %s (or from %s to %s)", subject, negated ? "not " : "",
						from, to, to, from);
	return psprintf("%s is %sfrom %s to %s", subject, negated ? "not " : "", from, to);
}

static char *
any_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = segment_rule_token_in(&words->tokens, part, expression->location);
	bool		all = expression->kind == AEXPR_OP_ALL;
	Comparison	comparison = comparison_of(expression->name);
	char	   *subject;
	RulePart		array;

	/* = ANY and <> ALL; of others few would guess what they mean */
	if (at < 0 || comparison != (all ? UNEQUAL : EQUAL) || !is_token(words, at + 2, "(") ||
		partner(words, at + 2) != part.last)
		return NULL;
	negated ^= all;
	subject = operand(words, segment_rule_part(expression->lexpr, part.first, at - 1));
	array = bare(words, segment_rule_part(expression->rexpr, at + 3, part.last - 1));
	if (IsA(array.node, A_ArrayExpr) && is_token(words, array.first + 1, "[") &&
		partner(words, array.first + 1) == array.last)
	{
		List	   *elements = ((A_ArrayExpr *) array.node)->elements;
		List	   *parts = segment_rule_parts(&words->tokens, elements, list_length(elements), array.first + 2,
									 array.last - 1, TOKEN_COMMA);

		if (parts != NIL)
			return psprintf("%s is %s of %s", subject, negated ? "none" : "one", operand_list(words, parts));
	}
	return psprintf("%s is %s element of %s", subject, negated ? "no" : "an", operand(words, array));
}

static char *
distinct_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = segment_rule_token_in(&words->tokens, part, expression->location);
	char	   *subject;
	char	   *value;
	RulePart		right;

	if (at < 0 || IsA(expression->lexpr, RowExpr))
		return NULL;
	/* IS [NOT] DISTINCT FROM */
	right = segment_rule_part(expression->rexpr, at + (expression->kind == AEXPR_DISTINCT ? 3 : 4), part.last);
	if (right.first > right.last)
		return NULL;
	negated ^= expression->kind == AEXPR_NOT_DISTINCT;
	subject = operand(words, segment_rule_part(expression->lexpr, part.first, at - 1));
	if (is_null(right.node))
		return psprintf("%s is %s", subject, negated ? "not known" : "known");
	value = operand(words, right);
	if (is_constant(right.node))
		return psprintf(negated ? "%s is %s" : "%s is not %s (or not known)", subject, value);
	return psprintf(negated ? "%s is the same as %s (or neither is known)"
					: "%s differs from %s (or only one of them is known)", subject, value);
}

static char *
expression_words(const Words *words, RulePart part, const A_Expr *expression, bool negated)
{
	switch (expression->kind)
	{
		case AEXPR_OP:
			if (single_name(expression->name)[0] == '~' || single_name(expression->name)[0] == '!')
			{
				static const char *const regular[] = {"~", "~*", "!~", "!~*"};
				int			i;

				for (i = 0; i < lengthof(regular); i++)
					if (strcmp(single_name(expression->name), regular[i]) == 0)
						return pattern_words(words, part, expression, negated);
				return NULL;
			}
			return comparison_words(words, part, expression, negated);
		case AEXPR_LIKE:
		case AEXPR_ILIKE:
			return pattern_words(words, part, expression, negated);
		case AEXPR_IN:
			return in_words(words, part, expression, negated);
		case AEXPR_BETWEEN:
		case AEXPR_NOT_BETWEEN:
		case AEXPR_BETWEEN_SYM:
		case AEXPR_NOT_BETWEEN_SYM:
			return between_words(words, part, expression, negated);
		case AEXPR_OP_ANY:
		case AEXPR_OP_ALL:
			return any_words(words, part, expression, negated);
		case AEXPR_DISTINCT:
		case AEXPR_NOT_DISTINCT:
			return distinct_words(words, part, expression, negated);
		default:
			return NULL;
	}
}

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
		static const BoolTestType opposite[] = {IS_NOT_TRUE, IS_TRUE, IS_NOT_FALSE, IS_FALSE, IS_NOT_UNKNOWN, IS_UNKNOWN};

		StaticAssertStmt(IS_TRUE == 0 && IS_NOT_TRUE == 1 && IS_FALSE == 2 && IS_NOT_FALSE == 3 &&
						 IS_UNKNOWN == 4 && IS_NOT_UNKNOWN == 5, "order of BoolTestType");
		type = opposite[type];
	}
	argument = bare(words, segment_rule_part(test->arg, part.first, at - 1));
	if (IsA(argument.node, ColumnRef))
	{
		static const char *const ends[] = {"true", "not true (or not known)", "false", "not false (or not known)",
		"not known", "known"};

		subject = operand(words, argument);
		return leaf(psprintf("%s is %s", subject, ends[type]));
	}
	switch (type)
	{
		case IS_TRUE:
			if (words->negated == 0)
				return condition(words, argument, false);
			return about("it is known to hold that", "this is known to hold:", condition(words, argument, false));
		case IS_FALSE:
			if (words->negated == 0)
				return condition(words, argument, true);
			return about("it is known to be false that", "this is known to be false:", in_negation(words, argument));
		case IS_NOT_TRUE:
			return about("it is false (or not known) that", "this is false (or not known):", in_negation(words, argument));
		case IS_NOT_FALSE:
			return about("it is true (or not known) that", "this is true (or not known):", in_negation(words, argument));
		case IS_UNKNOWN:
			return about("it is not known whether", "it is not known whether this holds:", in_negation(words, argument));
		default:
			return about("it is known whether", "it is known whether this holds:", in_negation(words, argument));
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
	return psprintf("%s is %sknown", operand(words, segment_rule_part(test->arg, part.first, at - 1)), is_null ? "not " : "");
}

/* in_segment('loyalty', 'Champions') */
static char *
call_words(const Words *words, RulePart part, const FuncCall *call, bool negated)
{
	List	   *parts;

	if (strcmp(strVal(llast(call->funcname)), "in_segment") != 0 || list_length(call->args) != 2 ||
		!is_string(linitial(call->args)) || !is_string(lsecond(call->args)) ||
		!is_token(words, part.last, ")"))
		return NULL;
	parts = segment_rule_parts(&words->tokens, call->args, 2, part.last - 3, part.last - 1, TOKEN_COMMA);
	if (parts == NIL)
		return NULL;
	return psprintf("the customer is %sin segment %s of %s", negated ? "not " : "",
					operand(words, *(RulePart *) lsecond(parts)), operand(words, *(RulePart *) linitial(parts)));
}

/* a AND b, a OR b; NULL: it does not fit */
static Phrase *
joined_words(Words *words, RulePart part, const BoolExpr *expression, bool negated)
{
	bool		is_and = expression->boolop == AND_EXPR;
	List	   *parts = segment_rule_parts(&words->tokens, expression->args, list_length(expression->args), part.first, part.last,
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
	part = bare(words, part);
	switch (nodeTag(part.node))
	{
		case T_BoolExpr:
			{
				const BoolExpr *expression = (const BoolExpr *) part.node;

				if (expression->boolop != NOT_EXPR)
					phrase = joined_words(words, part, expression, negated);
				else if (is_token(words, part.first, "not"))
					return condition(words, segment_rule_part(linitial(expression->args), part.first + 1, part.last), !negated);
				break;
			}
		case T_BooleanTest:
			phrase = truth_words(words, part, (BooleanTest *) part.node, negated);
			break;
		case T_A_Expr:
			text = expression_words(words, part, (A_Expr *) part.node, negated);
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
			text = psprintf("%s is %s", operand(words, part), negated ? "false" : "true");
			break;
		default:
			break;
	}
	if (phrase != NULL)
		return phrase;
	return leaf(text != NULL ? text : psprintf("%s %s", quoted(words, part), negated ? "is false" : "holds"));
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
	write_phrase(&out, condition(&words, segment_rule_part(expression, 0, words.tokens.n - 1), false), 0);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
