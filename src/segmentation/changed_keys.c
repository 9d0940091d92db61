/*
 * changed_keys.c: whose rows a statement changed, for a segmentation that tracks its table: the keys
 * that its transitions hold, each once, or everybody.
 *
 * A key is taken as it stands, from a column of exactly the key's type, or one of the server's types
 * that hold the same values: no code of anybody's runs.
 */
#include "segmentation/changed_keys.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#define LEAST_LIMIT 1000		/* keys of one statement that are written in any case */
#define MOST_KEYS 100000		/* more are everybody */
#define MEMBERS_SHARE 4			/* and so is more than one in so many members */

/* The same integer as another type; false: that has no such number. */
static bool
convert_integer(Datum *value, Oid from, Oid to)
{
	int64		number = from == INT2OID ? DatumGetInt16(*value)
		: from == INT4OID ? DatumGetInt32(*value) : DatumGetInt64(*value);

	if (to == INT2OID)
	{
		*value = Int16GetDatum((int16) number);
		return number >= PG_INT16_MIN && number <= PG_INT16_MAX;
	}
	if (to == INT4OID)
	{
		*value = Int32GetDatum((int32) number);
		return number >= PG_INT32_MIN && number <= PG_INT32_MAX;
	}
	*value = Int64GetDatum(number);
	return true;
}

/* Where a key is, or is to be put. */
static int *
find_slot(const ChangedKeys *keys, Datum value)
{
	const TrackTarget *target = keys->target;
	uint32		mask = (uint32) keys->room * 2 - 1;
	uint32		at = datum_image_hash(value, target->key_by_value, target->key_length) & mask;

	while (keys->slots[at] != 0 &&
		   !datum_image_eq(keys->values[keys->slots[at] - 1], value, target->key_by_value,
						   target->key_length))
		at = (at + 1) & mask;
	return &keys->slots[at];
}

static void
make_room(ChangedKeys *keys)
{
	int			i;

	keys->room = keys->room == 0 ? 8 : keys->room * 2;
	keys->values = keys->values == NULL ? palloc(sizeof(Datum) * keys->room)
		: repalloc(keys->values, sizeof(Datum) * keys->room);
	if (keys->slots != NULL)
		pfree(keys->slots);
	keys->slots = palloc0(sizeof(int) * keys->room * 2);
	for (i = 0; i < keys->n; i++)
		*find_slot(keys, keys->values[i]) = i + 1;
}

/* As many keys as are worth writing, by the number of members that there were last. */
static int
limit_for(const TrackTarget *target)
{
	Relation	members = try_relation_open(target->members, AccessShareLock);
	double		limit = MOST_KEYS;

	if (members == NULL)
		return MOST_KEYS;
	if (members->rd_rel->reltuples >= 0)
		limit = Min(Max(members->rd_rel->reltuples / MEMBERS_SHARE, LEAST_LIMIT), MOST_KEYS);
	relation_close(members, AccessShareLock);
	return (int) limit;
}

static void
add_key(ChangedKeys *keys, Datum value)
{
	const TrackTarget *target = keys->target;
	int		   *slot;

	if (keys->n == keys->room)
		make_room(keys);
	slot = find_slot(keys, value);
	if (*slot != 0)
		return;
	if (keys->n >= keys->limit)
	{
		if (keys->limit == LEAST_LIMIT)
			keys->limit = limit_for(target);
		if (keys->n >= keys->limit)
		{
			keys->everybody = true;
			return;
		}
	}
	/* in line: the log must not point to what the table has stored elsewhere */
	keys->values[keys->n] = target->key_length == -1
		? PointerGetDatum(PG_DETOAST_DATUM_COPY(value))
		: datumCopy(value, target->key_by_value, target->key_length);
	*slot = ++keys->n;
}

