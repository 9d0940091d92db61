/*
 * next_flip.c: the instant at which a comparison with the clock changes its answer.
 *
 * A comparison f(as_of) < x, where f is as_of() with intervals added and casts applied
 * and x is what a row has, is false or true until f reaches x.  Mostly f grows as fast
 * as time does, and the instant is as_of + (x - f(as_of)).  But not always:
 *
 *		as_of() - interval '1 month'	at 28 March 12:00 is 28 February 12:00, at 29 March
 *										00:00 is 28 February 00:00: it jumps back
 *		as_of()::timestamp				jumps back by an hour when summer time ends
 *		as_of()::date					stands still until midnight
 *
 * So f is taken apart into a few operations on microseconds, each of which moves along
 * with time but for known places: changes of the zone's offset, midnights.  From one such
 * place to the next f moves along (or stands still, behind a cast to date), so whether it
 * meets x on the way is known without a search.  Where x is far, the way there is jumped
 * over: in a time t, f comes forward by no more than t and a bound, which is the sum of the
 * bounds of its operations.  Where f is behind x by more than that, it never comes back.
 *
 * What is returned is the first instant after as_of at which the answer is another one,
 * exactly; or an instant before it, where that cannot be found:
 *
 *		-infinity	it may change at any time: an operation fails, or would, in
 *					calculations that the rule may never come to
 *		HORIZON		it does not change before that
 *		NULL		it never changes
 *
 * The calculations are those of the server: timestamptz_pl_interval adds months, then days,
 * both in local time, then the rest; comparisons of different types are those of the
 * wider one.  The regression test "due" compares with the server's own answers.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "pgtime.h"
#include "segmentation/next_flip.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_next_flip);

#define EPOCH_SECONDS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)
#define HORIZON SEGMENT_HORIZON
#define MAX_OFFSET (16 * USECS_PER_HOUR)	/* of zones from UTC; others are not understood */
#define MAX_TOKENS 16
#define MAX_STEPS 7				/* that one token becomes */
#define MAX_PIECES 10000		/* to walk through, before an early answer is better */
#define N_KEPT 8				/* pieces of a zone that are remembered */

/* ---- operations on microseconds ---- */

typedef enum Kind
{
	TO_LOCAL,					/* timestamptz to timestamp */
	TO_UTC,						/* timestamp to timestamptz */
	SHIFT,						/* by microseconds */
	MONTHS,						/* of a timestamp */
	TO_DAY						/* back to midnight: a date is its midnight */
} Kind;

typedef struct Step
{
	Kind		kind;
	int64		by;				/* microseconds, or months */
} Step;

typedef struct Chain
{
	Oid			type;			/* of the value: date, timestamp or timestamptz */
	int			n;
	Step		step[MAX_TOKENS * MAX_STEPS];
} Chain;

/* From, and until before which, a zone's offset is the same. */
typedef struct Piece
{
	int64		from;
	int64		until;
	int64		offset;
} Piece;

typedef struct Pieces
{
	int			n;
	int			next;			/* to be overwritten */
	Piece		piece[N_KEPT];
} Pieces;

/* What is done at one point of a comparison. */
typedef enum Action
{
	CAST, ADD, SUBTRACT, COMPARE, TAKE_ROW, ADD_LENGTH, SUBTRACT_LENGTH
} Action;

typedef struct Token
{
	Action		action;
	Oid			type;			/* to cast to */
} Token;

/* The clock at an instant. */
typedef struct Reading
{
	int64		at;
	int64		value;			/* of the chain */
	int64		left;			/* how far it moves along with time */
	bool		still;			/* or stands still */
	bool		ok;				/* false: the server would raise an error */
} Reading;

/* What a call keeps for the next one. */
struct Flip
{
	pg_tz	   *zone;
	bool		fixed;			/* the zone has one offset */
	Pieces		utc;			/* of instants: what to add for local time */
	Pieces		local;			/* of local times: what to add for the instant */
	bool		same_clock;		/* its operands are constants */
	bool		built;			/* and its chain is there */
	Chain		clock;
	int			n_clock_operands;
	int64		bound;			/* of the clock */
	Reading		as_of;			/* the clock at as_of */
	int			n;				/* of tokens */
	Token		token[MAX_TOKENS];
	int			comparison;		/* which token is the operator */
	bool		answer[3];		/* of the comparison, where f is below, at and above x */
	int			n_operands;
	Oid			type[MAX_TOKENS];	/* of the operands, of domains what is behind them */
};

