/*
 * catalogue.c: every change of the catalogue, as the extension's owner.
 *
 * Nobody but the extension's owner may write segmentation, segment, model, run,
 * tracked_table, rfm_scheme, rule_template, metric, metric_snapshot and experiment; so the
 * run log is not its owner's to edit.  What refreshing, renaming, dropping and so on have to
 * write is done by change_catalogue, one of the operations below:
 *
 *		caller (any role)
 *		   |  change_catalogue('finish_run', name, ...)
 *		   v
 *		has the caller the rights of whoever owns what is changed?   check_right()
 *		   |
 *		   v
 *		the operation's statements, as the owner of the extension
 *
 * Whoever may refresh a segmentation runs our SQL functions with his own
 * rights, and so may call this one, too, with whatever he likes.  Hence:
 *
 * 1. No text of the caller is run.  The statements are constants, schemas are
 *    written out, and search_path holds nothing that others can create in.
 * 2. Arguments have exactly the types that the operation names: those of the server,
 *    and a few of ours.  No domain, no row type, no cast that somebody made gets here.
 * 3. Values that a log has to be right about are not asked for: run_by is who is
 *    logged in, finished_at is now, started_at is when the refresh began, sizes and
 *    version of the model are those of the catalogue.  A run can be added by whoever
 *    may refresh, also one with wrong figures, but under his own login and at
 *    the time he does it; none can be changed or taken away.
 *    (To tell our refresh from his call there would have to be something in it that he
 *    cannot do himself; its statements and the tables they read are his.)
 * 4. An operation leaves the catalogue whole: a model comes with its segments, a
 *    refresh with its run, a segmentation has a kind and two tables of one
 *    owner, who is the caller.
 * 5. An approval is of who is logged in, and is not taken from what runs for others, in
 *    their sessions.  What it is good for the trigger check_approval sees to.
 *
 * The switch of users is undone by the end of the subtransaction, if there is an
 * error.  It works within the security-restricted operation of run_as_owner.
 */
#include "compat.h"

#include "base/arguments.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "segmentation/catalogue.h"
#include "segmentation/catalogue_operations.h"
#include "segmentation/checked.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(segment_change_catalogue);

/* Arguments of a call, checked, with the caller's name behind them. */
typedef struct Arguments
{
	int			n;
	Oid			types[MAX_ARGUMENTS + 1];
	Datum		values[MAX_ARGUMENTS + 1];
	char		nulls[MAX_ARGUMENTS + 2];	/* as SPI has it: 'n' or ' ' */
	NameData	caller;
} Arguments;

static const Operation *
find_operation(FunctionCallInfo fcinfo)
{
	char	   *name;
	int			i;

	segment_refuse_null(fcinfo, 0, "operation");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	for (i = 0; segment_catalogue_operations[i].name != NULL; i++)
		if (strcmp(segment_catalogue_operations[i].name, name) == 0)
			return &segment_catalogue_operations[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown operation \"%s\" on the catalogue", name)));
	return NULL;				/* not reached */
}

/*
 * Exactly the types that the operation names: a cast would be somebody's code.  To be
 * called with our search_path, in which "text" is the server's.
 */
static void
take_arguments(FunctionCallInfo fcinfo, const Operation *operation, Oid caller,
			   Arguments *arguments)
{
	int			expected = 0;
	int			i;

	while (operation->types[expected] != NULL)
		expected++;
	if (PG_NARGS() - 1 != expected)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operation \"%s\" takes %d arguments, not %d", operation->name, expected,
						PG_NARGS() - 1)));
	for (i = 0; i < expected; i++)
	{
		Datum		name = CStringGetDatum(operation->types[i]);
		Oid			wanted = DatumGetObjectId(DirectFunctionCall1(regtypein, name));
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, i + 1);

		if (type != wanted)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("argument %d of operation \"%s\" is of type %s, expected %s", i + 1,
							operation->name, OidIsValid(type) ? format_type_be(type) : "???",
							operation->types[i])));
		arguments->types[i] = wanted;
		arguments->nulls[i] = PG_ARGISNULL(i + 1) ? 'n' : ' ';
		arguments->values[i] = PG_ARGISNULL(i + 1) ? (Datum) 0 : PG_GETARG_DATUM(i + 1);
	}
	if (arguments->nulls[0] == 'n')
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("operation \"%s\" needs to know on what", operation->name)));
	namestrcpy(&arguments->caller, GetUserNameFromId(caller, false));
	arguments->types[expected] = NAMEOID;
	arguments->values[expected] = NameGetDatum(&arguments->caller);
	arguments->nulls[expected] = ' ';
	arguments->n = expected + 1;
}

/* Who ran CREATE EXTENSION, or has it by now. */
Oid
segment_extension_owner(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("segment"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"segment\" does not exist")));
	return owner;
}

