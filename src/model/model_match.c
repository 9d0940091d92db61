/*
 * model_match.c: which segment of a newly trained clustering is which segment
 * of the one before, and how far segments lie from each other.
 *
 * A clustering finds groups, not names: after a retraining the groups come in
 * another order and have moved a little.  model_match gives each new segment
 * the id, name and origin of the old one that it is.  The centre of a new segment
 * is taken as a row, in the features' own units, and its distance from the centre
 * of each old one is measured as the old model measures distances of rows (scaled, logs
 * and weights included), so two models with different scales compare.
 *
 *	 spacing(i)	  distance of old segment i from the nearest other old one
 *	 saving(i, j) spacing(i)^2 - distance(i, j)^2 where that is positive, else 0
 *
 * The pairs are those with the largest sum of savings (matching.c: exact, for
 * any number of segments).  A new segment that lies further from an old one
 * than the old one's nearest neighbour did is not the same segment, whatever
 * else is left: the old one is gone and the new one is new.  With one old segment
 * there is no such measure, and it is the nearest new one.  Two old segments at one
 * place have a spacing of 0 but for rounding; so no spacing counts as less than
 * what rounding makes of a centre (precision.h).
 *
 * Example: old centres at 0, 10 and 20, new ones at 1, 12 and 100.  All
 * spacings are 10, so 1 is 0, 12 is 10; 100 lies 80 from 20 and is new.
 *
 * Memory: old times new segments doubles, at most maintenance_work_mem.
 */
#include "model/model.h"

#include <math.h>

#include "funcapi.h"
#include "kernel/base/matching.h"
#include "kernel/base/precision.h"
#include "kernel/base/row_store.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "model/model_argument.h"

PG_FUNCTION_INFO_V1(segment_model_match);
PG_FUNCTION_INFO_V1(segment_model_spacing);
PG_FUNCTION_INFO_V1(segment_silhouette_of_row);

static void
need_distances(const Model *model)
{
	if (model->kind->distance == NULL || model->kind->typical == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" has no distances between segments",
						model->kind->name),
				 errhint("Models that cluster have.")));
}

static void
need_same_features(const Model *model, const Model *old)
{
	bool		same = model->n_features == old->n_features;
	int			i;

	for (i = 0; same && i < old->n_features; i++)
		same = strcmp(model->feature[i], old->feature[i]) == 0 &&
			(model->categories != NULL && model->categories[i].n > 0) ==
			(old->categories != NULL && old->categories[i].n > 0);
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the two models have different features"),
				 errhint("Segments can be matched where models tell customers apart by the same features.")));
}

static double
category_number(const ModelCategories *categories, const char *name)
{
	int			i;

	for (i = 0; i < categories->n; i++)
		if (strcmp(categories->name[i], name) == 0)
			return i;
	return MODEL_UNKNOWN_CATEGORY;
}

/* The centre of a segment as a row that another model of the same features can place. */
static void
center_as_row(const Model *model, int segment, const Model *placing, double *row)
{
	int			i;

	for (i = 0; i < model->n_features; i++)
	{
		ModelTypical typical;

		typical.position = segment_missing_value();
		model->kind->typical(model, segment, i, &typical);
		if (typical.category != NULL)
			row[i] = category_number(&placing->categories[i], typical.category);
		else
			row[i] = segment_is_missing(typical.position) ? typical.value : typical.position;
	}
}

/* The distance of a segment's centre from the nearest other one, and which that is; -1: none. */
static double
spacing(const Model *model, int segment, double *row, int *nearest)
{
	double		least = HUGE_VAL;
	int			i;

	*nearest = -1;
	center_as_row(model, segment, model, row);
	for (i = 0; i < model->n_segments; i++)
	{
		double		distance;

		CHECK_FOR_INTERRUPTS();
		if (i == segment)
			continue;
		distance = model->kind->distance(model, row, i);
		if (distance < least || *nearest < 0)
		{
			least = distance;
			*nearest = i;
		}
	}
	return least;
}

/* How far a segment's centre is from itself when all its features are off by rounding. */
static double
rounding(const Model *model, int segment, double *row)
{
	int			i;

	center_as_row(model, segment, model, row);
	for (i = 0; i < model->n_features; i++)
		if (model->categories == NULL || model->categories[i].n == 0)
			row[i] += SEGMENT_ROUNDING * fabs(row[i]);
	return model->kind->distance(model, row, segment);
}

/* old x new distances between centres; the caller frees nothing: all is the context's. */
static double *
distances_between(const Model *old, const Model *model)
{
	Size		n = mul_size(old->n_segments, model->n_segments);
	double	   *distance;
	double	   *row = palloc(sizeof(double) * Max(model->n_features, 1));
	int			i;
	int			j;

	if (n > (Size) maintenance_work_mem * 1024 / sizeof(double))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%d old and %d new segments are too many to match in maintenance_work_mem",
						old->n_segments, model->n_segments),
				 errhint("Raise maintenance_work_mem to at least %zu kB.", n * sizeof(double) / 1024 + 1)));
	distance = segment_new_array(n, 1, sizeof(double));
	for (j = 0; j < model->n_segments; j++)
	{
		CHECK_FOR_INTERRUPTS();
		center_as_row(model, j, old, row);
		for (i = 0; i < old->n_segments; i++)
			distance[(Size) i * model->n_segments + j] = old->kind->distance(old, row, i);
	}
	return distance;
}

/* What it saves to take a pair for the same segment; below 0: it is not. */
static inline double
saving(double distance, double limit)
{
	return distance <= limit ? limit * limit - distance * distance : -1;
}