static void
add_row(ChangedKeys *keys, TupleTableSlot *row)
{
	const TrackTarget *target = keys->target;
	int			i;

	for (i = 0; i < target->n && !keys->everybody; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(row, target->columns[i], &isnull);

		if (isnull || (target->types[i] != target->key_type && target->key_length > 0 &&
					   !convert_integer(&value, target->types[i], target->key_type)))
			continue;
		add_key(keys, value);
	}
}

static bool
next_row(Tuplestorestate *rows, TupleTableSlot *slot)
{
	tuplestore_select_read_pointer(rows, 0);
	return tuplestore_gettupleslot(rows, true, false, slot);
}

/* Whether an update left a row as it was, byte by byte. */
static bool
is_unchanged(TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	MinimalTuple a = ((MinimalTupleTableSlot *) old_row)->mintuple;
	MinimalTuple b = ((MinimalTupleTableSlot *) new_row)->mintuple;

	return a->t_len == b->t_len && a->t_hoff == b->t_hoff &&
		(a->t_infomask & HEAP_HASNULL) == (b->t_infomask & HEAP_HASNULL) &&
		(a->t_infomask2 & HEAP_NATTS_MASK) == (b->t_infomask2 & HEAP_NATTS_MASK) &&
		memcmp(a->t_bits, b->t_bits, a->t_len - offsetof(MinimalTupleData, t_bits)) == 0;
}

static void
add_transitions(ChangedKeys *keys, TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	Tuplestorestate *old_rows = trigger->tg_oldtable;
	Tuplestorestate *new_rows = trigger->tg_newtable;
	TupleTableSlot *old_row = NULL;
	TupleTableSlot *new_row = NULL;
	bool		more = true;

	if (old_rows != NULL)
	{
		old_row = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		tuplestore_select_read_pointer(old_rows, 0);
		tuplestore_rescan(old_rows);
	}
	if (new_rows != NULL)
	{
		new_row = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		tuplestore_select_read_pointer(new_rows, 0);
		tuplestore_rescan(new_rows);
	}
	while (more && !keys->everybody)
	{
		bool		has_old = old_rows != NULL && next_row(old_rows, old_row);
		bool		has_new = new_rows != NULL && next_row(new_rows, new_row);

		more = has_old || has_new;
		/* equal rows cancel out, whether they are of one row or of two */
		if (has_old && has_new && is_unchanged(old_row, new_row))
			continue;
		if (has_old)
			add_row(keys, old_row);
		if (has_new)
			add_row(keys, new_row);
		CHECK_FOR_INTERRUPTS();
	}
	if (old_row != NULL)
		ExecDropSingleTupleTableSlot(old_row);
	if (new_row != NULL)
		ExecDropSingleTupleTableSlot(new_row);
}

void
segment_collect_keys(ChangedKeys *keys, TriggerData *trigger)
{
	TriggerEvent event = trigger->tg_event;

	keys->limit = LEAST_LIMIT;
	if (TRIGGER_FIRED_FOR_ROW(event))
	{
		add_row(keys, trigger->tg_trigslot);
		if (TRIGGER_FIRED_BY_UPDATE(event))
			add_row(keys, trigger->tg_newslot);
	}
	else if (TRIGGER_FIRED_BY_TRUNCATE(event) ||
			 (!TRIGGER_FIRED_BY_INSERT(event) && trigger->tg_oldtable == NULL) ||
			 (!TRIGGER_FIRED_BY_DELETE(event) && trigger->tg_newtable == NULL))
		keys->everybody = true;
	else
		add_transitions(keys, trigger);
}

/* Whether a statement for which all changes concern everybody changed anything. */
bool
segment_changed_rows(TriggerData *trigger)
{
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		return true;
	return trigger->tg_oldtable == NULL && trigger->tg_newtable == NULL
		? true
		: (trigger->tg_oldtable != NULL && tuplestore_tuple_count(trigger->tg_oldtable) > 0) ||
		(trigger->tg_newtable != NULL && tuplestore_tuple_count(trigger->tg_newtable) > 0);
}
