/*
 * buying.c: models of how customers buy until they stop, and of what they spend.
 *
 * BG/NBD (Fader, Hardie, Lee 2005): while alive, purchases at a rate that is Gamma(r, alpha)
 *	among customers; after each repeat purchase the customer stops with a probability that
 *	is Beta(a, b).  MBG/NBD (Batislam, Denizel, Filiztekin 2007; Hoppe, Wagner 2007): the
 *	same, but one may stop after the first purchase, too.  With k = x (MBG: x + 1) chances
 *	to stop passed by, q = r + x and D = ln((alpha + T) / (alpha + t_x)), a customer has
 *	stopped with the odds a / (b + k - 1) e^(q D), which is kept as a logarithm: naive
 *	forms overflow (Hardie, note 027).
 *
 * Pareto/NBD (Schmittlein, Morrison, Colombo 1987): the rate of stopping is Gamma(s, beta).  The
 *	likelihood is worked out as the integral over the time of stopping that it is, where
 *	all is positive and its derivatives are integrals like it:
 *
 *		(alpha + T)^-q (beta + T)^-s + s int (alpha + t)^-q (beta + t)^-(s + 1) dt, t_x to T
 *
 * BG/BB (Fader, Hardie, Shang 2010): opportunities in place of time; sums in place of integrals
 *	(bgbb.c).
 *
 * Gamma-gamma (Colombo, Jiang 1999; Fader, Hardie, note 025): values are Gamma(p, nu), nu is
 *	Gamma(q, gamma) among customers.
 *
 * Expected purchases of BG/NBD are the hypergeometric function after Euler's transformation:
 *	what was a difference of large numbers for a near 1 is then
 *	-c expm1(d L) / d - e^(d L) F,  d = a - 1,  c = b + k + d,  L = -ln(1 + t / (alpha + T)).
 *
 * Rows are sorted by x, so that gamma functions are worked out once for each x.
 */
#include "kernel/predict/buying.h"

#include "kernel/base/elementary.h"
#include "kernel/base/gamma.h"
#include "kernel/base/beta.h"
#include "kernel/base/hypergeometric.h"
#include "kernel/predict/bgbb.h"

#define NOT_A_NUMBER	segment_bits_double(UINT64CONST(0x7FF8000000000000))

/* beyond this many e-foldings an integrand adds nothing */
#define E_FOLDINGS		45.0
#define PANEL			2.0		/* of the logarithm of time, that one rule of 32 points does */
#define ROWS_A_CHECK	4096

/* Gauss-Legendre's 32 points of an interval of length 1: distance from the middle, weight */
static const double legendre[][2] = {
	{0x1.fe995e70409b6p-2, 0x1.cbf8bc743cc5cp-9},
	{0x1.f8a212714bcdcp-2, 0x1.0aa3c248696c9p-7},
	{0x1.edf5518053baap-2, 0x1.a0060a8531ffap-7},
	{0x1.deac0259f7f42p-2, 0x1.18c5800a355d9p-6},
	{0x1.caea9b4574cb9p-2, 0x1.5ee963a335495p-6},
	{0x1.b2e04fd686a13p-2, 0x1.a1c6ae961fbfap-6},
	{0x1.96c69481c4bc5p-2, 0x1.e0bd76c924981p-6},
	{0x1.76e0931d693bap-2, 0x1.0d9b9a62cac10p-5},
	{0x1.537a89c487f8ap-2, 0x1.2854103b35e0cp-5},
	{0x1.2ce9146962ca4p-2, 0x1.40483e126fd14p-5},
	{0x1.038862866b29dp-2, 0x1.553ee25ebebc6p-5},
	{0x1.af76b57c6f8f1p-3, 0x1.6705e18e13ed1p-5},
	{0x1.53d55ce57bdf6p-3, 0x1.7572bdb3f6e51p-5},
	{0x1.ea0f7e19c094bp-4, 0x1.8062fc0f6fef9p-5},
	{0x1.27e0ea717f237p-4, 0x1.87bc776f8c6d7p-5},
	{0x1.8bbc8488cc499p-6, 0x1.8b6d9eaec77adp-5},
};

