/*
 * rfm.h: what an RFM model holds, and its scores.
 */
#ifndef SEGMENT_RFM_H
#define SEGMENT_RFM_H

#include "model/model.h"

#include <math.h>

#include "kernel/base/cut_points.h"

#define RFM_FEATURES	3		/* recency, frequency, monetary value: of every model */
#define RFM_MAX_FEATURES 4		/* and tenure, where the scheme asks for it */
#define RFM_MIN_BINS	2
#define RFM_MAX_CELLS	\
	(SEGMENT_MAX_BINS * SEGMENT_MAX_BINS * SEGMENT_MAX_BINS * SEGMENT_MAX_BINS)

typedef enum RfmFeatureNumber
{
	RFM_RECENCY,
	RFM_FREQUENCY,
	RFM_MONETARY,
	RFM_TENURE
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
	char	   *cuts;			/* how the cuts were found */
	char	   *scheme;			/* whose names the segments have */
	int			bins;			/* scores a feature can have */
	int			lowest_score;	/* 1, or 0 where the scheme counts from 0 */
	int			n_features;		/* 3, or 4 with tenure */
	RfmFeature	feature[RFM_MAX_FEATURES];
	int			no_orders;		/* number of the segment of who has no orders */
	int16		cells[RFM_MAX_CELLS];	/* segment number by rfm_cell() */
} Rfm;

extern const ModelKind segment_rfm_model_kind;
extern const char *const segment_rfm_feature_names[RFM_MAX_FEATURES];
extern const Rfm *segment_rfm_of(const Model *model);

/* Who never ordered has no scores: no recency, or no orders counted (law 14). */
static inline bool
rfm_has_orders(const double *features)
{
	return features[RFM_RECENCY] == features[RFM_RECENCY] && features[RFM_FREQUENCY] > 0;
}

/*
 * No order that counts, but money: only refunds came.  Somebody who gave goods
 * back is known, so this is not a prospect; see rfm_assign.
 */
static inline bool
rfm_has_refunds_only(const double *features)
{
	double		monetary = features[RFM_MONETARY];

	return features[RFM_FREQUENCY] == 0 && monetary == monetary && monetary != 0;
}

/* Whether a value that the segment needs is not known. */
static inline bool
rfm_lacks_value(const Rfm *rfm, const double *features)
{
	int			i;

	for (i = RFM_MONETARY; i < rfm->n_features; i++)
		if (features[i] != features[i])
			return true;
	return false;
}

/*
 * A score from 0; the longest known have the highest tenure; the most recent, most
 * frequent, highest spending have the highest.
 */
static inline int
rfm_score_from_zero(const Rfm *rfm, int feature, double x)
{
	const RfmFeature *f = &rfm->feature[feature];
	int			bin = segment_bin(x, f->cuts, rfm->bins - 1, f->closed_left);

	return feature == RFM_RECENCY ? rfm->bins - 1 - bin : bin;
}

/* ((r * bins) + f) * bins + m, and with tenure that * bins + t; scores from 0. */
static inline int
rfm_cell(const Rfm *rfm, const int *score)
{
	int			cell = 0;
	int			i;

	for (i = 0; i < rfm->n_features; i++)
		cell = cell * rfm->bins + score[i];
	return cell;
}

static inline int
rfm_n_cells(const Rfm *rfm)
{
	int			n = 1;
	int			i;

	for (i = 0; i < rfm->n_features; i++)
		n *= rfm->bins;
	return n;
}

/* Room for three scores of two digits and two hyphens. */
#define RFM_CODE_SIZE 12
extern void segment_rfm_code(const Rfm *rfm, int r, int f, int m, char *code);

/* rfm_scores.c */
extern Datum segment_rfm_codes(const Model *model, int segment);

#endif							/* SEGMENT_RFM_H */
