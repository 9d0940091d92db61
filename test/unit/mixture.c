/*
 * mixture.c: mixtures compared with the textbook formulas in long double, step by
 * step; order, weights, collapsing components, interrupts, memory.
 */
#include "kernel/cluster/mixture.h"

#include <math.h>
#include <string.h>

#include "kernel/base/cholesky.h"
#include "kernel/base/hash.h"
#include "points.h"
#include "tap.h"

#define MAX_D 9
#define MAX_K 5

static const SegmentCovariance kinds[] = {SEGMENT_FULL, SEGMENT_TIED, SEGMENT_DIAG, SEGMENT_SPHERICAL};
static const char *const kind_names[] = {"full", "tied", "diag", "spherical"};

static void
say(bool passed, const char *format, const char *kind)
{
	char		line[200];

	snprintf(line, sizeof(line), format, kind);
	ok(passed, line);
}

/* ---- Cholesky ---- */

static void
test_cholesky(void)
{
	static const int sizes[] = {1, 2, 3, 7, 8, 9, 40, 131};
	bool		right = true;
	bool		refused = true;
	size_t		s;

	for (s = 0; s < lengthof(sizes); s++)
	{
		int			d = sizes[s];
		double	   *g = malloc(sizeof(double) * d * d);
		double	   *a = malloc(sizeof(double) * SEGMENT_TRIANGLE(d));
		double	   *l = malloc(sizeof(double) * SEGMENT_TRIANGLE(d));
		int			i,
					j,
					m;

		for (i = 0; i < d * d; i++)
			g[i] = uniform() - 0.5;
		for (i = 0; i < d; i++)
			for (j = 0; j <= i; j++)
			{
				a[SEGMENT_TRIANGLE_AT(i, j)] = i == j ? 0.01 : 0;
				for (m = 0; m < d; m++)
					a[SEGMENT_TRIANGLE_AT(i, j)] += g[i * d + m] * g[j * d + m];
			}
		right = right && segment_cholesky(a, d, l, NULL) == SEGMENT_FACTORED;
		for (i = 0; i < d; i++)
			for (j = 0; j <= i; j++)
			{
				long double sum = 0;

				for (m = 0; m <= j; m++)
					sum += (long double) l[SEGMENT_TRIANGLE_AT(i, m)] * l[SEGMENT_TRIANGLE_AT(j, m)];
				right = right && fabs((double) sum - a[SEGMENT_TRIANGLE_AT(i, j)]) < 1e-13 * d;
			}
		/* in place, too */
		right = right && segment_cholesky(a, d, a, NULL) == SEGMENT_FACTORED &&
			memcmp(a, l, sizeof(double) * SEGMENT_TRIANGLE(d)) == 0;

		/* x' A x = 0 for some x: the last row the sum of two others */
		if (d >= 3)
		{
			for (i = 0; i < d; i++)
				for (j = 0; j <= i; j++)
				{
					const double *gi = g + i * d;
					const double *gj = g + j * d;

					a[SEGMENT_TRIANGLE_AT(i, j)] = 0;
					for (m = 0; m < d; m++)
						a[SEGMENT_TRIANGLE_AT(i, j)] += (i == d - 1 ? g[m] + g[d + m] : gi[m]) *
							(j == d - 1 ? g[m] + g[d + m] : gj[m]);
				}
			refused = refused && segment_cholesky(a, d, l, NULL) == SEGMENT_NOT_POSITIVE;
		}
		memset(a, 0, sizeof(double) * SEGMENT_TRIANGLE(d));
		refused = refused && segment_cholesky(a, d, l, NULL) == SEGMENT_NOT_POSITIVE;
		a[0] = NAN;
		refused = refused && segment_cholesky(a, d, l, NULL) == SEGMENT_NOT_POSITIVE;
		a[0] = HUGE_VAL;
		refused = refused && segment_cholesky(a, d, l, NULL) == SEGMENT_NOT_POSITIVE;
		a[0] = -1;
		refused = refused && segment_cholesky(a, d, l, NULL) == SEGMENT_NOT_POSITIVE;
		free(g);
		free(a);
		free(l);
	}
	ok(right, "Cholesky: the factor times its transpose is the matrix");
	ok(refused, "matrices that are not positive definite are refused");
}

/* ---- the textbook ---- */

typedef long double Real;

