/*
 * points.h: rows for tests of clustering, prepared as src/feature_space.c does.
 */
#ifndef SEGMENT_TEST_POINTS_H
#define SEGMENT_TEST_POINTS_H

#include <math.h>
#include <string.h>

#include "kernel/points.h"
#include "tap.h"

/*
 * Points of n rows of d coordinates, weights may be NULL, in the given order;
 * what the kernel makes of it must not depend on the order.
 */
static inline void
make_points(SegmentPoints *points, const double *x, const double *weight, int64 n, int d)
{
	SegmentMemory memory = tap_memory();
	SegmentRowKey *keys = malloc(sizeof(SegmentRowKey) * (n + 1));
	SegmentRowKey *room = malloc(sizeof(SegmentRowKey) * (n + 1));
	double	   *unit = malloc(sizeof(double) * (d + 1));
	int64		i;

	for (i = 0; i < d; i++)
		unit[i] = 1.0;
	memset(points, 0, sizeof(*points));
	points->n = n;
	points->d = d;
	points->x = memory.resize(memory.ctx, NULL, sizeof(double) * (n * d + 1));
	points->hash = memory.resize(memory.ctx, NULL, sizeof(uint64) * (n + 1));
	if (weight != NULL)
		points->weight = memory.resize(memory.ctx, NULL, sizeof(double) * (n + 1));
	for (i = 0; i < n; i++)
	{
		keys[i].hash = segment_point_hash(x + i * d, unit, d, NULL, NULL, 0);
		keys[i].row = (uint32) i;
	}
	segment_row_keys_sort(keys, room, n);
	for (i = 0; i < n; i++)
	{
		points->hash[i] = keys[i].hash;
		memcpy(points->x + i * d, x + (int64) keys[i].row * d, sizeof(double) * d);
		if (weight != NULL)
			points->weight[i] = weight[keys[i].row];
	}
	segment_points_settle(points, memory, NULL);
	free(keys);
	free(room);
	free(unit);
}

/* Overlapping groups: coordinates around one of n_groups centers. */
static inline void
random_rows(double *x, int64 n, int d, int n_groups, double width)
{
	int64		i;
	int			j;

	for (i = 0; i < n; i++)
	{
		int			group = (int) (random64() % n_groups);

		for (j = 0; j < d; j++)
			x[i * d + j] = sin(group * 12.9898 + j * 78.233) +
				width * (uniform() + uniform() + uniform() - 1.5);
	}
}

#endif							/* SEGMENT_TEST_POINTS_H */
