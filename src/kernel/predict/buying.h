/*
 * buying.h: models of how customers buy until they stop, and of what they spend.
 * See buying.c.
 */
#ifndef SEGMENT_BUYING_H
#define SEGMENT_BUYING_H

#include "c.h"

#include "kernel/predict/maximum.h"

typedef enum SegmentBuyingModel
{
	SEGMENT_BGNBD,				/* r, alpha, a, b */
	SEGMENT_MBGNBD,				/* r, alpha, a, b */
	SEGMENT_PARETO_NBD,			/* r, alpha, s, beta */
	SEGMENT_BGBB,				/* alpha, beta, gamma, delta */
	SEGMENT_GAMMA_GAMMA			/* p, q, gamma */
} SegmentBuyingModel;

/* of BG/BB, in a history or to come: their terms are added up one by one */
#define SEGMENT_MOST_OPPORTUNITIES 100000.0

/*
 * What is known of customers with the same history.  Of gamma-gamma: `last` is the mean
 * value of x purchases.
 */
typedef struct SegmentHistory
{
	double		x;				/* purchases after the first; BG/BB: opportunities taken */
	double		last;			/* time of the last one since the first */
	double		length;			/* time the customer has been watched; BG/BB: opportunities */
	double		weight;			/* customers */
} SegmentHistory;

typedef struct SegmentHistories
{
	SegmentBuyingModel model;
	int64		n;				/* sorted by x */
	int64		stride;			/* each so-manieth counts alone */
	const SegmentHistory *history;
	SegmentInterrupted interrupted;
} SegmentHistories;

extern bool segment_history_valid(SegmentBuyingModel model, double x, double last, double length);
extern double segment_buying_likelihood(const void *histories, const double *parameter,
										double *gradient);
extern SegmentStatus segment_buying_fit(SegmentHistories *histories, SegmentMaximum *maximum);
extern double segment_buying_alive(SegmentBuyingModel model, const double *parameter,
								   const SegmentHistory *history);
/* interrupted: may be NULL; where it says so, the figure is NaN */
extern double segment_buying_expected(SegmentBuyingModel model, const double *parameter,
									  const SegmentHistory *history, double horizon,
									  SegmentInterrupted interrupted);
extern double segment_buying_at_least(SegmentBuyingModel model, const double *parameter,
									  const SegmentHistory *history, double horizon, double least,
									  SegmentInterrupted interrupted);
extern double segment_buying_wait(SegmentBuyingModel model, const double *parameter,
								  const SegmentHistory *history, double probability,
								  SegmentInterrupted interrupted);
extern double segment_spending_expected(const double *parameter, double x, double mean);

#endif							/* SEGMENT_BUYING_H */
