/*
 * maximum.c: the greatest likelihood of a model with a few positive parameters, and how
 * sharply it is a maximum.
 *
 * The search is that of Broyden, Fletcher, Goldfarb and Shanno over the logarithms of the
 * parameters, which a change of the unit of time only shifts (law 4), within bounds.  The
 * likelihood is divided by the weight of the rows, so that tolerances mean the same for ten
 * rows and ten millions.  segment_maximum_errors() ends with steps of Newton, with
 * second derivatives that are central differences of the analytic first ones; they
 * give the standard errors, too.
 *
 * References: Nocedal and Wright, Numerical Optimization, 6.1, 16.7.
 */
#include "kernel/predict/maximum.h"

#include "kernel/base/elementary.h"

#define N				SEGMENT_MAX_PARAMETERS
#define MOST_STEPS		200
#define MOST_HALVINGS	20
#define MOST_IDLE		3		/* steps that win next to nothing, one after the other */
#define SMALL_GRADIENT	1e-8	/* of a row's share, by the logarithm of a parameter */
#define NOISE			1e-13	/* of a value of the likelihood, as a share */
#define DIFFERENCE		1e-4
#define FLAT			1e-9	/* a curvature below this share of the parameter's own is none */

/* A point of the search: logarithms of parameters, what is minimised there, its gradient. */
typedef struct Point
{
	double		at[N];
	double		value;
	double		gradient[N];
} Point;

typedef struct Search
{
	SegmentLikelihood likelihood;
	const void *data;
	SegmentMaximum *maximum;
	double		low[N];
	double		high[N];
} Search;

static void
evaluate(const Search *search, Point *point)
{
	double		parameter[N];
	double		gradient[N];
	int			i;

	for (i = 0; i < search->maximum->n; i++)
		parameter[i] = segment_exp(point->at[i]);
	point->value = -search->likelihood(search->data, parameter, gradient) / search->maximum->weight;
	for (i = 0; i < search->maximum->n; i++)
		point->gradient[i] = -gradient[i] * parameter[i] / search->maximum->weight;
}

static void
begin(Search *search, SegmentLikelihood likelihood, const void *data, SegmentMaximum *maximum,
	  Point *point)
{
	int			i;

	search->likelihood = likelihood;
	search->data = data;
	search->maximum = maximum;
	for (i = 0; i < maximum->n; i++)
	{
		search->low[i] = segment_log(maximum->lower[i]);
		search->high[i] = segment_log(maximum->upper[i]);
		point->at[i] = Min(Max(segment_log(maximum->parameter[i]), search->low[i]), search->high[i]);
	}
	evaluate(search, point);
}

/* Whether a parameter is on a bound that its gradient would have it cross. */
static bool
held(const Search *search, const Point *point, int i)
{
	return (point->at[i] <= search->low[i] && point->gradient[i] >= 0) ||
		(point->at[i] >= search->high[i] && point->gradient[i] <= 0);
}

static double
steepest(const Search *search, const Point *point)
{
	double		most = 0;
	int			i;

	for (i = 0; i < search->maximum->n; i++)
		if (!held(search, point, i))
			most = Max(most, fabs(point->gradient[i]));
	return most;
}

static void
reset_inverse(SegmentMaximum *maximum)
{
	int			i;
	int			j;

	for (i = 0; i < maximum->n; i++)
		for (j = 0; j < maximum->n; j++)
			maximum->inverse[i][j] = i == j ? 1 : 0;
	maximum->have_inverse = false;
}

/* The direction to search in, no longer than 2; returns the slope along it. */
static double
direction(const Search *search, const Point *point, double *d)
{
	const SegmentMaximum *maximum = search->maximum;
	double		longest = 0;
	double		slope = 0;
	int			i;
	int			j;

	for (i = 0; i < maximum->n; i++)
	{
		d[i] = 0;
		if (held(search, point, i))
			continue;
		for (j = 0; j < maximum->n; j++)
			if (!held(search, point, j))
				d[i] -= maximum->inverse[i][j] * point->gradient[j];
		longest = Max(longest, fabs(d[i]));
	}
	for (i = 0; i < maximum->n; i++)
	{
		if (longest > 2)
			d[i] *= 2 / longest;
		slope += d[i] * point->gradient[i];
	}
	return slope;
}

