/*
 * progress.c: how far a refresh is, told to other sessions.
 *
 * The server keeps for each session, in shared memory that all may read at any time, a
 * command, a relation and twenty numbers: what pg_stat_progress_vacuum and its kin show.
 * There is no way to add a command to these, but the number of one is only ever compared
 * with those that the server knows: under a number that it does not know no view of its
 * own shows a row, and running_refreshes() shows ours.  So there is no shared
 * memory to ask for, hence nothing to preload, and the server itself clears the
 * entry when the transaction or a subtransaction ends in an error, or the session dies.
 *
 *		refresh                                      other sessions
 *		begin_progress(members, ...)  -> entry  <-   running_refreshes()
 *		segment_progress_step(name)   -> entry  <-   view segment_progress
 *		segment_progress_rows(...)    -> entry
 *		show_step(NULL)               -> cleared
 *
 * What the server clears although the refresh goes on is written anew: at once after an
 * error that a function of the source catches, with the next step after CREATE INDEX, which
 * tells its own progress in the same place.
 *
 * Limits: with track_activities off nothing is told, as of VACUUM.  A reader sees
 * one state to the end of his transaction, as in pg_stat_activity.
 */
#include "base/progress.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_begin_progress);
PG_FUNCTION_INFO_V1(segment_show_step);
PG_FUNCTION_INFO_V1(segment_running_refreshes);

/* No command of any server, which has a handful: "segm" as a number. */
#define REFRESH_COMMAND ((ProgressCommandType) 0x7365676d)

/* The numbers of an entry, by place. */
enum
{
	AT_STEP,					/* from 1; 0: none has begun */
	AT_STEPS,					/* of the refresh */
	AT_ROWS_READ,				/* -1: the step reads no source */
	AT_ROWS_MADE,				/* -1: not known */
	AT_BEGAN,					/* the refresh; the next three as TimestampTz */
	AT_STEP_BEGAN,
	AT_AS_OF,
	AT_NAME,					/* of the step: NAME_PARTS numbers are its bytes */
};

#define NAME_PARTS 8
#define N_NUMBERS (AT_NAME + NAME_PARTS)

bool		segment_progress_running = false;

/* The entry, to write it anew when the server cleared it. */
static struct
{
	Oid			members;
	int			nest_level;		/* of the transaction that began it */
	int64		number[N_NUMBERS];
}			progress;

static bool
is_shown(void)
{
	return MyBEEntry->st_progress_command == REFRESH_COMMAND &&
		MyBEEntry->st_progress_command_target == progress.members;
}

static void
show(void)
{
	int			place[N_NUMBERS];
	int			i;

	StaticAssertStmt(N_NUMBERS <= PGSTAT_NUM_PROGRESS_PARAM, "an entry has no room for it");
	if (MyBEEntry == NULL || !pgstat_track_activities)
		return;
	for (i = 0; i < N_NUMBERS; i++)
		place[i] = i;
	if (!is_shown())
		pgstat_progress_start_command(REFRESH_COMMAND, progress.members);
	pgstat_progress_update_multi_param(N_NUMBERS, place, progress.number);
}

/* A step begins; outside of a refresh nothing is told. */
void
segment_progress_step(const char *name)
{
	int			length = strlen(name);
	char		bytes[NAME_PARTS * sizeof(int64)] = {0};

	if (!segment_progress_running)
		return;
	memcpy(bytes, name, pg_mbcliplen(name, length, sizeof(bytes) - 1));
	memcpy(&progress.number[AT_NAME], bytes, sizeof(bytes));
	progress.number[AT_STEP]++;
	progress.number[AT_ROWS_READ] = -1;
	progress.number[AT_ROWS_MADE] = -1;
	progress.number[AT_STEP_BEGAN] = GetCurrentTimestamp();
	show();
}

void
segment_progress_update(ProgressRows which, uint64 rows)
{
	int			place = which == ROWS_READ ? AT_ROWS_READ : AT_ROWS_MADE;

	progress.number[place] = rows;
	if (MyBEEntry != NULL && is_shown())
		pgstat_progress_update_param(place, rows);
	else
		show();
}

