/*
 * model_stability.c: whether the segments of a model come out again from a part of the rows.
 *
 * The rows become points of the model's space, labelled by the model (model_points.c);
 * the kernel trains models of the same kind on subsamples of them (kernel/quality/stability.c),
 * with what the model knows of its training: the number of segments and starts, and what its
 * kind says (model.h).  What it does not know, when a start ends, is as by default.
 */
#include "compat.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "cluster/method.h"
#include "kernel/base/hash.h"
#include "kernel/quality/stability.h"
#include "model/model_points.h"
#include "quality/choose_k.h"

PG_FUNCTION_INFO_V1(segment_stability_of_model);

/* Bytes for a point, beside the point itself: a copy of it, and what its training takes. */
static Size
memory_per_row(const Model *model)
{
	return sizeof(double) * (model->n_features + 2) +
		model->kind->method->bytes_per_row(model->n_features);
}

Datum
segment_stability_of_model(PG_FUNCTION_ARGS)
{
	FeatureSet *set = PG_GETARG_FEATURE_SET(0);
	Model	   *model = PG_GETARG_MODEL(1);
	int			n_resamples = segment_arg_count(fcinfo, 2, "n_resamples", 1);
	SegmentStability stability = {0};
	LabelledPoints *labelled;
	double		result;

	(void) segment_space_of_model(model, true);
	if (model->kind->method == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a model of kind \"%s\" is not trained by clustering, expected one that is",
						model->kind->name)));
	labelled = segment_points_of_model(set, model, true, memory_per_row(model));
	if (labelled->points.n == 0)
		PG_RETURN_NULL();
	stability.points = &labelled->points;
	stability.clustering = segment_default_clustering(model->kind->method);
	model->kind->clustering(model, &stability.clustering);
	stability.clustering.k = (int) Min((int64) model->n_segments, labelled->points.n);
	stability.clustering.n_init = Max(stability.clustering.n_init, 1);
	stability.seed = segment_hash_step(segment_arg_seed(fcinfo, 3), SEGMENT_RESAMPLE_SEED);
	stability.count_weights = !set->store.weighted;
	stability.memory = segment_memory(CurrentMemoryContext);
	(void) segment_stability_of_labels(&stability, labelled->label, model->n_segments, n_resamples, &result);
	PG_RETURN_FLOAT8(result);
}
