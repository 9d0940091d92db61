/*
 * feature_space.c: how features become coordinates, for all models that cluster.
 *
 * A numeric feature x becomes the coordinate
 *
 *	 (clip(f(x)) - center) / spread * sqrt(weight)
 *
 * f: x itself, or sign(x) ln(1 + |x|) where a logarithm is wished (amounts and
 * counts, whose large values would else rule); clip: to quantiles, where
 * winsorizing is wished; center and spread by scale:
 *
 *	 zscore		mean and standard deviation (population)
 *	 minmax		minimum and range
 *	 robust		median and interquartile range; where that is 0, as of features that are
 *				0 for most rows, the range between quantiles further out, and in the
 *				end the standard deviation: a spread in the feature's own unit
 *	 none		mean and 1: distances are in the features' own units
 *
 * A feature that is the same everywhere but for rounding (precision.h) is constant:
 * deviation 0 and spread 1, and its coordinate is 0.  With the metric "cosine" the
 * row is then brought to length 1 ("none" leaves the origin where it is).  A
 * categorical feature becomes the number of its category, in the order of
 * strcmp.  With nulls "skip" a row with a missing value takes no part; with
 * "mean" the mean of the feature, or its commonest category, stands in.
 * Infinite values are missing.
 *
 * Where the rows of a set are a sample, mean, standard deviation and range are those
 * of all rows, from the sums that the set carries (whole_stats.c), but for features
 * with a logarithm or winsorizing.
 *
 * What is worked out here from the training rows is stored in the model
 * (space_json.c), and a row is later placed by the same function.
 *
 * For training, coordinates are brought into an order that follows from their values
 * (segment_space_points), so that models do not depend on the order of features.
 */
#include "feature/feature_space.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cut_points.h"
#include "kernel/base/elementary.h"
#include "kernel/base/exact_sum.h"
#include "kernel/base/hash.h"
#include "kernel/base/lanes.h"
#include "kernel/base/moments.h"
#include "kernel/base/precision.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "feature/space_options.h"
#include "feature/whole_stats.h"

/* A coordinate is held within this, so that no squared distance overflows. */
#define COORDINATE_LIMIT 1e100

/* doubles end not far below: a spread has no precision there, and its reciprocal may overflow */
#define LEAST_SPREAD 1e-280

/* what hashing a value takes, in multiplications */
#define HASHING_WORK 16.0

/* bytes of a row while points are sorted: two keys */
#define SORTING_MEMORY (2 * sizeof(SegmentRowKey))

/* ---- one row ---- */

static inline double
transformed(const SpaceFeature *feature, double x)
{
	if (feature->log)
		x = x < 0 ? -segment_log1p(-x) : segment_log1p(x);
	if (x < feature->lower)
		x = feature->lower;
	if (x > feature->upper)
		x = feature->upper;
	return x;
}

/*
 * A row of numbers that are only shifted and scaled.  False: something is missing or
 * beyond the limit, which the general way deals with.
 */
SEGMENT_CLONES static bool
place_plain(const double *center, const double *factor, int n, const double *features, double *x)
{
	int			beyond = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		double		y = (features[i] - center[i]) * factor[i];

		x[i] = y;
		beyond |= !(fabs(y) <= COORDINATE_LIMIT);
	}
	return !beyond;
}

/* What follows from the fitted features, for placing rows fast. */
void
segment_space_ready(FeatureSpace *space)
{
	bool		plain = space->metric == METRIC_EUCLIDEAN;
	int			i;

	for (i = 0; i < space->n_features; i++)
	{
		SpaceFeature *feature = &space->feature[i];

		if (feature->category == NULL)
		{
			feature->constant = feature->deviation == 0 &&
				(space->scale == SCALE_NONE ? space->metric == METRIC_EUCLIDEAN : feature->spread == 1);
			/* in its own unit a new row may lie apart from what was constant; without a scale it may not */
			feature->factor = feature->constant && space->scale != SCALE_NONE ? 0
				: sqrt(feature->weight) / feature->spread;
			plain = plain && !(feature->constant && space->scale == SCALE_NONE);
		}
		plain = plain && feature->category == NULL && !feature->log && isinf(feature->lower) &&
			isinf(feature->upper);
	}
	if (!plain)
		return;
	space->plain_center = palloc(sizeof(double) * space->n_features);
	space->plain_factor = palloc(sizeof(double) * space->n_features);
	for (i = 0; i < space->n_features; i++)
	{
		space->plain_center[i] = space->feature[i].center;
		space->plain_factor[i] = space->feature[i].factor;
	}
}

