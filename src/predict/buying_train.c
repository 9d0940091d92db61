/*
 * buying_train.c: fits a model of buying or spending to a feature set.
 *
 * Equal histories are one with a weight, sorted, so that the answer depends on neither the
 * order of rows nor on how the feature set held them (law 3).  A row that is no history
 * (a NULL, a last purchase after the end) is skipped and counted (law 5).
 */
#include "predict/buying_model.h"

#include <math.h>

#include "base/arguments.h"
#include "base/memory.h"
#include "feature/labelled_points.h"
#include "funcapi.h"
#include "kernel/base/order.h"
#include "miscadmin.h"

/* rows between two checks for a cancel */
#define CHECK_EVERY 0xFFFF

PG_FUNCTION_INFO_V1(segment_bgnbd);
PG_FUNCTION_INFO_V1(segment_mbgnbd);
PG_FUNCTION_INFO_V1(segment_pareto_nbd);
PG_FUNCTION_INFO_V1(segment_bgbb);
PG_FUNCTION_INFO_V1(segment_gamma_gamma);
PG_FUNCTION_INFO_V1(segment_model_fit);

/* Which columns of the set are the features: by name where it has them all, else by position. */
void
segment_buying_find_columns(const FeatureSet *set, const char *trainer, const char *const *names,
							int n, int *column)
{
	bool		named = true;
	char	   *list = pstrdup(names[0]);
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		column[i] = -1;
		for (j = 0; j < set->store.n_columns; j++)
			if (set->columns[j].name != NULL && strcmp(set->columns[j].name, names[i]) == 0)
				column[i] = j;
		if (column[i] < 0)
			named = false;
		if (i > 0)
			list = psprintf("%s, %s", list, names[i]);
	}
	if (!named && set->store.n_columns != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s() needs the %d features %s, but the feature set has %d",
						trainer, n, list, set->store.n_columns),
				 errhint("Collect them with feature_set(%s), from buying_history().", list)));
	for (i = 0; i < n; i++)
	{
		if (!named)
			column[i] = i;
		if (set->columns[column[i]].categories != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is categorical, expected a number", names[i])));
	}
}

static int
compare_histories(const void *a, const void *b, void *unused)
{
	const SegmentHistory *ha = a;
	const SegmentHistory *hb = b;
	int			order = segment_order(ha->x, hb->x);

	if (order == 0)
		order = segment_order(ha->last, hb->last);
	if (order == 0)
		order = segment_order(ha->length, hb->length);
	return order != 0 ? order : segment_order(ha->weight, hb->weight);
}

/* Sorts histories and makes equal ones one; returns how many are left. */
int64
segment_buying_fold(SegmentHistory *history, int64 n)
{
	int64		folded = 0;
	int64		i;

	qsort_interruptible(history, n, sizeof(SegmentHistory), compare_histories, NULL);
	for (i = 0; i < n; i++)
	{
		SegmentHistory *last = &history[Max(folded, 1) - 1];

		if (folded > 0 && history[i].x == last->x && history[i].last == last->last &&
			history[i].length == last->length)
			last->weight += history[i].weight;
		else
			history[folded++] = history[i];
	}
	return folded;
}

static const char *
what_is_a_history(SegmentBuyingModel kind)
{
	switch (kind)
	{
		case SEGMENT_GAMMA_GAMMA:
			return "x is a whole number of at least 0, mean_value more than 0, a weight more than 0.";
		case SEGMENT_BGBB:
			return "x, t_x and t are whole numbers, x at most t_x, t_x at most t, and 0 where x is 0, "
				"t at most 100000, a weight more than 0.";
		default:
			return "x is a whole number of at least 0, t_x from 0 to t, and 0 where x is 0, a weight more than 0.";
	}
}

/* The histories of a set, for a model of that kind; what became of its rows is counted, and told. */
static SegmentHistories
collect(const FeatureSet *set, SegmentBuyingModel kind, RowCounts *rows)
{
	const SegmentRowStore *store = &set->store;
	SegmentHistory *history = segment_new_array(store->n_rows, 1, sizeof(SegmentHistory));
	SegmentHistories histories = {kind, 0, 1, history, NULL};
	int			n_features;
	const char *const *names = segment_buying_feature_names(kind, &n_features);
	int			column[3];
	int64		r;

	segment_buying_find_columns(set, segment_buying_kinds[kind].name, names, n_features, column);
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		int64		copies = segment_row_copies(store, r);
		SegmentHistory h = {row[column[0]], row[column[1]], 0, 0};

		if ((r & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		h.weight = segment_row_weight(store, row) * copies;
		if (kind != SEGMENT_GAMMA_GAMMA)
			h.length = row[column[2]];
		else if (h.x == 0)
			h.last = 0;
		if (!(h.weight > 0 && isfinite(h.weight)) ||
			!segment_history_valid(kind, h.x, h.last, h.length))
		{
			rows->n_skipped += copies;
			continue;
		}
		rows->n_used += copies;
		/* who has not come back tells nothing of what is spent */
		if (kind != SEGMENT_GAMMA_GAMMA || h.x > 0)
			history[histories.n++] = h;
	}
	rows->n_input = store->n_seen;
	rows->n_unsampled = store->n_seen - rows->n_used - rows->n_skipped;
	histories.n = segment_buying_fold(history, histories.n);
	histories.interrupted = segment_check_interrupts;
	segment_tell_sampled(set);
	segment_tell_skipped_as(rows->n_skipped, rows->n_used, what_is_a_history(kind));
	return histories;
}

/* The floor below which a figure would be an invention. */
static void
check_enough(const BuyingModel *buying, const SegmentHistories *histories)
{
	if (histories->n == 0 || histories->history[histories->n - 1].x == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no customer has bought a second time"),
				 errhint("Without repeat purchases there is nothing to learn from; take a longer time or a smaller unit.")));
	if (histories->n < buying->n)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg(INT64_FORMAT " different histories do not determine %d parameters",
						histories->n, buying->n),
				 errhint("Use more customers.")));
}

