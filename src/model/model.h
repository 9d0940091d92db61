/*
 * model.h: the type segment_model, and what a kind of model has to provide.
 *
 * A new kind is one file that fills a ModelKind, and one line in model_kind.c; or a module
 * of its own, which registers it.
 */
#ifndef SEGMENT_MODEL_H
#define SEGMENT_MODEL_H

#include "compat.h"

#include "fmgr.h"
#include "base/json_read.h"
#include "base/row_counts.h"
#include "lib/stringinfo.h"

#define MODEL_FORMAT 1

/* The value: a header and canonical JSON, which is the text form. */
typedef struct SegmentModelValue
{
	int32		vl_len_;
	uint16		format;			/* MODEL_FORMAT */
	uint16		reserved;		/* 0 */
	uint64		hash;			/* of the JSON: equal hash and size, same model */
	char		json[FLEXIBLE_ARRAY_MEMBER];	/* with a zero byte at the end */
} SegmentModelValue;

typedef struct ModelSegment
{
	int32		id;				/* positive, unique in the model */
	char	   *name;			/* unique in the model */
	char	   *origin;			/* the name the trainer gave; what retraining matches by */
	Datum		name_datum;		/* name as text; lives as long as the model */
} ModelSegment;

/* The categories of a feature, sorted by strcmp; a row has the number of its own. */
typedef struct ModelCategories
{
	int			n;				/* 0: the feature is a number */
	char	  **name;
} ModelCategories;

/* a category that training did not meet */
#define MODEL_UNKNOWN_CATEGORY (-1.0)

/* What a segment is like in one feature. */
typedef struct ModelTypical
{
	double		value;			/* in the feature's own unit; NaN for a category */
	const char *category;		/* NULL for a number */
	double		coordinate;		/* scaled, as distances are taken; NaN for a category */
	double		position;		/* of a row at the centre, in the feature's own unit; as passed in: value is it */
	double		z;				/* distance from the mean of all in standard deviations; NaN: none */
} ModelTypical;

/* A model read into memory: what a query prepares once. */
typedef struct Model
{
	MemoryContext context;		/* holds all of it */
	const struct ModelKind *kind;
	RowCounts	rows;			/* that it was trained on */
	int			n_features;
	char	  **feature;		/* their names */
	ModelCategories *categories;	/* by feature; NULL: all are numbers */
	int			n_segments;
	ModelSegment *segment;
	void	   *detail;			/* the kind's own */
} Model;

struct FeatureSet;
struct FeatureSpace;
struct SegmentClustering;

typedef struct ModelKind
{
	const char *name;			/* as in the JSON; the name of the training function's method */

	/* Reads model->detail, n_features and feature from the JSON; checks it all. */
	void		(*read) (Model *model, const JsonPlace *json);
	/* Appends the kind's own members, each after ", ". */
	void		(*write) (const Model *model, StringInfo out);
	const char *const *keys;	/* of those members */

	/* Appends the kind's own metrics, each after ", ". */
	void		(*metrics) (const Model *model, StringInfo out);

	/* The rest is NULL where a kind has no such thing.  Missing features are NaN. */

	/* The number that the model predicts for a row; NaN where it cannot. */
	double		(*predict) (const Model *model, const double *features);

	/* The number of the segment (not its id) of a row, or -1: none.  NULL: no kind with segments. */
	int			(*assign) (const Model *model, const double *features);

	/* what only kinds with segments have */

	/* Appends JSON: why the row falls where it falls. */
	void		(*explain) (const Model *model, const double *features, int segment, StringInfo out);
	/* How far a row lies from a segment; NaN where the row cannot be placed. */
	double		(*distance) (const Model *model, const double *features, int segment);
	/* The probability of each segment; false where the row cannot be placed. */
	bool		(*probabilities) (const Model *model, const double *features, double *probability);
	/* Training rows of a segment, or the sum of their weights. */
	double		(*size) (const Model *model, int segment);
	void		(*typical) (const Model *model, int segment, int feature, ModelTypical *typical);
	/* The codes of scores that lead to a segment, as text[]. */
	Datum		(*codes) (const Model *model, int segment);
	/* How rows become points, where points decide about segments ... */
	const struct FeatureSpace *(*space) (const Model *model);
	/* ... and the number of the segment of a point; code: its categories, if any. */
	int			(*assign_point) (const Model *model, const double *x, const int32 *code);
	/*
	 * Of kinds whose space has categories: changes the model, so that rows of a set with its
	 * features, with categories it has never met, can be points, each in the segment it had.
	 * Returns what a different category adds to a squared distance, by category of a point.
	 */
	const double *(*meet_categories) (Model *model, const struct FeatureSet *set);
	/* Appends the model as an element of PMML, and what goes before it. */
	void		(*pmml) (const Model *model, StringInfo out);
	/* The method of clustering by which models of this kind are trained ... */
	const struct SegmentClusterMethod *method;
	/* ... and what a model knows of its training, in place of what is so by default. */
	void		(*clustering) (const Model *model, struct SegmentClustering *clustering);
} ModelKind;

/* model_kind.c */
extern PGDLLEXPORT void segment_register_model_kind(const ModelKind *kind);
extern const ModelKind *segment_model_kind_by_name(const char *name);
extern char *segment_kinds_with(size_t op);
extern char *segment_kind_names(void);
pg_noreturn extern void segment_no_segments(const Model *model);

/* segments in a model; their numbers fit into 16 bits */
#define SEGMENT_MAX_SEGMENTS 32000

extern Model *segment_model_new(const ModelKind *kind);
extern Model *segment_model_read(const SegmentModelValue *value, MemoryContext context);
extern SegmentModelValue *segment_model_value(const Model *model);
extern SegmentModelValue *segment_model_from_text(const char *text);
extern SegmentModelValue *segment_model_detoast(Datum value);
extern void segment_model_set_segments(Model *model, int n, const int32 *ids, char *const *names,
							   char *const *origins);
extern int	segment_model_segment_by_name(const Model *model, const char *name);
extern char *segment_distinct_name(char *const *names, int n, int number, char *name);

/* The number of the segment of a row, or -1; an error where the kind has no segments. */
static inline int
segment_model_assign(const Model *model, const double *features)
{
	if (unlikely(model->kind->assign == NULL))
		segment_no_segments(model);
	return model->kind->assign(model, features);
}

#define PG_GETARG_MODEL(n) segment_model_read(segment_model_detoast(PG_GETARG_DATUM(n)), CurrentMemoryContext)
#define PG_RETURN_MODEL(m) PG_RETURN_POINTER(segment_model_value(m))

#endif							/* SEGMENT_MODEL_H */
