/*-------------------------------------------------------------------------
 *
 * generate_orders.c
 *		A made-up shop: writes its orders as CSV, in the order of time.
 *
 * The demo and the benchmarks need orders of any number that look like a
 * shop's: most customers buy once or twice and are gone, a few buy every
 * week, a handful spend fortunes, December is not July, and some things come
 * back.  Data in which every customer is alike would make every
 * segmentation look good and every hash table look fast.
 *
 * What it models
 * --------------
 * A customer belongs to one of four types (table "shop" below), which are
 * never written out: finding them again is the segmentation's job.
 *
 * 1. Joining.  The first order falls anywhere in the window, later days
 *	  likelier than earlier ones by JOIN_GROWTH, because shops grow.
 * 2. Buying.  While active a customer orders as a Poisson process with a rate
 *	  of their own, lambda ~ Gamma(r, mean).  Over all customers that makes
 *	  the negative binomial counts seen in nearly every shop.
 * 3. Drop-out.  After every order the customer leaves for good with a
 *	  probability of their own, p ~ Beta(a, b).
 *	  2 and 3 are the BG/NBD model of Fader, Hardie and Lee; the first order
 *	  is a chance to leave too (Batislam, Denizel and Filiztekin), as
 *	  otherwise nobody would be lost who bought but once.
 * 4. Spend.  A level of their own, log-normal; each order is the level times
 *	  Gamma(k, 1/k): mean 1.  Level and rate are independent within a type,
 *	  as the gamma-gamma model of spend assumes, but not across types.
 * 5. Season.  Rates are multiplied by a factor for the month, gliding from one
 *	  month's middle to the next, and one for the weekday; the hour of day
 *	  has a profile too.  All three belong to the type.
 * 6. Refunds.  A share of the orders is followed, 1 to 30 days later, by a
 *	  row with a negative amount and an order id of its own: the whole
 *	  amount in 7 of 10 cases, otherwise a part.
 *
 * Season enters by stretching time.  For a type with daily factors
 * f[0], f[1], ... of mean 1 let S[d] = f[0] + ... + f[d-1]:
 *
 *		calendar	 |  day 0  |  day 1  |  day 2  |	f = 0.5, 0.5, 2.0
 *		stretched	 |-0.5-|-0.5-|---------2.0---------|
 *
 * Orders are a plain Poisson process on the stretched axis: the next one is
 * Exp(lambda) further on, and S leads back to a day; the part of the day's
 * stretch gives the hour.  That is exact and needs no rejected draws.
 *
 * How it writes in time order with little memory
 * ----------------------------------------------
 * A calendar queue: each customer knows only their next order and waits in
 * the list of its day.
 *
 *		day[0] -> c7 -> c1			day[2] -> (empty)
 *		day[1] -> c4				day[3] -> c2 -> c9 -> c3
 *
 * Taking day after day, those waiting order (perhaps several times), move
 * to the list of their next day or drop out; the day's rows are sorted by
 * second and written.  Memory: 40 bytes a customer, plus the rows of the
 * busiest day and the refunds that are due.  Ids of orders and customers are
 * given out as rows are written, so both grow with time as serial columns do.
 *
 * The number of rows
 * ------------------
 * --orders fixes the mean rate: one factor on all rates is found by bisection
 * on the first PILOT_CUSTOMERS customers, whose histories are cheap to play
 * through.  So the count is met within a few per cent (few customers: less
 * well).  Above 1 the factor also divides the probabilities of drop-out:
 * customers stay as long and order more.  Every customer orders at least once.
 *
 * Same options and seed, same bytes, on every machine: own generator
 * (splitmix64), own exp and log made of + - * / only (those of the libraries
 * round differently), no fused multiply-add: compile with -ffp-contract=off
 * where the compiler fuses by default (gcc on ARM).
 *
 *		cc -O2 -ffp-contract=off -o generate_orders generate_orders.c -lm
 *
 * Worked example
 *		generate_orders --customers 1000000 --orders 10000000 | head -3
 *		order_id,customer_id,ordered_at,amount
 *		1,1,2024-01-01 00:00:00+00,46.25
 *		2,2,2024-01-01 00:11:28+00,13.02
 *
 * Limits
 *		No products, baskets, prices, channels or returns to life; no trend but
 *		growth; no holidays but the months'; customers do not influence one
 *		another.  All times are UTC.  Rates and drop-out are independent, which
 *		real shops are not quite.  The parameters are chosen, not fitted.
 *
 * References
 *		Fader, Hardie, Lee: "Counting Your Customers" the Easy Way: An
 *		Alternative to the Pareto/NBD Model. Marketing Science 24(2), 2005.
 *		Fader, Hardie, Lee: RFM and CLV: Using Iso-Value Curves for Customer
 *		Base Analysis. Journal of Marketing Research 42(4), 2005.
 *		Batislam, Denizel, Filiztekin: Empirical validation and comparison of
 *		models for customer base analysis. Int. J. of Research in Marketing
 *		24(3), 2007.
 *		Marsaglia, Tsang: A Simple Method for Generating Gamma Variables.
 *		ACM TOMS 26(3), 2000.
 *		Brown: Calendar Queues. CACM 31(10), 1988.
 *
 * IDENTIFICATION
 *		bench/generate_orders.c
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPES			4		/* customer types, see shop[] */
#define JOIN_GROWTH		0.5		/* the last day sees 1 + this times the first
								 * day's new customers */
