/*
 * lloyd.c: Lloyd's steps (1957/1982): every point goes to its nearest centroid, every
 * centroid to the mean of its points, until nothing changes; the sum of squared
 * distances (inertia) falls at each step.
 *
 * Points are measured in blocks of sixteen (blocks.c).  A block knows by how much the
 * nearest centroid of each of its points is nearer than all others.  That shrinks
 * by at most twice the longest move of a centroid; until it is used up, the block
 * need not be measured (Hamerly 2010, for a block instead of a point).  All of it is held
 * with a slack far above rounding errors, so the result is that of the plain
 * algorithm, bit by bit; test/unit/kmeans.c compares.
 *
 * Sums of points are kept by cluster on a fixed grid and follow the points that
 * move (fixed_sum.c): exact, so nothing depends on the order of rows, nor on which
 * member of a team places which blocks (team.c; law 3).  At the end the means are taken
 * once more, on a finer grid.
 *
 * A cluster that loses all its points gets the point that lies farthest from its
 * own centroid.  Equal distances go to the lowest number.
 */
#include "kernel/cluster/lloyd.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/cluster/centroids.h"

/*
 * Slack of the bounds, as a share of the largest distance there can be: some
 * thousand additions of rounding errors of 2^-53 are below.
 */
#define SLACK 1e-12

/* points that are on the move at a time: their coordinates fit into the nearest cache */
#define MOVES (4 * SEGMENT_BLOCK)
#define BLOCKS_AHEAD 3			/* blocks between fetching one and measuring it */
#define CACHE_LINE 64			/* bytes */
#define MOST_PREFETCHED 512		/* bytes of a point; the CPU guesses the rest */

/* rows between two questions whether to go on, where a row costs little */
#define ROWS_BETWEEN_CHECKS 4096

static bool
interrupted(const Lloyd *lloyd)
{
	return lloyd->options->interrupted != NULL && lloyd->options->interrupted();
}

/* ---- one step: points to centroids ---- */

/* Least and second least of a group's distances. */
typedef struct GroupLeast
{
	double		least;
	double		second;
	int			lane;			/* of the least; the lowest among equals */
} GroupLeast;

SEGMENT_INLINE GroupLeast
group_least(const double *group, int d, const double *x)
{
	double		distances[SEGMENT_LANES];
	GroupLeast	result;
	int			lane;

	segment_group_distances(group, d, x, distances);
	result.least = distances[0];
	result.second = HUGE_VAL;
	result.lane = 0;
	for (lane = 1; lane < SEGMENT_LANES; lane++)
	{
		double		distance = distances[lane];
		bool		nearer = distance < result.least;
		double		other = nearer ? result.least : distance;

		result.second = other < result.second ? other : result.second;
		result.lane = nearer ? lane : result.lane;
		result.least = nearer ? distance : result.least;
	}
	return result;
}

/* Those of a block that are not certain, by double precision; ties go to the lowest number. */
static void
place_again(const Lloyd *lloyd, int64 block, SegmentBlockNearest *nearest)
{
	int			lane;

	for (lane = 0; lane < SEGMENT_BLOCK; lane++)
		if (!(nearest->margin.lane[lane] > 0) && block * SEGMENT_BLOCK + lane < lloyd->points->n)
			nearest->number[lane] = segment_nearest(lloyd->packed, lloyd->k, lloyd->d, lloyd->points->x +
													(block * SEGMENT_BLOCK + lane) * lloyd->d).number;
}

/* A point on its way from one cluster (-1: none) to another. */
typedef struct PointMove
{
	int64		row;
	int			from;
	int			to;
} PointMove;

/* The sums follow points that move. */
static void
move_points(Lloyd *lloyd, const PointMove *moves, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		const double *x = lloyd->points->x + moves[i].row * lloyd->d;
		double		weight = segment_point_weight(lloyd->points, moves[i].row);

		if (moves[i].from >= 0)
			segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, moves[i].from, x, weight, -1);
		segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, moves[i].to, x, weight, 1);
		lloyd->labels[moves[i].row] = moves[i].to;
	}
}

