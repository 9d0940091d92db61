/*
 * explain.c: what the kinds of models that come from clustering share: how they were
 * trained, as JSON; explaining a number and the runner-up; what is typical.
 */
#include "model/explain.h"

#include <math.h>

#include "base/json_write.h"

/* ---- training ---- */

static int
read_count(const JsonPlace *json, const char *key)
{
	JsonPlace	place = segment_json_member(json, key);

	return (int) segment_json_integer(&place, 0, PG_INT32_MAX);
}

ModelTraining
segment_training_read(const JsonPlace *json)
{
	ModelTraining training;
	JsonPlace	place = segment_json_member(json, "seed");

	training.seed = (uint64) segment_json_integer(&place, PG_INT64_MIN, PG_INT64_MAX);
	training.n_init = read_count(json, "n_init");
	training.iterations = read_count(json, "iterations");
	place = segment_json_member(json, "converged");
	training.converged = segment_json_boolean(&place);
	return training;
}

void
segment_training_write(const ModelTraining *training, StringInfo out)
{
	appendStringInfo(out,
					 ", \"seed\": " INT64_FORMAT ", \"n_init\": %d, \"iterations\": %d, \"converged\": %s",
					 (int64) training->seed, training->n_init, training->iterations,
					 training->converged ? "true" : "false");
}

/* ---- explaining ---- */

/*
 * The segment with the least distance but one, the lowest number among equals; -1:
 * there is none.
 */
int
segment_runner_up(const double *distance, int k, int segment)
{
	double		least = HUGE_VAL;
	int			result = -1;
	int			c;

	for (c = 0; c < k; c++)
		if (c != segment && distance[c] < least)
		{
			least = distance[c];
			result = c;
		}
	return result;
}

/*
 * A number: its value, what is typical of a segment, the difference in standard
 * deviations of all.
 */
void
segment_explain_number(const SpaceFeature *feature, double value, double coordinate, double center,
					   StringInfo out)
{
	appendStringInfoString(out, ", \"value\": ");
	segment_json_put_number_or_null(out, value);
	appendStringInfoString(out, ", \"typical\": ");
	segment_json_put_number_or_null(out, segment_space_original(feature, center));
	appendStringInfoString(out, ", \"deviations\": ");
	segment_json_put_number_or_null(out, feature->deviation > 0
									? (coordinate - center) / feature->factor / feature->deviation
									: segment_missing_value());
}

/* Where the row would else be, and a figure of that; segment -1: nowhere. */
void
segment_explain_runner_up(const Model *model, int segment, const char *figure, double x,
						  StringInfo out)
{
	appendStringInfoString(out, ", \"runner_up\": ");
	if (segment < 0)
	{
		appendStringInfoString(out, "null");
		return;
	}
	segment_json_put_string(out, model->segment[segment].name);
	appendStringInfo(out, ", \"runner_up_%s\": ", figure);
	segment_json_put_number_or_null(out, x);
}

/* ---- describing ---- */

void
segment_typical_number(const SpaceFeature *feature, double coordinate, ModelTypical *typical)
{
	typical->category = NULL;
	typical->coordinate = coordinate;
	typical->value = typical->position = segment_space_original(feature, coordinate);
	typical->z = feature->deviation > 0
		? (coordinate / feature->factor + feature->center - feature->mean) / feature->deviation
		: segment_missing_value();
}