#define PILOT_CUSTOMERS 50000	/* sample error of the mean below 2 % */
#define MAX_REFUND_DAYS 30		/* the usual right of return */
#define FULL_REFUND		0.7		/* share of refunds that pay back everything */
#define MIN_CENTS		50		/* nobody ships for less */
#define MAX_CENTS		INT64_C(99999999999)	/* keeps amounts below a billion */
#define MAX_CUSTOMERS	100000000	/* 4 GB */
#define MAX_DAYS		36525	/* a century */
#define MIN_RATE		1e-5	/* orders a stretched day: one in 270 years, so
								 * that no gap overflows */
#define NOBODY			(-1)	/* end of a day's list */

/* What customers of a type have in common.  The mean rate is before the factor from --orders. */
typedef struct CustomerType
{
	double		share;			/* of all customers; the four sum to 1 */
	double		rate_shape;		/* r of lambda's Gamma; the smaller, the more they differ */
	double		rate_mean;		/* mean orders a year while active */
	double		drop_a;			/* a, b of p's Beta; a / (a + b) leave after an order */
	double		drop_b;
	double		level_median;	/* median of spend levels, in money */
	double		level_sigma;	/* log-normal sigma of spend levels */
	double		order_shape;	/* k of an order's Gamma around the level */
	double		month[12];		/* relative demand, January first */
	double		weekday[7];		/* relative demand, Monday first */
	double		hour[24];		/* relative demand, midnight first */
} CustomerType;

/* Relative demand need not sum to anything: it is scaled to mean 1. */
static const CustomerType shop[TYPES] =
{
	{							/* households that buy the year round */
		0.30, 1.6, 10.0, 0.9, 9.0, 38, 0.55, 4.0,
		{0.9, 0.9, 1.0, 1.0, 1.0, 0.95, 0.85, 0.85, 1.0, 1.05, 1.2, 1.3},
		{1.0, 0.95, 0.95, 1.0, 1.05, 1.1, 1.15},
		{2, 1, 1, 1, 1, 1, 2, 4, 5, 6, 7, 7, 7, 6, 6, 6, 7, 8, 10, 12, 13, 12, 8, 4}
	},
	{							/* people who pass by once or twice */
		0.47, 0.8, 2.5, 1.2, 2.0, 47, 0.75, 2.5,
		{1.1, 0.8, 0.9, 0.95, 0.95, 1.0, 1.15, 0.9, 0.9, 0.95, 1.4, 1.2},
		{0.95, 0.95, 1.0, 1.0, 1.0, 1.1, 1.1},
		{2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 8, 7, 6, 6, 7, 8, 9, 11, 13, 12, 9, 5}
	},
	{							/* givers of presents: the year's end */
		0.19, 1.2, 3.5, 0.8, 3.0, 72, 0.60, 3.0,
		{0.3, 0.8, 0.5, 0.6, 0.9, 0.5, 0.4, 0.4, 0.6, 1.0, 3.0, 4.2},
		{0.9, 0.9, 0.9, 0.9, 1.0, 1.2, 1.4},
		{1, 1, 1, 1, 1, 1, 1, 2, 4, 6, 8, 8, 8, 7, 7, 7, 7, 8, 9, 12, 13, 11, 7, 3}
	},
	{							/* trade: offices and small shops, weekdays only, no summer */
		0.04, 1.1, 16.0, 0.7, 14.0, 160, 0.80, 1.8,
		{1.1, 1.0, 1.1, 1.0, 1.0, 1.0, 0.7, 0.6, 1.2, 1.2, 1.2, 0.7},
		{1.3, 1.3, 1.25, 1.2, 0.9, 0.1, 0.05},
		{1, 1, 1, 1, 1, 1, 3, 8, 18, 24, 24, 22, 14, 18, 20, 19, 15, 9, 4, 3, 2, 2, 1, 1}
	}
};

