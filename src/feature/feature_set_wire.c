/*
 * feature_set_wire.c: feature sets as bytes: text and binary input and output.
 *
 * Binary form, all numbers big-endian as elsewhere in the protocol:
 *
 *	 int16 format (1) | int8 flags | int8 level | int32 features | int64 seed
 *	 int64 rows seen | int64 rows held
 *	 a feature: string name ("" if none) | int8 kind ('n' or 'c')
 *				| int32 categories, then each as a string (kind 'c')
 *	 a row:		float8 each, a category as its number, then int64 copies
 *	 left out:	a feature: int64 values, missing, infinite; float8 min, max;
 *				three exact sums
 *
 * Strings and exact sums are as wire.c writes them.
 * Rows are folded, sorted, and categories numbered in the byte order of their
 * names, so that equal sets are equal bytes whatever the order of their rows.
 *
 * The text form is the binary form in hexadecimal: exact, compact and read by
 * the same code, which trusts nothing.  feature_rows() shows the content.
 */
#include "feature/feature_set_wire.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "base/wire.h"

#define WIRE_FORMAT 1

#define WIRE_WEIGHTED	0x01
#define WIRE_LEFT_OUT	0x02

/* in messages */
#define TYPE_NAME "feature set"

static void
bad_value(const char *what)
{
	segment_wire_error(TYPE_NAME, what);
}

/* ---- column descriptions ---- */

void
segment_feature_set_write_columns(const FeatureSet *set, StringInfo out)
{
	int			i;
	int			j;

	for (i = 0; i < set->store.n_columns; i++)
	{
		const FeatureColumn *column = &set->columns[i];

		segment_wire_send_string(out, column->name == NULL ? "" : column->name);
		pq_sendbyte(out, column->categories == NULL ? 'n' : 'c');
		if (column->categories == NULL)
			continue;
		pq_sendint32(out, column->categories->n);
		for (j = 0; j < column->categories->n; j++)
			segment_wire_send_string(out, column->categories->name[j]);
	}
}

/* Fills the columns of a set that has none yet; all is checked. */
void
segment_feature_set_read_columns(FeatureSet *set, StringInfo in)
{
	MemoryContext context = set->hdr.eoh_context;
	int			i;
	int			j;

	for (i = 0; i < set->store.n_columns; i++)
	{
		FeatureColumn *column = &set->columns[i];
		char	   *name = segment_wire_receive_string(in, TYPE_NAME);
		int			kind = pq_getmsgbyte(in);
		int			n;

		if (name[0] != '\0')
			column->name = MemoryContextStrdup(context, name);
		if (kind == 'n')
			continue;
		if (kind != 'c')
			bad_value("a feature is neither numeric nor categorical");
		column->categories = MemoryContextAllocZero(context, sizeof(FeatureCategories));
		n = pq_getmsgint(in, 4);
		/* each category takes at least its length */
		if (n < 0 || n > (in->len - in->cursor) / 4)
			bad_value("it has more categories than bytes");
		for (j = 0; j < n; j++)
			if (segment_feature_set_category(set, i, segment_wire_receive_string(in, TYPE_NAME)) != j)
				bad_value("a category occurs twice");
	}
}

/* ---- whole sets ---- */

static const FeatureColumn *sorting_column;

static int
compare_codes(const void *a, const void *b)
{
	return strcmp(sorting_column->categories->name[*(const int *) a],
				  sorting_column->categories->name[*(const int *) b]);
}

/*
 * A copy in canonical form: categories renumbered by name, rows folded and
 * sorted.
 */
static FeatureSet *
canonical_copy(const FeatureSet *set)
{
	FeatureSet *copy = segment_feature_set_new(set->store.n_columns, set->store.weighted,
									   CurrentMemoryContext);
	int			i;

	/* the copy may hold what the original holds, whatever the settings are now */
	copy->store.limit = Max(copy->store.limit, set->store.n_rows);
	for (i = 0; i < set->store.n_columns; i++)
	{
		const FeatureColumn *column = &set->columns[i];
		int		   *order;
		int			j;

		if (column->name != NULL)
			copy->columns[i].name = MemoryContextStrdup(copy->hdr.eoh_context, column->name);
		if (column->categories == NULL)
			continue;
		copy->columns[i].categories = MemoryContextAllocZero(copy->hdr.eoh_context,
															 sizeof(FeatureCategories));
		order = palloc(sizeof(int) * Max(column->categories->n, 1));
		for (j = 0; j < column->categories->n; j++)
			order[j] = j;
		sorting_column = column;
		qsort(order, column->categories->n, sizeof(int), compare_codes);
		for (j = 0; j < column->categories->n; j++)
			(void) segment_feature_set_category(copy, i, column->categories->name[order[j]]);
		pfree(order);
	}
	segment_feature_set_merge(copy, set);
	segment_row_store_sort(&copy->store);
	return copy;
}

