/*
 * matching.c: minimum-cost assignment of rows to columns, exactly.
 *
 * Given the cost of each pair, finds min(rows, columns) pairs, no row and no
 * column twice, with the least sum of costs.  Worked example:
 *
 *		  A	 B	C
 *	 a	  4	 1	3			a - B, b - A, c - C: 1 + 2 + 2 = 5
 *	 b	  2	 0	5			(greedy takes b - B for 0 and ends with 6)
 *	 c	  3	 2	2
 *
 * Method: one shortest augmenting path for each row (Jonker and Volgenant 1987, in
 * the rectangular form of Crouse 2016).  Rows and columns have prices u and v
 * with cost(i, j) - u(i) - v(j) >= 0, and 0 where i and j are paired; Dijkstra's
 * algorithm on these reduced costs leads from a row without a column to a free
 * column, along which pairs are exchanged.  When there are more rows than
 * columns, the two change sides.  O(m^2 n), m the fewer.
 *
 * The prices prove the result: free columns (or rows) have price 0, others at most
 * 0, so the sum of all prices is a lower bound that the pairs attain.
 *
 * Ties: of columns equally near, a free one before others, then the lowest; so the
 * result is a function of the costs alone.  Any of several optima may be the one.
 *
 * Limits: finite costs whose sums do not overflow.
 */
#include "kernel/base/matching.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"

/* The problem with the fewer called persons, the more called jobs. */
typedef struct Search
{
	const double *cost;
	int64		person_step;	/* cost of (person, job): cost[person * person_step + job * job_step] */
	int64		job_step;
	int			n_persons;
	int			n_jobs;
	double	   *person_price;
	double	   *job_price;
	int32	   *job_of;			/* of each person, or -1 */
	int32	   *person_of;		/* of each job, or -1 */
	/* of the path sought */
	double	   *distance;		/* to each job */
	int32	   *before;			/* the person from whom the job was reached */
	bool	   *person_reached;
	bool	   *job_reached;
	int32	   *waiting;		/* jobs not reached yet, ascending */
	SegmentInterrupted interrupted;
} Search;

/*
 * The nearest free job from a person, or -1 when interrupted.  Fills distances
 * and the way back; *length is that of the path.
 */
static int
find_path(Search *s, int person, double *length)
{
	int			n_waiting = s->n_jobs;
	double		reached = 0;
	int			j;

	memset(s->person_reached, 0, sizeof(bool) * s->n_persons);
	memset(s->job_reached, 0, sizeof(bool) * s->n_jobs);
	for (j = 0; j < s->n_jobs; j++)
	{
		s->waiting[j] = j;
		s->distance[j] = HUGE_VAL;
		s->before[j] = -1;
	}
	for (;;)
	{
		const double *cost = s->cost + person * s->person_step;
		double		base = reached - s->person_price[person];
		int			nearest = -1;
		int			kept = 0;
		int			w;

		if (s->interrupted != NULL && s->interrupted())
			return -1;
		s->person_reached[person] = true;
		for (w = 0; w < n_waiting; w++)
		{
			double		d;

			j = s->waiting[w];
			d = base + (cost[j * s->job_step] - s->job_price[j]);
			if (d < s->distance[j])
			{
				s->distance[j] = d;
				s->before[j] = person;
			}
			if (nearest < 0 || s->distance[j] < s->distance[nearest] ||
				(s->distance[j] == s->distance[nearest] &&
				 s->person_of[j] < 0 && s->person_of[nearest] >= 0))
				nearest = j;
		}
		reached = s->distance[nearest];
		if (s->person_of[nearest] < 0)
		{
			*length = reached;
			return nearest;
		}
		s->job_reached[nearest] = true;
		for (w = 0; w < n_waiting; w++)
			if (s->waiting[w] != nearest)
				s->waiting[kept++] = s->waiting[w];
		n_waiting = kept;
		person = s->person_of[nearest];
	}
}

/* Prices move so that the path costs nothing; then pairs are exchanged along it. */
static void
take_path(Search *s, int first, int job, double length)
{
	int			i;
	int			j;

	for (i = 0; i < s->n_persons; i++)
		if (s->person_reached[i])
			s->person_price[i] += i == first ? length : length - s->distance[s->job_of[i]];
	for (j = 0; j < s->n_jobs; j++)
		if (s->job_reached[j])
			s->job_price[j] -= length - s->distance[j];
	for (;;)
	{
		int			person = s->before[job];
		int			next = s->job_of[person];

		s->person_of[job] = person;
		s->job_of[person] = job;
		if (person == first)
			return;
		job = next;
	}
}

static SegmentStatus
pair_all(Search *s)
{
	int			person;
	double		length;

	for (person = 0; person < s->n_persons; person++)
		s->person_price[person] = 0;
	for (person = 0; person < s->n_jobs; person++)
		s->job_price[person] = 0;
	memset(s->job_of, -1, sizeof(int32) * s->n_persons);
	memset(s->person_of, -1, sizeof(int32) * s->n_jobs);
	for (person = 0; person < s->n_persons; person++)
	{
		int			job = find_path(s, person, &length);

		if (job < 0)
			return SEGMENT_INTERRUPTED;
		take_path(s, person, job, length);
	}
	return SEGMENT_DONE;
}

SegmentStatus
segment_match(SegmentMatching *matching, SegmentMemory memory, SegmentInterrupted interrupted)
{
	bool		turned = matching->rows > matching->columns;
	int32	   *other;			/* what the fewer of rows and columns do not have in the result */
	Search		s;
	SegmentStatus status;

	s.cost = matching->cost;
	s.interrupted = interrupted;
	s.n_persons = turned ? matching->columns : matching->rows;
	s.n_jobs = turned ? matching->rows : matching->columns;
	s.person_step = turned ? 1 : matching->columns;
	s.job_step = turned ? matching->columns : 1;
	s.person_price = turned ? matching->column_price : matching->row_price;
	s.job_price = turned ? matching->row_price : matching->column_price;
	other = segment_allocate(memory, matching->columns, sizeof(int32));
	s.job_of = turned ? other : matching->column_of;
	s.person_of = turned ? matching->column_of : other;
	s.distance = segment_allocate(memory, s.n_jobs, sizeof(double));
	s.before = segment_allocate(memory, s.n_jobs, sizeof(int32));
	s.waiting = segment_allocate(memory, s.n_jobs, sizeof(int32));
	s.job_reached = segment_allocate(memory, s.n_jobs, sizeof(bool));
	s.person_reached = segment_allocate(memory, s.n_persons, sizeof(bool));

	status = pair_all(&s);

	memory.release(memory.ctx, other);
	memory.release(memory.ctx, s.distance);
	memory.release(memory.ctx, s.before);
	memory.release(memory.ctx, s.waiting);
	memory.release(memory.ctx, s.job_reached);
	memory.release(memory.ctx, s.person_reached);
	return status;
}
