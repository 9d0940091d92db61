/*
 * blocks.h: points sixteen at a time, in single precision, for finding nearest
 * centroids.  See blocks.c.
 */
#ifndef SEGMENT_BLOCKS_H
#define SEGMENT_BLOCKS_H

#include "c.h"

#include <float.h>
#include <math.h>

#include "kernel/base/lanes.h"
#include "kernel/base/points.h"
#include "kernel/base/team.h"

/* points of a block */
#define SEGMENT_BLOCK 16

typedef float SegmentSingles
			__attribute__((vector_size(sizeof(float) * SEGMENT_BLOCK), aligned(4)));
typedef int32 SegmentWords __attribute__((vector_size(sizeof(int32) * SEGMENT_BLOCK), aligned(4)));

typedef float SegmentQuad __attribute__((vector_size(sizeof(float) * 4)));
typedef int32 SegmentQuadWords __attribute__((vector_size(sizeof(int32) * 4)));

/* The union lets lanes be read by fours and one by one. */
typedef union SegmentSingleLanes
{
	SegmentSingles all;
	SegmentQuad quad[SEGMENT_BLOCK / 4];
	float		lane[SEGMENT_BLOCK];
} SegmentSingleLanes;

typedef struct SegmentBlocks
{
	int64		n;				/* blocks; the last one is filled up with its last point */
	int			d;
	double		scale;			/* a power of two: y = (x - shift) * scale is within [-1, 1] */
	double	   *shift;			/* by coordinate */
	float	   *y;				/* block after block: d times sixteen */
	float	   *reach;			/* by block: at least the length of its longest y */
	float	   *centroids;		/* k x d, as y is; one more when k is odd, never nearest */
} SegmentBlocks;

/* What segment_block_nearest finds out about a block. */
typedef struct SegmentBlockNearest
{
	int32		number[SEGMENT_BLOCK];	/* the nearest centroid, if certain */
	SegmentSingleLanes margin;	/* by point: certain if positive */
	float		least;			/* how much nearer, in units of y, the nearest centroid is than all others, to all
								 * points; negative where it is not certain for all */
} SegmentBlockNearest;

extern SegmentStatus segment_blocks_init(SegmentBlocks *blocks, const SegmentPoints *points, int k,
										 const double *largest, SegmentMemory memory,
										 SegmentTeam *team, SegmentInterrupted interrupted);
extern void segment_blocks_free(SegmentBlocks *blocks, SegmentMemory memory);
extern void segment_blocks_set_centroids(SegmentBlocks *blocks, const double *centroids, int k);
extern size_t segment_blocks_bytes_per_row(int d);

/*
 * Of a or b by lane, as the mask (0 or -1) says; a macro, as no vector may be passed on
 * some CPUs.
 */
#define SEGMENT_SELECT(mask, a, b) \
	((SegmentSingles) (((SegmentWords) (a) & (mask)) | ((SegmentWords) (b) & ~(mask))))

/* Makes a the lesser of a and b, lane by lane. */
#define SEGMENT_LESSER(a, b) \
	do { \
		SegmentQuadWords lesser_ = (b) < (a); \
		(a) = (SegmentQuad) (((SegmentQuadWords) (b) & lesser_) | ((SegmentQuadWords) (a) & ~lesser_)); \
	} while (0)

/* A centroid's squared distances: are they the least so far, or the second least? */
#define SEGMENT_COMPARE(squared, centroid) \
	do { \
		nearer = (squared) < best; \
		farther = SEGMENT_SELECT(nearer, best, squared); \
		best = SEGMENT_SELECT(nearer, squared, best); \
		number = (number & ~nearer) | ((centroid) & nearer); \
		closer = farther < second; \
		second = SEGMENT_SELECT(closer, farther, second); \
	} while (0)

/* Fetches a block ahead of its turn. */
SEGMENT_INLINE void
segment_block_prefetch(const SegmentBlocks *blocks, int64 block)
{
	const float *y = blocks->y + block * blocks->d * SEGMENT_BLOCK;
	int			j;

	/* a coordinate of a block is a cache line; after some the CPU goes on by itself */
	for (j = 0; j < blocks->d && j < 16; j++)
		__builtin_prefetch(y + j * SEGMENT_BLOCK);
}

/*
 * The nearest of k centroids for all points of a block; see blocks.c for what is
 * certain about it.
 */
SEGMENT_INLINE void
segment_block_nearest(const SegmentBlocks *blocks, int64 block, int k, SegmentBlockNearest *nearest)
{
	const int	d = blocks->d;
	const float *y = blocks->y + block * d * SEGMENT_BLOCK;
	const float relative = 3.0f * FLT_EPSILON / 2 * (float) (d + 8);	/* 6 kappa */
	const float reach = 2 * FLT_EPSILON * blocks->reach[block] + 1e-20f;
	/* e^2 / kappa */
	const float absolute = reach * reach / (FLT_EPSILON / 4 * (float) (d + 8)) * 1.001f;
	SegmentSingles best = (SegmentSingles) {0} +FLT_MAX;
	SegmentSingles second = best;
	SegmentSingles margin;
	SegmentSingleLanes least;
	SegmentSingles farther;
	SegmentWords number = {0};
	SegmentWords nearer;
	SegmentWords closer;
	int			lane;
	int			c;

	/* two at a time, as each addition waits for the one before */
	for (c = 0; c < k; c += 2)
	{
		const float *centroid = blocks->centroids + (size_t) c * d;
		SegmentSingles sum = {0};
		SegmentSingles next = {0};
		int			j;

		for (j = 0; j < d; j++)
		{
			SegmentSingles point = ((const SegmentSingles *) y)[j];
			SegmentSingles difference = point - centroid[j];
			SegmentSingles other = point - centroid[d + j];

			sum += difference * difference;
			next += other * other;
		}
		SEGMENT_COMPARE(sum, c);
		SEGMENT_COMPARE(next, c + 1);
	}
	*(SegmentWords *) nearest->number = number;
	margin = (second - best) - (relative * second + absolute);
	nearest->margin.all = margin;
	/* the least of margin^2 / second, negative where a margin is; four lanes at a time */
	least.all = margin * ((SegmentSingles) ((SegmentWords) margin & PG_INT32_MAX) / second);
	SEGMENT_LESSER(least.quad[0], least.quad[1]);
	SEGMENT_LESSER(least.quad[2], least.quad[3]);
	SEGMENT_LESSER(least.quad[0], least.quad[2]);
	for (lane = 1; lane < 4; lane++)
		least.lane[0] = least.lane[lane] < least.lane[0] ? least.lane[lane] : least.lane[0];
	nearest->least = least.lane[0] > 0 ? 0.4999f * sqrtf(least.lane[0]) : -1;
}

#endif							/* SEGMENT_BLOCKS_H */
