/*
 * step_sum.c: sums of a step of k-means, compared with sums of coordinates cut in long
 * double, in any order and from any parts.
 */
#include "kernel/base/step_sum.h"

#include <math.h>
#include <string.h>

#include "exact_sums.h"
#include "tap.h"

enum
{
	K = 4, D = 3, N = 5000
};

typedef struct Room
{
	double		step[D];
	double		per_step[D];
	int64		n[K];
	int128		sum[K * D];
	SegmentExactSum squares[K];
} Room;

static const double unit[D] = {1.0, 3e-9, 5e7};

static SegmentStepSums
new_sums(Room *room)
{
	SegmentStepSums sums = {K, D, room->step, room->per_step, room->n, room->sum, room->squares, NULL, NULL};

	memset(room, 0, sizeof(*room));
	segment_step_grid(&sums, unit);
	return sums;
}

static bool
same(const Room *a, const Room *b)
{
	int			c;

	for (c = 0; c < K; c++)
		if (segment_exact_value(&a->squares[c]) != segment_exact_value(&b->squares[c]))
			return false;
	return memcmp(a->n, b->n, sizeof(a->n)) == 0 && memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}

/* Sums of rows with weights, in room that is its own. */
typedef struct WeightedRoom
{
	double		step[D];
	double		per_step[D];
	int64		n[K];
	SegmentExactSum squares[K];
	SegmentExactSum weight[K];
	SegmentExactSum weighted[K * D];
} WeightedRoom;

static SegmentStepSums
new_weighted(WeightedRoom *room)
{
	SegmentStepSums sums = {K, D, room->step, room->per_step, room->n, NULL, room->squares, room->weight, room->weighted};

	memset(room, 0, sizeof(*room));
	segment_step_grid(&sums, unit);
	return sums;
}

static bool
same_weighted(WeightedRoom *a, WeightedRoom *b)
{
	int			i;

	for (i = 0; i < K; i++)
		if (!same_limbs(a->squares[i], b->squares[i]) || !same_limbs(a->weight[i], b->weight[i]))
			return false;
	for (i = 0; i < K * D; i++)
		if (!same_limbs(a->weighted[i], b->weighted[i]))
			return false;
	return memcmp(a->n, b->n, sizeof(a->n)) == 0;
}

/* Means and sizes against 113-bit arithmetic; order, parts and what no rows have. */
static void
test_weights(void)
{
	static WeightedRoom room[3];
	static WeightedRoom part_room[8];
	static double x[N][D];
	static double weight[N];
	SegmentStepSums sums = new_weighted(&room[0]);
	SegmentStepSums backwards = new_weighted(&room[1]);
	SegmentStepSums merged = new_weighted(&room[2]);
	SegmentStepSums part[8];
	__float128	total[K] = {0};
	__float128	moment[K][D] = {{0}};
	double		mean[D];
	bool		near = true;
	int			i;
	int			j;
	int			c;

	for (i = 0; i < 8; i++)
		part[i] = new_weighted(&part_room[i]);
	for (i = 0; i < N; i++)
	{
		weight[i] = exp(20 * uniform() - 10);
		total[i % 3] += weight[i];
		for (j = 0; j < D; j++)
		{
			x[i][j] = unit[j] * (5 + uniform());
			moment[i % 3][j] += (__float128) weight[i] * x[i][j];
		}
		segment_step_add_weighted(&sums, i % 3, x[i], x[i][0], weight[i]);
		segment_step_add_weighted(&part[i * 7 % 8], i % 3, x[i], x[i][0], weight[i]);
	}
	for (c = 0; c < 3; c++)
	{
		segment_step_mean(&sums, c, mean);
		near = near && segment_step_size(&sums, c) == (double) total[c];
		near = near && segment_exact_value(&sums.squares[c]) == (double) moment[c][0];
		for (j = 0; j < D; j++)
			near = near && fabs(mean[j] - (double) (moment[c][j] / total[c])) <= 0x1p-51 * fabs(mean[j]);
	}
	ok(near, "weighted means and sizes");
	segment_step_mean_of_all(&sums, mean);
	for (near = true, j = 0; j < D; j++)
	{
		double		truth = (double) ((moment[0][j] + moment[1][j] + moment[2][j]) / (total[0] + total[1] + total[2]));

		near = near && fabs(mean[j] - truth) <= 0x1p-51 * fabs(mean[j]);
	}
	ok(near, "the weighted mean of all");
	for (i = N - 1; i >= 0; i--)
		segment_step_add_weighted(&backwards, i % 3, x[i], x[i][0], weight[i]);
	for (i = 7; i >= 0; i--)
		segment_step_merge(&merged, &part[i]);
	ok(same_weighted(&room[0], &room[1]) && same_weighted(&room[0], &room[2]), "with weights neither order nor parts make a difference");
	ok(segment_step_possible(&sums), "such weights are possible");
	segment_exact_add(&room[0].weighted[3 * D], 1);
	ok(!segment_step_possible(&sums), "a weighted sum of no rows");
	segment_exact_add(&room[1].weighted[0], 1e150);
	ok(!segment_step_possible(&backwards), "a weighted sum beyond what rows can have");
	segment_exact_add(&room[2].weight[0], -2 * (double) total[0]);
	ok(!segment_step_possible(&merged), "a negative weight");
}