typedef struct Plain
{
	int			k;
	int			d;
	Real		weight[MAX_K];
	Real		mean[MAX_K][MAX_D];
	Real		covariance[MAX_K][MAX_D][MAX_D];
} Plain;

/* Solves S y = z by elimination with pivots; returns the determinant of S. */
static Real
solve(int d, Real s[MAX_D][MAX_D], const Real *z, Real *y)
{
	Real		a[MAX_D][MAX_D + 1];
	Real		determinant = 1;
	int			i,
				j,
				m;

	for (i = 0; i < d; i++)
	{
		for (j = 0; j < d; j++)
			a[i][j] = s[i][j];
		a[i][d] = z[i];
	}
	for (i = 0; i < d; i++)
	{
		int			pivot = i;

		for (m = i + 1; m < d; m++)
			if (fabsl(a[m][i]) > fabsl(a[pivot][i]))
				pivot = m;
		for (j = 0; j <= d; j++)
		{
			Real		t = a[i][j];

			a[i][j] = a[pivot][j];
			a[pivot][j] = t;
		}
		determinant *= pivot == i ? a[i][i] : -a[i][i];
		for (m = i + 1; m < d; m++)
			for (j = d; j >= i; j--)
				a[m][j] -= a[m][i] / a[i][i] * a[i][j];
	}
	for (i = d - 1; i >= 0; i--)
	{
		y[i] = a[i][d];
		for (j = i + 1; j < d; j++)
			y[i] -= a[i][j] * y[j];
		y[i] /= a[i][i];
	}
	return determinant;
}

static Real
density(Plain *plain, int c, const double *x)
{
	Real		z[MAX_D],
				y[MAX_D],
				distance = 0,
				determinant;
	int			j;

	for (j = 0; j < plain->d; j++)
		z[j] = x[j] - plain->mean[c][j];
	determinant = solve(plain->d, plain->covariance[c], z, y);
	for (j = 0; j < plain->d; j++)
		distance += z[j] * y[j];
	return expl(-distance / 2) / sqrtl(determinant * powl(2 * acosl(-1), plain->d));
}

/* The log-likelihood; share (n x k) gets the probabilities. */
static Real
plain_expect(Plain *plain, const SegmentPoints *points, Real *share)
{
	Real		result = 0;
	int64		i;
	int			c;

	for (i = 0; i < points->n; i++)
	{
		Real		sum = 0;

		for (c = 0; c < plain->k; c++)
		{
			share[i * plain->k + c] = plain->weight[c] * density(plain, c, points->x + i * points->d);
			sum += share[i * plain->k + c];
		}
		for (c = 0; c < plain->k; c++)
			share[i * plain->k + c] /= sum;
		result += segment_point_weight(points, i) * logl(sum);
	}
	return result;
}

static void
plain_maximise(Plain *plain, SegmentCovariance kind, const SegmentPoints *points, const Real *share,
			   double reg_covar)
{
	int			k = plain->k;
	int			d = plain->d;
	Real		all[MAX_D][MAX_D] = {{0}};
	Real		total = 0;
	Real		center[MAX_D] = {0};
	Real		variance[MAX_D] = {0};
	int64		i;
	int			c,
				a,
				b;

	for (i = 0; i < points->n; i++)
	{
		total += segment_point_weight(points, i);
		for (a = 0; a < d; a++)
			center[a] += segment_point_weight(points, i) * points->x[i * d + a];
	}
	for (a = 0; a < d; a++)
		center[a] /= total;
	for (i = 0; i < points->n; i++)
		for (a = 0; a < d; a++)
			variance[a] += segment_point_weight(points, i) / total *
				(points->x[i * d + a] - center[a]) * (points->x[i * d + a] - center[a]);

	for (c = 0; c < k; c++)
	{
		Real		n_c = 0;

		memset(plain->mean[c], 0, sizeof(plain->mean[c]));
		memset(plain->covariance[c], 0, sizeof(plain->covariance[c]));
		for (i = 0; i < points->n; i++)
		{
			Real		w = share[i * k + c] * segment_point_weight(points, i);

			n_c += w;
			for (a = 0; a < d; a++)
				plain->mean[c][a] += w * points->x[i * d + a];
		}
		for (a = 0; a < d; a++)
			plain->mean[c][a] /= n_c;
		plain->weight[c] = n_c / total;
		for (i = 0; i < points->n; i++)
			for (a = 0; a < d; a++)
				for (b = 0; b < d; b++)
				{
					Real		s = share[i * k + c] * segment_point_weight(points, i) *
						(points->x[i * d + a] - plain->mean[c][a]) *
						(points->x[i * d + b] - plain->mean[c][b]);

					all[a][b] += s / total;
					if (kind == SEGMENT_FULL || (kind == SEGMENT_DIAG && a == b))
						plain->covariance[c][a][b] += s / n_c;
					if (kind == SEGMENT_SPHERICAL && a == b)
					{
						int			m;

						for (m = 0; m < d; m++)
							plain->covariance[c][m][m] += s / n_c / d;
					}
				}
	}
	for (c = 0; c < k; c++)
	{
		Real		mean_variance = 0;

		if (kind == SEGMENT_TIED)
			memcpy(plain->covariance[c], all, sizeof(all));
		for (a = 0; a < d; a++)
			mean_variance += variance[a] / d;
		for (a = 0; a < d; a++)
			plain->covariance[c][a][a] += reg_covar * (kind == SEGMENT_SPHERICAL ? mean_variance : variance[a]);
	}
}