/* ---- offsets of a zone ---- */

static int64
seconds_of(int64 microseconds)
{
	return microseconds / USECS_PER_SEC - (microseconds % USECS_PER_SEC < 0 ? 1 : 0);
}

static bool
remembered(const Pieces *pieces, int64 value, Piece *found)
{
	int			i;

	for (i = 0; i < pieces->n; i++)
		if (value >= pieces->piece[i].from && value < pieces->piece[i].until)
		{
			*found = pieces->piece[i];
			return true;
		}
	return false;
}

static void
remember(Pieces *pieces, const Piece *found)
{
	int			i;

	for (i = 0; i < pieces->n; i++)
		if (pieces->piece[i].until == found->until)
		{
			pieces->piece[i].from = Min(pieces->piece[i].from, found->from);
			return;
		}
	pieces->piece[pieces->next] = *found;
	pieces->n = Max(pieces->n, pieces->next + 1);
	pieces->next = (pieces->next + 1) % N_KEPT;
}

/* The next change of the zone after an instant in seconds of Unix; false: there is none. */
static bool
next_change(const Flip *flip, pg_time_t after, pg_time_t *change, long *before_offset,
			long *after_offset, bool *ok)
{
	int			before_dst;
	int			after_dst;
	int			found = pg_next_dst_boundary(&after, before_offset, &before_dst, change,
											 after_offset, &after_dst, flip->zone);

	*ok = found >= 0;
	return found > 0;
}

static bool
offset_of_instant(Flip *flip, int64 instant, Piece *found)
{
	pg_time_t	change;
	long		before;
	long		after;
	bool		ok;

	if (remembered(&flip->utc, instant, found))
		return true;
	found->from = instant;
	found->until = PG_INT64_MAX;
	if (next_change(flip, (pg_time_t) (seconds_of(instant) + EPOCH_SECONDS), &change,
					&before, &after, &ok))
		found->until = ((int64) change - EPOCH_SECONDS) * USECS_PER_SEC;
	found->offset = (int64) before * USECS_PER_SEC;
	if (!ok || found->offset > MAX_OFFSET || found->offset < -MAX_OFFSET)
		return false;
	remember(&flip->utc, found);
	return true;
}

/*
 * As DetermineTimeZoneOffset has it, whose answer changes where local time begins or
 * ends to be skipped or to come twice, and where it looks at the next change of the zone.
 */
static bool
offset_of_local(Flip *flip, int64 local, Piece *found)
{
	pg_time_t	at = (pg_time_t) (seconds_of(local) + EPOCH_SECONDS) - 2 * SECS_PER_DAY;
	struct pg_tm tm;
	fsec_t		fsec;
	pg_time_t	change;
	long		before;
	long		after;
	bool		ok;

	if (remembered(&flip->local, local, found))
		return true;
	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		return false;
	found->from = local;
	found->until = PG_INT64_MAX;
	found->offset = (int64) DetermineTimeZoneOffset(&tm, flip->zone) * USECS_PER_SEC;
	if (found->offset > MAX_OFFSET || found->offset < -MAX_OFFSET)
		return false;
	while (next_change(flip, at, &change, &before, &after, &ok))
	{
		int64		places[3];
		int			i;

		places[0] = (int64) change + before;
		places[1] = (int64) change + after;
		places[2] = (int64) change + SECS_PER_DAY;
		for (i = 0; i < 3; i++)
		{
			int64		place = (places[i] - EPOCH_SECONDS) * USECS_PER_SEC;

			if (place > local)
				found->until = Min(found->until, place);
		}
		if (found->until < PG_INT64_MAX &&
			((int64) change - EPOCH_SECONDS) * USECS_PER_SEC - MAX_OFFSET > found->until)
			break;
		at = change;
	}
	if (!ok)
		return false;
	remember(&flip->local, found);
	return true;
}

/* ---- a chain of operations ---- */

static int64
midnight_of(int64 local)
{
	int64		rest = local % USECS_PER_DAY;

	return local - (rest < 0 ? rest + USECS_PER_DAY : rest);
}

