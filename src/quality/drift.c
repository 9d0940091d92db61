/*
 * drift.c: how far the features of one feature set have moved to those of another, and what
 * of a feature set is kept to compare with later.
 *
 * feature_drift(before, after, bins): a row a feature, by kernel/quality/drift.c.
 *	1. Both sets have the same features: number, names and kinds, in one order; else an error.
 *	2. A missing value, or one that is not finite, is a cell of psi and chi2; the other measures
 *	   leave it out.  Categories have no ks and no wasserstein.
 *	3. A row of weight 0 or NULL is none.  One set may have weights and the other none.
 *	4. Of sampled sets the measures are those of the samples, with a NOTICE; where one is
 *	   sampled more than the other, both are brought to the smaller share, so that the same
 *	   rows are in both or in none.
 * Memory: one feature at a time, of both sets, six doubles a row at most.
 *
 * training_marginals(set, points): of rows of a segment id and features, first the means of
 * each segment, in one set: its id, its rows, the means of their finite values (missing for
 * categories); then each feature as a set of its own, without what the others were in the same row:
 * numbers of at most about twice as many values as given (exactly those that there were
 * where there are no more), categories at most as many as given, of more of them a sample
 * by their names.  feature_marginals(set, points): the same of rows without a segment.
 */
#include "compat.h"

#include <math.h>

#include "base/arguments.h"
#include "base/memory.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "feature/feature_set.h"
#include "feature/labelled_points.h"
#include "funcapi.h"
#include "kernel/base/allocate.h"
#include "kernel/base/order.h"
#include "kernel/quality/drift.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(segment_feature_drift);
PG_FUNCTION_INFO_V1(segment_feature_marginals);
PG_FUNCTION_INFO_V1(segment_training_marginals);
PG_FUNCTION_INFO_V1(segment_cell_drift);

/* ---- the rows of a set ---- */

/* What is the same for all features; missing is left to them. */
static SegmentDriftSide
side_of_set(const FeatureSet *set)
{
	const SegmentRowStore *store = &set->store;
	SegmentDriftSide side = {0};
	SegmentExactSum weight;
	SegmentExactSum squares;
	double		w;
	int64		r;

	segment_exact_init(&weight);
	segment_exact_init(&squares);
	for (r = 0; r < store->n_rows; r++)
	{
		double		copies = (double) segment_row_copies(store, r);

		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!store->weighted)
		{
			side.rows += copies;
			continue;
		}
		w = segment_row_weight(store, store->rows + r * store->width);
		if (!(w > 0))
			continue;
		side.rows += copies;
		segment_exact_add_moment(&weight, copies, w, 1, 1);
		segment_exact_add_moment(&squares, copies, w, w, 1);
	}
	side.weight = side.effective = side.rows;
	if (store->weighted && side.rows > 0)
	{
		side.weight = segment_exact_value(&weight);
		/* weights whose squares are no doubles are as good as equal */
		w = segment_exact_value(&squares);
		side.effective = w > 0 && isfinite(w) && isfinite(side.weight * side.weight)
			? side.weight * side.weight / w : side.rows;
	}
	return side;
}

/* The finite values of a feature in ascending order, and the weight of the other rows. */
static SegmentColumn
column_of_set(const FeatureSet *set, int feature, double *missing)
{
	const SegmentRowStore *store = &set->store;
	double	   *values = segment_new_array(store->n_rows, 1, sizeof(double));
	double	   *weights = NULL;
	double	   *copies = NULL;
	SegmentExactSum left;
	SegmentColumn column;
	int64		n_left = 0;
	int64		n = 0;
	int64		r;

	if (store->weighted)
		weights = segment_new_array(store->n_rows, 1, sizeof(double));
	if (store->copies != NULL)
		copies = segment_new_array(store->n_rows, 1, sizeof(double));
	segment_exact_init(&left);
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;
		double		weight = segment_row_weight(store, row);

		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!(weight > 0))
			continue;
		if (!isfinite(row[feature]))
		{
			n_left += segment_row_copies(store, r);
			if (store->weighted)
				segment_exact_add_moment(&left, (double) segment_row_copies(store, r), weight, 1,
										 1);
			continue;
		}
		values[n] = row[feature];
		if (weights != NULL)
			weights[n] = weight;
		if (copies != NULL)
			copies[n] = (double) segment_row_copies(store, r);
		n++;
	}
	*missing = store->weighted && n_left > 0 ? segment_exact_value(&left) : (double) n_left;
	segment_column_build(&column, values, weights, copies, n, segment_memory(CurrentMemoryContext));
	pfree(values);
	if (weights != NULL)
		pfree(weights);
	if (copies != NULL)
		pfree(copies);
	CHECK_FOR_INTERRUPTS();
	return column;
}

