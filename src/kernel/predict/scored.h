/*
 * scored.h: how well scores tell two labels apart.  See scored.c.
 */
#ifndef SEGMENT_SCORED_H
#define SEGMENT_SCORED_H

#include "c.h"

/* A row, or equal ones. */
typedef struct SegmentScored
{
	double		score;
	double		label;			/* 0 or 1 */
	double		weight;			/* of each; above 0 */
	double		copies;
} SegmentScored;

typedef struct SegmentScoredMeasures
{
	double		rows;			/* copies */
	double		positives;		/* of them with label 1 */
	double		auc;			/* NaN where a label has no row */
	double		ks;				/* likewise */
	double		log_loss;		/* NaN where a score is no probability; infinity where one is 0 for what came */
	double		brier;
} SegmentScoredMeasures;

typedef struct SegmentScoredBin
{
	double		rows;
	double		positives;
	double		weight;			/* of the rows, and of those with label 1 */
	double		positive_weight;
	double		lower;			/* scores */
	double		upper;
	double		mean;
} SegmentScoredBin;

/* Counts of rows in a cell: without the label, and with it. */
typedef struct SegmentCell
{
	double		count[2];
} SegmentCell;

/* What cells say about a label: the order is that of SegmentCellMeasures. */
#define SEGMENT_CELL_MEASURES 3
typedef enum SegmentCellMeasure
{
	SEGMENT_INFORMATION_VALUE,
	SEGMENT_MUTUAL_INFORMATION,
	SEGMENT_GINI
} SegmentCellMeasure;

extern int	segment_scored_compare(const void *a, const void *b);
extern int64 segment_scored_merge(SegmentScored *rows, int64 n);
extern void segment_scored_measures(const SegmentScored *rows, int64 n,
									SegmentScoredMeasures *measures);
extern int	segment_scored_bins(const SegmentScored *rows, int64 n, int k, SegmentScoredBin *bins);

extern void segment_cell_measures(const SegmentCell *cells, int n, SegmentCell *room,
								  double measure[SEGMENT_CELL_MEASURES]);
extern double segment_poisson(double mean, uint64 seed, uint64 *number);
extern void segment_cells_resampled(const SegmentCell *cells, int n, uint64 seed, SegmentCell *out);

#endif							/* SEGMENT_SCORED_H */
