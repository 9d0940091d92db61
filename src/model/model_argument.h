/*
 * model_argument.h: the model and the features of a row function's call.
 */
#ifndef SEGMENT_MODEL_ARGUMENT_H
#define SEGMENT_MODEL_ARGUMENT_H

#include "compat.h"

#include "access/tupdesc.h"
#include "feature/feature_value.h"
#include "model/model.h"
#include "utils/palloc.h"

#define PREPARED_MODELS 64

/* A model that the query has acquired, and how to recognise its value. */
typedef struct PreparedModel
{
	Model	   *model;			/* NULL: none */
	uint64		hash;
	Size		size;
} PreparedModel;

/* Kept in fn_extra, for the length of a query. */
typedef struct RowCall
{
	Model	   *model;				/* of this call */
	PreparedModel prepared[PREPARED_MODELS];	/* a join may bring several in turn */
	int			n_prepared;
	int			last_prepared;
	MemoryContextCallback release;	/* of the models, when the query ends */
	Model	   *toasted;			/* the one last seen stored out of line ... */
	char		toast_pointer[32];	/* ... and where it is stored */
	Size		toast_size;
	char	   *name;				/* of the segmentation, where called by name */

	/* the features */
	int			n_arguments;		/* after the model */
	FeatureReader *reader;			/* by argument */
	Oid		   *type;				/* by argument */
	bool		all_numbers;		/* no argument is a category */
	bool		by_row;				/* a single composite argument: matched by name */
	bool		by_array;			/* VARIADIC array */
	Oid			row_type;			/* the composite type last seen */
	int32		row_typmod;
	char	  **row_features;		/* the names that the match was made for */
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
