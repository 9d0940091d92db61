/*
 * labelled_points.c: labels in a feature set, and points with labels.
 *
 * A labelled feature set has the label of each row as its first feature and
 * coordinates behind it: feature_set(label, a, b).  A label is a whole number, or a
 * category where the set was collected from rows with names.  Labels are numbered
 * in ascending order, categories in the byte order of their names, so that
 * nothing depends on which was met first.
 *
 * Rows with a missing or infinite value, or without weight, are skipped and told in
 * a NOTICE (law 5).  The others are brought into the order of their hash and
 * equal ones made one (kernel/points.c), so that sums depend on the rows alone
 * (law 3) and the first of them are a uniform sample.  The hash is of the coordinates as
 * they came, to the last bit: unlike in clustering, they are not scaled by
 * feature, and one far row must not make all others share a hash.  Labels are not in
 * it, so that it does not matter how they are numbered.
 */
#include "feature/labelled_points.h"

#include <math.h>

#include "base/json_write.h"
#include "kernel/base/cut_points.h"
#include "kernel/base/hash.h"
#include "kernel/quality/quality.h"
#include "base/memory.h"
#include "miscadmin.h"

/* rows between two checks for a cancel */
#define CHECK_EVERY 0xFFFF

void
segment_tell_skipped(int64 n_skipped, int64 n_used)
{
	segment_tell_skipped_as(n_skipped, n_used,
							"A label, a coordinate or the weight is missing or not finite, or the weight is 0.");
}

void
segment_tell_skipped_as(int64 n_skipped, int64 n_used, const char *why)
{
	if (n_skipped > 0)
		ereport(NOTICE,
				(errmsg_plural(INT64_FORMAT " of " INT64_FORMAT " rows was skipped",
							   INT64_FORMAT " of " INT64_FORMAT " rows were skipped",
							   (unsigned long) n_skipped, n_skipped, n_skipped + n_used),
				 errdetail("%s", why)));
}

void
segment_tell_sampled(const FeatureSet *set)
{
	int64		kept = 0;
	int64		r;

	if (set->store.level == 0)
		return;
	for (r = 0; r < set->store.n_rows; r++)
		kept += segment_row_copies(&set->store, r);
	ereport(NOTICE,
			(errmsg("the feature set is a sample of " INT64_FORMAT " of " INT64_FORMAT " rows",
					kept, set->store.n_seen),
			 errhint("A higher maintenance_work_mem keeps more rows.")));
}

/* ---- labels ---- */

/* Ids print as integers do, so that they can be cast back. */
static char *
label_text(double x)
{
	return fabs(x) < 1e18 ? psprintf(INT64_FORMAT, (int64) x) : segment_number_text(x);
}

static void
list_numbers(LabelList *labels, const SegmentRowStore *store, int column)
{
	uint64	   *keys = segment_new_array(store->n_rows, 1, sizeof(uint64));
	uint64	   *room = segment_new_array(store->n_rows, 1, sizeof(uint64));
	int64		n = 0;
	int64		distinct = 0;
	int64		r;

	for (r = 0; r < store->n_rows; r++)
	{
		double		x = store->rows[r * store->width + column];

		if (!isfinite(x))
			continue;
		if (x != floor(x))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a label must be a whole number, not %s", segment_number_text(x)),
					 errhint("The label is the first feature: feature_set(label, a, b).")));
		keys[n++] = segment_sort_key(x);
	}
	CHECK_FOR_INTERRUPTS();
	segment_sort_numbers(keys, NULL, room, NULL, n);
	for (r = 0; r < n; r++)
		if (r == 0 || keys[r] != keys[r - 1])
			keys[distinct++] = keys[r];
	if (distinct > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are too many labels: " INT64_FORMAT, distinct)));
	labels->n = (int) distinct;
	labels->value = segment_new_array(distinct, 1, sizeof(double));
	labels->text = segment_new_array(distinct, 1, sizeof(char *));
	for (r = 0; r < distinct; r++)
	{
		labels->value[r] = segment_sort_key_value(keys[r]);
		labels->text[r] = label_text(labels->value[r]);
	}
	pfree(keys);
	pfree(room);
}

static int
compare_names(const void *a, const void *b, void *categories)
{
	char	  **name = ((const FeatureCategories *) categories)->name;

	return strcmp(name[*(const int32 *) a], name[*(const int32 *) b]);
}

static void
list_categories(LabelList *labels, const FeatureCategories *categories)
{
	int32	   *order = segment_new_array(categories->n, 1, sizeof(int32));
	int			i;

	for (i = 0; i < categories->n; i++)
		order[i] = i;
	qsort_arg(order, categories->n, sizeof(int32), compare_names, (void *) categories);
	labels->n = categories->n;
	labels->text = segment_new_array(categories->n, 1, sizeof(char *));
	labels->number = segment_new_array(categories->n, 1, sizeof(int32));
	for (i = 0; i < categories->n; i++)
	{
		labels->text[i] = categories->name[order[i]];
		labels->number[order[i]] = i;
	}
	pfree(order);
}

