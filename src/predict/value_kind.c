/*
 * value_kind.c: models of what customers are worth: a model of buying and one of spending,
 * the lifetime value that follows from both, cut into tiers, and the probability of being
 * alive, cut into bands.  A segment is a tier in a band; who never bought has one of his own
 * (law 14).
 *
 * A value a billionth below a cut counts as on it, so that values that are equal but for
 * rounding are in the same tier (law 1), and so that rounding cannot move a customer to and fro
 * whose value is the cut.  Value and probability fall while nobody buys, so that the next
 * place can be found by bisection: for BG/NBD, MBG/NBD and Pareto/NBD the density of being
 * alive and buying within the horizon falls faster, relatively, than the likelihood of the
 * history, of which it is a share.
 *
 * Members of the JSON beside the common ones:
 *
 *	 horizon, discount, step	of the value, in the unit of t
 *	 tiers: {by, names, cuts}	from the best to the worst; cuts are values
 *	 bands: {names, cuts}		cuts are probabilities; null: none
 *	 sizes: training rows, by segment
 *	 buying: {kind, ...}, spending: {...}	as in models of these kinds
 */
#include "predict/value_model.h"

#include <math.h>

#include "base/json_write.h"
#include "base/memory.h"
#include "kernel/base/elementary.h"
#include "kernel/base/row_store.h"
#include "miscadmin.h"

/* as a share of a cut: equal but for rounding */
#define SAME 1e-9

const char *const segment_value_names[VALUE_FEATURES] = {"x", "t_x", "t", "mean_value"};
const char *const segment_value_methods[] = {"abc", "deciles", "thresholds", NULL};

/* An error for models of other kinds. */
const ValueModel *
segment_value_of(const Model *model)
{
	if (model->kind != &segment_value_kind)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("expected a model of kind \"%s\", got one of kind \"%s\"",
						segment_value_kind.name, model->kind->name),
				 errhint("Such models are made by customer_value().")));
	return model->detail;
}

/* ---- reading ---- */

static void
read_parts(ValueParts *parts, const JsonPlace *json, int most, double greatest)
{
	JsonPlace	place = segment_json_member(json, "names");
	JsonPlace  *elements = segment_json_elements(&place, &parts->n);
	int			n;
	int			i;

	if (parts->n < 1 || parts->n > most)
		segment_json_error(&place, psprintf("expected 1 to %d names, got %d", most, parts->n));
	parts->name = palloc(sizeof(char *) * parts->n);
	for (i = 0; i < parts->n; i++)
		parts->name[i] = segment_json_string(&elements[i]);
	place = segment_json_member(json, "cuts");
	elements = segment_json_elements(&place, &n);
	if (n != parts->n - 1)
		segment_json_error(&place, psprintf("expected %d cuts, got %d", parts->n - 1, n));
	parts->cut = palloc(sizeof(double) * parts->n);
	for (i = 0; i < n; i++)
	{
		parts->cut[i] = segment_json_number(&elements[i], 0, greatest);
		if (i > 0 && parts->cut[i] > parts->cut[i - 1])
			segment_json_error(&place, "the cuts do not descend");
	}
}

static void
read_fits(ValueModel *value, const JsonPlace *json)
{
	static const char *const fit_keys[] = {
		"kind", "parameters", "standard_errors", "log_likelihood", "steps", "converged", NULL
	};
	JsonPlace	part = segment_json_member(json, "buying");
	JsonPlace	place = segment_json_member(&part, "kind");
	char	   *name = segment_json_string(&place);
	int			i;

	segment_json_check_keys(&part, fit_keys);
	for (i = 0; i < SEGMENT_BGBB; i++)
		if (strcmp(segment_buying_kinds[i].name, name) == 0)
			break;
	if (i == SEGMENT_BGBB)
		segment_json_error(&place, psprintf("unknown model of buying \"%s\"", name));
	segment_buying_init(&value->buying, i);
	segment_buying_read_fit(&value->buying, &part);
	value->buying.horizon = value->horizon;
	part = segment_json_member(json, "spending");
	segment_json_check_keys(&part, fit_keys + 1);
	segment_buying_init(&value->spending, SEGMENT_GAMMA_GAMMA);
	segment_buying_read_fit(&value->spending, &part);
}

