/*
 * centroid_array.c: the centroids of a k-means model as kmeans() takes them to start
 * from: an array of segments by features, in the features' own units.
 *
 * Own units, because the space of the next training is another one: features are
 * scaled by the rows of that time.  With the metric "cosine" the array has rows of the
 * centroids' directions: scaled again they point the same way while the rows do.
 */
#include "cluster/centroid_model.h"

#include "base/memory.h"
#include "catalog/pg_type.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(segment_model_centroid_array);

Datum
segment_model_centroid_array(PG_FUNCTION_ARGS)
{
	Model	   *model = PG_GETARG_MODEL(0);
	const ClusterModel *cluster = segment_cluster_of(model);
	const int	d = cluster->space->d;
	int			dims[2] = {model->n_segments, d};
	int			lower[2] = {1, 1};
	Datum	   *values = segment_new_array(dims[0], d, sizeof(Datum));
	int			c;
	int			j;

	/* a model of centroids has numbers alone, so features are coordinates */
	for (c = 0; c < dims[0]; c++)
		for (j = 0; j < d; j++)
			values[(size_t) c * d + j] = Float8GetDatum(segment_space_original(&cluster->space->feature[j],
																			   cluster->centroids[(size_t) c * d + j]));
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, NULL, 2, dims, lower, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
