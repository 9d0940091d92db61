/*
 * kmeans_seed.c: greedy k-means++: where k-means starts.
 *
 * k-means++ (Arthur, Vassilvitskii 2007) draws each centroid among the points
 * with probability proportional to its squared distance D^2 from the centroids
 * drawn before; the greedy form draws 2 + ln k candidates each time and takes
 * the one that leaves the least sum of squares.
 *
 * Of very many rows the first SEGMENT_SEED_ROWS, a uniform sample (points.h), take part.
 */
#include "kernel/cluster/kmeans.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/cluster/centroids.h"
#include "kernel/base/draw.h"
#include "kernel/base/elementary.h"

/* rows that take part: at least SEGMENT_SEED_ROWS, and this many for each centroid */
#define ROWS_PER_CENTROID	1024

/* rows whose potential is summed before it is added to the total */
#define BLOCK 4096

typedef struct SeedJob
{
	SegmentPoints points;		/* those that take part */
	double	   *distance;		/* n: squared, to the nearest centroid so far */
	double	   *packed;			/* the candidates */
	double	   *potential;		/* by block and candidate: the sum of w min(D^2, squared distance to it) */
	double	   *centroid;		/* the one taken */
} SeedJob;

static int64
blocks_of(const SegmentPoints *points)
{
	return (points->n + BLOCK - 1) / BLOCK;
}

/* The potentials of a block of rows. */
SEGMENT_CLONES static void
measure(void *seed_job, int member, int64 block)
{
	const SeedJob *job = seed_job;
	const SegmentPoints *points = &job->points;
	const int	d = points->d;
	const int64 to = Min((block + 1) * BLOCK, points->n);
	SegmentLanes sum = {0};
	int64		i;

	for (i = block * BLOCK; i < to; i++)
	{
		double		there[SEGMENT_LANES];
		double		nearest = job->distance[i];
		int			lane;

		segment_group_distances(job->packed, d, points->x + i * d, there);
		for (lane = 0; lane < SEGMENT_LANES; lane++)
			there[lane] = there[lane] < nearest ? there[lane] : nearest;
		sum += *(SegmentLanes *) there * segment_point_weight(points, i);
	}
	*(SegmentLanes *) (job->potential + block * SEGMENT_LANES) = sum;
}

/* Brings the distances of a block of rows up to date. */
static void
take(void *seed_job, int member, int64 block)
{
	const SeedJob *job = seed_job;
	const int	d = job->points.d;
	const int64 to = Min((block + 1) * BLOCK, job->points.n);
	int64		i;

	for (i = block * BLOCK; i < to; i++)
	{
		double		there = segment_distance(job->points.x + i * d, job->centroid, d);

		if (there < job->distance[i])
			job->distance[i] = there;
	}
}

static const size_t seed_pointers[] = {
	offsetof(SeedJob, points.x), offsetof(SeedJob, points.weight), offsetof(SeedJob, distance),
	offsetof(SeedJob, packed), offsetof(SeedJob, potential), offsetof(SeedJob, centroid)
};

const SegmentJobKind segment_seed_job = {
	sizeof(SeedJob), measure, seed_pointers, lengthof(seed_pointers)
};
const SegmentJobKind segment_take_job = {
	sizeof(SeedJob), take, seed_pointers, lengthof(seed_pointers)
};

/* Of the candidates the one that leaves the least sum. */
static int
best_candidate(const SeedJob *job, const SegmentDraw *candidates)
{
	SegmentLanes total = {0};
	int			best = 0;
	int64		block;
	int			c;

	for (block = 0; block < blocks_of(&job->points); block++)
		total += *(SegmentLanes *) (job->potential + block * SEGMENT_LANES);
	for (c = 1; c < candidates->n; c++)
		if (total[c] < total[best])
			best = c;
	return best;
}

/* Takes the best candidate as a centroid. */
static SegmentStatus
choose(SeedJob *job, const SegmentDraw *candidates, SegmentTeam *team,
	   SegmentInterrupted interrupted)
{
	const int	d = job->points.d;
	const int64 blocks = blocks_of(&job->points);
	int			best = 0;

	if (candidates->n > 1)
	{
		segment_pack_rows(job->points.x, candidates->row, candidates->n, d, job->packed);
		if (segment_team_run(team, SEGMENT_JOB_SEED, job, blocks, interrupted) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		best = best_candidate(job, candidates);
	}
	memcpy(job->centroid, job->points.x + candidates->row[best] * d, sizeof(double) * d);
	return segment_team_run(team, SEGMENT_JOB_TAKE, job, blocks, interrupted);
}

/*
 * Fills centroids (k x d); found is less than k when there are not that many
 * points at a distance from each other.
 */
SegmentStatus
segment_kmeans_seed(const SegmentPoints *points, int k, uint64 seed, double *centroids, int *found,
					SegmentMemory memory, SegmentTeam *team, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	SegmentStatus status = SEGMENT_DONE;
	SegmentDraw candidates;
	SeedJob		job;
	int64		n;
	int64		i;

	job.points = *points;
	n = job.points.n = Min(points->n, Max((int64) SEGMENT_SEED_ROWS, (int64) k * ROWS_PER_CENTROID));
	job.distance = segment_allocate(memory, n, sizeof(double));
	job.packed = segment_allocate(memory, segment_packed_size(SEGMENT_MOST_DRAWN, d), sizeof(double));
	job.potential = segment_allocate_rows(memory, blocks_of(&job.points), SEGMENT_LANES,
										  sizeof(double));
	for (i = 0; i < n; i++)
		job.distance[i] = HUGE_VAL;
	for (*found = 0; *found < k && status == SEGMENT_DONE; (*found)++)
	{
		candidates.wanted = *found == 0 ? 1 : Min(2 + (int) segment_log(k), SEGMENT_MOST_DRAWN);
		segment_draw(points, n, *found == 0 ? NULL : job.distance, segment_hash_step(seed, *found),
					 &candidates);
		if (candidates.n == 0)
			break;
		job.centroid = centroids + (size_t) *found * d;
		status = choose(&job, &candidates, team, interrupted);
	}
	memory.release(memory.ctx, job.distance);
	memory.release(memory.ctx, job.packed);
	memory.release(memory.ctx, job.potential);
	return status;
}
