/*
 * mixture_block.h: loops over a block of rows whose coordinates lie side by side.  See
 * mixture_block.c.
 */
#ifndef SEGMENT_MIXTURE_BLOCK_H
#define SEGMENT_MIXTURE_BLOCK_H

#include "c.h"

#include "kernel/base/lanes.h"

/* rows at a time: their coordinates should stay in the first or second cache */
#define SEGMENT_MIXTURE_BLOCK 256

/* places between coordinates: a power of two would put all into few sets of the cache */
#define SEGMENT_MIXTURE_STRIDE (SEGMENT_MIXTURE_BLOCK + SEGMENT_LANES)

extern void segment_mixture_substitute(const double *l, int i, double *y, double *distance);
extern void segment_mixture_weighted_sums(const double *w, const double *z, int n, double *sums);
extern double segment_mixture_sum(const double *x);
extern void segment_mixture_subtract(const double *pg_restrict x, double mean, double *pg_restrict z);
extern void segment_mixture_multiply(const double *pg_restrict a, const double *pg_restrict b,
									 double *pg_restrict product);
extern void segment_mixture_add_squares(const double *pg_restrict z, double factor,
										double *pg_restrict distance);
extern void segment_mixture_log_densities(double constant, double *distance);
extern void segment_mixture_shares(double *pg_restrict share, int k, const double *pg_restrict row_weight,
								   double *pg_restrict room);

#endif							/* SEGMENT_MIXTURE_BLOCK_H */