/* Whether a history can be one; times have any unit, counts are whole. */
bool
segment_history_valid(SegmentBuyingModel model, double x, double last, double length)
{
	if (!(x >= 0 && x < 1e15 && x == floor(x) && last >= 0 && last < HUGE_VAL))
		return false;
	if (model == SEGMENT_GAMMA_GAMMA)
		return x == 0 || last > 0;
	if (!(last <= length && length < 1e15 && (x > 0 || last == 0)))
		return false;
	return model != SEGMENT_BGBB || (last == floor(last) && length == floor(length) && x <= last &&
									 length <= SEGMENT_MOST_OPPORTUNITIES);
}

/* ---- BG/NBD and MBG/NBD ---- */

/* the chances to stop that a customer with x repeat purchases has passed by */
static inline double
passed(SegmentBuyingModel model, double x)
{
	return model == SEGMENT_MBGNBD ? x + 1 : x;
}

/* The logarithm of the odds of having stopped; -infinity where nobody can have. */
static double
stopped_odds(SegmentBuyingModel model, const double *p, const SegmentHistory *h)
{
	double		k = passed(model, h->x);

	if (k == 0)
		return -HUGE_VAL;
	return segment_log(p[2] / (p[3] + k - 1)) +
		(p[0] + h->x) * segment_log1p((h->length - h->last) / (p[1] + h->last));
}

/* of all rows with the same x: what does not depend on times */
typedef struct SameX
{
	double		x;
	double		k;
	double		value;
	double		gradient[4];
	double		odds;			/* logarithm of a / (b + k - 1) */
} SameX;

static void
same_x(SegmentBuyingModel model, const double *p, double x, SameX *same)
{
	double		k = passed(model, x);
	double		r = p[0];
	double		a = p[2];
	double		b = p[3];
	double		all = segment_digamma(a + b) - segment_digamma(a + b + k);

	same->x = x;
	same->k = k;
	same->value = segment_lgamma(r + x) - segment_lgamma(r) + r * segment_log(p[1]) +
		segment_lgamma(a + b) + segment_lgamma(b + k) - segment_lgamma(b) - segment_lgamma(a + b + k);
	same->gradient[0] = segment_digamma(r + x) - segment_digamma(r) + segment_log(p[1]);
	same->gradient[1] = r / p[1];
	same->gradient[2] = all;
	same->gradient[3] = all + segment_digamma(b + k) - segment_digamma(b);
	same->odds = k > 0 ? segment_log(a / (b + k - 1)) : 0;
}

static double
bgnbd_likelihood(const SegmentHistories *histories, const double *p, double *gradient)
{
	SameX		same = {.x = -1};
	double		sum = 0;
	double		rate = 0;		/* of the gradient, what is not in `same` */
	double		scale = 0;
	double		stop = 0;
	double		stay = 0;
	int64		i;
	int			j;

	for (j = 0; j < 4; j++)
		gradient[j] = 0;
	for (i = 0; i < histories->n; i += histories->stride)
	{
		const SegmentHistory *h = &histories->history[i];
		double		q = p[0] + h->x;
		double		end = p[1] + h->length;
		double		log_end = segment_log(end);

		if (h->x != same.x)
			same_x(histories->model, p, h->x, &same);
		for (j = 0; j < 4; j++)
			gradient[j] += h->weight * same.gradient[j];
		sum += h->weight * (same.value - q * log_end);
		rate -= h->weight * log_end;
		scale -= h->weight * q / end;
		if (same.k > 0)
		{
			double		last = p[1] + h->last;
			double		d = segment_log(end / last);
			double		odds = same.odds + q * d;
			double		small = segment_exp(-fabs(odds));
			double		stopped = h->weight * (odds > 0 ? 1 : small) / (1 + small);

			sum += h->weight * ((odds > 0 ? odds : 0) + segment_log(1 + small));
			rate += stopped * d;
			scale += stopped * q * (1 / end - 1 / last);
			stop += stopped;
			stay += stopped / (p[3] + same.k - 1);
		}
		if (i % ROWS_A_CHECK == 0 && histories->interrupted != NULL && histories->interrupted())
			break;
	}
	gradient[0] += rate;
	gradient[1] += scale;
	gradient[2] += stop / p[2];
	gradient[3] -= stay;
	return sum;
}

