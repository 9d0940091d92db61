/*
 * quality.c: how well labels divide points into clusters.
 *
 * Let m_c be the mean of cluster c, W_c its weight, W that of all points.  A
 * point of weight w counts as w equal rows.
 *
 *	inertia				sum of w |x - m_c|^2
 *	Davies-Bouldin		mean over c of the largest (s_c + s_e) / |m_c - m_e|,
 *						s_c the mean distance of the points of c to m_c
 *	Calinski-Harabasz	(B / (k - 1)) / (inertia / (W - k)),
 *						B = sum of W_c |m_c - m|^2
 *	silhouette			mean over rows of (b - a) / max(a, b), a the mean distance
 *						to the other rows of the own cluster, b the least mean
 *						distance to the rows of another; 0 for a row alone in its
 *						cluster, and where a = b = 0
 *	simplified			the same with distances to means: a = |x - m_c|, b the
 *						distance to the nearest other mean
 *
 * Worked example: rows 0 and 2 in one cluster, 10 in another.  a = 2, b = 10 and
 * 8, silhouettes 0.8, 0.75 and 0, their mean 0.516667; inertia 2;
 * Davies-Bouldin (1 + 0) / 9.
 *
 * The exact silhouette knows categories, too: each that differs adds its cost to the
 * squared distance of two rows, as in k-prototypes.  That is the squared Euclidean
 * distance of rows in which a category is an indicator of size sqrt(cost / 2) in a
 * coordinate of its own.  The other figures take means, which categories have not.
 *
 * Values are scikit-learn's, also where a formula divides by zero: a
 * Calinski-Harabasz of clusters without inertia is 1, and means that coincide
 * are passed over by Davies-Bouldin.  (scikit-learn takes means closer than 1e-8
 * for equal; that would depend on the unit, so here equal means equal but for
 * rounding, which is judged by the size of the coordinates; precision.h.)
 *
 * The silhouette compares all pairs of points, but keeps no matrix of them.
 * Points are ordered by cluster; clusters are compared two at a time; of these,
 * tiles of the one are laid out column by column and held against each point of
 * the other, so that eight distances are taken at once, and each serves both
 * points.  When two clusters are done, their mean distances go into b (or a) of
 * each point.  O(n^2 d / 2) time, O(n + d) memory.
 *
 * Sums within a cluster are taken in the order of the points, those of distances in eight
 * fixed lanes: the same on every CPU, whatever its vectors are.  Sums over clusters, and
 * of the silhouettes over all pairs, are exact, and where two clusters are compared their
 * points say which comes first: so no figure depends on how clusters are numbered.
 *
 * References: Rousseeuw 1987; Davies and Bouldin 1979; Calinski and Harabasz
 * 1974; Hruschka, de Castro and Campello 2004 (simplified silhouette).
 */
#include "kernel/quality/quality.h"

#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kernel/base/allocate.h"
#include "kernel/base/exact_sum.h"
#include "kernel/base/lanes.h"
#include "kernel/base/precision.h"
#include "kernel/cluster/centroids.h"

/*
 * points in a tile, a multiple of SEGMENT_LANES: with 8 features it takes 4 kB, and
 * with 64 fits level 1 still
 */
#define TILE 64

/* points between two looks at whether to stop: about a millisecond of 1,600 features */
#define BETWEEN_LOOKS 64

static inline bool
stop(SegmentInterrupted interrupted, int64 i)
{
	return interrupted != NULL && i % BETWEEN_LOOKS == 0 && interrupted();
}

/* ---- eight distances at once ---- */

/*
 * Squared distances of one point to the first `used` points of a tile (rounded
 * up to whole lanes); coordinate c of point j of the tile is tile[c * TILE + j].
 */
SEGMENT_INLINE void
squares_to_tile(const double *x, const double *tile, int d, int used, double *squares)
{
	int			j;
	int			c;

	for (j = 0; j < used; j += SEGMENT_LANES)
	{
		SegmentLanes sum = {0};

		for (c = 0; c < d; c++)
		{
			SegmentLanes difference = *(const SegmentLanes *) (tile + c * TILE + j) - x[c];

			sum += difference * difference;
		}
		*(SegmentLanes *) (squares + j) = sum;
	}
}

/*
 * The same for categories: what those that differ cost is added; codes of the tile as
 * coordinates.
 */
