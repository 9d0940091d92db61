/*
 * immediate.c: places customers in the transaction that changed their data.
 *
 * The trigger of a tracked table whose segmentation has the refresh mode immediate
 * brings the keys that a statement changed.  What follows are the steps of a refresh,
 * with these customers only; their texts are made once for a definition and their plans
 * kept, so that a statement of one row pays for a few index look-ups.
 *
 *		lock		the member table as writers do, and each of the customers
 *		steps		summary, ..., changed; and what writes, if changed has rows for it
 *
 * Nobody waits for others than whoever writes the same customers, or very many:
 *
 * 1. A refresh takes SHARE ROW EXCLUSIVE on the member table before it reads the source,
 *    we take ROW EXCLUSIVE before we do: so either it sees what we wrote, or we
 *    look after it is through.
 * 2. Two transactions that change one customer look at him one after the other, by an
 *    advisory lock on the hash of the key; the second one sees what the first wrote, as
 *    each step has a snapshot of its own.  A transaction that has one for all its statements
 *    does not: its customers are logged as well, for the next refresh.
 *    Only the first statement of a transaction waits: if the second one did, for somebody who
 *    waits for the first, writers who never got in each other's way would end in a deadlock.
 *    So customers whom another transaction has by then are logged, too.
 * 3. Sizes of segments are not updated but added to, see segment_shift.
 * 4. A statement of many customers takes the lock of a refresh.  Where this transaction has
 *    that of a writer already, and so may have another that wants the same, it does not
 *    wait, which could be a deadlock: these customers are logged.
 *
 * As one row more must not fail because a rule divides by zero, all this is a
 * subtransaction: on an error the customers are logged, and a WARNING says why.
 */
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "segmentation/immediate.h"
#include "segmentation/steps.h"
#include "source/source_query.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* Of more customers than this the whole member table is locked. */
#define MAX_LOCKED_CUSTOMERS 64

/* What the rows of the step changed have to tell. */
#define ANY_KEPT 1				/* of members before and after */
#define ANY_ENTERED 2
#define ANY_DEPARTED 4
#define ANY_LEFT 8				/* a place goes into the history */
#define ANY_MOVED 16			/* not only other facts */
#define ANY_WAITING 32			/* somebody may be in no segment, before or after */
#define ANY_LATER 64			/* entered at this instant or after it: the clock was put back */

/* What is kept for a segmentation from one statement to the next. */
typedef struct Placer
{
	Oid			members;		/* hash key */
	TransactionId xmin;			/* the row of the catalogue that all this was made from */
	ItemPointerData row;
	bool		valid;
	MemoryContext context;
	Steps		steps;			/* texts and plans */
	int		   *needs;			/* of each step: bits that changed must have; 0: none */
	int			changed;		/* number of the step that tells who changed */
	char	   *name;			/* of the segmentation */
	int			n_settings;
	char	  **setting;		/* names and values that the source is run under */
	char	  **value;
	Datum		model;
	bool		has_model;
	SourcePlans *plans;			/* of the source */
	int			users;			/* more than one: a trigger on the members writes the source */
} Placer;

static HTAB *placers = NULL;

/* ---- the catalogue ---- */

typedef struct CatalogueRow
{
	TransactionId xmin;
	ItemPointerData row;
	TimestampTz refreshed_as_of;
	bool		refreshed;
} CatalogueRow;

/* The row of the segmentation of a member table, past row security: only its age is used. */
static bool
find_row(Oid members, CatalogueRow *found)
{
	Oid			schema = get_namespace_oid("segment", false);
	Oid			catalogue = get_relname_relid("segmentation", schema);
	Oid			index = get_relname_relid("segmentation_members_key", schema);
	Relation	relation = table_open(catalogue, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, get_attnum(catalogue, "members"), BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(members));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, get_attnum(catalogue, "refreshed_as_of"),
										 RelationGetDescr(relation), &isnull);

		found->xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
		found->row = tuple->t_self;
		found->refreshed = !isnull;
		found->refreshed_as_of = isnull ? 0 : DatumGetTimestampTz(value);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/* ---- what is kept ---- */

static void
forget_placer(Placer *placer)
{
	int			i;

	for (i = 0; i < placer->steps.n; i++)
		if (placer->steps.kept[i] != NULL)
			SPI_freeplan(placer->steps.kept[i]);
	segment_forget_source_plans(placer->plans);
	if (placer->context != NULL)
		MemoryContextDelete(placer->context);
	memset((char *) placer + offsetof(Placer, xmin), 0, sizeof(Placer) - offsetof(Placer, xmin));
}

