/*
 * points.c: brings the rows of a clustering into an order that follows from
 * their content alone, and makes equal rows one.
 *
 * A feature set holds its rows in the order in which they came, or folded, or
 * merged from parts.  Whatever is calculated from rows one after the other (sums,
 * random draws, ties) must not depend on that (law 3).  So rows are sorted by a
 * hash of their content, and rows of equal hash by the content itself:
 *
 *	 1. segment_point_hash     of every row, as it will be placed
 *	 2. segment_row_keys_sort  by the upper 33 bits
 *	 3. the caller places the rows in that order
 *	 4. segment_points_settle  sorts what those bits left open, unites equal rows
 *
 * The order is random with regard to all else, so the first m rows are a
 * uniform sample of the distinct rows, the same for everybody.
 *
 * The hash is of coordinates rounded to SEGMENT_HASH_STEPS of a unit: a feature
 * in other units, or with an offset, has the same scaled values but for the last
 * bits, and gets the same order but for rows on the edge of a step (law 4).
 */
#include "kernel/base/points.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"
#include "kernel/base/lanes.h"
#include "kernel/base/order.h"

#define RADIX_SIZE	(1 << SEGMENT_RADIX_BITS)

/* The digit of a hash that a pass sorts by. */
static inline int
radix_digit(uint64 hash, int pass)
{
	return (int) (hash >> (64 - SEGMENT_SORTED_BITS + pass * SEGMENT_RADIX_BITS)) & (RADIX_SIZE - 1);
}

/* rows between two questions whether to go on */
#define ROWS_BETWEEN_CHECKS 4096

/* coordinates that are rounded at a time */
#define STEPS_AHEAD 32

/* clones: some CPUs round in one instruction, others call a function for it */
SEGMENT_CLONES uint64
segment_point_hash(const double *x, const double *unit, int d,
				   const int32 *code, uint64 *const *code_hash, int n_codes)
{
	uint64		h = SEGMENT_GOLDEN;
	int			from;
	int			j;

	for (from = 0; from < d; from += STEPS_AHEAD)
	{
		double		step[STEPS_AHEAD];
		int			n = Min(d - from, STEPS_AHEAD);

		for (j = 0; j < n; j++)
			step[j] = segment_point_step(x[from + j], unit[from + j]);
		for (j = 0; j < n; j++)
			h = segment_hash_step(h, segment_double_bits(step[j]));
	}
	for (j = 0; j < n_codes; j++)
		h = segment_hash_step(h, code_hash[j][code[j]]);
	return h;
}

/* Sorts by the upper SEGMENT_SORTED_BITS; room has place for n keys. */
void
segment_row_keys_sort(SegmentRowKey *keys, SegmentRowKey *room, int64 n)
{
	int64		start[SEGMENT_RADIX_PASSES][RADIX_SIZE] = {{0}};
	SegmentRowKey *from = keys;
	SegmentRowKey *to = room;
	int			pass;
	int64		i;

	for (i = 0; i < n; i++)
		for (pass = 0; pass < SEGMENT_RADIX_PASSES; pass++)
			start[pass][radix_digit(keys[i].hash, pass)]++;
	for (pass = 0; pass < SEGMENT_RADIX_PASSES; pass++)
	{
		SegmentRowKey *swap = from;
		int64		sum = 0;
		int			b;

		for (b = 0; b < RADIX_SIZE; b++)
		{
			int64		here = start[pass][b];

			start[pass][b] = sum;
			sum += here;
		}
		for (i = 0; i < n; i++)
			to[start[pass][radix_digit(from[i].hash, pass)]++] = from[i];
		from = to;
		to = swap;
	}
	/* after an odd number of passes the result lies in room */
	memcpy(keys, from, sizeof(SegmentRowKey) * n);
}

/* By hash, coordinates and the first n_codes categories. */
static int
compare_content(const SegmentPoints *points, int64 a, int64 b, int n_codes)
{
	int			j;
	int			result;

	if (points->hash[a] != points->hash[b])
		return points->hash[a] < points->hash[b] ? -1 : 1;
	for (j = 0; j < points->d; j++)
	{
		result = segment_order(points->x[a * points->d + j], points->x[b * points->d + j]);
		if (result != 0)
			return result;
	}
	for (j = 0; j < n_codes; j++)
	{
		int32		code_a = points->code[a * points->n_codes + j];
		int32		code_b = points->code[b * points->n_codes + j];

		if (code_a != code_b)
			return code_a < code_b ? -1 : 1;
	}
	return 0;
}

static inline int
compare_rows(const SegmentPoints *points, int64 a, int64 b)
{
	return compare_content(points, a, b, points->n_codes);
}

/* Equal rows by weight, too, whose sum then has one order. */
int
segment_points_compare(const SegmentPoints *points, int64 a, int64 b, int n_codes)
{
	int			result = compare_content(points, a, b, n_codes);

	return result != 0 || points->weight == NULL ? result
		: segment_order(points->weight[a], points->weight[b]);
}

static void
copy_row(SegmentPoints *points, int64 to, int64 from)
{
	if (to == from)
		return;
	points->hash[to] = points->hash[from];
	memcpy(points->x + to * points->d, points->x + from * points->d, sizeof(double) * points->d);
	if (points->n_codes > 0)
		memcpy(points->code + to * points->n_codes, points->code + from * points->n_codes,
			   sizeof(int32) * points->n_codes);
	if (points->weight != NULL)
		points->weight[to] = points->weight[from];
}

