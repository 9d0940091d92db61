/*
 * next_flip.h: the instant at which a comparison of the clock with a time changes its answer.
 * See next_flip.c.
 */
#ifndef SEGMENT_NEXT_FLIP_H
#define SEGMENT_NEXT_FLIP_H

#include "compat.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

/* Beyond it no instant is worked out: 9999-01-01 00:00 UTC. */
#define SEGMENT_HORIZON ((int64) (2921575) * USECS_PER_DAY)

typedef struct Flip Flip;

extern Flip *segment_flip_create(pg_tz *zone, Oid type, const Interval *back);
extern bool segment_flip_find(Flip *flip, TimestampTz as_of, int64 x, TimestampTz *at);
extern bool segment_flip_read(Flip *flip, TimestampTz at, int64 *value, int64 *left);

#endif							/* SEGMENT_NEXT_FLIP_H */
