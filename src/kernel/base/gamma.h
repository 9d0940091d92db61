/*
 * gamma.h: the gamma function and what follows from it, with the same bits everywhere.
 * See gamma.c.
 */
#ifndef SEGMENT_GAMMA_H
#define SEGMENT_GAMMA_H

extern double segment_lgamma(double x);
extern double segment_digamma(double x);
extern double segment_gamma_p(double a, double x);
extern double segment_gamma_q(double a, double x);
extern double segment_erfc(double x);
extern double segment_chi_squared_p(double x, double df);
extern double segment_kolmogorov_p(double x);

#endif							/* SEGMENT_GAMMA_H */