/* Merge sort of row numbers; both arrays have place for n, the result is in rows. */
static SegmentStatus
sort_rows(const SegmentPoints *points, int64 *rows, int64 *room, int64 n,
		  SegmentInterrupted interrupted)
{
	int64		width;

	for (width = 1; width < n; width *= 2)
	{
		int64		left;

		for (left = 0; left < n; left += 2 * width)
		{
			int64		middle = Min(left + width, n);
			int64		right = Min(left + 2 * width, n);
			int64		a = left;
			int64		b = middle;
			int64		i;

			for (i = left; i < right; i++)
			{
				if (i % ROWS_BETWEEN_CHECKS == 0 && interrupted != NULL && interrupted())
					return SEGMENT_INTERRUPTED;
				if (a < middle && (b >= right || segment_points_compare(points, rows[a], rows[b], points->n_codes) <= 0))
					room[i] = rows[a++];
				else
					room[i] = rows[b++];
			}
		}
		memcpy(rows, room, sizeof(int64) * n);
	}
	return SEGMENT_DONE;
}

/* Whether rows from..to - 1 are in order, with no two equal ones. */
static bool
in_order(const SegmentPoints *points, int64 from, int64 to)
{
	int64		i;

	for (i = from + 1; i < to; i++)
		if (compare_rows(points, i - 1, i) >= 0)
			return false;
	return true;
}

/* Puts the rows from..to - 1, which share the sorted bits, into order. */
static SegmentStatus
sort_run(SegmentPoints *points, int64 from, int64 to, SegmentMemory memory,
		 SegmentInterrupted interrupted)
{
	int64		n = to - from;
	int64	   *rows = segment_allocate(memory, n, sizeof(int64));
	int64	   *room = segment_allocate(memory, n, sizeof(int64));
	SegmentPoints copy = *points;
	SegmentStatus status;
	int64		i;

	for (i = 0; i < n; i++)
		rows[i] = from + i;
	status = sort_rows(points, rows, room, n, interrupted);
	if (status == SEGMENT_DONE)
	{
		copy.hash = segment_allocate(memory, n, sizeof(uint64));
		copy.x = segment_allocate_rows(memory, n, points->d, sizeof(double));
		copy.code = segment_allocate_rows(memory, n, points->n_codes, sizeof(int32));
		copy.weight = segment_allocate(memory, n, sizeof(double));
		for (i = 0; i < n; i++)
		{
			int64		r = rows[i];

			copy.hash[i] = points->hash[r];
			memcpy(copy.x + i * points->d, points->x + r * points->d, sizeof(double) * points->d);
			if (points->n_codes > 0)
				memcpy(copy.code + i * points->n_codes, points->code + r * points->n_codes,
					   sizeof(int32) * points->n_codes);
			copy.weight[i] = segment_point_weight(points, r);
		}
		memcpy(points->hash + from, copy.hash, sizeof(uint64) * n);
		memcpy(points->x + from * points->d, copy.x, sizeof(double) * points->d * n);
		if (points->n_codes > 0)
			memcpy(points->code + from * points->n_codes, copy.code,
				   sizeof(int32) * points->n_codes * n);
		if (points->weight != NULL)
			memcpy(points->weight + from, copy.weight, sizeof(double) * n);
		memory.release(memory.ctx, copy.hash);
		memory.release(memory.ctx, copy.x);
		memory.release(memory.ctx, copy.code);
		memory.release(memory.ctx, copy.weight);
	}
	memory.release(memory.ctx, rows);
	memory.release(memory.ctx, room);
	return status;
}

/*
 * Of rows in order, makes equal ones one, which has the sum of their weights.
 * Their hashes are equal, so the check of neighbours is cheap.
 */
static void
unite_equal(SegmentPoints *points, SegmentMemory memory)
{
	int64		kept = 0;
	int64		i;

	for (i = 1; i < points->n; i++)
	{
		if (points->hash[i] == points->hash[kept] && compare_rows(points, i, kept) == 0)
		{
			if (points->weight == NULL)
			{
				int64		w;

				points->weight = segment_allocate(memory, points->n, sizeof(double));
				for (w = 0; w < points->n; w++)
					points->weight[w] = 1.0;
			}
			points->weight[kept] += points->weight[i];
		}
		else
			copy_row(points, ++kept, i);
	}
	if (points->n > 0)
		points->n = kept + 1;
}

/* memory: what the points lie in; scratch: for while it sorts. */
SegmentStatus
segment_points_settle(SegmentPoints *points, SegmentMemory memory, SegmentMemory scratch,
					  SegmentInterrupted interrupted)
{
	int64		from = 0;
	int64		i;

	for (i = 1; i <= points->n; i++)
	{
		if (i < points->n && segment_same_run(points->hash[i], points->hash[from]))
			continue;
		if (i - from > 1 && !in_order(points, from, i) &&
			sort_run(points, from, i, scratch, interrupted) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		from = i;
		if (i % ROWS_BETWEEN_CHECKS == 0 && interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
	}
	unite_equal(points, memory);
	points->total_weight = 0;
	for (i = 0; i < points->n; i++)
		points->total_weight += segment_point_weight(points, i);
	return SEGMENT_DONE;
}

void
segment_points_free(SegmentPoints *points, SegmentMemory memory)
{
	memory.release(memory.ctx, points->x);
	memory.release(memory.ctx, points->hash);
	if (points->code != NULL)
		memory.release(memory.ctx, points->code);
	if (points->weight != NULL)
		memory.release(memory.ctx, points->weight);
}
