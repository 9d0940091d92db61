/*
 * kmeans_state.c: the type kmeans_state: a step of k-means on its way: a model, and
 * what the rows that were placed by it add up to, by segment.
 *
 * In memory it is an expanded object that holds the model prepared for placing
 * rows: some engines call a transition function with nothing but the state to
 * remember things in.  When it travels it is flat:
 *
 *	 FlatKmeansState | model | n | squares | sum, or weight and weighted
 *
 * model: the value, as it came; the others as in SegmentStepSums.
 *
 * Its size depends on the model alone: about 16 bytes for a segment and feature,
 * and 1.7 kB for a segment; where rows have weights 1.7 kB for a segment and feature,
 * and 3.5 kB for a segment.
 */
#include "cluster/kmeans_state.h"

#include "model/model_cache.h"
#include "utils/memutils.h"

#define FLAT_FORMAT 2

typedef struct FlatKmeansState
{
	int32		vl_len_;
	uint16		format;			/* FLAT_FORMAT */
	uint16		weighted;		/* 1: rows have weights; else 0 */
	int32		k;
	int32		d;
	int64		n_input;
	int64		n_skipped;
	int64		n_far;
} FlatKmeansState;

/* the most that fits into one value, with room for headers */
#define FLAT_LIMIT ((Size) (MaxAllocSize - 64 * 1024))

static Size state_flat_size(ExpandedObjectHeader *eohptr);
static void state_flatten(ExpandedObjectHeader *eohptr, void *result, Size size);

static const ExpandedObjectMethods state_methods = {
	state_flat_size,
	state_flatten
};

static Size
flat_size(Size model_size, bool weighted, int k, int d)
{
	Size		of_segment = sizeof(int64) + sizeof(SegmentExactSum) +
		(weighted ? sizeof(SegmentExactSum) * (1 + (Size) d) : sizeof(int128) * d);

	return MAXALIGN(sizeof(FlatKmeansState)) + MAXALIGN(model_size) + of_segment * k;
}

static void
release_model(void *arg)
{
	segment_model_release(((KmeansState *) arg)->model);
}

/* A state that has seen no rows, of a model that is copied. */
KmeansState *
segment_kmeans_state_new(const SegmentModelValue *value, bool weighted, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "kmeans_state", ALLOCSET_START_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	KmeansState *state = palloc0(sizeof(KmeansState));
	SegmentStepSums *sums = &state->sums;
	Size		size;

	EOH_init_header(&state->hdr, &state_methods, context);
	state->magic = KMEANS_STATE_MAGIC;
	state->value = palloc(VARSIZE(value));
	memcpy(state->value, value, VARSIZE(value));
	state->model = segment_model_acquire(value);
	state->release.func = release_model;
	state->release.arg = state;
	MemoryContextRegisterResetCallback(context, &state->release);
	state->cluster = segment_cluster_of(state->model);
	sums->k = state->model->n_segments;
	sums->d = state->cluster->space->d;
	size = flat_size(VARSIZE(value), weighted, sums->k, sums->d);
	if (size > FLAT_LIMIT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the model has too many segments and features for a step over rows"),
				 errdetail("The state would take %zu bytes, at most %zu can be held.", size, FLAT_LIMIT)));
	state->row = palloc(sizeof(double) * state->model->n_features);
	sums->step = palloc(sizeof(double) * sums->d);
	sums->per_step = palloc(sizeof(double) * sums->d);
	segment_step_grid(sums, segment_space_units(state->cluster->space));
	sums->n = palloc0(sizeof(int64) * sums->k);
	sums->squares = palloc0(sizeof(SegmentExactSum) * sums->k);
	if (!weighted)
		sums->sum = palloc0(sizeof(int128) * sums->d * sums->k);
	else
	{
		/* in one piece, for the flat form */
		sums->weight = palloc0(sizeof(SegmentExactSum) * (1 + (Size) sums->d) * sums->k);
		sums->weighted = sums->weight + sums->k;
	}
	MemoryContextSwitchTo(old);
	return state;
}

Datum
segment_kmeans_state_datum(KmeansState *state)
{
	return EOHPGetRWDatum(&state->hdr);
}

/*
 * Whether a model is the one of the state.  A value stored out of line is fetched once:
 * afterwards it is known by where it lies.
 */
bool
segment_kmeans_state_is_of(KmeansState *state, Datum model)
{
	struct varlena *raw = (struct varlena *) DatumGetPointer(model);
	bool		out_of_line = VARATT_IS_EXTERNAL_ONDISK(raw) &&
		VARSIZE_EXTERNAL(raw) <= KMEANS_STATE_POINTER_SIZE;
	SegmentModelValue *value;
	bool		same;

	if (out_of_line && state->pointer_size == VARSIZE_EXTERNAL(raw) &&
		memcmp(state->pointer, raw, state->pointer_size) == 0)
		return true;
	value = segment_model_detoast(model);
	same = value->hash == state->value->hash && VARSIZE(value) == VARSIZE(state->value);
	if (same && out_of_line)
	{
		state->pointer_size = VARSIZE_EXTERNAL(raw);
		memcpy(state->pointer, raw, state->pointer_size);
	}
	if ((struct varlena *) value != raw)
		pfree(value);
	return same;
}

/* ---- flat form ---- */

