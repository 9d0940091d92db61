/*
 * model.c: the type segment_model: immutable, exact as text, the same bytes
 * wherever it was trained.
 *
 * A value holds its own canonical JSON: fixed order of members, numbers in
 * their shortest exact form, one space after each comma and colon.  Text and
 * binary input are parsed, checked as a whole and written anew, so a value in
 * a table is always sound and equal models are equal bytes.  A query reads the
 * JSON once and keeps the Model (model_argument.c).
 *
 * Members every model has:
 *	 format, kind, n_input, n_used, n_skipped, n_unsampled,
 *	 then those of its kind, then, of kinds with segments, segments: [{id, name, origin}].
 * origin is the name that training gave, left out where it is the name.
 */
#include "model/model.h"

#include "base/json_write.h"
#include "kernel/base/hash.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(segment_model_in);
PG_FUNCTION_INFO_V1(segment_model_out);
PG_FUNCTION_INFO_V1(segment_model_recv);
PG_FUNCTION_INFO_V1(segment_model_send);
PG_FUNCTION_INFO_V1(segment_model_to_jsonb);
PG_FUNCTION_INFO_V1(segment_model_from_jsonb);
PG_FUNCTION_INFO_V1(segment_model_eq);
PG_FUNCTION_INFO_V1(segment_model_ne);
PG_FUNCTION_INFO_V1(segment_model_lt);
PG_FUNCTION_INFO_V1(segment_model_le);
PG_FUNCTION_INFO_V1(segment_model_ge);
PG_FUNCTION_INFO_V1(segment_model_gt);
PG_FUNCTION_INFO_V1(segment_model_cmp);
PG_FUNCTION_INFO_V1(segment_model_hash);
PG_FUNCTION_INFO_V1(segment_model_hash_extended);

pg_noreturn static void
bad_model(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid segment_model: %s", detail)));
}

/* An empty model in the current context. */
Model *
segment_model_new(const ModelKind *kind)
{
	Model	   *model = palloc0(sizeof(Model));

	model->context = CurrentMemoryContext;
	model->kind = kind;
	return model;
}

/*
 * Sets the segments; NULL origins: the names.  The caller's strings are
 * copied.  Checks what holds for every model.
 */
void
segment_model_set_segments(Model *model, int n, const int32 *ids, char *const *names,
						   char *const *origins)
{
	MemoryContext old = MemoryContextSwitchTo(model->context);
	int			i;
	int			j;

	model->n_segments = n;
	model->segment = palloc(sizeof(ModelSegment) * n);
	for (i = 0; i < n; i++)
	{
		ModelSegment *segment = &model->segment[i];

		CHECK_FOR_INTERRUPTS();
		if (names[i][0] == '\0')
			bad_model("a segment has an empty name");
		if (ids[i] < 1)
			bad_model(psprintf("segment \"%s\" has id %d, expected a positive number",
											names[i], ids[i]));
		for (j = 0; j < i; j++)
		{
			if (strcmp(model->segment[j].name, names[i]) == 0)
				bad_model(psprintf("two segments are named \"%s\"", names[i]));
			if (model->segment[j].id == ids[i])
				bad_model(psprintf("segments \"%s\" and \"%s\" both have id %d",
												model->segment[j].name, names[i], ids[i]));
		}
		segment->id = ids[i];
		segment->name = pstrdup(names[i]);
		segment->origin = origins == NULL || origins[i] == NULL ? segment->name
			: pstrdup(origins[i]);
		segment->name_datum = CStringGetTextDatum(names[i]);
	}
	MemoryContextSwitchTo(old);
}

int
segment_model_segment_by_name(const Model *model, const char *name)
{
	int			i;

	for (i = 0; i < model->n_segments; i++)
		if (strcmp(model->segment[i].name, name) == 0)
			return i;
	return -1;
}

/* ---- reading ---- */

