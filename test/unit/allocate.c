/*
 * allocate.c: sizes of arrays that overflow are asked for as what no memory has, by
 * the functions of allocate.h and by the parts of the kernel that use them.
 */
#include "kernel/base/allocate.h"

#include <setjmp.h>

#include "kernel/base/cut_points.h"
#include "kernel/base/fixed_sum.h"
#include "kernel/base/row_store.h"
#include "kernel/cluster/bisecting.h"
#include "kernel/cluster/exchange.h"
#include "kernel/cluster/kmeans.h"
#include "kernel/cluster/kprototypes.h"
#include "kernel/cluster/mixture.h"
#include "kernel/quality/k_criteria.h"
#include "kernel/quality/quality.h"
#include "kernel/quality/stability.h"
#include "tap.h"

/* ---- a caller who notes what he is asked for ---- */

/* blocks up to this size are given; larger ones in name only, with one byte */
#define GIVEN 65536

#define MOST_BLOCKS 64

static size_t asked;			/* for, last */
static void *asked_about;		/* the block that was to be resized, last */
static void *block_given[MOST_BLOCKS];
static int	n_given = 0;
static jmp_buf refused;

/* As a server does, it never comes back from a size that it cannot have. */
static void *
note_resize(void *ctx, void *block, size_t size)
{
	void	   *result;

	(void) ctx;
	asked = size;
	asked_about = block;
	if (size == SIZE_MAX)
		longjmp(refused, 1);
	if (n_given == MOST_BLOCKS)
		abort();
	result = malloc(size <= GIVEN ? size : 1);
	memset(result, 0xFF, size <= GIVEN ? size : 1);
	block_given[n_given++] = result;
	return result;
}

static void
note_release(void *ctx, void *block)
{
	(void) ctx;
	(void) block;
}

static SegmentMemory
noting(void)
{
	SegmentMemory memory = {note_resize, note_release, NULL};

	while (n_given > 0)
		free(block_given[--n_given]);
	asked = 0;
	asked_about = NULL;
	return memory;
}

/* ---- sizes ---- */

static void
test_sizes(void)
{
	const uint64 half = UINT64CONST(1) << 32;
	SegmentMemory memory = noting();

	ok(segment_product(half - 1, half + 1) == PG_UINT64_MAX && segment_product(3, 5) == 15 &&
	   segment_product(0, PG_UINT64_MAX) == 0 && segment_product(PG_UINT64_MAX, 0) == 0,
	   "a product that 64 bits hold is itself");
	ok(segment_product(half, half) == PG_UINT64_MAX && segment_product(half, half + 1) == PG_UINT64_MAX &&
	   segment_product(segment_product(half, half), 7) == PG_UINT64_MAX,
	   "one that they do not hold is the most they do, whatever it is multiplied by");
	(void) segment_allocate(memory, 3, 8);
	ok(asked == 24 && asked_about == NULL, "an array takes count times size");
	(void) segment_allocate(memory, 0, 8);
	ok(asked == 1, "one of nothing takes a byte");
	(void) segment_allocate_rows(memory, 5, 0, 8);
	ok(asked == 1, "rows of nothing take a byte");
	if (sizeof(size_t) == 8)
	{
		(void) segment_allocate_rows(memory, 3 * (half / 8), 2, 8);
		ok(asked == 6 * half, "an array may take 24 GB");
	}
	if (setjmp(refused) == 0)
	{
		(void) segment_allocate_rows(memory, half, half / 4, 8);
		asked = 0;
	}
	ok(asked == SIZE_MAX, "2^65 bytes are not asked for as 2");
	if (setjmp(refused) == 0)
	{
		(void) segment_allocate(memory, (int64) -1, 8);
		asked = 0;
	}
	ok(asked == SIZE_MAX, "a negative count is no small one");
	(void) noting();
}

static void
test_contents(void)
{
	SegmentMemory memory = noting();
	char	   *bytes = segment_allocate(memory, 3, 5);
	int			i;
	bool		zero = true;
	int64	   *numbers;

	ok(bytes[0] == -1 && bytes[14] == -1, "an array is not filled");
	bytes = segment_allocate_zeros(memory, 3, 5);
	for (i = 0; i < 15; i++)
		zero = zero && bytes[i] == 0;
	ok(asked == 15 && zero, "of zeros all bytes are 0, not as many as there are elements");
	(void) noting();

	memory = tap_memory();
	numbers = segment_resize_rows(memory, NULL, 1, 2, sizeof(int64));
	numbers[0] = 7;
	numbers[1] = 8;
	numbers = segment_resize_rows(memory, numbers, 100, 2, sizeof(int64));
	numbers[199] = 9;
	ok(numbers[0] == 7 && numbers[1] == 8, "rows that grow keep what they hold");
	memory.release(memory.ctx, numbers);

	memory = noting();
	numbers = segment_allocate(memory, 2, sizeof(int64));
	if (setjmp(refused) == 0)
	{
		(void) segment_resize_rows(memory, numbers, PG_INT64_MAX, 4, sizeof(int64));
		asked = 0;
	}
	ok(asked == SIZE_MAX && asked_about == numbers, "rows that would grow beyond all sizes stay as they are");
	(void) noting();
}

