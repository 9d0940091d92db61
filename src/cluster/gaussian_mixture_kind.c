/*
 * gaussian_mixture_kind.c: models that are mixtures of normal distributions: a row belongs
 * to the component that most likely made it.
 *
 * Members of the JSON beside the common ones and those of the feature space
 * (space_json.c):
 *
 *	 covariance		full, tied, diag or spherical
 *	 seed, n_init, iterations, converged, collapsed		of the training
 *	 log_likelihood	of the training rows
 *	 shared			of tied: the covariance of all components
 *	 components: [{weight (share of the mixture), size (rows it is likeliest for, or their
 *				   weights), center: [coordinates], covariance: [...]}], in the
 *				   order of segments
 *
 * A covariance is the lower triangle of the matrix, row after row (full, tied),
 * its diagonal (diag) or one variance (spherical).  All is in scaled coordinates.
 */
#include "cluster/gaussian_mixture_kind.h"

#include <float.h>
#include <math.h>

#include "base/json_write.h"
#include "kernel/base/elementary.h"
#include "base/memory.h"
#include "miscadmin.h"

const char *const segment_covariance_names[] = {"full", "tied", "diag", "spherical", NULL};

/* A coordinate is within this (feature_space.c), and so is a mean. */
#define COORDINATE_LIMIT 1e100

/* a smaller probability is told as 0: the others add up to 1 without it */
#define LEAST_PROBABILITY 1e-16

/* what rounding may take from a sum of weights that is 1 */
#define WEIGHT_TOLERANCE 1e-6

/* Room for k components; model->space is set. */
void
segment_mixture_model_init(MixtureModel *model, SegmentCovariance kind, int k)
{
	const int	d = model->space->d;

	segment_mixture_init(&model->mixture, kind, k, d, segment_memory(CurrentMemoryContext));
	model->size = palloc0(sizeof(double) * k);
	model->x = palloc(sizeof(double) * d);
	model->room = palloc(sizeof(double) * d);
	model->log_density = palloc(sizeof(double) * k);
}

/* Numbers in the covariance of one component. */
static int
covariance_length(const MixtureModel *model)
{
	return (int) segment_mixture_covariance_size(model->mixture.kind, 1, model->mixture.d);
}

/* ---- reading ---- */

static void
read_numbers(const JsonPlace *json, const char *key, double limit, double *numbers, int n)
{
	JsonPlace	list = segment_json_member(json, key);
	int			found;
	JsonPlace  *elements = segment_json_elements(&list, &found);
	int			i;

	if (found != n)
		segment_json_error(&list, psprintf("expected %d numbers, got %d", n, found));
	for (i = 0; i < n; i++)
		numbers[i] = segment_json_number(&elements[i], -limit, limit);
	pfree(elements);
}

static void
read_component(MixtureModel *mixture_model, int c, const JsonPlace *json)
{
	static const char *const keys[] = {"weight", "size", "center", "covariance", NULL};
	static const char *const tied_keys[] = {"weight", "size", "center", NULL};
	SegmentMixture *mixture = &mixture_model->mixture;
	bool		tied = mixture->kind == SEGMENT_TIED;
	int			length = covariance_length(mixture_model);

	segment_json_check_keys(json, tied ? tied_keys : keys);
	mixture->weight[c] = segment_json_member_number(json, "weight", 0, 1);
	mixture_model->size[c] = segment_json_member_number(json, "size", 0, DBL_MAX);
	read_numbers(json, "center", COORDINATE_LIMIT, mixture->mean + (size_t) c * mixture->d,
				 mixture->d);
	if (!tied)
		read_numbers(json, "covariance", DBL_MAX, mixture->covariance + (size_t) c * length, length);
}

static SegmentCovariance
read_covariance_kind(const JsonPlace *json)
{
	JsonPlace	place = segment_json_member(json, "covariance");
	char	   *name = segment_json_string(&place);
	int			i;

	for (i = 0; segment_covariance_names[i] != NULL; i++)
		if (strcmp(segment_covariance_names[i], name) == 0)
			return (SegmentCovariance) i;
	segment_json_error(&place, "expected \"full\", \"tied\", \"diag\" or \"spherical\"");
}

