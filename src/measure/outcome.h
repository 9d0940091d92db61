/*
 * measure/outcome.h: values of the type outcome as arguments.
 */
#ifndef SEGMENT_OUTCOME_H
#define SEGMENT_OUTCOME_H

#include "compat.h"

#include "fmgr.h"
#include "kernel/measure/outcome.h"

#define DatumGetOutcome(datum)	((SegmentOutcome *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_OUTCOME(n)	DatumGetOutcome(PG_GETARG_DATUM(n))

extern void segment_outcome_same_kind(const SegmentOutcome *a, const SegmentOutcome *b);

#endif							/* SEGMENT_OUTCOME_H */
