/*
 * beta.h: the incomplete beta function, Student's t and the quantiles of t and the normal
 * distribution, with the same bits everywhere.  See beta.c.
 */
#ifndef SEGMENT_BETA_H
#define SEGMENT_BETA_H

extern double segment_beta_i(double a, double b, double x);
extern double segment_normal_p(double z);
extern double segment_student_p(double t, double df);
extern double segment_normal_width(double confidence);
extern double segment_student_width(double confidence, double df);

#endif							/* SEGMENT_BETA_H */