/* The weight of each category by its number, and of rows without one. */
static double *
cells_of_set(const FeatureSet *set, int feature, const int *number, int64 n, double *missing)
{
	const SegmentRowStore *store = &set->store;
	double	   *cells = segment_new_array(n, 1, sizeof(double));
	double	   *of_rows = segment_new_array(store->n_rows, 1, sizeof(double));
	double	   *values = segment_new_array(store->n_rows, 1, sizeof(double));
	double	   *copies = segment_new_array(store->n_rows, 1, sizeof(double));
	SegmentColumn column;
	int64		n_values = 0;
	int64		r;

	/* as of numbers, so that weights are added up in an order of their own */
	for (r = 0; r < store->n_rows; r++)
	{
		const double *row = store->rows + r * store->width;

		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		of_rows[n_values] = segment_row_weight(store, row);
		if (!(of_rows[n_values] > 0))
			continue;
		values[n_values] = segment_is_missing(row[feature]) ? (double) n
			: number[(int) row[feature]];
		copies[n_values] = (double) segment_row_copies(store, r);
		n_values++;
	}
	segment_column_build(&column, values, store->weighted ? of_rows : NULL, copies, n_values,
						 segment_memory(CurrentMemoryContext));
	memset(cells, 0, segment_array_size(n, sizeof(double)));
	*missing = 0;
	for (r = 0; r < column.n; r++)
	{
		if (column.value[r] < n)
			cells[(int64) column.value[r]] = column.weight[r];
		else
			*missing = column.weight[r];
	}
	segment_column_free(&column, segment_memory(CurrentMemoryContext));
	pfree(of_rows);
	pfree(values);
	pfree(copies);
	return cells;
}

/* ---- categories of two sets ---- */

/* The number of each category of a set among all names, which are sorted. */
static int *
numbers_of(const FeatureCategories *categories, char **names, int64 n)
{
	int		   *number = segment_new_array(categories->n, 1, sizeof(int));
	int			i;

	for (i = 0; i < categories->n; i++)
		number[i] = (int) ((char **) bsearch(&categories->name[i], names, n, sizeof(char *),
											 segment_compare_names) - names);
	return number;
}

static void
drift_of_categories(const FeatureSet *before, const FeatureSet *after, int feature,
					SegmentDriftSide *before_side, SegmentDriftSide *after_side,
					SegmentDrift *drift)
{
	const FeatureCategories *a = before->columns[feature].categories;
	const FeatureCategories *b = after->columns[feature].categories;
	char	  **names = segment_new_array((uint64) a->n + b->n, 1, sizeof(char *));
	double	   *before_cells;
	double	   *after_cells;
	int64		n = 0;
	int64		i;

	for (i = 0; i < a->n; i++)
		names[i] = a->name[i];
	for (i = 0; i < b->n; i++)
		names[a->n + i] = b->name[i];
	qsort(names, (size_t) a->n + b->n, sizeof(char *), segment_compare_names);
	for (i = 0; i < (int64) a->n + b->n; i++)
		if (n == 0 || strcmp(names[n - 1], names[i]) != 0)
			names[n++] = names[i];
	before_cells = cells_of_set(before, feature, numbers_of(a, names, n), n, &before_side->missing);
	after_cells = cells_of_set(after, feature, numbers_of(b, names, n), n, &after_side->missing);
	segment_drift_of_cells(before_side, before_cells, after_side, after_cells, n, drift);
}