/* Compensated (Neumaier 1974), so that the order of coordinates does not show. */
static double
length_of(const double *x, int d)
{
	double		sum = 0;
	double		lost = 0;
	int			i;

	for (i = 0; i < d; i++)
	{
		double		square = x[i] * x[i];
		double		next = sum + square;

		lost += sum >= square ? (sum - next) + square : (square - next) + sum;
		sum = next;
	}
	return sqrt(sum + lost);
}

/*
 * The coordinates and codes of a row; missing features are NaN, an unknown
 * category is -1.  False: it cannot be placed.
 */
bool
segment_space_place(const FeatureSpace *space, const double *features, double *x, int32 *code)
{
	bool		any = false;
	bool		directed = false;	/* the row lies apart from the origin, by more than rounding */
	int			d = 0;
	int			c = 0;
	int			i;

	if (space->plain_center != NULL &&
		place_plain(space->plain_center, space->plain_factor, space->n_features, features, x))
		return true;
	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];
		double		value = features[i];

		if (isfinite(value))
			any = true;
		else if (space->nulls == NULLS_SKIP)
			return false;
		else
			value = feature->fill;
		if (feature->category != NULL)
			code[c++] = (int32) value;
		else
		{
			double		t = transformed(feature, value);
			bool		rounding = segment_is_rounding(Min(t, feature->center), Max(t, feature->center));
			double		y = feature->constant && (feature->factor == 0 || rounding) ? 0
				: (t - feature->center) * feature->factor;

			directed = directed || (y != 0 && !rounding);
			/* numbers at the end of the range, less one another */
			if (segment_is_missing(y))
				return false;
			if (y > COORDINATE_LIMIT)
				y = COORDINATE_LIMIT;
			if (y < -COORDINATE_LIMIT)
				y = -COORDINATE_LIMIT;
			x[d++] = y;
		}
	}
	if (space->metric == METRIC_COSINE)
	{
		double		length = length_of(x, d);

		/* a row at the origin has no direction */
		if (d > 0 && !directed)
			return false;
		for (i = 0; i < d; i++)
			x[i] /= length;
	}
	return any;
}

/* The feature's own value at a coordinate; for a mean of logarithms, a geometric mean. */
double
segment_space_original(const SpaceFeature *feature, double coordinate)
{
	double		y = feature->factor == 0 ? feature->center
		: coordinate / feature->factor + feature->center;

	if (!feature->log)
		return y;
	return y < 0 ? -segment_expm1(-y) : segment_expm1(y);
}

/* ---- training rows ---- */

static inline double
row_weight(const SegmentRowStore *store, int64 r)
{
	return segment_row_weight(store, store->rows + r * store->width) *
		(double) segment_row_copies(store, r);
}

/* Whether a row can take part in training. */
static bool
is_usable(const FeatureSpace *space, const SegmentRowStore *store, int64 r)
{
	const double *row = store->rows + r * store->width;
	bool		any = false;
	int			i;

	if (store->weighted && !(row[store->n_columns] > 0 && isfinite(row[store->n_columns])))
		return false;
	for (i = 0; i < space->n_features; i++)
	{
		if (isfinite(row[i]))
			any = true;
		else if (space->nulls == NULLS_SKIP)
			return false;
	}
	return any;
}

/* The values of one feature over the usable rows. */
typedef struct ColumnValues
{
	int64		n;
	double	   *value;
	double	   *weight;			/* NULL: 1 each */
} ColumnValues;