/* Places the points of the blocks from..to - 1; returns how many changed. */
SEGMENT_CLONES static int64
place_blocks(Lloyd *lloyd, int64 from, int64 to)
{
	const int	d = lloyd->d;
	PointMove	moves[MOVES];
	int			n_moves = 0;
	int64		changed = 0;
	int64		block;

	for (block = from; block < to; block++)
	{
		SegmentBlockNearest nearest;
		int64		first = block * SEGMENT_BLOCK;
		int			n = (int) Min(lloyd->points->n - first, SEGMENT_BLOCK);
		int			lane;

		if (lloyd->until[block] > lloyd->travel)
			continue;
		if (block + BLOCKS_AHEAD < to && lloyd->until[block + BLOCKS_AHEAD] <= lloyd->travel)
			segment_block_prefetch(&lloyd->blocks, block + BLOCKS_AHEAD);
		segment_block_nearest(&lloyd->blocks, block, lloyd->k, &nearest);
		if (nearest.least < 0)
			place_again(lloyd, block, &nearest);
		lloyd->until[block] = lloyd->travel + nearest.least - lloyd->slack;
		if (n == SEGMENT_BLOCK &&
			memcmp(nearest.number, lloyd->labels + first, sizeof(nearest.number)) == 0)
			continue;
		for (lane = 0; lane < n; lane++)
		{
			int64		row = first + lane;
			int			byte;

			if (nearest.number[lane] == lloyd->labels[row])
				continue;
			/* its coordinates are far away in memory, and will be here when its turn comes */
			for (byte = 0; byte < (int) sizeof(double) * d && byte < MOST_PREFETCHED; byte += CACHE_LINE)
				__builtin_prefetch((const char *) (lloyd->points->x + row * d) + byte);
			moves[n_moves++] = (PointMove) {row, lloyd->labels[row], nearest.number[lane]};
		}
		if (n_moves > MOVES - SEGMENT_BLOCK)
		{
			move_points(lloyd, moves, n_moves);
			changed += n_moves;
			n_moves = 0;
		}
	}
	move_points(lloyd, moves, n_moves);
	return changed + n_moves;
}

typedef struct PlaceJob
{
	Lloyd		lloyd;
	SegmentPoints points;
	int64		step;			/* blocks of a piece */
} PlaceJob;

static void
place_piece(void *place_job, int member, int64 piece)
{
	const PlaceJob *job = place_job;
	Lloyd		lloyd = job->lloyd;
	int64		from = piece * job->step;

	lloyd.points = &job->points;
	lloyd.sums = segment_fixed_sums_of(&job->lloyd.sums, member);
	lloyd.changed[member] += place_blocks(&lloyd, from, Min(from + job->step, lloyd.blocks.n));
}

static const size_t place_pointers[] = {
	offsetof(PlaceJob, points.x), offsetof(PlaceJob, points.weight),
	offsetof(PlaceJob, lloyd.packed), offsetof(PlaceJob, lloyd.labels),
	offsetof(PlaceJob, lloyd.until), offsetof(PlaceJob, lloyd.changed),
	offsetof(PlaceJob, lloyd.blocks.y), offsetof(PlaceJob, lloyd.blocks.reach),
	offsetof(PlaceJob, lloyd.blocks.centroids),
	offsetof(PlaceJob, lloyd.grid.magic), offsetof(PlaceJob, lloyd.grid.step),
	offsetof(PlaceJob, lloyd.sums.pending), offsetof(PlaceJob, lloyd.sums.recent),
	offsetof(PlaceJob, lloyd.sums.sum), offsetof(PlaceJob, lloyd.sums.weight)
};

const SegmentJobKind segment_place_job = {
	sizeof(PlaceJob), place_piece, place_pointers, lengthof(place_pointers)
};

