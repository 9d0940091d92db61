/*
 * bgbb.h: the model BG/BB, of buying.c.  See bgbb.c.
 */
#ifndef SEGMENT_BGBB_H
#define SEGMENT_BGBB_H

#include "c.h"

#include "kernel/base/gamma.h"
#include "kernel/predict/buying.h"

/* ln B(a + i, b + j) - ln B(a, b) */
static inline double
segment_beta_step(double a, double b, double i, double j)
{
	return segment_lgamma(a + i) - segment_lgamma(a) + segment_lgamma(b + j) - segment_lgamma(b) +
		segment_lgamma(a + b) - segment_lgamma(a + b + i + j);
}

extern double segment_bgbb_likelihood(const SegmentHistories *histories, const double *p,
									  double *gradient);
extern double segment_bgbb_there(const double *p, const SegmentHistory *h);
extern double segment_bgbb_at_least(const double *p, const SegmentHistory *h, double n, double least,
									double enough, double *took);
extern double segment_bgbb_while_alive(const double *p, const SegmentHistory *h, double n);

#endif							/* SEGMENT_BGBB_H */