/* Whether all parameters are such as a model may have. */
static bool
in_range(const BuyingModel *buying)
{
	int			i;

	for (i = 0; i < buying->n; i++)
	{
		double		most = segment_buying_most_parameter(buying->model, i);

		if (!(buying->parameter[i] >= 1 / most && buying->parameter[i] <= most))
			return false;
	}
	return true;
}

/* Fits a model to histories that are sorted and folded; tells where that did not come to an end. */
void
segment_buying_fit_model(BuyingModel *buying, SegmentHistories *histories)
{
	SegmentMaximum maximum = {0};
	int			i;

	check_enough(buying, histories);
	(void) segment_buying_fit(histories, &maximum);
	memcpy(buying->parameter, maximum.parameter, sizeof(buying->parameter));
	for (i = 0; i < buying->n; i++)
		buying->error[i] = isfinite(maximum.error[i]) ? maximum.error[i] : segment_missing_value();
	buying->log_likelihood = maximum.value;
	buying->steps = maximum.steps;
	buying->converged = maximum.converged;
	if (!isfinite(maximum.value) || !in_range(buying))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the likelihood of these histories is beyond what numbers can hold"),
				 errhint("Take a unit of time, or of money, in which values are neither tiny nor huge.")));
	if (!maximum.converged)
		ereport(NOTICE,
				(errmsg("%s(): the search for the greatest likelihood did not converge",
						segment_buying_kinds[buying->model].name),
				 maximum.on_bound
				 ? errdetail("A parameter ran to its limit: the customers do not determine it.")
				 : maximum.flat
				 ? errdetail("The customers do not tell some parameters apart.")
				 : errdetail("It stopped after %d steps.", maximum.steps),
				 errhint("Figures of this model may be far off; compare them with model_fit().")));
}

static Datum
train(FunctionCallInfo fcinfo, SegmentBuyingModel kind)
{
	Model	   *model;
	BuyingModel *buying;
	SegmentHistories histories;
	double		horizon = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (kind != SEGMENT_GAMMA_GAMMA)
		horizon = segment_buying_arg_horizon(fcinfo, 1, kind);
	model = segment_model_new(&segment_buying_kinds[kind]);
	buying = segment_buying_new(model);
	buying->horizon = horizon;
	histories = collect(PG_GETARG_FEATURE_SET(0), kind, &model->rows);
	if (model->rows.n_used == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row of the feature set is a history of purchases"),
				 errdetail("%s", what_is_a_history(kind)),
				 errhint("buying_history() makes such rows from orders.")));
	segment_buying_fit_model(buying, &histories);
	PG_RETURN_MODEL(model);
}

Datum
segment_bgnbd(PG_FUNCTION_ARGS)
{
	return train(fcinfo, SEGMENT_BGNBD);
}

Datum
segment_mbgnbd(PG_FUNCTION_ARGS)
{
	return train(fcinfo, SEGMENT_MBGNBD);
}

Datum
segment_pareto_nbd(PG_FUNCTION_ARGS)
{
	return train(fcinfo, SEGMENT_PARETO_NBD);
}

Datum
segment_bgbb(PG_FUNCTION_ARGS)
{
	return train(fcinfo, SEGMENT_BGBB);
}

Datum
segment_gamma_gamma(PG_FUNCTION_ARGS)
{
	return train(fcinfo, SEGMENT_GAMMA_GAMMA);
}

/*
 * model_fit(model, features, most): customers by the number of their purchases, as they were
 * and as the model expects them, given for how long each was watched.
 */
Datum
segment_model_fit(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Model	   *model = PG_GETARG_MODEL(0);
	const BuyingModel *buying = segment_buying_of(model);
	int			most = segment_arg_count(fcinfo, 2, "most", 1);
	FeatureSet *set = PG_GETARG_FEATURE_SET(1);
	SegmentHistories histories;
	SegmentHistory *history;
	RowCounts	rows = {0};
	double	   *actual;
	double	   *expected;
	int64		i;
	int			k;

	if (most > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("most must be at most 1000, not %d", most)));
	InitMaterializedSRF(fcinfo, 0);
	histories = collect(set, buying->model, &rows);
	history = (SegmentHistory *) histories.history;
	actual = palloc0(sizeof(double) * (most + 2));
	expected = palloc0(sizeof(double) * (most + 2));
	for (i = 0; i < histories.n; i++)
	{
		actual[(int) Min(history[i].x, most)] += history[i].weight;
		history[i].x = history[i].last = 0;
	}
	histories.n = segment_buying_fold(history, histories.n);
	for (i = 0; i < histories.n; i++)
	{
		SegmentHistory unknown = {0, 0, 0, 1};

		CHECK_FOR_INTERRUPTS();
		/* expected[k]: of customers with at least k purchases */
		for (k = 0; k <= most; k++)
			expected[k] += history[i].weight *
				segment_buying_at_least(buying->model, buying->parameter, &unknown,
										history[i].length, k, segment_check_interrupts);
	}
	for (k = 0; k <= most; k++)
	{
		Datum		values[3];
		bool		nulls[3] = {false};

		values[0] = Int32GetDatum(k);
		values[1] = Float8GetDatum(actual[k]);
		values[2] = Float8GetDatum(k < most ? expected[k] - expected[k + 1] : expected[k]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
