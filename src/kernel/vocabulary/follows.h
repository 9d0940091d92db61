/*
 * follows.h: whether an event of one sort comes after one of another, soon enough.
 *
 * See follows.c.
 */
#ifndef SEGMENT_FOLLOWS_H
#define SEGMENT_FOLLOWS_H

#include "c.h"

#include "kernel/base/memory.h"

/*
 * An A: it is followed by what comes after `from` and not after `to`, from < to.
 * A B: the instant `from`, to = from.  Microseconds, or any other unit.
 */
typedef struct SegmentSpan
{
	int64		from;
	int64		to;
} SegmentSpan;

extern SegmentStatus segment_follows_compact(SegmentSpan *spans, SegmentSpan *scratch, int64 *n,
											 bool *found, SegmentInterrupted interrupted);

#endif							/* SEGMENT_FOLLOWS_H */