/* A customer's state, 40 bytes: there may be many millions of them. */
typedef struct Customer
{
	uint64_t	random;			/* state of their own random stream */
	double		position;		/* of the next order on the stretched axis, days */
	float		rate;			/* orders a stretched day while active */
	float		drop;			/* probability of leaving after an order */
	float		level;			/* mean amount of an order, money */
	int32_t		next;			/* who waits for the same day, or NOBODY */
	int32_t		id;				/* customer_id, 0 before the first order */
	int32_t		type;			/* index into shop[] */
} Customer;

/* A row to be written today. */
typedef struct Row
{
	int64_t		cents;			/* amount; negative: a refund */
	int32_t		second;			/* of the day */
	int32_t		customer;		/* index into customers; order of ties */
} Row;

/* A refund that is due on a later day; a day's refunds lie in a list. */
typedef struct Refund
{
	Row			row;
	int32_t		next;			/* in the day's list or the free list */
} Refund;

/* The stretched axis and the hours of one type, made from its factors. */
typedef struct Calendar
{
	double	   *begin;			/* begin[d] = S[d]; days + 1 entries */
	int32_t    *first;			/* first[i]: the day in which position i lies */
	double		hour[25];		/* share of a day's demand before the hour */
} Calendar;

typedef struct Options
{
	int64_t		customers;
	int64_t		orders;			/* rows wished for, refunds included */
	uint64_t	seed;
	int64_t		from;			/* first day, days since 1970-01-01 */
	int64_t		to;				/* day after the last */
	double		refunds;		/* share of orders that come back */
} Options;

static Calendar calendar[TYPES];
static int32_t days;			/* to - from */

/* ----------
 * Errors and memory
 * ----------
 */

static void
die(const char *message, const char *detail)
{
	fprintf(stderr, "generate_orders: %s%s%s\n", message, detail ? ": " : "", detail ? detail : "");
	exit(1);
}

static void *
grow(void *array, size_t count, size_t size)
{
	void	   *grown = count > SIZE_MAX / size ? NULL : realloc(array, count * size);

	if (grown == NULL)
		die("out of memory", NULL);
	return grown;
}

/* ----------
 * exp and log from + - * / alone: the same bits on every machine.
 * ----------
 */

static const double ln2 = 0.69314718055994530942;

/* x = k ln 2 + r with |r| <= ln 2 / 2; the series of r to r^13 / 13! */
static double
portable_exp(double x)
{
	int			k = (int) (x / ln2 + (x < 0 ? -0.5 : 0.5));
	double		r = x - k * ln2;
	double		sum = 1.0;

	for (int i = 13; i > 0; i--)
		sum = 1.0 + sum * r / i;
	return ldexp(sum, k);
}

/* x = m 2^k with m in [sqrt(1/2), sqrt(2)): ln m = 2 atanh((m - 1) / (m + 1)) */
static double
portable_log(double x)
{
	int			k;
	double		m = frexp(x, &k);
	double		s,
				s2,
				sum = 0.0;

	if (m < 0.70710678118654752440)
	{
		m *= 2;
		k--;
	}
	s = (m - 1) / (m + 1);
	s2 = s * s;
	for (int i = 19; i > 0; i -= 2)	/* |s| < 0.172: s^21 is below 1e-16 */
		sum = sum * s2 + 1.0 / i;
	return k * ln2 + 2 * s * sum;
}

