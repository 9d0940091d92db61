/*
 * choose_k.h: figures of each number of segments, and which one they speak for.
 * See choose_k.c and k_advice.c.
 */
#ifndef SEGMENT_CHOOSE_K_H
#define SEGMENT_CHOOSE_K_H

#include "compat.h"

/* what tells the draws of subsamples from those of starts */
#define SEGMENT_RESAMPLE_SEED	UINT64CONST(0x53747562)	/* "Stub" */

typedef enum KCriterion
{
	K_SILHOUETTE,
	K_DAVIES_BOULDIN,
	K_CALINSKI_HARABASZ,
	K_GAP,
	K_BIC,
	K_STABILITY,
	K_CRITERIA					/* how many there are */
} KCriterion;

/* What is known of one k; NaN: not defined, or not asked for. */
typedef struct KFigures
{
	int			k;
	double		inertia;
	double		value[K_CRITERIA];
	double		gap_error;
} KFigures;

/* Figures of k, k + 1, ..., and of k = 1 before them where it was not asked for. */
typedef struct KTable
{
	int			n;
	KFigures   *row;
	bool		tried_one;		/* gap_of_one is known though the rows begin at 2 */
	double		gap_of_one;
} KTable;

extern const char *const segment_criterion_names[];

extern int	segment_recommended_k(const KTable *table, KCriterion criterion);
extern char *segment_reason_of_k(const KTable *table, KCriterion criterion, int number);

#endif							/* SEGMENT_CHOOSE_K_H */
