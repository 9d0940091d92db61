/*
 * space_points.c: the rows of a feature set as points, in canonical order.
 *
 * For training, coordinates are brought into an order that follows from their values
 * (segment_space_points), so that models do not depend on the order of features; and so
 * are rows, so that they do not depend on that of rows.
 */
#include "feature/feature_space.h"

#include <math.h>

#include "kernel/base/allocate.h"
#include "kernel/base/exact_sum.h"
#include "kernel/base/hash.h"
#include "kernel/base/order.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "feature/space_rows.h"

/* what hashing a value takes, in multiplications */
#define HASHING_WORK 16.0

/* bytes of a row while points are sorted: two keys */
#define SORTING_MEMORY (2 * sizeof(SegmentRowKey))

/* ---- points ---- */

/* What the placing of a set's rows needs. */
typedef struct Placing
{
	const FeatureSpace *space;
	const FeatureSet *set;
	double	   *row;			/* features, categories by the space's code */
	int32	  **code;			/* by column: the space's code of the set's; NULL: numeric */
	/* a row as it is placed, before it is brought into the order of the space */
	double	   *x;
	int32	   *codes;
} Placing;

static void
placing_init(Placing *placing, const FeatureSpace *space, const FeatureSet *set)
{
	int			i;
	int			c;

	placing->space = space;
	placing->set = set;
	placing->row = palloc(sizeof(double) * space->n_features);
	placing->x = palloc(sizeof(double) * (space->d + 1));
	placing->codes = palloc(sizeof(int32) * (space->n_codes + 1));
	placing->code = palloc0(sizeof(int32 *) * space->n_features);
	for (i = 0; i < space->n_features; i++)
	{
		const FeatureCategories *categories = set->columns[i].categories;

		if (categories == NULL)
			continue;
		placing->code[i] = palloc(sizeof(int32) * (categories->n + 1));
		for (c = 0; c < categories->n; c++)
		{
			char	  **found = bsearch(&categories->name[c], space->feature[i].category,
									space->feature[i].n_categories, sizeof(char *), segment_compare_names);

			placing->code[i][c] = found == NULL ? -1 : (int32) (found - space->feature[i].category);
		}
	}
}

/* Coordinates and codes in the order of features. */
static bool
place_features(const Placing *placing, int64 r, double *x, int32 *code)
{
	const SegmentRowStore *store = &placing->set->store;
	const double *row = store->rows + r * store->width;
	int			i;

	if (placing->space->n_codes == 0)
		return segment_space_place(placing->space, row, x, code);
	for (i = 0; i < placing->space->n_features; i++)
		placing->row[i] = placing->code[i] == NULL || segment_is_missing(row[i]) ? row[i]
			: placing->code[i][(int) row[i]];
	return segment_space_place(placing->space, placing->row, x, code);
}

/* The same in the order of the space's columns. */
static bool
place_row(const Placing *placing, int64 r, double *x, int32 *code)
{
	const FeatureSpace *space = placing->space;
	int			j;

	if (space->column == NULL)
		return place_features(placing, r, x, code);
	if (!place_features(placing, r, placing->x, placing->codes))
		return false;
	for (j = 0; j < space->d; j++)
		x[j] = placing->x[space->column[j]];
	for (j = 0; j < space->n_codes; j++)
		code[j] = placing->codes[space->code_column[j]];
	return true;
}

/*
 * By coordinate, its standard deviation over the training rows: what rows are hashed
 * in (points.h), and what the grid of a step is measured in (kernel/step_sum.h).
 */
double *
segment_space_units(const FeatureSpace *space)
{
	double	   *unit = palloc(sizeof(double) * (space->d + 1));
	int			d = 0;
	int			i;

	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category != NULL)
			continue;
		unit[d] = space->metric == METRIC_COSINE ? 1
			: feature->deviation / feature->spread * sqrt(feature->weight);
		if (!(unit[d] > 0))
			unit[d] = 1;
		d++;
	}
	return unit;
}

