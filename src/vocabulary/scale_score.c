/*
 * scale_score.c: the score of a person on a scale of several questions.
 *
 * The mean of the answers, those of reversed questions turned around: min + max - answer.
 * With at least half of the questions answered (or as many as the caller asks for) it
 * is the mean of those; with fewer there is no score.  This "half rule" is that of
 * SF-36 (J. E. Ware et al., SF-36 Health Survey: Manual, 1993).
 */
#include "compat.h"

#include <math.h>

#include "base/aggregate_argument.h"
#include "base/arguments.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(segment_scale_score);

/* Turns the answers of reversed questions around; reversed: their numbers, from 1. */
static void
reverse_answers(FunctionCallInfo fcinfo, double *answer, int n, double both_ends)
{
	ArrayType  *array;
	const int32 *reversed;
	bool	   *done = palloc0(sizeof(bool) * (n + 1));
	int			n_reversed;
	int			i;

	segment_refuse_null(fcinfo, 1, "reversed");
	array = PG_GETARG_ARRAYTYPE_P(1);
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reversed must be a list of numbers of questions without NULL"),
				 errhint("For none of them give '{}'.")));
	n_reversed = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	reversed = (const int32 *) ARR_DATA_PTR(array);
	for (i = 0; i < n_reversed; i++)
	{
		if (reversed[i] < 1 || reversed[i] > n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there are %d answers, but the one reversed is number %d", n, reversed[i]),
					 errhint("Questions are counted from 1.")));
		if (!done[reversed[i]])
			answer[reversed[i] - 1] = both_ends - answer[reversed[i] - 1];
		done[reversed[i]] = true;
	}
	pfree(done);
}

/* scale_score(answers, reversed, min, max, min_answered) */
Datum
segment_scale_score(PG_FUNCTION_ARGS)
{
	double		min;
	double		max;
	double	   *answer;
	double		sum = 0;
	int			n;
	int			n_answered = 0;
	int			least;
	int			i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	segment_refuse_null(fcinfo, 2, "min");
	segment_refuse_null(fcinfo, 3, "max");
	min = PG_GETARG_FLOAT8(2);
	max = PG_GETARG_FLOAT8(3);
	if (!(isfinite(min) && isfinite(max) && min < max))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min must be below max, and both finite, not %g and %g", min, max)));
	{
		ArrayType  *array = segment_arg_features(fcinfo, 0, &n);

		answer = palloc(sizeof(double) * Max(n, 1));
		segment_copy_features(array, n, answer);
		for (i = 0; i < n; i++)
			if (answer[i] < min || answer[i] > max)
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("answer %d is %g, expected %g to %g", i + 1, answer[i], min, max),
						 errhint("An answer that was not given is NULL.")));
	}
	reverse_answers(fcinfo, answer, n, min + max);
	least = PG_ARGISNULL(4) ? (n + 1) / 2 : PG_GETARG_INT32(4);
	for (i = 0; i < n; i++)
	{
		if (isnan(answer[i]))
			continue;
		sum += answer[i];
		n_answered++;
	}
	if (n_answered == 0 || n_answered < least)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum / n_answered);
}