static double
covariance_of(const SegmentMixture *mixture, int c, int a, int b)
{
	switch (mixture->kind)
	{
		case SEGMENT_FULL:
			return mixture->covariance[c * SEGMENT_TRIANGLE(mixture->d) + SEGMENT_TRIANGLE_AT(Max(a, b), Min(a, b))];
		case SEGMENT_TIED:
			return mixture->covariance[SEGMENT_TRIANGLE_AT(Max(a, b), Min(a, b))];
		case SEGMENT_DIAG:
			return a == b ? mixture->covariance[c * mixture->d + a] : 0;
		case SEGMENT_SPHERICAL:
			return a == b ? mixture->covariance[c] : 0;
	}
	return NAN;
}

static bool
close_to(double x, Real truth)
{
	return fabsl(x - truth) <= 1e-10 * (fabsl(truth) + 0.01);
}

static bool
same_mixture(const SegmentMixture *mixture, const Plain *plain)
{
	bool		same = true;
	int			c,
				a,
				b;

	for (c = 0; c < plain->k; c++)
	{
		same = same && close_to(mixture->weight[c], plain->weight[c]);
		for (a = 0; a < plain->d; a++)
		{
			same = same && close_to(mixture->mean[c * plain->d + a], plain->mean[c][a]);
			for (b = 0; b < plain->d; b++)
				same = same && close_to(covariance_of(mixture, c, a, b), plain->covariance[c][a][b]);
		}
	}
	return same;
}