/* ----------
 * Random numbers.  A stream per customer, so that a history depends on
 * nothing but the seed and the customer, whoever else is simulated.
 * ----------
 */

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t
random_bits(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* in (0, 1): never 0, as its logarithm is taken */
static double
random_uniform(uint64_t *state)
{
	return ((random_bits(state) >> 11) + 0.5) * (1.0 / 9007199254740992.0);
}

static double
random_exponential(uint64_t *state)
{
	return -portable_log(random_uniform(state));
}

/* Marsaglia's polar method; the second normal is thrown away to keep no state */
static double
random_normal(uint64_t *state)
{
	double		u,
				v,
				s;

	do
	{
		u = 2 * random_uniform(state) - 1;
		v = 2 * random_uniform(state) - 1;
		s = u * u + v * v;
	} while (s >= 1 || s == 0);
	return u * sqrt(-2 * portable_log(s) / s);
}

/* Gamma(shape, 1), Marsaglia and Tsang */
static double
random_gamma(uint64_t *state, double shape)
{
	double		d,
				c;

	/* The method wants shape >= 1; below, Gamma(shape) = Gamma(shape + 1) U^(1/shape). */
	if (shape < 1)
	{
		double		boost = portable_log(random_uniform(state)) / shape;

		return boost < -700 ? 0 : random_gamma(state, shape + 1) * portable_exp(boost);
	}
	d = shape - 1.0 / 3.0;
	c = 1 / sqrt(9 * d);
	for (;;)
	{
		double		x = random_normal(state);
		double		v = 1 + c * x;

		if (v <= 0)
			continue;
		v = v * v * v;
		if (portable_log(random_uniform(state)) < 0.5 * x * x + d - d * v + d * portable_log(v))
			return d * v;
	}
}

static double
random_beta(uint64_t *state, double a, double b)
{
	double		x = random_gamma(state, a);
	double		y = random_gamma(state, b);

	/* Both underflow only where a and b are tiny; ours are not, but 0/0 would be a trap. */
	return x + y > 0 ? x / (x + y) : 0.5;
}

/* ----------
 * Dates (proleptic Gregorian; days since 1970-01-01), after Hinnant.
 * ----------
 */

static int64_t
days_from_date(int64_t year, int month, int day)
{
	int64_t		era,
				year_of_era,
				day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year - 719468;
}

static void
date_from_days(int64_t z, int *year, int *month, int *day)
{
	int64_t		era,
				day_of_era,
				year_of_era,
				day_of_year,
				mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	day_of_era = z - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	mp = (5 * day_of_year + 2) / 153;
	*day = (int) (day_of_year - (153 * mp + 2) / 5 + 1);
	*month = (int) (mp < 10 ? mp + 3 : mp - 9);
	*year = (int) (year_of_era + era * 400 + (*month <= 2));
}

/* ----------
 * The stretched calendar
 * ----------
 */

/* Month's factor on a day, gliding between the middles of months: a step on the 1st would show. */
static double
month_factor(const double *month_factors, int month, int day)
{
	double		from_middle = (day - 15.5) / 30.5;	/* months, -0.5 to 0.5 */
	int			this_month = month - 1;
	int			neighbour = (this_month + (from_middle < 0 ? 11 : 1)) % 12;
	double		weight = fabs(from_middle);

	return (1 - weight) * month_factors[this_month] + weight * month_factors[neighbour];
}

static void
make_calendar(Calendar *cal, const CustomerType *type, int64_t from)
{
	double		sum = 0;
	int32_t		d = 0;

	cal->begin = grow(NULL, days + 1, sizeof(double));
	cal->first = grow(NULL, days + 1, sizeof(int32_t));

	for (int32_t i = 0; i < days; i++)
	{
		int			year,
					month,
					day;

		date_from_days(from + i, &year, &month, &day);
		cal->begin[i] = sum;
		/* 1970-01-01 was a Thursday: day 3 of a week that begins on Monday. */
		sum += month_factor(type->month, month, day) * type->weekday[((from + i) % 7 + 7 + 3) % 7];
	}
	cal->begin[days] = sum;

	/* Mean 1: the stretched axis is as long as the calendar. */
	for (int32_t i = 0; i <= days; i++)
		cal->begin[i] *= days / sum;
	cal->begin[days] = days;

	for (int32_t i = 0; i <= days; i++)
	{
		while (d < days - 1 && cal->begin[d + 1] <= i)
			d++;
		cal->first[i] = d;
	}

	cal->hour[0] = 0;
	for (int h = 0; h < 24; h++)
		cal->hour[h + 1] = cal->hour[h] + type->hour[h];
	for (int h = 0; h < 24; h++)
		cal->hour[h] /= cal->hour[24];
	cal->hour[24] = 1;
}

/* The day in which a position < days lies.  first[] leaves a few steps at most. */
static int32_t
day_of_position(const Calendar *cal, double position)
{
	int32_t		d = cal->first[(int32_t) position];

	while (d < days - 1 && cal->begin[d + 1] <= position)
		d++;
	return d;
}

static int32_t
second_of_position(const Calendar *cal, int32_t day, double position)
{
	double		part = (position - cal->begin[day]) / (cal->begin[day + 1] - cal->begin[day]);
	int			h = 0;
	double		second;

	while (h < 23 && cal->hour[h + 1] <= part)
		h++;
	second = 3600 * (h + (part - cal->hour[h]) / (cal->hour[h + 1] - cal->hour[h]));
	return second >= 86399 ? 86399 : second < 0 ? 0 : (int32_t) second;
}

/* ----------
 * Customers
 * ----------
 */

static void
make_customer(Customer *c, uint64_t seed, int64_t number, double rate_factor)
{
	const CustomerType *type;
	double		u,
				rate;

	/* A hash of (seed, number) starts the stream: neighbours' streams have nothing in common. */
	c->random = seed;
	c->random = random_bits(&c->random) ^ ((uint64_t) number * UINT64_C(0xD1342543DE82EF95));
	c->random = random_bits(&c->random);

	u = random_uniform(&c->random);
	for (c->type = 0; c->type < TYPES - 1 && u >= shop[c->type].share; c->type++)
		u -= shop[c->type].share;
	type = &shop[c->type];

	rate = random_gamma(&c->random, type->rate_shape) / type->rate_shape *
		type->rate_mean / 365.25 * rate_factor;
	c->rate = (float) (rate > MIN_RATE ? rate : MIN_RATE);
	/* Who is made to order more often than shop[] says stays as long, not for as many orders. */
	c->drop = (float) (random_beta(&c->random, type->drop_a, type->drop_b) /
					   (rate_factor > 1 ? rate_factor : 1));
	c->level = (float) (type->level_median *
						portable_exp(type->level_sigma * random_normal(&c->random)));

	/* New customers a day grow as 1 + g x, x in [0, 1]: solve x + g x^2 / 2 = u (1 + g / 2). */
	u = random_uniform(&c->random) * (1 + JOIN_GROWTH / 2);
	c->position = days * (sqrt(1 + 2 * JOIN_GROWTH * u) - 1) / JOIN_GROWTH;
	if (c->position >= days)
		c->position = days * 0.999999;
	c->next = NOBODY;
	c->id = 0;
}

/* After an order: false when the customer leaves, or the next order lies past the end. */
static bool
next_order(Customer *c)
{
	if (random_uniform(&c->random) < c->drop)
		return false;
	c->position += random_exponential(&c->random) / c->rate;
	return c->position < days;
}

static int64_t
order_cents(Customer *c)
{
	double		shape = shop[c->type].order_shape;
	double		cents = 100.0 * c->level * random_gamma(&c->random, shape) / shape;

	return cents < MIN_CENTS ? MIN_CENTS : cents > MAX_CENTS ? MAX_CENTS : (int64_t) (cents + 0.5);
}

/*
 * Orders of the first customers at a rate factor, given up past "enough".
 * The draws of amounts and refunds are left out, so the histories are not
 * those that will be written, but they are as many on average.
 */
static int64_t
pilot_orders(const Options *opt, int64_t customers, double rate_factor, int64_t enough)
{
	int64_t		orders = 0;

	for (int64_t i = 0; i < customers && orders <= enough; i++)
	{
		Customer	c;

		make_customer(&c, opt->seed, i, rate_factor);
		do
			orders++;
		while (orders <= enough && next_order(&c));
	}
	return orders;
}

/* The factor on all rates that gives the wished number of rows. */
static double
find_rate_factor(const Options *opt)
{
	int64_t		pilot = opt->customers < PILOT_CUSTOMERS ? opt->customers : PILOT_CUSTOMERS;
	double		wish = (double) opt->orders / (1 + opt->refunds) / opt->customers * pilot;
	int64_t		enough = (int64_t) (wish + 0.5);
	double		low = -12,		/* binary logarithms of the factor */
				high = 16;

	if (pilot_orders(opt, pilot, portable_exp(high * ln2), enough) < enough)
		die("--orders", "these customers cannot make so many; give more customers or more time");
	for (int i = 0; i < 24; i++)
	{
		double		middle = (low + high) / 2;

		if (pilot_orders(opt, pilot, portable_exp(middle * ln2), enough) < enough)
			low = middle;
		else
			high = middle;
	}
	return portable_exp(high * ln2);
}

/* ----------
 * Writing.  printf would take longer than all the rest.
 * ----------
 */

static char out[1 << 20];
static size_t out_used = 0;

static void
flush_out(void)
{
	if (fwrite(out, 1, out_used, stdout) != out_used)
		die("could not write", strerror(errno));
	out_used = 0;
}

static void
put_number(int64_t n)
{
	char		digits[20];
	int			used = 0;

	do
		digits[used++] = (char) ('0' + n % 10);
	while ((n /= 10) > 0);
	while (used > 0)
		out[out_used++] = digits[--used];
}

static void
put_two_digits(int n)
{
	out[out_used++] = (char) ('0' + n / 10);
	out[out_used++] = (char) ('0' + n % 10);
}

static void
put_row(int64_t order_id, int32_t customer_id, const char *date, const Row *row)
{
	int64_t		cents = row->cents;

	if (out_used > sizeof(out) - 128)	/* a row takes up to 80 bytes */
		flush_out();
	put_number(order_id);
	out[out_used++] = ',';
	put_number(customer_id);
	out[out_used++] = ',';
	memcpy(out + out_used, date, 11);	/* "2024-01-01 " */
	out_used += 11;
	put_two_digits(row->second / 3600);
	out[out_used++] = ':';
	put_two_digits(row->second / 60 % 60);
	out[out_used++] = ':';
	put_two_digits(row->second % 60);
	memcpy(out + out_used, "+00,", 4);
	out_used += 4;
	if (cents < 0)
	{
		out[out_used++] = '-';
		cents = -cents;
	}
	put_number(cents / 100);
	out[out_used++] = '.';
	put_two_digits((int) (cents % 100));
	out[out_used++] = '\n';
}

/* ----------
 * The calendar queue
 * ----------
 */

/* A total order but for equal rows, so that no sort algorithm can change the output. */
static int
compare_rows(const void *a, const void *b)
{
	const Row  *x = a;
	const Row  *y = b;

	if (x->second != y->second)
		return x->second < y->second ? -1 : 1;
	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	return (x->cents > y->cents) - (x->cents < y->cents);
}

static Row *rows = NULL;		/* of the day in hand */
static size_t rows_used = 0;
static size_t rows_size = 0;

static void
add_row(Row row)
{
	if (rows_used == rows_size)
	{
		rows_size = rows_size ? rows_size * 2 : 1024;
		rows = grow(rows, rows_size, sizeof(Row));
	}
	rows[rows_used++] = row;
}

static Refund *refunds = NULL;	/* due ones and free ones */
static int32_t refunds_size = 0;
static int32_t refunds_free = NOBODY;	/* head of the free list */

/* An entry for a refund: from the free list, or a doubled array. */
static int32_t
new_refund(void)
{
	int32_t		taken;

	if (refunds_free == NOBODY)
	{
		int32_t		size = refunds_size ? refunds_size * 2 : 1024;

		refunds = grow(refunds, size, sizeof(Refund));
		for (int32_t i = refunds_size; i < size; i++)
		{
			refunds[i].next = refunds_free;
			refunds_free = i;
		}
		refunds_size = size;
	}
	taken = refunds_free;
	refunds_free = refunds[taken].next;
	return taken;
}

/* Maybe the order comes back: put the refund on the list of its day. */
static void
maybe_refund(const Options *opt, Customer *c, Row order, int32_t day, int32_t *refund_days)
{
	int32_t		due,
				entry;

	if (random_uniform(&c->random) >= opt->refunds)
		return;
	if (random_uniform(&c->random) >= FULL_REFUND)
		order.cents = 1 + (int64_t) (order.cents * random_uniform(&c->random));
	order.cents = -order.cents;
	due = day + 1 + (int32_t) (MAX_REFUND_DAYS * random_uniform(&c->random));
	/* in office hours */
	order.second = 9 * 3600 + (int32_t) (8 * 3600 * random_uniform(&c->random));
	if (due >= days)
		return;					/* after the end, like orders that are yet to come */
	entry = new_refund();
	refunds[entry].row = order;
	refunds[entry].next = refund_days[due];
	refund_days[due] = entry;
}

/* The day's orders of a customer; true when there is to be another day. */
static bool
order_today(const Options *opt, Customer *c, int32_t number, int32_t day, int32_t *refund_days)
{
	const Calendar *cal = &calendar[c->type];

	do
	{
		Row			row;

		row.customer = number;
		row.second = second_of_position(cal, day, c->position);
		row.cents = order_cents(c);
		add_row(row);
		if (opt->refunds > 0)
			maybe_refund(opt, c, row, day, refund_days);
		if (!next_order(c))
			return false;
	} while (c->position < cal->begin[day + 1]);
	return true;
}

static void
write_day(Customer *customers, int64_t date, int64_t *last_order_id, int32_t *last_customer_id)
{
	int			year,
				month,
				day;
	char		text[64];

	date_from_days(date, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d-%02d-%02d ", year, month, day);
	if (rows_used > 0)
		qsort(rows, rows_used, sizeof(Row), compare_rows);
	for (size_t i = 0; i < rows_used; i++)
	{
		Customer   *c = &customers[rows[i].customer];

		if (c->id == 0)
			c->id = ++*last_customer_id;
		put_row(++*last_order_id, c->id, text, &rows[i]);
	}
	rows_used = 0;
}

static void
generate(const Options *opt)
{
	Customer   *customers = grow(NULL, opt->customers, sizeof(Customer));
	int32_t    *order_days = grow(NULL, days, sizeof(int32_t));
	int32_t    *refund_days = grow(NULL, days, sizeof(int32_t));
	double		rate_factor = find_rate_factor(opt);
	int64_t		last_order_id = 0;
	int32_t		last_customer_id = 0;

	for (int32_t d = 0; d < days; d++)
		order_days[d] = refund_days[d] = NOBODY;
	for (int32_t i = 0; i < opt->customers; i++)
	{
		int32_t		d;

		make_customer(&customers[i], opt->seed, i, rate_factor);
		d = day_of_position(&calendar[customers[i].type], customers[i].position);
		customers[i].next = order_days[d];
		order_days[d] = i;
	}

	fputs("order_id,customer_id,ordered_at,amount\n", stdout);
	for (int32_t d = 0; d < days; d++)
	{
		for (int32_t i = order_days[d], next; i != NOBODY; i = next)
		{
			Customer   *c = &customers[i];

			next = c->next;
			if (order_today(opt, c, i, d, refund_days))
			{
				int32_t		later = day_of_position(&calendar[c->type], c->position);

				c->next = order_days[later];
				order_days[later] = i;
			}
		}
		for (int32_t i = refund_days[d], next; i != NOBODY; i = next)
		{
			next = refunds[i].next;
			add_row(refunds[i].row);
			refunds[i].next = refunds_free;
			refunds_free = i;
		}
		write_day(customers, opt->from + d, &last_order_id, &last_customer_id);
	}
	flush_out();
	if (fflush(stdout) != 0)
		die("could not write", strerror(errno));
	free(customers);
	free(order_days);
	free(refund_days);
}

/* ----------
 * Command line
 * ----------
 */

static const char usage[] =
"generate_orders writes the orders of a made-up shop as CSV, in the order of time.\n"
"\n"
"Usage:\n"
"  generate_orders [OPTION]...\n"
"\n"
"Options:\n"
"  --customers N    customers who order at least once (default 20000)\n"
"  --orders N       about this many rows, refunds included (default 5 per customer)\n"
"  --seed S         another shop for each seed (default 1)\n"
"  --from DATE      first day, YYYY-MM-DD (default 2024-01-01)\n"
"  --to DATE        day after the last (default 2026-01-01)\n"
"  --refunds SHARE  share of orders that come back, 0 to 1 (default 0.03)\n"
"  --help           show this help\n"
"\n"
"Columns: order_id,customer_id,ordered_at,amount. Same options, same output.\n";

static uint64_t
parse_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	char	   *end;
	uint64_t	value;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* strtoull takes a sign and turns it round */
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max)
	{
		char		detail[200];

		snprintf(detail, sizeof(detail),
				 "expected a whole number from %" PRIu64 " to %" PRIu64 ", got \"%.60s\"",
				 min, max, text);
		die(option, detail);
	}
	return value;
}

