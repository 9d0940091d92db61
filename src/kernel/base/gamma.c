/*
 * gamma.c: the logarithm of the gamma function, the regularised incomplete gamma function,
 * the complementary error function, and the tails of distributions that follow from them.
 *
 * Law 3 asks for the same bits everywhere, which libm's lgamma and erfc do not promise; these
 * use elementary.h, the four operations and square roots, all of which IEEE 754 defines.
 * Errors, measured against 40 digits (test/unit/gamma.c): below 1e-13 of the value, for
 * ln gamma of 1e-15 or the value's share of that, and where the answer is below 1e-100 up
 * to 3e-13.
 *
 * ln gamma(x): around 2 the power series whose coefficients are (zeta(k) - 1) / k; from 10
 *	on the series of Stirling; between them gamma(x + 1) = x gamma(x).
 *
 * P(a, x), Q(a, x) = 1 - P: the power series for x < a + 1, which adds positive terms only,
 *	else the continued fraction of Legendre, by the method of Lentz.  What both are
 *	multiplied by, x^a e^-x / gamma(a + 1), is worked out for large a as
 *
 *		exp(-a (m - ln(1 + m))) / (sqrt(2 pi a) (1 + 1/(12 a) + ...)),  m = (x - a) / a
 *
 *	in which the large numbers have cancelled before anything is rounded.  Both take about
 *	6 sqrt(a) steps near x = a; from a = 1e8 on the uniform expansion of Temme is as good.
 *
 * erfc(x) = Q(1/2, x^2), with x^2 in two parts, so that e^-x^2 keeps its digits.
 *
 * References: Abramowitz and Stegun 6.1, 6.5, 7.1; Temme 1979; DiDonato and Morris 1986;
 * Press et al., Numerical Recipes, 6.2; Kolmogorov 1933; Feller 1948.
 */
#include "kernel/base/gamma.h"

#include "kernel/base/elementary.h"

#define NOT_A_NUMBER		segment_bits_double(UINT64CONST(0x7FF8000000000000))
#define PI					0x1.921fb54442d18p+1
#define LN_SQRT_2_PI		0x1.d67f1c864beb5p-1
#define TWO_OVER_SQRT_PI	0x1.20dd750429b6dp+0
#define ONE_OVER_SQRT_PI	0x1.20dd750429b6dp-1

/* a term below this share of a sum changes nothing of it */
#define NEGLIGIBLE			0x1p-56

#define STIRLING_FROM		10.0	/* eight terms of the series leave 1e-18 there */
#define LARGE_A				20.0	/* from here on the large numbers are cancelled first */
#define TEMME_FROM			1e8		/* one term of the expansion leaves 1e-16 there */

/* (zeta(k) - 1) / k for k = 2, 3, ...: ln gamma(2 + z) = (1 - Euler's) z + sum (-z)^k of these */
static const double zeta_series[] = {
	0x1.4a34cc4a60fa6p-2, 0x1.13e001a557607p-4, 0x1.51322ac7d8483p-6, 0x1.e404fc218f5f2p-8,
	0x1.7add6eadb6c30p-9, 0x1.38ac5c2bf8e08p-10, 0x1.0b36af86396e9p-11, 0x1.d3fd4c76d2fc8p-13,
	0x1.a127b0f17d65ap-14, 0x1.78de5bd7c81efp-15, 0x1.580dcee66eb02p-16, 0x1.3cbc963ce2243p-17,
	0x1.2597a39f34aacp-18, 0x1.11b2eb7679541p-19, 0x1.0064cdeb22f0fp-20, 0x1.e2600d93cfd2fp-22,
	0x1.c76bbb3f07a4dp-23, 0x1.af5a6cbbf8a97p-24, 0x1.99b93c2070b0fp-25, 0x1.862c734df3eacp-26,
	0x1.7469daccfadcdp-27, 0x1.6434a8447aeadp-28, 0x1.555a877ffd2c3p-29, 0x1.47b1679258d0ep-30,
	0x1.3b15d2b2fc10cp-31, 0x1.2f69a9fabe3e0p-32, 0x1.24932a337434cp-33, 0x1.1a7c26ec2523cp-34
};

#define ONE_MINUS_EULER 0x1.b0ee6072093cep-2

/* ---- ln gamma ---- */