/* Goes along d as far as that pays; false where no step does. */
static bool
search_line(const Search *search, const Point *from, const double *d, double slope, Point *to)
{
	double		length = 1;
	int			halvings;
	int			i;

	for (halvings = 0; halvings < MOST_HALVINGS; halvings++, length /= 2)
	{
		for (i = 0; i < search->maximum->n; i++)
			to->at[i] = Min(Max(from->at[i] + length * d[i], search->low[i]), search->high[i]);
		evaluate(search, to);
		if (to->value <= from->value + 1e-4 * length * slope + NOISE * fabs(from->value) / 100)
			return true;
	}
	return false;
}

/* What a step has told of the curvature. */
static void
learn(SegmentMaximum *maximum, const Point *from, const Point *to)
{
	double		s[N];
	double		y[N];
	double		by[N];
	double		sy = 0;
	double		yy = 0;
	double		yby = 0;
	int			i;
	int			j;

	for (i = 0; i < maximum->n; i++)
	{
		s[i] = to->at[i] - from->at[i];
		y[i] = to->gradient[i] - from->gradient[i];
		sy += s[i] * y[i];
		yy += y[i] * y[i];
	}
	if (!(sy > 1e-14 * yy) || yy == 0)
		return;
	if (!maximum->have_inverse)
		for (i = 0; i < maximum->n; i++)
			maximum->inverse[i][i] = sy / yy;
	maximum->have_inverse = true;
	for (i = 0; i < maximum->n; i++)
	{
		by[i] = 0;
		for (j = 0; j < maximum->n; j++)
			by[i] += maximum->inverse[i][j] * y[j];
		yby += y[i] * by[i];
	}
	for (i = 0; i < maximum->n; i++)
		for (j = 0; j < maximum->n; j++)
			maximum->inverse[i][j] += (1 + yby / sy) * s[i] * s[j] / sy -
				(by[i] * s[j] + s[i] * by[j]) / sy;
}

static void
keep(const Search *search, const Point *point)
{
	SegmentMaximum *maximum = search->maximum;
	int			i;

	maximum->on_bound = false;
	for (i = 0; i < maximum->n; i++)
	{
		maximum->parameter[i] = segment_exp(point->at[i]);
		if (held(search, point, i))
			maximum->on_bound = true;
	}
	maximum->value = -point->value * maximum->weight;
	maximum->converged = !maximum->on_bound && steepest(search, point) <= SMALL_GRADIENT * 10;
}

/* From maximum->parameter to the greatest likelihood near it. */
SegmentStatus
segment_maximise(SegmentLikelihood likelihood, const void *data, SegmentMaximum *maximum,
				 SegmentInterrupted interrupted)
{
	Search		search;
	Point		point;
	Point		next;
	double		d[N];
	int			idle = 0;

	begin(&search, likelihood, data, maximum, &point);
	if (!maximum->have_inverse)
		reset_inverse(maximum);
	for (maximum->steps = 0; maximum->steps < MOST_STEPS; maximum->steps++)
	{
		double		slope;

		if (interrupted != NULL && interrupted())
			return SEGMENT_INTERRUPTED;
		if (steepest(&search, &point) <= SMALL_GRADIENT)
			break;
		slope = direction(&search, &point, d);
		/* what is left to win is below what can be seen; Newton's steps do the rest */
		if (maximum->have_inverse && -slope <= NOISE * fabs(point.value))
			break;
		if (!(slope < 0) || !search_line(&search, &point, d, slope, &next))
		{
			/* once more from what is steepest, unless it was that */
			if (!maximum->have_inverse)
				break;
			reset_inverse(maximum);
			if (++idle >= MOST_IDLE)
				break;
			continue;
		}
		learn(maximum, &point, &next);
		idle = point.value - next.value <= 1e-9 * fabs(point.value) ? idle + 1 : 0;
		point = next;
		if (idle >= MOST_IDLE)
			break;
	}
	keep(&search, &point);
	return SEGMENT_DONE;
}

