/*
 * mixture.h: mixtures of normal distributions.  See mixture.c; for how they are
 * fitted, mixture_fit.c, mixture_start.c and mixture_moves.c.
 */
#ifndef SEGMENT_MIXTURE_H
#define SEGMENT_MIXTURE_H

#include "c.h"

#include "kernel/base/points.h"
#include "kernel/cluster/clustering.h"

/* What the covariance matrices of the components may be. */
typedef enum SegmentCovariance
{
	SEGMENT_FULL,				/* one matrix for each */
	SEGMENT_TIED,				/* one for all */
	SEGMENT_DIAG,				/* each its own variances, no correlation */
	SEGMENT_SPHERICAL			/* each one variance for all coordinates */
} SegmentCovariance;

typedef struct SegmentMixture
{
	SegmentCovariance kind;
	int			k;				/* components */
	int			d;				/* coordinates, at least 1 */
	double	   *weight;			/* k: share of each component, sum 1; 0 is allowed */
	double	   *mean;			/* k x d */
	double	   *covariance;		/* by kind; see segment_mixture_covariance_size */

	/* worked out from these by segment_mixture_prepare */
	double	   *factor;			/* as large: Cholesky factors, the diagonal inverted; or 1 / deviation */
	double	   *constant;		/* k: ln of weight times density at the mean */
} SegmentMixture;

typedef struct SegmentMixtureOptions
{
	SegmentCovariance kind;
	int			k;				/* at most the number of points */
	int			n_init;			/* starts; the best likelihood wins */
	int			max_iter;		/* steps of each */
	double		tol;			/* stop when the mean log-likelihood gains less in a step */
	double		reg_covar;		/* added to variances, as a share of the variance of all points */
	uint64		seed;
	const struct SegmentMixtureFit *rival;	/* end when this is not going to be reached; NULL: none */
	SegmentInterrupted interrupted;
} SegmentMixtureOptions;

typedef struct SegmentMixtureFit
{
	SegmentMixture mixture;
	double		log_likelihood; /* weighted sum over all points, of the coordinates as they are */
	int			iterations;		/* of the winning start and the moves kept after it */
	bool		converged;		/* it ended by tol, not by max_iter */
	int			n_collapsed;	/* components without rows, or flat, which had to be kept open */
} SegmentMixtureFit;

extern uint64 segment_mixture_covariance_size(SegmentCovariance kind, int k, int d);
extern double segment_mixture_parameters(SegmentCovariance kind, int k, int d);
extern void segment_mixture_init(SegmentMixture *mixture, SegmentCovariance kind, int k, int d,
								 SegmentMemory memory);
extern void segment_mixture_free(SegmentMixture *mixture, SegmentMemory memory);
extern bool segment_mixture_prepare(SegmentMixture *mixture, SegmentInterrupted interrupted,
									int *not_positive);
extern int	segment_mixture_place(const SegmentMixture *mixture, const double *x, double *room,
								  double *log_density);
extern double segment_mixture_probabilities(const SegmentMixture *mixture, double *log_density);
extern double segment_mixture_distance(const SegmentMixture *mixture, int component,
									   const double *x, double *room);
extern void segment_mixture_contributions(const SegmentMixture *mixture, int component,
										  const double *x, double *room, double *contribution);

extern SegmentStatus segment_mixture_em(const SegmentPoints *points, int64 n,
										const SegmentMixtureOptions *options, const int32 *labels,
										SegmentMixtureFit *fit, SegmentMemory memory);
extern SegmentStatus segment_mixture_fit(const SegmentPoints *points,
										 const SegmentMixtureOptions *options,
										 SegmentMixtureFit *fit, SegmentMemory memory);

/* mixture_method.c */
extern const SegmentClusterMethod segment_mixture_method;

#endif							/* SEGMENT_MIXTURE_H */