static uint64 **
code_hashes(const FeatureSpace *space)
{
	uint64	  **hashes = palloc(sizeof(uint64 *) * (space->n_codes + 1));
	int			n = 0;
	int			i;
	int			c;

	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category == NULL)
			continue;
		hashes[n] = palloc(sizeof(uint64) * feature->n_categories);
		for (c = 0; c < feature->n_categories; c++)
			hashes[n][c] = segment_hash_bytes(feature->category[c], strlen(feature->category[c]));
		n++;
	}
	return hashes;
}

/* ---- an order of columns that follows from their values ---- */

/*
 * What columns are ordered by: a sum over all rows of a number that is drawn by the value.
 * It says nothing of a column but tells any two apart that are not the same; it knows
 * no order of rows, and a row of weight 2 is two rows.
 */
typedef struct Signature
{
	uint128		sum;			/* rows without weights: copies times numbers */
	SegmentExactSum *weighted;	/* weights times numbers; NULL: without weights */
	double		value;
	bool		constant;
	int			column;
} Signature;

static Signature *
signatures_new(int n, bool weighted)
{
	Signature  *signature = palloc0(sizeof(Signature) * (n + 1));
	int			j;

	for (j = 0; j < n; j++)
	{
		signature[j].column = j;
		if (weighted)
		{
			signature[j].weighted = palloc(sizeof(SegmentExactSum));
			segment_exact_init(signature[j].weighted);
		}
	}
	return signature;
}

static inline void
signature_add(Signature *signature, double weight, uint64 hash)
{
	uint32		number = (uint32) (segment_hash_step(SEGMENT_GOLDEN, hash) >> 32);

	if (signature->weighted != NULL)
		segment_exact_add_product(signature->weighted, weight, number, 0);
	else
		signature->sum += (uint128) weight * number;
}

static int
compare_signatures(const void *a, const void *b)
{
	const Signature *x = a;
	const Signature *y = b;

	if (x->constant != y->constant)
		return x->constant ? 1 : -1;
	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->column - y->column;
}

/* The columns in order, those that are constant last; *n_varying: how many are not. */
static int *
columns_by_signature(Signature *signature, int n, int *n_varying)
{
	int		   *column = palloc(sizeof(int) * (n + 1));
	int			j;

	for (j = 0; j < n; j++)
		signature[j].value = signature[j].weighted != NULL ? segment_exact_value(signature[j].weighted)
			: (double) signature[j].sum;
	qsort(signature, n, sizeof(Signature), compare_signatures);
	*n_varying = 0;
	for (j = 0; j < n; j++)
	{
		column[j] = signature[j].column;
		*n_varying += !signature[j].constant;
	}
	return column;
}

/* Gives the space the order of its columns that the rows of the set tell. */
static void
order_columns(FeatureSpace *space, const FeatureSet *set)
{
	const SegmentRowStore *store = &set->store;
	Signature  *number = signatures_new(space->d, store->weighted);
	Signature  *category = signatures_new(space->n_codes, store->weighted);
	double	   *unit = segment_space_units(space);
	uint64	  **code_hash = code_hashes(space);
	const int64 step = segment_rows_between_checks(HASHING_WORK * space->n_features);
	Placing		placing;
	int			d = 0;
	int			n = 0;
	int			i;
	int			j;
	int64		r;

	/* directions need coordinates that are the same everywhere, too */
	for (i = 0; i < space->n_features; i++)
	{
		const SpaceFeature *feature = &space->feature[i];

		if (feature->category == NULL)
			number[d++].constant = feature->constant && space->metric == METRIC_EUCLIDEAN;
		else
			category[n++].constant = feature->n_categories == 1;
	}
	placing_init(&placing, space, set);
	for (r = 0; r < store->n_rows; r++)
	{
		double		weight;

		if (r % step == 0)
			CHECK_FOR_INTERRUPTS();
		if (!segment_space_row_usable(space, store, r) || !place_features(&placing, r, placing.x, placing.codes))
			continue;
		weight = segment_space_row_weight(store, r);
		for (j = 0; j < space->d; j++)
			signature_add(&number[j], weight, segment_double_bits(segment_point_step(placing.x[j], unit[j])));
		for (j = 0; j < space->n_codes; j++)
			signature_add(&category[j], weight, code_hash[j][placing.codes[j]]);
	}
	space->column = columns_by_signature(number, space->d, &space->n_varying);
	space->code_column = columns_by_signature(category, space->n_codes, &space->n_varying_codes);
}

