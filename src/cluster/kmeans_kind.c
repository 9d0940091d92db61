/*
 * kmeans_kind.c: models that are centroids: a row belongs to the nearest one.
 *
 * Members of the JSON beside the common ones and those of the feature space
 * (space_json.c):
 *
 *	 seed, n_init, iterations, converged	of the training
 *	 total		sum of squared distances of all training rows from their mean
 *	 clusters: [{size (rows, or their weights), inertia (sum of squared distances
 *				 to the centroid), center: [coordinates]}], in the order of segments
 *
 * Distances are those of scaled coordinates.
 */
#include "cluster/centroid_model.h"

#include <math.h>

#include "base/json_write.h"
#include "base/memory.h"
#include "interop/pmml.h"
#include "kernel/cluster/centroids.h"
#include "kernel/cluster/kmeans.h"

const ClusterModel *
segment_cluster_of(const Model *model)
{
	if (model->kind != &segment_kmeans_model_kind)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("expected a model of kind \"%s\", got one of kind \"%s\"",
						segment_kmeans_model_kind.name, model->kind->name)));
	return model->detail;
}

/* What is worked out from the centroids: packed ones and room for a row. */
void
segment_cluster_prepare(ClusterModel *cluster, int k)
{
	cluster->packed = segment_new_array(segment_packed_size(k, cluster->space->d), 1, sizeof(double));
	segment_pack_centroids(cluster->centroids, k, cluster->space->d, cluster->packed);
	cluster->x = palloc(sizeof(double) * cluster->space->d);
}

/* Segments 1 to k, named 'Segment 1' and so on. */
void
segment_number_segments(Model *model, int k)
{
	int32	   *ids = palloc(sizeof(int32) * k);
	char	  **names = palloc(sizeof(char *) * k);
	int			c;

	for (c = 0; c < k; c++)
	{
		ids[c] = c + 1;
		names[c] = psprintf("Segment %d", c + 1);
	}
	segment_model_set_segments(model, k, ids, names, NULL);
}

/* ---- reading ---- */

/* A size or a sum of squares: finite and not negative. */
double
segment_cluster_read_part(const JsonPlace *json, const char *key)
{
	JsonPlace	place = segment_json_member(json, key);
	double		x = segment_json_double(&place);

	if (!(x >= 0 && isfinite(x)))
		segment_json_error(&place, "expected a finite number that is not negative");
	return x;
}

/* The member center: d coordinates. */
void
segment_cluster_read_center(const JsonPlace *json, int d, double *center)
{
	JsonPlace	list = segment_json_member(json, "center");
	int			n;
	JsonPlace  *elements = segment_json_elements(&list, &n);
	int			j;

	if (n != d)
		segment_json_error(&list, psprintf("expected %d coordinates, got %d", d, n));
	for (j = 0; j < d; j++)
	{
		center[j] = segment_json_double(&elements[j]);
		/* so that no squared distance overflows */
		if (!(fabs(center[j]) <= 1e101))
			segment_json_error(&elements[j], "expected a number from -1e101 to 1e101");
	}
}

static void
read_cluster(ClusterModel *cluster, int c, const JsonPlace *json)
{
	static const char *const keys[] = {"size", "inertia", "center", NULL};
	const int	d = cluster->space->d;

	segment_json_check_keys(json, keys);
	cluster->size[c] = segment_cluster_read_part(json, "size");
	cluster->inertia[c] = segment_cluster_read_part(json, "inertia");
	segment_cluster_read_center(json, d, cluster->centroids + (size_t) c * d);
}

void
segment_cluster_read(Model *model, const JsonPlace *json)
{
	ClusterModel *cluster = palloc0(sizeof(ClusterModel));
	const int	k = model->n_segments;
	JsonPlace	place;
	JsonPlace  *elements;
	int			n;
	int			c;

	model->detail = cluster;
	cluster->space = segment_space_read(model, json);
	if (cluster->space->n_codes > 0)
		segment_json_error(json, "a model of centroids has numeric features only");
	cluster->training = segment_training_read(json);
	cluster->total = segment_cluster_read_part(json, "total");

	place = segment_json_member(json, "clusters");
	elements = segment_json_elements(&place, &n);
	if (n != k)
		segment_json_error(&place, psprintf("expected %d clusters for %d segments, got %d", k, k, n));
	cluster->centroids = segment_new_array(k, cluster->space->d, sizeof(double));
	cluster->size = palloc(sizeof(double) * k);
	cluster->inertia = palloc(sizeof(double) * k);
	for (c = 0; c < k; c++)
		read_cluster(cluster, c, &elements[c]);
	segment_cluster_prepare(cluster, k);
}

