/*
 * run_mark.c: the mark of a refresh, which outlives a rollback and a crash.
 *
 * It is the value of a sequence, because that is what the server never takes
 * back; sql/55_run_mark.sql says what it is for.  setval() alone would not do:
 * its record waits for some commit to flush it, and a refresh that only reads
 * for a while would be forgotten when the server goes down.
 */
#include "compat.h"

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_set_run_mark);

/* the lowest bits of a mark count lost runs, the others microseconds since 2000 */
#define LOST_BITS 10
#define MAX_LOST ((INT64CONST(1) << LOST_BITS) - 1)
#define MAX_MICROSECONDS (PG_INT64_MAX >> LOST_BITS)

Datum
segment_set_run_mark(PG_FUNCTION_ARGS)
{
	Oid			mark = PG_GETARG_OID(0);
	TimestampTz started_at = PG_GETARG_TIMESTAMPTZ(1);
	int64		lost = Min(Max(PG_GETARG_INT64(2), 0), MAX_LOST);

	if (get_rel_relkind(mark) != RELKIND_SEQUENCE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a sequence",
						OidIsValid(mark) && get_rel_name(mark) ? get_rel_name(mark) : "???")));
	if (started_at <= 0 || started_at > MAX_MICROSECONDS)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("start of a refresh must lie between 2000 and 2285, not at %s",
						timestamptz_to_str(started_at)),
				 errhint("Set the clock of the server.")));
	DirectFunctionCall2(setval_oid, ObjectIdGetDatum(mark),
						Int64GetDatum((started_at << LOST_BITS) | lost));
	XLogFlush(XactLastRecEnd);
	PG_RETURN_VOID();
}
