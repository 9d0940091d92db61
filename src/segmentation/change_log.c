/*
 * change_log.c: the trigger of tracked tables, which notes whose rows were changed.
 *
 * track_source() puts triggers on each table that a source reads:
 *
 *		INSERT, UPDATE, DELETE	for a statement, with transition tables; those of INSERT ON
 *								CONFLICT, MERGE, COPY and of cascading foreign keys are among them
 *		TRUNCATE				for a statement
 *		INSERT OR UPDATE OR DELETE for a row, ENABLE REPLICA: what logical replication applies
 *								fires no triggers of statements but TRUNCATE's
 *
 * Each one looks up which segmentations track its table (segment.tracked_table), takes the keys
 * out of the columns that hold them, those of an update from both rows, and writes each once into
 * the change log: one table a segmentation, beside its members.  NULL stands for everybody: after TRUNCATE, of
 * a table whose every change concerns all, where a column is gone or of another type, and
 * where there are so many keys that a full refresh is cheaper.
 *
 * Writers are anybody, and writing is what has to go on.  Hence:
 *
 * 1. Nothing is written unless the owner of the segmentation owns the table, too, or has the
 *    TRIGGER privilege on it, with which he could put a trigger of his own there: that is the
 *    consent of the table's owner.  A trigger names no segmentation, so one that somebody forges
 *    does what ours does, for those who track its table.
 * 2. No code of anybody's runs.  A key is taken as it stands, from a column of exactly the
 *    key's type, or one of the server's types that hold the same values; the log has no triggers,
 *    checks, expressions or unique indexes, or else is not written; the row goes in below the
 *    executor.  That is done as the owner of the segmentation.
 * 3. What is not as it should be is no error: the log is not written, the server's log says
 *    so once, and the next refresh finds it out (untracked_reason) and reads everything.
 *
 * What is to be written where is kept for the session; changes of the catalogue (tell_writers)
 * and of the tables throw it away.  It is read by the latest snapshot, not that of the transaction:
 * who began before track_source() and writes after it has to write the log.
 */
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "segmentation/catalogue.h"
#include "segmentation/changed_keys.h"
#include "segmentation/immediate.h"
#include "source/trace.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_log_changes);
PG_FUNCTION_INFO_V1(segment_lock_writers);

#define BATCH_ROWS 500			/* rows that are put into pages at once */

/* What is known of a table. */
typedef struct Tracked
{
	Oid			table;			/* the key of the hash table */
	bool		valid;
	bool		changed;		/* while it was read */
	bool		told;			/* that its changes are not kept */
	MemoryContext context;		/* of the targets; NULL: there were none yet */
	int			n;
	TrackTarget	   *targets;
} Tracked;

static HTAB *tracked_tables = NULL;
static Oid	catalogue = InvalidOid; /* segment.tracked_table */

/* ---- which segmentations track a table ---- */

static void
forget(Datum argument, Oid relation)
{
	HASH_SEQ_STATUS status;
	Tracked    *tracked;
	int			i;

	hash_seq_init(&status, tracked_tables);
	while ((tracked = hash_seq_search(&status)) != NULL)
	{
		bool		concerned = !OidIsValid(relation) || relation == catalogue ||
			relation == tracked->table;

		for (i = 0; i < tracked->n && !concerned; i++)
			concerned = relation == tracked->targets[i].log ||
				relation == tracked->targets[i].members;
		if (concerned)
		{
			tracked->valid = false;
			tracked->changed = true;
		}
	}
}

/* The columns of the table that hold keys, by the names that the catalogue has. */
static void
find_columns(TrackTarget *target, Oid table, ArrayType *names)
{
	Datum	   *name;
	int			n;
	int			i;

	deconstruct_array(names, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &name, NULL, &n);
	target->everybody = n == 0;
	target->columns = palloc(sizeof(AttrNumber) * Max(n, 1));
	target->types = palloc(sizeof(Oid) * Max(n, 1));
	target->n = n;
	for (i = 0; i < n; i++)
	{
		target->columns[i] = get_attnum(table, NameStr(*DatumGetName(name[i])));
		target->types[i] = target->columns[i] == InvalidAttrNumber ? InvalidOid
			: get_atttype(table, target->columns[i]);
		/* gone, retyped, or not stored */
		if (target->columns[i] <= 0 || get_attgenerated(table, target->columns[i]) == 'v' ||
			!segment_key_is_kept(target->types[i], target->key_type))
			target->everybody = true;
	}
}

