/*
 * exact_sum.c: sums without rounding.  The oracle is integer arithmetic: for
 * doubles that are multiples of 2^-40 below 2^50 in size, the sum and the sum
 * of squares fit into __int128.
 */
#include "exact_sums.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/base/hash.h"
#include "tap.h"

static double
sum_of(const double *x, int n)
{
	SegmentExactSum sum;
	int			i;

	segment_exact_init(&sum);
	for (i = 0; i < n; i++)
		segment_exact_add(&sum, x[i]);
	return segment_exact_value(&sum);
}

#define SUM(...) sum_of((const double[]) {__VA_ARGS__}, (int) (sizeof((const double[]) {__VA_ARGS__}) / sizeof(double)))

/* Any finite double, all exponents alike. */
static double
any_double(void)
{
	double		x;

	do
		x = segment_bits_double(random64());
	while (!isfinite(x));
	return x;
}

static void
test_known(void)
{
	SegmentExactSum sum;
	int			i;

	segment_exact_init(&sum);
	ok(segment_exact_value(&sum) == 0 && !signbit(segment_exact_value(&sum)), "nothing sums to 0");
	ok(SUM(1e100, 1, -1e100) == 1, "1e100 + 1 - 1e100 = 1");
	ok(SUM(DBL_MAX, DBL_MAX, -DBL_MAX) == DBL_MAX, "past the range and back");
	ok(SUM(DBL_MAX, DBL_MAX) == HUGE_VAL, "past the range: infinity");
	ok(SUM(-DBL_MAX, -DBL_MAX) == -HUGE_VAL, "past the range: minus infinity");
	ok(SUM(5e-324, 5e-324) == 1e-323, "subnormals");
	ok(SUM(DBL_MIN, -5e-324) == DBL_MIN - 5e-324, "across the smallest normal number");
	ok(SUM(1, 0x1p-53) == 1, "a tie goes to the even neighbour: down");
	ok(SUM(1 + 0x1p-52, 0x1p-53) == 1 + 0x1p-51, "a tie goes to the even neighbour: up");
	ok(SUM(1, 0x1p-53, 5e-324) == 1 + 0x1p-52, "just above a tie");
	ok(SUM(1, 0x1p-53, -5e-324) == 1, "just below a tie");
	ok(SUM(-1, -0x1p-53, -5e-324) == -1 - 0x1p-52, "just above a tie, negative");
	ok(SUM(DBL_MAX, 0x1p969) == DBL_MAX, "below half a unit past the largest");
	ok(SUM(DBL_MAX, 0x1p970) == HUGE_VAL, "half a unit past the largest rounds to infinity");
	ok(SUM(0.1, 0.2, -0.3) == 0x1p-55, "0.1 + 0.2 - 0.3 as the doubles are");

	segment_exact_init(&sum);
	for (i = 0; i < 3000000; i++)
		segment_exact_add(&sum, -1 + 0x1p-53);
	ok(segment_exact_value(&sum) == -3000000 + 3000000 * 0x1p-53, "three million additions, carries and all");
}

static void
test_integers(void)
{
	bool		sums = true;
	bool		squares = true;
	bool		moments = true;
	int			round;

	for (round = 0; round < 300; round++)
	{
		SegmentExactSum sum;
		SegmentExactSum square;
		SegmentExactSum moment;
		__int128	total = 0;
		__int128	total_square = 0;
		__int128	total_moment = 0;
		int			n = 1 + (int) (random64() % 200);
		int			i;

		segment_exact_init(&sum);
		segment_exact_init(&square);
		segment_exact_init(&moment);
		for (i = 0; i < n; i++)
		{
			int64		m = (int64) (random64() >> 12) - (INT64CONST(1) << 51);
			int64		small = (int64) (random64() >> 34) - (1 << 29);
			int64		copies = (int64) (random64() % 1000) + 1;
			int64		weight = (int64) (random64() % 4096);

			total += m;
			segment_exact_add(&sum, ldexp((double) m, -40));
			total_square += (__int128) m * m;
			segment_exact_add_product(&square, ldexp((double) m, -40), ldexp((double) m, -40), 0);
			total_moment += (__int128) copies * weight * small * small;
			segment_exact_add_moment(&moment, (double) copies, ldexp((double) weight, -12),
									 ldexp((double) small, 20), 2);
		}
		/* a conversion from __int128 rounds once, to nearest even */
		if (segment_exact_value(&sum) != ldexp((double) total, -40))
			sums = false;
		if (segment_exact_value(&square) != ldexp((double) total_square, -80))
			squares = false;
		if (segment_exact_value(&moment) != ldexp((double) total_moment, 28))
			moments = false;
	}
	ok(sums, "sums are those of integers");
	ok(squares, "sums of squares are those of integers");
	ok(moments, "sums of copies * weight * value^2 are those of integers");
}