/* The owner of an ordinary table; InvalidOid: there is no such table. */
Oid
segment_owner_of_table(Oid table, char *kind)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	*kind = '\0';
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	*kind = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * As segment_internal.owns(): of what has lost its owner a superuser has the rights.
 *
 * A writer of a tracked source who is not the owner of a segmentation that follows it
 * will come here, too, by way of a trigger.  This is where the owner's consent to
 * that is to be looked for: trigger, source and segmentation are the same owner's,
 * and the operation is one of a refresh.  Until then there is none.
 */
static bool
acts_for(Oid caller, Oid owner)
{
	return OidIsValid(owner) ? has_privs_of_role(caller, owner) : superuser_arg(caller);
}

/*
 * Statements are planned once a session: a refresh runs the same few of them.  They are
 * constants, so each is known by its place.
 */
typedef struct KeptStatement
{
	const char *text;			/* hash key */
	SPIPlanPtr	plan;
	int			n;
	Oid			types[MAX_ARGUMENTS + 1];	/* other ones after the extension was made anew */
} KeptStatement;

static HTAB *kept_statements = NULL;

static SPIPlanPtr
kept_plan(const char *statement, int n, Oid *types)
{
	KeptStatement *kept;
	bool		found;

	if (kept_statements == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(const char *);
		control.entrysize = sizeof(KeptStatement);
		kept_statements = hash_create("statements on the catalogue of segment", 64, &control,
									  HASH_ELEM | HASH_BLOBS);
	}
	kept = hash_search(kept_statements, &statement, HASH_ENTER, &found);
	if (!found)
		kept->plan = NULL;
	if (kept->plan != NULL && (kept->n != n || memcmp(kept->types, types, sizeof(Oid) * n) != 0))
	{
		SPI_freeplan(kept->plan);
		kept->plan = NULL;
	}
	if (kept->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(statement, n, types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		kept->plan = plan;
		kept->n = n;
		memcpy(kept->types, types, sizeof(Oid) * n);
	}
	return kept->plan;
}

/* A row of two columns that says whose something is; false: there is no row. */
static bool
look_up(const char *statement, Arguments *arguments, Datum *first, Datum *second)
{
	bool		isnull;

	if (SPI_execute_plan(kept_plan(statement, 1, arguments->types), arguments->values,
						 arguments->nulls, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the catalogue");
	if (SPI_processed == 0)
		return false;
	*first = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	*second = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	return true;
}

/* Both tables of a new segmentation: ordinary ones of one owner, whose rights the caller has. */
static void
check_tables(Oid caller, HeapTupleHeader row)
{
	bool		no_members;
	bool		no_history;
	Oid			members = DatumGetObjectId(GetAttributeByName(row, "members", &no_members));
	Oid			history = DatumGetObjectId(GetAttributeByName(row, "history", &no_history));
	char		members_kind;
	char		history_kind;
	Oid			owner;

	if (no_members || no_history || members == history)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a segmentation needs a member table and a history table")));
	owner = segment_owner_of_table(members, &members_kind);
	if (!OidIsValid(owner) || segment_owner_of_table(history, &history_kind) != owner ||
		!has_privs_of_role(caller, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("member and history table of a segmentation must be the caller's own")));
	if (members_kind != RELKIND_RELATION || history_kind != RELKIND_RELATION ||
		IsCatalogRelationOid(members) || IsCatalogRelationOid(history))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("member and history table of a segmentation must be ordinary tables")));
}

/*
 * Whether the caller may.  Runs as the extension's owner, who sees all rows; what
 * the caller could not see is refused with the words for what is not there.
 */
static void
check_right(const Operation *operation, Oid caller, bool restricted, Arguments *arguments)
{
	Datum		first;
	Datum		second;
	char		kind;

	switch (operation->right)
	{
		case OF_ANYBODY:
			break;
		case OF_SEGMENTATION_IN_PERSON:

			/*
			 * Sources, rules and triggers of an owner run in the sessions of others who
			 * refresh, and there in a restricted operation.
			 */
			if (restricted)
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("approval of segmentation \"%s\" is not to be given by what is run for others",
								TextDatumGetCString(arguments->values[0])),
						 errhint("Whoever gives it calls the function himself.")));
			/* FALLTHROUGH */
		case OF_SEGMENTATION:
			if (!look_up("SELECT g.members, g.history FROM segment.segmentation AS g "
						 "WHERE g.name = $1", arguments, &first, &second) ||
				!acts_for(caller, segment_owner_of_table(DatumGetObjectId(first), &kind)))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("permission denied to change segmentation \"%s\"",
								TextDatumGetCString(arguments->values[0])),
						 errhint("Only its owner may.")));
			break;
		case OF_TABLE:
			if (!acts_for(caller, segment_owner_of_table(DatumGetObjectId(arguments->values[0]),
														 &kind)))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("permission denied to look after table \"%s\"",
								get_rel_name(DatumGetObjectId(arguments->values[0]))),
						 errhint("Only its owner may.")));
			break;
		case OF_TABLES:
			check_tables(caller, DatumGetHeapTupleHeader(arguments->values[0]));
			break;
		case OF_CONSUMER:
		case OF_CONSUMED:
			if (!look_up("SELECT c.owner, g.members FROM segment.event_consumer AS c "
						 "JOIN segment.segmentation AS g ON g.name = c.segmentation "
						 "WHERE c.consumer = $1", arguments, &first, &second) ||
				!(acts_for(caller, DatumGetObjectId(first)) ||
				  (operation->right == OF_CONSUMED &&
				   acts_for(caller, segment_owner_of_table(DatumGetObjectId(second), &kind)))))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("permission denied for consumer \"%s\" of events",
								TextDatumGetCString(arguments->values[0])),
						 errhint("Only its owner may go on.")));
			break;
		case OF_METRIC:
			if (!look_up("SELECT m.owner, m.owner FROM segment.metric AS m WHERE m.name = $1",
						 arguments, &first, &second) ||
				!acts_for(caller, DatumGetObjectId(first)))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("permission denied for metric \"%s\"",
								TextDatumGetCString(arguments->values[0])),
						 errhint("Only its owner may.")));
			break;
		case OF_SCHEME:
		case OF_TEMPLATE:
			if (!look_up(operation->right == OF_SCHEME
						 ? "SELECT r.shipped, r.owner FROM segment.rfm_scheme AS r WHERE r.name = $1"
						 : "SELECT t.shipped, t.owner FROM segment.rule_template AS t WHERE t.name = $1",
						 arguments, &first, &second) ||
				DatumGetBool(first) ||
				!acts_for(caller, DatumGetObjectId(second)))
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("%s \"%s\" cannot be dropped",
								operation->right == OF_SCHEME ? "scheme" : "template",
								TextDatumGetCString(arguments->values[0])),
						 operation->right == OF_SCHEME
						 ? errhint("Shipped schemes stay; others can be dropped by their owner.")
						 : errhint("Shipped templates stay; others can be dropped by their owner.")));
			break;
	}
}

