/*
 * recommend.c: what customers are likely to want next, from what those who have the same
 * have besides.
 *
 * recommend(key, item_key, purchases, segments, ...):
 *	1. The columns of purchases are a customer and an item, those of segments a customer and
 *	   a segment of any type; the first two arguments name the types.
 *	2. An item counts once for a customer; a row of purchases with a NULL is left out, and
 *	   told.  A row of segments with a NULL says nothing.
 *	3. A customer is in one segment at most.  Who is in none is told by the whole.
 *	4. Customers are those of either query, or those of only_keys, whether known or not;
 *	   whom is asked for changes no answer.
 *	5. Rows of a customer come together, the best first.
 * What scores are: kernel/basket/neighbours.c.  Customers are numbered by their segments,
 * so that those of an item who are in a segment lie side by side.
 */
#include "compat.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "basket/pairs.h"
#include "funcapi.h"
#include "kernel/base/allocate.h"
#include "kernel/basket/neighbours.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_recommend_items);

#define COLUMNS 5

typedef struct Recommending
{
	ReturnSetInfo *rsinfo;
	PairMemory *memory;
	SegmentMemory kernel;
	PairColumn *customers;
	PairColumn *items;
	PairReader *purchases;
	uint32		n_segments;		/* without those of no segment */
	uint32	   *segment_of;		/* of each customer, from 1; 0: none */
	bool	   *wanted;			/* NULL: all */
	uint32	   *customer_at;	/* n customers, by segment */
	uint32	   *start;			/* n_segments + 2: where those of each begin; 0: of none */
	SegmentBaskets baskets;
	SegmentRecommender recommender;
	SegmentRecommendation *result;
	uint32		most;
	bool		only_new;
} Recommending;

static uint32
n_customers(const Recommending *r)
{
	return r->customers->known ? r->customers->table.n : 0;
}

/* ---- reading ---- */

/* Reads which segment each customer is in; NULL: nobody is in one. */
static PairReader *
read_segments(Recommending *r, FunctionCallInfo fcinfo, int arg, SourceText *source)
{
	PairReader *reader = palloc0(sizeof(PairReader));
	PairColumn *segments = segment_pair_column(r->memory, "segment", InvalidOid);

	if (PG_ARGISNULL(arg))
		return reader;
	source->query = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	segment_read_pairs(reader, r->memory, r->customers, segments, source);
	r->n_segments = segments->table.n;
	return reader;
}

/* Which customers are asked for; those nobody knows become known.  NULL: all. */
static Datum *
read_wanted(Recommending *r, FunctionCallInfo fcinfo, int arg, int *n)
{
	SourceText	given = {0};
	Datum	   *values;
	bool	   *nulls;
	int16		length;
	bool		by_value;
	char		align;
	int			n_given;
	int			i;

	*n = -1;
	segment_source_only(&given, fcinfo, arg, r->customers->type);
	if (!OidIsValid(given.only_type))
		return NULL;
	get_typlenbyvalalign(r->customers->type, &length, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(given.only), r->customers->type, length, by_value, align,
					  &values, &nulls, &n_given);
	*n = 0;
	for (i = 0; i < n_given; i++)
		if (!nulls[i])
		{
			if (length == -1)
				values[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(values[i]));
			(void) segment_pair_number(r->customers, values[i]);
			values[(*n)++] = values[i];
		}
	return values;
}

static void
mark_wanted(Recommending *r, const Datum *values, int n)
{
	int			i;

	if (n < 0)
		return;
	r->wanted = segment_allocate_zeros(r->kernel, n_customers(r), sizeof(bool));
	for (i = 0; i < n; i++)
		r->wanted[segment_pair_number(r->customers, values[i])] = true;
}

/* ---- customers by segment ---- */

static void
place_segments(Recommending *r, PairReader *segments)
{
	uint64		i;

	r->segment_of = segment_allocate_zeros(r->kernel, n_customers(r), sizeof(uint32));
	for (i = 0; i < segments->n_lines; i++)
	{
		uint32	   *segment = &r->segment_of[segments->lines[i].basket];

		if (*segment != 0 && *segment != segments->lines[i].item + 1)
			ereport(ERROR,
					(errcode(ERRCODE_CARDINALITY_VIOLATION),
					 errmsg("a customer is in two segments"),
					 errdetail("Those of one segment are told by each other, so there can be one "
							   "at most."),
					 errhint("Give a segmentation whose segments do not overlap.")));
		*segment = segments->lines[i].item + 1;
	}
	if (segments->lines != NULL)
		r->kernel.release(r->kernel.ctx, segments->lines);
}

