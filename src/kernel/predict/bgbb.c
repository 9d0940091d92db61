/*
 * bgbb.c: BG/BB (Fader, Hardie, Shang 2010): how customers take opportunities until they stop.
 *
 * While there, a customer takes each opportunity with a probability that is Beta(alpha, beta) among
 * customers; before each he stops with one that is Beta(gamma, delta).  The likelihood is a sum over
 * the opportunity before which he may have stopped.
 */
#include "kernel/predict/bgbb.h"

#include "kernel/base/elementary.h"

#define TERMS_A_CHECK	65536

/* the derivatives of segment_segment_beta_step() by a and b */
static void
beta_slopes(double a, double b, double i, double j, double *by_a, double *by_b)
{
	double		both = segment_digamma(a + b) - segment_digamma(a + b + i + j);

	*by_a = segment_digamma(a + i) - segment_digamma(a) + both;
	*by_b = segment_digamma(b + j) - segment_digamma(b) + both;
}

/* The logarithm of the likelihood of having been there all the time. */
static double
bgbb_all_along(const double *p, const SegmentHistory *h)
{
	return segment_beta_step(p[0], p[1], h->x, h->length - h->x) + segment_beta_step(p[2], p[3], 0, h->length);
}

/*
 * Of one history: the logarithm of the likelihood; gradient NULL: not asked for.  Terms by the
 * time of stopping, as shares of the one of having been there all the time.
 */
static double
bgbb_one(const double *p, const SegmentHistory *h, double *gradient)
{
	double		n = h->length;
	double		alpha = p[0];
	double		beta = p[1];
	double		value = bgbb_all_along(p, h);
	double		share = 1;		/* of the term at hand, both as they stop one earlier */
	double		stop;
	double		total = 1;
	double		g[4] = {0};
	double		sum[4] = {0};
	double		both_p = 0;
	double		both_stop = 1 / p[2];
	double		t;
	int			k;

	if (gradient != NULL)
	{
		beta_slopes(alpha, beta, h->x, n - h->x, &g[0], &g[1]);
		beta_slopes(p[2], p[3], 0, n, &g[2], &g[3]);
		memcpy(sum, g, sizeof(sum));
	}
	/* having stopped before opportunity t + 1, t = n - 1 down to the last one taken */
	stop = p[2];
	for (t = n - 1; t >= h->last; t -= 1)
	{
		/* beta(alpha + x, beta + t - x) to the one of t + 1 */
		share *= (alpha + beta + t) / (beta + t - h->x);
		if (share > 0x1p+500 || stop > 0x1p+300)
		{
			/* the same in a larger unit */
			double		unit = 1 / (share * stop);

			value -= segment_log(unit);
			share = 1;
			stop = 1;
			total *= unit;
			for (k = 0; k < 4; k++)
				sum[k] *= unit;
		}
		total += share * stop / (p[3] + t);
		if (gradient != NULL)
		{
			double		term = share * stop / (p[3] + t);

			/* d ln of the term by the parameters, beyond g */
			both_p += 1 / (alpha + beta + t);
			g[1] -= 1 / (beta + t - h->x);
			sum[0] += term * (g[0] + both_p);
			sum[1] += term * (g[1] + both_p);
			sum[2] += term * (g[2] + both_stop);
			sum[3] += term * (g[3] - 1 / (p[3] + t));
		}
		/* B(gamma + 1, delta + t - 1) from B(gamma, delta + n) */
		stop *= (p[2] + p[3] + t) / (p[3] + t);
		both_stop += 1 / (p[2] + p[3] + t);
		if (gradient != NULL)
			g[3] += 1 / (p[2] + p[3] + t) - 1 / (p[3] + t);
	}
	if (gradient != NULL)
		for (k = 0; k < 4; k++)
			gradient[k] = sum[k] / total;
	return value + segment_log(total);
}

double
segment_bgbb_likelihood(const SegmentHistories *histories, const double *p, double *gradient)
{
	double		sum = 0;
	double		terms = 0;		/* since it was asked whether to go on */
	int64		i;
	int			k;

	memset(gradient, 0, sizeof(double) * 4);
	for (i = 0; i < histories->n; i += histories->stride)
	{
		const SegmentHistory *h = &histories->history[i];
		double		g[4];

		sum += h->weight * bgbb_one(p, h, g);
		for (k = 0; k < 4; k++)
			gradient[k] += h->weight * g[k];
		/* a row has a term for each opportunity since the last one taken */
		terms += 16 + h->length - h->last;
		if (terms < TERMS_A_CHECK)
			continue;
		terms = 0;
		if (histories->interrupted != NULL && histories->interrupted())
			break;
	}
	return sum;
}

/* The probability of not having stopped by the last opportunity. */
double
segment_bgbb_there(const double *p, const SegmentHistory *h)
{
	return segment_exp(bgbb_all_along(p, h) - bgbb_one(p, h, NULL));
}

/*
 * Of a customer who is there, the probability that purchase number `least` from now on is made
 * within n opportunities; or, where that reaches `enough` first, how many it took.
 */
double
segment_bgbb_at_least(const double *p, const SegmentHistory *h, double n, double least,
					  double enough, double *took)
{
	double		a = p[0] + h->x;
	double		b = p[1] + h->length - h->x;
	double		d = p[3] + h->length;
	double		term;
	double		sum = 0;
	double		j;

	if (least > n)
		return 0;
	term = segment_exp(segment_beta_step(a, b, least, 0) + segment_beta_step(p[2], d, 0, least));
	for (j = least; j <= n; j += 1)
	{
		sum += term;
		if (sum >= enough)
		{
			*took = j;
			break;
		}
		term *= j / (j - least + 1) * (b + j - least) / (a + b + j) * (d + j) / (p[2] + d + j);
	}
	return Min(sum, 1);
}

double
segment_bgbb_while_alive(const double *p, const SegmentHistory *h, double n)
{
	double		d = p[3] + h->length;
	double		there = 1;
	double		sum = 0;
	double		j;

	for (j = 0; j < n; j += 1)
	{
		there *= (d + j) / (p[2] + d + j);
		sum += there;
	}
	return sum * (p[0] + h->x) / (p[0] + p[1] + h->length);
}
