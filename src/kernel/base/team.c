/*
 * team.c: divides a calculation into pieces that any member of a team may do.
 *
 * What to do is a job of some kind: a description, and a number of pieces.  Which
 * member does which piece is left to chance, so a piece's result may not
 * depend on it: pieces write to places of their own, or add to exact sums of
 * their member's (fixed_sum.c).  Then a result is the same with any team (law 3).
 *
 * Members may be other processes, where memory lies at other addresses.  So a
 * description holds all that a piece needs by value, but for large arrays,
 * whose pointers the kind lists; a member gets a copy with pointers of its own.
 * Those arrays must be in memory that all members share.
 */
#include "kernel/base/team.h"

static const SegmentJobKind *const kinds[SEGMENT_JOBS] = {
	[SEGMENT_JOB_BLOCKS] = &segment_blocks_job,
	[SEGMENT_JOB_PLACE] = &segment_place_job,
	[SEGMENT_JOB_SEED] = &segment_seed_job,
	[SEGMENT_JOB_TAKE] = &segment_take_job,
};

const SegmentJobKind *
segment_job_kind(SegmentJob job)
{
	return kinds[job];
}

int
segment_team_members(const SegmentTeam *team)
{
	return team == NULL ? 1 : team->n_members;
}

/* Does the pieces 0 to n_pieces - 1 of a job, alone where there is no team. */
SegmentStatus
segment_team_run(SegmentTeam *team, SegmentJob job, void *description, int64 n_pieces,
				 SegmentInterrupted interrupted)
{
	int64		piece;

	if (team != NULL && n_pieces > 1)
		return team->run(team, job, description, n_pieces, interrupted);
	for (piece = 0; piece < n_pieces; piece++)
	{
		if (interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
		kinds[job]->piece(description, 0, piece);
	}
	return SEGMENT_DONE;
}
