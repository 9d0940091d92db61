/*
 * feature_set.c: the type feature_set: feature rows on their way to a trainer.
 *
 * In memory it is an expanded object around a SegmentRowStore, so that an
 * aggregate adds a row without copying the ones before it.  When it travels
 * (to the leader of a parallel query, into a table, to a function) it is flat:
 *
 *	 FlatFeatureSet | columns | rows | copies | left_out
 *
 * columns: name and categories of each, as feature_set_wire.c writes them;
 * rows: n_rows x width doubles; copies: n_rows int64, if rows were folded;
 * left_out: what is known of rows that the sample did not keep, if any.
 * Rows of a flat value are read where they lie.
 *
 * Memory: at most maintenance_work_mem, and never more than a value may hold
 * (1 GB); kernel/row_store.c says what happens beyond.
 */
#include "feature/feature_set.h"

#include "feature/feature_set_wire.h"
#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"
#include "lib/stringinfo.h"
#include "base/memory.h"
#include "base/stored_value.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define FLAT_FORMAT 1

#define FLAT_WEIGHTED	0x01
#define FLAT_COPIES		0x02
#define FLAT_LEFT_OUT	0x04

typedef struct FlatFeatureSet
{
	int32		vl_len_;
	uint16		format;			/* FLAT_FORMAT */
	uint8		flags;			/* FLAT_... */
	uint8		level;			/* of the sample; see SegmentRowStore */
	int32		n_columns;
	int32		columns_size;	/* bytes of the column descriptions */
	uint64		seed;
	int64		n_seen;
	int64		n_rows;
} FlatFeatureSet;

/* the most that fits into one value, with room for headers */
#define FLAT_LIMIT ((size_t) (MaxAllocSize - 64 * 1024))

static Size feature_set_flat_size(ExpandedObjectHeader *eohptr);
static void feature_set_flatten(ExpandedObjectHeader *eohptr, void *result, Size size);

static const ExpandedObjectMethods feature_set_methods = {
	feature_set_flat_size,
	feature_set_flatten
};

static int64
row_limit(int width)
{
	size_t		memory = (size_t) maintenance_work_mem * 1024;

	return segment_row_store_limit(width, Min(memory, FLAT_LIMIT));
}

FeatureSet *
segment_feature_set_new(int n_columns, bool weighted, MemoryContext parent)
{
	MemoryContext context;
	FeatureSet *set;

	if (n_columns < 1 || n_columns > SEGMENT_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a feature set has 1 to %d features, not %d",
						SEGMENT_MAX_FEATURES, n_columns)));
	context = AllocSetContextCreate(parent, "feature set", ALLOCSET_START_SMALL_SIZES);
	set = MemoryContextAllocZero(context, sizeof(FeatureSet));
	EOH_init_header(&set->hdr, &feature_set_methods, context);
	set->magic = FEATURE_SET_MAGIC;
	set->columns = MemoryContextAllocZero(context, sizeof(FeatureColumn) * n_columns);
	segment_row_store_init(&set->store, n_columns, weighted, FEATURE_SET_SEED,
						   row_limit(n_columns + (weighted ? 1 : 0)), segment_memory(context));
	return set;
}

Datum
segment_feature_set_datum(FeatureSet *set)
{
	return EOHPGetRWDatum(&set->hdr);
}

/* The column's name, or f1, f2, ... as PostgreSQL calls columns of a bare ROW. */
const char *
segment_feature_set_column_name(const FeatureSet *set, int column)
{
	return set->columns[column].name != NULL ? set->columns[column].name
		: psprintf("f%d", column + 1);
}

/* A model finds a feature by its name, so no two may have the same one. */
void
segment_feature_set_check_names(const FeatureSet *set)
{
	int			i;
	int			j;

	/* features without names are f1, f2, ... */
	for (i = 1; i < set->store.n_columns && set->columns[i].name != NULL; i++)
		for (j = 0; j < i; j++)
			if (strcmp(set->columns[i].name, set->columns[j].name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("two features are named \"%s\"", set->columns[i].name),
						 errhint("Give each column of the row a name of its own.")));
}

/* ---- categories ---- */

