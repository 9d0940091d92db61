/*
 * buying_rows.c: row functions: what a customer with a history will do.
 *
 * A history that can be none, and a NULL, give NULL: one bad row does not stop the others.
 */
#include "predict/buying_model.h"

#include <math.h>

#include "base/arguments.h"
#include "base/memory.h"
#include "kernel/base/row_store.h"
#include "miscadmin.h"
#include "model/model_argument.h"

PG_FUNCTION_INFO_V1(segment_probability_alive);
PG_FUNCTION_INFO_V1(segment_expected_purchases);
PG_FUNCTION_INFO_V1(segment_discounted_purchases);
PG_FUNCTION_INFO_V1(segment_purchase_probability);
PG_FUNCTION_INFO_V1(segment_expected_value);
PG_FUNCTION_INFO_V1(segment_next_purchase);

/* The model of f(model, x, t_x, t, ...), and the history; false: it can be none. */
static const BuyingModel *
read_call(FunctionCallInfo fcinfo, SegmentHistory *history, bool *valid)
{
	const BuyingModel *buying = segment_buying_of(segment_row_call_by_value(fcinfo)->model);

	history->x = PG_GETARG_FLOAT8(1);
	history->last = PG_GETARG_FLOAT8(2);
	history->length = PG_GETARG_FLOAT8(3);
	history->weight = 1;
	*valid = segment_history_valid(buying->model, history->x, history->last, history->length);
	return buying;
}

static Datum
number_or_null(FunctionCallInfo fcinfo, double x)
{
	if (segment_is_missing(x))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(x);
}

Datum
segment_probability_alive(PG_FUNCTION_ARGS)
{
	SegmentHistory history;
	bool		valid;
	const BuyingModel *buying = read_call(fcinfo, &history, &valid);

	if (!valid)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(segment_buying_alive(buying->model, buying->parameter, &history));
}

Datum
segment_expected_purchases(PG_FUNCTION_ARGS)
{
	SegmentHistory history;
	bool		valid;
	const BuyingModel *buying = read_call(fcinfo, &history, &valid);
	double		horizon = segment_buying_arg_horizon(fcinfo, 4, buying->model);

	if (!valid)
		PG_RETURN_NULL();
	return number_or_null(fcinfo, segment_buying_expected(buying->model, buying->parameter, &history,
														  horizon, segment_check_interrupts));
}

/* Into how many steps of discount a horizon falls; an error for a step that makes no sense. */
int
segment_buying_steps(const BuyingModel *buying, double horizon, double step)
{
	double		n;

	if (!(step > 0) || (n = ceil(horizon / step - 1e-9)) > 100000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must be more than 0 and at least 1/100000 of the horizon, not %g", step)));
	if (buying->model == SEGMENT_BGBB && step != floor(step))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must be a whole number of opportunities, not %g", step)));
	return (int) n;
}

/* Expected purchases within the horizon, those of step number i divided by (1 + discount)^i. */
double
segment_buying_discounted(const BuyingModel *buying, const SegmentHistory *history, double horizon,
						  double discount, double step)
{
	int			n = segment_buying_steps(buying, horizon, step);
	double		before = 0;
	double		factor = 1;
	double		sum = 0;
	int			i;

	/* without discount the steps add up to the horizon */
	if (discount == 0)
		return segment_buying_expected(buying->model, buying->parameter, history, horizon,
									   segment_check_interrupts);
	for (i = 1; i <= n; i++)
	{
		double		all;

		CHECK_FOR_INTERRUPTS();
		all = segment_buying_expected(buying->model, buying->parameter, history,
									  Min(i * step, horizon), segment_check_interrupts);
		factor /= 1 + discount;
		sum += (all - before) * factor;
		before = all;
	}
	return sum;
}

/* discounted_purchases(model, x, t_x, t, horizon, discount, step) */
Datum
segment_discounted_purchases(PG_FUNCTION_ARGS)
{
	SegmentHistory history;
	bool		valid;
	const BuyingModel *buying = read_call(fcinfo, &history, &valid);
	double		horizon = segment_buying_arg_horizon(fcinfo, 4, buying->model);
	double		discount = segment_arg_number(fcinfo, 5, "discount", 0);
	double		step = segment_arg_number(fcinfo, 6, "step", 0);

	if (!valid)
	{
		(void) segment_buying_steps(buying, horizon, step);
		PG_RETURN_NULL();
	}
	return number_or_null(fcinfo, segment_buying_discounted(buying, &history, horizon, discount, step));
}

Datum
segment_purchase_probability(PG_FUNCTION_ARGS)
{
	SegmentHistory history;
	bool		valid;
	const BuyingModel *buying = read_call(fcinfo, &history, &valid);
	double		horizon = segment_buying_arg_horizon(fcinfo, 4, buying->model);
	int			least = segment_arg_count(fcinfo, 5, "at_least", 0);

	if (!valid)
		PG_RETURN_NULL();
	return number_or_null(fcinfo, segment_buying_at_least(buying->model, buying->parameter, &history,
														  horizon, least, segment_check_interrupts));
}

/* The time until the next purchase, in the unit of the model. */
Datum
segment_next_purchase(PG_FUNCTION_ARGS)
{
	SegmentHistory history;
	bool		valid;
	const BuyingModel *buying = read_call(fcinfo, &history, &valid);
	double		quantile = PG_GETARG_FLOAT8(4);

	if (!(quantile > 0 && quantile < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantile must be between 0 and 1, not %g", quantile)));
	if (!valid)
		PG_RETURN_NULL();
	return number_or_null(fcinfo, segment_buying_wait(buying->model, buying->parameter, &history,
													  quantile, segment_check_interrupts));
}

/* expected_value(model, x, mean_value) */
Datum
segment_expected_value(PG_FUNCTION_ARGS)
{
	const BuyingModel *spending;
	double		x;
	double		mean;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	spending = segment_spending_of(segment_row_call_by_value(fcinfo)->model);
	x = PG_ARGISNULL(1) ? segment_missing_value() : PG_GETARG_FLOAT8(1);
	mean = x == 0 ? 0 : PG_ARGISNULL(2) ? segment_missing_value() : PG_GETARG_FLOAT8(2);
	if (!segment_history_valid(SEGMENT_GAMMA_GAMMA, x, mean, 0))
		PG_RETURN_NULL();
	return number_or_null(fcinfo, segment_spending_expected(spending->parameter, x, mean));
}
