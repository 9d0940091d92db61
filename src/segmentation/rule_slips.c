/*
 * rule_slips.c: what in a rule is hardly what its author meant, as far as its text tells.
 *
 *		null_comparison		x = NULL is never true
 *		null_in_list		x NOT IN (1, NULL) is never true
 *		or_of_negations		x <> 1 OR x <> 2 holds for every x
 *		and_of_equalities	x = 1 AND x = 2 holds for none
 *
 * and two that the data decide, which come with a question to ask of each row:
 *
 *		null_in_query		x NOT IN (SELECT y ...): a y that is NULL makes it never true
 *		not_of_unknown		NOT x, NOT x > 1, x <> 1, x NOT IN (...): where x is NULL, neither it
 *							nor its contrary holds; not where the rule speaks of x IS NULL, too
 *
 * NOT is followed inwards: NOT (x IN (1, NULL)) is x NOT IN (1, NULL), and of a AND b the
 * contrary is an OR.  Sub-selects speak of other rows, and are left alone.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "segmentation/rule_tokens.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_rule_slips);

typedef struct Slips
{
	RuleTokens	tokens;
	ReturnSetInfo *rsinfo;
	List	   *minded;			/* char *: columns of which the rule asks whether they are NULL */
	List	   *told;			/* char *: finding and subject that were told */
} Slips;

/* A comparison of one column with a constant. */
typedef struct Equality
{
	const char *column;
	const Node *constant;		/* of a list the first; NULL: it is no comparison */
	bool		equal;			/* = or IN; else <> or NOT IN */
} Equality;

static void
tell(Slips *slips, const char *finding, const char *subject, const char *question)
{
	Datum		values[3];
	bool		nulls[3] = {false, false, question == NULL};
	char	   *both = psprintf("%s %s", finding, subject);
	ListCell   *cell;

	foreach(cell, slips->told)
		if (strcmp(lfirst(cell), both) == 0)
			return;
	slips->told = lappend(slips->told, both);
	values[0] = CStringGetTextDatum(finding);
	values[1] = CStringGetTextDatum(subject);
	values[2] = question == NULL ? (Datum) 0 : CStringGetTextDatum(question);
	tuplestore_putvalues(slips->rsinfo->setResult, slips->rsinfo->setDesc, values, nulls);
}

/* ---- what a node is ---- */

/* The name of a column as SQL writes it; NULL: it is none. */
static char *
column_name(const Node *node)
{
	StringInfoData name;
	ListCell   *cell;

	if (node == NULL || !IsA(node, ColumnRef))
		return NULL;
	initStringInfo(&name);
	foreach(cell, ((const ColumnRef *) node)->fields)
	{
		if (!IsA(lfirst(cell), String))
			return NULL;
		appendStringInfo(&name, "%s%s", name.len > 0 ? "." : "",
						 quote_identifier(strVal(lfirst(cell))));
	}
	/* the source is what a column is of in any case */
	return strncmp(name.data, "source.", 7) == 0 ? name.data + 7 : name.data;
}

static const Node *
without_cast(const Node *node)
{
	while (IsA(node, TypeCast))
		node = ((const TypeCast *) node)->arg;
	return node;
}

static bool
is_null(const Node *node)
{
	node = without_cast(node);
	return IsA(node, A_Const) && ((const A_Const *) node)->isnull;
}

static const char *
operator_name(const A_Expr *expression)
{
	return list_length(expression->name) == 1 ? strVal(linitial(expression->name)) : "";
}

static bool
has_null(const Node *list)
{
	ListCell   *cell;

	if (!IsA(list, List))
		return false;
	foreach(cell, (const List *) list)
		if (is_null(lfirst(cell)))
			return true;
	return false;
}

