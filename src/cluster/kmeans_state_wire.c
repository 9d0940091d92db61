/*
 * kmeans_state_wire.c: steps of k-means as bytes: text and binary input and output.
 *
 * Binary form, all numbers big-endian:
 *
 *	 int16 format: 1, or 2 where rows have weights | string: the model
 *	 int64 rows seen | int64 rows skipped | int64 rows with a coordinate too far
 *	 a segment: int64 rows
 *				| int128 sum of each coordinate, as two int64, in steps of the grid
 *				| exact sum of squared distances
 *	 or, with weights: int64 rows | exact sum of weights
 *				| exact sum of weight times coordinate, of each
 *				| exact sum of weight times squared distance
 *
 * Strings and exact sums are as wire.c writes them.
 *
 * Equal states are equal bytes.  The text form is the binary form in hexadecimal;
 * both are read by the same code, which trusts nothing.
 */
#include "cluster/kmeans_state.h"

#include "libpq/pqformat.h"
#include "base/wire.h"

PG_FUNCTION_INFO_V1(segment_kmeans_state_in);
PG_FUNCTION_INFO_V1(segment_kmeans_state_out);
PG_FUNCTION_INFO_V1(segment_kmeans_state_recv);
PG_FUNCTION_INFO_V1(segment_kmeans_state_send);

#define WIRE_FORMAT 1
#define WIRE_FORMAT_WEIGHTED 2

/* in messages */
#define TYPE_NAME "kmeans_state"

/* ---- writing ---- */

static bytea *
to_bytes(KmeansState *state)
{
	SegmentStepSums *sums = &state->sums;
	bool		weighted = segment_kmeans_state_is_weighted(state);
	StringInfoData out;
	int			c;
	int			j;

	pq_begintypsend(&out);
	pq_sendint16(&out, weighted ? WIRE_FORMAT_WEIGHTED : WIRE_FORMAT);
	segment_wire_send_string(&out, state->value->json);
	pq_sendint64(&out, state->n_input);
	pq_sendint64(&out, state->n_skipped);
	pq_sendint64(&out, state->n_far);
	for (c = 0; c < sums->k; c++)
	{
		pq_sendint64(&out, sums->n[c]);
		if (weighted)
			segment_wire_send_sum(&out, &sums->weight[c]);
		for (j = 0; weighted && j < sums->d; j++)
			segment_wire_send_sum(&out, &sums->weighted[(size_t) c * sums->d + j]);
		for (j = 0; !weighted && j < sums->d; j++)
		{
			int128		sum = sums->sum[(size_t) c * sums->d + j];

			pq_sendint64(&out, (uint64) (sum >> 64));
			pq_sendint64(&out, (uint64) sum);
		}
		segment_wire_send_sum(&out, &sums->squares[c]);
	}
	return pq_endtypsend(&out);
}

/* ---- reading ---- */

static Datum
from_bytes(StringInfo in)
{
	int			format = pq_getmsgint(in, 2);
	bool		weighted = format == WIRE_FORMAT_WEIGHTED;
	SegmentModelValue *model;
	KmeansState *state;
	SegmentStepSums *sums;
	int64		n_placed = 0;
	int			c;
	int			j;

	if (format < 1)
		segment_wire_error(TYPE_NAME, "its format is not a positive number");
	if (format > WIRE_FORMAT_WEIGHTED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("kmeans_state has format %d, this version reads up to %d", format,
						WIRE_FORMAT_WEIGHTED),
				 errhint("It was written by a newer version of the extension; update this one.")));
	model = segment_model_from_text(segment_wire_receive_string(in, TYPE_NAME));
	state = segment_kmeans_state_new(model, weighted, CurrentMemoryContext);
	sums = &state->sums;
	state->n_input = pq_getmsgint64(in);
	state->n_skipped = pq_getmsgint64(in);
	state->n_far = pq_getmsgint64(in);
	if (state->n_input < 0 || state->n_input > SEGMENT_STEP_MAX_ROWS ||
		state->n_skipped < 0 || state->n_skipped > state->n_input ||
		state->n_far < 0 || state->n_far > state->n_input - state->n_skipped ||
		(weighted && state->n_far > 0))
		segment_wire_error(TYPE_NAME, "the number of rows is out of range");
	for (c = 0; c < sums->k; c++)
	{
		sums->n[c] = pq_getmsgint64(in);
		if (sums->n[c] < 0 || sums->n[c] > state->n_input - n_placed)
			segment_wire_error(TYPE_NAME, "the number of a segment's rows is out of range");
		n_placed += sums->n[c];
		if (weighted)
			segment_wire_receive_sum(in, TYPE_NAME, &sums->weight[c]);
		for (j = 0; weighted && j < sums->d; j++)
			segment_wire_receive_sum(in, TYPE_NAME, &sums->weighted[(size_t) c * sums->d + j]);
		for (j = 0; !weighted && j < sums->d; j++)
		{
			uint64		high = (uint64) pq_getmsgint64(in);
			uint64		low = (uint64) pq_getmsgint64(in);

			sums->sum[(size_t) c * sums->d + j] = (int128) (((uint128) high << 64) | low);
		}
		segment_wire_receive_sum(in, TYPE_NAME, &sums->squares[c]);
	}
	if (n_placed != state->n_input - state->n_skipped)
		segment_wire_error(TYPE_NAME, "rows of segments do not add up to the number placed");
	if (!segment_step_possible(sums))
		segment_wire_error(TYPE_NAME, "no rows have sums like these");
	pq_getmsgend(in);
	return segment_kmeans_state_datum(state);
}

/* ---- SQL ---- */

Datum
segment_kmeans_state_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(to_bytes(PG_GETARG_KMEANS_STATE(0)));
}

Datum
segment_kmeans_state_recv(PG_FUNCTION_ARGS)
{
	return from_bytes((StringInfo) PG_GETARG_POINTER(0));
}

Datum
segment_kmeans_state_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(segment_wire_to_text(to_bytes(PG_GETARG_KMEANS_STATE(0)), TYPE_NAME));
}

Datum
segment_kmeans_state_in(PG_FUNCTION_ARGS)
{
	StringInfoData in;

	segment_wire_from_text(PG_GETARG_CSTRING(0), TYPE_NAME, &in);
	return from_bytes(&in);
}
