/*
 * rfm_train.c: finds the cut points of an RFM model from a feature set.
 *
 * SQL's rfm_model() looks the scheme up and calls rfm_train with its names and
 * cells.  A row takes part when it has orders (law 14) and all values are there
 * and finite; all others are counted in n_skipped (law 5).
 */
#include "rfm/rfm.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "feature/feature_set.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(segment_rfm_train);

typedef enum RfmCuts
{
	RFM_QUANTILE,
	RFM_THRESHOLDS,
	RFM_NATURAL_BREAKS,
	RFM_R_RFM
} RfmCuts;

static const char *const cuts_names[] = {
	"quantile", "thresholds", "natural_breaks", "r_rfm"
};

/* The usable rows, column by column. */
typedef struct Training
{
	int64		n;				/* distinct rows */
	RowCounts	rows;
	double	   *values[RFM_MAX_FEATURES];
	double	   *weights;		/* NULL: all 1 */
	double	   *copies;			/* NULL: all 1 */
} Training;

static RfmCuts
cuts_from_name(const char *name)
{
	int			i;

	for (i = 0; i < (int) lengthof(cuts_names); i++)
		if (strcmp(cuts_names[i], name) == 0)
			return (RfmCuts) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown way to find cuts: \"%s\"", name),
			 errhint("Values of cuts are quantile, thresholds, natural_breaks and r_rfm.")));
}

static bool
interrupted(void)
{
	return InterruptPending;
}

/* Which column of the set is recency, frequency, monetary: by name, else by position. */
static void
find_columns(const Rfm *rfm, const FeatureSet *set, int *column)
{
	int			i;
	int			j;
	bool		named = true;

	for (i = 0; i < rfm->n_features; i++)
	{
		column[i] = -1;
		for (j = 0; j < set->store.n_columns; j++)
			if (set->columns[j].name != NULL &&
				strcmp(set->columns[j].name, segment_rfm_feature_names[i]) == 0)
				column[i] = j;
		if (column[i] < 0)
			named = false;
	}
	if (!named)
	{
		if (set->store.n_columns != rfm->n_features)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg(rfm->n_features > RFM_TENURE
							? "this RFM model needs the four features recency, frequency, monetary, tenure, but the feature set has %d features"
							: "an RFM model needs the three features recency, frequency, monetary, but the feature set has %d features",
							set->store.n_columns),
					 errhint(rfm->n_features > RFM_TENURE
							 ? "Collect them with feature_set(recency, frequency, monetary, tenure)."
							 : "Collect them with feature_set(recency, frequency, monetary).")));
		for (i = 0; i < rfm->n_features; i++)
			column[i] = i;
	}
	for (i = 0; i < rfm->n_features; i++)
		if (set->columns[column[i]].categories != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is categorical, expected a number",
							segment_rfm_feature_names[i])));
}

static void
collect_training(const Rfm *rfm, const FeatureSet *set, Training *training)
{
	const SegmentRowStore *store = &set->store;
	int			column[RFM_MAX_FEATURES];
	int64		r;
	int			i;

	find_columns(rfm, set, column);
	memset(training, 0, sizeof(*training));
	for (i = 0; i < rfm->n_features; i++)
		training->values[i] = segment_new_array(store->n_rows, 1, sizeof(double));
	if (store->weighted)
		training->weights = segment_new_array(store->n_rows, 1, sizeof(double));
	if (store->copies != NULL)
		training->copies = segment_new_array(store->n_rows, 1, sizeof(double));

	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		double		x[RFM_MAX_FEATURES] = {0};
		int64		copies = segment_row_copies(store, r);
		bool		usable;

		for (i = 0; i < rfm->n_features; i++)
			x[i] = row[column[i]];
		usable = rfm_has_orders(x) && (!store->weighted || row[store->n_columns] > 0);
		for (i = 0; i < rfm->n_features; i++)
			usable = usable && isfinite(x[i]);
		if (!usable)
		{
			training->rows.n_skipped += copies;
			continue;
		}
		for (i = 0; i < rfm->n_features; i++)
			training->values[i][training->n] = x[i];
		if (training->weights != NULL)
			training->weights[training->n] = row[store->n_columns];
		if (training->copies != NULL)
			training->copies[training->n] = (double) copies;
		training->n++;
		training->rows.n_used += copies;
	}
	training->rows.n_input = store->n_seen;
	training->rows.n_unsampled = store->n_seen - training->rows.n_used - training->rows.n_skipped;
}

