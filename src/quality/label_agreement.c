/*
 * label_agreement.c: aggregates over two labels of each row, or a label and a
 * measure, and what they come to.
 *
 * The state of all of them is a feature set of two features: rows are exact, equal
 * ones are counted, parts are merged, in text and binary form it travels.  So
 * adjusted_rand_index(a, b) is adjusted_rand_index(feature_set(a, b)), and sets
 * collected apart can be merged first.  The contract is that of feature_set_agg.c;
 * here moreover:
 *  9. A row where one of the two is NULL says nothing and is skipped, counted and
 *	   told in a NOTICE.  No rows, or none left: NULL.
 * 10. Two labels take memory by their distinct pairs, a few usually.  Past
 *	   maintenance_work_mem a sample of them stands for all, with a NOTICE.
 *
 * Text is compared byte by byte, as feature sets do.  Of bigint not all are doubles: its
 * labels are kept by their digits, as text.
 */
#include "compat.h"

#include "base/aggregate_argument.h"
#include "feature/feature_set.h"
#include "kernel/base/cut_points.h"
#include "kernel/quality/label_table.h"
#include "feature/labelled_points.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* these share their state */
#define AGGREGATES "adjusted_rand_index, normalized_mutual_information and eta_squared"

PG_FUNCTION_INFO_V1(segment_label_pair_accum_integer);
PG_FUNCTION_INFO_V1(segment_label_pair_accum_text);
PG_FUNCTION_INFO_V1(segment_labelled_measure_accum_integer);
PG_FUNCTION_INFO_V1(segment_labelled_measure_accum_text);
PG_FUNCTION_INFO_V1(segment_label_pair_accum_smallint);
PG_FUNCTION_INFO_V1(segment_label_pair_accum_bigint);
PG_FUNCTION_INFO_V1(segment_label_pair_accum_boolean);
PG_FUNCTION_INFO_V1(segment_labelled_measure_accum_smallint);
PG_FUNCTION_INFO_V1(segment_labelled_measure_accum_bigint);
PG_FUNCTION_INFO_V1(segment_labelled_measure_accum_boolean);
PG_FUNCTION_INFO_V1(segment_adjusted_rand_index_set);
PG_FUNCTION_INFO_V1(segment_normalized_mutual_information_set);

/* ---- collecting ---- */

typedef enum Kind
{
	INTEGER_LABEL,
	SMALLINT_LABEL,
	BOOLEAN_LABEL,
	BIGINT_LABEL,
	TEXT_LABEL,
	MEASURE
} Kind;

/* Whether labels of a kind are kept as categories. */
static inline bool
is_category(Kind kind)
{
	return kind == TEXT_LABEL || kind == BIGINT_LABEL;
}

static FeatureSet *
new_state(const Kind *kind, MemoryContext context)
{
	FeatureSet *set = segment_feature_set_new(2, false, context);
	int			i;

	for (i = 0; i < 2; i++)
		if (is_category(kind[i]))
			set->columns[i].categories = MemoryContextAllocZero(set->hdr.eoh_context,
																sizeof(FeatureCategories));
	/* labels repeat: count equal rows from the first on */
	if (kind[1] != MEASURE)
		segment_row_store_fold(&set->store);
	return set;
}

static double
read_value(FeatureSet *set, int column, Kind kind, Datum value)
{
	char		digits[MAXINT8LEN + 1];

	switch (kind)
	{
		case INTEGER_LABEL:
			return DatumGetInt32(value);
		case SMALLINT_LABEL:
			return DatumGetInt16(value);
		case BOOLEAN_LABEL:
			return DatumGetBool(value) ? 1 : 0;
		case BIGINT_LABEL:
			pg_lltoa(DatumGetInt64(value), digits);
			return segment_feature_set_category(set, column, digits);
		case TEXT_LABEL:
			return segment_feature_set_category(set, column, TextDatumGetCString(value));
		case MEASURE:
			break;
	}
	return DatumGetFloat8(value);
}

static Datum
accumulate(FunctionCallInfo fcinfo, Kind first, Kind second)
{
	Kind		kind[2] = {first, second};
	MemoryContext context = segment_aggregate_context(fcinfo, AGGREGATES);
	FeatureSet *set;
	double		row[2];
	int			i;

	set = PG_ARGISNULL(0) ? new_state(kind, context)
		: segment_feature_set_writable(PG_GETARG_DATUM(0), context);
	for (i = 0; i < 2; i++)
		if (set->store.n_columns != 2 || set->store.weighted ||
			(set->columns[i].categories != NULL) != is_category(kind[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("the aggregate's state is of another aggregate")));
	for (i = 0; i < 2; i++)
		row[i] = PG_ARGISNULL(i + 1) ? segment_missing_value()
			: read_value(set, i, kind[i], PG_GETARG_DATUM(i + 1));
	segment_row_store_add(&set->store, row, 1);
	return segment_feature_set_datum(set);
}

Datum
segment_label_pair_accum_integer(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, INTEGER_LABEL, INTEGER_LABEL);
}

