/*
 * feature_space.h: how features become coordinates: which are numbers and which
 * categories, what is done with missing values, logarithm, winsorizing, scale and
 * weight.  Shared by all models that cluster.  See feature_space.c.
 */
#ifndef SEGMENT_FEATURE_SPACE_H
#define SEGMENT_FEATURE_SPACE_H

#include "compat.h"

#include "feature_set.h"
#include "json_read.h"
#include "kernel/points.h"
#include "lib/stringinfo.h"
#include "model.h"

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

/* One feature on its way to a coordinate: ((f(x) clipped) - center) * weight / spread. */
typedef struct SpaceFeature
{
	char	   *name;
	/* numbers */
	bool		log;			/* f is the symmetric logarithm sign(x) ln(1 + |x|), else x */
	double		lower;			/* f(x) is clipped to [lower, upper]; infinite: not at all */
	double		upper;
	double		center;
	double		spread;			/* positive */
	double		weight;			/* importance, positive; for categories, too */
	double		fill;			/* what stands in for a missing x: a number, or a category's code */
	double		mean;			/* of x over all rows, in its own unit */
	double		deviation;		/* standard deviation of x likewise (population) */
	double		factor;			/* weight / spread, worked out */
	/* categories */
	int			n_categories;
	char	  **category;		/* NULL: a number.  Sorted by strcmp */
} SpaceFeature;

typedef struct FeatureSpace
{
	int			n_features;
	int			d;				/* numeric ones */
	int			n_codes;		/* categorical ones */
	FeatureNulls nulls;
	FeatureMetric metric;
	char	   *scale;			/* how centers and spreads were found */
	SpaceFeature *feature;
} FeatureSpace;

/* What a trainer is told about features, from its SQL arguments; NULL: none. */
typedef struct SpaceOptions
{
	const char *scale;			/* 'zscore', 'minmax', 'robust', 'none' */
	ArrayType  *log;			/* text[]: names of features */
	Jsonb	   *winsorize;		/* share, or {feature: share or [low, high]} */
	Jsonb	   *weights;		/* {feature: weight} */
	const char *nulls;			/* 'skip', 'mean' */
	const char *metric;			/* 'euclidean', 'cosine' */
} SpaceOptions;

extern FeatureSpace *segment_space_from_set(const FeatureSet *set, const SpaceOptions *options);
extern SegmentPoints *segment_space_points(const FeatureSpace *space, const FeatureSet *set,
										   Size memory_per_row, Model *model);
extern bool segment_space_place(const FeatureSpace *space, const double *features, double *x,
								int32 *code);
extern double segment_space_original(const SpaceFeature *feature, double coordinate);

extern const char *const segment_space_keys[];	/* members of a model's JSON */
extern FeatureSpace *segment_space_read(Model *model, const JsonPlace *json);
extern void segment_space_write(const FeatureSpace *space, StringInfo out);

#endif							/* SEGMENT_FEATURE_SPACE_H */
