/*
 * trace.c: by which columns of its tables the rows of a query belong to a customer.
 *
 * The first column of the query is the customer key.  Asked is, of each table that it reads:
 * which column c is such that a row of the table with c = k has to do with rows of customer
 * k alone?  Then who changes that row has changed customer k, and nobody else.
 *
 * The answer is what a planner does with "WHERE key = k" around the query: it moves
 * the condition down as far as that changes nothing of the rows with this key.  Where it arrives
 * at the table, as c = k, rows of the table with another c do not matter.
 *
 *		SELECT c.id, (SELECT count(*) FROM visit AS v WHERE v.who = c.id)
 *		FROM customer AS c LEFT JOIN (SELECT customer, sum(amount) FROM orders
 *		                              GROUP BY customer) AS o ON o.customer = c.id
 *
 *		key = k  ->  c.id = k                         in FROM and in the sub-select
 *		c.id = k, ON o.customer = c.id  ->  o.customer = k  ->  orders.customer = k
 *		c.id = k, WHERE v.who = c.id    ->  v.who = k
 *
 * Expressions known to be k, or to make a row irrelevant, are facts.  Each level of the query
 * (struct Level) has its own, which hold at the place that is looked at.  By what they travel:
 *
 *	- equality, of the key type's default operators, in WHERE and in ON of inner joins;
 *	- ON of an outer join, to its nullable side only; a fact about the nullable side
 *	  makes it an inner join, since it bars rows that are NULL there;
 *	- USING of a full join: COALESCE of columns that ON compares, to both sides;
 *	- columns of sub-selects and of WITH, branches of UNION, INTERSECT, EXCEPT;
 *	- GROUP BY, PARTITION BY and DISTINCT ON, where these have the column;
 *	- columns of a level around (a correlated sub-select, LATERAL), whatever there is in between;
 *	- x IN (SELECT y ...): where x is the key, y is; but a y that is NULL changes NOT IN
 *	  for everybody, so y must be NOT NULL, or IN a condition of its own, which is the same
 *	  false or NULL.
 *
 * LIMIT, a window over customers, an aggregate over all of them, a recursive WITH stop them;
 * what a table below these depends on no one knows, and the caller is told why.  Rows without key
 * are nobody's: what changes them alone is not looked at.
 *
 * The query is the one that the server made of the text: views expanded, policies of row
 * security added.  Functions of users that are not IMMUTABLE may read tables unseen.
 */
#include "source/trace_facts.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "segmentation/rule_clock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static void trace_query(Level *level, Bitmapset *columns);
static void trace_expression(Level *level, Node *node);
static void trace_conditions(Level *level, List *conditions, List *facts);
static List *trace_join(Level *level, Node *part, List *facts);

/* ---- tables ---- */

static TracedTable *
table_of(Trace *trace, Oid relation)
{
	TracedTable *table;
	ListCell   *cell;

	foreach(cell, trace->tables)
	{
		table = lfirst(cell);
		if (table->relation == relation)
			return table;
	}
	table = palloc0(sizeof(TracedTable));
	table->relation = relation;
	trace->tables = lappend(trace->tables, table);
	return table;
}

static const char *
barrier_above(const Level *level)
{
	for (; level != NULL; level = level->parent)
		if (level->barrier != NULL)
			return level->barrier;
	return "no condition of the source compares a column of it with the customer key";
}

static void
trace_table(Level *level, Index number, RangeTblEntry *entry, List *facts)
{
	TracedTable *table = table_of(level->trace, entry->relid);
	const char *reason = barrier_above(level);
	AttrNumber	found = InvalidAttrNumber;
	ListCell   *cell;

	foreach(cell, facts)
	{
		Var		   *var = lfirst(cell);
		Oid			type;

		if (!IsA(var, Var) || var->varno != number || found != InvalidAttrNumber)
			continue;
		type = get_atttype(entry->relid, var->varattno);
		/* in what a trigger sees of the row, it is not */
		if (get_attgenerated(entry->relid, var->varattno) == 'v')
			reason = psprintf("its column \"%s\" is generated when it is read",
							  get_attname(entry->relid, var->varattno, false));
		else if (segment_key_is_kept(type, level->trace->key_type))
			found = var->varattno;
		else
			reason = psprintf("its column \"%s\" is of type %s, and the customer key of type %s",
							  get_attname(entry->relid, var->varattno, false), format_type_be(type),
							  format_type_be(level->trace->key_type));
	}
	if (found != InvalidAttrNumber)
		table->columns = bms_add_member(table->columns, found);
	else if (table->keyless == NULL)
		table->keyless = reason;
	if (entry->tablesample != NULL)
		level->trace->chance = "it reads a sample of a table";
	if (get_rel_relkind(entry->relid) == RELKIND_SEQUENCE)
		level->trace->chance = "it reads a sequence";
}

