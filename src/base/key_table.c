/*
 * key_table.c: a hash table from keys of any SQL type to dense entries.
 *
 * slots (8 bytes each, at most half full) -> entries, side by side in the order
 * of arrival.  A slot holds 32 bits of the hash, so that probing seldom touches
 * an entry in vain, and callers can prefetch slots and entries for a batch of
 * keys before they look them up: with a million customers nearly every access
 * would else wait for memory.
 *
 * Why not simplehash or dynahash: both move or scatter entries, and neither
 * lets the caller prefetch.
 */
#include "base/key_table.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#define FIRST_SLOTS		1024
#define KEY_BLOCK_SIZE	(256 * 1024)

/* What the key is, for messages: "a customer", "an order". */
void
segment_key_type_init(KeyType *key, Oid type, Oid collation, const char *what)
{
	Oid			base = getBaseType(type);
	TypeCacheEntry *cache;

	key->type = type;
	key->collation = collation;
	get_typlenbyval(type, &key->length, &key->by_value);
	switch (base)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case BOOLOID:
		case CHAROID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case CASHOID:
			key->class = KEY_WORD;
			return;
		case UUIDOID:
		case BYTEAOID:
			key->class = KEY_BYTES;
			return;
		case TEXTOID:
		case VARCHAROID:
			if (!OidIsValid(collation) || get_collation_isdeterministic(collation))
			{
				key->class = KEY_BYTES;
				return;
			}
			break;
		default:
			if (type_is_enum(base))
			{
				key->class = KEY_WORD;
				return;
			}
	}
	cache = lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO |
							  TYPECACHE_HASH_EXTENDED_PROC | TYPECACHE_EQ_OPR);
	if (!OidIsValid(cache->hash_extended_proc) || !OidIsValid(cache->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s cannot be the key of %s: it has no hash function",
						format_type_be(type), what),
				 errhint("Cast the key to a hashable type, for instance text.")));
	key->class = KEY_GENERIC;
	fmgr_info_copy(&key->hash, &cache->hash_extended_proc_finfo, CurrentMemoryContext);
	fmgr_info_copy(&key->equal, &cache->eq_opr_finfo, CurrentMemoryContext);
}

/* Start and length of the bytes of a KEY_BYTES key. */
static inline const char *
key_bytes(const KeyType *type, Datum key, Size *size)
{
	if (type->length > 0)
	{
		*size = type->length;
		return DatumGetPointer(key);
	}
	*size = VARSIZE_ANY_EXHDR(DatumGetPointer(key));
	return VARDATA_ANY(DatumGetPointer(key));
}

uint64
segment_key_hash_slow(const KeyType *type, Datum key)
{
	Size		size;
	const char *bytes;

	if (type->class == KEY_GENERIC)
		/* mixed again: hash functions of small types leave high bits poor */
		return segment_mix64(DatumGetUInt64(FunctionCall2Coll((FmgrInfo *) &type->hash,
															  type->collation, key,
															  Int64GetDatum(0))));
	bytes = key_bytes(type, key, &size);
	return hash_bytes_extended((const unsigned char *) bytes, (int) size, 0);
}

/* Bytes a copy of the key takes; 0 for keys passed by value. */
Size
segment_key_size(const KeyType *type, Datum key)
{
	if (type->by_value)
		return 0;
	if (type->length > 0)
		return type->length;
	if (type->length == -2)
		return strlen(DatumGetCString(key)) + 1;
	return VARSIZE_ANY(DatumGetPointer(key));
}

/* A key as tables take it, not compressed; it may be the one given. */
Datum
segment_key_detoast(const KeyType *type, Datum key)
{
	return type->by_value || type->length != -1 ? key
		: PointerGetDatum(PG_DETOAST_DATUM_PACKED(key));
}

/* The same, but a copy that lives as long as the context. */
Datum
segment_key_copy(MemoryContext context, const KeyType *type, Datum key)
{
	MemoryContext old;
	Size		size;
	char	   *copy;

	if (type->by_value)
		return key;
	old = MemoryContextSwitchTo(context);
	key = segment_key_detoast(type, key);
	size = segment_key_size(type, key);
	copy = palloc(size);
	memcpy(copy, DatumGetPointer(key), size);
	MemoryContextSwitchTo(old);
	return PointerGetDatum(copy);
}

bool
segment_keys_equal_slow(const KeyType *type, Datum a, Datum b)
{
	Size		size_a;
	Size		size_b;
	const char *bytes_a;
	const char *bytes_b;

	if (type->class == KEY_GENERIC)
		return DatumGetBool(FunctionCall2Coll((FmgrInfo *) &type->equal, type->collation, a, b));
	bytes_a = key_bytes(type, a, &size_a);
	bytes_b = key_bytes(type, b, &size_b);
	return size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
}

void
segment_key_table_init(KeyTable *table, const KeyType *type, Size entry_size, MemoryContext context)
{
	memset(table, 0, sizeof(*table));
	table->type = type;
	table->entry_size = entry_size;
	table->context = context;
	table->mask = FIRST_SLOTS - 1;
	table->slots = MemoryContextAllocZero(context, sizeof(KeySlot) * FIRST_SLOTS);
	table->n_allocated = FIRST_SLOTS / 2;
	table->entries = MemoryContextAlloc(context, entry_size * table->n_allocated);
}

