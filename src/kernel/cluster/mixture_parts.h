/*
 * mixture_parts.h: what the files of mixtures share.
 */
#ifndef SEGMENT_MIXTURE_PARTS_H
#define SEGMENT_MIXTURE_PARTS_H

#include "c.h"

#include "kernel/base/cholesky.h"
#include "kernel/cluster/mixture.h"

/* A squared distance is at most this, so that differences of logarithms stay finite. */
#define SEGMENT_FARTHEST 1e300

extern SegmentCholesky segment_mixture_prepare_component(SegmentMixture *mixture, int c,
														 SegmentInterrupted interrupted);

/* mixture_start.c */
extern SegmentStatus segment_mixture_start(const SegmentPoints *points,
										   const SegmentMixtureOptions *options, int number,
										   SegmentMixtureFit *fit, SegmentMemory memory);

/* mixture_moves.c */
extern SegmentStatus segment_mixture_move(const SegmentPoints *points,
										  const SegmentMixtureOptions *options,
										  SegmentMixtureFit *best, SegmentMemory memory);

/* Where the covariance or factor of a component begins. */
static inline double *
segment_mixture_part(const SegmentMixture *mixture, double *parts, int component)
{
	switch (mixture->kind)
	{
		case SEGMENT_FULL:
			return parts + component * SEGMENT_TRIANGLE(mixture->d);
		case SEGMENT_DIAG:
			return parts + (size_t) component * mixture->d;
		case SEGMENT_SPHERICAL:
			return parts + component;
		case SEGMENT_TIED:
			break;
	}
	return parts;
}

#endif							/* SEGMENT_MIXTURE_PARTS_H */
