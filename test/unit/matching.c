/*
 * matching.c: assignments compared with all there are, where they are few, and
 * with the proof that prices give, where they are many.
 */
#include "kernel/base/matching.h"

#include <math.h>
#include <string.h>

#include "tap.h"

static double
cheapest(const double *cost, int rows, int columns, int row, uint32 taken, int left)
{
	double		best = HUGE_VAL;
	int			j;

	if (left == 0)
		return 0;
	/* a row may stay alone while enough are left */
	if (rows - row > left)
		best = cheapest(cost, rows, columns, row + 1, taken, left);
	for (j = 0; j < columns; j++)
		if ((taken & (1u << j)) == 0)
			best = fmin(best, cost[row * columns + j] +
						cheapest(cost, rows, columns, row + 1, taken | (1u << j), left - 1));
	return best;
}

static double *
random_costs(int rows, int columns, int kind)
{
	double	   *cost = malloc(sizeof(double) * rows * columns + 1);
	int			i;

	for (i = 0; i < rows * columns; i++)
		cost[i] = kind == 0 ? (double) (random64() % 4) : kind == 1 ? uniform() : uniform() * 1e6 - 5e5;
	return cost;
}

static SegmentMatching
new_matching(int rows, int columns, const double *cost)
{
	SegmentMatching m;

	m.rows = rows;
	m.columns = columns;
	m.cost = cost;
	m.column_of = malloc(sizeof(int32) * rows + 1);
	m.row_price = malloc(sizeof(double) * rows + 1);
	m.column_price = malloc(sizeof(double) * columns + 1);
	return m;
}

static void
free_matching(SegmentMatching *m)
{
	free(m->column_of);
	free(m->row_price);
	free(m->column_price);
}

/* The sum of costs, or NaN when it is not an assignment. */
static double
total_cost(const SegmentMatching *m)
{
	bool	   *taken = calloc(m->columns + 1, sizeof(bool));
	int			pairs = 0;
	double		sum = 0;
	int			i;

	for (i = 0; i < m->rows; i++)
	{
		int			j = m->column_of[i];

		if (j < -1 || j >= m->columns || (j >= 0 && taken[j]))
			sum = NAN;
		if (j >= 0 && j < m->columns)
		{
			taken[j] = true;
			sum += m->cost[i * m->columns + j];
			pairs++;
		}
	}
	free(taken);
	return pairs == Min(m->rows, m->columns) ? sum : NAN;
}

/* Prices that no assignment can beat, and that this one attains. */
static bool
proven(const SegmentMatching *m, double tolerance)
{
	double		sum = 0;
	int			i;
	int			j;

	for (i = 0; i < m->rows; i++)
		for (j = 0; j < m->columns; j++)
			if (m->cost[i * m->columns + j] - m->row_price[i] - m->column_price[j] < -tolerance)
				return false;
	for (i = 0; i < m->rows; i++)
	{
		sum += m->row_price[i];
		if (m->rows > m->columns && m->row_price[i] > 0)
			return false;
	}
	for (j = 0; j < m->columns; j++)
	{
		sum += m->column_price[j];
		if (m->columns > m->rows && m->column_price[j] > 0)
			return false;
	}
	return fabs(sum - total_cost(m)) <= tolerance * (m->rows + m->columns);
}

static void
test_small(void)
{
	bool		best = true;
	bool		prices = true;
	bool		again = true;
	int			round;

	for (round = 0; round < 3000; round++)
	{
		int			rows = (int) (random64() % 7);
		int			columns = (int) (random64() % 7);
		double	   *cost = random_costs(rows, columns, round % 3);
		SegmentMatching m = new_matching(rows, columns, cost);
		SegmentMatching n = new_matching(rows, columns, cost);
		double		tolerance = round % 3 == 2 ? 1e-8 : 1e-13;

		(void) segment_match(&m, tap_memory(), NULL);
		(void) segment_match(&n, tap_memory(), NULL);
		best = best && fabs(total_cost(&m) - cheapest(cost, rows, columns, 0, 0, Min(rows, columns))) <= tolerance;
		prices = prices && proven(&m, tolerance);
		again = again && memcmp(m.column_of, n.column_of, sizeof(int32) * rows) == 0;
		free_matching(&m);
		free_matching(&n);
		free(cost);
	}
	ok(best, "no assignment is cheaper, of all there are");
	ok(prices, "prices prove it");
	ok(again, "the same costs give the same pairs");
	ok(tap_blocks == 0, "all memory is given back");
}

static void
test_large(void)
{
	static const int sizes[][2] = {{300, 300}, {120, 400}, {400, 120}, {1, 500}, {500, 1}};
	size_t		i;
	int			kind;
	bool		prices = true;

	for (i = 0; i < lengthof(sizes); i++)
		for (kind = 0; kind < 3; kind++)
		{
			double	   *cost = random_costs(sizes[i][0], sizes[i][1], kind);
			SegmentMatching m = new_matching(sizes[i][0], sizes[i][1], cost);

			(void) segment_match(&m, tap_memory(), NULL);
			prices = prices && proven(&m, kind == 2 ? 1e-8 : 1e-13);
			free_matching(&m);
			free(cost);
		}
	ok(prices, "prices prove large assignments");
}

static void
test_ties(void)
{
	double		example[] = {4, 1, 3, 2, 0, 5, 3, 2, 2};
	double		equal[] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
	SegmentMatching m = new_matching(3, 3, example);

	(void) segment_match(&m, tap_memory(), NULL);
	ok(total_cost(&m) == 5 && m.column_of[0] == 1 && m.column_of[1] == 0 && m.column_of[2] == 2,
	   "the worked example");
	free_matching(&m);
	m = new_matching(3, 4, equal);
	(void) segment_match(&m, tap_memory(), NULL);
	ok(m.column_of[0] == 0 && m.column_of[1] == 1 && m.column_of[2] == 2, "equal costs: the lowest free column");
	free_matching(&m);
	m = new_matching(4, 3, equal);
	(void) segment_match(&m, tap_memory(), NULL);
	ok(m.column_of[0] == 0 && m.column_of[1] == 1 && m.column_of[2] == 2 && m.column_of[3] == -1,
	   "and the lowest row");
	free_matching(&m);
}

static bool
stop_at_once(void)
{
	return true;
}

static void
test_interrupt(void)
{
	double	   *cost = random_costs(20, 20, 1);
	SegmentMatching m = new_matching(20, 20, cost);

	ok(segment_match(&m, tap_memory(), stop_at_once) == SEGMENT_INTERRUPTED, "can be stopped");
	ok(tap_blocks == 0, "and leaves nothing behind");
	free_matching(&m);
	free(cost);
}

int
main(void)
{
	test_small();
	test_large();
	test_ties();
	test_interrupt();
	return done();
}
