/*
 * wire.c: what types that travel as bytes share: their text form, which is the
 * binary form in hexadecimal, strings, exact sums, and the error for what nobody wrote.
 *
 * A string is an int32 length and that many bytes in the encoding of the database.
 * An exact sum is the number of its first limb, how many there are (int16 both) and
 * the 32-bit limbs, as int64, without zeros at either end.
 */
#include "base/wire.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

void
segment_wire_error(const char *type, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid %s: %s", type, detail),
			 errhint("Only values that were written by segment can be read.")));
}

char *
segment_wire_to_text(bytea *bytes, const char *type)
{
	Size		len = VARSIZE_ANY_EXHDR(bytes);
	char	   *text;

	if (len > (MaxAllocSize - 1) / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is too large for its text form", type),
				 errdetail("It takes %zu bytes, at most %zu can be written as text.",
						   len, (size_t) (MaxAllocSize - 1) / 2),
				 errhint("Use the binary form (COPY ... WITH (FORMAT binary)).")));
	text = palloc(2 * len + 1);
	text[hex_encode(VARDATA_ANY(bytes), len, text)] = '\0';
	return text;
}

void
segment_wire_from_text(const char *text, const char *type, StringInfo in)
{
	Size		len = strlen(text);

	if (len % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != len)
		segment_wire_error(type, "its text form is not hexadecimal");
	in->data = palloc(len / 2 + 1);
	in->len = in->maxlen = (int) hex_decode(text, len, in->data);
	in->cursor = 0;
}

void
segment_wire_send_string(StringInfo out, const char *s)
{
	int			len = (int) strlen(s);

	pq_sendint32(out, len);
	pq_sendbytes(out, s, len);
}

char *
segment_wire_receive_string(StringInfo in, const char *type)
{
	int			len = pq_getmsgint(in, 4);
	char	   *s;

	if (len < 0 || len > in->len - in->cursor)
		segment_wire_error(type, "a string is longer than the value");
	s = palloc(len + 1);
	pq_copymsgbytes(in, s, len);
	s[len] = '\0';
	if ((int) strlen(s) != len)
		segment_wire_error(type, "a string has a zero byte");
	pg_verify_mbstr(GetDatabaseEncoding(), s, len, false);
	return s;
}

void
segment_wire_send_sum(StringInfo out, SegmentExactSum *sum)
{
	int			from = 0;
	int			to = SEGMENT_EXACT_LIMBS;
	int			i;

	segment_exact_normalise(sum);
	while (to > 0 && sum->limb[to - 1] == 0)
		to--;
	while (from < to && sum->limb[from] == 0)
		from++;
	pq_sendint16(out, from);
	pq_sendint16(out, to - from);
	for (i = from; i < to; i++)
		pq_sendint64(out, sum->limb[i]);
}

/* In the form that segment_exact_normalise gives; else an error. */
void
segment_wire_receive_sum(StringInfo in, const char *type, SegmentExactSum *sum)
{
	int			from = pq_getmsgint(in, 2);
	int			n = pq_getmsgint(in, 2);
	int			i;

	if (from > SEGMENT_EXACT_LIMBS || n > SEGMENT_EXACT_LIMBS - from)
		segment_wire_error(type, "a sum is out of range");
	segment_exact_init(sum);
	for (i = from; i < from + n; i++)
	{
		sum->limb[i] = pq_getmsgint64(in);
		/* no sum of real rows reaches the highest limb: it only tells the sign */
		if (i < SEGMENT_EXACT_LIMBS - 1
			? sum->limb[i] < 0 || sum->limb[i] > INT64CONST(0xFFFFFFFF)
			: sum->limb[i] < -1 || sum->limb[i] > 0)
			segment_wire_error(type, "a sum is not in its normal form");
	}
}
