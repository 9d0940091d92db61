/*
 * lloyd.c: Lloyd's steps (1957/1982): every point goes to its nearest centroid, every
 * centroid to the mean of its points, until nothing changes; the sum of squared
 * distances (inertia) falls at each step.
 *
 * Most distances need not be computed (Hamerly 2010; Ding et al. 2015, "Yinyang").
 * For each point there is kept
 *
 *	 upper      at least the distance to its centroid
 *	 lower[g]   at most the distance to any other centroid of group g (eight
 *				neighbouring centroids, measured together; centroids.c)
 *
 * When a centroid moves, upper grows by its move, and lower falls by the longest
 * move of the group.  While upper is below all lower, or below half the gap to
 * the nearest other centroid, the point stays.  The bounds are held with a slack far
 * above their rounding errors, so the result is that of the plain algorithm, bit
 * by bit; test/unit/kmeans.c compares.
 *
 * Sums of points are kept by cluster on a fixed grid and follow the points that
 * move (fixed_sum.c): exact, so nothing depends on the order of rows (law 3).  At the
 * end the means are taken once more, on a finer grid.
 *
 * A cluster that loses all its points gets the point that lies farthest from its
 * own centroid.  Equal distances go to the lowest number.
 */
#include "kernel/lloyd.h"

#include <math.h>
#include <string.h>

#include "kernel/centroids.h"

/*
 * Slack of the bounds, as a share of the largest distance there can be: some
 * thousand additions of rounding errors of 2^-53 are below.
 */
#define SLACK 1e-12

/* gaps and grouping of centroids are worked out while they cost less than this */
#define MOST_PAIR_WORK 4e6

/* rows between two questions whether to go on, where a row costs little */
#define ROWS_BETWEEN_CHECKS 4096

static void *
allocate(SegmentMemory memory, size_t count, size_t size)
{
	return memory.resize(memory.ctx, NULL, (count + 1) * size);
}

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

/* Finds the nearest centroid of a point whose bounds did not settle it. */
SEGMENT_INLINE int
place_point(Lloyd *lloyd, int64 i, const double *x, int at)
{
	const int	d = lloyd->d;
	double	   *lower = lloyd->lower + i * lloyd->n_groups;
	double		here = at < 0 ? HUGE_VAL : segment_distance(x, lloyd->centroids + (size_t) at * d, d);
	double		root = sqrt(here);
	double		best = here;
	double		behind = 0;		/* second least in the group of best, where measured */
	int			number = at;
	bool		measured = false;	/* the group of best */
	bool		own_measured = at < 0;	/* the group of at */
	int			g;

	for (g = 0; g < lloyd->n_groups; g++)
	{
		GroupLeast	least;

		/* no other centroid of the group can be nearer */
		if (at >= 0 && root < lower[g] - lloyd->slack)
			continue;
		least = group_least(lloyd->packed + (size_t) g * d * SEGMENT_LANES, d, x);
		lower[g] = sqrt(least.least);
		if (at >= 0 && at / SEGMENT_LANES == g)
			own_measured = true;
		if (least.least < best ||
			(least.least == best && g * SEGMENT_LANES + least.lane <= number))
		{
			best = least.least;
			behind = least.second;
			number = g * SEGMENT_LANES + least.lane;
			measured = true;
		}
	}
	if (measured)
		lower[number / SEGMENT_LANES] = sqrt(behind);
	/* the centroid left behind is now one of the others */
	if (!own_measured && number != at && root < lower[at / SEGMENT_LANES])
		lower[at / SEGMENT_LANES] = root;
	lloyd->upper[i] = sqrt(best);
	return number;
}

/* Whether the bounds leave a point where it is; brings them up to date. */
SEGMENT_INLINE bool
point_stays(Lloyd *lloyd, int64 i, const double *x, int at)
{
	double	   *lower = lloyd->lower + i * lloyd->n_groups;
	double		upper = lloyd->upper[i] + lloyd->move[at];
	double		bound = HUGE_VAL;
	int			g;

	for (g = 0; g < lloyd->n_groups; g++)
	{
		lower[g] -= g == at / SEGMENT_LANES ? lloyd->others_move[at] : lloyd->group_move[g];
		bound = lower[g] < bound ? lower[g] : bound;
	}
	bound = (bound > lloyd->half_gap[at] ? bound : lloyd->half_gap[at]) - lloyd->slack;
	if (upper >= bound && lloyd->n_groups > 1)
		upper = sqrt(segment_distance(x, lloyd->centroids + (size_t) at * lloyd->d, lloyd->d));
	lloyd->upper[i] = upper;
	return upper < bound;
}

