/*
 * points.h: rows for tests of clustering, prepared as src/feature_space.c does.
 */
#ifndef SEGMENT_TEST_POINTS_H
#define SEGMENT_TEST_POINTS_H

#include <math.h>
#include <string.h>

#include "kernel/base/hash.h"
#include "kernel/base/points.h"
#include "tap.h"

/* Hashes of categories, by feature and number. */
#define TEST_CATEGORIES 64

/*
 * Points of n rows of d coordinates and n_codes categories, weights may be NULL,
 * in the given order; what the kernel makes of it must not depend on the order.
 */
static inline void
make_mixed_points(SegmentPoints *points, const double *x, const int32 *code, const double *weight,
				  int64 n, int d, int n_codes)
{
	SegmentMemory memory = tap_memory();
	SegmentRowKey *keys = malloc(sizeof(SegmentRowKey) * (n + 1));
	SegmentRowKey *room = malloc(sizeof(SegmentRowKey) * (n + 1));
	double	   *unit = malloc(sizeof(double) * (d + 1));
	uint64		hashes[TEST_CATEGORIES];
	uint64	  **code_hash = malloc(sizeof(uint64 *) * (n_codes + 1));
	int64		i;

	for (i = 0; i < d; i++)
		unit[i] = 1.0;
	for (i = 0; i < TEST_CATEGORIES; i++)
		hashes[i] = segment_mix64((uint64) i + 1);
	for (i = 0; i < n_codes; i++)
		code_hash[i] = hashes;
	memset(points, 0, sizeof(*points));
	points->n = n;
	points->d = d;
	points->n_codes = n_codes;
	points->x = memory.resize(memory.ctx, NULL, sizeof(double) * (n * d + 1));
	points->hash = memory.resize(memory.ctx, NULL, sizeof(uint64) * (n + 1));
	if (n_codes > 0)
		points->code = memory.resize(memory.ctx, NULL, sizeof(int32) * (n * n_codes + 1));
	if (weight != NULL)
		points->weight = memory.resize(memory.ctx, NULL, sizeof(double) * (n + 1));
	for (i = 0; i < n; i++)
	{
		keys[i].hash = segment_point_hash(x + i * d, unit, d, n_codes > 0 ? code + i * n_codes : NULL,
										  code_hash, n_codes);
		keys[i].row = (uint32) i;
	}
	segment_row_keys_sort(keys, room, n);
	for (i = 0; i < n; i++)
	{
		points->hash[i] = keys[i].hash;
		memcpy(points->x + i * d, x + (int64) keys[i].row * d, sizeof(double) * d);
		if (n_codes > 0)
			memcpy(points->code + i * n_codes, code + (int64) keys[i].row * n_codes, sizeof(int32) * n_codes);
		if (weight != NULL)
			points->weight[i] = weight[keys[i].row];
	}
	segment_points_settle(points, memory, memory, NULL);
	free(keys);
	free(room);
	free(unit);
	free(code_hash);
}

/* The same without categories. */
static inline void
make_points(SegmentPoints *points, const double *x, const double *weight, int64 n, int d)
{
	make_mixed_points(points, x, NULL, weight, n, d, 0);
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