static CommonTableExpr *
find_with(Level *level, RangeTblEntry *entry, Level **home)
{
	Index		up = entry->ctelevelsup;
	ListCell   *cell;

	for (; up > 0 && level != NULL; up--)
		level = level->parent;
	*home = level;
	if (level == NULL)
		return NULL;
	foreach(cell, level->query->cteList)
	{
		if (strcmp(((CommonTableExpr *) lfirst(cell))->ctename, entry->ctename) == 0)
			return lfirst(cell);
	}
	return NULL;
}

static void
trace_subquery(Level *parent, Query *query, Bitmapset *columns, const char *barrier)
{
	Level		level = {0};

	level.parent = parent;
	level.query = query;
	level.trace = parent->trace;
	level.barrier = barrier;
	trace_query(&level, columns);
}

static void
trace_with(Level *level, RangeTblEntry *entry, Bitmapset *columns)
{
	Level	   *home;
	CommonTableExpr *with = find_with(level, entry, &home);

	/* of a recursive one, its own rows */
	if (entry->self_reference || with == NULL)
		return;
	if (with->cterecursive)
		trace_subquery(home, castNode(Query, with->ctequery), NULL,
					   "it is read by WITH RECURSIVE, whose rows follow one from another");
	else
		trace_subquery(home, castNode(Query, with->ctequery), columns,
					   columns == NULL ? barrier_above(level) : NULL);
}

/* An entry of FROM: the facts are those that hold of each row that matters. */
static void
trace_entry(Level *level, Index number, List *facts)
{
	RangeTblEntry *entry = rt_fetch(number, level->query->rtable);
	List	   *saved = level->facts;
	Bitmapset  *columns = NULL;
	ListCell   *cell;

	foreach(cell, facts)
	{
		Var		   *var = lfirst(cell);

		if (IsA(var, Var) && var->varno == number)
			columns = bms_add_member(columns, var->varattno);
	}
	level->facts = facts;
	trace_expression(level, (Node *) entry->securityQuals);
	switch (entry->rtekind)
	{
		case RTE_RELATION:
			trace_table(level, number, entry, facts);
			trace_expression(level, (Node *) entry->tablesample);
			break;
		case RTE_SUBQUERY:
			trace_subquery(level, entry->subquery, columns, NULL);
			break;
		case RTE_CTE:
			trace_with(level, entry, columns);
			break;
		case RTE_FUNCTION:
			trace_expression(level, (Node *) entry->functions);
			break;
		case RTE_TABLEFUNC:
			trace_expression(level, (Node *) entry->tablefunc);
			break;
		case RTE_VALUES:
			trace_expression(level, (Node *) entry->values_lists);
			break;
		default:
			break;
	}
	level->facts = saved;
}

/* ---- joins ---- */

static void
add_conditions(List **conditions, Node *node)
{
	ListCell   *cell;

	if (node == NULL)
		return;
	if (IsA(node, List))
	{
		foreach(cell, (List *) node)
			add_conditions(conditions, lfirst(cell));
	}
	else if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop == AND_EXPR)
		add_conditions(conditions, (Node *) ((BoolExpr *) node)->args);
	else
		*conditions = lappend(*conditions, node);
}

