/*
 * hypergeometric.h: Gauss's hypergeometric function, and the incomplete beta function.
 * See hypergeometric.c.
 */
#ifndef SEGMENT_HYPERGEOMETRIC_H
#define SEGMENT_HYPERGEOMETRIC_H

extern double segment_hypergeometric_rest(double a, double b, double c, double z);
extern double segment_beta_p(double a, double b, double x);

#endif							/* SEGMENT_HYPERGEOMETRIC_H */
