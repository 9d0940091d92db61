/*
 * kmeans_seed.c: greedy k-means++: where k-means starts.
 *
 * k-means++ (Arthur, Vassilvitskii 2007) draws each centroid among the points
 * with probability proportional to its squared distance D^2 from the centroids
 * drawn before; the greedy form draws 2 + ln k candidates each time and takes
 * the one that leaves the least sum of squares.
 *
 * Of very many rows the first SEED_ROWS, a uniform sample (points.h), take part.
 */
#include "kernel/kmeans.h"

#include <math.h>
#include <string.h>

#include "kernel/centroids.h"
#include "kernel/draw.h"
#include "kernel/elementary.h"

/* rows that take part: at least this many, and ROWS_PER_CENTROID for each centroid */
#define SEED_ROWS			131072
#define ROWS_PER_CENTROID	1024

/* rows whose potential is summed before it is added to the total */
#define BLOCK 4096

/* Adds the sum of w min(D^2, squared distance to the candidate) of some rows, for each candidate. */
SEGMENT_CLONES static void
measure(const SegmentPoints *points, int64 from, int64 to, const double *distance,
		const double *packed, double *potential)
{
	const int	d = points->d;
	SegmentLanes sum = {0};
	int64		i;

	for (i = from; i < to; i++)
	{
		double		there[SEGMENT_LANES];
		int			lane;

		segment_group_distances(packed, d, points->x + i * d, there);
		for (lane = 0; lane < SEGMENT_LANES; lane++)
			there[lane] = there[lane] < distance[i] ? there[lane] : distance[i];
		sum += *(SegmentLanes *) there * segment_point_weight(points, i);
	}
	*(SegmentLanes *) potential += sum;
}

/* Takes the best candidate as a centroid. */
static SegmentStatus
choose(const SegmentPoints *points, int64 n, const SegmentDraw *candidates, double *distance,
	   double *packed, double *centroid, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	double		potential[SEGMENT_LANES] = {0};
	int			best = 0;
	int			c;
	int64		from;

	segment_pack_rows(points->x, candidates->row, candidates->n, d, packed);
	for (from = 0; candidates->n > 1 && from < n; from += BLOCK)
	{
		if (interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
		measure(points, from, Min(from + BLOCK, n), distance, packed, potential);
	}
	for (c = 1; c < candidates->n; c++)
		if (potential[c] < potential[best])
			best = c;
	memcpy(centroid, points->x + candidates->row[best] * d, sizeof(double) * d);
	for (from = 0; from < n; from += BLOCK)
	{
		int64		i;

		if (interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
		for (i = from; i < Min(from + BLOCK, n); i++)
		{
			double		there = segment_distance(points->x + i * d, centroid, d);

			if (there < distance[i])
				distance[i] = there;
		}
	}
	return SEGMENT_DONE;
}

/*
 * Fills centroids (k x d); found is less than k when there are not that many
 * points at a distance from each other.
 */
SegmentStatus
segment_kmeans_seed(const SegmentPoints *points, int k, uint64 seed, double *centroids, int *found,
					SegmentMemory memory, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	int64		n = Min(points->n, Max((int64) SEED_ROWS, (int64) k * ROWS_PER_CENTROID));
	double	   *distance = memory.resize(memory.ctx, NULL, sizeof(double) * n);
	double	   *packed = memory.resize(memory.ctx, NULL, sizeof(double) * segment_packed_size(SEGMENT_MOST_DRAWN, d));
	SegmentStatus status = SEGMENT_DONE;
	SegmentDraw candidates;
	int64		i;

	for (i = 0; i < n; i++)
		distance[i] = HUGE_VAL;
	for (*found = 0; *found < k && status == SEGMENT_DONE; (*found)++)
	{
		candidates.wanted = *found == 0 ? 1 : Min(2 + (int) segment_log(k), SEGMENT_MOST_DRAWN);
		segment_draw(points, n, *found == 0 ? NULL : distance, segment_hash_step(seed, *found), &candidates);
		if (candidates.n == 0)
			break;
		status = choose(points, n, &candidates, distance, packed, centroids + (size_t) *found * d,
						interrupted);
	}
	memory.release(memory.ctx, distance);
	memory.release(memory.ctx, packed);
	return status;
}
