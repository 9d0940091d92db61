/*
 * pair_sort.c: pairs that do not fit into memory.
 *
 * Once there is no room for more lines they go, as numbers, into the server's sort, which goes to
 * files by itself.  Once there is no room for more keys of baskets either, rows of baskets that are
 * not known yet are divided among files by the basket's hash (spill.c), and each file is then a pass of its
 * own, with keys anew and numbers that go on.  Items stay in memory: they are what is counted.
 */
#include "basket/pairs.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

static Size
sort_memory(const PairMemory *memory)
{
	return memory->limit / PAIR_SORT_SHARE;
}

/* The lines there are go into the sort, and so will all others. */
void
segment_pairs_begin_sort(PairReader *reader)
{
	PairMemory *memory = reader->memory;
	SegmentMemory kernel = segment_pair_kernel_memory(memory);
	MemoryContext old = MemoryContextSwitchTo(memory->context);
	uint64		i;

	/* read twice: items are counted before it is known which of them matter */
	reader->sort = tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false,
										 (int) Min(sort_memory(memory) / 1024, PG_INT32_MAX), NULL,
										 TUPLESORT_RANDOMACCESS);
	for (i = 0; i < reader->n_lines; i++)
		segment_pairs_put(reader, reader->lines[i].basket, reader->lines[i].item);
	if (reader->lines != NULL)
		kernel.release(kernel.ctx, reader->lines);
	reader->lines = NULL;
	memory->used += sort_memory(memory);
	MemoryContextSwitchTo(old);
}

void
segment_pairs_put(PairReader *reader, uint32 first, uint32 second)
{
	uint64		code = (uint64) (reader->n_before + first) << 32 | second;

	/* as signed numbers these have another order, in which those of a basket are together, too */
	tuplesort_putdatum(reader->sort, Int64GetDatum((int64) code), false);
}

/* Whether there is no room for one more basket. */
static bool
no_room(const PairReader *reader, Datum first)
{
	const PairColumn *column = reader->first;
	Size		more = segment_key_table_memory_to_add(&column->table, first);

	/* a few are always allowed: files need memory, too */
	return more > 0 && column->table.n >= 512 && reader->spill.level < SEGMENT_SPILL_LEVELS &&
		segment_pair_column_size(column) + more > reader->memory->limit / PAIR_KEYS_SHARE;
}

/* Whether a row went to a file, as its basket is a new one and there is no room for it. */
bool
segment_pairs_spill(PairReader *reader, Datum first, uint64 hash, uint32 second)
{
	BufFile    *file;

	if (!reader->spilling && !no_room(reader, first))
		return false;
	if (segment_key_table_find(&reader->first->table, first, 0, hash) >= 0)
		return false;
	reader->spilling = true;
	if (reader->sort == NULL)
		segment_pairs_begin_sort(reader);
	file = segment_spill_file(&reader->spill, hash);
	segment_spill_write_datum(file, &reader->first->key, first);
	segment_spill_write(file, &second, sizeof(second));
	return true;
}

static bool
read_row(PairReader *reader, Datum *first, uint32 *second)
{
	const KeyType *type = &reader->first->key;
	BufFile    *file = reader->spill.reading;
	uint32		size;

	if (type->by_value)
	{
		if (!segment_spill_read(file, first, sizeof(*first)))
			return false;
	}
	else
	{
		if (!segment_spill_read(file, &size, sizeof(size)))
			return false;
		*first = PointerGetDatum(palloc(size));
		(void) segment_spill_read(file, DatumGetPointer(*first), size);
	}
	(void) segment_spill_read(file, second, sizeof(*second));
	return true;
}

static void
begin_pass(PairReader *reader)
{
	PairColumn *column = reader->first;

	if ((uint64) reader->n_before + column->table.n > PG_UINT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s can take at most %u baskets", reader->memory->function,
						PG_UINT32_MAX / 2)));
	reader->n_before += column->table.n;
	MemoryContextReset(column->context);
	segment_key_table_init(&column->table, &column->key, sizeof(KeyEntry), column->context);
	reader->spilling = false;
}

/* After the last row of the source: those in files; baskets are then numbered and forgotten. */
void
segment_pairs_next_passes(PairReader *reader)
{
	segment_spill_end_pass(&reader->spill);
	while (segment_spill_next(&reader->spill))
	{
		MemoryContext old = MemoryContextSwitchTo(reader->batch);
		uint64		n = 0;
		Datum		first;
		uint32		second;

		begin_pass(reader);
		while (read_row(reader, &first, &second))
		{
			uint64		hash = segment_key_hash(&reader->first->key, first);

			if (!segment_pairs_spill(reader, first, hash, second))
				segment_pairs_put(reader, segment_pair_number_hashed(reader->first, first, hash),
								  second);
			if (++n % PAIR_BATCH == 0)
			{
				MemoryContextReset(reader->batch);
				CHECK_FOR_INTERRUPTS();
			}
		}
		MemoryContextSwitchTo(old);
		segment_spill_end_pass(&reader->spill);
	}
	begin_pass(reader);
}
