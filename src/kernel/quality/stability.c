/*
 * stability.c: whether clusters come out again from a part of the points.
 *
 * A division that the data suggest is found in most of them, too; one that a method
 * had to make up falls elsewhere with every sample.  A subsample has each point with
 * probability SHARE; clusters are found in it by whichever method (clustering.c), and all
 * points are given to them by its rule.  Two such labelings are compared by the adjusted
 * Rand index, whatever clusters are called (Ben-Hur, Elisseeff and Guyon 2002; labels of
 * points outside the sample as in Lange et al. 2004).
 *
 *	of k		mean over pairs of subsamples; any two share about SHARE^2 of all
 *	of labels	mean over subsamples of the agreement with given labels
 *
 * Whether a point is in a subsample follows from a hash of (seed, sample, content):
 * the order of rows does not matter (law 3).  Points that are equal are one and
 * stay together.
 */
#include "kernel/quality/stability.h"

#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"
#include "kernel/quality/label_table.h"

/* of all points in a subsample: little is lost, yet two differ in a third of their points */
#define SHARE 0.8

/* points between two looks at whether to stop */
#define BETWEEN_LOOKS 4096

static inline bool
stop(const SegmentStability *stability, int64 i)
{
	return i % BETWEEN_LOOKS == 0 && stability->clustering.interrupted != NULL &&
		stability->clustering.interrupted();
}

static inline bool
is_in(const SegmentPoints *points, int64 i, uint64 seed)
{
	return segment_hash_uniform(seed, points->hash[i]) < SHARE;
}

/* Fills a subsample, which has room for all points; with all when it would have fewer than k. */
static SegmentStatus
subsample(const SegmentStability *stability, uint64 seed, SegmentPoints *sample)
{
	const SegmentPoints *points = stability->points;
	const int	d = points->d;
	int64		kept = 0;
	int64		i;

	sample->n = 0;
	sample->total_weight = 0;
	for (i = 0; i < points->n; i++)
	{
		if (stop(stability, i))
			return SEGMENT_INTERRUPTED;
		kept += is_in(points, i, seed);
	}
	for (i = 0; i < points->n; i++)
	{
		if (stop(stability, i))
			return SEGMENT_INTERRUPTED;
		if (kept >= stability->clustering.k && !is_in(points, i, seed))
			continue;
		memcpy(sample->x + sample->n * d, points->x + i * d, sizeof(double) * d);
		if (points->n_codes > 0)
			memcpy(sample->code + sample->n * points->n_codes, points->code + i * points->n_codes,
				   sizeof(int32) * points->n_codes);
		sample->hash[sample->n] = points->hash[i];
		if (sample->weight != NULL)
			sample->weight[sample->n] = points->weight[i];
		sample->total_weight += segment_point_weight(points, i);
		sample->n++;
	}
	return SEGMENT_DONE;
}

/* Labels of all points by the clusters of subsample `number`. */
SegmentStatus
segment_subsample_labels(const SegmentStability *stability, uint64 number, int32 *labels)
{
	SegmentMemory memory = stability->memory;
	SegmentClustering clustering = stability->clustering;
	uint64		seed = segment_hash_step(stability->seed, number);
	SegmentClusters clusters;
	SegmentPoints sample;
	SegmentStatus status;

	sample = *stability->points;
	sample.x = segment_allocate_rows(memory, sample.n, sample.d, sizeof(double));
	sample.hash = segment_allocate(memory, sample.n, sizeof(uint64));
	if (sample.n_codes > 0)
		sample.code = segment_allocate_rows(memory, sample.n, sample.n_codes, sizeof(int32));
	if (sample.weight != NULL)
		sample.weight = segment_allocate(memory, sample.n, sizeof(double));
	clustering.seed = seed;
	status = subsample(stability, seed, &sample);
	if (status == SEGMENT_DONE)
		status = segment_find_clusters(&sample, &clustering, &clusters, memory);
	if (status == SEGMENT_DONE)
	{
		status = segment_label_points(stability->points, &clusters, labels, memory,
									  clustering.interrupted);
		segment_clusters_free(&clusters, memory);
	}
	segment_points_free(&sample, memory);
	return status;
}

/* Points in the order of their labels 0 to k - 1; those of label c end before end[c]. */
static SegmentStatus
order_by_label(const SegmentStability *stability, const int32 *labels, int k, int64 *end,
			   int64 *order)
{
	int64		n = stability->points->n;
	int64		sum = 0;
	int64		i;
	int			c;

	memset(end, 0, sizeof(int64) * k);
	for (i = 0; i < n; i++)
	{
		if (stop(stability, i))
			return SEGMENT_INTERRUPTED;
		end[labels[i]]++;
	}
	for (c = 0; c < k; c++)
	{
		int64		count = end[c];

		end[c] = sum;
		sum += count;
	}
	for (i = 0; i < n; i++)
	{
		if (stop(stability, i))
			return SEGMENT_INTERRUPTED;
		order[end[labels[i]]++] = i;
	}
	return SEGMENT_DONE;
}

