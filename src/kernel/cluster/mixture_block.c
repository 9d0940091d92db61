/*
 * mixture_block.c: what fitting a mixture does with a block of rows: densities, shares,
 * and sums.  The same operations in the same order on every CPU.
 */
#include "kernel/cluster/mixture_block.h"

#include <math.h>
#include <string.h>

#include "kernel/base/elementary.h"
#include "kernel/cluster/mixture_parts.h"

/* rows of a block whose sums run side by side in registers */
#define STRIP (4 * SEGMENT_LANES)

SEGMENT_INLINE double
sum_of_lanes(const SegmentLanes *v)
{
	return (((*v)[0] + (*v)[4]) + ((*v)[2] + (*v)[6])) + (((*v)[1] + (*v)[5]) + ((*v)[3] + (*v)[7]));
}

#define LANES(p) (*(SegmentLanes *) (p))
#define CONST_LANES(p) (*(const SegmentLanes *) (p))

/*
 * Coordinate i of L y = z, for all rows of a block: y_i = (z_i - sum l_ij y_j) / l_ii,
 * where the inverse of l_ii is given.  Adds y_i squared to distance.
 */
SEGMENT_CLONES void
segment_mixture_substitute(const double *l, int i, double *y, double *distance)
{
	double	   *target = y + (size_t) i * SEGMENT_MIXTURE_STRIDE;
	int			b;
	int			j;

	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b += STRIP)
	{
		SegmentLanes s0 = CONST_LANES(target + b);
		SegmentLanes s1 = CONST_LANES(target + b + SEGMENT_LANES);
		SegmentLanes s2 = CONST_LANES(target + b + 2 * SEGMENT_LANES);
		SegmentLanes s3 = CONST_LANES(target + b + 3 * SEGMENT_LANES);

		for (j = 0; j < i; j++)
		{
			const double *other = y + (size_t) j * SEGMENT_MIXTURE_STRIDE + b;

			s0 -= l[j] * CONST_LANES(other);
			s1 -= l[j] * CONST_LANES(other + SEGMENT_LANES);
			s2 -= l[j] * CONST_LANES(other + 2 * SEGMENT_LANES);
			s3 -= l[j] * CONST_LANES(other + 3 * SEGMENT_LANES);
		}
		s0 *= l[i];
		s1 *= l[i];
		s2 *= l[i];
		s3 *= l[i];
		LANES(target + b) = s0;
		LANES(target + b + SEGMENT_LANES) = s1;
		LANES(target + b + 2 * SEGMENT_LANES) = s2;
		LANES(target + b + 3 * SEGMENT_LANES) = s3;
		LANES(distance + b) += s0 * s0;
		LANES(distance + b + SEGMENT_LANES) += s1 * s1;
		LANES(distance + b + 2 * SEGMENT_LANES) += s2 * s2;
		LANES(distance + b + 3 * SEGMENT_LANES) += s3 * s3;
	}
}

/* sums[j] = sum over the block of w z_j, for j from 0 to n - 1. */
SEGMENT_CLONES void
segment_mixture_weighted_sums(const double *w, const double *z, int n, double *sums)
{
	int			b;
	int			j;

	for (j = 0; j + 4 <= n; j += 4)
	{
		const double *z0 = z + (size_t) j * SEGMENT_MIXTURE_STRIDE;
		SegmentLanes s0 = {0};
		SegmentLanes s1 = {0};
		SegmentLanes s2 = {0};
		SegmentLanes s3 = {0};

		for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b += SEGMENT_LANES)
		{
			SegmentLanes v = CONST_LANES(w + b);

			s0 += v * CONST_LANES(z0 + b);
			s1 += v * CONST_LANES(z0 + SEGMENT_MIXTURE_STRIDE + b);
			s2 += v * CONST_LANES(z0 + 2 * SEGMENT_MIXTURE_STRIDE + b);
			s3 += v * CONST_LANES(z0 + 3 * SEGMENT_MIXTURE_STRIDE + b);
		}
		sums[j] = sum_of_lanes(&s0);
		sums[j + 1] = sum_of_lanes(&s1);
		sums[j + 2] = sum_of_lanes(&s2);
		sums[j + 3] = sum_of_lanes(&s3);
	}
	for (; j < n; j++)
	{
		SegmentLanes s = {0};

		for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b += SEGMENT_LANES)
			s += CONST_LANES(w + b) * CONST_LANES(z + (size_t) j * SEGMENT_MIXTURE_STRIDE + b);
		sums[j] = sum_of_lanes(&s);
	}
}

SEGMENT_CLONES double
segment_mixture_sum(const double *x)
{
	SegmentLanes s = {0};
	int			b;

	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b += SEGMENT_LANES)
		s += CONST_LANES(x + b);
	return sum_of_lanes(&s);
}

SEGMENT_CLONES void
segment_mixture_subtract(const double *pg_restrict x, double mean, double *pg_restrict z)
{
	int			b;

	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
		z[b] = x[b] - mean;
}

SEGMENT_CLONES void
segment_mixture_multiply(const double *pg_restrict a, const double *pg_restrict b,
						 double *pg_restrict product)
{
	int			i;

	for (i = 0; i < SEGMENT_MIXTURE_BLOCK; i++)
		product[i] = a[i] * b[i];
}

SEGMENT_CLONES void
segment_mixture_add_squares(const double *pg_restrict z, double factor, double *pg_restrict distance)
{
	int			b;

	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
		distance[b] += (z[b] * factor) * (z[b] * factor);
}

SEGMENT_CLONES void
segment_mixture_log_densities(double constant, double *distance)
{
	int			b;

	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
		distance[b] = constant - 0.5 * (distance[b] < SEGMENT_FARTHEST ? distance[b] : SEGMENT_FARTHEST);
}

/*
 * From log-densities to each component's share in the weight of a row.  Leaves
 * in room the logarithm of the row's density times its weight.
 */
SEGMENT_CLONES void
segment_mixture_shares(double *pg_restrict share, int k, const double *pg_restrict row_weight,
					   double *pg_restrict room)
{
	double		largest[SEGMENT_MIXTURE_BLOCK];
	double		sum[SEGMENT_MIXTURE_BLOCK] = {0};
	int			b;
	int			c;

	memcpy(largest, share, sizeof(largest));
	for (c = 1; c < k; c++)
		for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
			largest[b] = share[c * SEGMENT_MIXTURE_BLOCK + b] > largest[b] ? share[c * SEGMENT_MIXTURE_BLOCK + b] : largest[b];
	for (c = 0; c < k; c++)
		for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
		{
			double		e = segment_exp(share[c * SEGMENT_MIXTURE_BLOCK + b] - largest[b]);

			share[c * SEGMENT_MIXTURE_BLOCK + b] = e;
			sum[b] += e;
		}
	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
		room[b] = row_weight[b] * (largest[b] + segment_log(sum[b]));
	for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
		sum[b] = row_weight[b] / sum[b];
	for (c = 0; c < k; c++)
		for (b = 0; b < SEGMENT_MIXTURE_BLOCK; b++)
			share[c * SEGMENT_MIXTURE_BLOCK + b] *= sum[b];
}
