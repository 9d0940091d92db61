/*
 * types.c: fuzz targets on the text and binary input of segment's types, inside
 * a server, because that is where the parsers live: they use its memory
 * contexts, its errors and its jsonb.
 *
 * fuzz/run builds this file and all of src/ with coverage into one module, next
 * to libFuzzer's driver.  fuzz_run(target, options) hands the session over to
 * the driver, which ends the process when it is done.  Each input goes through
 * the type's input function.  What it may do:
 *
 *	- raise an error, but none that says the server itself is at fault: an
 *	  internal error, damaged data, or memory that ran out over so short an input
 *	- give a value.  Then text and binary form must read back as the same bytes,
 *	  and every use of the value listed with the target must give an error of
 *	  that kind or a result.  A use that is a claim gives true, or null.
 *
 * Anything else aborts, which the driver takes for a crash: it keeps the input.
 * So do failed assertions, undefined behaviour, signals, and what a server with
 * memory checking says about overrun chunks.
 */
#include "postgres.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "feature/feature_set.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* libFuzzer's entry point for programs that have a main() of their own */
extern int	LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback) (const uint8 *data, size_t size));

/* called by libFuzzer to change an input, and its own way of doing so */
extern size_t LLVMFuzzerCustomMutator(uint8 *data, size_t size, size_t max_size, unsigned int seed);
extern size_t LLVMFuzzerMutate(uint8 *data, size_t size, size_t max_size);

PG_FUNCTION_INFO_V1(segment_fuzz_run);
PG_FUNCTION_INFO_V1(segment_fuzz_sample);

/* what the process may take beyond what it has when the driver starts */
#define MEMORY_LIMIT ((rlim_t) 768 * 1024 * 1024)

#define MAX_USES 32

typedef struct Target
{
	const char *name;
	const char *type;
	bool		binary;
	bool		hexadecimal;	/* the text form is hexadecimal: see read_input */
	const char *uses[MAX_USES]; /* queries; $1 is the value */
} Target;

#define MODEL_USES { \
	"SELECT true FROM segment.segments($1)", \
	"SELECT segment.model_metrics($1) IS NOT NULL", \
	"SELECT ($1::jsonb::segment.segment_model) OPERATOR(segment.=) $1", \
	"SELECT count(*) = 3 * (segment.model_metrics($1)->>'bins')::integer FROM segment.rfm_cut_points($1)", \
	/* scores, segments and reasons agree */ \
	"SELECT (segment.assign_segment($1, r, f, m) IS NOT DISTINCT FROM segment.explain_segment($1, r, f, m)->>'segment')" \
	" AND (segment.assign_segment_id($1, r, f, m) IS NULL) = (segment.assign_segment($1, r, f, m) IS NULL)" \
	" AND (s.segment IS NULL OR segment.rfm_score($1, r, f, m) = ANY (s.codes) OR NOT f > 0)" \
	" FROM (VALUES (12::float8, 4::float8, 310::float8), (0, 1, 0), (-1e300, 1e-300, 'Infinity'), ('Infinity', 'Infinity', '-Infinity'), (1, 2, 3), (1, 0, 0)) AS v (r, f, m)" \
	" LEFT JOIN segment.segments($1) AS s ON s.segment = segment.assign_segment($1, r, f, m)", \
	"SELECT segment.model_metrics($1)->>'kind' <> 'rfm' OR segment.assign_segment($1, NULL::float8, NULL::float8, NULL::float8) IS NOT NULL", \
	"SELECT segment.model_metrics($1)->>'kind' <> 'rfm' OR segment.assign_segment($1, 1, 1, 'NaN'::float8) IS NULL", \
	/* models that cluster: what a row function says agrees with the others, for numbers and for a row with categories */ \
	"SELECT count(*) = (segment.model_metrics($1)->>'n_segments')::integer * count(DISTINCT feature) FROM segment.centroids($1)", \
	"SELECT (segment.assign_segment($1, r, f, m) IS NOT DISTINCT FROM segment.explain_segment($1, r, f, m)->>'segment')" \
	" AND segment.segment_distance($1, r, f, m) >= 0" \
	" FROM (VALUES (12::float8, 4::float8, 310::float8), (0, 1, 0), (-1e300, 1e-300, 1e300), (1, NULL, 3)) AS v (r, f, m)", \
	"SELECT (segment.assign_segment($1, c) IS NOT DISTINCT FROM segment.explain_segment($1, c)->>'segment') AND segment.segment_distance($1, c) >= 0" \
	" FROM (SELECT * FROM fuzz.customer LIMIT 5) AS c", \
	"SELECT abs(sum(p.value::float8) - 1) < 1e-9 FROM (VALUES (12::float8, 4::float8, 310::float8), (-1e300, 1e-300, 1e300)) AS v (r, f, m)," \
	" jsonb_each_text(segment.segment_probabilities($1, r, f, m)) AS p GROUP BY v", \
	"SELECT segment.explain_segment($1, 'NaN'::float8, 1, 1) IS NOT NULL", \
	"SELECT count(*) = 1 FROM segment.segments($1) AS s, LATERAL segment.segments(segment.rename_segment($1, s.segment, 'x')) AS t WHERE t.segment = 'x' GROUP BY s.segment LIMIT 1", \
	"SELECT segment.assign_segment($1, 1, 2)" \
}

