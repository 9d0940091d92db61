/*
 * plain_table.c: whether reading somebody's member table can run somebody's code.
 *
 * The functions and views over members are called by readers and superusers,
 * and read tables that belong to others.  Whoever owns a table can attach code
 * to it that runs with the rights of whoever reads it: row security policies,
 * columns whose types have casts of his own, virtual generated columns,
 * inheritance children, a view in the table's place, and the expressions of
 * indexes, CHECK constraints and statistics, whose constant parts the planner
 * evaluates.  So nothing but a plain table is read: columns of the server's own
 * types, no policies that apply to the reader, and expressions in which there
 * is nothing but columns, constants, immutable functions and operators of the
 * server itself, over types of the server itself.  An index on lower(email)
 * is ordinary care; one on a function of the owner's may be an attack.  The
 * lock taken here keeps the table in its place to the end of the transaction.
 *
 * It does not keep the owner from CREATE INDEX and CREATE STATISTICS between the look and
 * the planning of the reader's query.  A lock that conflicts with the first (ROW EXCLUSIVE)
 * conflicts with refreshes, which take SHARE ROW EXCLUSIVE on members, and one that
 * conflicts with the second (SHARE UPDATE EXCLUSIVE) with itself, and is not to be had on
 * a standby; after planning it is too late.  docs/operating.md says so.
 *
 * Collations of anybody's making are taken: they run no code, and the key is
 * compared by its own in any case.
 *
 * The owner himself may read what he likes: the code is his own.
 */
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(segment_table_refusal);
PG_FUNCTION_INFO_V1(segment_equality_operator);
PG_FUNCTION_INFO_V1(segment_equality_between);

static const char *
refusal_of_columns(Relation relation, Datum *names, Datum *types, int n)
{
	TupleDesc	desc = RelationGetDescr(relation);
	int			i;
	int			a;

	/* the key is only printed and compared, by the code of the server or a superuser */
	if (desc->natts < 1 || TupleDescAttr(desc, 0)->attisdropped)
		return "its first column, the customer key, was dropped";
	if (TupleDescAttr(desc, 0)->attgenerated != '\0')
		return "its customer key is generated";
	for (i = 0; i < n; i++)
	{
		char	   *name = TextDatumGetCString(names[i]);
		Form_pg_attribute found = NULL;

		for (a = 0; a < desc->natts; a++)
		{
			Form_pg_attribute attribute = TupleDescAttr(desc, a);

			if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
				found = attribute;
		}
		if (found == NULL)
			return psprintf("it has no column \"%s\"", name);
		if (found->attgenerated != '\0')
			return psprintf("its column \"%s\" is generated", name);
		if (found->atttypid != DatumGetObjectId(types[i]))
			return psprintf("its column \"%s\" is of type %s", name,
							format_type_be(found->atttypid));
	}
	return NULL;
}

/* What expression_is_foreign looks for, and what it found. */
typedef struct ForeignPart
{
	bool		no_constants;	/* whether constants are refused, too */
	const char *found;			/* what is refused, for people; NULL: nothing */
} ForeignPart;

/* Of the server itself: in its bootstrap catalogues, which nobody adds to. */
static bool
type_is_the_servers(Oid type)
{
	Oid			element = get_element_type(type);

	/* text search configurations can be made by anybody, and come and go */
	if (type == REGCONFIGOID || type == REGDICTIONARYOID)
		return false;
	if (OidIsValid(element))
		return type < FirstUnpinnedObjectId && type_is_the_servers(element);
	return type < FirstUnpinnedObjectId && get_typtype(type) == TYPTYPE_BASE;
}

static bool
function_is_foreign(Oid function, void *context)
{
	ForeignPart *part = context;

	if (function >= FirstUnpinnedObjectId || func_volatile(function) != PROVOLATILE_IMMUTABLE)
		part->found = psprintf("function %s", format_procedure(function));
	return part->found != NULL;
}

/*
 * Whether an expression, as it is stored, has a part that must not be
 * evaluated for others.  Nothing is evaluated here, and a kind of node that is
 * not listed is refused.
 */
static bool
expression_is_foreign(Node *node, void *context)
{
	ForeignPart *part = context;

	if (node == NULL)
		return false;
	if (IsA(node, List) || IsA(node, CaseWhen))
		return expression_tree_walker(node, expression_is_foreign, context);
	if (!type_is_the_servers(exprType(node)))
	{
		part->found = psprintf("type %s", format_type_be(exprType(node)));
		return true;
	}
	switch (nodeTag(node))
	{
		case T_Const:
			if (part->no_constants)
				part->found = "a constant";
			break;
		case T_FuncExpr:
			if (part->no_constants && ((FuncExpr *) node)->args == NIL)
				part->found = "a constant";
			break;
		case T_Var:
			/* neither system columns nor whole rows */
			if (((Var *) node)->varattno <= 0)
				part->found = "more than its columns";
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_ArrayExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_CollateExpr:
			break;
		default:
			part->found = "an expression of a kind that is not looked into";
	}
	if (part->found != NULL || check_functions_in_node(node, function_is_foreign, context))
		return true;
	return expression_tree_walker(node, expression_is_foreign, context);
}

/* What must not be evaluated for others in an expression as it is stored; NULL: nothing. */
static const char *
foreign_part(const char *expression, bool no_constants)
{
	ForeignPart part = {no_constants, NULL};

	(void) expression_is_foreign(stringToNode(expression), &part);
	return part.found;
}