/* For each row whether it can take part. */
static bool *
usable_rows(const FeatureSpace *space, const SegmentRowStore *store)
{
	bool	   *usable = segment_new_array(store->n_rows, 1, sizeof(bool));
	int64		r;

	for (r = 0; r < store->n_rows; r++)
	{
		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		usable[r] = is_usable(space, store, r);
	}
	return usable;
}

static void
collect_column(const SegmentRowStore *store, const bool *usable, int number, ColumnValues *column)
{
	int64		r;

	column->n = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		double		x = store->rows[r * store->width + number];

		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!usable[r] || !isfinite(x))
			continue;
		column->value[column->n] = x;
		if (column->weight != NULL)
			column->weight[column->n] = row_weight(store, r);
		column->n++;
	}
}

/* The two quantiles of a column. */
static void
column_quantiles(const ColumnValues *values, double low, double high, double *lower, double *upper)
{
	SegmentMemory memory = segment_memory(CurrentMemoryContext);
	SegmentColumn column;

	segment_column_build(&column, values->value, values->weight, NULL, values->n, memory);
	*lower = segment_column_quantile(&column, low);
	*upper = segment_column_quantile(&column, high);
	segment_column_free(&column, memory);
}

/* The share of rows below and above a range; the first is the interquartile range. */
static const double tails[] = {0.25, 0.1, 0.05, 0.01};

/*
 * A range in which most values lie.  Where most are equal, as returns of goods are 0
 * for most customers, it is one between quantiles further out, or the standard
 * deviation: something in the feature's unit, so that the unit makes no difference.
 */
static double
robust_spread(const SpaceFeature *feature, const ColumnValues *values, double deviation)
{
	double		lower;
	double		upper;
	int			i;

	for (i = 0; i < lengthof(tails); i++)
	{
		column_quantiles(values, tails[i], 1 - tails[i], &lower, &upper);
		if (segment_is_rounding(lower, upper))
			continue;
		if (i > 0)
			ereport(NOTICE,
					(errmsg("the interquartile range of \"%s\" is 0", feature->name),
					 errdetail("It is divided by the range from its quantile %g to its quantile %g instead.",
							   tails[i], 1 - tails[i])));
		return upper - lower;
	}
	ereport(NOTICE,
			(errmsg("the interquartile range of \"%s\" is 0", feature->name),
			 errdetail("It is divided by its standard deviation instead.")));
	return deviation;
}

/*
 * center and spread of a numeric feature; values are overwritten by their transforms.
 * whole: what is known of all rows where those held are a sample, or NULL.
 */
