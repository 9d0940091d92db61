/*
 * method.c: the list of the methods of clustering, and what is asked of each of them alike.
 *
 * What a method is, the kernel says (kernel/cluster/clustering.h); which arguments are its
 * own, the file of its trainer.
 */
#include "cluster/method.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "catalog/pg_type.h"
#include "cluster/centroid_model.h"
#include "cluster/gaussian_mixture_kind.h"
#include "cluster/kprototypes_kind.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_cluster_method_names);

const ClusterMethod *const segment_cluster_methods[] = {
	&segment_kmeans_cluster_method,
	&segment_bisecting_cluster_method,
	&segment_prototype_cluster_method,
	&segment_mixture_cluster_method,
	NULL
};

/* By the name of the function that trains by it; else an error that names them all. */
const ClusterMethod *
segment_cluster_method_by_name(const char *name)
{
	const char *names[lengthof(segment_cluster_methods)] = {NULL};
	int			i;

	for (i = 0; segment_cluster_methods[i] != NULL; i++)
		names[i] = segment_cluster_methods[i]->kernel->name;
	return segment_cluster_methods[segment_name_in_list(name, names, "method")];
}

/* Whether an argument that only some methods take is one of this method. */
bool
segment_method_takes(const ClusterMethod *method, const char *argument)
{
	int			i;

	for (i = 0; method->arguments != NULL && method->arguments[i] != NULL; i++)
		if (strcmp(method->arguments[i], argument) == 0)
			return true;
	return false;
}

/* The names of those that cluster numbers and categories together, for a hint. */
char *
segment_methods_with_categories(const char *before, const char *after)
{
	StringInfoData names;
	int			i;

	initStringInfo(&names);
	for (i = 0; segment_cluster_methods[i] != NULL; i++)
		if (segment_cluster_methods[i]->kernel->mismatch != NULL)
			appendStringInfo(&names, "%s%s%s%s", names.len > 0 ? " or " : "", before,
							 segment_cluster_methods[i]->kernel->name, after);
	return names.data;
}

/* Refuses categories on behalf of a trainer that has no use for them. */
void
segment_need_numbers(const char *trainer, const FeatureSpace *space)
{
	if (space->n_codes > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s needs numeric features, but %d of %d are categories",
						trainer, space->n_codes, space->n_features),
				 errhint("%s clusters numbers and categories together.",
						 segment_methods_with_categories("", "()"))));
}

/* What trainers take where a model does not say: the defaults of their SQL functions. */
SegmentClustering
segment_default_clustering(const SegmentClusterMethod *method)
{
	SegmentClustering clustering = {0};

	clustering.method = method;
	clustering.n_init = 10;
	clustering.max_iter = method->max_iter;
	clustering.tol = method->tol;
	clustering.interrupted = segment_check_interrupts;
	return clustering;
}

/* The names of all of them, as text[]. */
Datum
segment_cluster_method_names(PG_FUNCTION_ARGS)
{
	Datum		names[lengthof(segment_cluster_methods)];
	int			n;

	for (n = 0; segment_cluster_methods[n] != NULL; n++)
		names[n] = CStringGetTextDatum(segment_cluster_methods[n]->kernel->name);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}
