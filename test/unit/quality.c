/*
 * quality.c: indices of clusters compared with their definitions carried out the
 * slow way, row by row.
 */
#include "kernel/quality/quality.h"

#include <math.h>
#include <string.h>

#include "tap.h"

/* Points with labels; weights are whole numbers, so that rows can be repeated. */
typedef struct Sample
{
	SegmentPoints points;
	int32	   *labels;
	int			k;
} Sample;

static Sample
random_sample(int n, int d, int k, bool weighted, bool few_values)
{
	Sample		s;
	int			i;

	memset(&s, 0, sizeof(s));
	s.k = k;
	s.points.n = n;
	s.points.d = d;
	s.points.x = malloc(sizeof(double) * n * d + 1);
	s.points.hash = calloc(n, sizeof(uint64));
	s.points.weight = weighted ? malloc(sizeof(double) * n) : NULL;
	s.labels = malloc(sizeof(int32) * n);
	for (i = 0; i < n * d; i++)
		s.points.x[i] = few_values ? (double) (random64() % 3) : uniform();
	for (i = 0; i < n; i++)
	{
		s.labels[i] = (int32) (random64() % k);
		if (weighted)
			s.points.weight[i] = (double) (1 + random64() % 4);
	}
	return s;
}

static void
free_sample(Sample *s)
{
	free(s->points.x);
	free(s->points.hash);
	free(s->points.weight);
	free(s->labels);
}

/* The same with every row as often as its weight says. */
static Sample
repeated(const Sample *s)
{
	Sample		r;
	int			d = s->points.d;
	int64		total = 0;
	int64		i;
	int64		to = 0;
	int			w;

	for (i = 0; i < s->points.n; i++)
		total += (int64) segment_point_weight(&s->points, i);
	memset(&r, 0, sizeof(r));
	r.k = s->k;
	r.points.n = total;
	r.points.d = d;
	r.points.x = malloc(sizeof(double) * total * d + 1);
	r.points.hash = calloc(total, sizeof(uint64));
	r.labels = malloc(sizeof(int32) * total);
	for (i = 0; i < s->points.n; i++)
		for (w = 0; w < (int) segment_point_weight(&s->points, i); w++)
		{
			memcpy(r.points.x + to * d, s->points.x + i * d, sizeof(double) * d);
			r.labels[to++] = s->labels[i];
		}
	return r;
}

static double
distance(const double *a, const double *b, int d)
{
	double		sum = 0;
	int			c;

	for (c = 0; c < d; c++)
		sum += pow(a[c] - b[c], 2);
	return sqrt(sum);
}

static double
silhouette_of(double a, double b)
{
	return fmax(a, b) > 0 && !isinf(b) ? (b - a) / fmax(a, b) : 0;
}

/* All by definition, for rows that weigh 1 each. */
typedef struct Expected
{
	double		mean[64 * 16];
	double		size[64];
	double		silhouette;
	double		cluster_silhouette[64];
	double		simplified;
	double		inertia;
	double		between;
	double		davies_bouldin;
	int			n_clusters;
} Expected;

static void
expect_silhouettes(const Sample *s, Expected *e)
{
	int			d = s->points.d;
	int64		i;
	int64		j;
	int			c;

	for (i = 0; i < s->points.n; i++)
	{
		const double *x = s->points.x + i * d;
		double		sum[64] = {0};
		double		b = HUGE_VAL;
		double		b_mean = HUGE_VAL;
		int			own = s->labels[i];
		double		value;

		for (j = 0; j < s->points.n; j++)
			sum[s->labels[j]] += distance(x, s->points.x + j * d, d);
		for (c = 0; c < s->k; c++)
			if (c != own && e->size[c] > 0)
			{
				b = fmin(b, sum[c] / e->size[c]);
				b_mean = fmin(b_mean, distance(x, e->mean + c * d, d));
			}
		if (e->size[own] < 2)
			continue;
		value = silhouette_of(sum[own] / (e->size[own] - 1), b);
		e->silhouette += value / s->points.n;
		e->cluster_silhouette[own] += value / e->size[own];
		e->simplified += silhouette_of(distance(x, e->mean + own * d, d), b_mean) / s->points.n;
	}
}

