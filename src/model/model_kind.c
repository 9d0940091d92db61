/*
 * model_kind.c: the list of all kinds of models.
 *
 * Our own are registered when the module is loaded; a module with a kind of its own does the
 * same for it:
 *
 *	load_external_function("$libdir/segment", "segment_register_model_kind", true, NULL)
 */
#include "model/model.h"

#include "cluster/centroid_model.h"
#include "cluster/gaussian_mixture_kind.h"
#include "cluster/kprototypes_kind.h"
#include "rfm/rfm.h"
#include "utils/memutils.h"

typedef struct RegisteredKind
{
	const ModelKind *kind;
	struct RegisteredKind *next;
} RegisteredKind;

static RegisteredKind *first_kind = NULL;

/* In the order in which hints name them. */
void
segment_register_model_kinds(void)
{
	segment_register_model_kind(&segment_rfm_model_kind);
	segment_register_model_kind(&segment_kmeans_model_kind);
	segment_register_model_kind(&segment_bisecting_model_kind);
	segment_register_model_kind(&segment_mixture_model_kind);
	segment_register_model_kind(&segment_prototype_model_kind);
}

/* Behind those that are there; names are taken once. */
void
segment_register_model_kind(const ModelKind *kind)
{
	RegisteredKind **link = &first_kind;

	for (; *link != NULL; link = &(*link)->next)
		if (strcmp((*link)->kind->name, kind->name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("a kind of models is named \"%s\" already", kind->name)));
	*link = MemoryContextAllocZero(TopMemoryContext, sizeof(RegisteredKind));
	(*link)->kind = kind;
}

/* NULL: there is none. */
const ModelKind *
segment_model_kind_by_name(const char *name)
{
	const RegisteredKind *registered;

	for (registered = first_kind; registered != NULL; registered = registered->next)
		if (strcmp(registered->kind->name, name) == 0)
			return registered->kind;
	return NULL;
}

/* The trainers of the kinds that have an op, given by its place in ModelKind, for a hint. */
char *
segment_kinds_with(size_t op)
{
	const RegisteredKind *registered;
	const char *last = NULL;
	StringInfoData names;

	initStringInfo(&names);
	for (registered = first_kind; registered != NULL; registered = registered->next)
	{
		void	   *function;

		memcpy(&function, (const char *) registered->kind + op, sizeof(function));
		if (function == NULL)
			continue;
		if (last != NULL)
			appendStringInfo(&names, "%s%s()", names.len > 0 ? ", " : "", last);
		last = registered->kind->name;
	}
	if (last != NULL)
		appendStringInfo(&names, "%s%s()", names.len > 0 ? " and " : "", last);
	return names.data;
}

void
segment_no_segments(const Model *model)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("a model of kind \"%s\" has no segments", model->kind->name),
			 model->kind->predict == NULL ? 0 : errdetail("It predicts a number.")));
}
