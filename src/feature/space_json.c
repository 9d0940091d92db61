/*
 * space_json.c: how features become coordinates, as members of a model's JSON.
 *
 *	 scale, metric, nulls, unit
 *	 features: [{name, weight, fill,
 *				 log, lower, upper, center, spread, mean, deviation}	a number
 *				{name, weight, fill, categories: [...]}]				a category
 *
 * weight is left out where it is 1, log where it is false, lower and upper where
 * nothing is clipped.  fill of a category is its name.
 */
#include "feature/feature_space.h"

#include <math.h>

#include "base/json_write.h"
#include "feature/space_options.h"

const char *
segment_space_scale_name(const FeatureSpace *space)
{
	return segment_scale_names[space->scale];
}

/* ---- writing ---- */

static void
put(StringInfo out, const char *key, double x)
{
	appendStringInfo(out, ", \"%s\": ", key);
	segment_json_put_number(out, x);
}

static void
write_feature(const SpaceFeature *feature, StringInfo out)
{
	int			c;

	appendStringInfoString(out, "{\"name\": ");
	segment_json_put_string(out, feature->name);
	if (feature->weight != 1)
		put(out, "weight", feature->weight);
	if (feature->category != NULL)
	{
		appendStringInfoString(out, ", \"fill\": ");
		segment_json_put_string(out, feature->category[(int) feature->fill]);
		appendStringInfoString(out, ", \"categories\": [");
		for (c = 0; c < feature->n_categories; c++)
		{
			if (c > 0)
				appendStringInfoString(out, ", ");
			segment_json_put_string(out, feature->category[c]);
		}
		appendStringInfoString(out, "]}");
		return;
	}
	put(out, "fill", feature->fill);
	if (feature->log)
		appendStringInfoString(out, ", \"log\": true");
	if (!isinf(feature->lower))
		put(out, "lower", feature->lower);
	if (!isinf(feature->upper))
		put(out, "upper", feature->upper);
	put(out, "center", feature->center);
	put(out, "spread", feature->spread);
	put(out, "mean", feature->mean);
	put(out, "deviation", feature->deviation);
	appendStringInfoChar(out, '}');
}

void
segment_space_write(const FeatureSpace *space, StringInfo out)
{
	int			i;

	appendStringInfo(out, ", \"scale\": \"%s\", \"metric\": \"%s\", \"nulls\": \"%s\"",
					 segment_scale_names[space->scale], segment_metric_names[space->metric],
					 segment_nulls_names[space->nulls]);
	put(out, "unit", space->unit);
	appendStringInfoString(out, ", \"features\": [");
	for (i = 0; i < space->n_features; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		write_feature(&space->feature[i], out);
	}
	appendStringInfoChar(out, ']');
}

/* ---- reading ---- */

static int
read_name(const JsonPlace *json, const char *key, const char *const *list)
{
	JsonPlace	place = segment_json_member(json, key);
	char	   *name = segment_json_string(&place);
	int			i;

	for (i = 0; list[i] != NULL; i++)
		if (strcmp(list[i], name) == 0)
			return i;
	segment_json_error(&place, psprintf("unknown value \"%s\"", name));
}

static double
read_finite(const JsonPlace *json, const char *key)
{
	JsonPlace	place = segment_json_member(json, key);
	double		x = segment_json_double(&place);

	if (!isfinite(x))
		segment_json_error(&place, "expected a finite number");
	return x;
}

static double
read_positive(const JsonPlace *json, const char *key)
{
	JsonPlace	place = segment_json_member(json, key);
	double		x = segment_json_double(&place);

	/* bounded, so that its reciprocal is not infinite */
	if (!(x >= 1e-300 && isfinite(x)))
		segment_json_error(&place, "expected a finite number from 1e-300 on");
	return x;
}

static bool
read_true(const JsonPlace *json, const char *key)
{
	JsonPlace	place;

	if (!segment_json_has(json, key))
		return false;
	place = segment_json_member(json, key);
	if (place.value.type != jbvBool || !place.value.val.boolean)
		segment_json_error(&place, "expected true, or to be left out");
	return true;
}

