/*
 * pmml_regression.c: linear and logistic regressions as PMML: a RegressionModel.
 *
 * A linear one is a table with the intercept and the coefficients.  A logistic one tells two
 * values of the target apart, by a table each: the one of the positive label, and one of nothing
 * but an intercept of 0, so that the method "logit" gives the first the probability that the
 * model gives it.  What the other value is called, the model does not know where the label has
 * been told from all others: false for true, 0 for 1, else "not " and the label.
 *
 * A coefficient of 0 adds nothing and is left out, as is one that the model has none for.
 * Categories that training met are listed as the valid ones: with any other, as with a missing
 * value, there is no prediction, as the model has none.
 */
#include "predict/regression.h"

#include "base/json_write.h"
#include "interop/pmml.h"

static const char *
positive_of(const Regression *regression)
{
	return regression->positive == NULL ? "1" : regression->positive;
}

static const char *
negative_of(const Regression *regression)
{
	const char *positive = positive_of(regression);

	if (strcmp(positive, "1") == 0)
		return "0";
	if (strcmp(positive, "true") == 0)
		return "false";
	if (strcmp(positive, "false") == 0)
		return "true";
	return psprintf("not %s", positive);
}

static void
put_value(StringInfo out, const char *value)
{
	appendStringInfoString(out, "<Value value=");
	segment_pmml_value(out, value);
	appendStringInfoString(out, "/>");
}

static void
begin_field(StringInfo out, const char *name)
{
	appendStringInfoString(out, "    <DataField name=");
	segment_pmml_value(out, name);
}

static void
put_fields(StringInfo out, const Model *model)
{
	const Regression *regression = model->detail;
	int			f;
	int			c;

	appendStringInfo(out, "  <DataDictionary numberOfFields=\"%d\">\n", model->n_features + 1);
	begin_field(out, regression->target);
	if (segment_is_logistic(model))
	{
		appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\">");
		put_value(out, positive_of(regression));
		put_value(out, negative_of(regression));
		appendStringInfoString(out, "</DataField>\n");
	}
	else
		appendStringInfoString(out, " optype=\"continuous\" dataType=\"double\"/>\n");
	for (f = 0; f < model->n_features; f++)
	{
		begin_field(out, model->feature[f]);
		if (model->categories[f].n == 0)
		{
			appendStringInfoString(out, " optype=\"continuous\" dataType=\"double\"/>\n");
			continue;
		}
		appendStringInfoString(out, " optype=\"categorical\" dataType=\"string\">");
		for (c = 0; c < model->categories[f].n; c++)
			put_value(out, model->categories[f].name[c]);
		appendStringInfoString(out, "</DataField>\n");
	}
	appendStringInfoString(out, "  </DataDictionary>\n");
}

static void
put_schema(StringInfo out, const Model *model)
{
	const Regression *regression = model->detail;
	FeatureSpace *names = segment_pmml_names(model, regression->target);
	int			f;

	appendStringInfoString(out, "    <MiningSchema>\n      <MiningField name=");
	segment_pmml_value(out, regression->target);
	appendStringInfoString(out, " usageType=\"target\"/>\n");
	for (f = 0; f < model->n_features; f++)
	{
		appendStringInfoString(out, "      <MiningField name=");
		segment_pmml_value(out, model->feature[f]);
		appendStringInfoString(out, " missingValueTreatment=\"returnInvalid\" invalidValueTreatment=\"returnInvalid\"/>\n");
	}
	appendStringInfoString(out, "    </MiningSchema>\n    <Output>\n      <OutputField name=");
	segment_pmml_value(out, segment_pmml_new_name(names, pstrdup("prediction")));
	appendStringInfoString(out, " optype=\"continuous\" dataType=\"double\" feature=");
	if (segment_is_logistic(model))
	{
		appendStringInfoString(out, "\"probability\" value=");
		segment_pmml_value(out, positive_of(regression));
	}
	else
		appendStringInfoString(out, "\"predictedValue\"");
	appendStringInfoString(out, "/>\n    </Output>\n");
}

static inline bool
counts(double coefficient)
{
	return !segment_is_missing(coefficient) && coefficient != 0;
}

static void
put_coefficient(StringInfo out, double coefficient)
{
	appendStringInfo(out, " coefficient=\"%s\"/>\n", segment_number_text(coefficient));
}

/* Numbers go before categories. */
static void
put_predictors(StringInfo out, const Model *model)
{
	const Regression *regression = model->detail;
	int			f;
	int			c;

	for (f = 0; f < model->n_features; f++)
	{
		double		coefficient = regression->feature[f].term[0].coefficient;

		if (model->categories[f].n > 0 || !counts(coefficient))
			continue;
		appendStringInfoString(out, "      <NumericPredictor name=");
		segment_pmml_value(out, model->feature[f]);
		put_coefficient(out, coefficient);
	}
	for (f = 0; f < model->n_features; f++)
		for (c = 0; c < model->categories[f].n; c++)
		{
			double		coefficient = regression->feature[f].term[c].coefficient;

			if (!counts(coefficient))
				continue;
			appendStringInfoString(out, "      <CategoricalPredictor name=");
			segment_pmml_value(out, model->feature[f]);
			appendStringInfoString(out, " value=");
			segment_pmml_value(out, model->categories[f].name[c]);
			put_coefficient(out, coefficient);
		}
}

void
segment_regression_pmml(const Model *model, StringInfo out)
{
	const Regression *regression = model->detail;
	bool		logistic = segment_is_logistic(model);
	double		intercept = regression->has_intercept && counts(regression->intercept.coefficient)
		? regression->intercept.coefficient : 0;

	put_fields(out, model);
	appendStringInfo(out, "  <RegressionModel functionName=\"%s\" algorithmName=\"%s\" normalizationMethod=\"%s\">\n",
					 logistic ? "classification" : "regression", model->kind->name,
					 logistic ? "logit" : "none");
	put_schema(out, model);
	appendStringInfo(out, "    <RegressionTable intercept=\"%s\"", segment_number_text(intercept));
	if (logistic)
	{
		appendStringInfoString(out, " targetCategory=");
		segment_pmml_value(out, positive_of(regression));
	}
	appendStringInfoString(out, ">\n");
	put_predictors(out, model);
	appendStringInfoString(out, "    </RegressionTable>\n");
	if (logistic)
	{
		appendStringInfoString(out, "    <RegressionTable intercept=\"0\" targetCategory=");
		segment_pmml_value(out, negative_of(regression));
		appendStringInfoString(out, "/>\n");
	}
	appendStringInfoString(out, "  </RegressionModel>\n");
}
