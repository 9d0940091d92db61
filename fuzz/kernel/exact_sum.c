/*
 * Fuzz target: exact sums.
 *
 * The input is a list of addends: numbers, products, moments.  Their sum must be
 * the same limbs forwards, backwards and merged from parts; the double it is
 * rounded to must be the nearest (no neighbour is nearer, a tie is even); and
 * where all addends are integers times one power of two, it must be the sum that
 * 128-bit integers give.
 */
#include "bytes.h"

#include <float.h>
#include <string.h>

#include "../../test/unit/exact_sums.h"

#define MAX_ADDENDS 200
#define MAX_PARTS	4

typedef enum AddendKind
{
	NUMBER,
	PRODUCT,
	MOMENT
} AddendKind;

typedef struct Addend
{
	AddendKind	kind;
	double		x;				/* the number, a factor, or the value of a moment */
	double		y;				/* a factor, or the weight of a moment */
	double		copies;			/* of a moment: a whole number up to 2^53 */
	int			power;			/* of a moment: 1 or 2; of a product: its exponent */
} Addend;

static void
add(SegmentExactSum *sum, const Addend *addend, double sign)
{
	switch (addend->kind)
	{
		case NUMBER:
			segment_exact_add(sum, sign * addend->x);
			break;
		case PRODUCT:
			segment_exact_add_product(sum, sign * addend->x, addend->y, addend->power);
			break;
		case MOMENT:
			/* a square has no sign to turn, its number of copies has */
			segment_exact_add_moment(sum, sign * addend->copies, addend->y, addend->x, addend->power);
			break;
	}
}

static int
sign_of(SegmentExactSum sum)
{
	int			i;

	segment_exact_normalise(&sum);
	if (sum.limb[SEGMENT_EXACT_LIMBS - 1] < 0)
		return -1;
	for (i = 0; i < SEGMENT_EXACT_LIMBS; i++)
		if (sum.limb[i] != 0)
			return 1;
	return 0;
}

/* Where the sum lies against the middle of two neighbouring doubles: -1, 0, 1. */
static int
against_middle(const SegmentExactSum *sum, double a, double b)
{
	SegmentExactSum twice = *sum;

	segment_exact_merge(&twice, sum);
	segment_exact_add(&twice, -a);
	segment_exact_add(&twice, -b);
	return sign_of(twice);
}

static void
check_rounding(const SegmentExactSum *sum)
{
	double		value = segment_exact_value(sum);
	bool		even = (segment_double_bits(value) & 1) == 0;

	require(!isnan(value));
	if (isinf(value))
	{
		SegmentExactSum beyond = *sum;
		double		sign = value > 0 ? 1 : -1;

		/* half a unit beyond the largest double, where a tie is rounded up */
		segment_exact_add(&beyond, -sign * DBL_MAX);
		segment_exact_add(&beyond, -sign * 0x1p970);
		require(sign_of(beyond) * sign >= 0);
		return;
	}
	if (value < DBL_MAX)
		require(against_middle(sum, value, nextafter(value, HUGE_VAL)) <= (even ? 0 : -1));
	if (value > -DBL_MAX)
		require(against_middle(sum, value, nextafter(value, -HUGE_VAL)) >= (even ? 0 : 1));
	require((value > 0) - (value < 0) == sign_of(*sum) || value == 0);
}

static void
check_integers(Bytes *in)
{
	int			exponent = (int) take_bytes(in, 2) % 900 - 450;
	int			n = 1 + take_below(in, 100);
	__int128	total = 0;
	__int128	squares = 0;
	SegmentExactSum sum;
	SegmentExactSum square;

	segment_exact_init(&sum);
	segment_exact_init(&square);
	while (n-- > 0)
	{
		int64		x = (int32) take_bytes(in, 4);
		int64		copies = (int64) take_bytes(in, 2);

		total += x;
		squares += (__int128) copies * x * x;
		segment_exact_add(&sum, ldexp((double) x, exponent));
		segment_exact_add_moment(&square, (double) copies, 1, ldexp((double) x, exponent), 2);
	}
	/* converting a 128-bit integer rounds once, to the nearest, ties to even */
	require(segment_exact_value(&sum) == ldexp((double) total, exponent));
	if (exponent >= -400 && exponent <= 400)
		require(segment_exact_value(&square) == ldexp((double) squares, 2 * exponent));
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static Addend addend[MAX_ADDENDS];
	Bytes		in = {data, size};
	SegmentExactSum forwards;
	SegmentExactSum backwards;
	SegmentExactSum parts[MAX_PARTS];
	SegmentExactSum merged;
	int			n;
	int			i;

	if (take_below(&in, 4) == 0)
	{
		check_integers(&in);
		return 0;
	}

	for (n = 0; n < MAX_ADDENDS && in.left > 0; n++)
	{
		addend[n].kind = (AddendKind) take_below(&in, 3);
		addend[n].x = take_finite(&in);
		addend[n].y = addend[n].copies = 0;
		addend[n].power = 0;
		if (addend[n].kind == NUMBER)
			continue;
		addend[n].y = take_finite(&in);
		if (addend[n].kind == PRODUCT)
		{
			addend[n].power = (int) take_bytes(&in, 2) % 2001 - 1000;
			continue;
		}
		addend[n].y = fabs(addend[n].y);
		addend[n].copies = (double) (1 + take_bytes(&in, 7) % (UINT64CONST(1) << 53));
		addend[n].power = 1 + take_below(&in, 2);
	}

	segment_exact_init(&forwards);
	segment_exact_init(&backwards);
	segment_exact_init(&merged);
	for (i = 0; i < MAX_PARTS; i++)
		segment_exact_init(&parts[i]);
	for (i = 0; i < n; i++)
	{
		add(&forwards, &addend[i], 1);
		add(&backwards, &addend[n - 1 - i], 1);
		add(&parts[size * (i + 7) % 11 % MAX_PARTS], &addend[i], 1);
		if (i % 5 == 2)
			segment_exact_normalise(&backwards);
	}
	for (i = 0; i < MAX_PARTS; i++)
		segment_exact_merge(&merged, &parts[i]);
	require(same_limbs(forwards, backwards));
	require(same_limbs(forwards, merged));
	check_rounding(&forwards);

	for (i = 0; i < n; i++)
		add(&forwards, &addend[i], -1);
	require(sign_of(forwards) == 0);
	require(segment_exact_value(&forwards) == 0);
	return 0;
}
