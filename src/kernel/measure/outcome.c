/*
 * outcome.c: what customers did, added up without rounding: for rates two counts, else the
 * sums of values and of products of two values, from which mean, variance and covariance of
 * any union of customers follow.
 *
 * Law 3: sums are exact, so no order of rows and no way of merging shows, and
 *
 *		(n sum xy - sum x sum y) / (n (n - 1))
 *
 * is rounded only after the difference was taken: an offset of 1e9, or 1e200, costs no digit.
 *
 * Each sum has only the limbs that its addends reach (narrow_sum.c), one behind the other.
 * Where an addend needs others, the caller gives room for a wider copy: at first for most
 * rows, then hardly ever, as values of customers are of similar size.
 */
#include "kernel/measure/outcome.h"

#include <math.h>
#include <string.h>

/*
 * The lowest limbs that doubles and products of two reach: products of sums that reach lower
 * would leave those of exact_sum.c.
 */
#define LOWEST_LIMB			((SEGMENT_EXACT_BIAS - 1074) / 32)
#define LOWEST_PRODUCT		((SEGMENT_EXACT_BIAS - 2148) / 32)

/* powers of two that no double reaches, and no square of one with a variance added */
#define DOUBLE_BITS			1024
#define PRODUCT_BITS		2049

static inline const SegmentNarrowSum *
next_sum(const SegmentNarrowSum *sum)
{
	return (const SegmentNarrowSum *) ((const char *) sum + SEGMENT_NARROW_SIZE(sum->n));
}

static inline SegmentNarrowSum *
next_own_sum(SegmentNarrowSum *sum)
{
	return (SegmentNarrowSum *) ((char *) sum + SEGMENT_NARROW_SIZE(sum->n));
}

static inline int
sums_of(int n_values)
{
	return n_values * (n_values + 3) / 2;
}

int
segment_outcome_sums(const SegmentOutcome *outcome)
{
	return sums_of(outcome->n_values);
}

size_t
segment_outcome_size(const SegmentOutcome *outcome)
{
	const SegmentNarrowSum *sum = &outcome->first;
	int			i;

	for (i = 0; i < segment_outcome_sums(outcome); i++)
		sum = next_sum(sum);
	return (size_t) ((const char *) sum - (const char *) outcome);
}

/* ---- rows ---- */

size_t
segment_outcome_empty_size(int n_values)
{
	return offsetof(SegmentOutcome, first) + sums_of(n_values) * SEGMENT_NARROW_SIZE(0);
}

/* Nobody yet; vl_len_ is left to the caller. */
void
segment_outcome_init(SegmentOutcome *outcome, SegmentOutcomeKind kind, int n_values)
{
	memset((char *) outcome + sizeof(outcome->vl_len_), 0,
		   segment_outcome_empty_size(n_values) - sizeof(outcome->vl_len_));
	outcome->kind = kind;
	outcome->n_values = n_values;
}

/* One value a row, as most have it. */
static bool
add_value(SegmentOutcome *outcome, double x)
{
	SegmentNarrowSum *sum = &outcome->first;
	SegmentNarrowSum *squares = next_own_sum(sum);

	if (!segment_narrow_holds(sum, segment_limbs_of_double(x)) ||
		!segment_narrow_holds(squares, segment_limbs_of_product(x, x)))
		return false;
	segment_narrow_add(sum, x);
	segment_narrow_add_product(squares, x, x);
	outcome->n++;
	return true;
}

/* Adds a customer's finite values; false, and nothing done, where the sums lack limbs. */
bool
segment_outcome_add(SegmentOutcome *outcome, const double *row)
{
	SegmentNarrowSum *sum = &outcome->first;
	const SegmentNarrowSum *room = sum;
	int			i;
	int			j;

	if (outcome->n_values == 1)
		return add_value(outcome, row[0]);
	for (i = 0; i < outcome->n_values; i++, room = next_sum(room))
		if (!segment_narrow_holds(room, segment_limbs_of_double(row[i])))
			return false;
	for (i = 0; i < outcome->n_values; i++)
		for (j = 0; j <= i; j++, room = next_sum(room))
			if (!segment_narrow_holds(room, segment_limbs_of_product(row[i], row[j])))
				return false;

	for (i = 0; i < outcome->n_values; i++, sum = next_own_sum(sum))
		segment_narrow_add(sum, row[i]);
	for (i = 0; i < outcome->n_values; i++)
		for (j = 0; j <= i; j++, sum = next_own_sum(sum))
			segment_narrow_add_product(sum, row[i], row[j]);
	outcome->n++;
	return true;
}

