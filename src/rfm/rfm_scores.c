/*
 * rfm_scores.c: scores of a row by an RFM model; the cut points and the codes that
 * stand in the model.
 */
#include "rfm/rfm.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "kernel/base/row_store.h"
#include "model/model_argument.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_rfm_score);
PG_FUNCTION_INFO_V1(segment_recency_score);
PG_FUNCTION_INFO_V1(segment_frequency_score);
PG_FUNCTION_INFO_V1(segment_monetary_score);
PG_FUNCTION_INFO_V1(segment_tenure_score);
PG_FUNCTION_INFO_V1(segment_rfm_cut_points);
PG_FUNCTION_INFO_V1(segment_rfm_days_left);

/*
 * Recency, frequency and monetary value suffice for the code, whether or not the
 * model has tenure, too.
 */
static const double *
features_of_code(FunctionCallInfo fcinfo, RowCall *call)
{
	int			i;

	if (call->by_row || call->by_array || call->n_arguments != RFM_FEATURES)
		return segment_row_call_features(fcinfo, call);
	for (i = 0; i < RFM_FEATURES; i++)
	{
		if (call->reader[i] != FEATURE_UNKNOWN_NULL && !segment_reader_is_number(call->reader[i]))
			return segment_row_call_features(fcinfo, call);
		call->values[i] = PG_ARGISNULL(i + 1) ? segment_missing_value()
			: segment_feature_number(call->reader[i], PG_GETARG_DATUM(i + 1));
	}
	return call->values;
}

Datum
segment_rfm_score(PG_FUNCTION_ARGS)
{
	RowCall    *call;
	const Rfm  *rfm;
	const double *features;
	char		code[RFM_CODE_SIZE];

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = segment_row_call_by_value(fcinfo);
	rfm = segment_rfm_of(call->model);
	features = features_of_code(fcinfo, call);
	if (!rfm_has_orders(features) || segment_is_missing(features[RFM_MONETARY]))
		PG_RETURN_NULL();
	segment_rfm_code(rfm,
			 rfm_score_from_zero(rfm, RFM_RECENCY, features[RFM_RECENCY]),
			 rfm_score_from_zero(rfm, RFM_FREQUENCY, features[RFM_FREQUENCY]),
			 rfm_score_from_zero(rfm, RFM_MONETARY, features[RFM_MONETARY]), code);
	PG_RETURN_TEXT_P(cstring_to_text(code));
}

/* The score of one feature alone. */
static Datum
one_score(FunctionCallInfo fcinfo, RfmFeatureNumber feature)
{
	RowCall    *call;
	const Rfm  *rfm;
	double		x;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	call = segment_row_call_by_value(fcinfo);
	rfm = segment_rfm_of(call->model);
	if (!call->all_numbers)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s has type %s, expected a number", segment_rfm_feature_names[feature],
						format_type_be(call->type[0]))));
	x = segment_feature_number(call->reader[0], PG_GETARG_DATUM(1));
	/* a model whose scheme does not ask for tenure has no cuts of it */
	if ((int) feature >= rfm->n_features)
		PG_RETURN_NULL();
	if (segment_is_missing(x) || (feature == RFM_FREQUENCY && x <= 0))
		PG_RETURN_NULL();
	PG_RETURN_INT16(rfm->lowest_score + rfm_score_from_zero(rfm, feature, x));
}

Datum
segment_recency_score(PG_FUNCTION_ARGS)
{
	return one_score(fcinfo, RFM_RECENCY);
}

Datum
segment_frequency_score(PG_FUNCTION_ARGS)
{
	return one_score(fcinfo, RFM_FREQUENCY);
}

Datum
segment_monetary_score(PG_FUNCTION_ARGS)
{
	return one_score(fcinfo, RFM_MONETARY);
}

Datum
segment_tenure_score(PG_FUNCTION_ARGS)
{
	return one_score(fcinfo, RFM_TENURE);
}

/* ---- how long scores that days count towards stay ---- */

/* More days than there are until the year 9999, from any as_of. */
#define MANY_DAYS 8000000
#define NEVER_LEFT (MANY_DAYS + 1)	/* as summary_clock.c has it */

/* Between which values the score of a bin lies, and how far beyond hysteresis holds it. */
typedef struct Bin
{
	double		lower;			/* infinite: open */
	double		upper;
	double		tolerance;		/* beyond it a value is held, up to this */
	bool		closed_left;
} Bin;

static Bin
bin_of_score(const Rfm *rfm, int feature, int score, double share)
{
	const RfmFeature *f = &rfm->feature[feature];
	int			n = rfm->bins;
	int			b = feature == RFM_RECENCY ? n - 1 - score : score;
	/* of a bin that is open on one side, the width of its neighbour */
	int			wide = b == 0 ? 1 : b == n - 1 ? n - 2 : b;
	Bin			bin = {-INFINITY, INFINITY, 0, f->closed_left};

	if (b > 0)
		bin.lower = f->cuts[b - 1];
	if (b < n - 1)
		bin.upper = f->cuts[b];
	if (wide > 0 && wide < n - 1)
		bin.tolerance = share * (f->cuts[wide] - f->cuts[wide - 1]);
	return bin;
}