/* Whether a fact bars rows that have no row of a part of a join. */
static bool
has_fact_about(Node *part, List *facts)
{
	ListCell   *cell;

	if (IsA(part, RangeTblRef))
	{
		foreach(cell, facts)
		{
			if (IsA(lfirst(cell), Var) &&
				((Var *) lfirst(cell))->varno == ((RangeTblRef *) part)->rtindex)
				return true;
		}
		return false;
	}
	if (IsA(part, JoinExpr))
		return has_fact_about(((JoinExpr *) part)->larg, facts) ||
			has_fact_about(((JoinExpr *) part)->rarg, facts);
	foreach(cell, castNode(FromExpr, part)->fromlist)
	{
		if (has_fact_about(lfirst(cell), facts))
			return true;
	}
	return false;
}

/* What a join is for the rows that matter. */
static JoinType
reduced(const JoinExpr *join, List *facts)
{
	bool		left = join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT ||
		has_fact_about(join->larg, facts);
	bool		right = join->jointype == JOIN_INNER || join->jointype == JOIN_RIGHT ||
		has_fact_about(join->rarg, facts);

	return left && right ? JOIN_INNER : left ? JOIN_LEFT : right ? JOIN_RIGHT : JOIN_FULL;
}

/*
 * Takes inner joins apart into their parts, whose conditions hold together; true: there was
 * one to take apart.
 */
static bool
flatten(List **parts, List **conditions, List *facts)
{
	List	   *result = NIL;
	bool		changed = false;
	ListCell   *cell;

	foreach(cell, *parts)
	{
		Node	   *part = lfirst(cell);

		if (IsA(part, FromExpr))
		{
			result = list_concat(result, list_copy(((FromExpr *) part)->fromlist));
			add_conditions(conditions, ((FromExpr *) part)->quals);
			changed = true;
		}
		else if (IsA(part, JoinExpr) && reduced((JoinExpr *) part, facts) == JOIN_INNER)
		{
			result = lappend(lappend(result, ((JoinExpr *) part)->larg), ((JoinExpr *) part)->rarg);
			add_conditions(conditions, ((JoinExpr *) part)->quals);
			changed = true;
		}
		else
			result = lappend(result, part);
	}
	*parts = result;
	return changed;
}

/* The facts that are about a part of a join. */
static List *
facts_about(Node *part, List *facts)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, facts)
	{
		if (has_fact_about(part, list_make1(lfirst(cell))))
			result = lappend(result, lfirst(cell));
	}
	return result;
}

/*
 * With the facts, columns of a part of a join that are the key, or NULL because the part of
 * their table has no row: what is equal to one of them is the key.
 */
static List *
with_weak(Level *level, Node *part, List *facts)
{
	JoinExpr   *join = (JoinExpr *) part;
	List	   *conditions = NIL;
	Node	   *kept;
	Node	   *other;

	if (!IsA(part, JoinExpr))
		return facts;
	add_conditions(&conditions, join->quals);
	if (join->jointype == JOIN_INNER)
	{
		facts = segment_closure(level, with_weak(level, join->larg, facts), conditions);
		return segment_closure(level, with_weak(level, join->rarg, facts), conditions);
	}
	if (join->jointype != JOIN_LEFT && join->jointype != JOIN_RIGHT)
		return facts;
	kept = join->jointype == JOIN_LEFT ? join->larg : join->rarg;
	other = join->jointype == JOIN_LEFT ? join->rarg : join->larg;
	facts = with_weak(level, kept, facts);
	/* where the other side has no row, nothing follows for the one that is kept */
	facts = list_concat_unique_ptr(list_copy(facts),
								   facts_about(other, segment_closure(level, facts, conditions)));
	return with_weak(level, other, facts);
}

/* The facts, and those about the side of a join that may be NULL which follow by what is weak. */
static List *
nullable_facts(Level *level, Node *kept, Node *nullable, List *facts, List *conditions)
{
	List	   *weak = segment_closure(level, with_weak(level, kept, facts), conditions);

	return list_concat_unique_ptr(list_copy(segment_closure(level, facts, conditions)),
								  facts_about(nullable, weak));
}