static bytea *
feature_set_to_bytes(const FeatureSet *set)
{
	FeatureSet *copy = canonical_copy(set);
	SegmentRowStore *store = &copy->store;
	StringInfoData out;
	int64		r;
	int			i;

	pq_begintypsend(&out);
	pq_sendint16(&out, WIRE_FORMAT);
	pq_sendbyte(&out, (store->weighted ? WIRE_WEIGHTED : 0) |
				(store->left_out != NULL ? WIRE_LEFT_OUT : 0));
	pq_sendbyte(&out, store->level);
	pq_sendint32(&out, store->n_columns);
	pq_sendint64(&out, store->seed);
	pq_sendint64(&out, store->n_seen);
	pq_sendint64(&out, store->n_rows);
	segment_feature_set_write_columns(copy, &out);
	for (r = 0; r < store->n_rows; r++)
	{
		for (i = 0; i < store->width; i++)
			pq_sendfloat8(&out, store->rows[r * store->width + i]);
		pq_sendint64(&out, segment_row_copies(store, r));
	}
	for (i = 0; store->left_out != NULL && i < store->n_columns; i++)
	{
		SegmentColumnStats *stats = &store->left_out[i];

		pq_sendint64(&out, stats->n_values);
		pq_sendint64(&out, stats->n_missing);
		pq_sendint64(&out, stats->n_infinite);
		pq_sendfloat8(&out, stats->min);
		pq_sendfloat8(&out, stats->max);
		segment_wire_send_sum(&out, &stats->weight);
		segment_wire_send_sum(&out, &stats->sum);
		segment_wire_send_sum(&out, &stats->sum_squares);
	}
	MemoryContextDelete(copy->hdr.eoh_context);
	return pq_endtypsend(&out);
}

static void
check_row(const FeatureSet *set, const double *row)
{
	int			i;

	for (i = 0; i < set->store.n_columns; i++)
	{
		FeatureCategories *categories = set->columns[i].categories;

		if (categories != NULL && !segment_is_missing(row[i]) &&
			!(row[i] >= 0 && row[i] < categories->n && row[i] == floor(row[i])))
			bad_value("a row refers to a category that is not there");
	}
	if (set->store.weighted && !segment_is_missing(row[i]) && !(row[i] >= 0 && !isinf(row[i])))
		bad_value("a weight is negative or infinite");
}

static bool
is_zero(const SegmentExactSum *sum)
{
	int			i;

	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
		if (sum->limb[i] != 0)
			return false;
	return true;
}

/* What is known of one feature over the given number of rows left out. */
static void
check_left_out(const SegmentColumnStats *stats, bool categorical, int64 rows)
{
	bool		numbers = stats->n_values > 0 && !categorical;

	if (stats->n_values < 0 || stats->n_missing < 0 || stats->n_infinite < 0 ||
		stats->n_values > rows || stats->n_missing > rows || stats->n_infinite > rows ||
		stats->n_values + stats->n_missing + stats->n_infinite != rows ||
		(categorical && stats->n_infinite > 0))
		bad_value("rows left out of the sample do not add up");
	if (numbers ? !(isfinite(stats->min) && isfinite(stats->max) && stats->min <= stats->max)
		: !(stats->min == HUGE_VAL && stats->max == -HUGE_VAL))
		bad_value("extremes of rows left out of the sample are out of order");
	/* weights and squares are never negative; of no numbers there is no sum */
	if (stats->weight.limb[SEGMENT_EXACT_LIMBS - 1] < 0 ||
		stats->sum_squares.limb[SEGMENT_EXACT_LIMBS - 1] < 0 ||
		(stats->n_values == 0 && !is_zero(&stats->weight)) ||
		(!numbers && !(is_zero(&stats->sum) && is_zero(&stats->sum_squares))))
		bad_value("sums of rows left out of the sample are impossible");
}

