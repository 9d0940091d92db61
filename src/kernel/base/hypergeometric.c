/*
 * hypergeometric.c: Gauss's hypergeometric function 2F1 for arguments from 0 to below 1,
 * with the same bits everywhere.
 *
 * 2F1(a, b; c; z) = 1 + a b/c z + a (a + 1) b (b + 1) / (c (c + 1) 2!) z^2 + ...  What the
 *	models of buying need is c (2F1 - 1) / b, also for b = 0, where the 1 must not drown it,
 *	and for c = 0 and somewhat below; so that is what is worked out here.  The series is
 *	summed up to z = 3/4, and beyond where it converges fast, or c is so large that what
 *	follows would lose digits.  From there the function is carried on by Taylor series around
 *	points that halve the distance to 1, with coefficients from its differential equation
 *
 *		z (1 - z) w'' + (c - (a + b + 1) z) w' - a b w = 0,
 *
 *	which no values of the parameters upset, as they do the formulas in 1 - z.
 *
 * References: Abramowitz and Stegun 15.1, 15.5; Press et al., Numerical Recipes, 5.14.
 */
#include "kernel/base/hypergeometric.h"

#include "kernel/base/elementary.h"

#define NOT_A_NUMBER	segment_bits_double(UINT64CONST(0x7FF8000000000000))
#define SERIES_UP_TO	0.75
#define FAST_SERIES		10.0	/* terms fall with this power of their number */
#define LARGE_C			30.0
#define NEGLIGIBLE		0x1p-55
#define MOST_TERMS		100000
#define TAYLOR_TERMS	200

/* c (2F1 - 1) / b and its derivative by z, from the series */
static void
sum_series(double a, double b, double c, double z, double *value, double *slope)
{
	double		term = a;			/* of the derivative: z^(n - 1) n times the coefficient */
	double		sum = 0;
	double		derivative = 0;
	int			n;

	for (n = 1; n < MOST_TERMS; n++)
	{
		sum += term / n;
		derivative += term;
		/* terms may grow at first; from where they fall, the rest is less than term / (1 - z) */
		if (fabs(term) <= NEGLIGIBLE * fabs(sum) && fabs((a + n) * (b + n) * z) < 0.9 * (c + n) * n)
			break;
		if (term == 0)
			break;
		term *= (a + n) / (c + n) * ((b + n) / n) * z;
	}
	*value = sum * z;
	*slope = derivative;
}

/* From a point to the next, h further: a Taylor series by the differential equation. */
static void
step(double a, double b, double c, double z, double h, double *value, double *slope)
{
	double		scale = 1 / (z * (1 - z));
	double		before = *value;
	double		last = *slope * h;	/* the coefficient of h^k times h^k */
	double		sum = before + last;
	double		derivative = *slope;
	double		extra = a * c;		/* what is not 0 in the equation of c (2F1 - 1) / b */
	int			k;

	for (k = 0; k < TAYLOR_TERMS; k++)
	{
		double		next = ((((k + a) * (k + b)) * before + extra) * h * h -
							(k + 1) * ((1 - 2 * z) * k + c - (a + b + 1) * z) * last * h) *
			scale / ((k + 2.0) * (k + 1.0));

		extra = 0;
		sum += next;
		derivative += (k + 2) * next / h;
		before = last;
		last = next;
		if (k > 3 && (k + 2) * fabs(next) <= NEGLIGIBLE * fabs(derivative * h) &&
			(k + 2) * fabs(before) <= NEGLIGIBLE * fabs(derivative * h) * 4)
			break;
	}
	*value = sum;
	*slope = derivative;
}

/* c (2F1(a, b; c; z) - 1) / b, and its limits for b = 0 and c = 0; c > -1, 0 <= z < 1, else NaN. */
double
segment_hypergeometric_rest(double a, double b, double c, double z)
{
	double		at = z;
	double		value;
	double		slope;

	if (!(c > -1 && z >= 0 && z < 1))
		return NOT_A_NUMBER;
	if (z > SERIES_UP_TO && c - a - b < FAST_SERIES && c < LARGE_C)
		at = SERIES_UP_TO;
	if (z == 0)
		return 0;
	sum_series(a, b, c, at, &value, &slope);
	while (at < z)
	{
		double		h = (1 - at) / 2;

		if (h > z - at)
			h = z - at;
		step(a, b, c, at, h, &value, &slope);
		at = h < z - at ? at + h : z;
	}
	return value;
}
