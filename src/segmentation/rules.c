/*
 * rules.c: rules of segments, which are SQL expressions that people wrote.
 *
 * A rule is one boolean expression over the columns of a source.  It is checked by
 * the server's own parser, twice:
 *
 *	alone			the text must be one expression and nothing else: a rule such as
 *					"a) FROM x WHERE (b" is none, though it would be SQL where it is pasted
 *	in its place	SELECT (rule) FROM (source) AS source: the statement that a refresh
 *					runs, with the other rules beside it.  It must be boolean, and tell of
 *					one row at a time, the same whenever it is asked: no aggregate of all
 *					rows, no set, nothing volatile, no clock.
 *
 * Where in the rule an error is stays: positions in the statement become positions
 * in the rule.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parser.h"
#include "rewrite/rewriteManip.h"
#include "segmentation/checked.h"
#include "segmentation/rule_clock.h"
#include "segmentation/rule_tokens.h"
#include "segmentation/rule_uses.h"
#include "source/source_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/plancache.h"

PG_FUNCTION_INFO_V1(segment_rule_columns);

/* What stands before a rule in a statement; the rule ends before the line end. */
#define BEFORE_RULE "SELECT (\n"

typedef struct Rule
{
	const char *text;
	const char *statement;		/* the rule in its place */
	int			first;			/* where it begins there, in bytes */
	int			end;			/* behind its last byte */
} Rule;

/* ---- where an error is ---- */

/* An error at a byte of the statement; error_in_place makes it one in the rule. */
static int
at_location(const Rule *rule, int location)
{
	if (location >= 0)
	{
		internalerrposition(pg_mbstrlen_with_len(rule->statement, location) + 1);
		internalerrquery(rule->statement);
	}
	return 0;
}

/* Errors that the server finds while the rule is parsed alone. */
static void
error_alone(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(((Rule *) arg)->text);
	}
}

/* The same in the statement, which SPI has made the internal query. */
static void
error_in_place(void *arg)
{
	const Rule *rule = arg;
	int			before = pg_mbstrlen_with_len(rule->statement, rule->first);
	int			position = getinternalerrposition() - before;

	if (position > 0 && position <= pg_mbstrlen(rule->text) + 1)
	{
		internalerrposition(position);
		internalerrquery(rule->text);
	}
	if (geterrcode() == ERRCODE_GROUPING_ERROR)
		errhint("What aggregates the rows of the source belongs into the source, as a column, or into a sub-select.");
}

/* ---- alone ---- */

static bool
is_one_expression(const SelectStmt *select)
{
	const ResTarget *target;
	const ColumnRef *column;

	if (list_length(select->targetList) != 1 || select->distinctClause != NIL ||
		select->intoClause != NULL || select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->valuesLists != NIL || select->sortClause != NIL ||
		select->limitOffset != NULL || select->limitCount != NULL ||
		select->lockingClause != NIL || select->withClause != NULL || select->op != SETOP_NONE)
		return false;
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		return false;
	column = (const ColumnRef *) target->val;
	return !(IsA(column, ColumnRef) && IsA(llast(column->fields), A_Star));
}

static Node *
check_alone(Rule *rule)
{
	ErrorContextCallback callback = {error_context_stack, error_alone, rule};
	List	   *parsed;
	Node	   *statement;

	if (rule->text[strspn(rule->text, " \t\r\n\f")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the rule is empty"),
				 errhint("A rule is a boolean expression, for instance: revenue > 1000 AND orders >= 5.")));
	error_context_stack = &callback;
	parsed = raw_parser(rule->text, RAW_PARSE_PLPGSQL_EXPR);
	error_context_stack = callback.previous;
	statement = linitial_node(RawStmt, parsed)->stmt;
	if (!IsA(statement, SelectStmt) || !is_one_expression((SelectStmt *) statement))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the rule is not one boolean expression"),
				 errhint("Write what stands behind WHERE, for instance: revenue > 1000 AND orders >= 5.")));
	return linitial_node(ResTarget, ((SelectStmt *) statement)->targetList)->val;
}