#define SET_USES { \
	"SELECT segment.feature_set_info($1) IS NOT NULL", \
	/* as many rows as it says */ \
	"SELECT sum(copies) IS NOT DISTINCT FROM nullif((segment.feature_set_info($1)->>'n_kept')::numeric, 0) FROM segment.feature_rows($1)", \
	/* merging is uniting: alone it changes nothing, twice it counts twice */ \
	"SELECT segment.feature_set_merge(s)::text = $1::text FROM (VALUES ($1)) AS v (s)", \
	"SELECT (segment.feature_set_info(segment.feature_set_merge(s))->>'n_input')::numeric = 2 * (segment.feature_set_info($1)->>'n_input')::numeric" \
	" FROM (VALUES ($1), ($1)) AS v (s)", \
	"SELECT segment.feature_set_info(segment.feature_set_merge(s)) IS NOT NULL FROM (VALUES ($1), ($1), ($1), ($1), ($1), ($1), ($1), ($1)) AS v (s)", \
	"SELECT segment.feature_set_merge(s) IS NOT NULL FROM fuzz.seed, LATERAL (VALUES (seed.set), ($1)) AS v (s) GROUP BY seed.name", \
	/* whatever can be trained is a model that can be read */ \
	"SELECT segment_internal.rfm_train($1, 3, 1, 'quantile', NULL, 's', names, cells, 'None', false)::text::segment.segment_model IS NOT NULL FROM fuzz.scheme", \
	"SELECT segment_internal.rfm_train($1, 3, 1, 'natural_breaks', NULL, 's', names, cells, 'None', false)::text::segment.segment_model IS NOT NULL FROM fuzz.scheme", \
	"SELECT segment_internal.rfm_train($1, 3, 0, 'r_rfm', NULL, 's', names, cells, 'None', false)::text::segment.segment_model IS NOT NULL FROM fuzz.scheme", \
	"SELECT segment_internal.rfm_train($1, 3, 1, 'thresholds', '{\"recency\": [1, 2], \"frequency\": [1, 2], \"monetary\": [1, 2]}', 's', names, cells, 'None', false)::text::segment.segment_model IS NOT NULL FROM fuzz.scheme" \
}

