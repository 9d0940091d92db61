/*
 * key_table.h: a hash table from keys of any SQL type to dense entries.
 *
 * See key_table.c.
 */
#ifndef SEGMENT_KEY_TABLE_H
#define SEGMENT_KEY_TABLE_H

#include "compat.h"

#include "fmgr.h"
#include "kernel/base/hash.h"

typedef enum KeyClass
{
	KEY_WORD,					/* passed by value, equal when the bits are equal */
	KEY_BYTES,					/* equal when the bytes are equal: text, uuid, bytea */
	KEY_GENERIC					/* by the type's own hash and equality functions */
} KeyClass;

typedef struct KeyType
{
	Oid			type;
	Oid			collation;
	int16		length;
	bool		by_value;
	KeyClass	class;
	FmgrInfo	hash;			/* KEY_GENERIC */
	FmgrInfo	equal;
} KeyType;

/* Every entry starts with this; what follows is the caller's. */
typedef struct KeyEntry
{
	Datum		key;			/* the value, or a pointer to the table's copy */
	uint32		owner;			/* told apart together with the key */
} KeyEntry;

typedef struct KeySlot
{
	uint32		entry;			/* number + 1, or 0 */
	uint32		tag;			/* high half of the hash */
} KeySlot;

typedef struct KeyTable
{
	const KeyType *type;
	MemoryContext context;
	Size		entry_size;
	char	   *entries;
	uint32		n;
	uint32		n_allocated;
	KeySlot    *slots;
	uint64		mask;			/* number of slots - 1 */
	char	   *block;			/* where copies of keys go */
	Size		block_left;
	Size		copied;			/* bytes in all such blocks */
} KeyTable;

extern void segment_key_type_init(KeyType *key, Oid type, Oid collation, const char *what);
extern void segment_key_table_init(KeyTable *table, const KeyType *type, Size entry_size,
								   MemoryContext context);
extern int64 segment_key_table_find(const KeyTable *table, Datum key, uint32 owner, uint64 hash);
extern uint32 segment_key_table_add(KeyTable *table, Datum key, uint32 owner, uint64 hash);
extern void segment_key_table_keep_least(KeyTable *table, KeyEntry *entry, Datum key);
extern Size segment_key_table_memory(const KeyTable *table);
extern Size segment_key_table_memory_to_add(const KeyTable *table, Datum key);
extern uint64 segment_key_hash_slow(const KeyType *type, Datum key);
extern bool segment_keys_equal_slow(const KeyType *type, Datum a, Datum b);
extern Size segment_key_size(const KeyType *type, Datum key);
extern Datum segment_key_detoast(const KeyType *type, Datum key);
extern Datum segment_key_copy(MemoryContext context, const KeyType *type, Datum key);

static inline uint64
segment_key_hash(const KeyType *type, Datum key)
{
	if (type->class == KEY_WORD)
		return segment_mix64((uint64) key + SEGMENT_GOLDEN);
	return segment_key_hash_slow(type, key);
}

static inline void *
segment_key_table_entry(const KeyTable *table, uint32 number)
{
	return table->entries + (Size) number * table->entry_size;
}

/*
 * A look-up in three steps, so that those of a batch of keys wait for memory
 * together: prefetch the slot; later take the candidate, which prefetches the
 * entry; later still see whether it holds the key, and if not, find.
 */
static inline void
segment_key_table_prefetch(const KeyTable *table, uint64 hash)
{
	__builtin_prefetch(&table->slots[hash & table->mask]);
}

/* The number + 1 of the first entry whose hash has the same tag, or 0. */
static inline uint32
segment_key_table_candidate(const KeyTable *table, uint64 hash)
{
	uint64		i = hash & table->mask;
	uint32		tag = (uint32) (hash >> 32);

	while (table->slots[i].entry != 0 && table->slots[i].tag != tag)
		i = (i + 1) & table->mask;
	if (table->slots[i].entry != 0)
	{
		const char *entry = segment_key_table_entry(table, table->slots[i].entry - 1);

		__builtin_prefetch(entry);
		__builtin_prefetch(entry + table->entry_size - 1);
	}
	return table->slots[i].entry;
}

static inline bool
segment_keys_equal(const KeyType *type, Datum a, Datum b)
{
	return type->class == KEY_WORD ? a == b : segment_keys_equal_slow(type, a, b);
}

#endif							/* SEGMENT_KEY_TABLE_H */