/* The probability of `least` purchases within t, of a customer who is there. */
static double
bgnbd_at_least(SegmentBuyingModel model, const double *p, const SegmentHistory *h, double t,
			   double least)
{
	/* not having stopped after any but the last, and so many in time */
	return Min(segment_exp(segment_beta_step(p[2], p[3] + passed(model, h->x), 0, least - 1)), 1) *
		segment_beta_i(least, p[0] + h->x, t / (p[1] + h->length + t));
}

/* Purchases within t from now on, of a customer who is there, by their probabilities. */
static double
bgnbd_sum(SegmentBuyingModel model, const double *p, const SegmentHistory *h, double t,
		  SegmentInterrupted interrupted)
{
	double		sum = 0;
	double		least;

	for (least = 1; least < 100000; least += 1)
	{
		double		term = bgnbd_at_least(model, p, h, t, least);

		sum += term;
		if (!(term > 0x1p-50 * sum))
			break;
		if (interrupted != NULL && interrupted())
			return NOT_A_NUMBER;
	}
	return sum;
}

/* Purchases within t from now on, of a customer who is there. */
static double
bgnbd_while_alive(SegmentBuyingModel model, const double *p, const SegmentHistory *h, double t,
				  SegmentInterrupted interrupted)
{
	double		d = p[2] - 1;
	double		c = p[3] + passed(model, h->x) + d;
	double		end = p[1] + h->length;
	double		l = -segment_log1p(t / end);
	double		rest;

	/* where factors are too large for numbers to hold */
	if (d > 30)
		return bgnbd_sum(model, p, h, t, interrupted);
	rest = segment_hypergeometric_rest(c - p[0] - h->x, d, c, t / (end + t));
	/* next to nothing may come out below it */
	return Max(c * (d == 0 ? -l : -segment_expm1(d * l) / d) - segment_exp(d * l) * rest, 0);
}

/* ---- Pareto/NBD ---- */

/* int e^(-q ln((alpha + t) / (alpha + from)) - (s + 1) ln((beta + t) / (beta + from))) dt */
typedef struct Stopping
{
	double		value;
	double		log_alpha;		/* times ln((alpha + t) / (alpha + from)) */
	double		log_beta;
	double		per_alpha;		/* times 1 / (alpha + t) */
	double		per_beta;
} Stopping;

/* The end of what counts of an integrand that falls as (scale + t)^-power. */
static double
fallen(double scale, double from, double to, double power)
{
	double		e = E_FOLDINGS / power;
	double		end = e < 700 ? from + (scale + from) * segment_expm1(e) : to;

	return end < to ? end : to;
}

static void
integrate(const double *p, double q, double from, double to, Stopping *result)
{
	double		alpha = p[1] + from;
	double		beta = p[3] + from;
	double		near = Min(alpha, beta);
	double		width;
	int			panels;
	int			panel;
	int			i;

	memset(result, 0, sizeof(*result));
	to = fallen(p[1], from, fallen(p[3], from, to, p[2]), q);
	width = segment_log1p((to - from) / near);
	panels = (int) ceil(width / PANEL);
	for (panel = 0; panel < panels; panel++)
		for (i = 0; i < 2 * (int) lengthof(legendre); i++)
		{
			const double *point = legendre[i / 2];
			double		u = (panel + 0.5 + (i % 2 == 0 ? point[0] : -point[0])) * width / panels;
			double		t = near * segment_expm1(u);	/* since `from` */
			double		la = segment_log1p(t / alpha);
			double		lb = segment_log1p(t / beta);
			double		share = point[1] * width / panels * (near + t) *
				segment_exp(-q * la - (p[2] + 1) * lb);

			result->value += share;
			result->log_alpha += share * la;
			result->log_beta += share * lb;
			result->per_alpha += share / (alpha + t);
			result->per_beta += share / (beta + t);
		}
}

/* The logarithm of the odds of having stopped, and the integral it comes from. */
static double
pareto_odds(const double *p, const SegmentHistory *h, Stopping *stopping)
{
	double		alpha = p[1] + h->last;
	double		beta = p[3] + h->last;
	double		gap = h->length - h->last;

	if (!(gap > 0))
		return -HUGE_VAL;
	integrate(p, p[0] + h->x, h->last, h->length, stopping);
	return segment_log(p[2] * stopping->value / beta) +
		(p[0] + h->x) * segment_log1p(gap / alpha) + p[2] * segment_log1p(gap / beta);
}