static Expected
expect(const Sample *s)
{
	Expected	e;
	int			d = s->points.d;
	double		all[16] = {0};
	double		scatter[64] = {0};
	int64		i;
	int			c;
	int			f;
	int			j;

	memset(&e, 0, sizeof(e));
	for (i = 0; i < s->points.n; i++)
	{
		e.size[s->labels[i]]++;
		for (j = 0; j < d; j++)
		{
			e.mean[s->labels[i] * d + j] += s->points.x[i * d + j];
			all[j] += s->points.x[i * d + j] / s->points.n;
		}
	}
	for (c = 0; c < s->k; c++)
		for (j = 0; j < d && e.size[c] > 0; j++)
			e.mean[c * d + j] /= e.size[c];
	for (i = 0; i < s->points.n; i++)
	{
		c = s->labels[i];
		e.inertia += pow(distance(s->points.x + i * d, e.mean + c * d, d), 2);
		scatter[c] += distance(s->points.x + i * d, e.mean + c * d, d) / e.size[c];
		e.between += pow(distance(all, e.mean + c * d, d), 2);
	}
	for (c = 0; c < s->k; c++)
	{
		double		worst = 0;

		e.n_clusters += e.size[c] > 0;
		for (f = 0; f < s->k && e.size[c] > 0; f++)
			if (f != c && e.size[f] > 0 && distance(e.mean + c * d, e.mean + f * d, d) > 0)
				worst = fmax(worst, (scatter[c] + scatter[f]) /
							 distance(e.mean + c * d, e.mean + f * d, d));
		e.davies_bouldin += worst;
	}
	e.davies_bouldin /= e.n_clusters;
	expect_silhouettes(s, &e);
	return e;
}

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-11 * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool
nearest_is_nearest(const SegmentQuality *q)
{
	int			d = q->points->d;
	int			a;
	int			b;

	for (a = 0; a < q->k; a++)
		for (b = 0; b < q->k; b++)
		{
			double		between = distance(q->mean + a * d, q->mean + b * d, d);

			if (a == b || q->cluster[a].weight == 0 || q->cluster[b].weight == 0)
				continue;
			if (between < q->cluster[a].separation * (1 - 1e-12) ||
				(between == q->cluster[a].separation && b < q->cluster[a].nearest))
				return false;
		}
	return true;
}

