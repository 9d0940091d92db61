/*
 * quality.c: SQL functions that judge how well labels divide rows.
 *
 * They take a labelled feature set (labelled_points.c) and calculate in its units,
 * Euclidean, nothing scaled; or a feature set and a model (model_points.c),
 * which labels the rows, in the model's space.
 *
 * The exact silhouette takes all pairs of rows.  Beyond SEGMENT_SILHOUETTE_ROWS
 * distinct rows it is that of a sample of so many, the same for equal sets, told in a
 * NOTICE.
 */
#include "compat.h"

#include <math.h>

#include "funcapi.h"
#include "kernel/quality/quality.h"
#include "feature/labelled_points.h"
#include "base/memory.h"
#include "miscadmin.h"
#include "model/model_points.h"
#include "utils/builtins.h"
#include "utils/float.h"

PG_FUNCTION_INFO_V1(segment_silhouette_of_rows);
PG_FUNCTION_INFO_V1(segment_simplified_silhouette_of_rows);
PG_FUNCTION_INFO_V1(segment_davies_bouldin_of_rows);
PG_FUNCTION_INFO_V1(segment_calinski_harabasz_of_rows);
PG_FUNCTION_INFO_V1(segment_inertia_labelled);
PG_FUNCTION_INFO_V1(segment_eta_squared_labelled);
PG_FUNCTION_INFO_V1(segment_cluster_quality_of_rows);

typedef enum QualityIndex
{
	INDEX_SILHOUETTE,
	INDEX_SIMPLIFIED_SILHOUETTE,
	INDEX_DAVIES_BOULDIN,
	INDEX_CALINSKI_HARABASZ
} QualityIndex;

static const char *const index_names[] = {
	"silhouette", "simplified silhouette", "Davies-Bouldin index", "Calinski-Harabasz index"
};

static void
measure(SegmentQuality *quality, const SegmentPoints *points, const LabelledPoints *labelled)
{
	segment_quality_init(quality, points, labelled->label, labelled->k,
						 segment_memory(CurrentMemoryContext));
	(void) segment_quality_measure(quality, segment_check_interrupts);
}

static void
tell_undefined(const char *what, const SegmentQuality *quality)
{
	ereport(NOTICE,
			(errmsg_plural("the %s of rows with %d label is not defined",
						   "the %s of rows with %d labels is not defined",
						   quality->n_clusters, what, quality->n_clusters),
			 errdetail("It takes at least two labels, and fewer labels than rows.")));
}

/*
 * The exact silhouettes of all points or of a sample.  False: not defined.  The
 * points in order of their hash, the first are a sample.
 */
static bool
find_silhouettes(SegmentQuality *quality, SegmentPoints *sample, const LabelledPoints *labelled)
{
	*sample = labelled->points;
	if (sample->n > SEGMENT_SILHOUETTE_ROWS)
	{
		ereport(NOTICE,
				(errmsg("the silhouette is that of a sample of %d of " INT64_FORMAT " distinct rows",
						SEGMENT_SILHOUETTE_ROWS, sample->n),
				 labelled->mismatch != NULL ? 0 : errhint("simplified_silhouette() takes all rows.")));
		sample->n = SEGMENT_SILHOUETTE_ROWS;
	}
	measure(quality, sample, labelled);
	if (!segment_quality_defined(quality))
		return false;
	quality->mismatch = labelled->mismatch;
	(void) segment_silhouette(quality, segment_check_interrupts);
	return true;
}

/* False: not defined. */
static bool
find_index(const LabelledPoints *labelled, QualityIndex index, double *value)
{
	SegmentQuality quality;
	SegmentPoints sample;

	if (index == INDEX_SILHOUETTE)
	{
		if (!find_silhouettes(&quality, &sample, labelled))
		{
			tell_undefined(index_names[index], &quality);
			return false;
		}
		*value = quality.silhouette;
		return true;
	}
	measure(&quality, &labelled->points, labelled);
	if (!segment_quality_defined(&quality))
	{
		tell_undefined(index_names[index], &quality);
		return false;
	}
	switch (index)
	{
		case INDEX_SIMPLIFIED_SILHOUETTE:
			(void) segment_simplified_silhouette(&quality, segment_check_interrupts);
			*value = quality.silhouette;
			break;
		case INDEX_DAVIES_BOULDIN:
			*value = segment_davies_bouldin(&quality);
			break;
		case INDEX_CALINSKI_HARABASZ:
			*value = segment_calinski_harabasz(&quality);
			break;
		case INDEX_SILHOUETTE:
			break;
	}
	return true;
}

/*
 * Rows with labels of their own, or in the segments that a model, the second argument,
 * gives them.
 */
