/*
 * cut_points.h: where to cut one column of numbers into bins.  See cut_points.c.
 */
#ifndef SEGMENT_CUT_POINTS_H
#define SEGMENT_CUT_POINTS_H

#include "c.h"

#include "kernel/base/memory.h"

#define SEGMENT_MAX_BINS 10

/* Returns true when the work should stop (a cancel is pending); NULL: never. */
typedef bool (*SegmentInterrupt) (void);

typedef enum SegmentCutStatus
{
	SEGMENT_CUT_OK,
	SEGMENT_CUT_INTERRUPTED
} SegmentCutStatus;

/* A column sorted ascending: distinct values, each with its weight. */
typedef struct SegmentColumn
{
	int64		n;				/* distinct values */
	double	   *value;			/* ascending */
	double	   *weight;			/* rows (or summed weights) with that value */
	double		total;			/* sum of weights */
} SegmentColumn;

extern void segment_sort_numbers(uint64 *keys, double *carried, uint64 *key_scratch,
								 double *carried_scratch, int64 n);
extern uint64 segment_sort_key(double x);
extern double segment_sort_key_value(uint64 key);

extern void segment_column_build(SegmentColumn *column, const double *values,
								 const double *weights, const double *copies, int64 n,
								 SegmentMemory memory);
extern void segment_column_join_noise(SegmentColumn *column);
extern void segment_column_free(SegmentColumn *column, SegmentMemory memory);
extern double segment_column_quantile(const SegmentColumn *column, double p);
extern void segment_cut_quantile(const SegmentColumn *column, int bins, double *cuts);
extern void segment_cut_r_rfm(const SegmentColumn *column, int bins, double *cuts);
extern SegmentCutStatus segment_cut_natural_breaks(const SegmentColumn *column, int bins,
												   double *cuts, SegmentMemory memory,
												   SegmentInterrupt interrupt);

/*
 * The bin of a value, 0 to n_cuts: how many cuts lie below it, where a value on
 * a cut belongs to the bin below (closed right) or above (closed left).
 */
static inline int
segment_bin(double x, const double *cuts, int n_cuts, bool closed_left)
{
	int			bin = 0;
	int			i;

	if (closed_left)
		for (i = 0; i < n_cuts; i++)
			bin += x >= cuts[i];
	else
		for (i = 0; i < n_cuts; i++)
			bin += x > cuts[i];
	return bin;
}

#endif							/* SEGMENT_CUT_POINTS_H */