static void
fit_number(FeatureSpace *space, SpaceFeature *feature, ColumnValues *values,
		   const double *winsorize, const SegmentColumnStats *whole)
{
	SegmentMoments moments;
	double		median;
	int64		i;

	feature->lower = -HUGE_VAL;
	feature->upper = HUGE_VAL;
	segment_moments(values->value, values->weight, values->n, &moments);
	if (whole != NULL)
		segment_whole_moments(whole, &moments);
	feature->fill = moments.mean;
	if (feature->log || winsorize[0] > 0 || winsorize[1] < 1)
	{
		double		lower;
		double		upper;

		for (i = 0; i < values->n; i++)
			values->value[i] = transformed(feature, values->value[i]);
		if (winsorize[0] > 0 || winsorize[1] < 1)
		{
			column_quantiles(values, winsorize[0], winsorize[1], &lower, &upper);
			for (i = 0; i < values->n; i++)
				values->value[i] = Max(Min(values->value[i], upper), lower);
			if (winsorize[0] > 0)
				feature->lower = lower;
			if (winsorize[1] < 1)
				feature->upper = upper;
		}
		segment_moments(values->value, values->weight, values->n, &moments);
	}
	feature->mean = moments.mean;
	feature->deviation = moments.deviation;
	feature->center = moments.mean;
	feature->spread = 1;
	/* without a deviation, all weight is on one value */
	if (segment_is_rounding(moments.min, moments.max) || !(moments.deviation > 0))
	{
		feature->deviation = 0;
		if (space->scale == SCALE_NONE && space->metric == METRIC_COSINE)
			feature->center = 0;
		return;
	}
	switch (space->scale)
	{
		case SCALE_ZSCORE:
			feature->spread = moments.deviation;
			break;
		case SCALE_MINMAX:
			feature->center = moments.min;
			feature->spread = moments.max - moments.min;
			break;
		case SCALE_ROBUST:
			column_quantiles(values, 0.5, 0.5, &median, &median);
			feature->center = median;
			feature->spread = robust_spread(feature, values, moments.deviation);
			break;
		case SCALE_NONE:
			if (space->metric == METRIC_COSINE)
				feature->center = 0;
			break;
	}
	if (!isfinite(feature->spread))
		feature->spread = moments.deviation;
	if (space->scale != SCALE_NONE && !(feature->spread > LEAST_SPREAD))
	{
		feature->spread = 1;
		feature->deviation = 0;
		feature->center = moments.mean;
	}
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The categories that usable rows have, sorted; fill is the commonest, the first among equals. */
static void
fit_categories(FeatureSpace *space, SpaceFeature *feature, const FeatureCategories *categories,
			   const ColumnValues *values)
{
	double	   *total = palloc0(sizeof(double) * (categories->n + 1));
	char	  **names = palloc(sizeof(char *) * (categories->n + 1));
	double		most = -1;
	int64		i;
	int			c;

	for (i = 0; i < values->n; i++)
		total[(int) values->value[i]] += values->weight == NULL ? 1 : values->weight[i];
	feature->n_categories = 0;
	for (c = 0; c < categories->n; c++)
		if (total[c] > 0)
			names[feature->n_categories++] = categories->name[c];
	qsort(names, feature->n_categories, sizeof(char *), compare_names);
	feature->category = names;
	for (c = 0; c < feature->n_categories; c++)
	{
		int			code;

		for (code = 0; strcmp(categories->name[code], names[c]) != 0;)
			code++;
		if (total[code] > most)
		{
			most = total[code];
			feature->fill = c;
		}
	}
	pfree(total);
}

/*
 * With scale "none" coordinates are the features' own numbers, unless those are
 * so large or small that their squares would not be doubles any more: then all
 * are divided by one power of two.
 */
static void
fit_unit(FeatureSpace *space)
{
	double		largest = 0;
	int			exponent;
	int			i;

	space->unit = 1;
	if (space->scale != SCALE_NONE)
		return;
	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category == NULL)
			largest = Max(largest, space->feature[i].deviation);
	if (largest > 1e-290 && (largest < 1e-60 || largest > 1e60))
	{
		(void) frexp(largest, &exponent);
		space->unit = ldexp(1.0, exponent - 1);
	}
	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category == NULL)
			space->feature[i].spread = space->unit;
}

FeatureSpace *
segment_space_from_set(const FeatureSet *set, const SpaceOptions *options)
{
	const SegmentRowStore *store = &set->store;
	FeatureSpace *space = segment_space_with_options(set, options);
	ColumnValues values;
	double	  (*winsorize)[2] = segment_space_winsorize(space, options);
	bool	   *usable = usable_rows(space, store);
	SegmentColumnStats *whole = segment_whole_stats(space, set);
	int			i;

	segment_feature_set_check_names(set);
	values.value = segment_new_array(store->n_rows, 1, sizeof(double));
	values.weight = !store->weighted && store->copies == NULL ? NULL
		: segment_new_array(store->n_rows, 1, sizeof(double));
	for (i = 0; i < space->n_features; i++)
	{
		SpaceFeature *feature = &space->feature[i];

		collect_column(store, usable, i, &values);
		if (values.n == 0)
			ereport(ERROR,
					(errcode(ERRCODE_NO_DATA),
					 errmsg("no row can be used for training"),
					 errdetail("Of " INT64_FORMAT " rows none has a finite value of \"%s\"%s.",
							   store->n_seen, feature->name,
							   space->nulls == NULLS_SKIP ? " and all other features" : ""),
					 errhint("Leave out features that are always missing, or use nulls => 'mean'.")));
		if (set->columns[i].categories != NULL)
			fit_categories(space, feature, set->columns[i].categories, &values);
		else
			fit_number(space, feature, &values, winsorize[i], whole == NULL ? NULL : &whole[i]);
	}
	fit_unit(space);
	if (whole != NULL)
		pfree(whole);
	pfree(usable);
	pfree(values.value);
	if (values.weight != NULL)
		pfree(values.weight);
	segment_space_ready(space);
	return space;
}

