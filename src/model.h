/*
 * model.h: the type segment_model, and what a kind of model has to provide.
 *
 * A new kind is one file that fills a ModelKind, and one line in model_kind.c.
 */
#ifndef SEGMENT_MODEL_H
#define SEGMENT_MODEL_H

#include "compat.h"

#include "fmgr.h"
#include "json_read.h"
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

/* A model read into memory: what a query prepares once. */
typedef struct Model
{
	MemoryContext context;		/* holds all of it */
	const struct ModelKind *kind;
	int64		n_input;		/* rows that the feature set had seen */
	int64		n_used;			/* rows that the training used */
	int64		n_skipped;		/* rows that could not be used (missing values, no orders) */
	int64		n_unsampled;	/* rows that the feature set had left out of its sample */
	int			n_features;
	char	  **feature;		/* their names */
	int			n_segments;
	ModelSegment *segment;
	void	   *detail;			/* the kind's own */
} Model;

typedef struct ModelKind
{
	const char *name;			/* as in the JSON; the name of the training function's method */

	/* Reads model->detail, n_features and feature from the JSON; checks it all. */
	void		(*read) (Model *model, const JsonPlace *json);
	/* Appends the kind's own members, each after ", ". */
	void		(*write) (const Model *model, StringInfo out);
	const char *const *keys;	/* of those members */

	/* The number of the segment (not its id) of a row, or -1: none.  Missing: NaN. */
	int			(*assign) (const Model *model, const double *features);
	/* Appends JSON: why the row falls where it falls. */
	void		(*explain) (const Model *model, const double *features, int segment, StringInfo out);
	/* Appends the kind's own metrics, each after ", ". */
	void		(*metrics) (const Model *model, StringInfo out);
} ModelKind;

extern const ModelKind *const segment_model_kinds[];

extern Model *segment_model_new(const ModelKind *kind);
extern Model *segment_model_read(const SegmentModelValue *value, MemoryContext context);
extern SegmentModelValue *segment_model_value(const Model *model);
extern SegmentModelValue *segment_model_detoast(Datum value);
extern void segment_model_set_segments(Model *model, int n, const int32 *ids, char *const *names,
							   char *const *origins);
extern int	segment_model_segment_by_name(const Model *model, const char *name);

#define PG_GETARG_MODEL(n) segment_model_read(segment_model_detoast(PG_GETARG_DATUM(n)), CurrentMemoryContext)
#define PG_RETURN_MODEL(m) PG_RETURN_POINTER(segment_model_value(m))

#endif							/* SEGMENT_MODEL_H */