/* Whether a value of days has the score of a bin, by itself or held as held_value does. */
static bool
stays(const Bin *bin, double value)
{
	if (bin->closed_left ? value < bin->lower : value <= bin->lower)
		return bin->tolerance > 0 && value != 0 && bin->lower - value <= bin->tolerance;
	if (bin->closed_left ? value >= bin->upper : value > bin->upper)
		return bin->tolerance > 0 && value != 0 && value - bin->upper <= bin->tolerance;
	return true;
}

/* The least number of days after which a value is no longer of the bin. */
static double
days_within(const Bin *bin, double value)
{
	double		later = value + 1;

	if (isinf(bin->upper))
		return INFINITY;
	/* all before it stay */
	later = Max(later, floor(bin->upper + bin->tolerance) - 1);
	while (later - value < MANY_DAYS && stays(bin, later))
		later++;
	return later - value;
}

/*
 * rfm_days_left(model, recency, tenure, recency_score, hysteresis): after how many days the
 * score of recency or of tenure changes; negative: a day before one of them is another one, too.
 */
Datum
segment_rfm_days_left(PG_FUNCTION_ARGS)
{
	double		share = PG_ARGISNULL(4) ? 0 : PG_GETARG_FLOAT8(4);
	double		left = INFINITY;
	bool		new_today;
	double		value;
	int			score;
	const Rfm  *rfm;
	Bin			bin;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	rfm = segment_rfm_of(segment_row_call_by_value(fcinfo)->model);
	score = PG_GETARG_INT16(3) - rfm->lowest_score;
	if (score < 0 || score >= rfm->bins)
		PG_RETURN_NULL();
	bin = bin_of_score(rfm, RFM_RECENCY, score, share);
	left = days_within(&bin, PG_GETARG_FLOAT8(1));
	new_today = !stays(&bin, PG_GETARG_FLOAT8(1) - 1);
	if (rfm->n_features > RFM_TENURE && !PG_ARGISNULL(2))
	{
		value = PG_GETARG_FLOAT8(2);
		score = rfm_score_from_zero(rfm, RFM_TENURE, value);
		bin = bin_of_score(rfm, RFM_TENURE, score, 0);
		left = Min(left, days_within(&bin, value));
		new_today |= !stays(&bin, value - 1);
		/* it may be what was held of the score before, as long as that is near */
		if (share > 0 && score > 0)
		{
			bin = bin_of_score(rfm, RFM_TENURE, score - 1, share);
			if (stays(&bin, value))
				left = Min(left, days_within(&bin, value));
		}
	}
	if (isinf(left) && !new_today)
		PG_RETURN_NULL();
	left = isinf(left) ? NEVER_LEFT : Min(left, MANY_DAYS);
	PG_RETURN_INT32((int32) (new_today ? -left : left));
}

/* ---- what stands in a model ---- */

/* The codes that lead to a segment, as text[]. */
Datum
segment_rfm_codes(const Model *model, int segment)
{
	const Rfm  *rfm = segment_rfm_of(model);
	Datum	   *codes = palloc(sizeof(Datum) * rfm->bins * rfm->bins * rfm->bins);
	ArrayType  *result;
	int			n = 0;
	int			s[RFM_MAX_FEATURES];
	int			tenures = rfm->n_features > RFM_TENURE ? rfm->bins : 1;

	for (s[0] = 0; s[0] < rfm->bins; s[0]++)
		for (s[1] = 0; s[1] < rfm->bins; s[1]++)
			for (s[2] = 0; s[2] < rfm->bins; s[2]++)
				/* a code leads to the segment when one of its tenures does */
				for (s[3] = 0; s[3] < tenures; s[3]++)
					if (rfm->cells[rfm_cell(rfm, s)] == segment)
					{
						char		code[RFM_CODE_SIZE];

						segment_rfm_code(rfm, s[0], s[1], s[2], code);
						codes[n++] = CStringGetTextDatum(code);
						break;
					}
	result = construct_array(codes, n, TEXTOID, -1, false, TYPALIGN_INT);
	pfree(codes);
	return PointerGetDatum(result);
}

Datum
segment_rfm_cut_points(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Model	   *model = PG_GETARG_MODEL(0);
	const Rfm  *rfm = segment_rfm_of(model);
	int			i;
	int			score;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < rfm->n_features; i++)
		for (score = 0; score < rfm->bins; score++)
		{
			const RfmFeature *feature = &rfm->feature[i];
			int			bin = i == RFM_RECENCY ? rfm->bins - 1 - score : score;
			Datum		values[6];
			bool		nulls[6] = {false};

			values[0] = CStringGetTextDatum(segment_rfm_feature_names[i]);
			values[1] = Int32GetDatum(rfm->lowest_score + score);
			nulls[2] = bin == 0;
			if (!nulls[2])
				values[2] = Float8GetDatum(feature->cuts[bin - 1]);
			nulls[3] = bin == rfm->bins - 1;
			if (!nulls[3])
				values[3] = Float8GetDatum(feature->cuts[bin]);
			values[4] = CStringGetTextDatum(feature->closed_left ? "left" : "right");
			values[5] = Int64GetDatum(feature->counts[score]);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}