/* ln gamma(2 + z) for |z| <= 1/2 */
static double
lgamma_around_two(double z)
{
	double		sum = 0;
	int			k;

	for (k = lengthof(zeta_series) - 1; k >= 0; k--)
		sum = zeta_series[k] - z * sum;
	return z * (ONE_MINUS_EULER + z * sum);
}

/* What Stirling's formula leaves: ln gamma(x) - ((x - 1/2) ln x - x + ln sqrt(2 pi)), x >= 10 */
static double
stirling_rest(double x)
{
	double		y = 1 / (x * x);

	return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (
		1.0 / 1188 - y * (691.0 / 360360 - y * (1.0 / 156 - y * (3617.0 / 122400)))))))) / x;
}

/* The logarithm of gamma(x) for x > 0; infinity for 0 and infinity, NaN below and for NaN. */
double
segment_lgamma(double x)
{
	double		product = 1;

	if (!(x > 0) || x == HUGE_VAL)
		return x == 0 || x == HUGE_VAL ? HUGE_VAL : NOT_A_NUMBER;
	if (x >= STIRLING_FROM)
		return (x - 0.5) * (segment_log(x) - 1) + (LN_SQRT_2_PI - 0.5 + stirling_rest(x));
	if (x < 0.5)
		return lgamma_around_two(x) - segment_log1p(x) - segment_log(x);
	if (x < 1.5)
		return lgamma_around_two(x - 1) - segment_log1p(x - 1);
	while (x > 2.5)
	{
		x -= 1;
		product *= x;
	}
	return lgamma_around_two(x - 2) + segment_log(product);
}

/*
 * The derivative of ln gamma(x) for x > 0, by Stirling's series from 10 on and
 * digamma(x) = digamma(x + 1) - 1/x below; -infinity for 0, NaN below and for NaN.
 */
double
segment_digamma(double x)
{
	double		below = 0;
	double		y;

	if (!(x > 0) || x == HUGE_VAL)
		return x == 0 ? -HUGE_VAL : x == HUGE_VAL ? x : NOT_A_NUMBER;
	for (; x < STIRLING_FROM; x += 1)
		below += 1 / x;
	y = 1 / (x * x);
	return segment_log(x) - 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (
		1.0 / 240 - y * (1.0 / 132 - y * (691.0 / 32760 - y * (1.0 / 12))))))) - below;
}

/* ---- the incomplete gamma function ---- */

/* m - ln(1 + m) for m > -1, without what cancels where m is near 0 */
static double
log1p_rest(double m)
{
	double		s = m / (2 + m);
	double		power = s * s;
	double		square = power;
	double		sum = 0;
	double		n;

	if (m < -0.5 || m > 0.5)
		return m - segment_log1p(m);
	/* ln(1 + m) = 2 s + 2 s^3/3 + 2 s^5/5 + ..., and m - 2 s = m s */
	for (n = 3; n < 80; n += 2)
	{
		double		term = 2 / n * power;

		sum += term;
		if (term <= NEGLIGIBLE * sum)
			break;
		power *= square;
	}
	return s * (m - sum);
}

/* x^a e^-x / gamma(a + 1) */
static double
density(double a, double x)
{
	if (a < LARGE_A)
		return segment_exp(a * segment_log(x) - x - segment_lgamma(a + 1));
	return segment_exp(-a * log1p_rest((x - a) / a) - stirling_rest(a)) / sqrt(2 * PI * a);
}

/* P / density: 1 + x / (a + 1) + x^2 / ((a + 1)(a + 2)) + ... */
static double
lower_series(double a, double x)
{
	double		term = 1;
	double		sum = 1;
	double		n;

	for (n = a + 1; term > NEGLIGIBLE * sum; n += 1)
	{
		term *= x / n;
		sum += term;
	}
	return sum;
}

/* Q / (a density): 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...))) */
static double
upper_fraction(double a, double x)
{
	const double tiny = 0x1p-1000;
	double		b = x + 1 - a;
	double		c = 1 / tiny;
	double		d = 1 / b;
	double		result = d;
	double		factor = 0;
	double		i;

	for (i = 1; fabs(factor - 1) > 0x1p-53 && i < 1e7; i += 1)
	{
		double		numerator = i * (a - i);

		b += 2;
		d = numerator * d + b;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = b + numerator / c;
		c = fabs(c) < tiny ? tiny : c;
		factor = c * d;
		result *= factor;
	}
	return result;
}