SegmentStatus
segment_lloyd_place(Lloyd *lloyd, int64 *changed)
{
	const int	members = segment_team_members(lloyd->options->team);
	PlaceJob	job;
	int			member;

	segment_pack_centroids(lloyd->centroids, lloyd->k, lloyd->d, lloyd->packed);
	segment_blocks_set_centroids(&lloyd->blocks, lloyd->centroids, lloyd->k);
	memset(lloyd->changed, 0, sizeof(int64) * members);
	job.lloyd = *lloyd;
	job.points = *lloyd->points;
	job.step = Max(segment_rows_between_checks((double) lloyd->k * lloyd->d) / SEGMENT_BLOCK, 1);
	if (segment_team_run(lloyd->options->team, SEGMENT_JOB_PLACE, &job,
						 (lloyd->blocks.n + job.step - 1) / job.step,
						 lloyd->options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	segment_fixed_sums_gather(&lloyd->sums, &lloyd->grid, members);
	*changed = 0;
	for (member = 0; member < members; member++)
		*changed += lloyd->changed[member];
	return SEGMENT_DONE;
}

/* ---- one step: centroids to the means of their points ---- */

void
segment_bring_to_length_one(double *x, int d)
{
	double		sum = 0;
	int			j;

	for (j = 0; j < d; j++)
		sum += x[j] * x[j];
	for (j = 0; j < d && sum > 0; j++)
		x[j] /= sqrt(sum);
}

static void
to_mean(Lloyd *lloyd, int c)
{
	double	   *centroid = lloyd->centroids + (size_t) c * lloyd->d;

	segment_fixed_sums_mean(&lloyd->sums, &lloyd->grid, c, centroid);
	if (lloyd->options->spherical)
		segment_bring_to_length_one(centroid, lloyd->d);
}

/* The point farthest from its own centroid, of clusters with other points besides; -1: none. */
static int64
farthest_point(const Lloyd *lloyd)
{
	const SegmentPoints *points = lloyd->points;
	const int	d = lloyd->d;
	double		most = 0;
	int64		farthest = -1;
	int64		i;

	for (i = 0; i < points->n; i++)
	{
		const double *x = points->x + i * d;
		double		distance = segment_distance(x, lloyd->centroids + (size_t) lloyd->labels[i] * d, d);

		if (distance > most)
		{
			most = distance;
			farthest = i;
		}
	}
	return farthest;
}

/* Gives empty clusters a point each; whether there were any. */
static bool
fill_empty(Lloyd *lloyd)
{
	bool		any = false;
	int			c;

	for (c = 0; c < lloyd->k; c++)
	{
		int64		i;
		double		weight;
		int			from;

		if (lloyd->sums.weight[c] != 0)
			continue;
		i = farthest_point(lloyd);
		if (i < 0)
			continue;
		weight = segment_point_weight(lloyd->points, i);
		from = lloyd->labels[i];
		segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, from, lloyd->points->x + i * lloyd->d, weight,
							   -1);
		segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, c, lloyd->points->x + i * lloyd->d, weight, 1);
		segment_fixed_sums_settle(&lloyd->sums, &lloyd->grid);
		lloyd->labels[i] = c;
		/* it was nearer to another centroid */
		lloyd->until[i / SEGMENT_BLOCK] = -HUGE_VAL;
		to_mean(lloyd, c);
		to_mean(lloyd, from);
		any = true;
	}
	return any;
}

/* How far the centroids went: the sum of squares; adds to travel. */
static double
measure_moves(Lloyd *lloyd)
{
	const int	d = lloyd->d;
	double		total = 0;
	double		longest = 0;
	int			c;

	for (c = 0; c < lloyd->k; c++)
	{
		double		squared = segment_distance(lloyd->centroids + (size_t) c * d,
											   lloyd->old + (size_t) c * d, d);

		total += squared;
		longest = Max(longest, squared);
	}
	/* one comes closer, another goes away; travel itself is rounded, too */
	lloyd->travel += 2 * sqrt(longest) * lloyd->blocks.scale * (1 + SLACK) +
		lloyd->travel * DBL_EPSILON;
	return total;
}

/* ---- a start ---- */

