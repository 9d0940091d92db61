/*
 * overlap.c: how many customers two segments have in common, for all pairs of segments
 * of several segmentations.
 *
 * Each member table is read once, and rows go from the executor straight into
 *
 *		a table of keys			which numbers the customers 0, 1, 2, ... as they come
 *		a bit a customer		for each segment, in blocks of 32768 customers
 *
 * after which pairs are counted block by block, a word of 64 customers at a time: the
 * blocks of all segments fit into the CPU's cache together.  Counts depend on no order
 * of rows and tables.
 *
 * When memory is short (work_mem times hash_mem_multiplier) customers are divided by a
 * hash of the key, and the tables are read once for each part; counts of parts add up.
 */
#include "compat.h"

#include "base/key_table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "kernel/base/bit_sets.h"
#include "miscadmin.h"
#include "source/source_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_overlap_counts);

#define BLOCK			32768	/* customers */
#define BATCH			512		/* rows whose keys are looked up together */
#define MAX_PARTS		(1 << 20)

/* One of the segmentations. */
typedef struct Division
{
	const char *query;			/* its members: key and segment_id */
	bool		overlapping;	/* whether a customer may be in several of its segments */
	int			first_id;		/* the least segment_id */
	int			n_ids;			/* ids up to the greatest */
	int		   *segment;		/* of each id the number of the segment; -1: there is none */
} Division;

typedef struct Overlap
{
	DestReceiver receiver;		/* first, so that it can be cast */
	MemoryContext context;		/* of what the part needs */
	MemoryContext keys;			/* copies of the keys of a batch */
	int			n_divisions;
	Division   *divisions;
	const Division *reading;
	int			n_segments;
	int		   *division_of;	/* of each segment */
	bool		has_type;		/* whether the type of keys is known */
	KeyType		type;
	KeyTable	table;
	int			n_blocks;
	int			room;
	SegmentBitSets *blocks;
	uint32		parts;			/* a power of two */
	uint32		part;
	bool		too_large;		/* there must be more parts */
	int			n_batch;
	Datum		key[BATCH];
	uint64		hash[BATCH];
	int			segment[BATCH];
	uint64		customers;		/* of all parts so far */
	uint64	   *counts;			/* n_segments * n_segments: in both, in the diagonal in it */
} Overlap;

/* ---- reading members ---- */

static void
add_block(Overlap *overlap)
{
	SegmentBitSets *block;

	if (overlap->n_blocks == overlap->room)
	{
		overlap->room = Max(16, 2 * overlap->room);
		overlap->blocks = overlap->blocks == NULL
			? MemoryContextAlloc(overlap->context, sizeof(SegmentBitSets) * overlap->room)
			: repalloc_huge(overlap->blocks, sizeof(SegmentBitSets) * overlap->room);
	}
	block = &overlap->blocks[overlap->n_blocks++];
	block->n = overlap->n_segments;
	block->n_words = BLOCK / 64;
	block->words = MemoryContextAllocHuge(overlap->context,
										  sizeof(uint64) * block->n_words * block->n);
	block->filled = MemoryContextAllocZero(overlap->context, sizeof(bool) * block->n);
}

static bool
is_full(const Overlap *overlap)
{
	Size		size = (Size) overlap->n_blocks * overlap->n_segments * (BLOCK / 8) +
		segment_key_table_memory(&overlap->table);

	/* a block is the least there can be */
	return size > get_hash_memory_limit() && overlap->n_blocks > 1 && overlap->parts < MAX_PARTS;
}

/* Whether there is room for what was added. */
static bool
end_batch(Overlap *overlap)
{
	int			i;

	for (i = 0; i < overlap->n_batch; i++)
		(void) segment_key_table_candidate(&overlap->table, overlap->hash[i]);
	for (i = 0; i < overlap->n_batch; i++)
	{
		int64		number = segment_key_table_find(&overlap->table, overlap->key[i], 0,
													overlap->hash[i]);

		if (number < 0)
			number = segment_key_table_add(&overlap->table, overlap->key[i], 0, overlap->hash[i]);
		if (number / BLOCK >= overlap->n_blocks)
			add_block(overlap);
		segment_bit_sets_add(&overlap->blocks[number / BLOCK], overlap->segment[i], number % BLOCK);
	}
	overlap->n_batch = 0;
	MemoryContextReset(overlap->keys);
	overlap->too_large = is_full(overlap);
	return !overlap->too_large;
}