static void
trace_outer_join(Level *level, const JoinExpr *join, List *facts)
{
	JoinType	type = reduced(join, facts);
	List	   *conditions = NIL;
	List	   *outer;
	List	   *both;

	add_conditions(&conditions, join->quals);
	outer = segment_with_coalesced(level, facts, conditions);
	both = segment_closure(level, outer, conditions);
	trace_conditions(level, conditions, both);
	(void) trace_join(level, join->larg, type != JOIN_RIGHT ? outer
					  : nullable_facts(level, join->rarg, join->larg, outer, conditions));
	(void) trace_join(level, join->rarg, type != JOIN_LEFT ? outer
					  : nullable_facts(level, join->larg, join->rarg, outer, conditions));
}

/* A part of FROM; returns the facts that hold of its rows. */
static List *
trace_join(Level *level, Node *part, List *facts)
{
	List	   *parts = list_make1(part);
	List	   *conditions = NIL;
	ListCell   *cell;

	do
	{
		facts = segment_closure(level, facts, conditions);
		facts = segment_closure(level, segment_with_coalesced(level, facts, conditions), conditions);
	} while (flatten(&parts, &conditions, facts));
	trace_conditions(level, conditions, facts);
	foreach(cell, parts)
	{
		if (IsA(lfirst(cell), RangeTblRef))
			trace_entry(level, ((RangeTblRef *) lfirst(cell))->rtindex, facts);
		else
			trace_outer_join(level, lfirst(cell), facts);
	}
	return facts;
}

/* ---- expressions ---- */

/* Whether a column of a query is never NULL: one of a table that is NOT NULL, and no more. */
static bool
is_never_null(Query *query, AttrNumber column)
{
	TargetEntry *target = get_tle_by_resno(query->targetList, column);
	RangeTblEntry *entry;
	Var		   *var;
	HeapTuple	tuple;
	bool		result = false;
	ListCell   *cell;

	if (query->setOperations != NULL || query->groupingSets != NIL || target == NULL ||
		!IsA(target->expr, Var) || ((Var *) target->expr)->varlevelsup > 0 ||
		((Var *) target->expr)->varattno <= 0)
		return false;
	foreach(cell, query->rtable)
	{
		entry = lfirst(cell);
		if (entry->rtekind == RTE_JOIN && entry->jointype != JOIN_INNER)
			return false;
	}
	var = (Var *) target->expr;
	entry = rt_fetch(var->varno, query->rtable);
	if (entry->rtekind == RTE_SUBQUERY)
		return is_never_null(entry->subquery, var->varattno);
	if (entry->rtekind != RTE_RELATION)
		return false;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(entry->relid), Int16GetDatum(var->varattno));
	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* alone: the sub-select is a condition of its own */
static void
trace_sublink(Level *level, SubLink *link, bool alone)
{
	Query	   *query = castNode(Query, link->subselect);
	Bitmapset  *columns = NULL;
	const char *barrier = "a sub-select reads it for all customers at once";
	List	   *conditions = NIL;
	ListCell   *cell;

	if (link->subLinkType == ANY_SUBLINK)
	{
		add_conditions(&conditions, link->testexpr);
		foreach(cell, conditions)
		{
			Node	   *left;
			Node	   *right;
			Param	   *param;

			if (!segment_is_equality(level, lfirst(cell), &left, &right))
				continue;
			param = (Param *) segment_strip_key(right);
			if (!IsA(param, Param) || param->paramkind != PARAM_SUBLINK ||
				!segment_is_key(level, left, level->facts))
				continue;
			if (alone || is_never_null(query, param->paramid))
				columns = bms_add_member(columns, param->paramid);
			else
				barrier = "a NULL in the column that IN compares with would concern all customers";
		}
	}
	trace_expression(level, link->testexpr);
	trace_subquery(level, query, columns, barrier);
}

static bool
is_ours(Oid function)
{
	char	   *schema = get_namespace_name(get_func_namespace(function));

	return schema != NULL && (strcmp(schema, "segment") == 0 ||
							  strcmp(schema, "segment_internal") == 0);
}

