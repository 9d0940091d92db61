/*
 * hypergeometric.h: Gauss's hypergeometric function.
 * See hypergeometric.c.
 */
#ifndef SEGMENT_HYPERGEOMETRIC_H
#define SEGMENT_HYPERGEOMETRIC_H

extern double segment_hypergeometric_rest(double a, double b, double c, double z);

#endif							/* SEGMENT_HYPERGEOMETRIC_H */