static void
read_segments(Model *model, const JsonPlace *json)
{
	JsonPlace	list = segment_json_member(json, "segments");
	int			n;
	JsonPlace  *elements = segment_json_elements(&list, &n);
	int32	   *ids;
	char	  **names;
	char	  **origins;
	int			i;
	static const char *const keys[] = {"id", "name", "origin", NULL};

	if (n < 1 || n > SEGMENT_MAX_SEGMENTS)
		segment_json_error(&list, psprintf("expected 1 to %d segments, got %d", SEGMENT_MAX_SEGMENTS, n));
	ids = palloc(sizeof(int32) * n);
	names = palloc(sizeof(char *) * n);
	origins = palloc0(sizeof(char *) * n);
	for (i = 0; i < n; i++)
	{
		const JsonPlace *segment = &elements[i];
		JsonPlace	id = segment_json_member(segment, "id");
		JsonPlace	name = segment_json_member(segment, "name");

		segment_json_check_keys(segment, keys);
		ids[i] = (int32) segment_json_integer(&id, 1, PG_INT32_MAX);
		names[i] = segment_json_string(&name);
		if (segment_json_has(segment, "origin"))
		{
			JsonPlace	origin = segment_json_member(segment, "origin");

			origins[i] = segment_json_string(&origin);
		}
	}
	segment_model_set_segments(model, n, ids, names, origins);
}

static void
check_model_keys(const Model *model, const JsonPlace *json)
{
	static const char *const common[] = {
		"format", "kind", "n_input", "n_used", "n_skipped", "n_unsampled"
	};
	const char **all;
	int			n = lengthof(common);
	int			i;

	for (i = 0; model->kind->keys[i] != NULL; i++)
		n++;
	all = palloc0(sizeof(char *) * (n + 2));
	n = 0;
	for (i = 0; i < (int) lengthof(common); i++)
		all[n++] = common[i];
	if (model->kind->assign != NULL)
		all[n++] = "segments";
	for (i = 0; model->kind->keys[i] != NULL; i++)
		all[n++] = model->kind->keys[i];
	segment_json_check_keys(json, all);
}

static Model *
read_json(Jsonb *jsonb)
{
	JsonPlace	json = segment_json_root(jsonb, "segment_model");
	JsonPlace	place = segment_json_member(&json, "format");
	const ModelKind *kind;
	int64		format = segment_json_integer(&place, 1, PG_INT32_MAX);
	char	   *name;
	Model	   *model;

	if (format > MODEL_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("segment_model has format " INT64_FORMAT ", this version reads up to %d",
						format, MODEL_FORMAT),
				 errhint("It was written by a newer version of the extension; update this one.")));
	place = segment_json_member(&json, "kind");
	name = segment_json_string(&place);
	kind = segment_model_kind_by_name(name);
	if (kind == NULL)
		segment_json_error(&place, psprintf("unknown kind of model \"%s\", expected one of %s", name,
										   segment_kind_names()));

	model = segment_model_new(kind);
	place = segment_json_member(&json, "n_input");
	model->rows.n_input = segment_json_integer(&place, 0, PG_INT64_MAX);
	place = segment_json_member(&json, "n_used");
	model->rows.n_used = segment_json_integer(&place, 0, model->rows.n_input);
	place = segment_json_member(&json, "n_skipped");
	model->rows.n_skipped = segment_json_integer(&place, 0, model->rows.n_input - model->rows.n_used);
	place = segment_json_member(&json, "n_unsampled");
	model->rows.n_unsampled = segment_json_integer(&place, 0, model->rows.n_input);
	if (model->rows.n_used + model->rows.n_skipped + model->rows.n_unsampled != model->rows.n_input)
		segment_json_error(&json, "n_used, n_skipped and n_unsampled do not add up to n_input");
	if (kind->assign != NULL)
		read_segments(model, &json);
	kind->read(model, &json);
	check_model_keys(model, &json);
	return model;
}

static Jsonb *
parse_json(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

SegmentModelValue *
segment_model_detoast(Datum value)
{
	return (SegmentModelValue *) PG_DETOAST_DATUM(value);
}

/* Reads a value into a context of its own below the given one. */
Model *
segment_model_read(const SegmentModelValue *value, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "segment model",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Model	   *model;

	if (value->format != MODEL_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("segment_model has stored format %d, expected %d",
						value->format, MODEL_FORMAT),
				 errhint("It was written by another version of the extension.")));
	model = read_json(parse_json(value->json));
	MemoryContextSwitchTo(old);
	return model;
}

/* ---- writing ---- */

