/*
 * rfm.h: what an RFM model holds, and its scores.
 */
#ifndef SEGMENT_RFM_H
#define SEGMENT_RFM_H

#include "model/model.h"

#include <math.h>

#include "kernel/base/cut_points.h"

#define RFM_FEATURES	3
#define RFM_MIN_BINS	2
#define RFM_MAX_CELLS	(SEGMENT_MAX_BINS * SEGMENT_MAX_BINS * SEGMENT_MAX_BINS)

typedef enum RfmFeatureNumber
{
	RFM_RECENCY,
	RFM_FREQUENCY,
	RFM_MONETARY
} RfmFeatureNumber;

typedef struct RfmFeature
{
	bool		closed_left;	/* a value on a cut belongs above it, not below */
	double		min;			/* of the training rows; NaN when there were none */
	double		max;
	double		cuts[SEGMENT_MAX_BINS - 1]; /* ascending, bins - 1 of them */
	int64		counts[SEGMENT_MAX_BINS];	/* training rows by score, lowest first */
} RfmFeature;

typedef struct Rfm
{
	char	   *method;			/* how the cuts were found */
	char	   *scheme;			/* whose names the segments have */
	int			bins;			/* scores a feature can have */
	int			lowest_score;	/* 1, or 0 where the scheme counts from 0 */
	RfmFeature	feature[RFM_FEATURES];
	int			no_orders;		/* number of the segment of who has no orders */
	int16		cells[RFM_MAX_CELLS];	/* segment number by ((r * bins) + f) * bins + m, scores from 0 */
} Rfm;

extern const ModelKind segment_rfm_model_kind;
extern const char *const segment_rfm_feature_names[RFM_FEATURES];
extern const Rfm *segment_rfm_of(const Model *model);

/* Who never ordered has no scores: no recency, or no orders counted (law 14). */
static inline bool
rfm_has_orders(const double *features)
{
	return features[RFM_RECENCY] == features[RFM_RECENCY] && features[RFM_FREQUENCY] > 0;
}

/* A score from 0; the most recent, most frequent, highest spending have the highest. */
static inline int
rfm_score_from_zero(const Rfm *rfm, int feature, double x)
{
	const RfmFeature *f = &rfm->feature[feature];
	int			bin = segment_bin(x, f->cuts, rfm->bins - 1, f->closed_left);

	return feature == RFM_RECENCY ? rfm->bins - 1 - bin : bin;
}

static inline int
rfm_cell(const Rfm *rfm, int r, int f, int m)
{
	return (r * rfm->bins + f) * rfm->bins + m;
}

/* Room for three scores of two digits and two hyphens. */
#define RFM_CODE_SIZE 12
extern void segment_rfm_code(const Rfm *rfm, int r, int f, int m, char *code);

#endif							/* SEGMENT_RFM_H */
