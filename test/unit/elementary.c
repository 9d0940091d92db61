/*
 * elementary.c: exponential and logarithm compared with libm's in long double.
 */
#include "kernel/base/elementary.h"

#include <float.h>
#include <math.h>

#include "tap.h"

#define INPUTS 400000

/* How many units in the last place of the true value the result is off. */
static double
units_off(double result, long double truth)
{
	int			exponent;
	long double unit;

	if (isinf((double) truth) || isnan((double) truth))
		return result == (double) truth || (isnan(result) && isnan((double) truth)) ? 0 : HUGE_VAL;
	if (isnan(result) || isinf(result))
		return HUGE_VAL;
	(void) frexpl(truth, &exponent);
	unit = ldexpl(1, exponent < DBL_MIN_EXP ? DBL_MIN_EXP - DBL_MANT_DIG : exponent - DBL_MANT_DIG);
	return (double) (fabsl((long double) result - truth) / unit);
}

typedef double (*Function) (double);
typedef long double (*Truth) (long double);

static double
exp_of(double x)
{
	return segment_exp(x);
}

static double
log_of(double x)
{
	return segment_log(x);
}

/* The worst error over numbers spread evenly from low to high, or evenly by magnitude. */
static double
worst(Function f, Truth truth, double low, double high, bool by_magnitude)
{
	double		result = 0;
	int			i;

	for (i = 0; i <= INPUTS; i++)
	{
		double		part = i == 0 ? 0 : i == INPUTS ? 1 : uniform();
		double		x = by_magnitude ? (double) (copysignl(1, low) * expl(logl(fabs(low)) +
																		   part * (logl(fabs(high)) - logl(fabs(low)))))
			: low + part * (high - low);

		result = fmax(result, units_off(f(x), truth(x)));
	}
	return result;
}

static void
below(double error, double limit, const char *what)
{
	char		line[200];

	snprintf(line, sizeof(line), "%s: off by at most %g units, measured %.3f", what, limit, error);
	ok(error <= limit, line);
}

static void
test_accuracy(void)
{
	below(worst(exp_of, expl, -745, 709.78, false), 1, "exp from -745 to 709.78");
	below(worst(exp_of, expl, -0.4, 0.4, false), 1, "exp around 0");
	below(worst(exp_of, expl, 1e-300, 700, true), 1, "exp of numbers of any size");
	below(worst(exp_of, expl, -1e-300, -745.2, true), 1, "exp of negative numbers of any size");
	below(worst(log_of, logl, DBL_TRUE_MIN, DBL_MAX, true), 1, "log of numbers of any size");
	below(worst(log_of, logl, 0.5, 2, false), 1, "log around 1");
	below(worst(log_of, logl, 1 - 1e-6, 1 + 1e-6, false), 1, "log close to 1");
	below(worst(segment_log1p, log1pl, 1e-320, DBL_MAX, true), 1, "log1p of positive numbers of any size");
	below(worst(segment_log1p, log1pl, -1e-320, -1 + DBL_EPSILON, true), 1.5, "log1p of negative numbers of any size");
	below(worst(segment_log1p, log1pl, -1 + DBL_EPSILON, 3, false), 1.5, "log1p from -1 to 3");
	below(worst(segment_expm1, expm1l, 1e-320, 709.78, true), 2, "expm1 of positive numbers of any size");
	below(worst(segment_expm1, expm1l, -1e-320, -745, true), 2, "expm1 of negative numbers of any size");
	below(worst(segment_expm1, expm1l, -3, 3, false), 2, "expm1 from -3 to 3");
}

