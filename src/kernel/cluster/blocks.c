/*
 * blocks.c: the nearest of k centroids for many points, fast and yet exact.
 *
 * Sixteen points lie side by side, their first coordinates, then their second
 * ones, in single precision:
 *
 *	 block 0:  p0.x p1.x .. p15.x | p0.y p1.y .. p15.y | ...
 *	 block 1:  p16.x ...
 *
 * so that a centroid is measured against sixteen points at once, without any
 * horizontal step.  Single precision takes half the memory and twice the lanes.
 *
 * What counts is the distance in double precision (centroids.h).  Single
 * precision only decides where it cannot err; the caller measures the other
 * points again.  With u = 2^-24, y = (x - shift) * scale, z a centroid in the same
 * units, D their distance, r the root of the sum as computed here:
 *
 *	 y and z are rounded:		moves D by at most u (|y| + |z|) <= u (2 |y| + D)
 *	 d differences, squares, additions: a relative error of (d + 2) u of the sum
 *
 *	 |r - D| <= 2 u |y| + kappa r,	kappa = (d + 8) / 2 u
 *
 * (kappa has room for terms of higher order and for the rounding of double
 * precision.)  Let r1 be the least and r2 the second least.  The nearest is
 * certain, and nearer than any other by
 *
 *	 D2 - D1 >= r2 - r1 - kappa (r1 + r2) - e,	e = 4 u |y| + 1e-20
 *
 * where 1e-20 covers squares too small for a float.  Roots are slow, so all of it
 * is multiplied by r1 + r2 and bounded: kappa (r1 + r2)^2 <= 4 kappa r2^2, and e (r1 + r2)
 * <= 2 e r2 <= e^2 / kappa + kappa r2^2.  With s = r^2
 *
 *	 margin = (s2 - s1) - (6 kappa s2 + e^2 / kappa)
 *
 * (6, not 5: for the rounding of the margin itself) is positive only where the
 * nearest is certain, and D2 - D1 >= margin / (r1 + r2) >= margin / (2 r2).
 *
 * |y| is at most the block's reach.  A point far out has a long one and is
 * hardly ever certain, which costs time, but only in its own block.
 */
#include "kernel/cluster/blocks.h"

#include <math.h>

#include "kernel/base/allocate.h"

/* blocks that are filled as one piece of work */
#define BLOCKS_OF_PIECE 512

/* points whose mean is the shift; they are a random sample */
#define SHIFT_POINTS 4096

/* Bytes that a point takes here. */
size_t
segment_blocks_bytes_per_row(int d)
{
	return sizeof(float) * d + 1;
}

static void
find_shift(SegmentBlocks *blocks, const SegmentPoints *points)
{
	const int	d = points->d;
	const int64 n = Min(points->n, SHIFT_POINTS);
	int64		i;
	int			j;

	for (j = 0; j < d; j++)
		blocks->shift[j] = 0;
	for (i = 0; i < n; i++)
		for (j = 0; j < d; j++)
			blocks->shift[j] += points->x[i * d + j] / (double) n;
}

SEGMENT_CLONES static void
fill_block(SegmentBlocks *blocks, const SegmentPoints *points, int64 block)
{
	const int	d = points->d;
	float	   *y = blocks->y + block * d * SEGMENT_BLOCK;
	float		longest = 0;
	int			lane;
	int			j;

	for (lane = 0; lane < SEGMENT_BLOCK; lane++)
	{
		const double *x = points->x + Min(block * SEGMENT_BLOCK + lane, points->n - 1) * d;
		float		sum = 0;

		for (j = 0; j < d; j++)
		{
			float		coordinate = (float) ((x[j] - blocks->shift[j]) * blocks->scale);

			y[j * SEGMENT_BLOCK + lane] = coordinate;
			sum += coordinate * coordinate;
		}
		longest = sum > longest ? sum : longest;
	}
	blocks->reach[block] = sqrtf(longest) * 1.001f;
}

typedef struct FillJob
{
	SegmentBlocks blocks;
	SegmentPoints points;
} FillJob;

static void
fill_piece(void *job, int member, int64 piece)
{
	FillJob    *fill = job;
	int64		to = Min((piece + 1) * BLOCKS_OF_PIECE, fill->blocks.n);
	int64		block;

	for (block = piece * BLOCKS_OF_PIECE; block < to; block++)
		fill_block(&fill->blocks, &fill->points, block);
}

static const size_t fill_pointers[] = {
	offsetof(FillJob, blocks.shift), offsetof(FillJob, blocks.y), offsetof(FillJob, blocks.reach),
	offsetof(FillJob, points.x)
};

const SegmentJobKind segment_blocks_job = {
	sizeof(FillJob), fill_piece, fill_pointers, lengthof(fill_pointers)
};

/* largest: by coordinate, at least the largest absolute value. */
SegmentStatus
segment_blocks_init(SegmentBlocks *blocks, const SegmentPoints *points, int k,
					const double *largest, SegmentMemory memory, SegmentTeam *team, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	double		most = 0;
	int			exponent;
	int			j;
	FillJob		job;

	blocks->n = (points->n + SEGMENT_BLOCK - 1) / SEGMENT_BLOCK;
	blocks->d = d;
	blocks->shift = segment_allocate(memory, d, sizeof(double));
	blocks->y = segment_allocate_rows(memory, blocks->n, (uint64) d * SEGMENT_BLOCK, sizeof(float));
	blocks->reach = segment_allocate(memory, blocks->n, sizeof(float));
	blocks->centroids = segment_allocate_rows(memory, (uint64) k + 1, d, sizeof(float));
	find_shift(blocks, points);
	for (j = 0; j < d; j++)
		most = Max(most, largest[j]);
	(void) frexp(most, &exponent);
	/* no distance from the shift is more than twice the largest value */
	blocks->scale = most > 0 ? ldexp(1.0, Min(-exponent - 1, 1000)) : 1;
	job.blocks = *blocks;
	job.points = *points;
	return segment_team_run(team, SEGMENT_JOB_BLOCKS, &job,
							(blocks->n + BLOCKS_OF_PIECE - 1) / BLOCKS_OF_PIECE, interrupted);
}

void
segment_blocks_free(SegmentBlocks *blocks, SegmentMemory memory)
{
	memory.release(memory.ctx, blocks->shift);
	memory.release(memory.ctx, blocks->y);
	memory.release(memory.ctx, blocks->reach);
	memory.release(memory.ctx, blocks->centroids);
}

/* The k centroids that points are now compared with. */
void
segment_blocks_set_centroids(SegmentBlocks *blocks, const double *centroids, int k)
{
	int			c;
	int			j;

	for (j = 0; j < blocks->d; j++)
		blocks->centroids[(size_t) k * blocks->d + j] = FLT_MAX;
	for (c = 0; c < k; c++)
		for (j = 0; j < blocks->d; j++)
		{
			double		y = (centroids[(size_t) c * blocks->d + j] - blocks->shift[j]) * blocks->scale;

			/* a square beyond floats is infinite, which is never nearer than another */
			blocks->centroids[(size_t) c * blocks->d + j] = (float) Max(Min(y, FLT_MAX), -FLT_MAX);
		}
}
