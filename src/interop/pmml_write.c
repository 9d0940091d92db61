/*
 * pmml_write.c: pieces of PMML that all models share: names, expressions, fields, and the way
 * from features to coordinates (feature_space.c), which becomes derived fields with
 * the same operations in the same order:
 *
 *	 scaled(x)	  ((clip(f(x)) - center) * factor)
 *	 length, direction(x)	with the metric "cosine": its part of a length of 1
 *
 * A reader that calculates in double precision gets the same bits.
 */
#include "interop/pmml.h"

#include <math.h>

#include "base/json_write.h"

/* Text as the value of an attribute, quotes included. */
void
segment_pmml_value(StringInfo out, const char *text)
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
							 errmsg("a name or category of the model has the control character %d, which XML cannot express", *text),
							 errhint("rename_segment() gives a segment another name.")));
				appendStringInfoChar(out, *text);
		}
	}
	appendStringInfoChar(out, '"');
}

/* A name for something that is no feature: as wished, with as many "_" as it takes to be new. */
char *
segment_pmml_new_name(const FeatureSpace *space, char *name)
{
	int			i;

	for (i = 0; i < space->n_features; i++)
		if (strcmp(space->feature[i].name, name) == 0)
			return segment_pmml_new_name(space, psprintf("%s_", name));
	return name;
}

/*
 * What the shared pieces want to know of a model without a space: names, and which are categories.
 * Behind them, where it has one, that of what it predicts.
 */
FeatureSpace *
segment_pmml_names(const Model *model, char *target)
{
	FeatureSpace *space = palloc0(sizeof(FeatureSpace));
	int			i;

	space->n_features = model->n_features;
	space->feature = palloc0(sizeof(SpaceFeature) * (model->n_features + 1));
	for (i = 0; i < model->n_features; i++)
	{
		space->feature[i].name = model->feature[i];
		space->feature[i].category = model->categories[i].n > 0 ? model->categories[i].name : NULL;
		space->feature[i].n_categories = model->categories[i].n;
	}
	if (target != NULL)
		space->feature[space->n_features++].name = target;
	return space;
}

static char *
scaled_name(const FeatureSpace *space, int feature)
{
	return segment_pmml_new_name(space, psprintf("scaled(%s)", space->feature[feature].name));
}

static char *
direction_name(const FeatureSpace *space, int feature)
{
	return segment_pmml_new_name(space, psprintf("direction(%s)", space->feature[feature].name));
}

/* The derived field with the coordinate of a numeric feature. */
char *
segment_pmml_coordinate(const FeatureSpace *space, int feature)
{
	return space->metric == METRIC_COSINE ? direction_name(space, feature) : scaled_name(space, feature);
}

/* An attribute with a number of rows; a sum of weights need not be one, and is left out. */
void
segment_pmml_count(StringInfo out, const char *attribute, double size)
{
	if (size == floor(size) && size <= 9007199254740992.0)
		appendStringInfo(out, " %s=\"" INT64_FORMAT "\"", attribute, (int64) size);
}

/* ---- expressions ---- */

void
segment_pmml_field(StringInfo out, const char *name)
{
	appendStringInfoString(out, "<FieldRef field=");
	segment_pmml_value(out, name);
	appendStringInfoString(out, "/>");
}

void
segment_pmml_constant(StringInfo out, double x)
{
	appendStringInfo(out, "<Constant dataType=\"double\">%s</Constant>", segment_number_text(x));
}

void
segment_pmml_begin_apply(StringInfo out, const char *function)
{
	appendStringInfo(out, "<Apply function=\"%s\">", function);
}

void
segment_pmml_end_apply(StringInfo out)
{
	appendStringInfoString(out, "</Apply>");
}

/* sign(x) ln(1 + |x|) */
static void
put_log(StringInfo out, const char *name)
{
	segment_pmml_begin_apply(out, "if");
	segment_pmml_begin_apply(out, "lessThan");
	segment_pmml_field(out, name);
	segment_pmml_constant(out, 0);
	segment_pmml_end_apply(out);
	segment_pmml_begin_apply(out, "-");
	segment_pmml_constant(out, 0);
	segment_pmml_begin_apply(out, "ln1p");
	segment_pmml_begin_apply(out, "-");
	segment_pmml_constant(out, 0);
	segment_pmml_field(out, name);
	segment_pmml_end_apply(out);
	segment_pmml_end_apply(out);
	segment_pmml_end_apply(out);
	segment_pmml_begin_apply(out, "ln1p");
	segment_pmml_field(out, name);
	segment_pmml_end_apply(out);
	segment_pmml_end_apply(out);
}