static bool
add_months(int64 *local, int64 months)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int64		month;
	Timestamp	result;

	if (timestamp2tm(*local, NULL, &tm, &fsec, NULL, NULL) != 0)
		return false;
	month = (int64) tm.tm_year * MONTHS_PER_YEAR + tm.tm_mon - 1 + months;
	tm.tm_year = (int) (month / MONTHS_PER_YEAR - (month % MONTHS_PER_YEAR < 0 ? 1 : 0));
	tm.tm_mon = (int) (month - (int64) tm.tm_year * MONTHS_PER_YEAR) + 1;
	tm.tm_mday = Min(tm.tm_mday, day_tab[isleap(tm.tm_year)][tm.tm_mon - 1]);
	if (tm2timestamp(&tm, fsec, NULL, &result) != 0)
		return false;
	*local = result;
	return true;
}

/*
 * The value of a chain.  *left: how far it moves along with what it began with;
 * *still: or stands still.  false: the server would raise an error.
 */
static bool
evaluate(Flip *flip, const Chain *chain, int64 *value, int64 *left, bool *still)
{
	int			i;

	*left = PG_INT64_MAX;
	*still = false;
	for (i = 0; i < chain->n; i++)
	{
		const Step *step = &chain->step[i];
		int64		until = PG_INT64_MAX;
		Piece		piece;

		switch (step->kind)
		{
			case TO_LOCAL:
			case TO_UTC:
				if (!(step->kind == TO_LOCAL ? offset_of_instant(flip, *value, &piece)
					  : offset_of_local(flip, *value, &piece)))
					return false;
				until = piece.until;
				break;
			case MONTHS:
			case TO_DAY:
				until = midnight_of(*value) + USECS_PER_DAY;
				break;
			case SHIFT:
				break;
		}
		if (!*still && until != PG_INT64_MAX)
			*left = Min(*left, until - *value);
		switch (step->kind)
		{
			case TO_LOCAL:
			case TO_UTC:
				*value += piece.offset;
				break;
			case MONTHS:
				if (!add_months(value, step->by))
					return false;
				break;
			case TO_DAY:
				*value = midnight_of(*value);
				*still = true;
				break;
			case SHIFT:
				if (pg_add_s64_overflow(*value, step->by, value))
					return false;
				break;
		}
		if (!IS_VALID_TIMESTAMP(*value))
			return false;
	}
	return true;
}

/* By how much a chain may come forward more, or go back, than time does. */
static int64
bound_of(const Chain *chain)
{
	int64		bound = 0;
	int			i;

	for (i = 0; i < chain->n; i++)
		switch (chain->step[i].kind)
		{
			case TO_LOCAL:
			case TO_UTC:
				/* forward and back, each by the whole range of offsets */
				bound += 4 * MAX_OFFSET;
				break;
			case MONTHS:
				/* months and leap years are of different length; a day's end becomes its beginning */
				bound += 9 * USECS_PER_DAY;
				break;
			case TO_DAY:
				bound += USECS_PER_DAY;
				break;
			case SHIFT:
				break;
		}
	return bound;
}

/* ---- what a comparison says, as chains ---- */

/* Only a caller who made up a comparison sees this. */
pg_noreturn static void
refuse(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("not a comparison with the clock: %s", why)));
}

static void
add_step(Chain *chain, Kind kind, int64 by)
{
	Assert(chain->n < lengthof(chain->step));
	chain->step[chain->n].kind = kind;
	chain->step[chain->n].by = by;
	chain->n++;
}

/* In a zone of one offset nothing of local time is special. */
static void
add_zone_step(const Flip *flip, Chain *chain, Kind kind)
{
	long		offset;

	if (flip->fixed && pg_get_timezone_offset(flip->zone, &offset))
		add_step(chain, SHIFT, (kind == TO_LOCAL ? offset : -offset) * USECS_PER_SEC);
	else
		add_step(chain, kind, 0);
}