static void
test_special(void)
{
	ok(segment_exp(0) == 1 && segment_exp(-0.0) == 1, "exp of 0 is 1");
	ok(segment_exp(HUGE_VAL) == HUGE_VAL && segment_exp(710) == HUGE_VAL && segment_exp(DBL_MAX) == HUGE_VAL,
	   "exp of infinity and of what is too large is infinite");
	ok(segment_exp(-HUGE_VAL) == 0 && segment_exp(-746) == 0 && segment_exp(-DBL_MAX) == 0,
	   "exp of minus infinity and of what is too small is 0");
	ok(segment_exp(709.782712893383) < HUGE_VAL && segment_exp(-745.13) == DBL_TRUE_MIN,
	   "exp at the ends of what a double can hold");
	ok(isnan(segment_exp(NAN)), "exp of NaN");
	ok(segment_log(0) == -HUGE_VAL && segment_log(-0.0) == -HUGE_VAL, "log of 0");
	ok(segment_log(1) == 0 && !signbit(segment_log(1)), "log of 1");
	ok(segment_log(HUGE_VAL) == HUGE_VAL, "log of infinity");
	ok(isnan(segment_log(-1)) && isnan(segment_log(-HUGE_VAL)) && isnan(segment_log(NAN)) &&
	   isnan(segment_log(-DBL_TRUE_MIN)), "log of what is below 0 and of NaN");
	ok(segment_log1p(-1) == -HUGE_VAL && segment_log1p(HUGE_VAL) == HUGE_VAL &&
	   isnan(segment_log1p(-1.5)) && isnan(segment_log1p(NAN)) && isnan(segment_log1p(-HUGE_VAL)),
	   "log1p of -1, infinity, less than -1 and NaN");
	ok(segment_log1p(0) == 0 && signbit(segment_log1p(-0.0)) &&
	   segment_log1p(DBL_TRUE_MIN) == DBL_TRUE_MIN, "log1p of 0 and next to it");
	ok(segment_expm1(HUGE_VAL) == HUGE_VAL && segment_expm1(-HUGE_VAL) == -1 && isnan(segment_expm1(NAN)),
	   "expm1 of infinities and NaN");
	ok(segment_expm1(0) == 0 && signbit(segment_expm1(-0.0)) &&
	   segment_expm1(DBL_TRUE_MIN) == DBL_TRUE_MIN, "expm1 of 0 and next to it");
}

/* Without branches it is the same to the last bit. */
static void
test_share(void)
{
	static const double edges[] = {0, DBL_TRUE_MIN, 1e-300, 0x1p-54, 0x1p-53, 0.40999999999999998, 0.41, 0.41421356237309492,
	0.41421356237309503, 0.41421356237309515, 0.5, 1 - 0x1p-53, 1};
	bool		same = true;
	int			i;

	for (i = 0; i < (int) lengthof(edges); i++)
		same = same && segment_double_bits(segment_log1p_share(edges[i])) == segment_double_bits(segment_log1p(edges[i]));
	for (i = 0; i < 1000000; i++)
	{
		double		u = i % 2 == 0 ? uniform() : segment_exp(-40 * uniform());

		same = same && segment_double_bits(segment_log1p_share(u)) == segment_double_bits(segment_log1p(u));
	}
	ok(same && isnan(segment_log1p_share(NAN)), "log1p of 0 to 1 without branches");
}

/* What every compiler, setting and CPU has to reproduce. */
static void
test_bits(void)
{
	uint64		sum = 0;
	int			i;

	for (i = 0; i < 100000; i++)
	{
		double		u = uniform();

		sum = segment_hash_step(sum, segment_double_bits(segment_exp(1400 * u - 720)));
		sum = segment_hash_step(sum, segment_double_bits(segment_log(u * 1e3)));
		sum = segment_hash_step(sum, segment_double_bits(segment_log1p(u * 4 - 1)));
		sum = segment_hash_step(sum, segment_double_bits(segment_expm1(u * 100 - 50)));
	}
	ok(sum == UINT64CONST(1854259629885492845), "the bits of 400,000 results are those of every other build");
}

int
main(void)
{
	test_accuracy();
	test_special();
	tap_state = 1;
	test_bits();
	test_share();
	return done();
}
