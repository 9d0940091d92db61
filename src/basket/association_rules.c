/*
 * association_rules.c: who buys these buys that, too; and which items are near each other.
 *
 * association_rules(key, query, ...):
 *	1. The query's columns are a basket and an item; key names the item's type.
 *	2. An item counts once in a basket; a row with a NULL is left out, and told.
 *	3. Baskets are those with an item.  A share is reached where count / n is, as printed.
 *	4. Rules have one item on the right; with min_length 1 also rules from nothing.
 *	5. Measures that compare with nothing (all have the item) are NULL; conviction of a
 *	   rule without exception is Infinity.
 *	6. Rows come in an order that follows from the counts and the items, not from the source.
 * Memory: pairs.c.
 */
#include "compat.h"

#include <math.h>

#include "base/arguments.h"
#include "base/memory.h"
#include "basket/pairs.h"
#include "basket/sorted_baskets.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "kernel/base/allocate.h"
#include "kernel/basket/itemsets.h"
#include "kernel/basket/neighbours.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_association_rules);
PG_FUNCTION_INFO_V1(segment_item_similarity);

#define RULE_COLUMNS		12
#define SIMILARITY_COLUMNS	9

static double
argument_share(FunctionCallInfo fcinfo, int arg, const char *name)
{
	double		share = segment_arg_number(fcinfo, arg, name, 0);

	if (share > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a share from 0 to 1, not %g", name, share)));
	return share;
}

static void
read_source(PairReader *reader, const char *function, FunctionCallInfo fcinfo, int search_path)
{
	PairMemory *memory = segment_pair_memory(function);
	SourceText	source = {0};
	PairColumn *baskets = segment_pair_column(memory, "basket", InvalidOid);
	PairColumn *items = segment_pair_column(memory, "item",
											get_fn_expr_argtype(fcinfo->flinfo, 0));

	segment_refuse_null(fcinfo, 1, "query");
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	source.search_path = segment_arg_text(fcinfo, search_path);
	segment_read_pairs(reader, memory, baskets, items, &source);
	segment_tell_skipped_pairs(reader);
}

static void
set_measure(Datum *value, bool *isnull, double measure)
{
	*isnull = isnan(measure);
	*value = Float8GetDatum(measure);
}

/* How an array of items is made. */
typedef struct ItemArray
{
	Oid			type;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
} ItemArray;

static void
put_rule(ReturnSetInfo *rsinfo, const SegmentRule *rule, const SegmentBaskets *baskets,
		 const PairColumn *items, ItemArray *array)
{
	SegmentAssociation of = segment_association(rule->both, rule->with_antecedent,
												rule->with_consequent, baskets->n_baskets);
	Datum		values[RULE_COLUMNS];
	bool		nulls[RULE_COLUMNS] = {false};
	uint32		i;

	for (i = 0; i < rule->n_items; i++)
		array->values[i] = segment_pair_value(items, baskets->item_of[rule->antecedent[i]]);
	values[0] = rule->n_items == 0 ? PointerGetDatum(construct_empty_array(array->type))
		: PointerGetDatum(construct_array(array->values, (int) rule->n_items, array->type,
										  array->length, array->by_value, array->align));
	values[1] = segment_pair_value(items, baskets->item_of[rule->consequent]);
	values[2] = Int64GetDatum(rule->both);
	values[3] = Int64GetDatum(rule->with_antecedent);
	values[4] = Int64GetDatum(rule->with_consequent);
	set_measure(&values[5], &nulls[5], of.support);
	set_measure(&values[6], &nulls[6], of.confidence);
	set_measure(&values[7], &nulls[7], of.lift);
	set_measure(&values[8], &nulls[8], of.leverage);
	set_measure(&values[9], &nulls[9], of.conviction);
	set_measure(&values[10], &nulls[10], of.chi2);
	set_measure(&values[11], &nulls[11], of.chi2_p);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
put_rules(ReturnSetInfo *rsinfo, const SegmentItemsets *itemsets, const SegmentBaskets *baskets,
		  const PairColumn *items, uint32 least_length, double min_confidence)
{
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "segment rule",
											  ALLOCSET_DEFAULT_SIZES);
	ItemArray	array;
	SegmentRuleWalk walk;
	SegmentRule rule;
	bool		found;

	array.type = items->type;
	get_typlenbyvalalign(array.type, &array.length, &array.by_value, &array.align);
	array.values = segment_allocate(itemsets->memory, itemsets->longest, sizeof(Datum));
	segment_rules_begin(&walk, itemsets, least_length, min_confidence);
	for (;;)
	{
		MemoryContext old;

		(void) segment_rules_next(&walk, &rule, &found, segment_check_interrupts);
		if (!found)
			break;
		old = MemoryContextSwitchTo(row);
		put_rule(rsinfo, &rule, baskets, items, &array);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
		(void) segment_check_interrupts();
	}
}

/*
 * association_rules(key, query, min_support, min_confidence, min_length, max_length,
 * search_path)
 */
Datum
segment_association_rules(PG_FUNCTION_ARGS)
{
	double		min_support = argument_share(fcinfo, 2, "min_support");
	double		min_confidence = argument_share(fcinfo, 3, "min_confidence");
	int			min_length = segment_arg_count(fcinfo, 4, "min_length", 1);
	int			max_length = segment_arg_count(fcinfo, 5, "max_length", min_length);
	PairReader *reader = palloc0(sizeof(PairReader));
	SegmentBaskets baskets;
	SegmentItemsets itemsets;
	uint32		least;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	reader->may_sort = true;
	read_source(reader, "association_rules", fcinfo, 6);
	if (reader->sort == NULL)
	{
		segment_rank_items(&baskets, reader, min_support, 1, &least);
		segment_pair_forget(reader->first);
		(void) segment_itemsets_find(&itemsets, segment_pair_kernel_memory(reader->memory), &baskets,
									 least, (uint32) max_length, segment_check_interrupts);
	}
	else
		segment_itemsets_of_sorted(&itemsets, &baskets, reader, min_support, (uint32) max_length);
	put_rules((ReturnSetInfo *) fcinfo->resultinfo, &itemsets, &baskets, reader->second,
			  (uint32) min_length, min_confidence);
	return (Datum) 0;
}

/* ---- similarity ---- */

static void
put_neighbours(ReturnSetInfo *rsinfo, const SegmentBaskets *baskets, const PairColumn *items,
			   uint32 rank, const SegmentNeighbour *nearest, uint32 n)
{
	uint32		with = segment_baskets_with(baskets, rank);
	uint32		i;

	for (i = 0; i < n; i++)
	{
		uint32		other = segment_baskets_with(baskets, nearest[i].rank);
		uint32		both = nearest[i].both;
		Datum		values[SIMILARITY_COLUMNS];
		bool		nulls[SIMILARITY_COLUMNS] = {false};
		int			k;

		values[0] = segment_pair_value(items, baskets->item_of[rank]);
		values[1] = Int32GetDatum((int32) i + 1);
		values[2] = segment_pair_value(items, baskets->item_of[nearest[i].rank]);
		values[3] = Int64GetDatum(both);
		values[4] = Int64GetDatum(with);
		values[5] = Int64GetDatum(other);
		for (k = 0; k < SEGMENT_SIMILARITIES; k++)
			values[6 + k] = Float8GetDatum(segment_similarity(k, both, with, other,
															  baskets->n_baskets));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* item_similarity(key, query, measure, top, min_together, search_path) */
Datum
segment_item_similarity(PG_FUNCTION_ARGS)
{
	static const char *const measures[] = {"cosine", "jaccard", "lift", NULL};
	int			measure = segment_name_in_list(segment_arg_text(fcinfo, 2), measures, "measure");
	int			top = segment_arg_count(fcinfo, 3, "top", 1);
	int			least = segment_arg_count(fcinfo, 4, "min_together", 1);
	PairReader *reader = palloc0(sizeof(PairReader));
	SegmentMemory memory;
	SegmentBaskets baskets;
	SegmentTogether together;
	SegmentNeighbour *nearest;
	uint32		rank;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	read_source(reader, "item_similarity", fcinfo, 5);
	memory = segment_pair_kernel_memory(reader->memory);
	segment_rank_items(&baskets, reader, 0, (uint32) least, NULL);
	segment_together_begin(&together, memory, &baskets, segment_check_interrupts);
	nearest = segment_allocate(memory, Min((uint32) top, baskets.n_ranks),
							   sizeof(SegmentNeighbour));
	for (rank = 0; rank < baskets.n_ranks; rank++)
	{
		uint32		n;

		(void) segment_neighbours(&together, rank, measure, (uint32) least, nearest,
								  Min((uint32) top, baskets.n_ranks), &n);
		put_neighbours((ReturnSetInfo *) fcinfo->resultinfo, &baskets, reader->second, rank,
					   nearest, n);
		(void) segment_check_interrupts();
	}
	return (Datum) 0;
}
