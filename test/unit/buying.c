/*
 * buying.c: models of buying: values of 40 digits, gradients against differences of the
 * likelihood, parameters found again in simulated customers, histories at the edge.
 */
#include "kernel/predict/buying.h"

#include <math.h>

#include "kernel/base/elementary.h"
#include "kernel/base/gamma.h"
#include "kernel/base/beta.h"
#include "kernel/base/hypergeometric.h"
#include "tap.h"

#define CUSTOMERS 6000

static const char *const model_name[] = {"BG/NBD", "MBG/NBD", "Pareto/NBD", "BG/BB", "gamma-gamma"};

static bool
close_to(double came, double expected, double relative)
{
	return fabs(came - expected) <= relative * fabs(expected) || came == expected;
}

static SegmentHistory history[CUSTOMERS];

/* gamma of Marsaglia and Tsang, with a normal of Box and Muller */
static double
random_gamma(double shape)
{
	double		d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
	double		c = 1 / sqrt(9 * d);

	for (;;)
	{
		double		z = sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
		double		v = pow(1 + c * z, 3);

		if (v > 0 && log(1 - uniform()) < 0.5 * z * z + d - d * v + d * log(v))
			return d * v * (shape < 1 ? pow(1 - uniform(), 1 / shape) : 1);
	}
}

static double
random_beta(double a, double b)
{
	double		x = random_gamma(a);

	return x / (x + random_gamma(b));
}

static double
random_exponential(double rate)
{
	return -log(1 - uniform()) / rate;
}

static void
simulate(SegmentBuyingModel model, const double *p, SegmentHistory *h)
{
	double		rate = random_gamma(p[0]) / p[1];
	double		stop = random_beta(p[2], p[3]);
	double		death = HUGE_VAL;
	double		at = 0;

	h->x = h->last = 0;
	h->weight = 1;
	h->length = 20 + 20 * uniform();
	if (model == SEGMENT_BGBB)
	{
		double		buys = random_beta(p[0], p[1]);

		h->length = 10;
		for (at = 1; at <= h->length && uniform() >= stop; at++)
			if (uniform() < buys)
			{
				h->x++;
				h->last = at;
			}
		return;
	}
	if (model == SEGMENT_GAMMA_GAMMA)
	{
		h->x = 1 + floor(5 * uniform());
		h->last = random_gamma(p[0] * h->x) / h->x / (random_gamma(p[1]) / p[2]);
		return;
	}
	if (model == SEGMENT_PARETO_NBD)
		death = random_exponential(random_gamma(p[2]) / p[3]);
	else if (model == SEGMENT_MBGNBD && uniform() < stop)
		return;
	for (;;)
	{
		at += random_exponential(rate);
		if (!(at < Min(h->length, death)))
			return;
		h->x++;
		h->last = at;
		if (model != SEGMENT_PARETO_NBD && uniform() < stop)
			return;
	}
}

static int
by_x(const void *a, const void *b)
{
	double		d = ((const SegmentHistory *) a)->x - ((const SegmentHistory *) b)->x;

	return d < 0 ? -1 : d > 0;
}

static const double truth[][4] = {
	{0.6, 4.4, 0.8, 2.4}, {0.6, 6.2, 0.9, 1.6}, {0.55, 10.6, 0.6, 11.7}, {1.2, 0.75, 0.66, 2.8},
	{6.25, 3.74, 15.44, 0}
};

static double worst_gradient = 0;

/* by central differences of two widths, which leaves the fourth order */
static void
check_gradient(SegmentBuyingModel model, const double *at, const SegmentHistory *h, int64 n)
{
	SegmentHistories histories = {model, n, 1, h, NULL};
	double		gradient[4];
	double		other[4];
	int			k;

	(void) segment_buying_likelihood(&histories, at, gradient);
	for (k = 0; k < (model == SEGMENT_GAMMA_GAMMA ? 3 : 4); k++)
	{
		double		d[2];
		double		scale = 0;
		int			i;

		for (i = 0; i < 2; i++)
		{
			double		p[4];
			double		step = (i + 1) * 1e-3 * at[k];
			double		up;

			memcpy(p, at, sizeof(p));
			p[k] = at[k] + step;
			up = segment_buying_likelihood(&histories, p, other);
			scale = Max(scale, fabs(up));
			p[k] = at[k] - step;
			d[i] = (up - segment_buying_likelihood(&histories, p, other)) / (2 * step);
		}
		d[0] = (4 * d[0] - d[1]) / 3;
		worst_gradient = Max(worst_gradient, fabs(d[0] - gradient[k]) * at[k] /
							 (1 + scale + fabs(gradient[k] * at[k])));
	}
}