Node *
segment_rule_expression(const char *text)
{
	Rule		rule = {text};

	return check_alone(&rule);
}

/* ---- in its place ---- */

static void
refuse_clock(const Rule *rule, int location)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a rule must not read the clock"),
			 errhint("as_of() is the instant that a refresh speaks of."),
			 at_location(rule, location)));
}

static bool
refuse_clocks(Node *node, const Rule *rule)
{
	int			location;

	if (node == NULL)
		return false;
	if (segment_reads_clock(node, &location))
		refuse_clock(rule, location);
	if (IsA(node, Const))
	{
		const Const *constant = (const Const *) node;

		if (constant->location >= rule->first && constant->location < rule->end &&
			segment_is_clock_literal(rule->statement, constant))
			refuse_clock(rule, constant->location);
	}
	else if (IsA(node, Query))
		return query_tree_walker((Query *) node, refuse_clocks, (void *) rule, 0);
	return expression_tree_walker(node, refuse_clocks, (void *) rule);
}

static bool
refuse_locks(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		if (((Query *) node)->rowMarks != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a rule must not lock rows"),
					 errhint("Leave FOR UPDATE or FOR SHARE out.")));
		return query_tree_walker((Query *) node, refuse_locks, context, 0);
	}
	return expression_tree_walker(node, refuse_locks, context);
}

/* What a rule must be, beyond what the server asks of an expression. */
static void
check_in_place(const Rule *rule, const Query *query)
{
	Node	   *expression = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	Oid			type = exprType(expression);

	if (query->hasAggs)
		ereport(ERROR,
				(errcode(ERRCODE_GROUPING_ERROR),
				 errmsg("a rule must not aggregate the rows of the source"),
				 at_location(rule, locate_agg_of_level(expression, 0))));
	if (query->hasWindowFuncs)
		ereport(ERROR,
				(errcode(ERRCODE_WINDOWING_ERROR),
				 errmsg("a rule must not use window functions"),
				 errhint("Let the source have it as a column."),
				 at_location(rule, locate_windowfunc(expression))));
	if (query->hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a rule must not return a set"),
				 errhint("Ask with EXISTS (SELECT ...) or = ANY (ARRAY(SELECT ...)).")));
	if (type != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the rule is of type %s, expected boolean", format_type_be(type)),
				 errhint("Compare it with something, for instance: revenue > 1000.")));
	refuse_locks(expression, NULL);
	refuse_clocks(expression, rule);
	if (contain_volatile_functions(expression))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a rule must not call a volatile function"),
				 errdetail("The same customer would be in another segment at each refresh."),
				 errhint("A stable share of customers is a hash of the key, for instance: hashint8(customer_id) %% 10 = 0.")));
}

/* ---- the columns that a rule reads ---- */

typedef struct Used
{
	int			levels_up;		/* of sub-selects */
	bool	   *column;			/* by number, from 1 */
	int			n;
} Used;

/* The source is the one relation of the outermost query. */
static bool
find_used(Node *node, Used *used)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var  *var = (Var *) node;
		int			i;

		if (var->varno == 1 && (int) var->varlevelsup == used->levels_up)
			for (i = 1; i <= used->n; i++)
				if (var->varattno == i || var->varattno == InvalidAttrNumber)
					used->column[i] = true;
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		used->levels_up++;
		result = query_tree_walker((Query *) node, find_used, used, 0);
		used->levels_up--;
		return result;
	}
	return expression_tree_walker(node, find_used, used);
}

static ArrayType *
used_columns(const Query *query)
{
	const RangeTblEntry *source = linitial_node(RangeTblEntry, query->rtable);
	Used		used = {0};
	Datum	   *names;
	int			n = 0;
	int			i;

	used.n = list_length(source->eref->colnames);
	used.column = palloc0(sizeof(bool) * (used.n + 1));
	names = palloc(sizeof(Datum) * (used.n + 1));
	(void) find_used((Node *) linitial_node(TargetEntry, query->targetList)->expr, &used);
	for (i = 1; i <= used.n; i++)
		if (used.column[i])
			names[n++] = CStringGetTextDatum(strVal(list_nth(source->eref->colnames, i - 1)));
	return construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT);
}

