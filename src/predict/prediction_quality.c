/*
 * prediction_quality.c: how well predictions tell two labels apart, and which features do
 * (kernel/predict/scored.c), of a feature set.
 */
#include "compat.h"

#include <math.h>

#include "base/arguments.h"
#include "base/json_write.h"
#include "base/memory.h"
#include "feature/labelled_points.h"
#include "funcapi.h"
#include "kernel/base/hash.h"
#include "kernel/base/order.h"
#include "kernel/predict/scored.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_prediction_quality);
PG_FUNCTION_INFO_V1(segment_prediction_table);
PG_FUNCTION_INFO_V1(segment_rank_criteria);

#define MOST_BINS		100
#define MOST_RESAMPLES	100000
#define CHECK_EVERY		0xFFFF
#define SUSPICIOUS_VALUE 0.5	/* an information value above it is mostly too good to be true (Siddiqi 2006) */

/* ---- labels ---- */

/* Which codes of a category are the positive label; NULL: numbers 0 and 1. */
static bool *
positive_codes(const FeatureSet *set, int column, const char *positive)
{
	const char *name = segment_feature_set_column_name(set, column);
	LabelList  *labels;
	bool	   *codes;
	int			number = 1;
	int			i;

	if (set->columns[column].categories == NULL)
	{
		if (positive != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("positive is \"%s\", but the label \"%s\" is a number, whose 1 is positive", positive, name)));
		return NULL;
	}
	labels = segment_label_list(set, column);
	if (positive == NULL && labels->n > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" has %d labels, expected two", name, labels->n),
				 errhint("positive => says which one is told from all others.")));
	if (positive != NULL)
		for (number = 0; number < labels->n && strcmp(labels->text[number], positive) != 0; number++)
			;
	if (number >= labels->n)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 positive == NULL ? errmsg("all rows have the same label \"%s\"", name)
				 : errmsg("no row has the label \"%s\" of \"%s\", which positive says", positive, name),
				 errhint("positive => says which label is told from all others.")));
	codes = palloc(sizeof(bool) * (labels->n + 1));
	for (i = 0; i < labels->n; i++)
		codes[i] = labels->number[i] == number;
	return codes;
}

/* 0 or 1; NaN: missing. */
static double
label_of(const FeatureSet *set, int column, const bool *codes, double value)
{
	if (segment_is_missing(value))
		return value;
	if (codes != NULL)
		return codes[(int) value] ? 1 : 0;
	if (value != 0 && value != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the label \"%s\" must be 0 or 1, not %s", segment_feature_set_column_name(set, column),
						segment_number_text(value)),
				 errhint("A condition makes it so: (amount > 0)::integer.")));
	return value;
}

static int
compare_scored(const void *a, const void *b, void *unused)
{
	return segment_scored_compare(a, b);
}

