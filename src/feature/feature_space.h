/*
 * feature_space.h: how features become coordinates.  See feature_space.c.
 */
#ifndef SEGMENT_FEATURE_SPACE_H
#define SEGMENT_FEATURE_SPACE_H

#include "compat.h"

#include "feature/feature_set.h"
#include "base/json_read.h"
#include "base/row_counts.h"
#include "kernel/base/points.h"
#include "lib/stringinfo.h"
#include "model/model.h"
#include "utils/array.h"

typedef enum FeatureScale
{
	SCALE_ZSCORE,				/* mean 0, standard deviation 1 */
	SCALE_MINMAX,				/* 0 to 1 */
	SCALE_ROBUST,				/* median 0, interquartile range (or a wider one) 1 */
	SCALE_NONE
} FeatureScale;

typedef enum FeatureNulls
{
	NULLS_SKIP,					/* rows with a missing value take no part and get no segment */
	NULLS_MEAN					/* the mean, or the commonest category, stands in */
} FeatureNulls;

typedef enum FeatureMetric
{
	METRIC_EUCLIDEAN,
	METRIC_COSINE				/* rows are brought to length 1 after scaling */
} FeatureMetric;

/* One feature on its way to a coordinate: (clip(f(x)) - center) / spread * sqrt(weight). */
typedef struct SpaceFeature
{
	char	   *name;
	double		weight;			/* of its squared difference, or of a mismatch of categories */
	double		fill;			/* what stands in for a missing x: a number, or a category's code */

	/* categories */
	int			n_categories;
	char	  **category;		/* by code, sorted by strcmp; NULL: a number */

	/* numbers */
	bool		log;			/* f is the symmetric logarithm sign(x) ln(1 + |x|), else x */
	double		lower;			/* f(x) is clipped to [lower, upper]; infinite: not at all */
	double		upper;
	double		center;
	double		spread;			/* positive */
	double		mean;			/* of f(x), clipped, over the training rows */
	double		deviation;		/* its standard deviation (population); 0 where constant */
	bool		constant;		/* the same in all training rows, but for rounding */
	double		factor;			/* sqrt(weight) / spread; 0 where constant and scaled */
} SpaceFeature;

typedef struct FeatureSpace
{
	int			n_features;
	int			d;				/* coordinates: numeric features */
	int			n_codes;		/* categorical features */
	FeatureScale scale;
	FeatureNulls nulls;
	FeatureMetric metric;
	SpaceFeature *feature;
	/* by feature, where all are numbers that are only shifted and scaled: NULL else */
	double	   *plain_center;
	double	   *plain_factor;
	/*
	 * By column of points for training, its coordinate, and of the categories, its code: an
	 * order that follows from the rows, those that are constant last.  NULL: that of features.
	 */
	int		   *column;
	int		   *code_column;
	int			n_varying;
	int			n_varying_codes;
	double		unit;			/* squared distances times this squared are in the features' own unit */
} FeatureSpace;

/* What a trainer is told about features, from its SQL arguments; NULL: nothing. */
typedef struct SpaceOptions
{
	char	   *scale;			/* zscore, minmax, robust, none */
	ArrayType  *log;			/* text[]: names of features */
	Jsonb	   *winsorize;		/* share, or {feature: share or [low, high]} */
	Jsonb	   *weights;		/* {feature: weight} */
	char	   *nulls;			/* skip, mean */
	char	   *metric;			/* euclidean, cosine */
} SpaceOptions;

extern void segment_space_ready(FeatureSpace *space);
extern FeatureSpace *segment_space_from_set(const FeatureSet *set, const SpaceOptions *options);
extern SegmentPoints *segment_space_points(FeatureSpace *space, const FeatureSet *set,
										   Size memory_per_row, RowCounts *counts, SegmentMemory memory);
extern SegmentPoints *segment_space_place_set(const FeatureSpace *space, const FeatureSet *set,
											  Size memory_per_row, RowCounts *counts, SegmentMemory memory);
extern Size segment_space_bytes(const FeatureSpace *space, const FeatureSet *set,
								Size memory_per_row);
extern bool segment_space_place(const FeatureSpace *space, const double *features, double *x,
								int32 *code);
extern void segment_space_order_columns(const FeatureSpace *space, double *x, int rows);
extern void segment_space_order_features(const FeatureSpace *space, double *x, int rows, bool codes);
extern double *segment_space_units(const FeatureSpace *space);
extern double segment_space_original(const SpaceFeature *feature, double coordinate);
extern const char *segment_space_scale_name(const FeatureSpace *space);

/* members of a model's JSON: scale, metric, nulls, features */
#define SEGMENT_SPACE_KEYS "scale", "metric", "nulls", "unit", "features"
extern FeatureSpace *segment_space_read(Model *model, const JsonPlace *json);
extern void segment_space_write(const FeatureSpace *space, StringInfo out);
extern void segment_space_describe(Model *model, FeatureSpace *space);

/* The number of a feature's coordinate (or code) among those of its kind. */
static inline int
segment_space_place_of(const FeatureSpace *space, int feature)
{
	bool		categorical = space->feature[feature].category != NULL;
	int			place = 0;
	int			i;

	for (i = 0; i < feature; i++)
		if ((space->feature[i].category != NULL) == categorical)
			place++;
	return place;
}

#endif							/* SEGMENT_FEATURE_SPACE_H */
