/*
 * kprototypes_kind.c: models of k-prototypes: a row belongs to the nearest prototype,
 * in numbers and categories.
 *
 * Members of the JSON beside the common ones and those of the feature space
 * (space_json.c):
 *
 *	 gamma		cost of a different category, next to squared scaled distances
 *	 seed, n_init, iterations, converged	of the training
 *	 total		cost of all training rows with a single prototype
 *	 clusters: [{size (rows, or their weights), cost (sum of distances to the prototype),
 *				 center: [coordinates], modes: [categories]}], in the order of
 *				 segments; coordinates and modes in the order of their features
 *
 * A category that training did not meet differs from every mode.
 */
#include "cluster/kprototypes_kind.h"

#include <float.h>
#include <math.h>

#include "base/json_write.h"
#include "base/memory.h"
#include "interop/pmml.h"
#include "kernel/base/order.h"
#include "miscadmin.h"

/* A coordinate is within this (feature_space.c), and so are a mean and gamma. */
#define COORDINATE_LIMIT 1e100

/* Room for k prototypes; model->space and model->gamma are set. */
void
segment_prototype_model_init(PrototypeModel *model, int k)
{
	const FeatureSpace *space = model->space;
	int			n = 0;
	int			i;

	segment_prototypes_init(&model->prototypes, k, space->d, space->n_codes,
							segment_memory(CurrentMemoryContext));
	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category != NULL)
			model->prototypes.mismatch[n++] = model->gamma * space->feature[i].weight;
	model->size = palloc0(sizeof(double) * k);
	model->cost = palloc0(sizeof(double) * k);
	model->x = palloc(sizeof(double) * (space->d + 1));
	model->code = palloc(sizeof(int32) * (space->n_codes + 1));
}

/* The values of a prototype: coordinates, then modes. */
static double *
value_of(const PrototypeModel *model, int segment)
{
	return model->prototypes.value +
		(size_t) segment * (model->prototypes.d + model->prototypes.n_codes);
}

/* ---- categories that training did not meet ---- */

/* Sorted names of a and b, each once; *n: how many. */
static char **
united_names(char *const *a, int n_a, char *const *b, int n_b, int *n)
{
	char	  **names = palloc(sizeof(char *) * (n_a + n_b + 1));
	int			i;

	memcpy(names, a, sizeof(char *) * n_a);
	memcpy(names + n_a, b, sizeof(char *) * n_b);
	qsort(names, n_a + n_b, sizeof(char *), segment_compare_names);
	*n = 0;
	for (i = 0; i < n_a + n_b; i++)
		if (*n == 0 || strcmp(names[*n - 1], names[i]) != 0)
			names[(*n)++] = names[i];
	return names;
}

/* A category by its new number. */
static int
renumbered(int code, char *const *from, char *const *to, int n_to)
{
	char *const *found = bsearch(&from[code], to, n_to, sizeof(char *), segment_compare_names);

	return (int) (found - to);
}

/*
 * Gives the model numbers for all categories of the set.  No row gets another segment:
 * those that are new differ from every mode, as they did when they had no number.
 */
static const double *
prototype_meet_categories(Model *model, const FeatureSet *set)
{
	PrototypeModel *prototype = model->detail;
	FeatureSpace *space = prototype->space;
	int			place = space->d;
	int			i;
	int			c;

	for (i = 0; i < space->n_features; i++)
	{
		SpaceFeature *feature = &space->feature[i];
		const FeatureCategories *categories = set->columns[i].categories;
		char	  **names;
		int			n;

		if (feature->category == NULL)
			continue;
		names = united_names(feature->category, feature->n_categories, categories->name, categories->n,
							 &n);
		for (c = 0; c < prototype->prototypes.k; c++)
		{
			double	   *mode = value_of(prototype, c) + place;

			*mode = renumbered((int) *mode, feature->category, names, n);
		}
		feature->fill = renumbered((int) feature->fill, feature->category, names, n);
		feature->category = names;
		feature->n_categories = n;
		place++;
	}
	segment_prototypes_pack(&prototype->prototypes);
	return prototype->prototypes.mismatch;
}

/* ---- reading ---- */