/* The values of a column with their labels, sorted; those that are missing are left out. */
static SegmentScored *
scored_rows(const FeatureSet *set, int target, const bool *codes, int column, int64 *n, int64 *n_skipped)
{
	const SegmentRowStore *store = &set->store;
	SegmentScored *rows = segment_new_array(store->n_rows, 1, sizeof(SegmentScored));
	int64		r;

	*n = *n_skipped = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		SegmentScored *scored = &rows[*n];

		if ((r & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		scored->score = row[column] + 0.0;
		scored->label = label_of(set, target, codes, row[target]);
		scored->weight = segment_row_weight(store, row);
		scored->copies = (double) segment_row_copies(store, r);
		if (segment_is_missing(scored->score) || segment_is_missing(scored->label) ||
			!(scored->weight > 0) || isinf(scored->weight))
			*n_skipped += segment_row_copies(store, r);
		else
			(*n)++;
	}
	qsort_interruptible(rows, *n, sizeof(SegmentScored), compare_scored, NULL);
	*n = segment_scored_merge(rows, *n);
	return rows;
}

/* ---- predictions ---- */

/* The rows of feature_set(label, prediction). */
static SegmentScored *
predictions(const FeatureSet *set, const char *positive, int64 *n)
{
	SegmentScored *rows;
	int64		n_skipped;
	int64		n_used = 0;
	int64		i;

	if (set->store.n_columns != 2 || set->columns[1].categories != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expected a feature set of a label and a prediction, which is a number"),
				 errhint("feature_set(label, predict(model, a, b)), of rows that the model was not trained on.")));
	rows = scored_rows(set, 0, positive_codes(set, 0, positive), 1, n, &n_skipped);
	for (i = 0; i < *n; i++)
		n_used += (int64) rows[i].copies;
	segment_tell_sampled(set);
	segment_tell_skipped(n_skipped, n_used);
	if (*n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row has a label and a prediction")));
	return rows;
}

static void
put_number(Datum *value, bool *null, double x)
{
	*value = Float8GetDatum(x);
	*null = segment_is_missing(x);
}

/* prediction_quality(features, positive): rows, positives, auc, ks, log_loss, brier */
Datum
segment_prediction_quality(PG_FUNCTION_ARGS)
{
	SegmentScoredMeasures measures;
	SegmentScored *rows;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {false};
	int64		n;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rows = predictions(PG_GETARG_FEATURE_SET(0), segment_arg_text(fcinfo, 1), &n);
	segment_scored_measures(rows, n, &measures);
	values[0] = Int64GetDatum((int64) measures.rows);
	values[1] = Int64GetDatum((int64) measures.positives);
	put_number(&values[2], &nulls[2], measures.auc);
	put_number(&values[3], &nulls[3], measures.ks);
	put_number(&values[4], &nulls[4], measures.log_loss);
	put_number(&values[5], &nulls[5], measures.brier);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

static int
arg_bins(FunctionCallInfo fcinfo, int arg)
{
	int			bins = segment_arg_count(fcinfo, arg, "bins", 2);

	if (bins > MOST_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be at most %d, not %d", MOST_BINS, bins)));
	return bins;
}

/* prediction_table(features, bins, positive) */
Datum
segment_prediction_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SegmentScoredBin bins[MOST_BINS];
	double		whole = 0;
	double		positive = 0;
	double		reached = 0;
	SegmentScored *rows;
	int64		n;
	int			k;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	k = arg_bins(fcinfo, 1);
	rows = predictions(PG_GETARG_FEATURE_SET(0), segment_arg_text(fcinfo, 2), &n);
	k = segment_scored_bins(rows, n, k, bins);
	for (i = 0; i < k; i++)
	{
		whole += bins[i].weight;
		positive += bins[i].positive_weight;
	}
	for (i = 0; i < k; i++)
	{
		double		observed = bins[i].positive_weight / bins[i].weight;
		Datum		values[9];
		bool		nulls[9] = {false};

		reached += bins[i].positive_weight;
		values[0] = Int32GetDatum(i + 1);
		values[1] = Int64GetDatum((int64) bins[i].rows);
		values[2] = Int64GetDatum((int64) bins[i].positives);
		values[3] = Float8GetDatum(bins[i].lower);
		values[4] = Float8GetDatum(bins[i].upper);
		values[5] = Float8GetDatum(bins[i].mean);
		values[6] = Float8GetDatum(observed);
		put_number(&values[7], &nulls[7], positive > 0 ? observed / (positive / whole) : NAN);
		put_number(&values[8], &nulls[8], positive > 0 ? reached / positive : NAN);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---- criteria ---- */

typedef struct Criterion
{
	int			column;
	int			n_cells;
	double		measure[SEGMENT_CELL_MEASURES];
	double		lower[SEGMENT_CELL_MEASURES];
	double		upper[SEGMENT_CELL_MEASURES];
} Criterion;

typedef struct Ranking
{
	const FeatureSet *set;
	int			target;
	bool	   *codes;			/* of the target */
	int			bins;
	int			resamples;
	double		confidence;
	uint64		seed;
} Ranking;

/* The cells of a column: bins or categories, and last those where it is missing. */
static SegmentCell *
cells_of(const Ranking *ranking, int column, int *n_cells)
{
	const FeatureSet *set = ranking->set;
	const SegmentRowStore *store = &set->store;
	const FeatureCategories *categories = set->columns[column].categories;
	int			most = categories != NULL ? categories->n : ranking->bins;
	SegmentCell *cells = palloc0(sizeof(SegmentCell) * (most + 1));
	int			n = 0;
	int64		r;
	int			i;

	if (categories == NULL)
	{
		SegmentScoredBin bins[MOST_BINS];
		int64		n_rows;
		int64		n_skipped;
		SegmentScored *rows = scored_rows(set, ranking->target, ranking->codes, column, &n_rows, &n_skipped);

		n = segment_scored_bins(rows, n_rows, ranking->bins, bins);
		for (i = 0; i < n; i++)
		{
			cells[i].count[1] = bins[i].positives;
			cells[i].count[0] = bins[i].rows - bins[i].positives;
		}
		pfree(rows);
	}
	else
		n = categories->n;
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		double		label = label_of(set, ranking->target, ranking->codes, row[ranking->target]);
		int			cell = segment_is_missing(row[column]) ? n : categories != NULL ? (int) row[column] : -1;

		if ((r & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!segment_is_missing(label) && cell >= 0)
			cells[cell].count[label > 0 ? 1 : 0] += (double) segment_row_copies(store, r);
	}
	*n_cells = 0;
	for (i = 0; i <= n; i++)
		if (cells[i].count[0] + cells[i].count[1] > 0)
			cells[(*n_cells)++] = cells[i];
	return cells;
}

static int
compare_cells(const void *a, const void *b)
{
	const SegmentCell *x = a;
	const SegmentCell *y = b;

	if (x->count[0] != y->count[0])
		return x->count[0] < y->count[0] ? -1 : 1;
	return x->count[1] < y->count[1] ? -1 : x->count[1] > y->count[1];
}

/* Basic bootstrap intervals: as far below the figure as the resamples lie above it, and the reverse. */
static void
intervals(const Ranking *ranking, const SegmentCell *cells, Criterion *criterion)
{
	int			n = criterion->n_cells;
	int			times = ranking->resamples;
	SegmentCell *again = palloc(sizeof(SegmentCell) * (n + 1));
	SegmentCell *room = palloc(sizeof(SegmentCell) * (n + 1));
	double	   *drawn = segment_new_array(times, SEGMENT_CELL_MEASURES, sizeof(double));
	int			outside = (int) ((1 - ranking->confidence) / 2 * times);
	int			t;
	int			m;

	for (t = 0; t < times; t++)
	{
		double		measure[SEGMENT_CELL_MEASURES];

		CHECK_FOR_INTERRUPTS();
		segment_cells_resampled(cells, n, segment_numbered_seed(ranking->seed, t), again);
		segment_cell_measures(again, n, room, measure);
		for (m = 0; m < SEGMENT_CELL_MEASURES; m++)
			drawn[(Size) m * times + t] = measure[m];
	}
	for (m = 0; m < SEGMENT_CELL_MEASURES; m++)
	{
		double	   *of = drawn + (Size) m * times;

		criterion->lower[m] = criterion->upper[m] = NAN;
		if (times == 0)
			continue;
		qsort(of, times, sizeof(double), segment_compare_doubles);
		criterion->lower[m] = Max(2 * criterion->measure[m] - of[times - 1 - outside], 0);
		criterion->upper[m] = Max(2 * criterion->measure[m] - of[outside], 0);
	}
	pfree(again);
	pfree(room);
	pfree(drawn);
}

static int
compare_criteria(const void *a, const void *b)
{
	const Criterion *x = a;
	const Criterion *y = b;

	if (x->measure[0] != y->measure[0])
		return x->measure[0] > y->measure[0] ? -1 : 1;
	return x->column - y->column;
}

static Criterion *
criteria(const Ranking *ranking, int *n)
{
	const FeatureSet *set = ranking->set;
	Criterion  *result = palloc0(sizeof(Criterion) * set->store.n_columns);
	int			i;

	*n = 0;
	for (i = 0; i < set->store.n_columns; i++)
	{
		Criterion  *criterion = &result[*n];
		SegmentCell *cells;
		SegmentCell *room;

		if (i == ranking->target)
			continue;
		criterion->column = i;
		cells = cells_of(ranking, i, &criterion->n_cells);
		/* in an order of their own: categories are numbered by what was met first */
		qsort(cells, criterion->n_cells, sizeof(SegmentCell), compare_cells);
		room = palloc(sizeof(SegmentCell) * (criterion->n_cells + 1));
		segment_cell_measures(cells, criterion->n_cells, room, criterion->measure);
		intervals(ranking, cells, criterion);
		pfree(cells);
		pfree(room);
		(*n)++;
	}
	qsort(result, *n, sizeof(Criterion), compare_criteria);
	return result;
}

/*
 * Tells which features say more about the label than honest ones mostly do: such a feature
 * may be known only afterwards.  Where there are intervals, the lower end has to say so.
 */
static void
tell_suspicious(const Ranking *ranking, const Criterion *found, int n)
{
	StringInfoData names;
	int			count = 0;
	int			i;

	initStringInfo(&names);
	for (i = 0; i < n; i++)
	{
		double		value = ranking->resamples > 0 ? found[i].lower[SEGMENT_INFORMATION_VALUE]
			: found[i].measure[SEGMENT_INFORMATION_VALUE];

		if (!(value > SUSPICIOUS_VALUE))
			continue;
		appendStringInfo(&names, "%s\"%s\"", count++ > 0 ? ", " : "",
						 segment_feature_set_column_name(ranking->set, found[i].column));
	}
	if (count > 0)
		ereport(NOTICE,
				(errmsg_plural("%d feature says suspiciously much about \"%s\"",
							   "%d features say suspiciously much about \"%s\"", count, count,
							   segment_feature_set_column_name(ranking->set, ranking->target)),
				 count > 1 ? errdetail("These are %s, with information values above %g.", names.data, SUSPICIOUS_VALUE)
				 : errdetail("It is %s, with an information value above %g.", names.data, SUSPICIOUS_VALUE),
				 errhint("Leave out what is known only after the outcome.")));
}

static void
check_both_labels(const Ranking *ranking)
{
	const SegmentRowStore *store = &ranking->set->store;
	bool		seen[2] = {false, false};
	int64		n_skipped = 0;
	int64		n_used = 0;
	int64		r;

	for (r = 0; r < store->n_rows; r++)
	{
		double		label = label_of(ranking->set, ranking->target, ranking->codes,
									 store->rows[r * store->width + ranking->target]);

		if (segment_is_missing(label))
			n_skipped += segment_row_copies(store, r);
		else
		{
			n_used += segment_row_copies(store, r);
			seen[label > 0 ? 1 : 0] = true;
		}
	}
	if (!seen[0] || !seen[1])
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("criteria are ranked by how they tell two labels apart, but not both of \"%s\" have rows",
						segment_feature_set_column_name(ranking->set, ranking->target))));
	segment_tell_sampled(ranking->set);
	if (n_skipped > 0)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " of " INT64_FORMAT " rows have no label and are skipped", n_skipped,
						n_skipped + n_used)));
}