static void
value_read(Model *model, const JsonPlace *json)
{
	static const char *const tier_keys[] = {"by", "names", "cuts", NULL};
	ValueModel *value = palloc0(sizeof(ValueModel));
	JsonPlace	place;
	JsonPlace	part;
	JsonPlace  *elements;
	int			n;
	int			i;

	model->detail = value;
	model->n_features = VALUE_FEATURES;
	model->feature = (char **) segment_value_names;
	value->horizon = segment_json_member_number(json, "horizon", 0, 1e9);
	value->discount = segment_json_member_number(json, "discount", 0, 1e9);
	place = segment_json_member(json, "step");
	value->step = segment_json_number(&place, 0, 1e15);
	if (!(value->step > 0 && value->horizon / value->step <= 100000))
		segment_json_error(&place, "expected at least 1/100000 of the horizon");
	part = segment_json_member(json, "tiers");
	segment_json_check_keys(&part, tier_keys);
	for (n = 0; segment_value_methods[n] != NULL;)
		n++;
	place = segment_json_member(&part, "by");
	value->by = segment_json_one_of(&place, (char *const *) segment_value_methods, n, "way to tiers");
	read_parts(&value->tiers, &part, VALUE_MOST_TIERS, HUGE_VAL);
	part = segment_json_member(json, "bands");
	if (!segment_json_is_null(&part))
	{
		segment_json_check_keys(&part, tier_keys + 1);
		read_parts(&value->bands, &part, VALUE_MOST_BANDS, 1);
	}
	read_fits(value, json);
	if (model->n_segments != value_n_segments(value))
		segment_json_error(json, psprintf("expected %d segments, got %d", value_n_segments(value),
										  model->n_segments));
	place = segment_json_member(json, "sizes");
	elements = segment_json_elements(&place, &n);
	if (n != model->n_segments)
		segment_json_error(&place, psprintf("expected %d sizes, got %d", model->n_segments, n));
	value->size = palloc(sizeof(double) * n);
	for (i = 0; i < n; i++)
		value->size[i] = segment_json_number(&elements[i], 0, HUGE_VAL);
}

/* ---- writing ---- */

static void
put_parts(const ValueParts *parts, StringInfo out)
{
	int			i;

	appendStringInfoString(out, "\"names\": [");
	for (i = 0; i < parts->n; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : "");
		segment_json_put_string(out, parts->name[i]);
	}
	appendStringInfoString(out, "], \"cuts\": [");
	for (i = 0; i < parts->n - 1; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : "");
		segment_json_put_number(out, parts->cut[i]);
	}
	appendStringInfoString(out, "]}");
}

static void
value_metrics(const Model *model, StringInfo out)
{
	const ValueModel *value = model->detail;

	appendStringInfoString(out, ", \"horizon\": ");
	segment_json_put_number(out, value->horizon);
	appendStringInfoString(out, ", \"discount\": ");
	segment_json_put_number(out, value->discount);
	appendStringInfoString(out, ", \"step\": ");
	segment_json_put_number(out, value->step);
	appendStringInfo(out, ", \"tiers\": {\"by\": \"%s\", ", segment_value_methods[value->by]);
	put_parts(&value->tiers, out);
	appendStringInfoString(out, ", \"bands\": ");
	if (value->bands.n > 0)
	{
		appendStringInfoChar(out, '{');
		put_parts(&value->bands, out);
	}
	else
		appendStringInfoString(out, "null");
	appendStringInfo(out, ", \"buying\": {\"kind\": \"%s\", ",
					 segment_buying_kinds[value->buying.model].name);
	segment_buying_put_fit(&value->buying, out);
	appendStringInfoString(out, "}, \"spending\": {");
	segment_buying_put_fit(&value->spending, out);
	appendStringInfoChar(out, '}');
}

static void
value_write(const Model *model, StringInfo out)
{
	const ValueModel *value = model->detail;
	int			i;

	value_metrics(model, out);
	appendStringInfoString(out, ", \"sizes\": [");
	for (i = 0; i < model->n_segments; i++)
	{
		appendStringInfoString(out, i > 0 ? ", " : "");
		segment_json_put_number(out, value->size[i]);
	}
	appendStringInfoChar(out, ']');
}

/* ---- placing ---- */

static SegmentHistory
history_of(const double *features)
{
	SegmentHistory history = {features[0], features[1], features[2], 1};

	return history;
}

