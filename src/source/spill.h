/*
 * spill.h: rows that wait in temporary files, divided by the hash of their customer.
 * See spill.c.
 */
#ifndef SEGMENT_SPILL_H
#define SEGMENT_SPILL_H

#include "compat.h"

#include "base/key_table.h"
#include "nodes/pg_list.h"
#include "storage/buffile.h"

/* How often rows can be divided: then the hash has no bits left. */
#define SEGMENT_SPILL_LEVELS 12

typedef struct Spill
{
	MemoryContext context;		/* of the files */
	int			level;			/* how often the rows of the pass under way were divided */
	BufFile   **files;			/* one a partition, or NULL */
	BufFile    *reading;		/* the file that the pass under way reads, or NULL */
	List	   *pending;		/* of SpillPartition: passes to come */
	int64		n_rows;			/* written to files, for information */
} Spill;

extern void segment_spill_begin(Spill *spill);
extern BufFile *segment_spill_file(Spill *spill, uint64 hash);
extern void segment_spill_end_pass(Spill *spill);
extern bool segment_spill_next(Spill *spill);

extern void segment_spill_write(BufFile *file, const void *data, Size size);
extern void segment_spill_write_block(BufFile *file, const void *data, uint32 size);
extern void segment_spill_write_datum(BufFile *file, const KeyType *type, Datum value);
extern bool segment_spill_read(BufFile *file, void *data, Size size);
extern void *segment_spill_read_block(BufFile *file);
extern Datum segment_spill_read_datum(BufFile *file, const KeyType *type);

#endif							/* SEGMENT_SPILL_H */