static void
test_order(void)
{
	static double x[2000];
	SegmentExactSum forward;
	SegmentExactSum backward;
	SegmentExactSum parts[7];
	SegmentExactSum merged;
	SegmentExactSum before;
	int			n = (int) lengthof(x);
	int			i;

	for (i = 0; i < n; i++)
		x[i] = any_double();
	segment_exact_init(&forward);
	segment_exact_init(&backward);
	segment_exact_init(&merged);
	for (i = 0; i < 7; i++)
		segment_exact_init(&parts[i]);
	for (i = 0; i < n; i++)
	{
		segment_exact_add(&forward, x[i]);
		segment_exact_add(&backward, x[n - 1 - i]);
		segment_exact_add(&parts[random64() % 7], x[i]);
	}
	before = parts[3];
	for (i = 6; i >= 0; i--)
		segment_exact_merge(&merged, &parts[i]);
	ok(same_limbs(forward, backward), "the same limbs forwards and backwards");
	ok(same_limbs(forward, merged), "the same limbs from seven parts");
	ok(memcmp(&before, &parts[3], sizeof(before)) == 0, "merging leaves its right operand alone");
	for (i = 0; i < n; i++)
		segment_exact_add(&forward, -x[i]);
	ok(segment_exact_value(&forward) == 0, "everything subtracted again: 0");

	/* the mean of squares of any double, as of its mantissa */
	{
		bool		exact = true;

		for (i = 0; i < 2000; i++)
		{
			double		a = any_double();
			double		b = any_double();
			SegmentExactSum sum;
			int			e1;
			int			e2;
			double		p = frexp(a, &e1) * frexp(b, &e2);

			/* the product of the mantissas, rounded once, if nothing over- or underflows */
			if (e1 + e2 > 1020 || e1 + e2 < -960)
				continue;
			segment_exact_init(&sum);
			segment_exact_add_product(&sum, a, b, 0);
			exact = exact && segment_exact_value(&sum) == ldexp(p, e1 + e2);
			segment_exact_init(&sum);
			segment_exact_add_product(&sum, a, b, 7);
			exact = exact && segment_exact_value(&sum) == ldexp(p, e1 + e2 + 7);
		}
		ok(exact, "a product of any two doubles is rounded once");
	}
	/* moments at the edges: no over- or underflow inside */
	{
		SegmentExactSum sum;

		segment_exact_init(&sum);
		segment_exact_add_moment(&sum, 1, 1, DBL_MAX, 2);
		segment_exact_add_moment(&sum, 1, 1, 5e-324, 2);
		segment_exact_add_moment(&sum, 9007199254740992.0, DBL_MAX, DBL_MAX, 2);
		segment_exact_add_moment(&sum, 9007199254740992.0, 5e-324, 5e-324, 2);
		ok(segment_exact_value(&sum) == HUGE_VAL, "largest and smallest moments stay in the limbs");
		segment_exact_init(&sum);
		segment_exact_add_moment(&sum, 4, 0.5, -3, 1);
		ok(segment_exact_value(&sum) == -6, "4 * 0.5 * -3");
		segment_exact_init(&sum);
		segment_exact_add_moment(&sum, 4, 0, DBL_MAX, 2);
		segment_exact_add_moment(&sum, 4, 1, 0, 2);
		ok(segment_exact_value(&sum) == 0, "weight 0 and value 0 add nothing");
	}
}

int
main(void)
{
	test_known();
	test_integers();
	test_order();
	return done();
}