static void
test_steps(SegmentCovariance kind, const char *name)
{
	bool		parameters = true;
	bool		likelihood = true;
	bool		placed = true;
	bool		contributions = true;
	int			round;

	for (round = 0; round < 12; round++)
	{
		int			k = 1 + (int) (random64() % MAX_K);
		int			d = 1 + (int) (random64() % MAX_D);
		int			n = 60 + (int) (random64() % 200);
		double	   *x = malloc(sizeof(double) * n * d);
		double	   *w = malloc(sizeof(double) * n);
		int32	   *labels = malloc(sizeof(int32) * n);
		Real	   *share = calloc(n * k, sizeof(Real));
		static Plain plain;
		SegmentPoints points;
		SegmentMixtureOptions options = {0};
		SegmentMixtureFit fit;
		Real		truth;
		int64		i;
		int			step;

		random_rows(x, n, d, k, 0.7);
		for (i = 0; i < n; i++)
			w[i] = 0.5 + uniform();
		make_points(&points, x, round % 2 == 0 ? NULL : w, n, d);
		for (i = 0; i < points.n; i++)
		{
			labels[i] = (int32) (random64() % k);
			share[i * k + labels[i]] = 1;
		}
		options.kind = kind;
		options.k = k;
		options.max_iter = round % 4;
		options.tol = -1;
		options.reg_covar = round % 3 == 0 ? 0 : 1e-3;
		plain.k = k;
		plain.d = d;
		plain_maximise(&plain, kind, &points, share, options.reg_covar);
		truth = plain_expect(&plain, &points, share);
		for (step = 0; step < options.max_iter; step++)
		{
			plain_maximise(&plain, kind, &points, share, options.reg_covar);
			truth = plain_expect(&plain, &points, share);
		}
		/* tol below 0: a gain of nothing goes on, too */
		segment_mixture_init(&fit.mixture, kind, k, d, tap_memory());
		segment_mixture_em(&points, points.n, &options, labels, &fit, tap_memory());
		parameters = parameters && same_mixture(&fit.mixture, &plain) && fit.iterations == options.max_iter &&
			fit.n_collapsed == 0;
		likelihood = likelihood && close_to(fit.log_likelihood, truth);

		for (i = 0; i < points.n; i++)
		{
			double		room[MAX_D];
			double		p[MAX_K];
			int			best = segment_mixture_place(&fit.mixture, points.x + i * d, room, p);
			int			c;
			Real		sum = 0;

			segment_mixture_probabilities(&fit.mixture, p);
			for (c = 0; c < k; c++)
			{
				double		contribution[MAX_D];
				Real		z[MAX_D],
							u[MAX_D];
				int			j;

				segment_mixture_contributions(&fit.mixture, c, points.x + i * d, room, contribution);
				for (j = 0; j < d; j++)
					z[j] = points.x[i * d + j] - plain.mean[c][j];
				(void) solve(d, plain.covariance[c], z, u);
				for (j = 0; j < d; j++)
					contributions = contributions && fabsl(contribution[j] - z[j] * u[j]) < 1e-8 * (1 + fabsl(z[j] * u[j]));
			}
			for (c = 0; c < k; c++)
			{
				placed = placed && fabsl(p[c] - share[i * k + c]) < 1e-10 && p[c] <= p[best] + 1e-12;
				sum += p[c];
			}
			placed = placed && fabsl(sum - 1) < 1e-14;
		}
		segment_mixture_free(&fit.mixture, tap_memory());
		segment_points_free(&points, tap_memory());
		free(x);
		free(w);
		free(labels);
		free(share);
	}
	say(parameters, "%s: weights, means and covariances are those of the textbook, step by step", name);
	say(likelihood, "%s: so is the likelihood", name);
	say(placed, "%s: and the probabilities of each row, which belongs to the likeliest", name);
	say(contributions, "%s: and what each coordinate contributes to distances", name);
}

/* ---- order, weights, offsets ---- */

static uint64
hash_fit(const SegmentMixtureFit *fit)
{
	const SegmentMixture *m = &fit->mixture;
	uint64		h = segment_double_bits(fit->log_likelihood);
	size_t		i;

	for (i = 0; i < (size_t) m->k; i++)
		h = segment_hash_step(h, segment_double_bits(m->weight[i]));
	for (i = 0; i < (size_t) m->k * m->d; i++)
		h = segment_hash_step(h, segment_double_bits(m->mean[i]));
	for (i = 0; i < segment_mixture_covariance_size(m->kind, m->k, m->d); i++)
		h = segment_hash_step(h, segment_double_bits(m->covariance[i]));
	return h;
}

static void
run_fit(const double *x, const double *w, int64 n, int d, SegmentCovariance kind, int k,
		SegmentMixtureFit *fit)
{
	SegmentPoints points;
	SegmentMixtureOptions options = {0};

	make_points(&points, x, w, n, d);
	options.kind = kind;
	options.k = k;
	options.n_init = 4;
	options.max_iter = 200;
	options.tol = 1e-8;
	options.reg_covar = 1e-6;
	options.seed = 7;
	if (segment_mixture_fit(&points, &options, fit, tap_memory()) != SEGMENT_DONE)
		abort();
	segment_points_free(&points, tap_memory());
}

/* Numbers without libm, so that the data are the same on every machine. */
static void
plain_rows(double *x, int64 n, int d, int k)
{
	int64		i;
	int			j;

	for (i = 0; i < n; i++)
	{
		int			group = (int) (random64() % k);

		for (j = 0; j < d; j++)
			x[i * d + j] = ((group * 7 + j * 3) % 5) * 0.6 + uniform() + uniform() + uniform();
	}
}