static void
drift_of_values(const FeatureSet *before, const FeatureSet *after, int feature, int bins,
				SegmentDriftSide *before_side, SegmentDriftSide *after_side, SegmentDrift *drift)
{
	SegmentColumn a = column_of_set(before, feature, &before_side->missing);
	SegmentColumn b = column_of_set(after, feature, &after_side->missing);

	segment_drift_of_numbers(before_side, &a, after_side, &b, bins, drift);
	segment_column_free(&a, segment_memory(CurrentMemoryContext));
	segment_column_free(&b, segment_memory(CurrentMemoryContext));
}

/* ---- feature_drift ---- */

static void
check_same_features(const FeatureSet *before, const FeatureSet *after)
{
	int			i;

	if (before->store.n_columns != after->store.n_columns)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("feature sets of different features cannot be compared"),
				 errdetail("The one before has %d features, the one after has %d.",
						   before->store.n_columns, after->store.n_columns),
				 errhint("Collect both with the same columns in the same order.")));
	for (i = 0; i < before->store.n_columns; i++)
	{
		const FeatureColumn *x = &before->columns[i];
		const FeatureColumn *y = &after->columns[i];

		if ((x->name == NULL) != (y->name == NULL) ||
			(x->name != NULL && strcmp(x->name, y->name) != 0))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature %d is \"%s\" before and \"%s\" after", i + 1,
							segment_feature_set_column_name(before, i),
							segment_feature_set_column_name(after, i)),
					 errhint("Collect both with the same columns in the same order.")));
		if ((x->categories == NULL) != (y->categories == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is %s before and %s after",
							segment_feature_set_column_name(before, i),
							x->categories == NULL ? "a number" : "a category",
							y->categories == NULL ? "a number" : "a category")));
	}
}

/* The set, or a smaller sample of it. */
static FeatureSet *
sampled_as(FeatureSet *set, int level)
{
	FeatureSet *copy;
	int			i;

	if (set->store.level >= level)
		return set;
	copy = segment_feature_set_new(set->store.n_columns, set->store.weighted, CurrentMemoryContext);
	for (i = 0; i < set->store.n_columns; i++)
	{
		if (set->columns[i].name != NULL)
			copy->columns[i].name = MemoryContextStrdup(copy->hdr.eoh_context,
														set->columns[i].name);
		if (set->columns[i].categories != NULL)
			copy->columns[i].categories = MemoryContextAllocZero(copy->hdr.eoh_context,
																 sizeof(FeatureCategories));
	}
	segment_row_store_raise_level(&copy->store, level);
	segment_feature_set_merge(copy, set);
	return copy;
}

static void
put_number(Datum *values, bool *nulls, int column, double x)
{
	nulls[column] = isnan(x);
	values[column] = Float8GetDatum(x);
}

#define DRIFT_COLUMNS 14