static double
pareto_likelihood(const SegmentHistories *histories, const double *p, double *gradient)
{
	double		log_alpha = segment_log(p[1]);
	double		log_beta = segment_log(p[3]);
	double		x = -1;
	double		value = 0;
	double		slope = 0;
	double		sum = 0;
	int64		i;

	memset(gradient, 0, sizeof(double) * 4);
	for (i = 0; i < histories->n; i += histories->stride)
	{
		const SegmentHistory *h = &histories->history[i];
		Stopping	j;
		double		q = p[0] + h->x;
		double		alpha = p[1] + h->length;
		double		beta = p[3] + h->length;
		double		odds = pareto_odds(p, h, &j);
		double		small = segment_exp(-fabs(odds));
		double		stopped = odds > 0 ? 1 / (1 + small) : small / (1 + small);
		double		alive = odds > 0 ? small / (1 + small) : 1 / (1 + small);
		double		g[4];
		int			k;

		if (h->x != x)
		{
			x = h->x;
			value = segment_lgamma(q) - segment_lgamma(p[0]) + p[0] * log_alpha + p[2] * log_beta;
			slope = segment_digamma(q) - segment_digamma(p[0]) + log_alpha;
		}
		g[0] = slope - alive * segment_log(alpha);
		g[1] = p[0] / p[1] - alive * q / alpha;
		g[2] = log_beta - alive * segment_log(beta);
		g[3] = p[2] / p[3] - alive * p[2] / beta;
		if (stopped > 0)
		{
			g[0] -= stopped * (segment_log(p[1] + h->last) + j.log_alpha / j.value);
			g[1] -= stopped * q * j.per_alpha / j.value;
			g[2] += stopped * (1 / p[2] - segment_log(p[3] + h->last) - j.log_beta / j.value);
			g[3] -= stopped * (p[2] + 1) * j.per_beta / j.value;
		}
		for (k = 0; k < 4; k++)
			gradient[k] += h->weight * g[k];
		sum += h->weight * (value - q * segment_log(alpha) - p[2] * segment_log(beta) +
							(odds > 0 ? odds : 0) + segment_log1p(small));
		if (i % 64 == 0 && histories->interrupted != NULL && histories->interrupted())
			break;
	}
	return sum;
}

static double
pareto_while_alive(const double *p, const SegmentHistory *h, double t)
{
	double		d = p[2] - 1;
	double		l = -segment_log1p(t / (p[3] + h->length));

	return (p[0] + h->x) / (p[1] + h->length) * (p[3] + h->length) *
		(d == 0 ? -l : -segment_expm1(d * l) / d);
}

/* The probability of `least` purchases within t, of a customer who is there. */
static double
pareto_at_least(const double *p, const SegmentHistory *h, double t, double least,
				SegmentInterrupted interrupted)
{
	double		q = p[0] + h->x;
	double		alpha = p[1] + h->length;
	double		beta = p[3] + h->length;
	double		width = segment_log1p(t / Min(alpha, beta));
	int			panels = (int) ceil(width * 4);
	double		sum = segment_beta_i(least, q, t / (alpha + t)) *
		segment_exp(-p[2] * segment_log1p(t / beta));
	int			panel;
	int			i;

	for (panel = 0; panel < panels; panel++)
		for (i = 0; i < 2 * (int) lengthof(legendre); i++)
		{
			const double *point = legendre[i / 2];
			double		u = (panel + 0.5 + (i % 2 == 0 ? point[0] : -point[0])) * width / panels;
			double		at = Min(alpha, beta) * segment_expm1(u);

			/* of huge numbers a single function may take milliseconds */
			if (interrupted != NULL && interrupted())
				return NOT_A_NUMBER;
			sum += point[1] * width / panels * (Min(alpha, beta) + at) * p[2] / beta *
				segment_exp(-(p[2] + 1) * segment_log1p(at / beta)) *
				segment_beta_i(least, q, at / (alpha + at));
		}
	return Min(sum, 1);
}

/* ---- gamma-gamma ---- */

