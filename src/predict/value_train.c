/*
 * value_train.c: trains models of what customers are worth, and shows their cuts.
 *
 * Both fits see the same customers.  Values are sorted, so that cuts and sums depend on no
 * order of rows (law 3), and a cut is the value of a customer, so that equal values lie on the
 * same side of it (law 1).  A set that is a sample is cut by the sample.
 */
#include "predict/value_model.h"

#include <math.h>

#include "base/arguments.h"
#include "base/memory.h"
#include "catalog/pg_type.h"
#include "feature/feature_set.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "model/model_argument.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

PG_FUNCTION_INFO_V1(segment_customer_value);
PG_FUNCTION_INFO_V1(segment_value_tiers);
PG_FUNCTION_INFO_V1(segment_value_days_left);

/* Customers who have bought again; of fewer, what one of them does is what all are said to do. */
#define LEAST_AGAIN 30

/* beyond which days_later() knows no instant */
#define MANY_DAYS 8000000

typedef enum ValueArgument
{
	ARG_FEATURES, ARG_HORIZON, ARG_TIERS, ARG_CUTS, ARG_BANDS, ARG_DISCOUNT, ARG_STEP, ARG_BUYING,
	ARG_TIER_NAMES, ARG_BAND_NAMES
} ValueArgument;

typedef struct ValueRow
{
	double		features[VALUE_FEATURES];
	double		weight;
} ValueRow;

typedef struct WeightedValue
{
	double		value;
	double		weight;
} WeightedValue;

/* ---- arguments ---- */

static int
compare_descending(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The numbers of an array, the greatest first, each between two bounds; NULL for NULL. */
static double *
read_cuts(FunctionCallInfo fcinfo, int arg, const char *name, double greatest, int *n)
{
	ArrayType  *array;
	double	   *cut;
	int			i;

	*n = 0;
	if (PG_ARGISNULL(arg))
		return NULL;
	array = PG_GETARG_ARRAYTYPE_P(arg);
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a list of numbers without NULL", name)));
	cut = palloc(sizeof(double) * Max(*n, 1));
	memcpy(cut, ARR_DATA_PTR(array), sizeof(double) * *n);
	qsort(cut, *n, sizeof(double), compare_descending);
	for (i = 0; i < *n; i++)
		if (!(cut[i] > 0 && cut[i] < greatest) || (i > 0 && cut[i] == cut[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 isinf(greatest) ? errmsg("%s must be finite, above 0 and different, not %g", name, cut[i])
					 : errmsg("%s must be above 0, below %g and different, not %g", name, greatest, cut[i])));
	return cut;
}

/* The names of n parts, given or made; parts->n is set. */
static void
name_parts(FunctionCallInfo fcinfo, int arg, const char *name, ValueParts *parts,
		   char *(*make) (int part, const ValueParts *parts))
{
	Datum	   *given;
	bool	   *nulls;
	int			n;
	int			i;
	int			j;

	parts->name = palloc(sizeof(char *) * parts->n);
	for (i = 0; PG_ARGISNULL(arg) && i < parts->n; i++)
		parts->name[i] = make(i, parts);
	if (PG_ARGISNULL(arg))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), TEXTOID, -1, false, TYPALIGN_INT, &given, &nulls, &n);
	if (n != parts->n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have %d names, from the best to the worst, not %d", name, parts->n, n)));
	for (i = 0; i < n; i++)
	{
		parts->name[i] = nulls[i] ? pstrdup("") : TextDatumGetCString(given[i]);
		if (parts->name[i][0] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not be empty", name)));
		for (j = 0; j < i; j++)
			if (strcmp(parts->name[i], parts->name[j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("%s has \"%s\" twice", name, parts->name[i])));
	}
}

static char *
letter_name(int part, const ValueParts *parts)
{
	return part < 26 ? psprintf("%c", 'A' + part) : psprintf("Z%d", part - 24);
}

static char *
decile_name(int part, const ValueParts *parts)
{
	return psprintf("Decile %d", part + 1);
}

static char *
tier_name(int part, const ValueParts *parts)
{
	return psprintf("Tier %d", part + 1);
}

static char *
band_name(int part, const ValueParts *parts)
{
	if (part == 0)
		return pstrdup("active");
	if (part == parts->n - 1)
		return pstrdup("lapsed");
	return parts->n == 3 ? pstrdup("at risk") : psprintf("at risk %d", part);
}

static void
check_count(const char *name, int n, int most)
{
	if (n > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have at most %d numbers, not %d", name, most, n)));
}

/*
 * What the arguments say of the parts.  Returns the shares by which tiers are to be cut, from
 * the greatest tier on; of deciles, NULL; of thresholds tiers.cut is filled.
 */
static double *
read_parts(FunctionCallInfo fcinfo, ValueModel *value)
{
	static const double abc[] = {0.8, 0.95};
	static const double alive[] = {0.7, 0.3};
	char	   *by = PG_ARGISNULL(ARG_TIERS) ? "abc"
		: asc_tolower(VARDATA_ANY(PG_GETARG_TEXT_PP(ARG_TIERS)),
					  VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(ARG_TIERS)));
	double	   *cut;
	double	   *share = NULL;
	int			n;
	int			i;

	value->by = segment_name_in_list(by, segment_value_methods, "tiers");
	cut = read_cuts(fcinfo, ARG_CUTS, "cuts", strcmp(by, "thresholds") == 0 ? HUGE_VAL : 1, &n);
	check_count("cuts", n, VALUE_MOST_TIERS - 1);
	if (strcmp(by, "abc") == 0)
	{
		if (cut == NULL)
		{
			n = lengthof(abc);
			share = palloc(sizeof(abc));
			memcpy(share, abc, sizeof(abc));
		}
		else
		{
			share = palloc(sizeof(double) * Max(n, 1));
			for (i = 0; i < n; i++)
				share[i] = cut[n - 1 - i];
		}
		cut = palloc(sizeof(double) * Max(n, 1));
	}
	else if (strcmp(by, "deciles") == 0)
	{
		if (cut != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("deciles have no cuts of their own"),
					 errhint("cuts are shares of the value for tiers => 'abc', values for tiers => 'thresholds'.")));
		n = 9;
		cut = palloc(sizeof(double) * n);
	}
	else if (cut == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("thresholds need cuts"),
				 errhint("For instance cuts => '{500,100}'.")));
	value->tiers.n = n + 1;
	value->tiers.cut = cut;
	name_parts(fcinfo, ARG_TIER_NAMES, "tier_names", &value->tiers,
			   share != NULL ? letter_name : strcmp(by, "deciles") == 0 ? decile_name : tier_name);

	cut = read_cuts(fcinfo, ARG_BANDS, "bands", 1, &n);
	check_count("bands", n, VALUE_MOST_BANDS - 1);
	if (cut == NULL)
	{
		n = lengthof(alive);
		cut = palloc(sizeof(alive));
		memcpy(cut, alive, sizeof(alive));
	}
	value->bands.n = n > 0 ? n + 1 : 0;
	value->bands.cut = cut;
	if (n > 0)
		name_parts(fcinfo, ARG_BAND_NAMES, "band_names", &value->bands, band_name);
	else if (!PG_ARGISNULL(ARG_BAND_NAMES))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("band_names are given, but no bands")));
	return share;
}

