/*
 * kmeans_state.h: the type kmeans_state.  See kmeans_state.c.
 */
#ifndef SEGMENT_KMEANS_STATE_H
#define SEGMENT_KMEANS_STATE_H

#include "compat.h"

#include "cluster/centroid_model.h"
#include "fmgr.h"
#include "kernel/base/step_sum.h"
#include "utils/expandeddatum.h"

#define KMEANS_STATE_MAGIC 0x5E67A57E

/* most bytes of a pointer to a value stored out of line that are remembered */
#define KMEANS_STATE_POINTER_SIZE 32

/* A step of k-means on its way, in memory. */
typedef struct KmeansState
{
	ExpandedObjectHeader hdr;
	int			magic;			/* KMEANS_STATE_MAGIC */
	SegmentModelValue *value;	/* the model, as it came */
	Model	   *model;			/* the same, prepared: of the session's cache */
	const ClusterModel *cluster;	/* its detail */
	MemoryContextCallback release;	/* of the model */
	char		pointer[KMEANS_STATE_POINTER_SIZE]; /* where the value lies out of line */
	Size		pointer_size;	/* 0: nowhere known */
	double	   *row;			/* room for a row's features */
	int64		n_input;		/* rows seen */
	int64		n_skipped;		/* of them, those that could not be placed */
	int64		n_far;			/* of them, those with a coordinate that did not count in full */
	SegmentStepSums sums;
} KmeansState;

extern KmeansState *segment_kmeans_state_new(const SegmentModelValue *value, bool weighted,
											 MemoryContext parent);
extern KmeansState *segment_kmeans_state_read(Datum value, MemoryContext context);
extern KmeansState *segment_kmeans_state_writable(Datum value, MemoryContext parent);
extern bool segment_kmeans_state_is_of(KmeansState *state, Datum model);
extern void segment_kmeans_state_merge(KmeansState *into, const KmeansState *from);
extern Datum segment_kmeans_state_datum(KmeansState *state);

/* Whether rows have weights. */
static inline bool
segment_kmeans_state_is_weighted(const KmeansState *state)
{
	return state->sums.weight != NULL;
}

#define PG_GETARG_KMEANS_STATE(n) \
	segment_kmeans_state_read(PG_GETARG_DATUM(n), CurrentMemoryContext)

#endif							/* SEGMENT_KMEANS_STATE_H */