static char *
copied(MemoryContext context, SPITupleTable *table, uint64 row, int column)
{
	char	   *value = SPI_getvalue(table->vals[row], table->tupdesc, column);

	return value != NULL ? MemoryContextStrdup(context, value) : NULL;
}

static SPITupleTable *
ask(const char *query, Oid members)
{
	Oid			type = REGCLASSOID;
	Datum		value = ObjectIdGetDatum(members);
	int			result = SPI_execute_with_args(query, 1, &type, &value, NULL, true, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not ask for the steps: %s", SPI_result_code_string(result));
	return SPI_tuptable;
}

static int
needs_of(const char *word)
{
	static const char *const words[] = {"kept", "entered", "departed", "left", "moved", "waits"};
	int			i;

	for (i = 0; i < lengthof(words) && word != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return 1 << i;
	return 0;
}

static void
take_steps(Placer *placer)
{
	SPITupleTable *table = ask(
		"SELECT t.name, t.statement, t.needs"
		" FROM segment.segmentation AS g, segment_internal.immediate_steps(g) AS t"
		" WHERE g.members = $1", placer->members);
	uint64		n = table->numvals;
	uint64		i;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" has no members of a segmentation",
						get_rel_name(placer->members))));
	placer->steps.name = MemoryContextAllocZero(placer->context, sizeof(char *) * n);
	placer->steps.statement = MemoryContextAllocZero(placer->context, sizeof(char *) * n);
	placer->steps.kept = MemoryContextAllocZero(placer->context, sizeof(SPIPlanPtr) * n);
	placer->needs = MemoryContextAllocZero(placer->context, sizeof(int) * n);
	placer->steps.n = (int) n;
	placer->changed = -1;
	for (i = 0; i < n; i++)
	{
		placer->steps.name[i] = copied(placer->context, table, i, 1);
		placer->steps.statement[i] = copied(placer->context, table, i, 2);
		placer->needs[i] = needs_of(SPI_getvalue(table->vals[i], table->tupdesc, 3));
		if (placer->steps.name[i] != NULL && strcmp(placer->steps.name[i], "changed") == 0)
			placer->changed = (int) i;
	}
}

static void
take_settings(Placer *placer)
{
	SPITupleTable *table = ask(
		"SELECT k.name, k.value, g.name"
		" FROM segment.segmentation AS g"
		" CROSS JOIN LATERAL (SELECT 'TimeZone', g.time_zone UNION ALL"
		"    SELECT e.key, e.value FROM pg_catalog.jsonb_each_text(g.settings) AS e"
		"    WHERE e.key OPERATOR(pg_catalog.=) ANY (segment_internal.settings_kept()))"
		"    AS k (name, value)"
		" WHERE g.members = $1 AND k.value IS NOT NULL", placer->members);
	uint64		i;

	/* a segmentation has a time zone */
	placer->name = copied(placer->context, table, 0, 3);
	placer->n_settings = (int) table->numvals;
	placer->setting = MemoryContextAlloc(placer->context, sizeof(char *) * (table->numvals + 1));
	placer->value = MemoryContextAlloc(placer->context, sizeof(char *) * (table->numvals + 1));
	for (i = 0; i < table->numvals; i++)
	{
		placer->setting[i] = copied(placer->context, table, i, 1);
		placer->value[i] = copied(placer->context, table, i, 2);
	}
}

static void
take_model(Placer *placer)
{
	SPITupleTable *table = ask(
		"SELECT m.model FROM segment.segmentation AS g"
		" LEFT JOIN segment.model AS m ON m.segmentation = g.name AND m.version = g.model_version"
		" WHERE g.members = $1", placer->members);
	MemoryContext old = MemoryContextSwitchTo(placer->context);
	bool		isnull;
	Datum		model = SPI_getbinval(table->vals[0], table->tupdesc, 1, &isnull);

	placer->steps.types[OLD_MODEL_PARAMETER] = SPI_gettypeid(table->tupdesc, 1);
	placer->has_model = !isnull;
	if (!isnull)
		placer->model = PointerGetDatum(PG_DETOAST_DATUM_COPY(model));
	MemoryContextSwitchTo(old);
}