static void
read_components(MixtureModel *mixture_model, const JsonPlace *json, int k)
{
	SegmentMixture *mixture = &mixture_model->mixture;
	JsonPlace	list = segment_json_member(json, "components");
	int			n;
	JsonPlace  *elements = segment_json_elements(&list, &n);
	double		sum = 0;
	int			not_positive;
	int			c;

	if (n != k)
		segment_json_error(&list, psprintf("expected %d components for %d segments, got %d", k, k, n));
	for (c = 0; c < k; c++)
	{
		CHECK_FOR_INTERRUPTS();
		read_component(mixture_model, c, &elements[c]);
		sum += mixture->weight[c];
	}
	if (!(fabs(sum - 1) <= WEIGHT_TOLERANCE))
		segment_json_error(&list, psprintf("the weights add up to %g, expected 1", sum));
	if (mixture->kind == SEGMENT_TIED)
		read_numbers(json, "shared", DBL_MAX, mixture->covariance, covariance_length(mixture_model));
	if (!segment_mixture_prepare(mixture, segment_check_interrupts, &not_positive))
		segment_json_error(&elements[not_positive], "the covariance is not positive definite");
}

static void
mixture_read(Model *model, const JsonPlace *json)
{
	MixtureModel *mixture_model = palloc0(sizeof(MixtureModel));
	JsonPlace	place;
	SegmentCovariance kind;

	model->detail = mixture_model;
	mixture_model->space = segment_space_read(model, json);
	if (mixture_model->space->n_codes > 0)
		segment_json_error(json, "a mixture of normal distributions has numeric features only");
	if (mixture_model->space->metric != METRIC_EUCLIDEAN)
		segment_json_error(json, "the metric of a mixture is \"euclidean\"");
	kind = read_covariance_kind(json);
	if (kind != SEGMENT_TIED && segment_json_has(json, "shared"))
		segment_json_error(json, "\"shared\" is for covariance \"tied\" only");
	mixture_model->training = segment_training_read(json);
	place = segment_json_member(json, "collapsed");
	mixture_model->n_collapsed = (int) segment_json_integer(&place, 0, PG_INT32_MAX);
	mixture_model->log_likelihood = segment_json_member_number(json, "log_likelihood", -DBL_MAX,
															   DBL_MAX);
	/* each number takes more than a byte, so nothing is allocated that did not come */
	if (segment_mixture_covariance_size(kind, model->n_segments, mixture_model->space->d) >
		(size_t) json->value.val.binary.len)
		segment_json_error(json,
						   psprintf("does not hold covariance \"%s\" of %d segments and %d features",
									segment_covariance_names[kind], model->n_segments,
									mixture_model->space->d));
	segment_mixture_model_init(mixture_model, kind, model->n_segments);
	read_components(mixture_model, json, model->n_segments);
}

/* ---- writing ---- */

static void
put_numbers(StringInfo out, const char *key, const double *numbers, size_t n)
{
	size_t		i;

	appendStringInfo(out, ", \"%s\": [", key);
	for (i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		segment_json_put_number(out, numbers[i]);
	}
	appendStringInfoChar(out, ']');
}