/* Adds the customers of another one of the same kind; false, and nothing done, as above. */
bool
segment_outcome_merge(SegmentOutcome *into, const SegmentOutcome *from)
{
	SegmentNarrowSum *sum = &into->first;
	const SegmentNarrowSum *room = sum;
	const SegmentNarrowSum *other = &from->first;
	int			i;

	for (i = 0; i < segment_outcome_sums(into); i++, room = next_sum(room), other = next_sum(other))
	{
		SegmentLimbs limbs = {other->from, other->from + other->n};

		if (!segment_narrow_holds(room, limbs))
			return false;
	}
	other = &from->first;
	for (i = 0; i < segment_outcome_sums(into); i++, sum = next_own_sum(sum), other = next_sum(other))
		segment_narrow_merge(sum, other);
	into->n += from->n;
	into->skipped += from->skipped;
	into->successes += from->successes;
	return true;
}

/* ---- room ---- */

/* The limbs that a row needs; limbs: one for each sum. */
void
segment_outcome_limbs_of_row(const SegmentOutcome *outcome, const double *row, SegmentLimbs *limbs)
{
	int			i;
	int			j;

	for (i = 0; i < outcome->n_values; i++)
		*limbs++ = segment_limbs_of_double(row[i]);
	for (i = 0; i < outcome->n_values; i++)
		for (j = 0; j <= i; j++)
			*limbs++ = segment_limbs_of_product(row[i], row[j]);
}

void
segment_outcome_limbs(const SegmentOutcome *outcome, SegmentLimbs *limbs)
{
	const SegmentNarrowSum *sum = &outcome->first;
	int			i;

	for (i = 0; i < segment_outcome_sums(outcome); i++, sum = next_sum(sum))
	{
		limbs[i].from = sum->from;
		limbs[i].to = sum->from + sum->n;
	}
}

/* The size with these limbs, too, which become those of both. */
size_t
segment_outcome_wide_size(const SegmentOutcome *outcome, SegmentLimbs *limbs)
{
	const SegmentNarrowSum *sum = &outcome->first;
	size_t		size = offsetof(SegmentOutcome, first);
	int			i;

	for (i = 0; i < segment_outcome_sums(outcome); i++, sum = next_sum(sum))
	{
		limbs[i] = segment_limbs_to_hold(sum, limbs[i]);
		size += SEGMENT_NARROW_SIZE(limbs[i].to - limbs[i].from);
	}
	return size;
}

/* limbs: as segment_outcome_wide_size left them; vl_len_ is left to the caller. */
void
segment_outcome_widen(SegmentOutcome *wide, const SegmentLimbs *limbs, const SegmentOutcome *outcome)
{
	const SegmentNarrowSum *from = &outcome->first;
	SegmentNarrowSum *sum = &wide->first;
	int			i;

	memcpy((char *) wide + sizeof(wide->vl_len_), (const char *) outcome + sizeof(wide->vl_len_),
		   offsetof(SegmentOutcome, first) - sizeof(wide->vl_len_));
	for (i = 0; i < segment_outcome_sums(outcome); i++, sum = next_own_sum(sum), from = next_sum(from))
		segment_narrow_widen(sum, limbs[i], from);
}

/* ---- the one form of equal sums ---- */

/* exact: one for each sum. */
void
segment_outcome_to_exact(const SegmentOutcome *outcome, SegmentExactSum *exact)
{
	const SegmentNarrowSum *sum = &outcome->first;
	int			i;

	for (i = 0; i < segment_outcome_sums(outcome); i++, sum = next_sum(sum))
		segment_narrow_to_exact(sum, &exact[i]);
}

size_t
segment_outcome_canonical_size(int n_values, SegmentExactSum *exact)
{
	size_t		size = segment_outcome_empty_size(n_values);
	int			i;

	for (i = 0; i < sums_of(n_values); i++)
	{
		SegmentLimbs limbs = segment_limbs_of_exact(&exact[i]);

		size += sizeof(int64) * (limbs.to - limbs.from);
	}
	return size;
}

/* With counts of 0; vl_len_ is left to the caller. */
void
segment_outcome_of_exact(SegmentOutcome *outcome, SegmentOutcomeKind kind, int n_values,
						 SegmentExactSum *exact)
{
	SegmentNarrowSum *sum = &outcome->first;
	int			i;

	outcome->kind = kind;
	outcome->n_values = n_values;
	outcome->n = outcome->skipped = outcome->successes = 0;
	for (i = 0; i < sums_of(n_values); i++, sum = next_own_sum(sum))
		segment_narrow_of_exact(sum, segment_limbs_of_exact(&exact[i]), &exact[i]);
}

