/*
 * space_options.c: what a trainer is told about features, checked and matched
 * to the features of a set by name.
 */
#include "feature/space_options.h"

#include <math.h>

#include "base/arguments.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

const char *const segment_scale_names[] = {"zscore", "minmax", "robust", "none", NULL};
const char *const segment_nulls_names[] = {"skip", "mean", NULL};
const char *const segment_metric_names[] = {"euclidean", "cosine", NULL};

/* The feature an option speaks of. */
static SpaceFeature *
feature_by_name(const FeatureSpace *space, const char *name, const char *argument)
{
	StringInfoData known;
	int			i;

	initStringInfo(&known);
	for (i = 0; i < space->n_features; i++)
	{
		if (strcmp(space->feature[i].name, name) == 0)
			return &space->feature[i];
		if (i < 20)
			appendStringInfo(&known, "%s%s", i > 0 ? ", " : "", space->feature[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("%s names \"%s\", which is not a feature", argument, name),
			 errhint("The features are %s%s. A set collected from rows, feature_set(t), keeps the names of its columns.",
					 known.data, space->n_features > 20 ? ", ..." : "")));
}

static SpaceFeature *
number_by_name(const FeatureSpace *space, const char *name, const char *argument)
{
	SpaceFeature *feature = feature_by_name(space, name, argument);

	if (feature->category != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s names \"%s\", which is categorical, expected a number", argument, name)));
	return feature;
}

static double
number_of(const JsonbValue *value, const char *what)
{
	if (value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number", what)));
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
}

/* ---- logarithm and weights ---- */

static void
set_logarithms(FeatureSpace *space, ArrayType *names)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int			i;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("log must not contain nulls")));
		number_by_name(space, TextDatumGetCString(elements[i]), "log")->log = true;
	}
}

/* Calls back for each member of an object: name and value. */
typedef void (*MemberFunction) (FeatureSpace *space, const char *name, const JsonbValue *value,
								void *arg);

static void
for_each_member(FeatureSpace *space, Jsonb *json, const char *argument, MemberFunction function,
				void *arg)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	key;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be an object with the names of features as keys", argument)));
	(void) JsonbIteratorNext(&it, &key, true);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		function(space, pnstrdup(key.val.string.val, key.val.string.len), &value, arg);
	}
}

static void
set_weight(FeatureSpace *space, const char *name, const JsonbValue *value, void *arg)
{
	SpaceFeature *feature = feature_by_name(space, name, "weights");

	(void) arg;
	feature->weight = number_of(value, "a weight");
	if (!(feature->weight >= 1e-12 && feature->weight <= 1e12))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weight of \"%s\" must be from 1e-12 to 1e12, not %g", name, feature->weight),
				 errhint("Leave a feature out of the set to give it no weight.")));
}

/* ---- winsorizing ---- */

static void
check_shares(double low, double high)
{
	if (!(low >= 0 && low < high && high <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("winsorize must be a share from 0 to below 0.5, or [low, high] with 0 <= low < high <= 1, got %g and %g",
						low, high)));
}

/* A share p stands for [p, 1 - p]. */
static void
read_shares(const JsonbValue *value, double *shares)
{
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) &&
		JsonContainerSize(value->val.binary.data) == 2)
	{
		shares[0] = number_of(getIthJsonbValueFromContainer(value->val.binary.data, 0), "winsorize");
		shares[1] = number_of(getIthJsonbValueFromContainer(value->val.binary.data, 1), "winsorize");
	}
	else
	{
		shares[0] = number_of(value, "winsorize");
		shares[1] = 1 - shares[0];
	}
	check_shares(shares[0], shares[1]);
}

static void
set_shares(FeatureSpace *space, const char *name, const JsonbValue *value, void *arg)
{
	double	  (*shares)[2] = arg;

	read_shares(value, shares[number_by_name(space, name, "winsorize") - space->feature]);
}

/* By feature, the shares between which values are kept; 0 and 1: all. */
double		(*
			 segment_space_winsorize(const FeatureSpace *space, const SpaceOptions *options))[2]
{
	double	  (*shares)[2] = palloc(sizeof(double) * 2 * space->n_features);
	double		all[2] = {0, 1};
	int			i;

	if (options->winsorize != NULL && JB_ROOT_IS_SCALAR(options->winsorize))
	{
		JsonbValue	value;

		(void) JsonbExtractScalar(&options->winsorize->root, &value);
		read_shares(&value, all);
	}
	for (i = 0; i < space->n_features; i++)
		memcpy(shares[i], all, sizeof(all));
	if (options->winsorize != NULL && !JB_ROOT_IS_SCALAR(options->winsorize))
		for_each_member((FeatureSpace *) space, options->winsorize, "winsorize", set_shares, shares);
	return shares;
}

/* ---- all ---- */

/* Five arguments from arg on: scale, log, winsorize, weights, nulls. */
void
segment_arg_space_options(FunctionCallInfo fcinfo, int arg, SpaceOptions *options)
{
	options->scale = segment_arg_text(fcinfo, arg);
	options->log = PG_ARGISNULL(arg + 1) ? NULL : PG_GETARG_ARRAYTYPE_P(arg + 1);
	options->winsorize = PG_ARGISNULL(arg + 2) ? NULL : PG_GETARG_JSONB_P(arg + 2);
	options->weights = PG_ARGISNULL(arg + 3) ? NULL : PG_GETARG_JSONB_P(arg + 3);
	options->nulls = segment_arg_text(fcinfo, arg + 4);
}

/* A space with the features of a set and the options of a trainer, not yet fitted. */
FeatureSpace *
segment_space_with_options(const FeatureSet *set, const SpaceOptions *options)
{
	FeatureSpace *space = palloc0(sizeof(FeatureSpace));
	int			i;

	space->n_features = set->store.n_columns;
	space->feature = palloc0(sizeof(SpaceFeature) * space->n_features);
	space->scale = (FeatureScale) segment_name_in_list(options->scale, segment_scale_names, "scale");
	space->nulls = (FeatureNulls) segment_name_in_list(options->nulls, segment_nulls_names, "nulls");
	space->metric = (FeatureMetric) segment_name_in_list(options->metric, segment_metric_names,
														 "metric");
	for (i = 0; i < space->n_features; i++)
	{
		SpaceFeature *feature = &space->feature[i];

		feature->name = (char *) segment_feature_set_column_name(set, i);
		feature->weight = 1;
		if (set->columns[i].categories != NULL)
		{
			space->n_codes++;
			/* filled when the categories of the training rows are known */
			feature->category = palloc(sizeof(char *));
		}
		else
			space->d++;
	}
	if (options->log != NULL)
		set_logarithms(space, options->log);
	if (options->weights != NULL)
		for_each_member(space, options->weights, "weights", set_weight, NULL);
	return space;
}
