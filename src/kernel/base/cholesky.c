/*
 * cholesky.c: takes the root of a symmetric positive definite matrix.
 *
 * A = L L' with L lower triangular.  A symmetric matrix is kept as its lower
 * triangle, row after row:
 *
 *	 a00 | a10 a11 | a20 a21 a22 | ...
 *
 * L is computed row by row, so that all sums run along rows (Cholesky-Banachiewicz):
 * l_ij = (a_ij - sum over m < j of l_im l_jm) / l_jj.  The order of additions is
 * fixed: eight interleaved sums, then these.
 *
 * What is left of a diagonal element, l_ii squared, is the variance of
 * coordinate i that the coordinates before it do not explain.  Below
 * LEAST_SHARE of the whole variance it is rounding error rather than variance,
 * and the matrix counts as not positive definite.
 */
#include "kernel/base/cholesky.h"

#include <math.h>

#include "kernel/base/lanes.h"

/* d^3/3 rounding errors of 2^-53 stay below this for all d that occur */
#define LEAST_SHARE 1e-13

/* additions between two questions whether to go on; a millisecond or so */
#define WORK_BETWEEN_CHECKS 1000000

SEGMENT_CLONES static double
dot(const double *a, const double *b, int n)
{
	SegmentLanes sum = {0};
	double		result;
	int			whole = n / SEGMENT_LANES * SEGMENT_LANES;
	int			i;

	for (i = 0; i < whole; i += SEGMENT_LANES)
		sum += *(const SegmentLanes *) (a + i) * *(const SegmentLanes *) (b + i);
	result = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
	for (; i < n; i++)
		result += a[i] * b[i];
	return result;
}

/* matrix and factor: SEGMENT_TRIANGLE(d) numbers; may be the same array. */
SegmentCholesky
segment_cholesky(const double *matrix, int d, double *factor, SegmentInterrupted interrupted)
{
	int64		work = 0;
	int			i;
	int			j;

	for (i = 0; i < d; i++)
	{
		double	   *row = factor + SEGMENT_TRIANGLE(i);
		double		whole = matrix[SEGMENT_TRIANGLE_AT(i, i)];
		double		rest;

		for (j = 0; j < i; j++)
		{
			const double *other = factor + SEGMENT_TRIANGLE(j);

			row[j] = (matrix[SEGMENT_TRIANGLE_AT(i, j)] - dot(row, other, j)) / other[j];
			work += j;
			if (work > WORK_BETWEEN_CHECKS)
			{
				if (interrupted != NULL && interrupted())
					return SEGMENT_FACTORING_INTERRUPTED;
				work = 0;
			}
		}
		rest = whole - dot(row, row, i);
		/* so written that NaN is caught, too */
		if (!(rest > LEAST_SHARE * whole && rest < HUGE_VAL))
			return SEGMENT_NOT_POSITIVE;
		row[i] = sqrt(rest);
	}
	return SEGMENT_FACTORED;
}