/* ---- points ---- */

/* What the placing of a set's rows needs. */
typedef struct Placing
{
	const FeatureSpace *space;
	const FeatureSet *set;
	double	   *row;			/* features, categories by the space's code */
	int32	  **code;			/* by column: the space's code of the set's; NULL: numeric */
	/* a row as it is placed, before it is brought into the order of the space */
	double	   *x;
	int32	   *codes;
} Placing;

static void
placing_init(Placing *placing, const FeatureSpace *space, const FeatureSet *set)
{
	int			i;
	int			c;

	placing->space = space;
	placing->set = set;
	placing->row = palloc(sizeof(double) * space->n_features);
	placing->x = palloc(sizeof(double) * (space->d + 1));
	placing->codes = palloc(sizeof(int32) * (space->n_codes + 1));
	placing->code = palloc0(sizeof(int32 *) * space->n_features);
	for (i = 0; i < space->n_features; i++)
	{
		const FeatureCategories *categories = set->columns[i].categories;

		if (categories == NULL)
			continue;
		placing->code[i] = palloc(sizeof(int32) * (categories->n + 1));
		for (c = 0; c < categories->n; c++)
		{
			char	  **found = bsearch(&categories->name[c], space->feature[i].category,
									space->feature[i].n_categories, sizeof(char *), compare_names);

			placing->code[i][c] = found == NULL ? -1 : (int32) (found - space->feature[i].category);
		}
	}
}

/* Coordinates and codes in the order of features. */
static bool
place_features(const Placing *placing, int64 r, double *x, int32 *code)
{
	const SegmentRowStore *store = &placing->set->store;
	const double *row = store->rows + r * store->width;
	int			i;

	if (placing->space->n_codes == 0)
		return segment_space_place(placing->space, row, x, code);
	for (i = 0; i < placing->space->n_features; i++)
		placing->row[i] = placing->code[i] == NULL || segment_is_missing(row[i]) ? row[i]
			: placing->code[i][(int) row[i]];
	return segment_space_place(placing->space, placing->row, x, code);
}

/* The same in the order of the space's columns. */
static bool
place_row(const Placing *placing, int64 r, double *x, int32 *code)
{
	const FeatureSpace *space = placing->space;
	int			j;

	if (space->column == NULL)
		return place_features(placing, r, x, code);
	if (!place_features(placing, r, placing->x, placing->codes))
		return false;
	for (j = 0; j < space->d; j++)
		x[j] = placing->x[space->column[j]];
	for (j = 0; j < space->n_codes; j++)
		code[j] = placing->codes[space->code_column[j]];
	return true;
}

/*
 * By coordinate, its standard deviation over the training rows: what rows are hashed
 * in (points.h), and what the grid of a step is measured in (kernel/step_sum.h).
 */
double *
segment_space_units(const FeatureSpace *space)
{
	double	   *unit = palloc(sizeof(double) * (space->d + 1));
	int			d = 0;
	int			i;

	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category != NULL)
			continue;
		unit[d] = space->metric == METRIC_COSINE ? 1
			: feature->deviation / feature->spread * sqrt(feature->weight);
		if (!(unit[d] > 0))
			unit[d] = 1;
		d++;
	}
	return unit;
}

static uint64 **
code_hashes(const FeatureSpace *space)
{
	uint64	  **hashes = palloc(sizeof(uint64 *) * (space->n_codes + 1));
	int			n = 0;
	int			i;
	int			c;

	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category == NULL)
			continue;
		hashes[n] = palloc(sizeof(uint64) * feature->n_categories);
		for (c = 0; c < feature->n_categories; c++)
			hashes[n][c] = segment_hash_bytes(feature->category[c], strlen(feature->category[c]));
		n++;
	}
	return hashes;
}

