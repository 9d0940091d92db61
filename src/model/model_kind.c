/*
 * model_kind.c: the list of all kinds of models: ours, and those that other modules register
 * when they are loaded:
 *
 *	load_external_function("$libdir/segment", "segment_register_model_kind", true, NULL)
 */
#include "model/model.h"

#include "cluster/centroid_model.h"
#include "cluster/gaussian_mixture_kind.h"
#include "cluster/kprototypes_kind.h"
#include "predict/regression.h"
#include "predict/value_model.h"
#include "rfm/rfm.h"
#include "tree/rule_tree.h"
#include "utils/memutils.h"

/* in the order in which hints name them */
static const ModelKind *const own_kinds[] = {
	&segment_rfm_model_kind,
	&segment_kmeans_model_kind,
	&segment_bisecting_model_kind,
	&segment_mixture_model_kind,
	&segment_prototype_model_kind,
	&segment_rule_tree_kind,
	&segment_linear_regression_kind,
	&segment_logistic_regression_kind,
	&segment_buying_kinds[SEGMENT_BGNBD],
	&segment_buying_kinds[SEGMENT_MBGNBD],
	&segment_buying_kinds[SEGMENT_PARETO_NBD],
	&segment_buying_kinds[SEGMENT_BGBB],
	&segment_buying_kinds[SEGMENT_GAMMA_GAMMA],
	&segment_value_kind
};

static const ModelKind **registered = NULL;
static int	n_registered = 0;

/* From 0 on; NULL: there are no more. */
static const ModelKind *
kind_by_number(int i)
{
	if (i < (int) lengthof(own_kinds))
		return own_kinds[i];
	i -= (int) lengthof(own_kinds);
	return i < n_registered ? registered[i] : NULL;
}

/* NULL: there is none. */
const ModelKind *
segment_model_kind_by_name(const char *name)
{
	const ModelKind *kind;
	int			i;

	for (i = 0; (kind = kind_by_number(i)) != NULL; i++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

/* Adds a kind for the rest of the session; the caller keeps what it points to. */
void
segment_register_model_kind(const ModelKind *kind)
{
	Size		size = sizeof(ModelKind *) * (n_registered + 1);

	if (segment_model_kind_by_name(kind->name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a kind of models is named \"%s\" already", kind->name)));
	registered = registered == NULL ? MemoryContextAlloc(TopMemoryContext, size)
		: repalloc(registered, size);
	registered[n_registered++] = kind;
}

/* The trainers of the kinds that have an op, given by its place in ModelKind, for a hint. */
char *
segment_kinds_with(size_t op)
{
	const ModelKind *kind;
	const char *last = NULL;
	StringInfoData names;
	int			i;

	initStringInfo(&names);
	for (i = 0; (kind = kind_by_number(i)) != NULL; i++)
	{
		void	   *function;

		memcpy(&function, (const char *) kind + op, sizeof(function));
		if (function == NULL)
			continue;
		if (last != NULL)
			appendStringInfo(&names, "%s%s()", names.len > 0 ? ", " : "", last);
		last = kind->name;
	}
	if (last != NULL)
		appendStringInfo(&names, "%s%s()", names.len > 0 ? " and " : "", last);
	return names.data;
}

/* The names of all kinds, for a message. */
char *
segment_kind_names(void)
{
	const ModelKind *kind;
	StringInfoData names;
	int			i;

	initStringInfo(&names);
	for (i = 0; (kind = kind_by_number(i)) != NULL; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", kind->name);
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