#define STATE_USES { \
	/* a step is a model that can be read and places rows */ \
	"SELECT segment.kmeans_step($1)::text::segment.segment_model OPERATOR(segment.=) segment.kmeans_step($1)", \
	"SELECT get_byte(segment_internal.kmeans_state_send($1), 1) = 2 OR sum(size) = (segment.model_metrics(segment.kmeans_step($1))->>'n_used')::numeric FROM (SELECT DISTINCT segment_id, size FROM segment.centroids(segment.kmeans_step($1))) AS c", \
	"SELECT segment.assign_segment(segment.kmeans_step($1), VARIADIC array_fill(1.5::float8, ARRAY[jsonb_array_length(segment.kmeans_step($1)::jsonb -> 'features')])) IS NOT NULL", \
	/* merging is uniting: alone it changes nothing, twice it counts twice */ \
	"SELECT segment.kmeans_step_merge(s)::text = $1::text FROM (VALUES ($1)) AS v (s)", \
	"SELECT (segment.model_metrics(segment.kmeans_step(segment.kmeans_step_merge(s)))->>'n_input')::numeric = 2 * (segment.model_metrics(segment.kmeans_step($1))->>'n_input')::numeric" \
	" FROM (VALUES ($1), ($1)) AS v (s)", \
	"SELECT segment.kmeans_step_merge(s) IS NOT NULL FROM (VALUES ($1), ($1), ($1), ($1), ($1), ($1), ($1), ($1)) AS v (s)" \
}

#define OUTCOME_USES { \
	/* whatever can be read can be told, or is beyond doubles; intervals hold the value */ \
	"SELECT lower <= value AND value <= upper AND std_error >= 0 FROM segment.estimate($1)", \
	"SELECT difference_lower <= difference AND difference <= difference_upper AND p_value BETWEEN 0 AND 1 FROM segment.lift($1, $1)", \
	"SELECT variance_reduction BETWEEN -1e-9 AND 1 FROM segment.lift($1, $1, 0.9, 100)", \
	"SELECT segment.detectable_lift($1, 10, 20) >= 0", \
	/* merging is adding up: alone it changes nothing, twice it counts twice, and the result can be read */ \
	"SELECT segment.outcome_merge(o)::text = $1::text FROM (VALUES ($1)) AS v (o)", \
	"SELECT (segment.outcome_merge(o)::text::segment.outcome)::text = segment.outcome_merge(o)::text FROM (VALUES ($1), ($1), ($1)) AS v (o)", \
	"SELECT e.customers = 2 * f.customers AND e.skipped = 2 * f.skipped AND e.value IS NOT DISTINCT FROM f.value" \
	" FROM (SELECT segment.outcome_merge(o) AS o FROM (VALUES ($1), ($1)) AS v (o)) AS s, segment.estimate(s.o) AS e, segment.estimate($1) AS f" \
}

static const Target targets[] = {
	{"segment_model_in", "segment.segment_model", false, false, MODEL_USES},
	{"segment_model_recv", "segment.segment_model", true, false, MODEL_USES},
	{"feature_set_in", "segment.feature_set", false, true, SET_USES},
	{"feature_set_recv", "segment.feature_set", true, false, SET_USES},
	{"kmeans_state_in", "segment.kmeans_state", false, true, STATE_USES},
	{"kmeans_state_recv", "segment.kmeans_state", true, false, STATE_USES},
	{"outcome_in", "segment.outcome", false, true, OUTCOME_USES},
	{"outcome_recv", "segment.outcome", true, false, OUTCOME_USES},
};

/* what one session fuzzes */
static const Target *target;
static FmgrInfo text_in;
static FmgrInfo text_out;
static FmgrInfo binary_in;
static FmgrInfo binary_out;
static Oid	in_param;			/* of both input functions: the type's own, as any caller passes it */
static int16 type_length;
static SPIPlanPtr use_plans[MAX_USES];
static MemoryContext input_context; /* emptied after each input */
static uint64 n_accepted = 0;	/* inputs that gave a value */

static pg_noinline void
fail(const char *what, const char *detail)
{
	fprintf(stderr, "fuzz target %s: %s: %s\n", target->name, what, detail);
	abort();
}

/* ---- errors ---- */

/* What a server with memory checking finds is only a warning to it. */
static void
watch_warnings(ErrorData *error)
{
	if (error->elevel >= ERROR)
		return;
	if (error->message != NULL && strncmp(error->message, "problem in ", strlen("problem in ")) == 0)
		fail("memory check", error->message);
	error->output_to_server = false;
}