static void
make_placer(Placer *placer, const CatalogueRow *row, Oid keys_type)
{
	forget_placer(placer);
	placer->context = AllocSetContextCreate(TopMemoryContext, "segment: immediate refresh",
											ALLOCSET_SMALL_SIZES);
	take_steps(placer);
	take_settings(placer);
	take_model(placer);
	placer->steps.types[0] = TIMESTAMPTZOID;
	placer->steps.types[1] = BOOLOID;
	placer->steps.types[3] = BOOLOID;
	placer->steps.types[ONLY_PARAMETER] = keys_type;
	placer->steps.types[MODEL_PARAMETER] = placer->steps.types[OLD_MODEL_PARAMETER];
	placer->plans = segment_make_source_plans(placer->context);
	placer->xmin = row->xmin;
	placer->row = row->row;
	placer->valid = true;
}

static Placer *
find_placer(Oid members)
{
	Placer	   *placer;
	bool		found;

	if (placers == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(Placer);
		placers = hash_create("segment: immediate refreshes", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	placer = hash_search(placers, &members, HASH_ENTER, &found);
	if (!found)
		memset((char *) placer + offsetof(Placer, xmin), 0, sizeof(Placer) - offsetof(Placer, xmin));
	return placer;
}

/* ---- locks ---- */

static int
compare_hashes(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* Whether this transaction has placed somebody already, so that others may wait for it. */
static bool
has_placed(Oid members)
{
	Relation	relation = try_relation_open(members, AccessShareLock);
	bool		result;

	if (relation == NULL)
		return false;
	result = CheckRelationLockedByMe(relation, RowExclusiveLock, true);
	relation_close(relation, NoLock);
	return result;
}

/*
 * Waits for others who place the same customers, to the end of the transaction.  Who has placed
 * somebody before does not wait, as others may wait for him: false, and the next refresh looks at them.
 */
static bool
lock_customers(Oid members, ArrayType *keys)
{
	Oid			type = ARR_ELEMTYPE(keys);
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_HASH_PROC_FINFO);
	int			n = ArrayGetNItems(ARR_NDIM(keys), ARR_DIMS(keys));
	Oid			collation;
	int32		typmod;
	Oid			key_type;
	Datum	   *values;
	uint32		hash[MAX_LOCKED_CUSTOMERS];
	bool		before = has_placed(members);
	int			i;

	if (n > MAX_LOCKED_CUSTOMERS || !OidIsValid(cache->hash_proc))
	{
		/* all of them, by the lock of refreshes */
		if (before)
			return ConditionalLockRelationOid(members, ShareRowExclusiveLock);
		LockRelationOid(members, ShareRowExclusiveLock);
		return true;
	}
	LockRelationOid(members, RowExclusiveLock);
	get_atttypetypmodcoll(members, 1, &key_type, &typmod, &collation);
	deconstruct_array(keys, type, cache->typlen, cache->typbyval, cache->typalign, &values, NULL,
					  &n);
	for (i = 0; i < n; i++)
		hash[i] = DatumGetUInt32(FunctionCall1Coll(&cache->hash_proc_finfo, collation, values[i]));
	/* in one order, so that two of us do not wait for each other */
	qsort(hash, n, sizeof(uint32), compare_hashes);
	for (i = 0; i < n; i++)
	{
		LOCKTAG		tag;

		/* apart from the locks of pg_advisory_lock, which have 1 and 2 here */
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, members, hash[i], 3);
		if (LockAcquire(&tag, ExclusiveLock, false, before) == LOCKACQUIRE_NOT_AVAIL)
			return false;
	}
	return true;
}

/* ---- placing ---- */

static void
enter(const char *name, const char *value)
{
	const char *present = GetConfigOption(name, true, false);

	if (present == NULL || strcmp(present, value) != 0)
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 WARNING, false);
}

static void
enter_settings(Placer *placer, TimestampTz at)
{
	int			i;

	for (i = 0; i < placer->n_settings; i++)
		enter(placer->setting[i], placer->value[i]);
	enter("search_path", "pg_catalog, pg_temp");
	enter("standard_conforming_strings", "on");
	enter("jit", "off");
	enter("segment.as_of", timestamptz_to_str(at));
}

static bool
is_many(ArrayType *keys)
{
	return ArrayGetNItems(ARR_NDIM(keys), ARR_DIMS(keys)) > MAX_LOCKED_CUSTOMERS;
}

static int
column_of(TupleDesc desc, const char *name)
{
	int			i = SPI_fnumber(desc, name);

	if (i <= 0)
		elog(ERROR, "the step changed has no column \"%s\"", name);
	return i;
}