static void
test_order(SegmentCovariance kind, const char *name)
{
	enum
	{
		N = 1100, D = 5, K = 4
	};
	double	   *x = malloc(sizeof(double) * N * D);
	double	   *y = malloc(sizeof(double) * N * D);
	SegmentMixtureFit a,
				b;
	double		rise;
	int64		i;

	tap_state = 11;
	plain_rows(x, N, D, K);
	for (i = 0; i < N; i++)
		memcpy(y + i * D, x + (N - 1 - i) * D, sizeof(double) * D);
	run_fit(x, NULL, N, D, kind, K, &a);
	run_fit(y, NULL, N, D, kind, K, &b);
	say(hash_fit(&a) == hash_fit(&b), "%s: rows the other way round, the same bits", name);
	segment_mixture_free(&b.mixture, tap_memory());

	/* 2^20 is added without rounding when the last bits are cut off first */
	for (i = 0; i < N * D; i++)
	{
		x[i] = floor(x[i] * 0x1p30) / 0x1p30;
		y[i] = x[i] + 0x1p20;
	}
	segment_mixture_free(&a.mixture, tap_memory());
	run_fit(x, NULL, N, D, kind, K, &a);
	run_fit(y, NULL, N, D, kind, K, &b);
	rise = fabs(a.log_likelihood - b.log_likelihood) / N;
	say(rise < 1e-6, "%s: an offset changes nothing", name);
	segment_mixture_free(&a.mixture, tap_memory());
	segment_mixture_free(&b.mixture, tap_memory());
	free(x);
	free(y);
}

/* What every compiler, setting and CPU has to reproduce. */
static void
test_bits(SegmentCovariance kind, const char *name, uint64 bits)
{
	enum
	{
		N = 1100, D = 5, K = 4
	};
	double	   *x = malloc(sizeof(double) * N * D);
	int32	   *labels = malloc(sizeof(int32) * N);
	SegmentMixtureOptions options = {.kind = kind, .k = K, .max_iter = 20, .reg_covar = 1e-6};
	SegmentPoints points;
	SegmentMixtureFit fit;
	int			i;

	tap_state = 11;
	plain_rows(x, N, D, K);
	make_points(&points, x, NULL, N, D);
	for (i = 0; i < N; i++)
		labels[i] = (int32) (points.hash[i] % K);
	segment_mixture_init(&fit.mixture, kind, K, D, tap_memory());
	segment_mixture_em(&points, points.n, &options, labels, &fit, tap_memory());
	if (hash_fit(&fit) != bits)
	say(hash_fit(&fit) == bits, "%s: the bits are those of every other build", name);
	segment_mixture_free(&fit.mixture, tap_memory());
	segment_points_free(&points, tap_memory());
	free(x);
	free(labels);
}

static void
test_likelihood_rises(SegmentCovariance kind, const char *name)
{
	double		x[400 * 3];
	int32		labels[400];
	SegmentPoints points;
	double		before = -HUGE_VAL;
	bool		rises = true;
	int			steps;
	int			i;

	random_rows(x, 400, 3, 4, 0.9);
	make_points(&points, x, NULL, 400, 3);
	for (i = 0; i < 400; i++)
		labels[i] = i % 3;
	for (steps = 0; steps < 40; steps++)
	{
		SegmentMixtureOptions options = {.kind = kind, .k = 3, .max_iter = steps, .tol = 0};
		SegmentMixtureFit fit;

		segment_mixture_init(&fit.mixture, kind, 3, 3, tap_memory());
		segment_mixture_em(&points, points.n, &options, labels, &fit, tap_memory());
		rises = rises && fit.log_likelihood >= before - 1e-9;
		before = fit.log_likelihood;
		segment_mixture_free(&fit.mixture, tap_memory());
	}
	segment_points_free(&points, tap_memory());
	say(rises, "%s: every step makes the data likelier", name);
}

/* ---- what can go wrong ---- */

static bool
is_sound(const SegmentMixtureFit *fit)
{
	const SegmentMixture *m = &fit->mixture;
	double		sum = 0;
	bool		sound = isfinite(fit->log_likelihood);
	int			c;
	size_t		i;

	for (c = 0; c < m->k; c++)
	{
		sound = sound && m->weight[c] >= 0;
		sum += m->weight[c];
	}
	for (i = 0; i < (size_t) m->k * m->d; i++)
		sound = sound && isfinite(m->mean[i]);
	for (i = 0; i < segment_mixture_covariance_size(m->kind, m->k, m->d); i++)
		sound = sound && isfinite(m->covariance[i]);
	return sound && fabs(sum - 1) < 1e-9;
}