static double
gamma_gamma_likelihood(const SegmentHistories *histories, const double *p, double *gradient)
{
	double		log_gamma = segment_log(p[2]);
	double		x = -1;
	double		value = 0;
	double		by_p = 0;
	double		by_q = 0;
	double		sum = 0;
	int64		i;

	memset(gradient, 0, sizeof(double) * 3);
	for (i = 0; i < histories->n; i += histories->stride)
	{
		const SegmentHistory *h = &histories->history[i];
		double		all = p[0] * h->x + p[1];
		double		total = p[2] + h->x * h->last;
		double		log_total = segment_log(total);
		double		log_mean = segment_log(h->last);

		if (h->x != x)
		{
			x = h->x;
			value = segment_lgamma(all) - segment_lgamma(p[0] * x) - segment_lgamma(p[1]) +
				p[1] * log_gamma + p[0] * x * segment_log(x);
			by_p = x * (segment_digamma(all) - segment_digamma(p[0] * x) + segment_log(x));
			by_q = segment_digamma(all) - segment_digamma(p[1]) + log_gamma;
		}
		sum += h->weight * (value + (p[0] * x - 1) * log_mean - all * log_total);
		gradient[0] += h->weight * (by_p + x * (log_mean - log_total));
		gradient[1] += h->weight * (by_q - log_total);
		gradient[2] += h->weight * (p[1] / p[2] - all / total);
		if (i % ROWS_A_CHECK == 0 && histories->interrupted != NULL && histories->interrupted())
			break;
	}
	return sum;
}

/* The expected value of a purchase; NaN where the model has none. */
double
segment_spending_expected(const double *p, double x, double mean)
{
	double		all = p[0] * x + p[1] - 1;

	return all > 0 ? p[0] * (p[2] + (x > 0 ? x * mean : 0)) / all : NOT_A_NUMBER;
}

/* ---- all of them ---- */

/* The logarithm of the likelihood of histories, without what no parameter changes. */
double
segment_buying_likelihood(const void *data, const double *parameter, double *gradient)
{
	const SegmentHistories *histories = data;

	switch (histories->model)
	{
		case SEGMENT_BGNBD:
		case SEGMENT_MBGNBD:
			return bgnbd_likelihood(histories, parameter, gradient);
		case SEGMENT_PARETO_NBD:
			return pareto_likelihood(histories, parameter, gradient);
		case SEGMENT_BGBB:
			return segment_bgbb_likelihood(histories, parameter, gradient);
		case SEGMENT_GAMMA_GAMMA:
			return gamma_gamma_likelihood(histories, parameter, gradient);
	}
	return NOT_A_NUMBER;
}

/* Where to start, and how far a parameter may go. */
static void
start(const SegmentHistories *histories, SegmentMaximum *maximum)
{
	double		weight = 0;
	double		x = 0;
	double		last = 0;
	double		length = 0;
	double		time;
	int64		i;
	int			k;

	for (i = 0; i < histories->n; i++)
	{
		const SegmentHistory *h = &histories->history[i];

		weight += h->weight;
		x += h->weight * h->x;
		last += h->weight * h->last;
		length += h->weight * h->length;
	}
	maximum->n = histories->model == SEGMENT_GAMMA_GAMMA ? 3 : 4;
	maximum->have_inverse = false;
	for (k = 0; k < maximum->n; k++)
	{
		maximum->parameter[k] = 1;
		maximum->lower[k] = 1e-5;
		maximum->upper[k] = 1e5;
	}
	if (histories->model == SEGMENT_GAMMA_GAMMA)
	{
		/* the mean of values */
		time = last / weight;
		maximum->parameter[0] = 2;
		maximum->parameter[1] = 3;
		maximum->parameter[2] = time;
		k = 2;
	}
	else if (histories->model != SEGMENT_BGBB)
	{
		time = length / weight;
		maximum->parameter[1] = length / x;
		maximum->parameter[3] = histories->model == SEGMENT_PARETO_NBD ? time : 3;
		k = 1;
	}
	else
		return;
	maximum->lower[k] = 1e-5 * time;
	maximum->upper[k] = 1e5 * time;
	if (histories->model == SEGMENT_PARETO_NBD)
	{
		maximum->lower[3] = 1e-5 * time;
		maximum->upper[3] = 1e5 * time;
	}
}

static double
weight_of(const SegmentHistories *histories)
{
	double		weight = 0;
	int64		i;

	for (i = 0; i < histories->n; i += histories->stride)
		weight += histories->history[i].weight;
	return weight;
}

/*
 * The greatest likelihood of histories, some of which have purchases.  Of many rows, a part
 * finds where all of them start.
 */