static int
category_number(const SpaceFeature *feature, const JsonPlace *json)
{
	return segment_json_one_of(json, feature->category, feature->n_categories,
							   psprintf("category of \"%s\"", feature->name));
}

static void
read_cluster(PrototypeModel *model, int segment, const JsonPlace *json)
{
	static const char *const keys[] = {"size", "cost", "center", "modes", NULL};
	const FeatureSpace *space = model->space;
	JsonPlace	center = segment_json_member(json, "center");
	JsonPlace	modes = segment_json_member(json, "modes");
	JsonPlace  *elements;
	double	   *value = value_of(model, segment);
	int			n;
	int			i;
	int			next = 0;

	segment_json_check_keys(json, keys);
	model->size[segment] = segment_json_member_number(json, "size", 0, DBL_MAX);
	model->cost[segment] = segment_json_member_number(json, "cost", 0, DBL_MAX);
	elements = segment_json_elements(&center, &n);
	if (n != space->d)
		segment_json_error(&center, psprintf("expected %d coordinates, got %d", space->d, n));
	for (i = 0; i < n; i++)
		value[i] = segment_json_number(&elements[i], -COORDINATE_LIMIT, COORDINATE_LIMIT);
	elements = segment_json_elements(&modes, &n);
	if (n != space->n_codes)
		segment_json_error(&modes, psprintf("expected %d categories, got %d", space->n_codes, n));
	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category != NULL)
		{
			value[space->d + next] = category_number(&space->feature[i], &elements[next]);
			next++;
		}
}

static void
prototype_read(Model *model, const JsonPlace *json)
{
	PrototypeModel *prototype = palloc0(sizeof(PrototypeModel));
	const int	k = model->n_segments;
	JsonPlace	place;
	JsonPlace  *elements;
	int			n;
	int			c;

	model->detail = prototype;
	prototype->space = segment_space_read(model, json);
	if (prototype->space->metric != METRIC_EUCLIDEAN)
		segment_json_error(json, "the metric of k-prototypes is \"euclidean\"");
	prototype->gamma = segment_json_member_number(json, "gamma", 0, COORDINATE_LIMIT);
	prototype->training = segment_training_read(json);
	prototype->total = segment_json_member_number(json, "total", 0, DBL_MAX);

	place = segment_json_member(json, "clusters");
	elements = segment_json_elements(&place, &n);
	if (n != k)
		segment_json_error(&place, psprintf("expected %d clusters for %d segments, got %d", k, k, n));
	/* each number takes more than a byte, so nothing is allocated that did not come */
	if ((size_t) k * prototype->space->n_features > (size_t) json->value.val.binary.len)
		segment_json_error(&place, psprintf("does not hold %d prototypes of %d features",
											k, prototype->space->n_features));
	segment_prototype_model_init(prototype, k);
	for (c = 0; c < k; c++)
	{
		CHECK_FOR_INTERRUPTS();
		read_cluster(prototype, c, &elements[c]);
	}
	segment_prototypes_pack(&prototype->prototypes);
}

/* ---- writing ---- */

static void
write_cluster(const PrototypeModel *model, int segment, StringInfo out)
{
	const FeatureSpace *space = model->space;
	const double *value = value_of(model, segment);
	int			next = 0;
	int			i;

	appendStringInfoString(out, "{\"size\": ");
	segment_json_put_number(out, model->size[segment]);
	appendStringInfoString(out, ", \"cost\": ");
	segment_json_put_number(out, model->cost[segment]);
	appendStringInfoString(out, ", \"center\": [");
	for (i = 0; i < space->d; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		segment_json_put_number(out, value[i]);
	}
	appendStringInfoString(out, "], \"modes\": [");
	for (i = 0; i < space->n_features; i++)
	{
		if (space->feature[i].category == NULL)
			continue;
		if (next > 0)
			appendStringInfoString(out, ", ");
		segment_json_put_string(out, space->feature[i].category[(int) value[space->d + next]]);
		next++;
	}
	appendStringInfoString(out, "]}");
}

