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
 * (space_json.c), and a row is later placed by the same function.  All rows of a set at
 * once: space_points.c.
 */
#include "feature/feature_space.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/cut_points.h"
#include "kernel/base/elementary.h"
#include "kernel/base/lanes.h"
#include "kernel/base/moments.h"
#include "kernel/base/order.h"
#include "kernel/base/precision.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "feature/space_options.h"
#include "feature/space_rows.h"
#include "feature/whole_stats.h"

/* A coordinate is held within this, so that no squared distance overflows. */
#define COORDINATE_LIMIT 1e100

/* doubles end not far below: a spread has no precision there, and its reciprocal may overflow */
#define LEAST_SPREAD 1e-280

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
		usable[r] = segment_space_row_usable(space, store, r);
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
			column->weight[column->n] = segment_space_row_weight(store, r);
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
	qsort(names, feature->n_categories, sizeof(char *), segment_compare_names);
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