static bool
add_interval(const Flip *flip, Chain *chain, const Interval *span, int sign)
{
	const int64 most = 100000;	/* years; past it lies no timestamp, and infinity */
	bool		zoned = chain->type == TIMESTAMPTZOID;

	if (span->month > most * 12 || span->month < -most * 12 || span->day > most * 366 ||
		span->day < -most * 366 || span->time > most * 12 * USECS_PER_DAY || span->time < -most * 12 * USECS_PER_DAY)
		return false;
	if (chain->type == DATEOID)
		chain->type = TIMESTAMPOID;
	if (span->month != 0)
	{
		if (zoned)
			add_zone_step(flip, chain, TO_LOCAL);
		add_step(chain, MONTHS, sign * span->month);
		if (zoned)
			add_zone_step(flip, chain, TO_UTC);
	}
	if (span->day != 0)
	{
		if (zoned)
			add_zone_step(flip, chain, TO_LOCAL);
		add_step(chain, SHIFT, sign * span->day * USECS_PER_DAY);
		if (zoned)
			add_zone_step(flip, chain, TO_UTC);
	}
	if (span->time != 0)
		add_step(chain, SHIFT, sign * span->time);
	return true;
}

static void
convert(const Flip *flip, Chain *chain, Oid type)
{
	if (chain->type == TIMESTAMPTZOID && type != TIMESTAMPTZOID)
		add_zone_step(flip, chain, TO_LOCAL);
	if (type == DATEOID && chain->type != DATEOID)
		add_step(chain, TO_DAY, 0);
	if (chain->type != TIMESTAMPTZOID && type == TIMESTAMPTZOID)
		add_zone_step(flip, chain, TO_UTC);
	chain->type = type;
}

