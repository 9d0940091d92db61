/*
 * fixed_sum.c: weighted sums of coordinates by cluster that do not depend on the
 * order of additions.
 *
 * Each coordinate is rounded to a grid of 2^-40 of its largest absolute value,
 * a power of two.  Sums of up to 4,096 such numbers fit into the 53 bits of a
 * double and are exact there; now and then they go into 128-bit integers.  So rows
 * can be added and taken out one by one, in any order and by any number of
 * workers, and the sum is always the same as a fresh one: k-means can follow
 * changes instead of adding all rows at each step (law 3).
 *
 * Rounding moves a mean by at most 2^-41 of the coordinate's largest value.
 *
 * Weights are whole multiples of a weight step: of 1 when all weights are
 * whole (numbers of copies), else of about 2^-60 of their sum.
 */
#include "kernel/base/fixed_sum.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"

/*
 * the finer grid of final means: 2^-FINE_BITS of the largest value, the most that MAGIC
 * can round to
 */
#define FINE_BITS 51

/* 1.5 * 2^52 steps: adding it leaves whole steps in the last bit */
#define MAGIC 6755399441055744.0

/* rows between two questions whether to go on */
#define ROWS_BETWEEN_CHECKS 4096

static double
power_of_two_above(double x)
{
	int			exponent;

	if (!(x > 0))
		return 1.0;
	(void) frexp(x, &exponent);
	return ldexp(1.0, exponent);
}

void
segment_grid_init(SegmentGrid *grid, const SegmentPoints *points, SegmentMemory memory)
{
	const int	d = points->d;
	const double limit = ldexp(1.0, SEGMENT_GRID_BITS);
	const double total_limit = ldexp(1.0, 60);
	bool		whole = points->total_weight <= total_limit;
	int64		i;
	int			j;

	grid->d = d;
	grid->magic = segment_allocate(memory, d, sizeof(double));
	grid->step = segment_allocate(memory, d, sizeof(double));
	for (j = 0; j < d; j++)
		grid->step[j] = 0;
	for (i = 0; i < points->n; i++)
		for (j = 0; j < d; j++)
		{
			double		size = fabs(points->x[i * d + j]);

			if (size > grid->step[j])
				grid->step[j] = size;
		}
	for (j = 0; j < d; j++)
	{
		/* not below the smallest normal step, nor beyond what MAGIC can take */
		double		largest = Min(Max(power_of_two_above(grid->step[j]), ldexp(1.0, -900)), ldexp(1.0, 960));

		grid->step[j] = largest / limit;
		grid->magic[j] = MAGIC * grid->step[j];
	}
	for (i = 0; points->weight != NULL && i < points->n && whole; i++)
		whole = points->weight[i] == floor(points->weight[i]);
	grid->weight_step = whole ? 1.0 : power_of_two_above(points->total_weight) / total_limit;
}

void
segment_grid_free(SegmentGrid *grid, SegmentMemory memory)
{
	memory.release(memory.ctx, grid->magic);
	memory.release(memory.ctx, grid->step);
}

void
segment_fixed_sums_init(SegmentFixedSums *sums, int k, int d, int members, SegmentMemory memory)
{
	uint64		rows = segment_product(members, k);
	int			member;

	sums->k = k;
	sums->d = d;
	sums->pending = segment_allocate(memory, members, sizeof(int));
	sums->recent = segment_allocate_rows(memory, rows, d, sizeof(double));
	sums->sum = segment_allocate_rows(memory, rows, d, sizeof(int128));
	sums->weight = segment_allocate(memory, rows, sizeof(int64));
	for (member = 0; member < members; member++)
	{
		SegmentFixedSums of_member = segment_fixed_sums_of(sums, member);

		segment_fixed_sums_clear(&of_member);
	}
}

void
segment_fixed_sums_clear(SegmentFixedSums *sums)
{
	size_t		cells = (size_t) sums->k * sums->d;

	*sums->pending = 0;
	memset(sums->recent, 0, sizeof(double) * cells);
	memset(sums->sum, 0, sizeof(int128) * cells);
	memset(sums->weight, 0, sizeof(int64) * sums->k);
}

