/*
 * pairs.c: a source of two columns, baskets and items or customers and items, as pairs of
 * numbers.
 *
 * Rows go from the executor straight into two tables of keys, which number baskets and
 * items as they come, and an array of 8 bytes a row.  Keys are of any hashable type; which
 * are one, their type and collation decide, and the spelling kept is the first by its
 * bytes.  A row with a NULL is left out and counted.
 *
 * All must fit into work_mem times hash_mem_multiplier, together with what is worked out from
 * it.  Where it does not, pairs go to files if the caller can work from there (pair_sort.c), else the
 * calculation ends with an error that says so.
 */
#include "basket/pairs.h"

#include "base/memory.h"
#include "catalog/pg_collation.h"
#include "executor/executor.h"
#include "kernel/base/allocate.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#define FIRST_LINES 4096

/* ---- memory ---- */

Size
segment_pair_column_size(const PairColumn *column)
{
	if (column == NULL || !column->known)
		return 0;
	return segment_key_table_memory(&column->table);
}

static void
check_memory(const PairMemory *memory, Size more)
{
	Size		used = memory->used + more;
	int			i;

	for (i = 0; i < lengthof(memory->columns); i++)
		used += segment_pair_column_size(memory->columns[i]);
	if (used > memory->limit)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("%s needs more memory than the %zu kB of work_mem times "
						"hash_mem_multiplier", memory->function, memory->limit / 1024),
				 errdetail("It would take at least %zu kB.", used / 1024),
				 errhint("Raise work_mem, give fewer rows, or ask for less.")));
}

static void *
resize(void *ctx, void *block, size_t size)
{
	PairMemory *memory = ctx;

	segment_check_array_size(size);
	if (block != NULL)
		memory->used -= GetMemoryChunkSpace(block);
	check_memory(memory, size);
	if (block == NULL)
		block = MemoryContextAllocHuge(memory->context, size);
	else
		block = repalloc_huge(block, size);
	segment_use_huge_pages(block, size);
	memory->used += GetMemoryChunkSpace(block);
	return block;
}

static void
release(void *ctx, void *block)
{
	PairMemory *memory = ctx;

	memory->used -= GetMemoryChunkSpace(block);
	pfree(block);
}

/* What a function has: work_mem times hash_mem_multiplier, in the present context. */
PairMemory *
segment_pair_memory(const char *function)
{
	PairMemory *memory = palloc0(sizeof(PairMemory));

	memory->context = CurrentMemoryContext;
	memory->function = function;
	memory->limit = get_hash_memory_limit();
	return memory;
}

SegmentMemory
segment_pair_kernel_memory(PairMemory *memory)
{
	SegmentMemory result;

	result.resize = resize;
	result.release = release;
	result.ctx = memory;
	return result;
}

/* ---- columns ---- */

PairColumn *
segment_pair_column(PairMemory *memory, const char *name, Oid type)
{
	PairColumn *column = palloc0(sizeof(PairColumn));
	int			i;

	column->name = name;
	column->type = type;
	for (i = 0; memory->columns[i] != NULL; i++)
		;
	memory->columns[i] = column;
	return column;
}

static void
begin_column(PairReader *reader, PairColumn *column, Form_pg_attribute attribute)
{
	Oid			type = attribute->atttypid;
	MemoryContext old;

	if (OidIsValid(column->type) && !IsBinaryCoercible(type, column->type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the column of %ss is of type %s, expected %s", column->name,
						format_type_be(type), format_type_be(column->type)),
				 errhint("Give the column's type as the argument that names it, "
						 "or cast the column.")));
	if (column->known)
		return;
	column->context = AllocSetContextCreate(reader->memory->context, "segment pair keys",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(reader->memory->context);
	if (!OidIsValid(column->type))
		column->type = type;
	segment_key_type_init(&column->key, column->type, attribute->attcollation,
						  psprintf("%s %s", strchr("aeiou", column->name[0]) ? "an" : "a",
								   column->name));
	segment_key_table_init(&column->table, &column->key, sizeof(KeyEntry), column->context);
	column->known = true;
	MemoryContextSwitchTo(old);
}

/* The number of a key whose hash is known, new or not. */
uint32
segment_pair_number_hashed(PairColumn *column, Datum key, uint64 hash)
{
	int64		number = segment_key_table_find(&column->table, key, 0, hash);

	if (number < 0)
		return segment_key_table_add(&column->table, key, 0, hash);
	/* equal keys of other classes are spelled alike */
	if (column->key.class == KEY_GENERIC)
		segment_key_table_keep_least(&column->table,
									 segment_key_table_entry(&column->table, (uint32) number), key);
	return (uint32) number;
}