/* Brings numbers by coordinate, `rows` rows of them, into the order of the space's columns. */
void
segment_space_order_columns(const FeatureSpace *space, double *x, int rows)
{
	double	   *one = palloc(sizeof(double) * (space->d + 1));
	int			r;
	int			j;

	for (r = 0; r < rows && space->column != NULL; r++, x += space->d)
	{
		memcpy(one, x, sizeof(double) * space->d);
		for (j = 0; j < space->d; j++)
			x[j] = one[space->column[j]];
	}
	pfree(one);
}

/*
 * And back into that of features: rows of d coordinates, and of a code for each category
 * where there are codes, as prototypes have them.
 */
void
segment_space_order_features(const FeatureSpace *space, double *x, int rows, bool codes)
{
	const int	width = space->d + (codes ? space->n_codes : 0);
	double	   *one = palloc(sizeof(double) * (width + 1));
	int			r;
	int			j;

	for (r = 0; r < rows && space->column != NULL; r++, x += width)
	{
		memcpy(one, x, sizeof(double) * width);
		for (j = 0; j < space->d; j++)
			x[space->column[j]] = one[j];
		for (j = space->d; j < width; j++)
			x[space->d + space->code_column[j - space->d]] = one[j];
	}
	pfree(one);
}

static void
order_code_hashes(const FeatureSpace *space, uint64 **hashes)
{
	uint64	  **one = palloc(sizeof(uint64 *) * (space->n_codes + 1));
	int			j;

	memcpy(one, hashes, sizeof(uint64 *) * space->n_codes);
	for (j = 0; j < space->n_codes && space->column != NULL; j++)
		hashes[j] = one[space->code_column[j]];
	pfree(one);
}

/* ---- rows in canonical order ---- */

/*
 * The keys of the rows that can be placed, in canonical order; counts them, and the
 * others.
 */
static SegmentRowKey *
sorted_keys(const Placing *placing, RowCounts *counts, int64 *n)
{
	const FeatureSpace *space = placing->space;
	const SegmentRowStore *store = &placing->set->store;
	SegmentRowKey *keys = segment_new_array(store->n_rows, 1, sizeof(SegmentRowKey));
	SegmentRowKey *room;
	double	   *x = palloc(sizeof(double) * (space->d + 1));
	int32	   *code = palloc(sizeof(int32) * (space->n_codes + 1));
	double	   *unit = segment_space_units(space);
	uint64	  **code_hash = code_hashes(space);
	const int	d = space->column == NULL ? space->d : space->n_varying;
	const int	n_codes = space->column == NULL ? space->n_codes : space->n_varying_codes;
	const int64 step = segment_rows_between_checks(HASHING_WORK * space->n_features);
	int64		r;

	segment_space_order_columns(space, unit, 1);
	order_code_hashes(space, code_hash);
	*n = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		int64		copies = segment_row_copies(store, r);

		if (r % step == 0)
			CHECK_FOR_INTERRUPTS();
		if (!segment_space_row_usable(space, store, r) || !place_row(placing, r, x, code))
		{
			counts->n_skipped += copies;
			continue;
		}
		counts->n_used += copies;
		keys[*n].hash = segment_point_hash(x, unit, d, code, code_hash, n_codes);
		keys[*n].row = (uint32) r;
		(*n)++;
	}
	room = segment_new_array(*n, 1, sizeof(SegmentRowKey));
	segment_row_keys_sort(keys, room, *n);
	pfree(room);
	return keys;
}

/* Bytes that a point takes, and what is calculated with it. */
static Size
point_bytes(const FeatureSpace *space, Size memory_per_row)
{
	return sizeof(double) * (space->d + 2) + sizeof(int32) * space->n_codes + memory_per_row;
}

/* About how much memory the points of a set will take. */
Size
segment_space_bytes(const FeatureSpace *space, const FeatureSet *set, Size memory_per_row)
{
	return Min(mul_size(set->store.n_rows, point_bytes(space, memory_per_row)),
			   (Size) maintenance_work_mem * 1024);
}

