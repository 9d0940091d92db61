/*
 * draw.c: draws rows at random, each with a probability of its own.
 *
 * Drawing by running through cumulated probabilities would depend on the order of
 * rows.  Instead every row gets an exponentially distributed number E = -ln(u),
 * u a hash of (seed, row content), and the rows of the smallest E / p win, where p
 * is the row's weight times its chance: the smallest is row i with probability
 * p_i / sum p, the next ones likewise among the others (Efraimidis, Spirakis 2006).
 * Since E >= 1 - u, most logarithms need not be taken.
 */
#include "kernel/base/draw.h"

#include <math.h>

#include "kernel/base/elementary.h"

static void
add_row(SegmentDraw *drawn, int64 row, double key)
{
	int			place = drawn->n < drawn->wanted ? drawn->n++ : drawn->n - 1;

	while (place > 0 && drawn->key[place - 1] > key)
	{
		drawn->key[place] = drawn->key[place - 1];
		drawn->row[place] = drawn->row[place - 1];
		place--;
	}
	drawn->key[place] = key;
	drawn->row[place] = row;
}

/* Draws among the first n rows, without putting back; chance NULL: 1 each. */
void
segment_draw(const SegmentPoints *points, int64 n, const double *chance, uint64 seed,
			 SegmentDraw *drawn)
{
	double		worst = HUGE_VAL;	/* a key has to be below to get in */
	int64		i;

	drawn->n = 0;
	for (i = 0; i < n; i++)
	{
		double		share = segment_point_weight(points, i) * (chance == NULL ? 1.0 : chance[i]);
		double		u = segment_hash_uniform(seed, points->hash[i]);
		double		key;

		/* no share, no chance; -ln(u) >= 1 - u */
		if (!(share > 0) || 1 - u >= worst * share)
			continue;
		key = -segment_log(u) / share;
		if (key >= worst)
			continue;
		add_row(drawn, i, key);
		if (drawn->n == drawn->wanted)
			worst = drawn->key[drawn->n - 1];
	}
}
