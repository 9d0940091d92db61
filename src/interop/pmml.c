/*
 * pmml.c: models as PMML 4.4, which other programs read.
 *
 * PMML (Predictive Model Markup Language, Data Mining Group 2019) describes a model
 * and what goes before it.  How a model is described, its kind says (model.h):
 *
 *	kmeans, kprototypes	centers (pmml_centers.c)
 *	bisecting_kmeans	a tree, as a row goes down from split to split (pmml_tree.c): the
 *						nearest of all centroids may be one that it does not get to
 *	rule_tree			a tree, of its own conditions (pmml_rule_tree.c), which say themselves where
 *						missing values go
 *	linear_regression, logistic_regression	tables of coefficients (pmml_regression.c)
 *
 * Missing values are invalid where the model skips them, else the mean, or the commonest
 * category, stands in.  What PMML has no word for: infinite values are missing here, and a row
 * where all features are missing has no segment; and mixtures of normal distributions, which
 * its clusters by distribution cannot express.
 */
#include "model/model.h"

#include "utils/builtins.h"
#include "utils/xml.h"

PG_FUNCTION_INFO_V1(segment_model_to_pmml);

Datum
segment_model_to_pmml(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	StringInfoData out;

	if (model->kind->pmml == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a model of kind \"%s\" cannot be written as PMML", model->kind->name),
				 errhint("Models by %s can. Any model's JSON holds all that is needed to place a row.",
						 segment_kinds_with(offsetof(ModelKind, pmml)))));
	initStringInfo(&out);
	appendStringInfoString(&out, "<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" version=\"4.4\">\n"
						   "  <Header><Application name=\"segment\"/></Header>\n");
	model->kind->pmml(model, &out);
	appendStringInfoString(&out, "</PMML>");
	PG_RETURN_XML_P((xmltype *) cstring_to_text_with_len(out.data, out.len));
}