/* Places the points from..to - 1; returns how many changed. */
SEGMENT_CLONES static int64
place_points(Lloyd *lloyd, int64 from, int64 to)
{
	const SegmentPoints *points = lloyd->points;
	int64		changed = 0;
	int64		i;

	for (i = from; i < to; i++)
	{
		const double *x = points->x + i * lloyd->d;
		int			at = lloyd->labels[i];
		int			number;

		if (at >= 0 && point_stays(lloyd, i, x, at))
			continue;
		number = place_point(lloyd, i, x, at);
		if (number == at)
			continue;
		if (at >= 0)
			segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, at, x, segment_point_weight(points, i), -1);
		segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, number, x, segment_point_weight(points, i), 1);
		lloyd->labels[i] = number;
		changed++;
	}
	return changed;
}

SegmentStatus
segment_lloyd_place(Lloyd *lloyd, int64 *changed)
{
	int64		step = segment_rows_between_checks((double) lloyd->k * lloyd->d);
	int64		from;

	*changed = 0;
	segment_pack_centroids(lloyd->centroids, lloyd->k, lloyd->d, lloyd->packed);
	for (from = 0; from < lloyd->points->n; from += step)
	{
		if (interrupted(lloyd))
			return SEGMENT_INTERRUPTED;
		*changed += place_points(lloyd, from, Min(from + step, lloyd->points->n));
	}
	segment_fixed_sums_settle(&lloyd->sums, &lloyd->grid);
	return SEGMENT_DONE;
}

/* ---- one step: centroids to the means of their points ---- */

static void
bring_to_length_one(double *x, int d)
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
		bring_to_length_one(centroid, lloyd->d);
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
		int			g;

		if (lloyd->sums.weight[c] != 0)
			continue;
		i = farthest_point(lloyd);
		if (i < 0)
			continue;
		weight = segment_point_weight(lloyd->points, i);
		from = lloyd->labels[i];
		segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, from, lloyd->points->x + i * lloyd->d, weight, -1);
		segment_fixed_sums_add(&lloyd->sums, &lloyd->grid, c, lloyd->points->x + i * lloyd->d, weight, 1);
		segment_fixed_sums_settle(&lloyd->sums, &lloyd->grid);
		lloyd->labels[i] = c;
		/* nothing is known of the point's distances */
		lloyd->upper[i] = HUGE_VAL;
		for (g = 0; g < lloyd->n_groups; g++)
			lloyd->lower[i * lloyd->n_groups + g] = -HUGE_VAL;
		to_mean(lloyd, c);
		to_mean(lloyd, from);
		any = true;
	}
	return any;
}

/* How far centroids went, and how far apart they are: what the bounds need. */
static double
measure_moves(Lloyd *lloyd)
{
	const int	k = lloyd->k;
	const int	d = lloyd->d;
	double		total = 0;
	int			c;
	int			other;

	memset(lloyd->group_move, 0, sizeof(double) * lloyd->n_groups);
	for (c = 0; c < k; c++)
	{
		double		squared = segment_distance(lloyd->centroids + (size_t) c * d, lloyd->old + (size_t) c * d, d);

		total += squared;
		lloyd->move[c] = sqrt(squared);
		if (lloyd->move[c] > lloyd->group_move[c / SEGMENT_LANES])
			lloyd->group_move[c / SEGMENT_LANES] = lloyd->move[c];
	}
	for (c = 0; c < k; c++)
	{
		int			first = c / SEGMENT_LANES * SEGMENT_LANES;

		lloyd->others_move[c] = 0;
		for (other = first; other < Min(first + SEGMENT_LANES, k); other++)
			if (other != c && lloyd->move[other] > lloyd->others_move[c])
				lloyd->others_move[c] = lloyd->move[other];
		lloyd->half_gap[c] = 0;
	}
	if ((double) k * k * d <= MOST_PAIR_WORK)
		for (c = 0; c < k; c++)
		{
			double		least = HUGE_VAL;

			for (other = 0; other < k; other++)
				if (other != c)
					least = Min(least, segment_distance(lloyd->centroids + (size_t) c * d,
														lloyd->centroids + (size_t) other * d, d));
			lloyd->half_gap[c] = sqrt(least) / 2;
		}
	return total;
}

/* ---- a start ---- */

/*
 * Brings centroids that are close into one group of eight: the lower bound of a
 * group is only as good as its nearest centroid.
 */