uint32
segment_pair_number(PairColumn *column, Datum key)
{
	return segment_pair_number_hashed(column, key, segment_key_hash(&column->key, key));
}

Datum
segment_pair_value(const PairColumn *column, uint32 number)
{
	return ((KeyEntry *) segment_key_table_entry(&column->table, number))->key;
}

/* The keys are not asked for any more; how many there are stays known. */
void
segment_pair_forget(PairColumn *column)
{
	if (column->context != NULL)
		MemoryContextDelete(column->context);
	column->context = NULL;
	column->known = false;
}

/* ---- reading ---- */

static void
add_line(PairReader *reader, uint32 first, uint32 second)
{
	if (reader->may_sort && reader->sort == NULL && reader->n_lines == reader->room &&
		2 * reader->room * sizeof(SegmentBasketLine) > reader->memory->limit / PAIR_LINES_SHARE)
		segment_pairs_begin_sort(reader);
	if (reader->sort != NULL)
	{
		segment_pairs_put(reader, first, second);
		return;
	}
	if (reader->n_lines == reader->room)
	{
		reader->room = Max(FIRST_LINES, 2 * reader->room);
		reader->lines = segment_resize_rows(segment_pair_kernel_memory(reader->memory),
											reader->lines, reader->room, 1,
											sizeof(SegmentBasketLine));
	}
	reader->lines[reader->n_lines].basket = first;
	reader->lines[reader->n_lines++].item = second;
}

static void
end_batch(PairReader *reader)
{
	PairColumn *column = reader->first;
	int			i;

	for (i = 0; i < reader->n_batch; i++)
		(void) segment_key_table_candidate(&column->table, reader->hash[i]);
	for (i = 0; i < reader->n_batch; i++)
	{
		if (reader->may_sort &&
			segment_pairs_spill(reader, reader->key[i], reader->hash[i], reader->other[i]))
			continue;
		add_line(reader, segment_pair_number_hashed(column, reader->key[i], reader->hash[i]),
				 reader->other[i]);
	}
	reader->n_batch = 0;
	MemoryContextReset(reader->batch);
	check_memory(reader->memory, 0);
}

static bool
pair_receive(TupleTableSlot *slot, DestReceiver *self)
{
	PairReader *reader = (PairReader *) self;
	bool		first_is_null;
	bool		second_is_null;
	Datum		first = slot_getattr(slot, 1, &first_is_null);
	Datum		second = slot_getattr(slot, 2, &second_is_null);
	MemoryContext old;
	int			i = reader->n_batch;

	reader->read++;
	if (first_is_null || second_is_null)
	{
		(first_is_null ? reader->first : reader->second)->nulls++;
		return true;
	}
	old = MemoryContextSwitchTo(reader->batch);
	reader->key[i] = segment_key_copy(reader->batch, &reader->first->key, first);
	reader->hash[i] = segment_key_hash(&reader->first->key, reader->key[i]);
	segment_key_table_prefetch(&reader->first->table, reader->hash[i]);
	reader->other[i] = segment_pair_number(reader->second,
										   segment_key_detoast(&reader->second->key, second));
	reader->n_batch++;
	if (reader->n_batch == PAIR_BATCH)
		end_batch(reader);
	MemoryContextSwitchTo(old);
	return true;
}

static void
pair_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	PairReader *reader = (PairReader *) self;

	if (desc->natts != 2)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the query must have two columns, %s and %s, not %d",
						reader->first->name, reader->second->name, desc->natts)));
	begin_column(reader, reader->first, TupleDescAttr(desc, 0));
	begin_column(reader, reader->second, TupleDescAttr(desc, 1));
}

/* The reader is zeros, but for what the caller may want of it. */
void
segment_read_pairs(PairReader *reader, PairMemory *memory, PairColumn *first, PairColumn *second,
				   const SourceText *source)
{
	segment_source_receiver(&reader->receiver, pair_receive, pair_startup);
	reader->memory = memory;
	reader->first = first;
	reader->second = second;
	reader->batch = AllocSetContextCreate(CurrentMemoryContext, "segment keys",
										  ALLOCSET_DEFAULT_SIZES);
	segment_spill_begin(&reader->spill);
	segment_source_run(source, &reader->receiver);
	end_batch(reader);
	if (reader->sort != NULL)
		segment_pairs_next_passes(reader);
}

