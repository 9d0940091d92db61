/*
 * plain_table.c: whether reading somebody's member table can run somebody's code.
 *
 * The functions and views over members are called by readers and superusers,
 * and read tables that belong to others.  Whoever owns a table can attach code
 * to it that runs with the rights of whoever reads it: row security policies,
 * columns whose types have casts of his own, virtual generated columns,
 * partial or expression indexes, statistics on expressions and CHECK
 * constraints (the planner evaluates their constant parts), inheritance
 * children, or a view in the table's place.  So nothing but a plain table is
 * read: columns of the server's own types and plain indexes.  The lock taken
 * here keeps it so to the end of the transaction.
 *
 * The owner himself may read what he likes: the code is his own.
 */
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(segment_table_refusal);
PG_FUNCTION_INFO_V1(segment_equality_operator);

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

static const char *
refusal_of_relation(Relation relation)
{
	List	   *indexes;
	ListCell   *cell;
	const char *refusal = NULL;

	if (relation->rd_rel->relkind != RELKIND_RELATION)
		return "it is not a table";
	if (relation->rd_rel->relowner == GetUserId())
		return NULL;
	if (relation->rd_rel->relhassubclass || relation->rd_rel->relispartition)
		return "it has children or a parent";
	if (check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		return "it has row security";
	if (relation->rd_att->constr != NULL && relation->rd_att->constr->num_check > 0)
		return "it has CHECK constraints";
	indexes = RelationGetIndexList(relation);
	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) ||
			!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
			refusal = "it has an index on an expression or with a condition";
		index_close(index, NoLock);
	}
	list_free(indexes);
	return refusal;
}

/*
 * table_refusal(table, columns beside the key, their types): why
 * the table is not read; NULL: it is, and it is locked.  Statistics objects
 * are left to the SQL that calls this.
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

/*
 * equality_operator(type): OPERATOR(schema.=) of the type's default operator
 * class, which only superusers can make; not what a search_path would find.
 */
Datum
segment_equality_operator(PG_FUNCTION_ARGS)
{
	Oid			type = PG_GETARG_OID(0);
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_EQ_OPR);
	HeapTuple	tuple;
	Form_pg_operator operator;
	text	   *result;

	if (!OidIsValid(cache->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s has no equality operator", format_type_be(type)),
				 errhint("Use a key of another type, for instance text.")));
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(cache->eq_opr));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", cache->eq_opr);
	operator = (Form_pg_operator) GETSTRUCT(tuple);
	result = cstring_to_text(psprintf("OPERATOR(%s.%s)",
									  quote_identifier(get_namespace_name(operator->oprnamespace)),
									  NameStr(operator->oprname)));
	ReleaseSysCache(tuple);
	PG_RETURN_TEXT_P(result);
}