/* By how much sizes of segments change. */
typedef struct Shifts
{
	int			n;
	int			room;
	int32	   *id;
	int64	   *by;
} Shifts;

static void
add_shift(Shifts *shifts, Datum id, bool isnull, int by)
{
	int			i = 0;

	if (isnull)
		return;
	while (i < shifts->n && shifts->id[i] != DatumGetInt32(id))
		i++;
	if (i == shifts->room)
	{
		shifts->room = shifts->room * 2 + 8;
		shifts->id = shifts->id == NULL ? palloc(sizeof(int32) * shifts->room)
			: repalloc(shifts->id, sizeof(int32) * shifts->room);
		shifts->by = shifts->by == NULL ? palloc(sizeof(int64) * shifts->room)
			: repalloc(shifts->by, sizeof(int64) * shifts->room);
	}
	if (i == shifts->n)
	{
		shifts->id[i] = DatumGetInt32(id);
		shifts->by[i] = 0;
		shifts->n++;
	}
	shifts->by[i] += by;
}

/* What there is among the rows of the step changed; n_keys: customers that were looked at. */
static int
look_at_changed(Steps *steps, int i, TimestampTz at, int n_keys, Shifts *shifts)
{
	int			change = column_of(steps->desc, "change");
	int			was_id = column_of(steps->desc, "was_id");
	int			is_id = column_of(steps->desc, "segment_id");
	int			leaves = column_of(steps->desc, "leaves_base");
	int			entered_at = column_of(steps->desc, "base_entered_at");
	TupleTableSlot *slot = MakeSingleTupleTableSlot(steps->desc, &TTSOpsMinimalTuple);
	int			found = 0;

	while (tuplestore_gettupleslot(steps->store[i], true, false, slot))
	{
		bool		isnull;
		char	   *word = TextDatumGetCString(slot_getattr(slot, change, &isnull));
		bool		moved = strcmp(word, "updated") != 0;
		Datum		value;

		found |= strcmp(word, "entered") == 0 ? ANY_ENTERED
			: strcmp(word, "departed") == 0 ? ANY_DEPARTED : ANY_KEPT;
		if (moved)
		{
			found |= ANY_MOVED;
			value = slot_getattr(slot, was_id, &isnull);
			add_shift(shifts, value, isnull, -1);
			value = slot_getattr(slot, is_id, &isnull);
			add_shift(shifts, value, isnull, 1);
		}
		value = slot_getattr(slot, leaves, &isnull);
		if (!isnull && DatumGetBool(value))
			found |= ANY_LEFT;
		value = slot_getattr(slot, entered_at, &isnull);
		if (!isnull && DatumGetTimestampTz(value) >= at)
			found |= ANY_LATER;
	}
	tuplestore_rescan(steps->store[i]);
	ExecDropSingleTupleTableSlot(slot);
	/* as a rule it is one customer, who is somewhere */
	if (n_keys > 1 || (found & ANY_KEPT) == 0)
		found |= ANY_WAITING;
	return found;
}

/*
 * Notes by how much sizes change: what a refresh will add to them, and segment_size does.
 * Below the executor, as the change log is written; nobody else writes the table but by us.
 */
static void
write_shifts(Placer *placer, const Shifts *shifts, TimestampTz at)
{
	Relation	relation;
	int			i;

	relation = table_open(get_relname_relid("segment_shift", get_namespace_oid("segment", false)),
						  RowExclusiveLock);
	for (i = 0; i < shifts->n; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};
		HeapTuple	tuple;

		values[0] = CStringGetTextDatum(placer->name);
		values[1] = Int32GetDatum(shifts->id[i]);
		values[2] = Int64GetDatum(shifts->by[i]);
		values[3] = TimestampTzGetDatum(at);
		tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
		CatalogTupleInsert(relation, tuple);
		heap_freetuple(tuple);
	}
	table_close(relation, NoLock);
}