void
segment_fixed_sums_free(SegmentFixedSums *sums, SegmentMemory memory)
{
	memory.release(memory.ctx, sums->pending);
	memory.release(memory.ctx, sums->recent);
	memory.release(memory.ctx, sums->sum);
	memory.release(memory.ctx, sums->weight);
}

/* Empties recent into the integers. */
void
segment_fixed_sums_settle(SegmentFixedSums *sums, const SegmentGrid *grid)
{
	int			c;
	int			j;

	for (c = 0; c < sums->k; c++)
		for (j = 0; j < sums->d; j++)
		{
			size_t		cell = (size_t) c * sums->d + j;

			sums->sum[cell] += (int64) (sums->recent[cell] / grid->step[j]);
			sums->recent[cell] = 0;
		}
	*sums->pending = 0;
}

/* Settles, and moves the sums of all members into those of the first. */
void
segment_fixed_sums_gather(SegmentFixedSums *sums, const SegmentGrid *grid, int members)
{
	int			member;

	segment_fixed_sums_settle(sums, grid);
	for (member = 1; member < members; member++)
	{
		SegmentFixedSums other = segment_fixed_sums_of(sums, member);
		size_t		cell;
		int			c;

		segment_fixed_sums_settle(&other, grid);
		for (cell = 0; cell < (size_t) sums->k * sums->d; cell++)
			sums->sum[cell] += other.sum[cell];
		for (c = 0; c < sums->k; c++)
			sums->weight[c] += other.weight[c];
		segment_fixed_sums_clear(&other);
	}
}

void
segment_fixed_sums_add_weighted(SegmentFixedSums *sums, const SegmentGrid *grid, int cluster,
								const double *x, double weight, int sign)
{
	int64		times = (int64) floor(weight / grid->weight_step + 0.5) * sign;
	int			j;

	for (j = 0; j < sums->d; j++)
		sums->sum[(size_t) cluster * sums->d + j] +=
			(int128) (int64) (((x[j] + grid->magic[j]) - grid->magic[j]) / grid->step[j]) * times;
	sums->weight[cluster] += times;
}

/* The mean of a cluster with some weight; after segment_fixed_sums_settle. */
void
segment_fixed_sums_mean(const SegmentFixedSums *sums, const SegmentGrid *grid, int cluster,
						double *mean)
{
	int			j;

	for (j = 0; j < sums->d; j++)
		mean[j] = (double) sums->sum[(size_t) cluster * sums->d + j] /
			(double) sums->weight[cluster] * grid->step[j];
}

/*
 * The means of clusters (k x d) on the finest grid, for when they are final: in
 * 128-bit integers alone, all rows at once.  A cluster without points keeps the
 * mean it has.
 */
SegmentStatus
segment_fine_means(const SegmentPoints *points, const SegmentGrid *grid, const int32 *labels, int k,
				   double *means, SegmentMemory memory, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	const double finer = ldexp(1.0, SEGMENT_GRID_BITS - FINE_BITS);
	SegmentFixedSums sums;
	int64		i;
	int			c;
	int			j;

	segment_fixed_sums_init(&sums, k, d, 1, memory);
	for (i = 0; i < points->n; i++)
	{
		int64		times = (int64) floor(segment_point_weight(points, i) / grid->weight_step + 0.5);
		int128	   *sum = sums.sum + (size_t) labels[i] * d;

		if (i % ROWS_BETWEEN_CHECKS == 0 && interrupted != NULL && interrupted())
		{
			segment_fixed_sums_free(&sums, memory);
			return SEGMENT_INTERRUPTED;
		}
		for (j = 0; j < d; j++)
		{
			double		magic = grid->magic[j] * finer;

			sum[j] += (int128) (int64) (((points->x[i * d + j] + magic) - magic) / (grid->step[j] * finer)) *
				times;
		}
		sums.weight[labels[i]] += times;
	}
	for (c = 0; c < k; c++)
		for (j = 0; j < d && sums.weight[c] != 0; j++)
			means[(size_t) c * d + j] = (double) sums.sum[(size_t) c * d + j] /
				(double) sums.weight[c] * (grid->step[j] * finer);
	segment_fixed_sums_free(&sums, memory);
	return SEGMENT_DONE;
}