/* ---- an order of columns that follows from their values ---- */

/*
 * What columns are ordered by: a sum over all rows of a number that is drawn by the value.
 * It says nothing of a column but tells any two apart that are not the same; it knows
 * no order of rows, and a row of weight 2 is two rows.
 */
typedef struct Signature
{
	uint128		sum;			/* rows without weights: copies times numbers */
	SegmentExactSum *weighted;	/* weights times numbers; NULL: without weights */
	double		value;
	bool		constant;
	int			column;
} Signature;

static Signature *
signatures_new(int n, bool weighted)
{
	Signature  *signature = palloc0(sizeof(Signature) * (n + 1));
	int			j;

	for (j = 0; j < n; j++)
	{
		signature[j].column = j;
		if (weighted)
		{
			signature[j].weighted = palloc(sizeof(SegmentExactSum));
			segment_exact_init(signature[j].weighted);
		}
	}
	return signature;
}

static inline void
signature_add(Signature *signature, double weight, uint64 hash)
{
	uint32		number = (uint32) (segment_hash_step(SEGMENT_GOLDEN, hash) >> 32);

	if (signature->weighted != NULL)
		segment_exact_add_product(signature->weighted, weight, number, 0);
	else
		signature->sum += (uint128) weight * number;
}

static int
compare_signatures(const void *a, const void *b)
{
	const Signature *x = a;
	const Signature *y = b;

	if (x->constant != y->constant)
		return x->constant ? 1 : -1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->column - y->column;
}

/* The columns in order, those that are constant last; *n_varying: how many are not. */
static int *
columns_by_signature(Signature *signature, int n, int *n_varying)
{
	int		   *column = palloc(sizeof(int) * (n + 1));
	int			j;

	for (j = 0; j < n; j++)
		signature[j].value = signature[j].weighted != NULL ? segment_exact_value(signature[j].weighted)
			: (double) signature[j].sum;
	qsort(signature, n, sizeof(Signature), compare_signatures);
	*n_varying = 0;
	for (j = 0; j < n; j++)
	{
		column[j] = signature[j].column;
		*n_varying += !signature[j].constant;
	}
	return column;
}

/* Gives the space the order of its columns that the rows of the set tell. */
static void
order_columns(FeatureSpace *space, const FeatureSet *set)
{
	const SegmentRowStore *store = &set->store;
	Signature  *number = signatures_new(space->d, store->weighted);
	Signature  *category = signatures_new(space->n_codes, store->weighted);
	double	   *unit = segment_space_units(space);
	uint64	  **code_hash = code_hashes(space);
	const int64 step = segment_rows_between_checks(HASHING_WORK * space->n_features);
	Placing		placing;
	int			d = 0;
	int			n = 0;
	int			i;
	int			j;
	int64		r;

	/* directions need coordinates that are the same everywhere, too */
	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category == NULL)
			number[d++].constant = feature->constant && space->metric == METRIC_EUCLIDEAN;
		else
			category[n++].constant = feature->n_categories == 1;
	}
	placing_init(&placing, space, set);
	for (r = 0; r < store->n_rows; r++)
	{
		double		weight;

		if (r % step == 0)
			CHECK_FOR_INTERRUPTS();
		if (!is_usable(space, store, r) || !place_features(&placing, r, placing.x, placing.codes))
			continue;
		weight = row_weight(store, r);
		for (j = 0; j < space->d; j++)
			signature_add(&number[j], weight, segment_double_bits(segment_point_step(placing.x[j], unit[j])));
		for (j = 0; j < space->n_codes; j++)
			signature_add(&category[j], weight, code_hash[j][placing.codes[j]]);
	}
	space->column = columns_by_signature(number, space->d, &space->n_varying);
	space->code_column = columns_by_signature(category, space->n_codes, &space->n_varying_codes);
}