SegmentStatus
segment_buying_fit(SegmentHistories *histories, SegmentMaximum *maximum)
{
	const int64 many = 16384;
	SegmentStatus status = SEGMENT_DONE;

	start(histories, maximum);
	histories->stride = Max(histories->n / many, 1);
	maximum->weight = weight_of(histories);
	if (histories->stride > 1)
		status = segment_maximise(segment_buying_likelihood, histories, maximum,
								  histories->interrupted);
	histories->stride = 1;
	maximum->weight = weight_of(histories);
	if (status == SEGMENT_DONE)
		status = segment_maximise(segment_buying_likelihood, histories, maximum,
								  histories->interrupted);
	if (status == SEGMENT_DONE)
		segment_maximum_errors(segment_buying_likelihood, histories, maximum);
	return status;
}

/* The probability that a customer has not stopped; BG/BB: is there at the next opportunity. */
double
segment_buying_alive(SegmentBuyingModel model, const double *p, const SegmentHistory *h)
{
	Stopping	stopping;
	double		odds;
	double		small;

	if (model == SEGMENT_BGBB)
		return segment_bgbb_there(p, h) * (p[3] + h->length) / (p[2] + p[3] + h->length);
	odds = model == SEGMENT_PARETO_NBD ? pareto_odds(p, h, &stopping) : stopped_odds(model, p, h);
	small = segment_exp(-fabs(odds));
	return (odds > 0 ? small : 1) / (1 + small);
}

/* The expected number of purchases within the horizon; BG/BB: opportunities, a whole number. */
double
segment_buying_expected(SegmentBuyingModel model, const double *p, const SegmentHistory *h,
						double horizon, SegmentInterrupted interrupted)
{
	if (model == SEGMENT_BGBB)
		return segment_bgbb_there(p, h) * segment_bgbb_while_alive(p, h, horizon);
	return segment_buying_alive(model, p, h) *
		(model == SEGMENT_PARETO_NBD ? pareto_while_alive(p, h, horizon)
		 : bgnbd_while_alive(model, p, h, horizon, interrupted));
}

/* The probability of at least so many purchases within the horizon. */
double
segment_buying_at_least(SegmentBuyingModel model, const double *p, const SegmentHistory *h,
						double horizon, double least, SegmentInterrupted interrupted)
{
	double		took;

	if (least <= 0)
		return 1;
	if (horizon == 0)
		return 0;
	switch (model)
	{
		case SEGMENT_BGBB:
			return segment_bgbb_there(p, h) * segment_bgbb_at_least(p, h, horizon, least, HUGE_VAL, &took);
		case SEGMENT_PARETO_NBD:
			return segment_buying_alive(model, p, h) *
				pareto_at_least(p, h, horizon, least, interrupted);
		default:
			return segment_buying_alive(model, p, h) * bgnbd_at_least(model, p, h, horizon, least);
	}
}

/* The time within which the next purchase is made with a probability; NaN: never so probably. */
double
segment_buying_wait(SegmentBuyingModel model, const double *p, const SegmentHistory *h,
					double probability, SegmentInterrupted interrupted)
{
	double		end = p[1] + h->length;
	double		near = Min(end, p[3] + h->length);
	double		low = 0;
	double		high = 50;
	double		took = NOT_A_NUMBER;
	int			i;

	probability /= model == SEGMENT_BGBB ? segment_bgbb_there(p, h) : segment_buying_alive(model, p, h);
	if (!(probability < 1))
		return NOT_A_NUMBER;
	if (model == SEGMENT_BGBB)
	{
		(void) segment_bgbb_at_least(p, h, SEGMENT_MOST_OPPORTUNITIES, 1, probability, &took);
		return took;
	}
	if (model != SEGMENT_PARETO_NBD)
		return end * segment_expm1(-segment_log1p(-probability) / (p[0] + h->x));
	if (pareto_at_least(p, h, near * segment_expm1(high), 1, interrupted) < probability)
		return NOT_A_NUMBER;
	/* in the logarithm of time, down to its last bits */
	for (i = 0; i < 60; i++)
	{
		double		middle = (low + high) / 2;

		if (pareto_at_least(p, h, near * segment_expm1(middle), 1, interrupted) < probability)
			low = middle;
		else
			high = middle;
	}
	return near * segment_expm1(high);
}