/* The number of the entry with this key and owner, or -1. */
int64
segment_key_table_find(const KeyTable *table, Datum key, uint32 owner, uint64 hash)
{
	uint64		i = hash & table->mask;
	uint32		tag = (uint32) (hash >> 32);

	for (;;)
	{
		KeySlot		slot = table->slots[i];

		if (slot.entry == 0)
			return -1;
		if (slot.tag == tag)
		{
			const KeyEntry *entry = segment_key_table_entry(table, slot.entry - 1);

			if (entry->owner == owner && segment_keys_equal(table->type, entry->key, key))
				return (int64) slot.entry - 1;
		}
		i = (i + 1) & table->mask;
	}
}

static void
grow_slots(KeyTable *table, uint64 n_slots)
{
	KeySlot    *old = table->slots;
	uint64		old_slots = table->mask + 1;
	uint64		i;

	table->slots = MemoryContextAllocExtended(table->context, sizeof(KeySlot) * n_slots,
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	/*
	 * The low bits of the hash are not kept, so entries are put back in the
	 * order of the old slots: slot i came from position i or a little before.
	 * Rather than guess, hash the keys again.
	 */
	table->mask = n_slots - 1;
	for (i = 0; i < old_slots; i++)
	{
		const KeyEntry *entry;
		uint64		hash;
		uint64		place;

		if (old[i].entry == 0)
			continue;
		entry = segment_key_table_entry(table, old[i].entry - 1);
		hash = segment_key_hash(table->type, entry->key);
		if (entry->owner != 0)
			hash = segment_hash_step(hash, entry->owner);
		place = hash & table->mask;
		while (table->slots[place].entry != 0)
			place = (place + 1) & table->mask;
		table->slots[place] = old[i];
	}
	pfree(old);
}

/* Bytes that the table has. */
Size
segment_key_table_memory(const KeyTable *table)
{
	return table->entry_size * table->n_allocated + sizeof(KeySlot) * (table->mask + 1) +
		table->copied;
}

/* Bytes that adding this key would take; 0 while there is room. */
Size
segment_key_table_memory_to_add(const KeyTable *table, Datum key)
{
	Size		size = 0;
	Size		copy = segment_key_size(table->type, key);

	if (table->n == table->n_allocated)
		size += table->entry_size * table->n_allocated +
			sizeof(KeySlot) * (table->mask + 1);
	if (copy > table->block_left)
		size += Max(KEY_BLOCK_SIZE, copy);
	return size;
}

static Datum
copy_key(KeyTable *table, Datum key)
{
	Size		size;
	char	   *copy;

	if (table->type->by_value)
		return key;
	size = segment_key_size(table->type, key);
	if (MAXALIGN(size) > table->block_left)
	{
		table->block_left = Max(KEY_BLOCK_SIZE, MAXALIGN(size));
		table->block = MemoryContextAllocHuge(table->context, table->block_left);
		table->copied += table->block_left;
	}
	copy = table->block;
	memcpy(copy, DatumGetPointer(key), size);
	table->block += MAXALIGN(size);
	table->block_left -= MAXALIGN(size);
	return PointerGetDatum(copy);
}

/* Compares the stored form of two keys: negative when a comes first. */
static int
compare_spelling(const KeyType *type, Datum a, Datum b)
{
	Size		size_a;
	Size		size_b;
	const char *bytes_a;
	const char *bytes_b;
	int			result;

	if (type->by_value)
		return a < b ? -1 : a > b;
	if (type->length == -2)
		return strcmp(DatumGetCString(a), DatumGetCString(b));
	bytes_a = key_bytes(type, a, &size_a);
	bytes_b = key_bytes(type, b, &size_b);
	result = memcmp(bytes_a, bytes_b, Min(size_a, size_b));
	if (result == 0)
		result = size_a < size_b ? -1 : size_a > size_b;
	return result;
}

/*
 * Keys that are equal may be spelled differently: 'Ann' and 'ann' by a
 * nondeterministic collation, 1.0 and 1.00.  The entry keeps the spelling that
 * comes first by its bytes, so that it does not depend on the order of rows.
 */
void
segment_key_table_keep_least(KeyTable *table, KeyEntry *entry, Datum key)
{
	if (compare_spelling(table->type, key, entry->key) < 0)
		entry->key = copy_key(table, key);
}

/*
 * Adds an entry for a key that is not there yet; what follows the KeyEntry is
 * left to the caller.  The hash is that of the key, stepped by the owner if any.
 */
uint32
segment_key_table_add(KeyTable *table, Datum key, uint32 owner, uint64 hash)
{
	KeyEntry   *entry;
	uint64		i;

	if (table->n == table->n_allocated)
	{
		if (table->n_allocated > PG_UINT32_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many keys"),
					 errhint("A lower work_mem divides them among temporary files.")));
		table->n_allocated *= 2;
		table->entries = repalloc_huge(table->entries, table->entry_size * table->n_allocated);
		grow_slots(table, (table->mask + 1) * 2);
	}
	entry = segment_key_table_entry(table, table->n);
	entry->owner = owner;
	entry->key = copy_key(table, key);
	i = hash & table->mask;
	while (table->slots[i].entry != 0)
		i = (i + 1) & table->mask;
	table->slots[i].entry = table->n + 1;
	table->slots[i].tag = (uint32) (hash >> 32);
	return table->n++;
}