static void
read_ranking(FunctionCallInfo fcinfo, Ranking *ranking)
{
	const FeatureSet *set = ranking->set = PG_GETARG_FEATURE_SET(0);
	char	   *target = segment_arg_text(fcinfo, 1);

	ranking->bins = arg_bins(fcinfo, 3);
	ranking->resamples = segment_arg_count(fcinfo, 4, "resamples", 0);
	if (ranking->resamples > MOST_RESAMPLES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("resamples must be at most %d, not %d", MOST_RESAMPLES, ranking->resamples)));
	ranking->confidence = segment_arg_number(fcinfo, 5, "confidence", 0);
	if (!(ranking->confidence > 0 && ranking->confidence < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence must lie between 0 and 1, not %g", ranking->confidence)));
	ranking->seed = segment_arg_seed(fcinfo, 6);
	if (set->store.weighted)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("criteria are ranked by counts of rows, and know no weights"),
				 errhint("Collect the rows with feature_set().")));
	if (target != NULL)
	{
		while (ranking->target < set->store.n_columns &&
			   strcmp(segment_feature_set_column_name(set, ranking->target), target) != 0)
			ranking->target++;
		if (ranking->target == set->store.n_columns)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the feature set has no feature \"%s\", which target says", target),
					 errhint("feature_set_info() shows the names of its features.")));
	}
	ranking->codes = positive_codes(set, ranking->target, segment_arg_text(fcinfo, 2));
}