static Equality
equality_of(const Node *node, bool negated)
{
	const A_Expr *expression = (const A_Expr *) node;
	Equality	result = {NULL};
	const Node *constant;
	const char *name;

	if (IsA(node, BoolExpr) && ((const BoolExpr *) node)->boolop == NOT_EXPR)
		return equality_of(linitial(((const BoolExpr *) node)->args), !negated);
	if (!IsA(node, A_Expr) || (expression->kind != AEXPR_OP && expression->kind != AEXPR_IN))
		return result;
	name = operator_name(expression);
	if (strcmp(name, "=") != 0 && strcmp(name, "<>") != 0)
		return result;
	result.equal = (name[0] == '=') != negated;
	result.column = column_name(expression->lexpr);
	constant = expression->rexpr;
	if (result.column == NULL && expression->kind == AEXPR_OP)
	{
		result.column = column_name(expression->rexpr);
		constant = expression->lexpr;
	}
	if (result.column == NULL)
		return result;
	/* lists of several may have some in common */
	if (expression->kind == AEXPR_IN)
		constant = list_length((const List *) expression->rexpr) == 1
			? linitial((const List *) expression->rexpr) : NULL;
	if (constant != NULL)
		constant = without_cast(constant);
	if (constant != NULL && IsA(constant, A_Const) && !((const A_Const *) constant)->isnull)
		result.constant = constant;
	return result;
}

/* The columns that are compared as they are, of which NULL makes the whole unknown. */
static void
tell_unknown(Slips *slips, Node *node)
{
	char	   *name = column_name(node);
	ListCell   *cell;

	if (name == NULL)
		return;
	foreach(cell, slips->minded)
		if (strcmp(lfirst(cell), name) == 0)
			return;
	tell(slips, "not_of_unknown", name, psprintf("(%s) IS NULL", name));
}

/* ---- the walk ---- */

/* Columns that the rule asks for NULL, wherever it does. */
static bool
find_minded(Node *node, Slips *slips)
{
	Node	   *argument = NULL;

	if (node == NULL || IsA(node, SubLink))
		return false;
	if (IsA(node, NullTest))
		argument = (Node *) ((NullTest *) node)->arg;
	else if (IsA(node, BooleanTest))
		argument = (Node *) ((BooleanTest *) node)->arg;
	else if (IsA(node, A_Expr) && (((A_Expr *) node)->kind == AEXPR_DISTINCT ||
								   ((A_Expr *) node)->kind == AEXPR_NOT_DISTINCT))
		argument = ((A_Expr *) node)->lexpr;
	else if (IsA(node, CoalesceExpr))
		argument = linitial(((CoalesceExpr *) node)->args);
	if (argument != NULL && column_name(argument) != NULL)
		slips->minded = lappend(slips->minded, column_name(argument));
	return raw_expression_tree_walker(node, find_minded, (void *) slips);
}

static void walk(Slips *slips, Node *node, bool negated);

/*
 * Of conditions joined by AND or OR, those that compare one column with two constants so
 * that together they say nothing, or what cannot be.
 */
static void
tell_pairs(Slips *slips, const BoolExpr *joined, bool is_or, bool negated)
{
	Equality   *first;
	int			n = 0;
	ListCell   *cell;
	int			i;

	/* of each column the first constant; others are compared with it */
	first = palloc(sizeof(Equality) * list_length(joined->args));
	foreach(cell, joined->args)
	{
		Equality	equality = equality_of(lfirst(cell), negated);

		if (equality.constant == NULL || equality.equal == is_or)
			continue;
		CHECK_FOR_INTERRUPTS();
		for (i = 0; i < n && strcmp(first[i].column, equality.column) != 0; i++)
			 /* looked for */ ;
		if (i == n)
			first[n++] = equality;
		else if (!equal(&((const A_Const *) first[i].constant)->val,
						&((const A_Const *) equality.constant)->val))
			tell(slips, is_or ? "or_of_negations" : "and_of_equalities", equality.column, NULL);
	}
}