static Size
state_flat_size(ExpandedObjectHeader *eohptr)
{
	KmeansState *state = (KmeansState *) eohptr;

	Assert(state->magic == KMEANS_STATE_MAGIC);
	return flat_size(VARSIZE(state->value), segment_kmeans_state_is_weighted(state), state->sums.k,
					 state->sums.d);
}

/* Writes sums in normal form and moves on. */
static void
put_sums(char **p, SegmentExactSum *sums, Size n)
{
	Size		i;

	for (i = 0; i < n; i++)
		segment_exact_normalise(&sums[i]);
	memcpy(*p, sums, sizeof(SegmentExactSum) * n);
	*p += sizeof(SegmentExactSum) * n;
}

static void
state_flatten(ExpandedObjectHeader *eohptr, void *result, Size size)
{
	KmeansState *state = (KmeansState *) eohptr;
	SegmentStepSums *sums = &state->sums;
	FlatKmeansState *flat = result;
	char	   *p = (char *) result + MAXALIGN(sizeof(FlatKmeansState));

	memset(result, 0, MAXALIGN(sizeof(FlatKmeansState)) + MAXALIGN(VARSIZE(state->value)));
	SET_VARSIZE(flat, size);
	flat->format = FLAT_FORMAT;
	flat->weighted = segment_kmeans_state_is_weighted(state) ? 1 : 0;
	flat->k = sums->k;
	flat->d = sums->d;
	flat->n_input = state->n_input;
	flat->n_skipped = state->n_skipped;
	flat->n_far = state->n_far;
	memcpy(p, state->value, VARSIZE(state->value));
	p += MAXALIGN(VARSIZE(state->value));
	memcpy(p, sums->n, sizeof(int64) * sums->k);
	p += sizeof(int64) * sums->k;
	put_sums(&p, sums->squares, sums->k);
	if (flat->weighted)
		put_sums(&p, sums->weight, (Size) sums->k * (1 + sums->d));
	else
		memcpy(p, sums->sum, sizeof(int128) * sums->d * sums->k);
}

/*
 * Flat values are made by state_flatten alone (text and binary input go another
 * way), so this only guards against a value written by another version.
 */
static KmeansState *
expand(const FlatKmeansState *flat, MemoryContext parent)
{
	const char *p = (const char *) flat + MAXALIGN(sizeof(FlatKmeansState));
	const SegmentModelValue *value = (const SegmentModelValue *) p;
	KmeansState *state;
	SegmentStepSums *sums;

	if (flat->format != FLAT_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("kmeans_state has stored format %d, expected %d", flat->format, FLAT_FORMAT),
				 errhint("It was written by another version of the extension; make the step again.")));
	state = segment_kmeans_state_new(value, flat->weighted != 0, parent);
	sums = &state->sums;
	Assert(flat->k == sums->k && flat->d == sums->d);
	state->n_input = flat->n_input;
	state->n_skipped = flat->n_skipped;
	state->n_far = flat->n_far;
	p += MAXALIGN(VARSIZE(value));
	memcpy(sums->n, p, sizeof(int64) * sums->k);
	p += sizeof(int64) * sums->k;
	memcpy(sums->squares, p, sizeof(SegmentExactSum) * sums->k);
	p += sizeof(SegmentExactSum) * sums->k;
	if (flat->weighted)
		memcpy(sums->weight, p, sizeof(SegmentExactSum) * (1 + (Size) sums->d) * sums->k);
	else
		memcpy(sums->sum, p, sizeof(int128) * sums->d * sums->k);
	return state;
}

static KmeansState *
expand_datum(Datum value, MemoryContext parent)
{
	FlatKmeansState *flat = (FlatKmeansState *) PG_DETOAST_DATUM(value);
	KmeansState *state = expand(flat, parent);

	if ((Pointer) flat != DatumGetPointer(value))
		pfree(flat);
	return state;
}

/* For reading: the expanded object itself, or a copy of the flat value. */
KmeansState *
segment_kmeans_state_read(Datum value, MemoryContext context)
{
	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		KmeansState *state = (KmeansState *) DatumGetEOHP(value);

		Assert(state->magic == KMEANS_STATE_MAGIC);
		return state;
	}
	return expand_datum(value, context);
}

/*
 * For adding rows: the same object when the value is writable, else a copy below the
 * given context.
 */
KmeansState *
segment_kmeans_state_writable(Datum value, MemoryContext parent)
{
	KmeansState *source;
	KmeansState *state;

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return segment_kmeans_state_read(value, parent);
	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return expand_datum(value, parent);
	source = segment_kmeans_state_read(value, parent);
	state = segment_kmeans_state_new(source->value, segment_kmeans_state_is_weighted(source), parent);
	segment_kmeans_state_merge(state, source);
	return state;
}

/* Adds another part of the same step, which stays as it is. */
void
segment_kmeans_state_merge(KmeansState *into, const KmeansState *from)
{
	if (VARSIZE(into->value) != VARSIZE(from->value) ||
		memcmp(into->value, from->value, VARSIZE(into->value)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("cannot merge steps of different models")));
	if (segment_kmeans_state_is_weighted(into) != segment_kmeans_state_is_weighted(from))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("cannot merge a step with weights and one without")));
	if (from->n_input > SEGMENT_STEP_MAX_ROWS - into->n_input)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a step takes at most " INT64_FORMAT " rows", SEGMENT_STEP_MAX_ROWS)));
	into->n_input += from->n_input;
	into->n_skipped += from->n_skipped;
	into->n_far += from->n_far;
	segment_step_merge(&into->sums, &from->sums);
}