/* Steps until nothing changes, or the centroids move by less than tol, or max_iter. */
SegmentStatus
segment_lloyd_iterate(Lloyd *lloyd, double tol, int *iterations, bool *converged)
{
	bool		first = true;	/* the centroids need not be means yet */

	*converged = false;
	while (*iterations < lloyd->options->max_iter)
	{
		int64		changed;
		bool		filled;
		int			c;

		if (segment_lloyd_place(lloyd, &changed) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		if (changed == 0 && !first)
		{
			*converged = true;
			return SEGMENT_DONE;
		}
		first = false;
		(*iterations)++;
		memcpy(lloyd->old, lloyd->centroids, sizeof(double) * lloyd->k * lloyd->d);
		for (c = 0; c < lloyd->k; c++)
			if (lloyd->sums.weight[c] != 0)
				to_mean(lloyd, c);
		filled = fill_empty(lloyd);
		if (measure_moves(lloyd) <= tol && !filled && tol > 0)
			return SEGMENT_DONE;
	}
	return SEGMENT_DONE;
}

/*
 * By cluster, the weighted sum of squared distances to its centroid; NULL labels:
 * all belong to the first.  Summed in canonical order.
 */
SegmentStatus
segment_cluster_inertia(const SegmentPoints *points, const double *centroids, const int32 *labels,
						int k, double *inertia, SegmentInterrupted interrupted)
{
	const int	d = points->d;
	int64		i;

	memset(inertia, 0, sizeof(double) * k);
	for (i = 0; i < points->n; i++)
	{
		int			c = labels == NULL ? 0 : labels[i];

		if (i % ROWS_BETWEEN_CHECKS == 0 && interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
		inertia[c] += segment_point_weight(points, i) *
			segment_distance(points->x + i * d, centroids + (size_t) c * d, d);
	}
	return SEGMENT_DONE;
}

/* Labels of the final centroids, where the last step moved them, and the inertia. */
SegmentStatus
segment_lloyd_finish(Lloyd *lloyd, bool converged, double *inertia)
{
	int64		changed;
	int			c;

	if (!converged && segment_lloyd_place(lloyd, &changed) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	if (segment_cluster_inertia(lloyd->points, lloyd->centroids, lloyd->labels, lloyd->k,
								lloyd->inertia, lloyd->options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*inertia = 0;
	for (c = 0; c < lloyd->k; c++)
		*inertia += lloyd->inertia[c];
	return SEGMENT_DONE;
}

/* Puts the centroids somewhere else, between two steps; the bounds follow. */
void
segment_lloyd_move(Lloyd *lloyd, const double *centroids)
{
	memcpy(lloyd->old, lloyd->centroids, sizeof(double) * lloyd->k * lloyd->d);
	memcpy(lloyd->centroids, centroids, sizeof(double) * lloyd->k * lloyd->d);
	measure_moves(lloyd);
}

/*
 * When nothing changes any more, the means once more as finely as doubles go,
 * and the labels of those.
 */
SegmentStatus
segment_lloyd_refine_means(Lloyd *lloyd)
{
	int64		changed;
	int			c;

	memcpy(lloyd->old, lloyd->centroids, sizeof(double) * lloyd->k * lloyd->d);
	if (segment_fine_means(lloyd->points, &lloyd->grid, lloyd->labels, lloyd->k, lloyd->centroids,
						   lloyd->memory, lloyd->options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	for (c = 0; c < lloyd->k && lloyd->options->spherical; c++)
		segment_bring_to_length_one(lloyd->centroids + (size_t) c * lloyd->d, lloyd->d);
	measure_moves(lloyd);
	return segment_lloyd_place(lloyd, &changed);
}

/* Adds to each centroid how much the inertia would grow without it, for some points. */
SEGMENT_CLONES static void
add_removal_costs(const Lloyd *lloyd, int64 from, int64 to, double *cost)
{
	const SegmentPoints *points = lloyd->points;
	int64		i;

	for (i = from; i < to; i++)
	{
		const double *x = points->x + i * lloyd->d;
		double		least = HUGE_VAL;
		double		second = HUGE_VAL;
		int			g;

		for (g = 0; g < SEGMENT_GROUPS(lloyd->k); g++)
		{
			GroupLeast	group = group_least(lloyd->packed + (size_t) g * lloyd->d * SEGMENT_LANES, lloyd->d,
											x);

			if (group.least < least)
			{
				second = Min(least, group.second);
				least = group.least;
			}
			else
				second = Min(second, group.least);
		}
		cost[lloyd->labels[i]] += segment_point_weight(points, i) * (second - least);
	}
}

/* By centroid, how much the inertia would grow if its points went to the next nearest. */
SegmentStatus
segment_lloyd_removal_costs(const Lloyd *lloyd, double *cost)
{
	int64		step = segment_rows_between_checks((double) lloyd->k * lloyd->d);
	int64		from;

	memset(cost, 0, sizeof(double) * lloyd->k);
	for (from = 0; from < lloyd->points->n; from += step)
	{
		if (interrupted(lloyd))
			return SEGMENT_INTERRUPTED;
		add_removal_costs(lloyd, from, Min(from + step, lloyd->points->n), cost);
	}
	return SEGMENT_DONE;
}

/* Begins anew with k centroids: nothing is known of any point. */
void
segment_lloyd_restart(Lloyd *lloyd, const double *centroids)
{
	int64		i;

	memmove(lloyd->centroids, centroids, sizeof(double) * lloyd->k * lloyd->d);
	segment_fixed_sums_clear(&lloyd->sums);
	for (i = 0; i < lloyd->points->n; i++)
		lloyd->labels[i] = -1;
	lloyd->travel = 0;
	for (i = 0; i < lloyd->blocks.n; i++)
		lloyd->until[i] = -HUGE_VAL;
}

/* Begins a start, at given centroids or at seeds. */
SegmentStatus
segment_lloyd_begin(Lloyd *lloyd, uint64 seed)
{
	const SegmentKmeansOptions *options = lloyd->options;

	lloyd->k = options->k;
	if (options->initial != NULL)
	{
		segment_lloyd_restart(lloyd, options->initial);
		return SEGMENT_DONE;
	}
	if (segment_kmeans_seed(lloyd->points, options->k, seed, lloyd->centroids, &lloyd->k,
							lloyd->memory, options->team, options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	segment_lloyd_restart(lloyd, lloyd->centroids);
	return SEGMENT_DONE;
}

/* The mean variance of a coordinate; means and squares lend room for d numbers. */
static double
mean_variance(const SegmentPoints *points, double *means, double *squares)
{
	const int	d = points->d;
	double		sum = 0;
	int64		i;
	int			j;

	memset(means, 0, sizeof(double) * d);
	memset(squares, 0, sizeof(double) * d);
	for (i = 0; i < points->n; i++)
		for (j = 0; j < d; j++)
			means[j] += segment_point_weight(points, i) * points->x[i * d + j];
	for (j = 0; j < d; j++)
		means[j] /= points->total_weight;
	for (i = 0; i < points->n; i++)
		for (j = 0; j < d; j++)
		{
			double		x = points->x[i * d + j] - means[j];

			squares[j] += segment_point_weight(points, i) * x * x;
		}
	for (j = 0; j < d; j++)
		sum += squares[j] / points->total_weight;
	return sum / Max(d, 1);
}

SegmentStatus
segment_lloyd_init(Lloyd *lloyd, const SegmentPoints *points, const SegmentKmeansOptions *options,
				   SegmentMemory memory)
{
	const int	k = options->k;
	const int	d = points->d;
	const int	members = segment_team_members(options->team);
	double	   *largest;
	double		most = 0;
	SegmentStatus status;
	int			j;

	memset(lloyd, 0, sizeof(*lloyd));
	lloyd->points = points;
	lloyd->options = options;
	lloyd->memory = memory;
	lloyd->k = k;
	lloyd->d = d;
	lloyd->centroids = segment_allocate_rows(memory, k, d, sizeof(double));
	lloyd->old = segment_allocate_rows(memory, k, d, sizeof(double));
	lloyd->packed = segment_allocate(memory, segment_packed_size(k, d), sizeof(double));
	lloyd->labels = segment_allocate(memory, points->n, sizeof(int32));
	lloyd->inertia = segment_allocate(memory, k, sizeof(double));
	segment_grid_init(&lloyd->grid, points, memory);
	segment_fixed_sums_init(&lloyd->sums, k, d, members, memory);
	lloyd->changed = segment_allocate(memory, members, sizeof(int64));
	if (options->tol > 0)
		lloyd->tol = options->tol * mean_variance(points, lloyd->centroids, lloyd->old);
	/* old lends its room */
	largest = lloyd->old;
	for (j = 0; j < d; j++)
	{
		largest[j] = lloyd->grid.step[j] * ((int64) 1 << SEGMENT_GRID_BITS);
		most = Max(most, largest[j]);
	}
	status = segment_blocks_init(&lloyd->blocks, points, k, largest, memory, options->team,
								 options->interrupted);
	lloyd->until = segment_allocate(memory, lloyd->blocks.n, sizeof(double));
	lloyd->slack = SLACK * 2 * sqrt(d) * most * lloyd->blocks.scale;
	return status;
}

void
segment_lloyd_free(Lloyd *lloyd)
{
	SegmentMemory memory = lloyd->memory;

	memory.release(memory.ctx, lloyd->centroids);
	memory.release(memory.ctx, lloyd->old);
	memory.release(memory.ctx, lloyd->packed);
	memory.release(memory.ctx, lloyd->labels);
	memory.release(memory.ctx, lloyd->inertia);
	memory.release(memory.ctx, lloyd->until);
	memory.release(memory.ctx, lloyd->changed);
	segment_blocks_free(&lloyd->blocks, memory);
	segment_grid_free(&lloyd->grid, memory);
	segment_fixed_sums_free(&lloyd->sums, memory);
}