static void
write_segments(const Model *model, StringInfo out)
{
	int			i;

	appendStringInfoString(out, ", \"segments\": [");
	for (i = 0; i < model->n_segments; i++)
	{
		const ModelSegment *segment = &model->segment[i];

		appendStringInfo(out, "%s{\"id\": %d, \"name\": ", i > 0 ? ", " : "", segment->id);
		segment_json_put_string(out, segment->name);
		if (strcmp(segment->origin, segment->name) != 0)
		{
			appendStringInfoString(out, ", \"origin\": ");
			segment_json_put_string(out, segment->origin);
		}
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

SegmentModelValue *
segment_model_value(const Model *model)
{
	StringInfoData out;
	SegmentModelValue *value;
	Size		size;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"format\": %d, \"kind\": \"%s\", \"n_input\": " INT64_FORMAT
					 ", \"n_used\": " INT64_FORMAT ", \"n_skipped\": " INT64_FORMAT
					 ", \"n_unsampled\": " INT64_FORMAT,
					 MODEL_FORMAT, model->kind->name, model->rows.n_input, model->rows.n_used,
					 model->rows.n_skipped, model->rows.n_unsampled);
	model->kind->write(model, &out);
	if (model->kind->assign != NULL)
		write_segments(model, &out);
	appendStringInfoChar(&out, '}');

	size = offsetof(SegmentModelValue, json) + out.len + 1;
	value = palloc0(size);
	SET_VARSIZE(value, size);
	value->format = MODEL_FORMAT;
	value->hash = segment_hash_bytes(out.data, out.len);
	memcpy(value->json, out.data, out.len + 1);
	pfree(out.data);
	return value;
}

/* A value from JSON that nobody vouches for. */
SegmentModelValue *
segment_model_from_text(const char *text)
{
	return segment_model_value(read_json(parse_json(text)));
}

/* ---- SQL ---- */

Datum
segment_model_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(segment_model_from_text(PG_GETARG_CSTRING(0)));
}

Datum
segment_model_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup(segment_model_detoast(PG_GETARG_DATUM(0))->json));
}

/* Binary form: int16 format, then the JSON. */
Datum
segment_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			format = pq_getmsgint(in, 2);
	char	   *text;
	int			len;

	if (format > MODEL_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("segment_model has binary format %d, this version reads up to %d",
						format, MODEL_FORMAT),
				 errhint("It was written by a newer version of the extension; update this one.")));
	if (format < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("segment_model has binary format %d, expected %d", format, MODEL_FORMAT)));
	text = pq_getmsgtext(in, in->len - in->cursor, &len);
	PG_RETURN_POINTER(segment_model_from_text(text));
}

Datum
segment_model_send(PG_FUNCTION_ARGS)
{
	SegmentModelValue *value = segment_model_detoast(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, MODEL_FORMAT);
	pq_sendtext(&out, value->json, strlen(value->json));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

Datum
segment_model_to_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(parse_json(segment_model_detoast(PG_GETARG_DATUM(0))->json));
}

Datum
segment_model_from_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_MODEL(read_json(PG_GETARG_JSONB_P(0)));
}

/* ---- comparing: for DISTINCT, GROUP BY, UNION, joins and indexes ---- */

/* The order is that of the bytes of the text: it means nothing, but is the same everywhere. */
static int
compare_models(FunctionCallInfo fcinfo)
{
	SegmentModelValue *a = segment_model_detoast(PG_GETARG_DATUM(0));
	SegmentModelValue *b = segment_model_detoast(PG_GETARG_DATUM(1));
	int			result = strcmp(a->json, b->json);

	/* a sort compares often, and models are large */
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result < 0 ? -1 : result > 0 ? 1 : 0;
}

Datum
segment_model_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_models(fcinfo) == 0);
}

Datum
segment_model_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_models(fcinfo) != 0);
}

Datum
segment_model_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_models(fcinfo) < 0);
}

Datum
segment_model_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_models(fcinfo) <= 0);
}

Datum
segment_model_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_models(fcinfo) >= 0);
}

Datum
segment_model_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_models(fcinfo) > 0);
}

Datum
segment_model_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_models(fcinfo));
}

/* A value holds the hash of its text. */
static uint64
hash_of_model(FunctionCallInfo fcinfo)
{
	SegmentModelValue *value = segment_model_detoast(PG_GETARG_DATUM(0));
	uint64		hash = value->hash;

	PG_FREE_IF_COPY(value, 0);
	return hash;
}

Datum
segment_model_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) (uint32) hash_of_model(fcinfo));
}

/* With seed 0 the low half has to be what segment_model_hash gives. */
Datum
segment_model_hash_extended(PG_FUNCTION_ARGS)
{
	uint64		seed = (uint64) PG_GETARG_INT64(1);
	uint64		hash = hash_of_model(fcinfo);

	PG_RETURN_INT64((int64) (seed == 0 ? hash : segment_hash_step(seed, hash)));
}
