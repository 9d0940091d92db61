/*
 * rule_operands.c: comparisons of a rule in words, and what they compare.
 *
 * Operands that are names, literals, calls and sums of them stand as they were written,
 * others in backquotes.  Points in time have words of their own: those relative to
 * as_of(), which is "the refresh", and dates.
 */
#include "segmentation/rule_words.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

/* what is used on each line here */
#define operand		segment_operand_words
#define bare		segment_rule_bare
#define part_of		segment_rule_part
#define parts_of	segment_rule_parts
#define token_in	segment_rule_token_in
#define token_is	segment_rule_token_is

/* ---- what a node is ---- */

static const char *
single_name(const List *name)
{
	return list_length(name) == 1 ? strVal(linitial(name)) : "";
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

	return IsA(node, FuncCall) && call->args == NIL &&
		strcmp(strVal(llast(call->funcname)), "as_of") == 0;
}

/* The text of a literal of a type; NULL: it is none of that type. */
static const char *
literal_of(const Node *node, const char *const *types)
{
	const TypeCast *cast = (const TypeCast *) node;
	const char *type;

	if (!IsA(node, TypeCast) || !segment_rule_is_string(cast->arg) || cast->typeName->typmods != NIL ||
		cast->typeName->arrayBounds != NIL)
		return NULL;
	type = strVal(llast(cast->typeName->names));
	for (; *types != NULL; types++)
		if (strcmp(type, *types) == 0)
			return strVal(&((A_Const *) cast->arg)->val);
	return NULL;
}

/* Of a literal such as interval '90 days' the text, where that is numbers and units. */
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
	else if (IsA(node, A_Expr) && sum->kind == AEXPR_OP && sum->lexpr != NULL &&
			 is_as_of(sum->lexpr) &&
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
					(strcmp(name, "||") == 0 ||
					 (strlen(name) == 1 && strchr("+-*/%^", name[0]) != NULL));
			}
		default:
			return false;
	}
}

/* ---- operands ---- */

static char *
text_of(const RuleTokens *tokens, RulePart part)
{
	return segment_rule_text(tokens, part.first, part.last);
}

/* Where the operator ends that begins at a token: OPERATOR(schema.+) and NOT LIKE are several. */
static int
operator_end(const RuleTokens *tokens, int i)
{
	if (token_is(tokens, i, "operator"))
		return tokens->token[i + 1].partner;
	return token_is(tokens, i, "not") ? i + 1 : i;
}

char *
segment_quoted_words(const RuleTokens *tokens, RulePart part)
{
	return psprintf("`%s`", text_of(tokens, bare(tokens, part)));
}

/* Operands of a binary operator, without brackets; false: it does not fit. */
static bool
operands_of(const RuleTokens *tokens, RulePart part, const A_Expr *expression,
			RulePart *left, RulePart *right)
{
	int			at = token_in(tokens, part, expression->location);

	if (at < 0 || expression->lexpr == NULL || IsA(expression->rexpr, List))
		return false;
	*left = bare(tokens, part_of(expression->lexpr, part.first, at - 1));
	*right = bare(tokens, part_of(expression->rexpr, operator_end(tokens, at) + 1, part.last));
	return left->first <= left->last && right->first <= right->last;
}

char *
segment_operand_words(const RuleTokens *tokens, RulePart part)
{
	Node	   *node = part.node;
	Moment		moment = moment_of(node);
	RulePart		left;
	RulePart		right;

	check_stack_depth();
	part = bare(tokens, part);
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
			 operands_of(tokens, part, (A_Expr *) node, &left, &right) && is_as_of(left.node) &&
			 IsA(right.node, ColumnRef))
		return psprintf("the time from %s to the refresh", operand(tokens, right));
	else if (IsA(node, CoalesceExpr) && list_length(((CoalesceExpr *) node)->args) == 2 &&
			 token_is(tokens, part.first + 1, "(") &&
			 tokens->token[part.first + 1].partner == part.last)
	{
		List	   *parts = parts_of(tokens, ((CoalesceExpr *) node)->args, 2, part.first + 2,
									 part.last - 1, TOKEN_COMMA);

		if (parts != NIL)
			return psprintf("%s (%s if not known)", operand(tokens, *(RulePart *) linitial(parts)),
							operand(tokens, *(RulePart *) lsecond(parts)));
	}
	return is_plain(node) ? text_of(tokens, part) : segment_quoted_words(tokens, part);
}