/* ---- the parts of the kernel ---- */

/* more clusters times coordinates, or rows times coordinates, than there can be bytes */
#define LARGE	(PG_INT32_MAX - 8)
#define ROWS	(INT64CONST(1) << 61)

static SegmentPoints
endless_points(int64 n, int d)
{
	SegmentPoints points = {0};

	points.n = n;
	points.d = d;
	return points;
}

static void
large_kmeans(SegmentMemory memory)
{
	SegmentPoints points = endless_points(1, LARGE);
	SegmentKmeansOptions options = {.k = LARGE, .n_init = 1, .max_iter = 1};
	SegmentKmeansResult result;

	(void) segment_kmeans(&points, &options, &result, memory);
}

static void
large_hierarchy(SegmentMemory memory)
{
	SegmentPoints points = endless_points(1, LARGE);
	SegmentKmeansOptions options = {.k = LARGE, .n_init = 1, .max_iter = 1};
	SegmentBisectingResult result;

	(void) segment_bisecting(&points, &options, &result, memory);
}

static void
large_exchange(SegmentMemory memory)
{
	SegmentPoints points = endless_points(0, LARGE);
	int64		moved;

	(void) segment_exchange(&points, LARGE, NULL, NULL, &moved, memory, NULL);
}

static void
large_prototypes(SegmentMemory memory)
{
	SegmentPrototypes prototypes;

	segment_prototypes_init(&prototypes, LARGE, LARGE - 1, 1, memory);
}

static void
large_mixture(SegmentMemory memory)
{
	SegmentMixture mixture;

	segment_mixture_init(&mixture, SEGMENT_FULL, 1 << 16, 1 << 24, memory);
}

static void
large_sums(SegmentMemory memory)
{
	SegmentFixedSums sums;

	segment_fixed_sums_init(&sums, LARGE, LARGE, 16, memory);
}

static void
large_column(SegmentMemory memory)
{
	SegmentColumn column;

	segment_column_build(&column, NULL, NULL, NULL, ROWS, memory);
}

static void
large_store(SegmentMemory memory)
{
	SegmentRowStore store;

	segment_row_store_init(&store, 1600, false, 0, 2 * ROWS, memory);
	segment_row_store_reserve(&store, ROWS);
}

static void
large_reference(SegmentMemory memory)
{
	SegmentPoints points = endless_points(0, 16);
	SegmentPoints reference;

	(void) segment_reference_points(&points, ROWS, 0, &reference, memory, NULL);
}

static void
large_silhouette(SegmentMemory memory)
{
	SegmentPoints points = endless_points(ROWS, 1);
	SegmentQuality quality = {.points = &points, .k = 1, .memory = memory};

	(void) segment_silhouette(&quality, NULL);
}

static void
large_subsample(SegmentMemory memory)
{
	SegmentPoints points = endless_points(ROWS, 16);
	SegmentStability stability = {.points = &points, .memory = memory};

	(void) segment_subsample_labels(&stability, 0, NULL);
}

static void
test_part(void (*part) (SegmentMemory memory), const char *what)
{
	static volatile bool came_back;

	came_back = false;
	if (setjmp(refused) == 0)
	{
		part(noting());
		came_back = true;
	}
	ok(!came_back && asked == SIZE_MAX, what);
	(void) noting();
}

int
main(void)
{
	test_sizes();
	test_contents();
	test_part(large_kmeans, "centroids beyond all sizes");
	test_part(large_hierarchy, "a hierarchy of centroids");
	test_part(large_exchange, "packed centroids");
	test_part(large_prototypes, "prototypes");
	test_part(large_mixture, "covariances, of which the matrix alone is not too large");
	test_part(large_sums, "sums by cluster of a team");
	test_part(large_column, "a column");
	test_part(large_store, "a row store that grows");
	test_part(large_reference, "reference points");
	test_part(large_silhouette, "silhouettes");
	test_part(large_subsample, "a subsample");
	return done();
}