Datum
segment_label_pair_accum_text(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, TEXT_LABEL, TEXT_LABEL);
}

Datum
segment_labelled_measure_accum_integer(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, INTEGER_LABEL, MEASURE);
}

Datum
segment_labelled_measure_accum_text(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, TEXT_LABEL, MEASURE);
}

Datum
segment_label_pair_accum_smallint(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, SMALLINT_LABEL, SMALLINT_LABEL);
}

Datum
segment_label_pair_accum_bigint(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, BIGINT_LABEL, BIGINT_LABEL);
}

Datum
segment_label_pair_accum_boolean(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, BOOLEAN_LABEL, BOOLEAN_LABEL);
}

Datum
segment_labelled_measure_accum_smallint(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, SMALLINT_LABEL, MEASURE);
}

Datum
segment_labelled_measure_accum_bigint(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, BIGINT_LABEL, MEASURE);
}

Datum
segment_labelled_measure_accum_boolean(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, BOOLEAN_LABEL, MEASURE);
}

/* ---- two labelings ---- */

/*
 * Pairs of labels in ascending order, each with its number of rows; whole numbers,
 * so their sums have no order.  *n_cells is 0 when no row has both labels.
 */
static SegmentLabelTable
table_of_set(const FeatureSet *set)
{
	const SegmentRowStore *store = &set->store;
	uint64	   *pair = segment_new_array(store->n_rows, 1, sizeof(uint64));
	double	   *rows = segment_new_array(store->n_rows, 1, sizeof(double));
	SegmentLabelTable table = {0};
	LabelList  *a = segment_label_list(set, 0);
	LabelList  *b = segment_label_list(set, 1);
	int64		n = 0;
	int64		n_used = 0;
	int64		n_skipped = 0;
	int64		r;

	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		int32		label_a = segment_label_number(a, row[0]);
		int32		label_b = segment_label_number(b, row[1]);
		int64		copies = segment_row_copies(store, r);

		if ((r & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		if (label_a < 0 || label_b < 0)
		{
			n_skipped += copies;
			continue;
		}
		pair[n] = (uint64) label_a << 32 | (uint64) label_b;
		rows[n] = (double) copies;
		n_used += copies;
		n++;
	}
	segment_sort_numbers(pair, rows, segment_new_array(n, 1, sizeof(uint64)),
						 segment_new_array(n, 1, sizeof(double)), n);
	table.n_a = a->n;
	table.n_b = b->n;
	table.cell = segment_new_array(n, 1, sizeof(SegmentLabelCell));
	for (r = 0; r < n; r++)
	{
		SegmentLabelCell *cell;

		if (r == 0 || pair[r] != pair[r - 1])
		{
			cell = &table.cell[table.n_cells++];
			cell->a = (int32) (pair[r] >> 32);
			cell->b = (int32) (pair[r] & 0xFFFFFFFF);
			cell->rows = 0;
		}
		table.cell[table.n_cells - 1].rows += rows[r];
	}
	segment_tell_sampled(set);
	segment_tell_skipped(n_skipped, n_used);
	return table;
}

static void
check_labelings(const FeatureSet *set)
{
	if (set->store.n_columns != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("two labels are compared, but the feature set has %d features",
						set->store.n_columns),
				 errhint("Collect them with feature_set(a, b).")));
	if (set->store.weighted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("labels are compared row by row, without weights")));
}

static Datum
agreement(FunctionCallInfo fcinfo, double (*index) (const SegmentLabelTable *, SegmentMemory))
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	SegmentLabelTable table;

	check_labelings(set);
	table = table_of_set(set);
	if (table.n_cells == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(index(&table, segment_memory(CurrentMemoryContext)));
}

Datum
segment_adjusted_rand_index_set(PG_FUNCTION_ARGS)
{
	return agreement(fcinfo, segment_adjusted_rand_index);
}

Datum
segment_normalized_mutual_information_set(PG_FUNCTION_ARGS)
{
	return agreement(fcinfo, segment_normalized_mutual_information);
}