static void
test_collapse(SegmentCovariance kind, const char *name)
{
	double		x[300 * 3];
	double		w[300];
	SegmentMixtureFit fit;
	bool		sound = true;
	bool		counted = true;
	int			i;

	for (i = 0; i < 300; i++)
		w[i] = 1;
	/* two heaps of equal rows, a constant column */
	for (i = 0; i < 300; i++)
	{
		x[i * 3] = i % 2;
		x[i * 3 + 1] = i % 2 * 3;
		x[i * 3 + 2] = 42;
	}
	run_fit(x, NULL, 300, 3, kind, 2, &fit);
	sound = sound && is_sound(&fit) && fit.mixture.k == 2;
	segment_mixture_free(&fit.mixture, tap_memory());
	/* more components than that */
	run_fit(x, NULL, 300, 3, kind, 5, &fit);
	sound = sound && is_sound(&fit) && fit.mixture.k == 2;
	segment_mixture_free(&fit.mixture, tap_memory());
	/* one row */
	run_fit(x, NULL, 1, 3, kind, 1, &fit);
	sound = sound && is_sound(&fit);
	segment_mixture_free(&fit.mixture, tap_memory());
	/* rows on a line, one far out; a heavy one */
	for (i = 0; i < 300; i++)
	{
		x[i * 3] = i;
		x[i * 3 + 1] = 2 * i + (i == 299 ? 1e9 : 0);
		x[i * 3 + 2] = -i;
	}
	w[17] = 1e12;
	run_fit(x, w, 300, 3, kind, 3, &fit);
	sound = sound && is_sound(&fit);
	segment_mixture_free(&fit.mixture, tap_memory());
	/* numbers whose squares are close to overflow */
	for (i = 0; i < 300; i++)
		x[i * 3] = i % 3 == 0 ? 1e146 : i * 1e130;
	run_fit(x, NULL, 300, 3, kind, 3, &fit);
	sound = sound && is_sound(&fit);
	segment_mixture_free(&fit.mixture, tap_memory());
	say(sound, "%s: heaps, lines, a single row, huge numbers end in finite parameters", name);

	{
		SegmentMixtureOptions options = {.kind = kind, .k = 3, .max_iter = 50, .tol = 1e-9};
		SegmentPoints points;
		int32		labels[300];

		for (i = 0; i < 900; i++)
			x[i] = uniform();
		/* a label that no row has, and one of a single row, which for full is flat */
		make_points(&points, x, NULL, 300, 3);
		for (i = 0; i < 300; i++)
			labels[i] = i == 5 ? 1 : 0;
		segment_mixture_init(&fit.mixture, kind, 3, 3, tap_memory());
		segment_mixture_em(&points, points.n, &options, labels, &fit, tap_memory());
		counted = counted && is_sound(&fit) && fit.n_collapsed >= 1 && fit.mixture.weight[2] == 0;
		if (kind != SEGMENT_TIED)
			counted = counted && fit.n_collapsed == 2;
		segment_mixture_free(&fit.mixture, tap_memory());
		segment_points_free(&points, tap_memory());
	}
	say(counted, "%s: components without rows and flat ones are counted", name);
}

static int	calls_left;

static bool
stop_later(void)
{
	return --calls_left <= 0;
}

static void
test_interrupt(SegmentCovariance kind, const char *name)
{
	enum
	{
		N = 2000, D = 40, K = 6
	};
	double	   *x = malloc(sizeof(double) * N * D);
	SegmentPoints points;
	SegmentMixtureOptions options = {.kind = kind, .k = K, .n_init = 3, .max_iter = 20, .tol = 1e-9,
		.reg_covar = 1e-6, .interrupted = stop_later};
	SegmentMixtureFit fit;
	int64		blocks;
	bool		stopped = true;
	int			after;

	random_rows(x, N, D, K, 0.9);
	make_points(&points, x, NULL, N, D);
	blocks = tap_blocks;
	for (after = 1; after < 50; after += 5)
	{
		calls_left = after;
		if (segment_mixture_fit(&points, &options, &fit, tap_memory()) == SEGMENT_DONE)
		{
			/* so quick that nobody asked that often */
			stopped = stopped && calls_left > 0;
			segment_mixture_free(&fit.mixture, tap_memory());
		}
		else
			stopped = stopped && calls_left == 0;
		stopped = stopped && tap_blocks == blocks;
	}
	say(stopped, "%s: stops as soon as it is told to, and leaves no memory behind", name);
	segment_points_free(&points, tap_memory());
	free(x);
}

/* ---- moves ---- */

static int64 calls;

static bool
count_calls(void)
{
	calls++;
	return false;
}