/* Labels of a column; one of them may have no row that can be used. */
LabelList *
segment_label_list(const FeatureSet *set, int column)
{
	LabelList  *labels = palloc0(sizeof(LabelList));

	if (set->columns[column].categories != NULL)
		list_categories(labels, set->columns[column].categories);
	else
		list_numbers(labels, &set->store, column);
	return labels;
}

/* The number of a label as it stands in a row; -1 when it is missing or infinite. */
int32
segment_label_number(const LabelList *labels, double value)
{
	int			low = 0;
	int			high = labels->n - 1;

	if (!isfinite(value))
		return -1;
	if (labels->value == NULL)
		return labels->number[(int) value];
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (labels->value[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- points ---- */

static void
check_columns(const FeatureSet *set)
{
	int			i;

	if (set->store.n_columns < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a labelled feature set has a label and at least one coordinate, but this one has a single feature"),
				 errhint("The label is the first feature: feature_set(label, a, b).")));
	for (i = 1; i < set->store.n_columns; i++)
		if (set->columns[i].categories != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is categorical, expected a number",
							segment_feature_set_column_name(set, i)),
					 errhint("Only the label, the first feature, may be a category.")));
}

static bool
usable(const SegmentRowStore *store, const double *row)
{
	int			i;

	for (i = 0; i < store->n_columns; i++)
		if (!isfinite(row[i]))
			return false;
	return segment_row_weight(store, row) > 0;
}

/* Of the coordinates' bits. */
static uint64
content_hash(const FeatureSet *set, const double *row)
{
	uint64		h = FEATURE_SET_SEED;
	int			i;

	for (i = 1; i < set->store.n_columns; i++)
		h = segment_hash_step(h, segment_double_bits(row[i]));
	return h;
}

/* The rows that can be used, by hash; *n_skipped is for the others. */
static SegmentRowKey *
sorted_keys(const FeatureSet *set, int64 *n, int64 *n_skipped)
{
	const SegmentRowStore *store = &set->store;
	SegmentRowKey *keys = segment_new_array(store->n_rows, 1, sizeof(SegmentRowKey));
	SegmentRowKey *room = segment_new_array(store->n_rows, 1, sizeof(SegmentRowKey));
	int64		r;

	*n = *n_skipped = 0;
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;

		if ((r & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!usable(store, row))
		{
			*n_skipped += segment_row_copies(store, r);
			continue;
		}
		keys[*n].hash = content_hash(set, row);
		keys[*n].row = (uint32) r;
		(*n)++;
	}
	segment_row_keys_sort(keys, room, *n);
	pfree(room);
	return keys;
}

static void
place_rows(LabelledPoints *labelled, const FeatureSet *set, const LabelList *labels,
		   const SegmentRowKey *keys)
{
	const SegmentRowStore *store = &set->store;
	SegmentPoints *points = &labelled->points;
	int64		i;

	for (i = 0; i < points->n; i++)
	{
		const double *row = store->rows + (int64) keys[i].row * store->width;
		int64		copies = segment_row_copies(store, keys[i].row);
		int32		label = segment_label_number(labels, row[0]);

		if ((i & CHECK_EVERY) == 0)
			CHECK_FOR_INTERRUPTS();
		points->hash[i] = keys[i].hash;
		points->code[i] = label;
		memcpy(points->x + i * points->d, row + 1, sizeof(double) * points->d);
		if (points->weight != NULL)
			points->weight[i] = (double) copies * segment_row_weight(store, row);
		labelled->rows[label] += copies;
		labelled->n_used += copies;
	}
}

/* The points of a labelled feature set; none when no row can be used. */
LabelledPoints *
segment_labelled_points(const FeatureSet *set)
{
	LabelledPoints *labelled = palloc0(sizeof(LabelledPoints));
	SegmentPoints *points = &labelled->points;
	LabelList  *labels;
	SegmentRowKey *keys;
	int64		n_skipped;

	check_columns(set);
	labels = segment_label_list(set, 0);
	keys = sorted_keys(set, &points->n, &n_skipped);
	points->d = set->store.n_columns - 1;
	points->n_codes = 1;
	points->hash = segment_new_array(points->n, 1, sizeof(uint64));
	points->code = segment_new_array(points->n, 1, sizeof(int32));
	points->x = segment_new_array(points->n, points->d, sizeof(double));
	if (set->store.weighted || set->store.copies != NULL)
		points->weight = segment_new_array(points->n, 1, sizeof(double));
	labelled->k = labels->n;
	labelled->text = labels->text;
	labelled->rows = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(int64) * (labels->n + 1),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	place_rows(labelled, set, labels, keys);
	pfree(keys);

	(void) segment_points_settle(points, segment_memory(CurrentMemoryContext),
								 segment_memory(CurrentMemoryContext), segment_check_interrupts);
	labelled->label = points->code;
	labelled->exponent = segment_centre_and_scale(points->x, points->n, points->d);
	segment_tell_sampled(set);
	segment_tell_skipped(n_skipped, labelled->n_used);
	return labelled;
}
