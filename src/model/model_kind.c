/*
 * model_kind.c: the list of all kinds of models.
 */
#include "model/model.h"

#include "cluster/centroid_model.h"
#include "cluster/gaussian_mixture_kind.h"
#include "cluster/kprototypes_kind.h"
#include "rfm/rfm.h"

const ModelKind *const segment_model_kinds[] = {
	&segment_rfm_model_kind,
	&segment_kmeans_model_kind,
	&segment_mixture_model_kind,
	&segment_prototype_model_kind,
	&segment_bisecting_model_kind,
	NULL
};
