/*
 * k_criteria.c: what the inertia of k clusters says about k.
 *
 * Inertia falls with each cluster, whether the data have that many or not.  Two
 * ways to tell how much it should fall:
 *
 * The gap statistic (Tibshirani, Walther and Hastie 2001) compares it with that of
 * data without clusters.  B reference sets are drawn uniformly from the box that
 * holds the points, and clustered as the data are:
 *
 *	gap(k)	 = mean over references of ln W*(k) - ln W(k)
 *	error(k) = sqrt(1 + 1/B) * standard deviation of ln W*(k) (divided by B)
 *	choice	 = the smallest k with gap(k) >= gap(k + 1) - error(k + 1)
 *
 * W is the inertia by row, inertia / weight: a constant less in logarithms than the
 * paper's W, the inertia itself, and ln(n/2) less than that of clusGap in R's
 * package "cluster", half of it; the gap is the same.
 *
 * BIC takes points for draws from k normal distributions that share one variance
 * in all directions (Pelleg and Moore 2000, X-means), each from the one whose cluster it
 * is in.  With n_c points in cluster c, n in all, d coordinates:
 *
 *	variance = inertia / (d (n - k))
 *	ln L	 = sum of n_c ln(n_c / n) - n d / 2 ln(2 pi variance) - d (n - k) / 2
 *	BIC		 = k (d + 1) ln n - 2 ln L			less is better
 *
 * Worked example: 0, 2 | 10, 12: inertia 4, variance 2, ln L = 4 ln(1/2) -
 * 2 ln(4 pi) - 1 = -8.8346, BIC = 4 ln 4 + 17.6693 = 23.2145.
 *
 * Draws are hashes of (seed, row, coordinate): no order matters (law 3), and a
 * feature's unit scales the box with the data (law 4).
 */
#include "kernel/quality/k_criteria.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/elementary.h"
#include "kernel/base/row_store.h"

/* ln(2 pi) */
#define LN_2_PI 1.8378770664093454836

/* points between two looks at whether to stop: some milliseconds of 1,600 features */
#define BETWEEN_LOOKS 256

/*
 * n points, all of weight 1, uniform in the box that holds the given ones.
 * The caller frees them by segment_points_free() unless interrupted.
 */
SegmentStatus
segment_reference_points(const SegmentPoints *points, int64 n, uint64 seed,
						 SegmentPoints *reference, SegmentMemory memory, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	double	   *low = segment_allocate(memory, d, sizeof(double));
	double	   *high = segment_allocate(memory, d, sizeof(double));
	SegmentStatus status = SEGMENT_DONE;
	int64		i;
	int			j;

	for (j = 0; j < d; j++)
	{
		low[j] = HUGE_VAL;
		high[j] = -HUGE_VAL;
	}
	for (i = 0; i < points->n; i++)
		for (j = 0; j < d; j++)
		{
			low[j] = Min(low[j], points->x[i * d + j]);
			high[j] = Max(high[j], points->x[i * d + j]);
		}
	memset(reference, 0, sizeof(*reference));
	reference->n = n;
	reference->d = d;
	reference->total_weight = (double) n;
	reference->x = segment_allocate_rows(memory, n, d, sizeof(double));
	reference->hash = segment_allocate(memory, n, sizeof(uint64));
	for (i = 0; i < n && status == SEGMENT_DONE; i++)
	{
		uint64		of_row = segment_hash_step(seed, (uint64) i);

		if (i % BETWEEN_LOOKS == 0 && interrupted != NULL && interrupted())
			status = SEGMENT_INTERRUPTED;
		/* distinct and ascending, as the order of points is */
		reference->hash[i] = (uint64) i * (PG_UINT64_MAX / (uint64) n);
		for (j = 0; j < d; j++)
			reference->x[i * d + j] = low[j] + (high[j] - low[j]) *
				segment_hash_uniform(of_row, segment_hash_step(0, (uint64) j));
	}
	memory.release(memory.ctx, low);
	memory.release(memory.ctx, high);
	if (status == SEGMENT_INTERRUPTED)
		segment_points_free(reference, memory);
	return status;
}

/* reference_log_w[0], [stride], [2 stride], ...: of each reference set. */
SegmentGap
segment_gap(double log_w, const double *reference_log_w, int n_references, int stride)
{
	SegmentGap	result;
	double		mean = 0;
	double		squares = 0;
	int			b;

	for (b = 0; b < n_references; b++)
		mean += reference_log_w[(int64) b * stride];
	mean /= n_references;
	for (b = 0; b < n_references; b++)
	{
		double		difference = reference_log_w[(int64) b * stride] - mean;

		squares += difference * difference;
	}
	result.gap = mean - log_w;
	result.error = sqrt(squares / n_references) * sqrt(1 + 1.0 / n_references);
	return result;
}

/* The number of the first k that the next one does not beat; of the last when each does. */
int
segment_gap_choice(const SegmentGap *gap, int n)
{
	int			i;

	for (i = 0; i < n - 1; i++)
		if (gap[i].gap >= gap[i + 1].gap - gap[i + 1].error)
			return i;
	return n - 1;
}

/* NaN where it has no meaning: no inertia, or no more rows than clusters. */
double
segment_spherical_bic(const double *weight, int k, int d, double inertia)
{
	double		n = 0;
	double		log_likelihood = 0;
	double		variance;
	int			c;

	for (c = 0; c < k; c++)
		n += weight[c];
	if (!(inertia > 0 && n > k && d > 0))
		return segment_missing_value();
	for (c = 0; c < k; c++)
		if (weight[c] > 0)
			log_likelihood += weight[c] * segment_log(weight[c] / n);
	variance = inertia / (d * (n - k));
	log_likelihood -= n * d / 2 * (LN_2_PI + segment_log(variance)) + d * (n - k) / 2;
	return (double) k * (d + 1) * segment_log(n) - 2 * log_likelihood;
}