static void
test_against_definitions(void)
{
	bool		means = true;
	bool		davies_bouldin = true;
	bool		calinski_harabasz = true;
	bool		exact = true;
	bool		by_cluster = true;
	bool		simplified = true;
	bool		nearest = true;
	int			round;

	for (round = 0; round < 300; round++)
	{
		int			k = 1 + (int) (random64() % (round % 5 == 0 ? 40 : 6));
		Sample		s = random_sample(1 + (int) (random64() % (round % 3 == 0 ? 400 : 30)),
									  1 + (int) (random64() % 9), k, round % 2 == 0, round % 7 == 0);
		Sample		rows = repeated(&s);
		Expected	e = expect(&rows);
		SegmentQuality q;
		int			c;

		segment_quality_init(&q, &s.points, s.labels, k, tap_memory());
		(void) segment_quality_measure(&q, NULL);
		means = means && near(q.inertia, e.inertia) && near(q.between, e.between) &&
			q.n_clusters == e.n_clusters && q.weight == rows.points.n;
		nearest = nearest && nearest_is_nearest(&q);
		if (e.n_clusters > 1)
			davies_bouldin = davies_bouldin && near(segment_davies_bouldin(&q), e.davies_bouldin);
		/* 1e-25: what rounding leaves where each cluster is one point */
		if (segment_quality_defined(&q))
			calinski_harabasz = calinski_harabasz &&
				near(segment_calinski_harabasz(&q), e.inertia < 1e-25 ? 1 : e.between / (e.n_clusters - 1) /
					 (e.inertia / (rows.points.n - e.n_clusters)));
		(void) segment_silhouette(&q, NULL);
		exact = exact && near(q.silhouette, e.silhouette);
		for (c = 0; c < k; c++)
			by_cluster = by_cluster && near(q.cluster[c].silhouette, e.cluster_silhouette[c]);
		(void) segment_simplified_silhouette(&q, NULL);
		simplified = simplified && near(q.silhouette, e.simplified);
		segment_quality_free(&q);
		free_sample(&s);
		free_sample(&rows);
	}
	ok(means, "inertia, sums of squares between and sizes, weights as repeated rows");
	ok(nearest, "the nearest cluster is the nearest");
	ok(davies_bouldin, "Davies-Bouldin");
	ok(calinski_harabasz, "Calinski-Harabasz");
	ok(exact, "silhouette");
	ok(by_cluster, "silhouette of each cluster");
	ok(simplified, "simplified silhouette");
	ok(tap_blocks == 0, "all memory is given back");
}

/* The figures of one set of labels, to the last bit. */
static void
all_figures(const Sample *s, const int32 *labels, double *figure)
{
	SegmentQuality q;

	segment_quality_init(&q, &s->points, labels, s->k, tap_memory());
	(void) segment_quality_measure(&q, NULL);
	figure[0] = q.inertia;
	figure[1] = q.between;
	figure[2] = q.n_clusters > 1 ? segment_davies_bouldin(&q) : 0;
	figure[3] = segment_quality_defined(&q) ? segment_calinski_harabasz(&q) : 0;
	(void) segment_silhouette(&q, NULL);
	figure[4] = q.silhouette;
	(void) segment_simplified_silhouette(&q, NULL);
	figure[5] = q.silhouette;
	segment_quality_free(&q);
}

static void
test_numbers_of_labels(void)
{
	bool		same = true;
	int			round;

	for (round = 0; round < 300; round++)
	{
		int			k = 2 + round % 30;
		Sample		s = random_sample(k + (int) (random64() % 300), 1 + round % 5, k, round % 2 == 0,
									  round % 7 == 0);
		int32	   *other = malloc(sizeof(int32) * s.points.n);
		int32		shift = (int32) (1 + random64() % (k - 1));
		double		figure[2][6];
		int64		i;

		for (i = 0; i < s.points.n; i++)
			other[i] = k - 1 - (s.labels[i] + shift) % k;
		all_figures(&s, s.labels, figure[0]);
		all_figures(&s, other, figure[1]);
		same = same && memcmp(figure[0], figure[1], sizeof(figure[0])) == 0;
		free(other);
		free_sample(&s);
	}
	ok(same, "no figure depends on how labels are numbered");
}

static void
test_worked_example(void)
{
	double		x[] = {0, 2, 10};
	int32		labels[] = {0, 0, 2};
	uint64		hash[3] = {0};
	SegmentPoints points = {.n = 3, .d = 1, .x = x, .hash = hash};
	SegmentQuality q;

	segment_quality_init(&q, &points, labels, 4, tap_memory());
	(void) segment_quality_measure(&q, NULL);
	(void) segment_silhouette(&q, NULL);
	ok(q.n_clusters == 2 && q.inertia == 2 && segment_davies_bouldin(&q) == 1.0 / 9 &&
	   fabs(q.silhouette - (0.8 + 0.75) / 3) < 1e-15, "the worked example");
	ok(q.cluster[0].nearest == 2 && q.cluster[0].separation == 9 && q.cluster[1].nearest == -1,
	   "a cluster without points is nobody's neighbour");
	segment_quality_free(&q);
}