/*
 * Whether a row is a history, with a mean where it needs one.  That may be 0: who comes back for
 * what is free tells spending models nothing, but is expected to spend little.
 */
bool
segment_value_valid(const ValueModel *value, const double *features)
{
	return segment_history_valid(value->buying.model, features[0], features[1], features[2]) &&
		(features[0] == 0 || (features[3] >= 0 && features[3] < HUGE_VAL));
}

static double
value_of_purchase(const ValueModel *value, const double *features)
{
	return segment_spending_expected(value->spending.parameter, features[0],
									 features[0] == 0 ? 0 : features[3]);
}

/* The lifetime value of a row; NaN where it is no history, or a mean is missing that is needed. */
double
segment_value_figure(const ValueModel *value, const double *features)
{
	SegmentHistory history = history_of(features);

	if (!segment_value_valid(value, features))
		return segment_missing_value();
	return value_of_purchase(value, features) *
		segment_buying_discounted(&value->buying, &history, value->horizon, value->discount, value->step);
}

/* The least figure that is still above a cut. */
static inline double
least_above(double cut)
{
	return cut * (1 - SAME);
}

static int
part_of(const ValueParts *parts, double figure)
{
	int			part = 0;

	while (part < parts->n - 1 && figure < least_above(parts->cut[part]))
		part++;
	return part;
}

/* Where a row is; false: nowhere.  Not for who never bought. */
bool
segment_value_place(const ValueModel *value, const double *features, ValuePlace *place)
{
	SegmentHistory history = history_of(features);

	place->value = segment_value_figure(value, features);
	if (!isfinite(place->value))
		return false;
	place->alive = segment_buying_alive(value->buying.model, value->buying.parameter, &history);
	place->tier = part_of(&value->tiers, place->value);
	place->band = value->bands.n > 0 ? part_of(&value->bands, place->alive) : 0;
	return true;
}

/* What a cut is compared with: the probability of being alive, or the value; after more time. */
static double
figure_then(const ValueModel *value, const double *features, bool alive, double time)
{
	double		then[VALUE_FEATURES];
	SegmentHistory history;

	CHECK_FOR_INTERRUPTS();
	memcpy(then, features, sizeof(then));
	then[2] += time;
	history = history_of(then);
	return alive ? segment_buying_alive(value->buying.model, value->buying.parameter, &history)
		: segment_value_figure(value, then);
}

/*
 * The first whole time after which a figure that is above a bound now is below it; HUGE_VAL:
 * not within `most`.  The figures fall about as powers of time, so that a line through their
 * logarithms, by that of time, is near them: the rule of the false position (the Illinois
 * variant), with a halving now and then for what is not like that.
 */
static double
falls_below(const ValueModel *value, const double *features, bool alive, double bound, double most)
{
	const double least = 1e-300;	/* whose logarithm there is */
	double		scale = features[2] + 1;
	double		low = 0;
	double		high = Min(most, 16);
	double		figure;
	double		at_low = segment_log(Max(figure_then(value, features, alive, low) / bound, 1));
	double		at_high;
	int			side = 0;
	int			i;

	while (!((figure = figure_then(value, features, alive, high)) < bound))
	{
		if (high >= most)
			return HUGE_VAL;
		low = high;
		at_low = segment_log(Max(figure / bound, 1));
		high = Min(most, 16 * high);
	}
	at_high = segment_log(Max(figure / bound, least));
	for (i = 1; high - low > 1; i++)
	{
		double		share = i % 3 == 0 ? 0.5 : at_low / (at_low - at_high);
		double		u_low = segment_log1p(low / scale);
		double		u_high = segment_log1p(high / scale);
		double		time = floor(scale * segment_expm1(u_low + (u_high - u_low) * share));

		time = Max(low + 1, Min(high - 1, time));
		figure = figure_then(value, features, alive, time);
		if (figure < bound)
		{
			high = time;
			at_high = segment_log(Max(figure / bound, least));
			at_low /= side < 0 ? 2 : 1;
			side = -1;
		}
		else
		{
			low = time;
			at_low = segment_log(Max(figure / bound, 1));
			at_high /= side > 0 ? 2 : 1;
			side = 1;
		}
	}
	return high;
}

/*
 * After how many whole units of time without a purchase a row is in another place, and in
 * which; HUGE_VAL: not within `most` units, or the row has no place.
 */