static void
read_categories(SpaceFeature *feature, const JsonPlace *json)
{
	static const char *const keys[] = {"name", "weight", "fill", "categories", NULL};
	JsonPlace	list = segment_json_member(json, "categories");
	JsonPlace	fill = segment_json_member(json, "fill");
	char	   *name = segment_json_string(&fill);
	JsonPlace  *elements = segment_json_elements(&list, &feature->n_categories);
	int			c;

	segment_json_check_keys(json, keys);
	if (feature->n_categories == 0)
		segment_json_error(&list, "expected at least one category");
	feature->category = palloc(sizeof(char *) * feature->n_categories);
	feature->fill = -1;
	for (c = 0; c < feature->n_categories; c++)
	{
		feature->category[c] = segment_json_string(&elements[c]);
		if (c > 0 && strcmp(feature->category[c - 1], feature->category[c]) >= 0)
			segment_json_error(&elements[c], "categories are not in ascending order");
		if (strcmp(feature->category[c], name) == 0)
			feature->fill = c;
	}
	if (feature->fill < 0)
		segment_json_error(&fill, "expected one of the categories");
}

static void
read_number(SpaceFeature *feature, const JsonPlace *json)
{
	static const char *const keys[] = {
		"name", "weight", "fill", "log", "lower", "upper", "center", "spread", "mean", "deviation", NULL
	};

	segment_json_check_keys(json, keys);
	feature->fill = read_finite(json, "fill");
	feature->log = read_true(json, "log");
	feature->lower = segment_json_has(json, "lower") ? read_finite(json, "lower") : -HUGE_VAL;
	feature->upper = segment_json_has(json, "upper") ? read_finite(json, "upper") : HUGE_VAL;
	if (feature->lower > feature->upper)
		segment_json_error(json, "lower is above upper");
	feature->center = read_finite(json, "center");
	feature->spread = read_positive(json, "spread");
	feature->mean = read_finite(json, "mean");
	feature->deviation = read_finite(json, "deviation");
	if (feature->deviation < 0)
		segment_json_error(json, "deviation is negative");
}

/* What all models say of their features: number, names, categories. */
void
segment_space_describe(Model *model, FeatureSpace *space)
{
	int			i;

	model->n_features = space->n_features;
	model->feature = palloc(sizeof(char *) * space->n_features);
	for (i = 0; i < space->n_features; i++)
		model->feature[i] = space->feature[i].name;
	if (space->n_codes == 0)
		return;
	model->categories = palloc0(sizeof(ModelCategories) * space->n_features);
	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category != NULL)
		{
			model->categories[i].n = space->feature[i].n_categories;
			model->categories[i].name = space->feature[i].category;
		}
}

FeatureSpace *
segment_space_read(Model *model, const JsonPlace *json)
{
	FeatureSpace *space = palloc0(sizeof(FeatureSpace));
	JsonPlace	list = segment_json_member(json, "features");
	JsonPlace  *elements = segment_json_elements(&list, &space->n_features);
	int			i;
	int			j;

	if (space->n_features < 1 || space->n_features > SEGMENT_MAX_FEATURES)
		segment_json_error(&list, psprintf("expected 1 to %d features", SEGMENT_MAX_FEATURES));
	space->scale = (FeatureScale) read_name(json, "scale", segment_scale_names);
	space->nulls = (FeatureNulls) read_name(json, "nulls", segment_nulls_names);
	space->metric = (FeatureMetric) read_name(json, "metric", segment_metric_names);
	space->unit = read_positive(json, "unit");
	space->feature = palloc0(sizeof(SpaceFeature) * space->n_features);
	for (i = 0; i < space->n_features; i++)
	{
		SpaceFeature *feature = &space->feature[i];
		JsonPlace	name = segment_json_member(&elements[i], "name");

		feature->name = segment_json_string(&name);
		for (j = 0; j < i; j++)
			if (strcmp(space->feature[j].name, feature->name) == 0)
				segment_json_error(&name, psprintf("two features are named \"%s\"", feature->name));
		feature->weight = !segment_json_has(&elements[i], "weight") ? 1
			: read_positive(&elements[i], "weight");
		if (segment_json_has(&elements[i], "categories"))
		{
			read_categories(feature, &elements[i]);
			space->n_codes++;
		}
		else
		{
			read_number(feature, &elements[i]);
			space->d++;
		}
	}
	segment_space_ready(space);
	segment_space_describe(model, space);
	return space;
}
