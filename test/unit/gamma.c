/*
 * gamma.c: the gamma function and its kin compared with values of 20 digits, which mpmath
 * worked out with 40 and more.
 */
#include "kernel/base/gamma.h"

#include <math.h>

#include "kernel/base/hash.h"
#include "tap.h"

typedef struct One
{
	double		x;
	double		value;
} One;

typedef struct Two
{
	double		a;
	double		x;
	double		p;
	double		q;
} Two;

static const One log_gamma[] = {
	{1e-300, 690.77552789821370518}, {1e-10, 23.025850929882735237},
	{0.001, 6.9071788853838536617}, {0.3, 1.0957979948180755606}, {0.5, 0.57236494292470008707},
	{0.75, 0.20328095143129537148}, {0.999, 0.00057803853289138023817}, {1.0, 0.0},
	{1.000001, -5.7721484238741466506e-7}, {1.25, -0.098271836421813161464},
	{1.4616321449683622, -0.1214862905358496081}, {1.75, -0.084401121020485555958},
	{1.99999, -4.2278111042416735176e-6}, {2.0, 0.0}, {2.5, 0.28468287047291915963},
	{3.0, 0.69314718055994530942}, {5.5, 3.9578139676187162939}, {9.99, 12.77931521435019336},
	{10.0, 12.801827480081469611}, {25.0, 54.78472939811231919}, {171.5, 709.14316303092824227},
	{10000.0, 82099.717496442377273}, {10000000000.0, 220258509288.81058147},
	{1e+300, 6.8977552789821374147e+302}
};

static const Two incomplete[] = {
	{0.5, 0.1, 0.34527915398142297956, 0.65472084601857702044},
	{0.5, 3.0, 0.98569412156457036047, 0.014305878435429639526},
	{0.5, 300.0, 1.0, 1.674167984691787762e-132},
	{1e-05, 0.5, 0.99999440223471457734, 5.5977652854226602134e-6},
	{1.0, 1.0, 0.6321205588285576784, 0.3678794411714423216},
	{1.0, 30.0, 0.99999999999990642377, 9.3576229688401746049e-14},
	{2.5, 2.5, 0.58411981300449207972, 0.41588018699550792028},
	{4.5, 8.906736538, 0.96259970299015182915, 0.037400297009848170854},
	{10.0, 3.0, 0.0011024881301154797421, 0.99889751186988452026},
	{10.0, 40.0, 0.99999999607406777371, 3.9259322262861881947e-9},
	{19.9, 19.0, 0.4483700134285343084, 0.5516299865714656916},
	{20.0, 20.0, 0.52974273316076001269, 0.47025726683923998731},
	{20.0, 5.0, 3.4521358209144602461e-7, 0.99999965478641790855},
	{50.0, 120.0, 0.99999999999983991773, 1.6008226793344828707e-13},
	{100.0, 100.0, 0.51329879827914866486, 0.48670120172085133514},
	{100.0, 90.0, 0.1582209891864301681, 0.8417790108135698319},
	{500.0, 700.0, 0.99999999999999929679, 7.0321456418285894787e-16},
	{1000.0, 1000.0, 0.5042052441802155085, 0.4957947558197844915},
	{1000.0, 800.0, 5.5014197761792281398e-12, 0.99999999999449858022},
	{12345.5, 12600.0, 0.98863547787410919048, 0.011364522125890809522},
	{100000.0, 99000.0, 0.00075741992117476797412, 0.99924258007882523203},
	{1000000.0, 1002000.0, 0.97719590410123013724, 0.022804095898769862758},
	{1000000.0, 995000.0, 2.7495803592700707538e-7, 0.99999972504196407299},
	{100000000.0, 100000000.0, 0.50001329807601411987, 0.49998670192398588013},
	{100000000.0, 100050000.0, 0.99999971215703131472, 2.8784296868527810513e-7},
	{100000000.0, 99970000.0, 0.0013487164491615505918, 0.99865128355083844941},
	{10000000000.0, 10000300000.0, 0.99864998378330809348, 0.0013500162166919065198},
	{10000000000.0, 9999500000.0, 2.8653265451088905962e-7, 0.99999971346734548911},
	{1000000000000.0, 1000000000000.0, 0.50000013298076013381, 0.49999986701923986619},
	{3.0, 600.0, 1.0, 4.7866426786913153774e-256}, {0.5, 650.0, 1.0, 1.1303728441492742445e-284},
	{200.0, 1000.0, 1.0, 1.6065441803414136596e-210}
};