/* ---- writing ---- */

void
segment_cluster_write_center(const double *center, int d, StringInfo out)
{
	int			j;

	appendStringInfoString(out, ", \"center\": [");
	for (j = 0; j < d; j++)
	{
		if (j > 0)
			appendStringInfoString(out, ", ");
		segment_json_put_number(out, center[j]);
	}
	appendStringInfoChar(out, ']');
}

void
segment_cluster_write(const Model *model, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	const int	d = cluster->space->d;
	int			c;

	segment_space_write(cluster->space, out);
	segment_training_write(&cluster->training, out);
	appendStringInfoString(out, ", \"total\": ");
	segment_json_put_number(out, cluster->total);
	appendStringInfoString(out, ", \"clusters\": [");
	for (c = 0; c < model->n_segments; c++)
	{
		appendStringInfo(out, "%s{\"size\": ", c > 0 ? ", " : "");
		segment_json_put_number(out, cluster->size[c]);
		appendStringInfoString(out, ", \"inertia\": ");
		segment_json_put_number(out, cluster->inertia[c]);
		segment_cluster_write_center(cluster->centroids + (size_t) c * d, d, out);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* ---- assigning ---- */

const FeatureSpace *
segment_cluster_space(const Model *model)
{
	return ((const ClusterModel *) model->detail)->space;
}

static int
cluster_assign_point(const Model *model, const double *x, const int32 *code)
{
	const ClusterModel *cluster = model->detail;

	return segment_nearest(cluster->packed, model->n_segments, cluster->space->d, x).number;
}

static int
cluster_assign(const Model *model, const double *features)
{
	const ClusterModel *cluster = model->detail;

	if (!segment_space_place(cluster->space, features, cluster->x, NULL))
		return -1;
	return cluster_assign_point(model, cluster->x, NULL);
}

double
segment_cluster_distance(const Model *model, const double *features, int segment)
{
	const ClusterModel *cluster = model->detail;
	const int	d = cluster->space->d;

	if (!segment_space_place(cluster->space, features, cluster->x, NULL))
		return segment_missing_value();
	return sqrt(segment_distance(cluster->x, cluster->centroids + (size_t) segment * d, d)) *
		cluster->space->unit;
}

/* The nearest centroid but one to the row placed last; -1: there is none. */
static int
runner_up(const ClusterModel *cluster, int k, int segment)
{
	const int	d = cluster->space->d;
	double	   *distance = palloc(sizeof(double) * k);
	int			result;
	int			c;

	for (c = 0; c < k; c++)
		distance[c] = segment_distance(cluster->x, cluster->centroids + (size_t) c * d, d);
	result = segment_runner_up(distance, k, segment);
	pfree(distance);
	return result;
}

/*
 * For each feature: its value, what is typical of the segment, the difference in
 * standard deviations of all, and the strength with which it speaks for the segment and
 * against the rival: its part of the difference of the two squared distances; the
 * parts add up to 1.  The row has just been assigned.
 */
void
segment_cluster_explain(const Model *model, const double *features, int segment,
						const ClusterRival *rival, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	const FeatureSpace *space = cluster->space;
	const int	d = space->d;
	const double *center = cluster->centroids + (size_t) segment * d;
	const double *own = rival->own;
	const double *other = rival->other;
	double		difference = 0;
	double		runner_up = segment_missing_value();
	int			i;

	appendStringInfoString(out, ", \"distance\": ");
	segment_json_put_number(out, sqrt(segment_distance(cluster->x, center, d)) * space->unit);
	if (rival->segment >= 0)
		difference = segment_distance(cluster->x, other, d) - segment_distance(cluster->x, own, d);
	appendStringInfoString(out, ", \"features\": [");
	for (i = 0; i < d; i++)
	{
		const SpaceFeature *feature = &space->feature[i];
		double		x = cluster->x[i];

		appendStringInfo(out, "%s{\"feature\": ", i > 0 ? ", " : "");
		segment_json_put_string(out, feature->name);
		if (space->metric == METRIC_EUCLIDEAN)
			segment_explain_number(feature, features[i], x, center[i], out);
		else
		{
			/* a direction has no typical value */
			appendStringInfoString(out, ", \"value\": ");
			segment_json_put_number_or_null(out, features[i]);
		}
		appendStringInfoString(out, ", \"strength\": ");
		segment_json_put_number_or_null(out, difference > 0
						   ? ((x - other[i]) * (x - other[i]) - (x - own[i]) * (x - own[i])) / difference
						   : segment_missing_value());
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
	if (rival->segment >= 0)
		runner_up = sqrt(segment_distance(cluster->x, cluster->centroids + (size_t) rival->segment * d,
										  d)) * space->unit;
	segment_explain_runner_up(model, rival->segment, "distance", runner_up, out);
}

/* The rival is the nearest centroid but one. */
static void
cluster_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	const int	d = cluster->space->d;
	ClusterRival rival;

	if (segment < 0)
	{
		appendStringInfoString(out, SEGMENT_NO_PLACE);
		return;
	}
	rival.segment = runner_up(cluster, model->n_segments, segment);
	rival.own = cluster->centroids + (size_t) segment * d;
	rival.other = cluster->centroids + (size_t) Max(rival.segment, 0) * d;
	segment_cluster_explain(model, features, segment, &rival, out);
}

/* ---- describing ---- */

void
segment_cluster_metrics(const Model *model, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	double		unit = cluster->space->unit * cluster->space->unit;
	double		inertia = 0;
	int			c;

	for (c = 0; c < model->n_segments; c++)
		inertia += cluster->inertia[c];
	appendStringInfo(out, ", \"scale\": \"%s\", \"inertia\": ",
					 segment_space_scale_name(cluster->space));
	segment_json_put_number(out, inertia * unit);
	appendStringInfoString(out, ", \"total\": ");
	segment_json_put_number(out, cluster->total * unit);
	appendStringInfoString(out, ", \"explained\": ");
	segment_json_put_number_or_null(out, cluster->total > 0 ? 1 - inertia / cluster->total
									: segment_missing_value());
	segment_training_write(&cluster->training, out);
}

double
segment_cluster_size(const Model *model, int segment)
{
	return ((const ClusterModel *) model->detail)->size[segment];
}

void
segment_cluster_typical(const Model *model, int segment, int number, ModelTypical *typical)
{
	const ClusterModel *cluster = model->detail;
	const SpaceFeature *feature = &cluster->space->feature[number];
	double		coordinate = cluster->centroids[(size_t) segment * cluster->space->d + number];

	segment_typical_number(feature, coordinate, typical);
	/* a direction has no values */
	if (cluster->space->metric == METRIC_COSINE)
		typical->value = typical->z = segment_missing_value();
}

static void
cluster_pmml(const Model *model, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	PmmlCenters centers = {0};

	centers.space = cluster->space;
	centers.value = cluster->centroids;
	centers.size = cluster->size;
	segment_pmml_centers(out, model, &centers);
}

void
segment_cluster_clustering(const Model *model, SegmentClustering *clustering)
{
	const ClusterModel *cluster = model->detail;

	clustering->n_init = cluster->training.n_init;
	clustering->spherical = cluster->space->metric == METRIC_COSINE;
}

static const char *const cluster_keys[] = {SEGMENT_CLUSTER_KEYS, NULL};

const ModelKind segment_kmeans_model_kind = {
	.name = "kmeans",
	.read = segment_cluster_read,
	.write = segment_cluster_write,
	.keys = cluster_keys,
	.assign = cluster_assign,
	.explain = cluster_explain,
	.metrics = segment_cluster_metrics,
	.distance = segment_cluster_distance,
	.size = segment_cluster_size,
	.typical = segment_cluster_typical,
	.space = segment_cluster_space,
	.assign_point = cluster_assign_point,
	.pmml = cluster_pmml,
	.method = &segment_kmeans_method,
	.clustering = segment_cluster_clustering
};