SEGMENT_INLINE void
add_mismatches(const int32 *code, const double *tile, int n_codes, const double *mismatch, int used,
			   double *squares)
{
	int			j;
	int			c;

	for (j = 0; j < used; j++)
		for (c = 0; c < n_codes; c++)
			squares[j] += tile[c * TILE + j] != (double) code[c] ? mismatch[c] : 0.0;
}

SEGMENT_CLONES
static void
tile_squares(const double *x, const double *tile, int d, int used, double *squares)
{
	squares_to_tile(x, tile, d, used, squares);
}

/* Square roots in place; a square root is rounded exactly, however it is taken. */
SEGMENT_INLINE void
take_roots(double *squares, int used)
{
	int			j;

	for (j = 0; j < used; j += 2)
	{
#ifdef __SSE2__
		_mm_storeu_pd(squares + j, _mm_sqrt_pd(_mm_loadu_pd(squares + j)));
#else
		squares[j] = sqrt(squares[j]);
		squares[j + 1] = sqrt(squares[j + 1]);
#endif
	}
}

/* Points as distances are taken between them. */
typedef struct Coordinates
{
	int			d;
	int			n_codes;		/* 0 where categories do not count */
	const double *mismatch;		/* n_codes */
} Coordinates;

/*
 * The weighted sum of one point's distances to the points of a tile; w times each
 * is added to the sums of these points in `back`.
 */
