/*
 * pmml.h: what kinds of models are made of to be written as PMML.  See pmml.c.
 */
#ifndef SEGMENT_PMML_H
#define SEGMENT_PMML_H

#include "feature/feature_space.h"

/* pmml_write.c: pieces that all models share */
extern FeatureSpace *segment_pmml_names(const Model *model, char *target);
extern void segment_pmml_value(StringInfo out, const char *text);
extern char *segment_pmml_new_name(const FeatureSpace *space, char *name);
extern char *segment_pmml_coordinate(const FeatureSpace *space, int feature);
extern void segment_pmml_begin_apply(StringInfo out, const char *function);
extern void segment_pmml_end_apply(StringInfo out);
extern void segment_pmml_field(StringInfo out, const char *name);
extern void segment_pmml_constant(StringInfo out, double x);
extern void segment_pmml_begin_derived(StringInfo out, const char *name);
extern void segment_pmml_end_derived(StringInfo out);
extern void segment_pmml_data_field(StringInfo out, const SpaceFeature *feature);
extern void segment_pmml_mining_fields(StringInfo out, const FeatureSpace *space);
extern void segment_pmml_output(StringInfo out, const FeatureSpace *space);
extern void segment_pmml_coordinates(StringInfo out, const FeatureSpace *space);
extern void segment_pmml_count(StringInfo out, const char *attribute, double size);

/* pmml_centers.c: the nearest of some centers */
typedef struct PmmlCenters
{
	const FeatureSpace *space;
	const double *value;		/* by segment: d coordinates, then numbers of categories */
	const double *mismatch;		/* by categorical feature: what a different category costs */
	const double *size;			/* by segment: rows, or the sum of their weights */
} PmmlCenters;

extern void segment_pmml_centers(StringInfo out, const Model *model, const PmmlCenters *centers);

/* pmml_tree.c: down from split to split, each time to the nearer of two centers */
typedef struct PmmlSplit
{
	double		size;			/* rows, or the sum of their weights */
	int			child[2];		/* a split's number, or -1 less a segment's */
	const double *center[2];
} PmmlSplit;

typedef struct PmmlTree
{
	const FeatureSpace *space;
	int			n;				/* splits, the first at the root: one less than segments */
	const PmmlSplit *split;
	const double *size;			/* by segment */
} PmmlTree;

extern void segment_pmml_fields(StringInfo out, const Model *model, const FeatureSpace *space,
								const char *predicted);
extern void segment_pmml_tree(StringInfo out, const Model *model, const PmmlTree *tree);

#endif							/* SEGMENT_PMML_H */
