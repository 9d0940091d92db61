/*
 * pmml.c: a k-means model as PMML 4.4, which other programs read.
 *
 * PMML (Predictive Model Markup Language, Data Mining Group 2019) describes a model
 * and what goes before it.  A model of centroids is a center-based ClusteringModel
 * with squared Euclidean distances.  The way from features to coordinates
 * (feature_space.c) becomes derived fields with the same operations in the same
 * order, so a reader that calculates in double precision gets the same bits:
 *
 *	 scaled(x)	  ((clip(f(x)) - center) * factor)
 *	 length, direction(x)	with the metric "cosine": its part of a length of 1
 *
 * Missing values are invalid where the model skips them, else the mean stands in.
 * What PMML has no word for: infinite values are missing here, and a row where all
 * features are missing has no segment.
 */
#include "cluster.h"

#include <math.h>

#include "json_write.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/xml.h"

PG_FUNCTION_INFO_V1(segment_model_to_pmml);

/* Text as the value of an attribute, quotes included. */
static void
put_value(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	for (; *text != '\0'; text++)
	{
		switch (*text)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			case '\t':
			case '\n':
			case '\r':
				appendStringInfo(out, "&#%d;", *text);
				break;
			default:
				if ((unsigned char) *text < ' ')
					ereport(ERROR,
							(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
							 errmsg("a name of the model has the control character %d, which XML cannot express", *text),
							 errhint("rename_segment() gives a segment another name.")));
				appendStringInfoChar(out, *text);
		}
	}
	appendStringInfoChar(out, '"');
}

/* A name for something that is no feature: as wished, with as many "_" as it takes to be new. */
static char *
new_name(const FeatureSpace *space, char *name)
{
	int			i;

	for (i = 0; i < space->n_features; i++)
		if (strcmp(space->feature[i].name, name) == 0)
			return new_name(space, psprintf("%s_", name));
	return name;
}

static char *
scaled_name(const FeatureSpace *space, int feature)
{
	return new_name(space, psprintf("scaled(%s)", space->feature[feature].name));
}

static char *
direction_name(const FeatureSpace *space, int feature)
{
	return new_name(space, psprintf("direction(%s)", space->feature[feature].name));
}

/* ---- expressions ---- */

static void
put_field(StringInfo out, const char *name)
{
	appendStringInfoString(out, "<FieldRef field=");
	put_value(out, name);
	appendStringInfoString(out, "/>");
}

static void
put_constant(StringInfo out, double x)
{
	appendStringInfo(out, "<Constant dataType=\"double\">%s</Constant>", segment_number_text(x));
}

static void
begin_apply(StringInfo out, const char *function)
{
	appendStringInfo(out, "<Apply function=\"%s\">", function);
}

static void
end_apply(StringInfo out)
{
	appendStringInfoString(out, "</Apply>");
}

/* sign(x) ln(1 + |x|) */
static void
put_log(StringInfo out, const char *name)
{
	begin_apply(out, "if");
	begin_apply(out, "lessThan");
	put_field(out, name);
	put_constant(out, 0);
	end_apply(out);
	begin_apply(out, "-");
	put_constant(out, 0);
	begin_apply(out, "ln1p");
	begin_apply(out, "-");
	put_constant(out, 0);
	put_field(out, name);
	end_apply(out);
	end_apply(out);
	end_apply(out);
	begin_apply(out, "ln1p");
	put_field(out, name);
	end_apply(out);
	end_apply(out);
}

static void
put_scaled(StringInfo out, const SpaceFeature *feature)
{
	begin_apply(out, "*");
	begin_apply(out, "-");
	if (!isinf(feature->upper))
		begin_apply(out, "min");
	if (!isinf(feature->lower))
		begin_apply(out, "max");
	if (feature->log)
		put_log(out, feature->name);
	else
		put_field(out, feature->name);
	if (!isinf(feature->lower))
	{
		put_constant(out, feature->lower);
		end_apply(out);
	}
	if (!isinf(feature->upper))
	{
		put_constant(out, feature->upper);
		end_apply(out);
	}
	put_constant(out, feature->center);
	end_apply(out);
	put_constant(out, feature->factor);
	end_apply(out);
}

static void
put_length(StringInfo out, const FeatureSpace *space)
{
	int			i;

	begin_apply(out, "sqrt");
	begin_apply(out, "sum");
	for (i = 0; i < space->n_features; i++)
	{
		begin_apply(out, "*");
		put_field(out, scaled_name(space, i));
		put_field(out, scaled_name(space, i));
		end_apply(out);
	}
	end_apply(out);
	end_apply(out);
}

/* ---- parts of the document ---- */

static void
put_fields(StringInfo out, const FeatureSpace *space)
{
	int			i;

	appendStringInfo(out, "  <DataDictionary numberOfFields=\"%d\">\n", space->n_features);
	for (i = 0; i < space->n_features; i++)
	{
		appendStringInfoString(out, "    <DataField name=");
		put_value(out, space->feature[i].name);
		appendStringInfoString(out, " optype=\"continuous\" dataType=\"double\"/>\n");
	}
	appendStringInfoString(out, "  </DataDictionary>\n");
}

