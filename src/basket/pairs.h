/*
 * pairs.h: a source of two columns as pairs of numbers.  See pairs.c.
 */
#ifndef SEGMENT_PAIRS_H
#define SEGMENT_PAIRS_H

#include "compat.h"

#include "base/key_table.h"
#include "kernel/base/memory.h"
#include "kernel/basket/baskets.h"
#include "source/source_query.h"
#include "source/spill.h"
#include "tcop/dest.h"
#include "utils/tuplesort.h"

/* One of the two columns: its values, each once, numbered as they came. */
typedef struct PairColumn
{
	const char *name;			/* for messages */
	Oid			type;			/* 0: whatever comes first */
	bool		known;			/* whether there is a table yet */
	KeyType		key;
	MemoryContext context;		/* of the table */
	KeyTable	table;
	uint64		nulls;			/* rows that were left out for it */
} PairColumn;

/* Memory that all of a calculation takes, and may take. */
typedef struct PairMemory
{
	MemoryContext context;
	const char *function;		/* for messages */
	Size		limit;			/* bytes */
	Size		used;			/* by arrays */
	PairColumn *columns[3];		/* whose tables count, too; NULL: none */
} PairMemory;

#define PAIR_BATCH	512			/* rows whose keys are looked up together */

typedef struct PairReader
{
	DestReceiver receiver;		/* first, so that it can be cast */
	PairMemory *memory;
	MemoryContext batch;		/* keys of a batch */
	PairColumn *first;
	PairColumn *second;
	SegmentBasketLine *lines;
	uint64		n_lines;
	uint64		room;
	uint64		read;
	int			n_batch;
	Datum		key[PAIR_BATCH];
	uint64		hash[PAIR_BATCH];
	uint32		other[PAIR_BATCH];	/* numbers of the second column */

	/* where pairs may go to files, see pair_sort.c */
	bool		may_sort;
	Tuplesortstate *sort;		/* where the pairs are, in place of lines, or NULL */
	Spill		spill;			/* pairs of baskets that there was no room for */
	bool		spilling;		/* no new baskets any more */
	uint32		n_before;		/* baskets of passes before */
} PairReader;

/* Shares of memory where pairs may go to files: one in so many. */
#define PAIR_LINES_SHARE	3	/* lines, before they go to the sort */
#define PAIR_KEYS_SHARE		3	/* keys of baskets */
#define PAIR_SORT_SHARE		4	/* the sort; later a part of the baskets */

extern PairMemory *segment_pair_memory(const char *function);
extern SegmentMemory segment_pair_kernel_memory(PairMemory *memory);
extern PairColumn *segment_pair_column(PairMemory *memory, const char *name, Oid type);
extern uint32 segment_pair_number(PairColumn *column, Datum key);
extern Datum segment_pair_value(const PairColumn *column, uint32 number);
extern uint32 segment_pair_number_hashed(PairColumn *column, Datum key, uint64 hash);
extern Size segment_pair_column_size(const PairColumn *column);
extern void segment_pair_forget(PairColumn *column);
extern void segment_read_pairs(PairReader *reader, PairMemory *memory, PairColumn *first,
							   PairColumn *second, const SourceText *source);
extern void segment_pairs_begin_sort(PairReader *reader);
extern void segment_pairs_put(PairReader *reader, uint32 first, uint32 second);
extern bool segment_pairs_spill(PairReader *reader, Datum first, uint64 hash, uint32 second);
extern void segment_pairs_next_passes(PairReader *reader);
extern void segment_tell_skipped_pairs(const PairReader *reader);
extern uint32 *segment_pair_order(const PairColumn *column, const uint32 *counts, uint32 least,
								  SegmentMemory memory);
extern void segment_rank_items(SegmentBaskets *baskets, PairReader *reader, double min_support,
							   uint32 least, uint32 *least_used);

#endif							/* SEGMENT_PAIRS_H */