/* Brings numbers by coordinate, `rows` rows of them, into the order of the space's columns. */
void
segment_space_order_columns(const FeatureSpace *space, double *x, int rows)
{
	double	   *one = palloc(sizeof(double) * (space->d + 1));
	int			r;
	int			j;

	for (r = 0; r < rows && space->column != NULL; r++, x += space->d)
	{
		memcpy(one, x, sizeof(double) * space->d);
		for (j = 0; j < space->d; j++)
			x[j] = one[space->column[j]];
	}
	pfree(one);
}

/*
 * And back into that of features: rows of d coordinates, and of a code for each category
 * where there are codes, as prototypes have them.
 */
void
segment_space_order_features(const FeatureSpace *space, double *x, int rows, bool codes)
{
	const int	width = space->d + (codes ? space->n_codes : 0);
	double	   *one = palloc(sizeof(double) * (width + 1));
	int			r;
	int			j;

	for (r = 0; r < rows && space->column != NULL; r++, x += width)
	{
		memcpy(one, x, sizeof(double) * width);
		for (j = 0; j < space->d; j++)
			x[space->column[j]] = one[j];
		for (j = space->d; j < width; j++)
			x[space->d + space->code_column[j - space->d]] = one[j];
	}
	pfree(one);
}

static void
order_code_hashes(const FeatureSpace *space, uint64 **hashes)
{
	uint64	  **one = palloc(sizeof(uint64 *) * (space->n_codes + 1));
	int			j;

	memcpy(one, hashes, sizeof(uint64 *) * space->n_codes);
	for (j = 0; j < space->n_codes && space->column != NULL; j++)
		hashes[j] = one[space->code_column[j]];
	pfree(one);
}

/* ---- rows in canonical order ---- */

/*
 * The keys of the rows that can be placed, in canonical order; counts them, and the
 * others.
 */
static SegmentRowKey *
sorted_keys(const Placing *placing, RowCounts *counts, int64 *n)
{
	const FeatureSpace *space = placing->space;
	const SegmentRowStore *store = &placing->set->store;
	SegmentRowKey *keys = segment_new_array(store->n_rows, 1, sizeof(SegmentRowKey));
	SegmentRowKey *room;
	double	   *x = palloc(sizeof(double) * (space->d + 1));
	int32	   *code = palloc(sizeof(int32) * (space->n_codes + 1));
	double	   *unit = segment_space_units(space);
	uint64	  **code_hash = code_hashes(space);
	const int	d = space->column == NULL ? space->d : space->n_varying;
	const int	n_codes = space->column == NULL ? space->n_codes : space->n_varying_codes;
	const int64 step = segment_rows_between_checks(HASHING_WORK * space->n_features);
	int64		r;

	segment_space_order_columns(space, unit, 1);
	order_code_hashes(space, code_hash);
	*n = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		int64		copies = segment_row_copies(store, r);

		if (r % step == 0)
			CHECK_FOR_INTERRUPTS();
		if (!is_usable(space, store, r) || !place_row(placing, r, x, code))
		{
			counts->n_skipped += copies;
			continue;
		}
		counts->n_used += copies;
		keys[*n].hash = segment_point_hash(x, unit, d, code, code_hash, n_codes);
		keys[*n].row = (uint32) r;
		(*n)++;
	}
	room = segment_new_array(*n, 1, sizeof(SegmentRowKey));
	segment_row_keys_sort(keys, room, *n);
	pfree(room);
	return keys;
}

/* Bytes that a point takes, and what is calculated with it. */
static Size
point_bytes(const FeatureSpace *space, Size memory_per_row)
{
	return sizeof(double) * (space->d + 2) + sizeof(int32) * space->n_codes + memory_per_row;
}

/* About how much memory the points of a set will take. */
Size
segment_space_bytes(const FeatureSpace *space, const FeatureSet *set, Size memory_per_row)
{
	return Min(mul_size(set->store.n_rows, point_bytes(space, memory_per_row)),
			   (Size) maintenance_work_mem * 1024);
}

