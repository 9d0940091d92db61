/*
 * model_kind.c: the list of all kinds of models.
 */
#include "model.h"

#include "cluster.h"
#include "mixture_model.h"
#include "prototype_model.h"
#include "rfm.h"

const ModelKind *const segment_model_kinds[] = {
	&segment_rfm_model_kind,
	&segment_kmeans_model_kind,
	&segment_mixture_model_kind,
	&segment_prototype_model_kind,
	&segment_bisecting_model_kind,
	NULL
};
