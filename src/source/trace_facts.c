/*
 * trace_facts.c: which expressions of a level of a query are the customer key.
 *
 * A fact is an expression that is known to be the key in each row that matters: a column, or a
 * COALESCE of columns.  Here is what follows from facts and from conditions that hold
 * together; trace.c knows where which of them hold.
 */
#include "source/trace_facts.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* ---- types and operators ---- */

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/*
 * Whether a value of a column can be logged as a key without anybody's code: the same type, or
 * two of the server's that hold the same values alike.
 */
bool
segment_key_is_kept(Oid column_type, Oid key_type)
{
	if (column_type == key_type)
		return true;
	if (is_integer(column_type) && is_integer(key_type))
		return true;
	return (column_type == TEXTOID || column_type == VARCHAROID) &&
		(key_type == TEXTOID || key_type == VARCHAROID);
}

/* Whether two values that are equal by this collation are the same key. */
bool
segment_collation_is_no_wider(const Trace *trace, Oid collation)
{
	return !OidIsValid(collation) || collation == trace->key_collation ||
		get_collation_isdeterministic(collation);
}

/* Whether an operator is equality as the key's type has it by default. */
static bool
is_key_equality(const Trace *trace, Oid operator)
{
	Oid			type = getBaseType(trace->key_type);
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_BTREE_OPFAMILY |
											  TYPECACHE_HASH_OPFAMILY);

	if (operator == cache->eq_opr)
		return true;
	if (OidIsValid(cache->btree_opf))
		return get_op_opfamily_strategy(operator, cache->btree_opf) == BTEqualStrategyNumber;
	return OidIsValid(cache->hash_opf) &&
		get_op_opfamily_strategy(operator, cache->hash_opf) == HTEqualStrategyNumber;
}

/* ---- expressions of a level ---- */

/* Without what changes nothing of which key it is. */
Node *
segment_strip_key(Node *node)
{
	for (;;)
	{
		if (node != NULL && IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (node != NULL && IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else if (node != NULL && IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) == 1)
		{
			switch (((FuncExpr *) node)->funcid)
			{
				case F_INT4_INT2:
				case F_INT8_INT2:
				case F_INT8_INT4:
				case F_INT4_INT8:
				case F_INT2_INT4:
				case F_INT2_INT8:
					node = linitial(((FuncExpr *) node)->args);
					continue;
			}
			return node;
		}
		else
			return node;
	}
}

/*
 * A column of a join as what it is made of, a column of a grouped level as that below; *level
 * becomes the level whose columns the result names, by its own numbers.
 */
Node *
segment_resolve(Level **level, Node *node)
{
	for (;;)
	{
		Var		   *var;
		RangeTblEntry *entry;
		List	   *aliases;
		Index		up;

		node = segment_strip_key(node);
		if (node == NULL || !IsA(node, Var))
			return node;
		var = (Var *) node;
		for (up = var->varlevelsup; up > 0 && *level != NULL; up--)
			*level = (*level)->parent;
		if (*level == NULL)
			return NULL;
		if (var->varattno <= 0)
			return NULL;
		entry = rt_fetch(var->varno, (*level)->query->rtable);
		aliases = entry->rtekind == RTE_JOIN ? entry->joinaliasvars : segment_group_expressions(entry);
		if (aliases == NIL)
		{
			if (var->varlevelsup == 0)
				return node;
			var = copyObject(var);
			var->varlevelsup = 0;
			return (Node *) var;
		}
		node = list_nth(aliases, var->varattno - 1);
	}
}

/* Whether two expressions of one level are the same. */
bool
segment_is_same(Level *level, Node *a, Node *b)
{
	Level	   *level_of_a = level;
	Level	   *level_of_b = level;

	a = segment_resolve(&level_of_a, a);
	b = segment_resolve(&level_of_b, b);
	if (a == NULL || b == NULL || nodeTag(a) != nodeTag(b) || level_of_a != level_of_b)
		return false;
	if (IsA(a, Var))
		return ((Var *) a)->varno == ((Var *) b)->varno &&
			((Var *) a)->varattno == ((Var *) b)->varattno;
	if (IsA(a, CoalesceExpr))
	{
		List	   *args = ((CoalesceExpr *) a)->args;
		List	   *others = ((CoalesceExpr *) b)->args;
		ListCell   *one;
		ListCell   *other;

		if (list_length(args) != list_length(others))
			return false;
		forboth(one, args, other, others)
		{
			if (!segment_is_same(level_of_a, lfirst(one), lfirst(other)))
				return false;
		}
		return true;
	}
	return false;
}

/* Whether an expression of a level is known to be the key. */
bool
segment_is_key(Level *level, Node *node, List *facts)
{
	Level	   *where = level;
	ListCell   *cell;

	node = segment_resolve(&where, node);
	if (node == NULL)
		return false;
	foreach(cell, where == level ? facts : where->facts)
	{
		if (segment_is_same(where, node, lfirst(cell)))
			return true;
	}
	return false;
}

/* The facts and one more, where it is about this level. */
List *
segment_with_fact(Level *level, List *facts, Node *node)
{
	Level	   *where = level;

	node = segment_resolve(&where, node);
	if (node == NULL || where != level || !(IsA(node, Var) || IsA(node, CoalesceExpr)) ||
		segment_is_key(level, node, facts))
		return facts;
	return lappend(list_copy(facts), node);
}

/* The sides of a condition that compares keys; false: it is none. */
bool
segment_is_equality(Level *level, Node *condition, Node **left, Node **right)
{
	OpExpr	   *operator = (OpExpr *) condition;

	if (!IsA(condition, OpExpr) || list_length(operator->args) != 2 ||
		!is_key_equality(level->trace, operator->opno) ||
		!segment_collation_is_no_wider(level->trace, operator->inputcollid))
		return false;
	*left = linitial(operator->args);
	*right = lsecond(operator->args);
	return true;
}

/* All facts that follow from facts and conditions that hold together. */
List *
segment_closure(Level *level, List *facts, List *conditions)
{
	bool		more = true;

	while (more)
	{
		ListCell   *cell;

		more = false;
		foreach(cell, conditions)
		{
			int			before = list_length(facts);
			Node	   *left;
			Node	   *right;

			if (!segment_is_equality(level, lfirst(cell), &left, &right))
				continue;
			if (segment_is_key(level, left, facts))
				facts = segment_with_fact(level, facts, right);
			else if (segment_is_key(level, right, facts))
				facts = segment_with_fact(level, facts, left);
			more |= list_length(facts) > before;
		}
	}
	return facts;
}

/*
 * Facts that are COALESCE of columns that the conditions compare with each other: whichever
 * of them is there is the key.
 */
List *
segment_with_coalesced(Level *level, List *facts, List *conditions)
{
	List	   *result = facts;
	ListCell   *cell;

	foreach(cell, facts)
	{
		CoalesceExpr *coalesce = lfirst(cell);
		ListCell   *argument;
		bool		linked = true;
		List	   *equal;

		if (!IsA(coalesce, CoalesceExpr))
			continue;
		equal = segment_closure(level, segment_with_fact(level, NIL, linitial(coalesce->args)), conditions);
		foreach(argument, coalesce->args)
			linked = linked && segment_is_key(level, lfirst(argument), equal);
		if (linked)
		{
			foreach(argument, coalesce->args)
				result = segment_with_fact(level, result, lfirst(argument));
		}
	}
	return result;
}
