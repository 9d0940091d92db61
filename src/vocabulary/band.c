/*
 * band.c: the label of the band in which a value lies.
 *
 * n ascending cuts make n + 1 bands, each with its lower end and without its upper one:
 * (-infinity, cut 1), [cut 1, cut 2), ..., [cut n, infinity].  Every number lies in
 * exactly one of them; NULL and NaN lie in none and get the label of the unknown.
 */
#include "compat.h"

#include <math.h>

#include "base/arguments.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_band);

/* The cuts of a call, checked. */
static const double *
take_cuts(FunctionCallInfo fcinfo, int *n)
{
	ArrayType  *array;
	const double *cut;
	int			i;

	segment_refuse_null(fcinfo, 1, "cuts");
	array = PG_GETARG_ARRAYTYPE_P(1);
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cuts must be a list of numbers without NULL")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	cut = (const double *) ARR_DATA_PTR(array);
	for (i = 0; i < *n; i++)
	{
		if (isnan(cut[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a cut must be a number, not NaN")));
		if (i > 0 && !(cut[i] > cut[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cuts must ascend, but %g comes after %g", cut[i], cut[i - 1])));
	}
	return cut;
}

/* band(value, cuts, labels, unknown) */
Datum
segment_band(PG_FUNCTION_ARGS)
{
	int			n_cuts;
	const double *cut = take_cuts(fcinfo, &n_cuts);
	ArrayType  *labels;
	int			n_labels;
	int			band = 0;
	int			index;
	Datum		label;
	bool		isnull;

	segment_refuse_null(fcinfo, 2, "labels");
	labels = PG_GETARG_ARRAYTYPE_P(2);
	n_labels = ArrayGetNItems(ARR_NDIM(labels), ARR_DIMS(labels));
	if (ARR_NDIM(labels) != 1 || n_labels != n_cuts + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d cuts make %d bands, but there are %d labels", n_cuts, n_cuts + 1, n_labels),
				 errhint("Give one label more than cuts, the lowest band first.")));
	if (PG_ARGISNULL(0) || isnan(PG_GETARG_FLOAT8(0)))
	{
		if (PG_ARGISNULL(3))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(3));
	}
	while (band < n_cuts && PG_GETARG_FLOAT8(0) >= cut[band])
		band++;
	index = ARR_LBOUND(labels)[0] + band;
	label = array_get_element(PointerGetDatum(labels), 1, &index, -1, -1, false, TYPALIGN_INT,
							  &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(label);
}