/*
 * Of rows in canonical order only the first may fit: a sample, which is told.
 * Rows with one hash count once and stay together, so that it makes no difference
 * whether the set had folded equal rows.
 */
static int64
rows_that_fit(const Placing *placing, const SegmentRowKey *keys, int64 n, Size memory_per_row,
			  RowCounts *counts)
{
	const FeatureSpace *space = placing->space;
	Size		per_row = point_bytes(space, memory_per_row) + SORTING_MEMORY;
	int64		most = Max((int64) ((Size) maintenance_work_mem * 1024 / per_row), 1000);
	int64		runs = 0;
	int64		fit;
	int64		i;

	for (fit = 0; fit < n; fit++)
		if ((fit == 0 || !segment_same_run(keys[fit - 1].hash, keys[fit].hash)) && ++runs > most)
			break;
	for (i = fit; i < n; i++)
		counts->n_used -= segment_row_copies(&placing->set->store, keys[i].row);
	return fit;
}

/*
 * The rows of a set that can be placed, as points in some memory; none when there
 * are none.  Adds to counts, which are 0, what was seen, used and left out.
 */
SegmentPoints *
segment_space_place_set(const FeatureSpace *space, const FeatureSet *set, Size memory_per_row,
						RowCounts *counts, SegmentMemory memory)
{
	const SegmentRowStore *store = &set->store;
	SegmentPoints *points = palloc0(sizeof(SegmentPoints));
	Placing		placing;
	SegmentRowKey *keys;
	int64		n;
	int64		i;

	placing_init(&placing, space, set);
	keys = sorted_keys(&placing, counts, &n);
	n = rows_that_fit(&placing, keys, n, memory_per_row, counts);
	points->n = n;
	points->d = space->d;
	points->n_codes = space->n_codes;
	points->x = segment_allocate_rows(memory, n, space->d, sizeof(double));
	points->hash = segment_allocate(memory, n, sizeof(uint64));
	if (space->n_codes > 0)
		points->code = segment_allocate_rows(memory, n, space->n_codes, sizeof(int32));
	if (store->weighted || store->copies != NULL)
		points->weight = segment_allocate(memory, n, sizeof(double));
	for (i = 0; i < n; i++)
	{
		/* rows are read in no order: fetch those that come next, as far as a cache line each end */
		if (i + 8 < n)
		{
			const double *next = store->rows + (int64) keys[i + 8].row * store->width;

			__builtin_prefetch(next);
			__builtin_prefetch(next + store->width - 1);
		}
		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		points->hash[i] = keys[i].hash;
		(void) place_row(&placing, keys[i].row, points->x + i * space->d,
						 points->code == NULL ? NULL : points->code + i * space->n_codes);
		if (points->weight != NULL)
			points->weight[i] = segment_space_row_weight(store, keys[i].row);
	}
	pfree(keys);
	segment_points_settle(points, memory, segment_memory(CurrentMemoryContext),
						  segment_check_interrupts);

	counts->n_input = store->n_seen;
	counts->n_unsampled = counts->n_input - counts->n_used - counts->n_skipped;
	return points;
}

/* The same for training, which needs points; with columns in an order of their own. */
SegmentPoints *
segment_space_points(FeatureSpace *space, const FeatureSet *set, Size memory_per_row,
					 RowCounts *counts, SegmentMemory memory)
{
	SegmentPoints *points;

	order_columns(space, set);
	points = segment_space_place_set(space, set, memory_per_row, counts, memory);
	if (points->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("no row can be used for training"),
				 errdetail("Each of " INT64_FORMAT " rows lacks a value, or lies at the origin and has no direction.",
						   set->store.n_seen),
				 errhint("Use nulls => 'mean' to let the mean stand in for missing values.")));
	if (counts->n_unsampled > 0)
		ereport(NOTICE,
				(errmsg("the model is trained on a sample of " INT64_FORMAT " of " INT64_FORMAT " rows",
						counts->n_used, counts->n_input - counts->n_skipped),
				 errhint("A higher maintenance_work_mem keeps more rows.")));
	return points;
}