/* The end of the transaction, by an error or not. */
static void
forget(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PARALLEL_PRE_COMMIT &&
		event != XACT_EVENT_PRE_PREPARE)
		segment_progress_running = false;
}

/*
 * An error that ends the subtransaction of the refresh, or one within it, as a function of the
 * source has that catches it.  In both the server has cleared the entry before it comes here.
 */
static void
forget_in_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
						 void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB || !segment_progress_running)
		return;
	if (GetCurrentTransactionNestLevel() <= progress.nest_level)
		segment_progress_running = false;
	else
		show();
}

/* begin_progress(members, as_of, started_at, steps) */
Datum
segment_begin_progress(PG_FUNCTION_ARGS)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(forget, NULL);
		RegisterSubXactCallback(forget_in_subtransaction, NULL);
		registered = true;
	}
	memset(&progress, 0, sizeof(progress));
	progress.members = PG_GETARG_OID(0);
	progress.nest_level = GetCurrentTransactionNestLevel();
	progress.number[AT_AS_OF] = PG_GETARG_TIMESTAMPTZ(1);
	progress.number[AT_BEGAN] = PG_GETARG_TIMESTAMPTZ(2);
	progress.number[AT_STEPS] = PG_GETARG_INT32(3);
	segment_progress_running = true;
	PG_RETURN_VOID();
}

/* show_step(name): the next step, outside of the list of statements; NULL: the refresh is done */
Datum
segment_show_step(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		segment_progress_step(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	else if (segment_progress_running)
	{
		segment_progress_running = false;
		if (MyBEEntry != NULL && is_shown())
			pgstat_progress_end_command();
	}
	PG_RETURN_VOID();
}

/* Whether the current user may know what goes on in a segmentation, by its member table. */
static bool
may_see(Oid members)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(members));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return has_privs_of_role(GetUserId(), owner) ||
		pg_class_aclcheck(members, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static void
put_refresh(ReturnSetInfo *rsinfo, const PgBackendStatus *session)
{
	const int64 *number = session->st_progress_param;
	char		name[NAME_PARTS * sizeof(int64)];
	Datum		values[10];
	bool		nulls[10] = {false};

	memcpy(name, &number[AT_NAME], sizeof(name));
	name[sizeof(name) - 1] = '\0';
	values[0] = Int32GetDatum(session->st_procpid);
	values[1] = ObjectIdGetDatum(session->st_progress_command_target);
	values[2] = CStringGetTextDatum(name);
	values[3] = Int32GetDatum((int32) number[AT_STEP]);
	values[4] = Int32GetDatum((int32) number[AT_STEPS]);
	values[5] = Int64GetDatum(number[AT_ROWS_READ]);
	nulls[5] = number[AT_ROWS_READ] < 0;
	values[6] = Int64GetDatum(number[AT_ROWS_MADE]);
	nulls[6] = number[AT_ROWS_MADE] < 0;
	values[7] = TimestampTzGetDatum(number[AT_BEGAN]);
	values[8] = TimestampTzGetDatum(number[AT_STEP_BEGAN]);
	values[9] = TimestampTzGetDatum(number[AT_AS_OF]);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* running_refreshes(): those of this database that the current user may know of */
Datum
segment_running_refreshes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			n = pgstat_fetch_stat_numbackends();
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 1; i <= n; i++)
	{
		LocalPgBackendStatus *local = segment_session_status(i);
		const PgBackendStatus *session = local ? &local->backendStatus : NULL;

		/* without a step it is between its first two writes */
		if (session != NULL && session->st_procpid > 0 && session->st_databaseid == MyDatabaseId &&
			session->st_progress_command == REFRESH_COMMAND &&
			session->st_progress_param[AT_STEP] > 0 &&
			may_see(session->st_progress_command_target))
			put_refresh(rsinfo, session);
	}
	return (Datum) 0;
}