/* Takes the error that was caught; returns when it is one that bad input may raise. */
static void
take_error(const char *where)
{
	ErrorData  *error;

	MemoryContextSwitchTo(input_context);
	error = CopyErrorData();
	FlushErrorState();
	switch (error->sqlerrcode)
	{
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_ADMIN_SHUTDOWN:
		case ERRCODE_CRASH_SHUTDOWN:
			/* somebody wants this to end; an error cannot pass through the driver */
			_exit(2);
		case ERRCODE_INTERNAL_ERROR:
		case ERRCODE_DATA_CORRUPTED:
		case ERRCODE_INDEX_CORRUPTED:
		case ERRCODE_OUT_OF_MEMORY:
			fail(where, error->message);
	}
	FreeErrorData(error);
}

/* ---- reading and writing ---- */

static char *
string_of(const uint8 *data, size_t size)
{
	char	   *string = palloc(size + 1);

	memcpy(string, data, size);
	string[size] = '\0';
	return string;
}

static Datum
read_binary(const void *data, size_t size)
{
	StringInfoData message;
	Datum		value;

	/* a message's bytes are followed by a zero, as wherever the server reads one */
	message.data = string_of(data, size);
	message.len = (int) size;
	message.maxlen = (int) size + 1;
	message.cursor = 0;
	value = ReceiveFunctionCall(&binary_in, &message, in_param, -1);
	/* every caller in the server insists on that */
	if (message.cursor != message.len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("incorrect binary data format")));
	return value;
}

static Datum
read_text(char *text)
{
	return InputFunctionCall(&text_in, text, in_param, -1);
}

/*
 * Where the text form is hexadecimal, the first byte of the input chooses whether
 * the rest is that text, or bytes that are to be written so: a fuzzer changes
 * bytes and would hardly ever meet an even number of digits.
 */
static bool
read_input(const uint8 *data, size_t size, Datum *value)
{
	char	   *text;

	if (target->binary)
	{
		*value = read_binary(data, size);
		return true;
	}
	if (target->hexadecimal && size > 0)
	{
		bool		as_bytes = (*data & 1) == 1;

		data++;
		size--;
		if (as_bytes)
		{
			text = palloc(2 * size + 1);
			text[hex_encode((const char *) data, size, text)] = '\0';
			*value = read_text(text);
			return true;
		}
	}
	text = string_of(data, size);
	/* no caller passes text that the encoding does not allow */
	if (!pg_verifymbstr(text, strlen(text), true))
		return false;
	*value = read_text(text);
	return true;
}

static void
check_same_text(const char *a, const char *b, const char *what)
{
	if (strcmp(a, b) != 0)
	{
		fprintf(stderr, "%s\n%s\n", a, b);
		fail(what, "the text differs");
	}
}

static void
check_round_trip(Datum value, Datum flat)
{
	char	   *text = OutputFunctionCall(&text_out, value);
	bytea	   *bytes = SendFunctionCall(&binary_out, value);
	Datum		again = read_text(text);
	bytea	   *bytes_again;

	check_same_text(text, OutputFunctionCall(&text_out, flat), "flat value");
	check_same_text(text, OutputFunctionCall(&text_out, again), "text read back");
	again = read_binary(VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
	check_same_text(text, OutputFunctionCall(&text_out, again), "binary read back");
	bytes_again = SendFunctionCall(&binary_out, again);
	if (VARSIZE(bytes) != VARSIZE(bytes_again) || memcmp(bytes, bytes_again, VARSIZE(bytes)) != 0)
		fail("binary read back", "the bytes differ");
}

/* ---- using ---- */

/* One use, or with plan NULL the round trip, in a subtransaction of its own. */
static void
use_value(Datum value, Datum flat, SPIPlanPtr plan, const char *name)
{
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(input_context);
	PG_TRY();
	{
		uint64		row;

		if (plan == NULL)
			check_round_trip(value, flat);
		else if (SPI_execute_plan(plan, &flat, NULL, true, 0) != SPI_OK_SELECT)
			fail(name, "is not a query");
		for (row = 0; plan != NULL && row < SPI_processed; row++)
		{
			bool		is_null;
			Datum		claim = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &is_null);

			if (SPI_gettypeid(SPI_tuptable->tupdesc, 1) == BOOLOID && !is_null && !DatumGetBool(claim))
				fail(name, "is not true");
		}
		if (plan != NULL)
			SPI_freetuptable(SPI_tuptable);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		take_error(name);
		RollbackAndReleaseCurrentSubTransaction();
		/* what was accepted once is to be written and read again */
		if (plan == NULL)
			fail(name, "raised an error");
	}
	PG_END_TRY();
	MemoryContextSwitchTo(input_context);
	CurrentResourceOwner = owner;
}