/* The functions that make an aggregate of a user, which is called IMMUTABLE whatever they are. */
static bool
aggregate_is_immutable(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	Form_pg_aggregate form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	result = func_volatile(form->aggtransfn) == PROVOLATILE_IMMUTABLE &&
		(!OidIsValid(form->aggfinalfn) || func_volatile(form->aggfinalfn) == PROVOLATILE_IMMUTABLE);
	ReleaseSysCache(tuple);
	return result;
}

static bool
look_at_function(Oid function, void *context)
{
	Trace	   *trace = context;
	const char *name = get_func_name(function);

	if (function >= FirstUnpinnedObjectId)
	{
		trace->functions = list_append_unique_oid(trace->functions, function);
		if (is_ours(function) && (func_volatile(function) == PROVOLATILE_IMMUTABLE ||
								  get_func_prokind(function) == PROKIND_AGGREGATE))
			return false;
		if (is_ours(function) && strcmp(name, "as_of") == 0)
			trace->clock = "it calls as_of()";
		else if (func_volatile(function) != PROVOLATILE_IMMUTABLE ||
				 !aggregate_is_immutable(function))
			trace->unseen = psprintf("it calls %s(), which is not IMMUTABLE and may read tables "
									 "where nobody sees it", name);
		return false;
	}
	switch (function)
	{
		case F_TABLE_TO_XML:
		case F_TABLE_TO_XML_AND_XMLSCHEMA:
		case F_SCHEMA_TO_XML:
		case F_SCHEMA_TO_XML_AND_XMLSCHEMA:
		case F_DATABASE_TO_XML:
		case F_DATABASE_TO_XML_AND_XMLSCHEMA:
		case F_QUERY_TO_XML:
		case F_QUERY_TO_XML_AND_XMLSCHEMA:
			trace->unseen = psprintf("it calls %s(), which reads tables", name);
			break;
		case F_CURRENT_SETTING_TEXT:
		case F_CURRENT_SETTING_TEXT_BOOL:
			trace->clock = "it calls current_setting()";
			break;
		default:
			if (func_volatile(function) == PROVOLATILE_VOLATILE)
				trace->chance = psprintf("it calls %s(), which is VOLATILE", name);
	}
	return false;
}

static bool
expression_walker(Node *node, void *context)
{
	Level	   *level = context;
	Trace	   *trace = level->trace;
	int			location;

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		trace_sublink(level, (SubLink *) node, false);
		return false;
	}
	if (IsA(node, Query))
		elog(ERROR, "a query where none is expected");
	if (segment_reads_clock(node, &location))
		trace->clock = "it reads the clock";
	else if (IsA(node, Const))
	{
		if (segment_is_clock_literal(trace->statement, (Const *) node))
			trace->clock = "it has a literal such as 'today'";
	}
	else if (IsA(node, Var))
	{
		if (((Var *) node)->varattno < 0)
			trace->chance = "it reads a system column";
	}
	else if (IsA(node, NextValueExpr))
		trace->chance = "it reads a sequence";
	else
		(void) check_functions_in_node(node, look_at_function, trace);
	return expression_tree_walker(node, expression_walker, context);
}

/* Looks for sub-selects and functions, under the facts of the level. */
static void
trace_expression(Level *level, Node *node)
{
	(void) expression_walker(node, level);
}

/* Conditions; IN (SELECT ...) as one of them need not tell false and NULL apart. */
static void
trace_conditions(Level *level, List *conditions, List *facts)
{
	List	   *saved = level->facts;
	ListCell   *cell;

	level->facts = facts;
	foreach(cell, conditions)
	{
		if (IsA(lfirst(cell), SubLink))
			trace_sublink(level, lfirst(cell), true);
		else
			trace_expression(level, lfirst(cell));
	}
	level->facts = saved;
}

/* ---- levels ---- */

static bool
is_among(Level *level, Node *expression, List *clauses)
{
	ListCell   *cell;

	foreach(cell, clauses)
	{
		if (segment_is_same(level, expression,
					get_sortgroupclause_expr(lfirst(cell), level->query->targetList)))
			return true;
	}
	return false;
}

