/*
 * kprototypes.h: k-prototypes: clusters of rows with numbers and categories.
 * See kprototypes.c.
 */
#ifndef SEGMENT_KPROTOTYPES_H
#define SEGMENT_KPROTOTYPES_H

#include "c.h"

#include "kernel/base/points.h"
#include "kernel/cluster/centroids.h"
#include "kernel/cluster/clustering.h"

/* A category that no row of the training had: differs from every mode. */
#define SEGMENT_UNSEEN (-1)

typedef struct SegmentPrototypes
{
	int			k;
	int			d;				/* numbers in each */
	int			n_codes;		/* categories in each */
	double	   *value;			/* k x (d + n_codes): means, then modes by number */
	double	   *packed;			/* the same side by side (centroids.c) */
	double	   *mismatch;		/* n_codes: what a different category costs: gamma times weight */
} SegmentPrototypes;

typedef struct SegmentPrototypesOptions
{
	int			k;				/* 1 to the number of points */
	int			n_init;			/* starts; the least cost wins */
	int			max_iter;		/* steps of each */
	double		gamma;			/* cost of a different category, next to squared distances */
	const double *code_weight;	/* n_codes: importance of each feature */
	const int  *n_categories;	/* n_codes: codes run from 0 to this - 1 */
	uint64		seed;
	const int64 *initial;		/* k rows to start from; NULL: seeds of kprototypes_seed.c */
	SegmentInterrupted interrupted;
} SegmentPrototypesOptions;

typedef struct SegmentPrototypesResult
{
	SegmentPrototypes prototypes;	/* k is less than wanted where rows are too close to tell apart */
	int32	   *labels;			/* n: the nearest prototype, the lowest number among equals */
	double		cost;			/* weighted sum of the distances to it */
	int			iterations;		/* of the winning start */
	bool		converged;		/* it ended by itself, not by max_iter */
} SegmentPrototypesResult;

extern SegmentStatus segment_prototypes_gamma(const SegmentPoints *points, double *gamma,
											  SegmentMemory memory,
											  SegmentInterrupted interrupted);
extern void segment_prototypes_init(SegmentPrototypes *prototypes, int k, int d, int n_codes,
									SegmentMemory memory);
extern void segment_prototypes_free(SegmentPrototypes *prototypes, SegmentMemory memory);
extern void segment_prototypes_pack(SegmentPrototypes *prototypes);
extern SegmentNearest segment_nearest_prototype(const SegmentPrototypes *prototypes,
												const double *x, const int32 *code);
extern double segment_prototype_distance(const SegmentPrototypes *prototypes, int c,
										 const double *x, const int32 *code);

extern SegmentStatus segment_kprototypes(const SegmentPoints *points,
										 const SegmentPrototypesOptions *options,
										 SegmentPrototypesResult *result, SegmentMemory memory);
extern void segment_kprototypes_free(SegmentPrototypesResult *result, SegmentMemory memory);
extern size_t segment_kprototypes_memory_per_row(void);

/* kprototypes_method.c */
extern const SegmentClusterMethod segment_kprototypes_method;

/* kprototypes_seed.c */
extern SegmentStatus segment_prototypes_seed(const SegmentPoints *points,
											 const SegmentPrototypesOptions *options, int start,
											 SegmentPrototypes *prototypes, SegmentMemory memory);

#endif							/* SEGMENT_KPROTOTYPES_H */