static void
add_category(FeatureSet *set, FeatureCategories *categories, const char *name, uint64 hash)
{
	MemoryContext context = set->hdr.eoh_context;
	uint32		mask;
	uint32		slot;

	if (categories->n == categories->n_allocated)
	{
		int			n = Max(8, 2 * categories->n_allocated);

		categories->name = categories->name == NULL
			? MemoryContextAlloc(context, sizeof(char *) * n)
			: repalloc_huge(categories->name, sizeof(char *) * n);
		categories->hash = categories->hash == NULL
			? MemoryContextAlloc(context, sizeof(uint64) * n)
			: repalloc_huge(categories->hash, sizeof(uint64) * n);
		categories->n_allocated = n;
	}
	categories->name[categories->n] = MemoryContextStrdup(context, name);
	categories->hash[categories->n] = hash;
	categories->n++;

	if (2 * categories->n > categories->table_size)
	{
		int			i;

		if (categories->table != NULL)
			pfree(categories->table);
		categories->table_size = Max(16, 2 * categories->table_size);
		categories->table = MemoryContextAllocZero(context,
												   sizeof(uint32) * categories->table_size);
		mask = (uint32) categories->table_size - 1;
		for (i = 0; i < categories->n; i++)
		{
			for (slot = (uint32) categories->hash[i] & mask; categories->table[slot] != 0;)
				slot = (slot + 1) & mask;
			categories->table[slot] = (uint32) i + 1;
		}
		return;
	}
	mask = (uint32) categories->table_size - 1;
	for (slot = (uint32) hash & mask; categories->table[slot] != 0;)
		slot = (slot + 1) & mask;
	categories->table[slot] = (uint32) categories->n;
}

/* The code of a category in this set; a new one if it was not met before. */
int
segment_feature_set_category(FeatureSet *set, int column, const char *name)
{
	FeatureCategories *categories = set->columns[column].categories;
	uint64		hash = segment_hash_bytes(name, strlen(name));

	if (categories->table_size > 0)
	{
		uint32		mask = (uint32) categories->table_size - 1;
		uint32		slot;

		for (slot = (uint32) hash & mask; categories->table[slot] != 0; slot = (slot + 1) & mask)
		{
			uint32		code = categories->table[slot] - 1;

			if (categories->hash[code] == hash && strcmp(categories->name[code], name) == 0)
				return (int) code;
		}
	}
	add_category(set, categories, name, hash);
	/* the store hashes rows by these; growing may have moved them */
	if (set->store.category_hash == NULL)
		set->store.category_hash = MemoryContextAllocZero(set->hdr.eoh_context,
														  sizeof(uint64 *) * set->store.n_columns);
	set->store.category_hash[column] = categories->hash;
	return categories->n - 1;
}

/* ---- flat form ---- */

static Size
flat_size(const FeatureSet *set, Size columns_size)
{
	const SegmentRowStore *store = &set->store;
	Size		size = MAXALIGN(sizeof(FlatFeatureSet)) + MAXALIGN(columns_size);

	size = add_size(size, mul_size(sizeof(double) * store->width, store->n_rows));
	if (store->copies != NULL)
		size = add_size(size, mul_size(sizeof(int64), store->n_rows));
	if (store->left_out != NULL)
		size += sizeof(SegmentColumnStats) * store->n_columns;
	return size;
}

/* Keeps within what one value may hold, by sampling as beyond any other limit. */
static void
fit_into_value(FeatureSet *set)
{
	while (flat_size(set, 0) > FLAT_LIMIT)
		segment_row_store_raise_level(&set->store, set->store.level + 1);
}

static Size
feature_set_flat_size(ExpandedObjectHeader *eohptr)
{
	FeatureSet *set = (FeatureSet *) eohptr;
	MemoryContext old;
	StringInfoData columns;
	Size		size;

	Assert(set->magic == FEATURE_SET_MAGIC);
	fit_into_value(set);
	/* the caller's context may be one that cannot free, as a sort's is */
	old = MemoryContextSwitchTo(set->hdr.eoh_context);
	initStringInfo(&columns);
	segment_feature_set_write_columns(set, &columns);
	size = flat_size(set, columns.len);
	pfree(columns.data);
	MemoryContextSwitchTo(old);
	return size;
}