static void
read_arguments(FunctionCallInfo fcinfo, ValueModel *value)
{
	const char *const names[] = {
		segment_buying_kinds[SEGMENT_BGNBD].name, segment_buying_kinds[SEGMENT_MBGNBD].name,
		segment_buying_kinds[SEGMENT_PARETO_NBD].name, NULL
	};
	char	   *buying = segment_arg_text(fcinfo, ARG_BUYING);

	segment_buying_init(&value->buying,
						buying == NULL ? SEGMENT_MBGNBD : segment_name_in_list(buying, names, "buying"));
	segment_buying_init(&value->spending, SEGMENT_GAMMA_GAMMA);
	value->horizon = segment_arg_number(fcinfo, ARG_HORIZON, "horizon", 0);
	if (!(value->horizon > 0 && value->horizon <= 1e9))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon must be above 0 and at most 1e9, not %g", value->horizon)));
	value->buying.horizon = value->horizon;
	value->discount = PG_ARGISNULL(ARG_DISCOUNT) ? 0
		: segment_arg_number(fcinfo, ARG_DISCOUNT, "discount", 0);
	value->step = PG_ARGISNULL(ARG_STEP) ? 1 : segment_arg_number(fcinfo, ARG_STEP, "step", 0);
	(void) segment_buying_steps(&value->buying, value->horizon, value->step);
}

/* ---- training ---- */

/* The rows of the set that can be used, and what became of the others. */
static ValueRow *
collect(const FeatureSet *set, const ValueModel *value, Model *model, int64 *n)
{
	const SegmentRowStore *store = &set->store;
	ValueRow   *rows = segment_new_array(store->n_rows, 1, sizeof(ValueRow));
	int			column[VALUE_FEATURES];
	int64		r;
	int			i;

	segment_buying_find_columns(set, segment_value_kind.name, segment_value_names, VALUE_FEATURES, column);
	*n = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		int64		copies = segment_row_copies(store, r);
		ValueRow   *one = &rows[*n];

		for (i = 0; i < VALUE_FEATURES; i++)
			one->features[i] = row[column[i]];
		if (one->features[0] == 0)
			one->features[3] = 0;
		one->weight = segment_row_weight(store, row) * copies;
		if (one->weight > 0 && isfinite(one->weight) && segment_value_valid(value, one->features))
		{
			model->rows.n_used += copies;
			(*n)++;
		}
		else
			model->rows.n_skipped += copies;
	}
	model->rows.n_input = store->n_seen;
	model->rows.n_unsampled = store->n_seen - model->rows.n_used - model->rows.n_skipped;
	return rows;
}

