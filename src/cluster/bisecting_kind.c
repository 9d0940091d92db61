/*
 * bisecting_kind.c: models that are a hierarchy of centroids: a row goes down from
 * split to split, each time to the nearer of two centroids.
 *
 * So a model with fewer segments, cut from this one, places every row in the segment
 * that holds the one it had; the nearest of all centroids, which may lie on the other
 * side of an early split, would not.  (scikit-learn's BisectingKMeans predicts the
 * same way.)
 *
 * The JSON is that of models of centroids (kmeans_kind.c), and
 *
 *	 splits: [{size, inertia, center (of the cluster that was divided),
 *			   iterations, converged (of the k-means that divided it),
 *			   children: [two of {split: number} or {segment: number}]}]
 *
 * in the order in which they were made; numbers count from 1, of segments by their
 * place in the model.
 */
#include "cluster/centroid_model.h"

#include <math.h>

#include "base/json_write.h"
#include "interop/pmml.h"
#include "kernel/cluster/bisecting.h"
#include "kernel/cluster/centroids.h"

/* ---- reading ---- */

/* A child; each split but the first and each segment is one once. */
static int
read_child(const ClusterTree *tree, int parent, const JsonPlace *json, bool *split_seen,
		   bool *segment_seen)
{
	static const char *const keys[] = {"split", "segment", NULL};
	bool		divided = segment_json_has(json, "split");
	JsonPlace	place = segment_json_member(json, divided ? "split" : "segment");
	int			number;
	bool	   *seen;

	segment_json_check_keys(json, keys);
	if (divided && segment_json_has(json, "segment"))
		segment_json_error(json, "expected a split or a segment, not both");
	/* a split comes after the one that made its cluster */
	number = divided ? (int) segment_json_integer(&place, parent + 2, tree->n) - 1
		: (int) segment_json_integer(&place, 1, tree->n + 1) - 1;
	seen = divided ? &split_seen[number] : &segment_seen[number];
	if (*seen)
		segment_json_error(&place, "it is the child of two splits");
	*seen = true;
	return divided ? number : CLUSTER_LEAF(number);
}

static void
bisecting_read(Model *model, const JsonPlace *json)
{
	static const char *const keys[] = {"size", "inertia", "center", "iterations", "converged",
									   "children", NULL};
	JsonPlace	list = segment_json_member(json, "splits");
	ClusterModel *cluster;
	ClusterTree *tree;
	JsonPlace  *elements;
	bool	   *split_seen = palloc0(sizeof(bool) * model->n_segments);
	bool	   *segment_seen = palloc0(sizeof(bool) * model->n_segments);
	int			i;
	int			c;

	segment_cluster_read(model, json);
	cluster = model->detail;
	tree = &cluster->tree;
	elements = segment_json_elements(&list, &tree->n);
	if (tree->n != model->n_segments - 1)
		segment_json_error(&list, psprintf("expected %d splits for %d segments, got %d",
										   model->n_segments - 1, model->n_segments, tree->n));
	segment_tree_allocate(tree, tree->n, cluster->space->d);
	for (i = 0; i < tree->n; i++)
	{
		ClusterSplit *split = &tree->split[i];
		JsonPlace	place = segment_json_member(&elements[i], "iterations");
		JsonPlace  *children;
		int			n;

		segment_json_check_keys(&elements[i], keys);
		split->size = segment_cluster_read_part(&elements[i], "size");
		split->inertia = segment_cluster_read_part(&elements[i], "inertia");
		segment_cluster_read_center(&elements[i], cluster->space->d,
									tree->centroids + (size_t) i * cluster->space->d);
		split->iterations = (int) segment_json_integer(&place, 0, PG_INT32_MAX);
		place = segment_json_member(&elements[i], "converged");
		split->converged = segment_json_boolean(&place);
		place = segment_json_member(&elements[i], "children");
		children = segment_json_elements(&place, &n);
		if (n != 2)
			segment_json_error(&place, psprintf("expected 2 children, got %d", n));
		for (c = 0; c < 2; c++)
			split->child[c] = read_child(tree, i, &children[c], split_seen, segment_seen);
	}
}

/* ---- writing ---- */

static void
bisecting_write(const Model *model, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	const ClusterTree *tree = &cluster->tree;
	const int	d = cluster->space->d;
	int			i;
	int			c;

	segment_cluster_write(model, out);
	appendStringInfoString(out, ", \"splits\": [");
	for (i = 0; i < tree->n; i++)
	{
		const ClusterSplit *split = &tree->split[i];

		appendStringInfo(out, "%s{\"size\": ", i > 0 ? ", " : "");
		segment_json_put_number(out, split->size);
		appendStringInfoString(out, ", \"inertia\": ");
		segment_json_put_number(out, split->inertia);
		segment_cluster_write_center(tree->centroids + (size_t) i * d, d, out);
		appendStringInfo(out, ", \"iterations\": %d, \"converged\": %s, \"children\": [",
						 split->iterations, split->converged ? "true" : "false");
		for (c = 0; c < 2; c++)
			appendStringInfo(out, "%s{\"%s\": %d}", c > 0 ? ", " : "",
							 split->child[c] >= 0 ? "split" : "segment",
							 1 + (split->child[c] >= 0 ? split->child[c] : CLUSTER_LEAF(split->child[c])));
		appendStringInfoString(out, "]}");
	}
	appendStringInfoChar(out, ']');
}