static void
group_centroids(Lloyd *lloyd)
{
	const int	k = lloyd->k;
	const int	d = lloyd->d;
	int			first;
	int			place;
	int			c;

	if (lloyd->n_groups == 1 || (double) k * k * d > MOST_PAIR_WORK)
		return;
	for (place = 0; place < k; place++)
	{
		/* the next of a group is the one nearest to the group's first */
		double		least = HUGE_VAL;
		int			next = place;

		first = place / SEGMENT_LANES * SEGMENT_LANES;
		for (c = place; c < k && place > first; c++)
		{
			double		distance = segment_distance(lloyd->centroids + (size_t) first * d,
													lloyd->centroids + (size_t) c * d, d);

			if (distance < least)
			{
				least = distance;
				next = c;
			}
		}
		memcpy(lloyd->old, lloyd->centroids + (size_t) next * d, sizeof(double) * d);
		memmove(lloyd->centroids + (size_t) (place + 1) * d, lloyd->centroids + (size_t) place * d,
				sizeof(double) * d * (next - place));
		memcpy(lloyd->centroids + (size_t) place * d, lloyd->old, sizeof(double) * d);
	}
}

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
	/* half_gap is needed no more and lends its room */
	if (segment_cluster_inertia(lloyd->points, lloyd->centroids, lloyd->labels, lloyd->k,
								lloyd->half_gap, lloyd->options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*inertia = 0;
	for (c = 0; c < lloyd->k; c++)
		*inertia += lloyd->half_gap[c];
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
		bring_to_length_one(lloyd->centroids + (size_t) c * lloyd->d, lloyd->d);
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

		for (g = 0; g < lloyd->n_groups; g++)
		{
			GroupLeast	group = group_least(lloyd->packed + (size_t) g * lloyd->d * SEGMENT_LANES, lloyd->d, x);

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
	lloyd->n_groups = SEGMENT_GROUPS(lloyd->k);
	segment_fixed_sums_clear(&lloyd->sums);
	for (i = 0; i < lloyd->points->n; i++)
		lloyd->labels[i] = -1;
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
							lloyd->memory, options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	lloyd->n_groups = SEGMENT_GROUPS(lloyd->k);
	group_centroids(lloyd);
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

void
segment_lloyd_init(Lloyd *lloyd, const SegmentPoints *points, const SegmentKmeansOptions *options,
		   SegmentMemory memory)
{
	const int	k = options->k;
	const int	d = points->d;
	const int	groups = SEGMENT_GROUPS(k);
	double		largest = 0;
	int			j;

	memset(lloyd, 0, sizeof(*lloyd));
	lloyd->points = points;
	lloyd->options = options;
	lloyd->memory = memory;
	lloyd->k = k;
	lloyd->d = d;
	lloyd->centroids = allocate(memory, (size_t) k * d, sizeof(double));
	lloyd->old = allocate(memory, (size_t) k * d, sizeof(double));
	lloyd->packed = allocate(memory, segment_packed_size(k, d), sizeof(double));
	lloyd->labels = allocate(memory, points->n, sizeof(int32));
	lloyd->upper = allocate(memory, points->n, sizeof(double));
	lloyd->lower = allocate(memory, points->n * groups, sizeof(double));
	lloyd->move = allocate(memory, k, sizeof(double));
	lloyd->group_move = allocate(memory, groups, sizeof(double));
	lloyd->others_move = allocate(memory, k, sizeof(double));
	lloyd->half_gap = allocate(memory, k, sizeof(double));
	segment_grid_init(&lloyd->grid, points, memory);
	segment_fixed_sums_init(&lloyd->sums, k, d, memory);
	if (options->tol > 0)
		lloyd->tol = options->tol * mean_variance(points, lloyd->centroids, lloyd->old);
	for (j = 0; j < d; j++)
		if (lloyd->grid.step[j] > largest)
			largest = lloyd->grid.step[j];
	lloyd->slack = SLACK * 2 * sqrt(d) * largest * ((int64) 1 << SEGMENT_GRID_BITS);
}

void
segment_lloyd_free(Lloyd *lloyd)
{
	SegmentMemory memory = lloyd->memory;

	memory.release(memory.ctx, lloyd->centroids);
	memory.release(memory.ctx, lloyd->old);
	memory.release(memory.ctx, lloyd->packed);
	memory.release(memory.ctx, lloyd->labels);
	memory.release(memory.ctx, lloyd->upper);
	memory.release(memory.ctx, lloyd->lower);
	memory.release(memory.ctx, lloyd->move);
	memory.release(memory.ctx, lloyd->group_move);
	memory.release(memory.ctx, lloyd->others_move);
	memory.release(memory.ctx, lloyd->half_gap);
	segment_grid_free(&lloyd->grid, memory);
	segment_fixed_sums_free(&lloyd->sums, memory);
}