/* Q for large a and x next to it: erfc(eta sqrt(a/2)) / 2 + R, or P from the other side */
static double
temme(double a, double x, bool upper)
{
	/* of 1/m - 1/eta by powers of eta */
	static const double series[] = {
		-1.0 / 3, 1.0 / 12, -2.0 / 135, 1.0 / 864, 1.0 / 2835, -139.0 / 777600, 1.0 / 25515
	};
	double		m = (x - a) / a;
	double		rest = log1p_rest(m);
	double		eta = m < 0 ? -sqrt(2 * rest) : sqrt(2 * rest);
	double		c = 0;
	double		tail;
	int			k;

	if (fabs(eta) < 0.01)
		for (k = lengthof(series) - 1; k >= 0; k--)
			c = series[k] + eta * c;
	else
		c = 1 / m - 1 / eta;
	tail = segment_exp(-a * rest) / sqrt(2 * PI * a) * c;
	if (upper)
		return segment_erfc(eta * sqrt(a / 2)) / 2 + tail;
	return segment_erfc(-eta * sqrt(a / 2)) / 2 - tail;
}

/* The smaller of P and Q is worked out, and is the one that keeps its digits. */
static double
incomplete_gamma(double a, double x, bool upper)
{
	double		result;

	if (!(a > 0 && x >= 0) || a == HUGE_VAL)
		return NOT_A_NUMBER;
	if (x == 0 || x == HUGE_VAL)
		return upper == (x == 0) ? 1 : 0;
	if (a >= TEMME_FROM && fabs(x - a) < 0.1 * a)
		result = temme(a, x, upper);
	else if (x < a + 1)
	{
		result = density(a, x) * lower_series(a, x);
		result = upper ? 1 - result : result;
	}
	else
	{
		result = a * density(a, x) * upper_fraction(a, x);
		result = upper ? result : 1 - result;
	}
	return result < 0 ? 0 : result > 1 ? 1 : result;
}

/* P(a, x), the part of the integral of t^(a - 1) e^-t below x; NaN unless a > 0 and x >= 0. */
double
segment_gamma_p(double a, double x)
{
	return incomplete_gamma(a, x, false);
}

/* Q(a, x) = 1 - P(a, x), the part above x. */
double
segment_gamma_q(double a, double x)
{
	return incomplete_gamma(a, x, true);
}

/* ---- tails ---- */

/* The complementary error function: 2 / sqrt(pi) times the integral of e^-t^2 above x. */
double
segment_erfc(double x)
{
	double		high;
	double		square;
	double		density;

	if (x != x)
		return x;
	if (x < 0)
		return 2 - segment_erfc(-x);
	if (x > 27)
		return 0;
	/* the upper half of the digits, whose square is exact */
	high = segment_bits_double(segment_double_bits(x) & UINT64CONST(0xFFFFFFFFF8000000));
	square = x * x;
	density = segment_exp(-high * high) * segment_exp((high - x) * (high + x));
	if (x < 1.5)
		return 1 - TWO_OVER_SQRT_PI * x * density * lower_series(0.5, square);
	return ONE_OVER_SQRT_PI * x * density * upper_fraction(0.5, square);
}

/* The probability of a value above x under chi squared with df degrees of freedom. */
double
segment_chi_squared_p(double x, double df)
{
	return segment_gamma_q(df / 2, x / 2);
}

/*
 * The probability of a value above x under the distribution of Kolmogorov, the limit of
 * sqrt(n) times the largest distance of two distribution functions:
 * 2 (e^(-2 x^2) - e^(-8 x^2) + e^(-18 x^2) - ...), and for small x, where that converges
 * slowly, 1 - sqrt(2 pi) / x (e^(-pi^2 / (8 x^2)) + e^(-9 pi^2 / (8 x^2)) + ...).
 */
double
segment_kolmogorov_p(double x)
{
	double		sum = 0;
	double		sign = 1;
	int			k;

	if (x != x)
		return x;
	if (x <= 0)
		return 1;
	if (x < 1)
	{
		for (k = 1; k < 20; k += 2)
			sum += segment_exp(-(k * k) * (PI * PI / 8) / (x * x));
		sum = 1 - sqrt(2 * PI) / x * sum;
		return sum > 1 ? 1 : sum;
	}
	for (k = 1; k < 20; k++, sign = -sign)
		sum += sign * segment_exp(-2.0 * (k * k) * x * x);
	return 2 * sum;
}