static LabelledPoints *
labelled_argument(FunctionCallInfo fcinfo, bool categories)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);

	return PG_NARGS() > 1 ? segment_points_of_model(set, PG_GETARG_MODEL(1), categories, 0)
		: segment_labelled_points(set);
}

static Datum
index_of_rows(FunctionCallInfo fcinfo, QualityIndex index)
{
	LabelledPoints *labelled = labelled_argument(fcinfo, index == INDEX_SILHOUETTE);
	double		value;

	if (!find_index(labelled, index, &value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

Datum
segment_silhouette_of_rows(PG_FUNCTION_ARGS)
{
	return index_of_rows(fcinfo, INDEX_SILHOUETTE);
}

Datum
segment_simplified_silhouette_of_rows(PG_FUNCTION_ARGS)
{
	return index_of_rows(fcinfo, INDEX_SIMPLIFIED_SILHOUETTE);
}

Datum
segment_davies_bouldin_of_rows(PG_FUNCTION_ARGS)
{
	return index_of_rows(fcinfo, INDEX_DAVIES_BOULDIN);
}

Datum
segment_calinski_harabasz_of_rows(PG_FUNCTION_ARGS)
{
	return index_of_rows(fcinfo, INDEX_CALINSKI_HARABASZ);
}

/* A length (power 1) or its square (power 2) in the units of the rows. */
static double
in_units(double value, int power, const LabelledPoints *labelled)
{
	double		result = ldexp(value, power * labelled->exponent);

	if (isinf(result))
		float_overflow_error();
	return result;
}

Datum
segment_inertia_labelled(PG_FUNCTION_ARGS)
{
	LabelledPoints *labelled = segment_labelled_points(PG_GETARG_FEATURE_SET(0));
	SegmentQuality quality;

	if (labelled->points.n == 0)
		PG_RETURN_NULL();
	measure(&quality, &labelled->points, labelled);
	PG_RETURN_FLOAT8(in_units(quality.inertia, 2, labelled));
}

/* The final function of the aggregate, too, which must not choke on no rows. */
Datum
segment_eta_squared_labelled(PG_FUNCTION_ARGS)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	LabelledPoints *labelled;
	SegmentQuality quality;

	if (set->store.n_columns != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("eta squared takes a segment and one measure, not %d features",
						set->store.n_columns)));
	labelled = segment_labelled_points(set);
	if (labelled->points.n == 0)
		PG_RETURN_NULL();
	measure(&quality, &labelled->points, labelled);
	/* without differences there is nothing to explain */
	if (!segment_quality_varies(&quality))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(quality.between / (quality.between + quality.inertia));
}

/* ---- cluster by cluster ---- */

#define QUALITY_COLUMNS 8

static void
put_cluster(ReturnSetInfo *rsinfo, const LabelledPoints *labelled, int c,
			const SegmentQuality *quality, const SegmentQuality *silhouettes)
{
	const SegmentCluster *cluster = &quality->cluster[c];
	Datum		values[QUALITY_COLUMNS];
	bool		nulls[QUALITY_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(labelled->text[c]);
	values[1] = Int64GetDatum(labelled->rows[c]);
	values[2] = Float8GetDatum(cluster->weight);
	values[3] = Float8GetDatum(in_units(cluster->inertia, 2, labelled));
	values[4] = Float8GetDatum(in_units(sqrt(cluster->inertia / cluster->weight), 1, labelled));
	nulls[5] = nulls[6] = cluster->nearest < 0;
	if (!nulls[5])
	{
		values[5] = CStringGetTextDatum(labelled->text[cluster->nearest]);
		values[6] = Float8GetDatum(in_units(cluster->separation, 1, labelled));
	}
	nulls[7] = silhouettes == NULL || silhouettes->cluster[c].weight == 0;
	if (!nulls[7])
		values[7] = Float8GetDatum(silhouettes->cluster[c].silhouette);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_clusters(FunctionCallInfo fcinfo, const LabelledPoints *labelled)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SegmentQuality quality;
	SegmentQuality silhouettes;
	SegmentPoints sample;
	bool		defined;
	int			c;

	InitMaterializedSRF(fcinfo, 0);
	measure(&quality, &labelled->points, labelled);
	defined = find_silhouettes(&silhouettes, &sample, labelled);
	for (c = 0; c < labelled->k; c++)
	{
		if (labelled->rows[c] > 0)
			put_cluster(rsinfo, labelled, c, &quality, defined ? &silhouettes : NULL);
		CHECK_FOR_INTERRUPTS();
	}
}

Datum
segment_cluster_quality_of_rows(PG_FUNCTION_ARGS)
{
	put_clusters(fcinfo, labelled_argument(fcinfo, false));
	return (Datum) 0;
}
