/*
 * model_argument.h: the model and the features of a row function's call.
 */
#ifndef SEGMENT_MODEL_ARGUMENT_H
#define SEGMENT_MODEL_ARGUMENT_H

#include "compat.h"

#include "access/tupdesc.h"
#include "feature_value.h"
#include "model.h"

/* Kept in fn_extra, for the length of a query. */
typedef struct RowCall
{
	/* the model that was prepared last, and how to recognise it */
	Model	   *model;
	uint64		hash;
	Size		size;
	char		toast_pointer[32];	/* of a model stored out of line */
	Size		toast_size;			/* 0: not stored out of line */
	char	   *name;				/* of the segmentation, where called by name */

	/* the features */
	int			n_arguments;		/* after the model */
	FeatureReader *reader;			/* by argument */
	bool		by_row;				/* a single composite argument: matched by name */
	bool		by_array;			/* VARIADIC array */
	Oid			row_type;			/* the composite type last seen */
	int32		row_typmod;
	const Model *row_model;			/* the model that the match was made for */
	TupleDesc	row_desc;
	int		   *row_attribute;		/* by feature: attribute number, from 1 */
	FeatureReader *row_reader;
	double	   *values;				/* by feature; missing is NaN */
	int			n_values;
} RowCall;

extern RowCall *segment_row_call_by_value(FunctionCallInfo fcinfo);
extern RowCall *segment_row_call_by_name(FunctionCallInfo fcinfo);
extern const double *segment_row_call_features(FunctionCallInfo fcinfo, RowCall *call);

#endif							/* SEGMENT_MODEL_ARGUMENT_H */