/* Lets sessions that write tracked tables look anew which these are, see change_log.c. */
static void
tell_writers(const Operation *operation)
{
	static const char *const names[] = {"keep_table", "track_tables", "drop_segmentation"};
	Oid			tracked = get_relname_relid("tracked_table", get_namespace_oid("segment", false));
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (strcmp(operation->name, names[i]) == 0 && OidIsValid(tracked))
			CacheInvalidateRelcacheByRelid(tracked);
}

/* The first column of the last statement's row; *isnull where there is none. */
static Datum
run_statements(const Operation *operation, Arguments *arguments, bool *isnull)
{
	Datum		result = (Datum) 0;
	int			i;

	*isnull = true;
	for (i = 0; operation->statements[i] != NULL; i++)
	{
		SPIPlanPtr	plan = kept_plan(operation->statements[i], arguments->n, arguments->types);
		int			code = SPI_execute_plan(plan, arguments->values, arguments->nulls, false, 0);

		if (code < 0)
			elog(ERROR, "could not change the catalogue: %s", SPI_result_code_string(code));
		*isnull = true;
		if (SPI_tuptable != NULL && SPI_processed > 0)
		{
			Assert(SPI_gettypeid(SPI_tuptable->tupdesc, 1) == INT8OID);
			result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
		}
	}
	return Int64GetDatum(*isnull ? 0 : DatumGetInt64(result));
}

/*
 * change_catalogue(operation, arguments ...): a bigint, see the operations.
 */
Datum
segment_change_catalogue(PG_FUNCTION_ARGS)
{
	const Operation *operation = find_operation(fcinfo);
	Arguments	arguments = {0};
	Oid			caller;
	int			saved_security;
	int			nest_level;
	MemoryContext context = CurrentMemoryContext;
	volatile int64 result = 0;
	bool		isnull = true;

	/* an error ends the subtransaction or transaction, which resets all of this */
	GetUserIdAndSecContext(&caller, &saved_security);
	SetUserIdAndSecContext(segment_extension_owner(),
						   saved_security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
	nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	take_arguments(fcinfo, operation, caller, &arguments);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");

	/* our statements are no part of what is told of an error in them */
	PG_TRY();
	{
		check_right(operation, caller, (saved_security & SECURITY_RESTRICTED_OPERATION) != 0, &arguments);
		result = DatumGetInt64(run_statements(operation, &arguments, &isnull));
		tell_writers(operation);
	}
	PG_CATCH();
	{
		segment_throw_without_context(context, NULL);
	}
	PG_END_TRY();

	SPI_finish();
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(caller, saved_security);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_INT64(result);
}