Datum
segment_feature_drift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FeatureSet *before = PG_GETARG_FEATURE_SET(0);
	FeatureSet *after = PG_GETARG_FEATURE_SET(1);
	int			bins = segment_arg_count(fcinfo, 2, "bins", 2);
	int			level = Max(before->store.level, after->store.level);
	SegmentDriftSide before_side;
	SegmentDriftSide after_side;
	int			i;

	if (bins > SEGMENT_DRIFT_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be at most %d, not %d", SEGMENT_DRIFT_MAX_BINS, bins)));
	check_same_features(before, after);
	InitMaterializedSRF(fcinfo, 0);
	before = sampled_as(before, level);
	after = sampled_as(after, level);
	segment_tell_sampled(before);
	segment_tell_sampled(after);
	before_side = side_of_set(before);
	after_side = side_of_set(after);
	for (i = 0; i < before->store.n_columns; i++)
	{
		bool		categorical = before->columns[i].categories != NULL;
		Datum		values[DRIFT_COLUMNS];
		bool		nulls[DRIFT_COLUMNS] = {false};
		SegmentDrift drift;

		if (categorical)
			drift_of_categories(before, after, i, &before_side, &after_side, &drift);
		else
			drift_of_values(before, after, i, bins, &before_side, &after_side, &drift);
		values[0] = CStringGetTextDatum(segment_feature_set_column_name(before, i));
		values[1] = CStringGetTextDatum(categorical ? "categorical" : "numeric");
		values[2] = Int64GetDatum((int64) before_side.rows);
		values[3] = Int64GetDatum((int64) after_side.rows);
		put_number(values, nulls, 4, before_side.missing / before_side.weight);
		put_number(values, nulls, 5, after_side.missing / after_side.weight);
		put_number(values, nulls, 6, drift.psi);
		put_number(values, nulls, 7, drift.ks);
		put_number(values, nulls, 8, drift.ks_p);
		put_number(values, nulls, 9, drift.chi2);
		put_number(values, nulls, 10, drift.chi2_df);
		put_number(values, nulls, 11, drift.chi2_p);
		put_number(values, nulls, 12, drift.wasserstein);
		put_number(values, nulls, 13, drift.relative);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---- feature_marginals ---- */

static void
add_marginal_number(FeatureSet *into, const FeatureSet *set, int feature, int points)
{
	double		missing;
	SegmentColumn column = column_of_set(set, feature, &missing);
	double		row;
	int64		i;

	segment_column_thin(&column, points);
	for (i = 0; i <= column.n; i++)
	{
		double		weight = i < column.n ? column.weight[i] : missing;

		if (!(weight > 0))
			continue;
		row = i < column.n ? column.value[i] : segment_missing_value();
		segment_row_store_add(&into->store, &row, (int64) weight);
	}
	segment_column_free(&column, segment_memory(CurrentMemoryContext));
}

static void
add_marginal_categories(FeatureSet *into, const FeatureSet *set, int feature, int points)
{
	const FeatureCategories *categories = set->columns[feature].categories;
	int		   *number = segment_new_array(categories->n, 1, sizeof(int));
	double	   *cells;
	double		missing;
	double		row;
	int			i;

	for (i = 0; i < categories->n; i++)
		number[i] = i;
	cells = cells_of_set(set, feature, number, categories->n, &missing);
	segment_row_store_fold(&into->store);
	for (i = 0; i <= categories->n; i++)
	{
		double		weight = i < categories->n ? cells[i] : missing;

		if (!(weight > 0))
			continue;
		row = i < categories->n ? segment_feature_set_category(into, 0, categories->name[i])
			: segment_missing_value();
		segment_row_store_add(&into->store, &row, (int64) weight);
	}
	while (into->store.n_rows > points)
		segment_row_store_raise_level(&into->store, into->store.level + 1);
}

/* The means of each segment, whose id is the first feature. */
static FeatureSet *
centers_of_set(const FeatureSet *set)
{
	const SegmentRowStore *store = &set->store;
	LabelList  *labels = segment_label_list(set, 0);
	int			n = store->n_columns;
	FeatureSet *centers = segment_feature_set_new(n + 1, false, CurrentMemoryContext);
	SegmentExactSum *sums = segment_new_array((uint64) labels->n, n, sizeof(SegmentExactSum));
	double	   *counts = segment_allocate_zeros(segment_memory(CurrentMemoryContext),
												segment_product(labels->n, n), sizeof(double));
	double	   *row = palloc(sizeof(double) * (n + 1));
	int64		r;
	int			l;
	int			i;

	for (r = 0; r < (int64) labels->n * n; r++)
		segment_exact_init(&sums[r]);
	for (r = 0; r < store->n_rows; r++)
	{
		const double *values = store->rows + r * store->width;
		double		copies = (double) segment_row_copies(store, r);

		if (r % 16384 == 0)
			CHECK_FOR_INTERRUPTS();
		l = segment_label_number(labels, values[0]);
		if (l < 0)
			continue;
		/* of the id: all rows */
		for (i = 0; i < n; i++)
		{
			if (set->columns[i].categories != NULL || !isfinite(values[i]))
				continue;
			counts[(int64) l * n + i] += copies;
			if (i > 0 && copies == 1)
				segment_exact_add(&sums[(int64) l * n + i], values[i]);
			else if (i > 0)
				segment_exact_add_moment(&sums[(int64) l * n + i], copies, 1, values[i], 1);
		}
	}
	for (l = 0; l < labels->n; l++)
	{
		row[0] = labels->value[l];
		row[1] = counts[(int64) l * n];
		for (i = 1; i < n; i++)
			row[i + 1] = counts[(int64) l * n + i] > 0
				? segment_exact_value(&sums[(int64) l * n + i]) / counts[(int64) l * n + i]
				: segment_missing_value();
		segment_row_store_add(&centers->store, row, 1);
	}
	pfree(sums);
	return centers;
}

static FeatureSet *
marginal_of_set(const FeatureSet *set, int feature, int points)
{
	FeatureSet *one = segment_feature_set_new(1, false, CurrentMemoryContext);

	if (set->columns[feature].name != NULL)
		one->columns[0].name = MemoryContextStrdup(one->hdr.eoh_context,
												   set->columns[feature].name);
	if (set->columns[feature].categories != NULL)
	{
		one->columns[0].categories = MemoryContextAllocZero(one->hdr.eoh_context,
															sizeof(FeatureCategories));
		add_marginal_categories(one, set, feature, points);
	}
	else
		add_marginal_number(one, set, feature, points);
	return one;
}

static Datum
marginals(FunctionCallInfo fcinfo, bool labelled)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	int			points = segment_arg_count(fcinfo, 1, "points", 2);
	int			n = set->store.n_columns;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Datum	   *result = palloc(sizeof(Datum) * n);
	int			i;

	if (set->store.weighted || (labelled && set->columns[0].categories != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features are kept one by one of rows without weights%s",
						labelled ? ", whose first feature is a segment's id" : "")));
	segment_tell_sampled(set);
	for (i = 0; i < n; i++)
		result[i] = segment_feature_set_datum(i == 0 && labelled ? centers_of_set(set)
											  : marginal_of_set(set, i, points));
	PG_RETURN_ARRAYTYPE_P(construct_array(result, n, type, -1, false, TYPALIGN_DOUBLE));
}