/* rank_criteria(features, target, positive, bins, resamples, confidence, seed) */
Datum
segment_rank_criteria(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Ranking		ranking = {0};
	Criterion  *result;
	int			n;
	int			i;
	int			m;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	read_ranking(fcinfo, &ranking);
	check_both_labels(&ranking);
	result = criteria(&ranking, &n);
	tell_suspicious(&ranking, result, n);
	for (i = 0; i < n; i++)
	{
		Datum		values[3 + 3 * SEGMENT_CELL_MEASURES];
		bool		nulls[3 + 3 * SEGMENT_CELL_MEASURES] = {false};

		values[0] = CStringGetTextDatum(segment_feature_set_column_name(ranking.set, result[i].column));
		values[1] = CStringGetTextDatum(ranking.set->columns[result[i].column].categories == NULL
										? "numeric" : "categorical");
		values[2] = Int32GetDatum(result[i].n_cells);
		for (m = 0; m < SEGMENT_CELL_MEASURES; m++)
		{
			put_number(&values[3 + 3 * m], &nulls[3 + 3 * m], result[i].measure[m]);
			put_number(&values[4 + 3 * m], &nulls[4 + 3 * m], result[i].lower[m]);
			put_number(&values[5 + 3 * m], &nulls[5 + 3 * m], result[i].upper[m]);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