/* ---- what follows ---- */

/* n sum xy - sum x sum y */
static void
centred(SegmentExactSum *result, int64 n, const SegmentNarrowSum *xy, const SegmentExactSum *x,
		const SegmentExactSum *y)
{
	SegmentExactSum sum;

	segment_exact_init(result);
	segment_narrow_to_exact(xy, &sum);
	segment_exact_add_multiple(result, &sum, (double) (n >> 32) * 4294967296.0);
	segment_exact_add_multiple(result, &sum, (double) (n & INT64CONST(0xFFFFFFFF)));
	segment_exact_add_sum_product(result, x, y, true);
}

/* Whether a sum lies within -n 2^bits and n 2^bits, and has no limb below the lowest. */
static bool
within(const SegmentNarrowSum *sum, int64 n, int lowest, int bits)
{
	int			sign;

	if (sum->n == 0)
		return true;
	if (sum->from < lowest)
		return false;
	for (sign = -1; sign <= 1; sign += 2)
	{
		SegmentExactSum rest;
		SegmentExactSum exact;

		segment_narrow_to_exact(sum, &exact);
		segment_exact_init(&rest);
		segment_exact_add_product(&rest, (double) n, 1, bits);
		segment_exact_add_multiple(&rest, &exact, sign);
		if (segment_exact_value(&rest) < 0)
			return false;
	}
	return true;
}

/*
 * Whether customers can have such sums: within what so many doubles reach, and no variance
 * below 0.  What is plausible is so together, too.
 */
bool
segment_outcome_plausible(const SegmentOutcome *outcome)
{
	const SegmentNarrowSum *sum = &outcome->first;
	SegmentExactSum of_value[SEGMENT_OUTCOME_VALUES];
	int			i;
	int			j;

	if (outcome->n < 0 || outcome->skipped < 0 || outcome->successes < 0 ||
		outcome->n > SEGMENT_OUTCOME_MOST || outcome->skipped > SEGMENT_OUTCOME_MOST ||
		outcome->successes > outcome->n)
		return false;
	for (i = 0; i < outcome->n_values; i++, sum = next_sum(sum))
	{
		if (!within(sum, outcome->n, LOWEST_LIMB, DOUBLE_BITS))
			return false;
		segment_narrow_to_exact(sum, &of_value[i]);
	}
	for (i = 0; i < outcome->n_values; i++)
		for (j = 0; j <= i; j++, sum = next_sum(sum))
		{
			SegmentExactSum result;

			if (!within(sum, outcome->n, LOWEST_PRODUCT, PRODUCT_BITS))
				return false;
			if (i != j)
				continue;
			centred(&result, outcome->n, sum, &of_value[i], &of_value[i]);
			if (segment_exact_value(&result) < 0)
				return false;
		}
	return true;
}

/* False: a mean or covariance is beyond double precision. */
bool
segment_outcome_moments(const SegmentOutcome *outcome, SegmentMomentsOfOutcome *moments)
{
	const SegmentNarrowSum *sum = &outcome->first;
	SegmentExactSum of_value[SEGMENT_OUTCOME_VALUES];
	double		n = (double) outcome->n;
	int			i;
	int			j;

	memset(moments, 0, sizeof(*moments));
	moments->kind = (SegmentOutcomeKind) outcome->kind;
	moments->n_values = outcome->n_values;
	moments->n = n;
	moments->successes = (double) outcome->successes;
	if (outcome->n == 0)
		return true;
	for (i = 0; i < outcome->n_values; i++, sum = next_sum(sum))
	{
		segment_narrow_to_exact(sum, &of_value[i]);
		moments->mean[i] = segment_exact_value(&of_value[i]) / n;
		if (!isfinite(moments->mean[i]))
			return false;
	}
	for (i = 0; i < outcome->n_values; i++)
		for (j = 0; j <= i; j++, sum = next_sum(sum))
		{
			SegmentExactSum result;
			double		covariance;

			if (outcome->n < 2)
				continue;
			centred(&result, outcome->n, sum, &of_value[i], &of_value[j]);
			covariance = segment_exact_value(&result) / n / (n - 1);
			/* a variance so small that doubles lose its digits would pass for none */
			if (!isfinite(covariance) ||
				(i == j && fabs(covariance) < 0x1p-1022 && segment_limbs_of_exact(&result).to > 0))
				return false;
			moments->covariance[i][j] = moments->covariance[j][i] = covariance;
		}
	return true;
}
