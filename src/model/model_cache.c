/*
 * model_cache.c: models that were read, for the length of a session.
 *
 * Reading a model takes a fraction of a millisecond, placing a row some ten
 * nanoseconds.  A query keeps what it has read, but a query may be one row long,
 * and some plans (a VALUES list) set up their expressions anew for each row.  So
 * the session keeps the models it used last.  One that is in use is never
 * dropped: row functions acquire a model and release it when their query ends.
 */
#include "model/model_cache.h"

#include "utils/memutils.h"

/* how many models that nobody uses are kept */
#define KEPT_MODELS 16

typedef struct CachedModel
{
	struct CachedModel *next;	/* the one used before this one */
	Model	   *model;
	SegmentModelValue *value;	/* a copy, to compare with */
	int			references;
} CachedModel;

static CachedModel *cached_models = NULL;	/* the one acquired last is first */

static bool
same_value(const SegmentModelValue *a, const SegmentModelValue *b)
{
	return a->hash == b->hash && VARSIZE(a) == VARSIZE(b) &&
		memcmp(a, b, VARSIZE(a)) == 0;
}

/* Drops what was not used for longest, beyond the number that is kept. */
static void
drop_unused(void)
{
	CachedModel **link = &cached_models;
	int			unused = 0;

	while (*link != NULL)
	{
		CachedModel *cached = *link;

		if (cached->references == 0 && ++unused > KEPT_MODELS)
		{
			*link = cached->next;
			/* its context holds the entry and the copy, too */
			MemoryContextDelete(cached->model->context);
		}
		else
			link = &cached->next;
	}
}

/* The model of a value, to be released by the caller. */
Model *
segment_model_acquire(const SegmentModelValue *value)
{
	CachedModel **link;
	CachedModel *cached;
	Model	   *model;

	for (link = &cached_models; *link != NULL; link = &(*link)->next)
	{
		cached = *link;
		if (same_value(cached->value, value))
		{
			*link = cached->next;
			cached->next = cached_models;
			cached_models = cached;
			cached->references++;
			return cached->model;
		}
	}
	/* read in the caller's context, so that an error leaves nothing behind */
	model = segment_model_read(value, CurrentMemoryContext);
	cached = MemoryContextAllocZero(model->context, sizeof(CachedModel));
	cached->model = model;
	cached->value = MemoryContextAlloc(model->context, VARSIZE(value));
	memcpy(cached->value, value, VARSIZE(value));
	cached->references = 1;
	MemoryContextSetParent(model->context, TopMemoryContext);
	cached->next = cached_models;
	cached_models = cached;
	drop_unused();
	return model;
}

void
segment_model_release(Model *model)
{
	CachedModel *cached;

	for (cached = cached_models; cached != NULL; cached = cached->next)
		if (cached->model == model)
			cached->references--;
}
