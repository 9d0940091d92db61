/*
 * method.h: the methods of clustering, as those who do the same with each see them.
 * See method.c.
 */
#ifndef SEGMENT_CLUSTER_METHOD_H
#define SEGMENT_CLUSTER_METHOD_H

#include "feature/feature_space.h"
#include "kernel/cluster/clustering.h"

/* Where in a call stand the arguments that only some methods take. */
typedef struct MethodArguments
{
	FunctionCallInfo fcinfo;
	int			covariance;
	int			gamma;
} MethodArguments;

/* One of them for each method, in the file of its trainer; listed in method.c. */
typedef struct ClusterMethod
{
	const SegmentClusterMethod *kernel;

	/* Which of the arguments that only some methods take, NULL by default, are its own. */
	const char *const *arguments;	/* their names; NULL: none */

	/* The rest is NULL where a method takes nothing of its own. */

	/* Checks its arguments, whichever method is wanted. */
	void		(*check_arguments) (const MethodArguments *arguments);
	/* What the kernel's method takes as clustering->own, for at most k clusters of the points. */
	const void *(*own_options) (const MethodArguments *arguments, const FeatureSpace *space,
								const SegmentPoints *points, int k);
} ClusterMethod;

extern const ClusterMethod *const segment_cluster_methods[];

extern const ClusterMethod *segment_cluster_method_by_name(const char *name);
extern bool segment_method_takes(const ClusterMethod *method, const char *argument);
extern char *segment_methods_with_categories(const char *before, const char *after);
extern void segment_need_numbers(const char *trainer, const FeatureSpace *space);
extern SegmentClustering segment_default_clustering(const SegmentClusterMethod *method);

#endif							/* SEGMENT_CLUSTER_METHOD_H */
