/*
 * model_points.c: the rows of a feature set as a model sees them: points of its
 * space, each with the segment the model gives it.
 *
 * The set's features are matched with the model's as those of a row are: by name
 * where the set has names (others are left aside), else by position.  What a
 * model's space is, and how its points get their segments, the kind of model says
 * (model.h).  Distances between points are Euclidean in that space; where a model has
 * categories, those that differ add to the square, and a caller has to say that he knows.
 */
#include "model/model_points.h"

#include <math.h>

#include "base/memory.h"
#include "miscadmin.h"

/* The column of the set with a model's feature; an error where there is none. */
static int
column_of_feature(const FeatureSet *set, const Model *model, int feature)
{
	int			i;

	if (set->columns[0].name == NULL)
		return feature;
	for (i = 0; i < set->store.n_columns; i++)
		if (strcmp(set->columns[i].name, model->feature[feature]) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("the feature set has no feature \"%s\", which the model needs",
					model->feature[feature])));
}

/* A view of a set with some of its columns, in the given order. */
static FeatureSet *
selected_columns(const FeatureSet *set, const int *column, int n)
{
	const SegmentRowStore *store = &set->store;
	FeatureSet *view = palloc(sizeof(FeatureSet));
	int			width = n + (store->weighted ? 1 : 0);
	int64		r;
	int			i;

	*view = *set;
	view->columns = palloc(sizeof(FeatureColumn) * n);
	for (i = 0; i < n; i++)
		view->columns[i] = set->columns[column[i]];
	view->store.n_columns = n;
	view->store.width = width;
	view->store.rows = segment_new_array(store->n_rows, width, sizeof(double));
	for (r = 0; r < store->n_rows; r++)
	{
		const double *from = store->rows + r * store->width;
		double	   *to = view->store.rows + r * width;

		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		for (i = 0; i < n; i++)
			to[i] = from[column[i]];
		if (store->weighted)
			to[n] = from[store->n_columns];
	}
	return view;
}

/* The set with the model's features in the model's order, for reading. */
const FeatureSet *
segment_features_of_model(const FeatureSet *set, const Model *model)
{
	int		   *column = palloc(sizeof(int) * model->n_features);
	bool		same = set->store.n_columns == model->n_features;
	int			i;

	if (set->columns[0].name == NULL && !same)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the model has %d features, the feature set has %d", model->n_features,
						set->store.n_columns),
				 errhint("Collect them in the model's order, or as rows whose columns have their names.")));
	for (i = 0; i < model->n_features; i++)
	{
		bool		categorical = model->categories != NULL && model->categories[i].n > 0;

		column[i] = column_of_feature(set, model, i);
		same = same && column[i] == i;
		if ((set->columns[column[i]].categories != NULL) != categorical)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("feature \"%s\" is %s, expected a %s",
							segment_feature_set_column_name(set, column[i]),
							categorical ? "a number" : "categorical", categorical ? "category" : "number")));
	}
	return same ? set : selected_columns(set, column, model->n_features);
}

/* The space of a model; one with categories only for a caller that can do with them. */
const FeatureSpace *
segment_space_of_model(const Model *model, bool categories)
{
	const FeatureSpace *space = model->kind->space == NULL ? NULL : model->kind->space(model);

	if (space == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" has no distances between rows", model->kind->name),
				 errhint("Models by %s have them.", segment_kinds_with(offsetof(ModelKind, space)))));
	if (space->n_codes > 0 && !categories)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("this figure takes means, and %d of %d features of the model are categories",
						space->n_codes, space->n_features),
				 errhint("silhouette() and stability() take models with categories.")));
	return space;
}

/* With weights, what a point stands for does not say how many rows it stands for. */
static void
count_rows(LabelledPoints *labelled, const FeatureSet *set, const Model *model)
{
	const SegmentPoints *points = &labelled->points;
	const SegmentRowStore *store = &set->store;
	int64		i;

	if (!store->weighted)
	{
		for (i = 0; i < points->n; i++)
			labelled->rows[labelled->label[i]] += (int64) segment_point_weight(points, i);
		return;
	}
	for (i = 0; i < store->n_rows; i++)
	{
		const double *row = store->rows + i * store->width;
		int			segment;

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!(segment_row_weight(store, row) > 0))
			continue;
		segment = model->kind->assign(model, row);
		if (segment >= 0)
			labelled->rows[segment] += segment_row_copies(store, i);
	}
}

/*
 * Points of the model's space labelled by its segments; none when no row has one.
 * What is to be done with them takes so much memory per row.  A model with
 * categories, where the caller can do with one, meets those of the set: it is changed.
 */
LabelledPoints *
segment_points_of_model(const FeatureSet *set, Model *model, bool categories, Size memory_per_row)
{
	const FeatureSpace *space = segment_space_of_model(model, categories);
	const FeatureSet *features = segment_features_of_model(set, model);
	LabelledPoints *labelled = palloc0(sizeof(LabelledPoints));
	RowCounts	counts = {0};
	SegmentPoints *points;
	int32	   *label;
	int64		i;
	int			c;

	if (space->n_codes > 0)
		labelled->mismatch = model->kind->meet_categories(model, features);
	points = segment_space_place_set(space, features, sizeof(int32) + memory_per_row, &counts,
									 segment_memory(CurrentMemoryContext));
	label = segment_new_array(points->n, 1, sizeof(int32));
	for (i = 0; i < points->n; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		label[i] = model->kind->assign_point(model, points->x + i * points->d,
											 points->code == NULL ? NULL : points->code + i * points->n_codes);
	}
	labelled->points = *points;
	labelled->label = label;
	labelled->k = model->n_segments;
	labelled->text = palloc(sizeof(char *) * model->n_segments);
	labelled->rows = palloc0(sizeof(int64) * model->n_segments);
	for (c = 0; c < model->n_segments; c++)
		labelled->text[c] = model->segment[c].name;
	labelled->n_used = counts.n_used;
	labelled->exponent = ilogb(space->unit);
	count_rows(labelled, features, model);
	if (counts.n_unsampled > 0)
		ereport(NOTICE,
				(errmsg("the figures are those of a sample of " INT64_FORMAT " of " INT64_FORMAT " rows",
						counts.n_used, counts.n_input - counts.n_skipped),
				 errhint("A higher maintenance_work_mem keeps more rows.")));
	segment_tell_skipped(counts.n_skipped, counts.n_used);
	return labelled;
}