/* What keeps a condition on a column of a level from what is below; NULL: nothing. */
static const char *
barrier_of(Level *level, Node *expression)
{
	Query	   *query = level->query;
	Level	   *where = level;
	Node	   *resolved = segment_resolve(&where, expression);
	ListCell   *cell;

	if (query->limitCount != NULL || query->limitOffset != NULL)
		return "LIMIT or OFFSET picks rows among those of all customers";
	if (resolved == NULL || !(IsA(resolved, Var) || IsA(resolved, CoalesceExpr)))
		return "the customer key is calculated, and no column";
	if (!segment_collation_is_no_wider(level->trace, exprCollation(expression)) &&
		(query->groupClause != NIL || query->distinctClause != NIL || query->windowClause != NIL))
		return "rows are grouped by another collation than the customer key has";
	if ((query->groupClause != NIL || query->groupingSets != NIL || query->hasAggs ||
		 query->havingQual != NULL) && !is_among(level, expression, query->groupClause))
		return "an aggregate without GROUP BY the customer key reads it";
	if (query->hasDistinctOn && !is_among(level, expression, query->distinctClause))
		return "DISTINCT ON without the customer key reads it";
	foreach(cell, query->windowClause)
	{
		if (!is_among(level, expression, ((WindowClause *) lfirst(cell))->partitionClause))
			return "a window function without PARTITION BY the customer key reads it";
	}
	return NULL;
}

/* A branch of UNION, INTERSECT or EXCEPT, whose rows are told apart by all columns, the key, too. */
static void
trace_branch(Level *level, Node *node, Bitmapset *columns)
{
	if (IsA(node, SetOperationStmt))
	{
		SetOperationStmt *operation = (SetOperationStmt *) node;
		Bitmapset  *kept = NULL;
		int			column = -1;

		while ((column = bms_next_member(columns, column)) >= 0)
		{
			if (segment_collation_is_no_wider(level->trace,
									  list_nth_oid(operation->colCollations, column - 1)))
				kept = bms_add_member(kept, column);
		}
		trace_branch(level, operation->larg, kept);
		trace_branch(level, operation->rarg, kept);
	}
	else
	{
		RangeTblEntry *entry = rt_fetch(castNode(RangeTblRef, node)->rtindex,
										level->query->rtable);

		trace_subquery(level, entry->subquery, columns, NULL);
	}
}

/* A level, whose columns of these numbers are the key. */
static void
trace_query(Level *level, Bitmapset *columns)
{
	Query	   *query = level->query;
	List	   *facts = NIL;
	int			column = -1;
	ListCell   *cell;

	level->facts = NIL;
	trace_expression(level, query->limitOffset);
	trace_expression(level, query->limitCount);
	if (query->setOperations != NULL)
	{
		if (query->limitCount != NULL || query->limitOffset != NULL)
		{
			columns = NULL;
			level->barrier = "LIMIT or OFFSET picks rows among those of all customers";
		}
		trace_branch(level, query->setOperations, columns);
		return;
	}
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		TargetEntry *target = get_tle_by_resno(query->targetList, column);
		const char *barrier = target == NULL ? NULL : barrier_of(level, (Node *) target->expr);

		if (target != NULL && barrier == NULL)
			facts = segment_with_fact(level, facts, (Node *) target->expr);
		else if (level->barrier == NULL)
			level->barrier = barrier;
	}
	/* another column of the key went through */
	if (facts != NIL)
		level->barrier = NULL;
	facts = trace_join(level, (Node *) query->jointree, facts);
	level->facts = facts;
	trace_expression(level, (Node *) query->targetList);
	trace_expression(level, query->havingQual);
	foreach(cell, query->windowClause)
	{
		trace_expression(level, ((WindowClause *) lfirst(cell))->startOffset);
		trace_expression(level, ((WindowClause *) lfirst(cell))->endOffset);
	}
	foreach(cell, query->rtable)
		trace_expression(level, (Node *) segment_group_expressions((RangeTblEntry *) lfirst(cell)));
}

/* Traces a query as the server made it; trace has statement, type and collation of the key. */
void
segment_trace(Trace *trace, Query *query)
{
	Level		level = {0};

	level.query = query;
	level.trace = trace;
	trace_query(&level, bms_make_singleton(1));
}