/* False: somebody's place is of a later instant than this. */
static bool
run_placing_steps(Placer *placer, TimestampTz at, ArrayType *keys)
{
	Steps		steps = placer->steps;
	Shifts		shifts = {0};
	int			found = 0;
	int			i;

	/* plans for a few customers are not those for many */
	if (is_many(keys))
		steps.kept = NULL;
	segment_begin_steps(&steps);
	for (i = 0; i < N_PARAMETERS; i++)
		steps.params->params[i].ptype = steps.types[i];
	steps.params->params[0].value = TimestampTzGetDatum(at);
	steps.params->params[0].isnull = false;
	steps.params->params[1].value = BoolGetDatum(false);
	steps.params->params[1].isnull = false;
	steps.params->params[OLD_MODEL_PARAMETER].value = placer->model;
	steps.params->params[OLD_MODEL_PARAMETER].isnull = !placer->has_model;
	steps.params->params[3].value = BoolGetDatum(false);
	steps.params->params[3].isnull = false;
	steps.params->params[ONLY_PARAMETER].value = PointerGetDatum(keys);
	steps.params->params[ONLY_PARAMETER].isnull = false;
	for (i = 0; i < steps.n; i++)
	{
		if (placer->needs[i] != 0 && (placer->needs[i] & found) == 0)
			continue;
		(void) segment_run_step(&steps, i);
		if (i == placer->changed)
			found = look_at_changed(&steps, i, at, ArrayGetNItems(ARR_NDIM(keys), ARR_DIMS(keys)),
									&shifts);
		if (found & ANY_LATER)
			break;
	}
	segment_end_steps(&steps);
	if ((found & ANY_LATER) == 0)
		write_shifts(placer, &shifts, at);
	return (found & ANY_LATER) == 0;
}

/* Whether they were placed; false: this is not the time to do it. */
static bool
place(Oid members, ArrayType *keys)
{
	Placer	   *placer = find_placer(members);
	CatalogueRow row;
	TimestampTz at;
	SourcePlans *before;
	int			nest_level;
	bool		is_old;
	bool		placed = false;

	/* before anything is read */
	if (!lock_customers(members, keys) || !find_row(members, &row) || !row.refreshed)
		return false;
	at = GetCurrentTimestamp();
	if (at <= row.refreshed_as_of)
		return false;

	is_old = !placer->valid || placer->xmin != row.xmin ||
		!ItemPointerEquals(&placer->row, &row.row);
	/* what is being run cannot be made anew */
	if (is_old && placer->users > 0)
		return false;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	nest_level = NewGUCNestLevel();
	if (is_old)
	{
		enter("search_path", "pg_catalog, pg_temp");
		/* that of the statement is from before the locks, that of the transaction may be old */
		PushActiveSnapshot(GetLatestSnapshot());
		make_placer(placer, &row, get_array_type(ARR_ELEMTYPE(keys)));
		PopActiveSnapshot();
	}
	enter_settings(placer, at);
	before = segment_use_source_plans(is_many(keys) ? NULL : placer->plans);
	placer->users++;
	PG_TRY();
	{
		placed = run_placing_steps(placer, at, keys);
	}
	PG_FINALLY();
	{
		placer->users--;
		(void) segment_use_source_plans(before);
	}
	PG_END_TRY();
	/* with what the source has set meanwhile */
	AtEOXact_GUC(false, nest_level);
	SPI_finish();
	return placed;
}

/* Errors that are the caller's to see. */
static bool
is_for_the_caller(int code)
{
	return code == ERRCODE_QUERY_CANCELED || code == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		code == ERRCODE_T_R_DEADLOCK_DETECTED || code == ERRCODE_LOCK_NOT_AVAILABLE ||
		code == ERRCODE_OUT_OF_MEMORY ||
		ERRCODE_TO_CATEGORY(code) == ERRCODE_OPERATOR_INTERVENTION;
}

/* What the error says may be of data that only the owner, who is the current user, may read. */
static void
tell_failure(Oid members, const ErrorData *error)
{
	bool		may_know = has_privs_of_role(GetSessionUserId(), GetUserId());

	if (!may_know)
		ereport(LOG_SERVER_ONLY,
				(errcode(error->sqlerrcode),
				 errmsg("members in table \"%s\" were not brought up to date: %s",
						get_rel_name(members), error->message)));
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("members in table \"%s\" were not brought up to date: %s", get_rel_name(members),
					may_know ? error->message : unpack_sql_state(error->sqlerrcode)),
			 errhint("The next refresh does it.")));
}

/*
 * Places customers now, with the rights of the current user, who is the owner of the
 * segmentation; false where they have to be logged for the next refresh.
 */
bool
segment_place_now(Oid members, ArrayType *keys)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool placed = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		placed = place(members, keys);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (is_for_the_caller(error->sqlerrcode))
			ReThrowError(error);
		tell_failure(members, error);
		placed = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	/* see 2. above */
	return placed && !IsolationUsesXactSnapshot();
}