SEGMENT_CLONES
static double
sum_to_tile(const double *x, const int32 *code, const double *tile, const Coordinates *of, int used,
			const double *tile_weight, double w, double *back)
{
	double		distance[TILE];
	double		lane[SEGMENT_LANES];
	SegmentLanes sum = {0};
	int			j;

	squares_to_tile(x, tile, of->d, used, distance);
	if (of->n_codes > 0)
		add_mismatches(code, tile + of->d * TILE, of->n_codes, of->mismatch, used, distance);
	take_roots(distance, used);
	for (j = 0; j < used; j += SEGMENT_LANES)
	{
		SegmentLanes here = *(const SegmentLanes *) (distance + j);

		sum += *(const SegmentLanes *) (tile_weight + j) * here;
		*(SegmentLanes *) (back + j) += w * here;
	}
	*(SegmentLanes *) lane = sum;
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* ---- means and what follows from them ---- */

void
segment_quality_init(SegmentQuality *quality, const SegmentPoints *points, const int32 *labels,
					 int k, SegmentMemory memory)
{
	memset(quality, 0, sizeof(*quality));
	quality->points = points;
	quality->labels = labels;
	quality->k = k;
	quality->memory = memory;
	quality->cluster = segment_allocate_zeros(memory, k, sizeof(SegmentCluster));
	quality->mean = segment_allocate_rows(memory, k, points->d, sizeof(double));
	memset(quality->mean, 0, sizeof(double) * k * points->d);
}

void
segment_quality_free(SegmentQuality *quality)
{
	quality->memory.release(quality->memory.ctx, quality->cluster);
	quality->memory.release(quality->memory.ctx, quality->mean);
}

/* The squared distance of two points that may be equal but for rounding. */
double
segment_points_rounding(const SegmentPoints *points)
{
	const int	d = points->d;
	double		sum = 0;
	int64		i;
	int			j;

	for (j = 0; j < d; j++)
	{
		double		largest = 0;

		for (i = 0; i < points->n; i++)
			largest = Max(largest, fabs(points->x[i * d + j]));
		sum += SEGMENT_ROUNDING * largest * SEGMENT_ROUNDING * largest;
	}
	return sum;
}

static SegmentStatus
find_means(SegmentQuality *quality, SegmentInterrupted interrupted)
{
	const SegmentPoints *points = quality->points;
	SegmentExactSum weight;
	int			d = points->d;
	int64		i;
	int			c;
	int			j;

	segment_exact_init(&weight);
	quality->rounding = segment_points_rounding(points);
	for (i = 0; i < points->n; i++)
	{
		double		w = segment_point_weight(points, i);
		double	   *mean = quality->mean + (int64) quality->labels[i] * d;

		if (stop(interrupted, i))
			return SEGMENT_INTERRUPTED;
		quality->cluster[quality->labels[i]].weight += w;
		for (j = 0; j < d; j++)
			mean[j] += w * points->x[i * d + j];
	}
	for (c = 0; c < quality->k; c++)
	{
		double		w = quality->cluster[c].weight;

		if (w > 0)
		{
			quality->n_clusters++;
			segment_exact_add(&weight, w);
			for (j = 0; j < d; j++)
				quality->mean[(int64) c * d + j] /= w;
		}
	}
	quality->weight = segment_exact_value(&weight);
	return SEGMENT_DONE;
}

static SegmentStatus
find_scatter(SegmentQuality *quality, SegmentInterrupted interrupted)
{
	const SegmentPoints *points = quality->points;
	SegmentExactSum inertia;
	int			d = points->d;
	int64		i;
	int			c;
	int			j;

	for (i = 0; i < points->n; i++)
	{
		double		w = segment_point_weight(points, i);
		SegmentCluster *cluster = &quality->cluster[quality->labels[i]];
		double		square = segment_distance(points->x + i * d,
											  quality->mean + (int64) quality->labels[i] * d, d);

		if (stop(interrupted, i))
			return SEGMENT_INTERRUPTED;
		cluster->inertia += w * square;
		cluster->mean_distance += w * sqrt(square);
	}
	segment_exact_init(&inertia);
	for (c = 0; c < quality->k; c++)
	{
		SegmentCluster *cluster = &quality->cluster[c];

		segment_exact_add(&inertia, cluster->inertia);
		if (cluster->weight > 0)
			cluster->mean_distance /= cluster->weight;
	}
	quality->inertia = segment_exact_value(&inertia);
	/* column by column, so that the mean of all needs no memory */
	for (j = 0; j < d; j++)
	{
		SegmentExactSum mean_sum;
		SegmentExactSum squares;
		double		mean;

		segment_exact_init(&mean_sum);
		segment_exact_init(&squares);
		for (c = 0; c < quality->k; c++)
			segment_exact_add(&mean_sum,
							  quality->cluster[c].weight / quality->weight * quality->mean[(int64) c * d + j]);
		mean = segment_exact_value(&mean_sum);
		for (c = 0; c < quality->k; c++)
		{
			double		difference = quality->mean[(int64) c * d + j] - mean;

			segment_exact_add(&squares, quality->cluster[c].weight * difference * difference);
		}
		quality->between += segment_exact_value(&squares);
	}
	return SEGMENT_DONE;
}

/* Each cluster's nearest, and the one least told apart from it. */
static SegmentStatus
compare_means(SegmentQuality *quality, SegmentInterrupted interrupted)
{
	int			d = quality->points->d;
	int			a;
	int			b;

	for (a = 0; a < quality->k; a++)
	{
		quality->cluster[a].nearest = -1;
		quality->cluster[a].separation = HUGE_VAL;
	}
	for (a = 0; a < quality->k; a++)
	{
		SegmentCluster *x = &quality->cluster[a];

		if (x->weight == 0)
			continue;
		for (b = 0; b < a; b++)
		{
			SegmentCluster *y = &quality->cluster[b];
			double		distance;

			if (stop(interrupted, b))
				return SEGMENT_INTERRUPTED;
			if (y->weight == 0)
				continue;
			distance = sqrt(segment_distance(quality->mean + (int64) a * d,
											 quality->mean + (int64) b * d, d));
			/* b ascends for a given a, and so does a for a given b: ties keep the lowest */
			if (x->nearest < 0 || distance < x->separation)
			{
				x->separation = distance;
				x->nearest = b;
			}
			if (y->nearest < 0 || distance < y->separation)
			{
				y->separation = distance;
				y->nearest = a;
			}
			if (distance * distance > quality->rounding)
			{
				double		similarity = (x->mean_distance + y->mean_distance) / distance;

				if (similarity > x->similarity)
					x->similarity = similarity;
				if (similarity > y->similarity)
					y->similarity = similarity;
			}
		}
	}
	return SEGMENT_DONE;
}

/* All but the silhouettes: O(n d + k^2 d). */
SegmentStatus
segment_quality_measure(SegmentQuality *quality, SegmentInterrupted interrupted)
{
	if (find_means(quality, interrupted) == SEGMENT_DONE &&
		find_scatter(quality, interrupted) == SEGMENT_DONE)
		return compare_means(quality, interrupted);
	return SEGMENT_INTERRUPTED;
}

/* Whether the points are not all one point. */
bool
segment_quality_varies(const SegmentQuality *quality)
{
	return quality->between + quality->inertia > quality->rounding * quality->weight;
}

double
segment_davies_bouldin(const SegmentQuality *quality)
{
	SegmentExactSum sum;
	int			c;

	segment_exact_init(&sum);
	for (c = 0; c < quality->k; c++)
		segment_exact_add(&sum, quality->cluster[c].similarity);
	return segment_exact_value(&sum) / quality->n_clusters;
}

double
segment_calinski_harabasz(const SegmentQuality *quality)
{
	if (!(quality->inertia > quality->rounding * quality->weight))
		return 1.0;
	return quality->between * (quality->weight - quality->n_clusters) /
		(quality->inertia * (quality->n_clusters - 1));
}

/* ---- silhouettes ---- */

static void
clear_silhouettes(SegmentQuality *quality)
{
	int			c;

	for (c = 0; c < quality->k; c++)
		quality->cluster[c].silhouette = 0;
}

/* What a point adds to the sum of its cluster: its weight times its silhouette. */
static inline double
silhouette_of(const SegmentQuality *quality, int64 i, double a, double b)
{
	const SegmentCluster *cluster = &quality->cluster[quality->labels[i]];
	double		larger = a > b ? a : b;
	double		w = segment_point_weight(quality->points, i);

	/* alone in its cluster, or equal to all that it is compared with */
	if (!(cluster->weight > 1) || !(larger * larger > quality->rounding))
		return 0;
	/* b is infinite when nobody else is there */
	return isinf(b) ? 0 : w * ((b - a) / larger);
}

static void
average_silhouettes(SegmentQuality *quality)
{
	SegmentExactSum sum;
	int			c;

	segment_exact_init(&sum);
	for (c = 0; c < quality->k; c++)
	{
		segment_exact_add(&sum, quality->cluster[c].silhouette);
		if (quality->cluster[c].weight > 0)
			quality->cluster[c].silhouette /= quality->cluster[c].weight;
	}
	quality->silhouette = segment_exact_value(&sum) / quality->weight;
}

/* Means as tiles: the same eight-fold distances as between points. */
SegmentStatus
segment_simplified_silhouette(SegmentQuality *quality, SegmentInterrupted interrupted)
{
	const SegmentPoints *points = quality->points;
	SegmentMemory memory = quality->memory;
	int			d = points->d;
	int			k = quality->k;
	int			n_tiles = (k + TILE - 1) / TILE;
	double	   *tiles = segment_allocate_zeros(memory, segment_product((uint64) TILE * n_tiles, d),
											   sizeof(double));
	double		square[TILE];
	SegmentStatus status = SEGMENT_DONE;
	int64		i;
	int			c;
	int			j;

	clear_silhouettes(quality);
	for (c = 0; c < k; c++)
		for (j = 0; j < d; j++)
			tiles[((int64) (c / TILE) * d + j) * TILE + c % TILE] = quality->mean[(int64) c * d + j];
	for (i = 0; i < points->n && status == SEGMENT_DONE; i++)
	{
		double		a = 0;
		double		b = HUGE_VAL;
		int			tile;

		for (tile = 0; tile < n_tiles && status == SEGMENT_DONE; tile++)
		{
			int			first = tile * TILE;
			int			used = k - first < TILE ? k - first : TILE;

			if (stop(interrupted, i + tile))
				status = SEGMENT_INTERRUPTED;
			tile_squares(points->x + i * d, tiles + (int64) tile * d * TILE, d, used, square);
			for (c = 0; c < used; c++)
			{
				if (first + c == quality->labels[i])
					a = square[c];
				else if (square[c] < b && quality->cluster[first + c].weight > 0)
					b = square[c];
			}
		}
		quality->cluster[quality->labels[i]].silhouette += silhouette_of(quality, i, sqrt(a), sqrt(b));
	}
	average_silhouettes(quality);
	memory.release(memory.ctx, tiles);
	return status;
}

/* What the exact silhouette works with, point by point in the order of clusters. */
typedef struct Pairs
{
	SegmentQuality *quality;
	Coordinates of;
	int64	   *order;			/* of points, by cluster and then as they came */
	int64	   *start;			/* of each cluster in it; k + 1 */
	double	   *to_one;			/* sums of distances to the cluster at hand */
	double	   *own;			/* mean distance to the others of the own cluster */
	double	   *other;			/* least mean distance to another cluster */
	double	   *tile;			/* coordinates, then codes, of TILE points, column by column */
	double		tile_weight[TILE];	/* theirs; 0 beyond the last */
	double		tile_to_one[TILE];	/* what is to be added to their to_one */
	SegmentInterrupted interrupted;
} Pairs;

/*
 * Which of two clusters comes first, by their points in canonical order; 0: their points
 * are equal.
 */
static int
compare_clusters(const Pairs *p, int a, int b)
{
	const SegmentPoints *points = p->quality->points;
	const int64 of_a = p->start[a + 1] - p->start[a];
	const int64 of_b = p->start[b + 1] - p->start[b];
	int64		r;

	for (r = 0; r < of_a && r < of_b; r++)
	{
		int			result = segment_points_compare(points, p->order[p->start[a] + r],
													p->order[p->start[b] + r], p->of.n_codes);

		if (result != 0)
			return result;
	}
	return of_a < of_b ? -1 : of_a > of_b;
}

static void
order_by_cluster(Pairs *p)
{
	SegmentQuality *quality = p->quality;
	int64		n = quality->points->n;
	int64		sum = 0;
	int64		i;
	int			c;

	memset(p->start, 0, sizeof(int64) * (quality->k + 1));
	for (i = 0; i < n; i++)
		p->start[quality->labels[i]]++;
	for (c = 0; c <= quality->k; c++)
	{
		int64		size = p->start[c];

		p->start[c] = sum;
		sum += size;
	}
	for (i = 0; i < n; i++)
		p->order[p->start[quality->labels[i]]++] = i;
	for (c = quality->k; c > 0; c--)
		p->start[c] = p->start[c - 1];
	p->start[0] = 0;
}

/* Lays out up to TILE points from the given place in the order; how many, in whole lanes. */
static int
fill_tile(Pairs *p, int64 from, int64 to)
{
	const SegmentPoints *points = p->quality->points;
	int			d = points->d;
	int			n = to - from < TILE ? (int) (to - from) : TILE;
	int			used = (n + SEGMENT_LANES - 1) / SEGMENT_LANES * SEGMENT_LANES;
	int			c;
	int			j;

	for (j = 0; j < used; j++)
	{
		/* what fills the last lanes up weighs nothing */
		int64		i = p->order[from + (j < n ? j : 0)];

		p->tile_weight[j] = j < n ? segment_point_weight(points, i) : 0;
		for (c = 0; c < d; c++)
			p->tile[c * TILE + j] = points->x[i * d + c];
		for (c = 0; c < p->of.n_codes; c++)
			p->tile[(d + c) * TILE + j] = points->code[i * points->n_codes + c];
	}
	return used;
}

/*
 * Sums of distances between the points of two clusters into to_one: of each point of a to
 * all of b, in lanes, and the other way round, point by point.  Within one cluster, of
 * each point to all.
 */
static SegmentStatus
sum_distances(Pairs *p, int a, int b)
{
	const SegmentPoints *points = p->quality->points;
	int64		end = p->start[b + 1];
	int64		from;
	int64		r;

	for (r = p->start[a]; r < p->start[a + 1]; r++)
		p->to_one[r] = 0;
	for (r = p->start[b]; r < end; r++)
		p->to_one[r] = 0;
	for (from = p->start[b]; from < end; from += TILE)
	{
		int			used = fill_tile(p, from, end);
		int64		tile_end = from + TILE < end ? from + TILE : end;
		int64		last = a != b ? p->start[a + 1] : tile_end;
		int			j;

		memset(p->tile_to_one, 0, sizeof(p->tile_to_one));
		for (r = p->start[a]; r < last; r++)
		{
			int64		i = p->order[r];
			/* points of the tile itself meet each other from both sides already */
			double		w = a == b && r >= from ? 0 : segment_point_weight(points, i);

			if (stop(p->interrupted, r))
				return SEGMENT_INTERRUPTED;
			p->to_one[r] += sum_to_tile(points->x + i * points->d,
										p->of.n_codes > 0 ? points->code + i * points->n_codes : NULL,
										p->tile, &p->of, used, p->tile_weight, w, p->tile_to_one);
		}
		for (j = 0; j < tile_end - from; j++)
			p->to_one[from + j] += p->tile_to_one[j];
	}
	return SEGMENT_DONE;
}

static void
take_nearer(Pairs *p, int cluster, double weight)
{
	int64		r;

	for (r = p->start[cluster]; r < p->start[cluster + 1]; r++)
		if (p->to_one[r] / weight < p->other[r])
			p->other[r] = p->to_one[r] / weight;
}

static SegmentStatus
compare_all(Pairs *p)
{
	SegmentQuality *quality = p->quality;
	int64		r;
	int			a;
	int			b;

	for (r = 0; r < quality->points->n; r++)
		p->other[r] = HUGE_VAL;
	for (b = 0; b < quality->k; b++)
	{
		double		wb = quality->cluster[b].weight;

		for (a = 0; wb > 0 && a <= b; a++)
		{
			double		wa = quality->cluster[a].weight;
			bool		swap;

			if (stop(p->interrupted, a))
				return SEGMENT_INTERRUPTED;
			if (wa == 0)
				continue;
			swap = a < b && compare_clusters(p, a, b) > 0;
			if (sum_distances(p, swap ? b : a, swap ? a : b) == SEGMENT_INTERRUPTED)
				return SEGMENT_INTERRUPTED;
			if (a < b)
			{
				take_nearer(p, a, wb);
				take_nearer(p, b, wa);
				continue;
			}
			for (r = p->start[a]; r < p->start[a + 1]; r++)
				p->own[r] = wa > 1 ? p->to_one[r] / (wa - 1) : 0;
		}
	}
	for (a = 0; a < quality->k; a++)
	{
		SegmentExactSum sum;

		segment_exact_init(&sum);
		for (r = p->start[a]; r < p->start[a + 1]; r++)
			segment_exact_add(&sum, silhouette_of(quality, p->order[r], p->own[r], p->other[r]));
		quality->cluster[a].silhouette = segment_exact_value(&sum);
	}
	average_silhouettes(quality);
	return SEGMENT_DONE;
}

/* The exact one, over all pairs; segment_quality_measure comes first. */
SegmentStatus
segment_silhouette(SegmentQuality *quality, SegmentInterrupted interrupted)
{
	SegmentMemory memory = quality->memory;
	int64		n = quality->points->n;
	Pairs		p;
	SegmentStatus status;

	p.of.d = quality->points->d;
	p.of.n_codes = quality->mismatch == NULL ? 0 : quality->points->n_codes;
	p.of.mismatch = quality->mismatch;
	p.quality = quality;
	p.interrupted = interrupted;
	p.order = segment_allocate(memory, n, sizeof(int64));
	p.start = segment_allocate(memory, (uint64) quality->k + 1, sizeof(int64));
	p.to_one = segment_allocate(memory, n, sizeof(double));
	p.own = segment_allocate(memory, n, sizeof(double));
	p.other = segment_allocate(memory, n, sizeof(double));
	p.tile = segment_allocate_rows(memory, TILE, p.of.d + p.of.n_codes, sizeof(double));

	clear_silhouettes(quality);
	order_by_cluster(&p);
	status = compare_all(&p);

	memory.release(memory.ctx, p.order);
	memory.release(memory.ctx, p.start);
	memory.release(memory.ctx, p.to_one);
	memory.release(memory.ctx, p.own);
	memory.release(memory.ctx, p.other);
	memory.release(memory.ctx, p.tile);
	return status;
}

/* ---- coordinates of any size ---- */

static void
column_range(const double *x, int64 n, int d, int column, double *min, double *max)
{
	int64		i;

	*min = HUGE_VAL;
	*max = -HUGE_VAL;
	for (i = 0; i < n; i++)
	{
		double		value = x[i * d + column];

		if (value < *min)
			*min = value;
		if (value > *max)
			*max = value;
	}
}

/*
 * Moves finite coordinates so that each column's range has its middle at 0, and
 * multiplies all by one power of two, so that squares of differences neither
 * overflow nor vanish, and a large offset costs no accuracy (law 4).  A column that
 * is constant but for rounding becomes 0: its last digits are not what tells clusters
 * apart.  Returns the exponent e: distances are 2^e times what they are between the
 * results.
 */
int
segment_centre_and_scale(double *x, int64 n, int d)
{
	double		widest = 0;
	double		before;
	double		after;
	double		min;
	double		max;
	int			e = 0;
	int			c;
	int64		i;

	for (c = 0; c < d; c++)
	{
		column_range(x, n, d, c, &min, &max);
		/* half of the range, which may exceed what a double holds */
		if (max / 2 - min / 2 > widest && !segment_is_rounding(min, max))
			widest = max / 2 - min / 2;
	}
	if (widest > 0)
		(void) frexp(widest, &e);
	/* the inverse of anything smaller is infinite */
	if (e < -1000)
		e = -1000;
	/* scaled down before the difference is taken, up after it */
	before = e > 0 ? ldexp(1.0, -e) : 1.0;
	after = e > 0 ? 1.0 : ldexp(1.0, -e);
	for (c = 0; c < d; c++)
	{
		double		middle;
		bool		constant;

		column_range(x, n, d, c, &min, &max);
		middle = min * before / 2 + max * before / 2;
		constant = segment_is_rounding(min, max);
		for (i = 0; i < n; i++)
			x[i * d + c] = constant ? 0 : (x[i * d + c] * before - middle) * after;
	}
	return e;
}