static void
test_degenerate(void)
{
	double		equal[] = {5, 5, 5, 5};
	double		apart[] = {1, 1, 3, 3};
	int32		labels[] = {0, 0, 1, 1};
	uint64		hash[4] = {0};
	SegmentPoints points = {.n = 4, .d = 1, .x = equal, .hash = hash};
	SegmentQuality q;

	segment_quality_init(&q, &points, labels, 2, tap_memory());
	(void) segment_quality_measure(&q, NULL);
	(void) segment_silhouette(&q, NULL);
	ok(q.silhouette == 0 && segment_davies_bouldin(&q) == 0 && segment_calinski_harabasz(&q) == 1,
	   "all rows equal: no index divides by zero");
	segment_quality_free(&q);

	points.x = apart;
	segment_quality_init(&q, &points, labels, 2, tap_memory());
	(void) segment_quality_measure(&q, NULL);
	(void) segment_silhouette(&q, NULL);
	ok(q.silhouette == 1 && segment_davies_bouldin(&q) == 0 && segment_calinski_harabasz(&q) == 1,
	   "clusters of equal rows, apart");
	segment_quality_free(&q);

	points.d = 0;
	segment_quality_init(&q, &points, labels, 2, tap_memory());
	(void) segment_quality_measure(&q, NULL);
	(void) segment_silhouette(&q, NULL);
	(void) segment_simplified_silhouette(&q, NULL);
	ok(q.silhouette == 0 && q.inertia == 0, "no coordinates");
	segment_quality_free(&q);
}

/* Multiplied by a power of two nothing but the power changes; offsets cost little. */
static void
test_centre_and_scale(void)
{
	static const int exponents[] = {-1030, -600, 0, 600, 1021};
	bool		same = true;
	bool		finite = true;
	double		first = 0;
	double		offset[] = {1e9 + 0.25, 1e9 + 0.5, 1e9 + 4, 1e9 + 4.75};
	double		none[] = {0.25, 0.5, 4, 4.75};
	double		wide[] = {-1.7e308, 1.7e308, 1e300, 0};
	double		narrow[] = {1e300, 1e-9, 1e300, 3e-9};
	double		rounded[] = {0.1, 0.1 + 0x1p-56, 0.1 - 0x1p-56};
	size_t		i;
	int			j;
	int			e;

	for (i = 0; i < lengthof(exponents); i++)
	{
		double		x[] = {1, 3, 7, 3.5};
		double		product = 1;

		for (j = 0; j < 4; j++)
			x[j] = ldexp(x[j], exponents[i]);
		e = segment_centre_and_scale(x, 2, 2);
		for (j = 0; j < 4; j++)
			product *= x[j] + 10;
		if (i == 0)
			first = product;
		/* far below normal numbers the scale itself is capped */
		same = same && ((e == -1000 && i == 0) || e - exponents[i] == 2);
		finite = finite && isfinite(product) && (i < 2 || product == first);
		if (i < 2)
			first = product;
	}
	ok(same && finite, "scaled by powers of two the result is the same");
	e = segment_centre_and_scale(offset, 4, 1);
	ok(e == segment_centre_and_scale(none, 4, 1) && memcmp(offset, none, sizeof(none)) == 0,
	   "an offset disappears");
	e = segment_centre_and_scale(wide, 4, 1);
	ok(e == 1024 && fabs(wide[0]) <= 1 && wide[1] == -wide[0], "the widest range there is");
	e = segment_centre_and_scale(narrow, 2, 2);
	ok(narrow[0] == 0 && narrow[2] == 0 && narrow[3] > 0.5 && fabs(narrow[1] + narrow[3]) < 1e-15,
	   "a large constant column does not hide a small one");
	ok(segment_centre_and_scale(none, 0, 1) == 0, "no rows");
	(void) segment_centre_and_scale(rounded, 3, 1);
	ok(rounded[0] == 0 && rounded[1] == 0 && rounded[2] == 0, "what is constant but for rounding is constant");
}