static void
feature_set_flatten(ExpandedObjectHeader *eohptr, void *result, Size size)
{
	FeatureSet *set = (FeatureSet *) eohptr;
	SegmentRowStore *store = &set->store;
	FlatFeatureSet *flat = result;
	char	   *p = (char *) result + MAXALIGN(sizeof(FlatFeatureSet));
	StringInfoData columns;
	Size		rows_size = sizeof(double) * store->width * store->n_rows;
	MemoryContext old = MemoryContextSwitchTo(set->hdr.eoh_context);
	int			i;

	segment_use_huge_pages(result, size);
	initStringInfo(&columns);
	segment_feature_set_write_columns(set, &columns);
	Assert(size == flat_size(set, columns.len));

	memset(flat, 0, MAXALIGN(sizeof(FlatFeatureSet)));
	SET_VARSIZE(flat, size);
	flat->format = FLAT_FORMAT;
	flat->flags = (store->weighted ? FLAT_WEIGHTED : 0) |
		(store->copies != NULL ? FLAT_COPIES : 0) |
		(store->left_out != NULL ? FLAT_LEFT_OUT : 0);
	flat->level = (uint8) store->level;
	flat->n_columns = store->n_columns;
	flat->columns_size = columns.len;
	flat->seed = store->seed;
	flat->n_seen = store->n_seen;
	flat->n_rows = store->n_rows;

	memset(p, 0, MAXALIGN(columns.len));
	memcpy(p, columns.data, columns.len);
	p += MAXALIGN(columns.len);
	if (rows_size > 0)
		memcpy(p, store->rows, rows_size);
	p += rows_size;
	if (store->copies != NULL && store->n_rows > 0)
	{
		memcpy(p, store->copies, sizeof(int64) * store->n_rows);
		p += sizeof(int64) * store->n_rows;
	}
	if (store->left_out != NULL)
	{
		for (i = 0; i < store->n_columns; i++)
		{
			segment_exact_normalise(&store->left_out[i].weight);
			segment_exact_normalise(&store->left_out[i].sum);
			segment_exact_normalise(&store->left_out[i].sum_squares);
		}
		memcpy(p, store->left_out, sizeof(SegmentColumnStats) * store->n_columns);
	}
	pfree(columns.data);
	MemoryContextSwitchTo(old);
}

/*
 * A set whose rows lie in the flat value, for reading.  Flat values are made
 * by feature_set_flatten alone (text and binary input go through the store),
 * so this only guards against a value written by another version.
 */
static FeatureSet *
view_flat(FlatFeatureSet *flat, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	FeatureSet *set;
	char	   *p = (char *) flat + MAXALIGN(sizeof(FlatFeatureSet));
	StringInfoData columns;

	if (flat->format != FLAT_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("feature set has stored format %d, expected %d", flat->format, FLAT_FORMAT),
				 errhint("It was written by another version of the extension; collect it again.")));

	set = palloc0(sizeof(FeatureSet));
	set->magic = FEATURE_SET_MAGIC;
	set->hdr.eoh_context = context;
	set->columns = palloc0(sizeof(FeatureColumn) * flat->n_columns);
	segment_row_store_init(&set->store, flat->n_columns, (flat->flags & FLAT_WEIGHTED) != 0,
						   flat->seed, 0, segment_memory(context));
	set->store.limit = row_limit(set->store.width);
	set->store.level = flat->level;
	set->store.n_seen = flat->n_seen;
	set->store.n_rows = flat->n_rows;
	set->store.n_allocated = flat->n_rows;

	columns.data = p;
	columns.len = columns.maxlen = flat->columns_size;
	columns.cursor = 0;
	segment_feature_set_read_columns(set, &columns);
	p += MAXALIGN(flat->columns_size);
	set->store.rows = (double *) p;
	p += sizeof(double) * set->store.width * flat->n_rows;
	if (flat->flags & FLAT_COPIES)
	{
		set->store.copies = (int64 *) p;
		p += sizeof(int64) * flat->n_rows;
	}
	if (flat->flags & FLAT_LEFT_OUT)
		set->store.left_out = (SegmentColumnStats *) p;
	MemoryContextSwitchTo(old);
	return set;
}

/* For reading: the expanded object itself, or a view of the flat value. */
FeatureSet *
segment_feature_set_read(Datum value, MemoryContext context)
{
	MemoryContext old;
	FlatFeatureSet *flat;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		FeatureSet *set = (FeatureSet *) DatumGetEOHP(value);

		Assert(set->magic == FEATURE_SET_MAGIC);
		return set;
	}
	old = MemoryContextSwitchTo(context);
	flat = (FlatFeatureSet *) segment_stored_value(value);
	MemoryContextSwitchTo(old);
	return view_flat(flat, context);
}

/*
 * For adding rows: the same object when the value is writable, else a copy
 * below the given context.
 */
FeatureSet *
segment_feature_set_writable(Datum value, MemoryContext parent)
{
	FeatureSet *source;
	FeatureSet *set;
	int			i;

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
	{
		set = (FeatureSet *) DatumGetEOHP(value);
		Assert(set->magic == FEATURE_SET_MAGIC);
		return set;
	}
	source = segment_feature_set_read(value, CurrentMemoryContext);
	set = segment_feature_set_new(source->store.n_columns, source->store.weighted, parent);
	for (i = 0; i < source->store.n_columns; i++)
	{
		if (source->columns[i].name != NULL)
			set->columns[i].name = MemoryContextStrdup(set->hdr.eoh_context,
													   source->columns[i].name);
		if (source->columns[i].categories != NULL)
			set->columns[i].categories = MemoryContextAllocZero(set->hdr.eoh_context,
																sizeof(FeatureCategories));
	}
	segment_feature_set_merge(set, source);
	return set;
}

