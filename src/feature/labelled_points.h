/*
 * labelled_points.h: labels in a feature set, and points with labels.  See
 * labelled_points.c.
 */
#ifndef SEGMENT_LABELLED_POINTS_H
#define SEGMENT_LABELLED_POINTS_H

#include "compat.h"

#include "feature/feature_set.h"
#include "kernel/base/points.h"

/* The distinct labels in one column of a feature set, numbered in their order. */
typedef struct LabelList
{
	int			n;
	double	   *value;			/* whole numbers, ascending; NULL: categories */
	int32	   *number;			/* of each category code: its label's number */
	char	  **text;			/* n labels as text: categories by strcmp */
} LabelList;

/* Points, each with its label. */
typedef struct LabelledPoints
{
	SegmentPoints points;		/* coordinates centred and scaled */
	const int32 *label;			/* of each point, 0 to k - 1 */
	const double *mismatch;		/* by category of the points: what a different one adds to the squared
								 * distance; NULL: points are numbers only */
	int			k;
	char	  **text;			/* k labels */
	int64	   *rows;			/* k: rows with the label that could be used, copies counted */
	int64		n_used;			/* all of them */
	int			exponent;		/* distances are 2^exponent times those between the points */
} LabelledPoints;

extern LabelList *segment_label_list(const FeatureSet *set, int column);
extern int32 segment_label_number(const LabelList *labels, double value);
extern LabelledPoints *segment_labelled_points(const FeatureSet *set);
extern void segment_tell_skipped(int64 n_skipped, int64 n_used);
extern void segment_tell_skipped_as(int64 n_skipped, int64 n_used, const char *why);
extern void segment_tell_sampled(const FeatureSet *set);

#endif							/* SEGMENT_LABELLED_POINTS_H */