static bool
stop_at_once(void)
{
	return true;
}

static int	looks;

static bool
stop_late(void)
{
	return ++looks > 40;
}

static void
test_interrupt(void)
{
	Sample		s = random_sample(3000, 2, 5, false, false);
	SegmentQuality q;

	segment_quality_init(&q, &s.points, s.labels, s.k, tap_memory());
	ok(segment_quality_measure(&q, stop_at_once) == SEGMENT_INTERRUPTED, "measuring can be stopped");
	segment_quality_free(&q);
	segment_quality_init(&q, &s.points, s.labels, s.k, tap_memory());
	(void) segment_quality_measure(&q, NULL);
	looks = 0;
	ok(segment_silhouette(&q, stop_late) == SEGMENT_INTERRUPTED, "so can silhouettes");
	looks = 0;
	ok(segment_simplified_silhouette(&q, stop_late) == SEGMENT_INTERRUPTED, "and simplified ones");
	segment_quality_free(&q);
	free_sample(&s);
	ok(tap_blocks == 0, "and leave nothing behind");
}

/* Categories against the same rows with an indicator for each category. */
static void
test_categories(void)
{
	enum
	{
		CODES = 3,
		CATEGORIES = 4
	};
	const double mismatch[CODES] = {0.5, 2, 0};
	int			round;

	for (round = 0; round < 24; round++)
	{
		int			d = round % 4;
		int			wide = d + CODES * CATEGORIES;
		Sample		s = random_sample(1 + round * 17, d, 1 + round % 5, round % 2 == 1, round % 3 == 0);
		Sample		indicators = s;
		SegmentQuality mixed;
		SegmentQuality plain;
		bool		same;
		int64		i;
		int			j;
		int			c;

		s.points.n_codes = CODES;
		s.points.code = malloc(sizeof(int32) * s.points.n * CODES);
		indicators.points.d = wide;
		indicators.points.x = malloc(sizeof(double) * s.points.n * wide);
		for (i = 0; i < s.points.n; i++)
		{
			double	   *to = indicators.points.x + i * wide;

			for (j = 0; j < d; j++)
				*to++ = s.points.x[i * d + j];
			for (j = 0; j < CODES; j++)
			{
				s.points.code[i * CODES + j] = (int32) (random64() % CATEGORIES);
				for (c = 0; c < CATEGORIES; c++)
					*to++ = c == s.points.code[i * CODES + j] ? sqrt(mismatch[j] / 2) : 0;
			}
		}
		segment_quality_init(&mixed, &s.points, s.labels, s.k, tap_memory());
		segment_quality_init(&plain, &indicators.points, s.labels, s.k, tap_memory());
		mixed.mismatch = mismatch;
		segment_quality_measure(&mixed, NULL);
		segment_quality_measure(&plain, NULL);
		segment_silhouette(&mixed, NULL);
		segment_silhouette(&plain, NULL);
		same = fabs(mixed.silhouette - plain.silhouette) < 1e-12;
		for (c = 0; c < s.k; c++)
			same = same && fabs(mixed.cluster[c].silhouette - plain.cluster[c].silhouette) < 1e-12;
		ok(same, "silhouette of rows with categories");
		mixed.mismatch = NULL;
		segment_silhouette(&mixed, NULL);
		ok(s.points.n < 20 || s.k == 1 || d == 0 || mixed.silhouette != plain.silhouette, "which count only where they are to");
		segment_quality_free(&mixed);
		segment_quality_free(&plain);
		free(indicators.points.x);
		free(s.points.code);
		free_sample(&s);
	}
}

int
main(void)
{
	test_against_definitions();
	test_numbers_of_labels();
	test_worked_example();
	test_degenerate();
	test_centre_and_scale();
	test_interrupt();
	test_categories();
	return done();
}