static bool
is_time(Oid type)
{
	return type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

static int64
integer_of(Datum value, Oid type)
{
	return type == INT2OID ? DatumGetInt16(value) : type == INT4OID ? DatumGetInt32(value)
		: DatumGetInt64(value);
}

/* As microseconds; beyond the range of timestamps, the ends of it. */
static int64
time_of(Datum value, Oid type)
{
	int			overflow;

	if (type == DATEOID)
		return date2timestamp_opt_overflow(DatumGetDateADT(value), &overflow);
	return type == TIMESTAMPOID ? DatumGetTimestamp(value) : DatumGetTimestampTz(value);
}

/* Sums that are too large are as good as infinite. */
static int64
sum_of(int64 a, int64 b)
{
	int64		sum;

	return !pg_add_s64_overflow(a, b, &sum) ? sum : a < 0 ? PG_INT64_MIN : PG_INT64_MAX;
}

/* What two intervals are compared by. */
static int64
length_of(const Interval *span)
{
	int64		days = (int64) span->month * DAYS_PER_MONTH + span->day;
	int64		length;

	if (pg_mul_s64_overflow(days, USECS_PER_DAY, &length))
		length = days < 0 ? PG_INT64_MIN : PG_INT64_MAX;
	/* a number whose negative is one, too */
	return Max(sum_of(length, span->time), PG_INT64_MIN + 1);
}

/* One token, and the operand that it takes, at the end of a chain; *operand: the next one. */
static bool
add_token(FunctionCallInfo fcinfo, const Flip *flip, const Token *token, Chain *chain,
		  int *operand)
{
	int			sign = token->action == SUBTRACT ? -1 : 1;
	Datum		value;
	Oid			type;
	int64		by;

	if (token->action == CAST)
	{
		convert(flip, chain, token->type);
		return true;
	}
	if (*operand >= flip->n_operands || (token->action != ADD && token->action != SUBTRACT))
		refuse("a token lacks its operand");
	type = flip->type[*operand];
	value = PG_GETARG_DATUM(2 + *operand);
	(*operand)++;
	if (is_time(type))
		refuse("a time is added");
	if (type == INTERVALOID)
		return add_interval(flip, chain, DatumGetIntervalP(value), sign);
	if (pg_mul_s64_overflow(integer_of(value, type), sign * USECS_PER_DAY, &by))
		return false;
	add_step(chain, SHIFT, by);
	return true;
}

/* ---- the instant ---- */

static void
read_clock(Flip *flip, int64 at, Reading *reading)
{
	reading->at = at;
	reading->value = at;
	reading->ok = evaluate(flip, &flip->clock, &reading->value, &reading->left, &reading->still);
}

/*
 * The first instant after as_of at which the clock compares otherwise with x; false: there is
 * none.  An instant before it is as good, only that it comes sooner than it need.
 */
static bool
find_flip(Flip *flip, int64 as_of, int64 x, int64 *result)
{
	const int64 bound = flip->bound;
	Reading		now = flip->as_of;
	bool		was = false;
	int			pieces;

	for (pieces = 0; pieces < MAX_PIECES; pieces++)
	{
		int64		ahead;
		int			side;
		int			i;

		*result = now.at;
		if (now.at >= HORIZON || !now.ok)
		{
			*result = now.at == as_of ? DT_NOBEGIN : Min(now.at, HORIZON);
			return true;
		}
		ahead = sum_of(x, -now.value);
		side = ahead > 0 ? 0 : ahead == 0 ? 1 : 2;
		if (now.at == as_of)
			was = flip->answer[side];
		else if (flip->answer[side] != was)
			return true;
		if (ahead < -bound)
			return false;
		if (now.at == as_of && ahead > bound)
		{
			read_clock(flip, Min(sum_of(as_of, ahead - bound), HORIZON), &now);
			continue;
		}
		/* on the way it meets x, and passes it */
		for (i = side + 1; !now.still && i <= 2; i++)
			if (flip->answer[i] != was && ahead + (i - 1) < now.left)
			{
				*result = now.at + ahead + (i - 1);
				return true;
			}
		if (now.left == PG_INT64_MAX)
			return false;
		read_clock(flip, now.at + now.left, &now);
	}
	return true;
}

/* For C: the clock, cast and an interval back, is greater than a time; NULL: it never is. */
Flip *
segment_flip_create(pg_tz *zone, Oid type, const Interval *back)
{
	Flip	   *flip = palloc0(sizeof(Flip));
	long		offset;

	flip->zone = zone;
	flip->fixed = pg_get_timezone_offset(zone, &offset);
	flip->answer[2] = true;
	flip->clock.type = TIMESTAMPTZOID;
	convert(flip, &flip->clock, type);
	if (back != NULL && !add_interval(flip, &flip->clock, back, -1))
		return NULL;
	flip->bound = bound_of(&flip->clock);
	flip->as_of.at = DT_NOBEGIN;
	return flip;
}

/* As next_flip; false: NULL. */
bool
segment_flip_find(Flip *flip, TimestampTz as_of, int64 x, TimestampTz *at)
{
	if (flip->as_of.at != as_of)
		read_clock(flip, as_of, &flip->as_of);
	return find_flip(flip, as_of, x, at);
}

/* The clock at an instant, and how long it moves along with time; false: not known. */
bool
segment_flip_read(Flip *flip, TimestampTz at, int64 *value, int64 *left)
{
	Reading		now;

	read_clock(flip, at, &now);
	*value = now.value, *left = now.left;
	return now.ok;
}

/* Reads the comparison; its tokens are separated by single spaces. */
static void
read_tokens(Flip *flip, char *text)
{
	static const struct
	{
		const char *name;
		Token		token;
		bool		answer[3];
	}			known[] = {
		{"<", {COMPARE}, {true, false, false}}, {"=", {COMPARE}, {false, true, false}},
		{">", {COMPARE}, {false, false, true}}, {"@", {TAKE_ROW}}, {"+", {ADD}}, {"-", {SUBTRACT}},
		{"+length", {ADD_LENGTH}}, {"-length", {SUBTRACT_LENGTH}}, {"date", {CAST, DATEOID}},
		{"timestamp", {CAST, TIMESTAMPOID}}, {"timestamptz", {CAST, TIMESTAMPTZOID}}
	};
	char	   *name;

	flip->comparison = -1;
	while ((name = strsep(&text, " ")) != NULL)
	{
		int			i;

		for (i = 0; i < lengthof(known) && strcmp(name, known[i].name) != 0; i++)
			;
		if (i == lengthof(known) || flip->n == MAX_TOKENS)
			refuse(psprintf("unexpected \"%s\"", name));
		if (known[i].token.action == COMPARE)
		{
			flip->comparison = flip->n;
			memcpy(flip->answer, known[i].answer, sizeof(flip->answer));
		}
		flip->token[flip->n++] = known[i].token;
	}
	if (flip->comparison < 0 || flip->comparison + 1 >= flip->n ||
		flip->token[flip->comparison + 1].action != TAKE_ROW)
		refuse("an operator and \"@\" are missing");
}

static Flip *
prepare_flip(FunctionCallInfo fcinfo)
{
	Flip	   *flip = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Flip));
	long		offset;
	int			i;

	read_tokens(flip, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	flip->n_operands = PG_NARGS() - 2;
	if (flip->n_operands > MAX_TOKENS)
		refuse("too many operands");
	for (i = 0; i < flip->n_operands; i++)
	{
		Oid			type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 2 + i));

		switch (type)
		{
			case DATEOID:
			case TIMESTAMPOID:
			case TIMESTAMPTZOID:
			case INTERVALOID:
			case INT2OID:
			case INT4OID:
			case INT8OID:
				break;
			default:
				refuse(psprintf("unexpected type %s", format_type_be(type)));
		}
		flip->type[i] = type;
	}
	for (i = 0; i < flip->comparison; i++)
		if (flip->token[i].action != CAST)
			flip->n_clock_operands++;
	flip->same_clock = true;
	for (i = 0; i < flip->n_clock_operands; i++)
		if (!get_fn_expr_arg_stable(fcinfo->flinfo, 2 + i))
			flip->same_clock = false;
	flip->zone = session_timezone;
	flip->fixed = pg_get_timezone_offset(flip->zone, &offset);
	return flip;
}