/* Numbers customers anew, those of one segment side by side. */
static void
sort_customers(Recommending *r)
{
	uint32		n = n_customers(r);
	uint32	   *number = segment_allocate(r->kernel, n, sizeof(uint32));
	uint32		segment;
	uint32		c;
	uint64		i;

	r->customer_at = segment_allocate(r->kernel, n, sizeof(uint32));
	r->start = segment_allocate_zeros(r->kernel, (uint64) r->n_segments + 2, sizeof(uint32));
	for (c = 0; c < n; c++)
		r->start[r->segment_of[c] + 1]++;
	for (segment = 0; segment <= r->n_segments; segment++)
		r->start[segment + 1] += r->start[segment];
	for (c = 0; c < n; c++)
	{
		number[c] = r->start[r->segment_of[c]]++;
		r->customer_at[number[c]] = c;
	}
	for (segment = r->n_segments + 1; segment > 0; segment--)
		r->start[segment] = r->start[segment - 1];
	r->start[0] = 0;
	for (i = 0; i < r->purchases->n_lines; i++)
		r->purchases->lines[i].basket = number[r->purchases->lines[i].basket];
	r->kernel.release(r->kernel.ctx, number);
	r->kernel.release(r->kernel.ctx, r->segment_of);
}

/* ---- answers ---- */

static void
put_customer(Recommending *r, uint32 number)
{
	Datum		values[COLUMNS];
	uint32		n;
	uint32		i;

	(void) segment_recommend(&r->recommender, number, r->only_new, r->result, r->most, &n);
	values[0] = segment_pair_value(r->customers, r->customer_at[number]);
	for (i = 0; i < n; i++)
	{
		const SegmentRecommendation *one = &r->result[i];
		bool		nulls[COLUMNS] = {false};

		values[1] = Int32GetDatum((int32) i + 1);
		values[2] = segment_pair_value(r->items, r->baskets.item_of[one->rank]);
		values[3] = Float8GetDatum(one->score);
		nulls[4] = one->because == PG_UINT32_MAX;
		values[4] = nulls[4] ? (Datum) 0
			: segment_pair_value(r->items, r->baskets.item_of[one->because]);
		tuplestore_putvalues(r->rsinfo->setResult, r->rsinfo->setDesc, values, nulls);
	}
}

static bool
is_wanted(const Recommending *r, uint32 number)
{
	return r->wanted == NULL || r->wanted[r->customer_at[number]];
}

static void
put_segment(Recommending *r, uint32 segment)
{
	uint32		from = r->start[segment];
	uint32		to = r->start[segment + 1];
	uint32		number;

	for (number = from; number < to && !is_wanted(r, number); number++)
		;
	if (number == to)
		return;
	if (segment == 0)
		(void) segment_recommender_enter(&r->recommender, 0, r->baskets.n_baskets);
	else
		(void) segment_recommender_enter(&r->recommender, from, to);
	for (; number < to; number++)
		if (is_wanted(r, number))
			put_customer(r, number);
}

/*
 * recommend(key, item_key, purchases, segments, only_keys, top, only_new, whole_weight,
 * neighbours, search_path)
 */
Datum
segment_recommend_items(PG_FUNCTION_ARGS)
{
	Recommending r = {0};
	SourceText	source = {0};
	double		whole_weight = segment_arg_number(fcinfo, 7, "whole_weight", 0);
	int			neighbours = segment_arg_count(fcinfo, 8, "neighbours", 1);
	PairReader *segments;
	Datum	   *wanted;
	int			n_wanted;
	uint32		segment;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	segment_refuse_null(fcinfo, 2, "purchases");
	segment_refuse_null(fcinfo, 6, "only_new");
	r.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	r.most = (uint32) segment_arg_count(fcinfo, 5, "top", 1);
	r.only_new = PG_GETARG_BOOL(6);
	r.memory = segment_pair_memory("recommend");
	r.kernel = segment_pair_kernel_memory(r.memory);
	r.customers = segment_pair_column(r.memory, "customer",
									  get_fn_expr_argtype(fcinfo->flinfo, 0));
	r.items = segment_pair_column(r.memory, "item", get_fn_expr_argtype(fcinfo->flinfo, 1));
	r.purchases = palloc0(sizeof(PairReader));
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(2));
	source.search_path = segment_arg_text(fcinfo, 9);
	segment_read_pairs(r.purchases, r.memory, r.customers, r.items, &source);
	segment_tell_skipped_pairs(r.purchases);
	segments = read_segments(&r, fcinfo, 3, &source);
	wanted = read_wanted(&r, fcinfo, 4, &n_wanted);
	mark_wanted(&r, wanted, n_wanted);
	place_segments(&r, segments);
	sort_customers(&r);
	segment_rank_items(&r.baskets, r.purchases, 0, 1, NULL);
	r.most = Min(r.most, r.baskets.n_ranks);
	r.result = segment_allocate(r.kernel, r.most, sizeof(SegmentRecommendation));
	segment_recommender_begin(&r.recommender, r.kernel, &r.baskets, whole_weight,
							  (uint32) neighbours, segment_check_interrupts);
	for (segment = 0; segment <= r.n_segments; segment++)
		put_segment(&r, segment);
	return (Datum) 0;
}
