/*
 * draw.h: draws rows at random, each with a probability of its own.  See draw.c.
 */
#ifndef SEGMENT_DRAW_H
#define SEGMENT_DRAW_H

#include "c.h"

#include "kernel/base/lanes.h"
#include "kernel/base/points.h"

/* most rows drawn at a time: as many as are measured together */
#define SEGMENT_MOST_DRAWN SEGMENT_LANES

typedef struct SegmentDraw
{
	int			wanted;			/* rows to draw; fewer come where fewer have a chance */
	int			n;				/* rows drawn, the first one first */
	int64		row[SEGMENT_MOST_DRAWN];
	double		key[SEGMENT_MOST_DRAWN];	/* ascending */
} SegmentDraw;

extern void segment_draw(const SegmentPoints *points, int64 n, const double *chance, uint64 seed,
						 SegmentDraw *drawn);

#endif							/* SEGMENT_DRAW_H */
