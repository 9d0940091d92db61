/*
 * progress.h: how far a refresh is, for other sessions.
 */
#ifndef SEGMENT_PROGRESS_H
#define SEGMENT_PROGRESS_H

#include "compat.h"

/* What is counted while a step runs. */
typedef enum ProgressRows
{
	ROWS_READ,					/* of a source */
	ROWS_MADE,					/* by the step: kept for later ones, or written */
} ProgressRows;

/* Every row of the first ones, so that a slow source is seen to move; then one of so many. */
#define PROGRESS_EACH 1024
#define PROGRESS_BATCH 512		/* a power of 2 */

extern bool segment_progress_running;	/* whether a refresh of this session tells how far it is */

extern void segment_progress_step(const char *name);
extern void segment_progress_update(ProgressRows which, uint64 rows);

/* So many rows so far; cheap enough to be called for each. */
static inline void
segment_progress_rows(ProgressRows which, uint64 rows)
{
	if (unlikely(segment_progress_running) &&
		(rows < PROGRESS_EACH || rows % PROGRESS_BATCH == 0))
		segment_progress_update(which, rows);
}

#endif							/* SEGMENT_PROGRESS_H */
