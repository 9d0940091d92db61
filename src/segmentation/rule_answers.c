/*
 * rule_answers.c: what all rules of a segmentation answer to all rows of its source, counted
 * in one pass.
 *
 * A row comes as an array of booleans, the answers of the rules in the order of their
 * priority; behind them may stand other questions, which are only counted.
 *
 *		true, unknown	a rule or question: for how many rows
 *		first			a rule: for how many it is the first that holds
 *		taken			a rule and another: for how many it holds, but the other is the first;
 *						only of the N_TAKERS that take most
 *		near			two rules: for how many both hold, where their Jaccard index exceeds
 *						what is given
 *
 * Pairs are counted for a block of rows at a time, by bits: memory depends on the number of
 * rules (16 bytes a pair, 4 kB a rule), not on that of rows.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "kernel/base/bit_sets.h"
#include "miscadmin.h"
#include "source/source_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_rule_answers);

#define BLOCK		32768		/* rows */
#define N_TAKERS	3

typedef struct Answers
{
	DestReceiver receiver;		/* first, so that it can be cast */
	int			n_rules;
	int			n;				/* rules and other questions */
	uint64		rows;
	uint64	   *holds;			/* n */
	uint64	   *unknown;		/* n */
	uint64	   *first;			/* n_rules */
	uint64	   *taken;			/* n_rules * n_rules: by, of */
	uint64	   *both;			/* n_rules * n_rules, one before the other */
	uint32		in_block;		/* rows */
	SegmentBitSets block;
} Answers;

static void
end_block(Answers *answers)
{
	const SegmentBitSets *block = &answers->block;
	int			i;
	int			j;

	for (i = 0; i < answers->n_rules; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!block->filled[i])
			continue;
		for (j = i + 1; j < answers->n_rules; j++)
			if (block->filled[j])
				answers->both[(Size) i * answers->n_rules + j] +=
					segment_bits_in_both(segment_bit_set(block, i), segment_bit_set(block, j),
										 block->n_words);
	}
	memset(block->filled, 0, sizeof(bool) * answers->n_rules);
	answers->in_block = 0;
}

static bool
answers_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Answers    *answers = (Answers *) self;
	bool		is_null;
	Datum		value = slot_getattr(slot, 1, &is_null);
	ArrayType  *array = is_null ? NULL : DatumGetArrayTypeP(value);
	const bool *next;
	const bits8 *known;
	int			first = -1;
	int			i;

	if (array == NULL || ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != answers->n)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a row does not have %d answers", answers->n)));
	next = (const bool *) ARR_DATA_PTR(array);
	known = ARR_NULLBITMAP(array);
	for (i = 0; i < answers->n; i++)
	{
		if (known != NULL && (known[i / 8] & (1 << (i % 8))) == 0)
		{
			answers->unknown[i]++;
			continue;
		}
		if (!*next++)
			continue;
		answers->holds[i]++;
		if (i >= answers->n_rules)
			continue;
		segment_bit_sets_add(&answers->block, i, answers->in_block);
		if (first >= 0)
			answers->taken[(Size) first * answers->n_rules + i]++;
		else
		{
			first = i;
			answers->first[i]++;
		}
	}
	answers->rows++;
	if (++answers->in_block == BLOCK)
		end_block(answers);
	return true;
}

static void
answers_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	if (desc->natts != 1 || TupleDescAttr(desc, 0)->atttypid != BOOLARRAYOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("answers are not an array of booleans")));
}

static uint64 *
zeros(Size n)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, sizeof(uint64) * Max(n, 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
put(ReturnSetInfo *rsinfo, const char *what, int rule, int other, uint64 rows)
{
	Datum		values[4];
	bool		nulls[4] = {false, rule < 0, other < 0, false};

	values[0] = CStringGetTextDatum(what);
	values[1] = Int32GetDatum(rule + 1);
	values[2] = Int32GetDatum(other + 1);
	values[3] = Int64GetDatum((int64) rows);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Who takes most of a rule; of those that take as many, whoever comes first. */
static void
put_takers(const Answers *answers, int rule, ReturnSetInfo *rsinfo)
{
	uint64		limit_rows = PG_UINT64_MAX;
	int			limit = -1;
	int			n;
	int			i;

	for (n = 0; n < N_TAKERS; n++)
	{
		uint64		most = 0;
		int			by = -1;

		for (i = 0; i < rule; i++)
		{
			uint64		rows = answers->taken[(Size) i * answers->n_rules + rule];

			if (rows > most && (rows < limit_rows || (rows == limit_rows && i > limit)))
			{
				most = rows;
				by = i;
			}
		}
		if (by < 0)
			return;
		put(rsinfo, "taken", rule, by, most);
		limit_rows = most;
		limit = by;
	}
}

static void
put_answers(const Answers *answers, double near, ReturnSetInfo *rsinfo)
{
	int			i;
	int			j;

	put(rsinfo, "rows", -1, -1, answers->rows);
	for (i = 0; i < answers->n; i++)
	{
		put(rsinfo, "true", i, -1, answers->holds[i]);
		put(rsinfo, "unknown", i, -1, answers->unknown[i]);
	}
	for (i = 0; i < answers->n_rules; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put(rsinfo, "first", i, -1, answers->first[i]);
		put_takers(answers, i, rsinfo);
		for (j = i + 1; j < answers->n_rules; j++)
		{
			uint64		both = answers->both[(Size) i * answers->n_rules + j];
			uint64		either = answers->holds[i] + answers->holds[j] - both;

			if (both > 0 && (double) both / (double) either > near)
				put(rsinfo, "near", i, j, both);
		}
	}
}

/* rule_answers(query, search_path, rules, questions, near) */
Datum
segment_rule_answers(PG_FUNCTION_ARGS)
{
	Answers    *answers = palloc0(sizeof(Answers));
	SourceText	source = {0};
	int			n_rules = PG_GETARG_INT32(2);
	int			n_questions = PG_GETARG_INT32(3);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (n_rules < 0 || n_questions < 0 || n_rules > 100000 || n_questions > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d rules and %d questions cannot be asked at once", n_rules, n_questions)));
	segment_source_receiver(&answers->receiver, answers_receive, answers_startup);
	answers->n_rules = n_rules;
	answers->n = n_rules + n_questions;
	answers->holds = zeros(answers->n);
	answers->unknown = zeros(answers->n);
	answers->first = zeros(n_rules);
	answers->taken = zeros((Size) n_rules * n_rules);
	answers->both = zeros((Size) n_rules * n_rules);
	answers->block.n = n_rules;
	answers->block.n_words = BLOCK / 64;
	answers->block.words = zeros((Size) n_rules * (BLOCK / 64));
	answers->block.filled = palloc0(sizeof(bool) * Max(n_rules, 1));
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	source.search_path = text_to_cstring(PG_GETARG_TEXT_PP(1));
	segment_source_run(&source, &answers->receiver);
	end_block(answers);
	put_answers(answers, PG_GETARG_FLOAT8(4), (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