static void
check_enough(const ValueRow *rows, int64 n)
{
	double		again = 0;
	int64		i;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row of the feature set is a history of purchases"),
				 errdetail("x is a whole number of at least 0, t_x from 0 to t, and 0 where x is 0; "
						   "mean_value is at least 0 where x is more."),
				 errhint("buying_history() makes such rows from orders.")));
	for (i = 0; i < n; i++)
		if (rows[i].features[0] > 0)
			again += rows[i].weight;
	if (again < LEAST_AGAIN)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("only %g customers have bought again, and what customers are worth is learned from at least %d",
						again, LEAST_AGAIN),
				 errhint("Take a longer time, or more customers.")));
}

/* Fits both models; the rows stay as they are. */
static void
fit(ValueModel *value, const ValueRow *rows, int64 n)
{
	SegmentHistory *history = segment_new_array(n, 1, sizeof(SegmentHistory));
	SegmentHistories histories = {value->buying.model, 0, 1, history, segment_check_interrupts};
	int64		i;

	for (i = 0; i < n; i++)
		history[i] = (SegmentHistory) {rows[i].features[0], rows[i].features[1], rows[i].features[2],
			rows[i].weight};
	histories.n = segment_buying_fold(history, n);
	segment_buying_fit_model(&value->buying, &histories);

	histories = (SegmentHistories) {SEGMENT_GAMMA_GAMMA, 0, 1, history, segment_check_interrupts};
	for (i = 0; i < n; i++)
		if (rows[i].features[0] > 0 && rows[i].features[3] > 0)
			history[histories.n++] = (SegmentHistory) {rows[i].features[0], rows[i].features[3], 0,
				rows[i].weight};
	histories.n = segment_buying_fold(history, histories.n);
	segment_buying_fit_model(&value->spending, &histories);
	pfree(history);
}

static int
compare_values(const void *a, const void *b)
{
	const WeightedValue *x = a;
	const WeightedValue *y = b;
	int			order = compare_descending(&x->value, &y->value);

	return order != 0 ? order : compare_descending(&x->weight, &y->weight);
}

/* The values of all rows, the greatest first, equal ones as one. */
static WeightedValue *
values_of(const ValueModel *value, const ValueRow *rows, int64 n, int64 *n_values)
{
	WeightedValue *values = segment_new_array(n, 1, sizeof(WeightedValue));
	int64		folded = 0;
	int64		i;

	for (i = 0; i < n; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		values[i].value = segment_value_figure(value, rows[i].features);
		values[i].weight = rows[i].weight;
		if (!isfinite(values[i].value))
			ereport(ERROR,
					(errcode(ERRCODE_NO_DATA),
					 errmsg("what a purchase is worth has no expected value among these customers"),
					 errdetail("Their mean values are spread so far that the model has no mean (q is at most 1)."),
					 errhint("Leave out amounts that are not like the others, or use more customers.")));
	}
	qsort(values, n, sizeof(WeightedValue), compare_values);
	for (i = 0; i < n; i++)
		if (folded > 0 && values[folded - 1].value == values[i].value)
			values[folded - 1].weight += values[i].weight;
		else
			values[folded++] = values[i];
	*n_values = folded;
	return values;
}

/*
 * Fills the cuts: the values at which the customers from the top on make up so many tenths of
 * all, or, of abc, that share of all value.
 */
static void
cut_values(ValueParts *tiers, const double *share, const WeightedValue *values, int64 n)
{
	double		total = 0;
	double		sum = 0;
	int64		i;
	int			k = 0;

	for (i = 0; i < n; i++)
		total += values[i].weight * (share != NULL ? values[i].value : 1);
	for (i = 0; i < n; i++)
	{
		sum += values[i].weight * (share != NULL ? values[i].value : 1);
		while (k < tiers->n - 1 && (share != NULL ? sum >= share[k] * total : sum * 10 >= (k + 1) * total))
			tiers->cut[k++] = values[i].value;
	}
	/* what rounding left over */
	while (k < tiers->n - 1)
		tiers->cut[k++] = values[n - 1].value;
}

static void
count_sizes(Model *model, const ValueRow *rows, int64 n)
{
	ValueModel *value = model->detail;
	int64		i;

	value->size = palloc0(sizeof(double) * model->n_segments);
	for (i = 0; i < n; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		value->size[segment_value_kind.assign(model, rows[i].features)] += rows[i].weight;
	}
}