static void
mixture_write(const Model *model, StringInfo out)
{
	const MixtureModel *mixture_model = model->detail;
	const SegmentMixture *mixture = &mixture_model->mixture;
	const int	d = mixture->d;
	int			length = covariance_length(mixture_model);
	int			c;

	segment_space_write(mixture_model->space, out);
	appendStringInfo(out, ", \"covariance\": \"%s\"", segment_covariance_names[mixture->kind]);
	segment_training_write(&mixture_model->training, out);
	appendStringInfo(out, ", \"collapsed\": %d, \"log_likelihood\": ", mixture_model->n_collapsed);
	segment_json_put_number(out, mixture_model->log_likelihood);
	if (mixture->kind == SEGMENT_TIED)
		put_numbers(out, "shared", mixture->covariance, length);
	appendStringInfoString(out, ", \"components\": [");
	for (c = 0; c < mixture->k; c++)
	{
		appendStringInfo(out, "%s{\"weight\": ", c > 0 ? ", " : "");
		segment_json_put_number(out, mixture->weight[c]);
		appendStringInfoString(out, ", \"size\": ");
		segment_json_put_number(out, mixture_model->size[c]);
		put_numbers(out, "center", mixture->mean + (size_t) c * d, d);
		if (mixture->kind != SEGMENT_TIED)
			put_numbers(out, "covariance", mixture->covariance + (size_t) c * length, length);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* ---- assigning ---- */

static const FeatureSpace *
mixture_space(const Model *model)
{
	return ((const MixtureModel *) model->detail)->space;
}

/* Fills log_density; the number of the likeliest component. */
static int
mixture_assign_point(const Model *model, const double *x, const int32 *code)
{
	const MixtureModel *mixture_model = model->detail;

	return segment_mixture_place(&mixture_model->mixture, x, mixture_model->room,
								 mixture_model->log_density);
}

/* The same, or -1. */
static int
mixture_assign(const Model *model, const double *features)
{
	const MixtureModel *mixture_model = model->detail;

	if (!segment_space_place(mixture_model->space, features, mixture_model->x, NULL))
		return -1;
	return mixture_assign_point(model, mixture_model->x, NULL);
}

static bool
mixture_probabilities(const Model *model, const double *features, double *probability)
{
	const MixtureModel *mixture_model = model->detail;
	int			c;

	if (mixture_assign(model, features) < 0)
		return false;
	memcpy(probability, mixture_model->log_density, sizeof(double) * model->n_segments);
	(void) segment_mixture_probabilities(&mixture_model->mixture, probability);
	for (c = 0; c < model->n_segments; c++)
		if (probability[c] < LEAST_PROBABILITY)
			probability[c] = 0;
	return true;
}

static double
mixture_distance(const Model *model, const double *features, int segment)
{
	const MixtureModel *mixture_model = model->detail;

	if (!segment_space_place(mixture_model->space, features, mixture_model->x, NULL))
		return segment_missing_value();
	return sqrt(segment_mixture_distance(&mixture_model->mixture, segment, mixture_model->x,
										 mixture_model->room));
}

/* The likeliest component but one of the row placed last; -1: there is none. */
static int
runner_up(const MixtureModel *mixture_model, int segment)
{
	const int	k = mixture_model->mixture.k;
	double	   *unlikely = palloc(sizeof(double) * k);
	int			result;
	int			c;

	for (c = 0; c < k; c++)
		unlikely[c] = -mixture_model->log_density[c];
	result = segment_runner_up(unlikely, k, segment);
	pfree(unlikely);
	return result;
}

/*
 * What a feature says: its value, what is typical of the segment, the difference
 * in standard deviations of all, and its part of the evidence (the logarithm of how
 * much likelier the segment is than the runner-up).
 */
static void
explain_feature(const MixtureModel *mixture_model, int segment, int number, double value,
				double strength, StringInfo out)
{
	const SpaceFeature *feature = &mixture_model->space->feature[number];
	double		center = mixture_model->mixture.mean[(size_t) segment * mixture_model->mixture.d + number];

	appendStringInfoString(out, "{\"feature\": ");
	segment_json_put_string(out, feature->name);
	segment_explain_number(feature, value, mixture_model->x[number], center, out);
	appendStringInfoString(out, ", \"strength\": ");
	segment_json_put_number_or_null(out, strength);
	appendStringInfoChar(out, '}');
}

/*
 * Distance and probability, the features, the runner-up.  The strengths of the features
 * and of the rest (how frequent and how spread out the two segments are) add up to 1.
 */
static void
mixture_explain(const Model *model, const double *features, int segment, StringInfo out)
{
	const MixtureModel *mixture_model = model->detail;
	const SegmentMixture *mixture = &mixture_model->mixture;
	const int	d = mixture->d;
	double	   *own;
	double	   *other;
	double	   *probability;
	double		evidence = segment_missing_value();
	double		rest = 1;
	int			second;
	int			i;

	if (segment < 0)
	{
		appendStringInfoString(out, SEGMENT_NO_PLACE);
		return;
	}
	own = palloc(sizeof(double) * d);
	other = palloc(sizeof(double) * d);
	probability = palloc(sizeof(double) * model->n_segments);
	(void) mixture_probabilities(model, features, probability);
	second = runner_up(mixture_model, segment);
	segment_mixture_contributions(mixture, segment, mixture_model->x, mixture_model->room, own);
	if (second >= 0)
	{
		segment_mixture_contributions(mixture, second, mixture_model->x, mixture_model->room, other);
		if (mixture_model->log_density[segment] > mixture_model->log_density[second])
			evidence = mixture_model->log_density[segment] - mixture_model->log_density[second];
	}
	appendStringInfoString(out, ", \"probability\": ");
	segment_json_put_number_or_null(out, probability[segment]);
	appendStringInfoString(out, ", \"distance\": ");
	segment_json_put_number_or_null(out, mixture_distance(model, features, segment));
	appendStringInfoString(out, ", \"features\": [");
	for (i = 0; i < d; i++)
	{
		double		strength = second < 0 ? segment_missing_value()
			: 0.5 * (other[i] - own[i]) / evidence;

		if (i > 0)
			appendStringInfoString(out, ", ");
		explain_feature(mixture_model, segment, i, features[i], strength, out);
		rest -= strength;
	}
	appendStringInfoString(out, "], \"size_and_spread\": ");
	segment_json_put_number_or_null(out, rest);
	segment_explain_runner_up(model, second, "probability",
							  second < 0 ? segment_missing_value() : probability[second], out);
	pfree(own);
	pfree(other);
	pfree(probability);
}

/* ---- describing ---- */

static void
mixture_metrics(const Model *model, StringInfo out)
{
	const MixtureModel *mixture_model = model->detail;
	const SegmentMixture *mixture = &mixture_model->mixture;
	double		parameters = segment_mixture_parameters(mixture->kind, mixture->k, mixture->d);
	double		rows = 0;
	int			c;

	for (c = 0; c < mixture->k; c++)
		rows += mixture_model->size[c];
	appendStringInfo(out, ", \"scale\": \"%s\", \"covariance\": \"%s\", \"log_likelihood\": ",
					 segment_space_scale_name(mixture_model->space),
					 segment_covariance_names[mixture->kind]);
	segment_json_put_number(out, mixture_model->log_likelihood);
	appendStringInfoString(out, ", \"n_parameters\": ");
	segment_json_put_number(out, parameters);
	appendStringInfoString(out, ", \"aic\": ");
	segment_json_put_number_or_null(out, 2 * parameters - 2 * mixture_model->log_likelihood);
	appendStringInfoString(out, ", \"bic\": ");
	segment_json_put_number_or_null(out, rows > 0
					   ? parameters * segment_log(rows) - 2 * mixture_model->log_likelihood
					   : segment_missing_value());
	appendStringInfo(out, ", \"n_collapsed\": %d", mixture_model->n_collapsed);
	segment_training_write(&mixture_model->training, out);
}

static double
mixture_size(const Model *model, int segment)
{
	return ((const MixtureModel *) model->detail)->size[segment];
}

static void
mixture_typical(const Model *model, int segment, int number, ModelTypical *typical)
{
	const MixtureModel *mixture_model = model->detail;
	const double *mean = mixture_model->mixture.mean + (size_t) segment * mixture_model->mixture.d;

	segment_typical_number(&mixture_model->space->feature[number], mean[number], typical);
}

static void
mixture_clustering(const Model *model, SegmentClustering *clustering)
{
	const MixtureModel *mixture_model = model->detail;
	SegmentMixtureOptions *own = palloc0(sizeof(SegmentMixtureOptions));

	own->kind = mixture_model->mixture.kind;
	own->reg_covar = DEFAULT_REG_COVAR;
	segment_mixture_check_memory(own->kind, model->n_segments, mixture_model->space->d);
	clustering->n_init = mixture_model->training.n_init;
	clustering->own = own;
}

static const char *const mixture_keys[] = {
	SEGMENT_SPACE_KEYS, "covariance", SEGMENT_TRAINING_KEYS, "collapsed",
	"log_likelihood", "shared", "components", NULL
};

const ModelKind segment_mixture_model_kind = {
	.name = "gaussian_mixture",
	.read = mixture_read,
	.write = mixture_write,
	.keys = mixture_keys,
	.assign = mixture_assign,
	.explain = mixture_explain,
	.metrics = mixture_metrics,
	.distance = mixture_distance,
	.probabilities = mixture_probabilities,
	.size = mixture_size,
	.typical = mixture_typical,
	.space = mixture_space,
	.assign_point = mixture_assign_point,
	.method = &segment_mixture_method,
	.clustering = mixture_clustering
};
