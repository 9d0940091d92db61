/*
 * beta.c: the incomplete beta function and Student's t compared with values of 20 digits, which
 * mpmath worked out with 40; quantiles with those of R 4.2.
 */
#include "kernel/base/beta.h"

#include <math.h>

#include "tap.h"

static const double incomplete[][4] = {
	{0.5, 0.5, 0.1, 0.20483276469913345754}, {2, 3, 0.4, 0.52480000000000003837},
	{10, 0.5, 0.9, 0.15164090963470996856}, {50, 60, 0.45, 0.46423529143060362867},
	{0.1, 5, 1e-05, 0.38685187798145923291}, {500, 0.5, 0.99, 0.0015273578790529890667}
};

static const double student[][3] = {
	{1, 1, 0.5}, {2.5, 3, 0.08770664700806554725}, {0.1, 30, 0.92100961179027115171},
	{12, 5, 0.000070894925171615226866}, {3.3, 494, 0.0010367112171606923529},
	{40, 4000, 1.3079005182172840016e-294}, {2, 1000000.0, 0.045500533851319208421},
	{1e-08, 7, 0.99999999230017098335}
};

static const double widths[][3] = {
	{0.95, 1, 12.7062047361746941}, {0.95, 3, 3.1824463052837078}, {0.99, 30, 2.7499956535672254},
	{0.9, 494, 1.6479440076885152}, {0.95, 1e6, 1.9599663568141066}, {0.95, 0, 1.9599639845400536},
	{0.99, 0, 2.5758293035488999}, {0.5, 0, 0.6744897501960817}
};

static bool
near(double a, double b, double tolerance)
{
	return fabs(a - b) <= tolerance * fabs(b);
}

int
main(void)
{
	int			i;

	for (i = 0; i < (int) lengthof(incomplete); i++)
		ok(near(segment_beta_i(incomplete[i][0], incomplete[i][1], incomplete[i][2]), incomplete[i][3], 1e-12),
		   "incomplete beta function");
	for (i = 0; i < (int) lengthof(student); i++)
		ok(near(segment_student_p(student[i][0], student[i][1]), student[i][2], student[i][1] > 1e5 ? 1e-9 : 1e-11) &&
		   segment_student_p(-student[i][0], student[i][1]) == segment_student_p(student[i][0], student[i][1]),
		   "Student's t");
	for (i = 0; i < (int) lengthof(widths); i++)
		ok(near(widths[i][1] == 0 ? segment_normal_width(widths[i][0])
				: segment_student_width(widths[i][0], widths[i][1]), widths[i][2], 1e-11), "quantiles");
	ok(isnan(segment_beta_i(0, 1, 0.5)) && isnan(segment_beta_i(1, 1, 2)) && isnan(segment_beta_i(1, NAN, 0.5)) &&
	   segment_beta_i(2, 3, 0) == 0 && segment_beta_i(2, 3, 1) == 1, "ends of the range");
	ok(isnan(segment_student_p(NAN, 3)) && isnan(segment_student_p(1, 0)) &&
	   segment_student_p(HUGE_VAL, 3) == 0 && segment_student_p(0, 3) == 1, "ends of Student's t");
	ok(isnan(segment_normal_width(1)) && isnan(segment_student_width(0, 3)) && isnan(segment_student_width(0.5, 0)),
	   "no such confidence");
	return done();
}
