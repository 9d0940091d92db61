/*
 * hash_fraction.c: a share of customers that stays the same, and can be worked out anywhere.
 *
 * The first 52 bits of sha256(salt, a zero byte, key), over 2^52.  Salt and key are
 * taken in UTF-8 whatever the encoding of the database, and neither can hold a zero
 * byte, so different pairs are different texts.  52 bits are exact in a double.
 */
#include "compat.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(segment_hash_fraction);

/* hash_fraction(salt, key) */
Datum
segment_hash_fraction(PG_FUNCTION_ARGS)
{
	char	   *salt = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *salt_utf8 = pg_server_to_any(salt, strlen(salt), PG_UTF8);
	char	   *key_utf8 = pg_server_to_any(key, strlen(key), PG_UTF8);
	Size		salt_size = strlen(salt_utf8) + 1;
	Size		key_size = strlen(key_utf8);
	bytea	   *both = palloc(VARHDRSZ + salt_size + key_size);
	const uint8 *digest;
	uint64		bits = 0;
	int			i;

	SET_VARSIZE(both, VARHDRSZ + salt_size + key_size);
	memcpy(VARDATA(both), salt_utf8, salt_size);
	memcpy(VARDATA(both) + salt_size, key_utf8, key_size);
	digest = (const uint8 *) VARDATA_ANY(DatumGetByteaPP(DirectFunctionCall1(sha256_bytea,
																			 PointerGetDatum(both))));
	for (i = 0; i < 8; i++)
		bits = bits << 8 | digest[i];
	PG_RETURN_FLOAT8((double) (bits >> 12) / (double) (UINT64CONST(1) << 52));
}