static char *
operand_list(const RuleTokens *tokens, List *parts)
{
	StringInfoData list;
	ListCell   *cell;

	initStringInfo(&list);
	foreach(cell, parts)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 operand(tokens, *(RulePart *) lfirst(cell)));
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
	static const char *const plain[] = {"before", "no later than", NULL, "no earlier than", "after",
	"not"};
	static const char *const before[] = {"more than", "at least", "exactly", "no earlier than",
	"later than", "not exactly"};
	static const char *const after[] = {"earlier than", "no later than", "exactly", "at least",
	"more than", "not exactly"};

	if (moment.span != NULL)
		return psprintf("%s is %s %s %s %s", subject, (moment.before ? before : after)[comparison],
						moment.span, moment.before ? "before" : "after", moment.point);
	if (plain[comparison] == NULL)
		return psprintf("%s is %s", subject, moment.point);
	return psprintf("%s is %s %s", subject, plain[comparison], moment.point);
}

static char *
comparison_words(const RuleTokens *tokens, RulePart part, const A_Expr *expression, bool negated)
{
	static const Comparison mirrored[] = {MORE, AT_LEAST, EQUAL, AT_MOST, LESS, UNEQUAL};
	static const Comparison opposite[] = {AT_LEAST, MORE, UNEQUAL, LESS, AT_MOST, EQUAL};
	static const char *const plain[] = {"less than ", "at most ", "", "at least ", "more than ",
	"not "};
	Comparison	comparison = comparison_of(expression->name);
	RulePart		left;
	RulePart		right;

	if (comparison == NO_COMPARISON || !operands_of(tokens, part, expression, &left, &right) ||
		is_null(left.node) || is_null(right.node) || IsA(left.node, RowExpr) ||
		IsA(right.node, RowExpr))
		return NULL;
	if (is_constant(left.node) && !is_constant(right.node))
	{
		RulePart		other = left;

		left = right;
		right = other;
		comparison = mirrored[comparison];
	}
	if (moment_of(right.node).point != NULL)
		return time_words(operand(tokens, left), negated ? opposite[comparison] : comparison,
						  moment_of(right.node));
	/* of all types alike only these two are each other's negation */
	if (negated && (comparison == EQUAL || comparison == UNEQUAL))
	{
		comparison = opposite[comparison];
		negated = false;
	}
	return psprintf("%s is %s%s%s", operand(tokens, left), negated ? "not " : "", plain[comparison],
					operand(tokens, right));
}

/* Patterns of LIKE that are a beginning, an end or a piece, and others. */
static char *
pattern_words(const RuleTokens *tokens, RulePart part, const A_Expr *expression, bool negated)
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

	if (!operands_of(tokens, part, expression, &left, &right) || is_null(right.node))
		return NULL;
	negated ^= name[0] == '!';
	value = operand(tokens, right);
	/* LIKE ... ESCAPE is a call */
	if (IsA(right.node, FuncCall))
		return NULL;
	if (expression->kind == AEXPR_OP)
		what = " the regular expression";
	else if (segment_rule_is_string(right.node))
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
	return psprintf("%s %s%s%s%s %s%s", operand(tokens, left), negated ? "does not " : "", verb,
					negated ? "" : strcmp(verb, "match") == 0 ? "es" : "s", what, value,
					ignoring_case ? " (whatever the case of letters)" : "");
}

static char *
in_words(const RuleTokens *tokens, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = token_in(tokens, part, expression->location);
	bool		not_in = single_name(expression->name)[0] == '<';
	List	   *nodes = (List *) expression->rexpr;
	List	   *parts;
	int			open;

	open = at < 0 ? -1 : at + (token_is(tokens, at, "not") ? 2 : 1);
	if (open < 0 || !IsA(nodes, List) || IsA(expression->lexpr, RowExpr) ||
		!token_is(tokens, open, "(") ||
		tokens->token[open].partner != part.last)
		return NULL;
	parts = parts_of(tokens, nodes, list_length(nodes), open + 1, part.last - 1, TOKEN_COMMA);
	if (parts == NIL)
		return NULL;
	negated ^= not_in;
	return psprintf("%s is %s%s", operand(tokens, part_of(expression->lexpr, part.first, at - 1)),
					list_length(parts) > 1 ? (negated ? "none of " : "one of ")
					: negated ? "not " : "",
					operand_list(tokens, parts));
}