static void
walk_comparison(Slips *slips, const A_Expr *expression, bool negated)
{
	const char *name = operator_name(expression);
	static const char *const comparisons[] = {"=", "<>", "<", "<=", ">", ">="};
	int			i;

	if (expression->kind == AEXPR_OP && expression->lexpr != NULL &&
		!IsA(expression->rexpr, List) &&
		(is_null(expression->lexpr) || is_null(expression->rexpr)))
	{
		const Node *other = is_null(expression->lexpr) ? expression->rexpr : expression->lexpr;
		char	   *column = column_name(other);

		for (i = 0; i < lengthof(comparisons); i++)
			if (strcmp(name, comparisons[i]) == 0)
				tell(slips, "null_comparison",
					 psprintf("%s %s NULL", column == NULL ? "..." : column, name), NULL);
		return;
	}
	if (expression->kind == AEXPR_IN && has_null(expression->rexpr))
	{
		if ((name[0] == '<') != negated)
		{
			char	   *column = column_name(expression->lexpr);

			tell(slips, "null_in_list", column == NULL ? "..." : column, NULL);
			return;
		}
	}
	/* negations that hold where the column is something else */
	if (expression->kind == AEXPR_IN || expression->kind == AEXPR_LIKE ||
		expression->kind == AEXPR_ILIKE)
	{
		if ((name[0] == '<' || name[0] == '!') != negated)
			tell_unknown(slips, expression->lexpr);
	}
	else if (expression->kind == AEXPR_BETWEEN || expression->kind == AEXPR_NOT_BETWEEN ||
			 expression->kind == AEXPR_BETWEEN_SYM || expression->kind == AEXPR_NOT_BETWEEN_SYM)
	{
		if ((expression->kind == AEXPR_NOT_BETWEEN ||
			 expression->kind == AEXPR_NOT_BETWEEN_SYM) != negated)
			tell_unknown(slips, expression->lexpr);
	}
	else if (expression->kind == AEXPR_OP && (strcmp(name, "<>") == 0) != negated)
	{
		tell_unknown(slips, expression->lexpr);
		tell_unknown(slips, expression->rexpr);
	}
}

/* NOT x IN (SELECT y ...) */
static void
walk_query(Slips *slips, const SubLink *link, bool negated)
{
	int			at = segment_rule_token_at(&slips->tokens, link->location);
	char	   *column;
	char	   *query;

	if (link->subLinkType != ANY_SUBLINK || link->operName != NIL || !negated || at < 0 ||
		IsA(link->testexpr, RowExpr))
		return;
	tell_unknown(slips, link->testexpr);
	at += segment_rule_token_is(&slips->tokens, at, "not") ? 2 : 1;
	if (!segment_rule_token_is(&slips->tokens, at, "(") ||
		slips->tokens.token[at].partner >= slips->tokens.n)
		return;
	query = segment_rule_text(&slips->tokens, at + 1, slips->tokens.token[at].partner - 1);
	column = column_name(link->testexpr);
	tell(slips, "null_in_query", column == NULL ? "..." : column,
		 psprintf("EXISTS (SELECT FROM (%s) AS segment_listed (value) WHERE segment_listed.value IS NULL)", query));
}

static void
walk(Slips *slips, Node *node, bool negated)
{
	ListCell   *cell;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	switch (nodeTag(node))
	{
		case T_BoolExpr:
			{
				const BoolExpr *joined = (const BoolExpr *) node;

				if (joined->boolop == NOT_EXPR)
					negated = !negated;
				else
					tell_pairs(slips, joined, (joined->boolop == OR_EXPR) != negated, negated);
				foreach(cell, joined->args)
					walk(slips, lfirst(cell), negated);
				break;
			}
		case T_BooleanTest:
			/* minds what is unknown; inside, slips are slips */
			walk(slips, (Node *) ((BooleanTest *) node)->arg, false);
			break;
		case T_ColumnRef:
			if (negated)
				tell_unknown(slips, node);
			break;
		case T_SubLink:
			walk_query(slips, (SubLink *) node, negated);
			break;
		case T_A_Expr:
			walk_comparison(slips, (A_Expr *) node, negated);
			break;
		default:
			break;
	}
}

/* rule_slips(rule): findings, what each is about, and the question that decides it, if any */
Datum
segment_rule_slips(PG_FUNCTION_ARGS)
{
	char	   *rule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Node	   *expression = segment_rule_expression(rule);
	Slips		slips = {segment_rule_tokens(rule)};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	slips.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	(void) find_minded(expression, &slips);
	walk(&slips, expression, false);
	return (Datum) 0;
}