static void
gradients(void)
{
	static const SegmentHistory edge[] = {
		{0, 0, 0, 1}, {0, 0, 40, 2}, {1, 1, 39, 1}, {3, 12, 12, 1}, {200, 230, 240, 1}, {2000, 2030, 9000, 1},
		{4, 20, 20000, 1}
	};
	int			model;
	int			i;

	for (model = SEGMENT_BGNBD; model <= SEGMENT_GAMMA_GAMMA; model++)
	{
		worst_gradient = 0;
		for (i = model == SEGMENT_GAMMA_GAMMA ? 2 : 0; i < (int) lengthof(edge); i++)
			check_gradient(model, truth[model], &edge[i], 1);
		ok(worst_gradient < 1e-8, model_name[model]);
		if (worst_gradient >= 1e-9)
			printf("# gradient off by %g\n", worst_gradient);
	}
}

static void
recovery(void)
{
	int			model;

	for (model = SEGMENT_BGNBD; model <= SEGMENT_GAMMA_GAMMA; model++)
	{
		SegmentHistories histories = {model, CUSTOMERS, 1, history, NULL};
		SegmentMaximum maximum = {0};
		double		worst = 0;
		int			i;

		for (i = 0; i < CUSTOMERS; i++)
			simulate(model, truth[model], &history[i]);
		qsort(history, CUSTOMERS, sizeof(SegmentHistory), by_x);
		ok(segment_buying_fit(&histories, &maximum) == SEGMENT_DONE && maximum.converged,
		   model_name[model]);
		for (i = 0; i < maximum.n; i++)
			worst = Max(worst, fabs(maximum.parameter[i] - truth[model][i]) / maximum.error[i]);
		ok(worst < 3.5, "parameters of simulated customers, within 3.5 standard errors");
		printf("# %s: %d steps; %.3g %.3g %.3g %.3g, off by %.2f errors\n", model_name[model], maximum.steps,
			   maximum.parameter[0], maximum.parameter[1], maximum.parameter[2], maximum.parameter[3],
			   worst);
	}
}

static void
functions(void)
{
	static const double digamma[][2] = {
		{0.001, -1000.5755719318102797}, {0.3, -3.5025242222001331249}, {1.0, -0.57721566490153286061},
		{2.5, 0.70315664064524318723}, {9.99, 2.250700372831201122}, {10.0, 2.2517525890667211076},
		{171.5, 5.1416649814339996289}, {1e6, 13.815510057964190771}
	};
#include "buying_values.h"
	double		worst = 0;
	int			i;

	for (i = 0; i < (int) lengthof(digamma); i++)
		worst = Max(worst, fabs(segment_digamma(digamma[i][0]) / digamma[i][1] - 1));
	ok(worst < 1e-14, "digamma");
	for (worst = 0, i = 0; i < (int) lengthof(hypergeometric); i++)
	{
		const double *v = hypergeometric[i];
		double		off = fabs(segment_hypergeometric_rest(v[0], v[1], v[2], v[3]) / v[4] - 1);

		if (off > 1e-12)
			printf("# 2F1 %g %g %g %g: off by %g\n", v[0], v[1], v[2], v[3], off);
		worst = Max(worst, off);
	}
	ok(worst < 1e-12, "c (2F1 - 1) / b");
	for (worst = 0, i = 0; i < (int) lengthof(beta); i++)
	{
		const double *v = beta[i];
		double		off = fabs(segment_beta_i(v[0], v[1], v[2]) / v[3] - 1);

		if (off > 1e-11)
			printf("# beta %g %g %g: off by %g\n", v[0], v[1], v[2], off);
		worst = Max(worst, off);
	}
	ok(worst < 1e-11, "incomplete beta function");
	ok(isnan(segment_hypergeometric_rest(1, 1, -1, 0.5)) && isnan(segment_hypergeometric_rest(1, 1, 1, 1)) &&
	   isnan(segment_beta_i(0, 1, 0.5)) && isnan(segment_beta_i(1, 1, 1.5)), "no such value");
}

