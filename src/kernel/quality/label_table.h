/*
 * label_table.h: how far two labelings of the same rows agree.  See label_table.c.
 */
#ifndef SEGMENT_LABEL_TABLE_H
#define SEGMENT_LABEL_TABLE_H

#include "c.h"

#include "kernel/base/memory.h"

/* So many rows have label a in the one labeling and b in the other. */
typedef struct SegmentLabelCell
{
	int32		a;				/* 0 to n_a - 1 */
	int32		b;				/* 0 to n_b - 1 */
	double		rows;			/* positive */
} SegmentLabelCell;

typedef struct SegmentLabelTable
{
	int64		n_cells;
	SegmentLabelCell *cell;		/* no pair twice */
	int			n_a;			/* labels of the one */
	int			n_b;			/* labels of the other */
} SegmentLabelTable;

extern double segment_adjusted_rand_index(const SegmentLabelTable *table, SegmentMemory memory);
extern double segment_normalized_mutual_information(const SegmentLabelTable *table,
													SegmentMemory memory);

#endif							/* SEGMENT_LABEL_TABLE_H */
