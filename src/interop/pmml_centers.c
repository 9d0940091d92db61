/*
 * pmml_centers.c: centroids, or prototypes, as PMML: a center-based ClusteringModel with
 * squared Euclidean distances between coordinates, which are derived fields (pmml_write.c).
 *
 * A categorical feature x with n categories becomes n + 1 indicators: indicator(i, x), 1 where
 * the category is the i-th, and other(x), 1 where it is none of them.  Each has half the cost
 * of a different category as its weight.  Two of them differ from the centre's when the
 * category does, so the sum is that cost, to the last bit.
 */
#include "interop/pmml.h"

#include "base/json_write.h"

/* The i-th category of a feature, from 1. */
static char *
indicator_name(const FeatureSpace *space, int feature, int i)
{
	return segment_pmml_new_name(space,
								 psprintf("indicator(%d, %s)", i, space->feature[feature].name));
}

static char *
other_name(const FeatureSpace *space, int feature)
{
	return segment_pmml_new_name(space, psprintf("other(%s)", space->feature[feature].name));
}

/* What a different category of a feature costs; 0: the feature tells no rows apart. */
static double
mismatch_of(const PmmlCenters *centers, int feature)
{
	return centers->mismatch[segment_space_place_of(centers->space, feature)];
}

/* ---- fields ---- */

static void
put_indicators(StringInfo out, const FeatureSpace *space, int number)
{
	const SpaceFeature *feature = &space->feature[number];
	int			c;

	for (c = 1; c <= feature->n_categories; c++)
	{
		segment_pmml_begin_derived(out, indicator_name(space, number, c));
		appendStringInfoString(out, "<NormDiscrete field=");
		segment_pmml_value(out, feature->name);
		appendStringInfoString(out, " value=");
		segment_pmml_value(out, feature->category[c - 1]);
		appendStringInfoString(out, "/>");
		segment_pmml_end_derived(out);
	}
	segment_pmml_begin_derived(out, other_name(space, number));
	segment_pmml_begin_apply(out, "-");
	segment_pmml_constant(out, 1);
	segment_pmml_begin_apply(out, "sum");
	for (c = 1; c <= feature->n_categories; c++)
		segment_pmml_field(out, indicator_name(space, number, c));
	segment_pmml_end_apply(out);
	segment_pmml_end_apply(out);
	segment_pmml_end_derived(out);
}

static void
put_clustering_field(StringInfo out, const char *name, double weight)
{
	appendStringInfoString(out, "    <ClusteringField field=");
	segment_pmml_value(out, name);
	if (weight != 1)
		appendStringInfo(out, " fieldWeight=\"%s\"", segment_number_text(weight));
	appendStringInfoString(out, " compareFunction=\"absDiff\"/>\n");
}

/* What distances are taken of: numbers, then categories that count. */
static void
put_clustering_fields(StringInfo out, const PmmlCenters *centers)
{
	const FeatureSpace *space = centers->space;
	int			n = space->d;
	int			i;
	int			c;

	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category == NULL)
			put_clustering_field(out, segment_pmml_coordinate(space, i), 1);
	for (i = 0; i < space->n_features; i++)
	{
		double		weight;

		if (space->feature[i].category == NULL || mismatch_of(centers, i) == 0)
			continue;
		weight = mismatch_of(centers, i) / 2;
		for (c = 1; c <= space->feature[i].n_categories; c++)
			put_clustering_field(out, indicator_name(space, i, c), weight);
		put_clustering_field(out, other_name(space, i), weight);
		n++;
	}
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a model without distances cannot be written as PMML"),
				 errdetail("All features are categories, and gamma is 0."),
				 errhint("Train with gamma above 0.")));
}

/* ---- clusters ---- */

static void
put_center(StringInfo out, const PmmlCenters *centers, const double *value)
{
	const FeatureSpace *space = centers->space;
	StringInfoData array;
	int			n = space->d;
	int			i;
	int			c;

	initStringInfo(&array);
	for (i = 0; i < space->d; i++)
		appendStringInfo(&array, " %s", segment_number_text(value[i]));
	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];
		int			mode;

		if (feature->category == NULL || mismatch_of(centers, i) == 0)
			continue;
		mode = (int) value[space->d + segment_space_place_of(space, i)];
		for (c = 0; c < feature->n_categories; c++)
			appendStringInfoString(&array, c == mode ? " 1" : " 0");
		/* other */
		appendStringInfoString(&array, " 0");
		n += feature->n_categories + 1;
	}
	appendStringInfo(out, "<Array n=\"%d\" type=\"real\">%s</Array>", n, array.data + 1);
	pfree(array.data);
}

static void
put_clusters(StringInfo out, const Model *model, const PmmlCenters *centers)
{
	const int	width = centers->space->d + centers->space->n_codes;
	int			c;

	for (c = 0; c < model->n_segments; c++)
	{
		appendStringInfo(out, "    <Cluster id=\"%d\" name=", model->segment[c].id);
		segment_pmml_value(out, model->segment[c].name);
		segment_pmml_count(out, "size", centers->size[c]);
		appendStringInfoChar(out, '>');
		put_center(out, centers, centers->value + (size_t) c * width);
		appendStringInfoString(out, "</Cluster>\n");
	}
}

/* ---- the model ---- */

void
segment_pmml_centers(StringInfo out, const Model *model, const PmmlCenters *centers)
{
	const FeatureSpace *space = centers->space;
	int			i;

	appendStringInfo(out, "  <DataDictionary numberOfFields=\"%d\">\n", space->n_features);
	for (i = 0; i < space->n_features; i++)
		segment_pmml_data_field(out, &space->feature[i]);
	appendStringInfoString(out, "  </DataDictionary>\n");
	appendStringInfo(out, "  <ClusteringModel functionName=\"clustering\" algorithmName=\"%s\""
					 " modelClass=\"centerBased\" numberOfClusters=\"%d\">\n",
					 model->kind->name, model->n_segments);
	appendStringInfoString(out, "    <MiningSchema>\n");
	segment_pmml_mining_fields(out, space);
	appendStringInfoString(out, "    </MiningSchema>\n");
	segment_pmml_output(out, space);
	appendStringInfoString(out, "    <LocalTransformations>\n");
	segment_pmml_coordinates(out, space);
	for (i = 0; i < space->n_features; i++)
		if (space->feature[i].category != NULL)
			put_indicators(out, space, i);
	appendStringInfoString(out, "    </LocalTransformations>\n"
						   "    <ComparisonMeasure kind=\"distance\"><squaredEuclidean/></ComparisonMeasure>\n");
	put_clustering_fields(out, centers);
	put_clusters(out, model, centers);
	appendStringInfoString(out, "  </ClusteringModel>\n");
}