/* Rows that were left out are told. */
void
segment_tell_skipped_pairs(const PairReader *reader)
{
	uint64		skipped = reader->first->nulls + reader->second->nulls;

	if (skipped > 0)
		ereport(NOTICE,
				(errmsg("%s skipped " UINT64_FORMAT " of " UINT64_FORMAT " rows",
						reader->memory->function, skipped, reader->read),
				 errdetail("NULL %s: " UINT64_FORMAT ", NULL %s: " UINT64_FORMAT ".",
						   reader->first->name, reader->first->nulls, reader->second->name,
						   reader->second->nulls)));
}

/* ---- items in order ---- */

typedef struct OrderBy
{
	const PairColumn *column;
	FmgrInfo   *compare;		/* NULL: by the bytes */
	Oid			collation;
} OrderBy;

static int
compare_bytes(const KeyType *type, Datum a, Datum b)
{
	Size		size_a = segment_key_size(type, a);
	Size		size_b = segment_key_size(type, b);
	int			result;

	if (type->by_value)
		return a < b ? -1 : a > b;
	result = memcmp(DatumGetPointer(a), DatumGetPointer(b), Min(size_a, size_b));
	return result != 0 ? result : size_a < size_b ? -1 : size_a > size_b;
}

static int
compare_items(const void *a, const void *b, void *arg)
{
	const OrderBy *by = arg;
	Datum		x = segment_pair_value(by->column, *(const uint32 *) a);
	Datum		y = segment_pair_value(by->column, *(const uint32 *) b);

	CHECK_FOR_INTERRUPTS();
	if (by->compare == NULL)
		return compare_bytes(&by->column->key, x, y);
	return DatumGetInt32(FunctionCall2Coll(by->compare, by->collation, x, y));
}

/*
 * The place of each value that is counted at least `least` times, in the order of the
 * type, texts by their code points; of a type without an order, by its bytes.
 */
uint32 *
segment_pair_order(const PairColumn *column, const uint32 *counts, uint32 least,
				   SegmentMemory memory)
{
	uint32		n_values = column->known ? column->table.n : 0;
	uint32	   *order = segment_allocate_zeros(memory, n_values, sizeof(uint32));
	uint32	   *sorted = segment_allocate(memory, n_values, sizeof(uint32));
	OrderBy		by = {column, NULL, InvalidOid};
	uint32		n = 0;
	uint32		i;

	for (i = 0; i < n_values; i++)
		if (counts[i] >= least)
			sorted[n++] = i;
	if (n > 0)
	{
		TypeCacheEntry *cache = lookup_type_cache(column->type, TYPECACHE_CMP_PROC_FINFO);

		if (OidIsValid(cache->cmp_proc_finfo.fn_oid))
			by.compare = &cache->cmp_proc_finfo;
		by.collation = OidIsValid(column->key.collation) ? C_COLLATION_OID : InvalidOid;
	}
	qsort_arg(sorted, n, sizeof(uint32), compare_items, &by);
	for (i = 0; i < n; i++)
		order[sorted[i]] = i;
	memory.release(memory.ctx, sorted);
	return order;
}

/*
 * The lines as baskets of the items that are in a share of min_support of them, and in at
 * least `least`; *least_used is how many baskets that are.  The lines are gone.
 */
void
segment_rank_items(SegmentBaskets *baskets, PairReader *reader, double min_support, uint32 least,
				   uint32 *least_used)
{
	SegmentMemory memory = segment_pair_kernel_memory(reader->memory);
	uint32		n_baskets = reader->first->known ? reader->first->table.n : 0;
	uint32		n_items = reader->second->known ? reader->second->table.n : 0;
	uint32	   *counts;
	uint32	   *order;

	(void) segment_baskets_build(baskets, memory, reader->lines, reader->n_lines, n_baskets,
								 n_items, segment_check_interrupts);
	reader->lines = NULL;
	counts = segment_baskets_count(baskets, memory, n_items);
	if (n_baskets > 0)
		least = Max(least, segment_least_count(min_support, n_baskets));
	order = segment_pair_order(reader->second, counts, least, memory);
	(void) segment_baskets_rank(baskets, memory, counts, order, n_items, least,
								segment_check_interrupts);
	memory.release(memory.ctx, counts);
	memory.release(memory.ctx, order);
	if (least_used != NULL)
		*least_used = least;
}