int
main(void)
{
	static Room room[3];
	static Room part_room[8];
	static double x[N][D];
	static int	cluster[N];
	static double squared[N];
	SegmentStepSums sums = new_sums(&room[0]);
	SegmentStepSums backwards = new_sums(&room[1]);
	SegmentStepSums merged = new_sums(&room[2]);
	SegmentStepSums part[8];
	int128		plain[K][D] = {{0}};
	bool		near = true;
	bool		grid = true;
	bool		quick = true;
	int			far = 0;
	double		mean[D];
	double		edge[D] = {0, 0, 0};
	int			i;
	int			j;
	int			c;

	for (j = 0; j < D; j++)
		grid = grid && sums.step[j] * sums.per_step[j] == 1 && sums.step[j] > ldexp(unit[j], -50) &&
			sums.step[j] <= ldexp(unit[j], -49);
	ok(grid, "a step is a power of two near 2^-50 of the unit");

	for (i = 0; i < N; i++)
	{
		cluster[i] = (int) (random64() % (K - 1));
		squared[i] = exp(40 * uniform() - 20);
		for (j = 0; j < D; j++)
		{
			/* up to 2^30 units: some of these are beyond the quick way */
			x[i][j] = unit[j] * (uniform() - 0.4) * (i % 50 == 0 ? ldexp(1, random64() % 30) : 3);
			plain[cluster[i]][j] += (int128) truncl((long double) x[i][j] / sums.step[j]);
			quick = quick && fabs(x[i][j] / sums.step[j]) < 4611686018427387904.0;
		}
		far += segment_step_add(&sums, cluster[i], x[i], squared[i]);
	}
	ok(far == 0 && !quick, "large coordinates are no far ones");
	for (c = 0; c < K - 1; c++)
	{
		segment_step_mean(&sums, c, mean);
		for (j = 0; j < D; j++)
			near = near && fabsl((long double) plain[c][j] / sums.n[c] * sums.step[j] - mean[j]) <= 1e-15 * fabs(mean[j]) &&
				sums.sum[c * D + j] == plain[c][j];
	}
	ok(near, "sums are those of the cut coordinates");
	segment_step_mean_of_all(&sums, mean);
	for (near = true, j = 0; j < D; j++)
		near = near && fabsl((long double) (plain[0][j] + plain[1][j] + plain[2][j]) / N * sums.step[j] - mean[j]) <= 1e-15 * fabs(mean[j]);
	ok(near, "and so is the mean of all");
	ok(sums.n[0] + sums.n[1] + sums.n[2] == N && sums.n[3] == 0 && segment_exact_value(&sums.squares[3]) == 0,
	   "every row is counted once");

	for (i = N - 1; i >= 0; i--)
		segment_step_add(&backwards, cluster[i], x[i], squared[i]);
	ok(same(&room[0], &room[1]), "the order makes no difference");
	for (i = 0; i < 8; i++)
		part[i] = new_sums(&part_room[i]);
	for (i = 0; i < N; i++)
		segment_step_add(&part[i * 7 % 8], cluster[i], x[i], squared[i]);
	for (i = 7; i >= 0; i--)
		segment_step_merge(&merged, &part[i]);
	ok(same(&room[0], &room[2]), "nor do eight parts, merged");
	ok(segment_step_possible(&sums), "such sums are possible");

	/* the edge of what counts in full */
	merged = new_sums(&room[2]);
	edge[0] = ldexp(1, 33);
	ok(!segment_step_add(&merged, 0, edge, 1), "2^33 of the power of two above the unit: not far");
	edge[0] = -ldexp(1, 34) * 1.0000001;
	ok(segment_step_add(&merged, 1, edge, 1), "beyond: far");
	segment_step_mean(&merged, 1, mean);
	ok(mean[0] == -ldexp(1, 34), "and counts as if it lay there");
	edge[1] = 1e101;
	ok(segment_step_add(&merged, 2, edge, 1e203), "as far as can be");
	ok(segment_step_possible(&merged), "is possible, too");

	/* sums that no rows have */
	room[2].n[3] = 0;
	room[2].sum[3 * D] = 1;
	ok(!segment_step_possible(&merged), "a sum of no rows");
	room[2].sum[3 * D] = 0;
	room[2].sum[1] = ((int128) 1 << 84);
	ok(!segment_step_possible(&merged), "a sum beyond what the rows can have");
	room[2].sum[1] = 0;
	segment_exact_add(&room[2].squares[0], -5);
	ok(!segment_step_possible(&merged), "a negative sum of squares");
	test_weights();
	return done();
}
