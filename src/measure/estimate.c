/*
 * estimate.c: estimate(), lift() and detectable_lift() of outcomes, and chi_squared_p(), by
 * kernel/measure.  Numbers are rounded to 15 digits: those behind are not worth showing.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "kernel/base/gamma.h"
#include "kernel/measure/estimate.h"
#include "measure/outcome.h"

PG_FUNCTION_INFO_V1(segment_estimate_outcome);
PG_FUNCTION_INFO_V1(segment_lift_outcome);
PG_FUNCTION_INFO_V1(segment_detectable_lift_outcome);
PG_FUNCTION_INFO_V1(segment_chi_squared_p_value);

#define MOST_COLUMNS 12

typedef struct Row
{
	int			n;
	Datum		values[MOST_COLUMNS];
	bool		nulls[MOST_COLUMNS];
} Row;

static double
rounded(double x)
{
	char		text[32];

	if (isinf(x))
		return x;
	snprintf(text, sizeof(text), "%.15g", x);
	x = strtod(text, NULL);
	return x == 0 ? 0 : x;
}

static void
put_count(Row *row, int64 count)
{
	row->nulls[row->n] = false;
	row->values[row->n++] = Int64GetDatum(count);
}

/* NaN: NULL */
static void
put_number(Row *row, double x)
{
	row->nulls[row->n] = isnan(x);
	row->values[row->n++] = Float8GetDatum(isnan(x) ? 0 : rounded(x));
}

static Datum
row_datum(FunctionCallInfo fcinfo, Row *row)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), row->values, row->nulls));
}

/* A probability that is neither 0 nor 1. */
static double
take_probability(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double		p = PG_GETARG_FLOAT8(arg);

	if (!(p > 0 && p < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and 1, not %g", name, p),
				 errhint("Write 95 percent as 0.95.")));
	return p;
}

static void
take_moments(const SegmentOutcome *outcome, SegmentMomentsOfOutcome *moments)
{
	if (!segment_outcome_moments(outcome, moments))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("mean or variance of an outcome is beyond double precision"),
				 errhint("Count in another unit.")));
}

/* estimate(outcome, level) */
Datum
segment_estimate_outcome(PG_FUNCTION_ARGS)
{
	SegmentOutcome *outcome = PG_GETARG_OUTCOME(0);
	double		level = take_probability(fcinfo, 1, "level");
	SegmentMomentsOfOutcome moments;
	SegmentEstimate estimate;
	Row			row = {0};

	take_moments(outcome, &moments);
	segment_estimate(&moments, level, &estimate);
	put_count(&row, outcome->n);
	put_count(&row, outcome->skipped);
	put_number(&row, estimate.value);
	put_number(&row, estimate.std_error);
	put_number(&row, estimate.lower);
	put_number(&row, estimate.upper);
	PG_RETURN_DATUM(row_datum(fcinfo, &row));
}

/* lift(treated, control, level, tuned_for) */
Datum
segment_lift_outcome(PG_FUNCTION_ARGS)
{
	SegmentOutcome *treated;
	SegmentOutcome *control;
	SegmentMomentsOfOutcome moments[2];
	SegmentLift lift;
	double		level;
	int64		tuned_for = 0;
	Row			row = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	treated = PG_GETARG_OUTCOME(0);
	control = PG_GETARG_OUTCOME(1);
	level = take_probability(fcinfo, 2, "level");
	if (!PG_ARGISNULL(3))
	{
		tuned_for = PG_GETARG_INT64(3);
		if (tuned_for < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("tuned_for must be a number of customers, not " INT64_FORMAT, tuned_for),
					 errhint("It is how many customers both arms have when the interval shall be narrowest;"
							 " NULL for one look.")));
	}
	segment_outcome_same_kind(treated, control);
	take_moments(treated, &moments[0]);
	take_moments(control, &moments[1]);
	segment_lift(&moments[0], &moments[1], level, (double) tuned_for, &lift);
	put_count(&row, treated->n);
	put_count(&row, control->n);
	put_number(&row, lift.treated_value);
	put_number(&row, lift.control_value);
	put_number(&row, lift.difference);
	put_number(&row, lift.difference_lower);
	put_number(&row, lift.difference_upper);
	put_number(&row, lift.lift);
	put_number(&row, lift.lift_lower);
	put_number(&row, lift.lift_upper);
	put_number(&row, lift.p_value);
	put_number(&row, lift.variance_reduction);
	PG_RETURN_DATUM(row_datum(fcinfo, &row));
}

/* detectable_lift(control, treated_customers, control_customers, power, level) */
Datum
segment_detectable_lift_outcome(PG_FUNCTION_ARGS)
{
	SegmentOutcome *control = PG_GETARG_OUTCOME(0);
	int64		customers[2] = {PG_GETARG_INT64(1), PG_GETARG_INT64(2)};
	double		power = take_probability(fcinfo, 3, "power");
	double		level = take_probability(fcinfo, 4, "level");
	SegmentMomentsOfOutcome moments;
	double		lift;
	int			i;

	for (i = 0; i < 2; i++)
		if (customers[i] < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must be at least 1, not " INT64_FORMAT,
							i == 0 ? "treated_customers" : "control_customers", customers[i])));
	take_moments(control, &moments);
	lift = segment_detectable_lift(&moments, (double) customers[0], (double) customers[1], power, level);
	if (isnan(lift))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rounded(lift));
}

/* chi_squared_p(statistic, df) */
Datum
segment_chi_squared_p_value(PG_FUNCTION_ARGS)
{
	double		statistic = PG_GETARG_FLOAT8(0);
	double		df = PG_GETARG_FLOAT8(1);

	if (!(statistic >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a chi squared statistic must be 0 or more, not %g", statistic)));
	if (!(df > 0) || isinf(df))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("degrees of freedom must be more than 0, not %g", df),
				 errhint("They are usually the number of groups less one.")));
	PG_RETURN_FLOAT8(rounded(segment_chi_squared_p(statistic, df)));
}
