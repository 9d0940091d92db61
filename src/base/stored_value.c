/*
 * stored_value.c: large values of tables, read fast.
 *
 * The server puts a value that is stored out of line into memory it has fresh from the system, where
 * the first write to every 4 kB is a fault, which takes longer than reading what is written.
 * Here the memory has huge pages; all else is the server's own reading (detoast_attr), in pieces,
 * between which it can be cancelled.
 *
 * Types that are read so are stored uncompressed (STORAGE external).  What is compressed all the same, as
 * ALTER TABLE ... SET STORAGE may have it, or lies elsewhere, is left to the server.
 */
#include "base/stored_value.h"

#include "access/detoast.h"
#include "access/table.h"
#include "access/tableam.h"
#include "base/memory.h"
#include "miscadmin.h"

/* bytes between two questions whether to go on, a multiple of any alignment */
#define PIECE (8 * 1024 * 1024)

/* smaller ones are soon read */
#define SMALLEST (1024 * 1024)

/* The value in memory of the current context, or where it lies there already. */
struct varlena *
segment_stored_value(Datum value)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);
	struct varlena *result;
	struct varatt_external pointer;
	Relation	toast;
	int32		size;
	int32		from;

	if (!VARATT_IS_EXTERNAL_ONDISK(stored))
		return PG_DETOAST_DATUM(value);
	VARATT_EXTERNAL_GET_POINTER(pointer, stored);
	size = (int32) VARATT_EXTERNAL_GET_EXTSIZE(pointer);
	if (VARATT_EXTERNAL_IS_COMPRESSED(pointer) || size < SMALLEST)
		return PG_DETOAST_DATUM(value);
	result = palloc(size + VARHDRSZ);
	segment_use_huge_pages(result, size + VARHDRSZ);
	SET_VARSIZE(result, size + VARHDRSZ);
	toast = table_open(pointer.va_toastrelid, AccessShareLock);
	for (from = 0; from < size; from += PIECE)
	{
		CHECK_FOR_INTERRUPTS();
		/* a piece is written behind where its header would be, which is not touched */
		table_relation_fetch_toast_slice(toast, pointer.va_valueid, size, from, Min(PIECE, size - from),
										 (struct varlena *) ((char *) result + from));
	}
	table_close(toast, AccessShareLock);
	return result;
}