static int
take_input(const uint8 *data, size_t size)
{
	MemoryContext old = MemoryContextSwitchTo(input_context);
	Datum		value = (Datum) 0;
	volatile bool accepted = false;
	int			i;

	PG_TRY();
	{
		accepted = read_input(data, size, &value);
	}
	PG_CATCH();
	{
		take_error("input");
	}
	PG_END_TRY();
	if (accepted)
	{
		Datum		flat = datumCopy(value, false, type_length);

		n_accepted++;
		use_value(value, flat, NULL, "round trip");
		for (i = 0; target->uses[i] != NULL; i++)
			use_value(value, flat, use_plans[i], target->uses[i]);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(input_context);
	return 0;
}

/* ---- changing inputs ---- */

/* From start, the next number or string of a JSON text: its place and length, or false. */
static bool
next_token(const uint8 *data, size_t size, size_t start, size_t *at, size_t *length)
{
	size_t		i;

	for (i = start; i < size; i++)
	{
		size_t		end = i + 1;

		if (data[i] == '"')
		{
			while (end < size && data[end] != '"')
				end += data[end] == '\\' ? 2 : 1;
			end++;
		}
		else if (data[i] == '-' || (data[i] >= '0' && data[i] <= '9'))
			while (end < size && strchr("0123456789.eE+-", data[end]) != NULL && data[end] != '\0')
				end++;
		else
			continue;
		if (end > size)
			return false;
		*at = i;
		*length = end - i;
		return true;
	}
	return false;
}

/* Number `wanted` of the tokens, counted round; false when there is none. */
static bool
pick_token(const uint8 *data, size_t size, unsigned int wanted, size_t *at, size_t *length)
{
	size_t		next = 0;
	unsigned int n = 0;

	while (next_token(data, size, next, at, length))
	{
		next = *at + *length;
		n++;
	}
	if (n == 0)
		return false;
	for (next = 0, wanted %= n; next_token(data, size, next, at, length) && wanted > 0; wanted--)
		next = *at + *length;
	return true;
}

/*
 * Changed byte by byte a model hardly ever stays one.  So most changes of a
 * model put in the place of one of its numbers or strings another one: from the
 * same text, or one that is special.
 */
static size_t
change_model(uint8 *data, size_t size, size_t max_size, unsigned int seed)
{
	static const char *const special[] = {
		"0", "1", "2", "3", "10", "-1", "0.5", "-0", "1e308", "5e-324", "1e-400", "32000", "2147483647", "2147483648",
		"9223372036854775807", "\"Infinity\"", "\"-Infinity\"", "\"\"", "\"left\"", "\"right\"", "\"\\u00e4\"",
		"\"a\\\"b\"", "null", "[]", "{}"
	};
	size_t		at;
	size_t		length;
	size_t		from;
	size_t		from_length;
	char		put[64];

	if (!pick_token(data, size, seed / 8, &at, &length))
		return LLVMFuzzerMutate(data, size, max_size);
	if (seed % 8 < 3 || !pick_token(data, size, seed / 8191, &from, &from_length) ||
		from_length > sizeof(put))
	{
		const char *other = special[seed / 127 % lengthof(special)];

		from_length = strlen(other);
		memcpy(put, other, from_length);
	}
	else
		memcpy(put, data + from, from_length);
	if (size - length + from_length > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memmove(data + at + from_length, data + at + length, size - at - length);
	memcpy(data + at, put, from_length);
	return size - length + from_length;
}

/* Numbers of a feature set's bytes: big-endian, wherever they lie. */
static uint64
get_number(const uint8 *data, int bytes)
{
	uint64		value = 0;

	while (bytes-- > 0)
		value = value << 8 | *data++;
	return value;
}

static void
put_number(uint8 *data, uint64 value)
{
	int			i;

	for (i = 7; i >= 0; i--, value >>= 8)
		data[i] = (uint8) value;
}

/* where the header of a feature set has the numbers of features, rows seen and rows held */
#define AT_FEATURES 4
#define AT_SEEN 16
#define AT_HELD 24
#define AT_COLUMNS 32

/* The place of the rows; 0 when the columns are not as they should be. */
static size_t
find_rows(const uint8 *data, size_t size)
{
	size_t		at = AT_COLUMNS;
	uint64		strings = 1;
	uint64		features;

	if (size < AT_COLUMNS)
		return 0;
	for (features = get_number(data + AT_FEATURES, 4); features > 0; features--)
	{
		/* the name and the kind, then the categories */
		if (size - at < 9)
			return 0;
		at += 4 + get_number(data + at, 4);
		if (at + 5 > size)
			return 0;
		strings = data[at++] == 'c' ? get_number(data + at, 4) : 0;
		at += data[at - 1] == 'c' ? 4 : 0;
		for (; strings > 0; strings--)
		{
			if (at + 4 > size)
				return 0;
			at += 4 + get_number(data + at, 4);
			if (at > size)
				return 0;
		}
	}
	return at;
}

/*
 * So with feature sets: most changes put another number in the place of one in
 * a row, repeat a row or take one out, and keep the numbers of rows right.
 */
static size_t
change_set(uint8 *data, size_t size, size_t max_size, unsigned int seed)
{
	static const double special[] = {
		0, 1, 2, 3, 0.5, -1, -0.0, 37, 1e308, -1e308, 1e154, 5e-324, 2147483648.0, 9007199254740993.0, HUGE_VAL, -HUGE_VAL, NAN
	};
	size_t		rows = find_rows(data, size);
	uint64		held = size < AT_COLUMNS ? 0 : get_number(data + AT_HELD, 8);
	size_t		numbers;
	size_t		row_size;
	uint8	   *row;
	uint64		copies;

	if (rows == 0 || held == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	/* features, the weight if there is one (flag 1), copies */
	numbers = get_number(data + AT_FEATURES, 4) + (data[2] & 1) + 1;
	row_size = 8 * numbers;
	if (numbers < 2 || held > (size - rows) / row_size)
		return LLVMFuzzerMutate(data, size, max_size);
	row = data + rows + seed / 8 % held * row_size;
	copies = get_number(row + row_size - 8, 8);
	if (seed % 8 == 1 && held > 1)
	{
		memmove(row, row + row_size, data + size - (row + row_size));
		put_number(data + AT_HELD, held - 1);
		put_number(data + AT_SEEN, get_number(data + AT_SEEN, 8) - copies);
		return size - row_size;
	}
	if (seed % 8 == 2 && size + row_size <= max_size)
	{
		memmove(row + row_size, row, data + size - row);
		put_number(data + AT_HELD, held + 1);
		put_number(data + AT_SEEN, get_number(data + AT_SEEN, 8) + copies);
		return size + row_size;
	}
	if (seed % 8 == 3)
	{
		uint64		other = seed / 127 % 16 == 0 ? PG_INT64_MAX >> seed / 2048 % 63 : 1 + seed / 2048 % 5;

		put_number(row + row_size - 8, other);
		put_number(data + AT_SEEN, get_number(data + AT_SEEN, 8) - copies + other);
		return size;
	}
	row += 8 * (seed / 127 % (numbers - 1));
	if (seed % 8 < 6)
	{
		uint64		bits;

		memcpy(&bits, &special[seed / 8191 % lengthof(special)], 8);
		put_number(row, bits);
	}
	else
		memmove(row, data + rows + 8 * (seed / 8191 % (numbers * held)), 8);
	return size;
}

size_t
LLVMFuzzerCustomMutator(uint8 *data, size_t size, size_t max_size, unsigned int seed)
{
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (strcmp(target->type, targets[0].type) == 0)
		return change_model(data, size, max_size, seed);
	if (target->binary)
		return change_set(data, size, max_size, seed);
	/* as in read_input: of the rest behind an odd byte the text is made */
	if (size > 0 && max_size > 1 && (*data & 1) == 1)
		return 1 + change_set(data + 1, size - 1, max_size - 1, seed);
	return LLVMFuzzerMutate(data, size, max_size);
}

/* ---- SQL ---- */

static void
prepare(const char *name)
{
	Oid			type;
	Oid			function;
	bool		is_varlena;
	int			i;

	target = NULL;
	for (i = 0; i < (int) lengthof(targets); i++)
		if (strcmp(targets[i].name, name) == 0)
			target = &targets[i];
	if (target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no fuzz target \"%s\"", name)));
	type = DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum(target->type)));
	type_length = get_typlen(type);
	getTypeInputInfo(type, &function, &in_param);
	fmgr_info_cxt(function, &text_in, TopMemoryContext);
	getTypeOutputInfo(type, &function, &is_varlena);
	fmgr_info_cxt(function, &text_out, TopMemoryContext);
	getTypeBinaryInputInfo(type, &function, &in_param);
	fmgr_info_cxt(function, &binary_in, TopMemoryContext);
	getTypeBinaryOutputInfo(type, &function, &is_varlena);
	fmgr_info_cxt(function, &binary_out, TopMemoryContext);
	for (i = 0; target->uses[i] != NULL; i++)
	{
		use_plans[i] = SPI_prepare(target->uses[i], 1, &type);
		if (use_plans[i] == NULL)
			elog(ERROR, "could not prepare: %s", target->uses[i]);
	}
	input_context = AllocSetContextCreate(TopMemoryContext, "fuzz input", ALLOCSET_DEFAULT_SIZES);
}

