/*
 * kprototypes_seed.c: where k-prototypes starts.
 *
 * Start 0, where there are categories, leaves nothing to chance (Cao, Liang, Bai
 * 2009): the density of a row is the mean share of rows that have its
 * categories; the first prototype is the densest row, each next one the row with
 * the largest (density times distance from the nearest prototype so far).
 *
 * The other starts draw as greedy k-means++ does (kmeans_seed.c), with the
 * distance of k-prototypes: candidates with a probability proportional to their
 * distance, of which the one is taken that leaves the least sum.
 *
 * A prototype stands at the place of a row, whose values it takes.
 */
#include "kernel/cluster/kprototypes.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/draw.h"
#include "kernel/base/elementary.h"

/* rows between two questions whether to go on */
#define BLOCK 4096

typedef struct Seeding
{
	const SegmentPoints *points;
	const SegmentPrototypesOptions *options;
	double	   *distance;		/* n: from the nearest prototype so far */
	double	   *density;		/* n; NULL: candidates are drawn */
	SegmentPrototypes *prototypes;	/* k of them found so far */
	SegmentPrototypes candidates;
} Seeding;

static bool
interrupted(const Seeding *seeding, int64 row)
{
	return row % BLOCK == 0 && seeding->options->interrupted != NULL &&
		seeding->options->interrupted();
}

/* Puts a prototype at the place of a row. */
static void
stand_at(const SegmentPoints *points, int64 row, SegmentPrototypes *prototypes, int c)
{
	double	   *value = prototypes->value + (size_t) c * (points->d + points->n_codes);
	int			j;

	for (j = 0; j < points->d; j++)
		value[j] = points->x[row * points->d + j];
	for (j = 0; j < points->n_codes; j++)
		value[points->d + j] = points->code[row * points->n_codes + j];
}

static inline double
distance_of(const Seeding *seeding, int64 row, const SegmentPrototypes *prototypes, int c)
{
	const SegmentPoints *points = seeding->points;

	return segment_prototype_distance(prototypes, c, points->x + row * points->d,
									  points->code + row * points->n_codes);
}

/* For each row the mean share of rows that have its categories. */
static bool
measure_density(Seeding *seeding, SegmentMemory memory)
{
	const SegmentPoints *points = seeding->points;
	bool		stopped = false;
	int64		i;
	int			f;

	memset(seeding->density, 0, sizeof(double) * seeding->points->n);
	for (f = 0; f < points->n_codes && !stopped; f++)
	{
		double	   *share = segment_allocate_zeros(memory, seeding->options->n_categories[f],
												   sizeof(double));

		for (i = 0; i < seeding->points->n && !stopped; i++)
		{
			share[points->code[i * points->n_codes + f]] += segment_point_weight(points, i);
			stopped = interrupted(seeding, i);
		}
		for (i = 0; i < seeding->points->n; i++)
			seeding->density[i] += share[points->code[i * points->n_codes + f]];
		memory.release(memory.ctx, share);
	}
	return !stopped;
}

/* The row with the largest density times distance; -1: all are at distance 0. */
static int64
densest_far_row(const Seeding *seeding)
{
	double		most = 0;
	int64		row = -1;
	int64		i;

	for (i = 0; i < seeding->points->n; i++)
	{
		double		here = seeding->density[i];

		if (seeding->prototypes->k > 0)
			here *= seeding->distance[i];
		if (here > most)
		{
			most = here;
			row = i;
		}
	}
	return row;
}

/* Of a few candidates, the one that leaves the least sum of distances. */
static bool
best_candidate(Seeding *seeding, const SegmentDraw *drawn, int64 *row)
{
	const SegmentPoints *points = seeding->points;
	double		left[SEGMENT_MOST_DRAWN] = {0};
	int			best = 0;
	int			c;
	int64		i;

	for (c = 0; c < drawn->n; c++)
		stand_at(points, drawn->row[c], &seeding->candidates, c);
	for (i = 0; drawn->n > 1 && i < seeding->points->n; i++)
	{
		if (interrupted(seeding, i))
			return false;
		for (c = 0; c < drawn->n; c++)
		{
			double		there = distance_of(seeding, i, &seeding->candidates, c);

			left[c] += segment_point_weight(points, i) * Min(there, seeding->distance[i]);
		}
	}
	for (c = 1; c < drawn->n; c++)
		if (left[c] < left[best])
			best = c;
	*row = drawn->row[best];
	return true;
}

/* Adds prototypes until there are enough, or no row is at a distance.  False: interrupted. */
static bool
add_prototypes(Seeding *seeding, uint64 seed)
{
	SegmentPrototypes *prototypes = seeding->prototypes;
	const int	k = seeding->options->k;

	for (prototypes->k = 0; prototypes->k < k; prototypes->k++)
	{
		int			c = prototypes->k;
		int64		row;
		int64		i;

		if (seeding->density != NULL)
			row = densest_far_row(seeding);
		else
		{
			SegmentDraw drawn;

			drawn.wanted = c == 0 ? 1 : Min(2 + (int) segment_log(k), SEGMENT_MOST_DRAWN);
			segment_draw(seeding->points, seeding->points->n, c == 0 ? NULL : seeding->distance,
						 segment_hash_step(seed, c), &drawn);
			if (drawn.n == 0)
				row = -1;
			else if (!best_candidate(seeding, &drawn, &row))
				return false;
		}
		if (row < 0)
			break;
		stand_at(seeding->points, row, prototypes, c);
		for (i = 0; i < seeding->points->n; i++)
		{
			double		there = distance_of(seeding, i, prototypes, c);

			if (interrupted(seeding, i))
				return false;
			if (there < seeding->distance[i])
				seeding->distance[i] = there;
		}
	}
	return true;
}

/*
 * Fills the prototypes of a start; prototypes->k is less than wanted when there
 * are not that many rows at a distance from each other.
 */
SegmentStatus
segment_prototypes_seed(const SegmentPoints *points, const SegmentPrototypesOptions *options,
						int start, SegmentPrototypes *prototypes, SegmentMemory memory)
{
	Seeding		seeding = {0};
	bool		dense = start == 0 && points->n_codes > 0;
	bool		done;
	int64		i;

	seeding.points = points;
	seeding.options = options;
	seeding.prototypes = prototypes;
	seeding.distance = segment_allocate(memory, points->n, sizeof(double));
	for (i = 0; i < points->n; i++)
		seeding.distance[i] = HUGE_VAL;
	if (dense)
		seeding.density = segment_allocate(memory, points->n, sizeof(double));
	segment_prototypes_init(&seeding.candidates, SEGMENT_MOST_DRAWN, points->d, points->n_codes,
							memory);
	memcpy(seeding.candidates.mismatch, prototypes->mismatch, sizeof(double) * points->n_codes);
	done = (!dense || measure_density(&seeding, memory)) &&
		add_prototypes(&seeding, segment_numbered_seed(options->seed, start));
	segment_prototypes_free(&seeding.candidates, memory);
	if (dense)
		memory.release(memory.ctx, seeding.density);
	memory.release(memory.ctx, seeding.distance);
	return done ? SEGMENT_DONE : SEGMENT_INTERRUPTED;
}