static void
put_scaled(StringInfo out, const SpaceFeature *feature)
{
	segment_pmml_begin_apply(out, "*");
	segment_pmml_begin_apply(out, "-");
	if (!isinf(feature->upper))
		segment_pmml_begin_apply(out, "min");
	if (!isinf(feature->lower))
		segment_pmml_begin_apply(out, "max");
	if (feature->log)
		put_log(out, feature->name);
	else
		segment_pmml_field(out, feature->name);
	if (!isinf(feature->lower))
	{
		segment_pmml_constant(out, feature->lower);
		segment_pmml_end_apply(out);
	}
	if (!isinf(feature->upper))
	{
		segment_pmml_constant(out, feature->upper);
		segment_pmml_end_apply(out);
	}
	segment_pmml_constant(out, feature->center);
	segment_pmml_end_apply(out);
	segment_pmml_constant(out, feature->factor);
	segment_pmml_end_apply(out);
}

static void
put_length(StringInfo out, const FeatureSpace *space)
{
	int			i;

	segment_pmml_begin_apply(out, "sqrt");
	segment_pmml_begin_apply(out, "sum");
	for (i = 0; i < space->n_features; i++)
	{
		segment_pmml_begin_apply(out, "*");
		segment_pmml_field(out, scaled_name(space, i));
		segment_pmml_field(out, scaled_name(space, i));
		segment_pmml_end_apply(out);
	}
	segment_pmml_end_apply(out);
	segment_pmml_end_apply(out);
}

/* ---- parts of the document ---- */

void
segment_pmml_data_field(StringInfo out, const SpaceFeature *feature)
{
	appendStringInfoString(out, "    <DataField name=");
	segment_pmml_value(out, feature->name);
	appendStringInfoString(out, feature->category == NULL ? " optype=\"continuous\" dataType=\"double\"/>\n"
						   : " optype=\"categorical\" dataType=\"string\"/>\n");
}

void
segment_pmml_mining_fields(StringInfo out, const FeatureSpace *space)
{
	int			i;

	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		appendStringInfoString(out, "      <MiningField name=");
		segment_pmml_value(out, feature->name);
		if (space->nulls == NULLS_SKIP)
		{
			appendStringInfoString(out, " missingValueTreatment=\"returnInvalid\"/>\n");
			continue;
		}
		appendStringInfoString(out, " missingValueReplacement=");
		segment_pmml_value(out, feature->category == NULL ? segment_number_text(feature->fill)
						   : feature->category[(int) feature->fill]);
		appendStringInfo(out, " missingValueTreatment=\"%s\"/>\n", feature->category == NULL ? "asMean" : "asMode");
	}
}

void
segment_pmml_output(StringInfo out, const FeatureSpace *space)
{
	appendStringInfoString(out, "    <Output>\n      <OutputField name=");
	segment_pmml_value(out, segment_pmml_new_name(space, pstrdup("segment_id")));
	appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\" feature=\"predictedValue\"/>\n      <OutputField name=");
	segment_pmml_value(out, segment_pmml_new_name(space, pstrdup("segment")));
	appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\" feature=\"predictedDisplayValue\"/>\n    </Output>\n");
}

void
segment_pmml_begin_derived(StringInfo out, const char *name)
{
	appendStringInfoString(out, "      <DerivedField name=");
	segment_pmml_value(out, name);
	appendStringInfoString(out, " optype=\"continuous\" dataType=\"double\">");
}

void
segment_pmml_end_derived(StringInfo out)
{
	appendStringInfoString(out, "</DerivedField>\n");
}

/* The coordinates of the numeric features, as derived fields. */
void
segment_pmml_coordinates(StringInfo out, const FeatureSpace *space)
{
	char	   *length = segment_pmml_new_name(space, pstrdup("length"));
	int			i;

	for (i = 0; i < space->n_features; i++)
	{
		if (space->feature[i].category != NULL)
			continue;
		segment_pmml_begin_derived(out, scaled_name(space, i));
		put_scaled(out, &space->feature[i]);
		segment_pmml_end_derived(out);
	}
	if (space->metric != METRIC_COSINE)
		return;
	segment_pmml_begin_derived(out, length);
	put_length(out, space);
	segment_pmml_end_derived(out);
	for (i = 0; i < space->n_features; i++)
	{
		segment_pmml_begin_derived(out, direction_name(space, i));
		segment_pmml_begin_apply(out, "/");
		segment_pmml_field(out, scaled_name(space, i));
		segment_pmml_field(out, length);
		segment_pmml_end_apply(out);
		segment_pmml_end_derived(out);
	}
}