/* The cuts of one feature as the caller gave them, or false. */
static bool
given_thresholds(Jsonb *thresholds, int number, int bins, RfmFeature *feature)
{
	static const char *const keys[] = {"recency", "frequency", "monetary", "tenure", NULL};
	JsonPlace	json;
	JsonPlace	list;
	JsonPlace  *elements;
	int			n;
	int			i;

	if (thresholds == NULL)
		return false;
	json = segment_json_root(thresholds, "thresholds");
	segment_json_check_keys(&json, keys);
	if (!segment_json_has(&json, segment_rfm_feature_names[number]))
		return false;
	list = segment_json_member(&json, segment_rfm_feature_names[number]);
	elements = segment_json_elements(&list, &n);
	if (n != bins - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d bins need %d thresholds of %s, got %d", bins, bins - 1,
						segment_rfm_feature_names[number], n),
				 errhint("Give one threshold between each two neighbouring bins, or bins => %d.", n + 1)));
	for (i = 0; i < bins - 1; i++)
	{
		feature->cuts[i] = segment_json_double(&elements[i]);
		if (i > 0 && !(feature->cuts[i] > feature->cuts[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("thresholds of %s must ascend, but %g follows %g",
							segment_rfm_feature_names[number], feature->cuts[i], feature->cuts[i - 1])));
	}
	return true;
}

/* Counts training rows by score, and their range. */
static void
count_scores(Rfm *rfm, int number, const Training *training)
{
	RfmFeature *feature = &rfm->feature[number];
	int64		r;

	feature->min = feature->max = segment_missing_value();
	for (r = 0; r < training->n; r++)
	{
		double		x = training->values[number][r];

		if (!(feature->min <= x))
			feature->min = x;
		if (!(feature->max >= x))
			feature->max = x;
		feature->counts[rfm_score_from_zero(rfm, number, x)] +=
			training->copies == NULL ? 1 : (int64) training->copies[r];
	}
}

static void
find_cuts(Rfm *rfm, int number, RfmCuts how, Jsonb *thresholds, const Training *training)
{
	RfmFeature *feature = &rfm->feature[number];
	SegmentMemory memory = segment_memory(CurrentMemoryContext);
	SegmentColumn column;

	if (given_thresholds(thresholds, number, rfm->bins, feature))
	{
		feature->closed_left = how == RFM_R_RFM;
		return;
	}
	if (how == RFM_THRESHOLDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cuts \"thresholds\" needs thresholds of %s",
						segment_rfm_feature_names[number]),
				 errhint("Give them as '{\"recency\": [...], \"frequency\": [...], \"monetary\": [...]}'.")));
	if (training->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row can be used to find the cut points"),
				 errdetail("Of " INT64_FORMAT " rows none has orders and a finite recency, frequency and monetary value%s.",
						   training->rows.n_skipped,
						   rfm->n_features > RFM_TENURE ? " and tenure" : ""),
				 errhint("Give thresholds, or collect customers with orders.")));

	segment_column_build(&column, training->values[number], training->weights, training->copies,
						 training->n, memory);
	/* r_rfm meets the figures of the package, to the last digit */
	if (how != RFM_R_RFM)
		segment_column_join_noise(&column);
	if (column.n < rfm->bins)
		ereport(NOTICE,
				(errmsg(column.n == 1 ? "%s has only " INT64_FORMAT " distinct value for %d bins"
						: "%s has only " INT64_FORMAT " distinct values for %d bins",
						segment_rfm_feature_names[number], column.n, rfm->bins),
				 errdetail("Equal values get equal scores, so some scores stay unused.")));
	switch (how)
	{
		case RFM_QUANTILE:
			segment_cut_quantile(&column, rfm->bins, feature->cuts);
			break;
		case RFM_R_RFM:
			feature->closed_left = true;
			segment_cut_r_rfm(&column, rfm->bins, feature->cuts);
			break;
		case RFM_NATURAL_BREAKS:
			while (segment_cut_natural_breaks(&column, rfm->bins, feature->cuts, memory,
											  interrupted) == SEGMENT_CUT_INTERRUPTED)
				CHECK_FOR_INTERRUPTS();
			break;
		case RFM_THRESHOLDS:
			break;
	}
	segment_column_free(&column, memory);
}