static void
set_segments(Model *model)
{
	const ValueModel *value = model->detail;
	int			n = value_n_segments(value);
	int32	   *ids = palloc(sizeof(int32) * n);
	char	  **names = palloc(sizeof(char *) * n);
	int			tier;
	int			band;
	int			i;

	for (tier = 0; tier < value->tiers.n; tier++)
		for (band = 0; band < Max(value->bands.n, 1); band++)
			names[value_segment(value, tier, band)] = value->bands.n > 0
				? psprintf("%s %s", value->tiers.name[tier], value->bands.name[band])
				: value->tiers.name[tier];
	names[n - 1] = "Prospect";
	for (i = 0; i < n; i++)
	{
		ids[i] = i + 1;
		/* "a b" and "c", or "a" and "b c" */
		names[i] = segment_distinct_name(names, i, i, names[i]);
	}
	segment_model_set_segments(model, n, ids, names, NULL);
}

/*
 * customer_value(features, horizon, tiers, cuts, bands, discount, step, buying, tier_names,
 * band_names)
 */
Datum
segment_customer_value(PG_FUNCTION_ARGS)
{
	Model	   *model;
	ValueModel *value;
	ValueRow   *rows;
	WeightedValue *values;
	double	   *share;
	int64		n;
	int64		n_values;

	if (PG_ARGISNULL(ARG_FEATURES))
		PG_RETURN_NULL();
	model = segment_model_new(&segment_value_kind);
	value = palloc0(sizeof(ValueModel));
	model->detail = value;
	model->n_features = VALUE_FEATURES;
	model->feature = (char **) segment_value_names;
	read_arguments(fcinfo, value);
	share = read_parts(fcinfo, value);
	rows = collect(PG_GETARG_FEATURE_SET(ARG_FEATURES), value, model, &n);
	check_enough(rows, n);
	fit(value, rows, n);
	values = values_of(value, rows, n, &n_values);
	if (strcmp(segment_value_methods[value->by], "thresholds") != 0)
		cut_values(&value->tiers, share, values, n_values);
	set_segments(model);
	count_sizes(model, rows, n);
	PG_RETURN_MODEL(model);
}

/* ---- what stands in a model ---- */

/* Name, lower and upper cut of a part. */
static void
put_part(const ValueParts *parts, int part, Datum *values, bool *nulls)
{
	nulls[0] = parts->n == 0;
	nulls[1] = part >= parts->n - 1;
	nulls[2] = parts->n == 0 || part == 0;
	values[0] = nulls[0] ? (Datum) 0 : CStringGetTextDatum(parts->name[part]);
	values[1] = nulls[1] ? (Datum) 0 : Float8GetDatum(parts->cut[part]);
	values[2] = nulls[2] ? (Datum) 0 : Float8GetDatum(parts->cut[part - 1]);
}

/* value_tiers(model): the segments with their tiers and bands. */
Datum
segment_value_tiers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Model	   *model = PG_GETARG_MODEL(0);
	const ValueModel *value = segment_value_of(model);
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < model->n_segments; i++)
	{
		Datum		values[9] = {0};
		bool		nulls[9];
		int			n_bands = Max(value->bands.n, 1);

		memset(nulls, true, sizeof(nulls));
		nulls[0] = nulls[1] = nulls[8] = false;
		values[0] = Int32GetDatum(model->segment[i].id);
		values[1] = model->segment[i].name_datum;
		if (i < model->n_segments - 1)
		{
			put_part(&value->tiers, i / n_bands, &values[2], &nulls[2]);
			put_part(&value->bands, i % n_bands, &values[5], &nulls[5]);
		}
		values[8] = Float8GetDatum(value->size[i]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * value_days_left(model, x, t_x, t, mean_value): after how many days, where that is the unit
 * of time, the segment is another one; negative: a day before it was another one, too.
 */
Datum
segment_value_days_left(PG_FUNCTION_ARGS)
{
	const ValueModel *value;
	double		features[VALUE_FEATURES];
	ValuePlace	today;
	ValuePlace	before;
	ValuePlace	next;
	double		left;
	bool		new_today = false;
	int			i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	value = segment_value_of(segment_row_call_by_value(fcinfo)->model);
	for (i = 0; i < VALUE_FEATURES; i++)
		features[i] = PG_ARGISNULL(i + 1) ? segment_missing_value() : PG_GETARG_FLOAT8(i + 1);
	left = segment_value_next(value, features, MANY_DAYS, &next);
	if (!segment_is_missing(features[0]) && features[2] - 1 >= features[1] &&
		segment_value_place(value, features, &today))
	{
		features[2] -= 1;
		new_today = segment_value_place(value, features, &before) &&
			(before.tier != today.tier || before.band != today.band);
	}
	if (isinf(left) && !new_today)
		PG_RETURN_NULL();
	left = isinf(left) ? MANY_DAYS + 1 : left;
	PG_RETURN_INT32((int32) (new_today ? -left : left));
}