static bool
member_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Overlap    *overlap = (Overlap *) self;
	const Division *division = overlap->reading;
	bool		key_is_null;
	bool		id_is_null;
	Datum		key = slot_getattr(slot, 1, &key_is_null);
	int64		id = (int64) DatumGetInt32(slot_getattr(slot, 2, &id_is_null)) - division->first_id;
	int			i = overlap->n_batch;

	/* what the catalogue knows nothing of is no segment */
	if (key_is_null || id_is_null || id < 0 || id >= division->n_ids || division->segment[id] < 0)
		return true;
	overlap->key[i] = segment_key_copy(overlap->keys, &overlap->type, key);
	overlap->hash[i] = segment_key_hash(&overlap->type, overlap->key[i]);
	if (overlap->parts > 1 &&
		(segment_mix64(overlap->hash[i]) & (overlap->parts - 1)) != overlap->part)
		return true;
	overlap->segment[i] = division->segment[id];
	segment_key_table_prefetch(&overlap->table, overlap->hash[i]);
	overlap->n_batch++;
	return overlap->n_batch < BATCH || end_batch(overlap);
}

static void
member_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	Overlap    *overlap = (Overlap *) self;
	Form_pg_attribute key;
	MemoryContext old;

	if (desc->natts != 2 || TupleDescAttr(desc, 1)->atttypid != INT4OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("members have a key and an integer")));
	key = TupleDescAttr(desc, 0);
	if (overlap->has_type && key->atttypid != overlap->type.type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("members have keys of one type, but %s is not %s",
						format_type_be(key->atttypid), format_type_be(overlap->type.type))));
	if (!overlap->has_type)
	{
		old = MemoryContextSwitchTo(overlap->context);
		segment_key_type_init(&overlap->type, key->atttypid, key->attcollation, "a customer");
		segment_key_table_init(&overlap->table, &overlap->type, sizeof(KeyEntry), overlap->context);
		MemoryContextSwitchTo(old);
		overlap->has_type = true;
	}
}

/* ---- counting ---- */

static void
count_pairs(Overlap *overlap)
{
	int			b;
	int			i;
	int			j;

	for (b = 0; b < overlap->n_blocks; b++)
	{
		const SegmentBitSets *block = &overlap->blocks[b];

		for (i = 0; i < overlap->n_segments; i++)
		{
			uint64	   *counts = overlap->counts + (Size) i * overlap->n_segments;
			int			division = overlap->division_of[i];

			CHECK_FOR_INTERRUPTS();
			if (!block->filled[i])
				continue;
			for (j = i; j < overlap->n_segments; j++)
				if (block->filled[j] &&
					(j == i || overlap->division_of[j] != division ||
					 overlap->divisions[division].overlapping))
					counts[j] += segment_bits_in_both(segment_bit_set(block, i),
													  segment_bit_set(block, j), block->n_words);
		}
	}
}

/* Reads all members whose keys are of the part; false: there are too many. */
static bool
read_part(Overlap *overlap)
{
	int			d;

	MemoryContextReset(overlap->context);
	overlap->has_type = false;
	overlap->blocks = NULL;
	overlap->n_blocks = overlap->room = 0;
	overlap->n_batch = 0;
	overlap->too_large = false;
	memset(&overlap->table, 0, sizeof(overlap->table));
	for (d = 0; d < overlap->n_divisions && !overlap->too_large; d++)
	{
		SourceText	source = {0};

		overlap->reading = &overlap->divisions[d];
		source.query = overlap->reading->query;
		segment_source_run(&source, &overlap->receiver);
		if (!overlap->too_large)
			(void) end_batch(overlap);
	}
	return !overlap->too_large;
}

static void
count_all(Overlap *overlap)
{
	Size		size = sizeof(uint64) * overlap->n_segments * overlap->n_segments;

	overlap->counts = MemoryContextAllocExtended(CurrentMemoryContext, Max(size, 1),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	overlap->parts = 1;
	for (overlap->part = 0; overlap->part < overlap->parts;)
	{
		if (read_part(overlap))
		{
			count_pairs(overlap);
			overlap->customers += overlap->table.n;
			overlap->part++;
		}
		else
		{
			/* anew: parts that were counted are parts no more */
			overlap->parts *= 4;
			overlap->part = 0;
			overlap->customers = 0;
			memset(overlap->counts, 0, size);
		}
	}
}

/* ---- arguments ---- */

static void
refuse_arguments(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("members and segments do not fit: %s", why)));
}