static const One error_function[] = {
	{-6.0, 1.9999999999999999785}, {-2.5, 1.9995930479825550411}, {-0.5, 1.5204998778130465377},
	{-1e-10, 1.0000000001128379167}, {0.0, 1.0}, {1e-20, 0.99999999999999999999},
	{1e-08, 0.99999998871620832904}, {0.1, 0.8875370839817151016}, {0.5, 0.47950012218695346232},
	{0.9, 0.20309178757716786034}, {1.2, 0.089686021770364631634},
	{1.49, 0.035102135156795788985}, {1.5, 0.033894853524689272933},
	{2.0, 0.0046777349810472658379}, {3.3, 3.0577097964381651988e-6},
	{5.0, 1.5374597944280348502e-12}, {7.1, 1.0073402520858439065e-23},
	{10.4, 5.7426930460766631126e-49}, {15.0, 7.2129941724512066666e-100},
	{20.7, 2.2085481102488884182e-188}, {26.1, 3.0812174933145933397e-298}
};

static const One kolmogorov[] = {
	{0.05, 1.0}, {0.2, 0.99999999999949495927}, {0.5, 0.96394524366487509439},
	{0.7, 0.71123519502968924868}, {0.99, 0.28087383922554892176}, {1.0, 0.2699996716773545212},
	{1.01, 0.25943416909359744282}, {1.2238478702170825, 0.099999999999999934088},
	{1.3580986393225507, 0.049999999999999972718}, {1.6276236115189504, 0.0099999999999999959757},
	{3.0, 3.0459959489425256872e-8}, {6.0, 1.0760372320042276828e-31},
	{15.0, 7.3877661369745124376e-196}
};

/* The largest error of n values as a share of them, or of `least` where they are smaller. */
static double
worst_of(const One *rows, int n, double (*function) (double), double least)
{
	double		worst = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		double		error = fabs(function(rows[i].x) - rows[i].value);

		worst = fmax(worst, error == 0 ? 0 : error / fmax(fabs(rows[i].value), least));
	}
	return worst;
}

static void
below(double error, double limit, const char *what)
{
	char		line[200];

	snprintf(line, sizeof(line), "%s: off by at most %g, measured %.3g", what, limit, error);
	ok(error <= limit, line);
}

static void
test_values(void)
{
	double		worst_p = 0;
	double		worst_q = 0;
	double		worst_sum = 0;
	int			i;

	below(worst_of(log_gamma, lengthof(log_gamma), segment_lgamma, 1e-300), 4e-16, "ln gamma");
	for (i = 0; i < (int) lengthof(incomplete); i++)
	{
		const Two  *t = &incomplete[i];
		double		p = segment_gamma_p(t->a, t->x);
		double		q = segment_gamma_q(t->a, t->x);
		/* where the other one is nearly 1, this one keeps its digits for a from 1/2 on */
		double		least = t->a < 0.5 ? 1 : 1e-300;

		worst_p = fmax(worst_p, fabs(p - t->p) / fmax(t->p, least));
		worst_q = fmax(worst_q, fabs(q - t->q) / fmax(t->q, least));
		worst_sum = fmax(worst_sum, fabs(p + q - 1));
	}
	below(worst_p, 2e-13, "incomplete gamma function, lower");
	below(worst_q, 2e-13, "incomplete gamma function, upper");
	below(worst_sum, 2e-16, "their sum");
	below(worst_of(error_function, lengthof(error_function), segment_erfc, 1e-310), 1e-14, "erfc");
	below(worst_of(kolmogorov, lengthof(kolmogorov), segment_kolmogorov_p, 1e-300), 2e-13,
		  "distribution of Kolmogorov");
	below(fabs(segment_chi_squared_p(17.8134730766, 9) / 0.0374002970021 - 1), 1e-10,
		  "chi squared, a published figure");
	below(fabs(segment_chi_squared_p(39.2156862745, 1) / 3.79479188314e-10 - 1), 1e-10,
		  "chi squared, another");
}