/* ---- assigning ---- */

/* The segment below a split or a leaf that the row in cluster->x belongs to. */
static int
descend(const ClusterModel *cluster, int node)
{
	const int	d = cluster->space->d;

	while (node >= 0)
	{
		const int  *child = cluster->tree.split[node].child;
		double		first = segment_distance(cluster->x, segment_tree_center(cluster, child[0]), d);
		double		second = segment_distance(cluster->x, segment_tree_center(cluster, child[1]), d);

		node = child[second < first];
	}
	return CLUSTER_LEAF(node);
}

static inline int
root_of(const ClusterModel *cluster)
{
	return cluster->tree.n > 0 ? 0 : CLUSTER_LEAF(0);
}

static int
bisecting_assign(const Model *model, const double *features)
{
	const ClusterModel *cluster = model->detail;

	if (!segment_space_place(cluster->space, features, cluster->x, NULL))
		return -1;
	return descend(cluster, root_of(cluster));
}

static int
bisecting_assign_point(const Model *model, const double *x, const int32 *code)
{
	const ClusterModel *cluster = model->detail;

	memcpy(cluster->x, x, sizeof(double) * cluster->space->d);
	return descend(cluster, root_of(cluster));
}

/*
 * The rival is where the row would be if the closest decision on its way, the one
 * nearest to the plane halfway between two centroids, had gone the other way.
 */
static ClusterRival
closest_rival(const ClusterModel *cluster)
{
	const int	d = cluster->space->d;
	ClusterRival rival = {-1, NULL, NULL};
	double		least = HUGE_VAL;
	int			node = root_of(cluster);

	while (node >= 0)
	{
		const int  *child = cluster->tree.split[node].child;
		const double *center[2] = {segment_tree_center(cluster, child[0]),
								   segment_tree_center(cluster, child[1])};
		double		distance[2] = {segment_distance(cluster->x, center[0], d),
								   segment_distance(cluster->x, center[1], d)};
		int			near = distance[1] < distance[0];
		double		apart = sqrt(segment_distance(center[0], center[1], d));
		double		margin = apart > 0 ? (distance[1 - near] - distance[near]) / apart : 0;

		if (margin < least)
		{
			least = margin;
			rival.own = center[near];
			rival.other = center[1 - near];
			rival.segment = descend(cluster, child[1 - near]);
		}
		node = child[near];
	}
	return rival;
}

static void
bisecting_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	ClusterRival rival;

	if (segment < 0)
	{
		appendStringInfoString(out, SEGMENT_NO_PLACE);
		return;
	}
	rival = closest_rival(model->detail);
	segment_cluster_explain(model, features, segment, &rival, out);
}

static void
bisecting_pmml(const Model *model, StringInfo out)
{
	const ClusterModel *cluster = model->detail;
	PmmlSplit  *split = palloc(sizeof(PmmlSplit) * (cluster->tree.n + 1));
	PmmlTree	tree = {cluster->space, cluster->tree.n, split, cluster->size};
	int			i;
	int			c;

	for (i = 0; i < tree.n; i++)
	{
		split[i].size = cluster->tree.split[i].size;
		for (c = 0; c < 2; c++)
		{
			/* leaves are written the same way here and there */
			split[i].child[c] = cluster->tree.split[i].child[c];
			split[i].center[c] = segment_tree_center(cluster, split[i].child[c]);
		}
	}
	segment_pmml_tree(out, model, &tree);
	pfree(split);
}

static const char *const bisecting_keys[] = {SEGMENT_CLUSTER_KEYS, "splits", NULL};

const ModelKind segment_bisecting_model_kind = {
	.name = "bisecting_kmeans",
	.read = bisecting_read,
	.write = bisecting_write,
	.keys = bisecting_keys,
	.assign = bisecting_assign,
	.explain = bisecting_explain,
	.metrics = segment_cluster_metrics,
	.distance = segment_cluster_distance,
	.size = segment_cluster_size,
	.typical = segment_cluster_typical,
	.space = segment_cluster_space,
	.assign_point = bisecting_assign_point,
	.pmml = bisecting_pmml,
	.method = &segment_bisecting_method,
	.clustering = segment_cluster_clustering
};