/* Rows of nine groups, wide and narrow, that lie across each other; by row: its group. */
static void
make_groups(SegmentPoints *points, int32 *labels, int n)
{
	double	   *x = malloc(sizeof(double) * n * 3);
	double	   *kept = malloc(sizeof(double) * n * 2);
	int64		i;

	for (i = 0; i < n; i++)
	{
		const int	group = (int) (i % 9);
		double		spread[2] = {0, 0};
		int			j;

		for (j = 0; j < 12; j++)
			spread[j % 2] += uniform() - 0.5;
		spread[group % 2] *= 6;
		x[i * 3] = group % 3 * 9 + spread[0];
		x[i * 3 + 1] = group / 3 * 9 + spread[1];
		x[i * 3 + 2] = group;
	}
	/* put in order together with their groups, which are no coordinate after that */
	make_points(points, x, NULL, n, 3);
	for (i = 0; i < n; i++)
	{
		labels[i] = (int32) points->x[i * 3 + 2];
		memcpy(&kept[i * 2], &points->x[i * 3], sizeof(double) * 2);
	}
	memcpy(points->x, kept, sizeof(double) * n * 2);
	points->d = 2;
	free(kept);
	free(x);
}

/*
 * Starts put two components into one group, and one across two; moves put that right,
 * with every seed.
 */
static void
test_moves(SegmentCovariance kind, const char *name)
{
	enum
	{
		N = 1800, SEEDS = 20
	};
	SegmentPoints points;
	SegmentMixtureOptions options = {.kind = kind, .k = 9, .max_iter = 200, .tol = 1e-6, .reg_covar = 1e-6};
	SegmentMixtureFit fit;
	int32		labels[N];
	double		right;
	int			wrong_starts = 0;
	int			wrong = 0;
	int64		blocks;
	bool		stopped = true;
	int64		after;

	make_groups(&points, labels, N);
	segment_mixture_init(&fit.mixture, kind, 9, 2, tap_memory());
	segment_mixture_em(&points, N, &options, labels, &fit, tap_memory());
	right = fit.log_likelihood - 1e-4 * N;
	segment_mixture_free(&fit.mixture, tap_memory());
	for (options.seed = 0; options.seed < SEEDS; options.seed++)
	{
		options.n_init = 1;
		segment_mixture_fit(&points, &options, &fit, tap_memory());
		wrong_starts += fit.log_likelihood < right;
		segment_mixture_free(&fit.mixture, tap_memory());
		options.n_init = 5;
		segment_mixture_fit(&points, &options, &fit, tap_memory());
		wrong += fit.log_likelihood < right || fit.mixture.k != 9;
		segment_mixture_free(&fit.mixture, tap_memory());
	}
	say(wrong_starts > 0 && wrong == 0, "%s: moves find the groups that single starts miss, with any seed", name);

	/* stopped at some twelve places, among the moves, too */
	blocks = tap_blocks;
	options.interrupted = count_calls;
	calls = 0;
	segment_mixture_fit(&points, &options, &fit, tap_memory());
	segment_mixture_free(&fit.mixture, tap_memory());
	options.interrupted = stop_later;
	for (after = 1; after <= calls; after += 1 + calls / 12)
	{
		calls_left = (int) after;
		stopped = stopped && segment_mixture_fit(&points, &options, &fit, tap_memory()) == SEGMENT_INTERRUPTED &&
			tap_blocks == blocks;
	}
	say(stopped, "%s: moves stop when told to, and leave no memory behind", name);
	segment_points_free(&points, tap_memory());
}

int
main(void)
{
	static const uint64 bits[] = {UINT64CONST(0x66D169D96B07F2A3), UINT64CONST(0x5D0D00EA5BE92E1F),
	UINT64CONST(0xF4A54F553177DF4A), UINT64CONST(0x3D2027F45F6C8B95)};
	size_t		i;

	test_cholesky();
	for (i = 0; i < lengthof(kinds); i++)
	{
		test_steps(kinds[i], kind_names[i]);
		test_likelihood_rises(kinds[i], kind_names[i]);
		test_collapse(kinds[i], kind_names[i]);
		test_interrupt(kinds[i], kind_names[i]);
		test_moves(kinds[i], kind_names[i]);
		test_order(kinds[i], kind_names[i]);
		test_bits(kinds[i], kind_names[i], bits[i]);
	}
	ok(tap_blocks == 0, "all memory was given back");
	return done();
}
