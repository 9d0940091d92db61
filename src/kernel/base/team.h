/*
 * team.h: a calculation shared by several processes.  See team.c.
 */
#ifndef SEGMENT_TEAM_H
#define SEGMENT_TEAM_H

#include "c.h"

#include "kernel/base/memory.h"

/* What can be shared; the jobs are described where they are done. */
typedef enum SegmentJob
{
	SEGMENT_JOB_BLOCKS,			/* blocks.c: points into blocks */
	SEGMENT_JOB_PLACE,			/* lloyd.c: points to their nearest centroids */
	SEGMENT_JOB_SEED,			/* kmeans_seed.c: what candidates would win */
	SEGMENT_JOB_TAKE,			/* kmeans_seed.c: distances from a new centroid */
	SEGMENT_JOBS
} SegmentJob;

typedef struct SegmentJobKind
{
	size_t		size;			/* bytes of the job's description */
	void		(*piece) (void *job, int member, int64 piece);
	/* where in the description there are pointers, into shared memory or NULL */
	const size_t *pointers;
	int			n_pointers;
} SegmentJobKind;

/* no description is larger */
#define SEGMENT_JOB_SIZE 1024

typedef struct SegmentTeam
{
	int			n_members;		/* the one that asks is number 0 */
	SegmentStatus (*run) (struct SegmentTeam *team, SegmentJob job, const void *description,
						  int64 n_pieces, SegmentInterrupted interrupted);
} SegmentTeam;

extern const SegmentJobKind segment_blocks_job;
extern const SegmentJobKind segment_place_job;
extern const SegmentJobKind segment_seed_job;
extern const SegmentJobKind segment_take_job;

extern const SegmentJobKind *segment_job_kind(SegmentJob job);
extern int	segment_team_members(const SegmentTeam *team);
extern SegmentStatus segment_team_run(SegmentTeam *team, SegmentJob job, void *description,
									  int64 n_pieces, SegmentInterrupted interrupted);

#endif							/* SEGMENT_TEAM_H */