double
segment_value_next(const ValueModel *value, const double *features, double most, ValuePlace *next)
{
	double		then[VALUE_FEATURES];
	double		time = HUGE_VAL;
	ValuePlace	place;

	if (segment_is_missing(features[0]) || !segment_value_place(value, features, &place))
		return HUGE_VAL;
	if (place.band < value->bands.n - 1)
		time = falls_below(value, features, true, least_above(value->bands.cut[place.band]), most);
	if (place.tier < value->tiers.n - 1)
		time = Min(time, falls_below(value, features, false, least_above(value->tiers.cut[place.tier]),
									 Min(time, most)));
	if (isinf(time))
		return HUGE_VAL;
	memcpy(then, features, sizeof(then));
	then[2] += time;
	(void) segment_value_place(value, then, next);
	return time;
}

static int
value_assign(const Model *model, const double *features)
{
	const ValueModel *value = model->detail;
	ValuePlace	place;

	if (segment_is_missing(features[0]))
		return model->n_segments - 1;
	return segment_value_place(value, features, &place)
		? value_segment(value, place.tier, place.band) : -1;
}

static double
value_predict(const Model *model, const double *features)
{
	double		figure = segment_value_figure(model->detail, features);

	return isfinite(figure) ? figure : segment_missing_value();
}

static double
value_size(const Model *model, int segment)
{
	return ((const ValueModel *) model->detail)->size[segment];
}

/* ---- explaining ---- */

static void
explain_part(const ValueParts *parts, const char *name, double figure, int part, StringInfo out)
{
	appendStringInfo(out, "{\"feature\": \"%s\", \"value\": ", name);
	segment_json_put_number(out, figure);
	appendStringInfoString(out, ", \"part\": ");
	segment_json_put_string(out, parts->name[part]);
	appendStringInfoString(out, ", \"from\": ");
	segment_json_put_number_or_null(out, part < parts->n - 1 ? parts->cut[part] : segment_missing_value());
	appendStringInfoString(out, ", \"to\": ");
	segment_json_put_number_or_null(out, part > 0 ? parts->cut[part - 1] : segment_missing_value());
	appendStringInfoChar(out, '}');
}

/*
 * The value between its cuts and the probability between its own, what the value is made of,
 * and the segment that time alone leads to, after so many whole units of it.
 */
static void
value_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	const ValueModel *value = model->detail;
	SegmentHistory history = history_of(features);
	const double most = 1e7;
	double		wait;
	ValuePlace	place;
	ValuePlace	next;

	if (segment_is_missing(features[0]) || segment < 0)
	{
		appendStringInfo(out, ", \"reason\": \"%s\"",
						 segment >= 0 ? "no purchases"
						 : segment_history_valid(value->buying.model, history.x, history.last, history.length)
						 ? "mean_value is missing or below 0" : "no history of purchases");
		return;
	}
	(void) segment_value_place(value, features, &place);
	appendStringInfoString(out, ", \"expected_purchases\": ");
	segment_json_put_number(out, segment_buying_expected(value->buying.model, value->buying.parameter,
														 &history, value->horizon, segment_check_interrupts));
	appendStringInfoString(out, ", \"expected_value\": ");
	segment_json_put_number(out, value_of_purchase(value, features));
	appendStringInfoString(out, ", \"features\": [");
	explain_part(&value->tiers, "lifetime_value", place.value, place.tier, out);
	if (value->bands.n > 0)
	{
		appendStringInfoString(out, ", ");
		explain_part(&value->bands, "probability_alive", place.alive, place.band, out);
	}
	wait = segment_value_next(value, features, most, &next);
	appendStringInfoString(out, "], \"runner_up\": ");
	if (isinf(wait))
	{
		appendStringInfoString(out, "null");
		return;
	}
	segment_json_put_string(out, model->segment[value_segment(value, next.tier, next.band)].name);
	appendStringInfoString(out, ", \"runner_up_after\": ");
	segment_json_put_number(out, wait);
}

static const char *const value_keys[] = {
	"horizon", "discount", "step", "tiers", "bands", "sizes", "buying", "spending", NULL
};

const ModelKind segment_value_kind = {
	.name = "customer_value",
	.read = value_read,
	.write = value_write,
	.keys = value_keys,
	.metrics = value_metrics,
	.predict = value_predict,
	.assign = value_assign,
	.explain = value_explain,
	.size = value_size
};