static void
prototype_write(const Model *model, StringInfo out)
{
	const PrototypeModel *prototype = model->detail;
	int			c;

	segment_space_write(prototype->space, out);
	appendStringInfoString(out, ", \"gamma\": ");
	segment_json_put_number(out, prototype->gamma);
	segment_training_write(&prototype->training, out);
	appendStringInfoString(out, ", \"total\": ");
	segment_json_put_number(out, prototype->total);
	appendStringInfoString(out, ", \"clusters\": [");
	for (c = 0; c < model->n_segments; c++)
	{
		if (c > 0)
			appendStringInfoString(out, ", ");
		write_cluster(prototype, c, out);
	}
	appendStringInfoChar(out, ']');
}

/* ---- assigning ---- */

static const FeatureSpace *
prototype_space(const Model *model)
{
	return ((const PrototypeModel *) model->detail)->space;
}

static int
prototype_assign_point(const Model *model, const double *x, const int32 *code)
{
	return segment_nearest_prototype(&((const PrototypeModel *) model->detail)->prototypes, x,
									 code).number;
}

static int
prototype_assign(const Model *model, const double *features)
{
	const PrototypeModel *prototype = model->detail;

	if (!segment_space_place(prototype->space, features, prototype->x, prototype->code))
		return -1;
	return prototype_assign_point(model, prototype->x, prototype->code);
}

/* Of the row placed last. */
static double
distance_to(const PrototypeModel *model, int segment)
{
	return segment_prototype_distance(&model->prototypes, segment, model->x, model->code);
}

static double
prototype_distance(const Model *model, const double *features, int segment)
{
	const PrototypeModel *prototype = model->detail;

	if (!segment_space_place(prototype->space, features, prototype->x, prototype->code))
		return segment_missing_value();
	return sqrt(distance_to(prototype, segment)) * prototype->space->unit;
}

/* The nearest prototype but one to the row placed last; -1: there is none. */
static int
runner_up(const PrototypeModel *model, int segment)
{
	double	   *distance = palloc(sizeof(double) * model->prototypes.k);
	int			result;
	int			c;

	for (c = 0; c < model->prototypes.k; c++)
		distance[c] = distance_to(model, c);
	result = segment_runner_up(distance, model->prototypes.k, segment);
	pfree(distance);
	return result;
}

/* What a feature adds to the distance from a segment. */
static double
part_of_distance(const PrototypeModel *model, int segment, int number)
{
	const FeatureSpace *space = model->space;
	int			place = segment_space_place_of(space, number);
	const double *value = value_of(model, segment);

	if (space->feature[number].category == NULL)
		return (model->x[place] - value[place]) * (model->x[place] - value[place]);
	return model->code[place] == (int32) value[space->d + place] ? 0
		: model->prototypes.mismatch[place];
}

static void
explain_category(const PrototypeModel *model, int segment, int number, StringInfo out)
{
	const SpaceFeature *feature = &model->space->feature[number];
	int			place = segment_space_place_of(model->space, number);
	int			code = model->code[place];
	int			mode;

	appendStringInfoString(out, ", \"value\": ");
	if (code >= 0)
		segment_json_put_string(out, feature->category[code]);
	else
		appendStringInfoString(out, "null, \"unknown\": true");
	appendStringInfoString(out, ", \"typical\": ");
	mode = (int) value_of(model, segment)[model->space->d + place];
	segment_json_put_string(out, feature->category[mode]);
}

/*
 * For each feature: its value, what is typical of the segment, for numbers the
 * difference in standard deviations of all, and the strength with which it
 * speaks for the segment and against the runner-up: its part of the
 * difference of the two distances; the parts add up to 1.
 */
