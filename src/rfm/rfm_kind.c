/*
 * rfm_kind.c: RFM models: recency, frequency, monetary value and, where the
 * scheme asks for it, tenure (days since the first order), each cut into bins,
 * and a table from the scores to a segment.
 *
 * A score counts the cuts a value has passed; equal values get equal scores
 * (law 1).  Recency is turned round: few days since the last order is good.
 * Members of the JSON beside the common ones:
 *
 *	 cuts, scheme, bins, lowest_score
 *	 features: [{name, closed ("right": a value on a cut is below it; "left":
 *			   above), min, max, cuts, counts (training rows by score)}]
 *	 no_orders: id of the segment of customers without orders
 *	 cells: ids of segments, for r, f, m (and tenure) from the lowest score, the last fastest
 */
#include "rfm/rfm.h"

#include "base/json_write.h"
#include "kernel/base/row_store.h"

const char *const segment_rfm_feature_names[RFM_MAX_FEATURES] = {
	"recency", "frequency", "monetary", "tenure"
};

const Rfm *
segment_rfm_of(const Model *model)
{
	if (model->kind != &segment_rfm_model_kind)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("expected a model of kind \"rfm\", got one of kind \"%s\"",
						model->kind->name),
				 errhint("Scores and cut points exist for models made by rfm_model only.")));
	return model->detail;
}

/* '555'; with scores of two digits '10-9-10', so that codes stay unambiguous. */
void
segment_rfm_code(const Rfm *rfm, int r, int f, int m, char *code)
{
	r += rfm->lowest_score;
	f += rfm->lowest_score;
	m += rfm->lowest_score;
	snprintf(code, RFM_CODE_SIZE,
			 rfm->lowest_score + rfm->bins - 1 > 9 ? "%d-%d-%d" : "%d%d%d", r, f, m);
}

/* ---- reading ---- */

static double
read_extreme(const JsonPlace *feature, const char *key)
{
	JsonPlace	place = segment_json_member(feature, key);

	return segment_json_is_null(&place) ? segment_missing_value() : segment_json_double(&place);
}

static void
read_feature(const Model *model, Rfm *rfm, int number, const JsonPlace *json)
{
	static const char *const keys[] = {"name", "closed", "min", "max", "cuts", "counts", NULL};
	RfmFeature *feature = &rfm->feature[number];
	JsonPlace	place;
	JsonPlace  *elements;
	char	   *text;
	int64		total = 0;
	int			n;
	int			i;

	segment_json_check_keys(json, keys);
	place = segment_json_member(json, "name");
	text = segment_json_string(&place);
	if (strcmp(text, segment_rfm_feature_names[number]) != 0)
		segment_json_error(&place, psprintf("expected \"%s\", got \"%s\"",
										segment_rfm_feature_names[number], text));
	place = segment_json_member(json, "closed");
	text = segment_json_string(&place);
	if (strcmp(text, "left") != 0 && strcmp(text, "right") != 0)
		segment_json_error(&place, psprintf("expected \"left\" or \"right\", got \"%s\"", text));
	feature->closed_left = strcmp(text, "left") == 0;
	feature->min = read_extreme(json, "min");
	feature->max = read_extreme(json, "max");

	place = segment_json_member(json, "cuts");
	elements = segment_json_elements(&place, &n);
	if (n != rfm->bins - 1)
		segment_json_error(&place, psprintf("expected %d cuts for %d bins, got %d",
											rfm->bins - 1, rfm->bins, n));
	for (i = 0; i < rfm->bins - 1; i++)
	{
		feature->cuts[i] = segment_json_double(&elements[i]);
		if (i > 0 && feature->cuts[i] < feature->cuts[i - 1])
			segment_json_error(&place, "the cuts do not ascend");
	}
	place = segment_json_member(json, "counts");
	elements = segment_json_elements(&place, &n);
	if (n != rfm->bins)
		segment_json_error(&place, psprintf("expected %d counts, got %d", rfm->bins, n));
	for (i = 0; i < rfm->bins; i++)
	{
		feature->counts[i] = segment_json_integer(&elements[i], 0, model->rows.n_used - total);
		total += feature->counts[i];
	}
	if (total != model->rows.n_used)
		segment_json_error(&place, "the counts do not add up to n_used");
}

static int
read_segment_id(const Model *model, const JsonPlace *place)
{
	int32		id = (int32) segment_json_integer(place, 1, PG_INT32_MAX);
	int			i;

	for (i = 0; i < model->n_segments; i++)
		if (model->segment[i].id == id)
			return i;
	segment_json_error(place, psprintf("there is no segment with id %d", id));
}