/* Equal to itself where the ways of working it out meet, and never going the wrong way. */
static void
test_continuous(void)
{
	bool		q_falls = true;
	bool		bounded = true;
	double		jump = 0;
	int			i;

	for (i = 0; i < 3000; i++)
	{
		double		a = exp(uniform() * 28 - 4);
		double		x = a * (0.5 + uniform());
		double		q = segment_gamma_q(a, x);
		double		further = segment_gamma_q(a, x * (1 + 1e-6));

		q_falls = q_falls && further <= q * (1 + 1e-12) + 1e-15;
		bounded = bounded && q >= 0 && q <= 1 && segment_gamma_p(a, x) >= 0;
	}
	ok(q_falls, "the upper part falls");
	ok(bounded, "both stay between 0 and 1");
	for (i = 0; i < 200; i++)
	{
		double		a = 0.5 * (i + 1);

		jump = fmax(jump, fabs(segment_gamma_q(a, a + 1) / segment_gamma_q(a, (a + 1) * (1 - 1e-16)) - 1));
	}
	below(jump, 2e-13, "series and fraction meet");
	jump = 0;
	for (i = -40; i <= 40; i++)
	{
		double		a = 1e8;
		double		x = a + i * 1e3;
		double		below_it = a * (1 - 1e-15);

		jump = fmax(jump, fabs(segment_gamma_q(a, x) / segment_gamma_q(below_it, x) - 1));
	}
	below(jump, 5e-11, "and the expansion for large a meets them");
	below(fabs(segment_erfc(1.5) / segment_erfc(nextafter(1.5, 0)) - 1), 1e-14, "erfc meets at 1.5");
	below(fabs(segment_kolmogorov_p(1) / segment_kolmogorov_p(nextafter(1, 0)) - 1), 1e-14,
		  "so does Kolmogorov's at 1");
}

static void
test_special(void)
{
	ok(segment_lgamma(0) == HUGE_VAL && segment_lgamma(HUGE_VAL) == HUGE_VAL &&
	   isnan(segment_lgamma(-1)) && isnan(segment_lgamma(NAN)) && segment_lgamma(1) == 0 &&
	   segment_lgamma(2) == 0, "ln gamma of 0, 1, 2, infinity, negative numbers and NaN");
	ok(segment_gamma_p(2, 0) == 0 && segment_gamma_q(2, 0) == 1 &&
	   segment_gamma_p(2, HUGE_VAL) == 1 && segment_gamma_q(2, HUGE_VAL) == 0,
	   "incomplete gamma function of 0 and infinity");
	ok(isnan(segment_gamma_p(0, 1)) && isnan(segment_gamma_p(-1, 1)) && isnan(segment_gamma_q(1, -1)) &&
	   isnan(segment_gamma_q(NAN, 1)) && isnan(segment_gamma_q(1, NAN)) && isnan(segment_gamma_q(HUGE_VAL, 1)),
	   "and of what it is not defined for");
	ok(segment_gamma_q(5, 1e300) == 0 && segment_gamma_p(1e300, 5) == 0 && segment_gamma_q(1e300, 5) == 1,
	   "far away nothing is left");
	ok(segment_erfc(HUGE_VAL) == 0 && segment_erfc(-HUGE_VAL) == 2 && isnan(segment_erfc(NAN)),
	   "erfc of infinities and NaN");
	ok(segment_kolmogorov_p(0) == 1 && segment_kolmogorov_p(-1) == 1 && segment_kolmogorov_p(1e-300) == 1 &&
	   segment_kolmogorov_p(HUGE_VAL) == 0 && isnan(segment_kolmogorov_p(NAN)),
	   "Kolmogorov's of 0, infinity and NaN");
}

int
main(void)
{
	test_values();
	test_continuous();
	test_special();
	return done();
}
