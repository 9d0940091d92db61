/*
 * narrow_sum.c: the oracle is the wide sum of exact_sum.c, which has one of its own.
 */
#include "kernel/base/narrow_sum.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/base/hash.h"
#include "kernel/vocabulary/decay.h"
#include "tap.h"

/* Room for all limbs, though mostly few are in use. */
typedef union Room
{
	SegmentNarrowSum sum;
	char		bytes[SEGMENT_NARROW_SIZE(SEGMENT_EXACT_LIMBS)];
} Room;

static void
widen(Room *room, SegmentLimbs more)
{
	Room		copy = *room;

	if (!segment_narrow_holds(&room->sum, more))
		segment_narrow_widen(&room->sum, segment_limbs_to_hold(&copy.sum, more), &copy.sum);
}

static void
add(Room *room, double x)
{
	widen(room, segment_limbs_of_double(x));
	segment_narrow_add(&room->sum, x);
}

static bool
equal(const Room *room, const SegmentExactSum *exact)
{
	SegmentExactSum wide;
	SegmentExactSum other = *exact;

	segment_narrow_to_exact(&room->sum, &wide);
	segment_exact_normalise(&other);
	return memcmp(wide.limb, other.limb, sizeof(wide.limb)) == 0;
}

/* Near 1, near some power of two, or anywhere. */
static double
any_number(int near)
{
	double		x = uniform() - 0.5;

	if (near == 0)
		return floor(x * 1e6) / 100;
	if (near == 1)
		return ldexp(x, -1060);
	do
		x = segment_bits_double(random64());
	while (!isfinite(x));
	return x;
}

static void
test_random(void)
{
	int			wrong = 0;
	int			back = 0;
	int			wide = 0;
	int			round;

	for (round = 0; round < 30000; round++)
	{
		Room		part[2] = {{{0}}, {{0}}};
		Room		again = {{0}};
		SegmentExactSum exact;
		SegmentLimbs limbs;
		int			n = (int) (random64() % 30);
		int			i;

		segment_exact_init(&exact);
		for (i = 0; i < n; i++)
		{
			double		x = i % 7 == 6 ? 0 : any_number(round % 3);

			add(&part[random64() % 2], x);
			segment_exact_add(&exact, x);
		}
		if (round % 3 == 0)
			wide = Max(wide, part[0].sum.n);
		limbs.from = part[1].sum.from;
		limbs.to = part[1].sum.from + part[1].sum.n;
		widen(&part[0], limbs);
		segment_narrow_merge(&part[0].sum, &part[1].sum);
		wrong += !equal(&part[0], &exact);
		limbs = segment_limbs_of_exact(&exact);
		segment_narrow_of_exact(&again.sum, limbs, &exact);
		back += !equal(&again, &exact);
		/* and goes on from there */
		add(&again, -1.5);
		segment_exact_add(&exact, -1.5);
		back += !equal(&again, &exact);
	}
	ok(wrong == 0, "parts merged are the wide sum");
	ok(back == 0, "a wide sum becomes a narrow one, to which can be added");
	ok(wide <= 6, "amounts of money take few limbs");
}

static void
test_decay(void)
{
	const int64 hour = INT64CONST(3600000000);
	double		worst = 0;
	int			i;

	for (i = 0; i < 100000; i++)
	{
		int64		age = (int64) (uniform() * (i % 2 == 0 ? 5 : 900) * (double) hour);
		__float128	exact = (__float128) age / hour;
		int			whole = (int) (age / hour);
		double		truth = ldexp(exp2((double) (whole - exact)), -whole);

		worst = Max(worst, fabs(segment_decayed(1, age, hour) / truth - 1));
	}
	ok(worst < 3 * DBL_EPSILON, "decay is as the library's power of two");
	ok(segment_decayed(12, 0, 7) == 12 && segment_decayed(12, 7, 7) == 6 && segment_decayed(-12, 21, 7) == -1.5,
	   "whole half-lives are exact");
	ok(segment_decayed(1, 1074, 1) == 0x1p-1074 && segment_decayed(1, 1076, 1) == 0 &&
	   segment_decayed(1e300, PG_INT64_MAX, 1) == 0 && segment_decayed(3, 1, PG_INT64_MAX) == 3,
	   "to where doubles end");
}

int
main(void)
{
	Room		sum = {{0}};
	Room		zero = {{0}};
	SegmentExactSum exact;
	int			i;

	for (i = 0; i < 3; i++)
		add(&sum, i == 1 ? 1 : i == 0 ? 1e100 : -1e100);
	segment_narrow_to_exact(&sum.sum, &exact);
	ok(segment_exact_value(&exact) == 1, "1e100 + 1 - 1e100 = 1");
	add(&sum, -1);
	segment_narrow_to_exact(&sum.sum, &exact);
	ok(segment_exact_value(&exact) == 0 && segment_limbs_of_exact(&exact).to == 0, "0 has no limbs");
	add(&zero, 0);
	ok(zero.sum.n == 0, "adding 0 takes none");
	memset(&sum, 0, sizeof(sum));
	add(&sum, DBL_MAX);
	add(&sum, DBL_MAX);
	segment_narrow_to_exact(&sum.sum, &exact);
	ok(isinf(segment_exact_value(&exact)), "past the range");
	test_random();
	test_decay();
	return done();
}