/* ---- the segmentations that a rule uses ---- */

typedef struct InSegments
{
	const Rule *rule;
	Bitmapset  *places;			/* bytes of the rule where a call of our in_segment() begins */
} InSegments;

static bool
find_in_segments(Node *node, InSegments *found)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && segment_is_in_segment(((FuncExpr *) node)->funcid))
	{
		int			location = ((FuncExpr *) node)->location;

		/* those in views have no place */
		if (location >= found->rule->first && location < found->rule->end)
			found->places = bms_add_member(found->places, location - found->rule->first);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_in_segments, found, 0);
	return expression_tree_walker(node, find_in_segments, found);
}

/* What is called in_segment is replaced where it is run, and has to be ours. */
static void
check_uses(const Rule *rule, const Query *query)
{
	InSegments	found = {rule, NULL};
	List	   *uses = segment_find_rule_uses(rule->text);
	ListCell   *cell;

	if (uses == NIL)
		return;
	(void) find_in_segments((Node *) linitial_node(TargetEntry, query->targetList)->expr, &found);
	foreach(cell, uses)
	{
		const RuleUse *use = lfirst(cell);

		if (!bms_is_member(use->begin, found.places))
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_FUNCTION),
					 errmsg("in_segment() is not that of the extension here"),
					 errdetail("Another function of that name comes before it in the search_path."),
					 errhint("Write segment.in_segment(...), or call the other one by its schema."),
					 internalerrposition(pg_mbstrlen_with_len(rule->text, use->begin) + 1),
					 internalerrquery(rule->text)));
	}
}

static ArrayType *
check_rule(Rule *rule, const char *source, const char *search_path, MemoryContext caller)
{
	ErrorContextCallback callback = {NULL, error_in_place, rule};
	int			nest_level;
	CachedPlanSource *plan;
	ArrayType  *result;
	MemoryContext old;

	(void) check_alone(rule);
	rule->statement = psprintf(BEFORE_RULE "%s\n) FROM (\n%s\n) AS source", rule->text, source);
	rule->first = strlen(BEFORE_RULE);
	rule->end = rule->first + strlen(rule->text);
	nest_level = segment_enter_search_path(search_path);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	plan = segment_prepare_source(rule->statement);
	segment_refuse_session_objects(plan);
	check_in_place(rule, linitial_node(Query, plan->query_list));
	error_context_stack = callback.previous;
	check_uses(rule, linitial_node(Query, plan->query_list));
	old = MemoryContextSwitchTo(caller);
	result = used_columns(linitial_node(Query, plan->query_list));
	MemoryContextSwitchTo(old);
	SPI_finish();
	AtEOXact_GUC(true, nest_level);
	return result;
}

/*
 * rule_columns(source, search_path, rule, segment): the columns of the source that a rule reads,
 * or the error that it is refused for, which tells the segment (NULL: there is none yet).
 */
Datum
segment_rule_columns(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Rule		rule = {0};
	ArrayType  *volatile result = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the rule must not be null")));
	rule.text = text_to_cstring(PG_GETARG_TEXT_PP(2));

	PG_TRY();
	{
		result = check_rule(&rule, text_to_cstring(PG_GETARG_TEXT_PP(0)),
							text_to_cstring(PG_GETARG_TEXT_PP(1)), caller);
	}
	PG_CATCH();
	{
		segment_throw_without_context(caller, PG_ARGISNULL(3) ? NULL
									  : psprintf("The rule is that of segment \"%s\".",
												 text_to_cstring(PG_GETARG_TEXT_PP(3))));
	}
	PG_END_TRY();
	PG_RETURN_ARRAYTYPE_P(result);
}