static void
limit_memory(void)
{
	unsigned long pages;
	FILE	   *statm = fopen("/proc/self/statm", "r");
	struct rlimit limit;

	if (statm == NULL || fscanf(statm, "%lu", &pages) != 1)
		elog(ERROR, "could not read /proc/self/statm");
	fclose(statm);
	limit.rlim_cur = limit.rlim_max = pages * (rlim_t) sysconf(_SC_PAGESIZE) + MEMORY_LIMIT;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		elog(ERROR, "could not limit memory: %m");
}

/* For fuzz/run, behind the figures of the driver. */
static void
print_accepted(void)
{
	fprintf(stderr, "accepted: " UINT64_FORMAT "\n", n_accepted);
}

/* fuzz_run(target, log file, libFuzzer's options and folders): does not return */
Datum
segment_fuzz_run(PG_FUNCTION_ARGS)
{
	char	   *log = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Datum	   *options;
	bool	   *nulls;
	int			n;
	int			argc;
	char	  **argv;
	int			i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &options, &nulls, &n);
	argv = palloc0(sizeof(char *) * (n + 2));
	argv[0] = "segment_fuzz";
	for (i = 0; i < n; i++)
		argv[i + 1] = TextDatumGetCString(options[i]);
	argc = n + 1;

	SPI_connect();
	prepare(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	/* the driver writes to standard error, which would be the server's log */
	if (freopen(log, "w", stderr) == NULL)
		elog(ERROR, "could not open \"%s\": %m", log);
	emit_log_hook = watch_warnings;
	limit_memory();
	atexit(print_accepted);
	LLVMFuzzerRunDriver(&argc, &argv, take_input);
	/* the driver calls exit() itself */
	elog(ERROR, "the driver of the fuzzer came back");
}

/*
 * fuzz_sample(set, level): the set as if it had been sampled at that level; real
 * ones are too large to start from.
 */
Datum
segment_fuzz_sample(PG_FUNCTION_ARGS)
{
	FeatureSet *set = segment_feature_set_writable(PG_GETARG_DATUM(0), CurrentMemoryContext);

	segment_row_store_raise_level(&set->store, PG_GETARG_INT32(1));
	return segment_feature_set_datum(set);
}