static void
rfm_read(Model *model, const JsonPlace *json)
{
	Rfm		   *rfm = palloc0(sizeof(Rfm));
	JsonPlace	place;
	JsonPlace  *elements;
	int			n_cells;
	int			n;
	int			i;

	model->detail = rfm;
	model->feature = (char **) segment_rfm_feature_names;
	place = segment_json_member(json, "cuts");
	rfm->cuts = segment_json_string(&place);
	place = segment_json_member(json, "scheme");
	rfm->scheme = segment_json_string(&place);
	place = segment_json_member(json, "bins");
	rfm->bins = (int) segment_json_integer(&place, RFM_MIN_BINS, SEGMENT_MAX_BINS);
	place = segment_json_member(json, "lowest_score");
	rfm->lowest_score = (int) segment_json_integer(&place, 0, 1);

	place = segment_json_member(json, "features");
	elements = segment_json_elements(&place, &n);
	if (n != RFM_FEATURES && n != RFM_MAX_FEATURES)
		segment_json_error(&place, "expected three or four features");
	model->n_features = rfm->n_features = n;
	for (i = 0; i < rfm->n_features; i++)
		read_feature(model, rfm, i, &elements[i]);
	place = segment_json_member(json, "no_orders");
	rfm->no_orders = read_segment_id(model, &place);
	place = segment_json_member(json, "cells");
	n_cells = rfm_n_cells(rfm);
	elements = segment_json_elements(&place, &n);
	if (n != n_cells)
		segment_json_error(&place, psprintf("expected %d cells, got %d", n_cells, n));
	for (i = 0; i < n_cells; i++)
		rfm->cells[i] = (int16) read_segment_id(model, &elements[i]);
}

/* ---- writing ---- */

static void
write_extreme(StringInfo out, const char *key, double x)
{
	appendStringInfo(out, ", \"%s\": ", key);
	if (segment_is_missing(x))
		appendStringInfoString(out, "null");
	else
		segment_json_put_number(out, x);
}

static void
rfm_write(const Model *model, StringInfo out)
{
	const Rfm  *rfm = model->detail;
	int			n_cells = rfm_n_cells(rfm);
	int			i;
	int			j;

	appendStringInfoString(out, ", \"cuts\": ");
	segment_json_put_string(out, rfm->cuts);
	appendStringInfoString(out, ", \"scheme\": ");
	segment_json_put_string(out, rfm->scheme);
	appendStringInfo(out, ", \"bins\": %d, \"lowest_score\": %d, \"features\": [",
					 rfm->bins, rfm->lowest_score);
	for (i = 0; i < rfm->n_features; i++)
	{
		const RfmFeature *feature = &rfm->feature[i];

		appendStringInfo(out, "%s{\"name\": \"%s\", \"closed\": \"%s\"", i > 0 ? ", " : "",
						 segment_rfm_feature_names[i], feature->closed_left ? "left" : "right");
		write_extreme(out, "min", feature->min);
		write_extreme(out, "max", feature->max);
		appendStringInfoString(out, ", \"cuts\": [");
		for (j = 0; j < rfm->bins - 1; j++)
		{
			if (j > 0)
				appendStringInfoString(out, ", ");
			segment_json_put_number(out, feature->cuts[j]);
		}
		appendStringInfoString(out, "], \"counts\": [");
		for (j = 0; j < rfm->bins; j++)
			appendStringInfo(out, "%s" INT64_FORMAT, j > 0 ? ", " : "", feature->counts[j]);
		appendStringInfoString(out, "]}");
	}
	appendStringInfo(out, "], \"no_orders\": %d, \"cells\": [",
					 model->segment[rfm->no_orders].id);
	for (i = 0; i < n_cells; i++)
		appendStringInfo(out, "%s%d", i > 0 ? ", " : "", model->segment[rfm->cells[i]].id);
	appendStringInfoChar(out, ']');
}

/* ---- assigning ---- */

static int
rfm_assign(const Model *model, const double *features)
{
	const Rfm  *rfm = model->detail;
	int			score[RFM_MAX_FEATURES];
	int			i;

	if (rfm_has_refunds_only(features))
	{
		/* known, with no order that counts: the lowest scores, and known as long as can be */
		for (i = 0; i < rfm->n_features; i++)
			score[i] = i == RFM_TENURE ? rfm->bins - 1 : 0;
		return rfm->cells[rfm_cell(rfm, score)];
	}
	if (!rfm_has_orders(features))
		return rfm->no_orders;
	if (rfm_lacks_value(rfm, features))
		return -1;
	for (i = 0; i < rfm->n_features; i++)
		score[i] = rfm_score_from_zero(rfm, i, features[i]);
	return rfm->cells[rfm_cell(rfm, score)];
}

/*
 * For each feature: value, score, the bounds of its bin, the distance to the
 * nearest cut, and how strongly the segment hangs on it: the share of the other
 * scores it could have, the rest unchanged, that lead to another segment.  The
 * runner-up lies behind the nearest cut that leads elsewhere, distances taken
 * as a fraction of the width of the bin (the training range closes open bins).
 */