static Datum
feature_set_from_bytes(StringInfo in)
{
	FeatureSet *set;
	SegmentRowStore *store;
	int			format = pq_getmsgint(in, 2);
	int			flags;
	int			level;
	int			n_columns;
	uint64		seed;
	int64		n_seen;
	int64		n_rows;
	int64		held = 0;
	double	   *row;
	int64		r;
	int			i;

	if (format < 1)
		bad_value("its format is not a positive number");
	if (format > WIRE_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("feature set has format %d, this version reads up to %d", format, WIRE_FORMAT),
				 errhint("It was written by a newer version of the extension; update this one.")));
	flags = pq_getmsgbyte(in);
	level = pq_getmsgbyte(in);
	n_columns = pq_getmsgint(in, 4);
	seed = (uint64) pq_getmsgint64(in);
	n_seen = pq_getmsgint64(in);
	n_rows = pq_getmsgint64(in);
	if ((flags & ~(WIRE_WEIGHTED | WIRE_LEFT_OUT)) != 0)
		bad_value("it has unknown flags");
	if (level > 63)
		bad_value("the level of its sample is out of range");
	if (n_columns < 1 || n_columns > SEGMENT_MAX_FEATURES)
		bad_value("the number of features is out of range");
	if (seed != FEATURE_SET_SEED)
		bad_value("it was sampled with another seed");
	if (n_seen < 0 || n_seen > FEATURE_SET_MAX_SEEN)
		bad_value("the number of rows is out of range");

	set = segment_feature_set_new(n_columns, (flags & WIRE_WEIGHTED) != 0, CurrentMemoryContext);
	store = &set->store;
	segment_feature_set_read_columns(set, in);
	if (n_rows < 0 || n_rows > (in->len - in->cursor) / (8 * (store->width + 1)))
		bad_value("it has fewer bytes than rows");

	/* rows that fitted into the sender's memory are kept, if they fit into a value */
	store->limit = Max(store->limit, n_rows);
	store->level = level;
	row = palloc(sizeof(double) * store->width);
	for (r = 0; r < n_rows; r++)
	{
		int64		copies;

		for (i = 0; i < store->width; i++)
			row[i] = pq_getmsgfloat8(in);
		check_row(set, row);
		copies = pq_getmsgint64(in);
		if (copies < 1 || copies > n_seen - held)
			bad_value("a row has an impossible number of copies");
		held += copies;
		segment_row_store_add(store, row, copies);
		if ((r & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if ((flags & WIRE_LEFT_OUT) == 0 && held != n_seen)
		bad_value("the rows do not add up to the number seen");
	if (flags & WIRE_LEFT_OUT)
	{
		SegmentColumnStats *left_out = palloc0(sizeof(SegmentColumnStats) * n_columns);

		for (i = 0; i < n_columns; i++)
		{
			SegmentColumnStats *stats = &left_out[i];

			stats->n_values = pq_getmsgint64(in);
			stats->n_missing = pq_getmsgint64(in);
			stats->n_infinite = pq_getmsgint64(in);
			/* -0 is taken as 0, as in rows */
			stats->min = pq_getmsgfloat8(in) + 0.0;
			stats->max = pq_getmsgfloat8(in) + 0.0;
			segment_wire_receive_sum(in, TYPE_NAME, &stats->weight);
			segment_wire_receive_sum(in, TYPE_NAME, &stats->sum);
			segment_wire_receive_sum(in, TYPE_NAME, &stats->sum_squares);
			check_left_out(stats, set->columns[i].categories != NULL, n_seen - held);
		}
		/* rows that the level excludes may have come in a forged value */
		if (store->left_out != NULL)
			bad_value("a row is not part of the sample");
		store->left_out = MemoryContextAlloc(set->hdr.eoh_context,
											 sizeof(SegmentColumnStats) * n_columns);
		memcpy(store->left_out, left_out, sizeof(SegmentColumnStats) * n_columns);
	}
	else if (store->left_out != NULL)
		bad_value("a row is not part of the sample");
	store->n_seen = n_seen;
	pq_getmsgend(in);
	return segment_feature_set_datum(set);
}

/* ---- SQL ---- */

PG_FUNCTION_INFO_V1(segment_feature_set_send);
PG_FUNCTION_INFO_V1(segment_feature_set_recv);
PG_FUNCTION_INFO_V1(segment_feature_set_out);
PG_FUNCTION_INFO_V1(segment_feature_set_in);

Datum
segment_feature_set_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(feature_set_to_bytes(PG_GETARG_FEATURE_SET(0)));
}

Datum
segment_feature_set_recv(PG_FUNCTION_ARGS)
{
	return feature_set_from_bytes((StringInfo) PG_GETARG_POINTER(0));
}

Datum
segment_feature_set_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(segment_wire_to_text(feature_set_to_bytes(PG_GETARG_FEATURE_SET(0)), TYPE_NAME));
}

Datum
segment_feature_set_in(PG_FUNCTION_ARGS)
{
	StringInfoData in;

	segment_wire_from_text(PG_GETARG_CSTRING(0), TYPE_NAME, &in);
	return feature_set_from_bytes(&in);
}
