/*
 * toy_kind.c: two kinds of models that the extension does not know: one that predicts a number
 * and has no segments, and one with segments and next to nothing else.
 *
 * A module of its own, so it has nothing of the extension but its headers and the function
 * that registers kinds.
 */
#include "model/model.h"

#include <math.h>

#include "feature/feature_space.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(toy_register_again);

extern PGDLLEXPORT void _PG_init(void);

/* A member of the model's JSON that is a number. */
static double
number_of(const JsonPlace *json, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(json->value.val.binary.data, key, strlen(key),
													 NULL);

	if (value == NULL || value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid toy: %s must be a number", key)));
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
}

static void
one_feature(Model *model)
{
	model->n_features = 1;
	model->feature = palloc(sizeof(char *));
	model->feature[0] = pstrdup("x");
}

static void
no_metrics(const Model *model, StringInfo out)
{
}

/* ---- toy_line: intercept + slope x ---- */

typedef struct Line
{
	double		intercept;
	double		slope;
} Line;

static void
line_read(Model *model, const JsonPlace *json)
{
	Line	   *line = palloc(sizeof(Line));

	line->intercept = number_of(json, "intercept");
	line->slope = number_of(json, "slope");
	model->detail = line;
	one_feature(model);
}

static void
line_write(const Model *model, StringInfo out)
{
	const Line *line = model->detail;

	appendStringInfo(out, ", \"intercept\": %g, \"slope\": %g", line->intercept, line->slope);
}

static double
line_predict(const Model *model, const double *features)
{
	const Line *line = model->detail;

	return line->intercept + line->slope * features[0];
}

static const char *const line_keys[] = {"intercept", "slope", NULL};

static const ModelKind line_kind = {
	.name = "toy_line",
	.read = line_read,
	.write = line_write,
	.keys = line_keys,
	.metrics = no_metrics,
	.predict = line_predict
};

/* ---- toy_halves: below a cut, or not ---- */

typedef struct Halves
{
	double		cut;
	FeatureSpace space;			/* the feature as it is */
	SpaceFeature x;
} Halves;

static void
halves_read(Model *model, const JsonPlace *json)
{
	Halves	   *halves = palloc0(sizeof(Halves));

	halves->cut = number_of(json, "cut");
	model->detail = halves;
	one_feature(model);
	halves->x = (SpaceFeature) {
		.name = model->feature[0], .weight = 1, .lower = -HUGE_VAL, .upper = HUGE_VAL,
		.spread = 1, .deviation = 1, .factor = 1
	};
	halves->space = (FeatureSpace) {
		.n_features = 1, .d = 1, .scale = SCALE_NONE, .feature = &halves->x, .unit = 1
	};
}

static void
halves_write(const Model *model, StringInfo out)
{
	appendStringInfo(out, ", \"cut\": %g", ((const Halves *) model->detail)->cut);
}

static int
halves_assign(const Model *model, const double *features)
{
	/* missing is NaN */
	if (features[0] != features[0])
		return -1;
	return features[0] < ((const Halves *) model->detail)->cut ? 0 : 1;
}

static int
halves_assign_point(const Model *model, const double *x, const int32 *code)
{
	return halves_assign(model, x);
}

static void
halves_pmml(const Model *model, StringInfo out)
{
	appendStringInfo(out, "<Halves cut=\"%g\"/>", ((const Halves *) model->detail)->cut);
}

static const FeatureSpace *
halves_space(const Model *model)
{
	return &((const Halves *) model->detail)->space;
}

static const char *const halves_keys[] = {"cut", NULL};

static const ModelKind halves_kind = {
	.name = "toy_halves",
	.read = halves_read,
	.write = halves_write,
	.keys = halves_keys,
	.metrics = no_metrics,
	.assign = halves_assign,
	.space = halves_space,
	.assign_point = halves_assign_point,
	.pmml = halves_pmml
};

/* ---- to the extension ---- */

typedef void (*RegisterKind) (const ModelKind *kind);

static void
register_kind(const ModelKind *kind)
{
	RegisterKind function = (RegisterKind)
		load_external_function("$libdir/segment", "segment_register_model_kind", true, NULL);

	function(kind);
}

void
_PG_init(void)
{
	register_kind(&line_kind);
	register_kind(&halves_kind);
}

/* A name that is taken. */
Datum
toy_register_again(PG_FUNCTION_ARGS)
{
	register_kind(&line_kind);
	PG_RETURN_VOID();
}