static void
rfm_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	const Rfm  *rfm = model->detail;
	int			score[RFM_MAX_FEATURES] = {0};
	char		code[RFM_CODE_SIZE];
	double		nearest = HUGE_VAL;
	int			runner_up = -1;
	int			i;

	if (!rfm_has_orders(features) || segment < 0)
	{
		appendStringInfo(out, ", \"reason\": \"%s\"",
						 segment >= 0 ? (rfm_has_refunds_only(features) ? "refunds only" : "no orders")
						 : segment_is_missing(features[RFM_MONETARY]) ? "monetary is missing"
						 : "tenure is missing");
		return;
	}
	for (i = 0; i < rfm->n_features; i++)
		score[i] = rfm_score_from_zero(rfm, i, features[i]);
	segment_rfm_code(rfm, score[0], score[1], score[2], code);
	appendStringInfo(out, ", \"rfm_score\": \"%s\", \"features\": [", code);
	for (i = 0; i < rfm->n_features; i++)
	{
		const RfmFeature *feature = &rfm->feature[i];
		int			bin = segment_bin(features[i], feature->cuts, rfm->bins - 1,
									  feature->closed_left);
		bool		has_lower = bin > 0;
		bool		has_upper = bin < rfm->bins - 1;
		double		lower = has_lower ? feature->cuts[bin - 1] : feature->min;
		double		upper = has_upper ? feature->cuts[bin] : feature->max;
		double		width = upper - lower;
		double		margin = HUGE_VAL;
		int			elsewhere = 0;
		int			direction;
		int			other;

		for (other = 0; other < rfm->bins; other++)
		{
			int			s[RFM_MAX_FEATURES];

			memcpy(s, score, sizeof(s));
			s[i] = other;
			if (rfm->cells[rfm_cell(rfm, s)] != segment)
				elsewhere++;
		}
		for (direction = -1; direction <= 1; direction += 2)
		{
			double		distance;
			int			s[RFM_MAX_FEATURES];
			int			there;

			if (direction < 0 ? !has_lower : !has_upper)
				continue;
			distance = direction < 0 ? features[i] - lower : upper - features[i];
			if (distance < margin)
				margin = distance;
			memcpy(s, score, sizeof(s));
			/* behind the cut the score is that of a value beyond it: equal cuts leave none between */
			s[i] = direction < 0
				? rfm_score_from_zero(rfm, i, feature->closed_left ? nextafter(lower, -HUGE_VAL) : lower)
				: rfm_score_from_zero(rfm, i, feature->closed_left ? upper : nextafter(upper, HUGE_VAL));
			there = rfm->cells[rfm_cell(rfm, s)];
			if (there == segment)
				continue;
			if (width > 0)
				distance /= width;
			if (distance < nearest)
			{
				nearest = distance;
				runner_up = there;
			}
		}
		appendStringInfo(out, "%s{\"feature\": \"%s\", \"value\": ", i > 0 ? ", " : "",
						 segment_rfm_feature_names[i]);
		segment_json_put_number(out, features[i]);
		appendStringInfo(out, ", \"score\": %d", score[i] + rfm->lowest_score);
		write_extreme(out, "from", has_lower ? feature->cuts[bin - 1] : segment_missing_value());
		write_extreme(out, "to", has_upper ? feature->cuts[bin] : segment_missing_value());
		write_extreme(out, "margin", isinf(margin) ? segment_missing_value() : margin);
		appendStringInfoString(out, ", \"strength\": ");
		segment_json_put_number(out, (double) elsewhere / (rfm->bins - 1));
		appendStringInfoChar(out, '}');
	}
	appendStringInfoString(out, "], \"runner_up\": ");
	if (runner_up < 0)
		appendStringInfoString(out, "null");
	else
		segment_json_put_string(out, model->segment[runner_up].name);
}

static void
rfm_metrics(const Model *model, StringInfo out)
{
	const Rfm  *rfm = model->detail;

	appendStringInfoString(out, ", \"cuts\": ");
	segment_json_put_string(out, rfm->cuts);
	appendStringInfoString(out, ", \"scheme\": ");
	segment_json_put_string(out, rfm->scheme);
	appendStringInfo(out, ", \"bins\": %d", rfm->bins);
}

static const char *const rfm_keys[] = {
	"cuts", "scheme", "bins", "lowest_score", "features", "no_orders", "cells", NULL
};

const ModelKind segment_rfm_model_kind = {
	.name = "rfm",
	.read = rfm_read,
	.write = rfm_write,
	.keys = rfm_keys,
	.assign = rfm_assign,
	.explain = rfm_explain,
	.metrics = rfm_metrics,
	.codes = segment_rfm_codes
};