/* What must hold of any history and any model. */
static void
edges(void)
{
	static const SegmentHistory edge[] = {
		{0, 0, 0, 1}, {0, 0, 10000, 1}, {1, 1, 1, 1}, {1000, 10000, 10000, 1}, {1000, 1000, 10000, 1},
		{5000, 6000, 6001, 1}, {3, 4, 20000, 1}
	};
	static const double odd[][4] = {{1e-3, 1e-3, 1e-3, 1e-3}, {1e3, 1e3, 1e3, 1e3}, {1, 1, 1, 1}};
	bool		fine = true;
	int			model;
	int			i;
	int			j;

	for (model = SEGMENT_BGNBD; model <= SEGMENT_BGBB; model++)
		for (i = 0; i < (int) lengthof(edge); i++)
			for (j = 0; j < (int) lengthof(odd); j++)
			{
				const SegmentHistory *h = &edge[i];
				SegmentHistories one = {model, 1, 1, h, NULL};
				double		g[4];
				double		ll = segment_buying_likelihood(&one, odd[j], g);
				double		alive = segment_buying_alive(model, odd[j], h);
				double		near = segment_buying_expected(model, odd[j], h, 10, NULL);
				double		far = segment_buying_expected(model, odd[j], h, 1000, NULL);
				double		p1 = segment_buying_at_least(model, odd[j], h, 10, 1, NULL);
				double		p2 = segment_buying_at_least(model, odd[j], h, 10, 2, NULL);
				bool		good = isfinite(ll) && isfinite(g[0] + g[1] + g[2] + g[3]) &&
					alive >= 0 && alive <= 1 && near >= 0 && far >= near && isfinite(far) &&
					p1 >= p2 && p2 >= 0 && p1 <= 1 && p1 <= near * (1 + 1e-12);

				if (!good)
					printf("# %s, history %d, parameters %d: %g %g, alive %g, %g %g, %g %g\n", model_name[model],
						   i, j, ll, g[0] + g[1] + g[2] + g[3], alive, near, far, p1, p2);
				fine = fine && good;
			}
	ok(fine, "finite and consistent for histories at the edge");
}

/* The wait for a purchase is where its probability is. */
static void
waits(void)
{
	static const SegmentHistory h = {3, 20, 24, 1};
	bool		fine = true;
	int			model;

	for (model = SEGMENT_BGNBD; model <= SEGMENT_BGBB; model++)
	{
		double		t = segment_buying_wait(model, truth[model], &h, 0.3, NULL);
		double		p = segment_buying_at_least(model, truth[model], &h, t, 1, NULL);

		if (model == SEGMENT_BGBB)
			fine = fine && p >= 0.3 && segment_buying_at_least(model, truth[model], &h, t - 1, 1, NULL) < 0.3;
		else
			fine = fine && close_to(p, 0.3, 1e-10);
		fine = fine && isnan(segment_buying_wait(model, truth[model], &h, 0.9999, NULL));
	}
	ok(fine, "waiting for the next purchase");
}

/* Likelihoods of single customers: asserted by PyMC-Marketing, and of 40 digits by mpmath. */
static void
likelihoods(void)
{
	static const struct
	{
		SegmentBuyingModel model;
		double		p[4];
		SegmentHistory h;
		double		value;
		double		within;
	}			known[] = {
		{SEGMENT_BGNBD, {.25, 4, .8, 2.5}, {0, 0, 40, 1}, -0.59947382, 1e-8},
		{SEGMENT_BGNBD, {.25, 4, .8, 2.5}, {200, 38, 40, 1}, 100.7957, 1e-4},
		{SEGMENT_MBGNBD, {.25, 4, .8, 2.5}, {0, 0, 40, 1}, -0.41792826, 1e-8},
		{SEGMENT_MBGNBD, {.25, 4, .8, 2.5}, {200, 38, 40, 1}, 100.7869, 1e-4},
		{SEGMENT_BGNBD, {.243, 4.414, .793, 2.426}, {2, 30.43, 38.86, 1}, -9.45860630706627, 1e-12},
		{SEGMENT_BGNBD, {.243, 4.414, .793, 2.426}, {200, 38, 40, 1}, 98.804174928869, 1e-11},
		{SEGMENT_MBGNBD, {.525, 6.183, .891, 1.614}, {1, 1.71, 38.86, 1}, -4.46036061258432, 1e-12},
		{SEGMENT_PARETO_NBD, {.5534, 10.5802, .6061, 11.6562}, {2, 30.43, 38.86, 1}, -9.55451069461442, 1e-12},
		{SEGMENT_PARETO_NBD, {.5534, 10.5802, .6061, 11.6562}, {26, 30.86, 31, 1}, -39.1321278835061, 1e-11}
	};
	int			i;

	for (i = 0; i < (int) lengthof(known); i++)
	{
		SegmentHistories one = {known[i].model, 1, 1, &known[i].h, NULL};
		double		g[4];
		double		off = fabs(segment_buying_likelihood(&one, known[i].p, g) - known[i].value);

		ok(off <= known[i].within, "likelihood of one customer");
		if (off > known[i].within)
			printf("# %d: off by %g\n", i, off);
	}
}

int
main(void)
{
	functions();
	likelihoods();
	gradients();
	edges();
	waits();
	recovery();
	return done();
}
