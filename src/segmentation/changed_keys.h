/*
 * changed_keys.h: whose rows a statement changed.  See changed_keys.c.
 */
#ifndef SEGMENT_CHANGED_KEYS_H
#define SEGMENT_CHANGED_KEYS_H

#include "compat.h"

#include "access/attnum.h"
#include "commands/trigger.h"

/* A segmentation that tracks a table. */
typedef struct TrackTarget
{
	Oid			log;
	Oid			members;
	bool		everybody;		/* each change of the table concerns all customers */
	bool		immediate;		/* customers are placed at once, see immediate.c */
	Oid			key_type;		/* of the log */
	int16		key_length;
	bool		key_by_value;
	int			n;				/* columns of the table with keys */
	AttrNumber *columns;
	Oid		   *types;			/* of these columns */
} TrackTarget;

typedef struct ChangedKeys
{
	const TrackTarget *target;
	bool		everybody;
	int			limit;			/* with more keys it is everybody */
	int			n;
	int			room;			/* of values; half of that of slots */
	Datum	   *values;
	int		   *slots;			/* by hash: number of the value, from 1 */
} ChangedKeys;

extern void segment_collect_keys(ChangedKeys *keys, TriggerData *trigger);
extern bool segment_changed_rows(TriggerData *trigger);

#endif							/* SEGMENT_CHANGED_KEYS_H */