static Datum *
elements_of(FunctionCallInfo fcinfo, int i, Oid type, int *n)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(i);
	Datum	   *values;
	int16		length;
	bool		by_value;
	char		align;

	if (array_contains_nulls(array))
		refuse_arguments("NULL is none");
	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &values, NULL, n);
	return values;
}

static void
read_arguments(FunctionCallInfo fcinfo, Overlap *overlap)
{
	int			n_overlapping;
	int			n_ids;
	Datum	   *queries = elements_of(fcinfo, 0, TEXTOID, &overlap->n_divisions);
	Datum	   *overlapping = elements_of(fcinfo, 1, BOOLOID, &n_overlapping);
	Datum	   *numbers = elements_of(fcinfo, 2, INT4OID, &overlap->n_segments);
	Datum	   *ids = elements_of(fcinfo, 3, INT4OID, &n_ids);
	int			d;
	int			i;

	if (n_overlapping != overlap->n_divisions || n_ids != overlap->n_segments)
		refuse_arguments("there are not as many of both");
	overlap->divisions = palloc0(sizeof(Division) * Max(overlap->n_divisions, 1));
	overlap->division_of = palloc(sizeof(int) * Max(overlap->n_segments, 1));
	for (i = 0; i < overlap->n_segments; i++)
	{
		overlap->division_of[i] = DatumGetInt32(numbers[i]) - 1;
		if (overlap->division_of[i] < 0 || overlap->division_of[i] >= overlap->n_divisions)
			refuse_arguments("a segment is of no segmentation");
	}
	for (d = 0; d < overlap->n_divisions; d++)
	{
		Division   *division = &overlap->divisions[d];
		int64		least = PG_INT32_MAX;
		int64		greatest = PG_INT32_MIN;

		division->query = TextDatumGetCString(queries[d]);
		division->overlapping = DatumGetBool(overlapping[d]);
		for (i = 0; i < overlap->n_segments; i++)
			if (overlap->division_of[i] == d)
			{
				least = Min(least, DatumGetInt32(ids[i]));
				greatest = Max(greatest, DatumGetInt32(ids[i]));
			}
		if (least > greatest)
			continue;
		if (greatest - least >= MaxAllocSize / sizeof(int))
			refuse_arguments("ids of segments are too far apart");
		division->first_id = (int) least;
		division->n_ids = (int) (greatest - least + 1);
		division->segment = palloc(sizeof(int) * division->n_ids);
		memset(division->segment, -1, sizeof(int) * division->n_ids);
		for (i = 0; i < overlap->n_segments; i++)
			if (overlap->division_of[i] == d)
				division->segment[DatumGetInt32(ids[i]) - least] = i;
	}
}

static void
put_pairs(const Overlap *overlap, ReturnSetInfo *rsinfo)
{
	int			n = overlap->n_segments;
	int			i;
	int			j;

	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
		{
			int			division = overlap->division_of[i];
			Datum		values[6];
			bool		nulls[6] = {false};

			if (overlap->division_of[j] == division && !overlap->divisions[division].overlapping)
				continue;
			values[0] = Int32GetDatum(i + 1);
			values[1] = Int32GetDatum(j + 1);
			values[2] = Int64GetDatum((int64) overlap->counts[(Size) i * n + i]);
			values[3] = Int64GetDatum((int64) overlap->counts[(Size) j * n + j]);
			values[4] = Int64GetDatum((int64) overlap->counts[(Size) i * n + j]);
			values[5] = Int64GetDatum((int64) overlap->customers);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
}

/*
 * overlap_counts(queries, overlapping, segmentation, segment_ids): for each pair of
 * segments how many customers are in the one, the other and both, and in any.
 */
Datum
segment_overlap_counts(PG_FUNCTION_ARGS)
{
	Overlap    *overlap = palloc0(sizeof(Overlap));

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	read_arguments(fcinfo, overlap);
	segment_source_receiver(&overlap->receiver, member_receive, member_startup);
	overlap->context = AllocSetContextCreate(CurrentMemoryContext, "overlap",
											 ALLOCSET_DEFAULT_SIZES);
	overlap->keys = AllocSetContextCreate(CurrentMemoryContext, "overlap keys",
										  ALLOCSET_DEFAULT_SIZES);
	count_all(overlap);
	put_pairs(overlap, (ReturnSetInfo *) fcinfo->resultinfo);
	MemoryContextDelete(overlap->context);
	MemoryContextDelete(overlap->keys);
	return (Datum) 0;
}
