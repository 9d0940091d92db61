/*
 * as_of.c: the instant that sources and rules speak of.
 *
 * The setting segment.as_of holds it while a refresh, a preview or an explanation runs;
 * where it is empty, the instant is the beginning of the transaction, as now().  Ours
 * is written with its zone, so that parallel workers, which take over the text, read
 * the same.  The text is read once, and again when it or the time zone changes.
 */
#include "segmentation/as_of.h"

#include "access/xact.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_as_of);

static char *setting;

void
segment_define_as_of(void)
{
	DefineCustomStringVariable("segment.as_of",
							   "The instant that as_of() returns.",
							   "Empty: the beginning of the transaction. A refresh sets it.",
							   &setting, "", PGC_USERSET, 0, NULL, NULL, NULL);
}

/* as_of(): the instant of the running refresh, or of the setting, or now */
Datum
segment_as_of(PG_FUNCTION_ARGS)
{
	static char text[MAXDATELEN + 1];
	static const pg_tz *zone;
	static TimestampTz instant;

	if (setting == NULL || setting[0] == '\0')
		PG_RETURN_TIMESTAMPTZ(GetCurrentTransactionStartTimestamp());
	if (zone != session_timezone || strcmp(text, setting) != 0)
	{
		Datum		value = DirectFunctionCall3(timestamptz_in, CStringGetDatum(setting),
												ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

		instant = DatumGetTimestampTz(value);
		zone = strlen(setting) <= MAXDATELEN ? session_timezone : NULL;
		strlcpy(text, setting, sizeof(text));
	}
	PG_RETURN_TIMESTAMPTZ(instant);
}