/*
 * For each old segment the new one that it is, or -1.  Distances are measured
 * in the largest limit, so that no square leaves the range of a double.
 */
static int32 *
match_segments(const Model *old, const Model *model)
{
	const int	n_old = old->n_segments;
	const int	n_new = model->n_segments;
	double	   *distance = distances_between(old, model);
	double	   *limit = palloc(sizeof(double) * n_old);
	double	   *row = palloc(sizeof(double) * Max(old->n_features, 1));
	SegmentMatching matching = {0};
	double		unit = 0;
	int			nearest;
	int			i;
	int			j;

	for (i = 0; i < n_old; i++)
	{
		limit[i] = spacing(old, i, row, &nearest);
		if (nearest < 0)
			for (limit[i] = 0, j = 0; j < n_new; j++)
				limit[i] = Max(limit[i], distance[j]);
		if (!isfinite(limit[i]))
			limit[i] = 0;
		unit = Max(unit, limit[i]);
	}
	/* a centre near 0 is as inexact as those around it */
	for (i = 0; i < n_old; i++)
		limit[i] = Max(limit[i], rounding(old, i, row) + SEGMENT_ROUNDING * unit);
	for (i = 0; i < n_old; i++)
		unit = Max(unit, limit[i]);
	if (unit == 0)
		unit = 1;
	matching.rows = n_old;
	matching.columns = n_new;
	matching.column_of = palloc(sizeof(int32) * n_old);
	matching.row_price = palloc(sizeof(double) * n_old);
	matching.column_price = palloc(sizeof(double) * n_new);
	/* the matrix of distances becomes that of costs */
	for (i = 0; i < n_old; i++)
		for (j = 0; j < n_new; j++)
		{
			double	   *d = &distance[(Size) i * n_new + j];

			*d = -Max(0, saving(*d / unit, limit[i] / unit));
		}
	matching.cost = distance;
	(void) segment_match(&matching, segment_memory(CurrentMemoryContext), segment_check_interrupts);
	for (i = 0; i < n_old; i++)
	{
		j = matching.column_of[i];
		if (j < 0)
			continue;
		/* pairs that save nothing are what was left over, but for two that lie at one place */
		center_as_row(model, j, old, row);
		if (distance[(Size) i * n_new + j] == 0 && !(old->kind->distance(old, row, i) <= limit[i]))
			matching.column_of[i] = -1;
	}
	return matching.column_of;
}

/*
 * model_match(model, old model, first_new_id): the new model, its segments with the
 * ids, names and origins of those of the old one that they are.  What is new
 * keeps its name, with a number behind it where that is taken, and gets ids
 * from first_new_id on, in the model's order.
 */
Datum
segment_model_match(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	Model	   *old = PG_GETARG_MODEL(1);
	int32		next_id = PG_GETARG_INT32(2);
	int32	   *ids = palloc0(sizeof(int32) * model->n_segments);
	char	  **names = palloc0(sizeof(char *) * model->n_segments);
	char	  **origins = palloc0(sizeof(char *) * model->n_segments);
	int32	   *new_of;
	int			i;

	need_distances(model);
	need_distances(old);
	need_same_features(model, old);
	new_of = match_segments(old, model);
	for (i = 0; i < old->n_segments; i++)
		if (new_of[i] >= 0)
		{
			ids[new_of[i]] = old->segment[i].id;
			names[new_of[i]] = old->segment[i].name;
			origins[new_of[i]] = old->segment[i].origin;
		}
	for (i = 0; i < model->n_segments; i++)
		if (ids[i] == 0)
		{
			ids[i] = next_id++;
			names[i] = segment_distinct_name(names, model->n_segments, i, model->segment[i].name);
			origins[i] = names[i];
		}
	segment_model_set_segments(model, model->n_segments, ids, names, origins);
	PG_RETURN_MODEL(model);
}

/* How far each segment lies from the nearest other one. */
Datum
segment_model_spacing(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Model	   *model = PG_GETARG_MODEL(0);
	double	   *row = palloc(sizeof(double) * Max(model->n_features, 1));
	int			i;

	need_distances(model);
	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; i < model->n_segments; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};
		int			nearest;
		double		distance = spacing(model, i, row, &nearest);

		values[0] = Int32GetDatum(model->segment[i].id);
		values[1] = model->segment[i].name_datum;
		nulls[2] = nulls[3] = nulls[4] = nearest < 0;
		if (nearest >= 0)
		{
			values[2] = Int32GetDatum(model->segment[nearest].id);
			values[3] = model->segment[nearest].name_datum;
			nulls[4] = segment_is_missing(distance);
			values[4] = Float8GetDatum(distance);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * The simplified silhouette of a row: (b - a) / max(a, b), a from its own segment, b
 * from the nearest other.
 */
Datum
segment_silhouette_of_row(PG_FUNCTION_ARGS)
{
	RowCall    *call;
	const Model *model;
	const double *features;
	double		own;
	double		other = HUGE_VAL;
	int			segment;
	int			i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	call = segment_row_call_by_value(fcinfo);
	model = call->model;
	need_distances(model);
	features = segment_row_call_features(fcinfo, call);
	segment = segment_model_assign(model, features);
	if (segment < 0 || model->n_segments < 2)
		PG_RETURN_NULL();
	own = model->kind->distance(model, features, segment);
	for (i = 0; i < model->n_segments; i++)
		if (i != segment)
			other = Min(other, model->kind->distance(model, features, i));
	PG_RETURN_FLOAT8(own == other ? 0 : (other - own) / Max(own, other));
}