static void
put_mining_schema(StringInfo out, const FeatureSpace *space)
{
	int			i;

	appendStringInfoString(out, "    <MiningSchema>\n");
	for (i = 0; i < space->n_features; i++)
	{
		appendStringInfoString(out, "      <MiningField name=");
		put_value(out, space->feature[i].name);
		if (space->nulls == NULLS_MEAN)
			appendStringInfo(out, " missingValueReplacement=\"%s\" missingValueTreatment=\"asMean\"/>\n",
							 segment_number_text(space->feature[i].fill));
		else
			appendStringInfoString(out, " missingValueTreatment=\"returnInvalid\"/>\n");
	}
	appendStringInfoString(out, "    </MiningSchema>\n");
}

static void
put_output(StringInfo out, const FeatureSpace *space)
{
	appendStringInfoString(out, "    <Output>\n      <OutputField name=");
	put_value(out, new_name(space, pstrdup("segment_id")));
	appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\" feature=\"predictedValue\"/>\n      <OutputField name=");
	put_value(out, new_name(space, pstrdup("segment")));
	appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\" feature=\"predictedDisplayValue\"/>\n    </Output>\n");
}

static void
begin_derived(StringInfo out, const char *name)
{
	appendStringInfoString(out, "      <DerivedField name=");
	put_value(out, name);
	appendStringInfoString(out, " optype=\"continuous\" dataType=\"double\">");
}

static void
end_derived(StringInfo out)
{
	appendStringInfoString(out, "</DerivedField>\n");
}

static void
put_transformations(StringInfo out, const FeatureSpace *space)
{
	char	   *length = new_name(space, pstrdup("length"));
	int			i;

	appendStringInfoString(out, "    <LocalTransformations>\n");
	for (i = 0; i < space->n_features; i++)
	{
		begin_derived(out, scaled_name(space, i));
		put_scaled(out, &space->feature[i]);
		end_derived(out);
	}
	if (space->metric == METRIC_COSINE)
	{
		begin_derived(out, length);
		put_length(out, space);
		end_derived(out);
		for (i = 0; i < space->n_features; i++)
		{
			begin_derived(out, direction_name(space, i));
			begin_apply(out, "/");
			put_field(out, scaled_name(space, i));
			put_field(out, length);
			end_apply(out);
			end_derived(out);
		}
	}
	appendStringInfoString(out, "    </LocalTransformations>\n"
						   "    <ComparisonMeasure kind=\"distance\"><squaredEuclidean/></ComparisonMeasure>\n");
	for (i = 0; i < space->n_features; i++)
	{
		appendStringInfoString(out, "    <ClusteringField field=");
		put_value(out, space->metric == METRIC_COSINE ? direction_name(space, i) : scaled_name(space, i));
		appendStringInfoString(out, " compareFunction=\"absDiff\"/>\n");
	}
}

static void
put_clusters(StringInfo out, const Model *model, const ClusterModel *cluster)
{
	const int	d = cluster->space->d;
	int			c;
	int			j;

	for (c = 0; c < model->n_segments; c++)
	{
		double		size = cluster->size[c];

		appendStringInfo(out, "    <Cluster id=\"%d\" name=", model->segment[c].id);
		put_value(out, model->segment[c].name);
		/* a sum of weights need not be a number of rows */
		if (size == floor(size) && size <= 9007199254740992.0)
			appendStringInfo(out, " size=\"" INT64_FORMAT "\"", (int64) size);
		appendStringInfo(out, "><Array n=\"%d\" type=\"real\">", d);
		for (j = 0; j < d; j++)
			appendStringInfo(out, "%s%s", j > 0 ? " " : "",
							 segment_number_text(cluster->centroids[(size_t) c * d + j]));
		appendStringInfoString(out, "</Array></Cluster>\n");
	}
}

Datum
segment_model_to_pmml(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	const ClusterModel *cluster = segment_cluster_of(model);
	const FeatureSpace *space = cluster->space;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" version=\"4.4\">\n"
						   "  <Header><Application name=\"segment\"/></Header>\n");
	put_fields(&out, space);
	appendStringInfo(&out, "  <ClusteringModel functionName=\"clustering\" algorithmName=\"%s\" modelClass=\"centerBased\" numberOfClusters=\"%d\">\n",
					 model->kind->name, model->n_segments);
	put_mining_schema(&out, space);
	put_output(&out, space);
	put_transformations(&out, space);
	put_clusters(&out, model, cluster);
	appendStringInfoString(&out, "  </ClusteringModel>\n</PMML>");
	PG_RETURN_XML_P((xmltype *) cstring_to_text_with_len(out.data, out.len));
}