static void
prototype_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	const PrototypeModel *prototype = model->detail;
	const FeatureSpace *space = prototype->space;
	double		difference = 0;
	double		there = segment_missing_value();
	int			second;
	int			i;

	if (segment < 0)
	{
		appendStringInfoString(out, SEGMENT_NO_PLACE);
		return;
	}
	second = runner_up(prototype, segment);
	if (second >= 0)
		difference = distance_to(prototype, second) - distance_to(prototype, segment);
	appendStringInfoString(out, ", \"distance\": ");
	segment_json_put_number_or_null(out, sqrt(distance_to(prototype, segment)) * space->unit);
	appendStringInfoString(out, ", \"features\": [");
	for (i = 0; i < space->n_features; i++)
	{
		double		strength = segment_missing_value();

		appendStringInfo(out, "%s{\"feature\": ", i > 0 ? ", " : "");
		segment_json_put_string(out, space->feature[i].name);
		if (space->feature[i].category != NULL)
			explain_category(prototype, segment, i, out);
		else
		{
			int			place = segment_space_place_of(space, i);

			segment_explain_number(&space->feature[i], features[i], prototype->x[place],
								   value_of(prototype, segment)[place], out);
		}
		if (difference > 0)
			strength = (part_of_distance(prototype, second, i) -
						part_of_distance(prototype, segment, i)) / difference;
		appendStringInfoString(out, ", \"strength\": ");
		segment_json_put_number_or_null(out, strength);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
	if (second >= 0)
		there = sqrt(distance_to(prototype, second)) * space->unit;
	segment_explain_runner_up(model, second, "distance", there, out);
}

/* ---- describing ---- */

static void
prototype_metrics(const Model *model, StringInfo out)
{
	const PrototypeModel *prototype = model->detail;
	double		unit = prototype->space->unit * prototype->space->unit;
	double		cost = 0;
	int			c;

	for (c = 0; c < model->n_segments; c++)
		cost += prototype->cost[c];
	appendStringInfo(out, ", \"scale\": \"%s\", \"gamma\": ",
					 segment_space_scale_name(prototype->space));
	segment_json_put_number_or_null(out, prototype->gamma * unit);
	appendStringInfoString(out, ", \"cost\": ");
	segment_json_put_number_or_null(out, cost * unit);
	appendStringInfoString(out, ", \"total\": ");
	segment_json_put_number_or_null(out, prototype->total * unit);
	appendStringInfoString(out, ", \"explained\": ");
	segment_json_put_number_or_null(out, prototype->total > 0 ? 1 - cost / prototype->total
									: segment_missing_value());
	segment_training_write(&prototype->training, out);
}

static double
prototype_size(const Model *model, int segment)
{
	return ((const PrototypeModel *) model->detail)->size[segment];
}

static void
prototype_typical(const Model *model, int segment, int number, ModelTypical *typical)
{
	const PrototypeModel *prototype = model->detail;
	const SpaceFeature *feature = &prototype->space->feature[number];
	int			place = segment_space_place_of(prototype->space, number);
	const double *value = value_of(prototype, segment);

	if (feature->category == NULL)
	{
		segment_typical_number(feature, value[place], typical);
		return;
	}
	typical->category = feature->category[(int) value[prototype->space->d + place]];
	typical->value = typical->coordinate = typical->z = segment_missing_value();
}

static void
prototype_pmml(const Model *model, StringInfo out)
{
	const PrototypeModel *prototype = model->detail;
	PmmlCenters centers = {0};

	centers.space = prototype->space;
	centers.value = prototype->prototypes.value;
	centers.mismatch = prototype->prototypes.mismatch;
	centers.size = prototype->size;
	segment_pmml_centers(out, model, &centers);
}

/* After it has met the categories of the rows. */
static void
prototype_clustering(const Model *model, SegmentClustering *clustering)
{
	const PrototypeModel *prototype = model->detail;
	SegmentPrototypesOptions *own = palloc0(sizeof(SegmentPrototypesOptions));

	own->gamma = prototype->gamma;
	segment_prototype_categories(prototype->space, model->n_segments, &own->n_categories,
								 &own->code_weight);
	clustering->n_init = prototype->training.n_init;
	clustering->own = own;
}

static const char *const prototype_keys[] = {
	SEGMENT_SPACE_KEYS, "gamma", SEGMENT_TRAINING_KEYS, "total", "clusters", NULL
};

const ModelKind segment_prototype_model_kind = {
	.name = "kprototypes",
	.read = prototype_read,
	.write = prototype_write,
	.keys = prototype_keys,
	.assign = prototype_assign,
	.explain = prototype_explain,
	.metrics = prototype_metrics,
	.distance = prototype_distance,
	.size = prototype_size,
	.typical = prototype_typical,
	.space = prototype_space,
	.assign_point = prototype_assign_point,
	.pmml = prototype_pmml,
	.method = &segment_kprototypes_method,
	.clustering = prototype_clustering,
	.meet_categories = prototype_meet_categories
};