/*
 * Of rows in canonical order only the first may fit: a sample, which is told.
 * Rows with one hash count once and stay together, so that it makes no difference
 * whether the set had folded equal rows.
 */
static int64
rows_that_fit(const Placing *placing, const SegmentRowKey *keys, int64 n, Size memory_per_row,
			  RowCounts *counts)
{
	const FeatureSpace *space = placing->space;
	Size		per_row = point_bytes(space, memory_per_row) + SORTING_MEMORY;
	int64		most = Max((int64) ((Size) maintenance_work_mem * 1024 / per_row), 1000);
	int64		runs = 0;
	int64		fit;
	int64		i;

	for (fit = 0; fit < n; fit++)
		if ((fit == 0 || !segment_same_run(keys[fit - 1].hash, keys[fit].hash)) && ++runs > most)
			break;
	for (i = fit; i < n; i++)
		counts->n_used -= segment_row_copies(&placing->set->store, keys[i].row);
	return fit;
}

/*
 * The rows of a set that can be placed, as points in some memory; none when there
 * are none.  Adds to counts, which are 0, what was seen, used and left out.
 */
SegmentPoints *
segment_space_place_set(const FeatureSpace *space, const FeatureSet *set, Size memory_per_row,
						RowCounts *counts, SegmentMemory memory)
{
	const SegmentRowStore *store = &set->store;
	SegmentPoints *points = palloc0(sizeof(SegmentPoints));
	Placing		placing;
	SegmentRowKey *keys;
	int64		n;
	int64		i;

	placing_init(&placing, space, set);
	keys = sorted_keys(&placing, counts, &n);
	n = rows_that_fit(&placing, keys, n, memory_per_row, counts);
	points->n = n;
	points->d = space->d;
	points->n_codes = space->n_codes;
	points->x = segment_allocate_rows(memory, n, space->d, sizeof(double));
	points->hash = segment_allocate(memory, n, sizeof(uint64));
	if (space->n_codes > 0)
		points->code = segment_allocate_rows(memory, n, space->n_codes, sizeof(int32));
	if (store->weighted || store->copies != NULL)
		points->weight = segment_allocate(memory, n, sizeof(double));
	for (i = 0; i < n; i++)
	{
		/* rows are read in no order: fetch those that come next, as far as a cache line each end */
		if (i + 8 < n)
		{
			const double *next = store->rows + (int64) keys[i + 8].row * store->width;

			__builtin_prefetch(next);
			__builtin_prefetch(next + store->width - 1);
		}
		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		points->hash[i] = keys[i].hash;
		(void) place_row(&placing, keys[i].row, points->x + i * space->d,
						 points->code == NULL ? NULL : points->code + i * space->n_codes);
		if (points->weight != NULL)
			points->weight[i] = row_weight(store, keys[i].row);
	}
	pfree(keys);
	segment_points_settle(points, memory, segment_memory(CurrentMemoryContext),
						  segment_check_interrupts);

	counts->n_input = store->n_seen;
	counts->n_unsampled = counts->n_input - counts->n_used - counts->n_skipped;
	return points;
}

/* The same for training, which needs points; with columns in an order of their own. */
SegmentPoints *
segment_space_points(FeatureSpace *space, const FeatureSet *set, Size memory_per_row,
					 RowCounts *counts, SegmentMemory memory)
{
	SegmentPoints *points;

	order_columns(space, set);
	points = segment_space_place_set(space, set, memory_per_row, counts, memory);
	if (points->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row can be used for training"),
				 errdetail("Each of " INT64_FORMAT " rows lacks a value, or lies at the origin and has no direction.",
						   set->store.n_seen),
				 errhint("Use nulls => 'mean' to let the mean stand in for missing values.")));
	if (counts->n_unsampled > 0)
		ereport(NOTICE,
				(errmsg("the model is trained on a sample of " INT64_FORMAT " of " INT64_FORMAT " rows",
						counts->n_used, counts->n_input - counts->n_skipped),
				 errhint("A higher maintenance_work_mem keeps more rows.")));
	return points;
}
