/*
 * beta.c: the regularised incomplete beta function, and what follows from it for tests and
 * intervals.
 *
 * Law 3 asks for the same bits everywhere: these use elementary.h, gamma.h, the four operations
 * and square roots.  Errors, measured against 40 digits (test/unit/beta.c): below 1e-12 of the
 * value, for p-values of many degrees of freedom about df / t^2 times 2^-53.
 *
 * I_x(a, b) is the continued fraction of Abramowitz and Stegun 26.5.8 by the method of Lentz,
 *	for x below (a + 1) / (a + b + 2), where it converges fast, else 1 - I_(1-x)(b, a).
 *	It takes about sqrt(max(a, b)) steps.
 *
 * Student's t with df degrees of freedom: P(|T| > t) = I_(df / (df + t^2))(df / 2, 1 / 2).  For
 *	large df the gamma functions in front of it are large and cancel; what they leave is
 *	worked out by the series of their quotient.
 *
 * Quantiles: the tail is smooth and falls, so halving an interval finds the number whose tail is
 *	the one asked for to the last bits, without a derivative and without a start.
 */
#include "kernel/base/beta.h"

#include "kernel/base/elementary.h"
#include "kernel/base/gamma.h"

#define NOT_A_NUMBER	segment_bits_double(UINT64CONST(0x7FF8000000000000))
#define SQRT_HALF		0x1.6a09e667f3bcdp-1
#define LN_SQRT_PI		0x1.250d048e7a1bdp-1

/* above it, a t with so many degrees of freedom is normal to the last bits that show */
#define NORMAL_FROM		1e15

/* ln gamma(a + 1/2) - ln gamma(a): for large a its series, where both have lost digits */
static double
half_step(double a)
{
	double		y = 1 / a;
	double		y2 = y * y;

	if (a < 30)
		return segment_lgamma(a + 0.5) - segment_lgamma(a);
	return segment_log(a) / 2 - y * (1.0 / 8 - y2 * (1.0 / 192 - y2 * (1.0 / 640 - y2 * (
		17.0 / 14336 - y2 * (31.0 / 18432)))));
}

/* ln of gamma(a + b) / (gamma(a) gamma(b)) */
static double
ln_one_over_beta(double a, double b)
{
	if (b == 0.5)
		return half_step(a) - LN_SQRT_PI;
	if (a == 0.5)
		return half_step(b) - LN_SQRT_PI;
	return segment_lgamma(a + b) - segment_lgamma(a) - segment_lgamma(b);
}

static double
beta_fraction(double a, double b, double x)
{
	const double tiny = 0x1p-1000;
	double		c = 1;
	double		d = 1 - (a + b) * x / (a + 1);
	double		result;
	double		m;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	result = d;
	for (m = 1; m < 1e6; m += 1)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double		factor;

		d = 1 + even * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + even / c;
		c = fabs(c) < tiny ? tiny : c;
		result *= c * d;
		d = 1 + odd * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + odd / c;
		c = fabs(c) < tiny ? tiny : c;
		factor = c * d;
		result *= factor;
		if (fabs(factor - 1) <= 0x1p-52)
			break;
	}
	return result;
}

/* I_x(a, b) of x and y = 1 - x, each with all its digits. */
static double
beta_of(double a, double b, double x, double y)
{
	double		lx = x < 0.5 ? segment_log(x) : segment_log1p(-y);
	double		ly = y < 0.5 ? segment_log(y) : segment_log1p(-x);
	double		front;

	if (x <= 0)
		return 0;
	if (y <= 0)
		return 1;
	front = segment_exp(ln_one_over_beta(a, b) + a * lx + b * ly);
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, y) / b;
}

/* The regularised incomplete beta function; NaN unless a, b > 0 and 0 <= x <= 1. */
double
segment_beta_i(double a, double b, double x)
{
	if (!(a > 0 && b > 0 && x >= 0 && x <= 1) || a == HUGE_VAL || b == HUGE_VAL)
		return NOT_A_NUMBER;
	return beta_of(a, b, x, 1 - x);
}

/* The probability of a value as far from 0 as z, or farther, under the normal distribution. */
double
segment_normal_p(double z)
{
	return segment_erfc(fabs(z) * SQRT_HALF);
}

/* The same under Student's t; NaN unless df > 0. */
double
segment_student_p(double t, double df)
{
	double		square = t * t;

	if (t != t || !(df > 0))
		return NOT_A_NUMBER;
	if (df > NORMAL_FROM)
		return segment_normal_p(t);
	if (square == HUGE_VAL)
		return 0;
	return beta_of(df / 2, 0.5, df / (df + square), square / (df + square));
}

/* df 0: normal */
static double
width(double confidence, double df)
{
	double		low = 0;
	double		high = 1;
	double		outside = 1 - confidence;
	int			i;

	if (!(confidence > 0 && confidence < 1))
		return NOT_A_NUMBER;
	while ((df == 0 ? segment_normal_p(high) : segment_student_p(high, df)) > outside && high < 1e300)
		high *= 2;
	for (i = 0; i < 200; i++)
	{
		double		middle = low + (high - low) / 2;

		if (middle <= low || middle >= high)
			break;
		if ((df == 0 ? segment_normal_p(middle) : segment_student_p(middle, df)) > outside)
			low = middle;
		else
			high = middle;
	}
	return low + (high - low) / 2;
}

/* How far from 0 a normal value lies at most, with a probability between 0 and 1. */
double
segment_normal_width(double confidence)
{
	return width(confidence, 0);
}

double
segment_student_width(double confidence, double df)
{
	return df > 0 ? width(confidence, df) : NOT_A_NUMBER;
}