static int64_t
parse_date(const char *option, const char *text)
{
	int			year,
				month,
				day,
				y,
				m,
				d,
				used = 0;

	if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) == 3 && text[used] == '\0' &&
		year >= 1 && month >= 1 && month <= 12)
	{
		int64_t		date = days_from_date(year, month, day);

		/* 31 April and the like come back as another date */
		date_from_days(date, &y, &m, &d);
		if (y == year && m == month && d == day)
			return date;
	}
	die(option, "expected a date as 2024-12-31");
	return 0;
}

static double
parse_share(const char *option, const char *text)
{
	char	   *end;
	double		value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0 && value <= 1))
		die(option, "expected a number from 0 to 1");
	return value;
}

static void
parse_options(int argc, char **argv, Options *opt)
{
	*opt = (Options) {.customers = 20000, .orders = 0, .seed = 1, .refunds = 0.03};
	opt->from = days_from_date(2024, 1, 1);
	opt->to = days_from_date(2026, 1, 1);

	for (int i = 1; i < argc; i++)
	{
		char		option[32];
		const char *value = strchr(argv[i], '=');
		size_t		length = value ? (size_t) (value - argv[i]) : strlen(argv[i]);

		if (length >= sizeof(option))
			die("unknown option", argv[i]);
		memcpy(option, argv[i], length);
		option[length] = '\0';
		if (strcmp(option, "--help") == 0)
		{
			fputs(usage, stdout);
			exit(0);
		}
		/* both --seed 7 and --seed=7 */
		value = value ? value + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (value == NULL)
			die(option, "expected a value after it; see --help");
		if (strcmp(option, "--customers") == 0)
			opt->customers = (int64_t) parse_number(option, value, 1, MAX_CUSTOMERS);
		else if (strcmp(option, "--orders") == 0)
			opt->orders = (int64_t) parse_number(option, value, 1, UINT64_C(1000000000000));
		else if (strcmp(option, "--seed") == 0)
			opt->seed = parse_number(option, value, 0, UINT64_MAX);
		else if (strcmp(option, "--from") == 0)
			opt->from = parse_date(option, value);
		else if (strcmp(option, "--to") == 0)
			opt->to = parse_date(option, value);
		else if (strcmp(option, "--refunds") == 0)
			opt->refunds = parse_share(option, value);
		else
			die("unknown option, see --help", argv[i]);
	}
	if (opt->orders == 0)
		opt->orders = 5 * opt->customers;
	if (opt->orders < opt->customers)
		die("--orders", "expected at least one for each customer");
	if (opt->to <= opt->from || opt->to - opt->from > MAX_DAYS)
		die("--to", "expected a date after --from, a century later at most");
	days = (int32_t) (opt->to - opt->from);
}

int
main(int argc, char **argv)
{
	Options		opt;

	parse_options(argc, argv, &opt);
	for (int i = 0; i < TYPES; i++)
		make_calendar(&calendar[i], &shop[i], opt.from);
	generate(&opt);
	return 0;
}
