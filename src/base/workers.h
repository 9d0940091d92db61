/*
 * workers.h: parallel workers for the kernel.  See workers.c.
 */
#ifndef SEGMENT_WORKERS_H
#define SEGMENT_WORKERS_H

#include "compat.h"

#include "kernel/base/memory.h"
#include "kernel/base/team.h"

typedef struct WorkerTeam WorkerTeam;

extern WorkerTeam *segment_workers_begin(Size bytes, double nanoseconds);
extern SegmentTeam *segment_workers_team(WorkerTeam *workers);
extern SegmentMemory segment_workers_memory(WorkerTeam *workers);
extern void segment_workers_end(WorkerTeam *workers);

#endif							/* SEGMENT_WORKERS_H */