static void
read_targets(Tracked *tracked, Oid listed)
{
	Oid			types[] = {REGCLASSOID};
	Datum		values[] = {ObjectIdGetDatum(listed)};
	uint64		i;

	/* members are read for who owns them only */
	if (SPI_execute_with_args("SELECT g.changes, g.members, t.key_columns, g.refresh_mode = 'immediate' "
							  "FROM segment.tracked_table AS t "
							  "JOIN segment.segmentation AS g ON g.name = t.segmentation "
							  "WHERE t.relation = $1 AND g.changes IS NOT NULL ORDER BY g.name",
							  1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the catalogue");
	tracked->targets = MemoryContextAllocZero(tracked->context,
											  sizeof(TrackTarget) * Max(SPI_processed, 1));
	for (i = 0; i < SPI_processed; i++)
	{
		TrackTarget	   *target = &tracked->targets[tracked->n];
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(tracked->context);
		bool		isnull;

		target->log = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
		target->members = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
		target->immediate = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
		target->key_type = get_atttype(target->log, 1);
		if (OidIsValid(target->key_type))
		{
			get_typlenbyval(target->key_type, &target->key_length, &target->key_by_value);
			find_columns(target, tracked->table,
						 DatumGetArrayTypeP(SPI_getbinval(row, desc, 3, &isnull)));
			tracked->n++;
		}
		MemoryContextSwitchTo(old);
	}
}

/* Reads the catalogue, as its owner, in the latest state. */
static void
read_catalogue(Tracked *tracked)
{
	Oid			user;
	int			security;
	int			nest_level;
	ListCell   *cell;

	catalogue = get_relname_relid("tracked_table", get_namespace_oid("segment", false));
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(segment_extension_owner(),
						   security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
	nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(GetLatestSnapshot());
	read_targets(tracked, tracked->table);
	/* a partition that was attached since belongs to what its parents do */
	if (tracked->n == 0 && get_rel_relispartition(tracked->table))
		foreach(cell, get_partition_ancestors(tracked->table))
		{
			if (tracked->n == 0)
				read_targets(tracked, lfirst_oid(cell));
		}
	PopActiveSnapshot();
	SPI_finish();
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(user, security);
}

static Tracked *
find_tracked(Oid table)
{
	Tracked    *tracked;
	bool		found;

	if (tracked_tables == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(Tracked);
		tracked_tables = hash_create("tables tracked by segmentations", 16, &control,
									 HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	}
	tracked = hash_search(tracked_tables, &table, HASH_ENTER, &found);
	if (!found)
	{
		tracked->valid = false;
		tracked->context = NULL;
		tracked->n = 0;
	}
	if (tracked->valid)
		return tracked;
	tracked->n = 0;
	if (tracked->context != NULL)
		MemoryContextReset(tracked->context);
	else
		tracked->context = AllocSetContextCreate(CacheMemoryContext, "tracked table",
												 ALLOCSET_SMALL_SIZES);
	tracked->changed = false;
	tracked->told = false;
	read_catalogue(tracked);
	/* or else it is read again the next time */
	tracked->valid = !tracked->changed;
	return tracked;
}

/* ---- whether it may be written ---- */

/*
 * Whether an index is of rows that refreshes write, due_at > '-infinity', and so of none of
 * ours.  Its condition is looked at as it is stored: the relation cache would evaluate what in
 * it is constant, and an owner may have put code of his own there.
 */
static bool
is_of_refreshes(Relation index)
{
	bool		isnull;
	Datum		stored = SysCacheGetAttr(INDEXRELID, index->rd_indextuple,
										 Anum_pg_index_indpred, &isnull);
	Node	   *condition;
	OpExpr	   *comparison;
	Node	   *column;
	Node	   *bound;

	if (isnull)
		return false;
	condition = stringToNode(TextDatumGetCString(stored));
	if (IsA(condition, List) && list_length((List *) condition) == 1)
		condition = linitial((List *) condition);
	if (!IsA(condition, OpExpr))
		return false;
	comparison = (OpExpr *) condition;
	if (get_opcode(comparison->opno) != F_TIMESTAMPTZ_GT || list_length(comparison->args) != 2)
		return false;
	column = linitial(comparison->args);
	bound = lsecond(comparison->args);
	return IsA(column, Var) && ((Var *) column)->varattno == 2 &&
		IsA(bound, Const) && !((Const *) bound)->constisnull &&
		TIMESTAMP_IS_NOBEGIN(DatumGetTimestampTz(((Const *) bound)->constvalue));
}

static const char *
refusal_of_index(Relation index)
{
	if (index->rd_rel->relam != BTREE_AM_OID)
		return "its change log has an index that is no btree";
	if (index->rd_index->indisunique || index->rd_index->indisexclusion)
		return "its change log has a unique index";
	if (!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) ||
		(!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		 !is_of_refreshes(index)))
		return "its change log has an index with an expression";
	return NULL;
}

/* Why the log must not be written; NULL: it may. */
static const char *
refusal_of_log(const TrackTarget *target, Relation log, Oid table, Oid owner)
{
	TupleDesc	desc = RelationGetDescr(log);
	TupleConstr *constraints = desc->constr;

	if (log->rd_rel->relowner != owner)
		return "its change log is somebody else's";
	if (pg_class_aclcheck(table, owner, ACL_TRIGGER) != ACLCHECK_OK)
		return "its owner has no TRIGGER privilege on the table";
	if (log->rd_rel->relkind != RELKIND_RELATION || log->rd_rel->relispartition ||
		desc->natts != 2 || TupleDescAttr(desc, 0)->atttypid != target->key_type ||
		TupleDescAttr(desc, 0)->attnotnull || TupleDescAttr(desc, 1)->atttypid != TIMESTAMPTZOID ||
		TupleDescAttr(desc, 0)->attgenerated != '\0' || TupleDescAttr(desc, 1)->attgenerated != '\0')
		return "its change log has other columns";
	if (log->trigdesc != NULL || log->rd_rules != NULL ||
		(constraints != NULL && constraints->num_check > 0))
		return "its change log has triggers, rules or constraints";
	return NULL;
}

/* ---- writing ---- */

typedef struct LogWriter
{
	Relation	log;
	int			n_indexes;
	Relation   *indexes;
	IndexInfo **infos;
	TupleTableSlot *slots[BATCH_ROWS];	/* NULL until needed */
	int			n;				/* slots in use */
	BulkInsertState bulk;		/* NULL: a few rows */
} LogWriter;

/* Opens the indexes; returns why they must not be written. */
static const char *
begin_writing(LogWriter *writer, Relation log)
{
	List	   *oids = RelationGetIndexList(log);
	const char *refusal = NULL;
	ListCell   *cell;

	memset(writer, 0, sizeof(LogWriter));
	writer->log = log;
	writer->indexes = palloc(sizeof(Relation) * Max(list_length(oids), 1));
	writer->infos = palloc(sizeof(IndexInfo *) * Max(list_length(oids), 1));
	foreach(cell, oids)
	{
		Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);

		if (refusal == NULL)
			refusal = refusal_of_index(index);
		if (refusal == NULL && is_of_refreshes(index))
		{
			index_close(index, RowExclusiveLock);
			continue;
		}
		writer->indexes[writer->n_indexes] = index;
		writer->infos[writer->n_indexes++] = refusal == NULL ? BuildIndexInfo(index) : NULL;
	}
	list_free(oids);
	return refusal;
}

static void
write_indexes(LogWriter *writer, TupleTableSlot *slot)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	int			i;

	for (i = 0; i < writer->n_indexes; i++)
	{
		if (!writer->infos[i]->ii_ReadyForInserts)
			continue;
		FormIndexDatum(writer->infos[i], slot, NULL, values, nulls);
		(void) index_insert(writer->indexes[i], values, nulls, &slot->tts_tid, writer->log,
							UNIQUE_CHECK_NO, false, writer->infos[i]);
	}
}

static void
write_batch(LogWriter *writer)
{
	CommandId	command = GetCurrentCommandId(true);
	int			i;

	if (writer->n == 1)
		table_tuple_insert(writer->log, writer->slots[0], command, 0, writer->bulk);
	else
		table_multi_insert(writer->log, writer->slots, writer->n, command, 0, writer->bulk);
	for (i = 0; i < writer->n; i++)
	{
		write_indexes(writer, writer->slots[i]);
		ExecClearTuple(writer->slots[i]);
	}
	writer->n = 0;
}

static void
write_key(LogWriter *writer, Datum key, bool isnull)
{
	TupleTableSlot *slot = writer->slots[writer->n];

	if (slot == NULL)
		slot = writer->slots[writer->n] = table_slot_create(writer->log, NULL);
	slot->tts_values[0] = key;
	slot->tts_isnull[0] = isnull;
	slot->tts_values[1] = TimestampTzGetDatum(DT_NOBEGIN);
	slot->tts_isnull[1] = false;
	ExecStoreVirtualTuple(slot);
	if (++writer->n == BATCH_ROWS)
		write_batch(writer);
}

static void
end_writing(LogWriter *writer)
{
	int			i;

	if (writer->n > 0)
		write_batch(writer);
	for (i = 0; i < BATCH_ROWS && writer->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(writer->slots[i]);
	if (writer->bulk != NULL)
		FreeBulkInsertState(writer->bulk);
	for (i = 0; i < writer->n_indexes; i++)
		index_close(writer->indexes[i], RowExclusiveLock);
}

static void
write_keys(LogWriter *writer, const ChangedKeys *keys)
{
	int			i;

	if (keys->everybody)
	{
		write_key(writer, (Datum) 0, true);
		return;
	}
	if (keys->n >= BATCH_ROWS)
		writer->bulk = GetBulkInsertState();
	for (i = 0; i < keys->n; i++)
		write_key(writer, keys->values[i], false);
}

/* Whether customers were placed at once and need not be in the log. */
static bool
is_placed(const ChangedKeys *keys)
{
	const TrackTarget *target = keys->target;
	char		alignment;
	int16		length;
	bool		by_value;

	if (!target->immediate || keys->everybody)
		return false;
	get_typlenbyvalalign(target->key_type, &length, &by_value, &alignment);
	return segment_place_now(target->members,
							 construct_array(keys->values, keys->n, target->key_type, length,
											 by_value, alignment));
}

static void
log_for(Tracked *tracked, const TrackTarget *target, TriggerData *trigger)
{
	Relation	log;
	LogWriter	writer;
	ChangedKeys		keys = {0};
	Oid			owner;
	Oid			user;
	int			security;
	char		kind;
	const char *refusal;

	keys.target = target;
	keys.everybody = target->everybody;
	if (!keys.everybody)
		segment_collect_keys(&keys, trigger);
	if (keys.everybody ? !segment_changed_rows(trigger) : keys.n == 0)
		return;
	owner = segment_owner_of_table(target->members, &kind);
	log = try_table_open(target->log, RowExclusiveLock);
	if (log == NULL)
		return;
	refusal = refusal_of_log(target, log, RelationGetRelid(trigger->tg_relation), owner);
	if (refusal == NULL)
	{
		GetUserIdAndSecContext(&user, &security);
		SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
		if (!is_placed(&keys))
		{
			refusal = begin_writing(&writer, log);
			if (refusal == NULL)
				write_keys(&writer, &keys);
			end_writing(&writer);
		}
		SetUserIdAndSecContext(user, security);
	}
	if (refusal != NULL && !tracked->told)
	{
		tracked->told = true;
		ereport(LOG,
				(errmsg("changes of table \"%s\" are not kept for the segmentation with members \"%s\": %s",
						RelationGetRelationName(trigger->tg_relation),
						get_rel_name(target->members), refusal)));
	}
	/* to the end of the transaction, as any writer's */
	table_close(log, NoLock);
}

/*
 * log_changes(): the trigger.
 */
Datum
segment_log_changes(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Tracked    *tracked;
	MemoryContext scratch;
	MemoryContext old;
	int			i;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("log_changes() must be called by an AFTER trigger"),
				 errhint("track_source() makes the triggers.")));
	tracked = find_tracked(RelationGetRelid(trigger->tg_relation));
	if (tracked->n > 0)
	{
		scratch = AllocSetContextCreate(CurrentMemoryContext, "changed customers",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(scratch);
		for (i = 0; i < tracked->n; i++)
			log_for(tracked, &tracked->targets[i], trigger);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
	}
	return PointerGetDatum(NULL);
}

/*
 * lock_writers(table): waits for who is writing a table, and keeps others from it to the end of the
 * transaction; for who may put a trigger on it, which does the same.
 */
Datum
segment_lock_writers(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);

	if (pg_class_aclcheck(table, GetUserId(), ACL_TRIGGER) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
	LockRelationOid(table, ShareRowExclusiveLock);
	PG_RETURN_VOID();
}
