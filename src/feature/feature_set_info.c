/*
 * feature_set_info.c: what is in a feature set, for people and tests.
 */
#include "feature/feature_set.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "base/json_write.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(segment_feature_set_info);
PG_FUNCTION_INFO_V1(segment_feature_names);
PG_FUNCTION_INFO_V1(segment_feature_rows);

Datum
segment_feature_set_info(PG_FUNCTION_ARGS)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	SegmentRowStore *store = &set->store;
	StringInfoData json;
	int64		kept = 0;
	int64		r;
	int			i;

	for (r = 0; r < store->n_rows; r++)
		kept += segment_row_copies(store, r);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"n_input\": " INT64_FORMAT ", \"n_kept\": " INT64_FORMAT
					 ", \"n_rows_held\": " INT64_FORMAT ", \"sample_level\": %d, \"weighted\": %s"
					 ", \"features\": [",
					 store->n_seen, kept, store->n_rows, store->level,
					 store->weighted ? "true" : "false");
	for (i = 0; i < store->n_columns; i++)
	{
		SegmentColumnStats stats;

		segment_row_store_stats(store, i, &stats);
		if (i > 0)
			appendStringInfoString(&json, ", ");
		appendStringInfoString(&json, "{\"name\": ");
		segment_json_put_string(&json, segment_feature_set_column_name(set, i));
		appendStringInfo(&json, ", \"kind\": \"%s\", \"n_values\": " INT64_FORMAT
						 ", \"n_missing\": " INT64_FORMAT ", \"n_infinite\": " INT64_FORMAT,
						 set->columns[i].categories == NULL ? "numeric" : "categorical",
						 stats.n_values, stats.n_missing, stats.n_infinite);
		if (set->columns[i].categories != NULL)
			appendStringInfo(&json, ", \"n_categories\": %d", set->columns[i].categories->n);
		else if (stats.n_values > 0)
		{
			appendStringInfoString(&json, ", \"min\": ");
			segment_json_put_number(&json, stats.min);
			appendStringInfoString(&json, ", \"max\": ");
			segment_json_put_number(&json, stats.max);
			appendStringInfoString(&json, ", \"sum\": ");
			segment_json_put_number(&json, segment_exact_value(&stats.sum));
			appendStringInfoString(&json, ", \"sum_squares\": ");
			segment_json_put_number(&json, segment_exact_value(&stats.sum_squares));
		}
		appendStringInfoChar(&json, '}');
		CHECK_FOR_INTERRUPTS();
	}
	appendStringInfoString(&json, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* The names of the features alone, which takes no look at the rows: text[]. */
Datum
segment_feature_names(PG_FUNCTION_ARGS)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	int			n = set->store.n_columns;
	Datum	   *names = palloc(sizeof(Datum) * n);
	int			i;

	for (i = 0; i < n; i++)
		names[i] = CStringGetTextDatum(segment_feature_set_column_name(set, i));
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The rows held, in no particular order: features as text, weight, copies. */
Datum
segment_feature_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	SegmentRowStore *store = &set->store;
	Datum	   *elements = palloc(sizeof(Datum) * store->n_columns);
	bool	   *element_nulls = palloc(sizeof(bool) * store->n_columns);
	int64		r;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		Datum		values[3];
		bool		nulls[3] = {false, false, false};
		int			dims[1] = {store->n_columns};
		int			lower[1] = {1};

		for (i = 0; i < store->n_columns; i++)
		{
			element_nulls[i] = segment_is_missing(row[i]);
			if (element_nulls[i])
				continue;
			elements[i] = set->columns[i].categories != NULL
				? CStringGetTextDatum(set->columns[i].categories->name[(int) row[i]])
				: CStringGetTextDatum(segment_number_text(row[i]));
		}
		values[0] = PointerGetDatum(construct_md_array(elements, element_nulls, 1, dims, lower,
													   TEXTOID, -1, false, TYPALIGN_INT));
		nulls[1] = store->weighted && segment_is_missing(row[store->n_columns]);
		values[1] = Float8GetDatum(segment_row_weight(store, row));
		values[2] = Int64GetDatum(segment_row_copies(store, r));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}