/* The table of two labelings; rows: room for k numbers. */
static SegmentStatus
tabulate(const SegmentStability *stability, const int32 *a, const int32 *b, int k,
		 const int64 *end, const int64 *order, double *rows, SegmentLabelTable *table)
{
	int64		i = 0;
	int			c;

	table->n_a = table->n_b = k;
	table->n_cells = 0;
	for (c = 0; c < k; c++)
	{
		int64		first = table->n_cells;
		int64		cell;

		/* a label of b is met for the first time where its count is 0 */
		for (; i < end[c]; i++)
		{
			int32		there = b[order[i]];

			if (stop(stability, i))
				return SEGMENT_INTERRUPTED;
			if (rows[there] == 0)
			{
				table->cell[table->n_cells].a = c;
				table->cell[table->n_cells].b = there;
				table->n_cells++;
			}
			rows[there] += stability->count_weights ? segment_point_weight(stability->points, order[i])
				: 1.0;
		}
		for (cell = first; cell < table->n_cells; cell++)
		{
			table->cell[cell].rows = rows[table->cell[cell].b];
			rows[table->cell[cell].b] = 0;
		}
	}
	return SEGMENT_DONE;
}

/* The adjusted Rand index of two labelings of all points, labels 0 to k - 1. */
SegmentStatus
segment_agreement(const SegmentStability *stability, const int32 *a, const int32 *b, int k,
				  double *result)
{
	SegmentMemory memory = stability->memory;
	int64		n = stability->points->n;
	int64	   *end = segment_allocate(memory, k, sizeof(int64));
	int64	   *order = segment_allocate(memory, n, sizeof(int64));
	double	   *rows = segment_allocate_zeros(memory, k, sizeof(double));
	SegmentLabelTable table;
	SegmentStatus status;

	table.cell = segment_allocate(memory, n, sizeof(SegmentLabelCell));
	status = order_by_label(stability, a, k, end, order);
	if (status == SEGMENT_DONE)
		status = tabulate(stability, a, b, k, end, order, rows, &table);
	if (status == SEGMENT_DONE)
		*result = segment_adjusted_rand_index(&table, memory);
	memory.release(memory.ctx, table.cell);
	memory.release(memory.ctx, end);
	memory.release(memory.ctx, order);
	memory.release(memory.ctx, rows);
	return status;
}

SegmentStatus
segment_stability_of_k(const SegmentStability *stability, int n_pairs, double *result)
{
	SegmentMemory memory = stability->memory;
	int32	   *a = segment_allocate(memory, stability->points->n, sizeof(int32));
	int32	   *b = segment_allocate(memory, stability->points->n, sizeof(int32));
	SegmentStatus status = SEGMENT_DONE;
	double		agreement;
	int			p;

	*result = 0;
	for (p = 0; p < n_pairs && status == SEGMENT_DONE; p++)
	{
		status = segment_subsample_labels(stability, 2 * (uint64) p, a);
		if (status == SEGMENT_DONE)
			status = segment_subsample_labels(stability, 2 * (uint64) p + 1, b);
		if (status == SEGMENT_DONE)
			status = segment_agreement(stability, a, b, stability->clustering.k, &agreement);
		if (status == SEGMENT_DONE)
			*result += agreement;
	}
	*result /= n_pairs;
	memory.release(memory.ctx, a);
	memory.release(memory.ctx, b);
	return status;
}

/* labels: 0 to n_labels - 1. */
SegmentStatus
segment_stability_of_labels(const SegmentStability *stability, const int32 *labels, int n_labels,
							int n_samples, double *result)
{
	SegmentMemory memory = stability->memory;
	int32	   *other = segment_allocate(memory, stability->points->n, sizeof(int32));
	/* there may be fewer points than labels, and as many clusters */
	int			k = Max(n_labels, stability->clustering.k);
	SegmentStatus status = SEGMENT_DONE;
	double		agreement;
	int			s;

	*result = 0;
	for (s = 0; s < n_samples && status == SEGMENT_DONE; s++)
	{
		status = segment_subsample_labels(stability, (uint64) s, other);
		if (status == SEGMENT_DONE)
			status = segment_agreement(stability, labels, other, k, &agreement);
		if (status == SEGMENT_DONE)
			*result += agreement;
	}
	*result /= n_samples;
	memory.release(memory.ctx, other);
	return status;
}