static char *
between_words(const RuleTokens *tokens, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = token_in(tokens, part, expression->location);
	bool		symmetric = expression->kind == AEXPR_BETWEEN_SYM ||
		expression->kind == AEXPR_NOT_BETWEEN_SYM;
	char	   *subject;
	char	   *from;
	char	   *to;
	List	   *parts;
	int			first;

	if (at < 0 || !IsA(expression->rexpr, List))
		return NULL;
	first = at + (token_is(tokens, at, "not") ? 2 : 1);
	if (token_is(tokens, first, "symmetric") || token_is(tokens, first, "asymmetric"))
		first++;
	parts = parts_of(tokens, (List *) expression->rexpr, 2, first, part.last, TOKEN_AND);
	if (list_length(parts) != 2)
		return NULL;
	negated ^= expression->kind == AEXPR_NOT_BETWEEN || expression->kind == AEXPR_NOT_BETWEEN_SYM;
	subject = operand(tokens, part_of(expression->lexpr, part.first, at - 1));
	from = operand(tokens, *(RulePart *) linitial(parts));
	to = operand(tokens, *(RulePart *) lsecond(parts));
	if (symmetric)
		return psprintf("%s is %sfrom %s to %s (or from %s to %s)", subject, negated ? "not " : "",
						from, to, to, from);
	return psprintf("%s is %sfrom %s to %s", subject, negated ? "not " : "", from, to);
}

static char *
any_words(const RuleTokens *tokens, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = token_in(tokens, part, expression->location);
	bool		all = expression->kind == AEXPR_OP_ALL;
	Comparison	comparison = comparison_of(expression->name);
	char	   *subject;
	RulePart		array;

	/* = ANY and <> ALL; of others few would guess what they mean */
	if (at < 0 || comparison != (all ? UNEQUAL : EQUAL) || !token_is(tokens, at + 2, "(") ||
		tokens->token[at + 2].partner != part.last)
		return NULL;
	negated ^= all;
	subject = operand(tokens, part_of(expression->lexpr, part.first, at - 1));
	array = bare(tokens, part_of(expression->rexpr, at + 3, part.last - 1));
	if (IsA(array.node, A_ArrayExpr) && token_is(tokens, array.first + 1, "[") &&
		tokens->token[array.first + 1].partner == array.last)
	{
		List	   *elements = ((A_ArrayExpr *) array.node)->elements;
		List	   *parts = parts_of(tokens, elements, list_length(elements), array.first + 2,
									 array.last - 1, TOKEN_COMMA);

		if (parts != NIL)
			return psprintf("%s is %s of %s", subject, negated ? "none" : "one",
							operand_list(tokens, parts));
	}
	return psprintf("%s is %s element of %s", subject, negated ? "no" : "an",
					operand(tokens, array));
}

static char *
distinct_words(const RuleTokens *tokens, RulePart part, const A_Expr *expression, bool negated)
{
	int			at = token_in(tokens, part, expression->location);
	char	   *subject;
	char	   *value;
	RulePart		right;

	if (at < 0 || IsA(expression->lexpr, RowExpr))
		return NULL;
	/* IS [NOT] DISTINCT FROM */
	right = part_of(expression->rexpr, at + (expression->kind == AEXPR_DISTINCT ? 3 : 4),
					part.last);
	if (right.first > right.last)
		return NULL;
	negated ^= expression->kind == AEXPR_NOT_DISTINCT;
	subject = operand(tokens, part_of(expression->lexpr, part.first, at - 1));
	if (is_null(right.node))
		return psprintf("%s is %s", subject, negated ? "not known" : "known");
	value = operand(tokens, right);
	if (is_constant(right.node))
		return psprintf(negated ? "%s is %s" : "%s is not %s (or not known)", subject, value);
	return psprintf(negated ? "%s is the same as %s (or neither is known)"
					: "%s differs from %s (or only one of them is known)", subject, value);
}

/*
 * A comparison that holds, or negated: is false; NULL: it has no words.
 */
char *
segment_comparison_words(const RuleTokens *tokens, RulePart part, bool negated)
{
	const A_Expr *expression = (const A_Expr *) part.node;

	switch (expression->kind)
	{
		case AEXPR_OP:
			if (single_name(expression->name)[0] == '~' || single_name(expression->name)[0] == '!')
			{
				static const char *const regular[] = {"~", "~*", "!~", "!~*"};
				int			i;

				for (i = 0; i < lengthof(regular); i++)
					if (strcmp(single_name(expression->name), regular[i]) == 0)
						return pattern_words(tokens, part, expression, negated);
				return NULL;
			}
			return comparison_words(tokens, part, expression, negated);
		case AEXPR_LIKE:
		case AEXPR_ILIKE:
			return pattern_words(tokens, part, expression, negated);
		case AEXPR_IN:
			return in_words(tokens, part, expression, negated);
		case AEXPR_BETWEEN:
		case AEXPR_NOT_BETWEEN:
		case AEXPR_BETWEEN_SYM:
		case AEXPR_NOT_BETWEEN_SYM:
			return between_words(tokens, part, expression, negated);
		case AEXPR_OP_ANY:
		case AEXPR_OP_ALL:
			return any_words(tokens, part, expression, negated);
		case AEXPR_DISTINCT:
		case AEXPR_NOT_DISTINCT:
			return distinct_words(tokens, part, expression, negated);
		default:
			return NULL;
	}
}
