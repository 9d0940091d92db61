/*
 * spill.c: rows that wait in temporary files, divided by the hash of their customer.
 *
 * Who folds rows by customer and has no room for more of them writes the others' rows here, into
 * one of 32 files by bits of the customer's hash.  Each file is then a pass of its own, which
 * may divide its rows again by the next bits.
 */
#include "source/spill.h"

#define PARTITION_BITS	5
#define PARTITIONS		(1 << PARTITION_BITS)

typedef struct SpillPartition
{
	BufFile    *file;
	int			level;
} SpillPartition;

/* Files are in the present context. */
void
segment_spill_begin(Spill *spill)
{
	memset(spill, 0, sizeof(*spill));
	spill->context = CurrentMemoryContext;
}

/* The hash's top five bits at level 0, the next five at level 1, and so on. */
static int
partition_of(uint64 hash, int level)
{
	return (int) (hash >> (64 - PARTITION_BITS * (level + 1))) & (PARTITIONS - 1);
}

/* The file for one more row of a customer. */
BufFile *
segment_spill_file(Spill *spill, uint64 hash)
{
	int			p = partition_of(hash, spill->level);

	if (spill->files == NULL)
		spill->files = MemoryContextAllocZero(spill->context, sizeof(BufFile *) * PARTITIONS);
	if (spill->files[p] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(spill->context);

		spill->files[p] = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	spill->n_rows++;
	return spill->files[p];
}

/* The files that the pass has written wait for passes of their own. */
void
segment_spill_end_pass(Spill *spill)
{
	MemoryContext old;
	int			p;

	if (spill->reading != NULL)
		BufFileClose(spill->reading);
	spill->reading = NULL;
	if (spill->files == NULL)
		return;
	old = MemoryContextSwitchTo(spill->context);
	for (p = 0; p < PARTITIONS; p++)
		if (spill->files[p] != NULL)
		{
			SpillPartition *partition = palloc(sizeof(SpillPartition));

			partition->file = spill->files[p];
			partition->level = spill->level + 1;
			spill->pending = lappend(spill->pending, partition);
		}
	MemoryContextSwitchTo(old);
	pfree(spill->files);
	spill->files = NULL;
}

/* To the next pass, which reads spill->reading; false when there is none. */
bool
segment_spill_next(Spill *spill)
{
	SpillPartition *partition;

	if (spill->pending == NIL)
		return false;
	partition = llast(spill->pending);
	spill->pending = list_delete_last(spill->pending);
	spill->level = partition->level;
	spill->reading = partition->file;
	pfree(partition);
	if (BufFileSeek(spill->reading, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind temporary file: %m")));
	return true;
}

/* ---- what a row is made of ---- */

void
segment_spill_write(BufFile *file, const void *data, Size size)
{
	BufFileWrite(file, (void *) data, size);
}

void
segment_spill_write_block(BufFile *file, const void *data, uint32 size)
{
	segment_spill_write(file, &size, sizeof(size));
	segment_spill_write(file, data, size);
}

void
segment_spill_write_datum(BufFile *file, const KeyType *type, Datum value)
{
	if (type->by_value)
		segment_spill_write(file, &value, sizeof(value));
	else
		segment_spill_write_block(file, DatumGetPointer(value),
								  (uint32) segment_key_size(type, value));
}

/* Reads that many bytes; false at the end of the file. */
bool
segment_spill_read(BufFile *file, void *data, Size size)
{
	size_t		n = BufFileRead(file, data, size);

	if (n == 0)
		return false;
	if (n != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from temporary file: read only %zu of %zu bytes",
						n, size)));
	return true;
}

void *
segment_spill_read_block(BufFile *file)
{
	uint32		size;
	void	   *block;

	(void) segment_spill_read(file, &size, sizeof(size));
	block = palloc(size);
	(void) segment_spill_read(file, block, size);
	return block;
}

Datum
segment_spill_read_datum(BufFile *file, const KeyType *type)
{
	Datum		value;

	if (!type->by_value)
		return PointerGetDatum(segment_spill_read_block(file));
	(void) segment_spill_read(file, &value, sizeof(value));
	return value;
}