/* The clock's chain; type: of the row's time, with which it is compared. */
static bool
build_clock(FunctionCallInfo fcinfo, Flip *flip, Oid type)
{
	int			operand = 0;
	int			i;

	flip->clock.type = TIMESTAMPTZOID;
	flip->clock.n = 0;
	for (i = 0; i < flip->comparison; i++)
		if (!add_token(fcinfo, flip, &flip->token[i], &flip->clock, &operand))
			return false;
	if (type == TIMESTAMPTZOID)
		convert(flip, &flip->clock, TIMESTAMPTZOID);
	flip->bound = bound_of(&flip->clock);
	flip->built = flip->same_clock;
	/* to be read */
	flip->as_of.at = DT_NOBEGIN;
	return true;
}

/*
 * next_flip(as_of, comparison, operands): strict.  The comparison is a list of tokens that are
 * applied to as_of, the operator (<, = or >; the answers of the others change when those of
 * their opposites do), "@" and tokens that are applied to the row's time:
 *
 *		+ -						an interval or a number of days is added, subtracted
 *		date timestamp timestamptz		a cast
 *		@						the row's time
 *		+length -length			an interval is added to the row's time by its length, as
 *								as_of - t > interval compares it
 *
 * Each but the casts takes the next operand.
 */
Datum
segment_next_flip(PG_FUNCTION_ARGS)
{
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(0);
	Flip	   *flip = fcinfo->flinfo->fn_extra;
	Chain		row;
	int			operand;
	int64		value;
	int64		left;
	bool		still;
	int			i;

	if (flip == NULL || flip->zone != session_timezone)
		flip = fcinfo->flinfo->fn_extra = prepare_flip(fcinfo);
	if (TIMESTAMP_NOT_FINITE(as_of))
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);

	operand = flip->n_clock_operands;
	if (operand >= flip->n_operands)
		refuse("the time of the row is missing");
	row.type = flip->type[operand];
	row.n = 0;
	if (!is_time(row.type))
		refuse("the time of the row is none");
	value = time_of(PG_GETARG_DATUM(2 + operand), row.type);
	operand++;
	for (i = flip->comparison + 2; i < flip->n && flip->token[i].action < ADD_LENGTH; i++)
		if (!add_token(fcinfo, flip, &flip->token[i], &row, &operand))
			PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (!flip->built && !build_clock(fcinfo, flip, row.type))
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (flip->clock.type == TIMESTAMPTZOID)
		convert(flip, &row, TIMESTAMPTZOID);
	/* infinity stays what it is, and what is infinitely far stays there */
	if (TIMESTAMP_NOT_FINITE(value))
		PG_RETURN_NULL();
	if (!evaluate(flip, &row, &value, &left, &still))
		PG_RETURN_TIMESTAMPTZ(DT_NOBEGIN);
	if (i < flip->n)
	{
		int64		length;

		if (operand >= flip->n_operands || flip->type[operand] != INTERVALOID)
			refuse("the length is missing");
		length = length_of(PG_GETARG_INTERVAL_P(2 + operand));
		value = sum_of(value, flip->token[i].action == SUBTRACT_LENGTH ? -length : length);
		operand++;
	}
	if (operand != flip->n_operands)
		refuse("there are more operands than tokens");
	if (flip->as_of.at != as_of)
		read_clock(flip, as_of, &flip->as_of);
	if (!find_flip(flip, as_of, value, &value))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(value);
}