static const char *
refusal_of_index(Oid oid)
{
	Relation	index = index_open(oid, AccessShareLock);
	static const AttrNumber expressions[] = {Anum_pg_index_indexprs, Anum_pg_index_indpred};
	const char *refusal = NULL;
	int			i;

	/* not by the relation cache's functions, which evaluate */
	for (i = 0; i < lengthof(expressions) && refusal == NULL; i++)
	{
		bool		isnull;
		Datum		value = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
											expressions[i], &isnull);
		const char *foreign = isnull ? NULL : foreign_part(TextDatumGetCString(value), false);

		if (foreign != NULL)
			refusal = psprintf("its index \"%s\" uses %s",
							   RelationGetRelationName(index), foreign);
	}
	index_close(index, NoLock);
	return refusal;
}

static const char *
refusal_of_statistics(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(oid));
	const char *refusal = NULL;
	bool		isnull;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	value = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxexprs, &isnull);
	if (!isnull)
	{
		/* not evaluated when they are made, so what is constant in them may raise errors */
		const char *foreign = foreign_part(TextDatumGetCString(value), true);

		if (foreign != NULL)
			refusal = psprintf("its statistics \"%s\" use %s",
							   NameStr(((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxname),
							   foreign);
	}
	ReleaseSysCache(tuple);
	return refusal;
}

static const char *
refusal_of_expressions(Relation relation)
{
	TupleConstr *constr = relation->rd_att->constr;
	const char *refusal = NULL;
	List	   *oids;
	ListCell   *cell;
	int			i;

	for (i = 0; constr != NULL && i < constr->num_check; i++)
	{
		const char *foreign = foreign_part(constr->check[i].ccbin, false);

		if (foreign != NULL)
			return psprintf("its constraint \"%s\" uses %s", constr->check[i].ccname, foreign);
	}
	oids = RelationGetIndexList(relation);
	foreach(cell, oids)
	{
		if (refusal == NULL)
			refusal = refusal_of_index(lfirst_oid(cell));
	}
	list_free(oids);
	oids = RelationGetStatExtList(relation);
	foreach(cell, oids)
	{
		if (refusal == NULL)
			refusal = refusal_of_statistics(lfirst_oid(cell));
	}
	list_free(oids);
	return refusal;
}

static const char *
refusal_of_relation(Relation relation)
{
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		return "it is not a table";
	if (relation->rd_rel->relowner == GetUserId())
		return NULL;
	/* relhassubclass stays when the last child is gone */
	if (relation->rd_rel->relispartition ||
		(relation->rd_rel->relhassubclass &&
		 find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL))
		return "it has children or a parent";
	/* policies are the owner's code, and figures of what they let through not those of segments */
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		return "it has row security";
	return refusal_of_expressions(relation);
}

/*
 * table_refusal(table, columns beside the key, their types): why
 * the table is not read; NULL: it is, and it is locked.
 */
Datum
segment_table_refusal(PG_FUNCTION_ARGS)
{
	Relation	relation = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	const char *refusal;
	Datum	   *names;
	Datum	   *types;
	int			n_names;
	int			n_types;

	if (relation == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("it does not exist"));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, NULL, &n_names);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), REGTYPEOID, sizeof(Oid), true, TYPALIGN_INT,
					  &types, NULL, &n_types);
	refusal = refusal_of_relation(relation);
	if (refusal == NULL)
		refusal = refusal_of_columns(relation, names, types, Min(n_names, n_types));
	relation_close(relation, NoLock);
	if (refusal == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(refusal));
}

static text *
operator_text(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	Form_pg_operator operator;
	text	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", oid);
	operator = (Form_pg_operator) GETSTRUCT(tuple);
	result = cstring_to_text(psprintf("OPERATOR(%s.%s)",
									  quote_identifier(get_namespace_name(operator->oprnamespace)),
									  NameStr(operator->oprname)));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * equality_operator(type): OPERATOR(schema.=) of the type's default operator
 * class, which only superusers can make; not what a search_path would find.
 */
Datum
segment_equality_operator(PG_FUNCTION_ARGS)
{
	Oid			type = PG_GETARG_OID(0);
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_EQ_OPR);

	if (!OidIsValid(cache->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s has no equality operator", format_type_be(type)),
				 errhint("Use a key of another type, for instance text.")));
	PG_RETURN_TEXT_P(operator_text(cache->eq_opr));
}

/*
 * equality_operator(left, right): the same between two types of one default operator
 * family, as integer and bigint are, or text and varchar; NULL: there is none.
 */
Datum
segment_equality_between(PG_FUNCTION_ARGS)
{
	Oid			left = getBaseType(PG_GETARG_OID(0));
	Oid			right = getBaseType(PG_GETARG_OID(1));
	TypeCacheEntry *of_left = lookup_type_cache(left, TYPECACHE_EQ_OPR | TYPECACHE_BTREE_OPFAMILY);
	TypeCacheEntry *of_right = lookup_type_cache(right, TYPECACHE_EQ_OPR | TYPECACHE_BTREE_OPFAMILY);
	Oid			operator = InvalidOid;

	if (left == right)
		operator = of_left->eq_opr;
	else if (OidIsValid(of_left->btree_opf) && of_left->btree_opf == of_right->btree_opf &&
			 !IsPolymorphicType(of_left->btree_opintype))
		operator = get_opfamily_member(of_left->btree_opf, of_left->btree_opintype,
									   of_right->btree_opintype, BTEqualStrategyNumber);
	if (!OidIsValid(operator))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(operator_text(operator));
}
