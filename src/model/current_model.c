/*
 * current_model.c: the current model of a segmentation, by name.
 *
 * Read through SQL as the calling role, so that the catalogue's row security
 * holds; an error, never NULL, when there is none.  Both steps are left to
 * SQL's get_model(), whose messages they are.
 */
#include "model/current_model.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

SegmentModelValue *
segment_current_model(const char *segmentation)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[1] = {TEXTOID};
	Datum		values[1];
	SegmentModelValue *value;
	bool		isnull;
	Datum		model;

	values[0] = CStringGetTextDatum(segmentation);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (plan == NULL)
	{
		SPIPlanPtr	new_plan = SPI_prepare("SELECT segment.get_model($1)", 1, types);

		if (new_plan == NULL || SPI_keepplan(new_plan) != 0)
			elog(ERROR, "could not prepare the look-up of a model: %s",
				 SPI_result_code_string(SPI_result));
		plan = new_plan;
	}
	if (SPI_execute_plan(plan, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "look-up of a model failed");
	model = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "look-up of a model returned null");
	MemoryContextSwitchTo(caller);
	value = (SegmentModelValue *) PG_DETOAST_DATUM_COPY(model);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return value;
}