/* ---- how sharp the maximum is ---- */

/*
 * The inverse of the part of a symmetric matrix that belongs to free parameters, by
 * Cholesky's root; false where it is not positive definite.
 */
static bool
invert(int n, double a[N][N], const bool *is_free, double inverse[N][N])
{
	double		root[N][N] = {{0}};
	int			i;
	int			j;
	int			k;

	for (j = 0; j < n; j++)
		for (i = j; i < n; i++)
		{
			bool		both = is_free[i] && is_free[j];
			double		sum = both ? (a[i][j] + a[j][i]) / 2 : i == j ? 1 : 0;

			for (k = 0; k < j; k++)
				sum -= root[i][k] * root[j][k];
			if (i > j)
				root[i][j] = sum / root[j][j];
			else if (!(sum > FLAT * (both ? fabs(a[i][i]) : 1)) || !(sum < HUGE_VAL))
				return false;
			else
				root[i][i] = sqrt(sum);
		}
	for (k = 0; k < n; k++)
	{
		for (i = 0; i < n; i++)
		{
			inverse[i][k] = i == k ? 1 : 0;
			for (j = 0; j < i; j++)
				inverse[i][k] -= root[i][j] * inverse[j][k];
			inverse[i][k] /= root[i][i];
		}
		for (i = n - 1; i >= 0; i--)
		{
			for (j = i + 1; j < n; j++)
				inverse[i][k] -= root[j][i] * inverse[j][k];
			inverse[i][k] /= root[i][i];
		}
	}
	return true;
}

static void
curvature(const Search *search, const Point *point, const bool *is_free, double hessian[N][N])
{
	int			i;
	int			j;

	for (i = 0; i < search->maximum->n; i++)
	{
		Point		up = *point;
		Point		down = *point;

		if (!is_free[i])
			continue;
		up.at[i] += DIFFERENCE;
		down.at[i] -= DIFFERENCE;
		evaluate(search, &up);
		evaluate(search, &down);
		for (j = 0; j < search->maximum->n; j++)
			hessian[j][i] = (up.gradient[j] - down.gradient[j]) / (up.at[i] - down.at[i]);
	}
}

/* A step of Newton, where it leads to a flatter place. */
static void
polish(const Search *search, Point *point, const bool *is_free, double inverse[N][N])
{
	int			times;
	int			i;
	int			j;

	for (times = 0; times < 3; times++)
	{
		Point		next = *point;

		for (i = 0; i < search->maximum->n; i++)
			for (j = 0; j < search->maximum->n; j++)
				if (is_free[i] && is_free[j])
					next.at[i] -= inverse[i][j] * point->gradient[j];
		for (i = 0; i < search->maximum->n; i++)
			next.at[i] = Min(Max(next.at[i], search->low[i]), search->high[i]);
		evaluate(search, &next);
		if (!(steepest(search, &next) < steepest(search, point) / 2))
			break;
		*point = next;
	}
}

/* Sharpens what segment_maximise() found, and sets the standard errors. */
void
segment_maximum_errors(SegmentLikelihood likelihood, const void *data, SegmentMaximum *maximum)
{
	Search		search;
	Point		point;
	bool		is_free[N];
	double		hessian[N][N] = {{0}};
	double		inverse[N][N] = {{0}};
	int			i;

	begin(&search, likelihood, data, maximum, &point);
	for (i = 0; i < maximum->n; i++)
	{
		is_free[i] = !held(&search, &point, i);
		maximum->error[i] = segment_bits_double(UINT64CONST(0x7FF8000000000000));
	}
	curvature(&search, &point, is_free, hessian);
	maximum->flat = !invert(maximum->n, hessian, is_free, inverse);
	if (!maximum->flat)
	{
		polish(&search, &point, is_free, inverse);
		for (i = 0; i < maximum->n; i++)
			if (is_free[i])
				maximum->error[i] = segment_exp(point.at[i]) *
					sqrt(inverse[i][i] / maximum->weight);
	}
	keep(&search, &point);
	maximum->converged = maximum->converged && !maximum->flat;
}