static void
read_scheme(Model *model, Rfm *rfm, ArrayType *names_array, ArrayType *cells_array,
			const char *no_orders)
{
	Datum	   *names_datum;
	bool	   *nulls;
	int			n;
	int			n_cells = rfm_n_cells(rfm);
	char	  **names;
	int32	   *ids;
	int32	   *cells = (int32 *) ARR_DATA_PTR(cells_array);
	int			i;

	deconstruct_array(names_array, TEXTOID, -1, false, TYPALIGN_INT, &names_datum, &nulls, &n);
	if (ARR_HASNULL(names_array) || ARR_HASNULL(cells_array) || ARR_NDIM(cells_array) != 1 ||
		ArrayGetNItems(1, ARR_DIMS(cells_array)) != n_cells)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a scheme of %d bins needs %d cells and the names of its segments",
						rfm->bins, n_cells)));
	names = palloc(sizeof(char *) * (n + 1));
	ids = palloc(sizeof(int32) * (n + 1));
	rfm->no_orders = -1;
	for (i = 0; i < n; i++)
	{
		names[i] = TextDatumGetCString(names_datum[i]);
		ids[i] = i + 1;
		if (strcmp(names[i], no_orders) == 0)
			rfm->no_orders = i;
	}
	if (rfm->no_orders < 0)
	{
		names[n] = pstrdup(no_orders);
		ids[n] = n + 1;
		rfm->no_orders = n++;
	}
	for (i = 0; i < n_cells; i++)
	{
		if (cells[i] < 1 || cells[i] > n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cell %d of the scheme refers to segment %d of %d",
							i + 1, cells[i], n)));
		rfm->cells[i] = (int16) (cells[i] - 1);
	}
	segment_model_set_segments(model, n, ids, names, NULL);
}

/*
 * rfm_train(set, bins, lowest_score, cuts, thresholds, scheme, names, cells, no_orders, tenure)
 */
Datum
segment_rfm_train(PG_FUNCTION_ARGS)
{
	FeatureSet *set;
	int			bins;
	RfmCuts		how;
	Jsonb	   *thresholds;
	Model	   *model;
	Rfm		   *rfm;
	Training	training;
	int			i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	for (i = 1; i < 10; i++)
		if (i != 4 && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of rfm_train must not be null", i + 1)));
	set = PG_GETARG_FEATURE_SET(0);
	bins = PG_GETARG_INT32(1);
	how = cuts_from_name(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	thresholds = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	if (bins < 3 || bins > SEGMENT_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be 3 to %d, not %d", SEGMENT_MAX_BINS, bins)));
	if (PG_GETARG_INT32(2) < 0 || PG_GETARG_INT32(2) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lowest_score must be 0 or 1, not %d", PG_GETARG_INT32(2))));

	model = segment_model_new(&segment_rfm_model_kind);
	rfm = palloc0(sizeof(Rfm));
	model->detail = rfm;
	model->n_features = rfm->n_features = PG_GETARG_BOOL(9) ? RFM_MAX_FEATURES : RFM_FEATURES;
	model->feature = (char **) segment_rfm_feature_names;
	rfm->bins = bins;
	rfm->lowest_score = PG_GETARG_INT32(2);
	rfm->cuts = pstrdup(cuts_names[how]);
	rfm->scheme = text_to_cstring(PG_GETARG_TEXT_PP(5));
	read_scheme(model, rfm, PG_GETARG_ARRAYTYPE_P(6), PG_GETARG_ARRAYTYPE_P(7),
				text_to_cstring(PG_GETARG_TEXT_PP(8)));

	collect_training(rfm, set, &training);
	model->rows = training.rows;
	if (set->store.level > 0)
		ereport(NOTICE,
				(errmsg("the feature set is a sample of " INT64_FORMAT " of " INT64_FORMAT " rows",
						training.rows.n_used + training.rows.n_skipped, training.rows.n_input),
				 errhint("A higher maintenance_work_mem keeps more rows.")));
	for (i = 0; i < rfm->n_features; i++)
	{
		find_cuts(rfm, i, how, thresholds, &training);
		count_scores(rfm, i, &training);
	}
	PG_RETURN_MODEL(model);
}