Datum
segment_feature_marginals(PG_FUNCTION_ARGS)
{
	return marginals(fcinfo, false);
}

Datum
segment_training_marginals(PG_FUNCTION_ARGS)
{
	return marginals(fcinfo, true);
}

/* ---- cells that were counted already ---- */

static double *
counts_of_array(FunctionCallInfo fcinfo, int arg, int *n, SegmentDriftSide *side)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(arg);
	double	   *counts;
	int			i;

	if (ARR_HASNULL(array) || ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("counts of cells must be a list of numbers without NULL")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	counts = (double *) ARR_DATA_PTR(array);
	for (i = 0; i < *n; i++)
	{
		if (!(counts[i] >= 0 && isfinite(counts[i])))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a count must be a finite number of at least 0, not %g", counts[i])));
		side->rows += counts[i];
	}
	side->weight = side->effective = side->rows;
	return counts;
}

/* cell_drift(before, after): psi, chi2, chi2_df, chi2_p. */
Datum
segment_cell_drift(PG_FUNCTION_ARGS)
{
	SegmentDriftSide before_side = {0};
	SegmentDriftSide after_side = {0};
	int			n;
	int			m;
	double	   *before = counts_of_array(fcinfo, 0, &n, &before_side);
	double	   *after = counts_of_array(fcinfo, 1, &m, &after_side);
	SegmentDrift drift;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4];

	if (n != m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d cells before cannot be compared with %d after", n, m)));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	segment_drift_of_cells(&before_side, before, &after_side, after, n, &drift);
	put_number(values, nulls, 0, drift.psi);
	put_number(values, nulls, 1, drift.chi2);
	put_number(values, nulls, 2, drift.chi2_df);
	put_number(values, nulls, 3, drift.chi2_p);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