/* ---- merging ---- */

static void
check_same_shape(const FeatureSet *a, const FeatureSet *b)
{
	int			i;

	if (a->store.n_columns != b->store.n_columns || a->store.weighted != b->store.weighted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("cannot merge feature sets of different shape"),
				 errdetail("One has %d features%s, the other has %d%s.",
						   a->store.n_columns, a->store.weighted ? " and weights" : "",
						   b->store.n_columns, b->store.weighted ? " and weights" : "")));
	for (i = 0; i < a->store.n_columns; i++)
	{
		const FeatureColumn *x = &a->columns[i];
		const FeatureColumn *y = &b->columns[i];

		if ((x->categories == NULL) != (y->categories == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("cannot merge feature sets: feature \"%s\" is numeric in one and categorical in the other",
							segment_feature_set_column_name(a, i))));
		if ((x->name == NULL) != (y->name == NULL) ||
			(x->name != NULL && strcmp(x->name, y->name) != 0))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("cannot merge feature sets: feature %d is \"%s\" in one and \"%s\" in the other",
							i + 1, segment_feature_set_column_name(a, i), segment_feature_set_column_name(b, i))));
	}
}

/*
 * The code in one set of each category of a column of another.  All that were
 * met are counted there, also those whose rows are not in the sample.
 */
static double *
category_codes(FeatureSet *into, const FeatureSet *from, int column)
{
	const FeatureCategories *categories = from->columns[column].categories;
	double	   *codes = palloc_extended(sizeof(double) * Max(categories->n, 1), MCXT_ALLOC_HUGE);
	int			i;

	for (i = 0; i < categories->n; i++)
		codes[i] = segment_feature_set_category(into, column, categories->name[i]);
	return codes;
}

/* Rows are merged in pieces of about this many bytes, which the cache holds. */
#define MERGE_PIECE (128 * 1024)

static void
merge_rows(FeatureSet *into, const FeatureSet *from)
{
	const SegmentRowStore *source = &from->store;
	int			width = source->width;
	int64		piece = Max(1, MERGE_PIECE / (int) (sizeof(double) * width));
	double	  **codes = palloc0(sizeof(double *) * source->n_columns);
	double	   *recoded = NULL;
	int64		first;
	int			i;

	for (i = 0; i < source->n_columns; i++)
		if (from->columns[i].categories != NULL)
		{
			codes[i] = category_codes(into, from, i);
			if (recoded == NULL)
				recoded = palloc(sizeof(double) * width * piece);
		}

	for (first = 0; first < source->n_rows; first += piece)
	{
		int64		n = Min(piece, source->n_rows - first);
		const double *rows = source->rows + first * width;
		int64		r;

		if (recoded != NULL)
		{
			memcpy(recoded, rows, sizeof(double) * width * n);
			rows = recoded;
			for (i = 0; i < source->n_columns; i++)
				for (r = 0; codes[i] != NULL && r < n; r++)
					if (!segment_is_missing(recoded[r * width + i]))
						recoded[r * width + i] = codes[i][(int) recoded[r * width + i]];
		}
		segment_row_store_append(&into->store, rows,
								 source->copies == NULL ? NULL : source->copies + first, n);
		CHECK_FOR_INTERRUPTS();
	}

	for (i = 0; i < source->n_columns; i++)
		if (codes[i] != NULL)
			pfree(codes[i]);
	pfree(codes);
	if (recoded != NULL)
		pfree(recoded);
}

/* Adds all that is in one set to another; the first is not changed. */
void
segment_feature_set_merge(FeatureSet *into, const FeatureSet *from)
{
	const SegmentRowStore *source = &from->store;
	SegmentRowStore *target = &into->store;
	int			n_columns = source->n_columns;
	int			i;
	int64		seen = target->n_seen + source->n_seen;

	check_same_shape(into, from);
	if (seen > FEATURE_SET_MAX_SEEN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a feature set can have at most " INT64_FORMAT " rows", FEATURE_SET_MAX_SEEN)));

	segment_row_store_raise_level(target, source->level);
	/* as a rule another part follows: room for it now saves moving all rows then */
	segment_row_store_reserve(target, 2 * source->n_rows);
	merge_rows(into, from);
	if (source->left_out != NULL)
	{
		if (target->left_out == NULL)
		{
			target->left_out = segment_allocate(target->memory, n_columns,
												sizeof(SegmentColumnStats));
			for (i = 0; i < n_columns; i++)
				segment_column_stats_init(&target->left_out[i]);
		}
		for (i = 0; i < n_columns; i++)
			segment_column_stats_merge(&target->left_out[i], &source->left_out[i]);
	}
	target->n_seen = seen;		/* rows left out were seen, too */
}
